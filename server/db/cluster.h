/*
 * The embedded database: a private PostgreSQL cluster in one folder, on a unix socket, owned by
 * this server: started with it, stopped with it, stopped when it is killed.
 *
 *	DIR/lock          held by the server that owns the folder
 *	DIR/data/         PostgreSQL's data
 *	DIR/socket/       its socket; a link into /tmp when DIR is too long for a socket's path
 *	DIR/postgres.log  what PostgreSQL says
 *
 * PostgreSQL refuses to run as root: started by root, the folder's owner runs it, or `postgres`.
 * cluster_start() and cluster_stop() block and belong before and after the loop.
 */
#ifndef STOCKBOOK_DB_CLUSTER_H
#define STOCKBOOK_DB_CLUSTER_H

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

#include "base/arena.h"

struct cluster; /* opaque */

struct cluster_options {
	const char *directory;
	const char *programs; /* folder of initdb and postgres; NULL: look for them */
	bool throwaway;       /* for tests: no fsync, little memory */
};

/* NULL: *error (in the arena) says what is wrong and what to do. */
MUST_USE struct cluster *cluster_start(const struct cluster_options *options, struct arena *arena,
	const char **error);
/* Stops PostgreSQL (fast, then harder) and frees the cluster. */
void cluster_stop(struct cluster *cluster);
/* How to connect: as the cluster's superuser, to the database `stockbook`. */
const char *cluster_uri(const struct cluster *cluster);
/* The postmaster's process. */
pid_t cluster_pid(const struct cluster *cluster);

/* Starts PostgreSQL again when it dies under the running server. */
void cluster_watch(struct cluster *cluster, uv_loop_t *loop);
void cluster_unwatch(struct cluster *cluster);

#endif
