/* The inside of live, for live.c, confirm.c and watch.c. */
#ifndef STOCKBOOK_ENGINE_LIVE_PRIVATE_H
#define STOCKBOOK_ENGINE_LIVE_PRIVATE_H

#include "engine/cache.h"
#include "engine/live.h"

#define LIVE_BUCKETS 4096

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
	bool active;     /* rows are kept: for reads that may be old, or for fresh ones */
	bool old_reads;  /* somebody reads what may be old */
	int64_t used_us; /* by them */
	uint64_t serial; /* of the feed's answers */
	/* Answers that told of something, and the last of them that told of a row with such a hash, or of
	 * any. */
	uint64_t told;
	uint64_t told_of[LIVE_BUCKETS];
	uint64_t told_of_all;
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

/* What a read that is decided from memory may use, and what was found. */
struct recall {
	struct live *live;
	int64_t oldest_us;     /* what is older does not count */
	bool suspect_is_known; /* rows that were moved since may be given */
	/* Not 0: rows that were read later do not count, so that all are of one moment. */
	int64_t settled_us;
	int64_t as_of_us; /* of the oldest row */
	bool waits;       /* for a row that is known, and read again with the feed's next question */
};

/* True: decided, and its response is there. */
bool live_decide(struct live *live, struct engine_request *request, struct recall *recall);
/* Whether rows are kept for fresh reads. */
void live_keep_for_fresh(struct live *live, bool keep);

/* Those who watch it are called after the feed's next answer. */
void watches_mark(struct live *live, const char *sku);
void watches_mark_all(struct live *live);
/* Calls some of those that are due. True: there are more. */
bool watches_call(struct live *live);
void watches_tick(struct live *live);

#endif
