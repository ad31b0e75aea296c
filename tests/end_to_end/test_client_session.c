/*
 * The client's sessions against a server that breaks them: it takes one message, answers what the
 * test wants of it, and ends the stream.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_server.h"
#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"
#include "stockbook/client.h"
#include "stockbook/v1/server.pb-c.h"
#include "stockbook/v1/session.pb-c.h"

#define CALLS 60
#define PAYLOAD_SIZE 24

/* What becomes of a message of operations. */
enum conduct {
	CONDUCT_ANSWER,      /* all of it, then the stream ends */
	CONDUCT_HALF,        /* every other operation, then the stream is lost */
	CONDUCT_LOSE,        /* none: the stream is lost */
	CONDUCT_OVERLOADED,  /* every operation is sent away with the time to come again */
	CONDUCT_REFUSE,      /* every operation is refused */
	CONDUCT_UNKNOWN,     /* there is no such method */
	CONDUCT_NOT_ALLOWED, /* the stream is refused */
	CONDUCT_NONSENSE,    /* bytes that are no message */
	CONDUCT_NEVER,
};

struct fixture {
	struct fake_server *server;
	struct stockbook_client *client;
	struct stockbook_session *session;
	/* The server's, one after the other; the last stays. */
	enum conduct conducts[4];
	/* Atomic, for the server has a thread of its own. */
	atomic_int streams;
	atomic_int singles;
	atomic_int seen[CALLS]; /* how often each payload came */
	int answered, failed, code, attempts;
	bool outcome_unknown;
	bool done[CALLS];
	char reason[64];
};

static void pack_details(Google__Rpc__Status *status, const char *reason, bool retry)
{
	static uint8_t info_bytes[256], retry_bytes[64];
	static Google__Protobuf__Any anys[2];
	static Google__Protobuf__Any *details[2] = {&anys[0], &anys[1]};
	Google__Rpc__ErrorInfo info = GOOGLE__RPC__ERROR_INFO__INIT;
	info.reason = (char *)(uintptr_t)reason;
	info.domain = (char *)(uintptr_t) "stockbook";
	google__protobuf__any__init(&anys[0]);
	anys[0].type_url = (char *)(uintptr_t) "type.googleapis.com/google.rpc.ErrorInfo";
	anys[0].value.data = info_bytes;
	anys[0].value.len = google__rpc__error_info__pack(&info, info_bytes);
	Google__Protobuf__Duration delay = GOOGLE__PROTOBUF__DURATION__INIT;
	delay.nanos = 50000000;
	Google__Rpc__RetryInfo wait = GOOGLE__RPC__RETRY_INFO__INIT;
	wait.retry_delay = &delay;
	google__protobuf__any__init(&anys[1]);
	anys[1].type_url = (char *)(uintptr_t) "type.googleapis.com/google.rpc.RetryInfo";
	anys[1].value.data = retry_bytes;
	anys[1].value.len = google__rpc__retry_info__pack(&wait, retry_bytes);
	status->details = details;
	status->n_details = retry ? 2 : 1;
}

static void end_stream(struct fake_call *call, int code, const char *reason)
{
	Google__Rpc__Status status = GOOGLE__RPC__STATUS__INIT;
	call->code = code;
	call->message = "as the test wants it";
	if (reason) {
		pack_details(&status, reason, false);
		call->details_size = google__rpc__status__pack(&status, call->details);
	}
}

static void answer_operations(struct fixture *fixture, struct fake_call *call,
	const Stockbook__V1__SessionRequest *request, enum conduct conduct)
{
	static Stockbook__V1__SessionAnswer answers[CALLS];
	static Stockbook__V1__SessionAnswer *pointers[CALLS];
	Stockbook__V1__SessionResponse response = STOCKBOOK__V1__SESSION_RESPONSE__INIT;
	Google__Rpc__Status status = GOOGLE__RPC__STATUS__INIT;
	status.code = conduct == CONDUCT_OVERLOADED ? 8 : 9;
	status.message = (char *)(uintptr_t) "as the test wants it";
	pack_details(&status, conduct == CONDUCT_OVERLOADED ? "OVERLOADED" : "OUT_OF_STOCK",
		conduct == CONDUCT_OVERLOADED);
	response.answers = pointers;
	for (size_t i = 0; i < request->n_operations; i++) {
		const Stockbook__V1__SessionOperation *operation = request->operations[i];
		int payload;
		/* Field 1 of Echo's request; see echo(). */
		if (sscanf((const char *)operation->request.data + 2, "payload %d", &payload) == 1)
			fixture->seen[payload]++;
		if (conduct == CONDUCT_LOSE || (conduct == CONDUCT_HALF && i % 2))
			continue;
		Stockbook__V1__SessionAnswer *answer = &answers[response.n_answers];
		pointers[response.n_answers++] = answer;
		stockbook__v1__session_answer__init(answer);
		answer->number = operation->number;
		answer->request_tag = (char *)(uintptr_t) "0123456789abcdef";
		if (conduct == CONDUCT_OVERLOADED || conduct == CONDUCT_REFUSE) {
			answer->outcome_case = STOCKBOOK__V1__SESSION_ANSWER__OUTCOME_STATUS;
			answer->status = &status;
		} else {
			answer->outcome_case = STOCKBOOK__V1__SESSION_ANSWER__OUTCOME_RESPONSE;
			answer->response = operation->request; /* Echo's messages are alike */
		}
	}
	call->response_size[0] = stockbook__v1__session_response__pack(&response, call->response[0]);
	call->responses = response.n_answers > 0;
}

static void answer(void *context, struct fake_call *call)
{
	struct fixture *fixture = context;
	if (!strstr(call->method, "SessionService/Session")) {
		fixture->singles++;
		memcpy(call->response[0], call->request, call->request_size);
		call->response_size[0] = call->request_size;
		call->responses = 1;
		return;
	}
	int last = (int)(sizeof(fixture->conducts) / sizeof(fixture->conducts[0])) - 1;
	enum conduct conduct = fixture->conducts[fixture->streams < last ? fixture->streams : last];
	fixture->streams++;
	Stockbook__V1__SessionRequest *request =
		stockbook__v1__session_request__unpack(NULL, call->request_size, call->request);
	if (request && conduct <= CONDUCT_REFUSE)
		answer_operations(fixture, call, request, conduct);
	if (request)
		stockbook__v1__session_request__free_unpacked(request, NULL);
	if (conduct == CONDUCT_HALF || conduct == CONDUCT_LOSE)
		end_stream(call, 14, NULL);
	else if (conduct == CONDUCT_UNKNOWN)
		end_stream(call, 12, "METHOD_NOT_FOUND");
	else if (conduct == CONDUCT_NOT_ALLOWED)
		end_stream(call, 16, "TOKEN_INVALID");
	else if (conduct == CONDUCT_NONSENSE) {
		call->response[0][0] = 0xff;
		call->response_size[0] = 1;
		call->responses = 1;
	}
	call->never = conduct == CONDUCT_NEVER;
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	char target[64];
	int port;
	struct stockbook_error error;
	assert_non_null(fixture);
	fixture->server = fake_server_open(0, NULL, NULL, answer, fixture, &port);
	snprintf(target, sizeof(target), "127.0.0.1:%d", port);
	fixture->client = stockbook_client_open(&(struct stockbook_client_options){.target = target,
												.deadline_ms = 10000},
		&error);
	assert_non_null(fixture->client);
	fixture->session = stockbook_session_open(fixture->client, 0);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	stockbook_client_close(fixture->client);
	fake_server_close(fixture->server);
	free(fixture);
	return 0;
}

static void echoed(void *context, const ProtobufCMessage *message,
	const struct stockbook_error *error)
{
	struct fixture *fixture = context;
	const Stockbook__V1__EchoResponse *response = (const Stockbook__V1__EchoResponse *)message;
	int payload;
	fixture->attempts = error->attempts;
	if (error->code == 0) {
		assert_int_equal(sscanf((const char *)response->payload.data, "payload %d", &payload), 1);
		assert_false(fixture->done[payload]);
		fixture->done[payload] = true;
		fixture->answered++;
		return;
	}
	fixture->failed++;
	fixture->code = error->code;
	fixture->outcome_unknown = error->outcome_unknown;
	snprintf(fixture->reason, sizeof(fixture->reason), "%s", error->reason);
}

static void echo_all(struct fixture *fixture, int64_t deadline_ms)
{
	for (int i = 0; i < CALLS; i++) {
		char payload[PAYLOAD_SIZE] = "";
		Stockbook__V1__EchoRequest request = STOCKBOOK__V1__ECHO_REQUEST__INIT;
		snprintf(payload, sizeof(payload), "payload %d", i);
		request.payload.data = (uint8_t *)payload;
		request.payload.len = sizeof(payload);
		stockbook_session_call_async(fixture->session, stockbook_method("ServerService", "Echo"),
			&request.base, deadline_ms, echoed, fixture);
	}
	stockbook_client_run(fixture->client);
}

static void what_a_lost_stream_left_unanswered_is_sent_again(void **state)
{
	struct fixture *fixture = *state;
	fixture->conducts[0] = CONDUCT_HALF;
	fixture->conducts[1] = CONDUCT_LOSE;
	fixture->conducts[2] = CONDUCT_HALF;
	echo_all(fixture, 0);
	assert_int_equal(fixture->answered, CALLS);
	assert_int_equal(fixture->failed, 0);
	assert_true(fixture->streams >= 4);
	for (int i = 0; i < CALLS; i += 2)
		assert_int_equal(fixture->seen[i], 1); /* answered by the first */
	for (int i = 1; i < CALLS; i += 2)
		assert_true(fixture->seen[i] >= 2);
}

static void stream_that_ends_well_between_messages_is_opened_again(void **state)
{
	struct fixture *fixture = *state;
	for (int round = 1; round <= 3; round++) {
		memset(fixture->done, 0, sizeof(fixture->done));
		echo_all(fixture, 0);
		assert_int_equal(fixture->answered, round * CALLS);
	}
	assert_true(fixture->streams >= 3);
	assert_int_equal(fixture->singles, 0);
}

static void overloaded_calls_come_again_when_they_were_told_to(void **state)
{
	struct fixture *fixture = *state;
	fixture->conducts[0] = CONDUCT_OVERLOADED;
	echo_all(fixture, 0);
	assert_int_equal(fixture->answered, CALLS);
	assert_true(fixture->attempts >= 2);
}

static void refused_calls_carry_reason_and_are_not_sent_again(void **state)
{
	struct fixture *fixture = *state;
	for (int i = 0; i < 4; i++)
		fixture->conducts[i] = CONDUCT_REFUSE;
	echo_all(fixture, 0);
	assert_int_equal(fixture->failed, CALLS);
	assert_int_equal(fixture->code, 9);
	assert_string_equal(fixture->reason, "OUT_OF_STOCK");
	assert_false(fixture->outcome_unknown);
	for (int i = 0; i < CALLS; i++)
		assert_int_equal(fixture->seen[i], 1);
}

static void server_without_sessions_is_called_one_by_one(void **state)
{
	struct fixture *fixture = *state;
	fixture->conducts[0] = CONDUCT_UNKNOWN;
	echo_all(fixture, 0);
	assert_int_equal(fixture->answered, CALLS);
	memset(fixture->done, 0, sizeof(fixture->done));
	echo_all(fixture, 0);
	assert_int_equal(fixture->answered, 2 * CALLS);
	assert_int_equal(fixture->singles, 2 * CALLS);
	assert_int_equal(fixture->streams, 1);
}

static void refused_stream_refuses_its_calls(void **state)
{
	struct fixture *fixture = *state;
	for (int i = 0; i < 4; i++)
		fixture->conducts[i] = CONDUCT_NOT_ALLOWED;
	echo_all(fixture, 0);
	assert_int_equal(fixture->failed, CALLS);
	assert_int_equal(fixture->code, 16);
	assert_string_equal(fixture->reason, "TOKEN_INVALID");
	assert_false(fixture->outcome_unknown);
}

static void nonsense_is_no_answer(void **state)
{
	struct fixture *fixture = *state;
	fixture->conducts[0] = CONDUCT_NONSENSE;
	echo_all(fixture, 0);
	assert_int_equal(fixture->answered, CALLS);
}

static void silent_stream_leaves_the_outcome_open(void **state)
{
	struct fixture *fixture = *state;
	for (int i = 0; i < 4; i++)
		fixture->conducts[i] = CONDUCT_NEVER;
	echo_all(fixture, 300);
	assert_int_equal(fixture->failed, CALLS);
	assert_int_equal(fixture->code, 4);
	assert_true(fixture->outcome_unknown);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_a_lost_stream_left_unanswered_is_sent_again),
		TEST(stream_that_ends_well_between_messages_is_opened_again),
		TEST(overloaded_calls_come_again_when_they_were_told_to),
		TEST(refused_calls_carry_reason_and_are_not_sent_again),
		TEST(server_without_sessions_is_called_one_by_one),
		TEST(refused_stream_refuses_its_calls),
		TEST(nonsense_is_no_answer),
		TEST(silent_stream_leaves_the_outcome_open),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
