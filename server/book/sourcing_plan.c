/* The plan: named lines first, then sourced ones, line by line in the order of the strategy. */
#include "book/sourcing_plan.h"

#include <string.h>

#include "book/cover.h"
#include "book/ship_day.h"

#define METHOD(name) STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_##name
#define STRATEGY(name) STOCKBOOK__V1__SOURCING_STRATEGY__SOURCING_STRATEGY_##name
#define PASSED(name) STOCKBOOK__V1__SOURCING_VERDICT__SOURCING_VERDICT_##name

/* How far ahead is looked at first. */
#define WINDOW_FIRST 8
#define WINDOW_FIRST_OF_MANY 2
#define MANY_SKUS 1000

/* ---- Granting ---- */

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
	enum verdict verdict = sourcing_cell_load(sourcing, run, cell);
	if (verdict != VERDICT_DONE)
		return verdict;
	int64_t share = cell->left < demand->quantity ? cell->left : demand->quantity;
	if (share > 0)
		grant(sourcing, run, demand, (size_t)(cell - sourcing->cells), share);
	if (demand->granted < demand->quantity)
		cell->is_short = true;
	return VERDICT_DONE;
}

/* ---- Candidates: sources that have something left of a SKU ---- */

struct candidates {
	size_t *cells;
	int64_t *available;
	size_t count;
	size_t cells_capacity;
	size_t available_capacity;
};

static void candidates_add(struct candidates *candidates, struct run *run, size_t cell,
	int64_t available)
{
	candidates->cells = arena_grow(run->arena, candidates->cells, candidates->count,
		&candidates->cells_capacity, sizeof(*candidates->cells));
	candidates->available = arena_grow(run->arena, candidates->available, candidates->count,
		&candidates->available_capacity, sizeof(*candidates->available));
	candidates->cells[candidates->count] = cell;
	candidates->available[candidates->count++] = available;
}

static enum verdict refuse_search(struct run *run)
{
	return refuse(run, STOCKBOOK__V1__REASON__REASON_OVERLOADED,
		"sourcing would look at more than %d balances: name locations, or send fewer lines at once",
		CELLS_MAX);
}

/* The source's balance of the SKU, and what it takes to judge the source. *cell is NULL where the
 * source serves nothing. */
static enum verdict look_at(struct sourcing *sourcing, struct run *run, const struct demand *demand,
	struct source *source, struct sourcing_cell **cell)
{
	*cell = NULL;
	/* Before more is asked for: only a refusal for which nothing is missing is final. */
	if (sourcing->cell_count >= CELLS_MAX)
		return refuse_search(run);
	enum verdict judged = source_load(run, source, demand->method);
	struct sourcing_cell *at = sourcing_cell(sourcing, run, demand->sku, source->code);
	enum verdict loaded = sourcing_cell_load(sourcing, run, at);
	if (judged == VERDICT_NEED || loaded == VERDICT_NEED)
		return VERDICT_NEED;
	if (source->verdict == PASSED(UNSPECIFIED))
		*cell = at;
	return VERDICT_DONE;
}

/* Asks for the balance at the able source and at some after it: each time further ahead. */
static void ask_ahead(struct sourcing *sourcing, struct run *run, const struct demand *demand,
	size_t able)
{
	struct sources *sources = &sourcing->sources[demand->method];
	size_t end = sourcing->sku_index.count > MANY_SKUS ? WINDOW_FIRST_OF_MANY : WINDOW_FIRST;
	while (end <= able)
		end *= 8;
	if (end > sources->able_count)
		end = sources->able_count;
	struct sourcing_cell *cell;
	for (size_t i = able; i < end && sourcing->cell_count < CELLS_MAX; i++)
		look_at(sourcing, run, demand, sources_able(sources, i), &cell);
}

/* In the sources' order, until what they have reaches the quantity; with `whole` until one has all. */
static enum verdict candidates_in_order(struct sourcing *sourcing, struct run *run,
	const struct demand *demand, bool whole, struct candidates *candidates)
{
	size_t number = text_index_add(&sourcing->sku_index, demand->sku, NULL);
	size_t *cursor = &sourcing->skus[number].cursor[demand->method];
	struct sources *sources = &sourcing->sources[demand->method];
	int64_t reached = 0;
	for (size_t i = *cursor; i < sources->able_count && reached < demand->quantity; i++) {
		struct sourcing_cell *cell;
		enum verdict verdict = look_at(sourcing, run, demand, sources_able(sources, i), &cell);
		if (verdict == VERDICT_NEED)
			ask_ahead(sourcing, run, demand, i);
		if (verdict != VERDICT_DONE)
			return verdict;
		if (!cell || cell->left <= 0) {
			if (i == *cursor)
				(*cursor)++;
			continue;
		}
		candidates_add(candidates, run, (size_t)(cell - sourcing->cells), cell->left);
		reached = whole ? cell->left : reached + cell->left;
	}
	return VERDICT_DONE;
}

/* All that have any. */
static enum verdict candidates_all(struct sourcing *sourcing, struct run *run,
	const struct demand *demand, struct candidates *candidates)
{
	struct sources *sources = &sourcing->sources[demand->method];
	bool need = false;
	for (size_t i = 0; i < sources->able_count; i++) {
		struct sourcing_cell *cell;
		enum verdict verdict = look_at(sourcing, run, demand, sources_able(sources, i), &cell);
		if (verdict == VERDICT_REFUSED)
			return verdict;
		need = need || verdict == VERDICT_NEED;
		if (!need && cell && cell->left > 0)
			candidates_add(candidates, run, (size_t)(cell - sourcing->cells), cell->left);
	}
	return need ? VERDICT_NEED : VERDICT_DONE;
}

/* ---- MOST_STOCK ---- */

struct stocked {
	size_t cell;
	int64_t available;
	size_t rank;
};

static int compare_stocked(const void *a, const void *b)
{
	const struct stocked *x = a;
	const struct stocked *y = b;
	if (x->available != y->available)
		return x->available > y->available ? -1 : 1;
	return x->rank < y->rank ? -1 : 1;
}

static void sort_by_stock(struct run *run, struct candidates *candidates)
{
	struct stocked *stocked = arena_alloc_array(run->arena, candidates->count, sizeof(*stocked));
	for (size_t i = 0; i < candidates->count; i++)
		stocked[i] = (struct stocked){candidates->cells[i], candidates->available[i], i};
	qsort(stocked, candidates->count, sizeof(*stocked), compare_stocked);
	for (size_t i = 0; i < candidates->count; i++) {
		candidates->cells[i] = stocked[i].cell;
		candidates->available[i] = stocked[i].available;
	}
}

/* ---- FEWEST_PARCELS ---- */

static bool is_sourced(const struct demand *demand, Stockbook__V1__FulfilmentMethod method)
{
	return demand->location[0] == '\0' && demand->method == method;
}

/* What the lines of this method want of each SKU: *wanted by the SKU's number. */
static size_t list_needs(struct sourcing *sourcing, struct run *run,
	Stockbook__V1__FulfilmentMethod method, struct cover *cover, const struct demand ***examples)
{
	size_t most = sourcing->sku_index.count;
	size_t *place = arena_alloc_array(run->arena, most, sizeof(*place)); /* + 1 */
	cover->needs = arena_alloc_array(run->arena, most, sizeof(*cover->needs));
	*examples = arena_alloc_array(run->arena, most, sizeof(**examples));
	size_t count = 0;
	for (size_t i = 0; i < sourcing->count; i++) {
		const struct demand *demand = &sourcing->demands[i];
		if (!is_sourced(demand, method))
			continue;
		size_t number = text_index_add(&sourcing->sku_index, demand->sku, NULL);
		if (place[number] == 0) {
			(*examples)[count] = demand;
			place[number] = ++count;
		}
		cover->needs[place[number] - 1] += demand->quantity - demand->granted;
	}
	return count;
}

/* As few of the able sources as can serve what all of them can, in the same order. */
static enum verdict choose_fewest(struct sourcing *sourcing, struct run *run,
	Stockbook__V1__FulfilmentMethod method)
{
	struct sources *sources = &sourcing->sources[method];
	struct cover cover = {.column_count = sources->able_count};
	const struct demand **examples;
	cover.row_count = list_needs(sourcing, run, method, &cover, &examples);
	cover.offers =
		arena_alloc_array(run->arena, cover.row_count * cover.column_count, sizeof(*cover.offers));
	bool need = false;
	for (size_t row = 0; row < cover.row_count; row++)
		for (size_t i = 0; i < sources->able_count; i++) {
			struct sourcing_cell *cell;
			enum verdict verdict =
				look_at(sourcing, run, examples[row], sources_able(sources, i), &cell);
			if (verdict == VERDICT_REFUSED)
				return verdict;
			need = need || verdict == VERDICT_NEED;
			if (verdict == VERDICT_DONE && cell && cell->left > 0)
				cover.offers[i * cover.row_count + row] = cell->left;
		}
	if (need)
		return VERDICT_NEED;
	sources->chosen = arena_alloc_array(run->arena, sources->able_count, sizeof(*sources->chosen));
	sources->chosen_count = cover_choose(run->arena, &cover, sources->chosen);
	return VERDICT_DONE;
}

static enum verdict candidates_chosen(struct sourcing *sourcing, struct run *run,
	const struct demand *demand, struct candidates *candidates)
{
	struct sources *sources = &sourcing->sources[demand->method];
	for (size_t i = 0; i < sources->chosen_count; i++) {
		struct sourcing_cell *cell;
		enum verdict verdict =
			look_at(sourcing, run, demand, sources_able(sources, sources->chosen[i]), &cell);
		if (verdict != VERDICT_DONE)
			return verdict;
		if (cell && cell->left > 0)
			candidates_add(candidates, run, (size_t)(cell - sourcing->cells), cell->left);
	}
	return VERDICT_DONE;
}

/* ---- A sourced line ---- */

/* All that there are can be looked at. */
static bool sees_all(const struct sourcing *sourcing, Stockbook__V1__FulfilmentMethod method)
{
	const struct sources *sources = &sourcing->sources[method];
	if (sources->strategy != STRATEGY(MOST_STOCK) && sources->strategy != STRATEGY(FEWEST_PARCELS))
		return false;
	return sourcing->sku_index.count * sources->able_count < CELLS_MAX / 2;
}

/* What is fetched lies at one place: the first that has all of it, or the one that has most. */
static void leave_one(struct candidates *candidates, int64_t quantity)
{
	size_t best = 0;
	for (size_t i = 0; i < candidates->count; i++) {
		if (candidates->available[i] >= quantity) {
			best = i;
			break;
		}
		if (candidates->available[i] > candidates->available[best])
			best = i;
	}
	if (candidates->count == 0)
		return;
	candidates->cells[0] = candidates->cells[best];
	candidates->available[0] = candidates->available[best];
	candidates->count = 1;
}

/* The source where the line is fetched; NULL where the channel's group does not have it. */
static struct source *fetched_from(struct sources *sources, const char *location)
{
	/* Most lines of a call are fetched at one place. */
	if (sources->fetched < sources->count &&
		strcmp(sources->items[sources->fetched].code, location) == 0)
		return &sources->items[sources->fetched];
	for (size_t i = 0; i < sources->count; i++)
		if (strcmp(sources->items[i].code, location) == 0) {
			sources->fetched = i;
			return &sources->items[i];
		}
	return NULL;
}

/* What lies where it is to be fetched needs no way there. */
static enum verdict plan_at_pickup(struct sourcing *sourcing, struct run *run,
	struct demand *demand)
{
	struct source *source =
		fetched_from(&sourcing->sources[demand->method], demand->pickup_location);
	if (!source)
		return VERDICT_DONE;
	enum verdict judged = source_judge(run, source, demand->method);
	struct sourcing_cell *cell = sourcing_cell(sourcing, run, demand->sku, source->code);
	enum verdict loaded = sourcing_cell_load(sourcing, run, cell);
	if (judged == VERDICT_NEED || loaded == VERDICT_NEED)
		return VERDICT_NEED;
	if (source->verdict != PASSED(UNSPECIFIED) && source->verdict != PASSED(WRONG_METHOD))
		return VERDICT_DONE;
	int64_t share = cell->left < demand->quantity ? cell->left : demand->quantity;
	if (share > 0)
		grant(sourcing, run, demand, (size_t)(cell - sourcing->cells), share);
	return VERDICT_DONE;
}

static enum verdict plan_sourced(struct sourcing *sourcing, struct run *run, struct demand *demand)
{
	enum verdict verdict = VERDICT_DONE;
	if (demand->pickup_location[0])
		verdict = plan_at_pickup(sourcing, run, demand);
	bool whole = demand->method == METHOD(PICKUP);
	bool all = sees_all(sourcing, demand->method);
	struct sources *sources = &sourcing->sources[demand->method];
	struct candidates candidates = {0};
	enum verdict found;
	if (all && sources->strategy == STRATEGY(FEWEST_PARCELS) && !whole)
		found = candidates_chosen(sourcing, run, demand, &candidates);
	else if (all && sources->strategy == STRATEGY(MOST_STOCK))
		found = candidates_all(sourcing, run, demand, &candidates);
	else
		found = candidates_in_order(sourcing, run, demand, whole, &candidates);
	if (verdict != VERDICT_DONE || found != VERDICT_DONE)
		return found == VERDICT_REFUSED ? found : VERDICT_NEED;
	if (all && sources->strategy == STRATEGY(MOST_STOCK))
		sort_by_stock(run, &candidates);
	int64_t wanted = demand->quantity - demand->granted;
	if (whole)
		leave_one(&candidates, wanted);
	int64_t *shares = arena_alloc_array(run->arena, candidates.count, sizeof(*shares));
	/* Of few parcels, one that has the whole line is the better. */
	int64_t remainder = source_split(candidates.available, candidates.count, wanted,
		sources->strategy == STRATEGY(FEWEST_PARCELS), shares);
	for (size_t i = 0; i < candidates.count; i++)
		if (shares[i] > 0)
			grant(sourcing, run, demand, candidates.cells[i], shares[i]);
	if (remainder > 0)
		sourcing->skus[text_index_add(&sourcing->sku_index, demand->sku, NULL)].is_short = true;
	return VERDICT_DONE;
}

/* ---- What is picked up together ---- */

/* Whether the source has all of it; asks for what is missing, and for the sources after it. */
static enum verdict has_all(struct sourcing *sourcing, struct run *run, const struct cover *cover,
	const struct demand *const *examples, size_t able, bool *all)
{
	struct sources *sources = &sourcing->sources[METHOD(PICKUP)];
	*all = true;
	bool need = false;
	for (size_t row = 0; row < cover->row_count; row++) {
		struct sourcing_cell *cell;
		enum verdict verdict =
			look_at(sourcing, run, examples[row], sources_able(sources, able), &cell);
		if (verdict == VERDICT_REFUSED)
			return verdict;
		if (verdict == VERDICT_NEED) {
			need = true;
			ask_ahead(sourcing, run, examples[row], able);
		} else if (!cell || cell->left < cover->needs[row]) {
			*all = false;
		}
	}
	return need ? VERDICT_NEED : VERDICT_DONE;
}

static void grant_all(struct sourcing *sourcing, struct run *run, const char *location)
{
	for (size_t i = 0; i < sourcing->count; i++) {
		struct demand *demand = &sourcing->demands[i];
		if (!is_sourced(demand, METHOD(PICKUP)))
			continue;
		struct sourcing_cell *cell = sourcing_cell(sourcing, run, demand->sku, location);
		grant(sourcing, run, demand, (size_t)(cell - sourcing->cells), demand->quantity);
	}
}

/* A customer goes to one place rather than to several: the first that has all of her lines, where
 * there is one. Otherwise each line is looked for by itself. */
static enum verdict plan_one_pickup(struct sourcing *sourcing, struct run *run)
{
	struct sources *sources = &sourcing->sources[METHOD(PICKUP)];
	size_t lines = 0;
	for (size_t i = 0; i < sourcing->count; i++)
		lines += is_sourced(&sourcing->demands[i], METHOD(PICKUP));
	if (lines < 2 || !sources->known ||
		sourcing->sku_index.count * sources->able_count >= CELLS_MAX / 2)
		return VERDICT_DONE;
	struct cover cover = {0};
	const struct demand **examples;
	cover.row_count = list_needs(sourcing, run, METHOD(PICKUP), &cover, &examples);
	for (size_t i = 0; i < sources->able_count; i++) {
		bool all;
		enum verdict verdict = has_all(sourcing, run, &cover, examples, i, &all);
		if (verdict != VERDICT_DONE)
			return verdict;
		if (!all)
			continue;
		grant_all(sourcing, run, sources_able(sources, i)->code);
		break;
	}
	return VERDICT_DONE;
}

/* ---- The plan ---- */

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

/* The sources of each method that a line is sourced by. */
static enum verdict find_sources(struct sourcing *sourcing, struct run *run)
{
	enum verdict verdict = VERDICT_DONE;
	const struct text_list excluded = {sourcing->excluded, sourcing->excluded_count};
	size_t left = sourcing->sourced_count;
	for (size_t i = 0; i < sourcing->count && left > 0; i++) {
		const struct demand *demand = &sourcing->demands[i];
		if (demand->location[0])
			continue;
		left--;
		struct sources *sources = &sourcing->sources[demand->method];
		if (sources->known || sources->asked)
			continue;
		sources->asked = true;
		enum verdict found = sources_find(run, sourcing->channel, sourcing->options, &excluded,
			demand->method, arena_printf(run->arena, "lines[%d].location", demand->line), sources);
		if (found == VERDICT_REFUSED)
			return found;
		if (found == VERDICT_NEED)
			verdict = found;
	}
	return verdict;
}

static enum verdict plan_all(struct sourcing *sourcing, struct run *run, bool sourced)
{
	bool need = false;
	for (size_t i = 0; i < sourcing->count; i++) {
		struct demand *demand = &sourcing->demands[i];
		if ((demand->location[0] == '\0') != sourced || demand->granted == demand->quantity)
			continue;
		enum verdict verdict =
			sourced ? plan_sourced(sourcing, run, demand) : plan_named(sourcing, run, demand);
		if (verdict == VERDICT_REFUSED)
			return verdict;
		need = need || verdict == VERDICT_NEED;
	}
	return need ? VERDICT_NEED : VERDICT_DONE;
}

/* Over all lines of a method together, before the first of them is served. */
static enum verdict plan_parcels(struct sourcing *sourcing, struct run *run)
{
	bool need = false;
	for (int method = 0; method < SOURCE_METHODS; method++) {
		struct sources *sources = &sourcing->sources[method];
		if (!sources->known || sources->strategy != STRATEGY(FEWEST_PARCELS) ||
			method == METHOD(PICKUP) ||
			!sees_all(sourcing, (Stockbook__V1__FulfilmentMethod)method))
			continue;
		enum verdict verdict =
			choose_fewest(sourcing, run, (Stockbook__V1__FulfilmentMethod)method);
		if (verdict == VERDICT_REFUSED)
			return verdict;
		need = need || verdict == VERDICT_NEED;
	}
	return need ? VERDICT_NEED : VERDICT_DONE;
}

static void tell_short(struct sourcing *sourcing)
{
	for (size_t i = 0; i < sourcing->count; i++)
		if (sourcing->demands[i].granted < sourcing->demands[i].quantity)
			sourcing->short_count++;
	for (size_t i = 0; i < sourcing->cell_count; i++) {
		struct sourcing_cell *cell = &sourcing->cells[i];
		cell->wanted = cell->loaded && cell->terms.stock && cell->terms.stock->reserved > 0 &&
					   (cell->is_short || sourcing->skus[cell->sku_number].is_short);
	}
}

/* Who names a location has no choice and takes first. */
enum verdict sourcing_plan(struct sourcing *sourcing, struct run *run)
{
	/* Numbered before anything is counted by their number. */
	for (size_t i = 0; i < sourcing->count; i++)
		text_index_add(&sourcing->sku_index, sourcing->demands[i].sku, NULL);
	plan_clear(sourcing);
	enum verdict found = find_sources(sourcing, run);
	if (found == VERDICT_REFUSED)
		return found;
	enum verdict named = plan_all(sourcing, run, false);
	if (named == VERDICT_REFUSED || found == VERDICT_NEED)
		return named == VERDICT_REFUSED ? named : found;
	enum verdict parcels = plan_parcels(sourcing, run);
	if (parcels == VERDICT_DONE)
		parcels = plan_one_pickup(sourcing, run);
	enum verdict sourced = parcels == VERDICT_DONE ? plan_all(sourcing, run, true) : parcels;
	if (named != VERDICT_DONE || sourced != VERDICT_DONE)
		return sourced == VERDICT_REFUSED ? sourced : VERDICT_NEED;
	tell_short(sourcing);
	return VERDICT_DONE;
}
