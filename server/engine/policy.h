/*
 * Policy: rows of TABLE_POLICY tables in memory, no older than they may be. Filled by what lanes
 * load, kept up by what this server commits; what another server commits is seen when a row has
 * become too old. Bounded: two generations, of which the older is forgotten as a whole.
 */
#ifndef STOCKBOOK_ENGINE_POLICY_H
#define STOCKBOOK_ENGINE_POLICY_H

#include "book/workset.h"

#define POLICY_ROWS_MAX 30000 /* in each generation */

struct policy;

struct policy *policy_new(int64_t staleness_us);
void policy_free(struct policy *policy);

/* A copy of the row in the arena, or NULL. Only rows that exist are known. */
const void *policy_get(struct policy *policy, const struct table *table, const void *key,
	int64_t now_us, struct arena *arena);
/* A row as loaded by a question that was asked at that time. */
void policy_loaded(struct policy *policy, const void *row, int64_t asked_us, int64_t now_us);
/* A row as this server has just committed it, or removed it. */
void policy_committed(struct policy *policy, const void *row, bool deleted, int64_t now_us);

#endif
