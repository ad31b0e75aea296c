/* Workset: needs, locks, changes and their undoing, and the numbers of events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "book/workset.h"

struct fixture {
	struct arena arena;
	struct workset *set;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	arena_init(&fixture->arena);
	fixture->set = workset_new(&fixture->arena);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	arena_release(&fixture->arena);
	free(fixture);
	return 0;
}

static enum lookup find(struct fixture *fixture, const char *sku, enum access access,
	const struct stock_row **row)
{
	struct stock_row key = {.part = 1, .sku = sku, .location = "L"};
	return workset_find(fixture->set, TABLE(stock), &key, access, (const void **)row);
}

static struct stock_row *loaded(struct fixture *fixture, const char *sku, int64_t available)
{
	struct stock_row *row = row_new(TABLE(stock), &fixture->arena);
	row->part = 1;
	row->sku = sku;
	row->location = "L";
	row->available = available;
	return row;
}

static size_t need_count(struct fixture *fixture)
{
	size_t count;
	workset_needs(fixture->set, &count);
	return count;
}

/* Asks for the row with a lock and supplies it. */
static const struct stock_row *lock(struct fixture *fixture, const char *sku, int64_t available)
{
	const struct stock_row *row;
	assert_int_equal(find(fixture, sku, ACCESS_LOCK, &row), LOOKUP_NEEDED);
	workset_supply(fixture->set, loaded(fixture, sku, available), true);
	workset_needs_met(fixture->set);
	assert_int_equal(find(fixture, sku, ACCESS_LOCK, &row), LOOKUP_FOUND);
	return row;
}

/* ---- Rows ---- */

static void a_row_that_is_not_here_is_needed_once(void **state)
{
	struct fixture *fixture = *state;
	const struct stock_row *row;
	assert_int_equal(find(fixture, "A", ACCESS_PEEK, &row), LOOKUP_NEEDED);
	assert_int_equal(find(fixture, "A", ACCESS_PEEK, &row), LOOKUP_NEEDED);
	assert_int_equal(need_count(fixture), 1);
	workset_supply(fixture->set, loaded(fixture, "A", 5), false);
	workset_needs_met(fixture->set);
	assert_int_equal(need_count(fixture), 0);
	assert_int_equal(find(fixture, "A", ACCESS_PEEK, &row), LOOKUP_FOUND);
	assert_int_equal(row->available, 5);
}

static void what_could_not_be_supplied_is_absent(void **state)
{
	struct fixture *fixture = *state;
	const struct stock_row *row;
	find(fixture, "A", ACCESS_LOCK, &row);
	workset_needs_met(fixture->set);
	assert_int_equal(find(fixture, "A", ACCESS_LOCK, &row), LOOKUP_ABSENT);
}

static void a_peeked_row_is_loaded_again_to_be_locked(void **state)
{
	struct fixture *fixture = *state;
	const struct stock_row *row;
	find(fixture, "A", ACCESS_PEEK, &row);
	workset_supply(fixture->set, loaded(fixture, "A", 5), false);
	workset_needs_met(fixture->set);
	assert_int_equal(find(fixture, "A", ACCESS_LOCK, &row), LOOKUP_NEEDED);
	workset_supply(fixture->set, loaded(fixture, "A", 4), true);
	workset_needs_met(fixture->set);
	assert_int_equal(find(fixture, "A", ACCESS_LOCK, &row), LOOKUP_FOUND);
	assert_int_equal(row->available, 4);
}

static void the_stronger_access_is_what_is_needed(void **state)
{
	struct fixture *fixture = *state;
	const struct stock_row *row;
	find(fixture, "A", ACCESS_LOCK, &row);
	find(fixture, "A", ACCESS_PEEK, &row);
	size_t count;
	struct need *const *needs = workset_needs(fixture->set, &count);
	assert_int_equal(count, 1);
	assert_int_equal(((const struct row *)needs[0]->key)->needed, 1 + ACCESS_LOCK);
}

static void a_locked_row_is_never_replaced_by_what_is_loaded_later(void **state)
{
	struct fixture *fixture = *state;
	const struct stock_row *row = lock(fixture, "A", 5);
	workset_supply(fixture->set, loaded(fixture, "A", 9), false);
	assert_int_equal(row->available, 5);
}

static void many_rows_are_told_apart(void **state)
{
	struct fixture *fixture = *state;
	const struct stock_row *row;
	enum { COUNT = 2000 };
	for (int i = 0; i < COUNT; i++)
		find(fixture, arena_printf(&fixture->arena, "S%d", i), ACCESS_LOCK, &row);
	assert_int_equal(need_count(fixture), COUNT);
	for (int i = 0; i < COUNT; i += 2)
		workset_supply(fixture->set, loaded(fixture, arena_printf(&fixture->arena, "S%d", i), i),
			true);
	workset_needs_met(fixture->set);
	for (int i = 0; i < COUNT; i++) {
		enum lookup found =
			find(fixture, arena_printf(&fixture->arena, "S%d", i), ACCESS_LOCK, &row);
		assert_int_equal(found, i % 2 == 0 ? LOOKUP_FOUND : LOOKUP_ABSENT);
		if (found == LOOKUP_FOUND)
			assert_int_equal(row->available, i);
	}
}

/* ---- Changes ---- */

static size_t fate_count(struct fixture *fixture, enum row_fate fate)
{
	size_t count;
	workset_rows(fixture->set, TABLE(stock), fate, &count);
	return count;
}

static void an_undone_run_leaves_no_trace(void **state)
{
	struct fixture *fixture = *state;
	const struct stock_row *row = lock(fixture, "A", 5);
	const struct stock_row *missing;
	lock(fixture, "C", 1);
	find(fixture, "B", ACCESS_LOCK, &missing);
	workset_needs_met(fixture->set);

	workset_begin(fixture->set);
	struct stock_row *edited = workset_edit(fixture->set, row);
	edited->available = 1;
	edited = workset_edit(fixture->set, row);
	edited->available = 0;
	workset_insert(fixture->set, loaded(fixture, "B", 3));
	assert_int_equal(find(fixture, "C", ACCESS_LOCK, &missing), LOOKUP_FOUND);
	workset_delete(fixture->set, missing);
	workset_undo(fixture->set);

	assert_int_equal(row->available, 5);
	assert_int_equal(find(fixture, "B", ACCESS_LOCK, &missing), LOOKUP_ABSENT);
	assert_int_equal(find(fixture, "C", ACCESS_LOCK, &missing), LOOKUP_FOUND);
	assert_int_equal(fate_count(fixture, ROW_CHANGED), 0);
	assert_int_equal(fate_count(fixture, ROW_INSERTED), 0);
	assert_int_equal(fate_count(fixture, ROW_DELETED), 0);
}

static void undoing_one_run_keeps_what_the_ones_before_committed(void **state)
{
	struct fixture *fixture = *state;
	const struct stock_row *row = lock(fixture, "A", 5);
	workset_begin(fixture->set);
	((struct stock_row *)workset_edit(fixture->set, row))->available = 4;
	workset_commit(fixture->set);
	workset_begin(fixture->set);
	((struct stock_row *)workset_edit(fixture->set, row))->available = 3;
	workset_undo(fixture->set);
	assert_int_equal(row->available, 4);
	assert_int_equal(fate_count(fixture, ROW_CHANGED), 1);
}

static void needs_survive_the_undoing_of_the_run_that_had_them(void **state)
{
	struct fixture *fixture = *state;
	const struct stock_row *row;
	workset_begin(fixture->set);
	find(fixture, "A", ACCESS_LOCK, &row);
	workset_undo(fixture->set);
	assert_int_equal(need_count(fixture), 1);
}

static void a_row_that_was_removed_and_made_again_is_a_changed_one(void **state)
{
	struct fixture *fixture = *state;
	const struct stock_row *row = lock(fixture, "A", 5);
	workset_begin(fixture->set);
	workset_delete(fixture->set, row);
	assert_int_equal(find(fixture, "A", ACCESS_LOCK, &row), LOOKUP_ABSENT);
	assert_int_equal(fate_count(fixture, ROW_DELETED), 1);
	workset_insert(fixture->set, loaded(fixture, "A", 7));
	workset_commit(fixture->set);
	assert_int_equal(fate_count(fixture, ROW_DELETED), 0);
	assert_int_equal(fate_count(fixture, ROW_INSERTED), 0);
	assert_int_equal(fate_count(fixture, ROW_CHANGED), 1);
}

static void a_row_that_was_made_and_removed_is_nothing_to_store(void **state)
{
	struct fixture *fixture = *state;
	const struct stock_row *row;
	find(fixture, "A", ACCESS_LOCK, &row);
	workset_needs_met(fixture->set);
	workset_begin(fixture->set);
	workset_delete(fixture->set, workset_insert(fixture->set, loaded(fixture, "A", 7)));
	workset_commit(fixture->set);
	assert_int_equal(fate_count(fixture, ROW_INSERTED), 0);
	assert_int_equal(fate_count(fixture, ROW_CHANGED), 0);
	assert_int_equal(fate_count(fixture, ROW_DELETED), 0);
}

static void rows_to_store_ascend_by_key(void **state)
{
	struct fixture *fixture = *state;
	const char *skus[] = {"C", "A", "D", "B"};
	for (size_t i = 0; i < ARRAY_COUNT(skus); i++)
		lock(fixture, skus[i], 1);
	workset_begin(fixture->set);
	for (size_t i = 0; i < ARRAY_COUNT(skus); i++) {
		const struct stock_row *row;
		find(fixture, skus[i], ACCESS_LOCK, &row);
		workset_edit(fixture->set, row);
	}
	workset_commit(fixture->set);
	size_t count;
	const void *const *rows = workset_rows(fixture->set, TABLE(stock), ROW_CHANGED, &count);
	assert_int_equal(count, 4);
	for (size_t i = 0; i + 1 < count; i++)
		assert_int_equal(row_key_compare(TABLE(stock), rows[i], rows[i + 1]), -1);
}

/* ---- Children, scans, sums ---- */

static void of_a_family_that_is_here_every_row_is_known(void **state)
{
	struct fixture *fixture = *state;
	struct order_line_row key = {.part = 1, .order_id = {{1}}};
	assert_false(workset_children(fixture->set, TABLE(order_line), &key, 2));
	assert_false(workset_children(fixture->set, TABLE(order_line), &key, 2));
	assert_int_equal(need_count(fixture), 1);
	struct order_line_row *line = row_new(TABLE(order_line), &fixture->arena);
	line->part = 1;
	line->order_id = key.order_id;
	line->line = 1;
	workset_supply(fixture->set, line, true);
	workset_needs_met(fixture->set);
	assert_true(workset_children(fixture->set, TABLE(order_line), &key, 2));
	const void *found;
	key.line = 1;
	assert_int_equal(workset_find(fixture->set, TABLE(order_line), &key, ACCESS_LOCK, &found),
		LOOKUP_FOUND);
	key.line = 2;
	assert_int_equal(workset_find(fixture->set, TABLE(order_line), &key, ACCESS_LOCK, &found),
		LOOKUP_ABSENT);
	key.order_id = (struct uuid){{2}};
	assert_false(workset_children(fixture->set, TABLE(order_line), &key, 2));
}

/* What the database has and what the batch adds and removes, and nobody else's. */
static void a_family_is_all_that_a_parent_has(void **state)
{
	struct fixture *fixture = *state;
	struct order_line_row key = {.part = 1, .order_id = {{1}}};
	assert_false(workset_children(fixture->set, TABLE(order_line), &key, 2));
	struct order_line_row *line = row_new(TABLE(order_line), &fixture->arena);
	line->part = 1;
	line->order_id = key.order_id;
	line->line = 2;
	workset_supply(fixture->set, line, true);
	workset_needs_met(fixture->set);
	workset_begin(fixture->set);
	line->line = 1;
	const void *added = workset_insert(fixture->set, line);
	line->order_id = (struct uuid){{2}};
	workset_childless(fixture->set, TABLE(order_line), line);
	assert_true(workset_children(fixture->set, TABLE(order_line), line, 2));
	size_t count;
	workset_family(fixture->set, TABLE(order_line), line, &count);
	assert_int_equal(count, 0);
	workset_insert(fixture->set, line);
	const void *const *rows = workset_family(fixture->set, TABLE(order_line), &key, &count);
	assert_int_equal(count, 2);
	assert_ptr_equal(rows[0], added);
	assert_int_equal(((const struct order_line_row *)rows[1])->line, 2);
	workset_delete(fixture->set, rows[1]);
	workset_family(fixture->set, TABLE(order_line), &key, &count);
	assert_int_equal(count, 1);
	workset_undo(fixture->set);
	rows = workset_family(fixture->set, TABLE(order_line), &key, &count);
	assert_int_equal(count, 1);
	assert_int_equal(((const struct order_line_row *)rows[0])->line, 2);
}

static const struct scan_shape shape = {.name = "test",
	.table = TABLE(stock),
	.conditions = {{
		.field = "sku",
		.operator= SCAN_EQUAL } },
		.order = {"location"},
	};

static void a_scan_is_asked_once_and_answered_ever_after(void **state)
{
	struct fixture *fixture = *state;
	char text[] = "A";
	struct scan scan = {.shape = &shape, .limit = 10, .values = {{.present = true, .text = text}}};
	struct scan other = scan;
	other.values[0].text = "B";
	assert_null(workset_scan(fixture->set, &scan));
	assert_null(workset_scan(fixture->set, &scan));
	assert_null(workset_scan(fixture->set, &other));
	size_t count;
	struct need *const *needs = workset_needs(fixture->set, &count);
	assert_int_equal(count, 2);
	const void **rows = arena_alloc(&fixture->arena, sizeof(*rows));
	rows[0] = loaded(fixture, "A", 1);
	workset_supply_scan(fixture->set, needs[0], rows, 1);
	workset_supply_scan(fixture->set, needs[1], NULL, 0);
	workset_needs_met(fixture->set);
	char again[] = "A";
	scan.values[0].text = again;
	assert_int_equal(workset_scan(fixture->set, &scan)->count, 1);
	assert_int_equal(workset_scan(fixture->set, &other)->count, 0);
	scan.has_after = true;
	scan.after[0] = (struct scan_value){.present = true, .text = "L"};
	assert_null(workset_scan(fixture->set, &scan));
}

static void sums_of_different_fields_are_different_sums(void **state)
{
	struct fixture *fixture = *state;
	struct scan scan = {.shape = &shape, .limit = 1, .values = {{.present = true, .text = "A"}}};
	int64_t sum;
	assert_false(workset_sum(fixture->set, &scan, "available", &sum));
	assert_false(workset_sum(fixture->set, &scan, "reserved", &sum));
	size_t count;
	struct need *const *needs = workset_needs(fixture->set, &count);
	assert_int_equal(count, 2);
	workset_supply_sum(fixture->set, needs[0], 10);
	workset_supply_sum(fixture->set, needs[1], 20);
	workset_needs_met(fixture->set);
	assert_true(workset_sum(fixture->set, &scan, "available", &sum));
	assert_int_equal(sum, 10);
	assert_true(workset_sum(fixture->set, &scan, "reserved", &sum));
	assert_int_equal(sum, 20);
}

/* Whoever asked may be gone when another asks. */
static void a_scan_outlives_what_it_was_asked_with(void **state)
{
	struct fixture *fixture = *state;
	char *text = strdup("A");
	struct scan scan = {.shape = &shape, .limit = 10, .values = {{.present = true, .text = text}}};
	assert_null(workset_scan(fixture->set, &scan));
	memset(text, 'B', 1);
	free(text);
	scan.values[0].text = "A";
	assert_null(workset_scan(fixture->set, &scan));
	assert_int_equal(need_count(fixture), 1);
}

/* As a page of orders does, whose lines are a scan each. */
static void many_scans_are_found_fast(void **state)
{
	struct fixture *fixture = *state;
	enum { SCANS = 20000 };
	struct scan scan = {.shape = &shape, .limit = 10, .values = {{.present = true}}};
	char text[16];
	clock_t begin = clock();
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < SCANS; i++) {
			snprintf(text, sizeof(text), "%d", i);
			scan.values[0].text = text;
			assert_null(workset_scan(fixture->set, &scan));
		}
	assert_int_equal(need_count(fixture), SCANS);
	assert_true((double)(clock() - begin) / CLOCKS_PER_SEC < 1);
}

static bool keep_none(const struct need *need, void *data)
{
	(void)need;
	(void)data;
	return false;
}

static void a_scan_that_was_forgotten_is_needed_anew(void **state)
{
	struct fixture *fixture = *state;
	struct scan scan = {.shape = &shape, .limit = 10, .values = {{.present = true, .text = "A"}}};
	assert_null(workset_scan(fixture->set, &scan));
	workset_keep_needs(fixture->set, keep_none, NULL);
	assert_int_equal(need_count(fixture), 0);
	assert_null(workset_scan(fixture->set, &scan));
	assert_int_equal(need_count(fixture), 1);
}

static void a_needed_row_takes_little_memory(void **state)
{
	struct fixture *fixture = *state;
	enum { ROWS = 10000, BYTES_MAX = 512 };
	const struct stock_row *row;
	size_t before = fixture->arena.allocated;
	char sku[16];
	for (int i = 0; i < ROWS; i++) {
		snprintf(sku, sizeof(sku), "SKU %d", i);
		assert_int_equal(find(fixture, sku, ACCESS_LOCK, &row), LOOKUP_NEEDED);
	}
	assert_in_range((fixture->arena.allocated - before) / ROWS, 1, BYTES_MAX);
}

static void a_run_knows_whether_it_missed_anything(void **state)
{
	struct fixture *fixture = *state;
	const struct stock_row *row;
	int64_t sum;
	struct scan scan = {.shape = &shape, .limit = 1, .values = {{.present = true, .text = "A"}}};
	struct order_line_row key = {.part = 1};
	lock(fixture, "A", 1);
	workset_begin(fixture->set);
	find(fixture, "A", ACCESS_LOCK, &row);
	assert_false(workset_missed(fixture->set));
	find(fixture, "B", ACCESS_LOCK, &row);
	assert_true(workset_missed(fixture->set));
	workset_undo(fixture->set);
	workset_begin(fixture->set);
	assert_false(workset_missed(fixture->set));
	workset_scan(fixture->set, &scan);
	assert_true(workset_missed(fixture->set));
	workset_undo(fixture->set);
	workset_begin(fixture->set);
	workset_sum(fixture->set, &scan, "available", &sum);
	assert_true(workset_missed(fixture->set));
	workset_undo(fixture->set);
	workset_begin(fixture->set);
	workset_children(fixture->set, TABLE(order_line), &key, 2);
	assert_true(workset_missed(fixture->set));
	workset_undo(fixture->set);
	/* Also what another run asked for before: it is not here yet. */
	workset_begin(fixture->set);
	find(fixture, "B", ACCESS_LOCK, &row);
	assert_true(workset_missed(fixture->set));
	workset_undo(fixture->set);
}

/* ---- Events ---- */

static void add_movement(struct fixture *fixture, int32_t part)
{
	struct movement_row *movement = row_new(TABLE(movement), &fixture->arena);
	movement->part = part;
	movement->quantity = 1;
	workset_add_movement(fixture->set, movement);
}

static void add_change(struct fixture *fixture, int32_t part)
{
	struct change_row *change = row_new(TABLE(change), &fixture->arena);
	change->part = part;
	workset_add_change(fixture->set, change);
}

static void each_part_tells_its_own_story_in_order(void **state)
{
	struct fixture *fixture = *state;
	workset_begin(fixture->set);
	/* Movements of two parts, mixed, of a document in a third. */
	add_movement(fixture, 5);
	add_movement(fixture, 4);
	add_movement(fixture, 5);
	add_change(fixture, 9);
	add_movement(fixture, 4);
	add_change(fixture, 4);
	workset_commit(fixture->set);

	size_t total_count;
	const struct part_total *totals = workset_number(fixture->set, &total_count);
	assert_int_equal(total_count, 3);
	assert_int_equal(totals[0].part, 4);
	assert_int_equal(totals[0].events, 4); /* movement, change, movement, change */
	assert_int_equal(totals[1].part, 5);
	assert_int_equal(totals[1].events, 3);
	assert_int_equal(totals[2].part, 9);
	assert_int_equal(totals[2].events, 1);

	size_t count;
	struct row *const *events = workset_events(fixture->set, &count);
	assert_int_equal(count, 8);
	int64_t next[10] = {[4] = -3, [5] = -2, [9] = 0};
	for (size_t i = 0; i < count; i++) {
		const struct movement_row *movement = (const struct movement_row *)events[i];
		const struct change_row *change = (const struct change_row *)events[i];
		if (events[i]->table == TABLE(movement)) {
			assert_int_equal(movement->sequence, next[movement->part]++);
			assert_true(movement->change_sequence > movement->sequence);
			assert_true(movement->change_sequence <= 0);
		} else {
			assert_int_equal(change->sequence, next[change->part]++);
			assert_int_equal(change->movements, change->part == 5 ? 2 : change->part == 4 ? 1 : 0);
		}
	}
}

static void events_of_an_undone_run_are_gone(void **state)
{
	struct fixture *fixture = *state;
	workset_begin(fixture->set);
	add_movement(fixture, 1);
	add_change(fixture, 1);
	workset_commit(fixture->set);
	workset_begin(fixture->set);
	add_movement(fixture, 1);
	add_change(fixture, 2);
	workset_undo(fixture->set);
	assert_int_equal(workset_event_count(fixture->set), 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_row_that_is_not_here_is_needed_once),
		TEST(what_could_not_be_supplied_is_absent),
		TEST(a_peeked_row_is_loaded_again_to_be_locked),
		TEST(the_stronger_access_is_what_is_needed),
		TEST(a_locked_row_is_never_replaced_by_what_is_loaded_later),
		TEST(many_rows_are_told_apart),
		TEST(an_undone_run_leaves_no_trace),
		TEST(undoing_one_run_keeps_what_the_ones_before_committed),
		TEST(needs_survive_the_undoing_of_the_run_that_had_them),
		TEST(a_row_that_was_removed_and_made_again_is_a_changed_one),
		TEST(a_row_that_was_made_and_removed_is_nothing_to_store),
		TEST(rows_to_store_ascend_by_key),
		TEST(of_a_family_that_is_here_every_row_is_known),
		TEST(a_family_is_all_that_a_parent_has),
		TEST(a_scan_is_asked_once_and_answered_ever_after),
		TEST(sums_of_different_fields_are_different_sums),
		TEST(a_scan_outlives_what_it_was_asked_with),
		TEST(many_scans_are_found_fast),
		TEST(a_scan_that_was_forgotten_is_needed_anew),
		TEST(a_needed_row_takes_little_memory),
		TEST(a_run_knows_whether_it_missed_anything),
		TEST(each_part_tells_its_own_story_in_order),
		TEST(events_of_an_undone_run_are_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
