#include "support/database.h"

#include <libpq-fe.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena arena;
static struct cluster *cluster;
static const char *directories[64];
static size_t directory_count;
static pid_t owner;

static void clean_up(void)
{
	if (getpid() != owner)
		return; /* a child of the test that called exit() */
	if (cluster)
		cluster_stop(cluster);
	cluster = NULL;
	for (size_t i = 0; i < directory_count; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			execl("/bin/rm", "rm", "-rf", "--", directories[i], (char *)NULL);
			_exit(127);
		}
		waitpid(pid, NULL, 0);
	}
	arena_release(&arena);
}

const char *test_directory(void)
{
	if (!owner) {
		owner = getpid();
		arena_init(&arena);
		atexit(clean_up);
	}
	CHECK(directory_count < ARRAY_COUNT(directories));
	char *path = arena_string(&arena, "/tmp/stockbook-test-XXXXXX");
	CHECK(mkdtemp(path) != NULL);
	directories[directory_count++] = path;
	return path;
}

struct cluster *test_cluster(void)
{
	if (cluster)
		return cluster;
	struct cluster_options options = {.directory = test_directory(), .throwaway = true};
	const char *error = NULL;
	cluster = cluster_start(&options, &arena, &error);
	if (!cluster) {
		fprintf(stderr, "no database for this test: %s\n", error);
		exit(1);
	}
	return cluster;
}

const char *test_database(void)
{
	return cluster_uri(test_cluster());
}

const char *test_database_fresh(void)
{
	static int count;
	const char *base = test_database();
	test_sql(base, "CREATE DATABASE fresh_%d", ++count);
	/* A later keyword wins over an earlier one. */
	return arena_printf(&arena, "%s dbname=fresh_%d", base, count);
}

const char *test_sql(const char *uri, const char *format, ...)
{
	static char value[4096];
	struct arena scratch;
	arena_init(&scratch);
	va_list arguments;
	va_start(arguments, format);
	const char *sql = arena_vprintf(&scratch, format, arguments);
	va_end(arguments);
	PGconn *connection = PQconnectdb(uri);
	PGresult *result = PQexec(connection, sql);
	ExecStatusType status = PQresultStatus(result);
	if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
		fprintf(stderr, "%s\nfailed: %s\n", sql, PQerrorMessage(connection));
		abort();
	}
	bool any = PQntuples(result) > 0 && PQnfields(result) > 0;
	snprintf(value, sizeof(value), "%s", any ? PQgetvalue(result, 0, 0) : "");
	PQclear(result);
	PQfinish(connection);
	arena_release(&scratch);
	return value;
}
