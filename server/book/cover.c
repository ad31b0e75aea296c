/* Covering: iterative deepening below the greedy answer, with a bound on what can still be reached. */
#include "book/cover.h"

#include <stdbool.h>
#include <string.h>

/* Who needs so many has no few parcels to save: the rest are taken in their order. */
#define GREEDY_PICKS_MAX 64

static int64_t offer(const struct cover *cover, size_t column, size_t row)
{
	return cover->offers[column * cover->row_count + row];
}

/* No more is needed than there is. */
static void cut_needs(struct cover *cover)
{
	for (size_t row = 0; row < cover->row_count; row++) {
		int64_t sum = 0;
		for (size_t column = 0; column < cover->column_count && sum < cover->needs[row]; column++)
			sum += offer(cover, column, row);
		if (sum < cover->needs[row])
			cover->needs[row] = sum;
	}
}

/* ---- Greedy ---- */

static int64_t gain(const struct cover *cover, size_t column, const int64_t *missing)
{
	int64_t sum = 0;
	for (size_t row = 0; row < cover->row_count; row++) {
		int64_t share = offer(cover, column, row);
		sum += share < missing[row] ? share : missing[row];
	}
	return sum;
}

static void take(const struct cover *cover, size_t column, int64_t *missing)
{
	for (size_t row = 0; row < cover->row_count; row++) {
		int64_t share = offer(cover, column, row);
		missing[row] -= share < missing[row] ? share : missing[row];
	}
}

static size_t list_taken(const struct cover *cover, const bool *taken, size_t *chosen)
{
	size_t count = 0;
	for (size_t column = 0; column < cover->column_count; column++)
		if (taken[column])
			chosen[count++] = column;
	return count;
}

static void take_best(const struct cover *cover, bool *taken, int64_t *missing)
{
	for (size_t picks = 0; picks < GREEDY_PICKS_MAX; picks++) {
		size_t best = 0;
		int64_t most = 0;
		for (size_t column = 0; column < cover->column_count; column++) {
			int64_t gained = taken[column] ? 0 : gain(cover, column, missing);
			if (gained > most) {
				most = gained;
				best = column;
			}
		}
		if (most == 0)
			return;
		taken[best] = true;
		take(cover, best, missing);
	}
	for (size_t column = 0; column < cover->column_count; column++)
		if (!taken[column] && gain(cover, column, missing) > 0) {
			taken[column] = true;
			take(cover, column, missing);
		}
}

/* The least preferred first. */
static void drop_needless(struct arena *arena, const struct cover *cover, bool *taken)
{
	int64_t *sums = arena_alloc_array(arena, cover->row_count, sizeof(*sums));
	for (size_t column = 0; column < cover->column_count; column++)
		for (size_t row = 0; taken[column] && row < cover->row_count; row++)
			sums[row] += offer(cover, column, row);
	for (size_t column = cover->column_count; column-- > 0;) {
		bool needed = !taken[column];
		for (size_t row = 0; row < cover->row_count && !needed; row++)
			needed = sums[row] - offer(cover, column, row) < cover->needs[row];
		if (needed)
			continue;
		taken[column] = false;
		for (size_t row = 0; row < cover->row_count; row++)
			sums[row] -= offer(cover, column, row);
	}
}

static size_t choose_greedily(struct arena *arena, const struct cover *cover, size_t *chosen)
{
	bool *taken = arena_alloc_array(arena, cover->column_count, sizeof(*taken));
	int64_t *missing = arena_alloc_array(arena, cover->row_count, sizeof(*missing));
	memcpy(missing, cover->needs, cover->row_count * sizeof(*missing));
	take_best(cover, taken, missing);
	drop_needless(arena, cover, taken);
	return list_taken(cover, taken, chosen);
}

/* ---- Exact ---- */

struct search {
	const struct cover *cover;
	const int64_t *best_ahead; /* of column c for row r: the most that c or a later one offers */
	int64_t *missing;          /* one array of rows for each depth */
	size_t *chosen;
	size_t size;
	size_t steps;
};

/* Even the best of what is ahead, taken again and again, would not be enough. */
static bool is_hopeless(const struct search *search, size_t column, const int64_t *missing,
	size_t picks)
{
	const int64_t *best = &search->best_ahead[column * search->cover->row_count];
	for (size_t row = 0; row < search->cover->row_count; row++)
		/* A quantity and a balance are at most 10^12, the picks few: no overflow. */
		if (missing[row] > best[row] * (int64_t)picks)
			return true;
	return false;
}

static bool is_covered(const struct cover *cover, const int64_t *missing)
{
	for (size_t row = 0; row < cover->row_count; row++)
		if (missing[row] > 0)
			return false;
	return true;
}

/* Picks columns from `first` on for the depths from `depth` on. As deep as a set is large, which the
 * steps keep small. */
static bool search_from(struct search *search, size_t depth, size_t first)
{
	const struct cover *cover = search->cover;
	const int64_t *missing = &search->missing[depth * cover->row_count];
	if (depth == search->size)
		return is_covered(cover, missing);
	int64_t *after = &search->missing[(depth + 1) * cover->row_count];
	for (size_t column = first; column < cover->column_count; column++) {
		search->steps += cover->row_count;
		if (search->steps > COVER_STEPS_MAX ||
			is_hopeless(search, column, missing, search->size - depth))
			return false;
		memcpy(after, missing, cover->row_count * sizeof(*after));
		take(cover, column, after);
		search->chosen[depth] = column;
		if (search_from(search, depth + 1, column + 1))
			return true;
	}
	return false;
}

static int64_t *list_best_ahead(struct arena *arena, const struct cover *cover)
{
	size_t rows = cover->row_count;
	int64_t *best = arena_alloc_array(arena, (cover->column_count + 1) * rows, sizeof(*best));
	for (size_t column = cover->column_count; column-- > 0;)
		for (size_t row = 0; row < rows; row++) {
			int64_t later = best[(column + 1) * rows + row];
			int64_t here = offer(cover, column, row);
			best[column * rows + row] = here > later ? here : later;
		}
	return best;
}

size_t cover_choose(struct arena *arena, struct cover *cover, size_t *chosen)
{
	cut_needs(cover);
	size_t most = choose_greedily(arena, cover, chosen);
	struct search search = {
		.cover = cover,
		.best_ahead = list_best_ahead(arena, cover),
		.missing = arena_alloc_array(arena, (most + 1) * cover->row_count, sizeof(int64_t)),
		.chosen = arena_alloc_array(arena, most, sizeof(size_t)),
	};
	memcpy(search.missing, cover->needs, cover->row_count * sizeof(int64_t));
	for (search.size = 1; search.size <= most && search.steps <= COVER_STEPS_MAX; search.size++)
		if (search_from(&search, 0, 0)) {
			memcpy(chosen, search.chosen, search.size * sizeof(*chosen));
			return search.size;
		}
	return most;
}
