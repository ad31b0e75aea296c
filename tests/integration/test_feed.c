/*
 * The feed on a real database: every event once and in order, whoever writes it, whatever happens to
 * the connections, however slowly it is taken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine_proxy.h"
#include "feed_follower.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "support/database.h"

#define SERVERS 2
#define CALLS 1200
#define IN_FLIGHT 60
#define LOCATIONS 6
/* A receipt of that many lines is a step of as many events and one. */
#define RECEIPT_LINES 5000

static struct fixture fixture;
static struct engine *engines[SERVERS];

static int setup(void **state)
{
	(void)state;
	fixture_open(&fixture);
	for (size_t i = 0; i < SERVERS; i++)
		engines[i] = fixture_engine(&fixture, NULL);
	put_item(&fixture, engines[0], "MUG");
	for (size_t i = 0; i < LOCATIONS; i++) {
		const char *code = arena_printf(&fixture.arena, "STORE-%zu", i);
		put_location(&fixture, engines[0], code);
		receive(&fixture, engines[0], "MUG", code, 100000);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_close(&fixture);
	return 0;
}

/* ---- Trade on all servers ---- */

static struct caller *callers[CALLS];
static size_t started;
static void (*now_and_then)(void); /* after every 100 answers */
static size_t answered;

static void start_one(void);

static void on_answer(struct caller *caller)
{
	if (caller->request.outcome != ENGINE_DONE)
		fail_msg("%s", caller->request.refusal.message);
	if (++answered % 100 == 0 && now_and_then)
		now_and_then();
	if (started < CALLS)
		start_one();
}

static void start_one(void)
{
	size_t number = started++;
	struct caller *caller = caller_new(&fixture);
	callers[number] = caller;
	caller->done = on_answer;
	reserve(caller, engines[number % SERVERS], "MUG",
		arena_printf(&fixture.arena, "STORE-%zu", number * 7 % LOCATIONS), 1);
}

static void trade(void (*sometimes)(void))
{
	started = answered = 0;
	now_and_then = sometimes;
	for (size_t i = 0; i < IN_FLIGHT; i++)
		start_one();
	fixture_run(&fixture);
	for (size_t i = 0; i < CALLS; i++)
		caller_free(callers[i]);
}

static void receive_much(size_t times)
{
	static Stockbook__V1__ReceiptLine lines[RECEIPT_LINES];
	static Stockbook__V1__ReceiptLine *list[RECEIPT_LINES];
	for (size_t i = 0; i < RECEIPT_LINES; i++) {
		stockbook__v1__receipt_line__init(&lines[i]);
		lines[i].sku = (char *)"MUG";
		lines[i].quantity = 1;
		list[i] = &lines[i];
	}
	Stockbook__V1__ReceiveStockRequest request = STOCKBOOK__V1__RECEIVE_STOCK_REQUEST__INIT;
	request.location = (char *)"STORE-0";
	request.lines = list;
	request.n_lines = RECEIPT_LINES;
	for (size_t i = 0; i < times; i++) {
		struct caller *caller = caller_new(&fixture);
		call_now(caller, engines[0], "StockService/ReceiveStock", &request);
		assert_string_equal(outcome(caller), "OK");
		caller_free(caller);
	}
}

static int32_t busy_part(void)
{
	return part_of("STORE-0", FIXTURE_PARTS);
}

/* ---- Tests ---- */

static void two_servers_tell_the_same_events_in_the_order_of_their_commits(void **state)
{
	(void)state;
	struct follower followers[SERVERS];
	int64_t from[FIXTURE_PARTS + 1] = {0};
	for (size_t i = 0; i < SERVERS; i++)
		follow(&followers[i], &fixture, engines[i], from);
	trade(NULL);
	for (size_t i = 0; i < SERVERS; i++)
		follower_catch_up(&followers[i]);
	int64_t movements = ask(&fixture, "SELECT count(*) FROM stockbook.movement");
	int64_t changes = ask(&fixture, "SELECT count(*) FROM stockbook.change");
	assert_true(movements >= CALLS);
	for (size_t i = 0; i < SERVERS; i++) {
		assert_int_equal(followers[i].movements, movements);
		assert_int_equal(followers[i].changes, changes);
	}
	assert_true(followers[0].digest == followers[1].digest);
	for (size_t i = 0; i < SERVERS; i++)
		follower_leave(&followers[i]);
}

static void from_now_on_begins_where_the_book_stands(void **state)
{
	(void)state;
	struct follower follower;
	trade(NULL);
	follow(&follower, &fixture, engines[0], NULL);
	follower_begin(&follower);
	int64_t stands = 0;
	for (size_t i = 0; i <= FIXTURE_PARTS; i++)
		stands += follower.position[i];
	assert_int_equal(stands, ask(&fixture, "SELECT sum(sequence) FROM stockbook.part_head"));
	receive(&fixture, engines[1], "MUG", "STORE-3", 5);
	follower_catch_up(&follower);
	assert_int_equal(follower.movements, 1);
	assert_int_equal(follower.changes, 1);
	follower_leave(&follower);
}

static void kill_feeds(void)
{
	test_sql(fixture.database, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
							   " WHERE application_name LIKE 'stockbook feed%%'");
}

static void killed_connections_leave_no_gap_and_repeat_nothing(void **state)
{
	(void)state;
	struct follower early, late;
	int64_t from[FIXTURE_PARTS + 1] = {0};
	follow(&early, &fixture, engines[0], NULL);
	follower_begin(&early);
	trade(kill_feeds);
	follow(&late, &fixture, engines[1], from);
	trade(kill_feeds);
	follower_catch_up(&early);
	follower_catch_up(&late);
	assert_true(early.movements >= (size_t)2 * CALLS);
	assert_int_equal(late.movements, ask(&fixture, "SELECT count(*) FROM stockbook.movement"));
	follower_leave(&early);
	follower_leave(&late);
}

static bool is_refused(const struct follower *follower)
{
	return follower->refusals > 0;
}

static void who_is_slow_holds_up_nobody_and_misses_nothing(void **state)
{
	(void)state;
	struct follower slow, quick;
	follow(&slow, &fixture, engines[0], NULL);
	follow(&quick, &fixture, engines[0], NULL);
	slow.room = 1;
	follower_begin(&slow);
	follower_begin(&quick);
	struct metric *pages = metric_counter("stockbook_feed_pages_total", "", NULL);
	struct metric *window = metric_gauge("stockbook_feed_window_bytes", "", NULL);
	/* More than the window holds. */
	receive_much(12);
	follower_wait(&slow, is_refused);
	follower_catch_up(&quick);
	int64_t before = metric_value(pages);
	assert_int_equal(quick.movements, 12 * RECEIPT_LINES);
	assert_true(slow.movements <= FEED_SLICE_MAX);
	assert_true(metric_value(window) < (20 << 20));
	/* A little room at a time, and then as much as it likes. */
	for (size_t i = 0; i < 5; i++) {
		slow.room = 1;
		slow.refusals = 0;
		feed_resume(slow.cursor);
		follower_wait(&slow, is_refused);
	}
	slow.room = SIZE_MAX;
	feed_resume(slow.cursor);
	follower_catch_up(&slow);
	assert_true(metric_value(pages) > before);
	assert_int_equal(slow.movements, quick.movements);
	assert_true(slow.digest == quick.digest);
	follower_leave(&slow);
	follower_leave(&quick);
}

static void a_step_that_a_position_cuts_is_told_from_where_it_was(void **state)
{
	(void)state;
	struct follower follower;
	int64_t from[FIXTURE_PARTS + 1] = {0};
	receive_much(1);
	for (int32_t i = 0; i <= FIXTURE_PARTS; i++)
		from[i] = ask(&fixture, "SELECT sequence FROM stockbook.part_head WHERE part = %d", i);
	from[busy_part()] -= 101; /* 100 movements of the receipt, and its change */
	follow(&follower, &fixture, engines[1], from);
	follower_catch_up(&follower);
	assert_int_equal(follower.seen, RECEIPT_LINES - 100);
	assert_int_equal(follower.movements, 100);
	assert_int_equal(follower.changes, 1);
	follower_leave(&follower);
}

static bool has_ended(const struct follower *follower)
{
	return follower->ended != 0;
}

static void a_position_that_the_ledger_has_forgotten_is_told_as_an_error(void **state)
{
	(void)state;
	struct follower old, fresh;
	int64_t from[FIXTURE_PARTS + 1] = {0};
	for (size_t i = 0; i < 5; i++)
		receive(&fixture, engines[0], "MUG", "STORE-0", 5);
	int64_t kept = ask(&fixture,
		"SELECT sequence FROM stockbook.change WHERE part = %d"
		" ORDER BY sequence LIMIT 1 OFFSET 3",
		busy_part());
	assert_true(kept > 0);
	follow(&fresh, &fixture, engines[0], NULL);
	follower_begin(&fresh);
	test_sql(fixture.database,
		"WITH m AS (DELETE FROM stockbook.movement WHERE part = %d AND sequence <= %lld)"
		" DELETE FROM stockbook.change WHERE part = %d AND sequence <= %lld",
		busy_part(), (long long)kept, busy_part(), (long long)kept);
	follow(&old, &fixture, engines[0], from);
	follower_wait(&old, has_ended);
	assert_int_equal(old.ended, STOCKBOOK__V1__REASON__REASON_POSITION_TOO_OLD);
	from[busy_part()] = kept - 1;
	follow(&old, &fixture, engines[0], from);
	follower_wait(&old, has_ended);
	assert_int_equal(old.ended, STOCKBOOK__V1__REASON__REASON_POSITION_TOO_OLD);
	/* Just what is still there, and everybody else, go on. */
	from[busy_part()] = kept;
	follow(&old, &fixture, engines[0], from);
	follower_catch_up(&old);
	assert_int_equal(old.ended, 0);
	receive(&fixture, engines[1], "MUG", "STORE-0", 5);
	follower_catch_up(&fresh);
	assert_int_equal(fresh.movements, 1);
	follower_leave(&old);
	follower_leave(&fresh);
}

static void a_position_of_another_book_is_told_as_an_error(void **state)
{
	(void)state;
	struct follower follower;
	int64_t from[FIXTURE_PARTS + 1] = {[3] = 1000000000};
	follow(&follower, &fixture, engines[0], from);
	follower_wait(&follower, has_ended);
	assert_int_equal(follower.ended, STOCKBOOK__V1__REASON__REASON_POSITION_TOO_NEW);
}

static void nobody_follows_a_book_that_has_become_older(void **state)
{
	(void)state;
	struct follower ahead, behind;
	follow(&ahead, &fixture, engines[0], NULL);
	follow(&behind, &fixture, engines[0], NULL);
	follower_begin(&ahead);
	follower_begin(&behind);
	behind.room = 0;
	receive(&fixture, engines[0], "MUG", "STORE-0", 5);
	follower_catch_up(&ahead);
	/* As after the restore of a backup. */
	test_sql(fixture.database,
		"WITH m AS (DELETE FROM stockbook.movement m USING stockbook.part_head h"
		" WHERE m.part = %d AND h.part = m.part AND m.sequence = h.sequence - 1),"
		" c AS (DELETE FROM stockbook.change c USING stockbook.part_head h"
		" WHERE c.part = %d AND h.part = c.part AND c.sequence = h.sequence)"
		" UPDATE stockbook.part_head SET sequence = sequence - 2 WHERE part = %d",
		busy_part(), busy_part(), busy_part());
	follower_wait(&ahead, has_ended);
	assert_int_equal(ahead.ended, STOCKBOOK__V1__REASON__REASON_POSITION_TOO_NEW);
	assert_int_equal(behind.ended, 0);
	behind.room = SIZE_MAX;
	feed_resume(behind.cursor);
	receive(&fixture, engines[1], "MUG", "STORE-0", 7);
	follower_catch_up(&behind);
	assert_int_equal(behind.movements, 1);
	follower_leave(&behind);
}

static int64_t questions(void)
{
	return ask(&fixture, "SELECT coalesce(sum(extract(epoch FROM state_change) * 1000000), 0)"
						 "::bigint FROM pg_stat_activity"
						 " WHERE application_name LIKE 'stockbook feed%%'");
}

/* For a while in which a feed that worked would have asked many times. */
static void rest(void)
{
	fixture.in_flight++;
	fixture_run_ms(&fixture, 700);
	fixture.in_flight--;
}

static void nothing_is_asked_while_nobody_follows(void **state)
{
	(void)state;
	struct engine *engine = fixture_engine(&fixture, NULL);
	int64_t connections = ask(&fixture, "SELECT count(*) FROM pg_stat_activity"
										" WHERE application_name LIKE 'stockbook feed%%'");
	receive(&fixture, engine, "MUG", "STORE-1", 5);
	rest();
	assert_int_equal(ask(&fixture, "SELECT count(*) FROM pg_stat_activity"
								   " WHERE application_name LIKE 'stockbook feed%%'"),
		connections);
	struct follower follower;
	follow(&follower, &fixture, engine, NULL);
	follower_begin(&follower);
	follower_leave(&follower);
	rest();
	int64_t before = questions();
	receive(&fixture, engine, "MUG", "STORE-1", 5);
	rest();
	assert_int_equal(questions(), before);
	/* And it begins again. */
	follow(&follower, &fixture, engine, NULL);
	follower_begin(&follower);
	receive(&fixture, engine, "MUG", "STORE-1", 5);
	follower_catch_up(&follower);
	assert_int_equal(follower.movements, 1);
	follower_leave(&follower);
}

static void followers_are_told_when_the_engine_closes(void **state)
{
	(void)state;
	static struct follower follower; /* the fixture closes the engine */
	follow(&follower, &fixture, engines[0], NULL);
	follower_begin(&follower);
	fixture_close(&fixture);
	assert_int_equal(follower.ended, STOCKBOOK__V1__REASON__REASON_UNAVAILABLE);
	setup(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_servers_tell_the_same_events_in_the_order_of_their_commits),
		cmocka_unit_test(from_now_on_begins_where_the_book_stands),
		cmocka_unit_test(killed_connections_leave_no_gap_and_repeat_nothing),
		cmocka_unit_test(who_is_slow_holds_up_nobody_and_misses_nothing),
		cmocka_unit_test(a_step_that_a_position_cuts_is_told_from_where_it_was),
		cmocka_unit_test(nothing_is_asked_while_nobody_follows),
		cmocka_unit_test(followers_are_told_when_the_engine_closes),
		cmocka_unit_test(a_position_of_another_book_is_told_as_an_error),
		cmocka_unit_test(nobody_follows_a_book_that_has_become_older),
		cmocka_unit_test(a_position_that_the_ledger_has_forgotten_is_told_as_an_error),
	};
	log_open(2, LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, setup, teardown);
}
