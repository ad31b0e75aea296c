/* Policy: two generations of an open-addressing table, each with its own arena. */
#include "engine/policy.h"

#include <string.h>

#define SLOTS_MIN ((size_t)1 << 10)
#define ATLASES_MAX 8
/* Heads are asked for so many times in the time that a row may be old. */
#define HEADS_PER_STALENESS 4

struct known {
	const struct table *table; /* NULL: a free slot */
	uint64_t hash;
	void *row; /* a key alone when it was deleted */
	bool deleted;
	int64_t asked_us;     /* as new as this */
	int64_t committed_us; /* by this server; what was asked before is older. 0: never */
};

struct generation {
	struct arena arena;
	struct known *slots;
	size_t slot_count;
	size_t count;
	int64_t since_us;
};

/* Of a group as it was put at updated_at. */
struct drawn_atlas {
	struct arena arena;
	const char *group; /* NULL: a free place */
	int64_t updated_at;
	struct atlas atlas;
	struct known oldest; /* of the locations that it was made of; no row */
};

struct policy {
	int64_t staleness_us;
	struct drawn_atlas atlases[ATLASES_MAX];
	struct generation generations[2];
	size_t newer; /* index */
	/* What was asked for since then was not changed before this moment, as the feed or heads told. */
	int64_t followed_us;
	int64_t fed_us; /* how far the feed has come; 0: it is not followed */
	int64_t changed_us[TABLE_COUNT];
	int64_t heads[TABLE_COUNT]; /* as they were found last; -1: not known */
	int64_t heads_asked_us;
};

static void slots_new(struct generation *generation, size_t count)
{
	generation->slots = calloc(count, sizeof(struct known));
	CHECK(generation->slots != NULL);
	generation->slot_count = count;
}

struct policy *policy_new(int64_t staleness_us)
{
	struct policy *policy = calloc(1, sizeof(*policy));
	CHECK(policy != NULL);
	policy->staleness_us = staleness_us;
	for (size_t i = 0; i < 2; i++) {
		arena_init(&policy->generations[i].arena);
		slots_new(&policy->generations[i], SLOTS_MIN);
	}
	for (size_t i = 0; i < ATLASES_MAX; i++)
		arena_init(&policy->atlases[i].arena);
	policy_forget_heads(policy);
	return policy;
}

void policy_free(struct policy *policy)
{
	for (size_t i = 0; i < 2; i++) {
		arena_release(&policy->generations[i].arena);
		free(policy->generations[i].slots);
	}
	for (size_t i = 0; i < ATLASES_MAX; i++)
		arena_release(&policy->atlases[i].arena);
	free(policy);
}

/* The slot of the key, or the free one where it belongs. */
static struct known *slot_of(struct generation *generation, const struct table *table,
	const void *key, uint64_t hash)
{
	size_t mask = generation->slot_count - 1;
	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		struct known *known = &generation->slots[i];
		if (!known->table || (known->hash == hash && known->table == table &&
								 row_key_compare(table, known->row, key) == 0))
			return known;
	}
}

static void generation_grow(struct generation *generation)
{
	struct known *old = generation->slots;
	size_t old_count = generation->slot_count;
	slots_new(generation, 2 * old_count);
	for (size_t i = 0; i < old_count; i++)
		if (old[i].table)
			*slot_of(generation, old[i].table, old[i].row, old[i].hash) = old[i];
	free(old);
}

static bool is_full(const struct generation *generation)
{
	return generation->count >= POLICY_ROWS_MAX || generation->arena.allocated >= POLICY_BYTES_MAX;
}

static bool is_half_full(const struct generation *generation)
{
	return generation->count >= POLICY_ROWS_MAX / 2 ||
		   generation->arena.allocated >= POLICY_BYTES_MAX / 2;
}

static void generation_clear(struct generation *generation)
{
	free(generation->slots);
	slots_new(generation, SLOTS_MIN);
	arena_reset(&generation->arena);
	generation->count = 0;
}

/* Rows are kept while there is room, however old: heads may tell any time that they are as new as
 * ever. The older generation is never younger than a row may be old, see policy_committed(). */
static struct generation *generation_now(struct policy *policy, int64_t now_us)
{
	struct generation *newer = &policy->generations[policy->newer];
	if (newer->count > 0 &&
		(!is_half_full(newer) || now_us - newer->since_us < policy->staleness_us))
		return newer;
	if (newer->count > 0) {
		policy->newer ^= 1;
		newer = &policy->generations[policy->newer];
		generation_clear(newer);
	}
	newer->since_us = now_us;
	return newer;
}

/* As new as when it was asked for, or as what was followed, where that has told of no change since.
 * Where it has, the row is older than the feed, even if it was asked for after the feed's last
 * question: its answer may have been made before the change and the feed's after it. */
static int64_t as_of(const struct policy *policy, const struct known *known)
{
	if (known->asked_us > policy->changed_us[known->table - tables])
		return policy->followed_us > known->asked_us ? policy->followed_us : known->asked_us;
	bool after_feed = policy->fed_us > 0 && policy->fed_us <= known->asked_us;
	return after_feed ? policy->fed_us - 1 : known->asked_us;
}

const void *policy_look_since(struct policy *policy, const struct table *table, const void *key,
	int64_t oldest_us, int64_t *as_of_us)
{
	uint64_t hash = row_key_hash(table, key);
	for (size_t i = 0; i < 2; i++) {
		struct known *known = slot_of(&policy->generations[policy->newer ^ i], table, key, hash);
		if (!known->table)
			continue;
		if (known->deleted || as_of(policy, known) < oldest_us)
			return NULL;
		*as_of_us = as_of(policy, known);
		return known->row;
	}
	return NULL;
}

const void *policy_get(struct policy *policy, const struct table *table, const void *key,
	int64_t now_us, struct arena *arena)
{
	int64_t as_of_us;
	const void *row =
		policy_look_since(policy, table, key, now_us - policy->staleness_us + 1, &as_of_us);
	if (!row)
		return NULL;
	void *copy = row_new(table, arena);
	row_copy(table, copy, row, arena);
	return copy;
}

/* ---- Atlases ---- */

static const struct known *known_location(struct policy *policy, const char *code)
{
	const struct location_row key = {.code = code};
	uint64_t hash = row_key_hash(TABLE(location), &key);
	for (size_t i = 0; i < 2; i++) {
		const struct known *known =
			slot_of(&policy->generations[policy->newer ^ i], TABLE(location), &key, hash);
		if (known->table)
			return known->deleted ? NULL : known;
	}
	return NULL;
}

static bool is_of(const struct drawn_atlas *drawn, const struct location_group_row *group)
{
	return drawn->group && strcmp(drawn->group, group->code) == 0 &&
		   drawn->updated_at == group->updated_at && drawn->atlas.count == group->locations.count;
}

/* The one of the group, a free one, or the oldest. */
static struct drawn_atlas *place_for(struct policy *policy, const struct location_group_row *group)
{
	struct drawn_atlas *place = &policy->atlases[0];
	for (size_t i = 0; i < ATLASES_MAX; i++) {
		struct drawn_atlas *drawn = &policy->atlases[i];
		if (drawn->group && strcmp(drawn->group, group->code) == 0)
			return drawn;
		if (place->group && (!drawn->group || drawn->oldest.asked_us < place->oldest.asked_us))
			place = drawn;
	}
	return place;
}

static bool draw(struct policy *policy, struct drawn_atlas *drawn,
	const struct location_group_row *group, int64_t oldest_us)
{
	size_t count = group->locations.count;
	drawn->group = NULL;
	arena_reset(&drawn->arena);
	struct atlas_member *members = arena_alloc_array(&drawn->arena, count, sizeof(*members));
	struct known oldest = {.table = TABLE(location), .asked_us = INT64_MAX};
	for (size_t i = 0; i < count; i++) {
		const struct known *known = known_location(policy, group->locations.items[i]);
		if (!known || as_of(policy, known) < oldest_us)
			return false;
		members[i] = atlas_member_of(known->row);
		if (known->asked_us < oldest.asked_us)
			oldest.asked_us = known->asked_us;
	}
	drawn->group = arena_string(&drawn->arena, group->code);
	drawn->updated_at = group->updated_at;
	drawn->atlas = (struct atlas){members, count};
	drawn->oldest = oldest;
	return true;
}

bool policy_atlas(struct policy *policy, const struct location_group_row *group, int64_t oldest_us,
	struct atlas *atlas, int64_t *as_of_us)
{
	struct drawn_atlas *drawn = place_for(policy, group);
	if ((!is_of(drawn, group) || as_of(policy, &drawn->oldest) < oldest_us) &&
		!draw(policy, drawn, group, oldest_us))
		return false;
	*atlas = drawn->atlas;
	*as_of_us = as_of(policy, &drawn->oldest);
	return true;
}

bool policy_atlas_now(struct policy *policy, const struct location_group_row *group, int64_t now_us,
	struct atlas *atlas)
{
	int64_t as_of_us;
	return policy_atlas(policy, group, now_us - policy->staleness_us + 1, atlas, &as_of_us);
}

static void atlases_forget(struct policy *policy)
{
	for (size_t i = 0; i < ATLASES_MAX; i++)
		policy->atlases[i].group = NULL;
}

/* ---- What becomes known ---- */

void policy_changed(struct policy *policy, uint32_t changed, int64_t now_us)
{
	for (size_t i = 0; i < TABLE_COUNT; i++)
		if (changed & 1U << i)
			policy->changed_us[i] = now_us;
}

static void follow(struct policy *policy, int64_t until_us)
{
	if (until_us > policy->followed_us)
		policy->followed_us = until_us;
}

void policy_followed(struct policy *policy, int64_t until_us)
{
	policy->fed_us = until_us;
	follow(policy, until_us);
}

bool policy_wants_heads(struct policy *policy, int64_t now_us)
{
	if (now_us - policy->heads_asked_us < policy->staleness_us / HEADS_PER_STALENESS)
		return false;
	policy->heads_asked_us = now_us;
	return true;
}

void policy_head(struct policy *policy, const char *table, int64_t number, int64_t now_us)
{
	for (size_t t = 0; t < TABLE_COUNT; t++) {
		if (strcmp(tables[t].name, table) != 0)
			continue;
		if (number != policy->heads[t])
			policy_changed(policy, 1U << t, now_us);
		policy->heads[t] = number;
	}
}

void policy_heads_told(struct policy *policy, int64_t asked_us)
{
	follow(policy, asked_us);
}

void policy_forget_heads(struct policy *policy)
{
	for (size_t t = 0; t < TABLE_COUNT; t++)
		policy->heads[t] = -1;
}

static void put(struct policy *policy, const void *row, bool deleted, int64_t asked_us,
	int64_t committed_us, int64_t now_us)
{
	const struct table *table = ((const struct row *)row)->table;
	struct generation *newer = generation_now(policy, now_us);
	if (is_full(newer))
		return;
	if (2 * newer->count >= newer->slot_count)
		generation_grow(newer);
	uint64_t hash = row_key_hash(table, row);
	struct known *known = slot_of(newer, table, row, hash);
	if (!known->table)
		newer->count++;
	void *copy = row_new(table, &newer->arena);
	row_copy(table, copy, row, &newer->arena);
	*known = (struct known){table, hash, copy, deleted, asked_us, committed_us};
}

static bool is_same(const struct table *table, const void *a, const void *b)
{
	for (size_t i = table->key_count; i < table->field_count; i++) {
		const struct field *field = &table->fields[i];
		if (field_compare(field->type, row_field(a, field), row_field(b, field)) != 0)
			return false;
	}
	return true;
}

/* True: it is there, and as new now. Reads load the same rows again and again. */
static bool renew(struct generation *newer, const void *row, uint64_t hash, int64_t asked_us)
{
	const struct table *table = ((const struct row *)row)->table;
	struct known *known = slot_of(newer, table, row, hash);
	if (!known->table || known->deleted || !is_same(table, known->row, row))
		return false;
	known->asked_us = asked_us;
	return true;
}

void policy_loaded(struct policy *policy, const void *row, int64_t asked_us, int64_t now_us)
{
	if (now_us - asked_us >= policy->staleness_us)
		return;
	const struct table *table = ((const struct row *)row)->table;
	uint64_t hash = row_key_hash(table, row);
	for (size_t i = 0; i < 2; i++) {
		const struct known *known = slot_of(&policy->generations[i], table, row, hash);
		/* Asked before our own commit came back: perhaps what it replaced. Also no newer than what
		 * is there: spare the copy. */
		if (known->table && (asked_us <= known->committed_us || asked_us <= known->asked_us))
			return;
	}
	if (!renew(generation_now(policy, now_us), row, hash, asked_us))
		put(policy, row, false, asked_us, 0, now_us);
}

void policy_committed(struct policy *policy, const void *row, bool deleted, int64_t now_us)
{
	/* Known for as long as anybody could still ask with an older answer under way: the generations
	 * are cleared only after that. A full generation could not remember it. */
	struct generation *newer = generation_now(policy, now_us);
	if (is_full(newer)) {
		generation_clear(&policy->generations[0]);
		generation_clear(&policy->generations[1]);
	}
	put(policy, row, deleted, now_us, now_us, now_us);
	const struct table *table = ((const struct row *)row)->table;
	if (table == TABLE(location) || table == TABLE(location_group))
		atlases_forget(policy);
}
