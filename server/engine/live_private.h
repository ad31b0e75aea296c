/* The inside of live, for live.c and watch.c. */
#ifndef STOCKBOOK_ENGINE_LIVE_PRIVATE_H
#define STOCKBOOK_ENGINE_LIVE_PRIVATE_H

#include "engine/cache.h"
#include "engine/live.h"

struct watched;

struct live_metrics {
	struct metric *hits;
	struct metric *misses;
	struct metric *rows;
	struct metric *bytes;
	struct metric *row_bytes;
	struct metric *watches;
};

struct live {
	struct engine *engine;
	struct cache *cache;
	struct live_metrics metrics;
	bool active; /* somebody reads what may be old */
	int64_t used_us;
	uint64_t serial;    /* of the feed's answers */
	struct arena arena; /* of one answer */
	/* What is being read again. */
	struct arena keys_arena;
	const void **keys;
	size_t key_count;
	size_t reload; /* its statement; SIZE_MAX: none */

	struct watch *watches;
	size_t watch_count;
	size_t watched_count;
	struct watched **buckets; /* by SKU; NULL until somebody watches */
	struct watch *dirty;      /* whose changed() is to be called */
};

/* Those who watch it are called after the feed's next answer. */
void watches_mark(struct live *live, const char *sku);
void watches_mark_all(struct live *live);
/* Calls some of those that are due. True: there are more. */
bool watches_call(struct live *live);
void watches_tick(struct live *live);

#endif
