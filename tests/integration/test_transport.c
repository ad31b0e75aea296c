/*
 * The transport with an API made for tests behind it (transport_server.h), called by gRPC's own
 * client: calls, limits, cancellation, streams, broken input and the drain.
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
#include "google/rpc/status.pb-c.h"

#include "integration/grpc_client.h"
#include "integration/transport_server.h"

#define MESSAGE_BYTES_MAX ((size_t)64 << 10)
#define CALLS_MAX 2000

static struct transport_server server;
static struct grpc_client client;

static int start_with(const struct transport_settings *settings)
{
	transport_server_start(&server, settings);
	grpc_client_open(&client, server.target, NULL);
	return 0;
}

static int start(void **state)
{
	(void)state;
	return start_with(&(struct transport_settings){
		.message_bytes_max = MESSAGE_BYTES_MAX,
		.calls_in_flight_max = CALLS_MAX,
		.streams_per_connection_max = CALLS_MAX + 100,
	});
}

static int start_small(void **state)
{
	(void)state;
	return start_with(&(struct transport_settings){.calls_in_flight_max = 3});
}

static int stop(void **state)
{
	(void)state;
	if (client.channel)
		grpc_client_close(&client);
	transport_server_stop(&server);
	return 0;
}

static int call_unary(const char *method, const char *request, char *text, size_t text_size)
{
	uint8_t *answer;
	size_t size = 0;
	int status = grpc_client_unary(&client, method, request, strlen(request), GRPC_CLIENT_WAIT_MS,
		&answer, &size);
	snprintf(text, text_size, "%.*s", answer ? (int)size : 0, answer ? (char *)answer : "");
	free(answer);
	return status;
}

static void assert_echo_works(void)
{
	char text[64];
	assert_int_equal(call_unary(METHOD_ECHO, "still here", text, sizeof(text)), GRPC_STATUS_OK);
	assert_string_equal(text, "still here");
}

/* ---- unary */

static void unary_call_is_answered_with_its_bytes(void **state)
{
	(void)state;
	char text[64];
	assert_int_equal(call_unary(METHOD_ECHO, "hello", text, sizeof(text)), GRPC_STATUS_OK);
	assert_string_equal(text, "hello");
	assert_int_equal(call_unary(METHOD_ECHO, "", text, sizeof(text)), GRPC_STATUS_OK);
	assert_string_equal(text, "");
	assert_true(transport_server_is_idle(&server));
	assert_int_equal(transport_server_counts(&server)->arrived, 2);
	assert_int_equal(transport_server_counts(&server)->finished[GRPC_STATUS_OK], 2);
}

static void largest_message_is_answered_whole(void **state)
{
	(void)state;
	/* In several slices, so that it is put together. */
	size_t size = MESSAGE_BYTES_MAX;
	size_t answer_size = 0;
	uint8_t *request = malloc(size);
	uint8_t *answer;
	assert_non_null(request);
	for (size_t i = 0; i < size; i++)
		request[i] = (uint8_t)(i * 31 + i / 256);
	assert_int_equal(grpc_client_unary(&client, METHOD_ECHO, request, size, GRPC_CLIENT_WAIT_MS,
						 &answer, &answer_size),
		GRPC_STATUS_OK);
	assert_int_equal(answer_size, size);
	assert_memory_equal(answer, request, size);
	free(answer);
	free(request);
}

static void thousand_concurrent_calls_get_their_own_answers(void **state)
{
	(void)state;
	enum { CALLS = 1000 };
	static struct grpc_client_call *calls[CALLS];
	for (int i = 0; i < CALLS; i++) {
		char request[32];
		snprintf(request, sizeof(request), "call %d", i);
		calls[i] = grpc_client_start(&client, i % 2 ? METHOD_DEFER : METHOD_ECHO, request,
			strlen(request), GRPC_CLIENT_WAIT_MS, NULL);
	}
	for (int i = 0; i < CALLS; i++) {
		char expected[32];
		size_t size = 0;
		snprintf(expected, sizeof(expected), "call %d", i);
		const uint8_t *answer = grpc_client_next(calls[i], &size);
		assert_non_null(answer);
		assert_int_equal(size, strlen(expected));
		assert_memory_equal(answer, expected, size);
		assert_int_equal(grpc_client_finish(calls[i]), GRPC_STATUS_OK);
		grpc_client_free(calls[i]);
	}
	assert_true(transport_server_is_idle(&server));
	assert_int_equal(atomic_load(&server.api.handled), CALLS);
}

static void call_tells_its_token_peer_and_deadline(void **state)
{
	(void)state;
	size_t size = 0;
	struct grpc_client_call *call =
		grpc_client_start(&client, METHOD_ASK, "", 0, 5000, "Bearer abc");
	const char *answer = (const char *)grpc_client_next(call, &size);
	assert_non_null(answer);
	char text[256];
	long long left_ms = 0;
	int streaming = -1;
	snprintf(text, sizeof(text), "%.*s", (int)size, answer);
	char *deadline = strstr(text, "|ipv4:127.0.0.1:");
	assert_non_null(deadline);
	assert_int_equal(strncmp(text, "|Bearer abc|", strlen("|Bearer abc|")), 0);
	assert_int_equal(sscanf(strchr(deadline + 1, '|'), "|%lld|%d", &left_ms, &streaming), 2);
	assert_in_range(left_ms, 3000, 5100); /* the wire rounds up */
	assert_int_equal(streaming, 0);
	assert_int_equal(grpc_client_finish(call), GRPC_STATUS_OK);
	grpc_client_free(call);

	call = grpc_client_start(&client, METHOD_ASK, "", 0, GRPC_CLIENT_FOREVER, NULL);
	answer = (const char *)grpc_client_next(call, &size);
	assert_non_null(answer);
	snprintf(text, sizeof(text), "%.*s", (int)size, answer);
	assert_int_equal(strncmp(text, "||ipv4:", strlen("||ipv4:")), 0);
	assert_non_null(strstr(text, "|-1|0"));
	grpc_client_free(call);
}

static void refusal_carries_details_and_request_tag(void **state)
{
	(void)state;
	struct grpc_client_call *call =
		grpc_client_start(&client, METHOD_FAIL, "x", 1, GRPC_CLIENT_WAIT_MS, NULL);
	size_t size = 0;
	assert_null(grpc_client_next(call, &size));
	assert_int_equal(grpc_client_finish(call), GRPC_STATUS_NOT_FOUND);
	assert_string_equal(grpc_client_message(call), "sku '85123A' not found");
	const uint8_t *details = grpc_client_trailer(call, "grpc-status-details-bin", &size);
	assert_non_null(details);
	assert_int_equal(size, 2);
	assert_memory_equal(details, "\x08\x05", 2);
	const uint8_t *tag = grpc_client_trailer(call, "stockbook-request-tag", &size);
	assert_non_null(tag);
	assert_int_equal(size, strlen(FAIL_TAG));
	assert_memory_equal(tag, FAIL_TAG, size);
	grpc_client_free(call);
}

/* ---- what is not served, and limits */

static Google__Rpc__Status *status_of(struct grpc_client_call *call)
{
	size_t size = 0;
	const uint8_t *details = grpc_client_trailer(call, "grpc-status-details-bin", &size);
	assert_non_null(details);
	Google__Rpc__Status *status = google__rpc__status__unpack(NULL, size, details);
	assert_non_null(status);
	return status;
}

static void assert_error_info(const Google__Rpc__Status *status, const char *reason)
{
	assert_true(status->n_details >= 1);
	const Google__Protobuf__Any *any = status->details[0];
	assert_string_equal(any->type_url, "type.googleapis.com/google.rpc.ErrorInfo");
	Google__Rpc__ErrorInfo *info =
		google__rpc__error_info__unpack(NULL, any->value.len, any->value.data);
	assert_non_null(info);
	assert_string_equal(info->reason, reason);
	assert_string_equal(info->domain, "stockbook");
	google__rpc__error_info__free_unpacked(info, NULL);
}

static void unknown_methods_are_unimplemented_with_details(void **state)
{
	(void)state;
	static const char *const unknown[] = {
		"/stockbook.v1.ServerService/NoSuchMethod",
		"/no.such.Service/Method",
		"/",
		METHOD_DESCRIBED_ONLY,
		"/stockbook.v1.ServerService/Echo/",
	};
	for (size_t i = 0; i < ARRAY_COUNT(unknown); i++) {
		struct grpc_client_call *call =
			grpc_client_start(&client, unknown[i], "x", 1, GRPC_CLIENT_WAIT_MS, NULL);
		assert_int_equal(grpc_client_finish(call), GRPC_STATUS_UNIMPLEMENTED);
		Google__Rpc__Status *status = status_of(call);
		assert_int_equal(status->code, GRPC_STATUS_UNIMPLEMENTED);
		assert_string_equal(status->message, grpc_client_message(call));
		assert_error_info(status, "METHOD_NOT_FOUND");
		google__rpc__status__free_unpacked(status, NULL);
		grpc_client_free(call);
	}
	assert_true(transport_server_is_idle(&server));
	assert_int_equal(atomic_load(&server.api.handled), 0);
	assert_int_equal(transport_server_counts(&server)->unknown_methods, ARRAY_COUNT(unknown));
}

static void too_large_message_is_refused_before_the_api(void **state)
{
	(void)state;
	static const char *const methods[] = {METHOD_ECHO, METHOD_STREAM};
	uint8_t *request = calloc(1, MESSAGE_BYTES_MAX + 1);
	assert_non_null(request);
	for (size_t i = 0; i < ARRAY_COUNT(methods); i++) {
		struct grpc_client_call *call = grpc_client_start(&client, methods[i], request,
			MESSAGE_BYTES_MAX + 1, GRPC_CLIENT_WAIT_MS, NULL);
		assert_int_equal(grpc_client_finish(call), GRPC_STATUS_RESOURCE_EXHAUSTED);
		grpc_client_free(call);
	}
	free(request);
	assert_true(transport_server_is_idle(&server));
	assert_int_equal(atomic_load(&server.api.handled), 0);
	assert_echo_works();
}

static void call_without_message_is_refused(void **state)
{
	(void)state;
	static const char *const methods[] = {METHOD_ECHO, METHOD_STREAM};
	for (size_t i = 0; i < ARRAY_COUNT(methods); i++) {
		struct grpc_client_call *call =
			grpc_client_start_stream(&client, methods[i], GRPC_CLIENT_WAIT_MS);
		grpc_client_half_close(call);
		assert_int_equal(grpc_client_finish(call), GRPC_STATUS_INVALID_ARGUMENT);
		Google__Rpc__Status *status = status_of(call);
		assert_error_info(status, "MALFORMED_MESSAGE");
		google__rpc__status__free_unpacked(status, NULL);
		grpc_client_free(call);
	}
	assert_true(transport_server_is_idle(&server));
	assert_int_equal(atomic_load(&server.api.handled), 0);
}

static void call_over_the_limit_is_refused_before_any_work(void **state)
{
	(void)state;
	struct grpc_client_call *held[3];
	for (size_t i = 0; i < ARRAY_COUNT(held); i++)
		held[i] = grpc_client_start(&client, METHOD_HOLD, "held", 4, GRPC_CLIENT_WAIT_MS, NULL);
	while (atomic_load(&server.api.handled) < ARRAY_COUNT(held))
		uv_sleep(1);

	struct grpc_client_call *call =
		grpc_client_start(&client, METHOD_ECHO, "x", 1, GRPC_CLIENT_WAIT_MS, NULL);
	assert_int_equal(grpc_client_finish(call), GRPC_STATUS_RESOURCE_EXHAUSTED);
	Google__Rpc__Status *status = status_of(call);
	assert_error_info(status, "OVERLOADED");
	assert_int_equal(status->n_details, 2);
	assert_string_equal(status->details[1]->type_url, "type.googleapis.com/google.rpc.RetryInfo");
	Google__Rpc__RetryInfo *retry = google__rpc__retry_info__unpack(NULL,
		status->details[1]->value.len, status->details[1]->value.data);
	assert_non_null(retry);
	assert_non_null(retry->retry_delay);
	assert_true(retry->retry_delay->seconds > 0 || retry->retry_delay->nanos > 0);
	google__rpc__retry_info__free_unpacked(retry, NULL);
	google__rpc__status__free_unpacked(status, NULL);
	grpc_client_free(call);
	assert_int_equal(atomic_load(&server.api.handled), ARRAY_COUNT(held));
	assert_int_equal(transport_server_counts(&server)->overloaded, 1);

	transport_server_release(&server);
	for (size_t i = 0; i < ARRAY_COUNT(held); i++) {
		assert_int_equal(grpc_client_finish(held[i]), GRPC_STATUS_OK);
		grpc_client_free(held[i]);
	}
	assert_true(transport_server_is_idle(&server));
	assert_echo_works();
}

/* ---- cancellation and deadlines */

static void cancelled_call_is_told_to_the_api(void **state)
{
	(void)state;
	struct grpc_client_call *call =
		grpc_client_start(&client, METHOD_HOLD, "x", 1, GRPC_CLIENT_FOREVER, NULL);
	while (atomic_load(&server.api.handled) == 0)
		uv_sleep(1);
	assert_int_equal(transport_server_counts(&server)->in_state[CALL_HANDLED], 1);
	grpc_client_cancel(call);
	assert_int_equal(grpc_client_finish(call), GRPC_STATUS_CANCELLED);
	grpc_client_free(call);
	assert_true(transport_server_is_idle(&server));
	assert_int_equal(atomic_load(&server.api.cancelled), 1);
	assert_int_equal(transport_server_counts(&server)->cancelled, 1);
}

static void api_may_answer_long_after_the_caller_has_gone(void **state)
{
	(void)state;
	struct grpc_client_call *call =
		grpc_client_start(&client, METHOD_DEFER, "x", 1, GRPC_CLIENT_FOREVER, NULL);
	while (atomic_load(&server.api.handled) == 0)
		uv_sleep(1);
	grpc_client_cancel(call);
	grpc_client_free(call);
	assert_true(transport_server_is_idle(&server));
	assert_int_equal(atomic_load(&server.api.cancelled), 1);
	assert_echo_works();
}

static void expired_deadline_cancels_the_call(void **state)
{
	(void)state;
	struct grpc_client_call *call = grpc_client_start(&client, METHOD_HOLD, "x", 1, 50, NULL);
	assert_int_equal(grpc_client_finish(call), GRPC_STATUS_DEADLINE_EXCEEDED);
	grpc_client_free(call);
	assert_true(transport_server_is_idle(&server));
	assert_int_equal(atomic_load(&server.api.cancelled), atomic_load(&server.api.handled));
}

static void lost_connection_cancels_its_calls(void **state)
{
	(void)state;
	enum { CALLS = 20 };
	struct grpc_client other;
	struct grpc_client_call *calls[CALLS];
	grpc_client_open(&other, server.target, NULL);
	for (int i = 0; i < CALLS; i++)
		calls[i] = grpc_client_start(&other, METHOD_HOLD, "x", 1, GRPC_CLIENT_FOREVER, NULL);
	while (atomic_load(&server.api.handled) < CALLS)
		uv_sleep(1);
	for (int i = 0; i < CALLS; i++)
		grpc_client_free(calls[i]);
	grpc_client_close(&other);
	assert_true(transport_server_is_idle(&server));
	assert_int_equal(atomic_load(&server.api.cancelled), CALLS);
}

/* ---- streams */

static void stream_sends_all_its_messages_in_order(void **state)
{
	(void)state;
	struct grpc_client_call *call =
		grpc_client_start(&client, METHOD_STREAM, "500 20", 6, GRPC_CLIENT_WAIT_MS, NULL);
	size_t size = 0;
	for (unsigned long i = 0; i < 500; i++) {
		const uint8_t *message = grpc_client_next(call, &size);
		assert_non_null(message);
		assert_int_equal(size, 20);
		assert_int_equal(strtoul((const char *)message, NULL, 10), i);
	}
	assert_null(grpc_client_next(call, &size));
	assert_int_equal(grpc_client_finish(call), GRPC_STATUS_OK);
	grpc_client_free(call);
	assert_true(transport_server_is_idle(&server));
}

static void slow_reader_holds_the_stream_back_and_loses_nothing(void **state)
{
	(void)state;
	enum { MESSAGES = 400, BYTES = 100000 };
	char request[32];
	int request_size = snprintf(request, sizeof(request), "%d %d", MESSAGES, BYTES);
	struct grpc_client_call *call = grpc_client_start(&client, METHOD_STREAM, request,
		(size_t)request_size, GRPC_CLIENT_WAIT_MS, NULL);
	while (atomic_load(&server.api.stream_refused) == 0)
		uv_sleep(1);
	uv_sleep(200);
	/* 40 MB are asked for; what nobody reads stays within the queue and gRPC's windows. */
	size_t waiting = atomic_load(&server.api.streamed);
	assert_in_range(waiting, 1, MESSAGES / 2);
	assert_echo_works(); /* and others are not held up */

	size_t size = 0;
	for (unsigned long i = 0; i < MESSAGES; i++) {
		const uint8_t *message = grpc_client_next(call, &size);
		assert_non_null(message);
		assert_int_equal(size, BYTES);
		assert_int_equal(strtoul((const char *)message, NULL, 10), i);
	}
	assert_int_equal(grpc_client_finish(call), GRPC_STATUS_OK);
	grpc_client_free(call);
	assert_true(transport_server_is_idle(&server));
}

static void cancelled_stream_ends_though_nobody_reads(void **state)
{
	(void)state;
	struct grpc_client_call *call =
		grpc_client_start(&client, METHOD_STREAM, "1000000 10000", 13, GRPC_CLIENT_FOREVER, NULL);
	while (atomic_load(&server.api.stream_refused) == 0)
		uv_sleep(1);
	grpc_client_cancel(call);
	assert_int_equal(grpc_client_finish(call), GRPC_STATUS_CANCELLED);
	grpc_client_free(call);
	assert_true(transport_server_is_idle(&server));
	assert_int_equal(atomic_load(&server.api.cancelled), 1);
}

/* ---- the drain */

static void drain_waits_for_calls_in_flight_and_takes_no_new_ones(void **state)
{
	(void)state;
	struct grpc_client_call *call =
		grpc_client_start(&client, METHOD_HOLD, "held", 4, GRPC_CLIENT_WAIT_MS, NULL);
	while (atomic_load(&server.api.handled) == 0)
		uv_sleep(1);
	transport_server_begin_drain(&server, GRPC_CLIENT_WAIT_MS);
	uv_sleep(100);
	assert_false(atomic_load(&server.drained));

	struct grpc_client late;
	uint8_t *answer;
	size_t size = 0;
	grpc_client_open(&late, server.target, NULL);
	assert_int_equal(grpc_client_unary(&late, METHOD_ECHO, "late", 4, 2000, &answer, &size),
		GRPC_STATUS_UNAVAILABLE);
	grpc_client_close(&late);
	assert_int_equal(atomic_load(&server.api.handled), 1);

	transport_server_release(&server);
	const uint8_t *bytes = grpc_client_next(call, &size);
	assert_non_null(bytes);
	assert_memory_equal(bytes, "held", 4);
	assert_int_equal(grpc_client_finish(call), GRPC_STATUS_OK);
	grpc_client_free(call);
	transport_server_stop(&server);
	grpc_client_close(&client);
}

static void drain_cancels_what_is_left_after_its_bound(void **state)
{
	(void)state;
	struct grpc_client_call *held =
		grpc_client_start(&client, METHOD_HOLD, "x", 1, GRPC_CLIENT_FOREVER, NULL);
	struct grpc_client_call *stream =
		grpc_client_start(&client, METHOD_STREAM, "1000000 10000", 13, GRPC_CLIENT_FOREVER, NULL);
	while (atomic_load(&server.api.handled) < 2)
		uv_sleep(1);
	uint64_t before_ms = uv_hrtime() / 1000000;
	transport_server_begin_drain(&server, 200);
	transport_server_stop(&server);
	uint64_t took_ms = uv_hrtime() / 1000000 - before_ms;
	assert_in_range(took_ms, 190, 10000);
	assert_int_not_equal(grpc_client_finish(held), GRPC_STATUS_OK);
	assert_int_not_equal(grpc_client_finish(stream), GRPC_STATUS_OK);
	assert_int_equal(atomic_load(&server.api.cancelled), 2);
	grpc_client_free(held);
	grpc_client_free(stream);
	grpc_client_close(&client);
}

static void drain_under_load_answers_or_refuses_every_call(void **state)
{
	(void)state;
	enum { CALLS = 300 };
	static struct grpc_client_call *calls[CALLS];
	for (int i = 0; i < CALLS; i++) {
		calls[i] = grpc_client_start(&client, METHOD_DEFER, "x", 1, GRPC_CLIENT_WAIT_MS, NULL);
		if (i == CALLS / 2)
			transport_server_begin_drain(&server, GRPC_CLIENT_WAIT_MS);
	}
	size_t answered = 0;
	for (int i = 0; i < CALLS; i++) {
		int status = grpc_client_finish(calls[i]);
		/* CANCELLED: gRPC's core says so to calls that came in the same instant, before us. */
		assert_true(status == GRPC_STATUS_OK || status == GRPC_STATUS_UNAVAILABLE ||
					status == GRPC_STATUS_CANCELLED);
		answered += status == GRPC_STATUS_OK;
		grpc_client_free(calls[i]);
	}
	transport_server_stop(&server);
	/* Whatever the API was given, its caller got. */
	assert_int_equal(atomic_load(&server.api.handled), answered);
	grpc_client_close(&client);
}

static int nothing(void **state)
{
	(void)state;
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
		TEST(unary_call_is_answered_with_its_bytes),
		TEST(largest_message_is_answered_whole),
		TEST(thousand_concurrent_calls_get_their_own_answers),
		TEST(call_tells_its_token_peer_and_deadline),
		TEST(refusal_carries_details_and_request_tag),
		TEST(unknown_methods_are_unimplemented_with_details),
		TEST(too_large_message_is_refused_before_the_api),
		TEST(call_without_message_is_refused),
		cmocka_unit_test_setup_teardown(call_over_the_limit_is_refused_before_any_work, start_small,
			stop),
		TEST(cancelled_call_is_told_to_the_api),
		TEST(api_may_answer_long_after_the_caller_has_gone),
		TEST(expired_deadline_cancels_the_call),
		TEST(lost_connection_cancels_its_calls),
		TEST(stream_sends_all_its_messages_in_order),
		TEST(slow_reader_holds_the_stream_back_and_loses_nothing),
		TEST(cancelled_stream_ends_though_nobody_reads),
		cmocka_unit_test_setup_teardown(drain_waits_for_calls_in_flight_and_takes_no_new_ones,
			start, nothing),
		cmocka_unit_test_setup_teardown(drain_cancels_what_is_left_after_its_bound, start, nothing),
		cmocka_unit_test_setup_teardown(drain_under_load_answers_or_refuses_every_call, start,
			nothing),
	};
	signal(SIGPIPE, SIG_IGN);
	grpc_init();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	grpc_shutdown();
	return failed;
}
