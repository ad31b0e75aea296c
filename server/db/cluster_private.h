/*
 * Private to db/: the pieces of the embedded cluster. cluster_find.c looks for programs and for
 * the user to run them, cluster_process.c starts and ends processes, cluster.c is the whole.
 */
#ifndef STOCKBOOK_DB_CLUSTER_PRIVATE_H
#define STOCKBOOK_DB_CLUSTER_PRIVATE_H

#include <sys/types.h>

#include "db/cluster.h"

#define CLUSTER_GROUPS_MAX 64
#define CLUSTER_ARGUMENTS_MAX 64

/* Who runs PostgreSQL. */
struct cluster_user {
	uid_t uid;
	gid_t gid;
	gid_t groups[CLUSTER_GROUPS_MAX];
	int group_count;
	const char *name;
	bool changes; /* we are root and must become this user */
};

struct cluster {
	struct arena *arena; /* the caller's, for messages at start */
	struct arena memory; /* what lives as long as the cluster */
	const char *directory;
	const char *data;
	const char *socket; /* the folder PostgreSQL is told, short enough */
	const char *log;
	const char *initdb; /* paths of the programs */
	const char *postgres;
	const char *wal_compression; /* the best that this PostgreSQL was built with */
	const char *uri;
	struct cluster_user user;
	bool throwaway;
	int lock;
	pid_t pid; /* of the postmaster; 0: not running */

	/* While the loop runs. */
	uv_signal_t *died;
	uv_timer_t *retry;
	unsigned restarts;
};

/* The user for that folder: its owner, or `postgres`, when we are root; ourselves otherwise. */
MUST_USE bool cluster_find_user(struct cluster *cluster, const char **error);
/* The folder of initdb and postgres that fit the data, or the newest. */
MUST_USE const char *cluster_find_programs(struct cluster *cluster, const char *wanted,
	const char **error);
/* The arguments of `postgres`. */
const char **cluster_arguments(struct cluster *cluster);

/* Runs a program as the cluster's user in the cluster's folder, its output to the log. */
pid_t cluster_spawn(struct cluster *cluster, const char *path, const char *const *arguments);
/* Runs it to its end; its exit status, or -1. */
int cluster_run(struct cluster *cluster, const char *path, const char *const *arguments);
/* Waits for a child that is to end by itself or by this signal; false: it did not in time. */
bool cluster_end_child(pid_t pid, int signal, int64_t timeout_ms);
/* Stops a postmaster that a killed server left behind on this data. */
MUST_USE bool cluster_end_leftover(struct cluster *cluster, const char **error);
/* The log's last lines, in the arena. */
const char *cluster_log_end(struct cluster *cluster);
void cluster_sleep_ms(int64_t ms);

#endif
