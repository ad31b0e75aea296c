/* The list of all generators, and the world they draw from. */
#include "simulation/generator.h"

#include <string.h>

#include "simulation/world.h"
#include "stockbook/v1/channel.pb-c.h"
#include "stockbook/v1/item.pb-c.h"
#include "stockbook/v1/location.pb-c.h"
#include "stockbook/v1/token.pb-c.h"

/* clang-format off */
static const struct generator *const nouns[] = {
	stock_generators,
	ledger_generators,
	reservation_generators,
	order_generators,
	return_generators,
	fulfilment_generators,
	transfer_generators,
};
/* clang-format on */

static const char *const skus[WORLD_SKUS] = {"S1", "S2", "S3", "S4", "S5", "S6"};
static const char *const locations[WORLD_LOCATIONS] = {"L1", "L2", "L3", "L4", "L5"};
static const char *const channels[WORLD_CHANNELS] = {"web", "till"};

const struct actor world_admin = {.name = "admin", .role = STOCKBOOK__V1__ROLE__ROLE_ADMIN};
static const char *const bound_to[] = {"L1", "L2"};
static const struct actor assistant = {
	.name = "assistant",
	.role = STOCKBOOK__V1__ROLE__ROLE_STORE,
	.bound = true,
	.locations = {bound_to, ARRAY_COUNT(bound_to)},
};

const struct generator *generator_at(size_t index)
{
	for (size_t i = 0; i < ARRAY_COUNT(nouns); i++)
		for (const struct generator *generator = nouns[i]; generator->operation; generator++)
			if (index-- == 0)
				return generator;
	return NULL;
}

/* ---- Chance ---- */

static uint64_t next_random(struct world *world)
{
	uint64_t z = world->random += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t world_random(struct world *world, uint64_t below)
{
	CHECK(below > 0);
	return next_random(world) % below;
}

bool world_chance(struct world *world, unsigned percent)
{
	return world_random(world, 100) < percent;
}

int64_t world_quantity(struct world *world, int64_t most)
{
	int64_t bound = world_chance(world, 70) && most > 4 ? most / 4 : most;
	return 1 + (int64_t)world_random(world, (uint64_t)bound);
}

struct uuid world_uuid(struct world *world)
{
	struct uuid uuid;
	for (size_t i = 0; i < sizeof(uuid.bytes); i += 8) {
		uint64_t random = next_random(world);
		memcpy(uuid.bytes + i, &random, 8);
	}
	return uuid;
}

const struct actor *world_actor(struct world *world)
{
	return world_chance(world, 90) ? &world_admin : &assistant;
}

const struct generator *world_generator(struct world *world)
{
	unsigned total = 0;
	for (size_t i = 0; generator_at(i); i++)
		total += generator_at(i)->weight;
	uint64_t at = world_random(world, total);
	size_t i = 0;
	for (; at >= generator_at(i)->weight; i++)
		at -= generator_at(i)->weight;
	return generator_at(i);
}

/* ---- The universe ---- */

struct arena *world_arena(struct world *world)
{
	return world->arena;
}

int64_t world_now_us(struct world *world)
{
	return world->now_us;
}

char *world_text(struct world *world, const char *text)
{
	return arena_string(world->arena, text);
}

char *world_id(struct world *world, const struct uuid *id)
{
	char *text = arena_alloc(world->arena, UUID_TEXT_SIZE);
	uuid_format(id, text);
	return text;
}

char *world_sku(struct world *world)
{
	if (world_chance(world, 1))
		return world_text(world, "nothing");
	if (world_chance(world, 5)) {
		const struct item_alias_row *alias = world_row(world, TABLE(item_alias));
		if (alias)
			return world_text(world, alias->alias);
	}
	return world_text(world, skus[world_random(world, WORLD_SKUS)]);
}

char *world_location(struct world *world)
{
	if (world_chance(world, 1))
		return world_text(world, "nowhere");
	return world_text(world, locations[world_random(world, WORLD_LOCATIONS)]);
}

char *world_channel(struct world *world)
{
	if (world_chance(world, 1))
		return world_text(world, "nothing");
	return world_text(world, channels[world_random(world, WORLD_CHANNELS)]);
}

const void *world_row(struct world *world, const struct table *table)
{
	size_t count;
	const void *const *rows = memory_store_rows(world->store, table, &count);
	if (count == 0)
		return NULL;
	/* Rows are in the order in which they were first stored. */
	size_t recent = count > 8 && world_chance(world, 80) ? 8 : count;
	return rows[count - 1 - world_random(world, recent)];
}

void world_set_request_id(struct world *world, void *request, const struct uuid *id)
{
	const ProtobufCMessage *message = request;
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(message->descriptor, "request_id");
	if (field)
		*(char **)((char *)request + field->offset) = world_id(world, id);
}

/* ---- The founding ---- */

static void *found_item(struct world *world, size_t index)
{
	Stockbook__V1__PutItemRequest *request = arena_alloc(world->arena, sizeof(*request));
	stockbook__v1__put_item_request__init(request);
	request->item = arena_alloc(world->arena, sizeof(*request->item));
	stockbook__v1__item__init(request->item);
	request->item->sku = world_text(world, skus[index]);
	request->item->n_aliases = 1;
	request->item->aliases = arena_alloc(world->arena, sizeof(char *));
	request->item->aliases[0] = arena_printf(world->arena, "500%zu", index);
	return request;
}

static void *found_location(struct world *world, size_t index)
{
	Stockbook__V1__PutLocationRequest *request = arena_alloc(world->arena, sizeof(*request));
	stockbook__v1__put_location_request__init(request);
	request->location = arena_alloc(world->arena, sizeof(*request->location));
	stockbook__v1__location__init(request->location);
	request->location->code = world_text(world, locations[index]);
	request->location->kind = STOCKBOOK__V1__LOCATION_KIND__LOCATION_KIND_STORE;
	request->location->sells_at_till = true;
	request->location->ships = index != 1;
	request->location->hands_over_pickups = index != 4;
	request->location->takes_returns = index != 2;
	request->location->pickup_hold_minutes = 1;
	request->location->daily_ship_capacity = index == 0 ? 40 : 0;
	request->location->coordinates = arena_alloc(world->arena, sizeof(Stockbook__V1__Coordinates));
	stockbook__v1__coordinates__init(request->location->coordinates);
	request->location->coordinates->latitude = 50 + (double)index;
	request->location->coordinates->longitude = -(double)index;
	return request;
}

static void *found_group(struct world *world, size_t index)
{
	Stockbook__V1__PutLocationGroupRequest *request = arena_alloc(world->arena, sizeof(*request));
	stockbook__v1__put_location_group_request__init(request);
	request->location_group = arena_alloc(world->arena, sizeof(*request->location_group));
	stockbook__v1__location_group__init(request->location_group);
	request->location_group->code = world_text(world, channels[index]);
	request->location_group->n_locations = 4 - index;
	request->location_group->locations = arena_alloc_array(world->arena, 4, sizeof(char *));
	for (size_t i = 0; i < 4; i++)
		request->location_group->locations[i] = world_text(world, locations[i + index]);
	return request;
}

static void *found_channel(struct world *world, size_t index)
{
	Stockbook__V1__PutChannelRequest *request = arena_alloc(world->arena, sizeof(*request));
	stockbook__v1__put_channel_request__init(request);
	request->channel = arena_alloc(world->arena, sizeof(*request->channel));
	stockbook__v1__channel__init(request->channel);
	request->channel->code = world_text(world, channels[index]);
	request->channel->kind = STOCKBOOK__V1__CHANNEL_KIND__CHANNEL_KIND_WEB;
	request->channel->location_group = world_text(world, channels[index]);
	request->channel->plans_shipments = index == 0;
	return request;
}

void *world_founding_request(struct world *world, size_t index, const char **operation)
{
	static const struct {
		const char *operation;
		size_t count;
		void *(*make)(struct world *world, size_t index);
	} steps[] = {
		{"ItemService/PutItem", WORLD_SKUS, found_item},
		{"LocationService/PutLocation", WORLD_LOCATIONS, found_location},
		{"LocationService/PutLocationGroup", WORLD_CHANNELS, found_group},
		{"ChannelService/PutChannel", WORLD_CHANNELS, found_channel},
	};
	for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
		*operation = steps[i].operation;
		if (index < steps[i].count)
			return steps[i].make(world, index);
		index -= steps[i].count;
	}
	return NULL;
}
