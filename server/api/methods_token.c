/* The rows of TokenService. */
#include "api/methods.h"

#include "stockbook/v1/token.pb-c.h"

#include "api/token.h"

#define LOCATIONS_MAX 2000

/* clang-format off */
static const struct api_method methods[] = {
	{WRITE("TokenService", "CreateToken", ROLES_ADMIN), .prepare = token_prepare_create,
		.complete = token_complete_create,
		.rules = {REQUEST_ID, CODE("name"), ENUM("role"), COUNT("locations", 0, LOCATIONS_MAX),
			CODE("locations[]")}},
	{READ("TokenService", "ListTokens", ROLES_ADMIN), .rules = {PAGE}},
	{WRITE("TokenService", "RevokeToken", ROLES_ADMIN), .complete = token_complete_revoke,
		.rules = {REQUEST_ID, CODE("name")}},
};
/* clang-format on */

const struct api_service token_service = {
	&stockbook__v1__token_service__descriptor, methods, ARRAY_COUNT(methods)};
