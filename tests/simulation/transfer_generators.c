/* Requests about transfers and work: partial, short, over and damaged receipts, cancelling before
 * and after the dispatch, claims that clash. */
#include "simulation/generator.h"

#include "google/protobuf/duration.pb-c.h"
#include "stockbook/v1/transfer.pb-c.h"
#include "stockbook/v1/work.pb-c.h"

#define MAKE(world, Type, type)                                                                    \
	Stockbook__V1__##Type *type = arena_alloc(world_arena(world), sizeof(*type));                  \
	stockbook__v1__##type##__init(type)
#define TRANSFER(name) STOCKBOOK__V1__TRANSFER_STATUS__TRANSFER_STATUS_##name

/* ---- Transfers ---- */

static const struct transfer_row *any_transfer(struct world *world, int32_t status)
{
	const struct transfer_row *row = NULL;
	for (int tries = 0; tries < 40; tries++) {
		row = world_row(world, TABLE(transfer));
		if (!row || row->status == status)
			break;
	}
	return row;
}

static const struct transfer_line_row *line_of(struct world *world, const struct transfer_row *row)
{
	for (int tries = 0; tries < 40; tries++) {
		const struct transfer_line_row *line = world_row(world, TABLE(transfer_line));
		if (line && uuid_compare(&line->transfer_id, &row->id) == 0)
			return line;
	}
	return NULL;
}

static void *request_transfer(struct world *world)
{
	MAKE(world, RequestTransferRequest, request_transfer_request);
	request_transfer_request->source = world_location(world);
	request_transfer_request->destination = world_location(world);
	request_transfer_request->n_lines = 1 + world_random(world, 2);
	request_transfer_request->lines =
		arena_alloc_array(world_arena(world), 2, sizeof(*request_transfer_request->lines));
	for (size_t i = 0; i < request_transfer_request->n_lines; i++) {
		MAKE(world, RequestTransferLine, request_transfer_line);
		request_transfer_line->sku = world_sku(world);
		request_transfer_line->quantity = world_quantity(world, 8);
		request_transfer_request->lines[i] = request_transfer_line;
	}
	request_transfer_request->approve = world_chance(world, 60);
	request_transfer_request->allow_partial = world_chance(world, 50);
	return request_transfer_request;
}

#define TRANSFER_STEP(name, Type, type, status, ...)                                               \
	static void *name(struct world *world)                                                         \
	{                                                                                              \
		const struct transfer_row *row = any_transfer(world, TRANSFER(status));                    \
		if (!row)                                                                                  \
			return NULL;                                                                           \
		MAKE(world, Type, type);                                                                   \
		type->transfer_id = world_id(world, &row->id);                                             \
		__VA_ARGS__;                                                                               \
		return type;                                                                               \
	}

static Stockbook__V1__DispatchedLine **make_dispatched(struct world *world,
	const struct transfer_row *row, size_t *count)
{
	*count = 0;
	const struct transfer_line_row *line = line_of(world, row);
	if (!line || world_chance(world, 50))
		return NULL;
	Stockbook__V1__DispatchedLine **lines =
		arena_alloc_array(world_arena(world), 1, sizeof(*lines));
	MAKE(world, DispatchedLine, dispatched_line);
	dispatched_line->line = line->line;
	dispatched_line->quantity = (int64_t)world_random(world, (uint64_t)line->allocated + 2);
	if (world_chance(world, 40)) {
		dispatched_line->short_ = world_quantity(world, 3);
		dispatched_line->reason = (Stockbook__V1__ShortReason)(1 + world_random(world, 2));
	}
	lines[(*count)++] = dispatched_line;
	return lines;
}

/* Less, all, or more than what is on its way. */
static Stockbook__V1__ReceivedLine **make_received(struct world *world,
	const struct transfer_row *row, size_t *count)
{
	*count = 0;
	const struct transfer_line_row *line = line_of(world, row);
	if (!line || world_chance(world, 40))
		return NULL;
	Stockbook__V1__ReceivedLine **lines = arena_alloc_array(world_arena(world), 1, sizeof(*lines));
	MAKE(world, ReceivedLine, received_line);
	received_line->line = line->line;
	received_line->received = (int64_t)world_random(world, (uint64_t)line->in_transit + 2);
	if (world_chance(world, 30))
		received_line->damaged = (int64_t)world_random(world, (uint64_t)line->in_transit + 1);
	lines[(*count)++] = received_line;
	return lines;
}

TRANSFER_STEP(approve, ApproveTransferRequest, approve_transfer_request, DRAFT,
	approve_transfer_request->allow_partial = world_chance(world, 50))
TRANSFER_STEP(dispatch, DispatchTransferRequest, dispatch_transfer_request, READY,
			  dispatch_transfer_request->lines = make_dispatched(world, row,
				  &dispatch_transfer_request->n_lines);
			  dispatch_transfer_request->final = world_chance(world, 40))
TRANSFER_STEP(receive, ReceiveTransferRequest, receive_transfer_request, IN_TRANSIT,
	receive_transfer_request->lines = make_received(world, row, &receive_transfer_request->n_lines))
TRANSFER_STEP(receive_rest, ReceiveTransferRequest, receive_transfer_request, PARTIALLY_RECEIVED,
	receive_transfer_request->lines = make_received(world, row, &receive_transfer_request->n_lines))
TRANSFER_STEP(close_short, CloseTransferRequest, close_transfer_request, PARTIALLY_RECEIVED,
	close_transfer_request->reason = (Stockbook__V1__TransferLossReason)(1 +
																		 world_random(world, 3)))
TRANSFER_STEP(cancel_ready, CancelTransferRequest, cancel_transfer_request, READY, )
TRANSFER_STEP(cancel_under_way, CancelTransferRequest, cancel_transfer_request, IN_TRANSIT,
	cancel_transfer_request->write_off = world_chance(world, 50))
TRANSFER_STEP(step_back, StepBackTransferRequest, step_back_transfer_request, READY, )
TRANSFER_STEP(get, GetTransferRequest, get_transfer_request, IN_TRANSIT, )

static void *list(struct world *world)
{
	MAKE(world, ListTransfersRequest, list_transfers_request);
	if (world_chance(world, 50))
		list_transfers_request->source = world_location(world);
	else
		list_transfers_request->destination = world_location(world);
	if (world_chance(world, 50))
		list_transfers_request->status =
			(Stockbook__V1__TransferStatus)(1 + world_random(world, 7));
	list_transfers_request->page_size = (int32_t)world_random(world, 5);
	return list_transfers_request;
}

/* ---- Work ---- */

static char *make_worker(struct world *world)
{
	return world_text(world, world_chance(world, 50) ? "anna" : "ben");
}

static void *list_work(struct world *world)
{
	MAKE(world, ListWorkRequest, list_work_request);
	list_work_request->location = world_location(world);
	list_work_request->overdue_only = world_chance(world, 20);
	list_work_request->unclaimed_only = world_chance(world, 20);
	list_work_request->with_lines = world_chance(world, 50);
	list_work_request->page_size = (int32_t)world_random(world, 5);
	return list_work_request;
}

static void *summarise(struct world *world)
{
	MAKE(world, SummariseWorkRequest, summarise_work_request);
	summarise_work_request->location = world_location(world);
	return summarise_work_request;
}

static void *claim(struct world *world)
{
	MAKE(world, ClaimWorkRequest, claim_work_request);
	const struct work_row *row = world_row(world, TABLE(work));
	claim_work_request->location = row ? world_text(world, row->location) : world_location(world);
	claim_work_request->kind = row ? (Stockbook__V1__WorkKind)row->kind
								   : (Stockbook__V1__WorkKind)(1 + world_random(world, 11));
	claim_work_request->worker = make_worker(world);
	claim_work_request->most = (int32_t)world_random(world, 4);
	if (row && world_chance(world, 20)) {
		claim_work_request->n_document_ids = 1;
		claim_work_request->document_ids = arena_alloc_array(world_arena(world), 1, sizeof(char *));
		claim_work_request->document_ids[0] = world_id(world, &row->document_id);
	}
	claim_work_request->claim_for =
		arena_alloc(world_arena(world), sizeof(*claim_work_request->claim_for));
	google__protobuf__duration__init(claim_work_request->claim_for);
	claim_work_request->claim_for->seconds = 60;
	return claim_work_request;
}

static void *release(struct world *world)
{
	MAKE(world, ReleaseWorkRequest, release_work_request);
	const struct work_row *row = world_row(world, TABLE(work));
	release_work_request->location = row ? world_text(world, row->location) : world_location(world);
	release_work_request->worker = make_worker(world);
	return release_work_request;
}

static void *record_recount(struct world *world)
{
	MAKE(world, RecordRecountRequest, record_recount_request);
	const struct work_row *row = world_row(world, TABLE(work));
	bool waiting = row && row->sku[0] && world_chance(world, 80);
	record_recount_request->location =
		waiting ? world_text(world, row->location) : world_location(world);
	record_recount_request->sku = waiting ? world_text(world, row->sku) : world_sku(world);
	record_recount_request->on_hand = (int64_t)world_random(world, 30);
	return record_recount_request;
}

static void *request_recount(struct world *world)
{
	MAKE(world, RequestRecountRequest, request_recount_request);
	request_recount_request->location = world_location(world);
	request_recount_request->sku = world_sku(world);
	return request_recount_request;
}

/* clang-format off */
const struct generator transfer_generators[] = {
	{"TransferService/RequestTransfer", 8, request_transfer},
	{"TransferService/ApproveTransfer", 5, approve},
	{"TransferService/DispatchTransfer", 10, dispatch},
	{"TransferService/ReceiveTransfer", 8, receive},
	{"TransferService/ReceiveTransfer", 6, receive_rest},
	{"TransferService/CloseTransfer", 3, close_short},
	{"TransferService/CancelTransfer", 1, cancel_ready},
	{"TransferService/CancelTransfer", 2, cancel_under_way},
	{"TransferService/StepBackTransfer", 2, step_back},
	{"TransferService/GetTransfer", 2, get},
	{"TransferService/ListTransfers", 2, list},
	{"WorkService/ListWork", 4, list_work},
	{"WorkService/SummariseWork", 2, summarise},
	{"WorkService/ClaimWork", 6, claim},
	{"WorkService/ReleaseWork", 2, release},
	{"WorkService/RecordRecount", 3, record_recount},
	{"WorkService/RequestRecount", 1, request_recount},
	{0},
};
/* clang-format on */
