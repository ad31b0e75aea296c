/* The rows of EventService. */
#include "api/methods.h"

#include "stockbook/v1/event.pb-c.h"

#include "api/events.h"
#include "api/position.h"
#include "api/watch.h"

#define FILTER_MAX 1000
#define SKUS_MAX 1000
#define LOCATIONS_MAX 100000
#define HEARTBEAT_MS_MIN 100
#define HEARTBEAT_MS_MAX 3600000

/* clang-format off */
static const struct api_method methods[] = {
	{ANSWER("StreamEvents", ROLES_ALL, events_answer), .streams = true,
		.rules = {POSITION("from"), COUNT("locations", 0, FILTER_MAX), CODE("locations[]"),
			COUNT("skus", 0, FILTER_MAX), CODE("skus[]"),
			COUNT("channels", 0, FILTER_MAX), CODE("channels[]"),
			COUNT("document_kinds", 0, FILTER_MAX), ENUM("document_kinds[]"),
			DURATION_MS("heartbeat", HEARTBEAT_MS_MIN, HEARTBEAT_MS_MAX)}},
	{ANSWER("WatchAvailability", ROLES_ALL, watch_answer), .streams = true,
		.rules = {COUNT("skus", 1, SKUS_MAX), CODE("skus[]"),
			COUNT("locations", 0, LOCATIONS_MAX), CODE("locations[]"),
			CODE_OPTIONAL("location_group"), CODE_OPTIONAL("channel"),
			AT_LEAST_ONE("locations|location_group|channel"),
			DURATION_MS("heartbeat", HEARTBEAT_MS_MIN, HEARTBEAT_MS_MAX)}},
};
/* clang-format on */

const struct api_service event_service = {
	&stockbook__v1__event_service__descriptor, methods, ARRAY_COUNT(methods)};
