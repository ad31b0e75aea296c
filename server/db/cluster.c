/* The embedded cluster as a whole: folder, lock, initdb, start, database, restart, stop. */
#include "db/cluster.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "db/cluster_private.h"
#include "observe/log.h"

#define SHORT_SOCKET "/tmp/stockbook-"
#define READY_MS_MAX 600000 /* recovery after a crash may take its time */
#define STOP_FAST_MS 60000
#define STOP_IMMEDIATE_MS 5000
#define RESTART_MS 200
#define RESTARTS_MAX 100 /* at start; under a running server there is no bound */
#define LOG_BYTES_MAX (16 << 20)

static const char *failed(struct cluster *cluster, const char *what, const char *path)
{
	return arena_printf(cluster->arena, "folder '%s': %s: %s", path, what, strerror(errno));
}

/* Neither somebody's home nor another program's folder is ours to give to another user. */
static bool is_empty_or_ours(const struct cluster *cluster, const char *path)
{
	if (access(arena_printf(cluster->arena, "%s/data", path), F_OK) == 0 ||
		access(arena_printf(cluster->arena, "%s/lock", path), F_OK) == 0)
		return true;
	DIR *folder = opendir(path);
	bool empty = folder != NULL;
	for (struct dirent *entry; empty && (entry = readdir(folder));)
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	if (folder)
		closedir(folder);
	return empty;
}

/* The folder as an absolute path, made if it is not there. */
static bool make_directory(struct cluster *cluster, const char *directory, const char **error)
{
	char path[PATH_MAX];
	if ((mkdir(directory, 0755) != 0 && errno != EEXIST) || !realpath(directory, path)) {
		*error = failed(cluster, "cannot be made", directory);
		return false;
	}
	if (!is_empty_or_ours(cluster, path)) {
		*error = arena_printf(cluster->arena,
			"folder '%s' is not empty and holds no stock book: choose another folder", path);
		return false;
	}
	cluster->directory = arena_string(&cluster->memory, path);
	cluster->data = arena_printf(&cluster->memory, "%s/data", path);
	cluster->log = arena_printf(&cluster->memory, "%s/postgres.log", path);
	return true;
}

static bool take_lock(struct cluster *cluster, const char **error)
{
	const char *path = arena_printf(cluster->arena, "%s/lock", cluster->directory);
	cluster->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (cluster->lock < 0) {
		*error = failed(cluster, "cannot be written", cluster->directory);
		return false;
	}
	if (flock(cluster->lock, LOCK_EX | LOCK_NB) != 0) {
		char owner[32] = "";
		ssize_t size = read(cluster->lock, owner, sizeof(owner) - 1);
		owner[size > 0 ? strcspn(owner, "\n") : 0] = '\0';
		*error = arena_printf(cluster->arena,
			"folder '%s' is in use by another server (process %s): stop it, or choose another folder",
			cluster->directory, *owner ? owner : "unknown");
		return false;
	}
	if (ftruncate(cluster->lock, 0) != 0 || dprintf(cluster->lock, "%d\n", (int)getpid()) < 0) {
		*error = failed(cluster, "cannot be written", cluster->directory);
		return false;
	}
	return true;
}

static bool give(const struct cluster *cluster, const char *path)
{
	return !cluster->user.changes || chown(path, cluster->user.uid, cluster->user.gid) == 0;
}

/* Root may go everywhere, the user that PostgreSQL runs as may not. */
static bool check_reach(struct cluster *cluster, const char **error)
{
	if (!give(cluster, cluster->directory)) {
		*error = failed(cluster, "cannot be given to the database's user", cluster->directory);
		return false;
	}
	char *path = arena_string(cluster->arena, cluster->directory);
	for (char *slash = path; cluster->user.changes && (slash = strchr(slash + 1, '/'));) {
		struct stat folder;
		*slash = '\0';
		bool enters = stat(path, &folder) == 0 &&
					  ((folder.st_uid == cluster->user.uid && (folder.st_mode & S_IXUSR)) ||
						  (folder.st_gid == cluster->user.gid && (folder.st_mode & S_IXGRP)) ||
						  (folder.st_mode & S_IXOTH));
		if (!enters) {
			*error = arena_printf(cluster->arena,
				"folder '%s' cannot be reached by user '%s', as whom PostgreSQL runs: "
				"choose one outside '%s'",
				cluster->directory, cluster->user.name, path);
			return false;
		}
		*slash = '/';
	}
	return true;
}

static bool socket_fits(const char *folder)
{
	struct sockaddr_un address;
	return strlen(folder) + strlen("/.s.PGSQL.5432.lock") < sizeof(address.sun_path);
}

/* What a killed server left: its PostgreSQL has ended, and a lock file with the number of a zombie
 * would keep the next from starting. */
static void remove_old_socket(struct cluster *cluster, const char *path)
{
	unlink(arena_printf(cluster->arena, "%s/.s.PGSQL.5432", path));
	unlink(arena_printf(cluster->arena, "%s/.s.PGSQL.5432.lock", path));
	char target[64];
	ssize_t size = readlink(path, target, sizeof(target) - 1);
	if (size <= 0)
		return;
	target[size] = '\0';
	unlink(path);
	if (strncmp(target, SHORT_SOCKET, strlen(SHORT_SOCKET)) == 0)
		rmdir(target);
}

/* DIR/socket, or a short folder in /tmp that DIR/socket leads to. */
static bool make_socket_directory(struct cluster *cluster, const char **error)
{
	const char *path = arena_printf(&cluster->memory, "%s/socket", cluster->directory);
	remove_old_socket(cluster, path);
	cluster->socket = path;
	if (!socket_fits(path)) {
		char *shortened = arena_string(&cluster->memory, SHORT_SOCKET "XXXXXX");
		if (!mkdtemp(shortened) || symlink(shortened, path) != 0) {
			*error = failed(cluster, "cannot be made", shortened);
			return false;
		}
		cluster->socket = shortened;
	} else if (mkdir(path, 0700) != 0 && errno != EEXIST) {
		*error = failed(cluster, "cannot be made", path);
		return false;
	}
	if (chmod(cluster->socket, 0700) == 0 && give(cluster, cluster->socket))
		return true;
	*error = failed(cluster, "cannot be given to the database's user", cluster->socket);
	return false;
}

static void remove_socket_directory(const struct cluster *cluster)
{
	if (!cluster->socket ||
		strncmp(cluster->socket, cluster->directory, strlen(cluster->directory)) == 0)
		return;
	char link[PATH_MAX];
	snprintf(link, sizeof(link), "%s/socket", cluster->directory);
	unlink(link);
	rmdir(cluster->socket);
}

static bool prepare_log(struct cluster *cluster, const char **error)
{
	struct stat log;
	if (stat(cluster->log, &log) == 0 && log.st_size > LOG_BYTES_MAX)
		rename(cluster->log, arena_printf(cluster->arena, "%s.1", cluster->log));
	int file = open(cluster->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (file >= 0 && give(cluster, cluster->log)) {
		close(file);
		return true;
	}
	*error = failed(cluster, "cannot be written", cluster->directory);
	if (file >= 0)
		close(file);
	return false;
}

/* Into a folder beside, renamed when it is whole: an interrupted initdb leaves nothing half made. */
static bool make_data(struct cluster *cluster, const char **error)
{
	if (access(arena_printf(cluster->arena, "%s/PG_VERSION", cluster->data), F_OK) == 0)
		return true;
	const char *fresh = arena_printf(cluster->arena, "%s.new", cluster->data);
	const char *remove[] = {"rm", "-rf", "--", fresh, NULL};
	const char *arguments[] = {cluster->initdb, "--pgdata", fresh, "--username", "postgres",
		"--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--data-checksums",
		"--no-instructions", cluster->throwaway ? "--no-sync" : NULL, NULL};
	log_info("making a database", log_text("folder", cluster->data),
		log_text("user", cluster->user.name));
	(void)cluster_run(cluster, "/bin/rm", remove);
	if (cluster_run(cluster, cluster->initdb, arguments) != 0) {
		*error = arena_printf(cluster->arena, "folder '%s': initdb failed:\n%s", cluster->directory,
			cluster_log_end(cluster));
		return false;
	}
	if (rename(fresh, cluster->data) == 0)
		return true;
	*error = failed(cluster, "cannot be renamed", fresh);
	return false;
}

static const char *conninfo_of(struct arena *arena, const struct cluster *cluster,
	const char *database)
{
	/* In a conninfo's quotes only the quote and the backslash are special. */
	char quoted[2 * PATH_MAX];
	size_t size = 0;
	for (const char *next = cluster->socket; *next; next++) {
		if (*next == '\'' || *next == '\\')
			quoted[size++] = '\\';
		quoted[size++] = *next;
	}
	quoted[size] = '\0';
	return arena_printf(arena, "host='%s' port=5432 user=postgres dbname=%s", quoted, database);
}

/* lz4 costs little and halves what the first touch of a page after a checkpoint writes; not every
 * build has it. */
static void choose_compression(struct cluster *cluster)
{
	const char *arguments[] = {cluster->postgres, "-D", cluster->data, "-c", "wal_compression=lz4",
		"-C", "wal_compression", NULL};
	bool has_lz4 = cluster_run(cluster, cluster->postgres, arguments) == 0;
	cluster->wal_compression = has_lz4 ? "lz4" : "on";
}

static bool spawn_postgres(struct cluster *cluster)
{
	pid_t pid = cluster_spawn(cluster, cluster->postgres, cluster_arguments(cluster));
	cluster->pid = pid > 0 ? pid : 0;
	return pid > 0;
}

/* The processes of a postmaster that was killed hold its memory until they have noticed. */
static bool was_too_early(struct cluster *cluster, const char *log)
{
	bool again = strstr(log, "is still in use") != NULL && cluster->restarts < RESTARTS_MAX;
	if (!again)
		return false;
	cluster->restarts++;
	cluster_sleep_ms(RESTART_MS);
	return spawn_postgres(cluster);
}

static bool wait_ready(struct cluster *cluster, const char **error)
{
	const char *conninfo = conninfo_of(cluster->arena, cluster, "postgres");
	for (int64_t waited_ms = 0; waited_ms < READY_MS_MAX; waited_ms += 20) {
		if (waitpid(cluster->pid, NULL, WNOHANG) != 0) {
			const char *log = cluster_log_end(cluster);
			cluster->pid = 0;
			if (was_too_early(cluster, log))
				continue;
			*error = arena_printf(cluster->arena, "folder '%s': PostgreSQL did not start:\n%s",
				cluster->directory, log);
			return false;
		}
		if (PQping(conninfo) == PQPING_OK)
			return true;
		cluster_sleep_ms(20);
	}
	*error = arena_printf(cluster->arena, "folder '%s': PostgreSQL is not ready after %d seconds",
		cluster->directory, READY_MS_MAX / 1000);
	return false;
}

static bool make_database(struct cluster *cluster, const char **error)
{
	PGconn *connection = PQconnectdb(conninfo_of(cluster->arena, cluster, "postgres"));
	PGresult *result = PQexec(connection, "SELECT 1 FROM pg_database WHERE datname = 'stockbook'");
	bool fine = PQresultStatus(result) == PGRES_TUPLES_OK;
	bool missing = fine && PQntuples(result) == 0;
	PQclear(result);
	if (missing) {
		result = PQexec(connection, "CREATE DATABASE stockbook");
		fine = PQresultStatus(result) == PGRES_COMMAND_OK;
		PQclear(result);
	}
	if (!fine)
		*error =
			arena_printf(cluster->arena, "folder '%s': database 'stockbook' cannot be made: %s",
				cluster->directory, PQerrorMessage(connection));
	PQfinish(connection);
	return fine;
}

static bool start(struct cluster *cluster, const struct cluster_options *options,
	const char **error)
{
	if (!make_directory(cluster, options->directory, error) || !take_lock(cluster, error) ||
		!cluster_find_user(cluster, error))
		return false;
	const char *programs = cluster_find_programs(cluster, options->programs, error);
	if (!programs)
		return false;
	cluster->initdb = arena_printf(&cluster->memory, "%s/initdb", programs);
	cluster->postgres = arena_printf(&cluster->memory, "%s/postgres", programs);
	if (!check_reach(cluster, error) || !prepare_log(cluster, error) ||
		!cluster_end_leftover(cluster, error) || !make_socket_directory(cluster, error) ||
		!make_data(cluster, error))
		return false;
	choose_compression(cluster);
	if (!spawn_postgres(cluster)) {
		*error = failed(cluster, "PostgreSQL cannot be started", cluster->directory);
		return false;
	}
	cluster->uri = conninfo_of(&cluster->memory, cluster, "stockbook");
	bool ready = wait_ready(cluster, error);
	cluster->restarts = 0;
	return ready && make_database(cluster, error);
}

struct cluster *cluster_start(const struct cluster_options *options, struct arena *arena,
	const char **error)
{
	struct cluster *cluster = calloc(1, sizeof(*cluster));
	CHECK(cluster != NULL);
	arena_init(&cluster->memory);
	cluster->arena = arena;
	cluster->lock = -1;
	cluster->throwaway = options->throwaway;
	if (start(cluster, options, error))
		return cluster;
	cluster_stop(cluster);
	return NULL;
}

void cluster_stop(struct cluster *cluster)
{
	cluster_unwatch(cluster);
	if (cluster->pid && !cluster_end_child(cluster->pid, SIGINT, STOP_FAST_MS)) {
		log_warning("database does not stop, stopping it at once",
			log_integer("pid", cluster->pid));
		if (!cluster_end_child(cluster->pid, SIGQUIT, STOP_IMMEDIATE_MS))
			cluster_end_child(cluster->pid, SIGKILL, STOP_IMMEDIATE_MS);
	}
	remove_socket_directory(cluster);
	if (cluster->lock >= 0)
		close(cluster->lock);
	arena_release(&cluster->memory);
	free(cluster);
}

const char *cluster_uri(const struct cluster *cluster)
{
	return cluster->uri;
}

pid_t cluster_pid(const struct cluster *cluster)
{
	return cluster->pid;
}

/* While backends of a killed postmaster hold its memory, a new one refuses to start: the timer
 * tries again until one stays. */
static void on_retry(uv_timer_t *timer)
{
	struct cluster *cluster = timer->data;
	if (cluster->pid == 0 && !spawn_postgres(cluster))
		uv_timer_start(timer, on_retry, RESTART_MS, 0);
}

static void on_child(uv_signal_t *handle, int number)
{
	(void)number;
	struct cluster *cluster = handle->data;
	int status;
	if (cluster->pid == 0 || waitpid(cluster->pid, &status, WNOHANG) != cluster->pid)
		return;
	cluster->pid = 0;
	cluster->restarts++;
	log_error("database ended, starting it again",
		log_integer("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0),
		log_integer("status", WIFEXITED(status) ? WEXITSTATUS(status) : 0),
		log_integer("restarts", cluster->restarts), log_text("log", cluster->log));
	uv_timer_start(cluster->retry, on_retry, RESTART_MS, 0);
}

void cluster_watch(struct cluster *cluster, uv_loop_t *loop)
{
	CHECK(!cluster->died);
	cluster->died = calloc(1, sizeof(*cluster->died));
	cluster->retry = calloc(1, sizeof(*cluster->retry));
	CHECK(cluster->died && cluster->retry);
	CHECK(uv_signal_init(loop, cluster->died) == 0 && uv_timer_init(loop, cluster->retry) == 0);
	cluster->died->data = cluster->retry->data = cluster;
	CHECK(uv_signal_start(cluster->died, on_child, SIGCHLD) == 0);
	/* Watching is no reason to keep the loop running. */
	uv_unref((uv_handle_t *)cluster->died);
	uv_unref((uv_handle_t *)cluster->retry);
}

static void free_handle(uv_handle_t *handle)
{
	free(handle);
}

void cluster_unwatch(struct cluster *cluster)
{
	if (!cluster->died)
		return;
	uv_close((uv_handle_t *)cluster->died, free_handle);
	uv_close((uv_handle_t *)cluster->retry, free_handle);
	cluster->died = NULL;
	cluster->retry = NULL;
}
