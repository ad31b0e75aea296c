/* The migration runner. Blocks; main thread, before the loop. */
#include "db/migrate.h"

#include <libpq-fe.h>
#include <string.h>

#include "observe/log.h"

/* "stockbok" in ASCII: any number will do that nobody else uses. */
#define ADVISORY_LOCK "8319393845765762923"

struct run {
	const struct migrate_options *options;
	struct migrate_result *result;
	struct arena *arena;
	const char *error;
	PGconn *connection;
	struct migrations migrations;
	char user[64];
};

static bool fail(struct run *run, const char *format, ...) PRINTF_LIKE(2, 3);

static bool fail(struct run *run, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	run->error = arena_vprintf(run->arena, format, arguments);
	va_end(arguments);
	return false;
}

/* The database's message without its line end. */
static const char *message_of(struct run *run, const PGresult *result)
{
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	char *copy = arena_string(run->arena, message ? message : PQerrorMessage(run->connection));
	copy[strcspn(copy, "\n")] = '\0';
	return copy;
}

static bool is_state(const PGresult *result, const char *sqlstate)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	return state && strcmp(state, sqlstate) == 0;
}

static bool is_fine(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);
	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

static bool execute(struct run *run, const char *sql)
{
	PGresult *result = PQexec(run->connection, sql);
	bool fine =
		is_fine(result) || fail(run, "database: %s (in: %.100s)", message_of(run, result), sql);
	PQclear(result);
	return fine;
}

/* The first value as text in the arena; "" when there is no row or it is NULL; NULL on an error. */
static const char *ask(struct run *run, const char *sql)
{
	PGresult *result = PQexec(run->connection, sql);
	const char *value = NULL;
	if (!is_fine(result))
		fail(run, "database: %s (in: %.100s)", message_of(run, result), sql);
	else
		value = arena_string(run->arena, PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
	PQclear(result);
	return value;
}

static bool answers_yes(const char *answer)
{
	return answer && strcmp(answer, "t") == 0;
}

static void on_notice(void *data, const char *message)
{
	(void)data;
	log_debug("database notice", log_text("notice", message));
}

static bool connect_to(struct run *run)
{
	static const char *const names[] = {"fallback_application_name", "target_session_attrs",
		"connect_timeout", "dbname", "client_encoding", NULL};
	const char *values[] = {
		"stockbook migrate", "read-write", "10", run->options->uri, "UTF8", NULL};
	run->connection = PQconnectdbParams(names, values, 1);
	CHECK(run->connection != NULL);
	PQsetNoticeProcessor(run->connection, on_notice, NULL);
	if (PQstatus(run->connection) != CONNECTION_OK) {
		char *message = arena_string(run->arena, PQerrorMessage(run->connection));
		message[strcspn(message, "\n")] = '\0';
		return fail(run, "database cannot be reached: %s", message);
	}
	if (PQserverVersion(run->connection) < 140000)
		return fail(run, "database is PostgreSQL %d, and at least 14 is needed",
			PQserverVersion(run->connection) / 10000);
	/* What the login's own settings say must not change what the files mean. */
	if (!execute(run, "SET client_min_messages = warning; SET search_path = pg_catalog"))
		return false;
	const char *user = ask(run, "SELECT current_user");
	snprintf(run->user, sizeof(run->user), "%s", user ? user : "");
	return user != NULL;
}

/* Held by the session until it ends: two servers that start at once migrate one after the other. */
static bool take_lock(struct run *run)
{
	const char *taken = ask(run, "SELECT pg_try_advisory_lock(" ADVISORY_LOCK ")");
	if (!taken || answers_yes(taken))
		return taken != NULL;
	log_info("another server migrates this database, waiting for it");
	return ask(run, "SELECT pg_advisory_lock(" ADVISORY_LOCK ")") != NULL;
}

static bool make_role(struct run *run, const char *role)
{
	const char *there =
		ask(run, arena_printf(run->arena, "SELECT true FROM pg_roles WHERE rolname = '%s'", role));
	if (!there || answers_yes(there))
		return there != NULL;
	PGresult *result =
		PQexec(run->connection, arena_printf(run->arena, "CREATE ROLE %s NOLOGIN", role));
	/* Roles are the cluster's: a server of another database may have been faster. */
	bool fine = is_fine(result) || is_state(result, "42710") || is_state(result, "23505") ||
				fail(run,
					"user '%s' may not make the role '%s' (%s): have a superuser run "
					"CREATE ROLE " MIGRATE_OWNER_ROLE "; CREATE ROLE " MIGRATE_SERVICE_ROLE
					"; GRANT " MIGRATE_OWNER_ROLE ", " MIGRATE_SERVICE_ROLE " TO \"%s\"",
					run->user, role, message_of(run, result), run->user);
	PQclear(result);
	return fine;
}

/* Whether the login may act as the role; tries to give itself the right first. */
static bool join_role(struct run *run, const char *role)
{
	const char *question =
		arena_printf(run->arena, "SELECT pg_has_role(current_user, '%s', 'MEMBER')", role);
	const char *member = ask(run, question);
	if (!member || answers_yes(member))
		return member != NULL;
	PQclear(PQexec(run->connection, arena_printf(run->arena, "GRANT %s TO CURRENT_USER", role)));
	member = ask(run, question);
	return answers_yes(member) ||
		   fail(run, "user '%s' may not act as '%s': have a superuser run GRANT %s TO \"%s\"",
			   run->user, role, role, run->user);
}

static bool make_schema(struct run *run)
{
	const char *there = ask(run, "SELECT to_regnamespace('stockbook') IS NOT NULL");
	if (!there)
		return false;
	if (!answers_yes(there)) {
		PGresult *result =
			PQexec(run->connection, "CREATE SCHEMA stockbook AUTHORIZATION " MIGRATE_OWNER_ROLE);
		bool fine =
			is_fine(result) ||
			fail(run,
				"user '%s' may not make the schema 'stockbook' (%s): have the database's owner "
				"run GRANT CREATE ON DATABASE \"%s\" TO \"%s\"",
				run->user, message_of(run, result), PQdb(run->connection), run->user);
		PQclear(result);
		if (!fine)
			return false;
	}
	return execute(run, "SET ROLE " MIGRATE_OWNER_ROLE) &&
		   execute(run, "SET search_path = stockbook") &&
		   execute(run, "GRANT USAGE ON SCHEMA stockbook TO " MIGRATE_SERVICE_ROLE) &&
		   execute(run, "CREATE TABLE IF NOT EXISTS schema_version ("
						"version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, "
						"applied_at timestamptz NOT NULL DEFAULT now())");
}

/* A row of schema_version against the file of its number. */
static bool check_applied(struct run *run, int version, const char *name, const char *checksum)
{
	if (version > (int)run->migrations.count)
		return fail(run,
			"database is at version %d ('%s'), this server knows only up to %d: "
			"start a newer server",
			version, name, (int)run->migrations.count);
	const struct migration *known = &run->migrations.items[version - 1];
	if (strcmp(known->checksum, checksum) != 0)
		return fail(run,
			"migration %04d '%s' was changed after it was applied to this database: "
			"restore the file, and put the change into a new one",
			version, known->name);
	if (version != run->result->version + 1)
		return fail(run, "migration %04d was never applied to this database, though %04d was",
			run->result->version + 1, version);
	run->result->version = version;
	return true;
}

/* What was applied, newest last; must be a beginning of what we know. */
static bool read_version(struct run *run)
{
	const char *there = ask(run, "SELECT to_regclass('stockbook.schema_version') IS NOT NULL");
	run->result->version = 0;
	if (!there || !answers_yes(there))
		return there != NULL;
	PGresult *result = PQexec(run->connection,
		"SELECT version, name, checksum FROM stockbook.schema_version ORDER BY version DESC");
	bool fine = is_fine(result) ||
				fail(run, "table 'schema_version' cannot be read: %s", message_of(run, result));
	int count = fine ? PQntuples(result) : 0;
	/* The newest first: what is newer than this server is said before anything else. */
	if (count > 0 && atoi(PQgetvalue(result, 0, 0)) > (int)run->migrations.count)
		fine = check_applied(run, atoi(PQgetvalue(result, 0, 0)), PQgetvalue(result, 0, 1), "");
	for (int i = count - 1; fine && i >= 0; i--)
		fine = check_applied(run, atoi(PQgetvalue(result, i, 0)), PQgetvalue(result, i, 1),
			PQgetvalue(result, i, 2));
	PQclear(result);
	return fine;
}

static bool record(struct run *run, const struct migration *migration)
{
	char version[16];
	snprintf(version, sizeof(version), "%d", migration->version);
	const char *values[] = {version, migration->name, migration->checksum};
	PGresult *result = PQexecParams(run->connection,
		"INSERT INTO stockbook.schema_version (version, name, checksum) VALUES ($1, $2, $3)", 3,
		NULL, values, NULL, NULL, 0);
	bool fine = is_fine(result) ||
				fail(run, "table 'schema_version' cannot be written: %s", message_of(run, result));
	PQclear(result);
	return fine;
}

static bool run_statements(struct run *run, const struct migration *migration)
{
	int number = 0;
	const char *rest = migration->text;
	for (const char *sql; (sql = migration_next_statement(&rest, run->arena));) {
		number++;
		PGresult *result = PQexec(run->connection, sql);
		bool fine = is_fine(result) ||
					fail(run, "migration %04d '%s', statement %d: %s (in: %.100s)",
						migration->version, migration->name, number, message_of(run, result), sql);
		PQclear(result);
		if (!fine)
			return false;
	}
	return true;
}

static bool apply(struct run *run, const struct migration *migration)
{
	if (execute(run, "BEGIN") && run_statements(run, migration) && record(run, migration) &&
		execute(run, "COMMIT")) {
		log_info("migration applied", log_integer("version", migration->version),
			log_text("name", migration->name));
		run->result->version = migration->version;
		run->result->applied++;
		return true;
	}
	PQclear(PQexec(run->connection, "ROLLBACK"));
	return false;
}

/* The service reads which version it works on; the rest is the owner's. */
static bool finish_rights(struct run *run)
{
	return execute(run,
			   "REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON stockbook.schema_version FROM " MIGRATE_SERVICE_ROLE) &&
		   execute(run, "GRANT SELECT ON stockbook.schema_version TO " MIGRATE_SERVICE_ROLE);
}

static bool read_parts(struct run *run)
{
	const char *there = ask(run, "SELECT to_regclass('stockbook.setting') IS NOT NULL");
	run->result->parts = 0;
	if (!there || !answers_yes(there))
		return there != NULL;
	const char *parts = ask(run, "SELECT value FROM stockbook.setting WHERE name = 'parts'");
	if (parts && *parts)
		run->result->parts = atoi(parts);
	return parts != NULL;
}

/* Part 0 is the reference part; stock lies in parts 1 to N. */
static bool make_parts(struct run *run)
{
	int parts = run->options->parts;
	CHECK(parts > 0);
	const char *setting = arena_printf(run->arena,
		"INSERT INTO stockbook.setting (name, value) VALUES ('parts', '%d')", parts);
	const char *heads = arena_printf(run->arena,
		"INSERT INTO stockbook.part_head (part) SELECT generate_series(0, %d)", parts);
	if (execute(run, "BEGIN") && execute(run, setting) && execute(run, heads) &&
		execute(run, "COMMIT")) {
		log_info("database made", log_integer("parts", parts));
		run->result->parts = parts;
		return true;
	}
	PQclear(PQexec(run->connection, "ROLLBACK"));
	return false;
}

static bool bring_up(struct run *run)
{
	if (!make_role(run, MIGRATE_OWNER_ROLE) || !make_role(run, MIGRATE_SERVICE_ROLE) ||
		!join_role(run, MIGRATE_OWNER_ROLE) || !make_schema(run))
		return false;
	for (size_t i = (size_t)run->result->version; i < run->migrations.count; i++)
		if (!apply(run, &run->migrations.items[i]))
			return false;
	return finish_rights(run) && read_parts(run) && (run->result->parts > 0 || make_parts(run)) &&
		   execute(run, "RESET ROLE");
}

static bool is_current(const struct run *run)
{
	return run->result->version == (int)run->migrations.count && run->result->parts > 0;
}

/* An ordinary login that may only act as the service will do for a database that is current. */
static bool run_all(struct run *run)
{
	if (!take_lock(run) || !read_version(run) || !read_parts(run))
		return false;
	if (!is_current(run) && !bring_up(run))
		return false;
	if (run->options->parts > 0 && run->result->parts != run->options->parts)
		log_info("the number of parts was fixed when this database was made",
			log_integer("has", run->result->parts), log_integer("asked", run->options->parts));
	return join_role(run, MIGRATE_SERVICE_ROLE);
}

static bool check_all(struct run *run)
{
	if (!read_version(run) || !read_parts(run))
		return false;
	size_t version = (size_t)run->result->version;
	run->result->pending.items = run->migrations.items + version;
	run->result->pending.count = run->migrations.count - version;
	return true;
}

static bool with_connection(const struct migrate_options *options, struct migrate_result *result,
	struct arena *arena, const char **error, bool (*work)(struct run *run))
{
	struct run run = {.options = options, .result = result, .arena = arena};
	*result = (struct migrate_result){0};
	bool fine = migrations_load(&run.migrations, options->directory, arena, &run.error) &&
				connect_to(&run) && work(&run);
	PQfinish(run.connection); /* gives the lock back */
	*error = run.error;
	return fine;
}

bool migrate_run(const struct migrate_options *options, struct migrate_result *result,
	struct arena *arena, const char **error)
{
	return with_connection(options, result, arena, error, run_all);
}

bool migrate_check(const struct migrate_options *options, struct migrate_result *result,
	struct arena *arena, const char **error)
{
	return with_connection(options, result, arena, error, check_all);
}
