#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define ARENA_BLOCK_BYTES_MIN ((size_t)4096)
#define ARENA_BLOCK_BYTES_MAX ((size_t)1 << 20)

struct arena_block {
	struct arena_block *next;
	size_t size; /* bytes of data */
	size_t used;
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

void arena_reset(struct arena *arena)
{
	struct arena_block *kept = arena->blocks;
	if (!kept)
		return;
	arena->blocks = kept->next;
	arena_release(arena);
	kept->next = NULL;
	kept->used = 0;
	arena->blocks = kept;
}

static struct arena_block *arena_add_block(struct arena *arena, size_t size_min)
{
	/* Each block doubles the last, so that big batches need few of them. */
	size_t size = arena->blocks ? arena->blocks->size * 2 : ARENA_BLOCK_BYTES_MIN;
	if (size > ARENA_BLOCK_BYTES_MAX)
		size = ARENA_BLOCK_BYTES_MAX;
	if (size < size_min)
		size = size_min;
	struct arena_block *block = malloc(sizeof(*block) + size);
	CHECK(block != NULL);
	block->next = arena->blocks;
	block->size = size;
	block->used = 0;
	arena->blocks = block;
	return block;
}

static size_t arena_rounded(size_t size)
{
	return (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
}

void *arena_alloc(struct arena *arena, size_t size)
{
	CHECK(size < SIZE_MAX / 2);
	size_t rounded = arena_rounded(size);
	struct arena_block *block = arena->blocks;
	if (!block || block->size - block->used < rounded)
		block = arena_add_block(arena, rounded);
	void *memory = block->data + block->used;
	block->used += rounded;
	arena->allocated += rounded;
	memset(memory, 0, rounded);
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

/* What is left of the newest block. */
static size_t arena_room(const struct arena *arena)
{
	return arena->blocks ? arena->blocks->size - arena->blocks->used : 0;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list arguments)
{
	va_list again;
	va_copy(again, arguments);
	/* Formatting is what costs: where the text fits into the block it is made there at once. */
	size_t room = arena_room(arena);
	char *text = room ? (char *)arena->blocks->data + arena->blocks->used : NULL;
	int size = vsnprintf(text, room, format, arguments);
	CHECK(size >= 0);
	size_t rounded = arena_rounded((size_t)size + 1);
	if (rounded <= room) {
		arena->blocks->used += rounded;
		arena->allocated += rounded;
	} else {
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
