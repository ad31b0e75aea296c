/*
 * Messages to JSON. The other way is json_message.c.
 */
#include "message_json.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "google/protobuf/wrappers.pb-c.h"
#include "message.h"

static void write_value(FILE *file, const ProtobufCFieldDescriptor *field, const void *value,
	bool pretty, int depth);

void json_write_text(FILE *file, const char *text)
{
	fputc('"', file);
	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		static const char escaped[] = "\"\\\b\f\n\r\t";
		static const char letters[] = "\"\\bfnrt";
		const char *found = strchr(escaped, *at);
		if (found)
			fprintf(file, "\\%c", letters[found - escaped]);
		else if (*at < 0x20 || *at == 0x7f)
			fprintf(file, "\\u%04x", *at);
		else
			fputc(*at, file);
	}
	fputc('"', file);
}

/* sku_prefix becomes skuPrefix. */
void json_write_name(FILE *file, const char *name)
{
	fputc('"', file);
	for (; *name; name++) {
		if (*name == '_' && name[1]) {
			name++;
			fputc(*name >= 'a' && *name <= 'z' ? *name - 'a' + 'A' : *name, file);
		} else {
			fputc(*name, file);
		}
	}
	fputc('"', file);
}

/* 9, 6, 3 or no digits, as few as say it. */
static void write_nanos(FILE *file, int32_t nanos)
{
	if (nanos % 1000000 == 0 && nanos)
		fprintf(file, ".%03" PRId32, nanos / 1000000);
	else if (nanos % 1000 == 0 && nanos)
		fprintf(file, ".%06" PRId32, nanos / 1000);
	else if (nanos)
		fprintf(file, ".%09" PRId32, nanos);
}

static void write_timestamp(FILE *file, const Google__Protobuf__Timestamp *timestamp)
{
	char text[64] = "";
	time_t seconds = timestamp->seconds;
	struct tm tm;
	if (gmtime_r(&seconds, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	fprintf(file, "\"%s", text);
	write_nanos(file, timestamp->nanos);
	fputs("Z\"", file);
}

static void write_duration(FILE *file, const Google__Protobuf__Duration *duration)
{
	bool negative = duration->seconds < 0 || duration->nanos < 0;
	fprintf(file, "\"%s%" PRIu64, negative ? "-" : "",
		negative ? -(uint64_t)duration->seconds : (uint64_t)duration->seconds);
	write_nanos(file, negative ? -duration->nanos : duration->nanos);
	fputs("s\"", file);
}

/* As few digits as give the same number again. */
static void write_double(FILE *file, double value)
{
	if (isnan(value) || isinf(value)) {
		fputs(isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"", file);
		return;
	}
	char text[64];
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	fputs(text, file);
}

static void write_bytes(FILE *file, const ProtobufCBinaryData *bytes)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	fputc('"', file);
	for (size_t i = 0; i < bytes->len; i += 3) {
		size_t left = bytes->len - i;
		uint32_t three = (uint32_t)bytes->data[i] << 16;
		three |= left > 1 ? (uint32_t)bytes->data[i + 1] << 8 : 0;
		three |= left > 2 ? bytes->data[i + 2] : 0;
		fputc(letters[three >> 18], file);
		fputc(letters[three >> 12 & 63], file);
		fputc(left > 1 ? letters[three >> 6 & 63] : '=', file);
		fputc(left > 2 ? letters[three & 63] : '=', file);
	}
	fputc('"', file);
}

static void new_line(FILE *file, bool pretty, int depth)
{
	if (pretty)
		fprintf(file, "\n%*s", 2 * depth, "");
}

static void write_repeated(FILE *file, const ProtobufCMessage *message,
	const ProtobufCFieldDescriptor *field, bool pretty, int depth)
{
	size_t count = message_field_count(message, field);
	/* Plain values stay on one line. */
	bool lines = pretty && field->type == PROTOBUF_C_TYPE_MESSAGE;
	fputc('[', file);
	for (size_t i = 0; i < count; i++) {
		if (i)
			fputs(pretty && !lines ? ", " : ",", file);
		new_line(file, lines, depth + 1);
		write_value(file, field, message_field_value(message, field, i), pretty, depth + 1);
	}
	new_line(file, lines, depth);
	fputc(']', file);
}

/* Types with a JSON form of their own. */
static bool write_well_known(FILE *file, const ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	if (strncmp(descriptor->name, "google.protobuf.", 16) != 0)
		return false;
	if (message_is(descriptor, "google.protobuf.Timestamp")) {
		write_timestamp(file, (const Google__Protobuf__Timestamp *)message);
		return true;
	}
	if (message_is(descriptor, "google.protobuf.Duration")) {
		write_duration(file, (const Google__Protobuf__Duration *)message);
		return true;
	}
	/* A wrapper is its value. */
	if (descriptor->n_fields == 1 && strcmp(descriptor->fields[0].name, "value") == 0) {
		write_value(file, &descriptor->fields[0], message_field(message, &descriptor->fields[0]),
			false, 0);
		return true;
	}
	return false;
}

static void write_message(FILE *file, const ProtobufCMessage *message, bool pretty, int depth)
{
	if (write_well_known(file, message))
		return;
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	bool any = false;
	fputc('{', file);
	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
		if (!message_field_count(message, field))
			continue;
		if (any)
			fputc(',', file);
		any = true;
		new_line(file, pretty, depth + 1);
		json_write_name(file, field->name);
		fputs(pretty ? ": " : ":", file);
		if (field->label == PROTOBUF_C_LABEL_REPEATED)
			write_repeated(file, message, field, pretty, depth + 1);
		else
			write_value(file, field, message_field(message, field), pretty, depth + 1);
	}
	new_line(file, pretty && any, depth);
	fputc('}', file);
}

static void write_enum(FILE *file, const ProtobufCEnumDescriptor *descriptor, int value)
{
	const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(descriptor, value);
	if (found)
		fprintf(file, "\"%s\"", found->name);
	else
		fprintf(file, "%d", value);
}

static void write_value(FILE *file, const ProtobufCFieldDescriptor *field, const void *value,
	bool pretty, int depth)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		fprintf(file, "%" PRId32, *(const int32_t *)value);
		break;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		fprintf(file, "%" PRIu32, *(const uint32_t *)value);
		break;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		fprintf(file, "\"%" PRId64 "\"", *(const int64_t *)value);
		break;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		fprintf(file, "\"%" PRIu64 "\"", *(const uint64_t *)value);
		break;
	case PROTOBUF_C_TYPE_FLOAT:
		write_double(file, (double)*(const float *)value);
		break;
	case PROTOBUF_C_TYPE_DOUBLE:
		write_double(file, *(const double *)value);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		fputs(*(const protobuf_c_boolean *)value ? "true" : "false", file);
		break;
	case PROTOBUF_C_TYPE_ENUM:
		write_enum(file, field->descriptor, *(const int *)value);
		break;
	case PROTOBUF_C_TYPE_STRING:
		json_write_text(file, *(const char *const *)value);
		break;
	case PROTOBUF_C_TYPE_BYTES:
		write_bytes(file, value);
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		write_message(file, *(const ProtobufCMessage *const *)value, pretty, depth);
		break;
	}
}

void message_write_json(FILE *file, const ProtobufCMessage *message, bool pretty, int depth)
{
	write_message(file, message, pretty, depth);
}

const char *message_to_json(struct arena *arena, const ProtobufCMessage *message, bool pretty)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	CHECK(file);
	write_message(file, message, pretty, 0);
	CHECK(fclose(file) == 0);
	const char *copy = arena_string_sized(arena, text, size);
	free(text);
	return copy;
}

const char *json_value_text(struct arena *arena, const ProtobufCFieldDescriptor *field,
	const void *value)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	CHECK(file);
	write_value(file, field, value, false, 0);
	CHECK(fclose(file) == 0);
	bool quoted = size >= 2 && text[0] == '"';
	const char *copy = quoted ? arena_string_sized(arena, text + 1, size - 2)
							  : arena_string_sized(arena, text, size);
	free(text);
	return copy;
}
