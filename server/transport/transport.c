#include "transport/transport.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <grpc/compression.h>
#include <grpc/grpc_security.h>
#include <grpc/status.h>

#include "base/abseil.h"
#include "base/cork.h"
#include "transport/credentials.h"
#include "transport/private.h"
#include "transport/sanitize.h"

/* How long a caller may take to connect, TLS included. */
#define HANDSHAKE_TIMEOUT_MS 20000
/* Connections that are silent are asked for a sign of life, and closed without one. */
#define KEEPALIVE_INTERVAL_MS 60000
#define KEEPALIVE_TIMEOUT_MS 20000
/* Callers may ask us as often as this. */
#define KEEPALIVE_CALLER_INTERVAL_MS 5000
#define DRAIN_TICK_MS 20

static grpc_arg argument(const char *key, int value)
{
	return (grpc_arg){
		.type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)key, .value.integer = value};
}

static int clamp_int(size_t value)
{
	return value > INT32_MAX ? INT32_MAX : (int)value;
}

static grpc_server *server_create(const struct transport_settings *settings)
{
	grpc_arg arguments[] = {
		argument(GRPC_ARG_ALLOW_REUSEPORT, settings->reuse_port),
		argument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
			clamp_int(settings->streams_per_connection_max
						  ? settings->streams_per_connection_max
						  : TRANSPORT_STREAMS_PER_CONNECTION_MAX_DEFAULT)),
		argument(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
			clamp_int(settings->message_bytes_max ? settings->message_bytes_max
												  : TRANSPORT_MESSAGE_BYTES_MAX_DEFAULT)),
		/* Nothing compressed: a small message could unpack to more than the limit. */
		argument(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1 << GRPC_COMPRESS_NONE),
		argument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, HANDSHAKE_TIMEOUT_MS),
		argument(GRPC_ARG_KEEPALIVE_TIME_MS, KEEPALIVE_INTERVAL_MS),
		argument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, KEEPALIVE_TIMEOUT_MS),
		argument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1),
		argument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
			KEEPALIVE_CALLER_INTERVAL_MS),
		/* Counts calls a second time; ours are in the metrics. */
		argument(GRPC_ARG_ENABLE_CHANNELZ, 0),
	};
	grpc_channel_args all = {.num_args = ARRAY_COUNT(arguments), .args = arguments};
	return grpc_server_create(&all, NULL);
}

static bool server_listen(struct transport *transport, const struct transport_settings *settings,
	char *error, size_t error_size)
{
	if (settings->addresses_count == 0) {
		snprintf(error, error_size, "no address to listen on");
		return false;
	}
	grpc_server_credentials *credentials = credentials_new(settings, error, error_size);
	if (!credentials)
		return false;
	bool listening = true;
	for (size_t i = 0; listening && i < settings->addresses_count; i++) {
		const char *address = settings->addresses[i];
		int port = grpc_server_add_http2_port(transport->server, address, credentials);
		bool is_unix = strncmp(address, "unix:", strlen("unix:")) == 0;
		listening = port > 0;
		if (!listening)
			snprintf(error, error_size,
				"cannot listen on '%s': is the address right, and not in use by another process?",
				address);
		else if (!is_unix && transport->port == 0)
			transport->port = port;
	}
	grpc_server_credentials_release(credentials);
	return listening;
}

/* ---- the drain */

static void drained(struct tag *tag, bool ok)
{
	struct transport *transport = container_of(tag, struct transport, drained_tag);
	(void)ok;
	transport->drained_tags_outstanding--;
}

static void shutdown_server(struct transport *transport)
{
	transport->drained_tags_outstanding++;
	tag_release(&transport->drained_tag);
	grpc_server_shutdown_and_notify(transport->server, transport->poller.polled,
		&transport->drained_tag);
	cork_flush(); /* connections are told that they should go elsewhere */
}

static bool nothing_is_left(const struct transport *transport)
{
	return transport->drained_tags_outstanding == 0 && transport->slots_armed == 0 &&
		   transport->calls == NULL && transport->poller.unpolled_outstanding == 0 &&
		   transport->api.calls_in_flight(transport->api.api) == 0;
}

/* The order matters: a queue must be empty before it is shut down, and the server gone before its
 * queue is. */
static void destroy_server(struct transport *transport)
{
	poller_stop(&transport->poller);
	grpc_server_destroy(transport->server);
	transport->server = NULL;
	poller_destroy_queues(&transport->poller);
	slots_release(transport);
	call_pool_release(transport);
	grpc_shutdown();
}

static void transport_round(struct poller *poller)
{
	struct transport *transport = container_of(poller, struct transport, poller);
	call_round(transport);
	if (transport->state != TRANSPORT_DRAINING || !nothing_is_left(transport))
		return;
	uv_timer_stop(&transport->drain_timer);
	destroy_server(transport);
	transport->state = TRANSPORT_STOPPED;
	if (transport->on_drained)
		transport->on_drained(transport, transport->on_drained_context);
}

static bool transport_collect(struct poller *poller)
{
	return call_watch_waiting(container_of(poller, struct transport, poller));
}

/* Each tick is a round, so the end of the API's last call is noticed soon. */
static void drain_tick(uv_timer_t *timer)
{
	struct transport *transport = timer->data;
	/* Repeated: a connection may have come between two looks. */
	if (uv_now(transport->loop) >= transport->drain_until_ms)
		grpc_server_cancel_all_calls(transport->server);
	cork_flush();
}

void transport_drain(struct transport *transport, uint64_t bound_ms,
	void (*done)(struct transport *transport, void *context), void *context)
{
	CHECK(transport->state == TRANSPORT_SERVING || transport->state == TRANSPORT_DRAINING);
	if (transport->state == TRANSPORT_SERVING) {
		health_set_serving(transport, false);
		transport->state = TRANSPORT_DRAINING;
		transport->on_drained = done;
		transport->on_drained_context = context;
		transport->drain_until_ms = UINT64_MAX;
		call_drain_all(transport);
		shutdown_server(transport);
		uv_timer_start(&transport->drain_timer, drain_tick, 0, DRAIN_TICK_MS);
	}
	uv_update_time(transport->loop);
	uint64_t until_ms = uv_now(transport->loop) + bound_ms;
	if (until_ms < transport->drain_until_ms)
		transport->drain_until_ms = until_ms;
}

/* ---- open and close */

static void transport_free(struct poller *poller)
{
	struct transport *transport = container_of(poller, struct transport, poller);
	arena_release(&transport->arena);
	free(transport);
}

static void drain_timer_closed(uv_handle_t *handle)
{
	struct transport *transport = handle->data;
	poller_close(&transport->poller, transport_free);
}

void transport_close(struct transport *transport)
{
	CHECK(transport->state == TRANSPORT_STOPPED);
	transport->state = TRANSPORT_CLOSING;
	uv_close((uv_handle_t *)&transport->drain_timer, drain_timer_closed);
}

/* gRPC's threads inherit the mask of who starts them: signals are the loop thread's. */
static void init_grpc(void)
{
	sigset_t all, before;
	sigfillset(&all);
	CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	/* Its own lines (a failed handshake, a refused encoding) would break up structured logs. Who
	 * wants them sets the variable. */
	setenv("GRPC_VERBOSITY", "NONE", 0);
	abseil_skip_deadlock_checks();
	grpc_init();
	CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
}

/* Made once: whoever has too much to do should not have to write more. */
static void prepare_overloaded(struct transport *transport)
{
	struct arena *arena = &transport->arena;
	const char *most = arena_printf(arena, "%zu", transport->calls_in_flight_max);
	const struct reply_pair pairs[] = {
		{"bound", "calls"},
		{"setting", "calls_in_flight_max"},
		{"setting_value", most},
	};
	transport->overloaded_message =
		arena_printf(arena, "too many calls in flight (%s, setting calls_in_flight_max)", most);
	transport->overloaded = reply_details(arena, GRPC_STATUS_RESOURCE_EXHAUSTED,
		transport->overloaded_message, STOCKBOOK__V1__REASON__REASON_OVERLOADED, pairs,
		ARRAY_COUNT(pairs), TRANSPORT_OVERLOADED_RETRY_MS);
}

static struct transport *transport_new(uv_loop_t *loop, const struct transport_settings *settings,
	const struct transport_api *api)
{
	struct transport *transport = calloc(1, sizeof(*transport));
	CHECK(transport != NULL);
	transport->state = TRANSPORT_SERVING;
	transport->loop = loop;
	transport->api = *api;
	transport->calls_in_flight_max = settings->calls_in_flight_max
										 ? settings->calls_in_flight_max
										 : TRANSPORT_CALLS_IN_FLIGHT_MAX_DEFAULT;
	transport->callers_have_names = settings->tls_client_ca != NULL;
	transport->drained_tag.done = drained;
	transport->unwatched_end = &transport->unwatched;
	arena_init(&transport->arena);
	descriptors_init_embedded(&transport->descriptors, &transport->arena);
	prepare_overloaded(transport);
	return transport;
}

struct transport *transport_open(uv_loop_t *loop, const struct transport_settings *settings,
	const struct transport_api *api, char *error, size_t error_size)
{
	struct transport *transport = transport_new(loop, settings, api);
	if (!method_table_init(&transport->methods, &transport->arena, &transport->descriptors, api,
			error, error_size)) {
		arena_release(&transport->arena);
		free(transport);
		return NULL;
	}
	init_grpc();
	transport->server = server_create(settings);
	poller_open(&transport->poller, loop, transport_round, transport_collect);
	CHECK(uv_timer_init(loop, &transport->drain_timer) == 0);
	transport->drain_timer.data = transport;
	grpc_server_register_completion_queue(transport->server, transport->poller.polled, NULL);
	if (!server_listen(transport, settings, error, error_size)) {
		/* Nothing came in yet, but uv's handles are closed by its loop: leave them to it. */
		shutdown_server(transport);
		poller_wait_for(&transport->poller, &transport->drained_tag);
		destroy_server(transport);
		transport->state = TRANSPORT_STOPPED;
		transport_close(transport);
		return NULL;
	}
	slots_register(transport);
	grpc_server_start(transport->server);
	slots_open(transport);
	return transport;
}

void transport_set_serving(struct transport *transport, bool serving)
{
	if (transport->state == TRANSPORT_SERVING)
		health_set_serving(transport, serving);
}

int transport_port(const struct transport *transport)
{
	return transport->port;
}

const struct call_counts *transport_counts(const struct transport *transport)
{
	return &transport->counts;
}

size_t transport_calls_in_flight(const struct transport *transport)
{
	return transport->calls_in_flight + transport->own_calls_in_flight;
}
