/*
 * Admission: whether there is room for one more call, decided when its caller is known and before
 * anything is done for it. Counts by caller what is in flight, in calls and in bytes.
 *
 * No caller may have more in flight than there is still room for, so that there is always some for
 * the others: one who takes all he can has a half, each of two a third.
 *
 * A caller is a token; where calls need none, a connection.
 */
#ifndef STOCKBOOK_API_ADMISSION_H
#define STOCKBOOK_API_ADMISSION_H

#include <stdbool.h>
#include <stddef.h>

#include "book/refusal.h"

struct api;
struct api_call;
struct admission_caller;
struct metric;

enum admission_bound {
	ADMISSION_CALLS,        /* of all callers */
	ADMISSION_CALLER_CALLS, /* as many as any caller may have */
	ADMISSION_CALLER_SHARE, /* as many as there is still room for */
	ADMISSION_BYTES,
	ADMISSION_CALLER_BYTES,
	ADMISSION_BOUNDS,
};

struct admission {
	struct admission_caller **slots; /* by key */
	size_t slot_count;
	size_t callers;
	struct admission_caller *free; /* kept for the next ones */
	size_t bytes;
	struct metric *refused[ADMISSION_BOUNDS];
	struct metric *callers_gauge;
	struct metric *bytes_gauge;
};

void admission_open(struct api *api);
/* Nobody may have anything in flight. */
void admission_close(struct api *api);

/* Counts the call to its caller, and its message's bytes. False: there is no room, and the refusal
 * says which bound was met. */
MUST_USE bool admission_enter(struct api_call *call, struct refusal *refusal);
/* It is over; also of one that never entered. */
void admission_leave(struct api_call *call);
/* So many bytes are the call's now, instead of those it had. They are taken already, and not
 * refused: the next message is. */
void admission_weigh(struct api_call *call, size_t bytes);
/* A call of this caller with a message would be refused for its bytes. */
bool admission_is_heavy(const struct api_call *call);

/* One more may join so many of the same caller. For those whose caller is not known yet. */
bool admission_has_left(const struct api *api, size_t count);
/* The refusal of whoever comes when all calls are taken. */
void admission_refuse_calls(struct api *api, struct arena *arena, struct refusal *refusal);

#endif
