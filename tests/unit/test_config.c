/* Settings: where they come from, what wins, what is refused, what is said of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"

#define ARGUMENTS_MAX 16
#define LOAD(...) load((const char *[]){"stockbookd", __VA_ARGS__, NULL}, NULL)

static struct arena arena;
static struct config config;
static const char *error;

static bool load(const char **argv, const char *const *environment)
{
	int argc = 0;
	while (argv[argc])
		argc++;
	error = NULL;
	bool fine = config_load(&config, &arena, argc, argv, environment, &error);
	assert_true(fine == (error == NULL));
	return fine;
}

static void loads(bool fine)
{
	if (!fine)
		fail_msg("%s", error);
}

static void says(bool fine, const char *expected)
{
	assert_false(fine);
	assert_string_equal(error, expected);
}

static const char *file_with(const char *text)
{
	char *path = arena_string(&arena, "/tmp/stockbook-config-XXXXXX");
	int file = mkstemp(path);
	assert_true(file >= 0);
	assert_int_equal(write(file, text, strlen(text)), strlen(text));
	close(file);
	return path;
}

static void defaults_hold_where_nothing_is_said(void **state)
{
	(void)state;
	loads(LOAD("--embedded", "book"));
	assert_int_equal(config.command, COMMAND_SERVE);
	assert_string_equal(config.embedded, "book");
	assert_null(config.database);
	assert_int_equal(config.listen.count, 1);
	assert_string_equal(config.listen.items[0], "127.0.0.1:50051");
	assert_int_equal(config.parts, 64);
	assert_int_equal(config.lanes, 0);
	assert_int_equal(config.batch_operations_max, 256);
	assert_string_equal(config.log_format, "auto");
	assert_false(config.insecure_open);
}

static void a_flag_wins_over_the_environment_and_that_over_the_file(void **state)
{
	(void)state;
	const char *path = file_with("# the shop\n\nlanes = 3\n  drain-ms=7  \nreaders = 5\n"
								 "database = host=/tmp dbname=a#b\n");
	const char *environment[] = {"STOCKBOOK_LANES=6", "STOCKBOOK_DRAIN_MS=8", "PATH=/bin", NULL};
	const char *argv[] = {"stockbookd", "--config", path, "--lanes=9", NULL};
	loads(load(argv, environment));
	assert_int_equal(config.lanes, 9);
	assert_int_equal(config.drain_ms, 8);
	assert_int_equal(config.readers, 5);
	assert_string_equal(config.database, "host=/tmp dbname=a#b");
	/* The file's name may come from the environment, too. */
	const char *other[] = {arena_printf(&arena, "STOCKBOOK_CONFIG=%s", path), NULL};
	loads(load((const char *[]){"stockbookd", NULL}, other));
	assert_int_equal(config.lanes, 3);
	unlink(path);
}

static void lists_come_in_commas_and_in_repeated_flags(void **state)
{
	(void)state;
	loads(LOAD("--embedded", "x", "--listen", "127.0.0.1:1, [::1]:2", "--listen", "unix:/tmp/s"));
	assert_int_equal(config.listen.count, 3);
	assert_string_equal(config.listen.items[1], "[::1]:2");
	assert_string_equal(config.listen.items[2], "unix:/tmp/s");
}

static void wrong_values_name_the_setting_the_value_and_what_is_allowed(void **state)
{
	(void)state;
	says(LOAD("--embedded", "x", "--lanes", "many"),
		"setting 'lanes' (--lanes): 'many' is not a whole number from 0 to 64");
	says(LOAD("--embedded", "x", "--lanes", "65"),
		"setting 'lanes' (--lanes): '65' is not a whole number from 0 to 64");
	says(LOAD("--embedded", "x", "--drain-ms", "99999999999999999999"),
		"setting 'drain_ms' (--drain-ms): '99999999999999999999' is not a whole number from 0 to "
		"600000");
	says(LOAD("--embedded", "x", "--log-format", "xml"),
		"setting 'log_format' (--log-format): 'xml' is not one of auto|text|json");
	says(LOAD("--embedded", "x", "--log-format", "js"),
		"setting 'log_format' (--log-format): 'js' is not one of auto|text|json");
	says(LOAD("--embedded", ""), "setting 'embedded' (--embedded) is empty");
	const char *environment[] = {"STOCKBOOK_INSECURE_OPEN=maybe", NULL};
	says(load((const char *[]){"stockbookd", "--embedded", "x", NULL}, environment),
		"setting 'insecure_open' (STOCKBOOK_INSECURE_OPEN): 'maybe' is neither true nor false");
	says(LOAD("--embedded", "x", "--listen", "127.0.0.1"),
		"setting 'listen': '127.0.0.1' is not host:port, [v6]:port or unix:path");
	says(LOAD("--embedded", "x", "--listen", "::1:80"),
		"setting 'listen': '::1:80' is not host:port, [v6]:port or unix:path");
	says(LOAD("--embedded", "x", "--listen", "127.0.0.1:70000"),
		"setting 'listen': '127.0.0.1:70000' is not host:port, [v6]:port or unix:path");
	says(LOAD("--embedded", "x", "--hold-default-s", "20", "--hold-max-s", "10"),
		"setting 'hold_default_s' (20) is more than 'hold_max_s' (10)");
}

static void wrong_flags_and_commands_are_named(void **state)
{
	(void)state;
	says(LOAD("--embeded", "x"), "flag '--embeded': not known: see stockbookd --help");
	says(LOAD("--lanes"), "flag '--lanes': needs a value: see stockbookd --help");
	says(LOAD("migrat", "--embedded", "x"), "command 'migrat' is not known: see stockbookd --help");
	says(LOAD("--check", "--embedded", "x"), "--check belongs to 'stockbookd migrate'");
	says(LOAD("--lanes", "2"),
		"no database: set --embedded DIR for a private one, or --database URI: see stockbookd --help");
	says(LOAD("--embedded", "x", "--database", "y"),
		"settings 'embedded' and 'database' are both set: choose one");
}

static void wrong_files_are_told_by_line(void **state)
{
	(void)state;
	says(LOAD("--config", "/nowhere/file"),
		"file '/nowhere/file' cannot be read: No such file or directory");
	static const char *const cases[][2] = {
		{"lanes\n", "line 1: 'lanes' is not 'name = value'"},
		{"\nlains = 3\n", "line 2: setting 'lains' is not known: see stockbookd --help"},
		{"lanes = 3\nlanes = 4", "line 2: setting 'lanes' is there twice"},
	};
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		const char *path = file_with(cases[i][0]);
		says(LOAD("--config", path), arena_printf(&arena, "file '%s' %s", path, cases[i][1]));
		unlink(path);
	}
	const char *path = file_with("embedded = x\n# lanes\nlanes = x");
	says(LOAD("--config", path),
		arena_printf(&arena,
			"setting 'lanes' ('%s' line 3): 'x' is not a whole number from 0 to 64", path));
	unlink(path);
}

static void commands_are_told_apart(void **state)
{
	(void)state;
	loads(LOAD("migrate", "--database", "x"));
	assert_int_equal(config.command, COMMAND_MIGRATE);
	loads(LOAD("migrate", "--check", "--database", "x"));
	assert_int_equal(config.command, COMMAND_MIGRATE_CHECK);
	loads(LOAD("--help"));
	assert_int_equal(config.command, COMMAND_HELP);
	loads(LOAD("--help-markdown"));
	assert_int_equal(config.command, COMMAND_HELP_MARKDOWN);
	loads(LOAD("--version"));
	assert_int_equal(config.command, COMMAND_VERSION);
}

static void only_the_embedded_demo_on_loopback_is_open_by_itself(void **state)
{
	(void)state;
	loads(LOAD("--embedded", "x"));
	assert_true(config_is_open(&config));
	loads(LOAD("--embedded", "x", "--listen", "localhost:1,unix:/a,[::1]:3,127.0.0.9:4"));
	assert_true(config_is_open(&config));
	loads(LOAD("--embedded", "x", "--require-tokens"));
	assert_false(config_is_open(&config));
	loads(LOAD("--database", "x"));
	assert_false(config_is_open(&config));
	loads(LOAD("--database", "x", "--insecure-open"));
	assert_true(config_is_open(&config));
	/* With TLS, embedded beyond loopback asks for tokens. */
	loads(LOAD("--embedded", "x", "--listen", "0.0.0.0:1", "--tls-certificate", "c", "--tls-key",
		"k"));
	assert_false(config_is_open(&config));
}

static void what_is_insecure_beyond_loopback_is_asked_for_by_name(void **state)
{
	(void)state;
	static const char *const unencrypted =
		"tokens would cross the network unencrypted: set --tls-certificate and --tls-key, listen on "
		"loopback, or add --insecure-remote";
	says(LOAD("--database", "x", "--listen", "0.0.0.0:1"), unencrypted);
	says(LOAD("--embedded", "x", "--listen", "127.0.0.1:1,[::]:1"), unencrypted);
	says(LOAD("--database", "x", "--listen", "0.0.0.0:1", "--insecure-open"),
		"setting 'insecure_open' would let everyone on the network in: listen on loopback, or add "
		"--insecure-remote");
	loads(LOAD("--database", "x", "--listen", "0.0.0.0:1", "--insecure-remote"));
	assert_false(config_is_open(&config));
	loads(LOAD("--database", "x", "--listen", "0.0.0.0:1", "--insecure-remote", "--insecure-open"));
	assert_true(config_is_open(&config));
	says(LOAD("--database", "x", "--require-tokens", "--insecure-open"),
		"settings 'insecure_open' and 'require_tokens' contradict each other");
	/* Migrating serves nobody. */
	loads(LOAD("migrate", "--database", "x", "--listen", "0.0.0.0:1"));
}

static void tls_settings_need_each_other(void **state)
{
	(void)state;
	says(LOAD("--database", "x", "--tls-key", "k"),
		"setting 'tls_certificate' is needed with 'tls_key'");
	says(LOAD("--database", "x", "--tls-certificate", "c"),
		"setting 'tls_key' is needed with 'tls_certificate'");
	says(LOAD("--database", "x", "--tls-client-ca", "c"),
		"setting 'tls_certificate' is needed with 'tls_client_ca'");
}

static char *printed(void (*print)(FILE *file))
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	assert_non_null(file);
	print(file);
	fclose(file);
	return text;
}

static void help_tells_every_setting_with_its_default(void **state)
{
	(void)state;
	char *help = printed(config_help), *markdown = printed(config_help_markdown);
	static const char *const names[] = {"listen", "embedded", "database", "lanes", "drain-ms"};
	for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
		assert_non_null(strstr(help, arena_printf(&arena, "  --%s ", names[i])));
		assert_non_null(strstr(markdown, arena_printf(&arena, "| `--%s ", names[i])));
	}
	assert_non_null(strstr(help, "[127.0.0.1:50051]"));
	assert_non_null(strstr(markdown, "| `STOCKBOOK_LANES` | `0` |"));
	assert_non_null(strstr(markdown, "auto\\|text\\|json"));
	for (char *line = strtok(help, "\n"); line; line = strtok(NULL, "\n"))
		assert_true(strlen(line) <= 100);
	free(help);
	free(markdown);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_hold_where_nothing_is_said),
		cmocka_unit_test(a_flag_wins_over_the_environment_and_that_over_the_file),
		cmocka_unit_test(lists_come_in_commas_and_in_repeated_flags),
		cmocka_unit_test(wrong_values_name_the_setting_the_value_and_what_is_allowed),
		cmocka_unit_test(wrong_flags_and_commands_are_named),
		cmocka_unit_test(wrong_files_are_told_by_line),
		cmocka_unit_test(commands_are_told_apart),
		cmocka_unit_test(only_the_embedded_demo_on_loopback_is_open_by_itself),
		cmocka_unit_test(what_is_insecure_beyond_loopback_is_asked_for_by_name),
		cmocka_unit_test(tls_settings_need_each_other),
		cmocka_unit_test(help_tells_every_setting_with_its_default),
	};
	arena_init(&arena);
	int failed = cmocka_run_group_tests_name("config", tests, NULL, NULL);
	arena_release(&arena);
	return failed;
}
