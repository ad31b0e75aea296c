/*
 * The inside of struct transport, for the files of this folder. All of it is the loop thread's.
 */
#ifndef STOCKBOOK_TRANSPORT_PRIVATE_H
#define STOCKBOOK_TRANSPORT_PRIVATE_H

#include <grpc/grpc.h>
#include <uv.h>

#include "base/arena.h"
#include "transport/call.h"
#include "transport/call_state.h"
#include "transport/descriptors.h"
#include "transport/health.h"
#include "transport/method.h"
#include "transport/poller.h"
#include "transport/reply.h"
#include "transport/slot.h"
#include "transport/transport.h"

#define TRANSPORT_OVERLOADED_RETRY_MS 100

/*
 *	SERVING ── transport_drain() ──> DRAINING ── nothing in flight ──> STOPPED ──> CLOSING
 */
enum transport_state {
	TRANSPORT_SERVING,
	TRANSPORT_DRAINING,
	TRANSPORT_STOPPED, /* gRPC has gone */
	TRANSPORT_CLOSING, /* uv handles are being closed */
};

struct transport {
	enum transport_state state;
	uv_loop_t *loop;
	struct arena arena; /* what lives as long as the transport */
	struct transport_api api;
	struct descriptors descriptors;
	struct method_table methods;
	struct health health;
	struct poller poller;

	grpc_server *server;
	int port;
	bool callers_have_names; /* mutual TLS */

	struct slot *slots;
	size_t slots_count;
	size_t slots_armed;

	struct transport_call *calls; /* in flight */
	struct transport_call *calls_free;
	struct transport_call *unwatched; /* their end is not, the oldest first */
	struct transport_call **unwatched_end;
	struct transport_call *calls_awake; /* asked for the round's end */
	size_t calls_in_flight;             /* the API's */
	size_t own_calls_in_flight;         /* of the transport's own services, and refused ones */
	size_t calls_in_flight_max;
	struct call_counts counts;
	const char *overloaded_message;
	struct reply_details overloaded;

	struct tag drained_tag;
	size_t drained_tags_outstanding;
	uv_timer_t drain_timer;
	uint64_t drain_until_ms; /* uv_now() */
	void (*on_drained)(struct transport *transport, void *context);
	void *on_drained_context;
};

#endif
