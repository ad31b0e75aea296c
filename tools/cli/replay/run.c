/*
 * Sends everything, many calls in flight.
 *
 * First what must be there (location, channel, items), then all receipts, then the trade in the
 * order of the file. A return waits for its order; everything else may overtake. In a chain, trade
 * stops after each week of the file, until the stores that ran low have been sent something.
 */
#include "run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/parse.h"
#include "stockbook/v1/item.pb-c.h"

struct sent {
	struct runner *runner;
	uint32_t operation;
};

bool runner_must_stop(const struct runner *runner)
{
	return runner->replay->stop || interrupted();
}

void runner_stop(struct runner *runner, const struct stockbook_error *error)
{
	struct replay *replay = runner->replay;
	if (!replay->stop) {
		progress_end(&runner->progress);
		cli_explain(replay->cli, error);
		replay->stop_code = exit_code_of(error);
	}
	replay->stop = true;
}

bool runner_stopped_by(struct runner *runner, const struct stockbook_error *error)
{
	if (exit_code_of(error) != EXIT_CODE_UNAVAILABLE &&
		exit_code_of(error) != EXIT_CODE_NOT_ALLOWED)
		return false;
	runner_stop(runner, error);
	return true;
}

void runner_refused(struct runner *runner, const char *kind, const char *subject, int64_t lines,
	const char *reason, const char *message)
{
	struct replay *replay = runner->replay;
	struct arena *arena = &replay->cli->arena;
	struct refusal *refusal = NULL;
	for (size_t i = 0; i < replay->refusals_count && !refusal; i++)
		if (strcmp(replay->refusals[i].kind, kind) == 0 &&
			strcmp(replay->refusals[i].reason, reason) == 0)
			refusal = &replay->refusals[i];
	if (!refusal) {
		replay->refusals = arena_grow(arena, replay->refusals, replay->refusals_count,
			&replay->refusals_capacity, sizeof(*refusal));
		refusal = &replay->refusals[replay->refusals_count++];
		*refusal = (struct refusal){.kind = arena_string(arena, kind),
			.reason = arena_string(arena, reason),
			.example = *subject ? arena_printf(arena, "%s: %s", subject, message)
								: arena_string(arena, message)};
	}
	refusal->count++;
	refusal->lines += lines;
}

static void note_refusal(struct runner *runner, const struct operation *operation,
	const char *reason, const char *message)
{
	const struct replay *replay = runner->replay;
	runner_refused(runner, operation_name(operation->kind),
		operation->invoice == NONE ? "" : replay->invoices[operation->invoice].number,
		operation->count, reason, message);
}

void runner_push(struct runner *runner, uint32_t *list, uint32_t index)
{
	runner->replay->operations[index].next = *list;
	*list = index;
}

uint32_t runner_pop(struct runner *runner, uint32_t *list)
{
	uint32_t index = *list;
	if (index != NONE) {
		*list = runner->replay->operations[index].next;
		runner->replay->operations[index].next = NONE;
	}
	return index;
}

/* Returns that waited for this order may go, or cannot any more. */
static void release_waiting(struct runner *runner, struct operation *order)
{
	struct replay *replay = runner->replay;
	while (order->waiting != NONE) {
		uint32_t index = order->waiting;
		struct operation *operation = &replay->operations[index];
		order->waiting = operation->next;
		operation->next = runner->ready;
		runner->ready = index;
	}
}

static void end_operation(struct runner *runner, struct operation *operation,
	enum operation_state state)
{
	operation->state = state;
	runner->ended++;
	runner->lines_ended += operation->count;
	release_waiting(runner, operation);
}

void runner_order_ended(struct runner *runner, uint32_t index)
{
	end_operation(runner, &runner->replay->operations[index], OPERATION_DONE);
}

static void note_order(struct replay *replay, const struct operation *operation,
	const Stockbook__V1__Order *order)
{
	struct chain_story *story = &replay->story;
	const char *first = NULL;
	bool split = false;
	for (size_t i = 0; i < order->n_lines; i++) {
		const Stockbook__V1__OrderLine *line = order->lines[i];
		story->lines_there +=
			line->method == STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_PICKUP;
		story->lines_brought +=
			line->method == STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_SHIP_TO_STORE;
		if (operation->place != NONE)
			continue;
		story->lines_split += line->n_allocations > 1;
		for (size_t j = 0; j < line->n_allocations; j++) {
			split |= first && strcmp(first, line->allocations[j]->location) != 0;
			first = line->allocations[j]->location;
		}
	}
	story->shipped += operation->place == NONE;
	story->shipped_split += split;
	story->picked_up += operation->place != NONE;
}

/* True when the order is on its way, and ends later. */
static bool order_placed(struct runner *runner, uint32_t index,
	const Stockbook__V1__PlaceOrderResponse *response)
{
	struct replay *replay = runner->replay;
	struct operation *operation = &replay->operations[index];
	operation->order_id = arena_string(&replay->cli->arena, response->order->id);
	if (!replay_is_chain(replay))
		return false;
	note_order(replay, operation, response->order);
	if (operation->place == NONE)
		return false;
	struct errand *errand = errand_new(runner, index);
	errand_add_all(errand, response->pickups, response->n_pickups, response->transfers,
		response->n_transfers);
	errand_start(errand);
	return true;
}

/* True when something can still be done about it. */
static bool order_refused(struct runner *runner, uint32_t index,
	const struct stockbook_error *error)
{
	struct replay *replay = runner->replay;
	struct operation *operation = &replay->operations[index];
	if (!replay_is_chain(replay) || operation->kind != OPERATION_ORDER)
		return false;
	if (operation->place != NONE && strcmp(error->reason, "REQUEST_ID_REUSED") == 0) {
		runner_push(runner, &runner->lost, index);
		return true;
	}
	if (strcmp(error->reason, "OUT_OF_STOCK") != 0 || operation->late)
		return false;
	/* The store had less than it said: at once, from anywhere. And while goods are on their way
	 * between two stores, or not found, they are nobody's: after the week. */
	operation->late = operation->again || operation->place == NONE;
	operation->again = true;
	runner_push(runner, operation->late ? &runner->late : &runner->ready, index);
	return true;
}

static void on_done(void *context, const ProtobufCMessage *response,
	const struct stockbook_error *error)
{
	struct sent *sent = context;
	struct runner *runner = sent->runner;
	struct replay *replay = runner->replay;
	uint32_t index = sent->operation;
	struct operation *operation = &replay->operations[index];
	free(sent);
	if (error->code == 0) {
		replay->done[operation->kind]++;
		replay->done_lines[operation->kind] += operation->count;
		replay->done_units[operation->kind] += operation_units(replay, operation);
		if (operation->kind != OPERATION_ORDER ||
			!order_placed(runner, index, (const Stockbook__V1__PlaceOrderResponse *)response))
			end_operation(runner, operation, OPERATION_DONE);
	} else if (runner_stopped_by(runner, error)) {
		operation->state = OPERATION_PLANNED;
	} else if (!order_refused(runner, index, error)) {
		note_refusal(runner, operation,
			error->reason[0] ? error->reason : stockbook_code_name(error->code), error->message);
		end_operation(runner, operation, OPERATION_REFUSED);
	}
}

void runner_call(struct runner *runner, const struct stockbook_method *method,
	const ProtobufCMessage *request, stockbook_done done, void *context)
{
	if (runner->session)
		stockbook_session_call_async(runner->session, method, request, DEADLINE_MS, done, context);
	else
		stockbook_call_async(runner->client, method, request, DEADLINE_MS, done, context);
}

static void send_operation(struct runner *runner, uint32_t index)
{
	struct replay *replay = runner->replay;
	struct operation *operation = &replay->operations[index];
	struct sent *sent = malloc(sizeof(*sent));
	CHECK(sent);
	*sent = (struct sent){runner, index};
	operation->state = OPERATION_SENT;
	if (operation->kind == OPERATION_ORDER && operation->place != NONE) {
		pickup_order_start(runner, index, on_done, sent);
		return;
	}
	ProtobufCMessage *request = replay_request(replay, &runner->arena, operation);
	runner_call(runner, replay_method(operation), request, on_done, sent);
	arena_reset(&runner->arena);
}

/* Sends the operation, or puts it where it waits, or gives it up. */
static void start_operation(struct runner *runner, uint32_t index)
{
	struct replay *replay = runner->replay;
	struct operation *operation = &replay->operations[index];
	struct operation *order =
		operation->kind == OPERATION_RETURN ? &replay->operations[operation->order] : NULL;
	if (!order || order->state == OPERATION_DONE) {
		send_operation(runner, index);
	} else if (order->state == OPERATION_REFUSED) {
		note_refusal(runner, operation, "ORDER_REFUSED", "the order it belongs to was refused");
		end_operation(runner, operation, OPERATION_REFUSED);
	} else {
		operation->state = OPERATION_WAITING;
		operation->next = order->waiting;
		order->waiting = index;
	}
}

static void show_progress(struct runner *runner)
{
	progress_show(&runner->progress, (int64_t)runner->ended,
		(int64_t)runner->replay->operations_count, runner->lines_ended);
}

void runner_wait_below(struct runner *runner, size_t in_flight)
{
	while (stockbook_client_in_flight(runner->client) >= in_flight) {
		stockbook_client_poll(runner->client, 100);
		show_progress(runner);
	}
}

static void send_range(struct runner *runner, size_t from, size_t to)
{
	size_t window = (size_t)runner->replay->options->in_flight;
	size_t next = from;
	while (!runner_must_stop(runner)) {
		uint32_t ready = runner_pop(runner, &runner->ready);
		if (ready != NONE)
			start_operation(runner, ready);
		else if (runner->lost != NONE)
			resume_order(runner, runner_pop(runner, &runner->lost));
		else if (next < to)
			start_operation(runner, (uint32_t)next++);
		else if (stockbook_client_in_flight(runner->client))
			stockbook_client_poll(runner->client, 100);
		else
			break;
		runner_wait_below(runner, window);
		show_progress(runner);
	}
	/* What was begun is answered, also when we stop. */
	runner_wait_below(runner, 1);
}

static int compare_codes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The SKUs that the book has already, sorted by it. NULL after a message. */
static const char **known_skus(struct runner *runner, size_t *count)
{
	struct arena *arena = &runner->replay->cli->arena;
	const char **skus = arena_alloc(arena, sizeof(*skus));
	size_t capacity = 0;
	Stockbook__V1__ListItemsRequest request = STOCKBOOK__V1__LIST_ITEMS_REQUEST__INIT;
	request.page_size = 1000;
	*count = 0;
	do {
		ProtobufCMessage *message =
			cli_call(runner->replay->cli, "ItemService", "ListItems", &request.base);
		if (!message) {
			runner->replay->stop = true;
			runner->replay->stop_code = runner->replay->cli->exit_code;
			return NULL;
		}
		const Stockbook__V1__ListItemsResponse *response =
			(const Stockbook__V1__ListItemsResponse *)message;
		for (size_t i = 0; i < response->n_items; i++) {
			if (*count == capacity)
				skus = arena_grow(arena, capacity ? (void *)skus : NULL, *count, &capacity,
					sizeof(*skus));
			skus[(*count)++] = arena_string(arena, response->items[i]->sku);
		}
		request.page_token = arena_string(arena, response->next_page_token);
		protobuf_c_message_free_unpacked(message, NULL);
	} while (*request.page_token);
	qsort(skus, *count, sizeof(*skus), compare_codes);
	return skus;
}

static void on_item(void *context, const ProtobufCMessage *response,
	const struct stockbook_error *error)
{
	struct runner *runner = context;
	(void)response;
	/* Without its item a trade would be refused line by line: better stop now. */
	if (error->code)
		runner_stop(runner, error);
	runner->items_pending--;
}

static bool put_items(struct runner *runner)
{
	struct replay *replay = runner->replay;
	size_t known_count;
	const char **known = known_skus(runner, &known_count);
	if (!known)
		return false;
	for (size_t i = 0; i < replay->items_count && !runner_must_stop(runner); i++) {
		const struct replay_item *from = &replay->items[i];
		if (!from->goods || bsearch(&from->code, known, known_count, sizeof(*known), compare_codes))
			continue;
		Stockbook__V1__PutItemRequest request = STOCKBOOK__V1__PUT_ITEM_REQUEST__INIT;
		Stockbook__V1__Item item = STOCKBOOK__V1__ITEM__INIT;
		char id[STOCKBOOK_REQUEST_ID_SIZE];
		stockbook_request_id_new(id);
		request.request_id = id;
		request.item = &item;
		item.sku = text_of(from->code);
		item.name = text_of(from->name);
		runner->items_pending++;
		runner_call(runner, stockbook_method("ItemService", "PutItem"), &request.base, on_item,
			runner);
		runner_wait_below(runner, (size_t)replay->options->in_flight);
	}
	runner_wait_below(runner, 1);
	return !runner_must_stop(runner);
}

bool runner_ask(struct runner *runner, const char *service, const char *name,
	const ProtobufCMessage *request, ProtobufCMessage **response)
{
	struct stockbook_error error;
	*response = stockbook_call(runner->client, stockbook_method(service, name), request,
		DEADLINE_MS, &error);
	bool stopped = !*response && runner_stopped_by(runner, &error);
	stockbook_error_release(&error);
	return !stopped;
}

static int64_t week_of(const struct replay *replay, size_t index)
{
	int64_t seconds;
	CHECK(parse_time(replay->invoices[replay->operations[index].invoice].date, &seconds));
	return (seconds / 86400 + 3) / 7; /* weeks begin on Mondays */
}

/* Week by week, with what happens between two of them. */
static void send_weeks(struct runner *runner)
{
	const struct replay *replay = runner->replay;
	size_t from = replay->receipts_count;
	resume_transfers(runner);
	for (uint32_t week = 1; from < replay->operations_count && !runner_must_stop(runner); week++) {
		size_t to = from + 1;
		while (to < replay->operations_count && week_of(replay, to) == week_of(replay, from))
			to++;
		send_range(runner, from, to);
		if (!runner_must_stop(runner))
			replay_between_weeks(runner, week);
		from = to;
	}
	/* Orders that came late, what their pickers did not find, and their returns. */
	while (!runner_must_stop(runner)) {
		send_range(runner, from, from);
		if (!runner->recounts_count && runner->opened == NONE && runner->late == NONE)
			break;
		replay_between_weeks(runner, UINT32_MAX);
	}
}

bool replay_run(struct replay *replay)
{
	struct runner runner = {.replay = replay,
		.client = cli_client(replay->cli),
		.ready = NONE,
		.lost = NONE,
		.late = NONE,
		.opened = NONE};
	bool complete = false;
	if (!runner.client) {
		replay->stop_code = replay->cli->exit_code;
		return false;
	}
	arena_init(&runner.arena);
	if (!replay->options->unary)
		runner.session = stockbook_session_open(runner.client, replay->options->in_flight);
	progress_start(&runner.progress, "setting up", "lines");
	if (!replay_ensure_places(&runner) || !put_items(&runner))
		goto out;
	progress_end(&runner.progress);
	progress_start(&runner.progress, "replay", "lines");
	send_range(&runner, 0, replay->receipts_count);
	if (replay_is_chain(replay))
		send_weeks(&runner);
	else
		send_range(&runner, replay->receipts_count, replay->operations_count);
	complete = !runner_must_stop(&runner);
out:
	replay->seconds = progress_seconds(&runner.progress);
	progress_end(&runner.progress);
	stockbook_session_close(runner.session);
	arena_release(&runner.arena);
	return complete;
}
