/* Committing stock to what is still open of an order: a promise, decided by sourcing. */
#include "book/order_new_line.h"

#define REASON(name) STOCKBOOK__V1__REASON__REASON_##name

static void demand_all(struct sourcing *sourcing, const struct order *order)
{
	for (size_t i = 0; i < order->count; i++)
		if (order->lines[i].open > 0)
			order_demand(sourcing, &order->lines[i], "", order->lines[i].open, (int32_t)i);
}

static enum verdict refuse_more_than_open(struct run *run, size_t index,
	const struct order_line *line, const Stockbook__V1__OrderLineQuantity *asked, int64_t open)
{
	refuse(run, REASON(LINE_QUANTITY_EXCEEDED), "line %d of the order has %lld open, not %lld",
		line->line, (long long)open, (long long)asked->quantity);
	char *key = arena_printf(run->arena, "lines[%zu]", index);
	refuse_with(run, arena_printf(run->arena, "%s.sku", key), "%s", line->sku);
	refuse_with(run, arena_printf(run->arena, "%s.requested", key), "%lld",
		(long long)asked->quantity);
	refuse_with(run, arena_printf(run->arena, "%s.available", key), "%lld", (long long)open);
	return VERDICT_REFUSED;
}

static enum verdict demand_line(struct run *run, struct sourcing *sourcing,
	const struct order *order, size_t index, const Stockbook__V1__OrderLineQuantity *asked,
	int64_t *left)
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
	const struct order_line *line = &order->lines[asked->line - 1];
	int64_t *open = &left[asked->line - 1];
	if (asked->quantity > *open)
		return refuse_more_than_open(run, index, line, asked, *open);
	*open -= asked->quantity;
	order_demand(sourcing, line, asked->location, asked->quantity, (int32_t)index);
	if (asked->location[0] == '\0')
		return VERDICT_DONE;
	return sourcing_check_location(run, sourcing->channel, sourcing->options, asked->location,
		line->method, arena_printf(run->arena, "lines[%zu].location", index));
}

static enum verdict demand_lines(struct run *run, struct sourcing *sourcing,
	const struct order *order, Stockbook__V1__OrderLineQuantity *const *asked, size_t count)
{
	int64_t *left = arena_alloc_array(run->arena, order->count, sizeof(*left));
	for (size_t i = 0; i < order->count; i++)
		left[i] = order->lines[i].open;
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < count; i++) {
		enum verdict one = demand_line(run, sourcing, order, i, asked[i], left);
		if (one == VERDICT_REFUSED)
			return one;
		if (one == VERDICT_NEED)
			verdict = one;
	}
	return verdict;
}

static enum verdict decide(struct run *run, struct sourcing *sourcing, struct order *order,
	const Stockbook__V1__AllocateOrderRequest *request)
{
	const struct channel_row *channel;
	enum verdict verdict = require_channel(run, order->row->channel, NULL, &channel);
	if (verdict != VERDICT_DONE)
		return verdict;
	sourcing_init(sourcing, run, channel, request->sourcing,
		request->n_lines > 0 ? request->n_lines : order->count);
	if (request->n_lines == 0)
		demand_all(sourcing, order);
	else
		verdict = demand_lines(run, sourcing, order, request->lines, request->n_lines);
	if (verdict == VERDICT_REFUSED)
		return verdict;
	if (sourcing->count == 0) {
		refuse(run, REASON(LINE_QUANTITY_EXCEEDED), "order '%s' has nothing open",
			request->order_id);
		return VERDICT_REFUSED;
	}
	enum verdict decided = sourcing_decide(sourcing, run, request->allow_partial);
	if (decided != VERDICT_DONE || verdict != VERDICT_DONE)
		return decided == VERDICT_REFUSED ? decided : VERDICT_NEED;
	bool granted = false;
	for (size_t i = 0; i < sourcing->count; i++)
		granted = granted || sourcing->demands[i].granted > 0;
	if (sourcing->short_count > 0 && (!request->allow_partial || !granted))
		return sourcing_refuse(sourcing, run);
	return VERDICT_DONE;
}

static enum verdict allocate_post(struct run *run, struct order *order,
	const struct sourcing *sourcing, const Stockbook__V1__AllocateOrderRequest *request)
{
	enum verdict verdict = order_count_parcels(run, sourcing);
	for (size_t i = 0; i < sourcing->count; i++) {
		const struct demand *demand = &sourcing->demands[i];
		/* A demand's line is the request's; without any, all of the order are meant. */
		int32_t line = request->n_lines > 0 ? request->lines[demand->line]->line - 1 : demand->line;
		enum verdict posted =
			order_post_grants(run, &order->lines[line], demand, sourcing->channel, false);
		if (posted == VERDICT_REFUSED)
			return posted;
		if (posted == VERDICT_NEED)
			verdict = posted;
	}
	return verdict;
}

enum verdict order_allocate(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__AllocateOrderRequest *request = request_;
	Stockbook__V1__AllocateOrderResponse *response = response_;
	if (request->n_lines > LINES_MAX)
		return refuse_field(run, "lines", "must be at most %d lines", LINES_MAX);
	struct order order;
	struct sourcing sourcing;
	enum verdict verdict = order_open(run, request->order_id, &order);
	if (verdict == VERDICT_DONE)
		verdict = order_check_step(run, &order, ORDER_ALLOCATE);
	if (verdict == VERDICT_DONE)
		verdict = decide(run, &sourcing, &order, request);
	if (verdict == VERDICT_DONE)
		verdict = allocate_post(run, &order, &sourcing, request);
	if (verdict != VERDICT_DONE)
		return verdict;
	order_advance(run, &order, ORDER_ALLOCATE, NULL);
	struct opened opened = {0};
	struct opened_messages messages;
	verdict = order_open_fulfilments(run, &order, sourcing.channel, &opened);
	if (verdict == VERDICT_DONE)
		verdict = opened_answer(run, &opened, &messages);
	if (verdict != VERDICT_DONE)
		return verdict;
	OPENED_ANSWER(response, &messages);
	response->order = order_message(run, &order);
	return VERDICT_DONE;
}
