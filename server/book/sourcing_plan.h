/*
 * The plan: what each demand is given, made in memory over everything that is known and made anew
 * whenever more is. sourcing.c locks what it takes from.
 *
 *   PREFERENCE, NEAREST, BALANCED   sources in their order, looked at in windows that grow, so that
 *                                   a SKU of the first sources costs little and a rare one few rounds
 *   MOST_STOCK, FEWEST_PARCELS      all sources of all SKUs, looked at in one round; where that were
 *                                   more than CELLS_MAX balances, in the sources' order instead
 */
#ifndef STOCKBOOK_BOOK_SOURCING_PLAN_H
#define STOCKBOOK_BOOK_SOURCING_PLAN_H

#include "book/sourcing.h"

/* How many balances one call may look at. */
#define CELLS_MAX 100000

/* By the SKU's number. */
struct sourcing_sku {
	size_t cursor[SOURCE_METHODS]; /* able sources before it have nothing left */
	bool is_short;                 /* a sourced line of it got too little */
	int32_t surprises;             /* locked sources that turned out different */
};

enum verdict sourcing_plan(struct sourcing *sourcing, struct run *run);

/* ---- Shared by the files of sourcing ---- */

/* VERDICT_NEED or VERDICT_DONE. */
enum verdict sourcing_cell_load(struct sourcing *sourcing, struct run *run,
	struct sourcing_cell *cell);

#endif
