/*
 * Stockbook's client for C: opaque, asynchronous and blocking, over gRPC.
 *
 * Messages are those that protoc-c makes of proto/stockbook/v1 ("stockbook/v1/stock.pb-c.h");
 * there is no second set of types. A call names its method, from the table that is built from the
 * API's own descriptors:
 *
 *     const struct stockbook_method *reserve = stockbook_method("ReservationService", "Reserve");
 *     Stockbook__V1__ReserveRequest request = STOCKBOOK__V1__RESERVE_REQUEST__INIT;
 *     ...
 *     ProtobufCMessage *response = stockbook_call(client, reserve, &request.base, 0, &error);
 *
 * Units: every time is in milliseconds and says so in its name.
 *
 * Threads: a client belongs to one thread at a time. It starts no callbacks of its own accord:
 * completions are delivered from stockbook_client_poll(), stockbook_client_run() and
 * stockbook_call(), on the thread that called them. Several threads open a client each.
 *
 * Ownership: a call copies its request before it returns. What a callback is given lives until it
 * returns, what a function returns is the caller's.
 *
 * Retries: a call that could not be answered (UNAVAILABLE, a lost connection), or was sent away
 * with the time to come again (RESOURCE_EXHAUSTED with RetryInfo), is sent again with the very
 * same bytes, and so with the same request id, until its deadline is over. That is always safe:
 * the service acts once for each request id. Where the last attempt leaves open whether it acted,
 * the error says so (outcome_unknown).
 *
 * Signals and forks: gRPC starts threads when the first client is opened; they take no signals
 * (all are blocked while they start). Fork before that, or exec at once afterwards.
 */
#ifndef STOCKBOOK_CLIENT_H
#define STOCKBOOK_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#ifdef __cplusplus
extern "C" {
#endif

struct stockbook_client;

/* All zero is a good start: set the target and what differs. Texts are copied. */
struct stockbook_client_options {
	/* "host:port", "unix:/path"; NULL means "127.0.0.1:50051". */
	const char *target;
	/* TLS is on when any of tls, ca_file, certificate_file is set. Files are in PEM. */
	bool tls;
	const char *ca_file;          /* NULL: the machine's own list of authorities */
	const char *certificate_file; /* mutual TLS: the client's certificate ... */
	const char *key_file;         /* ... and its key */
	const char *server_name;      /* the name in the server's certificate, when not the target's */
	/* The secret of a token, without "Bearer "; NULL when the server is open. */
	const char *token;
	/* For calls that name no deadline; 0 means 30,000. */
	int64_t deadline_ms;
	/* How long to keep trying to connect while no server has ever answered; 0: up to the deadline.
	 * Programs at a terminal set it low, to say at once that the server is not there. */
	int64_t connect_patience_ms;
	/* TCP connections to spread calls over; 0 means 1. One carries tens of thousands of calls a
	 * second; more help when several servers share the port. */
	int channels;
	/* Answers larger than this are refused; 0 means 64 MiB. */
	int message_bytes_max;
	/* Send every call once only. */
	bool no_retry;
};

/* One thing that an error says of its subject, such as "lines[0].sku" = "85123A". */
struct stockbook_pair {
	char *key;
	char *value;
};

/* A wrong field of the request and what is wrong with it. */
struct stockbook_violation {
	char *field;
	char *description;
};

/* How a call ended. `code` 0 is success, everything else is empty then. Texts are never NULL. */
struct stockbook_error {
	int code;          /* a gRPC status code: 5 is NOT_FOUND; see stockbook_code_name() */
	char *reason;      /* "OUT_OF_STOCK": the API's Reason without its prefix; "" if none came */
	char *message;     /* one line for people */
	char *request_tag; /* ties the error to the server's log; "" if none came */
	struct stockbook_pair *metadata;
	size_t metadata_count;
	struct stockbook_violation *violations;
	size_t violations_count;
	int64_t retry_delay_ms; /* wait at least so long before trying again; -1: not said */
	int attempts;           /* how often the call was sent */
	/* The call may or may not have taken effect. Sending the same request, with the same request
	 * id, finds out and does no harm. */
	bool outcome_unknown;
};

/* Frees what an error holds and makes it a success; harmless on a zeroed one. */
void stockbook_error_release(struct stockbook_error *error);
/* The value of a metadata key, or NULL. */
const char *stockbook_error_metadata(const struct stockbook_error *error, const char *key);
/* "NOT_FOUND" for 5; "CODE_77" and the like are "UNKNOWN". */
const char *stockbook_code_name(int code);

/* A method of the API. Lives for ever. */
struct stockbook_method {
	const char *path;    /* "/stockbook.v1.StockService/ReceiveStock" */
	const char *service; /* "StockService" */
	const char *name;    /* "ReceiveStock" */
	const ProtobufCMessageDescriptor *request;
	const ProtobufCMessageDescriptor *response;
	bool server_streaming;
	int index; /* in stockbook_methods() */
};

/* By the names of service and method; NULL when there is none such. */
const struct stockbook_method *stockbook_method(const char *service, const char *name);
/* By "Service/Method", with or without "/stockbook.v1." before it. */
const struct stockbook_method *stockbook_method_by_path(const char *path);
/* All that take one request, in the order of the API: all but SessionService/Session. */
const struct stockbook_method *stockbook_methods(size_t *count);

/* Opens no connection yet. NULL when a file of the options cannot be read; the error says which. */
struct stockbook_client *stockbook_client_open(const struct stockbook_client_options *options,
	struct stockbook_error *error);
/* Calls still in flight are cancelled; their callbacks are called with CANCELLED before this
 * returns. NULL is allowed. */
void stockbook_client_close(struct stockbook_client *client);

/* The end of a call: error->code is 0 and response is set, or response is NULL. A stream ends with
 * response NULL in either case. New calls may be started here; stockbook_call() may not. */
typedef void (*stockbook_done)(void *context, const ProtobufCMessage *response,
	const struct stockbook_error *error);
/* One message of a stream. */
typedef void (*stockbook_on_message)(void *context, const ProtobufCMessage *message);

/* Starts a call. done() is called exactly once, from a later poll or run, never from here.
 * deadline_ms: from now on, retries included; 0 means the client's. */
void stockbook_call_async(struct stockbook_client *client, const struct stockbook_method *method,
	const ProtobufCMessage *request, int64_t deadline_ms, stockbook_done done, void *context);
/* The same for a method that answers with a stream. It is retried only before its first message. */
void stockbook_stream_async(struct stockbook_client *client, const struct stockbook_method *method,
	const ProtobufCMessage *request, int64_t deadline_ms, stockbook_on_message on_message,
	stockbook_done done, void *context);

/* Delivers completions. Waits up to timeout_ms for the first (0: not at all; negative: for ever)
 * and returns how many calls ended. Returns 0 at once when nothing is in flight. */
size_t stockbook_client_poll(struct stockbook_client *client, int64_t timeout_ms);
/* Polls until nothing is in flight. */
void stockbook_client_run(struct stockbook_client *client);
/* Calls started and not ended, those that wait for their next attempt included. */
size_t stockbook_client_in_flight(const struct stockbook_client *client);

/* Calls and waits; completions of other calls are delivered meanwhile. The response is freed with
 * protobuf_c_message_free_unpacked(response, NULL). NULL on failure, and *error says why; it is
 * overwritten, not released, and the caller releases it. */
ProtobufCMessage *stockbook_call(struct stockbook_client *client,
	const struct stockbook_method *method, const ProtobufCMessage *request, int64_t deadline_ms,
	struct stockbook_error *error) __attribute__((warn_unused_result));
/* The same for a stream; false on failure. */
bool stockbook_stream(struct stockbook_client *client, const struct stockbook_method *method,
	const ProtobufCMessage *request, int64_t deadline_ms, stockbook_on_message on_message,
	void *context, struct stockbook_error *error) __attribute__((warn_unused_result));

/*
 * Sessions: one stream that carries many calls at once, for whoever makes thousands a second. Each
 * is answered as it commits, in any order. A call of a session is like any other: the same requests,
 * deadlines, errors and retries. When the stream is lost, a new one is opened and what was not
 * answered is sent again, with its request ids. Where the server is older than sessions, and for
 * requests of more than 1 MiB, the calls go out one by one.
 *
 * Calls that are started between two polls go out in one message, so start several before polling.
 */
struct stockbook_session;

/* in_flight_max: calls sent and not answered; more wait here for others' answers. 0 means 1,000, and
 * no more than the server's session_operations_max makes sense. Opens no stream yet. The client owns
 * the session and ends it when it is closed itself. */
struct stockbook_session *stockbook_session_open(struct stockbook_client *client,
	int in_flight_max);
/* As stockbook_call_async(), in the session. Not for methods that stream. */
void stockbook_session_call_async(struct stockbook_session *session,
	const struct stockbook_method *method, const ProtobufCMessage *request, int64_t deadline_ms,
	stockbook_done done, void *context);
/* Calls started in it and not ended. */
size_t stockbook_session_in_flight(const struct stockbook_session *session);
/* No more calls are started in it, and it must not be used any more. Those in flight end as they
 * would; after the last, the stream is ended. NULL is allowed. */
void stockbook_session_close(struct stockbook_session *session);

#define STOCKBOOK_REQUEST_ID_SIZE 37 /* 36 characters and the NUL */

/* A new request id: a UUID of version 7. */
void stockbook_request_id_new(char text[STOCKBOOK_REQUEST_ID_SIZE]);
/* The same id for the same name space and name, always and everywhere: a UUID of version 8 out of
 * their SHA-256. For imports and replays, which are then safe to repeat as a whole. */
void stockbook_request_id_derive(const char *name_space, const char *name,
	char text[STOCKBOOK_REQUEST_ID_SIZE]);

#ifdef __cplusplus
}
#endif

#endif
