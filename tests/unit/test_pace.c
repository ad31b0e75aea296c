/* Pace: what is chosen on a fast disk and on a slow one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/pace.h"

/* Seconds of batches whose sizes vary as callers come and go. */
static void trade(struct pace *pace, int64_t fixed_us, int64_t each_us, uint32_t size, int seconds)
{
	for (int s = 0; s < seconds; s++) {
		for (uint32_t i = 0; i < 100; i++) {
			uint32_t operations = size / 2 + (i * 7919 + (uint32_t)s) % (size + 1);
			operations = operations > 0 ? operations : 1;
			pace_note(pace, operations, fixed_us + each_us * operations);
		}
		pace_choose(pace);
	}
}

static void before_anything_is_known_the_fewest_lanes_take_what_there_is(void **state)
{
	(void)state;
	struct pace pace;
	pace_init(&pace, 0, 256);
	assert_false(pace_choose(&pace));
	assert_int_equal(pace.lanes, PACE_LANES_MIN);
	assert_int_equal(pace.operations, 256);
}

static void the_line_is_found(void **state)
{
	(void)state;
	struct pace pace;
	pace_init(&pace, 0, 256);
	trade(&pace, 400, 60, 64, 20);
	assert_in_range((uint64_t)pace.fixed_us, 350, 450);
	assert_in_range((uint64_t)pace.each_us, 58, 62);
}

static void on_a_fast_disk_the_fewest_lanes_and_smaller_batches_do(void **state)
{
	(void)state;
	struct pace pace;
	pace_init(&pace, 0, 256);
	trade(&pace, 300, 60, 64, 20);
	assert_int_equal(pace.lanes, PACE_LANES_MIN);
	assert_in_range(pace.operations, 64, 160);
}

static void on_a_slow_disk_there_are_more_lanes_and_larger_batches(void **state)
{
	(void)state;
	struct pace pace;
	pace_init(&pace, 0, 256);
	trade(&pace, 5000, 60, 64, 20);
	assert_in_range(pace.lanes, 4, 8);
	assert_int_equal(pace.operations, 256);
	/* It was exchanged for a fast one. */
	trade(&pace, 300, 60, 64, 40);
	assert_int_equal(pace.lanes, PACE_LANES_MIN);
}

/* What storing costs is never known well: half a lane is no reason to move. */
static void lanes_do_not_go_to_and_fro(void **state)
{
	(void)state;
	struct pace pace;
	pace_init(&pace, 0, 256);
	trade(&pace, 2700, 60, 64, 20);
	uint32_t settled = pace.lanes;
	assert_in_range(settled, PACE_LANES_MIN + 1, PACE_LANES_MAX - 1);
	for (int i = 0; i < 20; i++) {
		trade(&pace, i % 2 ? 2450 : 2950, 60, 64, 20);
		assert_int_equal(pace.lanes, settled);
	}
}

/* Batches take long because others are under way at the same time, on the same cores. */
static void a_busy_database_is_no_slow_disk(void **state)
{
	(void)state;
	struct pace pace;
	pace_init(&pace, 0, 256);
	for (int s = 0; s < 20; s++) {
		for (uint32_t i = 0; i < 100; i++) {
			uint32_t operations = 8 + i % 9;
			int64_t others = i % 25 == 0 ? 0 : 2000 + 37 * (i % 50);
			pace_note(&pace, operations, 500 + 60 * operations + others);
		}
		pace_choose(&pace);
	}
	assert_true(pace.fixed_us > 2000);
	assert_int_equal(pace.lanes, PACE_LANES_MIN);
}

static void few_callers_on_a_slow_disk_are_spread_over_all_lanes(void **state)
{
	(void)state;
	struct pace pace;
	pace_init(&pace, 0, 256);
	trade(&pace, 2000, 60, 4, 20);
	assert_int_equal(pace.lanes, PACE_LANES_MAX);
}

static void lanes_that_were_given_stay(void **state)
{
	(void)state;
	struct pace pace;
	pace_init(&pace, 3, 256);
	trade(&pace, 5000, 60, 8, 20);
	assert_int_equal(pace.lanes, 3);
}

static void batches_of_one_size_tell_something_too(void **state)
{
	(void)state;
	struct pace pace;
	pace_init(&pace, 0, 256);
	for (int i = 0; i < 1000; i++) {
		pace_note(&pace, 8, 8400);
		pace_choose(&pace);
	}
	assert_in_range((uint64_t)(pace.fixed_us + 8 * pace.each_us + 0.5), 8399, 8401);
	assert_int_equal(pace.lanes, PACE_LANES_MAX);
}

static void large_baskets_make_small_batches(void **state)
{
	(void)state;
	struct pace pace;
	pace_init(&pace, 0, 256);
	trade(&pace, 400, 3000, 64, 20);
	assert_int_equal(pace.operations, PACE_OPERATIONS_MIN);
	assert_int_equal(pace.lanes, PACE_LANES_MIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(before_anything_is_known_the_fewest_lanes_take_what_there_is),
		cmocka_unit_test(the_line_is_found),
		cmocka_unit_test(on_a_fast_disk_the_fewest_lanes_and_smaller_batches_do),
		cmocka_unit_test(on_a_slow_disk_there_are_more_lanes_and_larger_batches),
		cmocka_unit_test(lanes_do_not_go_to_and_fro),
		cmocka_unit_test(a_busy_database_is_no_slow_disk),
		cmocka_unit_test(few_callers_on_a_slow_disk_are_spread_over_all_lanes),
		cmocka_unit_test(lanes_that_were_given_stay),
		cmocka_unit_test(batches_of_one_size_tell_something_too),
		cmocka_unit_test(large_baskets_make_small_batches),
	};
	return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
