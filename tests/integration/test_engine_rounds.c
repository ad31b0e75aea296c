/*
 * Operations that learn only bit by bit which rows they need, and such as need very many: they come
 * through while others are busy, and they do not crowd the others out. Needs a database
 * ($STOCKBOOK_TEST_DATABASE).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine_fixture.h"
#include "google/protobuf/wrappers.pb-c.h"

#define ROUNDS 20 /* far more than a batch of many may take */
#define BUSY 16
#define CLIMBERS 3
#define PATIENCE_MS 10000

static struct fixture fixture;
static struct engine *engine;
static bool busy;
static size_t reserved;
static struct caller *answered; /* to be freed, linked by their data */

static int setup(void **state)
{
	(void)state;
	fixture_open(&fixture);
	engine = fixture_engine(&fixture, &(struct engine_settings){.lanes = 1});
	put_location(&fixture, engine, "LEEDS");
	put_item(&fixture, engine, "MUG");
	receive(&fixture, engine, "MUG", "LEEDS", 1000000);
	busy = true;
	reserved = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	while (answered) {
		struct caller *next = answered->data;
		caller_free(answered);
		answered = next;
	}
	assert_book_is_right(&fixture, engine);
	fixture_close(&fixture);
	return 0;
}

/* Each row is asked for when the one before it is here. */
static enum verdict climb(struct run *run, const void *request, void *response)
{
	(void)request;
	(void)response;
	for (int i = 0; i < ROUNDS; i++) {
		const struct stock_row *stock;
		if (find_stock(run, arena_printf(run->arena, "STEP %d", i), "LEEDS", ACCESS_LOCK, &stock) ==
			LOOKUP_NEEDED)
			return VERDICT_NEED;
	}
	return VERDICT_DONE;
}

static int32_t climb_route(const void *request, const struct book_limits *limits)
{
	(void)request;
	(void)limits;
	return 1;
}

static const struct operation climbing = {
	.name = "Test/Climb",
	.request = &google__protobuf__int64_value__descriptor,
	.response = &google__protobuf__int64_value__descriptor,
	.run = climb,
	.route = climb_route,
	.writes = true,
};

static void again(struct caller *caller)
{
	assert_string_equal(outcome(caller), "OK");
	reserved++;
	caller->data = answered;
	answered = caller;
	if (!busy)
		return;
	struct caller *next = caller_new(&fixture);
	next->done = again;
	reserve(next, engine, "MUG", "LEEDS", 1);
}

static size_t turn;         /* of the loop */
static size_t turn_of_last; /* in which something was answered */
static size_t turns;        /* in which something was answered */

static void answered_in_turn(struct engine_request *request)
{
	struct caller *caller = request->data;
	caller->answered = true;
	fixture.in_flight--;
	turns += turn != turn_of_last;
	turn_of_last = turn;
}

static void climbed(struct engine_request *request)
{
	struct caller *caller = request->data;
	caller->answered = true;
	fixture.in_flight--;
}

static void start_climb(struct caller *caller)
{
	static const Google__Protobuf__Int64Value message = GOOGLE__PROTOBUF__INT64_VALUE__INIT;
	static const struct actor actor = {.name = "climber"};
	caller->request = (struct engine_request){
		.operation = &climbing,
		.message = &message,
		.arena = &caller->arena,
		.actor = &actor,
		.done = climbed,
		.data = caller,
	};
	fixture.in_flight++;
	engine_submit(engine, &caller->request);
}

static void operations_of_many_rounds_come_through_while_others_are_busy(void **state)
{
	(void)state;
	for (size_t i = 0; i < BUSY; i++) {
		struct caller *caller = caller_new(&fixture);
		caller->done = again;
		reserve(caller, engine, "MUG", "LEEDS", 1);
	}
	fixture_run_ms(&fixture, 50);
	struct caller *climbers[CLIMBERS];
	for (size_t i = 0; i < CLIMBERS; i++) {
		climbers[i] = caller_new(&fixture);
		start_climb(climbers[i]);
	}
	uint64_t until = uv_hrtime() + PATIENCE_MS * UINT64_C(1000000);
	size_t before = reserved;
	size_t through = 0;
	while (through < CLIMBERS && uv_hrtime() < until) {
		uv_run(&fixture.loop, UV_RUN_ONCE);
		through = 0;
		for (size_t i = 0; i < CLIMBERS; i++)
			through += climbers[i]->answered;
	}
	busy = false;
	size_t meanwhile = reserved - before;
	fixture_run(&fixture);
	assert_int_equal(through, CLIMBERS);
	for (size_t i = 0; i < CLIMBERS; i++)
		assert_int_equal(climbers[i]->request.outcome, ENGINE_DONE);
	/* Each was tried with the others once, and then alone. */
	assert_in_range(meanwhile, 1, 40 * BUSY);
	for (size_t i = 0; i < CLIMBERS; i++)
		caller_free(climbers[i]);
}

#define READS 16
#define ROWS 5000

static enum verdict look_around(struct run *run, const void *request, void *response)
{
	const Google__Protobuf__Int64Value *number = request;
	(void)response;
	bool need = false;
	for (int i = 0; i < ROWS; i++) {
		const struct stock_row *stock;
		need |= find_stock(run, arena_printf(run->arena, "THING %d-%d", (int)number->value, i),
					"LEEDS", ACCESS_PEEK, &stock) == LOOKUP_NEEDED;
	}
	return need ? VERDICT_NEED : VERDICT_DONE;
}

static const struct operation looking_around = {
	.name = "Test/LookAround",
	.request = &google__protobuf__int64_value__descriptor,
	.response = &google__protobuf__int64_value__descriptor,
	.run = look_around,
};

/* Their memory would have no end: what one of them wants is enough for one round trip. */
static void reads_that_want_much_are_not_read_all_at_once(void **state)
{
	(void)state;
	static const struct actor actor = {.name = "looker"};
	struct caller *callers[READS];
	Google__Protobuf__Int64Value messages[READS];
	turn = turns = 0;
	turn_of_last = SIZE_MAX;
	for (size_t i = 0; i < READS; i++) {
		google__protobuf__int64_value__init(&messages[i]);
		messages[i].value = (int64_t)i;
		callers[i] = caller_new(&fixture);
		callers[i]->request = (struct engine_request){
			.operation = &looking_around,
			.message = &messages[i],
			.arena = &callers[i]->arena,
			.actor = &actor,
			.done = answered_in_turn,
			.data = callers[i],
		};
		fixture.in_flight++;
		engine_submit(engine, &callers[i]->request);
	}
	for (; fixture.in_flight > 0; turn++)
		uv_run(&fixture.loop, UV_RUN_ONCE);
	for (size_t i = 0; i < READS; i++) {
		assert_int_equal(callers[i]->request.outcome, ENGINE_DONE);
		caller_free(callers[i]);
	}
	assert_in_range(turns, READS / 2, READS);
}

#define HEAVY 8

/* A document that turns out to name very many rows. */
static enum verdict unfold(struct run *run, const void *request, void *response)
{
	const Google__Protobuf__Int64Value *number = request;
	const struct stock_row *stock;
	(void)response;
	if (find_stock(run, arena_printf(run->arena, "HEAD %d", (int)number->value), "LEEDS",
			ACCESS_LOCK, &stock) == LOOKUP_NEEDED)
		return VERDICT_NEED;
	bool need = false;
	for (int i = 0; i < ROWS; i++)
		need |= find_stock(run, arena_printf(run->arena, "LEAF %d-%d", (int)number->value, i),
					"LEEDS", ACCESS_LOCK, &stock) == LOOKUP_NEEDED;
	return need ? VERDICT_NEED : VERDICT_DONE;
}

static const struct operation unfolding = {
	.name = "Test/Unfold",
	.request = &google__protobuf__int64_value__descriptor,
	.response = &google__protobuf__int64_value__descriptor,
	.run = unfold,
	.route = climb_route,
	.writes = true,
};

static void few_wait_for_those_that_need_very_many_rows(void **state)
{
	(void)state;
	static const struct actor actor = {.name = "unfolder"};
	struct caller *heavy[HEAVY];
	Google__Protobuf__Int64Value messages[HEAVY];
	struct caller *light = caller_new(&fixture);
	turn = turns = 0;
	turn_of_last = SIZE_MAX;
	for (size_t i = 0; i < HEAVY; i++) {
		google__protobuf__int64_value__init(&messages[i]);
		messages[i].value = (int64_t)i;
		heavy[i] = caller_new(&fixture);
		heavy[i]->request = (struct engine_request){
			.operation = &unfolding,
			.message = &messages[i],
			.arena = &heavy[i]->arena,
			.actor = &actor,
			.done = answered_in_turn,
			.data = heavy[i],
		};
		fixture.in_flight++;
		engine_submit(engine, &heavy[i]->request);
	}
	reserve(light, engine, "MUG", "LEEDS", 1);
	size_t before_light = 0; /* turns in which heavy ones were answered */
	for (; fixture.in_flight > 0; turn++) {
		uv_run(&fixture.loop, UV_RUN_ONCE);
		before_light = light->answered ? before_light : turns;
	}
	assert_string_equal(outcome(light), "OK");
	for (size_t i = 0; i < HEAVY; i++) {
		assert_int_equal(heavy[i]->request.outcome, ENGINE_DONE);
		caller_free(heavy[i]);
	}
	caller_free(light);
	assert_int_equal(turns, HEAVY);
	assert_in_range(before_light, 0, 2);
}

/* As on a machine that is far too busy: the database takes a session for dead that keeps it waiting
 * for a second. */
static enum verdict ponder(struct run *run, const void *request, void *response)
{
	const struct stock_row *stock;
	(void)request;
	(void)response;
	if (find_stock(run, "MUG", "LEEDS", ACCESS_LOCK, &stock) == LOOKUP_NEEDED)
		return VERDICT_NEED;
	usleep(1500000);
	return VERDICT_DONE;
}

static const struct operation pondering = {
	.name = "Test/Ponder",
	.request = &google__protobuf__int64_value__descriptor,
	.response = &google__protobuf__int64_value__descriptor,
	.run = ponder,
	.route = climb_route,
	.writes = true,
};

static void what_takes_long_to_decide_is_decided_in_the_end(void **state)
{
	(void)state;
	static const struct actor actor = {.name = "thinker"};
	static const Google__Protobuf__Int64Value message = GOOGLE__PROTOBUF__INT64_VALUE__INIT;
	struct caller *caller = caller_new(&fixture);
	caller->request = (struct engine_request){
		.operation = &pondering,
		.message = &message,
		.arena = &caller->arena,
		.actor = &actor,
		.deadline_us = engine_clock_us() + PATIENCE_MS * INT64_C(1000),
		.done = climbed,
		.data = caller,
	};
	fixture.in_flight++;
	engine_submit(engine, &caller->request);
	fixture_run(&fixture);
	assert_int_equal(caller->request.outcome, ENGINE_DONE);
	caller_free(caller);
}

/* Whose time is over while others hold its rows is told so, and not that the database is gone. */
static void who_waits_too_long_for_a_lock_is_told_of_his_deadline(void **state)
{
	(void)state;
	struct engine *other =
		fixture_engine(&fixture, &(struct engine_settings){.lanes = 1, .lock_timeout_ms = 50});
	char command[1024];
	snprintf(command, sizeof(command),
		"psql -X -q -d '%s' -c \"BEGIN; SELECT FROM stockbook.stock FOR UPDATE;"
		" SELECT 'locked'; SELECT pg_sleep(2); COMMIT\"",
		fixture.database);
	FILE *locker = popen(command, "r");
	assert_non_null(locker);
	while (ask(&fixture, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%%pg_sleep(2)%%'"
						 " AND wait_event = 'PgSleep'") == 0)
		;
	struct caller *caller = caller_new(&fixture);
	caller->request.deadline_us = engine_clock_us() + 400000;
	reserve(caller, other, "MUG", "LEEDS", 1);
	fixture_run(&fixture);
	assert_string_equal(outcome(caller), "DEADLINE_EXCEEDED");
	caller_free(caller);
	pclose(locker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			operations_of_many_rounds_come_through_while_others_are_busy, setup, teardown),
		cmocka_unit_test_setup_teardown(reads_that_want_much_are_not_read_all_at_once, setup,
			teardown),
		cmocka_unit_test_setup_teardown(who_waits_too_long_for_a_lock_is_told_of_his_deadline,
			setup, teardown),
		cmocka_unit_test_setup_teardown(what_takes_long_to_decide_is_decided_in_the_end, setup,
			teardown),
		cmocka_unit_test_setup_teardown(few_wait_for_those_that_need_very_many_rows, setup,
			teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
