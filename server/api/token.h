/*
 * Tokens as far as they are the API's: their secrets, which the pure book can neither make nor may
 * keep. The book's operations (book/token.h) see a hash.
 */
#ifndef STOCKBOOK_API_TOKEN_H
#define STOCKBOOK_API_TOKEN_H

#include <stdint.h>

#include "stockbook/internal/v1/token.pb-c.h"

#include "base/arena.h"
#include "book/token.h"

struct api_call;

#define SECRET_BYTES 32
#define SECRET_TEXT_SIZE 44 /* base64url without padding, and the NUL */

struct secret {
	char text[SECRET_TEXT_SIZE];
	uint8_t hash[TOKEN_HASH_SIZE];
};

/* From the system's source of randomness. */
void secret_make(struct secret *secret);
/* True when the answer is of the request that brought the secret, not remembered from an earlier
 * one of the same id. */
bool secret_is_of(const struct secret *secret, const Stockbook__V1__CreateTokenResponse *response);

/* Of the method CreateToken: the operation's request with a fresh secret's hash, and the answer
 * with the secret. */
const void *token_prepare_create(struct api_call *call);
void token_complete_create(struct api_call *call);
/* Of RevokeToken: this server forgets it at once, others within 2 seconds. */
void token_complete_revoke(struct api_call *call);

#endif
