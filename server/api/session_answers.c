#include "api/session_answers.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define CAPACITY_FIRST ((size_t)4096)
#define LENGTH_PREFIXED 2U
#define VARINT 0U
/* Field numbers below 16 have tags of one byte. */
#define TAG(field, type) ((uint8_t)((field) << 3 | (type)))
#define TAG_ANSWERS TAG(1U, LENGTH_PREFIXED)
#define TAG_NUMBER TAG(1U, VARINT)
#define TAG_RESPONSE TAG(2U, LENGTH_PREFIXED)
#define TAG_STATUS TAG(3U, LENGTH_PREFIXED)
#define TAG_REQUEST_TAG TAG(4U, LENGTH_PREFIXED)

static size_t varint_size(uint64_t value)
{
	size_t size = 1;
	for (; value >= 0x80; value >>= 7)
		size++;
	return size;
}

static uint8_t *put_varint(uint8_t *at, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*at++ = (uint8_t)(value | 0x80);
	*at++ = (uint8_t)value;
	return at;
}

static size_t prefixed_size(size_t size)
{
	return 1 + varint_size(size) + size;
}

static uint8_t *put_prefixed(uint8_t *at, uint8_t tag, const void *bytes, size_t size)
{
	*at++ = tag;
	at = put_varint(at, size);
	if (size > 0)
		memcpy(at, bytes, size);
	return at + size;
}

/* A message with room for so many bytes more. */
static struct session_message *message_for(struct session_answers *answers, size_t size)
{
	struct session_message *message = answers->last;
	if (!message || message->size + size > SESSION_ANSWERS_BYTES_MAX) {
		message = calloc(1, sizeof(*message));
		CHECK(message != NULL);
		if (answers->last)
			answers->last->next = message;
		else
			answers->first = message;
		answers->last = message;
	}
	if (message->size + size > message->capacity) {
		size_t capacity = message->capacity ? message->capacity * 2 : CAPACITY_FIRST;
		while (capacity < message->size + size)
			capacity *= 2;
		message->bytes = realloc(message->bytes, capacity);
		CHECK(message->bytes != NULL);
		message->capacity = capacity;
	}
	return message;
}

static void add(struct session_answers *answers, int64_t number, uint8_t tag, const void *bytes,
	size_t size, const char *request_tag)
{
	size_t number_size = number ? 1 + varint_size((uint64_t)number) : 0;
	size_t tag_size = strlen(request_tag);
	size_t inner = number_size + prefixed_size(size) + (tag_size > 0 ? prefixed_size(tag_size) : 0);
	size_t whole = prefixed_size(inner);
	struct session_message *message = message_for(answers, whole);
	uint8_t *at = message->bytes + message->size;
	*at++ = TAG_ANSWERS;
	at = put_varint(at, inner);
	if (number) {
		*at++ = TAG_NUMBER;
		at = put_varint(at, (uint64_t)number);
	}
	at = put_prefixed(at, tag, bytes, size);
	if (tag_size > 0)
		at = put_prefixed(at, TAG_REQUEST_TAG, request_tag, tag_size);
	message->size += whole;
	CHECK(at == message->bytes + message->size);
	message->count++;
	answers->count++;
	answers->size += whole;
}

void session_answers_add_response(struct session_answers *answers, int64_t number,
	const void *response, size_t size)
{
	add(answers, number, TAG_RESPONSE, response, size, "");
}

void session_answers_add_status(struct session_answers *answers, int64_t number, const void *status,
	size_t size, const char *request_tag)
{
	add(answers, number, TAG_STATUS, status, size, request_tag);
}

void session_answers_drop_first(struct session_answers *answers)
{
	struct session_message *message = answers->first;
	answers->first = message->next;
	if (!answers->first)
		answers->last = NULL;
	answers->count -= message->count;
	answers->size -= message->size;
	free(message->bytes);
	free(message);
}

void session_answers_release(struct session_answers *answers)
{
	while (answers->first)
		session_answers_drop_first(answers);
}
