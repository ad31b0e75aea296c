/* The embedded cluster: which programs, which user, which settings. Main thread. */
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/cluster_private.h"

#define DEBIAN_ROOT "/usr/lib/postgresql"

static bool fill_user(struct cluster *cluster, const struct passwd *entry)
{
	struct cluster_user *user = &cluster->user;
	user->uid = entry->pw_uid;
	user->gid = entry->pw_gid;
	user->name = arena_string(&cluster->memory, entry->pw_name);
	/* Looked up now: between fork and exec nothing may allocate. */
	user->group_count = CLUSTER_GROUPS_MAX;
	return getgrouplist(entry->pw_name, entry->pw_gid, user->groups, &user->group_count) >= 0;
}

bool cluster_find_user(struct cluster *cluster, const char **error)
{
	struct stat data;
	bool exists = stat(cluster->data, &data) == 0;
	cluster->user.changes = geteuid() == 0;
	if (!cluster->user.changes) {
		const struct passwd *self = getpwuid(geteuid());
		cluster->user.uid = geteuid();
		cluster->user.gid = getegid();
		cluster->user.name = arena_string(&cluster->memory, self ? self->pw_name : "this user");
		if (!exists || data.st_uid == geteuid())
			return true;
		*error = arena_printf(cluster->arena,
			"folder '%s' belongs to another user: start the server as that user, or choose another folder",
			cluster->data);
		return false;
	}
	const struct passwd *entry =
		exists && data.st_uid != 0 ? getpwuid(data.st_uid) : getpwnam("postgres");
	if (!entry)
		entry = getpwnam("nobody");
	if (entry && fill_user(cluster, entry))
		return true;
	*error = "PostgreSQL does not run as root, and there is no user 'postgres' to run it as: "
			 "start the server as an ordinary user";
	return false;
}

static bool holds_programs(const char *folder, struct arena *arena)
{
	return access(arena_printf(arena, "%s/initdb", folder), X_OK) == 0 &&
		   access(arena_printf(arena, "%s/postgres", folder), X_OK) == 0;
}

/* The major version that the data was made by; "" when there is none yet. */
static void data_version(const struct cluster *cluster, char version[static 16])
{
	FILE *file = fopen(arena_printf(cluster->arena, "%s/PG_VERSION", cluster->data), "re");
	version[0] = '\0';
	if (!file)
		return;
	if (!fgets(version, 16, file))
		version[0] = '\0';
	version[strcspn(version, "\n")] = '\0';
	fclose(file);
}

/* Debian keeps each major version in a folder of its own. */
static const char *find_in_debian(struct cluster *cluster, const char *version)
{
	DIR *folder = opendir(DEBIAN_ROOT);
	const char *found = NULL;
	long best = 0;
	for (struct dirent *entry; folder && (entry = readdir(folder));) {
		long major = strtol(entry->d_name, NULL, 10);
		const char *programs = arena_printf(&cluster->memory, DEBIAN_ROOT "/%s/bin", entry->d_name);
		if (*version ? strcmp(version, entry->d_name) != 0 : major <= best)
			continue;
		if (!holds_programs(programs, cluster->arena))
			continue;
		best = major;
		found = programs;
	}
	if (folder)
		closedir(folder);
	return found;
}

static const char *find_by_pg_config(struct cluster *cluster)
{
	char line[512] = "";
	FILE *output = popen("pg_config --bindir 2>/dev/null", "re");
	if (!output)
		return NULL;
	bool read = fgets(line, sizeof(line), output) != NULL;
	pclose(output);
	line[strcspn(line, "\n")] = '\0';
	return read && holds_programs(line, cluster->arena) ? arena_string(&cluster->memory, line)
														: NULL;
}

static const char *find_on_path(struct cluster *cluster)
{
	char *path = arena_string(cluster->arena, getenv("PATH"));
	for (char *rest = path, *folder; rest && (folder = strsep(&rest, ":"));)
		if (*folder && holds_programs(folder, cluster->arena))
			return arena_string(&cluster->memory, folder);
	return NULL;
}

static const char *find_elsewhere(struct cluster *cluster, const char *version)
{
	const char *found = find_by_pg_config(cluster);
	if (!found)
		found = find_on_path(cluster);
	/* Debian's own have been looked through: what is left of them is of another version. */
	bool other = found && *version && strncmp(found, DEBIAN_ROOT, strlen(DEBIAN_ROOT)) == 0;
	return other ? NULL : found;
}

const char *cluster_find_programs(struct cluster *cluster, const char *wanted, const char **error)
{
	if (wanted) {
		if (holds_programs(wanted, cluster->arena))
			return arena_string(&cluster->memory, wanted);
		*error =
			arena_printf(cluster->arena, "folder '%s' holds no 'initdb' and 'postgres'", wanted);
		return NULL;
	}
	char version[16];
	data_version(cluster, version);
	const char *found = find_in_debian(cluster, version);
	if (!found)
		found = find_elsewhere(cluster, version);
	if (found)
		return found;
	*error =
		*version && find_in_debian(cluster, "")
			? arena_printf(cluster->arena,
				  "folder '%s' was made by PostgreSQL %s, which is not installed: apt-get install postgresql-%s",
				  cluster->directory, version, version)
			: "PostgreSQL is not installed: apt-get install postgresql, or name a database with --database";
	return NULL;
}

struct settings {
	struct arena *arena;
	const char **arguments;
	size_t count;
};

static void set(struct settings *settings, const char *name, const char *value)
{
	CHECK(settings->count + 3 < CLUSTER_ARGUMENTS_MAX);
	settings->arguments[settings->count++] = "-c";
	settings->arguments[settings->count++] = arena_printf(settings->arena, "%s=%s", name, value);
}

static const char *shared_buffers(struct cluster *cluster)
{
	/* An eighth of the memory: the server and the kernel's cache want some, too. */
	int64_t pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
	int64_t megabytes = pages * (page_bytes / 1024) / 1024 / 8;
	if (megabytes < 64 || cluster->throwaway)
		megabytes = 64;
	if (megabytes > 1024)
		megabytes = 1024;
	return arena_printf(&cluster->memory, "%dMB", (int)megabytes);
}

/* Given on the command line each time, so that a new server's settings reach an old folder. */
const char **cluster_arguments(struct cluster *cluster)
{
	struct settings settings = {.arena = &cluster->memory,
		.arguments = arena_alloc_array(&cluster->memory, CLUSTER_ARGUMENTS_MAX, sizeof(char *))};
	/* By its path: it looks for its libraries from there. */
	settings.arguments[settings.count++] = cluster->postgres;
	settings.arguments[settings.count++] = "-D";
	settings.arguments[settings.count++] = cluster->data;
	set(&settings, "listen_addresses", "");
	set(&settings, "unix_socket_directories", cluster->socket);
	set(&settings, "unix_socket_permissions", "0700");
	set(&settings, "port", "5432");
	set(&settings, "shared_buffers", shared_buffers(cluster));
	set(&settings, "wal_compression", cluster->wal_compression);
	/* A checkpoint makes the next touch of each page dear: few of them. */
	set(&settings, "max_wal_size", "4GB");
	/* So much of the log is written again in place: a new file of it makes every commit wait. */
	set(&settings, "min_wal_size", "1GB");
	set(&settings, "checkpoint_timeout", "15min");
	set(&settings, "random_page_cost", "1.1");
	/* Compiling a statement takes longer than any of ours runs. */
	set(&settings, "jit", "off");
	set(&settings, "timezone", "UTC");
	set(&settings, "log_timezone", "UTC");
	set(&settings, "logging_collector", "off");
	set(&settings, "log_destination", "stderr");
	set(&settings, "log_line_prefix", "%m [%p] %a ");
	if (cluster->throwaway) {
		set(&settings, "fsync", "off");
		set(&settings, "full_page_writes", "off");
		set(&settings, "max_connections", "200");
	}
	return settings.arguments;
}
