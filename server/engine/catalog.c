/* Catalog: descriptors against pg_attribute, parts against part_head. */
#include "engine/catalog.h"

#include <string.h>

#include "engine/bind.h"
#include "observe/log.h"

struct catalog {
	struct engine *engine;
	struct db_connection *connection; /* NULL when it is closed */
	struct arena arena;
	struct db_batch batch;
	uv_timer_t again;
};

static const struct db_statement columns_statement = {
	.name = "catalog columns",
	.sql = "SELECT c.relname::text, a.attname::text, a.atttypid::int8, k.collname = 'C'"
		   " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
		   " LEFT JOIN pg_collation k ON k.oid = a.attcollation"
		   " WHERE c.relnamespace = to_regnamespace('stockbook') AND c.relkind IN ('r', 'p')"
		   " AND a.attnum > 0 AND NOT a.attisdropped",
};

static const struct db_statement parts_statement = {
	.name = "catalog parts",
	.sql = "SELECT count(*), coalesce(min(part), 0)::int8, coalesce(max(part), 0)::int8"
		   " FROM stockbook.part_head",
};

static const char *const keeps_columns[][2] = {{"part_head", "part"}, {"part_head", "sequence"},
	{"policy_head", "policy"}, {"policy_head", "number"}};

struct column {
	const char *table;
	const char *name;
	enum db_type type;
	bool bytewise; /* ordered by its bytes, or not text at all */
};

static bool column_find(const struct db_rows *rows, const char *table, const char *name,
	struct column *column)
{
	for (size_t i = 0; i < db_rows_count(rows); i++) {
		if (strcmp(db_get_text(rows, i, 0, NULL), table) != 0 ||
			strcmp(db_get_text(rows, i, 1, NULL), name) != 0)
			continue;
		*column = (struct column){.table = table, .name = name};
		column->type = (enum db_type)db_get_int(rows, i, 2);
		column->bytewise = db_get_null(rows, i, 3) || db_get_bool(rows, i, 3);
		return true;
	}
	return false;
}

/* NULL: it fits. */
static const char *check_column(struct arena *arena, const struct db_rows *rows,
	const struct table *table, const struct field *field)
{
	struct column column;
	if (!column_find(rows, table->name, field->name, &column))
		return arena_printf(arena, "column '%s.%s' not found in the database", table->name,
			field->name);
	enum db_type expected = bind_column_type(field->type);
	if (column.type != expected)
		return arena_printf(arena, "column '%s.%s' has not the type '%s' in the database",
			table->name, field->name, db_type_name(expected));
	if (!column.bytewise)
		return arena_printf(arena, "column '%s.%s' has not the collation 'C' in the database",
			table->name, field->name);
	return NULL;
}

static const char *check_columns(struct arena *arena, const struct db_rows *rows)
{
	for (size_t i = 0; i < ARRAY_COUNT(keeps_columns); i++) {
		struct column column;
		if (!column_find(rows, keeps_columns[i][0], keeps_columns[i][1], &column))
			return arena_printf(arena, "column '%s.%s' not found in the database",
				keeps_columns[i][0], keeps_columns[i][1]);
	}
	for (size_t t = 0; t < TABLE_COUNT; t++)
		for (size_t f = 0; f < tables[t].field_count; f++) {
			const char *wrong = check_column(arena, rows, &tables[t], &tables[t].fields[f]);
			if (wrong)
				return wrong;
		}
	return NULL;
}

static const char *check_parts(struct arena *arena, const struct db_rows *rows, int32_t parts)
{
	if (db_get_int(rows, 0, 0) == parts + 1 && db_get_int(rows, 0, 1) == 0 &&
		db_get_int(rows, 0, 2) == parts)
		return NULL;
	return arena_printf(arena,
		"the database was made with %lld parts, the settings say %d: it cannot be changed",
		(long long)db_get_int(rows, 0, 2), parts);
}

static void ask(struct catalog *catalog);

static void on_again(uv_timer_t *timer)
{
	struct catalog *catalog = timer->data;
	if (catalog->connection && db_connection_accepts(catalog->connection))
		ask(catalog);
}

static void on_answered(struct db_batch *batch, const struct fault *fault)
{
	struct catalog *catalog = batch->data;
	struct engine *engine = catalog->engine;
	if (!catalog->connection || engine->closing)
		return;
	if (fault && fault->kind == FAULT_BUG) {
		engine_fail(engine, fault->message);
		return;
	}
	if (fault) {
		/* Asked again when there is a connection; sooner or later. */
		uv_timer_start(&catalog->again, on_again, 50, 0);
		return;
	}
	const char *wrong = check_columns(&catalog->arena, db_batch_rows(batch, 0));
	if (!wrong)
		wrong =
			check_parts(&catalog->arena, db_batch_rows(batch, 1), engine->settings.limits.parts);
	if (wrong) {
		engine_fail(engine, wrong);
		return;
	}
	engine->schema_fits = true;
	engine_update(engine);
	struct db_connection *connection = catalog->connection;
	catalog->connection = NULL;
	db_connection_close(connection, engine_closed_one, engine);
}

static void ask(struct catalog *catalog)
{
	arena_reset(&catalog->arena);
	db_batch_init(&catalog->batch, &catalog->arena);
	db_batch_add(&catalog->batch, &columns_statement, NULL);
	db_batch_add(&catalog->batch, &parts_statement, NULL);
	catalog->batch.done = on_answered;
	catalog->batch.data = catalog;
	db_submit(catalog->connection, &catalog->batch);
}

static void on_connection(struct db_connection *connection, enum db_state from, enum db_state to,
	void *data)
{
	struct catalog *catalog = data;
	(void)from;
	if (to != DB_STATE_READY || !catalog->connection)
		return;
	(void)connection;
	ask(catalog);
}

struct catalog *catalog_open(struct engine *engine)
{
	struct catalog *catalog = calloc(1, sizeof(*catalog));
	CHECK(catalog != NULL);
	catalog->engine = engine;
	arena_init(&catalog->arena);
	CHECK(uv_timer_init(engine->loop, &catalog->again) == 0);
	catalog->again.data = catalog;
	catalog->connection = db_connection_open(engine->loop, &(struct db_options){
															   .uri = engine->settings.database,
															   .name = "catalog",
															   .role = engine->settings.role,
															   .changed = on_connection,
															   .data = catalog,
														   });
	engine->open += 2;
	return catalog;
}

static void on_again_closed(uv_handle_t *handle)
{
	struct catalog *catalog = handle->data;
	engine_closed_one(catalog->engine);
}

void catalog_close(struct catalog *catalog)
{
	struct db_connection *connection = catalog->connection;
	catalog->connection = NULL;
	if (connection)
		db_connection_close(connection, engine_closed_one, catalog->engine);
	uv_close((uv_handle_t *)&catalog->again, on_again_closed);
}

void catalog_free(struct catalog *catalog)
{
	arena_release(&catalog->arena);
	free(catalog);
}

const char *catalog_error(const struct catalog *catalog)
{
	return catalog->connection ? db_connection_error(catalog->connection) : "";
}
