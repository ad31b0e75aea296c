/* The rows of ChannelService. */
#include "api/methods.h"

#include "stockbook/v1/channel.pb-c.h"

/* clang-format off */
static const struct api_method methods[] = {
	{WRITE("ChannelService", "PutChannel", ROLES_ADMIN),
		.rules = {REQUEST_ID, REQUIRE("channel"), CODE("channel.code"), TEXT("channel.name", 500),
			ENUM("channel.kind"), CODE_OPTIONAL("channel.location_group"),
			QUANTITY_OR_NONE("channel.safety_stock")}},
	{READ("ChannelService", "GetChannel", ROLES_ALL), .rules = {CODE("code")}},
	{READ("ChannelService", "ListChannels", ROLES_ALL), .rules = {PAGE}},
};
/* clang-format on */

const struct api_service channel_service = {
	&stockbook__v1__channel_service__descriptor, methods, ARRAY_COUNT(methods)};
