/*
 * How many round trips the steps of a document take: as few for many lines as for two. Needs a
 * database ($STOCKBOOK_TEST_DATABASE).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine_fixture.h"
#include "observe/metrics.h"
#include "stockbook/v1/location.pb-c.h"
#include "stockbook/v1/order.pb-c.h"
#include "stockbook/v1/pickup.pb-c.h"
#include "stockbook/v1/work.pb-c.h"

#define FEW 2
#define MANY 600 /* far more lines than one round trip has statements */

static struct fixture fixture;
static struct engine *engine;

/* The sum of all that the metric observed. */
static int64_t rounds_so_far(void)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	assert_non_null(file);
	metrics_dump(file);
	fclose(file);
	const char *sum = strstr(text, "stockbook_engine_load_rounds_sum ");
	assert_non_null(sum);
	int64_t rounds = strtoll(strchr(sum, ' '), NULL, 10);
	free(text);
	return rounds;
}

static char *first_pickup(const ProtobufCMessage *message)
{
	const Stockbook__V1__PlaceOrderResponse *response = (const void *)message;
	assert_ptr_equal(message->descriptor, &stockbook__v1__place_order_response__descriptor);
	return arena_string(&fixture.arena, response->pickups[0]->id);
}

/* The call must be done; how many rounds it took. *id: of the pickup that it opened. */
static int64_t rounds_of(const char *operation, const void *request, char **id)
{
	struct caller *caller = caller_new(&fixture);
	int64_t before = rounds_so_far();
	call_now(caller, engine, operation, request);
	assert_string_equal(outcome(caller), "OK");
	if (id)
		*id = first_pickup(caller->response);
	caller_free(caller);
	return rounds_so_far() - before;
}

static int setup(void **state)
{
	(void)state;
	fixture_open(&fixture);
	engine = fixture_engine(&fixture, &(struct engine_settings){.lanes = 1});
	Stockbook__V1__Location location = STOCKBOOK__V1__LOCATION__INIT;
	Stockbook__V1__PutLocationRequest request = STOCKBOOK__V1__PUT_LOCATION_REQUEST__INIT;
	request.location = &location;
	location.code = (char[]){"LEEDS"};
	location.kind = STOCKBOOK__V1__LOCATION_KIND__LOCATION_KIND_STORE;
	location.hands_over_pickups = true;
	rounds_of("LocationService/PutLocation", &request, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_book_is_right(&fixture, engine);
	fixture_close(&fixture);
	return 0;
}

static char *sku_of(size_t number)
{
	return arena_printf(&fixture.arena, "S%zu", number);
}

static void stock_up(size_t count)
{
	Stockbook__V1__ReceiptLine **lines = arena_alloc_array(&fixture.arena, count, sizeof(*lines));
	for (size_t i = 0; i < count; i++) {
		put_item(&fixture, engine, sku_of(i));
		lines[i] = arena_alloc(&fixture.arena, sizeof(*lines[i]));
		stockbook__v1__receipt_line__init(lines[i]);
		lines[i]->sku = sku_of(i);
		lines[i]->quantity = 10;
	}
	Stockbook__V1__ReceiveStockRequest request = STOCKBOOK__V1__RECEIVE_STOCK_REQUEST__INIT;
	request.location = (char[]){"LEEDS"};
	request.lines = lines;
	request.n_lines = count;
	rounds_of("StockService/ReceiveStock", &request, NULL);
}

/* Its id. */
static char *pickup_of(size_t count)
{
	Stockbook__V1__PlaceOrderLine **lines =
		arena_alloc_array(&fixture.arena, count, sizeof(*lines));
	for (size_t i = 0; i < count; i++) {
		lines[i] = arena_alloc(&fixture.arena, sizeof(*lines[i]));
		stockbook__v1__place_order_line__init(lines[i]);
		lines[i]->sku = sku_of(i);
		lines[i]->quantity = 1;
		lines[i]->location = arena_string(&fixture.arena, "LEEDS");
		lines[i]->method = STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_PICKUP;
	}
	Stockbook__V1__PlaceOrderRequest request = STOCKBOOK__V1__PLACE_ORDER_REQUEST__INIT;
	request.lines = lines;
	request.n_lines = count;
	char *id;
	/* Stock, and where the pickup's goods lie. */
	assert_in_range(rounds_of("OrderService/PlaceOrder", &request, &id), 0, 1);
	Stockbook__V1__AcceptPickupRequest accept = STOCKBOOK__V1__ACCEPT_PICKUP_REQUEST__INIT;
	accept.pickup_id = id;
	rounds_of("PickupService/AcceptPickup", &accept, NULL);
	return id;
}

static int64_t rounds_of_picking(size_t count, bool found)
{
	Stockbook__V1__PickedLine **lines = arena_alloc_array(&fixture.arena, count, sizeof(*lines));
	for (size_t i = 0; i < count; i++) {
		lines[i] = arena_alloc(&fixture.arena, sizeof(*lines[i]));
		stockbook__v1__picked_line__init(lines[i]);
		lines[i]->line = (int32_t)i + 1;
		*(found ? &lines[i]->picked : &lines[i]->short_) = 1;
		lines[i]->reason = STOCKBOOK__V1__SHORT_REASON__SHORT_REASON_NOT_FOUND;
	}
	Stockbook__V1__PickPickupRequest request = STOCKBOOK__V1__PICK_PICKUP_REQUEST__INIT;
	request.pickup_id = pickup_of(count);
	request.lines = lines;
	request.n_lines = count;
	return rounds_of("PickupService/PickPickup", &request, NULL);
}

static void picking_many_lines_takes_the_rounds_of_two(void **state)
{
	(void)state;
	stock_up(MANY);
	int64_t few = rounds_of_picking(FEW, true);
	/* The pickup by its id; its order, locked, with all that belongs to it; stock and shelves. */
	assert_in_range(few, 1, 3);
	assert_int_equal(rounds_of_picking(MANY, true), few);
}

/* Each of them is to be counted again, unless it is already. */
static void finding_none_of_many_lines_takes_the_rounds_of_two(void **state)
{
	(void)state;
	stock_up(MANY);
	int64_t few = rounds_of_picking(FEW, false);
	assert_true(few >= 1);
	/* And one more to lock the recounts that wait already. */
	assert_in_range(rounds_of_picking(MANY, false), few, few + 1);
	assert_int_equal(ask(&fixture, "SELECT count(*) FROM stockbook.work WHERE kind = %d",
						 STOCKBOOK__V1__WORK_KIND__WORK_KIND_RECOUNT),
		MANY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(picking_many_lines_takes_the_rounds_of_two, setup,
			teardown),
		cmocka_unit_test_setup_teardown(finding_none_of_many_lines_takes_the_rounds_of_two, setup,
			teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
