/* Who has room: bounds of all callers and of each, in calls and in bytes, before any work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "stockbook/v1/session.pb-c.h"
#include "stockbook/v1/stock.pb-c.h"

#include "api/private.h"
#include "observe/metrics.h"
#include "unit/fake_api.h"
#include "unit/fake_message.h"

#define METHOD "StockService/ReceiveStock"
#define RECEIVE                                                                                    \
	"request_id=" REQUEST_ID_TEXT "; location=LEEDS; lines[0].sku=85123A; lines[0].quantity=12"
#define CALLS_MAX 64

static const struct fake_token tokens[] = {
	{"noisy", "till-7", STOCKBOOK__V1__ROLE__ROLE_ADMIN, NULL, false},
	{"quiet", "till-8", STOCKBOOK__V1__ROLE__ROLE_ADMIN, NULL, false},
};

static struct api *api;
static struct arena arena;
static struct fake_call *calls[CALLS_MAX];
static size_t call_count;

static int start(void **state)
{
	(void)state;
	arena_init(&arena);
	api = fake_api_open(false);
	fake_engine.tokens = tokens;
	fake_engine.token_count = ARRAY_COUNT(tokens);
	call_count = 0;
	return 0;
}

static int stop(void **state)
{
	(void)state;
	while (fake_engine.count > 0)
		fake_answer_packed((const uint8_t *)"\x0a\x02id", 4);
	for (size_t i = 0; i < call_count; i++) {
		assert_true(calls[i]->finished);
		fake_call_free(calls[i]);
	}
	assert_int_equal(api_calls_in_flight(api), 0);
	assert_int_equal(api->admission.callers, 0);
	assert_int_equal(api->admission.bytes, 0);
	api_close(api);
	arena_release(&arena);
	metrics_reset();
	return 0;
}

static struct fake_call *send_call(const char *secret)
{
	assert_true(call_count < CALLS_MAX);
	return calls[call_count++] = fake_call(api, METHOD, secret,
			   fake_message(&arena, &stockbook__v1__receive_stock_request__descriptor, RECEIVE,
				   NULL));
}

static void is_refused(const struct fake_call *call, const char *message, const char *metadata)
{
	assert_true(call->finished);
	assert_int_equal(call->code, 8);
	assert_string_equal(call->reason, "OVERLOADED");
	assert_string_equal(call->message, message);
	assert_string_equal(call->metadata, metadata);
	assert_true(call->retry_ms > 0);
}

static void one_caller_leaves_as_much_room_as_he_takes(void **state)
{
	(void)state;
	api->settings.calls_in_flight_max = 12;
	for (size_t i = 0; i < 6; i++)
		assert_false(send_call("noisy")->finished);
	for (size_t i = 0; i < 3; i++)
		is_refused(send_call("noisy"),
			"too much of token 'till-7' is in flight (6 calls, as many as there is still room for, "
			"setting calls_in_flight_max)",
			"bound=caller_share; setting=calls_in_flight_max; setting_value=12; ");
	assert_int_equal(fake_engine.count, 6);
	/* Of the other half, another has his. */
	for (size_t i = 0; i < 3; i++)
		assert_false(send_call("quiet")->finished);
	assert_true(send_call("quiet")->finished);
	/* Room that was given back is taken again. */
	fake_answer_packed((const uint8_t *)"\x0a\x02id", 4);
	fake_answer_packed((const uint8_t *)"\x0a\x02id", 4);
	assert_false(send_call("quiet")->finished);
}

static void no_caller_has_more_calls_than_his_setting_allows(void **state)
{
	(void)state;
	api->settings.caller_calls_max = 4;
	for (size_t i = 0; i < 4; i++)
		assert_false(send_call("noisy")->finished);
	is_refused(send_call("noisy"),
		"too much of token 'till-7' is in flight (4 calls, setting caller_calls_max)",
		"bound=caller_calls; setting=caller_calls_max; setting_value=4; ");
	assert_false(send_call("quiet")->finished);
}

static void nothing_is_decoded_of_a_call_without_room(void **state)
{
	(void)state;
	api->settings.caller_calls_max = 1;
	assert_false(send_call("noisy")->finished);
	struct fake_call *call = fake_call_bytes(api, METHOD, "noisy", "\xff\xff", 2);
	assert_string_equal(call->reason, "OVERLOADED");
	fake_call_free(call);
}

static void large_requests_are_bounded_by_their_bytes(void **state)
{
	(void)state;
	/* One goes in, however large. */
	api->settings.request_bytes_max = 16;
	assert_false(send_call("noisy")->finished);
	assert_string_equal(send_call("quiet")->metadata,
		"bound=bytes; setting=requests_mb; setting_value=0; ");
	/* What is decoded counts, too. */
	assert_true(api->admission.bytes > 100);
	size_t one = api->admission.bytes;
	api->settings.request_bytes_max = 3 * one;
	assert_false(send_call("noisy")->finished); /* two of three */
	assert_string_equal(send_call("noisy")->metadata,
		"bound=caller_bytes; setting=requests_mb; setting_value=0; ");
	assert_false(send_call("quiet")->finished);
}

static void a_call_whose_time_is_over_is_not_looked_at(void **state)
{
	(void)state;
	struct fake_call *call = fake_call_bytes(api, METHOD, "noisy", "\xff\xff", 2);
	assert_string_equal(call->reason, "MALFORMED_MESSAGE");
	fake_call_free(call);
	fake_engine.holds_lookups = true;
	call = fake_call_bytes(api, METHOD, "quiet", "\xff\xff", 2);
	assert_false(call->finished);
	call->call.deadline_us = api_clock_us() - 1;
	fake_answer_lookups();
	assert_string_equal(call->reason, "DEADLINE_EXCEEDED");
	fake_call_free(call);
}

static void calls_that_wait_for_one_token_leave_room_for_others(void **state)
{
	(void)state;
	api->settings.calls_in_flight_max = 10;
	fake_engine.holds_lookups = true;
	for (size_t i = 0; i < 5; i++)
		assert_false(send_call("noisy")->finished);
	is_refused(send_call("noisy"), "too many calls in flight (10, setting calls_in_flight_max)",
		"bound=calls; setting=calls_in_flight_max; setting_value=10; ");
	assert_false(send_call("quiet")->finished);
	fake_answer_lookups();
	assert_int_equal(fake_engine.count, 6);
}

static void the_engine_is_told_whose_request_it_is(void **state)
{
	(void)state;
	send_call("noisy");
	send_call("noisy");
	send_call("quiet");
	const struct engine_caller *noisy = fake_request(0)->caller;
	assert_string_equal(noisy->kind, "token");
	assert_string_equal(noisy->name, "till-7");
	assert_true(noisy->key != 0);
	assert_ptr_equal(fake_request(1)->caller, noisy);
	assert_true(fake_request(2)->caller->key != noisy->key);
	assert_true(fake_request(0)->size > 50);
	assert_int_equal(api->admission.callers, 2);
}

static void without_tokens_a_connection_is_a_caller(void **state)
{
	(void)state;
	api_close(api);
	api = fake_api_open(true);
	struct fake_call *call = send_call(NULL);
	assert_string_equal(fake_request(0)->caller->kind, "connection");
	assert_string_equal(fake_request(0)->caller->name, call->call.peer);
}

static void operations_of_a_session_count_to_its_caller(void **state)
{
	(void)state;
	api->settings.calls_in_flight_max = 8;
	struct fake_call *call = fake_call_bytes(api, "SessionService/Session", "noisy", NULL, 0);
	const ProtobufCMessage *receive =
		fake_message(&arena, &stockbook__v1__receive_stock_request__descriptor, RECEIVE, NULL);
	uint8_t bytes[256];
	size_t size = protobuf_c_message_pack(receive, bytes);
	Stockbook__V1__SessionOperation operations[8];
	Stockbook__V1__SessionOperation *pointers[8];
	for (size_t i = 0; i < 8; i++) {
		stockbook__v1__session_operation__init(&operations[i]);
		operations[i].number = (int64_t)i;
		operations[i].method = arena_string(&arena, METHOD);
		operations[i].request = (ProtobufCBinaryData){size, bytes};
		pointers[i] = &operations[i];
	}
	Stockbook__V1__SessionRequest message = STOCKBOOK__V1__SESSION_REQUEST__INIT;
	message.operations = pointers;
	message.n_operations = 8;
	fake_call_message(call, &message.base);
	/* The stream, and three operations; as much is left. */
	assert_int_equal(fake_engine.count, 3);
	assert_false(send_call("quiet")->finished);
	while (fake_engine.count > 0)
		fake_answer_packed((const uint8_t *)"\x0a\x02id", 4);
	fake_call_message(call, NULL);
	while (!call->finished)
		fake_call_round(call);
	assert_int_equal(call->code, 0);
	fake_call_free(call);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_caller_leaves_as_much_room_as_he_takes),
		TEST(no_caller_has_more_calls_than_his_setting_allows),
		TEST(nothing_is_decoded_of_a_call_without_room),
		TEST(large_requests_are_bounded_by_their_bytes),
		TEST(a_call_whose_time_is_over_is_not_looked_at),
		TEST(calls_that_wait_for_one_token_leave_room_for_others),
		TEST(the_engine_is_told_whose_request_it_is),
		TEST(without_tokens_a_connection_is_a_caller),
		TEST(operations_of_a_session_count_to_its_caller),
	};
	return cmocka_run_group_tests_name("admission", tests, NULL, NULL);
}
