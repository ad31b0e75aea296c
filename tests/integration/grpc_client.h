/*
 * A client on gRPC's bare core for tests of the transport: what goes over the wire is the test's
 * choice, also what the client library would never send. One thread; every wait is bounded.
 */
#ifndef STOCKBOOK_TESTS_INTEGRATION_GRPC_CLIENT_H
#define STOCKBOOK_TESTS_INTEGRATION_GRPC_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <grpc/grpc.h>

#define GRPC_CLIENT_WAIT_MS 20000
#define GRPC_CLIENT_FOREVER INT64_MAX

struct grpc_client {
	grpc_channel *channel;
	grpc_completion_queue *queue;
};

struct grpc_client_call;

/* credentials NULL: plaintext. They are released. */
void grpc_client_open(struct grpc_client *client, const char *target,
	grpc_channel_credentials *credentials);
void grpc_client_close(struct grpc_client *client);

/* Starts a call. With `last` its only request goes out with it; else write and half-close follow.
 * authorization: NULL or the metadata's value. */
struct grpc_client_call *grpc_client_start(struct grpc_client *client, const char *method,
	const void *request, size_t size, int64_t timeout_ms, const char *authorization);
struct grpc_client_call *grpc_client_start_stream(struct grpc_client *client, const char *method,
	int64_t timeout_ms);
void grpc_client_write(struct grpc_client_call *call, const void *data, size_t size);
/* False: what was written before is still held back by the server after so long; nothing was
 * written. */
bool grpc_client_try_write(struct grpc_client_call *call, const void *data, size_t size,
	int64_t within_ms);
void grpc_client_half_close(struct grpc_client_call *call);
void grpc_client_cancel(struct grpc_client_call *call);

/* The next message, NULL when there is none any more. Valid until the next one is asked for. */
const uint8_t *grpc_client_next(struct grpc_client_call *call, size_t *size);
/* Waits for the status, dropping messages not taken. The accessors below need it. */
int grpc_client_finish(struct grpc_client_call *call);
const char *grpc_client_message(const struct grpc_client_call *call);
/* The value of a trailer; NULL when there is none. */
const uint8_t *grpc_client_trailer(const struct grpc_client_call *call, const char *key,
	size_t *size);
void grpc_client_free(struct grpc_client_call *call);

/* All of it: a unary call, its status, and its answer (malloc, *answer_size) when OK. */
int grpc_client_unary(struct grpc_client *client, const char *method, const void *request,
	size_t size, int64_t timeout_ms, uint8_t **answer, size_t *answer_size);

#endif
