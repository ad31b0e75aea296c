/*
 * What is kept of calls that are over: counts by method and code, how long they took, and lines in
 * the log. Lines that a caller can provoke at will are bounded, so that nobody floods the log.
 */
#ifndef STOCKBOOK_API_RECORD_H
#define STOCKBOOK_API_RECORD_H

#include <stdint.h>

#include "book/refusal.h"

struct api_call;
struct metric;

#define RECORD_REASONS_MAX 64

struct record {
	struct {
		struct metric *refusals; /* made when first needed */
		int64_t logged_at_us;
		int64_t unlogged; /* since then */
	} reasons[RECORD_REASONS_MAX];
	struct metric *in_flight;
};

/* refusal: NULL for a call that was answered. */
/* A refusal of what is no call; record_call() counts those of calls. */
void record_refusal(struct record *record, Stockbook__V1__Reason reason);
void record_call(struct api_call *call, int code, const struct refusal *refusal);

#endif
