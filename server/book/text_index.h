/*
 * Numbers texts in the order in which they are first seen: 0, 1, 2... Lines of one SKU are added up
 * by it. Lives in an arena; the texts are borrowed.
 */
#ifndef STOCKBOOK_BOOK_TEXT_INDEX_H
#define STOCKBOOK_BOOK_TEXT_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

struct text_index {
	const char **texts; /* by number */
	size_t count;
	size_t *slots; /* number + 1; open addressing */
	size_t slot_count;
};

/* For at most `most` different texts. */
void text_index_init(struct text_index *index, struct arena *arena, size_t most);
/* The text's number; *added says whether it is new. added may be NULL. */
size_t text_index_add(struct text_index *index, const char *text, bool *added);
/* Its number, or SIZE_MAX. */
size_t text_index_find(const struct text_index *index, const char *text);

#endif
