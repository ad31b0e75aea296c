/* The rows of ChannelService. */
#include "api/methods.h"

#include "stockbook/v1/channel.pb-c.h"

#define EXCLUSIONS_MAX 10000
#define DAYS_MAX 365
#define KM_PER_DAY_MAX 100000

/* clang-format off */
static const struct api_method methods[] = {
	{WRITE("ChannelService", "PutChannel", ROLES_ADMIN),
		.rules = {REQUEST_ID, REQUIRE("channel"), CODE("channel.code"), TEXT("channel.name", 500),
			ENUM("channel.kind"), CODE_OPTIONAL("channel.location_group"),
			QUANTITY_OR_NONE("channel.safety_stock"), ENUM_OPTIONAL("channel.strategy"),
			COUNT("channel.exclusions", 0, EXCLUSIONS_MAX), CODE("channel.exclusions[].location"),
			ENUM_OPTIONAL("channel.exclusions[].method"),
			RANGE("channel.delivery_days", 0, DAYS_MAX),
			RANGE("channel.delivery_km_per_day", 0, KM_PER_DAY_MAX)}},
	{READ("ChannelService", "GetChannel", ROLES_ALL), .rules = {CODE("code")}},
	{READ("ChannelService", "ListChannels", ROLES_ALL), .rules = {PAGE}},
};
/* clang-format on */

const struct api_service channel_service = {
	&stockbook__v1__channel_service__descriptor, methods, ARRAY_COUNT(methods)};
