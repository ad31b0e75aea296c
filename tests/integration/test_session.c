/*
 * Sessions on the bare wire: what a caller may do to them that no client library would, and how
 * answers, refusals and the end of the stream come back. The engine is a test's (session_server.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <grpc/grpc.h>
#include <grpc/status.h>

#include "google/rpc/error_details.pb-c.h"
#include "stockbook/v1/reservation.pb-c.h"
#include "stockbook/v1/server.pb-c.h"
#include "stockbook/v1/session.pb-c.h"

#include "integration/grpc_client.h"
#include "integration/session_server.h"

#define METHOD_SESSION "/stockbook.v1.SessionService/Session"
#define OPERATIONS_MAX 300
#define MESSAGE_OPERATIONS_MAX 256
#define REQUEST_ID "0190163d-8694-739b-aea5-966c26f8ad91"

static struct session_server server;
static struct grpc_client client;
static int64_t last_answered;
static size_t overtakings; /* answers after one of a higher number */

static int start(void **state)
{
	(void)state;
	session_server_start(&server, OPERATIONS_MAX);
	grpc_client_open(&client, server.target, NULL);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	session_server_hold(&server, false);
	grpc_client_close(&client);
	session_server_stop(&server);
	return 0;
}

static struct grpc_client_call *open_session(void)
{
	return grpc_client_start_stream(&client, METHOD_SESSION, GRPC_CLIENT_WAIT_MS * 2);
}

/* ---- Messages ---- */

struct outgoing {
	Stockbook__V1__SessionOperation operations[MESSAGE_OPERATIONS_MAX + 1];
	Stockbook__V1__SessionOperation *pointers[MESSAGE_OPERATIONS_MAX + 1];
	size_t count;
	struct arena arena;
};

static void outgoing_init(struct outgoing *outgoing)
{
	outgoing->count = 0;
	arena_init(&outgoing->arena);
}

static void add(struct outgoing *outgoing, int64_t number, const char *method, const void *request,
	size_t size)
{
	Stockbook__V1__SessionOperation *operation = &outgoing->operations[outgoing->count];
	outgoing->pointers[outgoing->count++] = operation;
	stockbook__v1__session_operation__init(operation);
	operation->number = number;
	operation->method = arena_string(&outgoing->arena, method);
	operation->request.data = arena_copy(&outgoing->arena, request, size);
	operation->request.len = size;
}

static void add_reserve(struct outgoing *outgoing, int64_t number)
{
	struct arena *arena = &outgoing->arena;
	Stockbook__V1__ReserveLine line = STOCKBOOK__V1__RESERVE_LINE__INIT;
	Stockbook__V1__ReserveLine *lines[] = {&line};
	Stockbook__V1__ReserveRequest reserve = STOCKBOOK__V1__RESERVE_REQUEST__INIT;
	line.sku = arena_string(arena, "TEAPOT");
	line.quantity = 1;
	reserve.lines = lines;
	reserve.n_lines = 1;
	reserve.request_id = arena_string(arena, REQUEST_ID);
	reserve.owner = arena_printf(arena, "owner %lld", (long long)number);
	size_t size = stockbook__v1__reserve_request__get_packed_size(&reserve);
	uint8_t *bytes = arena_alloc(arena, size);
	stockbook__v1__reserve_request__pack(&reserve, bytes);
	add(outgoing, number, "ReservationService/Reserve", bytes, size);
}

static uint8_t *pack(struct outgoing *outgoing, size_t *size)
{
	Stockbook__V1__SessionRequest request = STOCKBOOK__V1__SESSION_REQUEST__INIT;
	request.operations = outgoing->pointers;
	request.n_operations = outgoing->count;
	*size = stockbook__v1__session_request__get_packed_size(&request);
	uint8_t *bytes = arena_alloc(&outgoing->arena, *size);
	stockbook__v1__session_request__pack(&request, bytes);
	return bytes;
}

static void write_out(struct grpc_client_call *call, struct outgoing *outgoing)
{
	size_t size;
	const uint8_t *bytes = pack(outgoing, &size);
	grpc_client_write(call, bytes, size);
	arena_release(&outgoing->arena);
}

static void write_reserves(struct grpc_client_call *call, int64_t first, size_t count)
{
	static struct outgoing outgoing;
	outgoing_init(&outgoing);
	for (size_t i = 0; i < count; i++)
		add_reserve(&outgoing, first + (int64_t)i);
	write_out(call, &outgoing);
}

/* NULL: the stream is over. */
static Stockbook__V1__SessionResponse *read_in(struct grpc_client_call *call)
{
	size_t size = 0;
	const uint8_t *bytes = grpc_client_next(call, &size);
	if (!bytes)
		return NULL;
	Stockbook__V1__SessionResponse *response =
		stockbook__v1__session_response__unpack(NULL, size, bytes);
	assert_non_null(response);
	assert_true(response->n_answers > 0);
	return response;
}

static void assert_reserved(const Stockbook__V1__SessionAnswer *answer)
{
	char expected[64];
	assert_int_equal(answer->outcome_case, STOCKBOOK__V1__SESSION_ANSWER__OUTCOME_RESPONSE);
	Stockbook__V1__ReserveResponse *response =
		stockbook__v1__reserve_response__unpack(NULL, answer->response.len, answer->response.data);
	assert_non_null(response);
	snprintf(expected, sizeof(expected), "owner %lld", (long long)answer->number);
	assert_string_equal(response->reservation->id, expected);
	stockbook__v1__reserve_response__free_unpacked(response, NULL);
}

/* Reads one message of reserves, marks what it answers, and says how many. */
static size_t read_reserved(struct grpc_client_call *call, bool *seen, size_t seen_size)
{
	Stockbook__V1__SessionResponse *response = read_in(call);
	assert_non_null(response);
	size_t count = response->n_answers;
	for (size_t i = 0; i < count; i++) {
		const Stockbook__V1__SessionAnswer *answer = response->answers[i];
		assert_reserved(answer);
		assert_true(answer->number >= 0 && (size_t)answer->number < seen_size);
		assert_false(seen[answer->number]);
		seen[answer->number] = true;
		overtakings += answer->number < last_answered;
		last_answered = answer->number;
	}
	stockbook__v1__session_response__free_unpacked(response, NULL);
	return count;
}

static void assert_ends(struct grpc_client_call *call, int status)
{
	size_t size;
	assert_null(grpc_client_next(call, &size));
	assert_int_equal(grpc_client_finish(call), status);
	grpc_client_free(call);
	assert_true(session_server_reaches(&server, &server.in_flight, 0));
}

/* ---- The tests ---- */

static void ten_thousand_operations_are_answered_out_of_order_each_with_its_own(void **state)
{
	(void)state;
	enum { ALL = 10000, AT_ONCE = 100 };
	static bool seen[ALL];
	memset(seen, 0, sizeof(seen));
	struct grpc_client_call *call = open_session();
	size_t written = 0, answered = 0;
	overtakings = 0;
	while (answered < ALL) {
		while (written < ALL && written - answered <= OPERATIONS_MAX - AT_ONCE) {
			write_reserves(call, (int64_t)written, AT_ONCE);
			written += AT_ONCE;
		}
		answered += read_reserved(call, seen, ALL);
	}
	assert_true(overtakings > ALL / 10);
	grpc_client_half_close(call);
	assert_ends(call, GRPC_STATUS_OK);
}

static void answers_ready_at_once_come_in_one_message(void **state)
{
	(void)state;
	bool seen[200] = {false};
	session_server_hold(&server, true);
	struct grpc_client_call *call = open_session();
	for (int i = 0; i < 10; i++)
		write_reserves(call, i * 20, 20);
	assert_true(session_server_reaches(&server, &server.waiting, 200));
	session_server_hold(&server, false);
	assert_int_equal(read_reserved(call, seen, 200), 200);
	grpc_client_half_close(call);
	assert_ends(call, GRPC_STATUS_OK);
}

static void half_close_waits_for_what_is_in_flight(void **state)
{
	(void)state;
	bool seen[50] = {false};
	session_server_hold(&server, true);
	struct grpc_client_call *call = open_session();
	write_reserves(call, 0, 50);
	grpc_client_half_close(call);
	assert_true(session_server_reaches(&server, &server.waiting, 50));
	session_server_hold(&server, false);
	for (size_t answered = 0; answered < 50;)
		answered += read_reserved(call, seen, 50);
	assert_ends(call, GRPC_STATUS_OK);
}

static void session_without_operations_ends_well(void **state)
{
	(void)state;
	struct grpc_client_call *call = open_session();
	grpc_client_half_close(call);
	assert_ends(call, GRPC_STATUS_OK);
	call = open_session();
	grpc_client_write(call, "", 0); /* a message of no operations */
	grpc_client_half_close(call);
	assert_ends(call, GRPC_STATUS_OK);
}

static void cancelled_session_drops_its_answers_and_leaves_others_alone(void **state)
{
	(void)state;
	bool seen[100] = {false};
	session_server_hold(&server, true);
	struct grpc_client_call *goes = open_session();
	struct grpc_client_call *stays = open_session();
	write_reserves(goes, 0, 100);
	write_reserves(stays, 0, 100);
	assert_true(session_server_reaches(&server, &server.waiting, 200));
	assert_int_equal(atomic_load(&server.cancelled), 0);
	grpc_client_cancel(goes);
	assert_true(session_server_reaches(&server, &server.cancelled, 100));
	assert_int_equal(atomic_load(&server.waiting), 200); /* the engine answers them all the same */
	assert_int_equal(grpc_client_finish(goes), GRPC_STATUS_CANCELLED);
	grpc_client_free(goes);
	session_server_hold(&server, false);
	for (size_t answered = 0; answered < 100;)
		answered += read_reserved(stays, seen, 100);
	grpc_client_half_close(stays);
	assert_ends(stays, GRPC_STATUS_OK);
}

static void lost_connection_ends_its_sessions(void **state)
{
	(void)state;
	struct grpc_client other;
	session_server_hold(&server, true);
	grpc_client_open(&other, server.target, NULL);
	struct grpc_client_call *call =
		grpc_client_start_stream(&other, METHOD_SESSION, GRPC_CLIENT_FOREVER);
	write_reserves(call, 0, 30);
	assert_true(session_server_reaches(&server, &server.waiting, 30));
	grpc_client_free(call);
	grpc_client_close(&other);
	assert_true(session_server_reaches(&server, &server.cancelled, 30));
	session_server_hold(&server, false);
	assert_true(session_server_reaches(&server, &server.in_flight, 0));
}

static void deadline_of_the_stream_is_that_of_its_operations(void **state)
{
	(void)state;
	session_server_hold(&server, true);
	struct grpc_client_call *call = grpc_client_start_stream(&client, METHOD_SESSION, 300);
	write_reserves(call, 0, 10);
	assert_int_equal(grpc_client_finish(call), GRPC_STATUS_DEADLINE_EXCEEDED);
	grpc_client_free(call);
	assert_true(session_server_reaches(&server, &server.cancelled, 10));
	session_server_hold(&server, false);
	assert_true(session_server_reaches(&server, &server.in_flight, 0));
}

static void no_more_operations_are_begun_than_the_bound(void **state)
{
	(void)state;
	enum { ALL = 5 * OPERATIONS_MAX };
	static bool seen[ALL];
	memset(seen, 0, sizeof(seen));
	session_server_hold(&server, true);
	struct grpc_client_call *call = open_session();
	for (int i = 0; i < 5; i++) {
		write_reserves(call, i * OPERATIONS_MAX, OPERATIONS_MAX / 2);
		write_reserves(call, i * OPERATIONS_MAX + OPERATIONS_MAX / 2, OPERATIONS_MAX / 2);
	}
	assert_true(session_server_reaches(&server, &server.waiting, OPERATIONS_MAX));
	uv_sleep(200);
	assert_int_equal(atomic_load(&server.submitted), OPERATIONS_MAX);
	session_server_hold(&server, false);
	for (size_t answered = 0; answered < ALL;)
		answered += read_reserved(call, seen, ALL);
	grpc_client_half_close(call);
	assert_ends(call, GRPC_STATUS_OK);
}

static void caller_who_does_not_read_is_not_read_from(void **state)
{
	(void)state;
	enum { ALL = 10000, AT_ONCE = 20, PAYLOAD = 20000 };
	static uint8_t payload[PAYLOAD + 8];
	static bool seen[ALL];
	memset(seen, 0, sizeof(seen));
	Stockbook__V1__EchoRequest echo = STOCKBOOK__V1__ECHO_REQUEST__INIT;
	echo.payload.data = payload;
	echo.payload.len = PAYLOAD;
	static uint8_t request[PAYLOAD + 64];
	size_t request_size = stockbook__v1__echo_request__pack(&echo, request);
	struct grpc_client_call *call = open_session();
	int64_t written = 0;
	static struct outgoing outgoing;
	bool held_back = false;
	/* 200 MB, of which the server takes what fits its bounds and gRPC's windows; these grow to tens of
	 * megabytes where the machine is slow. */
	while (written < ALL && !held_back) {
		size_t size;
		outgoing_init(&outgoing);
		for (int i = 0; i < AT_ONCE; i++)
			add(&outgoing, written + i, "ServerService/Echo", request, request_size);
		const uint8_t *bytes = pack(&outgoing, &size);
		held_back = !grpc_client_try_write(call, bytes, size, 1000);
		if (!held_back)
			written += AT_ONCE;
		arena_release(&outgoing.arena);
	}
	assert_true(held_back);
	assert_in_range(written, OPERATIONS_MAX / 4, ALL - AT_ONCE);
	for (int64_t answered = 0; answered < written;) {
		Stockbook__V1__SessionResponse *response = read_in(call);
		assert_non_null(response);
		for (size_t i = 0; i < response->n_answers; i++) {
			const Stockbook__V1__SessionAnswer *answer = response->answers[i];
			assert_true(answer->number < written && !seen[answer->number]);
			seen[answer->number] = true;
			assert_int_equal(answer->response.len, request_size);
			answered++;
		}
		stockbook__v1__session_response__free_unpacked(response, NULL);
	}
	grpc_client_half_close(call);
	assert_ends(call, GRPC_STATUS_OK);
}

static const char *reason_of(const Google__Rpc__Status *status)
{
	static char reason[64];
	assert_true(status->n_details >= 1);
	Google__Rpc__ErrorInfo *info = google__rpc__error_info__unpack(NULL,
		status->details[0]->value.len, status->details[0]->value.data);
	assert_non_null(info);
	assert_string_equal(info->domain, "stockbook");
	snprintf(reason, sizeof(reason), "%s", info->reason);
	google__rpc__error_info__free_unpacked(info, NULL);
	return reason;
}

static void bad_operations_are_refused_one_by_one(void **state)
{
	(void)state;
	static const struct {
		const char *method;
		const char *bytes;
		int code;
		const char *reason;
	} bad[] = {
		{"ReservationService/Hold", "", 12, "METHOD_NOT_FOUND"},
		{"", "", 12, "METHOD_NOT_FOUND"},
		{"/stockbook.v1.ServerService/Echo", "", 12, "METHOD_NOT_FOUND"},
		{"../../etc/passwd\n", "", 12, "METHOD_NOT_FOUND"},
		{"LedgerService/Verify", "", 12, "METHOD_NOT_FOUND"},
		{"SessionService/Session", "", 12, "METHOD_NOT_FOUND"},
		{"ReservationService/Reserve", "\xff\xff\xff", 3, "MALFORMED_MESSAGE"},
		{"ReservationService/Reserve", "", 3, "INVALID_FIELD"},
	};
	static struct outgoing outgoing;
	size_t refused = 0;
	struct grpc_client_call *call = open_session();
	outgoing_init(&outgoing);
	add_reserve(&outgoing, 100);
	for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
		add(&outgoing, (int64_t)i, bad[i].method, bad[i].bytes, strlen(bad[i].bytes));
	add_reserve(&outgoing, -100);
	write_out(call, &outgoing);
	for (size_t answered = 0; answered < ARRAY_COUNT(bad) + 2;) {
		Stockbook__V1__SessionResponse *response = read_in(call);
		assert_non_null(response);
		for (size_t j = 0; j < response->n_answers; j++, answered++) {
			const Stockbook__V1__SessionAnswer *answer = response->answers[j];
			if (answer->number == 100 || answer->number == -100) {
				assert_reserved(answer);
				continue;
			}
			assert_int_equal(answer->outcome_case, STOCKBOOK__V1__SESSION_ANSWER__OUTCOME_STATUS);
			assert_int_equal(answer->status->code, bad[answer->number].code);
			assert_string_equal(reason_of(answer->status), bad[answer->number].reason);
			assert_null(strchr(answer->status->message, '\n'));
			refused++;
		}
		stockbook__v1__session_response__free_unpacked(response, NULL);
	}
	assert_int_equal(refused, ARRAY_COUNT(bad));
	grpc_client_half_close(call);
	assert_ends(call, GRPC_STATUS_OK);
}

static void malformed_message_ends_the_stream_after_the_answers(void **state)
{
	(void)state;
	static char many[2 * (MESSAGE_OPERATIONS_MAX + 1)];
	for (size_t i = 0; i < sizeof(many); i += 2)
		many[i] = 0x0a; /* an empty operation */
	const struct {
		const char *bytes;
		size_t size;
	} bad[] = {{"\x0a\x7f", 2}, {"\x0b", 1}, {"\x0a\x03\x12\x01\xff", 5}, {many, sizeof(many)}};
	for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
		bool seen[20] = {false};
		session_server_hold(&server, true);
		struct grpc_client_call *call = open_session();
		write_reserves(call, 0, 20);
		grpc_client_write(call, bad[i].bytes, bad[i].size);
		write_reserves(call, 0, 20); /* never looked at */
		assert_true(session_server_reaches(&server, &server.waiting, 20));
		session_server_hold(&server, false);
		for (size_t answered = 0; answered < 20;)
			answered += read_reserved(call, seen, 20);
		assert_ends(call, GRPC_STATUS_INVALID_ARGUMENT);
	}
}

static void too_large_message_ends_the_stream(void **state)
{
	(void)state;
	size_t size = TRANSPORT_MESSAGE_BYTES_MAX_DEFAULT + 1;
	uint8_t *bytes = calloc(1, size);
	assert_non_null(bytes);
	struct grpc_client_call *call = open_session();
	grpc_client_write(call, bytes, size);
	assert_int_equal(grpc_client_finish(call), GRPC_STATUS_RESOURCE_EXHAUSTED);
	grpc_client_free(call);
	free(bytes);
	assert_true(session_server_reaches(&server, &server.in_flight, 0));
}

static void drain_answers_what_was_begun_and_ends_the_stream(void **state)
{
	(void)state;
	bool seen[40] = {false};
	session_server_hold(&server, true);
	struct grpc_client_call *call = open_session();
	struct grpc_client_call *idle = open_session();
	write_reserves(call, 0, 40);
	assert_true(session_server_reaches(&server, &server.waiting, 40));
	session_server_begin_drain(&server);
	size_t size;
	assert_null(grpc_client_next(idle, &size));
	assert_int_equal(grpc_client_finish(idle), GRPC_STATUS_UNAVAILABLE);
	const uint8_t *details = grpc_client_trailer(idle, "grpc-status-details-bin", &size);
	assert_non_null(details);
	Google__Rpc__Status *status = google__rpc__status__unpack(NULL, size, details);
	assert_non_null(status);
	assert_string_equal(reason_of(status), "UNAVAILABLE");
	google__rpc__status__free_unpacked(status, NULL);
	grpc_client_free(idle);
	write_reserves(call, 0, 40); /* not begun any more */
	session_server_hold(&server, false);
	for (size_t answered = 0; answered < 40;)
		answered += read_reserved(call, seen, 40);
	assert_null(grpc_client_next(call, &size));
	assert_int_equal(grpc_client_finish(call), GRPC_STATUS_UNAVAILABLE);
	grpc_client_free(call);
	assert_int_equal(atomic_load(&server.submitted), 40);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
		TEST(ten_thousand_operations_are_answered_out_of_order_each_with_its_own),
		TEST(answers_ready_at_once_come_in_one_message),
		TEST(half_close_waits_for_what_is_in_flight),
		TEST(session_without_operations_ends_well),
		TEST(cancelled_session_drops_its_answers_and_leaves_others_alone),
		TEST(lost_connection_ends_its_sessions),
		TEST(deadline_of_the_stream_is_that_of_its_operations),
		TEST(no_more_operations_are_begun_than_the_bound),
		TEST(caller_who_does_not_read_is_not_read_from),
		TEST(bad_operations_are_refused_one_by_one),
		TEST(malformed_message_ends_the_stream_after_the_answers),
		TEST(too_large_message_ends_the_stream),
		TEST(drain_answers_what_was_begun_and_ends_the_stream),
	};
	signal(SIGPIPE, SIG_IGN);
	grpc_init();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	grpc_shutdown();
	return failed;
}
