/*
 * Promise: the decision of PlaceOrder on rows that are only looked at, and the day it can be kept.
 *
 *   SHIP            now + ship_minutes of the source + transit to the destination
 *   PICKUP          now + pickup_ready_minutes of the store, while it is open
 *   SHIP_TO_STORE   now + ship_minutes of the source + transit to the store, then as PICKUP; what
 *                   lies at the store already needs no way
 *
 *   transit         days: the channel's delivery_days, or, where both ends have coordinates, as many
 *                   as the great circle takes at its delivery_km_per_day, whichever is more
 *
 * For PICKUP each of the nearest stores is decided on its own: one option each.
 */
#include "book/promise.h"

#include <math.h>

#include "book/great_circle.h"
#include "book/location.h"
#include "book/opening_hours.h"
#include "book/sourcing.h"

#define METHOD(name) STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_##name
#define PROMISE_LINES_MAX 1000
#define LOCATIONS_DEFAULT 10
#define LOCATIONS_MAX 100

#define MINUTE_US INT64_C(60000000)
#define DAY_US (1440 * MINUTE_US)
/* Where a location or a channel says nothing. */
#define SHIP_MINUTES 1440
#define PICKUP_READY_MINUTES 240
#define DELIVERY_DAYS 1
#define DELIVERY_KM_PER_DAY 500

struct promising {
	const Stockbook__V1__PromiseRequest *request;
	Stockbook__V1__PromiseResponse *response;
	Stockbook__V1__FulfilmentMethod method;
	const struct channel_row *channel; /* may be NULL */
	const char **skus;                 /* resolved, by line */
	struct calendars calendars;
};

/* ---- Dates ---- */

static int64_t minutes_or(int32_t minutes, int32_t otherwise)
{
	return minutes > 0 ? minutes : otherwise;
}

/* NULL or without coordinates: unknown, 0. */
static double distance_km(const struct location_row *from, const Stockbook__V1__Coordinates *to)
{
	if (!from || !from->has_coordinates || !to)
		return 0;
	return great_circle_km(from->latitude, from->longitude, to->latitude, to->longitude);
}

static int64_t transit_us(const struct promising *promising, double km)
{
	const struct channel_row *channel = promising->channel;
	int64_t days = minutes_or(channel ? channel->delivery_days : 0, DELIVERY_DAYS);
	int64_t pace = minutes_or(channel ? channel->delivery_km_per_day : 0, DELIVERY_KM_PER_DAY);
	int64_t far = (int64_t)ceil(km / (double)pace);
	return (far > days ? far : days) * DAY_US;
}

static int64_t ready_at(struct run *run, struct promising *promising,
	const struct location_row *store, int64_t from_us)
{
	return opening_hours_after(&promising->calendars, location_message(run->arena, store), from_us,
		minutes_or(store->pickup_ready_minutes, PICKUP_READY_MINUTES));
}

/* When what lies at the source is where the customer wants it. store: where it is fetched. */
static int64_t kept_at(struct run *run, struct promising *promising,
	const struct location_row *source, const struct location_row *store)
{
	if (source == store)
		return ready_at(run, promising, store, run->now_us);
	int64_t leaves = run->now_us + minutes_or(source->ship_minutes, SHIP_MINUTES) * MINUTE_US;
	const Stockbook__V1__SourcingOptions *options = promising->request->options;
	if (!store)
		return leaves +
			   transit_us(promising, distance_km(source, options ? options->destination : NULL));
	Stockbook__V1__Coordinates at = STOCKBOOK__V1__COORDINATES__INIT;
	at.latitude = store->latitude;
	at.longitude = store->longitude;
	double km = distance_km(source, store->has_coordinates ? &at : NULL);
	return ready_at(run, promising, store, leaves + transit_us(promising, km));
}

/* ---- The answer ---- */

static void add_source(struct run *run, const struct promising *promising,
	Stockbook__V1__PromiseOption *option, const struct demand *demand, const char *location,
	int64_t quantity, int64_t kept_at_us)
{
	Stockbook__V1__PromiseSource *source = arena_alloc(run->arena, sizeof(*source));
	stockbook__v1__promise_source__init(source);
	source->line = demand->line;
	source->sku = arena_string(run->arena, promising->skus[demand->line]);
	source->location = arena_string(run->arena, location);
	source->quantity = quantity;
	source->promised_time = make_timestamp(run->arena, kept_at_us);
	option->sources[option->n_sources++] = source;
}

/* Reads the option off a sourcing that is decided. */
static enum verdict fill_option(struct run *run, struct promising *promising,
	const struct sourcing *sourcing, const struct location_row *store,
	Stockbook__V1__PromiseOption *option)
{
	size_t most = sourcing->count;
	for (size_t i = 0; i < sourcing->count; i++)
		most += sourcing->demands[i].grant_count;
	option->sources = arena_alloc_array(run->arena, most, sizeof(*option->sources));
	option->complete = sourcing->short_count == 0;
	int64_t last_us = 0;
	bool need = false;
	for (size_t i = 0; i < sourcing->count; i++) {
		const struct demand *demand = &sourcing->demands[i];
		for (size_t j = 0; j < demand->grant_count; j++) {
			const struct grant *grant = &demand->grants[j];
			const struct location_row *location;
			if (find_location(run, grant->location, ACCESS_PEEK, &location) != LOOKUP_FOUND) {
				need = true; /* it was there when it was sourced from */
				continue;
			}
			int64_t at = kept_at(run, promising, location, store);
			last_us = at > last_us ? at : last_us;
			add_source(run, promising, option, demand, grant->location, grant->quantity, at);
		}
		if (demand->granted < demand->quantity)
			add_source(run, promising, option, demand, "", demand->quantity - demand->granted, 0);
	}
	option->promised_time = make_timestamp(run->arena, last_us);
	return need ? VERDICT_NEED : VERDICT_DONE;
}

static Stockbook__V1__PromiseOption *add_option(struct run *run, struct promising *promising,
	const struct location_row *store)
{
	Stockbook__V1__PromiseOption *option = arena_alloc(run->arena, sizeof(*option));
	stockbook__v1__promise_option__init(option);
	const Stockbook__V1__PromiseRequest *request = promising->request;
	if (store) {
		option->pickup_location = arena_string(run->arena, store->code);
		option->distance_km = distance_km(store, request->near);
	}
	promising->response->options[promising->response->n_options++] = option;
	return option;
}

static enum verdict explain(struct run *run, struct promising *promising, struct sourcing *sourcing)
{
	if (!promising->request->explain)
		return VERDICT_DONE;
	if (promising->response->explanation)
		return sourcing_explain_more(sourcing, run, promising->response->explanation);
	return sourcing_explain(sourcing, run, &promising->response->explanation);
}

/* ---- One option ---- */

/* All lines from where the strategy says, or (at) at one location. */
static enum verdict promise_option(struct run *run, struct promising *promising, const char *at,
	const struct location_row *store)
{
	const Stockbook__V1__PromiseRequest *request = promising->request;
	struct sourcing sourcing;
	sourcing_init(&sourcing, run, promising->channel, request->options, request->n_lines);
	sourcing.reading = true;
	for (size_t i = 0; i < request->n_lines; i++) {
		struct demand *demand = sourcing_add(&sourcing, promising->method, promising->skus[i], at,
			request->lines[i]->quantity, (int32_t)i);
		if (promising->method == METHOD(SHIP_TO_STORE))
			demand->pickup_location = store->code;
	}
	enum verdict verdict = sourcing_decide(&sourcing, run, true);
	if (verdict == VERDICT_DONE)
		verdict = explain(run, promising, &sourcing);
	if (verdict == VERDICT_DONE)
		verdict = fill_option(run, promising, &sourcing, store, add_option(run, promising, store));
	return verdict;
}

/* ---- Where it can be fetched ---- */

static enum verdict find_store(struct run *run, const struct promising *promising,
	const struct location_row **store)
{
	const Stockbook__V1__PromiseRequest *request = promising->request;
	if (request->pickup_location[0] == '\0')
		return refuse_field(run, "pickup_location", "is needed for SHIP_TO_STORE");
	enum verdict verdict =
		check_location(run, request->pickup_location, LOCATION_PICKUP, false, "pickup_location");
	if (verdict == VERDICT_DONE)
		find_location(run, request->pickup_location, ACCESS_PEEK, store);
	return verdict;
}

/* Of the channel's group those that hand over pickups, the nearest first. */
static enum verdict promise_at_stores(struct run *run, struct promising *promising)
{
	const Stockbook__V1__PromiseRequest *request = promising->request;
	Stockbook__V1__SourcingOptions options = STOCKBOOK__V1__SOURCING_OPTIONS__INIT;
	if (request->options)
		options = *request->options;
	options.strategy = STOCKBOOK__V1__SOURCING_STRATEGY__SOURCING_STRATEGY_NEAREST;
	options.destination = request->near ? request->near : options.destination;
	struct sources stores;
	enum verdict verdict =
		sources_find(run, promising->channel, &options, NULL, METHOD(PICKUP), "channel", &stores);
	if (verdict != VERDICT_DONE)
		return verdict;
	size_t most = request->locations_max > 0 ? (size_t)request->locations_max : LOCATIONS_DEFAULT;
	promising->response->options = arena_alloc_array(run->arena, most, sizeof(void *));
	bool need = false;
	size_t count = 0;
	for (size_t i = 0; i < stores.able_count && count < most; i++) {
		struct source *store = sources_able(&stores, i);
		verdict = source_judge(run, store, METHOD(PICKUP));
		if (verdict == VERDICT_DONE &&
			store->verdict != STOCKBOOK__V1__SOURCING_VERDICT__SOURCING_VERDICT_UNSPECIFIED)
			continue;
		count++;
		if (verdict == VERDICT_DONE)
			verdict = promise_option(run, promising, store->code, store->location);
		if (verdict == VERDICT_REFUSED)
			return verdict;
		need = need || verdict == VERDICT_NEED;
	}
	return need ? VERDICT_NEED : VERDICT_DONE;
}

static enum verdict promise_pickup(struct run *run, struct promising *promising)
{
	const Stockbook__V1__PromiseRequest *request = promising->request;
	if (request->pickup_location[0] == '\0')
		return promise_at_stores(run, promising);
	const struct location_row *store = NULL;
	enum verdict verdict = find_store(run, promising, &store);
	if (verdict == VERDICT_DONE &&
		source_is_excluded(promising->channel, store->code, METHOD(PICKUP))) {
		refuse(run, STOCKBOOK__V1__REASON__REASON_LOCATION_NOT_ELIGIBLE,
			"location '%s' is excluded by channel '%s'", store->code, promising->channel->code);
		refuse_with(run, "location", "%s", store->code);
		verdict = VERDICT_REFUSED;
	}
	if (verdict != VERDICT_DONE)
		return verdict;
	return promise_option(run, promising, store->code, store);
}

/* ---- Promise ---- */

static enum verdict check_lines(struct run *run, struct promising *promising)
{
	const Stockbook__V1__PromiseRequest *request = promising->request;
	bool need = false;
	for (size_t i = 0; i < request->n_lines; i++) {
		const Stockbook__V1__PromiseLine *line = request->lines[i];
		if (line->quantity < 1 || line->quantity > QUANTITY_MAX)
			return refuse_field(run, arena_printf(run->arena, "lines[%zu].quantity", i),
				"must be from 1 to %lld", (long long)QUANTITY_MAX);
		enum verdict one = resolve_sku(run, line->sku, NULL, ACCESS_PEEK,
			field_path(run->arena, "lines", i, "sku"), &promising->skus[i]);
		if (one == VERDICT_REFUSED)
			return one;
		need = need || one == VERDICT_NEED;
	}
	return need ? VERDICT_NEED : VERDICT_DONE;
}

static enum verdict check_request(struct run *run, struct promising *promising)
{
	const Stockbook__V1__PromiseRequest *request = promising->request;
	promising->method = request->method == METHOD(UNSPECIFIED) ? METHOD(SHIP) : request->method;
	if (promising->method == METHOD(CARRY_OUT))
		return refuse_field(run, "method", "must be SHIP, PICKUP or SHIP_TO_STORE");
	if (request->n_lines < 1 || request->n_lines > PROMISE_LINES_MAX)
		return refuse_field(run, "lines", "must be 1 to %d lines", PROMISE_LINES_MAX);
	if (request->locations_max < 0 || request->locations_max > LOCATIONS_MAX)
		return refuse_field(run, "locations_max", "must be from 0 to %d", LOCATIONS_MAX);
	enum verdict verdict = require_channel(run, request->channel, "channel", &promising->channel);
	if (verdict == VERDICT_REFUSED)
		return verdict;
	bool at_one = promising->method == METHOD(PICKUP) && request->pickup_location[0];
	if (request->channel[0] == '\0' && !at_one)
		return refuse_field(run, "channel", "is needed: goods are sourced by it");
	promising->skus = arena_alloc_array(run->arena, request->n_lines, sizeof(*promising->skus));
	enum verdict lines = check_lines(run, promising);
	return verdict == VERDICT_DONE || lines == VERDICT_REFUSED ? lines : verdict;
}

static enum verdict promise_by_method(struct run *run, struct promising *promising)
{
	if (promising->method == METHOD(PICKUP))
		return promise_pickup(run, promising);
	const struct location_row *store = NULL;
	enum verdict verdict = VERDICT_DONE;
	if (promising->method == METHOD(SHIP_TO_STORE))
		verdict = find_store(run, promising, &store);
	return verdict == VERDICT_DONE ? promise_option(run, promising, "", store) : verdict;
}

static enum verdict promise(struct run *run, const void *message, void *answer)
{
	struct promising promising = {.request = message, .response = answer};
	enum verdict verdict = check_request(run, &promising);
	if (verdict != VERDICT_DONE)
		return verdict;
	promising.response->options = arena_alloc_array(run->arena, 1, sizeof(void *));
	verdict = promise_by_method(run, &promising);
	calendars_release(&promising.calendars);
	return verdict;
}

/* clang-format off */
const struct operation sourcing_operations[] = {
	{
		.name = "SourcingService/Promise",
		.request = &stockbook__v1__promise_request__descriptor,
		.response = &stockbook__v1__promise_response__descriptor,
		.run = promise,
	},
	{0},
};
/* clang-format on */
