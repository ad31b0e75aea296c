/* Reader: take, gather, load until all are decided, answer. */
#include "engine/reader.h"

#include <string.h>

#include "engine/batch.h"
#include "engine/feed_private.h"
#include "engine/optimism.h"
#include "observe/log.h"

#define ROUNDS_MAX 256
/* Taken at once, so that others are left for the other readers; but where a round trip takes long,
 * as many more as the database could answer in that time. */
#define READS_MIN 64
#define READS_MAX 512
#define READ_US 20
/* A read that asks for so much in a round is kept apart: others should not wait for it. */
#define HEAVY_WEIGHT_MIN 256
#define PAGE_ROWS_MAX 1024
/* Rows and searches that are asked for at once, beyond which no more reads are. */
#define NEEDS_MAX 4096

enum reader_state {
	READER_DOWN,
	READER_IDLE,
	READER_LOADING,
	READER_CLOSED,
	READER_STATES,
};

struct reader {
	struct engine *engine;
	struct db_connection *connection;
	uint32_t index;
	enum reader_state state; /* changed by reader_set_state() alone */
	struct metric *gauges[READER_STATES];
	struct batch batch;
	/* While one read is looked for that makes its batch fail: how many of that batch are still to
	 * be tried, one by one. */
	size_t suspects;
	bool heavy;      /* its batch is one that was kept apart */
	int64_t sent_us; /* when what is on its way went out */
};

#define STATE(state) (1U << READER_##state)

static const struct {
	const char *name;
	unsigned next;
} states[READER_STATES] = {
	[READER_DOWN] = {"down", STATE(IDLE) | STATE(LOADING) | STATE(CLOSED)},
	[READER_IDLE] = {"idle", STATE(LOADING) | STATE(DOWN) | STATE(CLOSED)},
	[READER_LOADING] = {"loading", STATE(LOADING) | STATE(IDLE) | STATE(DOWN) | STATE(CLOSED)},
	[READER_CLOSED] = {"closed", 0},
};

/* As the lanes', and: a round trip is one transaction, which sees one moment of the book. */
static const struct db_setting session[] = {
	ENGINE_SESSION,
	{"default_transaction_isolation", "repeatable read"},
	{"default_transaction_read_only", "on"},
};

static void on_answered(struct db_batch *exchange, const struct fault *fault);

static void reader_set_state(struct reader *reader, enum reader_state state)
{
	CHECK(states[reader->state].next & 1U << state);
	metric_add(reader->gauges[reader->state], -1);
	metric_add(reader->gauges[state], 1);
	reader->state = state;
}

/* ---- What will be needed ---- */

/* A policy row that the dry run was answered from memory: asked for again, afresh. */
struct guesses {
	struct reader *reader;
	const void **rows;
	size_t count;
	size_t capacity;
};

static const void *guess(void *data, const struct table *table, const void *key)
{
	struct guesses *guesses = data;
	struct batch *batch = &guesses->reader->batch;
	const void *row =
		policy_get(guesses->reader->engine->policy, table, key, engine_clock_us(), &batch->arena);
	if (row) {
		guesses->rows = arena_grow(&batch->arena, guesses->rows, guesses->count, &guesses->capacity,
			sizeof(*guesses->rows));
		guesses->rows[guesses->count++] = row;
	}
	return row;
}

/* Those from there on that are not decided wait for the next batch: the ones before them want so
 * much that there would be no end to the memory that all of them take. */
static void leave_rest(struct reader *reader, size_t first)
{
	struct batch *batch = &reader->batch;
	size_t kept = batch->count;
	for (size_t i = batch->count; i-- > first;) {
		if (batch->entries[i].state != ENTRY_OPEN)
			continue;
		fair_queue_push_front(&reader->engine->reads, batch->entries[i].request);
		memmove(&batch->entries[i], &batch->entries[i + 1],
			(kept - i - 1) * sizeof(batch->entries[0]));
		kept--;
	}
	batch->count = kept;
}

static bool wants_much(const struct batch *batch)
{
	size_t needs;
	workset_needs(batch->set, &needs);
	return needs > NEEDS_MAX;
}

/* How much was asked for since the set had so many needs. A page has as many rows as its limit; a
 * larger limit is a bound and says nothing. */
static size_t weight_since(struct workset *set, size_t before)
{
	size_t count, weight = 0;
	struct need *const *needs = workset_needs(set, &count);
	for (size_t i = before; i < count; i++) {
		bool page = needs[i]->kind == NEED_SCAN && needs[i]->scan->limit <= PAGE_ROWS_MAX;
		weight += page ? (size_t)needs[i]->scan->limit : 1;
	}
	return weight;
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

/* Runs it. One that wants very much leaves: it will be a batch of its own. */
static void run_weighed(struct reader *reader, struct entry *entry, bool dry)
{
	struct batch *batch = &reader->batch;
	size_t before;
	workset_needs(batch->set, &before);
	entry_run(batch, reader->engine, entry, dry);
	if (reader->heavy || entry->state != ENTRY_OPEN ||
		weight_since(batch->set, before) < HEAVY_WEIGHT_MIN)
		return;
	entry->state = ENTRY_LEFT;
	workset_keep_needs(batch->set, keep_first, &before);
}

static void send_left_away(struct reader *reader)
{
	struct batch *batch = &reader->batch;
	size_t kept = 0;
	for (size_t i = 0; i < batch->count; i++)
		if (batch->entries[i].state == ENTRY_LEFT)
			fair_queue_push(&reader->engine->heavy_reads, batch->entries[i].request);
		else
			batch->entries[kept++] = batch->entries[i];
	batch->count = kept;
}

/* Runs every operation dry on what is remembered of policies, to find out what it will ask for; all
 * of that, the policies included, is then read afresh in one round trip. */
static void gather(struct reader *reader)
{
	struct batch *batch = &reader->batch;
	struct engine *engine = reader->engine;
	struct guesses guesses = {.reader = reader};
	batch_open(batch, engine);
	batch->now_us = engine_now_us();
	workset_set_source(batch->set, guess, &guesses);
	for (size_t i = 0; i < batch->count; i++) {
		run_weighed(reader, &batch->entries[i], true);
		if (wants_much(batch))
			leave_rest(reader, i + 1);
	}
	send_left_away(reader);
	workset_set_source(batch->set, NULL, NULL);
	for (size_t i = 0; i < guesses.count; i++)
		workset_need_again(batch->set, guesses.rows[i]);
}

/* ---- The machine ---- */

/* The heavy one is over. */
static void lighten(struct reader *reader)
{
	reader->engine->heavy_readers -= reader->heavy;
	reader->heavy = false;
}

/* Not all readers have heavy ones at once; where there is but one, it takes them in turn with the
 * others. */
static bool may_take_heavy(const struct reader *reader, bool had_heavy)
{
	const struct engine *engine = reader->engine;
	uint32_t most = engine->settings.readers > 1 ? engine->settings.readers / 2 : 1;
	return reader->suspects == 0 && engine->heavy_reads.count > 0 && engine->heavy_readers < most &&
		   (!had_heavy || engine->reads.count == 0);
}

static size_t reads_at_once(const struct engine *engine)
{
	int64_t most = engine->round_trip_us / READ_US;
	return most < READS_MIN ? READS_MIN : most > READS_MAX ? READS_MAX : (size_t)most;
}

static bool take(struct reader *reader)
{
	struct engine *engine = reader->engine;
	bool had_heavy = reader->heavy;
	lighten(reader);
	if (may_take_heavy(reader, had_heavy)) {
		batch_take(&reader->batch, engine, &engine->heavy_reads, 1);
		reader->heavy = reader->batch.count > 0;
		engine->heavy_readers += reader->heavy;
		if (reader->heavy)
			return true;
	}
	size_t most = reader->suspects > 0 ? 1 : reads_at_once(engine);
	reader->suspects -= reader->suspects > 0;
	batch_take(&reader->batch, engine, &engine->reads, most);
	return reader->batch.count > 0;
}

/* With the first question: how far the database has come, where somebody wants that known. */
static bool ask_heads(struct reader *reader)
{
	struct batch *batch = &reader->batch;
	struct engine *engine = reader->engine;
	int32_t parts = engine->settings.limits.parts + 1;
	int64_t *asked = arena_alloc_array(&batch->arena, (size_t)parts, sizeof(*asked));
	bool *wanted = arena_alloc_array(&batch->arena, (size_t)parts, sizeof(*wanted));
	size_t count = 0;
	for (size_t i = 0; i < batch->count; i++) {
		const int64_t *at_least = batch->entries[i].request->at_least;
		if (feed_has_come_to(engine->feed, at_least))
			continue;
		for (int32_t p = 0; p < parts; p++)
			wanted[p] = wanted[p] || at_least[p] > 0;
	}
	for (int32_t p = 0; p < parts; p++)
		if (wanted[p])
			asked[count++] = p;
	if (count > 0)
		batch->heads = sql_add_heads(engine->sql, &batch->exchange, asked, count);
	return count > 0;
}

/* Those whose position the database has not come to are asked for again a little later: it follows
 * another one, or the position is of the future. */
static void leave_late(struct reader *reader)
{
	struct batch *batch = &reader->batch;
	size_t statement = batch->heads;
	batch->heads = SIZE_MAX;
	if (statement == SIZE_MAX)
		return;
	const struct db_rows *rows = db_batch_rows(&batch->exchange, statement);
	size_t kept = 0;
	for (size_t i = 0; i < batch->count; i++) {
		const int64_t *at_least = batch->entries[i].request->at_least;
		bool late = false;
		for (size_t r = 0; at_least && r < db_rows_count(rows); r++)
			late = late || at_least[db_get_int(rows, r, 0)] > db_get_int(rows, r, 1);
		if (late)
			queue_push(&reader->engine->late, batch->entries[i].request);
		else
			batch->entries[kept++] = batch->entries[i];
	}
	batch->count = kept;
}

/* False: nothing to be loaded. */
static bool load(struct reader *reader)
{
	struct batch *batch = &reader->batch;
	db_batch_init(&batch->exchange, &batch->arena);
	batch->exchange.done = on_answered;
	batch->exchange.data = reader;
	batch->load.policy = reader->engine->policy;
	batch->load.live = reader->engine->live;
	batch->load.recollection = reader->engine->recollection;
	batch->load.locks = false;
	bool heads = batch->rounds == 0 && ask_heads(reader);
	batch->rounds++; /* also when nothing is asked for: nothing goes on for ever */
	if (!load_add(&batch->load, batch->set, &batch->exchange, engine_clock_us()) && !heads)
		return false;
	/* Also while nothing is written: lanes shall find what is read now as new as it is then. */
	batch_ask_policy_heads(batch, reader->engine);
	reader_set_state(reader, READER_LOADING);
	reader->sent_us = engine_clock_us();
	db_submit(reader->connection, &batch->exchange);
	return true;
}

/* True: all are decided. */
static bool decide(struct reader *reader)
{
	struct batch *batch = &reader->batch;
	size_t open = 0;
	for (size_t i = 0; i < batch->count; i++) {
		struct entry *entry = &batch->entries[i];
		if (entry->state != ENTRY_OPEN || entry_is_late(batch, entry))
			continue;
		run_weighed(reader, entry, false);
		if (entry->state == ENTRY_OPEN && batch->rounds >= ROUNDS_MAX)
			entry_refuse(entry, &batch->arena, STOCKBOOK__V1__REASON__REASON_INTERNAL,
				"operation does not come to an end");
		open += entry->state == ENTRY_OPEN;
		if (wants_much(batch))
			leave_rest(reader, i + 1);
	}
	send_left_away(reader);
	/* The others need not wait for those that want more. */
	if (open > 0)
		batch_answer_decided(batch, reader->engine);
	return open == 0;
}

/* Until something is on its way or nothing waits. */
static void reader_run(struct reader *reader)
{
	for (;;) {
		struct batch *batch = &reader->batch;
		if (batch->count == 0) {
			if (!take(reader))
				break;
			metric_observe(reader->engine->metrics.batch_operations, (int64_t)batch->count);
			gather(reader);
			if (batch->count == 0) { /* all of them heavy */
				batch_reset(batch);
				continue;
			}
		} else if (decide(reader)) {
			batch_answer(batch, reader->engine);
			continue;
		}
		if (load(reader))
			return;
	}
	if (reader->state != READER_IDLE)
		reader_set_state(reader, READER_IDLE);
}

static void put_back(struct reader *reader)
{
	struct batch *batch = &reader->batch;
	struct fair_queue *queue =
		reader->heavy ? &reader->engine->heavy_reads : &reader->engine->reads;
	for (size_t i = batch->count; i-- > 0;)
		fair_queue_push_front(queue, batch->entries[i].request);
	batch_reset(batch);
	lighten(reader);
}

static void blame(struct reader *reader, const struct fault *fault)
{
	struct batch *batch = &reader->batch;
	struct entry *entry = &batch->entries[0];
	log_error("read failed", log_text("operation", entry->request->operation->name),
		log_text("fault", fault_kind_name(fault->kind)), log_text("sqlstate", fault->sqlstate),
		log_text("error", fault->message));
	metric_add(reader->engine->metrics.culprits, 1);
	entry_refuse(entry, &batch->arena, STOCKBOOK__V1__REASON__REASON_INTERNAL,
		"operation failed in the database");
	batch_answer(batch, reader->engine);
}

static void reader_fail(struct reader *reader, const struct fault *fault)
{
	struct batch *batch = &reader->batch;
	bool weather = fault->kind != FAULT_BUG && fault->kind != FAULT_CONSTRAINT;
	metric_add(reader->engine->metrics.retries[fault->kind], 1);
	if (!weather && batch->count == 1) {
		blame(reader, fault);
	} else {
		/* Nothing was changed: they simply wait again, one by one when one of them is wrong. */
		if (batch->count > 1 && (!weather || fault->kind == FAULT_DEADLINE))
			reader->suspects = batch->count;
		put_back(reader);
	}
	if (db_connection_accepts(reader->connection))
		reader_run(reader);
	else
		reader_set_state(reader, READER_DOWN);
}

/* The shortest counts, because the others say how busy the database is; it is forgotten slowly. */
static void note_round_trip(const struct reader *reader)
{
	struct engine *engine = reader->engine;
	int64_t took_us = engine_clock_us() - reader->sent_us;
	int64_t known_us = engine->round_trip_us + engine->round_trip_us / 1024 + 1;
	engine->round_trip_us = engine->round_trip_us == 0 || took_us < known_us ? took_us : known_us;
}

static void on_answered(struct db_batch *exchange, const struct fault *fault)
{
	struct reader *reader = exchange->data;
	if (reader->state == READER_CLOSED)
		return;
	if (fault) {
		struct fault copy = *fault;
		reader_fail(reader, &copy);
		return;
	}
	note_round_trip(reader);
	int64_t now_us = engine_clock_us();
	batch_absorb_policy_heads(&reader->batch, reader->engine, reader->sent_us, now_us);
	load_absorb(&reader->batch.load, now_us);
	leave_late(reader);
	if (reader->batch.count == 0)
		batch_reset(&reader->batch);
	reader_run(reader);
}

static void reader_resume(struct reader *reader)
{
	if (reader->state == READER_DOWN && reader->engine->schema_fits &&
		db_connection_accepts(reader->connection))
		reader_run(reader);
}

static void on_connection(struct db_connection *connection, enum db_state from, enum db_state to,
	void *data)
{
	struct reader *reader = data;
	(void)from;
	reader->connection = connection;
	if (to == DB_STATE_DOWN) {
		recollection_clear(reader->engine->recollection);
		policy_forget_heads(reader->engine->policy);
	}
	if (to == DB_STATE_DOWN && reader->state == READER_IDLE)
		reader_set_state(reader, READER_DOWN);
	if (to == DB_STATE_READY)
		reader_resume(reader);
}

/* ---- From outside ---- */

void reader_kick(struct reader *reader)
{
	const struct engine *engine = reader->engine;
	bool wanted = engine->reads.count > 0 || may_take_heavy(reader, false);
	if (reader->state == READER_IDLE && wanted)
		reader_run(reader);
	else if (reader->state == READER_DOWN)
		reader_resume(reader);
}

bool reader_connected(const struct reader *reader)
{
	return reader->state != READER_DOWN;
}

struct reader *reader_open(struct engine *engine, uint32_t index)
{
	struct reader *reader = calloc(1, sizeof(*reader));
	CHECK(reader != NULL);
	reader->engine = engine;
	reader->index = index;
	reader->state = READER_DOWN;
	batch_init(&reader->batch);
	char labels[64];
	for (size_t i = 0; i < READER_STATES; i++) {
		snprintf(labels, sizeof(labels), "state=\"%s\"", states[i].name);
		reader->gauges[i] = metric_gauge("stockbook_engine_readers", "Readers by state", labels);
	}
	metric_add(reader->gauges[READER_DOWN], 1);
	const struct engine_settings *settings = &engine->settings;
	reader->connection = db_connection_open(engine->loop,
		&(struct db_options){
			.uri = settings->database,
			.name = arena_printf(&engine->arena, "reader %u", index),
			.role = settings->role,
			.settings = session,
			.setting_count = ARRAY_COUNT(session),
			.batch_deadline_ms = settings->batch_deadline_ms,
			.changed = on_connection,
			.data = reader,
		});
	engine->open++;
	return reader;
}

void reader_close(struct reader *reader)
{
	struct engine *engine = reader->engine;
	reader_set_state(reader, READER_CLOSED);
	for (size_t i = 0; i < reader->batch.count; i++)
		engine_give_up(engine, reader->batch.entries[i].request, true);
	reader->batch.count = 0;
	metric_add(reader->gauges[READER_CLOSED], -1);
	db_connection_close(reader->connection, engine_closed_one, engine);
}

void reader_free(struct reader *reader)
{
	batch_release(&reader->batch);
	free(reader);
}
