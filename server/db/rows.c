/* Results of libpq's, read. A wrong type here is a statement and a reader that disagree: a bug. */
#include "db/rows.h"

#include <libpq-fe.h>
#include <string.h>

#include "db/wire.h"

#define OID_INT2 21

static const PGresult *result_of(const struct db_rows *rows)
{
	CHECK(rows != NULL);
	return (const PGresult *)rows;
}

static const uint8_t *cell(const struct db_rows *rows, size_t row, size_t column, size_t *size)
{
	const PGresult *result = result_of(rows);
	int r = (int)row, c = (int)column;
	CHECK(r < PQntuples(result) && c < PQnfields(result));
	CHECK(!PQgetisnull(result, r, c));
	*size = (size_t)PQgetlength(result, r, c);
	return (const uint8_t *)PQgetvalue(result, r, c);
}

static const uint8_t *typed(const struct db_rows *rows, size_t row, size_t column,
	enum db_type type, size_t size_wanted)
{
	size_t size;
	const uint8_t *data = cell(rows, row, column, &size);
	CHECK(PQftype(result_of(rows), (int)column) == type && size == size_wanted);
	return data;
}

size_t db_rows_count(const struct db_rows *rows)
{
	return (size_t)PQntuples(result_of(rows));
}

size_t db_rows_column_count(const struct db_rows *rows)
{
	return (size_t)PQnfields(result_of(rows));
}

size_t db_rows_affected(const struct db_rows *rows)
{
	/* libpq takes no const here, and changes nothing. */
	const char *text = PQcmdTuples((PGresult *)(uintptr_t)result_of(rows));
	return (size_t)strtoull(text, NULL, 10);
}

bool db_get_null(const struct db_rows *rows, size_t row, size_t column)
{
	const PGresult *result = result_of(rows);
	CHECK((int)row < PQntuples(result) && (int)column < PQnfields(result));
	return PQgetisnull(result, (int)row, (int)column);
}

bool db_get_bool(const struct db_rows *rows, size_t row, size_t column)
{
	return *typed(rows, row, column, DB_BOOL, 1) != 0;
}

static int64_t integer_of(const uint8_t *data, size_t size)
{
	switch (size) {
	case 2:
		return (int16_t)wire_get16(data);
	case 4:
		return (int32_t)wire_get32(data);
	case 8:
		return (int64_t)wire_get64(data);
	default:
		CHECK(!"an integer's size");
	}
}

static bool is_integer(unsigned type)
{
	return type == OID_INT2 || type == DB_INT4 || type == DB_INT8;
}

int64_t db_get_int(const struct db_rows *rows, size_t row, size_t column)
{
	size_t size;
	const uint8_t *data = cell(rows, row, column, &size);
	CHECK(is_integer(PQftype(result_of(rows), (int)column)));
	return integer_of(data, size);
}

static double double_of(const uint8_t *data)
{
	uint64_t bits = wire_get64(data);
	double value;
	memcpy(&value, &bits, sizeof(value));
	return value;
}

double db_get_float8(const struct db_rows *rows, size_t row, size_t column)
{
	return double_of(typed(rows, row, column, DB_FLOAT8, 8));
}

int64_t db_get_time(const struct db_rows *rows, size_t row, size_t column)
{
	return wire_time_back((int64_t)wire_get64(typed(rows, row, column, DB_TIME, 8)));
}

struct uuid db_get_uuid(const struct db_rows *rows, size_t row, size_t column)
{
	struct uuid uuid;
	memcpy(uuid.bytes, typed(rows, row, column, DB_UUID, 16), 16);
	return uuid;
}

const char *db_get_text(const struct db_rows *rows, size_t row, size_t column, size_t *size)
{
	size_t ignored;
	return (const char *)cell(rows, row, column, size ? size : &ignored);
}

char *db_copy_text(const struct db_rows *rows, size_t row, size_t column, struct arena *arena)
{
	if (db_get_null(rows, row, column))
		return NULL;
	size_t size;
	const char *text = db_get_text(rows, row, column, &size);
	return arena_string_sized(arena, text, size);
}

const void *db_get_bytea(const struct db_rows *rows, size_t row, size_t column, size_t *size)
{
	CHECK(PQftype(result_of(rows), (int)column) == DB_BYTEA);
	return cell(rows, row, column, size);
}

struct db_elements db_get_array(const struct db_rows *rows, size_t row, size_t column)
{
	size_t size;
	const uint8_t *data = cell(rows, row, column, &size);
	CHECK(size >= 12);
	uint32_t dimensions = wire_get32(data);
	CHECK(dimensions <= 1);
	struct db_elements elements = {
		.element = (enum db_type)wire_get32(data + 8), .end = data + size};
	if (dimensions == 1) {
		CHECK(size >= 20);
		elements.count = wire_get32(data + 12);
		elements.next = data + 20;
	}
	return elements;
}

bool db_elements_next(struct db_elements *elements)
{
	if (elements->position == elements->count)
		return false;
	CHECK(elements->end - elements->next >= 4);
	int32_t size = (int32_t)wire_get32(elements->next);
	elements->next += 4;
	elements->data = size < 0 ? NULL : elements->next;
	elements->size = size < 0 ? 0 : (size_t)size;
	CHECK((size_t)(elements->end - elements->next) >= elements->size);
	elements->next += elements->size;
	elements->position++;
	return true;
}

bool db_element_null(const struct db_elements *elements)
{
	return elements->data == NULL;
}

static const uint8_t *element(const struct db_elements *elements, enum db_type type, size_t size)
{
	CHECK(elements->data && elements->element == type && elements->size == size);
	return elements->data;
}

bool db_element_bool(const struct db_elements *elements)
{
	return *element(elements, DB_BOOL, 1) != 0;
}

int64_t db_element_int(const struct db_elements *elements)
{
	CHECK(elements->data && is_integer(elements->element));
	return integer_of(elements->data, elements->size);
}

double db_element_float8(const struct db_elements *elements)
{
	return double_of(element(elements, DB_FLOAT8, 8));
}

int64_t db_element_time(const struct db_elements *elements)
{
	return wire_time_back((int64_t)wire_get64(element(elements, DB_TIME, 8)));
}

struct uuid db_element_uuid(const struct db_elements *elements)
{
	struct uuid uuid;
	memcpy(uuid.bytes, element(elements, DB_UUID, 16), 16);
	return uuid;
}

char *db_element_text(const struct db_elements *elements, struct arena *arena)
{
	if (!elements->data)
		return NULL;
	return arena_string_sized(arena, (const char *)elements->data, elements->size);
}

const void *db_element_bytea(const struct db_elements *elements, size_t *size)
{
	CHECK(elements->data && elements->element == DB_BYTEA);
	*size = elements->size;
	return elements->data;
}
