/* Lane: its states, its connection, and what others see of it. */
#include "engine/lane.h"

#include "engine/lane_private.h"
#include "observe/log.h"

#define STATE(state) (1U << LANE_##state)

static const struct {
	const char *name;
	unsigned next;
} states[LANE_STATES] = {
	[LANE_DOWN] = {"down", STATE(IDLE) | STATE(LOADING) | STATE(STORING) | STATE(CLOSED)},
	[LANE_IDLE] = {"idle", STATE(LOADING) | STATE(STORING) | STATE(DOWN) | STATE(CLOSED)},
	[LANE_LOADING] = {"loading", STATE(IDLE) | STATE(LOADING) | STATE(STORING) | STATE(WAITING) |
									 STATE(DOWN) | STATE(CLOSED)},
	[LANE_STORING] = {"storing", STATE(IDLE) | STATE(LOADING) | STATE(STORING) | STATE(WAITING) |
									 STATE(DOWN) | STATE(CLOSED)},
	[LANE_WAITING] = {"waiting",
		STATE(IDLE) | STATE(LOADING) | STATE(STORING) | STATE(DOWN) | STATE(CLOSED)},
	[LANE_CLOSED] = {"closed", 0},
};

static const struct db_setting session[] = {ENGINE_SESSION};

void lane_set_state(struct lane *lane, enum lane_state state)
{
	CHECK(states[lane->state].next & 1U << state);
	metric_add(lane->gauges[lane->state], -1);
	metric_add(lane->gauges[state], 1);
	lane->state = state;
}

void lane_go_down(struct lane *lane)
{
	if (lane->state != LANE_DOWN)
		lane_set_state(lane, LANE_DOWN);
}

/* ---- Round trips ---- */

static void on_answered(struct db_batch *exchange, const struct fault *fault)
{
	struct lane *lane = exchange->data;
	if (lane->state == LANE_CLOSED)
		return;
	lane->answered_us = engine_clock_us();
	if (fault) {
		lane->fault = *fault;
		lane_fail(lane);
	} else {
		batch_absorb_policy_heads(lane->batch, lane->engine, lane->sent_us, lane->answered_us);
		lane_run(lane, lane->state == LANE_LOADING ? STEP_ABSORB : STEP_FINISH);
	}
}

void lane_send(struct lane *lane, enum lane_state state)
{
	struct batch *batch = lane->batch;
	batch->exchange.done = on_answered;
	batch->exchange.data = lane;
	lane_set_state(lane, state);
	lane->sent_us = engine_clock_us();
	db_submit(lane->connection, &batch->exchange);
}

static void lane_resume(struct lane *lane)
{
	if (lane->state == LANE_DOWN && lane->engine->schema_fits &&
		db_connection_accepts(lane->connection))
		lane_run(lane, lane->batch->count > 0 ? STEP_GATHER : STEP_TAKE);
}

static void on_connection(struct db_connection *connection, enum db_state from, enum db_state to,
	void *data)
{
	struct lane *lane = data;
	(void)from;
	lane->connection = connection; /* also while it is still being opened */
	if (to == DB_STATE_DOWN) {
		recollection_clear(lane->engine->recollection);
		policy_forget_heads(lane->engine->policy);
	}
	if (to == DB_STATE_DOWN && (lane->state == LANE_IDLE || lane->state == LANE_WAITING))
		lane_go_down(lane);
	engine_update(lane->engine);
	if (to == DB_STATE_READY)
		lane_resume(lane);
}

/* ---- From outside ---- */

enum queue_room lane_submit(struct lane *lane, struct engine_request *request)
{
	size_t own = fair_queue_count_of(&lane->queue, request->caller) +
				 fair_queue_count_of(&lane->apart, request->caller) +
				 fair_queue_count_of(&lane->alone, request->caller);
	enum queue_room room =
		queue_room(request, own, lane_queued(lane), lane->engine->settings.queue_operations_max);
	if (room == QUEUE_HAS_ROOM)
		fair_queue_push(&lane->queue, request);
	return room;
}

static bool anybody_waits(const struct lane *lane)
{
	return lane_queued(lane) > 0;
}

void lane_kick(struct lane *lane)
{
	if (lane->state == LANE_IDLE && anybody_waits(lane))
		lane_run(lane, STEP_TAKE);
	else if (lane->state == LANE_DOWN)
		lane_resume(lane);
}

void lane_tick(struct lane *lane)
{
	struct engine *engine = lane->engine;
	bool down = lane->state == LANE_DOWN;
	int64_t now_us = engine_clock_us();
	struct queue over = {0};
	fair_queue_sift(&lane->alone, now_us, &over);
	fair_queue_sift(&lane->apart, now_us, &over);
	if (lane->suspects == 0)
		fair_queue_sift(&lane->queue, now_us, &over);
	for (struct engine_request *request; (request = queue_pop(&over));)
		engine_give_up(engine, request, down);
	if (down && lane->batch->count > 0) {
		batch_prune(lane->batch, engine, true);
		if (lane->batch->count == 0)
			batch_reset(lane->batch);
	}
}

size_t lane_queued(const struct lane *lane)
{
	return lane->queue.count + lane->apart.count + lane->alone.count;
}

size_t lane_callers(const struct lane *lane)
{
	return lane->queue.callers + lane->apart.callers + lane->alone.callers;
}

int64_t lane_oldest_us(const struct lane *lane)
{
	int64_t oldest_us = fair_queue_oldest_us(&lane->queue);
	const struct fair_queue *others[] = {&lane->apart, &lane->alone};
	for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
		int64_t other_us = fair_queue_oldest_us(others[i]);
		oldest_us = other_us < oldest_us ? other_us : oldest_us;
	}
	return oldest_us;
}

bool lane_connected(const struct lane *lane)
{
	enum db_state state = db_connection_state(lane->connection);
	return state != DB_STATE_DOWN && state != DB_STATE_CONNECTING && state != DB_STATE_SETTING_UP &&
		   state != DB_STATE_CLOSING;
}

const char *lane_error(const struct lane *lane)
{
	return db_connection_error(lane->connection);
}

static void gauges_register(struct lane *lane)
{
	char labels[64];
	for (size_t i = 0; i < LANE_STATES; i++) {
		snprintf(labels, sizeof(labels), "state=\"%s\"", states[i].name);
		lane->gauges[i] = metric_gauge("stockbook_engine_lanes", "Lanes by state", labels);
	}
	metric_add(lane->gauges[LANE_DOWN], 1);
}

struct lane *lane_open(struct engine *engine, uint32_t index)
{
	struct lane *lane = calloc(1, sizeof(*lane));
	CHECK(lane != NULL);
	lane->engine = engine;
	lane->index = index;
	lane->state = LANE_DOWN;
	batch_init(&lane->batches[0]);
	batch_init(&lane->batches[1]);
	lane->batch = &lane->batches[0];
	gauges_register(lane);
	CHECK(uv_timer_init(engine->loop, &lane->timer) == 0);
	lane->timer.data = lane;
	const struct engine_settings *settings = &engine->settings;
	lane->connection =
		db_connection_open(engine->loop, &(struct db_options){
											 .uri = settings->database,
											 .name = arena_printf(&engine->arena, "lane %u", index),
											 .role = settings->role,
											 .settings = session,
											 .setting_count = ARRAY_COUNT(session),
											 .batch_deadline_ms = settings->batch_deadline_ms,
											 .lock_timeout_ms = settings->lock_timeout_ms,
											 .changed = on_connection,
											 .data = lane,
										 });
	engine->open += 2;
	return lane;
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct lane *lane = handle->data;
	engine_closed_one(lane->engine);
}

void lane_close(struct lane *lane)
{
	struct engine *engine = lane->engine;
	/* First, so that what the connection still says finds nobody. */
	lane_set_state(lane, LANE_CLOSED);
	for (size_t i = 0; i < lane->batch->count; i++)
		engine_give_up(engine, lane->batch->entries[i].request, true);
	lane->batch->count = 0;
	struct fair_queue *queues[] = {&lane->queue, &lane->apart, &lane->alone};
	for (size_t i = 0; i < ARRAY_COUNT(queues); i++)
		for (struct engine_request *request; (request = fair_queue_pop(queues[i]));)
			engine_give_up(engine, request, true);
	metric_add(lane->gauges[LANE_CLOSED], -1);
	db_connection_close(lane->connection, engine_closed_one, engine);
	uv_close((uv_handle_t *)&lane->timer, on_timer_closed);
}

void lane_free(struct lane *lane)
{
	batch_release(&lane->batches[0]);
	batch_release(&lane->batches[1]);
	fair_queue_release(&lane->queue);
	fair_queue_release(&lane->apart);
	fair_queue_release(&lane->alone);
	free(lane);
}
