/* Transfers for customers: what arrives is hers, and what does not come is open on her order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/fulfilment_fixture.h"

#define STATUS(name) STOCKBOOK__V1__TRANSFER_STATUS__TRANSFER_STATUS_##name
#define LOSS(name) STOCKBOOK__V1__TRANSFER_LOSS_REASON__TRANSFER_LOSS_REASON_##name

struct ordered {
	const char *order;
	const char *pickup;
	const char *transfer;
};

/* A customer fetches 5 S1 and 2 S2 in YORK, which come from LEEDS, where there are 6 and 2. */
static struct ordered ship_to_store(struct book *book)
{
	book_receive(book, "S1", "LEEDS", 6);
	book_receive(book, "S2", "LEEDS", 2);
	Stockbook__V1__PlaceOrderRequest *request = place_request(book, "S1*5:100 S2*2:50");
	for (size_t i = 0; i < request->n_lines; i++) {
		request->lines[i]->method = METHOD(SHIP_TO_STORE);
		request->lines[i]->pickup_location = "YORK";
	}
	request->customer = "ann";
	const Stockbook__V1__PlaceOrderResponse *response =
		book_call(book, "OrderService/PlaceOrder", request);
	assert_int_equal(response->n_transfers, 1);
	assert_int_equal(response->n_pickups, 1);
	assert_string_equal(response->transfers[0]->order_id, response->order->id);
	assert_string_equal(response->transfers[0]->pickup_id, response->pickups[0]->id);
	assert_int_equal(response->transfers[0]->status, STATUS(READY));
	return (struct ordered){
		response->order->id, response->pickups[0]->id, response->transfers[0]->id};
}

static void assert_pickup(struct book *book, const struct ordered *ordered,
	Stockbook__V1__PickupStatus status, const char *line)
{
	const Stockbook__V1__Pickup *pickup = get_pickup(book, ordered->pickup);
	assert_int_equal(pickup->status, status);
	assert_units(pickup->lines[0], line);
}

static void goods_for_a_customer_go_to_her_and_not_to_the_shelf(void **state)
{
	struct book *book = *state;
	struct ordered ordered = ship_to_store(book);
	dispatch(book, ordered.transfer, "");
	assert_stock(book, "S1", "LEEDS", "1 0 0 0 0 0");
	receive(book, ordered.transfer, "1*3 2*2");
	assert_stock(book, "S1", "YORK", "0 0 3 0 0 0");
	assert_pickup(book, &ordered, PICKUP(AWAITING_TRANSFER), "5 2 3 0 0 0 0");
	assert_line(get_order(book, ordered.order), 1, "0 5 0 0 0 0");
	assert_int_equal(receive(book, ordered.transfer, "")->status, STATUS(RECEIVED));
	assert_stock(book, "S1", "YORK", "0 0 5 0 0 0");
	assert_pickup(book, &ordered, PICKUP(REQUESTED), "5 0 5 0 0 0 0");
	const Stockbook__V1__Order *order = get_order(book, ordered.order);
	assert_int_equal(order->lines[0]->allocations[0]->awaiting, 0);
	assert_string_equal(order->lines[0]->allocations[0]->location, "YORK");
}

static void what_is_over_goes_to_the_shelf(void **state)
{
	struct book *book = *state;
	struct ordered ordered = ship_to_store(book);
	dispatch(book, ordered.transfer, "");
	receive(book, ordered.transfer, "1*6 2*2");
	assert_stock(book, "S1", "YORK", "1 0 5 0 0 0");
}

static void what_is_short_at_the_dispatch_is_open_on_her_order(void **state)
{
	struct book *book = *state;
	struct ordered ordered = ship_to_store(book);
	dispatch(book, ordered.transfer, "1*3-2n 2*2");
	assert_line(get_order(book, ordered.order), 1, "2 3 0 0 0 0");
	assert_pickup(book, &ordered, PICKUP(AWAITING_TRANSFER), "5 3 0 0 0 0 2");
	assert_int_equal(recounts(book, "S1", "LEEDS"), 1);
	receive(book, ordered.transfer, "");
	assert_pickup(book, &ordered, PICKUP(REQUESTED), "5 0 3 0 0 0 2");
}

static void what_a_final_dispatch_leaves_is_open_on_her_order(void **state)
{
	struct book *book = *state;
	struct ordered ordered = ship_to_store(book);
	Stockbook__V1__DispatchTransferRequest *request = dispatch_ask(book, ordered.transfer, "1*4");
	request->final = true;
	transfer_call(book, "DispatchTransfer", request);
	const Stockbook__V1__Order *order = get_order(book, ordered.order);
	assert_line(order, 1, "1 4 0 0 0 0");
	assert_line(order, 2, "2 0 0 0 0 0");
	assert_stock(book, "S1", "LEEDS", "2 0 0 0 0 0");
	assert_stock(book, "S2", "LEEDS", "2 0 0 0 0 0");
}

static void what_arrives_broken_is_open_on_her_order(void **state)
{
	struct book *book = *state;
	struct ordered ordered = ship_to_store(book);
	dispatch(book, ordered.transfer, "");
	const Stockbook__V1__Transfer *transfer = receive(book, ordered.transfer, "1*4-1 2*2");
	assert_int_equal(transfer->status, STATUS(CLOSED_SHORT));
	assert_line(get_order(book, ordered.order), 1, "1 4 0 0 0 0");
	assert_stock(book, "S1", "YORK", "0 0 4 0 1 0");
	assert_pickup(book, &ordered, PICKUP(REQUESTED), "5 0 4 0 0 0 1");
}

static void what_does_not_come_is_open_on_her_order(void **state)
{
	struct book *book = *state;
	struct ordered ordered = ship_to_store(book);
	dispatch(book, ordered.transfer, "");
	receive(book, ordered.transfer, "1*2");
	Stockbook__V1__CloseTransferRequest *request =
		transfer_step_ask(book, "CloseTransfer", ordered.transfer);
	request->reason = LOSS(LOST);
	transfer_call(book, "CloseTransfer", request);
	const Stockbook__V1__Order *order = get_order(book, ordered.order);
	assert_line(order, 1, "3 2 0 0 0 0");
	assert_line(order, 2, "2 0 0 0 0 0");
	assert_int_equal(in_transit(book, "S1", "YORK"), 0);
	assert_int_equal(in_transit(book, "S2", "YORK"), 0);
	assert_pickup(book, &ordered, PICKUP(REQUESTED), "5 0 2 0 0 0 3");
}

static void a_cancelled_transfer_leaves_all_of_it_open(void **state)
{
	struct book *book = *state;
	struct ordered ordered = ship_to_store(book);
	transfer_do(book, "CancelTransfer", ordered.transfer);
	assert_line(get_order(book, ordered.order), 1, "5 0 0 0 0 0");
	assert_stock(book, "S1", "LEEDS", "6 0 0 0 0 0");
	/* It may be had again. */
	order_do(book, "OrderService/AllocateOrder", ordered.order, "");
	assert_line(get_order(book, ordered.order), 1, "0 5 0 0 0 0");
	assert_stock(book, "S1", "LEEDS", "1 0 5 0 0 0");
}

static void goods_that_turn_round_are_open_on_her_order(void **state)
{
	struct book *book = *state;
	struct ordered ordered = ship_to_store(book);
	dispatch(book, ordered.transfer, "1*5");
	assert_int_equal(transfer_do(book, "CancelTransfer", ordered.transfer)->status,
		STATUS(CANCELLED));
	const Stockbook__V1__Order *order = get_order(book, ordered.order);
	assert_line(order, 1, "5 0 0 0 0 0");
	assert_line(order, 2, "2 0 0 0 0 0");
	assert_stock(book, "S1", "LEEDS", "6 0 0 0 0 0");
}

static void a_transfer_for_a_customer_is_not_stepped_back(void **state)
{
	struct book *book = *state;
	struct ordered ordered = ship_to_store(book);
	const struct refusal *refusal = book_refusal(book, "TransferService/StepBackTransfer",
		transfer_step_ask(book, "StepBackTransfer", ordered.transfer), REASON(IN_USE));
	assert_string_equal(refusal_value(refusal, "order_id"), ordered.order);
}

/* ---- She needs it no more ---- */

static void what_she_cancels_before_it_is_sent_is_free_at_the_source(void **state)
{
	struct book *book = *state;
	struct ordered ordered = ship_to_store(book);
	order_do(book, "OrderService/CancelOrderLines", ordered.order, "1*2");
	const Stockbook__V1__Transfer *transfer = get_transfer(book, ordered.transfer);
	assert_transfer(transfer, 1, "0 3 0 0 0 0 0 2 0");
	assert_stock(book, "S1", "LEEDS", "3 0 3 0 0 0");
	assert_pickup(book, &ordered, PICKUP(AWAITING_TRANSFER), "5 3 0 0 0 0 2");
}

static void what_she_cancels_on_its_way_goes_to_the_shelf(void **state)
{
	struct book *book = *state;
	struct ordered ordered = ship_to_store(book);
	dispatch(book, ordered.transfer, "");
	order_do(book, "OrderService/CancelOrderLines", ordered.order, "1*2 2*2");
	const Stockbook__V1__Transfer *transfer = get_transfer(book, ordered.transfer);
	assert_int_equal(transfer->n_lines, 3); /* some of a line, and all of another */
	assert_transfer(transfer, 1, "0 0 3 0 0 0 0 0 0");
	assert_int_equal(transfer->lines[0]->order_line, 1);
	assert_transfer(transfer, 2, "0 0 2 0 0 0 0 0 0");
	assert_int_equal(transfer->lines[1]->order_line, 0);
	assert_transfer(transfer, 3, "0 0 2 0 0 0 0 0 0");
	assert_string_equal(transfer->lines[2]->sku, "S1");
	assert_int_equal(transfer->lines[2]->order_line, 0);
	order_do(book, "OrderService/CancelOrderLines", ordered.order, "1*1");
	assert_transfer(get_transfer(book, ordered.transfer), 3, "0 0 3 0 0 0 0 0 0");
	receive(book, ordered.transfer, "");
	assert_stock(book, "S1", "YORK", "3 0 2 0 0 0");
	assert_stock(book, "S2", "YORK", "2 0 0 0 0 0");
	assert_pickup(book, &ordered, PICKUP(REQUESTED), "5 0 2 0 0 0 3");
}

static void what_she_cancels_is_taken_from_what_is_not_sent_first(void **state)
{
	struct book *book = *state;
	struct ordered ordered = ship_to_store(book);
	dispatch(book, ordered.transfer, "1*2");
	order_do(book, "OrderService/CancelOrderLines", ordered.order, "1*4");
	const Stockbook__V1__Transfer *transfer = get_transfer(book, ordered.transfer);
	assert_transfer(transfer, 1, "0 0 1 0 0 0 0 3 0");
	assert_transfer(transfer, 3, "0 0 1 0 0 0 0 0 0");
	assert_stock(book, "S1", "LEEDS", "4 0 0 0 0 0");
}

/* Takes line 1 off the order and adds another that others hold: the search for what is expired keeps
 * the call busier than one that allocates. */
static Stockbook__V1__AmendOrderRequest *amend_request(struct book *book, const char *order)
{
	Stockbook__V1__AmendOrderRequest *request = arena_alloc(&book->arena, sizeof(*request));
	stockbook__v1__amend_order_request__init(request);
	Stockbook__V1__AmendOrderLine *line = arena_alloc(&book->arena, sizeof(*line));
	stockbook__v1__amend_order_line__init(line);
	line->line = 1;
	line->quantity = make_count(&book->arena, 0);
	const Stockbook__V1__PlaceOrderRequest *more = place_request(book, "S3*1:10");
	request->order_id = (char *)order;
	request->n_lines = 1;
	request->lines = arena_copy(&book->arena, &line, sizeof(void *));
	request->n_add = more->n_lines;
	request->add = more->lines;
	request->allow_partial = true;
	return request;
}

/* One call opens the transfer again and the next, in the same transaction, calls it off: no search
 * in the database would find it. */
static void a_transfer_that_the_same_batch_made_is_untied(void **state)
{
	struct book *book = *state;
	book_receive(book, "S3", "LEEDS", 1);
	reserve(book, "S3*1@LEEDS");
	struct ordered ordered = ship_to_store(book);
	transfer_do(book, "CancelTransfer", ordered.transfer);
	struct store_call calls[] = {
		{
			.operation = operation_find("OrderService/AllocateOrder"),
			.request = step_request(book, "OrderService/AllocateOrder", ordered.order, ""),
		},
		{
			.operation = operation_find("OrderService/AmendOrder"),
			.request = amend_request(book, ordered.order),
		},
	};
	for (size_t i = 0; i < ARRAY_COUNT(calls); i++) {
		calls[i].actor = &book->actor;
		calls[i].request_id = uuid_make(book->now_us, 0, 3000 + i);
	}
	memory_store_run(book->store, calls, ARRAY_COUNT(calls), ++book->now_us);
	for (size_t i = 0; i < ARRAY_COUNT(calls); i++)
		if (calls[i].verdict != VERDICT_DONE)
			fail_msg("%s", calls[i].refusal.message);
	const char *wrong = invariants_check(book->invariants);
	if (wrong)
		fail_msg("%s", wrong);
	assert_stock(book, "S1", "LEEDS", "6 0 0 0 0 0");
	const Stockbook__V1__Order *order = get_order(book, ordered.order);
	assert_line(order, 1, "0 0 0 0 5 0");
	assert_line(order, 2, "0 2 0 0 0 0");
	size_t count;
	const void *const *rows = memory_store_rows(book->store, TABLE(transfer_line), &count);
	int64_t cancelled = 0;
	for (size_t i = 0; i < count; i++)
		cancelled += ((const struct transfer_line_row *)rows[i])->cancelled;
	assert_int_equal(cancelled, 7 + 5); /* of the first, and of the one made in between */
}

static void the_work_says_for_whom_it_is(void **state)
{
	struct book *book = *state;
	struct ordered ordered = ship_to_store(book);
	size_t count;
	const void *const *rows = memory_store_rows(book->store, TABLE(work), &count);
	assert_int_equal(count, 1);
	assert_string_equal(((const struct work_row *)rows[0])->customer, "ann");
	dispatch(book, ordered.transfer, "");
	rows = memory_store_rows(book->store, TABLE(work), &count);
	assert_int_equal(count, 1);
	const struct work_row *row = rows[0];
	assert_string_equal(row->location, "YORK");
	assert_string_equal(row->customer, "ann");
	assert_int_equal(row->units, 7);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, trade_setup, book_teardown)
	const struct CMUnitTest tests[] = {
		TEST(goods_for_a_customer_go_to_her_and_not_to_the_shelf),
		TEST(what_is_over_goes_to_the_shelf),
		TEST(what_is_short_at_the_dispatch_is_open_on_her_order),
		TEST(what_a_final_dispatch_leaves_is_open_on_her_order),
		TEST(what_arrives_broken_is_open_on_her_order),
		TEST(what_does_not_come_is_open_on_her_order),
		TEST(a_cancelled_transfer_leaves_all_of_it_open),
		TEST(goods_that_turn_round_are_open_on_her_order),
		TEST(a_transfer_for_a_customer_is_not_stepped_back),
		TEST(what_she_cancels_before_it_is_sent_is_free_at_the_source),
		TEST(what_she_cancels_on_its_way_goes_to_the_shelf),
		TEST(what_she_cancels_is_taken_from_what_is_not_sent_first),
		TEST(a_transfer_that_the_same_batch_made_is_untied),
		TEST(the_work_says_for_whom_it_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
