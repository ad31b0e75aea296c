/*
 * Where in a request something is, as a chain on the stack: it costs nothing until it is told.
 */
#ifndef STOCKBOOK_API_PLACE_H
#define STOCKBOOK_API_PLACE_H

#include <stddef.h>

#include "base/arena.h"

#define PLACE_NO_INDEX ((size_t)-1)

struct place {
	const struct place *parent; /* NULL: a field of the request itself */
	const char *field;
	size_t index; /* of a list's element, from 0 */
};

/* "lines[3].quantity"; "" for NULL. */
const char *place_path(const struct place *place, struct arena *arena);

#endif
