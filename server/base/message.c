/* Message: packed backwards, so that what is inside has its length when that is written; unpacked in
 * one pass. */
#include "base/message.h"

#include <string.h>

#define DEPTH_MAX 8
#define FIELDS_MAX 4096
#define TAG_BYTES_MAX 5
#define LENGTH_BYTES_MAX 5
#define NUMBER_BYTES_MAX 10
#define ELEMENTS_FIRST 4U /* room of a list that begins; a power of two */

/* ---- Packing ---- */

struct packer {
	uint8_t *start;
	uint8_t *at; /* what was written begins here; NULL: it is left to protobuf-c */
};

static bool take_room(struct packer *packer, size_t size)
{
	if (packer->at && (size_t)(packer->at - packer->start) >= size) {
		packer->at -= size;
		return true;
	}
	packer->at = NULL;
	return false;
}

static void put_bytes(struct packer *packer, const void *bytes, size_t size)
{
	if (take_room(packer, size) && size > 0)
		memcpy(packer->at, bytes, size);
}

static void put_varint(struct packer *packer, uint64_t number)
{
	if (number < 0x80) {
		if (take_room(packer, 1))
			*packer->at = (uint8_t)number;
		return;
	}
	uint8_t bytes[10];
	size_t size = 0;
	for (; number >= 0x80; number >>= 7)
		bytes[size++] = (uint8_t)(number | 0x80);
	bytes[size++] = (uint8_t)number;
	put_bytes(packer, bytes, size);
}

static void put_tag(struct packer *packer, const ProtobufCFieldDescriptor *field,
	ProtobufCWireType type)
{
	put_varint(packer, (uint64_t)field->id << 3 | (uint64_t)type);
}

static void put_message(struct packer *packer, const ProtobufCMessage *message);

static uint64_t zigzag(int64_t number)
{
	return (uint64_t)number << 1 ^ (uint64_t)(number >> 63);
}

/* The value, with its length if it has one; says how it lies on the wire. */
static ProtobufCWireType put_value(struct packer *packer, ProtobufCType type, const void *value)
{
	switch (type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_ENUM:
		put_varint(packer, (uint64_t)(int64_t) * (const int32_t *)value);
		return PROTOBUF_C_WIRE_TYPE_VARINT;
	case PROTOBUF_C_TYPE_SINT32:
		put_varint(packer, (uint32_t)zigzag(*(const int32_t *)value));
		return PROTOBUF_C_WIRE_TYPE_VARINT;
	case PROTOBUF_C_TYPE_UINT32:
		put_varint(packer, *(const uint32_t *)value);
		return PROTOBUF_C_WIRE_TYPE_VARINT;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_UINT64:
		put_varint(packer, *(const uint64_t *)value);
		return PROTOBUF_C_WIRE_TYPE_VARINT;
	case PROTOBUF_C_TYPE_SINT64:
		put_varint(packer, zigzag(*(const int64_t *)value));
		return PROTOBUF_C_WIRE_TYPE_VARINT;
	case PROTOBUF_C_TYPE_BOOL:
		put_varint(packer, *(const protobuf_c_boolean *)value != 0);
		return PROTOBUF_C_WIRE_TYPE_VARINT;
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_FLOAT:
		put_bytes(packer, value, sizeof(uint32_t));
		return PROTOBUF_C_WIRE_TYPE_32BIT;
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		put_bytes(packer, value, sizeof(uint64_t));
		return PROTOBUF_C_WIRE_TYPE_64BIT;
	case PROTOBUF_C_TYPE_STRING: {
		const char *text = *(const char *const *)value;
		size_t size = text ? strlen(text) : 0;
		put_bytes(packer, text, size);
		put_varint(packer, size);
		return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
	}
	case PROTOBUF_C_TYPE_BYTES: {
		const ProtobufCBinaryData *bytes = value;
		put_bytes(packer, bytes->data, bytes->len);
		put_varint(packer, bytes->len);
		return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
	}
	case PROTOBUF_C_TYPE_MESSAGE: {
		const uint8_t *end = packer->at;
		const ProtobufCMessage *message = *(const ProtobufCMessage *const *)value;
		if (message)
			put_message(packer, message);
		put_varint(packer, packer->at ? (uint64_t)(end - packer->at) : 0);
		return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
	}
	}
	packer->at = NULL;
	return PROTOBUF_C_WIRE_TYPE_VARINT;
}

static size_t element_size(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_ENUM:
		return sizeof(uint32_t);
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return sizeof(uint64_t);
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	}
	return 0;
}

static void put_list(struct packer *packer, const ProtobufCFieldDescriptor *field,
	const ProtobufCMessage *message)
{
	size_t count =
		*(const size_t *)(const void *)((const char *)message + field->quantifier_offset);
	const char *elements =
		*(const char *const *)(const void *)((const char *)message + field->offset);
	size_t size = element_size(field->type);
	bool together = field->flags & PROTOBUF_C_FIELD_FLAG_PACKED;
	const uint8_t *end = packer->at;
	for (size_t i = count; i-- > 0 && packer->at;) {
		ProtobufCWireType type = put_value(packer, field->type, elements + i * size);
		if (!together)
			put_tag(packer, field, type);
	}
	if (together && count > 0 && packer->at) {
		put_varint(packer, (uint64_t)(end - packer->at));
		put_tag(packer, field, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
	}
}

/* Such values are not written. */
static bool is_default(ProtobufCType type, const void *value)
{
	switch ((unsigned)type) {
	case PROTOBUF_C_TYPE_STRING: {
		const char *text = *(const char *const *)value;
		return !text || !*text;
	}
	case PROTOBUF_C_TYPE_MESSAGE:
		return !*(const void *const *)value;
	case PROTOBUF_C_TYPE_BYTES:
		return ((const ProtobufCBinaryData *)value)->len == 0;
	case PROTOBUF_C_TYPE_DOUBLE: /* -0.0 too */
		return *(const double *)value == 0;
	case PROTOBUF_C_TYPE_FLOAT:
		return *(const float *)value == 0;
	default:
		return element_size(type) == sizeof(uint64_t) ? *(const uint64_t *)value == 0
													  : *(const uint32_t *)value == 0;
	}
}

static void put_field(struct packer *packer, const ProtobufCFieldDescriptor *field,
	const ProtobufCMessage *message)
{
	const void *value = (const char *)message + field->offset;
	if (field->label == PROTOBUF_C_LABEL_REPEATED) {
		put_list(packer, field, message);
		return;
	}
	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
		uint32_t which =
			*(const uint32_t *)(const void *)((const char *)message + field->quantifier_offset);
		bool absent =
			(field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE) &&
			(!*(const void *const *)value || *(const void *const *)value == field->default_value);
		if (which != field->id || absent)
			return;
	} else if (field->label != PROTOBUF_C_LABEL_NONE) {
		packer->at = NULL;
		return;
	} else if (is_default(field->type, value)) {
		return;
	}
	put_tag(packer, field, put_value(packer, field->type, value));
}

static void put_message(struct packer *packer, const ProtobufCMessage *message)
{
	if (message->n_unknown_fields > 0)
		packer->at = NULL;
	for (unsigned i = message->descriptor->n_fields; i-- > 0 && packer->at;)
		put_field(packer, &message->descriptor->fields[i], message);
}

bool message_pack_small(const ProtobufCMessage *message,
	uint8_t buffer[static MESSAGE_SMALL_BYTES_MAX], struct packed_message *packed)
{
	uint8_t *end = buffer + MESSAGE_SMALL_BYTES_MAX;
	struct packer packer = {buffer, end};
	put_message(&packer, message);
	if (!packer.at)
		return false;
	*packed = (struct packed_message){packer.at, (size_t)(end - packer.at)};
	return true;
}

struct packed_message message_pack(const ProtobufCMessage *message, struct arena *arena)
{
	uint8_t buffer[MESSAGE_SMALL_BYTES_MAX];
	struct packed_message packed;
	if (message_pack_small(message, buffer, &packed)) {
		packed.bytes = arena_copy(arena, packed.bytes, packed.size);
	} else {
		packed.size = protobuf_c_message_get_packed_size(message);
		packed.bytes = arena_alloc(arena, packed.size);
		protobuf_c_message_pack(message, packed.bytes);
	}
	return packed;
}

/* ---- Unpacking ---- */

struct unpacker {
	const uint8_t *at;
	struct arena *arena;
	size_t fields;
};

/* Bits beyond the 64th mean different things for different types: not plain. */
static bool get_varint(struct unpacker *unpacker, const uint8_t *end, unsigned bytes_max,
	uint64_t *number)
{
	*number = 0;
	for (unsigned shift = 0; shift < 7 * bytes_max && unpacker->at < end; shift += 7) {
		uint8_t byte = *unpacker->at++;
		if (shift == 63 && byte > 1)
			return false;
		*number |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return true;
	}
	return false;
}

static bool get_size(struct unpacker *unpacker, const uint8_t *end, size_t *size)
{
	uint64_t number;
	if (!get_varint(unpacker, end, LENGTH_BYTES_MAX, &number) ||
		number > (uint64_t)(end - unpacker->at))
		return false;
	*size = (size_t)number;
	return true;
}

/* Of ASCII, without NUL. */
static bool is_plain_text(const uint8_t *text, size_t size)
{
	bool plain = true;
	size_t i = 0;
	for (; i + sizeof(uint64_t) <= size; i += sizeof(uint64_t)) {
		uint64_t eight;
		memcpy(&eight, text + i, sizeof(eight));
		/* The high bit of a byte that is 0 or has one. */
		plain &= !((eight | (eight - UINT64_C(0x0101010101010101))) & UINT64_C(0x8080808080808080));
	}
	for (; i < size; i++)
		plain &= text[i] > 0 && text[i] < 0x80;
	return plain;
}

static ProtobufCMessage *get_message(struct unpacker *unpacker,
	const ProtobufCMessageDescriptor *descriptor, const uint8_t *end, int depth);

static bool get_number(struct unpacker *unpacker, ProtobufCType type, const uint8_t *end,
	void *value)
{
	uint64_t number;
	if (!get_varint(unpacker, end, NUMBER_BYTES_MAX, &number))
		return false;
	if (type == PROTOBUF_C_TYPE_BOOL)
		*(protobuf_c_boolean *)value = number != 0;
	else if (element_size(type) == sizeof(uint64_t))
		*(uint64_t *)value = number;
	else
		*(uint32_t *)value = (uint32_t)number;
	return true;
}

static bool get_value(struct unpacker *unpacker, const ProtobufCFieldDescriptor *field,
	unsigned wire, const uint8_t *end, void *value, int depth)
{
	size_t size;
	switch ((unsigned)field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_BOOL:
	case PROTOBUF_C_TYPE_ENUM:
		return wire == PROTOBUF_C_WIRE_TYPE_VARINT && get_number(unpacker, field->type, end, value);
	case PROTOBUF_C_TYPE_DOUBLE:
		if (wire != PROTOBUF_C_WIRE_TYPE_64BIT || (size_t)(end - unpacker->at) < sizeof(double))
			return false;
		memcpy(value, unpacker->at, sizeof(double));
		unpacker->at += sizeof(double);
		return true;
	case PROTOBUF_C_TYPE_STRING:
		if (wire != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED || !get_size(unpacker, end, &size) ||
			!is_plain_text(unpacker->at, size))
			return false;
		*(char **)value = arena_string_sized(unpacker->arena, (const char *)unpacker->at, size);
		unpacker->at += size;
		return true;
	case PROTOBUF_C_TYPE_BYTES:
		if (wire != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED || !get_size(unpacker, end, &size))
			return false;
		*(ProtobufCBinaryData *)value = (ProtobufCBinaryData){
			size, size > 0 ? arena_copy(unpacker->arena, unpacker->at, size) : NULL};
		unpacker->at += size;
		return true;
	case PROTOBUF_C_TYPE_MESSAGE:
		/* One that comes twice is one of both: not plain. */
		if (wire != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED || *(void **)value != NULL ||
			!get_size(unpacker, end, &size))
			return false;
		*(ProtobufCMessage **)value =
			get_message(unpacker, field->descriptor, unpacker->at + size, depth + 1);
		return *(ProtobufCMessage **)value != NULL;
	default:
		return false;
	}
}

/* The place of a list's next element. */
static void *list_add(struct unpacker *unpacker, const ProtobufCFieldDescriptor *field,
	ProtobufCMessage *message)
{
	size_t *count = (size_t *)(void *)((char *)message + field->quantifier_offset);
	char **elements = (char **)(void *)((char *)message + field->offset);
	size_t size = element_size(field->type);
	if (*count == 0) {
		*elements = arena_alloc(unpacker->arena, ELEMENTS_FIRST * size);
	} else if (*count >= ELEMENTS_FIRST && (*count & (*count - 1)) == 0) {
		char *more = arena_alloc(unpacker->arena, 2 * *count * size);
		memcpy(more, *elements, *count * size);
		*elements = more;
	}
	return *elements + (*count)++ * size;
}

static bool get_field(struct unpacker *unpacker, const ProtobufCFieldDescriptor *field,
	unsigned wire, const uint8_t *end, ProtobufCMessage *message, int depth)
{
	void *value;
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		value = list_add(unpacker, field, message);
	else if (field->label == PROTOBUF_C_LABEL_NONE && !(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
		value = (char *)message + field->offset;
	else
		return false;
	return get_value(unpacker, field, wire, end, value, depth);
}

/* Fields mostly come in their order: the search goes on behind the last one. */
static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *descriptor,
	uint64_t id, unsigned *next)
{
	unsigned i = *next < descriptor->n_fields && descriptor->fields[*next].id <= id ? *next : 0;
	while (i < descriptor->n_fields && descriptor->fields[i].id < id)
		i++;
	*next = i;
	return i < descriptor->n_fields && descriptor->fields[i].id == id ? &descriptor->fields[i]
																	  : NULL;
}

static ProtobufCMessage *get_message(struct unpacker *unpacker,
	const ProtobufCMessageDescriptor *descriptor, const uint8_t *end, int depth)
{
	if (depth > DEPTH_MAX || !descriptor->message_init)
		return NULL;
	ProtobufCMessage *message = arena_alloc(unpacker->arena, descriptor->sizeof_message);
	descriptor->message_init(message);
	unsigned next = 0;
	while (unpacker->at < end) {
		uint64_t tag;
		if (!get_varint(unpacker, end, TAG_BYTES_MAX, &tag) || ++unpacker->fields > FIELDS_MAX)
			return NULL;
		const ProtobufCFieldDescriptor *field = find_field(descriptor, tag >> 3, &next);
		if (!field || !get_field(unpacker, field, (unsigned)(tag & 7), end, message, depth))
			return NULL;
	}
	return message;
}

ProtobufCMessage *message_unpack_plain(const ProtobufCMessageDescriptor *descriptor,
	const uint8_t *bytes, size_t size, struct arena *arena)
{
	if (size == 0)
		return NULL; /* and `bytes` may be */
	struct unpacker unpacker = {.at = bytes, .arena = arena};
	return get_message(&unpacker, descriptor, bytes + size, 1);
}

/* ---- protobuf-c's memory ---- */

static void *allocate(void *arena, size_t size)
{
	return arena_alloc(arena, size);
}

static void forget(void *arena, void *memory)
{
	(void)arena;
	(void)memory;
}

ProtobufCAllocator message_allocator(struct arena *arena)
{
	return (ProtobufCAllocator){allocate, forget, arena};
}
