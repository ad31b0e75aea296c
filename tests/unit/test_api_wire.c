/* The check of a request's bytes before they are unpacked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "stockbook/v1/ledger.pb-c.h"
#include "stockbook/v1/stock.pb-c.h"

#include "api/wire.h"
#include "base/text.h"

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

/* Checks a copy of exact size, so that a sanitizer sees a read beyond it. */
static bool check_bytes(const ProtobufCMessageDescriptor *descriptor, const void *bytes,
	size_t size, struct wire_fault *fault)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);
	memcpy(copy, bytes, size);
	bool right = wire_check(descriptor, copy, size, &arena, fault);
	free(copy);
	return right;
}

#define RECEIVE (&stockbook__v1__receive_stock_request__descriptor)

static void is_refused(const void *bytes, size_t size, const char *field, const char *problem)
{
	struct wire_fault fault;
	assert_false(check_bytes(RECEIVE, bytes, size, &fault));
	assert_string_equal(fault.field, field);
	assert_string_equal(fault.problem, problem);
}

#define IS_REFUSED(bytes, field, problem) is_refused(bytes, sizeof(bytes) - 1, field, problem)

static size_t pack_receipt(uint8_t *bytes, const char *sku)
{
	Stockbook__V1__ReceiveStockRequest request = STOCKBOOK__V1__RECEIVE_STOCK_REQUEST__INIT;
	Stockbook__V1__ReceiptLine good = STOCKBOOK__V1__RECEIPT_LINE__INIT;
	Stockbook__V1__ReceiptLine other = STOCKBOOK__V1__RECEIPT_LINE__INIT;
	Stockbook__V1__ReceiptLine *lines[] = {&good, &other};
	request.location = (char *)(uintptr_t) "LEEDS";
	request.lines = lines;
	request.n_lines = 2;
	good.sku = (char *)(uintptr_t) "85123A";
	good.quantity = 12;
	other.sku = (char *)(uintptr_t)sku;
	other.quantity = 1;
	return stockbook__v1__receive_stock_request__pack(&request, bytes);
}

static void a_packed_message_is_right(void **state)
{
	(void)state;
	uint8_t bytes[256];
	struct wire_fault fault;
	assert_true(check_bytes(RECEIVE, bytes, pack_receipt(bytes, "Zuckerdöschen €"), &fault));
	assert_true(wire_check(RECEIVE, NULL, 0, &arena, &fault));
}

static void invalid_utf8_names_its_field(void **state)
{
	(void)state;
	uint8_t bytes[256];
	is_refused(bytes, pack_receipt(bytes, "caf\xe9"), "lines[1].sku", "is not valid UTF-8");
}

static void a_nul_in_a_text_names_its_field(void **state)
{
	(void)state;
	IS_REFUSED("\x12\x03"
			   "a\0b",
		"location", "contains a NUL character");
}

static void a_message_cut_anywhere_is_refused_or_shorter(void **state)
{
	(void)state;
	uint8_t bytes[256];
	size_t size = pack_receipt(bytes, "22423");
	size_t refused = 0;
	for (size_t cut = 0; cut < size; cut++) {
		struct wire_fault fault;
		if (!check_bytes(RECEIVE, bytes, cut, &fault)) {
			refused++;
			continue;
		}
		/* Cut between two fields: it must be what protobuf-c takes too. */
		ProtobufCMessage *message = protobuf_c_message_unpack(RECEIVE, NULL, cut, bytes);
		assert_non_null(message);
		protobuf_c_message_free_unpacked(message, NULL);
	}
	/* The empty message, after the location, after the first line. */
	assert_int_equal(refused, size - 3);
	is_refused(bytes, size - 1, "lines[1]", "is cut off");
}

static void what_protobuf_does_not_know_is_refused(void **state)
{
	(void)state;
	IS_REFUSED("\x02\x00", "", "has a field number that cannot be"); /* field 0 */
	IS_REFUSED("\x13", "", "has a wire type that cannot be");        /* a group */
	IS_REFUSED("\x17", "", "has a wire type that cannot be");        /* type 7 */
	IS_REFUSED("\xff\xff\xff\xff\xff\xff", "", "is cut off within a field's tag");
	IS_REFUSED("\x10\x01", "location", "has another type on the wire");
	IS_REFUSED("\x1a\x02\x08\x01", "lines[0].sku", "has another type on the wire");
	IS_REFUSED("\x12\x05"
			   "abc",
		"location", "is cut off");
	IS_REFUSED("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "location", "is cut off");
}

static void unknown_fields_are_passed_over(void **state)
{
	(void)state;
	struct wire_fault fault;
	static const char bytes[] = "\xf8\x07\x01\xfa\x07\x02xy\xf9\x07"
								"12345678\xfd\x07"
								"1234";
	assert_true(check_bytes(RECEIVE, bytes, sizeof(bytes) - 1, &fault));
}

static void too_many_fields_are_refused_before_they_cost_memory(void **state)
{
	(void)state;
	size_t count = WIRE_FIELDS_MAX + 1;
	uint8_t *bytes = malloc(2 * count);
	for (size_t i = 0; i < count; i++) {
		bytes[2 * i] = 0x1a; /* lines */
		bytes[2 * i + 1] = 0;
	}
	struct wire_fault fault;
	assert_true(check_bytes(RECEIVE, bytes, 2 * (count - 1), &fault));
	is_refused(bytes, 2 * count, "", "has too many fields");
	free(bytes);
}

static void text_is_utf8_knows_the_edges(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool valid;
	} texts[] = {
		{"", true},
		{"plain", true},
		{"\x7f", true},
		{"\xc2\x80", true},
		{"\xdf\xbf", true},
		{"\xe0\xa0\x80", true},
		{"\xed\x9f\xbf", true},
		{"\xee\x80\x80", true},
		{"\xef\xbf\xbf", true},
		{"\xf0\x90\x80\x80", true},
		{"\xf4\x8f\xbf\xbf", true},
		{"12345678\xf0\x9f\x9b\x92", true},
		{"\x80", false},
		{"\xbf", false},
		{"\xc0\x80", false},
		{"\xc1\xbf", false},
		{"\xe0\x9f\xbf", false},
		{"\xed\xa0\x80", false},
		{"\xf0\x8f\xbf\xbf", false},
		{"\xf4\x90\x80\x80", false},
		{"\xf5\x80\x80\x80", false},
		{"\xff", false},
		{"\xc3", false},
		{"\xe2\x82", false},
		{"\xf0\x9f\x9b", false},
		{"\xe2\x28\xa1", false},
		{"1234567\xe9", false},
		{"12345678\xe9", false},
	};
	for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
		if (text_is_utf8((const uint8_t *)texts[i].text, strlen(texts[i].text)) != texts[i].valid)
			fail_msg("text %zu is taken for %s", i, texts[i].valid ? "invalid" : "valid");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_packed_message_is_right, start, stop),
		cmocka_unit_test_setup_teardown(invalid_utf8_names_its_field, start, stop),
		cmocka_unit_test_setup_teardown(a_nul_in_a_text_names_its_field, start, stop),
		cmocka_unit_test_setup_teardown(a_message_cut_anywhere_is_refused_or_shorter, start, stop),
		cmocka_unit_test_setup_teardown(what_protobuf_does_not_know_is_refused, start, stop),
		cmocka_unit_test_setup_teardown(unknown_fields_are_passed_over, start, stop),
		cmocka_unit_test_setup_teardown(too_many_fields_are_refused_before_they_cost_memory, start,
			stop),
		cmocka_unit_test_setup_teardown(text_is_utf8_knows_the_edges, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
