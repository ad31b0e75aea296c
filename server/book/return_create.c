/*
 * Taking goods back. Against an order, what comes back is charged to the order's lines, which are
 * locked with it: never more than was fulfilled less what came back before, also when two stores
 * take back at once. A request's line that names only the SKU is spread over the order's lines of
 * that SKU, the first one first; so a return may have more lines than its request.
 *
 *   RESTOCK      CUSTOMER -> AVAILABLE
 *   (none)       CUSTOMER -> QUALITY_CONTROL, until it is inspected
 *   DAMAGED      CUSTOMER -> DAMAGED
 *   DESTROYED    CUSTOMER -> DAMAGED -> LOSS: it was here, if only for a moment
 */
#include <string.h>

#include "book/availability.h"
#include "book/order.h"
#include "book/return.h"
#include "book/text_index.h"
#include "stockbook/v1/token.pb-c.h"

#define DISPOSITION(name) STOCKBOOK__V1__DISPOSITION__DISPOSITION_##name
#define STATE(name) STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_##name
#define STATUS(name) STOCKBOOK__V1__RETURN_STATUS__RETURN_STATUS_##name
#define REASON(name) STOCKBOOK__V1__REASON__REASON_##name
#define MOVED_BY(name) STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_##name

/* A line of the return to be. */
struct coming_line {
	int32_t order_line;
	const char *sku;
	int64_t quantity;
	Stockbook__V1__Disposition disposition;
	int64_t unit_price;
};

struct returning {
	const Stockbook__V1__CreateReturnRequest *request;
	struct order order; /* row NULL: blind */
	/* The order's lines by SKU, as chains of indexes in their order; NO_LINE ends one. */
	struct text_index skus;
	size_t *first; /* by the SKU's number; lines that have nothing left are left out */
	size_t *next;  /* by line */
	struct coming_line *lines;
	size_t count;
	size_t capacity;
	const char *currency;
	int64_t due;
};

#define NO_LINE SIZE_MAX

static char *line_field(struct run *run, size_t index, const char *field)
{
	return field_path(run->arena, "lines", index, field);
}

static enum verdict coming_add(struct run *run, struct returning *returning,
	const struct coming_line *line)
{
	if (returning->count == LINES_MAX)
		return refuse_field(run, "lines", "come from more than %d lines of the order", LINES_MAX);
	returning->lines = arena_grow(run->arena, returning->lines, returning->count,
		&returning->capacity, sizeof(*returning->lines));
	returning->lines[returning->count++] = *line;
	return VERDICT_DONE;
}

/* ---- Against an order ---- */

static enum verdict refuse_too_much(struct run *run, size_t index, const char *sku,
	int64_t requested, int64_t returnable)
{
	refuse(run, REASON(RETURN_EXCEEDS_FULFILLED),
		"line %zu returns %lld of sku '%s': %lld were fulfilled and have not come back", index,
		(long long)requested, sku, (long long)returnable);
	refuse_with(run, line_field(run, index, "sku"), "%s", sku);
	refuse_with(run, line_field(run, index, "requested"), "%lld", (long long)requested);
	refuse_with(run, line_field(run, index, "available"), "%lld", (long long)returnable);
	return VERDICT_REFUSED;
}

static enum verdict refuse_no_line(struct run *run, const struct returning *returning, size_t index,
	const Stockbook__V1__CreateReturnLine *asked)
{
	char *id = run_id_text(run, &returning->order.row->id);
	if (asked->order_line != 0)
		refuse(run, REASON(ORDER_LINE_NOT_FOUND), "order '%s' has no line %d", id,
			asked->order_line);
	else
		refuse(run, REASON(ORDER_LINE_NOT_FOUND), "order '%s' has no line of sku '%s'", id,
			asked->sku);
	refuse_with(run, "field", "%s",
		line_field(run, index, asked->order_line != 0 ? "order_line" : "sku"));
	return VERDICT_REFUSED;
}

/* Charges up to `most` to the order's line; what it could take. */
static int64_t take_back(struct order_line *line, int64_t most)
{
	int64_t left = line->fulfilled - line->returned;
	int64_t share = left < most ? left : most;
	line->returned += share;
	line->changed = line->changed || share > 0;
	return share;
}

static enum verdict take_from_line(struct run *run, struct returning *returning, size_t index,
	struct order_line *line, int64_t *remainder)
{
	int64_t share = take_back(line, *remainder);
	if (share == 0)
		return VERDICT_DONE;
	*remainder -= share;
	return coming_add(run, returning,
		&(struct coming_line){
			.order_line = line->line,
			.sku = line->sku,
			.quantity = share,
			.disposition = returning->request->lines[index]->disposition,
			.unit_price = line->unit_price,
		});
}

static enum verdict of_order_line(struct run *run, struct returning *returning, size_t index,
	const char *sku)
{
	const Stockbook__V1__CreateReturnLine *asked = returning->request->lines[index];
	if (asked->order_line < 1 || (size_t)asked->order_line > returning->order.count)
		return refuse_no_line(run, returning, index, asked);
	struct order_line *line = &returning->order.lines[asked->order_line - 1];
	if (sku && strcmp(sku, line->sku) != 0)
		return refuse_field(run, line_field(run, index, "sku"),
			"is not that of the order's line %d, which is '%s'", line->line, line->sku);
	int64_t remainder = asked->quantity;
	enum verdict verdict = take_from_line(run, returning, index, line, &remainder);
	if (verdict == VERDICT_DONE && remainder > 0)
		return refuse_too_much(run, index, line->sku, asked->quantity, asked->quantity - remainder);
	return verdict;
}

static void chain_lines(struct run *run, struct returning *returning)
{
	size_t count = returning->order.count;
	/* A request's line may ask for one more. */
	text_index_init(&returning->skus, run->arena, count + returning->request->n_lines);
	returning->first = arena_alloc_array(run->arena, count, sizeof(*returning->first));
	returning->next = arena_alloc_array(run->arena, count, sizeof(*returning->next));
	for (size_t i = 0; i < count; i++)
		returning->first[i] = NO_LINE;
	for (size_t i = 0; i < count; i++)
		text_index_add(&returning->skus, returning->order.lines[i].sku, NULL);
	for (size_t i = count; i-- > 0;) {
		size_t number = text_index_add(&returning->skus, returning->order.lines[i].sku, NULL);
		returning->next[i] = returning->first[number];
		returning->first[number] = i;
	}
}

static enum verdict of_any_line(struct run *run, struct returning *returning, size_t index,
	const char *sku)
{
	const Stockbook__V1__CreateReturnLine *asked = returning->request->lines[index];
	if (!returning->first)
		chain_lines(run, returning);
	bool added;
	size_t number = text_index_add(&returning->skus, sku, &added);
	if (added)
		return refuse_no_line(run, returning, index, asked);
	int64_t remainder = asked->quantity;
	size_t *first = &returning->first[number];
	while (*first != NO_LINE && remainder > 0) {
		struct order_line *line = &returning->order.lines[*first];
		enum verdict verdict = take_from_line(run, returning, index, line, &remainder);
		if (verdict != VERDICT_DONE)
			return verdict;
		if (line->returned == line->fulfilled)
			*first = returning->next[*first];
	}
	if (remainder > 0)
		return refuse_too_much(run, index, sku, asked->quantity, asked->quantity - remainder);
	return VERDICT_DONE;
}

/* ---- Blind ---- */

static enum verdict blind_line(struct run *run, struct returning *returning, size_t index,
	const char *sku)
{
	const Stockbook__V1__CreateReturnLine *asked = returning->request->lines[index];
	if (asked->order_line != 0)
		return refuse_field(run, line_field(run, index, "order_line"), "needs an order_id");
	struct coming_line line = {
		.sku = sku, .quantity = asked->quantity, .disposition = asked->disposition};
	char *field = line_field(run, index, "unit_price");
	enum verdict verdict =
		order_check_price(run, asked->unit_price, field, &returning->currency, &line.unit_price);
	if (verdict == VERDICT_DONE)
		verdict = order_add_amount(run, line.quantity, line.unit_price, field, &returning->due);
	if (verdict == VERDICT_DONE)
		verdict = coming_add(run, returning, &line);
	return verdict;
}

/* Whoever is not of the warehouse or an admin may take back only so much without proof. */
static enum verdict check_blind(struct run *run, const Stockbook__V1__CreateReturnRequest *request)
{
	if (run->actor->role == STOCKBOOK__V1__ROLE__ROLE_FULFILMENT ||
		run->actor->role == STOCKBOOK__V1__ROLE__ROLE_ADMIN)
		return VERDICT_DONE;
	int64_t units = 0; /* 10,000 lines of bounded quantities: cannot overflow */
	for (size_t i = 0; i < request->n_lines; i++)
		units += request->lines[i]->quantity;
	if (units <= run->limits->blind_return_units_max)
		return VERDICT_DONE;
	refuse(run, REASON(BLIND_RETURN_LIMIT),
		"a return without an order of %lld units is over the limit of %lld", (long long)units,
		(long long)run->limits->blind_return_units_max);
	refuse_with(run, "limit", "%lld", (long long)run->limits->blind_return_units_max);
	return VERDICT_REFUSED;
}

/* ---- All lines ---- */

static enum verdict check_request(struct run *run,
	const Stockbook__V1__CreateReturnRequest *request)
{
	if (request->n_lines < 1 || request->n_lines > LINES_MAX)
		return refuse_field(run, "lines", "must be 1 to %d lines", LINES_MAX);
	for (size_t i = 0; i < request->n_lines; i++) {
		const Stockbook__V1__CreateReturnLine *line = request->lines[i];
		if (line->quantity < 1 || line->quantity > QUANTITY_MAX)
			return refuse_field(run, line_field(run, i, "quantity"), "must be from 1 to %lld",
				(long long)QUANTITY_MAX);
		if (line->disposition < DISPOSITION(UNSPECIFIED) ||
			line->disposition > DISPOSITION(DESTROYED))
			return refuse_field(run, line_field(run, i, "disposition"),
				"is not a known disposition");
		if (line->sku[0] == '\0' && line->order_line == 0)
			return refuse_field(run, line_field(run, i, "sku"), "is needed without an order_line");
	}
	return request->order_id[0] == '\0' ? check_blind(run, request) : VERDICT_DONE;
}

/* The SKU that a line names, NULL where it names none. */
static enum verdict line_sku(struct run *run, const struct returning *returning, size_t index,
	const char **sku)
{
	const Stockbook__V1__CreateReturnLine *asked = returning->request->lines[index];
	*sku = NULL;
	if (asked->sku[0] == '\0')
		return VERDICT_DONE;
	return resolve_sku(run, asked->sku, returning->request->location, ACCESS_LOCK,
		line_field(run, index, "sku"), sku);
}

static enum verdict decide_lines(struct run *run, struct returning *returning)
{
	const Stockbook__V1__CreateReturnRequest *request = returning->request;
	bool blind = request->order_id[0] == '\0';
	bool need = false;
	if (!blind) {
		enum verdict verdict = order_open(run, request->order_id, &returning->order);
		if (verdict == VERDICT_REFUSED)
			return verdict;
		need = verdict == VERDICT_NEED;
	}
	for (size_t i = 0; i < request->n_lines; i++) {
		const char *sku;
		enum verdict verdict = line_sku(run, returning, i, &sku);
		if (verdict == VERDICT_DONE && !need) {
			if (blind)
				verdict = blind_line(run, returning, i, sku);
			else if (request->lines[i]->order_line != 0)
				verdict = of_order_line(run, returning, i, sku);
			else
				verdict = of_any_line(run, returning, i, sku);
		}
		if (verdict == VERDICT_REFUSED)
			return verdict;
		need = need || verdict == VERDICT_NEED;
	}
	return need ? VERDICT_NEED : VERDICT_DONE;
}

/* ---- Movements and rows ---- */

static enum verdict post_line(struct run *run, const char *location, const struct coming_line *line,
	int32_t number)
{
	struct posting posting = {
		.sku = line->sku,
		.from_location = "",
		.from_state = STATE(CUSTOMER),
		.to_location = location,
		.to_state = STATE(QUALITY_CONTROL),
		.quantity = line->quantity,
		.reason = MOVED_BY(RETURN),
		.document_line = number,
	};
	if (line->disposition == DISPOSITION(RESTOCK))
		posting.to_state = STATE(AVAILABLE);
	else if (line->disposition != DISPOSITION(UNSPECIFIED))
		posting.to_state = STATE(DAMAGED);
	enum verdict verdict = post(run, &posting);
	if (verdict != VERDICT_DONE || line->disposition != DISPOSITION(DESTROYED))
		return verdict;
	posting.from_location = location;
	posting.from_state = STATE(DAMAGED);
	posting.to_location = "";
	posting.to_state = STATE(LOSS);
	posting.reason = MOVED_BY(DESTROYED);
	return post(run, &posting);
}

static enum verdict post_lines(struct run *run, const struct returning *returning)
{
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < returning->count; i++) {
		enum verdict posted =
			post_line(run, returning->request->location, &returning->lines[i], (int32_t)i + 1);
		if (posted == VERDICT_REFUSED)
			return posted;
		if (posted == VERDICT_NEED)
			verdict = posted;
	}
	return verdict;
}

static const struct return_line_row *insert_line(struct run *run,
	const struct goods_return_row *row, const struct coming_line *line, int32_t number)
{
	struct return_line_row *fresh = row_new(TABLE(return_line), workset_arena(run->set));
	fresh->part = row->part;
	fresh->return_id = row->id;
	fresh->line = number;
	fresh = workset_insert(run->set, fresh);
	fresh->order_line = line->order_line;
	fresh->sku = arena_string(workset_arena(run->set), line->sku);
	fresh->quantity = line->quantity;
	fresh->unit_price = line->unit_price;
	if (line->disposition == DISPOSITION(RESTOCK))
		fresh->restocked = line->quantity;
	else if (line->disposition == DISPOSITION(DAMAGED))
		fresh->damaged = line->quantity;
	else if (line->disposition == DISPOSITION(DESTROYED))
		fresh->destroyed = line->quantity;
	else
		fresh->waiting = line->quantity;
	return fresh;
}

static struct goods_return_row *insert_header(struct run *run, const struct returning *returning)
{
	const Stockbook__V1__CreateReturnRequest *request = returning->request;
	const struct customer_order_row *order = returning->order.row;
	struct arena *arena = workset_arena(run->set);
	struct goods_return_row *row = row_new(TABLE(goods_return), arena);
	row->part = part_of(request->location, run->limits->parts);
	row->id = run_new_id(run, row->part);
	row->location = arena_string(arena, request->location);
	row->channel = arena_string(arena, request->channel);
	row->customer = arena_string(arena, order ? order->customer : request->customer);
	row->reference = arena_string(arena, request->reference);
	row->currency = arena_string(arena, order ? order->currency : "");
	if (order)
		row->order_id = order->id;
	else if (returning->currency)
		row->currency = arena_string(arena, returning->currency);
	row->line_count = (int32_t)returning->count;
	row->created_at = row->updated_at = run->now_us;
	return workset_insert(run->set, row);
}

static void store(struct run *run, struct returning *returning,
	Stockbook__V1__CreateReturnResponse *response)
{
	struct goods_return_row *row = insert_header(run, returning);
	const struct return_line_row **lines =
		arena_alloc_array(run->arena, returning->count, sizeof(*lines));
	for (size_t i = 0; i < returning->count; i++)
		lines[i] = insert_line(run, row, &returning->lines[i], (int32_t)i + 1);
	row->status = (int32_t)return_status_of(lines, returning->count);
	return_note(run, row, RETURN_RECEIVE, STATUS(UNSPECIFIED), returning->request->note);
	if (returning->order.row)
		order_advance(run, &returning->order, ORDER_RETURN,
			arena_printf(run->arena, "return %s", run_id_text(run, &row->id)));
	response->goods_return = return_message(run, row, lines, returning->count);
}

enum verdict return_create(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__CreateReturnRequest *request = request_;
	enum verdict verdict = check_request(run, request);
	if (verdict != VERDICT_DONE)
		return verdict;
	const struct channel_row *channel;
	enum verdict channel_verdict = require_channel(run, request->channel, "channel", &channel);
	if (channel_verdict == VERDICT_REFUSED)
		return channel_verdict;
	enum verdict placed = check_location(run, request->location, LOCATION_RETURN, true, "location");
	if (placed == VERDICT_REFUSED)
		return placed;
	struct returning returning = {.request = request};
	verdict = decide_lines(run, &returning);
	if (verdict == VERDICT_DONE)
		verdict = post_lines(run, &returning);
	if (verdict == VERDICT_REFUSED)
		return verdict;
	if (verdict == VERDICT_NEED || placed == VERDICT_NEED || channel_verdict == VERDICT_NEED)
		return VERDICT_NEED;
	store(run, &returning, response_);
	return VERDICT_DONE;
}
