/* Pickups and shipments in answers. */
#include <string.h>

#include "book/fulfilment.h"
#include "book/pickup.h"
#include "book/work.h"

#define KIND(name) STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_##name
#define WORK(name) STOCKBOOK__V1__WORK_KIND__WORK_KIND_##name

static Stockbook__V1__FulfilmentLine *line_message(struct run *run,
	const struct fulfilment_line *line, const char *shelf)
{
	Stockbook__V1__FulfilmentLine *message = arena_alloc(run->arena, sizeof(*message));
	stockbook__v1__fulfilment_line__init(message);
	message->line = line->line;
	message->sku = arena_string(run->arena, line->sku);
	message->quantity = line->quantity;
	message->awaiting = line->awaiting;
	message->to_pick = line->to_pick;
	message->picked = line->picked;
	message->done = line->done;
	message->put_back = line->put_back;
	message->dropped = line->dropped;
	message->shelf = arena_string(run->arena, shelf);
	return message;
}

/* NULL: needed. */
static Stockbook__V1__FulfilmentLine **line_messages(struct run *run,
	const struct fulfilment *fulfilment)
{
	bool here = true;
	Stockbook__V1__FulfilmentLine **lines =
		arena_alloc_array(run->arena, fulfilment->count, sizeof(*lines));
	for (size_t i = 0; i < fulfilment->count; i++) {
		const struct fulfilment_line *line = &fulfilment->lines[i];
		const char *shelf = "";
		if (shelf_of(run, line->sku, fulfilment->row->location, &shelf) == VERDICT_NEED)
			here = false;
		else
			lines[i] = line_message(run, line, shelf);
	}
	return here ? lines : NULL;
}

/* Who has the work that is due on it now; false: needed. *work is NULL when nobody has it. */
static bool find_claim(struct run *run, const struct fulfilment *fulfilment,
	const struct work_row **work)
{
	const struct fulfilment_row *row = fulfilment->row;
	*work = NULL;
	Stockbook__V1__WorkKind kind = fulfilment_work(row);
	if (kind == WORK(UNSPECIFIED) && fulfilment_total(fulfilment).put_back > 0)
		kind = WORK(PUT_BACK);
	if (kind == WORK(UNSPECIFIED))
		return true;
	if (work_find(run, row->part, &row->id, kind, ACCESS_PEEK, work) == VERDICT_NEED)
		return false;
	if (*work && ((*work)->claimed_by[0] == '\0' || (*work)->claimed_until <= run->now_us))
		*work = NULL;
	return true;
}

Stockbook__V1__Pickup *pickup_message(struct run *run, const struct fulfilment *fulfilment)
{
	const struct fulfilment_row *row = fulfilment->row;
	CHECK(row->kind == KIND(PICKUP));
	struct arena *arena = run->arena;
	Stockbook__V1__FulfilmentLine **lines = line_messages(run, fulfilment);
	const struct work_row *claim;
	if (!find_claim(run, fulfilment, &claim) || !lines)
		return NULL;
	Stockbook__V1__Pickup *message = arena_alloc(arena, sizeof(*message));
	stockbook__v1__pickup__init(message);
	message->id = run_id_text(run, &row->id);
	message->order_id = run_id_text(run, &row->order_id);
	message->status = (Stockbook__V1__PickupStatus)row->status;
	message->location = arena_string(arena, row->location);
	message->channel = arena_string(arena, row->channel);
	message->customer = arena_string(arena, row->customer);
	message->reference = arena_string(arena, row->reference);
	message->lines = lines;
	message->n_lines = fulfilment->count;
	message->accept_by = make_timestamp(arena, row->accept_by);
	message->ready_by = make_timestamp(arena, row->ready_by);
	message->collect_by = make_timestamp(arena, row->collect_by);
	if (row->code_hash.size > 0 && row->code_failures < PICKUP_CODE_FAILURES_MAX)
		message->code_attempts_left = PICKUP_CODE_FAILURES_MAX - row->code_failures;
	message->collected_by = arena_string(arena, row->collected_by);
	message->create_time = make_timestamp(arena, row->created_at);
	message->update_time = make_timestamp(arena, row->updated_at);
	if (claim) {
		message->claimed_by = arena_string(arena, claim->claimed_by);
		message->claimed_until = make_timestamp(arena, claim->claimed_until);
	}
	return message;
}

Stockbook__V1__Shipment *shipment_message(struct run *run, const struct fulfilment *fulfilment)
{
	const struct fulfilment_row *row = fulfilment->row;
	CHECK(row->kind == KIND(SHIPMENT));
	struct arena *arena = run->arena;
	Stockbook__V1__FulfilmentLine **lines = line_messages(run, fulfilment);
	const struct work_row *claim;
	if (!find_claim(run, fulfilment, &claim) || !lines)
		return NULL;
	Stockbook__V1__Shipment *message = arena_alloc(arena, sizeof(*message));
	stockbook__v1__shipment__init(message);
	message->id = run_id_text(run, &row->id);
	message->order_id = run_id_text(run, &row->order_id);
	message->status = (Stockbook__V1__ShipmentStatus)row->status;
	message->location = arena_string(arena, row->location);
	message->channel = arena_string(arena, row->channel);
	message->customer = arena_string(arena, row->customer);
	message->reference = arena_string(arena, row->reference);
	message->lines = lines;
	message->n_lines = fulfilment->count;
	message->ship_by = make_timestamp(arena, row->ready_by);
	message->parcels = row->parcels;
	message->carrier = arena_string(arena, row->carrier);
	message->tracking = arena_string(arena, row->tracking);
	message->replaces = run_id_text(run, &row->replaces);
	message->create_time = make_timestamp(arena, row->created_at);
	message->update_time = make_timestamp(arena, row->updated_at);
	if (claim) {
		message->claimed_by = arena_string(arena, claim->claimed_by);
		message->claimed_until = make_timestamp(arena, claim->claimed_until);
	}
	return message;
}
