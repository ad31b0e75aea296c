/*
 * What lanes remember of policies: a change is seen wherever it was made, although what
 * has not changed is not read again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine_fixture.h"
#include "observe/metrics.h"
#include "stockbook/v1/channel.pb-c.h"
#include "support/database.h"

static struct fixture fixture;
static struct engine *here, *there;

static int setup(void **state)
{
	(void)state;
	metrics_reset();
	fixture_open(&fixture);
	struct engine_settings settings = {
		.sweep_interval_ms = 3600000, .lanes = 1, .policy_staleness_ms = 200};
	here = fixture_engine(&fixture, &settings);
	there = fixture_engine(&fixture, &settings);
	put_location(&fixture, here, "LEEDS");
	put_item(&fixture, here, "MUG");
	receive(&fixture, here, "MUG", "LEEDS", 1000000);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_book_is_right(&fixture, here);
	fixture_close(&fixture);
	return 0;
}

static bool comes_out(struct engine *engine, const char *expected)
{
	struct caller *caller = caller_new(&fixture);
	reserve(caller, engine, "MUG", "LEEDS", 1);
	fixture_run(&fixture);
	bool same = strcmp(outcome(caller), expected) == 0;
	caller_free(caller);
	return same;
}

/* Reserves come all the while, so that what is remembered is always in use. */
static void comes_to(struct engine *engine, const char *expected)
{
	for (size_t i = 0; i < 3000; i++) {
		if (comes_out(engine, expected))
			return;
		fixture_run_ms(&fixture, 10);
	}
	fail_msg("reserves do not come to be '%s'", expected);
}

static void what_another_server_changed_is_seen(void **state)
{
	(void)state;
	assert_true(comes_out(here, "OK"));
	put_disabled(&fixture, there, "LEEDS", true);
	comes_to(here, "LOCATION_NOT_ELIGIBLE");
}

static void what_was_changed_by_hand_is_seen_once_the_head_is_moved(void **state)
{
	(void)state;
	comes_to(here, "OK");
	(void)test_sql(fixture.database, "UPDATE stockbook.location SET disabled = true");
	(void)test_sql(fixture.database, "UPDATE stockbook.policy_head SET number = number + 1");
	comes_to(here, "LOCATION_NOT_ELIGIBLE");
	comes_to(there, "LOCATION_NOT_ELIGIBLE");
}

static int64_t head_of(const char *table)
{
	return ask(&fixture, "SELECT number FROM stockbook.policy_head WHERE policy = '%s'", table);
}

/* Or what is remembered of a table without one would be taken for unchanged for ever. */
static void every_table_of_policies_has_a_head(void **state)
{
	(void)state;
	int64_t count = 0;
	for (size_t t = 0; t < TABLE_COUNT; t++)
		if (tables[t].kind == TABLE_POLICY) {
			count++;
			assert_true(head_of(tables[t].name) >= 0);
		}
	assert_int_equal(ask(&fixture, "SELECT count(*) FROM stockbook.policy_head"), count);
}

static void a_change_moves_the_heads_of_its_tables_alone(void **state)
{
	(void)state;
	int64_t item = head_of("item"), alias = head_of("item_alias"), location = head_of("location");
	put_item(&fixture, here, "BOWL");
	assert_int_equal(head_of("item"), item + 1);
	assert_int_equal(head_of("item_alias"), alias + 1);
	assert_int_equal(head_of("location"), location);
	put_location(&fixture, there, "YORK");
	assert_int_equal(head_of("item"), item + 1);
	assert_int_equal(head_of("location"), location + 1);
	assert_true(comes_out(here, "OK"));
	assert_int_equal(head_of("item"), item + 1);
}

/* A change that no server would hear of is not made. */
static void without_its_head_a_table_is_not_changed(void **state)
{
	(void)state;
	(void)test_sql(fixture.database, "DELETE FROM stockbook.policy_head WHERE policy = 'channel'");
	Stockbook__V1__PutChannelRequest request = STOCKBOOK__V1__PUT_CHANNEL_REQUEST__INIT;
	Stockbook__V1__Channel channel = STOCKBOOK__V1__CHANNEL__INIT;
	channel.code = (char[]){"web"};
	channel.name = channel.code;
	channel.kind = STOCKBOOK__V1__CHANNEL_KIND__CHANNEL_KIND_WEB;
	request.channel = &channel;
	struct caller *caller = caller_new(&fixture);
	call_now(caller, here, "ChannelService/PutChannel", &request);
	assert_string_equal(outcome(caller), "INTERNAL");
	caller_free(caller);
	assert_int_equal(ask(&fixture, "SELECT count(*) FROM stockbook.channel"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_another_server_changed_is_seen, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_changed_by_hand_is_seen_once_the_head_is_moved,
			setup, teardown),
		cmocka_unit_test_setup_teardown(every_table_of_policies_has_a_head, setup, teardown),
		cmocka_unit_test_setup_teardown(a_change_moves_the_heads_of_its_tables_alone, setup,
			teardown),
		cmocka_unit_test_setup_teardown(without_its_head_a_table_is_not_changed, setup, teardown),
	};
	return cmocka_run_group_tests_name("engine: policy", tests, NULL, NULL);
}
