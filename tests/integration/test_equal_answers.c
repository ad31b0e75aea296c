/*
 * Equal answers: the same random calls, one after the other, to the memory store of the simulation
 * and to an engine on PostgreSQL, must be answered alike, field by field, refusals included. What
 * differs by nature is not compared: times, positions, page tokens; ids must correspond one to one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "integration/engine_fixture.h"
#include "simulation/invariants.h"
#include "simulation/world.h"
#include "support/database.h"

#define CALLS 3000
#define PAGES_MAX 6
#define QUIET_EVERY 150
#define QUIET_MAX 64

static const struct book_limits limits = {
	.parts = FIXTURE_PARTS,
	.hold_default_us = INT64_C(900000000),
	.hold_max_us = INT64_C(86400000000),
	.blind_return_units_max = 5,
};

struct id_pair {
	char ours[UUID_TEXT_SIZE];   /* the memory store's */
	char theirs[UUID_TEXT_SIZE]; /* the database's */
};

struct comparison {
	struct fixture fixture;
	struct engine *engine;
	struct memory_store *store;
	struct world world;
	struct arena arena; /* of one call */
	struct id_pair *ids;
	size_t id_count;
	size_t id_capacity;
	const char *operation;
	unsigned long call;
	unsigned long done;
	unsigned long refused;
	unsigned long ended; /* holds */
	/* Moments at which nothing happened: bounds by time mean the same on both sides. */
	int64_t quiet_us[QUIET_MAX];
	size_t quiet_count;
};

static int64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- Ids ---- */

static bool is_id(const char *text)
{
	struct uuid id;
	return uuid_parse(text, &id);
}

static const char *their_id(const struct comparison *comparison, const char *ours)
{
	for (size_t i = comparison->id_count; i-- > 0;)
		if (strcmp(comparison->ids[i].ours, ours) == 0)
			return comparison->ids[i].theirs;
	return NULL;
}

static bool same_id(struct comparison *comparison, const char *ours, const char *theirs)
{
	const char *known = their_id(comparison, ours);
	if (known)
		return strcmp(known, theirs) == 0;
	if (comparison->id_count == comparison->id_capacity) {
		comparison->id_capacity = comparison->id_capacity ? comparison->id_capacity * 2 : 256;
		comparison->ids =
			realloc(comparison->ids, comparison->id_capacity * sizeof(*comparison->ids));
		assert_non_null(comparison->ids);
	}
	struct id_pair *pair = &comparison->ids[comparison->id_count++];
	memcpy(pair->ours, ours, UUID_TEXT_SIZE);
	memcpy(pair->theirs, theirs, UUID_TEXT_SIZE);
	return true;
}

/* A text in which ids of ours stand between quotes, as it would be with theirs. */
static char *their_text(struct comparison *comparison, const char *text)
{
	char *theirs = arena_string(&comparison->arena, text);
	for (char *at = theirs; strlen(at) >= UUID_TEXT_SIZE - 1; at++) {
		char id[UUID_TEXT_SIZE] = {0};
		memcpy(id, at, UUID_TEXT_SIZE - 1);
		const char *known = is_id(id) ? their_id(comparison, id) : NULL;
		if (known)
			memcpy(at, known, UUID_TEXT_SIZE - 1);
	}
	return theirs;
}

/* ---- Messages ---- */

static bool is_type(const ProtobufCFieldDescriptor *field, const char *name)
{
	const ProtobufCMessageDescriptor *descriptor = field->descriptor;
	return field->type == PROTOBUF_C_TYPE_MESSAGE && strcmp(descriptor->name, name) == 0;
}

static size_t element_size(const ProtobufCFieldDescriptor *field)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return 8;
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_ENUM:
		return 4;
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData); /* of requests only: never compared */
	}
	fail_msg("field '%s' is of a type that is not compared", field->name);
	return 0;
}

/* The values of a field, one or many. */
static const char *values_of(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
	size_t *count)
{
	const char *at = (const char *)message + field->offset;
	if (field->label != PROTOBUF_C_LABEL_REPEATED) {
		*count = 1;
		return at;
	}
	*count = *(const size_t *)((const char *)message + field->quantifier_offset);
	return *(const char *const *)at;
}

static void differ(const struct comparison *comparison, const ProtobufCFieldDescriptor *field,
	const char *ours, const char *theirs)
{
	fail_msg("call %lu, '%s': field '%s' is '%s' in memory and '%s' in the database",
		comparison->call, comparison->operation, field->name, ours, theirs);
}

static void compare_messages(struct comparison *comparison, const ProtobufCMessage *ours,
	const ProtobufCMessage *theirs);

static void compare_texts(struct comparison *comparison, const ProtobufCFieldDescriptor *field,
	const char *ours, const char *theirs)
{
	if (strcmp(field->name, "next_page_token") == 0) {
		if ((ours[0] == '\0') != (theirs[0] == '\0'))
			differ(comparison, field, ours, theirs);
		return;
	}
	if (strcmp(ours, theirs) == 0)
		return;
	if (strlen(ours) >= UUID_TEXT_SIZE && strcmp(their_text(comparison, ours), theirs) == 0)
		return;
	if (!is_id(ours) || !is_id(theirs) || !same_id(comparison, ours, theirs))
		differ(comparison, field, ours, theirs);
}

static void compare_values(struct comparison *comparison, const ProtobufCFieldDescriptor *field,
	const char *ours, const char *theirs)
{
	if (field->type == PROTOBUF_C_TYPE_STRING) {
		compare_texts(comparison, field, *(const char *const *)ours, *(const char *const *)theirs);
		return;
	}
	if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
		const ProtobufCMessage *our_message = *(const ProtobufCMessage *const *)ours;
		const ProtobufCMessage *their_message = *(const ProtobufCMessage *const *)theirs;
		if ((our_message == NULL) != (their_message == NULL))
			differ(comparison, field, our_message ? "there" : "absent",
				their_message ? "there" : "absent");
		if (our_message && !is_type(field, "google.protobuf.Timestamp"))
			compare_messages(comparison, our_message, their_message);
		return;
	}
	if (memcmp(ours, theirs, element_size(field)) != 0) {
		int64_t our_number = 0;
		int64_t their_number = 0;
		memcpy(&our_number, ours, element_size(field));
		memcpy(&their_number, theirs, element_size(field));
		differ(comparison, field, arena_printf(&comparison->arena, "%lld", (long long)our_number),
			arena_printf(&comparison->arena, "%lld", (long long)their_number));
	}
}

static void compare_messages(struct comparison *comparison, const ProtobufCMessage *ours,
	const ProtobufCMessage *theirs)
{
	assert_ptr_equal(ours->descriptor, theirs->descriptor);
	for (unsigned i = 0; i < ours->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &ours->descriptor->fields[i];
		if (is_type(field, "stockbook.v1.Position") || strcmp(field->name, "sequence") == 0)
			continue;
		size_t our_count;
		size_t their_count;
		const char *our_values = values_of(ours, field, &our_count);
		const char *their_values = values_of(theirs, field, &their_count);
		if (our_count != their_count)
			differ(comparison, field, arena_printf(&comparison->arena, "%zu values", our_count),
				arena_printf(&comparison->arena, "%zu values", their_count));
		for (size_t v = 0; v < our_count; v++)
			compare_values(comparison, field, our_values + v * element_size(field),
				their_values + v * element_size(field));
	}
}

/* Servers and simulation have clocks of their own. */
static bool is_moment(const char *key)
{
	return strcmp(key, "expired_at") == 0 || strcmp(key, "claimed_until") == 0 ||
		   strcmp(key, "collect_by") == 0;
}

static void compare_refusals(struct comparison *comparison, const struct refusal *ours,
	const struct refusal *theirs)
{
	if (ours->reason != theirs->reason ||
		strcmp(their_text(comparison, ours->message), theirs->message) != 0)
		fail_msg("call %lu, '%s': refused as '%s' in memory, as '%s' in the database",
			comparison->call, comparison->operation, ours->message, theirs->message);
	assert_int_equal(ours->metadata_count, theirs->metadata_count);
	for (size_t i = 0; i < ours->metadata_count; i++) {
		assert_string_equal(ours->metadata[i].key, theirs->metadata[i].key);
		if (!is_moment(ours->metadata[i].key))
			assert_string_equal(their_text(comparison, ours->metadata[i].value),
				theirs->metadata[i].value);
	}
	assert_int_equal(ours->field_count, theirs->field_count);
	for (size_t i = 0; i < ours->field_count; i++)
		assert_string_equal(ours->fields[i].field, theirs->fields[i].field);
}

/* ---- Requests ---- */

static void *allocate(void *arena, size_t size)
{
	return arena_alloc(arena, size);
}

static void ignore(void *arena, void *memory)
{
	(void)arena;
	(void)memory;
}

static void *message_copy(struct arena *arena, const void *message)
{
	const ProtobufCMessage *original = message;
	size_t size = protobuf_c_message_get_packed_size(original);
	uint8_t *packed = arena_alloc(arena, size);
	protobuf_c_message_pack(original, packed);
	ProtobufCAllocator allocator = {allocate, ignore, arena};
	void *copy = protobuf_c_message_unpack(original->descriptor, &allocator, size, packed);
	assert_non_null(copy);
	return copy;
}

/* Bounds by time lie in quiet moments, before everything or after it; holds outlive the test. */
static void settle_time(struct comparison *comparison, const ProtobufCFieldDescriptor *field,
	ProtobufCMessage *message)
{
	if (is_type(field, "google.protobuf.Duration")) {
		((Google__Protobuf__Duration *)message)->seconds = 3600;
		return;
	}
	if (!is_type(field, "google.protobuf.Timestamp"))
		return;
	uint64_t choice = world_random(&comparison->world, comparison->quiet_count + 2);
	int64_t time = choice < comparison->quiet_count ? comparison->quiet_us[choice]
				   : choice == comparison->quiet_count
					   ? comparison->world.now_us + INT64_C(3600000000)
					   : comparison->world.now_us - INT64_C(3600000000);
	((Google__Protobuf__Timestamp *)message)->seconds = time / 1000000;
	((Google__Protobuf__Timestamp *)message)->nanos = (int32_t)(time % 1000000) * 1000;
}

/* Settles the times of a request (translate: puts their ids in the place of ours), all through.
 * False: it names a document that no answer has shown yet, so that theirs is not known. */
static bool prepare(struct comparison *comparison, ProtobufCMessage *message, bool translate)
{
	bool known = true;
	for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
		size_t count;
		char *values = (char *)values_of(message, field, &count);
		for (size_t v = 0; v < count; v++) {
			char *value = values + v * element_size(field);
			if (field->type == PROTOBUF_C_TYPE_STRING && translate) {
				const char *theirs = their_id(comparison, *(char **)value);
				if (theirs)
					*(char **)value = arena_string(&comparison->arena, theirs);
				else if (is_id(*(char **)value) && strcmp(field->name, "request_id") != 0)
					known = false;
			} else if (field->type == PROTOBUF_C_TYPE_MESSAGE && *(void **)value) {
				if (!translate)
					settle_time(comparison, field, *(ProtobufCMessage **)value);
				known &= prepare(comparison, *(ProtobufCMessage **)value, translate);
			}
		}
	}
	return known;
}

static char **text_field(const void *message, const char *name)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(((const ProtobufCMessage *)message)
															->descriptor,
			name);
	return field ? (char **)((char *)message + field->offset) : NULL;
}

/* ---- Calls ---- */

struct exchange {
	void *ours;
	void *theirs;
	const struct actor *actor;
	struct uuid request_id;
};

/* Asks both; the pages that follow, too. True when it was done. */
static bool ask_both(struct comparison *comparison, struct exchange *exchange, int pages)
{
	const struct operation *operation = operation_find(comparison->operation);
	struct store_call ours = {
		.operation = operation,
		.request = exchange->ours,
		.actor = exchange->actor,
		.request_id = exchange->request_id,
	};
	const void *our_response =
		memory_store_call(comparison->store, &comparison->arena, &ours, now_us());
	struct caller *theirs = caller_new(&comparison->fixture);
	theirs->request.actor = exchange->actor;
	theirs->request.request_id = exchange->request_id;
	call_now(theirs, comparison->engine, comparison->operation, exchange->theirs);

	bool done = ours.verdict == VERDICT_DONE;
	if (done != (theirs->request.outcome == ENGINE_DONE))
		fail_msg("call %lu, '%s': %s in memory, %s in the database", comparison->call,
			comparison->operation, done ? "done" : ours.refusal.message,
			done ? theirs->request.refusal.message : "done");
	if (!done) {
		compare_refusals(comparison, &ours.refusal, &theirs->request.refusal);
		caller_free(theirs);
		return false;
	}
	compare_messages(comparison, our_response, theirs->response);
	char **our_token = text_field(our_response, "next_page_token");
	if (our_token && (*our_token)[0] && pages > 0) {
		*text_field(exchange->ours, "page_token") = *our_token;
		*text_field(exchange->theirs, "page_token") =
			arena_string(&comparison->arena, *text_field(theirs->response, "next_page_token"));
		caller_free(theirs);
		return ask_both(comparison, exchange, pages - 1);
	}
	caller_free(theirs);
	return true;
}

static void one_call(struct comparison *comparison, void *request, const struct actor *actor)
{
	struct exchange exchange = {.ours = request, .actor = actor};
	if (operation_find(comparison->operation)->writes) {
		exchange.request_id = world_uuid(&comparison->world);
		world_set_request_id(&comparison->world, request, &exchange.request_id);
	}
	prepare(comparison, exchange.ours, false);
	exchange.theirs = message_copy(&comparison->arena, exchange.ours);
	if (!prepare(comparison, exchange.theirs, true))
		return;
	bool done = ask_both(comparison, &exchange, PAGES_MAX);
	comparison->done += done;
	comparison->refused += !done;
	/* The same again: the same answer again. Once refused, it may be judged otherwise. */
	if (done && !uuid_is_nil(&exchange.request_id) && world_chance(&comparison->world, 10))
		ask_both(comparison, &exchange, 0);
	comparison->call++;
	/* Ids order by their milliseconds: no two documents in one. */
	usleep(1100);
}

static void found(struct comparison *comparison)
{
	void *request;
	comparison->world.arena = &comparison->arena;
	for (size_t i = 0;
		 (request = world_founding_request(&comparison->world, i, &comparison->operation)); i++)
		one_call(comparison, request, &world_admin);
}

static void keep_quiet(struct comparison *comparison)
{
	usleep(5000);
	if (comparison->quiet_count < QUIET_MAX)
		comparison->quiet_us[comparison->quiet_count++] = now_us();
	usleep(5000);
}

/* Ends some holds on both sides, by setting them back: their time is over at the same moment for
 * both, and whoever needs the stock next must take it from them. */
static void end_holds(struct comparison *comparison)
{
	size_t count;
	const void *const *rows = memory_store_rows(comparison->store, TABLE(reservation), &count);
	const void **held = arena_copy(&comparison->arena, rows, count * sizeof(*held));
	for (size_t i = 0; i < count; i++) {
		struct reservation_row row = *(const struct reservation_row *)held[i];
		if (row.status != STOCKBOOK__V1__RESERVATION_STATUS__RESERVATION_STATUS_HELD ||
			!world_chance(&comparison->world, 40))
			continue;
		row.hold_until = now_us() / 1000000 * 1000000 - 1000000;
		memory_store_replace(comparison->store, TABLE(reservation), &row);
		char id[UUID_TEXT_SIZE];
		uuid_format(&row.id, id);
		test_sql(comparison->fixture.database,
			"UPDATE stockbook.reservation SET hold_until = to_timestamp(%lld) WHERE id = '%s'",
			(long long)(row.hold_until / 1000000), their_id(comparison, id));
		comparison->ended++;
	}
}

static void random_call(struct comparison *comparison)
{
	arena_reset(&comparison->arena);
	comparison->world.arena = &comparison->arena;
	comparison->world.now_us = now_us();
	const struct generator *generator = world_generator(&comparison->world);
	/* What the service does by itself it does at times of its own. */
	if (!strstr(generator->operation, "Service/"))
		return;
	void *request = generator->make(&comparison->world);
	if (!request)
		return;
	comparison->operation = generator->operation;
	one_call(comparison, request, world_actor(&comparison->world));
}

static void memory_and_database_give_equal_answers(void **state)
{
	(void)state;
	const char *seed_text = getenv("SIMULATION_SEED");
	const char *calls_text = getenv("SIMULATION_CALLS");
	uint64_t seed = seed_text ? strtoull(seed_text, NULL, 10) : 11;
	unsigned long calls = calls_text ? strtoul(calls_text, NULL, 10) : CALLS;
	printf("# SIMULATION_SEED=%llu SIMULATION_CALLS=%lu\n", (unsigned long long)seed, calls);
	fflush(stdout);

	struct comparison comparison = {.world = {.random = seed}};
	fixture_open(&comparison.fixture);
	comparison.engine = fixture_engine(&comparison.fixture,
		&(struct engine_settings){.limits = limits, .sweep_interval_ms = 3600000});
	comparison.store = memory_store_new(&limits);
	comparison.world.store = comparison.store;
	struct invariants *invariants = invariants_new(comparison.store);
	arena_init(&comparison.arena);
	found(&comparison);
	for (unsigned long i = 0; i < calls; i++) {
		if (i % QUIET_EVERY == 0) {
			end_holds(&comparison);
			keep_quiet(&comparison);
		}
		random_call(&comparison);
	}
	printf("# %lu done, %lu refused, %zu ids, %lu holds ended\n", comparison.done,
		comparison.refused, comparison.id_count, comparison.ended);
	assert_true(comparison.done > calls / 4 && comparison.refused > calls / 20);
	assert_true(comparison.ended > 0 || calls < CALLS);
	assert_null(invariants_check(invariants));
	assert_book_is_right(&comparison.fixture, comparison.engine);
	invariants_free(invariants);
	memory_store_free(comparison.store);
	arena_release(&comparison.arena);
	free(comparison.ids);
	fixture_close(&comparison.fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_and_database_give_equal_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
