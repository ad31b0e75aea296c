/*
 * The checks that verify makes: what each proves, and the question that finds what contradicts it.
 */
#ifndef STOCKBOOK_ENGINE_VERIFY_CHECKS_H
#define STOCKBOOK_ENGINE_VERIFY_CHECKS_H

#include <stddef.h>

#include "db/connection.h"

struct verify_check {
	const char *name;
	const char *description;
	/* One row: how many were looked at, how many are wrong, and at most $1 findings as text[]. */
	struct db_statement statement;
};

extern const struct verify_check verify_checks[];
extern const size_t verify_check_count;

#endif
