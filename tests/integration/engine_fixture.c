#include "engine_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "book/operations.h"
#include "book/reservation.h"
#include "db/migrate.h"
#include "stockbook/v1/item.pb-c.h"
#include "stockbook/v1/location.pb-c.h"
#include "stockbook/v1/token.pb-c.h"
#include "support/database.h"

static const struct actor admin = {.name = "test", .role = STOCKBOOK__V1__ROLE__ROLE_ADMIN};

void fixture_open(struct fixture *fixture)
{
	*fixture = (struct fixture){.random = uv_hrtime()};
	arena_init(&fixture->arena);
	assert_int_equal(uv_loop_init(&fixture->loop), 0);
	fixture->database = test_database_fresh();
	struct migrate_options options = {.uri = fixture->database, .parts = FIXTURE_PARTS};
	struct migrate_result result;
	const char *error = "";
	if (!migrate_run(&options, &result, &fixture->arena, &error))
		fail_msg("migrating: %s", error);
}

static void on_time(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

void fixture_run_ms(struct fixture *fixture, uint64_t ms)
{
	bool over = false;
	uv_timer_t timer;
	uv_timer_init(&fixture->loop, &timer);
	timer.data = &over;
	uv_timer_start(&timer, on_time, ms, 0);
	while (!over && fixture->in_flight > 0)
		uv_run(&fixture->loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, NULL);
	while (uv_is_active((uv_handle_t *)&timer))
		uv_run(&fixture->loop, UV_RUN_NOWAIT);
	uv_run(&fixture->loop, UV_RUN_NOWAIT);
}

void fixture_run(struct fixture *fixture)
{
	fixture_run_ms(fixture, 60000);
	assert_int_equal(fixture->in_flight, 0);
}

struct engine *fixture_engine(struct fixture *fixture, const struct engine_settings *given)
{
	struct engine_settings settings = given ? *given : (struct engine_settings){0};
	if (!settings.database)
		settings.database = fixture->database;
	if (!settings.role)
		settings.role = MIGRATE_SERVICE_ROLE;
	if (!settings.limits.parts)
		settings.limits.parts = FIXTURE_PARTS;
	if (!settings.limits.hold_default_us)
		settings.limits.hold_default_us = INT64_C(900000000);
	if (!settings.limits.hold_max_us)
		settings.limits.hold_max_us = INT64_C(86400000000);
	if (!settings.expire)
		settings.expire = &reservation_expire_operation;
	struct engine *engine = engine_open(&fixture->loop, &settings);
	uint64_t until = uv_hrtime() + UINT64_C(20000000000);
	while (engine_state(engine) == ENGINE_STARTING && uv_hrtime() < until)
		uv_run(&fixture->loop, UV_RUN_ONCE);
	fixture->engines[fixture->engine_count++] = engine;
	return engine;
}

void fixture_close(struct fixture *fixture)
{
	for (size_t i = 0; i < fixture->engine_count; i++)
		engine_close(fixture->engines[i], NULL, NULL);
	uv_run(&fixture->loop, UV_RUN_DEFAULT);
	assert_int_equal(fixture->in_flight, 0);
	assert_int_equal(uv_loop_close(&fixture->loop), 0);
	arena_release(&fixture->arena);
}

/* ---- Calls ---- */

struct caller *caller_new(struct fixture *fixture)
{
	struct caller *caller = calloc(1, sizeof(*caller));
	assert_non_null(caller);
	caller->fixture = fixture;
	arena_init(&caller->arena);
	return caller;
}

void caller_free(struct caller *caller)
{
	if (caller->response)
		protobuf_c_message_free_unpacked(caller->response, NULL);
	arena_release(&caller->arena);
	free(caller);
}

static uint64_t next_random(struct fixture *fixture)
{
	uint64_t z = fixture->random += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

struct uuid new_request_id(struct fixture *fixture)
{
	return uuid_make((int64_t)(uv_hrtime() / 1000), 0, next_random(fixture));
}

static void on_done(struct engine_request *request)
{
	struct caller *caller = request->data;
	caller->answered = true;
	caller->answers++;
	caller->fixture->in_flight--;
	if (request->outcome == ENGINE_DONE) {
		caller->response = protobuf_c_message_unpack(request->operation->response, NULL,
			request->response_size, request->response);
		assert_non_null(caller->response);
	}
	if (caller->done)
		caller->done(caller);
}

void call(struct caller *caller, struct engine *engine, const char *name, const void *message)
{
	struct engine_request *request = &caller->request;
	const struct operation *operation = operation_find(name);
	if (!operation)
		fail_msg("there is no operation '%s'", name);
	request->operation = operation;
	request->message = message;
	request->arena = &caller->arena;
	if (!request->actor)
		request->actor = &admin;
	if (operation->writes && uuid_is_nil(&request->request_id))
		request->request_id = new_request_id(caller->fixture);
	request->random = next_random(caller->fixture);
	request->done = on_done;
	request->data = caller;
	caller->fixture->in_flight++;
	engine_submit(engine, request);
}

void call_now(struct caller *caller, struct engine *engine, const char *name, const void *message)
{
	call(caller, engine, name, message);
	while (!caller->answered)
		uv_run(&caller->fixture->loop, UV_RUN_ONCE);
}

const char *outcome(const struct caller *caller)
{
	if (!caller->answered)
		return "not answered";
	return caller->request.outcome == ENGINE_DONE
			   ? "OK"
			   : refusal_reason_name(caller->request.refusal.reason);
}

size_t count_outcomes(struct caller *const *callers, size_t count, const char *expected)
{
	size_t found = 0;
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(callers[i]->answers, 1);
		found += strcmp(outcome(callers[i]), expected) == 0;
	}
	return found;
}

void free_callers(struct caller *const *callers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		caller_free(callers[i]);
}

static void call_well(struct fixture *fixture, struct engine *engine, const char *name,
	const void *message)
{
	struct caller *caller = caller_new(fixture);
	call_now(caller, engine, name, message);
	if (caller->request.outcome != ENGINE_DONE)
		fail_msg("%s: %s", name, caller->request.refusal.message);
	caller_free(caller);
}

void put_item(struct fixture *fixture, struct engine *engine, const char *sku)
{
	Stockbook__V1__Item item = STOCKBOOK__V1__ITEM__INIT;
	Stockbook__V1__PutItemRequest request = STOCKBOOK__V1__PUT_ITEM_REQUEST__INIT;
	item.sku = item.name = arena_string(&fixture->arena, sku);
	request.item = &item;
	call_well(fixture, engine, "ItemService/PutItem", &request);
}

void put_item_safety(struct fixture *fixture, struct engine *engine, const char *sku,
	int64_t quantity)
{
	Stockbook__V1__Item item = STOCKBOOK__V1__ITEM__INIT;
	Stockbook__V1__PutItemRequest request = STOCKBOOK__V1__PUT_ITEM_REQUEST__INIT;
	Google__Protobuf__Int64Value safety = GOOGLE__PROTOBUF__INT64_VALUE__INIT;
	safety.value = quantity;
	item.sku = item.name = arena_string(&fixture->arena, sku);
	item.safety_stock = &safety;
	request.item = &item;
	call_well(fixture, engine, "ItemService/PutItem", &request);
}

void put_disabled(struct fixture *fixture, struct engine *engine, const char *code, bool disabled)
{
	Stockbook__V1__Location location = STOCKBOOK__V1__LOCATION__INIT;
	Stockbook__V1__PutLocationRequest request = STOCKBOOK__V1__PUT_LOCATION_REQUEST__INIT;
	location.code = location.name = arena_string(&fixture->arena, code);
	location.ships = location.sells_at_till = location.takes_returns = true;
	location.disabled = disabled;
	request.location = &location;
	call_well(fixture, engine, "LocationService/PutLocation", &request);
}

void put_location(struct fixture *fixture, struct engine *engine, const char *code)
{
	put_disabled(fixture, engine, code, false);
}

void set_safety(struct fixture *fixture, struct engine *engine, const char *sku,
	const char *location, int64_t quantity)
{
	Stockbook__V1__SafetyStockLine line = STOCKBOOK__V1__SAFETY_STOCK_LINE__INIT;
	Stockbook__V1__SafetyStockLine *lines[] = {&line};
	Stockbook__V1__SetSafetyStockRequest request = STOCKBOOK__V1__SET_SAFETY_STOCK_REQUEST__INIT;
	Google__Protobuf__Int64Value safety = GOOGLE__PROTOBUF__INT64_VALUE__INIT;
	safety.value = quantity;
	line.sku = arena_string(&fixture->arena, sku);
	line.quantity = &safety;
	request.location = arena_string(&fixture->arena, location);
	request.lines = lines;
	request.n_lines = 1;
	call_well(fixture, engine, "StockService/SetSafetyStock", &request);
}

void receive(struct fixture *fixture, struct engine *engine, const char *sku, const char *location,
	int64_t quantity)
{
	Stockbook__V1__ReceiptLine line = STOCKBOOK__V1__RECEIPT_LINE__INIT;
	Stockbook__V1__ReceiptLine *lines[] = {&line};
	Stockbook__V1__ReceiveStockRequest request = STOCKBOOK__V1__RECEIVE_STOCK_REQUEST__INIT;
	line.sku = arena_string(&fixture->arena, sku);
	line.quantity = quantity;
	request.location = arena_string(&fixture->arena, location);
	request.lines = lines;
	request.n_lines = 1;
	call_well(fixture, engine, "StockService/ReceiveStock", &request);
}

const Stockbook__V1__ReserveRequest *reserve_request(struct arena *arena, const char *const *skus,
	const char *const *locations, int64_t quantity, size_t count)
{
	Stockbook__V1__ReserveRequest *request = arena_alloc(arena, sizeof(*request));
	stockbook__v1__reserve_request__init(request);
	Stockbook__V1__ReserveLine *lines = arena_alloc_array(arena, count, sizeof(*lines));
	request->lines = arena_alloc_array(arena, count, sizeof(*request->lines));
	request->n_lines = count;
	for (size_t i = 0; i < count; i++) {
		stockbook__v1__reserve_line__init(&lines[i]);
		lines[i].sku = arena_string(arena, skus[i]);
		lines[i].location = arena_string(arena, locations[i]);
		lines[i].quantity = quantity;
		request->lines[i] = &lines[i];
	}
	return request;
}

void reserve(struct caller *caller, struct engine *engine, const char *sku, const char *location,
	int64_t quantity)
{
	call(caller, engine, "ReservationService/Reserve",
		reserve_request(&caller->arena, &sku, &location, quantity, 1));
}

/* ---- The book ---- */

struct verification {
	int64_t wrong;
	int32_t results;
	bool ended;
};

static void on_result(const struct verify_result *result, void *data)
{
	struct verification *verification = data;
	verification->wrong += result->wrong;
	verification->results++;
	for (size_t i = 0; i < result->finding_count; i++)
		print_message("%s: %s\n", result->check, result->findings[i]);
}

static void on_end(const char *error, void *data)
{
	struct verification *verification = data;
	if (error)
		fail_msg("verify: %s", error);
	verification->ended = true;
}

void assert_book_is_right(struct fixture *fixture, struct engine *engine)
{
	struct verification verification = {0};
	struct verify_options options = {
		.on_result = on_result, .on_end = on_end, .data = &verification};
	assert_non_null(engine_verify(engine, &options));
	while (!verification.ended)
		uv_run(&fixture->loop, UV_RUN_ONCE);
	assert_int_equal(verification.wrong, 0);
	assert_true(verification.results > 0);
}

int64_t ask(struct fixture *fixture, const char *format, ...)
{
	char question[4096];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(question, sizeof(question), format, arguments);
	va_end(arguments);
	return strtoll(test_sql(fixture->database, "%s", question), NULL, 10);
}
