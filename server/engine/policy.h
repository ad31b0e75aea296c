/*
 * Policy: rows of TABLE_POLICY tables in memory, no older than they may be. Filled by what lanes
 * and readers load, kept up by what this server commits; of what another server commits either the
 * feed tells, where it is followed, or the tables' heads do, which they ask for now and then along
 * with a batch.
 * A row of a table without any change stays as new as the last that was told; one of a table that
 * was changed is good until it has become too old. Bounded: two generations, of which the older is
 * forgotten as a whole.
 */
#ifndef STOCKBOOK_ENGINE_POLICY_H
#define STOCKBOOK_ENGINE_POLICY_H

#include "book/atlas.h"
#include "book/workset.h"

/* In each generation. */
#define POLICY_ROWS_MAX 500000
#define POLICY_BYTES_MAX ((size_t)64 << 20)

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
/* The feed has told all changes that were made until then. 0: it is not followed any more. */
void policy_followed(struct policy *policy, int64_t until_us);

/* The database has a number for each table, which every change of the table moves: its head. Whether
 * it is time to ask for them; if so, they are being asked for now. */
bool policy_wants_heads(struct policy *policy, int64_t now_us);
/* What a question found. Where the number has not moved since the question before, nothing was changed
 * between the two. */
void policy_head(struct policy *policy, const char *table, int64_t number, int64_t now_us);
/* That were all heads of a question that was asked at this time. */
void policy_heads_told(struct policy *policy, int64_t asked_us);
/* A connection was lost, perhaps to a database that then forgets: its numbers may come again. */
void policy_forget_heads(struct policy *policy);

/* A row as loaded by a question that was asked at that time. */
void policy_loaded(struct policy *policy, const void *row, int64_t asked_us, int64_t now_us);
/* A row as this server has just committed it, or removed it. */
void policy_committed(struct policy *policy, const void *row, bool deleted, int64_t now_us);

#endif
