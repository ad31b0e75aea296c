/*
 * Pickups as far as they are the API's: their codes, which the pure book can neither make nor may
 * keep. The book's operations (book/pickup.h) see a hash.
 */
#ifndef STOCKBOOK_API_PICKUP_H
#define STOCKBOOK_API_PICKUP_H

#include <stdint.h>

#include "book/pickup.h"

struct api_call;

/* Eight characters and a dash, "K7QX-2MRT". None of them is taken for another: no 0, 1, I, L, O, U. */
#define PICKUP_CODE_CHARACTERS 8
#define PICKUP_CODE_TEXT_SIZE (PICKUP_CODE_CHARACTERS + 2)
#define PICKUP_CODE_TYPED_MAX 32

struct pickup_code {
	char text[PICKUP_CODE_TEXT_SIZE];
	uint8_t hash[PICKUP_CODE_HASH_SIZE];
};

/* From the system's source of randomness. */
void pickup_code_make(const char *pickup_id, struct pickup_code *code);
/* Of a code as people type it: case, spaces and dashes do not matter, nor the case of the id. */
void pickup_code_hash(const char *pickup_id, const char *typed,
	uint8_t hash[static PICKUP_CODE_HASH_SIZE]);

/* Of the methods ReadyPickup and IssuePickupCode: the operation's request with a fresh code's hash,
 * and the first answer with the code; a remembered answer has none. */
const void *pickup_prepare_ready(struct api_call *call);
void pickup_complete_ready(struct api_call *call);
const void *pickup_prepare_issue_code(struct api_call *call);
void pickup_complete_issue_code(struct api_call *call);
/* Of CollectPickup: the operation's request with the hash of the code that was given. */
const void *pickup_prepare_collect(struct api_call *call);

#endif
