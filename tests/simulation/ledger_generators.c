/* Requests to the ledger. */
#include "simulation/generator.h"

#include "stockbook/v1/ledger.pb-c.h"

static Google__Protobuf__Timestamp *some_time(struct world *world)
{
	int64_t ago_us = (int64_t)world_random(world, 600) * 1000000;
	return make_timestamp(world_arena(world), world_now_us(world) - ago_us);
}

static char *some_document(struct world *world)
{
	const struct change_row *change = world_row(world, TABLE(change));
	if (!change || uuid_is_nil(&change->document_id))
		return world_text(world, "01900000-0000-7000-8000-000000000000");
	return world_id(world, &change->document_id);
}

static void *list_movements(struct world *world)
{
	Stockbook__V1__ListMovementsRequest *request =
		arena_alloc(world_arena(world), sizeof(*request));
	stockbook__v1__list_movements_request__init(request);
	request->page_size = (int32_t)world_random(world, 8);
	if (world_chance(world, 50))
		request->sku = world_sku(world);
	if (world_chance(world, 50))
		request->location = world_location(world);
	if (world_chance(world, 30))
		request->document_id = some_document(world);
	if (world_chance(world, 20))
		request->from_time = some_time(world);
	if (world_chance(world, 20))
		request->to_time = some_time(world);
	return request;
}

static void *list_changes(struct world *world)
{
	Stockbook__V1__ListChangesRequest *request = arena_alloc(world_arena(world), sizeof(*request));
	stockbook__v1__list_changes_request__init(request);
	request->page_size = (int32_t)world_random(world, 4);
	request->document_id = some_document(world);
	return request;
}

static void *get_on_hand_at(struct world *world)
{
	Stockbook__V1__GetOnHandAtRequest *request = arena_alloc(world_arena(world), sizeof(*request));
	stockbook__v1__get_on_hand_at_request__init(request);
	request->sku = world_sku(world);
	request->location = world_location(world);
	request->time = some_time(world);
	return request;
}

/* clang-format off */
const struct generator ledger_generators[] = {
	{"LedgerService/ListMovements", 4, list_movements},
	{"LedgerService/ListChanges", 2, list_changes},
	{"LedgerService/GetOnHandAt", 2, get_on_hand_at},
	{0},
};
/* clang-format on */
