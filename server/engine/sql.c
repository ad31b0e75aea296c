/*
 * SQL text from descriptors. Every join is written so that a nested loop over the keys with the
 * primary key's index is the plan; lanes and readers have the others switched off, because a plan
 * made while a table was empty would stay.
 */
#include "engine/sql.h"

#include <string.h>

#include "engine/bind.h"

#define SCAN_STATEMENTS_MAX 4096
/* Conditions (SCAN_PREFIX takes two), the row to go on after, the limit. */
#define SCAN_PARAMETERS_MAX (2 * SCAN_CONDITIONS_MAX + SCAN_ORDER_MAX + 1)

struct table_statements {
	struct db_statement load[3];   /* by enum sql_lock */
	struct db_statement *children; /* by prefix_count */
	struct db_statement insert;
	struct db_statement update;
	struct db_statement delete;
};

/* A scan's statement depends on which conditions are present, whether it goes on after a row, and
 * what is summed. */
struct scan_statement {
	const struct scan_shape *shape;
	const char *sum_field; /* NULL: rows */
	uint32_t mask;         /* of the conditions; one bit more for `after` */
	struct db_statement statement;
};

struct sql {
	struct arena arena;
	struct table_statements tables[TABLE_COUNT];
	struct db_statement update_known;
	struct db_statement hold_known;
	struct db_statement none_known;
	struct db_statement advance;
	struct db_statement heads;
	struct db_statement policy_heads;
	struct db_statement policy_moves;
	struct scan_statement *scans[SCAN_STATEMENTS_MAX]; /* open addressing */
	size_t scan_count;
};

/* ---- Text under construction ---- */

struct text {
	struct arena *arena;
	char *bytes;
	size_t size;
	size_t capacity;
};

static void add(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);

static void add(struct text *text, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	const char *piece = arena_vprintf(text->arena, format, arguments);
	va_end(arguments);
	for (; *piece; piece++) {
		text->bytes = arena_grow(text->arena, text->bytes, text->size, &text->capacity, 1);
		text->bytes[text->size++] = *piece;
	}
}

static const char *finish(struct text *text)
{
	return arena_string_sized(text->arena, text->bytes, text->size);
}

/* `prefix."a", prefix."b"` of the fields from first to before last. */
static void add_columns(struct text *text, const struct table *table, const char *prefix,
	size_t first, size_t last)
{
	for (size_t i = first; i < last; i++)
		add(text, "%s%s\"%s\"", i > first ? ", " : "", prefix, table->fields[i].name);
}

/* `(SELECT unnest($1) AS "a", unnest($2) AS "b") AS k` of the first count fields. Arrays in a select
 * list are taken apart in step; in FROM each would be copied into a store of its own first. */
static void add_unnest(struct text *text, const struct table *table, size_t count)
{
	add(text, "(SELECT ");
	for (size_t i = 0; i < count; i++)
		add(text, "%sunnest($%zu) AS \"%s\"", i > 0 ? ", " : "", i + 1, table->fields[i].name);
	add(text, ") AS k");
}

static void add_key_match(struct text *text, const struct table *table, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add(text, "%st.\"%s\" = k.\"%s\"", i > 0 ? " AND " : "", table->fields[i].name,
			table->fields[i].name);
}

static void statement_finish(struct db_statement *statement, struct text *text, const char *verb,
	const struct table *table, size_t parameter_count)
{
	statement->name = arena_printf(text->arena, "%s %s", verb, table->name);
	statement->sql = finish(text);
	statement->parameter_count = parameter_count;
}

static enum db_type *array_types(struct arena *arena, const struct table *table, size_t count,
	size_t extra)
{
	enum db_type *types = arena_alloc_array(arena, count + extra, sizeof(*types));
	for (size_t i = 0; i < count; i++)
		types[i] = db_array_of(bind_element_type(table->fields[i].type));
	return types;
}

/* ---- Statements of a table ---- */

static void make_select(struct sql *sql, struct db_statement *statement, const struct table *table,
	size_t key_count, const char *verb, enum sql_lock lock)
{
	struct text text = {.arena = &sql->arena};
	add(&text, "SELECT ");
	add_columns(&text, table, "t.", 0, table->field_count);
	add(&text, " FROM ");
	add_unnest(&text, table, key_count);
	add(&text, " JOIN \"%s\" t ON ", table->name);
	add_key_match(&text, table, key_count);
	/* The sort stands below the locking: rows are locked in the order of their keys. */
	add(&text, " ORDER BY ");
	add_columns(&text, table, "t.", 0, table->key_count);
	if (lock != SQL_LOCK_NONE)
		add(&text, " FOR NO KEY UPDATE OF t%s", lock == SQL_LOCK_TRY ? " NOWAIT" : "");
	statement->parameter_types = array_types(&sql->arena, table, key_count, 0);
	statement_finish(statement, &text, verb, table, key_count);
}

static bool has_sequence(const struct table *table)
{
	for (size_t i = 0; i < table->field_count; i++)
		if (table->fields[i].type == FIELD_SEQUENCE)
			return true;
	return false;
}

static void make_insert(struct sql *sql, const struct table *table)
{
	struct db_statement *statement = &sql->tables[table - tables].insert;
	struct text text = {.arena = &sql->arena};
	add(&text, "INSERT INTO \"%s\" (", table->name);
	add_columns(&text, table, "", 0, table->field_count);
	add(&text, ") SELECT ");
	for (size_t i = 0; i < table->field_count; i++) {
		const struct field *field = &table->fields[i];
		add(&text, "%s%sk.\"%s\"%s", i > 0 ? ", " : "",
			field->type == FIELD_SEQUENCE ? "h.sequence + " : "", field->name,
			bind_cast(field->type));
	}
	add(&text, " FROM ");
	add_unnest(&text, table, table->field_count);
	if (has_sequence(table))
		add(&text, " JOIN part_head h ON h.part = k.part");
	statement->parameter_types = array_types(&sql->arena, table, table->field_count, 0);
	statement_finish(statement, &text, "insert", table, table->field_count);
}

/* A row that is not there was locked a moment ago: a bug. Dividing by zero ends the transaction
 * before its COMMIT, which is on the way in the same pipeline. */
static void add_count_guard(struct text *text, size_t parameter)
{
	add(text, " RETURNING 1) SELECT 1 / (count(*) = $%zu)::int FROM done", parameter);
}

static void add_assignments(struct text *text, const struct table *table)
{
	for (size_t i = table->key_count; i < table->field_count; i++)
		add(text, "%s\"%s\" = k.\"%s\"%s", i > table->key_count ? ", " : "", table->fields[i].name,
			table->fields[i].name, bind_cast(table->fields[i].type));
}

static void make_update(struct sql *sql, const struct table *table)
{
	struct db_statement *statement = &sql->tables[table - tables].update;
	size_t count = table->field_count;
	struct text text = {.arena = &sql->arena};
	add(&text, "WITH done AS (UPDATE \"%s\" t SET ", table->name);
	add_assignments(&text, table);
	add(&text, " FROM ");
	add_unnest(&text, table, count);
	add(&text, " WHERE ");
	add_key_match(&text, table, table->key_count);
	add_count_guard(&text, count + 1);
	enum db_type *types = array_types(&sql->arena, table, count, 1);
	types[count] = DB_INT8;
	statement->parameter_types = types;
	statement_finish(statement, &text, "update", table, count + 1);
}

/* ---- What a lane that decided from memory looks at ---- */

/* The first count fields and the version that each row is known with. */
static void add_unnest_known(struct text *text, const struct table *table, size_t count)
{
	add(text, "(SELECT ");
	for (size_t i = 0; i < count; i++)
		add(text, "unnest($%zu) AS \"%s\", ", i + 1, table->fields[i].name);
	add(text, "unnest($%zu) AS known_version) AS k", count + 1);
}

/* Of the first count fields, the versions, and the number of rows. */
static void known_finish(struct sql *sql, struct db_statement *statement, struct text *text,
	const char *verb, size_t count)
{
	enum db_type *types = array_types(&sql->arena, TABLE(stock), count, 2);
	types[count] = DB_INT8_ARRAY;
	types[count + 1] = DB_INT8;
	statement->parameter_types = types;
	statement_finish(statement, text, verb, TABLE(stock), count + 2);
}

/* A row that waited for its lock is looked at again as it is then, so the version is that of what is
 * overwritten. The nested loop takes the rows, and so the locks, in the order of the arrays. */
static void make_update_known(struct sql *sql)
{
	const struct table *table = TABLE(stock);
	size_t count = table->field_count;
	struct text text = {.arena = &sql->arena};
	add(&text, "WITH done AS (UPDATE \"%s\" t SET ", table->name);
	add_assignments(&text, table);
	add(&text, " FROM ");
	add_unnest_known(&text, table, count);
	add(&text, " WHERE ");
	add_key_match(&text, table, table->key_count);
	add(&text, " AND t.version = k.known_version");
	add_count_guard(&text, count + 2);
	known_finish(sql, &sql->update_known, &text, "update known", count);
}

static void make_hold_known(struct sql *sql)
{
	const struct table *table = TABLE(stock);
	size_t count = table->key_count;
	struct text text = {.arena = &sql->arena};
	add(&text, "WITH done AS MATERIALIZED (SELECT 1 FROM ");
	add_unnest_known(&text, table, count);
	add(&text, " JOIN \"%s\" t ON ", table->name);
	add_key_match(&text, table, count);
	add(&text, " AND t.version = k.known_version ORDER BY ");
	add_columns(&text, table, "t.", 0, count);
	add(&text, " FOR NO KEY UPDATE OF t) SELECT 1 / (count(*) = $%zu)::int FROM done", count + 2);
	known_finish(sql, &sql->hold_known, &text, "hold known", count);
}

static void make_none_known(struct sql *sql)
{
	const struct table *table = TABLE(request);
	struct text text = {.arena = &sql->arena};
	add(&text, "SELECT 1 / (count(*) = 0)::int FROM ");
	add_unnest(&text, table, table->key_count);
	add(&text, " JOIN \"%s\" t ON ", table->name);
	add_key_match(&text, table, table->key_count);
	sql->none_known.parameter_types = array_types(&sql->arena, table, table->key_count, 0);
	statement_finish(&sql->none_known, &text, "none known", table, table->key_count);
}

static void make_delete(struct sql *sql, const struct table *table)
{
	struct db_statement *statement = &sql->tables[table - tables].delete;
	size_t count = table->key_count;
	struct text text = {.arena = &sql->arena};
	add(&text, "WITH done AS (DELETE FROM \"%s\" t USING ", table->name);
	add_unnest(&text, table, count);
	add(&text, " WHERE ");
	add_key_match(&text, table, count);
	add_count_guard(&text, count + 1);
	enum db_type *types = array_types(&sql->arena, table, count, 1);
	types[count] = DB_INT8;
	statement->parameter_types = types;
	statement_finish(statement, &text, "delete", table, count + 1);
}

static void make_table(struct sql *sql, const struct table *table)
{
	struct table_statements *statements = &sql->tables[table - tables];
	static const char *const verbs[] = {"load", "lock", "try"};
	for (enum sql_lock lock = SQL_LOCK_NONE; lock <= SQL_LOCK_TRY; lock++)
		make_select(sql, &statements->load[lock], table, table->key_count, verbs[lock], lock);
	statements->children =
		arena_alloc_array(&sql->arena, table->key_count, sizeof(*statements->children));
	for (size_t i = 1; i < table->key_count; i++)
		make_select(sql, &statements->children[i], table, i,
			arena_printf(&sql->arena, "children %zu", i), SQL_LOCK_NONE);
	make_insert(sql, table);
	/* The ledger is only ever added to. */
	if (table->kind != TABLE_LEDGER) {
		make_update(sql, table);
		make_delete(sql, table);
	}
}

static void make_heads(struct sql *sql)
{
	static const enum db_type advance_types[] = {DB_INT4_ARRAY, DB_INT8_ARRAY};
	sql->advance = (struct db_statement){
		.name = "advance part_head",
		/* Locked in the order of the parts first: an UPDATE of its own would take them as its join
		 * happens to. */
		.sql = "WITH held AS MATERIALIZED (SELECT h.part, k.events"
			   " FROM unnest($1, $2) AS k(part, events) JOIN part_head h ON h.part = k.part"
			   " ORDER BY h.part FOR NO KEY UPDATE OF h)"
			   " UPDATE part_head h SET sequence = h.sequence + held.events FROM held"
			   " WHERE h.part = held.part RETURNING h.part, h.sequence",
		.parameter_count = ARRAY_COUNT(advance_types),
		.parameter_types = advance_types,
	};
	static const enum db_type heads_types[] = {DB_INT4_ARRAY};
	sql->heads = (struct db_statement){
		.name = "heads",
		.sql = "SELECT part, sequence FROM part_head WHERE part = ANY ($1)",
		.parameter_count = ARRAY_COUNT(heads_types),
		.parameter_types = heads_types,
	};
	sql->policy_heads = (struct db_statement){
		.name = "policy heads",
		.sql = "SELECT policy, number FROM policy_head",
	};
	static const enum db_type moves_types[] = {DB_TEXT_ARRAY, DB_INT8};
	sql->policy_moves = (struct db_statement){
		.name = "move policy_head",
		.sql = "WITH held AS MATERIALIZED (SELECT h.policy FROM policy_head h"
			   " WHERE h.policy = ANY ($1) ORDER BY h.policy FOR NO KEY UPDATE OF h),"
			   " done AS (UPDATE policy_head h SET number = h.number + 1 FROM held"
			   " WHERE h.policy = held.policy RETURNING 1)"
			   " SELECT 1 / (count(*) = $2)::int FROM done",
		.parameter_count = ARRAY_COUNT(moves_types),
		.parameter_types = moves_types,
	};
}

struct sql *sql_new(void)
{
	struct sql *sql = calloc(1, sizeof(*sql));
	CHECK(sql != NULL);
	arena_init(&sql->arena);
	for (size_t i = 0; i < TABLE_COUNT; i++)
		make_table(sql, &tables[i]);
	make_update_known(sql);
	make_hold_known(sql);
	make_none_known(sql);
	make_heads(sql);
	return sql;
}

void sql_free(struct sql *sql)
{
	arena_release(&sql->arena);
	free(sql);
}

/* ---- Statements of a scan ---- */

/* A parameter: where its value comes from, so that text and values are made by one walk. */
struct scan_walk {
	struct text *text; /* NULL: only the values are wanted */
	struct arena *arena;
	enum db_type types[SCAN_PARAMETERS_MAX];
	struct db_value values[SCAN_PARAMETERS_MAX];
	size_t count;
};

static size_t walk_parameter(struct scan_walk *walk, enum db_type type, struct db_value value)
{
	CHECK(walk->count < SCAN_PARAMETERS_MAX);
	walk->types[walk->count] = type;
	walk->values[walk->count] = value;
	return ++walk->count;
}

static void walk_text(struct scan_walk *walk, const char *format, ...) PRINTF_LIKE(2, 3);

static void walk_text(struct scan_walk *walk, const char *format, ...)
{
	if (!walk->text)
		return;
	va_list arguments;
	va_start(arguments, format);
	add(walk->text, "%s", arena_vprintf(walk->text->arena, format, arguments));
	va_end(arguments);
}

/* UTF-8 of one character; NUL-terminated. */
static void encode(uint32_t code, char to[static 5])
{
	size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	static const uint8_t heads[] = {0, 0, 0xc0, 0xe0, 0xf0};
	for (size_t i = length; i-- > 1; code >>= 6)
		to[i] = (char)(0x80 | (code & 0x3f));
	to[0] = (char)(heads[length] | code);
	to[length] = '\0';
}

/* The least text greater than every text with this prefix: its last character that has a
 * successor, raised by one. Characters and bytes of UTF-8 have one order. */
static const char *prefix_end(struct arena *arena, const char *prefix)
{
	for (size_t size = strlen(prefix), start; size > 0; size = start) {
		start = size - 1;
		while (start > 0 && ((unsigned char)prefix[start] & 0xc0) == 0x80)
			start--;
		size_t length = size - start;
		uint32_t code = (unsigned char)prefix[start];
		if (length > 1)
			code &= 0xffU >> (length + 1);
		for (size_t i = start + 1; i < size; i++)
			code = code << 6 | ((unsigned char)prefix[i] & 0x3fU);
		if (code == 0x10ffff)
			continue;
		char next[5];
		encode(code == 0xd7ff ? 0xe000 : code + 1, next);
		return arena_printf(arena, "%.*s%s", (int)start, prefix, next);
	}
	/* Nothing but the greatest character: no code of ours is longer than this. */
	return arena_printf(arena, "%s\xf4\x8f\xbf\xbf\xf4\x8f\xbf\xbf", prefix);
}

static struct db_value any_value(struct arena *arena, const struct field *field,
	const struct scan_value *value)
{
	struct db_array array;
	if (field->type == FIELD_TEXT) {
		db_array_init(&array, arena, DB_TEXT);
		for (size_t i = 0; i < value->texts.count; i++)
			db_array_add_text(&array, value->texts.items[i]);
		return db_array_value(&array);
	}
	CHECK(field->type == FIELD_INT4);
	db_array_init(&array, arena, DB_INT4);
	for (size_t i = 0; i < value->counts.count; i++)
		db_array_add_int4(&array, (int32_t)value->counts.items[i]);
	return db_array_value(&array);
}

static void walk_prefix(struct scan_walk *walk, const char *name, const char *prefix)
{
	size_t from = walk_parameter(walk, DB_TEXT, db_text(walk->arena, prefix));
	size_t to =
		walk_parameter(walk, DB_TEXT, db_text(walk->arena, prefix_end(walk->arena, prefix)));
	walk_text(walk, "t.\"%s\" >= $%zu AND t.\"%s\" < $%zu", name, from, name, to);
}

static void walk_condition(struct scan_walk *walk, const struct table *table,
	const struct scan_condition *condition, const struct scan_value *value)
{
	const struct field *field = table_field(table, condition->field);
	enum db_type type = bind_column_type(field->type);
	const char *comparison = "=";
	switch (condition->operator) {
	case SCAN_IS:
		/* A literal, so that partial indexes are known to hold. */
		walk_text(walk, field->type == FIELD_BOOL ? "t.\"%s\" = (%d <> 0)" : "t.\"%s\" = %d",
			field->name, condition->constant);
		return;
	case SCAN_NOT_EMPTY:
		walk_text(walk, "t.\"%s\" <> ''", field->name);
		return;
	case SCAN_PREFIX:
		walk_prefix(walk, field->name, value->text);
		return;
	case SCAN_ANY:
		walk_text(walk, "t.\"%s\" = ANY ($%zu)", field->name,
			walk_parameter(walk, db_array_of(type), any_value(walk->arena, field, value)));
		return;
	case SCAN_LESS:
		comparison = "<";
		break;
	case SCAN_GREATER_OR_EQUAL:
		comparison = ">=";
		break;
	case SCAN_EQUAL:
		break;
	}
	size_t parameter = walk_parameter(walk, type, bind_scan_value(walk->arena, field->type, value));
	walk_text(walk, "t.\"%s\" %s $%zu", field->name, comparison, parameter);
}

static bool always_holds(enum scan_operator operator)
{
	return operator== SCAN_IS || operator== SCAN_NOT_EMPTY;
}

static size_t order_count(const struct scan_shape *shape)
{
	size_t count = 0;
	while (count < SCAN_ORDER_MAX && shape->order[count])
		count++;
	return count;
}

static void walk_after(struct scan_walk *walk, const struct scan *scan)
{
	const struct scan_shape *shape = scan->shape;
	size_t count = order_count(shape);
	walk_text(walk, "(");
	for (size_t i = 0; i < count; i++)
		walk_text(walk, "%st.\"%s\"", i > 0 ? ", " : "", shape->order[i]);
	walk_text(walk, ") %s (", shape->descending ? "<" : ">");
	for (size_t i = 0; i < count; i++) {
		enum field_type type = table_field(shape->table, shape->order[i])->type;
		walk_text(walk, "%s$%zu", i > 0 ? ", " : "",
			walk_parameter(walk, bind_column_type(type),
				bind_scan_value(walk->arena, type, &scan->after[i])));
	}
	walk_text(walk, ")");
}

/* The conditions, the order and the limit; of a sum the conditions alone. */
static void walk_scan(struct scan_walk *walk, const struct scan *scan, bool sums)
{
	const struct scan_shape *shape = scan->shape;
	const char *joint = " WHERE ";
	for (size_t i = 0; i < SCAN_CONDITIONS_MAX && shape->conditions[i].field; i++) {
		const struct scan_condition *condition = &shape->conditions[i];
		if (!scan->values[i].present && !always_holds(condition->operator))
			continue;
		walk_text(walk, "%s", joint);
		walk_condition(walk, shape->table, condition, &scan->values[i]);
		joint = " AND ";
	}
	if (sums)
		return;
	if (scan->has_after) {
		walk_text(walk, "%s", joint);
		walk_after(walk, scan);
	}
	for (size_t i = 0; i < order_count(shape); i++)
		walk_text(walk, "%st.\"%s\"%s", i > 0 ? ", " : " ORDER BY ", shape->order[i],
			shape->descending ? " DESC" : "");
	walk_text(walk, " LIMIT $%zu",
		walk_parameter(walk, DB_INT4, db_int4(walk->arena, scan->limit)));
}

static uint32_t scan_mask(const struct scan *scan, bool sums)
{
	uint32_t mask = scan->has_after && !sums ? 1U << SCAN_CONDITIONS_MAX : 0;
	for (size_t i = 0; i < SCAN_CONDITIONS_MAX && scan->shape->conditions[i].field; i++)
		if (scan->values[i].present)
			mask |= 1U << i;
	return mask;
}

static void make_scan(struct sql *sql, struct scan_statement *entry, const struct scan *scan)
{
	const struct table *table = scan->shape->table;
	struct text text = {.arena = &sql->arena};
	struct scan_walk walk = {.text = &text, .arena = &sql->arena};
	add(&text, "SELECT ");
	if (entry->sum_field)
		add(&text, "coalesce(sum(t.\"%s\"), 0)::int8", entry->sum_field);
	else
		add_columns(&text, table, "t.", 0, table->field_count);
	add(&text, " FROM \"%s\" t", table->name);
	walk_scan(&walk, scan, entry->sum_field != NULL);
	/* Numbered, because shapes may share a name. */
	entry->statement.name =
		arena_printf(&sql->arena, "scan %zu %.40s", sql->scan_count, scan->shape->name);
	entry->statement.sql = finish(&text);
	entry->statement.parameter_count = walk.count;
	entry->statement.parameter_types =
		arena_copy(&sql->arena, walk.types, walk.count * sizeof(walk.types[0]));
}

static const struct db_statement *scan_statement(struct sql *sql, const struct scan *scan,
	const char *sum_field)
{
	uint32_t mask = scan_mask(scan, sum_field != NULL);
	size_t slot = (size_t)(((uintptr_t)scan->shape >> 4) * 31 + mask) % SCAN_STATEMENTS_MAX;
	for (; sql->scans[slot]; slot = (slot + 1) % SCAN_STATEMENTS_MAX) {
		struct scan_statement *entry = sql->scans[slot];
		bool same_sum = sum_field ? entry->sum_field && strcmp(entry->sum_field, sum_field) == 0
								  : entry->sum_field == NULL;
		if (entry->shape == scan->shape && entry->mask == mask && same_sum)
			return &entry->statement;
	}
	/* Shapes are declared in the program: their number is bounded. */
	CHECK(sql->scan_count < SCAN_STATEMENTS_MAX / 2);
	struct scan_statement *entry = arena_alloc(&sql->arena, sizeof(*entry));
	entry->shape = scan->shape;
	entry->sum_field = arena_string(&sql->arena, sum_field);
	entry->mask = mask;
	make_scan(sql, entry, scan);
	sql->scans[slot] = entry;
	sql->scan_count++;
	return &entry->statement;
}

/* ---- Into a batch ---- */

static size_t add_arrays(struct db_batch *batch, const struct db_statement *statement,
	const struct table *table, size_t field_count, const void *const *rows, size_t count)
{
	struct db_value values[DB_PARAMETERS_MAX];
	CHECK(count > 0 && field_count < DB_PARAMETERS_MAX);
	for (size_t i = 0; i < field_count; i++)
		values[i] = bind_array(batch->arena, &table->fields[i], rows, count);
	if (statement->parameter_count > field_count)
		values[field_count] = db_int8(batch->arena, (int64_t)count);
	return db_batch_add(batch, statement, values);
}

size_t sql_add_load(struct sql *sql, struct db_batch *batch, const struct table *table,
	const void *const *keys, size_t count, enum sql_lock lock)
{
	return add_arrays(batch, &sql->tables[table - tables].load[lock], table, table->key_count, keys,
		count);
}

size_t sql_add_children(struct sql *sql, struct db_batch *batch, const struct table *table,
	size_t prefix_count, const void *const *keys, size_t count)
{
	CHECK(prefix_count > 0 && prefix_count < table->key_count);
	return add_arrays(batch, &sql->tables[table - tables].children[prefix_count], table,
		prefix_count, keys, count);
}

static size_t add_scan(struct sql *sql, struct db_batch *batch, const struct scan *scan,
	const char *sum_field)
{
	const struct db_statement *statement = scan_statement(sql, scan, sum_field);
	struct scan_walk walk = {.arena = batch->arena};
	walk_scan(&walk, scan, sum_field != NULL);
	CHECK(walk.count == statement->parameter_count);
	return db_batch_add(batch, statement, walk.values);
}

size_t sql_add_scan(struct sql *sql, struct db_batch *batch, const struct scan *scan)
{
	return add_scan(sql, batch, scan, NULL);
}

size_t sql_add_sum(struct sql *sql, struct db_batch *batch, const struct scan *scan,
	const char *field)
{
	return add_scan(sql, batch, scan, field);
}

size_t sql_add_insert(struct sql *sql, struct db_batch *batch, const struct table *table,
	const void *const *rows, size_t count)
{
	return add_arrays(batch, &sql->tables[table - tables].insert, table, table->field_count, rows,
		count);
}

size_t sql_add_update(struct sql *sql, struct db_batch *batch, const struct table *table,
	const void *const *rows, size_t count)
{
	CHECK(table->kind != TABLE_LEDGER);
	return add_arrays(batch, &sql->tables[table - tables].update, table, table->field_count, rows,
		count);
}

static size_t add_known(struct db_batch *batch, const struct db_statement *statement,
	size_t field_count, const void *const *rows, const int64_t *versions, size_t count)
{
	struct db_value values[DB_PARAMETERS_MAX];
	CHECK(count > 0 && field_count + 2 <= DB_PARAMETERS_MAX);
	struct db_array known;
	db_array_init(&known, batch->arena, DB_INT8);
	for (size_t i = 0; i < count; i++)
		db_array_add_int8(&known, versions[i]);
	for (size_t i = 0; i < field_count; i++)
		values[i] = bind_array(batch->arena, &TABLE(stock)->fields[i], rows, count);
	values[field_count] = db_array_value(&known);
	values[field_count + 1] = db_int8(batch->arena, (int64_t)count);
	return db_batch_add(batch, statement, values);
}

size_t sql_add_update_known(struct sql *sql, struct db_batch *batch, const void *const *rows,
	const int64_t *versions, size_t count)
{
	return add_known(batch, &sql->update_known, TABLE(stock)->field_count, rows, versions, count);
}

size_t sql_add_hold_known(struct sql *sql, struct db_batch *batch, const void *const *rows,
	const int64_t *versions, size_t count)
{
	return add_known(batch, &sql->hold_known, TABLE(stock)->key_count, rows, versions, count);
}

size_t sql_add_none_known(struct sql *sql, struct db_batch *batch, const void *const *keys,
	size_t count)
{
	return add_arrays(batch, &sql->none_known, TABLE(request), TABLE(request)->key_count, keys,
		count);
}

size_t sql_add_delete(struct sql *sql, struct db_batch *batch, const struct table *table,
	const void *const *rows, size_t count)
{
	CHECK(table->kind != TABLE_LEDGER);
	return add_arrays(batch, &sql->tables[table - tables].delete, table, table->key_count, rows,
		count);
}

size_t sql_add_advance(struct sql *sql, struct db_batch *batch, const struct part_total *totals,
	size_t count)
{
	struct db_array parts, events;
	db_array_init(&parts, batch->arena, DB_INT4);
	db_array_init(&events, batch->arena, DB_INT8);
	for (size_t i = 0; i < count; i++) {
		db_array_add_int4(&parts, totals[i].part);
		db_array_add_int8(&events, totals[i].events);
	}
	struct db_value values[] = {db_array_value(&parts), db_array_value(&events)};
	return db_batch_add(batch, &sql->advance, values);
}

size_t sql_add_heads(struct sql *sql, struct db_batch *batch, const int64_t *parts, size_t count)
{
	struct db_array array;
	db_array_init(&array, batch->arena, DB_INT4);
	for (size_t i = 0; i < count; i++)
		db_array_add_int4(&array, (int32_t)parts[i]);
	struct db_value value = db_array_value(&array);
	return db_batch_add(batch, &sql->heads, &value);
}

size_t sql_add_policy_heads(struct sql *sql, struct db_batch *batch)
{
	return db_batch_add(batch, &sql->policy_heads, NULL);
}

size_t sql_add_policy_moves(struct sql *sql, struct db_batch *batch, uint32_t moved)
{
	struct db_array names;
	db_array_init(&names, batch->arena, DB_TEXT);
	int64_t count = 0;
	for (size_t t = 0; t < TABLE_COUNT; t++)
		if (moved & 1U << t) {
			db_array_add_text(&names, tables[t].name);
			count++;
		}
	struct db_value values[] = {db_array_value(&names), db_int8(batch->arena, count)};
	return db_batch_add(batch, &sql->policy_moves, values);
}
