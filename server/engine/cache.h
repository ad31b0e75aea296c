/*
 * Cache: stock rows in memory, and the knowledge that there is none, as they were at a moment that
 * is known. Pure memory, no clock; live.c keeps it current.
 *
 *            put              something moved it              put
 *   unknown -----> CURRENT -------------------> SUSPECT -----------> CURRENT
 *      ^              | not asked for lately: evicted
 *      +--------------+---- something moved it, and nobody asked since: dropped
 *
 * What is CURRENT is the row as of now, as far as the feed has come. What is SUSPECT is the row as it
 * was when it was last current, and waits to be read again. A row that is moved while it waits, and
 * is asked for, is read again once more: one that is moved and read all the time is always current.
 * Rows are packed: small numbers take one byte. Bounded in bytes; of the rows that were not asked for
 * lately one makes room for another.
 */
#ifndef STOCKBOOK_ENGINE_CACHE_H
#define STOCKBOOK_ENGINE_CACHE_H

#include "book/table.h"

struct cache;

/* As many suspect rows wait to be read again; more are dropped. */
#define CACHE_WANTED_MAX 4096

struct cache *cache_new(size_t bytes_max);
void cache_free(struct cache *cache);
/* Nothing is known any more. The memory comes back with the ticks: for a while there may be twice as
 * much as allowed. */
void cache_clear(struct cache *cache);
/* Now and then: a part of what was forgotten as a whole is given back. */
void cache_tick(struct cache *cache);

enum cache_state {
	CACHE_UNKNOWN,
	CACHE_CURRENT, /* it was there already at *as_of_us */
	CACHE_SUSPECT, /* as it was at *as_of_us */
};

/* *row, in the arena, or NULL where there is none. */
enum cache_state cache_get(struct cache *cache, const struct stock_row *key, struct arena *arena,
	const struct stock_row **row, int64_t *as_of_us);
/* A row that was read, or only the key of one that is absent. suspect: it may have been moved since,
 * but was so at as_of_us; else it was read before as_of_us. An older version never replaces a newer
 * one. */
void cache_put(struct cache *cache, const struct stock_row *row, bool absent, bool suspect,
	int64_t as_of_us);
/* Nothing is known of the row any more. */
void cache_forget(struct cache *cache, const struct stock_row *key);
/* The row was moved after as_of_us, when it was current. */
void cache_suspect(struct cache *cache, const struct stock_row *key, int64_t as_of_us);
/* All rows of the location. */
void cache_suspect_location(struct cache *cache, const char *location, int64_t as_of_us);
/* The keys of what is to be read again, in the arena, ascending; they are wanted until put. */
const void **cache_wanted(struct cache *cache, struct arena *arena, size_t *count);

bool cache_waits(const struct cache *cache);
size_t cache_rows(const struct cache *cache);
size_t cache_bytes(const struct cache *cache);

#endif
