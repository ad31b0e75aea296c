/*
 * Sourcing: a plan is made in memory over everything that is known, then what it takes from is
 * locked. A plan is cheap and made anew whenever more is known: nothing is patched.
 */
#include "book/sourcing.h"

#include <string.h>
#include <xxhash.h>

#include "book/ship_day.h"
#include "book/sourcing_expiry.h"
#include "book/sourcing_plan.h"

#define METHOD(name) STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_##name
/* So many sources of a SKU may turn out different under their lock before all are locked. */
#define SURPRISES_MAX 4

void sourcing_init(struct sourcing *sourcing, struct run *run, const struct channel_row *channel,
	const Stockbook__V1__SourcingOptions *options, size_t most)
{
	*sourcing = (struct sourcing){.channel = channel, .options = options, .most = most};
	sourcing->demands = arena_alloc_array(run->arena, most, sizeof(*sourcing->demands));
	sourcing->slot_count = 16;
	sourcing->slots = arena_alloc_array(run->arena, sourcing->slot_count, sizeof(size_t));
	text_index_init(&sourcing->sku_index, run->arena, most);
	sourcing->skus = arena_alloc_array(run->arena, most, sizeof(*sourcing->skus));
}

void sourcing_exclude(struct sourcing *sourcing, struct run *run, const char *location)
{
	sourcing->excluded = arena_grow(run->arena, sourcing->excluded, sourcing->excluded_count,
		&sourcing->excluded_capacity, sizeof(*sourcing->excluded));
	sourcing->excluded[sourcing->excluded_count++] = location;
}

struct demand *sourcing_add(struct sourcing *sourcing, Stockbook__V1__FulfilmentMethod method,
	const char *sku, const char *location, int64_t quantity, int32_t line)
{
	CHECK(sourcing->count < sourcing->most && quantity > 0 && (int)method < SOURCE_METHODS);
	struct demand *demand = &sourcing->demands[sourcing->count++];
	*demand = (struct demand){.sku = sku,
		.location = location,
		.quantity = quantity,
		.line = line,
		.method = method,
		.pickup_location = ""};
	if (location[0] == '\0')
		sourcing->sourced_count++;
	return demand;
}

/* ---- What a line may name ---- */

static bool list_has(const struct text_list *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], text) == 0)
			return true;
	return false;
}

/* A store's token promises where it stands, and what the channel of the call may source from. */
static enum verdict check_reach(struct run *run, const struct channel_row *channel,
	const char *code, Stockbook__V1__FulfilmentMethod method, bool *reached)
{
	*reached = !run->actor->bound || list_has(&run->actor->locations, code);
	if (*reached || !channel || method == METHOD(CARRY_OUT) || channel->location_group[0] == '\0')
		return VERDICT_DONE;
	const struct location_group_row *group;
	enum verdict verdict = require_group(run, channel->location_group, &group);
	if (verdict == VERDICT_DONE)
		*reached = list_has(&group->locations, code);
	return verdict;
}

enum verdict sourcing_check_reach(struct run *run, const struct channel_row *channel,
	const char *code, const char *field)
{
	bool reached;
	enum verdict verdict = check_reach(run, channel, code, METHOD(UNSPECIFIED), &reached);
	if (verdict != VERDICT_DONE)
		return verdict;
	return check_location(run, code, LOCATION_ANY, !reached, field);
}

static enum verdict refuse_excluded(struct run *run, const char *code, const char *whose)
{
	refuse(run, STOCKBOOK__V1__REASON__REASON_LOCATION_NOT_ELIGIBLE,
		"location '%s' is excluded by %s", code, whose);
	refuse_with(run, "location", "%s", code);
	return VERDICT_REFUSED;
}

enum verdict sourcing_check_location(struct run *run, const struct channel_row *channel,
	const Stockbook__V1__SourcingOptions *options, const char *code,
	Stockbook__V1__FulfilmentMethod method, const char *field)
{
	bool reached;
	enum verdict reach = check_reach(run, channel, code, method, &reached);
	if (reach == VERDICT_REFUSED)
		return reach;
	enum verdict verdict = check_location(run, code, source_task(method), !reached, field);
	if (verdict != VERDICT_DONE || reach != VERDICT_DONE)
		return verdict == VERDICT_REFUSED && reach == VERDICT_DONE ? verdict : VERDICT_NEED;
	if (method == METHOD(CARRY_OUT))
		return VERDICT_DONE;
	if (source_is_excluded(channel, code, method))
		return refuse_excluded(run, code, arena_printf(run->arena, "channel '%s'", channel->code));
	for (size_t i = 0; options && i < options->n_excluded_locations; i++)
		if (strcmp(options->excluded_locations[i], code) == 0)
			return refuse_excluded(run, code, "the call");
	return VERDICT_DONE;
}

/* Most lines of a call name one location: it is checked once. */
static enum verdict check_line_location(struct run *run, struct sourcing *sourcing,
	const char *location, Stockbook__V1__FulfilmentMethod method)
{
	if (sourcing->checked && sourcing->checked_method == method &&
		strcmp(sourcing->checked, location) == 0)
		return VERDICT_DONE;
	enum verdict verdict =
		sourcing_check_location(run, sourcing->channel, sourcing->options, location, method, NULL);
	if (verdict == VERDICT_DONE) {
		sourcing->checked = location;
		sourcing->checked_method = method;
	}
	return verdict;
}

enum verdict sourcing_check_line(struct run *run, struct sourcing *sourcing, size_t index,
	const char *text, const char *location, int64_t quantity,
	Stockbook__V1__FulfilmentMethod method, const char **sku)
{
	if (quantity < 1 || quantity > QUANTITY_MAX)
		return refuse_field(run, arena_printf(run->arena, "lines[%zu].quantity", index),
			"must be from 1 to %lld", (long long)QUANTITY_MAX);
	const char *stocked_at = location[0] ? location : NULL;
	/* The fields' names are only made for a refusal: there may be thousands of lines. */
	enum verdict placed = VERDICT_DONE;
	if (stocked_at)
		placed = check_line_location(run, sourcing, location, method);
	if (placed == VERDICT_REFUSED)
		return sourcing_check_location(run, sourcing->channel, sourcing->options, location, method,
			field_path(run->arena, "lines", index, "location"));
	enum access access = sourcing->reading ? ACCESS_PEEK : ACCESS_LOCK;
	enum verdict resolved = resolve_sku(run, text, stocked_at, access, NULL, sku);
	if (resolved == VERDICT_REFUSED)
		return resolve_sku(run, text, stocked_at, access,
			field_path(run->arena, "lines", index, "sku"), sku);
	if (resolved == VERDICT_NEED && stocked_at) {
		/* Its safety stock will be asked for: in the same round. */
		const struct item_row *item;
		find_item(run, text, ACCESS_PEEK, &item);
	}
	return placed == VERDICT_NEED ? VERDICT_NEED : resolved;
}

/* ---- Cells ---- */

/* Mostly it is the very same text of a line or of the channel's group. */
static bool is_text(const char *a, const char *b)
{
	return a == b || strcmp(a, b) == 0;
}

static size_t *slot_of(const struct sourcing *sourcing, const char *sku, const char *location)
{
	size_t mask = sourcing->slot_count - 1;
	uint64_t hash = XXH3_64bits_withSeed(location, strlen(location), XXH3_64bits(sku, strlen(sku)));
	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		size_t cell = sourcing->slots[i];
		if (cell == 0 || (is_text(sourcing->cells[cell - 1].location, location) &&
							 is_text(sourcing->cells[cell - 1].sku, sku)))
			return &sourcing->slots[i];
	}
}

static void slots_grow(struct sourcing *sourcing, struct run *run)
{
	sourcing->slot_count *= 2;
	sourcing->slots = arena_alloc_array(run->arena, sourcing->slot_count, sizeof(size_t));
	for (size_t i = 0; i < sourcing->cell_count; i++)
		*slot_of(sourcing, sourcing->cells[i].sku, sourcing->cells[i].location) = i + 1;
}

struct sourcing_cell *sourcing_cell(struct sourcing *sourcing, struct run *run, const char *sku,
	const char *location)
{
	size_t *slot = slot_of(sourcing, sku, location);
	if (*slot)
		return &sourcing->cells[*slot - 1];
	sourcing->cells = arena_grow(run->arena, sourcing->cells, sourcing->cell_count,
		&sourcing->cell_capacity, sizeof(*sourcing->cells));
	struct sourcing_cell *cell = &sourcing->cells[sourcing->cell_count++];
	*cell = (struct sourcing_cell){.sku = sku, .location = location};
	cell->sku_number = text_index_add(&sourcing->sku_index, sku, NULL);
	*slot = sourcing->cell_count;
	if (sourcing->cell_count * 2 > sourcing->slot_count)
		slots_grow(sourcing, run);
	return &sourcing->cells[sourcing->cell_count - 1];
}

bool sourcing_wants(const struct sourcing *sourcing, const char *sku, const char *location)
{
	size_t cell = *slot_of(sourcing, sku, location);
	return cell != 0 && sourcing->cells[cell - 1].wanted;
}

int64_t stock_sellable(const struct stock_row *stock)
{
	if (!stock)
		return 0;
	int64_t there = stock->available + stock->reserved + stock->allocated + stock->picked;
	return there > 0 ? there : 0;
}

/* What facts of this call leave to promise: they take goods that are there whoever they were
 * promised to, and only what is missing altogether is found first. */
static int64_t left_after_facts(const struct sourcing_cell *cell)
{
	const struct availability_terms *terms = &cell->terms;
	if (cell->debit == 0 || terms->disabled)
		return terms->available_to_sell;
	int64_t there = stock_sellable(terms->stock);
	int64_t found = cell->debit > there ? cell->debit - there : 0;
	int64_t left =
		terms->available + found - cell->debit - terms->safety_stock - terms->kept_for_others;
	return left > 0 ? left : 0;
}

enum verdict sourcing_cell_load(struct sourcing *sourcing, struct run *run,
	struct sourcing_cell *cell)
{
	if (cell->loaded)
		return VERDICT_DONE;
	enum verdict verdict = availability_terms(run, cell->sku, cell->location, sourcing->channel,
		cell->named && !sourcing->reading ? ACCESS_LOCK : ACCESS_PEEK, &cell->terms);
	if (verdict != VERDICT_DONE)
		return verdict;
	cell->left = left_after_facts(cell) + cell->credit;
	cell->loaded = true;
	return VERDICT_DONE;
}

/* ---- Locking what the plan takes ---- */

/* A source that is locked and not taken from was chosen once, and turned out different. */
static void count_surprises(struct sourcing *sourcing)
{
	for (size_t i = 0; i < sourcing->cell_count; i++) {
		const struct sourcing_cell *cell = &sourcing->cells[i];
		if (cell->loaded && !cell->named && cell->taken == 0 && cell->terms.stock &&
			cell->terms.stock->row.locked)
			sourcing->skus[cell->sku_number].surprises++;
	}
}

static enum verdict lock_taken(struct sourcing *sourcing, struct run *run)
{
	count_surprises(sourcing);
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < sourcing->cell_count; i++) {
		const struct sourcing_cell *cell = &sourcing->cells[i];
		bool all = sourcing->skus[cell->sku_number].surprises >= SURPRISES_MAX;
		if (!cell->loaded || (cell->taken == 0 && !(all && cell->left > 0)))
			continue;
		const struct stock_row *stock;
		if (find_stock(run, cell->sku, cell->location, ACCESS_LOCK, &stock) == LOOKUP_NEEDED)
			verdict = VERDICT_NEED;
	}
	return verdict;
}

/* Two calls must not both take the last parcel of the day. */
static enum verdict lock_capacity(struct sourcing *sourcing, struct run *run)
{
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < sourcing->count; i++) {
		const struct demand *demand = &sourcing->demands[i];
		if (demand->method != METHOD(SHIP))
			continue;
		for (size_t j = 0; j < demand->grant_count; j++) {
			const struct location_row *location;
			int64_t parcels;
			enum lookup found =
				find_location(run, demand->grants[j].location, ACCESS_PEEK, &location);
			if (found == LOOKUP_NEEDED ||
				(found == LOOKUP_FOUND && location->daily_ship_capacity > 0 &&
					ship_day_parcels(run, location, ACCESS_LOCK, &parcels) == VERDICT_NEED))
				verdict = VERDICT_NEED;
		}
	}
	return verdict;
}

/* What is short was looked at before expired holds were searched for: in between, someone else may
 * have given their stock back. Only under the lock it is certain that it is not there. */
static enum verdict lock_wanted(struct sourcing *sourcing, struct run *run)
{
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < sourcing->cell_count; i++) {
		const struct sourcing_cell *cell = &sourcing->cells[i];
		const struct stock_row *stock;
		if (cell->wanted &&
			find_stock(run, cell->sku, cell->location, ACCESS_LOCK, &stock) == LOOKUP_NEEDED)
			verdict = VERDICT_NEED;
	}
	return verdict;
}

/* ---- Deciding ---- */

enum verdict sourcing_decide(struct sourcing *sourcing, struct run *run, bool allow_partial)
{
	enum verdict verdict = sourcing_plan(sourcing, run);
	if (verdict != VERDICT_DONE)
		return verdict;
	struct sourcing_expiry expiry = {0};
	while (sourcing->short_count > 0 && !expiry.done) {
		size_t freed = 0;
		verdict = sourcing_expire(&expiry, sourcing, run, &freed);
		if (verdict == VERDICT_DONE && freed > 0)
			verdict = sourcing_plan(sourcing, run);
		if (verdict != VERDICT_DONE)
			return verdict;
	}
	if (sourcing->reading)
		return VERDICT_DONE;
	enum verdict certain = sourcing->short_count > 0 ? lock_wanted(sourcing, run) : VERDICT_DONE;
	if (sourcing->short_count > 0 && !allow_partial)
		return certain;
	verdict = lock_taken(sourcing, run);
	enum verdict capacity = lock_capacity(sourcing, run);
	return certain == VERDICT_DONE && capacity == VERDICT_DONE ? verdict : VERDICT_NEED;
}

enum verdict sourcing_refuse(const struct sourcing *sourcing, struct run *run)
{
	const struct demand *first = NULL;
	for (size_t i = 0; i < sourcing->count && !first; i++)
		if (sourcing->demands[i].granted < sourcing->demands[i].quantity)
			first = &sourcing->demands[i];
	CHECK(first);
	refuse(run, STOCKBOOK__V1__REASON__REASON_OUT_OF_STOCK,
		"%zu of %zu lines are out of stock, first sku '%s': %lld requested, %lld available",
		sourcing->short_count, sourcing->count, first->sku, (long long)first->quantity,
		(long long)first->granted);
	refuse_with(run, "short_lines", "%zu", sourcing->short_count);
	size_t named = 0;
	for (size_t i = 0; i < sourcing->count && named < SOURCING_SHORT_NAMED_MAX; i++) {
		const struct demand *demand = &sourcing->demands[i];
		if (demand->granted >= demand->quantity)
			continue;
		named++;
		char *key = arena_printf(run->arena, "lines[%d]", demand->line);
		refuse_with(run, arena_printf(run->arena, "%s.sku", key), "%s", demand->sku);
		if (demand->location[0])
			refuse_with(run, arena_printf(run->arena, "%s.location", key), "%s", demand->location);
		refuse_with(run, arena_printf(run->arena, "%s.requested", key), "%lld",
			(long long)demand->quantity);
		refuse_with(run, arena_printf(run->arena, "%s.available", key), "%lld",
			(long long)demand->granted);
	}
	return VERDICT_REFUSED;
}
