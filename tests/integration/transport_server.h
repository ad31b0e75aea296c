/*
 * A transport on a loop thread of its own, with an API made for the tests behind it:
 *
 *	ECHO     answers with the request
 *	ASK      answers with what the transport told of the call: "peer_name|authorization|..."
 *	FAIL     refuses with a status, details and a request tag
 *	HOLD     is answered when it is cancelled or released
 *	DEFER    is answered by a timer, a moment later
 *	STREAM   sends as many messages of as many bytes as the request says ("count size")
 */
#ifndef STOCKBOOK_TESTS_INTEGRATION_TRANSPORT_SERVER_H
#define STOCKBOOK_TESTS_INTEGRATION_TRANSPORT_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <uv.h>

#include "transport/transport.h"

/* Real methods: the transport learns from the API's own descriptors which of them stream. */
#define METHOD_ECHO "/stockbook.v1.ServerService/Echo"
#define METHOD_ASK "/stockbook.v1.ServerService/GetServerInfo"
#define METHOD_FAIL "/stockbook.v1.StockService/AdjustStock"
#define METHOD_HOLD "/stockbook.v1.ReservationService/Reserve"
#define METHOD_DEFER "/stockbook.v1.StockService/GetAvailability"
#define METHOD_STREAM "/stockbook.v1.LedgerService/Verify"
#define METHOD_DESCRIBED_ONLY "/stockbook.v1.ItemService/PutItem"

#define FAIL_TAG "tag-0123456789"
#define DEFER_MS 30

struct api {
	uv_loop_t *loop;
	struct call *held; /* linked by api_data */
	atomic_size_t handled;
	atomic_size_t in_flight;
	atomic_size_t cancelled;
	atomic_size_t streamed;       /* messages that STREAM could send */
	atomic_size_t stream_refused; /* how often it was told to wait */
};

struct transport_server {
	struct api api;
	uv_thread_t thread;
	uv_loop_t loop;
	uv_async_t wake;
	struct transport *transport;
	char target[128];
	/* Orders to the loop thread, taken in this order. */
	atomic_int order_serving; /* -1 none, 0 or 1 */
	atomic_bool order_release;
	atomic_bool order_drain;
	uint64_t drain_bound_ms;
	bool draining; /* the test thread's: it has been ordered */
	atomic_bool drained;
	/* A copy that the loop thread makes on demand. */
	atomic_bool order_counts;
	struct call_counts counts;
	size_t calls_in_flight;
	uv_sem_t done;
};

/* settings: addresses may be left out (any port on loopback). */
void transport_server_start(struct transport_server *server,
	const struct transport_settings *settings);
void transport_server_set_serving(struct transport_server *server, bool serving);
/* Answers the HOLD calls with their requests. */
void transport_server_release(struct transport_server *server);
void transport_server_begin_drain(struct transport_server *server, uint64_t bound_ms);
const struct call_counts *transport_server_counts(struct transport_server *server);
/* Waits until no call is left; false: not within some seconds. */
bool transport_server_is_idle(struct transport_server *server);
/* Drains when nobody has, and waits for the thread's end. */
void transport_server_stop(struct transport_server *server);

#endif
