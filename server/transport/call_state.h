/*
 * The states of a call, and how many calls are in each: the state is also the metric.
 *
 *	FREE ──> READING ──> HANDLED ──> REPLYING ──> ENDED ──> FREE
 *	  │         │           │            ^          ^
 *	  │         └──────────>│────────────┤          │   refused: no message, or too many calls
 *	  ├── unary: comes with its message ─┘          │
 *	  └── HANDLED           └──> ABANDONED ─────────┘   the caller has gone; the API ends it later
 *
 * READING   a streaming call whose request message is awaited
 * HANDLED   the API, or a service of the transport, has it
 * ABANDONED the same, but nobody waits for the answer any more
 * REPLYING  finished by the API; messages and the status are on their way
 * ENDED     nothing more will be sent; freed when all batches have come back
 */
#ifndef STOCKBOOK_TRANSPORT_CALL_STATE_H
#define STOCKBOOK_TRANSPORT_CALL_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CALL_STATE_TABLE(X)                                                                        \
	X(CALL_FREE, "free")                                                                           \
	X(CALL_READING, "reading")                                                                     \
	X(CALL_HANDLED, "handled")                                                                     \
	X(CALL_ABANDONED, "abandoned")                                                                 \
	X(CALL_REPLYING, "replying")                                                                   \
	X(CALL_ENDED, "ended")

enum call_state {
#define X(state, name) state,
	CALL_STATE_TABLE(X)
#undef X
		CALL_STATES,
};

/* Written by the loop thread; read it there too. */
struct call_counts {
	size_t in_state[CALL_STATES]; /* CALL_FREE: kept for the next callers */
	uint64_t arrived;
	uint64_t overloaded; /* refused at the door: too many calls in flight */
	uint64_t unknown_methods;
	uint64_t cancelled; /* by the caller, its deadline, its connection, or the drain */
	uint64_t messages_sent;
	uint64_t messages_refused; /* a stream's queue was full */
	uint64_t finished[17];     /* by status code, as the API said it */
};

const char *call_state_name(enum call_state state);
bool call_state_may_follow(enum call_state from, enum call_state to);
/* Changes *state and the counts. A step that the table does not know is a bug of ours. */
void call_state_set(enum call_state *state, enum call_state to, struct call_counts *counts);

#endif
