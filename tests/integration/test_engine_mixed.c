/*
 * Operations of every kind, at random, on two engines at once, over few items so that they meet,
 * while sessions are killed and answers to COMMIT get lost: no call fails for the engine's sake,
 * each is answered once, and the book is right.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "book/operations.h"
#include "db/cluster.h"
#include "engine_fixture.h"
#include "engine_proxy.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "stockbook/v1/order.pb-c.h"
#include "support/database.h"

#define SKUS 6
#define LOCATIONS 8
#define IDS_MAX 4096
#define IN_FLIGHT 96
#define CALLS 4000

static struct fixture fixture;
static struct engine *engines[2];
static struct proxy proxy;
static uint64_t random_state = 20261121;
static char reservations[IDS_MAX][UUID_TEXT_SIZE];
static size_t reservation_count;
static size_t started, answered, fine, broken;
static bool kills;

static uint64_t roll(uint64_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 11) % below;
}

static char *sku_at(struct arena *arena, uint64_t index)
{
	return arena_printf(arena, "SKU %d", (int)index);
}

static char *location_at(struct arena *arena, uint64_t index)
{
	return arena_printf(arena, "LOCATION %d", (int)index);
}

static char *any_reservation(struct arena *arena)
{
	if (reservation_count == 0)
		return arena_string(arena, "01a20068-2263-7004-88c1-532626947235");
	size_t newest = reservation_count < 40 ? reservation_count : 40;
	return arena_string(arena, reservations[(reservation_count - 1 - roll(newest)) % IDS_MAX]);
}

/* ---- Kinds of calls ---- */

static Stockbook__V1__ReserveLine **some_lines(struct arena *arena, size_t count)
{
	Stockbook__V1__ReserveLine **lines = arena_alloc_array(arena, count, sizeof(*lines));
	for (size_t i = 0; i < count; i++) {
		lines[i] = arena_alloc(arena, sizeof(**lines));
		stockbook__v1__reserve_line__init(lines[i]);
		lines[i]->sku = sku_at(arena, roll(SKUS));
		lines[i]->location = location_at(arena, roll(LOCATIONS));
		lines[i]->quantity = 1 + (int64_t)roll(3);
	}
	return lines;
}

static const char *make_reserve(struct arena *arena, const void **message)
{
	Stockbook__V1__ReserveRequest *request = arena_alloc(arena, sizeof(*request));
	stockbook__v1__reserve_request__init(request);
	request->n_lines = 1 + roll(4);
	request->lines = some_lines(arena, request->n_lines);
	request->allow_partial = roll(4) == 0;
	request->owner = arena_printf(arena, "basket %d", (int)roll(20));
	if (roll(4) == 0) {
		request->hold_for = arena_alloc(arena, sizeof(*request->hold_for));
		google__protobuf__duration__init(request->hold_for);
		request->hold_for->seconds = 1;
	}
	*message = request;
	return "ReservationService/Reserve";
}

static const char *make_replace(struct arena *arena, const void **message)
{
	Stockbook__V1__ReplaceReservationRequest *request = arena_alloc(arena, sizeof(*request));
	stockbook__v1__replace_reservation_request__init(request);
	request->reservation_id = any_reservation(arena);
	request->n_lines = 1 + roll(3);
	request->lines = some_lines(arena, request->n_lines);
	*message = request;
	return "ReservationService/ReplaceReservation";
}

static const char *make_release(struct arena *arena, const void **message)
{
	Stockbook__V1__ReleaseReservationRequest *request = arena_alloc(arena, sizeof(*request));
	stockbook__v1__release_reservation_request__init(request);
	request->reservation_id = any_reservation(arena);
	*message = request;
	return "ReservationService/ReleaseReservation";
}

static const char *make_confirm(struct arena *arena, const void **message)
{
	Stockbook__V1__ConfirmReservationRequest *request = arena_alloc(arena, sizeof(*request));
	stockbook__v1__confirm_reservation_request__init(request);
	request->reservation_id = any_reservation(arena);
	request->fulfil = roll(2) == 0;
	request->reserve_again = roll(2) == 0;
	*message = request;
	return "ReservationService/ConfirmReservation";
}

static const char *make_receipt(struct arena *arena, const void **message)
{
	Stockbook__V1__ReceiveStockRequest *request = arena_alloc(arena, sizeof(*request));
	stockbook__v1__receive_stock_request__init(request);
	request->location = location_at(arena, roll(LOCATIONS));
	request->n_lines = 1 + roll(3);
	request->lines = arena_alloc_array(arena, request->n_lines, sizeof(*request->lines));
	for (size_t i = 0; i < request->n_lines; i++) {
		request->lines[i] = arena_alloc(arena, sizeof(**request->lines));
		stockbook__v1__receipt_line__init(request->lines[i]);
		request->lines[i]->sku = sku_at(arena, roll(SKUS));
		request->lines[i]->quantity = 1 + (int64_t)roll(10);
	}
	*message = request;
	return "StockService/ReceiveStock";
}

static const char *make_adjustment(struct arena *arena, const void **message)
{
	Stockbook__V1__AdjustStockRequest *request = arena_alloc(arena, sizeof(*request));
	stockbook__v1__adjust_stock_request__init(request);
	Stockbook__V1__AdjustmentLine *line = arena_alloc(arena, sizeof(*line));
	stockbook__v1__adjustment_line__init(line);
	line->sku = sku_at(arena, roll(SKUS));
	line->quantity = -1 - (int64_t)roll(3);
	request->location = location_at(arena, roll(LOCATIONS));
	request->reason = STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_SHRINKAGE;
	request->lines = arena_copy(arena, &line, sizeof(line));
	request->n_lines = 1;
	*message = request;
	return "StockService/AdjustStock";
}

static const char *make_read(struct arena *arena, const void **message)
{
	Stockbook__V1__GetReservationRequest *request = arena_alloc(arena, sizeof(*request));
	stockbook__v1__get_reservation_request__init(request);
	request->reservation_id = any_reservation(arena);
	*message = request;
	return "ReservationService/GetReservation";
}

/* As often as they stand here. */
static const char *(*const kinds[])(struct arena *arena, const void **message) = {
	make_reserve,
	make_reserve,
	make_reserve,
	make_reserve,
	make_replace,
	make_release,
	make_confirm,
	make_confirm,
	make_receipt,
	make_adjustment,
	make_read,
};

/* ---- The load ---- */

static void start_one(void);

static void note_reservation(const struct caller *caller)
{
	if (caller->response->descriptor != &stockbook__v1__reserve_response__descriptor)
		return;
	const Stockbook__V1__ReserveResponse *response =
		(const Stockbook__V1__ReserveResponse *)caller->response;
	snprintf(reservations[reservation_count++ % IDS_MAX], UUID_TEXT_SIZE, "%s",
		response->reservation->id);
}

static void do_harm(void)
{
	if (answered % 500 == 250)
		proxy.swallow_commits++;
	if (answered % 500 == 400)
		proxy.drop_commits++;
	if (answered % 1500 == 0)
		test_sql(fixture.database, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
								   " WHERE application_name LIKE 'stockbook %%'"
								   " AND pid <> pg_backend_pid()");
}

static void on_answer(struct caller *caller)
{
	answered++;
	assert_int_equal(caller->answers, 1);
	if (caller->request.outcome == ENGINE_DONE) {
		fine++;
		note_reservation(caller);
	} else if (strcmp(outcome(caller), "INTERNAL") == 0 ||
			   strcmp(outcome(caller), "UNAVAILABLE") == 0 ||
			   strcmp(outcome(caller), "REQUEST_ID_REUSED") == 0 ||
			   strcmp(outcome(caller), "DEADLINE_EXCEEDED") == 0) {
		broken++;
		print_message("%s: %s\n", caller->request.operation->name, caller->request.refusal.message);
	}
	caller_free(caller);
	if (kills)
		do_harm();
	if (started < CALLS)
		start_one();
}

static void start_one(void)
{
	struct caller *caller = caller_new(&fixture);
	const void *message;
	const char *name = kinds[roll(ARRAY_COUNT(kinds))](&caller->arena, &message);
	caller->done = on_answer;
	call(caller, engines[started++ % 2], name, message);
}

static int setup(void **state)
{
	(void)state;
	fixture_open(&fixture);
	const char *from = strstr(fixture.database, "host='") + strlen("host='");
	proxy_open(&proxy, &fixture.loop,
		arena_printf(&fixture.arena, "%.*s", (int)strcspn(from, "'"), from));
	const char *database = arena_printf(&fixture.arena, "host='%s' %s", proxy.directory,
		strstr(fixture.database, "port="));
	for (size_t i = 0; i < 2; i++)
		engines[i] = fixture_engine(&fixture,
			&(struct engine_settings){.database = database, .lanes = 3, .sweep_interval_ms = 100});
	for (size_t i = 0; i < SKUS; i++)
		put_item(&fixture, engines[0], sku_at(&fixture.arena, i));
	for (size_t i = 0; i < LOCATIONS; i++)
		put_location(&fixture, engines[0], location_at(&fixture.arena, i));
	started = answered = fine = broken = 0;
	reservation_count = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_book_is_right(&fixture, engines[1]);
	proxy_shut(&proxy);
	fixture_close(&fixture);
	return 0;
}

static void run_all(void)
{
	for (size_t i = 0; i < IN_FLIGHT; i++)
		start_one();
	fixture_run_ms(&fixture, 200000);
	assert_int_equal(fixture.in_flight, 0);
	assert_int_equal(answered, CALLS);
	assert_int_equal(broken, 0);
	assert_true(fine > CALLS / 4);
	/* Every reservation was made by one request that was answered or is known. */
	assert_int_equal(ask(&fixture, "SELECT count(*) FROM stockbook.reservation"),
		(int64_t)reservation_count);
}

static void operations_of_every_kind_on_two_engines_agree(void **state)
{
	(void)state;
	kills = false;
	run_all();
}

static void nothing_is_lost_or_done_twice_while_sessions_die(void **state)
{
	(void)state;
	kills = true;
	run_all();
	assert_true(proxy.swallowed > 0);
	assert_true(proxy.dropped > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(operations_of_every_kind_on_two_engines_agree),
		TEST(nothing_is_lost_or_done_twice_while_sessions_die),
	};
	log_open(STDERR_FILENO, LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
	signal(SIGPIPE, SIG_IGN);
	int failed = cmocka_run_group_tests_name("engine_mixed", tests, NULL, NULL);
	if (getenv("STOCKBOOK_TEST_METRICS"))
		metrics_dump(stderr);
	return failed;
}
