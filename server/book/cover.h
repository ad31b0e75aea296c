/*
 * Covering: as few columns as possible whose offers together reach what each row needs; where all
 * columns together offer less than a row needs, all that they offer. Among covers of the same size
 * the one whose first column comes first, then whose second does, and so on.
 *
 * Finding the smallest is hard in general, so the search is bounded: within COVER_STEPS_MAX steps
 * (all sets of up to three of a hundred columns) the answer is exact; beyond, it is the greedy one,
 * which takes the column that covers most of what is missing, again and again, and then drops those
 * that turned out not to be needed. Same input, same answer.
 */
#ifndef STOCKBOOK_BOOK_COVER_H
#define STOCKBOOK_BOOK_COVER_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

#define COVER_STEPS_MAX 200000

struct cover {
	size_t row_count;
	size_t column_count;
	int64_t *needs;  /* by row; cut to what all columns offer */
	int64_t *offers; /* of column c for row r: offers[c * row_count + r], 0 or more */
};

/* chosen: room for all columns; ascending. Returns how many. */
size_t cover_choose(struct arena *arena, struct cover *cover, size_t *chosen);

#endif
