/*
 * Amending an order that is not over: more of a line is promised like a new one, less is cancelled,
 * new lines come after those that are there. Everything is decided before anything is posted.
 */
#include <string.h>

#include "book/order_new_line.h"
#include "book/order_step.h"

#define METHOD(name) STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_##name
#define REASON(name) STOCKBOOK__V1__REASON__REASON_##name

struct amending {
	const Stockbook__V1__AmendOrderRequest *request;
	struct order order;
	const struct channel_row *channel; /* the order's: its promises are made and given back in it */
	struct sourcing sourcing;
	struct order_work work; /* what is cancelled */
	size_t raised_count;    /* of the demands: lines that are there; those of new lines follow */
	struct new_lines new;
	bool *named; /* lines that the request named, by number - 1 */
};

static char *field_of(struct run *run, size_t index, const char *name)
{
	return field_path(run->arena, "lines", index, name);
}

/* ---- Lines that are there ---- */

static enum verdict name_line(struct run *run, struct amending *amending, size_t index,
	struct order_line **line)
{
	int32_t number = amending->request->lines[index]->line;
	struct order *order = &amending->order;
	if (number < 1 || (size_t)number > order->count) {
		refuse(run, REASON(ORDER_LINE_NOT_FOUND), "order '%s' has no line %d",
			run_id_text(run, &order->row->id), number);
		refuse_with(run, "field", "%s", field_of(run, index, "line"));
		return VERDICT_REFUSED;
	}
	if (amending->named[number - 1])
		return refuse_field(run, field_of(run, index, "line"), "is named twice");
	amending->named[number - 1] = true;
	*line = &order->lines[number - 1];
	return VERDICT_DONE;
}

static enum verdict amend_price(struct run *run, struct amending *amending, size_t index,
	struct order_line *line)
{
	const Stockbook__V1__Money *price = amending->request->lines[index]->unit_price;
	if (!price)
		return VERDICT_DONE;
	char *field = field_of(run, index, "unit_price");
	int64_t unit_price;
	enum verdict verdict =
		order_check_price(run, price, field, &amending->new.currency, &unit_price);
	if (verdict != VERDICT_DONE || unit_price == line->unit_price)
		return verdict;
	if (line->fulfilled > 0) {
		refuse(run, REASON(IN_USE), "line %d of the order has goods that were paid at its price",
			line->line);
		refuse_with(run, "field", "%s", field);
		return VERDICT_REFUSED;
	}
	line->unit_price = unit_price;
	line->changed = true;
	return VERDICT_DONE;
}

static enum verdict raise(struct run *run, struct amending *amending, size_t index,
	struct order_line *line, int64_t more)
{
	if (line->method == METHOD(CARRY_OUT))
		return refuse_field(run, field_of(run, index, "quantity"),
			"cannot be raised for what is carried out: add a line");
	line->ordered += more;
	line->open += more;
	line->changed = true;
	order_demand(&amending->sourcing, line, "", more, (int32_t)index);
	if (line->method != METHOD(PICKUP) || line->pickup_location[0] == '\0')
		return VERDICT_DONE;
	return sourcing_check_location(run, amending->channel, amending->sourcing.options,
		line->pickup_location, line->method, field_of(run, index, "quantity"));
}

static enum verdict amend_quantity(struct run *run, struct amending *amending, size_t index,
	struct order_line *line)
{
	const Google__Protobuf__Int64Value *wanted = amending->request->lines[index]->quantity;
	if (!wanted)
		return VERDICT_DONE;
	if (wanted->value < 0 || wanted->value > QUANTITY_MAX)
		return refuse_field(run, field_of(run, index, "quantity"), "must be from 0 to %lld",
			(long long)QUANTITY_MAX);
	int64_t more = wanted->value - (line->ordered - line->cancelled);
	if (more == 0)
		return VERDICT_DONE;
	if (more > 0)
		return raise(run, amending, index, line, more);
	int64_t taken = order_work_take(run, &amending->work, line, "", -more);
	if (taken < -more)
		order_work_name_short(run, &amending->work, index, line, "", -more, taken);
	return VERDICT_DONE;
}

static enum verdict amend_lines(struct run *run, struct amending *amending)
{
	bool need = false;
	for (size_t i = 0; i < amending->request->n_lines; i++) {
		struct order_line *line = NULL;
		enum verdict verdict = name_line(run, amending, i, &line);
		if (verdict == VERDICT_DONE)
			verdict = amend_price(run, amending, i, line);
		if (verdict == VERDICT_DONE)
			verdict = amend_quantity(run, amending, i, line);
		if (verdict == VERDICT_REFUSED)
			return verdict;
		need = need || verdict == VERDICT_NEED;
	}
	amending->raised_count = amending->sourcing.count;
	if (amending->work.short_count > 0)
		return VERDICT_REFUSED;
	return need ? VERDICT_NEED : VERDICT_DONE;
}

/* ---- All of it ---- */

static enum verdict check_request(struct run *run, const struct amending *amending)
{
	const Stockbook__V1__AmendOrderRequest *request = amending->request;
	if (request->n_lines > LINES_MAX)
		return refuse_field(run, "lines", "must be at most %d lines", LINES_MAX);
	if (request->n_lines == 0 && request->n_add == 0)
		return refuse_field(run, "lines", "must name a line, or add one");
	if (request->n_add > LINES_MAX)
		return refuse_field(run, "add", "must be at most %d lines", LINES_MAX);
	return VERDICT_DONE;
}

/* Room for the new lines behind those that are there. */
static void make_room(struct run *run, struct amending *amending)
{
	const Stockbook__V1__AmendOrderRequest *request = amending->request;
	struct order *order = &amending->order;
	struct order_line *lines = arena_alloc_array(run->arena,
		order->count + new_lines_room(request->add, request->n_add), sizeof(*lines));
	memcpy(lines, order->lines, order->count * sizeof(*lines));
	order->lines = lines;
	amending->named = arena_alloc_array(run->arena, order->count, sizeof(bool));
	amending->new = (struct new_lines){
		.asked = request->add,
		.asked_count = request->n_add,
		.field = "add",
		.first = (int32_t)order->count + 1,
		.offset = (int32_t)request->n_lines,
		.lines = lines + order->count,
		.currency = order->row->currency[0] ? order->row->currency : NULL,
	};
}

static enum verdict check_total(struct run *run, const struct order *order)
{
	int64_t total = 0;
	for (size_t i = 0; i < order->count; i++) {
		const struct order_line *line = &order->lines[i];
		enum verdict verdict = order_add_amount(run, line->ordered - line->cancelled,
			line->unit_price, "lines", &total);
		if (verdict != VERDICT_DONE)
			return verdict;
	}
	return VERDICT_DONE;
}

static enum verdict amend_decide(struct run *run, struct amending *amending)
{
	const Stockbook__V1__AmendOrderRequest *request = amending->request;
	struct sourcing *sourcing = &amending->sourcing;
	make_room(run, amending);
	sourcing_init(sourcing, run, amending->channel, request->sourcing,
		request->n_lines + request->n_add);
	enum verdict amended = amend_lines(run, amending);
	if (amended == VERDICT_REFUSED)
		return amended;
	enum verdict added = new_lines_add(run, &amending->new, sourcing);
	if (added == VERDICT_REFUSED)
		return added;
	if (amending->order.count + amending->new.count > LINES_MAX)
		return refuse_field(run, "add", "would make more than %d lines", LINES_MAX);
	enum verdict decided = VERDICT_DONE;
	if (sourcing->count > 0)
		decided = sourcing_decide(sourcing, run, request->allow_partial);
	if (decided == VERDICT_REFUSED)
		return decided;
	if (amended == VERDICT_NEED || added == VERDICT_NEED || decided == VERDICT_NEED)
		return VERDICT_NEED;
	if (sourcing->short_count > 0 && !request->allow_partial)
		return sourcing_refuse(sourcing, run);
	return VERDICT_DONE;
}

static enum verdict amend_post(struct run *run, struct amending *amending)
{
	const struct sourcing *sourcing = &amending->sourcing;
	/* First what notes changes of its own. */
	enum verdict cancelled = order_work_post(run, &amending->work, amending->request->note);
	if (cancelled == VERDICT_REFUSED)
		return cancelled;
	enum verdict verdict =
		cancelled == VERDICT_DONE ? new_lines_post(run, &amending->new, sourcing) : VERDICT_NEED;
	for (size_t i = 0; i < amending->raised_count && verdict != VERDICT_REFUSED; i++) {
		const struct demand *demand = &sourcing->demands[i];
		int32_t number = amending->request->lines[demand->line]->line;
		enum verdict posted = order_post_grants(run, &amending->order.lines[number - 1], demand,
			sourcing->channel, false);
		verdict = posted == VERDICT_DONE ? verdict : posted;
	}
	if (verdict == VERDICT_REFUSED)
		return verdict;
	enum verdict counted = order_count_parcels(run, sourcing);
	return verdict == VERDICT_DONE ? counted : verdict;
}

/* The new lines become the order's. */
static void adopt(struct run *run, struct amending *amending)
{
	struct order *order = &amending->order;
	for (size_t i = 0; i < amending->new.count; i++)
		amending->new.lines[i].changed = true;
	order->count += amending->new.count;
	struct customer_order_row *row = workset_edit(run->set, order->row);
	row->line_count = (int32_t)order->count;
	if (row->currency[0] == '\0' && amending->new.currency)
		row->currency = arena_string(workset_arena(run->set), amending->new.currency);
}

static enum verdict amend_finish(struct run *run, struct amending *amending,
	Stockbook__V1__AmendOrderResponse *response)
{
	struct order *order = &amending->order;
	adopt(run, amending);
	enum verdict verdict = check_total(run, order);
	if (verdict != VERDICT_DONE)
		return verdict;
	order_advance(run, order, ORDER_AMEND, amending->request->note);
	struct opened opened = {0};
	struct opened_messages messages;
	verdict = order_open_fulfilments(run, order, amending->channel, &opened);
	if (verdict == VERDICT_DONE)
		verdict = opened_answer(run, &opened, &messages);
	if (verdict != VERDICT_DONE)
		return verdict;
	OPENED_ANSWER(response, &messages);
	response->order = order_message(run, order);
	return VERDICT_DONE;
}

enum verdict order_amend(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__AmendOrderRequest *request = request_;
	run->worker = request->worker;
	struct amending amending = {.request = request};
	struct order *order = &amending.order;
	amending.work = (struct order_work){.stepping = &order_cancelling, .order = order};
	enum verdict verdict = check_request(run, &amending);
	if (verdict != VERDICT_DONE)
		return verdict;
	enum verdict acting = require_channel(run, request->channel, "channel", &amending.work.channel);
	verdict = order_open(run, request->order_id, order);
	if (acting == VERDICT_REFUSED || verdict == VERDICT_REFUSED)
		return VERDICT_REFUSED;
	if (acting == VERDICT_NEED || verdict == VERDICT_NEED)
		return VERDICT_NEED;
	order->channel = request->channel;
	verdict = order_check_step(run, order, ORDER_AMEND);
	if (verdict == VERDICT_DONE)
		verdict = require_channel(run, order->row->channel, NULL, &amending.channel);
	if (verdict == VERDICT_DONE)
		verdict = amend_decide(run, &amending);
	if (verdict == VERDICT_DONE)
		verdict = amend_post(run, &amending);
	if (verdict != VERDICT_DONE)
		return verdict;
	return amend_finish(run, &amending, response_);
}
