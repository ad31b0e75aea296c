/*
 * Bind: the one place where a row's fields become values for the database, and come back.
 * What stands for SQL NULL is said in book/table.h.
 */
#ifndef STOCKBOOK_ENGINE_BIND_H
#define STOCKBOOK_ENGINE_BIND_H

#include "book/workset.h"
#include "db/rows.h"
#include "db/value.h"

/* The type of a field's column. */
enum db_type bind_column_type(enum field_type type);
/* The element type by which a field travels in an array: lists go as text, as '{...}', because
 * unnest() flattens arrays of arrays. */
enum db_type bind_element_type(enum field_type type);
/* What turns such an element into the column's type: "" or "::text[]". */
const char *bind_cast(enum field_type type);

/* One field of many rows, as one array. */
struct db_value bind_array(struct arena *arena, const struct field *field, const void *const *rows,
	size_t count);
/* A scan's value for a field of that type. */
struct db_value bind_scan_value(struct arena *arena, enum field_type type,
	const struct scan_value *value);

/* All rows of a result whose columns are the table's fields in order. In the arena. */
const void **bind_read(const struct table *table, const struct db_rows *rows, struct arena *arena);

#endif
