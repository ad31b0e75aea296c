/*
 * More than there is time for, on a real database: shares of callers, bounds, calls whose time is
 * over, and what a lane that is held up holds up. Nothing here is judged by the time it took.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine_fixture.h"
#include "holder.h"
#include "observe/metrics.h"
#include "support/database.h"

#define CALLERS 1500
#define QUIET_CALLS 15

static struct fixture fixture;
static struct engine *engine;
static struct caller *callers[CALLERS];
static const struct engine_caller noisy = {.key = 7, .kind = "token", .name = "till-7"};
static const struct engine_caller quiet = {.key = 8, .kind = "token", .name = "till-8"};

static int setup(void **state)
{
	(void)state;
	fixture_open(&fixture);
	engine = fixture_engine(&fixture,
		&(struct engine_settings){
			.lanes = 1, .readers = 1, .batch_operations_max = 16, .lock_timeout_ms = 20000});
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

static struct caller *caller_of(const struct engine_caller *whose)
{
	struct caller *caller = caller_new(&fixture);
	caller->request.caller = whose;
	return caller;
}

/* ---- Somebody else's transaction ---- */

static const struct db_statement lock_mugs = {.name = "lock_mugs",
	.sql = "SELECT 1 FROM stockbook.stock WHERE location = 'LEEDS' FOR UPDATE"};
static const struct db_statement lock_stock = {
	.name = "lock_stock", .sql = "LOCK TABLE stockbook.stock IN ACCESS EXCLUSIVE MODE"};

static void wait_ms(uint64_t ms)
{
	uint64_t until = uv_hrtime() + ms * 1000000;
	while (uv_hrtime() < until)
		uv_run(&fixture.loop, UV_RUN_NOWAIT);
}

/* ---- Shares ---- */

static size_t noisy_answers;
static size_t quiet_answers;
static size_t noisy_answers_before_first;
static size_t noisy_answers_before_last;
static bool reading;

static void on_noisy(struct caller *caller)
{
	(void)caller;
	noisy_answers++;
}

static void ask_once(struct caller *caller)
{
	if (!reading) {
		reserve(caller, engine, "MUG", "LEEDS", 1);
		return;
	}
	Stockbook__V1__GetAvailabilityRequest *request = arena_alloc(&caller->arena, sizeof(*request));
	stockbook__v1__get_availability_request__init(request);
	request->skus = arena_alloc(&caller->arena, sizeof(char *));
	request->skus[0] = arena_string(&caller->arena, "MUG");
	request->locations = arena_alloc(&caller->arena, sizeof(char *));
	request->locations[0] = arena_string(&caller->arena, "LEEDS");
	request->n_skus = request->n_locations = 1;
	call(caller, engine, "StockService/GetAvailability", request);
}

/* The next one when the last is answered, as a till does. */
static void on_quiet(struct caller *caller)
{
	assert_string_equal(outcome(caller), "OK");
	noisy_answers_before_last = noisy_answers;
	if (quiet_answers == 0)
		noisy_answers_before_first = noisy_answers;
	if (++quiet_answers == QUIET_CALLS)
		return;
	struct caller *next = callers[CALLERS - QUIET_CALLS + quiet_answers] = caller_of(&quiet);
	next->done = on_quiet;
	ask_once(next);
}

static void race(bool reads)
{
	reading = reads;
	noisy_answers = quiet_answers = noisy_answers_before_last = 0;
	for (size_t i = 0; i < CALLERS - QUIET_CALLS; i++) {
		callers[i] = caller_of(&noisy);
		callers[i]->done = on_noisy;
		ask_once(callers[i]);
	}
	struct caller *first = callers[CALLERS - QUIET_CALLS] = caller_of(&quiet);
	first->done = on_quiet;
	ask_once(first);
	fixture_run(&fixture);
	assert_int_equal(count_outcomes(callers, CALLERS, "OK"), CALLERS);
	assert_int_equal(quiet_answers, QUIET_CALLS);
	assert_int_equal(noisy_answers, CALLERS - QUIET_CALLS);
	free_callers(callers, CALLERS);
}

static void one_with_thousands_of_writes_waiting_delays_another_by_a_few_of_them(void **state)
{
	(void)state;
	receive(&fixture, engine, "MUG", "LEEDS", CALLERS);
	race(false);
	/* A batch under way and his own, for each call; first come first served it were all. */
	assert_in_range(noisy_answers_before_last, 0, QUIET_CALLS * 3 * 16);
}

static void one_with_thousands_of_reads_waiting_delays_another_by_a_few_of_them(void **state)
{
	(void)state;
	race(true);
	/* However many are read at once: the first batch has one of his. */
	assert_in_range(noisy_answers_before_first, 0, 512);
}

/* ---- Bounds ---- */

static const char *metadata(const struct caller *caller, const char *key)
{
	const struct refusal *refusal = &caller->request.refusal;
	for (size_t i = 0; i < refusal->metadata_count; i++)
		if (strcmp(refusal->metadata[i].key, key) == 0)
			return refusal->metadata[i].value;
	return "";
}

static void a_callers_share_of_a_lane_is_as_much_as_is_left(void **state)
{
	(void)state;
	receive(&fixture, engine, "MUG", "LEEDS", 100);
	struct engine *small =
		fixture_engine(&fixture, &(struct engine_settings){.lanes = 1, .queue_operations_max = 40});
	for (size_t i = 0; i < 60; i++) {
		callers[i] = caller_of(i < 30 ? &noisy : &quiet);
		reserve(callers[i], small, "MUG", "LEEDS", 1);
		assert_false(callers[i]->answered);
	}
	/* The service's own always has room. */
	callers[60] = caller_new(&fixture);
	reserve(callers[60], small, "MUG", "LEEDS", 1);
	fixture_run(&fixture);
	assert_int_equal(count_outcomes(callers, 61, "OK"), 20 + 10 + 1);
	assert_int_equal(count_outcomes(callers, 61, "OVERLOADED"), 30);
	assert_string_equal(outcome(callers[19]), "OK");
	assert_string_equal(outcome(callers[20]), "OVERLOADED");
	assert_string_equal(callers[20]->request.refusal.message,
		"too much of token 'till-7' is waiting for a lane: as much as there is still room for (of "
		"40 operations, setting queue_operations_max)");
	assert_string_equal(metadata(callers[20], "bound"), "caller_queue");
	assert_string_equal(metadata(callers[20], "setting"), "queue_operations_max");
	assert_string_equal(metadata(callers[20], "setting_value"), "40");
	assert_true(callers[20]->request.refusal.retry_after_ms > 0);
	assert_int_equal(ask(&fixture, "SELECT reserved FROM stockbook.stock"), 31);
	assert_int_equal(engine_requests(small), 0);
	free_callers(callers, 61);
}

static void how_much_waits_is_told(void **state)
{
	(void)state;
	receive(&fixture, engine, "MUG", "LEEDS", 100);
	struct holder holder;
	hold(&fixture, &holder, &lock_mugs);
	for (size_t i = 0; i < 40; i++) {
		callers[i] = caller_of(i % 2 ? &noisy : &quiet);
		reserve(callers[i], engine, "MUG", "LEEDS", 1);
	}
	until_sessions_wait(&fixture, 1);
	wait_ms(150); /* ticks */
	struct metric *waiting =
		metric_gauge("stockbook_engine_queue_operations", "", "kind=\"write\"");
	struct metric *whose = metric_gauge("stockbook_engine_queue_callers", "", "kind=\"write\"");
	struct metric *oldest =
		metric_gauge("stockbook_engine_queue_oldest_microseconds", "", "kind=\"write\"");
	assert_int_equal(metric_value(waiting), 40 - 16);
	assert_int_equal(metric_value(whose), 2);
	assert_true(metric_value(oldest) >= 100000);
	let_go(&holder);
	wait_ms(150);
	assert_int_equal(metric_value(waiting), 0);
	assert_int_equal(metric_value(whose), 0);
	assert_int_equal(metric_value(oldest), 0);
	assert_int_equal(count_outcomes(callers, 40, "OK"), 40);
	free_callers(callers, 40);
}

/* ---- Time that is over ---- */

/* What waits for whoever holds the stock: callers[0]. */
static void hold_up_the_first_read(struct holder *holder)
{
	hold(&fixture, holder, &lock_stock);
	reading = true;
	callers[0] = caller_of(&noisy);
	ask_once(callers[0]);
	until_sessions_wait(&fixture, 1);
}

/* The odd ones have little time. */
static struct caller *caller_number(size_t i)
{
	struct caller *caller = caller_of(&noisy);
	if (i % 2)
		caller->request.deadline_us = engine_clock_us() + 100000;
	return caller;
}

static void calls_that_are_late_behind_a_lane_that_stands_cost_no_row(void **state)
{
	(void)state;
	receive(&fixture, engine, "MUG", "LEEDS", 100);
	int64_t requests = ask(&fixture, "SELECT count(*) FROM stockbook.request");
	struct holder holder;
	hold(&fixture, &holder, &lock_mugs);
	/* Some of these are in the batch that waits for the lock, the others behind it. */
	for (size_t i = 0; i < 60; i++) {
		callers[i] = caller_number(i);
		reserve(callers[i], engine, "MUG", "LEEDS", 1);
	}
	until_sessions_wait(&fixture, 1);
	for (size_t i = 0; i < 60; i += 6)
		callers[i]->request.cancelled = true;
	wait_ms(200);
	let_go(&holder);
	assert_int_equal(count_outcomes(callers, 60, "OK"), 20);
	assert_int_equal(count_outcomes(callers, 60, "DEADLINE_EXCEEDED"), 40);
	assert_int_equal(ask(&fixture, "SELECT reserved FROM stockbook.stock"), 20);
	assert_int_equal(ask(&fixture, "SELECT count(*) FROM stockbook.reservation"), 20);
	assert_int_equal(ask(&fixture, "SELECT count(*) FROM stockbook.request") - requests, 20);
	free_callers(callers, 60);
}

static void reads_that_are_late_are_not_read(void **state)
{
	(void)state;
	receive(&fixture, engine, "MUG", "LEEDS", 100);
	struct holder holder;
	hold_up_the_first_read(&holder);
	for (size_t i = 1; i < 40; i++) {
		callers[i] = caller_number(i);
		ask_once(callers[i]);
	}
	wait_ms(200);
	/* They wait for nobody. */
	for (size_t i = 1; i < 40; i += 2)
		assert_string_equal(outcome(callers[i]), "DEADLINE_EXCEEDED");
	let_go(&holder);
	assert_int_equal(count_outcomes(callers, 40, "OK"), 20);
	free_callers(callers, 40);
}

/* ---- Nobody waits for one connection ---- */

static void a_lane_that_stands_holds_up_neither_reads_nor_other_lanes(void **state)
{
	(void)state;
	struct engine *two =
		fixture_engine(&fixture, &(struct engine_settings){.lanes = 2, .lock_timeout_ms = 20000});
	receive(&fixture, two, "MUG", "LEEDS", 10);
	char code[16];
	for (size_t i = 0; i < 12; i++) {
		snprintf(code, sizeof(code), "SHOP-%zu", i);
		put_location(&fixture, two, code);
		receive(&fixture, two, "MUG", code, 10);
	}
	struct holder holder;
	hold(&fixture, &holder, &lock_mugs);
	callers[0] = caller_of(&noisy);
	reserve(callers[0], two, "MUG", "LEEDS", 1);
	until_sessions_wait(&fixture, 1);
	for (size_t i = 1; i < 13; i++) {
		snprintf(code, sizeof(code), "SHOP-%zu", i - 1);
		callers[i] = caller_of(&noisy);
		reserve(callers[i], two, "MUG", code, 1);
	}
	struct engine *one = engine;
	engine = two;
	reading = true;
	for (size_t i = 13; i < 33; i++) {
		callers[i] = caller_of(&noisy);
		ask_once(callers[i]);
		while (!callers[i]->answered)
			uv_run(&fixture.loop, UV_RUN_ONCE);
		assert_string_equal(outcome(callers[i]), "OK");
	}
	engine = one;
	assert_false(callers[0]->answered);
	uint64_t until = uv_hrtime() + UINT64_C(10000000000);
	size_t done = 0;
	while (done == 0 && uv_hrtime() < until) {
		uv_run(&fixture.loop, UV_RUN_ONCE);
		for (size_t i = 1; i < 13; i++)
			done += callers[i]->answered;
	}
	assert_true(done > 0);
	assert_false(callers[0]->answered);
	let_go(&holder);
	assert_int_equal(count_outcomes(callers, 33, "OK"), 33);
	free_callers(callers, 33);
}

/* ---- Reads that want very much ---- */

#define HEAVY_SKUS 300

static void ask_for_many(struct caller *caller)
{
	Stockbook__V1__GetAvailabilityRequest *request = arena_alloc(&caller->arena, sizeof(*request));
	stockbook__v1__get_availability_request__init(request);
	request->skus = arena_alloc_array(&caller->arena, HEAVY_SKUS, sizeof(char *));
	for (size_t i = 0; i < HEAVY_SKUS; i++)
		request->skus[i] = arena_printf(&caller->arena, "CUP-%zu", i);
	request->locations = arena_alloc(&caller->arena, sizeof(char *));
	request->locations[0] = arena_string(&caller->arena, "LEEDS");
	request->n_skus = HEAVY_SKUS;
	request->n_locations = 1;
	call(caller, engine, "StockService/GetAvailability", request);
}

static void put_cups(void)
{
	char sku[16];
	for (size_t i = 0; i < HEAVY_SKUS; i++) {
		snprintf(sku, sizeof(sku), "CUP-%zu", i);
		put_item(&fixture, engine, sku);
	}
}

static size_t answered_so_far;

static void count_answer(struct caller *caller)
{
	caller->data = &callers[answered_so_far++]; /* its place */
}

static void a_heavy_read_is_answered_after_the_quick_ones_that_came_with_it(void **state)
{
	(void)state;
	put_cups();
	reading = true;
	answered_so_far = 0;
	for (size_t i = 0; i < 42; i++) {
		callers[i] = caller_of(&noisy);
		callers[i]->done = count_answer;
		if (i < 2)
			ask_for_many(callers[i]);
		else
			ask_once(callers[i]);
	}
	fixture_run(&fixture);
	assert_int_equal(count_outcomes(callers, 42, "OK"), 42);
	for (size_t i = 0; i < 2; i++)
		assert_true(callers[i]->data >= (void *)&callers[40]);
	const Stockbook__V1__GetAvailabilityResponse *response =
		(const Stockbook__V1__GetAvailabilityResponse *)callers[0]->response;
	assert_int_equal(response->n_availabilities, HEAVY_SKUS);
	free_callers(callers, 42);
}

static bool heavy_over;

static void on_heavy(struct caller *caller)
{
	(void)caller;
	heavy_over = true;
}

/* For ever, or until the heavy one is answered. */
static void ask_again(struct caller *caller)
{
	assert_string_equal(outcome(caller), "OK");
	if (heavy_over || quiet_answers + 1 >= CALLERS)
		return;
	struct caller *next = callers[++quiet_answers] = caller_of(&quiet);
	next->done = ask_again;
	ask_once(next);
}

static void a_heavy_read_has_its_turn_among_quick_ones_without_end(void **state)
{
	(void)state;
	put_cups();
	reading = true;
	heavy_over = false;
	quiet_answers = 16;
	for (size_t i = 1; i <= quiet_answers; i++) {
		callers[i] = caller_of(&quiet);
		callers[i]->done = ask_again;
	}
	for (size_t i = 1; i <= 16; i++)
		ask_once(callers[i]);
	callers[0] = caller_of(&noisy);
	callers[0]->done = on_heavy;
	ask_for_many(callers[0]);
	fixture_run(&fixture);
	assert_string_equal(outcome(callers[0]), "OK");
	assert_true(quiet_answers + 1 < CALLERS);
	assert_int_equal(count_outcomes(callers, quiet_answers + 1, "OK"), quiet_answers + 1);
	free_callers(callers, quiet_answers + 1);
}

static void more_is_read_at_once_where_a_round_trip_takes_long(void **state)
{
	(void)state;
	struct metric *batches = metric_sizes("stockbook_engine_batch_operations", "", NULL);
	struct holder holder;
	hold_up_the_first_read(&holder);
	wait_ms(100);
	for (size_t i = 1; i < 500; i++) {
		callers[i] = caller_of(&noisy);
		ask_once(callers[i]);
	}
	int64_t before = metric_value(batches);
	let_go(&holder);
	assert_int_equal(count_outcomes(callers, 500, "OK"), 500);
	/* 64 at a time were eight. */
	assert_in_range(metric_value(batches) - before, 1, 4);
	free_callers(callers, 500);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_with_thousands_of_writes_waiting_delays_another_by_a_few_of_them),
		TEST(one_with_thousands_of_reads_waiting_delays_another_by_a_few_of_them),
		TEST(a_callers_share_of_a_lane_is_as_much_as_is_left),
		TEST(how_much_waits_is_told),
		TEST(calls_that_are_late_behind_a_lane_that_stands_cost_no_row),
		TEST(reads_that_are_late_are_not_read),
		TEST(a_lane_that_stands_holds_up_neither_reads_nor_other_lanes),
		TEST(a_heavy_read_is_answered_after_the_quick_ones_that_came_with_it),
		TEST(a_heavy_read_has_its_turn_among_quick_ones_without_end),
		TEST(more_is_read_at_once_where_a_round_trip_takes_long),
	};
	return cmocka_run_group_tests_name("engine_overload", tests, NULL, NULL);
}
