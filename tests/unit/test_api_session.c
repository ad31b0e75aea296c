/* Sessions in the API, turn by turn, over an engine and calls made for tests. */
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

#define SESSION "SessionService/Session"
#define RECEIVE                                                                                    \
	"request_id=" REQUEST_ID_TEXT "; location=LEEDS; lines[0].sku=85123A; lines[0].quantity=12"
#define ROOM FAKE_SESSION_OPERATIONS_MAX

static const struct fake_token tokens[] = {
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
	metrics_reset();
	return 0;
}

static struct fake_call *open_session(void)
{
	struct fake_call *call = fake_call_bytes(api, SESSION, "admin", NULL, 0);
	assert_false(call->finished);
	assert_true(call->reading);
	return call;
}

/* Receipts, numbered from `first` on. */
static const ProtobufCMessage *receipts(int64_t first, size_t count)
{
	const ProtobufCMessage *receive =
		fake_message(&arena, &stockbook__v1__receive_stock_request__descriptor, RECEIVE, NULL);
	Stockbook__V1__SessionRequest *request = arena_alloc(&arena, sizeof(*request));
	stockbook__v1__session_request__init(request);
	request->operations = arena_alloc_array(&arena, count, sizeof(*request->operations));
	request->n_operations = count;
	for (size_t i = 0; i < count; i++) {
		Stockbook__V1__SessionOperation *operation = arena_alloc(&arena, sizeof(*operation));
		stockbook__v1__session_operation__init(operation);
		operation->number = first + (int64_t)i;
		operation->method = arena_string(&arena, "StockService/ReceiveStock");
		operation->request.len = protobuf_c_message_get_packed_size(receive);
		operation->request.data = arena_alloc(&arena, operation->request.len);
		protobuf_c_message_pack(receive, operation->request.data);
		request->operations[i] = operation;
	}
	return &request->base;
}

static void answer_all(void)
{
	while (fake_engine.count > 0)
		fake_answer_packed((const uint8_t *)"\x0a\x02id", 4);
}

/* How many answers the i-th message has; each is a response. */
static size_t answers_in(const struct fake_call *call, size_t i)
{
	assert_true(i < call->message_count);
	Stockbook__V1__SessionResponse *response = stockbook__v1__session_response__unpack(NULL,
		call->messages[i].size, call->messages[i].bytes);
	assert_non_null(response);
	size_t count = response->n_answers;
	for (size_t j = 0; j < count; j++)
		assert_int_equal(response->answers[j]->outcome_case,
			STOCKBOOK__V1__SESSION_ANSWER__OUTCOME_RESPONSE);
	stockbook__v1__session_response__free_unpacked(response, NULL);
	return count;
}

static void answers_of_a_round_are_one_message(void **state)
{
	(void)state;
	struct fake_call *call = open_session();
	fake_call_message(call, receipts(1, 4));
	assert_int_equal(fake_engine.count, 4);
	assert_true(call->reading);
	answer_all();
	assert_int_equal(call->message_count, 0); /* not before the round's end */
	fake_call_round(call);
	assert_int_equal(call->message_count, 1);
	assert_int_equal(answers_in(call, 0), 4);
	fake_call_message(call, NULL);
	fake_call_round(call);
	assert_true(call->finished);
	assert_int_equal(call->code, 0);
	fake_call_free(call);
}

static void message_larger_than_the_room_is_begun_as_room_comes(void **state)
{
	(void)state;
	struct fake_call *call = open_session();
	fake_call_message(call, receipts(1, 2 * ROOM + 5));
	assert_int_equal(fake_engine.count, ROOM);
	assert_false(call->reading);
	fake_answer_packed(NULL, 0);
	fake_call_round(call);
	assert_int_equal(fake_engine.count, ROOM);
	for (size_t i = 1; i < 2 * ROOM + 5; i++) {
		fake_answer_packed(NULL, 0);
		fake_call_round(call);
	}
	assert_true(call->reading);
	assert_int_equal(call->message_count, 2 * ROOM + 5);
	fake_call_message(call, NULL);
	fake_call_round(call);
	fake_call_free(call);
}

static void answers_that_are_not_read_take_room(void **state)
{
	(void)state;
	struct fake_call *call = open_session();
	call->blocked = true;
	fake_call_message(call, receipts(1, ROOM));
	assert_false(call->reading);
	answer_all();
	fake_call_round(call);
	assert_int_equal(call->message_count, 0);
	assert_false(call->reading); /* ten answers wait */
	call->blocked = false;
	call->call.on_writable(&call->call);
	fake_call_round(call);
	assert_int_equal(answers_in(call, 0), ROOM);
	assert_true(call->reading);
	fake_call_message(call, NULL);
	fake_call_round(call);
	fake_call_free(call);
}

static void operation_may_wait_for_its_token_and_the_caller_go_meanwhile(void **state)
{
	(void)state;
	struct fake_call *call = open_session();
	/* A token is made: all that was known of tokens is asked for again. */
	authenticator_forget(&api->authenticator);
	fake_engine.holds_lookups = true;
	fake_call_message(call, receipts(1, 3));
	assert_int_equal(fake_engine.count, 1); /* the lookup */
	fake_call_cancel(call);
	fake_call_round(call);
	assert_false(call->finished);
	fake_answer_lookups();
	fake_call_round(call);
	assert_true(call->finished);
	assert_int_equal(call->code, 1);
	assert_int_equal(call->message_count, 0);
	fake_call_free(call);
}

static void cancelled_session_ends_when_the_engine_has_answered(void **state)
{
	(void)state;
	struct fake_call *call = open_session();
	fake_call_message(call, receipts(1, 5));
	fake_call_cancel(call);
	for (size_t i = 0; i < 5; i++)
		assert_true(fake_request(i)->cancelled);
	fake_call_round(call);
	for (size_t i = 0; i < 5; i++) {
		assert_false(call->finished);
		fake_answer_packed(NULL, 0);
		fake_call_round(call);
	}
	assert_true(call->finished);
	assert_int_equal(call->message_count, 0);
	fake_call_free(call);
}

static void drain_begins_nothing_more_and_answers_the_rest(void **state)
{
	(void)state;
	struct fake_call *call = open_session();
	fake_call_message(call, receipts(1, ROOM + 5));
	fake_call_drain(call);
	fake_call_round(call);
	assert_false(call->finished);
	answer_all();
	assert_int_equal(fake_engine.count, 0);
	fake_call_round(call);
	assert_int_equal(answers_in(call, 0), ROOM);
	assert_true(call->finished);
	assert_int_equal(call->code, 14);
	assert_string_equal(call->reason, "UNAVAILABLE");
	assert_true(call->retry_ms > 0);
	fake_call_free(call);
}

static void session_needs_a_token_of_its_own(void **state)
{
	(void)state;
	struct fake_call *call = fake_call_bytes(api, SESSION, "nobody's", NULL, 0);
	assert_true(call->finished);
	assert_int_equal(call->code, 16);
	assert_false(call->reading);
	fake_call_free(call);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
		TEST(answers_of_a_round_are_one_message),
		TEST(message_larger_than_the_room_is_begun_as_room_comes),
		TEST(answers_that_are_not_read_take_room),
		TEST(operation_may_wait_for_its_token_and_the_caller_go_meanwhile),
		TEST(cancelled_session_ends_when_the_engine_has_answered),
		TEST(drain_begins_nothing_more_and_answers_the_rest),
		TEST(session_needs_a_token_of_its_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
