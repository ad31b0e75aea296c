#include "integration/transport_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define IDLE_WAIT_MS 10000

static void finish(struct api *api, struct call *call, int status)
{
	atomic_fetch_sub(&api->in_flight, 1);
	call->status_code = status;
	call->operations->finish(call);
}

static void answer(struct api *api, struct call *call, const void *data, size_t size)
{
	CHECK(call->operations->send(call, data, size));
	finish(api, call, 0);
}

/* ---- ASK */

static void ask(struct api *api, struct call *call)
{
	int64_t left_ms = call->deadline_us == INT64_MAX
						  ? -1
						  : (call->deadline_us - (int64_t)(uv_hrtime() / 1000)) / 1000;
	const char *text = arena_printf(&call->arena, "%s|%s|%s|%lld|%d",
		call->peer_name ? call->peer_name : "", call->authorization ? call->authorization : "",
		call->peer, (long long)left_ms, call->streaming);
	answer(api, call, text, strlen(text));
}

/* ---- FAIL */

static void fail(struct api *api, struct call *call)
{
	call->status_message = "sku '85123A' not found";
	call->status_details = (const uint8_t *)"\x08\x05";
	call->status_details_size = 2;
	snprintf(call->request_tag, sizeof(call->request_tag), "%s", FAIL_TAG);
	/* An error after an answer: the answer must not arrive. */
	CHECK(call->operations->send(call, "never", 5));
	finish(api, call, 5);
}

/* ---- HOLD */

struct held {
	struct api *api;
	struct call *next;
	struct call **back;
};

static void unhold(struct call *call)
{
	struct held *held = call->api_data;
	*held->back = held->next;
	if (held->next)
		((struct held *)held->next->api_data)->back = held->back;
}

static void held_cancelled(struct call *call)
{
	struct held *held = call->api_data;
	CHECK(call->cancelled);
	CHECK(!call->operations->send(call, "late", 4));
	atomic_fetch_add(&held->api->cancelled, 1);
	unhold(call);
	finish(held->api, call, 1);
}

static void hold(struct api *api, struct call *call)
{
	struct held *held = arena_alloc(&call->arena, sizeof(*held));
	*held = (struct held){.api = api, .next = api->held, .back = &api->held};
	call->api_data = held;
	if (held->next)
		((struct held *)held->next->api_data)->back = &held->next;
	api->held = call;
	call->on_cancel = held_cancelled;
}

static void release_held(struct api *api)
{
	while (api->held) {
		struct call *call = api->held;
		unhold(call);
		answer(api, call, call->request, call->request_size);
	}
}

/* ---- DEFER */

struct deferred {
	uv_timer_t timer;
	struct api *api;
	struct call *call;
};

static void deferred_closed(uv_handle_t *handle)
{
	free(handle);
}

static void deferred_due(uv_timer_t *timer)
{
	struct deferred *deferred = timer->data;
	struct call *call = deferred->call;
	/* Cancelled calls are answered late, as by a database that cannot be stopped. */
	if (call->cancelled) {
		atomic_fetch_add(&deferred->api->cancelled, 1);
		finish(deferred->api, call, 1);
	} else {
		answer(deferred->api, call, call->request, call->request_size);
	}
	uv_close((uv_handle_t *)timer, deferred_closed);
}

static void defer(struct api *api, struct call *call)
{
	struct deferred *deferred = calloc(1, sizeof(*deferred));
	CHECK(deferred != NULL);
	deferred->api = api;
	deferred->call = call;
	deferred->timer.data = deferred;
	CHECK(uv_timer_init(api->loop, &deferred->timer) == 0);
	CHECK(uv_timer_start(&deferred->timer, deferred_due, DEFER_MS, 0) == 0);
}

/* ---- STREAM */

struct stream {
	struct api *api;
	unsigned long left;
	unsigned long sent;
	size_t size;
	char *message;
};

static void stream_go_on(struct call *call)
{
	struct stream *stream = call->api_data;
	while (stream->left > 0) {
		snprintf(stream->message, stream->size + 1, "%lu", stream->sent);
		if (!call->operations->send(call, stream->message, stream->size)) {
			atomic_fetch_add(&stream->api->stream_refused, 1);
			return;
		}
		atomic_fetch_add(&stream->api->streamed, 1);
		stream->sent++;
		stream->left--;
	}
	finish(stream->api, call, 0);
}

static void stream_cancelled(struct call *call)
{
	struct stream *stream = call->api_data;
	atomic_fetch_add(&stream->api->cancelled, 1);
	finish(stream->api, call, 1);
}

static void stream(struct api *api, struct call *call)
{
	struct stream *state = arena_alloc(&call->arena, sizeof(*state));
	const char *request =
		arena_string_sized(&call->arena, (const char *)call->request, call->request_size);
	char *rest;
	state->api = api;
	state->left = strtoul(request, &rest, 10);
	state->size = strtoul(rest, NULL, 10);
	state->message = arena_alloc(&call->arena, state->size + 1);
	call->api_data = state;
	call->on_writable = stream_go_on;
	call->on_cancel = stream_cancelled;
	stream_go_on(call);
}

/* ---- the API */

static void echo(struct api *api, struct call *call)
{
	answer(api, call, call->request, call->request_size);
}

static const struct {
	const char *method;
	void (*handle)(struct api *api, struct call *call);
} methods[] = {
	{METHOD_ECHO, echo},
	{METHOD_ASK, ask},
	{METHOD_FAIL, fail},
	{METHOD_HOLD, hold},
	{METHOD_DEFER, defer},
	{METHOD_STREAM, stream},
};

static bool has_method(const struct api *api, const char *method)
{
	(void)api;
	for (size_t i = 0; i < ARRAY_COUNT(methods); i++) {
		if (strcmp(methods[i].method, method) == 0)
			return true;
	}
	return false;
}

static void handle(struct api *api, struct call *call)
{
	atomic_fetch_add(&api->handled, 1);
	atomic_fetch_add(&api->in_flight, 1);
	for (size_t i = 0; i < ARRAY_COUNT(methods); i++) {
		if (strcmp(methods[i].method, call->method) == 0) {
			methods[i].handle(api, call);
			return;
		}
	}
	CHECK(false);
}

static size_t calls_in_flight(const struct api *api)
{
	return atomic_load(&api->in_flight);
}

/* ---- the loop thread */

static void drained(struct transport *transport, void *context)
{
	struct transport_server *server = context;
	CHECK(transport_calls_in_flight(transport) == 0);
	transport_close(transport);
	uv_close((uv_handle_t *)&server->wake, NULL);
	atomic_store(&server->drained, true);
}

static void take_orders(uv_async_t *wake)
{
	struct transport_server *server = wake->data;
	int serving = atomic_exchange(&server->order_serving, -1);
	if (serving >= 0)
		transport_set_serving(server->transport, serving == 1);
	if (atomic_exchange(&server->order_release, false))
		release_held(&server->api);
	if (atomic_exchange(&server->order_counts, false)) {
		server->counts = *transport_counts(server->transport);
		server->calls_in_flight = transport_calls_in_flight(server->transport);
		uv_sem_post(&server->done);
	}
	if (atomic_exchange(&server->order_drain, false))
		transport_drain(server->transport, server->drain_bound_ms, drained, server);
}

static void server_main(void *argument)
{
	struct transport_server *server = argument;
	CHECK(uv_run(&server->loop, UV_RUN_DEFAULT) == 0);
	CHECK(uv_loop_close(&server->loop) == 0); /* every handle was closed */
}

void transport_server_start(struct transport_server *server, const struct transport_settings *given)
{
	static const char *const anywhere[] = {"127.0.0.1:0"};
	struct transport_settings settings = *given;
	char error[256] = "";
	if (settings.addresses_count == 0) {
		settings.addresses = anywhere;
		settings.addresses_count = 1;
	}
	memset(server, 0, sizeof(*server));
	server->api.loop = &server->loop;
	atomic_init(&server->order_serving, -1);
	CHECK(uv_sem_init(&server->done, 0) == 0);
	CHECK(uv_loop_init(&server->loop) == 0);
	CHECK(uv_async_init(&server->loop, &server->wake, take_orders) == 0);
	server->wake.data = server;
	struct transport_api api = {
		.api = &server->api,
		.has_method = has_method,
		.handle = handle,
		.calls_in_flight = calls_in_flight,
	};
	server->transport = transport_open(&server->loop, &settings, &api, error, sizeof(error));
	if (!server->transport)
		fprintf(stderr, "%s\n", error);
	CHECK(server->transport != NULL);
	if (strncmp(settings.addresses[0], "unix:", 5) == 0)
		snprintf(server->target, sizeof(server->target), "%s", settings.addresses[0]);
	else
		snprintf(server->target, sizeof(server->target), "127.0.0.1:%d",
			transport_port(server->transport));
	CHECK(uv_thread_create(&server->thread, server_main, server) == 0);
}

void transport_server_set_serving(struct transport_server *server, bool serving)
{
	atomic_store(&server->order_serving, serving);
	uv_async_send(&server->wake);
}

void transport_server_release(struct transport_server *server)
{
	atomic_store(&server->order_release, true);
	uv_async_send(&server->wake);
}

void transport_server_begin_drain(struct transport_server *server, uint64_t bound_ms)
{
	server->draining = true;
	server->drain_bound_ms = bound_ms;
	atomic_store(&server->order_drain, true);
	uv_async_send(&server->wake);
}

const struct call_counts *transport_server_counts(struct transport_server *server)
{
	atomic_store(&server->order_counts, true);
	uv_async_send(&server->wake);
	uv_sem_wait(&server->done);
	return &server->counts;
}

bool transport_server_is_idle(struct transport_server *server)
{
	for (unsigned waited_ms = 0; waited_ms < IDLE_WAIT_MS; waited_ms += 5) {
		const struct call_counts *counts = transport_server_counts(server);
		size_t busy = 0;
		for (size_t i = CALL_FREE + 1; i < CALL_STATES; i++)
			busy += counts->in_state[i];
		if (busy == 0 && server->calls_in_flight == 0 && atomic_load(&server->api.in_flight) == 0)
			return true;
		uv_sleep(5);
	}
	return false;
}

void transport_server_stop(struct transport_server *server)
{
	if (!server->draining)
		transport_server_begin_drain(server, 0);
	CHECK(uv_thread_join(&server->thread) == 0);
	CHECK(atomic_load(&server->drained));
	uv_sem_destroy(&server->done);
}
