/*
 * Planning: what an order has allocated becomes pickups, transfers to pickups, and shipments, by its
 * lines' methods. Lines that share a method and a location share a document.
 */
#include <string.h>

#include "book/fulfilment.h"
#include "book/ship_day.h"
#include "book/transfer.h"

#define KIND(name) STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_##name
#define METHOD(name) STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_##name

/* Units of a line that lie at a location. */
struct part_of_line {
	int32_t line;
	const char *location;
	int64_t quantity;
};

/* A document to be. */
struct plan {
	Stockbook__V1__FulfilmentMethod method;
	const char *location; /* where the goods are fetched or sent from */
	struct part_of_line *parts;
	size_t count;
	size_t capacity;
};

struct planning {
	struct order *order;
	struct plan *plans;
	size_t count;
	size_t capacity;
};

static struct plan *plan_of(struct run *run, struct planning *planning,
	Stockbook__V1__FulfilmentMethod method, const char *location)
{
	/* The last first: lines of one document mostly follow each other. */
	for (size_t i = planning->count; i-- > 0;)
		if (planning->plans[i].method == method &&
			strcmp(planning->plans[i].location, location) == 0)
			return &planning->plans[i];
	planning->plans = arena_grow(run->arena, planning->plans, planning->count, &planning->capacity,
		sizeof(*planning->plans));
	struct plan *plan = &planning->plans[planning->count++];
	*plan = (struct plan){.method = method, .location = location};
	return plan;
}

static void plan_line(struct run *run, struct planning *planning, const struct order_line *line)
{
	for (size_t i = 0; i < line->allocation_count; i++) {
		const char *location = line->allocations[i].location;
		int64_t free = order_free_allocated(planning->order, line, location);
		if (free == 0)
			continue;
		const char *where =
			line->method == METHOD(SHIP_TO_STORE) ? line->pickup_location : location;
		struct plan *plan = plan_of(run, planning, line->method, where);
		plan->parts =
			arena_grow(run->arena, plan->parts, plan->count, &plan->capacity, sizeof(*plan->parts));
		plan->parts[plan->count++] = (struct part_of_line){line->line, location, free};
	}
}

/* ---- Carrying it out ---- */

static bool travels(const struct plan *plan, const struct part_of_line *part)
{
	return strcmp(part->location, plan->location) != 0;
}

/* The line's units at the source are the transfer's from now on; the order has them where they will
 * be. */
static void give_to_transfer(struct run *run, struct order_line *line,
	const struct part_of_line *part)
{
	order_line_at(run, line, part->location)->allocated -= part->quantity;
	struct order_allocation *at = order_line_at(run, line, line->pickup_location);
	at->allocated += part->quantity;
	at->awaiting += part->quantity;
	line->changed = true;
}

/* One share for each line: it may come from several locations. */
static size_t make_shares(struct run *run, const struct plan *plan,
	struct fulfilment_share **shares_out)
{
	struct fulfilment_share *shares = arena_alloc_array(run->arena, plan->count, sizeof(*shares));
	size_t count = 0;
	for (size_t i = 0; i < plan->count; i++) {
		const struct part_of_line *part = &plan->parts[i];
		if (count == 0 || shares[count - 1].line != part->line)
			shares[count++] = (struct fulfilment_share){.line = part->line};
		*(travels(plan, part) ? &shares[count - 1].awaiting : &shares[count - 1].to_pick) +=
			part->quantity;
	}
	*shares_out = shares;
	return count;
}

static struct transfer *opened_transfer(struct run *run, struct opened *opened)
{
	opened->transfers = arena_grow(run->arena, opened->transfers, opened->transfer_count,
		&opened->transfer_capacity, sizeof(*opened->transfers));
	return &opened->transfers[opened->transfer_count++];
}

static enum verdict open_transfer(struct run *run, const struct order *order,
	const struct plan *plan, const struct fulfilment *pickup, const char *source,
	struct opened *opened)
{
	/* transfer.h: there is room for one more of each. */
	struct transfer_line *lines = arena_alloc_array(run->arena, 2 * plan->count, sizeof(*lines));
	size_t count = 0;
	for (size_t i = 0; i < plan->count; i++) {
		const struct part_of_line *part = &plan->parts[i];
		if (strcmp(part->location, source) == 0)
			lines[count++] = (struct transfer_line){
				.sku = order->lines[part->line - 1].sku,
				.order_line = part->line,
				.allocated = part->quantity,
			};
	}
	return transfer_insert_for_order(run, order, &pickup->row->id, source, plan->location, lines,
		count, opened_transfer(run, opened));
}

/* A transfer from each location that the goods lie at. */
static enum verdict open_transfers(struct run *run, const struct order *order,
	const struct plan *plan, const struct fulfilment *pickup, struct opened *opened)
{
	struct text_index sources;
	text_index_init(&sources, run->arena, plan->count);
	bool need = false;
	for (size_t i = 0; i < plan->count; i++) {
		bool first;
		if (!travels(plan, &plan->parts[i]))
			continue;
		text_index_add(&sources, plan->parts[i].location, &first);
		if (!first)
			continue;
		enum verdict verdict =
			open_transfer(run, order, plan, pickup, plan->parts[i].location, opened);
		if (verdict == VERDICT_REFUSED)
			return verdict;
		need = need || verdict == VERDICT_NEED;
	}
	return need ? VERDICT_NEED : VERDICT_DONE;
}

static enum verdict carry_out(struct run *run, struct order *order, const struct plan *plan,
	struct opened *opened)
{
	struct fulfilment_share *shares;
	size_t count = make_shares(run, plan, &shares);
	struct fulfilment *made;
	enum verdict verdict =
		fulfilment_insert(run, order, plan->method == METHOD(SHIP) ? KIND(SHIPMENT) : KIND(PICKUP),
			plan->location, shares, count, NULL, &made);
	if (verdict != VERDICT_DONE)
		return verdict;
	opened->fulfilments = arena_grow(run->arena, opened->fulfilments, opened->fulfilment_count,
		&opened->fulfilment_capacity, sizeof(struct fulfilment *));
	opened->fulfilments[opened->fulfilment_count++] = made;
	for (size_t i = 0; i < plan->count; i++)
		if (travels(plan, &plan->parts[i]))
			give_to_transfer(run, &order->lines[plan->parts[i].line - 1], &plan->parts[i]);
	return open_transfers(run, order, plan, made, opened);
}

static bool is_planned(const struct order_line *line, const struct channel_row *channel)
{
	if (line->allocated == 0)
		return false;
	if (line->method == METHOD(SHIP))
		return channel && channel->plans_shipments;
	return line->method == METHOD(PICKUP) || line->method == METHOD(SHIP_TO_STORE);
}

enum verdict fulfilments_plan(struct run *run, struct order *order,
	const struct channel_row *channel, struct opened *opened)
{
	struct planning planning = {.order = order};
	for (size_t i = 0; i < order->count; i++)
		if (is_planned(&order->lines[i], channel))
			plan_line(run, &planning, &order->lines[i]);
	bool need = false;
	for (size_t i = 0; i < planning.count; i++) {
		enum verdict verdict = carry_out(run, order, &planning.plans[i], opened);
		if (verdict == VERDICT_REFUSED)
			return verdict;
		need = need || verdict == VERDICT_NEED;
	}
	return need ? VERDICT_NEED : VERDICT_DONE;
}

/* ---- Parcels of the day ---- */

enum verdict order_count_parcels(struct run *run, const struct sourcing *sourcing)
{
	struct text_index locations;
	size_t most = 0;
	for (size_t i = 0; i < sourcing->count; i++)
		most += sourcing->demands[i].grant_count;
	text_index_init(&locations, run->arena, most);
	bool need = false;
	for (size_t i = 0; i < sourcing->count; i++) {
		const struct demand *demand = &sourcing->demands[i];
		for (size_t j = 0; demand->method == METHOD(SHIP) && j < demand->grant_count; j++) {
			bool first;
			text_index_add(&locations, demand->grants[j].location, &first);
			need = (first && ship_day_add(run, demand->grants[j].location) == VERDICT_NEED) || need;
		}
	}
	return need ? VERDICT_NEED : VERDICT_DONE;
}

enum verdict order_open_fulfilments(struct run *run, struct order *order,
	const struct channel_row *channel, struct opened *opened)
{
	enum verdict verdict = fulfilments_plan(run, order, channel, opened);
	if (verdict == VERDICT_DONE && opened->fulfilment_count > 0)
		order_follow(run, order, ORDER_ALLOCATE, NULL, NULL); /* its status is what it was */
	return verdict;
}

/* ---- In answers ---- */

enum verdict opened_answer(struct run *run, const struct opened *opened,
	struct opened_messages *messages)
{
	struct arena *arena = run->arena;
	*messages = (struct opened_messages){0};
	size_t count = opened->fulfilment_count;
	messages->pickups = arena_alloc_array(arena, count, sizeof(*messages->pickups));
	messages->shipments = arena_alloc_array(arena, count, sizeof(*messages->shipments));
	bool need = false;
	for (size_t i = 0; i < count; i++) {
		const struct fulfilment *fulfilment = opened->fulfilments[i];
		bool made;
		if (fulfilment->row->kind == KIND(PICKUP))
			made = (messages->pickups[messages->pickup_count++] =
						   pickup_message(run, fulfilment)) != NULL;
		else
			made = (messages->shipments[messages->shipment_count++] =
						   shipment_message(run, fulfilment)) != NULL;
		need = need || !made;
	}
	messages->transfer_count = opened->transfer_count;
	messages->transfers =
		arena_alloc_array(arena, opened->transfer_count, sizeof(*messages->transfers));
	for (size_t i = 0; i < opened->transfer_count; i++)
		messages->transfers[i] = transfer_message(run, &opened->transfers[i]);
	return need ? VERDICT_NEED : VERDICT_DONE;
}
