/*
 * Cancelling units of an order within its pickups and shipments. They are marked first, so that
 * whoever asks for too much is refused with nothing done, and so that each document is stepped once,
 * with the movements that are its own.
 */
#include <string.h>

#include "book/fulfilment_leg.h"
#include "book/pickup.h"
#include "book/shipment.h"
#include "book/transfer.h"

#define KIND(name) STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_##name
#define PICKUP(name) STOCKBOOK__V1__PICKUP_STATUS__PICKUP_STATUS_##name
#define SHIPMENT(name) STOCKBOOK__V1__SHIPMENT_STATUS__SHIPMENT_STATUS_##name

static int64_t mark(int64_t *marked, int64_t has, int64_t most)
{
	int64_t take = has - *marked < most ? has - *marked : most;
	*marked += take;
	return take;
}

int64_t fulfilments_mark(struct order *order, const struct order_line *line, const char *location,
	int64_t most)
{
	int64_t taken = 0;
	for (int pass = 0; pass < 3; pass++)
		for (size_t i = 0; i < order->fulfilment_count && taken < most; i++) {
			struct fulfilment *fulfilment = order->fulfilments[i];
			struct fulfilment_line *at = fulfilment_line_of(fulfilment, line->line);
			if (!at || !fulfilment_is_living(fulfilment) ||
				(location[0] && strcmp(location, fulfilment->row->location) != 0))
				continue;
			if (pass == 0)
				taken += mark(&at->cancelling.awaiting, at->awaiting, most - taken);
			else if (pass == 1)
				taken += mark(&at->cancelling.to_pick, at->to_pick, most - taken);
			else
				taken += mark(&at->cancelling.picked, at->picked, most - taken);
		}
	return taken;
}

static bool is_marked(const struct fulfilment_line *line)
{
	return line->cancelling.awaiting > 0 || line->cancelling.to_pick > 0 ||
		   line->cancelling.picked > 0;
}

bool fulfilment_is_marked(const struct fulfilment *fulfilment)
{
	for (size_t i = 0; i < fulfilment->count; i++)
		if (is_marked(&fulfilment->lines[i]))
			return true;
	return false;
}

enum verdict fulfilment_untie(struct run *run, struct order *order, struct fulfilment *fulfilment,
	bool all, const char *note)
{
	struct transfer_untie *untied =
		arena_alloc_array(run->arena, fulfilment->count, sizeof(*untied));
	struct fulfilment_line **at =
		arena_alloc_array(run->arena, fulfilment->count, sizeof(struct fulfilment_line *));
	size_t count = 0;
	for (size_t i = 0; i < fulfilment->count; i++) {
		const struct fulfilment_line *line = &fulfilment->lines[i];
		int64_t most = all ? line->awaiting : line->cancelling.awaiting;
		if (most == 0)
			continue;
		at[count] = &fulfilment->lines[i];
		untied[count++] = (struct transfer_untie){.order_line = line->line, .most = most};
	}
	enum verdict verdict =
		transfers_untie(run, &order->row->id, &fulfilment->row->id, untied, count, note);
	for (size_t i = 0; i < count && verdict == VERDICT_DONE; i++) {
		CHECK(untied[i].taken == untied[i].most);
		verdict = leg_take(run, order, fulfilment, at[i], LEG_MISS, untied[i].taken);
	}
	return verdict;
}

static enum verdict cancel_line(struct run *run, struct order *order, struct fulfilment *fulfilment,
	struct fulfilment_line *line)
{
	const struct {
		enum fulfilment_leg leg;
		int64_t quantity;
	} legs[] = {
		{LEG_FREE, line->cancelling.to_pick},
		{LEG_GIVE_UP, line->cancelling.picked},
	};
	bool need = false;
	for (size_t i = 0; i < ARRAY_COUNT(legs); i++) {
		if (legs[i].quantity == 0)
			continue;
		enum verdict verdict =
			leg_take(run, order, fulfilment, line, legs[i].leg, legs[i].quantity);
		if (verdict == VERDICT_REFUSED)
			return verdict;
		need = need || verdict == VERDICT_NEED;
	}
	if (need)
		return VERDICT_NEED;
	/* What leaves a fulfilment is open on the order first. */
	int64_t cancelled =
		line->cancelling.awaiting + line->cancelling.to_pick + line->cancelling.picked;
	struct order_line *of_order = &order->lines[line->line - 1];
	of_order->open -= cancelled;
	of_order->cancelled += cancelled;
	of_order->changed = true;
	memset(&line->cancelling, 0, sizeof(line->cancelling));
	return VERDICT_DONE;
}

static enum verdict advance(struct run *run, struct order *order, struct fulfilment *fulfilment,
	const char *channel, const char *note)
{
	int status = fulfilment->row->status;
	if (fulfilment->row->kind == KIND(PICKUP)) {
		int after = (int)pickup_status_of(fulfilment, status == (int)PICKUP(READY));
		if (after != (int)PICKUP(READY)) /* there is nothing left that a code would open */
			pickup_code_void(workset_edit(run->set, fulfilment->row));
		return fulfilment_advance(run, order, fulfilment, PICKUP_CANCEL_LINES, after, channel,
			note);
	}
	return fulfilment_advance(run, order, fulfilment, SHIPMENT_CANCEL_LINES,
		(int)shipment_status_of(fulfilment, status == (int)SHIPMENT(PACKED)), channel, note);
}

static enum verdict cancel_one(struct run *run, struct order *order, struct fulfilment *fulfilment,
	const char *channel, const char *note)
{
	bool marked = fulfilment_is_marked(fulfilment);
	/* Transfers first: they note changes of their own. */
	enum verdict untied = fulfilment_untie(run, order, fulfilment, false, note);
	if (untied == VERDICT_REFUSED)
		return untied;
	bool need = untied == VERDICT_NEED;
	for (size_t i = 0; i < fulfilment->count; i++) {
		if (!is_marked(&fulfilment->lines[i]))
			continue;
		enum verdict verdict = cancel_line(run, order, fulfilment, &fulfilment->lines[i]);
		if (verdict == VERDICT_REFUSED)
			return verdict;
		need = need || verdict == VERDICT_NEED;
	}
	if (need || !marked)
		return need ? VERDICT_NEED : VERDICT_DONE;
	return advance(run, order, fulfilment, channel, note);
}

enum verdict fulfilments_cancel_marked(struct run *run, struct order *order, const char *channel,
	const char *note)
{
	bool need = false;
	for (size_t i = 0; i < order->fulfilment_count; i++) {
		enum verdict verdict = cancel_one(run, order, order->fulfilments[i], channel, note);
		if (verdict == VERDICT_REFUSED)
			return verdict;
		need = need || verdict == VERDICT_NEED;
	}
	return need ? VERDICT_NEED : VERDICT_DONE;
}
