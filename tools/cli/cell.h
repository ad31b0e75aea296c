/*
 * One cell of a table: a field as people read it, by the kind of its column, and its colour. A
 * colour only helps to find what a word says.
 */
#ifndef STOCKBOOK_CLI_CELL_H
#define STOCKBOOK_CLI_CELL_H

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"
#include "view.h"

const char *cell_text(struct arena *arena, const ProtobufCMessage *message,
	const struct column *column);
/* The name of a colour for libsmartcols, or NULL. */
const char *cell_colour(const char *text, int kind);

#endif
