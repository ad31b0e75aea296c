/*
 * Rows that came back, read from PostgreSQL's binary format. Columns are counted from 0.
 * They live until the batch's done() returns: copy what must stay into an arena of yours.
 * Reading a NULL or another type than the column's is a bug and aborts.
 */
#ifndef STOCKBOOK_DB_ROWS_H
#define STOCKBOOK_DB_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/uuid.h"
#include "db/value.h"

struct db_rows; /* opaque: a result of libpq's */

size_t db_rows_count(const struct db_rows *rows);
size_t db_rows_column_count(const struct db_rows *rows);
/* How many rows INSERT, UPDATE or DELETE touched, also without RETURNING. */
size_t db_rows_affected(const struct db_rows *rows);

bool db_get_null(const struct db_rows *rows, size_t row, size_t column);
bool db_get_bool(const struct db_rows *rows, size_t row, size_t column);
/* int2, int4 and int8 columns alike. */
int64_t db_get_int(const struct db_rows *rows, size_t row, size_t column);
double db_get_float8(const struct db_rows *rows, size_t row, size_t column);
int64_t db_get_time(const struct db_rows *rows, size_t row, size_t column);
struct uuid db_get_uuid(const struct db_rows *rows, size_t row, size_t column);
/* NUL-terminated, borrowed from the rows. size may be NULL. Also for varchar, name, json. */
const char *db_get_text(const struct db_rows *rows, size_t row, size_t column, size_t *size);
/* A copy in the arena; NULL where the column is NULL. */
char *db_copy_text(const struct db_rows *rows, size_t row, size_t column, struct arena *arena);
const void *db_get_bytea(const struct db_rows *rows, size_t row, size_t column, size_t *size);

/* Walks a one-dimensional array column; elements may be NULL.
 *	struct db_elements elements = db_get_array(rows, row, column);
 *	while (db_elements_next(&elements))
 *		total += db_element_int(&elements);                                                  */
struct db_elements {
	enum db_type element;
	size_t count;        /* elements in all */
	size_t position;     /* of the next one */
	const uint8_t *next; /* its length word */
	const uint8_t *end;
	const uint8_t *data; /* the current element's bytes; NULL when it is NULL */
	size_t size;
};

struct db_elements db_get_array(const struct db_rows *rows, size_t row, size_t column);
bool db_elements_next(struct db_elements *elements);
bool db_element_null(const struct db_elements *elements);
bool db_element_bool(const struct db_elements *elements);
int64_t db_element_int(const struct db_elements *elements);
double db_element_float8(const struct db_elements *elements);
int64_t db_element_time(const struct db_elements *elements);
struct uuid db_element_uuid(const struct db_elements *elements);
/* A NUL-terminated copy in the arena; NULL for NULL. */
char *db_element_text(const struct db_elements *elements, struct arena *arena);
/* Borrowed bytes; not NUL-terminated. */
const void *db_element_bytea(const struct db_elements *elements, size_t *size);

#endif
