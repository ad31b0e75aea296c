/* Quotas: units that are kept for one channel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/promise_fixture.h"

#include "google/protobuf/wrappers.pb-c.h"
#include "stockbook/v1/channel.pb-c.h"
#include "stockbook/v1/stock.pb-c.h"

static const char quota_name[] = "StockService/SetQuota";
static const char reserve_name[] = "ReservationService/Reserve";

static Stockbook__V1__SetQuotaRequest *quota_request(struct book *book, const char *sku,
	const char *channel, int64_t quantity)
{
	Stockbook__V1__SetQuotaRequest *request = arena_alloc(&book->arena, sizeof(*request));
	stockbook__v1__set_quota_request__init(request);
	Stockbook__V1__QuotaLine *line = arena_alloc(&book->arena, sizeof(*line));
	stockbook__v1__quota_line__init(line);
	line->sku = arena_string(&book->arena, sku);
	if (quantity >= 0) {
		line->quantity = arena_alloc(&book->arena, sizeof(*line->quantity));
		google__protobuf__int64_value__init(line->quantity);
		line->quantity->value = quantity;
	}
	request->location = "LEEDS";
	request->channel = arena_string(&book->arena, channel);
	request->lines = arena_alloc_array(&book->arena, 1, sizeof(void *));
	request->lines[0] = line;
	request->n_lines = 1;
	return request;
}

/* Below 0: none. */
static const Stockbook__V1__SetQuotaResponse *set_quota(struct book *book, const char *channel,
	int64_t quantity)
{
	return book_call(book, quota_name, quota_request(book, "S1", channel, quantity));
}

static int quota_setup(void **state)
{
	trade_setup(state);
	struct book *book = *state;
	static const char *const shop[] = {"LEEDS"};
	book_add_channel(book, "till", shop, 1);
	book_receive(book, "S1", "LEEDS", 10);
	return 0;
}

static const Stockbook__V1__ExplainAvailabilityResponse *explain(struct book *book,
	const char *channel)
{
	Stockbook__V1__ExplainAvailabilityRequest request =
		STOCKBOOK__V1__EXPLAIN_AVAILABILITY_REQUEST__INIT;
	request.sku = "S1";
	request.location = "LEEDS";
	request.channel = (char *)channel;
	return book_call(book, "StockService/ExplainAvailability", &request);
}

static void expect_available(struct book *book, const char *channel, int64_t expected)
{
	const Stockbook__V1__ExplainAvailabilityResponse *response = explain(book, channel);
	assert_int_equal(response->available_to_sell, expected);
	int64_t sum = 0;
	for (size_t i = 0; i < response->n_terms; i++)
		sum += response->terms[i]->quantity;
	assert_int_equal(sum > 0 ? sum : 0, expected);
}

static Stockbook__V1__ReserveRequest *through(struct book *book, const char *channel,
	const char *lines)
{
	Stockbook__V1__ReserveRequest *request = reserve_request(book, lines);
	request->channel = arena_string(&book->arena, channel);
	return request;
}

static const char *hold(struct book *book, const char *channel, const char *lines)
{
	const Stockbook__V1__ReserveResponse *response =
		book_call(book, reserve_name, through(book, channel, lines));
	return response->reservation->id;
}

/* The stored row of the channel's quota on S1. */
static const struct quota_row *quota_of(struct book *book, const char *channel)
{
	size_t count;
	const void *const *rows = memory_store_rows(book->store, TABLE(quota), &count);
	for (size_t i = 0; i < count; i++) {
		const struct quota_row *row = rows[i];
		if (strcmp(row->channel, channel) == 0 && strcmp(row->sku, "S1") == 0)
			return row;
	}
	fail_msg("channel '%s' has no quota", channel);
	return NULL;
}

static void what_is_left_of_a_quota_is_kept_from_other_channels(void **state)
{
	struct book *book = *state;
	const Stockbook__V1__SetQuotaResponse *response = set_quota(book, "till", 7);
	assert_int_equal(response->quotas[0]->left, 7);
	expect_available(book, "web", 3);
	expect_available(book, "", 3);
	expect_available(book, "till", 10);
	const struct refusal *refusal =
		book_refusal(book, reserve_name, through(book, "web", "S1*4"), REASON(OUT_OF_STOCK));
	assert_string_equal(refusal_value(refusal, "lines[0].available"), "3");
	hold(book, "web", "S1*3");
	hold(book, "till", "S1*7@LEEDS");
	assert_stock(book, "S1", "LEEDS", "0 10 0 0 0 0");
}

static void explain_names_the_quota(void **state)
{
	struct book *book = *state;
	set_quota(book, "till", 7);
	const Stockbook__V1__ExplainAvailabilityResponse *response = explain(book, "web");
	assert_int_equal(response->n_terms, 2);
	assert_string_equal(response->terms[1]->name, "quota");
	assert_int_equal(response->terms[1]->quantity, -7);
	assert_string_equal(response->terms[1]->source, "channel 'till': 0 of 7 used");
}

static void quotas_of_many_channels_add_up(void **state)
{
	struct book *book = *state;
	static const char *const shop[] = {"LEEDS"};
	book_add_channel(book, "phone", shop, 1);
	set_quota(book, "till", 2);
	set_quota(book, "phone", 3);
	expect_available(book, "web", 5);
	expect_available(book, "till", 7);
	expect_available(book, "phone", 8);
}

static void a_promise_uses_the_channels_own_quota_and_giving_it_back_restores_it(void **state)
{
	struct book *book = *state;
	set_quota(book, "web", 4);
	const char *held = hold(book, "web", "S1*3");
	assert_int_equal(quota_of(book, "web")->used, 3);
	expect_available(book, "till", 6);
	Stockbook__V1__ReleaseReservationRequest release =
		STOCKBOOK__V1__RELEASE_RESERVATION_REQUEST__INIT;
	release.reservation_id = (char *)held;
	book_call(book, "ReservationService/ReleaseReservation", &release);
	assert_int_equal(quota_of(book, "web")->used, 0);
	expect_available(book, "till", 6);
	expect_available(book, "web", 10);
}

static void an_order_uses_the_quota_once_on_whatever_way_it_goes(void **state)
{
	struct book *book = *state;
	set_quota(book, "web", 8);
	const Stockbook__V1__Order *order = place(book, "S1*2");
	assert_int_equal(quota_of(book, "web")->used, 2);
	order_do(book, "OrderService/PickOrder", order->id, "");
	order_do(book, "OrderService/ShipOrder", order->id, "");
	assert_int_equal(quota_of(book, "web")->used, 2);
	order = place(book, "S1*2");
	order_do(book, "OrderService/CancelOrderLines", order->id, "");
	assert_int_equal(quota_of(book, "web")->used, 2);
	/* A hold that is confirmed was counted when it was made. */
	book_call(book, "ReservationService/ConfirmReservation",
		confirm_request(book, hold(book, "web", "S1*1")));
	assert_int_equal(quota_of(book, "web")->used, 3);
	/* A till's sale is counted on the till's, which has none. */
	Stockbook__V1__PlaceOrderRequest *sale = place_request(book, "!S1*1@LEEDS");
	sale->channel = "till";
	book_call(book, "OrderService/PlaceOrder", sale);
	assert_int_equal(quota_of(book, "web")->used, 3);
}

static void an_expired_hold_gives_its_quota_back_to_whoever_asks_next(void **state)
{
	struct book *book = *state;
	set_quota(book, "web", 5);
	hold(book, "web", "S1*5");
	book->now_us += 100000 * SECOND_US;
	book_refusal(book, reserve_name, through(book, "till", "S1*6@LEEDS"), REASON(OUT_OF_STOCK));
	hold(book, "till", "S1*5@LEEDS");
	hold(book, "web", "S1*5");
	assert_int_equal(quota_of(book, "web")->used, 5);
}

static void a_quota_is_never_more_than_was_set(void **state)
{
	struct book *book = *state;
	const char *before = hold(book, "web", "S1*4");
	set_quota(book, "web", 2);
	Stockbook__V1__ReleaseReservationRequest release =
		STOCKBOOK__V1__RELEASE_RESERVATION_REQUEST__INIT;
	release.reservation_id = (char *)before;
	book_call(book, "ReservationService/ReleaseReservation", &release);
	assert_int_equal(quota_of(book, "web")->used, -4);
	expect_available(book, "till", 8);
}

static void setting_a_quota_again_counts_anew_and_without_a_quantity_it_is_over(void **state)
{
	struct book *book = *state;
	set_quota(book, "web", 4);
	hold(book, "web", "S1*3");
	const Stockbook__V1__SetQuotaResponse *response = set_quota(book, "web", 4);
	assert_int_equal(response->quotas[0]->used, 0);
	expect_available(book, "till", 3);
	response = set_quota(book, "web", -1);
	assert_int_equal(response->n_quotas, 0);
	expect_available(book, "till", 7);
	set_quota(book, "web", 6);
	expect_available(book, "till", 1);
}

static void a_quota_can_be_set_before_the_first_unit_comes_in(void **state)
{
	struct book *book = *state;
	book_call(book, quota_name, quota_request(book, "S2", "till", 3));
	book_receive(book, "S2", "LEEDS", 4);
	book_refusal(book, reserve_name, through(book, "web", "S2*2"), REASON(OUT_OF_STOCK));
	hold(book, "web", "S2*1");
}

static void a_quota_names_what_exists(void **state)
{
	struct book *book = *state;
	book_refusal(book, quota_name, quota_request(book, "S1", "fax", 1), REASON(CHANNEL_NOT_FOUND));
	book_refusal(book, quota_name, quota_request(book, "NONE", "web", 1), REASON(ITEM_NOT_FOUND));
	Stockbook__V1__SetQuotaRequest *request = quota_request(book, "S1", "web", 1);
	request->location = "MOON";
	book_refusal(book, quota_name, request, REASON(LOCATION_NOT_FOUND));
	request = quota_request(book, "S1", "web", QUANTITY_MAX + 1);
	assert_wrong_field(book_refusal(book, quota_name, request, REASON(INVALID_FIELD)),
		"lines[0].quantity");
}

/* saleor#9970: the store keeps what its till sells. */
static void web_orders_do_not_drain_a_franchise_store(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "YORK", 100);
	set_quota(book, "till", 10);
	const Stockbook__V1__Order *order = place(book, "S1*50");
	assert_string_equal(order->lines[0]->allocations[0]->location, "YORK");
	assert_int_equal(order->lines[0]->n_allocations, 1);
	assert_stock(book, "S1", "LEEDS", "10 0 0 0 0 0");
}

/* What one channel held and another sells is no longer the first one's. */
static void a_hold_that_another_channel_confirms_uses_its_quota(void **state)
{
	struct book *book = *state;
	set_quota(book, "web", 5);
	set_quota(book, "till", 4);
	const char *id = reserve(book, "S1*3@LEEDS")->id;
	assert_int_equal(quota_of(book, "web")->used, 3);
	Stockbook__V1__ConfirmReservationRequest *request = confirm_request(book, id);
	request->channel = "till";
	const Stockbook__V1__ConfirmReservationResponse *response =
		book_call(book, "ReservationService/ConfirmReservation", request);
	assert_int_equal(quota_of(book, "web")->used, 0);
	assert_int_equal(quota_of(book, "till")->used, 3);
	order_do(book, "OrderService/CancelOrderLines", response->order->id, "");
	assert_int_equal(quota_of(book, "till")->used, 0);
	assert_stock(book, "S1", "LEEDS", "10 0 0 0 0 0");
}

static void a_hold_that_another_channel_goes_on_with_uses_its_quota(void **state)
{
	struct book *book = *state;
	set_quota(book, "web", 5);
	set_quota(book, "till", 4);
	const char *id = reserve(book, "S1*3@LEEDS")->id;
	Stockbook__V1__ReplaceReservationRequest *request = replace_request(book, id, "S1*2@LEEDS");
	request->channel = "till";
	book_call(book, "ReservationService/ReplaceReservation", request);
	assert_int_equal(quota_of(book, "web")->used, 0);
	assert_int_equal(quota_of(book, "till")->used, 2);
	assert_stock(book, "S1", "LEEDS", "8 2 0 0 0 0");
}

/* Also where a transfer was to bring them. */
static void what_an_order_cancels_is_its_channels_again(void **state)
{
	struct book *book = *state;
	set_quota(book, "web", 5);
	Stockbook__V1__PlaceOrderRequest *request = place_request(book, "S1*3@LEEDS S1*1@LEEDS");
	request->lines[0]->method = STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_SHIP_TO_STORE;
	request->lines[0]->pickup_location = "YORK";
	request->lines[1]->method = STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_PICKUP;
	const Stockbook__V1__PlaceOrderResponse *response =
		book_call(book, "OrderService/PlaceOrder", request);
	assert_int_equal(quota_of(book, "web")->used, 4);
	order_do(book, "OrderService/CancelOrderLines", response->order->id, "");
	assert_int_equal(quota_of(book, "web")->used, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, quota_setup, book_teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_is_left_of_a_quota_is_kept_from_other_channels),
		TEST(explain_names_the_quota),
		TEST(quotas_of_many_channels_add_up),
		TEST(a_promise_uses_the_channels_own_quota_and_giving_it_back_restores_it),
		TEST(an_order_uses_the_quota_once_on_whatever_way_it_goes),
		TEST(a_hold_that_another_channel_confirms_uses_its_quota),
		TEST(a_hold_that_another_channel_goes_on_with_uses_its_quota),
		TEST(what_an_order_cancels_is_its_channels_again),
		TEST(an_expired_hold_gives_its_quota_back_to_whoever_asks_next),
		TEST(a_quota_is_never_more_than_was_set),
		TEST(setting_a_quota_again_counts_anew_and_without_a_quantity_it_is_over),
		TEST(a_quota_can_be_set_before_the_first_unit_comes_in),
		TEST(a_quota_names_what_exists),
		TEST(web_orders_do_not_drain_a_franchise_store),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
