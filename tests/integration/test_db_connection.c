/* The connection's states, its values on their way there and back, and its faults. */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include "db/connection.h"
#include "observe/log.h"
#include "support/database.h"

static uv_loop_t loop;
static struct arena arena;

struct outcome {
	int count; /* how often done() was called */
	struct fault fault;
	void (*read)(const struct db_batch *batch); /* while the rows live */
};

static void on_done(struct db_batch *batch, const struct fault *fault)
{
	struct outcome *outcome = batch->data;
	outcome->count++;
	outcome->fault = fault ? *fault : (struct fault){.kind = FAULT_NONE};
	if (!fault && outcome->read)
		outcome->read(batch);
}

static void on_turn(uv_timer_t *timer)
{
	(void)timer;
}

static bool is_over(const void *data)
{
	return ((const struct outcome *)data)->count > 0;
}

static bool is_ready(const void *data)
{
	return db_connection_state(data) == DB_STATE_READY;
}

static bool is_down(const void *data)
{
	/* It may be on its way up again when we look. */
	return !db_connection_accepts(data) && db_connection_state(data) != DB_STATE_BUSY;
}

static void run_until(bool (*condition)(const void *data), const void *data)
{
	uv_timer_t turn;
	uint64_t limit = uv_hrtime() + 20 * UINT64_C(1000000000);
	uv_timer_init(&loop, &turn);
	uv_timer_start(&turn, on_turn, 5, 5);
	while (!condition(data)) {
		assert_true(uv_hrtime() < limit);
		uv_run(&loop, UV_RUN_ONCE);
	}
	uv_close((uv_handle_t *)&turn, NULL);
	uv_run(&loop, UV_RUN_NOWAIT);
}

static struct db_connection *open_with(struct db_options options)
{
	if (!options.uri)
		options.uri = test_database();
	options.name = "test";
	return db_connection_open(&loop, &options);
}

static struct db_connection *open_ready(void)
{
	struct db_connection *connection = open_with((struct db_options){0});
	run_until(is_ready, connection);
	return connection;
}

static void set_true(void *data)
{
	*(bool *)data = true;
}

static bool is_true(const void *data)
{
	return *(const bool *)data;
}

static void close_now(struct db_connection *connection)
{
	bool closed = false;
	db_connection_close(connection, set_true, &closed);
	run_until(is_true, &closed);
}

static struct outcome submit(struct db_connection *connection, struct db_batch *batch,
	void (*read)(const struct db_batch *batch))
{
	struct outcome outcome = {.read = read};
	batch->done = on_done;
	batch->data = &outcome;
	db_submit(connection, batch);
	assert_int_equal(outcome.count, 0);
	run_until(is_over, &outcome);
	assert_int_equal(outcome.count, 1);
	return outcome;
}

/* Statements live as long as the program, like those of the server. */
static const struct db_statement *plain(const char *name, const char *sql)
{
	struct db_statement *statement = arena_alloc(&arena, sizeof(*statement));
	statement->name = name;
	statement->sql = sql;
	return statement;
}

static struct outcome run_plain(struct db_connection *connection,
	const struct db_statement *statement)
{
	struct db_batch batch;
	db_batch_init(&batch, &arena);
	db_batch_add(&batch, statement, NULL);
	return submit(connection, &batch, NULL);
}

/* Values */

static const struct uuid some_uuid = {
	{1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 1, 2, 3, 4, 5, 6, 7, 8}};

static void read_scalars(const struct db_batch *batch)
{
	const struct db_rows *rows = db_batch_rows(batch, 0);
	size_t size;
	assert_int_equal(db_rows_count(rows), 1);
	assert_int_equal(db_rows_column_count(rows), 11);
	assert_true(db_get_bool(rows, 0, 0));
	assert_int_equal(db_get_int(rows, 0, 1), INT32_MIN);
	assert_true(db_get_int(rows, 0, 2) == INT64_MAX);
	assert_true(db_get_float8(rows, 0, 3) == -0.125);
	assert_true(db_get_time(rows, 0, 4) == 1795300000123456);
	struct uuid uuid = db_get_uuid(rows, 0, 5);
	assert_memory_equal(&uuid, &some_uuid, sizeof(uuid));
	assert_string_equal(db_get_text(rows, 0, 6, &size), "größe '\\");
	assert_int_equal(size, strlen("größe '\\"));
	assert_memory_equal(db_get_bytea(rows, 0, 7, &size), "\0\377x", 3);
	assert_int_equal(size, 3);
	assert_true(db_get_null(rows, 0, 8));
	assert_null(db_copy_text(rows, 0, 8, batch->arena));
	assert_string_equal(db_get_text(rows, 0, 9, NULL),
		"true -2147483648 9223372036854775807 -0.125 2026-11-21 22:26:40.123456+00 "
		"01234567-89ab-cdef-0102-030405060708 größe '\\ 00ff78");
	assert_int_equal(db_get_int(rows, 0, 10), -7);
}

static void every_scalar_comes_back_as_it_went(void **state)
{
	(void)state;
	static const enum db_type types[] = {
		DB_BOOL, DB_INT4, DB_INT8, DB_FLOAT8, DB_TIME, DB_UUID, DB_TEXT, DB_BYTEA, DB_TEXT};
	static const struct db_statement statement = {"scalars",
		"SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, concat_ws(' ', $1::text, $2, $3, $4, $5, $6, $7, "
		"encode($8, 'hex')), (-7)::int2",
		ARRAY_COUNT(types), types};
	struct db_connection *connection = open_ready();
	struct db_batch batch;
	db_batch_init(&batch, &arena);
	struct db_value values[] = {db_bool(&arena, true), db_int4(&arena, INT32_MIN),
		db_int8(&arena, INT64_MAX), db_float8(&arena, -0.125), db_time(&arena, 1795300000123456),
		db_uuid(&arena, &some_uuid), db_text(&arena, "größe '\\"), db_bytea(&arena, "\0\377x", 3),
		db_null()};
	for (int i = 0; i < 2; i++) { /* the second time it is prepared already */
		db_batch_init(&batch, &arena);
		db_batch_add(&batch, &statement, values);
		assert_int_equal(submit(connection, &batch, read_scalars).fault.kind, FAULT_NONE);
	}
	close_now(connection);
}

static void read_times(const struct db_batch *batch)
{
	const struct db_rows *rows = db_batch_rows(batch, 0);
	assert_true(db_get_time(rows, 0, 0) == INT64_MAX);
	assert_true(db_get_time(rows, 0, 1) == INT64_MIN);
	assert_true(db_get_time(rows, 0, 2) == 0);
	assert_true(db_get_time(rows, 0, 3) == -1);
	assert_string_equal(db_get_text(rows, 0, 4, NULL), "infinity -infinity 1970-01-01 00:00:00+00");
}

static void times_reach_from_one_infinity_to_the_other(void **state)
{
	(void)state;
	static const enum db_type types[] = {DB_TIME, DB_TIME, DB_TIME, DB_TIME};
	static const struct db_statement statement = {
		"times", "SELECT $1, $2, $3, $4, concat_ws(' ', $1::text, $2, $3)", 4, types};
	struct db_connection *connection = open_ready();
	struct db_batch batch;
	db_batch_init(&batch, &arena);
	struct db_value values[] = {db_time(&arena, INT64_MAX), db_time(&arena, INT64_MIN),
		db_time(&arena, 0), db_time(&arena, -1)};
	db_batch_add(&batch, &statement, values);
	assert_int_equal(submit(connection, &batch, read_times).fault.kind, FAULT_NONE);
	close_now(connection);
}

static struct db_elements second_of_three(const struct db_rows *rows, size_t column,
	enum db_type element)
{
	struct db_elements elements = db_get_array(rows, 0, column);
	assert_int_equal(elements.element, element);
	assert_int_equal(elements.count, 3);
	assert_true(db_elements_next(&elements));
	assert_true(db_element_null(&elements));
	assert_true(db_elements_next(&elements));
	assert_false(db_element_null(&elements));
	return elements;
}

static void read_arrays(const struct db_batch *batch)
{
	const struct db_rows *rows = db_batch_rows(batch, 0);
	struct db_elements elements = second_of_three(rows, 0, DB_BOOL);
	assert_true(db_element_bool(&elements));
	elements = second_of_three(rows, 1, DB_INT4);
	assert_int_equal(db_element_int(&elements), -4);
	elements = second_of_three(rows, 2, DB_INT8);
	assert_true(db_element_int(&elements) == INT64_MIN);
	elements = second_of_three(rows, 3, DB_FLOAT8);
	assert_true(isinf(db_element_float8(&elements)));
	elements = second_of_three(rows, 4, DB_TIME);
	assert_true(db_element_time(&elements) == 1795300000123456);
	elements = second_of_three(rows, 5, DB_UUID);
	struct uuid uuid = db_element_uuid(&elements);
	assert_memory_equal(&uuid, &some_uuid, sizeof(uuid));
	elements = second_of_three(rows, 6, DB_TEXT);
	assert_string_equal(db_element_text(&elements, batch->arena), "ü\"{},NULL");
	assert_true(db_elements_next(&elements));
	assert_string_equal(db_element_text(&elements, batch->arena), "");
	assert_false(db_elements_next(&elements));
	elements = second_of_three(rows, 7, DB_BYTEA);
	size_t size;
	assert_memory_equal(db_element_bytea(&elements, &size), "\0a", 2);
	assert_int_equal(size, 2);
	elements = db_get_array(rows, 0, 8);
	assert_int_equal(elements.count, 0);
	assert_false(db_elements_next(&elements));
	assert_string_equal(db_get_text(rows, 0, 9, NULL), "{NULL,\"ü\\\"{},NULL\",\"\"}");
}

static void every_array_comes_back_as_it_went(void **state)
{
	(void)state;
	static const enum db_type types[] = {DB_BOOL_ARRAY, DB_INT4_ARRAY, DB_INT8_ARRAY,
		DB_FLOAT8_ARRAY, DB_TIME_ARRAY, DB_UUID_ARRAY, DB_TEXT_ARRAY, DB_BYTEA_ARRAY,
		DB_INT8_ARRAY};
	static const enum db_type elements[] = {
		DB_BOOL, DB_INT4, DB_INT8, DB_FLOAT8, DB_TIME, DB_UUID, DB_TEXT, DB_BYTEA, DB_INT8};
	static const struct db_statement statement = {
		"arrays", "SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $7::text", ARRAY_COUNT(types), types};
	struct db_array arrays[ARRAY_COUNT(types)];
	for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
		db_array_init(&arrays[i], &arena, elements[i]);
		assert_int_equal(db_array_of(elements[i]), types[i]);
		if (i < 8)
			db_array_add_null(&arrays[i]);
	}
	for (int i = 0; i < 2; i++) {
		db_array_add_bool(&arrays[0], i == 0);
		db_array_add_int4(&arrays[1], -4);
		db_array_add_int8(&arrays[2], INT64_MIN);
		db_array_add_float8(&arrays[3], (double)INFINITY);
		db_array_add_time(&arrays[4], 1795300000123456);
		db_array_add_uuid(&arrays[5], &some_uuid);
		db_array_add_text(&arrays[6], i == 0 ? "ü\"{},NULL" : "");
		db_array_add_bytea(&arrays[7], "\0a", 2);
	}
	struct db_value values[ARRAY_COUNT(types)];
	for (size_t i = 0; i < ARRAY_COUNT(types); i++)
		values[i] = db_array_value(&arrays[i]);
	struct db_connection *connection = open_ready();
	struct db_batch batch;
	db_batch_init(&batch, &arena);
	db_batch_add(&batch, &statement, values);
	assert_int_equal(submit(connection, &batch, read_arrays).fault.kind, FAULT_NONE);
	close_now(connection);
}

static void read_large(const struct db_batch *batch)
{
	assert_int_equal(db_get_int(db_batch_rows(batch, 0), 0, 0), 300000);
	assert_true(db_get_int(db_batch_rows(batch, 0), 0, 1) == INT64_C(300000) * 299999 / 2);
	assert_int_equal(db_rows_count(db_batch_rows(batch, 1)), 300000);
	assert_int_equal(db_get_int(db_batch_rows(batch, 1), 299999, 0), 299999);
}

static void batches_larger_than_every_buffer_pass(void **state)
{
	(void)state;
	static const enum db_type types[] = {DB_INT8_ARRAY};
	static const struct db_statement sum = {
		"large", "SELECT count(*), sum(n)::int8 FROM unnest($1) n", 1, types};
	static const struct db_statement echo = {"large_echo", "SELECT n FROM unnest($1) n", 1, types};
	struct db_array array;
	db_array_init(&array, &arena, DB_INT8);
	for (int64_t i = 0; i < 300000; i++)
		db_array_add_int8(&array, i);
	struct db_value value = db_array_value(&array);
	struct db_connection *connection = open_ready();
	struct db_batch batch;
	db_batch_init(&batch, &arena);
	db_batch_add(&batch, &sum, &value);
	for (int i = 0; i < 6; i++)
		db_batch_add(&batch, &echo, &value);
	assert_int_equal(submit(connection, &batch, read_large).fault.kind, FAULT_NONE);
	close_now(connection);
}

/* Transactions and faults */

static void read_affected(const struct db_batch *batch)
{
	assert_int_equal(db_rows_affected(db_batch_rows(batch, 1)), 2);
}

static void a_transaction_spans_batches(void **state)
{
	(void)state;
	test_sql(test_database(), "DROP TABLE IF EXISTS span; CREATE TABLE span (n int8 PRIMARY KEY)");
	const struct db_statement *insert =
		plain("span_insert", "INSERT INTO public.span VALUES (1), (2)");
	struct db_connection *connection = open_ready();
	struct db_batch batch;
	db_batch_init(&batch, &arena);
	db_batch_add(&batch, &db_begin, NULL);
	db_batch_add(&batch, insert, NULL);
	assert_int_equal(submit(connection, &batch, read_affected).fault.kind, FAULT_NONE);
	assert_int_equal(db_connection_state(connection), DB_STATE_IN_TRANSACTION);
	assert_string_equal(test_sql(test_database(), "SELECT count(*) FROM span"), "0");
	db_batch_init(&batch, &arena);
	batch.continues_transaction = true;
	db_batch_add(&batch, &db_commit, NULL);
	assert_int_equal(submit(connection, &batch, NULL).fault.kind, FAULT_NONE);
	assert_int_equal(db_connection_state(connection), DB_STATE_READY);
	assert_string_equal(test_sql(test_database(), "SELECT count(*) FROM span"), "2");
	close_now(connection);
}

static void a_unique_violation_names_its_constraint_and_rolls_back(void **state)
{
	(void)state;
	test_sql(test_database(), "DROP TABLE IF EXISTS one; CREATE TABLE one (n int8 PRIMARY KEY)");
	const struct db_statement *insert = plain("one_insert", "INSERT INTO public.one VALUES (1)");
	struct db_connection *connection = open_ready();
	struct db_batch batch;
	db_batch_init(&batch, &arena);
	db_batch_add(&batch, &db_begin, NULL);
	db_batch_add(&batch, insert, NULL);
	db_batch_add(&batch, insert, NULL);
	db_batch_add(&batch, plain("one_unseen", "SELECT 1"), NULL);
	db_batch_add(&batch, &db_commit, NULL);
	for (int i = 0; i < 2; i++) {
		struct outcome outcome = submit(connection, &batch, NULL);
		assert_int_equal(outcome.fault.kind, FAULT_CONSTRAINT);
		assert_int_equal(outcome.fault.statement, 2);
		assert_string_equal(outcome.fault.sqlstate, "23505");
		assert_string_equal(outcome.fault.constraint, "one_pkey");
		assert_string_equal(outcome.fault.table, "one");
		assert_int_equal(db_connection_state(connection), DB_STATE_READY);
	}
	assert_string_equal(test_sql(test_database(), "SELECT count(*) FROM one"), "0");
	close_now(connection);
}

static void a_deferred_constraint_fails_the_batch_at_its_end(void **state)
{
	(void)state;
	test_sql(test_database(), "DROP TABLE IF EXISTS later; CREATE TABLE later (n int8, "
							  "UNIQUE (n) DEFERRABLE INITIALLY DEFERRED)");
	const struct db_statement *insert =
		plain("later_insert", "INSERT INTO public.later VALUES (1), (1)");
	struct db_connection *connection = open_ready();
	struct outcome outcome = run_plain(connection, insert);
	assert_int_equal(outcome.fault.kind, FAULT_CONSTRAINT);
	assert_true(outcome.fault.statement == SIZE_MAX);
	assert_int_equal(run_plain(connection, plain("later_fine", "SELECT 1")).fault.kind, FAULT_NONE);
	close_now(connection);
}

static void wrong_sql_is_a_bug_and_can_be_repeated(void **state)
{
	(void)state;
	const struct db_statement *wrong = plain("wrong", "SELECT nothing_like_it");
	struct db_connection *connection = open_ready();
	for (int i = 0; i < 3; i++) {
		struct outcome outcome = run_plain(connection, wrong);
		assert_int_equal(outcome.fault.kind, FAULT_BUG);
		assert_string_equal(outcome.fault.sqlstate, "42703");
		assert_non_null(strstr(outcome.fault.message, "nothing_like_it"));
	}
	close_now(connection);
}

static void lock(struct db_connection *connection, const struct db_statement *statement, bool first)
{
	struct db_batch batch;
	db_batch_init(&batch, &arena);
	if (first)
		db_batch_add(&batch, &db_begin, NULL);
	batch.continues_transaction = !first;
	db_batch_add(&batch, statement, NULL);
	assert_int_equal(submit(connection, &batch, NULL).fault.kind, FAULT_NONE);
}

static void a_deadlock_is_to_be_retried_and_one_side_goes_on(void **state)
{
	(void)state;
	test_sql(test_database(), "DROP TABLE IF EXISTS dead; CREATE TABLE dead (n int8 PRIMARY KEY); "
							  "INSERT INTO dead VALUES (1), (2)");
	const struct db_statement *locks[] = {
		plain("dead_1", "SELECT n FROM public.dead WHERE n = 1 FOR UPDATE"),
		plain("dead_2", "SELECT n FROM public.dead WHERE n = 2 FOR UPDATE")};
	struct db_connection *sides[2];
	struct db_batch batches[2];
	struct outcome outcomes[2] = {0};
	struct db_setting settings[] = {{"deadlock_timeout", "50"}};
	for (int i = 0; i < 2; i++) {
		struct db_options options = {
			.idle_in_transaction_ms = 10000, .settings = settings, .setting_count = 1};
		sides[i] = open_with(options);
		run_until(is_ready, sides[i]);
		lock(sides[i], locks[i], true);
	}
	for (int i = 0; i < 2; i++) {
		db_batch_init(&batches[i], &arena);
		batches[i].continues_transaction = true;
		batches[i].done = on_done;
		batches[i].data = &outcomes[i];
		db_batch_add(&batches[i], locks[1 - i], NULL);
		db_submit(sides[i], &batches[i]);
	}
	run_until(is_over, &outcomes[0]);
	run_until(is_over, &outcomes[1]);
	int loser = outcomes[0].fault.kind == FAULT_NONE ? 1 : 0;
	assert_int_equal(outcomes[loser].fault.kind, FAULT_RETRY);
	assert_string_equal(outcomes[loser].fault.sqlstate, "40P01");
	assert_int_equal(outcomes[1 - loser].fault.kind, FAULT_NONE);
	assert_int_equal(db_connection_state(sides[loser]), DB_STATE_READY);
	assert_int_equal(db_connection_state(sides[1 - loser]), DB_STATE_IN_TRANSACTION);
	close_now(sides[0]);
	close_now(sides[1]);
}

static void a_lock_that_is_not_given_in_time_is_to_be_retried(void **state)
{
	(void)state;
	test_sql(test_database(), "DROP TABLE IF EXISTS held; CREATE TABLE held (n int8 PRIMARY KEY); "
							  "INSERT INTO held VALUES (1)");
	const struct db_statement *take = plain("held", "SELECT n FROM public.held FOR UPDATE");
	struct db_connection *holder = open_with((struct db_options){.idle_in_transaction_ms = 10000});
	struct db_connection *waiter = open_with((struct db_options){.lock_timeout_ms = 50});
	run_until(is_ready, holder);
	run_until(is_ready, waiter);
	lock(holder, take, true);
	struct outcome outcome = run_plain(waiter, take);
	assert_int_equal(outcome.fault.kind, FAULT_RETRY);
	assert_string_equal(outcome.fault.sqlstate, "55P03");
	close_now(holder);
	close_now(waiter);
}

static void terminate(void)
{
	test_sql(test_database(), "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
							  "WHERE application_name = 'stockbook test'");
}

static void a_terminated_backend_loses_the_batch_and_comes_back(void **state)
{
	(void)state;
	struct db_connection *connection = open_ready();
	struct outcome outcome = {0};
	struct db_batch batch;
	db_batch_init(&batch, &arena);
	batch.done = on_done;
	batch.data = &outcome;
	db_batch_add(&batch, plain("sleep", "SELECT pg_sleep(30)"), NULL);
	db_submit(connection, &batch);
	uv_run(&loop, UV_RUN_NOWAIT);
	usleep(100000);
	terminate();
	run_until(is_over, &outcome);
	assert_int_equal(outcome.fault.kind, FAULT_LOST);
	assert_string_equal(outcome.fault.sqlstate, "57P01");
	run_until(is_ready, connection);
	const struct db_statement *fine = plain("after", "SELECT 1");
	assert_int_equal(run_plain(connection, fine).fault.kind, FAULT_NONE);
	/* Statements are prepared anew on the new session. */
	terminate();
	run_until(is_down, connection);
	run_until(is_ready, connection);
	assert_int_equal(run_plain(connection, fine).fault.kind, FAULT_NONE);
	close_now(connection);
}

static void a_batch_never_continues_a_transaction_that_is_gone(void **state)
{
	(void)state;
	test_sql(test_database(), "DROP TABLE IF EXISTS gone; CREATE TABLE gone (n int8)");
	struct db_connection *connection = open_ready();
	lock(connection, plain("gone_1", "SELECT 1"), true);
	terminate();
	run_until(is_down, connection);
	run_until(is_ready, connection);
	struct db_batch batch;
	db_batch_init(&batch, &arena);
	batch.continues_transaction = true;
	db_batch_add(&batch, plain("gone_insert", "INSERT INTO public.gone VALUES (1)"), NULL);
	assert_int_equal(submit(connection, &batch, NULL).fault.kind, FAULT_DOWN);
	assert_string_equal(test_sql(test_database(), "SELECT count(*) FROM gone"), "0");
	close_now(connection);
}

static void an_idle_transaction_is_ended_by_the_database(void **state)
{
	(void)state;
	struct db_connection *connection = open_with((struct db_options){.idle_in_transaction_ms = 50});
	run_until(is_ready, connection);
	lock(connection, plain("idle", "SELECT 1"), true);
	run_until(is_down, connection);
	assert_non_null(strstr(db_connection_error(connection), "idle-in-transaction"));
	run_until(is_ready, connection);
	close_now(connection);
}

static void a_missed_deadline_drops_the_connection(void **state)
{
	(void)state;
	struct db_connection *connection = open_ready();
	struct db_batch batch;
	db_batch_init(&batch, &arena);
	batch.deadline_ms = 100;
	db_batch_add(&batch, plain("slow", "SELECT pg_sleep(30)"), NULL);
	uint64_t before = uv_hrtime();
	struct outcome outcome = submit(connection, &batch, NULL);
	assert_int_equal(outcome.fault.kind, FAULT_DEADLINE);
	assert_true(uv_hrtime() - before < 5000000000ULL);
	run_until(is_ready, connection);
	close_now(connection);
}

static void a_batch_in_flight_is_answered_when_the_connection_closes(void **state)
{
	(void)state;
	struct db_connection *connection = open_ready();
	struct outcome outcome = {0};
	struct db_batch batch;
	db_batch_init(&batch, &arena);
	batch.done = on_done;
	batch.data = &outcome;
	db_batch_add(&batch, plain("cut", "SELECT pg_sleep(30)"), NULL);
	db_submit(connection, &batch);
	close_now(connection);
	assert_int_equal(outcome.count, 1);
	assert_int_equal(outcome.fault.kind, FAULT_LOST);
}

static void a_database_that_is_not_there_is_tried_until_it_is(void **state)
{
	(void)state;
	struct db_connection *connection = open_with((struct db_options){
		.uri = "host=/tmp/stockbook-nowhere dbname=x", .backoff_ms_max = 40});
	for (int i = 0; i < 200; i++) {
		uv_run(&loop, UV_RUN_NOWAIT);
		usleep(1000);
	}
	assert_non_null(strstr(db_connection_error(connection), "stockbook-nowhere"));
	struct outcome outcome = run_plain(connection, plain("nowhere", "SELECT 1"));
	assert_int_equal(outcome.fault.kind, FAULT_DOWN);
	close_now(connection);
}

static void read_session(const struct db_batch *batch)
{
	assert_string_equal(db_get_text(db_batch_rows(batch, 0), 0, 0, NULL),
		"stockbook_test_role stockbook force_generic_plan UTC 50ms 1s stockbook test");
}

static void a_session_has_its_role_and_settings(void **state)
{
	(void)state;
	test_sql(test_database(), "DO $$ BEGIN CREATE ROLE stockbook_test_role; EXCEPTION WHEN "
							  "duplicate_object THEN NULL; END $$");
	struct db_connection *connection =
		open_with((struct db_options){.role = "stockbook_test_role", .lock_timeout_ms = 50});
	run_until(is_ready, connection);
	struct db_batch batch;
	db_batch_init(&batch, &arena);
	db_batch_add(&batch,
		plain("session", "SELECT concat_ws(' ', current_user, current_setting('search_path'), "
						 "current_setting('plan_cache_mode'), current_setting('timezone'), "
						 "current_setting('lock_timeout'), "
						 "current_setting('idle_in_transaction_session_timeout'), "
						 "current_setting('application_name'))"),
		NULL);
	assert_int_equal(submit(connection, &batch, read_session).fault.kind, FAULT_NONE);
	close_now(connection);
}

static void read_synchronous_commit(const struct db_batch *batch)
{
	assert_string_equal(db_get_text(db_batch_rows(batch, 0), 0, 0, NULL), "on");
}

/* Else a crash of PostgreSQL could take back what was answered. */
static void a_database_that_commits_asynchronously_by_default_does_not_for_us(void **state)
{
	(void)state;
	const char *uri = test_database();
	test_sql(uri, "ALTER DATABASE stockbook SET synchronous_commit = off");
	assert_string_equal(test_sql(uri, "SHOW synchronous_commit"), "off");
	struct db_connection *connection = open_ready();
	struct db_batch batch;
	db_batch_init(&batch, &arena);
	db_batch_add(&batch, plain("commits", "SELECT current_setting('synchronous_commit')"), NULL);
	assert_int_equal(submit(connection, &batch, read_synchronous_commit).fault.kind, FAULT_NONE);
	close_now(connection);
	test_sql(uri, "ALTER DATABASE stockbook RESET synchronous_commit");
}

static void a_role_that_is_missing_is_said(void **state)
{
	(void)state;
	struct db_connection *connection =
		open_with((struct db_options){.role = "nobody_here", .backoff_ms_max = 20});
	for (int i = 0; i < 100; i++) {
		uv_run(&loop, UV_RUN_NOWAIT);
		usleep(1000);
	}
	assert_non_null(strstr(db_connection_error(connection), "nobody_here"));
	close_now(connection);
}

/* Last: it kills the cluster, and sees that it is started again. */
static void a_killed_postmaster_is_started_again_and_the_connection_returns(void **state)
{
	(void)state;
	struct db_connection *connection = open_ready();
	pid_t before = cluster_pid(test_cluster());
	cluster_watch(test_cluster(), &loop);
	kill(before, SIGKILL);
	run_until(is_down, connection);
	run_until(is_ready, connection);
	assert_int_not_equal(cluster_pid(test_cluster()), before);
	assert_int_equal(run_plain(connection, plain("revived", "SELECT 1")).fault.kind, FAULT_NONE);
	close_now(connection);
	cluster_unwatch(test_cluster());
	uv_run(&loop, UV_RUN_NOWAIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_scalar_comes_back_as_it_went),
		cmocka_unit_test(times_reach_from_one_infinity_to_the_other),
		cmocka_unit_test(every_array_comes_back_as_it_went),
		cmocka_unit_test(batches_larger_than_every_buffer_pass),
		cmocka_unit_test(a_transaction_spans_batches),
		cmocka_unit_test(a_unique_violation_names_its_constraint_and_rolls_back),
		cmocka_unit_test(a_deferred_constraint_fails_the_batch_at_its_end),
		cmocka_unit_test(wrong_sql_is_a_bug_and_can_be_repeated),
		cmocka_unit_test(a_deadlock_is_to_be_retried_and_one_side_goes_on),
		cmocka_unit_test(a_lock_that_is_not_given_in_time_is_to_be_retried),
		cmocka_unit_test(a_terminated_backend_loses_the_batch_and_comes_back),
		cmocka_unit_test(a_batch_never_continues_a_transaction_that_is_gone),
		cmocka_unit_test(an_idle_transaction_is_ended_by_the_database),
		cmocka_unit_test(a_missed_deadline_drops_the_connection),
		cmocka_unit_test(a_batch_in_flight_is_answered_when_the_connection_closes),
		cmocka_unit_test(a_database_that_is_not_there_is_tried_until_it_is),
		cmocka_unit_test(a_session_has_its_role_and_settings),
		cmocka_unit_test(a_database_that_commits_asynchronously_by_default_does_not_for_us),
		cmocka_unit_test(a_role_that_is_missing_is_said),
		cmocka_unit_test(a_killed_postmaster_is_started_again_and_the_connection_returns),
	};
	log_open(STDERR_FILENO, LOG_FORMAT_TEXT, LOG_LEVEL_WARNING);
	uv_loop_init(&loop);
	arena_init(&arena);
	int failed = cmocka_run_group_tests_name("db_connection", tests, NULL, NULL);
	arena_release(&arena);
	uv_loop_close(&loop);
	return failed;
}
