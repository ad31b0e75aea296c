/*
 * Cache: open-addressing tables of packed rows, and a hand that goes round them for eviction.
 * A row is packed field by field as in the table's description, the key first: so that a key is
 * compared by the bytes it begins with.
 */
#include "engine/cache.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* By the first bits of the hash. */
#define SHARDS 64
#define SHARD_SHIFT (32 - 6)
/* Of a shard. */
#define SLOTS_MIN 16
/* A millisecond's work at the most. */
#define FORGOTTEN_SLOTS_A_TICK 4096
/* Three texts of a code's length, and numbers of ten bytes. */
#define PACKED_BYTES_MAX 1024
/* What malloc adds, and rounds up to. */
#define MALLOC_BYTES 8
#define MALLOC_STEP 16

struct cached {
	int64_t as_of_us; /* SUSPECT: it was so; CURRENT: it had been read */
	uint32_t hash;
	uint16_t size;
	bool absent;
	bool suspect;
	bool used;   /* asked for since the hand came by */
	bool wanted; /* in the list */
	bool asked;  /* for, because it is wanted */
	bool hot;    /* moved after that */
	uint8_t bytes[];
};

/* Grows by itself, so that nobody waits until a table of millions is made anew. */
struct shard {
	struct cached **slots;
	size_t slot_count; /* a power of two */
	size_t count;
};

struct place {
	struct shard *shard;
	size_t slot;
};

struct cache {
	size_t bytes_max;
	struct shard shards[SHARDS];
	size_t slot_count; /* of all shards */
	size_t count;
	size_t entry_bytes;
	struct place hand;
	/* Of what was forgotten as a whole, in parts: slot_count is what is left of each. */
	struct shard forgotten[SHARDS];
	size_t forgotten_slots;
	struct cached *wanted[CACHE_WANTED_MAX];
	size_t wanted_count;
};

/* ---- Packing ---- */

static uint8_t *pack_number(uint8_t *to, int64_t number)
{
	uint64_t zigzag = ((uint64_t)number << 1) ^ (uint64_t)(number >> 63);
	for (; zigzag >= 0x80; zigzag >>= 7)
		*to++ = (uint8_t)(zigzag | 0x80);
	*to++ = (uint8_t)zigzag;
	return to;
}

static const uint8_t *unpack_number(const uint8_t *from, int64_t *number)
{
	uint64_t zigzag = 0;
	for (int shift = 0;; shift += 7) {
		uint8_t byte = *from++;
		zigzag |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			break;
	}
	*number = (int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1);
	return from;
}

/* COUNT_NONE is the longest of all numbers and the most frequent COUNT: it is written as -1. */
static int64_t count_to_number(int64_t count)
{
	return count == COUNT_NONE ? -1 : count;
}

static uint8_t *pack_field(uint8_t *to, enum field_type type, const void *value)
{
	switch (type) {
	case FIELD_TEXT: {
		const char *text = *(const char *const *)value;
		size_t size = strlen(text) + 1;
		memcpy(to, text, size);
		return to + size;
	}
	case FIELD_INT4:
		return pack_number(to, *(const int32_t *)value);
	case FIELD_INT8:
		return pack_number(to, *(const int64_t *)value);
	case FIELD_COUNT:
		return pack_number(to, count_to_number(*(const int64_t *)value));
	case FIELD_BOOL:
		*to = *(const bool *)value;
		return to + 1;
	case FIELD_FLOAT8:
	case FIELD_TIME:
	case FIELD_UUID:
	case FIELD_BYTES:
	case FIELD_TEXTS:
	case FIELD_COUNTS:
	case FIELD_SEQUENCE:
		break;
	}
	CHECK(!"stock has no fields of this type");
	return to;
}

static const uint8_t *unpack_field(const uint8_t *from, enum field_type type, void *value,
	struct arena *arena)
{
	int64_t number;
	switch (type) {
	case FIELD_TEXT: {
		size_t size = strlen((const char *)from) + 1;
		*(const char **)value = arena_copy(arena, from, size);
		return from + size;
	}
	case FIELD_INT4:
		from = unpack_number(from, &number);
		*(int32_t *)value = (int32_t)number;
		return from;
	case FIELD_INT8:
		return unpack_number(from, value);
	case FIELD_COUNT:
		from = unpack_number(from, &number);
		*(int64_t *)value = number == -1 ? COUNT_NONE : number;
		return from;
	case FIELD_BOOL:
		*(bool *)value = *from;
		return from + 1;
	case FIELD_FLOAT8:
	case FIELD_TIME:
	case FIELD_UUID:
	case FIELD_BYTES:
	case FIELD_TEXTS:
	case FIELD_COUNTS:
	case FIELD_SEQUENCE:
		break;
	}
	CHECK(!"stock has no fields of this type");
	return from;
}

/* The first fields of a row. */
static size_t pack_row(uint8_t bytes[static PACKED_BYTES_MAX], const struct stock_row *row,
	size_t fields)
{
	uint8_t *end = bytes;
	for (size_t i = 0; i < fields; i++) {
		const struct field *field = &TABLE(stock)->fields[i];
		end = pack_field(end, field->type, row_field(row, field));
		CHECK((size_t)(end - bytes) < PACKED_BYTES_MAX);
	}
	return (size_t)(end - bytes);
}

static struct stock_row *unpack_row(const struct cached *entry, struct arena *arena)
{
	struct stock_row *row = row_new(TABLE(stock), arena);
	const uint8_t *from = entry->bytes;
	const uint8_t *end = from + entry->size;
	for (size_t i = 0; i < TABLE(stock)->field_count && from < end; i++) {
		const struct field *field = &TABLE(stock)->fields[i];
		from = unpack_field(from, field->type, (char *)row + field->offset, arena);
	}
	return row;
}

/* ---- The table ---- */

static size_t entry_cost(const struct cached *entry)
{
	size_t bytes = sizeof(*entry) + entry->size + MALLOC_BYTES;
	return (bytes + MALLOC_STEP - 1) / MALLOC_STEP * MALLOC_STEP;
}

size_t cache_bytes(const struct cache *cache)
{
	return sizeof(*cache) + cache->slot_count * sizeof(struct cached *) + cache->entry_bytes;
}

size_t cache_rows(const struct cache *cache)
{
	return cache->count;
}

static void shard_open(struct shard *shard, size_t slot_count)
{
	shard->slots = calloc(slot_count, sizeof(struct cached *));
	CHECK(shard->slots != NULL);
	shard->slot_count = slot_count;
}

static void open_all(struct cache *cache)
{
	for (size_t i = 0; i < SHARDS; i++)
		shard_open(&cache->shards[i], SLOTS_MIN);
	cache->slot_count = SHARDS * SLOTS_MIN;
	cache->hand = (struct place){&cache->shards[0], 0};
}

/* From the back. */
static void free_slots(struct shard *shard, size_t count)
{
	for (; count > 0; count--)
		free(shard->slots[--shard->slot_count]);
	if (shard->slot_count > 0)
		return;
	free(shard->slots);
	shard->slots = NULL;
}

static void free_all(struct shard shards[static SHARDS])
{
	for (size_t i = 0; i < SHARDS; i++)
		free_slots(&shards[i], shards[i].slot_count);
}

struct cache *cache_new(size_t bytes_max)
{
	struct cache *cache = calloc(1, sizeof(*cache));
	CHECK(cache != NULL);
	cache->bytes_max = bytes_max;
	open_all(cache);
	return cache;
}

void cache_clear(struct cache *cache)
{
	if (cache->count == 0)
		return;
	/* The larger one in parts, the other at once. */
	if (cache->slot_count > cache->forgotten_slots) {
		free_all(cache->forgotten);
		memcpy(cache->forgotten, cache->shards, sizeof(cache->forgotten));
		cache->forgotten_slots = cache->slot_count;
	} else {
		free_all(cache->shards);
	}
	memset(cache->shards, 0, sizeof(cache->shards));
	open_all(cache);
	cache->count = cache->entry_bytes = cache->wanted_count = 0;
}

void cache_tick(struct cache *cache)
{
	size_t left = FORGOTTEN_SLOTS_A_TICK;
	for (size_t i = 0; i < SHARDS && left > 0 && cache->forgotten_slots > 0; i++) {
		struct shard *shard = &cache->forgotten[i];
		size_t count = shard->slot_count < left ? shard->slot_count : left;
		if (count > 0)
			free_slots(shard, count);
		cache->forgotten_slots -= count;
		left -= count;
	}
}

void cache_free(struct cache *cache)
{
	free_all(cache->forgotten);
	free_all(cache->shards);
	free(cache);
}

static struct cached **at(struct place place)
{
	return &place.shard->slots[place.slot];
}

/* The place of the packed key, or the free one where it belongs. */
static struct place place_of(struct cache *cache, uint32_t hash, const uint8_t *key, size_t size)
{
	struct shard *shard = &cache->shards[hash >> SHARD_SHIFT];
	size_t mask = shard->slot_count - 1;
	for (size_t slot = hash & mask;; slot = (slot + 1) & mask) {
		const struct cached *entry = shard->slots[slot];
		if (!entry ||
			(entry->hash == hash && entry->size >= size && memcmp(entry->bytes, key, size) == 0))
			return (struct place){shard, slot};
	}
}

static void grow(struct cache *cache, struct shard *shard)
{
	struct shard old = *shard;
	shard_open(shard, 2 * old.slot_count);
	cache->slot_count += old.slot_count;
	size_t mask = shard->slot_count - 1;
	for (size_t i = 0; i < old.slot_count; i++) {
		if (!old.slots[i])
			continue;
		size_t slot = old.slots[i]->hash & mask;
		while (shard->slots[slot])
			slot = (slot + 1) & mask;
		shard->slots[slot] = old.slots[i];
	}
	free(old.slots);
}

/* Those behind it move up where they would not be found past the gap. */
static void remove_at(struct cache *cache, struct place place)
{
	struct cached **slots = place.shard->slots;
	size_t gap = place.slot, mask = place.shard->slot_count - 1;
	cache->entry_bytes -= entry_cost(slots[gap]);
	cache->count--;
	place.shard->count--;
	free(slots[gap]);
	for (size_t i = (gap + 1) & mask; slots[i]; i = (i + 1) & mask) {
		size_t home = slots[i]->hash & mask;
		if (((i - home) & mask) < ((i - gap) & mask))
			continue;
		slots[gap] = slots[i];
		gap = i;
	}
	slots[gap] = NULL;
}

static void hand_on(struct cache *cache)
{
	struct place *hand = &cache->hand;
	if (++hand->slot < hand->shard->slot_count)
		return;
	size_t next = (size_t)(hand->shard - cache->shards + 1) % SHARDS;
	*hand = (struct place){&cache->shards[next], 0};
}

static void make_room(struct cache *cache)
{
	/* Twice round at the most: the first time takes away what was used. */
	for (size_t steps = 2 * cache->slot_count;
		 steps > 0 && cache->count > 0 && cache_bytes(cache) > cache->bytes_max; steps--) {
		struct cached *entry = *at(cache->hand);
		/* Where one goes another may move up. */
		if (entry && !entry->wanted && !entry->used) {
			remove_at(cache, cache->hand);
			continue;
		}
		if (entry && !entry->wanted)
			entry->used = false;
		hand_on(cache);
	}
}

/* ---- Rows ---- */

static uint32_t key_hash(const struct stock_row *key)
{
	return (uint32_t)(row_key_hash(TABLE(stock), key) >> 16);
}

static struct place find(struct cache *cache, const struct stock_row *key)
{
	uint8_t packed[PACKED_BYTES_MAX];
	size_t size = pack_row(packed, key, TABLE(stock)->key_count);
	return place_of(cache, key_hash(key), packed, size);
}

enum cache_state cache_get(struct cache *cache, const struct stock_row *key, struct arena *arena,
	const struct stock_row **row, int64_t *as_of_us)
{
	struct cached *entry = *at(find(cache, key));
	if (!entry)
		return CACHE_UNKNOWN;
	entry->used = true;
	*row = entry->absent ? NULL : unpack_row(entry, arena);
	*as_of_us = entry->as_of_us;
	return entry->suspect ? CACHE_SUSPECT : CACHE_CURRENT;
}

static const uint8_t *skip_field(const uint8_t *from, enum field_type type)
{
	if (type == FIELD_TEXT)
		return from + strlen((const char *)from) + 1;
	while (type != FIELD_BOOL && *from >= 0x80)
		from++;
	return from + 1;
}

static int64_t version_of(const struct cached *entry)
{
	if (entry->absent)
		return -1;
	const uint8_t *from = entry->bytes;
	const struct field *field = TABLE(stock)->fields;
	for (; field->offset != offsetof(struct stock_row, version); field++)
		from = skip_field(from, field->type);
	int64_t version;
	unpack_number(from, &version);
	return version;
}

static void unwant(struct cache *cache, struct cached *entry)
{
	if (!entry->wanted)
		return;
	entry->wanted = false;
	for (size_t i = 0; i < cache->wanted_count; i++)
		if (cache->wanted[i] == entry)
			cache->wanted[i] = cache->wanted[--cache->wanted_count];
}

/* False: there is no room in the list. */
static bool want(struct cache *cache, struct cached *entry)
{
	if (entry->wanted)
		return true;
	if (cache->wanted_count == CACHE_WANTED_MAX)
		return false;
	entry->wanted = true;
	cache->wanted[cache->wanted_count++] = entry;
	return true;
}

static void drop(struct cache *cache, struct place place)
{
	unwant(cache, *at(place));
	remove_at(cache, place);
}

/* In the place of the old one (which may be NULL) where it fits. */
static struct cached *entry_make(struct cached *old, const struct stock_row *row, bool absent)
{
	uint8_t packed[PACKED_BYTES_MAX];
	size_t size =
		pack_row(packed, row, absent ? TABLE(stock)->key_count : TABLE(stock)->field_count);
	struct cached *entry = old && old->size == size ? old : malloc(sizeof(*entry) + size);
	CHECK(entry != NULL);
	*entry = (struct cached){.hash = key_hash(row), .size = (uint16_t)size, .absent = absent};
	memcpy(entry->bytes, packed, size);
	return entry;
}

void cache_put(struct cache *cache, const struct stock_row *row, bool absent, bool suspect,
	int64_t as_of_us)
{
	struct place place = find(cache, row);
	struct cached *old = *at(place);
	bool used = !old || old->used;
	if (old && version_of(old) > (absent ? -1 : row->version)) {
		/* What is here is newer, and so is when it was so. */
		if (old->suspect && !suspect) {
			old->suspect = false;
			old->as_of_us = as_of_us;
			unwant(cache, old);
		}
		return;
	}
	/* The same again: it has been there since then. */
	if (old && !suspect && !old->suspect && old->absent == absent &&
		version_of(old) == (absent ? -1 : row->version) && old->as_of_us < as_of_us)
		as_of_us = old->as_of_us;
	bool hot = old && old->hot && old->used && !suspect;
	if (old)
		unwant(cache, old);
	cache->entry_bytes -= old ? entry_cost(old) : 0;
	struct cached *entry = entry_make(old, row, absent);
	entry->suspect = suspect;
	entry->as_of_us = as_of_us;
	entry->used = used && !hot; /* again, to be read again after the next time */
	cache->entry_bytes += entry_cost(entry);
	if (entry != old)
		free(old);
	*at(place) = entry;
	cache->count += old == NULL;
	place.shard->count += old == NULL;
	if (suspect && !want(cache, entry)) {
		drop(cache, place);
		return;
	}
	if (hot)
		(void)want(cache, entry);
	if (place.shard->count * 2 > place.shard->slot_count)
		grow(cache, place.shard);
	if (cache_bytes(cache) > cache->bytes_max)
		make_room(cache);
}

void cache_forget(struct cache *cache, const struct stock_row *key)
{
	struct place place = find(cache, key);
	if (*at(place))
		drop(cache, place);
}

static void suspect_at(struct cache *cache, struct place place, int64_t as_of_us)
{
	struct cached *entry = *at(place);
	if (!entry->suspect)
		entry->as_of_us = as_of_us;
	entry->suspect = true;
	entry->hot = entry->asked;
	if (entry->wanted)
		return;
	/* Read again only for who asks for it. */
	if (!entry->used || !want(cache, entry))
		drop(cache, place);
	else
		entry->used = false;
}

void cache_suspect(struct cache *cache, const struct stock_row *key, int64_t as_of_us)
{
	struct place place = find(cache, key);
	if (*at(place))
		suspect_at(cache, place, as_of_us);
}

static void suspect_location_in(struct cache *cache, struct shard *shard, const char *location,
	struct arena *arena, int64_t as_of_us)
{
	/* When one is dropped others move up, perhaps into its slot: which is looked at again. */
	for (size_t i = shard->slot_count; i > 0;) {
		const struct cached *entry = shard->slots[i - 1];
		arena_reset(arena);
		bool waits = entry && entry->wanted && entry->suspect;
		if (entry && !waits && strcmp(unpack_row(entry, arena)->location, location) == 0)
			suspect_at(cache, (struct place){shard, i - 1}, as_of_us);
		else
			i--;
	}
}

void cache_suspect_location(struct cache *cache, const char *location, int64_t as_of_us)
{
	struct arena arena;
	arena_init(&arena);
	for (size_t i = 0; i < SHARDS; i++)
		suspect_location_in(cache, &cache->shards[i], location, &arena, as_of_us);
	arena_release(&arena);
}

bool cache_waits(const struct cache *cache)
{
	return cache->wanted_count > 0;
}

static int key_order(const void *a, const void *b)
{
	return row_key_compare(TABLE(stock), *(const void *const *)a, *(const void *const *)b);
}

const void **cache_wanted(struct cache *cache, struct arena *arena, size_t *count)
{
	*count = cache->wanted_count;
	const void **keys = arena_alloc_array(arena, *count, sizeof(*keys));
	for (size_t i = 0; i < *count; i++) {
		cache->wanted[i]->asked = true;
		keys[i] = unpack_row(cache->wanted[i], arena);
	}
	qsort(keys, *count, sizeof(*keys), key_order);
	return keys;
}
