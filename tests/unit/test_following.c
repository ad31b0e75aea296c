/* Following: when the feed is followed for the sake of fresh reads, and when no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/following.h"

#define READS_MIN 200

static struct following following;

static int setup(void **state)
{
	(void)state;
	following = (struct following){.reads_min = READS_MIN};
	return 0;
}

static bool window(int64_t reads, int64_t confirmed, int64_t events)
{
	return following_decide(&following,
		&(struct following_window){reads, confirmed, events, false});
}

/* How many windows there are until it is `follows`. */
static uint32_t windows_until(bool follows, int64_t reads, int64_t confirmed, int64_t events)
{
	for (uint32_t count = 1; count <= 2 * FOLLOWING_PAUSE_WINDOWS_MAX; count++)
		if (window(reads, following.follows ? confirmed : 0, events) == follows)
			return count;
	fail_msg("it does not come to an end");
	return 0;
}

static void few_reads_are_the_databases(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_false(window(READS_MIN - 1, 0, 0));
}

static void many_reads_begin_it_and_it_goes_on_while_it_pays(void **state)
{
	(void)state;
	assert_true(window(READS_MIN, 0, 1000000));
	for (int i = 0; i < 1000; i++)
		assert_true(window(1000, 900, 900 * FOLLOWING_EVENTS_OF_A_READ));
}

static void memory_has_time_to_fill(void **state)
{
	(void)state;
	assert_true(window(1000, 0, 0));
	for (int i = 1; i < FOLLOWING_TRIAL_WINDOWS; i++)
		assert_true(window(1000, 0, 1000000));
	for (int i = 0; i < 100; i++)
		assert_true(window(1000, 1000, 4000));
}

static void where_events_cost_more_the_pauses_grow(void **state)
{
	(void)state;
	uint32_t last = 0;
	for (int i = 0; i < 12; i++) {
		uint32_t pause = windows_until(true, 1000, 0, 5000);
		assert_true(pause >= last && pause <= FOLLOWING_PAUSE_WINDOWS_MAX + 1);
		assert_true(i == 0 || pause > last || pause == FOLLOWING_PAUSE_WINDOWS_MAX + 1);
		last = pause;
		assert_int_equal(windows_until(false, 1000, 1000, 5000), FOLLOWING_TRIAL_WINDOWS);
	}
	assert_int_equal(last, FOLLOWING_PAUSE_WINDOWS_MAX + 1);
	/* And shrink where it pays. */
	(void)windows_until(true, 1000, 0, 5000);
	for (int i = 0; i < 20; i++)
		assert_true(window(1000, 1000, 1000));
	(void)windows_until(false, 1000, 1000, 5000);
	assert_true(windows_until(true, 1000, 0, 5000) <= 3);
}

static void a_bad_moment_does_not_end_it(void **state)
{
	(void)state;
	assert_true(window(1000, 0, 0));
	for (int i = 0; i < 1000; i++) {
		bool bad = i % FOLLOWING_LEAN_WINDOWS != 0;
		assert_true(window(1000, 1000, bad ? 100000 : 100));
	}
}

static void while_memory_fills_it_goes_on(void **state)
{
	(void)state;
	assert_true(window(1000, 0, 0));
	for (int i = 1; i < 100; i++)
		assert_true(window(1000, i * 2, 100000));
	assert_int_equal(windows_until(false, 1000, 198, 100000), FOLLOWING_LEAN_WINDOWS);
}

static void without_events_it_costs_nothing(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_true(window(1000, 0, 0));
}

static void reads_that_become_few_end_it_without_a_pause(void **state)
{
	(void)state;
	assert_true(window(1000, 0, 0));
	assert_int_equal(windows_until(false, 10, 10, 0), FOLLOWING_TRIAL_WINDOWS);
	assert_true(window(1000, 0, 0));
}

static void events_that_are_followed_anyway_cost_nothing(void **state)
{
	(void)state;
	struct following_window busy = {1000, 1000, 1000000, .followed_anyway = true};
	for (int i = 0; i < 100; i++)
		assert_true(following_decide(&following, &busy));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(few_reads_are_the_databases, setup),
		cmocka_unit_test_setup(many_reads_begin_it_and_it_goes_on_while_it_pays, setup),
		cmocka_unit_test_setup(memory_has_time_to_fill, setup),
		cmocka_unit_test_setup(where_events_cost_more_the_pauses_grow, setup),
		cmocka_unit_test_setup(a_bad_moment_does_not_end_it, setup),
		cmocka_unit_test_setup(while_memory_fills_it_goes_on, setup),
		cmocka_unit_test_setup(without_events_it_costs_nothing, setup),
		cmocka_unit_test_setup(reads_that_become_few_end_it_without_a_pause, setup),
		cmocka_unit_test_setup(events_that_are_followed_anyway_cost_nothing, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
