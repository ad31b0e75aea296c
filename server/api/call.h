/*
 * One call in flight, as the transport hands it to the API: bytes in, bytes out, no gRPC types.
 * Everything here happens on the loop thread. The transport creates and frees the call; the API
 * ends it exactly once with call_finish(), whatever happens, also after cancellation.
 */
#ifndef STOCKBOOK_API_CALL_H
#define STOCKBOOK_API_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"

struct call;
struct api;

/* How the transport carries out what the API wants of a call. */
struct call_operations {
	/* Packs one response message straight into the bytes that go out: the cheapest way. A unary
	 * call sends at most one. False: the caller is too slow (on_writable says when to go on) or
	 * gone (`cancelled`), and nothing was queued. */
	bool (*send_message)(struct call *call, const ProtobufCMessage *message);
	/* The same for a message that is packed already; it is copied. */
	bool (*send)(struct call *call, const void *data, size_t size);
	/* Ends the call with call->status; the call must not be touched afterwards. */
	void (*finish)(struct call *call);
	/* Of a call whose requests stream: asks for its next message, which on_message() gets; one at a
	 * time. While none is asked for, the caller is held back. */
	void (*read)(struct call *call);
	/* Asks for on_round() at the end of this round of the loop, once however often it is asked. */
	void (*wake)(struct call *call);
};

struct call {
	/* Set by the transport before api_handle(). */
	const struct call_operations *operations;
	struct arena arena;        /* memory of the call, released with it */
	const char *method;        /* "/stockbook.v1.StockService/GetAvailability" */
	const char *peer;          /* "ipv4:127.0.0.1:5000" */
	const char *authorization; /* value of the "authorization" metadata, or NULL */
	const char *peer_name;     /* verified name from the client's certificate, or NULL */
	const uint8_t *request;    /* the request message's bytes; live as long as the call */
	size_t request_size;
	bool streaming;      /* the method sends any number of responses */
	bool reads;          /* and takes any number of requests, by read(); there is no `request` */
	int64_t arrived_us;  /* uv_hrtime() based, microseconds */
	int64_t deadline_us; /* the same clock; INT64_MAX when the caller set none */
	/* Set by the transport when the caller cancelled, hung up or the deadline passed. The API may
	 * stop early; it must still finish the call. */
	bool cancelled;
	/* Called by the transport right after `cancelled` was set, unless NULL. Set by the API. */
	void (*on_cancel)(struct call *call);
	/* Called by the transport when send() has refused for lack of room and there is room again.
	 * Set by the API, for streams. */
	void (*on_writable)(struct call *call);
	/* Set by the API, for streams: send() is to refuse while a message is on its way, because what
	 * comes meanwhile is gathered into the next one. */
	bool gathers;
	/* What read() asked for; data is NULL when the caller has sent its last, or has gone. The bytes
	 * live until it returns. Set by the API. */
	void (*on_message)(struct call *call, const uint8_t *data, size_t size);
	/* What wake() asked for. Set by the API. */
	void (*on_round)(struct call *call);
	/* Set by the transport when the service is about to end, for streams: finish what has begun and
	 * then the call, take nothing more. on_drain(), when the API has set it, is called right after. */
	bool draining;
	void (*on_drain)(struct call *call);

	/* Set by the API before finish(). status_code is a gRPC code (0 = OK); status_details are the
	 * bytes of a packed google.rpc.Status for the grpc-status-details-bin trailer, or NULL. */
	int status_code;
	const char *status_message;
	const uint8_t *status_details;
	size_t status_details_size;
	/* Trailing metadata "stockbook-request-tag": ties the caller's error to the log line. */
	char request_tag[20];

	void *api_data; /* the API's own state of this call */
};

/* What main gives the transport in a struct transport_api (transport/transport.h); the transport
 * does not link against these, so that its tests bring an API of their own. */

/* True when the API has a method of that full name. Unknown methods never reach api_handle(). */
bool api_has_method(const struct api *api, const char *method);
/* Takes the call; answers through call->operations, at once or later. */
void api_handle(struct api *api, struct call *call);
/* How many calls the API has that are not finished yet, for the drain. */
size_t api_calls_in_flight(const struct api *api);

#endif
