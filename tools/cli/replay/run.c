/*
 * Sends everything, many calls in flight.
 *
 * First what must be there (location, channel, items), then all receipts, then the trade in the
 * order of the file. A return waits for its order; everything else may overtake.
 */
#include "replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/parse.h"
#include "cli/progress.h"
#include "stockbook/v1/channel.pb-c.h"
#include "stockbook/v1/item.pb-c.h"
#include "stockbook/v1/location.pb-c.h"
#include "stockbook/v1/order.pb-c.h"

/* Long enough to sit out a restart of the server. */
#define DEADLINE_MS 120000

struct runner {
	struct replay *replay;
	struct stockbook_client *client;
	struct stockbook_session *session; /* NULL: each call goes alone */
	struct progress progress;
	struct arena arena; /* of the request that is being built */
	uint32_t ready;     /* returns whose order is there, by operation.next */
	size_t ended;       /* operations */
	int64_t lines_ended;
	size_t items_pending;
};

struct sent {
	struct runner *runner;
	uint32_t operation;
};

static bool must_stop(const struct runner *runner)
{
	return runner->replay->stop || interrupted();
}

static void stop(struct runner *runner, const struct stockbook_error *error)
{
	struct replay *replay = runner->replay;
	if (!replay->stop) {
		progress_end(&runner->progress);
		cli_explain(replay->cli, error);
		replay->stop_code = exit_code_of(error);
	}
	replay->stop = true;
}

static void note_refusal(struct runner *runner, const struct operation *operation,
	const char *reason, const char *message)
{
	struct replay *replay = runner->replay;
	struct arena *arena = &replay->cli->arena;
	struct refusal *refusal = NULL;
	for (size_t i = 0; i < replay->refusals_count && !refusal; i++)
		if (replay->refusals[i].kind == operation->kind &&
			strcmp(replay->refusals[i].reason, reason) == 0)
			refusal = &replay->refusals[i];
	if (!refusal) {
		replay->refusals = arena_grow(arena, replay->refusals, replay->refusals_count,
			&replay->refusals_capacity, sizeof(*refusal));
		refusal = &replay->refusals[replay->refusals_count++];
		*refusal = (struct refusal){.kind = operation->kind,
			.reason = arena_string(arena, reason),
			.example = operation->invoice == NONE
						   ? arena_string(arena, message)
						   : arena_printf(arena, "%s: %s",
								 replay->invoices[operation->invoice].number, message)};
	}
	refusal->count++;
	refusal->lines += operation->count;
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

static void on_done(void *context, const ProtobufCMessage *response,
	const struct stockbook_error *error)
{
	struct sent *sent = context;
	struct runner *runner = sent->runner;
	struct replay *replay = runner->replay;
	struct operation *operation = &replay->operations[sent->operation];
	free(sent);
	if (error->code == 0) {
		operation->state = OPERATION_DONE;
		replay->done[operation->kind]++;
		replay->done_lines[operation->kind] += operation->count;
		replay->done_units[operation->kind] += operation_units(replay, operation);
		if (operation->kind == OPERATION_ORDER)
			operation->order_id = arena_string(&replay->cli->arena,
				((const Stockbook__V1__PlaceOrderResponse *)response)->order->id);
	} else if (exit_code_of(error) == EXIT_CODE_UNAVAILABLE ||
			   exit_code_of(error) == EXIT_CODE_NOT_ALLOWED) {
		operation->state = OPERATION_PLANNED;
		stop(runner, error);
		return;
	} else {
		operation->state = OPERATION_REFUSED;
		note_refusal(runner, operation,
			error->reason[0] ? error->reason : stockbook_code_name(error->code), error->message);
	}
	runner->ended++;
	runner->lines_ended += operation->count;
	release_waiting(runner, operation);
}

static void start_call(struct runner *runner, const struct stockbook_method *method,
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
	ProtobufCMessage *request = replay_request(replay, &runner->arena, operation);
	start_call(runner, replay_method(operation), request, on_done, sent);
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
		operation->state = OPERATION_REFUSED;
		note_refusal(runner, operation, "ORDER_REFUSED", "the order it belongs to was refused");
		runner->ended++;
		runner->lines_ended += operation->count;
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

static void wait_below(struct runner *runner, size_t in_flight)
{
	while (stockbook_client_in_flight(runner->client) >= in_flight) {
		stockbook_client_poll(runner->client, 100);
		show_progress(runner);
	}
}

static uint32_t take_ready(struct runner *runner)
{
	uint32_t index = runner->ready;
	if (index != NONE) {
		runner->ready = runner->replay->operations[index].next;
		runner->replay->operations[index].next = NONE;
	}
	return index;
}

static void send_range(struct runner *runner, size_t from, size_t to)
{
	size_t window = (size_t)runner->replay->options->in_flight;
	size_t next = from;
	while (!must_stop(runner)) {
		uint32_t ready = take_ready(runner);
		if (ready != NONE)
			start_operation(runner, ready);
		else if (next < to)
			start_operation(runner, (uint32_t)next++);
		else if (stockbook_client_in_flight(runner->client))
			stockbook_client_poll(runner->client, 100);
		else
			break;
		wait_below(runner, window);
		show_progress(runner);
	}
	/* What was begun is answered, also when we stop. */
	wait_below(runner, 1);
}

/* What must be there. */

/* True when the document exists or could be made; get and put are methods of one service. */
static bool ensure(struct runner *runner, const char *service, const char *get,
	const ProtobufCMessage *get_request, const char *put, ProtobufCMessage *put_request)
{
	struct stockbook_error error;
	ProtobufCMessage *response =
		stockbook_call(runner->client, stockbook_method(service, get), get_request, 0, &error);
	bool absent = !response && strcmp(stockbook_code_name(error.code), "NOT_FOUND") == 0;
	if (!response && !absent)
		stop(runner, &error);
	stockbook_error_release(&error);
	if (absent)
		response = cli_call(runner->replay->cli, service, put, put_request);
	if (absent && !response) {
		runner->replay->stop = true;
		runner->replay->stop_code = runner->replay->cli->exit_code;
	}
	if (response)
		protobuf_c_message_free_unpacked(response, NULL);
	return response != NULL;
}

static bool ensure_place(struct runner *runner)
{
	const struct replay_options *options = runner->replay->options;
	Stockbook__V1__GetLocationRequest get = STOCKBOOK__V1__GET_LOCATION_REQUEST__INIT;
	Stockbook__V1__PutLocationRequest put = STOCKBOOK__V1__PUT_LOCATION_REQUEST__INIT;
	Stockbook__V1__Location location = STOCKBOOK__V1__LOCATION__INIT;
	Stockbook__V1__GetChannelRequest get_channel = STOCKBOOK__V1__GET_CHANNEL_REQUEST__INIT;
	Stockbook__V1__PutChannelRequest put_channel = STOCKBOOK__V1__PUT_CHANNEL_REQUEST__INIT;
	Stockbook__V1__Channel channel = STOCKBOOK__V1__CHANNEL__INIT;
	get.code = text_of(options->location);
	location.code = text_of(options->location);
	location.name = text_of("Warehouse of a replayed trade");
	location.kind = STOCKBOOK__V1__LOCATION_KIND__LOCATION_KIND_WAREHOUSE;
	location.time_zone = text_of("Europe/London");
	location.ships = 1;
	location.takes_returns = 1;
	put.location = &location;
	get_channel.code = text_of(options->channel);
	channel.code = text_of(options->channel);
	channel.name = text_of("Replayed trade");
	channel.kind = STOCKBOOK__V1__CHANNEL_KIND__CHANNEL_KIND_WEB;
	put_channel.channel = &channel;
	return ensure(runner, "LocationService", "GetLocation", &get.base, "PutLocation", &put.base) &&
		   ensure(runner, "ChannelService", "GetChannel", &get_channel.base, "PutChannel",
			   &put_channel.base);
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
		stop(runner, error);
	runner->items_pending--;
}

static bool put_items(struct runner *runner)
{
	struct replay *replay = runner->replay;
	size_t known_count;
	const char **known = known_skus(runner, &known_count);
	if (!known)
		return false;
	for (size_t i = 0; i < replay->items_count && !must_stop(runner); i++) {
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
		start_call(runner, stockbook_method("ItemService", "PutItem"), &request.base, on_item,
			runner);
		wait_below(runner, (size_t)replay->options->in_flight);
	}
	wait_below(runner, 1);
	return !must_stop(runner);
}

bool replay_run(struct replay *replay)
{
	struct runner runner = {.replay = replay, .client = cli_client(replay->cli), .ready = NONE};
	bool complete = false;
	if (!runner.client) {
		replay->stop_code = replay->cli->exit_code;
		return false;
	}
	arena_init(&runner.arena);
	if (!replay->options->unary)
		runner.session = stockbook_session_open(runner.client, replay->options->in_flight);
	progress_start(&runner.progress, "setting up", "lines");
	if (!ensure_place(&runner) || !put_items(&runner))
		goto out;
	progress_end(&runner.progress);
	progress_start(&runner.progress, "replay", "lines");
	send_range(&runner, 0, replay->receipts_count);
	send_range(&runner, replay->receipts_count, replay->operations_count);
	complete = !must_stop(&runner);
out:
	replay->seconds = progress_seconds(&runner.progress);
	progress_end(&runner.progress);
	stockbook_session_close(runner.session);
	arena_release(&runner.arena);
	return complete;
}
