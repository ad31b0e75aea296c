#include "book/order_new_line.h"
#include "book/shelf.h"

#include "book/ship_day.h"
#include "book/work.h"

#define METHOD(name) STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_##name
#define STATE(name) STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_##name
#define MOVED_BY(name) STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_##name

/* ---- What may be asked for ---- */

static char *field_of(struct run *run, const struct new_lines *new, size_t index, const char *name)
{
	return field_path(run->arena, new->field, index, name);
}

static bool is_promise(Stockbook__V1__FulfilmentMethod method)
{
	return method == METHOD(SHIP) || method == METHOD(PICKUP) || method == METHOD(SHIP_TO_STORE);
}

static enum verdict check_method(struct run *run, const struct new_lines *new, size_t index,
	Stockbook__V1__FulfilmentMethod *method)
{
	const Stockbook__V1__PlaceOrderLine *line = new->asked[index];
	*method = line->method == METHOD(UNSPECIFIED) ? METHOD(SHIP) : line->method;
	bool carried_out = *method == METHOD(CARRY_OUT);
	if (!carried_out && !is_promise(*method))
		return refuse_field(run, field_of(run, new, index, "method"), "is not a known method");
	if (carried_out && line->location[0] == '\0')
		return refuse_field(run, field_of(run, new, index, "location"),
			"is needed for CARRY_OUT: where the customer is");
	if (line->otherwise != METHOD(UNSPECIFIED) && !(carried_out && is_promise(line->otherwise)))
		return refuse_field(run, field_of(run, new, index, "otherwise"),
			carried_out ? "must be SHIP, PICKUP or SHIP_TO_STORE" : "is for CARRY_OUT alone");
	bool to_store = *method == METHOD(SHIP_TO_STORE) || line->otherwise == METHOD(SHIP_TO_STORE);
	if (!to_store && line->pickup_location[0])
		return refuse_field(run, field_of(run, new, index, "pickup_location"),
			"is for SHIP_TO_STORE; what is picked up names its location");
	if (*method == METHOD(SHIP_TO_STORE) && line->pickup_location[0] == '\0')
		return refuse_field(run, field_of(run, new, index, "pickup_location"),
			"is needed for SHIP_TO_STORE: where the customer fetches it");
	return VERDICT_DONE;
}

static enum verdict check_amount(struct run *run, struct new_lines *new, size_t index,
	int64_t *unit_price)
{
	const Stockbook__V1__PlaceOrderLine *line = new->asked[index];
	*unit_price = 0;
	if (!line->unit_price)
		return VERDICT_DONE;
	char *field = field_of(run, new, index, "unit_price");
	enum verdict verdict =
		order_check_price(run, line->unit_price, field, &new->currency, unit_price);
	if (verdict == VERDICT_DONE)
		verdict = order_add_amount(run, line->quantity, *unit_price, field, &new->total);
	return verdict;
}

/* ---- What they want ---- */

static void demand_add(struct new_lines *new, struct sourcing *sourcing, size_t line,
	const char *location, size_t index)
{
	const struct order_line *wanting = &new->lines[line];
	new->demanded[new->demand_count++] = line;
	order_demand(sourcing, wanting, location, wanting->ordered, new->offset + (int32_t)index);
}

/* The part of a till sale that is not there comes to the customer in another way. */
static enum verdict add_otherwise(struct run *run, struct new_lines *new, struct sourcing *sourcing,
	size_t index)
{
	const Stockbook__V1__PlaceOrderLine *from = new->asked[index];
	struct order_line *line = &new->lines[index];
	struct sourcing_cell *cell = sourcing_cell(sourcing, run, line->sku, from->location);
	const struct stock_row *stock = NULL;
	if (find_stock(run, line->sku, from->location, ACCESS_LOCK, &stock) == LOOKUP_NEEDED)
		return VERDICT_NEED;
	/* What is promised to others stays theirs: this customer gets hers another way. */
	int64_t there = stock ? stock->available - cell->debit : 0;
	there = there > 0 ? there : 0;
	if (there >= line->ordered) {
		cell->debit += line->ordered;
		return VERDICT_DONE;
	}
	size_t rest = index;
	if (there > 0) {
		rest = new->count++;
		new->lines[rest] = *line;
		new->lines[rest].line = new->first + (int32_t)rest;
		line->ordered = line->open = there;
		cell->debit += there;
	}
	struct order_line *wanting = &new->lines[rest];
	wanting->ordered = wanting->open = from->quantity - there;
	wanting->method = from->otherwise;
	if (from->otherwise == METHOD(SHIP_TO_STORE))
		wanting->pickup_location =
			from->pickup_location[0] ? from->pickup_location : from->location;
	demand_add(new, sourcing, rest, "", index);
	return VERDICT_DONE;
}

static enum verdict add_wants(struct run *run, struct new_lines *new, struct sourcing *sourcing,
	size_t index)
{
	const Stockbook__V1__PlaceOrderLine *from = new->asked[index];
	struct order_line *line = &new->lines[index];
	if (line->method == METHOD(CARRY_OUT)) {
		if (from->otherwise != METHOD(UNSPECIFIED))
			return add_otherwise(run, new, sourcing, index);
		sourcing_cell(sourcing, run, line->sku, from->location)->debit += from->quantity;
		return VERDICT_DONE;
	}
	if (line->method == METHOD(PICKUP))
		line->pickup_location = from->location;
	if (line->method == METHOD(SHIP_TO_STORE))
		line->pickup_location = from->pickup_location;
	demand_add(new, sourcing, index, from->location, index);
	return VERDICT_DONE;
}

static enum verdict check_pickup_location(struct run *run, const struct new_lines *new,
	size_t index)
{
	const char *location = new->asked[index]->pickup_location;
	if (location[0] == '\0')
		return VERDICT_DONE;
	return check_location(run, location, LOCATION_PICKUP, false,
		field_of(run, new, index, "pickup_location"));
}

void order_ask_for_shelf(struct run *run, const struct channel_row *channel,
	Stockbook__V1__FulfilmentMethod method, const char *sku, const char *location)
{
	const char *shelf;
	if (method == METHOD(PICKUP) || (method == METHOD(SHIP) && channel && channel->plans_shipments))
		shelf_of(run, sku, location, &shelf);
}

static enum verdict add_line(struct run *run, struct new_lines *new, struct sourcing *sourcing,
	size_t index)
{
	const Stockbook__V1__PlaceOrderLine *from = new->asked[index];
	struct order_line *line = &new->lines[index];
	*line = (struct order_line){.line = new->first + (int32_t)index, .pickup_location = ""};
	enum verdict verdict = check_method(run, new, index, &line->method);
	if (verdict != VERDICT_DONE)
		return verdict;
	verdict = sourcing_check_line(run, sourcing, (size_t) new->offset + index, from->sku,
		from->location, from->quantity, line->method, &line->sku);
	if (verdict == VERDICT_REFUSED)
		return verdict;
	enum verdict fetched = check_pickup_location(run, new, index);
	enum verdict priced = check_amount(run, new, index, &line->unit_price);
	if (fetched == VERDICT_REFUSED || priced == VERDICT_REFUSED)
		return VERDICT_REFUSED;
	if (verdict == VERDICT_NEED && from->location[0] && !new->fulfil)
		order_ask_for_shelf(run, sourcing->channel, line->method, from->sku, from->location);
	if (verdict == VERDICT_NEED || fetched == VERDICT_NEED)
		return VERDICT_NEED;
	line->ordered = line->open = from->quantity;
	return add_wants(run, new, sourcing, index);
}

size_t new_lines_room(Stockbook__V1__PlaceOrderLine *const *asked, size_t count)
{
	size_t room = count;
	for (size_t i = 0; i < count; i++)
		room += asked[i]->otherwise != METHOD(UNSPECIFIED);
	return room;
}

enum verdict new_lines_add(struct run *run, struct new_lines *new, struct sourcing *sourcing)
{
	new->count = new->asked_count;
	new->first_demand = sourcing->count;
	new->demanded = arena_alloc_array(run->arena, new->asked_count, sizeof(*new->demanded));
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < new->asked_count; i++) {
		enum verdict added = add_line(run, new, sourcing, i);
		if (added == VERDICT_REFUSED)
			return added;
		if (added == VERDICT_NEED)
			verdict = added;
	}
	return verdict;
}

struct demand *order_demand(struct sourcing *sourcing, const struct order_line *line,
	const char *location, int64_t quantity, int32_t index)
{
	/* What is picked up lies where it is fetched. */
	if (line->method == METHOD(PICKUP) && location[0] == '\0')
		location = line->pickup_location;
	struct demand *demand =
		sourcing_add(sourcing, line->method, line->sku, location, quantity, index);
	if (line->method == METHOD(SHIP_TO_STORE))
		demand->pickup_location = line->pickup_location;
	return demand;
}

/* ---- Facts ---- */

/* Hands the goods over, after finding what the book did not know of. */
static enum verdict post_sale(struct run *run, const struct order_line *line, const char *location,
	const char *channel)
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
						 .channel = channel,
					 });
}

static enum verdict post_sales(struct run *run, struct new_lines *new, const char *channel)
{
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < new->asked_count; i++) {
		struct order_line *line = &new->lines[i];
		if (line->method != METHOD(CARRY_OUT))
			continue;
		const char *location = new->asked[i]->location;
		enum verdict posted = post_sale(run, line, location, channel);
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
	const char *channel, bool fulfil)
{
	struct order_allocation *at = order_line_at(run, line, grant->location);
	line->open -= grant->quantity;
	*(fulfil ? &line->fulfilled : &line->allocated) += grant->quantity;
	*(fulfil ? &at->fulfilled : &at->allocated) += grant->quantity;
	line->changed = true;
	return post(run, &(struct posting){
						 .sku = line->sku,
						 .from_location = grant->location,
						 .from_state = STATE(AVAILABLE),
						 .to_location = fulfil ? "" : grant->location,
						 .to_state = fulfil ? STATE(CUSTOMER) : STATE(ALLOCATED),
						 .quantity = grant->quantity,
						 .reason = fulfil ? MOVED_BY(SHIP) : MOVED_BY(ALLOCATE),
						 .document_line = line->line,
						 .channel = channel,
					 });
}

enum verdict order_post_grants(struct run *run, struct order_line *line,
	const struct demand *demand, const struct channel_row *channel, bool fulfil)
{
	bool need = false;
	for (size_t i = 0; i < demand->grant_count; i++) {
		enum verdict posted = post_grant(run, line, &demand->grants[i],
			channel ? channel->code : NULL, fulfil && line->method == METHOD(SHIP));
		if (posted == VERDICT_REFUSED)
			return posted;
		need = need || posted == VERDICT_NEED;
	}
	if (line->method == METHOD(PICKUP) && line->pickup_location[0] == '\0' &&
		demand->grant_count > 0)
		line->pickup_location = demand->grants[0].location;
	return need ? VERDICT_NEED : VERDICT_DONE;
}

enum verdict new_lines_post(struct run *run, struct new_lines *new, const struct sourcing *sourcing)
{
	const char *channel = sourcing->channel ? sourcing->channel->code : NULL;
	enum verdict verdict = post_sales(run, new, channel);
	if (verdict == VERDICT_REFUSED)
		return verdict;
	for (size_t i = 0; i < new->demand_count; i++) {
		enum verdict posted = order_post_grants(run, &new->lines[new->demanded[i]],
			&sourcing->demands[new->first_demand + i], sourcing->channel, new->fulfil);
		if (posted == VERDICT_REFUSED)
			return posted;
		if (posted == VERDICT_NEED)
			verdict = posted;
	}
	return verdict;
}
