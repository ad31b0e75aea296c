/*
 * One gRPC call: the face that the API sees (struct call) and the batches behind it.
 * The loop thread's. For the states see call_state.h.
 *
 * A unary call costs two completions: its arrival with the message, and one batch with the whole answer
 * and the notice of its end. Where the answer takes its time, that notice is a batch of its own, which
 * tells of a cancellation meanwhile. A stream sends one message
 * at a time, as gRPC wants it; the others wait in a bounded queue.
 */
#ifndef STOCKBOOK_TRANSPORT_CALL_H
#define STOCKBOOK_TRANSPORT_CALL_H

#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>
#include <grpc/slice.h>

#include "api/call.h"
#include "transport/call_state.h"
#include "transport/method.h"
#include "transport/poller.h"

#define CALL_MESSAGES_MAX 64U
#define CALL_MESSAGE_BYTES_MAX ((size_t)1 << 20) /* waiting in all; one message is always taken */

struct transport;

struct call_message {
	grpc_byte_buffer *buffer;
	size_t size; /* gRPC empties the buffer as it sends */
};

struct transport_call {
	struct call call; /* what the API sees */
	struct transport *transport;
	const struct method *method; /* NULL: unknown */
	grpc_call *grpc;
	enum call_state state;
	size_t *in_flight; /* which of the transport's counts it is in */
	unsigned batches;  /* started and not come back */

	struct tag close_tag;
	int close_cancelled; /* written by gRPC */
	bool close_in_reply; /* the status' batch is that of the end, too */
	/* The transport's list of calls whose end is not watched; back is NULL when it is not in it. */
	struct transport_call *unwatched_next;
	struct transport_call **unwatched_back;

	struct tag read_tag;
	grpc_byte_buffer *read; /* written by gRPC */
	grpc_byte_buffer *request;
	grpc_slice request_slice; /* holds the request when it came in pieces */
	char *peer;

	/* Outgoing messages, a ring; the first is being sent while a write is outstanding. */
	struct tag write_tag;
	struct tag status_tag;
	struct call_message *messages;
	struct call_message message; /* the ring of a unary call */
	unsigned messages_capacity;
	unsigned messages_first;
	unsigned messages_count;
	size_t messages_bytes;
	unsigned writes_outstanding; /* 0 or 1 */
	unsigned writes_started;
	unsigned sends_refused; /* since there was room the last time */
	grpc_metadata trailers[2];
	size_t trailers_count;

	/* For the transport's own services that read more than one message; `data` is NULL when the
	 * caller has sent its last. */
	void (*on_message)(struct transport_call *call, const uint8_t *data, size_t size);
	/* The transport's list of calls that asked for on_round(); back is NULL when it is not in it. */
	struct transport_call *round_next;
	struct transport_call **round_back;

	/* The service's list of its calls, and what it remembers of each. */
	struct transport_call *service_next;
	struct transport_call **service_back;
	int service_data;

	/* The transport's list of calls in flight; of the free ones only `next`. */
	struct transport_call *next;
	struct transport_call **back;
};

/* Takes over the gRPC call that arrived; reads what it needs of the metadata. method: NULL when
 * there is none of that path; path: only looked at then. */
struct transport_call *call_new(struct transport *transport, const struct method *method,
	grpc_slice path, grpc_call *grpc, gpr_timespec deadline, const grpc_metadata_array *metadata);
/* Lets it run. payload: the request of a unary call, NULL for all others. */
void call_begin(struct transport_call *call, grpc_byte_buffer *payload);

/* For the services of the transport. As the operations in api/call.h: */
bool call_send(struct transport_call *call, const ProtobufCMessage *message);
/* message must live as long as the call, or be a literal. */
void call_finish(struct transport_call *call, int code, const char *message);
/* Asks for the next message; at most one request at a time. */
void call_read(struct transport_call *call);
/* Ends the streams of the transport's own services, which would hold up a drain, and tells those of
 * the API to end. */
void call_drain_all(struct transport *transport);
/* Watches the end of calls that have waited for a while. True: there are some that have not yet. */
bool call_watch_waiting(struct transport *transport);
/* The round's end: calls that asked for it are called. */
void call_round(struct transport *transport);

/* Frees what the pool kept; no call may be in flight. */
void call_pool_release(struct transport *transport);

#endif
