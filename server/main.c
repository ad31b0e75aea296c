/*
 * stockbookd: wires the layers and carries them from start to end.
 *
 *	settings -> log -> embedded cluster -> migrations -> engine, api, transport -> loop
 *	SIGTERM: transport drains -> engine drains, closes -> api closes -> loop ends -> cluster stops
 *
 * Health says NOT_SERVING until the engine has a connection. Whatever happens after the cluster
 * was started, it is stopped on the way out.
 */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

#include "api/api.h"
#include "book/operations.h"
#include "book/pickup.h"
#include "book/reservation.h"
#include "config/config.h"
#include "db/cluster.h"
#include "db/migrate.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "transport/transport.h"

extern char **environ;

#define EXIT_USAGE 2
#define DAY_US (INT64_C(86400) * 1000000)
#define ENGINE_DRAIN_MS 3000
#define CANCEL_MS 500 /* for calls that were cancelled, until the engine is closed under them */
#define SECOND_US INT64_C(1000000)

enum server_state {
	SERVER_STARTING,
	SERVER_RUNNING,
	SERVER_DRAINING, /* calls end; the transport closes, then the engine */
	SERVER_STOPPING, /* the same after a second signal: nothing is waited for */
	SERVER_CLOSING,  /* the engine's connections close */
};

/* Of the first admin's token: asked about once, when the engine is ready for the first time. */
enum bootstrap {
	BOOTSTRAP_TO_DO,
	BOOTSTRAP_UNDER_WAY,
	BOOTSTRAP_DONE,
};

struct server {
	struct config config;
	struct arena arena;
	uv_loop_t loop;
	enum server_state state;
	int status;
	struct cluster *cluster;
	struct migrate_result database;
	struct engine *engine;
	struct api *api;
	struct transport *transport;
	uv_signal_t signals[3];
	uv_timer_t bound; /* of the engine's drain */
	enum bootstrap bootstrap;
};

static void server_stop(struct server *server, int status);

static int fail(const char *message)
{
	log_error(message);
	return EXIT_FAILURE;
}

static const char *database_uri(const struct server *server)
{
	return server->cluster ? cluster_uri(server->cluster) : server->config.database;
}

static struct migrate_options migrate_options(const struct server *server)
{
	return (struct migrate_options){
		.uri = database_uri(server),
		.directory = server->config.migrations,
		.parts = (int)server->config.parts,
	};
}

static bool start_cluster(struct server *server)
{
	const struct config *config = &server->config;
	struct cluster_options options = {.directory = config->embedded, .programs = config->postgres};
	const char *error = NULL;
	if (!config->embedded)
		return true;
	server->cluster = cluster_start(&options, &server->arena, &error);
	if (!server->cluster)
		log_error(error);
	return server->cluster != NULL;
}

static int run_migrate(struct server *server)
{
	struct migrate_options options = migrate_options(server);
	const char *error = NULL;
	if (!migrate_run(&options, &server->database, &server->arena, &error))
		return fail(error);
	log_info("database is up to date", log_integer("version", server->database.version),
		log_integer("applied", (int64_t)server->database.applied),
		log_integer("parts", server->database.parts));
	return EXIT_SUCCESS;
}

/* What is pending on stdout, a line each. */
static int run_migrate_check(struct server *server)
{
	struct migrate_options options = migrate_options(server);
	const char *error = NULL;
	if (!migrate_check(&options, &server->database, &server->arena, &error))
		return fail(error);
	const struct migrations *pending = &server->database.pending;
	for (size_t i = 0; i < pending->count; i++)
		printf("pending: %04d %s\n", pending->items[i].version, pending->items[i].name);
	if (pending->count == 0)
		printf("up to date: version %d\n", server->database.version);
	return pending->count == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static const char *bootstrap_file(struct server *server)
{
	const struct config *config = &server->config;
	if (config->bootstrap_token_file || !config->embedded)
		return config->bootstrap_token_file;
	return arena_printf(&server->arena, "%s/admin.token", config->embedded);
}

/* Serving, and no sooner: who waits for health finds the token. */
static void on_bootstrapped(const char *error, bool created, void *data)
{
	struct server *server = data;
	if (error)
		log_error("the first admin's token was not made", log_text("error", error));
	else if (created)
		log_info("the first admin's token was made", log_text("file", bootstrap_file(server)));
	server->bootstrap = BOOTSTRAP_DONE;
	bool ready = server->engine && engine_state(server->engine) == ENGINE_READY;
	if (server->transport)
		transport_set_serving(server->transport, ready);
}

/* The engine is ready; on_bootstrapped() goes on where there is a token to look after. */
static void bootstrap(struct server *server)
{
	const char *file = bootstrap_file(server);
	if (!file || config_is_open(&server->config)) {
		server->bootstrap = BOOTSTRAP_DONE;
		return;
	}
	server->bootstrap = BOOTSTRAP_UNDER_WAY;
	api_bootstrap(server->api, file, on_bootstrapped, server);
}

static void on_engine_changed(struct engine *engine, enum engine_state state, const char *message,
	void *data)
{
	struct server *server = data;
	(void)engine;
	if (state == ENGINE_FAILED) {
		log_error(message);
		server_stop(server, EXIT_FAILURE);
	}
	if (!server->transport || !server->api)
		return;
	if (state == ENGINE_READY && server->bootstrap == BOOTSTRAP_TO_DO)
		bootstrap(server);
	transport_set_serving(server->transport,
		state == ENGINE_READY && server->bootstrap == BOOTSTRAP_DONE);
}

static bool start_engine(struct server *server)
{
	const struct config *config = &server->config;
	struct engine_settings settings = {
		.database = database_uri(server),
		.role = MIGRATE_SERVICE_ROLE,
		.limits =
			{
				.parts = server->database.parts,
				.hold_default_us = config->hold_default_s * SECOND_US,
				.hold_max_us = config->hold_max_s * SECOND_US,
				.blind_return_units_max = config->blind_return_units_max,
			},
		.lanes = (uint32_t)config->lanes,
		.readers = (uint32_t)config->readers,
		.batch_operations_max = (uint32_t)config->batch_operations_max,
		.queue_operations_max = (uint32_t)config->queue_operations_max,
		.batch_deadline_ms = (uint32_t)config->batch_deadline_ms,
		.lock_timeout_ms = (uint32_t)config->lock_timeout_ms,
		.policy_staleness_ms = (uint32_t)config->policy_staleness_ms,
		.cache_bytes_max = (size_t)config->cache_mb << 20,
		.lane_memory_bytes_max = config->lane_memory_mb > 0 ? config->lane_memory_mb << 20 : -1,
		.sweep_interval_ms = (uint32_t)config->sweep_interval_ms,
		.request_retention_us = config->idempotency_retention_days * DAY_US,
		.expire = &reservation_expire_operation,
		.expire_pickups = &pickup_expire_operation,
		.changed = on_engine_changed,
		.data = server,
	};
	server->engine = engine_open(&server->loop, &settings);
	return server->engine != NULL;
}

static bool start_api(struct server *server)
{
	char error[512] = "";
	struct api_engine engine = {
		.engine = server->engine,
		.submit = engine_submit,
		.verify = engine_verify,
		.verify_cancel = verify_cancel,
		.follow = engine_follow,
		.feed_resume = feed_resume,
		.feed_leave = feed_leave,
		.feed_position = feed_position,
		.watch = engine_watch,
		.watch_take = watch_take,
		.watch_mark = watch_mark,
		.watch_leave = watch_leave,
		.known = engine_known,
		.find = operation_find,
	};
	struct api_settings settings = {
		.open = config_is_open(&server->config),
		.version = STOCKBOOK_VERSION,
		.schema_version = server->database.version,
		.parts = server->database.parts,
		.calls_in_flight_max = (size_t)server->config.calls_in_flight_max,
		.caller_calls_max = (size_t)server->config.caller_calls_max,
		.request_bytes_max = (size_t)server->config.requests_mb << 20,
		.session_operations_max = (size_t)server->config.session_operations_max,
	};
	server->api = api_open(&engine, &settings, error, sizeof(error));
	if (!server->api)
		log_error(error);
	return server->api != NULL;
}

/* gRPC's threads are to have every signal blocked: signals are the loop's. */
static bool start_transport(struct server *server)
{
	const struct config *config = &server->config;
	char error[512] = "";
	struct transport_settings settings = {
		.addresses = config->listen.items,
		.addresses_count = config->listen.count,
		.reuse_port = config->reuse_port,
		.tls_certificate = config->tls_certificate,
		.tls_key = config->tls_key,
		.tls_client_ca = config->tls_client_ca,
		.message_bytes_max = (size_t)config->message_bytes_max,
		.calls_in_flight_max = (size_t)config->calls_in_flight_max,
	};
	struct transport_api api = {
		.api = server->api,
		.has_method = api_has_method,
		.handle = api_handle,
		.calls_in_flight = api_calls_in_flight,
	};
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	server->transport = transport_open(&server->loop, &settings, &api, error, sizeof(error));
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!server->transport)
		log_error(error);
	return server->transport != NULL;
}

/* Nothing holds the loop any more but what is closed here. */
static void finish(struct server *server)
{
	if (server->api)
		api_close(server->api);
	server->api = NULL;
	for (size_t i = 0; i < ARRAY_COUNT(server->signals); i++)
		uv_close((uv_handle_t *)&server->signals[i], NULL);
	uv_close((uv_handle_t *)&server->bound, NULL);
	if (server->cluster)
		cluster_unwatch(server->cluster);
}

static void on_engine_closed(void *data)
{
	struct server *server = data;
	server->engine = NULL;
	if (!server->transport)
		finish(server);
}

/* Answers what is left in the engine, so that the transport's last calls end, too. */
static void close_engine(void *data)
{
	struct server *server = data;
	if (server->state == SERVER_CLOSING)
		return;
	server->state = SERVER_CLOSING;
	engine_close(server->engine, on_engine_closed, server);
}

static void on_bound(uv_timer_t *timer)
{
	close_engine(timer->data);
}

static void bound(struct server *server, int64_t ms)
{
	uv_timer_start(&server->bound, on_bound, (uint64_t)ms, 0);
}

static void on_transport_drained(struct transport *transport, void *data)
{
	struct server *server = data;
	transport_close(transport);
	server->transport = NULL;
	if (!server->engine) {
		finish(server);
	} else if (server->state != SERVER_CLOSING) {
		bound(server, server->state == SERVER_DRAINING ? ENGINE_DRAIN_MS : 0);
		engine_drain(server->engine, close_engine, server);
	}
}

static void server_stop(struct server *server, int status)
{
	if (server->state >= SERVER_DRAINING)
		return;
	server->state = SERVER_DRAINING;
	server->status = status;
	if (!server->transport) {
		bound(server, 0); /* not from within the engine */
		return;
	}
	log_info("draining",
		log_integer("calls", (int64_t)transport_calls_in_flight(server->transport)),
		log_integer("bound_ms", server->config.drain_ms));
	bound(server, server->config.drain_ms + CANCEL_MS);
	transport_drain(server->transport, (uint64_t)server->config.drain_ms, on_transport_drained,
		server);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct server *server = handle->data;
	if (number == SIGUSR1) {
		metrics_dump(stderr);
	} else if (server->state == SERVER_RUNNING) {
		server_stop(server, EXIT_SUCCESS);
	} else if (server->state == SERVER_DRAINING) {
		log_warning("a second signal: stopping at once");
		server->state = SERVER_STOPPING;
		bound(server, CANCEL_MS);
		if (server->transport)
			transport_drain(server->transport, 0, on_transport_drained, server);
	} else {
		_exit(EXIT_FAILURE); /* the third; PostgreSQL ends with us */
	}
}

static void start_handles(struct server *server)
{
	CHECK(uv_timer_init(&server->loop, &server->bound) == 0);
	server->bound.data = server;
	static const int numbers[ARRAY_COUNT(server->signals)] = {SIGTERM, SIGINT, SIGUSR1};
	for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
		uv_signal_t *handle = &server->signals[i];
		CHECK(uv_signal_init(&server->loop, handle) == 0);
		handle->data = server;
		CHECK(uv_signal_start(handle, on_signal, numbers[i]) == 0);
	}
}

static void announce(const struct server *server)
{
	const struct config *config = &server->config;
	bool open = config_is_open(config);
	for (size_t i = 0; i < config->listen.count; i++)
		log_info("serving", log_text("address", config->listen.items[i]),
			log_integer("port", transport_port(server->transport)),
			log_flag("tls", config->tls_certificate != NULL), log_flag("open", open));
	if (open)
		log_warning("open: callers need no token, everyone who can connect is an admin");
}

static int serve(struct server *server)
{
	if (run_migrate(server) != EXIT_SUCCESS)
		return EXIT_FAILURE;
	CHECK(uv_loop_init(&server->loop) == 0);
	signal(SIGPIPE, SIG_IGN);
	start_handles(server);
	if (server->cluster)
		cluster_watch(server->cluster, &server->loop);
	bool started = start_engine(server) && start_api(server) && start_transport(server);
	if (started) {
		server->state = SERVER_RUNNING;
		announce(server);
	} else {
		server_stop(server, EXIT_FAILURE);
	}
	CHECK(uv_run(&server->loop, UV_RUN_DEFAULT) == 0);
	CHECK(uv_loop_close(&server->loop) == 0);
	log_info("stopped", log_integer("status", server->status));
	return server->status;
}

static int run(struct server *server)
{
	const struct config *config = &server->config;
	switch (config->command) {
	case COMMAND_HELP:
		config_help(stdout);
		return EXIT_SUCCESS;
	case COMMAND_HELP_MARKDOWN:
		config_help_markdown(stdout);
		return EXIT_SUCCESS;
	case COMMAND_VERSION:
		printf("stockbookd %s\n", STOCKBOOK_VERSION);
		return EXIT_SUCCESS;
	case COMMAND_SERVE:
	case COMMAND_MIGRATE:
	case COMMAND_MIGRATE_CHECK:
		break;
	}
	if (!start_cluster(server))
		return EXIT_FAILURE;
	int status = config->command == COMMAND_SERVE     ? serve(server)
				 : config->command == COMMAND_MIGRATE ? run_migrate(server)
													  : run_migrate_check(server);
	if (server->cluster)
		cluster_stop(server->cluster);
	return status;
}

static void open_log(const struct config *config)
{
	static const char *const formats[] = {"auto", "text", "json"};
	static const char *const levels[] = {"error", "warning", "info", "debug"};
	size_t format = 0, level = LOG_LEVEL_INFO;
	for (size_t i = 0; config->log_format && i < ARRAY_COUNT(formats); i++)
		if (strcmp(formats[i], config->log_format) == 0)
			format = i;
	for (size_t i = 0; config->log_level && i < ARRAY_COUNT(levels); i++)
		if (strcmp(levels[i], config->log_level) == 0)
			level = i;
	log_open(STDERR_FILENO, (enum log_format)format, (enum log_level)level);
}

int main(int argc, const char **argv)
{
	static struct server server;
	const char *error = NULL;
	arena_init(&server.arena);
	int status = EXIT_USAGE;
	if (config_load(&server.config, &server.arena, argc, argv, (const char *const *)environ,
			&error)) {
		open_log(&server.config);
		status = run(&server);
	} else {
		fprintf(stderr, "stockbookd: %s\n", error);
	}
	arena_release(&server.arena);
	metrics_reset();
	return status;
}
