/* The engine on a real database: batches, request ids, reads, bounds, time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine_fixture.h"
#include "observe/log.h"
#include "stockbook/v1/location.pb-c.h"
#include "support/database.h"

static struct fixture fixture;
static struct engine *engine;

static int setup(void **state)
{
	(void)state;
	fixture_open(&fixture);
	engine = fixture_engine(&fixture, NULL);
	assert_string_equal(engine_message(engine), "");
	assert_int_equal(engine_state(engine), ENGINE_READY);
	put_location(&fixture, engine, "LEEDS");
	put_item(&fixture, engine, "MUG");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_book_is_right(&fixture, engine);
	fixture_close(&fixture);
	return 0;
}

#define CALLERS 500
static struct caller *callers[CALLERS];

static void five_hundred_callers_for_a_hundred_pieces_get_a_hundred(void **state)
{
	(void)state;
	receive(&fixture, engine, "MUG", "LEEDS", 100);
	for (size_t i = 0; i < CALLERS; i++) {
		callers[i] = caller_new(&fixture);
		reserve(callers[i], engine, "MUG", "LEEDS", 1);
	}
	fixture_run(&fixture);
	assert_int_equal(count_outcomes(callers, CALLERS, "OK"), 100);
	assert_int_equal(count_outcomes(callers, CALLERS, "OUT_OF_STOCK"), 400);
	assert_int_equal(ask(&fixture, "SELECT reserved FROM stockbook.stock"), 100);
	assert_int_equal(ask(&fixture, "SELECT count(*) FROM stockbook.reservation"), 100);
	free_callers(callers, CALLERS);
}

static void the_same_request_id_twenty_times_at_once_acts_once(void **state)
{
	(void)state;
	receive(&fixture, engine, "MUG", "LEEDS", 100);
	struct uuid id = new_request_id(&fixture);
	for (size_t i = 0; i < 20; i++) {
		callers[i] = caller_new(&fixture);
		callers[i]->request.request_id = id;
		reserve(callers[i], engine, "MUG", "LEEDS", 1);
	}
	fixture_run(&fixture);
	assert_int_equal(count_outcomes(callers, 20, "OK"), 20);
	assert_int_equal(ask(&fixture, "SELECT reserved FROM stockbook.stock"), 1);
	for (size_t i = 1; i < 20; i++) {
		assert_int_equal(callers[i]->request.response_size, callers[0]->request.response_size);
		assert_memory_equal(callers[i]->request.response, callers[0]->request.response,
			callers[0]->request.response_size);
	}
	/* And once more, later: the stored answer. */
	callers[20] = caller_new(&fixture);
	callers[20]->request.request_id = id;
	reserve(callers[20], engine, "MUG", "LEEDS", 1);
	fixture_run(&fixture);
	assert_int_equal(callers[20]->request.response_size, callers[0]->request.response_size);
	assert_memory_equal(callers[20]->request.response, callers[0]->request.response,
		callers[0]->request.response_size);
	assert_int_equal(ask(&fixture, "SELECT reserved FROM stockbook.stock"), 1);
	free_callers(callers, 21);
}

static void a_request_id_with_other_content_is_refused(void **state)
{
	(void)state;
	receive(&fixture, engine, "MUG", "LEEDS", 100);
	struct uuid id = new_request_id(&fixture);
	/* The first two in one batch, the third after it. */
	for (size_t i = 0; i < 3; i++) {
		callers[i] = caller_new(&fixture);
		callers[i]->request.request_id = id;
		callers[i]->request.fingerprint[0] = i == 0 ? 1 : 2;
		reserve(callers[i], engine, "MUG", "LEEDS", 1);
		if (i > 0)
			fixture_run(&fixture);
	}
	assert_string_equal(outcome(callers[0]), "OK");
	assert_string_equal(outcome(callers[1]), "REQUEST_ID_REUSED");
	assert_string_equal(outcome(callers[2]), "REQUEST_ID_REUSED");
	assert_int_equal(ask(&fixture, "SELECT reserved FROM stockbook.stock"), 1);
	free_callers(callers, 3);
}

static void a_refusal_is_not_remembered(void **state)
{
	(void)state;
	struct uuid id = new_request_id(&fixture);
	callers[0] = caller_new(&fixture);
	callers[0]->request.request_id = id;
	reserve(callers[0], engine, "MUG", "LEEDS", 1);
	fixture_run(&fixture);
	assert_string_equal(outcome(callers[0]), "OUT_OF_STOCK");
	char text[UUID_TEXT_SIZE];
	uuid_format(&id, text);
	const char *remembered = "SELECT count(*) FROM stockbook.request WHERE request_id = '%s'";
	assert_int_equal(ask(&fixture, remembered, text), 0);
	receive(&fixture, engine, "MUG", "LEEDS", 1);
	callers[1] = caller_new(&fixture);
	callers[1]->request.request_id = id;
	reserve(callers[1], engine, "MUG", "LEEDS", 1);
	fixture_run(&fixture);
	assert_string_equal(outcome(callers[1]), "OK");
	assert_int_equal(ask(&fixture, remembered, text), 1);
	free_callers(callers, 2);
}

static void two_lines_of_one_sku_are_added_up(void **state)
{
	(void)state;
	receive(&fixture, engine, "MUG", "LEEDS", 1);
	const char *skus[] = {"MUG", "MUG"};
	const char *locations[] = {"LEEDS", "LEEDS"};
	callers[0] = caller_new(&fixture);
	call_now(callers[0], engine, "ReservationService/Reserve",
		reserve_request(&callers[0]->arena, skus, locations, 1, 2));
	assert_string_equal(outcome(callers[0]), "OUT_OF_STOCK");
	assert_true(callers[0]->request.refusal.metadata_count > 0);
	free_callers(callers, 1);
}

static void a_write_is_answered_with_the_position_of_its_part(void **state)
{
	(void)state;
	receive(&fixture, engine, "MUG", "LEEDS", 10);
	callers[0] = caller_new(&fixture);
	reserve(callers[0], engine, "MUG", "LEEDS", 1);
	fixture_run(&fixture);
	const Stockbook__V1__ReserveResponse *response =
		(const Stockbook__V1__ReserveResponse *)callers[0]->response;
	assert_non_null(response->position);
	assert_int_equal(response->position->n_parts, 1);
	const Stockbook__V1__PartSequence *part = response->position->parts[0];
	assert_int_equal(part->part, part_of("LEEDS", FIXTURE_PARTS));
	assert_int_equal(part->sequence,
		ask(&fixture, "SELECT sequence FROM stockbook.part_head WHERE part = %d", part->part));
	assert_int_equal(part->sequence,
		ask(&fixture, "SELECT max(sequence) FROM stockbook.change WHERE part = %d", part->part));
	free_callers(callers, 1);
}

static void reads_see_what_was_written(void **state)
{
	(void)state;
	receive(&fixture, engine, "MUG", "LEEDS", 10);
	for (size_t i = 0; i < 100; i++) {
		Stockbook__V1__ListStockRequest *request = arena_alloc(&fixture.arena, sizeof(*request));
		stockbook__v1__list_stock_request__init(request);
		request->location = arena_string(&fixture.arena, "LEEDS");
		callers[i] = caller_new(&fixture);
		call(callers[i], engine, "StockService/ListStock", request);
	}
	fixture_run(&fixture);
	assert_int_equal(count_outcomes(callers, 100, "OK"), 100);
	for (size_t i = 0; i < 100; i++) {
		const Stockbook__V1__ListStockResponse *response =
			(const Stockbook__V1__ListStockResponse *)callers[i]->response;
		assert_int_equal(response->n_levels, 1);
		assert_int_equal(response->levels[0]->available, 10);
	}
	free_callers(callers, 100);
}

static void an_expired_hold_is_swept_and_its_stock_is_back(void **state)
{
	(void)state;
	receive(&fixture, engine, "MUG", "LEEDS", 5);
	callers[0] = caller_new(&fixture);
	reserve(callers[0], engine, "MUG", "LEEDS", 5);
	fixture_run(&fixture);
	assert_string_equal(outcome(callers[0]), "OK");
	test_sql(fixture.database,
		"UPDATE stockbook.reservation SET hold_until = now() - interval '1 second'");
	uint64_t until = uv_hrtime() + UINT64_C(10000000000);
	while (ask(&fixture, "SELECT reserved FROM stockbook.stock") != 0 && uv_hrtime() < until) {
		fixture.in_flight++;
		fixture_run_ms(&fixture, 50);
		fixture.in_flight--;
	}
	assert_int_equal(ask(&fixture, "SELECT available FROM stockbook.stock"), 5);
	assert_int_equal(ask(&fixture, "SELECT status FROM stockbook.reservation"), 4);
	free_callers(callers, 1);
}

static void set_location_disabled(struct engine *by, bool disabled)
{
	Stockbook__V1__Location location = STOCKBOOK__V1__LOCATION__INIT;
	Stockbook__V1__PutLocationRequest request = STOCKBOOK__V1__PUT_LOCATION_REQUEST__INIT;
	struct caller *caller = caller_new(&fixture);
	location.code = location.name = arena_string(&fixture.arena, "LEEDS");
	location.disabled = disabled;
	request.location = &location;
	call_now(caller, by, "LocationService/PutLocation", &request);
	assert_string_equal(outcome(caller), "OK");
	caller_free(caller);
}

static const char *reserve_one(struct engine *by)
{
	struct caller *caller = caller_new(&fixture);
	reserve(caller, by, "MUG", "LEEDS", 1);
	fixture_run(&fixture);
	const char *result = outcome(caller);
	caller_free(caller);
	return result;
}

static void a_policy_holds_at_once_here_and_soon_elsewhere(void **state)
{
	(void)state;
	struct engine *other =
		fixture_engine(&fixture, &(struct engine_settings){.policy_staleness_ms = 500});
	receive(&fixture, engine, "MUG", "LEEDS", 100);
	assert_string_equal(reserve_one(engine), "OK");
	assert_string_equal(reserve_one(other), "OK");
	set_location_disabled(engine, true);
	assert_string_equal(reserve_one(engine), "LOCATION_NOT_ELIGIBLE");
	fixture.in_flight++;
	fixture_run_ms(&fixture, 600);
	fixture.in_flight--;
	assert_string_equal(reserve_one(other), "LOCATION_NOT_ELIGIBLE");
	set_location_disabled(other, false);
	assert_string_equal(reserve_one(other), "OK");
}

static void old_request_ids_are_forgotten(void **state)
{
	(void)state;
	receive(&fixture, engine, "MUG", "LEEDS", 100);
	int64_t young = ask(&fixture, "SELECT count(*) FROM stockbook.request");
	test_sql(fixture.database, "INSERT INTO stockbook.request SELECT 1, gen_random_uuid(), '', '',"
							   " '{}', now() - interval '31 days' FROM generate_series(1, 2500)");
	fixture_engine(&fixture,
		&(struct engine_settings){
			.request_retention_us = INT64_C(30) * 86400 * 1000000, .sweep_interval_ms = 50});
	uint64_t until = uv_hrtime() + UINT64_C(10000000000);
	fixture.in_flight++;
	while (ask(&fixture, "SELECT count(*) FROM stockbook.request") > young && uv_hrtime() < until)
		fixture_run_ms(&fixture, 50);
	fixture.in_flight--;
	assert_int_equal(ask(&fixture, "SELECT count(*) FROM stockbook.request"), young);
}

static void a_full_queue_refuses_before_any_work(void **state)
{
	(void)state;
	receive(&fixture, engine, "MUG", "LEEDS", 1000);
	struct engine *small =
		fixture_engine(&fixture, &(struct engine_settings){.lanes = 1, .queue_operations_max = 50});
	struct engine_caller tills[50];
	for (size_t i = 0; i < ARRAY_COUNT(tills); i++)
		tills[i] = (struct engine_caller){.key = i + 1, .kind = "token", .name = "till"};
	for (size_t i = 0; i < 200; i++) {
		callers[i] = caller_new(&fixture);
		callers[i]->request.caller = &tills[i % ARRAY_COUNT(tills)];
		reserve(callers[i], small, "MUG", "LEEDS", 1);
		assert_false(callers[i]->answered); /* never from within */
	}
	fixture_run(&fixture);
	assert_int_equal(count_outcomes(callers, 200, "OK"), 50);
	assert_int_equal(count_outcomes(callers, 200, "OVERLOADED"), 150);
	assert_true(callers[199]->request.refusal.retry_after_ms > 0);
	assert_int_equal(ask(&fixture, "SELECT reserved FROM stockbook.stock"), 50);
	free_callers(callers, 200);
}

static void what_is_cancelled_or_late_in_the_queue_costs_no_row(void **state)
{
	(void)state;
	receive(&fixture, engine, "MUG", "LEEDS", 100);
	for (size_t i = 0; i < 30; i++) {
		callers[i] = caller_new(&fixture);
		if (i >= 20)
			callers[i]->request.deadline_us = engine_clock_us() - 1;
		reserve(callers[i], engine, "MUG", "LEEDS", 1);
		if (i >= 10)
			callers[i]->request.cancelled = i < 20;
	}
	fixture_run(&fixture);
	assert_int_equal(count_outcomes(callers, 30, "OK"), 10);
	assert_int_equal(count_outcomes(callers, 30, "DEADLINE_EXCEEDED"), 20);
	assert_int_equal(ask(&fixture, "SELECT reserved FROM stockbook.stock"), 10);
	free_callers(callers, 30);
}

static void two_engines_share_a_hundred_pieces(void **state)
{
	(void)state;
	struct engine *other = fixture_engine(&fixture, NULL);
	assert_int_equal(engine_state(other), ENGINE_READY);
	receive(&fixture, engine, "MUG", "LEEDS", 100);
	for (size_t i = 0; i < CALLERS; i++) {
		callers[i] = caller_new(&fixture);
		reserve(callers[i], i % 2 ? engine : other, "MUG", "LEEDS", 1);
	}
	fixture_run(&fixture);
	assert_int_equal(count_outcomes(callers, CALLERS, "OK"), 100);
	assert_int_equal(count_outcomes(callers, CALLERS, "OUT_OF_STOCK"), 400);
	free_callers(callers, CALLERS);
}

static void one_request_id_on_two_engines_acts_once(void **state)
{
	(void)state;
	struct engine *other = fixture_engine(&fixture, NULL);
	/* One piece: were the id looked up before the locks, the second would find nothing left. */
	receive(&fixture, engine, "MUG", "LEEDS", 20);
	for (size_t round = 0; round < 20; round++) {
		struct uuid id = new_request_id(&fixture);
		for (size_t i = 0; i < 10; i++) {
			callers[i] = caller_new(&fixture);
			callers[i]->request.request_id = id;
			reserve(callers[i], i % 2 ? engine : other, "MUG", "LEEDS", 1);
		}
		fixture_run(&fixture);
		assert_int_equal(count_outcomes(callers, 10, "OK"), 10);
		free_callers(callers, 10);
	}
	assert_int_equal(ask(&fixture, "SELECT reserved FROM stockbook.stock"), 20);
}

static void baskets_in_opposite_orders_across_parts_all_come_through(void **state)
{
	(void)state;
	static const char *locations[] = {"LEEDS", "YORK", "HULL", "BATH", "DOVER", "ELY"};
	struct engine *other = fixture_engine(&fixture, NULL);
	for (size_t i = 0; i < ARRAY_COUNT(locations); i++) {
		put_location(&fixture, engine, locations[i]);
		receive(&fixture, engine, "MUG", locations[i], 1000);
	}
	const char *skus[] = {"MUG", "MUG", "MUG"};
	for (size_t i = 0; i < CALLERS; i++) {
		const char *three[3];
		for (size_t l = 0; l < 3; l++)
			three[l] = locations[(i * 7 + l * (i % 5 + 1)) % ARRAY_COUNT(locations)];
		callers[i] = caller_new(&fixture);
		call(callers[i], i % 2 ? engine : other, "ReservationService/Reserve",
			reserve_request(&callers[i]->arena, skus, three, 1, 3));
	}
	fixture_run(&fixture);
	assert_int_equal(count_outcomes(callers, CALLERS, "OK"), CALLERS);
	assert_int_equal(ask(&fixture, "SELECT sum(reserved) FROM stockbook.stock"), 3 * CALLERS);
	free_callers(callers, CALLERS);
}

static void another_schema_is_refused_with_a_clear_message(void **state)
{
	(void)state;
	test_sql(fixture.database, "ALTER TABLE stockbook.stock ALTER COLUMN version TYPE integer");
	struct engine *other = fixture_engine(&fixture, NULL);
	assert_int_equal(engine_state(other), ENGINE_FAILED);
	assert_string_equal(engine_message(other),
		"column 'stock.version' has not the type 'int8' in the database");
	callers[0] = caller_new(&fixture);
	reserve(callers[0], other, "MUG", "LEEDS", 1);
	fixture_run(&fixture);
	assert_string_equal(outcome(callers[0]), "UNAVAILABLE");
	free_callers(callers, 1);
	test_sql(fixture.database, "ALTER TABLE stockbook.stock ALTER COLUMN version TYPE bigint");
}

static void another_number_of_parts_is_refused(void **state)
{
	(void)state;
	struct engine *other =
		fixture_engine(&fixture, &(struct engine_settings){.limits.parts = FIXTURE_PARTS + 1});
	assert_int_equal(engine_state(other), ENGINE_FAILED);
	assert_string_equal(engine_message(other),
		"the database was made with 16 parts, the settings say 17: it cannot be changed");
}

static void on_drained(void *data)
{
	*(bool *)data = true;
}

static void a_drain_answers_what_is_there_and_refuses_what_comes(void **state)
{
	(void)state;
	receive(&fixture, engine, "MUG", "LEEDS", 100);
	struct engine *other = fixture_engine(&fixture, NULL);
	bool drained = false;
	for (size_t i = 0; i < 20; i++) {
		callers[i] = caller_new(&fixture);
		reserve(callers[i], other, "MUG", "LEEDS", 1);
		if (i == 9)
			engine_drain(other, on_drained, &drained);
	}
	fixture_run(&fixture);
	assert_int_equal(count_outcomes(callers, 20, "OK"), 10);
	assert_int_equal(count_outcomes(callers, 20, "UNAVAILABLE"), 10);
	while (!drained)
		uv_run(&fixture.loop, UV_RUN_ONCE);
	free_callers(callers, 20);
}

static void what_is_left_when_the_engine_closes_is_answered(void **state)
{
	(void)state;
	struct fixture own;
	fixture_open(&own);
	struct engine *other = fixture_engine(&own, NULL);
	for (size_t i = 0; i < 20; i++) {
		callers[i] = caller_new(&own);
		reserve(callers[i], other, "MUG", "LEEDS", 1);
	}
	for (size_t i = 0; i < 3; i++)
		uv_run(&own.loop, UV_RUN_NOWAIT);
	fixture_close(&own);
	for (size_t i = 0; i < 20; i++)
		assert_int_equal(callers[i]->answers, 1);
	free_callers(callers, 20);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(five_hundred_callers_for_a_hundred_pieces_get_a_hundred),
		TEST(the_same_request_id_twenty_times_at_once_acts_once),
		TEST(a_request_id_with_other_content_is_refused),
		TEST(a_refusal_is_not_remembered),
		TEST(two_lines_of_one_sku_are_added_up),
		TEST(a_write_is_answered_with_the_position_of_its_part),
		TEST(reads_see_what_was_written),
		TEST(an_expired_hold_is_swept_and_its_stock_is_back),
		TEST(a_policy_holds_at_once_here_and_soon_elsewhere),
		TEST(old_request_ids_are_forgotten),
		TEST(a_full_queue_refuses_before_any_work),
		TEST(what_is_cancelled_or_late_in_the_queue_costs_no_row),
		TEST(two_engines_share_a_hundred_pieces),
		TEST(one_request_id_on_two_engines_acts_once),
		TEST(baskets_in_opposite_orders_across_parts_all_come_through),
		TEST(another_schema_is_refused_with_a_clear_message),
		TEST(another_number_of_parts_is_refused),
		TEST(a_drain_answers_what_is_there_and_refuses_what_comes),
		TEST(what_is_left_when_the_engine_closes_is_answered),
	};
	log_open(STDERR_FILENO, LOG_FORMAT_TEXT, LOG_LEVEL_WARNING);
	return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
