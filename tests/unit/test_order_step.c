/* The steps of an order: each has its inverse or is final, and takes no more than there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/promise_fixture.h"

#include "book/order.h"

#define STATUS(name) STOCKBOOK__V1__ORDER_STATUS__ORDER_STATUS_##name
#define MOVED_BY(name) STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_##name

static const char allocate_name[] = "OrderService/AllocateOrder";
static const char deallocate_name[] = "OrderService/DeallocateOrder";
static const char pick_name[] = "OrderService/PickOrder";
static const char put_back_name[] = "OrderService/PutBackOrder";
static const char ship_name[] = "OrderService/ShipOrder";
static const char cancel_name[] = "OrderService/CancelOrderLines";

/* An order of 5 S1 (2 from LEEDS, 3 from YORK) and 1 S2, with something left everywhere. */
static const char *usual_order(struct book *book)
{
	book_receive(book, "S1", "LEEDS", 4);
	book_receive(book, "S1", "YORK", 4);
	book_receive(book, "S2", "LEEDS", 2);
	set_safety(book, "S1", "LEEDS", 2);
	return place(book, "S1*5:100 S2*1@LEEDS:50")->id;
}

static void an_order_goes_step_by_step_to_its_customer(void **state)
{
	struct book *book = *state;
	const char *id = usual_order(book);
	const Stockbook__V1__Order *order = order_do(book, pick_name, id, "");
	assert_line(order, 1, "0 0 5 0 0 0");
	assert_int_equal(order->status, STATUS(OPEN));
	assert_stock(book, "S1", "YORK", "1 0 0 3 0 0");
	order = order_do(book, ship_name, id, "1*2@LEEDS");
	assert_line(order, 1, "0 0 3 2 0 0");
	assert_int_equal(order->status, STATUS(PARTIALLY_FULFILLED));
	assert_int_equal(movement_back(book, 0)->reason, MOVED_BY(SHIP));
	order = order_do(book, ship_name, id, "");
	assert_int_equal(order->status, STATUS(FULFILLED));
	assert_stock(book, "S1", "LEEDS", "2 0 0 0 0 0");
	assert_stock(book, "S1", "YORK", "1 0 0 0 0 0");
	assert_stock(book, "S2", "LEEDS", "1 0 0 0 0 0");
	assert_int_equal(order->total->minor_units, 550);
}

/* vendure#1198: what is undone is as it was before. */
static void every_step_has_its_inverse(void **state)
{
	struct book *book = *state;
	const char *id = usual_order(book);
	order_do(book, pick_name, id, "1*4 2*1");
	const Stockbook__V1__Order *order = order_do(book, put_back_name, id, "1*4 2*1");
	assert_line(order, 1, "0 5 0 0 0 0");
	assert_stock(book, "S1", "LEEDS", "2 0 2 0 0 0");
	assert_stock(book, "S1", "YORK", "1 0 3 0 0 0");
	order = order_do(book, deallocate_name, id, "");
	assert_line(order, 1, "5 0 0 0 0 0");
	assert_int_equal(order->lines[0]->n_allocations, 0);
	assert_stock(book, "S1", "LEEDS", "4 0 0 0 0 0");
	assert_stock(book, "S1", "YORK", "4 0 0 0 0 0");
	order = order_do(book, allocate_name, id, "");
	assert_line(order, 1, "0 5 0 0 0 0");
	assert_line(order, 2, "0 1 0 0 0 0");
	assert_stock(book, "S1", "LEEDS", "2 0 2 0 0 0");
	assert_stock(book, "S1", "YORK", "1 0 3 0 0 0");
}

static void quantities_are_taken_in_the_order_of_the_allocations(void **state)
{
	struct book *book = *state;
	const char *id = usual_order(book);
	const Stockbook__V1__Order *order = order_do(book, pick_name, id, "1*3");
	assert_int_equal(order->lines[0]->allocations[0]->picked, 2);
	assert_int_equal(order->lines[0]->allocations[1]->picked, 1);
	order = order_do(book, pick_name, id, "1*1@YORK 1*1@YORK"); /* lines add up */
	assert_int_equal(order->lines[0]->allocations[1]->picked, 3);
	book_refusal(book, pick_name, step_request(book, pick_name, id, "1*1"),
		REASON(LINE_QUANTITY_EXCEEDED));
}

static void goods_are_picked_and_shipped_in_one_step(void **state)
{
	struct book *book = *state;
	const char *id = usual_order(book);
	order_do(book, pick_name, id, "1*1@YORK");
	size_t before = book_movements(book);
	Stockbook__V1__ShipOrderRequest *request = step_request(book, ship_name, id, "1*4");
	book_refusal(book, ship_name, request, REASON(LINE_QUANTITY_EXCEEDED));
	request->pick_first = true;
	request->carrier = "post";
	request->tracking = "P1";
	const Stockbook__V1__ShipOrderResponse *response = book_call(book, ship_name, request);
	assert_line(response->order, 1, "0 1 0 4 0 0"); /* what was picked went first */
	assert_int_equal(book_movements(book), before + 3);
	size_t count;
	const void *const *changes = memory_store_rows(book->store, TABLE(change), &count);
	assert_string_equal(((const struct change_row *)changes[count - 1])->note, "post P1");
}

static void a_step_that_asks_for_too_much_names_every_line_and_does_nothing(void **state)
{
	struct book *book = *state;
	const char *id = usual_order(book);
	uint64_t before = book_digest(book);
	const struct refusal *refusal = book_refusal(book, pick_name,
		step_request(book, pick_name, id, "1*6 2*1 2*1 1*1@HULL"), REASON(LINE_QUANTITY_EXCEEDED));
	assert_string_equal(refusal_value(refusal, "lines[0].requested"), "6");
	assert_string_equal(refusal_value(refusal, "lines[0].available"), "5");
	assert_string_equal(refusal_value(refusal, "lines[2].sku"), "S2");
	assert_string_equal(refusal_value(refusal, "lines[3].location"), "HULL");
	assert_string_equal(refusal_value(refusal, "lines[3].available"), "0");
	book_refusal(book, pick_name, step_request(book, pick_name, id, "3*1"),
		REASON(ORDER_LINE_NOT_FOUND));
	book_refusal(book, pick_name, step_request(book, pick_name, id, "0*1"),
		REASON(ORDER_LINE_NOT_FOUND));
	assert_wrong_field(book_refusal(book, pick_name, step_request(book, pick_name, id, "1*0"),
						   REASON(INVALID_FIELD)),
		"lines[0].quantity");
	book_refusal(book, ship_name, step_request(book, ship_name, id, ""),
		REASON(LINE_QUANTITY_EXCEEDED)); /* nothing is picked */
	book_refusal(book, allocate_name, step_request(book, allocate_name, id, ""),
		REASON(LINE_QUANTITY_EXCEEDED)); /* nothing is open */
	const char *nobody = "0190b8a0-0000-7001-8000-000000000000";
	book_refusal(book, pick_name, step_request(book, pick_name, nobody, ""),
		REASON(ORDER_NOT_FOUND));
	assert_wrong_field(book_refusal(book, pick_name, step_request(book, pick_name, "A-1", ""),
						   REASON(INVALID_FIELD)),
		"order_id");
	assert_true(book_digest(book) == before);
}

/* ---- Allocating later ---- */

static const char *waiting_order(struct book *book, const char *lines)
{
	Stockbook__V1__PlaceOrderRequest *request = place_request(book, lines);
	request->allow_partial = true;
	const Stockbook__V1__PlaceOrderResponse *response =
		book_call(book, "OrderService/PlaceOrder", request);
	return response->order->id;
}

static void what_is_open_is_allocated_when_goods_come(void **state)
{
	struct book *book = *state;
	const char *id = waiting_order(book, "S1*5 S2*2");
	book_receive(book, "S1", "HULL", 3);
	Stockbook__V1__AllocateOrderRequest *request = step_request(book, allocate_name, id, "");
	const struct refusal *refusal =
		book_refusal(book, allocate_name, request, REASON(OUT_OF_STOCK));
	assert_string_equal(refusal_value(refusal, "lines[0].available"), "3");
	request->allow_partial = true;
	const Stockbook__V1__AllocateOrderResponse *response = book_call(book, allocate_name, request);
	assert_line(response->order, 1, "2 3 0 0 0 0");
	assert_line(response->order, 2, "2 0 0 0 0 0");
	book_refusal(book, allocate_name, request, REASON(OUT_OF_STOCK)); /* nothing at all */
	book_receive(book, "S2", "YORK", 1);
	book_receive(book, "S2", "HULL", 9);
	const Stockbook__V1__Order *order = order_do(book, allocate_name, id, "2*1@HULL 2*1");
	assert_line(order, 2, "0 2 0 0 0 0");
	assert_int_equal(order->lines[1]->n_allocations, 2);
	book_refusal(book, allocate_name, step_request(book, allocate_name, id, "1*3"),
		REASON(LINE_QUANTITY_EXCEEDED));
	book_receive(book, "S1", "HULL", 9);
	book_refusal(book, allocate_name, step_request(book, allocate_name, id, "1*1 1*2@HULL"),
		REASON(LINE_QUANTITY_EXCEEDED)); /* lines add up */
}

static void two_allocations_in_one_call_do_not_take_the_last_piece_twice(void **state)
{
	struct book *book = *state;
	const char *id = waiting_order(book, "S1*1 S1*1");
	book_receive(book, "S1", "LEEDS", 1);
	book_refusal(book, allocate_name, step_request(book, allocate_name, id, ""),
		REASON(OUT_OF_STOCK));
	book_refusal(book, allocate_name, step_request(book, allocate_name, id, "1*1@LEEDS 2*1"),
		REASON(OUT_OF_STOCK));
	const Stockbook__V1__Order *order = order_do(book, allocate_name, id, "2*1");
	assert_line(order, 1, "1 0 0 0 0 0");
	assert_line(order, 2, "0 1 0 0 0 0");
}

/* ---- Cancelling ---- */

static void cancelling_takes_from_open_then_allocated_then_picked(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 4);
	const char *id = waiting_order(book, "S1*6:100");
	order_do(book, pick_name, id, "1*2");
	assert_stock(book, "S1", "LEEDS", "0 0 2 2 0 0");
	const Stockbook__V1__Order *order = order_do(book, cancel_name, id, "1*1");
	assert_line(order, 1, "1 2 2 0 1 0");
	order = order_do(book, cancel_name, id, "1*2");
	assert_line(order, 1, "0 1 2 0 3 0");
	assert_stock(book, "S1", "LEEDS", "1 0 1 2 0 0");
	assert_int_equal(order->total->minor_units, 300);
	order = order_do(book, cancel_name, id, "1*2");
	assert_line(order, 1, "0 0 1 0 5 0");
	assert_int_equal(movement_back(book, 0)->reason, MOVED_BY(CANCEL));
	order = order_do(book, cancel_name, id, "");
	assert_int_equal(order->status, STATUS(CANCELLED));
	assert_stock(book, "S1", "LEEDS", "4 0 0 0 0 0");
	assert_int_equal(order->total->minor_units, 0);
	assert_string_equal(order->total->currency_code, "GBP");
}

static void what_was_shipped_is_not_cancelled(void **state)
{
	struct book *book = *state;
	const char *id = usual_order(book);
	order_do(book, pick_name, id, "1*2");
	order_do(book, ship_name, id, "1*2");
	book_refusal(book, cancel_name, step_request(book, cancel_name, id, "1*4"),
		REASON(LINE_QUANTITY_EXCEEDED));
	const Stockbook__V1__Order *order = order_do(book, cancel_name, id, "");
	assert_line(order, 1, "0 0 0 2 3 0");
	assert_int_equal(order->status, STATUS(FULFILLED));
}

static void cancelling_at_a_location_leaves_what_is_open(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	const char *id = waiting_order(book, "S1*3");
	book_refusal(book, cancel_name, step_request(book, cancel_name, id, "1*3@LEEDS"),
		REASON(LINE_QUANTITY_EXCEEDED));
	const Stockbook__V1__Order *order = order_do(book, cancel_name, id, "1*2@LEEDS");
	assert_line(order, 1, "1 0 0 0 2 0");
}

/* ---- Facts against promises ---- */

static void promised_goods_that_a_fact_took_are_found_when_they_are_shipped(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	const char *id = place(book, "S1*3@LEEDS")->id;
	lose(book, "S1", "LEEDS", 2);
	assert_stock(book, "S1", "LEEDS", "-2 0 3 0 0 0");
	order_do(book, pick_name, id, "");
	assert_stock(book, "S1", "LEEDS", "-2 0 0 3 0 0");
	order_do(book, ship_name, id, "1*1");
	assert_stock(book, "S1", "LEEDS", "-2 0 0 2 0 0");
	order_do(book, ship_name, id, "");
	assert_stock(book, "S1", "LEEDS", "0 0 0 0 0 0");
	assert_int_equal(movement_back(book, 1)->reason, MOVED_BY(FOUND));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, trade_setup, book_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_order_goes_step_by_step_to_its_customer),
		TEST(every_step_has_its_inverse),
		TEST(quantities_are_taken_in_the_order_of_the_allocations),
		TEST(goods_are_picked_and_shipped_in_one_step),
		TEST(a_step_that_asks_for_too_much_names_every_line_and_does_nothing),
		TEST(what_is_open_is_allocated_when_goods_come),
		TEST(two_allocations_in_one_call_do_not_take_the_last_piece_twice),
		TEST(cancelling_takes_from_open_then_allocated_then_picked),
		TEST(what_was_shipped_is_not_cancelled),
		TEST(cancelling_at_a_location_leaves_what_is_open),
		TEST(promised_goods_that_a_fact_took_are_found_when_they_are_shipped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
