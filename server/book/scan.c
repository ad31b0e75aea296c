/* Scan: comparing and keeping what is searched for. */
#include "book/scan.h"

#include <string.h>
#include <xxhash.h>

static bool value_equal(const struct scan_value *a, const struct scan_value *b)
{
	if (a->present != b->present)
		return false;
	if (!a->present)
		return true;
	if ((a->text == NULL) != (b->text == NULL) || (a->text && strcmp(a->text, b->text) != 0))
		return false;
	return a->number == b->number && uuid_compare(&a->uuid, &b->uuid) == 0 &&
		   field_compare(FIELD_BYTES, &a->bytes, &b->bytes) == 0 &&
		   field_compare(FIELD_TEXTS, &a->texts, &b->texts) == 0 &&
		   field_compare(FIELD_COUNTS, &a->counts, &b->counts) == 0;
}

bool scan_equal(const struct scan *a, const struct scan *b)
{
	if (a->shape != b->shape || a->limit != b->limit || a->has_after != b->has_after)
		return false;
	for (size_t i = 0; i < SCAN_CONDITIONS_MAX; i++)
		if (!value_equal(&a->values[i], &b->values[i]))
			return false;
	for (size_t i = 0; i < SCAN_ORDER_MAX; i++)
		if (a->has_after && !value_equal(&a->after[i], &b->after[i]))
			return false;
	return true;
}

uint64_t scan_hash(const struct scan *scan, uint64_t seed)
{
	const uint64_t frame[] = {seed, (uintptr_t)scan->shape, (uint64_t)scan->limit, scan->has_after};
	uint64_t hash = XXH3_64bits(frame, sizeof(frame));
	for (size_t i = 0; i < SCAN_CONDITIONS_MAX + SCAN_ORDER_MAX; i++) {
		const struct scan_value *value =
			i < SCAN_CONDITIONS_MAX ? &scan->values[i] : &scan->after[i - SCAN_CONDITIONS_MAX];
		if (!value->present || (i >= SCAN_CONDITIONS_MAX && !scan->has_after))
			continue;
		hash = XXH3_64bits_withSeed(&value->number, sizeof(value->number), hash + i);
		hash = XXH3_64bits_withSeed(&value->uuid, sizeof(value->uuid), hash);
		if (value->text)
			hash = XXH3_64bits_withSeed(value->text, strlen(value->text), hash);
	}
	return hash;
}

const struct scan *scan_copy(const struct scan *scan, struct arena *arena)
{
	struct scan *copy = arena_copy(arena, scan, sizeof(*scan));
	for (size_t i = 0; i < SCAN_CONDITIONS_MAX + SCAN_ORDER_MAX; i++) {
		struct scan_value *value =
			i < SCAN_CONDITIONS_MAX ? &copy->values[i] : &copy->after[i - SCAN_CONDITIONS_MAX];
		value->text = arena_string(arena, value->text);
		value->bytes.data = arena_copy(arena, value->bytes.data, value->bytes.size);
		value->counts.items = arena_copy(arena, value->counts.items,
			value->counts.count * sizeof(*value->counts.items));
		const char **texts =
			arena_copy(arena, value->texts.items, value->texts.count * sizeof(*value->texts.items));
		for (size_t t = 0; t < value->texts.count; t++)
			texts[t] = arena_string(arena, texts[t]);
		value->texts.items = texts;
	}
	return copy;
}
