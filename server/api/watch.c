/*
 * What may have changed is read again, with the operation that answers GetAvailability, and told
 * where it differs from what was told. Nothing is queued for a caller who reads slowly: what he was
 * not told is read again when there is room, so that he gets the newest.
 *
 *	RESOLVING --all read, SKUs known--> WAITING <--changed: read, tell--> READING
 *	any --the caller, the server ends--> ENDING (until the read that is under way is answered)
 */
#include "api/watch.h"

#include <string.h>

#include <xxhash.h>

#include "api/position.h"
#include "base/message.h"
#include "google/protobuf/duration.pb-c.h"
#include "stockbook/v1/event.pb-c.h"
#include "stockbook/v1/stock.pb-c.h"

#define OPERATION "StockService/GetAvailability"
#define HEARTBEAT_US_DEFAULT INT64_C(10000000)
/* Rows in memory may be as old as they like: at_least says how new they must be. */
#define STALENESS_US INT64_C(60000000)

enum watch_call_state { WATCH_RESOLVING, WATCH_WAITING, WATCH_READING, WATCH_ENDING };

struct watch_call {
	struct api_call *call;
	enum watch_call_state state;
	struct watch *watch; /* NULL until the SKUs are known */
	const Stockbook__V1__WatchAvailabilityRequest *asked;
	uint64_t *told;        /* by number: hash of what was told; 0: nothing */
	const char **resolved; /* by number */
	int64_t heartbeat_us;
	int64_t sent_us;
	bool changed; /* something is to be read */
	bool blocked; /* there is no room */

	/* The read that is under way. */
	struct arena arena;
	struct engine_request read;
	Stockbook__V1__GetAvailabilityRequest request;
	size_t *numbers;
	size_t count;
	int64_t *position;

	Stockbook__V1__Reason reason; /* ENDING */
	const char *message;
};

static void begin_read(struct watch_call *watch);

/* ---- Ending ---- */

static void finish(struct watch_call *watch)
{
	struct api_call *call = watch->call;
	arena_release(&watch->arena);
	api_call_refuse(call, watch->reason, "%s", watch->message);
}

static bool is_reading(const struct watch_call *watch)
{
	return watch->state == WATCH_RESOLVING || watch->state == WATCH_READING;
}

/* At once, or when the read is answered, which works in the call's memory. */
static void end(struct watch_call *watch, Stockbook__V1__Reason reason, const char *message)
{
	bool reads = is_reading(watch);
	if (watch->watch)
		watch->call->api->engine.watch_leave(watch->watch);
	watch->watch = NULL;
	watch->call->call->on_writable = NULL;
	watch->call->call->on_cancel = NULL;
	watch->call->call->on_drain = NULL;
	watch->read.cancelled = true;
	watch->state = WATCH_ENDING;
	watch->reason = reason;
	watch->message = message;
	if (!reads)
		finish(watch);
}

static void on_cancel(struct call *face)
{
	const struct api_call *call = face->api_data;
	end(call->data, STOCKBOOK__V1__REASON__REASON_DEADLINE_EXCEEDED,
		"the caller hung up, or its time was over");
}

static void on_drain(struct call *face)
{
	const struct api_call *call = face->api_data;
	end(call->data, STOCKBOOK__V1__REASON__REASON_UNAVAILABLE, "server is shutting down");
}

static void on_engine_end(struct watch *gone, void *data)
{
	struct watch_call *watch = data;
	(void)gone;
	watch->watch = NULL;
	end(watch, STOCKBOOK__V1__REASON__REASON_UNAVAILABLE, "server is shutting down");
}

/* ---- Telling ---- */

static uint64_t availability_hash(const Stockbook__V1__Availability *availability,
	struct arena *arena)
{
	size_t size = stockbook__v1__availability__get_packed_size(availability);
	uint8_t *bytes = arena_alloc(arena, size);
	stockbook__v1__availability__pack(availability, bytes);
	return XXH3_64bits(bytes, size) | 1;
}

static bool send_message(struct watch_call *watch, Stockbook__V1__Availability **availabilities,
	size_t count, const int64_t *position)
{
	struct call *face = watch->call->call;
	Stockbook__V1__WatchAvailabilityResponse message =
		STOCKBOOK__V1__WATCH_AVAILABILITY_RESPONSE__INIT;
	message.availabilities = availabilities;
	message.n_availabilities = count;
	message.position = position_make(&watch->arena, position, watch->call->api->settings.parts + 1);
	if (!face->operations->send_message(face, &message.base))
		return false;
	watch->sent_us = api_clock_us();
	return true;
}

/* What differs. What cannot be told now is as if it had changed again. */
static void tell(struct watch_call *watch, const Stockbook__V1__GetAvailabilityResponse *response)
{
	struct api *api = watch->call->api;
	Stockbook__V1__Availability **news =
		arena_alloc_array(&watch->arena, watch->count, sizeof(struct Availability *));
	uint64_t *hashes = arena_alloc_array(&watch->arena, watch->count, sizeof(*hashes));
	size_t count = 0;
	for (size_t i = 0; i < watch->count; i++) {
		hashes[i] = availability_hash(response->availabilities[i], &watch->arena);
		if (hashes[i] != watch->told[watch->numbers[i]])
			news[count++] = response->availabilities[i];
	}
	if (count == 0)
		return;
	watch->blocked = !send_message(watch, news, count, watch->position);
	for (size_t i = 0; i < watch->count; i++) {
		size_t number = watch->numbers[i];
		if (hashes[i] == watch->told[number])
			continue;
		if (watch->blocked)
			api->engine.watch_mark(watch->watch, number);
		else
			watch->told[number] = hashes[i];
	}
}

/* ---- From the engine ---- */

static void on_changed(struct watch *marked, void *data)
{
	struct watch_call *watch = data;
	(void)marked;
	watch->changed = true;
	if (watch->state == WATCH_WAITING && !watch->blocked)
		begin_read(watch);
}

static void on_tick(struct watch *unused, int64_t now_us, void *data)
{
	struct watch_call *watch = data;
	(void)unused;
	/* The values come first. */
	if (watch->state != WATCH_WAITING || watch->blocked || watch->changed || watch->sent_us == 0 ||
		now_us - watch->sent_us < watch->heartbeat_us)
		return;
	const struct api *api = watch->call->api;
	arena_reset(&watch->arena);
	(void)send_message(watch, NULL, 0, api->engine.known(api->engine.engine));
}

/* Watches what the SKUs mean now. False: too much is watched, and the call is over. */
static bool watch_resolved(struct watch_call *watch,
	const Stockbook__V1__GetAvailabilityResponse *response)
{
	struct api *api = watch->call->api;
	for (size_t i = 0; i < watch->count; i++)
		watch->resolved[watch->numbers[i]] =
			arena_string(&watch->call->call->arena, response->availabilities[i]->sku);
	const struct watch_options options = {
		.skus = watch->resolved,
		.count = watch->asked->n_skus,
		.changed = on_changed,
		.tick = on_tick,
		.end = on_engine_end,
		.data = watch,
	};
	struct watch *before = watch->watch;
	watch->watch = api->engine.watch(api->engine.engine, &options);
	if (before)
		api->engine.watch_leave(before);
	watch->state = WATCH_WAITING;
	if (watch->watch)
		return true;
	end(watch, STOCKBOOK__V1__REASON__REASON_OVERLOADED, "too much is watched already");
	return false;
}

static bool means_others(const struct watch_call *watch,
	const Stockbook__V1__GetAvailabilityResponse *response)
{
	for (size_t i = 0; i < watch->count; i++)
		if (strcmp(watch->resolved[watch->numbers[i]], response->availabilities[i]->sku) != 0)
			return true;
	return false;
}

/* Once it is watched, what the weather did to a read does not end it. */
static void on_refused(struct watch_call *watch)
{
	struct api_call *call = watch->call;
	Stockbook__V1__Reason reason = watch->read.refusal.reason;
	bool weather = reason == STOCKBOOK__V1__REASON__REASON_UNAVAILABLE ||
				   reason == STOCKBOOK__V1__REASON__REASON_OVERLOADED;
	if (weather && watch->state == WATCH_READING) {
		watch->state = WATCH_WAITING;
		for (size_t i = 0; i < watch->count; i++)
			call->api->engine.watch_mark(watch->watch, watch->numbers[i]);
		return;
	}
	if (watch->watch)
		call->api->engine.watch_leave(watch->watch);
	struct arena arena = watch->arena; /* the refusal lies in it */
	api_call_finish_refused(call, &watch->read.refusal);
	arena_release(&arena);
}

static void on_read(struct engine_request *request)
{
	struct watch_call *watch = request->data;
	if (watch->state == WATCH_ENDING) {
		finish(watch);
		return;
	}
	if (request->outcome == ENGINE_REFUSED) {
		on_refused(watch);
		return;
	}
	ProtobufCAllocator allocator = message_allocator(&watch->arena);
	const Stockbook__V1__GetAvailabilityResponse *response =
		stockbook__v1__get_availability_response__unpack(&allocator, request->response_size,
			request->response);
	CHECK(response && response->n_availabilities == watch->count);
	if (watch->state == WATCH_RESOLVING || means_others(watch, response)) {
		(void)watch_resolved(watch, response); /* which has all of it read again */
		return;
	}
	watch->state = WATCH_WAITING;
	tell(watch, response);
	if (watch->changed && !watch->blocked)
		begin_read(watch);
}

/* The SKUs of the numbers, as they were asked for. */
static void submit(struct watch_call *watch, bool from_memory)
{
	struct api_call *call = watch->call;
	const Stockbook__V1__WatchAvailabilityRequest *asked = watch->asked;
	Stockbook__V1__GetAvailabilityRequest *request = &watch->request;
	stockbook__v1__get_availability_request__init(request);
	request->skus = arena_alloc_array(&watch->arena, watch->count, sizeof(char *));
	request->n_skus = watch->count;
	for (size_t i = 0; i < watch->count; i++)
		request->skus[i] = asked->skus[watch->numbers[i]];
	request->locations = asked->locations;
	request->n_locations = asked->n_locations;
	request->location_group = asked->location_group;
	request->channel = asked->channel;
	watch->read = (struct engine_request){
		.operation = call->api->engine.find(OPERATION),
		.message = request,
		.arena = &watch->arena,
		.actor = &call->actor,
		.caller = call->caller,
		.random = api_random(call->api),
		.max_staleness_us = from_memory ? STALENESS_US : 0,
		.at_least = from_memory ? watch->position : NULL,
		.done = on_read,
		.data = watch,
	};
	call->api->engine.submit(call->api->engine.engine, &watch->read);
}

static void begin_read(struct watch_call *watch)
{
	struct api *api = watch->call->api;
	watch->changed = false;
	watch->count = api->engine.watch_take(watch->watch, watch->numbers);
	if (watch->count == 0)
		return;
	arena_reset(&watch->arena);
	watch->state = WATCH_READING;
	size_t parts = (size_t)api->settings.parts + 1;
	watch->position = arena_copy(&watch->arena, api->engine.known(api->engine.engine),
		parts * sizeof(*watch->position));
	submit(watch, true);
}

static void on_writable(struct call *face)
{
	const struct api_call *call = face->api_data;
	struct watch_call *watch = call->data;
	watch->blocked = false;
	if (watch->state == WATCH_WAITING && watch->changed)
		begin_read(watch);
}

void watch_answer(struct api_call *call)
{
	const Stockbook__V1__WatchAvailabilityRequest *asked =
		(const Stockbook__V1__WatchAvailabilityRequest *)call->message;
	struct arena *arena = &call->call->arena;
	struct watch_call *watch = arena_alloc(arena, sizeof(*watch));
	watch->call = call;
	watch->asked = asked;
	watch->told = arena_alloc_array(arena, asked->n_skus, sizeof(*watch->told));
	watch->resolved = arena_alloc_array(arena, asked->n_skus, sizeof(*watch->resolved));
	watch->numbers = arena_alloc_array(arena, asked->n_skus, sizeof(*watch->numbers));
	watch->heartbeat_us = HEARTBEAT_US_DEFAULT;
	if (asked->heartbeat)
		watch->heartbeat_us = asked->heartbeat->seconds * 1000000 + asked->heartbeat->nanos / 1000;
	arena_init(&watch->arena);
	call->data = watch;
	for (watch->count = 0; watch->count < asked->n_skus; watch->count++)
		watch->numbers[watch->count] = watch->count;
	call->call->gathers = true;
	call->call->on_cancel = on_cancel;
	call->call->on_drain = on_drain;
	call->call->on_writable = on_writable;
	submit(watch, false);
	if (call->call->draining)
		on_drain(call->call);
}
