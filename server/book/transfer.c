/* Transfers: the machine, the status derived from the lines, and what all steps share. */
#include "book/transfer.h"

#include <string.h>

#include "book/sourcing.h"
#include "book/work.h"

#define STATUS(name) STOCKBOOK__V1__TRANSFER_STATUS__TRANSFER_STATUS_##name
#define REASON(name) STOCKBOOK__V1__REASON__REASON_##name
#define STATE(name) STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_##name
#define MOVED_BY(name) STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_##name
#define WORK(name) STOCKBOOK__V1__WORK_KIND__WORK_KIND_##name

#define MINUTE_US (INT64_C(60) * 1000000)
#define DAY_MINUTES (24 * 60)

/* ---- The machine ---- */

static const char *const steps[] = {
	[TRANSFER_REQUEST] = "request",
	[TRANSFER_APPROVE] = "approve",
	[TRANSFER_STEP_BACK] = "step back",
	[TRANSFER_DISPATCH] = "dispatch",
	[TRANSFER_RECEIVE] = "receive",
	[TRANSFER_CLOSE] = "close",
	[TRANSFER_CANCEL] = "cancel",
	[TRANSFER_UNTIE] = "untie",
};

/* A dispatch that finds nothing at all leads back to DRAFT while something is open, or ends it. */
static const struct transition transitions[] = {
	{STATUS(UNSPECIFIED), TRANSFER_REQUEST, STATUS(DRAFT), TRANSFER_CANCEL},
	{STATUS(UNSPECIFIED), TRANSFER_REQUEST, STATUS(READY), TRANSFER_CANCEL},
	{STATUS(DRAFT), TRANSFER_APPROVE, STATUS(READY), TRANSFER_STEP_BACK},
	{STATUS(DRAFT), TRANSFER_CANCEL, STATUS(CANCELLED), STEP_FINAL},
	{STATUS(READY), TRANSFER_STEP_BACK, STATUS(DRAFT), TRANSFER_APPROVE},
	{STATUS(READY), TRANSFER_DISPATCH, STATUS(IN_TRANSIT), TRANSFER_CANCEL},
	{STATUS(READY), TRANSFER_DISPATCH, STATUS(READY), STEP_FINAL},
	{STATUS(READY), TRANSFER_DISPATCH, STATUS(DRAFT), STEP_FINAL},
	{STATUS(READY), TRANSFER_DISPATCH, STATUS(CANCELLED), STEP_FINAL},
	{STATUS(READY), TRANSFER_CANCEL, STATUS(CANCELLED), STEP_FINAL},
	{STATUS(READY), TRANSFER_UNTIE, STATUS(READY), STEP_FINAL},
	{STATUS(READY), TRANSFER_UNTIE, STATUS(CANCELLED), STEP_FINAL},
	{STATUS(IN_TRANSIT), TRANSFER_DISPATCH, STATUS(IN_TRANSIT), TRANSFER_CANCEL},
	{STATUS(IN_TRANSIT), TRANSFER_RECEIVE, STATUS(PARTIALLY_RECEIVED), STEP_FINAL},
	{STATUS(IN_TRANSIT), TRANSFER_RECEIVE, STATUS(RECEIVED), STEP_FINAL},
	{STATUS(IN_TRANSIT), TRANSFER_RECEIVE, STATUS(CLOSED_SHORT), STEP_FINAL},
	{STATUS(IN_TRANSIT), TRANSFER_CLOSE, STATUS(CLOSED_SHORT), STEP_FINAL},
	{STATUS(IN_TRANSIT), TRANSFER_CANCEL, STATUS(CANCELLED), STEP_FINAL},
	{STATUS(IN_TRANSIT), TRANSFER_UNTIE, STATUS(IN_TRANSIT), STEP_FINAL},
	{STATUS(PARTIALLY_RECEIVED), TRANSFER_DISPATCH, STATUS(PARTIALLY_RECEIVED), STEP_FINAL},
	{STATUS(PARTIALLY_RECEIVED), TRANSFER_DISPATCH, STATUS(RECEIVED), STEP_FINAL},
	{STATUS(PARTIALLY_RECEIVED), TRANSFER_DISPATCH, STATUS(CLOSED_SHORT), STEP_FINAL},
	{STATUS(PARTIALLY_RECEIVED), TRANSFER_RECEIVE, STATUS(PARTIALLY_RECEIVED), STEP_FINAL},
	{STATUS(PARTIALLY_RECEIVED), TRANSFER_RECEIVE, STATUS(RECEIVED), STEP_FINAL},
	{STATUS(PARTIALLY_RECEIVED), TRANSFER_RECEIVE, STATUS(CLOSED_SHORT), STEP_FINAL},
	{STATUS(PARTIALLY_RECEIVED), TRANSFER_CLOSE, STATUS(CLOSED_SHORT), STEP_FINAL},
	{STATUS(PARTIALLY_RECEIVED), TRANSFER_CLOSE, STATUS(RECEIVED), STEP_FINAL},
	{STATUS(PARTIALLY_RECEIVED), TRANSFER_CANCEL, STATUS(CLOSED_SHORT), STEP_FINAL},
	{STATUS(PARTIALLY_RECEIVED), TRANSFER_CANCEL, STATUS(RECEIVED), STEP_FINAL},
	{STATUS(PARTIALLY_RECEIVED), TRANSFER_UNTIE, STATUS(PARTIALLY_RECEIVED), STEP_FINAL},
	{STATUS(PARTIALLY_RECEIVED), TRANSFER_UNTIE, STATUS(RECEIVED), STEP_FINAL},
	{STATUS(PARTIALLY_RECEIVED), TRANSFER_UNTIE, STATUS(CLOSED_SHORT), STEP_FINAL},
	{0},
};

const struct machine transfer_machine = {
	.document = "transfer",
	.summary =
		"Goods on their way from one location to another. It is over when nothing is in "
		"transit and nothing is left to be sent. A transfer for a customer is ready from the "
		"start; what her order does not want any more is untied from it.",
	.kind = STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_TRANSFER,
	.statuses = &stockbook__v1__transfer_status__descriptor,
	.steps = steps,
	.step_count = TRANSFER_STEP_COUNT,
	.transitions = transitions,
};

struct transfer_line transfer_total(const struct transfer *transfer)
{
	struct transfer_line total = {0};
	for (size_t i = 0; i < transfer->count; i++) {
		const struct transfer_line *line = &transfer->lines[i];
		total.requested += line->requested;
		total.open += line->open;
		total.allocated += line->allocated;
		total.in_transit += line->in_transit;
		total.received += line->received;
		total.damaged += line->damaged;
		total.lost += line->lost;
		total.returned += line->returned;
		total.cancelled += line->cancelled;
		total.over += line->over;
	}
	return total;
}

static int64_t total_sent(const struct transfer_line *total)
{
	return total->in_transit + total->received + total->damaged + total->lost + total->returned;
}

static bool total_is_over(const struct transfer_line *total)
{
	return total->in_transit == 0 && total->allocated == 0 && total_sent(total) > 0;
}

static Stockbook__V1__TransferStatus status_of(const struct transfer_line *total)
{
	bool arrived = total->received > 0 || total->damaged > 0 || total->over > 0;
	if (total_sent(total) == 0) {
		if (total->allocated > 0)
			return STATUS(READY);
		return total->open > 0 ? STATUS(DRAFT) : STATUS(CANCELLED);
	}
	if (!total_is_over(total))
		return arrived ? STATUS(PARTIALLY_RECEIVED) : STATUS(IN_TRANSIT);
	bool sound = total->damaged == 0 && total->lost == 0 && total->returned == 0;
	return sound ? STATUS(RECEIVED) : STATUS(CLOSED_SHORT);
}

bool transfer_is_tied(const struct transfer *transfer)
{
	return !uuid_is_nil(&transfer->row->order_id);
}

/* ---- Who may ---- */

enum verdict transfer_check_actor(struct run *run, const char *source, const char *destination,
	enum transfer_actor actor)
{
	enum verdict verdict = VERDICT_DONE;
	if (actor != TRANSFER_AT_DESTINATION) {
		verdict = check_location(run, source, LOCATION_ANY, true, "source");
		if (actor == TRANSFER_AT_SOURCE || verdict == VERDICT_DONE)
			return verdict;
		if (verdict == VERDICT_REFUSED && run->refusal.reason != REASON(LOCATION_NOT_ALLOWED))
			return verdict;
	}
	enum verdict other = check_location(run, destination, LOCATION_ANY, true, "destination");
	return verdict == VERDICT_NEED ? VERDICT_NEED : other;
}

enum verdict transfer_check_step(struct run *run, const struct transfer *transfer,
	enum transfer_step step)
{
	return machine_check(run, &transfer_machine, transfer->row->status, step, &transfer->row->id);
}

enum verdict transfer_refuse_nothing(struct run *run, const struct transfer *transfer,
	enum transfer_step step)
{
	refuse(run, REASON(LINE_QUANTITY_EXCEEDED), "transfer '%s' has nothing to %s",
		run_id_text(run, &transfer->row->id), machine_step_name(&transfer_machine, step));
	refuse_with(run, "status", "%s", machine_status_name(&transfer_machine, transfer->row->status));
	return VERDICT_REFUSED;
}

/* ---- Loading ---- */

void transfer_line_load(const struct transfer_line_row *row, struct transfer_line *line)
{
	*line = (struct transfer_line){
		.row = row,
		.line = row->line,
		.sku = row->sku,
		.order_line = row->order_line,
		.requested = row->requested,
		.open = row->open,
		.allocated = row->allocated,
		.in_transit = row->in_transit,
		.received = row->received,
		.damaged = row->damaged,
		.lost = row->lost,
		.returned = row->returned,
		.cancelled = row->cancelled,
		.over = row->over,
	};
}

enum verdict transfer_refuse_not_found(struct run *run, const struct uuid *id)
{
	char *text = run_id_text(run, id);
	refuse(run, REASON(TRANSFER_NOT_FOUND), "transfer '%s' not found", text);
	refuse_with(run, "transfer_id", "%s", text);
	return VERDICT_REFUSED;
}

enum verdict transfer_load(struct run *run, int32_t part, const struct uuid *id,
	struct transfer *transfer)
{
	struct transfer_row key = {.part = part, .id = *id};
	struct transfer_line_row line_key = {.part = part, .transfer_id = *id};
	enum lookup found =
		workset_find(run->set, TABLE(transfer), &key, ACCESS_LOCK, (const void **)&transfer->row);
	/* Rows are locked before lines are read, also within one round. */
	bool here = workset_children(run->set, TABLE(transfer_line), &line_key, 2);
	if (found == LOOKUP_NEEDED || (found == LOOKUP_FOUND && !here))
		return VERDICT_NEED;
	if (found == LOOKUP_ABSENT)
		return transfer_refuse_not_found(run, id);
	transfer->count = (size_t)transfer->row->line_count;
	/* Room for each line's untied half. */
	transfer->lines = arena_alloc_array(run->arena, 2 * transfer->count, sizeof(*transfer->lines));
	for (size_t i = 0; i < transfer->count; i++) {
		const struct transfer_line_row *row;
		line_key.line = (int32_t)i + 1;
		found = workset_find(run->set, TABLE(transfer_line), &line_key, ACCESS_LOCK,
			(const void **)&row);
		CHECK(found == LOOKUP_FOUND);
		transfer_line_load(row, &transfer->lines[i]);
	}
	return VERDICT_DONE;
}

enum verdict transfer_open(struct run *run, const char *id, struct transfer *transfer)
{
	struct uuid parsed;
	if (!uuid_parse(id, &parsed))
		return refuse_field(run, "transfer_id", "'%s' is not a UUID", id);
	return transfer_load(run, (int32_t)uuid_part(&parsed), &parsed, transfer);
}

enum verdict transfer_line_asked(struct run *run, const struct transfer *transfer, size_t index,
	int32_t number, struct transfer_line **line)
{
	if (number < 1 || (size_t)number > transfer->count)
		return refuse_field(run, arena_printf(run->arena, "lines[%zu].line", index),
			"transfer '%s' has no line %d", run_id_text(run, &transfer->row->id), number);
	*line = &transfer->lines[number - 1];
	return VERDICT_DONE;
}

void transfer_name_short(struct run *run, size_t index, const struct transfer_line *line,
	enum transfer_step step, int64_t asked, int64_t has, size_t *short_count)
{
	if (*short_count == 0)
		refuse(run, REASON(LINE_QUANTITY_EXCEEDED),
			"line %d of the transfer has %lld to %s, not %lld", line->line, (long long)has,
			machine_step_name(&transfer_machine, (int)step), (long long)asked);
	if (++*short_count > SOURCING_SHORT_NAMED_MAX)
		return;
	char *key = arena_printf(run->arena, "lines[%zu]", index);
	refuse_with(run, arena_printf(run->arena, "%s.sku", key), "%s", line->sku);
	refuse_with(run, arena_printf(run->arena, "%s.requested", key), "%lld", (long long)asked);
	refuse_with(run, arena_printf(run->arena, "%s.available", key), "%lld", (long long)has);
}

/* ---- Moving goods ---- */

enum verdict transfer_post(struct run *run, const struct transfer_line *line, const char *from,
	Stockbook__V1__StockState from_state, const char *to, Stockbook__V1__StockState to_state,
	int64_t quantity, Stockbook__V1__MovementReason reason)
{
	return post(run, &(struct posting){
						 .sku = line->sku,
						 .from_location = state_is_outside(from_state) ? "" : from,
						 .from_state = from_state,
						 .to_location = state_is_outside(to_state) ? "" : to,
						 .to_state = to_state,
						 .quantity = quantity,
						 .reason = reason,
						 .document_line = line->line,
					 });
}

/* Whose promise it was: an order's channel has its quota back. */
static enum verdict channel_of(struct run *run, const struct transfer *transfer,
	const char **channel)
{
	*channel = NULL;
	const struct uuid *order_id = &transfer->row->order_id;
	if (uuid_is_nil(order_id))
		return VERDICT_DONE;
	struct customer_order_row key = {.part = (int32_t)uuid_part(order_id), .id = *order_id};
	const struct customer_order_row *row;
	enum lookup found =
		workset_find(run->set, TABLE(customer_order), &key, ACCESS_PEEK, (const void **)&row);
	if (found == LOOKUP_NEEDED)
		return VERDICT_NEED;
	CHECK(found == LOOKUP_FOUND);
	*channel = row->channel;
	return VERDICT_DONE;
}

enum verdict transfer_free(struct run *run, const struct transfer *transfer,
	struct transfer_line *line, int64_t most, enum transfer_step step, int64_t *freed)
{
	*freed = line->allocated < most ? line->allocated : most;
	if (*freed == 0)
		return VERDICT_DONE;
	bool back = step == TRANSFER_STEP_BACK;
	const char *source = transfer->row->source;
	line->allocated -= *freed;
	*(back ? &line->open : &line->cancelled) += *freed;
	line->changed = true;
	const char *channel;
	enum verdict known = channel_of(run, transfer, &channel);
	enum verdict posted = post(run, &(struct posting){
										.sku = line->sku,
										.from_location = source,
										.from_state = STATE(ALLOCATED),
										.to_location = source,
										.to_state = STATE(AVAILABLE),
										.quantity = *freed,
										.reason = back ? MOVED_BY(DEALLOCATE) : MOVED_BY(CANCEL),
										.document_line = line->line,
										.channel = channel,
									});
	return known == VERDICT_DONE ? posted : known;
}

enum verdict transfer_free_all(struct run *run, const struct transfer *transfer,
	enum transfer_step step, int64_t *missing)
{
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < transfer->count; i++) {
		int64_t freed;
		enum verdict one =
			transfer_free(run, transfer, &transfer->lines[i], INT64_MAX, step, &freed);
		if (one == VERDICT_REFUSED)
			return one;
		if (one == VERDICT_NEED)
			verdict = one;
		if (missing)
			missing[i] += freed;
	}
	return verdict;
}

/* When it is over, what was never committed will not be sent either. */
void transfer_cancel_open(const struct transfer *transfer)
{
	for (size_t i = 0; i < transfer->count; i++) {
		struct transfer_line *line = &transfer->lines[i];
		if (line->open == 0)
			continue;
		line->cancelled += line->open;
		line->open = 0;
		line->changed = true;
	}
}

/* ---- Storing ---- */

/* What the database checks too. */
static void check_line(const struct transfer_line *line)
{
	CHECK(line->open >= 0 && line->allocated >= 0 && line->in_transit >= 0 && line->received >= 0 &&
		  line->damaged >= 0 && line->lost >= 0 && line->returned >= 0 && line->cancelled >= 0 &&
		  line->over >= 0);
	CHECK(line->requested == line->open + line->allocated + line->in_transit + line->received +
								 line->damaged + line->lost + line->returned + line->cancelled);
}

static void line_store(struct run *run, const struct transfer *transfer, struct transfer_line *line)
{
	check_line(line);
	struct arena *arena = workset_arena(run->set);
	struct transfer_line_row *row;
	if (line->row) {
		row = workset_edit(run->set, line->row);
	} else {
		row = row_new(TABLE(transfer_line), arena);
		row->part = transfer->row->part;
		row->transfer_id = transfer->row->id;
		row->line = line->line;
		row = workset_insert(run->set, row);
		row->sku = arena_string(arena, line->sku);
		line->row = row;
	}
	row->order_line = line->order_line;
	row->requested = line->requested;
	row->open = line->open;
	row->allocated = line->allocated;
	row->in_transit = line->in_transit;
	row->received = line->received;
	row->damaged = line->damaged;
	row->lost = line->lost;
	row->returned = line->returned;
	row->cancelled = line->cancelled;
	row->over = line->over;
	line->changed = false;
}

static void lines_store(struct run *run, const struct transfer *transfer)
{
	for (size_t i = 0; i < transfer->count; i++)
		if (transfer->lines[i].changed || !transfer->lines[i].row)
			line_store(run, transfer, &transfer->lines[i]);
}

static void note(struct run *run, const struct transfer_row *row, enum transfer_step step,
	int before, const char *text)
{
	/* Where nothing moved: a request is the source's to answer. */
	machine_note(run, &transfer_machine,
		&(struct machine_change){
			.part = row->part,
			.id = row->id,
			.step = (int)step,
			.before = before,
			.after = row->status,
			.location = row->source,
			.note = text,
		});
}

/* ---- Its work ---- */

/* What the rows of work say beside the transfer's own. */
struct occasion {
	const char *customer;
	int64_t send_by;
};

static enum verdict occasion_find(struct run *run, const struct transfer_row *row,
	struct occasion *occasion)
{
	*occasion = (struct occasion){.customer = ""};
	enum verdict verdict = VERDICT_DONE;
	if (!uuid_is_nil(&row->order_id)) {
		struct customer_order_row key = {
			.part = (int32_t)uuid_part(&row->order_id), .id = row->order_id};
		const struct customer_order_row *order;
		enum lookup found =
			workset_find(run->set, TABLE(customer_order), &key, ACCESS_PEEK, (const void **)&order);
		if (found == LOOKUP_NEEDED)
			verdict = VERDICT_NEED;
		else if (found == LOOKUP_FOUND)
			occasion->customer = order->customer;
	}
	const struct location_row *source;
	enum lookup found = find_location(run, row->source, ACCESS_PEEK, &source);
	if (found == LOOKUP_NEEDED)
		return VERDICT_NEED;
	int64_t minutes =
		found == LOOKUP_FOUND && source->ship_minutes > 0 ? source->ship_minutes : DAY_MINUTES;
	occasion->send_by = row->created_at + minutes * MINUTE_US;
	return verdict;
}

static enum verdict work_at(struct run *run, const struct transfer_row *row,
	const struct occasion *occasion, const char *location, unsigned kinds,
	Stockbook__V1__WorkKind kind, int64_t units)
{
	/* Goods that were to leave by then are expected a day later. */
	int64_t way_us = kind == WORK(RECEIVE) ? DAY_MINUTES * MINUTE_US : 0;
	return work_is(run,
		&(struct work_subject){
			.part = row->part,
			.document_id = row->id,
			.document_kind = transfer_machine.kind,
			.location = location,
			.order_id = row->order_id,
			.customer = occasion->customer,
			.reference = row->reference,
			.units = units,
			.due_at = occasion->send_by + way_us,
		},
		kinds, units > 0 ? kind : WORK(UNSPECIFIED));
}

/* At the source it is to be approved or sent, at the destination to be received. */
static enum verdict work_follow(struct run *run, const struct transfer *transfer, bool made)
{
	const struct transfer_row *row = transfer->row;
	struct transfer_line total = transfer_total(transfer);
	struct occasion occasion;
	enum verdict verdict = occasion_find(run, row, &occasion);
	if (verdict != VERDICT_DONE)
		return verdict;
	bool draft = row->status == STATUS(DRAFT);
	verdict = work_at(run, row, &occasion, row->source,
		made ? 0 : 1U << WORK(APPROVE) | 1U << WORK(DISPATCH),
		draft ? WORK(APPROVE) : WORK(DISPATCH), draft ? total.open : total.allocated);
	if (made)
		return verdict;
	enum verdict other = work_at(run, row, &occasion, row->destination, 1U << WORK(RECEIVE),
		WORK(RECEIVE), total.in_transit);
	return verdict == VERDICT_DONE ? other : verdict;
}

/* ---- Making and changing ---- */

enum verdict transfer_insert(struct run *run, struct transfer_row *row, struct transfer *transfer)
{
	CHECK(transfer->count >= 1 && transfer->count <= LINES_MAX);
	struct transfer_line total = transfer_total(transfer);
	row->part = part_of(row->source, run->limits->parts);
	row->id = run_new_id(run, row->part);
	row->status = (int32_t)status_of(&total);
	row->line_count = (int32_t)transfer->count;
	row->created_at = row->updated_at = run->now_us;
	transfer->row = workset_insert(run->set, row);
	for (size_t i = 0; i < transfer->count; i++)
		transfer->lines[i].line = (int32_t)i + 1;
	lines_store(run, transfer);
	note(run, transfer->row, TRANSFER_REQUEST, STATUS(UNSPECIFIED), NULL);
	return work_follow(run, transfer, true);
}

enum verdict transfer_advance(struct run *run, struct transfer *transfer, enum transfer_step step,
	const char *text)
{
	struct transfer_line total = transfer_total(transfer);
	if (total_is_over(&total))
		transfer_cancel_open(transfer);
	struct transfer_row *row = workset_edit(run->set, transfer->row);
	int before = row->status;
	row->status = (int32_t)status_of(&total);
	/* What came back or was written off before anything arrived was not received short. */
	if (step == TRANSFER_CANCEL && before == STATUS(IN_TRANSIT))
		row->status = STATUS(CANCELLED);
	row->line_count = (int32_t)transfer->count;
	row->updated_at = run->now_us;
	lines_store(run, transfer);
	note(run, row, step, before, text);
	return work_follow(run, transfer, false);
}

/* ---- Answers ---- */

static Stockbook__V1__TransferLine *line_message(struct run *run, const struct transfer_line *line)
{
	Stockbook__V1__TransferLine *message = arena_alloc(run->arena, sizeof(*message));
	stockbook__v1__transfer_line__init(message);
	message->line = line->line;
	message->sku = arena_string(run->arena, line->sku);
	message->requested = line->requested;
	message->open = line->open;
	message->allocated = line->allocated;
	message->in_transit = line->in_transit;
	message->received = line->received;
	message->damaged = line->damaged;
	message->lost = line->lost;
	message->returned = line->returned;
	message->cancelled = line->cancelled;
	message->over = line->over;
	message->order_line = line->order_line;
	return message;
}

Stockbook__V1__Transfer *transfer_message(struct run *run, const struct transfer *transfer)
{
	struct arena *arena = run->arena;
	const struct transfer_row *row = transfer->row;
	Stockbook__V1__Transfer *message = arena_alloc(arena, sizeof(*message));
	stockbook__v1__transfer__init(message);
	message->id = run_id_text(run, &row->id);
	message->status = (Stockbook__V1__TransferStatus)row->status;
	message->source = arena_string(arena, row->source);
	message->destination = arena_string(arena, row->destination);
	message->n_lines = transfer->count;
	message->lines = arena_alloc_array(arena, transfer->count, sizeof(*message->lines));
	for (size_t i = 0; i < transfer->count; i++)
		message->lines[i] = line_message(run, &transfer->lines[i]);
	message->order_id = run_id_text(run, &row->order_id);
	message->pickup_id = run_id_text(run, &row->fulfilment_id);
	message->reference = arena_string(arena, row->reference);
	message->carrier = arena_string(arena, row->carrier);
	message->tracking = arena_string(arena, row->tracking);
	message->create_time = make_timestamp(arena, row->created_at);
	message->update_time = make_timestamp(arena, row->updated_at);
	return message;
}

/* ---- The table ---- */

static int32_t request_route(const void *request, const struct book_limits *limits)
{
	return part_of(((const Stockbook__V1__RequestTransferRequest *)request)->source, limits->parts);
}

/* clang-format off */
#define ROUTE(name, Message) \
	static int32_t name(const void *request, const struct book_limits *limits) \
	{ \
		struct uuid id; \
		if (!uuid_parse(((const Stockbook__V1__##Message *)request)->transfer_id, &id)) \
			return 0; \
		int32_t part = (int32_t)uuid_part(&id); \
		return part <= limits->parts ? part : 0; \
	}
ROUTE(approve_route, ApproveTransferRequest)
ROUTE(step_back_route, StepBackTransferRequest)
ROUTE(dispatch_route, DispatchTransferRequest)
ROUTE(receive_route, ReceiveTransferRequest)
ROUTE(close_route, CloseTransferRequest)
ROUTE(cancel_route, CancelTransferRequest)

#define OPERATION(method, message, run, route, writes) \
	{"TransferService/" method, &stockbook__v1__##message##_request__descriptor, \
		&stockbook__v1__##message##_response__descriptor, run, route, writes}

const struct operation transfer_operations[] = {
	OPERATION("RequestTransfer", request_transfer, transfer_request, request_route, true),
	OPERATION("ApproveTransfer", approve_transfer, transfer_approve, approve_route, true),
	OPERATION("DispatchTransfer", dispatch_transfer, transfer_dispatch, dispatch_route, true),
	OPERATION("ReceiveTransfer", receive_transfer, transfer_receive, receive_route, true),
	OPERATION("CloseTransfer", close_transfer, transfer_close, close_route, true),
	OPERATION("CancelTransfer", cancel_transfer, transfer_cancel, cancel_route, true),
	OPERATION("StepBackTransfer", step_back_transfer, transfer_step_back, step_back_route, true),
	OPERATION("GetTransfer", get_transfer, transfer_get, NULL, false),
	OPERATION("ListTransfers", list_transfers, transfer_list, NULL, false),
	{0},
};
/* clang-format on */
