#include "api/token.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "api/private.h"
#include "base/message.h"

void secret_make(struct secret *secret)
{
	uint8_t bytes[SECRET_BYTES];
	CHECK(RAND_bytes(bytes, sizeof(bytes)) == 1);
	unsigned char text[SECRET_BYTES / 3 * 4 + 5];
	int length = EVP_EncodeBlock(text, bytes, sizeof(bytes));
	CHECK(length == SECRET_TEXT_SIZE);
	for (int i = 0; i < length; i++)
		text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
	/* One byte of padding, which base64url does without. */
	CHECK(text[SECRET_TEXT_SIZE - 1] == '=');
	text[SECRET_TEXT_SIZE - 1] = '\0';
	memcpy(secret->text, text, SECRET_TEXT_SIZE);
	token_hash(secret->text, secret->hash);
	OPENSSL_cleanse(bytes, sizeof(bytes));
}

bool secret_is_of(const struct secret *secret, const Stockbook__V1__CreateTokenResponse *response)
{
	char hash[2 * TOKEN_HASH_SIZE + 1];
	for (size_t i = 0; i < TOKEN_HASH_SIZE; i++)
		snprintf(hash + 2 * i, 3, "%02x", secret->hash[i]);
	return strcmp(hash, response->secret) == 0;
}

const void *token_prepare_create(struct api_call *call)
{
	struct arena *arena = &call->call->arena;
	struct secret *secret = arena_alloc(arena, sizeof(*secret));
	secret_make(secret);
	call->data = secret;
	Stockbook__Internal__V1__StoreTokenRequest *store = arena_alloc(arena, sizeof(*store));
	stockbook__internal__v1__store_token_request__init(store);
	store->request = (Stockbook__V1__CreateTokenRequest *)call->message;
	store->hash = (ProtobufCBinaryData){TOKEN_HASH_SIZE, secret->hash};
	return store;
}

void token_complete_create(struct api_call *call)
{
	struct secret *secret = call->data;
	ProtobufCAllocator allocator = message_allocator(&call->call->arena);
	Stockbook__V1__CreateTokenResponse *response =
		stockbook__v1__create_token_response__unpack(&allocator, call->request.response_size,
			call->request.response);
	CHECK(response != NULL && response->token != NULL); /* the engine packed it */
	if (!secret_is_of(secret, response)) {
		api_call_refuse(call, STOCKBOOK__V1__REASON__REASON_IN_USE,
			"token '%s' was made by an earlier call with this request id, and its secret is not "
			"kept: revoke it and make another",
			response->token->name);
		return;
	}
	/* Whoever tried the name before it was known is not kept waiting. */
	authenticator_forget(&call->api->authenticator);
	response->secret = secret->text;
	api_call_finish_message(call, &response->base);
}

void token_complete_revoke(struct api_call *call)
{
	authenticator_forget(&call->api->authenticator);
	api_call_finish_packed(call, call->request.response, call->request.response_size);
}
