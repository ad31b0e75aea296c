/*
 * JSON to messages. The other way is message_json.c.
 */
#include "message_json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/check.h"
#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "message.h"
#include "parse.h"

/* Where the reader is and what went wrong there. */
struct reader {
	struct arena *arena;
	const char *path; /* "lines[0].sku" */
	const char *error;
};

static bool read_value(struct reader *reader, const ProtobufCFieldDescriptor *field, json_t *json,
	void *value);
static ProtobufCMessage *read_message(struct reader *reader,
	const ProtobufCMessageDescriptor *descriptor, json_t *json);

static bool wrong(struct reader *reader, const char *what)
{
	if (!reader->error)
		reader->error =
			arena_printf(reader->arena, "%s: %s", *reader->path ? reader->path : "request", what);
	return false;
}

/* lowerCamelCase or the proto's own name. */
static bool is_name_of(const char *key, const char *name)
{
	if (strcmp(key, name) == 0)
		return true;
	for (; *name; name++, key++) {
		char expected = *name;
		if (*name == '_' && name[1]) {
			name++;
			expected = *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A') : *name;
		}
		if (*key != expected)
			return false;
	}
	return *key == '\0';
}

static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *descriptor,
	const char *key)
{
	for (unsigned i = 0; i < descriptor->n_fields; i++)
		if (is_name_of(key, descriptor->fields[i].name))
			return &descriptor->fields[i];
	return NULL;
}

/* A JSON integer, or a text that is one; within the bounds. */
static bool read_integer(struct reader *reader, json_t *json, int64_t min, int64_t max,
	int64_t *number)
{
	if (json_is_integer(json))
		*number = json_integer_value(json);
	else if (json_is_real(json) && json_real_value(json) >= -9e15 &&
			 json_real_value(json) <= 9e15 &&
			 json_real_value(json) == (double)(int64_t)json_real_value(json))
		*number = (int64_t)json_real_value(json);
	else if (!json_is_string(json) || !parse_integer(json_string_value(json), number))
		return wrong(reader, "must be a whole number");
	if (*number < min || *number > max)
		return wrong(reader, "is out of bounds");
	return true;
}

static bool read_unsigned(struct reader *reader, json_t *json, uint64_t *number)
{
	if (json_is_string(json)) {
		char *end;
		const char *text = json_string_value(json);
		errno = 0;
		*number = strtoull(text, &end, 10);
		if (*text >= '0' && *text <= '9' && !*end && !errno)
			return true;
		return wrong(reader, "must be a whole number, 0 or more");
	}
	int64_t value;
	if (!read_integer(reader, json, 0, INT64_MAX, &value))
		return false;
	*number = (uint64_t)value;
	return true;
}

static bool read_double(struct reader *reader, json_t *json, double *number)
{
	if (json_is_number(json)) {
		*number = json_number_value(json);
		return true;
	}
	if (json_is_string(json)) {
		char *end;
		const char *text = json_string_value(json);
		*number = strtod(text, &end);
		if (*text && !*end)
			return true;
	}
	return wrong(reader, "must be a number");
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

static bool read_bytes(struct reader *reader, json_t *json, ProtobufCBinaryData *bytes)
{
	if (!json_is_string(json))
		return wrong(reader, "must be base64 text");
	const char *text = json_string_value(json);
	size_t length = json_string_length(json);
	while (length && text[length - 1] == '=')
		length--;
	if (length % 4 == 1)
		return wrong(reader, "is not base64");
	bytes->data = arena_alloc(reader->arena, length * 3 / 4 + 1);
	bytes->len = 0;
	uint32_t bits = 0;
	int bits_count = 0;
	for (size_t i = 0; i < length; i++) {
		int value = base64_value(text[i]);
		if (value < 0)
			return wrong(reader, "is not base64");
		bits = bits << 6 | (uint32_t)value;
		bits_count += 6;
		if (bits_count >= 8) {
			bits_count -= 8;
			bytes->data[bytes->len++] = (uint8_t)(bits >> bits_count);
		}
	}
	return true;
}

static bool read_enum(struct reader *reader, const ProtobufCEnumDescriptor *descriptor,
	json_t *json, int *value)
{
	if (json_is_integer(json)) {
		*value = (int)json_integer_value(json);
		return true;
	}
	if (json_is_string(json) && parse_enum(descriptor, json_string_value(json), value))
		return true;
	return wrong(reader,
		arena_printf(reader->arena, "must be one of %s", enum_words(reader->arena, descriptor)));
}

/* The digits after the point, as nanoseconds; *end behind them. */
static int32_t read_nanos(const char *text, const char **end)
{
	int32_t nanos = 0;
	int digits = 0;
	if (*text == '.')
		for (text++; *text >= '0' && *text <= '9'; text++, digits++)
			if (digits < 9)
				nanos = nanos * 10 + (*text - '0');
	for (; digits < 9; digits++)
		nanos *= 10;
	*end = text;
	return nanos;
}

static bool read_timestamp(struct reader *reader, json_t *json,
	Google__Protobuf__Timestamp *timestamp)
{
	const char *text = json_is_string(json) ? json_string_value(json) : "";
	const char *point = strchr(text, '.');
	const char *end;
	const char *whole = text;
	if (point) {
		timestamp->nanos = read_nanos(point, &end);
		whole = arena_printf(reader->arena, "%.*s%s", (int)(point - text), text, end);
	}
	/* A duration is no time here. */
	if (!strchr(whole, 'T') || !parse_time(whole, &timestamp->seconds))
		return wrong(reader, "must be a time such as \"2026-11-21T14:30:00Z\"");
	return true;
}

static bool read_duration(struct reader *reader, json_t *json, Google__Protobuf__Duration *duration)
{
	const char *text = json_is_string(json) ? json_string_value(json) : "";
	size_t digits = strspn(text, "-0123456789");
	const char *end;
	int32_t nanos = read_nanos(text + digits, &end);
	if (strcmp(end, "s") != 0 ||
		!parse_integer(arena_string_sized(reader->arena, text, digits), &duration->seconds))
		return wrong(reader, "must be a duration such as \"900s\"");
	duration->nanos = *text == '-' ? -nanos : nanos;
	return true;
}

/* True when the type has a form of its own and *ok says whether it was right. */
static bool read_well_known(struct reader *reader, ProtobufCMessage *message, json_t *json,
	bool *ok)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	if (strncmp(descriptor->name, "google.protobuf.", 16) != 0)
		return false;
	if (message_is(descriptor, "google.protobuf.Timestamp"))
		*ok = read_timestamp(reader, json, (Google__Protobuf__Timestamp *)message);
	else if (message_is(descriptor, "google.protobuf.Duration"))
		*ok = read_duration(reader, json, (Google__Protobuf__Duration *)message);
	else if (descriptor->n_fields == 1)
		*ok = read_value(reader, &descriptor->fields[0], json,
			(void *)(uintptr_t)message_field(message, &descriptor->fields[0]));
	else
		return false;
	return true;
}

static bool read_repeated(struct reader *reader, const ProtobufCFieldDescriptor *field,
	json_t *json, ProtobufCMessage *message)
{
	if (!json_is_array(json))
		return wrong(reader, "must be a list");
	const char *path = reader->path;
	size_t count = json_array_size(json);
	/* 16 bytes are the largest value: bytes. */
	char *values = arena_alloc_array(reader->arena, count, 16);
	size_t *quantifier = (size_t *)(void *)((char *)message + field->quantifier_offset);
	*(char **)(void *)((char *)message + field->offset) = values;
	*quantifier = count;
	for (size_t i = 0; i < count; i++) {
		reader->path = arena_printf(reader->arena, "%s[%zu]", path, i);
		void *value = (void *)(uintptr_t)message_field_value(message, field, i);
		if (!read_value(reader, field, json_array_get(json, i), value))
			return false;
	}
	reader->path = path;
	return true;
}

static bool read_field(struct reader *reader, const ProtobufCFieldDescriptor *field, json_t *json,
	ProtobufCMessage *message)
{
	if (json_is_null(json))
		return true;
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return read_repeated(reader, field, json, message);
	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		*(uint32_t *)(void *)((char *)message + field->quantifier_offset) = field->id;
	return read_value(reader, field, json, (char *)message + field->offset);
}

static ProtobufCMessage *read_message(struct reader *reader,
	const ProtobufCMessageDescriptor *descriptor, json_t *json)
{
	ProtobufCMessage *message = arena_alloc(reader->arena, descriptor->sizeof_message);
	protobuf_c_message_init(descriptor, message);
	bool ok;
	if (read_well_known(reader, message, json, &ok))
		return ok ? message : NULL;
	if (!json_is_object(json)) {
		wrong(reader, "must be an object");
		return NULL;
	}
	const char *path = reader->path;
	const char *key;
	json_t *part;
	json_object_foreach(json, key, part)
	{
		const ProtobufCFieldDescriptor *field = find_field(descriptor, key);
		reader->path = arena_printf(reader->arena, "%s%s%s", path, *path ? "." : "", key);
		if (!field) {
			wrong(reader, "there is no such field");
			return NULL;
		}
		if (!read_field(reader, field, part, message))
			return NULL;
	}
	reader->path = path;
	return message;
}

static bool read_text(struct reader *reader, json_t *json, char **text)
{
	if (!json_is_string(json))
		return wrong(reader, "must be text");
	*text = arena_string(reader->arena, json_string_value(json));
	return true;
}

static bool read_number(struct reader *reader, const ProtobufCFieldDescriptor *field, json_t *json,
	void *value)
{
	bool wide = field->type == PROTOBUF_C_TYPE_INT64 || field->type == PROTOBUF_C_TYPE_SINT64 ||
				field->type == PROTOBUF_C_TYPE_SFIXED64;
	int64_t number;
	if (!read_integer(reader, json, wide ? INT64_MIN : INT32_MIN, wide ? INT64_MAX : INT32_MAX,
			&number))
		return false;
	if (wide)
		*(int64_t *)value = number;
	else
		*(int32_t *)value = (int32_t)number;
	return true;
}

static bool read_value(struct reader *reader, const ProtobufCFieldDescriptor *field, json_t *json,
	void *value)
{
	uint64_t number;
	double real = 0;
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		return read_number(reader, field, json, value);
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		if (!read_unsigned(reader, json, &number))
			return false;
		*(uint32_t *)value = (uint32_t)number;
		return number <= UINT32_MAX || wrong(reader, "is out of bounds");
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		return read_unsigned(reader, json, value);
	case PROTOBUF_C_TYPE_FLOAT:
		if (!read_double(reader, json, &real))
			return false;
		*(float *)value = (float)real;
		return true;
	case PROTOBUF_C_TYPE_DOUBLE:
		return read_double(reader, json, value);
	case PROTOBUF_C_TYPE_BOOL:
		*(protobuf_c_boolean *)value = json_is_true(json);
		return json_is_boolean(json) || wrong(reader, "must be true or false");
	case PROTOBUF_C_TYPE_ENUM:
		return read_enum(reader, field->descriptor, json, value);
	case PROTOBUF_C_TYPE_STRING:
		return read_text(reader, json, value);
	case PROTOBUF_C_TYPE_BYTES:
		return read_bytes(reader, json, value);
	case PROTOBUF_C_TYPE_MESSAGE:
		*(ProtobufCMessage **)value = read_message(reader, field->descriptor, json);
		return *(ProtobufCMessage **)value != NULL;
	}
	return wrong(reader, "is of a type that is not known here");
}

ProtobufCMessage *message_from_json(struct arena *arena,
	const ProtobufCMessageDescriptor *descriptor, const char *text, const char **error)
{
	json_error_t where;
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
	if (!json) {
		*error = arena_printf(arena, "not JSON: line %d, column %d: %s", where.line, where.column,
			where.text);
		return NULL;
	}
	struct reader reader = {.arena = arena, .path = ""};
	ProtobufCMessage *message = read_message(&reader, descriptor, json);
	json_decref(json);
	*error = reader.error;
	return message;
}
