/* Requests about pickups and shipments: every step at every stage, with short picks, wrong codes,
 * lost parcels and cancellation. */
#include "simulation/generator.h"

#include <string.h>

#include "book/pickup.h"
#include "stockbook/internal/v1/pickup.pb-c.h"
#include "stockbook/v1/pickup.pb-c.h"
#include "stockbook/v1/shipment.pb-c.h"

#define MAKE(world, Type, type)                                                                    \
	Stockbook__V1__##Type *type = arena_alloc(world_arena(world), sizeof(*type));                  \
	stockbook__v1__##type##__init(type)
#define KIND(name) STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_##name
#define PICKUP(name) STOCKBOOK__V1__PICKUP_STATUS__PICKUP_STATUS_##name
#define SHIPMENT(name) STOCKBOOK__V1__SHIPMENT_STATUS__SHIPMENT_STATUS_##name
#define HASH_SIZE 32

/* ---- Which ---- */

/* One of the kind, mostly one of the status; NULL when there is none of the kind at hand. */
static const struct fulfilment_row *any_of(struct world *world, int32_t kind, int32_t status)
{
	const struct fulfilment_row *found = NULL;
	for (int tries = 0; tries < 40; tries++) {
		const struct fulfilment_row *row = world_row(world, TABLE(fulfilment));
		if (!row)
			return NULL;
		if (row->kind != kind)
			continue;
		found = row;
		if (row->status == status)
			break;
	}
	return found;
}

static const struct fulfilment_line_row *line_of(struct world *world,
	const struct fulfilment_row *row)
{
	for (int tries = 0; tries < 40; tries++) {
		const struct fulfilment_line_row *line = world_row(world, TABLE(fulfilment_line));
		if (line && uuid_compare(&line->fulfilment_id, &row->id) == 0)
			return line;
	}
	return NULL;
}

/* Mostly nobody, or one of two who get into each other's way. */
static char *make_worker(struct world *world)
{
	static const char *const workers[] = {"anna", "ben"};
	return world_text(world, world_chance(world, 70) ? "" : workers[world_random(world, 2)]);
}

static Stockbook__V1__ShortRemedy make_remedy(struct world *world)
{
	return (Stockbook__V1__ShortRemedy)world_random(world, 5);
}

static Stockbook__V1__SourcingOptions *make_options(struct world *world)
{
	if (world_chance(world, 70))
		return NULL;
	MAKE(world, SourcingOptions, sourcing_options);
	sourcing_options->strategy = (Stockbook__V1__SourcingStrategy)world_random(world, 6);
	if (world_chance(world, 30)) {
		sourcing_options->n_excluded_locations = 1;
		sourcing_options->excluded_locations =
			arena_alloc_array(world_arena(world), 1, sizeof(char *));
		sourcing_options->excluded_locations[0] = world_location(world);
	}
	return sourcing_options;
}

/* None: all of it; or what was taken of one line, some of it short. */
static Stockbook__V1__PickedLine **make_picked(struct world *world,
	const struct fulfilment_row *row, size_t *count)
{
	*count = 0;
	const struct fulfilment_line_row *line = line_of(world, row);
	if (!line || world_chance(world, 50))
		return NULL;
	Stockbook__V1__PickedLine **lines = arena_alloc_array(world_arena(world), 1, sizeof(*lines));
	MAKE(world, PickedLine, picked_line);
	picked_line->line = line->line + (world_chance(world, 2) ? 1 : 0);
	int64_t most = line->to_pick > 0 ? line->to_pick : 3;
	picked_line->picked = (int64_t)world_random(world, (uint64_t)most + 1);
	if (world_chance(world, 60)) {
		picked_line->short_ = world_chance(world, 95) ? most - picked_line->picked : most;
		picked_line->reason = (Stockbook__V1__ShortReason)(1 + world_random(world, 2));
	}
	lines[(*count)++] = picked_line;
	return lines;
}

/* None: all of it; or some of one line, now and then too much. */
#define MAKE_LINES(name, Type, type)                                                               \
	static Stockbook__V1__##Type **name(struct world *world, const struct fulfilment_row *row,     \
		size_t *count)                                                                             \
	{                                                                                              \
		*count = 0;                                                                                \
		const struct fulfilment_line_row *line = line_of(world, row);                              \
		if (!line || world_chance(world, 50))                                                      \
			return NULL;                                                                           \
		Stockbook__V1__##Type **lines = arena_alloc_array(world_arena(world), 1, sizeof(*lines));  \
		MAKE(world, Type, type);                                                                   \
		type->line = line->line;                                                                   \
		type->quantity = world_quantity(world, line->quantity);                                    \
		lines[(*count)++] = type;                                                                  \
		return lines;                                                                              \
	}

MAKE_LINES(make_collected, CollectedLine, collected_line)
MAKE_LINES(make_shipment_lines, ShipmentLine, shipment_line)

/* ---- Pickups ---- */

/* A step of a pickup that is mostly in the status. */
#define PICKUP_STEP(name, Type, type, status, ...)                                                 \
	static void *name(struct world *world)                                                         \
	{                                                                                              \
		const struct fulfilment_row *row = any_of(world, KIND(PICKUP), PICKUP(status));            \
		if (!row)                                                                                  \
			return NULL;                                                                           \
		MAKE(world, Type, type);                                                                   \
		type->pickup_id = world_id(world, &row->id);                                               \
		type->worker = make_worker(world);                                                         \
		__VA_ARGS__;                                                                               \
		return type;                                                                               \
	}

PICKUP_STEP(accept, AcceptPickupRequest, accept_pickup_request, REQUESTED, )
PICKUP_STEP(pick_pickup, PickPickupRequest, pick_pickup_request, ACCEPTED,
			pick_pickup_request->lines = make_picked(world, row, &pick_pickup_request->n_lines);
			pick_pickup_request->remedy = make_remedy(world);
			pick_pickup_request->sourcing = make_options(world))
PICKUP_STEP(pick_more, PickPickupRequest, pick_pickup_request, PICKING,
			pick_pickup_request->lines = make_picked(world, row, &pick_pickup_request->n_lines);
			pick_pickup_request->remedy = make_remedy(world))
PICKUP_STEP(extend, ExtendPickupRequest, extend_pickup_request, READY,
	extend_pickup_request->collect_by = make_timestamp(world_arena(world),
		world_now_us(world) + INT64_C(1000000) * world_quantity(world, 60)))
PICKUP_STEP(step_back_pickup, StepBackPickupRequest, step_back_pickup_request, PICKED, )
PICKUP_STEP(step_back_ready, StepBackPickupRequest, step_back_pickup_request, READY, )
PICKUP_STEP(cancel_pickup, CancelPickupRequest, cancel_pickup_request, PICKED,
			cancel_pickup_request->remedy = make_remedy(world);
			cancel_pickup_request->sourcing = make_options(world))
PICKUP_STEP(cancel_waiting, CancelPickupRequest, cancel_pickup_request, AWAITING_TRANSFER,
	cancel_pickup_request->remedy = make_remedy(world))
PICKUP_STEP(put_back_pickup, PutBackPickupRequest, put_back_pickup_request, PUTTING_BACK,
	put_back_pickup_request->lines = make_collected(world, row, &put_back_pickup_request->n_lines))

/* Few codes, so that right ones are met. */
static void make_hash(struct world *world, ProtobufCBinaryData *hash)
{
	hash->len = HASH_SIZE;
	hash->data = arena_alloc(world_arena(world), HASH_SIZE);
	memset(hash->data, 1 + (int)world_random(world, 2), HASH_SIZE);
}

#define CODE_STEP(name, Type, type, status, ...)                                                   \
	static void *name(struct world *world)                                                         \
	{                                                                                              \
		const struct fulfilment_row *row = any_of(world, KIND(PICKUP), PICKUP(status));            \
		if (!row)                                                                                  \
			return NULL;                                                                           \
		MAKE(world, Type, type);                                                                   \
		Stockbook__Internal__V1__##Type *internal =                                                \
			arena_alloc(world_arena(world), sizeof(*internal));                                    \
		stockbook__internal__v1__##type##__init(internal);                                         \
		internal->request = type;                                                                  \
		type->pickup_id = world_id(world, &row->id);                                               \
		type->worker = make_worker(world);                                                         \
		__VA_ARGS__;                                                                               \
		return internal;                                                                           \
	}

CODE_STEP(make_ready, ReadyPickupRequest, ready_pickup_request, PICKED,
		  if (world_chance(world, 60))
			  ready_pickup_request->collect_by = make_timestamp(world_arena(world),
			  world_now_us(world) + INT64_C(1000000) * world_quantity(world, 30));
		  make_hash(world, &internal->code_hash))
CODE_STEP(issue_code, IssuePickupCodeRequest, issue_pickup_code_request, READY,
	make_hash(world, &internal->code_hash))

static void identify(struct world *world, Stockbook__V1__CollectPickupRequest *request)
{
	MAKE(world, Identification, identification);
	identification->name = world_text(world, "a friend");
	identification->shown = world_text(world, "order confirmation");
	request->identification = identification;
}

CODE_STEP(
	collect, CollectPickupRequest, collect_pickup_request, READY,
	collect_pickup_request->lines = make_collected(world, row, &collect_pickup_request->n_lines);
	if (world_chance(world, 70)) {
		collect_pickup_request->code = world_text(world, "K7QX2MRT");
		make_hash(world, &internal->code_hash);
	} else identify(world, collect_pickup_request))

static void *get_pickup(struct world *world)
{
	const struct fulfilment_row *row = any_of(world, KIND(PICKUP), PICKUP(READY));
	if (!row)
		return NULL;
	MAKE(world, GetPickupRequest, get_pickup_request);
	get_pickup_request->pickup_id = world_id(world, &row->id);
	return get_pickup_request;
}

static void *list_pickups(struct world *world)
{
	MAKE(world, ListPickupsRequest, list_pickups_request);
	const struct fulfilment_row *row = world_row(world, TABLE(fulfilment));
	if (row && world_chance(world, 40))
		list_pickups_request->order_id = world_id(world, &row->order_id);
	else
		list_pickups_request->location = world_location(world);
	if (list_pickups_request->location[0] && world_chance(world, 50))
		list_pickups_request->status = (Stockbook__V1__PickupStatus)(1 + world_random(world, 9));
	list_pickups_request->page_size = (int32_t)world_random(world, 5);
	return list_pickups_request;
}

/* ---- Shipments ---- */

#define SHIPMENT_STEP(name, Type, type, status, ...)                                               \
	static void *name(struct world *world)                                                         \
	{                                                                                              \
		const struct fulfilment_row *row = any_of(world, KIND(SHIPMENT), SHIPMENT(status));        \
		if (!row)                                                                                  \
			return NULL;                                                                           \
		MAKE(world, Type, type);                                                                   \
		type->shipment_id = world_id(world, &row->id);                                             \
		__VA_ARGS__;                                                                               \
		return type;                                                                               \
	}

SHIPMENT_STEP(split, SplitShipmentRequest, split_shipment_request, ALLOCATED,
	split_shipment_request->lines = make_shipment_lines(world, row,
		&split_shipment_request->n_lines))
SHIPMENT_STEP(pick_shipment, PickShipmentRequest, pick_shipment_request, ALLOCATED,
			  pick_shipment_request->lines = make_picked(world, row,
				  &pick_shipment_request->n_lines);
			  pick_shipment_request->worker = make_worker(world);
			  pick_shipment_request->remedy = make_remedy(world);
			  pick_shipment_request->sourcing = make_options(world))
SHIPMENT_STEP(pack, PackShipmentRequest, pack_shipment_request, PICKED,
			  pack_shipment_request->worker = make_worker(world);
			  pack_shipment_request->parcels = (int32_t)world_random(world, 3))
SHIPMENT_STEP(send, ShipShipmentRequest, ship_shipment_request, PACKED,
			  ship_shipment_request->carrier = world_text(world, "post");
			  ship_shipment_request->skip = world_chance(world, 40))
SHIPMENT_STEP(deliver, DeliverShipmentRequest, deliver_shipment_request, SHIPPED, )
SHIPMENT_STEP(lose, LoseShipmentRequest, lose_shipment_request, SHIPPED,
			  lose_shipment_request->remedy = make_remedy(world);
			  lose_shipment_request->sourcing = make_options(world))
SHIPMENT_STEP(step_back_shipment, StepBackShipmentRequest, step_back_shipment_request, PACKED, )
SHIPMENT_STEP(cancel_shipment, CancelShipmentRequest, cancel_shipment_request, PICKED,
	cancel_shipment_request->remedy = make_remedy(world))
SHIPMENT_STEP(put_back_shipment, PutBackShipmentRequest, put_back_shipment_request, PUTTING_BACK,
	put_back_shipment_request->lines = make_shipment_lines(world, row,
		&put_back_shipment_request->n_lines))
SHIPMENT_STEP(get_shipment, GetShipmentRequest, get_shipment_request, SHIPPED, )

static void *create_shipment(struct world *world)
{
	const struct order_line_row *line = world_row(world, TABLE(order_line));
	if (!line)
		return NULL;
	MAKE(world, CreateShipmentRequest, create_shipment_request);
	create_shipment_request->order_id = world_id(world, &line->order_id);
	create_shipment_request->location = line->allocation_location.count > 0
											? world_text(world, line->allocation_location.items[0])
											: world_location(world);
	if (world_chance(world, 40)) {
		MAKE(world, ShipmentLine, shipment_line);
		shipment_line->line = line->line;
		shipment_line->quantity = world_quantity(world, line->ordered);
		create_shipment_request->n_lines = 1;
		create_shipment_request->lines =
			arena_alloc_array(world_arena(world), 1, sizeof(shipment_line));
		create_shipment_request->lines[0] = shipment_line;
	}
	return create_shipment_request;
}

static void *list_shipments(struct world *world)
{
	MAKE(world, ListShipmentsRequest, list_shipments_request);
	list_shipments_request->location = world_location(world);
	if (world_chance(world, 50))
		list_shipments_request->status =
			(Stockbook__V1__ShipmentStatus)(1 + world_random(world, 8));
	list_shipments_request->page_size = (int32_t)world_random(world, 5);
	return list_shipments_request;
}

/* clang-format off */
const struct generator fulfilment_generators[] = {
	{"PickupService/AcceptPickup", 10, accept},
	{"PickupService/PickPickup", 12, pick_pickup},
	{"PickupService/PickPickup", 5, pick_more},
	{"PickupService/ReadyPickup", 9, make_ready},
	{"PickupService/IssuePickupCode", 2, issue_code},
	{"PickupService/ExtendPickup", 2, extend},
	{"PickupService/CollectPickup", 10, collect},
	{"PickupService/StepBackPickup", 2, step_back_pickup},
	{"PickupService/StepBackPickup", 1, step_back_ready},
	{"PickupService/CancelPickup", 3, cancel_pickup},
	{"PickupService/CancelPickup", 2, cancel_waiting},
	{"PickupService/PutBackPickup", 6, put_back_pickup},
	{"PickupService/GetPickup", 2, get_pickup},
	{"PickupService/ListPickups", 2, list_pickups},
	{"ShipmentService/CreateShipment", 8, create_shipment},
	{"ShipmentService/SplitShipment", 3, split},
	{"ShipmentService/PickShipment", 12, pick_shipment},
	{"ShipmentService/PackShipment", 8, pack},
	{"ShipmentService/ShipShipment", 8, send},
	{"ShipmentService/DeliverShipment", 4, deliver},
	{"ShipmentService/LoseShipment", 4, lose},
	{"ShipmentService/StepBackShipment", 3, step_back_shipment},
	{"ShipmentService/CancelShipment", 3, cancel_shipment},
	{"ShipmentService/PutBackShipment", 5, put_back_shipment},
	{"ShipmentService/GetShipment", 2, get_shipment},
	{"ShipmentService/ListShipments", 2, list_shipments},
	{0},
};
/* clang-format on */
