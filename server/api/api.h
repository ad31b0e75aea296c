/*
 * The API: takes calls from the transport, and answers each exactly once.
 *
 *	call --> method --> who? --> may he? --> check of the bytes --> unpack --> rules
 *	     --> engine (an operation) or the API's own answer --> response or error, log, metrics
 *
 * Authentication, authorisation, validation, request ids, errors, logs and metrics stand here once
 * for all methods. Everything belongs to the loop's thread.
 */
#ifndef STOCKBOOK_API_API_H
#define STOCKBOOK_API_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/call.h"
#include "engine/feed.h"
#include "engine/live.h"
#include "engine/verify.h"

/* What the API wants of the engine: its functions of these names, or a test's. */
struct api_engine {
	struct engine *engine;
	void (*submit)(struct engine *engine, struct engine_request *request);
	struct verify *(*verify)(struct engine *engine, const struct verify_options *options);
	void (*verify_cancel)(struct verify *verify);
	struct feed_cursor *(*follow)(struct engine *engine, const struct feed_options *options);
	void (*feed_resume)(struct feed_cursor *cursor);
	void (*feed_leave)(struct feed_cursor *cursor);
	const int64_t *(*feed_position)(const struct feed_cursor *cursor);
	struct watch *(*watch)(struct engine *engine, const struct watch_options *options);
	size_t (*watch_take)(struct watch *watch, size_t *numbers);
	void (*watch_mark)(struct watch *watch, size_t number);
	void (*watch_leave)(struct watch *watch);
	const int64_t *(*known)(const struct engine *engine);
	/* operation_find() of the book. */
	const struct operation *(*find)(const char *name);
};

/* Copied by api_open(), texts too. */
struct api_settings {
	bool open;              /* calls need no token: everyone is an admin named "open" */
	const char *version;    /* of the program */
	int32_t schema_version; /* of the database */
	int32_t parts;
	size_t calls_in_flight_max;    /* operations of sessions beyond are refused; 0: no bound */
	size_t caller_calls_max;       /* of one token, or connection without; 0: no bound */
	size_t request_bytes_max;      /* of all requests in flight; 0: no bound */
	size_t session_operations_max; /* of one session, with answers that are not sent; 0: 1,024 */
};

/* NULL: `error` says which row of the API's tables does not fit; a bug of the build. */
MUST_USE struct api *api_open(const struct api_engine *engine, const struct api_settings *settings,
	char *error, size_t error_size);
/* Frees it. No call may be in flight, and the engine has answered everything it was given. */
void api_close(struct api *api);

/* Makes the first token: when there is no admin's, one named "bootstrap" is made and its secret is
 * written into the file, for its owner's eyes only. Call when the engine is ready; `done` says on
 * the loop how it went: NULL, or why not. `created` is false when there was an admin already. */
void api_bootstrap(struct api *api, const char *file,
	void (*done)(const char *error, bool created, void *data), void *data);

/* The calls of api/call.h: api_has_method(), api_handle(), api_calls_in_flight(). */

#endif
