/*
 * Where everything is. Without --stores that is one location. A chain is made from a seed: where its
 * stores and warehouses are, what each store has, where the customers live and how they get their
 * goods. The same file, chain and seed are the same everywhere, so a replay can be taken up again.
 */
#include "replay.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#define PICKUP_EVERY 5
/* A store has so many of a hundred items, and of each so much of what the year needs. */
#define STORE_ITEMS_PERCENT 40
#define STORE_UNITS_PERCENT 2
#define STORES_NEAR 3

bool replay_is_chain(const struct replay *replay)
{
	return replay->options->stores > 0;
}

uint64_t replay_dice(const struct replay *replay, const char *what, const char *text)
{
	uint64_t seed = XXH3_64bits_withSeed(what, strlen(what), (uint64_t)replay->options->seed);
	return XXH3_64bits_withSeed(text, strlen(text), seed);
}

/* From 0 to 1. */
static double dice_fraction(const struct replay *replay, const char *what, const char *text)
{
	return (double)(replay_dice(replay, what, text) >> 11) / (double)(1ull << 53);
}

/* Somewhere in Great Britain. */
static void dice_point(const struct replay *replay, const char *text, double *latitude,
	double *longitude)
{
	*latitude = 50.7 + 6.3 * dice_fraction(replay, "latitude", text);
	*longitude = -4.0 + 4.8 * dice_fraction(replay, "longitude", text);
}

void replay_places(struct replay *replay)
{
	const struct replay_options *options = replay->options;
	struct arena *arena = &replay->cli->arena;
	size_t stores = (size_t)options->stores;
	replay->places_count = replay_is_chain(replay) ? stores + (size_t)options->warehouses : 1;
	replay->places = arena_alloc_array(arena, replay->places_count, sizeof(*replay->places));
	for (size_t i = 0; i < replay->places_count; i++) {
		struct replay_place *place = &replay->places[i];
		place->warehouse = i >= stores;
		place->code = !replay_is_chain(replay) ? options->location
					  : place->warehouse
						  ? arena_printf(arena, "%s-W%zu", options->location, i - stores + 1)
						  : arena_printf(arena, "%s-S%02zu", options->location, i + 1);
		dice_point(replay, place->code, &place->latitude, &place->longitude);
	}
}

int64_t replay_store_units(const struct replay *replay, const struct replay_item *item,
	const struct replay_place *store)
{
	char what[128];
	snprintf(what, sizeof(what), "item at %s", store->code);
	if (replay_dice(replay, what, item->code) % 100 >= STORE_ITEMS_PERCENT)
		return 0;
	return (item->file.sold * STORE_UNITS_PERCENT + 99) / 100;
}

/* Who left no name is somebody else with each invoice. */
static const char *customer_of(const struct replay_invoice *invoice)
{
	return *invoice->customer ? invoice->customer : invoice->number;
}

void replay_customer(const struct replay *replay, const struct replay_invoice *invoice,
	double *latitude, double *longitude)
{
	dice_point(replay, customer_of(invoice), latitude, longitude);
}

bool replay_is_picked_up(const struct replay *replay, const struct replay_invoice *invoice)
{
	return replay_is_chain(replay) &&
		   replay_dice(replay, "pickup", invoice->number) % PICKUP_EVERY == 0;
}

/* One of the few that are nearest. On a plane: it only has to be the same store every time. */
uint32_t replay_store_of(const struct replay *replay, const struct replay_invoice *invoice)
{
	uint32_t near[STORES_NEAR];
	double distances[STORES_NEAR];
	size_t count = 0;
	double latitude, longitude;
	replay_customer(replay, invoice, &latitude, &longitude);
	for (uint32_t i = 0; i < (uint32_t)replay->options->stores; i++) {
		const struct replay_place *store = &replay->places[i];
		double distance = hypot(store->latitude - latitude, (store->longitude - longitude) * 0.6);
		size_t at = count;
		for (; at > 0 && distances[at - 1] > distance; at--)
			if (at < STORES_NEAR) {
				near[at] = near[at - 1];
				distances[at] = distances[at - 1];
			}
		if (at < STORES_NEAR) {
			near[at] = i;
			distances[at] = distance;
			count += count < STORES_NEAR;
		}
	}
	CHECK(count > 0); /* only a chain is asked */
	return near[replay_dice(replay, "store", invoice->number) % count];
}

uint32_t replay_place_of(const struct replay *replay, const struct replay_invoice *invoice)
{
	/* Goods come back to stores; a chain has one at least. */
	if (!replay_is_chain(replay))
		return 0;
	return (uint32_t)(replay_dice(replay, "place", invoice->number) %
					  (uint64_t)replay->options->stores);
}

/* Stores are filled as far as it reaches, warehouses have the rest. */
static void spread_item(const struct replay *replay, size_t index, int64_t *sold)
{
	const struct replay_item *item = &replay->items[index];
	int64_t rest = item->file.sold;
	for (size_t i = 0; i < (size_t)replay->options->stores; i++) {
		int64_t units = replay_store_units(replay, item, &replay->places[i]);
		units = units < rest ? units : rest;
		sold[i * replay->items_count + index] = units;
		rest -= units;
	}
	for (size_t i = (size_t)replay->options->stores; i < replay->places_count; i++) {
		bool last = i + 1 == replay->places_count;
		int64_t units = last ? rest
							 : (int64_t)((double)rest *
										 dice_fraction(replay, replay->places[i].code, item->code));
		sold[i * replay->items_count + index] = units;
		rest -= units;
	}
}

void replay_spread(const struct replay *replay, int64_t **sold, int64_t **kept)
{
	size_t cells = replay->places_count * replay->items_count;
	*sold = calloc(cells, sizeof(**sold));
	*kept = calloc(cells, sizeof(**kept));
	CHECK(*sold && *kept);
	if (!replay_is_chain(replay)) {
		for (size_t i = 0; i < replay->items_count; i++)
			(*sold)[i] = replay->items[i].file.received;
		return;
	}
	for (size_t i = 0; i < replay->items_count; i++)
		spread_item(replay, i, *sold);
	for (size_t i = 0; i < replay->lines_count; i++) {
		const struct replay_line *line = &replay->lines[i];
		if (line->kind != LINE_WRITE_OFF)
			continue;
		uint32_t place = replay_place_of(replay, &replay->invoices[line->invoice]);
		(*kept)[place * replay->items_count + line->item] += line->quantity;
	}
}

static int compare_items(const void *a, const void *b)
{
	return strcmp((*(struct replay_item *const *)a)->code, (*(struct replay_item *const *)b)->code);
}

struct replay_item *replay_item_of(struct replay *replay, const char *code)
{
	if (!replay->sorted) {
		replay->sorted = arena_alloc_array(&replay->cli->arena, replay->items_count,
			sizeof(struct replay_item *));
		for (size_t i = 0; i < replay->items_count; i++)
			replay->sorted[i] = &replay->items[i];
		qsort(replay->sorted, replay->items_count, sizeof(struct replay_item *), compare_items);
	}
	struct replay_item wanted = {.code = code};
	struct replay_item *key = &wanted;
	struct replay_item **found = bsearch(&key, replay->sorted, replay->items_count,
		sizeof(struct replay_item *), compare_items);
	return found ? *found : NULL;
}

uint32_t replay_place_at(const struct replay *replay, const char *code)
{
	for (uint32_t i = 0; i < replay->places_count; i++)
		if (strcmp(replay->places[i].code, code) == 0)
			return i;
	return NONE;
}
