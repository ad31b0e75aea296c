/*
 * The gRPC server on the uv loop: connections, calls, TLS, health and reflection. It hands each
 * call to the API as a struct call (api/call.h) and carries the answer out.
 * Everything is called, and calls back, on the loop's thread.
 */
#ifndef STOCKBOOK_TRANSPORT_TRANSPORT_H
#define STOCKBOOK_TRANSPORT_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "api/call.h"
#include "transport/call_state.h"

#define TRANSPORT_MESSAGE_BYTES_MAX_DEFAULT ((size_t)4 << 20)
#define TRANSPORT_CALLS_IN_FLIGHT_MAX_DEFAULT ((size_t)10000)
#define TRANSPORT_STREAMS_PER_CONNECTION_MAX_DEFAULT 1000U

struct transport;

/* Whom calls are handed to; see api/call.h. The transport does not look into `api`. */
struct transport_api {
	struct api *api;
	bool (*has_method)(const struct api *api, const char *method);
	void (*handle)(struct api *api, struct call *call);
	size_t (*calls_in_flight)(const struct api *api);
};

/* Copied by transport_open(), but for the texts, which are only read during it. */
struct transport_settings {
	const char *const *addresses; /* "127.0.0.1:50051", "[::1]:0", "unix:/path" */
	size_t addresses_count;
	bool reuse_port; /* let several processes share the ports */
	/* PEM files. NULL certificate: plaintext. With a client CA, callers must show a certificate
	 * that it signed (mutual TLS). */
	const char *tls_certificate;
	const char *tls_key;
	const char *tls_client_ca;
	/* 0: the default of each. */
	size_t message_bytes_max; /* of one request message */
	size_t calls_in_flight_max;
	uint32_t streams_per_connection_max;
};

/* Listens and serves at once, but its health says NOT_SERVING until transport_set_serving().
 * Initialises gRPC: no fork() after it. Ignore SIGPIPE before. Compressed messages are refused.
 * NULL: `error` says which setting is wrong and why; let the loop run out before closing it. */
MUST_USE struct transport *transport_open(uv_loop_t *loop,
	const struct transport_settings *settings, const struct transport_api *api, char *error,
	size_t error_size);

/* What health checks answer. No effect once drained. */
void transport_set_serving(struct transport *transport, bool serving);

/* The port of the first TCP address, also when 0 asked for any (one of the machine's ephemeral
 * ports); 0 when there is none. */
int transport_port(const struct transport *transport);

/* The calls by state, and totals. Valid as long as the transport. */
const struct call_counts *transport_counts(const struct transport *transport);
/* Calls that are not over yet, health watches and reflection included. */
size_t transport_calls_in_flight(const struct transport *transport);

/* Ends the service: health NOT_SERVING, no new calls, calls in flight are waited for, and cancelled
 * when bound_ms have passed. Callers whose calls come in the instant of the drain see UNAVAILABLE
 * or, by gRPC's core, CANCELLED: nothing of theirs was begun. `done` is called once when nothing of gRPC is left. A second drain
 * only shortens the bound of the first. */
void transport_drain(struct transport *transport, uint64_t bound_ms,
	void (*done)(struct transport *transport, void *context), void *context);

/* Frees a drained transport, during the next rounds of the loop. Not before `done` was called;
 * inside of it is fine. */
void transport_close(struct transport *transport);

#endif
