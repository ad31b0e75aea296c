/* World: the small universe that the generators draw from, and their chance. */
#ifndef STOCKBOOK_TESTS_SIMULATION_WORLD_H
#define STOCKBOOK_TESTS_SIMULATION_WORLD_H

#include "simulation/generator.h"
#include "simulation/memory_store.h"

#define WORLD_SKUS 6
#define WORLD_LOCATIONS 5
#define WORLD_CHANNELS 2

struct world {
	const struct memory_store *store; /* what there is, for world_row() */
	struct arena *arena;              /* of the batch that is being made */
	uint64_t random;
	int64_t now_us;
};

/* The calls that make the universe, one after the other; NULL past the last. */
void *world_founding_request(struct world *world, size_t index, const char **operation);

/* A UUID out of the world's chance. */
struct uuid world_uuid(struct world *world);
/* Fills in the request_id of a request that has one. */
void world_set_request_id(struct world *world, void *request, const struct uuid *id);
/* A generator by weight. */
const struct generator *world_generator(struct world *world);

extern const struct actor world_admin;
/* Mostly the admin; now and then a store's assistant, bound to a location or two. */
const struct actor *world_actor(struct world *world);

#endif
