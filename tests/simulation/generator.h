/*
 * Generators: random requests of every kind, over a universe so small that they clash: one row of
 * a table for each operation. A noun's generators stand in a file of their own, <noun>_generators.c,
 * which generator.c lists.
 *
 * All of them are made from the world's seed: the same seed makes the same requests of the same
 * book.
 */
#ifndef STOCKBOOK_TESTS_SIMULATION_GENERATOR_H
#define STOCKBOOK_TESTS_SIMULATION_GENERATOR_H

#include "book/operations.h"

struct world;

struct generator {
	const char *operation; /* "ReservationService/Reserve" */
	unsigned weight;       /* how often, against the others' weights */
	/* A request in world_arena(), its request_id left out: it is filled in by whoever sends it.
	 * NULL when there is nothing to ask it of yet. */
	void *(*make)(struct world *world);
};

extern const struct generator stock_generators[]; /* and those of items, locations, channels */
extern const struct generator ledger_generators[];
extern const struct generator reservation_generators[];
extern const struct generator order_generators[];
extern const struct generator return_generators[];
extern const struct generator fulfilment_generators[]; /* pickups and shipments */
extern const struct generator transfer_generators[];   /* and work */

/* All of them, one after the other; NULL past the last. */
const struct generator *generator_at(size_t index);

/* ---- For generators ---- */

/* Lives as long as the batch that the request is in. */
struct arena *world_arena(struct world *world);
int64_t world_now_us(struct world *world);
/* 0 to below - 1. */
uint64_t world_random(struct world *world, uint64_t below);
/* True in `percent` of the cases. */
bool world_chance(struct world *world, unsigned percent);
/* 1 to `most`, small ones more often. */
int64_t world_quantity(struct world *world, int64_t most);
/* Codes of the universe, copied into world_arena(). Nearly always of something that exists;
 * world_sku() is an alias now and then. */
char *world_sku(struct world *world);
char *world_location(struct world *world);
char *world_channel(struct world *world);
/* Any row of the table as last committed; NULL when there is none. The later ones, by their keys,
 * more often: documents that are still being worked on. */
const void *world_row(struct world *world, const struct table *table);
/* Copies text into world_arena(); a UUID as text. */
char *world_text(struct world *world, const char *text);
char *world_id(struct world *world, const struct uuid *id);

#endif
