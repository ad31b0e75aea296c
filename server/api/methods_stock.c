/* The rows of StockService. */
#include "api/methods.h"

#include "stockbook/v1/common.pb-c.h"
#include "stockbook/v1/stock.pb-c.h"

#include "api/freshness.h"
#include "api/position.h"

#define SKUS_MAX 1000
#define LOCATIONS_MAX 100000

#define STATE_BIT(state) (INT64_C(1) << STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_##state)
#define REASON_BIT(reason) (INT64_C(1) << STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_##reason)

/* In which goods can lie at a location without a document that owns them. */
#define STATES_ON_SHELF                                                                            \
	(STATE_BIT(AVAILABLE) | STATE_BIT(DAMAGED) | STATE_BIT(QUALITY_CONTROL) | STATE_BIT(ON_HOLD))
#define REASONS_OF_ADJUSTMENT                                                                      \
	(REASON_BIT(SHRINKAGE) | REASON_BIT(BREAKAGE) | REASON_BIT(PAST_DATE) | REASON_BIT(FOUND) |    \
		REASON_BIT(SAMPLE) | REASON_BIT(CORRECTION))

/* clang-format off */
static const struct api_method methods[] = {
	{READ("StockService", "GetAvailability", ROLES_ALL), .options = availability_options,
		.complete = availability_complete,
		.rules = {COUNT("skus", 1, SKUS_MAX), CODE("skus[]"),
			COUNT("locations", 0, LOCATIONS_MAX), CODE("locations[]"),
			CODE_OPTIONAL("location_group"), CODE_OPTIONAL("channel"),
			AT_LEAST_ONE("locations|location_group|channel"),
			DURATION_MS("max_staleness", 0, STALENESS_MS_MAX), POSITION("at_least")}},
	{READ("StockService", "ExplainAvailability", ROLES_ALL),
		.rules = {CODE("sku"), CODE("location"), CODE_OPTIONAL("channel")}},
	{READ("StockService", "ListStock", ROLES_ALL),
		.rules = {CODE_OPTIONAL("sku"), CODE_OPTIONAL("location"), AT_LEAST_ONE("sku|location"),
			PAGE}},
	{READ("StockService", "ListShortages", ROLES_ALL),
		.rules = {CODE_OPTIONAL("location"), PAGE}},
	{WRITE("StockService", "ReceiveStock", ROLES_GOODS),
		.rules = {REQUEST_ID, CODE("location"), LINES("lines"), CODE("lines[].sku"),
			QUANTITY("lines[].quantity"),
			ENUM_ONE_OF_OPTIONAL("lines[].state", STATES_ON_SHELF), TEXT("reference", 200)}},
	{WRITE("StockService", "AdjustStock", ROLES_GOODS),
		.rules = {REQUEST_ID, CODE("location"), LINES("lines"), CODE("lines[].sku"),
			RANGE("lines[].quantity", -QUANTITY_MAX, QUANTITY_MAX), NOT_ZERO("lines[].quantity"),
			ENUM_ONE_OF_OPTIONAL("lines[].state", STATES_ON_SHELF),
			ENUM_ONE_OF("reason", REASONS_OF_ADJUSTMENT), TEXT("note", 500)}},
	{WRITE("StockService", "SetStock", ROLES_ADMIN),
		.rules = {REQUEST_ID, CODE("location"), LINES("lines"), CODE("lines[].sku"),
			QUANTITY_OR_NONE("lines[].on_hand"), QUANTITY_OR_NONE("lines[].expected_on_hand"),
			TEXT("note", 500)}},
	{WRITE("StockService", "ChangeStockState", ROLES_GOODS),
		.rules = {REQUEST_ID, CODE("location"), LINES("lines"), CODE("lines[].sku"),
			QUANTITY("lines[].quantity"), ENUM_ONE_OF("lines[].from_state", STATES_ON_SHELF),
			ENUM_ONE_OF("lines[].to_state", STATES_ON_SHELF), TEXT("note", 500)}},
	{WRITE("StockService", "SetSafetyStock", ROLES_ADMIN),
		.rules = {REQUEST_ID, CODE("location"), LINES("lines"), CODE("lines[].sku"),
			QUANTITY_OR_NONE("lines[].quantity")}},
	{WRITE("StockService", "SetQuota", ROLES_ADMIN),
		.rules = {REQUEST_ID, CODE("location"), CODE("channel"), LINES("lines"),
			CODE("lines[].sku"), QUANTITY_OR_NONE("lines[].quantity")}},
	{WRITE("StockService", "SetShelf", ROLES_GOODS),
		.rules = {REQUEST_ID, CODE("location"), LINES("lines"), CODE("lines[].sku"),
			TEXT("lines[].shelf", 64)}},
};
/* clang-format on */

const struct api_service stock_service = {
	&stockbook__v1__stock_service__descriptor, methods, ARRAY_COUNT(methods)};
