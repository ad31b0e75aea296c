/* The ledger's reads: movements, changes, and what follows from them. */
#ifndef STOCKBOOK_BOOK_LEDGER_H
#define STOCKBOOK_BOOK_LEDGER_H

#include "book/run.h"
#include "stockbook/v1/ledger.pb-c.h"

/* The latest movements of a SKU at a location, newest first, at most `most`. NEED or DONE. */
enum verdict ledger_recent(struct run *run, const char *sku, const char *location,
	const struct movement_row **recent, size_t most, size_t *count);
/* The change that a stored movement belongs to. NEED or DONE. */
enum verdict ledger_change_of(struct run *run, const struct movement_row *movement,
	const struct change_row **change);
/* A row of the ledger as the API shows it. */
Stockbook__V1__Movement *make_movement(struct arena *arena, const struct movement_row *row,
	const struct change_row *change);
Stockbook__V1__Change *make_change(struct arena *arena, const struct change_row *row);
Stockbook__V1__Position *make_position(struct arena *arena, int32_t part, int64_t sequence);

extern const struct operation ledger_operations[];

#endif
