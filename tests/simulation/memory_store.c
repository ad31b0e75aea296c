/* Memory store: tables, keys, scans and sums. Not for use by two threads. */
#define _GNU_SOURCE /* qsort_r() */
#include "simulation/memory_store_private.h"

#include <stdlib.h>
#include <string.h>

struct memory_store *memory_store_new(const struct book_limits *limits)
{
	struct memory_store *store = calloc(1, sizeof(*store));
	CHECK(store != NULL);
	arena_init(&store->arena);
	store->limits = *limits;
	store->heads = arena_alloc_array(&store->arena, (size_t)limits->parts + 1, sizeof(int64_t));
	for (size_t i = 0; i < TABLE_COUNT; i++) {
		store->tables[i].slot_count = 64;
		store->tables[i].slots = arena_alloc_array(&store->arena, 64, sizeof(struct stored *));
	}
	return store;
}

void memory_store_free(struct memory_store *store)
{
	arena_release(&store->arena);
	free(store);
}

const struct book_limits *memory_store_limits(const struct memory_store *store)
{
	return &store->limits;
}

void memory_store_hopes(const struct memory_store *store, uint64_t *won, uint64_t *lost)
{
	*won = store->hopes_won;
	*lost = store->hopes_lost;
}

void memory_store_set_stale_peeks(struct memory_store *store, bool stale)
{
	store->stale_peeks = stale;
}

int64_t memory_store_head(const struct memory_store *store, int32_t part)
{
	CHECK(part >= 0 && part <= store->limits.parts);
	return store->heads[part];
}

/* ---- Rows by key ---- */

static struct store_table *table_in(const struct memory_store *store, const struct table *table)
{
	return (struct store_table *)&store->tables[table - tables];
}

/* A removed row keeps its place: the key of a place is that of its row or the one before. */
static const void *place_key(const struct stored *place)
{
	return place->row ? place->row : place->before;
}

static struct stored **slot_of(const struct store_table *rows, const struct table *table,
	const void *key, uint64_t hash)
{
	size_t mask = rows->slot_count - 1;
	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		struct stored *place = rows->slots[i];
		if (!place || (place->hash == hash && row_key_compare(table, place_key(place), key) == 0))
			return &rows->slots[i];
	}
}

struct stored *store_place(const struct memory_store *store, const struct table *table,
	const void *key)
{
	return *slot_of(table_in(store, table), table, key, row_key_hash(table, key));
}

const void *memory_store_find(const struct memory_store *store, const struct table *table,
	const void *key)
{
	const struct stored *place = store_place(store, table, key);
	return place ? place->row : NULL;
}

static struct stored *place_make(struct memory_store *store, const struct table *table,
	const void *key)
{
	struct store_table *rows = table_in(store, table);
	uint64_t hash = row_key_hash(table, key);
	struct stored **slot = slot_of(rows, table, key, hash);
	if (*slot)
		return *slot;
	struct stored *place = arena_alloc(&store->arena, sizeof(*place));
	place->hash = hash;
	rows->places =
		arena_grow(&store->arena, rows->places, rows->count, &rows->capacity, sizeof(place));
	rows->places[rows->count++] = place;
	if (rows->count * 2 <= rows->slot_count) {
		*slot = place;
		return place;
	}
	rows->slot_count *= 2;
	rows->slots = arena_alloc_array(&store->arena, rows->slot_count, sizeof(struct stored *));
	for (size_t i = 0; i + 1 < rows->count; i++)
		*slot_of(rows, table, place_key(rows->places[i]), rows->places[i]->hash) = rows->places[i];
	/* Its own key is in nothing yet. */
	size_t mask = rows->slot_count - 1;
	size_t i = hash & mask;
	while (rows->slots[i])
		i = (i + 1) & mask;
	rows->slots[i] = place;
	return place;
}

void store_put(struct memory_store *store, const struct table *table, const void *row,
	int64_t now_us)
{
	struct row *copy = row_new(table, &store->arena);
	row_copy(table, copy, row, &store->arena);
	struct stored *place = place_make(store, table, row);
	if (place->row)
		place->before = place->row;
	place->row = copy;
	place->changed_us = now_us;
}

void memory_store_replace(struct memory_store *store, const struct table *table, const void *row)
{
	CHECK(memory_store_find(store, table, row) != NULL);
	store_put(store, table, row, 0);
}

void store_remove(struct memory_store *store, const struct table *table, const void *key)
{
	struct stored *place = store_place(store, table, key);
	CHECK(place && place->row);
	place->before = place->row;
	place->row = NULL;
}

const void *const *memory_store_rows(const struct memory_store *store, const struct table *table,
	size_t *count)
{
	struct store_table *rows = table_in(store, table);
	if (rows->row_capacity < rows->count) {
		rows->row_capacity = rows->capacity;
		rows->rows = arena_alloc_array(&((struct memory_store *)store)->arena, rows->row_capacity,
			sizeof(*rows->rows));
	}
	*count = 0;
	for (size_t i = 0; i < rows->count; i++)
		if (rows->places[i]->row)
			rows->rows[(*count)++] = rows->places[i]->row;
	return rows->rows;
}

/* ---- Scans ---- */

/* A value as a field of the type, so that field_compare() can take it. */
union field_value {
	const char *text;
	int32_t int4;
	int64_t number;
	bool boolean;
	struct uuid uuid;
	struct bytes bytes;
};

static union field_value field_value(enum field_type type, const struct scan_value *value)
{
	union field_value field = {0};
	if (type == FIELD_TEXT)
		field.text = value->text;
	else if (type == FIELD_INT4)
		field.int4 = (int32_t)value->number;
	else if (type == FIELD_BOOL)
		field.boolean = value->number != 0;
	else if (type == FIELD_UUID)
		field.uuid = value->uuid;
	else if (type == FIELD_BYTES)
		field.bytes = value->bytes;
	else
		field.number = value->number;
	return field;
}

/* What SQL calls NULL compares with nothing. */
static bool field_is_null(enum field_type type, const void *value)
{
	if (type == FIELD_COUNT)
		return *(const int64_t *)value == COUNT_NONE;
	if (type == FIELD_TIME)
		return *(const int64_t *)value == 0;
	if (type == FIELD_UUID)
		return uuid_is_nil(value);
	return false;
}

static bool is_any(enum field_type type, const void *field, const struct scan_value *value)
{
	for (size_t i = 0; type == FIELD_TEXT && i < value->texts.count; i++)
		if (strcmp(*(const char *const *)field, value->texts.items[i]) == 0)
			return true;
	for (size_t i = 0; type == FIELD_INT4 && i < value->counts.count; i++)
		if (*(const int32_t *)field == value->counts.items[i])
			return true;
	return false;
}

static bool condition_holds(const struct table *table, const struct scan_condition *condition,
	const struct scan_value *value, const void *row)
{
	const struct field *field = table_field(table, condition->field);
	const void *of_row = row_field(row, field);
	enum scan_operator wanted = condition->operator;
	if (wanted == SCAN_NOT_EMPTY)
		return (*(const char *const *)of_row)[0] != '\0';
	if (wanted == SCAN_IS)
		return field->type == FIELD_BOOL ? *(const bool *)of_row == (condition->constant != 0)
										 : *(const int32_t *)of_row == condition->constant;
	if (!value->present)
		return true;
	if (wanted == SCAN_ANY)
		return is_any(field->type, of_row, value);
	if (wanted == SCAN_PREFIX)
		return strncmp(*(const char *const *)of_row, value->text, strlen(value->text)) == 0;
	union field_value asked = field_value(field->type, value);
	if (field_is_null(field->type, of_row) || field_is_null(field->type, &asked))
		return false;
	int order = field_compare(field->type, of_row, &asked);
	switch (wanted) {
	case SCAN_EQUAL:
		return order == 0;
	case SCAN_LESS:
		return order < 0;
	case SCAN_GREATER_OR_EQUAL:
		return order >= 0;
	case SCAN_PREFIX:
	case SCAN_ANY:
	case SCAN_IS:
	case SCAN_NOT_EMPTY:
		break;
	}
	CHECK(!"an operator is one of the above");
	return false;
}

static bool row_is_after(const struct scan *scan, const void *row)
{
	const struct scan_shape *shape = scan->shape;
	for (size_t i = 0; i < SCAN_ORDER_MAX && shape->order[i]; i++) {
		const struct field *field = table_field(shape->table, shape->order[i]);
		union field_value after = field_value(field->type, &scan->after[i]);
		int order = field_compare(field->type, row_field(row, field), &after);
		if (order)
			return shape->descending ? order < 0 : order > 0;
	}
	return false;
}

static bool row_is_scanned(const struct scan *scan, const void *row)
{
	const struct scan_shape *shape = scan->shape;
	for (size_t i = 0; i < SCAN_CONDITIONS_MAX && shape->conditions[i].field; i++)
		if (!condition_holds(shape->table, &shape->conditions[i], &scan->values[i], row))
			return false;
	return !scan->has_after || row_is_after(scan, row);
}

static int shape_compare(const void *a, const void *b, void *context)
{
	const struct scan_shape *shape = context;
	const void *row_a = *(const void *const *)a;
	const void *row_b = *(const void *const *)b;
	for (size_t i = 0; i < SCAN_ORDER_MAX && shape->order[i]; i++) {
		const struct field *field = table_field(shape->table, shape->order[i]);
		int order = field_compare(field->type, row_field(row_a, field), row_field(row_b, field));
		if (order)
			return shape->descending ? -order : order;
	}
	return 0;
}

struct scan_result store_scan(const struct memory_store *store, const struct scan *scan,
	struct arena *arena)
{
	const struct scan_shape *shape = scan->shape;
	const struct store_table *rows = table_in(store, shape->table);
	const void **found = NULL;
	size_t count = 0;
	size_t capacity = 0;
	for (size_t i = 0; i < rows->count; i++) {
		if (!rows->places[i]->row || !row_is_scanned(scan, rows->places[i]->row))
			continue;
		found = arena_grow(arena, found, count, &capacity, sizeof(*found));
		found[count++] = rows->places[i]->row;
	}
	if (count > 1)
		qsort_r(found, count, sizeof(*found), shape_compare, (void *)shape);
	if (count > (size_t)scan->limit)
		count = (size_t)scan->limit;
	return (struct scan_result){found, count};
}

int64_t store_sum(const struct memory_store *store, const struct scan *scan, const char *name)
{
	const struct store_table *rows = table_in(store, scan->shape->table);
	const struct field *field = table_field(scan->shape->table, name);
	CHECK(field->type == FIELD_INT8);
	int64_t sum = 0;
	for (size_t i = 0; i < rows->count; i++)
		if (rows->places[i]->row && row_is_scanned(scan, rows->places[i]->row))
			sum += *(const int64_t *)row_field(rows->places[i]->row, field);
	return sum;
}
