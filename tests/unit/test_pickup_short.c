/* What a store cannot deliver: short picks with each remedy, and pickups cancelled at every status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/fulfilment_fixture.h"

#include "stockbook/v1/work.pb-c.h"

#define ORDER(name) STOCKBOOK__V1__ORDER_STATUS__ORDER_STATUS_##name

static const Stockbook__V1__PickPickupResponse *pick(struct book *book, const char *id,
	const char *lines, Stockbook__V1__ShortRemedy remedy)
{
	return fulfilment_call(book, "PickPickup", pick_ask(book, "PickPickup", id, lines, remedy));
}

static const Stockbook__V1__CancelPickupResponse *cancel(struct book *book, const char *id,
	Stockbook__V1__ShortRemedy remedy)
{
	Stockbook__V1__CancelPickupRequest *request = fulfilment_ask(book, "CancelPickup", id);
	request->remedy = remedy;
	return fulfilment_call(book, "CancelPickup", request);
}

static const Stockbook__V1__Order *order_of(struct book *book, const char *pickup_id)
{
	return get_order(book, get_pickup(book, pickup_id)->order_id);
}

/* ---- Short picks ---- */

static void what_is_not_found_leaves_the_stock_and_is_counted_again(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	const char *id = pickup_at(book, "S1*3@LEEDS", PICKUP(ACCEPTED));
	const Stockbook__V1__PickPickupResponse *response = pick(book, id, "1*2-1n", REMEDY(OPEN));
	assert_int_equal(response->pickup->status, PICKUP(PICKED));
	assert_units(response->pickup->lines[0], "3 0 0 2 0 0 1");
	assert_int_equal(response->n_resourced, 1);
	assert_resourced(response->resourced, response->n_resourced, 0, "OPEN 1");
	assert_stock(book, "S1", "LEEDS", "0 0 0 2 0 0");
	assert_int_equal(movement_back(book, 0)->reason,
		STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_SHORT_PICK);
	assert_int_equal(movement_back(book, 0)->to_state,
		STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_LOSS);
	assert_int_equal(recounts(book, "S1", "LEEDS"), 1);
	assert_line(order_of(book, id), 1, "1 0 2 0 0 0");
}

static void what_is_broken_stays_here_and_is_not_counted_again(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	const char *id = pickup_at(book, "S1*3@LEEDS", PICKUP(ACCEPTED));
	pick(book, id, "1*1-2d", REMEDY(UNSPECIFIED));
	assert_stock(book, "S1", "LEEDS", "0 0 0 1 2 0");
	assert_int_equal(recounts(book, "S1", "LEEDS"), 0);
	assert_line(order_of(book, id), 1, "2 0 1 0 0 0");
}

static void a_short_pick_found_elsewhere_is_fetched_there(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	book_receive(book, "S1", "YORK", 5);
	const char *id = pickup_at(book, "S1*2@LEEDS", PICKUP(ACCEPTED));
	const Stockbook__V1__PickPickupResponse *response = pick(book, id, "1*1-1n", REMEDY(RE_SOURCE));
	assert_int_equal(response->pickup->status, PICKUP(PICKED));
	assert_resourced(response->resourced, response->n_resourced, 0, "RE_SOURCE 1 YORK");
	const Stockbook__V1__Pickup *other = get_pickup(book, response->resourced[0]->document_id);
	assert_string_equal(other->location, "YORK");
	assert_int_equal(other->status, PICKUP(REQUESTED));
	assert_units(other->lines[0], "1 0 1 0 0 0 0");
	assert_string_equal(other->order_id, response->pickup->order_id);
	assert_stock(book, "S1", "YORK", "4 0 1 0 0 0");
	assert_line(order_of(book, id), 1, "0 1 1 0 0 0");
	assert_string_equal(last_change(book, other->id)->step, "request");
}

static void a_line_that_moved_to_another_store_says_so(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	book_receive(book, "S1", "YORK", 5);
	const char *id = pickup_at(book, "S1*2@LEEDS", PICKUP(ACCEPTED));
	assert_string_equal(order_of(book, id)->lines[0]->pickup_location, "LEEDS");
	/* In part: some of it is still fetched where it was. */
	pick(book, id, "1*1-1n", REMEDY(RE_SOURCE));
	assert_string_equal(order_of(book, id)->lines[0]->pickup_location, "LEEDS");

	book_receive(book, "S2", "LEEDS", 2);
	book_receive(book, "S2", "YORK", 5);
	const char *whole = pickup_at(book, "S2*2@LEEDS", PICKUP(ACCEPTED));
	pick(book, whole, "1*0-2n", REMEDY(RE_SOURCE));
	assert_string_equal(order_of(book, whole)->lines[0]->pickup_location, "YORK");
}

static void the_same_location_is_not_asked_again(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 9);
	const char *id = pickup_at(book, "S1*2@LEEDS", PICKUP(ACCEPTED));
	const Stockbook__V1__PickPickupResponse *response = pick(book, id, "1*0-2n", REMEDY(RE_SOURCE));
	assert_int_equal(response->n_resourced, 1);
	assert_resourced(response->resourced, response->n_resourced, 0, "OPEN 2");
	assert_int_equal(response->pickup->status, PICKUP(CANCELLED));
	assert_stock(book, "S1", "LEEDS", "7 0 0 0 0 0");
}

static void nothing_is_found_for_an_order_without_a_channel_and_the_fact_is_posted(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	book_receive(book, "S1", "YORK", 1);
	Stockbook__V1__PlaceOrderRequest *request = place_request(book, "S1*1@LEEDS");
	request->lines[0]->method = METHOD(PICKUP);
	request->channel = "";
	const Stockbook__V1__PlaceOrderResponse *placed =
		book_call(book, "OrderService/PlaceOrder", request);
	const char *id = placed->pickups[0]->id;
	pickup_do(book, "AcceptPickup", id);
	const Stockbook__V1__PickPickupResponse *response = pick(book, id, "1*0-1n", REMEDY(RE_SOURCE));
	assert_resourced(response->resourced, response->n_resourced, 0, "OPEN 1");
}

static void a_transfer_brings_what_is_short_and_the_pickup_waits(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	book_receive(book, "S1", "HULL", 1);
	const char *id = pickup_at(book, "S1*2@LEEDS", PICKUP(ACCEPTED));
	const Stockbook__V1__PickPickupResponse *response = pick(book, id, "1*1-1n", REMEDY(TRANSFER));
	assert_int_equal(response->pickup->status, PICKUP(AWAITING_TRANSFER));
	assert_units(response->pickup->lines[0], "3 1 0 1 0 0 1");
	assert_resourced(response->resourced, response->n_resourced, 0, "TRANSFER 1 HULL");
	const Stockbook__V1__Transfer *transfer =
		get_transfer(book, response->resourced[0]->document_id);
	assert_string_equal(transfer->pickup_id, id);
	assert_string_equal(transfer->destination, "LEEDS");
	assert_stock(book, "S1", "HULL", "0 0 1 0 0 0");
	assert_line(order_of(book, id), 1, "0 1 1 0 0 0");
	fulfilment_refusal(book, "PickPickup", fulfilment_ask(book, "PickPickup", id),
		REASON(WRONG_STATUS));

	dispatch(book, transfer->id, "");
	receive(book, transfer->id, "");
	/* It was accepted before it had to wait. */
	const Stockbook__V1__Pickup *pickup = get_pickup(book, id);
	assert_int_equal(pickup->status, PICKUP(PICKING));
	assert_units(pickup->lines[0], "3 0 1 1 0 0 1");
	assert_int_equal(pickup_do(book, "PickPickup", id)->status, PICKUP(PICKED));
	pickup_do(book, "ReadyPickup", id);
	assert_int_equal(collect(book, id, 'a', ""), OUTCOME(COLLECTED));
	assert_int_equal(order_of(book, id)->status, ORDER(FULFILLED));
	assert_stock(book, "S1", "LEEDS", "0 0 0 0 0 0");
}

static void what_a_transfer_does_not_bring_is_open_and_the_pickup_goes_on(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	book_receive(book, "S1", "HULL", 1);
	const char *id = pickup_at(book, "S1*2@LEEDS", PICKUP(ACCEPTED));
	const Stockbook__V1__PickPickupResponse *response = pick(book, id, "1*1-1n", REMEDY(TRANSFER));
	dispatch(book, response->resourced[0]->document_id, "1*0-1n");
	const Stockbook__V1__Pickup *pickup = get_pickup(book, id);
	assert_int_equal(pickup->status, PICKUP(PICKED));
	assert_units(pickup->lines[0], "3 0 0 1 0 0 2");
	assert_string_equal(last_change(book, id)->step, "miss");
	assert_line(order_of(book, id), 1, "1 0 1 0 0 0");
}

static void the_stores_time_begins_when_the_goods_are_there(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	book_receive(book, "S1", "HULL", 1);
	const char *id = pickup_at(book, "S1*1@LEEDS", PICKUP(ACCEPTED));
	const char *transfer = pick(book, id, "1*0-1n", REMEDY(TRANSFER))->resourced[0]->document_id;
	dispatch(book, transfer, "");
	book->now_us += 3 * 86400 * SECOND_US;
	receive(book, transfer, "");
	const Stockbook__V1__Pickup *pickup = get_pickup(book, id);
	assert_int_equal(pickup->status, PICKUP(ACCEPTED));
	assert_int_equal(pickup->accept_by->seconds, pickup->update_time->seconds + 3600);
	assert_int_equal(pickup->ready_by->seconds, pickup->update_time->seconds + 4 * 3600);
}

static void the_customer_does_not_get_what_is_cancelled(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	const char *id = pickup_at(book, "S1*2@LEEDS", PICKUP(ACCEPTED));
	const Stockbook__V1__PickPickupResponse *response = pick(book, id, "1*1-1d", REMEDY(CANCEL));
	assert_resourced(response->resourced, response->n_resourced, 0, "CANCEL 1");
	assert_line(order_of(book, id), 1, "0 0 1 0 1 0");
	response = pick(book,
		pickup_at(book, (book_receive(book, "S2", "LEEDS", 1), "S2*1@LEEDS"), PICKUP(ACCEPTED)),
		"1*0-1n", REMEDY(CANCEL));
	assert_int_equal(response->pickup->status, PICKUP(CANCELLED));
	assert_int_equal(order_of(book, response->pickup->id)->status, ORDER(CANCELLED));
}

static void several_short_lines_are_counted_again_each(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	book_receive(book, "S2", "LEEDS", 1);
	book_receive(book, "S1", "YORK", 1);
	book_receive(book, "S2", "HULL", 1);
	const char *id = pickup_at(book, "S1*1@LEEDS S2*1@LEEDS", PICKUP(ACCEPTED));
	const Stockbook__V1__PickPickupResponse *response =
		pick(book, id, "1*0-1n 2*0-1n", REMEDY(RE_SOURCE));
	assert_int_equal(response->n_resourced, 2);
	assert_resourced(response->resourced, 2, 0, "RE_SOURCE 1 YORK");
	assert_resourced(response->resourced, 2, 1, "RE_SOURCE 1 HULL");
	assert_int_equal(recounts(book, "S1", "LEEDS"), 1);
	assert_int_equal(recounts(book, "S2", "LEEDS"), 1);
	assert_int_equal(response->pickup->status, PICKUP(CANCELLED));
}

static void a_short_pick_of_what_a_fact_took_leaves_nothing_below_zero(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	const char *id = pickup_at(book, "S1*2@LEEDS", PICKUP(ACCEPTED));
	lose(book, "S1", "LEEDS", 2);
	assert_stock(book, "S1", "LEEDS", "-2 0 2 0 0 0");
	pick(book, id, "1*0-2n", REMEDY(OPEN));
	assert_stock(book, "S1", "LEEDS", "0 0 0 0 0 0");
}

/* ---- Cancelling ---- */

static void a_pickup_that_nobody_touched_is_cancelled_and_its_goods_are_free(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 4);
	static const Stockbook__V1__PickupStatus untouched[] = {PICKUP(REQUESTED), PICKUP(ACCEPTED)};
	for (size_t i = 0; i < 2; i++) {
		const char *id = pickup_at(book, "S1*2@LEEDS", untouched[i]);
		const Stockbook__V1__CancelPickupResponse *response = cancel(book, id, REMEDY(UNSPECIFIED));
		assert_int_equal(response->pickup->status, PICKUP(CANCELLED));
		assert_units(response->pickup->lines[0], "2 0 0 0 0 0 2");
		assert_resourced(response->resourced, response->n_resourced, 0, "CANCEL 2");
		assert_stock(book, "S1", "LEEDS", "4 0 0 0 0 0");
		assert_int_equal(order_of(book, id)->status, ORDER(CANCELLED));
		assert_int_equal(work_on(book, id), 0);
	}
}

static void what_was_picked_is_put_back_before_it_is_free(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	static const Stockbook__V1__PickupStatus touched[] = {
		PICKUP(PICKING), PICKUP(PICKED), PICKUP(READY)};
	for (size_t i = 0; i < 3; i++) {
		const char *id = pickup_at(book, "S1*2@LEEDS",
			touched[i] == PICKUP(PICKING) ? PICKUP(ACCEPTED) : touched[i]);
		if (touched[i] == PICKUP(PICKING))
			pick(book, id, "1*1", REMEDY(OPEN));
		assert_int_equal(get_pickup(book, id)->status, touched[i]);
		assert_int_equal(cancel(book, id, REMEDY(UNSPECIFIED))->pickup->status,
			PICKUP(PUTTING_BACK));
		assert_int_equal(order_of(book, id)->status, ORDER(CANCELLED));
		assert_stock(book, "S1", "LEEDS",
			touched[i] == PICKUP(PICKING) ? "1 0 0 1 0 0" : "0 0 0 2 0 0");
		assert_int_equal(pickup_do(book, "PutBackPickup", id)->status, PICKUP(CANCELLED));
		assert_stock(book, "S1", "LEEDS", "2 0 0 0 0 0");
		fulfilment_refusal(book, "PutBackPickup", fulfilment_ask(book, "PutBackPickup", id),
			REASON(WRONG_STATUS));
	}
}

static void a_pickup_that_waits_for_a_transfer_calls_it_off(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	book_receive(book, "S1", "HULL", 1);
	const char *id = pickup_at(book, "S1*2@LEEDS", PICKUP(ACCEPTED));
	const Stockbook__V1__PickPickupResponse *waiting = pick(book, id, "1*0-1n", REMEDY(TRANSFER));
	assert_int_equal(waiting->pickup->status, PICKUP(AWAITING_TRANSFER));
	const Stockbook__V1__CancelPickupResponse *response = cancel(book, id, REMEDY(CANCEL));
	assert_int_equal(response->pickup->status, PICKUP(CANCELLED));
	assert_stock(book, "S1", "HULL", "1 0 0 0 0 0");
	assert_stock(book, "S1", "LEEDS", "1 0 0 0 0 0");
	assert_int_equal(get_transfer(book, waiting->resourced[0]->document_id)->status,
		STOCKBOOK__V1__TRANSFER_STATUS__TRANSFER_STATUS_CANCELLED);
	assert_line(order_of(book, id), 1, "0 0 0 0 2 0");
}

static void what_is_on_its_way_to_a_cancelled_pickup_goes_to_the_shelf(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	book_receive(book, "S1", "HULL", 1);
	const char *id = pickup_at(book, "S1*1@LEEDS", PICKUP(ACCEPTED));
	const char *transfer = pick(book, id, "1*0-1n", REMEDY(TRANSFER))->resourced[0]->document_id;
	dispatch(book, transfer, "");
	assert_int_equal(cancel(book, id, REMEDY(CANCEL))->pickup->status, PICKUP(CANCELLED));
	receive(book, transfer, "");
	assert_stock(book, "S1", "LEEDS", "1 0 0 0 0 0");
}

static void a_cancelled_pickup_moves_to_another_store(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	book_receive(book, "S1", "YORK", 2);
	const char *id = pickup_at(book, "S1*2@LEEDS", PICKUP(ACCEPTED));
	pick(book, id, "1*1", REMEDY(OPEN));
	const Stockbook__V1__CancelPickupResponse *response = cancel(book, id, REMEDY(RE_SOURCE));
	assert_int_equal(response->pickup->status, PICKUP(PUTTING_BACK));
	assert_resourced(response->resourced, response->n_resourced, 0, "RE_SOURCE 2 YORK");
	assert_stock(book, "S1", "LEEDS", "1 0 0 1 0 0");
	assert_stock(book, "S1", "YORK", "0 0 2 0 0 0");
	assert_line(order_of(book, id), 1, "0 2 0 0 0 0");
}

static void a_cancelled_pickup_waits_at_the_same_store_for_goods_from_another(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	book_receive(book, "S1", "YORK", 9);
	const char *id = pickup_at(book, "S1*3@LEEDS", PICKUP(ACCEPTED));
	pick(book, id, "1*1", REMEDY(OPEN));
	const Stockbook__V1__CancelPickupResponse *response = cancel(book, id, REMEDY(TRANSFER));
	assert_int_equal(response->n_resourced, 2);
	assert_resourced(response->resourced, 2, 0, "TRANSFER 2 YORK");
	assert_resourced(response->resourced, 2, 1, "OPEN 1");
	const Stockbook__V1__Transfer *transfer =
		get_transfer(book, response->resourced[0]->document_id);
	assert_string_not_equal(transfer->pickup_id, id);
	const Stockbook__V1__Pickup *other = get_pickup(book, transfer->pickup_id);
	assert_int_equal(other->status, PICKUP(AWAITING_TRANSFER));
	assert_units(other->lines[0], "2 2 0 0 0 0 0");
	dispatch(book, transfer->id, "");
	receive(book, transfer->id, "");
	assert_int_equal(get_pickup(book, other->id)->status, PICKUP(REQUESTED));
}

static void a_cancelled_pickup_leaves_its_order_open_where_that_is_asked(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	const char *id = pickup_at(book, "S1*1@LEEDS", PICKUP(REQUESTED));
	const Stockbook__V1__CancelPickupResponse *response = cancel(book, id, REMEDY(OPEN));
	assert_resourced(response->resourced, response->n_resourced, 0, "OPEN 1");
	assert_line(order_of(book, id), 1, "1 0 0 0 0 0");
	/* And it may be promised anew. */
	order_do(book, "OrderService/AllocateOrder", response->pickup->order_id, "");
}

static void what_is_over_is_not_cancelled(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	const char *id = pickup_at(book, "S1*1@LEEDS", PICKUP(READY));
	collect(book, id, 'a', "");
	const struct refusal *refusal = fulfilment_refusal(book, "CancelPickup",
		fulfilment_ask(book, "CancelPickup", id), REASON(WRONG_STATUS));
	assert_string_equal(refusal_value(refusal, "status"), "COLLECTED");
}

static void a_line_cancelled_by_its_order_is_put_back_while_the_rest_is_fetched(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	book_receive(book, "S2", "LEEDS", 1);
	const char *id = pickup_at(book, "S1*1@LEEDS S2*1@LEEDS", PICKUP(READY));
	order_do(book, "OrderService/CancelOrderLines", get_pickup(book, id)->order_id, "2*1");
	const Stockbook__V1__Pickup *pickup = get_pickup(book, id);
	assert_int_equal(pickup->status, PICKUP(READY));
	assert_units(pickup->lines[1], "1 0 0 0 0 1 0");
	assert_int_equal(pickup_do(book, "PutBackPickup", id)->status, PICKUP(READY));
	assert_stock(book, "S2", "LEEDS", "1 0 0 0 0 0");
	fulfilment_refusal(book, "PutBackPickup", fulfilment_ask(book, "PutBackPickup", id),
		REASON(LINE_QUANTITY_EXCEEDED));
	assert_int_equal(collect(book, id, 'a', ""), OUTCOME(COLLECTED));
	assert_int_equal(get_pickup(book, id)->status, PICKUP(COLLECTED));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, trade_setup, book_teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_is_not_found_leaves_the_stock_and_is_counted_again),
		TEST(what_is_broken_stays_here_and_is_not_counted_again),
		TEST(a_short_pick_found_elsewhere_is_fetched_there),
		TEST(a_line_that_moved_to_another_store_says_so),
		TEST(the_same_location_is_not_asked_again),
		TEST(nothing_is_found_for_an_order_without_a_channel_and_the_fact_is_posted),
		TEST(a_transfer_brings_what_is_short_and_the_pickup_waits),
		TEST(what_a_transfer_does_not_bring_is_open_and_the_pickup_goes_on),
		TEST(the_stores_time_begins_when_the_goods_are_there),
		TEST(the_customer_does_not_get_what_is_cancelled),
		TEST(several_short_lines_are_counted_again_each),
		TEST(a_short_pick_of_what_a_fact_took_leaves_nothing_below_zero),
		TEST(a_pickup_that_nobody_touched_is_cancelled_and_its_goods_are_free),
		TEST(what_was_picked_is_put_back_before_it_is_free),
		TEST(a_pickup_that_waits_for_a_transfer_calls_it_off),
		TEST(what_is_on_its_way_to_a_cancelled_pickup_goes_to_the_shelf),
		TEST(a_cancelled_pickup_moves_to_another_store),
		TEST(a_cancelled_pickup_waits_at_the_same_store_for_goods_from_another),
		TEST(a_cancelled_pickup_leaves_its_order_open_where_that_is_asked),
		TEST(what_is_over_is_not_cancelled),
		TEST(a_line_cancelled_by_its_order_is_put_back_while_the_rest_is_fetched),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
