/* UUIDs: their text, and what an id of ours carries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/uuid.h"

static void an_id_carries_its_part_and_version(void **state)
{
	(void)state;
	const uint32_t parts[] = {0, 1, 64, 255, 256, UUID_PARTS_MAX - 1};
	for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
		struct uuid id = uuid_make(INT64_C(1700000000000000), parts[i], UINT64_MAX);
		assert_int_equal(uuid_part(&id), parts[i]);
		assert_int_equal(id.bytes[6] >> 4, 7);
		assert_int_equal(id.bytes[8] >> 6, 2);
	}
}

static void ids_ascend_with_the_time(void **state)
{
	(void)state;
	struct uuid earlier = uuid_make(INT64_C(1700000000000000), 4095, UINT64_MAX);
	struct uuid later = uuid_make(INT64_C(1700000000001000), 0, 0);
	assert_true(uuid_compare(&earlier, &later) < 0);
}

static void ids_of_one_moment_differ_by_chance(void **state)
{
	(void)state;
	struct uuid a = uuid_make(1000, 1, 1);
	struct uuid b = uuid_make(1000, 1, 2);
	assert_int_not_equal(uuid_compare(&a, &b), 0);
}

static void text_comes_back_as_it_went(void **state)
{
	(void)state;
	struct uuid id;
	char text[UUID_TEXT_SIZE];
	assert_true(uuid_parse("0190F3C2-1b2d-7abc-8def-0123456789aB", &id));
	uuid_format(&id, text);
	assert_string_equal(text, "0190f3c2-1b2d-7abc-8def-0123456789ab");
}

static void only_the_canonical_form_is_read(void **state)
{
	(void)state;
	const char *wrong[] = {
		"",
		"0190f3c2",
		"0190f3c2-1b2d-7abc-8def-0123456789a",
		"0190f3c2-1b2d-7abc-8def-0123456789abc",
		"0190f3c21b2d-7abc-8def-0123456789abcd",
		"0190f3c2-1b2d-7abc-8def-0123456789ag",
		"{190f3c2-1b2d-7abc-8def-0123456789a}",
		" 190f3c2-1b2d-7abc-8def-0123456789ab",
	};
	struct uuid id;
	for (size_t i = 0; i < ARRAY_COUNT(wrong); i++)
		assert_false(uuid_parse(wrong[i], &id));
}

static void only_the_nil_id_is_nil(void **state)
{
	(void)state;
	struct uuid id = {0};
	assert_true(uuid_is_nil(&id));
	id.bytes[15] = 1;
	assert_false(uuid_is_nil(&id));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_carries_its_part_and_version),
		cmocka_unit_test(ids_ascend_with_the_time),
		cmocka_unit_test(ids_of_one_moment_differ_by_chance),
		cmocka_unit_test(text_comes_back_as_it_went),
		cmocka_unit_test(only_the_canonical_form_is_read),
		cmocka_unit_test(only_the_nil_id_is_nil),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
