/*
 * The server's settings: one table (config.c) behind the flags, the environment, the file, --help
 * and the README's table. What is set nearer wins: flag, environment, file, default.
 * Read once at start by the main thread, constant afterwards.
 */
#ifndef STOCKBOOK_CONFIG_CONFIG_H
#define STOCKBOOK_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/check.h"

enum config_command {
	COMMAND_SERVE,
	COMMAND_MIGRATE,
	COMMAND_MIGRATE_CHECK,
	COMMAND_HELP,
	COMMAND_HELP_MARKDOWN,
	COMMAND_VERSION,
};

struct config_list {
	const char **items;
	size_t count;
};

/* Texts are NULL when not set. Units are the last word of a name. */
struct config {
	enum config_command command;
	const char *file;

	struct config_list listen; /* "host:port", "[v6]:port" or "unix:path" */
	const char *embedded;      /* the private cluster's folder */
	const char *database;      /* URI or conninfo */
	const char *migrations;    /* folder instead of the built-in ones */
	const char *postgres;      /* folder of PostgreSQL's programs, for `embedded` */
	int64_t parts;

	const char *tls_certificate;
	const char *tls_key;
	const char *tls_client_ca;
	bool insecure_open;
	bool insecure_remote;
	bool require_tokens;
	const char *bootstrap_token_file;
	bool reuse_port;

	int64_t lanes;
	int64_t readers;
	int64_t batch_operations_max;
	int64_t queue_operations_max;
	int64_t message_bytes_max;
	int64_t calls_in_flight_max;
	int64_t caller_calls_max;
	int64_t requests_mb;
	int64_t session_operations_max;
	int64_t drain_ms;
	int64_t batch_deadline_ms;
	int64_t lock_timeout_ms;
	int64_t policy_staleness_ms;
	int64_t cache_mb;
	int64_t lane_memory_mb;

	int64_t hold_default_s;
	int64_t hold_max_s;
	int64_t sweep_interval_ms;
	int64_t idempotency_retention_days;
	int64_t blind_return_units_max;

	const char *log_format; /* "auto", "text", "json" */
	const char *log_level;  /* "error", "warning", "info", "debug" */
};

/* Fills config from argv, environment ("NAME=value" strings, NULL-terminated) and the file that
 * they name. False: *error says which setting, which value and what is allowed. */
MUST_USE bool config_load(struct config *config, struct arena *arena, int argc, const char **argv,
	const char *const *environment, const char **error);

/* Calls need no token. Follows from the settings: asked for, or the embedded demo on loopback. */
bool config_is_open(const struct config *config);
/* Every address is loopback or a unix socket. */
bool config_is_local(const struct config *config);

void config_help(FILE *file);
void config_help_markdown(FILE *file);

#endif
