/*
 * Fresh reads that are answered from memory: with all that was committed before, by whichever server,
 * and never wrong, lost or twice, whatever happens to the feed. What must come from memory is told
 * apart by the metrics.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/confirm.h"
#include "engine/feed_private.h"
#include "engine/live_private.h"
#include "engine_fixture.h"
#include "engine_proxy.h"
#include "holder.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "stockbook/v1/item.pb-c.h"
#include "stockbook/v1/location.pb-c.h"
#include "support/database.h"

#define SECOND_US INT64_C(1000000)
#define AT_LAST_US (60 * SECOND_US) /* nothing takes as long */
#define BURST 40

/* Followed from the first read on, and judged often. */
#define EAGER .cache_bytes_max = 8 << 20, .fresh_reads_min = 1, .fresh_window_ms = 50

static struct fixture fixture;
static struct proxy proxy;
static struct engine *engine; /* the one that is asked, behind the proxy */
static struct engine *other;  /* another server on the same database */

static const char *socket_folder(const char *conninfo)
{
	char folder[256] = "";
	assert_int_equal(sscanf(conninfo, "host='%255[^']'", folder), 1);
	return arena_string(&fixture.arena, folder);
}

static const char *through_proxy(void)
{
	return arena_printf(&fixture.arena, "host='%s' %s", proxy.directory,
		strstr(fixture.database, "port="));
}

static int setup(void **state)
{
	(void)state;
	fixture_open(&fixture);
	cluster_watch(test_cluster(), &fixture.loop);
	proxy_open(&proxy, &fixture.loop, socket_folder(fixture.database));
	engine = fixture_engine(&fixture,
		&(struct engine_settings){EAGER, .database = through_proxy(), .batch_deadline_ms = 1000});
	other = fixture_engine(&fixture, NULL);
	put_location(&fixture, engine, "LEEDS");
	put_location(&fixture, engine, "YORK");
	put_item(&fixture, engine, "MUG");
	put_item(&fixture, engine, "CUP");
	receive(&fixture, engine, "MUG", "LEEDS", 1000000);
	receive(&fixture, engine, "CUP", "LEEDS", 1000000);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_book_is_right(&fixture, engine);
	proxy_shut(&proxy);
	cluster_unwatch(test_cluster());
	fixture_close(&fixture);
	return 0;
}

static int64_t from_memory(void)
{
	return metric_value(metric_counter("stockbook_fresh_reads_total", "", "from=\"memory\""));
}

static int64_t from_database(void)
{
	return metric_value(metric_counter("stockbook_fresh_reads_total", "", "from=\"database\""));
}

static void note_time(int64_t *until_us)
{
	*until_us = engine_clock_us() + AT_LAST_US;
}

static void assert_in_time(int64_t until_us)
{
	assert_true(engine_clock_us() < until_us);
}

/* ---- Reads ---- */

static const Stockbook__V1__GetAvailabilityRequest *request_for(struct arena *arena,
	const char *const *skus, size_t count, const char *location)
{
	Stockbook__V1__GetAvailabilityRequest *request = arena_alloc(arena, sizeof(*request));
	stockbook__v1__get_availability_request__init(request);
	request->skus = arena_alloc_array(arena, count, sizeof(*request->skus));
	request->locations = arena_alloc_array(arena, 1, sizeof(*request->locations));
	for (size_t i = 0; i < count; i++)
		request->skus[request->n_skus++] = arena_string(arena, skus[i]);
	request->locations[request->n_locations++] = arena_string(arena, location);
	return request;
}

static void read_fresh(struct caller *caller, struct engine *from, const char *sku)
{
	caller->request.recalls = true;
	call(caller, from, "StockService/GetAvailability",
		request_for(&caller->arena, &sku, 1, "LEEDS"));
}

static void wait_for(const struct caller *caller)
{
	while (!caller->answered)
		uv_run(&fixture.loop, UV_RUN_ONCE);
}

static int64_t available(const struct caller *caller, size_t number)
{
	assert_string_equal(outcome(caller), "OK");
	assert_int_equal(caller->answers, 1);
	assert_int_equal(caller->request.age_us, 0);
	const Stockbook__V1__GetAvailabilityResponse *response =
		(const Stockbook__V1__GetAvailabilityResponse *)caller->response;
	return response->availabilities[number]->available_to_sell;
}

static int64_t available_of(struct engine *from, const char *sku, const int64_t *at_least)
{
	struct caller *caller = caller_new(&fixture);
	caller->request.at_least = at_least;
	caller->request.deadline_us = engine_clock_us() + AT_LAST_US;
	read_fresh(caller, from, sku);
	wait_for(caller);
	int64_t found = available(caller, 0);
	caller_free(caller);
	return found;
}

/* All answers until one comes from memory are right; that one, too. */
static void assert_available(const char *sku, int64_t expected)
{
	int64_t until_us;
	note_time(&until_us);
	for (bool memory = false; !memory;) {
		int64_t before = from_memory();
		assert_int_equal(available_of(engine, sku, NULL), expected);
		memory = from_memory() > before;
		assert_in_time(until_us);
	}
}

static int64_t in_the_book(const char *sku)
{
	return ask(&fixture, "SELECT available FROM stockbook.stock WHERE sku = '%s'", sku);
}

/* ---- Tests ---- */

static void a_confirmed_read_has_all_that_was_committed_before(void **state)
{
	(void)state;
	int64_t expected = in_the_book("MUG");
	for (int i = 0; i < 60; i++) {
		receive(&fixture, i % 2 ? other : engine, "MUG", "LEEDS", 1);
		assert_available("MUG", ++expected);
	}
}

static void policies_that_another_server_changed_count_at_once(void **state)
{
	(void)state;
	put_item(&fixture, engine, "JUG");
	receive(&fixture, engine, "JUG", "LEEDS", 100);
	assert_available("JUG", 100);
	for (int i = 1; i <= 8; i++) {
		put_item_safety(&fixture, other, "JUG", i);
		assert_available("JUG", 100 - i);
	}
	for (int i = 0; i < 4; i++) {
		put_disabled(&fixture, other, "LEEDS", true);
		assert_available("JUG", 0);
		put_disabled(&fixture, other, "LEEDS", false);
		assert_available("JUG", 92);
	}
	for (int i = 21; i <= 28; i++) {
		set_safety(&fixture, other, "JUG", "LEEDS", i);
		assert_available("JUG", 100 - i);
	}
}

/* ---- A hot row, two servers, many callers ---- */

struct storm {
	int64_t written; /* acknowledged */
	int writes;      /* still to be made */
	int reads;       /* that were answered */
	int64_t base;
};

struct storm_caller {
	struct storm *storm;
	struct engine *engine;
	int64_t written; /* when it was submitted */
};

static struct storm storm;

static void write_more(struct caller *caller);
static void read_more(struct storm_caller *context);

static void on_written(struct caller *caller)
{
	assert_string_equal(outcome(caller), "OK");
	storm.written++;
	write_more(caller);
}

static void receive_one(struct storm_caller *context)
{
	struct caller *caller = caller_new(&fixture);
	struct arena *arena = &caller->arena;
	Stockbook__V1__ReceiveStockRequest *request = arena_alloc(arena, sizeof(*request));
	Stockbook__V1__ReceiptLine *line = arena_alloc(arena, sizeof(*line));
	stockbook__v1__receive_stock_request__init(request);
	stockbook__v1__receipt_line__init(line);
	line->sku = arena_string(arena, "MUG");
	line->quantity = 1;
	request->location = arena_string(arena, "LEEDS");
	request->lines = arena_alloc_array(arena, 1, sizeof(*request->lines));
	request->lines[request->n_lines++] = line;
	caller->done = on_written;
	caller->data = context;
	call(caller, context->engine, "StockService/ReceiveStock", request);
}

static struct caller **ended;
static size_t ended_count, ended_capacity;

static void end(struct caller *caller)
{
	ended =
		arena_grow(&fixture.arena, ended, ended_count, &ended_capacity, sizeof(struct caller *));
	ended[ended_count++] = caller;
}

static void free_ended(void)
{
	for (size_t i = 0; i < ended_count; i++)
		assert_int_equal(ended[i]->answers, 1);
	free_callers(ended, ended_count);
	ended_count = 0;
}

static void write_more(struct caller *caller)
{
	struct storm_caller *context = caller->data;
	end(caller);
	if (storm.writes-- > 0)
		receive_one(context);
}

static void on_read(struct caller *caller)
{
	struct storm_caller *context = caller->data;
	int64_t found = available(caller, 0) - storm.base;
	/* What was acknowledged before it was asked for is there; nothing is that was not made. */
	assert_true(found >= context->written);
	storm.reads++;
	end(caller);
	if (storm.writes > 0)
		read_more(context);
}

static void read_more(struct storm_caller *context)
{
	struct caller *caller = caller_new(&fixture);
	caller->done = on_read;
	caller->data = context;
	context->written = storm.written;
	read_fresh(caller, context->engine, "MUG");
}

static void a_row_that_is_written_all_the_time_is_read_right(void **state)
{
	(void)state;
	enum { WRITERS = 4, READERS = 8, WRITES = 600 };
	struct storm_caller writers[WRITERS], readers[READERS];
	storm = (struct storm){.writes = WRITES, .base = in_the_book("MUG")};
	assert_available("MUG", storm.base);
	int64_t memory = from_memory(), database = from_database();
	for (size_t i = 0; i < WRITERS; i++) {
		writers[i] = (struct storm_caller){.engine = i % 2 ? engine : other};
		receive_one(&writers[i]);
	}
	for (size_t i = 0; i < READERS; i++) {
		readers[i] = (struct storm_caller){.engine = engine};
		read_more(&readers[i]);
	}
	fixture_run(&fixture);
	free_ended();
	assert_int_equal(in_the_book("MUG"), storm.base + storm.written);
	/* Each counted once. */
	assert_int_equal(from_memory() - memory + from_database() - database, storm.reads);
	assert_true(from_memory() > memory);
	assert_available("MUG", storm.base + storm.written);
}

/* ---- Several rows are of one moment ---- */

static Stockbook__V1__AdjustmentLine *adjustment(struct arena *arena, const char *sku,
	int64_t quantity)
{
	Stockbook__V1__AdjustmentLine *line = arena_alloc(arena, sizeof(*line));
	stockbook__v1__adjustment_line__init(line);
	line->sku = arena_string(arena, sku);
	line->quantity = quantity;
	return line;
}

static void swap_more(struct caller *caller);

static void swap_one(struct engine *at)
{
	struct caller *caller = caller_new(&fixture);
	struct arena *arena = &caller->arena;
	Stockbook__V1__AdjustStockRequest *request = arena_alloc(arena, sizeof(*request));
	stockbook__v1__adjust_stock_request__init(request);
	request->location = arena_string(arena, "LEEDS");
	request->reason = STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_CORRECTION;
	request->lines = arena_alloc_array(arena, 2, sizeof(*request->lines));
	request->lines[request->n_lines++] = adjustment(arena, "MUG", storm.writes % 3 ? 1 : -2);
	request->lines[request->n_lines++] = adjustment(arena, "CUP", storm.writes % 3 ? -1 : 2);
	caller->done = swap_more;
	caller->data = at;
	call(caller, at, "StockService/AdjustStock", request);
}

static void swap_more(struct caller *caller)
{
	assert_string_equal(outcome(caller), "OK");
	end(caller);
	if (storm.writes-- > 0)
		swap_one(caller->data);
}

static void read_both(void);

static void on_both(struct caller *caller)
{
	assert_int_equal(available(caller, 0) + available(caller, 1), storm.base);
	end(caller);
	if (storm.writes > 0)
		read_both();
}

static void read_both(void)
{
	static const char *const skus[] = {"MUG", "CUP"};
	struct caller *caller = caller_new(&fixture);
	caller->request.recalls = true;
	caller->done = on_both;
	call(caller, engine, "StockService/GetAvailability",
		request_for(&caller->arena, skus, 2, "LEEDS"));
}

static void several_rows_are_of_one_moment(void **state)
{
	(void)state;
	storm = (struct storm){.writes = 500, .base = in_the_book("MUG") + in_the_book("CUP")};
	assert_available("MUG", in_the_book("MUG"));
	assert_available("CUP", in_the_book("CUP"));
	int64_t memory = from_memory();
	swap_one(engine);
	swap_one(other);
	for (int i = 0; i < 6; i++)
		read_both();
	fixture_run(&fixture);
	free_ended();
	assert_true(from_memory() > memory);
}

/* A reader may have asked after the feed did, and be answered before it: what it read is perhaps newer
 * than all else. */
static void a_row_that_was_read_after_a_moment_is_not_of_it(void **state)
{
	(void)state;
	int64_t before_us = engine_clock_us();
	put_item(&fixture, engine, "POT");
	receive(&fixture, engine, "POT", "LEEDS", 5);
	assert_available("POT", 5);
	struct caller *caller = caller_new(&fixture);
	read_fresh(caller, engine, "POT"); /* fills the request in */
	wait_for(caller);
	struct recall recall = {
		.live = engine->live,
		.oldest_us = engine->feed->current_us,
		.settled_us = before_us,
		.as_of_us = INT64_MAX,
	};
	assert_false(live_decide(engine->live, &caller->request, &recall));
	recall.settled_us = engine_clock_us();
	assert_true(live_decide(engine->live, &caller->request, &recall));
	caller_free(caller);
}

/* What a reader had asked for before the feed told that it has moved is not current. */
static void a_row_that_was_told_of_while_it_was_read_is_read_again(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena);
	put_item(&fixture, engine, "PAN");
	receive(&fixture, engine, "PAN", "LEEDS", 5);
	assert_available("PAN", 5);
	uint64_t asked_told = live_told(engine->live);
	receive(&fixture, other, "PAN", "LEEDS", 1);
	assert_available("MUG", in_the_book("MUG"));
	assert_true(live_told(engine->live) > asked_told);
	struct stock_row *row = row_new(TABLE(stock), &arena);
	row->part = part_of("LEEDS", FIXTURE_PARTS);
	row->sku = "PAN";
	row->location = "LEEDS";
	row->available = 5;
	row->version = ask(&fixture, "SELECT version FROM stockbook.stock WHERE sku = 'PAN'") - 1;
	const void *rows[] = {row};
	cache_forget(engine->live->cache, row);
	live_loaded(engine->live, rows, 1, rows, 1, asked_told, engine_clock_us());
	assert_available("PAN", 6);
	arena_release(&arena);
}

/* ---- Positions ---- */

static void a_position_of_the_future_is_waited_for(void **state)
{
	(void)state;
	int64_t at_least[FIXTURE_PARTS + 1];
	for (int32_t i = 0; i <= FIXTURE_PARTS; i++)
		at_least[i] = ask(&fixture, "SELECT sequence FROM stockbook.part_head WHERE part = %d", i);
	int64_t expected = in_the_book("MUG");
	assert_available("MUG", expected);
	int64_t memory = from_memory();
	assert_int_equal(available_of(engine, "MUG", at_least), expected);
	assert_int_equal(from_memory(), memory + 1);
	at_least[part_of("LEEDS", FIXTURE_PARTS)] += 2; /* a movement and its change */
	struct caller *caller = caller_new(&fixture);
	caller->request.at_least = at_least;
	caller->request.deadline_us = engine_clock_us() + AT_LAST_US;
	read_fresh(caller, engine, "MUG");
	receive(&fixture, other, "MUG", "LEEDS", 1);
	wait_for(caller);
	assert_int_equal(available(caller, 0), expected + 1);
	caller_free(caller);
}

/* ---- When the feed fails ---- */

static void burst(struct caller **callers, int64_t deadline_us)
{
	for (size_t i = 0; i < BURST; i++) {
		callers[i] = caller_new(&fixture);
		callers[i]->request.deadline_us = deadline_us;
		read_fresh(callers[i], engine, "MUG");
	}
}

static void when_the_feeds_connection_is_cut_the_readers_answer(void **state)
{
	(void)state;
	int64_t expected = in_the_book("MUG");
	for (int i = 0; i < 5; i++) {
		struct caller *callers[BURST];
		assert_available("MUG", expected);
		burst(callers, 0);
		uv_run(&fixture.loop, UV_RUN_NOWAIT); /* the question goes out */
		test_sql(fixture.database, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
								   " WHERE application_name = 'stockbook feed'");
		fixture_run(&fixture);
		for (size_t c = 0; c < BURST; c++)
			assert_int_equal(available(callers[c], 0), expected);
		free_callers(callers, BURST);
		receive(&fixture, other, "MUG", "LEEDS", 1);
		assert_int_equal(available_of(engine, "MUG", NULL), ++expected);
	}
	assert_available("MUG", expected);
}

/* As if a standby had taken over with other figures: by nobody who tells the feed. */
static void what_was_known_before_a_cut_is_not_trusted(void **state)
{
	(void)state;
	int64_t expected = in_the_book("MUG");
	assert_available("MUG", expected);
	proxy_shut(&proxy);
	proxy_listen(&proxy);
	test_sql(fixture.database, "UPDATE stockbook.stock SET available = available + 1,"
							   " version = version + 1 WHERE sku = 'MUG'");
	int64_t until_us;
	note_time(&until_us);
	while (available_of(engine, "MUG", NULL) != expected + 1)
		assert_in_time(until_us);
	assert_available("MUG", expected + 1);
	test_sql(fixture.database, "UPDATE stockbook.stock SET available = available - 1,"
							   " version = version + 1 WHERE sku = 'MUG'");
	proxy_shut(&proxy);
	proxy_listen(&proxy);
	while (available_of(engine, "MUG", NULL) != expected)
		assert_in_time(until_us);
}

/* ---- The feed alone is held up: its question waits for a lock that the readers do not need ---- */

static const struct db_statement lock_heads = {
	.name = "lock_heads", .sql = "LOCK TABLE stockbook.part_head IN ACCESS EXCLUSIVE MODE"};

static void until_the_feed_waits(void)
{
	int64_t until_us;
	note_time(&until_us);
	while (ask(&fixture, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
						 " AND application_name = 'stockbook feed'") == 0) {
		uv_run(&fixture.loop, UV_RUN_NOWAIT);
		assert_in_time(until_us);
	}
}

static void a_question_that_is_not_answered_is_not_waited_for(void **state)
{
	(void)state;
	struct holder holder;
	struct caller *callers[BURST];
	int64_t expected = in_the_book("MUG");
	assert_available("MUG", expected);
	hold(&fixture, &holder, &lock_heads);
	until_the_feed_waits();
	int64_t memory = from_memory(), database = from_database();
	burst(callers, 0);
	fixture_run(&fixture);
	for (size_t i = 0; i < BURST; i++)
		assert_int_equal(available(callers[i], 0), expected);
	free_callers(callers, BURST);
	assert_int_equal(from_memory(), memory);
	assert_int_equal(from_database(), database + BURST);
	let_go(&holder);
	assert_available("MUG", expected);
}

/* Submitted while the question before is held up, and so on their way to neither. */
static void late_and_cancelled_reads_are_answered_so(void **state)
{
	(void)state;
	struct caller *callers[BURST];
	assert_available("MUG", in_the_book("MUG"));
	proxy.frozen = true;
	burst(callers, engine_clock_us() + 200000);
	for (size_t i = 0; i < BURST / 2; i++) {
		callers[i]->request.deadline_us = engine_clock_us() + AT_LAST_US;
		callers[i]->request.cancelled = true;
	}
	fixture_run(&fixture);
	for (size_t i = 0; i < BURST; i++) {
		assert_int_equal(callers[i]->answers, 1);
		assert_string_equal(outcome(callers[i]), "DEADLINE_EXCEEDED");
	}
	free_callers(callers, BURST);
	proxy.frozen = false;
	proxy_shut(&proxy); /* what was swallowed meanwhile does not come again */
	proxy_listen(&proxy);
	assert_available("MUG", in_the_book("MUG"));
}

/* ---- Ending ---- */

static void on_drained(void *data)
{
	*(bool *)data = true;
}

static struct engine *eager_engine(void)
{
	struct engine *opened = fixture_engine(&fixture, &(struct engine_settings){EAGER});
	int64_t until_us;
	note_time(&until_us);
	for (int64_t before = from_memory(); from_memory() == before;) {
		available_of(opened, "MUG", NULL);
		assert_in_time(until_us);
	}
	fixture.engine_count--; /* the caller closes it */
	return opened;
}

static void close_engine(struct engine *opened)
{
	bool closed = false;
	engine_close(opened, on_drained, &closed);
	while (!closed)
		uv_run(&fixture.loop, UV_RUN_ONCE);
}

static void what_waits_is_answered_before_the_server_is_drained(void **state)
{
	(void)state;
	struct caller *callers[BURST];
	struct engine *opened = eager_engine();
	bool drained = false;
	int64_t expected = in_the_book("MUG"), memory = from_memory();
	for (size_t i = 0; i < BURST; i++) {
		callers[i] = caller_new(&fixture);
		read_fresh(callers[i], opened, "MUG");
	}
	engine_drain(opened, on_drained, &drained);
	while (!drained)
		uv_run(&fixture.loop, UV_RUN_ONCE);
	for (size_t i = 0; i < BURST; i++)
		assert_int_equal(available(callers[i], 0), expected);
	assert_int_equal(from_memory(), memory + BURST);
	free_callers(callers, BURST);
	close_engine(opened);
}

static void what_waits_when_the_server_is_closed_is_answered_once(void **state)
{
	(void)state;
	for (int turn = 0; turn < 2; turn++) {
		struct caller *callers[BURST];
		struct engine *opened = eager_engine();
		for (size_t i = 0; i < BURST; i++) {
			callers[i] = caller_new(&fixture);
			read_fresh(callers[i], opened, "MUG");
		}
		if (turn == 1)
			uv_run(&fixture.loop, UV_RUN_NOWAIT); /* the question goes out */
		close_engine(opened);
		assert_int_equal(fixture.in_flight, 0);
		assert_int_equal(count_outcomes(callers, BURST, "UNAVAILABLE") +
							 count_outcomes(callers, BURST, "OK"),
			BURST);
		free_callers(callers, BURST);
	}
}

/* ---- When it is used ---- */

static void without_a_cache_nothing_is_confirmed(void **state)
{
	(void)state;
	struct engine *plain = fixture_engine(&fixture,
		&(struct engine_settings){.fresh_reads_min = 1, .fresh_window_ms = 50});
	int64_t memory = from_memory();
	int64_t end_us = engine_clock_us() + 500000;
	while (engine_clock_us() < end_us)
		assert_int_equal(available_of(plain, "MUG", NULL), in_the_book("MUG"));
	assert_int_equal(from_memory(), memory);
	assert_false(confirm_follows(plain->confirm));
}

/* The other server writes, and one read comes for many events. */
static void it_is_given_up_where_events_cost_more_than_reads(void **state)
{
	(void)state;
	int64_t expected = in_the_book("MUG");
	int64_t until_us;
	assert_available("MUG", expected);
	note_time(&until_us);
	while (confirm_follows(engine->confirm)) {
		for (int i = 0; i < 8; i++)
			receive(&fixture, other, "MUG", "LEEDS", 1);
		assert_int_equal(available_of(engine, "MUG", NULL), expected += 8);
		assert_in_time(until_us);
	}
	/* Nothing is asked for any more, and it begins again when there is less to follow. */
	assert_available("MUG", expected);
	assert_true(confirm_follows(engine->confirm));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_confirmed_read_has_all_that_was_committed_before),
		cmocka_unit_test(policies_that_another_server_changed_count_at_once),
		cmocka_unit_test(a_row_that_is_written_all_the_time_is_read_right),
		cmocka_unit_test(several_rows_are_of_one_moment),
		cmocka_unit_test(a_row_that_was_read_after_a_moment_is_not_of_it),
		cmocka_unit_test(a_row_that_was_told_of_while_it_was_read_is_read_again),
		cmocka_unit_test(a_position_of_the_future_is_waited_for),
		cmocka_unit_test(when_the_feeds_connection_is_cut_the_readers_answer),
		cmocka_unit_test(what_was_known_before_a_cut_is_not_trusted),
		cmocka_unit_test(a_question_that_is_not_answered_is_not_waited_for),
		cmocka_unit_test(late_and_cancelled_reads_are_answered_so),
		cmocka_unit_test(what_waits_is_answered_before_the_server_is_drained),
		cmocka_unit_test(what_waits_when_the_server_is_closed_is_answered_once),
		cmocka_unit_test(without_a_cache_nothing_is_confirmed),
		cmocka_unit_test(it_is_given_up_where_events_cost_more_than_reads),
	};
	log_open(2, LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, setup, teardown);
}
