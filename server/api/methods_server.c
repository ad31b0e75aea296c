/* The rows of ServerService; all are the API's own (server.c). */
#include "api/methods.h"

#include "stockbook/v1/server.pb-c.h"

#include "api/server.h"

#define ECHO_BYTES_MAX 65536

/* clang-format off */
static const struct api_method methods[] = {
	{ANSWER("Echo", ROLES_ALL, server_echo), .rules = {BYTES("payload", 0, ECHO_BYTES_MAX)}},
	{ANSWER("GetServerInfo", ROLES_ALL, server_get_info)},
};
/* clang-format on */

const struct api_service server_service = {
	&stockbook__v1__server_service__descriptor, methods, ARRAY_COUNT(methods)};
