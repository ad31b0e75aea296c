/* The rows of SourcingService. */
#include "api/methods.h"

#include "stockbook/v1/common.pb-c.h"
#include "stockbook/v1/sourcing.pb-c.h"

#include "api/freshness.h"
#include "api/position.h"

#define PROMISE_LINES_MAX 1000
#define PICKUPS_MAX 100
#define EXCLUDED_MAX 2000

#define METHOD_BIT(method)                                                                         \
	(INT64_C(1) << STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_##method)
/* Ways of a promise: what is carried out is a fact. */
#define METHODS_PROMISED (METHOD_BIT(SHIP) | METHOD_BIT(PICKUP) | METHOD_BIT(SHIP_TO_STORE))

/* clang-format off */
static const struct api_method methods[] = {
	{READ("SourcingService", "Promise", ROLES_ALL), .options = promise_options,
		.complete = promise_complete,
		.rules = {CODE_OPTIONAL("channel"), COUNT("lines", 1, PROMISE_LINES_MAX),
			CODE("lines[].sku"), QUANTITY("lines[].quantity"),
			ENUM_ONE_OF_OPTIONAL("method", METHODS_PROMISED), ENUM_OPTIONAL("options.strategy"),
			COUNT("options.excluded_locations", 0, EXCLUDED_MAX),
			CODE("options.excluded_locations[]"),
			COORDINATE("options.destination.latitude", -90, 90),
			COORDINATE("options.destination.longitude", -180, 180),
			COORDINATE("near.latitude", -90, 90), COORDINATE("near.longitude", -180, 180),
			RANGE("locations_max", 0, PICKUPS_MAX), CODE_OPTIONAL("pickup_location"),
			DURATION_MS("max_staleness", 0, STALENESS_MS_MAX), POSITION("at_least")}},
};
/* clang-format on */

const struct api_service sourcing_service = {
	&stockbook__v1__sourcing_service__descriptor, methods, ARRAY_COUNT(methods)};
