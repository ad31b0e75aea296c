/* Lane: the machine. What happens to rows is in load.c, store.c and the book. */
#include <string.h>

#include "engine/lane_private.h"
#include "engine/store.h"
#include "observe/log.h"

/* Rounds of LOAD before an operation that still needs more is left for a batch of its own. */
#define ROUNDS_MAX 8
#define ROUNDS_ALONE_MAX 256
/* Of reading what is not remembered: an alias, and then the item that it means. */
#define LEARN_ROUNDS_MAX 2
/* Rows and searches that a batch asks for at first, beyond which no more operations join it. */
#define BATCH_NEEDS_MAX 4096
/* What one operation asks for in a round that is to be kept apart from others like it. */
#define HEAVY_NEEDS_MIN 1024
/* So long a batch is worked on while the database waits for us: it ends sessions that keep it
 * waiting. What is not decided by then leaves. */
#define DECIDE_US_MAX 400000

/* For a batch that was tried and lost its session: perhaps because on this machine, now, it takes
 * longer to decide than sessions may keep the database waiting. */
static const struct db_statement patience_statement = {
	.name = "patience",
	.sql = "SET LOCAL idle_in_transaction_session_timeout = '10s'",
};

/* What comes next belongs to the transaction of what came before, if there is one. */
static void exchange_begin(struct lane *lane)
{
	struct batch *batch = lane->batch;
	db_batch_init(&batch->exchange, &batch->arena);
	batch->exchange.continues_transaction = batch->in_transaction;
	batch->policy_heads = SIZE_MAX;
	if (!batch->in_transaction) {
		db_batch_add(&batch->exchange, &db_begin, NULL);
		if (batch->attempts > 0 && lane->fault.kind == FAULT_LOST)
			db_batch_add(&batch->exchange, &patience_statement, NULL);
		batch_ask_policy_heads(batch, lane->engine);
	}
	batch->in_transaction = true;
}

/* ---- Steps ---- */

/* Of those that are kept apart from the queue, when it is their turn or nobody else waits. last: whether
 * they had the last one. */
static bool take_in_turn(struct lane *lane, struct fair_queue *kept, size_t most, bool *last)
{
	bool turn = lane->suspects == 0 && (!*last || lane->queue.count == 0);
	if (turn)
		batch_take(lane->batch, lane->engine, kept, most);
	*last = lane->batch->count > 0;
	return *last;
}

static void take_next(struct lane *lane, size_t most)
{
	size_t over = batch_take(lane->batch, lane->engine, &lane->queue, most);
	lane->suspects -= over < lane->suspects ? over : lane->suspects;
}

static enum lane_step step_take(struct lane *lane)
{
	struct batch *batch = lane->batch;
	struct engine *engine = lane->engine;
	size_t most = engine->pace.operations;
	if (lane->suspects > 0)
		most = lane->suspects < lane->split_max ? lane->suspects : lane->split_max;
	if (!take_in_turn(lane, &lane->alone, 1, &lane->alone_last) &&
		!take_in_turn(lane, &lane->apart, most, &lane->apart_last))
		take_next(lane, most);
	if (batch->count == 0) {
		lane->suspects = 0;
		if (lane->state != LANE_IDLE)
			lane_set_state(lane, LANE_IDLE);
		return STEP_REST;
	}
	metric_observe(engine->metrics.batch_operations, (int64_t)batch->count);
	/* Who looks for a culprit, or has one with very many rows, asks the database. */
	bool plain = lane->suspects > 0 || lane->alone_last;
	batch->trusts = !plain && patience_is_over(&lane->trust);
	bool hopes = batch->trusts && !lane->apart_last && optimism_hopes(&lane->optimism, engine);
	return hopes ? STEP_HOPE : STEP_GATHER;
}

/* Policy rows that are known well enough. */
static const void *policy_source(void *data, const struct table *table, const void *key)
{
	struct lane *lane = data;
	return policy_get(lane->engine->policy, table, key, engine_clock_us(),
		workset_arena(lane->batch->set));
}

static void clock_advance(struct batch *batch)
{
	int64_t now_us = engine_now_us();
	if (now_us > batch->now_us)
		batch->now_us = now_us;
}

static bool keep_first(const struct need *need, void *data)
{
	size_t *left = data;
	(void)need;
	if (*left == 0)
		return false;
	--*left;
	return true;
}

/* Runs it. Of those that need very many rows a batch has one; the others leave, so that nobody
 * waits for all of them, and the batch does not grow too large. */
static void run_weighed(struct lane *lane, struct entry *entry, bool dry)
{
	struct batch *batch = lane->batch;
	size_t before, after;
	workset_needs(batch->set, &before);
	entry_run(batch, lane->engine, entry, dry);
	workset_needs(batch->set, &after);
	if (after - before < HEAVY_NEEDS_MIN)
		return;
	if (!lane->heavy)
		lane->heavy = entry;
	if (lane->heavy == entry)
		return;
	entry->state = ENTRY_LEFT;
	workset_keep_needs(batch->set, keep_first, &before);
}

/* Runs every operation on the empty set: what they need is then loaded for all of them at once.
 * Where that is much, the others wait for the next batch. */
static void run_dry(struct lane *lane)
{
	struct batch *batch = lane->batch;
	size_t light = 0; /* needs of all but the heavy one */
	for (size_t i = 0; i < batch->count; i++) {
		size_t before, after;
		workset_needs(batch->set, &before);
		if (!batch->entries[i].previous)
			run_weighed(lane, &batch->entries[i], true);
		workset_needs(batch->set, &after);
		light += lane->heavy == &batch->entries[i] ? 0 : after - before;
		if (light <= BATCH_NEEDS_MAX)
			continue;
		while (batch->count > i + 1)
			fair_queue_push_front(&lane->queue, batch->entries[--batch->count].request);
	}
}

/* The last fault was the database's absence, and not that others were in the way. */
static bool database_went(const struct lane *lane)
{
	enum fault_kind kind = lane->fault.kind;
	return kind == FAULT_DOWN || kind == FAULT_LOST || kind == FAULT_DEADLINE;
}

static enum lane_step step_gather(struct lane *lane)
{
	struct batch *batch = lane->batch;
	struct engine *engine = lane->engine;
	batch_prune(batch, engine, batch->attempts > 0 && database_went(lane));
	if (batch->count == 0) {
		batch_reset(batch);
		return STEP_TAKE;
	}
	size_t known = batch->load.key_count;
	batch_open(batch, engine);
	batch->load.recollection = NULL;
	batch->load.policy = engine->policy;
	batch->load.locks = true;
	/* Tried before: what was locked then is locked now in one go, in order. */
	for (size_t i = 0; i < known; i++) {
		const void *row;
		(void)workset_find(batch->set, batch->load.keys[i]->table, batch->load.keys[i], ACCESS_LOCK,
			&row);
	}
	batch->load.hold_stock_back = batch->count > 1 && known == 0;
	batch->load.key_count = batch->load.key_capacity = 0;
	workset_set_source(batch->set, policy_source, lane);
	clock_advance(batch);
	lane->heavy = NULL;
	run_dry(lane);
	return STEP_LOAD;
}

static enum lane_step step_load(struct lane *lane)
{
	struct batch *batch = lane->batch;
	bool was_in_transaction = batch->in_transaction;
	exchange_begin(lane);
	bool loads = load_add(&batch->load, batch->set, &batch->exchange, engine_clock_us());
	/* After the locks: a request that waited here for itself, sent to another server or still under
	 * way after a lost connection, must find what it did. */
	bool looks_up = !batch->trusts && store_add_lookup(batch, lane->engine);
	batch->rounds++; /* also when nothing is asked for: nothing goes on for ever */
	if (!loads && !looks_up) {
		batch->in_transaction = was_in_transaction;
		return STEP_DECIDE;
	}
	lane_send(lane, LANE_LOADING);
	return STEP_REST;
}

static enum lane_step step_absorb(struct lane *lane)
{
	struct batch *batch = lane->batch;
	load_absorb(&batch->load, engine_clock_us());
	if (batch->hopes)
		return STEP_HOPE;
	store_absorb_lookup(batch, lane->engine);
	return STEP_DECIDE;
}

/* True: decided without being run, or to wait for the twin before it. */
static bool follow_twin(struct batch *batch, struct entry *entry)
{
	for (struct entry *twin = entry->previous; twin; twin = twin->previous) {
		if (twin->state == ENTRY_OPEN)
			return true;
		if (twin->state != ENTRY_DONE)
			continue;
		if (memcmp(twin->request->fingerprint, entry->request->fingerprint,
				sizeof(twin->request->fingerprint)) != 0) {
			store_refuse_reuse(batch, entry);
			return true;
		}
		entry->state = ENTRY_TWIN;
		entry->response = twin->response;
		entry->response_size = twin->response_size;
		entry->parts = twin->parts;
		entry->part_count = twin->part_count;
		return true;
	}
	return false;
}

static bool twin_is_apart(const struct entry *entry)
{
	const struct entry *twin = entry->previous;
	while (twin && twin->state != ENTRY_APART)
		twin = twin->previous;
	return twin != NULL;
}

/* Decides it from memory. What needs more than can be learned leaves. */
static void hope_for(struct lane *lane, struct entry *entry)
{
	struct batch *batch = lane->batch;
	size_t before;
	workset_needs(batch->set, &before);
	if (twin_is_apart(entry)) {
		entry->state = ENTRY_APART;
		return;
	}
	if (follow_twin(batch, entry))
		return;
	entry_run(batch, lane->engine, entry, false);
	if (entry->state != ENTRY_OPEN || optimism_can_learn(batch, before))
		return;
	entry->state = ENTRY_APART;
	workset_keep_needs(batch->set, keep_first, &before);
}

/* Decides from memory. What is missing there is read without locks and remembered; if that is not
 * enough for all of them, it is as if nothing had happened. */
static enum lane_step step_hope(struct lane *lane)
{
	struct batch *batch = lane->batch;
	struct engine *engine = lane->engine;
	uint32_t rounds = batch->rounds;
	size_t open = 0, apart = 0;
	batch_open(batch, engine);
	batch->rounds = rounds;
	optimism_begin(batch, engine);
	workset_set_source(batch->set, policy_source, lane);
	clock_advance(batch);
	for (size_t i = 0; i < batch->count; i++) {
		struct entry *entry = &batch->entries[i];
		if (rounds > 0 && entry_is_late(batch, entry))
			continue;
		hope_for(lane, entry);
		open += entry->state == ENTRY_OPEN;
		apart += entry->state == ENTRY_APART;
	}
	if (apart == batch->count)
		return STEP_GATHER;
	if (open == 0)
		return STEP_STORE;
	if (rounds < LEARN_ROUNDS_MAX && optimism_has_room(batch))
		return STEP_LEARN;
	optimism_lost(&lane->optimism, batch, engine, LOSS_UNKNOWN);
	return STEP_GATHER;
}

static enum lane_step step_learn(struct lane *lane)
{
	struct batch *batch = lane->batch;
	db_batch_init(&batch->exchange, &batch->arena);
	batch->load.policy = lane->engine->policy;
	batch->load.locks = batch->load.hold_stock_back = false;
	batch->rounds++;
	batch_ask_policy_heads(batch, lane->engine);
	CHECK(load_add(&batch->load, batch->set, &batch->exchange, engine_clock_us()));
	lane_send(lane, LANE_LOADING);
	return STEP_REST;
}

/* Too many rounds. */
static enum lane_step leave_open_ones(struct lane *lane)
{
	struct batch *batch = lane->batch;
	if (batch->count == 1) {
		log_error("operation needs more and more rows",
			log_text("operation", batch->entries[0].request->operation->name),
			log_integer("rounds", batch->rounds));
		entry_refuse(&batch->entries[0], &batch->arena, STOCKBOOK__V1__REASON__REASON_INTERNAL,
			"operation does not come to an end");
		return STEP_STORE;
	}
	for (size_t i = 0; i < batch->count; i++)
		if (batch->entries[i].state == ENTRY_OPEN)
			batch->entries[i].state = ENTRY_LEFT;
	return STEP_STORE;
}

static enum lane_step step_decide(struct lane *lane)
{
	struct batch *batch = lane->batch;
	size_t open = 0, run = 0;
	clock_advance(batch);
	for (size_t i = 0; i < batch->count; i++) {
		struct entry *entry = &batch->entries[i];
		if (entry->state != ENTRY_OPEN)
			continue;
		if (entry_is_late(batch, entry))
			continue;
		if (run > 0 && engine_clock_us() - lane->answered_us > DECIDE_US_MAX) {
			entry->state = ENTRY_LEFT;
			continue;
		}
		if (!follow_twin(batch, entry)) {
			run_weighed(lane, entry, false);
			run++;
		}
		open += entry->state == ENTRY_OPEN;
	}
	if (open == 0)
		return STEP_STORE;
	if (batch->rounds >= (batch->count > 1 ? ROUNDS_MAX : ROUNDS_ALONE_MAX))
		return leave_open_ones(lane);
	return STEP_LOAD;
}

void lane_send_left_away(struct lane *lane)
{
	struct batch *batch = lane->batch;
	size_t kept = 0;
	for (size_t i = 0; i < batch->count; i++)
		if (batch->entries[i].state == ENTRY_LEFT)
			fair_queue_push(&lane->alone, batch->entries[i].request);
		else if (batch->entries[i].state == ENTRY_APART)
			fair_queue_push(&lane->apart, batch->entries[i].request);
		else
			batch->entries[kept++] = batch->entries[i];
	batch->count = kept;
}

static enum lane_step step_store(struct lane *lane)
{
	struct batch *batch = lane->batch;
	lane_send_left_away(lane); /* none is asked about its twin any more */
	bool was_in_transaction = batch->in_transaction;
	exchange_begin(lane);
	size_t before = batch->exchange.count;
	bool changes = store_add(batch, lane->engine);
	if (!was_in_transaction && batch->exchange.count == before)
		return STEP_FINISH;
	/* Nothing to be kept: without a COMMIT there is no wait for the disk. */
	db_batch_add(&batch->exchange, changes ? &db_commit : &db_rollback, NULL);
	lane_send(lane, LANE_STORING);
	return STEP_REST;
}

static enum lane_step step_finish(struct lane *lane)
{
	struct batch *batch = lane->batch;
	store_absorb(batch, lane->engine);
	metric_observe(lane->engine->metrics.rounds, batch->rounds);
	if (batch->remember != SIZE_MAX)
		pace_note(&lane->engine->pace, (uint32_t)batch->count, lane->answered_us - lane->sent_us);
	optimism_stored(&lane->optimism, batch, lane->engine);
	if (batch->trusts)
		patience_won(&lane->trust);
	if (lane->suspects > 0) {
		lane->suspects -= batch->count < lane->suspects ? batch->count : lane->suspects;
		lane->split_max *= 2;
	}
	/* Answered when the next batch is on its way: the database need not wait for us. */
	CHECK(!lane->finished);
	lane->finished = batch;
	lane->batch = batch == &lane->batches[0] ? &lane->batches[1] : &lane->batches[0];
	return STEP_TAKE;
}

void lane_run(struct lane *lane, enum lane_step step)
{
	static enum lane_step (*const steps[])(struct lane *) = {
		[STEP_TAKE] = step_take,
		[STEP_HOPE] = step_hope,
		[STEP_LEARN] = step_learn,
		[STEP_GATHER] = step_gather,
		[STEP_LOAD] = step_load,
		[STEP_ABSORB] = step_absorb,
		[STEP_DECIDE] = step_decide,
		[STEP_STORE] = step_store,
		[STEP_FINISH] = step_finish,
	};
	while (step != STEP_REST) {
		step = steps[step](lane);
		/* A batch that was answered without a round trip makes room for the next. */
		if (lane->finished && (step == STEP_REST || step == STEP_FINISH)) {
			struct batch *finished = lane->finished;
			lane->finished = NULL;
			batch_answer(finished, lane->engine);
		}
	}
}
