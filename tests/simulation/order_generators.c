/* Requests about orders: every step, at every stage, for some or all of the lines. */
#include "simulation/generator.h"

#include "google/protobuf/wrappers.pb-c.h"
#include "stockbook/v1/order.pb-c.h"

#define MAKE(world, Type, type)                                                                    \
	Stockbook__V1__##Type *type = arena_alloc(world_arena(world), sizeof(*type));                  \
	stockbook__v1__##type##__init(type)

#define LINES_MOST 4

static Stockbook__V1__Money *make_price(struct world *world)
{
	if (world_chance(world, 20))
		return NULL;
	MAKE(world, Money, money);
	money->minor_units = world_chance(world, 1) ? INT64_MAX : (int64_t)world_random(world, 5000);
	money->currency_code = world_text(world, world_chance(world, 98) ? "GBP" : "EUR");
	return money;
}

static void choose_method(struct world *world, Stockbook__V1__PlaceOrderLine *line)
{
	switch (world_random(world, 5)) {
	case 0:
	case 1:
		line->method = STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_PICKUP;
		break;
	case 2:
		line->method = STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_SHIP_TO_STORE;
		line->pickup_location = world_location(world);
		break;
	default: /* SHIP, said or not */
		break;
	}
}

static void *place(struct world *world)
{
	MAKE(world, PlaceOrderRequest, place_order_request);
	if (world_chance(world, 85))
		place_order_request->channel = world_channel(world);
	place_order_request->customer =
		arena_printf(world_arena(world), "customer %d", (int)world_random(world, 4));
	place_order_request->reference =
		arena_printf(world_arena(world), "invoice %d", (int)world_random(world, 50));
	place_order_request->n_lines = 1 + world_random(world, LINES_MOST);
	place_order_request->lines = arena_alloc_array(world_arena(world), LINES_MOST, sizeof(void *));
	bool till = world_chance(world, 25);
	for (size_t i = 0; i < place_order_request->n_lines; i++) {
		MAKE(world, PlaceOrderLine, place_order_line);
		place_order_line->sku = world_sku(world);
		place_order_line->quantity = world_quantity(world, 8);
		place_order_line->unit_price = make_price(world);
		/* Now and then both in one order: the assistant sells from the web's stock. */
		if (world_chance(world, till ? 80 : 5))
			place_order_line->method =
				STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_CARRY_OUT;
		else
			choose_method(world, place_order_line);
		if (place_order_line->method ==
			STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_CARRY_OUT) {
			place_order_line->location = world_location(world);
			if (world_chance(world, 30))
				place_order_line->otherwise =
					STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_SHIP;
		} else if (world_chance(world, 30)) {
			place_order_line->location = world_location(world);
		}
		place_order_request->lines[i] = place_order_line;
	}
	place_order_request->allow_partial = world_chance(world, 50);
	place_order_request->fulfil = world_chance(world, 25);
	return place_order_request;
}

/* ---- Steps ---- */

/* A line's counter, by its field's name. */
static int64_t counter_of(const struct order_line_row *line, const char *counter)
{
	return *(const int64_t *)row_field(line, table_field(TABLE(order_line), counter));
}

/* A line that has something in the counter, mostly; NULL when there is no line at all. */
static const struct order_line_row *any_line(struct world *world, const char *counter)
{
	const struct order_line_row *line = NULL;
	for (int tries = 0; tries < 8; tries++) {
		line = world_row(world, TABLE(order_line));
		if (!line || counter_of(line, counter) > 0)
			break;
	}
	return line;
}

static const struct customer_order_row *any_order(struct world *world)
{
	return world_row(world, TABLE(customer_order));
}

/* None (all), or some of the line, in places, now and then of one that is not there. */
static Stockbook__V1__OrderLineQuantity **make_quantities(struct world *world,
	const struct order_line_row *line, const char *counter, size_t *count)
{
	int64_t most = counter_of(line, counter);
	Stockbook__V1__OrderLineQuantity **quantities =
		arena_alloc_array(world_arena(world), 3, sizeof(*quantities));
	*count = world_chance(world, 45) ? 0 : 1 + world_random(world, 2);
	for (size_t i = 0; i < *count; i++) {
		MAKE(world, OrderLineQuantity, order_line_quantity);
		order_line_quantity->line = line->line + (world_chance(world, 3) ? 1 : 0);
		order_line_quantity->quantity = world_quantity(world, most > 0 ? most : 6);
		if (world_chance(world, 25))
			order_line_quantity->location = world_location(world);
		quantities[i] = order_line_quantity;
	}
	return quantities;
}

/* A step that takes from the counter. */
#define STEP(name, Type, type, counter, ...)                                                       \
	static void *name(struct world *world)                                                         \
	{                                                                                              \
		const struct order_line_row *line = any_line(world, counter);                              \
		if (!line)                                                                                 \
			return NULL;                                                                           \
		MAKE(world, Type, type);                                                                   \
		type->order_id = world_id(world, &line->order_id);                                         \
		type->lines = make_quantities(world, line, counter, &type->n_lines);                       \
		__VA_ARGS__;                                                                               \
		return type;                                                                               \
	}

STEP(allocate, AllocateOrderRequest, allocate_order_request, "open",
	allocate_order_request->allow_partial = world_chance(world, 50))
STEP(deallocate, DeallocateOrderRequest, deallocate_order_request, "allocated", )
STEP(pick, PickOrderRequest, pick_order_request, "allocated", )
STEP(put_back, PutBackOrderRequest, put_back_order_request, "picked", )
STEP(ship, ShipOrderRequest, ship_order_request, "picked",
	 ship_order_request->pick_first = world_chance(world, 40);
	 ship_order_request->carrier = world_text(world, "post"))
STEP(cancel, CancelOrderLinesRequest, cancel_order_lines_request, "open", )

/* More or less of a line, and new ones. */
static void *amend(struct world *world)
{
	const struct order_line_row *line = any_line(world, "open");
	if (!line)
		return NULL;
	MAKE(world, AmendOrderRequest, amend_order_request);
	amend_order_request->order_id = world_id(world, &line->order_id);
	amend_order_request->allow_partial = world_chance(world, 50);
	if (world_chance(world, 80)) {
		MAKE(world, AmendOrderLine, amend_order_line);
		amend_order_line->line = line->line;
		amend_order_line->quantity =
			arena_alloc(world_arena(world), sizeof(*amend_order_line->quantity));
		google__protobuf__int64_value__init(amend_order_line->quantity);
		amend_order_line->quantity->value = (int64_t)world_random(world, 10);
		if (world_chance(world, 20))
			amend_order_line->unit_price = make_price(world);
		amend_order_request->n_lines = 1;
		amend_order_request->lines = arena_alloc_array(world_arena(world), 1, sizeof(void *));
		amend_order_request->lines[0] = amend_order_line;
	}
	if (amend_order_request->n_lines == 0 || world_chance(world, 20)) {
		MAKE(world, PlaceOrderLine, place_order_line);
		place_order_line->sku = world_sku(world);
		place_order_line->quantity = world_quantity(world, 5);
		choose_method(world, place_order_line);
		amend_order_request->n_add = 1;
		amend_order_request->add = arena_alloc_array(world_arena(world), 1, sizeof(void *));
		amend_order_request->add[0] = place_order_line;
	}
	return amend_order_request;
}

/* ---- Reads ---- */

static void *get_history(struct world *world)
{
	const struct customer_order_row *order = any_order(world);
	if (!order)
		return NULL;
	MAKE(world, GetOrderHistoryRequest, get_order_history_request);
	get_order_history_request->order_id = world_id(world, &order->id);
	return get_order_history_request;
}

static void *get(struct world *world)
{
	const struct customer_order_row *order = any_order(world);
	if (!order)
		return NULL;
	MAKE(world, GetOrderRequest, get_order_request);
	get_order_request->order_id = world_id(world, &order->id);
	return get_order_request;
}

static void *list(struct world *world)
{
	MAKE(world, ListOrdersRequest, list_orders_request);
	list_orders_request->page_size = (int32_t)world_random(world, 5);
	if (world_chance(world, 50))
		list_orders_request->customer =
			arena_printf(world_arena(world), "customer %d", (int)world_random(world, 4));
	else
		list_orders_request->reference =
			arena_printf(world_arena(world), "invoice %d", (int)world_random(world, 50));
	return list_orders_request;
}

/* clang-format off */
const struct generator order_generators[] = {
	{"OrderService/PlaceOrder", 30, place},
	{"OrderService/AllocateOrder", 10, allocate},
	{"OrderService/DeallocateOrder", 5, deallocate},
	{"OrderService/PickOrder", 10, pick},
	{"OrderService/PutBackOrder", 5, put_back},
	{"OrderService/ShipOrder", 10, ship},
	{"OrderService/CancelOrderLines", 6, cancel},
	{"OrderService/AmendOrder", 6, amend},
	{"OrderService/GetOrder", 3, get},
	{"OrderService/GetOrderHistory", 2, get_history},
	{"OrderService/ListOrders", 2, list},
	{0},
};
/* clang-format on */
