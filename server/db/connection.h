/*
 * One connection to PostgreSQL as a state machine on the loop, in pipeline mode. It stays: when it
 * breaks it reconnects by itself, with bounded backoff, until it is closed.
 *
 *	DOWN --timer--> CONNECTING --> SETTING_UP --> READY <------------+
 *	  ^                 |              |          |  submit          | answered
 *	  +--- lost --------+--------------+--------- BUSY --------------+--> IN_TRANSACTION --submit--> BUSY
 *	  (from any state)                             | error with a transaction open
 *	                                               +--> ROLLING_BACK --> READY
 *	any --close--> CLOSING --> (freed)
 *
 * One batch is in flight at a time: a lane's transaction, or a reader's questions. All of its
 * statements go out in one pipeline with one sync at the end, so that without BEGIN it is one
 * transaction of its own. Everything here belongs to the loop's thread.
 */
#ifndef STOCKBOOK_DB_CONNECTION_H
#define STOCKBOOK_DB_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/arena.h"
#include "db/fault.h"
#include "db/rows.h"
#include "db/value.h"

#define DB_PARAMETERS_MAX 64
#define DB_STATEMENTS_MAX 256 /* in one batch */

struct db_connection; /* opaque */

enum db_state {
	DB_STATE_DOWN, /* waits for its next attempt */
	DB_STATE_CONNECTING,
	DB_STATE_SETTING_UP,     /* role and session settings */
	DB_STATE_READY,          /* takes a batch */
	DB_STATE_BUSY,           /* a batch is on its way */
	DB_STATE_IN_TRANSACTION, /* takes a batch that continues; the last one left its transaction open */
	DB_STATE_ROLLING_BACK, /* after an error, before done() */
	DB_STATE_CLOSING,
	DB_STATES,
};

const char *db_state_name(enum db_state state);

/* A statement is prepared on a connection when it is first used there and known by its address:
 * it must live as long as the connection, and its name must be no other statement's (at most 63
 * bytes). Parameters and results are always binary. */
struct db_statement {
	const char *name;
	const char *sql;
	size_t parameter_count;
	const enum db_type *parameter_types; /* parameter_count of them */
};

extern const struct db_statement db_begin;
extern const struct db_statement db_commit;
extern const struct db_statement db_rollback;

struct db_batch_item {
	const struct db_statement *statement;
	const struct db_value *values;
	struct db_rows *rows; /* set when answered */
};

/* The caller's; borrowed by the connection from db_submit() until done() is called. */
struct db_batch {
	struct arena *arena; /* the caller's */
	struct db_batch_item *items;
	size_t count;
	size_t capacity;
	/* Set by the caller after db_batch_init(). */
	/* True: part of the transaction that the last batch left open on this connection. If that is
	 * gone, the batch is not sent (FAULT_DOWN): it would otherwise run without its locks. */
	bool continues_transaction;
	uint32_t deadline_ms; /* for the round trip; 0: the connection's */
	/* Called once, on the loop, never from within db_submit(). After a fault no transaction is
	 * open. Rows are there for every statement when fault is NULL, for none otherwise; they are
	 * freed when done() returns. done() may submit the next batch on the same connection. */
	void (*done)(struct db_batch *batch, const struct fault *fault);
	void *data; /* the caller's */
};

void db_batch_init(struct db_batch *batch, struct arena *arena);
/* Copies the values' descriptions (not their bytes) into the arena; values may be NULL when the
 * statement has no parameters. Returns the statement's index. */
size_t db_batch_add(struct db_batch *batch, const struct db_statement *statement,
	const struct db_value *values);
const struct db_rows *db_batch_rows(const struct db_batch *batch, size_t index);

struct db_setting {
	const char *name;
	const char *value;
};

/* All strings are copied. */
struct db_options {
	const char *uri;
	const char *name; /* "lane 0": in logs, and as application_name "stockbook lane 0" */
	const char *role; /* SET ROLE after connecting; NULL: stay who we are */
	/* Beyond what every session gets: search_path = stockbook, plan_cache_mode =
	 * force_generic_plan, idle_in_transaction_session_timeout, lock_timeout, timezone = UTC. */
	const struct db_setting *settings;
	size_t setting_count;
	uint32_t connect_deadline_ms;    /* 0: 5000 */
	uint32_t batch_deadline_ms;      /* 0: 10000 */
	uint32_t lock_timeout_ms;        /* 0: 2000 */
	uint32_t idle_in_transaction_ms; /* 0: 1000 */
	uint32_t backoff_ms_max;         /* 0: 250; the first retry comes after 20 ms, each doubles */
	/* Called on the loop when the connection has become READY after connecting, and when it has
	 * gone DOWN (before done() of the batch that is lost with it, which may still be in flight
	 * then). Not called between batches. Must not submit for DOWN, and must not close. */
	void (*changed)(struct db_connection *connection, enum db_state from, enum db_state to,
		void *data);
	void *data;
};

struct db_connection *db_connection_open(uv_loop_t *loop, const struct db_options *options);
/* A batch in flight is answered with FAULT_LOST first. `closed` (may be NULL) comes on the loop,
 * when the memory is about to be freed. */
void db_connection_close(struct db_connection *connection, void (*closed)(void *data), void *data);
enum db_state db_connection_state(const struct db_connection *connection);
/* READY or IN_TRANSACTION: a batch that is submitted now is sent now. */
bool db_connection_accepts(const struct db_connection *connection);
/* Why it is down, for people: the last error, or "". */
const char *db_connection_error(const struct db_connection *connection);
/* Sends the batch. Submitting while another is in flight is a bug; submitting while the connection
 * is down is answered with FAULT_DOWN. */
void db_submit(struct db_connection *connection, struct db_batch *batch);

#endif
