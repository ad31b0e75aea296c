/* Optimism: the memory, and the counting of wins and losses. */
#include "engine/optimism.h"

#include <stdlib.h>

#include "observe/metrics.h"

struct recollection {
	struct cache *cache; /* every row in it is CURRENT: as new as this server knows */
	struct metric *hopes;
	struct metric *losses[LOSS_MOVED + 1];
	struct metric *loads;
	struct metric *rows;
	struct metric *bytes;
	bool enabled;
};

struct recollection *recollection_new(size_t bytes_max)
{
	struct recollection *recollection = calloc(1, sizeof(*recollection));
	CHECK(recollection != NULL);
	const char *ways = "Batches by how their rows were known";
	const char *losses = "Batches that were decided from memory in vain";
	*recollection = (struct recollection){
		.cache = cache_new(bytes_max),
		.hopes = metric_counter("stockbook_engine_batches_total", ways, "rows=\"memory\""),
		.loads = metric_counter("stockbook_engine_batches_total", ways, "rows=\"database\""),
		.losses = {metric_counter("stockbook_engine_hopes_lost_total", losses, "why=\"unknown\""),
			metric_counter("stockbook_engine_hopes_lost_total", losses, "why=\"moved\"")},
		.rows =
			metric_gauge("stockbook_engine_memory_rows", "Stock rows that lanes remember", NULL),
		.bytes = metric_gauge("stockbook_engine_memory_bytes", "Memory of these rows", NULL),
		.enabled = bytes_max > 0,
	};
	return recollection;
}

void recollection_free(struct recollection *recollection)
{
	cache_free(recollection->cache);
	free(recollection);
}

void recollection_tick(struct recollection *recollection)
{
	cache_tick(recollection->cache);
	metric_set(recollection->rows, (int64_t)cache_rows(recollection->cache));
	metric_set(recollection->bytes, (int64_t)cache_bytes(recollection->cache));
}

void recollection_clear(struct recollection *recollection)
{
	cache_clear(recollection->cache);
}

void recollection_put(struct recollection *recollection, const void *const *rows, size_t count)
{
	for (size_t i = 0; i < count && recollection->enabled; i++)
		cache_put(recollection->cache, rows[i], false, false, 0);
}

bool patience_is_over(struct patience *patience)
{
	if (patience->wait == 0)
		return true;
	patience->wait--;
	return false;
}

void patience_won(struct patience *patience)
{
	patience->length /= 2;
}

void patience_lost(struct patience *patience, uint32_t most)
{
	if (patience->length < most)
		patience->length = patience->length > 0 ? 2 * patience->length : 1;
	patience->wait = patience->length < most ? patience->length : most;
}

bool optimism_hopes(struct patience *optimism, struct engine *engine)
{
	return engine->recollection->enabled && patience_is_over(optimism);
}

/* A row that may be locked, as it is remembered. */
static const void *recall(void *data, const struct table *table, const void *key)
{
	struct batch *batch = data;
	const struct stock_row *row = NULL;
	int64_t as_of_us;
	(void)table;
	if (workset_assumption_count(batch->set) >= OPTIMISM_ROWS_MAX)
		return NULL;
	(void)cache_get(batch->load.recollection->cache, key, &batch->arena, &row, &as_of_us);
	return row;
}

void optimism_begin(struct batch *batch, struct engine *engine)
{
	batch->hopes = true;
	batch->load.recollection = engine->recollection;
	workset_set_recollection(batch->set, recall, batch);
}

bool optimism_can_learn(struct batch *batch, size_t first)
{
	size_t count;
	struct need *const *needs = workset_needs(batch->set, &count);
	for (size_t i = first; i < count; i++) {
		const struct need *need = needs[i];
		if (need->kind != NEED_ROW)
			return false;
		bool peek = ((const struct row *)need->key)->needed == 1 + ACCESS_PEEK;
		if (peek ? need->table->kind != TABLE_POLICY : need->table != TABLE(stock))
			return false;
	}
	return true;
}

bool optimism_has_room(struct batch *batch)
{
	size_t count;
	workset_needs(batch->set, &count);
	return count + workset_assumption_count(batch->set) <= OPTIMISM_ROWS_MAX;
}

void optimism_stored(struct patience *optimism, const struct batch *batch, struct engine *engine)
{
	metric_add(batch->hopes ? engine->recollection->hopes : engine->recollection->loads, 1);
	if (batch->hopes)
		patience_won(optimism);
}

void optimism_lost(struct patience *optimism, struct batch *batch, struct engine *engine,
	enum loss loss)
{
	metric_add(engine->recollection->losses[loss], 1);
	patience_lost(optimism,
		loss == LOSS_UNKNOWN ? OPTIMISM_PATIENCE_UNKNOWN_MAX : OPTIMISM_PATIENCE_MOVED_MAX);
	batch->hopes = false;
	if (loss != LOSS_MOVED)
		return;
	/* Which of them moved is not told: the next batch that loads them knows. */
	size_t count;
	const struct assumption *assumptions = workset_assumptions(batch->set, &count);
	for (size_t i = 0; i < count; i++)
		cache_forget(engine->recollection->cache, assumptions[i].row);
}

void optimism_committed(struct batch *batch, struct engine *engine)
{
	static const enum row_fate fates[] = {ROW_CHANGED, ROW_INSERTED};
	for (size_t f = 0; f < ARRAY_COUNT(fates); f++) {
		size_t count;
		const void *const *rows = workset_rows(batch->set, TABLE(stock), fates[f], &count);
		recollection_put(engine->recollection, rows, count);
	}
}
