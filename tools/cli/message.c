#include "message.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "google/protobuf/wrappers.pb-c.h"
#include "message_json.h"
#include "parse.h"
#include "stockbook/v1/common.pb-c.h"

bool message_is(const ProtobufCMessageDescriptor *descriptor, const char *name)
{
	return strcmp(descriptor->name, name) == 0;
}

const void *message_field(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	return (const char *)message + field->offset;
}

char **message_text_field(ProtobufCMessage *message, const char *name)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
	if (!field || field->type != PROTOBUF_C_TYPE_STRING ||
		field->label == PROTOBUF_C_LABEL_REPEATED)
		return NULL;
	return (char **)(uintptr_t)message_field(message, field);
}

static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessage *message, const char *name)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
	CHECK(field);
	return field;
}

static void *value_of(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	return (char *)message + field->offset;
}

ProtobufCMessage *message_new(struct arena *arena, const ProtobufCMessageDescriptor *descriptor)
{
	ProtobufCMessage *message = arena_alloc(arena, descriptor->sizeof_message);
	descriptor->message_init(message);
	return message;
}

void message_set_text(ProtobufCMessage *message, const char *name, const char *text)
{
	char **field = message_text_field(message, name);
	CHECK(field);
	*field = text_of(text);
}

static bool is_wide(const ProtobufCFieldDescriptor *field)
{
	CHECK(field->label != PROTOBUF_C_LABEL_REPEATED);
	CHECK(field->type == PROTOBUF_C_TYPE_INT64 || field->type == PROTOBUF_C_TYPE_INT32 ||
		  field->type == PROTOBUF_C_TYPE_ENUM || field->type == PROTOBUF_C_TYPE_BOOL);
	return field->type == PROTOBUF_C_TYPE_INT64;
}

void message_set_number(ProtobufCMessage *message, const char *name, int64_t number)
{
	const ProtobufCFieldDescriptor *field = field_of(message, name);
	if (is_wide(field)) {
		*(int64_t *)value_of(message, field) = number;
		return;
	}
	CHECK(number >= INT32_MIN && number <= INT32_MAX);
	*(int32_t *)value_of(message, field) = (int32_t)number;
}

int64_t message_number(const ProtobufCMessage *message, const char *name)
{
	const ProtobufCFieldDescriptor *field = field_of(message, name);
	const void *value = message_field(message, field);
	return is_wide(field) ? *(const int64_t *)value : *(const int32_t *)value;
}

void message_set_part(ProtobufCMessage *message, const char *name, ProtobufCMessage *part)
{
	const ProtobufCFieldDescriptor *field = field_of(message, name);
	CHECK(field->type == PROTOBUF_C_TYPE_MESSAGE && field->label != PROTOBUF_C_LABEL_REPEATED);
	*(ProtobufCMessage **)value_of(message, field) = part;
}

void message_set_parts(ProtobufCMessage *message, const char *name, void *parts, size_t count)
{
	const ProtobufCFieldDescriptor *field = field_of(message, name);
	CHECK(field->type == PROTOBUF_C_TYPE_MESSAGE && field->label == PROTOBUF_C_LABEL_REPEATED);
	*(void **)value_of(message, field) = parts;
	*(size_t *)(void *)((char *)message + field->quantifier_offset) = count;
}

bool message_has(const ProtobufCMessage *message, const char *name)
{
	return protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name) != NULL;
}

static size_t value_size(const ProtobufCFieldDescriptor *field)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return 8;
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_BOOL:
	case PROTOBUF_C_TYPE_ENUM:
		return 4;
	}
	CHECK(false);
}

static bool is_default(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	static const char zero[8];
	const void *value = message_field(message, field);
	if (field->type == PROTOBUF_C_TYPE_STRING) {
		const char *text = *(const char *const *)value;
		return !text || !*text;
	}
	if (field->type == PROTOBUF_C_TYPE_BYTES)
		return ((const ProtobufCBinaryData *)value)->len == 0;
	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		return !*(const void *const *)value;
	return memcmp(value, zero, value_size(field)) == 0;
}

size_t message_field_count(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	const char *quantifier = (const char *)message + field->quantifier_offset;
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return *(const size_t *)(const void *)quantifier;
	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		return *(const uint32_t *)(const void *)quantifier == field->id;
	return !is_default(message, field);
}

const void *message_field_value(const ProtobufCMessage *message,
	const ProtobufCFieldDescriptor *field, size_t index)
{
	const void *value = message_field(message, field);
	if (field->label != PROTOBUF_C_LABEL_REPEATED)
		return value;
	return *(const char *const *)value + index * value_size(field);
}

const ProtobufCMessage *message_part(const ProtobufCMessage *message, const char *name)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
	CHECK(field && field->type == PROTOBUF_C_TYPE_MESSAGE);
	return *(const ProtobufCMessage *const *)message_field(message, field);
}

const ProtobufCMessage *const *message_parts(const ProtobufCMessage *message, const char *name,
	size_t *count)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
	CHECK(field && field->label == PROTOBUF_C_LABEL_REPEATED);
	*count = message_field_count(message, field);
	return *(const ProtobufCMessage *const *const *)message_field(message, field);
}

static const char *enum_text(const ProtobufCEnumDescriptor *descriptor, int value)
{
	const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(descriptor, value);
	const char *first = descriptor->values[0].name;
	const char *prefix_end = strstr(first, "UNSPECIFIED");
	if (!found)
		return "?";
	return value == 0 ? "" : found->name + (prefix_end ? prefix_end - first : 0);
}

static const char *money_text(struct arena *arena, const Stockbook__V1__Money *money)
{
	int digits = currency_digits(money->currency_code);
	int64_t scale = digits == 0 ? 1 : digits == 2 ? 100 : 1000;
	uint64_t amount =
		money->minor_units < 0 ? -(uint64_t)money->minor_units : (uint64_t)money->minor_units;
	const char *sign = money->minor_units < 0 ? "-" : "";
	if (!digits)
		return arena_printf(arena, "%s%" PRIu64 " %s", sign, amount, money->currency_code);
	return arena_printf(arena, "%s%" PRIu64 ".%0*" PRIu64 " %s", sign, amount / (uint64_t)scale,
		digits, amount % (uint64_t)scale, money->currency_code);
}

static const char *time_text(struct arena *arena, const Google__Protobuf__Timestamp *timestamp)
{
	char text[64];
	time_t seconds = timestamp->seconds;
	struct tm tm;
	if (!gmtime_r(&seconds, &tm) || !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%SZ", &tm))
		return "?";
	return arena_string(arena, text);
}

static const char *part_text(struct arena *arena, const ProtobufCMessage *part)
{
	if (message_is(part->descriptor, "stockbook.v1.Money"))
		return money_text(arena, (const Stockbook__V1__Money *)part);
	if (message_is(part->descriptor, "google.protobuf.Timestamp"))
		return time_text(arena, (const Google__Protobuf__Timestamp *)part);
	if (message_is(part->descriptor, "google.protobuf.Int64Value"))
		return arena_printf(arena, "%" PRId64, ((const Google__Protobuf__Int64Value *)part)->value);
	return message_to_json(arena, part, false);
}

static const char *value_text(struct arena *arena, const ProtobufCFieldDescriptor *field,
	const void *value)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		return *(const char *const *)value;
	case PROTOBUF_C_TYPE_BOOL:
		return *(const protobuf_c_boolean *)value ? "yes" : "no";
	case PROTOBUF_C_TYPE_ENUM:
		return enum_text(field->descriptor, *(const int *)value);
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		return arena_printf(arena, "%" PRId32, *(const int32_t *)value);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		return arena_printf(arena, "%" PRId64, *(const int64_t *)value);
	case PROTOBUF_C_TYPE_MESSAGE:
		return part_text(arena, *(const ProtobufCMessage *const *)value);
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_DOUBLE:
	case PROTOBUF_C_TYPE_BYTES:
		break;
	}
	return json_value_text(arena, field, value);
}

const char *message_text(struct arena *arena, const ProtobufCMessage *message,
	const char *field_name)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(message->descriptor, field_name);
	CHECK(field);
	if (field->label != PROTOBUF_C_LABEL_REPEATED) {
		if (field->type == PROTOBUF_C_TYPE_MESSAGE && !message_field_count(message, field))
			return "";
		return value_text(arena, field, message_field(message, field));
	}
	const char *text = "";
	size_t count = message_field_count(message, field);
	for (size_t i = 0; i < count; i++)
		text = arena_printf(arena, "%s%s%s", text, i ? ", " : "",
			value_text(arena, field, message_field_value(message, field, i)));
	return text;
}
