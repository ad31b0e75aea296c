/*
 * NEAREST over random chains, against a reference that measures every way and sorts: the same
 * locations in the same order, whether it is remembered where they lie or not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/promise_fixture.h"

#include "book/great_circle.h"
#include "stockbook/v1/location.pb-c.h"
#include "stockbook/v1/sourcing.pb-c.h"

#define METHOD(name) STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_##name
#define STRATEGY(name) STOCKBOOK__V1__SOURCING_STRATEGY__SOURCING_STRATEGY_##name
#define MEMBERS_MAX 150

struct member {
	const char *code;
	bool has_coordinates;
	double latitude;
	double longitude;
	bool disabled;
	bool ships;
	bool pickups;
	int64_t stock;
	/* Of the reference. */
	size_t index;
	double distance_km;
};

struct chain {
	struct book *book;
	struct member members[MEMBERS_MAX];
	size_t count;
	uint64_t dice;
};

static uint64_t roll(struct chain *chain, uint64_t sides)
{
	chain->dice = chain->dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (chain->dice >> 33) % sides;
}

static double fraction(struct chain *chain)
{
	return (double)roll(chain, 1 << 20) / (1 << 20);
}

/* ---- The chain ---- */

static void draw_member(struct chain *chain, size_t index)
{
	struct member *member = &chain->members[index];
	*member = (struct member){
		.code = arena_printf(&chain->book->arena, "M%zu", index),
		.has_coordinates = roll(chain, 12) != 0,
		.latitude = -80 + 160 * fraction(chain),
		.longitude = -180 + 360 * fraction(chain),
		.disabled = roll(chain, 15) == 0,
		.ships = roll(chain, 6) != 0,
		.pickups = roll(chain, 4) != 0,
		.stock = roll(chain, 3) == 0 ? (int64_t)roll(chain, 4) : 0,
		.index = index,
	};
	/* Some lie where others do. */
	if (index > 0 && roll(chain, 8) == 0) {
		const struct member *other = &chain->members[roll(chain, index)];
		member->latitude = other->latitude;
		member->longitude = other->longitude;
	}
}

static void put_member(struct chain *chain, const struct member *member)
{
	Stockbook__V1__Coordinates coordinates = STOCKBOOK__V1__COORDINATES__INIT;
	coordinates.latitude = member->latitude;
	coordinates.longitude = member->longitude;
	Stockbook__V1__Location location = STOCKBOOK__V1__LOCATION__INIT;
	location.code = (char *)member->code;
	location.kind = STOCKBOOK__V1__LOCATION_KIND__LOCATION_KIND_STORE;
	location.sells_at_till = true;
	location.ships = member->ships;
	location.hands_over_pickups = member->pickups;
	location.disabled = member->disabled;
	location.coordinates = member->has_coordinates ? &coordinates : NULL;
	Stockbook__V1__PutLocationRequest request = STOCKBOOK__V1__PUT_LOCATION_REQUEST__INIT;
	request.location = &location;
	book_call(chain->book, "LocationService/PutLocation", &request);
}

static void draw_chain(struct chain *chain, struct book *book, size_t count, uint64_t seed)
{
	*chain = (struct chain){.book = book, .count = count, .dice = seed};
	const char *codes[MEMBERS_MAX] = {0};
	for (size_t i = 0; i < count; i++) {
		draw_member(chain, i);
		put_member(chain, &chain->members[i]);
		codes[i] = chain->members[i].code;
	}
	book_add_channel(book, "chain", codes, count);
	for (size_t i = 0; i < count; i++)
		if (chain->members[i].stock > 0)
			book_receive(book, "S1", codes[i], chain->members[i].stock);
	book->now_us += 2 * SECOND_US; /* policy may be seen a second late */
}

/* ---- The reference ---- */

static int compare_members(const void *a, const void *b)
{
	const struct member *x = a;
	const struct member *y = b;
	if (x->has_coordinates != y->has_coordinates)
		return x->has_coordinates ? -1 : 1;
	if (x->has_coordinates && x->distance_km != y->distance_km)
		return x->distance_km < y->distance_km ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

static void sort_by_distance(const struct chain *chain, double latitude, double longitude,
	struct member *sorted)
{
	memcpy(sorted, chain->members, chain->count * sizeof(*sorted));
	for (size_t i = 0; i < chain->count; i++)
		sorted[i].distance_km =
			great_circle_km(latitude, longitude, sorted[i].latitude, sorted[i].longitude);
	qsort(sorted, chain->count, sizeof(*sorted), compare_members);
}

/* "M3:2 M17:1": as all ways measured and sorted would have it; taken off the chain's stock. */
static const char *expected_allocations(struct chain *chain, const struct member *sorted,
	int64_t wanted)
{
	const char *text = "";
	for (size_t i = 0; i < chain->count && wanted > 0; i++) {
		struct member *member = &chain->members[sorted[i].index];
		if (member->disabled || !member->ships || member->stock == 0)
			continue;
		int64_t share = member->stock < wanted ? member->stock : wanted;
		member->stock -= share;
		wanted -= share;
		text =
			arena_printf(&chain->book->arena, "%s %s:%lld", text, member->code, (long long)share);
	}
	return text;
}

/* ---- The book ---- */

static Stockbook__V1__Coordinates *coordinates(struct chain *chain, double latitude,
	double longitude)
{
	Stockbook__V1__Coordinates *at = arena_alloc(&chain->book->arena, sizeof(*at));
	stockbook__v1__coordinates__init(at);
	at->latitude = latitude;
	at->longitude = longitude;
	return at;
}

static const char *allocations(struct chain *chain, double latitude, double longitude,
	int64_t wanted)
{
	Stockbook__V1__PlaceOrderRequest *request =
		place_request(chain->book, arena_printf(&chain->book->arena, "S1*%lld", (long long)wanted));
	Stockbook__V1__SourcingOptions options = STOCKBOOK__V1__SOURCING_OPTIONS__INIT;
	options.strategy = STRATEGY(NEAREST);
	options.destination = coordinates(chain, latitude, longitude);
	request->channel = "chain";
	request->sourcing = &options;
	request->allow_partial = true;
	const Stockbook__V1__PlaceOrderResponse *response =
		book_call(chain->book, "OrderService/PlaceOrder", request);
	const Stockbook__V1__OrderLine *line = response->order->lines[0];
	const char *text = "";
	for (size_t i = 0; i < line->n_allocations; i++)
		text = arena_printf(&chain->book->arena, "%s %s:%lld", text, line->allocations[i]->location,
			(long long)line->allocations[i]->allocated);
	return text;
}

static void check_orders(struct chain *chain)
{
	for (int round = 0; round < 12; round++) {
		double latitude = -80 + 160 * fraction(chain);
		double longitude = -180 + 360 * fraction(chain);
		int64_t wanted = 1 + (int64_t)roll(chain, 9);
		struct member sorted[MEMBERS_MAX] = {0};
		sort_by_distance(chain, latitude, longitude, sorted);
		const char *expected = expected_allocations(chain, sorted, wanted);
		assert_string_equal(allocations(chain, latitude, longitude, wanted), expected);
	}
}

/* The stores that a customer is offered, and all candidates as they are explained. */
static void check_stores(struct chain *chain)
{
	double latitude = -80 + 160 * fraction(chain);
	double longitude = -180 + 360 * fraction(chain);
	struct member sorted[MEMBERS_MAX] = {0};
	sort_by_distance(chain, latitude, longitude, sorted);
	Stockbook__V1__PromiseLine line = STOCKBOOK__V1__PROMISE_LINE__INIT;
	Stockbook__V1__PromiseLine *lines[] = {&line};
	line.sku = "S1";
	line.quantity = 1;
	Stockbook__V1__PromiseRequest request = STOCKBOOK__V1__PROMISE_REQUEST__INIT;
	request.channel = "chain";
	request.method = METHOD(PICKUP);
	request.near = coordinates(chain, latitude, longitude);
	request.locations_max = 7;
	request.n_lines = 1;
	request.lines = lines;
	const Stockbook__V1__PromiseResponse *response =
		book_call(chain->book, "SourcingService/Promise", &request);
	size_t offered = 0;
	for (size_t i = 0; i < chain->count && offered < 7; i++)
		if (!sorted[i].disabled && sorted[i].pickups) {
			assert_true(offered < response->n_options);
			assert_string_equal(response->options[offered]->pickup_location, sorted[i].code);
			offered++;
		}
	assert_int_equal(response->n_options, offered);
}

static void check_chains(struct book *book)
{
	static const size_t sizes[] = {1, 2, 9, 40, MEMBERS_MAX};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		static struct chain chain;
		draw_chain(&chain, book, sizes[i], 77 + i);
		check_orders(&chain);
		check_stores(&chain);
		/* The next chain has the same names. */
		for (size_t m = 0; m < chain.count; m++)
			if (chain.members[m].stock > 0)
				lose(book, "S1", chain.members[m].code, chain.members[m].stock);
	}
}

static void the_nearest_are_those_that_measuring_all_of_them_finds(void **state)
{
	check_chains(*state);
}

static void what_is_remembered_of_the_locations_changes_nothing(void **state)
{
	struct book *book = *state;
	memory_store_set_stale_peeks(book->store, true);
	check_chains(book);
}

/* Memory follows what becomes of the locations, a second late at the most. */
static void who_was_disabled_a_while_ago_serves_nothing(void **state)
{
	struct book *book = *state;
	memory_store_set_stale_peeks(book->store, true);
	static struct chain chain;
	draw_chain(&chain, book, 40, 5);
	for (int round = 0; round < 20; round++) {
		struct member *member = &chain.members[roll(&chain, chain.count)];
		member->disabled = !member->disabled;
		member->latitude = -80 + 160 * fraction(&chain);
		put_member(&chain, member);
		book->now_us += 2 * SECOND_US;
		check_orders(&chain);
		for (size_t m = 0; m < chain.count; m++)
			if (chain.members[m].stock == 0 && roll(&chain, 3) == 0) {
				book_receive(book, "S1", chain.members[m].code, 2);
				chain.members[m].stock = 2;
			}
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, trade_setup, book_teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_nearest_are_those_that_measuring_all_of_them_finds),
		TEST(what_is_remembered_of_the_locations_changes_nothing),
		TEST(who_was_disabled_a_while_ago_serves_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
