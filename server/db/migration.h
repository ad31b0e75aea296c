/*
 * Migrations as files: numbered, forward only, built into the server. migrations/0001_book.sql is
 * version 1, named "book". Each runs in one transaction, one statement at a time.
 */
#ifndef STOCKBOOK_DB_MIGRATION_H
#define STOCKBOOK_DB_MIGRATION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

#define MIGRATION_CHECKSUM_SIZE 65 /* SHA-256 in hexadecimal, and the NUL */

struct migration {
	int version;
	const char *name; /* "book" */
	const char *text;
	char checksum[MIGRATION_CHECKSUM_SIZE];
};

struct migrations {
	struct migration *items; /* in ascending order, versions 1, 2, 3 … */
	size_t count;
};

/* Those of a folder, or the built-in ones when it is NULL. False: *error says what is wrong. */
MUST_USE bool migrations_load(struct migrations *migrations, const char *directory,
	struct arena *arena, const char **error);

/* The next statement of an SQL text, without its semicolon, in the arena; NULL after the last.
 * Semicolons in quotes, dollar quotes and comments end nothing. */
const char *migration_next_statement(const char **text, struct arena *arena);

#endif
