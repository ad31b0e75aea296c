/* The codes of pickups: what they look like, what people may type, and what is kept of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/pickup.h"

static const char pickup_id[] = "0190b8a0-0000-7001-8000-00000000000a";

static bool is_code_of(const char *typed, const struct pickup_code *code)
{
	uint8_t hash[PICKUP_CODE_HASH_SIZE];
	pickup_code_hash(pickup_id, typed, hash);
	return memcmp(hash, code->hash, sizeof(hash)) == 0;
}

static void a_code_has_eight_characters_that_are_not_taken_for_others(void **state)
{
	(void)state;
	size_t seen[256] = {0};
	for (int i = 0; i < 2000; i++) {
		struct pickup_code code;
		pickup_code_make(pickup_id, &code);
		assert_int_equal(strlen(code.text), 9);
		assert_int_equal(code.text[4], '-');
		for (const char *c = code.text; *c; c++)
			seen[(unsigned char)*c]++;
	}
	size_t kinds = 0;
	for (size_t c = 0; c < 256; c++) {
		if (seen[c] == 0 || c == '-')
			continue;
		kinds++;
		assert_null(strchr("01ILOU", (int)c));
		assert_true((c >= '2' && c <= '9') || (c >= 'A' && c <= 'Z'));
	}
	assert_int_equal(kinds, 30); /* that 16,000 draws miss one of them: once in e^530 */
}

static void no_two_codes_are_the_same(void **state)
{
	(void)state;
	struct pickup_code a;
	struct pickup_code b;
	pickup_code_make(pickup_id, &a);
	pickup_code_make(pickup_id, &b);
	assert_string_not_equal(a.text, b.text);
	assert_memory_not_equal(a.hash, b.hash, sizeof(a.hash));
}

static void case_spaces_and_dashes_do_not_matter(void **state)
{
	(void)state;
	struct pickup_code code;
	pickup_code_make(pickup_id, &code);
	assert_true(is_code_of(code.text, &code));
	char typed[64];
	snprintf(typed, sizeof(typed), " %.2s %.2s--%s ", code.text, code.text + 2, code.text + 5);
	for (char *c = typed; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	assert_true(is_code_of(typed, &code));
	typed[1] = typed[1] == 'z' ? 'y' : 'z';
	assert_false(is_code_of(typed, &code));
	assert_false(is_code_of("", &code));
}

static void a_code_opens_its_own_pickup_alone(void **state)
{
	(void)state;
	struct pickup_code code;
	pickup_code_make(pickup_id, &code);
	uint8_t hash[PICKUP_CODE_HASH_SIZE];
	pickup_code_hash("0190b8a0-0000-7001-8000-00000000000b", code.text, hash);
	assert_memory_not_equal(hash, code.hash, sizeof(hash));
	/* The id is the same however it is written. */
	pickup_code_hash("0190B8A0-0000-7001-8000-00000000000A", code.text, hash);
	assert_memory_equal(hash, code.hash, sizeof(hash));
}

static void what_is_kept_is_the_hash_of_id_and_code(void **state)
{
	(void)state;
	uint8_t hash[PICKUP_CODE_HASH_SIZE];
	pickup_code_hash(pickup_id, "k7qx 2mrt", hash);
	char text[2 * PICKUP_CODE_HASH_SIZE + 1];
	for (size_t i = 0; i < sizeof(hash); i++)
		snprintf(text + 2 * i, 3, "%02x", hash[i]);
	/* printf 0190b8a0-0000-7001-8000-00000000000aK7QX2MRT | sha256sum */
	assert_string_equal(text, "796645868de3333f924a1470b36536d30a966fd75cd5702fa431ecd77ba869d0");
}

static void a_very_long_code_is_just_wrong(void **state)
{
	(void)state;
	char typed[4096];
	memset(typed, 'A', sizeof(typed) - 1);
	typed[sizeof(typed) - 1] = '\0';
	struct pickup_code code;
	pickup_code_make(pickup_id, &code);
	assert_false(is_code_of(typed, &code));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_code_has_eight_characters_that_are_not_taken_for_others),
		cmocka_unit_test(no_two_codes_are_the_same),
		cmocka_unit_test(case_spaces_and_dashes_do_not_matter),
		cmocka_unit_test(a_code_opens_its_own_pickup_alone),
		cmocka_unit_test(what_is_kept_is_the_hash_of_id_and_code),
		cmocka_unit_test(a_very_long_code_is_just_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
