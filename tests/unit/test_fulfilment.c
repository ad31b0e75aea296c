/* Pickups, shipments and transfers as their order opens, frees and cancels them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "stockbook/v1/channel.pb-c.h"
#include "unit/promise_fixture.h"

#define METHOD(name) STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_##name
#define ORDER(name) STOCKBOOK__V1__ORDER_STATUS__ORDER_STATUS_##name
#define PICKUP(name) STOCKBOOK__V1__PICKUP_STATUS__PICKUP_STATUS_##name
#define SHIPMENT(name) STOCKBOOK__V1__SHIPMENT_STATUS__SHIPMENT_STATUS_##name
#define REMEDY(name) STOCKBOOK__V1__SHORT_REMEDY__SHORT_REMEDY_##name
#define TRANSFER(name) STOCKBOOK__V1__TRANSFER_STATUS__TRANSFER_STATUS_##name

static const char place_name[] = "OrderService/PlaceOrder";

/* ---- Orders by method ---- */

static Stockbook__V1__PlaceOrderRequest *request_by(struct book *book, const char *lines,
	Stockbook__V1__FulfilmentMethod method, const char *pickup_location)
{
	Stockbook__V1__PlaceOrderRequest *request = place_request(book, lines);
	for (size_t i = 0; i < request->n_lines; i++) {
		request->lines[i]->method = method;
		request->lines[i]->pickup_location = arena_string(&book->arena, pickup_location);
	}
	return request;
}

static const Stockbook__V1__PlaceOrderResponse *place_by(struct book *book, const char *lines,
	Stockbook__V1__FulfilmentMethod method, const char *pickup_location)
{
	return book_call(book, place_name, request_by(book, lines, method, pickup_location));
}

static void plan_shipments(struct book *book)
{
	Stockbook__V1__Channel channel = STOCKBOOK__V1__CHANNEL__INIT;
	channel.code = "web";
	channel.location_group = "web";
	channel.plans_shipments = true;
	Stockbook__V1__PutChannelRequest request = STOCKBOOK__V1__PUT_CHANNEL_REQUEST__INIT;
	request.channel = &channel;
	book_call(book, "ChannelService/PutChannel", &request);
	book->now_us += 2 * SECOND_US; /* a channel may be answered from what it was a second ago */
}

/* "quantity awaiting to_pick picked done put_back dropped" */
static void assert_fulfilment_line(const Stockbook__V1__FulfilmentLine *line, const char *counters)
{
	char text[160];
	snprintf(text, sizeof(text), "%lld %lld %lld %lld %lld %lld %lld", (long long)line->quantity,
		(long long)line->awaiting, (long long)line->to_pick, (long long)line->picked,
		(long long)line->done, (long long)line->put_back, (long long)line->dropped);
	assert_string_equal(text, counters);
}

/* ---- The rows, as they are stored ---- */

static const struct fulfilment_row *stored(struct book *book, const char *id)
{
	size_t count;
	const void *const *rows = memory_store_rows(book->store, TABLE(fulfilment), &count);
	struct uuid uuid;
	assert_true(uuid_parse(id, &uuid));
	for (size_t i = 0; i < count; i++)
		if (uuid_compare(&((const struct fulfilment_row *)rows[i])->id, &uuid) == 0)
			return rows[i];
	fail_msg("no fulfilment '%s'", id);
	return NULL;
}

static size_t count_of(struct book *book, const struct table *table)
{
	size_t count;
	memory_store_rows(book->store, table, &count);
	return count;
}

/* ---- Pickups ---- */

static void pickup_holds_at_its_store(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	book_receive(book, "S1", "YORK", 5);
	/* The web has five more, but not where she wants to fetch it. */
	const struct refusal *refusal = book_refusal(book, place_name,
		request_by(book, "S1*2@LEEDS", METHOD(PICKUP), ""), REASON(OUT_OF_STOCK));
	assert_string_equal(refusal_value(refusal, "lines[0].available"), "1");
	const Stockbook__V1__PlaceOrderResponse *response =
		place_by(book, "S1*1@LEEDS", METHOD(PICKUP), "");
	assert_stock(book, "S1", "LEEDS", "0 0 1 0 0 0");
	assert_int_equal(response->n_pickups, 1);
	assert_string_equal(response->pickups[0]->location, "LEEDS");
	assert_int_equal(response->pickups[0]->status, PICKUP(REQUESTED));
	assert_fulfilment_line(response->pickups[0]->lines[0], "1 0 1 0 0 0 0");
	assert_string_equal(response->order->lines[0]->pickup_location, "LEEDS");
	assert_line(response->order, 1, "0 1 0 0 0 0");
	/* Nobody else is promised it. */
	book_refusal(book, place_name, place_request(book, "S1*1@LEEDS"), REASON(OUT_OF_STOCK));
}

static void a_pickup_without_a_location_is_where_all_of_the_line_is(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	book_receive(book, "S1", "YORK", 2);
	const Stockbook__V1__PlaceOrderResponse *response = place_by(book, "S1*2", METHOD(PICKUP), "");
	assert_int_equal(response->n_pickups, 1);
	assert_string_equal(response->pickups[0]->location, "YORK");
	assert_string_equal(response->order->lines[0]->pickup_location, "YORK");
	assert_stock(book, "S1", "LEEDS", "1 0 0 0 0 0");
}

/* One way for the customer, though other stores come first for each line alone. */
static void lines_without_a_location_are_fetched_where_all_of_them_are(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 5);
	book_receive(book, "S2", "YORK", 5);
	book_receive(book, "S1", "HULL", 5);
	book_receive(book, "S2", "HULL", 5);
	const Stockbook__V1__PlaceOrderResponse *response =
		place_by(book, "S1*3 S2*1 S1*2", METHOD(PICKUP), "");
	assert_int_equal(response->n_pickups, 1);
	assert_string_equal(response->pickups[0]->location, "HULL");
	assert_stock(book, "S1", "HULL", "0 0 5 0 0 0");
	/* Nobody has both any more. */
	response = place_by(book, "S1*1 S2*1", METHOD(PICKUP), "");
	assert_int_equal(response->n_pickups, 2);
	assert_string_equal(response->order->lines[0]->pickup_location, "LEEDS");
	assert_string_equal(response->order->lines[1]->pickup_location, "YORK");
}

static void an_order_explains_where_its_goods_come_from(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "YORK", 1);
	Stockbook__V1__PlaceOrderRequest *request = place_request(book, "S1*1");
	request->explain = true;
	const Stockbook__V1__PlaceOrderResponse *response = book_call(book, place_name, request);
	assert_non_null(response->explanation);
	assert_int_equal(response->explanation->n_candidates, 3);
	assert_string_equal(response->explanation->candidates[0]->location, "LEEDS");
	assert_int_equal(response->explanation->candidates[0]->verdict,
		STOCKBOOK__V1__SOURCING_VERDICT__SOURCING_VERDICT_NO_STOCK);
	assert_int_equal(response->explanation->candidates[1]->verdict,
		STOCKBOOK__V1__SOURCING_VERDICT__SOURCING_VERDICT_CHOSEN);
}

static void lines_fetched_at_one_place_share_a_pickup(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	book_receive(book, "S2", "LEEDS", 2);
	book_receive(book, "S3", "YORK", 2);
	const Stockbook__V1__PlaceOrderResponse *response =
		place_by(book, "S1*1@LEEDS S2*2@LEEDS S3*1@YORK", METHOD(PICKUP), "");
	assert_int_equal(response->n_pickups, 2);
	assert_int_equal(response->pickups[0]->n_lines, 2);
	assert_int_equal(response->pickups[1]->n_lines, 1);
	assert_int_equal(count_of(book, TABLE(work)), 2);
}

/* ---- Shipments ---- */

static void a_channel_that_plans_shipments_gets_one_at_each_location(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	book_receive(book, "S1", "YORK", 2);
	const Stockbook__V1__PlaceOrderResponse *plain = place_by(book, "S1*1", METHOD(SHIP), "");
	assert_int_equal(plain->n_shipments, 0);
	assert_int_equal(count_of(book, TABLE(fulfilment)), 0);
	plan_shipments(book);
	const Stockbook__V1__PlaceOrderResponse *response = place_by(book, "S1*3", METHOD(SHIP), "");
	assert_int_equal(response->n_shipments, 2);
	assert_fulfilment_line(response->shipments[0]->lines[0], "1 0 1 0 0 0 0");
	assert_fulfilment_line(response->shipments[1]->lines[0], "2 0 2 0 0 0 0");
	assert_int_equal(response->shipments[0]->status, SHIPMENT(ALLOCATED));
	assert_int_equal(response->order->status, ORDER(OPEN));
}

/* What a shipment has is its own: the order's steps find nothing. */
static void the_orders_own_steps_take_free_units_alone(void **state)
{
	static const char *const steps[] = {
		"OrderService/DeallocateOrder", "OrderService/PickOrder", "OrderService/ShipOrder"};
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 4);
	plan_shipments(book);
	const char *id = place_by(book, "S1*2", METHOD(SHIP), "")->order->id;
	for (size_t i = 0; i < ARRAY_COUNT(steps); i++)
		book_refusal(book, steps[i], step_request(book, steps[i], id, "1*1"),
			REASON(LINE_QUANTITY_EXCEEDED));
	assert_stock(book, "S1", "LEEDS", "2 0 2 0 0 0");
}

/* ---- Cancelling ---- */

static void splitting_sums_to_the_line(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 10);
	book_receive(book, "S1", "YORK", 13);
	plan_shipments(book);
	const Stockbook__V1__PlaceOrderResponse *response = place_by(book, "S1*13", METHOD(SHIP), "");
	int64_t sum = 0;
	for (size_t i = 0; i < response->n_shipments; i++)
		sum += response->shipments[i]->lines[0]->to_pick;
	assert_int_equal(sum, 13);
	assert_line(response->order, 1, "0 13 0 0 0 0");
	assert_stock(book, "S1", "YORK", "10 0 3 0 0 0");
}

static void cancelling_lines_goes_on_into_pickups(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	const Stockbook__V1__PlaceOrderResponse *response =
		place_by(book, "S1*3@LEEDS", METHOD(PICKUP), "");
	const char *pickup = response->pickups[0]->id;
	const Stockbook__V1__Order *order =
		order_do(book, "OrderService/CancelOrderLines", response->order->id, "1*1");
	assert_line(order, 1, "0 2 0 0 1 0");
	assert_stock(book, "S1", "LEEDS", "1 0 2 0 0 0");
	assert_int_equal(stored(book, pickup)->status, PICKUP(REQUESTED));
	order = order_do(book, "OrderService/CancelOrderLines", response->order->id, "");
	assert_int_equal(order->status, ORDER(CANCELLED));
	assert_int_equal(stored(book, pickup)->status, PICKUP(CANCELLED));
	assert_stock(book, "S1", "LEEDS", "3 0 0 0 0 0");
	assert_int_equal(count_of(book, TABLE(work)), 0);
}

static const Stockbook__V1__CancelShipmentResponse *cancel_shipment(struct book *book,
	const char *id, Stockbook__V1__ShortRemedy remedy)
{
	Stockbook__V1__CancelShipmentRequest request = STOCKBOOK__V1__CANCEL_SHIPMENT_REQUEST__INIT;
	request.shipment_id = (char *)id;
	request.remedy = remedy;
	return book_call(book, "ShipmentService/CancelShipment", &request);
}

/* vendure#1198: the order knows again what it has not got, and gets it. */
static void cancelling_a_fulfilment_keeps_the_allocation_right(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	plan_shipments(book);
	const Stockbook__V1__PlaceOrderResponse *placed = place_by(book, "S1*3", METHOD(SHIP), "");
	const char *id = placed->order->id;
	cancel_shipment(book, placed->shipments[0]->id, REMEDY(OPEN));
	assert_line(get_order(book, id), 1, "3 0 0 0 0 0");
	assert_stock(book, "S1", "LEEDS", "3 0 0 0 0 0");
	const Stockbook__V1__AllocateOrderResponse *again = book_call(book,
		"OrderService/AllocateOrder", step_request(book, "OrderService/AllocateOrder", id, ""));
	assert_line(again->order, 1, "0 3 0 0 0 0");
	assert_int_equal(again->n_shipments, 1);
	assert_stock(book, "S1", "LEEDS", "0 0 3 0 0 0");

	/* Picked goods are nobody's until they are back on the shelf. */
	Stockbook__V1__PickShipmentRequest pick = STOCKBOOK__V1__PICK_SHIPMENT_REQUEST__INIT;
	pick.shipment_id = again->shipments[0]->id;
	book_call(book, "ShipmentService/PickShipment", &pick);
	const Stockbook__V1__Order *order = order_do(book, "OrderService/CancelOrderLines", id, "1*1");
	assert_line(order, 1, "0 0 2 0 1 0");
	assert_stock(book, "S1", "LEEDS", "0 0 0 3 0 0");
	book_refusal(book, place_name, place_request(book, "S1*1"), REASON(OUT_OF_STOCK));
	order = order_do(book, "OrderService/CancelOrderLines", id, "");
	assert_int_equal(order->status, ORDER(CANCELLED));
	assert_int_equal(stored(book, pick.shipment_id)->status, SHIPMENT(PUTTING_BACK));
	Stockbook__V1__PutBackShipmentRequest back = STOCKBOOK__V1__PUT_BACK_SHIPMENT_REQUEST__INIT;
	back.shipment_id = pick.shipment_id;
	book_call(book, "ShipmentService/PutBackShipment", &back);
	assert_stock(book, "S1", "LEEDS", "3 0 0 0 0 0");
	assert_int_equal(stored(book, pick.shipment_id)->status, SHIPMENT(CANCELLED));
	assert_int_equal(count_of(book, TABLE(work)), 0);
}

/* Some of a line is free, some on a shipment: the free ones go first. */
static void what_is_free_is_cancelled_before_what_is_on_its_way(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	const char *id = place(book, "S1*3")->id;
	Stockbook__V1__ShipmentLine part = STOCKBOOK__V1__SHIPMENT_LINE__INIT;
	Stockbook__V1__ShipmentLine *parts[] = {&part};
	part.line = 1;
	part.quantity = 2;
	Stockbook__V1__CreateShipmentRequest create = STOCKBOOK__V1__CREATE_SHIPMENT_REQUEST__INIT;
	create.order_id = (char *)id;
	create.location = "LEEDS";
	create.n_lines = 1;
	create.lines = parts;
	const Stockbook__V1__CreateShipmentResponse *created =
		book_call(book, "ShipmentService/CreateShipment", &create);
	order_do(book, "OrderService/CancelOrderLines", id, "1*1");
	assert_int_equal(stored(book, created->shipment->id)->status, SHIPMENT(ALLOCATED));
	assert_line(get_order(book, id), 1, "0 2 0 0 1 0");
	Stockbook__V1__ShipShipmentRequest ship = STOCKBOOK__V1__SHIP_SHIPMENT_REQUEST__INIT;
	ship.shipment_id = created->shipment->id;
	ship.skip = true;
	book_call(book, "ShipmentService/ShipShipment", &ship);
	const Stockbook__V1__Order *order = get_order(book, id);
	assert_line(order, 1, "0 0 0 2 1 0");
	assert_int_equal(order->status, ORDER(FULFILLED));
}

/* Of a parcel that is lost the goods come again from the same order. */
static void a_lost_parcel_makes_the_order_open_again(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 4);
	plan_shipments(book);
	const Stockbook__V1__PlaceOrderResponse *placed = place_by(book, "S1*2", METHOD(SHIP), "");
	Stockbook__V1__ShipShipmentRequest ship = STOCKBOOK__V1__SHIP_SHIPMENT_REQUEST__INIT;
	ship.shipment_id = placed->shipments[0]->id;
	ship.skip = true;
	book_call(book, "ShipmentService/ShipShipment", &ship);
	Stockbook__V1__LoseShipmentRequest lost = STOCKBOOK__V1__LOSE_SHIPMENT_REQUEST__INIT;
	lost.shipment_id = ship.shipment_id;
	lost.remedy = REMEDY(OPEN);
	book_call(book, "ShipmentService/LoseShipment", &lost);
	const Stockbook__V1__Order *order = get_order(book, placed->order->id);
	assert_line(order, 1, "2 0 0 0 0 0");
	assert_int_equal(order->status, ORDER(OPEN));
}

/* ---- Ship to store ---- */

static void goods_for_a_store_come_by_transfer(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	book_receive(book, "S1", "YORK", 1);
	const Stockbook__V1__PlaceOrderResponse *response =
		place_by(book, "S1*3", METHOD(SHIP_TO_STORE), "YORK");
	assert_int_equal(response->n_pickups, 1);
	assert_int_equal(response->pickups[0]->status, PICKUP(AWAITING_TRANSFER));
	assert_fulfilment_line(response->pickups[0]->lines[0], "3 2 1 0 0 0 0");
	assert_int_equal(response->n_transfers, 1);
	assert_string_equal(response->transfers[0]->source, "LEEDS");
	assert_string_equal(response->transfers[0]->destination, "YORK");
	assert_int_equal(response->transfers[0]->lines[0]->allocated, 2);
	assert_line(response->order, 1, "0 3 0 0 0 0");
	assert_int_equal(response->order->lines[0]->n_allocations, 1);
	assert_int_equal(response->order->lines[0]->allocations[0]->awaiting, 2);
	assert_stock(book, "S1", "LEEDS", "0 0 2 0 0 0");
	assert_stock(book, "S1", "YORK", "0 0 1 0 0 0");
}

static void what_need_not_come_any_more_is_free_at_its_source(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	const Stockbook__V1__PlaceOrderResponse *response =
		place_by(book, "S1*2", METHOD(SHIP_TO_STORE), "YORK");
	const Stockbook__V1__Order *order =
		order_do(book, "OrderService/CancelOrderLines", response->order->id, "");
	assert_int_equal(order->status, ORDER(CANCELLED));
	assert_int_equal(stored(book, response->pickups[0]->id)->status, PICKUP(CANCELLED));
	assert_stock(book, "S1", "LEEDS", "2 0 0 0 0 0");
	size_t count;
	const struct transfer_row *const *transfers =
		(const void *)memory_store_rows(book->store, TABLE(transfer), &count);
	assert_int_equal(transfers[0]->status, TRANSFER(CANCELLED));
}

/* ---- Endless aisle ---- */

static void what_the_store_lacks_is_sent_in_the_same_call(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	book_receive(book, "S1", "HULL", 5);
	Stockbook__V1__PlaceOrderRequest *request = place_request(book, "!S1*3@LEEDS:100 !S2*1@LEEDS");
	request->lines[0]->otherwise = METHOD(SHIP);
	const Stockbook__V1__PlaceOrderResponse *response = book_call(book, place_name, request);
	assert_int_equal(response->order->n_lines, 3);
	assert_line(response->order, 1, "0 0 0 1 0 0");
	assert_line(response->order, 2, "0 0 0 1 0 0");
	assert_line(response->order, 3, "0 2 0 0 0 0");
	assert_int_equal(response->order->lines[2]->method, METHOD(SHIP));
	assert_int_equal(response->order->total->minor_units, 300);
	assert_int_equal(response->order->status, ORDER(PARTIALLY_FULFILLED));
	assert_stock(book, "S1", "HULL", "3 0 2 0 0 0");
}

/* What waits for somebody else stays his, unlike in a sale of what is in her hands already. */
static void what_is_promised_to_others_is_not_carried_out_where_there_is_another_way(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	book_receive(book, "S1", "HULL", 5);
	place_by(book, "S1*2@LEEDS", METHOD(PICKUP), "");
	Stockbook__V1__PlaceOrderRequest *request = place_request(book, "!S1*2@LEEDS");
	request->lines[0]->otherwise = METHOD(SHIP);
	const Stockbook__V1__PlaceOrderResponse *response = book_call(book, place_name, request);
	assert_line(response->order, 1, "0 0 0 1 0 0");
	assert_line(response->order, 2, "0 1 0 0 0 0");
	assert_stock(book, "S1", "LEEDS", "0 0 2 0 0 0");
	assert_stock(book, "S1", "HULL", "4 0 1 0 0 0");
}

static void what_the_store_has_nothing_of_is_one_line_that_comes_to_it(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "HULL", 5);
	Stockbook__V1__PlaceOrderRequest *request = place_request(book, "!S1*2@LEEDS");
	request->lines[0]->otherwise = METHOD(SHIP_TO_STORE);
	const Stockbook__V1__PlaceOrderResponse *response = book_call(book, place_name, request);
	assert_int_equal(response->order->n_lines, 1);
	assert_string_equal(response->order->lines[0]->pickup_location, "LEEDS");
	assert_int_equal(response->n_transfers, 1);
	assert_string_equal(response->transfers[0]->source, "HULL");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, trade_setup, book_teardown)
	const struct CMUnitTest tests[] = {
		TEST(pickup_holds_at_its_store),
		TEST(a_pickup_without_a_location_is_where_all_of_the_line_is),
		TEST(lines_without_a_location_are_fetched_where_all_of_them_are),
		TEST(an_order_explains_where_its_goods_come_from),
		TEST(lines_fetched_at_one_place_share_a_pickup),
		TEST(a_channel_that_plans_shipments_gets_one_at_each_location),
		TEST(the_orders_own_steps_take_free_units_alone),
		TEST(splitting_sums_to_the_line),
		TEST(cancelling_lines_goes_on_into_pickups),
		TEST(cancelling_a_fulfilment_keeps_the_allocation_right),
		TEST(what_is_free_is_cancelled_before_what_is_on_its_way),
		TEST(a_lost_parcel_makes_the_order_open_again),
		TEST(goods_for_a_store_come_by_transfer),
		TEST(what_need_not_come_any_more_is_free_at_its_source),
		TEST(what_the_store_lacks_is_sent_in_the_same_call),
		TEST(what_is_promised_to_others_is_not_carried_out_where_there_is_another_way),
		TEST(what_the_store_has_nothing_of_is_one_line_that_comes_to_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
