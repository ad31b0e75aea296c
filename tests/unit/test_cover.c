/* Covering: as few columns as possible. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "book/cover.h"
#include "book/great_circle.h"

struct fixture {
	struct arena arena;
	struct cover cover;
	size_t *chosen;
	uint32_t random;
};

static uint32_t next(struct fixture *fixture)
{
	fixture->random = fixture->random * 1664525 + 1013904223;
	return fixture->random >> 8;
}

static int setup(void **state)
{
	static struct fixture fixture;
	fixture = (struct fixture){.random = 20261122};
	arena_init(&fixture.arena);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	arena_release(&fixture->arena);
	return 0;
}

static void make(struct fixture *fixture, size_t rows, size_t columns)
{
	struct cover *cover = &fixture->cover;
	cover->row_count = rows;
	cover->column_count = columns;
	cover->needs = arena_alloc_array(&fixture->arena, rows, sizeof(int64_t));
	cover->offers = arena_alloc_array(&fixture->arena, rows * columns, sizeof(int64_t));
	fixture->chosen = arena_alloc_array(&fixture->arena, columns, sizeof(size_t));
}

/* "10 0 | 0 5": what each column offers for the rows. */
static size_t choose(struct fixture *fixture, size_t columns, const int64_t *needs, size_t rows,
	const int64_t *offers)
{
	make(fixture, rows, columns);
	memcpy(fixture->cover.needs, needs, rows * sizeof(*needs));
	memcpy(fixture->cover.offers, offers, rows * columns * sizeof(*offers));
	return cover_choose(&fixture->arena, &fixture->cover, fixture->chosen);
}

static void one_column_that_has_all_is_better_than_two_that_come_first(void **state)
{
	struct fixture *fixture = *state;
	const int64_t needs[] = {2, 2};
	const int64_t offers[] = {2, 0, 0, 2, 2, 2};
	assert_int_equal(choose(fixture, 3, needs, 2, offers), 1);
	assert_int_equal(fixture->chosen[0], 2);
}

static void among_equals_the_first_are_chosen(void **state)
{
	struct fixture *fixture = *state;
	const int64_t needs[] = {4};
	const int64_t offers[] = {1, 2, 2, 2, 2};
	assert_int_equal(choose(fixture, 5, needs, 1, offers), 2);
	assert_int_equal(fixture->chosen[0], 1);
	assert_int_equal(fixture->chosen[1], 2);
}

/* Greedily the large one is taken first, and needs two more. */
static void the_exact_answer_beats_the_greedy_one(void **state)
{
	struct fixture *fixture = *state;
	const int64_t needs[] = {1, 1, 1, 1, 1, 1};
	const int64_t offers[] = {
		1, 1, 0, 1, 1, 0, /* four of six */
		1, 1, 1, 0, 0, 0, /* left half */
		0, 0, 0, 1, 1, 1, /* right half */
	};
	assert_int_equal(choose(fixture, 3, needs, 6, offers), 2);
	assert_int_equal(fixture->chosen[0], 1);
	assert_int_equal(fixture->chosen[1], 2);
}

static void what_nobody_has_enough_of_is_covered_as_far_as_it_goes(void **state)
{
	struct fixture *fixture = *state;
	const int64_t needs[] = {10, 1};
	const int64_t offers[] = {3, 0, 0, 0, 2, 0};
	assert_int_equal(choose(fixture, 3, needs, 2, offers), 2);
	assert_int_equal(fixture->chosen[0], 0);
	assert_int_equal(fixture->chosen[1], 2);
	const int64_t nothing[] = {0, 0, 0, 0, 0, 0};
	assert_int_equal(choose(fixture, 3, needs, 2, nothing), 0);
}

static void fill_randomly(struct fixture *fixture, uint32_t offer_most)
{
	struct cover *cover = &fixture->cover;
	for (size_t i = 0; i < cover->row_count; i++)
		cover->needs[i] = next(fixture) % 12;
	for (size_t i = 0; i < cover->row_count * cover->column_count; i++)
		cover->offers[i] = next(fixture) % 3 ? 0 : next(fixture) % offer_most;
}

static bool covers(const struct cover *cover, const size_t *columns, size_t count)
{
	for (size_t row = 0; row < cover->row_count; row++) {
		int64_t sum = 0;
		for (size_t i = 0; i < count; i++)
			sum += cover->offers[columns[i] * cover->row_count + row];
		if (sum < cover->needs[row]) /* cut to what there is */
			return false;
	}
	return true;
}

/* Over all sets, as bits. */
static size_t smallest(const struct cover *cover)
{
	size_t best = cover->column_count;
	for (uint32_t set = 0; set < 1U << cover->column_count; set++) {
		size_t columns[16];
		size_t count = 0;
		for (size_t i = 0; i < cover->column_count; i++)
			if (set & 1U << i)
				columns[count++] = i;
		if (count < best && covers(cover, columns, count))
			best = count;
	}
	return best;
}

static void no_smaller_set_covers_than_the_chosen_one(void **state)
{
	struct fixture *fixture = *state;
	for (int round = 0; round < 300; round++) {
		make(fixture, 1 + next(fixture) % 5, 1 + next(fixture) % 9);
		fill_randomly(fixture, 10);
		size_t count = cover_choose(&fixture->arena, &fixture->cover, fixture->chosen);
		assert_true(covers(&fixture->cover, fixture->chosen, count));
		assert_int_equal(count, smallest(&fixture->cover));
		for (size_t i = 1; i < count; i++)
			assert_true(fixture->chosen[i - 1] < fixture->chosen[i]);
		arena_reset(&fixture->arena);
	}
}

/* Too many for the exact search: still a cover, none of which can be left out. */
static void a_large_set_covers_and_has_nothing_needless(void **state)
{
	struct fixture *fixture = *state;
	make(fixture, 12, 800);
	for (size_t i = 0; i < fixture->cover.row_count; i++)
		fixture->cover.needs[i] = 60 + next(fixture) % 60;
	for (size_t i = 0; i < fixture->cover.row_count * fixture->cover.column_count; i++)
		fixture->cover.offers[i] = next(fixture) % 3 ? 0 : next(fixture) % 9;
	size_t count = cover_choose(&fixture->arena, &fixture->cover, fixture->chosen);
	assert_true(covers(&fixture->cover, fixture->chosen, count));
	for (size_t i = 0; i < count; i++) {
		size_t *others = arena_alloc_array(&fixture->arena, count, sizeof(*others));
		memcpy(others, fixture->chosen, count * sizeof(*others));
		others[i] = others[count - 1];
		assert_false(covers(&fixture->cover, others, count - 1));
	}
}

static void distances_are_those_of_the_globe(void **state)
{
	(void)state;
	/* Leeds to London, and round the corner of the date line. */
	double leeds_london = great_circle_km(53.7997, -1.5492, 51.5072, -0.1276);
	assert_true(leeds_london > 271 && leeds_london < 274);
	double date_line = great_circle_km(0, 179.5, 0, -179.5);
	assert_true(date_line > 111 && date_line < 112);
	assert_true(great_circle_km(10, 20, 10, 20) < 0.001);
	double half_round = great_circle_km(0, 0, 0, 180);
	assert_true(half_round > 20015 && half_round < 20016);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(one_column_that_has_all_is_better_than_two_that_come_first),
		TEST(among_equals_the_first_are_chosen),
		TEST(the_exact_answer_beats_the_greedy_one),
		TEST(what_nobody_has_enough_of_is_covered_as_far_as_it_goes),
		TEST(no_smaller_set_covers_than_the_chosen_one),
		TEST(a_large_set_covers_and_has_nothing_needless),
		TEST(distances_are_those_of_the_globe),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
