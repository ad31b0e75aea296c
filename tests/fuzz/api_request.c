#include "fuzz/api_request.h"

#include <string.h>

#include "api/errors.h"
#include "api/methods.h"
#include "api/wire.h"
#include "base/message.h"
#include "base/text.h"
#include "book/operations.h"

#define DEPTH_MAX 4
#define FIELDS_MAX 10

static struct arena open_arena;
static struct methods methods;

void api_request_open(void)
{
	const char *error = "";
	arena_init(&open_arena);
	if (!methods_open(&methods, &open_arena, operation_find, &error)) {
		fprintf(stderr, "%s\n", error);
		abort();
	}
}

/* ---- Judging ---- */

static void *allocate(void *arena, size_t size)
{
	return arena_alloc(arena, size);
}

static void forget(void *arena, void *memory)
{
	(void)arena;
	(void)memory;
}

/* What was taken once is taken again when it is packed anew. */
static void check_again(const ProtobufCMessage *message, struct arena *arena)
{
	struct wire_fault fault;
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *bytes = arena_alloc(arena, size);
	CHECK(protobuf_c_message_pack(message, bytes) == size);
	CHECK(wire_check(message->descriptor, bytes, size, arena, &fault));
}

static bool is_packed_as(const ProtobufCMessage *message, const uint8_t *bytes, size_t size,
	struct arena *arena)
{
	struct packed_message packed = message_pack(message, arena);
	return packed.size == size && memcmp(packed.bytes, bytes, size) == 0;
}

/* Our own way to bytes and back is protobuf-c's. */
static void check_equal(const ProtobufCMessage *message, const ProtobufCMessage *plain,
	struct arena *arena)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *bytes = arena_alloc(arena, size);
	protobuf_c_message_pack(message, bytes);
	CHECK(is_packed_as(message, bytes, size, arena));
	if (!plain)
		return;
	CHECK(protobuf_c_message_get_packed_size(plain) == size && protobuf_c_message_check(plain));
	uint8_t *again = arena_alloc(arena, size);
	protobuf_c_message_pack(plain, again);
	CHECK(memcmp(bytes, again, size) == 0);
}

static void check_refusal(struct refusal *refusal, struct arena *arena)
{
	CHECK(refusal->field_count > 0 && refusal->field_count <= RULE_VIOLATIONS_MAX);
	for (size_t i = 0; i < refusal->field_count; i++)
		CHECK(*refusal->fields[i].field && *refusal->fields[i].description);
	error_name_fields(refusal, arena);
	struct error error = error_make(refusal, arena);
	CHECK(error.code == 3 && *error.message);
	CHECK(error.details_size <= ERROR_DETAILS_BYTES_MAX);
	CHECK(text_is_utf8((const uint8_t *)error.message, strlen(error.message)));
}

static void run(const uint8_t *data, size_t size, struct arena *arena,
	struct api_request_counts *counts)
{
	const struct method_entry *entry = &methods.entries[data[0] % methods.count];
	const ProtobufCMessageDescriptor *input = entry->descriptor->input;
	const ProtobufCMessage *plain = message_unpack_plain(input, data + 1, size - 1, arena);
	struct wire_fault fault;
	if (!wire_check(input, data + 1, size - 1, arena, &fault)) {
		CHECK(*fault.problem && !plain);
		counts->malformed++;
		return;
	}
	ProtobufCAllocator allocator = {allocate, forget, arena};
	const ProtobufCMessage *message =
		protobuf_c_message_unpack(input, &allocator, size - 1, data + 1);
	CHECK(message != NULL);
	check_again(message, arena);
	check_equal(message, plain, arena);
	counts->plain += plain != NULL;

	struct refusal refusal = {0};
	bool right = true;
	for (size_t i = 0; i < entry->rule_count; i++)
		right = rule_check(&entry->rules[i], message, arena, &refusal) && right;
	if (right)
		CHECK(refusal.field_count == 0);
	else
		check_refusal(&refusal, arena);
	*(right ? &counts->right : &counts->invalid) += 1;
}

void api_request_run(const uint8_t *data, size_t size, struct api_request_counts *counts)
{
	if (size == 0)
		return;
	struct arena arena;
	arena_init(&arena);
	run(data, size, &arena, counts);
	arena_release(&arena);
}

/* ---- Making ---- */

struct maker {
	uint64_t random;
	uint8_t *data;
	size_t size;
	size_t size_max;
};

static uint64_t next(struct maker *maker, uint64_t below)
{
	maker->random ^= maker->random << 13;
	maker->random ^= maker->random >> 7;
	maker->random ^= maker->random << 17;
	return maker->random % below;
}

static void put(struct maker *maker, const void *bytes, size_t size)
{
	if (maker->size + size > maker->size_max)
		return;
	if (size > 0)
		memcpy(maker->data + maker->size, bytes, size);
	maker->size += size;
}

static void put_varint(struct maker *maker, uint64_t value)
{
	uint8_t bytes[10];
	size_t size = 0;
	do {
		bytes[size++] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
		value >>= 7;
	} while (value > 0);
	put(maker, bytes, size);
}

static void put_number(struct maker *maker)
{
	static const int64_t edges[] = {0, 1, 2, 3, 7, 12, 64, 100, 1000, 1001, 10000, 1440, -1,
		INT32_MAX, INT32_MIN, 1000000000000, 1000000000001, -1000000000000, INT64_MAX, INT64_MIN};
	put_varint(maker, (uint64_t)edges[next(maker, ARRAY_COUNT(edges))]);
}

static void put_text(struct maker *maker)
{
	static const struct {
		const char *text;
		size_t size;
	} texts[] = {{"", 0}, {"85123A", 6}, {"LEEDS", 5}, {"GBP", 3}, {"GB", 2}, {" x", 2}, {"é", 2},
		{"0190163d-8694-739b-aea5-966c26f8ad91", 36}, {"0190163d-8694-739b-aea5-966c26f8ad92", 36},
		{"0123456789012345678901234567890123456789012345678901234567890123456789", 70}, {"a\0b", 3},
		{"\xff", 1}};
	/* The last two are wrong everywhere, and would hide the rest if they were frequent. */
	size_t count = next(maker, 50) == 0 ? ARRAY_COUNT(texts) : ARRAY_COUNT(texts) - 2;
	size_t i = next(maker, count);
	put_varint(maker, texts[i].size);
	put(maker, texts[i].text, texts[i].size);
}

static void put_message(struct maker *maker, const ProtobufCMessageDescriptor *descriptor,
	int depth);

static void put_inner(struct maker *maker, const ProtobufCMessageDescriptor *descriptor, int depth)
{
	/* Made in its place, and moved when its length is known. */
	size_t start = maker->size;
	if (depth < DEPTH_MAX)
		put_message(maker, descriptor, depth + 1);
	uint8_t copy[4096];
	size_t size = maker->size - start;
	if (size > sizeof(copy))
		size = 0;
	memcpy(copy, maker->data + start, size);
	maker->size = start;
	put_varint(maker, size);
	put(maker, copy, size);
}

static void put_field(struct maker *maker, const ProtobufCFieldDescriptor *field, int depth)
{
	static const uint8_t eight[8] = {0, 0, 0, 0, 0, 0, 0xf8, 0x7f};
	switch ((unsigned)field->type) {
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
		put_varint(maker, field->id << 3 | 2);
		put_text(maker);
		return;
	case PROTOBUF_C_TYPE_MESSAGE:
		put_varint(maker, field->id << 3 | 2);
		put_inner(maker, field->descriptor, depth);
		return;
	case PROTOBUF_C_TYPE_DOUBLE:
		put_varint(maker, field->id << 3 | 1);
		put(maker, eight, next(maker, 2) ? sizeof(eight) : 4);
		return;
	default:
		put_varint(maker, field->id << 3);
		put_number(maker);
	}
}

static void put_message(struct maker *maker, const ProtobufCMessageDescriptor *descriptor,
	int depth)
{
	/* Every field once, most often, and then some again. */
	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		if (next(maker, 8) > 0)
			put_field(maker, &descriptor->fields[i], depth);
	}
	for (size_t i = next(maker, FIELDS_MAX); i > 0 && descriptor->n_fields > 0; i--) {
		if (next(maker, 3) == 0)
			put_field(maker, &descriptor->fields[next(maker, descriptor->n_fields)], depth);
	}
}

size_t api_request_make(uint64_t seed, uint8_t *data, size_t size_max)
{
	struct maker maker = {(seed + 1) * UINT64_C(0x9e3779b97f4a7c15), data, 0, size_max};
	uint8_t method = (uint8_t)next(&maker, methods.count);
	put(&maker, &method, 1);
	put_message(&maker, methods.entries[method].descriptor->input, 0);
	for (size_t i = next(&maker, 4) == 0 ? next(&maker, 4) : 0; i > 0 && maker.size > 1; i--)
		maker.data[1 + next(&maker, maker.size - 1)] = (uint8_t)next(&maker, 256);
	return maker.size;
}
