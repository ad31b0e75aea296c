/*
 * Placing an order. Promises (SHIP) are decided by sourcing and refused when stock is short; facts
 * (CARRY_OUT: the customer walked out with the goods) are posted whatever the book has:
 *
 *   CARRY_OUT       AVAILABLE -> CUSTOMER, reason SALE. What is not there at all, promised to others
 *                   or not, is first FOUND. Where it takes what was promised, AVAILABLE falls below
 *                   0: a shortage that someone has to solve.
 *   SHIP            AVAILABLE -> ALLOCATED, reason ALLOCATE
 *   SHIP, fulfil    AVAILABLE -> CUSTOMER, reason SHIP: one movement instead of three. The goods
 *                   were never set aside; the ledger says what happened.
 */
#include "book/order.h"
#include "book/sourcing.h"

#define METHOD(name) STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_##name
#define STATE(name) STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_##name
#define MOVED_BY(name) STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_##name

struct placing {
	const Stockbook__V1__PlaceOrderRequest *request;
	struct order_line *lines;
	const char *currency;
	int64_t total;
	struct sourcing sourcing;
};

/* ---- The request's lines ---- */

static enum verdict check_method(struct run *run, const Stockbook__V1__PlaceOrderLine *line,
	size_t index, Stockbook__V1__FulfilmentMethod *method)
{
	*method = line->method == METHOD(UNSPECIFIED) ? METHOD(SHIP) : line->method;
	if (*method != METHOD(SHIP) && *method != METHOD(CARRY_OUT))
		return refuse_field(run, arena_printf(run->arena, "lines[%zu].method", index),
			"is not a known method");
	if (*method == METHOD(CARRY_OUT) && line->location[0] == '\0')
		return refuse_field(run, arena_printf(run->arena, "lines[%zu].location", index),
			"is needed for CARRY_OUT: where the customer is");
	return VERDICT_DONE;
}

static enum verdict check_amount(struct run *run, struct placing *placing, size_t index,
	int64_t *unit_price)
{
	const Stockbook__V1__PlaceOrderLine *line = placing->request->lines[index];
	*unit_price = 0;
	if (!line->unit_price)
		return VERDICT_DONE;
	char *field = arena_printf(run->arena, "lines[%zu].unit_price", index);
	enum verdict verdict =
		order_check_price(run, line->unit_price, field, &placing->currency, unit_price);
	if (verdict == VERDICT_DONE)
		verdict = order_add_amount(run, line->quantity, *unit_price, field, &placing->total);
	return verdict;
}

static enum verdict add_line(struct run *run, struct placing *placing, size_t index)
{
	const Stockbook__V1__PlaceOrderLine *from = placing->request->lines[index];
	struct order_line *line = &placing->lines[index];
	enum verdict verdict = check_method(run, from, index, &line->method);
	if (verdict == VERDICT_DONE)
		verdict = sourcing_check_line(run, &placing->sourcing, index, from->sku, from->location,
			from->quantity, line->method, &line->sku);
	if (verdict == VERDICT_REFUSED)
		return verdict;
	enum verdict priced = check_amount(run, placing, index, &line->unit_price);
	if (priced == VERDICT_REFUSED || verdict == VERDICT_NEED)
		return priced == VERDICT_REFUSED ? priced : verdict;
	line->line = (int32_t)index + 1;
	line->ordered = line->open = from->quantity;
	if (line->method == METHOD(CARRY_OUT))
		sourcing_cell(&placing->sourcing, run, line->sku, from->location)->debit += from->quantity;
	else
		sourcing_add(&placing->sourcing, line->method, line->sku, from->location, from->quantity,
			(int32_t)index);
	return VERDICT_DONE;
}

static enum verdict add_lines(struct run *run, struct placing *placing)
{
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < placing->request->n_lines; i++) {
		enum verdict added = add_line(run, placing, i);
		if (added == VERDICT_REFUSED)
			return added;
		if (added == VERDICT_NEED)
			verdict = added;
	}
	return verdict;
}

/* ---- Facts ---- */

/* Hands the goods over, after finding what the book did not know of. */
static enum verdict post_sale(struct run *run, const struct order_line *line, const char *location)
{
	const struct stock_row *stock = NULL;
	if (find_stock(run, line->sku, location, ACCESS_LOCK, &stock) == LOOKUP_NEEDED)
		return VERDICT_NEED;
	int64_t missing = line->ordered - stock_sellable(stock);
	struct posting found = {
		.sku = line->sku,
		.from_location = "",
		.from_state = STATE(LOSS),
		.to_location = location,
		.to_state = STATE(AVAILABLE),
		.quantity = missing,
		.reason = MOVED_BY(FOUND),
		.document_line = line->line,
	};
	enum verdict verdict = missing > 0 ? post(run, &found) : VERDICT_DONE;
	if (verdict != VERDICT_DONE)
		return verdict;
	return post(run, &(struct posting){
						 .sku = line->sku,
						 .from_location = location,
						 .from_state = STATE(AVAILABLE),
						 .to_location = "",
						 .to_state = STATE(CUSTOMER),
						 .quantity = line->ordered,
						 .reason = MOVED_BY(SALE),
						 .document_line = line->line,
					 });
}

static enum verdict post_sales(struct run *run, struct placing *placing)
{
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < placing->request->n_lines; i++) {
		struct order_line *line = &placing->lines[i];
		if (line->method != METHOD(CARRY_OUT))
			continue;
		const char *location = placing->request->lines[i]->location;
		enum verdict posted = post_sale(run, line, location);
		if (posted == VERDICT_REFUSED)
			return posted;
		if (posted == VERDICT_NEED)
			verdict = posted;
		line->open = 0;
		line->fulfilled = line->ordered;
		order_line_at(run, line, location)->fulfilled = line->ordered;
	}
	return verdict;
}

/* ---- Promises ---- */

static enum verdict post_grant(struct run *run, struct order_line *line, const struct grant *grant,
	bool fulfil)
{
	struct order_allocation *at = order_line_at(run, line, grant->location);
	line->open -= grant->quantity;
	*(fulfil ? &line->fulfilled : &line->allocated) += grant->quantity;
	*(fulfil ? &at->fulfilled : &at->allocated) += grant->quantity;
	return post(run, &(struct posting){
						 .sku = line->sku,
						 .from_location = grant->location,
						 .from_state = STATE(AVAILABLE),
						 .to_location = fulfil ? "" : grant->location,
						 .to_state = fulfil ? STATE(CUSTOMER) : STATE(ALLOCATED),
						 .quantity = grant->quantity,
						 .reason = fulfil ? MOVED_BY(SHIP) : MOVED_BY(ALLOCATE),
						 .document_line = line->line,
					 });
}

static enum verdict post_grants(struct run *run, struct placing *placing)
{
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < placing->sourcing.count; i++) {
		const struct demand *demand = &placing->sourcing.demands[i];
		for (size_t j = 0; j < demand->grant_count; j++) {
			enum verdict posted = post_grant(run, &placing->lines[demand->line], &demand->grants[j],
				placing->request->fulfil);
			if (posted == VERDICT_REFUSED)
				return posted;
			if (posted == VERDICT_NEED)
				verdict = posted;
		}
	}
	return verdict;
}

/* ---- PlaceOrder ---- */

/* Where most of its stock rows are: those of its first line. */
static int32_t part_of_order(const struct run *run, const struct placing *placing)
{
	const Stockbook__V1__PlaceOrderRequest *request = placing->request;
	const char *where = request->channel;
	for (size_t i = request->n_lines; i-- > 0;) {
		if (request->lines[i]->location[0])
			where = request->lines[i]->location;
		else if (placing->lines[i].allocation_count > 0)
			where = placing->lines[i].allocations[0].location;
	}
	return part_of(where, run->limits->parts);
}

static enum verdict place_decide(struct run *run, struct placing *placing)
{
	const Stockbook__V1__PlaceOrderRequest *request = placing->request;
	const struct channel_row *channel;
	enum verdict channel_verdict = require_channel(run, request->channel, "channel", &channel);
	if (channel_verdict == VERDICT_REFUSED)
		return channel_verdict;
	sourcing_init(&placing->sourcing, run, channel, request->sourcing, request->n_lines);
	enum verdict verdict = add_lines(run, placing);
	if (verdict == VERDICT_REFUSED)
		return verdict;
	if (channel_verdict == VERDICT_NEED)
		return VERDICT_NEED;
	enum verdict decided = sourcing_decide(&placing->sourcing, run, request->allow_partial);
	if (decided == VERDICT_REFUSED)
		return decided;
	if (verdict == VERDICT_NEED || decided == VERDICT_NEED)
		return VERDICT_NEED;
	if (placing->sourcing.short_count > 0 && !request->allow_partial)
		return sourcing_refuse(&placing->sourcing, run);
	return VERDICT_DONE;
}

enum verdict order_place(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__PlaceOrderRequest *request = request_;
	Stockbook__V1__PlaceOrderResponse *response = response_;
	if (request->n_lines < 1 || request->n_lines > LINES_MAX)
		return refuse_field(run, "lines", "must be 1 to %d lines", LINES_MAX);
	struct placing placing = {.request = request};
	placing.lines = arena_alloc_array(run->arena, request->n_lines, sizeof(*placing.lines));
	enum verdict verdict = place_decide(run, &placing);
	if (verdict != VERDICT_DONE)
		return verdict;
	enum verdict sold = post_sales(run, &placing);
	enum verdict granted = sold == VERDICT_REFUSED ? VERDICT_REFUSED : post_grants(run, &placing);
	if (sold != VERDICT_DONE || granted != VERDICT_DONE)
		return sold == VERDICT_REFUSED || granted == VERDICT_REFUSED ? VERDICT_REFUSED
																	 : VERDICT_NEED;
	struct order order;
	order_insert(run,
		&(struct order_draft){
			.part = part_of_order(run, &placing),
			.channel = request->channel,
			.customer = request->customer,
			.reference = request->reference,
			.currency = placing.currency ? placing.currency : "",
			.lines = placing.lines,
			.count = request->n_lines,
		},
		&order);
	response->order = order_message(run, &order);
	return VERDICT_DONE;
}
