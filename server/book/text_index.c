#include "book/text_index.h"

#include <string.h>
#include <xxhash.h>

void text_index_init(struct text_index *index, struct arena *arena, size_t most)
{
	/* At most half full: probes stay short. */
	size_t slot_count = 8;
	while (slot_count < most * 2)
		slot_count *= 2;
	*index = (struct text_index){
		.texts = arena_alloc_array(arena, most, sizeof(*index->texts)),
		.slots = arena_alloc_array(arena, slot_count, sizeof(*index->slots)),
		.slot_count = slot_count,
	};
}

size_t text_index_add(struct text_index *index, const char *text, bool *added)
{
	size_t mask = index->slot_count - 1;
	size_t slot = XXH3_64bits(text, strlen(text)) & mask;
	if (added)
		*added = false;
	for (; index->slots[slot]; slot = (slot + 1) & mask)
		if (strcmp(index->texts[index->slots[slot] - 1], text) == 0)
			return index->slots[slot] - 1;
	CHECK(index->count * 2 < index->slot_count);
	if (added)
		*added = true;
	index->texts[index->count++] = text;
	index->slots[slot] = index->count;
	return index->count - 1;
}

size_t text_index_find(const struct text_index *index, const char *text)
{
	size_t mask = index->slot_count - 1;
	size_t slot = XXH3_64bits(text, strlen(text)) & mask;
	for (; index->slots[slot]; slot = (slot + 1) & mask)
		if (strcmp(index->texts[index->slots[slot] - 1], text) == 0)
			return index->slots[slot] - 1;
	return SIZE_MAX;
}
