/* What a location cannot deliver: short units, and where what is wanted instead comes from. */
#include <string.h>

#include "book/fulfilment_leg.h"
#include "book/pickup.h"
#include "book/ship_day.h"
#include "book/shipment.h"
#include "book/transfer.h"
#include "book/work.h"

#define STATE(name) STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_##name
#define REMEDY(name) STOCKBOOK__V1__SHORT_REMEDY__SHORT_REMEDY_##name
#define METHOD(name) STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_##name
#define KIND(name) STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_##name
#define PICKUP(name) STOCKBOOK__V1__PICKUP_STATUS__PICKUP_STATUS_##name

/* ---- Short units ---- */

enum verdict post_short(struct run *run, const char *sku, const char *location, int64_t quantity,
	Stockbook__V1__ShortReason reason, int32_t document_line)
{
	bool damaged = reason == STOCKBOOK__V1__SHORT_REASON__SHORT_REASON_DAMAGED;
	struct posting posting = {
		.sku = sku,
		.from_location = location,
		.from_state = STATE(ALLOCATED),
		.to_location = damaged ? location : "",
		.to_state = damaged ? STATE(DAMAGED) : STATE(LOSS),
		.quantity = quantity,
		.reason = STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_SHORT_PICK,
		.document_line = document_line,
	};
	if (damaged)
		return post(run, &posting);
	enum verdict recount = work_recount(run, sku, location);
	/* Where a fact took them already, what leaves now is found first: on hand is not below 0. */
	enum verdict posted = post_leaving(run, &posting);
	return posted == VERDICT_DONE ? recount : posted;
}

/* ---- Deciding where from ---- */

void resourcing_add(struct run *run, struct resourcing *resourcing, int32_t line, int64_t quantity)
{
	struct resourcing_unit *last =
		resourcing->unit_count > 0 ? &resourcing->units[resourcing->unit_count - 1] : NULL;
	if (last && last->line == line) {
		last->quantity += quantity;
		return;
	}
	CHECK(!last || last->line < line);
	resourcing->units = arena_grow(run->arena, resourcing->units, resourcing->unit_count,
		&resourcing->unit_capacity, sizeof(*resourcing->units));
	resourcing->units[resourcing->unit_count++] = (struct resourcing_unit){line, quantity};
}

/* Lost on the way from there: the location itself may well have more. */
static bool has_left(const struct fulfilment *from)
{
	return from->row->kind == KIND(SHIPMENT) &&
		   (from->row->status == STOCKBOOK__V1__SHIPMENT_STATUS__SHIPMENT_STATUS_SHIPPED ||
			   from->row->status == STOCKBOOK__V1__SHIPMENT_STATUS__SHIPMENT_STATUS_LOST);
}

static Stockbook__V1__FulfilmentMethod method_of(const struct fulfilment *from,
	const struct resourcing *resourcing)
{
	if (resourcing->remedy == REMEDY(TRANSFER))
		return METHOD(SHIP_TO_STORE);
	return from->row->kind == KIND(PICKUP) ? METHOD(PICKUP) : METHOD(SHIP);
}

enum verdict resourcing_decide(struct run *run, const struct order *order,
	const struct fulfilment *from, struct resourcing *resourcing)
{
	if (resourcing->remedy == REMEDY(TRANSFER) && from->row->kind != KIND(PICKUP))
		return refuse_field(run, "remedy", "TRANSFER is for pickups");
	if (resourcing->unit_count == 0 ||
		(resourcing->remedy != REMEDY(RE_SOURCE) && resourcing->remedy != REMEDY(TRANSFER)))
		return VERDICT_DONE;
	const struct channel_row *channel;
	enum verdict verdict = require_channel(run, order->row->channel, NULL, &channel);
	if (verdict != VERDICT_DONE)
		return verdict;
	/* What happened is told all the same: an order that nothing can be sourced for is left open. */
	if (!channel || channel->location_group[0] == '\0')
		return VERDICT_DONE;
	resourcing->sourced = true;
	struct sourcing *sourcing = &resourcing->sourcing;
	sourcing_init(sourcing, run, channel, resourcing->options, resourcing->unit_count);
	if (!has_left(from))
		sourcing_exclude(sourcing, run, from->row->location);
	Stockbook__V1__FulfilmentMethod method = method_of(from, resourcing);
	for (size_t i = 0; i < resourcing->unit_count; i++) {
		const struct resourcing_unit *unit = &resourcing->units[i];
		struct demand *demand = sourcing_add(sourcing, method, order->lines[unit->line - 1].sku, "",
			unit->quantity, (int32_t)i);
		if (method == METHOD(SHIP_TO_STORE))
			demand->pickup_location = from->row->location;
	}
	return sourcing_decide(sourcing, run, true);
}

void resourcing_await(struct fulfilment *from, const struct resourcing *resourcing)
{
	if (resourcing->remedy != REMEDY(TRANSFER) || !resourcing->sourced)
		return;
	for (size_t i = 0; i < resourcing->unit_count; i++) {
		int64_t granted = resourcing->sourcing.demands[i].granted;
		struct fulfilment_line *line = fulfilment_line_of(from, resourcing->units[i].line);
		if (granted == 0)
			continue;
		/* Other units than those that left it. */
		line->quantity += granted;
		line->awaiting += granted;
		line->changed = true;
	}
}

/* ---- Doing it ---- */

static void add_result(struct run *run, struct resourcing *resourcing, int32_t line,
	int64_t quantity, Stockbook__V1__ShortRemedy remedy, const char *location,
	const struct uuid *document_id)
{
	Stockbook__V1__Resourced *result = arena_alloc(run->arena, sizeof(*result));
	stockbook__v1__resourced__init(result);
	result->line = line;
	result->quantity = quantity;
	result->remedy = remedy;
	if (document_id) {
		result->location = arena_string(run->arena, location);
		result->document_id = run_id_text(run, document_id);
	}
	resourcing->results = arena_grow(run->arena, resourcing->results, resourcing->count,
		&resourcing->capacity, sizeof(*resourcing->results));
	resourcing->results[resourcing->count++] = result;
}

struct unit_share {
	size_t unit; /* its index */
	int64_t quantity;
};

/* What one location gives, by units, ascending. */
struct source_share {
	const char *location;
	struct unit_share *units;
	size_t count;
	size_t capacity;
};

struct carrying {
	struct resourcing *resourcing;
	struct order *order;
	struct fulfilment *from;
	struct text_index locations;
	struct source_share *shares; /* in the order in which sourcing chose them */
	size_t count;
	size_t capacity;
};

static int32_t share_line(const struct carrying *carrying, const struct unit_share *unit)
{
	return carrying->resourcing->units[unit->unit].line;
}

static struct order_line *share_order_line(const struct carrying *carrying,
	const struct unit_share *unit)
{
	return &carrying->order->lines[share_line(carrying, unit) - 1];
}

static struct source_share *share_at(struct run *run, struct carrying *carrying,
	const char *location)
{
	bool added;
	size_t number = text_index_add(&carrying->locations, location, &added);
	if (!added)
		return &carrying->shares[number];
	carrying->shares = arena_grow(run->arena, carrying->shares, carrying->count,
		&carrying->capacity, sizeof(*carrying->shares));
	carrying->shares[carrying->count] = (struct source_share){.location = location};
	return &carrying->shares[carrying->count++];
}

static void share_add(struct run *run, struct source_share *share, size_t unit, int64_t quantity)
{
	if (share->count > 0 && share->units[share->count - 1].unit == unit) {
		share->units[share->count - 1].quantity += quantity;
		return;
	}
	share->units =
		arena_grow(run->arena, share->units, share->count, &share->capacity, sizeof(*share->units));
	share->units[share->count++] = (struct unit_share){unit, quantity};
}

static void gather_shares(struct run *run, struct carrying *carrying)
{
	const struct resourcing *resourcing = carrying->resourcing;
	size_t grants = 0;
	for (size_t i = 0; i < resourcing->unit_count; i++)
		grants += resourcing->sourcing.demands[i].grant_count;
	text_index_init(&carrying->locations, run->arena, grants);
	for (size_t i = 0; i < resourcing->unit_count; i++) {
		const struct demand *demand = &resourcing->sourcing.demands[i];
		for (size_t g = 0; g < demand->grant_count; g++)
			share_add(run, share_at(run, carrying, demand->grants[g].location), i,
				demand->grants[g].quantity);
	}
}

/* Commits what the location gives to the order's lines: at the location where they will count, which
 * is not its own where a transfer takes them away. */
static enum verdict allocate_share(struct run *run, struct carrying *carrying,
	const struct source_share *share, const char *counted_at)
{
	bool awaited = strcmp(share->location, counted_at) != 0;
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < share->count; i++) {
		int64_t quantity = share->units[i].quantity;
		struct order_line *line = share_order_line(carrying, &share->units[i]);
		struct order_allocation *at = order_line_at(run, line, counted_at);
		line->open -= quantity;
		line->allocated += quantity;
		at->allocated += quantity;
		at->awaiting += awaited ? quantity : 0;
		line->changed = true;
		enum verdict posted =
			post(run, &(struct posting){
						  .sku = line->sku,
						  .from_location = share->location,
						  .from_state = STATE(AVAILABLE),
						  .to_location = share->location,
						  .to_state = STATE(ALLOCATED),
						  .quantity = quantity,
						  .reason = STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_ALLOCATE,
						  .document_line = line->line,
						  .channel = carrying->order->row->channel,
					  });
		if (posted == VERDICT_REFUSED)
			return posted;
		if (posted == VERDICT_NEED)
			verdict = posted;
	}
	return verdict;
}

static void tell_share(struct run *run, struct carrying *carrying, const struct source_share *share,
	const struct uuid *document_id)
{
	struct resourcing *resourcing = carrying->resourcing;
	for (size_t i = 0; i < share->count; i++)
		add_result(run, resourcing, share_line(carrying, &share->units[i]),
			share->units[i].quantity, resourcing->remedy, share->location, document_id);
}

/* Where nothing of a line is left at the place where it was to be fetched, it is fetched here. */
static void move_pickup(struct run *run, struct carrying *carrying,
	const struct source_share *share)
{
	for (size_t i = 0; i < share->count; i++) {
		struct order_line *line = share_order_line(carrying, &share->units[i]);
		if (line->pickup_location[0] == '\0')
			continue;
		const struct order_allocation *there = order_line_at(run, line, line->pickup_location);
		if (there->allocated == 0 && there->picked == 0 && there->fulfilled == 0)
			line->pickup_location = share->location;
	}
}

/* A new fulfilment of the same kind at the location. */
static enum verdict open_elsewhere(struct run *run, struct carrying *carrying,
	const struct source_share *share)
{
	bool parcel = carrying->from->row->kind == KIND(SHIPMENT);
	enum verdict verdict = allocate_share(run, carrying, share, share->location);
	enum verdict counted = parcel ? ship_day_add(run, share->location) : VERDICT_DONE;
	if (verdict != VERDICT_DONE || counted != VERDICT_DONE)
		return verdict == VERDICT_DONE ? counted : verdict;
	if (!parcel)
		move_pickup(run, carrying, share);
	struct fulfilment_share *units = arena_alloc_array(run->arena, share->count, sizeof(*units));
	for (size_t i = 0; i < share->count; i++)
		units[i] = (struct fulfilment_share){
			.line = share_line(carrying, &share->units[i]), .to_pick = share->units[i].quantity};
	struct fulfilment *made;
	verdict = fulfilment_insert(run, carrying->order,
		(Stockbook__V1__DocumentKind)carrying->from->row->kind, share->location, units,
		share->count, has_left(carrying->from) ? &carrying->from->row->id : NULL, &made);
	if (verdict == VERDICT_DONE)
		tell_share(run, carrying, share, &made->row->id);
	return verdict;
}

/* A transfer from the location to the pickup. */
static enum verdict bring_here(struct run *run, struct carrying *carrying,
	const struct fulfilment_row *pickup, const struct source_share *share)
{
	enum verdict verdict = allocate_share(run, carrying, share, pickup->location);
	if (verdict != VERDICT_DONE)
		return verdict;
	struct transfer_line *lines = arena_alloc_array(run->arena, share->count, sizeof(*lines));
	for (size_t i = 0; i < share->count; i++)
		lines[i] = (struct transfer_line){
			.sku = share_order_line(carrying, &share->units[i])->sku,
			.order_line = share_line(carrying, &share->units[i]),
			.allocated = share->units[i].quantity,
		};
	struct transfer made;
	verdict = transfer_insert_for_order(run, carrying->order, &pickup->id, share->location,
		pickup->location, lines, share->count, &made);
	if (verdict == VERDICT_DONE)
		tell_share(run, carrying, share, &made.row->id);
	return verdict;
}

/* A pickup that is over does not wait: another one at the same location does. */
static enum verdict open_to_wait(struct run *run, struct carrying *carrying,
	struct fulfilment **waiting)
{
	const struct resourcing *resourcing = carrying->resourcing;
	struct fulfilment_share *units =
		arena_alloc_array(run->arena, resourcing->unit_count, sizeof(*units));
	size_t count = 0;
	for (size_t i = 0; i < resourcing->unit_count; i++)
		if (resourcing->sourcing.demands[i].granted > 0)
			units[count++] = (struct fulfilment_share){.line = resourcing->units[i].line,
				.awaiting = resourcing->sourcing.demands[i].granted};
	return fulfilment_insert(run, carrying->order, KIND(PICKUP), carrying->from->row->location,
		units, count, NULL, waiting);
}

static enum verdict carry_out(struct run *run, struct carrying *carrying)
{
	gather_shares(run, carrying);
	if (carrying->count == 0)
		return VERDICT_DONE;
	bool transfers = carrying->resourcing->remedy == REMEDY(TRANSFER);
	struct fulfilment *waiting = carrying->from;
	enum verdict verdict = VERDICT_DONE;
	if (transfers && !fulfilment_is_living(waiting)) {
		verdict = open_to_wait(run, carrying, &waiting);
		if (verdict != VERDICT_DONE)
			return verdict;
	}
	for (size_t i = 0; i < carrying->count; i++) {
		const struct source_share *share = &carrying->shares[i];
		enum verdict one = transfers ? bring_here(run, carrying, waiting->row, share)
									 : open_elsewhere(run, carrying, share);
		if (one == VERDICT_REFUSED)
			return one;
		if (one == VERDICT_NEED)
			verdict = one;
	}
	return verdict;
}

enum verdict fulfilment_resource(struct run *run, struct order *order, struct fulfilment *from,
	struct resourcing *resourcing)
{
	struct carrying carrying = {.resourcing = resourcing, .order = order, .from = from};
	enum verdict verdict = VERDICT_DONE;
	if (resourcing->sourced)
		verdict = carry_out(run, &carrying);
	if (verdict != VERDICT_DONE)
		return verdict;
	for (size_t i = 0; i < resourcing->unit_count; i++) {
		const struct resourcing_unit *unit = &resourcing->units[i];
		int64_t left = unit->quantity;
		if (resourcing->sourced)
			left -= resourcing->sourcing.demands[i].granted;
		if (left == 0)
			continue;
		bool cancel = resourcing->remedy == REMEDY(CANCEL);
		if (cancel) {
			struct order_line *line = &order->lines[unit->line - 1];
			line->open -= left;
			line->cancelled += left;
			line->changed = true;
		}
		add_result(run, resourcing, unit->line, left, cancel ? REMEDY(CANCEL) : REMEDY(OPEN), NULL,
			NULL);
	}
	return VERDICT_DONE;
}

/* ---- What a transfer brings ---- */

/* The store can begin only now: its time counts from here. */
static enum verdict begin_deadlines(struct run *run, struct fulfilment *pickup)
{
	const struct location_row *location;
	enum lookup found = find_location(run, pickup->row->location, ACCESS_PEEK, &location);
	if (found == LOOKUP_NEEDED)
		return VERDICT_NEED;
	CHECK(found == LOOKUP_FOUND);
	fulfilment_set_deadlines(run, location, workset_edit(run->set, pickup->row));
	return VERDICT_DONE;
}

enum verdict pickup_arrive(struct run *run, struct order *order, struct fulfilment *pickup,
	const struct pickup_arrival *arrivals, size_t count)
{
	bool any = false;
	for (size_t i = 0; i < count; i++) {
		const struct pickup_arrival *arrival = &arrivals[i];
		struct fulfilment_line *line = fulfilment_line_of(pickup, arrival->line);
		CHECK(line && arrival->arrived >= 0 && arrival->missing >= 0);
		any = any || arrival->arrived > 0;
		enum verdict verdict = VERDICT_DONE;
		if (arrival->arrived > 0)
			verdict = leg_take(run, order, pickup, line, LEG_ARRIVE, arrival->arrived);
		if (verdict == VERDICT_DONE && arrival->missing > 0)
			verdict = leg_take(run, order, pickup, line, LEG_MISS, arrival->missing);
		if (verdict != VERDICT_DONE)
			return verdict;
	}
	Stockbook__V1__PickupStatus status = pickup_status_of(pickup, false);
	enum verdict begun = VERDICT_DONE;
	if (status != PICKUP(AWAITING_TRANSFER) && fulfilment_total(pickup).to_pick > 0)
		begun = begin_deadlines(run, pickup);
	enum verdict verdict = fulfilment_advance(run, order, pickup, any ? PICKUP_ARRIVE : PICKUP_MISS,
		(int)status, NULL, NULL);
	return verdict == VERDICT_DONE ? begun : verdict;
}
