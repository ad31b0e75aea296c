/*
 * One pipeline out, its results in. Statements are prepared on the way, in the same pipeline, when
 * this connection has not seen them. Runs on the loop's thread; decides nothing about what follows.
 */
#include <stdint.h>
#include <string.h>

#include "db/connection_private.h"
#include "observe/log.h"

_Static_assert(sizeof(enum db_type) == sizeof(Oid), "types are handed to libpq as they are");

#define BINARY 1

static size_t slot_of(const struct prepared *table, size_t capacity,
	const struct db_statement *statement)
{
	size_t slot = (size_t)((uintptr_t)statement >> 4) * 0x9e3779b97f4a7c15ULL >> 20;
	for (slot &= capacity - 1; table[slot].statement && table[slot].statement != statement;)
		slot = (slot + 1) & (capacity - 1);
	return slot;
}

static void prepared_grow(struct db_connection *connection)
{
	size_t capacity = connection->prepared_capacity ? connection->prepared_capacity * 2 : 64;
	struct prepared *table = calloc(capacity, sizeof(*table));
	CHECK(table != NULL);
	for (size_t i = 0; i < connection->prepared_capacity; i++)
		if (connection->prepared[i].statement)
			table[slot_of(table, capacity, connection->prepared[i].statement)] =
				connection->prepared[i];
	free(connection->prepared);
	connection->prepared = table;
	connection->prepared_capacity = capacity;
}

static struct prepared *prepared_find(struct db_connection *connection,
	const struct db_statement *statement)
{
	if (connection->prepared_count * 2 >= connection->prepared_capacity)
		prepared_grow(connection);
	size_t slot = slot_of(connection->prepared, connection->prepared_capacity, statement);
	struct prepared *entry = &connection->prepared[slot];
	if (!entry->statement) {
		entry->statement = statement;
		connection->prepared_count++;
	}
	return entry;
}

void exchange_forget_prepared(struct db_connection *connection)
{
	for (size_t i = 0; i < connection->prepared_capacity; i++)
		connection->prepared[i].known = false;
}

static void expect(struct exchange *exchange, enum step_kind kind, size_t item)
{
	exchange->steps[exchange->step_count++] = (struct step){.kind = kind, .item = item};
}

static bool send_prepare(struct db_connection *connection, const struct db_statement *statement)
{
	Oid types[DB_PARAMETERS_MAX] = {0};
	CHECK(statement->parameter_count <= DB_PARAMETERS_MAX);
	CHECK(strlen(statement->name) < 64);
	for (size_t i = 0; i < statement->parameter_count; i++)
		types[i] = statement->parameter_types[i];
	return PQsendPrepare(connection->pq, statement->name, statement->sql,
		(int)statement->parameter_count, types);
}

static bool send_execute(struct db_connection *connection, const struct db_batch_item *item)
{
	const struct db_statement *statement = item->statement;
	const char *data[DB_PARAMETERS_MAX];
	int sizes[DB_PARAMETERS_MAX], formats[DB_PARAMETERS_MAX];
	for (size_t i = 0; i < statement->parameter_count; i++) {
		const struct db_value *value = &item->values[i];
		CHECK(!value->data || value->type == statement->parameter_types[i]);
		CHECK(value->size <= INT32_MAX);
		data[i] = value->data;
		sizes[i] = (int)value->size;
		formats[i] = BINARY;
	}
	return PQsendQueryPrepared(connection->pq, statement->name, (int)statement->parameter_count,
		data, sizes, formats, BINARY);
}

static bool send_item(struct db_connection *connection, const struct db_batch_item *item,
	size_t index)
{
	struct prepared *entry = prepared_find(connection, item->statement);
	if (!entry->known) {
		if (!send_prepare(connection, item->statement))
			return false;
		entry->known = true; /* taken back if the server does not say so */
		expect(&connection->exchange, STEP_PREPARE, index);
	}
	expect(&connection->exchange, STEP_EXECUTE, index);
	return send_execute(connection, item);
}

bool exchange_send(struct db_connection *connection, const struct db_batch_item *items,
	size_t count)
{
	struct exchange *exchange = &connection->exchange;
	CHECK(count <= DB_STATEMENTS_MAX);
	exchange->items = items;
	exchange->count = count;
	exchange->step_count = exchange->position = 0;
	exchange->fault.kind = FAULT_NONE;
	memset(exchange->results, 0, count * sizeof(exchange->results[0]));
	for (size_t i = 0; i < count; i++)
		if (!send_item(connection, &items[i], i))
			return false;
	expect(exchange, STEP_SYNC, SIZE_MAX);
	return PQpipelineSync(connection->pq);
}

static void copy_field(const PGresult *result, int field, char *to, size_t size)
{
	const char *text = PQresultErrorField(result, field);
	snprintf(to, size, "%s", text ? text : "");
}

static void note_fault(struct exchange *exchange, const PGresult *result, size_t item)
{
	struct fault *fault = &exchange->fault;
	if (fault->kind != FAULT_NONE)
		return; /* the first error is the cause of those behind it */
	fault->statement = item;
	copy_field(result, PG_DIAG_SQLSTATE, fault->sqlstate, sizeof(fault->sqlstate));
	copy_field(result, PG_DIAG_CONSTRAINT_NAME, fault->constraint, sizeof(fault->constraint));
	copy_field(result, PG_DIAG_TABLE_NAME, fault->table, sizeof(fault->table));
	copy_field(result, PG_DIAG_MESSAGE_PRIMARY, fault->message, sizeof(fault->message));
	if (!*fault->message)
		snprintf(fault->message, sizeof(fault->message), "%s", PQresultErrorMessage(result));
	fault->kind = fault_from_sqlstate(fault->sqlstate);
}

static void take_result(struct db_connection *connection, PGresult *result)
{
	struct exchange *exchange = &connection->exchange;
	struct step step = exchange->steps[exchange->position];
	ExecStatusType status = PQresultStatus(result);
	bool fine =
		status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY;
	if (!fine && status != PGRES_PIPELINE_ABORTED)
		note_fault(exchange, result, step.item);
	if (!fine && step.kind == STEP_PREPARE)
		prepared_find(connection, exchange->items[step.item].statement)->known = false;
	if (fine && step.kind == STEP_EXECUTE && !exchange->results[step.item])
		exchange->results[step.item] = result;
	else
		PQclear(result);
}

bool exchange_collect(struct db_connection *connection)
{
	struct exchange *exchange = &connection->exchange;
	bool ended = false; /* the last result was the NULL that ends a command's results */
	while (exchange->position < exchange->step_count && !PQisBusy(connection->pq)) {
		PGresult *result = PQgetResult(connection->pq);
		if (!result) {
			if (ended)
				return false; /* nothing more in sight */
			ended = true;
			/* An error at the sync itself (a deferred constraint) is ended by a NULL, too. */
			if (exchange->steps[exchange->position].kind != STEP_SYNC)
				exchange->position++;
			continue;
		}
		ended = false;
		if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
			PQclear(result);
			CHECK(exchange->steps[exchange->position].kind == STEP_SYNC);
			exchange->position++;
			return true;
		}
		take_result(connection, result);
	}
	return false;
}

void exchange_clear(struct exchange *exchange)
{
	for (size_t i = 0; i < exchange->count; i++)
		PQclear(exchange->results[i]);
	exchange->count = exchange->step_count = exchange->position = 0;
	exchange->items = NULL;
}
