/* Orders that change after they were placed: amended, and what their history tells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/promise_fixture.h"

#define METHOD(name) STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_##name
#define KIND(name) STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_##name
#define ORDER(name) STOCKBOOK__V1__ORDER_STATUS__ORDER_STATUS_##name
#define PICKUP(name) STOCKBOOK__V1__PICKUP_STATUS__PICKUP_STATUS_##name
#define STAYS (-1)

static const char amend_name[] = "OrderService/AmendOrder";

/* ---- Requests ---- */

static Stockbook__V1__AmendOrderRequest *amend_request(struct book *book, const char *id)
{
	Stockbook__V1__AmendOrderRequest *request = arena_alloc(&book->arena, sizeof(*request));
	stockbook__v1__amend_order_request__init(request);
	request->order_id = arena_string(&book->arena, id);
	return request;
}

static void amend_line(struct book *book, Stockbook__V1__AmendOrderRequest *request, int32_t line,
	int64_t quantity, int64_t price)
{
	if (!request->lines)
		request->lines = arena_alloc_array(&book->arena, 8, sizeof(void *));
	Stockbook__V1__AmendOrderLine *amended = arena_alloc(&book->arena, sizeof(*amended));
	stockbook__v1__amend_order_line__init(amended);
	amended->line = line;
	if (quantity != STAYS) {
		amended->quantity = arena_alloc(&book->arena, sizeof(*amended->quantity));
		google__protobuf__int64_value__init(amended->quantity);
		amended->quantity->value = quantity;
	}
	if (price != STAYS)
		amended->unit_price = money(book, price, "GBP");
	request->lines[request->n_lines++] = amended;
}

static void add_lines(struct book *book, Stockbook__V1__AmendOrderRequest *request,
	const char *lines)
{
	const Stockbook__V1__PlaceOrderRequest *placed = place_request(book, lines);
	request->add = placed->lines;
	request->n_add = placed->n_lines;
}

static const Stockbook__V1__AmendOrderResponse *amend(struct book *book, const char *id,
	int32_t line, int64_t quantity, int64_t price)
{
	Stockbook__V1__AmendOrderRequest *request = amend_request(book, id);
	amend_line(book, request, line, quantity, price);
	return book_call(book, amend_name, request);
}

static const Stockbook__V1__PlaceOrderResponse *place_pickup(struct book *book, const char *lines)
{
	Stockbook__V1__PlaceOrderRequest *request = place_request(book, lines);
	for (size_t i = 0; i < request->n_lines; i++)
		request->lines[i]->method = METHOD(PICKUP);
	return book_call(book, "OrderService/PlaceOrder", request);
}

/* ---- Amending ---- */

static void more_is_promised_and_less_is_free_again(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 5);
	const char *id = place(book, "S1*2:100")->id;
	const Stockbook__V1__Order *order = amend(book, id, 1, 4, STAYS)->order;
	assert_line(order, 1, "0 4 0 0 0 0");
	assert_int_equal(order->total->minor_units, 400);
	assert_stock(book, "S1", "LEEDS", "1 0 4 0 0 0");
	order = amend(book, id, 1, 1, STAYS)->order;
	assert_line(order, 1, "0 1 0 0 3 0");
	assert_int_equal(order->total->minor_units, 100);
	assert_stock(book, "S1", "LEEDS", "4 0 1 0 0 0");
	/* In all, ordered less cancelled. */
	order = amend(book, id, 1, 2, STAYS)->order;
	assert_line(order, 1, "0 2 0 0 3 0");
	assert_int_equal(order->lines[0]->ordered, 5);
}

static void more_than_there_is_changes_nothing(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	const char *id = place(book, "S1*2 S1*1")->id;
	Stockbook__V1__AmendOrderRequest *request = amend_request(book, id);
	amend_line(book, request, 2, 0, STAYS);
	amend_line(book, request, 1, 5, STAYS);
	uint64_t before = book_digest(book);
	const struct refusal *refusal = book_refusal(book, amend_name, request, REASON(OUT_OF_STOCK));
	assert_string_equal(refusal_value(refusal, "lines[1].requested"), "3");
	assert_true(book_digest(book) == before);
	request->allow_partial = true;
	const Stockbook__V1__AmendOrderResponse *response = book_call(book, amend_name, request);
	assert_line(response->order, 1, "3 2 0 0 0 0");
	assert_line(response->order, 2, "0 0 0 0 1 0");
}

static void no_less_than_what_left(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	const char *id = place(book, "S1*3:100")->id;
	order_do(book, "OrderService/PickOrder", id, "1*2");
	order_do(book, "OrderService/ShipOrder", id, "1*2");
	Stockbook__V1__AmendOrderRequest *request = amend_request(book, id);
	amend_line(book, request, 1, 1, STAYS);
	book_refusal(book, amend_name, request, REASON(LINE_QUANTITY_EXCEEDED));
	/* Nor at another price. */
	request = amend_request(book, id);
	amend_line(book, request, 1, STAYS, 90);
	book_refusal(book, amend_name, request, REASON(IN_USE));
	const Stockbook__V1__Order *order = amend(book, id, 1, 2, 100)->order;
	assert_int_equal(order->status, ORDER(FULFILLED));
	/* It is over. */
	request = amend_request(book, id);
	amend_line(book, request, 1, 3, STAYS);
	book_refusal(book, amend_name, request, REASON(WRONG_STATUS));
}

static void prices_change_and_lines_are_added(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	book_receive(book, "S2", "YORK", 3);
	const char *id = place(book, "S1*2:100")->id;
	Stockbook__V1__AmendOrderRequest *request = amend_request(book, id);
	amend_line(book, request, 1, STAYS, 150);
	add_lines(book, request, "S2*1:50 !S1*1@LEEDS:70");
	request->note = "she wants the blue one, too";
	const Stockbook__V1__AmendOrderResponse *response = book_call(book, amend_name, request);
	assert_int_equal(response->order->n_lines, 3);
	assert_line(response->order, 2, "0 1 0 0 0 0");
	assert_line(response->order, 3, "0 0 0 1 0 0");
	assert_int_equal(response->order->total->minor_units, 420);
	assert_int_equal(response->order->status, ORDER(PARTIALLY_FULFILLED));
	const Stockbook__V1__Order *order = get_order(book, id);
	assert_int_equal(order->n_lines, 3);
	/* Lines that are there are added to again. */
	assert_int_equal(amend(book, id, 2, 2, STAYS)->order->lines[1]->allocated, 2);
	request = amend_request(book, id);
	amend_line(book, request, 1, 1, STAYS);
	amend_line(book, request, 1, 2, STAYS);
	assert_wrong_field(book_refusal(book, amend_name, request, REASON(INVALID_FIELD)),
		"lines[1].line");
}

/* Errors count new lines on after those that are amended. */
static void what_is_wrong_with_a_new_line_is_told_behind_the_others(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	const char *id = place(book, "S1*2")->id;
	Stockbook__V1__AmendOrderRequest *request = amend_request(book, id);
	amend_line(book, request, 1, 1, STAYS);
	add_lines(book, request, "S3*1 S2*7");
	const struct refusal *refusal = book_refusal(book, amend_name, request, REASON(OUT_OF_STOCK));
	assert_string_equal(refusal_value(refusal, "lines[2].requested"), "7");
	request->add[1]->sku = "nothing";
	refusal = book_refusal(book, amend_name, request, REASON(ITEM_NOT_FOUND));
	assert_string_equal(refusal_value(refusal, "field"), "lines[2].sku");
}

static void an_amended_pickup_follows_its_order(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 5);
	book_receive(book, "S1", "YORK", 5);
	const Stockbook__V1__PlaceOrderResponse *placed = place_pickup(book, "S1*3@LEEDS");
	const char *id = placed->order->id;
	/* More of it lies where it is fetched: a second pickup there. */
	const Stockbook__V1__AmendOrderResponse *response = amend(book, id, 1, 5, STAYS);
	assert_int_equal(response->n_pickups, 1);
	assert_string_equal(response->pickups[0]->location, "LEEDS");
	assert_int_equal(response->pickups[0]->lines[0]->to_pick, 2);
	response = amend(book, id, 1, 1, STAYS);
	assert_line(response->order, 1, "0 1 0 0 4 0");
	assert_stock(book, "S1", "LEEDS", "4 0 1 0 0 0");
	/* And no more than is there, whatever other stores have. */
	Stockbook__V1__AmendOrderRequest *request = amend_request(book, id);
	amend_line(book, request, 1, 6, STAYS);
	book_refusal(book, amend_name, request, REASON(OUT_OF_STOCK));
}

/* ---- History ---- */

static void the_history_tells_of_all_documents_in_order(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	book_receive(book, "S1", "HULL", 1);
	Stockbook__V1__PlaceOrderRequest *placing = place_request(book, "S1*2");
	placing->lines[0]->method = METHOD(SHIP_TO_STORE);
	placing->lines[0]->pickup_location = "LEEDS";
	placing->worker = "anna";
	const Stockbook__V1__PlaceOrderResponse *placed =
		book_call(book, "OrderService/PlaceOrder", placing);
	book->now_us += SECOND_US;
	Stockbook__V1__CancelOrderLinesRequest *cancel =
		step_request(book, "OrderService/CancelOrderLines", placed->order->id, "");
	cancel->note = "changed her mind";
	book_call(book, "OrderService/CancelOrderLines", cancel);

	Stockbook__V1__GetOrderHistoryRequest request = STOCKBOOK__V1__GET_ORDER_HISTORY_REQUEST__INIT;
	request.order_id = placed->order->id;
	const Stockbook__V1__GetOrderHistoryResponse *response =
		book_call(book, "OrderService/GetOrderHistory", &request);
	assert_false(response->truncated);
	assert_int_equal(response->n_events, 6);
	const Stockbook__V1__OrderEvent *first = response->events[0];
	assert_int_equal(first->document_kind, KIND(ORDER));
	assert_string_equal(first->step, "place");
	assert_string_equal(first->status_after, "OPEN");
	assert_string_equal(first->channel, "web");
	assert_non_null(strstr(first->actor, "/anna"));
	size_t kinds[KIND(RECOUNT) + 1] = {0};
	for (size_t i = 0; i < response->n_events; i++) {
		kinds[response->events[i]->document_kind]++;
		if (i >= 3)
			assert_string_equal(response->events[i]->note, "changed her mind");
	}
	assert_int_equal(kinds[KIND(ORDER)], 2);
	assert_int_equal(kinds[KIND(PICKUP)], 2);
	assert_int_equal(kinds[KIND(TRANSFER)], 2);
	request.order_id = "0190b8a0-0000-7001-8000-000000000000";
	book_refusal(book, "OrderService/GetOrderHistory", &request, REASON(ORDER_NOT_FOUND));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, trade_setup, book_teardown)
	const struct CMUnitTest tests[] = {
		TEST(more_is_promised_and_less_is_free_again),
		TEST(more_than_there_is_changes_nothing),
		TEST(no_less_than_what_left),
		TEST(prices_change_and_lines_are_added),
		TEST(what_is_wrong_with_a_new_line_is_told_behind_the_others),
		TEST(an_amended_pickup_follows_its_order),
		TEST(the_history_tells_of_all_documents_in_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
