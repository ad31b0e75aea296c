/*
 * Somebody else's transaction: locks what a statement locks until it is let go.
 */
#ifndef STOCKBOOK_TESTS_INTEGRATION_HOLDER_H
#define STOCKBOOK_TESTS_INTEGRATION_HOLDER_H

#include "db/connection.h"
#include "engine_fixture.h"

struct holder {
	struct fixture *fixture;
	struct db_connection *connection;
	struct db_batch batch;
	struct arena arena;
	bool answered;
	bool closed;
};

void hold(struct fixture *fixture, struct holder *holder, const struct db_statement *statement);
/* Undone; or committed, with what its statement changed. Return when everybody was answered. */
void let_go(struct holder *holder);
void let_happen(struct holder *holder);
/* Until so many sessions wait for what somebody holds. */
void until_sessions_wait(struct fixture *fixture, int64_t count);

#endif
