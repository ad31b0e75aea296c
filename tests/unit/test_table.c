/* Tables: the descriptions, and what is done by them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "book/table.h"

static void keys_come_first_and_are_comparable(void **state)
{
	(void)state;
	for (size_t i = 0; i < TABLE_COUNT; i++) {
		const struct table *table = &tables[i];
		assert_true(table->key_count >= 1 && table->key_count <= table->field_count);
		struct arena arena;
		arena_init(&arena);
		void *row = row_new(table, &arena);
		assert_int_equal(row_key_compare(table, row, row), 0);
		assert_int_equal(row_key_hash(table, row), row_key_hash(table, row));
		arena_release(&arena);
	}
}

static void fields_lie_within_the_row_and_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < TABLE_COUNT; i++)
		for (size_t f = 0; f < tables[i].field_count; f++) {
			const struct field *field = &tables[i].fields[f];
			assert_true(field->offset >= sizeof(struct row));
			assert_true(field->offset < tables[i].row_size);
			assert_ptr_equal(table_field(&tables[i], field->name), field);
			for (size_t g = 0; g < f; g++)
				assert_int_not_equal(tables[i].fields[g].offset, field->offset);
		}
}

static void a_new_row_has_defaults_that_the_database_takes(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena);
	const struct stock_row *stock = row_new(TABLE(stock), &arena);
	assert_string_equal(stock->sku, "");
	assert_int_equal(stock->available, 0);
	assert_true(stock->safety_stock == COUNT_NONE);
	assert_ptr_equal(stock->row.table, TABLE(stock));
	arena_release(&arena);
}

static void a_copy_shares_nothing_with_its_original(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena);
	char sku[] = "A";
	char place[] = "L";
	const char *places[] = {place};
	int64_t quantities[] = {7};
	const char *skus[] = {sku};
	struct reservation_row *original = row_new(TABLE(reservation), &arena);
	original->owner = sku;
	original->line_sku = (struct text_list){skus, 1};
	original->line_location = (struct text_list){places, 1};
	original->line_quantity = (struct count_list){quantities, 1};
	struct reservation_row *copy = row_new(TABLE(reservation), &arena);
	row_copy(TABLE(reservation), copy, original, &arena);
	sku[0] = 'X';
	place[0] = 'X';
	quantities[0] = 0;
	assert_string_equal(copy->owner, "A");
	assert_string_equal(copy->line_sku.items[0], "A");
	assert_string_equal(copy->line_location.items[0], "L");
	assert_int_equal(copy->line_quantity.items[0], 7);
	arena_release(&arena);
}

static void keys_order_by_their_fields_in_turn(void **state)
{
	(void)state;
	struct stock_row rows[] = {
		{.part = 1, .sku = "A", .location = "L2"},
		{.part = 1, .sku = "B", .location = "L1"},
		{.part = 1, .sku = "a", .location = "L1"},
		{.part = 2, .sku = "A", .location = "L1"},
	};
	for (size_t i = 0; i + 1 < ARRAY_COUNT(rows); i++) {
		assert_int_equal(row_key_compare(TABLE(stock), &rows[i], &rows[i + 1]), -1);
		assert_int_equal(row_key_compare(TABLE(stock), &rows[i + 1], &rows[i]), 1);
	}
}

static void lists_and_bytes_compare_by_content_then_length(void **state)
{
	(void)state;
	const char *texts[] = {"a", "b"};
	struct text_list shorter = {texts, 1};
	struct text_list longer = {texts, 2};
	assert_true(field_compare(FIELD_TEXTS, &shorter, &longer) < 0);
	assert_int_equal(field_compare(FIELD_TEXTS, &longer, &longer), 0);
	struct bytes low = {(const uint8_t *)"\x01\xff", 2};
	struct bytes high = {(const uint8_t *)"\x02", 1};
	assert_true(field_compare(FIELD_BYTES, &low, &high) < 0);
	int64_t counts[] = {-1, 5};
	struct count_list one = {counts, 1};
	struct count_list other = {counts + 1, 1};
	assert_true(field_compare(FIELD_COUNTS, &one, &other) < 0);
}

/* Rows lie where this function says, for ever: another answer would lose them. */
static void the_part_of_a_code_never_changes(void **state)
{
	(void)state;
	assert_int_equal(part_of("LEEDS", 64), 52);
	assert_int_equal(part_of("", 64), 3);
	assert_int_equal(part_of("85123A", 64), 50);
	for (int32_t parts = 1; parts < 200; parts++) {
		int32_t part = part_of("LEEDS", parts);
		assert_true(part >= 1 && part <= parts);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_come_first_and_are_comparable),
		cmocka_unit_test(fields_lie_within_the_row_and_apart),
		cmocka_unit_test(a_new_row_has_defaults_that_the_database_takes),
		cmocka_unit_test(a_copy_shares_nothing_with_its_original),
		cmocka_unit_test(keys_order_by_their_fields_in_turn),
		cmocka_unit_test(lists_and_bytes_compare_by_content_then_length),
		cmocka_unit_test(the_part_of_a_code_never_changes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
