/*
 * The details of the refusals that the transport makes itself: google.rpc.Status with an ErrorInfo
 * of the API's own reasons, and RetryInfo where waiting helps. The rest is the API's.
 */
#ifndef STOCKBOOK_TRANSPORT_REPLY_H
#define STOCKBOOK_TRANSPORT_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include "stockbook/v1/common.pb-c.h"

#include "base/arena.h"

struct reply_details {
	uint8_t *bytes;
	size_t size;
};

struct reply_pair {
	const char *name;
	const char *value;
};

#define REPLY_PAIRS_MAX 3

/* retry_ms 0: no RetryInfo. pairs: count entries of the metadata. */
struct reply_details reply_details(struct arena *arena, int code, const char *message,
	Stockbook__V1__Reason reason, const struct reply_pair *pairs, size_t count, int64_t retry_ms);

#endif
