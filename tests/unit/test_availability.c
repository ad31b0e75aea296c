/* Availability: what may be promised, why, and from where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/book_fixture.h"

#include "book/availability.h"
#include "stockbook/v1/channel.pb-c.h"
#include "stockbook/v1/item.pb-c.h"
#include "stockbook/v1/location.pb-c.h"
#include "stockbook/v1/stock.pb-c.h"

#define REASON(name) STOCKBOOK__V1__REASON__REASON_##name

/* The item A with 10 pieces at L and 4 at M, both in the group of the channel "web". */
static int setup(void **state)
{
	static const char *const members[] = {"L", "M"};
	book_setup(state);
	struct book *book = *state;
	book_add_item(book, "A");
	book_add_location(book, "L");
	book_add_location(book, "M");
	book_add_location(book, "N");
	book_add_channel(book, "web", members, ARRAY_COUNT(members));
	book_receive(book, "A", "L", 10);
	book_receive(book, "A", "M", 4);
	return 0;
}

/* ---- Defaults of safety stock ---- */

static Google__Protobuf__Int64Value *count(struct book *book, int64_t quantity)
{
	return make_count(&book->arena, quantity);
}

static void set_item_default(struct book *book, int64_t quantity)
{
	Stockbook__V1__PutItemRequest request = STOCKBOOK__V1__PUT_ITEM_REQUEST__INIT;
	Stockbook__V1__Item item = STOCKBOOK__V1__ITEM__INIT;
	request.item = &item;
	item.sku = "A";
	item.safety_stock = count(book, quantity);
	book_call(book, "ItemService/PutItem", &request);
}

static void set_location(struct book *book, const char *code, int64_t quantity, bool disabled)
{
	Stockbook__V1__PutLocationRequest request = STOCKBOOK__V1__PUT_LOCATION_REQUEST__INIT;
	Stockbook__V1__Location location = STOCKBOOK__V1__LOCATION__INIT;
	request.location = &location;
	location.code = (char *)code;
	location.kind = STOCKBOOK__V1__LOCATION_KIND__LOCATION_KIND_STORE;
	location.safety_stock = count(book, quantity);
	location.disabled = disabled;
	book_call(book, "LocationService/PutLocation", &request);
}

static void set_channel_default(struct book *book, int64_t quantity)
{
	Stockbook__V1__PutChannelRequest request = STOCKBOOK__V1__PUT_CHANNEL_REQUEST__INIT;
	Stockbook__V1__Channel channel = STOCKBOOK__V1__CHANNEL__INIT;
	request.channel = &channel;
	channel.code = "web";
	channel.location_group = "web";
	channel.safety_stock = count(book, quantity);
	book_call(book, "ChannelService/PutChannel", &request);
}

static void set_own(struct book *book, int64_t quantity)
{
	Stockbook__V1__SetSafetyStockRequest request = STOCKBOOK__V1__SET_SAFETY_STOCK_REQUEST__INIT;
	Stockbook__V1__SafetyStockLine line = STOCKBOOK__V1__SAFETY_STOCK_LINE__INIT;
	Stockbook__V1__SafetyStockLine *lines[] = {&line};
	line.sku = "A";
	line.quantity = count(book, quantity);
	request.location = "L";
	request.n_lines = 1;
	request.lines = lines;
	book_call(book, "StockService/SetSafetyStock", &request);
}

/* ---- Asking ---- */

static int64_t available_at(struct book *book, const char *location, const char *channel)
{
	char *skus[] = {"A"};
	char *locations[] = {(char *)location};
	Stockbook__V1__GetAvailabilityRequest request = STOCKBOOK__V1__GET_AVAILABILITY_REQUEST__INIT;
	request.n_skus = 1;
	request.skus = skus;
	request.n_locations = 1;
	request.locations = locations;
	request.channel = (char *)channel;
	const Stockbook__V1__GetAvailabilityResponse *response =
		book_call(book, "StockService/GetAvailability", &request);
	return response->availabilities[0]->available_to_sell;
}

static const Stockbook__V1__ExplainAvailabilityResponse *explain(struct book *book,
	const char *location, const char *channel)
{
	Stockbook__V1__ExplainAvailabilityRequest request =
		STOCKBOOK__V1__EXPLAIN_AVAILABILITY_REQUEST__INIT;
	request.sku = "A";
	request.location = (char *)location;
	request.channel = (char *)channel;
	return book_call(book, "StockService/ExplainAvailability", &request);
}

static void the_nearest_safety_stock_decides(void **state)
{
	struct book *book = *state;
	assert_int_equal(available_at(book, "L", "web"), 10);
	set_channel_default(book, 1);
	assert_int_equal(available_at(book, "L", "web"), 9);
	assert_int_equal(available_at(book, "L", ""), 10);
	set_location(book, "L", 2, false);
	assert_int_equal(available_at(book, "L", "web"), 8);
	set_item_default(book, 3);
	assert_int_equal(available_at(book, "L", "web"), 7);
	set_own(book, 4);
	assert_int_equal(available_at(book, "L", "web"), 6);
	set_own(book, 0); /* none is a figure too */
	assert_int_equal(available_at(book, "L", "web"), 10);
	set_own(book, COUNT_NONE);
	assert_int_equal(available_at(book, "L", "web"), 7);
}

static void safety_stock_above_what_is_there_leaves_nothing_and_no_less(void **state)
{
	struct book *book = *state;
	set_own(book, 11);
	assert_int_equal(available_at(book, "L", ""), 0);
	set_own(book, 10);
	assert_int_equal(available_at(book, "L", ""), 0);
	set_own(book, 9);
	assert_int_equal(available_at(book, "L", ""), 1);
}

static void a_disabled_location_promises_nothing(void **state)
{
	struct book *book = *state;
	set_location(book, "L", COUNT_NONE, true);
	assert_int_equal(available_at(book, "L", ""), 0);
	book_receive(book, "A", "L", 1); /* facts are still posted there */
	set_location(book, "L", COUNT_NONE, false);
	assert_int_equal(available_at(book, "L", ""), 11);
}

static void a_channel_sees_the_sum_over_its_group(void **state)
{
	struct book *book = *state;
	char *skus[] = {"A"};
	Stockbook__V1__GetAvailabilityRequest request = STOCKBOOK__V1__GET_AVAILABILITY_REQUEST__INIT;
	request.n_skus = 1;
	request.skus = skus;
	request.channel = "web";
	const Stockbook__V1__GetAvailabilityResponse *response =
		book_call(book, "StockService/GetAvailability", &request);
	assert_int_equal(response->availabilities[0]->available_to_sell, 14);
	assert_int_equal(response->availabilities[0]->n_locations, 2);
	assert_string_equal(response->availabilities[0]->locations[0]->location, "L");
	request.channel = "";
	request.location_group = "web";
	response = book_call(book, "StockService/GetAvailability", &request);
	assert_int_equal(response->availabilities[0]->available_to_sell, 14);
	request.location_group = "";
	assert_wrong_field(book_refusal(book, "StockService/GetAvailability", &request,
						   REASON(INVALID_FIELD)),
		"locations");
}

static void locations_that_never_had_the_sku_are_left_out(void **state)
{
	struct book *book = *state;
	char *skus[] = {"A", "B"};
	char *locations[] = {"N", "M", "L"};
	book_add_item(book, "B");
	Stockbook__V1__GetAvailabilityRequest request = STOCKBOOK__V1__GET_AVAILABILITY_REQUEST__INIT;
	request.n_skus = 2;
	request.skus = skus;
	request.n_locations = 3;
	request.locations = locations;
	const Stockbook__V1__GetAvailabilityResponse *response =
		book_call(book, "StockService/GetAvailability", &request);
	assert_int_equal(response->n_availabilities, 2);
	assert_int_equal(response->availabilities[0]->n_locations, 2);
	assert_string_equal(response->availabilities[0]->locations[0]->location, "M");
	assert_string_equal(response->availabilities[1]->sku, "B");
	assert_int_equal(response->availabilities[1]->n_locations, 0);
	assert_int_equal(response->availabilities[1]->available_to_sell, 0);
	locations[2] = "N";
	assert_wrong_field(book_refusal(book, "StockService/GetAvailability", &request,
						   REASON(INVALID_FIELD)),
		"locations[2]");
}

static void what_does_not_exist_is_named(void **state)
{
	struct book *book = *state;
	char *skus[] = {"A", "X"};
	Stockbook__V1__GetAvailabilityRequest request = STOCKBOOK__V1__GET_AVAILABILITY_REQUEST__INIT;
	request.n_skus = 2;
	request.skus = skus;
	request.channel = "web";
	assert_string_equal(refusal_value(book_refusal(book, "StockService/GetAvailability", &request,
										  REASON(ITEM_NOT_FOUND)),
							"field"),
		"skus[1]");
	request.n_skus = 1;
	request.channel = "nothing";
	book_refusal(book, "StockService/GetAvailability", &request, REASON(CHANNEL_NOT_FOUND));
	request.channel = "";
	request.location_group = "nothing";
	book_refusal(book, "StockService/GetAvailability", &request, REASON(LOCATION_GROUP_NOT_FOUND));
	char *nowhere = "NOWHERE";
	request.n_locations = 1;
	request.locations = &nowhere;
	book_refusal(book, "StockService/GetAvailability", &request, REASON(LOCATION_NOT_FOUND));
}

static void more_pairs_than_the_limit_are_refused(void **state)
{
	struct book *book = *state;
	enum { SKUS = 50001 };
	char **skus = arena_alloc_array(&book->arena, SKUS, sizeof(*skus));
	for (size_t i = 0; i < SKUS; i++)
		skus[i] = "A";
	Stockbook__V1__GetAvailabilityRequest request = STOCKBOOK__V1__GET_AVAILABILITY_REQUEST__INIT;
	request.n_skus = SKUS;
	request.skus = skus;
	request.channel = "web";
	assert_wrong_field(book_refusal(book, "StockService/GetAvailability", &request,
						   REASON(INVALID_FIELD)),
		"skus");
}

/* ---- Explain ---- */

/* "Salable differs from quantity and nobody can say why": each term says its figure and source. */
static void explain_shows_each_term_with_where_it_comes_from(void **state)
{
	struct book *book = *state;
	set_own(book, 3);
	const Stockbook__V1__ExplainAvailabilityResponse *answer = explain(book, "L", "web");
	assert_int_equal(answer->n_terms, 2);
	assert_string_equal(answer->terms[0]->name, "available");
	assert_int_equal(answer->terms[0]->quantity, 10);
	assert_string_equal(answer->terms[1]->name, "safety stock");
	assert_int_equal(answer->terms[1]->quantity, -3);
	assert_string_equal(answer->terms[1]->source, "sku 'A' at location 'L'");
	assert_int_equal(answer->available_to_sell, 7);
	assert_int_equal(answer->level->on_hand, 10);
	assert_int_equal(answer->n_movements, 1);
	assert_int_equal(answer->movements[0]->quantity, 10);
	assert_int_equal(answer->movements[0]->document_kind,
		STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_RECEIPT);
	assert_int_equal(strlen(answer->movements[0]->document_id), 36);
}

static void explain_names_the_default_that_decided(void **state)
{
	struct book *book = *state;
	set_channel_default(book, 1);
	assert_string_equal(explain(book, "L", "web")->terms[1]->source, "default of channel 'web'");
	set_location(book, "L", 2, false);
	assert_string_equal(explain(book, "L", "web")->terms[1]->source, "default of location 'L'");
	set_item_default(book, 3);
	assert_string_equal(explain(book, "L", "web")->terms[1]->source, "default of item 'A'");
}

static void explain_of_a_disabled_location_sums_to_nothing(void **state)
{
	struct book *book = *state;
	set_location(book, "L", 2, true);
	const Stockbook__V1__ExplainAvailabilityResponse *answer = explain(book, "L", "");
	assert_int_equal(answer->n_terms, 3);
	assert_string_equal(answer->terms[2]->name, "disabled location");
	assert_int_equal(answer->terms[2]->quantity, -8);
	assert_int_equal(answer->available_to_sell, 0);
}

static void explain_of_a_place_without_the_sku_says_nothing_is_there(void **state)
{
	struct book *book = *state;
	const Stockbook__V1__ExplainAvailabilityResponse *answer = explain(book, "N", "");
	assert_int_equal(answer->terms[0]->quantity, 0);
	assert_int_equal(answer->available_to_sell, 0);
	assert_int_equal(answer->n_movements, 0);
	assert_string_equal(answer->level->location, "N");
}

static void explain_shows_the_latest_twenty_movements_newest_first(void **state)
{
	struct book *book = *state;
	for (int i = 1; i <= 30; i++)
		book_receive(book, "A", "N", i);
	const Stockbook__V1__ExplainAvailabilityResponse *answer = explain(book, "N", "");
	assert_int_equal(answer->n_movements, 20);
	for (int i = 0; i < 20; i++)
		assert_int_equal(answer->movements[i]->quantity, 30 - i);
}

/* ---- Sourcing ---- */

/* "Splitting allocates 10+13 for 13": each source takes what is left, for any figures. */
static void shares_and_remainder_always_sum_to_the_quantity(void **state)
{
	(void)state;
	uint64_t random = 7;
	for (int round = 0; round < 20000; round++) {
		int64_t available[6];
		int64_t shares[6];
		int64_t total = 0;
		for (size_t i = 0; i < ARRAY_COUNT(available); i++) {
			random = random * UINT64_C(6364136223846793005) + 1442695040888963407U;
			available[i] = (int64_t)(random >> 60) - 4;
			total += available[i] > 0 ? available[i] : 0;
		}
		int64_t quantity = 1 + (int64_t)((random >> 50) % 40);
		int64_t left = source_split(available, 6, quantity, round % 2 == 0, shares);
		int64_t sum = left;
		for (size_t i = 0; i < ARRAY_COUNT(shares); i++) {
			assert_true(shares[i] >= 0);
			assert_true(shares[i] <= (available[i] > 0 ? available[i] : 0));
			sum += shares[i];
		}
		assert_int_equal(sum, quantity);
		assert_int_equal(left, quantity > total ? quantity - total : 0);
	}
}

static void sources_are_taken_from_in_their_order(void **state)
{
	(void)state;
	const int64_t available[] = {3, -2, 13, 10};
	int64_t shares[4];
	assert_int_equal(source_split(available, 4, 13, false, shares), 0);
	assert_int_equal(shares[0], 3);
	assert_int_equal(shares[1], 0);
	assert_int_equal(shares[2], 10);
	assert_int_equal(shares[3], 0);
}

static void one_source_that_has_everything_is_preferred_to_a_split_when_asked(void **state)
{
	(void)state;
	const int64_t available[] = {3, 13, 20};
	int64_t shares[3];
	assert_int_equal(source_split(available, 3, 13, true, shares), 0);
	assert_int_equal(shares[0], 0);
	assert_int_equal(shares[1], 13);
	assert_int_equal(source_split(available, 3, 30, true, shares), 0);
	assert_int_equal(shares[0], 3);
	assert_int_equal(shares[2], 14);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, book_teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_nearest_safety_stock_decides),
		TEST(safety_stock_above_what_is_there_leaves_nothing_and_no_less),
		TEST(a_disabled_location_promises_nothing),
		TEST(a_channel_sees_the_sum_over_its_group),
		TEST(locations_that_never_had_the_sku_are_left_out),
		TEST(what_does_not_exist_is_named),
		TEST(more_pairs_than_the_limit_are_refused),
		TEST(explain_shows_each_term_with_where_it_comes_from),
		TEST(explain_names_the_default_that_decided),
		TEST(explain_of_a_disabled_location_sums_to_nothing),
		TEST(explain_of_a_place_without_the_sku_says_nothing_is_there),
		TEST(explain_shows_the_latest_twenty_movements_newest_first),
		cmocka_unit_test(shares_and_remainder_always_sum_to_the_quantity),
		cmocka_unit_test(sources_are_taken_from_in_their_order),
		cmocka_unit_test(one_source_that_has_everything_is_preferred_to_a_split_when_asked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
