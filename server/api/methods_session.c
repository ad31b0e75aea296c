/* The rows of SessionService. */
#include "api/methods.h"

#include "stockbook/v1/session.pb-c.h"

#include "api/session.h"

/* clang-format off */
static const struct api_method methods[] = {
	/* The rules are those of each message; an operation has those of its own method. */
	{ANSWER("Session", ROLES_ALL, session_answer), .streams = true, .reads = true,
		.rules = {COUNT("operations", 0, SESSION_MESSAGE_OPERATIONS_MAX)}},
};
/* clang-format on */

const struct api_service session_service = {
	&stockbook__v1__session_service__descriptor, methods, ARRAY_COUNT(methods)};
