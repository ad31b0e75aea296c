/* Store: in the order in which locks are taken: the parts' heads, then table by table. */
#include "engine/store.h"

#include <string.h>
#include <xxhash.h>

#include "engine/bind.h"
#include "engine/feed_private.h"
#include "engine/optimism.h"

int32_t request_part(const struct uuid *request_id, int32_t parts)
{
	return (int32_t)(XXH3_64bits(request_id->bytes, sizeof(request_id->bytes)) % (uint64_t)parts) +
		   1;
}

static int row_order(const void *a, const void *b)
{
	return row_key_compare(TABLE(request), *(const void *const *)a, *(const void *const *)b);
}

/* ---- Request ids ---- */

static struct request_row *request_row_new(struct batch *batch, const struct engine *engine,
	const struct entry *entry)
{
	struct request_row *row = row_new(TABLE(request), &batch->arena);
	row->request_id = entry->request->request_id;
	row->part = request_part(&row->request_id, engine->settings.limits.parts);
	return row;
}

bool store_add_lookup(struct batch *batch, struct engine *engine)
{
	const void **keys = arena_alloc_array(&batch->arena, batch->count, sizeof(*keys));
	size_t count = 0;
	for (size_t i = 0; i < batch->count; i++) {
		const struct entry *entry = &batch->entries[i];
		if (entry->state != ENTRY_OPEN || uuid_is_nil(&entry->request->request_id))
			continue;
		/* Its twin asks for it. */
		if (entry->previous && entry->previous->state == ENTRY_OPEN)
			continue;
		keys[count++] = request_row_new(batch, engine, entry);
	}
	batch->lookup = SIZE_MAX;
	if (count == 0)
		return false;
	qsort(keys, count, sizeof(*keys), row_order);
	batch->lookup =
		sql_add_load(engine->sql, &batch->exchange, TABLE(request), keys, count, SQL_LOCK_NONE);
	return true;
}

void store_refuse_reuse(struct batch *batch, struct entry *entry)
{
	char id[UUID_TEXT_SIZE];
	uuid_format(&entry->request->request_id, id);
	entry_refuse(entry, &batch->arena, STOCKBOOK__V1__REASON__REASON_REQUEST_ID_REUSED,
		arena_printf(&batch->arena, "request id '%s' was used for other content", id));
	refusal_add_pair(&entry->refusal, &batch->arena, "request_id", "%s", id);
}

static void replay(struct batch *batch, struct entry *entry, const struct request_row *known)
{
	const struct engine_request *request = entry->request;
	if (known->fingerprint.size != sizeof(request->fingerprint) ||
		memcmp(known->fingerprint.data, request->fingerprint, sizeof(request->fingerprint)) != 0) {
		store_refuse_reuse(batch, entry);
		return;
	}
	entry->state = ENTRY_REPLAYED;
	entry->response = known->response.data;
	entry->response_size = known->response.size;
	entry->parts = known->parts.items;
	entry->part_count = known->parts.count;
}

void store_absorb_lookup(struct batch *batch, struct engine *engine)
{
	if (batch->lookup == SIZE_MAX)
		return;
	const struct db_rows *rows = db_batch_rows(&batch->exchange, batch->lookup);
	const void **known = bind_read(TABLE(request), rows, &batch->arena);
	size_t count = db_rows_count(rows);
	for (size_t i = 0; i < count; i++) {
		const struct request_row *row = known[i];
		for (size_t e = 0; e < batch->count; e++) {
			struct entry *entry = &batch->entries[e];
			if (entry->state == ENTRY_OPEN &&
				uuid_compare(&entry->request->request_id, &row->request_id) == 0)
				replay(batch, entry, row);
		}
	}
	metric_add(engine->metrics.replays, (int64_t)count);
}

/* ---- What changed ---- */

static bool add_rows(struct batch *batch, struct engine *engine, const struct table *table)
{
	size_t count;
	bool any = false;
	const void *const *rows = workset_rows(batch->set, table, ROW_CHANGED, &count);
	if (count > 0)
		sql_add_update(engine->sql, &batch->exchange, table, rows, count);
	any = count > 0;
	rows = workset_rows(batch->set, table, ROW_DELETED, &count);
	if (count > 0)
		sql_add_delete(engine->sql, &batch->exchange, table, rows, count);
	any = any || count > 0;
	rows = workset_rows(batch->set, table, ROW_INSERTED, &count);
	if (count > 0)
		sql_add_insert(engine->sql, &batch->exchange, table, rows, count);
	return any || count > 0;
}

static void add_events(struct batch *batch, struct engine *engine)
{
	size_t count;
	struct row *const *events = workset_events(batch->set, &count);
	const void **movements = arena_alloc_array(&batch->arena, count, sizeof(*movements));
	const void **changes = arena_alloc_array(&batch->arena, count, sizeof(*changes));
	size_t movement_count = 0, change_count = 0;
	for (size_t i = 0; i < count; i++) {
		if (events[i]->table == TABLE(movement))
			movements[movement_count++] = events[i];
		else
			changes[change_count++] = events[i];
	}
	if (movement_count > 0)
		sql_add_insert(engine->sql, &batch->exchange, TABLE(movement), movements, movement_count);
	if (change_count > 0)
		sql_add_insert(engine->sql, &batch->exchange, TABLE(change), changes, change_count);
}

/* The answers, under their request ids. */
static bool add_requests(struct batch *batch, struct engine *engine)
{
	const void **rows = arena_alloc_array(&batch->arena, batch->count, sizeof(*rows));
	size_t count = 0;
	for (size_t i = 0; i < batch->count; i++) {
		const struct entry *entry = &batch->entries[i];
		if (entry->state != ENTRY_DONE || uuid_is_nil(&entry->request->request_id))
			continue;
		struct request_row *row = request_row_new(batch, engine, entry);
		row->fingerprint =
			(struct bytes){entry->request->fingerprint, sizeof(entry->request->fingerprint)};
		row->response = (struct bytes){entry->response, entry->response_size};
		row->parts = (struct count_list){entry->parts, entry->part_count};
		row->at = batch->now_us;
		rows[count++] = row;
	}
	if (count == 0)
		return false;
	qsort(rows, count, sizeof(*rows), row_order);
	batch->remember = sql_add_insert(engine->sql, &batch->exchange, TABLE(request), rows, count);
	return true;
}

/* Where the parts of replayed requests stand now. */
static void add_heads(struct batch *batch, struct engine *engine)
{
	size_t count = 0;
	for (size_t i = 0; i < batch->count; i++)
		if (batch->entries[i].state == ENTRY_REPLAYED)
			count += batch->entries[i].part_count;
	if (count == 0)
		return;
	int64_t *parts = arena_alloc_array(&batch->arena, count, sizeof(*parts));
	count = 0;
	for (size_t i = 0; i < batch->count; i++) {
		const struct entry *entry = &batch->entries[i];
		for (size_t p = 0; entry->state == ENTRY_REPLAYED && p < entry->part_count; p++)
			parts[count++] = entry->parts[p];
	}
	batch->heads = sql_add_heads(engine->sql, &batch->exchange, parts, count);
}

/* ---- What was assumed ---- */

/* A refusal is only right if the request did not take effect before; of what takes effect now the
 * insert tells. After the locks: see store_add_lookup(). */
static void add_none_known(struct batch *batch, struct engine *engine)
{
	const void **keys = arena_alloc_array(&batch->arena, batch->count, sizeof(*keys));
	size_t count = 0;
	for (size_t i = 0; i < batch->count; i++) {
		const struct entry *entry = &batch->entries[i];
		if (entry->state == ENTRY_REFUSED && !uuid_is_nil(&entry->request->request_id))
			keys[count++] = request_row_new(batch, engine, entry);
	}
	if (count > 0)
		batch->none_known = sql_add_none_known(engine->sql, &batch->exchange, keys, count);
}

/* The first statement after BEGIN: every row that was decided with still has its version, and is
 * locked from here on. Where all of them are changed, changing them tells. True: it did. */
static bool add_assumptions(struct batch *batch, struct engine *engine)
{
	size_t count;
	const struct assumption *assumptions = workset_assumptions(batch->set, &count);
	if (count == 0)
		return false;
	const void **rows = arena_alloc_array(&batch->arena, count, sizeof(*rows));
	int64_t *versions = arena_alloc_array(&batch->arena, count, sizeof(*versions));
	bool all_change = true;
	for (size_t i = 0; i < count; i++) {
		rows[i] = assumptions[i].row;
		versions[i] = assumptions[i].version;
		all_change = all_change && assumptions[i].changed;
	}
	if (all_change) {
		sql_add_update_known(engine->sql, &batch->exchange, rows, versions, count);
		batch->stored |= 1U << TABLE_ID_stock;
	} else {
		sql_add_hold_known(engine->sql, &batch->exchange, rows, versions, count);
	}
	return all_change;
}

/* A table's rows; of stock that was changed already those that are new. */
static bool add_table(struct batch *batch, struct engine *engine, const struct table *table,
	bool stock_is_changed)
{
	size_t count;
	if (table != TABLE(stock) || !stock_is_changed)
		return add_rows(batch, engine, table);
	const void *const *rows = workset_rows(batch->set, table, ROW_INSERTED, &count);
	if (count > 0)
		sql_add_insert(engine->sql, &batch->exchange, table, rows, count);
	return true;
}

/* Every server is to know that these are not as they were. */
static void add_policy_moves(struct batch *batch, struct engine *engine)
{
	uint32_t moved = 0;
	for (size_t t = 0; t < TABLE_COUNT; t++)
		if (tables[t].kind == TABLE_POLICY)
			moved |= batch->stored & 1U << t;
	if (moved != 0)
		sql_add_policy_moves(engine->sql, &batch->exchange, moved);
}

bool store_add(struct batch *batch, struct engine *engine)
{
	bool stock_is_changed = batch->hopes && add_assumptions(batch, engine);
	if (batch->trusts)
		add_none_known(batch, engine);
	size_t total_count;
	const struct part_total *totals = workset_number(batch->set, &total_count);
	bool changes = total_count > 0;
	if (total_count > 0)
		batch->advance = sql_add_advance(engine->sql, &batch->exchange, totals, total_count);
	for (size_t t = 0; t < TABLE_COUNT; t++)
		if (tables[t].kind != TABLE_LEDGER && &tables[t] != TABLE(request) &&
			add_table(batch, engine, &tables[t], stock_is_changed))
			batch->stored |= 1U << t;
	changes = changes || batch->stored != 0;
	if (total_count > 0)
		add_events(batch, engine);
	changes = add_requests(batch, engine) || changes;
	add_heads(batch, engine);
	add_policy_moves(batch, engine);
	return changes;
}

/* ---- Committed ---- */

static void heads_read(struct batch *batch, size_t statement)
{
	if (statement == SIZE_MAX)
		return;
	const struct db_rows *rows = db_batch_rows(&batch->exchange, statement);
	for (size_t i = 0; i < db_rows_count(rows); i++) {
		batch->head_parts[batch->head_count] = db_get_int(rows, i, 0);
		batch->head_values[batch->head_count++] = db_get_int(rows, i, 1);
	}
}

static size_t rows_of(const struct batch *batch, size_t statement)
{
	return statement == SIZE_MAX ? 0 : db_rows_count(db_batch_rows(&batch->exchange, statement));
}

static void policy_keep(struct batch *batch, struct engine *engine, const struct table *table)
{
	static const enum row_fate fates[] = {ROW_CHANGED, ROW_INSERTED, ROW_DELETED};
	int64_t now_us = engine_clock_us();
	for (size_t f = 0; f < ARRAY_COUNT(fates); f++) {
		size_t count;
		const void *const *rows = workset_rows(batch->set, table, fates[f], &count);
		for (size_t i = 0; i < count; i++)
			policy_committed(engine->policy, rows[i], fates[f] == ROW_DELETED, now_us);
	}
}

void store_absorb(struct batch *batch, struct engine *engine)
{
	size_t count = rows_of(batch, batch->advance) + rows_of(batch, batch->heads);
	batch->head_parts = arena_alloc_array(&batch->arena, count, sizeof(*batch->head_parts));
	batch->head_values = arena_alloc_array(&batch->arena, count, sizeof(*batch->head_values));
	batch->head_count = 0;
	heads_read(batch, batch->advance);
	heads_read(batch, batch->heads);
	if (batch->advance != SIZE_MAX)
		feed_hint(engine->feed);
	optimism_committed(batch, engine);
	for (size_t t = 0; t < TABLE_COUNT; t++)
		if (tables[t].kind == TABLE_POLICY && batch->stored & 1U << t)
			policy_keep(batch, engine, &tables[t]);
}
