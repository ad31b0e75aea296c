/* What happened to an order, its pickups, its shipments and its transfers. Reading locks nothing. */
#include "book/order.h"

#define REASON(name) STOCKBOOK__V1__REASON__REASON_##name
#define EVENTS_MAX 10000
#define DOCUMENTS_MAX 1000

/* Of each kind; more than that are not followed. */
static const struct scan_shape fulfilments_shape = {
	.name = "order_fulfilments",
	.table = TABLE(fulfilment),
	.conditions = {{"part", SCAN_EQUAL, 0}, {"order_id", SCAN_EQUAL, 0}},
	.order = {"id"},
};
static const struct scan_shape transfers_shape = {
	.name = "order_transfers",
	.table = TABLE(transfer),
	.conditions = {{"order_id", SCAN_EQUAL, 0}},
	.order = {"id"},
};
static const struct scan_shape changes_shape = {
	.name = "document_changes",
	.table = TABLE(change),
	.conditions = {{"document_id", SCAN_EQUAL, 0}, {"part", SCAN_EQUAL, 0}},
	.order = {"sequence"},
};

struct history {
	const struct change_row **rows;
	size_t count;
	size_t capacity;
	bool truncated;
};

/* A step is noted in every part that it moved stock in; the document's own part has them all. False:
 * needed. */
static bool add_changes(struct run *run, struct history *history, int32_t part,
	const struct uuid *id)
{
	struct scan scan = {.shape = &changes_shape, .limit = EVENTS_MAX + 1};
	scan.values[0] = (struct scan_value){.present = true, .uuid = *id};
	scan.values[1] = (struct scan_value){.present = true, .number = part};
	const struct scan_result *result = workset_scan(run->set, &scan);
	if (!result)
		return false;
	for (size_t i = 0; i < result->count; i++) {
		history->rows = arena_grow(run->arena, history->rows, history->count, &history->capacity,
			sizeof(*history->rows));
		history->rows[history->count++] = result->rows[i];
	}
	return true;
}

static bool is_elsewhere(const struct change_row *row)
{
	return row->document_kind == STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_TRANSFER;
}

/* By time; what happened in one call in the order of the book. Sequences of two parts say nothing of
 * each other: transfers, which lie in the parts of their sources, come after what they are for. */
static int row_order(const void *a, const void *b)
{
	const struct change_row *x = *(const struct change_row *const *)a;
	const struct change_row *y = *(const struct change_row *const *)b;
	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	if (is_elsewhere(x) != is_elsewhere(y))
		return is_elsewhere(y) ? -1 : 1;
	if (x->part != y->part)
		return x->part < y->part ? -1 : 1;
	return (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

static Stockbook__V1__OrderEvent *event_message(struct run *run, const struct change_row *row)
{
	struct arena *arena = run->arena;
	Stockbook__V1__OrderEvent *message = arena_alloc(arena, sizeof(*message));
	stockbook__v1__order_event__init(message);
	message->time = make_timestamp(arena, row->at);
	message->document_kind = (Stockbook__V1__DocumentKind)row->document_kind;
	message->document_id = run_id_text(run, &row->document_id);
	message->step = arena_string(arena, row->step);
	message->status_before = arena_string(arena, row->status_before);
	message->status_after = arena_string(arena, row->status_after);
	message->location = arena_string(arena, row->location);
	message->channel = arena_string(arena, row->channel);
	message->actor = arena_string(arena, row->actor);
	message->note = arena_string(arena, row->note);
	return message;
}

/* False: needed. */
static bool collect(struct run *run, const struct customer_order_row *order,
	struct history *history)
{
	bool here = add_changes(run, history, order->part, &order->id);
	struct scan scan = {.shape = &fulfilments_shape, .limit = DOCUMENTS_MAX};
	scan.values[0] = (struct scan_value){.present = true, .number = order->part};
	scan.values[1] = (struct scan_value){.present = true, .uuid = order->id};
	const struct scan_result *fulfilments = workset_scan(run->set, &scan);
	struct scan by_order = {.shape = &transfers_shape, .limit = DOCUMENTS_MAX};
	by_order.values[0] = (struct scan_value){.present = true, .uuid = order->id};
	const struct scan_result *transfers = workset_scan(run->set, &by_order);
	if (!fulfilments || !transfers)
		return false;
	history->truncated = fulfilments->count == DOCUMENTS_MAX || transfers->count == DOCUMENTS_MAX;
	for (size_t i = 0; i < fulfilments->count; i++) {
		const struct fulfilment_row *row = fulfilments->rows[i];
		here = add_changes(run, history, row->part, &row->id) && here;
	}
	for (size_t i = 0; i < transfers->count; i++) {
		const struct transfer_row *row = transfers->rows[i];
		here = add_changes(run, history, row->part, &row->id) && here;
	}
	return here;
}

enum verdict order_history(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__GetOrderHistoryRequest *request = request_;
	Stockbook__V1__GetOrderHistoryResponse *response = response_;
	struct customer_order_row key = {0};
	if (!uuid_parse(request->order_id, &key.id))
		return refuse_field(run, "order_id", "'%s' is not a UUID", request->order_id);
	key.part = (int32_t)uuid_part(&key.id);
	const struct customer_order_row *row;
	enum lookup found =
		workset_find(run->set, TABLE(customer_order), &key, ACCESS_PEEK, (const void **)&row);
	if (found == LOOKUP_ABSENT) {
		refuse(run, REASON(ORDER_NOT_FOUND), "order '%s' not found", request->order_id);
		refuse_with(run, "order_id", "%s", request->order_id);
		return VERDICT_REFUSED;
	}
	/* The rest can be asked for by the id alone, in the same round. */
	struct history history = {0};
	bool here = collect(run, &key, &history);
	if (found == LOOKUP_NEEDED || !here)
		return VERDICT_NEED;
	if (history.count > 1)
		qsort(history.rows, history.count, sizeof(*history.rows), row_order);
	response->truncated = history.truncated || history.count > EVENTS_MAX;
	size_t count = history.count < EVENTS_MAX ? history.count : EVENTS_MAX;
	response->events = arena_alloc_array(run->arena, count, sizeof(*response->events));
	for (size_t i = 0; i < count; i++)
		response->events[i] = event_message(run, history.rows[i]);
	response->n_events = count;
	return VERDICT_DONE;
}
