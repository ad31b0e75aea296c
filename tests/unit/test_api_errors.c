/* Refusals as callers get them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"

#include "api/errors.h"

static struct arena arena;

static int start(void **state)
{
	(void)state;
	arena_init(&arena);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static Google__Rpc__Status *unpack(const struct error *error)
{
	Google__Rpc__Status *status =
		google__rpc__status__unpack(NULL, error->details_size, error->details);
	assert_non_null(status);
	return status;
}

static Google__Rpc__ErrorInfo *unpack_info(const Google__Rpc__Status *status)
{
	assert_string_equal(status->details[0]->type_url, "type.googleapis.com/google.rpc.ErrorInfo");
	Google__Rpc__ErrorInfo *info = google__rpc__error_info__unpack(NULL,
		status->details[0]->value.len, status->details[0]->value.data);
	assert_non_null(info);
	return info;
}

static void an_error_has_its_reason_domain_and_metadata(void **state)
{
	(void)state;
	struct refusal refusal = {
		.reason = STOCKBOOK__V1__REASON__REASON_OUT_OF_STOCK, .message = "sku '85123A' is short"};
	refusal_add_pair(&refusal, &arena, "lines[0].sku", "%s", "85123A");
	refusal_add_pair(&refusal, &arena, "lines[0].available", "%d", 3);
	struct error error = error_make(&refusal, &arena);
	assert_int_equal(error.code, 9);
	Google__Rpc__Status *status = unpack(&error);
	assert_int_equal(status->code, 9);
	assert_string_equal(status->message, "sku '85123A' is short");
	assert_int_equal(status->n_details, 1);
	Google__Rpc__ErrorInfo *info = unpack_info(status);
	assert_string_equal(info->reason, "OUT_OF_STOCK");
	assert_string_equal(info->domain, "stockbook");
	assert_int_equal(info->n_metadata, 2);
	assert_string_equal(info->metadata[1]->key, "lines[0].available");
	assert_string_equal(info->metadata[1]->value, "3");
	google__rpc__error_info__free_unpacked(info, NULL);
	google__rpc__status__free_unpacked(status, NULL);
}

static void details_fit_into_what_clients_take(void **state)
{
	(void)state;
	struct refusal refusal = {.reason = STOCKBOOK__V1__REASON__REASON_OUT_OF_STOCK};
	char *message = arena_alloc(&arena, 5000);
	for (size_t i = 0; i + 3 < 5000; i += 3)
		snprintf(message + i, 4, "€");
	refusal.message = message;
	for (int i = 0; i < 10000; i++)
		refusal_add_pair(&refusal, &arena, arena_printf(&arena, "lines[%d].sku", i), "%064d", i);
	for (int i = 0; i < 100; i++)
		refusal_add_field(&refusal, &arena, arena_printf(&arena, "lines[%d].sku", i), "%064d", i);
	struct error error = error_make(&refusal, &arena);
	assert_true(error.details_size <= ERROR_DETAILS_BYTES_MAX);
	assert_true(strlen(error.message) <= ERROR_MESSAGE_BYTES_MAX + 3);
	/* Cut at the end of a character. */
	assert_string_equal(error.message + strlen(error.message) - 6, "€…");
	Google__Rpc__Status *status = unpack(&error);
	Google__Rpc__ErrorInfo *info = unpack_info(status);
	size_t told = info->n_metadata - 1;
	assert_true(told > 10);
	assert_string_equal(info->metadata[told]->key, "omitted");
	assert_string_equal(info->metadata[told]->value, arena_printf(&arena, "%zu", 10000 - told));
	google__rpc__error_info__free_unpacked(info, NULL);
	google__rpc__status__free_unpacked(status, NULL);
}

static void where_waiting_helps_the_caller_is_told_how_long(void **state)
{
	(void)state;
	static const struct {
		Stockbook__V1__Reason reason;
		int64_t retry_after_ms;
		int64_t told_ms;
	} rows[] = {
		{STOCKBOOK__V1__REASON__REASON_OVERLOADED, 0, 100},
		{STOCKBOOK__V1__REASON__REASON_OVERLOADED, 1500, 1500},
		{STOCKBOOK__V1__REASON__REASON_UNAVAILABLE, 0, 1000},
		{STOCKBOOK__V1__REASON__REASON_OUT_OF_STOCK, 0, 0},
	};
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct refusal refusal = {
			.reason = rows[i].reason, .message = "wait", .retry_after_ms = rows[i].retry_after_ms};
		struct error error = error_make(&refusal, &arena);
		Google__Rpc__Status *status = unpack(&error);
		assert_int_equal(status->n_details, rows[i].told_ms > 0 ? 2 : 1);
		if (rows[i].told_ms > 0) {
			Google__Rpc__RetryInfo *retry = google__rpc__retry_info__unpack(NULL,
				status->details[1]->value.len, status->details[1]->value.data);
			assert_int_equal(retry->retry_delay->seconds * 1000 +
								 retry->retry_delay->nanos / 1000000,
				rows[i].told_ms);
			google__rpc__retry_info__free_unpacked(retry, NULL);
		}
		google__rpc__status__free_unpacked(status, NULL);
	}
}

static void every_reason_becomes_an_error(void **state)
{
	(void)state;
	const ProtobufCEnumDescriptor *reasons = &stockbook__v1__reason__descriptor;
	for (unsigned i = 0; i < reasons->n_values; i++) {
		struct refusal refusal = {
			.reason = (Stockbook__V1__Reason)reasons->values[i].value, .message = "because"};
		struct error error = error_make(&refusal, &arena);
		assert_true(error.code > 0 && error.code <= 16);
		Google__Rpc__Status *status = unpack(&error);
		Google__Rpc__ErrorInfo *info = unpack_info(status);
		assert_string_equal(info->reason, reasons->values[i].name + strlen("REASON_"));
		google__rpc__error_info__free_unpacked(info, NULL);
		google__rpc__status__free_unpacked(status, NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_error_has_its_reason_domain_and_metadata, start, stop),
		cmocka_unit_test_setup_teardown(details_fit_into_what_clients_take, start, stop),
		cmocka_unit_test_setup_teardown(where_waiting_helps_the_caller_is_told_how_long, start,
			stop),
		cmocka_unit_test_setup_teardown(every_reason_becomes_an_error, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
