/* Refusals: how they name what is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "book/refusal.h"

static void a_field_is_named_by_its_list_its_index_and_its_name(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena);
	const size_t indexes[] = {0, 9, 10, 99, 100, 12345, SIZE_MAX};
	for (size_t i = 0; i < ARRAY_COUNT(indexes); i++) {
		assert_string_equal(field_path(&arena, "lines", indexes[i], "sku"),
			arena_printf(&arena, "lines[%zu].sku", indexes[i]));
		assert_string_equal(field_path(&arena, "skus", indexes[i], NULL),
			arena_printf(&arena, "skus[%zu]", indexes[i]));
	}
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_field_is_named_by_its_list_its_index_and_its_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
