/*
 * A throwaway PostgreSQL for C tests: the server's own embedded cluster in a folder under /tmp,
 * started on first use, stopped and removed when the program ends. When the program dies,
 * PostgreSQL ends with it.
 */
#ifndef STOCKBOOK_TESTS_SUPPORT_DATABASE_H
#define STOCKBOOK_TESTS_SUPPORT_DATABASE_H

#include "db/cluster.h"

/* How to connect, as superuser, to the empty database `stockbook`. */
const char *test_database(void);
/* How to connect to a new, empty database of that cluster. Lives until the program ends. */
const char *test_database_fresh(void);
struct cluster *test_cluster(void);
/* A new folder under /tmp, removed when the program ends. */
const char *test_directory(void);
/* Runs SQL outside of what is tested and returns the first value as text, "" when there is none;
 * fails the program on an error. Valid until the next call. */
const char *test_sql(const char *uri, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
