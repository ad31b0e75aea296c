/*
 * All operations of the book, by name: each noun's file has a table of its own, ended by a row
 * without a name; operations.c lists the tables.
 */
#ifndef STOCKBOOK_BOOK_OPERATIONS_H
#define STOCKBOOK_BOOK_OPERATIONS_H

#include "book/run.h"

/* By "ItemService/PutItem"; NULL when there is none. */
const struct operation *operation_find(const char *name);
/* One after the other, in a fixed order; NULL past the last. */
const struct operation *operation_at(size_t index);

#endif
