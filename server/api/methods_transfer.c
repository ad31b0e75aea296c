/* The rows of TransferService. */
#include "api/methods.h"

#include "book/transfer.h"

/* A step of a transfer that is there. */
#define TRANSFER_STEP REQUEST_ID, UUID("transfer_id"), TEXT("worker", 100)

/* clang-format off */
static const struct api_method methods[] = {
	{WRITE("TransferService", "RequestTransfer", ROLES_GOODS),
		.rules = {REQUEST_ID, CODE("source"), CODE("destination"), LINES("lines"),
			CODE("lines[].sku"), QUANTITY("lines[].quantity"), TEXT("reference", 200),
			TEXT("worker", 100)}},
	{WRITE("TransferService", "ApproveTransfer", ROLES_GOODS), .rules = {TRANSFER_STEP}},
	{WRITE("TransferService", "DispatchTransfer", ROLES_GOODS),
		.rules = {TRANSFER_STEP, LINES_OPTIONAL("lines"),
			RANGE("lines[].line", 1, TRANSFER_LINES_MAX),
			QUANTITY_OR_NONE("lines[].quantity"), QUANTITY_OR_NONE("lines[].short"),
			ENUM_OPTIONAL("lines[].reason"), TEXT("carrier", 200), TEXT("tracking", 200)}},
	{WRITE("TransferService", "ReceiveTransfer", ROLES_GOODS),
		.rules = {TRANSFER_STEP, LINES_OPTIONAL("lines"),
			RANGE("lines[].line", 1, TRANSFER_LINES_MAX),
			QUANTITY_OR_NONE("lines[].received"), QUANTITY_OR_NONE("lines[].damaged"),
			TEXT("note", 500)}},
	{WRITE("TransferService", "CloseTransfer", ROLES_GOODS),
		.rules = {TRANSFER_STEP, ENUM("reason"), TEXT("note", 500)}},
	{WRITE("TransferService", "CancelTransfer", ROLES_GOODS),
		.rules = {TRANSFER_STEP, TEXT("note", 500)}},
	{WRITE("TransferService", "StepBackTransfer", ROLES_GOODS),
		.rules = {TRANSFER_STEP, TEXT("note", 500)}},
	{READ("TransferService", "GetTransfer", ROLES_ALL), .rules = {UUID("transfer_id")}},
	{READ("TransferService", "ListTransfers", ROLES_ALL),
		.rules = {CODE_OPTIONAL("source"), CODE_OPTIONAL("destination"),
			UUID_OPTIONAL("order_id"), EXACTLY_ONE("source|destination|order_id"),
			ENUM_OPTIONAL("status"), PAGE}},
};
/* clang-format on */

const struct api_service transfer_service = {
	&stockbook__v1__transfer_service__descriptor, methods, ARRAY_COUNT(methods)};
