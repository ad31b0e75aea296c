/* Asking for a transfer and committing stock to it: a promise at its source. */
#include <string.h>

#include "book/sourcing.h"
#include "book/transfer.h"
#include "book/work.h"

#define REASON(name) STOCKBOOK__V1__REASON__REASON_##name
#define STATE(name) STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_##name
#define MOVED_BY(name) STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_##name
#define METHOD_NONE STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_UNSPECIFIED

/* ---- Committing ---- */

static enum verdict refuse_open(struct run *run, const struct transfer *transfer)
{
	refuse(run, REASON(LINE_QUANTITY_EXCEEDED), "transfer '%s' has nothing open",
		run_id_text(run, &transfer->row->id));
	return VERDICT_REFUSED;
}

/* What is open is taken from the source as far as it may be promised, for no channel: what others'
 * quotas and the safety stock keep back stays there. Changes nothing yet. */
static enum verdict commit_decide(struct run *run, struct sourcing *sourcing, const char *source,
	const struct transfer *transfer, bool allow_partial)
{
	sourcing_init(sourcing, run, NULL, NULL, transfer->count);
	for (size_t i = 0; i < transfer->count; i++)
		if (transfer->lines[i].open > 0)
			sourcing_add(sourcing, METHOD_NONE, transfer->lines[i].sku, source,
				transfer->lines[i].open, (int32_t)i);
	if (sourcing->count == 0)
		return refuse_open(run, transfer);
	enum verdict verdict = sourcing_decide(sourcing, run, allow_partial);
	if (verdict != VERDICT_DONE || sourcing->short_count == 0)
		return verdict;
	bool granted = false;
	for (size_t i = 0; i < sourcing->count; i++)
		granted = granted || sourcing->demands[i].granted > 0;
	return allow_partial && granted ? VERDICT_DONE : sourcing_refuse(sourcing, run);
}

static enum verdict commit_post(struct run *run, const struct sourcing *sourcing,
	const char *source, const struct transfer *transfer)
{
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < sourcing->count; i++) {
		const struct demand *demand = &sourcing->demands[i];
		struct transfer_line *line = &transfer->lines[demand->line];
		if (demand->granted == 0)
			continue;
		line->open -= demand->granted;
		line->allocated += demand->granted;
		line->changed = true;
		enum verdict posted = transfer_post(run, line, source, STATE(AVAILABLE), source,
			STATE(ALLOCATED), demand->granted, MOVED_BY(ALLOCATE));
		if (posted == VERDICT_REFUSED)
			return posted;
		if (posted == VERDICT_NEED)
			verdict = posted;
	}
	return verdict;
}

static enum verdict commit(struct run *run, const char *source, const struct transfer *transfer,
	bool allow_partial)
{
	struct sourcing sourcing;
	enum verdict verdict = commit_decide(run, &sourcing, source, transfer, allow_partial);
	return verdict == VERDICT_DONE ? commit_post(run, &sourcing, source, transfer) : verdict;
}

/* ---- RequestTransfer ---- */

static enum verdict check_ends(struct run *run,
	const Stockbook__V1__RequestTransferRequest *request)
{
	if (strcmp(request->source, request->destination) == 0)
		return refuse_field(run, "destination", "must not be the source");
	enum verdict source = check_location(run, request->source, LOCATION_SELL, false, "source");
	if (source == VERDICT_REFUSED)
		return source;
	enum verdict destination =
		check_location(run, request->destination, LOCATION_ANY, false, "destination");
	if (destination == VERDICT_REFUSED)
		return destination;
	/* Who asks needs not be who has it. */
	enum verdict actor = transfer_check_actor(run, request->source, request->destination,
		request->approve ? TRANSFER_AT_SOURCE : TRANSFER_AT_EITHER);
	return source == VERDICT_DONE && destination == VERDICT_DONE ? actor : VERDICT_NEED;
}

static enum verdict open_lines(struct run *run,
	const Stockbook__V1__RequestTransferRequest *request, struct transfer *transfer)
{
	transfer->count = request->n_lines;
	transfer->lines = arena_alloc_array(run->arena, request->n_lines, sizeof(*transfer->lines));
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < request->n_lines; i++) {
		const Stockbook__V1__RequestTransferLine *from = request->lines[i];
		struct transfer_line *line = &transfer->lines[i];
		if (from->quantity < 1 || from->quantity > QUANTITY_MAX)
			return refuse_field(run, arena_printf(run->arena, "lines[%zu].quantity", i),
				"must be from 1 to %lld", (long long)QUANTITY_MAX);
		*line = (struct transfer_line){
			.line = (int32_t)i + 1, .requested = from->quantity, .open = from->quantity};
		/* Where stock is taken its row is locked in the same round. */
		enum verdict one = resolve_sku(run, from->sku, request->approve ? request->source : NULL,
			request->approve ? ACCESS_LOCK : ACCESS_PEEK,
			arena_printf(run->arena, "lines[%zu].sku", i), &line->sku);
		if (one == VERDICT_REFUSED)
			return one;
		if (one == VERDICT_NEED)
			verdict = one;
	}
	return verdict;
}

enum verdict transfer_request(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__RequestTransferRequest *request = request_;
	Stockbook__V1__RequestTransferResponse *response = response_;
	run->worker = request->worker;
	if (request->n_lines < 1 || request->n_lines > LINES_MAX)
		return refuse_field(run, "lines", "must be 1 to %d lines", LINES_MAX);
	if (request->allow_partial && !request->approve)
		return refuse_field(run, "allow_partial", "is for a transfer that is approved");
	enum verdict ends = check_ends(run, request);
	if (ends == VERDICT_REFUSED)
		return ends;
	struct transfer transfer = {0};
	enum verdict verdict = open_lines(run, request, &transfer);
	if (verdict == VERDICT_REFUSED)
		return verdict;
	if (ends == VERDICT_NEED || verdict == VERDICT_NEED)
		return VERDICT_NEED;
	if (request->approve)
		verdict = commit(run, request->source, &transfer, request->allow_partial);
	if (verdict != VERDICT_DONE)
		return verdict;
	struct arena *arena = workset_arena(run->set);
	struct transfer_row *row = row_new(TABLE(transfer), arena);
	row->source = arena_string(arena, request->source);
	row->destination = arena_string(arena, request->destination);
	row->reference = arena_string(arena, request->reference);
	verdict = transfer_insert(run, row, &transfer);
	if (verdict == VERDICT_DONE)
		response->transfer = transfer_message(run, &transfer);
	return verdict;
}

/* ---- ApproveTransfer, StepBackTransfer ---- */

/* A step at the source, on goods that have not left. */
static enum verdict open_at_source(struct run *run, const char *id, const char *worker,
	enum transfer_step step, Stockbook__V1__WorkKind kind, struct transfer *transfer)
{
	run->worker = worker;
	enum verdict verdict = transfer_open(run, id, transfer);
	if (verdict == VERDICT_DONE)
		verdict = transfer_check_actor(run, transfer->row->source, transfer->row->destination,
			TRANSFER_AT_SOURCE);
	if (verdict == VERDICT_DONE)
		verdict = transfer_check_step(run, transfer, step);
	if (verdict == VERDICT_DONE)
		verdict = work_check_claim(run, transfer->row->part, &transfer->row->id, kind);
	return verdict;
}

enum verdict transfer_approve(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__ApproveTransferRequest *request = request_;
	Stockbook__V1__ApproveTransferResponse *response = response_;
	struct transfer transfer;
	enum verdict verdict = open_at_source(run, request->transfer_id, request->worker,
		TRANSFER_APPROVE, STOCKBOOK__V1__WORK_KIND__WORK_KIND_APPROVE, &transfer);
	if (verdict == VERDICT_DONE)
		verdict = commit(run, transfer.row->source, &transfer, request->allow_partial);
	if (verdict == VERDICT_DONE)
		verdict = transfer_advance(run, &transfer, TRANSFER_APPROVE, NULL);
	if (verdict == VERDICT_DONE)
		response->transfer = transfer_message(run, &transfer);
	return verdict;
}

/* Her order counts on it: only cancelling tells her. */
static enum verdict refuse_tied(struct run *run, const struct transfer *transfer)
{
	char *order = run_id_text(run, &transfer->row->order_id);
	refuse(run, REASON(IN_USE), "transfer '%s' is for order '%s'",
		run_id_text(run, &transfer->row->id), order);
	refuse_with(run, "order_id", "%s", order);
	return VERDICT_REFUSED;
}

enum verdict transfer_step_back(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__StepBackTransferRequest *request = request_;
	Stockbook__V1__StepBackTransferResponse *response = response_;
	struct transfer transfer;
	enum verdict verdict = open_at_source(run, request->transfer_id, request->worker,
		TRANSFER_STEP_BACK, STOCKBOOK__V1__WORK_KIND__WORK_KIND_DISPATCH, &transfer);
	if (verdict == VERDICT_DONE && transfer_is_tied(&transfer))
		return refuse_tied(run, &transfer);
	if (verdict == VERDICT_DONE)
		verdict = transfer_free_all(run, &transfer, TRANSFER_STEP_BACK, NULL);
	if (verdict == VERDICT_DONE)
		verdict = transfer_advance(run, &transfer, TRANSFER_STEP_BACK, request->note);
	if (verdict == VERDICT_DONE)
		response->transfer = transfer_message(run, &transfer);
	return verdict;
}
