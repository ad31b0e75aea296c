#include "base/arena.h"

#include <stdio.h>
#include <string.h>

#define ARENA_BLOCK_BYTES_MIN ((size_t)4096)
#define ARENA_BLOCK_BYTES_MAX ((size_t)1 << 20)
/* Memory is zeroed in such steps: a call of memset for each small thing costs more than it does. */
#define ARENA_ZEROED_BYTES ((size_t)1024)

struct arena_block {
	struct arena_block *next;
	size_t size; /* bytes of data */
	alignas(max_align_t) unsigned char data[];
};

void arena_init(struct arena *arena)
{
	*arena = (struct arena){0};
}

void arena_release(struct arena *arena)
{
	for (struct arena_block *block = arena->blocks; block;) {
		struct arena_block *next = block->next;
		free(block);
		block = next;
	}
	*arena = (struct arena){0};
}

static void arena_use_block(struct arena *arena, struct arena_block *block)
{
	block->next = arena->blocks;
	arena->blocks = block;
	arena->free = block->data;
	arena->zeroed_end = block->data;
	arena->end = block->data + block->size;
}

void arena_reset(struct arena *arena)
{
	struct arena_block *kept = arena->blocks;
	if (!kept)
		return;
	arena->blocks = kept->next;
	arena_release(arena);
	arena_use_block(arena, kept);
}

static void arena_add_block(struct arena *arena, size_t size_min)
{
	/* Each block doubles the last, so that big batches need few of them. */
	size_t size = arena->blocks ? arena->blocks->size * 2 : ARENA_BLOCK_BYTES_MIN;
	if (size > ARENA_BLOCK_BYTES_MAX)
		size = ARENA_BLOCK_BYTES_MAX;
	if (size < size_min)
		size = size_min;
	struct arena_block *block = malloc(sizeof(*block) + size);
	CHECK(block != NULL);
	block->size = size;
	arena_use_block(arena, block);
}

/* What is left of the newest block. */
static size_t arena_room(const struct arena *arena)
{
	return (size_t)(arena->end - arena->free);
}

void *arena_alloc_more(struct arena *arena, size_t rounded)
{
	if (!arena->blocks || arena_room(arena) < rounded)
		arena_add_block(arena, rounded);
	unsigned char *memory = arena->free;
	arena->free += rounded;
	arena->allocated += rounded;
	if (arena->free > arena->zeroed_end) {
		size_t room = arena_room(arena);
		unsigned char *end = arena->free + (room < ARENA_ZEROED_BYTES ? room : ARENA_ZEROED_BYTES);
		memset(arena->zeroed_end, 0, (size_t)(end - arena->zeroed_end));
		arena->zeroed_end = end;
	}
	return memory;
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t size)
{
	CHECK(size == 0 || count <= SIZE_MAX / 2 / size);
	return arena_alloc(arena, count * size);
}

void *arena_copy(struct arena *arena, const void *data, size_t size)
{
	void *copy = arena_alloc(arena, size);
	if (size > 0)
		memcpy(copy, data, size);
	return copy;
}

char *arena_string_sized(struct arena *arena, const char *text, size_t size)
{
	char *copy = arena_alloc(arena, size + 1);
	if (size > 0)
		memcpy(copy, text, size);
	return copy;
}

char *arena_string(struct arena *arena, const char *text)
{
	return text ? arena_string_sized(arena, text, strlen(text)) : NULL;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list arguments)
{
	va_list again;
	va_copy(again, arguments);
	/* Formatting is what costs: where the text fits into the block it is made there at once. */
	size_t room = arena_room(arena);
	char *text = (char *)arena->free;
	int size = vsnprintf(text, room, format, arguments);
	CHECK(size >= 0);
	if ((size_t)size < room) {
		size_t rounded = arena_rounded((size_t)size + 1);
		arena->free += rounded;
		arena->allocated += rounded;
		if (arena->zeroed_end < arena->free)
			arena->zeroed_end = arena->free;
	} else {
		arena->zeroed_end = arena->free; /* written over */
		text = arena_alloc(arena, (size_t)size + 1);
		vsnprintf(text, (size_t)size + 1, format, again);
	}
	va_end(again);
	return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	char *text = arena_vprintf(arena, format, arguments);
	va_end(arguments);
	return text;
}

void *arena_grow(struct arena *arena, void *array, size_t count, size_t *capacity, size_t size)
{
	if (count < *capacity)
		return array;
	size_t grown = *capacity ? *capacity * 2 : 8;
	void *moved = arena_alloc_array(arena, grown, size);
	if (count > 0)
		memcpy(moved, array, count * size);
	*capacity = grown;
	return moved;
}
