/* Live: cache, policies, and answers from memory. Watches are in watch.c, fresh reads in confirm.c. */
#include "engine/live.h"

#include <string.h>

#include "base/message.h"
#include "engine/bind.h"
#include "engine/cache.h"
#include "engine/confirm.h"
#include "engine/feed_private.h"
#include "engine/live_private.h"
#include "engine/optimism.h"
#include "observe/metrics.h"
#include "stockbook/v1/common.pb-c.h"

/* So long after the last read that might have been answered from memory the cache is kept. */
#define REST_US INT64_C(60000000)

#define KIND(name) STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_##name
#define TABLE_BIT(name) (1U << TABLE_ID_##name)

struct live *live_open(struct engine *engine)
{
	struct live *live = calloc(1, sizeof(*live));
	CHECK(live != NULL);
	live->engine = engine;
	live->cache = cache_new(engine->settings.cache_bytes_max);
	live->reload = SIZE_MAX;
	arena_init(&live->arena);
	arena_init(&live->keys_arena);
	const char *help = "Reads that might be old";
	live->metrics = (struct live_metrics){
		.hits = metric_counter("stockbook_cache_reads_total", help, "from=\"memory\""),
		.misses = metric_counter("stockbook_cache_reads_total", help, "from=\"database\""),
		.rows = metric_gauge("stockbook_cache_rows", "Stock rows in memory", NULL),
		.bytes = metric_gauge("stockbook_cache_bytes", "Memory of the stock rows", NULL),
		.row_bytes =
			metric_gauge("stockbook_cache_row_bytes", "Memory of a stock row, on average", NULL),
		.watches = metric_gauge("stockbook_watches", "Who watches availability", NULL),
	};
	return live;
}

void live_free(struct live *live)
{
	cache_free(live->cache);
	arena_release(&live->arena);
	arena_release(&live->keys_arena);
	free(live->buckets);
	free(live);
}

bool live_follows(const struct live *live)
{
	return live->active || live->watch_count > 0;
}

uint64_t live_told(const struct live *live)
{
	return live->told;
}

/* Rows are kept for those who read what may be old, and for fresh reads that are confirmed. */
static void keep(struct live *live, bool keep)
{
	if (keep == live->active || live->engine->settings.cache_bytes_max == 0)
		return;
	live->active = keep;
	if (keep) {
		feed_use(live->engine->feed);
		return;
	}
	cache_clear(live->cache);
	feed_disuse(live->engine->feed);
}

void live_keep_for_fresh(struct live *live, bool fresh)
{
	keep(live, fresh || live->old_reads);
}

void live_tick(struct live *live)
{
	if (live->old_reads && engine_clock_us() - live->used_us > REST_US) {
		live->old_reads = false;
		keep(live, confirm_follows(live->engine->confirm));
	}
	cache_tick(live->cache);
	size_t rows = cache_rows(live->cache);
	metric_set(live->metrics.rows, (int64_t)rows);
	metric_set(live->metrics.bytes, (int64_t)cache_bytes(live->cache));
	metric_set(live->metrics.row_bytes, rows > 0 ? (int64_t)(cache_bytes(live->cache) / rows) : 0);
	watches_tick(live);
}

/* ---- Rows ---- */

static uint64_t *told_of(struct live *live, const void *key)
{
	return &live->told_of[row_key_hash(TABLE(stock), key) % LIVE_BUCKETS];
}

/* Rows for keys, both ascending, as of a question that was asked at asked_us and answered before
 * known_us. */
static void put_rows(struct live *live, const void *const *keys, size_t key_count,
	const void *const *rows, size_t row_count, uint64_t asked_told, int64_t asked_us,
	int64_t known_us)
{
	size_t row = 0;
	for (size_t i = 0; i < key_count; i++) {
		bool found = row < row_count && row_key_compare(TABLE(stock), keys[i], rows[row]) == 0;
		/* What the feed has told of since then may have come after this read. */
		bool suspect = live->told_of_all > asked_told || *told_of(live, keys[i]) > asked_told;
		cache_put(live->cache, found ? rows[row] : keys[i], !found, suspect,
			suspect ? asked_us : known_us);
		row += found;
	}
}

void live_loaded(struct live *live, const void *const *keys, size_t key_count,
	const void *const *rows, size_t row_count, uint64_t asked_told, int64_t asked_us)
{
	if (live->active && live->engine->feed->state == FEED_FOLLOWING)
		put_rows(live, keys, key_count, rows, row_count, asked_told, asked_us, engine_clock_us());
}

bool live_waits(const struct live *live)
{
	return live->dirty != NULL || cache_waits(live->cache);
}

void live_ask(struct live *live, struct db_batch *batch)
{
	live->reload = SIZE_MAX;
	arena_reset(&live->keys_arena);
	live->keys = cache_wanted(live->cache, &live->keys_arena, &live->key_count);
	if (live->key_count > 0)
		live->reload = sql_add_load(live->engine->sql, batch, TABLE(stock), live->keys,
			live->key_count, SQL_LOCK_NONE);
}

void live_absorb(struct live *live, const struct db_batch *batch)
{
	live->serial++;
	policy_followed(live->engine->policy, live->engine->feed->current_us);
	if (live->reload != SIZE_MAX && live->active) {
		arena_reset(&live->arena);
		const struct db_rows *result = db_batch_rows(batch, live->reload);
		const void **rows = bind_read(TABLE(stock), result, &live->arena);
		/* Of the moment of the question itself. */
		int64_t asked_us = live->engine->feed->asked_us;
		put_rows(live, live->keys, live->key_count, rows, db_rows_count(result), live->told,
			asked_us, asked_us - 1);
		/* Another server may have moved them: lanes hope in vain no more. */
		recollection_put(live->engine->recollection, rows, db_rows_count(result));
	}
	live->reload = SIZE_MAX;
	if (live->dirty)
		feed_pump(live->engine->feed);
}

static void all_is_suspect(struct live *live)
{
	live->serial++;
	live->told_of_all = ++live->told;
	live->reload = SIZE_MAX;
	cache_clear(live->cache);
	policy_changed(live->engine->policy, UINT32_MAX, engine_clock_us());
	watches_mark_all(live);
}

void live_started(struct live *live)
{
	all_is_suspect(live);
	policy_followed(live->engine->policy, live->engine->feed->current_us);
	feed_pump(live->engine->feed);
}

void live_lost(struct live *live)
{
	all_is_suspect(live);
}

/* ---- Events ---- */

static void suspect_row(struct live *live, const char *sku, const char *location,
	int64_t current_us)
{
	if (location[0] == '\0')
		return;
	struct stock_row key = {
		.part = part_of(location, live->engine->settings.limits.parts),
		.sku = sku,
		.location = location,
	};
	*told_of(live, &key) = live->told;
	cache_suspect(live->cache, &key, current_us);
}

/* The policy tables that a change of such a document may have changed. */
static uint32_t tables_of(int32_t kind)
{
	switch ((Stockbook__V1__DocumentKind)kind) {
	case KIND(ITEM):
		return TABLE_BIT(item) | TABLE_BIT(item_alias);
	case KIND(RECEIPT):
	case KIND(ADJUSTMENT):
	case KIND(STOCK_SYNC):
	case KIND(RESERVATION):
	case KIND(ORDER):
	case KIND(RETURN):
	case KIND(STOCK_POLICY):
	case KIND(TOKEN):
	case KIND(PICKUP):
	case KIND(SHIPMENT):
	case KIND(TRANSFER):
	case KIND(RECOUNT):
		return 0;
	/* These change seldom; one that is not known here might be any. */
	case KIND(LOCATION):
	case KIND(LOCATION_GROUP):
	case KIND(CHANNEL):
	case KIND(UNSPECIFIED):
	case _STOCKBOOK__V1__DOCUMENT_KIND_IS_INT_SIZE:
		break;
	}
	return UINT32_MAX;
}

static void on_change(struct live *live, const struct change_row *change, int64_t current_us)
{
	uint32_t changed = tables_of(change->document_kind);
	if (changed != 0)
		policy_changed(live->engine->policy, changed, engine_clock_us());
	if (change->document_kind == KIND(ITEM)) {
		watches_mark(live, change->document_code);
	} else if (change->document_kind == KIND(STOCK_POLICY)) {
		/* Of which SKUs it does not say. */
		live->told_of_all = live->told;
		cache_suspect_location(live->cache, change->document_code, current_us);
		watches_mark_all(live);
	} else if (changed != 0) {
		watches_mark_all(live);
	}
}

void live_events(struct live *live, const struct feed_event *events, size_t count,
	int64_t current_us)
{
	live->told += count > 0;
	bool follows = live_follows(live);
	if (!follows)
		live->told_of_all = live->told;
	for (size_t i = 0; i < count; i++) {
		const struct movement_row *movement = events[i].movement;
		if (!movement) {
			on_change(live, events[i].change, current_us);
			continue;
		}
		if (!follows)
			continue;
		suspect_row(live, movement->sku, movement->from_location, current_us);
		suspect_row(live, movement->sku, movement->to_location, current_us);
		watches_mark(live, movement->sku);
	}
}

/* ---- Answers ---- */

/* A row as of oldest_us or later; workset_absent; or NULL, when it is not known. */
static const void *recall_row(void *data, const struct table *table, const void *key)
{
	struct recall *recall = data;
	int64_t as_of_us = INT64_MAX;
	const void *row = NULL;
	if (table == TABLE(stock)) {
		const struct stock_row *stock;
		enum cache_state state =
			cache_get(recall->live->cache, key, &recall->live->arena, &stock, &as_of_us);
		if (state == CACHE_UNKNOWN)
			return NULL;
		if (state == CACHE_SUSPECT && (!recall->suspect_is_known || as_of_us < recall->oldest_us)) {
			recall->waits = true;
			return NULL;
		}
		if (state == CACHE_CURRENT) {
			if (recall->settled_us > 0 && as_of_us >= recall->settled_us)
				return NULL;
			as_of_us = INT64_MAX;
		}
		row = stock ? (const void *)stock : workset_absent;
	} else if (table->kind == TABLE_POLICY) {
		row = policy_look_since(recall->live->engine->policy, table, key, recall->oldest_us,
			&as_of_us);
	}
	if (row && as_of_us < recall->as_of_us)
		recall->as_of_us = as_of_us;
	return row;
}

static bool recall_atlas(void *data, const struct location_group_row *group, struct atlas *atlas)
{
	struct recall *recall = data;
	int64_t as_of_us;
	if (!policy_atlas(recall->live->engine->policy, group, recall->oldest_us, atlas, &as_of_us))
		return false;
	if (as_of_us < recall->as_of_us)
		recall->as_of_us = as_of_us;
	return true;
}

bool live_decide(struct live *live, struct engine_request *request, struct recall *recall)
{
	const struct operation *operation = request->operation;
	arena_reset(&live->arena);
	struct run run = {
		.set = workset_new(&live->arena),
		.arena = &live->arena,
		.limits = &live->engine->settings.limits,
		.actor = request->actor,
		.now_us = engine_now_us(),
		.random = request->random,
		.atlas = recall_atlas,
		.atlas_data = recall,
	};
	workset_set_memory(run.set, recall_row, recall);
	void *response = arena_alloc(&live->arena, operation->response->sizeof_message);
	protobuf_c_message_init(operation->response, response);
	workset_begin(run.set);
	enum verdict verdict = operation->run(&run, request->message, response);
	if (verdict != VERDICT_DONE || workset_missed(run.set))
		return false; /* refusals too are the database's */
	struct packed_message packed = message_pack(response, request->arena);
	request->response = packed.bytes;
	request->response_size = packed.size;
	return true;
}

bool live_answer(struct live *live, struct engine_request *request)
{
	const struct feed *feed = live->engine->feed;
	int64_t now_us = engine_clock_us();
	live->used_us = now_us;
	live->old_reads = true;
	keep(live, true);
	struct recall recall = {
		.live = live,
		.oldest_us = now_us - request->max_staleness_us,
		.as_of_us = feed->current_us,
		.suspect_is_known = request->at_least == NULL,
	};
	if (request->at_least && recall.oldest_us < feed->current_us)
		recall.oldest_us = feed->current_us;
	if (!live->active || feed->state != FEED_FOLLOWING ||
		feed->current_us < now_us - request->max_staleness_us ||
		!feed_has_come_to(feed, request->at_least) || !live_decide(live, request, &recall)) {
		metric_add(live->metrics.misses, 1);
		return false;
	}
	request->outcome = ENGINE_DONE;
	request->age_us = now_us - recall.as_of_us;
	metric_add(live->metrics.hits, 1);
	return true;
}
