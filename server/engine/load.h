/*
 * Load: what a workset needs, as statements of one round trip, and their answers back into it.
 * Shared by lanes (which lock) and readers (which do not).
 */
#ifndef STOCKBOOK_ENGINE_LOAD_H
#define STOCKBOOK_ENGINE_LOAD_H

#include "book/workset.h"
#include "engine/policy.h"
#include "engine/sql.h"

/* Statements of one round at the most; what does not fit waits for the next round. */
#define LOAD_STATEMENTS_MAX (DB_STATEMENTS_MAX - 16)

struct live;
struct load_part;
struct recollection;

struct load {
	/* Set by the owner. */
	struct sql *sql;
	struct policy *policy;             /* NULL: what is peeked is not remembered */
	struct live *live;                 /* NULL: stock is not remembered for reads */
	struct recollection *recollection; /* NULL: stock is not remembered for lanes */
	bool locks;                        /* false: rows are read as they are, and count as locked */
	/* While documents are looked for, stock is left for the next round, where all of it can be
	 * locked in one order: other batches lock documents before stock, too. */
	bool hold_stock_back;

	struct workset *set;
	struct db_batch *batch;
	struct load_part *parts; /* a statement each */
	size_t part_count;
	size_t part_capacity;
	int64_t asked_us;
	uint64_t asked_told; /* by the feed */
	/* The last row, in the global order, that this transaction has locked; NULL: none. */
	const struct row *highest;
	/* The keys of all rows that were to be locked, as rows of their tables, in every round since
	 * key_count was set to 0; they live in the arena of their workset. */
	const struct row **keys;
	size_t key_count;
	size_t key_capacity;
};

/* Adds the statements for all needs of the set. False: nothing is needed. */
bool load_add(struct load *load, struct workset *set, struct db_batch *batch, int64_t now_us);
/* The batch came back: supplies the set. */
void load_absorb(struct load *load, int64_t now_us);

#endif
