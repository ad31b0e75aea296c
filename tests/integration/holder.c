#include "holder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void on_held(struct db_batch *batch, const struct fault *fault)
{
	struct holder *holder = batch->data;
	if (fault)
		fail_msg("%s", fault->message);
	holder->answered = true;
}

static void on_holder_closed(void *data)
{
	*(bool *)data = true;
}

static void holder_run(struct holder *holder, const struct db_statement *const *statements,
	size_t count, bool continues)
{
	db_batch_init(&holder->batch, &holder->arena);
	for (size_t i = 0; i < count; i++)
		db_batch_add(&holder->batch, statements[i], NULL);
	holder->batch.continues_transaction = continues;
	holder->batch.done = on_held;
	holder->batch.data = holder;
	holder->answered = false;
	db_submit(holder->connection, &holder->batch);
	while (!holder->answered)
		uv_run(&holder->fixture->loop, UV_RUN_ONCE);
}

void hold(struct fixture *fixture, struct holder *holder, const struct db_statement *statement)
{
	*holder = (struct holder){.fixture = fixture};
	arena_init(&holder->arena);
	holder->connection = db_connection_open(&fixture->loop,
		&(struct db_options){
			.uri = fixture->database, .name = "holder", .idle_in_transaction_ms = 60000});
	while (!db_connection_accepts(holder->connection))
		uv_run(&holder->fixture->loop, UV_RUN_ONCE);
	holder_run(holder, (const struct db_statement *const[]){&db_begin, statement}, 2, false);
}

static void end(struct holder *holder, const struct db_statement *statement)
{
	holder_run(holder, &statement, 1, true);
	db_connection_close(holder->connection, on_holder_closed, &holder->closed);
	while (!holder->closed)
		uv_run(&holder->fixture->loop, UV_RUN_ONCE);
	arena_release(&holder->arena);
	fixture_run(holder->fixture);
}

void let_go(struct holder *holder)
{
	end(holder, &db_rollback);
}

void let_happen(struct holder *holder)
{
	end(holder, &db_commit);
}

static int64_t sessions_that_wait(struct fixture *fixture)
{
	return ask(fixture, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
						" AND datname = current_database()");
}

void until_sessions_wait(struct fixture *fixture, int64_t count)
{
	uint64_t until = uv_hrtime() + UINT64_C(10000000000);
	while (sessions_that_wait(fixture) < count && uv_hrtime() < until)
		uv_run(&fixture->loop, UV_RUN_NOWAIT);
	assert_true(sessions_that_wait(fixture) >= count);
}
