#include "book/fulfilment_leg.h"

#define STATE(name) STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_##name
#define MOVED_BY(name) STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_##name

/* Of the order's line. NONE: it is no longer, or not yet again, the order's affair. */
enum counter { NONE, OPEN, ALLOCATED, AWAITED, PICKED, FULFILLED };

struct leg {
	size_t from; /* counters of the fulfilment's line */
	size_t to;
	enum counter order_from;
	enum counter order_to;
	Stockbook__V1__StockState from_state; /* UNSPECIFIED: no goods move */
	Stockbook__V1__StockState to_state;
	Stockbook__V1__MovementReason reason;
	Stockbook__V1__ShortReason short_reason; /* instead of states: post_short() */
};

#define AT(counter) offsetof(struct fulfilment_line, counter)
#define UNMOVED STATE(UNSPECIFIED), STATE(UNSPECIFIED), MOVED_BY(UNSPECIFIED)

/* clang-format off */
static const struct leg legs[] = {
	[LEG_ARRIVE] = {AT(awaiting), AT(to_pick), AWAITED, ALLOCATED, UNMOVED},
	[LEG_MISS] = {AT(awaiting), AT(dropped), AWAITED, OPEN, UNMOVED},
	[LEG_PICK] = {AT(to_pick), AT(picked), ALLOCATED, PICKED,
		STATE(ALLOCATED), STATE(PICKED), MOVED_BY(PICK)},
	[LEG_UNPICK] = {AT(picked), AT(to_pick), PICKED, ALLOCATED,
		STATE(PICKED), STATE(ALLOCATED), MOVED_BY(PUT_BACK)},
	[LEG_COLLECT] = {AT(picked), AT(done), PICKED, FULFILLED,
		STATE(PICKED), STATE(CUSTOMER), MOVED_BY(COLLECT)},
	[LEG_SHIP] = {AT(picked), AT(done), PICKED, FULFILLED,
		STATE(PICKED), STATE(CUSTOMER), MOVED_BY(SHIP)},
	[LEG_SHIP_UNPICKED] = {AT(to_pick), AT(done), ALLOCATED, FULFILLED,
		STATE(ALLOCATED), STATE(CUSTOMER), MOVED_BY(SHIP)},
	[LEG_FREE] = {AT(to_pick), AT(dropped), ALLOCATED, OPEN,
		STATE(ALLOCATED), STATE(AVAILABLE), MOVED_BY(CANCEL)},
	[LEG_NOT_FOUND] = {AT(to_pick), AT(dropped), ALLOCATED, OPEN, UNMOVED,
		STOCKBOOK__V1__SHORT_REASON__SHORT_REASON_NOT_FOUND},
	[LEG_DAMAGED] = {AT(to_pick), AT(dropped), ALLOCATED, OPEN, UNMOVED,
		STOCKBOOK__V1__SHORT_REASON__SHORT_REASON_DAMAGED},
	[LEG_GIVE_UP] = {AT(picked), AT(put_back), PICKED, OPEN, UNMOVED},
	[LEG_PUT_BACK] = {AT(put_back), AT(dropped), NONE, NONE,
		STATE(PICKED), STATE(AVAILABLE), MOVED_BY(PUT_BACK)},
	[LEG_LOSE] = {AT(done), AT(dropped), FULFILLED, OPEN,
		STATE(CUSTOMER), STATE(LOSS), MOVED_BY(PARCEL_LOST)},
};
/* clang-format on */

static int64_t *line_counter(struct fulfilment_line *line, size_t offset)
{
	return (int64_t *)((char *)line + offset);
}

int64_t leg_units(const struct fulfilment_line *line, enum fulfilment_leg leg)
{
	return *(const int64_t *)((const char *)line + legs[leg].from);
}

/* Of the order's line and of its share at the location, which sum to it. */
static void order_move(struct run *run, struct order_line *line, const char *location,
	enum counter counter, int64_t delta)
{
	if (counter == NONE)
		return;
	line->changed = true;
	if (counter == OPEN) {
		line->open += delta;
		return;
	}
	struct order_allocation *at = order_line_at(run, line, location);
	if (counter == PICKED) {
		line->picked += delta;
		at->picked += delta;
	} else if (counter == FULFILLED) {
		line->fulfilled += delta;
		at->fulfilled += delta;
	} else {
		line->allocated += delta;
		at->allocated += delta;
		at->awaiting += counter == AWAITED ? delta : 0;
	}
}

static enum verdict leg_post(struct run *run, const struct fulfilment *fulfilment,
	const struct fulfilment_line *line, const struct leg *leg, int64_t quantity)
{
	const struct fulfilment_row *row = fulfilment->row;
	if (leg->short_reason)
		return post_short(run, line->sku, row->location, quantity, leg->short_reason, line->line);
	if (leg->from_state == STATE(UNSPECIFIED))
		return VERDICT_DONE;
	struct posting posting = {
		.sku = line->sku,
		.from_location = state_is_outside(leg->from_state) ? "" : row->location,
		.from_state = leg->from_state,
		.to_location = state_is_outside(leg->to_state) ? "" : row->location,
		.to_state = leg->to_state,
		.quantity = quantity,
		.reason = leg->reason,
		.document_line = line->line,
		.channel = row->channel,
		.part = row->part,
	};
	bool leaving = state_is_outside(leg->to_state) && !state_is_outside(leg->from_state);
	return leaving ? post_leaving(run, &posting) : post(run, &posting);
}

enum verdict leg_take(struct run *run, struct order *order, struct fulfilment *fulfilment,
	struct fulfilment_line *line, enum fulfilment_leg leg_number, int64_t quantity)
{
	const struct leg *leg = &legs[leg_number];
	const char *location = fulfilment->row->location;
	CHECK(quantity > 0 && quantity <= leg_units(line, leg_number));
	*line_counter(line, leg->from) -= quantity;
	*line_counter(line, leg->to) += quantity;
	line->changed = true;
	struct order_line *ordered = &order->lines[line->line - 1];
	order_move(run, ordered, location, leg->order_from, -quantity);
	order_move(run, ordered, location, leg->order_to, quantity);
	return leg_post(run, fulfilment, line, leg, quantity);
}

enum verdict leg_take_all(struct run *run, struct order *order, struct fulfilment *fulfilment,
	enum fulfilment_leg leg)
{
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < fulfilment->count; i++) {
		struct fulfilment_line *line = &fulfilment->lines[i];
		if (leg_units(line, leg) == 0)
			continue;
		enum verdict taken = leg_take(run, order, fulfilment, line, leg, leg_units(line, leg));
		if (taken == VERDICT_REFUSED)
			return taken;
		if (taken == VERDICT_NEED)
			verdict = taken; /* go on: ask for all rows at once */
	}
	return verdict;
}
