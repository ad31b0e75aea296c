/* Why a candidate serves a line or does not: read off the plan, nothing is decided here. */
#include <string.h>

#include "book/sourcing_plan.h"

#define PASSED(name) STOCKBOOK__V1__SOURCING_VERDICT__SOURCING_VERDICT_##name
#define CANDIDATES_MAX 1000

struct explaining {
	struct sourcing *sourcing;
	struct run *run;
	Stockbook__V1__SourcingExplanation *explanation;
	bool need;
};

static int64_t granted_at(const struct demand *demand, const char *location)
{
	int64_t sum = 0;
	for (size_t i = 0; i < demand->grant_count; i++)
		if (strcmp(demand->grants[i].location, location) == 0)
			sum += demand->grants[i].quantity;
	return sum;
}

static bool is_full(const struct explaining *explaining)
{
	return explaining->explanation->n_candidates == CANDIDATES_MAX;
}

/* The verdict of a location that may serve, by what it has. */
static Stockbook__V1__SourcingVerdict verdict_by_stock(const struct demand *demand,
	const struct sourcing_cell *cell, int64_t *could_give)
{
	int64_t offered = cell->left + cell->taken;
	*could_give = offered > 0 ? offered : 0;
	if (offered <= 0)
		return cell->terms.available > 0 ? PASSED(KEPT_BACK) : PASSED(NO_STOCK);
	if (cell->left > 0 || demand->granted == demand->quantity)
		return PASSED(NOT_NEEDED);
	/* Other lines of the call took all of it. */
	*could_give = 0;
	return PASSED(NO_STOCK);
}

static void add(struct explaining *explaining, const struct demand *demand, const char *location,
	Stockbook__V1__SourcingVerdict verdict, double distance_km)
{
	struct arena *arena = explaining->run->arena;
	int64_t could_give = 0;
	int64_t granted = granted_at(demand, location);
	if (granted > 0 || verdict == PASSED(UNSPECIFIED)) {
		struct sourcing_cell *cell =
			sourcing_cell(explaining->sourcing, explaining->run, demand->sku, location);
		if (sourcing_cell_load(explaining->sourcing, explaining->run, cell) == VERDICT_NEED) {
			explaining->need = true;
			return;
		}
		Stockbook__V1__SourcingVerdict by_stock = verdict_by_stock(demand, cell, &could_give);
		verdict = granted > 0 ? PASSED(CHOSEN) : by_stock;
		if (granted > 0)
			could_give = cell->left + cell->taken;
	}
	Stockbook__V1__SourcingCandidate *candidate = arena_alloc(arena, sizeof(*candidate));
	stockbook__v1__sourcing_candidate__init(candidate);
	candidate->line = demand->line;
	candidate->location = arena_string(arena, location);
	candidate->verdict = verdict;
	candidate->quantity = granted;
	candidate->available_to_sell = could_give;
	candidate->distance_km = distance_km;
	explaining->explanation->candidates[explaining->explanation->n_candidates++] = candidate;
}

static void explain_demand(struct explaining *explaining, const struct demand *demand)
{
	if (demand->location[0]) {
		if (is_full(explaining))
			explaining->explanation->omitted++;
		else
			add(explaining, demand, demand->location, PASSED(UNSPECIFIED), 0);
		return;
	}
	struct sources *sources = &explaining->sourcing->sources[demand->method];
	const size_t *order = sources_in_order(explaining->run, sources);
	for (size_t i = 0; i < sources->count; i++) {
		struct source *source = &sources->items[order[i]];
		if (is_full(explaining)) {
			explaining->explanation->omitted += (int32_t)(sources->count - i);
			return;
		}
		if (source_load(explaining->run, source, demand->method) == VERDICT_NEED) {
			explaining->need = true;
			continue;
		}
		source_measure(source, explaining->sourcing->options);
		add(explaining, demand, source->code, source->verdict, source->distance_km);
	}
}

enum verdict sourcing_explain_more(struct sourcing *sourcing, struct run *run,
	Stockbook__V1__SourcingExplanation *explanation)
{
	struct explaining explaining = {sourcing, run, explanation, false};
	if (!explanation->candidates)
		explanation->candidates = arena_alloc_array(run->arena, CANDIDATES_MAX, sizeof(void *));
	for (size_t i = 0; i < sourcing->count; i++)
		explain_demand(&explaining, &sourcing->demands[i]);
	return explaining.need ? VERDICT_NEED : VERDICT_DONE;
}

enum verdict sourcing_explain(struct sourcing *sourcing, struct run *run,
	Stockbook__V1__SourcingExplanation **explanation)
{
	*explanation = arena_alloc(run->arena, sizeof(**explanation));
	stockbook__v1__sourcing_explanation__init(*explanation);
	return sourcing_explain_more(sourcing, run, *explanation);
}
