/* Returns: anywhere, of any order or of none, and never more than was fulfilled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/promise_fixture.h"

#include "book/return.h"
#include "stockbook/v1/location.pb-c.h"
#include "stockbook/v1/stock.pb-c.h"
#include "stockbook/v1/token.pb-c.h"

#define STATUS(name) STOCKBOOK__V1__RETURN_STATUS__RETURN_STATUS_##name
#define STATE(name) STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_##name
#define MOVED_BY(name) STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_##name

static const char create_name[] = "ReturnService/CreateReturn";
static const char inspect_name[] = "ReturnService/InspectReturn";

/* Sold at LEEDS: lines of 3 S1, 2 S2 and 2 more S1. */
static const char *sold(struct book *book)
{
	return place(book, "!S1*3@LEEDS:250 !S2*2@LEEDS:100 !S1*2@LEEDS:200")->id;
}

static const Stockbook__V1__Return *get_return(struct book *book, const char *id)
{
	Stockbook__V1__GetReturnRequest request = STOCKBOOK__V1__GET_RETURN_REQUEST__INIT;
	request.return_id = (char *)id;
	const Stockbook__V1__GetReturnResponse *response =
		book_call(book, "ReturnService/GetReturn", &request);
	return response->goods_return;
}

/* Lines as in return_request(): the return's line, quantity, disposition. */
static Stockbook__V1__InspectReturnRequest *inspect_request(struct book *book, const char *id,
	const char *lines)
{
	const Stockbook__V1__CreateReturnRequest *parsed = return_request(book, "", "", lines);
	Stockbook__V1__InspectReturnRequest *request = arena_alloc(&book->arena, sizeof(*request));
	stockbook__v1__inspect_return_request__init(request);
	request->return_id = (char *)id;
	request->n_lines = parsed->n_lines;
	request->lines = arena_alloc_array(&book->arena, parsed->n_lines, sizeof(void *));
	for (size_t i = 0; i < parsed->n_lines; i++) {
		Stockbook__V1__InspectReturnLine *line = arena_alloc(&book->arena, sizeof(*line));
		stockbook__v1__inspect_return_line__init(line);
		line->line = parsed->lines[i]->order_line;
		line->quantity = parsed->lines[i]->quantity;
		line->disposition = parsed->lines[i]->disposition;
		request->lines[i] = line;
	}
	return request;
}

static const Stockbook__V1__Return *inspect(struct book *book, const char *id, const char *lines)
{
	const Stockbook__V1__InspectReturnResponse *response =
		book_call(book, inspect_name, inspect_request(book, id, lines));
	return response->goods_return;
}

/* Magento, spree#4324 */
static void goods_returned_elsewhere_are_where_they_were_returned(void **state)
{
	struct book *book = *state;
	const char *order = sold(book);
	const Stockbook__V1__Return *back = take_back(book, "HULL", order, "1*2r"); /* never there */
	assert_stock(book, "S1", "HULL", "2 0 0 0 0 0");
	assert_stock(book, "S1", "LEEDS", "0 0 0 0 0 0");
	assert_string_equal(back->location, "HULL");
	assert_string_equal(back->customer, "ann");
	assert_int_equal(back->status, STATUS(CLOSED));
	assert_int_equal(back->amount_due->minor_units, 500);
	assert_line(get_order(book, order), 1, "0 0 0 3 0 2");
	assert_int_equal(movement_back(book, 0)->from_state, STATE(CUSTOMER));
	assert_int_equal(movement_back(book, 0)->reason, MOVED_BY(RETURN));
}

static void never_more_comes_back_than_was_fulfilled(void **state)
{
	struct book *book = *state;
	const char *order = sold(book);
	take_back(book, "YORK", order, "1*2r");
	uint64_t before = book_digest(book);
	const struct refusal *refusal = book_refusal(book, create_name,
		return_request(book, "LEEDS", order, "1*2r"), REASON(RETURN_EXCEEDS_FULFILLED));
	assert_string_equal(refusal_value(refusal, "lines[0].available"), "1");
	/* Lines of one call add up. */
	book_refusal(book, create_name, return_request(book, "LEEDS", order, "1*1r 1*1r"),
		REASON(RETURN_EXCEEDS_FULFILLED));
	book_refusal(book, create_name, return_request(book, "LEEDS", order, "1*1r S1*3r"),
		REASON(RETURN_EXCEEDS_FULFILLED));
	assert_true(book_digest(book) == before);
	take_back(book, "LEEDS", order, "1*1r S1*2r");
	book_refusal(book, create_name, return_request(book, "LEEDS", order, "S1*1r"),
		REASON(RETURN_EXCEEDS_FULFILLED));
}

static void a_return_by_sku_charges_the_oldest_line_first(void **state)
{
	struct book *book = *state;
	const char *order = sold(book);
	const Stockbook__V1__Return *back = take_back(book, "LEEDS", order, "ALIAS*4r");
	assert_int_equal(back->n_lines, 2);
	assert_int_equal(back->lines[0]->order_line, 1);
	assert_int_equal(back->lines[0]->quantity, 3);
	assert_int_equal(back->lines[1]->order_line, 3);
	assert_int_equal(back->lines[1]->quantity, 1);
	assert_int_equal(back->lines[1]->amount_due->minor_units, 200);
	assert_int_equal(back->amount_due->minor_units, 950);
	assert_line(get_order(book, order), 3, "0 0 0 2 0 1");
}

static void two_returns_at_once_do_not_both_bring_back_the_last_piece(void **state)
{
	struct book *book = *state;
	const char *order = sold(book);
	take_back(book, "LEEDS", order, "2*1r");
	struct store_call calls[2];
	const void *requests[] = {
		return_request(book, "HULL", order, "2*1r"), return_request(book, "YORK", order, "2*1r")};
	book_race(book, create_name, requests, calls, 2, 2);
	assert_true((calls[0].verdict == VERDICT_DONE) != (calls[1].verdict == VERDICT_DONE));
}

static void lines_that_are_not_the_orders_are_refused(void **state)
{
	struct book *book = *state;
	const char *order = sold(book);
	book_refusal(book, create_name, return_request(book, "LEEDS", order, "4*1r"),
		REASON(ORDER_LINE_NOT_FOUND));
	const struct refusal *refusal = book_refusal(book, create_name,
		return_request(book, "LEEDS", order, "S1*1r S3*1r"), REASON(ORDER_LINE_NOT_FOUND));
	assert_string_equal(refusal_value(refusal, "field"), "lines[1].sku");
	Stockbook__V1__CreateReturnRequest *request = return_request(book, "LEEDS", order, "1*1r");
	request->lines[0]->sku = "S2";
	assert_wrong_field(book_refusal(book, create_name, request, REASON(INVALID_FIELD)),
		"lines[0].sku");
	request->lines[0]->sku = "ALIAS";
	book_call(book, create_name, request);
	book_refusal(book, create_name,
		return_request(book, "LEEDS", "0190b8a0-0000-7001-8000-000000000000", "1*1r"),
		REASON(ORDER_NOT_FOUND));
	assert_wrong_field(book_refusal(book, create_name, return_request(book, "LEEDS", "", "1*1r"),
						   REASON(INVALID_FIELD)),
		"lines[0].order_line");
	assert_wrong_field(book_refusal(book, create_name, return_request(book, "LEEDS", "", "S1*0"),
						   REASON(INVALID_FIELD)),
		"lines[0].quantity");
	assert_wrong_field(book_refusal(book, create_name, return_request(book, "LEEDS", "", ""),
						   REASON(INVALID_FIELD)),
		"lines");
}

static void only_who_takes_returns_takes_them(void **state)
{
	struct book *book = *state;
	const char *order = sold(book);
	Stockbook__V1__Location location = STOCKBOOK__V1__LOCATION__INIT;
	location.code = "POOL";
	location.kind = STOCKBOOK__V1__LOCATION_KIND__LOCATION_KIND_VIRTUAL;
	Stockbook__V1__PutLocationRequest put = STOCKBOOK__V1__PUT_LOCATION_REQUEST__INIT;
	put.location = &location;
	book_call(book, "LocationService/PutLocation", &put);
	book_refusal(book, create_name, return_request(book, "POOL", order, "1*1r"),
		REASON(LOCATION_NOT_ELIGIBLE));
	book_refusal(book, create_name, return_request(book, "BATH", order, "1*1r"),
		REASON(LOCATION_NOT_FOUND));
	static const char *const own[] = {"YORK"};
	book->actor.role = STOCKBOOK__V1__ROLE__ROLE_STORE;
	book->actor.bound = true;
	book->actor.locations = (struct text_list){own, 1};
	book_refusal(book, create_name, return_request(book, "LEEDS", order, "1*1r"),
		REASON(LOCATION_NOT_ALLOWED));
	take_back(book, "YORK", order, "1*1r"); /* sold in LEEDS, and welcome here */
}

/* ---- Dispositions ---- */

static void each_disposition_has_its_place(void **state)
{
	struct book *book = *state;
	const char *order = place(book, "!S1*10@LEEDS")->id;
	size_t before = book_movements(book);
	const Stockbook__V1__Return *back = take_back(book, "YORK", order, "1*4r 1*3 1*2d 1*1x");
	assert_stock(book, "S1", "YORK", "4 0 0 0 2 3");
	assert_int_equal(book_movements(book), before + 5);
	assert_int_equal(movement_back(book, 0)->to_state, STATE(LOSS));
	assert_int_equal(movement_back(book, 0)->reason, MOVED_BY(DESTROYED));
	assert_int_equal(back->status, STATUS(RECEIVED));
	assert_int_equal(back->lines[0]->restocked, 4);
	assert_int_equal(back->lines[1]->waiting, 3);
	assert_int_equal(back->lines[2]->damaged, 2);
	assert_int_equal(back->lines[3]->destroyed, 1);
	assert_null(back->amount_due); /* sold without a price */
	Stockbook__V1__CreateReturnRequest *request = return_request(book, "YORK", order, "1*1r");
	request->lines[0]->disposition = 9;
	assert_wrong_field(book_refusal(book, create_name, request, REASON(INVALID_FIELD)),
		"lines[0].disposition");
}

static void what_waits_is_decided_about_by_inspection(void **state)
{
	struct book *book = *state;
	const char *order = place(book, "!S1*10@LEEDS")->id;
	const char *id = take_back(book, "YORK", order, "1*6 1*1r")->id;
	const Stockbook__V1__Return *back = inspect(book, id, "1*2r 1*1d");
	assert_int_equal(back->status, STATUS(RECEIVED));
	assert_stock(book, "S1", "YORK", "3 0 0 0 1 3");
	const struct refusal *refusal = book_refusal(book, inspect_name,
		inspect_request(book, id, "1*2r 1*2x"), REASON(LINE_QUANTITY_EXCEEDED));
	assert_string_equal(refusal_value(refusal, "lines[1].available"), "1");
	book_refusal(book, inspect_name, inspect_request(book, id, "2*1r"),
		REASON(LINE_QUANTITY_EXCEEDED));
	assert_wrong_field(book_refusal(book, inspect_name, inspect_request(book, id, "3*1r"),
						   REASON(INVALID_FIELD)),
		"lines[0].line");
	assert_wrong_field(book_refusal(book, inspect_name, inspect_request(book, id, "1*1"),
						   REASON(INVALID_FIELD)),
		"lines[0].disposition");
	back = inspect(book, id, "1*3x");
	assert_int_equal(back->status, STATUS(CLOSED));
	assert_int_equal(back->lines[0]->destroyed, 3);
	assert_stock(book, "S1", "YORK", "3 0 0 0 1 0");
	back = get_return(book, id);
	assert_int_equal(back->lines[0]->restocked, 2);
	assert_int_equal(back->lines[0]->waiting, 0);
}

static void goods_moved_out_of_quality_control_by_hand_are_not_inspected(void **state)
{
	struct book *book = *state;
	const char *id = take_back(book, "YORK", place(book, "!S1*3@LEEDS")->id, "1*3")->id;
	Stockbook__V1__StateChangeLine line = STOCKBOOK__V1__STATE_CHANGE_LINE__INIT;
	Stockbook__V1__StateChangeLine *lines[] = {&line};
	line.sku = "S1";
	line.quantity = 2;
	line.from_state = STATE(QUALITY_CONTROL);
	line.to_state = STATE(ON_HOLD);
	Stockbook__V1__ChangeStockStateRequest change = STOCKBOOK__V1__CHANGE_STOCK_STATE_REQUEST__INIT;
	change.location = "YORK";
	change.n_lines = 1;
	change.lines = lines;
	book_call(book, "StockService/ChangeStockState", &change);
	const struct refusal *refusal = book_refusal(book, inspect_name,
		inspect_request(book, id, "1*2r"), REASON(LINE_QUANTITY_EXCEEDED));
	assert_string_equal(refusal_value(refusal, "lines[0].available"), "1");
	inspect(book, id, "1*1r");
}

/* ---- Blind ---- */

static void a_blind_return_is_paid_as_the_request_says(void **state)
{
	struct book *book = *state;
	Stockbook__V1__CreateReturnRequest *request = return_request(book, "YORK", "", "S1*2r:300");
	request->customer = "bob";
	request->reference = "R-1";
	const Stockbook__V1__CreateReturnResponse *response = book_call(book, create_name, request);
	assert_string_equal(response->goods_return->order_id, "");
	assert_string_equal(response->goods_return->customer, "bob");
	assert_int_equal(response->goods_return->lines[0]->order_line, 0);
	assert_int_equal(response->goods_return->amount_due->minor_units, 600);
	assert_stock(book, "S1", "YORK", "2 0 0 0 0 0");
	request = return_request(book, "YORK", "", "S1*2r:300 S2*1r:1");
	request->lines[1]->unit_price = money(book, 1, "EUR");
	book_refusal(book, create_name, request, REASON(CURRENCY_MISMATCH));
	request->lines[1]->unit_price = money(book, INT64_MAX, "GBP");
	book_refusal(book, create_name, request, REASON(QUANTITY_OVERFLOW));
	book_refusal(book, create_name, return_request(book, "YORK", "", "S9*1r"),
		REASON(ITEM_NOT_FOUND));
}

static void a_store_takes_back_blind_only_up_to_a_limit(void **state)
{
	struct book *book = *state;
	const char *order = place(book, "!S1*20@LEEDS")->id;
	static const char *const own[] = {"YORK"};
	book->actor.role = STOCKBOOK__V1__ROLE__ROLE_STORE;
	book->actor.bound = true;
	book->actor.locations = (struct text_list){own, 1};
	const struct refusal *refusal = book_refusal(book, create_name,
		return_request(book, "YORK", "", "S1*5r S2*6r"), REASON(BLIND_RETURN_LIMIT));
	assert_string_equal(refusal_value(refusal, "limit"), "10");
	take_back(book, "YORK", "", "S1*5r S2*5r");
	take_back(book, "YORK", order, "1*20r"); /* not blind: no limit */
	book->actor = (struct actor){.name = "depot", .role = STOCKBOOK__V1__ROLE__ROLE_FULFILMENT};
	take_back(book, "YORK", "", "S1*500r");
}

/* ---- The machine and lists ---- */

static void a_closed_return_cannot_be_inspected(void **state)
{
	struct book *book = *state;
	const char *id = take_back(book, "YORK", sold(book), "1*2r")->id;
	uint64_t before = book_digest(book);
	const struct refusal *refusal =
		book_refusal(book, inspect_name, inspect_request(book, id, "1*1r"), REASON(WRONG_STATUS));
	assert_string_equal(refusal_value(refusal, "status"), "CLOSED");
	assert_true(book_digest(book) == before);
	Stockbook__V1__InspectReturnRequest *request =
		inspect_request(book, "0190b8a0-0000-7001-8000-000000000000", "1*1r");
	book_refusal(book, inspect_name, request, REASON(RETURN_NOT_FOUND));
}

static void returns_are_listed_by_order_or_customer_oldest_first(void **state)
{
	struct book *book = *state;
	const char *order = sold(book);
	char *ids[3];
	for (size_t i = 0; i < ARRAY_COUNT(ids); i++)
		ids[i] = take_back(book, i ? "YORK" : "LEEDS", order, "1*1r")->id;
	take_back(book, "YORK", sold(book), "1*1r");
	Stockbook__V1__ListReturnsRequest list = STOCKBOOK__V1__LIST_RETURNS_REQUEST__INIT;
	list.order_id = (char *)order;
	list.page_size = 2;
	size_t seen = 0;
	do {
		const Stockbook__V1__ListReturnsResponse *page =
			book_call(book, "ReturnService/ListReturns", &list);
		for (size_t i = 0; i < page->n_returns; i++)
			assert_string_equal(page->returns[i]->id, ids[seen++]);
		list.page_token = page->next_page_token;
	} while (list.page_token[0]);
	assert_int_equal(seen, 3);
	list.order_id = "";
	list.customer = "ann";
	list.page_size = 0;
	const Stockbook__V1__ListReturnsResponse *page =
		book_call(book, "ReturnService/ListReturns", &list);
	assert_int_equal(page->n_returns, 4);
	list.customer = "";
	assert_wrong_field(book_refusal(book, "ReturnService/ListReturns", &list,
						   REASON(INVALID_FIELD)),
		"order_id");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, trade_setup, book_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(goods_returned_elsewhere_are_where_they_were_returned),
		TEST(never_more_comes_back_than_was_fulfilled),
		TEST(a_return_by_sku_charges_the_oldest_line_first),
		TEST(two_returns_at_once_do_not_both_bring_back_the_last_piece),
		TEST(lines_that_are_not_the_orders_are_refused),
		TEST(only_who_takes_returns_takes_them),
		TEST(each_disposition_has_its_place),
		TEST(what_waits_is_decided_about_by_inspection),
		TEST(goods_moved_out_of_quality_control_by_hand_are_not_inspected),
		TEST(a_blind_return_is_paid_as_the_request_says),
		TEST(a_store_takes_back_blind_only_up_to_a_limit),
		TEST(a_closed_return_cannot_be_inspected),
		TEST(returns_are_listed_by_order_or_customer_oldest_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
