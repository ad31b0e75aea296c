/* Sourcing: which locations serve which lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "unit/promise_fixture.h"

#include "book/reservation.h"
#include "google/protobuf/wrappers.pb-c.h"
#include "stockbook/v1/location.pb-c.h"

static const char reserve_name[] = "ReservationService/Reserve";
static const char place_name[] = "OrderService/PlaceOrder";

static void put_location(struct book *book, const char *code, bool ships, bool disabled)
{
	Stockbook__V1__Location location = STOCKBOOK__V1__LOCATION__INIT;
	location.code = (char *)code;
	location.kind = STOCKBOOK__V1__LOCATION_KIND__LOCATION_KIND_STORE;
	location.sells_at_till = true;
	location.ships = ships;
	location.disabled = disabled;
	Stockbook__V1__PutLocationRequest request = STOCKBOOK__V1__PUT_LOCATION_REQUEST__INIT;
	request.location = &location;
	book_call(book, "LocationService/PutLocation", &request);
	book->now_us += 2 * SECOND_US; /* policy may be seen a second late */
}

static void the_preferred_location_serves_first(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "HULL", 5);
	book_receive(book, "S1", "YORK", 5);
	const Stockbook__V1__Reservation *held = reserve(book, "S1*5");
	assert_int_equal(held->n_lines, 1);
	assert_string_equal(held->lines[0]->location, "YORK");
	assert_string_equal(reserve(book, "S1*1")->lines[0]->location, "HULL");
}

/* vendure#4030 */
static void splitting_thirteen_over_ten_and_thirteen_takes_ten_and_three(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 10);
	book_receive(book, "S1", "YORK", 13);
	const Stockbook__V1__Order *order = place(book, "S1*13");
	assert_line(order, 1, "0 13 0 0 0 0");
	assert_int_equal(order->lines[0]->allocations[0]->allocated, 10);
	assert_int_equal(order->lines[0]->allocations[1]->allocated, 3);
	assert_stock(book, "S1", "YORK", "10 0 3 0 0 0");
}

static void the_parts_always_sum_to_the_line(void **state)
{
	struct book *book = *state;
	static const char *const locations[] = {"LEEDS", "YORK", "HULL"};
	uint32_t random = 12345;
	for (int round = 0; round < 300; round++) {
		int64_t total = 0;
		for (size_t i = 0; i < 3; i++) {
			random = random * 1664525 + 1013904223;
			int64_t more = random >> 29; /* 0 to 7 */
			if (more > 0)
				book_receive(book, "S1", locations[i], more);
			total += book_stock(book, "S1", locations[i]).available;
		}
		random = random * 1664525 + 1013904223;
		int64_t wanted = 1 + (random >> 27);
		Stockbook__V1__PlaceOrderRequest *request =
			place_request(book, arena_printf(&book->arena, "S1*%lld", (long long)wanted));
		request->allow_partial = true;
		request->fulfil = round % 2;
		const Stockbook__V1__PlaceOrderResponse *response = book_call(book, place_name, request);
		const Stockbook__V1__OrderLine *line = response->order->lines[0];
		int64_t expected = wanted < total ? wanted : total;
		int64_t sum = 0;
		for (size_t i = 0; i < line->n_allocations; i++)
			sum += line->allocations[i]->allocated + line->allocations[i]->fulfilled;
		assert_int_equal(sum, expected);
		assert_int_equal(line->open, wanted - expected);
	}
}

static void who_names_a_location_takes_from_it_before_sourced_lines(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	book_receive(book, "S1", "YORK", 1);
	const Stockbook__V1__Order *order = place(book, "S1*1 S1*2@LEEDS");
	assert_string_equal(order->lines[0]->allocations[0]->location, "YORK");
	assert_string_equal(order->lines[1]->allocations[0]->location, "LEEDS");
}

/* saleor#9970: who may not serve is not drained. */
static void only_who_may_serves(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 5);
	book_receive(book, "S1", "YORK", 5);
	put_location(book, "LEEDS", false, false);
	/* A hold may still be collected there; an order that is sent may not come from there. */
	assert_string_equal(reserve(book, "S1*1")->lines[0]->location, "LEEDS");
	const Stockbook__V1__Order *order = place(book, "S1*1");
	assert_string_equal(order->lines[0]->allocations[0]->location, "YORK");
	book_refusal(book, place_name, place_request(book, "S1*1@LEEDS"),
		REASON(LOCATION_NOT_ELIGIBLE));
	put_location(book, "LEEDS", true, true);
	assert_string_equal(reserve(book, "S1*1")->lines[0]->location, "YORK");
	const struct refusal *refusal = book_refusal(book, reserve_name,
		reserve_request(book, "S1*1@LEEDS"), REASON(LOCATION_NOT_ELIGIBLE));
	assert_string_equal(refusal_value(refusal, "location"), "LEEDS");
}

static void safety_stock_is_left_at_each_source(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 5);
	book_receive(book, "S1", "YORK", 5);
	set_safety(book, "S1", "LEEDS", 3);
	place(book, "S1*6");
	assert_stock(book, "S1", "LEEDS", "3 0 2 0 0 0");
	assert_stock(book, "S1", "YORK", "1 0 4 0 0 0");
}

static void a_rare_sku_is_found_at_the_far_end_of_a_large_group(void **state)
{
	struct book *book = *state;
	enum { LOCATIONS = 700 };
	const char **codes = arena_alloc_array(&book->arena, LOCATIONS, sizeof(*codes));
	for (size_t i = 0; i < LOCATIONS; i++) {
		codes[i] = arena_printf(&book->arena, "STORE%zu", i);
		book_add_location(book, codes[i]);
	}
	book_add_channel(book, "many", codes, LOCATIONS);
	book_receive(book, "S1", codes[3], 1);
	book_receive(book, "S1", codes[LOCATIONS - 1], 2);
	Stockbook__V1__PlaceOrderRequest *request = place_request(book, "S1*3");
	request->channel = "many";
	const Stockbook__V1__PlaceOrderResponse *response = book_call(book, place_name, request);
	assert_int_equal(response->order->lines[0]->n_allocations, 2);
	assert_string_equal(response->order->lines[0]->allocations[1]->location, codes[LOCATIONS - 1]);
	book_refusal(book, place_name, request, REASON(OUT_OF_STOCK));
}

/* Both see the last piece at LEEDS; who is second under the lock goes to YORK. */
static void a_source_that_was_sold_out_meanwhile_is_left_for_the_next(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	book_receive(book, "S1", "YORK", 1);
	struct store_call calls[2];
	const void *requests[] = {reserve_request(book, "S1*1"), reserve_request(book, "S1*1")};
	book_race(book, reserve_name, requests, calls, 2, 2);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(calls[i].verdict, VERDICT_DONE);
	assert_stock(book, "S1", "LEEDS", "0 1 0 0 0 0");
	assert_stock(book, "S1", "YORK", "0 1 0 0 0 0");
}

/* Another server's sweep of all that is due, as far as it comes without waiting. */
static void sweep_beside(struct book *book)
{
	Google__Protobuf__Int64Value request = GOOGLE__PROTOBUF__INT64_VALUE__INIT;
	request.value = part_of("LEEDS", memory_store_limits(book->store)->parts);
	struct store_call call = {
		.operation = &reservation_expire_operation, .request = &request, .actor = &book->actor};
	struct memory_lane *lane = memory_lane_open(book->store, 77);
	memory_lane_submit(lane, &call, 1);
	while (memory_lane_state(lane) != MEMORY_LANE_IDLE)
		if (!memory_lane_step(lane, book->now_us)) {
			memory_lane_abort(lane);
			break;
		}
	memory_lane_close(lane);
}

/* The hold on the last piece is over: whoever asks gets it, whenever the sweeper comes by. */
static void what_a_sweeper_frees_meanwhile_is_not_refused(void **state)
{
	struct book *book = *state;
	enum { STEPS = 12 };
	for (int steps = 0; steps < STEPS; steps++) {
		const char *sku = arena_printf(&book->arena, "LAST%d", steps);
		book_add_item(book, sku);
		book_receive(book, sku, "LEEDS", 1);
		reserve(book, arena_printf(&book->arena, "%s*1@LEEDS", sku));
		book->now_us += 1000 * SECOND_US;
		struct store_call call = {
			.operation = operation_find(reserve_name),
			.request = reserve_request(book, arena_printf(&book->arena, "%s*1", sku)),
			.actor = &book->actor,
			.request_id = uuid_make(book->now_us, 1, 1),
		};
		struct memory_lane *lane = memory_lane_open(book->store, (uint64_t)steps);
		memory_lane_submit(lane, &call, 1);
		for (int i = 0; i < steps && memory_lane_state(lane) != MEMORY_LANE_IDLE; i++)
			assert_true(memory_lane_step(lane, book->now_us));
		sweep_beside(book);
		while (memory_lane_state(lane) != MEMORY_LANE_IDLE)
			assert_true(memory_lane_step(lane, book->now_us));
		memory_lane_close(lane);
		assert_int_equal(call.verdict, VERDICT_DONE);
		assert_null(invariants_check(book->invariants));
	}
}

/* ---- Many lines ---- */

#define SKUS 500

static Stockbook__V1__PlaceOrderRequest *long_order(struct book *book, size_t count)
{
	Stockbook__V1__PlaceOrderRequest *request = place_request(book, "");
	request->n_lines = count;
	request->lines = arena_alloc_array(&book->arena, count, sizeof(void *));
	for (size_t i = 0; i < count; i++) {
		Stockbook__V1__PlaceOrderLine *line = arena_alloc(&book->arena, sizeof(*line));
		stockbook__v1__place_order_line__init(line);
		line->sku = arena_printf(&book->arena, "L%zu", i % SKUS);
		line->quantity = 1;
		line->location = i % 3 ? "" : "LEEDS";
		request->lines[i] = line;
	}
	return request;
}

static double seconds_to_place(struct book *book, size_t count)
{
	struct store_call call = {
		.operation = operation_find(place_name),
		.request = long_order(book, count),
		.actor = &book->actor,
		.request_id = uuid_make(book->now_us, 2, count),
	};
	clock_t begin = clock();
	memory_store_run(book->store, &call, 1, book->now_us);
	clock_t end = clock();
	assert_int_equal(call.verdict, VERDICT_DONE);
	assert_null(invariants_check(book->invariants));
	return (double)(end - begin) / CLOCKS_PER_SEC;
}

static void ten_thousand_lines_cost_about_ten_times_a_thousand(void **state)
{
	struct book *book = *state;
	for (size_t i = 0; i < SKUS; i++) {
		const char *sku = arena_printf(&book->arena, "L%zu", i);
		book_add_item(book, sku);
		book_receive(book, sku, "LEEDS", 12);
		book_receive(book, sku, "HULL", 12);
	}
	double thousand = seconds_to_place(book, 1000);
	double ten_thousand = seconds_to_place(book, 10000);
	printf("# 1,000 lines: %.1f ms, 10,000 lines: %.1f ms\n", thousand * 1e3, ten_thousand * 1e3);
	assert_true(ten_thousand < 40 * thousand + 0.05);
	assert_wrong_field(book_refusal(book, place_name, long_order(book, 10001),
						   REASON(INVALID_FIELD)),
		"lines");
}

static void a_refusal_of_many_lines_names_the_first_and_counts_all(void **state)
{
	struct book *book = *state;
	for (size_t i = 0; i < SKUS; i++)
		book_add_item(book, arena_printf(&book->arena, "L%zu", i));
	const struct refusal *refusal =
		book_refusal(book, place_name, long_order(book, 1000), REASON(OUT_OF_STOCK));
	assert_string_equal(refusal_value(refusal, "short_lines"), "1000");
	assert_string_equal(refusal_value(refusal, "lines[24].sku"), "L24");
	size_t bytes = 0;
	for (size_t i = 0; i < refusal->metadata_count; i++)
		bytes += strlen(refusal->metadata[i].key) + strlen(refusal->metadata[i].value);
	assert_true(bytes < 6000); /* the trailers of an answer are bounded */
}

/* 500 SKUs of which there is nothing at 400 locations: 200,000 balances would be looked at. */
static void a_search_of_too_many_balances_is_refused(void **state)
{
	struct book *book = *state;
	enum { LOCATIONS = 400 };
	const char **codes = arena_alloc_array(&book->arena, LOCATIONS, sizeof(*codes));
	for (size_t i = 0; i < LOCATIONS; i++) {
		codes[i] = arena_printf(&book->arena, "STORE%zu", i);
		book_add_location(book, codes[i]);
	}
	book_add_channel(book, "many", codes, LOCATIONS);
	for (size_t i = 0; i < SKUS; i++)
		book_add_item(book, arena_printf(&book->arena, "L%zu", i));
	Stockbook__V1__PlaceOrderRequest *request = long_order(book, SKUS);
	request->channel = "many";
	for (size_t i = 0; i < SKUS; i++)
		request->lines[i]->location = "";
	book_refusal(book, place_name, request, REASON(OVERLOADED));
	/* Fewer at once are looked for to the end. */
	request->n_lines = SKUS / 4;
	book_refusal(book, place_name, request, REASON(OUT_OF_STOCK));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, trade_setup, book_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_preferred_location_serves_first),
		TEST(splitting_thirteen_over_ten_and_thirteen_takes_ten_and_three),
		TEST(the_parts_always_sum_to_the_line),
		TEST(who_names_a_location_takes_from_it_before_sourced_lines),
		TEST(only_who_may_serves),
		TEST(safety_stock_is_left_at_each_source),
		TEST(a_rare_sku_is_found_at_the_far_end_of_a_large_group),
		TEST(a_source_that_was_sold_out_meanwhile_is_left_for_the_next),
		TEST(what_a_sweeper_frees_meanwhile_is_not_refused),
		TEST(ten_thousand_lines_cost_about_ten_times_a_thousand),
		TEST(a_refusal_of_many_lines_names_the_first_and_counts_all),
		TEST(a_search_of_too_many_balances_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
