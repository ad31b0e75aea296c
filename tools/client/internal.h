/*
 * What the files of the client share. Everything belongs to the thread that uses the client.
 *
 *   stockbook_call_async -> call_start -> attempt -> (queue) -> attempt_over -> done
 *                                            ^                      |
 *                                            +---- waiting <--------+  UNAVAILABLE, in time
 *
 * An operation of a session is such a call, too. Its attempt is a place in a message of the session's
 * stream, and is over with its answer or with the stream.
 */
#ifndef STOCKBOOK_CLIENT_INTERNAL_H
#define STOCKBOOK_CLIENT_INTERNAL_H

#include "stockbook/client.h"

#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>

#include "base/arena.h"
#include "google/rpc/status.pb-c.h"

struct call;

/* What an event of the completion queue is about. */
enum tag_kind {
	TAG_UNARY,   /* everything of a unary call */
	TAG_OPENED,  /* a stream's request is sent, its initial metadata here */
	TAG_MESSAGE, /* a stream's next message, or its end */
	TAG_STATUS,  /* a stream's status */
	TAG_SENT,    /* a session's message has gone, or its half-close */
	TAG_KINDS,
};

/* Of a call, or of a session's stream. */
struct tag {
	struct call *call;
	struct stockbook_session *session;
	enum tag_kind kind;
};

struct call {
	struct stockbook_client *client;
	struct call *next, *previous; /* all living calls of the client */
	const struct stockbook_method *method;
	grpc_slice request;  /* kept for the next attempt */
	int64_t deadline_ms; /* on the clock of now_ms() */
	stockbook_on_message on_message;
	stockbook_done done;
	void *context;
	ProtobufCMessage **keep; /* where a blocking call wants its response, or NULL */
	int attempts;
	int64_t backoff_ms;
	int64_t retry_at_ms; /* while in the heap of waiting calls */
	bool delivered;      /* a message of the stream went out: no more retries */
	bool maybe_sent;     /* some attempt may have reached the book without an answer */

	/* Of an operation of a session; NULL for all others, and where the server has no sessions. */
	struct stockbook_session *session;
	struct call *session_next; /* while it waits to be sent */
	uint32_t session_place;    /* once it was sent */

	/* One attempt. */
	grpc_call *grpc;
	grpc_metadata_array initial, trailing;
	grpc_byte_buffer *sent; /* sending empties it: each attempt has its own */
	grpc_byte_buffer *response;
	grpc_status_code status;
	grpc_slice status_text;
	int tags_out;
	struct tag tags[TAG_KINDS];
};

struct stockbook_client {
	grpc_completion_queue *queue;
	grpc_channel **channels;
	int channels_count;
	int channel_next;
	void **registered; /* [channel][method]: handles made at a method's first call */
	grpc_metadata authorization;
	size_t metadata_count; /* 1 when there is a token */
	int64_t deadline_ms;
	int64_t connect_patience_ms;
	int64_t opened_ms;
	bool answered; /* a server has answered at least once */
	bool no_retry;
	bool closing;
	struct arena arena; /* of the answer that is being delivered */
	struct call *calls; /* living */
	size_t calls_count;
	struct call **waiting; /* a heap: the earliest retry first */
	size_t waiting_count, waiting_capacity;
	struct stockbook_session *sessions;
	size_t sessions_ending;  /* closed, and their streams not over */
	int64_t sessions_due_ms; /* when to look at the deadlines of their operations */
};

int64_t now_ms(void);

/* call.c */
struct call *call_start(struct stockbook_client *client, const struct stockbook_method *method,
	const ProtobufCMessage *request, int64_t deadline_ms);
void call_attempt(struct call *call);
/* The attempt is over without an answer, or with an error for one; `sent`: it may have reached the
 * server. True when the call ended; else it waits for its next attempt. */
bool call_failed(struct call *call, struct stockbook_error *error, bool sent);
/* Tells the caller and forgets the call; frees the response unless a blocking call keeps it. */
void call_end(struct call *call, ProtobufCMessage *response, const struct stockbook_error *error);
/* The same for a response that is freed otherwise. */
void call_end_borrowed(struct call *call, const ProtobufCMessage *response,
	const struct stockbook_error *error);
/* An event came for this tag; true when the call ended with it. */
bool call_event(struct tag *tag, bool success);
/* Ends a call that waits for its next attempt. */
void call_abandon(struct call *call);

/* client.c */
void client_wait(struct stockbook_client *client, struct call *call);

/* session.c */

/* Puts the call where its session sends it from. False: it is to go as a single call. */
bool session_submit(struct call *call);
/* An event came for this tag of a session; says how many calls ended with it. */
size_t session_event(struct tag *tag);
/* Sends what waits; ends operations whose time is over, and says how many. */
size_t sessions_tick(struct stockbook_client *client, int64_t now);
/* The client is being closed. */
void sessions_cancel(struct stockbook_client *client);
/* An operation has ended. */
void session_forget(struct stockbook_session *session);

/* error.c */
void error_set(struct stockbook_error *error, int code, const char *reason, const char *message);
void error_from_status(struct stockbook_error *error, grpc_status_code code, grpc_slice text,
	const grpc_metadata_array *trailing);
void error_from_answer(struct stockbook_error *error, const Google__Rpc__Status *status,
	const char *request_tag);

/* memory.c: what cannot be had ends the process, as everywhere in Stockbook. */
void *client_alloc(size_t size);
void *client_realloc(void *memory, size_t size);
char *client_string(const char *text, size_t size);
/* A message in the arena, which must not be freed; NULL when the bytes are none. */
ProtobufCMessage *client_unpack(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes,
	size_t size, struct arena *arena);

#endif
