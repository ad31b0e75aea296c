/*
 * The steps of an order that is there. Each step is a list of legs: which counter of a line gives to
 * which, and which movement that is. A step is worked out in memory first, so that every line that
 * falls short is named, and then posted. It takes only what no pickup or shipment counts; cancelling
 * goes on into those.
 */
#include "book/order_step.h"

#include <string.h>

#define STATE(name) STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_##name
#define REASON(name) STOCKBOOK__V1__REASON__REASON_##name
#define MOVED_BY(name) STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_##name

enum counter { OPEN, ALLOCATED, PICKED, FULFILLED, CANCELLED };

struct leg {
	enum counter from;
	enum counter to;
	Stockbook__V1__StockState from_state; /* UNSPECIFIED: no goods move */
	Stockbook__V1__StockState to_state;
	Stockbook__V1__MovementReason reason;
};

#define LEGS_MAX 3

struct stepping {
	enum order_step step;
	struct leg legs[LEGS_MAX]; /* in the order in which they give */
	size_t leg_count;
};

static const struct stepping deallocating = {
	ORDER_DEALLOCATE,
	{{ALLOCATED, OPEN, STATE(ALLOCATED), STATE(AVAILABLE), MOVED_BY(DEALLOCATE)}},
	1,
};
static const struct stepping picking = {
	ORDER_PICK,
	{{ALLOCATED, PICKED, STATE(ALLOCATED), STATE(PICKED), MOVED_BY(PICK)}},
	1,
};
static const struct stepping putting_back = {
	ORDER_PUT_BACK,
	{{PICKED, ALLOCATED, STATE(PICKED), STATE(ALLOCATED), MOVED_BY(PUT_BACK)}},
	1,
};
static const struct stepping shipping = {
	ORDER_SHIP,
	{{PICKED, FULFILLED, STATE(PICKED), STATE(CUSTOMER), MOVED_BY(SHIP)}},
	1,
};
static const struct stepping picking_and_shipping = {
	ORDER_SHIP,
	{{PICKED, FULFILLED, STATE(PICKED), STATE(CUSTOMER), MOVED_BY(SHIP)},
		{ALLOCATED, FULFILLED, STATE(ALLOCATED), STATE(CUSTOMER), MOVED_BY(SHIP)}},
	2,
};
const struct stepping order_cancelling = {
	ORDER_CANCEL,
	{{OPEN, CANCELLED, STATE(UNSPECIFIED), STATE(UNSPECIFIED), MOVED_BY(UNSPECIFIED)},
		{ALLOCATED, CANCELLED, STATE(ALLOCATED), STATE(AVAILABLE), MOVED_BY(CANCEL)},
		{PICKED, CANCELLED, STATE(PICKED), STATE(AVAILABLE), MOVED_BY(CANCEL)}},
	3,
};

static int64_t *line_counter(struct order_line *line, enum counter counter)
{
	switch (counter) {
	case OPEN:
		return &line->open;
	case ALLOCATED:
		return &line->allocated;
	case PICKED:
		return &line->picked;
	case FULFILLED:
		return &line->fulfilled;
	case CANCELLED:
		return &line->cancelled;
	}
	CHECK(!"a counter is one of the above");
	return NULL;
}

/* NULL: this counter is the line's alone. */
static int64_t *allocation_counter(struct order_allocation *allocation, enum counter counter)
{
	switch (counter) {
	case ALLOCATED:
		return &allocation->allocated;
	case PICKED:
		return &allocation->picked;
	case FULFILLED:
		return &allocation->fulfilled;
	case OPEN:
	case CANCELLED:
		return NULL;
	}
	return NULL;
}

/* What the order's own steps may take from an allocation. */
static int64_t free_units(const struct order *order, const struct order_line *line,
	const struct order_allocation *at, enum counter counter)
{
	if (counter == ALLOCATED)
		return order_free_allocated(order, line, at->location);
	CHECK(counter == PICKED);
	return order_free_picked(order, line, at->location);
}

/* ---- Working it out ---- */

static void add_posting(struct run *run, struct order_work *work, const struct order_line *line,
	const struct leg *leg, const char *location, int64_t quantity)
{
	work->postings = arena_grow(run->arena, work->postings, work->posting_count,
		&work->posting_capacity, sizeof(*work->postings));
	work->postings[work->posting_count++] = (struct posting){
		.sku = line->sku,
		.from_location = location,
		.from_state = leg->from_state,
		.to_location = state_is_outside(leg->to_state) ? "" : location,
		.to_state = leg->to_state,
		.quantity = quantity,
		.reason = leg->reason,
		.document_line = line->line,
		.channel = work->order->row->channel,
	};
}

/* Takes up to `most` through one leg; what it took. */
static int64_t leg_take(struct run *run, struct order_work *work, struct order_line *line,
	const struct leg *leg, const char *location, int64_t most)
{
	int64_t taken = 0;
	if (leg->from == OPEN) { /* open quantities are at no location */
		if (location[0] == '\0')
			taken = line->open < most ? line->open : most;
	} else {
		for (size_t i = 0; i < line->allocation_count && taken < most; i++) {
			struct order_allocation *at = &line->allocations[i];
			int64_t *from = allocation_counter(at, leg->from);
			if (*from == 0 || (location[0] && strcmp(at->location, location) != 0))
				continue;
			int64_t free = free_units(work->order, line, at, leg->from);
			int64_t share = free < most - taken ? free : most - taken;
			if (share == 0)
				continue;
			*from -= share;
			int64_t *to = allocation_counter(at, leg->to);
			if (to)
				*to += share;
			taken += share;
			add_posting(run, work, line, leg, at->location, share);
		}
	}
	*line_counter(line, leg->from) -= taken;
	*line_counter(line, leg->to) += taken;
	line->changed = line->changed || taken > 0;
	return taken;
}

int64_t order_work_take(struct run *run, struct order_work *work, struct order_line *line,
	const char *location, int64_t most)
{
	int64_t taken = 0;
	for (size_t i = 0; i < work->stepping->leg_count && taken < most; i++)
		taken += leg_take(run, work, line, &work->stepping->legs[i], location, most - taken);
	if (work->stepping->step == ORDER_CANCEL && taken < most) {
		int64_t marked = fulfilments_mark(work->order, line, location, most - taken);
		work->marked += marked;
		taken += marked;
	}
	return taken;
}

void order_work_name_short(struct run *run, struct order_work *work, size_t index,
	const struct order_line *line, const char *location, int64_t asked, int64_t available)
{
	if (work->short_count == 0)
		refuse(run, REASON(LINE_QUANTITY_EXCEEDED), "line %d of the order has %lld to %s, not %lld",
			line->line, (long long)available,
			machine_step_name(&order_machine, work->stepping->step), (long long)asked);
	if (++work->short_count > SOURCING_SHORT_NAMED_MAX)
		return;
	char *key = arena_printf(run->arena, "lines[%zu]", index);
	refuse_with(run, arena_printf(run->arena, "%s.sku", key), "%s", line->sku);
	if (location[0])
		refuse_with(run, arena_printf(run->arena, "%s.location", key), "%s", location);
	refuse_with(run, arena_printf(run->arena, "%s.requested", key), "%lld", (long long)asked);
	refuse_with(run, arena_printf(run->arena, "%s.available", key), "%lld", (long long)available);
}

/* The order's line that a line of a request means. */
static enum verdict line_asked(struct run *run, const struct order *order, size_t index,
	const Stockbook__V1__OrderLineQuantity *asked, struct order_line **line)
{
	if (asked->quantity < 1 || asked->quantity > QUANTITY_MAX)
		return refuse_field(run, arena_printf(run->arena, "lines[%zu].quantity", index),
			"must be from 1 to %lld", (long long)QUANTITY_MAX);
	if (asked->line < 1 || (size_t)asked->line > order->count) {
		refuse(run, REASON(ORDER_LINE_NOT_FOUND), "order '%s' has no line %d",
			run_id_text(run, &order->row->id), asked->line);
		refuse_with(run, "field", "lines[%zu].line", index);
		return VERDICT_REFUSED;
	}
	*line = &order->lines[asked->line - 1];
	return VERDICT_DONE;
}

static enum verdict refuse_nothing(struct run *run, const struct order *order, enum order_step step)
{
	refuse(run, REASON(LINE_QUANTITY_EXCEEDED), "order '%s' has nothing to %s",
		run_id_text(run, &order->row->id), machine_step_name(&order_machine, step));
	refuse_with(run, "status", "%s", machine_status_name(&order_machine, order->row->status));
	return VERDICT_REFUSED;
}

static enum verdict work_out(struct run *run, struct order_work *work,
	Stockbook__V1__OrderLineQuantity *const *asked, size_t count)
{
	struct order *order = work->order;
	if (count == 0) {
		int64_t taken = 0;
		for (size_t i = 0; i < order->count; i++)
			taken += order_work_take(run, work, &order->lines[i], "", INT64_MAX);
		return taken > 0 ? VERDICT_DONE : refuse_nothing(run, order, work->stepping->step);
	}
	for (size_t i = 0; i < count; i++) {
		struct order_line *line = NULL;
		enum verdict verdict = line_asked(run, order, i, asked[i], &line);
		if (verdict != VERDICT_DONE)
			return verdict;
		int64_t taken = order_work_take(run, work, line, asked[i]->location, asked[i]->quantity);
		if (taken < asked[i]->quantity)
			order_work_name_short(run, work, i, line, asked[i]->location, asked[i]->quantity,
				taken);
	}
	return work->short_count > 0 ? VERDICT_REFUSED : VERDICT_DONE;
}

/* ---- Posting it ---- */

/* A store's token is where the goods are; promises it may give back wherever it may make them. */
static enum verdict check_reach(struct run *run, const struct order_work *work,
	const char *location)
{
	if (!run->actor->bound)
		return VERDICT_DONE;
	if (work->channel)
		return sourcing_check_reach(run, work->channel, location, NULL);
	return check_location(run, location, LOCATION_ANY, true, NULL);
}

static enum verdict post_all(struct run *run, const struct order_work *work)
{
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < work->posting_count; i++) {
		const struct posting *posting = &work->postings[i];
		enum verdict allowed = check_reach(run, work, posting->from_location);
		if (allowed == VERDICT_REFUSED)
			return allowed;
		enum verdict posted =
			state_is_outside(posting->to_state) ? post_leaving(run, posting) : post(run, posting);
		if (posted == VERDICT_REFUSED)
			return posted;
		if (allowed == VERDICT_NEED || posted == VERDICT_NEED)
			verdict = VERDICT_NEED;
	}
	return verdict;
}

static enum verdict check_fulfilments(struct run *run, const struct order_work *work)
{
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; run->actor->bound && i < work->order->fulfilment_count; i++) {
		const struct fulfilment *fulfilment = work->order->fulfilments[i];
		if (!fulfilment_is_marked(fulfilment))
			continue;
		enum verdict allowed = check_reach(run, work, fulfilment->row->location);
		if (allowed == VERDICT_REFUSED)
			return allowed;
		if (allowed == VERDICT_NEED)
			verdict = allowed;
	}
	return verdict;
}

enum verdict order_work_post(struct run *run, const struct order_work *work, const char *note)
{
	enum verdict cancelled = VERDICT_DONE;
	if (work->marked > 0) {
		cancelled = check_fulfilments(run, work);
		enum verdict stepped = VERDICT_REFUSED;
		if (cancelled != VERDICT_REFUSED)
			stepped = fulfilments_cancel_marked(run, work->order, work->order->channel, note);
		if (stepped == VERDICT_REFUSED)
			return stepped;
		cancelled = cancelled == VERDICT_DONE ? stepped : cancelled;
	}
	enum verdict verdict = post_all(run, work);
	if (verdict == VERDICT_REFUSED)
		return verdict;
	return cancelled == VERDICT_DONE ? verdict : cancelled;
}

/* What is asked of a step. */
struct asking {
	const char *order_id;
	Stockbook__V1__OrderLineQuantity *const *lines;
	size_t count;
	const char *channel; /* "": the order's */
	const char *note;
};

static enum verdict step_run(struct run *run, const struct stepping *stepping,
	const struct asking *asking, Stockbook__V1__Order **answer)
{
	if (asking->count > LINES_MAX)
		return refuse_field(run, "lines", "must be at most %d lines", LINES_MAX);
	struct order order;
	struct order_work work = {.stepping = stepping, .order = &order};
	enum verdict verdict = require_channel(run, asking->channel, "channel", &work.channel);
	enum verdict opened = order_open(run, asking->order_id, &order);
	if (verdict != VERDICT_DONE || opened != VERDICT_DONE)
		return verdict == VERDICT_REFUSED || opened == VERDICT_DONE ? verdict : opened;
	order.channel = asking->channel;
	verdict = order_check_step(run, &order, stepping->step);
	if (verdict == VERDICT_DONE)
		verdict = work_out(run, &work, asking->lines, asking->count);
	if (verdict == VERDICT_DONE)
		verdict = order_work_post(run, &work, asking->note);
	if (verdict != VERDICT_DONE)
		return verdict;
	order_advance(run, &order, stepping->step, asking->note);
	*answer = order_message(run, &order);
	return VERDICT_DONE;
}

/* ---- The calls ---- */

#define ASKING(request, channel, note)                                                             \
	(struct asking)                                                                                \
	{                                                                                              \
		(request)->order_id, (request)->lines, (request)->n_lines, channel, note                   \
	}

enum verdict order_deallocate(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__DeallocateOrderRequest *request = request_;
	Stockbook__V1__DeallocateOrderResponse *response = response_;
	return step_run(run, &deallocating, &ASKING(request, "", NULL), &response->order);
}

enum verdict order_pick(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__PickOrderRequest *request = request_;
	Stockbook__V1__PickOrderResponse *response = response_;
	return step_run(run, &picking, &ASKING(request, "", NULL), &response->order);
}

enum verdict order_put_back(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__PutBackOrderRequest *request = request_;
	Stockbook__V1__PutBackOrderResponse *response = response_;
	return step_run(run, &putting_back, &ASKING(request, "", NULL), &response->order);
}

static const char *shipment_note(struct run *run, const Stockbook__V1__ShipOrderRequest *request)
{
	if (request->carrier[0] == '\0' || request->tracking[0] == '\0')
		return request->carrier[0] ? request->carrier : request->tracking;
	return arena_printf(run->arena, "%s %s", request->carrier, request->tracking);
}

enum verdict order_ship(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__ShipOrderRequest *request = request_;
	Stockbook__V1__ShipOrderResponse *response = response_;
	return step_run(run, request->pick_first ? &picking_and_shipping : &shipping,
		&ASKING(request, "", shipment_note(run, request)), &response->order);
}

enum verdict order_cancel(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__CancelOrderLinesRequest *request = request_;
	Stockbook__V1__CancelOrderLinesResponse *response = response_;
	run->worker = request->worker;
	return step_run(run, &order_cancelling, &ASKING(request, request->channel, request->note),
		&response->order);
}
