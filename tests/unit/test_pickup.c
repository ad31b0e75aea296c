/* Pickups from request to collection: each step, its inverse, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/fulfilment_fixture.h"

#include "book/pickup.h"
#include "stockbook/internal/v1/pickup.pb-c.h"
#include "stockbook/v1/token.pb-c.h"
#include "stockbook/v1/work.pb-c.h"

#define ORDER(name) STOCKBOOK__V1__ORDER_STATUS__ORDER_STATUS_##name
#define WORK(name) STOCKBOOK__V1__WORK_KIND__WORK_KIND_##name
#define HOUR_US (3600 * SECOND_US)

static Google__Protobuf__Timestamp *moment(struct book *book, int64_t time_us)
{
	return make_timestamp(&book->arena, time_us);
}

/* A store's token that may act at one location. */
static void bind_to(struct book *book, const char *location)
{
	const char **locations = arena_alloc(&book->arena, sizeof(*locations));
	*locations = location;
	book->actor = (struct actor){
		.name = "store",
		.role = STOCKBOOK__V1__ROLE__ROLE_STORE,
		.bound = true,
		.locations = {locations, 1},
	};
}

/* ---- The way ---- */

static void a_pickup_goes_from_request_to_collection(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	const Stockbook__V1__PlaceOrderResponse *placed = place_pickup(book, "S1*2@LEEDS");
	const char *id = placed->pickups[0]->id;
	assert_int_equal(work_on(book, id), WORK(ACCEPT));
	assert_int_equal(pickup_do(book, "AcceptPickup", id)->status, PICKUP(ACCEPTED));
	assert_int_equal(work_on(book, id), WORK(PICK));
	assert_int_equal(pickup_do(book, "PickPickup", id)->status, PICKUP(PICKED));
	assert_stock(book, "S1", "LEEDS", "1 0 0 2 0 0");
	assert_int_equal(work_on(book, id), WORK(MAKE_READY));
	const Stockbook__V1__Pickup *ready = pickup_do(book, "ReadyPickup", id);
	assert_int_equal(ready->status, PICKUP(READY));
	assert_int_equal(ready->code_attempts_left, 5);
	/* A week where the location says nothing. */
	assert_int_equal(ready->collect_by->seconds, book->now_us / SECOND_US + 7 * 24 * 3600);
	assert_int_equal(work_on(book, id), WORK(HAND_OVER));
	assert_int_equal(collect(book, id, 'a', ""), OUTCOME(COLLECTED));
	const Stockbook__V1__Pickup *pickup = get_pickup(book, id);
	assert_int_equal(pickup->status, PICKUP(COLLECTED));
	assert_units(pickup->lines[0], "2 0 0 0 2 0 0");
	assert_int_equal(work_on(book, id), 0);
	assert_stock(book, "S1", "LEEDS", "1 0 0 0 0 0");
	const Stockbook__V1__Order *order = get_order(book, placed->order->id);
	assert_line(order, 1, "0 0 0 2 0 0");
	assert_int_equal(order->status, ORDER(FULFILLED));
	assert_int_equal(order->lines[0]->allocations[0]->fulfilled, 2);
}

static void ready_does_not_take_the_goods_out_of_stock(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 5);
	const char *id = pickup_at(book, "S1*2@LEEDS", PICKUP(READY));
	struct stock_row stock = book_stock(book, "S1", "LEEDS");
	assert_int_equal(stock_on_hand(&stock), 5);
	size_t movements = book_movements(book);
	fulfilment_call(book, "IssuePickupCode", fulfilment_ask(book, "IssuePickupCode", id));
	assert_int_equal(book_movements(book), movements);
	collect(book, id, 'a', "");
	stock = book_stock(book, "S1", "LEEDS");
	assert_int_equal(stock_on_hand(&stock), 3);
	assert_int_equal(movement_back(book, 0)->reason,
		STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_COLLECT);
}

static void pickup_is_refused_where_there_is_no_stock(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "YORK", 9);
	Stockbook__V1__PlaceOrderRequest *request = place_request(book, "S1*1@LEEDS");
	request->lines[0]->method = METHOD(PICKUP);
	const struct refusal *refusal =
		book_refusal(book, "OrderService/PlaceOrder", request, REASON(OUT_OF_STOCK));
	assert_string_equal(refusal_value(refusal, "lines[0].available"), "0");
	size_t count;
	memory_store_rows(book->store, TABLE(fulfilment), &count);
	assert_int_equal(count, 0);
}

static void a_pickup_is_picked_in_parts(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	book_receive(book, "S2", "LEEDS", 1);
	const char *id = pickup_at(book, "S1*3@LEEDS S2*1@LEEDS", PICKUP(ACCEPTED));
	fulfilment_call(book, "PickPickup", pick_ask(book, "PickPickup", id, "1*2", REMEDY(OPEN)));
	assert_int_equal(get_pickup(book, id)->status, PICKUP(PICKING));
	assert_int_equal(work_on(book, id), WORK(PICK));
	fulfilment_call(book, "PickPickup", pick_ask(book, "PickPickup", id, "2*1", REMEDY(OPEN)));
	assert_int_equal(get_pickup(book, id)->status, PICKUP(PICKING));
	/* Without lines: the rest. */
	assert_int_equal(pickup_do(book, "PickPickup", id)->status, PICKUP(PICKED));
	assert_units(get_pickup(book, id)->lines[0], "3 0 0 3 0 0 0");
}

static void no_more_is_picked_than_there_is_to_pick(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	const char *id = pickup_at(book, "S1*3@LEEDS", PICKUP(ACCEPTED));
	uint64_t before = book_digest(book);
	const struct refusal *refusal = fulfilment_refusal(book, "PickPickup",
		pick_ask(book, "PickPickup", id, "1*2 1*1-1n", REMEDY(OPEN)),
		REASON(LINE_QUANTITY_EXCEEDED));
	assert_string_equal(refusal_value(refusal, "lines[1].requested"), "2");
	assert_string_equal(refusal_value(refusal, "lines[1].available"), "1");
	refusal = fulfilment_refusal(book, "PickPickup",
		pick_ask(book, "PickPickup", id, "2*1", REMEDY(OPEN)), REASON(ORDER_LINE_NOT_FOUND));
	assert_string_equal(refusal_value(refusal, "field"), "lines[0].line");
	Stockbook__V1__PickPickupRequest *silent =
		pick_ask(book, "PickPickup", id, "1*1-1n", REMEDY(OPEN));
	silent->lines[0]->reason = STOCKBOOK__V1__SHORT_REASON__SHORT_REASON_UNSPECIFIED;
	assert_wrong_field(fulfilment_refusal(book, "PickPickup", silent, REASON(INVALID_FIELD)),
		"lines[0].reason");
	assert_wrong_field(fulfilment_refusal(book, "PickPickup",
						   pick_ask(book, "PickPickup", id, "1*0", REMEDY(OPEN)),
						   REASON(INVALID_FIELD)),
		"lines[0].picked");
	assert_true(book_digest(book) == before);
}

/* ---- Inverses ---- */

static void stepping_back_takes_back_the_acceptance(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	const char *id = pickup_at(book, "S1*1@LEEDS", PICKUP(ACCEPTED));
	assert_int_equal(pickup_do(book, "StepBackPickup", id)->status, PICKUP(REQUESTED));
	assert_int_equal(work_on(book, id), WORK(ACCEPT));
	assert_int_equal(pickup_do(book, "AcceptPickup", id)->status, PICKUP(ACCEPTED));
}

static void stepping_back_from_picking_puts_the_goods_on_the_shelf_still_allocated(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	const char *id = pickup_at(book, "S1*2@LEEDS", PICKUP(ACCEPTED));
	fulfilment_call(book, "PickPickup", pick_ask(book, "PickPickup", id, "1*1", REMEDY(OPEN)));
	assert_stock(book, "S1", "LEEDS", "0 0 1 1 0 0");
	assert_int_equal(pickup_do(book, "StepBackPickup", id)->status, PICKUP(ACCEPTED));
	assert_stock(book, "S1", "LEEDS", "0 0 2 0 0 0");
	pickup_do(book, "PickPickup", id);
	assert_int_equal(pickup_do(book, "StepBackPickup", id)->status, PICKUP(ACCEPTED));
	assert_stock(book, "S1", "LEEDS", "0 0 2 0 0 0");
	assert_line(get_order(book, get_pickup(book, id)->order_id), 1, "0 2 0 0 0 0");
}

static void stepping_back_from_ready_voids_the_code(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	const char *id = pickup_at(book, "S1*1@LEEDS", PICKUP(READY));
	const Stockbook__V1__Pickup *back = pickup_do(book, "StepBackPickup", id);
	assert_int_equal(back->status, PICKUP(PICKED));
	assert_null(back->collect_by);
	assert_int_equal(back->code_attempts_left, 0);
	fulfilment_call(book, "ReadyPickup", ready_ask(book, "ReadyPickup", id, 'b'));
	assert_int_equal(collect(book, id, 'a', ""), OUTCOME(WRONG_CODE));
	assert_int_equal(collect(book, id, 'b', ""), OUTCOME(COLLECTED));
}

/* ---- Codes ---- */

static void five_wrong_codes_lock_it(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	const char *id = pickup_at(book, "S1*1@LEEDS", PICKUP(READY));
	for (int left = 4; left >= 0; left--) {
		assert_int_equal(collect(book, id, 'x', ""), OUTCOME(WRONG_CODE));
		assert_int_equal(get_pickup(book, id)->code_attempts_left, left);
		assert_string_equal(last_change(book, id)->step, "refuse code");
	}
	uint64_t before = book_digest(book);
	/* The right one does not help any more, and is not told from a wrong one. */
	assert_int_equal(collect(book, id, 'a', ""), OUTCOME(CODE_LOCKED));
	assert_int_equal(collect(book, id, 'x', ""), OUTCOME(CODE_LOCKED));
	assert_true(book_digest(book) == before);
	assert_stock(book, "S1", "LEEDS", "0 0 0 1 0 0");
	fulfilment_call(book, "IssuePickupCode", ready_ask(book, "IssuePickupCode", id, 'b'));
	assert_int_equal(get_pickup(book, id)->code_attempts_left, 5);
	assert_int_equal(collect(book, id, 'a', ""), OUTCOME(WRONG_CODE));
	assert_int_equal(collect(book, id, 'b', ""), OUTCOME(COLLECTED));
}

static void a_person_is_identified_where_the_code_is_locked(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	const char *id = pickup_at(book, "S1*1@LEEDS", PICKUP(READY));
	for (int i = 0; i < 6; i++)
		collect(book, id, 'x', "");
	assert_int_equal(collect(book, id, '\0', ""), OUTCOME(COLLECTED));
	assert_string_equal(get_pickup(book, id)->collected_by, "Ann Smith (passport)");
	const struct change_row *change = last_change(book, id);
	assert_string_equal(change->step, "collect");
	assert_string_equal(change->note, "Ann Smith (passport)");
	assert_string_equal(change->location, "LEEDS");
}

static void a_wrong_code_sent_twice_counts_once(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	const char *id = pickup_at(book, "S1*1@LEEDS", PICKUP(READY));
	Stockbook__Internal__V1__CollectPickupRequest *request = collect_ask(book, id, 'x', "");
	request->request->request_id = "0190b8a0-0000-7000-8000-000000000077";
	for (int i = 0; i < 3; i++) {
		const Stockbook__V1__CollectPickupResponse *response =
			fulfilment_call(book, "CollectPickup", request);
		assert_int_equal(response->outcome, OUTCOME(WRONG_CODE));
		assert_int_equal(response->pickup->code_attempts_left, 4);
	}
	assert_int_equal(get_pickup(book, id)->code_attempts_left, 4);
}

static void making_ready_again_under_the_same_id_answers_the_first_hash(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	const char *id = pickup_at(book, "S1*1@LEEDS", PICKUP(PICKED));
	Stockbook__Internal__V1__ReadyPickupRequest *request = ready_ask(book, "ReadyPickup", id, 'a');
	request->request->request_id = "0190b8a0-0000-7000-8000-000000000078";
	const Stockbook__V1__ReadyPickupResponse *first = fulfilment_call(book, "ReadyPickup", request);
	/* The API makes a hash for each call; it is not part of what the caller sent. */
	const Stockbook__V1__ReadyPickupResponse *again = fulfilment_call(book, "ReadyPickup", request);
	assert_string_equal(first->code, again->code);
	assert_int_equal(strlen(first->code), 64);
	assert_memory_equal(first->code, "6161", 4);
}

static void one_of_code_and_identification_is_needed(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	const char *id = pickup_at(book, "S1*1@LEEDS", PICKUP(READY));
	Stockbook__Internal__V1__CollectPickupRequest *neither = collect_ask(book, id, 'a', "");
	neither->request->code = "";
	assert_wrong_field(fulfilment_refusal(book, "CollectPickup", neither, REASON(INVALID_FIELD)),
		"code");
	Stockbook__Internal__V1__CollectPickupRequest *both = collect_ask(book, id, '\0', "");
	both->request->code = "typed";
	assert_wrong_field(fulfilment_refusal(book, "CollectPickup", both, REASON(INVALID_FIELD)),
		"code");
}

/* ---- Collecting ---- */

static void a_part_is_collected_and_the_rest_waits(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	book_receive(book, "S2", "LEEDS", 1);
	const char *id = pickup_at(book, "S1*3@LEEDS S2*1@LEEDS", PICKUP(READY));
	assert_int_equal(collect(book, id, 'a', "1*2"), OUTCOME(COLLECTED));
	const Stockbook__V1__Pickup *pickup = get_pickup(book, id);
	assert_int_equal(pickup->status, PICKUP(READY));
	assert_units(pickup->lines[0], "3 0 0 1 2 0 0");
	assert_int_equal(get_order(book, pickup->order_id)->status, ORDER(PARTIALLY_FULFILLED));
	const struct refusal *refusal = fulfilment_refusal(book, "CollectPickup",
		collect_ask(book, id, 'a', "1*2"), REASON(LINE_QUANTITY_EXCEEDED));
	assert_string_equal(refusal_value(refusal, "lines[0].available"), "1");
	assert_int_equal(collect(book, id, 'a', "1*1 2*1"), OUTCOME(COLLECTED));
	assert_int_equal(get_pickup(book, id)->status, PICKUP(COLLECTED));
	assert_int_equal(get_order(book, pickup->order_id)->status, ORDER(FULFILLED));
}

static void collected_twice_at_once_one_wins(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	const char *id = pickup_at(book, "S1*1@LEEDS", PICKUP(READY));
	struct store_call calls[2];
	for (size_t i = 0; i < 2; i++)
		calls[i] = (struct store_call){
			.operation = operation_find("PickupService/CollectPickup"),
			.request = collect_ask(book, id, 'a', ""),
			.actor = &book->actor,
			.request_id = uuid_make(book->now_us, 0, 1000 + i),
		};
	memory_store_run(book->store, calls, 2, book->now_us += 1000);
	assert_null(invariants_check(book->invariants));
	assert_int_equal((calls[0].verdict == VERDICT_DONE) + (calls[1].verdict == VERDICT_DONE), 1);
	const struct store_call *lost = &calls[calls[0].verdict == VERDICT_DONE];
	assert_int_equal(lost->verdict, VERDICT_REFUSED);
	assert_int_equal(lost->refusal.reason, REASON(WRONG_STATUS));
	assert_string_equal(refusal_value(&lost->refusal, "status"), "COLLECTED");
	assert_stock(book, "S1", "LEEDS", "0 0 0 0 0 0");
}

static void the_channel_in_which_it_happens_is_told_and_must_exist(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	const char *leeds[] = {"LEEDS"};
	book_add_channel(book, "till", leeds, 1);
	const char *id = pickup_at(book, "S1*1@LEEDS", PICKUP(READY));
	Stockbook__Internal__V1__CollectPickupRequest *request = collect_ask(book, id, 'a', "");
	request->request->channel = "nowhere";
	fulfilment_refusal(book, "CollectPickup", request, REASON(CHANNEL_NOT_FOUND));
	request->request->channel = "till";
	request->request->worker = "bea";
	fulfilment_call(book, "CollectPickup", request);
	assert_string_equal(last_change(book, id)->channel, "till");
	assert_string_equal(last_change(book, id)->actor, "tester/bea");
}

static void goods_that_a_fact_took_are_found_when_they_are_collected(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	const char *id = pickup_at(book, "S1*2@LEEDS", PICKUP(READY));
	lose(book, "S1", "LEEDS", 1);
	assert_stock(book, "S1", "LEEDS", "-1 0 0 2 0 0");
	assert_int_equal(collect(book, id, 'a', ""), OUTCOME(COLLECTED));
	assert_stock(book, "S1", "LEEDS", "0 0 0 0 0 0");
}

/* ---- Time ---- */

static void it_is_kept_as_long_as_the_location_says_or_the_caller(void **state)
{
	struct book *book = *state;
	Stockbook__V1__Location location = STOCKBOOK__V1__LOCATION__INIT;
	location.code = "LEEDS";
	location.name = "Leeds";
	location.kind = STOCKBOOK__V1__LOCATION_KIND__LOCATION_KIND_STORE;
	location.hands_over_pickups = true;
	location.pickup_hold_minutes = 90;
	Stockbook__V1__PutLocationRequest put = STOCKBOOK__V1__PUT_LOCATION_REQUEST__INIT;
	put.location = &location;
	book_call(book, "LocationService/PutLocation", &put);
	book->now_us += 2 * SECOND_US; /* a location may be answered from what it was a second ago */
	book_receive(book, "S1", "LEEDS", 2);
	const Stockbook__V1__Pickup *ready =
		get_pickup(book, pickup_at(book, "S1*1@LEEDS", PICKUP(READY)));
	assert_int_equal(ready->collect_by->seconds, ready->update_time->seconds + 90 * 60);

	const char *id = pickup_at(book, "S1*1@LEEDS", PICKUP(PICKED));
	Stockbook__Internal__V1__ReadyPickupRequest *request = ready_ask(book, "ReadyPickup", id, 'a');
	request->request->collect_by = moment(book, book->now_us);
	assert_wrong_field(fulfilment_refusal(book, "ReadyPickup", request, REASON(INVALID_FIELD)),
		"collect_by");
	request->request->collect_by = moment(book, book->now_us + HOUR_US);
	const Stockbook__V1__ReadyPickupResponse *response =
		fulfilment_call(book, "ReadyPickup", request);
	assert_int_equal(response->pickup->collect_by->seconds, request->request->collect_by->seconds);
}

static void what_is_over_by_time_is_not_collected_but_may_be_extended(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	const char *id = pickup_at(book, "S1*1@LEEDS", PICKUP(READY));
	book->now_us += 8 * 24 * HOUR_US;
	uint64_t before = book_digest(book);
	const struct refusal *refusal = fulfilment_refusal(book, "CollectPickup",
		collect_ask(book, id, 'a', ""), REASON(WRONG_STATUS));
	assert_non_null(strstr(refusal->message, "is expired"));
	refusal_value(refusal, "expired_at");
	fulfilment_refusal(book, "IssuePickupCode", fulfilment_ask(book, "IssuePickupCode", id),
		REASON(WRONG_STATUS));
	assert_true(book_digest(book) == before);
	Stockbook__V1__ExtendPickupRequest *extend = fulfilment_ask(book, "ExtendPickup", id);
	extend->collect_by = moment(book, book->now_us - HOUR_US);
	assert_wrong_field(fulfilment_refusal(book, "ExtendPickup", extend, REASON(INVALID_FIELD)),
		"collect_by");
	extend->collect_by = moment(book, book->now_us + HOUR_US);
	fulfilment_call(book, "ExtendPickup", extend);
	assert_int_equal(collect(book, id, 'a', ""), OUTCOME(COLLECTED));
}

static int64_t sweep(struct book *book, const char *id)
{
	struct uuid uuid;
	assert_true(uuid_parse(id, &uuid));
	Google__Protobuf__Int64Value part = GOOGLE__PROTOBUF__INT64_VALUE__INIT;
	part.value = (int64_t)uuid_part(&uuid);
	struct store_call call = {
		.operation = &pickup_expire_operation,
		.request = &part,
		.actor = &book->actor,
	};
	memory_store_run(book->store, &call, 1, book->now_us += 1000);
	assert_null(invariants_check(book->invariants));
	assert_int_equal(call.verdict, VERDICT_DONE);
	Google__Protobuf__Int64Value *swept =
		google__protobuf__int64_value__unpack(NULL, call.response.size, call.response.data);
	int64_t count = swept->value;
	google__protobuf__int64_value__free_unpacked(swept, NULL);
	return count;
}

static void what_nobody_fetches_is_put_back_and_free_only_on_the_shelf(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 3);
	book_receive(book, "S2", "LEEDS", 1);
	const char *id = pickup_at(book, "S1*2@LEEDS S2*1@LEEDS", PICKUP(READY));
	collect(book, id, 'a', "1*1");
	assert_int_equal(sweep(book, id), 0);
	book->now_us += 8 * 24 * HOUR_US;
	assert_int_equal(sweep(book, id), 1);
	assert_int_equal(sweep(book, id), 0);
	const Stockbook__V1__Pickup *pickup = get_pickup(book, id);
	assert_int_equal(pickup->status, PICKUP(PUTTING_BACK));
	assert_units(pickup->lines[0], "2 0 0 0 1 1 0");
	assert_int_equal(work_on(book, id), WORK(PUT_BACK));
	assert_string_equal(last_change(book, id)->step, "expire");
	const Stockbook__V1__Order *order = get_order(book, pickup->order_id);
	assert_line(order, 1, "0 0 0 1 1 0");
	assert_line(order, 2, "0 0 0 0 1 0");
	assert_int_equal(order->status, ORDER(FULFILLED));
	/* Off the shelf, it is nobody's yet. */
	assert_stock(book, "S1", "LEEDS", "1 0 0 1 0 0");
	Stockbook__V1__PlaceOrderRequest *want = place_request(book, "S1*2@LEEDS");
	book_refusal(book, "OrderService/PlaceOrder", want, REASON(OUT_OF_STOCK));
	fulfilment_call(book, "PutBackPickup", parts_ask(book, "PutBackPickup", id, "1*1"));
	assert_int_equal(get_pickup(book, id)->status, PICKUP(PUTTING_BACK));
	assert_stock(book, "S1", "LEEDS", "2 0 0 0 0 0");
	book_call(book, "OrderService/PlaceOrder", want);
	/* Some of it was fetched. */
	assert_int_equal(pickup_do(book, "PutBackPickup", id)->status, PICKUP(COLLECTED));
	assert_int_equal(work_on(book, id), 0);
}

static void a_sweep_takes_all_pickups_of_one_order(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	book_receive(book, "S1", "YORK", 1);
	const Stockbook__V1__PlaceOrderResponse *placed = place_pickup(book, "S1*1@LEEDS S1*1@YORK");
	assert_int_equal(placed->n_pickups, 2);
	for (size_t i = 0; i < 2; i++) {
		pickup_do(book, "AcceptPickup", placed->pickups[i]->id);
		pickup_do(book, "PickPickup", placed->pickups[i]->id);
		pickup_do(book, "ReadyPickup", placed->pickups[i]->id);
	}
	book->now_us += 8 * 24 * HOUR_US;
	assert_int_equal(sweep(book, placed->order->id), 2);
	assert_int_equal(get_order(book, placed->order->id)->status, ORDER(CANCELLED));
}

/* ---- Who may ---- */

static void a_store_hands_over_its_own_pickups_alone(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	const char *id = pickup_at(book, "S1*1@LEEDS", PICKUP(READY));
	bind_to(book, "YORK");
	fulfilment_refusal(book, "CollectPickup", collect_ask(book, id, 'a', ""),
		REASON(LOCATION_NOT_ALLOWED));
	bind_to(book, "LEEDS");
	assert_int_equal(collect(book, id, 'a', ""), OUTCOME(COLLECTED));
}

static void whoever_has_the_work_is_not_disturbed_but_by_the_customer(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	const char *id = pickup_at(book, "S1*1@LEEDS", PICKUP(ACCEPTED));
	Stockbook__V1__ClaimWorkRequest claim = STOCKBOOK__V1__CLAIM_WORK_REQUEST__INIT;
	claim.location = "LEEDS";
	claim.kind = WORK(PICK);
	claim.worker = "ann";
	book_call(book, "WorkService/ClaimWork", &claim);
	assert_string_equal(get_pickup(book, id)->claimed_by, "ann");
	Stockbook__V1__PickPickupRequest *pick = fulfilment_ask(book, "PickPickup", id);
	pick->worker = "bea";
	const struct refusal *refusal =
		fulfilment_refusal(book, "PickPickup", pick, REASON(WORK_CLAIMED));
	assert_string_equal(refusal_value(refusal, "claimed_by"), "ann");
	fulfilment_refusal(book, "StepBackPickup", fulfilment_ask(book, "StepBackPickup", id),
		REASON(WORK_CLAIMED));
	pick->worker = "ann";
	fulfilment_call(book, "PickPickup", pick);
	/* The work is another now, and nobody's. */
	assert_string_equal(get_pickup(book, id)->claimed_by, "");
	claim.kind = WORK(MAKE_READY);
	book_call(book, "WorkService/ClaimWork", &claim);
	assert_int_equal(pickup_do(book, "CancelPickup", id)->status, PICKUP(PUTTING_BACK));
}

/* ---- Lists ---- */

static void lists_are_by_location_and_status_or_by_order(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 9);
	const char *first = pickup_at(book, "S1*1@LEEDS", PICKUP(READY));
	const char *second = pickup_at(book, "S1*1@LEEDS", PICKUP(REQUESTED));
	const char *gone = pickup_at(book, "S1*1@LEEDS", PICKUP(READY));
	collect(book, gone, 'a', "");
	Stockbook__V1__ListPickupsRequest request = STOCKBOOK__V1__LIST_PICKUPS_REQUEST__INIT;
	request.location = "LEEDS";
	const Stockbook__V1__ListPickupsResponse *response =
		fulfilment_call(book, "ListPickups", &request);
	assert_int_equal(response->n_pickups, 2);
	assert_string_equal(response->pickups[0]->id, first);
	assert_string_equal(response->pickups[1]->id, second);
	request.page_size = 1;
	response = fulfilment_call(book, "ListPickups", &request);
	assert_int_equal(response->n_pickups, 1);
	request.page_token = response->next_page_token;
	response = fulfilment_call(book, "ListPickups", &request);
	assert_string_equal(response->pickups[0]->id, second);
	assert_string_equal(response->next_page_token, "");
	Stockbook__V1__ListPickupsRequest over = STOCKBOOK__V1__LIST_PICKUPS_REQUEST__INIT;
	over.location = "LEEDS";
	over.status = PICKUP(COLLECTED);
	response = fulfilment_call(book, "ListPickups", &over);
	assert_int_equal(response->n_pickups, 1);
	assert_units(response->pickups[0]->lines[0], "1 0 0 0 1 0 0");
	Stockbook__V1__ListPickupsRequest of_order = STOCKBOOK__V1__LIST_PICKUPS_REQUEST__INIT;
	of_order.order_id = get_pickup(book, second)->order_id;
	response = fulfilment_call(book, "ListPickups", &of_order);
	assert_int_equal(response->n_pickups, 1);
	assert_string_equal(response->pickups[0]->id, second);
	of_order.location = "LEEDS";
	fulfilment_refusal(book, "ListPickups", &of_order, REASON(INVALID_FIELD));
}

static void what_does_not_exist_is_not_found(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 1);
	const char *nowhere = "0190b8a0-0000-7001-8000-000000000000";
	const struct refusal *refusal = fulfilment_refusal(book, "GetPickup",
		fulfilment_ask(book, "GetPickup", nowhere), REASON(PICKUP_NOT_FOUND));
	assert_string_equal(refusal_value(refusal, "pickup_id"), nowhere);
	fulfilment_refusal(book, "AcceptPickup", fulfilment_ask(book, "AcceptPickup", nowhere),
		REASON(PICKUP_NOT_FOUND));
	/* A shipment is no pickup. */
	const char *shipment = shipment_at(book, "S1*1@LEEDS", "LEEDS", SHIPMENT(ALLOCATED));
	fulfilment_refusal(book, "GetPickup", fulfilment_ask(book, "GetPickup", shipment),
		REASON(PICKUP_NOT_FOUND));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, trade_setup, book_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_pickup_goes_from_request_to_collection),
		TEST(ready_does_not_take_the_goods_out_of_stock),
		TEST(pickup_is_refused_where_there_is_no_stock),
		TEST(a_pickup_is_picked_in_parts),
		TEST(no_more_is_picked_than_there_is_to_pick),
		TEST(stepping_back_takes_back_the_acceptance),
		TEST(stepping_back_from_picking_puts_the_goods_on_the_shelf_still_allocated),
		TEST(stepping_back_from_ready_voids_the_code),
		TEST(five_wrong_codes_lock_it),
		TEST(a_person_is_identified_where_the_code_is_locked),
		TEST(a_wrong_code_sent_twice_counts_once),
		TEST(making_ready_again_under_the_same_id_answers_the_first_hash),
		TEST(one_of_code_and_identification_is_needed),
		TEST(a_part_is_collected_and_the_rest_waits),
		TEST(collected_twice_at_once_one_wins),
		TEST(the_channel_in_which_it_happens_is_told_and_must_exist),
		TEST(goods_that_a_fact_took_are_found_when_they_are_collected),
		TEST(it_is_kept_as_long_as_the_location_says_or_the_caller),
		TEST(what_is_over_by_time_is_not_collected_but_may_be_extended),
		TEST(what_nobody_fetches_is_put_back_and_free_only_on_the_shelf),
		TEST(a_sweep_takes_all_pickups_of_one_order),
		TEST(a_store_hands_over_its_own_pickups_alone),
		TEST(whoever_has_the_work_is_not_disturbed_but_by_the_customer),
		TEST(lists_are_by_location_and_status_or_by_order),
		TEST(what_does_not_exist_is_not_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
