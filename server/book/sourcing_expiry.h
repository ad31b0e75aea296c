/*
 * Expired holds that nobody swept yet, found when stock is short: first those that lie in the parts
 * of the balances that are short (nearly all), then those of any part, because a hold over several
 * locations lies in the part of its first.
 */
#ifndef STOCKBOOK_BOOK_SOURCING_EXPIRY_H
#define STOCKBOOK_BOOK_SOURCING_EXPIRY_H

#include "book/sourcing.h"

struct sourcing_expiry {
	int32_t stage; /* 0: the parts of what is short; 1: all */
	int32_t pages; /* of this stage, seen */
	size_t lines;  /* of all holds that were freed */
	bool has_after;
	int64_t after_hold_until;
	struct uuid after_id;
	bool done;
};

/* A sourcing that only reads frees nothing: what the holds have is credited to its cells.
 *
 * One page, or the beginning of one whose holds are very long: frees what expired holds have of the
 * cells that are wanted. *freed counts holds; after
 * any, the balances have changed. VERDICT_NEED or VERDICT_DONE. */
enum verdict sourcing_expire(struct sourcing_expiry *expiry, struct sourcing *sourcing,
	struct run *run, size_t *freed);

#endif
