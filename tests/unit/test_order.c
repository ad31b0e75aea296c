/* Orders: placing them, and what may and may not be placed. Their steps: test_order_step.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/promise_fixture.h"

#define STATUS(name) STOCKBOOK__V1__ORDER_STATUS__ORDER_STATUS_##name
#define METHOD(name) STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_##name
#define STATE(name) STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_##name
#define MOVED_BY(name) STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_##name

static const char place_name[] = "OrderService/PlaceOrder";
static const char list_name[] = "OrderService/ListOrders";

static void placing_allocates_every_line(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 5);
	book_receive(book, "S2", "YORK", 5);
	const Stockbook__V1__Order *order = place(book, "S1*3@LEEDS:250 S2*1:100");
	assert_int_equal(order->status, STATUS(OPEN));
	assert_line(order, 1, "0 3 0 0 0 0");
	assert_line(order, 2, "0 1 0 0 0 0");
	assert_int_equal(order->lines[0]->method, METHOD(SHIP));
	assert_int_equal(order->total->minor_units, 850);
	assert_string_equal(order->reference, "A-1");
	assert_stock(book, "S1", "LEEDS", "2 0 3 0 0 0");
	assert_stock(book, "S2", "YORK", "4 0 1 0 0 0");
	const Stockbook__V1__Order *same = get_order(book, order->id);
	assert_int_equal(same->total->minor_units, 850);
	assert_line(same, 1, "0 3 0 0 0 0");
}

static void all_or_nothing_unless_partial_is_allowed(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 5);
	Stockbook__V1__PlaceOrderRequest *request = place_request(book, "S1*3@LEEDS S1*3 S2*1");
	const struct refusal *refusal = book_refusal(book, place_name, request, REASON(OUT_OF_STOCK));
	assert_string_equal(refusal_value(refusal, "lines[1].available"), "2");
	assert_string_equal(refusal_value(refusal, "lines[2].available"), "0");
	assert_stock(book, "S1", "LEEDS", "5 0 0 0 0 0");
	request->allow_partial = true;
	const Stockbook__V1__PlaceOrderResponse *response = book_call(book, place_name, request);
	assert_line(response->order, 1, "0 3 0 0 0 0");
	assert_line(response->order, 2, "1 2 0 0 0 0");
	assert_line(response->order, 3, "1 0 0 0 0 0");
	assert_int_equal(response->order->status, STATUS(OPEN));
}

/* With allow_partial an order may wait for all of its goods. */
static void an_order_may_wait_for_its_goods(void **state)
{
	struct book *book = *state;
	Stockbook__V1__PlaceOrderRequest *request = place_request(book, "S1*3");
	request->allow_partial = true;
	const Stockbook__V1__PlaceOrderResponse *response = book_call(book, place_name, request);
	assert_line(response->order, 1, "3 0 0 0 0 0");
	assert_int_equal(response->order->status, STATUS(OPEN));
}

static void an_order_shipped_as_it_is_placed_moves_each_line_once(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	book_receive(book, "S1", "YORK", 2);
	size_t before = book_movements(book);
	Stockbook__V1__PlaceOrderRequest *request = place_request(book, "S1*3:100");
	request->fulfil = true;
	const Stockbook__V1__PlaceOrderResponse *response = book_call(book, place_name, request);
	assert_int_equal(response->order->status, STATUS(FULFILLED));
	assert_line(response->order, 1, "0 0 0 3 0 0");
	assert_int_equal(book_movements(book), before + 2);
	const struct movement_row *last = movement_back(book, 0);
	assert_int_equal(last->from_state, STATE(AVAILABLE));
	assert_int_equal(last->to_state, STATE(CUSTOMER));
	assert_int_equal(last->reason, MOVED_BY(SHIP));
	request->allow_partial = true;
	response = book_call(book, place_name, request);
	assert_int_equal(response->order->status, STATUS(PARTIALLY_FULFILLED));
	assert_line(response->order, 1, "2 0 0 1 0 0");
}

/* ---- Till sales ---- */

static void a_till_sale_is_posted_at_once(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 5);
	const Stockbook__V1__Order *order = place(book, "!S1*2@LEEDS:300");
	assert_int_equal(order->status, STATUS(FULFILLED));
	assert_line(order, 1, "0 0 0 2 0 0");
	assert_stock(book, "S1", "LEEDS", "3 0 0 0 0 0");
	assert_int_equal(movement_back(book, 0)->reason, MOVED_BY(SALE));
}

static void a_till_sale_of_what_the_book_did_not_have_finds_it_first(void **state)
{
	struct book *book = *state;
	size_t before = book_movements(book);
	place(book, "!S1*2@LEEDS"); /* the book never saw it */
	assert_int_equal(book_movements(book), before + 2);
	assert_int_equal(movement_back(book, 1)->reason, MOVED_BY(FOUND));
	assert_int_equal(movement_back(book, 1)->quantity, 2);
	assert_stock(book, "S1", "LEEDS", "0 0 0 0 0 0");
	book_receive(book, "S1", "LEEDS", 1);
	place(book, "!S1*1@LEEDS !S1*2@LEEDS"); /* lines of one SKU add up */
	assert_stock(book, "S1", "LEEDS", "0 0 0 0 0 0");
}

static void a_till_sale_may_take_what_was_promised_and_shows_the_shortage(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	place(book, "S1*2@LEEDS");
	place(book, "!S1*2@LEEDS");
	assert_stock(book, "S1", "LEEDS", "-1 0 2 0 0 0");
	assert_true(book_stock(book, "S1", "LEEDS").in_shortage);
	place(book, "!S1*3@LEEDS"); /* one is there, whosever it is: two are found */
	assert_stock(book, "S1", "LEEDS", "-2 0 2 0 0 0");
}

/* What is damaged is not sold: the customer has another one, which the book did not know. */
static void a_till_sale_does_not_sell_what_is_damaged(void **state)
{
	struct book *book = *state;
	take_back(book, "LEEDS", "", "S1*2d");
	assert_stock(book, "S1", "LEEDS", "0 0 0 0 2 0");
	place(book, "!S1*1@LEEDS");
	assert_stock(book, "S1", "LEEDS", "0 0 0 0 2 0");
	assert_int_equal(movement_back(book, 1)->reason, MOVED_BY(FOUND));
}

static void a_till_sale_is_not_bound_by_safety_stock_or_a_disabled_location(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 5);
	set_safety(book, "S1", "LEEDS", 5);
	place(book, "!S1*5@LEEDS");
	assert_stock(book, "S1", "LEEDS", "0 0 0 0 0 0");
}

/* Endless aisle: what the store lacks is sent from the web's stock, in one order. */
static void one_order_may_mix_methods_and_locations(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "HULL", 1);
	book_receive(book, "S1", "YORK", 4);
	const Stockbook__V1__Order *order = place(book, "!S1*1@HULL:500 S1*2:500");
	assert_int_equal(order->status, STATUS(PARTIALLY_FULFILLED));
	assert_line(order, 1, "0 0 0 1 0 0");
	assert_line(order, 2, "0 2 0 0 0 0");
	assert_string_equal(order->lines[1]->allocations[0]->location, "YORK");
}

static void what_the_customer_carries_out_is_not_promised_in_the_same_order(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	const struct refusal *refusal = book_refusal(book, place_name,
		place_request(book, "S1*2@LEEDS !S1*2@LEEDS"), REASON(OUT_OF_STOCK));
	assert_string_equal(refusal_value(refusal, "lines[0].available"), "1");
	place(book, "S1*1@LEEDS !S1*2@LEEDS");
	assert_stock(book, "S1", "LEEDS", "0 0 1 0 0 0");
}

/* ---- What may not be placed ---- */

static void wrong_lines_are_refused_by_field(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	assert_wrong_field(book_refusal(book, place_name, place_request(book, ""),
						   REASON(INVALID_FIELD)),
		"lines");
	assert_wrong_field(book_refusal(book, place_name, place_request(book, "!S1*1"),
						   REASON(INVALID_FIELD)),
		"lines[0].location");
	assert_wrong_field(book_refusal(book, place_name, place_request(book, "S1*1 S1*1000000000001"),
						   REASON(INVALID_FIELD)),
		"lines[1].quantity");
	Stockbook__V1__PlaceOrderRequest *request = place_request(book, "S1*1");
	request->lines[0]->method = 77;
	assert_wrong_field(book_refusal(book, place_name, request, REASON(INVALID_FIELD)),
		"lines[0].method");
	request = place_request(book, "S1*1");
	request->lines[0]->unit_price = money(book, -1, "GBP");
	assert_wrong_field(book_refusal(book, place_name, request, REASON(INVALID_FIELD)),
		"lines[0].unit_price");
	request->lines[0]->unit_price = money(book, 1, "gbp");
	assert_wrong_field(book_refusal(book, place_name, request, REASON(INVALID_FIELD)),
		"lines[0].unit_price");
	request = place_request(book, "S1*1");
	request->channel = "fax";
	book_refusal(book, place_name, request, REASON(CHANNEL_NOT_FOUND));
}

static void amounts_in_two_currencies_are_refused(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	Stockbook__V1__PlaceOrderRequest *request = place_request(book, "S1*1:5 S1*1 S1*1:5");
	request->lines[2]->unit_price = money(book, 5, "EUR");
	const struct refusal *refusal =
		book_refusal(book, place_name, request, REASON(CURRENCY_MISMATCH));
	assert_string_equal(refusal_value(refusal, "field"), "lines[2].unit_price");
}

static void a_total_beyond_bounds_is_refused(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	Stockbook__V1__PlaceOrderRequest *request = place_request(book, "S1*2:1");
	request->lines[0]->unit_price->minor_units = INT64_MAX;
	book_refusal(book, place_name, request, REASON(QUANTITY_OVERFLOW));
	request = place_request(book, "S1*1:1 S1*1:1");
	request->lines[0]->unit_price->minor_units = INT64_MAX;
	book_refusal(book, place_name, request, REASON(QUANTITY_OVERFLOW));
	request->lines[1]->unit_price->minor_units = 0;
	const Stockbook__V1__PlaceOrderResponse *response = book_call(book, place_name, request);
	assert_true(response->order->total->minor_units == INT64_MAX);
}

static void a_stores_token_sells_at_its_locations_only(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	book_receive(book, "S1", "YORK", 3);
	const char *elsewhere = place(book, "S1*1@LEEDS")->id;
	static const char *const own[] = {"YORK"};
	book->actor.role = 3;
	book->actor.bound = true;
	book->actor.locations = (struct text_list){own, 1};
	book_refusal(book, place_name, place_request(book, "!S1*1@LEEDS"),
		REASON(LOCATION_NOT_ALLOWED));
	place(book, "!S1*1@YORK");
	uint64_t before = book_digest(book);
	static const char *const steps[] = {
		"OrderService/DeallocateOrder", "OrderService/PickOrder", "OrderService/CancelOrderLines"};
	for (size_t i = 0; i < ARRAY_COUNT(steps); i++)
		book_refusal(book, steps[i], step_request(book, steps[i], elsewhere, ""),
			REASON(LOCATION_NOT_ALLOWED));
	assert_true(book_digest(book) == before);
}

static void the_same_request_acts_once(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	Stockbook__V1__PlaceOrderRequest *request = place_request(book, "S1*1@LEEDS");
	request->request_id = "0190b8a0-0000-7001-8000-000000000001";
	const Stockbook__V1__PlaceOrderResponse *first = book_call(book, place_name, request);
	const Stockbook__V1__PlaceOrderResponse *second = book_call(book, place_name, request);
	assert_string_equal(first->order->id, second->order->id);
	assert_stock(book, "S1", "LEEDS", "2 0 1 0 0 0");
	request->allow_partial = true;
	book_refusal(book, place_name, request, REASON(REQUEST_ID_REUSED));
}

/* ---- Lists ---- */

static void orders_are_listed_by_customer_or_reference_oldest_first(void **state)
{
	struct book *book = *state;
	char *ids[5];
	for (size_t i = 0; i < ARRAY_COUNT(ids); i++) {
		Stockbook__V1__PlaceOrderRequest *request =
			place_request(book, i % 2 ? "!S1*1@HULL !S2*1@HULL" : "!S1*1@LEEDS");
		request->reference = i == 3 ? "B-2" : "A-1";
		const Stockbook__V1__PlaceOrderResponse *response = book_call(book, place_name, request);
		ids[i] = response->order->id;
	}
	Stockbook__V1__ListOrdersRequest list = STOCKBOOK__V1__LIST_ORDERS_REQUEST__INIT;
	list.customer = "ann";
	list.page_size = 2;
	size_t seen = 0;
	do {
		const Stockbook__V1__ListOrdersResponse *page = book_call(book, list_name, &list);
		for (size_t i = 0; i < page->n_orders; i++) {
			assert_string_equal(page->orders[i]->id, ids[seen]);
			assert_int_equal(page->orders[i]->n_lines, 1 + seen % 2);
			seen++;
		}
		list.page_token = page->next_page_token;
	} while (list.page_token[0]);
	assert_int_equal(seen, 5);
	list.customer = "";
	list.reference = "B-2";
	list.page_size = 0;
	const Stockbook__V1__ListOrdersResponse *page = book_call(book, list_name, &list);
	assert_int_equal(page->n_orders, 1);
	assert_string_equal(page->orders[0]->id, ids[3]);
	list.customer = "ann";
	assert_wrong_field(book_refusal(book, list_name, &list, REASON(INVALID_FIELD)), "customer");
	Stockbook__V1__GetOrderRequest get = STOCKBOOK__V1__GET_ORDER_REQUEST__INIT;
	get.order_id = "0190b8a0-0000-7001-8000-000000000000";
	book_refusal(book, "OrderService/GetOrder", &get, REASON(ORDER_NOT_FOUND));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, trade_setup, book_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(placing_allocates_every_line),
		TEST(all_or_nothing_unless_partial_is_allowed),
		TEST(an_order_may_wait_for_its_goods),
		TEST(an_order_shipped_as_it_is_placed_moves_each_line_once),
		TEST(a_till_sale_is_posted_at_once),
		TEST(a_till_sale_of_what_the_book_did_not_have_finds_it_first),
		TEST(a_till_sale_may_take_what_was_promised_and_shows_the_shortage),
		TEST(a_till_sale_does_not_sell_what_is_damaged),
		TEST(a_till_sale_is_not_bound_by_safety_stock_or_a_disabled_location),
		TEST(one_order_may_mix_methods_and_locations),
		TEST(what_the_customer_carries_out_is_not_promised_in_the_same_order),
		TEST(wrong_lines_are_refused_by_field),
		TEST(amounts_in_two_currencies_are_refused),
		TEST(a_total_beyond_bounds_is_refused),
		TEST(a_stores_token_sells_at_its_locations_only),
		TEST(the_same_request_acts_once),
		TEST(orders_are_listed_by_customer_or_reference_oldest_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
