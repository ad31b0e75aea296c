/*
 * An engine and a transport made for tests of the API: the engine notes what is submitted and
 * answers when the test says so; the calls note what was sent.
 */
#ifndef STOCKBOOK_TESTS_UNIT_FAKE_API_H
#define STOCKBOOK_TESTS_UNIT_FAKE_API_H

#include "google/rpc/error_details.pb-c.h"

#include "api/api.h"
#include "api/methods.h"

#define FAKE_REQUESTS_MAX 256
#define FAKE_SESSION_OPERATIONS_MAX 10
#define FAKE_MESSAGES_MAX 64
#define FAKE_DETAILS_MAX 8192
#define FAKE_MESSAGE_MAX 131072
#define FAKE_HASH_SIZE 32

extern const struct api_service *const fake_services[];
extern const size_t fake_service_count;

/* An operation for each RPC that has one, also where the book has none yet; tokens' are the
 * book's. */
const struct operation *fake_find(const char *name);

/* ---- The engine ---- */

struct fake_token {
	const char *secret;
	const char *name;
	int role; /* 0: unknown */
	const char *location;
	bool revoked;
};

struct fake_engine {
	struct engine_request *requests[FAKE_REQUESTS_MAX]; /* not answered yet */
	size_t count;
	/* Lookups of tokens are answered from these, but for those that are held back. */
	const struct fake_token *tokens;
	size_t token_count;
	size_t lookups;
	bool holds_lookups;
	/* The verification that runs. */
	struct verify_options verify;
	bool verifying;
	bool verify_full;
	size_t verify_cancels;
	/* The one who follows the feed. */
	struct feed_options follow;
	bool following;
};

extern struct fake_engine fake_engine;

/* Opens an API over the fake engine, forgetting what was there. */
struct api *fake_api_open(bool open);
/* The i-th request that waits; fails the test when there is none. */
struct engine_request *fake_request(size_t i);
/* Answers lookups that were held back. */
void fake_answer_lookups(void);
/* Answers the first request that waits. */
void fake_answer(const ProtobufCMessage *response);
void fake_answer_packed(const uint8_t *response, size_t size);
void fake_refuse(Stockbook__V1__Reason reason, const char *message);

/* ---- Calls ---- */

struct fake_call {
	struct call call;
	bool finished;
	int code;
	char message[1024];
	uint8_t details[FAKE_DETAILS_MAX];
	size_t details_size;
	struct {
		uint8_t *bytes;
		size_t size;
	} messages[FAKE_MESSAGES_MAX];
	size_t message_count;
	bool blocked; /* refuses to send */
	bool reading; /* has asked for a message */
	bool awake;   /* has asked for the round's end */
	/* Out of the details. */
	char reason[64];
	char fields[2048];   /* "a, b": of the violations */
	char metadata[4096]; /* "key=value; " */
	int64_t retry_ms;
};

/* method: "ItemService/GetItem"; secret: of the token, or NULL. The call is freed by
 * fake_call_free(). */
struct fake_call *fake_call(struct api *api, const char *method, const char *secret,
	const ProtobufCMessage *request);
struct fake_call *fake_call_bytes(struct api *api, const char *method, const char *secret,
	const void *bytes, size_t size);
/* What a call that reads asked for; NULL: the caller has sent his last. */
void fake_call_message(struct fake_call *call, const ProtobufCMessage *message);
/* The round's end, as often as it is asked for. */
void fake_call_round(struct fake_call *call);
void fake_call_drain(struct fake_call *call);
void fake_call_cancel(struct fake_call *call);
void fake_call_free(struct fake_call *call);

#define REQUEST_ID_TEXT "0190163d-8694-739b-aea5-966c26f8ad91"

#endif
