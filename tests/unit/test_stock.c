/* Stock: the facts, their bounds, and what they leave in the balances. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/book_fixture.h"

#include "stockbook/v1/stock.pb-c.h"

#define REASON(name) STOCKBOOK__V1__REASON__REASON_##name
#define WHY(name) STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_##name
#define STATE(name) STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_##name

/* A book with the items A and B and the locations L and M. */
static int setup(void **state)
{
	book_setup(state);
	book_add_item(*state, "A");
	book_add_item(*state, "B");
	book_add_location(*state, "L");
	book_add_location(*state, "M");
	return 0;
}

/* ---- Receipts ---- */

struct receipt {
	Stockbook__V1__ReceiveStockRequest request;
	Stockbook__V1__ReceiptLine lines[4];
	Stockbook__V1__ReceiptLine *pointers[4];
};

static void begin_receipt(struct receipt *receipt, const char *location)
{
	stockbook__v1__receive_stock_request__init(&receipt->request);
	receipt->request.location = (char *)location;
	receipt->request.lines = receipt->pointers;
}

static void add_receipt_line(struct receipt *receipt, const char *sku, int64_t quantity,
	Stockbook__V1__StockState state)
{
	size_t i = receipt->request.n_lines++;
	receipt->pointers[i] = &receipt->lines[i];
	stockbook__v1__receipt_line__init(&receipt->lines[i]);
	receipt->lines[i].sku = (char *)sku;
	receipt->lines[i].quantity = quantity;
	receipt->lines[i].state = state;
}

static void received_goods_are_available_unless_a_state_is_named(void **state)
{
	struct book *book = *state;
	struct receipt receipt;
	begin_receipt(&receipt, "L");
	add_receipt_line(&receipt, "A", 5, STATE(UNSPECIFIED));
	add_receipt_line(&receipt, "B", 2, STATE(DAMAGED));
	add_receipt_line(&receipt, "A", 3, STATE(QUALITY_CONTROL));
	receipt.request.reference = "PO-7";
	const Stockbook__V1__ReceiveStockResponse *response =
		book_call(book, "StockService/ReceiveStock", &receipt.request);
	struct uuid id;
	assert_true(uuid_parse(response->receipt_id, &id));
	/* One level for each SKU, in the order of first mention. */
	assert_int_equal(response->n_levels, 2);
	assert_string_equal(response->levels[0]->sku, "A");
	assert_int_equal(response->levels[0]->available, 5);
	assert_int_equal(response->levels[0]->quality_control, 3);
	assert_int_equal(response->levels[0]->on_hand, 8);
	assert_int_equal(response->levels[1]->damaged, 2);
	assert_int_equal(book_stock(book, "A", "M").available, 0);
}

static void a_receipt_with_one_unknown_sku_receives_nothing(void **state)
{
	struct book *book = *state;
	struct receipt receipt;
	begin_receipt(&receipt, "L");
	add_receipt_line(&receipt, "A", 5, STATE(UNSPECIFIED));
	add_receipt_line(&receipt, "X", 1, STATE(UNSPECIFIED));
	const struct refusal *refusal =
		book_refusal(book, "StockService/ReceiveStock", &receipt.request, REASON(ITEM_NOT_FOUND));
	assert_string_equal(refusal_value(refusal, "field"), "lines[1].sku");
	assert_string_equal(refusal->message, "sku 'X' not found");
	assert_int_equal(book_stock(book, "A", "L").available, 0);
	assert_int_equal(book_movements(book), 0);
}

static void goods_are_not_received_into_a_state_that_has_an_owner(void **state)
{
	struct book *book = *state;
	static const Stockbook__V1__StockState states[] = {STATE(RESERVED), STATE(ALLOCATED),
		STATE(PICKED), STATE(IN_TRANSIT), STATE(SUPPLIER), STATE(LOSS)};
	for (size_t i = 0; i < ARRAY_COUNT(states); i++) {
		struct receipt receipt;
		begin_receipt(&receipt, "L");
		add_receipt_line(&receipt, "A", 5, states[i]);
		assert_wrong_field(book_refusal(book, "StockService/ReceiveStock", &receipt.request,
							   REASON(INVALID_FIELD)),
			"lines[0].state");
	}
}

static void goods_are_received_at_a_location_that_exists(void **state)
{
	struct book *book = *state;
	struct receipt receipt;
	begin_receipt(&receipt, "NOWHERE");
	add_receipt_line(&receipt, "A", 5, STATE(UNSPECIFIED));
	book_refusal(book, "StockService/ReceiveStock", &receipt.request, REASON(LOCATION_NOT_FOUND));
}

static void a_store_receives_only_at_its_own_locations(void **state)
{
	struct book *book = *state;
	const char *own[] = {"M"};
	book->actor.bound = true;
	book->actor.locations = (struct text_list){own, 1};
	struct receipt receipt;
	begin_receipt(&receipt, "L");
	add_receipt_line(&receipt, "A", 5, STATE(UNSPECIFIED));
	book_refusal(book, "StockService/ReceiveStock", &receipt.request, REASON(LOCATION_NOT_ALLOWED));
	receipt.request.location = "M";
	book_call(book, "StockService/ReceiveStock", &receipt.request);
	assert_int_equal(book_stock(book, "A", "M").available, 5);
}

static void no_balance_leaves_the_bounds_of_a_quantity(void **state)
{
	struct book *book = *state;
	book_receive(book, "A", "L", QUANTITY_MAX);
	struct receipt receipt;
	begin_receipt(&receipt, "L");
	add_receipt_line(&receipt, "B", 1, STATE(UNSPECIFIED));
	add_receipt_line(&receipt, "A", 1, STATE(DAMAGED));
	const struct refusal *refusal = book_refusal(book, "StockService/ReceiveStock",
		&receipt.request, REASON(QUANTITY_OVERFLOW));
	assert_string_equal(refusal_value(refusal, "sku"), "A");
	assert_int_equal(book_stock(book, "A", "L").available, QUANTITY_MAX);
	assert_int_equal(book_stock(book, "B", "L").available, 0);
}

static void the_same_receipt_sent_again_is_received_once(void **state)
{
	struct book *book = *state;
	struct receipt receipt;
	begin_receipt(&receipt, "L");
	add_receipt_line(&receipt, "A", 5, STATE(UNSPECIFIED));
	receipt.request.request_id = "0190f3c2-1b2d-7abc-8def-0123456789ab";
	const Stockbook__V1__ReceiveStockResponse *first =
		book_call(book, "StockService/ReceiveStock", &receipt.request);
	book_receive(book, "A", "L", 1);
	const Stockbook__V1__ReceiveStockResponse *again =
		book_call(book, "StockService/ReceiveStock", &receipt.request);
	assert_string_equal(first->receipt_id, again->receipt_id);
	assert_int_equal(again->levels[0]->available, 5); /* the first answer, as it was */
	assert_int_equal(book_stock(book, "A", "L").available, 6);
	receipt.lines[0].quantity = 6;
	book_refusal(book, "StockService/ReceiveStock", &receipt.request, REASON(REQUEST_ID_REUSED));
}

/* ---- Adjustments ---- */

struct adjustment {
	Stockbook__V1__AdjustStockRequest request;
	Stockbook__V1__AdjustmentLine lines[4];
	Stockbook__V1__AdjustmentLine *pointers[4];
};

static void begin_adjustment(struct adjustment *adjustment, Stockbook__V1__MovementReason reason)
{
	stockbook__v1__adjust_stock_request__init(&adjustment->request);
	adjustment->request.location = "L";
	adjustment->request.reason = reason;
	adjustment->request.lines = adjustment->pointers;
}

static void add_adjustment_line(struct adjustment *adjustment, const char *sku, int64_t quantity,
	Stockbook__V1__StockState state)
{
	size_t i = adjustment->request.n_lines++;
	adjustment->pointers[i] = &adjustment->lines[i];
	stockbook__v1__adjustment_line__init(&adjustment->lines[i]);
	adjustment->lines[i].sku = (char *)sku;
	adjustment->lines[i].quantity = quantity;
	adjustment->lines[i].state = state;
}

static const Stockbook__V1__AdjustStockResponse *adjust(struct book *book,
	struct adjustment *adjustment)
{
	return book_call(book, "StockService/AdjustStock", &adjustment->request);
}

static void an_adjustment_takes_from_the_state_it_names(void **state)
{
	struct book *book = *state;
	struct receipt receipt;
	begin_receipt(&receipt, "L");
	add_receipt_line(&receipt, "A", 5, STATE(AVAILABLE));
	add_receipt_line(&receipt, "A", 5, STATE(DAMAGED));
	book_call(book, "StockService/ReceiveStock", &receipt.request);
	struct adjustment adjustment;
	begin_adjustment(&adjustment, WHY(BREAKAGE));
	add_adjustment_line(&adjustment, "A", -1, STATE(UNSPECIFIED));
	add_adjustment_line(&adjustment, "A", -2, STATE(DAMAGED));
	const Stockbook__V1__AdjustStockResponse *response = adjust(book, &adjustment);
	assert_int_equal(response->levels[0]->available, 4);
	assert_int_equal(response->levels[0]->damaged, 3);
	assert_int_equal(book_movements(book), 4);
}

static void what_is_lost_beyond_what_is_on_hand_was_found_first(void **state)
{
	struct book *book = *state;
	book_receive(book, "A", "L", 3);
	struct adjustment adjustment;
	begin_adjustment(&adjustment, WHY(SHRINKAGE));
	add_adjustment_line(&adjustment, "A", -5, STATE(UNSPECIFIED));
	const Stockbook__V1__AdjustStockResponse *response = adjust(book, &adjustment);
	assert_int_equal(response->levels[0]->on_hand, 0);
	assert_int_equal(response->levels[0]->available, 0);
	size_t count;
	const void *const *rows = memory_store_rows(book->store, TABLE(movement), &count);
	assert_int_equal(count, 3);
	const struct movement_row *found = rows[1];
	assert_int_equal(found->reason, WHY(FOUND));
	assert_int_equal(found->quantity, 2);
	assert_int_equal(found->from_state, STATE(LOSS));
}

static void what_was_never_here_can_be_lost_too(void **state)
{
	struct book *book = *state;
	struct adjustment adjustment;
	begin_adjustment(&adjustment, WHY(SAMPLE));
	add_adjustment_line(&adjustment, "A", -2, STATE(DAMAGED));
	adjust(book, &adjustment);
	struct stock_row stock = book_stock(book, "A", "L");
	assert_int_equal(stock_on_hand(&stock), 0);
	assert_int_equal(book_movements(book), 3); /* found, made damaged, lost */
}

static void what_a_state_lacks_is_taken_from_available(void **state)
{
	struct book *book = *state;
	struct receipt receipt;
	begin_receipt(&receipt, "L");
	add_receipt_line(&receipt, "A", 10, STATE(AVAILABLE));
	add_receipt_line(&receipt, "A", 3, STATE(DAMAGED));
	book_call(book, "StockService/ReceiveStock", &receipt.request);
	struct adjustment adjustment;
	begin_adjustment(&adjustment, WHY(BREAKAGE));
	add_adjustment_line(&adjustment, "A", -5, STATE(DAMAGED));
	const Stockbook__V1__AdjustStockResponse *response = adjust(book, &adjustment);
	assert_int_equal(response->levels[0]->damaged, 0);
	assert_int_equal(response->levels[0]->available, 8);
	assert_int_equal(response->levels[0]->on_hand, 8);
}

static void lines_of_one_sku_are_added_up_before_anything_is_found(void **state)
{
	struct book *book = *state;
	book_receive(book, "A", "L", 4);
	struct adjustment adjustment;
	begin_adjustment(&adjustment, WHY(CORRECTION));
	add_adjustment_line(&adjustment, "A", -6, STATE(UNSPECIFIED));
	add_adjustment_line(&adjustment, "A", 3, STATE(UNSPECIFIED));
	adjust(book, &adjustment);
	assert_int_equal(book_stock(book, "A", "L").available, 1);
	assert_int_equal(book_movements(book), 3); /* received, more, less: nothing was found */
}

static void two_lines_that_together_take_too_much_find_what_is_missing_once(void **state)
{
	struct book *book = *state;
	book_receive(book, "A", "L", 4);
	struct adjustment adjustment;
	begin_adjustment(&adjustment, WHY(SHRINKAGE));
	add_adjustment_line(&adjustment, "A", -3, STATE(UNSPECIFIED));
	add_adjustment_line(&adjustment, "A", -3, STATE(UNSPECIFIED));
	adjust(book, &adjustment);
	struct stock_row stock = book_stock(book, "A", "L");
	assert_int_equal(stock_on_hand(&stock), 0);
	size_t count;
	const void *const *rows = memory_store_rows(book->store, TABLE(movement), &count);
	const struct movement_row *found = rows[1];
	assert_int_equal(found->reason, WHY(FOUND));
	assert_int_equal(found->quantity, 2);
}

static void each_reason_adds_or_takes_as_it_says(void **state)
{
	struct book *book = *state;
	static const struct {
		Stockbook__V1__MovementReason reason;
		bool more;
		bool less;
	} reasons[] = {
		{WHY(SHRINKAGE), false, true},
		{WHY(BREAKAGE), false, true},
		{WHY(PAST_DATE), false, true},
		{WHY(SAMPLE), false, true},
		{WHY(FOUND), true, false},
		{WHY(CORRECTION), true, true},
	};
	for (size_t i = 0; i < ARRAY_COUNT(reasons); i++)
		for (int64_t quantity = -1; quantity <= 1; quantity++) {
			struct adjustment adjustment;
			begin_adjustment(&adjustment, reasons[i].reason);
			add_adjustment_line(&adjustment, "A", quantity, STATE(UNSPECIFIED));
			bool allowed = quantity > 0 ? reasons[i].more : quantity < 0 && reasons[i].less;
			if (allowed)
				adjust(book, &adjustment);
			else
				assert_wrong_field(book_refusal(book, "StockService/AdjustStock",
									   &adjustment.request, REASON(INVALID_FIELD)),
					"lines[0].quantity");
		}
}

static void an_adjustment_has_a_reason_of_its_own(void **state)
{
	struct book *book = *state;
	static const Stockbook__V1__MovementReason reasons[] = {
		WHY(UNSPECIFIED), WHY(SALE), WHY(RECEIPT), WHY(SYNC), WHY(DESTROYED)};
	for (size_t i = 0; i < ARRAY_COUNT(reasons); i++) {
		struct adjustment adjustment;
		begin_adjustment(&adjustment, reasons[i]);
		add_adjustment_line(&adjustment, "A", -1, STATE(UNSPECIFIED));
		assert_wrong_field(book_refusal(book, "StockService/AdjustStock", &adjustment.request,
							   REASON(INVALID_FIELD)),
			"reason");
	}
}

/* ---- Absolute figures ---- */

struct sync {
	Stockbook__V1__SetStockRequest request;
	Stockbook__V1__SetStockLine lines[2];
	Stockbook__V1__SetStockLine *pointers[2];
	Google__Protobuf__Int64Value expected;
};

static void begin_sync(struct sync *sync, const char *sku, int64_t on_hand)
{
	stockbook__v1__set_stock_request__init(&sync->request);
	stockbook__v1__set_stock_line__init(&sync->lines[0]);
	stockbook__v1__set_stock_line__init(&sync->lines[1]);
	google__protobuf__int64_value__init(&sync->expected);
	sync->pointers[0] = &sync->lines[0];
	sync->pointers[1] = &sync->lines[1];
	sync->lines[0].sku = (char *)sku;
	sync->lines[0].on_hand = on_hand;
	sync->request.location = "L";
	sync->request.n_lines = 1;
	sync->request.lines = sync->pointers;
}

static void another_systems_figure_becomes_ours_by_its_difference(void **state)
{
	struct book *book = *state;
	struct receipt receipt;
	begin_receipt(&receipt, "L");
	add_receipt_line(&receipt, "A", 5, STATE(AVAILABLE));
	add_receipt_line(&receipt, "A", 3, STATE(DAMAGED));
	book_call(book, "StockService/ReceiveStock", &receipt.request);
	struct sync sync;
	begin_sync(&sync, "A", 10);
	const Stockbook__V1__SetStockResponse *response =
		book_call(book, "StockService/SetStock", &sync.request);
	assert_int_equal(response->levels[0]->available, 7);
	assert_int_equal(response->levels[0]->on_hand, 10);
	begin_sync(&sync, "A", 10);
	size_t before = book_movements(book);
	book_call(book, "StockService/SetStock", &sync.request);
	assert_int_equal(book_movements(book), before);
	begin_sync(&sync, "A", 0);
	book_call(book, "StockService/SetStock", &sync.request);
	struct stock_row stock = book_stock(book, "A", "L");
	assert_int_equal(stock.available, -3); /* the damaged ones are not there either */
	assert_true(stock.in_shortage);
	assert_int_equal(stock_on_hand(&stock), 0);
}

/* "Absolute sync deducts twice": what was sold since the other system looked is not lost. */
static void a_figure_is_refused_when_the_book_moved_on(void **state)
{
	struct book *book = *state;
	book_receive(book, "A", "L", 10);
	struct sync sync;
	begin_sync(&sync, "A", 12);
	sync.expected.value = 9;
	sync.lines[0].expected_on_hand = &sync.expected;
	const struct refusal *refusal =
		book_refusal(book, "StockService/SetStock", &sync.request, REASON(EXPECTATION_FAILED));
	assert_string_equal(refusal_value(refusal, "actual"), "10");
	assert_string_equal(refusal_value(refusal, "field"), "lines[0].expected_on_hand");
	sync.expected.value = 10;
	book_call(book, "StockService/SetStock", &sync.request);
	assert_int_equal(book_stock(book, "A", "L").available, 12);
}

static void a_sku_has_one_figure(void **state)
{
	struct book *book = *state;
	struct sync sync;
	begin_sync(&sync, "A", 1);
	sync.request.n_lines = 2;
	sync.lines[1].sku = "A";
	sync.lines[1].on_hand = 2;
	assert_wrong_field(book_refusal(book, "StockService/SetStock", &sync.request,
						   REASON(INVALID_FIELD)),
		"lines[1].sku");
}

static void a_figure_is_within_the_bounds_of_a_quantity(void **state)
{
	struct book *book = *state;
	struct sync sync;
	const int64_t wrong[] = {-1, QUANTITY_MAX + 1, INT64_MIN, INT64_MAX};
	for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
		begin_sync(&sync, "A", wrong[i]);
		assert_wrong_field(book_refusal(book, "StockService/SetStock", &sync.request,
							   REASON(INVALID_FIELD)),
			"lines[0].on_hand");
	}
}

/* ---- Changes of state ---- */

struct state_change {
	Stockbook__V1__ChangeStockStateRequest request;
	Stockbook__V1__StateChangeLine lines[4];
	Stockbook__V1__StateChangeLine *pointers[4];
};

static void begin_state_change(struct state_change *change)
{
	stockbook__v1__change_stock_state_request__init(&change->request);
	change->request.location = "L";
	change->request.lines = change->pointers;
}

static void add_state_change(struct state_change *change, const char *sku, int64_t quantity,
	Stockbook__V1__StockState from, Stockbook__V1__StockState to)
{
	size_t i = change->request.n_lines++;
	change->pointers[i] = &change->lines[i];
	stockbook__v1__state_change_line__init(&change->lines[i]);
	change->lines[i].sku = (char *)sku;
	change->lines[i].quantity = quantity;
	change->lines[i].from_state = from;
	change->lines[i].to_state = to;
}

static void a_change_of_state_and_its_inverse_leave_nothing(void **state)
{
	struct book *book = *state;
	book_receive(book, "A", "L", 5);
	struct state_change change;
	begin_state_change(&change);
	add_state_change(&change, "A", 5, STATE(AVAILABLE), STATE(ON_HOLD));
	const Stockbook__V1__ChangeStockStateResponse *response =
		book_call(book, "StockService/ChangeStockState", &change.request);
	assert_int_equal(response->levels[0]->on_hold, 5);
	assert_int_equal(response->levels[0]->available, 0);
	assert_int_equal(response->levels[0]->on_hand, 5);
	begin_state_change(&change);
	add_state_change(&change, "A", 5, STATE(ON_HOLD), STATE(AVAILABLE));
	book_call(book, "StockService/ChangeStockState", &change.request);
	assert_int_equal(book_stock(book, "A", "L").available, 5);
}

/* "Two lines of one SKU both pass": they are added up. */
static void two_lines_of_one_sku_do_not_pass_on_the_same_units(void **state)
{
	struct book *book = *state;
	book_receive(book, "A", "L", 5);
	struct state_change change;
	begin_state_change(&change);
	add_state_change(&change, "A", 3, STATE(AVAILABLE), STATE(DAMAGED));
	add_state_change(&change, "A", 3, STATE(AVAILABLE), STATE(ON_HOLD));
	const struct refusal *refusal =
		book_refusal(book, "StockService/ChangeStockState", &change.request, REASON(OUT_OF_STOCK));
	assert_string_equal(refusal_value(refusal, "lines[1].sku"), "A");
	assert_string_equal(refusal_value(refusal, "lines[1].requested"), "3");
	assert_string_equal(refusal_value(refusal, "lines[1].available"), "2");
	assert_int_equal(book_stock(book, "A", "L").available, 5);
	assert_int_equal(book_stock(book, "A", "L").damaged, 0);
}

static void every_short_line_is_named(void **state)
{
	struct book *book = *state;
	book_receive(book, "A", "L", 1);
	struct state_change change;
	begin_state_change(&change);
	add_state_change(&change, "A", 2, STATE(AVAILABLE), STATE(DAMAGED));
	add_state_change(&change, "A", 1, STATE(AVAILABLE), STATE(DAMAGED));
	add_state_change(&change, "B", 7, STATE(DAMAGED), STATE(AVAILABLE));
	const struct refusal *refusal =
		book_refusal(book, "StockService/ChangeStockState", &change.request, REASON(OUT_OF_STOCK));
	assert_string_equal(refusal_value(refusal, "lines[0].available"), "1");
	assert_string_equal(refusal_value(refusal, "lines[2].available"), "0");
	assert_string_equal(refusal_value(refusal, "lines[2].location"), "L");
	for (size_t i = 0; i < refusal->metadata_count; i++)
		assert_null(strstr(refusal->metadata[i].key, "lines[1]"));
}

static void a_shortage_has_nothing_to_change_the_state_of(void **state)
{
	struct book *book = *state;
	struct receipt receipt;
	begin_receipt(&receipt, "L");
	add_receipt_line(&receipt, "A", 3, STATE(DAMAGED));
	book_call(book, "StockService/ReceiveStock", &receipt.request);
	struct sync sync;
	begin_sync(&sync, "A", 0);
	book_call(book, "StockService/SetStock", &sync.request);
	struct state_change change;
	begin_state_change(&change);
	add_state_change(&change, "A", 1, STATE(AVAILABLE), STATE(ON_HOLD));
	const struct refusal *refusal =
		book_refusal(book, "StockService/ChangeStockState", &change.request, REASON(OUT_OF_STOCK));
	assert_string_equal(refusal_value(refusal, "lines[0].available"), "0");
}

static void a_state_changes_into_another_one_without_owner(void **state)
{
	struct book *book = *state;
	static const struct {
		Stockbook__V1__StockState from;
		Stockbook__V1__StockState to;
		const char *field;
	} wrong[] = {
		{STATE(AVAILABLE), STATE(AVAILABLE), "lines[0].to_state"},
		{STATE(AVAILABLE), STATE(ALLOCATED), "lines[0].to_state"},
		{STATE(PICKED), STATE(AVAILABLE), "lines[0].from_state"},
		{STATE(UNSPECIFIED), STATE(AVAILABLE), "lines[0].from_state"},
		{STATE(AVAILABLE), STATE(LOSS), "lines[0].to_state"},
	};
	for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
		struct state_change change;
		begin_state_change(&change);
		add_state_change(&change, "A", 1, wrong[i].from, wrong[i].to);
		assert_wrong_field(book_refusal(book, "StockService/ChangeStockState", &change.request,
							   REASON(INVALID_FIELD)),
			wrong[i].field);
	}
}

/* ---- Lists ---- */

static void stock_is_listed_by_sku_by_location_and_by_both(void **state)
{
	struct book *book = *state;
	book_receive(book, "A", "M", 1);
	book_receive(book, "A", "L", 2);
	book_receive(book, "B", "L", 3);
	Stockbook__V1__ListStockRequest request = STOCKBOOK__V1__LIST_STOCK_REQUEST__INIT;
	request.sku = "A";
	const Stockbook__V1__ListStockResponse *list =
		book_call(book, "StockService/ListStock", &request);
	assert_int_equal(list->n_levels, 2);
	assert_string_equal(list->levels[0]->location, "L");
	assert_string_equal(list->levels[1]->location, "M");
	request.sku = "";
	request.location = "L";
	request.page_size = 1;
	list = book_call(book, "StockService/ListStock", &request);
	assert_string_equal(list->levels[0]->sku, "A");
	request.page_token = list->next_page_token;
	list = book_call(book, "StockService/ListStock", &request);
	assert_string_equal(list->levels[0]->sku, "B");
	assert_string_equal(list->next_page_token, "");
	request.page_token = "";
	request.sku = "B";
	list = book_call(book, "StockService/ListStock", &request);
	assert_int_equal(list->n_levels, 1);
	assert_int_equal(list->levels[0]->on_hand, 3);
	request.location = "M";
	list = book_call(book, "StockService/ListStock", &request);
	assert_int_equal(list->n_levels, 0);
	request.sku = request.location = "";
	book_refusal(book, "StockService/ListStock", &request, REASON(INVALID_FIELD));
}

static void shortages_are_listed_until_they_are_made_good(void **state)
{
	struct book *book = *state;
	struct receipt receipt;
	begin_receipt(&receipt, "L");
	add_receipt_line(&receipt, "A", 3, STATE(DAMAGED));
	book_call(book, "StockService/ReceiveStock", &receipt.request);
	Stockbook__V1__ListShortagesRequest request = STOCKBOOK__V1__LIST_SHORTAGES_REQUEST__INIT;
	const Stockbook__V1__ListShortagesResponse *list =
		book_call(book, "StockService/ListShortages", &request);
	assert_int_equal(list->n_levels, 0);
	struct sync sync;
	begin_sync(&sync, "A", 1);
	book_call(book, "StockService/SetStock", &sync.request);
	list = book_call(book, "StockService/ListShortages", &request);
	assert_int_equal(list->n_levels, 1);
	assert_int_equal(list->levels[0]->available, -2);
	request.location = "M";
	list = book_call(book, "StockService/ListShortages", &request);
	assert_int_equal(list->n_levels, 0);
	book_receive(book, "A", "L", 2);
	request.location = "L";
	list = book_call(book, "StockService/ListShortages", &request);
	assert_int_equal(list->n_levels, 0);
}

/* ---- Safety stock ---- */

static void safety_stock_is_set_and_taken_away(void **state)
{
	struct book *book = *state;
	Google__Protobuf__Int64Value value = GOOGLE__PROTOBUF__INT64_VALUE__INIT;
	Stockbook__V1__SafetyStockLine line = STOCKBOOK__V1__SAFETY_STOCK_LINE__INIT;
	Stockbook__V1__SafetyStockLine *lines[] = {&line, &line};
	Stockbook__V1__SetSafetyStockRequest request = STOCKBOOK__V1__SET_SAFETY_STOCK_REQUEST__INIT;
	value.value = 4;
	line.sku = "A";
	line.quantity = &value;
	request.location = "L";
	request.n_lines = 1;
	request.lines = lines;
	const Stockbook__V1__SetSafetyStockResponse *response =
		book_call(book, "StockService/SetSafetyStock", &request);
	assert_int_equal(response->levels[0]->safety_stock->value, 4);
	assert_int_equal(book_stock(book, "A", "L").safety_stock, 4);
	assert_int_equal(book_movements(book), 0); /* policy moves nothing */
	line.quantity = NULL;
	response = book_call(book, "StockService/SetSafetyStock", &request);
	assert_null(response->levels[0]->safety_stock);
	line.quantity = &value;
	value.value = -1;
	assert_wrong_field(book_refusal(book, "StockService/SetSafetyStock", &request,
						   REASON(INVALID_FIELD)),
		"lines[0].quantity");
	value.value = 1;
	request.n_lines = 2;
	assert_wrong_field(book_refusal(book, "StockService/SetSafetyStock", &request,
						   REASON(INVALID_FIELD)),
		"lines[1].sku");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, book_teardown)
	const struct CMUnitTest tests[] = {
		TEST(received_goods_are_available_unless_a_state_is_named),
		TEST(a_receipt_with_one_unknown_sku_receives_nothing),
		TEST(goods_are_not_received_into_a_state_that_has_an_owner),
		TEST(goods_are_received_at_a_location_that_exists),
		TEST(a_store_receives_only_at_its_own_locations),
		TEST(no_balance_leaves_the_bounds_of_a_quantity),
		TEST(the_same_receipt_sent_again_is_received_once),
		TEST(an_adjustment_takes_from_the_state_it_names),
		TEST(what_is_lost_beyond_what_is_on_hand_was_found_first),
		TEST(what_was_never_here_can_be_lost_too),
		TEST(what_a_state_lacks_is_taken_from_available),
		TEST(lines_of_one_sku_are_added_up_before_anything_is_found),
		TEST(two_lines_that_together_take_too_much_find_what_is_missing_once),
		TEST(each_reason_adds_or_takes_as_it_says),
		TEST(an_adjustment_has_a_reason_of_its_own),
		TEST(another_systems_figure_becomes_ours_by_its_difference),
		TEST(a_figure_is_refused_when_the_book_moved_on),
		TEST(a_sku_has_one_figure),
		TEST(a_figure_is_within_the_bounds_of_a_quantity),
		TEST(a_change_of_state_and_its_inverse_leave_nothing),
		TEST(two_lines_of_one_sku_do_not_pass_on_the_same_units),
		TEST(every_short_line_is_named),
		TEST(a_shortage_has_nothing_to_change_the_state_of),
		TEST(a_state_changes_into_another_one_without_owner),
		TEST(stock_is_listed_by_sku_by_location_and_by_both),
		TEST(shortages_are_listed_until_they_are_made_good),
		TEST(safety_stock_is_set_and_taken_away),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
