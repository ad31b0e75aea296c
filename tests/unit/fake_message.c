#include "unit/fake_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ELEMENTS_MAX 200000

static ProtobufCMessage *new_message(struct arena *arena,
	const ProtobufCMessageDescriptor *descriptor)
{
	ProtobufCMessage *message = arena_alloc(arena, descriptor->sizeof_message);
	descriptor->message_init(message);
	return message;
}

static size_t value_size(const ProtobufCFieldDescriptor *field)
{
	switch ((unsigned)field->type) {
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return sizeof(int64_t);
	default:
		return sizeof(int32_t);
	}
}

static void set_value(struct arena *arena, const ProtobufCFieldDescriptor *field, void *to,
	const char *value)
{
	switch ((unsigned)field->type) {
	case PROTOBUF_C_TYPE_STRING:
		*(char **)to = arena_string(arena, value);
		return;
	case PROTOBUF_C_TYPE_BYTES:
		*(ProtobufCBinaryData *)to =
			(ProtobufCBinaryData){strlen(value), (uint8_t *)arena_string(arena, value)};
		return;
	case PROTOBUF_C_TYPE_INT64:
		*(int64_t *)to = strtoll(value, NULL, 10);
		return;
	case PROTOBUF_C_TYPE_DOUBLE:
		*(double *)to = strtod(value, NULL);
		return;
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_ENUM:
	case PROTOBUF_C_TYPE_BOOL:
		*(int32_t *)to = (int32_t)strtol(value, NULL, 10);
		return;
	default:
		fail_msg("field '%s' has a type that tests do not use", field->name);
	}
}

static void set_path(struct arena *arena, ProtobufCMessage *message, const char *path,
	const char *value);

/* The rest of the path within a value; "" when this is the field itself. */
static void set_inside(struct arena *arena, const ProtobufCFieldDescriptor *field, void *to,
	const char *rest, const char *value)
{
	if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
		set_value(arena, field, to, value);
		return;
	}
	ProtobufCMessage **inside = to;
	if (!*rest && strcmp(value, "-") == 0) {
		*inside = NULL;
		return;
	}
	if (!*inside)
		*inside = new_message(arena, field->descriptor);
	if (*rest)
		set_path(arena, *inside, rest + 1, value);
}

static void grow(struct arena *arena, ProtobufCMessage *message,
	const ProtobufCFieldDescriptor *field, size_t count)
{
	size_t *have = (size_t *)(void *)((char *)message + field->quantifier_offset);
	void **list = (void **)(void *)((char *)message + field->offset);
	size_t size = value_size(field);
	if (count <= *have)
		return;
	char *grown = arena_alloc_array(arena, count, size);
	if (*have > 0)
		memcpy(grown, *list, *have * size);
	for (size_t i = *have; i < count && field->type == PROTOBUF_C_TYPE_STRING; i++)
		((const char **)(void *)grown)[i] = "";
	for (size_t i = *have; i < count && field->type == PROTOBUF_C_TYPE_MESSAGE; i++)
		((ProtobufCMessage **)(void *)grown)[i] = new_message(arena, field->descriptor);
	*list = grown;
	*have = count;
}

static void set_path(struct arena *arena, ProtobufCMessage *message, const char *path,
	const char *value)
{
	size_t length = strcspn(path, ".[");
	const char *name = arena_string_sized(arena, path, length);
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
	if (!field)
		fail_msg("'%s' has no field '%s'", message->descriptor->name, name);
	void *member = (char *)message + field->offset;
	const char *rest = path + length;
	if (*rest != '[') {
		if (field->label == PROTOBUF_C_LABEL_REPEATED)
			*(size_t *)(void *)((char *)message + field->quantifier_offset) = 0;
		else
			set_inside(arena, field, member, rest, value);
		return;
	}
	bool all = rest[1] == '#';
	char *end;
	size_t index = strtoul(rest + (all ? 2 : 1), &end, 10);
	assert_int_equal(*end, ']');
	assert_true(index < ELEMENTS_MAX);
	size_t first = all ? 0 : index;
	size_t last = all ? index : index + 1;
	grow(arena, message, field, last);
	char *elements = *(char **)member;
	for (size_t i = first; i < last; i++)
		set_inside(arena, field, elements + i * value_size(field), end + 1, value);
}

static void apply(struct arena *arena, ProtobufCMessage *message, const char *text)
{
	char *save = NULL;
	char *entries = arena_string(arena, text);
	for (char *entry = strtok_r(entries, ";", &save); entry; entry = strtok_r(NULL, ";", &save)) {
		entry += strspn(entry, " ");
		char *value = strchr(entry, '=');
		if (!value)
			continue;
		*value++ = '\0';
		set_path(arena, message, entry, value);
	}
}

ProtobufCMessage *fake_message(struct arena *arena, const ProtobufCMessageDescriptor *descriptor,
	const char *text, const char *changes)
{
	ProtobufCMessage *message = new_message(arena, descriptor);
	apply(arena, message, text);
	if (changes)
		apply(arena, message, changes);
	return message;
}
