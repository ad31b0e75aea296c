/*
 * Lanes: batches of calls against the memory store, as the engine runs them: decide what can be
 * decided, load what is needed, decide again; then store everything at once. What took effect is
 * remembered under its request id in the same step.
 */
#include "simulation/memory_store_private.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct lane_call {
	struct store_call *call;
	uint64_t random;
	bool decided;
	/* Not the caller's before the batch is stored. */
	enum verdict verdict;
	struct refusal refusal;
	struct bytes response;
};

struct memory_lane {
	struct memory_store *store;
	struct arena arena; /* of the batch */
	struct workset *set;
	enum memory_lane_state state;
	struct lane_call *calls;
	size_t call_count;
	struct stored **locked;
	size_t locked_count;
	size_t locked_capacity;
	uint64_t random;
	int64_t now_us;
	bool lose_reply;
	bool hopes; /* decides from stock as it was once, and looks at the versions when it stores */
};

static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

struct memory_lane *memory_lane_open(struct memory_store *store, uint64_t seed)
{
	struct memory_lane *lane = calloc(1, sizeof(*lane));
	CHECK(lane != NULL);
	lane->store = store;
	lane->random = seed;
	arena_init(&lane->arena);
	return lane;
}

static void unlock_all(struct memory_lane *lane)
{
	for (size_t i = 0; i < lane->locked_count; i++)
		lane->locked[i]->locked_by = NULL;
	lane->locked = NULL;
	lane->locked_count = 0;
	lane->locked_capacity = 0;
}

void memory_lane_close(struct memory_lane *lane)
{
	unlock_all(lane);
	free(lane->calls);
	arena_release(&lane->arena);
	free(lane);
}

enum memory_lane_state memory_lane_state(const struct memory_lane *lane)
{
	return lane->state;
}

static const void *peeked_row(struct memory_lane *lane, const struct table *table,
	const struct stored *place);

/* What a lane recalls: mostly the row as it is, now and then as it was, or nothing. */
static const void *remembered_stock(void *data, const struct table *table, const void *key)
{
	struct memory_lane *lane = data;
	const struct stored *place = store_place(lane->store, table, key);
	uint64_t turn = lane->store->peeks++ % 8;
	if (!place || !place->row || turn == 0)
		return NULL;
	return turn == 1 && place->before ? place->before : place->row;
}

static const void *remembered_policy(void *data, const struct table *table, const void *key)
{
	struct memory_lane *lane = data;
	const struct stored *place = store_place(lane->store, table, key);
	return place && place->row ? peeked_row(lane, table, place) : NULL;
}

/* The batch as it was submitted. */
static void start_over(struct memory_lane *lane)
{
	unlock_all(lane);
	arena_reset(&lane->arena);
	lane->set = workset_new(&lane->arena);
	if (lane->hopes) {
		workset_set_recollection(lane->set, remembered_stock, lane);
		workset_set_source(lane->set, remembered_policy, lane);
	}
	for (size_t i = 0; i < lane->call_count; i++)
		lane->calls[i] =
			(struct lane_call){.call = lane->calls[i].call, .random = lane->calls[i].random};
	lane->state = MEMORY_LANE_DECIDING;
}

void memory_lane_submit(struct memory_lane *lane, struct store_call *calls, size_t count)
{
	CHECK(lane->state == MEMORY_LANE_IDLE);
	lane->calls = realloc(lane->calls, (count + 1) * sizeof(*lane->calls));
	CHECK(lane->calls != NULL);
	lane->call_count = count;
	lane->hopes = lane->store->stale_peeks && lane->store->peeks++ % 2 == 0;
	for (size_t i = 0; i < count; i++)
		lane->calls[i] =
			(struct lane_call){.call = &calls[i], .random = next_random(&lane->random)};
	start_over(lane);
}

void memory_lane_abort(struct memory_lane *lane)
{
	unlock_all(lane);
	lane->state = MEMORY_LANE_IDLE;
	lane->call_count = 0;
}

void memory_lane_lose_next_reply(struct memory_lane *lane)
{
	lane->lose_reply = true;
}

/* ---- Deciding ---- */

static struct bytes fingerprint_of(struct arena *arena, const struct store_call *call)
{
	const ProtobufCMessage *request = call->request;
	size_t size = protobuf_c_message_get_packed_size(request);
	uint8_t *packed = arena_alloc(arena, size);
	protobuf_c_message_pack(request, packed);
	const char *name = call->operation->name;
	XXH128_hash_t hash = XXH3_128bits_withSeed(packed, size, XXH3_64bits(name, strlen(name)));
	return (struct bytes){arena_copy(arena, &hash, sizeof(hash)), sizeof(hash)};
}

static struct request_row request_key(const struct memory_lane *lane, const struct uuid *id)
{
	uint64_t hash = XXH3_64bits(id, sizeof(*id));
	return (struct request_row){
		.part = (int32_t)(hash % (uint64_t)lane->store->limits.parts) + 1,
		.request_id = *id,
	};
}

static void decide_done(struct memory_lane *lane, struct lane_call *call,
	const ProtobufCMessage *response)
{
	size_t size = protobuf_c_message_get_packed_size(response);
	uint8_t *packed = arena_alloc(&lane->arena, size);
	protobuf_c_message_pack(response, packed);
	call->response = (struct bytes){packed, size};
	call->verdict = VERDICT_DONE;
	call->decided = true;
}

static void remember_request(struct memory_lane *lane, struct lane_call *call)
{
	struct request_row key = request_key(lane, &call->call->request_id);
	struct request_row *row = row_new(TABLE(request), &lane->arena);
	row->part = key.part;
	row->request_id = key.request_id;
	row->fingerprint = fingerprint_of(&lane->arena, call->call);
	row->response = call->response;
	row->at = lane->now_us;
	workset_insert(lane->set, row);
}

/* The answer to a request that took effect before. */
static void decide_known(struct memory_lane *lane, struct lane_call *call,
	const struct request_row *known)
{
	struct bytes fingerprint = fingerprint_of(&lane->arena, call->call);
	call->decided = true;
	if (field_compare(FIELD_BYTES, &fingerprint, &known->fingerprint) == 0) {
		call->verdict = VERDICT_DONE;
		call->response = known->response;
		return;
	}
	call->verdict = VERDICT_REFUSED;
	call->refusal = (struct refusal){.reason = STOCKBOOK__V1__REASON__REASON_REQUEST_ID_REUSED,
		.message = "the request id was used for other content"};
}

/* Where the members lie, every other time remembered. */
static bool remembered_atlas(void *data, const struct location_group_row *group,
	struct atlas *atlas)
{
	struct memory_lane *lane = data;
	size_t count = group->locations.count;
	if (!lane->store->stale_peeks || lane->store->peeks++ % 2 == 0)
		return false;
	struct atlas_member *members = arena_alloc_array(&lane->arena, count, sizeof(*members));
	for (size_t i = 0; i < count; i++) {
		const struct location_row key = {.code = group->locations.items[i]};
		const struct stored *place = store_place(lane->store, TABLE(location), &key);
		if (!place || !place->row)
			return false;
		members[i] = atlas_member_of(peeked_row(lane, TABLE(location), place));
	}
	*atlas = (struct atlas){members, count};
	return true;
}

static void decide(struct memory_lane *lane, struct lane_call *call)
{
	const struct operation *operation = call->call->operation;
	bool remembered = operation->writes && !uuid_is_nil(&call->call->request_id);
	if (remembered && !lane->hopes) {
		struct request_row key = request_key(lane, &call->call->request_id);
		const struct request_row *known;
		enum lookup found =
			workset_find(lane->set, TABLE(request), &key, ACCESS_LOCK, (const void **)&known);
		if (found == LOOKUP_FOUND) {
			decide_known(lane, call, known);
			return;
		}
		/* Run anyway while it is to be loaded: it will need other rows too. */
	}
	struct run run = {
		.set = lane->set,
		.arena = &lane->arena,
		.limits = &lane->store->limits,
		.actor = call->call->actor,
		.now_us = lane->now_us,
		.random = call->random,
		.request_id = call->call->request_id,
		.atlas = remembered_atlas,
		.atlas_data = lane,
	};
	ProtobufCMessage *response = arena_alloc(&lane->arena, operation->response->sizeof_message);
	protobuf_c_message_init(operation->response, response);
	size_t events = workset_event_count(lane->set);
	workset_begin(lane->set);
	enum verdict verdict = operation->run(&run, call->call->request, response);
	size_t needs;
	workset_needs(lane->set, &needs);
	CHECK(verdict != VERDICT_NEED || needs > 0);
	CHECK(verdict != VERDICT_REFUSED || run.refusal.message);
	CHECK(operation->writes || workset_event_count(lane->set) == events);
	/* Nothing is done without all that it looked at; a refusal without it is not final. */
	CHECK(verdict != VERDICT_DONE || !workset_missed(lane->set));
	if (verdict == VERDICT_REFUSED && workset_missed(lane->set))
		verdict = VERDICT_NEED;
	struct request_row key = request_key(lane, &call->call->request_id);
	const void *known;
	if (verdict == VERDICT_NEED ||
		(remembered && !lane->hopes &&
			workset_find(lane->set, TABLE(request), &key, ACCESS_LOCK, &known) == LOOKUP_NEEDED)) {
		workset_undo(lane->set);
		return;
	}
	if (verdict == VERDICT_REFUSED) {
		workset_undo(lane->set);
		call->verdict = VERDICT_REFUSED;
		call->refusal = run.refusal;
		call->decided = true;
		return;
	}
	decide_done(lane, call, response);
	if (remembered)
		remember_request(lane, call);
	workset_commit(lane->set);
}

/* ---- Loading ---- */

static bool lock(struct memory_lane *lane, struct stored *place)
{
	if (place->locked_by == lane)
		return true;
	if (place->locked_by)
		return false;
	place->locked_by = lane;
	lane->locked = arena_grow(&lane->arena, lane->locked, lane->locked_count,
		&lane->locked_capacity, sizeof(*lane->locked));
	lane->locked[lane->locked_count++] = place;
	return true;
}

static enum access needed_access(const struct need *need)
{
	return (enum access)(((const struct row *)need->key)->needed - 1);
}

/* Policy rows may be a second old: every other time they are. */
static const void *peeked_row(struct memory_lane *lane, const struct table *table,
	const struct stored *place)
{
	struct memory_store *store = lane->store;
	bool young = place->changed_us + 1000000 > lane->now_us;
	if (store->stale_peeks && table->kind == TABLE_POLICY && young && place->before && place->row &&
		store->peeks++ % 2 == 0)
		return place->before;
	return place->row;
}

static void supply_children(struct memory_lane *lane, const struct need *need)
{
	size_t count;
	const void *const *rows = memory_store_rows(lane->store, need->table, &count);
	for (size_t i = 0; i < count; i++) {
		bool same = true;
		for (size_t f = 0; f < need->prefix_count && same; f++) {
			const struct field *field = &need->table->fields[f];
			same = field_compare(field->type, row_field(rows[i], field),
					   row_field(need->key, field)) == 0;
		}
		if (same)
			workset_supply(lane->set, rows[i], true);
	}
}

/* False: another lane holds one of the rows. Nothing is supplied before all locks are held. */
static bool load(struct memory_lane *lane)
{
	size_t count;
	struct need *const *needs = workset_needs(lane->set, &count);
	for (size_t i = 0; i < count; i++) {
		if (needs[i]->kind != NEED_ROW || needed_access(needs[i]) != ACCESS_LOCK)
			continue;
		struct stored *place = store_place(lane->store, needs[i]->table, needs[i]->key);
		if (place && place->row && !lock(lane, place))
			return false;
	}
	for (size_t i = 0; i < count; i++) {
		struct need *need = needs[i];
		if (need->kind == NEED_ROW) {
			struct stored *place = store_place(lane->store, need->table, need->key);
			if (!place || !place->row)
				continue;
			bool locked = needed_access(need) == ACCESS_LOCK;
			workset_supply(lane->set, locked ? place->row : peeked_row(lane, need->table, place),
				locked);
		} else if (need->kind == NEED_CHILDREN) {
			supply_children(lane, need);
		} else if (need->kind == NEED_SCAN) {
			struct scan_result found = store_scan(lane->store, need->scan, &lane->arena);
			workset_supply_scan(lane->set, need, found.rows, found.count);
		} else {
			workset_supply_sum(lane->set, need,
				store_sum(lane->store, need->scan, need->sum_field));
		}
	}
	workset_needs_met(lane->set);
	return true;
}

/* ---- Storing ---- */

/* Two sets made the same key, or a request was refused by its own effect on another lane. */
static bool conflicts(struct memory_lane *lane)
{
	for (size_t i = 0; i < TABLE_COUNT; i++) {
		size_t count;
		const void *const *rows = workset_rows(lane->set, &tables[i], ROW_INSERTED, &count);
		for (size_t r = 0; r < count; r++)
			if (memory_store_find(lane->store, &tables[i], rows[r]))
				return true;
	}
	for (size_t i = 0; i < lane->call_count; i++) {
		struct lane_call *call = &lane->calls[i];
		struct request_row key = request_key(lane, &call->call->request_id);
		if (call->verdict == VERDICT_REFUSED && call->call->operation->writes &&
			call->refusal.reason != STOCKBOOK__V1__REASON__REASON_REQUEST_ID_REUSED &&
			memory_store_find(lane->store, TABLE(request), &key))
			return true;
	}
	return false;
}

static void store_rows(struct memory_lane *lane, const struct table *table)
{
	static const enum row_fate fates[] = {ROW_INSERTED, ROW_CHANGED, ROW_DELETED};
	for (size_t f = 0; f < ARRAY_COUNT(fates); f++) {
		size_t count;
		const void *const *rows = workset_rows(lane->set, table, fates[f], &count);
		for (size_t i = 0; i < count; i++) {
			bool is_there = memory_store_find(lane->store, table, rows[i]) != NULL;
			CHECK(is_there == (fates[f] != ROW_INSERTED));
			if (fates[f] == ROW_DELETED)
				store_remove(lane->store, table, rows[i]);
			else
				store_put(lane->store, table, rows[i], lane->now_us);
		}
	}
}

static void store_events(struct memory_lane *lane)
{
	size_t total_count;
	const struct part_total *totals = workset_number(lane->set, &total_count);
	for (size_t i = 0; i < total_count; i++)
		lane->store->heads[totals[i].part] += totals[i].events;
	size_t count;
	struct row *const *events = workset_events(lane->set, &count);
	for (size_t i = 0; i < count; i++) {
		if (events[i]->table == TABLE(movement)) {
			struct movement_row *movement = (struct movement_row *)events[i];
			movement->sequence += lane->store->heads[movement->part];
			movement->change_sequence += lane->store->heads[movement->part];
		} else {
			struct change_row *change = (struct change_row *)events[i];
			change->sequence += lane->store->heads[change->part];
		}
		CHECK(!memory_store_find(lane->store, events[i]->table, events[i]));
		store_put(lane->store, events[i]->table, events[i], lane->now_us);
	}
}

static struct refusal keep_refusal(struct arena *arena, const struct refusal *refusal)
{
	struct refusal kept = *refusal;
	kept.message = arena_string(arena, refusal->message);
	kept.metadata =
		arena_copy(arena, refusal->metadata, refusal->metadata_count * sizeof(*kept.metadata));
	for (size_t i = 0; i < kept.metadata_count; i++) {
		kept.metadata[i].key = arena_string(arena, kept.metadata[i].key);
		kept.metadata[i].value = arena_string(arena, kept.metadata[i].value);
	}
	kept.fields = arena_copy(arena, refusal->fields, refusal->field_count * sizeof(*kept.fields));
	for (size_t i = 0; i < kept.field_count; i++) {
		kept.fields[i].field = arena_string(arena, kept.fields[i].field);
		kept.fields[i].description = arena_string(arena, kept.fields[i].description);
	}
	return kept;
}

static void answer(struct memory_lane *lane)
{
	struct arena *arena = &lane->store->arena;
	for (size_t i = 0; i < lane->call_count; i++) {
		struct lane_call *call = &lane->calls[i];
		call->call->answered = true;
		call->call->verdict = call->verdict;
		call->call->refusal = keep_refusal(arena, &call->refusal);
		call->call->response = (struct bytes){
			arena_copy(arena, call->response.data, call->response.size), call->response.size};
	}
}

static void finish(struct memory_lane *lane)
{
	for (size_t i = 0; i < TABLE_COUNT; i++)
		store_rows(lane, &tables[i]);
	store_events(lane);
	if (!lane->lose_reply)
		answer(lane);
	lane->lose_reply = false;
	memory_lane_abort(lane);
}

/* ---- Steps ---- */

/* Every row that was remembered is still so; *held: another lane has one of them. */
static bool memory_holds(struct memory_lane *lane, bool *held)
{
	size_t count;
	const struct assumption *assumptions = workset_assumptions(lane->set, &count);
	for (size_t i = 0; i < count; i++) {
		struct stored *place = store_place(lane->store, TABLE(stock), assumptions[i].row);
		*held = *held || place->locked_by;
		const struct stock_row *now = place->row;
		if (!now || now->version != assumptions[i].version)
			return false;
	}
	return true;
}

/* An earlier call of the batch has its request id. */
static bool has_twin(const struct memory_lane *lane, size_t index)
{
	const struct uuid *id = &lane->calls[index].call->request_id;
	for (size_t i = 0; i < index; i++)
		if (!uuid_is_nil(id) && uuid_compare(id, &lane->calls[i].call->request_id) == 0)
			return true;
	return false;
}

/* All in one step, as all of it is one round trip; in vain it is done again with loading. */
static bool hope(struct memory_lane *lane)
{
	bool decided = true, held = false;
	for (size_t i = 0; i < lane->call_count && decided; i++) {
		if (!lane->calls[i].decided && !has_twin(lane, i))
			decide(lane, &lane->calls[i]);
		decided = lane->calls[i].decided;
	}
	bool holds = decided && memory_holds(lane, &held);
	if (holds && held)
		return false;
	if (holds && !conflicts(lane)) {
		lane->store->hopes_won++;
		finish(lane);
		return true;
	}
	lane->store->hopes_lost++;
	lane->hopes = false;
	start_over(lane);
	return true;
}

bool memory_lane_step(struct memory_lane *lane, int64_t now_us)
{
	CHECK(lane->state != MEMORY_LANE_IDLE);
	if (now_us > lane->now_us)
		lane->now_us = now_us;
	if (lane->state == MEMORY_LANE_LOADING) {
		if (!load(lane))
			return false;
		lane->state = MEMORY_LANE_DECIDING;
		return true;
	}
	if (lane->hopes)
		return hope(lane);
	bool all_decided = true;
	for (size_t i = 0; i < lane->call_count; i++) {
		if (!lane->calls[i].decided)
			decide(lane, &lane->calls[i]);
		all_decided = all_decided && lane->calls[i].decided;
	}
	if (!all_decided)
		lane->state = MEMORY_LANE_LOADING;
	else if (conflicts(lane))
		start_over(lane);
	else
		finish(lane);
	return true;
}

void memory_store_run(struct memory_store *store, struct store_call *calls, size_t count,
	int64_t now_us)
{
	struct memory_lane *lane =
		memory_lane_open(store, XXH3_64bits(&now_us, sizeof(now_us)) ^ store->peeks++);
	memory_lane_submit(lane, calls, count);
	while (lane->state != MEMORY_LANE_IDLE) {
		bool moved = memory_lane_step(lane, now_us);
		CHECK(moved); /* nobody else holds a lock */
	}
	memory_lane_close(lane);
}

static void *allocate(void *arena, size_t size)
{
	return arena_alloc(arena, size);
}

static void ignore(void *arena, void *memory)
{
	(void)arena;
	(void)memory;
}

void *memory_store_call(struct memory_store *store, struct arena *arena, struct store_call *call,
	int64_t now_us)
{
	memory_store_run(store, call, 1, now_us);
	if (call->verdict != VERDICT_DONE)
		return NULL;
	ProtobufCAllocator allocator = {allocate, ignore, arena};
	return protobuf_c_message_unpack(call->operation->response, &allocator, call->response.size,
		call->response.data);
}
