/*
 * Invariants: each is a function that returns NULL or what is wrong. The balances are summed up
 * here from the movements, independently of the rows that the book keeps.
 */
#include "simulation/invariants.h"

#include <stdlib.h>
#include <string.h>

#include "book/text_index.h"
#include "stockbook/v1/order.pb-c.h"
#include "stockbook/v1/pickup.pb-c.h"
#include "stockbook/v1/reservation.pb-c.h"
#include "stockbook/v1/return.pb-c.h"
#include "stockbook/v1/shipment.pb-c.h"
#include "stockbook/v1/transfer.pb-c.h"
#include "stockbook/v1/work.pb-c.h"

#define KEYS_MAX 16384
#define STATES (STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_BETWEEN + 1)

struct balances {
	int64_t of[STATES];
};

struct invariants {
	const struct memory_store *store;
	struct arena keys;
	struct arena scratch;    /* of one check */
	struct text_index index; /* "sku location" */
	struct balances *sums;
	size_t movements_seen;
	size_t changes_seen;
	int64_t movements_claimed; /* by changes */
	int64_t *part_events;
	int64_t *part_last;
	/* Holds and allocations by owner, recounted for each check. */
	struct balances *owned;
};

struct invariants *invariants_new(const struct memory_store *store)
{
	struct invariants *invariants = calloc(1, sizeof(*invariants));
	CHECK(invariants != NULL);
	size_t parts = (size_t)memory_store_limits(store)->parts + 1;
	invariants->store = store;
	arena_init(&invariants->keys);
	arena_init(&invariants->scratch);
	text_index_init(&invariants->index, &invariants->keys, KEYS_MAX);
	invariants->sums = arena_alloc_array(&invariants->keys, KEYS_MAX, sizeof(struct balances));
	invariants->owned = arena_alloc_array(&invariants->keys, KEYS_MAX, sizeof(struct balances));
	invariants->part_events = arena_alloc_array(&invariants->keys, parts, sizeof(int64_t));
	invariants->part_last = arena_alloc_array(&invariants->keys, parts, sizeof(int64_t));
	return invariants;
}

void invariants_free(struct invariants *invariants)
{
	arena_release(&invariants->keys);
	arena_release(&invariants->scratch);
	free(invariants);
}

#define WRONG(invariants, ...) arena_printf(&(invariants)->scratch, __VA_ARGS__)

/* The number of a SKU at a location. */
static size_t key_of(struct invariants *invariants, const char *sku, const char *location)
{
	char *key = arena_printf(&invariants->scratch, "%s %s", sku, location);
	bool added;
	size_t number = text_index_add(&invariants->index, key, &added);
	if (added)
		invariants->index.texts[number] = arena_string(&invariants->keys, key);
	CHECK(number < KEYS_MAX);
	return number;
}

/* ---- The ledger ---- */

static const char *see_event(struct invariants *invariants, int32_t part, int64_t sequence)
{
	if (part < 0 || part > memory_store_limits(invariants->store)->parts)
		return WRONG(invariants, "an event is in part %d", part);
	invariants->part_events[part]++;
	if (sequence < 1)
		return WRONG(invariants, "part %d has sequence %lld", part, (long long)sequence);
	if (sequence > invariants->part_last[part])
		invariants->part_last[part] = sequence;
	return NULL;
}

static bool is_outside(int32_t state)
{
	return state >= STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_SUPPLIER;
}

static const char *see_movement(struct invariants *invariants, const struct movement_row *movement)
{
	if (movement->quantity < 1 || is_outside(movement->from_state) != !movement->from_location[0] ||
		is_outside(movement->to_state) != !movement->to_location[0])
		return WRONG(invariants, "movement %d/%lld is malformed", movement->part,
			(long long)movement->sequence);
	if (movement->from_state == movement->to_state &&
		strcmp(movement->from_location, movement->to_location) == 0)
		return WRONG(invariants, "movement %d/%lld moves nothing", movement->part,
			(long long)movement->sequence);
	size_t from = key_of(invariants, movement->sku, movement->from_location);
	size_t to = key_of(invariants, movement->sku, movement->to_location);
	invariants->sums[from].of[movement->from_state] -= movement->quantity;
	invariants->sums[to].of[movement->to_state] += movement->quantity;
	return see_event(invariants, movement->part, movement->sequence);
}

static const char *see_change(struct invariants *invariants, const struct change_row *change)
{
	for (int32_t i = 1; i <= change->movements; i++) {
		struct movement_row key = {.part = change->part, .sequence = change->sequence - i};
		const struct movement_row *movement =
			memory_store_find(invariants->store, TABLE(movement), &key);
		if (!movement || movement->change_sequence != change->sequence)
			return WRONG(invariants, "change %d/%lld has not its %d movements just before it",
				change->part, (long long)change->sequence, change->movements);
	}
	invariants->movements_claimed += change->movements;
	return see_event(invariants, change->part, change->sequence);
}

static const char *check_ledger(struct invariants *invariants)
{
	const char *wrong = NULL;
	size_t count;
	const void *const *movements = memory_store_rows(invariants->store, TABLE(movement), &count);
	for (; invariants->movements_seen < count && !wrong; invariants->movements_seen++)
		wrong = see_movement(invariants, movements[invariants->movements_seen]);
	size_t change_count;
	const void *const *changes = memory_store_rows(invariants->store, TABLE(change), &change_count);
	for (; invariants->changes_seen < change_count && !wrong; invariants->changes_seen++)
		wrong = see_change(invariants, changes[invariants->changes_seen]);
	if (wrong)
		return wrong;
	if (invariants->movements_claimed != (int64_t)count)
		return WRONG(invariants, "%zu movements, but changes name %lld", count,
			(long long)invariants->movements_claimed);
	/* No sequence twice (the store sees to that), so many as the last one: no gap. */
	for (int32_t part = 0; part <= memory_store_limits(invariants->store)->parts; part++)
		if (invariants->part_events[part] != invariants->part_last[part] ||
			invariants->part_last[part] != memory_store_head(invariants->store, part))
			return WRONG(invariants, "part %d has %lld events up to %lld, and its head says %lld",
				part, (long long)invariants->part_events[part],
				(long long)invariants->part_last[part],
				(long long)memory_store_head(invariants->store, part));
	return NULL;
}

/* A request takes effect once: all that it changed was changed in one step. */
static const char *check_requests(struct invariants *invariants)
{
	size_t count;
	const void *const *rows = memory_store_rows(invariants->store, TABLE(change), &count);
	size_t from = count > 64 ? count - 64 : 0;
	for (size_t i = from; i < count; i++)
		for (size_t j = from; j < i; j++) {
			const struct change_row *a = rows[i];
			const struct change_row *b = rows[j];
			bool same =
				!uuid_is_nil(&a->request_id) && uuid_compare(&a->request_id, &b->request_id) == 0;
			if (same && (a->at != b->at))
				return WRONG(invariants, "a request took effect twice: step '%s' at %lld and %lld",
					a->step, (long long)a->at, (long long)b->at);
		}
	return NULL;
}

/* ---- Balances ---- */

static const char *check_stock_row(struct invariants *invariants, const struct stock_row *stock)
{
	const int64_t *sums = invariants->sums[key_of(invariants, stock->sku, stock->location)].of;
	int64_t on_hand = 0;
	for (int32_t state = 1; !is_outside(state); state++) {
		int64_t balance = stock_balance(stock, (Stockbook__V1__StockState)state);
		if (balance != sums[state])
			return WRONG(invariants,
				"%s at %s: balance of state %d is %lld, its movements sum to %lld", stock->sku,
				stock->location, state, (long long)balance, (long long)sums[state]);
		if (balance < 0 && state != STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_AVAILABLE)
			return WRONG(invariants, "%s at %s: state %d is below 0", stock->sku, stock->location,
				state);
		if (state != STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_IN_TRANSIT)
			on_hand += balance;
	}
	if (on_hand < 0 || on_hand != stock_on_hand(stock) || on_hand > QUANTITY_MAX)
		return WRONG(invariants, "%s at %s: %lld on hand", stock->sku, stock->location,
			(long long)on_hand);
	if (stock->in_shortage != (stock->available < 0))
		return WRONG(invariants, "%s at %s: in_shortage is wrong", stock->sku, stock->location);
	if (stock->part != part_of(stock->location, memory_store_limits(invariants->store)->parts))
		return WRONG(invariants, "%s at %s: in part %d", stock->sku, stock->location, stock->part);
	return NULL;
}

static const char *check_balances(struct invariants *invariants)
{
	size_t count;
	const void *const *rows = memory_store_rows(invariants->store, TABLE(stock), &count);
	for (size_t i = 0; i < count; i++) {
		const char *wrong = check_stock_row(invariants, rows[i]);
		if (wrong)
			return wrong;
	}
	/* The other way round: no movement without a row. */
	size_t moved = 0;
	for (size_t i = 0; i < invariants->index.count; i++) {
		const char *key = invariants->index.texts[i];
		const char *space = strrchr(key, ' ');
		struct stock_row at = {
			.part = part_of(space + 1, memory_store_limits(invariants->store)->parts),
			.sku = arena_string_sized(&invariants->scratch, key, (size_t)(space - key)),
			.location = space + 1,
		};
		bool any = false;
		for (int32_t state = 1; !is_outside(state); state++)
			any = any || invariants->sums[i].of[state] != 0;
		if (any && !memory_store_find(invariants->store, TABLE(stock), &at))
			return WRONG(invariants, "%s: moved, but without a row", key);
		moved += any;
	}
	return moved <= count ? NULL : WRONG(invariants, "more balances than rows");
}

/* ---- Owners ---- */

static int64_t *owned(struct invariants *invariants, const char *sku, const char *location,
	Stockbook__V1__StockState state)
{
	return &invariants->owned[key_of(invariants, sku, location)].of[state];
}

static void count_holds(struct invariants *invariants)
{
	size_t count;
	const void *const *rows = memory_store_rows(invariants->store, TABLE(reservation), &count);
	for (size_t i = 0; i < count; i++) {
		const struct reservation_row *held = rows[i];
		if (held->status != STOCKBOOK__V1__RESERVATION_STATUS__RESERVATION_STATUS_HELD)
			continue;
		for (size_t l = 0; l < held->line_sku.count; l++)
			*owned(invariants, held->line_sku.items[l], held->line_location.items[l],
				STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_RESERVED) += held->line_quantity.items[l];
	}
}

static void count_allocations(struct invariants *invariants)
{
	size_t count;
	const void *const *rows = memory_store_rows(invariants->store, TABLE(order_line), &count);
	for (size_t i = 0; i < count; i++) {
		const struct order_line_row *line = rows[i];
		for (size_t a = 0; a < line->allocation_location.count; a++) {
			const char *location = line->allocation_location.items[a];
			*owned(invariants, line->sku, location,
				STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_ALLOCATED) +=
				line->allocation_allocated.items[a] - line->allocation_awaiting.items[a];
			*owned(invariants, line->sku, location,
				STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_PICKED) += line->allocation_picked.items[a];
		}
	}
}

/* What is picked for nobody any more, until it is on the shelf. */
static void count_put_backs(struct invariants *invariants)
{
	size_t count;
	const void *const *rows = memory_store_rows(invariants->store, TABLE(fulfilment_line), &count);
	for (size_t i = 0; i < count; i++) {
		const struct fulfilment_line_row *line = rows[i];
		struct fulfilment_row key = {
			.part = line->part, .order_id = line->order_id, .id = line->fulfilment_id};
		const struct fulfilment_row *fulfilment =
			memory_store_find(invariants->store, TABLE(fulfilment), &key);
		if (fulfilment)
			*owned(invariants, line->sku, fulfilment->location,
				STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_PICKED) += line->put_back;
	}
}

static void count_transfers(struct invariants *invariants)
{
	size_t count;
	const void *const *rows = memory_store_rows(invariants->store, TABLE(transfer_line), &count);
	for (size_t i = 0; i < count; i++) {
		const struct transfer_line_row *line = rows[i];
		struct transfer_row key = {.part = line->part, .id = line->transfer_id};
		const struct transfer_row *transfer =
			memory_store_find(invariants->store, TABLE(transfer), &key);
		if (!transfer)
			continue;
		*owned(invariants, line->sku, transfer->source,
			STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_ALLOCATED) += line->allocated;
		*owned(invariants, line->sku, transfer->destination,
			STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_IN_TRANSIT) += line->in_transit;
	}
}

static const char *check_owners(struct invariants *invariants)
{
	static const Stockbook__V1__StockState states[] = {
		STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_RESERVED,
		STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_ALLOCATED,
		STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_PICKED,
		STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_IN_TRANSIT,
	};
	memset(invariants->owned, 0, invariants->index.count * sizeof(*invariants->owned));
	count_holds(invariants);
	count_allocations(invariants);
	count_put_backs(invariants);
	count_transfers(invariants);
	for (size_t i = 0; i < invariants->index.count; i++)
		for (size_t s = 0; s < ARRAY_COUNT(states); s++)
			if (invariants->owned[i].of[states[s]] != invariants->sums[i].of[states[s]])
				return WRONG(invariants, "%s: %lld are in state %d, but their owners have %lld",
					invariants->index.texts[i], (long long)invariants->sums[i].of[states[s]],
					(int)states[s], (long long)invariants->owned[i].of[states[s]]);
	return NULL;
}

/* ---- Documents ---- */

static int64_t sum_of(const struct count_list *list)
{
	int64_t sum = 0;
	for (size_t i = 0; i < list->count; i++)
		sum += list->items[i];
	return sum;
}

static const char *check_order_line(struct invariants *invariants,
	const struct order_line_row *line, int64_t *returned)
{
	if (line->ordered !=
			line->open + line->allocated + line->picked + line->fulfilled + line->cancelled ||
		line->open < 0 || line->allocated < 0 || line->picked < 0 || line->fulfilled < 0 ||
		line->cancelled < 0 || line->ordered < 1)
		return WRONG(invariants, "an order line of sku '%s' does not add up", line->sku);
	if (line->allocated != sum_of(&line->allocation_allocated) ||
		line->picked != sum_of(&line->allocation_picked) ||
		line->fulfilled != sum_of(&line->allocation_fulfilled))
		return WRONG(invariants, "the allocations of an order line of sku '%s' do not add up",
			line->sku);
	if (line->returned < 0 || line->returned > line->fulfilled)
		return WRONG(invariants, "more of sku '%s' came back than was fulfilled", line->sku);
	*returned = line->returned;
	return NULL;
}

/* What its return lines say came back of an order line. */
static int64_t returned_of(struct invariants *invariants, const struct order_line_row *line)
{
	size_t count;
	int64_t returned = 0;
	const void *const *rows = memory_store_rows(invariants->store, TABLE(return_line), &count);
	for (size_t i = 0; i < count; i++) {
		const struct return_line_row *back = rows[i];
		if (back->order_line != line->line)
			continue;
		struct goods_return_row key = {.part = back->part, .id = back->return_id};
		const struct goods_return_row *document =
			memory_store_find(invariants->store, TABLE(goods_return), &key);
		if (document && uuid_compare(&document->order_id, &line->order_id) == 0)
			returned += back->quantity;
	}
	return returned;
}

static const char *check_order_lines(struct invariants *invariants)
{
	size_t count;
	const void *const *rows = memory_store_rows(invariants->store, TABLE(order_line), &count);
	/* Recounting returns is quadratic: of the latest lines only. */
	size_t recount_from = count > 32 ? count - 32 : 0;
	for (size_t i = 0; i < count; i++) {
		const struct order_line_row *line = rows[i];
		int64_t returned = 0;
		const char *wrong = check_order_line(invariants, line, &returned);
		if (wrong)
			return wrong;
		if (i >= recount_from && returned != returned_of(invariants, line))
			return WRONG(invariants, "sku '%s': the order says %lld came back, its returns do not",
				line->sku, (long long)returned);
		struct customer_order_row key = {.part = line->part, .id = line->order_id};
		if (!memory_store_find(invariants->store, TABLE(customer_order), &key))
			return WRONG(invariants, "an order line of sku '%s' has no order", line->sku);
	}
	return NULL;
}

static const char *check_return_lines(struct invariants *invariants)
{
	size_t count;
	const void *const *rows = memory_store_rows(invariants->store, TABLE(return_line), &count);
	for (size_t i = 0; i < count; i++) {
		const struct return_line_row *line = rows[i];
		if (line->quantity != line->waiting + line->restocked + line->damaged + line->destroyed ||
			line->waiting < 0 || line->restocked < 0 || line->damaged < 0 || line->destroyed < 0)
			return WRONG(invariants, "a return line of sku '%s' does not add up", line->sku);
	}
	return NULL;
}

/* A hold that was over was not confirmed: it became an order before its time, or was held again. */
static const char *check_reservations(struct invariants *invariants)
{
	size_t count;
	const void *const *rows = memory_store_rows(invariants->store, TABLE(reservation), &count);
	for (size_t i = 0; i < count; i++) {
		const struct reservation_row *reservation = rows[i];
		bool confirmed =
			reservation->status == STOCKBOOK__V1__RESERVATION_STATUS__RESERVATION_STATUS_CONFIRMED;
		if (confirmed != !uuid_is_nil(&reservation->order_id))
			return WRONG(invariants, "a reservation of status %d and its order do not agree",
				reservation->status);
		if (confirmed && reservation->updated_at >= reservation->hold_until)
			return WRONG(invariants, "a reservation was confirmed %lld us after it expired",
				(long long)(reservation->updated_at - reservation->hold_until));
		if (reservation->line_sku.count != reservation->line_location.count ||
			reservation->line_sku.count != reservation->line_quantity.count)
			return WRONG(invariants, "the lines of a reservation do not match");
	}
	return NULL;
}

/* ---- Aliases ---- */

static bool item_has_alias(const struct item_row *item, const char *alias)
{
	for (size_t i = 0; i < item->aliases.count; i++)
		if (strcmp(item->aliases.items[i], alias) == 0)
			return true;
	return strcmp(item->sku, alias) == 0;
}

/* A text means one item: every alias row is of an item that says so, and the other way round. */
static const char *check_aliases(struct invariants *invariants)
{
	size_t count;
	int32_t parts = memory_store_limits(invariants->store)->parts;
	const void *const *rows = memory_store_rows(invariants->store, TABLE(item_alias), &count);
	for (size_t i = 0; i < count; i++) {
		const struct item_alias_row *alias = rows[i];
		struct item_row key = {.part = part_of(alias->sku, parts), .sku = alias->sku};
		const struct item_row *item = memory_store_find(invariants->store, TABLE(item), &key);
		if (!item || !item_has_alias(item, alias->alias))
			return WRONG(invariants, "alias '%s' names '%s', which does not have it", alias->alias,
				alias->sku);
		struct item_row other = {.part = part_of(alias->alias, parts), .sku = alias->alias};
		if (strcmp(alias->alias, alias->sku) != 0 &&
			memory_store_find(invariants->store, TABLE(item), &other))
			return WRONG(invariants, "alias '%s' of '%s' is a sku itself", alias->alias,
				alias->sku);
	}
	const void *const *items = memory_store_rows(invariants->store, TABLE(item), &count);
	for (size_t i = 0; i < count; i++) {
		const struct item_row *item = items[i];
		for (size_t a = 0; a < item->aliases.count; a++) {
			const char *text = item->aliases.items[a];
			struct item_alias_row key = {.part = part_of(text, parts), .alias = text};
			const struct item_alias_row *alias =
				memory_store_find(invariants->store, TABLE(item_alias), &key);
			if (!alias || strcmp(alias->sku, item->sku) != 0)
				return WRONG(invariants, "item '%s' has alias '%s', which does not name it",
					item->sku, text);
		}
	}
	return NULL;
}

/* ---- Fulfilments, transfers, work ---- */

static bool fulfilment_is_over(const struct fulfilment_row *row)
{
	if (row->kind == STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_PICKUP)
		return row->status == STOCKBOOK__V1__PICKUP_STATUS__PICKUP_STATUS_COLLECTED ||
			   row->status == STOCKBOOK__V1__PICKUP_STATUS__PICKUP_STATUS_CANCELLED;
	return row->status == STOCKBOOK__V1__SHIPMENT_STATUS__SHIPMENT_STATUS_DELIVERED ||
		   row->status == STOCKBOOK__V1__SHIPMENT_STATUS__SHIPMENT_STATUS_LOST ||
		   row->status == STOCKBOOK__V1__SHIPMENT_STATUS__SHIPMENT_STATUS_CANCELLED;
}

/* What fulfilments hold of an order's line at a location. */
static struct fulfilment_line_row held_of(struct invariants *invariants,
	const struct order_line_row *line, const char *location)
{
	struct fulfilment_line_row sum = {0};
	size_t count;
	const void *const *rows = memory_store_rows(invariants->store, TABLE(fulfilment_line), &count);
	for (size_t i = 0; i < count; i++) {
		const struct fulfilment_line_row *held = rows[i];
		if (held->line != line->line || uuid_compare(&held->order_id, &line->order_id) != 0)
			continue;
		struct fulfilment_row key = {
			.part = held->part, .order_id = held->order_id, .id = held->fulfilment_id};
		const struct fulfilment_row *row =
			memory_store_find(invariants->store, TABLE(fulfilment), &key);
		if (!row || strcmp(row->location, location) != 0)
			continue;
		sum.awaiting += held->awaiting;
		sum.to_pick += held->to_pick;
		sum.picked += held->picked;
	}
	return sum;
}

/* The order has at least what its fulfilments hold: the rest is free. */
static const char *check_held(struct invariants *invariants, const struct order_line_row *line)
{
	for (size_t a = 0; a < line->allocation_location.count; a++) {
		const char *location = line->allocation_location.items[a];
		struct fulfilment_line_row held = held_of(invariants, line, location);
		int64_t allocated = line->allocation_allocated.items[a];
		int64_t awaiting = line->allocation_awaiting.items[a];
		if (awaiting != held.awaiting || allocated < held.to_pick + held.awaiting ||
			line->allocation_picked.items[a] < held.picked)
			return WRONG(invariants,
				"an order's line of sku '%s' has %lld allocated at '%s' (%lld awaited), its "
				"fulfilments hold %lld and %lld, and %lld picked",
				line->sku, (long long)allocated, location, (long long)awaiting,
				(long long)held.to_pick, (long long)held.awaiting, (long long)held.picked);
	}
	return NULL;
}

static const char *check_fulfilment_line(struct invariants *invariants,
	const struct fulfilment_line_row *line)
{
	if (line->quantity != line->awaiting + line->to_pick + line->picked + line->done +
							  line->put_back + line->dropped ||
		line->awaiting < 0 || line->to_pick < 0 || line->picked < 0 || line->done < 0 ||
		line->put_back < 0 || line->dropped < 0 || line->quantity < 1)
		return WRONG(invariants, "a fulfilment's line of sku '%s' does not add up", line->sku);
	struct fulfilment_row key = {
		.part = line->part, .order_id = line->order_id, .id = line->fulfilment_id};
	const struct fulfilment_row *row =
		memory_store_find(invariants->store, TABLE(fulfilment), &key);
	if (!row)
		return WRONG(invariants, "a fulfilment's line of sku '%s' has none", line->sku);
	/* What was cancelled of a shipment may still wait to be put back when the rest has left. */
	bool pickup = row->kind == STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_PICKUP;
	if (fulfilment_is_over(row) &&
		line->awaiting + line->to_pick + line->picked + (pickup ? line->put_back : 0) > 0)
		return WRONG(invariants, "a fulfilment of status %d still has goods of sku '%s'",
			row->status, line->sku);
	return NULL;
}

static const char *check_fulfilments(struct invariants *invariants)
{
	size_t count;
	const char *wrong = NULL;
	const void *const *rows = memory_store_rows(invariants->store, TABLE(fulfilment_line), &count);
	for (size_t i = 0; i < count && !wrong; i++)
		wrong = check_fulfilment_line(invariants, rows[i]);
	rows = memory_store_rows(invariants->store, TABLE(order_line), &count);
	/* Quadratic: of the latest lines only. */
	for (size_t i = count > 24 ? count - 24 : 0; i < count && !wrong; i++)
		wrong = check_held(invariants, rows[i]);
	return wrong;
}

static bool transfer_is_over(const struct transfer_row *row)
{
	return row->status >= STOCKBOOK__V1__TRANSFER_STATUS__TRANSFER_STATUS_RECEIVED;
}

static const char *check_transfers(struct invariants *invariants)
{
	size_t count;
	const void *const *rows = memory_store_rows(invariants->store, TABLE(transfer_line), &count);
	for (size_t i = 0; i < count; i++) {
		const struct transfer_line_row *line = rows[i];
		if (line->requested != line->open + line->allocated + line->in_transit + line->received +
								   line->damaged + line->lost + line->returned + line->cancelled ||
			line->open < 0 || line->allocated < 0 || line->in_transit < 0 || line->received < 0 ||
			line->damaged < 0 || line->lost < 0 || line->returned < 0 || line->cancelled < 0 ||
			line->over < 0)
			return WRONG(invariants, "a transfer's line of sku '%s' does not add up", line->sku);
		struct transfer_row key = {.part = line->part, .id = line->transfer_id};
		const struct transfer_row *row =
			memory_store_find(invariants->store, TABLE(transfer), &key);
		if (!row)
			return WRONG(invariants, "a transfer's line of sku '%s' has none", line->sku);
		if (transfer_is_over(row) && line->open + line->allocated + line->in_transit > 0)
			return WRONG(invariants, "a transfer of status %d still has sku '%s' under way",
				row->status, line->sku);
	}
	return NULL;
}

/* What left one location for another arrived there. */
static const char *check_between(struct invariants *invariants)
{
	for (size_t i = 0; i < invariants->index.count; i++)
		if (invariants->sums[i].of[STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_BETWEEN] != 0)
			return WRONG(invariants, "%s: left one location and arrived at none",
				invariants->index.texts[i]);
	return NULL;
}

/* Work is of a document that is there and not over. */
static const char *check_work(struct invariants *invariants)
{
	size_t count;
	const void *const *rows = memory_store_rows(invariants->store, TABLE(work), &count);
	for (size_t i = 0; i < count; i++) {
		const struct work_row *work = rows[i];
		if ((work->claimed_by[0] == '\0') != (work->claimed_until == 0))
			return WRONG(invariants, "a claim on work without an end");
		if (work->kind == STOCKBOOK__V1__WORK_KIND__WORK_KIND_RECOUNT)
			continue;
		struct transfer_row transfer_key = {.part = work->part, .id = work->document_id};
		const struct transfer_row *transfer =
			memory_store_find(invariants->store, TABLE(transfer), &transfer_key);
		struct fulfilment_row fulfilment_key = {
			.part = work->part, .order_id = work->order_id, .id = work->document_id};
		const struct fulfilment_row *fulfilment =
			memory_store_find(invariants->store, TABLE(fulfilment), &fulfilment_key);
		if (!(transfer && !transfer_is_over(transfer)) &&
			!(fulfilment && (!fulfilment_is_over(fulfilment) ||
								work->kind == STOCKBOOK__V1__WORK_KIND__WORK_KIND_PUT_BACK)))
			return WRONG(invariants, "work of kind %d at '%s' is of nothing that is to be done",
				work->kind, work->location);
	}
	return NULL;
}

static const char *check_quotas(struct invariants *invariants)
{
	size_t count;
	const void *const *rows = memory_store_rows(invariants->store, TABLE(quota), &count);
	for (size_t i = 0; i < count; i++) {
		const struct quota_row *quota = rows[i];
		struct stock_row key = {
			.part = quota->part, .sku = quota->sku, .location = quota->location};
		const struct stock_row *stock = memory_store_find(invariants->store, TABLE(stock), &key);
		if (!stock || !stock->has_quotas)
			return WRONG(invariants, "a quota of sku '%s' at '%s' that its stock does not know",
				quota->sku, quota->location);
	}
	return NULL;
}

const char *invariants_check(struct invariants *invariants)
{
	static const char *(*const checks[])(struct invariants * invariants) = {
		check_ledger,
		check_requests,
		check_balances,
		check_owners,
		check_order_lines,
		check_return_lines,
		check_reservations,
		check_aliases,
		check_fulfilments,
		check_transfers,
		check_between,
		check_work,
		check_quotas,
	};
	arena_reset(&invariants->scratch);
	for (size_t i = 0; i < ARRAY_COUNT(checks); i++) {
		const char *wrong = checks[i](invariants);
		if (wrong)
			return wrong;
	}
	return NULL;
}
