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

/* retry_ms 0: no RetryInfo. name and value: one entry of the metadata, or NULL. */
struct reply_details reply_details(struct arena *arena, int code, const char *message,
	Stockbook__V1__Reason reason, const char *name, const char *value, int64_t retry_ms);

#endif
