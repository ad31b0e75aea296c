/* Goods of a transfer leave their source, or turn out not to be there. */
#include "book/fulfilment.h"
#include "book/transfer.h"
#include "book/work.h"

#define STATE(name) STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_##name

struct dispatching {
	struct transfer transfer;
	struct transfer_tie tie;
	int64_t done; /* units that were sent or found missing */
	size_t short_count;
};

/* Facts may have taken them meanwhile: what the book does not have is found first. */
static enum verdict send(struct run *run, const struct transfer_row *row,
	struct transfer_line *line, int64_t quantity)
{
	line->allocated -= quantity;
	line->in_transit += quantity;
	line->changed = true;
	return post_leaving(run, &(struct posting){
								 .sku = line->sku,
								 .from_location = row->source,
								 .from_state = STATE(ALLOCATED),
								 .to_location = row->destination,
								 .to_state = STATE(IN_TRANSIT),
								 .quantity = quantity,
								 .reason = STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_DISPATCH,
								 .document_line = line->line,
							 });
}

static enum verdict miss(struct run *run, struct dispatching *dispatching,
	struct transfer_line *line, int64_t quantity, Stockbook__V1__ShortReason reason)
{
	line->allocated -= quantity;
	line->cancelled += quantity;
	line->changed = true;
	if (dispatching->tie.pickup)
		dispatching->tie.missing[line->line - 1] += quantity;
	return post_short(run, line->sku, dispatching->transfer.row->source, quantity, reason,
		line->line);
}

static enum verdict check_line(struct run *run, size_t index,
	const Stockbook__V1__DispatchedLine *asked)
{
	if (asked->quantity < 0 || asked->quantity > QUANTITY_MAX)
		return refuse_field(run, arena_printf(run->arena, "lines[%zu].quantity", index),
			"must be from 0 to %lld", (long long)QUANTITY_MAX);
	if (asked->short_ < 0 || asked->short_ > QUANTITY_MAX)
		return refuse_field(run, arena_printf(run->arena, "lines[%zu].short", index),
			"must be from 0 to %lld", (long long)QUANTITY_MAX);
	if (asked->short_ > 0 && asked->reason == STOCKBOOK__V1__SHORT_REASON__SHORT_REASON_UNSPECIFIED)
		return refuse_field(run, arena_printf(run->arena, "lines[%zu].reason", index),
			"is needed where units are short");
	return VERDICT_DONE;
}

static enum verdict dispatch_line(struct run *run, struct dispatching *dispatching, size_t index,
	const Stockbook__V1__DispatchedLine *asked)
{
	struct transfer_line *line = NULL;
	enum verdict verdict = check_line(run, index, asked);
	if (verdict == VERDICT_DONE)
		verdict = transfer_line_asked(run, &dispatching->transfer, index, asked->line, &line);
	if (verdict != VERDICT_DONE)
		return verdict;
	int64_t units = asked->quantity + asked->short_;
	if (units > line->allocated) {
		transfer_name_short(run, index, line, TRANSFER_DISPATCH, units, line->allocated,
			&dispatching->short_count);
		return VERDICT_DONE;
	}
	dispatching->done += units;
	if (asked->quantity > 0)
		verdict = send(run, dispatching->transfer.row, line, asked->quantity);
	if (verdict == VERDICT_REFUSED || asked->short_ == 0)
		return verdict;
	enum verdict missed = miss(run, dispatching, line, asked->short_, asked->reason);
	return missed == VERDICT_DONE ? verdict : missed;
}

static enum verdict dispatch_all(struct run *run, struct dispatching *dispatching)
{
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < dispatching->transfer.count; i++) {
		struct transfer_line *line = &dispatching->transfer.lines[i];
		if (line->allocated == 0)
			continue;
		dispatching->done += line->allocated;
		enum verdict sent = send(run, dispatching->transfer.row, line, line->allocated);
		if (sent == VERDICT_REFUSED)
			return sent;
		if (sent == VERDICT_NEED)
			verdict = sent;
	}
	return verdict;
}

/* What was not found is counted again. Lines that there are not are refused in their turn. */
static enum verdict look_for_recounts(struct run *run, const struct transfer *transfer,
	Stockbook__V1__DispatchedLine *const *lines, size_t count)
{
	const char **skus = arena_alloc_array(run->arena, count, sizeof(*skus));
	size_t found = 0;
	for (size_t i = 0; i < count; i++)
		if (lines[i]->short_ > 0 && lines[i]->line >= 1 &&
			(size_t)lines[i]->line <= transfer->count)
			skus[found++] = transfer->lines[lines[i]->line - 1].sku;
	return work_recounts_look_up(run, transfer->row->source, skus, found);
}

static enum verdict dispatch_lines(struct run *run, struct dispatching *dispatching,
	Stockbook__V1__DispatchedLine *const *lines, size_t count)
{
	if (count == 0)
		return dispatch_all(run, dispatching);
	enum verdict verdict = look_for_recounts(run, &dispatching->transfer, lines, count);
	for (size_t i = 0; i < count; i++) {
		enum verdict one = dispatch_line(run, dispatching, i, lines[i]);
		if (one == VERDICT_REFUSED)
			return one;
		if (one == VERDICT_NEED)
			verdict = one;
	}
	return dispatching->short_count > 0 ? VERDICT_REFUSED : verdict;
}

/* What is not sent now will not be. */
static enum verdict finish(struct run *run, struct dispatching *dispatching)
{
	transfer_cancel_open(&dispatching->transfer);
	return transfer_free_all(run, &dispatching->transfer, TRANSFER_DISPATCH,
		dispatching->tie.missing);
}

static enum verdict open_all(struct run *run, const char *id, struct dispatching *dispatching)
{
	struct transfer *transfer = &dispatching->transfer;
	enum verdict verdict = transfer_open(run, id, transfer);
	if (verdict == VERDICT_DONE)
		verdict = transfer_check_actor(run, transfer->row->source, transfer->row->destination,
			TRANSFER_AT_SOURCE);
	if (verdict == VERDICT_DONE)
		verdict = transfer_check_step(run, transfer, TRANSFER_DISPATCH);
	if (verdict == VERDICT_DONE)
		verdict = work_check_claim(run, transfer->row->part, &transfer->row->id,
			STOCKBOOK__V1__WORK_KIND__WORK_KIND_DISPATCH);
	if (verdict == VERDICT_DONE)
		verdict = transfer_tie_open(run, transfer, &dispatching->tie);
	return verdict;
}

/* Of the last parcel, as far as it is named. */
static void set_carrier(struct run *run, const struct transfer_row *row,
	const Stockbook__V1__DispatchTransferRequest *request)
{
	struct transfer_row *edited = workset_edit(run->set, row);
	if (request->carrier[0])
		edited->carrier = arena_string(workset_arena(run->set), request->carrier);
	if (request->tracking[0])
		edited->tracking = arena_string(workset_arena(run->set), request->tracking);
}

enum verdict transfer_dispatch(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__DispatchTransferRequest *request = request_;
	Stockbook__V1__DispatchTransferResponse *response = response_;
	run->worker = request->worker;
	if (request->n_lines > LINES_MAX)
		return refuse_field(run, "lines", "must be at most %d lines", LINES_MAX);
	struct dispatching dispatching = {0};
	struct transfer *transfer = &dispatching.transfer;
	enum verdict verdict = open_all(run, request->transfer_id, &dispatching);
	if (verdict != VERDICT_DONE)
		return verdict;
	bool had = transfer_total(transfer).allocated > 0;
	verdict = dispatch_lines(run, &dispatching, request->lines, request->n_lines);
	if (verdict == VERDICT_REFUSED)
		return verdict;
	if (!had || (dispatching.done == 0 && !request->final))
		return transfer_refuse_nothing(run, transfer, TRANSFER_DISPATCH);
	if (request->final && finish(run, &dispatching) == VERDICT_NEED)
		verdict = VERDICT_NEED;
	if (verdict != VERDICT_DONE)
		return verdict;
	set_carrier(run, transfer->row, request);
	verdict = transfer_advance(run, transfer, TRANSFER_DISPATCH, NULL);
	if (verdict == VERDICT_DONE)
		verdict = transfer_tie_follow(run, transfer, &dispatching.tie, NULL);
	if (verdict == VERDICT_DONE)
		response->transfer = transfer_message(run, transfer);
	return verdict;
}
