/*
 * Deciding from memory: what this server has committed is changed without being read, and nothing
 * that another server did meanwhile makes it sell, refuse or forget wrongly.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/optimism.h"
#include "engine_fixture.h"
#include "holder.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "support/database.h"

#define STATE(name) STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_##name

static struct fixture fixture;
static struct engine *here, *there;

static int64_t batches(const char *rows)
{
	const char *label = strcmp(rows, "memory") == 0 ? "rows=\"memory\"" : "rows=\"database\"";
	return metric_value(metric_counter("stockbook_engine_batches_total", "", label));
}

static int64_t lost(const char *label)
{
	return metric_value(metric_counter("stockbook_engine_hopes_lost_total", "", label));
}

static void reserve_at(struct engine *engine, const char *sku, const char *location)
{
	struct caller *caller = caller_new(&fixture);
	reserve(caller, engine, sku, location, 1);
	fixture_run(&fixture);
	assert_string_equal(outcome(caller), "OK");
	caller_free(caller);
}

/* Items and locations were not known at first: until lanes hope again. */
static void settle(struct engine *engine, const char *location)
{
	receive(&fixture, engine, "BOWL", location, 100);
	for (size_t i = 0; i < 3 * OPTIMISM_PATIENCE_UNKNOWN_MAX; i++)
		reserve_at(engine, "BOWL", location);
}

static int setup(void **state)
{
	(void)state;
	metrics_reset();
	fixture_open(&fixture);
	struct engine_settings settings = {.sweep_interval_ms = 3600000, .lanes = 1};
	here = fixture_engine(&fixture, &settings);
	there = fixture_engine(&fixture, &settings);
	put_location(&fixture, here, "LEEDS");
	put_location(&fixture, here, "YORK");
	put_location(&fixture, here, "HULL");
	put_item(&fixture, here, "MUG");
	put_item(&fixture, here, "BOWL");
	settle(here, "HULL");
	settle(there, "YORK");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_book_is_right(&fixture, here);
	fixture_close(&fixture);
	return 0;
}

#define OF_MUGS " FROM stockbook.stock WHERE sku = 'MUG'"

static const char *reserve_now(struct engine *engine, int64_t quantity)
{
	struct caller *caller = caller_new(&fixture);
	reserve(caller, engine, "MUG", "LEEDS", quantity);
	fixture_run(&fixture);
	const char *text = arena_string(&fixture.arena, outcome(caller));
	caller_free(caller);
	return text;
}

/* Mugs from one state to another; the answer comes when the loop runs. */
static void send_move(struct caller *caller, struct engine *engine, int64_t quantity,
	Stockbook__V1__StockState from, Stockbook__V1__StockState to)
{
	Stockbook__V1__ChangeStockStateRequest *request = arena_alloc(&caller->arena, sizeof(*request));
	Stockbook__V1__StateChangeLine *line = arena_alloc(&caller->arena, sizeof(*line));
	stockbook__v1__change_stock_state_request__init(request);
	stockbook__v1__state_change_line__init(line);
	request->location = arena_string(&caller->arena, "LEEDS");
	request->lines = arena_copy(&caller->arena, &line, sizeof(line));
	request->n_lines = 1;
	line->sku = arena_string(&caller->arena, "MUG");
	line->quantity = quantity;
	line->from_state = from;
	line->to_state = to;
	call(caller, engine, "StockService/ChangeStockState", request);
}

/* The same at once, under this request id. */
static const char *move(struct engine *engine, int64_t quantity, Stockbook__V1__StockState from,
	Stockbook__V1__StockState to, struct uuid id)
{
	struct caller *caller = caller_new(&fixture);
	caller->request.request_id = id;
	send_move(caller, engine, quantity, from, to);
	fixture_run(&fixture);
	const char *text = arena_string(&fixture.arena, outcome(caller));
	caller_free(caller);
	return text;
}

static void what_was_committed_here_is_changed_without_being_read(void **state)
{
	(void)state;
	receive(&fixture, here, "MUG", "LEEDS", 100);
	reserve_at(here, "BOWL", "HULL"); /* after the receipt, which could not know the row */
	int64_t before = batches("database");
	for (size_t i = 0; i < 20; i++)
		assert_string_equal(reserve_now(here, 1), "OK");
	assert_int_equal(batches("database"), before);
	assert_true(batches("memory") >= 20);
	assert_int_equal(ask(&fixture, "SELECT reserved" OF_MUGS), 20);
}

static void what_is_not_remembered_is_read_without_a_lock(void **state)
{
	(void)state;
	receive(&fixture, here, "MUG", "LEEDS", 100);
	int64_t before = batches("database");
	assert_string_equal(reserve_now(there, 1), "OK");
	assert_int_equal(batches("database"), before);
	assert_int_equal(lost("why=\"moved\""), 0);
}

static void what_another_server_sold_is_not_sold_again(void **state)
{
	(void)state;
	receive(&fixture, here, "MUG", "LEEDS", 10);
	assert_string_equal(reserve_now(here, 1), "OK");
	assert_string_equal(reserve_now(there, 8), "OK");
	assert_string_equal(reserve_now(here, 2), "OUT_OF_STOCK");
	assert_int_equal(lost("why=\"moved\""), 1);
	assert_string_equal(reserve_now(here, 1), "OK");
	assert_string_equal(reserve_now(there, 1), "OUT_OF_STOCK");
}

static void what_another_server_received_is_not_refused(void **state)
{
	(void)state;
	receive(&fixture, here, "MUG", "LEEDS", 5);
	assert_string_equal(reserve_now(here, 5), "OK");
	receive(&fixture, there, "MUG", "LEEDS", 3);
	assert_string_equal(reserve_now(here, 3), "OK");
}

static void a_refusal_from_memory_alone_is_checked(void **state)
{
	(void)state;
	receive(&fixture, here, "MUG", "LEEDS", 5);
	assert_string_equal(move(here, 1, STATE(DAMAGED), STATE(AVAILABLE), new_request_id(&fixture)),
		"OUT_OF_STOCK");
	assert_string_equal(move(there, 3, STATE(AVAILABLE), STATE(DAMAGED), new_request_id(&fixture)),
		"OK");
	/* Remembered here: nothing is damaged. */
	assert_string_equal(move(here, 3, STATE(DAMAGED), STATE(AVAILABLE), new_request_id(&fixture)),
		"OK");
	assert_true(lost("why=\"moved\"") >= 1);
}

static void what_took_effect_is_not_refused_by_its_own_effect(void **state)
{
	(void)state;
	receive(&fixture, here, "MUG", "LEEDS", 5);
	assert_string_equal(move(here, 3, STATE(AVAILABLE), STATE(DAMAGED), new_request_id(&fixture)),
		"OK");
	struct uuid id = new_request_id(&fixture);
	assert_string_equal(move(here, 3, STATE(DAMAGED), STATE(AVAILABLE), id), "OK");
	/* Remembered here, and rightly: nothing is damaged any more. */
	assert_string_equal(move(here, 3, STATE(DAMAGED), STATE(AVAILABLE), id), "OK");
	assert_string_equal(move(there, 3, STATE(DAMAGED), STATE(AVAILABLE), id), "OK");
	assert_int_equal(ask(&fixture, "SELECT available" OF_MUGS), 5);
}

static void a_request_that_took_effect_elsewhere_is_answered_as_there(void **state)
{
	(void)state;
	receive(&fixture, here, "MUG", "LEEDS", 10);
	struct caller *callers[2];
	struct uuid id = new_request_id(&fixture);
	for (size_t i = 0; i < 2; i++) {
		callers[i] = caller_new(&fixture);
		callers[i]->request.request_id = id;
		reserve(callers[i], i == 0 ? there : here, "MUG", "LEEDS", 1);
		fixture_run(&fixture);
		assert_string_equal(outcome(callers[i]), "OK");
	}
	assert_int_equal(callers[0]->request.response_size, callers[1]->request.response_size);
	assert_memory_equal(callers[0]->request.response, callers[1]->request.response,
		callers[0]->request.response_size);
	assert_int_equal(ask(&fixture, "SELECT reserved" OF_MUGS), 1);
	caller_free(callers[0]);
	caller_free(callers[1]);
}

/* In one batch: a change of a row that is as remembered, and a refusal that read one that is not. */
static void a_row_that_was_only_read_is_looked_at_beside_one_that_changes(void **state)
{
	(void)state;
	receive(&fixture, here, "MUG", "LEEDS", 5);
	receive(&fixture, here, "BOWL", "LEEDS", 5);
	/* Remembered here, and then wrong: nothing is damaged. */
	assert_string_equal(move(there, 1, STATE(AVAILABLE), STATE(DAMAGED), new_request_id(&fixture)),
		"OK");
	for (size_t i = 0; i < OPTIMISM_PATIENCE_UNKNOWN_MAX; i++)
		reserve_at(here, "BOWL", "HULL");
	int64_t before = lost("why=\"moved\"");
	struct caller *callers[2] = {caller_new(&fixture), caller_new(&fixture)};
	reserve(callers[0], here, "BOWL", "LEEDS", 1);
	send_move(callers[1], here, 1, STATE(DAMAGED), STATE(AVAILABLE));
	fixture_run(&fixture);
	assert_string_equal(outcome(callers[0]), "OK");
	assert_string_equal(outcome(callers[1]), "OK");
	assert_int_equal(lost("why=\"moved\""), before + 1);
	caller_free(callers[0]);
	caller_free(callers[1]);
}

static const char *mend_now(struct engine *engine)
{
	return move(engine, 1, STATE(DAMAGED), STATE(AVAILABLE), new_request_id(&fixture));
}

static void a_row_that_had_moved_is_read_anew(void **state)
{
	(void)state;
	receive(&fixture, here, "MUG", "LEEDS", 5);
	assert_string_equal(mend_now(here), "OUT_OF_STOCK");
	receive(&fixture, there, "MUG", "LEEDS", 1);
	/* As right as before, but of another version. */
	assert_string_equal(mend_now(here), "OUT_OF_STOCK");
	assert_int_equal(lost("why=\"moved\""), 1);
	for (size_t i = 0; i < OPTIMISM_PATIENCE_UNKNOWN_MAX; i++)
		reserve_at(here, "BOWL", "HULL");
	int64_t before = batches("memory");
	assert_string_equal(mend_now(here), "OUT_OF_STOCK");
	assert_int_equal(batches("memory"), before + 1);
	assert_int_equal(lost("why=\"moved\""), 1);
}

/* Both in one batch, and the second finds nothing left of what the first took. */
static void a_request_that_came_twice_at_once_takes_effect_once(void **state)
{
	(void)state;
	receive(&fixture, here, "MUG", "LEEDS", 5);
	assert_string_equal(move(here, 3, STATE(AVAILABLE), STATE(DAMAGED), new_request_id(&fixture)),
		"OK");
	int64_t before = batches("memory");
	struct caller *callers[2];
	struct uuid id = new_request_id(&fixture);
	for (size_t i = 0; i < 2; i++) {
		callers[i] = caller_new(&fixture);
		callers[i]->request.request_id = id;
		send_move(callers[i], here, 3, STATE(DAMAGED), STATE(AVAILABLE));
	}
	fixture_run(&fixture);
	assert_int_equal(count_outcomes(callers, 2, "OK"), 2);
	assert_int_equal(batches("memory"), before + 1);
	assert_int_equal(ask(&fixture, "SELECT available" OF_MUGS), 5);
	free_callers(callers, 2);
}

/* ---- While somebody else is at it ---- */

static const struct db_statement take_a_bowl = {.name = "take_a_bowl",
	.sql = "UPDATE stockbook.stock SET available = available - 1, version = version + 1"
		   " WHERE sku = 'BOWL' AND location = 'LEEDS'"};
static const struct db_statement lock_stock = {
	.name = "lock_stock", .sql = "LOCK TABLE stockbook.stock IN ACCESS EXCLUSIVE MODE"};

#define OF_BOWLS " FROM stockbook.stock WHERE sku = 'BOWL' AND location = 'LEEDS'"

/* The row is as remembered when it is asked for, and is not when it is had. Beside it one that was only
 * read, so that changing the rows is not what looks at them. */
static void what_changes_while_a_row_is_waited_for_is_not_overwritten(void **state)
{
	(void)state;
	struct holder holder;
	receive(&fixture, here, "MUG", "LEEDS", 5);
	receive(&fixture, here, "BOWL", "LEEDS", 5);
	assert_string_equal(mend_now(here), "OUT_OF_STOCK");
	reserve_at(here, "BOWL", "LEEDS");
	int64_t before = lost("why=\"moved\"");
	hold(&fixture, &holder, &take_a_bowl);
	struct caller *callers[2] = {caller_new(&fixture), caller_new(&fixture)};
	reserve(callers[0], here, "BOWL", "LEEDS", 1);
	send_move(callers[1], here, 1, STATE(DAMAGED), STATE(AVAILABLE));
	until_sessions_wait(&fixture, 1);
	let_happen(&holder);
	assert_string_equal(outcome(callers[0]), "OK");
	assert_string_equal(outcome(callers[1]), "OUT_OF_STOCK");
	assert_int_equal(lost("why=\"moved\""), before + 1);
	assert_int_equal(ask(&fixture, "SELECT available" OF_BOWLS), 5 - 1 - 1 - 1);
	test_sql(fixture.database, "UPDATE stockbook.stock SET available = available + 1"
							   " WHERE sku = 'BOWL' AND location = 'LEEDS'");
	free_callers(callers, 2);
}

static void read_availability(struct engine *engine)
{
	struct caller *caller = caller_new(&fixture);
	Stockbook__V1__GetAvailabilityRequest request = STOCKBOOK__V1__GET_AVAILABILITY_REQUEST__INIT;
	char *sku = "MUG", *location = "LEEDS";
	request.skus = &sku;
	request.n_skus = 1;
	request.locations = &location;
	request.n_locations = 1;
	call_now(caller, engine, "StockService/GetAvailability", &request);
	assert_string_equal(outcome(caller), "OK");
	caller_free(caller);
}

/* Shops look before they reserve. Without having looked it would be decided in vain. */
static void what_was_read_here_is_remembered_for_writing(void **state)
{
	(void)state;
	receive(&fixture, here, "MUG", "LEEDS", 100);
	assert_string_equal(reserve_now(there, 1), "OK");
	assert_string_equal(reserve_now(here, 1), "OK");
	int64_t moved = lost("why=\"moved\"");
	read_availability(there);
	assert_string_equal(reserve_now(there, 1), "OK");
	assert_int_equal(lost("why=\"moved\""), moved);
	assert_int_equal(ask(&fixture, "SELECT reserved" OF_MUGS), 3);
}

static const char *reserved_id(struct caller *caller)
{
	const Stockbook__V1__ReserveResponse *response =
		(const Stockbook__V1__ReserveResponse *)caller->response;
	return response->reservation->id;
}

static void release(struct caller *caller, struct engine *engine, const char *id)
{
	Stockbook__V1__ReleaseReservationRequest *request =
		arena_alloc(&caller->arena, sizeof(*request));
	stockbook__v1__release_reservation_request__init(request);
	request->reservation_id = arena_string(&caller->arena, id);
	call(caller, engine, "ReservationService/ReleaseReservation", request);
}

/* Both come in one turn of the loop, which one batch would take: a reservation is not remembered, but
 * who reserves is not made to load its stock for that. */
static void what_needs_a_document_is_loaded_apart_from_the_others(void **state)
{
	(void)state;
	receive(&fixture, here, "MUG", "LEEDS", 100);
	struct caller *held = caller_new(&fixture);
	reserve(held, here, "MUG", "LEEDS", 3);
	fixture_run(&fixture);
	assert_string_equal(outcome(held), "OK");
	int64_t memory = batches("memory"), database = batches("database");
	int64_t unknown = lost("why=\"unknown\"");
	struct caller *callers[4];
	for (size_t i = 0; i < ARRAY_COUNT(callers); i++)
		callers[i] = caller_new(&fixture);
	/* The same call twice: what waits for its twin leaves with it. */
	release(callers[0], here, reserved_id(held));
	callers[1]->request.request_id = callers[0]->request.request_id;
	release(callers[1], here, reserved_id(held));
	reserve(callers[2], here, "MUG", "LEEDS", 1);
	reserve(callers[3], here, "BOWL", "HULL", 1);
	fixture_run(&fixture);
	assert_int_equal(count_outcomes(callers, ARRAY_COUNT(callers), "OK"), ARRAY_COUNT(callers));
	assert_int_equal(batches("memory"), memory + 1);
	assert_int_equal(batches("database"), database + 1);
	assert_int_equal(lost("why=\"unknown\""), unknown);
	assert_int_equal(ask(&fixture, "SELECT reserved" OF_MUGS), 1);
	free_callers(callers, ARRAY_COUNT(callers));
	caller_free(held);
}

/* Somebody always waits when a batch is done: the others are answered when the next is on its way. */
#define OTHERS 4
#define OTHERS_CALLS_MAX 500

static struct caller *others[OTHERS_CALLS_MAX];
static size_t other_count;
static bool released;

static void on_released(struct caller *caller)
{
	(void)caller;
	released = true;
}

static void ask_on(struct caller *caller)
{
	(void)caller;
	if (released || other_count == OTHERS_CALLS_MAX)
		return;
	struct caller *next = others[other_count++] = caller_new(&fixture);
	next->done = ask_on;
	reserve(next, here, "MUG", "LEEDS", 1);
}

static void what_is_loaded_apart_has_its_turn_among_others_without_end(void **state)
{
	(void)state;
	released = false;
	other_count = 0;
	receive(&fixture, here, "MUG", "LEEDS", OTHERS_CALLS_MAX + 1);
	struct caller *held = caller_new(&fixture);
	reserve(held, here, "MUG", "LEEDS", 1);
	fixture_run(&fixture);
	struct caller *caller = caller_new(&fixture);
	caller->done = on_released;
	/* Half of them is on its way while the other half waits. */
	for (size_t i = 0; i < OTHERS; i++) {
		ask_on(NULL);
		if (i + 1 == OTHERS / 2)
			uv_run(&fixture.loop, UV_RUN_NOWAIT);
	}
	release(caller, here, reserved_id(held));
	fixture_run(&fixture);
	assert_string_equal(outcome(caller), "OK");
	assert_true(other_count < OTHERS_CALLS_MAX);
	assert_int_equal(count_outcomes(others, other_count, "OK"), other_count);
	free_callers(others, other_count);
	caller_free(caller);
	caller_free(held);
}

static void a_call_whose_time_is_over_when_its_rows_are_read_changes_none(void **state)
{
	(void)state;
	struct holder holder;
	receive(&fixture, there, "MUG", "LEEDS", 5); /* not remembered here */
	hold(&fixture, &holder, &lock_stock);
	struct caller *caller = caller_new(&fixture);
	caller->request.deadline_us = engine_clock_us() + 100000;
	reserve(caller, here, "MUG", "LEEDS", 1);
	until_sessions_wait(&fixture, 1);
	while (engine_clock_us() < caller->request.deadline_us)
		uv_run(&fixture.loop, UV_RUN_NOWAIT);
	let_go(&holder);
	assert_string_equal(outcome(caller), "DEADLINE_EXCEEDED");
	assert_int_equal(ask(&fixture, "SELECT reserved" OF_MUGS), 0);
	caller_free(caller);
}

/* ---- A row that two servers fight over ---- */

#define FIGHTERS 24
#define ROUNDS 60

struct fighter {
	struct caller *caller;
	size_t rounds;
};

static void fight(struct fighter *fighter, struct engine *engine);

static void fight_on(struct caller *caller)
{
	struct fighter *fighter = caller->data;
	assert_string_equal(outcome(caller), "OK");
	fighter->rounds++;
}

static void fight(struct fighter *fighter, struct engine *engine)
{
	fighter->caller = caller_new(&fixture);
	fighter->caller->done = fight_on;
	fighter->caller->data = fighter;
	reserve(fighter->caller, engine, "MUG", "LEEDS", 1);
}

static void two_servers_that_fight_over_a_row_come_to_load_it(void **state)
{
	(void)state;
	struct fighter fighters[FIGHTERS] = {0};
	receive(&fixture, here, "MUG", "LEEDS", FIGHTERS * ROUNDS);
	for (size_t round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < FIGHTERS; i++)
			fight(&fighters[i], i % 2 == 0 ? here : there);
		fixture_run(&fixture);
		for (size_t i = 0; i < FIGHTERS; i++)
			caller_free(fighters[i].caller);
	}
	assert_int_equal(ask(&fixture, "SELECT reserved" OF_MUGS), FIGHTERS * ROUNDS);
	assert_int_equal(ask(&fixture, "SELECT available" OF_MUGS), 0);
	/* Each round moves the row on both servers: without patience nearly every batch would be lost. */
	int64_t all = batches("memory") + batches("database");
	assert_true(all >= ROUNDS);
	assert_true(lost("why=\"moved\"") * 4 <= all);
}

static void who_has_a_row_alone_again_trusts_its_memory_again(void **state)
{
	(void)state;
	receive(&fixture, here, "MUG", "LEEDS", 1000);
	for (size_t i = 0; i < 30; i++) {
		assert_string_equal(reserve_now(here, 1), "OK");
		assert_string_equal(reserve_now(there, 1), "OK");
	}
	/* As long as the longest patience may take. */
	for (size_t i = 0; i < 300; i++)
		assert_string_equal(reserve_now(here, 1), "OK");
	int64_t before = batches("database");
	for (size_t i = 0; i < 20; i++)
		assert_string_equal(reserve_now(here, 1), "OK");
	assert_int_equal(batches("database"), before);
}

/* The database lost what it had committed last, and the version came again with less in stock. */
static void what_was_known_before_a_connection_was_lost_is_not_trusted(void **state)
{
	(void)state;
	receive(&fixture, here, "MUG", "LEEDS", 10);
	assert_string_equal(reserve_now(here, 1), "OK");
	test_sql(fixture.database, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
							   " WHERE application_name LIKE 'stockbook lane%%'");
	test_sql(fixture.database, "UPDATE stockbook.stock SET available = 2 WHERE sku = 'MUG'");
	/* The loss is noticed, and the lane hopes again. */
	for (size_t i = 0; i < 8; i++)
		reserve_at(here, "BOWL", "HULL");
	assert_string_equal(reserve_now(here, 3), "OUT_OF_STOCK");
	test_sql(fixture.database, "UPDATE stockbook.stock SET available = 9 WHERE sku = 'MUG'");
}

static void without_memory_everything_is_loaded(void **state)
{
	(void)state;
	struct engine *plain =
		fixture_engine(&fixture, &(struct engine_settings){.lane_memory_bytes_max = -1});
	receive(&fixture, plain, "MUG", "LEEDS", 10);
	int64_t before = batches("memory"), in_vain = lost("why=\"unknown\"");
	for (size_t i = 0; i < 3 * OPTIMISM_PATIENCE_UNKNOWN_MAX; i++)
		assert_string_equal(reserve_now(plain, 1), i < 10 ? "OK" : "OUT_OF_STOCK");
	assert_int_equal(batches("memory"), before);
	assert_int_equal(lost("why=\"unknown\""), in_vain);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_committed_here_is_changed_without_being_read),
		TEST(what_is_not_remembered_is_read_without_a_lock),
		TEST(what_another_server_sold_is_not_sold_again),
		TEST(what_another_server_received_is_not_refused),
		TEST(a_refusal_from_memory_alone_is_checked),
		TEST(what_took_effect_is_not_refused_by_its_own_effect),
		TEST(a_request_that_took_effect_elsewhere_is_answered_as_there),
		TEST(a_row_that_was_only_read_is_looked_at_beside_one_that_changes),
		TEST(a_request_that_came_twice_at_once_takes_effect_once),
		TEST(what_changes_while_a_row_is_waited_for_is_not_overwritten),
		TEST(what_was_read_here_is_remembered_for_writing),
		TEST(what_needs_a_document_is_loaded_apart_from_the_others),
		TEST(what_is_loaded_apart_has_its_turn_among_others_without_end),
		TEST(a_call_whose_time_is_over_when_its_rows_are_read_changes_none),
		TEST(a_row_that_had_moved_is_read_anew),
		TEST(two_servers_that_fight_over_a_row_come_to_load_it),
		TEST(who_has_a_row_alone_again_trusts_its_memory_again),
		TEST(what_was_known_before_a_connection_was_lost_is_not_trusted),
		TEST(without_memory_everything_is_loaded),
	};
	log_open(STDERR_FILENO, LOG_FORMAT_TEXT, LOG_LEVEL_WARNING);
	return cmocka_run_group_tests_name("engine_optimism", tests, NULL, NULL);
}
