/*
 * The statements that are generated from the tables' descriptors: PostgreSQL takes each of them,
 * goes by an index in every one (on empty tables, where plans are made), and gives back what was
 * stored, whatever the values.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/bind.h"
#include "engine/feed_page.h"
#include "engine/private.h"
#include "engine/sql.h"
#include "engine_fixture.h"
#include "observe/log.h"
#include "support/database.h"

static struct fixture fixture;
static struct sql *sql;
static struct db_connection *connection;

static const struct db_setting session[] = {ENGINE_SESSION};

static int setup(void **state)
{
	(void)state;
	fixture_open(&fixture);
	sql = sql_new();
	connection = db_connection_open(&fixture.loop, &(struct db_options){
													   .uri = fixture.database,
													   .name = "test",
													   .settings = session,
													   .setting_count = ARRAY_COUNT(session),
												   });
	while (!db_connection_accepts(connection))
		uv_run(&fixture.loop, UV_RUN_ONCE);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	db_connection_close(connection, NULL, NULL);
	fixture_close(&fixture);
	sql_free(sql);
	return 0;
}

/* ---- Plans ---- */

static void define_explain(void)
{
	test_sql(fixture.database,
		"CREATE FUNCTION plan_of(statement text, types text, count integer) RETURNS text"
		" LANGUAGE plpgsql AS $$ DECLARE line text; plan text := ''; BEGIN"
		" EXECUTE 'PREPARE p ' || types || ' AS ' || statement;"
		" FOR line IN EXECUTE 'EXPLAIN EXECUTE p' ||"
		" CASE WHEN count > 0 THEN '(' || rtrim(repeat('NULL,', count), ',') || ')' ELSE '' END"
		" LOOP plan := plan || line || E'\\n'; END LOOP;"
		" DEALLOCATE p; RETURN plan; END $$");
}

static const char *plan_of(const struct db_statement *statement)
{
	char types[1024] = "";
	for (size_t i = 0; i < statement->parameter_count; i++) {
		size_t size = strlen(types);
		snprintf(types + size, sizeof(types) - size, "%s%s%s", i > 0 ? ", " : "(",
			db_type_name(statement->parameter_types[i]),
			i + 1 == statement->parameter_count ? ")" : "");
	}
	char settings[512] = "SET search_path = stockbook, public";
	for (size_t i = 0; i < ARRAY_COUNT(session); i++) {
		size_t size = strlen(settings);
		snprintf(settings + size, sizeof(settings) - size, "; SET %s = %s", session[i].name,
			session[i].value);
	}
	return test_sql(fixture.database,
		"%s; SET plan_cache_mode = force_generic_plan; SELECT plan_of($q$%s$q$, '%s', %zu)",
		settings, statement->sql, types, statement->parameter_count);
}

static void assert_goes_by_index(const struct db_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		const struct db_statement *statement = batch->items[i].statement;
		const char *plan = plan_of(statement);
		if (!strstr(plan, "Index Scan") || strstr(plan, "Seq Scan") || strstr(plan, "Hash Join") ||
			strstr(plan, "Merge Join"))
			fail_msg("%s: %s\n%s", statement->name, statement->sql, plan);
	}
}

static void every_row_is_found_by_its_index(void **state)
{
	(void)state;
	define_explain();
	struct db_batch batch;
	for (size_t t = 0; t < TABLE_COUNT; t++) {
		const struct table *table = &tables[t];
		const void *key = row_new(table, &fixture.arena);
		db_batch_init(&batch, &fixture.arena);
		sql_add_load(sql, &batch, table, &key, 1, SQL_LOCK_NONE);
		sql_add_load(sql, &batch, table, &key, 1, SQL_LOCK_WAIT);
		sql_add_load(sql, &batch, table, &key, 1, SQL_LOCK_TRY);
		for (size_t p = 2; p < table->key_count; p++)
			sql_add_children(sql, &batch, table, p, &key, 1);
		if (table->kind != TABLE_LEDGER) {
			sql_add_update(sql, &batch, table, &key, 1);
			sql_add_delete(sql, &batch, table, &key, 1);
		} else {
			sql_add_insert(sql, &batch, table, &key, 1); /* looks for the part's head */
		}
		assert_goes_by_index(&batch);
	}
	struct part_total total = {.part = 1, .events = 1};
	int64_t part = 1;
	db_batch_init(&batch, &fixture.arena);
	sql_add_advance(sql, &batch, &total, 1);
	sql_add_heads(sql, &batch, &part, 1);
	assert_goes_by_index(&batch);
}

static void the_ledger_is_followed_along_its_keys(void **state)
{
	(void)state;
	define_explain();
	struct feed_statements *statements = feed_statements_new();
	struct feed_range range = {.part = 1, .after = 5, .until = 9};
	struct db_batch batch;
	db_batch_init(&batch, &fixture.arena);
	feed_page_ask(statements, &batch, &range, 1);
	feed_start_ask(statements, &batch, &range, 1);
	assert_goes_by_index(&batch);
	for (size_t i = 0; i < batch.count; i++) {
		const char *plan = plan_of(batch.items[i].statement);
		if (strcmp(batch.items[i].statement->name, "feed heads") != 0 &&
			!strstr(plan, "Index Cond: ((part = k.part) AND (sequence >"))
			fail_msg("%s\n%s", batch.items[i].statement->name, plan);
	}
	feed_statements_free(statements);
}

static void rows_are_locked_in_the_order_of_their_keys(void **state)
{
	(void)state;
	define_explain();
	const void *key = row_new(TABLE(stock), &fixture.arena);
	struct db_batch batch;
	db_batch_init(&batch, &fixture.arena);
	sql_add_load(sql, &batch, TABLE(stock), &key, 1, SQL_LOCK_WAIT);
	const char *plan = plan_of(batch.items[0].statement);
	const char *lock = strstr(plan, "LockRows");
	assert_non_null(lock);
	assert_non_null(strstr(lock, "Sort"));
}

/* ---- Values ---- */

static const struct fault *answer_fault;
static bool answered;
static struct fault fault_copy;

static void on_done(struct db_batch *batch, const struct fault *fault)
{
	answered = true;
	answer_fault = NULL;
	if (fault) {
		fault_copy = *fault;
		answer_fault = &fault_copy;
	} else if (batch->data) {
		const struct db_rows *rows = db_batch_rows(batch, batch->count - 1);
		struct text_list *list = batch->data;
		const struct table *table = TABLE(reservation);
		const void **read = bind_read(table, rows, batch->arena);
		list->count = db_rows_count(rows);
		list->items = (const char *const *)read;
	}
}

static void run_batch(struct db_batch *batch)
{
	batch->done = on_done;
	answered = false;
	db_submit(connection, batch);
	while (!answered)
		uv_run(&fixture.loop, UV_RUN_ONCE);
}

static void strange_values_come_back_as_they_were(void **state)
{
	(void)state;
	static const char *const skus[] = {"plain", "with \"quotes\"", "back\\slash", "a,b", "{}",
		"NULL", " ", "\xc3\xa4\xe2\x82\xac"};
	static const char *const locations[] = {"", "a", "b", "c", "d", "e", "f", "'"};
	static const int64_t quantities[] = {1, 2, 3, 4, 5, 6, 7, INT64_C(1000000000000)};
	struct reservation_row *row = row_new(TABLE(reservation), &fixture.arena);
	row->part = 3;
	row->id = new_request_id(&fixture);
	row->status = 1;
	row->owner = "O'Neill \\ \"x\" {1,2} \xf0\x9f\x98\x80";
	row->line_sku = (struct text_list){skus, 8};
	row->line_location = (struct text_list){locations, 8};
	row->line_quantity = (struct count_list){quantities, 8};
	row->hold_until = INT64_C(1700000000123456);
	row->created_at = 1;
	row->updated_at = -1;
	const void *rows[] = {row};
	struct db_batch batch;
	struct text_list read = {0};
	db_batch_init(&batch, &fixture.arena);
	sql_add_insert(sql, &batch, TABLE(reservation), rows, 1);
	sql_add_load(sql, &batch, TABLE(reservation), rows, 1, SQL_LOCK_NONE);
	batch.data = &read;
	run_batch(&batch);
	if (answer_fault)
		fail_msg("%s", answer_fault->message);
	assert_int_equal(read.count, 1);
	const void *back = read.items[0];
	for (size_t i = 0; i < TABLE(reservation)->field_count; i++) {
		const struct field *field = &TABLE(reservation)->fields[i];
		if (field_compare(field->type, row_field(row, field), row_field(back, field)) != 0)
			fail_msg("field '%s' came back as something else", field->name);
	}
}

static void an_update_that_misses_a_row_ends_the_transaction(void **state)
{
	(void)state;
	struct reservation_row *row = row_new(TABLE(reservation), &fixture.arena);
	row->id = new_request_id(&fixture);
	row->created_at = row->updated_at = row->hold_until = 1;
	const void *rows[] = {row};
	struct db_batch batch;
	db_batch_init(&batch, &fixture.arena);
	db_batch_add(&batch, &db_begin, NULL);
	sql_add_update(sql, &batch, TABLE(reservation), rows, 1);
	db_batch_add(&batch, &db_commit, NULL);
	run_batch(&batch);
	assert_non_null(answer_fault);
	assert_string_equal(answer_fault->sqlstate, "22012");
	db_batch_init(&batch, &fixture.arena);
	sql_add_delete(sql, &batch, TABLE(reservation), rows, 1);
	run_batch(&batch);
	assert_non_null(answer_fault);
	assert_string_equal(answer_fault->sqlstate, "22012");
}

static void a_prefix_finds_what_begins_with_it_and_nothing_else(void **state)
{
	(void)state;
	static const struct scan_shape shape = {.name = "by_owner",
		.table = TABLE(reservation),
		.conditions = {{
			.field = "owner",
			.operator= SCAN_PREFIX } },
			.order = {"part", "id"},
		};
	static const struct {
		const char *prefix;
		const char *owner;
		size_t found;
	} cases[] = {
		{"ab", "ab", 1},
		{"ab", "abc", 1},
		{"ab", "ab\xf4\x8f\xbf\xbfz", 1},
		{"ab", "aa", 0},
		{"ab", "ac", 0},
		{"ab", "a", 0},
		{"a\x7f", "a\x7fq", 1},
		{"a\x7f", "a\xc2\x80", 0},
		{"\xed\x9f\xbf", "\xed\x9f\xbf!", 1},
		{"\xed\x9f\xbf", "\xee\x80\x80", 0},
		{"x\xf4\x8f\xbf\xbf", "x\xf4\x8f\xbf\xbf!", 1},
		{"x\xf4\x8f\xbf\xbf", "y", 0},
		{"", "anything", 1},
	};
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		test_sql(fixture.database, "DELETE FROM stockbook.reservation");
		test_sql(fixture.database,
			"INSERT INTO stockbook.reservation VALUES (1, gen_random_uuid(), 1, '%s', '', '',"
			" '{a}', '{b}', '{1}', now(), NULL, now(), now())",
			cases[i].owner);
		struct scan scan = {
			.shape = &shape, .values = {{.present = true, .text = cases[i].prefix}}, .limit = 10};
		struct db_batch batch;
		struct text_list read = {0};
		db_batch_init(&batch, &fixture.arena);
		sql_add_scan(sql, &batch, &scan);
		batch.data = &read;
		run_batch(&batch);
		assert_null(answer_fault);
		if (read.count != cases[i].found)
			fail_msg("'%s' in '%s': %zu", cases[i].prefix, cases[i].owner, read.count);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_row_is_found_by_its_index),
		TEST(the_ledger_is_followed_along_its_keys),
		TEST(rows_are_locked_in_the_order_of_their_keys),
		TEST(strange_values_come_back_as_they_were),
		TEST(an_update_that_misses_a_row_ends_the_transaction),
		TEST(a_prefix_finds_what_begins_with_it_and_nothing_else),
	};
	log_open(STDERR_FILENO, LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
	return cmocka_run_group_tests_name("engine_sql", tests, NULL, NULL);
}
