/*
 * The engine when its database fails it: killed sessions and servers, lost answers, a network that
 * freezes, statements that cannot succeed. Every call is answered once, every OK is in the book
 * once, and the book is right.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "db/cluster.h"
#include "engine_fixture.h"
#include "engine_proxy.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "stockbook/v1/token.pb-c.h"
#include "support/database.h"

static struct fixture fixture;
static struct engine *engine;
static struct proxy proxy;

/* The folder in "host='...' ...". */
static const char *socket_folder(const char *uri)
{
	const char *from = strstr(uri, "host='") + strlen("host='");
	return arena_printf(&fixture.arena, "%.*s", (int)strcspn(from, "'"), from);
}

static int setup(void **state)
{
	(void)state;
	fixture_open(&fixture);
	cluster_watch(test_cluster(), &fixture.loop);
	proxy_open(&proxy, &fixture.loop, socket_folder(fixture.database));
	const char *database = strstr(fixture.database, "port=");
	engine = fixture_engine(&fixture,
		&(struct engine_settings){
			.database = arena_printf(&fixture.arena, "host='%s' %s", proxy.directory, database),
			.batch_deadline_ms = 500,
		});
	assert_int_equal(engine_state(engine), ENGINE_READY);
	put_location(&fixture, engine, "LEEDS");
	put_item(&fixture, engine, "MUG");
	receive(&fixture, engine, "MUG", "LEEDS", 100000);
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

/* ---- Load: so many callers, each with one call in flight, until so many calls were made ---- */

#define LOAD_MAX 4000

struct load_run {
	size_t total;
	size_t started;
	size_t answered;
	size_t fine;
	void (*now_and_then)(struct load_run *run); /* after every 100 answers */
	struct caller *callers[LOAD_MAX];
};

static struct load_run run;

static void start_one(void);

static void on_answer(struct caller *caller)
{
	run.answered++;
	run.fine += caller->request.outcome == ENGINE_DONE;
	if (run.now_and_then && run.answered % 100 == 0)
		run.now_and_then(&run);
	if (run.started < run.total)
		start_one();
}

static void start_one(void)
{
	struct caller *caller = caller_new(&fixture);
	run.callers[run.started++] = caller;
	caller->done = on_answer;
	reserve(caller, engine, "MUG", "LEEDS", 1);
}

static void load(size_t total, size_t in_flight, void (*now_and_then)(struct load_run *run))
{
	run = (struct load_run){.total = total, .now_and_then = now_and_then};
	assert_true(total <= LOAD_MAX);
	for (size_t i = 0; i < in_flight; i++)
		start_one();
	fixture_run(&fixture);
	for (size_t i = 0; i < total; i++) {
		assert_int_equal(run.callers[i]->answers, 1);
		if (run.callers[i]->request.outcome != ENGINE_DONE)
			print_message("%s: %s\n", outcome(run.callers[i]),
				run.callers[i]->request.refusal.message);
		caller_free(run.callers[i]);
	}
	assert_int_equal(run.fine, total);
	assert_int_equal(ask(&fixture, "SELECT reserved FROM stockbook.stock"
								   " WHERE location = 'LEEDS'"),
		(int64_t)total);
	assert_int_equal(ask(&fixture, "SELECT count(*) FROM stockbook.reservation"), (int64_t)total);
}

/* ---- Tests ---- */

static void an_answer_to_commit_that_is_lost_is_found_again(void **state)
{
	(void)state;
	proxy.swallow_commits = 10;
	load(2000, 50, NULL);
	assert_int_equal(proxy.swallowed, 10);
}

static void a_commit_that_never_arrived_is_sent_again(void **state)
{
	(void)state;
	proxy.drop_commits = 10;
	load(2000, 50, NULL);
	assert_int_equal(proxy.dropped, 10);
}

/* What was decided from memory does not hold, and with that answer the connection is gone: nobody is
 * to blame. */
static void a_hope_in_vain_whose_line_is_cut_is_no_failure(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		struct caller *caller = caller_new(&fixture);
		test_sql(fixture.database, "UPDATE stockbook.stock SET version = version + 1");
		proxy.refuse_hopes = 1;
		reserve(caller, engine, "MUG", "LEEDS", 1);
		fixture_run(&fixture);
		assert_string_equal(outcome(caller), "OK");
		caller_free(caller);
		proxy.refuse_hopes = 0;
	}
	assert_int_equal(ask(&fixture, "SELECT reserved FROM stockbook.stock"), 20);
}

static void kill_lanes(struct load_run *unused)
{
	(void)unused;
	test_sql(fixture.database, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
							   " WHERE application_name LIKE 'stockbook lane%%'");
}

static void killed_sessions_lose_nothing(void **state)
{
	(void)state;
	load(2000, 64, kill_lanes);
}

static void kill_server_once(struct load_run *this_run)
{
	if (this_run->answered == 500)
		kill(cluster_pid(test_cluster()), SIGKILL);
}

static void a_killed_server_loses_nothing(void **state)
{
	(void)state;
	load(1500, 64, kill_server_once);
}

/* The timer lives on the stack. */
static void timer_close(uv_timer_t *timer)
{
	uv_close((uv_handle_t *)timer, NULL);
	uv_run(&fixture.loop, UV_RUN_NOWAIT);
}

static void freeze(struct load_run *this_run)
{
	if (this_run->answered == 300)
		proxy.frozen = true;
}

static void thaw(uv_timer_t *timer)
{
	(void)timer;
	proxy.frozen = false;
	proxy_shut(&proxy);
	proxy_listen(&proxy);
}

static void a_frozen_network_is_left_and_its_batch_done_once(void **state)
{
	(void)state;
	uv_timer_t timer;
	uv_timer_init(&fixture.loop, &timer);
	uv_timer_start(&timer, thaw, 1500, 0);
	load(600, 32, freeze);
	timer_close(&timer);
}

static void come_back(uv_timer_t *timer)
{
	(void)timer;
	proxy_listen(&proxy);
}

static void calls_wait_for_the_database_until_their_deadline(void **state)
{
	(void)state;
	struct caller *callers[20];
	proxy_shut(&proxy);
	while (engine_state(engine) == ENGINE_READY)
		uv_run(&fixture.loop, UV_RUN_ONCE);
	assert_int_equal(engine_state(engine), ENGINE_LOST);
	for (size_t i = 0; i < 20; i++) {
		callers[i] = caller_new(&fixture);
		callers[i]->request.deadline_us = i < 10 ? engine_clock_us() + 300000 : 0;
		if (i % 2) {
			reserve(callers[i], engine, "MUG", "LEEDS", 1);
		} else {
			static Stockbook__V1__ListStockRequest request =
				STOCKBOOK__V1__LIST_STOCK_REQUEST__INIT;
			request.location = arena_string(&fixture.arena, "LEEDS");
			call(callers[i], engine, "StockService/ListStock", &request);
		}
	}
	uv_timer_t timer;
	uv_timer_init(&fixture.loop, &timer);
	uv_timer_start(&timer, come_back, 600, 0);
	fixture_run(&fixture);
	timer_close(&timer);
	for (size_t i = 0; i < 20; i++) {
		assert_string_equal(outcome(callers[i]), i < 10 ? "UNAVAILABLE" : "OK");
		caller_free(callers[i]);
	}
	assert_int_equal(ask(&fixture, "SELECT count(*) FROM stockbook.reservation"), 5);
	assert_int_equal(engine_state(engine), ENGINE_READY);
}

/* ---- Culprits: operations that the database refuses to store ---- */

static const struct actor admin = {.name = "test", .role = STOCKBOOK__V1__ROLE__ROLE_ADMIN};

static enum verdict break_stock(struct run *this_run, const void *request, void *response)
{
	const struct stock_row *stock;
	(void)request;
	(void)response;
	switch (find_stock(this_run, "MUG", "LEEDS", ACCESS_LOCK, &stock)) {
	case LOOKUP_NEEDED:
		return VERDICT_NEED;
	case LOOKUP_ABSENT:
		return refuse(this_run, STOCKBOOK__V1__REASON__REASON_INTERNAL, "no stock to break");
	case LOOKUP_FOUND:
		break;
	}
	((struct stock_row *)workset_edit(this_run->set, stock))->picked = -1;
	return VERDICT_DONE;
}

static int32_t route_leeds(const void *request, const struct book_limits *limits)
{
	(void)request;
	return part_of("LEEDS", limits->parts);
}

static const struct operation breaking = {
	.name = "Test/BreakStock",
	.request = &stockbook__v1__list_stock_request__descriptor,
	.response = &stockbook__v1__list_stock_response__descriptor,
	.run = break_stock,
	.route = route_leeds,
	.writes = true,
};

static const struct scan_shape text_shape = {.name = "text_that_is_none",
	.table = TABLE(stock),
	.conditions = {{
		.field = "sku",
		.operator= SCAN_EQUAL } },
		.order = {"sku"},
	};

static enum verdict break_reading(struct run *this_run, const void *request, void *response)
{
	(void)request;
	(void)response;
	struct scan scan = {
		.shape = &text_shape, .values = {{.present = true, .text = "\xff"}}, .limit = 1};
	return workset_scan(this_run->set, &scan) ? VERDICT_DONE : VERDICT_NEED;
}

static const struct operation breaking_read = {
	.name = "Test/BreakReading",
	.request = &stockbook__v1__list_stock_request__descriptor,
	.response = &stockbook__v1__list_stock_response__descriptor,
	.run = break_reading,
};

static void on_done(struct engine_request *request)
{
	struct caller *caller = request->data;
	caller->answered = true;
	caller->answers++;
	fixture.in_flight--;
}

static void call_test_operation(struct caller *caller, const struct operation *operation)
{
	static const Stockbook__V1__ListStockRequest message = STOCKBOOK__V1__LIST_STOCK_REQUEST__INIT;
	caller->request = (struct engine_request){
		.operation = operation,
		.message = &message,
		.arena = &caller->arena,
		.actor = &admin,
		.done = on_done,
		.data = caller,
	};
	if (operation->writes)
		caller->request.request_id = new_request_id(&fixture);
	fixture.in_flight++;
	engine_submit(engine, &caller->request);
}

static void a_culprit_fails_alone(void **state)
{
	(void)state;
	struct caller *callers[100];
	for (size_t i = 0; i < 100; i++) {
		callers[i] = caller_new(&fixture);
		if (i == 20 || i == 21 || i == 77)
			call_test_operation(callers[i], &breaking);
		else
			reserve(callers[i], engine, "MUG", "LEEDS", 1);
	}
	fixture_run(&fixture);
	for (size_t i = 0; i < 100; i++) {
		bool culprit = i == 20 || i == 21 || i == 77;
		assert_string_equal(outcome(callers[i]), culprit ? "INTERNAL" : "OK");
		assert_int_equal(callers[i]->answers, 1);
		caller_free(callers[i]);
	}
	assert_int_equal(ask(&fixture, "SELECT count(*) FROM stockbook.reservation"), 97);
}

static void a_read_that_fails_fails_alone(void **state)
{
	(void)state;
	struct caller *callers[60];
	static Stockbook__V1__ListStockRequest request = STOCKBOOK__V1__LIST_STOCK_REQUEST__INIT;
	request.location = arena_string(&fixture.arena, "LEEDS");
	for (size_t i = 0; i < 60; i++) {
		callers[i] = caller_new(&fixture);
		if (i == 30)
			call_test_operation(callers[i], &breaking_read);
		else
			call(callers[i], engine, "StockService/ListStock", &request);
	}
	fixture_run(&fixture);
	for (size_t i = 0; i < 60; i++) {
		assert_string_equal(outcome(callers[i]), i == 30 ? "INTERNAL" : "OK");
		caller_free(callers[i]);
	}
}

static void a_row_that_two_engines_insert_at_once_is_one_row(void **state)
{
	(void)state;
	struct engine *other = fixture_engine(&fixture, NULL);
	for (size_t i = 0; i < 30; i++) {
		const char *sku = arena_printf(&fixture.arena, "CUP %zu", i);
		put_item(&fixture, engine, sku);
		struct caller *callers[10];
		for (size_t c = 0; c < 10; c++) {
			Stockbook__V1__ReceiveStockRequest *request =
				arena_alloc(&fixture.arena, sizeof(*request));
			stockbook__v1__receive_stock_request__init(request);
			Stockbook__V1__ReceiptLine *line = arena_alloc(&fixture.arena, sizeof(*line));
			stockbook__v1__receipt_line__init(line);
			line->sku = arena_string(&fixture.arena, sku);
			line->quantity = 1;
			request->lines = arena_copy(&fixture.arena, &line, sizeof(line));
			request->n_lines = 1;
			request->location = arena_string(&fixture.arena, "LEEDS");
			callers[c] = caller_new(&fixture);
			call(callers[c], c % 2 ? engine : other, "StockService/ReceiveStock", request);
		}
		fixture_run(&fixture);
		for (size_t c = 0; c < 10; c++) {
			assert_string_equal(outcome(callers[c]), "OK");
			caller_free(callers[c]);
		}
	}
	assert_int_equal(ask(&fixture, "SELECT count(*) FROM stockbook.stock WHERE available = 10"
								   " AND sku LIKE 'CUP%%'"),
		30);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_answer_to_commit_that_is_lost_is_found_again),
		TEST(a_commit_that_never_arrived_is_sent_again),
		TEST(a_hope_in_vain_whose_line_is_cut_is_no_failure),
		TEST(killed_sessions_lose_nothing),
		TEST(a_killed_server_loses_nothing),
		TEST(a_frozen_network_is_left_and_its_batch_done_once),
		TEST(calls_wait_for_the_database_until_their_deadline),
		TEST(a_culprit_fails_alone),
		TEST(a_read_that_fails_fails_alone),
		TEST(a_row_that_two_engines_insert_at_once_is_one_row),
	};
	log_open(STDERR_FILENO, LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("engine_faults", tests, NULL, NULL);
}
