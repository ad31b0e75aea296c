/*
 * Brings a database to this server's schema, at start, before the loop; blocks. Several servers
 * may start at once: one migrates, the others wait. The schema belongs to the role
 * `stockbook_owner`; the service works as `stockbook_service`, which may add to the ledger and not
 * change it.
 */
#ifndef STOCKBOOK_DB_MIGRATE_H
#define STOCKBOOK_DB_MIGRATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "db/migration.h"

#define MIGRATE_SERVICE_ROLE "stockbook_service"
#define MIGRATE_OWNER_ROLE "stockbook_owner"

struct migrate_options {
	const char *uri;
	const char *directory; /* of migrations; NULL: the built-in ones */
	int parts;             /* for a database that is made now */
};

struct migrate_result {
	int version; /* of the schema, afterwards */
	int parts;   /* what the database was made with; 0 while it has no schema */
	size_t applied;
	struct migrations pending; /* migrate_check() only */
};

/* False: *error says what is wrong and what to do; the database is as it was before, or at one of
 * the versions in between. */
MUST_USE bool migrate_run(const struct migrate_options *options, struct migrate_result *result,
	struct arena *arena, const char **error);
/* Changes nothing; result->pending is what migrate_run() would apply. */
MUST_USE bool migrate_check(const struct migrate_options *options, struct migrate_result *result,
	struct arena *arena, const char **error);

#endif
