/* Placing an order: its lines (order_new_line.h), and what is opened for them. */
#include "book/order_new_line.h"

/* ---- What the lines get ---- */

/* Where most of its stock rows are: those of its first line. */
static int32_t part_of_order(const struct run *run, const struct new_lines *new,
	const char *channel)
{
	const char *where = channel;
	for (size_t i = new->asked_count; i-- > 0;) {
		if (new->asked[i]->location[0])
			where = new->asked[i]->location;
		else if (new->lines[i].allocation_count > 0)
			where = new->lines[i].allocations[0].location;
	}
	return part_of(where, run->limits->parts);
}

/* Sourced lines: where they come from is known now. */
static void ask_for_shelves(struct run *run, const struct sourcing *sourcing)
{
	for (size_t i = 0; i < sourcing->count; i++) {
		const struct demand *demand = &sourcing->demands[i];
		for (size_t g = 0; g < demand->grant_count; g++)
			order_ask_for_shelf(run, sourcing->channel, demand->method, demand->sku,
				demand->grants[g].location);
	}
}

static enum verdict place_decide(struct run *run, const Stockbook__V1__PlaceOrderRequest *request,
	struct new_lines *new, struct sourcing *sourcing)
{
	const struct channel_row *channel;
	enum verdict channel_verdict = require_channel(run, request->channel, "channel", &channel);
	if (channel_verdict == VERDICT_REFUSED)
		return channel_verdict;
	sourcing_init(sourcing, run, channel, request->sourcing, request->n_lines);
	enum verdict verdict = new_lines_add(run, new, sourcing);
	if (verdict == VERDICT_REFUSED)
		return verdict;
	if (channel_verdict == VERDICT_NEED)
		return VERDICT_NEED;
	enum verdict decided = sourcing_decide(sourcing, run, request->allow_partial);
	if (decided == VERDICT_REFUSED)
		return decided;
	if (decided == VERDICT_DONE && sourcing->short_count > 0 && !request->allow_partial)
		return verdict == VERDICT_NEED ? verdict : sourcing_refuse(sourcing, run);
	if (!request->fulfil)
		ask_for_shelves(run, sourcing);
	if (verdict == VERDICT_NEED || decided == VERDICT_NEED)
		return VERDICT_NEED;
	return VERDICT_DONE;
}

/* ---- PlaceOrder ---- */

static enum verdict place_open(struct run *run, struct order *order,
	const struct sourcing *sourcing, Stockbook__V1__PlaceOrderResponse *response)
{
	struct opened opened = {0};
	enum verdict verdict = order_open_fulfilments(run, order, sourcing->channel, &opened);
	struct opened_messages messages;
	if (verdict == VERDICT_DONE)
		verdict = opened_answer(run, &opened, &messages);
	if (verdict == VERDICT_DONE)
		OPENED_ANSWER(response, &messages);
	return verdict;
}

enum verdict order_place(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__PlaceOrderRequest *request = request_;
	Stockbook__V1__PlaceOrderResponse *response = response_;
	run->worker = request->worker;
	if (request->n_lines < 1 || request->n_lines > LINES_MAX)
		return refuse_field(run, "lines", "must be 1 to %d lines", LINES_MAX);
	struct new_lines new = {
		.asked = request->lines,
		.asked_count = request->n_lines,
		.field = "lines",
		.first = 1,
		.fulfil = request->fulfil,
	};
	new.lines = arena_alloc_array(run->arena, new_lines_room(request->lines, request->n_lines),
		sizeof(*new.lines));
	struct sourcing sourcing;
	enum verdict verdict = place_decide(run, request, &new, &sourcing);
	if (verdict == VERDICT_DONE && new.count > LINES_MAX)
		return refuse_field(run, "lines", "must be at most %d with those of `otherwise`",
			LINES_MAX);
	if (verdict == VERDICT_DONE && request->explain)
		verdict = sourcing_explain(&sourcing, run, &response->explanation);
	if (verdict == VERDICT_DONE)
		verdict = new_lines_post(run, &new, &sourcing);
	if (verdict == VERDICT_DONE)
		verdict = order_count_parcels(run, &sourcing);
	if (verdict != VERDICT_DONE)
		return verdict;
	struct order order;
	order_insert(run,
		&(struct order_draft){
			.part = part_of_order(run, &new, request->channel),
			.channel = request->channel,
			.customer = request->customer,
			.reference = request->reference,
			.currency = new.currency ? new.currency : "",
			.lines = new.lines,
			.count = new.count,
		},
		&order);
	verdict = place_open(run, &order, &sourcing, response);
	if (verdict == VERDICT_DONE)
		response->order = order_message(run, &order);
	return verdict;
}
