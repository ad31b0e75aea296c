/*
 * The canonical proto3 JSON mapping, both ways, for any message, by one walk over its descriptor:
 * lowerCamelCase names, 64-bit integers as texts, enums by name, times as RFC 3339, durations as
 * "900s", wrappers as their value, bytes as base64. Fields at their default are left out.
 */
#ifndef STOCKBOOK_CLI_MESSAGE_JSON_H
#define STOCKBOOK_CLI_MESSAGE_JSON_H

#include <stdbool.h>
#include <stdio.h>

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"

/* pretty: indented by two spaces, a field a line. */
const char *message_to_json(struct arena *arena, const ProtobufCMessage *message, bool pretty);
/* The same into a file, with a newline at the end; depth is how far it is indented already. */
void message_write_json(FILE *file, const ProtobufCMessage *message, bool pretty, int depth);
void json_write_text(FILE *file, const char *text);
/* A field's name in lowerCamelCase, in quotes. */
void json_write_name(FILE *file, const char *name);
/* The value alone, without quotes around numbers. */
const char *json_value_text(struct arena *arena, const ProtobufCFieldDescriptor *field,
	const void *value);
/* NULL and *error (with the path of the field) when the text is not such a message. Takes field
 * names in lowerCamelCase and as in the proto file. */
MUST_USE ProtobufCMessage *message_from_json(struct arena *arena,
	const ProtobufCMessageDescriptor *descriptor, const char *text, const char **error);

#endif
