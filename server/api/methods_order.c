/* The rows of OrderService. */
#include "api/methods.h"

#include "stockbook/v1/order.pb-c.h"

/* A step of an order, for some of its lines or for all. */
#define ORDER_STEP                                                                                 \
	REQUEST_ID, UUID("order_id"), LINES_OPTIONAL("lines"), RANGE("lines[].line", 1, LINES_MAX),    \
		CODE_OPTIONAL("lines[].location"), QUANTITY("lines[].quantity")

/* A PlaceOrderLine. */
#define NEW_LINE(path)                                                                             \
	CODE(path "[].sku"), QUANTITY(path "[].quantity"), PRICE(path "[].unit_price"),                \
		ENUM_OPTIONAL(path "[].method"), CODE_OPTIONAL(path "[].location"),                        \
		CODE_OPTIONAL(path "[].pickup_location"), ENUM_OPTIONAL(path "[].otherwise")

/* clang-format off */
static const struct api_method methods[] = {
	{WRITE("OrderService", "PlaceOrder", ROLES_TRADE),
		.rules = {REQUEST_ID, CODE_OPTIONAL("channel"), TEXT("customer", 200),
			TEXT("reference", 200), LINES("lines"), NEW_LINE("lines"),
			SOURCING_OPTIONS("sourcing"), TEXT("worker", 100)}},
	{WRITE("OrderService", "AllocateOrder", ROLES_TRADE),
		.rules = {ORDER_STEP, SOURCING_OPTIONS("sourcing")}},
	{WRITE("OrderService", "DeallocateOrder", ROLES_TRADE), .rules = {ORDER_STEP}},
	{WRITE("OrderService", "PickOrder", ROLES_GOODS), .rules = {ORDER_STEP}},
	{WRITE("OrderService", "PutBackOrder", ROLES_GOODS), .rules = {ORDER_STEP}},
	{WRITE("OrderService", "ShipOrder", ROLES_GOODS),
		.rules = {ORDER_STEP, TEXT("carrier", 200), TEXT("tracking", 200)}},
	{WRITE("OrderService", "CancelOrderLines", ROLES_TRADE),
		.rules = {ORDER_STEP, TEXT("note", 500), CODE_OPTIONAL("channel"), TEXT("worker", 100)}},
	{WRITE("OrderService", "AmendOrder", ROLES_TRADE),
		.rules = {REQUEST_ID, UUID("order_id"), LINES_OPTIONAL("lines"),
			RANGE("lines[].line", 1, LINES_MAX), PRICE("lines[].unit_price"),
			LINES_OPTIONAL("add"), NEW_LINE("add"), SOURCING_OPTIONS("sourcing"), TEXT("note", 500),
			CODE_OPTIONAL("channel"), TEXT("worker", 100)}},
	{READ("OrderService", "GetOrder", ROLES_ALL), .rules = {UUID("order_id")}},
	{READ("OrderService", "GetOrderHistory", ROLES_ALL), .rules = {UUID("order_id")}},
	{READ("OrderService", "ListOrders", ROLES_ALL),
		.rules = {TEXT("customer", 200), TEXT("reference", 200),
			EXACTLY_ONE("customer|reference"), PAGE}},
};
/* clang-format on */

const struct api_service order_service = {
	&stockbook__v1__order_service__descriptor, methods, ARRAY_COUNT(methods)};
