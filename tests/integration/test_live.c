/*
 * Reads that may be old, and reads that must include a position: from memory where it is right, from
 * the database where it is not, and never wrong, whatever other servers and connections do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/feed_private.h"
#include "engine/live.h"
#include "engine_fixture.h"
#include "feed_follower.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "stockbook/v1/item.pb-c.h"
#include "stockbook/v1/location.pb-c.h"
#include "support/database.h"

#define SECOND_US INT64_C(1000000)
#define LOCATIONS 4

static struct fixture fixture;
static struct engine *cached; /* the one that is asked */
static struct engine *other;  /* another server on the same database */

static int setup(void **state)
{
	(void)state;
	fixture_open(&fixture);
	cached = fixture_engine(&fixture, &(struct engine_settings){.cache_bytes_max = 8 << 20});
	other = fixture_engine(&fixture, NULL);
	put_item(&fixture, cached, "MUG");
	for (size_t i = 0; i < LOCATIONS; i++) {
		const char *code = arena_printf(&fixture.arena, "STORE-%zu", i);
		put_location(&fixture, cached, code);
		receive(&fixture, cached, "MUG", code, 1000);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_book_is_right(&fixture, cached);
	fixture_close(&fixture);
	return 0;
}

static int64_t hits(void)
{
	return metric_value(metric_counter("stockbook_cache_reads_total", "", "from=\"memory\""));
}

struct answer {
	const char *outcome;
	int64_t available;
	int64_t age_us;
};

static struct answer read_availability(struct engine *engine, const char *sku, const char *location,
	int64_t max_staleness_us, const int64_t *at_least)
{
	struct caller *caller = caller_new(&fixture);
	Stockbook__V1__GetAvailabilityRequest request = STOCKBOOK__V1__GET_AVAILABILITY_REQUEST__INIT;
	char *skus[] = {arena_string(&caller->arena, sku)};
	char *locations[] = {arena_string(&caller->arena, location)};
	request.skus = skus;
	request.locations = locations;
	request.n_skus = request.n_locations = 1;
	caller->request.max_staleness_us = max_staleness_us;
	caller->request.at_least = at_least;
	caller->request.deadline_us = engine_clock_us() + 20 * SECOND_US;
	call_now(caller, engine, "StockService/GetAvailability", &request);
	struct answer answer = {outcome(caller), -1, caller->request.age_us};
	if (caller->response) {
		const Stockbook__V1__GetAvailabilityResponse *response =
			(const Stockbook__V1__GetAvailabilityResponse *)caller->response;
		answer.available = response->availabilities[0]->available_to_sell;
	}
	caller_free(caller);
	return answer;
}

/* Until a read comes from memory. */
static struct answer warm(const char *sku, const char *location)
{
	for (int i = 0; i < 10000; i++) {
		int64_t before = hits();
		struct answer answer = read_availability(cached, sku, location, SECOND_US * 60, NULL);
		assert_string_equal(answer.outcome, "OK");
		if (hits() > before)
			return answer;
	}
	fail_msg("nothing comes from memory");
	return (struct answer){0};
}

static void positions(int64_t *at_least)
{
	for (int32_t i = 0; i <= FIXTURE_PARTS; i++)
		at_least[i] = ask(&fixture, "SELECT sequence FROM stockbook.part_head WHERE part = %d", i);
}

static void without_options_a_read_is_the_databases(void **state)
{
	(void)state;
	warm("MUG", "STORE-0");
	int64_t before = hits();
	for (int i = 0; i < 20; i++) {
		receive(&fixture, other, "MUG", "STORE-0", 1);
		struct answer answer = read_availability(cached, "MUG", "STORE-0", 0, NULL);
		assert_int_equal(answer.available,
			ask(&fixture, "SELECT available FROM stockbook.stock WHERE location = 'STORE-0'"));
		assert_int_equal(answer.age_us, 0);
	}
	assert_int_equal(hits(), before);
}

static void what_may_be_old_comes_from_memory_and_says_its_age(void **state)
{
	(void)state;
	struct answer answer = warm("MUG", "STORE-1");
	assert_int_equal(answer.available, 1000);
	assert_true(answer.age_us > 0 && answer.age_us <= 60 * SECOND_US);
	/* A bound that nothing in memory can keep. */
	int64_t before = hits();
	answer = read_availability(cached, "MUG", "STORE-1", 1, NULL);
	assert_int_equal(answer.age_us, 0);
	assert_int_equal(answer.available, 1000);
	assert_int_equal(hits(), before);
}

/* An answer with an age is what the book was at some moment in that time: here it only grows. */
static void an_answer_is_never_older_than_it_says(void **state)
{
	(void)state;
	enum { STEPS = 150 };
	int64_t made_us[STEPS + 1] = {0};
	warm("MUG", "STORE-2");
	size_t from_memory = 0;
	int64_t last = 0;
	for (int i = 1; i <= STEPS; i++) {
		receive(&fixture, i % 2 ? other : cached, "MUG", "STORE-2", 1);
		made_us[i] = engine_clock_us(); /* from now on it is at least 1000 + i */
		int64_t asked_us = engine_clock_us();
		struct answer answer =
			read_availability(cached, "MUG", "STORE-2", i % 3 ? 60 * SECOND_US : 20000, NULL);
		assert_string_equal(answer.outcome, "OK");
		assert_true(answer.available <= 1000 + i);
		int64_t step = answer.available - 1000;
		from_memory += answer.age_us > 0;
		/* What came after the step that it shows had not happened so long ago as it says. */
		assert_true(step >= 0);
		if (step >= 0 && step < i) {
			assert_true(answer.age_us > 0);
			assert_true(asked_us - made_us[step + 1] <= answer.age_us);
		}
		if (answer.age_us > 0 && i % 3 == 0)
			assert_true(answer.age_us <= 20000 + (engine_clock_us() - asked_us));
		assert_true(answer.available >= last || answer.age_us > 0);
		last = answer.available;
	}
	assert_true(from_memory > 0);
}

static void a_position_is_included_whatever_the_memory_has(void **state)
{
	(void)state;
	int64_t at_least[FIXTURE_PARTS + 1];
	warm("MUG", "STORE-3");
	for (int i = 1; i <= 40; i++) {
		receive(&fixture, other, "MUG", "STORE-3", 1);
		positions(at_least);
		struct answer answer =
			read_availability(cached, "MUG", "STORE-3", 60 * SECOND_US, at_least);
		assert_int_equal(answer.available, 1000 + i);
		answer = read_availability(cached, "MUG", "STORE-3", 0, at_least);
		assert_int_equal(answer.available, 1000 + i);
	}
}

static void on_timer(uv_timer_t *timer)
{
	struct caller *caller = timer->data;
	reserve(caller, other, "MUG", "STORE-0", 1);
	uv_close((uv_handle_t *)timer, NULL);
}

static void a_position_that_is_not_there_yet_is_waited_for(void **state)
{
	(void)state;
	int64_t at_least[FIXTURE_PARTS + 1];
	positions(at_least);
	int32_t part = part_of("STORE-0", FIXTURE_PARTS);
	at_least[part] += 2; /* a movement and its change */
	struct caller *later = caller_new(&fixture);
	uv_timer_t timer;
	uv_timer_init(&fixture.loop, &timer);
	timer.data = later;
	uv_timer_start(&timer, on_timer, 150, 0);
	struct answer answer = read_availability(cached, "MUG", "STORE-0", 0, at_least);
	assert_string_equal(answer.outcome, "OK");
	assert_true(later->answered);
	assert_int_equal(answer.available,
		ask(&fixture, "SELECT available FROM stockbook.stock WHERE location = 'STORE-0'"));
	caller_free(later);
}

static void a_position_that_never_comes_ends_with_the_deadline(void **state)
{
	(void)state;
	int64_t at_least[FIXTURE_PARTS + 1] = {[1] = INT64_MAX};
	struct caller *caller = caller_new(&fixture);
	Stockbook__V1__GetAvailabilityRequest request = STOCKBOOK__V1__GET_AVAILABILITY_REQUEST__INIT;
	char *skus[] = {(char *)"MUG"};
	char *locations[] = {(char *)"STORE-0"};
	request.skus = skus;
	request.locations = locations;
	request.n_skus = request.n_locations = 1;
	caller->request.at_least = at_least;
	caller->request.deadline_us = engine_clock_us() + 300000;
	call_now(caller, cached, "StockService/GetAvailability", &request);
	assert_string_equal(outcome(caller), "DEADLINE_EXCEEDED");
	caller_free(caller);
}

/* What another server changes without a movement. */
static void policies_are_as_new_as_the_position(void **state)
{
	(void)state;
	int64_t at_least[FIXTURE_PARTS + 1];
	put_item(&fixture, cached, "CUP");
	receive(&fixture, cached, "CUP", "STORE-1", 100);
	warm("CUP", "STORE-1");
	for (int i = 1; i <= 8; i++) {
		put_item_safety(&fixture, other, "CUP", i);
		positions(at_least);
		assert_int_equal(read_availability(cached, "CUP", "STORE-1", 60 * SECOND_US, at_least)
							 .available,
			100 - i);
	}
	warm("CUP", "STORE-1");
	for (int i = 21; i <= 28; i++) {
		set_safety(&fixture, other, "CUP", "STORE-1", i);
		positions(at_least);
		assert_int_equal(read_availability(cached, "CUP", "STORE-1", 60 * SECOND_US, at_least)
							 .available,
			100 - i);
	}
}

static bool is_known_now(struct engine *engine, const char *sku)
{
	const struct item_row key = {.part = part_of(sku, FIXTURE_PARTS), .sku = sku};
	int64_t as_of_us;
	return policy_look_since(engine->policy, TABLE(item), &key, engine->feed->current_us,
			   &as_of_us) != NULL;
}

/* Nobody reads from memory, but what lanes remember of policies is as new as the feed. */
static void policies_are_heard_of_while_only_a_stream_follows(void **state)
{
	(void)state;
	struct follower follower;
	struct engine *streaming = fixture_engine(&fixture, NULL);
	follow(&follower, &fixture, streaming, NULL);
	follower_begin(&follower);
	/* Read again where the feed or the tables' heads, asked for the first time by a batch of the
	 * sweeper's, have come after it. */
	int64_t until_us = engine_clock_us() + 60 * SECOND_US;
	do {
		assert_true(engine_clock_us() < until_us);
		assert_string_equal(read_availability(streaming, "CUP", "STORE-0", 0, NULL).outcome, "OK");
	} while (!is_known_now(streaming, "CUP"));
	put_item_safety(&fixture, other, "CUP", 50);
	follower_catch_up(&follower);
	bool old = is_known_now(streaming, "CUP");
	follower_leave(&follower);
	assert_false(old);
}

/* Rows in memory last as long as the feed follows, also those of policies. */
static void memory_is_kept_while_nothing_happens(void **state)
{
	(void)state;
	warm("MUG", "STORE-1");
	fixture.in_flight++;
	fixture_run_ms(&fixture, 3000);
	fixture.in_flight--;
	int64_t before = hits();
	/* Asked for longer ago than that, and so known by the feed alone. */
	int64_t staleness_us = 5 * SECOND_US / 2;
	struct answer answer = read_availability(cached, "MUG", "STORE-1", staleness_us, NULL);
	assert_int_equal(hits(), before + 1);
	assert_true(answer.age_us < staleness_us);
}

static void a_lost_connection_forgets_what_was_in_memory(void **state)
{
	(void)state;
	for (int i = 1; i <= 5; i++) {
		warm("MUG", "STORE-1");
		test_sql(fixture.database, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
								   " WHERE application_name LIKE 'stockbook %%'");
		/* By nobody who tells: as if a standby had taken over with other figures. */
		test_sql(fixture.database, "UPDATE stockbook.stock SET available = available + 1,"
								   " version = version + 1"
								   " WHERE sku = 'MUG' AND location = 'STORE-1'");
		/* Until the loss is noticed. */
		int64_t until_us = engine_clock_us() + 60 * SECOND_US;
		while (warm("MUG", "STORE-1").available != 1000 + i)
			assert_true(engine_clock_us() < until_us);
	}
	test_sql(fixture.database, "UPDATE stockbook.stock SET available = 1000"
							   " WHERE sku = 'MUG' AND location = 'STORE-1'");
}

/* ---- Watches ---- */

struct watching {
	struct watch *watch;
	size_t calls;
	size_t numbers[2];
	size_t count;
	bool ended;
};

static void on_changed(struct watch *watch, void *data)
{
	struct watching *watching = data;
	watching->calls++;
	watching->count = watch_take(watch, watching->numbers);
}

static void on_tick(struct watch *watch, int64_t now_us, void *data)
{
	(void)watch;
	(void)now_us;
	(void)data;
}

static void on_end(struct watch *watch, void *data)
{
	(void)watch;
	((struct watching *)data)->ended = true;
}

static void wait_for_call(struct watching *watching)
{
	size_t before = watching->calls;
	for (int64_t until_us = engine_clock_us() + 60 * SECOND_US; watching->calls == before;) {
		uv_run(&fixture.loop, UV_RUN_ONCE);
		assert_true(engine_clock_us() < until_us);
	}
}

static void a_watch_is_called_for_its_skus_alone(void **state)
{
	(void)state;
	struct watching watching = {0};
	const char *skus[] = {"MUG", "CUP"};
	const struct watch_options options = {
		.skus = skus,
		.count = 2,
		.changed = on_changed,
		.tick = on_tick,
		.end = on_end,
		.data = &watching,
	};
	put_item(&fixture, other, "PLATE");
	put_item(&fixture, other, "CUP");
	watching.watch = engine_watch(cached, &options);
	assert_non_null(watching.watch);
	wait_for_call(&watching);
	assert_int_equal(watching.count, 2); /* all, at first */
	receive(&fixture, other, "PLATE", "STORE-1", 1);
	receive(&fixture, other, "CUP", "STORE-1", 1);
	wait_for_call(&watching);
	assert_int_equal(watching.count, 1);
	assert_int_equal(watching.numbers[0], 1);
	assert_int_equal(watching.calls, 2);
	put_location(&fixture, other, "STORE-9");
	wait_for_call(&watching);
	assert_int_equal(watching.count, 2);
	watch_leave(watching.watch);
	assert_false(watching.ended);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_options_a_read_is_the_databases),
		cmocka_unit_test(what_may_be_old_comes_from_memory_and_says_its_age),
		cmocka_unit_test(an_answer_is_never_older_than_it_says),
		cmocka_unit_test(a_position_is_included_whatever_the_memory_has),
		cmocka_unit_test(a_position_that_is_not_there_yet_is_waited_for),
		cmocka_unit_test(a_position_that_never_comes_ends_with_the_deadline),
		cmocka_unit_test(policies_are_as_new_as_the_position),
		cmocka_unit_test(memory_is_kept_while_nothing_happens),
		cmocka_unit_test(a_lost_connection_forgets_what_was_in_memory),
		cmocka_unit_test(a_watch_is_called_for_its_skus_alone),
		cmocka_unit_test(policies_are_heard_of_while_only_a_stream_follows),
	};
	log_open(2, LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, setup, teardown);
}
