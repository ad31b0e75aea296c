/* Lane: a batch that did not come through is run again, split, or blamed. */
#include <string.h>

#include "engine/lane_private.h"
#include "observe/log.h"

/* Attempts after which a batch that keeps failing is split. */
#define ATTEMPTS_TOGETHER_MAX 4
#define ATTEMPTS_ALONE_MAX 8
#define BACKOFF_MS_MAX 100

static void on_timer(uv_timer_t *timer)
{
	struct lane *lane = timer->data;
	if (lane->state == LANE_WAITING)
		lane_run(lane, STEP_GATHER);
}

/* The same batch again, after a while that differs from other lanes' and servers'. */
static void wait_to_retry(struct lane *lane)
{
	uint32_t shift = lane->batch->attempts < 7 ? lane->batch->attempts : 7;
	uint64_t most_ms = 1U << shift;
	if (most_ms > BACKOFF_MS_MAX)
		most_ms = BACKOFF_MS_MAX;
	lane_set_state(lane, LANE_WAITING);
	uv_timer_start(&lane->timer, on_timer, engine_random(lane->engine) % (most_ms + 1), 0);
}

static void log_fault(const struct lane *lane, enum log_level level, const char *message)
{
	const struct fault *fault = &lane->fault;
	const struct batch *batch = lane->batch;
	const char *statement = fault->statement < batch->exchange.count
								? batch->exchange.items[fault->statement].statement->name
								: NULL;
	LOG_LINE(level, message, log_integer("lane", lane->index),
		log_text("fault", fault_kind_name(fault->kind)), log_text("sqlstate", fault->sqlstate),
		log_text("error", fault->message), log_text("statement", statement),
		log_text("constraint", fault->constraint), log_integer("operations", (int64_t)batch->count),
		log_text("operation",
			batch->count == 1 ? batch->entries[0].request->operation->name : NULL),
		log_integer("attempt", batch->attempts));
}

/* One of the batch makes it fail: half of it now, the rest afterwards, until it stands alone. */
static void split(struct lane *lane)
{
	struct batch *batch = lane->batch;
	metric_add(lane->engine->metrics.splits, 1);
	log_fault(lane, LOG_LEVEL_WARNING, "batch failed, it is split");
	size_t half = batch->count / 2;
	/* If it was a part of such a batch already, the others are still counted. */
	if (lane->suspects < batch->count)
		lane->suspects = batch->count;
	lane->split_max = half;
	for (size_t i = batch->count; i-- > 0;)
		fair_queue_push_front(&lane->queue, batch->entries[i].request);
	batch_reset(batch);
}

static void blame(struct lane *lane)
{
	struct batch *batch = lane->batch;
	metric_add(lane->engine->metrics.culprits, 1);
	log_fault(lane, LOG_LEVEL_ERROR, "operation failed");
	entry_refuse(&batch->entries[0], &batch->arena, STOCKBOOK__V1__REASON__REASON_INTERNAL,
		"operation failed in the database");
	lane->suspects -= lane->suspects > 0;
	lane->split_max = lane->split_max ? lane->split_max * 2 : 1;
	batch_answer(batch, lane->engine);
}

/* The database said no to what was hoped: whatever the reason, it is asked now, and nobody is to
 * blame yet. True: the batch is on its way again, or waits for the connection. */
static bool hope_fails(struct lane *lane)
{
	struct batch *batch = lane->batch;
	const struct fault *fault = &lane->fault;
	if (!batch->trusts)
		return false;
	bool said = fault->kind == FAULT_CONSTRAINT || fault->kind == FAULT_BUG;
	bool id_known = fault->statement != SIZE_MAX &&
					(fault->statement == batch->remember || fault->statement == batch->none_known);
	/* The rows may be right and only an id known, or they are not and the ids may be new. */
	batch->trusts = said && batch->hopes && !id_known;
	if (id_known)
		patience_lost(&lane->trust, TRUST_PATIENCE_MAX);
	if (batch->hopes)
		optimism_lost(&lane->optimism, batch, lane->engine, LOSS_MOVED);
	if (!said)
		return false;
	log_fault(lane, LOG_LEVEL_DEBUG, "batch was decided in vain");
	if (db_connection_accepts(lane->connection))
		lane_run(lane, STEP_GATHER);
	else
		lane_go_down(lane);
	return true;
}

void lane_fail(struct lane *lane)
{
	if (hope_fails(lane))
		return;
	lane_send_left_away(lane); /* perhaps it failed because of them */
	struct batch *batch = lane->batch;
	const struct fault *fault = &lane->fault;
	bool alone = batch->count == 1;
	bool together = batch->attempts < ATTEMPTS_TOGETHER_MAX;
	bool weather = fault->kind == FAULT_LOST || fault->kind == FAULT_DEADLINE ||
				   fault->kind == FAULT_RETRY || fault->kind == FAULT_DOWN;
	/* Somebody else inserted the row meanwhile: found by the next LOAD. */
	bool race = fault->kind == FAULT_CONSTRAINT && strcmp(fault->sqlstate, "23505") == 0;
	metric_add(lane->engine->metrics.retries[fault->kind], 1);
	if (fault->kind != FAULT_DOWN)
		batch->attempts++;
	log_fault(lane, LOG_LEVEL_DEBUG, "batch has to be run again");
	if (alone && !weather && !(race && batch->attempts < ATTEMPTS_ALONE_MAX)) {
		blame(lane);
	} else if (!alone && !(together && (weather || race))) {
		split(lane);
	} else if (db_connection_accepts(lane->connection)) {
		wait_to_retry(lane);
		return;
	}
	if (!db_connection_accepts(lane->connection))
		lane_go_down(lane);
	else
		lane_run(lane, lane->batch->count > 0 ? STEP_GATHER : STEP_TAKE);
}
