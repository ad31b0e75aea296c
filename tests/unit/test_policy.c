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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_nothing_is_told_of_is_as_new_as_the_feed, setup,
			teardown),
		cmocka_unit_test_setup_teardown(what_a_change_was_told_of_is_as_old_as_it_is, setup,
			teardown),
		cmocka_unit_test_setup_teardown(what_was_read_while_the_feed_asked_is_older_than_the_feed,
			setup, teardown),
	};
	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
