/* The rows of ReturnService. */
#include "api/methods.h"

#include "stockbook/v1/return.pb-c.h"

/* clang-format off */
static const struct api_method methods[] = {
	{WRITE("ReturnService", "CreateReturn", ROLES_GOODS),
		.rules = {REQUEST_ID, CODE("location"), CODE_OPTIONAL("channel"),
			UUID_OPTIONAL("order_id"), TEXT("customer", 200), TEXT("reference", 200),
			LINES("lines"), RANGE("lines[].order_line", 0, LINES_MAX), CODE_OPTIONAL("lines[].sku"),
			QUANTITY("lines[].quantity"), ENUM_OPTIONAL("lines[].disposition"),
			PRICE("lines[].unit_price"), TEXT("note", 500)}},
	{WRITE("ReturnService", "InspectReturn", ROLES_GOODS),
		.rules = {REQUEST_ID, UUID("return_id"), LINES("lines"),
			RANGE("lines[].line", 1, LINES_MAX), QUANTITY("lines[].quantity"),
			ENUM("lines[].disposition"), TEXT("note", 500)}},
	{READ("ReturnService", "GetReturn", ROLES_ALL), .rules = {UUID("return_id")}},
	{READ("ReturnService", "ListReturns", ROLES_ALL),
		.rules = {UUID_OPTIONAL("order_id"), TEXT("customer", 200),
			EXACTLY_ONE("order_id|customer"), PAGE}},
};
/* clang-format on */

const struct api_service return_service = {
	&stockbook__v1__return_service__descriptor, methods, ARRAY_COUNT(methods)};
