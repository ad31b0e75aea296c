/*
 * Policy: rows of TABLE_POLICY tables in memory, no older than they may be. Filled by what lanes
 * load, kept up by what this server commits; what another server commits is seen when a row has
 * become too old. Where the feed is followed it tells of all changes, and a row of a table without
 * any stays as new as the feed. Bounded: two generations, of which the older is forgotten as a whole.
 */
#ifndef STOCKBOOK_ENGINE_POLICY_H
#define STOCKBOOK_ENGINE_POLICY_H

#include "book/atlas.h"
#include "book/workset.h"

#define POLICY_ROWS_MAX 30000 /* in each generation */

struct policy;

struct policy *policy_new(int64_t staleness_us);
void policy_free(struct policy *policy);

/* A copy of the row in the arena, or NULL. Only rows that exist are known. */
const void *policy_get(struct policy *policy, const struct table *table, const void *key,
	int64_t now_us, struct arena *arena);
/* The row itself, as of a moment not before oldest_us; *as_of_us says of which. Good until the next
 * row is remembered: for who decides at once. */
const void *policy_look_since(struct policy *policy, const struct table *table, const void *key,
	int64_t oldest_us, int64_t *as_of_us);
/* Where the group's members lie, worked out of rows that are known, as of a moment not before
 * oldest_us. False: one of them is not known. Good until the next question. */
bool policy_atlas(struct policy *policy, const struct location_group_row *group, int64_t oldest_us,
	struct atlas *atlas, int64_t *as_of_us);
/* The same for rows that are as old as they may be now. */
bool policy_atlas_now(struct policy *policy, const struct location_group_row *group, int64_t now_us,
	struct atlas *atlas);
/* Something in these tables (a bit for each, by enum table_id) was changed, perhaps: what was asked
 * for before is only as new as it was then. */
void policy_changed(struct policy *policy, uint32_t tables, int64_t now_us);
/* All changes that were made until then have been told. */
void policy_followed(struct policy *policy, int64_t until_us);
/* A row as loaded by a question that was asked at that time. */
void policy_loaded(struct policy *policy, const void *row, int64_t asked_us, int64_t now_us);
/* A row as this server has just committed it, or removed it. */
void policy_committed(struct policy *policy, const void *row, bool deleted, int64_t now_us);

#endif
