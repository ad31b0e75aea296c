/* The life of a call in the API, over an engine made for tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "stockbook/v1/item.pb-c.h"
#include "stockbook/v1/ledger.pb-c.h"
#include "stockbook/v1/server.pb-c.h"
#include "stockbook/v1/stock.pb-c.h"

#include "observe/metrics.h"
#include "unit/fake_api.h"
#include "unit/fake_message.h"

#define ID "request_id=" REQUEST_ID_TEXT "; "
#define RECEIVE ID "location=LEEDS; lines[0].sku=85123A; lines[0].quantity=12"

static const struct fake_token tokens[] = {
	{"reader", "a reader", STOCKBOOK__V1__ROLE__ROLE_READER, NULL, false},
	{"shop", "the shop", STOCKBOOK__V1__ROLE__ROLE_SHOP, NULL, false},
	{"store", "a till", STOCKBOOK__V1__ROLE__ROLE_STORE, "LEEDS", false},
	{"fulfilment", "the warehouse", STOCKBOOK__V1__ROLE__ROLE_FULFILMENT, NULL, false},
	{"admin", "an admin", STOCKBOOK__V1__ROLE__ROLE_ADMIN, NULL, false},
};

static struct api *api;
static struct arena arena;

static int start(void **state)
{
	(void)state;
	arena_init(&arena);
	api = fake_api_open(false);
	fake_engine.tokens = tokens;
	fake_engine.token_count = ARRAY_COUNT(tokens);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	assert_int_equal(api_calls_in_flight(api), 0);
	api_close(api);
	arena_release(&arena);
	return 0;
}

static const ProtobufCMessage *receipt(const char *changes)
{
	return fake_message(&arena, &stockbook__v1__receive_stock_request__descriptor, RECEIVE,
		changes);
}

static void a_write_reaches_the_engine_and_its_answer_the_caller(void **state)
{
	(void)state;
	struct fake_call *call = fake_call(api, "StockService/ReceiveStock", "store", receipt(NULL));
	assert_false(call->finished);
	assert_int_equal(api_calls_in_flight(api), 1);
	const struct engine_request *request = fake_request(0);
	assert_string_equal(request->operation->name, "StockService/ReceiveStock");
	const Stockbook__V1__ReceiveStockRequest *message = request->message;
	assert_string_equal(message->location, "LEEDS");
	assert_int_equal(message->lines[0]->quantity, 12);
	char id[UUID_TEXT_SIZE];
	uuid_format(&request->request_id, id);
	assert_string_equal(id, REQUEST_ID_TEXT);
	assert_true(request->deadline_us == INT64_MAX);

	fake_answer_packed((const uint8_t *)"\x0a\x02id", 4);
	assert_true(call->finished);
	assert_int_equal(call->code, 0);
	assert_int_equal(call->messages[0].size, 4);
	assert_memory_equal(call->messages[0].bytes, "\x0a\x02id", 4);
	assert_true(strlen(call->call.request_tag) > 0);
	fake_call_free(call);
}

static void a_store_is_bound_to_its_locations(void **state)
{
	(void)state;
	struct fake_call *call = fake_call(api, "StockService/ReceiveStock", "store", receipt(NULL));
	const struct actor *actor = fake_request(0)->actor;
	assert_string_equal(actor->name, "a till");
	assert_int_equal(actor->role, STOCKBOOK__V1__ROLE__ROLE_STORE);
	assert_true(actor->bound);
	assert_int_equal(actor->locations.count, 1);
	assert_string_equal(actor->locations.items[0], "LEEDS");
	fake_refuse(STOCKBOOK__V1__REASON__REASON_LOCATION_NOT_ALLOWED, "bound elsewhere");
	assert_int_equal(call->code, 7);
	assert_string_equal(call->reason, "LOCATION_NOT_ALLOWED");
	fake_call_free(call);

	call = fake_call(api, "StockService/ReceiveStock", "fulfilment", receipt(NULL));
	assert_false(fake_request(0)->actor->bound);
	fake_answer_packed(NULL, 0);
	fake_call_free(call);
}

static void fingerprints_tell_contents_and_methods_apart(void **state)
{
	(void)state;
	uint8_t prints[5][16];
	struct fake_call *call;
	static const char *const changes[] = {NULL, NULL, "lines[0].quantity=13"};
	for (size_t i = 0; i < 3; i++) {
		call = fake_call(api, "StockService/ReceiveStock", "admin", receipt(changes[i]));
		memcpy(prints[i], fake_request(0)->fingerprint, 16);
		fake_answer_packed(NULL, 0);
		fake_call_free(call);
	}
	/* The same bytes for two methods. */
	static const char *const methods[] = {"OrderService/PickOrder", "OrderService/PutBackOrder"};
	static const char bytes[] = "\x0a\x24" REQUEST_ID_TEXT "\x12\x24" REQUEST_ID_TEXT;
	for (size_t i = 0; i < 2; i++) {
		call = fake_call_bytes(api, methods[i], "admin", bytes, sizeof(bytes) - 1);
		memcpy(prints[3 + i], fake_request(0)->fingerprint, 16);
		fake_answer_packed(NULL, 0);
		fake_call_free(call);
	}
	assert_memory_equal(prints[0], prints[1], 16);
	assert_memory_not_equal(prints[0], prints[2], 16);
	assert_memory_not_equal(prints[3], prints[4], 16);
}

static void refusals_of_the_engine_reach_the_caller(void **state)
{
	(void)state;
	static const struct {
		Stockbook__V1__Reason reason;
		int code;
		const char *name;
	} rows[] = {
		{STOCKBOOK__V1__REASON__REASON_REQUEST_ID_REUSED, 6, "REQUEST_ID_REUSED"},
		{STOCKBOOK__V1__REASON__REASON_OUT_OF_STOCK, 9, "OUT_OF_STOCK"},
		{STOCKBOOK__V1__REASON__REASON_ITEM_NOT_FOUND, 5, "ITEM_NOT_FOUND"},
		{STOCKBOOK__V1__REASON__REASON_OVERLOADED, 8, "OVERLOADED"},
		{STOCKBOOK__V1__REASON__REASON_UNAVAILABLE, 14, "UNAVAILABLE"},
		{STOCKBOOK__V1__REASON__REASON_DEADLINE_EXCEEDED, 4, "DEADLINE_EXCEEDED"},
	};
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct fake_call *call =
			fake_call(api, "StockService/ReceiveStock", "admin", receipt(NULL));
		fake_refuse(rows[i].reason, "for a reason");
		assert_int_equal(call->code, rows[i].code);
		assert_string_equal(call->reason, rows[i].name);
		assert_string_equal(call->message, "for a reason");
		fake_call_free(call);
	}
}

static void an_internal_error_keeps_its_cause_to_the_log(void **state)
{
	(void)state;
	struct fake_call *call = fake_call(api, "StockService/ReceiveStock", "admin", receipt(NULL));
	fake_refuse(STOCKBOOK__V1__REASON__REASON_INTERNAL, "relation 'stock' does not exist");
	assert_int_equal(call->code, 13);
	assert_null(strstr(call->message, "relation"));
	assert_non_null(strstr(call->message, call->call.request_tag));
	fake_call_free(call);
}

static void roles_decide_who_may_call_what(void **state)
{
	(void)state;
	static const struct {
		const char *method;
		const char *request;
		const char *allowed; /* initials of the tokens above */
	} rows[] = {
		{"ItemService/GetItem", "sku=A", "rsSfa"},
		{"ItemService/PutItem", ID "item.sku=A", "a"},
		{"StockService/ReceiveStock", RECEIVE, "Sfa"},
		{"StockService/SetStock", ID "location=LEEDS; lines[0].sku=A", "a"},
		{"ReservationService/Reserve", ID "lines[0].sku=A; lines[0].quantity=1", "sSfa"},
		{"OrderService/ShipOrder", ID "order_id=" REQUEST_ID_TEXT, "Sfa"},
		{"TokenService/ListTokens", "", "a"},
	};
	static const char initials[] = "rsSfa";
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		const struct operation *operation = fake_find(rows[i].method);
		assert_non_null(operation);
		for (size_t j = 0; j < ARRAY_COUNT(tokens); j++) {
			struct fake_call *call = fake_call(api, rows[i].method, tokens[j].secret,
				fake_message(&arena, operation->request, rows[i].request, NULL));
			if (strchr(rows[i].allowed, initials[j])) {
				if (call->finished)
					fail_msg("%s may not call %s: %s", tokens[j].name, rows[i].method,
						call->message);
				fake_answer_packed(NULL, 0);
			} else {
				if (!call->finished)
					fail_msg("%s may call %s", tokens[j].name, rows[i].method);
				assert_int_equal(call->code, 7);
				assert_string_equal(call->reason, "ROLE_NOT_ALLOWED");
				assert_non_null(strstr(call->metadata, rows[i].method));
			}
			fake_call_free(call);
		}
	}
}

static void a_malformed_message_names_its_field_and_changes_nothing(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t size;
		const char *fields;
		const char *message;
	} rows[] = {
		{"\x12\x02\xff\xfe", 4, "location", "field 'location' is not valid UTF-8"},
		{"\x12\x03"
		 "a\0b",
			5, "location", "field 'location' contains a NUL character"},
		{"\x12\x40"
		 "LEEDS",
			7, "location", "field 'location' is cut off"},
		{"\x1a\x03\x0a\x05"
		 "8",
			5, "lines[0].sku", "field 'lines[0].sku' is cut off"},
		{"\x12", 1, "location", "field 'location' is cut off"},
		{"\x80", 1, "",
			"the message 'stockbook.v1.ReceiveStockRequest' is cut off within a field's tag"},
	};
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct fake_call *call =
			fake_call_bytes(api, "StockService/ReceiveStock", "admin", rows[i].bytes, rows[i].size);
		assert_true(call->finished);
		assert_int_equal(call->code, 3);
		assert_string_equal(call->reason, "MALFORMED_MESSAGE");
		assert_string_equal(call->fields, rows[i].fields);
		assert_string_equal(call->message, rows[i].message);
		assert_int_equal(fake_engine.count, 0);
		fake_call_free(call);
	}
}

static void a_call_whose_time_is_over_is_not_begun(void **state)
{
	(void)state;
	fake_engine.holds_lookups = true;
	struct fake_call *late = fake_call(api, "StockService/ReceiveStock", "admin", receipt(NULL));
	struct fake_call *cancelled =
		fake_call(api, "StockService/ReceiveStock", "admin", receipt(NULL));
	late->call.deadline_us = late->call.arrived_us;
	fake_call_cancel(cancelled);
	fake_answer_lookups();
	assert_int_equal(fake_engine.count, 0);
	assert_int_equal(late->code, 4);
	assert_string_equal(late->reason, "DEADLINE_EXCEEDED");
	assert_true(cancelled->finished);
	fake_call_free(late);
	fake_call_free(cancelled);
}

static void a_cancelled_call_tells_the_engine_and_ends_with_its_answer(void **state)
{
	(void)state;
	struct fake_call *call = fake_call(api, "StockService/ReceiveStock", "admin", receipt(NULL));
	assert_false(fake_request(0)->cancelled);
	fake_call_cancel(call);
	assert_true(fake_request(0)->cancelled);
	assert_false(call->finished);
	fake_answer_packed(NULL, 0);
	assert_true(call->finished);
	assert_int_equal(call->code, 1);
	fake_call_free(call);
}

static void the_server_tells_of_itself(void **state)
{
	(void)state;
	struct fake_call *call = fake_call_bytes(api, "ServerService/GetServerInfo", "reader", NULL, 0);
	assert_int_equal(call->code, 0);
	Stockbook__V1__GetServerInfoResponse *info =
		stockbook__v1__get_server_info_response__unpack(NULL, call->messages[0].size,
			call->messages[0].bytes);
	assert_string_equal(info->version, "1.2.3");
	assert_int_equal(info->schema_version, 7);
	assert_int_equal(info->parts, 64);
	assert_false(info->open);
	assert_true(info->start_time->seconds > 1600000000);
	stockbook__v1__get_server_info_response__free_unpacked(info, NULL);
	fake_call_free(call);

	call = fake_call_bytes(api, "ServerService/Echo", "reader",
		"\x0a\x03"
		"abc",
		5);
	assert_int_equal(call->code, 0);
	assert_int_equal(call->messages[0].size, 5);
	assert_memory_equal(call->messages[0].bytes,
		"\x0a\x03"
		"abc",
		5);
	fake_call_free(call);
}

static void calls_are_counted_by_method_and_code(void **state)
{
	(void)state;
	struct metric *answered = metric_counter("stockbook_calls_total", "",
		"method=\"StockService/ReceiveStock\",code=\"OK\"");
	struct metric *refused = metric_counter("stockbook_calls_total", "",
		"method=\"StockService/ReceiveStock\",code=\"FAILED_PRECONDITION\"");
	struct metric *short_of =
		metric_counter("stockbook_refusals_total", "", "reason=\"OUT_OF_STOCK\"");
	int64_t answered_before = metric_value(answered);
	int64_t refused_before = metric_value(refused);
	int64_t short_before = metric_value(short_of);
	for (int i = 0; i < 3; i++) {
		struct fake_call *call =
			fake_call(api, "StockService/ReceiveStock", "admin", receipt(NULL));
		if (i == 0)
			fake_refuse(STOCKBOOK__V1__REASON__REASON_OUT_OF_STOCK, "short");
		else
			fake_answer_packed(NULL, 0);
		fake_call_free(call);
	}
	assert_int_equal(metric_value(answered) - answered_before, 2);
	assert_int_equal(metric_value(refused) - refused_before, 1);
	assert_int_equal(metric_value(short_of) - short_before, 1);
}

/* ---- The stream of Verify ---- */

static void send_result(int index, int checks, const char *finding)
{
	const char *findings[] = {finding};
	struct verify_result result = {
		.check = "counters",
		.description = "counters are the sum of movements",
		.checked = 10,
		.wrong = finding ? 1 : 0,
		.findings = findings,
		.finding_count = finding ? 1 : 0,
		.index = index,
		.checks = checks,
	};
	fake_engine.verify.on_result(&result, fake_engine.verify.data);
}

static void end_verify(const char *error)
{
	fake_engine.verifying = false;
	fake_engine.verify.on_end(error, fake_engine.verify.data);
}

static struct fake_call *call_verify(void)
{
	return fake_call_bytes(api, "LedgerService/Verify", "admin", "\x08\x05", 2);
}

static void a_verification_streams_one_message_for_each_check(void **state)
{
	(void)state;
	struct fake_call *call = call_verify();
	assert_true(fake_engine.verifying);
	assert_int_equal(fake_engine.verify.findings_max, 5);
	send_result(1, 2, NULL);
	send_result(2, 2, "sku '85123A' at 'LEEDS'");
	assert_int_equal(call->message_count, 2);
	assert_false(call->finished);
	end_verify(NULL);
	assert_true(call->finished);
	assert_int_equal(call->code, 0);
	Stockbook__V1__VerifyResponse *response = stockbook__v1__verify_response__unpack(NULL,
		call->messages[1].size, call->messages[1].bytes);
	assert_string_equal(response->check, "counters");
	assert_int_equal(response->wrong, 1);
	assert_string_equal(response->findings[0], "sku '85123A' at 'LEEDS'");
	assert_int_equal(response->index, 2);
	stockbook__v1__verify_response__free_unpacked(response, NULL);
	fake_call_free(call);
}

static void a_slow_reader_of_a_verification_gets_everything(void **state)
{
	(void)state;
	struct fake_call *call = call_verify();
	send_result(1, 3, NULL);
	call->blocked = true;
	send_result(2, 3, NULL);
	send_result(3, 3, NULL);
	end_verify(NULL);
	assert_int_equal(call->message_count, 1);
	assert_false(call->finished);
	call->blocked = false;
	call->call.on_writable(&call->call);
	assert_int_equal(call->message_count, 3);
	assert_true(call->finished);
	assert_int_equal(call->code, 0);
	fake_call_free(call);
}

static void a_failed_verification_is_an_error(void **state)
{
	(void)state;
	struct fake_call *call = call_verify();
	send_result(1, 3, NULL);
	end_verify("the connection was lost");
	assert_int_equal(call->code, 14);
	assert_non_null(strstr(call->message, "the connection was lost"));
	fake_call_free(call);

	fake_engine.verify_full = true;
	call = call_verify();
	assert_int_equal(call->code, 8);
	assert_true(call->retry_ms > 0);
	fake_call_free(call);
}

static void a_cancelled_verification_stops(void **state)
{
	(void)state;
	struct fake_call *call = call_verify();
	send_result(1, 3, NULL);
	fake_call_cancel(call);
	assert_int_equal(fake_engine.verify_cancels, 1);
	assert_true(call->finished);
	fake_call_free(call);

	/* Also when it has ended and the caller reads too slowly. */
	call = call_verify();
	call->blocked = true;
	send_result(1, 1, NULL);
	end_verify(NULL);
	fake_call_cancel(call);
	assert_int_equal(fake_engine.verify_cancels, 1);
	assert_true(call->finished);
	fake_call_free(call);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_write_reaches_the_engine_and_its_answer_the_caller, start,
			stop),
		cmocka_unit_test_setup_teardown(a_store_is_bound_to_its_locations, start, stop),
		cmocka_unit_test_setup_teardown(fingerprints_tell_contents_and_methods_apart, start, stop),
		cmocka_unit_test_setup_teardown(refusals_of_the_engine_reach_the_caller, start, stop),
		cmocka_unit_test_setup_teardown(an_internal_error_keeps_its_cause_to_the_log, start, stop),
		cmocka_unit_test_setup_teardown(roles_decide_who_may_call_what, start, stop),
		cmocka_unit_test_setup_teardown(a_malformed_message_names_its_field_and_changes_nothing,
			start, stop),
		cmocka_unit_test_setup_teardown(a_call_whose_time_is_over_is_not_begun, start, stop),
		cmocka_unit_test_setup_teardown(a_cancelled_call_tells_the_engine_and_ends_with_its_answer,
			start, stop),
		cmocka_unit_test_setup_teardown(the_server_tells_of_itself, start, stop),
		cmocka_unit_test_setup_teardown(calls_are_counted_by_method_and_code, start, stop),
		cmocka_unit_test_setup_teardown(a_verification_streams_one_message_for_each_check, start,
			stop),
		cmocka_unit_test_setup_teardown(a_slow_reader_of_a_verification_gets_everything, start,
			stop),
		cmocka_unit_test_setup_teardown(a_failed_verification_is_an_error, start, stop),
		cmocka_unit_test_setup_teardown(a_cancelled_verification_stops, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
