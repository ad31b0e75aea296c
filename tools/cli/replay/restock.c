/*
 * Between two weeks of the file nothing else is under way: what pickers did not find is counted
 * again, orders that came out short are served, and the stores that ran low get a transfer each from
 * the warehouses that have it.
 */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/parse.h"
#include "stockbook/v1/stock.pb-c.h"
#include "stockbook/v1/transfer.pb-c.h"
#include "stockbook/v1/work.pb-c.h"

#define PAGE_ROWS 1000
/* A store ran low of what it has less than a quarter of. */
#define LOW_PART 4

/* What every place has, by place, then item. */
struct levels {
	struct runner *runner;
	int64_t *available, *on_hand;
};

struct asked_place {
	struct levels *levels;
	uint32_t place;
	char *token; /* of the page asked for; freed here */
};

static void ask_place(struct asked_place *asked);

static void on_levels(void *context, const ProtobufCMessage *message,
	const struct stockbook_error *error)
{
	struct asked_place *asked = context;
	struct levels *levels = asked->levels;
	struct runner *runner = levels->runner;
	struct replay *replay = runner->replay;
	const Stockbook__V1__ListStockResponse *response =
		(const Stockbook__V1__ListStockResponse *)message;
	if (error->code)
		runner_stop(runner, error);
	for (size_t i = 0; response && i < response->n_levels; i++) {
		const Stockbook__V1__StockLevel *level = response->levels[i];
		const struct replay_item *item = replay_item_of(replay, level->sku);
		if (!item)
			continue;
		size_t cell = asked->place * replay->items_count + (size_t)(item - replay->items);
		levels->available[cell] = level->available;
		levels->on_hand[cell] = level->on_hand;
	}
	free(asked->token);
	asked->token = NULL;
	if (response && *response->next_page_token && !runner_must_stop(runner)) {
		asked->token = strdup(response->next_page_token);
		CHECK(asked->token);
		ask_place(asked);
		return;
	}
	free(asked);
}

static void ask_place(struct asked_place *asked)
{
	struct runner *runner = asked->levels->runner;
	Stockbook__V1__ListStockRequest request = STOCKBOOK__V1__LIST_STOCK_REQUEST__INIT;
	request.location = text_of(runner->replay->places[asked->place].code);
	request.page_size = PAGE_ROWS;
	request.page_token = text_of(asked->token);
	runner_call(runner, stockbook_method("StockService", "ListStock"), &request.base, on_levels,
		asked);
}

static void read_levels(struct levels *levels, struct runner *runner)
{
	const struct replay *replay = runner->replay;
	size_t cells = replay->places_count * replay->items_count;
	*levels = (struct levels){.runner = runner,
		.available = calloc(cells, sizeof(int64_t)),
		.on_hand = calloc(cells, sizeof(int64_t))};
	CHECK(levels->available && levels->on_hand);
	for (uint32_t place = 0; place < replay->places_count; place++) {
		struct asked_place *asked = calloc(1, sizeof(*asked));
		CHECK(asked);
		asked->levels = levels;
		asked->place = place;
		ask_place(asked);
	}
	runner_wait_below(runner, 1);
}

/* ---- Recounts ---- */

static void on_recount(void *context, const ProtobufCMessage *response,
	const struct stockbook_error *error)
{
	struct runner *runner = context;
	(void)response;
	if (error->code == 0) {
		runner->replay->story.recounts++;
		return;
	}
	/* An earlier run has counted, when there was another quantity. */
	if (strcmp(error->reason, "REQUEST_ID_REUSED") != 0 && !runner_stopped_by(runner, error))
		runner_refused(runner, "recount", "", 1, error->reason, error->message);
}

/* The goods were on another shelf. */
static void count_again(struct runner *runner, struct levels *levels)
{
	struct replay *replay = runner->replay;
	for (size_t i = 0; i < runner->recounts_count && !runner_must_stop(runner); i++) {
		const struct recount *recount = &runner->recounts[i];
		size_t cell =
			recount->place * replay->items_count + (size_t)(recount->item - replay->items);
		levels->on_hand[cell] += recount->units;
		levels->available[cell] += recount->units;
		char name[64];
		char id[STOCKBOOK_REQUEST_ID_SIZE];
		snprintf(name, sizeof(name), "recount of %s", recount->pickup_id);
		stockbook_request_id_derive(replay->name_space, name, id);
		Stockbook__V1__RecordRecountRequest request = STOCKBOOK__V1__RECORD_RECOUNT_REQUEST__INIT;
		request.request_id = id;
		request.location = text_of(replay->places[recount->place].code);
		request.sku = text_of(recount->item->code);
		request.on_hand = levels->on_hand[cell];
		/* One after the other: two may be of the same goods. */
		runner_call(runner, stockbook_method("WorkService", "RecordRecount"), &request.base,
			on_recount, runner);
		runner_wait_below(runner, 1);
	}
	runner->recounts_count = 0;
}

/* ---- Orders that are not served yet ---- */

static void allocate_opened(struct runner *runner)
{
	struct replay *replay = runner->replay;
	while (runner->opened != NONE && !runner_must_stop(runner)) {
		uint32_t index = runner_pop(runner, &runner->opened);
		const struct operation *operation = &replay->operations[index];
		char name[64];
		char id[STOCKBOOK_REQUEST_ID_SIZE];
		snprintf(name, sizeof(name), "allocate %s", operation->order_id);
		stockbook_request_id_derive(replay->name_space, name, id);
		Stockbook__V1__AllocateOrderRequest request = STOCKBOOK__V1__ALLOCATE_ORDER_REQUEST__INIT;
		request.request_id = id;
		request.order_id = text_of(operation->order_id);
		ProtobufCMessage *message;
		if (!runner_ask(runner, "OrderService", "AllocateOrder", &request.base, &message))
			return;
		struct errand *errand = errand_new(runner, index);
		errand_find_everything(errand);
		const Stockbook__V1__AllocateOrderResponse *response =
			(const Stockbook__V1__AllocateOrderResponse *)message;
		if (response)
			errand_add_all(errand, response->pickups, response->n_pickups, response->transfers,
				response->n_transfers);
		else
			runner_refused(runner, "AllocateOrder", operation->order_id, 1, "NOT_ALLOCATED",
				"what a picker did not find could not be allocated again");
		errand_start(errand);
		if (message)
			protobuf_c_message_free_unpacked(message, NULL);
	}
	runner_wait_below(runner, 1);
}

/* ---- Transfers ---- */

static void on_requested(void *context, const ProtobufCMessage *message,
	const struct stockbook_error *error)
{
	struct runner *runner = context;
	if (error->code == 0) {
		struct errand *errand = errand_new(runner, NONE);
		errand_add_transfer(errand,
			((const Stockbook__V1__RequestTransferResponse *)message)->transfer->id, true);
		errand_start(errand);
	} else if (!runner_stopped_by(runner, error)) {
		runner_refused(runner, "RequestTransfer", "", 1, error->reason, error->message);
	}
}

/* Units of the item that the store should get from the warehouse, taken off what both know. */
static int64_t take_units(struct levels *levels, const struct replay *replay, size_t item,
	size_t store, size_t warehouse)
{
	int64_t full = replay_store_units(replay, &replay->items[item], &replay->places[store]);
	int64_t *here = &levels->available[store * replay->items_count + item];
	int64_t *there = &levels->available[warehouse * replay->items_count + item];
	if (full == 0 || *here * LOW_PART >= full || *there <= 0)
		return 0;
	int64_t units = full - *here < *there ? full - *here : *there;
	*here += units;
	*there -= units;
	return units;
}

static void request_transfer(struct runner *runner, struct levels *levels, uint32_t week,
	size_t store, size_t warehouse)
{
	struct replay *replay = runner->replay;
	struct arena *arena = &runner->arena;
	Stockbook__V1__RequestTransferRequest request = STOCKBOOK__V1__REQUEST_TRANSFER_REQUEST__INIT;
	char id[STOCKBOOK_REQUEST_ID_SIZE];
	request.reference = arena_printf(arena, "restock %s %u", runner->tag, week);
	request.source = text_of(replay->places[warehouse].code);
	request.destination = text_of(replay->places[store].code);
	stockbook_request_id_derive(replay->name_space,
		arena_printf(arena, "restock %u %s %s", week, request.source, request.destination), id);
	request.request_id = id;
	request.lines = arena_alloc_array(arena, replay->items_count, sizeof(*request.lines));
	for (size_t i = 0; i < replay->items_count; i++) {
		int64_t units = take_units(levels, replay, i, store, warehouse);
		if (!units)
			continue;
		Stockbook__V1__RequestTransferLine *line = arena_alloc(arena, sizeof(*line));
		stockbook__v1__request_transfer_line__init(line);
		line->sku = text_of(replay->items[i].code);
		line->quantity = units;
		request.lines[request.n_lines++] = line;
	}
	if (request.n_lines)
		runner_call(runner, stockbook_method("TransferService", "RequestTransfer"), &request.base,
			on_requested, runner);
	arena_reset(arena);
}

static void restock(struct runner *runner, struct levels *levels, uint32_t week)
{
	struct replay *replay = runner->replay;
	size_t stores = (size_t)replay->options->stores;
	int64_t before = replay->story.transfers;
	for (size_t store = 0; store < stores; store++)
		for (size_t i = stores; i < replay->places_count && !runner_must_stop(runner); i++)
			request_transfer(runner, levels, week, store, i);
	runner_wait_below(runner, 1);
	replay->story.weeks += replay->story.transfers > before;
}

void replay_between_weeks(struct runner *runner, uint32_t week)
{
	struct levels levels = {0};
	bool known = week <= runner->weeks_known || week == UINT32_MAX;
	if (!known || runner->recounts_count) {
		read_levels(&levels, runner);
		count_again(runner, &levels);
	}
	allocate_opened(runner);
	if (!known && !runner_must_stop(runner) && runner->ended < runner->replay->operations_count)
		restock(runner, &levels, week);
	free(levels.available);
	free(levels.on_hand);
	while (runner->late != NONE) {
		uint32_t index = runner_pop(runner, &runner->late);
		runner_push(runner, &runner->ready, index);
	}
}
