/* The tables of the API agree with its descriptors and with the book, and disagreement is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "stockbook/v1/item.pb-c.h"
#include "stockbook/v1/ledger.pb-c.h"
#include "stockbook/v1/server.pb-c.h"

#include "book/operations.h"
#include "unit/fake_api.h"

static void every_rpc_has_a_row_and_every_row_an_operation_of_the_book(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena);
	struct methods methods;
	const char *error = NULL;
	if (!methods_open(&methods, &arena, operation_find, &error))
		fail_msg("%s", error);
	size_t rpcs = 0;
	for (size_t i = 0; i < fake_service_count; i++)
		rpcs += fake_services[i]->descriptor->n_methods;
	assert_int_equal(methods.count, rpcs);
	const struct method_entry *entry =
		methods_find(&methods, "/stockbook.v1.OrderService/PlaceOrder");
	assert_non_null(entry);
	assert_string_equal(entry->name, "OrderService/PlaceOrder");
	assert_true(entry->method->writes);
	assert_null(methods_find(&methods, "/stockbook.v1.OrderService/Place"));
	assert_null(methods_find(&methods, "PlaceOrder"));
	arena_release(&arena);
}

static const struct operation *find_none(const char *name)
{
	(void)name;
	return NULL;
}

static void answer_nothing(struct api_call *call)
{
	(void)call;
}

static void is_found(const ProtobufCServiceDescriptor *descriptor, struct api_method method,
	operation_finder *find, const char *message)
{
	struct arena arena;
	arena_init(&arena);
	struct methods methods;
	const char *error = "";
	const struct api_service service = {descriptor, &method, 1};
	const struct api_service *services[] = {&service};
	assert_false(methods_add(&methods, services, 1, &arena, find, &error));
	if (!strstr(error, message))
		fail_msg("'%s' instead of '%s'", error, message);
	arena_release(&arena);
}

static void rows_that_do_not_fit_are_found(void **state)
{
	(void)state;
	const ProtobufCServiceDescriptor *items = &stockbook__v1__item_service__descriptor;
	is_found(items, (struct api_method){ANSWER("GetThing", ROLES_ALL, answer_nothing)}, fake_find,
		"'/stockbook.v1.ItemService/GetThing' names no RPC");
	is_found(items, (struct api_method){READ("ItemService", "GetItem", ROLES_ALL)}, find_none,
		"operation 'ItemService/GetItem' is not in the book");
	is_found(items,
		(struct api_method){.name = "GetItem", .operation = "ItemService/ListItems", .roles = 1},
		fake_find, "takes another request");
	is_found(items,
		(struct api_method){.name = "GetItem",
			.operation = "ItemService/PutItem",
			.roles = ROLES_ALL,
			.writes = true,
			.rules = {REQUEST_ID}},
		fake_find, "rule 'request_id'");
	is_found(items, (struct api_method){WRITE("ItemService", "PutItem", ROLES_ALL)}, fake_find,
		"writes without a request id");
	is_found(items,
		(struct api_method){READ("ItemService", "PutItem", ROLES_ALL), .rules = {REQUEST_ID}},
		fake_find, "takes a request id but writes nothing");
	is_found(items, (struct api_method){READ("ItemService", "GetItem", 0)}, fake_find,
		"nobody may call it");
	is_found(items, (struct api_method){.name = "GetItem", .roles = ROLES_ALL}, fake_find,
		"neither an operation nor an answer");
	is_found(items,
		(struct api_method){READ("ItemService", "GetItem", ROLES_ALL), .rules = {CODE("code")}},
		fake_find, "method 'ItemService/GetItem': rule 'code'");
}

static void a_method_with_two_rows_is_found(void **state)
{
	(void)state;
	static const struct api_method rows[] = {
		{ANSWER("Echo", ROLES_ALL, answer_nothing)},
		{ANSWER("GetServerInfo", ROLES_ALL, answer_nothing)},
		{ANSWER("Echo", ROLES_ADMIN, answer_nothing)},
	};
	static const struct api_service service = {
		&stockbook__v1__server_service__descriptor, rows, ARRAY_COUNT(rows)};
	const struct api_service *services[] = {&service};
	struct arena arena;
	arena_init(&arena);
	struct methods methods;
	const char *error = "";
	assert_false(methods_add(&methods, services, 1, &arena, fake_find, &error));
	assert_string_equal(error, "method '/stockbook.v1.ServerService/Echo' has two rows");
	arena_release(&arena);
}

/* Who may call what, as the comments of the proto say it. */
static void roles_are_those_of_the_proto(void **state)
{
	(void)state;
	static const struct {
		const char *path;
		unsigned roles;
	} rows[] = {
		{"ServerService/Echo", ROLES_ALL},
		{"ItemService/PutItem", ROLES_ADMIN},
		{"ItemService/GetItem", ROLES_ALL},
		{"LocationService/PutLocationGroup", ROLES_ADMIN},
		{"ChannelService/PutChannel", ROLES_ADMIN},
		{"StockService/GetAvailability", ROLES_ALL},
		{"StockService/ReceiveStock", ROLES_GOODS},
		{"StockService/AdjustStock", ROLES_GOODS},
		{"StockService/ChangeStockState", ROLES_GOODS},
		{"StockService/SetStock", ROLES_ADMIN},
		{"StockService/SetSafetyStock", ROLES_ADMIN},
		{"StockService/SetQuota", ROLES_ADMIN},
		{"SourcingService/Promise", ROLES_ALL},
		{"ReservationService/Reserve", ROLES_TRADE},
		{"ReservationService/ConfirmReservation", ROLES_TRADE},
		{"OrderService/PlaceOrder", ROLES_TRADE},
		{"OrderService/PickOrder", ROLES_GOODS},
		{"OrderService/ShipOrder", ROLES_GOODS},
		{"OrderService/CancelOrderLines", ROLES_TRADE},
		{"ReturnService/CreateReturn", ROLES_GOODS},
		{"TransferService/RequestTransfer", ROLES_GOODS},
		{"WorkService/ClaimWork", ROLES_GOODS},
		{"WorkService/ListWork", ROLES_ALL},
		{"TransferService/ReceiveTransfer", ROLES_GOODS},
		{"LedgerService/ListMovements", ROLES_ALL},
		{"LedgerService/Verify", ROLES_ADMIN},
		{"TokenService/CreateToken", ROLES_ADMIN},
		{"TokenService/ListTokens", ROLES_ADMIN},
	};
	struct arena arena;
	arena_init(&arena);
	struct methods methods;
	const char *error = NULL;
	assert_true(methods_open(&methods, &arena, fake_find, &error));
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		const struct method_entry *entry =
			methods_find(&methods, arena_printf(&arena, "/stockbook.v1.%s", rows[i].path));
		assert_non_null(entry);
		if (entry->method->roles != rows[i].roles)
			fail_msg("'%s' has the roles %x", rows[i].path, entry->method->roles);
	}
	/* Whatever reads is for all but proofs and tokens; no reader changes anything. */
	for (size_t i = 0; i < methods.count; i++) {
		const struct api_method *method = methods.entries[i].method;
		assert_true(method->roles & ROLES_ADMIN);
		assert_false(method->writes && (method->roles & ROLE_BIT(READER)));
	}
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_rpc_has_a_row_and_every_row_an_operation_of_the_book),
		cmocka_unit_test(rows_that_do_not_fit_are_found),
		cmocka_unit_test(a_method_with_two_rows_is_found),
		cmocka_unit_test(roles_are_those_of_the_proto),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
