/*
 * Any message, by its descriptor: find a field, see whether it is there, read it as text.
 */
#ifndef STOCKBOOK_CLI_MESSAGE_H
#define STOCKBOOK_CLI_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"

/* A string field by its name, for reading and setting; NULL when there is none of that name. */
char **message_text_field(ProtobufCMessage *message, const char *name);
/* A new message of that type, empty. */
ProtobufCMessage *message_new(struct arena *arena, const ProtobufCMessageDescriptor *descriptor);
/* Sets a field by its name; it must be one of that type (enums and 32-bit integers are numbers). */
void message_set_text(ProtobufCMessage *message, const char *name, const char *text);
void message_set_number(ProtobufCMessage *message, const char *name, int64_t number);
void message_set_part(ProtobufCMessage *message, const char *name, ProtobufCMessage *part);
/* The messages of a repeated field, which are of the type that the field has. */
void message_set_parts(ProtobufCMessage *message, const char *name, void *parts, size_t count);
bool message_has(const ProtobufCMessage *message, const char *name);
/* An integer or enum by its name. */
int64_t message_number(const ProtobufCMessage *message, const char *name);
/* Where the field's value is. */
const void *message_field(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);
/* How many values the field has: elements, or 1 or 0 by presence. Proto3 fields without presence
 * count as there when they are not their default. */
size_t message_field_count(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);
/* One value of it, of the C type that belongs to the field's type. */
const void *message_field_value(const ProtobufCMessage *message,
	const ProtobufCFieldDescriptor *field, size_t index);
/* A submessage by name, or NULL. */
const ProtobufCMessage *message_part(const ProtobufCMessage *message, const char *name);
/* A repeated submessage by name. */
const ProtobufCMessage *const *message_parts(const ProtobufCMessage *message, const char *name,
	size_t *count);
/* The field as people read it: money as "2.55 GBP", times as "2026-11-21 14:30:00Z", enums without
 * their prefix, absent as "". */
const char *message_text(struct arena *arena, const ProtobufCMessage *message,
	const char *field_name);
/* True for the name of a message type, such as "google.protobuf.Timestamp". */
bool message_is(const ProtobufCMessageDescriptor *descriptor, const char *name);

#endif
