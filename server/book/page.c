/*
 * Pages: a token is base64url of
 *
 *   8 bytes: hash over the rest, seeded with the hash of the call's other fields
 *   one entry for each `order` field: text as its bytes and a NUL, numbers as 8 bytes, UUIDs as 16
 */
#include "book/page.h"

#include <string.h>
#include <xxhash.h>

#include "base/text.h"

#define TOKEN_BYTES_MAX 1024

struct token {
	uint8_t bytes[TOKEN_BYTES_MAX];
	size_t size;
};

/* ---- base64url without padding ---- */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static char *encode(struct arena *arena, const struct token *token)
{
	char *text = arena_alloc(arena, token->size / 3 * 4 + 5);
	char *out = text;
	for (size_t i = 0; i < token->size; i += 3) {
		uint32_t group = (uint32_t)token->bytes[i] << 16;
		size_t left = token->size - i;
		if (left > 1)
			group |= (uint32_t)token->bytes[i + 1] << 8;
		if (left > 2)
			group |= token->bytes[i + 2];
		*out++ = digits[group >> 18];
		*out++ = digits[group >> 12 & 63];
		if (left > 1)
			*out++ = digits[group >> 6 & 63];
		if (left > 2)
			*out++ = digits[group & 63];
	}
	return text;
}

static bool decode(const char *text, struct token *token)
{
	uint32_t bits = 0;
	int bit_count = 0;
	token->size = 0;
	for (; *text; text++) {
		const char *digit = strchr(digits, *text);
		if (!digit)
			return false;
		bits = bits << 6 | (uint32_t)(digit - digits);
		bit_count += 6;
		if (bit_count < 8)
			continue;
		if (token->size == TOKEN_BYTES_MAX)
			return false;
		bit_count -= 8;
		token->bytes[token->size++] = (uint8_t)(bits >> bit_count);
		bits &= (1U << bit_count) - 1;
	}
	/* Bits that are left over are padding; others would be a second spelling of one token. */
	return bits == 0 && bit_count < 6;
}

/* ---- The values of a row's `order` fields ---- */

static void put(struct token *token, const void *data, size_t size)
{
	CHECK(token->size + size <= TOKEN_BYTES_MAX);
	memcpy(token->bytes + token->size, data, size);
	token->size += size;
}

static void put_field(struct token *token, const struct field *field, const void *row)
{
	const void *value = row_field(row, field);
	if (field->type == FIELD_TEXT) {
		const char *text = *(const char *const *)value;
		put(token, text, strlen(text) + 1);
	} else if (field->type == FIELD_UUID) {
		put(token, value, sizeof(struct uuid));
	} else if (field->type == FIELD_INT4) {
		int64_t number = *(const int32_t *)value;
		put(token, &number, sizeof(number));
	} else {
		CHECK(field->type == FIELD_INT8 || field->type == FIELD_TIME ||
			  field->type == FIELD_SEQUENCE);
		put(token, value, sizeof(int64_t));
	}
}

/* Whoever makes a token up may put any number or text in it: only those that a row can have go
 * further. */
static bool number_fits(enum field_type type, int64_t number)
{
	static const int64_t year_9999_end_us = INT64_C(253402300800000000);
	if (type == FIELD_INT4)
		return number >= INT32_MIN && number <= INT32_MAX;
	return type != FIELD_TIME || (number >= 0 && number <= year_9999_end_us);
}

/* False when the token ends before the value does. */
static bool take_field(struct arena *arena, const struct token *token, size_t *position,
	const struct field *field, struct scan_value *value)
{
	const uint8_t *from = token->bytes + *position;
	size_t left = token->size - *position;
	value->present = true;
	if (field->type == FIELD_TEXT) {
		size_t size = strnlen((const char *)from, left);
		if (size == left || !text_is_utf8(from, size))
			return false;
		value->text = arena_string_sized(arena, (const char *)from, size);
		*position += size + 1;
		return true;
	}
	void *to = field->type == FIELD_UUID ? (void *)&value->uuid : (void *)&value->number;
	size_t size = field->type == FIELD_UUID ? sizeof(value->uuid) : sizeof(value->number);
	if (left < size)
		return false;
	memcpy(to, from, size);
	*position += size;
	return field->type == FIELD_UUID || number_fits(field->type, value->number);
}

/* ---- Tokens and requests ---- */

static const ProtobufCFieldDescriptor *message_field(const ProtobufCMessage *message,
	const char *name)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
	CHECK(field != NULL);
	return field;
}

/* Of everything that is said in the request but where the page begins and how long it is. */
static uint64_t request_hash(struct arena *arena, const ProtobufCMessage *request)
{
	char *copy = arena_copy(arena, request, request->descriptor->sizeof_message);
	*(int32_t *)(copy + message_field(request, "page_size")->offset) = 0;
	*(const char **)(copy + message_field(request, "page_token")->offset) = "";
	const ProtobufCMessage *rest = (const ProtobufCMessage *)copy;
	size_t size = protobuf_c_message_get_packed_size(rest);
	uint8_t *packed = arena_alloc(arena, size);
	protobuf_c_message_pack(rest, packed);
	const char *name = request->descriptor->name;
	return XXH3_64bits_withSeed(packed, size, XXH3_64bits(name, strlen(name)));
}

static uint64_t token_hash(const struct token *token, uint64_t request_hash)
{
	return XXH3_64bits_withSeed(token->bytes + sizeof(uint64_t), token->size - sizeof(uint64_t),
		request_hash);
}

static bool token_read(struct arena *arena, const char *text, uint64_t request_hash,
	struct scan *scan)
{
	struct token token;
	uint64_t hash;
	if (!decode(text, &token) || token.size < sizeof(hash))
		return false;
	memcpy(&hash, token.bytes, sizeof(hash));
	if (hash != token_hash(&token, request_hash))
		return false;
	const struct scan_shape *shape = scan->shape;
	size_t position = sizeof(hash);
	for (size_t i = 0; i < SCAN_ORDER_MAX && shape->order[i]; i++)
		if (!take_field(arena, &token, &position, table_field(shape->table, shape->order[i]),
				&scan->after[i]))
			return false;
	scan->has_after = true;
	return position == token.size;
}

enum verdict page_open(struct run *run, const void *message, struct scan *scan, struct page *page)
{
	const ProtobufCMessage *request = message;
	int32_t size =
		*(const int32_t *)((const char *)message + message_field(request, "page_size")->offset);
	if (size <= 0)
		size = PAGE_SIZE_DEFAULT;
	if (size > PAGE_SIZE_MAX)
		size = PAGE_SIZE_MAX;
	*page = (struct page){size, request_hash(run->arena, request)};
	scan->limit = size + 1;
	const char *token = *(const char *const *)((const char *)message +
											   message_field(request, "page_token")->offset);
	if (token[0] == '\0')
		return VERDICT_DONE;
	/* The run's own copy of the scan may be asked for as long as the set lives. */
	if (!token_read(workset_arena(run->set), token, page->request_hash, scan))
		return refuse_field(run, "page_token", "is not a token of this list with these arguments");
	return VERDICT_DONE;
}

size_t page_count(const struct page *page, const struct scan_result *result)
{
	return result->count > (size_t)page->size ? (size_t)page->size : result->count;
}

char *page_token_after(struct run *run, const struct page *page, const struct scan_shape *shape,
	const void *row)
{
	struct token token = {.size = sizeof(uint64_t)};
	for (size_t i = 0; i < SCAN_ORDER_MAX && shape->order[i]; i++)
		put_field(&token, table_field(shape->table, shape->order[i]), row);
	uint64_t hash = token_hash(&token, page->request_hash);
	memcpy(token.bytes, &hash, sizeof(hash));
	return encode(run->arena, &token);
}

char *page_next(struct run *run, const struct page *page, const struct scan *scan,
	const struct scan_result *result, size_t count)
{
	if (count == result->count)
		return arena_string(run->arena, "");
	return page_token_after(run, page, scan->shape, result->rows[count - 1]);
}

/* ---- Lists ---- */

size_t page_count_by_lines(const struct page *page, const struct scan_result *result,
	size_t (*lines_of)(const void *row))
{
	size_t most = page_count(page, result);
	size_t lines = 0;
	size_t count = 0;
	for (; count < most; count++) {
		lines += lines_of(result->rows[count]);
		if (count > 0 && lines > LINES_MAX)
			break;
	}
	return count;
}

static const ProtobufCFieldDescriptor *repeated_field(const ProtobufCMessage *message)
{
	const ProtobufCFieldDescriptor *found = NULL;
	for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
		if (field->label != PROTOBUF_C_LABEL_REPEATED)
			continue;
		CHECK(!found && field->type == PROTOBUF_C_TYPE_MESSAGE);
		found = field;
	}
	CHECK(found != NULL);
	return found;
}

enum verdict page_list(struct run *run, const void *request, struct scan *scan, page_message *make,
	void *response)
{
	struct page page;
	enum verdict verdict = page_open(run, request, scan, &page);
	if (verdict != VERDICT_DONE)
		return verdict;
	const struct scan_result *result = workset_scan(run->set, scan);
	if (!result)
		return VERDICT_NEED;
	size_t count = page_count(&page, result);
	void **messages = arena_alloc_array(run->arena, count, sizeof(*messages));
	for (size_t i = 0; i < count; i++)
		messages[i] = make(run, result->rows[i]);
	const ProtobufCFieldDescriptor *list = repeated_field(response);
	*(void ***)((char *)response + list->offset) = messages;
	*(size_t *)((char *)response + list->quantifier_offset) = count;
	*(char **)((char *)response + message_field(response, "next_page_token")->offset) =
		page_next(run, &page, scan, result, count);
	return VERDICT_DONE;
}
