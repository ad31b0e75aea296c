/*
 * Engines on a migrated database of the test's own, and calls of real operations against them, many
 * in flight, on the test's loop.
 */
#ifndef STOCKBOOK_TESTS_INTEGRATION_ENGINE_FIXTURE_H
#define STOCKBOOK_TESTS_INTEGRATION_ENGINE_FIXTURE_H

#include "engine/engine.h"
#include "engine/verify.h"
#include "stockbook/v1/reservation.pb-c.h"
#include "stockbook/v1/stock.pb-c.h"

#define FIXTURE_PARTS 16
#define FIXTURE_ENGINES_MAX 4

struct fixture {
	uv_loop_t loop;
	const char *database; /* as superuser */
	struct engine *engines[FIXTURE_ENGINES_MAX];
	size_t engine_count;
	size_t in_flight;
	struct arena arena;
	uint64_t random;
};

/* A fresh migrated database, no engine yet. */
void fixture_open(struct fixture *fixture);
/* Waits until it is ready; settings may be NULL. Its database, parts and role are filled in unless
 * set. */
struct engine *fixture_engine(struct fixture *fixture, const struct engine_settings *settings);
/* Closes the engines and the loop. Fails if requests were left. */
void fixture_close(struct fixture *fixture);
/* Runs the loop for that long, or until nothing is in flight. */
void fixture_run_ms(struct fixture *fixture, uint64_t ms);
void fixture_run(struct fixture *fixture); /* until nothing is in flight; at most a minute */

struct caller {
	struct engine_request request;
	struct arena arena;
	struct fixture *fixture;
	ProtobufCMessage *response; /* unpacked; NULL when refused */
	bool answered;
	int answers; /* must be 1 in the end */
	void (*done)(struct caller *caller);
	void *data;
};

struct caller *caller_new(struct fixture *fixture);
void caller_free(struct caller *caller);
/* operation by name; the message is the caller's, in its arena. With a fresh request id unless it
 * is set already. */
void call(struct caller *caller, struct engine *engine, const char *operation, const void *message);
/* The same, until it is answered. */
void call_now(struct caller *caller, struct engine *engine, const char *operation,
	const void *message);
struct uuid new_request_id(struct fixture *fixture);
/* "OK", or the reason's name. */
const char *outcome(const struct caller *caller);
/* How many of them have this outcome; each must have been answered once. */
size_t count_outcomes(struct caller *const *callers, size_t count, const char *expected);
void free_callers(struct caller *const *callers, size_t count);

/* One each, with its item or location, through the engine. */
void put_item(struct fixture *fixture, struct engine *engine, const char *sku);
void put_location(struct fixture *fixture, struct engine *engine, const char *code);
/* The same location again, which now takes part in nothing, or again in all. */
void put_disabled(struct fixture *fixture, struct engine *engine, const char *code, bool disabled);
/* What is not sold: of the item anywhere, or of it at the location. */
void put_item_safety(struct fixture *fixture, struct engine *engine, const char *sku,
	int64_t quantity);
void set_safety(struct fixture *fixture, struct engine *engine, const char *sku,
	const char *location, int64_t quantity);
void receive(struct fixture *fixture, struct engine *engine, const char *sku, const char *location,
	int64_t quantity);
/* In the arena: count lines of one each; skus and locations by line. */
const Stockbook__V1__ReserveRequest *reserve_request(struct arena *arena, const char *const *skus,
	const char *const *locations, int64_t quantity, size_t count);
void reserve(struct caller *caller, struct engine *engine, const char *sku, const char *location,
	int64_t quantity);

/* Runs verify and fails on any finding. */
void assert_book_is_right(struct fixture *fixture, struct engine *engine);
/* The first value of the question, as a number. */
int64_t ask(struct fixture *fixture, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
