/* What becomes of goods in transit: they arrive, are lost, or come back. In transit comes to zero. */
#include "book/fulfilment.h"
#include "book/transfer.h"
#include "book/work.h"

#define STATE(name) STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_##name
#define MOVED_BY(name) STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_##name
#define LOSS_REASON(name) STOCKBOOK__V1__TRANSFER_LOSS_REASON__TRANSFER_LOSS_REASON_##name
#define STATUS(name) STOCKBOOK__V1__TRANSFER_STATUS__TRANSFER_STATUS_##name

struct receiving {
	struct transfer transfer;
	struct transfer_tie tie;
};

static enum verdict open_all(struct run *run, const char *id, const char *worker,
	enum transfer_step step, struct receiving *receiving)
{
	*receiving = (struct receiving){0};
	run->worker = worker;
	struct transfer *transfer = &receiving->transfer;
	enum verdict verdict = transfer_open(run, id, transfer);
	if (verdict == VERDICT_DONE)
		verdict = transfer_check_actor(run, transfer->row->source, transfer->row->destination,
			step == TRANSFER_RECEIVE ? TRANSFER_AT_DESTINATION : TRANSFER_AT_EITHER);
	if (verdict == VERDICT_DONE)
		verdict = transfer_check_step(run, transfer, step);
	if (verdict == VERDICT_DONE)
		verdict = transfer_tie_open(run, transfer, &receiving->tie);
	return verdict;
}

static enum verdict check_claim(struct run *run, const struct receiving *receiving)
{
	const struct transfer_row *row = receiving->transfer.row;
	return work_check_claim(run, row->part, &row->id, STOCKBOOK__V1__WORK_KIND__WORK_KIND_RECEIVE);
}

static enum verdict advance(struct run *run, struct receiving *receiving, enum transfer_step step,
	const char *note, Stockbook__V1__Transfer **answer)
{
	enum verdict verdict = transfer_advance(run, &receiving->transfer, step, note);
	if (verdict == VERDICT_DONE)
		verdict = transfer_tie_follow(run, &receiving->transfer, &receiving->tie, note);
	if (verdict == VERDICT_DONE)
		*answer = transfer_message(run, &receiving->transfer);
	return verdict;
}

static enum verdict worse(enum verdict a, enum verdict b)
{
	if (a == VERDICT_REFUSED || b == VERDICT_REFUSED)
		return VERDICT_REFUSED;
	return a == VERDICT_NEED || b == VERDICT_NEED ? VERDICT_NEED : VERDICT_DONE;
}

/* ---- ReceiveTransfer ---- */

/* A posting of the line at the destination; nothing for 0. */
static enum verdict arrive(struct run *run, const struct receiving *receiving,
	const struct transfer_line *line, Stockbook__V1__StockState from, Stockbook__V1__StockState to,
	int64_t quantity)
{
	const char *here = receiving->transfer.row->destination;
	if (quantity == 0)
		return VERDICT_DONE;
	return transfer_post(run, line, here, from, here, to, quantity,
		from == STATE(LOSS) ? MOVED_BY(FOUND) : MOVED_BY(TRANSFER_RECEIPT));
}

/* What is sound was expected first; what nobody sent is found. Goods for a customer go to her. */
static enum verdict receive_units(struct run *run, struct receiving *receiving,
	struct transfer_line *line, int64_t sound, int64_t damaged)
{
	int64_t sound_sent = sound < line->in_transit ? sound : line->in_transit;
	line->in_transit -= sound_sent;
	int64_t damaged_sent = damaged < line->in_transit ? damaged : line->in_transit;
	line->in_transit -= damaged_sent;
	line->received += sound_sent;
	line->damaged += damaged_sent;
	line->over += sound - sound_sent + damaged - damaged_sent;
	line->changed = true;
	if (receiving->tie.pickup) {
		receiving->tie.arrived[line->line - 1] += sound_sent;
		receiving->tie.missing[line->line - 1] += damaged_sent;
	}
	enum verdict verdict = arrive(run, receiving, line, STATE(IN_TRANSIT),
		line->order_line > 0 ? STATE(ALLOCATED) : STATE(AVAILABLE), sound_sent);
	verdict = worse(verdict,
		arrive(run, receiving, line, STATE(IN_TRANSIT), STATE(DAMAGED), damaged_sent));
	verdict = worse(verdict,
		arrive(run, receiving, line, STATE(LOSS), STATE(AVAILABLE), sound - sound_sent));
	return worse(verdict,
		arrive(run, receiving, line, STATE(LOSS), STATE(DAMAGED), damaged - damaged_sent));
}

static enum verdict receive_line(struct run *run, struct receiving *receiving, size_t index,
	const Stockbook__V1__ReceivedLine *asked)
{
	struct transfer_line *line = NULL;
	if (asked->received < 0 || asked->received > QUANTITY_MAX)
		return refuse_field(run, arena_printf(run->arena, "lines[%zu].received", index),
			"must be from 0 to %lld", (long long)QUANTITY_MAX);
	if (asked->damaged < 0 || asked->damaged > QUANTITY_MAX)
		return refuse_field(run, arena_printf(run->arena, "lines[%zu].damaged", index),
			"must be from 0 to %lld", (long long)QUANTITY_MAX);
	enum verdict verdict =
		transfer_line_asked(run, &receiving->transfer, index, asked->line, &line);
	if (verdict != VERDICT_DONE)
		return verdict;
	return receive_units(run, receiving, line, asked->received, asked->damaged);
}

static enum verdict receive_lines(struct run *run, struct receiving *receiving,
	const Stockbook__V1__ReceiveTransferRequest *request)
{
	enum verdict verdict = VERDICT_DONE;
	bool units = false;
	for (size_t i = 0; i < request->n_lines && verdict != VERDICT_REFUSED; i++) {
		verdict = worse(verdict, receive_line(run, receiving, i, request->lines[i]));
		units = units || request->lines[i]->received > 0 || request->lines[i]->damaged > 0;
	}
	for (size_t i = 0; request->n_lines == 0 && i < receiving->transfer.count; i++) {
		struct transfer_line *line = &receiving->transfer.lines[i];
		units = units || line->in_transit > 0;
		if (line->in_transit > 0)
			verdict = worse(verdict, receive_units(run, receiving, line, line->in_transit, 0));
	}
	if (verdict != VERDICT_REFUSED && !units)
		return transfer_refuse_nothing(run, &receiving->transfer, TRANSFER_RECEIVE);
	return verdict;
}

enum verdict transfer_receive(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__ReceiveTransferRequest *request = request_;
	Stockbook__V1__ReceiveTransferResponse *response = response_;
	if (request->n_lines > LINES_MAX)
		return refuse_field(run, "lines", "must be at most %d lines", LINES_MAX);
	struct receiving receiving;
	enum verdict verdict =
		open_all(run, request->transfer_id, request->worker, TRANSFER_RECEIVE, &receiving);
	if (verdict != VERDICT_DONE)
		return verdict;
	verdict = check_claim(run, &receiving);
	if (verdict != VERDICT_REFUSED)
		verdict = worse(verdict, receive_lines(run, &receiving, request));
	if (verdict != VERDICT_DONE)
		return verdict;
	return advance(run, &receiving, TRANSFER_RECEIVE, request->note, &response->transfer);
}

/* ---- CloseTransfer, CancelTransfer ---- */

/* All that is in transit: back at the source, or lost. */
static enum verdict end_transit(struct run *run, struct receiving *receiving, bool back)
{
	const struct transfer_row *row = receiving->transfer.row;
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < receiving->transfer.count; i++) {
		struct transfer_line *line = &receiving->transfer.lines[i];
		int64_t quantity = line->in_transit;
		if (quantity == 0)
			continue;
		line->in_transit = 0;
		*(back ? &line->returned : &line->lost) += quantity;
		line->changed = true;
		if (receiving->tie.pickup)
			receiving->tie.missing[i] += quantity;
		verdict = worse(verdict, transfer_post(run, line, row->destination, STATE(IN_TRANSIT),
									 row->source, back ? STATE(AVAILABLE) : STATE(LOSS), quantity,
									 back ? MOVED_BY(TRANSFER_RETURN) : MOVED_BY(TRANSFER_LOSS)));
	}
	return verdict;
}

/* What was not sent is freed, what was ends as said. */
static enum verdict end_all(struct run *run, struct receiving *receiving, enum transfer_step step,
	bool back)
{
	transfer_cancel_open(&receiving->transfer);
	enum verdict verdict =
		transfer_free_all(run, &receiving->transfer, step, receiving->tie.missing);
	return worse(verdict, end_transit(run, receiving, back));
}

static const char *close_note(struct run *run, Stockbook__V1__TransferLossReason reason,
	const char *note)
{
	static const char *const names[] = {
		[LOSS_REASON(LOST)] = "lost",
		[LOSS_REASON(DAMAGED)] = "damaged",
		[LOSS_REASON(MISCOUNTED)] = "miscounted",
	};
	return note[0] ? arena_printf(run->arena, "%s: %s", names[reason], note) : names[reason];
}

enum verdict transfer_close(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__CloseTransferRequest *request = request_;
	Stockbook__V1__CloseTransferResponse *response = response_;
	if (request->reason < LOSS_REASON(LOST) || request->reason > LOSS_REASON(MISCOUNTED))
		return refuse_field(run, "reason", "must be LOST, DAMAGED or MISCOUNTED");
	struct receiving receiving;
	enum verdict verdict =
		open_all(run, request->transfer_id, request->worker, TRANSFER_CLOSE, &receiving);
	if (verdict == VERDICT_DONE)
		verdict = check_claim(run, &receiving);
	if (verdict == VERDICT_DONE)
		verdict =
			end_all(run, &receiving, TRANSFER_CLOSE, request->reason == LOSS_REASON(MISCOUNTED));
	if (verdict != VERDICT_DONE)
		return verdict;
	return advance(run, &receiving, TRANSFER_CLOSE, close_note(run, request->reason, request->note),
		&response->transfer);
}

/* Who says that goods are back at the source must be there. */
static enum verdict check_back(struct run *run, const struct transfer_row *row)
{
	if (row->status < (int)STATUS(IN_TRANSIT))
		return VERDICT_DONE;
	return transfer_check_actor(run, row->source, row->destination, TRANSFER_AT_SOURCE);
}

enum verdict transfer_cancel(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__CancelTransferRequest *request = request_;
	Stockbook__V1__CancelTransferResponse *response = response_;
	struct receiving receiving;
	enum verdict verdict =
		open_all(run, request->transfer_id, request->worker, TRANSFER_CANCEL, &receiving);
	if (verdict == VERDICT_DONE)
		verdict = check_back(run, receiving.transfer.row);
	if (verdict == VERDICT_DONE)
		verdict = end_all(run, &receiving, TRANSFER_CANCEL, !request->write_off);
	if (verdict != VERDICT_DONE)
		return verdict;
	return advance(run, &receiving, TRANSFER_CANCEL, request->note, &response->transfer);
}
