/*
 * Catalog: whether the database has the tables that the book describes. Asked once at the start,
 * on a connection of its own.
 */
#ifndef STOCKBOOK_ENGINE_CATALOG_H
#define STOCKBOOK_ENGINE_CATALOG_H

#include "engine/private.h"

/* Ends with engine_update() once the schema fits, or with engine_fail(). */
struct catalog *catalog_open(struct engine *engine);
void catalog_close(struct catalog *catalog);
void catalog_free(struct catalog *catalog);
/* Why it has no answer yet, for people. */
const char *catalog_error(const struct catalog *catalog);

#endif
