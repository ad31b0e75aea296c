/* Migrations on real databases: once, twice, two at once, newer, changed, and by whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "db/migrate.h"
#include "observe/log.h"
#include "support/database.h"

static struct arena arena;

static struct migrate_result migrate_with(const char *uri, const char *directory,
	const char **error)
{
	struct migrate_options options = {.uri = uri, .directory = directory, .parts = 4};
	struct migrate_result result;
	*error = NULL;
	bool fine = migrate_run(&options, &result, &arena, error);
	assert_true(fine == (*error == NULL));
	return result;
}

static void migrate_fine(const char *uri, const char *directory)
{
	const char *error;
	migrate_with(uri, directory, &error);
	if (error)
		fail_msg("%s", error);
}

static void migrate_fails(const char *uri, const char *directory, const char *saying)
{
	const char *error;
	migrate_with(uri, directory, &error);
	assert_non_null(error);
	if (!strstr(error, saying))
		fail_msg("'%s' does not say '%s'", error, saying);
}

static void write_file(const char *directory, const char *name, const char *text)
{
	FILE *file = fopen(arena_printf(&arena, "%s/%s", directory, name), "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* Two small migrations of our own. */
static const char *some_migrations(void)
{
	const char *directory = test_directory();
	write_file(directory, "0001_first.sql",
		"CREATE TABLE setting (name text PRIMARY KEY, value text NOT NULL); -- one; two\n"
		"CREATE TABLE part_head (part integer PRIMARY KEY, sequence bigint NOT NULL DEFAULT 0);\n"
		"GRANT SELECT ON setting TO stockbook_service");
	write_file(directory, "0002_second.sql",
		"DO $body$ BEGIN PERFORM 'a;b'; END $body$; INSERT INTO setting VALUES ('x', 'it''s; so');");
	return directory;
}

static void a_new_database_gets_the_schema_its_parts_and_its_roles(void **state)
{
	(void)state;
	const char *uri = test_database_fresh(), *error;
	struct migrate_result result = migrate_with(uri, NULL, &error);
	assert_null(error);
	assert_true(result.version >= 1);
	assert_int_equal(result.applied, result.version);
	assert_int_equal(result.parts, 4);
	assert_string_equal(test_sql(uri, "SELECT value FROM stockbook.setting WHERE name = 'parts'"),
		"4");
	assert_string_equal(
		test_sql(uri, "SELECT string_agg(part::text, ' ' ORDER BY part) FROM stockbook.part_head"),
		"0 1 2 3 4");
	assert_string_equal(test_sql(uri, "SELECT string_agg(DISTINCT tableowner, ' ') FROM pg_tables "
									  "WHERE schemaname = 'stockbook'"),
		"stockbook_owner");
}

static void a_second_run_changes_nothing(void **state)
{
	(void)state;
	const char *uri = test_database_fresh(), *error;
	migrate_fine(uri, NULL);
	struct migrate_result result = migrate_with(uri, NULL, &error);
	assert_null(error);
	assert_int_equal(result.applied, 0);
	assert_int_equal(result.parts, 4);
}

static void the_service_may_add_to_the_ledger_and_not_change_it(void **state)
{
	(void)state;
	const char *uri = test_database_fresh();
	migrate_fine(uri, NULL);
	static const char *const tables[] = {"movement", "change"};
	for (size_t i = 0; i < ARRAY_COUNT(tables); i++) {
		assert_string_equal(
			test_sql(uri,
				"SELECT string_agg(privilege || '=' || has_table_privilege('stockbook_service', "
				"'stockbook.%s', privilege), ' ' ORDER BY privilege) FROM unnest(ARRAY['SELECT', "
				"'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) privilege",
				tables[i]),
			"DELETE=false INSERT=true SELECT=true TRUNCATE=false UPDATE=false");
	}
	assert_string_equal(
		test_sql(uri, "SELECT has_table_privilege('stockbook_service', 'stockbook.schema_version', "
					  "'INSERT, UPDATE, DELETE') OR has_table_privilege('stockbook_service', "
					  "'stockbook.setting', 'INSERT, UPDATE, DELETE')"),
		"f");
	assert_string_equal(
		test_sql(uri, "SELECT has_schema_privilege('stockbook_service', 'stockbook', 'CREATE')"),
		"f");
}

static void check_says_what_is_pending_and_changes_nothing(void **state)
{
	(void)state;
	const char *uri = test_database_fresh(), *directory = some_migrations(), *error;
	struct migrate_options options = {.uri = uri, .directory = directory, .parts = 4};
	struct migrate_result result;
	assert_true(migrate_check(&options, &result, &arena, &error));
	assert_int_equal(result.version, 0);
	assert_int_equal(result.pending.count, 2);
	assert_string_equal(result.pending.items[1].name, "second");
	assert_string_equal(test_sql(uri, "SELECT to_regnamespace('stockbook') IS NULL"), "t");
	migrate_fine(uri, directory);
	assert_true(migrate_check(&options, &result, &arena, &error));
	assert_int_equal(result.pending.count, 0);
	assert_string_equal(test_sql(uri, "SELECT value FROM stockbook.setting WHERE name = 'x'"),
		"it's; so");
}

static void two_servers_at_once_migrate_once(void **state)
{
	(void)state;
	const char *uri = test_database_fresh(), *directory = some_migrations();
	/* Slow enough that they meet. */
	write_file(directory, "0003_slow.sql", "SELECT pg_sleep(0.3); CREATE TABLE slow (n integer)");
	pid_t children[4];
	for (size_t i = 0; i < ARRAY_COUNT(children); i++) {
		children[i] = fork();
		if (children[i] == 0) {
			struct migrate_options options = {.uri = uri, .directory = directory, .parts = 4};
			struct migrate_result result;
			const char *error;
			bool fine = migrate_run(&options, &result, &arena, &error);
			_exit(fine && result.version == 3 ? 10 + (int)result.applied : 1);
		}
	}
	int applied = 0;
	for (size_t i = 0; i < ARRAY_COUNT(children); i++) {
		int status;
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) >= 10);
		applied += WEXITSTATUS(status) - 10;
	}
	assert_int_equal(applied, 3);
}

static void a_newer_database_is_refused(void **state)
{
	(void)state;
	const char *uri = test_database_fresh(), *directory = some_migrations();
	migrate_fine(uri, directory);
	assert_int_equal(unlink(arena_printf(&arena, "%s/0002_second.sql", directory)), 0);
	migrate_fails(uri, directory,
		"database is at version 2 ('second'), this server knows only up to 1: start a newer server");
}

static void a_changed_migration_is_refused(void **state)
{
	(void)state;
	const char *uri = test_database_fresh(), *directory = some_migrations();
	migrate_fine(uri, directory);
	write_file(directory, "0002_second.sql", "SELECT 1");
	migrate_fails(uri, directory, "migration 0002 'second' was changed after it was applied");
}

static void a_migration_that_fails_leaves_nothing_of_itself(void **state)
{
	(void)state;
	const char *uri = test_database_fresh(), *directory = some_migrations();
	write_file(directory, "0003_broken.sql",
		"CREATE TABLE half (n integer); SELECT nothing_like_it");
	migrate_fails(uri, directory,
		"migration 0003 'broken', statement 2: column \"nothing_like_it\"");
	assert_string_equal(test_sql(uri, "SELECT max(version) FROM stockbook.schema_version"), "2");
	assert_string_equal(test_sql(uri, "SELECT to_regclass('stockbook.half') IS NULL"), "t");
	write_file(directory, "0003_broken.sql", "CREATE TABLE half (n integer)");
	migrate_fine(uri, directory);
	assert_string_equal(test_sql(uri, "SELECT max(version) FROM stockbook.schema_version"), "3");
}

static void files_that_are_no_sequence_are_refused(void **state)
{
	(void)state;
	const char *uri = test_database_fresh(), *directory = some_migrations();
	write_file(directory, "0004_far.sql", "SELECT 1");
	migrate_fails(uri, directory, "migration 0003 is missing");
	unlink(arena_printf(&arena, "%s/0004_far.sql", directory));
	write_file(directory, "3_short.sql", "SELECT 1");
	migrate_fails(uri, directory, "migration '3_short.sql' is not named like");
	migrate_fails(uri, "/nowhere", "folder of migrations '/nowhere' cannot be read");
}

static void the_number_of_parts_stays_what_it_was(void **state)
{
	(void)state;
	const char *uri = test_database_fresh(), *error;
	migrate_fine(uri, NULL);
	struct migrate_options options = {.uri = uri, .parts = 8};
	struct migrate_result result;
	assert_true(migrate_run(&options, &result, &arena, &error));
	assert_int_equal(result.parts, 4);
	assert_string_equal(test_sql(uri, "SELECT count(*) FROM stockbook.part_head"), "5");
}

static void a_login_without_rights_is_told_what_it_lacks(void **state)
{
	(void)state;
	const char *uri = test_database_fresh();
	test_sql(uri, "CREATE ROLE weak LOGIN");
	const char *weak = arena_printf(&arena, "%s user=weak", uri);
	migrate_fails(weak, NULL,
		"user 'weak' may not act as 'stockbook_owner': have a superuser run GRANT");
	test_sql(uri, "GRANT stockbook_owner TO weak");
	migrate_fails(weak, NULL, "user 'weak' may not make the schema 'stockbook'");
	test_sql(uri, "DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %%I TO weak', "
				  "current_database()); END $$");
	migrate_fails(weak, NULL, "user 'weak' may not act as 'stockbook_service'");
	test_sql(uri, "GRANT stockbook_service TO weak");
	migrate_fine(weak, NULL);
	/* The service alone will do for a database that is current. */
	test_sql(uri, "CREATE ROLE waiter LOGIN; GRANT stockbook_service TO waiter");
	migrate_fine(arena_printf(&arena, "%s user=waiter", uri), NULL);
}

static void an_owner_that_makes_roles_needs_no_superuser(void **state)
{
	(void)state;
	const char *uri = test_database_fresh();
	test_sql(uri, "CREATE ROLE landlord LOGIN CREATEROLE");
	test_sql(uri, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %%I OWNER TO landlord', "
				  "current_database()); END $$");
	migrate_fine(arena_printf(&arena, "%s user=landlord", uri), NULL);
}

static void a_database_that_is_not_there_is_said(void **state)
{
	(void)state;
	const char *uri = arena_printf(&arena, "%s dbname=nowhere", test_database());
	migrate_fails(uri, NULL, "database cannot be reached: ");
	migrate_fails(uri, NULL, "database \"nowhere\" does not exist");
	migrate_fails("nonsense://", NULL, "database cannot be reached: ");
}

static void statements_end_where_sql_ends_them(void **state)
{
	(void)state;
	const char *text =
		"-- a; comment\n /* and; /* one; */ more; */ ;; SELECT ';''', E'\\';', \";\" ; "
		"CREATE FUNCTION f() AS $x$ a; $$ b; $x$; SELECT a$b; SELECT $1 /* ; */; \n";
	static const char *const expected[] = {"SELECT ';''', E'\\';', \";\" ",
		"CREATE FUNCTION f() AS $x$ a; $$ b; $x$", "SELECT a$b", "SELECT $1 /* ; */"};
	for (size_t i = 0; i < ARRAY_COUNT(expected); i++)
		assert_string_equal(migration_next_statement(&text, &arena), expected[i]);
	assert_null(migration_next_statement(&text, &arena));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_database_gets_the_schema_its_parts_and_its_roles),
		cmocka_unit_test(a_second_run_changes_nothing),
		cmocka_unit_test(the_service_may_add_to_the_ledger_and_not_change_it),
		cmocka_unit_test(check_says_what_is_pending_and_changes_nothing),
		cmocka_unit_test(two_servers_at_once_migrate_once),
		cmocka_unit_test(a_newer_database_is_refused),
		cmocka_unit_test(a_changed_migration_is_refused),
		cmocka_unit_test(a_migration_that_fails_leaves_nothing_of_itself),
		cmocka_unit_test(files_that_are_no_sequence_are_refused),
		cmocka_unit_test(the_number_of_parts_stays_what_it_was),
		cmocka_unit_test(a_login_without_rights_is_told_what_it_lacks),
		cmocka_unit_test(an_owner_that_makes_roles_needs_no_superuser),
		cmocka_unit_test(a_database_that_is_not_there_is_said),
		cmocka_unit_test(statements_end_where_sql_ends_them),
	};
	log_open(STDERR_FILENO, LOG_FORMAT_TEXT, LOG_LEVEL_WARNING);
	arena_init(&arena);
	int failed = cmocka_run_group_tests_name("db_migrate", tests, NULL, NULL);
	arena_release(&arena);
	return failed;
}
