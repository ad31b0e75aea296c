/*
 * Watches: who wants to know of which SKUs. Found by SKU, whatever the number of watches.
 *
 *	clean --marked--> dirty --after the feed's next answer: changed()--> called --watch_take()--> clean
 */
#include <string.h>
#include <xxhash.h>

#include "engine/feed_private.h"
#include "engine/live_private.h"

#define BUCKETS ((size_t)1 << 16)
/* In a turn of the loop. */
#define CALLS_MAX 32

enum watch_state { WATCH_CLEAN, WATCH_DIRTY, WATCH_CALLED };

/* One SKU of one watch. */
struct watched {
	struct watched *next;
	uint64_t hash;
	struct watch *watch;
	bool marked;
};

struct watch {
	struct live *live;
	struct watch_options options;
	enum watch_state state;
	struct watched *skus; /* by number */
	size_t marked;        /* how many */
	uint64_t due;         /* DIRTY: the serial of the feed's answer to wait for */
	struct watch *next;
	struct watch **back;
	struct watch *next_dirty;
	struct watch **back_dirty;
};

static uint64_t sku_hash(const char *sku)
{
	return XXH3_64bits(sku, strlen(sku));
}

static void unlink_dirty(struct watch *watch)
{
	*watch->back_dirty = watch->next_dirty;
	if (watch->next_dirty)
		watch->next_dirty->back_dirty = watch->back_dirty;
}

/* The rows that were moved are read again with the feed's next question: until its answer they would
 * be the database's. */
static void make_dirty(struct watch *watch)
{
	struct live *live = watch->live;
	if (watch->state != WATCH_CLEAN)
		return;
	watch->state = WATCH_DIRTY;
	watch->due =
		live->serial + 2; /* this answer, of which the serial is not counted yet, and one */
	watch->next_dirty = live->dirty;
	watch->back_dirty = &live->dirty;
	if (live->dirty)
		live->dirty->back_dirty = &watch->next_dirty;
	live->dirty = watch;
}

static void mark(struct watched *watched)
{
	watched->watch->marked += !watched->marked;
	watched->marked = true;
	make_dirty(watched->watch);
}

void watches_mark(struct live *live, const char *sku)
{
	if (live->watch_count == 0)
		return;
	uint64_t hash = sku_hash(sku);
	for (struct watched *watched = live->buckets[hash % BUCKETS]; watched; watched = watched->next)
		if (watched->hash == hash)
			mark(watched);
}

void watches_mark_all(struct live *live)
{
	for (struct watch *watch = live->watches; watch; watch = watch->next)
		for (size_t i = 0; i < watch->options.count; i++)
			mark(&watch->skus[i]);
}

bool watches_call(struct live *live)
{
	/* Those that become dirty by being called are not due. */
	size_t left = CALLS_MAX;
	struct watch *next;
	for (struct watch *watch = live->dirty; watch; watch = next) {
		next = watch->next_dirty;
		if (live->serial < watch->due || live->engine->feed->state != FEED_FOLLOWING)
			continue;
		if (left-- == 0)
			return true;
		unlink_dirty(watch);
		watch->state = WATCH_CALLED;
		watch->options.changed(watch, watch->options.data);
	}
	return false;
}

void watches_tick(struct live *live)
{
	int64_t now_us = engine_clock_us();
	if (!feed_is_current(live->engine->feed, now_us))
		return;
	struct watch *next;
	for (struct watch *watch = live->watches; watch; watch = next) {
		next = watch->next;
		/* Of the others something is known that has not been told. */
		if (watch->state == WATCH_CLEAN)
			watch->options.tick(watch, now_us, watch->options.data);
	}
}

size_t watch_take(struct watch *watch, size_t *numbers)
{
	size_t count = 0;
	for (size_t i = 0; i < watch->options.count && watch->marked > 0; i++) {
		if (!watch->skus[i].marked)
			continue;
		watch->skus[i].marked = false;
		watch->marked--;
		numbers[count++] = i;
	}
	if (watch->state == WATCH_DIRTY)
		unlink_dirty(watch);
	watch->state = WATCH_CLEAN;
	return count;
}

void watch_mark(struct watch *watch, size_t number)
{
	CHECK(number < watch->options.count);
	mark(&watch->skus[number]);
}

struct watch *engine_watch(struct engine *engine, const struct watch_options *options)
{
	struct live *live = engine->live;
	CHECK(options->changed && options->tick && options->end && options->count > 0);
	if (engine->closing || live->watched_count + options->count > WATCHED_SKUS_MAX)
		return NULL;
	if (!live->buckets)
		live->buckets = calloc(BUCKETS, sizeof(*live->buckets));
	struct watch *watch = calloc(1, sizeof(*watch));
	CHECK(watch != NULL && live->buckets != NULL);
	watch->skus = calloc(options->count, sizeof(*watch->skus));
	CHECK(watch->skus != NULL);
	watch->live = live;
	watch->options = *options;
	for (size_t i = 0; i < options->count; i++) {
		struct watched *watched = &watch->skus[i];
		watched->hash = sku_hash(options->skus[i]);
		watched->watch = watch;
		watched->next = live->buckets[watched->hash % BUCKETS];
		live->buckets[watched->hash % BUCKETS] = watched;
		mark(watched);
	}
	watch->options.skus = NULL; /* the caller's */
	watch->next = live->watches;
	watch->back = &live->watches;
	if (watch->next)
		watch->next->back = &watch->next;
	live->watches = watch;
	live->watched_count += options->count;
	metric_set(live->metrics.watches, (int64_t)++live->watch_count);
	feed_use(engine->feed);
	feed_hint(engine->feed);
	return watch;
}

static void forget(struct live *live, struct watched *watched)
{
	struct watched **link = &live->buckets[watched->hash % BUCKETS];
	while (*link != watched)
		link = &(*link)->next;
	*link = watched->next;
}

void watch_leave(struct watch *watch)
{
	struct live *live = watch->live;
	for (size_t i = 0; i < watch->options.count; i++)
		forget(live, &watch->skus[i]);
	if (watch->state == WATCH_DIRTY)
		unlink_dirty(watch);
	*watch->back = watch->next;
	if (watch->next)
		watch->next->back = watch->back;
	live->watched_count -= watch->options.count;
	metric_set(live->metrics.watches, (int64_t)--live->watch_count);
	free(watch->skus);
	free(watch);
	feed_disuse(live->engine->feed);
}

void live_close(struct live *live)
{
	struct watch *next;
	for (struct watch *watch = live->watches; watch; watch = next) {
		struct watch_options options = watch->options;
		next = watch->next;
		watch_leave(watch);
		options.end(watch, options.data);
	}
}

const int64_t *engine_known(const struct engine *engine)
{
	return engine->feed->known;
}
