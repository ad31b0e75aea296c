/* The rows of ShipmentService. */
#include "api/methods.h"

#include "stockbook/v1/shipment.pb-c.h"

/* A step of a shipment that is there. */
#define SHIPMENT_STEP REQUEST_ID, UUID("shipment_id")
#define WORKER TEXT("worker", 100)
#define NOTE TEXT("note", 500)
#define REMEDY ENUM_OPTIONAL("remedy"), SOURCING_OPTIONS("sourcing")
#define PARTS                                                                                      \
	LINES_OPTIONAL("lines"), RANGE("lines[].line", 1, LINES_MAX), QUANTITY("lines[].quantity")

/* clang-format off */
static const struct api_method methods[] = {
	{WRITE("ShipmentService", "CreateShipment", ROLES_GOODS),
		.rules = {REQUEST_ID, UUID("order_id"), CODE("location"), PARTS, WORKER}},
	{WRITE("ShipmentService", "SplitShipment", ROLES_GOODS),
		.rules = {SHIPMENT_STEP, LINES("lines"), RANGE("lines[].line", 1, LINES_MAX),
			QUANTITY("lines[].quantity"), WORKER}},
	{WRITE("ShipmentService", "PickShipment", ROLES_GOODS),
		.rules = {SHIPMENT_STEP, LINES_OPTIONAL("lines"), RANGE("lines[].line", 1, LINES_MAX),
			QUANTITY_OR_NONE("lines[].picked"), QUANTITY_OR_NONE("lines[].short"),
			ENUM_OPTIONAL("lines[].reason"), REMEDY, NOTE, WORKER}},
	{WRITE("ShipmentService", "PackShipment", ROLES_GOODS),
		.rules = {SHIPMENT_STEP, RANGE("parcels", 0, 10000), WORKER}},
	{WRITE("ShipmentService", "ShipShipment", ROLES_GOODS),
		.rules = {SHIPMENT_STEP, TEXT("carrier", 200), TEXT("tracking", 200), WORKER}},
	{WRITE("ShipmentService", "DeliverShipment", ROLES_TRADE), .rules = {SHIPMENT_STEP, NOTE}},
	{WRITE("ShipmentService", "LoseShipment", ROLES_TRADE),
		.rules = {SHIPMENT_STEP, REMEDY, NOTE}},
	{WRITE("ShipmentService", "StepBackShipment", ROLES_GOODS),
		.rules = {SHIPMENT_STEP, NOTE, WORKER}},
	{WRITE("ShipmentService", "CancelShipment", ROLES_TRADE),
		.rules = {SHIPMENT_STEP, REMEDY, NOTE, WORKER}},
	{WRITE("ShipmentService", "PutBackShipment", ROLES_GOODS),
		.rules = {SHIPMENT_STEP, PARTS, WORKER}},
	{READ("ShipmentService", "GetShipment", ROLES_ALL), .rules = {UUID("shipment_id")}},
	{READ("ShipmentService", "ListShipments", ROLES_ALL),
		.rules = {CODE_OPTIONAL("location"), UUID_OPTIONAL("order_id"),
			EXACTLY_ONE("location|order_id"), ENUM_OPTIONAL("status"), PAGE}},
};
/* clang-format on */

const struct api_service shipment_service = {
	&stockbook__v1__shipment_service__descriptor, methods, ARRAY_COUNT(methods)};
