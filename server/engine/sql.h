/*
 * SQL: the statements for every table and scan, generated from the book's descriptors, and the
 * adding of them to a batch. Rows travel as one array for each column, whatever their number, so
 * that each statement has one text and one plan. Made once, shared by all connections.
 */
#ifndef STOCKBOOK_ENGINE_SQL_H
#define STOCKBOOK_ENGINE_SQL_H

#include "book/workset.h"
#include "db/connection.h"

struct sql;

struct sql *sql_new(void);
void sql_free(struct sql *sql);

/* Each adds one statement and returns its index in the batch. Keys and rows are structs of the
 * table, ascending by key: that is the order in which locks are taken. count > 0. */

enum sql_lock {
	SQL_LOCK_NONE,
	SQL_LOCK_WAIT, /* FOR NO KEY UPDATE, in the order of the keys */
	SQL_LOCK_TRY,  /* the same, but fails (FAULT_RETRY) instead of waiting */
};

/* Whole rows by key. */
size_t sql_add_load(struct sql *sql, struct db_batch *batch, const struct table *table,
	const void *const *keys, size_t count, enum sql_lock lock);
/* Whole rows by the first prefix_count fields of their keys, ascending. */
size_t sql_add_children(struct sql *sql, struct db_batch *batch, const struct table *table,
	size_t prefix_count, const void *const *keys, size_t count);
size_t sql_add_scan(struct sql *sql, struct db_batch *batch, const struct scan *scan);
/* One row with one int8. */
size_t sql_add_sum(struct sql *sql, struct db_batch *batch, const struct scan *scan,
	const char *field);
/* SEQUENCE fields are offsets from the part's head, which has been advanced before. */
size_t sql_add_insert(struct sql *sql, struct db_batch *batch, const struct table *table,
	const void *const *rows, size_t count);
/* All fields but the key. Fails, and with it the transaction, unless every row is there. */
size_t sql_add_update(struct sql *sql, struct db_batch *batch, const struct table *table,
	const void *const *rows, size_t count);
/* The same for TABLE(stock), only where each row still has the version that it was known with; locks
 * in the order of the rows. */
size_t sql_add_update_known(struct sql *sql, struct db_batch *batch, const void *const *rows,
	const int64_t *versions, size_t count);
/* Locks these rows of TABLE(stock). Fails, and with it the transaction, unless each has its version. */
size_t sql_add_hold_known(struct sql *sql, struct db_batch *batch, const void *const *rows,
	const int64_t *versions, size_t count);
/* Fails, and with it the transaction, if any of these keys of TABLE(request) is there. */
size_t sql_add_none_known(struct sql *sql, struct db_batch *batch, const void *const *keys,
	size_t count);
/* Fails as above. */
size_t sql_add_delete(struct sql *sql, struct db_batch *batch, const struct table *table,
	const void *const *rows, size_t count);
/* Advances the parts' heads and gives (part, sequence) of each as they are then. */
size_t sql_add_advance(struct sql *sql, struct db_batch *batch, const struct part_total *totals,
	size_t count);
/* (part, sequence) of these parts. */
size_t sql_add_heads(struct sql *sql, struct db_batch *batch, const int64_t *parts, size_t count);
/* (name, number) of each table of policies: every change of the table moves its number. */
size_t sql_add_policy_heads(struct sql *sql, struct db_batch *batch);
/* Moves the numbers of those whose bit (by enum table_id) is set; the last locks of a transaction.
 * Fails, and with it the transaction, where one has no number. */
size_t sql_add_policy_moves(struct sql *sql, struct db_batch *batch, uint32_t moved);

#endif
