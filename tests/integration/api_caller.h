/*
 * Servers without a network: an API over an engine of the fixture, and calls as the transport would
 * bring them.
 */
#ifndef STOCKBOOK_TESTS_INTEGRATION_API_CALLER_H
#define STOCKBOOK_TESTS_INTEGRATION_API_CALLER_H

#include "api/api.h"
#include "integration/engine_fixture.h"

#define API_MESSAGES_MAX 64

struct api_caller {
	struct call call;
	bool finished;
	int code;
	char reason[64];
	char message[1024];
	struct {
		uint8_t *bytes;
		size_t size;
	} messages[API_MESSAGES_MAX];
	size_t message_count;
};

/* Over an engine of the fixture. */
struct api *api_over(struct engine *engine, bool open);
/* Starts a call; method: "StockService/ReceiveStock"; secret: a token's, or NULL. */
struct api_caller *api_begin(struct api *api, const char *method, const char *secret,
	const ProtobufCMessage *request);
/* Runs the loop until the call is over; fails after a minute. */
void api_wait(struct fixture *fixture, struct api_caller *caller);
/* Both. */
struct api_caller *api_call(struct fixture *fixture, struct api *api, const char *method,
	const char *secret, const ProtobufCMessage *request);
/* "OK" or the reason. */
const char *api_outcome(const struct api_caller *caller);
void api_caller_free(struct api_caller *caller);

#endif
