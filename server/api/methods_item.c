/* The rows of ItemService. */
#include "api/methods.h"

#include "stockbook/v1/item.pb-c.h"

#define ALIASES_MAX 100

/* clang-format off */
static const struct api_method methods[] = {
	{WRITE("ItemService", "PutItem", ROLES_ADMIN),
		.rules = {REQUEST_ID, REQUIRE("item"), CODE("item.sku"), TEXT("item.name", 500),
			COUNT("item.aliases", 0, ALIASES_MAX), CODE("item.aliases[]"),
			QUANTITY_OR_NONE("item.safety_stock")}},
	{READ("ItemService", "GetItem", ROLES_ALL), .rules = {CODE("sku")}},
	{READ("ItemService", "ListItems", ROLES_ALL), .rules = {PAGE, TEXT("sku_prefix", 64)}},
};
/* clang-format on */

const struct api_service item_service = {
	&stockbook__v1__item_service__descriptor, methods, ARRAY_COUNT(methods)};
