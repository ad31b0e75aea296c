/* Sweeper: a timer, a connection of its own for the questions, the engine's lanes for the work. */
#include "engine/sweeper.h"

#include "book/pickup.h"
#include "book/reservation.h"
#include "db/connection.h"
#include "google/protobuf/wrappers.pb-c.h"
#include "observe/log.h"
#include "stockbook/v1/token.pb-c.h"

#define FORGET_ROWS_MAX 1000
#define FORGET_INTERVAL_US INT64_C(60000000)

/* What is over at a time that somebody set. */
enum sweep_kind {
	SWEEP_RESERVATIONS,
	SWEEP_PICKUPS,
	SWEEP_KINDS,
};

/* The work of one kind on one part. */
struct sweep {
	struct sweeper *sweeper;
	enum sweep_kind kind;
	struct engine_request request;
	struct arena arena;
	Google__Protobuf__Int64Value part;
};

struct sweeper {
	struct engine *engine;
	struct db_connection *connection;
	uv_timer_t timer;
	struct arena arena;
	struct db_batch batch;
	struct sweep *sweeps[SWEEP_KINDS]; /* by part; 0 to parts */
	size_t under_way;                  /* sweeps that are not answered */
	bool asking;
	bool closed;
	int64_t forget_at_us;
	bool forgets; /* the question under way holds a DELETE */
	struct metric *expired[SWEEP_KINDS];
	struct metric *forgotten;
};

static const struct actor actor = {.name = "sweeper", .role = STOCKBOOK__V1__ROLE__ROLE_ADMIN};

static const enum db_type due_types[] = {DB_INT4, DB_TIME};
static const struct {
	struct db_statement due; /* the parts where there is any */
	int64_t most;            /* by one operation; so many: there may be more */
	const char *failure;
	const char *metric;
	const char *help;
} kinds[SWEEP_KINDS] = {
	[SWEEP_RESERVATIONS] =
		{
			.due =
				{
					.name = "sweeper due",
					.sql = "SELECT p FROM generate_series(0, $1) AS p WHERE EXISTS ("
						   "SELECT 1 FROM reservation r WHERE r.part = p AND r.status = 1 AND "
						   "r.hold_until <= $2)",
					.parameter_count = ARRAY_COUNT(due_types),
					.parameter_types = due_types,
				},
			.most = RESERVATION_EXPIRE_MAX,
			.failure = "expired holds could not be tidied up",
			.metric = "stockbook_engine_expired_total",
			.help = "Holds that were tidied up",
		},
	[SWEEP_PICKUPS] =
		{
			.due =
				{
					.name = "sweeper due pickups",
					.sql = "SELECT p FROM generate_series(0, $1) AS p WHERE EXISTS ("
						   "SELECT 1 FROM fulfilment f WHERE f.part = p AND f.kind = 13 AND "
						   "f.status = 6 AND f.collect_by <= $2)",
					.parameter_count = ARRAY_COUNT(due_types),
					.parameter_types = due_types,
				},
			.most = PICKUP_EXPIRE_MAX,
			.failure = "pickups that nobody fetched could not be tidied up",
			.metric = "stockbook_engine_expired_pickups_total",
			.help = "Pickups that nobody fetched in time and are to be put back",
		},
};

static const enum db_type forget_types[] = {DB_TIME, DB_INT4};
static const struct db_statement forget_statement = {
	.name = "sweeper forget",
	.sql = "DELETE FROM request r USING ("
		   "SELECT part, request_id FROM request WHERE at < $1 LIMIT $2) old"
		   " WHERE r.part = old.part AND r.request_id = old.request_id",
	.parameter_count = ARRAY_COUNT(forget_types),
	.parameter_types = forget_types,
};

/* ---- What is over ---- */

static const struct operation *operation_of(const struct sweeper *sweeper, enum sweep_kind kind)
{
	const struct engine_settings *settings = &sweeper->engine->settings;
	return kind == SWEEP_PICKUPS ? settings->expire_pickups : settings->expire;
}

static void sweep_submit(struct sweep *sweep);

/* How many were expired; 0 for what cannot be read. */
static int64_t expired_count(const struct sweep *sweep)
{
	Google__Protobuf__Int64Value *response = google__protobuf__int64_value__unpack(NULL,
		sweep->request.response_size, sweep->request.response);
	int64_t count = response ? response->value : 0;
	if (response)
		google__protobuf__int64_value__free_unpacked(response, NULL);
	return count;
}

static void on_swept(struct engine_request *request)
{
	struct sweep *sweep = request->data;
	struct sweeper *sweeper = sweep->sweeper;
	if (sweeper->closed)
		return;
	if (request->outcome == ENGINE_REFUSED) {
		log_warning(kinds[sweep->kind].failure, log_integer("part", (int64_t)sweep->part.value),
			log_text("error", request->refusal.message));
	} else {
		int64_t expired = expired_count(sweep);
		metric_add(sweeper->expired[sweep->kind], expired);
		if (expired >= kinds[sweep->kind].most && engine_state(sweeper->engine) == ENGINE_READY) {
			sweep_submit(sweep);
			return;
		}
	}
	sweeper->under_way--;
}

static void sweep_submit(struct sweep *sweep)
{
	struct engine *engine = sweep->sweeper->engine;
	arena_reset(&sweep->arena);
	sweep->request = (struct engine_request){
		.operation = operation_of(sweep->sweeper, sweep->kind),
		.message = &sweep->part,
		.arena = &sweep->arena,
		.actor = &actor,
		.random = engine_random(engine),
		.done = on_swept,
		.data = sweep,
	};
	engine_submit(engine, &sweep->request);
}

static void sweep_due_parts(struct sweeper *sweeper, enum sweep_kind kind,
	const struct db_rows *rows)
{
	for (size_t i = 0; i < db_rows_count(rows); i++) {
		sweeper->under_way++;
		sweep_submit(&sweeper->sweeps[kind][db_get_int(rows, i, 0)]);
	}
}

/* ---- Questions ---- */

static void on_answered(struct db_batch *batch, const struct fault *fault)
{
	struct sweeper *sweeper = batch->data;
	sweeper->asking = false;
	if (sweeper->closed)
		return;
	if (fault) {
		if (fault->kind == FAULT_BUG)
			log_error("sweeper's question failed", log_text("error", fault->message));
		return;
	}
	size_t next = 0;
	if (sweeper->forgets) {
		size_t count = db_rows_affected(db_batch_rows(batch, next++));
		metric_add(sweeper->forgotten, (int64_t)count);
		if (count < FORGET_ROWS_MAX)
			sweeper->forget_at_us = engine_clock_us() + FORGET_INTERVAL_US;
	}
	for (int kind = 0; kind < SWEEP_KINDS; kind++)
		if (operation_of(sweeper, kind) && engine_state(sweeper->engine) == ENGINE_READY)
			sweep_due_parts(sweeper, kind, db_batch_rows(batch, next++));
}

static void add_due(struct sweeper *sweeper, enum sweep_kind kind)
{
	struct arena *arena = &sweeper->arena;
	struct db_value values[] = {
		db_int4(arena, sweeper->engine->settings.limits.parts),
		db_time(arena, engine_now_us()),
	};
	db_batch_add(&sweeper->batch, &kinds[kind].due, values);
}

static void add_forget(struct sweeper *sweeper)
{
	struct arena *arena = &sweeper->arena;
	struct db_value values[] = {
		db_time(arena, engine_now_us() - sweeper->engine->settings.request_retention_us),
		db_int4(arena, FORGET_ROWS_MAX),
	};
	db_batch_add(&sweeper->batch, &forget_statement, values);
}

static void on_timer(uv_timer_t *timer)
{
	struct sweeper *sweeper = timer->data;
	struct engine *engine = sweeper->engine;
	if (engine->state != ENGINE_READY || sweeper->asking || sweeper->under_way > 0 ||
		!db_connection_accepts(sweeper->connection))
		return;
	sweeper->forgets =
		engine->settings.request_retention_us > 0 && engine_clock_us() >= sweeper->forget_at_us;
	arena_reset(&sweeper->arena);
	db_batch_init(&sweeper->batch, &sweeper->arena);
	if (sweeper->forgets)
		add_forget(sweeper);
	for (int kind = 0; kind < SWEEP_KINDS; kind++)
		if (operation_of(sweeper, kind))
			add_due(sweeper, kind);
	if (sweeper->batch.count == 0)
		return;
	sweeper->batch.done = on_answered;
	sweeper->batch.data = sweeper;
	sweeper->asking = true;
	db_submit(sweeper->connection, &sweeper->batch);
}

/* ---- Opening and closing ---- */

static void open_kind(struct sweeper *sweeper, enum sweep_kind kind)
{
	size_t parts = (size_t)sweeper->engine->settings.limits.parts + 1;
	struct sweep *sweeps = calloc(parts, sizeof(*sweeps));
	CHECK(sweeps != NULL);
	for (size_t i = 0; i < parts; i++) {
		sweeps[i].sweeper = sweeper;
		sweeps[i].kind = kind;
		google__protobuf__int64_value__init(&sweeps[i].part);
		sweeps[i].part.value = (int64_t)i;
		arena_init(&sweeps[i].arena);
	}
	sweeper->sweeps[kind] = sweeps;
	sweeper->expired[kind] = metric_counter(kinds[kind].metric, kinds[kind].help, NULL);
}

struct sweeper *sweeper_open(struct engine *engine)
{
	struct sweeper *sweeper = calloc(1, sizeof(*sweeper));
	CHECK(sweeper != NULL);
	const struct engine_settings *settings = &engine->settings;
	sweeper->engine = engine;
	arena_init(&sweeper->arena);
	for (int kind = 0; kind < SWEEP_KINDS; kind++)
		open_kind(sweeper, kind);
	sweeper->forgotten = metric_counter("stockbook_engine_forgotten_requests_total",
		"Request ids that were forgotten", NULL);
	/* Planned each time: these questions are few, and the tables grow. */
	static const struct db_setting session[] = {{"plan_cache_mode", "force_custom_plan"}};
	sweeper->connection =
		db_connection_open(engine->loop, &(struct db_options){
											 .uri = settings->database,
											 .name = "sweeper",
											 .role = settings->role,
											 .settings = session,
											 .setting_count = ARRAY_COUNT(session),
											 .batch_deadline_ms = settings->batch_deadline_ms,
										 });
	CHECK(uv_timer_init(engine->loop, &sweeper->timer) == 0);
	sweeper->timer.data = sweeper;
	uv_timer_start(&sweeper->timer, on_timer, settings->sweep_interval_ms,
		settings->sweep_interval_ms);
	engine->open += 2;
	return sweeper;
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct sweeper *sweeper = handle->data;
	engine_closed_one(sweeper->engine);
}

void sweeper_close(struct sweeper *sweeper)
{
	sweeper->closed = true;
	db_connection_close(sweeper->connection, engine_closed_one, sweeper->engine);
	uv_close((uv_handle_t *)&sweeper->timer, on_timer_closed);
}

void sweeper_free(struct sweeper *sweeper)
{
	size_t parts = (size_t)sweeper->engine->settings.limits.parts + 1;
	for (int kind = 0; kind < SWEEP_KINDS; kind++) {
		for (size_t i = 0; i < parts; i++)
			arena_release(&sweeper->sweeps[kind][i].arena);
		free(sweeper->sweeps[kind]);
	}
	arena_release(&sweeper->arena);
	free(sweeper);
}
