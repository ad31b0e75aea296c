/* What the workset's halves share: rows and needs in workset.c, events and what is stored in
 * workset_events.c. */
#ifndef STOCKBOOK_BOOK_WORKSET_PRIVATE_H
#define STOCKBOOK_BOOK_WORKSET_PRIVATE_H

#include "book/workset.h"

enum row_presence {
	ROW_UNKNOWN, /* a place for a row that is needed */
	ROW_ABSENT,
	ROW_PRESENT,
};

#define SLOT_COUNT_MIN 64
#define SEARCH_CHAINS_MIN 64
#define FAMILY_CHAINS 256
/* The fields that name a row's parent: its part and id. */
#define PARENT_FIELDS 2

_Static_assert(TABLE_COUNT <= 32, "a bit for each table");

struct saved_row {
	struct row *row;
	void *copy; /* of the whole struct */
};

/* Most sets have no rows of parents: made with the first. */
struct kin {
	struct need
		*families[FAMILY_CHAINS]; /* children that were asked for and supplied, by their hash */
	struct row *children[FAMILY_CHAINS]; /* rows of parents, by the hash of the parent */
};

struct workset {
	struct arena *arena;
	struct row **slots; /* open addressing, a power of two */
	size_t slot_count;
	size_t row_count;

	struct need **needs;
	size_t need_count;
	size_t need_capacity;
	struct need **searches; /* all scans and sums, in chains by their hash: a power of two */
	size_t search_chains;
	size_t search_count;
	struct kin *kin; /* NULL: there is none */

	struct row **events;
	size_t event_count;
	size_t event_capacity;
	size_t event_open; /* the first movement that no change has closed */

	workset_source *source;
	void *source_data;
	bool source_has_all; /* not policies alone */
	workset_source *recollection;
	void *recollection_data;
	struct assumption *assumptions;
	size_t assumption_count;
	size_t assumption_capacity;

	uint32_t run; /* counts begin(); 0 while none is under way */
	uint32_t runs;
	bool missed;
	size_t run_events;
	uint32_t touched; /* a bit for each table: it has a row with a fate, perhaps */
	struct saved_row *saved;
	size_t saved_count;
	size_t saved_capacity;
};

/* Of pointers to rows of one table, by key. */
int workset_row_order(const void *a, const void *b);

#endif
