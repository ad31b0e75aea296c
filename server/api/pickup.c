#include "api/pickup.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "stockbook/internal/v1/pickup.pb-c.h"

#include "api/private.h"
#include "base/message.h"

static const char alphabet[] = "23456789ABCDEFGHJKMNPQRSTVWXYZ";
#define ALPHABET_SIZE (sizeof(alphabet) - 1)

/* Each character is as likely as any other: what is beyond the alphabet is drawn again. */
static char random_character(void)
{
	for (;;) {
		uint8_t byte;
		CHECK(RAND_bytes(&byte, 1) == 1);
		byte &= 31;
		if (byte < ALPHABET_SIZE)
			return alphabet[byte];
	}
}

void pickup_code_make(const char *pickup_id, struct pickup_code *code)
{
	char *at = code->text;
	for (int i = 0; i < PICKUP_CODE_CHARACTERS; i++) {
		if (i == PICKUP_CODE_CHARACTERS / 2)
			*at++ = '-';
		*at++ = random_character();
	}
	*at = '\0';
	pickup_code_hash(pickup_id, code->text, code->hash);
}

void pickup_code_hash(const char *pickup_id, const char *typed,
	uint8_t hash[static PICKUP_CODE_HASH_SIZE])
{
	_Static_assert(PICKUP_CODE_HASH_SIZE == SHA256_DIGEST_LENGTH, "the book keeps SHA-256");
	/* The id as the service writes it; what is none opens no pickup. */
	char text[UUID_TEXT_SIZE + 4 * PICKUP_CODE_TYPED_MAX] = "";
	struct uuid id;
	if (uuid_parse(pickup_id, &id))
		uuid_format(&id, text);
	size_t size = strlen(text);
	for (const char *c = typed; *c && size < sizeof(text); c++) {
		if (*c == ' ' || *c == '-')
			continue;
		text[size++] = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
	}
	SHA256((const unsigned char *)text, size, hash);
	OPENSSL_cleanse(text, sizeof(text));
}

/* ---- Making them ---- */

static struct pickup_code *make_for(struct api_call *call, const char *pickup_id)
{
	struct pickup_code *code = arena_alloc(&call->call->arena, sizeof(*code));
	pickup_code_make(pickup_id, code);
	call->data = code;
	return code;
}

const void *pickup_prepare_ready(struct api_call *call)
{
	Stockbook__V1__ReadyPickupRequest *request = (void *)call->message;
	struct pickup_code *code = make_for(call, request->pickup_id);
	Stockbook__Internal__V1__ReadyPickupRequest *wrapped =
		arena_alloc(&call->call->arena, sizeof(*wrapped));
	stockbook__internal__v1__ready_pickup_request__init(wrapped);
	wrapped->request = request;
	wrapped->code_hash = (ProtobufCBinaryData){PICKUP_CODE_HASH_SIZE, code->hash};
	return wrapped;
}

const void *pickup_prepare_issue_code(struct api_call *call)
{
	Stockbook__V1__IssuePickupCodeRequest *request = (void *)call->message;
	struct pickup_code *code = make_for(call, request->pickup_id);
	Stockbook__Internal__V1__IssuePickupCodeRequest *wrapped =
		arena_alloc(&call->call->arena, sizeof(*wrapped));
	stockbook__internal__v1__issue_pickup_code_request__init(wrapped);
	wrapped->request = request;
	wrapped->code_hash = (ProtobufCBinaryData){PICKUP_CODE_HASH_SIZE, code->hash};
	return wrapped;
}

/* The book answers the hash. Another than this call's is of an earlier call with the same request
 * id, whose code nobody knows any more. */
static char *code_to_tell(struct api_call *call, const char *answered)
{
	struct pickup_code *code = call->data;
	char hash[2 * PICKUP_CODE_HASH_SIZE + 1];
	for (size_t i = 0; i < PICKUP_CODE_HASH_SIZE; i++)
		snprintf(hash + 2 * i, 3, "%02x", code->hash[i]);
	return strcmp(hash, answered) == 0 ? code->text : arena_string(&call->call->arena, "");
}

void pickup_complete_ready(struct api_call *call)
{
	ProtobufCAllocator allocator = message_allocator(&call->call->arena);
	Stockbook__V1__ReadyPickupResponse *response =
		stockbook__v1__ready_pickup_response__unpack(&allocator, call->request.response_size,
			call->request.response);
	CHECK(response != NULL); /* the engine packed it */
	response->code = code_to_tell(call, response->code);
	api_call_finish_message(call, &response->base);
}

void pickup_complete_issue_code(struct api_call *call)
{
	ProtobufCAllocator allocator = message_allocator(&call->call->arena);
	Stockbook__V1__IssuePickupCodeResponse *response =
		stockbook__v1__issue_pickup_code_response__unpack(&allocator, call->request.response_size,
			call->request.response);
	CHECK(response != NULL); /* the engine packed it */
	response->code = code_to_tell(call, response->code);
	api_call_finish_message(call, &response->base);
}

/* ---- Trying them ---- */

const void *pickup_prepare_collect(struct api_call *call)
{
	struct arena *arena = &call->call->arena;
	Stockbook__V1__CollectPickupRequest *request = (void *)call->message;
	Stockbook__Internal__V1__CollectPickupRequest *wrapped = arena_alloc(arena, sizeof(*wrapped));
	stockbook__internal__v1__collect_pickup_request__init(wrapped);
	wrapped->request = request;
	if (request->code[0]) {
		uint8_t *hash = arena_alloc(arena, PICKUP_CODE_HASH_SIZE);
		pickup_code_hash(request->pickup_id, request->code, hash);
		wrapped->code_hash = (ProtobufCBinaryData){PICKUP_CODE_HASH_SIZE, hash};
	}
	return wrapped;
}
