/* The client's sessions against the real transport and API (session_server.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stockbook/v1/reservation.pb-c.h"
#include "stockbook/v1/server.pb-c.h"

#include "integration/session_server.h"
#include "stockbook/client.h"

#define IN_FLIGHT 200
#define DEADLINE_MS 20000
#define LARGE_LINES 10000
#define SKU_SIZE 65

static struct session_server server;
static struct stockbook_client *client;
static struct stockbook_session *session;

struct tally {
	int left; /* to be started by whoever is answered */
	int started;
	int answered;
	int failed;
	int code; /* of the last failure */
	bool outcome_unknown;
	char reason[64];
};

struct one {
	struct tally *tally;
	char owner[32];
};

static int start(void **state)
{
	(void)state;
	session_server_start(&server, 1024);
	struct stockbook_error error;
	client = stockbook_client_open(&(struct stockbook_client_options){.target = server.target,
									   .deadline_ms = DEADLINE_MS},
		&error);
	assert_non_null(client);
	session = stockbook_session_open(client, IN_FLIGHT);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	session_server_hold(&server, false);
	stockbook_client_close(client);
	session_server_stop(&server);
	return 0;
}

static void reserve(struct tally *tally, int lines, int64_t deadline_ms);

static void reserved(void *context, const ProtobufCMessage *message,
	const struct stockbook_error *error)
{
	struct one *one = context;
	struct tally *tally = one->tally;
	const Stockbook__V1__ReserveResponse *response =
		(const Stockbook__V1__ReserveResponse *)message;
	if (error->code == 0) {
		tally->answered++;
		assert_string_equal(response->reservation->id, one->owner);
	} else {
		assert_null(response);
		tally->failed++;
		tally->code = error->code;
		tally->outcome_unknown = error->outcome_unknown;
		snprintf(tally->reason, sizeof(tally->reason), "%s", error->reason);
	}
	free(one);
	if (tally->left > 0) {
		tally->left--;
		reserve(tally, 1, DEADLINE_MS);
	}
}

/* lines 0 is refused by the API. */
static void reserve(struct tally *tally, int lines, int64_t deadline_ms)
{
	static Stockbook__V1__ReserveLine line[LARGE_LINES];
	static Stockbook__V1__ReserveLine *pointers[LARGE_LINES];
	static char sku[SKU_SIZE];
	char request_id[STOCKBOOK_REQUEST_ID_SIZE];
	struct one *one = calloc(1, sizeof(*one));
	assert_non_null(one);
	one->tally = tally;
	snprintf(one->owner, sizeof(one->owner), "owner %d", tally->started++);
	memset(sku, 'S', SKU_SIZE - 1);
	stockbook_request_id_new(request_id);
	Stockbook__V1__ReserveRequest request = STOCKBOOK__V1__RESERVE_REQUEST__INIT;
	for (int i = 0; i < lines; i++) {
		stockbook__v1__reserve_line__init(&line[i]);
		line[i].sku = sku;
		line[i].location = sku;
		line[i].quantity = 1;
		pointers[i] = &line[i];
	}
	request.request_id = request_id;
	request.owner = one->owner;
	request.lines = pointers;
	request.n_lines = (size_t)lines;
	stockbook_session_call_async(session, stockbook_method("ReservationService", "Reserve"),
		&request.base, deadline_ms, reserved, one);
}

static void thousands_of_calls_are_answered_each_with_its_own(void **state)
{
	(void)state;
	struct tally tally = {.left = 20000};
	for (int i = 0; i < 3 * IN_FLIGHT; i++)
		reserve(&tally, 1, DEADLINE_MS);
	assert_int_equal(stockbook_session_in_flight(session), 3 * IN_FLIGHT);
	stockbook_client_run(client);
	assert_int_equal(tally.answered, 20000 + 3 * IN_FLIGHT);
	assert_int_equal(tally.failed, 0);
	assert_int_equal(stockbook_session_in_flight(session), 0);
}

static void refused_call_has_the_error_of_a_single_call(void **state)
{
	(void)state;
	struct tally tally = {0};
	reserve(&tally, 0, DEADLINE_MS);
	reserve(&tally, 1, DEADLINE_MS);
	stockbook_client_run(client);
	assert_int_equal(tally.answered, 1);
	assert_int_equal(tally.code, 3);
	assert_string_equal(tally.reason, "INVALID_FIELD");
	assert_false(tally.outcome_unknown);
}

static void sessions_and_single_calls_do_not_disturb_each_other(void **state)
{
	(void)state;
	struct stockbook_session *first = session;
	struct tally tally = {.left = 500};
	session = stockbook_session_open(client, 10);
	for (int i = 0; i < 50; i++)
		reserve(&tally, 1, DEADLINE_MS);
	struct stockbook_session *second = session;
	session = first;
	Stockbook__V1__EchoRequest echo = STOCKBOOK__V1__ECHO_REQUEST__INIT;
	for (int i = 0; i < 50; i++) {
		struct stockbook_error error;
		reserve(&tally, 1, DEADLINE_MS);
		ProtobufCMessage *answer = stockbook_call(client, stockbook_method("ServerService", "Echo"),
			&echo.base, 0, &error);
		assert_non_null(answer);
		protobuf_c_message_free_unpacked(answer, NULL);
		stockbook_error_release(&error);
	}
	stockbook_session_close(second);
	stockbook_client_run(client);
	assert_int_equal(tally.answered, 600);
}

static void large_request_goes_alone_and_comes_through(void **state)
{
	(void)state;
	struct tally tally = {0};
	reserve(&tally, 1, DEADLINE_MS);
	reserve(&tally, LARGE_LINES, DEADLINE_MS);
	reserve(&tally, 1, DEADLINE_MS);
	stockbook_client_run(client);
	assert_int_equal(tally.answered, 3);
}

static void unanswered_call_ends_at_its_deadline_and_the_session_goes_on(void **state)
{
	(void)state;
	struct tally tally = {0};
	session_server_hold(&server, true);
	reserve(&tally, 1, 200);
	/* Beyond what may be in flight: never sent, so nothing is in doubt. */
	struct tally others = {0};
	for (int i = 0; i < IN_FLIGHT; i++)
		reserve(&others, 1, DEADLINE_MS);
	struct tally unsent = {0};
	reserve(&unsent, 1, 200);
	while (tally.failed == 0 || unsent.failed == 0)
		stockbook_client_poll(client, 1000);
	assert_int_equal(tally.code, 4);
	assert_true(tally.outcome_unknown);
	session_server_hold(&server, false);
	stockbook_client_run(client);
	assert_int_equal(others.answered, IN_FLIGHT);
	assert_int_equal(unsent.code, 4);
	reserve(&tally, 1, DEADLINE_MS);
	stockbook_client_run(client);
	assert_int_equal(tally.answered, 1);
}

static void closed_session_is_answered_and_its_stream_ended(void **state)
{
	(void)state;
	struct tally tally = {0};
	session_server_hold(&server, true);
	for (int i = 0; i < 300; i++)
		reserve(&tally, 1, DEADLINE_MS);
	stockbook_session_close(session);
	session_server_hold(&server, false);
	stockbook_client_run(client);
	assert_int_equal(tally.answered, 300);
	assert_true(session_server_reaches(&server, &server.in_flight, 0));
	/* One that was never used. */
	stockbook_session_close(stockbook_session_open(client, 0));
	stockbook_client_run(client);
	session = stockbook_session_open(client, IN_FLIGHT);
	reserve(&tally, 1, DEADLINE_MS);
	stockbook_client_run(client);
	assert_int_equal(tally.answered, 301);
}

static void closing_the_client_cancels_what_is_in_flight(void **state)
{
	(void)state;
	struct tally tally = {.left = 50};
	session_server_hold(&server, true);
	for (int i = 0; i < 2 * IN_FLIGHT; i++)
		reserve(&tally, 1, DEADLINE_MS);
	stockbook_client_poll(client, 50);
	stockbook_client_close(client);
	/* Those that were started by the cancelled ones, too. */
	assert_int_equal(tally.failed, 2 * IN_FLIGHT + 50);
	assert_int_equal(tally.code, 1);
	client = NULL;
	session_server_hold(&server, false);
	assert_true(session_server_reaches(&server, &server.in_flight, 0));
}

static void drained_server_answers_what_it_began_and_the_rest_waits_in_vain(void **state)
{
	(void)state;
	struct tally begun = {0}, late = {0};
	session_server_hold(&server, true);
	for (int i = 0; i < 100; i++)
		reserve(&begun, 1, DEADLINE_MS);
	while (atomic_load(&server.waiting) < 100)
		stockbook_client_poll(client, 1);
	session_server_begin_drain(&server);
	session_server_hold(&server, false);
	while (begun.answered + begun.failed < 100)
		stockbook_client_poll(client, 100);
	assert_int_equal(begun.answered, 100);
	reserve(&late, 1, 700);
	stockbook_client_run(client);
	assert_int_equal(late.failed, 1);
	assert_true(late.code == 14 || late.code == 4);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
		TEST(thousands_of_calls_are_answered_each_with_its_own),
		TEST(refused_call_has_the_error_of_a_single_call),
		TEST(sessions_and_single_calls_do_not_disturb_each_other),
		TEST(large_request_goes_alone_and_comes_through),
		TEST(unanswered_call_ends_at_its_deadline_and_the_session_goes_on),
		TEST(closed_session_is_answered_and_its_stream_ended),
		TEST(closing_the_client_cancels_what_is_in_flight),
		TEST(drained_server_answers_what_it_began_and_the_rest_waits_in_vain),
	};
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
