/* The rows of LedgerService. */
#include "api/methods.h"

#include "stockbook/v1/ledger.pb-c.h"

#include "api/verify.h"

#define FINDINGS_MAX 1000

/* clang-format off */
static const struct api_method methods[] = {
	{READ("LedgerService", "ListMovements", ROLES_ALL),
		.rules = {CODE_OPTIONAL("sku"), CODE_OPTIONAL("location"), UUID_OPTIONAL("document_id"),
			AT_LEAST_ONE("sku|location|document_id"), TIMESTAMP("from_time"), TIMESTAMP("to_time"),
			PAGE}},
	{READ("LedgerService", "ListChanges", ROLES_ALL), .rules = {UUID("document_id"), PAGE}},
	{READ("LedgerService", "GetOnHandAt", ROLES_ALL),
		.rules = {CODE("sku"), CODE("location"), REQUIRE("time"), TIMESTAMP("time")}},
	{ANSWER("Verify", ROLES_ADMIN, verify_answer), .streams = true,
		.rules = {RANGE("findings_max", 0, FINDINGS_MAX)}},
};
/* clang-format on */

const struct api_service ledger_service = {
	&stockbook__v1__ledger_service__descriptor, methods, ARRAY_COUNT(methods)};
