/* The rows of WorkService. */
#include "api/methods.h"

#include "stockbook/v1/work.pb-c.h"

#define WORKER REQUIRE("worker"), TEXT("worker", 100)
#define DOCUMENTS COUNT("document_ids", 0, 100), UUID("document_ids[]")
#define CLAIM_MS_MIN (INT64_C(60) * 1000)
#define CLAIM_MS_MAX (INT64_C(12) * 60 * 60 * 1000)

/* clang-format off */
static const struct api_method methods[] = {
	{READ("WorkService", "ListWork", ROLES_ALL),
		.rules = {CODE("location"), COUNT("kinds", 0, 20), ENUM("kinds[]"),
			TEXT("claimed_by", 100), PAGE}},
	{READ("WorkService", "SummariseWork", ROLES_ALL), .rules = {CODE("location")}},
	{WRITE("WorkService", "ClaimWork", ROLES_GOODS),
		.rules = {REQUEST_ID, CODE("location"), ENUM("kind"), WORKER, RANGE("most", 0, 100),
			DOCUMENTS, DURATION_MS("claim_for", CLAIM_MS_MIN, CLAIM_MS_MAX)}},
	{WRITE("WorkService", "ReleaseWork", ROLES_GOODS),
		.rules = {REQUEST_ID, CODE("location"), WORKER, DOCUMENTS}},
	{WRITE("WorkService", "RecordRecount", ROLES_GOODS),
		.rules = {REQUEST_ID, CODE("location"), CODE("sku"), QUANTITY_OR_NONE("on_hand"),
			TEXT("note", 500), TEXT("worker", 100)}},
	{WRITE("WorkService", "RequestRecount", ROLES_GOODS),
		.rules = {REQUEST_ID, CODE("location"), CODE("sku"), TEXT("note", 500),
			TEXT("worker", 100)}},
};
/* clang-format on */

const struct api_service work_service = {
	&stockbook__v1__work_service__descriptor, methods, ARRAY_COUNT(methods)};
