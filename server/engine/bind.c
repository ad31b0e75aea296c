/* Bind: fields to values and back, by type. Knows no table by name. */
#include "engine/bind.h"

#include <string.h>

enum db_type bind_column_type(enum field_type type)
{
	switch (type) {
	case FIELD_TEXT:
		return DB_TEXT;
	case FIELD_INT4:
		return DB_INT4;
	case FIELD_INT8:
	case FIELD_COUNT:
	case FIELD_SEQUENCE:
		return DB_INT8;
	case FIELD_BOOL:
		return DB_BOOL;
	case FIELD_FLOAT8:
		return DB_FLOAT8;
	case FIELD_TIME:
		return DB_TIME;
	case FIELD_UUID:
		return DB_UUID;
	case FIELD_BYTES:
		return DB_BYTEA;
	case FIELD_TEXTS:
		return DB_TEXT_ARRAY;
	case FIELD_COUNTS:
		return DB_INT8_ARRAY;
	}
	CHECK(!"a field's type is one of the above");
	return DB_TEXT;
}

static bool is_list(enum field_type type)
{
	return type == FIELD_TEXTS || type == FIELD_COUNTS;
}

enum db_type bind_element_type(enum field_type type)
{
	return is_list(type) ? DB_TEXT : bind_column_type(type);
}

const char *bind_cast(enum field_type type)
{
	return type == FIELD_TEXTS ? "::text[]" : type == FIELD_COUNTS ? "::int8[]" : "";
}

/* ---- Lists as array literals ---- */

static size_t literal_size(const struct text_list *list)
{
	size_t size = 3; /* braces and NUL */
	for (size_t i = 0; i < list->count; i++)
		size += 2 * strlen(list->items[i]) + 3; /* each escaped, quotes, comma */
	return size;
}

static const char *texts_literal(struct arena *arena, const struct text_list *list)
{
	char *literal = arena_alloc(arena, literal_size(list));
	char *to = literal;
	*to++ = '{';
	for (size_t i = 0; i < list->count; i++) {
		if (i > 0)
			*to++ = ',';
		*to++ = '"';
		for (const char *from = list->items[i]; *from; from++) {
			if (*from == '"' || *from == '\\')
				*to++ = '\\';
			*to++ = *from;
		}
		*to++ = '"';
	}
	*to++ = '}';
	return literal;
}

static const char *counts_literal(struct arena *arena, const struct count_list *list)
{
	const size_t digits_max = 22; /* of a bigint, with its comma */
	size_t size = 3 + list->count * digits_max;
	char *literal = arena_alloc(arena, size);
	size_t used = 0;
	literal[used++] = '{';
	for (size_t i = 0; i < list->count; i++) {
		const char *comma = i > 0 ? "," : "";
		int written =
			list->items[i] == COUNT_NONE
				? snprintf(literal + used, size - used, "%sNULL", comma)
				: snprintf(literal + used, size - used, "%s%lld", comma, (long long)list->items[i]);
		used += (size_t)written;
	}
	literal[used] = '}';
	return literal;
}

/* ---- Out ---- */

static void array_add(struct db_array *array, enum field_type type, const void *value)
{
	switch (type) {
	case FIELD_TEXT:
		db_array_add_text(array, *(const char *const *)value);
		return;
	case FIELD_INT4:
		db_array_add_int4(array, *(const int32_t *)value);
		return;
	case FIELD_INT8:
	case FIELD_SEQUENCE:
		db_array_add_int8(array, *(const int64_t *)value);
		return;
	case FIELD_COUNT:
		if (*(const int64_t *)value == COUNT_NONE)
			db_array_add_null(array);
		else
			db_array_add_int8(array, *(const int64_t *)value);
		return;
	case FIELD_BOOL:
		db_array_add_bool(array, *(const bool *)value);
		return;
	case FIELD_FLOAT8:
		db_array_add_float8(array, *(const double *)value);
		return;
	case FIELD_TIME:
		if (*(const int64_t *)value == 0)
			db_array_add_null(array);
		else
			db_array_add_time(array, *(const int64_t *)value);
		return;
	case FIELD_UUID:
		if (uuid_is_nil(value))
			db_array_add_null(array);
		else
			db_array_add_uuid(array, value);
		return;
	case FIELD_BYTES: {
		const struct bytes *bytes = value;
		db_array_add_bytea(array, bytes->data, bytes->size);
		return;
	}
	case FIELD_TEXTS:
		db_array_add_text(array, texts_literal(array->arena, value));
		return;
	case FIELD_COUNTS:
		db_array_add_text(array, counts_literal(array->arena, value));
		return;
	}
	CHECK(!"a field's type is one of the above");
}

struct db_value bind_array(struct arena *arena, const struct field *field, const void *const *rows,
	size_t count)
{
	struct db_array array;
	db_array_init(&array, arena, bind_element_type(field->type));
	for (size_t i = 0; i < count; i++)
		array_add(&array, field->type, row_field(rows[i], field));
	return db_array_value(&array);
}

struct db_value bind_scan_value(struct arena *arena, enum field_type type,
	const struct scan_value *value)
{
	switch (type) {
	case FIELD_TEXT:
		return db_text(arena, value->text);
	case FIELD_INT4:
		return db_int4(arena, (int32_t)value->number);
	case FIELD_INT8:
	case FIELD_COUNT:
	case FIELD_SEQUENCE:
		return db_int8(arena, value->number);
	case FIELD_BOOL:
		return db_bool(arena, value->number != 0);
	case FIELD_TIME:
		return db_time(arena, value->number);
	case FIELD_UUID:
		return db_uuid(arena, &value->uuid);
	case FIELD_BYTES:
		return db_bytea(arena, value->bytes.data, value->bytes.size);
	case FIELD_FLOAT8:
	case FIELD_TEXTS:
	case FIELD_COUNTS:
		break;
	}
	CHECK(!"a scan's condition is on a field of a single, exact value");
	return db_null();
}

/* ---- In ---- */

static void texts_read(struct text_list *list, struct db_elements elements, struct arena *arena)
{
	const char **items = arena_alloc_array(arena, elements.count, sizeof(*items));
	size_t count = 0;
	while (db_elements_next(&elements)) {
		items[count] = db_element_text(&elements, arena);
		if (!items[count++])
			items[count - 1] = "";
	}
	*list = (struct text_list){items, count};
}

static void counts_read(struct count_list *list, struct db_elements elements, struct arena *arena)
{
	int64_t *items = arena_alloc_array(arena, elements.count, sizeof(*items));
	size_t count = 0;
	while (db_elements_next(&elements))
		items[count++] = db_element_null(&elements) ? COUNT_NONE : db_element_int(&elements);
	*list = (struct count_list){items, count};
}

static void text_read(const char **to, const struct db_rows *rows, size_t row, size_t column,
	struct arena *arena)
{
	size_t size;
	const char *text = db_get_text(rows, row, column, &size);
	*to = arena_string_sized(arena, text, size);
}

static void bytes_read(struct bytes *to, const struct db_rows *rows, size_t row, size_t column,
	struct arena *arena)
{
	size_t size;
	const void *data = db_get_bytea(rows, row, column, &size);
	*to = (struct bytes){arena_copy(arena, data, size), size};
}

static void field_read(void *to, enum field_type type, const struct db_rows *rows, size_t row,
	size_t column, struct arena *arena)
{
	/* row_new() has put there what stands for NULL. */
	if (db_get_null(rows, row, column))
		return;
	switch (type) {
	case FIELD_TEXT:
		text_read(to, rows, row, column, arena);
		return;
	case FIELD_INT4:
		*(int32_t *)to = (int32_t)db_get_int(rows, row, column);
		return;
	case FIELD_INT8:
	case FIELD_COUNT:
	case FIELD_SEQUENCE:
		*(int64_t *)to = db_get_int(rows, row, column);
		return;
	case FIELD_BOOL:
		*(bool *)to = db_get_bool(rows, row, column);
		return;
	case FIELD_FLOAT8:
		*(double *)to = db_get_float8(rows, row, column);
		return;
	case FIELD_TIME:
		*(int64_t *)to = db_get_time(rows, row, column);
		return;
	case FIELD_UUID:
		*(struct uuid *)to = db_get_uuid(rows, row, column);
		return;
	case FIELD_BYTES:
		bytes_read(to, rows, row, column, arena);
		return;
	case FIELD_TEXTS:
		texts_read(to, db_get_array(rows, row, column), arena);
		return;
	case FIELD_COUNTS:
		counts_read(to, db_get_array(rows, row, column), arena);
		return;
	}
	CHECK(!"a field's type is one of the above");
}

const void **bind_read(const struct table *table, const struct db_rows *rows, struct arena *arena)
{
	size_t count = db_rows_count(rows);
	const void **read = arena_alloc_array(arena, count, sizeof(*read));
	for (size_t i = 0; i < count; i++) {
		char *row = row_new(table, arena);
		for (size_t c = 0; c < table->field_count; c++)
			field_read(row + table->fields[c].offset, table->fields[c].type, rows, i, c, arena);
		read[i] = row;
	}
	return read;
}
