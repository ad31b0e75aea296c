/*
 * Arena: all memory of one call, or of one batch, freed at once.
 * Owned by whoever initialised it; not for use by two threads at a time.
 * Running out of memory is not survivable and aborts.
 */
#ifndef STOCKBOOK_BASE_ARENA_H
#define STOCKBOOK_BASE_ARENA_H

#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

struct arena_block;

struct arena {
	struct arena_block *blocks; /* newest first */
	size_t allocated;           /* bytes handed out since init or reset */
	/* Of the newest block: what is free, of which the first is zeroed. */
	unsigned char *free;
	unsigned char *zeroed_end;
	unsigned char *end;
};

void arena_init(struct arena *arena);
/* Frees every block. The arena may be used again after arena_init(). */
void arena_release(struct arena *arena);
/* Forgets every allocation, keeps one block for the next use. */
void arena_reset(struct arena *arena);

static inline size_t arena_rounded(size_t size)
{
	return (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
}

/* What arena_alloc() does where it has not enough zeroed memory. */
void *arena_alloc_more(struct arena *arena, size_t rounded);

/* Zeroed, aligned for any type. Never NULL; a size of 0 gives a valid pointer. */
static inline void *arena_alloc(struct arena *arena, size_t size)
{
	CHECK(size < SIZE_MAX / 2);
	size_t rounded = arena_rounded(size);
	if (rounded >= (size_t)(arena->zeroed_end - arena->free))
		return arena_alloc_more(arena, rounded);
	void *memory = arena->free;
	arena->free += rounded;
	arena->allocated += rounded;
	return memory;
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t size);
void *arena_copy(struct arena *arena, const void *data, size_t size);
/* NULL stays NULL. */
char *arena_string(struct arena *arena, const char *text);
char *arena_string_sized(struct arena *arena, const char *text, size_t size);
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
char *arena_vprintf(struct arena *arena, const char *format, va_list arguments);

/* Grows an array by one element's room; returns the (perhaps moved) array.
 * Doubles as it grows: *capacity is kept by the caller together with its count. */
void *arena_grow(struct arena *arena, void *array, size_t count, size_t *capacity, size_t size);

#endif
