/* Requests about returns: of what was sold and of what was not, too much now and then, and blind. */
#include "simulation/generator.h"

#include "stockbook/v1/return.pb-c.h"

#define MAKE(world, Type, type)                                                                    \
	Stockbook__V1__##Type *type = arena_alloc(world_arena(world), sizeof(*type));                  \
	stockbook__v1__##type##__init(type)

#define LINES_MOST 3

static Stockbook__V1__Disposition make_disposition(struct world *world)
{
	return (Stockbook__V1__Disposition)world_random(world, 4);
}

static void *create(struct world *world)
{
	MAKE(world, CreateReturnRequest, create_return_request);
	const struct order_line_row *of = NULL;
	bool blind = world_chance(world, 25);
	for (int tries = 0; tries < 8 && !blind; tries++) {
		of = world_row(world, TABLE(order_line));
		if (!of)
			return NULL;
		if (of->fulfilled > of->returned)
			break;
	}
	create_return_request->location = world_location(world);
	create_return_request->channel = world_text(world, world_chance(world, 50) ? "till" : "");
	if (of)
		create_return_request->order_id = world_id(world, &of->order_id);
	create_return_request->n_lines = of ? 1 + world_random(world, 2) : 1;
	create_return_request->lines =
		arena_alloc_array(world_arena(world), LINES_MOST, sizeof(void *));
	for (size_t i = 0; i < create_return_request->n_lines; i++) {
		MAKE(world, CreateReturnLine, create_return_line);
		create_return_line->quantity = world_quantity(world, 4);
		create_return_line->disposition = make_disposition(world);
		if (of && world_chance(world, 50))
			create_return_line->order_line = of->line;
		else
			create_return_line->sku = of ? world_text(world, of->sku) : world_sku(world);
		create_return_request->lines[i] = create_return_line;
	}
	return create_return_request;
}

static void *inspect(struct world *world)
{
	const struct return_line_row *line = NULL;
	for (int tries = 0; tries < 8; tries++) {
		line = world_row(world, TABLE(return_line));
		if (!line)
			return NULL;
		if (line->waiting > 0)
			break;
	}
	MAKE(world, InspectReturnRequest, inspect_return_request);
	inspect_return_request->return_id = world_id(world, &line->return_id);
	inspect_return_request->n_lines = 1 + world_random(world, 2);
	inspect_return_request->lines =
		arena_alloc_array(world_arena(world), LINES_MOST, sizeof(void *));
	for (size_t i = 0; i < inspect_return_request->n_lines; i++) {
		MAKE(world, InspectReturnLine, inspect_return_line);
		inspect_return_line->line = line->line;
		inspect_return_line->quantity = world_quantity(world, 3);
		inspect_return_line->disposition =
			world_chance(world, 5) ? make_disposition(world)
								   : (Stockbook__V1__Disposition)(1 + world_random(world, 3));
		inspect_return_request->lines[i] = inspect_return_line;
	}
	return inspect_return_request;
}

static void *get(struct world *world)
{
	const struct goods_return_row *row = world_row(world, TABLE(goods_return));
	if (!row)
		return NULL;
	MAKE(world, GetReturnRequest, get_return_request);
	get_return_request->return_id = world_id(world, &row->id);
	return get_return_request;
}

static void *list(struct world *world)
{
	const struct goods_return_row *row = world_row(world, TABLE(goods_return));
	if (!row)
		return NULL;
	MAKE(world, ListReturnsRequest, list_returns_request);
	list_returns_request->page_size = (int32_t)world_random(world, 3);
	if (row->customer[0] && world_chance(world, 50))
		list_returns_request->customer = world_text(world, row->customer);
	else
		list_returns_request->order_id = world_id(world, &row->order_id);
	return list_returns_request;
}

/* clang-format off */
const struct generator return_generators[] = {
	{"ReturnService/CreateReturn", 14, create},
	{"ReturnService/InspectReturn", 8, inspect},
	{"ReturnService/GetReturn", 2, get},
	{"ReturnService/ListReturns", 2, list},
	{0},
};
/* clang-format on */
