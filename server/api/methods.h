/*
 * The methods of the API: one row for each RPC, in a file per noun (methods_<noun>.c), with who may
 * call it, what its request must be like, and which operation of the book answers it. Adding an RPC
 * is adding a row; methods_open() refuses to start when rows and descriptors do not agree.
 */
#ifndef STOCKBOOK_API_METHODS_H
#define STOCKBOOK_API_METHODS_H

#include <stdbool.h>

#include <protobuf-c/protobuf-c.h>

#include "api/rule.h"
#include "book/run.h"

#include "stockbook/v1/token.pb-c.h"

struct api_call;
struct metric;

#define METHOD_RULES_MAX 24
#define METHOD_CODES 17 /* gRPC's, 0 to 16 */

#define ROLE_BIT(role) (1U << STOCKBOOK__V1__ROLE__ROLE_##role)
#define ROLES_ADMIN ROLE_BIT(ADMIN)
/* Who handles goods. */
#define ROLES_GOODS (ROLE_BIT(STORE) | ROLE_BIT(FULFILMENT) | ROLES_ADMIN)
/* Who sells. */
#define ROLES_TRADE (ROLE_BIT(SHOP) | ROLES_GOODS)
#define ROLES_ALL (ROLE_BIT(READER) | ROLES_TRADE)

struct api_method {
	const char *name;      /* "GetItem" */
	const char *operation; /* in book/operations.h; NULL: `answer` does it */
	unsigned roles;        /* who may call it */
	bool writes;
	bool streams; /* any number of responses */
	bool reads;   /* and of requests; `answer` reads them itself */
	/* Answers the call without an operation. */
	void (*answer)(struct api_call *call);
	/* NULL: the operation takes the request as it came, and its response is the answer. */
	const void *(*prepare)(struct api_call *call);
	/* Sets more of call->request; false: it has refused the call. NULL: nothing more. */
	bool (*options)(struct api_call *call);
	void (*complete)(struct api_call *call);
	struct rule rules[METHOD_RULES_MAX]; /* ends at the first without path */
};

struct api_service {
	const ProtobufCServiceDescriptor *descriptor;
	const struct api_method *methods;
	size_t count;
};

/* A row that has been checked, and what is counted of it. */
struct method_entry {
	const char *path; /* "/stockbook.v1.ItemService/GetItem" */
	const char *name; /* "ItemService/GetItem": for logs and metrics */
	const struct api_method *method;
	const ProtobufCMethodDescriptor *descriptor;
	const struct operation *operation;
	struct compiled_rule *rules;
	size_t rule_count;
	struct metric *calls[METHOD_CODES]; /* made when first needed */
	struct metric *seconds;
};

struct methods {
	struct method_entry *entries; /* by path */
	size_t count;
};

/* Where operations are found: operation_find() of the book, or a test's. */
typedef const struct operation *operation_finder(const char *name);

/* False: *error (in the arena) names the row or the RPC that does not fit. */
MUST_USE bool methods_open(struct methods *methods, struct arena *arena, operation_finder *find,
	const char **error);
/* The same over other services than the API's own, for tests. */
MUST_USE bool methods_add(struct methods *methods, const struct api_service *const *services,
	size_t service_count, struct arena *arena, operation_finder *find, const char **error);
/* By path; NULL when there is none. */
struct method_entry *methods_find(const struct methods *methods, const char *path);

extern const struct api_service server_service;
extern const struct api_service item_service;
extern const struct api_service location_service;
extern const struct api_service channel_service;
extern const struct api_service stock_service;
extern const struct api_service reservation_service;
extern const struct api_service sourcing_service;
extern const struct api_service order_service;
extern const struct api_service pickup_service;
extern const struct api_service shipment_service;
extern const struct api_service return_service;
extern const struct api_service transfer_service;
extern const struct api_service work_service;
extern const struct api_service ledger_service;
extern const struct api_service token_service;
extern const struct api_service session_service;
extern const struct api_service event_service;

/* ---- The rows of the tables ---- */

/* An operation of the same name answers it. */
#define READ(service, method, who)                                                                 \
	.name = method, .operation = service "/" method, .roles = (who), .writes = false
#define WRITE(service, method, who)                                                                \
	.name = method, .operation = service "/" method, .roles = (who), .writes = true
/* The API answers it itself. */
#define ANSWER(method, who, function) .name = method, .roles = (who), .answer = (function)

#define QUANTITY(path) RANGE(path, 1, QUANTITY_MAX)
#define QUANTITY_OR_NONE(path) RANGE(path, 0, QUANTITY_MAX)
#define LINES(path) COUNT(path, 1, LINES_MAX)
#define LINES_OPTIONAL(path) COUNT(path, 0, LINES_MAX)
#define PRICE(path) MONEY(path, 0, QUANTITY_MAX)
/* Of a message SourcingOptions. */
#define SOURCING_OPTIONS(path)                                                                     \
	ENUM_OPTIONAL(path ".strategy"), COUNT(path ".excluded_locations", 0, 2000),                   \
		CODE(path ".excluded_locations[]"), COORDINATE(path ".destination.latitude", -90, 90),     \
		COORDINATE(path ".destination.longitude", -180, 180)

#endif
