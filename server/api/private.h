/*
 * The inside of the API, for the files of this folder. All of it is the loop thread's.
 */
#ifndef STOCKBOOK_API_PRIVATE_H
#define STOCKBOOK_API_PRIVATE_H

#include "api/admission.h"
#include "api/api.h"
#include "api/authenticate.h"
#include "api/methods.h"
#include "api/record.h"

/*
 * A call goes through these in order, and may skip any but the first and the last:
 *
 *	AUTHENTICATING --> DECODING --> SUBMITTED or ANSWERING --> finished (and gone)
 */
enum api_call_state {
	API_CALL_AUTHENTICATING, /* waits for the book to say whose token it is */
	API_CALL_DECODING,
	API_CALL_SUBMITTED, /* the engine has it */
	API_CALL_ANSWERING, /* a stream of the API's own */
};

/* What the API knows of a call; in the call's arena. */
struct api_call {
	struct api *api;
	struct call *call;
	struct method_entry *method;
	enum api_call_state state;
	struct actor actor;                 /* once authenticated; in the call's arena */
	struct admission_caller *admitted;  /* whom it is counted to; NULL: not yet */
	const struct engine_caller *caller; /* the same, for the engine */
	size_t bytes;                       /* that it is counted with */
	const ProtobufCMessage *message;
	struct engine_request request;
	struct api_call *next_waiting; /* for the same token */
	void *data;                    /* of the method's own answer */
};

struct api {
	struct arena arena; /* what lives as long as the API */
	struct api_engine engine;
	struct api_settings settings;
	struct methods methods;
	struct authenticator authenticator;
	int64_t started_at_us; /* since 1970 */
	uint64_t random;       /* state of api_random() */
	struct record record;
	size_t calls_in_flight;
	struct admission admission;
	struct {
		struct session_operation *free; /* kept for the next ones */
		size_t free_count;
		struct metric *open;
		struct metric *operations;
		struct metric *messages;
	} session;
	struct api_bootstrap *bootstrap; /* while it is under way */
};

/* uv_hrtime() in microseconds: the clock of calls and of the engine. */
int64_t api_clock_us(void);
/* Not secret, but its own for every process and call. */
uint64_t api_random(struct api *api);

/* A message of the method's request type out of bytes, checked by the method's rules. It lies in the
 * arena, the refusal in the call's. NULL: the refusal says what is wrong with it. */
const ProtobufCMessage *api_call_decode(struct api_call *call, const uint8_t *bytes, size_t size,
	struct arena *arena, struct refusal *refusal);
/* The caller is known: on with the call. */
void api_call_continue(struct api_call *call);
/* The engine's answer stands as it came: to the caller, and done. */
void api_call_finish_packed(struct api_call *call, const uint8_t *response, size_t size);
void api_call_finish_message(struct api_call *call, const ProtobufCMessage *response);
/* Ends a stream. */
void api_call_finish_ok(struct api_call *call);
/* Nobody waits for its end any more. */
void api_call_finish_cancelled(struct api_call *call);
void api_call_finish_refused(struct api_call *call, struct refusal *refusal);
PRINTF_LIKE(3, 4)
void api_call_refuse(struct api_call *call, Stockbook__V1__Reason reason, const char *format, ...);

#endif
