#include "api/wire.h"

#include <string.h>

#include "api/place.h"
#include "base/text.h"

#define WIRE_TAG_BYTES_MAX 5
#define WIRE_LENGTH_BYTES_MAX 5
#define WIRE_VARINT_BYTES_MAX 10
/* Fields whose elements are counted for the path; messages of the API have fewer. */
#define WIRE_COUNTED_MAX 32

struct wire {
	struct arena *arena;
	struct wire_fault *fault;
	size_t fields;
};

struct span {
	const uint8_t *at;
	const uint8_t *end;
};

static size_t span_left(const struct span *span)
{
	return (size_t)(span->end - span->at);
}

static bool wire_fail(struct wire *wire, const struct place *place, const char *problem)
{
	wire->fault->field = place_path(place, wire->arena);
	wire->fault->problem = problem;
	return false;
}

/* False: cut off, or longer than it may be. */
static bool span_varint(struct span *span, size_t bytes_max, uint64_t *value)
{
	*value = 0;
	for (size_t i = 0; i < bytes_max && span->at < span->end; i++) {
		uint8_t byte = *span->at++;
		*value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

/* Takes the next `size` bytes. */
static bool span_take(struct span *span, uint64_t size, struct span *taken)
{
	if (size > span_left(span))
		return false;
	*taken = (struct span){span->at, span->at + size};
	span->at += size;
	return true;
}

static ProtobufCWireType wire_type_of(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_BOOL:
	case PROTOBUF_C_TYPE_ENUM:
		return PROTOBUF_C_WIRE_TYPE_VARINT;
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_FLOAT:
		return PROTOBUF_C_WIRE_TYPE_32BIT;
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return PROTOBUF_C_WIRE_TYPE_64BIT;
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
	case PROTOBUF_C_TYPE_MESSAGE:
		return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
	}
	CHECK(!"a field's type is one of the above");
	return PROTOBUF_C_WIRE_TYPE_VARINT;
}

/* Takes one value of the wire type; *value is what a length says is inside, or the bytes. */
static bool span_value(struct span *span, unsigned type, struct span *value)
{
	uint64_t number;
	const uint8_t *start = span->at;
	switch (type) {
	case PROTOBUF_C_WIRE_TYPE_VARINT:
		if (!span_varint(span, WIRE_VARINT_BYTES_MAX, &number))
			return false;
		*value = (struct span){start, span->at};
		return true;
	case PROTOBUF_C_WIRE_TYPE_64BIT:
		return span_take(span, 8, value);
	case PROTOBUF_C_WIRE_TYPE_32BIT:
		return span_take(span, 4, value);
	default: /* length-prefixed: others were refused before */
		return span_varint(span, WIRE_LENGTH_BYTES_MAX, &number) && span_take(span, number, value);
	}
}

static bool wire_message(struct wire *wire, const ProtobufCMessageDescriptor *descriptor,
	struct span span, const struct place *parent, int depth);

static bool wire_text(struct wire *wire, struct span text, const struct place *place)
{
	if (span_left(&text) > 0 && memchr(text.at, '\0', span_left(&text)))
		return wire_fail(wire, place, "contains a NUL character");
	if (!text_is_utf8(text.at, span_left(&text)))
		return wire_fail(wire, place, "is not valid UTF-8");
	return true;
}

/* A list of numbers in one piece. */
static bool wire_packed(struct wire *wire, ProtobufCType type, struct span span,
	const struct place *place)
{
	unsigned wire_type = wire_type_of(type);
	while (span.at < span.end) {
		struct span value;
		if (++wire->fields > WIRE_FIELDS_MAX)
			return wire_fail(wire, place, "has too many elements");
		if (!span_value(&span, wire_type, &value))
			return wire_fail(wire, place, "is cut off");
	}
	return true;
}

static bool wire_field(struct wire *wire, const ProtobufCFieldDescriptor *field, unsigned type,
	struct span value, const struct place *place, int depth)
{
	if (type != (unsigned)wire_type_of(field->type)) {
		bool packable = field->label == PROTOBUF_C_LABEL_REPEATED &&
						wire_type_of(field->type) != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
		if (packable && type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
			return wire_packed(wire, field->type, value, place);
		return wire_fail(wire, place, "has another type on the wire");
	}
	if (field->type == PROTOBUF_C_TYPE_STRING)
		return wire_text(wire, value, place);
	if (field->type != PROTOBUF_C_TYPE_MESSAGE)
		return true;
	if (depth >= WIRE_DEPTH_MAX)
		return wire_fail(wire, place, "is nested too deeply");
	return wire_message(wire, field->descriptor, value, place, depth + 1);
}

/* One field of a message with its tag. counts: of list elements so far, by field. */
static bool wire_next(struct wire *wire, const ProtobufCMessageDescriptor *descriptor,
	struct span *span, const struct place *parent, int depth, size_t *counts)
{
	uint64_t tag;
	if (!span_varint(span, WIRE_TAG_BYTES_MAX, &tag))
		return wire_fail(wire, parent, "is cut off within a field's tag");
	unsigned type = (unsigned)(tag & 7);
	uint64_t number = tag >> 3;
	if (number == 0 || number >= 1U << 29)
		return wire_fail(wire, parent, "has a field number that cannot be");
	if (type > PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED && type != PROTOBUF_C_WIRE_TYPE_32BIT)
		return wire_fail(wire, parent, "has a wire type that cannot be");
	if (++wire->fields > WIRE_FIELDS_MAX)
		return wire_fail(wire, parent, "has too many fields");

	struct place place = {parent, NULL, PLACE_NO_INDEX};
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field(descriptor, (unsigned)number);
	if (field) {
		place.field = field->name;
		size_t index = (size_t)(field - descriptor->fields);
		if (field->label == PROTOBUF_C_LABEL_REPEATED && index < WIRE_COUNTED_MAX)
			place.index = counts[index]++;
	}
	struct span value;
	if (!span_value(span, type, &value))
		return wire_fail(wire, field ? &place : parent, "is cut off");
	return !field || wire_field(wire, field, type, value, &place, depth);
}

static bool wire_message(struct wire *wire, const ProtobufCMessageDescriptor *descriptor,
	struct span span, const struct place *parent, int depth)
{
	size_t counts[WIRE_COUNTED_MAX] = {0};
	while (span.at < span.end) {
		if (!wire_next(wire, descriptor, &span, parent, depth, counts))
			return false;
	}
	return true;
}

bool wire_check(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes, size_t size,
	struct arena *arena, struct wire_fault *fault)
{
	struct wire wire = {.arena = arena, .fault = fault};
	*fault = (struct wire_fault){"", ""};
	if (size == 0)
		return true; /* and `bytes` may be NULL */
	return wire_message(&wire, descriptor, (struct span){bytes, bytes + size}, NULL, 1);
}
