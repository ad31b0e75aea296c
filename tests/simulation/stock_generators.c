/* Requests about items, locations, channels and stock. */
#include "simulation/generator.h"

#include "google/protobuf/wrappers.pb-c.h"
#include "stockbook/v1/channel.pb-c.h"
#include "stockbook/v1/item.pb-c.h"
#include "stockbook/v1/location.pb-c.h"
#include "stockbook/v1/sourcing.pb-c.h"
#include "stockbook/v1/stock.pb-c.h"

/* A message of the type, initialised, in the world's arena. */
#define MAKE(world, Type, type)                                                                    \
	Stockbook__V1__##Type *type = arena_alloc(world_arena(world), sizeof(*type));                  \
	stockbook__v1__##type##__init(type)

/* Mostly none, sometimes a small figure. */
static Google__Protobuf__Int64Value *make_safety_stock(struct world *world)
{
	if (!world_chance(world, 40))
		return NULL;
	Google__Protobuf__Int64Value *value = arena_alloc(world_arena(world), sizeof(*value));
	google__protobuf__int64_value__init(value);
	value->value = (int64_t)world_random(world, 4);
	return value;
}

static Stockbook__V1__StockState make_state(struct world *world)
{
	static const Stockbook__V1__StockState states[] = {
		STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_AVAILABLE,
		STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_DAMAGED,
		STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_QUALITY_CONTROL,
		STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_ON_HOLD,
	};
	return states[world_chance(world, 60) ? 0 : world_random(world, ARRAY_COUNT(states))];
}

/* ---- Items, locations, channels ---- */

static void *put_item(struct world *world)
{
	MAKE(world, PutItemRequest, put_item_request);
	MAKE(world, Item, item);
	put_item_request->item = item;
	item->sku = world_chance(world, 5)
					? arena_printf(world_arena(world), "500%d", (int)world_random(world, 8))
					: world_sku(world);
	item->name = arena_printf(world_arena(world), "thing %d", (int)world_random(world, 100));
	item->n_aliases = world_random(world, 3);
	item->aliases = arena_alloc_array(world_arena(world), 2, sizeof(char *));
	/* So few that two items want the same one. */
	for (size_t i = 0; i < item->n_aliases; i++)
		item->aliases[i] = arena_printf(world_arena(world), "500%d", (int)world_random(world, 8));
	item->safety_stock = make_safety_stock(world);
	return put_item_request;
}

static void *get_item(struct world *world)
{
	MAKE(world, GetItemRequest, get_item_request);
	get_item_request->sku = world_sku(world);
	return get_item_request;
}

static void *list_items(struct world *world)
{
	MAKE(world, ListItemsRequest, list_items_request);
	list_items_request->page_size = (int32_t)world_random(world, 5);
	list_items_request->sku_prefix = world_text(world, world_chance(world, 50) ? "S" : "");
	return list_items_request;
}

static void *put_location(struct world *world)
{
	MAKE(world, PutLocationRequest, put_location_request);
	MAKE(world, Location, location);
	put_location_request->location = location;
	location->code = world_location(world);
	location->kind = STOCKBOOK__V1__LOCATION_KIND__LOCATION_KIND_STORE;
	location->sells_at_till = world_chance(world, 90);
	location->ships = world_chance(world, 80);
	location->hands_over_pickups = world_chance(world, 80);
	location->takes_returns = world_chance(world, 80);
	location->pickup_hold_minutes = (int32_t)world_random(world, 3);
	if (world_chance(world, 20))
		location->daily_ship_capacity = world_quantity(world, 40);
	location->disabled = world_chance(world, 20);
	location->safety_stock = make_safety_stock(world);
	location->time_zone = world_text(world, world_chance(world, 90) ? "Europe/London" : "9/x");
	return put_location_request;
}

static void *get_location(struct world *world)
{
	MAKE(world, GetLocationRequest, get_location_request);
	get_location_request->code = world_location(world);
	return get_location_request;
}

static void *list_locations(struct world *world)
{
	MAKE(world, ListLocationsRequest, list_locations_request);
	list_locations_request->page_size = (int32_t)world_random(world, 5);
	return list_locations_request;
}

static void *put_location_group(struct world *world)
{
	MAKE(world, PutLocationGroupRequest, put_location_group_request);
	MAKE(world, LocationGroup, location_group);
	put_location_group_request->location_group = location_group;
	location_group->code = world_channel(world);
	location_group->n_locations = 1 + world_random(world, 4);
	location_group->locations = arena_alloc_array(world_arena(world), 4, sizeof(char *));
	for (size_t i = 0; i < location_group->n_locations; i++)
		location_group->locations[i] = world_location(world);
	return put_location_group_request;
}

static void *get_location_group(struct world *world)
{
	MAKE(world, GetLocationGroupRequest, get_location_group_request);
	get_location_group_request->code = world_channel(world);
	return get_location_group_request;
}

static void *list_location_groups(struct world *world)
{
	MAKE(world, ListLocationGroupsRequest, list_location_groups_request);
	list_location_groups_request->page_size = (int32_t)world_random(world, 3);
	return list_location_groups_request;
}

static void *put_channel(struct world *world)
{
	MAKE(world, PutChannelRequest, put_channel_request);
	MAKE(world, Channel, channel);
	put_channel_request->channel = channel;
	channel->code = world_channel(world);
	channel->kind = STOCKBOOK__V1__CHANNEL_KIND__CHANNEL_KIND_WEB;
	channel->location_group = world_channel(world);
	channel->safety_stock = make_safety_stock(world);
	channel->plans_shipments = world_chance(world, 50);
	channel->strategy = (Stockbook__V1__SourcingStrategy)world_random(world, 6);
	if (world_chance(world, 20)) {
		MAKE(world, ChannelExclusion, channel_exclusion);
		channel_exclusion->location = world_location(world);
		channel_exclusion->method = (Stockbook__V1__FulfilmentMethod)world_random(world, 5);
		channel->n_exclusions = 1;
		channel->exclusions = arena_alloc_array(world_arena(world), 1, sizeof(void *));
		channel->exclusions[0] = channel_exclusion;
	}
	return put_channel_request;
}

static void *get_channel(struct world *world)
{
	MAKE(world, GetChannelRequest, get_channel_request);
	get_channel_request->code = world_channel(world);
	return get_channel_request;
}

static void *list_channels(struct world *world)
{
	MAKE(world, ListChannelsRequest, list_channels_request);
	return list_channels_request;
}

/* ---- Policies ---- */

/* Kept for a channel, or no longer. */
static void *set_quota(struct world *world)
{
	MAKE(world, SetQuotaRequest, set_quota_request);
	MAKE(world, QuotaLine, quota_line);
	set_quota_request->location = world_location(world);
	set_quota_request->channel = world_channel(world);
	quota_line->sku = world_sku(world);
	if (world_chance(world, 70)) {
		quota_line->quantity = arena_alloc(world_arena(world), sizeof(*quota_line->quantity));
		google__protobuf__int64_value__init(quota_line->quantity);
		quota_line->quantity->value = (int64_t)world_random(world, 6);
	}
	set_quota_request->n_lines = 1;
	set_quota_request->lines = arena_alloc_array(world_arena(world), 1, sizeof(void *));
	set_quota_request->lines[0] = quota_line;
	return set_quota_request;
}

static void *set_shelf(struct world *world)
{
	MAKE(world, SetShelfRequest, set_shelf_request);
	MAKE(world, ShelfLine, shelf_line);
	set_shelf_request->location = world_location(world);
	shelf_line->sku = world_sku(world);
	shelf_line->shelf = world_chance(world, 80)
							? arena_printf(world_arena(world), "A-%d", (int)world_random(world, 5))
							: world_text(world, "");
	set_shelf_request->n_lines = 1;
	set_shelf_request->lines = arena_alloc_array(world_arena(world), 1, sizeof(void *));
	set_shelf_request->lines[0] = shelf_line;
	return set_shelf_request;
}

/* What the book would do with some lines. */
static void *promise(struct world *world)
{
	MAKE(world, PromiseRequest, promise_request);
	promise_request->channel = world_channel(world);
	promise_request->n_lines = 1 + world_random(world, 3);
	promise_request->lines = arena_alloc_array(world_arena(world), 3, sizeof(void *));
	for (size_t i = 0; i < promise_request->n_lines; i++) {
		MAKE(world, PromiseLine, promise_line);
		promise_line->sku = world_sku(world);
		promise_line->quantity = world_quantity(world, 8);
		promise_request->lines[i] = promise_line;
	}
	static const Stockbook__V1__FulfilmentMethod methods[] = {
		STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_SHIP,
		STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_PICKUP,
		STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_SHIP_TO_STORE,
	};
	promise_request->method = methods[world_random(world, ARRAY_COUNT(methods))];
	if (promise_request->method ==
		STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_SHIP_TO_STORE)
		promise_request->pickup_location = world_location(world);
	MAKE(world, Coordinates, coordinates);
	coordinates->latitude = 50 + (double)world_random(world, 5);
	promise_request->near = coordinates;
	promise_request->explain = world_chance(world, 50);
	return promise_request;
}

/* ---- Facts ---- */

#define LINES_MOST 4

static void *receive_stock(struct world *world)
{
	MAKE(world, ReceiveStockRequest, receive_stock_request);
	receive_stock_request->location = world_location(world);
	receive_stock_request->n_lines = 1 + world_random(world, LINES_MOST);
	receive_stock_request->lines =
		arena_alloc_array(world_arena(world), LINES_MOST, sizeof(void *));
	for (size_t i = 0; i < receive_stock_request->n_lines; i++) {
		MAKE(world, ReceiptLine, receipt_line);
		receipt_line->sku = world_sku(world);
		receipt_line->quantity = world_chance(world, 1) ? QUANTITY_MAX : world_quantity(world, 60);
		receipt_line->state = make_state(world);
		receive_stock_request->lines[i] = receipt_line;
	}
	return receive_stock_request;
}

static void *adjust_stock(struct world *world)
{
	MAKE(world, AdjustStockRequest, adjust_stock_request);
	bool more = world_chance(world, 30);
	adjust_stock_request->location = world_location(world);
	adjust_stock_request->reason = more
									   ? STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_FOUND
									   : STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_SHRINKAGE +
											 (Stockbook__V1__MovementReason)world_random(world, 6);
	adjust_stock_request->n_lines = 1 + world_random(world, LINES_MOST);
	adjust_stock_request->lines = arena_alloc_array(world_arena(world), LINES_MOST, sizeof(void *));
	bool mixed =
		adjust_stock_request->reason == STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_CORRECTION;
	for (size_t i = 0; i < adjust_stock_request->n_lines; i++) {
		MAKE(world, AdjustmentLine, adjustment_line);
		adjustment_line->sku = world_sku(world);
		adjustment_line->quantity = world_quantity(world, 15);
		if (mixed ? world_chance(world, 50) : !more)
			adjustment_line->quantity = -adjustment_line->quantity;
		adjustment_line->state = make_state(world);
		adjust_stock_request->lines[i] = adjustment_line;
	}
	return adjust_stock_request;
}

static void *set_stock(struct world *world)
{
	MAKE(world, SetStockRequest, set_stock_request);
	set_stock_request->location = world_location(world);
	set_stock_request->n_lines = 1 + world_random(world, 2);
	set_stock_request->lines = arena_alloc_array(world_arena(world), 2, sizeof(void *));
	for (size_t i = 0; i < set_stock_request->n_lines; i++) {
		MAKE(world, SetStockLine, set_stock_line);
		set_stock_line->sku = world_sku(world);
		set_stock_line->on_hand = (int64_t)world_random(world, 40);
		if (world_chance(world, 30)) {
			set_stock_line->expected_on_hand =
				arena_alloc(world_arena(world), sizeof(*set_stock_line->expected_on_hand));
			google__protobuf__int64_value__init(set_stock_line->expected_on_hand);
			set_stock_line->expected_on_hand->value = (int64_t)world_random(world, 10);
		}
		set_stock_request->lines[i] = set_stock_line;
	}
	return set_stock_request;
}

static void *change_stock_state(struct world *world)
{
	MAKE(world, ChangeStockStateRequest, change_stock_state_request);
	change_stock_state_request->location = world_location(world);
	change_stock_state_request->n_lines = 1 + world_random(world, 3);
	change_stock_state_request->lines = arena_alloc_array(world_arena(world), 3, sizeof(void *));
	for (size_t i = 0; i < change_stock_state_request->n_lines; i++) {
		MAKE(world, StateChangeLine, state_change_line);
		state_change_line->sku = world_sku(world);
		state_change_line->quantity = world_quantity(world, 4);
		state_change_line->from_state = make_state(world);
		do
			state_change_line->to_state = make_state(world);
		while (state_change_line->to_state == state_change_line->from_state);
		change_stock_state_request->lines[i] = state_change_line;
	}
	return change_stock_state_request;
}

static void *set_safety_stock(struct world *world)
{
	MAKE(world, SetSafetyStockRequest, set_safety_stock_request);
	MAKE(world, SafetyStockLine, safety_stock_line);
	safety_stock_line->sku = world_sku(world);
	safety_stock_line->quantity = make_safety_stock(world);
	set_safety_stock_request->location = world_location(world);
	set_safety_stock_request->n_lines = 1;
	set_safety_stock_request->lines = arena_alloc(world_arena(world), sizeof(void *));
	set_safety_stock_request->lines[0] = safety_stock_line;
	return set_safety_stock_request;
}

/* ---- Reads ---- */

static void *get_availability(struct world *world)
{
	MAKE(world, GetAvailabilityRequest, get_availability_request);
	get_availability_request->n_skus = 1 + world_random(world, 3);
	get_availability_request->skus = arena_alloc_array(world_arena(world), 3, sizeof(char *));
	for (size_t i = 0; i < get_availability_request->n_skus; i++)
		get_availability_request->skus[i] = world_sku(world);
	if (world_chance(world, 60))
		get_availability_request->channel = world_channel(world);
	if (world_chance(world, 30))
		get_availability_request->location_group = world_channel(world);
	if (world_chance(world, 40)) {
		get_availability_request->n_locations = 1;
		get_availability_request->locations = arena_alloc(world_arena(world), sizeof(char *));
		get_availability_request->locations[0] = world_location(world);
	}
	return get_availability_request;
}

static void *explain_availability(struct world *world)
{
	MAKE(world, ExplainAvailabilityRequest, explain_availability_request);
	explain_availability_request->sku = world_sku(world);
	explain_availability_request->location = world_location(world);
	if (world_chance(world, 50))
		explain_availability_request->channel = world_channel(world);
	return explain_availability_request;
}

static void *list_stock(struct world *world)
{
	MAKE(world, ListStockRequest, list_stock_request);
	list_stock_request->page_size = (int32_t)world_random(world, 4);
	if (world_chance(world, 60))
		list_stock_request->sku = world_sku(world);
	if (world_chance(world, 60))
		list_stock_request->location = world_location(world);
	return list_stock_request;
}

static void *list_shortages(struct world *world)
{
	MAKE(world, ListShortagesRequest, list_shortages_request);
	list_shortages_request->page_size = (int32_t)world_random(world, 4);
	if (world_chance(world, 50))
		list_shortages_request->location = world_location(world);
	return list_shortages_request;
}

/* clang-format off */
const struct generator stock_generators[] = {
	{"ItemService/PutItem", 4, put_item},
	{"ItemService/GetItem", 1, get_item},
	{"ItemService/ListItems", 1, list_items},
	{"LocationService/PutLocation", 2, put_location},
	{"LocationService/GetLocation", 1, get_location},
	{"LocationService/ListLocations", 1, list_locations},
	{"LocationService/PutLocationGroup", 1, put_location_group},
	{"LocationService/GetLocationGroup", 1, get_location_group},
	{"LocationService/ListLocationGroups", 1, list_location_groups},
	{"ChannelService/PutChannel", 1, put_channel},
	{"ChannelService/GetChannel", 1, get_channel},
	{"ChannelService/ListChannels", 1, list_channels},
	{"StockService/ReceiveStock", 12, receive_stock},
	{"StockService/AdjustStock", 8, adjust_stock},
	{"StockService/SetStock", 3, set_stock},
	{"StockService/ChangeStockState", 8, change_stock_state},
	{"StockService/SetQuota", 3, set_quota},
	{"StockService/SetShelf", 2, set_shelf},
	{"SourcingService/Promise", 5, promise},
	{"StockService/SetSafetyStock", 3, set_safety_stock},
	{"StockService/GetAvailability", 6, get_availability},
	{"StockService/ExplainAvailability", 3, explain_availability},
	{"StockService/ListStock", 3, list_stock},
	{"StockService/ListShortages", 2, list_shortages},
	{0},
};
/* clang-format on */
