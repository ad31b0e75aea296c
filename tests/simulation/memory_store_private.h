/* What the memory store's two halves share: tables in memory_store.c, lanes in memory_lane.c. */
#ifndef STOCKBOOK_TESTS_SIMULATION_MEMORY_STORE_PRIVATE_H
#define STOCKBOOK_TESTS_SIMULATION_MEMORY_STORE_PRIVATE_H

#include "simulation/memory_store.h"

/* A place in a table. Rows are never changed in place: a change makes a new copy. */
struct stored {
	const void *row;    /* NULL: removed */
	const void *before; /* as it was before the last change */
	int64_t changed_us;
	uint64_t hash;
	const struct memory_lane *locked_by;
};

struct store_table {
	struct stored **places; /* in the order in which they were made */
	size_t count;
	size_t capacity;
	struct stored **slots; /* by key; open addressing */
	size_t slot_count;
	const void **rows; /* for memory_store_rows() */
	size_t row_capacity;
};

struct memory_store {
	struct arena arena;
	struct book_limits limits;
	struct store_table tables[TABLE_COUNT];
	int64_t *heads; /* by part, 0 to parts */
	bool stale_peeks;
	uint64_t peeks;
	uint64_t hopes_won, hopes_lost;
};

struct stored *store_place(const struct memory_store *store, const struct table *table,
	const void *key);
/* Makes, replaces or (row == NULL) removes the row under its key. */
void store_put(struct memory_store *store, const struct table *table, const void *row,
	int64_t now_us);
void store_remove(struct memory_store *store, const struct table *table, const void *key);
/* Rows of a scan, in its order, the array in the arena. */
struct scan_result store_scan(const struct memory_store *store, const struct scan *scan,
	struct arena *arena);
int64_t store_sum(const struct memory_store *store, const struct scan *scan, const char *field);

#endif
