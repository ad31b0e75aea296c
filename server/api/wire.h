/*
 * The check of a request's bytes before they are unpacked: protobuf-c itself looks neither at UTF-8
 * nor at NUL characters (which would silently cut a text), and a few bytes on the wire may become
 * many in memory. Knows the message's descriptor and nothing of what the message means.
 */
#ifndef STOCKBOOK_API_WIRE_H
#define STOCKBOOK_API_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"

/* Of messages within messages. */
#define WIRE_DEPTH_MAX 16
/* Fields in all, unknown ones too: 10,000 lines of 8 fields with an amount of money each take
 * 120,000. */
#define WIRE_FIELDS_MAX 250000

struct wire_fault {
	const char *field;   /* "lines[3].sku"; "" where it is not known */
	const char *problem; /* "is not valid UTF-8" */
};

/* False: the message is malformed, and *fault (in the arena) says what and where. True: it can be
 * unpacked. */
MUST_USE bool wire_check(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes,
	size_t size, struct arena *arena, struct wire_fault *fault);

#endif
