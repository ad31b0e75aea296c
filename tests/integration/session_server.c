#include "integration/session_server.h"

#include <stdio.h>
#include <string.h>

#include "stockbook/v1/reservation.pb-c.h"

#include "api/call.h"
#include "book/operations.h"

#define TURN_MS 1
#define ANSWERS_A_TURN_MAX 300
#define WAIT_MS 20000

/* ---- The engine ---- */

static void answer(struct engine_request *request)
{
	const Stockbook__V1__ReserveRequest *reserve = request->message;
	Stockbook__V1__ReserveResponse response = STOCKBOOK__V1__RESERVE_RESPONSE__INIT;
	Stockbook__V1__Reservation reservation = STOCKBOOK__V1__RESERVATION__INIT;
	CHECK(strcmp(request->operation->name, "ReservationService/Reserve") == 0);
	reservation.id = reserve->owner;
	response.reservation = &reservation;
	request->outcome = ENGINE_DONE;
	request->response_size = stockbook__v1__reserve_response__get_packed_size(&response);
	request->response = arena_alloc(request->arena, request->response_size);
	stockbook__v1__reserve_response__pack(&response, request->response);
	request->done(request);
}

static void submit(struct engine *engine, struct engine_request *request)
{
	struct session_server *server = (struct session_server *)engine;
	CHECK(server->held_count < SESSION_SERVER_HELD_MAX);
	server->held[server->held_count++] = request;
	atomic_fetch_add(&server->submitted, 1);
}

static size_t draw(struct session_server *server, size_t below)
{
	server->random = server->random * UINT64_C(6364136223846793005) + 1442695040888963407U;
	return (size_t)(server->random >> 33) % below;
}

static void turn(uv_timer_t *timer)
{
	struct session_server *server = timer->data;
	size_t cancelled = 0;
	for (size_t i = 0;
		 !atomic_load(&server->holds) && server->held_count > 0 && i < ANSWERS_A_TURN_MAX; i++) {
		size_t drawn = draw(server, server->held_count);
		struct engine_request *request = server->held[drawn];
		server->held[drawn] = server->held[--server->held_count];
		answer(request);
	}
	for (size_t i = 0; i < server->held_count; i++)
		cancelled += server->held[i]->cancelled;
	atomic_store(&server->waiting, server->held_count);
	atomic_store(&server->cancelled, cancelled);
	atomic_store(&server->in_flight, api_calls_in_flight(server->api));
}

/* ---- The loop thread ---- */

static void drained(struct transport *transport, void *context)
{
	struct session_server *server = context;
	transport_close(transport);
	uv_close((uv_handle_t *)&server->wake, NULL);
	uv_close((uv_handle_t *)&server->turn, NULL);
	atomic_store(&server->drained, true);
}

static void take_orders(uv_async_t *wake)
{
	struct session_server *server = wake->data;
	if (atomic_exchange(&server->order_drain, false))
		transport_drain(server->transport, WAIT_MS, drained, server);
}

static void server_main(void *argument)
{
	struct session_server *server = argument;
	CHECK(uv_run(&server->loop, UV_RUN_DEFAULT) == 0);
	CHECK(uv_loop_close(&server->loop) == 0);
	api_close(server->api);
}

void session_server_start(struct session_server *server, size_t session_operations_max)
{
	static const char *const anywhere[] = {"127.0.0.1:0"};
	char error[256] = "";
	*server = (struct session_server){.random = 7};
	CHECK(uv_loop_init(&server->loop) == 0);
	CHECK(uv_async_init(&server->loop, &server->wake, take_orders) == 0);
	CHECK(uv_timer_init(&server->loop, &server->turn) == 0);
	CHECK(uv_timer_start(&server->turn, turn, TURN_MS, TURN_MS) == 0);
	server->wake.data = server;
	server->turn.data = server;
	const struct api_engine engine = {
		.engine = (struct engine *)server, .submit = submit, .find = operation_find};
	const struct api_settings settings = {
		.open = true, .version = "test", .session_operations_max = session_operations_max};
	server->api = api_open(&engine, &settings, error, sizeof(error));
	if (!server->api)
		fprintf(stderr, "%s\n", error);
	CHECK(server->api != NULL);
	const struct transport_api api = {
		.api = server->api,
		.has_method = api_has_method,
		.handle = api_handle,
		.calls_in_flight = api_calls_in_flight,
	};
	const struct transport_settings network = {.addresses = anywhere, .addresses_count = 1};
	server->transport = transport_open(&server->loop, &network, &api, error, sizeof(error));
	CHECK(server->transport != NULL);
	snprintf(server->target, sizeof(server->target), "127.0.0.1:%d",
		transport_port(server->transport));
	CHECK(uv_thread_create(&server->thread, server_main, server) == 0);
}

void session_server_hold(struct session_server *server, bool holds)
{
	atomic_store(&server->holds, holds);
}

void session_server_begin_drain(struct session_server *server)
{
	server->draining = true;
	atomic_store(&server->order_drain, true);
	uv_async_send(&server->wake);
}

bool session_server_reaches(struct session_server *server, atomic_size_t *count, size_t value)
{
	(void)server;
	for (unsigned waited_ms = 0; waited_ms < WAIT_MS; waited_ms += 2) {
		if (atomic_load(count) == value)
			return true;
		uv_sleep(2);
	}
	return false;
}

void session_server_stop(struct session_server *server)
{
	if (!server->draining)
		session_server_begin_drain(server);
	CHECK(uv_thread_join(&server->thread) == 0);
	CHECK(atomic_load(&server->drained));
}
