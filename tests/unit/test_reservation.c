/* Reservations: holding, replacing, extending, releasing, expiring. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/promise_fixture.h"

#include "book/reservation.h"
#include "google/protobuf/wrappers.pb-c.h"
#include "stockbook/v1/item.pb-c.h"
#include "stockbook/v1/stock.pb-c.h"

#define STATUS(name) STOCKBOOK__V1__RESERVATION_STATUS__RESERVATION_STATUS_##name

static const char reserve_name[] = "ReservationService/Reserve";
static const char replace_name[] = "ReservationService/ReplaceReservation";
static const char extend_name[] = "ReservationService/ExtendReservation";
static const char release_name[] = "ReservationService/ReleaseReservation";
static const char list_name[] = "ReservationService/ListReservations";

static void pass(struct book *book, int64_t seconds)
{
	book->now_us += seconds * SECOND_US;
}

static Stockbook__V1__ExtendReservationRequest extend_request(const char *id)
{
	Stockbook__V1__ExtendReservationRequest request =
		STOCKBOOK__V1__EXTEND_RESERVATION_REQUEST__INIT;
	request.reservation_id = (char *)id;
	return request;
}

static Stockbook__V1__ReleaseReservationRequest release_request(const char *id)
{
	Stockbook__V1__ReleaseReservationRequest request =
		STOCKBOOK__V1__RELEASE_RESERVATION_REQUEST__INIT;
	request.reservation_id = (char *)id;
	return request;
}

/* One sweep of every part; how many holds it expired. */
static int64_t sweep(struct book *book)
{
	int64_t expired = 0;
	for (int32_t part = 0; part <= memory_store_limits(book->store)->parts; part++) {
		Google__Protobuf__Int64Value request = GOOGLE__PROTOBUF__INT64_VALUE__INIT;
		request.value = part;
		struct store_call call = {
			.operation = &reservation_expire_operation,
			.request = &request,
			.actor = &book->actor,
		};
		const Google__Protobuf__Int64Value *response =
			memory_store_call(book->store, &book->arena, &call, book->now_us);
		assert_non_null(response);
		assert_null(invariants_check(book->invariants));
		expired += response->value;
	}
	return expired;
}

/* ---- Holding ---- */

static void reserving_moves_stock_from_available_to_reserved(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 5);
	const Stockbook__V1__Reservation *held = reserve(book, "S1*3@LEEDS");
	assert_stock(book, "S1", "LEEDS", "2 3 0 0 0 0");
	assert_int_equal(held->status, STATUS(HELD));
	assert_int_equal(held->n_lines, 1);
	assert_string_equal(held->lines[0]->location, "LEEDS");
	assert_int_equal(held->hold_until->seconds, book->now_us / SECOND_US + 900);
	assert_string_equal(held->order_id, "");
	const Stockbook__V1__Reservation *same = get_reservation(book, held->id);
	assert_string_equal(same->owner, "basket");
	assert_int_equal(same->lines[0]->quantity, 3);
}

/* medusa#16502 */
static void two_lines_of_one_sku_in_a_basket_take_the_last_piece_once(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	const struct refusal *refusal = book_refusal(book, reserve_name,
		reserve_request(book, "S1*1@LEEDS S1*1@LEEDS"), REASON(OUT_OF_STOCK));
	assert_string_equal(refusal_value(refusal, "lines[1].requested"), "1");
	assert_string_equal(refusal_value(refusal, "lines[1].available"), "0");
	book_refusal(book, reserve_name, reserve_request(book, "S1*1@LEEDS ALIAS*1@LEEDS"),
		REASON(OUT_OF_STOCK));
	book_refusal(book, reserve_name, reserve_request(book, "S1*1@LEEDS S1*1"),
		REASON(OUT_OF_STOCK));
	book_refusal(book, reserve_name, reserve_request(book, "S1*1 ALIAS*1"), REASON(OUT_OF_STOCK));
	assert_stock(book, "S1", "LEEDS", "1 0 0 0 0 0");
	book_receive(book, "S1", "LEEDS", 1);
	const Stockbook__V1__Reservation *held = reserve(book, "S1*1@LEEDS ALIAS*1@LEEDS");
	assert_int_equal(held->n_lines, 1); /* one for each SKU and location */
	assert_int_equal(held->lines[0]->quantity, 2);
}

static void out_of_stock_names_every_short_line(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	book_receive(book, "S2", "LEEDS", 9);
	const struct refusal *refusal = book_refusal(book, reserve_name,
		reserve_request(book, "S1*2@LEEDS S2*9@LEEDS S3*4"), REASON(OUT_OF_STOCK));
	assert_string_equal(refusal_value(refusal, "lines[0].sku"), "S1");
	assert_string_equal(refusal_value(refusal, "lines[0].location"), "LEEDS");
	assert_string_equal(refusal_value(refusal, "lines[0].requested"), "2");
	assert_string_equal(refusal_value(refusal, "lines[0].available"), "1");
	assert_string_equal(refusal_value(refusal, "lines[2].sku"), "S3");
	assert_string_equal(refusal_value(refusal, "lines[2].available"), "0");
	assert_string_equal(refusal_value(refusal, "short_lines"), "2");
	assert_stock(book, "S2", "LEEDS", "9 0 0 0 0 0");
}

static void a_partial_reserve_takes_what_there_is_and_says_what_is_short(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	Stockbook__V1__ReserveRequest *request = reserve_request(book, "S1*5@LEEDS S2*1");
	request->allow_partial = true;
	const Stockbook__V1__ReserveResponse *response = book_call(book, reserve_name, request);
	assert_int_equal(response->n_shortfalls, 2);
	assert_int_equal(response->shortfalls[0]->line, 0);
	assert_int_equal(response->shortfalls[0]->requested, 5);
	assert_int_equal(response->shortfalls[0]->reserved, 2);
	assert_string_equal(response->shortfalls[1]->sku, "S2");
	assert_int_equal(response->shortfalls[1]->reserved, 0);
	assert_stock(book, "S1", "LEEDS", "0 2 0 0 0 0");
	book_refusal(book, reserve_name, request, REASON(OUT_OF_STOCK)); /* nothing at all */
}

/* saleor#543, woocommerce#12467 */
static void five_hundred_concurrent_checkouts_of_a_hundred_pieces_hold_exactly_a_hundred(void *
		*state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 100);
	enum { CALLERS = 500 };
	static struct store_call calls[CALLERS];
	static const void *requests[CALLERS];
	for (size_t i = 0; i < CALLERS; i++)
		requests[i] = reserve_request(book, i % 2 ? "S1*1@LEEDS" : "S1*1");
	/* Batches on lanes that wait for each other's locks. */
	book_race(book, reserve_name, requests, calls, CALLERS, 5);
	size_t held = 0;
	for (size_t i = 0; i < CALLERS; i++) {
		if (calls[i].verdict == VERDICT_DONE)
			held++;
		else
			assert_int_equal(calls[i].refusal.reason, REASON(OUT_OF_STOCK));
	}
	assert_int_equal(held, 100);
	assert_stock(book, "S1", "LEEDS", "0 100 0 0 0 0");
}

static void safety_stock_is_not_promised(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 5);
	set_safety(book, "S1", "LEEDS", 2);
	const struct refusal *refusal =
		book_refusal(book, reserve_name, reserve_request(book, "S1*4@LEEDS"), REASON(OUT_OF_STOCK));
	assert_string_equal(refusal_value(refusal, "lines[0].available"), "3");
	reserve(book, "S1*3@LEEDS");
}

static void a_hold_lasts_from_a_second_to_the_servers_limit(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 5);
	static const int64_t wrong[] = {0, -1, 30 * 86400 + 1, INT64_MAX, INT64_MIN};
	for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
		Stockbook__V1__ReserveRequest *request = reserve_request(book, "S1*1@LEEDS");
		request->hold_for = seconds(book, wrong[i]);
		assert_wrong_field(book_refusal(book, reserve_name, request, REASON(INVALID_FIELD)),
			"hold_for");
	}
	static const int64_t right[] = {1, 30 * 86400};
	for (size_t i = 0; i < ARRAY_COUNT(right); i++) {
		Stockbook__V1__ReserveRequest *request = reserve_request(book, "S1*1@LEEDS");
		request->hold_for = seconds(book, right[i]);
		book_call(book, reserve_name, request);
	}
}

static void wrong_lines_are_refused_by_field(void **state)
{
	struct book *book = *state;
	assert_wrong_field(book_refusal(book, reserve_name, reserve_request(book, "S1*0@LEEDS"),
						   REASON(INVALID_FIELD)),
		"lines[0].quantity");
	assert_wrong_field(book_refusal(book, reserve_name, reserve_request(book, "S1*1@LEEDS S1*-1"),
						   REASON(INVALID_FIELD)),
		"lines[1].quantity");
	assert_wrong_field(book_refusal(book, reserve_name, reserve_request(book, ""),
						   REASON(INVALID_FIELD)),
		"lines");
	const struct refusal *refusal = book_refusal(book, reserve_name,
		reserve_request(book, "S1*1@LEEDS S9*1@LEEDS"), REASON(ITEM_NOT_FOUND));
	assert_string_equal(refusal_value(refusal, "field"), "lines[1].sku");
	refusal = book_refusal(book, reserve_name, reserve_request(book, "S1*1@BATH"),
		REASON(LOCATION_NOT_FOUND));
	assert_string_equal(refusal_value(refusal, "field"), "lines[0].location");
	Stockbook__V1__ReserveRequest *request = reserve_request(book, "S1*1");
	request->channel = "";
	assert_wrong_field(book_refusal(book, reserve_name, request, REASON(INVALID_FIELD)),
		"lines[0].location");
	request->channel = "fax";
	book_refusal(book, reserve_name, request, REASON(CHANNEL_NOT_FOUND));
}

/* Endless aisle: what the shop lacks is promised from the channel's other stock. */
static void a_stores_token_holds_at_its_own_locations_and_through_a_channel_at_that_ones(void *
		*state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 5);
	book_receive(book, "S1", "YORK", 5);
	book_add_location(book, "MOON");
	book_receive(book, "S1", "MOON", 5);
	Stockbook__V1__ReserveRequest *alone = reserve_request(book, "S1*1@LEEDS");
	alone->channel = "";
	const Stockbook__V1__ReserveResponse *elsewhere = book_call(book, reserve_name, alone);
	static const char *const own[] = {"YORK"};
	book->actor.bound = true;
	book->actor.locations = (struct text_list){own, 1};
	book_refusal(book, reserve_name, alone, REASON(LOCATION_NOT_ALLOWED));
	book_refusal(book, reserve_name, reserve_request(book, "S1*1@MOON"),
		REASON(LOCATION_NOT_ALLOWED));
	assert_string_equal(reserve(book, "S1*1@LEEDS")->lines[0]->location, "LEEDS");
	const Stockbook__V1__Reservation *held = reserve(book, "S1*5");
	assert_string_equal(held->lines[0]->location, "LEEDS");
	assert_string_equal(held->lines[1]->location, "YORK");
	Stockbook__V1__ReleaseReservationRequest release = release_request(elsewhere->reservation->id);
	book_refusal(book, release_name, &release, REASON(LOCATION_NOT_ALLOWED));
}

/* ---- Replacing ---- */

/* woocommerce#67354 */
static void a_shopper_is_not_blocked_by_his_own_basket(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	const Stockbook__V1__Reservation *held = reserve(book, "S1*3");
	const Stockbook__V1__ReplaceReservationResponse *response =
		book_call(book, replace_name, replace_request(book, held->id, "S1*2 S1*1"));
	assert_int_equal(response->reservation->lines[0]->quantity, 3);
	assert_stock(book, "S1", "LEEDS", "0 3 0 0 0 0");
	/* Less, and something else: only the difference moves. */
	book_receive(book, "S2", "YORK", 1);
	size_t before = book_movements(book);
	response = book_call(book, replace_name, replace_request(book, held->id, "S1*1 S2*1"));
	assert_int_equal(response->reservation->n_lines, 2);
	assert_int_equal(book_movements(book), before + 2);
	assert_stock(book, "S1", "LEEDS", "2 1 0 0 0 0");
	assert_stock(book, "S2", "YORK", "0 1 0 0 0 0");
}

static void what_is_held_can_be_kept_when_stock_is_short_or_safety_was_raised(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 5);
	const Stockbook__V1__Reservation *held = reserve(book, "S1*3@LEEDS");
	set_safety(book, "S1", "LEEDS", 10);
	book_call(book, replace_name, replace_request(book, held->id, "S1*3@LEEDS"));
	lose(book, "S1", "LEEDS", 4);
	assert_stock(book, "S1", "LEEDS", "-2 3 0 0 0 0");
	book_call(book, replace_name, replace_request(book, held->id, "S1*3@LEEDS"));
	book_refusal(book, replace_name, replace_request(book, held->id, "S1*4@LEEDS"),
		REASON(OUT_OF_STOCK));
}

static void a_refused_replace_leaves_the_old_hold(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	const Stockbook__V1__Reservation *held = reserve(book, "S1*3@LEEDS");
	uint64_t before = book_digest(book);
	const struct refusal *refusal = book_refusal(book, replace_name,
		replace_request(book, held->id, "S1*1@LEEDS S2*1@LEEDS"), REASON(OUT_OF_STOCK));
	assert_string_equal(refusal_value(refusal, "lines[1].sku"), "S2");
	assert_true(book_digest(book) == before);
}

static void a_replace_keeps_its_time_unless_it_names_one(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	const Stockbook__V1__Reservation *held = reserve(book, "S1*3@LEEDS");
	pass(book, 100);
	const Stockbook__V1__ReplaceReservationResponse *response =
		book_call(book, replace_name, replace_request(book, held->id, "S1*1@LEEDS"));
	assert_int_equal(response->reservation->hold_until->seconds, held->hold_until->seconds);
	Stockbook__V1__ReplaceReservationRequest *request =
		replace_request(book, held->id, "S1*1@LEEDS");
	request->hold_for = seconds(book, 60);
	response = book_call(book, replace_name, request);
	assert_int_equal(response->reservation->hold_until->seconds, book->now_us / SECOND_US + 60);
}

/* ---- Extending and releasing ---- */

static void an_extended_hold_lives_on(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	const Stockbook__V1__Reservation *held = reserve(book, "S1*1@LEEDS");
	pass(book, 890);
	Stockbook__V1__ExtendReservationRequest extend = extend_request(held->id);
	extend.hold_for = seconds(book, 600);
	book_call(book, extend_name, &extend);
	pass(book, 500);
	book_refusal(book, reserve_name, reserve_request(book, "S1*1@LEEDS"), REASON(OUT_OF_STOCK));
	assert_int_equal(get_reservation(book, held->id)->status, STATUS(HELD));
	pass(book, 101);
	const struct refusal *refusal = book_refusal(book, extend_name, &extend, REASON(EXPIRED));
	assert_non_null(refusal_value(refusal, "expired_at"));
}

static void releasing_gives_the_stock_back_once(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 4);
	const Stockbook__V1__Reservation *held = reserve(book, "S1*3@LEEDS");
	Stockbook__V1__ReleaseReservationRequest release = release_request(held->id);
	const Stockbook__V1__ReleaseReservationResponse *response =
		book_call(book, release_name, &release);
	assert_int_equal(response->reservation->status, STATUS(RELEASED));
	assert_stock(book, "S1", "LEEDS", "4 0 0 0 0 0");
	const struct refusal *refusal =
		book_refusal(book, release_name, &release, REASON(WRONG_STATUS));
	assert_string_equal(refusal_value(refusal, "status"), "RELEASED");
	release.reservation_id = "0190b8a0-0000-7001-8000-000000000000";
	book_refusal(book, release_name, &release, REASON(RESERVATION_NOT_FOUND));
	release.reservation_id = "my basket";
	assert_wrong_field(book_refusal(book, release_name, &release, REASON(INVALID_FIELD)),
		"reservation_id");
}

static void releasing_what_has_expired_is_well(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 4);
	const Stockbook__V1__Reservation *held = reserve(book, "S1*3@LEEDS");
	pass(book, 900);
	Stockbook__V1__ReleaseReservationRequest release = release_request(held->id);
	for (int i = 0; i < 2; i++) { /* before and after it was swept */
		const Stockbook__V1__ReleaseReservationResponse *response =
			book_call(book, release_name, &release);
		assert_int_equal(response->reservation->status, STATUS(EXPIRED));
		assert_stock(book, "S1", "LEEDS", "4 0 0 0 0 0");
	}
	assert_int_equal(movement_back(book, 0)->reason,
		STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_EXPIRE);
}

/* ---- Expiry ---- */

static void an_expired_reservation_returns_its_stock_to_whoever_asks_next(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	const Stockbook__V1__Reservation *first = reserve(book, "S1*2@LEEDS");
	pass(book, 899);
	book_refusal(book, reserve_name, reserve_request(book, "S1*3@LEEDS"), REASON(OUT_OF_STOCK));
	pass(book, 1);
	assert_int_equal(get_reservation(book, first->id)->status, STATUS(EXPIRED));
	assert_stock(book, "S1", "LEEDS", "1 2 0 0 0 0"); /* not swept */
	reserve(book, "S1*3@LEEDS");
	assert_stock(book, "S1", "LEEDS", "0 3 0 0 0 0");
	assert_int_equal(sweep(book), 0); /* nothing is left of it */
}

static void a_hold_that_is_not_in_the_way_is_left_to_the_sweeper(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 5);
	reserve(book, "S1*2@LEEDS");
	pass(book, 1000);
	reserve(book, "S1*3@LEEDS");
	assert_stock(book, "S1", "LEEDS", "0 5 0 0 0 0");
	assert_int_equal(sweep(book), 1);
	assert_stock(book, "S1", "LEEDS", "2 3 0 0 0 0");
}

/* A hold lies in the part of its first location, its stock in the parts of all. */
static void an_expired_hold_over_several_locations_is_found_from_each(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	book_receive(book, "S2", "YORK", 1);
	int32_t parts = memory_store_limits(book->store)->parts;
	assert_int_not_equal(part_of("LEEDS", parts), part_of("YORK", parts));
	reserve(book, "S1*1@LEEDS S2*1@YORK");
	pass(book, 901);
	reserve(book, "S2*1@YORK");
	assert_stock(book, "S1", "LEEDS", "1 0 0 0 0 0");
	assert_stock(book, "S2", "YORK", "0 1 0 0 0 0");
}

static void an_expired_hold_frees_what_a_sourced_line_needs(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	book_receive(book, "S1", "HULL", 2);
	reserve(book, "S1*2@HULL");
	pass(book, 901);
	const Stockbook__V1__Reservation *held = reserve(book, "S1*4");
	assert_int_equal(held->n_lines, 2);
	assert_stock(book, "S1", "HULL", "0 2 0 0 0 0");
}

static void many_expired_holds_are_found_page_by_page(void **state)
{
	struct book *book = *state;
	enum { HOLDS = 1100 }; /* more than two pages */
	book_receive(book, "S2", "LEEDS", HOLDS);
	book_receive(book, "S1", "LEEDS", 1);
	for (size_t i = 0; i < HOLDS; i++) {
		struct store_call call = {
			.operation = operation_find(reserve_name),
			.request = reserve_request(book, "S2*1@LEEDS"),
			.actor = &book->actor,
			.request_id = uuid_make(book->now_us, 1, i + 1),
		};
		memory_store_run(book->store, &call, 1, book->now_us++);
		assert_int_equal(call.verdict, VERDICT_DONE);
	}
	reserve(book, "S1*1@LEEDS"); /* the last of them all */
	pass(book, 901);
	reserve(book, "S1*1@LEEDS");
	assert_stock(book, "S2", "LEEDS", "0 1100 0 0 0 0"); /* nobody wanted these */
	int64_t swept = 0;
	for (int64_t now; (now = sweep(book)) > 0; swept += now)
		assert_true(now <= RESERVATION_EXPIRE_MAX);
	assert_int_equal(swept, HOLDS);
	assert_stock(book, "S2", "LEEDS", "1100 0 0 0 0 0");
}

/* ---- Very long holds ---- */

#define LONG_LINES 4000
#define LONG_HOLDS 3 /* three have more lines than one call may */

static void run_call(struct book *book, const char *operation, const void *request)
{
	struct store_call call = {
		.operation = operation_find(operation),
		.request = request,
		.actor = &book->actor,
		.request_id = uuid_make(book->now_us, 3, ++book->requests),
	};
	memory_store_run(book->store, &call, 1, book->now_us++);
	assert_int_equal(call.verdict, VERDICT_DONE);
}

/* Of all there is of 4,000 SKUs, each. */
static void make_long_holds(struct book *book)
{
	Stockbook__V1__ReceiveStockRequest received = STOCKBOOK__V1__RECEIVE_STOCK_REQUEST__INIT;
	received.location = "LEEDS";
	received.n_lines = LONG_LINES;
	received.lines = arena_alloc_array(&book->arena, LONG_LINES, sizeof(*received.lines));
	Stockbook__V1__ReserveRequest *held = reserve_request(book, "");
	held->n_lines = LONG_LINES;
	held->lines = arena_alloc_array(&book->arena, LONG_LINES, sizeof(*held->lines));
	for (size_t i = 0; i < LONG_LINES; i++) {
		Stockbook__V1__Item item = STOCKBOOK__V1__ITEM__INIT;
		Stockbook__V1__PutItemRequest put = STOCKBOOK__V1__PUT_ITEM_REQUEST__INIT;
		item.sku = arena_printf(&book->arena, "LONG%zu", i);
		put.item = &item;
		run_call(book, "ItemService/PutItem", &put);
		received.lines[i] = arena_alloc(&book->arena, sizeof(*received.lines[i]));
		stockbook__v1__receipt_line__init(received.lines[i]);
		received.lines[i]->sku = item.sku;
		received.lines[i]->quantity = LONG_HOLDS;
		held->lines[i] = arena_alloc(&book->arena, sizeof(*held->lines[i]));
		stockbook__v1__reserve_line__init(held->lines[i]);
		held->lines[i]->sku = item.sku;
		held->lines[i]->quantity = 1;
		held->lines[i]->location = "LEEDS";
	}
	run_call(book, "StockService/ReceiveStock", &received);
	for (size_t i = 0; i < LONG_HOLDS; i++)
		run_call(book, reserve_name, held);
}

static void a_sweep_moves_no_more_lines_than_one_call_may(void **state)
{
	struct book *book = *state;
	make_long_holds(book);
	pass(book, 901);
	assert_int_equal(sweep(book), 2);
	assert_int_equal(sweep(book), 1);
	assert_int_equal(sweep(book), 0);
}

static void no_more_of_long_expired_holds_is_freed_than_is_needed(void **state)
{
	struct book *book = *state;
	make_long_holds(book);
	pass(book, 901);
	reserve(book, "LONG7*1@LEEDS");
	assert_stock(book, "LONG8", "LEEDS", "2 1 0 0 0 0");
}

static void a_page_of_long_holds_ends_early(void **state)
{
	struct book *book = *state;
	make_long_holds(book);
	Stockbook__V1__ListReservationsRequest request = STOCKBOOK__V1__LIST_RESERVATIONS_REQUEST__INIT;
	request.owner = "basket";
	const Stockbook__V1__ListReservationsResponse *page =
		book_call(book, "ReservationService/ListReservations", &request);
	assert_int_equal(page->n_reservations, 2);
	request.page_token = page->next_page_token;
	page = book_call(book, "ReservationService/ListReservations", &request);
	assert_int_equal(page->n_reservations, 1);
	assert_string_equal(page->next_page_token, "");
}

/* ---- Reading ---- */

static void living_holds_are_listed_by_owner_oldest_first(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 100);
	char *ids[5];
	for (size_t i = 0; i < ARRAY_COUNT(ids); i++) {
		ids[i] = reserve(book, "S1*1@LEEDS")->id;
		pass(book, i == 0 ? 600 : 1);
	}
	pass(book, 400); /* the first is over */
	Stockbook__V1__ReleaseReservationRequest release = release_request(ids[2]);
	book_call(book, release_name, &release);
	Stockbook__V1__ListReservationsRequest list = STOCKBOOK__V1__LIST_RESERVATIONS_REQUEST__INIT;
	list.owner = "basket";
	list.page_size = 2;
	const Stockbook__V1__ListReservationsResponse *page = book_call(book, list_name, &list);
	assert_int_equal(page->n_reservations, 2);
	assert_string_equal(page->reservations[0]->id, ids[1]);
	assert_string_equal(page->reservations[1]->id, ids[3]);
	list.page_token = page->next_page_token;
	page = book_call(book, list_name, &list);
	assert_int_equal(page->n_reservations, 1);
	assert_string_equal(page->reservations[0]->id, ids[4]);
	assert_string_equal(page->next_page_token, "");
	list.page_token = "";
	list.customer = "ann";
	assert_wrong_field(book_refusal(book, list_name, &list, REASON(INVALID_FIELD)), "owner");
	list.owner = "";
	list.page_size = 0;
	page = book_call(book, list_name, &list);
	assert_int_equal(page->n_reservations, 3);
}

/* ---- The machine ---- */

static void a_hold_that_is_over_takes_no_step_also_before_it_is_swept(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	const char *id = reserve(book, "S1*1@LEEDS")->id;
	pass(book, 1000);
	Stockbook__V1__ExtendReservationRequest extend = extend_request(id);
	const struct {
		const char *operation;
		const void *request;
	} calls[] = {
		{replace_name, replace_request(book, id, "S1*1@LEEDS")},
		{extend_name, &extend},
		{"ReservationService/ConfirmReservation", confirm_request(book, id)},
	};
	uint64_t before = book_digest(book);
	for (size_t i = 0; i < ARRAY_COUNT(calls); i++) {
		const struct refusal *refusal =
			book_refusal(book, calls[i].operation, calls[i].request, REASON(EXPIRED));
		assert_string_equal(refusal_value(refusal, "status"), "EXPIRED");
		assert_true(book_digest(book) == before);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, trade_setup, book_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reserving_moves_stock_from_available_to_reserved),
		TEST(two_lines_of_one_sku_in_a_basket_take_the_last_piece_once),
		TEST(out_of_stock_names_every_short_line),
		TEST(a_partial_reserve_takes_what_there_is_and_says_what_is_short),
		TEST(five_hundred_concurrent_checkouts_of_a_hundred_pieces_hold_exactly_a_hundred),
		TEST(safety_stock_is_not_promised),
		TEST(a_hold_lasts_from_a_second_to_the_servers_limit),
		TEST(wrong_lines_are_refused_by_field),
		TEST(a_stores_token_holds_at_its_own_locations_and_through_a_channel_at_that_ones),
		TEST(a_shopper_is_not_blocked_by_his_own_basket),
		TEST(what_is_held_can_be_kept_when_stock_is_short_or_safety_was_raised),
		TEST(a_refused_replace_leaves_the_old_hold),
		TEST(a_replace_keeps_its_time_unless_it_names_one),
		TEST(an_extended_hold_lives_on),
		TEST(releasing_gives_the_stock_back_once),
		TEST(releasing_what_has_expired_is_well),
		TEST(an_expired_reservation_returns_its_stock_to_whoever_asks_next),
		TEST(a_hold_that_is_not_in_the_way_is_left_to_the_sweeper),
		TEST(an_expired_hold_over_several_locations_is_found_from_each),
		TEST(an_expired_hold_frees_what_a_sourced_line_needs),
		TEST(many_expired_holds_are_found_page_by_page),
		TEST(a_sweep_moves_no_more_lines_than_one_call_may),
		TEST(no_more_of_long_expired_holds_is_freed_than_is_needed),
		TEST(a_page_of_long_holds_ends_early),
		TEST(living_holds_are_listed_by_owner_oldest_first),
		TEST(a_hold_that_is_over_takes_no_step_also_before_it_is_swept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
