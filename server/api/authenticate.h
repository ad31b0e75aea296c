/*
 * Who calls: the token of a call looked up in the book by the hash of its secret, and remembered
 * for less than 2 seconds, so that a revoked token ends within them everywhere. Tokens in use are
 * looked up again before they are forgotten: calls wait only for the first time.
 *
 * Everything is bounded: what is remembered, and how many lookups are under way. Unknown tokens are
 * remembered apart, or whoever guesses would drive out the known ones.
 */
#ifndef STOCKBOOK_API_AUTHENTICATE_H
#define STOCKBOOK_API_AUTHENTICATE_H

#include <stdbool.h>
#include <stdint.h>

#include "book/refusal.h"
#include "book/token.h"

struct api;
struct api_call;
struct token_entry;
struct token_lookup;

struct authenticator {
	struct token_entry *known;
	struct token_entry *unknown;
	struct token_lookup *lookups; /* under way */
	size_t lookup_count;
};

void authenticator_open(struct authenticator *authenticator, struct arena *arena);
/* No lookup may be under way. */
void authenticator_close(struct authenticator *authenticator);
/* Forgets all tokens: one was made or revoked here. */
void authenticator_forget(struct authenticator *authenticator);

enum authentication {
	AUTHENTICATION_DONE,    /* call->actor says who it is */
	AUTHENTICATION_WAITS,   /* api_call_continue(), or a refusal, comes later */
	AUTHENTICATION_REFUSED, /* the refusal is filled in */
};

enum authentication authenticate(struct api_call *call, struct refusal *refusal);

/* SHA-256 of a secret. */
void token_hash(const char *secret, uint8_t hash[static TOKEN_HASH_SIZE]);

#endif
