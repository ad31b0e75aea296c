/* The rows of LocationService. */
#include "api/methods.h"

#include "stockbook/v1/location.pb-c.h"

#define MEMBERS_MAX 2000
#define MINUTES_OF_A_DAY 1440
#define MINUTES_OF_A_YEAR 525600

/* clang-format off */
static const struct api_method methods[] = {
	{WRITE("LocationService", "PutLocation", ROLES_ADMIN),
		.rules = {REQUEST_ID, REQUIRE("location"), CODE("location.code"),
			TEXT("location.name", 500), ENUM("location.kind"),
			COUNT("location.address.lines", 0, 20), TEXT("location.address.lines[]", 500),
			TEXT("location.address.postal_code", 64), TEXT("location.address.city", 500),
			COUNTRY_OPTIONAL("location.address.country_code"),
			COORDINATE("location.coordinates.latitude", -90, 90),
			COORDINATE("location.coordinates.longitude", -180, 180),
			TEXT("location.time_zone", 64), COUNT("location.opening_hours", 0, 100),
			RANGE("location.opening_hours[].weekday", 1, 7),
			RANGE("location.opening_hours[].open_minute", 0, MINUTES_OF_A_DAY),
			RANGE("location.opening_hours[].close_minute", 0, MINUTES_OF_A_DAY),
			QUANTITY_OR_NONE("location.daily_ship_capacity"),
			QUANTITY_OR_NONE("location.safety_stock"),
			RANGE("location.pickup_accept_minutes", 0, MINUTES_OF_A_YEAR),
			RANGE("location.pickup_ready_minutes", 0, MINUTES_OF_A_YEAR),
			RANGE("location.pickup_hold_minutes", 0, MINUTES_OF_A_YEAR),
			RANGE("location.ship_minutes", 0, MINUTES_OF_A_YEAR)}},
	{READ("LocationService", "GetLocation", ROLES_ALL), .rules = {CODE("code")}},
	{READ("LocationService", "ListLocations", ROLES_ALL), .rules = {PAGE}},
	{WRITE("LocationService", "PutLocationGroup", ROLES_ADMIN),
		.rules = {REQUEST_ID, REQUIRE("location_group"), CODE("location_group.code"),
			TEXT("location_group.name", 500), COUNT("location_group.locations", 0, MEMBERS_MAX),
			CODE("location_group.locations[]")}},
	{READ("LocationService", "GetLocationGroup", ROLES_ALL), .rules = {CODE("code")}},
	{READ("LocationService", "ListLocationGroups", ROLES_ALL), .rules = {PAGE}},
};
/* clang-format on */

const struct api_service location_service = {
	&stockbook__v1__location_service__descriptor, methods, ARRAY_COUNT(methods)};
