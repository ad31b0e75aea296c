/* Sources: a group's members, judged, and put in order as far as they are asked for. Nothing is locked
 * here. */
#include "book/source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "book/great_circle.h"
#include "book/ship_day.h"

#define METHOD(name) STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_##name
#define STRATEGY(name) STOCKBOOK__V1__SOURCING_STRATEGY__SOURCING_STRATEGY_##name
#define PASSED(name) STOCKBOOK__V1__SOURCING_VERDICT__SOURCING_VERDICT_##name
/* How many are put in order at first; then eight times as many. */
#define FIRST_ORDERED 32

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

static Stockbook__V1__SourcingVerdict judge(bool disabled, bool ships, bool hands_over_pickups,
	enum location_task task)
{
	if (disabled)
		return PASSED(DISABLED);
	if ((task == LOCATION_SHIP && !ships) || (task == LOCATION_PICKUP && !hands_over_pickups))
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
	const struct location_row *location = source->location;
	/* Who is excluded stays so: where the customer fetches it need not ship, but must not be
	 * excluded. */
	if (source->verdict == PASSED(UNSPECIFIED))
		source->verdict = location ? judge(location->disabled, location->ships,
										 location->hands_over_pickups, source_task(method))
								   : PASSED(DISABLED);
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

/* Small and side by side: of two thousand the first few are picked for one call. */
struct ranked {
	double rank; /* the smaller, the sooner */
	size_t index;
};

static bool is_before(const struct ranked *a, const struct ranked *b)
{
	/* Among equals as the group has them. */
	return a->rank != b->rank ? a->rank < b->rank : a->index < b->index;
}

/* The last of them on top. */
static void heap_sink(struct ranked *heap, size_t count, struct ranked sinking)
{
	size_t at = 0;
	for (size_t child = 1; child < count; child = 2 * at + 1) {
		if (child + 1 < count && is_before(&heap[child], &heap[child + 1]))
			child++;
		if (!is_before(&sinking, &heap[child]))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = sinking;
}

static void heap_add(struct ranked *heap, size_t count, struct ranked rising)
{
	size_t at = count;
	for (; at > 0 && is_before(&heap[(at - 1) / 2], &rising); at = (at - 1) / 2)
		heap[at] = heap[(at - 1) / 2];
	heap[at] = rising;
}

static int compare_ranked(const void *a, const void *b)
{
	return is_before(a, b) ? -1 : 1;
}

/* The first `most` after `last` of those that may serve, in their order. They are gathered in a heap;
 * that the others are not among them is mostly told by one glance at its top. */
static size_t pick_next(const struct sources *sources, const struct ranked *last,
	struct ranked *picked, size_t most)
{
	size_t count = 0;
	for (size_t i = 0; i < sources->count; i++) {
		const struct ranked one = {sources->ranks[i], i};
		if (count == most && one.rank >= picked[0].rank)
			continue; /* who is just as near came before it */
		if (!sources->items[i].able || (last && !is_before(last, &one)))
			continue;
		if (count < most)
			heap_add(picked, count++, one);
		else
			heap_sink(picked, count, one);
	}
	qsort(picked, count, sizeof(*picked), compare_ranked);
	return count;
}

static void order_more(struct sources *sources)
{
	size_t left = sources->able_count - sources->ordered;
	size_t most = sources->ordered == 0 ? FIRST_ORDERED : sources->ordered * 7;
	if (most > left)
		most = left;
	struct ranked *picked = arena_alloc_array(sources->arena, most, sizeof(*picked));
	struct ranked last;
	if (sources->ordered > 0) {
		last.index = sources->able[sources->ordered - 1];
		last.rank = sources->ranks[last.index];
	}
	size_t count = pick_next(sources, sources->ordered > 0 ? &last : NULL, picked, most);
	CHECK(count == most);
	size_t *able = arena_alloc_array(sources->arena, sources->ordered + count, sizeof(*able));
	if (sources->ordered > 0)
		memcpy(able, sources->able, sources->ordered * sizeof(*able));
	for (size_t i = 0; i < count; i++)
		able[sources->ordered++] = picked[i].index;
	sources->able = able;
}

/* Those that may serve. With ranks they are put in order as they are asked for: mostly a call asks
 * for the first few alone. */
static void list_able(struct run *run, struct sources *sources)
{
	sources->arena = run->arena;
	if (!sources->ranks)
		sources->able = arena_alloc_array(run->arena, sources->count, sizeof(*sources->able));
	for (size_t i = 0; i < sources->count; i++) {
		if (sources->items[i].verdict != PASSED(UNSPECIFIED))
			continue;
		sources->items[i].able = true;
		sources->able_count++;
		if (!sources->ranks)
			sources->able[sources->ordered++] = i;
	}
}

struct source *sources_able(struct sources *sources, size_t number)
{
	CHECK(number < sources->able_count);
	while (sources->ordered <= number)
		order_more(sources);
	return &sources->items[sources->able[number]];
}

const size_t *sources_in_order(struct run *run, const struct sources *sources)
{
	struct ranked *ranked = arena_alloc_array(run->arena, sources->count, sizeof(*ranked));
	for (size_t i = 0; i < sources->count; i++)
		ranked[i] = (struct ranked){sources->ranks ? sources->ranks[i] : 0, i};
	if (sources->ranks)
		qsort(ranked, sources->count, sizeof(*ranked), compare_ranked);
	size_t *order = arena_alloc_array(run->arena, sources->count, sizeof(*order));
	for (size_t i = 0; i < sources->count; i++)
		order[i] = ranked[i].index;
	return order;
}

void source_measure(struct source *source, const Stockbook__V1__SourcingOptions *options)
{
	const Stockbook__V1__Coordinates *destination = options ? options->destination : NULL;
	if (destination && source->location && source->location->has_coordinates)
		source->distance_km = great_circle_km(source->location->latitude,
			source->location->longitude, destination->latitude, destination->longitude);
}

/* ---- NEAREST ---- */

/* The group's members, looked at one by one. */
static enum verdict draw_atlas(struct run *run, struct sources *sources,
	Stockbook__V1__FulfilmentMethod method, struct atlas *atlas)
{
	struct atlas_member *members = arena_alloc_array(run->arena, sources->count, sizeof(*members));
	bool need = false;
	for (size_t i = 0; i < sources->count; i++) {
		struct source *source = &sources->items[i];
		need = source_judge(run, source, method) == VERDICT_NEED || need;
		if (source->location)
			members[i] = atlas_member_of(source->location);
	}
	*atlas = (struct atlas){members, sources->count};
	return need ? VERDICT_NEED : VERDICT_DONE;
}

/* A group that this batch changes is not the one that is remembered. */
static bool recall_atlas(struct run *run, const struct location_group_row *group,
	struct atlas *atlas)
{
	return run->atlas && !group->row.changed && !group->row.inserted &&
		   run->atlas(run->atlas_data, group, atlas);
}

static void judge_by_atlas(struct sources *sources, const struct atlas *atlas,
	enum location_task task)
{
	for (size_t i = 0; i < sources->count; i++) {
		const struct atlas_member *member = &atlas->members[i];
		if (sources->items[i].verdict == PASSED(UNSPECIFIED))
			sources->items[i].verdict =
				judge(member->disabled, member->ships, member->hands_over_pickups, task);
	}
}

static enum verdict rank_by_distance(struct run *run, struct sources *sources,
	const struct location_group_row *group, const Stockbook__V1__Coordinates *destination,
	Stockbook__V1__FulfilmentMethod method)
{
	struct atlas atlas;
	if (recall_atlas(run, group, &atlas))
		judge_by_atlas(sources, &atlas, source_task(method));
	else if (draw_atlas(run, sources, method, &atlas) == VERDICT_NEED)
		return VERDICT_NEED;
	CHECK(atlas.count == sources->count);
	const struct globe_point to = globe_point(destination->latitude, destination->longitude);
	for (size_t i = 0; i < sources->count; i++)
		sources->ranks[i] = atlas.members[i].has_coordinates
								? globe_chord_squared(&atlas.members[i].at, &to)
								: INFINITY;
	return VERDICT_DONE;
}

/* ---- BALANCED ---- */

/* Which share of the day's ship capacity is taken. */
static enum verdict load_of(struct run *run, const struct source *source, double *share)
{
	int64_t parcels;
	if (!source->location || source->location->daily_ship_capacity == 0)
		return VERDICT_DONE;
	if (ship_day_parcels(run, source->location, ACCESS_PEEK, &parcels) == VERDICT_NEED)
		return VERDICT_NEED;
	*share = (double)parcels / (double)source->location->daily_ship_capacity;
	return VERDICT_DONE;
}

static enum verdict rank_by_load(struct run *run, struct sources *sources,
	Stockbook__V1__FulfilmentMethod method)
{
	bool need = false;
	for (size_t i = 0; i < sources->count; i++) {
		struct source *source = &sources->items[i];
		if (source_judge(run, source, method) == VERDICT_NEED ||
			load_of(run, source, &sources->ranks[i]) == VERDICT_NEED)
			need = true;
	}
	return need ? VERDICT_NEED : VERDICT_DONE;
}

/* Where the order depends on the locations themselves, all are needed; else each is found when it is
 * looked at, in the same round as its stock. */
static enum verdict rank(struct run *run, struct sources *sources,
	const struct location_group_row *group, const Stockbook__V1__SourcingOptions *options,
	Stockbook__V1__FulfilmentMethod method)
{
	bool nearest = sources->strategy == STRATEGY(NEAREST) && options && options->destination;
	bool balanced = sources->strategy == STRATEGY(BALANCED) && method == METHOD(SHIP);
	if (!nearest && !balanced)
		return VERDICT_DONE;
	sources->ranks = arena_alloc_array(run->arena, sources->count, sizeof(*sources->ranks));
	return nearest ? rank_by_distance(run, sources, group, options->destination, method)
				   : rank_by_load(run, sources, method);
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
	if (rank(run, sources, group, options, method) == VERDICT_NEED)
		return VERDICT_NEED;
	list_able(run, sources);
	sources->known = true;
	return VERDICT_DONE;
}
