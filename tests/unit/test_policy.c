/* Policy: how new what is remembered may be said to be, beside a feed that tells of changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/policy.h"

#define STALENESS_US 1000000

static struct policy *policy;
static struct arena arena;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena);
	policy = policy_new(STALENESS_US);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	policy_free(policy);
	arena_release(&arena);
	return 0;
}

static const struct item_row *cup(void)
{
	struct item_row *row = row_new(TABLE(item), &arena);
	row->sku = "CUP";
	return row;
}

static bool is_known_since(int64_t oldest_us)
{
	int64_t as_of_us;
	return policy_look_since(policy, TABLE(item), cup(), oldest_us, &as_of_us) != NULL;
}

static void what_nothing_is_told_of_is_as_new_as_the_feed(void **state)
{
	(void)state;
	policy_loaded(policy, cup(), 100, 110);
	policy_followed(policy, 500);
	assert_true(is_known_since(500));
	assert_false(is_known_since(501));
}

static void what_a_change_was_told_of_is_as_old_as_it_is(void **state)
{
	(void)state;
	policy_loaded(policy, cup(), 100, 110);
	policy_changed(policy, 1U << TABLE_ID_item, 480);
	policy_followed(policy, 450);
	assert_true(is_known_since(100));
	assert_false(is_known_since(101));
}

/* The feed asks at 450, the row is asked for at 460 and answered; then it is changed; then the feed is
 * answered, with the change, at 480. */
static void what_was_read_while_the_feed_asked_is_older_than_the_feed(void **state)
{
	(void)state;
	policy_loaded(policy, cup(), 460, 470);
	policy_changed(policy, 1U << TABLE_ID_item, 480);
	policy_followed(policy, 450);
	assert_false(is_known_since(450));
	/* Read afterwards it is as new again. */
	policy_loaded(policy, cup(), 490, 495);
	assert_true(is_known_since(450));
	assert_true(is_known_since(490));
}

static bool is_good_now(int64_t now_us)
{
	return policy_get(policy, TABLE(item), cup(), now_us, &arena) != NULL;
}

static void heads_found_at(int64_t number, int64_t asked_us, int64_t now_us)
{
	policy_head(policy, "item", number, now_us);
	policy_head(policy, "location", 7, now_us);
	policy_head(policy, "of a newer book", 1, now_us);
	policy_heads_told(policy, asked_us);
}

static void what_has_not_moved_stays_good_however_old_it_is(void **state)
{
	(void)state;
	heads_found_at(3, 100, 110);
	policy_loaded(policy, cup(), 120, 130);
	for (int64_t now_us = 0; now_us < 10 * STALENESS_US; now_us += STALENESS_US / 2) {
		heads_found_at(3, now_us, now_us + 10);
		assert_true(is_good_now(now_us + STALENESS_US / 2));
	}
	/* As long as somebody asks. */
	assert_false(is_good_now(11 * STALENESS_US));
}

/* As after a night in which nobody asked for anything. */
static void what_nobody_asked_about_for_long_is_good_when_heads_have_not_moved(void **state)
{
	(void)state;
	heads_found_at(3, 100, 110);
	policy_loaded(policy, cup(), 120, 130);
	for (int64_t now_us = 2 * STALENESS_US; now_us < 10 * STALENESS_US;
		 now_us += 2 * STALENESS_US) {
		struct item_row *other = row_new(TABLE(item), &arena);
		other->sku = arena_printf(&arena, "MUG-%lld", (long long)now_us);
		policy_loaded(policy, other, now_us, now_us + 10);
		assert_false(is_good_now(now_us + 20));
	}
	heads_found_at(3, 10 * STALENESS_US, 10 * STALENESS_US + 10);
	assert_true(is_good_now(10 * STALENESS_US + 20));
}

static void what_has_moved_is_good_until_it_is_too_old(void **state)
{
	(void)state;
	heads_found_at(3, 100, 110);
	policy_loaded(policy, cup(), 120, 130);
	heads_found_at(4, 200, 210);
	assert_true(is_good_now(STALENESS_US + 100));
	heads_found_at(4, STALENESS_US, STALENESS_US + 10);
	assert_false(is_good_now(STALENESS_US + 130));
	policy_loaded(policy, cup(), STALENESS_US + 140, STALENESS_US + 150);
	heads_found_at(4, 2 * STALENESS_US, 2 * STALENESS_US + 10);
	assert_true(is_good_now(2 * STALENESS_US + 500000));
}

static void what_was_known_before_heads_were_is_not_taken_for_unmoved(void **state)
{
	(void)state;
	policy_loaded(policy, cup(), 100, 110);
	heads_found_at(3, 200, 210);
	heads_found_at(3, STALENESS_US, STALENESS_US + 10);
	assert_false(is_good_now(STALENESS_US + 200));
	/* Nor after a connection was lost. */
	policy_loaded(policy, cup(), STALENESS_US + 300, STALENESS_US + 310);
	policy_forget_heads(policy);
	heads_found_at(3, STALENESS_US + 400, STALENESS_US + 410);
	heads_found_at(3, 2 * STALENESS_US, 2 * STALENESS_US + 10);
	assert_false(is_good_now(2 * STALENESS_US + 400));
}

/* Heads are asked for at 470, before the change, but the feed's question of 450 was answered after it:
 * who wants what the feed has come to must not be given the row of 460. */
static void heads_do_not_make_newer_than_the_feed_what_it_told_a_change_of(void **state)
{
	(void)state;
	heads_found_at(3, 100, 110);
	policy_followed(policy, 440);
	policy_loaded(policy, cup(), 460, 465);
	heads_found_at(3, 470, 475);
	policy_changed(policy, 1U << TABLE_ID_item, 480);
	policy_followed(policy, 450);
	assert_false(is_known_since(450));
	/* For who may have it older it is as good as before. */
	assert_true(is_good_now(STALENESS_US));
}

static void heads_are_asked_for_now_and_then(void **state)
{
	(void)state;
	assert_true(policy_wants_heads(policy, STALENESS_US));
	assert_false(policy_wants_heads(policy, STALENESS_US + 10));
	assert_true(policy_wants_heads(policy, 2 * STALENESS_US));
}

static void many_rows_stay_known(void **state)
{
	(void)state;
	enum { ROWS = 20000 };
	heads_found_at(3, 100, 110);
	for (int i = 0; i < ROWS; i++) {
		struct item_row *row = row_new(TABLE(item), &arena);
		row->sku = arena_printf(&arena, "SKU%d", i);
		policy_loaded(policy, row, 120 + i, 130 + i);
	}
	heads_found_at(3, 5 * STALENESS_US, 5 * STALENESS_US + 10);
	for (int i = 0; i < ROWS; i++) {
		struct item_row *row = row_new(TABLE(item), &arena);
		row->sku = arena_printf(&arena, "SKU%d", i);
		assert_non_null(policy_get(policy, TABLE(item), row, 5 * STALENESS_US + 100, &arena));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_nothing_is_told_of_is_as_new_as_the_feed, setup,
			teardown),
		cmocka_unit_test_setup_teardown(what_a_change_was_told_of_is_as_old_as_it_is, setup,
			teardown),
		cmocka_unit_test_setup_teardown(what_was_read_while_the_feed_asked_is_older_than_the_feed,
			setup, teardown),
		cmocka_unit_test_setup_teardown(what_has_not_moved_stays_good_however_old_it_is, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			what_nobody_asked_about_for_long_is_good_when_heads_have_not_moved, setup, teardown),
		cmocka_unit_test_setup_teardown(what_has_moved_is_good_until_it_is_too_old, setup,
			teardown),
		cmocka_unit_test_setup_teardown(what_was_known_before_heads_were_is_not_taken_for_unmoved,
			setup, teardown),
		cmocka_unit_test_setup_teardown(
			heads_do_not_make_newer_than_the_feed_what_it_told_a_change_of, setup, teardown),
		cmocka_unit_test_setup_teardown(heads_are_asked_for_now_and_then, setup, teardown),
		cmocka_unit_test_setup_teardown(many_rows_stay_known, setup, teardown),
	};
	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
