/*
 * Faults: what can go wrong between a batch and its answer, and what may be done about it.
 * SQLSTATEs are judged in fault.c and nowhere else. A fault is never a refusal: whether there is
 * enough stock is decided in C, so an error of the database is either weather, a race or a bug.
 */
#ifndef STOCKBOOK_DB_FAULT_H
#define STOCKBOOK_DB_FAULT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/check.h"

enum fault_kind {
	FAULT_NONE = 0,
	/* Nothing was sent: the connection was down, or the transaction that the batch continues is
	 * gone. The batch has surely had no effect; try again when the connection is ready. */
	FAULT_DOWN,
	/* The connection broke with the batch on its way. Outcome unknown when it held a COMMIT: look
	 * the request ids up before anything is answered or retried. */
	FAULT_LOST,
	/* No answer in the batch's time; the connection was dropped. Outcome unknown, as FAULT_LOST. */
	FAULT_DEADLINE,
	/* Deadlock, serialization failure, lock timeout, out of a resource, a server that turned
	 * read-only: rolled back, surely no effect, the same batch may be sent again. */
	FAULT_RETRY,
	/* A constraint was violated (SQLSTATE class 23): rolled back. `constraint`, `table` say which. */
	FAULT_CONSTRAINT,
	/* Anything else: a statement of ours is wrong, or a right is missing. Rolled back. */
	FAULT_BUG,
};

struct fault {
	enum fault_kind kind;
	size_t statement; /* index in the batch of the statement that failed; SIZE_MAX: none of them */
	char sqlstate[6]; /* "" when the database did not say anything */
	char constraint[64]; /* FAULT_CONSTRAINT; may carry a shard's suffix on Citus */
	char table[64];
	char message[256]; /* for the log, lower case where it is ours */
};

const char *fault_kind_name(enum fault_kind kind);
/* The kind that a SQLSTATE stands for; NULL or "" is FAULT_LOST. */
enum fault_kind fault_from_sqlstate(const char *sqlstate);
/* Whether a session that reported this state is no longer to be used (a demoted primary, a
 * prepared statement that is gone, plans that no longer fit): reconnect before going on. */
bool fault_spoils_session(const char *sqlstate);

#endif
