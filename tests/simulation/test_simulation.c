/*
 * Simulation: random calls of every kind on several lanes at once against the memory store, with
 * lost replies, lost connections, deadlocks, repeated and misused request ids; all invariants of
 * the book after every batch.
 *
 *   SIMULATION_CALLS  how many calls a run has (default 8000)
 *   SIMULATION_SEED   the seed of the only run (default: several fixed ones)
 *   SIMULATION_RUNS   how many runs, with seeds counting up from SIMULATION_SEED (soak)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "book/pickup.h"
#include "book/reservation.h"
#include "simulation/invariants.h"
#include "simulation/world.h"
#include "stockbook/v1/ledger.pb-c.h"
#include "stockbook/v1/stock.pb-c.h"
#include "stockbook/v1/transfer.pb-c.h"

#define LANES 3
#define BATCHES (LANES + 1)
#define BATCH_CALLS_MAX 6
#define HISTORY 32
#define GENERATORS_MAX 128

enum batch_state {
	BATCH_FREE,
	BATCH_WAITING, /* made, or to be sent again */
	BATCH_SENT,
};

struct batch {
	enum batch_state state;
	struct arena arena;
	struct store_call calls[BATCH_CALLS_MAX];
	size_t generator[BATCH_CALLS_MAX];
	size_t count;
};

/* A call that was made before, to be made again. */
struct past_call {
	const struct operation *operation;
	const struct actor *actor;
	struct uuid request_id;
	size_t generator;
	struct bytes packed;
};

struct tally {
	unsigned done;
	unsigned refused;
};

struct simulation {
	struct world world;
	struct memory_store *store;
	struct invariants *invariants;
	struct arena arena; /* of the past */
	struct memory_lane *lanes[LANES];
	struct batch *on_lane[LANES];
	struct batch batches[BATCHES];
	struct past_call past[HISTORY];
	size_t past_count;
	struct tally tallies[GENERATORS_MAX];
	unsigned long calls_answered;
	unsigned long faults;
	unsigned long repeats;
	unsigned long swept; /* holds */
	unsigned long pickups_swept;
	uint64_t seed;
};

/* The number of parts is the seed's. */
static const struct book_limits limits = {
	.hold_default_us = 20 * INT64_C(1000000),
	.hold_max_us = 3600 * INT64_C(1000000),
	.blind_return_units_max = 5,
};

/* ---- Making batches ---- */

static void *allocate(void *arena, size_t size)
{
	return arena_alloc(arena, size);
}

static void ignore(void *arena, void *memory)
{
	(void)arena;
	(void)memory;
}

static void *unpack(struct arena *arena, const ProtobufCMessageDescriptor *descriptor,
	const struct bytes *packed)
{
	ProtobufCAllocator allocator = {allocate, ignore, arena};
	void *message = protobuf_c_message_unpack(descriptor, &allocator, packed->size, packed->data);
	assert_non_null(message);
	return message;
}

static void remember(struct simulation *simulation, const struct store_call *call, size_t generator)
{
	size_t size = protobuf_c_message_get_packed_size(call->request);
	uint8_t *data = arena_alloc(&simulation->arena, size);
	protobuf_c_message_pack(call->request, data);
	simulation->past[simulation->past_count++ % HISTORY] = (struct past_call){
		.operation = call->operation,
		.actor = call->actor,
		.request_id = call->request_id,
		.generator = generator,
		.packed = {data, size},
	};
}

/* The same call once more, perhaps while the first is still under way. */
static bool repeat_call(struct simulation *simulation, struct batch *batch)
{
	if (simulation->past_count == 0)
		return false;
	size_t known = simulation->past_count < HISTORY ? simulation->past_count : HISTORY;
	const struct past_call *past = &simulation->past[world_random(&simulation->world, known)];
	batch->generator[batch->count] = past->generator;
	batch->calls[batch->count++] = (struct store_call){
		.operation = past->operation,
		.request = unpack(&batch->arena, past->operation->request, &past->packed),
		.actor = past->actor,
		.request_id = past->request_id,
	};
	simulation->repeats++;
	return true;
}

static bool make_call(struct simulation *simulation, struct batch *batch, bool reads)
{
	struct world *world = &simulation->world;
	const struct generator *generator = world_generator(world);
	const struct operation *operation = operation_find(generator->operation);
	if (!operation)
		fail_msg("there is no operation '%s'", generator->operation);
	if (operation->writes == reads)
		return false;
	void *request = generator->make(world);
	if (!request)
		return false;
	struct store_call *call = &batch->calls[batch->count];
	*call = (struct store_call){
		.operation = operation, .request = request, .actor = world_actor(world)};
	if (operation->writes) {
		call->request_id = world_uuid(world);
		/* Now and then an id that something else has already. */
		if (simulation->past_count > 0 && world_chance(world, 1))
			call->request_id =
				simulation->past[world_random(world, simulation->past_count) % HISTORY].request_id;
		world_set_request_id(world, request, &call->request_id);
	}
	size_t index = 0;
	while (generator_at(index) != generator)
		index++;
	batch->generator[batch->count++] = index;
	if (operation->writes)
		remember(simulation, call, index);
	return true;
}

/* What the service does by itself: holds and pickups that are over are tidied up. */
static void make_sweep(struct simulation *simulation, struct batch *batch)
{
	Google__Protobuf__Int64Value *part = arena_alloc(&batch->arena, sizeof(*part));
	google__protobuf__int64_value__init(part);
	part->value = 1 + (int64_t)world_random(&simulation->world,
						  (uint64_t)memory_store_limits(simulation->store)->parts);
	batch->calls[batch->count++] = (struct store_call){
		.operation = world_chance(&simulation->world, 50) ? &reservation_expire_operation
														  : &pickup_expire_operation,
		.request = part,
		.actor = &world_admin,
	};
}

static void make_batch(struct simulation *simulation, struct batch *batch)
{
	struct world *world = &simulation->world;
	arena_reset(&batch->arena);
	world->arena = &batch->arena;
	batch->count = 0;
	batch->state = BATCH_WAITING;
	if (world_chance(world, 5)) {
		make_sweep(simulation, batch);
		return;
	}
	bool reads = world_chance(world, 40);
	size_t wanted = reads ? 1 : 1 + world_random(world, BATCH_CALLS_MAX);
	while (batch->count < wanted) {
		if (!reads && world_chance(world, 5) && repeat_call(simulation, batch))
			continue;
		make_call(simulation, batch, reads);
	}
}

/* ---- What comes back ---- */

static void check_remembered(struct simulation *simulation, const struct store_call *call)
{
	size_t count;
	const void *const *rows = memory_store_rows(simulation->store, TABLE(request), &count);
	for (size_t i = count; i-- > 0;) {
		const struct request_row *row = rows[i];
		if (uuid_compare(&row->request_id, &call->request_id) != 0)
			continue;
		if (field_compare(FIELD_BYTES, &row->response, &call->response) != 0)
			fail_msg("'%s' was answered twice, and differently", call->operation->name);
		return;
	}
	fail_msg("'%s' was answered and is not remembered", call->operation->name);
}

static void take_sweep(struct simulation *simulation, const struct store_call *call)
{
	assert_int_equal(call->verdict, VERDICT_DONE);
	struct arena arena;
	arena_init(&arena);
	const Google__Protobuf__Int64Value *expired =
		unpack(&arena, call->operation->response, &call->response);
	if (call->operation == &reservation_expire_operation)
		simulation->swept += (unsigned long)expired->value;
	else
		simulation->pickups_swept += (unsigned long)expired->value;
	arena_release(&arena);
}

static void take_answers(struct simulation *simulation, struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		struct store_call *call = &batch->calls[i];
		if (call->operation == &reservation_expire_operation ||
			call->operation == &pickup_expire_operation) {
			take_sweep(simulation, call);
			continue;
		}
		struct tally *tally = &simulation->tallies[batch->generator[i]];
		assert_true(call->answered);
		simulation->calls_answered++;
		if (call->verdict == VERDICT_REFUSED) {
			tally->refused++;
			assert_int_not_equal(call->refusal.reason, STOCKBOOK__V1__REASON__REASON_INTERNAL);
			continue;
		}
		tally->done++;
		if (call->operation->writes)
			check_remembered(simulation, call);
	}
	batch->state = BATCH_FREE;
}

/* What led there. */
static void print_latest(const struct simulation *simulation)
{
	size_t count;
	const void *const *rows = memory_store_rows(simulation->store, TABLE(change), &count);
	for (size_t i = count > 12 ? count - 12 : 0; i < count; i++) {
		const struct change_row *change = rows[i];
		char id[UUID_TEXT_SIZE];
		uuid_format(&change->document_id, id);
		printf("# %s of document kind %d '%s' at '%s': '%s' to '%s', %d movements\n", change->step,
			change->document_kind, id, change->location, change->status_before,
			change->status_after, change->movements);
	}
	fflush(stdout);
}

static void check_invariants(struct simulation *simulation)
{
	const char *wrong = invariants_check(simulation->invariants);
	if (wrong)
		print_latest(simulation);
	if (wrong)
		fail_msg("after %lu calls: %s", simulation->calls_answered, wrong);
}

/* ---- Reads that must agree with the book ---- */

static const void *read_message(struct simulation *simulation, struct arena *arena,
	const char *operation, const void *request)
{
	struct store_call call = {
		.operation = operation_find(operation), .request = request, .actor = &world_admin};
	const void *response =
		memory_store_call(simulation->store, arena, &call, simulation->world.now_us);
	if (!response)
		fail_msg("'%s' was refused: %s", operation, call.refusal.message);
	return response;
}

static void check_on_hand_now(struct simulation *simulation, struct arena *arena,
	const struct stock_row *stock)
{
	Stockbook__V1__GetOnHandAtRequest request = STOCKBOOK__V1__GET_ON_HAND_AT_REQUEST__INIT;
	request.sku = arena_string(arena, stock->sku);
	request.location = arena_string(arena, stock->location);
	request.time = make_timestamp(arena, simulation->world.now_us);
	const Stockbook__V1__GetOnHandAtResponse *response =
		read_message(simulation, arena, "LedgerService/GetOnHandAt", &request);
	assert_int_equal(response->on_hand, stock_on_hand(stock));
}

static void check_explained(struct simulation *simulation, struct arena *arena,
	const struct stock_row *stock)
{
	Stockbook__V1__ExplainAvailabilityRequest request =
		STOCKBOOK__V1__EXPLAIN_AVAILABILITY_REQUEST__INIT;
	request.sku = arena_string(arena, stock->sku);
	request.location = arena_string(arena, stock->location);
	request.channel = arena_string(arena, "web");
	const Stockbook__V1__ExplainAvailabilityResponse *response =
		read_message(simulation, arena, "StockService/ExplainAvailability", &request);
	int64_t sum = 0;
	for (size_t i = 0; i < response->n_terms; i++)
		sum += response->terms[i]->quantity;
	assert_int_equal(response->available_to_sell, sum > 0 ? sum : 0);
	assert_int_equal(response->level->available, stock->available);

	Stockbook__V1__GetAvailabilityRequest same = STOCKBOOK__V1__GET_AVAILABILITY_REQUEST__INIT;
	same.n_skus = 1;
	same.skus = &request.sku;
	same.n_locations = 1;
	same.locations = &request.location;
	same.channel = request.channel;
	const Stockbook__V1__GetAvailabilityResponse *answer =
		read_message(simulation, arena, "StockService/GetAvailability", &same);
	assert_int_equal(answer->availabilities[0]->available_to_sell, response->available_to_sell);
}

/* Walks all pages; the number of movements must be that of the store, counted by hand. */
static void check_movements(struct simulation *simulation, struct arena *arena, const char *sku,
	const char *location)
{
	Stockbook__V1__ListMovementsRequest request = STOCKBOOK__V1__LIST_MOVEMENTS_REQUEST__INIT;
	request.sku = arena_string(arena, sku);
	request.location = arena_string(arena, location);
	request.page_size = 300;
	size_t listed = 0;
	do {
		const Stockbook__V1__ListMovementsResponse *response =
			read_message(simulation, arena, "LedgerService/ListMovements", &request);
		listed += response->n_movements;
		request.page_token = response->next_page_token;
	} while (request.page_token[0]);
	size_t count;
	size_t expected = 0;
	const void *const *rows = memory_store_rows(simulation->store, TABLE(movement), &count);
	for (size_t i = 0; i < count; i++) {
		const struct movement_row *movement = rows[i];
		bool of_sku = !sku[0] || strcmp(movement->sku, sku) == 0;
		bool at = !location[0] || strcmp(movement->from_location, location) == 0 ||
				  strcmp(movement->to_location, location) == 0;
		expected += of_sku && at;
	}
	assert_int_equal(listed, expected);
}

static void check_reads(struct simulation *simulation)
{
	struct arena arena;
	arena_init(&arena);
	size_t count;
	const void *const *rows = memory_store_rows(simulation->store, TABLE(stock), &count);
	/* Two reads can only agree on what both see. */
	memory_store_set_stale_peeks(simulation->store, false);
	/* Answers move the store's list of rows: what is read from it is taken out first. */
	struct stock_row *stocks = arena_alloc_array(&arena, count, sizeof(*stocks));
	for (size_t i = 0; i < count; i++)
		stocks[i] = *(const struct stock_row *)rows[i];
	for (size_t i = 0; i < count; i++) {
		check_on_hand_now(simulation, &arena, &stocks[i]);
		check_explained(simulation, &arena, &stocks[i]);
	}
	if (count > 0) {
		check_movements(simulation, &arena, stocks[0].sku, "");
		check_movements(simulation, &arena, "", stocks[0].location);
		check_movements(simulation, &arena, stocks[0].sku, stocks[0].location);
	}
	memory_store_set_stale_peeks(simulation->store, true);
	arena_release(&arena);
}

/* ---- The run ---- */

static struct batch *batch_in_state(struct simulation *simulation, enum batch_state state)
{
	for (size_t i = 0; i < BATCHES; i++)
		if (simulation->batches[i].state == state)
			return &simulation->batches[i];
	return NULL;
}

static void send_batch(struct simulation *simulation, size_t lane)
{
	struct batch *batch = batch_in_state(simulation, BATCH_WAITING);
	if (!batch || world_chance(&simulation->world, 50)) {
		struct batch *free_batch = batch_in_state(simulation, BATCH_FREE);
		if (free_batch)
			make_batch(simulation, batch = free_batch);
	}
	if (!batch)
		return;
	batch->state = BATCH_SENT;
	simulation->on_lane[lane] = batch;
	memory_lane_submit(simulation->lanes[lane], batch->calls, batch->count);
	if (world_chance(&simulation->world, 3)) {
		memory_lane_lose_next_reply(simulation->lanes[lane]);
		simulation->faults++;
	}
}

static void lose_connection(struct simulation *simulation, size_t lane)
{
	memory_lane_abort(simulation->lanes[lane]);
	simulation->on_lane[lane]->state = BATCH_WAITING;
	simulation->on_lane[lane] = NULL;
	simulation->faults++;
}

static void after_step(struct simulation *simulation, size_t lane)
{
	struct batch *batch = simulation->on_lane[lane];
	if (memory_lane_state(simulation->lanes[lane]) != MEMORY_LANE_IDLE)
		return;
	simulation->on_lane[lane] = NULL;
	check_invariants(simulation);
	if (batch->calls[0].answered)
		take_answers(simulation, batch);
	else
		batch->state = BATCH_WAITING;
}

/* One step of any lane; a lane that waits for locks that wait for it is broken up. */
static void step(struct simulation *simulation)
{
	struct world *world = &simulation->world;
	size_t lane = world_random(world, LANES);
	/* Mostly milliseconds; now and then so long that holds run out. */
	world->now_us +=
		world_chance(world, 1) ? 15 * INT64_C(1000000) : (int64_t)world_random(world, 5000);
	if (!simulation->on_lane[lane]) {
		send_batch(simulation, lane);
		return;
	}
	if (world_chance(world, 1)) {
		lose_connection(simulation, lane);
		return;
	}
	if (memory_lane_step(simulation->lanes[lane], world->now_us)) {
		after_step(simulation, lane);
		return;
	}
	for (size_t i = 0; i < LANES; i++) {
		if (!simulation->on_lane[i])
			continue;
		if (memory_lane_step(simulation->lanes[i], world->now_us)) {
			after_step(simulation, i);
			return;
		}
	}
	lose_connection(simulation, lane); /* a deadlock's victim */
}

static void found(struct simulation *simulation)
{
	struct arena arena;
	arena_init(&arena);
	simulation->world.arena = &arena;
	const char *operation;
	void *request;
	for (size_t i = 0; (request = world_founding_request(&simulation->world, i, &operation)); i++) {
		struct store_call call = {
			.operation = operation_find(operation),
			.request = request,
			.actor = &world_admin,
			.request_id = world_uuid(&simulation->world),
		};
		simulation->world.now_us += 1000;
		memory_store_run(simulation->store, &call, 1, simulation->world.now_us);
		assert_int_equal(call.verdict, VERDICT_DONE);
	}
	arena_release(&arena);
	check_invariants(simulation);
}

static void simulation_init(struct simulation *simulation, uint64_t seed)
{
	*simulation = (struct simulation){.seed = seed};
	struct book_limits of_seed = limits;
	of_seed.parts = 1 + (int32_t)(seed % 7);
	simulation->store = memory_store_new(&of_seed);
	memory_store_set_stale_peeks(simulation->store, true);
	simulation->invariants = invariants_new(simulation->store);
	arena_init(&simulation->arena);
	simulation->world = (struct world){
		.store = simulation->store,
		.random = seed,
		.now_us = INT64_C(1700000000000000),
	};
	for (size_t i = 0; i < BATCHES; i++)
		arena_init(&simulation->batches[i].arena);
	for (size_t i = 0; i < LANES; i++)
		simulation->lanes[i] = memory_lane_open(simulation->store, seed * LANES + i);
}

static void simulation_release(struct simulation *simulation)
{
	for (size_t i = 0; i < LANES; i++)
		memory_lane_close(simulation->lanes[i]);
	for (size_t i = 0; i < BATCHES; i++)
		arena_release(&simulation->batches[i].arena);
	arena_release(&simulation->arena);
	invariants_free(simulation->invariants);
	memory_store_free(simulation->store);
}

static unsigned long from_environment(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);
	return text ? strtoul(text, NULL, 10) : otherwise;
}

static void print_tallies(const struct simulation *simulation)
{
	for (size_t i = 0; generator_at(i); i++)
		printf("# %-42s %6u done %6u refused\n", generator_at(i)->operation,
			simulation->tallies[i].done, simulation->tallies[i].refused);
	uint64_t won, lost;
	memory_store_hopes(simulation->store, &won, &lost);
	printf("# %lu calls, %lu faults, %lu repeats, %lu holds swept; %lu batches decided from memory,"
		   " %lu in vain\n",
		simulation->calls_answered, simulation->faults, simulation->repeats, simulation->swept, won,
		lost);
}

/* What all runs did together. */
struct total {
	unsigned long done[GENERATORS_MAX];
	unsigned long swept;
	unsigned long pickups_swept;
};

static void add_to_total(struct total *total, const struct simulation *simulation)
{
	total->swept += simulation->swept;
	total->pickups_swept += simulation->pickups_swept;
	for (size_t i = 0; generator_at(i); i++)
		total->done[i] += simulation->tallies[i].done;
}

/* Every kind of call must have taken effect: a generator that is always refused tests nothing. */
static void check_total(const struct total *total)
{
	assert_true(total->swept > 0);
	assert_true(total->pickups_swept > 0);
	for (size_t i = 0; generator_at(i); i++)
		if (total->done[i] == 0)
			fail_msg("no '%s' was ever done", generator_at(i)->operation);
}

/* ---- The end ---- */

/* Whatever is on its way arrives, comes back or is given up: in transit comes to zero. */
static void end_transfer(struct simulation *simulation, struct arena *arena,
	const struct transfer_row *row)
{
	Stockbook__V1__CancelTransferRequest cancel = STOCKBOOK__V1__CANCEL_TRANSFER_REQUEST__INIT;
	Stockbook__V1__CloseTransferRequest close = STOCKBOOK__V1__CLOSE_TRANSFER_REQUEST__INIT;
	Stockbook__V1__ReceiveTransferRequest receive = STOCKBOOK__V1__RECEIVE_TRANSFER_REQUEST__INIT;
	bool before = row->status <= STOCKBOOK__V1__TRANSFER_STATUS__TRANSFER_STATUS_READY;
	struct store_call call = {.actor = &world_admin, .request_id = world_uuid(&simulation->world)};
	char id[UUID_TEXT_SIZE];
	uuid_format(&row->id, id);
	cancel.transfer_id = close.transfer_id = receive.transfer_id = id;
	cancel.write_off = world_chance(&simulation->world, 50);
	close.reason = (Stockbook__V1__TransferLossReason)(1 + world_random(&simulation->world, 3));
	switch (before ? 0 : world_random(&simulation->world, 3)) {
	case 0:
		call.operation = operation_find("TransferService/CancelTransfer");
		call.request = &cancel;
		break;
	case 1:
		call.operation = operation_find("TransferService/CloseTransfer");
		call.request = &close;
		break;
	default: /* all of it; what is allocated at the source still goes with the next */
		call.operation = operation_find("TransferService/ReceiveTransfer");
		call.request = &receive;
		break;
	}
	if (!memory_store_call(simulation->store, arena, &call, simulation->world.now_us) &&
		call.refusal.reason != STOCKBOOK__V1__REASON__REASON_LINE_QUANTITY_EXCEEDED &&
		call.refusal.reason != STOCKBOOK__V1__REASON__REASON_QUANTITY_OVERFLOW)
		fail_msg("transfer '%s' of status %d cannot be ended: %s", id, row->status,
			call.refusal.message);
	check_invariants(simulation);
}

static void in_transit_comes_to_zero(struct simulation *simulation)
{
	for (size_t lane = 0; lane < LANES; lane++)
		if (simulation->on_lane[lane])
			lose_connection(simulation, lane);
	/* Nobody is at the work any more. */
	simulation->world.now_us += 3600 * INT64_C(1000000);
	struct arena arena;
	arena_init(&arena);
	for (bool open = true; open;) {
		open = false;
		size_t count;
		const void *const *rows = memory_store_rows(simulation->store, TABLE(transfer), &count);
		for (size_t i = 0; i < count && !open; i++) {
			struct transfer_row row = *(const struct transfer_row *)rows[i];
			if (row.status >= STOCKBOOK__V1__TRANSFER_STATUS__TRANSFER_STATUS_RECEIVED)
				continue;
			end_transfer(simulation, &arena, &row);
			open = true;
		}
	}
	size_t count;
	const void *const *rows = memory_store_rows(simulation->store, TABLE(stock), &count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(((const struct stock_row *)rows[i])->in_transit, 0);
	arena_release(&arena);
}

static unsigned long calls_of_run(void)
{
	return from_environment("SIMULATION_CALLS", 8000);
}

static void run_simulation(uint64_t seed, struct total *total)
{
	unsigned long calls = calls_of_run();
	struct simulation simulation;
	/* Said before, so that it is known also when a CHECK ends the process. */
	printf("# SIMULATION_SEED=%llu SIMULATION_CALLS=%lu\n", (unsigned long long)seed, calls);
	fflush(stdout);
	simulation_init(&simulation, seed);
	found(&simulation);
	unsigned long read_at = 200;
	while (simulation.calls_answered < calls) {
		step(&simulation);
		if (simulation.calls_answered < read_at)
			continue;
		read_at += 200;
		check_reads(&simulation);
	}
	in_transit_comes_to_zero(&simulation);
	print_tallies(&simulation);
	add_to_total(total, &simulation);
	simulation_release(&simulation);
}

static void random_operations_keep_every_invariant(void **state)
{
	(void)state;
	static const uint64_t seeds[] = {1, 2, 3, 4};
	struct total total = {0};
	if (getenv("SIMULATION_SEED")) {
		uint64_t seed = from_environment("SIMULATION_SEED", 1);
		for (unsigned long i = 0; i < from_environment("SIMULATION_RUNS", 1); i++)
			run_simulation(seed + i, &total);
		return;
	}
	for (size_t i = 0; i < ARRAY_COUNT(seeds); i++)
		run_simulation(seeds[i], &total);
	/* Of seeds that are known to meet everything. */
	if (calls_of_run() >= 8000)
		check_total(&total);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_operations_keep_every_invariant),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
