/* Shipments from what is allocated to delivered or lost: each step, its inverse, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/fulfilment_fixture.h"

#include "stockbook/v1/work.pb-c.h"

#define ORDER(name) STOCKBOOK__V1__ORDER_STATUS__ORDER_STATUS_##name
#define WORK(name) STOCKBOOK__V1__WORK_KIND__WORK_KIND_##name

static const Stockbook__V1__PickShipmentResponse *pick(struct book *book, const char *id,
	const char *lines, Stockbook__V1__ShortRemedy remedy)
{
	return fulfilment_call(book, "PickShipment", pick_ask(book, "PickShipment", id, lines, remedy));
}

static const Stockbook__V1__LoseShipmentResponse *lose_parcel(struct book *book, const char *id,
	Stockbook__V1__ShortRemedy remedy)
{
	Stockbook__V1__LoseShipmentRequest *request = fulfilment_ask(book, "LoseShipment", id);
	request->remedy = remedy;
	return fulfilment_call(book, "LoseShipment", request);
}

static const Stockbook__V1__Order *order_of(struct book *book, const char *shipment_id)
{
	return get_order(book, get_shipment(book, shipment_id)->order_id);
}

/* ---- The way ---- */

static void a_shipment_goes_from_allocated_to_delivered(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	const char *order_id = place_shipping(book, "S1*2@LEEDS")->order->id;
	const Stockbook__V1__Shipment *shipment = create_shipment(book, order_id, "LEEDS", "");
	const char *id = shipment->id;
	assert_int_equal(shipment->status, SHIPMENT(ALLOCATED));
	assert_units(shipment->lines[0], "2 0 2 0 0 0 0");
	/* A day where the location says nothing. */
	assert_int_equal(shipment->ship_by->seconds, shipment->create_time->seconds + 24 * 3600);
	assert_int_equal(work_on(book, id), WORK(PICK));
	assert_int_equal(shipment_do(book, "PickShipment", id)->status, SHIPMENT(PICKED));
	assert_int_equal(work_on(book, id), WORK(PACK));
	Stockbook__V1__PackShipmentRequest *pack = fulfilment_ask(book, "PackShipment", id);
	pack->parcels = 3;
	fulfilment_call(book, "PackShipment", pack);
	assert_int_equal(get_shipment(book, id)->parcels, 3);
	assert_int_equal(work_on(book, id), WORK(SHIP));
	assert_stock(book, "S1", "LEEDS", "1 0 0 2 0 0");
	Stockbook__V1__ShipShipmentRequest *ship = fulfilment_ask(book, "ShipShipment", id);
	ship->carrier = "Royal Mail";
	ship->tracking = "RM 1";
	fulfilment_call(book, "ShipShipment", ship);
	shipment = get_shipment(book, id);
	assert_int_equal(shipment->status, SHIPMENT(SHIPPED));
	assert_string_equal(shipment->carrier, "Royal Mail");
	assert_string_equal(last_change(book, id)->note, "Royal Mail RM 1");
	assert_units(shipment->lines[0], "2 0 0 0 2 0 0");
	assert_stock(book, "S1", "LEEDS", "1 0 0 0 0 0");
	assert_int_equal(work_on(book, id), 0);
	assert_line(get_order(book, order_id), 1, "0 0 0 2 0 0");
	assert_int_equal(get_order(book, order_id)->status, ORDER(FULFILLED));
	assert_int_equal(shipment_do(book, "DeliverShipment", id)->status, SHIPMENT(DELIVERED));
}

static void a_shipment_is_opened_for_what_has_none_yet(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	book_receive(book, "S1", "YORK", 2);
	book_receive(book, "S2", "LEEDS", 2);
	const char *order_id = place_shipping(book, "S1*2@LEEDS S1*2@YORK S2*2@LEEDS")->order->id;
	create_shipment(book, order_id, "LEEDS", "1*1");
	const Stockbook__V1__Shipment *rest = create_shipment(book, order_id, "LEEDS", "");
	assert_int_equal(rest->n_lines, 2);
	assert_units(rest->lines[0], "1 0 1 0 0 0 0");
	assert_units(rest->lines[1], "2 0 2 0 0 0 0");
	Stockbook__V1__CreateShipmentRequest request = STOCKBOOK__V1__CREATE_SHIPMENT_REQUEST__INIT;
	Stockbook__V1__ShipmentLine line = STOCKBOOK__V1__SHIPMENT_LINE__INIT;
	Stockbook__V1__ShipmentLine *lines[] = {&line};
	request.order_id = (char *)order_id;
	request.location = "LEEDS";
	fulfilment_refusal(book, "CreateShipment", &request, REASON(LINE_QUANTITY_EXCEEDED));
	request.lines = lines;
	request.n_lines = 1;
	line.line = 2;
	line.quantity = 3;
	request.location = "YORK";
	const struct refusal *refusal =
		fulfilment_refusal(book, "CreateShipment", &request, REASON(LINE_QUANTITY_EXCEEDED));
	assert_string_equal(refusal_value(refusal, "lines[0].available"), "2");
	line.line = 4;
	fulfilment_refusal(book, "CreateShipment", &request, REASON(ORDER_LINE_NOT_FOUND));
	request.location = "nowhere";
	fulfilment_refusal(book, "CreateShipment", &request, REASON(LOCATION_NOT_FOUND));
	/* The order's own steps move only what no shipment has. */
	order_do(book, "OrderService/PickOrder", order_id, "");
	assert_stock(book, "S1", "LEEDS", "0 0 2 0 0 0");
	assert_stock(book, "S1", "YORK", "0 0 0 2 0 0");
}

static void what_was_not_picked_and_packed_yet_is_shipped_at_once(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	const char *id = shipment_at(book, "S1*2@LEEDS", "LEEDS", SHIPMENT(ALLOCATED));
	pick(book, id, "1*1", REMEDY(OPEN));
	Stockbook__V1__ShipShipmentRequest *request = fulfilment_ask(book, "ShipShipment", id);
	fulfilment_refusal(book, "ShipShipment", request, REASON(WRONG_STATUS));
	request->skip = true;
	fulfilment_call(book, "ShipShipment", request);
	assert_units(get_shipment(book, id)->lines[0], "2 0 0 0 2 0 0");
	assert_int_equal(get_shipment(book, id)->parcels, 1);
	assert_stock(book, "S1", "LEEDS", "0 0 0 0 0 0");
}

static void a_shipment_stays_allocated_until_all_is_picked(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	const char *id = shipment_at(book, "S1*3@LEEDS", "LEEDS", SHIPMENT(ALLOCATED));
	assert_int_equal(pick(book, id, "1*1", REMEDY(OPEN))->shipment->status, SHIPMENT(ALLOCATED));
	fulfilment_refusal(book, "PackShipment", fulfilment_ask(book, "PackShipment", id),
		REASON(WRONG_STATUS));
	assert_int_equal(pick(book, id, "1*2", REMEDY(OPEN))->shipment->status, SHIPMENT(PICKED));
}

/* ---- Inverses ---- */

static void stepping_back_takes_back_the_last_step(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	const char *id = shipment_at(book, "S1*2@LEEDS", "LEEDS", SHIPMENT(PACKED));
	const Stockbook__V1__Shipment *back = shipment_do(book, "StepBackShipment", id);
	assert_int_equal(back->status, SHIPMENT(PICKED));
	assert_int_equal(back->parcels, 0);
	assert_int_equal(shipment_do(book, "StepBackShipment", id)->status, SHIPMENT(ALLOCATED));
	assert_stock(book, "S1", "LEEDS", "0 0 2 0 0 0");
	fulfilment_refusal(book, "StepBackShipment", fulfilment_ask(book, "StepBackShipment", id),
		REASON(LINE_QUANTITY_EXCEEDED));
	pick(book, id, "1*1", REMEDY(OPEN));
	assert_int_equal(shipment_do(book, "StepBackShipment", id)->status, SHIPMENT(ALLOCATED));
	assert_stock(book, "S1", "LEEDS", "0 0 2 0 0 0");
	assert_line(order_of(book, id), 1, "0 2 0 0 0 0");
}

/* ---- Splitting ---- */

static void a_part_becomes_a_shipment_of_its_own(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 5);
	const char *id = shipment_at(book, "S1*5@LEEDS", "LEEDS", SHIPMENT(ALLOCATED));
	pick(book, id, "1*3", REMEDY(OPEN));
	const Stockbook__V1__SplitShipmentResponse *response =
		fulfilment_call(book, "SplitShipment", parts_ask(book, "SplitShipment", id, "1*3"));
	/* Two of the three that go were still to pick, and none is left of these. */
	assert_units(response->shipment->lines[0], "5 0 0 2 0 0 3");
	assert_int_equal(response->shipment->status, SHIPMENT(PICKED));
	assert_units(response->split_off->lines[0], "3 0 2 1 0 0 0");
	assert_int_equal(response->split_off->status, SHIPMENT(ALLOCATED));
	assert_int_equal(response->split_off->ship_by->seconds, response->shipment->ship_by->seconds);
	assert_stock(book, "S1", "LEEDS", "0 0 2 3 0 0");
	const char *other = response->split_off->id;
	shipment_do(book, "PackShipment", id);
	shipment_do(book, "ShipShipment", id);
	assert_int_equal(order_of(book, id)->status, ORDER(PARTIALLY_FULFILLED));
	shipment_do(book, "PickShipment", other);
	shipment_do(book, "PackShipment", other);
	shipment_do(book, "ShipShipment", other);
	assert_int_equal(order_of(book, id)->status, ORDER(FULFILLED));
}

static void a_split_is_less_than_all_and_no_more_than_there_is(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	const char *id = shipment_at(book, "S1*2@LEEDS", "LEEDS", SHIPMENT(PICKED));
	uint64_t before = book_digest(book);
	assert_wrong_field(fulfilment_refusal(book, "SplitShipment",
						   parts_ask(book, "SplitShipment", id, "1*2"), REASON(INVALID_FIELD)),
		"lines");
	assert_wrong_field(fulfilment_refusal(book, "SplitShipment",
						   parts_ask(book, "SplitShipment", id, ""), REASON(INVALID_FIELD)),
		"lines");
	const struct refusal *refusal = fulfilment_refusal(book, "SplitShipment",
		parts_ask(book, "SplitShipment", id, "1*1 1*2"), REASON(LINE_QUANTITY_EXCEEDED));
	assert_string_equal(refusal_value(refusal, "lines[1].available"), "1");
	assert_true(book_digest(book) == before);
}

static void what_is_split_off_a_packed_shipment_is_packed_anew(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	const char *id = shipment_at(book, "S1*2@LEEDS", "LEEDS", SHIPMENT(PACKED));
	const Stockbook__V1__SplitShipmentResponse *response =
		fulfilment_call(book, "SplitShipment", parts_ask(book, "SplitShipment", id, "1*1"));
	assert_int_equal(response->shipment->status, SHIPMENT(PACKED));
	assert_int_equal(response->split_off->status, SHIPMENT(PICKED));
	assert_int_equal(work_on(book, response->split_off->id), WORK(PACK));
}

/* ---- Short ---- */

static void a_short_pick_is_shipped_from_elsewhere(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	book_receive(book, "S1", "YORK", 1);
	book_receive(book, "S1", "HULL", 9);
	const char *id = shipment_at(book, "S1*3@LEEDS", "LEEDS", SHIPMENT(ALLOCATED));
	const Stockbook__V1__PickShipmentResponse *response =
		pick(book, id, "1*1-2n", REMEDY(RE_SOURCE));
	assert_int_equal(response->shipment->status, SHIPMENT(PICKED));
	/* The rest of the line is split on the remainder. */
	assert_int_equal(response->n_resourced, 2);
	assert_resourced(response->resourced, 2, 0, "RE_SOURCE 1 YORK");
	assert_resourced(response->resourced, 2, 1, "RE_SOURCE 1 HULL");
	assert_int_equal(recounts(book, "S1", "LEEDS"), 1);
	const Stockbook__V1__Shipment *other = get_shipment(book, response->resourced[1]->document_id);
	assert_string_equal(other->location, "HULL");
	assert_string_equal(other->replaces, "");
	assert_units(other->lines[0], "1 0 1 0 0 0 0");
	assert_line(order_of(book, id), 1, "0 2 1 0 0 0");
}

static void parcels_sent_from_elsewhere_take_of_the_days_capacity(void **state)
{
	struct book *book = *state;
	Stockbook__V1__Location location = STOCKBOOK__V1__LOCATION__INIT;
	location.code = location.name = "YORK";
	location.kind = STOCKBOOK__V1__LOCATION_KIND__LOCATION_KIND_STORE;
	location.ships = true;
	location.daily_ship_capacity = 1;
	Stockbook__V1__PutLocationRequest put = STOCKBOOK__V1__PUT_LOCATION_REQUEST__INIT;
	put.location = &location;
	book_call(book, "LocationService/PutLocation", &put);
	book->now_us += 2 * SECOND_US; /* a location may be answered from what it was a second ago */
	book_receive(book, "S1", "LEEDS", 2);
	book_receive(book, "S1", "YORK", 9);
	book_receive(book, "S1", "HULL", 9);
	static const char *const expected[] = {"RE_SOURCE 1 YORK", "RE_SOURCE 1 HULL"};
	for (size_t i = 0; i < 2; i++) {
		const char *id = shipment_at(book, "S1*1@LEEDS", "LEEDS", SHIPMENT(ALLOCATED));
		const Stockbook__V1__PickShipmentResponse *response =
			pick(book, id, "1*0-1n", REMEDY(RE_SOURCE));
		assert_resourced(response->resourced, response->n_resourced, 0, expected[i]);
	}
}

static void a_short_shipment_is_not_brought_by_a_transfer(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	const char *id = shipment_at(book, "S1*1@LEEDS", "LEEDS", SHIPMENT(ALLOCATED));
	assert_wrong_field(fulfilment_refusal(book, "PickShipment",
						   pick_ask(book, "PickShipment", id, "1*0-1n", REMEDY(TRANSFER)),
						   REASON(INVALID_FIELD)),
		"remedy");
}

static void a_shipment_that_is_wholly_short_is_over(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	const char *id = shipment_at(book, "S1*1@LEEDS", "LEEDS", SHIPMENT(ALLOCATED));
	const Stockbook__V1__PickShipmentResponse *response = pick(book, id, "1*0-1d", REMEDY(CANCEL));
	assert_int_equal(response->shipment->status, SHIPMENT(CANCELLED));
	assert_int_equal(order_of(book, id)->status, ORDER(CANCELLED));
	assert_stock(book, "S1", "LEEDS", "0 0 0 0 1 0");
}

/* ---- Lost ---- */

static void a_lost_parcel_is_replaced_from_the_same_order(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	const char *id = shipment_at(book, "S1*2@LEEDS", "LEEDS", SHIPMENT(SHIPPED));
	assert_int_equal(order_of(book, id)->status, ORDER(FULFILLED));
	const Stockbook__V1__LoseShipmentResponse *response =
		lose_parcel(book, id, REMEDY(UNSPECIFIED));
	assert_int_equal(response->shipment->status, SHIPMENT(LOST));
	assert_units(response->shipment->lines[0], "2 0 0 0 0 0 2");
	/* From anywhere, also from where it was sent; what nobody has is open. */
	assert_int_equal(response->n_resourced, 2);
	assert_resourced(response->resourced, 2, 0, "RE_SOURCE 1 LEEDS");
	assert_resourced(response->resourced, 2, 1, "OPEN 1");
	const Stockbook__V1__Shipment *other = get_shipment(book, response->resourced[0]->document_id);
	assert_string_equal(other->replaces, id);
	assert_line(order_of(book, id), 1, "1 1 0 0 0 0");
	assert_int_equal(order_of(book, id)->status, ORDER(OPEN));
	size_t count;
	const void *const *movements = memory_store_rows(book->store, TABLE(movement), &count);
	const struct movement_row *lost = movements[count - 2];
	assert_int_equal(lost->reason, STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_PARCEL_LOST);
	assert_int_equal(lost->from_state, STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_CUSTOMER);
	assert_int_equal(lost->to_state, STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_LOSS);
	fulfilment_refusal(book, "DeliverShipment", fulfilment_ask(book, "DeliverShipment", id),
		REASON(WRONG_STATUS));
	shipment_do(book, "PickShipment", other->id);
	shipment_do(book, "PackShipment", other->id);
	assert_int_equal(shipment_do(book, "ShipShipment", other->id)->status, SHIPMENT(SHIPPED));
}

static void a_lost_parcel_is_cancelled_where_that_is_asked(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	const char *id = shipment_at(book, "S1*2@LEEDS", "LEEDS", SHIPMENT(SHIPPED));
	const Stockbook__V1__LoseShipmentResponse *response = lose_parcel(book, id, REMEDY(CANCEL));
	assert_resourced(response->resourced, response->n_resourced, 0, "CANCEL 2");
	assert_line(order_of(book, id), 1, "0 0 0 0 2 0");
	assert_int_equal(order_of(book, id)->status, ORDER(CANCELLED));
}

static void what_came_back_was_not_lost(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	const char *id = shipment_at(book, "S1*2@LEEDS", "LEEDS", SHIPMENT(SHIPPED));
	take_back(book, "LEEDS", get_shipment(book, id)->order_id, "1*1");
	fulfilment_refusal(book, "LoseShipment", fulfilment_ask(book, "LoseShipment", id),
		REASON(RETURN_EXCEEDS_FULFILLED));
}

/* ---- Cancelling ---- */

static void a_shipment_is_cancelled_before_it_leaves(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	static const Stockbook__V1__ShipmentStatus before[] = {
		SHIPMENT(ALLOCATED), SHIPMENT(PICKED), SHIPMENT(PACKED)};
	for (size_t i = 0; i < 3; i++) {
		const char *id = shipment_at(book, "S1*2@LEEDS", "LEEDS", before[i]);
		const Stockbook__V1__Shipment *cancelled = shipment_do(book, "CancelShipment", id);
		assert_line(order_of(book, id), 1, "0 0 0 0 2 0");
		if (before[i] == SHIPMENT(ALLOCATED)) {
			assert_int_equal(cancelled->status, SHIPMENT(CANCELLED));
		} else {
			assert_int_equal(cancelled->status, SHIPMENT(PUTTING_BACK));
			assert_stock(book, "S1", "LEEDS", "0 0 0 2 0 0");
			assert_int_equal(work_on(book, id), WORK(PUT_BACK));
			fulfilment_call(book, "PutBackShipment", parts_ask(book, "PutBackShipment", id, "1*1"));
			assert_int_equal(get_shipment(book, id)->status, SHIPMENT(PUTTING_BACK));
			assert_int_equal(shipment_do(book, "PutBackShipment", id)->status, SHIPMENT(CANCELLED));
		}
		assert_stock(book, "S1", "LEEDS", "2 0 0 0 0 0");
	}
	const char *id = shipment_at(book, "S1*2@LEEDS", "LEEDS", SHIPMENT(SHIPPED));
	fulfilment_refusal(book, "CancelShipment", fulfilment_ask(book, "CancelShipment", id),
		REASON(WRONG_STATUS));
}

static void a_cancelled_shipment_is_sent_from_elsewhere(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	book_receive(book, "S1", "YORK", 2);
	const char *id = shipment_at(book, "S1*2@LEEDS", "LEEDS", SHIPMENT(PICKED));
	Stockbook__V1__CancelShipmentRequest *request = fulfilment_ask(book, "CancelShipment", id);
	request->remedy = REMEDY(RE_SOURCE);
	const Stockbook__V1__CancelShipmentResponse *response =
		fulfilment_call(book, "CancelShipment", request);
	assert_resourced(response->resourced, response->n_resourced, 0, "RE_SOURCE 2 YORK");
	assert_stock(book, "S1", "LEEDS", "0 0 0 2 0 0");
	assert_stock(book, "S1", "YORK", "0 0 2 0 0 0");
	shipment_do(book, "PutBackShipment", id);
	assert_stock(book, "S1", "LEEDS", "2 0 0 0 0 0");
}

static void what_its_order_cancelled_is_put_back_though_the_rest_has_left(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	const char *id = shipment_at(book, "S1*2@LEEDS", "LEEDS", SHIPMENT(PACKED));
	order_do(book, "OrderService/CancelOrderLines", get_shipment(book, id)->order_id, "1*1");
	assert_int_equal(get_shipment(book, id)->status, SHIPMENT(PACKED));
	assert_units(get_shipment(book, id)->lines[0], "2 0 0 1 0 1 0");
	shipment_do(book, "ShipShipment", id);
	assert_int_equal(work_on(book, id), WORK(PUT_BACK));
	assert_int_equal(shipment_do(book, "PutBackShipment", id)->status, SHIPMENT(SHIPPED));
	assert_units(get_shipment(book, id)->lines[0], "2 0 0 0 1 0 1");
	assert_stock(book, "S1", "LEEDS", "1 0 0 0 0 0");
}

/* ---- Lists ---- */

static void lists_are_by_location_and_status_or_by_order(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 9);
	const char *first = shipment_at(book, "S1*1@LEEDS", "LEEDS", SHIPMENT(ALLOCATED));
	const char *second = shipment_at(book, "S1*1@LEEDS", "LEEDS", SHIPMENT(PACKED));
	const char *left = shipment_at(book, "S1*1@LEEDS", "LEEDS", SHIPMENT(SHIPPED));
	Stockbook__V1__ListShipmentsRequest request = STOCKBOOK__V1__LIST_SHIPMENTS_REQUEST__INIT;
	request.location = "LEEDS";
	const Stockbook__V1__ListShipmentsResponse *response =
		fulfilment_call(book, "ListShipments", &request);
	assert_int_equal(response->n_shipments, 2);
	assert_string_equal(response->shipments[0]->id, first);
	assert_string_equal(response->shipments[1]->id, second);
	request.status = SHIPMENT(SHIPPED);
	response = fulfilment_call(book, "ListShipments", &request);
	assert_int_equal(response->n_shipments, 1);
	assert_string_equal(response->shipments[0]->id, left);
	Stockbook__V1__ListShipmentsRequest of_order = STOCKBOOK__V1__LIST_SHIPMENTS_REQUEST__INIT;
	of_order.order_id = get_shipment(book, left)->order_id;
	response = fulfilment_call(book, "ListShipments", &of_order);
	assert_int_equal(response->n_shipments, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, trade_setup, book_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_shipment_goes_from_allocated_to_delivered),
		TEST(a_shipment_is_opened_for_what_has_none_yet),
		TEST(what_was_not_picked_and_packed_yet_is_shipped_at_once),
		TEST(a_shipment_stays_allocated_until_all_is_picked),
		TEST(stepping_back_takes_back_the_last_step),
		TEST(a_part_becomes_a_shipment_of_its_own),
		TEST(a_split_is_less_than_all_and_no_more_than_there_is),
		TEST(what_is_split_off_a_packed_shipment_is_packed_anew),
		TEST(a_short_pick_is_shipped_from_elsewhere),
		TEST(parcels_sent_from_elsewhere_take_of_the_days_capacity),
		TEST(a_short_shipment_is_not_brought_by_a_transfer),
		TEST(a_shipment_that_is_wholly_short_is_over),
		TEST(a_lost_parcel_is_replaced_from_the_same_order),
		TEST(a_lost_parcel_is_cancelled_where_that_is_asked),
		TEST(what_came_back_was_not_lost),
		TEST(a_shipment_is_cancelled_before_it_leaves),
		TEST(a_cancelled_shipment_is_sent_from_elsewhere),
		TEST(what_its_order_cancelled_is_put_back_though_the_rest_has_left),
		TEST(lists_are_by_location_and_status_or_by_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
