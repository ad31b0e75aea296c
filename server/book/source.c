/* Sources: a group's members judged one by one, then sorted. Nothing is locked here. */
#include "book/source.h"

#include <math.h>
#include <string.h>

#include "book/great_circle.h"
#include "book/ship_day.h"

#define METHOD(name) STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_##name
#define STRATEGY(name) STOCKBOOK__V1__SOURCING_STRATEGY__SOURCING_STRATEGY_##name
#define PASSED(name) STOCKBOOK__V1__SOURCING_VERDICT__SOURCING_VERDICT_##name

enum location_task source_task(Stockbook__V1__FulfilmentMethod method)
{
	switch (method) {
	case METHOD(SHIP):
	case METHOD(SHIP_TO_STORE):
		return LOCATION_SHIP;
	case METHOD(PICKUP):
		return LOCATION_PICKUP;
	case METHOD(CARRY_OUT):
		return LOCATION_TILL;
	case METHOD(UNSPECIFIED):
		return LOCATION_SELL;
	}
	CHECK(!"a method is one of the above");
	return LOCATION_SELL;
}

Stockbook__V1__SourcingStrategy sourcing_strategy(const struct channel_row *channel,
	const Stockbook__V1__SourcingOptions *options)
{
	if (options && options->strategy != STRATEGY(UNSPECIFIED))
		return options->strategy;
	if (channel && channel->strategy != STRATEGY(UNSPECIFIED))
		return (Stockbook__V1__SourcingStrategy)channel->strategy;
	return STRATEGY(PREFERENCE);
}

bool source_is_excluded(const struct channel_row *channel, const char *location,
	Stockbook__V1__FulfilmentMethod method)
{
	if (!channel)
		return false;
	for (size_t i = 0; i < channel->excluded_location.count; i++)
		if ((channel->excluded_method.items[i] == METHOD(UNSPECIFIED) ||
				channel->excluded_method.items[i] == (int64_t)method) &&
			strcmp(channel->excluded_location.items[i], location) == 0)
			return true;
	return false;
}

/* ---- Who may not ---- */

static bool text_index_has(struct text_index *index, const char *text)
{
	bool added;
	text_index_add(index, text, &added);
	return !added;
}

/* Marks those whose codes are in the list; each list is made a set once, not searched by each. */
static void pass_over(struct run *run, struct sources *sources, const char *const *codes,
	size_t count, Stockbook__V1__SourcingVerdict verdict)
{
	if (count == 0)
		return;
	struct text_index set;
	text_index_init(&set, run->arena, count + sources->count);
	for (size_t i = 0; i < count; i++)
		text_index_add(&set, codes[i], NULL);
	for (size_t i = 0; i < sources->count; i++)
		/* What is not in it is added; members of a group are there once. */
		if (sources->items[i].verdict == PASSED(UNSPECIFIED) &&
			text_index_has(&set, sources->items[i].code))
			sources->items[i].verdict = verdict;
}

static void pass_over_excluded(struct run *run, struct sources *sources,
	const struct channel_row *channel, const Stockbook__V1__SourcingOptions *options,
	const struct text_list *excluded, Stockbook__V1__FulfilmentMethod method)
{
	size_t count = 0;
	const char **codes =
		arena_alloc_array(run->arena, channel->excluded_location.count, sizeof(*codes));
	for (size_t i = 0; i < channel->excluded_location.count; i++)
		if (channel->excluded_method.items[i] == METHOD(UNSPECIFIED) ||
			channel->excluded_method.items[i] == (int64_t)method)
			codes[count++] = channel->excluded_location.items[i];
	pass_over(run, sources, codes, count, PASSED(NOT_ELIGIBLE));
	if (options)
		pass_over(run, sources, (const char *const *)options->excluded_locations,
			options->n_excluded_locations, PASSED(EXCLUDED));
	if (excluded)
		pass_over(run, sources, excluded->items, excluded->count, PASSED(EXCLUDED));
}

static Stockbook__V1__SourcingVerdict judge(const struct location_row *location,
	enum location_task task)
{
	if (!location || location->disabled)
		return PASSED(DISABLED);
	if ((task == LOCATION_SHIP && !location->ships) ||
		(task == LOCATION_PICKUP && !location->hands_over_pickups))
		return PASSED(WRONG_METHOD);
	return PASSED(UNSPECIFIED);
}

enum verdict source_judge(struct run *run, struct source *source,
	Stockbook__V1__FulfilmentMethod method)
{
	if (source->judged)
		return VERDICT_DONE;
	if (find_location(run, source->code, ACCESS_PEEK, &source->location) == LOOKUP_NEEDED)
		return VERDICT_NEED;
	source->judged = true;
	/* Who is excluded stays so: where the customer fetches it need not ship, but must not be
	 * excluded. */
	if (source->verdict == PASSED(UNSPECIFIED))
		source->verdict = judge(source->location, source_task(method));
	return VERDICT_DONE;
}

enum verdict source_load(struct run *run, struct source *source,
	Stockbook__V1__FulfilmentMethod method)
{
	if (source_judge(run, source, method) == VERDICT_NEED)
		return VERDICT_NEED;
	if (method != METHOD(SHIP) || source->verdict != PASSED(UNSPECIFIED) ||
		source->location->daily_ship_capacity == 0)
		return VERDICT_DONE;
	int64_t parcels;
	if (ship_day_parcels(run, source->location, ACCESS_PEEK, &parcels) == VERDICT_NEED)
		return VERDICT_NEED;
	if (parcels >= source->location->daily_ship_capacity)
		source->verdict = PASSED(NO_CAPACITY);
	return VERDICT_DONE;
}

/* ---- In which order ---- */

/* Small and side by side: two thousand of them are sorted for one call. */
struct ranked {
	double rank;
	size_t index;
};

static int compare_ranks(const void *a, const void *b)
{
	const struct ranked *x = a;
	const struct ranked *y = b;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->index < y->index ? -1 : 1; /* as the group has them */
}

static void sort(struct run *run, struct sources *sources)
{
	struct ranked *order = arena_alloc_array(run->arena, sources->count, sizeof(*order));
	for (size_t i = 0; i < sources->count; i++)
		order[i] = (struct ranked){sources->items[i].rank, i};
	qsort(order, sources->count, sizeof(*order), compare_ranks);
	struct source *sorted = arena_alloc_array(run->arena, sources->count, sizeof(*sorted));
	for (size_t i = 0; i < sources->count; i++)
		sorted[i] = sources->items[order[i].index];
	sources->items = sorted;
}

/* Which share of the day's ship capacity is taken. */
static enum verdict load_of(struct run *run, struct source *source)
{
	int64_t parcels;
	if (!source->location || source->location->daily_ship_capacity == 0)
		return VERDICT_DONE;
	if (ship_day_parcels(run, source->location, ACCESS_PEEK, &parcels) == VERDICT_NEED)
		return VERDICT_NEED;
	source->rank = (double)parcels / (double)source->location->daily_ship_capacity;
	return VERDICT_DONE;
}

void source_measure(struct source *source, const Stockbook__V1__SourcingOptions *options)
{
	const Stockbook__V1__Coordinates *destination = options ? options->destination : NULL;
	if (destination && source->location && source->location->has_coordinates)
		source->distance_km = great_circle_km(source->location->latitude,
			source->location->longitude, destination->latitude, destination->longitude);
}

static void rank_by_distance(struct source *source, const Stockbook__V1__SourcingOptions *options)
{
	source_measure(source, options);
	source->rank =
		source->location && source->location->has_coordinates ? source->distance_km : INFINITY;
}

/* Where the order depends on the locations themselves, all are needed; else each is found when it is
 * looked at, in the same round as its stock. */
static enum verdict rank(struct run *run, struct sources *sources,
	const Stockbook__V1__SourcingOptions *options, Stockbook__V1__FulfilmentMethod method)
{
	bool nearest = sources->strategy == STRATEGY(NEAREST) && options && options->destination;
	bool balanced = sources->strategy == STRATEGY(BALANCED) && method == METHOD(SHIP);
	if (!nearest && !balanced)
		return VERDICT_DONE;
	bool need = false;
	for (size_t i = 0; i < sources->count; i++) {
		struct source *source = &sources->items[i];
		if (source_judge(run, source, method) == VERDICT_NEED)
			need = true;
		else if (nearest)
			rank_by_distance(source, options);
		else
			need = load_of(run, source) == VERDICT_NEED || need;
	}
	if (need)
		return VERDICT_NEED;
	sort(run, sources);
	return VERDICT_DONE;
}

/* ---- Both ---- */

static enum verdict find_group(struct run *run, const struct channel_row *channel,
	const char *field, const struct location_group_row **group)
{
	if (!channel)
		return refuse_field(run, field, "is needed where no channel is named");
	if (channel->location_group[0] == '\0')
		return refuse_field(run, field, "is needed: channel '%s' sources from no location group",
			channel->code);
	return require_group(run, channel->location_group, group);
}

static void list_able(struct run *run, struct sources *sources)
{
	sources->able = arena_alloc_array(run->arena, sources->count, sizeof(*sources->able));
	sources->able_count = 0;
	for (size_t i = 0; i < sources->count; i++)
		if (sources->items[i].verdict == PASSED(UNSPECIFIED))
			sources->able[sources->able_count++] = i;
}

enum verdict sources_find(struct run *run, const struct channel_row *channel,
	const Stockbook__V1__SourcingOptions *options, const struct text_list *excluded,
	Stockbook__V1__FulfilmentMethod method, const char *field, struct sources *sources)
{
	const struct location_group_row *group;
	enum verdict verdict = find_group(run, channel, field, &group);
	if (verdict != VERDICT_DONE)
		return verdict;
	*sources = (struct sources){.strategy = sourcing_strategy(channel, options)};
	sources->count = group->locations.count;
	sources->items = arena_alloc_array(run->arena, sources->count, sizeof(*sources->items));
	for (size_t i = 0; i < sources->count; i++)
		sources->items[i].code = group->locations.items[i];
	pass_over_excluded(run, sources, channel, options, excluded, method);
	if (rank(run, sources, options, method) == VERDICT_NEED)
		return VERDICT_NEED;
	list_able(run, sources);
	sources->known = true;
	return VERDICT_DONE;
}
