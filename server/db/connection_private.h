/*
 * Private to db/: what connection.c (states, connecting) and exchange.c (one pipeline out, its
 * results in) share.
 */
#ifndef STOCKBOOK_DB_CONNECTION_PRIVATE_H
#define STOCKBOOK_DB_CONNECTION_PRIVATE_H

#include <libpq-fe.h>

#include "db/connection.h"

enum step_kind {
	STEP_PREPARE,
	STEP_EXECUTE,
	STEP_SYNC,
};

/* What the next result answers. */
struct step {
	enum step_kind kind;
	size_t item;
};

struct prepared {
	const struct db_statement *statement; /* NULL: a free slot */
	bool known;                           /* by the server, or on its way to it */
};

/* One pipeline with its sync, from the first byte to the last result. */
struct exchange {
	const struct db_batch_item *items;
	size_t count;
	struct step steps[2 * DB_STATEMENTS_MAX + 1];
	size_t step_count;
	size_t position;
	PGresult *results[DB_STATEMENTS_MAX];
	struct fault fault; /* the first one; kind FAULT_NONE while there is none */
};

struct db_connection {
	/* Constant after opening. */
	uv_loop_t *loop;
	struct arena arena;
	char *uri;
	char *name;
	char *application_name;
	struct db_batch setup; /* role and settings, sent on each new connection */
	uint32_t connect_deadline_ms;
	uint32_t batch_deadline_ms;
	uint32_t backoff_ms_max;
	void (*changed)(struct db_connection *connection, enum db_state from, enum db_state to,
		void *data);
	void *data;

	enum db_state state; /* changed by connection_set_state() alone */
	PGconn *pq;
	uv_poll_t *poll;   /* on the heap, because libpq changes sockets while it connects */
	uv_timer_t *timer; /* the state's: backoff or deadline */
	uv_timer_t *later; /* answers what failed inside db_submit() on the loop's next turn */
	uint32_t backoff_ms;
	char error[256];      /* why it is or was down */
	char last_words[256]; /* what the server said before it ended the session */

	struct exchange exchange;
	struct db_batch *batch;   /* in flight */
	struct db_batch *refused; /* submitted while it could not be sent; answered by `later` */
	uint64_t sent_ns;

	struct prepared *prepared; /* open addressing, a power of two */
	size_t prepared_capacity;
	size_t prepared_count;

	void (*closed)(void *data);
	void *closed_data;
	int handles_open;
};

/* Puts the items and a sync on the wire. False: the connection is broken. */
MUST_USE bool exchange_send(struct db_connection *connection, const struct db_batch_item *items,
	size_t count);
/* Takes in what has arrived. True: the sync came, the exchange is over. */
MUST_USE bool exchange_collect(struct db_connection *connection);
/* Frees results that nobody took. */
void exchange_clear(struct exchange *exchange);
/* The next connection knows no statement. */
void exchange_forget_prepared(struct db_connection *connection);

#endif
