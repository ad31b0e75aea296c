/* Promise: what an order would get, and when, without placing it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/promise_fixture.h"

#include "stockbook/v1/channel.pb-c.h"
#include "stockbook/v1/location.pb-c.h"
#include "stockbook/v1/sourcing.pb-c.h"

#define STRATEGY(name) STOCKBOOK__V1__SOURCING_STRATEGY__SOURCING_STRATEGY_##name
#define METHOD(name) STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_##name
#define VERDICT_OF(name) STOCKBOOK__V1__SOURCING_VERDICT__SOURCING_VERDICT_##name

static const char promise_name[] = "SourcingService/Promise";
/* Thursday, 19 November 2026, 10:00 UTC. */
#define THURSDAY_US (INT64_C(1795082400) * SECOND_US)
#define HOUR_S INT64_C(3600)
#define DAY_S (24 * HOUR_S)

/* ---- The trade ---- */

struct spot {
	double latitude;
	double longitude;
	bool pickups;
	bool weekdays_only; /* 9 to 17 */
	int32_t ship_minutes;
	int32_t ready_minutes;
	int64_t capacity;
	bool no_ships;
	bool disabled;
};

static void put_spot(struct book *book, const char *code, struct spot spot)
{
	Stockbook__V1__Coordinates coordinates = STOCKBOOK__V1__COORDINATES__INIT;
	coordinates.latitude = spot.latitude;
	coordinates.longitude = spot.longitude;
	Stockbook__V1__Location location = STOCKBOOK__V1__LOCATION__INIT;
	Stockbook__V1__OpeningHours hours[5];
	Stockbook__V1__OpeningHours *list[5];
	for (int32_t i = 0; i < 5; i++) {
		stockbook__v1__opening_hours__init(&hours[i]);
		hours[i].weekday = i + 1;
		hours[i].open_minute = 540;
		hours[i].close_minute = 1020;
		list[i] = &hours[i];
	}
	location.code = (char *)code;
	location.kind = STOCKBOOK__V1__LOCATION_KIND__LOCATION_KIND_STORE;
	location.time_zone = "Europe/London";
	location.ships = !spot.no_ships;
	location.disabled = spot.disabled;
	location.sells_at_till = true;
	location.hands_over_pickups = spot.pickups;
	location.ship_minutes = spot.ship_minutes;
	location.pickup_ready_minutes = spot.ready_minutes;
	location.daily_ship_capacity = spot.capacity;
	location.n_opening_hours = spot.weekdays_only ? 5 : 0;
	location.opening_hours = list;
	if (spot.latitude != 0)
		location.coordinates = &coordinates;
	Stockbook__V1__PutLocationRequest request = STOCKBOOK__V1__PUT_LOCATION_REQUEST__INIT;
	request.location = &location;
	book_call(book, "LocationService/PutLocation", &request);
	book->now_us += 2 * SECOND_US;
}

static int promise_setup(void **state)
{
	trade_setup(state);
	struct book *book = *state;
	put_spot(book, "LEEDS",
		(struct spot){.latitude = 53.80, .longitude = -1.55, .pickups = true, .ship_minutes = 120});
	put_spot(book, "YORK",
		(struct spot){
			.latitude = 53.96, .longitude = -1.08, .pickups = true, .weekdays_only = true});
	put_spot(book, "HULL", (struct spot){.latitude = 53.74, .longitude = -0.33});
	book->now_us = THURSDAY_US;
	return 0;
}

/* ---- Asking ---- */

/* "S1*3 S2*1" */
static Stockbook__V1__PromiseRequest *promise_request(struct book *book, const char *lines)
{
	const Stockbook__V1__ReserveRequest *parsed = reserve_request(book, lines);
	Stockbook__V1__PromiseRequest *request = arena_alloc(&book->arena, sizeof(*request));
	stockbook__v1__promise_request__init(request);
	request->channel = "web";
	request->n_lines = parsed->n_lines;
	request->lines = arena_alloc_array(&book->arena, parsed->n_lines, sizeof(void *));
	for (size_t i = 0; i < parsed->n_lines; i++) {
		Stockbook__V1__PromiseLine *line = arena_alloc(&book->arena, sizeof(*line));
		stockbook__v1__promise_line__init(line);
		line->sku = parsed->lines[i]->sku;
		line->quantity = parsed->lines[i]->quantity;
		request->lines[i] = line;
	}
	return request;
}

static Stockbook__V1__Coordinates *point(struct book *book, double latitude, double longitude)
{
	Stockbook__V1__Coordinates *at = arena_alloc(&book->arena, sizeof(*at));
	stockbook__v1__coordinates__init(at);
	at->latitude = latitude;
	at->longitude = longitude;
	return at;
}

static Stockbook__V1__SourcingOptions *options(struct book *book,
	Stockbook__V1__SourcingStrategy strategy)
{
	Stockbook__V1__SourcingOptions *made = arena_alloc(&book->arena, sizeof(*made));
	stockbook__v1__sourcing_options__init(made);
	made->strategy = strategy;
	return made;
}

static const Stockbook__V1__PromiseResponse *ask(struct book *book,
	const Stockbook__V1__PromiseRequest *request)
{
	uint64_t before = book_digest(book);
	const Stockbook__V1__PromiseResponse *response = book_call(book, promise_name, request);
	assert_true(book_digest(book) == before);
	return response;
}

/* "0:LEEDS*3 1:-*2": line, location ("-" for nowhere), quantity. */
static const char *sources(struct book *book, const Stockbook__V1__PromiseOption *option)
{
	const char *text = "";
	for (size_t i = 0; i < option->n_sources; i++) {
		const Stockbook__V1__PromiseSource *source = option->sources[i];
		text = arena_printf(&book->arena, "%s%s%d:%s*%lld", text, i ? " " : "", source->line,
			source->location[0] ? source->location : "-", (long long)source->quantity);
	}
	return text;
}

/* Seconds from when it was asked; a call takes a millisecond. */
static int64_t after(struct book *book, const Google__Protobuf__Timestamp *time)
{
	assert_non_null(time);
	(void)book;
	return time->seconds - THURSDAY_US / SECOND_US;
}

/* ---- SHIP ---- */

static void a_promise_is_what_the_order_then_gets(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	book_receive(book, "S1", "HULL", 5);
	book_receive(book, "S2", "YORK", 1);
	book->now_us = THURSDAY_US;
	const Stockbook__V1__PromiseResponse *response =
		ask(book, promise_request(book, "S1*3 ALIAS*1 S2*2"));
	assert_int_equal(response->n_options, 1);
	const Stockbook__V1__PromiseOption *option = response->options[0];
	assert_string_equal(sources(book, option), "0:LEEDS*2 0:HULL*1 1:HULL*1 2:YORK*1 2:-*1");
	assert_false(option->complete);
	assert_null(option->sources[4]->promised_time);
	assert_string_equal(option->sources[2]->sku, "S1");
	Stockbook__V1__PlaceOrderRequest *request = place_request(book, "S1*3 ALIAS*1 S2*2");
	request->allow_partial = true;
	const Stockbook__V1__PlaceOrderResponse *placed =
		book_call(book, "OrderService/PlaceOrder", request);
	assert_int_equal(placed->order->lines[0]->allocations[1]->allocated, 1);
	assert_string_equal(placed->order->lines[0]->allocations[1]->location, "HULL");
	assert_int_equal(placed->order->lines[2]->open, 1);
}

static void a_parcel_takes_its_minutes_and_its_days(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	book_receive(book, "S1", "HULL", 2);
	book->now_us = THURSDAY_US;
	Stockbook__V1__PromiseRequest *request = promise_request(book, "S1*3");
	const Stockbook__V1__PromiseOption *option = ask(book, request)->options[0];
	/* LEEDS sends within two hours, HULL within a day; both a day on their way. */
	assert_int_equal(after(book, option->sources[0]->promised_time), 2 * HOUR_S + DAY_S);
	assert_int_equal(after(book, option->sources[1]->promised_time), 2 * DAY_S);
	assert_int_equal(after(book, option->promised_time), 2 * DAY_S);
	/* Munich is more than 1,000 and less than 1,500 km away: three days at 500 km a day. */
	book->now_us = THURSDAY_US;
	request->options = options(book, STRATEGY(UNSPECIFIED));
	request->options->destination = point(book, 48.14, 11.58);
	option = ask(book, request)->options[0];
	assert_int_equal(after(book, option->sources[0]->promised_time), 2 * HOUR_S + 3 * DAY_S);
}

static void a_channel_says_how_fast_it_delivers(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "HULL", 2);
	Stockbook__V1__Channel channel = STOCKBOOK__V1__CHANNEL__INIT;
	channel.code = "web";
	channel.location_group = "web";
	channel.kind = STOCKBOOK__V1__CHANNEL_KIND__CHANNEL_KIND_WEB;
	channel.delivery_days = 2;
	channel.delivery_km_per_day = 10;
	Stockbook__V1__PutChannelRequest put = STOCKBOOK__V1__PUT_CHANNEL_REQUEST__INIT;
	put.channel = &channel;
	book_call(book, "ChannelService/PutChannel", &put);
	book->now_us = THURSDAY_US + 2 * SECOND_US;
	Stockbook__V1__PromiseRequest *request = promise_request(book, "S1*1");
	const Stockbook__V1__PromiseOption *option = ask(book, request)->options[0];
	assert_int_equal(after(book, option->promised_time), 3 * DAY_S + 2);
	/* 80 to 90 km, at 10 a day. */
	request->options = options(book, STRATEGY(UNSPECIFIED));
	request->options->destination = point(book, 53.80, -1.62);
	book->now_us = THURSDAY_US + 2 * SECOND_US;
	option = ask(book, request)->options[0];
	assert_int_equal(after(book, option->promised_time), 10 * DAY_S + 2);
}

static void a_strategy_decides_a_promise_too(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	book_receive(book, "S1", "HULL", 5);
	Stockbook__V1__PromiseRequest *request = promise_request(book, "S1*2");
	request->options = options(book, STRATEGY(MOST_STOCK));
	assert_string_equal(sources(book, ask(book, request)->options[0]), "0:HULL*2");
	request->options->strategy = STRATEGY(FEWEST_PARCELS);
	assert_string_equal(sources(book, ask(book, request)->options[0]), "0:LEEDS*2");
}

/* As PlaceOrder would free them. */
static void what_expired_holds_have_can_be_promised(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	reserve(book, "S1*3");
	assert_false(ask(book, promise_request(book, "S1*2"))->options[0]->complete);
	book->now_us += 100000 * SECOND_US;
	const Stockbook__V1__PromiseOption *option =
		ask(book, promise_request(book, "S1*2"))->options[0];
	assert_string_equal(sources(book, option), "0:LEEDS*2");
	/* Once, however long they are searched for. */
	option = ask(book, promise_request(book, "S1*5"))->options[0];
	assert_string_equal(sources(book, option), "0:LEEDS*3 0:-*2");
	assert_stock(book, "S1", "LEEDS", "0 3 0 0 0 0");
}

/* ---- PICKUP ---- */

static void stores_near_the_customer_are_told_the_nearest_first(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 5);
	book_receive(book, "S1", "YORK", 1);
	book_receive(book, "S1", "HULL", 5);
	Stockbook__V1__PromiseRequest *request = promise_request(book, "S1*1 S1*1");
	request->method = METHOD(PICKUP);
	request->near = point(book, 53.96, -1.08);
	book->now_us = THURSDAY_US;
	const Stockbook__V1__PromiseResponse *response = ask(book, request);
	/* HULL hands over no pickups. Two lines of one SKU do not both get YORK's last piece. */
	assert_int_equal(response->n_options, 2);
	assert_string_equal(response->options[0]->pickup_location, "YORK");
	assert_true(response->options[0]->distance_km < 1);
	assert_false(response->options[0]->complete);
	assert_string_equal(sources(book, response->options[0]), "0:YORK*1 1:-*1");
	assert_string_equal(response->options[1]->pickup_location, "LEEDS");
	assert_true(response->options[1]->complete);
	assert_true(response->options[1]->distance_km > 30 && response->options[1]->distance_km < 40);
	request->locations_max = 1;
	assert_int_equal(ask(book, request)->n_options, 1);
}

static void a_pickup_is_ready_while_the_store_is_open(void **state)
{
	struct book *book = *state;
	put_spot(book, "YORK",
		(struct spot){.pickups = true, .weekdays_only = true, .ready_minutes = 120});
	book_receive(book, "S1", "LEEDS", 5);
	book_receive(book, "S1", "YORK", 5);
	Stockbook__V1__PromiseRequest *request = promise_request(book, "S1*1");
	request->method = METHOD(PICKUP);
	request->pickup_location = "YORK";
	book->now_us = THURSDAY_US;
	assert_int_equal(after(book, ask(book, request)->options[0]->promised_time), 2 * HOUR_S);
	/* On Friday at 16:00 an hour is left; the other is on Monday. */
	book->now_us = THURSDAY_US + (DAY_S + 6 * HOUR_S) * SECOND_US;
	assert_int_equal(after(book, ask(book, request)->options[0]->promised_time), 4 * DAY_S);
	/* LEEDS never closes, and says nothing: four hours. */
	request->pickup_location = "LEEDS";
	book->now_us = THURSDAY_US;
	assert_int_equal(after(book, ask(book, request)->options[0]->promised_time), 4 * HOUR_S);
}

static void one_store_can_be_asked_without_a_channel(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 5);
	Stockbook__V1__PromiseRequest *request = promise_request(book, "S1*1");
	request->method = METHOD(PICKUP);
	request->channel = "";
	assert_wrong_field(book_refusal(book, promise_name, request, REASON(INVALID_FIELD)), "channel");
	request->pickup_location = "LEEDS";
	assert_true(ask(book, request)->options[0]->complete);
	request->pickup_location = "HULL";
	book_refusal(book, promise_name, request, REASON(LOCATION_NOT_ELIGIBLE));
}

/* ---- SHIP_TO_STORE ---- */

static void goods_travel_to_the_store_and_are_made_ready_there(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	book_receive(book, "S1", "HULL", 1);
	book_receive(book, "S1", "YORK", 1);
	Stockbook__V1__PromiseRequest *request = promise_request(book, "S1*3");
	request->method = METHOD(SHIP_TO_STORE);
	assert_wrong_field(book_refusal(book, promise_name, request, REASON(INVALID_FIELD)),
		"pickup_location");
	request->pickup_location = "YORK";
	book->now_us = THURSDAY_US;
	const Stockbook__V1__PromiseOption *option = ask(book, request)->options[0];
	assert_string_equal(option->pickup_location, "YORK");
	assert_string_equal(sources(book, option), "0:YORK*1 0:LEEDS*1 0:HULL*1");
	/* At YORK: four hours of opening time. From LEEDS: Friday at 12, then four hours. From HULL:
	 * Saturday at 10; ready on Monday at 13. */
	assert_int_equal(after(book, option->sources[0]->promised_time), 4 * HOUR_S);
	assert_int_equal(after(book, option->sources[1]->promised_time), DAY_S + 6 * HOUR_S);
	assert_int_equal(after(book, option->sources[2]->promised_time), 4 * DAY_S + 3 * HOUR_S);
	assert_int_equal(after(book, option->promised_time), 4 * DAY_S + 3 * HOUR_S);
}

/* ---- Why ---- */

static const Stockbook__V1__SourcingCandidate *candidate(const Stockbook__V1__PromiseResponse
															 *response,
	int32_t line, const char *location)
{
	for (size_t i = 0; i < response->explanation->n_candidates; i++) {
		const Stockbook__V1__SourcingCandidate *at = response->explanation->candidates[i];
		if (at->line == line && strcmp(at->location, location) == 0)
			return at;
	}
	fail_msg("line %d: '%s' is not explained", line, location);
	return NULL;
}

static void assert_verdict(const Stockbook__V1__PromiseResponse *response, int32_t line,
	const char *location, Stockbook__V1__SourcingVerdict verdict)
{
	assert_int_equal(candidate(response, line, location)->verdict, verdict);
}

static void every_candidate_that_was_passed_over_is_explained(void **state)
{
	struct book *book = *state;
	static const char *const all[] = {
		"CHOSEN", "SPARE", "EMPTY", "KEPT", "DARK", "LOCAL", "OUTED", "FULL", "BARRED"};
	for (size_t i = 0; i < ARRAY_COUNT(all); i++) {
		put_spot(book, all[i],
			(struct spot){.latitude = 50 + (double)i,
				.longitude = 1,
				.capacity = i == 7,
				.disabled = i == 4,
				.no_ships = i == 5});
		if (i != 2)
			book_receive(book, "S1", all[i], 5);
	}
	book_add_channel(book, "why", all, ARRAY_COUNT(all));
	set_safety(book, "S1", "KEPT", 5);
	/* FULL sends its one parcel of the day. */
	Stockbook__V1__PlaceOrderRequest *order = place_request(book, "S1*1@FULL");
	order->channel = "why";
	book_call(book, "OrderService/PlaceOrder", order);
	Stockbook__V1__ChannelExclusion exclusion = STOCKBOOK__V1__CHANNEL_EXCLUSION__INIT;
	Stockbook__V1__ChannelExclusion *exclusions[] = {&exclusion};
	exclusion.location = "BARRED";
	Stockbook__V1__Channel channel = STOCKBOOK__V1__CHANNEL__INIT;
	channel.code = channel.location_group = "why";
	channel.kind = STOCKBOOK__V1__CHANNEL_KIND__CHANNEL_KIND_WEB;
	channel.n_exclusions = 1;
	channel.exclusions = exclusions;
	Stockbook__V1__PutChannelRequest put = STOCKBOOK__V1__PUT_CHANNEL_REQUEST__INIT;
	put.channel = &channel;
	book_call(book, "ChannelService/PutChannel", &put);
	book->now_us += 2 * SECOND_US;

	Stockbook__V1__PromiseRequest *request = promise_request(book, "S1*4");
	static char *excluded[] = {"OUTED"};
	request->channel = "why";
	request->explain = true;
	request->options = options(book, STRATEGY(UNSPECIFIED));
	request->options->n_excluded_locations = 1;
	request->options->excluded_locations = excluded;
	request->options->destination = point(book, 50, 1);
	const Stockbook__V1__PromiseResponse *response = ask(book, request);
	assert_int_equal(response->explanation->n_candidates, ARRAY_COUNT(all));
	assert_int_equal(response->explanation->omitted, 0);
	assert_verdict(response, 0, "CHOSEN", VERDICT_OF(CHOSEN));
	assert_int_equal(candidate(response, 0, "CHOSEN")->quantity, 4);
	assert_int_equal(candidate(response, 0, "CHOSEN")->available_to_sell, 5);
	assert_verdict(response, 0, "SPARE", VERDICT_OF(NOT_NEEDED));
	assert_int_equal(candidate(response, 0, "SPARE")->available_to_sell, 5);
	assert_true(candidate(response, 0, "SPARE")->distance_km > 110);
	assert_verdict(response, 0, "EMPTY", VERDICT_OF(NO_STOCK));
	assert_verdict(response, 0, "KEPT", VERDICT_OF(KEPT_BACK));
	assert_verdict(response, 0, "DARK", VERDICT_OF(DISABLED));
	assert_verdict(response, 0, "LOCAL", VERDICT_OF(WRONG_METHOD));
	assert_verdict(response, 0, "OUTED", VERDICT_OF(EXCLUDED));
	assert_verdict(response, 0, "FULL", VERDICT_OF(NO_CAPACITY));
	assert_verdict(response, 0, "BARRED", VERDICT_OF(NOT_ELIGIBLE));
	/* Where nothing was asked to be explained, nothing is. */
	request->explain = false;
	assert_null(ask(book, request)->explanation);
}

static void what_other_lines_of_the_call_took_is_not_there(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	Stockbook__V1__PromiseRequest *request = promise_request(book, "S1*2 S1*1");
	request->explain = true;
	const Stockbook__V1__PromiseResponse *response = ask(book, request);
	assert_verdict(response, 0, "LEEDS", VERDICT_OF(CHOSEN));
	assert_verdict(response, 1, "LEEDS", VERDICT_OF(NO_STOCK));
	assert_int_equal(candidate(response, 1, "LEEDS")->available_to_sell, 0);
}

static void each_store_is_explained_on_its_own(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	Stockbook__V1__PromiseRequest *request = promise_request(book, "S1*1");
	request->method = METHOD(PICKUP);
	request->explain = true;
	const Stockbook__V1__PromiseResponse *response = ask(book, request);
	assert_verdict(response, 0, "LEEDS", VERDICT_OF(CHOSEN));
	assert_verdict(response, 0, "YORK", VERDICT_OF(NO_STOCK));
}

static void no_more_than_a_thousand_candidates_are_told(void **state)
{
	struct book *book = *state;
	enum { LOCATIONS = 600 };
	const char **many = arena_alloc_array(&book->arena, LOCATIONS, sizeof(*many));
	for (size_t i = 0; i < LOCATIONS; i++) {
		many[i] = arena_printf(&book->arena, "STORE%zu", i);
		book_add_location(book, many[i]);
	}
	book_add_channel(book, "many", many, LOCATIONS);
	book_receive(book, "S1", many[0], 2);
	Stockbook__V1__PromiseRequest *request = promise_request(book, "S1*1 S1*1");
	request->channel = "many";
	request->explain = true;
	const Stockbook__V1__PromiseResponse *response = ask(book, request);
	assert_int_equal(response->explanation->n_candidates, 1000);
	assert_int_equal(response->explanation->omitted, 200);
}

/* ---- Refusals ---- */

static void a_promise_names_what_exists(void **state)
{
	struct book *book = *state;
	book_refusal(book, promise_name, promise_request(book, "NONE*1"), REASON(ITEM_NOT_FOUND));
	assert_wrong_field(book_refusal(book, promise_name, promise_request(book, "S1*0"),
						   REASON(INVALID_FIELD)),
		"lines[0].quantity");
	Stockbook__V1__PromiseRequest *request = promise_request(book, "S1*1");
	request->channel = "fax";
	book_refusal(book, promise_name, request, REASON(CHANNEL_NOT_FOUND));
	request = promise_request(book, "S1*1");
	request->method = METHOD(CARRY_OUT);
	assert_wrong_field(book_refusal(book, promise_name, request, REASON(INVALID_FIELD)), "method");
	request->method = METHOD(PICKUP);
	request->pickup_location = "MOON";
	book_refusal(book, promise_name, request, REASON(LOCATION_NOT_FOUND));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, promise_setup, book_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_promise_is_what_the_order_then_gets),
		TEST(a_parcel_takes_its_minutes_and_its_days),
		TEST(a_channel_says_how_fast_it_delivers),
		TEST(a_strategy_decides_a_promise_too),
		TEST(what_expired_holds_have_can_be_promised),
		TEST(stores_near_the_customer_are_told_the_nearest_first),
		TEST(a_pickup_is_ready_while_the_store_is_open),
		TEST(one_store_can_be_asked_without_a_channel),
		TEST(goods_travel_to_the_store_and_are_made_ready_there),
		TEST(every_candidate_that_was_passed_over_is_explained),
		TEST(what_other_lines_of_the_call_took_is_not_there),
		TEST(each_store_is_explained_on_its_own),
		TEST(no_more_than_a_thousand_candidates_are_told),
		TEST(a_promise_names_what_exists),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
