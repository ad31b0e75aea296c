/* The cache of stock rows: what it knows, how new, and what it forgets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/cache.h"

#define PARTS 16
#define MUCH ((size_t)64 << 20)

static struct arena arena;
static struct cache *cache;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena);
	cache = cache_new(MUCH);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	cache_free(cache);
	arena_release(&arena);
	return 0;
}

static struct stock_row *stock(const char *sku, const char *location, int64_t available,
	int64_t version)
{
	struct stock_row *row = row_new(TABLE(stock), &arena);
	row->part = part_of(location, PARTS);
	row->sku = sku;
	row->location = location;
	row->available = available;
	row->version = version;
	return row;
}

static enum cache_state get(const char *sku, const char *location, const struct stock_row **row)
{
	int64_t as_of_us = 0;
	*row = NULL;
	return cache_get(cache, stock(sku, location, 0, 0), &arena, row, &as_of_us);
}

static void a_row_comes_back_as_it_was_put(void **state)
{
	(void)state;
	const struct stock_row *found;
	struct stock_row *row = stock("MÜG-1", "LEEDS", -5, 7);
	row->reserved = 1000000000000;
	row->on_hold = 300;
	row->in_shortage = true;
	assert_int_equal(get("MÜG-1", "LEEDS", &found), CACHE_UNKNOWN);
	cache_put(cache, row, false, false, 0);
	assert_int_equal(get("MÜG-1", "LEEDS", &found), CACHE_CURRENT);
	for (size_t i = 0; i < TABLE(stock)->field_count; i++) {
		const struct field *field = &TABLE(stock)->fields[i];
		assert_int_equal(field_compare(field->type, row_field(row, field), row_field(found, field)),
			0);
	}
	assert_true(found->safety_stock == COUNT_NONE);
	row->safety_stock = 0;
	row->version = 8;
	cache_put(cache, row, false, false, 0);
	assert_int_equal(get("MÜG-1", "LEEDS", &found), CACHE_CURRENT);
	assert_int_equal(found->safety_stock, 0);
	assert_int_equal(get("MÜG", "LEEDS", &found), CACHE_UNKNOWN);
	assert_int_equal(cache_rows(cache), 1);
}

static void that_there_is_no_row_is_known_too(void **state)
{
	(void)state;
	const struct stock_row *found;
	cache_put(cache, stock("MUG", "LEEDS", 0, 0), true, false, 0);
	assert_int_equal(get("MUG", "LEEDS", &found), CACHE_CURRENT);
	assert_null(found);
	cache_put(cache, stock("MUG", "LEEDS", 3, 1), false, false, 0);
	assert_int_equal(get("MUG", "LEEDS", &found), CACHE_CURRENT);
	assert_int_equal(found->available, 3);
}

static void a_row_that_was_moved_is_as_old_as_it_was_and_wanted_again(void **state)
{
	(void)state;
	const struct stock_row *found;
	int64_t as_of_us = 0;
	size_t count;
	cache_put(cache, stock("MUG", "LEEDS", 3, 1), false, false, 0);
	cache_suspect(cache, stock("MUG", "LEEDS", 0, 0), 1234);
	cache_suspect(cache, stock("MUG", "LEEDS", 0, 0), 5678);
	assert_int_equal(cache_get(cache, stock("MUG", "LEEDS", 0, 0), &arena, &found, &as_of_us),
		CACHE_SUSPECT);
	assert_int_equal(as_of_us, 1234);
	assert_int_equal(found->available, 3);
	const void **wanted = cache_wanted(cache, &arena, &count);
	assert_int_equal(count, 1);
	assert_string_equal(((const struct stock_row *)wanted[0])->sku, "MUG");
	cache_put(cache, stock("MUG", "LEEDS", 2, 2), false, false, 0);
	assert_int_equal(get("MUG", "LEEDS", &found), CACHE_CURRENT);
	assert_int_equal(found->available, 2);
	assert_false(cache_waits(cache));
}

/* Moved while it is being read again: it is asked for with each question, for as long as somebody asks
 * for it between two of them. */
static void a_row_that_is_moved_and_asked_for_all_the_time_is_always_current(void **state)
{
	(void)state;
	const struct stock_row *found;
	size_t count;
	cache_put(cache, stock("MUG", "LEEDS", 1, 1), false, false, 0);
	cache_suspect(cache, stock("MUG", "LEEDS", 0, 0), 1);
	for (int i = 2; i < 10; i++) {
		assert_int_not_equal(get("MUG", "LEEDS", &found), CACHE_UNKNOWN);
		cache_wanted(cache, &arena, &count);
		assert_int_equal(count, 1);
		cache_suspect(cache, stock("MUG", "LEEDS", 0, 0), i);
		cache_put(cache, stock("MUG", "LEEDS", i, i), false, false, i);
		assert_int_equal(get("MUG", "LEEDS", &found), CACHE_CURRENT);
		assert_int_equal(found->available, i);
		assert_true(cache_waits(cache));
	}
	/* Once more, and then it is not moved. */
	cache_wanted(cache, &arena, &count);
	cache_suspect(cache, stock("MUG", "LEEDS", 0, 0), 10);
	cache_put(cache, stock("MUG", "LEEDS", 10, 10), false, false, 10);
	cache_wanted(cache, &arena, &count);
	cache_put(cache, stock("MUG", "LEEDS", 10, 10), false, false, 11);
	assert_false(cache_waits(cache));
	assert_int_equal(get("MUG", "LEEDS", &found), CACHE_CURRENT);
	/* Moved while it was only read ahead: it is not current until it has been read again. */
	cache_suspect(cache, stock("MUG", "LEEDS", 0, 0), 12);
	assert_int_equal(get("MUG", "LEEDS", &found), CACHE_SUSPECT);
}

/* What was there already when a question was asked is of its moment, however often it is read. */
static void a_row_that_is_read_again_unchanged_has_been_there_all_the_time(void **state)
{
	(void)state;
	const struct stock_row *found;
	int64_t as_of_us;
	cache_put(cache, stock("MUG", "LEEDS", 3, 1), false, false, 100);
	cache_put(cache, stock("MUG", "LEEDS", 3, 1), false, false, 200);
	cache_get(cache, stock("MUG", "LEEDS", 0, 0), &arena, &found, &as_of_us);
	assert_int_equal(as_of_us, 100);
	cache_put(cache, stock("MUG", "LEEDS", 2, 2), false, false, 300);
	cache_get(cache, stock("MUG", "LEEDS", 0, 0), &arena, &found, &as_of_us);
	assert_int_equal(as_of_us, 300);
}

static void who_is_not_asked_for_is_dropped_when_it_moves(void **state)
{
	(void)state;
	const struct stock_row *found;
	cache_put(cache, stock("MUG", "LEEDS", 3, 1), false, false, 0);
	cache_suspect(cache, stock("MUG", "LEEDS", 0, 0), 1);
	cache_put(cache, stock("MUG", "LEEDS", 2, 2), false, false, 0);
	cache_suspect(cache, stock("MUG", "LEEDS", 0, 0), 2);
	assert_int_equal(get("MUG", "LEEDS", &found), CACHE_UNKNOWN);
	assert_false(cache_waits(cache));
	assert_int_equal(cache_rows(cache), 0);
}

static void an_older_version_never_replaces_a_newer_one(void **state)
{
	(void)state;
	const struct stock_row *found;
	cache_put(cache, stock("MUG", "LEEDS", 3, 5), false, true, 10);
	cache_put(cache, stock("MUG", "LEEDS", 9, 4), false, false, 0);
	assert_int_equal(get("MUG", "LEEDS", &found), CACHE_CURRENT);
	assert_int_equal(found->available, 3);
	assert_false(cache_waits(cache));
	cache_put(cache, stock("MUG", "LEEDS", 0, 0), true, false, 0);
	assert_int_equal(get("MUG", "LEEDS", &found), CACHE_CURRENT);
	assert_non_null(found);
}

static void all_rows_of_a_location_become_suspect(void **state)
{
	(void)state;
	const struct stock_row *found;
	char sku[16];
	for (int i = 0; i < 2000; i++) {
		snprintf(sku, sizeof(sku), "SKU-%d", i);
		cache_put(cache, stock(sku, i % 2 ? "LEEDS" : "YORK", i, 1), false, false, 0);
		/* Half of them were asked for since they were read. */
		if (i % 4 < 2)
			continue;
		cache_suspect(cache, stock(sku, i % 2 ? "LEEDS" : "YORK", 0, 0), 1);
		cache_put(cache, stock(sku, i % 2 ? "LEEDS" : "YORK", i, 2), false, false, 0);
	}
	cache_suspect_location(cache, "LEEDS", 77);
	for (int i = 0; i < 2000; i++) {
		snprintf(sku, sizeof(sku), "SKU-%d", i);
		enum cache_state is = get(sku, i % 2 ? "LEEDS" : "YORK", &found);
		if (i % 2)
			assert_int_equal(is, i % 4 < 2 ? CACHE_SUSPECT : CACHE_UNKNOWN);
		else
			assert_int_equal(is, CACHE_CURRENT);
	}
}

static void it_stays_in_its_bounds_and_keeps_what_is_asked_for(void **state)
{
	(void)state;
	const struct stock_row *found;
	char sku[32];
	cache_free(cache);
	cache = cache_new((size_t)1 << 20);
	size_t kept = 0;
	for (int i = 0; i < 100000; i++) {
		snprintf(sku, sizeof(sku), "SKU-%d", i);
		cache_put(cache, stock(sku, "LEEDS", i, 1), false, false, 0);
		assert_true(cache_bytes(cache) <= (size_t)1 << 20);
		assert_int_equal(get("SKU-0", "LEEDS", &found), CACHE_CURRENT);
		if (i % 1000 == 0)
			arena_reset(&arena);
	}
	for (int i = 0; i < 100000; i++) {
		snprintf(sku, sizeof(sku), "SKU-%d", i);
		if (get(sku, "LEEDS", &found) != CACHE_UNKNOWN) {
			kept++;
			assert_int_equal(found->available, i);
		}
	}
	assert_int_equal(kept, cache_rows(cache));
	assert_true(kept > 5000);
}

static void fill(const char *prefix, int count)
{
	char sku[32];
	for (int i = 0; i < count; i++) {
		snprintf(sku, sizeof(sku), "%s-%d", prefix, i);
		cache_put(cache, stock(sku, "LEEDS", i, 1), false, false, 0);
		if (i % 1000 == 0)
			arena_reset(&arena);
	}
}

/* As when connections are lost one after the other, and some come back in between. */
static void what_was_forgotten_as_a_whole_stays_forgotten_while_its_memory_goes(void **state)
{
	(void)state;
	static const int sizes[] = {20000, 50, 0, 30000, 100, 40000};
	const struct stock_row *found;
	size_t empty = cache_bytes(cache);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char prefix[16];
		snprintf(prefix, sizeof(prefix), "SKU-%zu", i);
		fill(prefix, sizes[i]);
		assert_int_equal(cache_rows(cache), sizes[i]);
		cache_clear(cache);
		assert_int_equal(cache_rows(cache), 0);
		assert_int_equal(cache_bytes(cache), empty);
		cache_tick(cache);
	}
	fill("NEW", 1000);
	for (int i = 0; i < 100; i++)
		cache_tick(cache);
	assert_int_equal(get("SKU-0-7", "LEEDS", &found), CACHE_UNKNOWN);
	assert_int_equal(get("SKU-5-7", "LEEDS", &found), CACHE_UNKNOWN);
	assert_int_equal(get("NEW-7", "LEEDS", &found), CACHE_CURRENT);
	assert_int_equal(found->available, 7);
}

/* As a plain table of the same rows would have it, whatever comes. */
static void it_agrees_with_a_plain_table(void **state)
{
	(void)state;
	enum { ROWS = 300 };
	struct {
		bool known;
		bool suspect;
		int64_t available, version;
	} plain[ROWS] = {0};
	srand(7);
	for (int step = 0; step < 60000; step++) {
		int i = rand() % ROWS;
		char sku[16];
		const struct stock_row *found;
		snprintf(sku, sizeof(sku), "%d", i);
		switch (rand() % 4) {
		case 0:
		case 1:
			plain[i].available = rand() % 1000 - 300;
			plain[i].version++;
			plain[i].known = true;
			plain[i].suspect = false;
			cache_put(cache, stock(sku, "LEEDS", plain[i].available, plain[i].version), false,
				false, 0);
			break;
		case 2:
			(void)get(sku, "LEEDS", &found);
			cache_suspect(cache, stock(sku, "LEEDS", 0, 0), step);
			plain[i].suspect = true;
			break;
		default:
			switch (get(sku, "LEEDS", &found)) {
			case CACHE_UNKNOWN:
				assert_false(plain[i].known);
				break;
			case CACHE_CURRENT:
				assert_false(plain[i].suspect);
				assert_int_equal(found->available, plain[i].available);
				break;
			case CACHE_SUSPECT:
				assert_true(plain[i].suspect);
				break;
			}
		}
		size_t count;
		if (step % 16 == 0) /* what is moved from now on is hot */
			(void)cache_wanted(cache, &arena, &count);
		if (step % 1000 == 0)
			arena_reset(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_row_comes_back_as_it_was_put, setup, teardown),
		cmocka_unit_test_setup_teardown(that_there_is_no_row_is_known_too, setup, teardown),
		cmocka_unit_test_setup_teardown(a_row_that_was_moved_is_as_old_as_it_was_and_wanted_again,
			setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_row_that_is_moved_and_asked_for_all_the_time_is_always_current, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_row_that_is_read_again_unchanged_has_been_there_all_the_time, setup, teardown),
		cmocka_unit_test_setup_teardown(who_is_not_asked_for_is_dropped_when_it_moves, setup,
			teardown),
		cmocka_unit_test_setup_teardown(an_older_version_never_replaces_a_newer_one, setup,
			teardown),
		cmocka_unit_test_setup_teardown(all_rows_of_a_location_become_suspect, setup, teardown),
		cmocka_unit_test_setup_teardown(it_stays_in_its_bounds_and_keeps_what_is_asked_for, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			what_was_forgotten_as_a_whole_stays_forgotten_while_its_memory_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(it_agrees_with_a_plain_table, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
