#include "unit/machine_trials.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "book/order.h"
#include "book/pickup.h"
#include "book/reservation.h"
#include "book/return.h"
#include "book/shipment.h"
#include "book/transfer.h"
#include "stockbook/internal/v1/pickup.pb-c.h"

#define RESERVATION(name) STOCKBOOK__V1__RESERVATION_STATUS__RESERVATION_STATUS_##name
#define ORDER(name) STOCKBOOK__V1__ORDER_STATUS__ORDER_STATUS_##name
#define RETURN(name) STOCKBOOK__V1__RETURN_STATUS__RETURN_STATUS_##name
#define PICKUP(name) STOCKBOOK__V1__PICKUP_STATUS__PICKUP_STATUS_##name
#define SHIPMENT(name) STOCKBOOK__V1__SHIPMENT_STATUS__SHIPMENT_STATUS_##name
#define TRANSFER(name) STOCKBOOK__V1__TRANSFER_STATUS__TRANSFER_STATUS_##name

/* ---- Requests ---- */

static void *field_of(void *message, const char *name)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(((ProtobufCMessage *)message)->descriptor,
			name);
	assert_non_null(field);
	return (char *)message + field->offset;
}

static void *message_new(struct book *book, const ProtobufCMessageDescriptor *descriptor)
{
	void *message = arena_alloc(&book->arena, descriptor->sizeof_message);
	protobuf_c_message_init(descriptor, message);
	return message;
}

/* Says "<document>_id" and nothing else. What comes with a code's hash is wrapped. */
static void *request_of(struct book *book, const char *operation, const char *document,
	const char *id)
{
	const struct operation *found = operation_find(operation);
	if (!found)
		fail_msg("there is no operation '%s'", operation);
	void *message = message_new(book, found->request);
	void *request = message;
	const ProtobufCFieldDescriptor *wrapped =
		protobuf_c_message_descriptor_get_field_by_name(found->request, "request");
	if (wrapped) {
		static uint8_t hash[PICKUP_CODE_HASH_SIZE];
		request = message_new(book, wrapped->descriptor);
		*(void **)field_of(message, "request") = request;
		*(ProtobufCBinaryData *)field_of(message, "code_hash") =
			(ProtobufCBinaryData){sizeof(hash), hash};
	}
	*(const char **)field_of(request, arena_printf(&book->arena, "%s_id", document)) = id;
	return message;
}

void *asked_request(struct book *book, const struct asked *ask, const char *id)
{
	void *request = request_of(book, ask->operation, ask->machine->document, id);
	if (ask->fill)
		ask->fill(book, request);
	return request;
}

/* The step, which must be done. */
static const void *take(struct book *book, const struct machine *machine, int step, const char *id)
{
	for (const struct asked *ask = asked; ask->machine; ask++)
		if (ask->machine == machine && ask->step == step)
			return book_call(book, ask->operation, asked_request(book, ask, id));
	fail_msg("nothing asks for step '%s' of '%s'", machine_step_name(machine, step),
		machine->document);
	return NULL;
}

/* ---- Reservations ---- */

static const char *bring_reservation(struct book *book, int status)
{
	book_receive(book, "S1", "LEEDS", 1);
	const char *id = reserve(book, "S1*1@LEEDS")->id;
	if (status == RESERVATION(CONFIRMED))
		take(book, &reservation_machine, RESERVATION_CONFIRM, id);
	else if (status == RESERVATION(RELEASED))
		take(book, &reservation_machine, RESERVATION_RELEASE, id);
	else if (status == RESERVATION(EXPIRED)) {
		/* Whoever is short of it takes it once its time is over. */
		book->now_us += 1000 * SECOND_US;
		take(book, &reservation_machine, RESERVATION_RELEASE, reserve(book, "S1*1@LEEDS")->id);
	}
	return id;
}

static void fill_replace(struct book *book, void *request_)
{
	Stockbook__V1__ReplaceReservationRequest *request = request_;
	request->lines = replace_request(book, "", "S1*1@LEEDS")->lines;
	request->n_lines = 1;
}

static void fill_confirm_again(struct book *book, void *request)
{
	(void)book;
	((Stockbook__V1__ConfirmReservationRequest *)request)->reserve_again = true;
}

/* ---- Orders ---- */

/* Of its four, one is open, one allocated and two are picked, as far as they are not yet over. */
static const char *bring_order(struct book *book, int status)
{
	book_receive(book, "S1", "LEEDS", 4);
	const char *id = place(book, "S1*4@LEEDS")->id;
	order_do(book, "OrderService/DeallocateOrder", id, "1*1");
	order_do(book, "OrderService/PickOrder", id, "1*2");
	if (status == ORDER(PARTIALLY_FULFILLED) || status == ORDER(FULFILLED))
		order_do(book, "OrderService/ShipOrder", id, "1*1");
	if (status == ORDER(CANCELLED) || status == ORDER(FULFILLED))
		order_do(book, "OrderService/CancelOrderLines", id, "");
	return id;
}

static void fill_create_return(struct book *book, void *request_)
{
	Stockbook__V1__CreateReturnRequest *request = request_;
	*request = *return_request(book, "YORK", request->order_id, "1*1r");
}

/* One less of the four. */
static void fill_amend(struct book *book, void *request_)
{
	Stockbook__V1__AmendOrderRequest *request = request_;
	Stockbook__V1__AmendOrderLine *line =
		message_new(book, &stockbook__v1__amend_order_line__descriptor);
	line->line = 1;
	line->quantity = message_new(book, &google__protobuf__int64_value__descriptor);
	line->quantity->value = 3;
	request->n_lines = 1;
	request->lines = arena_copy(&book->arena, &line, sizeof(void *));
}

/* ---- Returns ---- */

static const char *bring_return(struct book *book, int status)
{
	return take_back(book, "YORK", "", status == RETURN(CLOSED) ? "S1*2r" : "S1*2")->id;
}

static void fill_inspect(struct book *book, void *request_)
{
	Stockbook__V1__InspectReturnRequest *request = request_;
	Stockbook__V1__InspectReturnLine *line = arena_alloc(&book->arena, sizeof(*line));
	stockbook__v1__inspect_return_line__init(line);
	line->line = 1;
	line->quantity = 1;
	line->disposition = STOCKBOOK__V1__DISPOSITION__DISPOSITION_RESTOCK;
	request->n_lines = 1;
	request->lines = arena_copy(&book->arena, &line, sizeof(void *));
}

/* ---- Pickups ---- */

static void fill_pick_pickup(struct book *book, Stockbook__V1__PickPickupRequest *request,
	int64_t picked, int64_t lacking)
{
	Stockbook__V1__PickedLine *line = message_new(book, &stockbook__v1__picked_line__descriptor);
	line->line = 1;
	line->picked = picked;
	line->short_ = lacking;
	if (lacking > 0)
		line->reason = STOCKBOOK__V1__SHORT_REASON__SHORT_REASON_NOT_FOUND;
	request->remedy = STOCKBOOK__V1__SHORT_REMEDY__SHORT_REMEDY_TRANSFER;
	request->n_lines = 1;
	request->lines = arena_copy(&book->arena, &line, sizeof(void *));
}

static void pick_some(struct book *book, const char *id, int64_t picked, int64_t lacking)
{
	Stockbook__V1__PickPickupRequest *request =
		request_of(book, "PickupService/PickPickup", "pickup", id);
	fill_pick_pickup(book, request, picked, lacking);
	book_call(book, "PickupService/PickPickup", request);
}

/* Of five, one was picked and cancelled: wherever it goes from there, it is to be put back. */
static const char *bring_pickup_picked(struct book *book)
{
	book_receive(book, "S1", "LEEDS", 5);
	book_receive(book, "S1", "YORK", 5);
	Stockbook__V1__PlaceOrderRequest *request = place_request(book, "S1*5@LEEDS");
	request->lines[0]->method = STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_PICKUP;
	const Stockbook__V1__PlaceOrderResponse *placed =
		book_call(book, "OrderService/PlaceOrder", request);
	assert_int_equal(placed->n_pickups, 1);
	const char *id = placed->pickups[0]->id;
	take(book, &pickup_machine, PICKUP_ACCEPT, id);
	take(book, &pickup_machine, PICKUP_PICK, id);
	order_do(book, "OrderService/CancelOrderLines", placed->order->id, "1*1");
	return id;
}

static const char *bring_pickup(struct book *book, int status)
{
	static const struct {
		int status;
		int steps[3];
	} ways[] = {
		{PICKUP(REQUESTED), {PICKUP_STEP_BACK, PICKUP_STEP_BACK}},
		{PICKUP(ACCEPTED), {PICKUP_STEP_BACK}},
		{PICKUP(PICKING), {PICKUP_STEP_BACK}},
		{PICKUP(AWAITING_TRANSFER), {PICKUP_STEP_BACK}},
		{PICKUP(READY), {PICKUP_READY}},
		{PICKUP(COLLECTED), {PICKUP_READY, PICKUP_COLLECT, PICKUP_PUT_BACK}},
		{PICKUP(PUTTING_BACK), {PICKUP_CANCEL}},
		{PICKUP(CANCELLED), {PICKUP_CANCEL, PICKUP_PUT_BACK}},
	};
	const char *id = bring_pickup_picked(book);
	for (size_t i = 0; i < ARRAY_COUNT(ways); i++)
		for (size_t j = 0; ways[i].status == status && j < 3 && ways[i].steps[j]; j++)
			take(book, &pickup_machine, ways[i].steps[j], id);
	if (status == PICKUP(PICKING))
		pick_some(book, id, 1, 0);
	else if (status == PICKUP(AWAITING_TRANSFER))
		pick_some(book, id, 0, 1);
	return id;
}

static void fill_extend(struct book *book, void *request)
{
	Google__Protobuf__Timestamp *until =
		message_new(book, &google__protobuf__timestamp__descriptor);
	until->seconds = book->now_us / SECOND_US + 86400;
	((Stockbook__V1__ExtendPickupRequest *)request)->collect_by = until;
}

static void fill_collect(struct book *book, void *request_)
{
	(void)book;
	Stockbook__Internal__V1__CollectPickupRequest *request = request_;
	request->request->code = "AAAA-AAAA";
	request->request->channel = "web";
}

static void fill_wrong_code(struct book *book, void *request_)
{
	static uint8_t wrong[PICKUP_CODE_HASH_SIZE] = {1};
	Stockbook__Internal__V1__CollectPickupRequest *request = request_;
	fill_collect(book, request);
	request->code_hash.data = wrong;
}

/* ---- Shipments ---- */

/* As of pickups: of six, one is to be put back. */
static const char *bring_shipment_picked(struct book *book)
{
	book_receive(book, "S1", "LEEDS", 6);
	Stockbook__V1__CreateShipmentRequest *request =
		request_of(book, "ShipmentService/CreateShipment", "order", place(book, "S1*6@LEEDS")->id);
	request->location = "LEEDS";
	const Stockbook__V1__CreateShipmentResponse *created =
		book_call(book, "ShipmentService/CreateShipment", request);
	const char *id = created->shipment->id;
	take(book, &shipment_machine, SHIPMENT_PICK, id);
	order_do(book, "OrderService/CancelOrderLines", request->order_id, "1*1");
	return id;
}

static const char *bring_shipment(struct book *book, int status)
{
	static const struct {
		int status;
		int steps[3];
	} ways[] = {
		{SHIPMENT(ALLOCATED), {SHIPMENT_STEP_BACK}},
		{SHIPMENT(PACKED), {SHIPMENT_PACK}},
		{SHIPMENT(SHIPPED), {SHIPMENT_SHIP_AT_ONCE}},
		{SHIPMENT(DELIVERED), {SHIPMENT_SHIP_AT_ONCE, SHIPMENT_DELIVER}},
		{SHIPMENT(LOST), {SHIPMENT_SHIP_AT_ONCE, SHIPMENT_LOSE}},
		{SHIPMENT(PUTTING_BACK), {SHIPMENT_CANCEL}},
		{SHIPMENT(CANCELLED), {SHIPMENT_CANCEL, SHIPMENT_PUT_BACK}},
	};
	const char *id = bring_shipment_picked(book);
	for (size_t i = 0; i < ARRAY_COUNT(ways); i++)
		for (size_t j = 0; ways[i].status == status && j < 3 && ways[i].steps[j]; j++)
			take(book, &shipment_machine, ways[i].steps[j], id);
	if (status != SHIPMENT(ALLOCATED))
		return id;
	Stockbook__V1__PickedLine line = STOCKBOOK__V1__PICKED_LINE__INIT;
	Stockbook__V1__PickedLine *lines[] = {&line};
	Stockbook__V1__PickShipmentRequest *request =
		request_of(book, "ShipmentService/PickShipment", "shipment", id);
	line.line = 1;
	line.picked = 1;
	request->n_lines = 1;
	request->lines = lines;
	book_call(book, "ShipmentService/PickShipment", request);
	return id;
}

static void fill_split(struct book *book, void *request_)
{
	Stockbook__V1__SplitShipmentRequest *request = request_;
	Stockbook__V1__ShipmentLine *line =
		message_new(book, &stockbook__v1__shipment_line__descriptor);
	line->line = 1;
	line->quantity = 1;
	request->n_lines = 1;
	request->lines = arena_copy(&book->arena, &line, sizeof(void *));
}

static void fill_ship_at_once(struct book *book, void *request)
{
	(void)book;
	((Stockbook__V1__ShipShipmentRequest *)request)->skip = true;
}

/* ---- Transfers ---- */

static const char *request_transfer(struct book *book)
{
	Stockbook__V1__RequestTransferLine line = STOCKBOOK__V1__REQUEST_TRANSFER_LINE__INIT;
	Stockbook__V1__RequestTransferLine *lines[] = {&line};
	Stockbook__V1__RequestTransferRequest request = STOCKBOOK__V1__REQUEST_TRANSFER_REQUEST__INIT;
	line.sku = "S1";
	line.quantity = 4;
	request.source = "LEEDS";
	request.destination = "YORK";
	request.n_lines = 1;
	request.lines = lines;
	const Stockbook__V1__RequestTransferResponse *response =
		book_call(book, "TransferService/RequestTransfer", &request);
	return response->transfer->id;
}

static void dispatch_some(struct book *book, const char *id, int64_t quantity)
{
	Stockbook__V1__DispatchedLine line = STOCKBOOK__V1__DISPATCHED_LINE__INIT;
	Stockbook__V1__DispatchedLine *lines[] = {&line};
	Stockbook__V1__DispatchTransferRequest *request =
		request_of(book, "TransferService/DispatchTransfer", "transfer", id);
	line.line = 1;
	line.quantity = quantity;
	request->n_lines = 1;
	request->lines = lines;
	book_call(book, "TransferService/DispatchTransfer", request);
}

/* Of four, at most two are sent at first, and one of these received. */
static const char *bring_transfer(struct book *book, int status)
{
	book_receive(book, "S1", "LEEDS", 4);
	const char *id = request_transfer(book);
	if (status == TRANSFER(CANCELLED))
		take(book, &transfer_machine, TRANSFER_CANCEL, id);
	if (status == TRANSFER(CANCELLED) || status == TRANSFER(DRAFT))
		return id;
	take(book, &transfer_machine, TRANSFER_APPROVE, id);
	if (status == TRANSFER(READY))
		return id;
	dispatch_some(book, id, 2);
	if (status == TRANSFER(CLOSED_SHORT))
		take(book, &transfer_machine, TRANSFER_CLOSE, id);
	if (status == TRANSFER(CLOSED_SHORT) || status == TRANSFER(IN_TRANSIT))
		return id;
	take(book, &transfer_machine, TRANSFER_RECEIVE, id);
	dispatch_some(book, id, 1);
	if (status == TRANSFER(PARTIALLY_RECEIVED))
		return id;
	dispatch_some(book, id, 1);
	take(book, &transfer_machine, TRANSFER_RECEIVE, id);
	return id;
}

static void fill_close(struct book *book, void *request)
{
	(void)book;
	((Stockbook__V1__CloseTransferRequest *)request)->reason =
		STOCKBOOK__V1__TRANSFER_LOSS_REASON__TRANSFER_LOSS_REASON_LOST;
}

/* ---- The tables ---- */

const struct brought brought[] = {
	{&reservation_machine, TABLE(reservation), bring_reservation},
	{&order_machine, TABLE(customer_order), bring_order},
	{&return_machine, TABLE(goods_return), bring_return},
	{&pickup_machine, TABLE(fulfilment), bring_pickup},
	{&shipment_machine, TABLE(fulfilment), bring_shipment},
	{&transfer_machine, TABLE(transfer), bring_transfer},
	{0},
};

const struct asked asked[] = {
	{&reservation_machine, RESERVATION_RESERVE, NULL, NULL},
	{&reservation_machine, RESERVATION_REPLACE, "ReservationService/ReplaceReservation",
		fill_replace},
	{&reservation_machine, RESERVATION_EXTEND, "ReservationService/ExtendReservation", NULL},
	{&reservation_machine, RESERVATION_RELEASE, "ReservationService/ReleaseReservation", NULL},
	{&reservation_machine, RESERVATION_CONFIRM, "ReservationService/ConfirmReservation", NULL},
	{&reservation_machine, RESERVATION_CONFIRM_AGAIN, "ReservationService/ConfirmReservation",
		fill_confirm_again},
	{&reservation_machine, RESERVATION_EXPIRE, NULL, NULL}, /* time does it */

	{&order_machine, ORDER_PLACE, NULL, NULL},
	{&order_machine, ORDER_ALLOCATE, "OrderService/AllocateOrder", NULL},
	{&order_machine, ORDER_DEALLOCATE, "OrderService/DeallocateOrder", NULL},
	{&order_machine, ORDER_PICK, "OrderService/PickOrder", NULL},
	{&order_machine, ORDER_PUT_BACK, "OrderService/PutBackOrder", NULL},
	{&order_machine, ORDER_SHIP, "OrderService/ShipOrder", NULL},
	{&order_machine, ORDER_CANCEL, "OrderService/CancelOrderLines", NULL},
	{&order_machine, ORDER_AMEND, "OrderService/AmendOrder", fill_amend},
	{&order_machine, ORDER_COLLECT, NULL, NULL}, /* asked of its pickups and shipments */
	{&order_machine, ORDER_LOSE, NULL, NULL},
	{&order_machine, ORDER_RETURN, "ReturnService/CreateReturn", fill_create_return},

	{&return_machine, RETURN_RECEIVE, NULL, NULL},
	{&return_machine, RETURN_INSPECT, "ReturnService/InspectReturn", fill_inspect},

	{&pickup_machine, PICKUP_REQUEST, NULL, NULL},
	{&pickup_machine, PICKUP_ARRIVE, NULL, NULL}, /* its transfer does */
	{&pickup_machine, PICKUP_MISS, NULL, NULL},
	{&pickup_machine, PICKUP_ACCEPT, "PickupService/AcceptPickup", NULL},
	{&pickup_machine, PICKUP_PICK, "PickupService/PickPickup", NULL},
	{&pickup_machine, PICKUP_READY, "PickupService/ReadyPickup", NULL},
	{&pickup_machine, PICKUP_ISSUE_CODE, "PickupService/IssuePickupCode", NULL},
	{&pickup_machine, PICKUP_REFUSE_CODE, "PickupService/CollectPickup", fill_wrong_code},
	{&pickup_machine, PICKUP_EXTEND, "PickupService/ExtendPickup", fill_extend},
	{&pickup_machine, PICKUP_COLLECT, "PickupService/CollectPickup", fill_collect},
	{&pickup_machine, PICKUP_STEP_BACK, "PickupService/StepBackPickup", NULL},
	{&pickup_machine, PICKUP_CANCEL, "PickupService/CancelPickup", NULL},
	{&pickup_machine, PICKUP_CANCEL_LINES, NULL, NULL}, /* of its order */
	{&pickup_machine, PICKUP_EXPIRE, NULL, NULL},       /* time does it */
	{&pickup_machine, PICKUP_PUT_BACK, "PickupService/PutBackPickup", NULL},

	{&shipment_machine, SHIPMENT_CREATE, NULL, NULL},
	{&shipment_machine, SHIPMENT_SPLIT, "ShipmentService/SplitShipment", fill_split},
	{&shipment_machine, SHIPMENT_PICK, "ShipmentService/PickShipment", NULL},
	{&shipment_machine, SHIPMENT_PACK, "ShipmentService/PackShipment", NULL},
	{&shipment_machine, SHIPMENT_SHIP, "ShipmentService/ShipShipment", NULL},
	{&shipment_machine, SHIPMENT_SHIP_AT_ONCE, "ShipmentService/ShipShipment", fill_ship_at_once},
	{&shipment_machine, SHIPMENT_DELIVER, "ShipmentService/DeliverShipment", NULL},
	{&shipment_machine, SHIPMENT_LOSE, "ShipmentService/LoseShipment", NULL},
	{&shipment_machine, SHIPMENT_STEP_BACK, "ShipmentService/StepBackShipment", NULL},
	{&shipment_machine, SHIPMENT_CANCEL, "ShipmentService/CancelShipment", NULL},
	{&shipment_machine, SHIPMENT_CANCEL_LINES, NULL, NULL}, /* of its order */
	{&shipment_machine, SHIPMENT_PUT_BACK, "ShipmentService/PutBackShipment", NULL},

	{&transfer_machine, TRANSFER_REQUEST, NULL, NULL},
	{&transfer_machine, TRANSFER_APPROVE, "TransferService/ApproveTransfer", NULL},
	{&transfer_machine, TRANSFER_STEP_BACK, "TransferService/StepBackTransfer", NULL},
	{&transfer_machine, TRANSFER_DISPATCH, "TransferService/DispatchTransfer", NULL},
	{&transfer_machine, TRANSFER_RECEIVE, "TransferService/ReceiveTransfer", NULL},
	{&transfer_machine, TRANSFER_CLOSE, "TransferService/CloseTransfer", fill_close},
	{&transfer_machine, TRANSFER_CANCEL, "TransferService/CancelTransfer", NULL},
	{&transfer_machine, TRANSFER_UNTIE, NULL, NULL}, /* its order does */
	{0},
};

const struct other_answer other_answers[] = {
	{&reservation_machine, 0, ANY, REASON(RESERVATION_NOT_FOUND)},
	/* The caller has what he wanted. */
	{&reservation_machine, RESERVATION(EXPIRED), RESERVATION_RELEASE, REASON(UNSPECIFIED)},
	{&reservation_machine, RESERVATION(EXPIRED), ANY, REASON(EXPIRED)},
	{&order_machine, 0, ANY, REASON(ORDER_NOT_FOUND)},
	{&order_machine, ANY, ORDER_RETURN, REASON(RETURN_EXCEEDS_FULFILLED)},
	{&return_machine, 0, ANY, REASON(RETURN_NOT_FOUND)},
	{&pickup_machine, 0, ANY, REASON(PICKUP_NOT_FOUND)},
	{&shipment_machine, 0, ANY, REASON(SHIPMENT_NOT_FOUND)},
	{&transfer_machine, 0, ANY, REASON(TRANSFER_NOT_FOUND)},
	{0},
};
