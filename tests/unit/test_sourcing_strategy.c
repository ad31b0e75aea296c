/* Sourcing: in which order locations serve, who may not, and who has no capacity left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/promise_fixture.h"

#include "stockbook/v1/channel.pb-c.h"
#include "stockbook/v1/location.pb-c.h"

#define STRATEGY(name) STOCKBOOK__V1__SOURCING_STRATEGY__SOURCING_STRATEGY_##name
#define METHOD(name) STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_##name

static const char place_name[] = "OrderService/PlaceOrder";
static const char *const codes[] = {"LEEDS", "YORK", "HULL"};

/* ---- The trade: LEEDS, YORK, HULL, in this order of preference ---- */

struct spot {
	double latitude; /* 0: no coordinates */
	double longitude;
	int64_t capacity;
	bool no_ships;
	bool pickups;
};

static void put_spot(struct book *book, const char *code, struct spot spot)
{
	Stockbook__V1__Coordinates coordinates = STOCKBOOK__V1__COORDINATES__INIT;
	coordinates.latitude = spot.latitude;
	coordinates.longitude = spot.longitude;
	Stockbook__V1__Location location = STOCKBOOK__V1__LOCATION__INIT;
	location.code = (char *)code;
	location.kind = STOCKBOOK__V1__LOCATION_KIND__LOCATION_KIND_STORE;
	location.ships = !spot.no_ships;
	location.sells_at_till = true;
	location.hands_over_pickups = spot.pickups;
	location.daily_ship_capacity = spot.capacity;
	if (spot.latitude != 0)
		location.coordinates = &coordinates;
	Stockbook__V1__PutLocationRequest request = STOCKBOOK__V1__PUT_LOCATION_REQUEST__INIT;
	request.location = &location;
	book_call(book, "LocationService/PutLocation", &request);
	book->now_us += 2 * SECOND_US; /* policy may be seen a second late */
}

static int coast_setup(void **state)
{
	trade_setup(state);
	struct book *book = *state;
	put_spot(book, "LEEDS", (struct spot){.latitude = 53.80, .longitude = -1.55});
	put_spot(book, "YORK", (struct spot){.latitude = 53.96, .longitude = -1.08});
	put_spot(book, "HULL", (struct spot){.latitude = 53.74, .longitude = -0.33});
	return 0;
}

static void put_channel(struct book *book, Stockbook__V1__SourcingStrategy strategy,
	const char *excluded, Stockbook__V1__FulfilmentMethod method)
{
	Stockbook__V1__ChannelExclusion exclusion = STOCKBOOK__V1__CHANNEL_EXCLUSION__INIT;
	Stockbook__V1__ChannelExclusion *exclusions[] = {&exclusion};
	exclusion.location = (char *)excluded;
	exclusion.method = method;
	Stockbook__V1__Channel channel = STOCKBOOK__V1__CHANNEL__INIT;
	channel.code = "web";
	channel.kind = STOCKBOOK__V1__CHANNEL_KIND__CHANNEL_KIND_WEB;
	channel.location_group = "web";
	channel.strategy = strategy;
	channel.n_exclusions = excluded ? 1 : 0;
	channel.exclusions = exclusions;
	Stockbook__V1__PutChannelRequest request = STOCKBOOK__V1__PUT_CHANNEL_REQUEST__INIT;
	request.channel = &channel;
	book_call(book, "ChannelService/PutChannel", &request);
	book->now_us += 2 * SECOND_US;
}

/* ---- Orders ---- */

static Stockbook__V1__PlaceOrderRequest *order_by(struct book *book,
	Stockbook__V1__SourcingStrategy strategy, const char *lines)
{
	Stockbook__V1__PlaceOrderRequest *request = place_request(book, lines);
	request->sourcing = arena_alloc(&book->arena, sizeof(*request->sourcing));
	stockbook__v1__sourcing_options__init(request->sourcing);
	request->sourcing->strategy = strategy;
	return request;
}

static void send_to(struct book *book, Stockbook__V1__PlaceOrderRequest *request, double latitude,
	double longitude)
{
	Stockbook__V1__Coordinates *at = arena_alloc(&book->arena, sizeof(*at));
	stockbook__v1__coordinates__init(at);
	at->latitude = latitude;
	at->longitude = longitude;
	request->sourcing->destination = at;
}

/* "LEEDS:3 HULL:1": where the line's units are, in the order in which they were chosen. */
static const char *where(struct book *book, const Stockbook__V1__Order *order, size_t line)
{
	const char *text = "";
	const Stockbook__V1__OrderLine *at = order->lines[line];
	for (size_t i = 0; i < at->n_allocations; i++) {
		long long units = at->allocations[i]->allocated + at->allocations[i]->fulfilled;
		text = arena_printf(&book->arena, "%s%s%s:%lld", text, text[0] ? " " : "",
			at->allocations[i]->location, units);
	}
	return text;
}

static const Stockbook__V1__Order *place_it(struct book *book,
	const Stockbook__V1__PlaceOrderRequest *request)
{
	const Stockbook__V1__PlaceOrderResponse *response = book_call(book, place_name, request);
	return response->order;
}

static void expect(struct book *book, Stockbook__V1__SourcingStrategy strategy, const char *lines,
	const char *expected)
{
	assert_string_equal(where(book, place_it(book, order_by(book, strategy, lines)), 0), expected);
}

/* ---- NEAREST ---- */

static void the_nearest_serves_first_and_without_coordinates_last(void **state)
{
	struct book *book = *state;
	put_spot(book, "LEEDS", (struct spot){0});
	for (size_t i = 0; i < 3; i++)
		book_receive(book, "S1", codes[i], 2);
	Stockbook__V1__PlaceOrderRequest *request = order_by(book, STRATEGY(NEAREST), "S1*5");
	send_to(book, request, 53.75, -0.30); /* Hull */
	assert_string_equal(where(book, place_it(book, request), 0), "HULL:2 YORK:2 LEEDS:1");
}

static void without_a_destination_the_nearest_is_the_preferred(void **state)
{
	struct book *book = *state;
	for (size_t i = 0; i < 3; i++)
		book_receive(book, "S1", codes[i], 1);
	expect(book, STRATEGY(NEAREST), "S1*2", "LEEDS:1 YORK:1");
}

static void among_equally_near_ones_the_preferred_serves(void **state)
{
	struct book *book = *state;
	for (size_t i = 0; i < 3; i++) {
		put_spot(book, codes[i], (struct spot){.latitude = 50, .longitude = 1});
		book_receive(book, "S1", codes[i], 1);
	}
	Stockbook__V1__PlaceOrderRequest *request = order_by(book, STRATEGY(NEAREST), "S1*2");
	send_to(book, request, 51, 1);
	assert_string_equal(where(book, place_it(book, request), 0), "LEEDS:1 YORK:1");
}

/* ---- MOST_STOCK ---- */

static void who_has_most_serves_first_and_among_equals_the_preferred(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	book_receive(book, "S1", "YORK", 5);
	book_receive(book, "S1", "HULL", 5);
	expect(book, STRATEGY(MOST_STOCK), "S1*6", "YORK:5 HULL:1");
	/* HULL has 4 now; a line of the same call counts what the one before it took. */
	const Stockbook__V1__Order *order =
		place_it(book, order_by(book, STRATEGY(MOST_STOCK), "S1*3 S1*2"));
	assert_string_equal(where(book, order, 0), "HULL:3");
	assert_string_equal(where(book, order, 1), "LEEDS:2");
}

/* ---- FEWEST_PARCELS ---- */

static void one_parcel_is_better_than_two_from_preferred_locations(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 5);
	book_receive(book, "S2", "YORK", 5);
	book_receive(book, "S1", "HULL", 5);
	book_receive(book, "S2", "HULL", 5);
	const Stockbook__V1__Order *order =
		place_it(book, order_by(book, STRATEGY(FEWEST_PARCELS), "S1*2 S2*2"));
	assert_string_equal(where(book, order, 0), "HULL:2");
	assert_string_equal(where(book, order, 1), "HULL:2");
	/* One line alone: all have it, the preferred sends. */
	expect(book, STRATEGY(FEWEST_PARCELS), "S1*1", "LEEDS:1");
}

static void a_line_that_one_of_the_chosen_has_whole_is_not_split(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	book_receive(book, "S2", "LEEDS", 4);
	book_receive(book, "S1", "YORK", 4);
	const Stockbook__V1__Order *order =
		place_it(book, order_by(book, STRATEGY(FEWEST_PARCELS), "S2*4 S1*4"));
	assert_string_equal(where(book, order, 0), "LEEDS:4");
	assert_string_equal(where(book, order, 1), "YORK:4");
}

static void the_fewest_for_what_there_is_when_it_is_not_enough(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	book_receive(book, "S1", "HULL", 2);
	Stockbook__V1__PlaceOrderRequest *request =
		order_by(book, STRATEGY(FEWEST_PARCELS), "S1*5 S2*1");
	book_refusal(book, place_name, request, REASON(OUT_OF_STOCK));
	request->allow_partial = true;
	const Stockbook__V1__Order *order = place_it(book, request);
	assert_string_equal(where(book, order, 0), "LEEDS:1 HULL:2");
	assert_line(order, 1, "2 3 0 0 0 0");
	assert_line(order, 2, "1 0 0 0 0 0");
}

/* ---- Ship capacity ---- */

static void the_least_loaded_serves_first(void **state)
{
	struct book *book = *state;
	for (size_t i = 0; i < 3; i++)
		book_receive(book, "S1", codes[i], 20);
	put_spot(book, "LEEDS", (struct spot){.capacity = 4});
	put_spot(book, "YORK", (struct spot){.capacity = 8});
	put_spot(book, "HULL", (struct spot){.capacity = 2});
	expect(book, STRATEGY(BALANCED), "S1*1", "LEEDS:1"); /* now a quarter of LEEDS */
	expect(book, STRATEGY(BALANCED), "S1*1", "YORK:1");  /* an eighth of YORK */
	expect(book, STRATEGY(BALANCED), "S1*1", "HULL:1");  /* half of HULL */
	expect(book, STRATEGY(BALANCED), "S1*1", "YORK:1");  /* a quarter */
	expect(book, STRATEGY(BALANCED), "S1*1", "LEEDS:1"); /* equal: the preferred */
	/* One without a capacity is never loaded. */
	put_spot(book, "HULL", (struct spot){0});
	expect(book, STRATEGY(BALANCED), "S1*1", "HULL:1");
	expect(book, STRATEGY(BALANCED), "S1*1", "HULL:1");
}

static void whose_capacity_is_used_up_is_passed_over_until_tomorrow(void **state)
{
	struct book *book = *state;
	for (size_t i = 0; i < 3; i++)
		book_receive(book, "S1", codes[i], 20);
	put_spot(book, "LEEDS", (struct spot){.capacity = 2});
	/* Several lines from one location are one parcel. */
	place_it(book, order_by(book, STRATEGY(PREFERENCE), "S1*1 S1*2"));
	expect(book, STRATEGY(PREFERENCE), "S1*1", "LEEDS:1");
	expect(book, STRATEGY(PREFERENCE), "S1*1", "YORK:1");
	expect(book, STRATEGY(MOST_STOCK), "S1*1", "HULL:1");
	/* A hold needs no parcel yet; who names the location has decided. */
	assert_string_equal(reserve(book, "S1*1")->lines[0]->location, "LEEDS");
	expect(book, STRATEGY(PREFERENCE), "S1*1@LEEDS", "LEEDS:1");
	book->now_us += 86400 * SECOND_US;
	expect(book, STRATEGY(PREFERENCE), "S1*1", "LEEDS:1");
}

static void a_hold_that_is_confirmed_is_a_parcel_of_the_day(void **state)
{
	struct book *book = *state;
	for (size_t i = 0; i < 3; i++)
		book_receive(book, "S1", codes[i], 20);
	put_spot(book, "LEEDS", (struct spot){.capacity = 1});
	const char *held = reserve(book, "S1*1")->id;
	const char *late = reserve(book, "S1*1")->id;
	book_call(book, "ReservationService/ConfirmReservation", confirm_request(book, held));
	expect(book, STRATEGY(PREFERENCE), "S1*1", "YORK:1");
	/* It was promised: the day's capacity does not refuse it. */
	book_call(book, "ReservationService/ConfirmReservation", confirm_request(book, late));
	assert_stock(book, "S1", "LEEDS", "18 0 2 0 0 0");
}

/* Both see one parcel left at LEEDS; who is second under the lock goes to YORK. */
static void two_calls_do_not_both_take_the_last_parcel_of_the_day(void **state)
{
	struct book *book = *state;
	for (size_t i = 0; i < 3; i++)
		book_receive(book, "S1", codes[i], 20);
	put_spot(book, "LEEDS", (struct spot){.capacity = 1});
	struct store_call calls[2];
	const void *requests[] = {place_request(book, "S1*1"), place_request(book, "S1*1")};
	book_race(book, place_name, requests, calls, 2, 2);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(calls[i].verdict, VERDICT_DONE);
	assert_stock(book, "S1", "LEEDS", "19 0 1 0 0 0");
	assert_stock(book, "S1", "YORK", "19 0 1 0 0 0");
}

/* ---- Who may not ---- */

/* saleor#9970 */
static void web_orders_do_not_drain_a_franchise_store(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 5);
	book_receive(book, "S1", "YORK", 1);
	put_channel(book, STRATEGY(UNSPECIFIED), "LEEDS", METHOD(SHIP));
	expect(book, STRATEGY(PREFERENCE), "S1*1", "YORK:1");
	book_refusal(book, place_name, place_request(book, "S1*1"), REASON(OUT_OF_STOCK));
	const struct refusal *refusal = book_refusal(book, place_name,
		place_request(book, "S1*1@LEEDS"), REASON(LOCATION_NOT_ELIGIBLE));
	assert_string_equal(refusal_value(refusal, "location"), "LEEDS");
	/* Only for what is sent; excluded from everything, it serves nothing. */
	assert_string_equal(reserve(book, "S1*1")->lines[0]->location, "LEEDS");
	put_channel(book, STRATEGY(UNSPECIFIED), "LEEDS", METHOD(UNSPECIFIED));
	book_refusal(book, "ReservationService/Reserve", reserve_request(book, "S1*1"),
		REASON(OUT_OF_STOCK));
	/* Its own till still sells. */
	place(book, "!S1*1@LEEDS");
}

static void what_the_call_excludes_serves_nothing(void **state)
{
	struct book *book = *state;
	for (size_t i = 0; i < 3; i++)
		book_receive(book, "S1", codes[i], 1);
	static char *excluded[] = {"LEEDS", "HULL"};
	Stockbook__V1__PlaceOrderRequest *request = order_by(book, STRATEGY(PREFERENCE), "S1*1");
	request->sourcing->n_excluded_locations = 2;
	request->sourcing->excluded_locations = excluded;
	assert_string_equal(where(book, place_it(book, request), 0), "YORK:1");
	book_refusal(book, place_name, request, REASON(OUT_OF_STOCK));
	request = order_by(book, STRATEGY(PREFERENCE), "S1*1@HULL");
	request->sourcing->n_excluded_locations = 2;
	request->sourcing->excluded_locations = excluded;
	book_refusal(book, place_name, request, REASON(LOCATION_NOT_ELIGIBLE));
}

static void the_channels_strategy_holds_where_the_call_names_none(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	book_receive(book, "S1", "HULL", 9);
	put_channel(book, STRATEGY(MOST_STOCK), NULL, METHOD(UNSPECIFIED));
	assert_string_equal(where(book, place(book, "S1*1"), 0), "HULL:1");
	expect(book, STRATEGY(UNSPECIFIED), "S1*1", "HULL:1");
	expect(book, STRATEGY(PREFERENCE), "S1*1", "LEEDS:1");
	assert_string_equal(reserve(book, "S1*1")->lines[0]->location, "HULL");
}

/* ---- What is fetched ---- */

static void what_is_picked_up_is_not_split(void **state)
{
	struct book *book = *state;
	for (size_t i = 0; i < 3; i++)
		put_spot(book, codes[i], (struct spot){.pickups = i != 2, .no_ships = true});
	book_receive(book, "S1", "LEEDS", 1);
	book_receive(book, "S1", "YORK", 3);
	book_receive(book, "S1", "HULL", 9);
	Stockbook__V1__PlaceOrderRequest *request = place_request(book, "S1*2");
	request->lines[0]->method = METHOD(PICKUP);
	assert_string_equal(where(book, place_it(book, request), 0), "YORK:2");
	book_refusal(book, place_name, request, REASON(OUT_OF_STOCK));
	/* Where nobody has all of it, the one that has most, the preferred among equals. */
	request->allow_partial = true;
	const Stockbook__V1__Order *order = place_it(book, request);
	assert_string_equal(where(book, order, 0), "LEEDS:1");
	assert_string_equal(order->lines[0]->pickup_location, "LEEDS");
}

static void what_lies_at_the_store_already_is_taken_there_first(void **state)
{
	struct book *book = *state;
	put_spot(book, "HULL", (struct spot){.pickups = true, .no_ships = true});
	book_receive(book, "S1", "LEEDS", 5);
	book_receive(book, "S1", "HULL", 2);
	Stockbook__V1__PlaceOrderRequest *request = place_request(book, "S1*3");
	request->lines[0]->method = METHOD(SHIP_TO_STORE);
	request->lines[0]->pickup_location = "HULL";
	const Stockbook__V1__PlaceOrderResponse *response = book_call(book, place_name, request);
	assert_int_equal(response->n_transfers, 1);
	assert_stock(book, "S1", "LEEDS", "4 0 1 0 0 0");
	assert_stock(book, "S1", "HULL", "0 0 2 0 0 0");
}

/* ---- All strategies ---- */

struct dice {
	uint32_t state;
};

static int64_t roll(struct dice *dice, uint32_t sides)
{
	dice->state = dice->state * 1664525 + 1013904223;
	return (dice->state >> 8) % sides;
}

static int64_t stock_before[3][3];

static void stock_up(struct book *book, struct dice *dice)
{
	for (size_t sku = 0; sku < 3; sku++)
		for (size_t i = 0; i < 3; i++) {
			const char *name = arena_printf(&book->arena, "S%zu", sku + 1);
			int64_t more = roll(dice, 5);
			if (more > 0)
				book_receive(book, name, codes[i], more);
			stock_before[sku][i] = book_stock(book, name, codes[i]).available;
		}
}

static size_t place_of(const char *code)
{
	for (size_t i = 0; i < 3; i++)
		if (strcmp(codes[i], code) == 0)
			return i;
	fail_msg("'%s' is not a location", code);
	return 0;
}

/* Each line got what it wanted or all there was, from those who may, and no more than they had. */
static void check_order(const Stockbook__V1__Order *order, size_t excluded)
{
	int64_t taken[3][3] = {{0}};
	for (size_t i = 0; i < order->n_lines; i++) {
		const Stockbook__V1__OrderLine *line = order->lines[i];
		int64_t sum = 0;
		for (size_t j = 0; j < line->n_allocations; j++) {
			size_t at = place_of(line->allocations[j]->location);
			assert_true(at != excluded && line->allocations[j]->allocated > 0);
			taken[line->sku[1] - '1'][at] += line->allocations[j]->allocated;
			sum += line->allocations[j]->allocated;
		}
		assert_int_equal(sum, line->ordered - line->open);
	}
	for (size_t i = 0; i < order->n_lines; i++) {
		size_t sku = (size_t)(order->lines[i]->sku[1] - '1');
		int64_t left = 0;
		for (size_t at = 0; at < 3; at++) {
			assert_true(taken[sku][at] <= stock_before[sku][at]);
			left += at == excluded ? 0 : stock_before[sku][at] - taken[sku][at];
		}
		assert_true(order->lines[i]->open == 0 || left == 0);
	}
}

static void by_every_strategy_the_parts_sum_to_the_line_or_to_all_there_is(void **state)
{
	struct book *book = *state;
	struct dice dice = {4030};
	for (int round = 0; round < 400; round++) {
		stock_up(book, &dice);
		Stockbook__V1__PlaceOrderRequest *request =
			order_by(book, (Stockbook__V1__SourcingStrategy)(round % 6),
				arena_printf(&book->arena, "S%lld*%lld S%lld*%lld S%lld*%lld",
					(long long)roll(&dice, 3) + 1, (long long)roll(&dice, 12) + 1,
					(long long)roll(&dice, 3) + 1, (long long)roll(&dice, 12) + 1,
					(long long)roll(&dice, 3) + 1, (long long)roll(&dice, 12) + 1));
		send_to(book, request, 50 + (double)roll(&dice, 5), -2 + (double)roll(&dice, 3));
		size_t excluded = (size_t)roll(&dice, 6); /* mostly none */
		static char *names[1];
		if (excluded < 3) {
			names[0] = (char *)codes[excluded];
			request->sourcing->n_excluded_locations = 1;
			request->sourcing->excluded_locations = names;
		}
		request->allow_partial = true;
		check_order(place_it(book, request), excluded);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, coast_setup, book_teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_nearest_serves_first_and_without_coordinates_last),
		TEST(without_a_destination_the_nearest_is_the_preferred),
		TEST(among_equally_near_ones_the_preferred_serves),
		TEST(who_has_most_serves_first_and_among_equals_the_preferred),
		TEST(one_parcel_is_better_than_two_from_preferred_locations),
		TEST(a_line_that_one_of_the_chosen_has_whole_is_not_split),
		TEST(the_fewest_for_what_there_is_when_it_is_not_enough),
		TEST(the_least_loaded_serves_first),
		TEST(whose_capacity_is_used_up_is_passed_over_until_tomorrow),
		TEST(a_hold_that_is_confirmed_is_a_parcel_of_the_day),
		TEST(two_calls_do_not_both_take_the_last_parcel_of_the_day),
		TEST(web_orders_do_not_drain_a_franchise_store),
		TEST(what_the_call_excludes_serves_nothing),
		TEST(the_channels_strategy_holds_where_the_call_names_none),
		TEST(what_is_picked_up_is_not_split),
		TEST(what_lies_at_the_store_already_is_taken_there_first),
		TEST(by_every_strategy_the_parts_sum_to_the_line_or_to_all_there_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
