/* The rows of ReservationService. */
#include "api/methods.h"

#include "stockbook/v1/reservation.pb-c.h"

/* How long a hold may last is the server's setting, which the operation knows; this is only what
 * can be meant at all: 1 second to 10 years. */
#define HOLD_FOR DURATION_MS("hold_for", 1000, INT64_C(315360000000))
#define RESERVE_LINES                                                                              \
	LINES("lines"), CODE("lines[].sku"), QUANTITY("lines[].quantity"),                             \
		CODE_OPTIONAL("lines[].location")

/* clang-format off */
static const struct api_method methods[] = {
	{WRITE("ReservationService", "Reserve", ROLES_TRADE),
		.rules = {REQUEST_ID, TEXT("owner", 200), TEXT("customer", 200), CODE_OPTIONAL("channel"),
			RESERVE_LINES, HOLD_FOR, ENUM_OPTIONAL("method"), SOURCING_OPTIONS("sourcing")}},
	{WRITE("ReservationService", "ReplaceReservation", ROLES_TRADE),
		.rules = {REQUEST_ID, UUID("reservation_id"), RESERVE_LINES, HOLD_FOR,
			CODE_OPTIONAL("channel")}},
	{WRITE("ReservationService", "ExtendReservation", ROLES_TRADE),
		.rules = {REQUEST_ID, UUID("reservation_id"), HOLD_FOR}},
	{WRITE("ReservationService", "ReleaseReservation", ROLES_TRADE),
		.rules = {REQUEST_ID, UUID("reservation_id"), TEXT("note", 500)}},
	{WRITE("ReservationService", "ConfirmReservation", ROLES_TRADE),
		.rules = {REQUEST_ID, UUID("reservation_id"), LINES_OPTIONAL("prices"),
			CODE("prices[].sku"), REQUIRE("prices[].unit_price"), PRICE("prices[].unit_price"),
			ENUM_OPTIONAL("method"), TEXT("customer", 200), TEXT("reference", 200),
			LINES_OPTIONAL("lines"), CODE("lines[].sku"), CODE_OPTIONAL("lines[].location"),
			ENUM("lines[].method"), CODE_OPTIONAL("lines[].pickup_location"),
			CODE_OPTIONAL("channel"), TEXT("worker", 100)}},
	{READ("ReservationService", "GetReservation", ROLES_ALL), .rules = {UUID("reservation_id")}},
	{READ("ReservationService", "ListReservations", ROLES_ALL),
		.rules = {TEXT("owner", 200), TEXT("customer", 200), EXACTLY_ONE("owner|customer"), PAGE}},
};
/* clang-format on */

const struct api_service reservation_service = {
	&stockbook__v1__reservation_service__descriptor, methods, ARRAY_COUNT(methods)};
