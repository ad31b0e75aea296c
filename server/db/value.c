/* Values in PostgreSQL's binary format. Knows no connection; any thread may build its own. */
#include "db/value.h"

#include <string.h>

#include "db/wire.h"

/* Dimensions, flag for NULLs, element type, length, lower bound: 4 bytes each. */
#define ARRAY_HEADER_BYTES 20

static const struct {
	enum db_type element;
	enum db_type array;
	const char *name;
	const char *array_name;
} types[] = {
	{DB_BOOL, DB_BOOL_ARRAY, "bool", "bool[]"},
	{DB_BYTEA, DB_BYTEA_ARRAY, "bytea", "bytea[]"},
	{DB_INT8, DB_INT8_ARRAY, "int8", "int8[]"},
	{DB_INT4, DB_INT4_ARRAY, "int4", "int4[]"},
	{DB_TEXT, DB_TEXT_ARRAY, "text", "text[]"},
	{DB_FLOAT8, DB_FLOAT8_ARRAY, "float8", "float8[]"},
	{DB_TIME, DB_TIME_ARRAY, "timestamptz", "timestamptz[]"},
	{DB_UUID, DB_UUID_ARRAY, "uuid", "uuid[]"},
};

enum db_type db_array_of(enum db_type element)
{
	for (size_t i = 0; i < ARRAY_COUNT(types); i++)
		if (types[i].element == element)
			return types[i].array;
	CHECK(!"an element type");
}

const char *db_type_name(enum db_type type)
{
	for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
		if (types[i].element == type)
			return types[i].name;
		if (types[i].array == type)
			return types[i].array_name;
	}
	CHECK(!"a known type");
}

struct db_value db_null(void)
{
	return (struct db_value){0};
}

static struct db_value copied(struct arena *arena, const void *data, size_t size, enum db_type type)
{
	return (struct db_value){.data = arena_copy(arena, data, size), .size = size, .type = type};
}

static struct db_value number64(struct arena *arena, uint64_t bits, enum db_type type)
{
	uint8_t bytes[8];
	wire_put64(bytes, bits);
	return copied(arena, bytes, sizeof(bytes), type);
}

struct db_value db_bool(struct arena *arena, bool value)
{
	uint8_t byte = value;
	return copied(arena, &byte, 1, DB_BOOL);
}

struct db_value db_int4(struct arena *arena, int32_t value)
{
	uint8_t bytes[4];
	wire_put32(bytes, (uint32_t)value);
	return copied(arena, bytes, sizeof(bytes), DB_INT4);
}

struct db_value db_int8(struct arena *arena, int64_t value)
{
	return number64(arena, (uint64_t)value, DB_INT8);
}

struct db_value db_float8(struct arena *arena, double value)
{
	return number64(arena, wire_double(value), DB_FLOAT8);
}

struct db_value db_time(struct arena *arena, int64_t time_us)
{
	return number64(arena, (uint64_t)wire_time(time_us), DB_TIME);
}

struct db_value db_uuid(struct arena *arena, const struct uuid *value)
{
	return copied(arena, value->bytes, sizeof(value->bytes), DB_UUID);
}

struct db_value db_text(struct arena *arena, const char *text)
{
	return text ? db_text_sized(arena, text, strlen(text)) : db_null();
}

struct db_value db_text_sized(struct arena *arena, const char *text, size_t size)
{
	return copied(arena, text, size, DB_TEXT);
}

struct db_value db_text_borrowed(const char *text)
{
	if (!text)
		return db_null();
	return (struct db_value){.data = text, .size = strlen(text), .type = DB_TEXT};
}

struct db_value db_bytea(struct arena *arena, const void *data, size_t size)
{
	return copied(arena, data, size, DB_BYTEA);
}

struct db_value db_bytea_borrowed(const void *data, size_t size)
{
	/* No bytes are not NULL. */
	return (struct db_value){.data = data ? data : "", .size = size, .type = DB_BYTEA};
}

void db_array_init(struct db_array *array, struct arena *arena, enum db_type element)
{
	*array = (struct db_array){.arena = arena, .element = element, .size = ARRAY_HEADER_BYTES};
}

/* Room for one element of that many bytes, its length word written. */
static uint8_t *array_add(struct db_array *array, enum db_type element, size_t size)
{
	CHECK(array->element == element);
	CHECK(size < INT32_MAX);
	size_t needed = array->size + 4 + size;
	if (needed > array->capacity) {
		size_t capacity = array->capacity ? array->capacity * 2 : 256;
		if (capacity < needed)
			capacity = needed;
		uint8_t *moved = arena_alloc(array->arena, capacity);
		if (array->bytes)
			memcpy(moved, array->bytes, array->size);
		array->bytes = moved;
		array->capacity = capacity;
	}
	uint8_t *place = array->bytes + array->size;
	wire_put32(place, (uint32_t)size);
	array->size = needed;
	array->count++;
	return place + 4;
}

void db_array_add_null(struct db_array *array)
{
	uint8_t *place = array_add(array, array->element, 0);
	wire_put32(place - 4, UINT32_MAX); /* length -1 */
	array->has_null = true;
}

void db_array_add_bool(struct db_array *array, bool value)
{
	*array_add(array, DB_BOOL, 1) = value;
}

void db_array_add_int4(struct db_array *array, int32_t value)
{
	wire_put32(array_add(array, DB_INT4, 4), (uint32_t)value);
}

void db_array_add_int8(struct db_array *array, int64_t value)
{
	wire_put64(array_add(array, DB_INT8, 8), (uint64_t)value);
}

void db_array_add_float8(struct db_array *array, double value)
{
	wire_put64(array_add(array, DB_FLOAT8, 8), wire_double(value));
}

void db_array_add_time(struct db_array *array, int64_t time_us)
{
	wire_put64(array_add(array, DB_TIME, 8), (uint64_t)wire_time(time_us));
}

void db_array_add_uuid(struct db_array *array, const struct uuid *value)
{
	memcpy(array_add(array, DB_UUID, 16), value->bytes, 16);
}

void db_array_add_text(struct db_array *array, const char *text)
{
	if (text)
		db_array_add_text_sized(array, text, strlen(text));
	else
		db_array_add_null(array);
}

void db_array_add_text_sized(struct db_array *array, const char *text, size_t size)
{
	uint8_t *place = array_add(array, DB_TEXT, size);
	if (size > 0)
		memcpy(place, text, size);
}

void db_array_add_bytea(struct db_array *array, const void *data, size_t size)
{
	uint8_t *place = array_add(array, DB_BYTEA, size);
	if (size > 0)
		memcpy(place, data, size);
}

struct db_value db_array_value(struct db_array *array)
{
	if (!array->bytes)
		array->bytes = arena_alloc(array->arena, ARRAY_HEADER_BYTES);
	CHECK(array->count <= INT32_MAX && array->size < INT32_MAX);
	wire_put32(array->bytes, array->count > 0); /* '{}' has no dimension */
	wire_put32(array->bytes + 4, array->has_null);
	wire_put32(array->bytes + 8, array->element);
	wire_put32(array->bytes + 12, (uint32_t)array->count);
	wire_put32(array->bytes + 16, 1);
	size_t size = array->count > 0 ? array->size : 12;
	return (struct db_value){
		.data = array->bytes, .size = size, .type = db_array_of(array->element)};
}
