/* Ledger: lists by SKU, location and document, histories, and on hand at a moment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/book_fixture.h"

#include "stockbook/v1/ledger.pb-c.h"
#include "stockbook/v1/stock.pb-c.h"

#define REASON(name) STOCKBOOK__V1__REASON__REASON_##name

/* Receipts of A and B at L and M, mixed: the quantities tell them apart. */
static int setup(void **state)
{
	book_setup(state);
	struct book *book = *state;
	book_add_item(book, "A");
	book_add_item(book, "B");
	book_add_location(book, "L");
	book_add_location(book, "M");
	for (int i = 0; i < 5; i++) {
		book_receive(book, "A", "L", 100 + i);
		book_receive(book, "A", "M", 200 + i);
		book_receive(book, "B", "L", 300 + i);
	}
	return 0;
}

/* Damages pieces of A and of B at L, in one document. */
static const char *damage(struct book *book)
{
	Stockbook__V1__ChangeStockStateRequest request =
		STOCKBOOK__V1__CHANGE_STOCK_STATE_REQUEST__INIT;
	Stockbook__V1__StateChangeLine lines[2];
	Stockbook__V1__StateChangeLine *pointers[] = {&lines[0], &lines[1]};
	for (size_t i = 0; i < 2; i++) {
		stockbook__v1__state_change_line__init(&lines[i]);
		lines[i].sku = i == 0 ? "A" : "B";
		lines[i].quantity = 400 + (int64_t)i;
		lines[i].from_state = STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_AVAILABLE;
		lines[i].to_state = STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_DAMAGED;
	}
	request.location = "L";
	request.note = "dropped";
	request.n_lines = 2;
	request.lines = pointers;
	const Stockbook__V1__ChangeStockStateResponse *response =
		book_call(book, "StockService/ChangeStockState", &request);
	return response->adjustment_id;
}

/* Walks all pages; the quantities in their order. */
static size_t list(struct book *book, Stockbook__V1__ListMovementsRequest *request,
	int64_t *quantities)
{
	size_t count = 0;
	request->page_token = "";
	do {
		const Stockbook__V1__ListMovementsResponse *page =
			book_call(book, "LedgerService/ListMovements", request);
		assert_true(request->page_size == 0 || page->n_movements <= (size_t)request->page_size);
		for (size_t i = 0; i < page->n_movements; i++)
			quantities[count++] = page->movements[i]->quantity;
		request->page_token = page->next_page_token;
	} while (request->page_token[0]);
	return count;
}

static void assert_list(struct book *book, Stockbook__V1__ListMovementsRequest *request,
	const int64_t *expected, size_t count)
{
	for (int32_t size = 0; size <= 6; size++) {
		int64_t quantities[100];
		request->page_size = size;
		assert_int_equal(list(book, request, quantities), count);
		for (size_t i = 0; i < count; i++)
			assert_int_equal(quantities[i], expected[i]);
	}
}

static void movements_of_a_sku_are_listed_by_time(void **state)
{
	struct book *book = *state;
	Stockbook__V1__ListMovementsRequest request = STOCKBOOK__V1__LIST_MOVEMENTS_REQUEST__INIT;
	const int64_t expected[] = {100, 200, 101, 201, 102, 202, 103, 203, 104, 204};
	request.sku = "A";
	assert_list(book, &request, expected, ARRAY_COUNT(expected));
}

static void movements_at_a_location_are_listed_in_the_order_of_the_book(void **state)
{
	struct book *book = *state;
	Stockbook__V1__ListMovementsRequest request = STOCKBOOK__V1__LIST_MOVEMENTS_REQUEST__INIT;
	const int64_t expected[] = {100, 300, 101, 301, 102, 302, 103, 303, 104, 304, 400, 401};
	damage(book); /* within the location: once, although from it and to it */
	request.location = "L";
	assert_list(book, &request, expected, ARRAY_COUNT(expected));
}

static void movements_of_a_sku_at_a_location_are_those_of_both(void **state)
{
	struct book *book = *state;
	Stockbook__V1__ListMovementsRequest request = STOCKBOOK__V1__LIST_MOVEMENTS_REQUEST__INIT;
	const int64_t expected[] = {100, 101, 102, 103, 104, 400};
	damage(book);
	request.sku = "A";
	request.location = "L";
	assert_list(book, &request, expected, ARRAY_COUNT(expected));
}

static void movements_of_a_document_name_it_and_who_made_it(void **state)
{
	struct book *book = *state;
	Stockbook__V1__ListMovementsRequest request = STOCKBOOK__V1__LIST_MOVEMENTS_REQUEST__INIT;
	const int64_t expected[] = {400, 401};
	request.document_id = (char *)damage(book);
	assert_list(book, &request, expected, ARRAY_COUNT(expected));
	request.page_token = "";
	const Stockbook__V1__ListMovementsResponse *page =
		book_call(book, "LedgerService/ListMovements", &request);
	const Stockbook__V1__Movement *movement = page->movements[1];
	assert_string_equal(movement->sku, "B");
	assert_string_equal(movement->document_id, request.document_id);
	assert_int_equal(movement->document_kind,
		STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_ADJUSTMENT);
	assert_int_equal(movement->document_line, 2);
	assert_string_equal(movement->actor, "tester");
	assert_int_equal(strlen(movement->request_id), 36);
	assert_string_equal(movement->from_location, "L");
	request.sku = "B";
	assert_list(book, &request, expected + 1, 1);
	request.location = "M";
	assert_list(book, &request, expected, 0);
	request.document_id = "01900000-0000-7000-8000-000000000000";
	request.sku = request.location = "";
	assert_list(book, &request, expected, 0);
}

static void movements_are_listed_from_a_time_and_before_a_time(void **state)
{
	struct book *book = *state;
	size_t count;
	const void *const *rows = memory_store_rows(book->store, TABLE(movement), &count);
	/* The second and the fourth of A at L. */
	int64_t from_us = ((const struct movement_row *)rows[3])->at;
	int64_t to_us = ((const struct movement_row *)rows[9])->at;
	Stockbook__V1__ListMovementsRequest request = STOCKBOOK__V1__LIST_MOVEMENTS_REQUEST__INIT;
	const int64_t expected[] = {101, 102};
	request.sku = "A";
	request.location = "L";
	request.from_time = make_timestamp(&book->arena, from_us);
	request.to_time = make_timestamp(&book->arena, to_us);
	assert_list(book, &request, expected, ARRAY_COUNT(expected));
	request.sku = "";
	const int64_t at_location[] = {101, 301, 102, 302};
	assert_list(book, &request, at_location, ARRAY_COUNT(at_location));
	request.from_time->nanos++; /* a moment later is too late */
	assert_list(book, &request, at_location + 1, ARRAY_COUNT(at_location) - 1);
}

static void a_list_of_movements_is_of_something(void **state)
{
	struct book *book = *state;
	Stockbook__V1__ListMovementsRequest request = STOCKBOOK__V1__LIST_MOVEMENTS_REQUEST__INIT;
	book_refusal(book, "LedgerService/ListMovements", &request, REASON(INVALID_FIELD));
	request.sku = "X";
	book_refusal(book, "LedgerService/ListMovements", &request, REASON(ITEM_NOT_FOUND));
	request.location = "NOWHERE";
	book_refusal(book, "LedgerService/ListMovements", &request, REASON(LOCATION_NOT_FOUND));
	request.document_id = "nothing";
	assert_wrong_field(book_refusal(book, "LedgerService/ListMovements", &request,
						   REASON(INVALID_FIELD)),
		"document_id");
}

static void a_documents_history_says_what_when_who_and_why(void **state)
{
	struct book *book = *state;
	Stockbook__V1__ListChangesRequest request = STOCKBOOK__V1__LIST_CHANGES_REQUEST__INIT;
	request.document_id = (char *)damage(book);
	const Stockbook__V1__ListChangesResponse *page =
		book_call(book, "LedgerService/ListChanges", &request);
	assert_int_equal(page->n_changes, 1);
	const Stockbook__V1__Change *change = page->changes[0];
	assert_string_equal(change->step, "change_state");
	assert_string_equal(change->note, "dropped");
	assert_string_equal(change->actor, "tester");
	assert_string_equal(change->document_id, request.document_id);
	assert_int_equal(change->movements, 2);
	assert_int_equal(change->part, part_of("L", memory_store_limits(book->store)->parts));
	assert_int_equal(change->sequence, memory_store_head(book->store, change->part));
	assert_string_equal(page->next_page_token, "");
}

static int64_t on_hand_at(struct book *book, int64_t time_us)
{
	Stockbook__V1__GetOnHandAtRequest request = STOCKBOOK__V1__GET_ON_HAND_AT_REQUEST__INIT;
	Google__Protobuf__Timestamp epoch = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	request.sku = "A";
	request.location = "L";
	request.time = time_us ? make_timestamp(&book->arena, time_us) : &epoch;
	const Stockbook__V1__GetOnHandAtResponse *response =
		book_call(book, "LedgerService/GetOnHandAt", &request);
	assert_string_equal(response->sku, "A");
	return response->on_hand;
}

static void on_hand_at_a_moment_counts_what_had_happened_by_then(void **state)
{
	struct book *book = *state;
	size_t count;
	const void *const *rows = memory_store_rows(book->store, TABLE(movement), &count);
	int64_t first_us = ((const struct movement_row *)rows[0])->at;
	int64_t second_us = ((const struct movement_row *)rows[3])->at;
	assert_int_equal(on_hand_at(book, first_us - 1), 0);
	assert_int_equal(on_hand_at(book, first_us), 100);
	assert_int_equal(on_hand_at(book, second_us - 1), 100);
	assert_int_equal(on_hand_at(book, second_us), 201);
	damage(book); /* still on hand */
	assert_int_equal(on_hand_at(book, book->now_us), 510);
	assert_int_equal(on_hand_at(book, 0), 0);
	assert_int_equal(on_hand_at(book, -5000000), 0);
}

static void on_hand_is_asked_for_a_time(void **state)
{
	struct book *book = *state;
	Stockbook__V1__GetOnHandAtRequest request = STOCKBOOK__V1__GET_ON_HAND_AT_REQUEST__INIT;
	request.sku = "A";
	request.location = "L";
	assert_wrong_field(book_refusal(book, "LedgerService/GetOnHandAt", &request,
						   REASON(INVALID_FIELD)),
		"time");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, book_teardown)
	const struct CMUnitTest tests[] = {
		TEST(movements_of_a_sku_are_listed_by_time),
		TEST(movements_at_a_location_are_listed_in_the_order_of_the_book),
		TEST(movements_of_a_sku_at_a_location_are_those_of_both),
		TEST(movements_of_a_document_name_it_and_who_made_it),
		TEST(movements_are_listed_from_a_time_and_before_a_time),
		TEST(a_list_of_movements_is_of_something),
		TEST(a_documents_history_says_what_when_who_and_why),
		TEST(on_hand_at_a_moment_counts_what_had_happened_by_then),
		TEST(on_hand_is_asked_for_a_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
