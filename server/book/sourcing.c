/*
 * Sourcing: a plan is made in memory over everything that is known, then what it takes from is
 * locked. A plan is cheap and made anew whenever more is known: nothing is patched.
 */
#include "book/sourcing.h"

#include <string.h>
#include <xxhash.h>

#include "book/reservation.h"
#include "book/sourcing_expiry.h"

/* How many balances one call may look at, and how far ahead at first. */
#define CELLS_MAX 100000
#define WINDOW_FIRST 8
#define WINDOW_FIRST_OF_MANY 2
#define MANY_SKUS 1000
/* So many sources of a SKU may turn out different under their lock before all are locked. */
#define SURPRISES_MAX 4

struct sourcing_sku {
	size_t cursor; /* sources before it have nothing left */
	bool is_short; /* a sourced line of it got too little */
	int32_t surprises;
};

void sourcing_init(struct sourcing *sourcing, struct run *run, const struct channel_row *channel,
	enum location_task task, size_t most)
{
	*sourcing = (struct sourcing){.channel = channel, .task = task, .most = most};
	sourcing->demands = arena_alloc_array(run->arena, most, sizeof(*sourcing->demands));
	sourcing->slot_count = 16;
	sourcing->slots = arena_alloc_array(run->arena, sourcing->slot_count, sizeof(size_t));
	text_index_init(&sourcing->sku_index, run->arena, most);
	sourcing->skus = arena_alloc_array(run->arena, most, sizeof(*sourcing->skus));
}

struct demand *sourcing_add(struct sourcing *sourcing, const char *sku, const char *location,
	int64_t quantity, int32_t line)
{
	CHECK(sourcing->count < sourcing->most && quantity > 0);
	struct demand *demand = &sourcing->demands[sourcing->count++];
	*demand = (struct demand){.sku = sku, .location = location, .quantity = quantity, .line = line};
	if (location[0] == '\0')
		sourcing->sourced_count++;
	return demand;
}

enum verdict sourcing_check_line(struct run *run, size_t index, const char *text,
	const char *location, int64_t quantity, enum location_task task, const char **sku)
{
	if (quantity < 1 || quantity > QUANTITY_MAX)
		return refuse_field(run, arena_printf(run->arena, "lines[%zu].quantity", index),
			"must be from 1 to %lld", (long long)QUANTITY_MAX);
	const char *stocked_at = location[0] ? location : NULL;
	/* The fields' names are only made for a refusal: there may be thousands of lines. */
	enum verdict placed =
		stocked_at ? check_location(run, location, task, true, NULL) : VERDICT_DONE;
	if (placed == VERDICT_REFUSED)
		return check_location(run, location, task, true,
			arena_printf(run->arena, "lines[%zu].location", index));
	enum verdict resolved = resolve_sku(run, text, stocked_at, ACCESS_LOCK, NULL, sku);
	if (resolved == VERDICT_REFUSED)
		return resolve_sku(run, text, stocked_at, ACCESS_LOCK,
			arena_printf(run->arena, "lines[%zu].sku", index), sku);
	if (resolved == VERDICT_NEED && stocked_at) {
		/* Its safety stock will be asked for: in the same round. */
		const struct item_row *item;
		find_item(run, text, ACCESS_PEEK, &item);
	}
	return placed == VERDICT_NEED ? VERDICT_NEED : resolved;
}

/* ---- Cells ---- */

static size_t *slot_of(const struct sourcing *sourcing, const char *sku, const char *location)
{
	size_t mask = sourcing->slot_count - 1;
	uint64_t hash = XXH3_64bits_withSeed(location, strlen(location), XXH3_64bits(sku, strlen(sku)));
	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		size_t cell = sourcing->slots[i];
		if (cell == 0 || (strcmp(sourcing->cells[cell - 1].sku, sku) == 0 &&
							 strcmp(sourcing->cells[cell - 1].location, location) == 0))
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
	int64_t left = terms->available + found - cell->debit - terms->safety_stock;
	return left > 0 ? left : 0;
}

static enum verdict cell_load(struct sourcing *sourcing, struct run *run,
	struct sourcing_cell *cell)
{
	if (cell->loaded)
		return VERDICT_DONE;
	enum verdict verdict = availability_terms(run, cell->sku, cell->location, sourcing->channel,
		cell->named ? ACCESS_LOCK : ACCESS_PEEK, &cell->terms);
	if (verdict != VERDICT_DONE)
		return verdict;
	cell->left = left_after_facts(cell) + cell->credit;
	cell->loaded = true;
	return VERDICT_DONE;
}

/* ---- The plan ---- */

static void grant(struct sourcing *sourcing, struct run *run, struct demand *demand, size_t cell,
	int64_t quantity)
{
	sourcing->cells[cell].left -= quantity;
	sourcing->cells[cell].taken += quantity;
	demand->granted += quantity;
	demand->grants = arena_grow(run->arena, demand->grants, demand->grant_count,
		&demand->grant_capacity, sizeof(*demand->grants));
	demand->grants[demand->grant_count++] =
		(struct grant){sourcing->cells[cell].location, quantity};
}

static enum verdict plan_named(struct sourcing *sourcing, struct run *run, struct demand *demand)
{
	struct sourcing_cell *cell = sourcing_cell(sourcing, run, demand->sku, demand->location);
	cell->named = true;
	enum verdict verdict = cell_load(sourcing, run, cell);
	if (verdict != VERDICT_DONE)
		return verdict;
	int64_t share = cell->left < demand->quantity ? cell->left : demand->quantity;
	if (share > 0)
		grant(sourcing, run, demand, (size_t)(cell - sourcing->cells), share);
	if (demand->granted < demand->quantity)
		cell->is_short = true;
	return VERDICT_DONE;
}

/* Asks for the balance at the source and at some after it: each time further ahead, so that a SKU
 * of the first sources costs little and a rare one few rounds. */
static void ask_ahead(struct sourcing *sourcing, struct run *run, const char *sku, size_t source)
{
	size_t end = sourcing->sku_index.count > MANY_SKUS ? WINDOW_FIRST_OF_MANY : WINDOW_FIRST;
	while (end <= source)
		end *= 8;
	if (end > sourcing->sources.count)
		end = sourcing->sources.count;
	for (size_t i = source; i < end && sourcing->cell_count < CELLS_MAX; i++)
		cell_load(sourcing, run, sourcing_cell(sourcing, run, sku, sourcing->sources.items[i]));
}

static enum verdict refuse_search(struct run *run)
{
	return refuse(run, STOCKBOOK__V1__REASON__REASON_OVERLOADED,
		"sourcing would look at more than %d balances: name locations, or send fewer lines at once",
		CELLS_MAX);
}

static enum verdict plan_sourced(struct sourcing *sourcing, struct run *run, struct demand *demand)
{
	size_t number = text_index_add(&sourcing->sku_index, demand->sku, NULL);
	struct sourcing_sku *sku = &sourcing->skus[number];
	size_t *cells = NULL;
	int64_t *available = NULL;
	size_t count = 0;
	size_t cells_capacity = 0;
	size_t available_capacity = 0;
	int64_t reached = 0;
	for (size_t i = sku->cursor; i < sourcing->sources.count && reached < demand->quantity; i++) {
		const char *location = sourcing->sources.items[i];
		/* Before more is asked for: only a refusal for which nothing is missing is final. */
		if (sourcing->cell_count >= CELLS_MAX)
			return refuse_search(run);
		struct sourcing_cell *cell = sourcing_cell(sourcing, run, demand->sku, location);
		if (cell_load(sourcing, run, cell) == VERDICT_NEED) {
			ask_ahead(sourcing, run, demand->sku, i);
			return VERDICT_NEED;
		}
		if (cell->left <= 0) {
			if (i == sku->cursor)
				sku->cursor++;
			continue;
		}
		cells = arena_grow(run->arena, cells, count, &cells_capacity, sizeof(*cells));
		available =
			arena_grow(run->arena, available, count, &available_capacity, sizeof(*available));
		cells[count] = (size_t)(cell - sourcing->cells);
		available[count++] = cell->left;
		reached += cell->left;
	}
	int64_t *shares = arena_alloc_array(run->arena, count, sizeof(*shares));
	int64_t remainder = source_split(available, count, demand->quantity, false, shares);
	for (size_t i = 0; i < count; i++)
		if (shares[i] > 0)
			grant(sourcing, run, demand, cells[i], shares[i]);
	if (remainder > 0)
		sku->is_short = true;
	return VERDICT_DONE;
}

static void plan_clear(struct sourcing *sourcing)
{
	sourcing->short_count = 0;
	for (size_t i = 0; i < sourcing->cell_count; i++) {
		struct sourcing_cell *cell = &sourcing->cells[i];
		cell->loaded = cell->is_short = cell->wanted = false;
		cell->taken = 0;
	}
	memset(sourcing->skus, 0, sourcing->sku_index.count * sizeof(*sourcing->skus));
	for (size_t i = 0; i < sourcing->count; i++) {
		sourcing->demands[i].granted = 0;
		sourcing->demands[i].grant_count = 0;
	}
}

/* Who names a location has no choice and takes first. */
static enum verdict plan(struct sourcing *sourcing, struct run *run, bool sources_known)
{
	plan_clear(sourcing);
	bool need = !sources_known;
	for (int sourced = 0; sourced <= (sources_known ? 1 : 0); sourced++)
		for (size_t i = 0; i < sourcing->count; i++) {
			struct demand *demand = &sourcing->demands[i];
			if ((demand->location[0] == '\0') != (sourced == 1))
				continue;
			enum verdict verdict =
				sourced ? plan_sourced(sourcing, run, demand) : plan_named(sourcing, run, demand);
			if (verdict == VERDICT_REFUSED)
				return verdict;
			need = need || verdict == VERDICT_NEED;
		}
	if (need)
		return VERDICT_NEED;
	for (size_t i = 0; i < sourcing->count; i++)
		if (sourcing->demands[i].granted < sourcing->demands[i].quantity)
			sourcing->short_count++;
	for (size_t i = 0; i < sourcing->cell_count; i++) {
		struct sourcing_cell *cell = &sourcing->cells[i];
		cell->wanted = cell->loaded && cell->terms.stock && cell->terms.stock->reserved > 0 &&
					   (cell->is_short || sourcing->skus[cell->sku_number].is_short);
	}
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

static bool actor_may_act(const struct actor *actor, const char *location)
{
	if (!actor->bound)
		return true;
	for (size_t i = 0; i < actor->locations.count; i++)
		if (strcmp(actor->locations.items[i], location) == 0)
			return true;
	return false;
}

/* A store's token sources from its own locations only. */
static enum verdict sources_find(struct sourcing *sourcing, struct run *run)
{
	sourcing->sources = (struct text_list){0};
	if (sourcing->sourced_count == 0)
		return VERDICT_DONE;
	int32_t line = 0;
	for (size_t i = 0; i < sourcing->count; i++)
		if (sourcing->demands[i].location[0] == '\0') {
			line = sourcing->demands[i].line;
			break;
		}
	struct text_list all;
	enum verdict verdict = source_locations(run, sourcing->channel, sourcing->task,
		arena_printf(run->arena, "lines[%d].location", line), &all);
	if (verdict != VERDICT_DONE)
		return verdict;
	const char **own = arena_alloc_array(run->arena, all.count, sizeof(*own));
	size_t count = 0;
	for (size_t i = 0; i < all.count; i++)
		if (actor_may_act(run->actor, all.items[i]))
			own[count++] = all.items[i];
	sourcing->sources = (struct text_list){own, count};
	return VERDICT_DONE;
}

enum verdict sourcing_decide(struct sourcing *sourcing, struct run *run, bool allow_partial)
{
	enum verdict verdict = sources_find(sourcing, run);
	if (verdict == VERDICT_REFUSED)
		return verdict;
	verdict = plan(sourcing, run, verdict == VERDICT_DONE);
	if (verdict != VERDICT_DONE)
		return verdict;
	struct sourcing_expiry expiry = {0};
	while (sourcing->short_count > 0 && !expiry.done) {
		size_t freed = 0;
		verdict = sourcing_expire(&expiry, sourcing, run, &freed);
		if (verdict == VERDICT_DONE && freed > 0)
			verdict = plan(sourcing, run, true);
		if (verdict != VERDICT_DONE)
			return verdict;
	}
	enum verdict certain = sourcing->short_count > 0 ? lock_wanted(sourcing, run) : VERDICT_DONE;
	if (sourcing->short_count > 0 && !allow_partial)
		return certain;
	verdict = lock_taken(sourcing, run);
	return certain == VERDICT_DONE ? verdict : certain;
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
