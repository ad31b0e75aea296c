/* Confirming a reservation: in time, late, with prices, and when its goods are gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "stockbook/v1/token.pb-c.h"
#include "unit/promise_fixture.h"

#define STATUS(name) STOCKBOOK__V1__RESERVATION_STATUS__RESERVATION_STATUS_##name
#define ORDER_STATUS(name) STOCKBOOK__V1__ORDER_STATUS__ORDER_STATUS_##name
#define MOVED_BY(name) STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_##name
#define METHOD(name) STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_##name
#define STATE(name) STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_##name

static const char confirm_name[] = "ReservationService/ConfirmReservation";

static void pass(struct book *book, int64_t seconds)
{
	book->now_us += seconds * SECOND_US;
}

static const Stockbook__V1__ConfirmReservationResponse *confirm(struct book *book, const char *id)
{
	return book_call(book, confirm_name, confirm_request(book, id));
}

static void add_price(struct book *book, Stockbook__V1__ConfirmReservationRequest *request,
	const char *sku, int64_t minor_units, const char *currency)
{
	if (!request->prices)
		request->prices = arena_alloc_array(&book->arena, 8, sizeof(void *));
	Stockbook__V1__SkuPrice *price = arena_alloc(&book->arena, sizeof(*price));
	stockbook__v1__sku_price__init(price);
	price->sku = arena_string(&book->arena, sku);
	price->unit_price = money(book, minor_units, currency);
	request->prices[request->n_prices++] = price;
}

static void confirming_makes_an_order_of_what_is_held(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	book_receive(book, "S1", "YORK", 5);
	book_receive(book, "S2", "YORK", 1);
	const Stockbook__V1__Reservation *held = reserve(book, "S1*4 S2*1");
	const Stockbook__V1__ConfirmReservationResponse *response = confirm(book, held->id);
	assert_int_equal(response->reservation->status, STATUS(CONFIRMED));
	assert_string_equal(response->reservation->order_id, response->order->id);
	assert_string_equal(response->order->reservation_id, held->id);
	assert_string_equal(response->order->channel, "web");
	assert_string_equal(response->order->customer, "ann");
	assert_int_equal(response->order->status, ORDER_STATUS(OPEN));
	assert_int_equal(response->order->n_lines, 2); /* one for each SKU */
	assert_line(response->order, 1, "0 4 0 0 0 0");
	assert_int_equal(response->order->lines[0]->n_allocations, 2);
	assert_stock(book, "S1", "LEEDS", "0 0 2 0 0 0");
	assert_stock(book, "S1", "YORK", "3 0 2 0 0 0");
	assert_null(response->order->total); /* no prices, no currency */
	assert_line(get_order(book, response->order->id), 2, "0 1 0 0 0 0");
}

/* vendure#4930 */
static void a_paid_order_is_never_under_allocated(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 5);
	const Stockbook__V1__Reservation *held = reserve(book, "S1*3@LEEDS");
	lose(book, "S1", "LEEDS", 4);
	set_safety(book, "S1", "LEEDS", 50);
	assert_stock(book, "S1", "LEEDS", "-2 3 0 0 0 0");
	const Stockbook__V1__ConfirmReservationResponse *response = confirm(book, held->id);
	assert_line(response->order, 1, "0 3 0 0 0 0");
	assert_stock(book, "S1", "LEEDS", "-2 0 3 0 0 0");
}

static void prices_are_by_sku_or_alias_and_make_the_total(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 5);
	book_receive(book, "S2", "LEEDS", 5);
	book_receive(book, "S3", "LEEDS", 5);
	const Stockbook__V1__Reservation *held = reserve(book, "S1*2@LEEDS S2*3@LEEDS S3*1@LEEDS");
	Stockbook__V1__ConfirmReservationRequest *request = confirm_request(book, held->id);
	add_price(book, request, "ALIAS", 250, "GBP");
	add_price(book, request, "S2", 100, "GBP");
	request->customer = "bob";
	request->reference = "INV-7";
	const Stockbook__V1__ConfirmReservationResponse *response =
		book_call(book, confirm_name, request);
	assert_int_equal(response->order->total->minor_units, 800);
	assert_string_equal(response->order->total->currency_code, "GBP");
	assert_int_equal(response->order->lines[2]->unit_price->minor_units, 0);
	assert_string_equal(response->order->customer, "bob");
	assert_string_equal(response->order->reference, "INV-7");
}

static void wrong_prices_leave_the_hold(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 5);
	book_receive(book, "S2", "LEEDS", 5);
	const Stockbook__V1__Reservation *held = reserve(book, "S1*2@LEEDS S2*3@LEEDS");
	uint64_t before = book_digest(book);
	Stockbook__V1__ConfirmReservationRequest *request = confirm_request(book, held->id);
	add_price(book, request, "S1", 1, "GBP");
	add_price(book, request, "S2", 1, "EUR");
	book_refusal(book, confirm_name, request, REASON(CURRENCY_MISMATCH));
	request->prices[1]->unit_price->currency_code = "pounds";
	assert_wrong_field(book_refusal(book, confirm_name, request, REASON(INVALID_FIELD)),
		"prices[1]");
	request->prices[1]->unit_price->currency_code = "GBP";
	request->prices[1]->unit_price->minor_units = INT64_MAX;
	book_refusal(book, confirm_name, request, REASON(QUANTITY_OVERFLOW));
	request->prices[1]->unit_price->minor_units = -1;
	book_refusal(book, confirm_name, request, REASON(INVALID_FIELD));
	request->prices[1]->unit_price->minor_units = 1;
	request->prices[1]->sku = "S9";
	book_refusal(book, confirm_name, request, REASON(ITEM_NOT_FOUND));
	request->n_prices = 0;
	request->method = 99;
	assert_wrong_field(book_refusal(book, confirm_name, request, REASON(INVALID_FIELD)), "method");
	assert_true(book_digest(book) == before);
}

static void goods_that_leave_at_once_move_once(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 5);
	Stockbook__V1__ConfirmReservationRequest *request =
		confirm_request(book, reserve(book, "S1*2@LEEDS")->id);
	size_t before = book_movements(book);
	request->fulfil = true;
	const Stockbook__V1__ConfirmReservationResponse *response =
		book_call(book, confirm_name, request);
	assert_int_equal(response->order->status, ORDER_STATUS(FULFILLED));
	assert_int_equal(book_movements(book), before + 1);
	assert_int_equal(movement_back(book, 0)->reason, MOVED_BY(SHIP));
	assert_int_equal(movement_back(book, 0)->from_state, STATE(RESERVED));
	assert_stock(book, "S1", "LEEDS", "3 0 0 0 0 0");

	request = confirm_request(book, reserve(book, "S1*1@LEEDS")->id);
	request->method = STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_CARRY_OUT;
	response = book_call(book, confirm_name, request);
	assert_line(response->order, 1, "0 0 0 1 0 0");
	assert_int_equal(movement_back(book, 0)->reason, MOVED_BY(SALE));
}

/* The last pieces were lost after they were held, and are handed over nevertheless. */
static void handing_over_what_the_book_lost_finds_it(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	Stockbook__V1__ConfirmReservationRequest *request =
		confirm_request(book, reserve(book, "S1*3@LEEDS")->id);
	lose(book, "S1", "LEEDS", 2);
	assert_stock(book, "S1", "LEEDS", "-2 3 0 0 0 0");
	request->fulfil = true;
	book_call(book, confirm_name, request);
	assert_stock(book, "S1", "LEEDS", "0 0 0 0 0 0");
	assert_int_equal(movement_back(book, 1)->reason, MOVED_BY(FOUND));
	assert_int_equal(movement_back(book, 1)->quantity, 2);
}

/* ---- Late ---- */

static void a_late_confirm_answers_expired(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	const Stockbook__V1__Reservation *held = reserve(book, "S1*3@LEEDS");
	pass(book, 900);
	uint64_t before = book_digest(book);
	const struct refusal *refusal =
		book_refusal(book, confirm_name, confirm_request(book, held->id), REASON(EXPIRED));
	assert_non_null(refusal_value(refusal, "expired_at"));
	assert_true(book_digest(book) == before);
}

static void a_late_confirm_holds_again_when_asked_to(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	const Stockbook__V1__Reservation *held = reserve(book, "S1*3@LEEDS");
	pass(book, 1000);
	Stockbook__V1__ConfirmReservationRequest *request = confirm_request(book, held->id);
	request->reserve_again = true;
	const Stockbook__V1__ConfirmReservationResponse *response =
		book_call(book, confirm_name, request);
	assert_int_equal(response->reservation->status, STATUS(CONFIRMED));
	assert_stock(book, "S1", "LEEDS", "0 0 3 0 0 0");
}

/* Somebody needed it and gave it back: the hold is gone, the goods are there. */
static void a_late_confirm_takes_what_is_available_again(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	const Stockbook__V1__Reservation *held = reserve(book, "S1*3@LEEDS");
	pass(book, 1000);
	const Stockbook__V1__Reservation *other = reserve(book, "S1*1@LEEDS");
	Stockbook__V1__ConfirmReservationRequest *request = confirm_request(book, held->id);
	request->reserve_again = true;
	const struct refusal *refusal = book_refusal(book, confirm_name, request, REASON(EXPIRED));
	assert_string_equal(refusal_value(refusal, "lines[0].available"), "2");
	assert_non_null(refusal_value(refusal, "expired_at"));
	Stockbook__V1__ReleaseReservationRequest release =
		STOCKBOOK__V1__RELEASE_RESERVATION_REQUEST__INIT;
	release.reservation_id = other->id;
	book_call(book, "ReservationService/ReleaseReservation", &release);
	book_call(book, confirm_name, request);
	assert_stock(book, "S1", "LEEDS", "0 0 3 0 0 0");
	assert_int_equal(movement_back(book, 0)->from_state, STATE(AVAILABLE));
}

static void two_late_confirms_do_not_both_get_the_last_piece(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	const Stockbook__V1__Reservation *first = reserve(book, "S1*1@LEEDS");
	pass(book, 1000);
	const Stockbook__V1__Reservation *second = reserve(book, "S1*1@LEEDS");
	pass(book, 1000);
	Stockbook__V1__ConfirmReservationRequest *request = confirm_request(book, first->id);
	request->reserve_again = true;
	/* The second's hold is over too, and in the first's way: it is expired. */
	book_call(book, confirm_name, request);
	request = confirm_request(book, second->id);
	request->reserve_again = true;
	book_refusal(book, confirm_name, request, REASON(EXPIRED));
	assert_stock(book, "S1", "LEEDS", "0 0 1 0 0 0");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, trade_setup, book_teardown)

/* ---- Line by line, and in another channel ---- */

static void add_way(struct book *book, Stockbook__V1__ConfirmReservationRequest *request,
	const char *sku, const char *location, Stockbook__V1__FulfilmentMethod method,
	const char *pickup_location)
{
	if (!request->lines)
		request->lines = arena_alloc_array(&book->arena, 8, sizeof(void *));
	Stockbook__V1__ConfirmLine *line = arena_alloc(&book->arena, sizeof(*line));
	stockbook__v1__confirm_line__init(line);
	line->sku = arena_string(&book->arena, sku);
	line->location = arena_string(&book->arena, location);
	line->method = method;
	line->pickup_location = arena_string(&book->arena, pickup_location);
	request->lines[request->n_lines++] = line;
}

static void each_line_reaches_the_customer_in_its_own_way(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	book_receive(book, "S1", "YORK", 2);
	book_receive(book, "S2", "HULL", 1);
	book_receive(book, "S3", "HULL", 1);
	const Stockbook__V1__Reservation *held = reserve(book, "S1*4 S2*1 S3*1");
	Stockbook__V1__ConfirmReservationRequest *request = confirm_request(book, held->id);
	add_price(book, request, "ALIAS", 10, "GBP");
	add_way(book, request, "ALIAS", "LEEDS", METHOD(CARRY_OUT), "");
	add_way(book, request, "S1", "YORK", METHOD(PICKUP), "");
	add_way(book, request, "S3", "", METHOD(SHIP_TO_STORE), "YORK");
	const Stockbook__V1__ConfirmReservationResponse *response =
		book_call(book, confirm_name, request);
	const Stockbook__V1__Order *order = response->order;
	assert_int_equal(order->n_lines, 4);
	assert_line(order, 1, "0 0 0 2 0 0");
	assert_line(order, 2, "0 2 0 0 0 0");
	assert_string_equal(order->lines[1]->pickup_location, "YORK");
	assert_int_equal(order->lines[2]->method, METHOD(SHIP)); /* as the request says */
	assert_int_equal(order->total->minor_units, 40);
	assert_int_equal(response->n_pickups, 2);
	assert_int_equal(response->n_transfers, 1);
	assert_stock(book, "S1", "LEEDS", "0 0 0 0 0 0");
	assert_stock(book, "S1", "YORK", "0 0 2 0 0 0");
}

static void wrong_ways_leave_the_hold(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	const Stockbook__V1__Reservation *held = reserve(book, "S1*2");
	Stockbook__V1__ConfirmReservationRequest *request = confirm_request(book, held->id);
	add_way(book, request, "S2", "", METHOD(PICKUP), "");
	assert_wrong_field(book_refusal(book, confirm_name, request, REASON(INVALID_FIELD)),
		"lines[0].sku");
	request->lines[0]->sku = "S1";
	request->lines[0]->location = "YORK";
	assert_wrong_field(book_refusal(book, confirm_name, request, REASON(INVALID_FIELD)),
		"lines[0].sku");
	request->lines[0]->location = "LEEDS";
	add_way(book, request, "S1", "", METHOD(SHIP), "");
	assert_wrong_field(book_refusal(book, confirm_name, request, REASON(INVALID_FIELD)),
		"lines[1].sku");
	request->n_lines = 1;
	request->lines[0]->method = METHOD(SHIP_TO_STORE);
	assert_wrong_field(book_refusal(book, confirm_name, request, REASON(INVALID_FIELD)),
		"lines[0].pickup_location");
	request->n_lines = 0;
	request->method = METHOD(SHIP_TO_STORE);
	assert_wrong_field(book_refusal(book, confirm_name, request, REASON(INVALID_FIELD)), "lines");
	assert_int_equal(get_reservation(book, held->id)->status, STATUS(HELD));
}

/* Found by its customer, kept longer and taken over by an assistant at a till. */
static void a_web_basket_is_confirmed_at_a_till(void **state)
{
	static const char *const leeds[] = {"LEEDS"};
	static const char *const locations[] = {"LEEDS", "YORK"};
	struct book *book = *state;
	book_add_channel(book, "till-leeds", locations, 2);
	book_receive(book, "S1", "LEEDS", 1);
	book_receive(book, "S1", "YORK", 1);
	book_receive(book, "S1", "HULL", 1);
	const char *id = reserve(book, "S1*2")->id;
	const char *far = reserve(book, "S1*1")->id; /* at HULL */
	book->actor = (struct actor){.name = "till-7",
		.role = STOCKBOOK__V1__ROLE__ROLE_STORE,
		.bound = true,
		.locations = {leeds, 1}};
	Stockbook__V1__ListReservationsRequest list = STOCKBOOK__V1__LIST_RESERVATIONS_REQUEST__INIT;
	list.customer = "ann";
	const Stockbook__V1__ListReservationsResponse *listed =
		book_call(book, "ReservationService/ListReservations", &list);
	assert_string_equal(listed->reservations[0]->id, id);
	Stockbook__V1__ExtendReservationRequest extend =
		STOCKBOOK__V1__EXTEND_RESERVATION_REQUEST__INIT;
	extend.reservation_id = (char *)id;
	extend.hold_for = seconds(book, 3600);
	book_call(book, "ReservationService/ExtendReservation", &extend);
	pass(book, 1800);

	Stockbook__V1__ConfirmReservationRequest *request = confirm_request(book, id);
	request->channel = "till-leeds";
	request->worker = "anna";
	add_way(book, request, "S1", "LEEDS", METHOD(CARRY_OUT), "");
	const Stockbook__V1__ConfirmReservationResponse *response =
		book_call(book, confirm_name, request);
	assert_string_equal(response->order->channel, "till-leeds");
	assert_string_equal(response->order->customer, "ann");
	assert_int_equal(response->order->status, ORDER_STATUS(PARTIALLY_FULFILLED));
	assert_stock(book, "S1", "YORK", "0 0 1 0 0 0");

	/* What neither the till nor its channel can have is somebody else's. */
	request = confirm_request(book, far);
	request->channel = "till-leeds";
	request->reserve_again = true;
	book_refusal(book, confirm_name, request, REASON(LOCATION_NOT_ALLOWED));
}

/* Handing over is a fact, and happens where one stands. */
static void a_store_hands_over_its_own_goods_alone(void **state)
{
	static const char *const leeds[] = {"LEEDS"};
	struct book *book = *state;
	book_receive(book, "S1", "YORK", 1);
	const char *id = reserve(book, "S1*1")->id;
	book->actor = (struct actor){.name = "till-7",
		.role = STOCKBOOK__V1__ROLE__ROLE_STORE,
		.bound = true,
		.locations = {leeds, 1}};
	Stockbook__V1__ConfirmReservationRequest *request = confirm_request(book, id);
	request->method = METHOD(CARRY_OUT);
	book_refusal(book, confirm_name, request, REASON(LOCATION_NOT_ALLOWED));
	request->method = METHOD(SHIP);
	assert_line(((const Stockbook__V1__ConfirmReservationResponse *)book_call(book, confirm_name,
					 request))
					->order,
		1, "0 1 0 0 0 0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(confirming_makes_an_order_of_what_is_held),
		TEST(each_line_reaches_the_customer_in_its_own_way),
		TEST(wrong_ways_leave_the_hold),
		TEST(a_web_basket_is_confirmed_at_a_till),
		TEST(a_store_hands_over_its_own_goods_alone),
		TEST(a_paid_order_is_never_under_allocated),
		TEST(prices_are_by_sku_or_alias_and_make_the_total),
		TEST(wrong_prices_leave_the_hold),
		TEST(goods_that_leave_at_once_move_once),
		TEST(handing_over_what_the_book_lost_finds_it),
		TEST(a_late_confirm_answers_expired),
		TEST(a_late_confirm_holds_again_when_asked_to),
		TEST(a_late_confirm_takes_what_is_available_again),
		TEST(two_late_confirms_do_not_both_get_the_last_piece),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
