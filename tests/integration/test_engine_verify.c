/* Verify finds what contradicts the book, each with the check that is there for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine_fixture.h"
#include "observe/log.h"
#include "stockbook/v1/order.pb-c.h"
#include "support/database.h"

static struct fixture fixture;
static struct engine *engine;

static void place_order(const char *sku, const char *location)
{
	Stockbook__V1__ConfirmReservationRequest confirm =
		STOCKBOOK__V1__CONFIRM_RESERVATION_REQUEST__INIT;
	struct caller *reserved = caller_new(&fixture);
	struct caller *confirmed = caller_new(&fixture);
	const char *skus[] = {sku};
	const char *locations[] = {location};
	call_now(reserved, engine, "ReservationService/Reserve",
		reserve_request(&reserved->arena, skus, locations, 3, 1));
	assert_string_equal(outcome(reserved), "OK");
	confirm.reservation_id =
		((Stockbook__V1__ReserveResponse *)reserved->response)->reservation->id;
	call_now(confirmed, engine, "ReservationService/ConfirmReservation", &confirm);
	if (strcmp(outcome(confirmed), "OK") != 0)
		fail_msg("confirming: %s", confirmed->request.refusal.message);
	caller_free(reserved);
	caller_free(confirmed);
}

static int setup(void **state)
{
	(void)state;
	fixture_open(&fixture);
	engine = fixture_engine(&fixture, NULL);
	put_location(&fixture, engine, "LEEDS");
	put_location(&fixture, engine, "YORK");
	put_item(&fixture, engine, "MUG");
	put_item(&fixture, engine, "CUP");
	receive(&fixture, engine, "MUG", "LEEDS", 100);
	receive(&fixture, engine, "CUP", "YORK", 100);
	place_order("MUG", "LEEDS");
	struct caller *caller = caller_new(&fixture);
	reserve(caller, engine, "CUP", "YORK", 7);
	fixture_run(&fixture);
	assert_string_equal(outcome(caller), "OK");
	caller_free(caller);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_close(&fixture);
	return 0;
}

struct verification {
	char wrong[256]; /* names of the checks that found something, one after the other */
	char finding[512];
	char error[256];
	int results;
	bool ended;
	struct verify *cancel; /* at the first result */
};

static void on_result(const struct verify_result *result, void *data)
{
	struct verification *verification = data;
	verification->results++;
	assert_int_equal(result->index, verification->results);
	assert_true(result->checks >= result->index);
	if (result->wrong > 0) {
		size_t size = strlen(verification->wrong);
		snprintf(verification->wrong + size, sizeof(verification->wrong) - size, "[%s]",
			result->check);
		assert_true(result->finding_count > 0);
		snprintf(verification->finding, sizeof(verification->finding), "%s", result->findings[0]);
	}
	if (verification->cancel)
		verify_cancel(verification->cancel);
}

static void on_end(const char *error, void *data)
{
	struct verification *verification = data;
	verification->ended = true;
	snprintf(verification->error, sizeof(verification->error), "%s", error ? error : "");
}

static struct verification verify(void)
{
	static struct verification verification;
	verification = (struct verification){0};
	struct verify_options options = {
		.on_result = on_result, .on_end = on_end, .data = &verification, .findings_max = 3};
	assert_non_null(engine_verify(engine, &options));
	while (!verification.ended)
		uv_run(&fixture.loop, UV_RUN_ONCE);
	assert_string_equal(verification.error, "");
	assert_int_equal(verification.results, 20);
	return verification;
}

static void a_right_book_has_no_findings(void **state)
{
	(void)state;
	assert_string_equal(verify().wrong, "");
}

/* SQL that breaks the book, and the check that must say so. */
static const struct {
	const char *check;
	const char *sql;
} damages[] = {
	{"[counters]", "UPDATE stockbook.stock SET available = available + 1 WHERE sku = 'MUG'"},
	{"[counters]", "DELETE FROM stockbook.stock WHERE sku = 'MUG'"},
	{"[conservation]", "UPDATE stockbook.movement SET quantity = quantity + 1"
					   " WHERE sku = 'MUG' AND from_state = 9"},
	{"[reserved units]", "UPDATE stockbook.reservation SET line_quantity = '{8}' WHERE status = 1"},
	{"[reserved units]", "UPDATE stockbook.reservation SET status = 3 WHERE status = 1"},
	{"[allocated units]",
		"UPDATE stockbook.stock SET allocated = allocated - 1, available = available + 1"
		" WHERE sku = 'MUG'"},
	{"[picked units]", "UPDATE stockbook.stock SET picked = 1, available = available - 1"
					   " WHERE sku = 'MUG'"},
	{"[order lines]", "UPDATE stockbook.order_line SET allocation_allocated = '{2}'"},
	{"[orders]", "UPDATE stockbook.customer_order SET line_count = 2"},
	{"[orders]", "DELETE FROM stockbook.order_line"},
	{"[returns]", "INSERT INTO stockbook.goods_return VALUES (1, gen_random_uuid(), 1, 'LEEDS', '',"
				  " '', NULL, '', 'GBP', 1, now(), now())"},
	{"[confirmed reservations]",
		"UPDATE stockbook.reservation SET order_id = gen_random_uuid() WHERE status = 2"},
	{"[sequences]", "DELETE FROM stockbook.change WHERE movements = 0"},
	{"[sequences]", "UPDATE stockbook.part_head SET sequence = sequence + 1 WHERE sequence > 0"},
	{"[changes]", "UPDATE stockbook.change SET movements = movements + 1 WHERE movements > 0"},
	{"[changes]", "DELETE FROM stockbook.movement WHERE sku = 'MUG'"},
	{"[stock]", "DELETE FROM stockbook.item WHERE sku = 'MUG'"},
	{"[aliases]", "INSERT INTO stockbook.item_alias VALUES (1, 'BECHER', 'MUG')"},
	{"[aliases]", "UPDATE stockbook.item SET aliases = '{BECHER}' WHERE sku = 'MUG'"},
};

static void every_kind_of_damage_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(damages); i++) {
		fixture_close(&fixture);
		setup(NULL);
		test_sql(fixture.database, "%s", damages[i].sql);
		struct verification found = verify();
		if (!strstr(found.wrong, damages[i].check))
			fail_msg("after '%s': found '%s', not '%s'", damages[i].sql, found.wrong,
				damages[i].check);
	}
}

static void a_finding_names_what_is_wrong(void **state)
{
	(void)state;
	test_sql(fixture.database, "UPDATE stockbook.stock SET on_hold = 4 WHERE sku = 'MUG'");
	struct verification found = verify();
	assert_string_equal(found.wrong, "[counters][conservation]");
	assert_string_equal(found.finding, "sku 'MUG': 100 came in and did not leave, 104 is there");
}

static void one_that_is_cancelled_is_heard_no_more(void **state)
{
	(void)state;
	struct verification verification = {0};
	struct verify_options options = {
		.on_result = on_result, .on_end = on_end, .data = &verification};
	verification.cancel = engine_verify(engine, &options);
	struct verify *second = engine_verify(engine, &options);
	assert_non_null(second);
	assert_null(engine_verify(engine, &options)); /* two at a time */
	verify_cancel(second);
	while (verification.results == 0)
		uv_run(&fixture.loop, UV_RUN_ONCE);
	fixture.in_flight++;
	fixture_run_ms(&fixture, 200);
	fixture.in_flight--;
	assert_int_equal(verification.results, 1);
	assert_false(verification.ended);
	verify();
}

static void an_engine_that_closes_says_so(void **state)
{
	(void)state;
	struct verification verification = {0};
	struct verify_options options = {
		.on_result = on_result, .on_end = on_end, .data = &verification};
	struct engine *other = fixture_engine(&fixture, NULL);
	assert_non_null(engine_verify(other, &options));
	fixture.engine_count--;
	engine_close(other, NULL, NULL);
	assert_true(verification.ended);
	assert_string_equal(verification.error, "server is shutting down");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_right_book_has_no_findings),
		TEST(every_kind_of_damage_is_found),
		TEST(a_finding_names_what_is_wrong),
		TEST(one_that_is_cancelled_is_heard_no_more),
		TEST(an_engine_that_closes_says_so),
	};
	log_open(STDERR_FILENO, LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
	return cmocka_run_group_tests_name("engine_verify", tests, NULL, NULL);
}
