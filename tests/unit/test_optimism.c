/* How long a lane waits before it hopes again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/optimism.h"

#define MOST 8

/* Batches until it is over. */
static uint32_t waits(struct patience *patience)
{
	uint32_t count = 0;
	while (!patience_is_over(patience))
		count++;
	return count;
}

static void each_loss_in_a_row_is_waited_for_twice_as_long_up_to_a_bound(void **state)
{
	static const uint32_t expected[] = {1, 2, 4, 8, 8, 8};
	struct patience patience = {0};
	(void)state;
	assert_int_equal(waits(&patience), 0);
	for (size_t i = 0; i < ARRAY_COUNT(expected); i++) {
		patience_lost(&patience, MOST);
		assert_int_equal(waits(&patience), expected[i]);
	}
}

static void each_win_halves_what_the_next_loss_costs(void **state)
{
	struct patience patience = {0};
	(void)state;
	for (size_t i = 0; i < 100; i++)
		patience_lost(&patience, MOST);
	assert_int_equal(waits(&patience), MOST);
	patience_won(&patience);
	assert_int_equal(waits(&patience), 0);
	patience_won(&patience);
	patience_lost(&patience, MOST);
	assert_int_equal(waits(&patience), MOST / 2);
	/* However many were lost: as many wins as it took losses to come here, and it is as at first. */
	for (size_t i = 0; i < 3; i++)
		patience_won(&patience);
	patience_lost(&patience, MOST);
	assert_int_equal(waits(&patience), 1);
}

static void a_smaller_bound_holds_at_once(void **state)
{
	struct patience patience = {0};
	(void)state;
	for (size_t i = 0; i < 10; i++)
		patience_lost(&patience, 256);
	patience_lost(&patience, MOST);
	assert_int_equal(waits(&patience), MOST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_loss_in_a_row_is_waited_for_twice_as_long_up_to_a_bound),
		cmocka_unit_test(each_win_halves_what_the_next_loss_costs),
		cmocka_unit_test(a_smaller_bound_holds_at_once),
	};
	return cmocka_run_group_tests_name("optimism", tests, NULL, NULL);
}
