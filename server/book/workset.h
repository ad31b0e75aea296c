/*
 * Workset: the rows that a batch of operations works on, in memory, and what became of them.
 *
 * Operations ask for rows; what is not here is noted as needed, and the operation ends with
 * VERDICT_NEED. Whoever runs the batch (a lane, a reader, the simulator) loads what is needed,
 * supplies it, and runs the operation again. When all have been decided, the changed rows, the
 * inserted ones and the events are stored, in one transaction.
 *
 *   absent ----+                      +--> changed --+
 *   unknown ---+-- supply --> loaded -+              +--> stored by the owner of the set
 *   needed  ---+                      +--> deleted --+
 *
 * One run of an operation is all or nothing: workset_begin(), then workset_commit() or
 * workset_undo(). Pure memory: no I/O, no clock. Lives in the arena it was made in.
 */
#ifndef STOCKBOOK_BOOK_WORKSET_H
#define STOCKBOOK_BOOK_WORKSET_H

#include "book/table.h"

struct workset;

enum lookup {
	LOOKUP_NEEDED, /* noted; run again when it is loaded */
	LOOKUP_ABSENT, /* there is no such row */
	LOOKUP_FOUND,
};

enum access {
	ACCESS_PEEK, /* as last committed, perhaps a second ago for TABLE_POLICY; cannot be edited */
	ACCESS_LOCK, /* locked until the batch ends; may be edited, or inserted where absent */
};

/* ---- Scans: what is not read by its whole key ---- */

enum scan_operator {
	SCAN_EQUAL,
	SCAN_LESS,
	SCAN_GREATER_OR_EQUAL,
	SCAN_PREFIX,    /* of a TEXT */
	SCAN_ANY,       /* TEXT: one of value.texts; INT4: one of value.counts */
	SCAN_IS,        /* equals the shape's constant (INT4; BOOL: 0 or 1); for partial indexes */
	SCAN_NOT_EMPTY, /* a TEXT is not ''; no value; for partial indexes */
};

struct scan_condition {
	const char *field;
	enum scan_operator operator;
	int32_t constant; /* of SCAN_IS */
};

#define SCAN_CONDITIONS_MAX 8
#define SCAN_ORDER_MAX 4

/* A kind of scan, declared once (static const) by the noun that uses it. */
struct scan_shape {
	const char *name; /* of the prepared statement and the metric */
	const struct table *table;
	struct scan_condition conditions[SCAN_CONDITIONS_MAX]; /* ends at the first without field */
	const char *order[SCAN_ORDER_MAX];                     /* ends at the first NULL */
	bool descending;                                       /* all of `order` */
};

/* present = false leaves the condition out (SCAN_IS and SCAN_NOT_EMPTY always hold). The member
 * that fits the field's type and the operator is used: text for TEXT, number for INT4, INT8, TIME,
 * SEQUENCE and BOOL, uuid for UUID, bytes for BYTES. */
struct scan_value {
	bool present;
	const char *text;
	int64_t number;
	struct uuid uuid;
	struct bytes bytes;
	struct text_list texts;
	struct count_list counts;
};

struct scan {
	const struct scan_shape *shape;
	struct scan_value values[SCAN_CONDITIONS_MAX]; /* index by index with the conditions */
	bool has_after;                                /* only rows past `after`, by `order` */
	struct scan_value after[SCAN_ORDER_MAX];
	int32_t limit; /* rows at the most; > 0 */
};

struct scan_result {
	const void *const *rows; /* of the shape's table, in its order; not to be edited */
	size_t count;
};

/* ---- For operations ---- */

/* *row is set only when found. `key` is a row of the table with its key fields filled in. */
enum lookup workset_find(struct workset *set, const struct table *table, const void *key,
	enum access access, const void **row);
/* The same row, now to be changed; it was found with ACCESS_LOCK or came with workset_children().
 * Undone when the run is. Keys are never changed. */
void *workset_edit(struct workset *set, const void *row);
/* Adds a row that was looked up with ACCESS_LOCK and found absent, or that cannot exist yet (a new
 * id). The copy in the set is returned, and may be filled in further. */
void *workset_insert(struct workset *set, const void *row);
/* Removes a row that may be edited. */
void workset_delete(struct workset *set, const void *row);
/* False: needed. True: all rows whose first prefix_count key fields are those of `key` are here and
 * may be edited, and workset_find() knows about each whether it exists. The caller holds the lock
 * of the document that they belong to. */
bool workset_children(struct workset *set, const struct table *table, const void *key,
	size_t prefix_count);
/* After workset_children(set, table, key, 2) was true: those rows, ascending by key, in the set's
 * arena; with what this batch inserted, without what it deleted. */
const void *const *workset_family(struct workset *set, const struct table *table, const void *key,
	size_t *count);
/* The parent that the first two key fields name was inserted in this run: the database has no rows
 * of it in this table, and none needs to be asked for. */
void workset_childless(struct workset *set, const struct table *table, const void *key);
/* NULL: needed. Rows as last committed: what this batch changed is seen by key only. */
const struct scan_result *workset_scan(struct workset *set, const struct scan *scan);
/* False: needed. The sum of an INT8 field over all rows of the scan (its limit and order are not
 * used); 0 over none. */
bool workset_sum(struct workset *set, const struct scan *scan, const char *field, int64_t *sum);

/* Events, in the order of the book. The rows are new (row_new()) and filled in by the caller but
 * for their sequences, which are given when the batch is stored. */
void workset_add_movement(struct workset *set, struct movement_row *movement);
/* Closes the movements that were added since the last change and have its part. */
void workset_add_change(struct workset *set, struct change_row *change);

/* ---- For whoever runs operations ---- */

struct workset *workset_new(struct arena *arena);
struct arena *workset_arena(struct workset *set);

void workset_begin(struct workset *set);
/* Whether the run was told LOOKUP_NEEDED (false, NULL) at least once. A refusal is only final when
 * it was not: refused for want of what is still to be loaded, it might not be with it, or for
 * another reason; and answers would depend on what happens to be here already. */
bool workset_missed(const struct workset *set);
void workset_commit(struct workset *set);
void workset_undo(struct workset *set);

enum need_kind { NEED_ROW, NEED_CHILDREN, NEED_SCAN, NEED_SUM };

struct need {
	enum need_kind kind;
	const struct table *table;
	/* ROW, CHILDREN: a row with its key (its first prefix_count key fields) filled in. For a ROW
	 * ((const struct row *)key)->needed - 1 is the enum access. */
	const void *key;
	size_t prefix_count;
	uint64_t hash; /* but for a ROW; its own use */
	struct need *next;
	/* SCAN, SUM. Elsewhere: there may be a hundred thousand needs of one row each. */
	const struct scan *scan;
	const char *sum_field;
	/* Set when supplied. */
	bool supplied;
	struct scan_result result;
	int64_t sum;
};

/* What is needed now. The array lives until the next call of any function of the set. */
struct need *const *workset_needs(struct workset *set, size_t *count);
/* A row that was only peeked is to be read afresh: noted as needed, as if it had not been here. */
void workset_need_again(struct workset *set, const void *peeked);
/* A row as loaded, in the set's arena; locked: as ACCESS_LOCK promises. Never replaces a row that
 * is locked or changed already. Also takes rows that nobody asked for. */
void workset_supply(struct workset *set, const void *row, bool locked);
/* rows: in the set's arena, in the scan's order. */
void workset_supply_scan(struct workset *set, struct need *need, const void *const *rows,
	size_t count);
void workset_supply_sum(struct workset *set, struct need *need, int64_t sum);
/* Forgets the needs that `keep` does not want to be met now: whoever runs next notes them again. */
void workset_keep_needs(struct workset *set, bool (*keep)(const struct need *need, void *data),
	void *data);
/* Where a peek of a TABLE_POLICY row is answered from before it is noted as needed. Returns a row in
 * the set's arena, or NULL. */
typedef const void *workset_source(void *data, const struct table *table, const void *key);
void workset_set_source(struct workset *set, workset_source *source, void *data);
/* The same for peeks of all tables, and it may say that there is no such row. */
extern const void *const workset_absent;
void workset_set_memory(struct workset *set, workset_source *source, void *data);
/* Where a lock of a TABLE(stock) row is answered from before it is noted as needed: with a row that
 * was so once. What was decided with it holds only if the row still has its version when the batch is
 * stored, which is for the owner of the set to see to. */
void workset_set_recollection(struct workset *set, workset_source *source, void *data);

struct assumption {
	const void *row; /* as it is now, with the changes of this batch */
	int64_t version; /* as it was recalled */
	bool changed;
};

/* All rows that were recalled, ascending by key, in the set's arena. */
const struct assumption *workset_assumptions(struct workset *set, size_t *count);
size_t workset_assumption_count(const struct workset *set);

/* Everything that could be supplied was: needed rows without a row are absent. */
void workset_needs_met(struct workset *set);

enum row_fate { ROW_INSERTED, ROW_CHANGED, ROW_DELETED };
/* The rows of the table with that fate, ascending by key, in the set's arena. */
const void *const *workset_rows(struct workset *set, const struct table *table, enum row_fate fate,
	size_t *count);

struct part_total {
	int32_t part;
	int32_t events; /* movements and changes of this batch in this part */
};

/* Numbers all events: the SEQUENCE fields become offsets from the part's head after this batch
 * (the last event gets 0, the one before it -1). Totals ascend by part. Call once, at the end. */
const struct part_total *workset_number(struct workset *set, size_t *count);
/* All events in order, as rows of the tables movement or change. */
struct row *const *workset_events(struct workset *set, size_t *count);
/* How many events there are so far: to tell which parts one run touched. */
size_t workset_event_count(const struct workset *set);

#endif
