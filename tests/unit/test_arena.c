/* Arena: what it promises of the memory it hands out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

static void memory_is_zeroed_and_aligned_for_any_type(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena);
	for (size_t size = 0; size < 200; size++) {
		unsigned char *memory = arena_alloc(&arena, size);
		assert_non_null(memory);
		assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(memory[i], 0);
		memset(memory, 0xff, size);
	}
	arena_release(&arena);
}

static void memory_is_zeroed_also_after_a_reset(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena);
	memset(arena_alloc(&arena, 1000), 0xff, 1000);
	arena_reset(&arena);
	const unsigned char *memory = arena_alloc(&arena, 1000);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(memory[i], 0);
	arena_release(&arena);
}

static void allocations_do_not_overlap(void **state)
{
	(void)state;
	enum { COUNT = 500 };
	struct arena arena;
	arena_init(&arena);
	unsigned char *blocks[COUNT];
	for (size_t i = 0; i < COUNT; i++) {
		blocks[i] = arena_alloc(&arena, 1 + i * 7);
		memset(blocks[i], (int)(i & 0xff), 1 + i * 7);
	}
	for (size_t i = 0; i < COUNT; i++)
		for (size_t j = 0; j < 1 + i * 7; j++)
			assert_int_equal(blocks[i][j], i & 0xff);
	arena_release(&arena);
}

static void a_block_larger_than_any_other_is_handed_out(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena);
	size_t size = (size_t)5 << 20;
	unsigned char *memory = arena_alloc(&arena, size);
	memory[0] = 1;
	memory[size - 1] = 1;
	assert_non_null(arena_alloc(&arena, 1));
	arena_release(&arena);
}

static void texts_are_copied_and_ended(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena);
	char text[] = "stock";
	char *copy = arena_string(&arena, text);
	char *part = arena_string_sized(&arena, text, 3);
	text[0] = 'X';
	assert_string_equal(copy, "stock");
	assert_string_equal(part, "sto");
	assert_null(arena_string(&arena, NULL));
	assert_string_equal(arena_printf(&arena, "%s-%d", "lane", 7), "lane-7");
	arena_release(&arena);
}

/* A text is made where there is room, and may leave traces where there was too little. */
static void memory_is_zeroed_beside_texts_of_every_length(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena);
	for (int round = 0; round < 3; round++) {
		for (int length = 0; length < 3000; length += 7) {
			const char *text = arena_printf(&arena, "%0*d", length + 1, 8);
			const unsigned char *memory = arena_alloc(&arena, 100);
			for (size_t i = 0; i < 100; i++)
				assert_int_equal(memory[i], 0);
			assert_int_equal(strlen(text), length + 1);
			assert_int_equal(text[length], '8');
		}
		arena_reset(&arena);
	}
	arena_release(&arena);
}

static void a_growing_array_keeps_its_elements(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena);
	int *numbers = NULL;
	size_t capacity = 0;
	for (size_t count = 0; count < 1000; count++) {
		numbers = arena_grow(&arena, numbers, count, &capacity, sizeof(*numbers));
		assert_true(capacity > count);
		numbers[count] = (int)count;
	}
	for (int i = 0; i < 1000; i++)
		assert_int_equal(numbers[i], i);
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_zeroed_and_aligned_for_any_type),
		cmocka_unit_test(memory_is_zeroed_also_after_a_reset),
		cmocka_unit_test(allocations_do_not_overlap),
		cmocka_unit_test(a_block_larger_than_any_other_is_handed_out),
		cmocka_unit_test(texts_are_copied_and_ended),
		cmocka_unit_test(memory_is_zeroed_beside_texts_of_every_length),
		cmocka_unit_test(a_growing_array_keeps_its_elements),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
