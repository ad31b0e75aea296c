/*
 * What an earlier run of the same command left behind. Calls whose content follows from the file are
 * simply sent again. Two kinds follow from what the book had at that moment: an order that is picked
 * up (what its store had) and a week's transfers (which stores ran low). These are looked for.
 */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/parse.h"
#include "stockbook/v1/ledger.pb-c.h"
#include "stockbook/v1/pickup.pb-c.h"
#include "stockbook/v1/transfer.pb-c.h"

#define PAGE_ROWS 1000

/* ---- Orders ---- */

/* The order was placed by this operation's request. */
static bool is_order_of(struct runner *runner, uint32_t index, const char *order_id)
{
	struct replay *replay = runner->replay;
	char id[STOCKBOOK_REQUEST_ID_SIZE];
	replay_request_id(replay, &replay->operations[index], id);
	Stockbook__V1__ListChangesRequest request = STOCKBOOK__V1__LIST_CHANGES_REQUEST__INIT;
	request.document_id = text_of(order_id);
	request.page_size = 1;
	ProtobufCMessage *message;
	if (!runner_ask(runner, "LedgerService", "ListChanges", &request.base, &message) || !message)
		return false;
	const Stockbook__V1__ListChangesResponse *response =
		(const Stockbook__V1__ListChangesResponse *)message;
	bool same = response->n_changes > 0 && strcmp(response->changes[0]->request_id, id) == 0;
	protobuf_c_message_free_unpacked(message, NULL);
	return same;
}

/* The id of its order, or NULL. */
static const char *find_order(struct runner *runner, uint32_t index)
{
	struct replay *replay = runner->replay;
	Stockbook__V1__ListOrdersRequest request = STOCKBOOK__V1__LIST_ORDERS_REQUEST__INIT;
	request.reference = text_of(replay->invoices[replay->operations[index].invoice].number);
	request.page_size = PAGE_ROWS;
	ProtobufCMessage *message;
	if (!runner_ask(runner, "OrderService", "ListOrders", &request.base, &message) || !message)
		return NULL;
	const Stockbook__V1__ListOrdersResponse *response =
		(const Stockbook__V1__ListOrdersResponse *)message;
	const char *found = NULL;
	for (size_t i = 0; i < response->n_orders && !found; i++)
		if (strcmp(response->orders[i]->channel, replay->options->channel) == 0 &&
			is_order_of(runner, index, response->orders[i]->id))
			found = arena_string(&replay->cli->arena, response->orders[i]->id);
	protobuf_c_message_free_unpacked(message, NULL);
	return found;
}

/* All that it opened, from the beginning: steps that were taken are answered as they were. */
static bool take_documents(struct runner *runner, struct errand *errand, const char *order_id)
{
	Stockbook__V1__ListTransfersRequest transfers = STOCKBOOK__V1__LIST_TRANSFERS_REQUEST__INIT;
	Stockbook__V1__ListPickupsRequest pickups = STOCKBOOK__V1__LIST_PICKUPS_REQUEST__INIT;
	ProtobufCMessage *transfers_message, *pickups_message = NULL;
	transfers.order_id = text_of(order_id);
	transfers.page_size = PAGE_ROWS;
	pickups.order_id = text_of(order_id);
	pickups.page_size = PAGE_ROWS;
	bool ok = runner_ask(runner, "TransferService", "ListTransfers", &transfers.base,
				  &transfers_message) &&
			  transfers_message &&
			  runner_ask(runner, "PickupService", "ListPickups", &pickups.base, &pickups_message) &&
			  pickups_message;
	if (ok) {
		const Stockbook__V1__ListTransfersResponse *first =
			(const Stockbook__V1__ListTransfersResponse *)transfers_message;
		const Stockbook__V1__ListPickupsResponse *second =
			(const Stockbook__V1__ListPickupsResponse *)pickups_message;
		errand_add_all(errand, second->pickups, second->n_pickups, first->transfers,
			first->n_transfers);
	}
	if (transfers_message)
		protobuf_c_message_free_unpacked(transfers_message, NULL);
	if (pickups_message)
		protobuf_c_message_free_unpacked(pickups_message, NULL);
	return ok;
}

void resume_order(struct runner *runner, uint32_t index)
{
	struct replay *replay = runner->replay;
	struct operation *operation = &replay->operations[index];
	operation->order_id = find_order(runner, index);
	if (runner_must_stop(runner))
		return;
	struct errand *errand = errand_new(runner, index);
	if (!operation->order_id || !take_documents(runner, errand, operation->order_id))
		runner_refused(runner, operation_name(operation->kind),
			replay->invoices[operation->invoice].number, operation->count, "REQUEST_ID_REUSED",
			"its request id was used for something else");
	else {
		replay->done[OPERATION_ORDER]++;
		replay->done_lines[OPERATION_ORDER] += operation->count;
		replay->done_units[OPERATION_ORDER] += operation_units(replay, operation);
		replay->story.picked_up++;
	}
	errand_start(errand);
}

/* ---- Transfers ---- */

static bool is_over(const Stockbook__V1__Transfer *transfer)
{
	return transfer->status == STOCKBOOK__V1__TRANSFER_STATUS__TRANSFER_STATUS_RECEIVED ||
		   transfer->status == STOCKBOOK__V1__TRANSFER_STATUS__TRANSFER_STATUS_CLOSED_SHORT;
}

/* Transfers of this replay tell which weeks are behind us; those under way are taken on. */
static void take_transfer(struct runner *runner, const Stockbook__V1__Transfer *transfer)
{
	char tag[9];
	unsigned week;
	if (sscanf(transfer->reference, "restock %8s %u", tag, &week) != 2 ||
		strcmp(tag, runner->tag) != 0)
		return;
	if (week > runner->weeks_known)
		runner->weeks_known = week;
	if (is_over(transfer))
		return;
	struct errand *errand = errand_new(runner, NONE);
	errand_add_transfer(errand, transfer->id, true);
	errand_start(errand);
}

static bool list_transfers(struct runner *runner, const char *source,
	Stockbook__V1__TransferStatus status)
{
	struct arena *arena = &runner->replay->cli->arena;
	Stockbook__V1__ListTransfersRequest request = STOCKBOOK__V1__LIST_TRANSFERS_REQUEST__INIT;
	request.source = text_of(source);
	request.status = status;
	request.page_size = 100;
	do {
		ProtobufCMessage *message;
		if (!runner_ask(runner, "TransferService", "ListTransfers", &request.base, &message) ||
			!message)
			return false;
		const Stockbook__V1__ListTransfersResponse *response =
			(const Stockbook__V1__ListTransfersResponse *)message;
		for (size_t i = 0; i < response->n_transfers; i++)
			take_transfer(runner, response->transfers[i]);
		request.page_token = arena_string(arena, response->next_page_token);
		protobuf_c_message_free_unpacked(message, NULL);
	} while (*request.page_token);
	return true;
}

void resume_transfers(struct runner *runner)
{
	static const Stockbook__V1__TransferStatus statuses[] = {
		STOCKBOOK__V1__TRANSFER_STATUS__TRANSFER_STATUS_UNSPECIFIED,
		STOCKBOOK__V1__TRANSFER_STATUS__TRANSFER_STATUS_RECEIVED,
		STOCKBOOK__V1__TRANSFER_STATUS__TRANSFER_STATUS_CLOSED_SHORT,
	};
	const struct replay *replay = runner->replay;
	char id[STOCKBOOK_REQUEST_ID_SIZE];
	stockbook_request_id_derive(replay->name_space, "restock", id);
	snprintf(runner->tag, sizeof(runner->tag), "%.8s", id);
	for (size_t i = (size_t)replay->options->stores; i < replay->places_count; i++)
		for (size_t j = 0; j < ARRAY_COUNT(statuses); j++)
			if (!list_transfers(runner, replay->places[i].code, statuses[j]))
				return;
	runner_wait_below(runner, 1);
}
