/* Engine: opening, routing, states, ending. */
#include "engine/engine.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>

#include "engine/catalog.h"
#include "engine/confirm.h"
#include "engine/feed_private.h"
#include "engine/lane.h"
#include "engine/live.h"
#include "engine/optimism.h"
#include "engine/private.h"
#include "engine/reader.h"
#include "engine/sweeper.h"
#include "engine/verify.h"
#include "observe/log.h"

#define TICK_MS 50
#define RETRY_AFTER_MS 200

#define STATE(state) (1U << ENGINE_##state)

static const struct {
	const char *name;
	unsigned next;
} states[ENGINE_STATES] = {
	[ENGINE_STARTING] = {"starting", STATE(READY) | STATE(FAILED) | STATE(DRAINING)},
	[ENGINE_READY] = {"ready", STATE(LOST) | STATE(DRAINING)},
	[ENGINE_LOST] = {"lost", STATE(READY) | STATE(DRAINING)},
	[ENGINE_FAILED] = {"failed", STATE(DRAINING)},
	[ENGINE_DRAINING] = {"draining", 0},
};

const char *engine_state_name(enum engine_state state)
{
	return states[state].name;
}

int64_t engine_clock_us(void)
{
	return (int64_t)(uv_hrtime() / 1000);
}

int64_t engine_now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

uint64_t engine_random(struct engine *engine)
{
	engine->random += uv_hrtime();
	engine->random = XXH3_64bits(&engine->random, sizeof(engine->random));
	return engine->random;
}

/* ---- States ---- */

static void engine_set_state(struct engine *engine, enum engine_state state, const char *message)
{
	CHECK(states[engine->state].next & 1U << state);
	metric_set(engine->metrics.states[engine->state], 0);
	metric_set(engine->metrics.states[state], 1);
	engine->state = state;
	snprintf(engine->message, sizeof(engine->message), "%s", message);
	log_info("engine changed its state", log_text("state", states[state].name),
		log_text("message", *message ? message : NULL));
	if (engine->settings.changed)
		engine->settings.changed(engine, state, engine->message, engine->settings.data);
}

static size_t lanes_connected(const struct engine *engine)
{
	size_t count = 0;
	for (uint32_t i = 0; i < engine->settings.lanes; i++)
		count += engine->lanes[i] && lane_connected(engine->lanes[i]);
	return count;
}

void engine_update(struct engine *engine)
{
	if (engine->closing || !engine->schema_fits)
		return;
	bool connected = lanes_connected(engine) > 0;
	if (connected && (engine->state == ENGINE_STARTING || engine->state == ENGINE_LOST))
		engine_set_state(engine, ENGINE_READY, "");
	else if (!connected && engine->state == ENGINE_READY)
		engine_set_state(engine, ENGINE_LOST, lane_error(engine->lanes[0]));
}

void engine_fail(struct engine *engine, const char *message)
{
	if (engine->state == ENGINE_STARTING)
		engine_set_state(engine, ENGINE_FAILED, message);
}

enum engine_state engine_state(const struct engine *engine)
{
	return engine->state;
}

const char *engine_message(const struct engine *engine)
{
	if (engine->state == ENGINE_STARTING && engine->catalog)
		return catalog_error(engine->catalog);
	return engine->message;
}

/* ---- Requests ---- */

static void check_drained(struct engine *engine)
{
	if (engine->requests > 0 || !engine->drained)
		return;
	void (*drained)(void *data) = engine->drained;
	engine->drained = NULL;
	drained(engine->drained_data);
}

void engine_answer(struct engine *engine, struct engine_request *request)
{
	CHECK(engine->requests > 0);
	engine->requests--;
	if (request->outcome == ENGINE_REFUSED)
		metric_add(engine->metrics.refusals, 1);
	metric_observe(request->operation->writes ? engine->metrics.write_time
											  : engine->metrics.read_time,
		engine_clock_us() - request->submitted_us);
	request->done(request);
}

void engine_refuse(struct engine_request *request, Stockbook__V1__Reason reason,
	int64_t retry_after_ms, const char *message)
{
	request->outcome = ENGINE_REFUSED;
	request->refusal = (struct refusal){
		.reason = reason,
		.message = arena_string(request->arena, message),
		.retry_after_ms = retry_after_ms,
	};
}

void engine_give_up(struct engine *engine, struct engine_request *request, bool database_is_down)
{
	if (database_is_down && !request->cancelled)
		engine_refuse(request, STOCKBOOK__V1__REASON__REASON_UNAVAILABLE, RETRY_AFTER_MS,
			"database cannot be reached");
	else
		engine_refuse(request, STOCKBOOK__V1__REASON__REASON_DEADLINE_EXCEEDED, 0,
			request->cancelled ? "call was cancelled" : "deadline is over");
	engine_answer(engine, request);
}

static void refuse_later(struct engine *engine, struct engine_request *request,
	Stockbook__V1__Reason reason, const char *message)
{
	engine_refuse(request, reason, RETRY_AFTER_MS, message);
	queue_push(&engine->decided, request);
}

static struct lane *lane_of(struct engine *engine, const struct engine_request *request)
{
	const struct operation *operation = request->operation;
	int32_t part =
		operation->route ? operation->route(request->message, &engine->settings.limits) : 0;
	return engine->lanes[(uint32_t)part % engine->pace.lanes];
}

/* Says which bound was met, and what the setting is. */
static void refuse_for_room(struct engine *engine, struct engine_request *request,
	enum queue_room room)
{
	const struct engine_caller *caller = request->caller;
	const char *where = request->operation->writes ? "a lane" : "the readers";
	uint32_t most = engine->settings.queue_operations_max;
	const char *message =
		room == QUEUE_FULL
			? arena_printf(request->arena,
				  "too much is waiting for %s (%" PRIu32
				  " operations, setting queue_operations_max)",
				  where, most)
			: arena_printf(request->arena,
				  "too much of %s '%s' is waiting for %s: as much as there is still room for (of "
				  "%" PRIu32 " operations, setting queue_operations_max)",
				  caller->kind, caller->name, where, most);
	metric_add(engine->metrics.overloads[room], 1);
	refuse_later(engine, request, STOCKBOOK__V1__REASON__REASON_OVERLOADED, message);
	struct refusal *refusal = &request->refusal;
	refusal_add_pair(refusal, request->arena, "bound", "%s",
		room == QUEUE_FULL ? "queue" : "caller_queue");
	refusal_add_pair(refusal, request->arena, "setting", "queue_operations_max");
	refusal_add_pair(refusal, request->arena, "setting_value", "%" PRIu32, most);
}

static size_t reads_waiting(const struct engine *engine)
{
	return engine->reads.count + engine->heavy_reads.count + engine->late.count +
		   confirm_count(engine->confirm);
}

static enum queue_room submit_read(struct engine *engine, struct engine_request *request)
{
	if (request->max_staleness_us > 0 && live_answer(engine->live, request)) {
		queue_push(&engine->decided, request);
		return QUEUE_HAS_ROOM;
	}
	enum queue_room room;
	if (request->max_staleness_us == 0 && confirm_takes(engine->confirm, request, &room))
		return room;
	room = queue_room(request, fair_queue_count_of(&engine->reads, request->caller),
		engine->reads.count + engine->late.count, engine->settings.queue_operations_max);
	if (room == QUEUE_HAS_ROOM)
		fair_queue_push(&engine->reads, request);
	return room;
}

void engine_submit(struct engine *engine, struct engine_request *request)
{
	CHECK(request->done && request->arena && request->actor && !engine->closing);
	request->outcome = ENGINE_PENDING;
	request->submitted_us = engine_clock_us();
	engine->requests++;
	if (engine->state == ENGINE_DRAINING || engine->state == ENGINE_FAILED) {
		refuse_later(engine, request, STOCKBOOK__V1__REASON__REASON_UNAVAILABLE,
			engine->state == ENGINE_DRAINING ? "server is shutting down" : engine->message);
		return;
	}
	enum queue_room room = request->operation->writes
							   ? lane_submit(lane_of(engine, request), request)
							   : submit_read(engine, request);
	if (room != QUEUE_HAS_ROOM)
		refuse_for_room(engine, request, room);
}

size_t engine_requests(const struct engine *engine)
{
	return engine->requests;
}

/* ---- The loop ---- */

/* Just before the loop waits: all that was submitted in this turn is there, and makes one batch. */
static void on_kick(uv_prepare_t *prepare)
{
	struct engine *engine = prepare->data;
	/* Those that are decided while these are answered wait for the next turn. */
	for (size_t left = engine->decided.count; left > 0; left--)
		engine_answer(engine, queue_pop(&engine->decided));
	for (uint32_t i = 0; i < engine->settings.lanes; i++)
		lane_kick(engine->lanes[i]);
	if (confirm_wants(engine->confirm))
		feed_confirm(engine->feed);
	for (uint32_t i = 0; i < engine->settings.readers; i++)
		reader_kick(engine->readers[i]);
	check_drained(engine);
}

static bool any_reader_connected(const struct engine *engine)
{
	for (uint32_t i = 0; i < engine->settings.readers; i++)
		if (reader_connected(engine->readers[i]))
			return true;
	return false;
}

static int64_t waited_us(int64_t since_us, int64_t now_us)
{
	return since_us < now_us ? now_us - since_us : 0;
}

static void tell_queues(struct engine *engine, int64_t now_us)
{
	const struct engine_metrics *metrics = &engine->metrics;
	size_t queued = 0, callers = 0;
	int64_t oldest_us = INT64_MAX;
	for (uint32_t i = 0; i < engine->settings.lanes; i++) {
		int64_t lane_us = lane_oldest_us(engine->lanes[i]);
		queued += lane_queued(engine->lanes[i]);
		callers += lane_callers(engine->lanes[i]);
		oldest_us = lane_us < oldest_us ? lane_us : oldest_us;
	}
	metric_set(metrics->lane_queue, (int64_t)queued);
	metric_set(metrics->lane_callers, (int64_t)callers);
	metric_set(metrics->lane_oldest, waited_us(oldest_us, now_us));
	int64_t read_us = fair_queue_oldest_us(&engine->reads);
	int64_t heavy_us = fair_queue_oldest_us(&engine->heavy_reads);
	metric_set(metrics->read_queue, (int64_t)reads_waiting(engine));
	metric_set(metrics->heavy_reads, (int64_t)engine->heavy_reads.count);
	metric_set(metrics->read_callers,
		(int64_t)(engine->reads.callers + engine->heavy_reads.callers));
	metric_set(metrics->read_oldest, waited_us(read_us < heavy_us ? read_us : heavy_us, now_us));
	metric_set(metrics->round_trip, engine->round_trip_us);
}

/* Once a second: how many lanes, and how large batches. */
static void adapt(struct engine *engine)
{
	struct pace *pace = &engine->pace;
	if (++engine->pace_ticks * TICK_MS < 1000)
		return;
	engine->pace_ticks = 0;
	uint32_t lanes = pace->lanes;
	pace_choose(pace);
	if (pace->lanes != lanes)
		log_info("lanes adapt to what storing costs", log_integer("lanes", pace->lanes),
			log_integer("fixed_us", (int64_t)pace->fixed_us),
			log_integer("each_us", (int64_t)pace->each_us));
	metric_set(engine->metrics.lanes_chosen, pace->lanes);
	metric_set(engine->metrics.operations_chosen, pace->operations);
	metric_set(engine->metrics.store_fixed, (int64_t)pace->fixed_us);
	metric_set(engine->metrics.store_each, (int64_t)pace->each_us);
}

static void on_tick(uv_timer_t *timer)
{
	struct engine *engine = timer->data;
	int64_t now_us = engine_clock_us();
	for (uint32_t i = 0; i < engine->settings.lanes; i++)
		lane_tick(engine->lanes[i]);
	struct queue over = {0};
	fair_queue_sift(&engine->reads, now_us, &over);
	fair_queue_sift(&engine->heavy_reads, now_us, &over);
	confirm_tick(engine->confirm, now_us, &over);
	for (struct engine_request *request; (request = queue_pop(&over));)
		engine_give_up(engine, request, !any_reader_connected(engine));
	queue_sift(&engine->late, now_us, &over);
	for (struct engine_request *request; (request = queue_pop(&over));)
		engine_give_up(engine, request, false);
	while (engine->late.count > 0)
		fair_queue_push(&engine->reads, queue_pop(&engine->late));
	live_tick(engine->live);
	recollection_tick(engine->recollection);
	adapt(engine);
	tell_queues(engine, now_us);
}

/* ---- Opening ---- */

static void queue_metrics_register(struct engine_metrics *metrics)
{
	const char *help = "Operations that wait";
	metrics->lane_queue = metric_gauge("stockbook_engine_queue_operations", help, "kind=\"write\"");
	metrics->read_queue = metric_gauge("stockbook_engine_queue_operations", help, "kind=\"read\"");
	help = "Callers of whom something waits; on several lanes, one each";
	metrics->lane_callers = metric_gauge("stockbook_engine_queue_callers", help, "kind=\"write\"");
	metrics->read_callers = metric_gauge("stockbook_engine_queue_callers", help, "kind=\"read\"");
	help = "How long the one waits that waits longest, in microseconds";
	metrics->lane_oldest =
		metric_gauge("stockbook_engine_queue_oldest_microseconds", help, "kind=\"write\"");
	metrics->read_oldest =
		metric_gauge("stockbook_engine_queue_oldest_microseconds", help, "kind=\"read\"");
	metrics->heavy_reads = metric_gauge("stockbook_engine_heavy_reads",
		"Reads that wait to be a batch of their own, because they want very much", NULL);
	metrics->round_trip = metric_gauge("stockbook_engine_round_trip_microseconds",
		"The readers' shortest round trip to the database of late", NULL);
	help = "Operations refused because there was no room, by the bound that was met";
	metrics->overloads[QUEUE_FULL] =
		metric_counter("stockbook_engine_overloads_total", help, "bound=\"queue\"");
	metrics->overloads[QUEUE_CALLER_FULL] =
		metric_counter("stockbook_engine_overloads_total", help, "bound=\"caller_queue\"");
}

static void metrics_register(struct engine *engine)
{
	struct engine_metrics *metrics = &engine->metrics;
	char labels[64];
	for (size_t i = 0; i < ENGINE_STATES; i++) {
		snprintf(labels, sizeof(labels), "state=\"%s\"", states[i].name);
		metrics->states[i] =
			metric_gauge("stockbook_engine_state", "1 for the state the engine is in", labels);
	}
	for (size_t i = FAULT_DOWN; i <= FAULT_BUG; i++) {
		snprintf(labels, sizeof(labels), "fault=\"%s\"", fault_kind_name((enum fault_kind)i));
		metrics->retries[i] = metric_counter("stockbook_engine_batch_faults_total",
			"Batches that had to be run again or split", labels);
	}
	metrics->batch_operations =
		metric_sizes("stockbook_engine_batch_operations", "Operations in a batch", NULL);
	metrics->rounds =
		metric_sizes("stockbook_engine_load_rounds", "Round trips to load a batch's rows", NULL);
	const char *help = "From submission to the answer";
	metrics->write_time =
		metric_timing("stockbook_engine_operation_seconds", help, "kind=\"write\"");
	metrics->read_time = metric_timing("stockbook_engine_operation_seconds", help, "kind=\"read\"");
	queue_metrics_register(metrics);
	metrics->replays = metric_counter("stockbook_engine_replays_total",
		"Operations answered from a request id that was known", NULL);
	metrics->refusals =
		metric_counter("stockbook_engine_refusals_total", "Operations that were refused", NULL);
	metrics->splits = metric_counter("stockbook_engine_splits_total",
		"Batches that were split to find a culprit", NULL);
	metrics->culprits = metric_counter("stockbook_engine_culprits_total",
		"Operations that failed in the database", NULL);
	metrics->lanes_chosen =
		metric_gauge("stockbook_engine_lanes_chosen", "Lanes that share the work", NULL);
	metrics->operations_chosen = metric_gauge("stockbook_engine_batch_operations_chosen",
		"Operations of a batch, at the most", NULL);
	metrics->store_fixed = metric_gauge("stockbook_engine_store_fixed_microseconds",
		"What storing a batch costs whatever is in it: mostly the disk", NULL);
	metrics->store_each = metric_gauge("stockbook_engine_store_each_microseconds",
		"What storing each of its operations costs", NULL);
	metric_set(metrics->states[ENGINE_STARTING], 1);
}

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
	return value ? value : otherwise;
}

static void settings_take(struct engine *engine, const struct engine_settings *given)
{
	struct engine_settings *settings = &engine->settings;
	*settings = *given;
	settings->database = arena_string(&engine->arena, given->database);
	settings->role = arena_string(&engine->arena, given->role);
	settings->readers = or_default(given->readers, 2);
	settings->batch_operations_max = or_default(given->batch_operations_max, 128);
	pace_init(&engine->pace, given->lanes, settings->batch_operations_max);
	settings->lanes = or_default(given->lanes, PACE_LANES_MAX);
	settings->queue_operations_max = or_default(given->queue_operations_max, 10000);
	if (settings->lane_memory_bytes_max == 0)
		settings->lane_memory_bytes_max = INT64_C(64) << 20;
	settings->batch_deadline_ms = or_default(given->batch_deadline_ms, 10000);
	settings->lock_timeout_ms = or_default(given->lock_timeout_ms, 2000);
	settings->policy_staleness_ms = or_default(given->policy_staleness_ms, 1000);
	settings->sweep_interval_ms = or_default(given->sweep_interval_ms, 1000);
	settings->fresh_reads_min = or_default(given->fresh_reads_min, 200);
	settings->fresh_window_ms = or_default(given->fresh_window_ms, 1000);
	CHECK(settings->limits.parts > 0 && settings->limits.parts < UUID_PARTS_MAX);
}

static void handles_open(struct engine *engine)
{
	CHECK(uv_prepare_init(engine->loop, &engine->kick) == 0);
	CHECK(uv_timer_init(engine->loop, &engine->tick) == 0);
	engine->kick.data = engine->tick.data = engine;
	uv_prepare_start(&engine->kick, on_kick);
	uv_timer_start(&engine->tick, on_tick, TICK_MS, TICK_MS);
	engine->open += 2;
}

struct engine *engine_open(uv_loop_t *loop, const struct engine_settings *settings)
{
	struct engine *engine = calloc(1, sizeof(*engine));
	CHECK(engine != NULL);
	engine->loop = loop;
	engine->state = ENGINE_STARTING;
	arena_init(&engine->arena);
	settings_take(engine, settings);
	metrics_register(engine);
	engine->sql = sql_new();
	engine->recollection = recollection_new(settings->lane_memory_bytes_max < 0
												? 0
												: (size_t)engine->settings.lane_memory_bytes_max);
	engine->policy = policy_new((int64_t)engine->settings.policy_staleness_ms * 1000);
	uint32_t lanes = engine->settings.lanes;
	uint32_t readers = engine->settings.readers;
	engine->lanes = arena_alloc_array(&engine->arena, lanes, sizeof(struct lane *));
	engine->readers = arena_alloc_array(&engine->arena, readers, sizeof(struct reader *));
	for (uint32_t i = 0; i < lanes; i++)
		engine->lanes[i] = lane_open(engine, i);
	for (uint32_t i = 0; i < readers; i++)
		engine->readers[i] = reader_open(engine, i);
	engine->catalog = catalog_open(engine);
	engine->sweeper = sweeper_open(engine);
	engine->confirm = confirm_open(engine);
	engine->feed = feed_open(engine);
	engine->live = live_open(engine);
	handles_open(engine);
	return engine;
}

/* ---- Ending ---- */

void engine_drain(struct engine *engine, void (*drained)(void *data), void *data)
{
	CHECK(!engine->drained);
	engine->drained = drained;
	engine->drained_data = data;
	if (engine->state != ENGINE_DRAINING)
		engine_set_state(engine, ENGINE_DRAINING, "");
	/* on_kick() says when: not from within here. */
}

static void engine_free(struct engine *engine)
{
	for (uint32_t i = 0; i < engine->settings.lanes; i++)
		lane_free(engine->lanes[i]);
	for (uint32_t i = 0; i < engine->settings.readers; i++)
		reader_free(engine->readers[i]);
	fair_queue_release(&engine->reads);
	fair_queue_release(&engine->heavy_reads);
	catalog_free(engine->catalog);
	sweeper_free(engine->sweeper);
	feed_free(engine->feed);
	confirm_free(engine->confirm);
	live_free(engine->live);
	policy_free(engine->policy);
	recollection_free(engine->recollection);
	sql_free(engine->sql);
	if (engine->closed)
		engine->closed(engine->closed_data);
	arena_release(&engine->arena);
	free(engine);
}

void engine_closed_one(void *data)
{
	struct engine *engine = data;
	CHECK(engine->open > 0);
	if (--engine->open == 0 && engine->closing)
		engine_free(engine);
}

static void on_handle_closed(uv_handle_t *handle)
{
	engine_closed_one(handle->data);
}

void engine_close(struct engine *engine, void (*closed)(void *data), void *data)
{
	CHECK(!engine->closing);
	engine->closing = true;
	engine->closed = closed;
	engine->closed_data = data;
	for (size_t i = 0; i < ENGINE_VERIFICATIONS_MAX; i++)
		if (engine->verifications[i])
			verify_end(engine->verifications[i], "server is shutting down");
	sweeper_close(engine->sweeper);
	live_close(engine->live);
	feed_close(engine->feed);
	for (struct engine_request *request; (request = queue_pop(&engine->decided));)
		engine_answer(engine, request);
	for (uint32_t i = 0; i < engine->settings.lanes; i++)
		lane_close(engine->lanes[i]);
	for (uint32_t i = 0; i < engine->settings.readers; i++)
		reader_close(engine->readers[i]);
	for (struct engine_request *request; (request = fair_queue_pop(&engine->reads));)
		engine_give_up(engine, request, true);
	for (struct engine_request *request; (request = fair_queue_pop(&engine->heavy_reads));)
		engine_give_up(engine, request, true);
	for (struct engine_request *request; (request = queue_pop(&engine->late));)
		engine_give_up(engine, request, true);
	catalog_close(engine->catalog);
	uv_close((uv_handle_t *)&engine->kick, on_handle_closed);
	uv_close((uv_handle_t *)&engine->tick, on_handle_closed);
}
