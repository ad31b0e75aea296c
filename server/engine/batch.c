/* Batch: running operations on the workset, and handing out their answers. */
#include "engine/batch.h"

#include <string.h>

#include "base/message.h"
#include "stockbook/v1/common.pb-c.h"

#define POSITION_FIELD 15 /* of every write's response */

void batch_init(struct batch *batch)
{
	*batch = (struct batch){0};
	arena_init(&batch->arena);
}

void batch_release(struct batch *batch)
{
	arena_release(&batch->arena);
}

void batch_reset(struct batch *batch)
{
	struct arena arena = batch->arena;
	arena_reset(&arena);
	*batch = (struct batch){.arena = arena};
}

void batch_add(struct batch *batch, struct engine_request *request)
{
	batch->entries = arena_grow(&batch->arena, batch->entries, batch->count, &batch->capacity,
		sizeof(*batch->entries));
	batch->entries[batch->count++] = (struct entry){.request = request};
}

static size_t twin_hash(const struct uuid *id)
{
	uint64_t halves[2];
	memcpy(halves, id->bytes, sizeof(halves));
	return (size_t)((halves[0] ^ halves[1]) * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

size_t batch_take(struct batch *batch, struct engine *engine, struct fair_queue *queue, size_t most)
{
	size_t over = 0;
	int64_t now_us = engine_clock_us();
	while (batch->count < most && queue->count > 0) {
		struct engine_request *request = fair_queue_pop(queue);
		if (request_is_over(request, now_us)) {
			engine_give_up(engine, request, false);
			over++;
		} else {
			batch_add(batch, request);
		}
	}
	return over;
}

static void link_twins(struct batch *batch)
{
	size_t slots = 16;
	while (slots < 2 * batch->count)
		slots *= 2;
	struct entry **last = arena_alloc_array(&batch->arena, slots, sizeof(*last));
	for (size_t i = 0; i < batch->count; i++) {
		struct entry *entry = &batch->entries[i];
		const struct uuid *id = &entry->request->request_id;
		if (uuid_is_nil(id))
			continue;
		size_t slot = twin_hash(id) & (slots - 1);
		while (last[slot] && uuid_compare(&last[slot]->request->request_id, id) != 0)
			slot = (slot + 1) & (slots - 1);
		entry->previous = last[slot];
		last[slot] = entry;
	}
}

void batch_open(struct batch *batch, struct engine *engine)
{
	for (size_t i = 0; i < batch->count; i++)
		batch->entries[i] = (struct entry){.request = batch->entries[i].request};
	link_twins(batch);
	batch->set = workset_new(&batch->arena);
	batch->load.sql = engine->sql;
	batch->load.highest = NULL;
	batch->in_transaction = false;
	batch->hopes = false;
	batch->rounds = 0;
	batch->lookup = batch->advance = batch->heads = SIZE_MAX;
	batch->remember = batch->none_known = SIZE_MAX;
	batch->head_count = 0;
	batch->stored = 0;
}

void batch_ask_policy_heads(struct batch *batch, struct engine *engine)
{
	batch->policy_heads = SIZE_MAX;
	if (policy_wants_heads(engine->policy, engine_clock_us()))
		batch->policy_heads = sql_add_policy_heads(engine->sql, &batch->exchange);
}

void batch_absorb_policy_heads(const struct batch *batch, struct engine *engine, int64_t sent_us,
	int64_t answered_us)
{
	if (batch->policy_heads == SIZE_MAX)
		return;
	const struct db_rows *rows = db_batch_rows(&batch->exchange, batch->policy_heads);
	for (size_t i = 0; i < db_rows_count(rows); i++)
		policy_head(engine->policy, db_get_text(rows, i, 0, NULL), db_get_int(rows, i, 1),
			answered_us);
	policy_heads_told(engine->policy, sent_us);
}

void batch_prune(struct batch *batch, struct engine *engine, bool database_is_down)
{
	int64_t now_us = engine_clock_us();
	size_t kept = 0;
	for (size_t i = 0; i < batch->count; i++) {
		struct engine_request *request = batch->entries[i].request;
		if (request_is_over(request, now_us))
			engine_give_up(engine, request, database_is_down);
		else
			batch->entries[kept++] = (struct entry){.request = request};
	}
	batch->count = kept;
}

/* ---- Running ---- */

static void parts_note(struct batch *batch, struct entry *entry, size_t first_event)
{
	size_t count;
	struct row *const *events = workset_events(batch->set, &count);
	int64_t *parts = arena_alloc_array(&batch->arena, count - first_event, sizeof(*parts));
	entry->parts = parts;
	for (size_t i = first_event; i < count; i++) {
		int64_t part = events[i]->table == TABLE(movement)
						   ? ((const struct movement_row *)events[i])->part
						   : ((const struct change_row *)events[i])->part;
		size_t known = 0;
		while (known < entry->part_count && parts[known] != part)
			known++;
		if (known == entry->part_count)
			parts[entry->part_count++] = part;
	}
}

static void response_pack(struct batch *batch, struct entry *entry, const void *response)
{
	struct packed_message packed = message_pack(response, &batch->arena);
	entry->response = packed.bytes;
	entry->response_size = packed.size;
}

static void *response_new(struct batch *batch, const struct engine_request *request)
{
	const ProtobufCMessageDescriptor *descriptor = request->operation->response;
	void *response = arena_alloc(&batch->arena, descriptor->sizeof_message);
	protobuf_c_message_init(descriptor, response);
	return response;
}

static bool recall_atlas(void *data, const struct location_group_row *group, struct atlas *atlas)
{
	const struct engine *engine = data;
	return policy_atlas_now(engine->policy, group, engine_clock_us(), atlas);
}

enum verdict entry_run(struct batch *batch, struct engine *engine, struct entry *entry, bool dry)
{
	const struct engine_request *request = entry->request;
	struct run run = {
		.set = batch->set,
		.arena = &batch->arena,
		.limits = &engine->settings.limits,
		.actor = request->actor,
		.now_us = batch->now_us,
		.random = request->random,
		.request_id = request->request_id,
		.atlas = recall_atlas,
		.atlas_data = engine,
	};
	void *response = response_new(batch, request);
	size_t first_event = workset_event_count(batch->set);
	workset_begin(batch->set);
	enum verdict verdict = request->operation->run(&run, request->message, response);
	if (verdict == VERDICT_REFUSED && workset_missed(batch->set))
		verdict = VERDICT_NEED;
	if (verdict == VERDICT_DONE && !dry) {
		workset_commit(batch->set);
		entry->state = ENTRY_DONE;
		response_pack(batch, entry, response);
		parts_note(batch, entry, first_event);
		return verdict;
	}
	workset_undo(batch->set);
	if (verdict == VERDICT_REFUSED && !dry) {
		entry->state = ENTRY_REFUSED;
		entry->refusal = run.refusal;
	}
	return verdict;
}

void entry_refuse(struct entry *entry, struct arena *arena, Stockbook__V1__Reason reason,
	const char *message)
{
	entry->state = ENTRY_REFUSED;
	entry->refusal = (struct refusal){.reason = reason, .message = arena_string(arena, message)};
}

bool entry_is_late(struct batch *batch, struct entry *entry)
{
	const struct engine_request *request = entry->request;
	if (!request_is_over(request, engine_clock_us()))
		return false;
	entry_refuse(entry, &batch->arena, STOCKBOOK__V1__REASON__REASON_DEADLINE_EXCEEDED,
		request->cancelled ? "call was cancelled" : "deadline is over");
	return true;
}

/* ---- Answering ---- */

/* Out of the batch's arena, which is about to be reset. */
static void refusal_copy(struct refusal *to, const struct refusal *from, struct arena *arena)
{
	*to = (struct refusal){.reason = from->reason, .retry_after_ms = from->retry_after_ms};
	to->message = arena_string(arena, from->message);
	for (size_t i = 0; i < from->metadata_count; i++)
		refusal_add_pair(to, arena, from->metadata[i].key, "%s", from->metadata[i].value);
	for (size_t i = 0; i < from->field_count; i++)
		refusal_add_field(to, arena, from->fields[i].field, "%s", from->fields[i].description);
}

static int64_t head_of(const struct batch *batch, int64_t part)
{
	for (size_t i = 0; i < batch->head_count; i++)
		if (batch->head_parts[i] == part)
			return batch->head_values[i];
	return 0;
}

static size_t varint_pack(uint64_t value, uint8_t *to)
{
	size_t size = 0;
	for (; value >= 0x80; value >>= 7)
		to[size++] = (uint8_t)(value | 0x80);
	to[size++] = (uint8_t)value;
	return size;
}

/* The stored response with the position behind it: a message's fields may come in any order. */
static void response_finish(const struct batch *batch, const struct entry *entry,
	struct arena *scratch)
{
	struct engine_request *request = entry->request;
	size_t count = entry->part_count;
	Stockbook__V1__PartSequence *sequences = arena_alloc_array(scratch, count, sizeof(*sequences));
	Stockbook__V1__PartSequence **list = arena_alloc_array(scratch, count, sizeof(*list));
	for (size_t i = 0; i < count; i++) {
		stockbook__v1__part_sequence__init(&sequences[i]);
		sequences[i].part = (int32_t)entry->parts[i];
		sequences[i].sequence = head_of(batch, entry->parts[i]);
		list[i] = &sequences[i];
	}
	Stockbook__V1__Position position = STOCKBOOK__V1__POSITION__INIT;
	position.parts = list;
	position.n_parts = count;
	const size_t head_max = 12; /* the field's tag and the size */
	size_t position_size = stockbook__v1__position__get_packed_size(&position);
	uint8_t *bytes = arena_alloc(request->arena, entry->response_size + head_max + position_size);
	size_t size = entry->response_size;
	if (size > 0)
		memcpy(bytes, entry->response, size);
	if (count > 0) {
		size += varint_pack(POSITION_FIELD << 3 | 2, bytes + size);
		size += varint_pack(position_size, bytes + size);
		size += stockbook__v1__position__pack(&position, bytes + size);
	}
	request->response = bytes;
	request->response_size = size;
}

static void entry_answer(struct batch *batch, struct engine *engine, const struct entry *entry)
{
	struct engine_request *request = entry->request;
	CHECK(entry->state != ENTRY_OPEN && entry->state != ENTRY_LEFT);
	if (entry->state == ENTRY_REFUSED) {
		request->outcome = ENGINE_REFUSED;
		refusal_copy(&request->refusal, &entry->refusal, request->arena);
	} else {
		request->outcome = ENGINE_DONE;
		response_finish(batch, entry, &batch->arena);
	}
	engine_answer(engine, request);
}

void batch_answer_decided(struct batch *batch, struct engine *engine)
{
	size_t kept = 0;
	for (size_t i = 0; i < batch->count; i++)
		if (batch->entries[i].state == ENTRY_OPEN)
			batch->entries[kept++] = batch->entries[i];
		else
			entry_answer(batch, engine, &batch->entries[i]);
	batch->count = kept;
}

void batch_answer(struct batch *batch, struct engine *engine)
{
	for (size_t i = 0; i < batch->count; i++)
		entry_answer(batch, engine, &batch->entries[i]);
	batch_reset(batch);
}
