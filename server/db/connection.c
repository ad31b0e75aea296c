/*
 * A connection's states: connecting, setting up, batches, rolling back, losing, closing. The
 * drawing is in connection.h. Everything runs on the loop's thread.
 */
#include "db/connection.h"

#include <string.h>

#include "db/connection_private.h"
#include "observe/log.h"
#include "observe/metrics.h"

#define BACKOFF_MS_MIN 20
#define STATE(state) (1U << DB_STATE_##state)

static const struct {
	const char *name;
	unsigned next; /* the states that may follow */
} states[DB_STATES] = {
	[DB_STATE_DOWN] = {"down", STATE(CONNECTING) | STATE(CLOSING)},
	[DB_STATE_CONNECTING] = {"connecting", STATE(SETTING_UP) | STATE(DOWN) | STATE(CLOSING)},
	[DB_STATE_SETTING_UP] = {"setting up", STATE(READY) | STATE(DOWN) | STATE(CLOSING)},
	[DB_STATE_READY] = {"ready", STATE(BUSY) | STATE(DOWN) | STATE(CLOSING)},
	[DB_STATE_BUSY] = {"busy",
		STATE(READY) | STATE(IN_TRANSACTION) | STATE(ROLLING_BACK) | STATE(DOWN) | STATE(CLOSING)},
	[DB_STATE_IN_TRANSACTION] = {"in transaction", STATE(BUSY) | STATE(DOWN) | STATE(CLOSING)},
	[DB_STATE_ROLLING_BACK] = {"rolling back", STATE(READY) | STATE(DOWN) | STATE(CLOSING)},
	[DB_STATE_CLOSING] = {"closing", 0},
};

const struct db_statement db_begin = {.name = "begin", .sql = "BEGIN"};
const struct db_statement db_commit = {.name = "commit", .sql = "COMMIT"};
const struct db_statement db_rollback = {.name = "rollback", .sql = "ROLLBACK"};

static const enum db_type set_types[] = {DB_TEXT, DB_TEXT};
static const struct db_statement set_statement = {
	.name = "set",
	.sql = "SELECT set_config($1, $2, false)",
	.parameter_count = 2,
	.parameter_types = set_types,
};
/* What was answered is durable: whatever a database's default says, a COMMIT that has come back is
 * on disk. 'local' is, too, and other settings are stricter. */
static const struct db_statement durable_statement = {
	.name = "durable",
	.sql = "SELECT set_config('synchronous_commit', 'on', false)"
		   " WHERE current_setting('synchronous_commit') = 'off'",
};
static const struct db_batch_item rollback_item = {.statement = &db_rollback};

static struct {
	struct metric *connections[DB_STATES];
	struct metric *faults[FAULT_BUG + 1];
	struct metric *round_trip;
	struct metric *statements;
} metrics;

static void on_timer(uv_timer_t *timer);
static void on_poll(uv_poll_t *poll, int status, int events);
static void connection_lose(struct db_connection *connection, enum fault_kind kind,
	const char *message);

const char *db_state_name(enum db_state state)
{
	return states[state].name;
}

static void metrics_register(void)
{
	char labels[64];
	for (size_t i = 0; i < DB_STATES; i++) {
		snprintf(labels, sizeof(labels), "state=\"%s\"", states[i].name);
		metrics.connections[i] =
			metric_gauge("stockbook_db_connections", "Connections to PostgreSQL by state", labels);
	}
	for (size_t i = FAULT_DOWN; i <= FAULT_BUG; i++) {
		snprintf(labels, sizeof(labels), "kind=\"%s\"", fault_kind_name((enum fault_kind)i));
		metrics.faults[i] = metric_counter("stockbook_db_faults_total",
			"Batches that PostgreSQL did not carry out", labels);
	}
	metrics.round_trip = metric_timing("stockbook_db_round_trip_seconds",
		"From a batch's first byte out to its last result in", NULL);
	metrics.statements = metric_counter("stockbook_db_statements_total", "Statements sent", NULL);
}

/* How long a state may last before its timer ends it; 0: as long as it likes. */
static uint64_t state_timeout_ms(const struct db_connection *connection)
{
	switch (connection->state) {
	case DB_STATE_DOWN:
		return connection->backoff_ms;
	case DB_STATE_CONNECTING:
	case DB_STATE_SETTING_UP:
		return connection->connect_deadline_ms;
	case DB_STATE_BUSY:
		return connection->batch->deadline_ms ? connection->batch->deadline_ms
											  : connection->batch_deadline_ms;
	case DB_STATE_ROLLING_BACK:
		return connection->batch_deadline_ms;
	case DB_STATE_READY:
	case DB_STATE_IN_TRANSACTION:
	case DB_STATE_CLOSING:
	case DB_STATES:
		return 0;
	}
	return 0;
}

static void connection_set_state(struct db_connection *connection, enum db_state state)
{
	enum db_state from = connection->state;
	CHECK(states[from].next & (1U << state));
	connection->state = state;
	metric_add(metrics.connections[from], -1);
	metric_add(metrics.connections[state], 1);
	uint64_t timeout_ms = state_timeout_ms(connection);
	if (timeout_ms)
		uv_timer_start(connection->timer, on_timer, timeout_ms, 0);
	else
		uv_timer_stop(connection->timer);
	/* Between batches nobody has to be told: done() says it. */
	bool told = from == DB_STATE_SETTING_UP || state == DB_STATE_DOWN;
	if (told && connection->changed)
		connection->changed(connection, from, state, connection->data);
}

static void free_handle(uv_handle_t *handle)
{
	free(handle);
}

static void poll_close(struct db_connection *connection)
{
	if (connection->poll)
		uv_close((uv_handle_t *)connection->poll, free_handle);
	connection->poll = NULL;
}

/* Waits for events on libpq's socket of the moment. */
static void poll_start(struct db_connection *connection, int events)
{
	if (!connection->poll) {
		connection->poll = calloc(1, sizeof(*connection->poll));
		CHECK(connection->poll != NULL);
		CHECK(uv_poll_init(connection->loop, connection->poll, PQsocket(connection->pq)) == 0);
		connection->poll->data = connection;
	}
	CHECK(uv_poll_start(connection->poll, events, on_poll) == 0);
}

/* Ends the batch in flight: the one place where done() is called for a batch that was sent. Its
 * results are taken over first, because done() may submit the next. */
static void batch_answer(struct db_connection *connection, const struct fault *fault)
{
	struct db_batch *batch = connection->batch;
	struct exchange *exchange = &connection->exchange;
	PGresult *results[DB_STATEMENTS_MAX];
	size_t count = exchange->count;
	connection->batch = NULL;
	if (fault) {
		metric_add(metrics.faults[fault->kind], 1);
		struct fault copy = *fault;
		exchange_clear(exchange);
		batch->done(batch, &copy);
		return;
	}
	memcpy(results, exchange->results, count * sizeof(results[0]));
	memset(exchange->results, 0, count * sizeof(results[0]));
	exchange_clear(exchange);
	for (size_t i = 0; i < count; i++)
		batch->items[i].rows = (struct db_rows *)results[i];
	batch->done(batch, NULL);
	for (size_t i = 0; i < count; i++)
		PQclear(results[i]);
}

/* Says once what is wrong, not at every attempt to connect again. */
static void log_loss(struct db_connection *connection, enum db_state from, const char *message)
{
	char line[sizeof(connection->error)];
	snprintf(line, sizeof(line), "%s", message ? message : "");
	line[strcspn(line, "\n")] = '\0';
	bool news = strcmp(line, connection->error) != 0;
	memcpy(connection->error, line, sizeof(line));
	if (from == DB_STATE_CONNECTING || from == DB_STATE_SETTING_UP) {
		if (news)
			log_warning("database cannot be reached", log_text("connection", connection->name),
				log_text("error", connection->error));
		return;
	}
	log_warning("database connection lost", log_text("connection", connection->name),
		log_text("state", states[from].name), log_text("error", connection->error));
}

static void connection_drop(struct db_connection *connection)
{
	poll_close(connection); /* before libpq closes the socket under it */
	PQfinish(connection->pq);
	connection->pq = NULL;
	exchange_forget_prepared(connection);
}

/* A batch whose fate is not known gets this; one whose error had come already keeps it. */
static struct fault fault_of_loss(const struct db_connection *connection, enum fault_kind kind,
	const char *message)
{
	if (connection->exchange.step_count > 0 && connection->exchange.fault.kind != FAULT_NONE)
		return connection->exchange.fault;
	struct fault fault = {.kind = kind, .statement = SIZE_MAX};
	snprintf(fault.message, sizeof(fault.message), "%s", message ? message : "connection lost");
	fault.message[strcspn(fault.message, "\n")] = '\0';
	return fault;
}

static void connection_lose(struct db_connection *connection, enum fault_kind kind,
	const char *message)
{
	enum db_state from = connection->state;
	struct fault fault = fault_of_loss(connection, kind, message);
	/* Not what a batch of it had met before. */
	char reason[sizeof(fault.message)];
	snprintf(reason, sizeof(reason), "%s", message ? message : "connection lost");
	reason[strcspn(reason, "\n")] = '\0';
	log_loss(connection, from, *connection->last_words ? connection->last_words : reason);
	connection_drop(connection);
	if (!connection->refused)
		uv_timer_stop(connection->later);
	connection_set_state(connection, DB_STATE_DOWN);
	if (connection->batch)
		batch_answer(connection, &fault);
	else
		exchange_clear(&connection->exchange);
}

static void on_later(uv_timer_t *timer)
{
	struct db_connection *connection = timer->data;
	struct db_batch *batch = connection->refused;
	if (!batch) {
		/* Sending failed inside db_submit(). */
		if (connection->state == DB_STATE_BUSY)
			connection_lose(connection, FAULT_LOST, PQerrorMessage(connection->pq));
		return;
	}
	connection->refused = NULL;
	struct fault fault = {.kind = FAULT_DOWN, .statement = SIZE_MAX};
	snprintf(fault.message, sizeof(fault.message), "%s",
		*connection->error ? connection->error : "connection is not ready");
	metric_add(metrics.faults[FAULT_DOWN], 1);
	batch->done(batch, &fault);
}

static void answer_later(struct db_connection *connection)
{
	uv_timer_start(connection->later, on_later, 0, 0);
}

/* True: all is on its way, or will be when the socket takes more. */
static bool flush(struct db_connection *connection)
{
	int left = PQflush(connection->pq);
	if (left < 0)
		return false;
	poll_start(connection, left > 0 ? UV_READABLE | UV_WRITABLE : UV_READABLE);
	return true;
}

static bool send_items(struct db_connection *connection, const struct db_batch_item *items,
	size_t count)
{
	metric_add(metrics.statements, (int64_t)count);
	return exchange_send(connection, items, count) && flush(connection);
}

/* Connecting: libpq says what to wait for, and may change sockets between two waits. */
static void step_connecting(struct db_connection *connection)
{
	poll_close(connection);
	switch (PQconnectPoll(connection->pq)) {
	case PGRES_POLLING_READING:
		poll_start(connection, UV_READABLE);
		return;
	case PGRES_POLLING_WRITING:
		poll_start(connection, UV_WRITABLE);
		return;
	case PGRES_POLLING_OK:
		break;
	case PGRES_POLLING_FAILED:
	case PGRES_POLLING_ACTIVE:
		connection_lose(connection, FAULT_LOST, PQerrorMessage(connection->pq));
		return;
	}
	connection_set_state(connection, DB_STATE_SETTING_UP);
	if (PQsetnonblocking(connection->pq, 1) != 0 || !PQenterPipelineMode(connection->pq) ||
		!send_items(connection, connection->setup.items, connection->setup.count))
		connection_lose(connection, FAULT_LOST, PQerrorMessage(connection->pq));
}

/* Between batches, what ends the session comes as a notice, and then the socket closes. */
static void on_notice(void *data, const char *message)
{
	struct db_connection *connection = data;
	if (strncmp(message, "FATAL", 5) == 0 || strncmp(message, "PANIC", 5) == 0)
		snprintf(connection->last_words, sizeof(connection->last_words), "%s", message);
	log_debug("database notice", log_text("connection", connection->name),
		log_text("notice", message));
}

static void connection_start(struct db_connection *connection)
{
	/* What the URI says itself wins over everything before it. A dead peer must be noticed while
	 * we send (user timeout) and while we wait (keepalives). */
	static const char *const names[] = {"fallback_application_name", "target_session_attrs",
		"keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout", "dbname",
		"client_encoding", NULL};
	const char *values[] = {connection->application_name, "read-write", "5", "2", "3", "10000",
		connection->uri, "UTF8", NULL};
	connection_set_state(connection, DB_STATE_CONNECTING);
	exchange_clear(&connection->exchange);
	connection->exchange.fault.kind = FAULT_NONE;
	connection->pq = PQconnectStartParams(names, values, 1);
	CHECK(connection->pq != NULL);
	PQsetNoticeProcessor(connection->pq, on_notice, connection);
	connection->last_words[0] = '\0';
	if (PQstatus(connection->pq) == CONNECTION_BAD)
		connection_lose(connection, FAULT_LOST, PQerrorMessage(connection->pq));
	else
		poll_start(connection, UV_WRITABLE);
}

static void answered_setup(struct db_connection *connection)
{
	struct fault fault = connection->exchange.fault;
	if (fault.kind != FAULT_NONE) {
		connection_lose(connection, fault.kind, fault.message);
		return;
	}
	exchange_clear(&connection->exchange);
	connection->backoff_ms = BACKOFF_MS_MIN;
	if (*connection->error)
		log_info("database connection is back", log_text("connection", connection->name));
	connection->error[0] = '\0';
	connection_set_state(connection, DB_STATE_READY);
}

static void answered_batch(struct db_connection *connection)
{
	struct fault fault = connection->exchange.fault;
	PGTransactionStatusType transaction = PQtransactionStatus(connection->pq);
	metric_observe(metrics.round_trip, (int64_t)((uv_hrtime() - connection->sent_ns) / 1000));
	if (fault.kind == FAULT_NONE) {
		connection_set_state(connection,
			transaction == PQTRANS_IDLE ? DB_STATE_READY : DB_STATE_IN_TRANSACTION);
		batch_answer(connection, NULL);
	} else if (fault_spoils_session(fault.sqlstate)) {
		connection_lose(connection, fault.kind, fault.message);
	} else if (transaction == PQTRANS_IDLE) {
		connection_set_state(connection, DB_STATE_READY);
		batch_answer(connection, &fault);
	} else {
		connection_set_state(connection, DB_STATE_ROLLING_BACK);
		exchange_clear(&connection->exchange);
		bool sent = send_items(connection, &rollback_item, 1);
		connection->exchange.fault =
			fault; /* what done() will hear, also if the rollback is lost */
		if (!sent)
			connection_lose(connection, FAULT_LOST, PQerrorMessage(connection->pq));
	}
}

static void answered_rollback(struct db_connection *connection)
{
	struct fault fault = connection->exchange.fault;
	if (PQtransactionStatus(connection->pq) != PQTRANS_IDLE) {
		connection_lose(connection, FAULT_LOST, "rollback failed");
		return;
	}
	connection_set_state(connection, DB_STATE_READY);
	batch_answer(connection, &fault);
}

static void answered(struct db_connection *connection)
{
	switch (connection->state) {
	case DB_STATE_SETTING_UP:
		answered_setup(connection);
		return;
	case DB_STATE_BUSY:
		answered_batch(connection);
		return;
	case DB_STATE_ROLLING_BACK:
		answered_rollback(connection);
		return;
	case DB_STATE_DOWN:
	case DB_STATE_CONNECTING:
	case DB_STATE_READY:
	case DB_STATE_IN_TRANSACTION:
	case DB_STATE_CLOSING:
	case DB_STATES:
		break;
	}
	CHECK(!"a state that waits for an answer");
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct db_connection *connection = poll->data;
	if (connection->state == DB_STATE_CONNECTING) {
		step_connecting(connection);
		return;
	}
	bool broken = status < 0;
	if (!broken && (events & UV_READABLE))
		broken = !PQconsumeInput(connection->pq);
	if (!broken && (events & UV_WRITABLE))
		broken = !flush(connection);
	/* Also when broken: the server's last words may be among what came. Asking whether libpq is
	 * busy makes it read them when no results are due. */
	(void)PQisBusy(connection->pq);
	if (exchange_collect(connection))
		answered(connection);
	else if (broken || PQstatus(connection->pq) == CONNECTION_BAD)
		connection_lose(connection, FAULT_LOST, PQerrorMessage(connection->pq));
}

static void on_timer(uv_timer_t *timer)
{
	struct db_connection *connection = timer->data;
	switch (connection->state) {
	case DB_STATE_DOWN:
		/* Grows with each attempt; answered_setup() puts it back. */
		connection->backoff_ms *= 2;
		if (connection->backoff_ms > connection->backoff_ms_max)
			connection->backoff_ms = connection->backoff_ms_max;
		connection_start(connection);
		return;
	case DB_STATE_CONNECTING:
	case DB_STATE_SETTING_UP:
		connection_lose(connection, FAULT_LOST, "no connection in time");
		return;
	case DB_STATE_BUSY:
	case DB_STATE_ROLLING_BACK:
		/* Nothing is cancelled: a cancelled COMMIT may answer that it succeeded. */
		connection_lose(connection, FAULT_DEADLINE, "no answer in time");
		return;
	case DB_STATE_READY:
	case DB_STATE_IN_TRANSACTION:
	case DB_STATE_CLOSING:
	case DB_STATES:
		return;
	}
}

void db_batch_init(struct db_batch *batch, struct arena *arena)
{
	*batch = (struct db_batch){.arena = arena};
}

size_t db_batch_add(struct db_batch *batch, const struct db_statement *statement,
	const struct db_value *values)
{
	CHECK(batch->count < DB_STATEMENTS_MAX);
	batch->items = arena_grow(batch->arena, batch->items, batch->count, &batch->capacity,
		sizeof(batch->items[0]));
	size_t size = statement->parameter_count * sizeof(*values);
	batch->items[batch->count] = (struct db_batch_item){
		.statement = statement, .values = size ? arena_copy(batch->arena, values, size) : NULL};
	return batch->count++;
}

const struct db_rows *db_batch_rows(const struct db_batch *batch, size_t index)
{
	CHECK(index < batch->count);
	return batch->items[index].rows;
}

static void setup_add(struct db_batch *setup, const char *name, const char *value)
{
	struct db_value values[] = {db_text(setup->arena, name), db_text(setup->arena, value)};
	db_batch_add(setup, &set_statement, values);
}

static void setup_add_ms(struct db_batch *setup, const char *name, uint32_t value,
	uint32_t otherwise)
{
	setup_add(setup, name, arena_printf(setup->arena, "%u", value ? value : otherwise));
}

static void setup_build(struct db_connection *connection, const struct db_options *options)
{
	struct db_batch *setup = &connection->setup;
	db_batch_init(setup, &connection->arena);
	if (options->role)
		setup_add(setup, "role", options->role);
	db_batch_add(setup, &durable_statement, NULL);
	setup_add(setup, "search_path", "stockbook");
	setup_add(setup, "timezone", "UTC");
	setup_add(setup, "plan_cache_mode", "force_generic_plan");
	/* Ours is the deadline: a statement's timeout could cancel a COMMIT. */
	setup_add(setup, "statement_timeout", "0");
	setup_add_ms(setup, "lock_timeout", options->lock_timeout_ms, 2000);
	setup_add_ms(setup, "idle_in_transaction_session_timeout", options->idle_in_transaction_ms,
		1000);
	/* A backend that waits for a lock notices that we are gone. */
	setup_add(setup, "client_connection_check_interval", "1000");
	for (size_t i = 0; i < options->setting_count; i++)
		setup_add(setup, options->settings[i].name, options->settings[i].value);
}

static uv_timer_t *timer_new(struct db_connection *connection)
{
	uv_timer_t *timer = calloc(1, sizeof(*timer));
	CHECK(timer != NULL && uv_timer_init(connection->loop, timer) == 0);
	timer->data = connection;
	connection->handles_open++;
	return timer;
}

struct db_connection *db_connection_open(uv_loop_t *loop, const struct db_options *options)
{
	struct db_connection *connection = calloc(1, sizeof(*connection));
	CHECK(connection != NULL);
	arena_init(&connection->arena);
	connection->loop = loop;
	connection->uri = arena_string(&connection->arena, options->uri);
	connection->name = arena_string(&connection->arena, options->name);
	connection->application_name = arena_printf(&connection->arena, "stockbook %s", options->name);
	connection->connect_deadline_ms =
		options->connect_deadline_ms ? options->connect_deadline_ms : 5000;
	connection->batch_deadline_ms = options->batch_deadline_ms ? options->batch_deadline_ms : 10000;
	connection->backoff_ms_max = options->backoff_ms_max ? options->backoff_ms_max : 250;
	connection->backoff_ms = BACKOFF_MS_MIN;
	connection->changed = options->changed;
	connection->data = options->data;
	setup_build(connection, options);
	connection->timer = timer_new(connection);
	connection->later = timer_new(connection);
	metrics_register();
	metric_add(metrics.connections[DB_STATE_DOWN], 1);
	connection->state = DB_STATE_DOWN;
	uv_timer_start(connection->timer, on_timer, 0, 0);
	return connection;
}

static void on_closed(uv_handle_t *handle)
{
	struct db_connection *connection = handle->data;
	free(handle);
	if (--connection->handles_open > 0)
		return;
	if (connection->closed)
		connection->closed(connection->closed_data);
	metric_add(metrics.connections[DB_STATE_CLOSING], -1);
	free(connection->prepared);
	arena_release(&connection->arena);
	free(connection);
}

void db_connection_close(struct db_connection *connection, void (*closed)(void *data), void *data)
{
	CHECK(connection->state != DB_STATE_CLOSING);
	connection->closed = closed;
	connection->closed_data = data;
	struct fault fault = fault_of_loss(connection, FAULT_LOST, "connection closed");
	connection_drop(connection);
	connection_set_state(connection, DB_STATE_CLOSING);
	if (connection->batch)
		batch_answer(connection, &fault);
	else
		exchange_clear(&connection->exchange);
	if (connection->refused)
		on_later(connection->later);
	uv_close((uv_handle_t *)connection->timer, on_closed);
	uv_close((uv_handle_t *)connection->later, on_closed);
}

enum db_state db_connection_state(const struct db_connection *connection)
{
	return connection->state;
}

bool db_connection_accepts(const struct db_connection *connection)
{
	return connection->state == DB_STATE_READY || connection->state == DB_STATE_IN_TRANSACTION;
}

const char *db_connection_error(const struct db_connection *connection)
{
	return connection->error;
}

void db_submit(struct db_connection *connection, struct db_batch *batch)
{
	CHECK(!connection->batch && !connection->refused);
	CHECK(batch->count > 0 && batch->done);
	/* A new transaction inside an open one would commit what its predecessor left. */
	CHECK(connection->state != DB_STATE_IN_TRANSACTION || batch->continues_transaction);
	bool fits = batch->continues_transaction ? connection->state == DB_STATE_IN_TRANSACTION
											 : connection->state == DB_STATE_READY;
	if (!fits) {
		connection->refused = batch;
		answer_later(connection);
		return;
	}
	connection->batch = batch;
	connection->sent_ns = uv_hrtime();
	connection_set_state(connection, DB_STATE_BUSY);
	if (!send_items(connection, batch->items, batch->count))
		answer_later(connection);
}
