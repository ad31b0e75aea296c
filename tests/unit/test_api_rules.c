/* What requests may be: good ones reach the engine, every bad one is refused and names its field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "unit/fake_api.h"
#include "unit/fake_message.h"

#define ID "request_id=" REQUEST_ID_TEXT "; "
#define TEXT_64 "0123456789012345678901234567890123456789012345678901234567890123"
#define TEXT_65 TEXT_64 "4"
#define TEXT_200 TEXT_64 TEXT_64 TEXT_64 "12345678"
#define TEXT_500 TEXT_200 TEXT_200 TEXT_64 "012345678901234567890123456789012345"
#define MORE_THAN_MOST "1000000000001"

struct good {
	const char *method;
	const char *request;
};

static const struct good goods[] = {
	{"ServerService/Echo", "payload=hello"},
	{"ItemService/PutItem", ID "item.sku=85123A; item.name=" TEXT_500 "; item.aliases[0]=5012345; "
							   "item.safety_stock.value=0"},
	{"ItemService/GetItem", "sku=" TEXT_64},
	{"ItemService/ListItems", "page_size=1000; sku_prefix=85"},
	{"LocationService/PutLocation",
		ID "location.code=LEEDS; location.kind=1; location.coordinates.latitude=53.8; "
		   "location.coordinates.longitude=-1.55; location.address.country_code=GB; "
		   "location.address.lines[0]=1 High Street; location.opening_hours[0].weekday=7; "
		   "location.opening_hours[0].open_minute=540; "
		   "location.opening_hours[0].close_minute=1440; location.safety_stock.value=3"},
	{"LocationService/GetLocation", "code=LEEDS"},
	{"LocationService/ListLocations", ""},
	{"LocationService/PutLocationGroup",
		ID "location_group.code=NORTH; location_group.locations[0]=LEEDS"},
	{"LocationService/GetLocationGroup", "code=NORTH"},
	{"LocationService/ListLocationGroups", "page_size=0"},
	{"ChannelService/PutChannel",
		ID "channel.code=WEB; channel.kind=1; channel.location_group=NORTH; "
		   "channel.safety_stock.value=2"},
	{"ChannelService/GetChannel", "code=WEB"},
	{"ChannelService/ListChannels", ""},
	{"StockService/GetAvailability", "skus[#1000]=85123A; channel=WEB"},
	{"StockService/ExplainAvailability", "sku=85123A; location=LEEDS"},
	{"StockService/ListStock", "location=LEEDS"},
	{"StockService/ListShortages", ""},
	{"StockService/ReceiveStock",
		ID "location=LEEDS; lines[#10000].sku=85123A; lines[#10000].quantity=1; lines[1].state=5; "
		   "reference=" TEXT_200},
	{"StockService/AdjustStock", ID "location=LEEDS; lines[0].sku=85123A; lines[0].quantity=-1; "
									"reason=13; note=broken"},
	{"StockService/SetStock", ID "location=LEEDS; lines[0].sku=85123A; lines[0].on_hand=0; "
								 "lines[0].expected_on_hand.value=1000000000000"},
	{"StockService/ChangeStockState", ID "location=LEEDS; lines[0].sku=85123A; "
										 "lines[0].quantity=1; lines[0].from_state=1; "
										 "lines[0].to_state=7"},
	{"StockService/SetSafetyStock",
		ID "location=LEEDS; lines[0].sku=85123A; lines[0].quantity.value=0; lines[1].sku=22423"},
	{"StockService/SetQuota",
		ID "location=LEEDS; channel=TILL; lines[0].sku=85123A; lines[0].quantity.value=0; "
		   "lines[1].sku=22423"},
	{"SourcingService/Promise",
		"channel=WEB; lines[0].sku=85123A; lines[0].quantity=1; method=3; options.strategy=5; "
		"options.excluded_locations[0]=LEEDS; near.latitude=-90; near.longitude=180; "
		"locations_max=100; max_staleness.seconds=3600"},
	{"ReservationService/Reserve",
		ID "owner=basket 7; channel=WEB; lines[0].sku=85123A; lines[0].quantity=1; "
		   "lines[0].location=LEEDS; hold_for.seconds=1"},
	{"ReservationService/ReplaceReservation",
		ID "reservation_id=" REQUEST_ID_TEXT "; lines[0].sku=85123A; lines[0].quantity=1"},
	{"ReservationService/ExtendReservation",
		ID "reservation_id=" REQUEST_ID_TEXT "; hold_for.seconds=900; hold_for.nanos=5"},
	{"ReservationService/ReleaseReservation", ID "reservation_id=" REQUEST_ID_TEXT},
	{"ReservationService/ConfirmReservation",
		ID "reservation_id=" REQUEST_ID_TEXT "; prices[0].sku=85123A; "
		   "prices[0].unit_price.minor_units=255; prices[0].unit_price.currency_code=GBP; "
		   "method=2"},
	{"ReservationService/GetReservation", "reservation_id=" REQUEST_ID_TEXT},
	{"ReservationService/ListReservations", "owner=basket 7"},
	{"OrderService/PlaceOrder",
		ID "channel=WEB; customer=17850; reference=536365; lines[0].sku=85123A; "
		   "lines[0].quantity=6; lines[0].unit_price.minor_units=0; "
		   "lines[0].unit_price.currency_code=GBP; lines[0].method=1"},
	{"OrderService/AllocateOrder", ID "order_id=" REQUEST_ID_TEXT},
	{"OrderService/DeallocateOrder",
		ID "order_id=" REQUEST_ID_TEXT "; lines[0].line=1; lines[0].quantity=1"},
	{"OrderService/PickOrder", ID "order_id=" REQUEST_ID_TEXT},
	{"OrderService/PutBackOrder", ID "order_id=" REQUEST_ID_TEXT},
	{"OrderService/ShipOrder", ID "order_id=" REQUEST_ID_TEXT "; carrier=post; tracking=X1"},
	{"OrderService/CancelOrderLines", ID "order_id=" REQUEST_ID_TEXT},
	{"OrderService/GetOrder", "order_id=" REQUEST_ID_TEXT},
	{"OrderService/ListOrders", "customer=17850"},
	{"OrderService/AmendOrder",
		ID "order_id=" REQUEST_ID_TEXT "; lines[0].line=1; lines[0].quantity.value=2; "
		   "add[0].sku=85123A; add[0].quantity=1; channel=WEB; note=one more"},
	{"OrderService/GetOrderHistory", "order_id=" REQUEST_ID_TEXT},
	{"PickupService/AcceptPickup", ID "pickup_id=" REQUEST_ID_TEXT "; worker=ann"},
	{"PickupService/PickPickup",
		ID "pickup_id=" REQUEST_ID_TEXT "; lines[0].line=1; lines[0].picked=2; "
		   "lines[0].short=1; lines[0].reason=1; remedy=3"},
	{"PickupService/ReadyPickup",
		ID "pickup_id=" REQUEST_ID_TEXT "; collect_by.seconds=1800000000"},
	{"PickupService/IssuePickupCode", ID "pickup_id=" REQUEST_ID_TEXT},
	{"PickupService/ExtendPickup",
		ID "pickup_id=" REQUEST_ID_TEXT "; collect_by.seconds=1800000000"},
	{"PickupService/CollectPickup", ID "pickup_id=" REQUEST_ID_TEXT "; code=ABCD-EFGH"},
	{"PickupService/StepBackPickup", ID "pickup_id=" REQUEST_ID_TEXT "; note=too early"},
	{"PickupService/CancelPickup", ID "pickup_id=" REQUEST_ID_TEXT "; remedy=2"},
	{"PickupService/PutBackPickup",
		ID "pickup_id=" REQUEST_ID_TEXT "; lines[0].line=1; lines[0].quantity=1"},
	{"PickupService/GetPickup", "pickup_id=" REQUEST_ID_TEXT},
	{"PickupService/ListPickups", "location=LEEDS; status=2"},
	{"ShipmentService/CreateShipment", ID "order_id=" REQUEST_ID_TEXT "; location=LEEDS"},
	{"ShipmentService/SplitShipment",
		ID "shipment_id=" REQUEST_ID_TEXT "; lines[0].line=1; lines[0].quantity=1"},
	{"ShipmentService/PickShipment",
		ID "shipment_id=" REQUEST_ID_TEXT "; lines[0].line=1; lines[0].picked=2"},
	{"ShipmentService/PackShipment", ID "shipment_id=" REQUEST_ID_TEXT "; parcels=2"},
	{"ShipmentService/ShipShipment",
		ID "shipment_id=" REQUEST_ID_TEXT "; carrier=post; tracking=X1"},
	{"ShipmentService/DeliverShipment", ID "shipment_id=" REQUEST_ID_TEXT},
	{"ShipmentService/LoseShipment", ID "shipment_id=" REQUEST_ID_TEXT "; remedy=2"},
	{"ShipmentService/StepBackShipment", ID "shipment_id=" REQUEST_ID_TEXT},
	{"ShipmentService/CancelShipment", ID "shipment_id=" REQUEST_ID_TEXT "; remedy=4"},
	{"ShipmentService/PutBackShipment", ID "shipment_id=" REQUEST_ID_TEXT},
	{"ShipmentService/GetShipment", "shipment_id=" REQUEST_ID_TEXT},
	{"ShipmentService/ListShipments", "order_id=" REQUEST_ID_TEXT},
	{"ReturnService/CreateReturn",
		ID "location=LEEDS; channel=WEB; lines[0].sku=85123A; lines[0].quantity=2; "
		   "lines[0].disposition=1; lines[0].unit_price.currency_code=GBP"},
	{"ReturnService/InspectReturn", ID "return_id=" REQUEST_ID_TEXT "; lines[0].line=1; "
									   "lines[0].quantity=1; lines[0].disposition=3"},
	{"ReturnService/GetReturn", "return_id=" REQUEST_ID_TEXT},
	{"ReturnService/ListReturns", "order_id=" REQUEST_ID_TEXT},
	{"TransferService/RequestTransfer",
		ID "source=LEEDS; destination=YORK; lines[0].sku=85123A; lines[0].quantity=6; "
		   "reference=R1; worker=ann"},
	{"TransferService/ApproveTransfer", ID "transfer_id=" REQUEST_ID_TEXT},
	{"TransferService/DispatchTransfer",
		ID "transfer_id=" REQUEST_ID_TEXT "; lines[0].line=1; lines[0].short=1; "
		   "lines[0].reason=1; carrier=van; tracking=X1"},
	{"TransferService/ReceiveTransfer",
		ID "transfer_id=" REQUEST_ID_TEXT "; lines[0].line=1; lines[0].received=2; "
		   "lines[0].damaged=1; note=wet"},
	{"TransferService/CloseTransfer", ID "transfer_id=" REQUEST_ID_TEXT "; reason=3"},
	{"TransferService/CancelTransfer", ID "transfer_id=" REQUEST_ID_TEXT "; write_off=1"},
	{"TransferService/StepBackTransfer", ID "transfer_id=" REQUEST_ID_TEXT},
	{"TransferService/GetTransfer", "transfer_id=" REQUEST_ID_TEXT},
	{"TransferService/ListTransfers", "source=LEEDS; status=3"},
	{"StockService/SetShelf", ID "location=LEEDS; lines[0].sku=85123A; lines[0].shelf=A-03-2; "
								 "lines[1].sku=22423"},
	{"WorkService/ListWork", "location=LEEDS; kinds[0]=2; claimed_by=ann; with_lines=1"},
	{"WorkService/SummariseWork", "location=LEEDS"},
	{"WorkService/ClaimWork",
		ID "location=LEEDS; kind=2; worker=ann; most=10; claim_for.seconds=60; "
		   "document_ids[0]=" REQUEST_ID_TEXT},
	{"WorkService/ReleaseWork", ID "location=LEEDS; worker=ann"},
	{"WorkService/RecordRecount", ID "location=LEEDS; sku=85123A; on_hand=0; note=behind the till"},
	{"WorkService/RequestRecount", ID "location=LEEDS; sku=85123A"},
	{"LedgerService/ListMovements", "sku=85123A; from_time.seconds=1291161600"},
	{"LedgerService/ListChanges", "document_id=" REQUEST_ID_TEXT},
	{"LedgerService/GetOnHandAt", "sku=85123A; location=LEEDS; time.seconds=1291161600"},
	{"LedgerService/Verify", "findings_max=1000"},
	{"EventService/StreamEvents", "from.parts[0].part=3; from.parts[0].sequence=7;"
								  "locations[0]=LEEDS; skus[0]=85123A; channels[0]=web;"
								  "document_kinds[0]=9; heartbeat.seconds=1"},
	{"EventService/WatchAvailability", "skus[0]=85123A; channel=web; heartbeat.seconds=1"},
	{"TokenService/CreateToken", ID "name=till 3; role=3; locations[0]=LEEDS"},
	{"TokenService/ListTokens", ""},
	{"TokenService/RevokeToken", ID "name=till 3"},
};

struct bad {
	const char *method;
	const char *changes; /* of the good request */
	const char *fields;  /* the violations' */
};

static const struct bad bads[] = {
	{"ItemService/PutItem", "request_id=", "request_id"},
	{"ItemService/PutItem", "request_id=0190163d", "request_id"},
	{"ItemService/PutItem", "request_id=00000000-0000-0000-0000-000000000000", "request_id"},
	{"ItemService/PutItem", "item=-", "item"},
	{"ItemService/PutItem", "item.sku=", "item.sku"},
	{"ItemService/PutItem", "item.sku=" TEXT_65, "item.sku"},
	{"ItemService/PutItem", "item.sku= 85123A", "item.sku"},
	{"ItemService/PutItem", "item.sku=85123A\t", "item.sku"},
	{"ItemService/PutItem", "item.sku=85\n123A", "item.sku"},
	{"ItemService/PutItem", "item.aliases[0]=a\x7f", "item.aliases[0]"},
	{"ItemService/PutItem", "item.name=" TEXT_500 "x", "item.name"},
	{"ItemService/PutItem", "item.aliases[2]=", "item.aliases[1], item.aliases[2]"},
	{"ItemService/PutItem", "item.aliases[#101]=A", "item.aliases"},
	{"ItemService/PutItem", "item.safety_stock.value=-1", "item.safety_stock"},
	{"ItemService/PutItem", "item.sku=; request_id=; item.safety_stock.value=-1",
		"request_id, item.sku, item.safety_stock"},
	{"ItemService/GetItem", "sku=", "sku"},
	{"ItemService/ListItems", "page_size=-1", "page_size"},
	{"ItemService/ListItems", "page_size=1001", "page_size"},
	{"ItemService/ListItems", "sku_prefix=" TEXT_65, "sku_prefix"},
	{"LocationService/PutLocation", "location.code=", "location.code"},
	{"LocationService/PutLocation", "location.kind=0", "location.kind"},
	{"LocationService/PutLocation", "location.kind=4", "location.kind"},
	{"LocationService/PutLocation", "location.coordinates.latitude=90.1",
		"location.coordinates.latitude"},
	{"LocationService/PutLocation", "location.coordinates.longitude=nan",
		"location.coordinates.longitude"},
	{"LocationService/PutLocation", "location.address.country_code=gb",
		"location.address.country_code"},
	{"LocationService/PutLocation", "location.opening_hours[1].weekday=8",
		"location.opening_hours[1].weekday"},
	{"LocationService/PutLocation", "location.opening_hours[0].open_minute=1441",
		"location.opening_hours[0].open_minute"},
	{"LocationService/PutLocation", "location.daily_ship_capacity=-1",
		"location.daily_ship_capacity"},
	{"LocationService/PutLocationGroup", "location_group.locations[#2001]=A",
		"location_group.locations"},
	{"ChannelService/PutChannel", "channel.kind=0", "channel.kind"},
	{"ChannelService/PutChannel", "channel.safety_stock.value=-5", "channel.safety_stock"},
	{"StockService/GetAvailability", "skus=-", "skus"},
	{"StockService/GetAvailability", "skus[#1001]=A", "skus"},
	{"StockService/GetAvailability", "skus[7]=", "skus[7]"},
	{"StockService/GetAvailability", "channel=", "locations"},
	{"StockService/ListStock", "location=", "sku"},
	{"StockService/ReceiveStock", "location=", "location"},
	{"StockService/ReceiveStock", "lines=-", "lines"},
	{"StockService/ReceiveStock", "lines[#10001].sku=A; lines[#10001].quantity=1", "lines"},
	{"StockService/ReceiveStock", "lines[3].quantity=0", "lines[3].quantity"},
	{"StockService/ReceiveStock", "lines[3].quantity=-7", "lines[3].quantity"},
	{"StockService/ReceiveStock", "lines[3].quantity=" MORE_THAN_MOST, "lines[3].quantity"},
	{"StockService/ReceiveStock", "lines[3].quantity=9223372036854775807", "lines[3].quantity"},
	{"StockService/ReceiveStock", "lines[9].state=2", "lines[9].state"},
	{"StockService/ReceiveStock", "lines[9].state=99", "lines[9].state"},
	{"StockService/ReceiveStock", "lines[9].state=-1", "lines[9].state"},
	{"StockService/ReceiveStock", "reference=" TEXT_200 "x", "reference"},
	{"StockService/AdjustStock", "lines[0].quantity=0", "lines[0].quantity"},
	{"StockService/AdjustStock", "lines[0].quantity=-" MORE_THAN_MOST, "lines[0].quantity"},
	{"StockService/AdjustStock", "reason=0", "reason"},
	{"StockService/AdjustStock", "reason=10", "reason"},
	{"StockService/SetStock", "lines[0].on_hand=-1", "lines[0].on_hand"},
	{"StockService/SetStock", "lines[0].expected_on_hand.value=-1", "lines[0].expected_on_hand"},
	{"StockService/ChangeStockState", "lines[0].from_state=0", "lines[0].from_state"},
	{"StockService/ChangeStockState", "lines[0].to_state=3", "lines[0].to_state"},
	{"StockService/SetSafetyStock", "lines[0].quantity.value=-1", "lines[0].quantity"},
	{"StockService/SetQuota", "lines[0].quantity.value=-1; channel=", "channel, lines[0].quantity"},
	{"SourcingService/Promise",
		"lines[0].quantity=0; lines[0].sku=", "lines[0].sku, lines[0].quantity"},
	{"SourcingService/Promise", "method=2", "method"},
	{"SourcingService/Promise", "options.strategy=6; options.excluded_locations[0]=",
		"options.strategy, options.excluded_locations[0]"},
	{"SourcingService/Promise", "options.destination.latitude=90.5",
		"options.destination.latitude"},
	{"SourcingService/Promise", "near.longitude=-181", "near.longitude"},
	{"SourcingService/Promise", "locations_max=101", "locations_max"},
	{"SourcingService/Promise", "max_staleness.seconds=3601", "max_staleness"},
	{"ChannelService/PutChannel", "channel.strategy=6", "channel.strategy"},
	{"ChannelService/PutChannel", "channel.exclusions[0].method=1",
		"channel.exclusions[0].location"},
	{"ChannelService/PutChannel", "channel.delivery_km_per_day=-1", "channel.delivery_km_per_day"},
	{"LocationService/PutLocation", "location.ship_minutes=525601", "location.ship_minutes"},
	{"ReservationService/Reserve", "lines[0].quantity=0", "lines[0].quantity"},
	{"ReservationService/Reserve", "lines[0].sku=", "lines[0].sku"},
	{"ReservationService/Reserve", "hold_for.seconds=0", "hold_for"},
	{"ReservationService/Reserve", "hold_for.seconds=-5", "hold_for"},
	{"ReservationService/Reserve", "hold_for.nanos=-1", "hold_for"},
	{"ReservationService/Reserve", "hold_for.seconds=9223372036854775807", "hold_for"},
	{"ReservationService/Reserve", "owner=" TEXT_200 "x", "owner"},
	{"ReservationService/ReplaceReservation", "reservation_id=7", "reservation_id"},
	{"ReservationService/ConfirmReservation", "prices[0].unit_price=-", "prices[0].unit_price"},
	{"ReservationService/ConfirmReservation", "prices[0].unit_price.minor_units=-1",
		"prices[0].unit_price.minor_units"},
	{"ReservationService/ConfirmReservation", "prices[0].unit_price.currency_code=pound",
		"prices[0].unit_price.currency_code"},
	{"ReservationService/ConfirmReservation", "method=9", "method"},
	{"ReservationService/ListReservations", "owner=", "owner"},
	{"ReservationService/ListReservations", "customer=17850", "customer"},
	{"OrderService/PlaceOrder",
		"lines[0].unit_price.currency_code=", "lines[0].unit_price.currency_code"},
	{"OrderService/PlaceOrder", "lines[2].sku=A",
		"lines[1].sku, lines[1].quantity, "
		"lines[2].quantity"},
	{"OrderService/DeallocateOrder", "lines[0].line=0", "lines[0].line"},
	{"OrderService/ShipOrder", "order_id=", "order_id"},
	{"OrderService/ShipOrder", "tracking=" TEXT_200 "x", "tracking"},
	{"OrderService/ListOrders", "reference=536365", "reference"},
	{"ReturnService/CreateReturn", "order_id=536365", "order_id"},
	{"ReturnService/CreateReturn", "lines[0].disposition=4", "lines[0].disposition"},
	{"ReturnService/InspectReturn", "lines[0].disposition=0", "lines[0].disposition"},
	{"ReturnService/ListReturns", "order_id=", "order_id"},
	{"PickupService/PickPickup", "lines[0].short=-1", "lines[0].short"},
	{"PickupService/CollectPickup", "lines[0].line=1; lines[0].quantity=0", "lines[0].quantity"},
	{"ShipmentService/SplitShipment", "lines[0].quantity=0", "lines[0].quantity"},
	{"ShipmentService/ListShipments", "order_id=", "location"},
	{"TransferService/RequestTransfer", "lines[0].quantity=0", "lines[0].quantity"},
	{"WorkService/ClaimWork", "worker=", "worker"},
	{"WorkService/ClaimWork", "kind=0", "kind"},
	{"WorkService/ClaimWork", "claim_for.seconds=59", "claim_for"},
	{"WorkService/ClaimWork", "document_ids[0]=x", "document_ids[0]"},
	{"WorkService/RecordRecount", "on_hand=-1", "on_hand"},
	{"TransferService/DispatchTransfer", "lines[0].short=-1", "lines[0].short"},
	{"TransferService/CloseTransfer", "reason=0", "reason"},
	{"TransferService/ListTransfers", "destination=YORK", "destination"},
	{"LedgerService/ListMovements", "sku=", "sku"},
	{"LedgerService/ListMovements", "from_time.seconds=9223372036854775807", "from_time"},
	{"LedgerService/ListMovements", "to_time.nanos=-1", "to_time"},
	{"LedgerService/GetOnHandAt", "time=-", "time"},
	{"LedgerService/Verify", "findings_max=1001", "findings_max"},
	{"EventService/StreamEvents", "from.parts[0].part=4096", "from.parts[0].part"},
	{"EventService/StreamEvents", "from.parts[0].sequence=-1", "from.parts[0].sequence"},
	{"EventService/StreamEvents", "heartbeat.seconds=3601", "heartbeat"},
	{"EventService/StreamEvents", "document_kinds[0]=0", "document_kinds[0]"},
	{"EventService/WatchAvailability", "skus=", "skus"},
	{"EventService/WatchAvailability", "channel=", "locations"},
	{"StockService/GetAvailability", "max_staleness.seconds=-1", "max_staleness"},
	{"TokenService/CreateToken", "role=0", "role"},
	{"TokenService/CreateToken", "name=", "name"},
	{"TokenService/CreateToken", "locations[#2]=", "locations[0], locations[1]"},
};

static struct api *api;

static int start(void **state)
{
	(void)state;
	api = fake_api_open(true);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	api_close(api);
	return 0;
}

static const ProtobufCMessageDescriptor *input_of(const char *method)
{
	for (size_t i = 0; i < fake_service_count; i++) {
		const ProtobufCServiceDescriptor *service = fake_services[i]->descriptor;
		size_t length = strlen(service->short_name);
		if (strncmp(service->short_name, method, length) != 0 || method[length] != '/')
			continue;
		const ProtobufCMethodDescriptor *rpc =
			protobuf_c_service_descriptor_get_method_by_name(service, method + length + 1);
		assert_non_null(rpc);
		return rpc->input;
	}
	fail_msg("there is no method '%s'", method);
	return NULL;
}

/* Empty answers for whatever the call made the engine do. */
static void let_finish(struct fake_call *call)
{
	if (fake_engine.verifying) {
		fake_engine.verify.on_end(NULL, fake_engine.verify.data);
		fake_engine.verifying = false;
	}
	if (fake_engine.following) {
		struct refusal refusal = {
			.reason = STOCKBOOK__V1__REASON__REASON_UNAVAILABLE, .message = (char *)"enough"};
		fake_engine.following = false;
		fake_engine.follow.end(NULL, &refusal, fake_engine.follow.data);
	}
	if (fake_engine.count > 0)
		fake_refuse(STOCKBOOK__V1__REASON__REASON_UNAVAILABLE, "enough");
	fake_call_free(call);
}

static void good_requests_reach_the_engine(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(goods); i++) {
		struct arena arena;
		arena_init(&arena);
		struct fake_call *call = fake_call(api, goods[i].method, NULL,
			fake_message(&arena, input_of(goods[i].method), goods[i].request, NULL));
		if (call->finished && call->code != 0)
			fail_msg("%s: %s", goods[i].method, call->message);
		let_finish(call);
		arena_release(&arena);
	}
}

static void every_method_has_a_good_request_here(void **state)
{
	(void)state;
	for (size_t i = 0; i < fake_service_count; i++) {
		for (size_t j = 0; j < fake_services[i]->count; j++) {
			const char *name = fake_services[i]->methods[j].name;
			bool found = fake_services[i]->methods[j].reads; /* has no one request */
			for (size_t k = 0; k < ARRAY_COUNT(goods); k++) {
				const char *method = strchr(goods[k].method, '/') + 1;
				found = found || strcmp(method, name) == 0;
			}
			if (!found && strcmp(name, "GetServerInfo") != 0)
				fail_msg("'%s' has none", name);
		}
	}
}

static const char *good_request(const char *method)
{
	for (size_t i = 0; i < ARRAY_COUNT(goods); i++) {
		if (strcmp(goods[i].method, method) == 0)
			return goods[i].request;
	}
	fail_msg("'%s' has no good request", method);
	return NULL;
}

static void every_bad_request_names_its_fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(bads); i++) {
		const struct bad *bad = &bads[i];
		struct arena arena;
		arena_init(&arena);
		struct fake_call *call = fake_call(api, bad->method, NULL,
			fake_message(&arena, input_of(bad->method), good_request(bad->method), bad->changes));
		if (!call->finished || fake_engine.count > 0 || fake_engine.verifying)
			fail_msg("%s with %s is taken for good", bad->method, bad->changes);
		if (strcmp(call->fields, bad->fields) != 0)
			fail_msg("%s with %s: '%s' instead of '%s' (%s)", bad->method, bad->changes,
				call->fields, bad->fields, call->message);
		assert_int_equal(call->code, 3);
		assert_string_equal(call->reason, "INVALID_FIELD");
		fake_call_free(call);
		arena_release(&arena);
	}
}

static void the_message_says_what_would_be_right(void **state)
{
	(void)state;
	static const struct bad texts[] = {
		{"StockService/ReceiveStock", "lines[3].quantity=0",
			"field 'lines[3].quantity': must be 1 to 1000000000000, is 0"},
		{"StockService/ReceiveStock", "lines[0].state=2",
			"field 'lines[0].state': must be one of AVAILABLE, DAMAGED, QUALITY_CONTROL, ON_HOLD, "
			"is STOCK_STATE_RESERVED"},
		{"StockService/ReceiveStock", "location=; reference=" TEXT_200 "x",
			"field 'location': is required (and 1 more)"},
		{"ReservationService/ListReservations",
			"owner=", "field 'owner': exactly one of 'owner', 'customer' is required"},
		{"ReservationService/ListReservations", "customer=17850",
			"field 'customer': only one of 'owner', 'customer' may be given"},
		{"ReservationService/Reserve", "lines[0].sku=x ",
			"field 'lines[0].sku': must not begin or end with a space"},
	};
	for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
		struct arena arena;
		arena_init(&arena);
		const char *method = texts[i].method;
		struct fake_call *call = fake_call(api, method, NULL,
			fake_message(&arena, input_of(method), good_request(method), texts[i].changes));
		assert_string_equal(call->message, texts[i].fields);
		fake_call_free(call);
		arena_release(&arena);
	}
}

static void many_violations_are_told_up_to_a_bound(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena);
	const char *method = "StockService/ReceiveStock";
	struct fake_call *call = fake_call(api, method, NULL,
		fake_message(&arena, input_of(method), good_request(method), "lines[#10000].quantity=0"));
	assert_string_equal(call->reason, "INVALID_FIELD");
	size_t told = 1;
	for (const char *at = call->fields; *at; at++)
		told += *at == ',';
	assert_int_equal(told, RULE_VIOLATIONS_MAX);
	fake_call_free(call);
	arena_release(&arena);
}

/* ---- Rules that do not fit ---- */

static void a_rule_that_does_not_fit_is_found_at_start(void **state)
{
	(void)state;
	static const struct rule rules[] = {
		CODE("sku"),
		CODE("lines.sku"),
		CODE("location[]"),
		CODE("lines[].quantity"),
		QUANTITY("location"),
		COUNT("location", 1, 2),
		ENUM("lines[].quantity"),
		MONEY("lines[]", 0, 1),
		TIMESTAMP("lines[]"),
		AT_LEAST_ONE("location"),
		AT_LEAST_ONE("location|sku"),
		UUID(""),
		CODE("lines[].sku.text"),
	};
	struct arena arena;
	arena_init(&arena);
	const ProtobufCMessageDescriptor *receive = input_of("StockService/ReceiveStock");
	for (size_t i = 0; i < ARRAY_COUNT(rules); i++) {
		struct compiled_rule compiled;
		const char *error = NULL;
		if (rule_compile(&rules[i], receive, &arena, &compiled, &error))
			fail_msg("the rule for '%s' (%zu) is taken for right", rules[i].path, i);
		assert_non_null(strstr(error, rules[i].path));
	}
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(good_requests_reach_the_engine, start, stop),
		cmocka_unit_test(every_method_has_a_good_request_here),
		cmocka_unit_test_setup_teardown(every_bad_request_names_its_fields, start, stop),
		cmocka_unit_test_setup_teardown(the_message_says_what_would_be_right, start, stop),
		cmocka_unit_test_setup_teardown(many_violations_are_told_up_to_a_bound, start, stop),
		cmocka_unit_test(a_rule_that_does_not_fit_is_found_at_start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
