/* What every operation uses: refusing, finding rows by noun, and posting movements. */
#include "book/run.h"

#include <string.h>

#include "book/quota.h"

/* ---- Refusing ---- */

enum verdict refuse(struct run *run, Stockbook__V1__Reason reason, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	run->refusal = (struct refusal){.reason = reason};
	run->refusal.message = arena_vprintf(run->arena, format, arguments);
	va_end(arguments);
	return VERDICT_REFUSED;
}

enum verdict refuse_field(struct run *run, const char *field, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	char *description = arena_vprintf(run->arena, format, arguments);
	va_end(arguments);
	refuse(run, STOCKBOOK__V1__REASON__REASON_INVALID_FIELD, "field '%s': %s", field, description);
	refusal_add_field(&run->refusal, run->arena, field, "%s", description);
	return VERDICT_REFUSED;
}

/* ---- Rows, by noun ---- */

enum lookup find_item(struct run *run, const char *sku, enum access access,
	const struct item_row **row)
{
	struct item_row key = {.part = part_of(sku, run->limits->parts), .sku = sku};
	return workset_find(run->set, TABLE(item), &key, access, (const void **)row);
}

enum lookup find_item_alias(struct run *run, const char *alias, enum access access,
	const struct item_alias_row **row)
{
	struct item_alias_row key = {.part = part_of(alias, run->limits->parts), .alias = alias};
	return workset_find(run->set, TABLE(item_alias), &key, access, (const void **)row);
}

enum lookup find_location(struct run *run, const char *code, enum access access,
	const struct location_row **row)
{
	struct location_row key = {.code = code};
	return workset_find(run->set, TABLE(location), &key, access, (const void **)row);
}

enum lookup find_location_group(struct run *run, const char *code, enum access access,
	const struct location_group_row **row)
{
	struct location_group_row key = {.code = code};
	return workset_find(run->set, TABLE(location_group), &key, access, (const void **)row);
}

enum lookup find_channel(struct run *run, const char *code, enum access access,
	const struct channel_row **row)
{
	struct channel_row key = {.code = code};
	return workset_find(run->set, TABLE(channel), &key, access, (const void **)row);
}

enum lookup find_stock(struct run *run, const char *sku, const char *location, enum access access,
	const struct stock_row **row)
{
	struct stock_row key = {
		.part = part_of(location, run->limits->parts), .sku = sku, .location = location};
	return workset_find(run->set, TABLE(stock), &key, access, (const void **)row);
}

enum verdict resolve_sku(struct run *run, const char *text, const char *location,
	enum access access, const char *field, const char **sku)
{
	/* Stock exists only of items that exist, and no SKU is another item's alias. */
	if (location) {
		const struct stock_row *stock;
		enum lookup found = find_stock(run, text, location, access, &stock);
		if (found == LOOKUP_NEEDED)
			return VERDICT_NEED;
		if (found == LOOKUP_FOUND) {
			*sku = stock->sku;
			return VERDICT_DONE;
		}
	}
	const struct item_row *item;
	enum lookup found = find_item(run, text, ACCESS_PEEK, &item);
	if (found == LOOKUP_FOUND) {
		*sku = item->sku;
		return VERDICT_DONE;
	}
	/* Asked for even while the item is still to be loaded: a miss then costs one round, not two. */
	const struct item_alias_row *alias;
	enum lookup alias_found = find_item_alias(run, text, ACCESS_PEEK, &alias);
	if (found == LOOKUP_NEEDED || alias_found == LOOKUP_NEEDED)
		return VERDICT_NEED;
	if (alias_found == LOOKUP_FOUND) {
		*sku = alias->sku;
		return VERDICT_DONE;
	}
	refuse(run, STOCKBOOK__V1__REASON__REASON_ITEM_NOT_FOUND, "sku '%s' not found", text);
	refuse_with(run, "sku", "%s", text);
	if (field)
		refuse_with(run, "field", "%s", field);
	return VERDICT_REFUSED;
}

static bool actor_is_bound_elsewhere(const struct actor *actor, const char *code)
{
	if (!actor->bound)
		return false;
	for (size_t i = 0; i < actor->locations.count; i++)
		if (strcmp(actor->locations.items[i], code) == 0)
			return false;
	return true;
}

static enum verdict refuse_location(struct run *run, const char *code, const char *why)
{
	refuse(run, STOCKBOOK__V1__REASON__REASON_LOCATION_NOT_ELIGIBLE, "location '%s' %s", code, why);
	refuse_with(run, "location", "%s", code);
	return VERDICT_REFUSED;
}

enum verdict check_location(struct run *run, const char *code, enum location_task task, bool acting,
	const char *field)
{
	const struct location_row *location;
	enum lookup found = find_location(run, code, ACCESS_PEEK, &location);
	if (found == LOOKUP_NEEDED)
		return VERDICT_NEED;
	if (found == LOOKUP_ABSENT) {
		refuse(run, STOCKBOOK__V1__REASON__REASON_LOCATION_NOT_FOUND, "location '%s' not found",
			code);
		refuse_with(run, "location", "%s", code);
		if (field)
			refuse_with(run, "field", "%s", field);
		return VERDICT_REFUSED;
	}
	if (acting && actor_is_bound_elsewhere(run->actor, code)) {
		refuse(run, STOCKBOOK__V1__REASON__REASON_LOCATION_NOT_ALLOWED,
			"token '%s' is bound to other locations than '%s'", run->actor->name, code);
		refuse_with(run, "location", "%s", code);
		return VERDICT_REFUSED;
	}
	switch (task) {
	case LOCATION_ANY:
		return VERDICT_DONE;
	case LOCATION_SELL:
		return location->disabled ? refuse_location(run, code, "is disabled") : VERDICT_DONE;
	case LOCATION_SHIP:
		if (location->disabled)
			return refuse_location(run, code, "is disabled");
		return location->ships ? VERDICT_DONE : refuse_location(run, code, "does not ship");
	case LOCATION_TILL:
		return location->sells_at_till ? VERDICT_DONE
									   : refuse_location(run, code, "has no till to sell at");
	case LOCATION_RETURN:
		return location->takes_returns ? VERDICT_DONE
									   : refuse_location(run, code, "takes no returns");
	case LOCATION_PICKUP:
		if (location->disabled)
			return refuse_location(run, code, "is disabled");
		return location->hands_over_pickups ? VERDICT_DONE
											: refuse_location(run, code, "hands over no pickups");
	}
	CHECK(!"a task is one of the above");
	return VERDICT_REFUSED;
}

/* ---- Ids ---- */

/* One step of splitmix64: spreads the operation's random number over as many ids as it makes. */
static uint64_t random_step(uint64_t seed, uint64_t step)
{
	uint64_t z = seed + (step + 1) * UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

struct uuid run_new_id(struct run *run, int32_t part)
{
	CHECK(part >= 0);
	/* The ids of one operation ascend in the order in which they were made (as far as 6 bits tell),
	 * so that what lists its documents by id does so too; 56 bits are left to chance. */
	uint64_t rank = run->ids_made < 63 ? run->ids_made : 63;
	uint64_t random = random_step(run->random, run->ids_made++);
	return uuid_make(run->now_us, (uint32_t)part, rank << 56 | random >> 8);
}

char *id_text(struct arena *arena, const struct uuid *id)
{
	char *text = arena_alloc(arena, UUID_TEXT_SIZE);
	if (!uuid_is_nil(id))
		uuid_format(id, text);
	return text;
}

char *run_id_text(struct run *run, const struct uuid *id)
{
	return id_text(run->arena, id);
}

/* ---- Stock ---- */

bool state_is_outside(Stockbook__V1__StockState state)
{
	return state == STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_SUPPLIER ||
		   state == STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_CUSTOMER ||
		   state == STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_LOSS ||
		   state == STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_BETWEEN;
}

static size_t balance_offset(Stockbook__V1__StockState state)
{
	static const size_t offsets[] = {
		[STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_AVAILABLE] = offsetof(struct stock_row, available),
		[STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_RESERVED] = offsetof(struct stock_row, reserved),
		[STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_ALLOCATED] = offsetof(struct stock_row, allocated),
		[STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_PICKED] = offsetof(struct stock_row, picked),
		[STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_DAMAGED] = offsetof(struct stock_row, damaged),
		[STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_QUALITY_CONTROL] =
			offsetof(struct stock_row, quality_control),
		[STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_ON_HOLD] = offsetof(struct stock_row, on_hold),
		[STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_IN_TRANSIT] =
			offsetof(struct stock_row, in_transit),
	};
	CHECK((size_t)state < ARRAY_COUNT(offsets) && offsets[state] != 0);
	return offsets[state];
}

int64_t stock_balance(const struct stock_row *stock, Stockbook__V1__StockState state)
{
	return *(const int64_t *)((const char *)stock + balance_offset(state));
}

int64_t stock_on_hand(const struct stock_row *stock)
{
	return stock->available + stock->reserved + stock->allocated + stock->picked + stock->damaged +
		   stock->quality_control + stock->on_hold;
}

/* Adds to one balance of a row that is held. */
static enum verdict balance_add(struct run *run, const struct stock_row *stock,
	Stockbook__V1__StockState state, int64_t delta)
{
	/* Both within QUANTITY_MAX of 0: the sum cannot overflow. */
	int64_t after = stock_balance(stock, state) + delta;
	if (after > QUANTITY_MAX || after < -QUANTITY_MAX ||
		stock_on_hand(stock) + delta > QUANTITY_MAX) {
		refuse(run, STOCKBOOK__V1__REASON__REASON_QUANTITY_OVERFLOW,
			"sku '%s' at location '%s' would have more than %lld", stock->sku, stock->location,
			(long long)QUANTITY_MAX);
		refuse_with(run, "sku", "%s", stock->sku);
		refuse_with(run, "location", "%s", stock->location);
		return VERDICT_REFUSED;
	}
	CHECK(after >= 0 || state == STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_AVAILABLE);
	struct stock_row *edited = workset_edit(run->set, stock);
	*(int64_t *)((char *)edited + balance_offset(state)) = after;
	edited->in_shortage = edited->available < 0;
	edited->version++;
	return VERDICT_DONE;
}

/* The row, locked, made when there is none. */
static enum verdict stock_hold(struct run *run, const char *sku, const char *location,
	const struct stock_row **stock)
{
	enum lookup found = find_stock(run, sku, location, ACCESS_LOCK, stock);
	if (found == LOOKUP_NEEDED)
		return VERDICT_NEED;
	if (found == LOOKUP_ABSENT) {
		struct stock_row *fresh = row_new(TABLE(stock), workset_arena(run->set));
		fresh->part = part_of(location, run->limits->parts);
		fresh->sku = arena_string(workset_arena(run->set), sku);
		fresh->location = arena_string(workset_arena(run->set), location);
		*stock = workset_insert(run->set, fresh);
	}
	return VERDICT_DONE;
}

static void movement_add(struct run *run, const struct posting *posting, int32_t part)
{
	struct movement_row *movement = row_new(TABLE(movement), workset_arena(run->set));
	movement->part = part;
	movement->at = run->now_us;
	movement->sku = arena_string(workset_arena(run->set), posting->sku);
	movement->from_location = arena_string(workset_arena(run->set), posting->from_location);
	movement->from_state = (int32_t)posting->from_state;
	movement->to_location = arena_string(workset_arena(run->set), posting->to_location);
	movement->to_state = (int32_t)posting->to_state;
	movement->quantity = posting->quantity;
	movement->reason = (int32_t)posting->reason;
	movement->document_line = posting->document_line;
	workset_add_movement(run->set, movement);
}

/* From one location to another: a movement in the part of each, so that what happened at a location
 * is found in its own part. */
static void movements_add_between(struct run *run, const struct posting *posting, int32_t from_part,
	int32_t to_part)
{
	struct posting out = *posting;
	struct posting in = *posting;
	out.to_location = in.from_location = "";
	out.to_state = in.from_state = STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_BETWEEN;
	movement_add(run, &out, from_part);
	movement_add(run, &in, to_part);
}

static bool state_is_promised(Stockbook__V1__StockState state)
{
	return state == STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_RESERVED ||
		   state == STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_ALLOCATED ||
		   state == STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_PICKED;
}

/* What the channel's own quota has of it: a promise uses it up, and given back it is there again.
 * Goods that went to the customer do not come back to it. */
static enum verdict count_quota(struct run *run, const struct posting *posting,
	const struct stock_row *from, const struct stock_row *to)
{
	const Stockbook__V1__StockState available = STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_AVAILABLE;
	if (posting->from_state == available &&
		(state_is_promised(posting->to_state) ||
			posting->to_state == STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_CUSTOMER))
		return quota_use(run, from, posting->channel, posting->quantity);
	if (posting->to_state == available && state_is_promised(posting->from_state))
		return quota_use(run, to, posting->channel, -posting->quantity);
	return VERDICT_DONE;
}

enum verdict post(struct run *run, const struct posting *posting)
{
	bool from_outside = state_is_outside(posting->from_state);
	bool to_outside = state_is_outside(posting->to_state);
	CHECK(posting->quantity > 0 && posting->quantity <= QUANTITY_MAX);
	CHECK(from_outside == (posting->from_location[0] == '\0'));
	CHECK(to_outside == (posting->to_location[0] == '\0'));

	const struct stock_row *from = NULL;
	const struct stock_row *to = NULL;
	enum verdict from_verdict = VERDICT_DONE;
	enum verdict to_verdict = VERDICT_DONE;
	if (!from_outside)
		from_verdict = stock_hold(run, posting->sku, posting->from_location, &from);
	if (!to_outside)
		to_verdict = stock_hold(run, posting->sku, posting->to_location, &to);
	if (from_verdict != VERDICT_DONE || to_verdict != VERDICT_DONE)
		return VERDICT_NEED;
	if (count_quota(run, posting, from, to) == VERDICT_NEED)
		return VERDICT_NEED;

	if (from) {
		enum verdict verdict = balance_add(run, from, posting->from_state, -posting->quantity);
		if (verdict != VERDICT_DONE)
			return verdict;
	}
	if (to) {
		enum verdict verdict = balance_add(run, to, posting->to_state, posting->quantity);
		if (verdict != VERDICT_DONE)
			return verdict;
	}
	if (from && to && from != to)
		movements_add_between(run, posting, from->part, to->part);
	else
		movement_add(run, posting, from ? from->part : to ? to->part : posting->part);
	return VERDICT_DONE;
}

static const char *text_or_empty(struct run *run, const char *text)
{
	return text ? arena_string(workset_arena(run->set), text) : "";
}

void note_change(struct run *run, const struct step *step)
{
	struct change_row *change = row_new(TABLE(change), workset_arena(run->set));
	change->part = step->part;
	change->at = run->now_us;
	change->document_kind = (int32_t)step->kind;
	change->document_id = step->document_id;
	change->document_code = text_or_empty(run, step->document_code);
	change->step = text_or_empty(run, step->step);
	change->status_before = text_or_empty(run, step->status_before);
	change->status_after = text_or_empty(run, step->status_after);
	change->channel = text_or_empty(run, step->channel);
	change->actor = run->worker && run->worker[0] ? arena_printf(workset_arena(run->set), "%s/%s",
														run->actor->name, run->worker)
												  : text_or_empty(run, run->actor->name);
	change->location = text_or_empty(run, step->location);
	change->request_id = run->request_id;
	change->note = text_or_empty(run, step->note);
	workset_add_change(run->set, change);
}

/* ---- Conversions ---- */

Google__Protobuf__Timestamp *make_timestamp(struct arena *arena, int64_t time_us)
{
	if (time_us == 0)
		return NULL;
	Google__Protobuf__Timestamp *timestamp = arena_alloc(arena, sizeof(*timestamp));
	google__protobuf__timestamp__init(timestamp);
	int64_t seconds = time_us / 1000000;
	int64_t rest_us = time_us % 1000000;
	if (rest_us < 0) {
		seconds--;
		rest_us += 1000000;
	}
	timestamp->seconds = seconds;
	timestamp->nanos = (int32_t)(rest_us * 1000);
	return timestamp;
}

Google__Protobuf__Int64Value *make_count(struct arena *arena, int64_t count)
{
	if (count == COUNT_NONE)
		return NULL;
	Google__Protobuf__Int64Value *value = arena_alloc(arena, sizeof(*value));
	google__protobuf__int64_value__init(value);
	value->value = count;
	return value;
}
