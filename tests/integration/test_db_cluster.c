/* The embedded cluster: made, stopped, taken over after its server was killed, refused when it
 * cannot be had. Run as root it also shows that PostgreSQL itself is not. */
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "db/cluster.h"
#include "observe/log.h"
#include "support/database.h"

static struct arena arena;

static struct cluster *start(const char *directory)
{
	struct cluster_options options = {.directory = directory, .throwaway = true};
	const char *error = NULL;
	struct cluster *cluster = cluster_start(&options, &arena, &error);
	if (!cluster)
		fail_msg("%s", strlen(error) > 700 ? error + strlen(error) - 700 : error);
	return cluster;
}

static void start_fails(const struct cluster_options *options, const char *saying)
{
	const char *error = NULL;
	assert_null(cluster_start(options, &arena, &error));
	assert_non_null(error);
	if (!strstr(error, saying))
		fail_msg("'%s' does not say '%s'", error, saying);
}

static bool is_alive(pid_t pid)
{
	return kill(pid, 0) == 0;
}

static void what_is_written_is_there_after_a_restart(void **state)
{
	(void)state;
	const char *directory = test_directory();
	struct cluster *cluster = start(directory);
	pid_t pid = cluster_pid(cluster);
	test_sql(cluster_uri(cluster), "CREATE TABLE kept AS SELECT 42 AS n");
	assert_string_equal(test_sql(cluster_uri(cluster),
							"SELECT current_setting('data_checksums') || ' ' || "
							"pg_encoding_to_char(encoding) || ' ' || datcollate || ' ' || "
							"current_setting('listen_addresses') FROM pg_database WHERE datname = "
							"'stockbook'"),
		"on UTF8 C ");
	cluster_stop(cluster);
	assert_false(is_alive(pid));
	cluster = start(directory);
	assert_string_equal(test_sql(cluster_uri(cluster), "SELECT n FROM kept"), "42");
	cluster_stop(cluster);
}

static void postgres_never_runs_as_root(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	struct cluster *cluster = start(test_directory());
	struct stat process, data;
	assert_int_equal(stat(arena_printf(&arena, "/proc/%d", (int)cluster_pid(cluster)), &process),
		0);
	assert_int_not_equal(process.st_uid, 0);
	assert_int_equal(stat(test_sql(cluster_uri(cluster),
							  "SELECT current_setting('data_directory')"),
						 &data),
		0);
	assert_int_equal(data.st_uid, process.st_uid);
	assert_int_equal(data.st_mode & 0777, 0700);
	cluster_stop(cluster);
}

static void two_servers_do_not_share_a_folder(void **state)
{
	(void)state;
	const char *directory = test_directory();
	struct cluster *cluster = start(directory);
	struct cluster_options options = {.directory = directory, .throwaway = true};
	start_fails(&options,
		arena_printf(&arena, "in use by another server (process %d)", (int)getpid()));
	assert_string_equal(test_sql(cluster_uri(cluster), "SELECT 1"), "1");
	cluster_stop(cluster);
}

/* A server of its own that starts the cluster, commits a row, tells the postmaster and waits. */
static pid_t start_owner(const char *directory, pid_t *postmaster)
{
	int told[2];
	assert_int_equal(pipe(told), 0);
	pid_t owner = fork();
	if (owner == 0) {
		struct cluster_options options = {.directory = directory, .throwaway = true};
		const char *error;
		struct cluster *cluster = cluster_start(&options, &arena, &error);
		if (!cluster)
			_exit(1); /* a failed assertion would go on with the tests, in the child */
		test_sql(cluster_uri(cluster), "CREATE TABLE IF NOT EXISTS kept (n integer); "
									   "INSERT INTO kept VALUES (1)");
		pid_t pid = cluster_pid(cluster);
		(void)!write(told[1], &pid, sizeof(pid));
		for (;;)
			pause();
	}
	close(told[1]);
	assert_int_equal(read(told[0], postmaster, sizeof(*postmaster)), sizeof(*postmaster));
	close(told[0]);
	return owner;
}

static void kill_owner(pid_t owner)
{
	kill(owner, SIGKILL);
	assert_int_equal(waitpid(owner, NULL, 0), owner);
}

static void postgres_ends_with_a_killed_server_and_starts_with_the_next(void **state)
{
	(void)state;
	const char *directory = test_directory();
	for (int i = 1; i <= 3; i++) {
		pid_t postmaster, owner = start_owner(directory, &postmaster);
		kill_owner(owner);
		if (i == 2) {
			/* Time enough for it to end by itself: nobody starts a next one. */
			for (int waited = 0; waited < 1000 && is_alive(postmaster); waited++)
				usleep(10000);
			char status[64] = "";
			FILE *file = fopen(arena_printf(&arena, "/proc/%d/stat", (int)postmaster), "r");
			bool zombie = file && fscanf(file, "%*d %*s %63s", status) == 1 && *status == 'Z';
			if (file)
				fclose(file);
			assert_true(zombie || !is_alive(postmaster));
		}
	}
	struct cluster *cluster = start(directory);
	assert_string_equal(test_sql(cluster_uri(cluster), "SELECT count(*) FROM kept"), "3");
	cluster_stop(cluster);
}

static void a_server_killed_with_its_postgres_starts_again(void **state)
{
	(void)state;
	const char *directory = test_directory();
	pid_t postmaster, owner = start_owner(directory, &postmaster);
	kill(postmaster, SIGKILL);
	kill_owner(owner);
	struct cluster *cluster = start(directory);
	assert_string_equal(test_sql(cluster_uri(cluster), "SELECT count(*) FROM kept"), "1");
	cluster_stop(cluster);
}

/* Frozen: it cannot hear that its server died, and the next server finds it still there. */
static void a_postmaster_that_was_left_behind_is_taken_over(void **state)
{
	(void)state;
	const char *directory = test_directory();
	pid_t postmaster, owner = start_owner(directory, &postmaster);
	kill(postmaster, SIGSTOP);
	kill_owner(owner);
	pid_t thaw = fork();
	if (thaw == 0) {
		usleep(300000);
		kill(postmaster, SIGCONT);
		_exit(0);
	}
	struct cluster *cluster = start(directory);
	assert_int_not_equal(cluster_pid(cluster), postmaster);
	assert_string_equal(test_sql(cluster_uri(cluster), "SELECT count(*) FROM kept"), "1");
	cluster_stop(cluster);
	waitpid(thaw, NULL, 0);
}

static void a_pid_file_of_somebody_else_is_no_postmaster(void **state)
{
	(void)state;
	const char *directory = test_directory();
	cluster_stop(start(directory));
	FILE *file = fopen(arena_printf(&arena, "%s/data/postmaster.pid", directory), "w");
	assert_non_null(file);
	/* A process that lives, of PostgreSQL's own user, and must go on living. */
	pid_t stranger = fork();
	if (stranger == 0) {
		if (geteuid() == 0 && setuid(getpwnam("postgres")->pw_uid) != 0)
			_exit(1);
		for (;;)
			pause();
	}
	fprintf(file, "%d\n%s/data\n0\n5432\n\n\n", (int)stranger, directory);
	fclose(file);
	cluster_stop(start(directory));
	assert_int_equal(waitpid(stranger, NULL, WNOHANG), 0);
	kill(stranger, SIGKILL);
	waitpid(stranger, NULL, 0);
}

static void a_long_path_gets_a_short_socket(void **state)
{
	(void)state;
	const char *parent = test_directory();
	chmod(parent, 0755);
	const char *directory = arena_printf(&arena, "%s/%0120d", parent, 0);
	struct cluster *cluster = start(directory);
	assert_string_equal(test_sql(cluster_uri(cluster), "SELECT 1"), "1");
	const char *link = arena_printf(&arena, "%s/socket", directory);
	char target[64] = "";
	assert_true(readlink(link, target, sizeof(target) - 1) > 0);
	cluster_stop(cluster);
	assert_int_not_equal(access(target, F_OK), 0);
	/* And after a kill, what it left in /tmp is cleared by the next. */
	pid_t postmaster, owner = start_owner(directory, &postmaster);
	memset(target, 0, sizeof(target));
	assert_true(readlink(link, target, sizeof(target) - 1) > 0);
	kill(postmaster, SIGKILL);
	kill_owner(owner);
	cluster_stop(start(directory));
	assert_int_not_equal(access(target, F_OK), 0);
}

static void an_interrupted_initdb_is_done_again(void **state)
{
	(void)state;
	const char *directory = test_directory();
	assert_int_equal(mkdir(arena_printf(&arena, "%s/data.new", directory), 0700), 0);
	FILE *file = fopen(arena_printf(&arena, "%s/data.new/PG_VERSION", directory), "w");
	assert_non_null(file);
	fclose(file);
	const struct passwd *user = geteuid() == 0 ? getpwnam("postgres") : NULL;
	if (user)
		assert_int_equal(chown(arena_printf(&arena, "%s/data.new", directory), user->pw_uid,
							 user->pw_gid),
			0);
	file = fopen(arena_printf(&arena, "%s/lock", directory), "w");
	assert_non_null(file);
	fclose(file);
	cluster_stop(start(directory));
}

static void a_folder_that_cannot_be_had_is_refused(void **state)
{
	(void)state;
	const char *directory = test_directory();
	struct cluster_options options = {.directory = "/proc/nowhere"};
	start_fails(&options, "folder '/proc/nowhere': cannot be made");
	FILE *file = fopen(arena_printf(&arena, "%s/letter.txt", directory), "w");
	assert_non_null(file);
	fclose(file);
	options.directory = directory;
	start_fails(&options, "is not empty and holds no stock book");
	options = (struct cluster_options){.directory = test_directory(), .programs = "/nowhere"};
	start_fails(&options, "folder '/nowhere' holds no 'initdb' and 'postgres'");
}

static void a_folder_of_another_version_is_told(void **state)
{
	(void)state;
	const char *directory = test_directory();
	mkdir(arena_printf(&arena, "%s/data", directory), 0755);
	FILE *file = fopen(arena_printf(&arena, "%s/data/PG_VERSION", directory), "w");
	assert_non_null(file);
	fputs("9\n", file);
	fclose(file);
	/* Without Debian's folders only the newest is found, and PostgreSQL itself says it. */
	struct cluster_options options = {.directory = directory, .throwaway = true};
	start_fails(&options, access("/usr/lib/postgresql", F_OK) == 0 ? "made by PostgreSQL 9" : "9");
}

static void a_folder_that_postgres_cannot_reach_is_told(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	const char *parent = test_directory();
	struct cluster_options options = {.directory = arena_printf(&arena, "%s/inner", parent)};
	start_fails(&options, arena_printf(&arena, "choose one outside '%s'", parent));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_there_after_a_restart),
		cmocka_unit_test(postgres_never_runs_as_root),
		cmocka_unit_test(two_servers_do_not_share_a_folder),
		cmocka_unit_test(postgres_ends_with_a_killed_server_and_starts_with_the_next),
		cmocka_unit_test(a_server_killed_with_its_postgres_starts_again),
		cmocka_unit_test(a_postmaster_that_was_left_behind_is_taken_over),
		cmocka_unit_test(a_pid_file_of_somebody_else_is_no_postmaster),
		cmocka_unit_test(a_long_path_gets_a_short_socket),
		cmocka_unit_test(an_interrupted_initdb_is_done_again),
		cmocka_unit_test(a_folder_that_cannot_be_had_is_refused),
		cmocka_unit_test(a_folder_of_another_version_is_told),
		cmocka_unit_test(a_folder_that_postgres_cannot_reach_is_told),
	};
	log_open(STDERR_FILENO, LOG_FORMAT_TEXT, LOG_LEVEL_WARNING);
	arena_init(&arena);
	int failed = cmocka_run_group_tests_name("db_cluster", tests, NULL, NULL);
	arena_release(&arena);
	return failed;
}
