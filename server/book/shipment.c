/* Shipments: the machine, the status that follows from the lines, reads, and the operations. */
#include "book/shipment.h"

#include "book/fulfilment_step.h"

#define STATUS(name) STOCKBOOK__V1__SHIPMENT_STATUS__SHIPMENT_STATUS_##name
#define KIND_SHIPMENT STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_SHIPMENT

static const char *const steps[] = {
	[SHIPMENT_CREATE] = "create",
	[SHIPMENT_SPLIT] = "split",
	[SHIPMENT_PICK] = "pick",
	[SHIPMENT_PACK] = "pack",
	[SHIPMENT_SHIP] = "ship",
	[SHIPMENT_SHIP_AT_ONCE] = "ship at once",
	[SHIPMENT_DELIVER] = "deliver",
	[SHIPMENT_LOSE] = "lose",
	[SHIPMENT_STEP_BACK] = "step back",
	[SHIPMENT_CANCEL] = "cancel",
	[SHIPMENT_CANCEL_LINES] = "cancel lines",
	[SHIPMENT_PUT_BACK] = "put back",
};

static const struct transition transitions[] = {
	{STATUS(UNSPECIFIED), SHIPMENT_CREATE, STATUS(ALLOCATED), SHIPMENT_CANCEL},
	{STATUS(UNSPECIFIED), SHIPMENT_CREATE, STATUS(PICKED), SHIPMENT_CANCEL},

	{STATUS(ALLOCATED), SHIPMENT_SPLIT, STATUS(ALLOCATED), STEP_FINAL},
	{STATUS(ALLOCATED), SHIPMENT_SPLIT, STATUS(PICKED), STEP_FINAL},
	/* What is short leaves it, and may have been all there was. */
	{STATUS(ALLOCATED), SHIPMENT_PICK, STATUS(ALLOCATED), SHIPMENT_STEP_BACK},
	{STATUS(ALLOCATED), SHIPMENT_PICK, STATUS(PICKED), SHIPMENT_STEP_BACK},
	{STATUS(ALLOCATED), SHIPMENT_PICK, STATUS(PUTTING_BACK), STEP_FINAL},
	{STATUS(ALLOCATED), SHIPMENT_PICK, STATUS(CANCELLED), STEP_FINAL},
	{STATUS(ALLOCATED), SHIPMENT_SHIP_AT_ONCE, STATUS(SHIPPED), STEP_FINAL},
	{STATUS(ALLOCATED), SHIPMENT_STEP_BACK, STATUS(ALLOCATED), SHIPMENT_PICK},
	{STATUS(ALLOCATED), SHIPMENT_CANCEL, STATUS(PUTTING_BACK), STEP_FINAL},
	{STATUS(ALLOCATED), SHIPMENT_CANCEL, STATUS(CANCELLED), STEP_FINAL},
	{STATUS(ALLOCATED), SHIPMENT_CANCEL_LINES, STATUS(ALLOCATED), STEP_FINAL},
	{STATUS(ALLOCATED), SHIPMENT_CANCEL_LINES, STATUS(PICKED), STEP_FINAL},
	{STATUS(ALLOCATED), SHIPMENT_CANCEL_LINES, STATUS(PUTTING_BACK), STEP_FINAL},
	{STATUS(ALLOCATED), SHIPMENT_CANCEL_LINES, STATUS(CANCELLED), STEP_FINAL},
	{STATUS(ALLOCATED), SHIPMENT_PUT_BACK, STATUS(ALLOCATED), STEP_FINAL},

	{STATUS(PICKED), SHIPMENT_SPLIT, STATUS(PICKED), STEP_FINAL},
	{STATUS(PICKED), SHIPMENT_PACK, STATUS(PACKED), SHIPMENT_STEP_BACK},
	{STATUS(PICKED), SHIPMENT_SHIP_AT_ONCE, STATUS(SHIPPED), STEP_FINAL},
	{STATUS(PICKED), SHIPMENT_STEP_BACK, STATUS(ALLOCATED), SHIPMENT_PICK},
	{STATUS(PICKED), SHIPMENT_CANCEL, STATUS(PUTTING_BACK), STEP_FINAL},
	{STATUS(PICKED), SHIPMENT_CANCEL_LINES, STATUS(PICKED), STEP_FINAL},
	{STATUS(PICKED), SHIPMENT_CANCEL_LINES, STATUS(PUTTING_BACK), STEP_FINAL},
	{STATUS(PICKED), SHIPMENT_PUT_BACK, STATUS(PICKED), STEP_FINAL},

	{STATUS(PACKED), SHIPMENT_SPLIT, STATUS(PACKED), STEP_FINAL},
	{STATUS(PACKED), SHIPMENT_SHIP, STATUS(SHIPPED), STEP_FINAL},
	{STATUS(PACKED), SHIPMENT_SHIP_AT_ONCE, STATUS(SHIPPED), STEP_FINAL},
	{STATUS(PACKED), SHIPMENT_STEP_BACK, STATUS(PICKED), SHIPMENT_PACK},
	{STATUS(PACKED), SHIPMENT_CANCEL, STATUS(PUTTING_BACK), STEP_FINAL},
	{STATUS(PACKED), SHIPMENT_CANCEL_LINES, STATUS(PACKED), STEP_FINAL},
	{STATUS(PACKED), SHIPMENT_CANCEL_LINES, STATUS(PUTTING_BACK), STEP_FINAL},
	{STATUS(PACKED), SHIPMENT_PUT_BACK, STATUS(PACKED), STEP_FINAL},

	{STATUS(SHIPPED), SHIPMENT_DELIVER, STATUS(DELIVERED), STEP_FINAL},
	{STATUS(SHIPPED), SHIPMENT_LOSE, STATUS(LOST), STEP_FINAL},
	/* A part was cancelled, and the rest left before it was back on the shelf. */
	{STATUS(SHIPPED), SHIPMENT_PUT_BACK, STATUS(SHIPPED), STEP_FINAL},
	{STATUS(DELIVERED), SHIPMENT_PUT_BACK, STATUS(DELIVERED), STEP_FINAL},
	{STATUS(LOST), SHIPMENT_PUT_BACK, STATUS(LOST), STEP_FINAL},

	{STATUS(PUTTING_BACK), SHIPMENT_PUT_BACK, STATUS(PUTTING_BACK), STEP_FINAL},
	{STATUS(PUTTING_BACK), SHIPMENT_PUT_BACK, STATUS(CANCELLED), STEP_FINAL},
	{0},
};

const struct machine shipment_machine = {
	.document = "shipment",
	.summary =
		"Goods of an order that leave a location in parcels. It stays `ALLOCATED` while some of "
		"it is still to pick. Cancelled, it is `PUTTING_BACK` as long as goods are off the "
		"shelf.",
	.kind = STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_SHIPMENT,
	.statuses = &stockbook__v1__shipment_status__descriptor,
	.steps = steps,
	.step_count = SHIPMENT_STEP_COUNT,
	.transitions = transitions,
};

Stockbook__V1__ShipmentStatus shipment_status_of(const struct fulfilment *shipment, bool packed)
{
	struct fulfilment_line total = fulfilment_total(shipment);
	CHECK(total.done == 0); /* what left is not judged by its lines */
	if (total.to_pick > 0)
		return STATUS(ALLOCATED);
	if (total.picked > 0)
		return packed ? STATUS(PACKED) : STATUS(PICKED);
	return total.put_back > 0 ? STATUS(PUTTING_BACK) : STATUS(CANCELLED);
}

/* ---- Reads ---- */

static enum verdict shipment_get(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__GetShipmentRequest *request = request_;
	Stockbook__V1__GetShipmentResponse *response = response_;
	const struct fulfilment_row *row;
	struct fulfilment shipment;
	enum verdict verdict = fulfilment_find(run, KIND_SHIPMENT, request->shipment_id, &row);
	if (verdict == VERDICT_DONE)
		verdict = fulfilment_read(run, row, &shipment);
	return verdict == VERDICT_DONE ? shipment_answer(run, &shipment, &response->shipment) : verdict;
}

static enum verdict shipment_list(struct run *run, const void *request_, void *response_)
{
	static const int64_t open[] = {
		STATUS(ALLOCATED), STATUS(PICKED), STATUS(PACKED), STATUS(PUTTING_BACK)};
	const Stockbook__V1__ListShipmentsRequest *request = request_;
	Stockbook__V1__ListShipmentsResponse *response = response_;
	struct fulfilment_list list = {
		.kind = KIND_SHIPMENT,
		.location = request->location,
		.order_id = request->order_id,
		.status = (int)request->status,
		.open = {open, ARRAY_COUNT(open)},
	};
	enum verdict verdict = fulfilment_list(run, request, &list);
	if (verdict != VERDICT_DONE)
		return verdict;
	response->shipments = arena_alloc_array(run->arena, list.count, sizeof(*response->shipments));
	response->n_shipments = list.count;
	response->next_page_token = list.next_page_token;
	for (size_t i = 0; i < list.count; i++)
		if (shipment_answer(run, &list.items[i], &response->shipments[i]) == VERDICT_NEED)
			verdict = VERDICT_NEED;
	return verdict;
}

/* ---- The table ---- */

/* clang-format off */
#define ROUTE(name, Message, id) \
	static int32_t name(const void *request, const struct book_limits *limits) \
	{ \
		return fulfilment_route(((const Stockbook__V1__##Message##Request *)request)->id, limits); \
	}
ROUTE(create_route, CreateShipment, order_id)
ROUTE(split_route, SplitShipment, shipment_id)
ROUTE(pick_route, PickShipment, shipment_id)
ROUTE(pack_route, PackShipment, shipment_id)
ROUTE(ship_route, ShipShipment, shipment_id)
ROUTE(deliver_route, DeliverShipment, shipment_id)
ROUTE(lose_route, LoseShipment, shipment_id)
ROUTE(step_back_route, StepBackShipment, shipment_id)
ROUTE(cancel_route, CancelShipment, shipment_id)
ROUTE(put_back_route, PutBackShipment, shipment_id)

#define OPERATION(method, message, run, route, writes) \
	{"ShipmentService/" method, &stockbook__v1__##message##_request__descriptor, \
		&stockbook__v1__##message##_response__descriptor, run, route, writes}

const struct operation shipment_operations[] = {
	OPERATION("CreateShipment", create_shipment, shipment_create, create_route, true),
	OPERATION("SplitShipment", split_shipment, shipment_split, split_route, true),
	OPERATION("PickShipment", pick_shipment, shipment_pick, pick_route, true),
	OPERATION("PackShipment", pack_shipment, shipment_pack, pack_route, true),
	OPERATION("ShipShipment", ship_shipment, shipment_ship, ship_route, true),
	OPERATION("DeliverShipment", deliver_shipment, shipment_deliver, deliver_route, true),
	OPERATION("LoseShipment", lose_shipment, shipment_lose, lose_route, true),
	OPERATION("StepBackShipment", step_back_shipment, shipment_step_back, step_back_route, true),
	OPERATION("CancelShipment", cancel_shipment, shipment_cancel, cancel_route, true),
	OPERATION("PutBackShipment", put_back_shipment, shipment_put_back, put_back_route, true),
	OPERATION("GetShipment", get_shipment, shipment_get, NULL, false),
	OPERATION("ListShipments", list_shipments, shipment_list, NULL, false),
	{0},
};
/* clang-format on */
