/* The rows of PickupService. */
#include "api/methods.h"

#include "stockbook/v1/pickup.pb-c.h"

#include "api/pickup.h"

/* A step of a pickup that is there. */
#define PICKUP_STEP REQUEST_ID, UUID("pickup_id"), TEXT("worker", 100)
#define REMEDY ENUM_OPTIONAL("remedy"), SOURCING_OPTIONS("sourcing")
#define PARTS                                                                                      \
	LINES_OPTIONAL("lines"), RANGE("lines[].line", 1, LINES_MAX), QUANTITY("lines[].quantity")

/* clang-format off */
static const struct api_method methods[] = {
	{WRITE("PickupService", "AcceptPickup", ROLES_GOODS), .rules = {PICKUP_STEP}},
	{WRITE("PickupService", "PickPickup", ROLES_GOODS),
		.rules = {PICKUP_STEP, LINES_OPTIONAL("lines"), RANGE("lines[].line", 1, LINES_MAX),
			QUANTITY_OR_NONE("lines[].picked"), QUANTITY_OR_NONE("lines[].short"),
			ENUM_OPTIONAL("lines[].reason"), REMEDY, TEXT("note", 500)}},
	{WRITE("PickupService", "ReadyPickup", ROLES_GOODS), .prepare = pickup_prepare_ready,
		.complete = pickup_complete_ready, .rules = {PICKUP_STEP, TIMESTAMP("collect_by")}},
	{WRITE("PickupService", "IssuePickupCode", ROLES_GOODS),
		.prepare = pickup_prepare_issue_code, .complete = pickup_complete_issue_code,
		.rules = {PICKUP_STEP}},
	{WRITE("PickupService", "ExtendPickup", ROLES_TRADE),
		.rules = {PICKUP_STEP, REQUIRE("collect_by"), TIMESTAMP("collect_by")}},
	{WRITE("PickupService", "CollectPickup", ROLES_GOODS), .prepare = pickup_prepare_collect,
		.rules = {PICKUP_STEP, TEXT("code", PICKUP_CODE_TYPED_MAX),
			REQUIRE("identification.name"), TEXT("identification.name", 200),
			REQUIRE("identification.shown"), TEXT("identification.shown", 200), PARTS,
			CODE_OPTIONAL("channel")}},
	{WRITE("PickupService", "StepBackPickup", ROLES_GOODS),
		.rules = {PICKUP_STEP, TEXT("note", 500)}},
	{WRITE("PickupService", "CancelPickup", ROLES_TRADE),
		.rules = {PICKUP_STEP, REMEDY, TEXT("note", 500)}},
	{WRITE("PickupService", "PutBackPickup", ROLES_GOODS), .rules = {PICKUP_STEP, PARTS}},
	{READ("PickupService", "GetPickup", ROLES_ALL), .rules = {UUID("pickup_id")}},
	{READ("PickupService", "ListPickups", ROLES_ALL),
		.rules = {CODE_OPTIONAL("location"), UUID_OPTIONAL("order_id"),
			EXACTLY_ONE("location|order_id"), ENUM_OPTIONAL("status"), PAGE}},
};
/* clang-format on */

const struct api_service pickup_service = {
	&stockbook__v1__pickup_service__descriptor, methods, ARRAY_COUNT(methods)};
