/*
 * A session: one stream that carries any mix of calls, the answer of SessionService/Session.
 *
 * Each operation becomes a struct call of its own, handed to api_handle() as the transport hands in
 * a single call; so who may do what, the rules, deadlines, errors, the log and the metrics are the
 * same, and stand nowhere twice. Only the way out differs: answers are gathered, and what is ready
 * at the end of a round of the loop goes out as one message.
 *
 *	OPEN ──half-close, drain, malformed message──> ENDING ──all answered──> finished
 *	  │                                               │
 *	  └───────────────cancelled──> GONE <─────────────┘   answers are dropped
 */
#ifndef STOCKBOOK_API_SESSION_H
#define STOCKBOOK_API_SESSION_H

#define SESSION_MESSAGE_OPERATIONS_MAX 256
#define SESSION_OPERATIONS_MAX_DEFAULT 1024

struct api;
struct api_call;

void session_answer(struct api_call *call);
void session_open_metrics(struct api *api);
/* Frees what the pool kept; no operation may be in flight. */
void session_pool_release(struct api *api);

#endif
