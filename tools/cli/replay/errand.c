/*
 * Errands: what an order opened, or a transfer, taken through its steps one after the other, as the
 * people of warehouses and stores would. First the transfers, so that the pickups that wait for them
 * have their goods; then each pickup until its customer has collected it.
 *
 * A step's request id follows from its document: in a second run it is answered as in the first.
 */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/parse.h"
#include "stockbook/v1/pickup.pb-c.h"
#include "stockbook/v1/stock.pb-c.h"
#include "stockbook/v1/transfer.pb-c.h"

#define SHORT_PICK_EVERY 25
#define SHORT_RECEIPT_EVERY 20

enum errand_step {
	STEP_APPROVE,
	STEP_DISPATCH,
	STEP_RECEIVE,
	STEP_CLOSE,
	STEP_ACCEPT,
	STEP_PICK,
	STEP_READY,
	STEP_COLLECT,
	STEP_END,
};

static const struct {
	const char *service, *method;
} steps[STEP_END] = {
	[STEP_APPROVE] = {"TransferService", "ApproveTransfer"},
	[STEP_DISPATCH] = {"TransferService", "DispatchTransfer"},
	[STEP_RECEIVE] = {"TransferService", "ReceiveTransfer"},
	[STEP_CLOSE] = {"TransferService", "CloseTransfer"},
	[STEP_ACCEPT] = {"PickupService", "AcceptPickup"},
	[STEP_PICK] = {"PickupService", "PickPickup"},
	[STEP_READY] = {"PickupService", "ReadyPickup"},
	[STEP_COLLECT] = {"PickupService", "CollectPickup"},
};

struct errand_document {
	char id[STOCKBOOK_REQUEST_ID_SIZE];
	enum errand_step step;
};

struct errand {
	struct runner *runner;
	uint32_t order; /* operation, or NONE: a transfer between two weeks */
	struct errand_document *documents;
	size_t count, at;
	bool short_picked; /* one of its pickups was, or none is to be */
	bool left_open;
	/* Of the document at hand: */
	struct recount missing; /* what a picker says is not there */
	bool short_received;    /* some of the transfer does not come */
	char code[32];          /* of a pickup */
	ProtobufCMessage *said; /* a request with the lines to say, in `lines` */
	struct arena lines;
};

struct errand *errand_new(struct runner *runner, uint32_t order)
{
	struct errand *errand = calloc(1, sizeof(*errand));
	CHECK(errand);
	errand->runner = runner;
	errand->order = order;
	arena_init(&errand->lines);
	return errand;
}

static void errand_free(struct errand *errand)
{
	arena_release(&errand->lines);
	free(errand->documents);
	free(errand);
}

static void add(struct errand *errand, const char *id, enum errand_step step)
{
	for (size_t i = 0; i < errand->count; i++)
		if (strcmp(errand->documents[i].id, id) == 0)
			return;
	errand->documents =
		realloc(errand->documents, (errand->count + 1) * sizeof(*errand->documents));
	CHECK(errand->documents);
	struct errand_document *document = &errand->documents[errand->count++];
	snprintf(document->id, sizeof(document->id), "%s", id);
	document->step = step;
}

void errand_find_everything(struct errand *errand)
{
	errand->short_picked = true;
}

void errand_add_transfer(struct errand *errand, const char *id, bool to_approve)
{
	add(errand, id, to_approve ? STEP_APPROVE : STEP_DISPATCH);
}

void errand_add_pickup(struct errand *errand, const char *id)
{
	add(errand, id, STEP_ACCEPT);
}

void errand_add_all(struct errand *errand, Stockbook__V1__Pickup *const *pickups,
	size_t pickups_count, Stockbook__V1__Transfer *const *transfers, size_t transfers_count)
{
	for (size_t i = 0; i < transfers_count; i++)
		errand_add_transfer(errand, transfers[i]->id, false);
	errand->runner->replay->story.order_transfers += (int64_t)transfers_count;
	for (size_t i = 0; i < pickups_count; i++)
		errand_add_pickup(errand, pickups[i]->id);
}

/* ---- Requests ---- */

static char *step_id(struct errand *errand, const struct errand_document *document)
{
	char name[96];
	struct runner *runner = errand->runner;
	char *id = arena_alloc(&runner->arena, STOCKBOOK_REQUEST_ID_SIZE);
	snprintf(name, sizeof(name), "%s %s", steps[document->step].method, document->id);
	stockbook_request_id_derive(runner->replay->name_space, name, id);
	return id;
}

#define REQUEST(type, init)                                                                        \
	type *request = arena_alloc(arena, sizeof(*request));                                          \
	init(request);                                                                                 \
	request->request_id = step_id(errand, document)

static ProtobufCMessage *transfer_request(struct errand *errand,
	const struct errand_document *document)
{
	struct arena *arena = &errand->runner->arena;
	if (document->step == STEP_APPROVE) {
		REQUEST(Stockbook__V1__ApproveTransferRequest,
			stockbook__v1__approve_transfer_request__init);
		request->transfer_id = text_of(document->id);
		return &request->base;
	}
	if (document->step == STEP_DISPATCH) {
		REQUEST(Stockbook__V1__DispatchTransferRequest,
			stockbook__v1__dispatch_transfer_request__init);
		request->transfer_id = text_of(document->id);
		request->carrier = text_of("van");
		return &request->base;
	}
	if (document->step == STEP_RECEIVE) {
		REQUEST(Stockbook__V1__ReceiveTransferRequest,
			stockbook__v1__receive_transfer_request__init);
		request->transfer_id = text_of(document->id);
		if (errand->said) {
			const Stockbook__V1__ReceiveTransferRequest *said =
				(const Stockbook__V1__ReceiveTransferRequest *)errand->said;
			request->n_lines = said->n_lines;
			request->lines = said->lines;
		}
		return &request->base;
	}
	REQUEST(Stockbook__V1__CloseTransferRequest, stockbook__v1__close_transfer_request__init);
	request->transfer_id = text_of(document->id);
	request->reason = STOCKBOOK__V1__TRANSFER_LOSS_REASON__TRANSFER_LOSS_REASON_MISCOUNTED;
	request->note = text_of("never left the warehouse");
	return &request->base;
}

static ProtobufCMessage *collect_request(struct errand *errand,
	const struct errand_document *document)
{
	struct arena *arena = &errand->runner->arena;
	REQUEST(Stockbook__V1__CollectPickupRequest, stockbook__v1__collect_pickup_request__init);
	request->pickup_id = text_of(document->id);
	request->code = text_of(errand->code);
	/* A code is told once. Who made it ready in an earlier run knows it no more. */
	if (!*errand->code) {
		request->identification = arena_alloc(arena, sizeof(*request->identification));
		stockbook__v1__identification__init(request->identification);
		request->identification->name = text_of("the customer");
		request->identification->shown = text_of("order confirmation");
	}
	return &request->base;
}

static ProtobufCMessage *pickup_request(struct errand *errand,
	const struct errand_document *document)
{
	struct arena *arena = &errand->runner->arena;
	if (document->step == STEP_ACCEPT) {
		REQUEST(Stockbook__V1__AcceptPickupRequest, stockbook__v1__accept_pickup_request__init);
		request->pickup_id = text_of(document->id);
		return &request->base;
	}
	if (document->step == STEP_PICK) {
		REQUEST(Stockbook__V1__PickPickupRequest, stockbook__v1__pick_pickup_request__init);
		request->pickup_id = text_of(document->id);
		if (errand->said) {
			const Stockbook__V1__PickPickupRequest *said =
				(const Stockbook__V1__PickPickupRequest *)errand->said;
			request->n_lines = said->n_lines;
			request->lines = said->lines;
			request->remedy = STOCKBOOK__V1__SHORT_REMEDY__SHORT_REMEDY_RE_SOURCE;
		}
		return &request->base;
	}
	if (document->step == STEP_READY) {
		REQUEST(Stockbook__V1__ReadyPickupRequest, stockbook__v1__ready_pickup_request__init);
		request->pickup_id = text_of(document->id);
		return &request->base;
	}
	return collect_request(errand, document);
}

/* ---- What people notice ---- */

/* One unit of the first line is not where it should be. */
static void plan_short_pick(struct errand *errand, const Stockbook__V1__Pickup *pickup)
{
	struct replay *replay = errand->runner->replay;
	int64_t units = 0;
	for (size_t i = 0; i < pickup->n_lines; i++)
		units += pickup->lines[i]->to_pick;
	const struct replay_invoice *invoice =
		&replay->invoices[replay->operations[errand->order].invoice];
	if (errand->short_picked || units < 2 || pickup->lines[0]->to_pick == 0 ||
		replay_dice(replay, "short pick", invoice->number) % SHORT_PICK_EVERY)
		return;
	struct arena *arena = &errand->lines;
	Stockbook__V1__PickPickupRequest *said = arena_alloc(arena, sizeof(*said));
	stockbook__v1__pick_pickup_request__init(said);
	said->lines = arena_alloc_array(arena, pickup->n_lines, sizeof(*said->lines));
	for (size_t i = 0; i < pickup->n_lines; i++) {
		Stockbook__V1__PickedLine *line = arena_alloc(arena, sizeof(*line));
		stockbook__v1__picked_line__init(line);
		line->line = pickup->lines[i]->line;
		line->picked = pickup->lines[i]->to_pick - (i == 0);
		line->short_ = i == 0;
		if (i == 0)
			line->reason = STOCKBOOK__V1__SHORT_REASON__SHORT_REASON_NOT_FOUND;
		if (line->picked || line->short_)
			said->lines[said->n_lines++] = line;
	}
	errand->said = &said->base;
	errand->short_picked = true;
	errand->missing = (struct recount){.place = replay_place_at(replay, pickup->location),
		.item = replay_item_of(replay, pickup->lines[0]->sku),
		.units = 1};
}

/* What the picker did not find: served from elsewhere, or open until somebody has it. */
static void note_short_pick(struct errand *errand, const struct errand_document *document,
	const Stockbook__V1__PickPickupResponse *response)
{
	struct runner *runner = errand->runner;
	struct replay *replay = runner->replay;
	if (!errand->said)
		return;
	errand->said = NULL;
	errand->missing.pickup_id = arena_string(&replay->cli->arena, document->id);
	runner->recounts = arena_grow(&replay->cli->arena, runner->recounts, runner->recounts_count,
		&runner->recounts_capacity, sizeof(*runner->recounts));
	runner->recounts[runner->recounts_count++] = errand->missing;
	replay->story.short_picks++;
	for (size_t i = 0; i < response->n_resourced; i++) {
		const Stockbook__V1__Resourced *to = response->resourced[i];
		if (to->remedy == STOCKBOOK__V1__SHORT_REMEDY__SHORT_REMEDY_RE_SOURCE) {
			replay->story.resourced += to->quantity;
			errand_add_pickup(errand, to->document_id);
		} else {
			replay->story.left_open += to->quantity;
			errand->left_open = true;
		}
	}
}

/* The first line of a few transfers has a unit less than was said. */
static void plan_short_receipt(struct errand *errand, const Stockbook__V1__Transfer *transfer)
{
	const struct replay *replay = errand->runner->replay;
	if (errand->order != NONE || transfer->n_lines == 0 || transfer->lines[0]->in_transit == 0 ||
		replay_dice(replay, transfer->destination, transfer->reference) % SHORT_RECEIPT_EVERY)
		return;
	struct arena *arena = &errand->lines;
	Stockbook__V1__ReceiveTransferRequest *said = arena_alloc(arena, sizeof(*said));
	stockbook__v1__receive_transfer_request__init(said);
	said->lines = arena_alloc_array(arena, transfer->n_lines, sizeof(*said->lines));
	for (size_t i = 0; i < transfer->n_lines; i++) {
		Stockbook__V1__ReceivedLine *line = arena_alloc(arena, sizeof(*line));
		stockbook__v1__received_line__init(line);
		line->line = transfer->lines[i]->line;
		line->received = transfer->lines[i]->in_transit - (i == 0);
		if (line->received)
			said->lines[said->n_lines++] = line;
	}
	/* No lines would mean all of them. */
	if (said->n_lines == 0)
		return;
	errand->said = &said->base;
	errand->short_received = true;
}

static void note_transfer(struct errand *errand, const Stockbook__V1__Transfer *transfer)
{
	struct chain_story *story = &errand->runner->replay->story;
	if (errand->order != NONE)
		return;
	story->transfers++;
	story->transfer_lines += (int64_t)transfer->n_lines;
	for (size_t i = 0; i < transfer->n_lines; i++)
		story->transfer_units += transfer->lines[i]->received;
	story->closed_short +=
		transfer->status == STOCKBOOK__V1__TRANSFER_STATUS__TRANSFER_STATUS_CLOSED_SHORT;
}

/* ---- One step after the other ---- */

static void go_on(struct errand *errand);

static void next_step(struct errand *errand)
{
	struct errand_document *document = &errand->documents[errand->at];
	bool over = document->step == STEP_COLLECT || document->step == STEP_CLOSE ||
				(document->step == STEP_RECEIVE && !errand->short_received);
	if (!over) {
		document->step++;
		return;
	}
	errand->at++;
	errand->code[0] = '\0';
	errand->short_received = false;
	errand->said = NULL;
}

static void take_answer(struct errand *errand, const ProtobufCMessage *response)
{
	struct errand_document *document = &errand->documents[errand->at];
	struct chain_story *story = &errand->runner->replay->story;
	switch (document->step) {
	case STEP_DISPATCH:
		plan_short_receipt(errand,
			((const Stockbook__V1__DispatchTransferResponse *)response)->transfer);
		break;
	case STEP_RECEIVE:
		errand->said = NULL;
		if (!errand->short_received)
			note_transfer(errand,
				((const Stockbook__V1__ReceiveTransferResponse *)response)->transfer);
		break;
	case STEP_CLOSE:
		note_transfer(errand, ((const Stockbook__V1__CloseTransferResponse *)response)->transfer);
		break;
	case STEP_ACCEPT:
		plan_short_pick(errand, ((const Stockbook__V1__AcceptPickupResponse *)response)->pickup);
		break;
	case STEP_PICK:
		note_short_pick(errand, document, (const Stockbook__V1__PickPickupResponse *)response);
		break;
	case STEP_READY:
		snprintf(errand->code, sizeof(errand->code), "%s",
			((const Stockbook__V1__ReadyPickupResponse *)response)->code);
		break;
	case STEP_COLLECT: {
		const Stockbook__V1__CollectPickupResponse *collected =
			(const Stockbook__V1__CollectPickupResponse *)response;
		if (collected->outcome != STOCKBOOK__V1__COLLECT_OUTCOME__COLLECT_OUTCOME_COLLECTED)
			runner_refused(errand->runner, "CollectPickup", document->id, 1, "NOT_COLLECTED",
				"the code was not right");
		story->pickups_collected++;
		for (size_t i = 0; i < collected->pickup->n_lines; i++)
			story->units_collected += collected->pickup->lines[i]->done;
		break;
	}
	case STEP_APPROVE:
	case STEP_END:
		break;
	}
}

static void on_step(void *context, const ProtobufCMessage *response,
	const struct stockbook_error *error)
{
	struct errand *errand = context;
	struct errand_document *document = &errand->documents[errand->at];
	/* An earlier run collected it with the code that it was told. */
	bool done_before = document->step == STEP_COLLECT && error->code &&
					   strcmp(error->reason, "REQUEST_ID_REUSED") == 0;
	if (error->code == 0) {
		take_answer(errand, response);
	} else if (runner_stopped_by(errand->runner, error)) {
		errand_free(errand);
		return;
	} else if (!done_before) {
		runner_refused(errand->runner, steps[document->step].method, document->id, 1,
			error->reason[0] ? error->reason : stockbook_code_name(error->code), error->message);
		document->step = STEP_COLLECT; /* the end of this document */
	}
	next_step(errand);
	go_on(errand);
}

static void finish(struct errand *errand)
{
	struct runner *runner = errand->runner;
	if (errand->order != NONE && errand->left_open)
		runner_push(runner, &runner->opened, errand->order);
	else if (errand->order != NONE)
		runner_order_ended(runner, errand->order);
	errand_free(errand);
}

static void go_on(struct errand *errand)
{
	struct runner *runner = errand->runner;
	if (errand->at == errand->count) {
		finish(errand);
		return;
	}
	if (runner_must_stop(runner)) {
		errand_free(errand);
		return;
	}
	const struct errand_document *document = &errand->documents[errand->at];
	const ProtobufCMessage *request = document->step < STEP_ACCEPT
										  ? transfer_request(errand, document)
										  : pickup_request(errand, document);
	runner_call(runner,
		stockbook_method(steps[document->step].service, steps[document->step].method), request,
		on_step, errand);
	arena_reset(&runner->arena);
}

void errand_start(struct errand *errand)
{
	go_on(errand);
}

/* ---- What the store has ---- */

struct asked_store {
	struct runner *runner;
	uint32_t order;
	stockbook_done placed;
	void *context;
};

#define SKUS_ASKED_MAX 1000

static void place_order(const struct asked_store *asked)
{
	struct runner *runner = asked->runner;
	const struct operation *operation = &runner->replay->operations[asked->order];
	ProtobufCMessage *request = replay_request(runner->replay, &runner->arena, operation);
	runner_call(runner, replay_method(operation), request, asked->placed, asked->context);
	arena_reset(&runner->arena);
}

static void forget_what_is_there(struct replay *replay, const struct operation *operation)
{
	for (uint32_t i = 0; i < operation->count; i++)
		replay->items[replay->lines[replay->pieces[operation->first + i].line].item].there = 0;
}

static void on_availability(void *context, const ProtobufCMessage *message,
	const struct stockbook_error *error)
{
	struct asked_store *asked = context;
	struct runner *runner = asked->runner;
	struct replay *replay = runner->replay;
	forget_what_is_there(replay, &replay->operations[asked->order]);
	const Stockbook__V1__GetAvailabilityResponse *response =
		(const Stockbook__V1__GetAvailabilityResponse *)message;
	if (error->code && runner_stopped_by(runner, error)) {
		free(asked->context);
		free(asked);
		return;
	}
	for (size_t i = 0; response && i < response->n_availabilities; i++) {
		struct replay_item *item = replay_item_of(replay, response->availabilities[i]->sku);
		if (item)
			item->there = response->availabilities[i]->available_to_sell;
	}
	place_order(asked);
	free(asked);
}

void pickup_order_start(struct runner *runner, uint32_t index, stockbook_done placed, void *context)
{
	struct replay *replay = runner->replay;
	const struct operation *operation = &replay->operations[index];
	if (operation->again) {
		/* The store had less than it said: everything may come from elsewhere. */
		forget_what_is_there(replay, operation);
		place_order(&(struct asked_store){runner, index, placed, context});
		return;
	}
	struct asked_store *asked = malloc(sizeof(*asked));
	CHECK(asked);
	*asked = (struct asked_store){runner, index, placed, context};
	Stockbook__V1__GetAvailabilityRequest request = STOCKBOOK__V1__GET_AVAILABILITY_REQUEST__INIT;
	char *location = text_of(replay->places[operation->place].code);
	request.channel = text_of(replay->options->channel);
	request.locations = &location;
	request.n_locations = 1;
	request.skus = arena_alloc_array(&runner->arena, operation->count, sizeof(char *));
	for (uint32_t i = 0; i < operation->count && request.n_skus < SKUS_ASKED_MAX; i++) {
		struct replay_item *item =
			&replay->items[replay->lines[replay->pieces[operation->first + i].line].item];
		if (item->asked_for == index + 1)
			continue;
		item->asked_for = index + 1;
		request.skus[request.n_skus++] = text_of(item->code);
	}
	runner_call(runner, stockbook_method("StockService", "GetAvailability"), &request.base,
		on_availability, asked);
	arena_reset(&runner->arena);
}
