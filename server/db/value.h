/*
 * Values on their way to the database, in PostgreSQL's binary format, built in an arena.
 * Times are microseconds since 1970; INT64_MAX and INT64_MIN stand for 'infinity', '-infinity'.
 * Text must be valid UTF-8 without NUL: the API checks that at the door.
 */
#ifndef STOCKBOOK_DB_VALUE_H
#define STOCKBOOK_DB_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/uuid.h"

/* The types that statements take; each enumerator is the type's OID in PostgreSQL, which is fixed. */
enum db_type {
	DB_BOOL = 16,
	DB_BYTEA = 17,
	DB_INT8 = 20,
	DB_INT4 = 23,
	DB_TEXT = 25,
	DB_FLOAT8 = 701,
	DB_TIME = 1184, /* timestamptz */
	DB_UUID = 2950,
	DB_BOOL_ARRAY = 1000,
	DB_BYTEA_ARRAY = 1001,
	DB_INT4_ARRAY = 1007,
	DB_TEXT_ARRAY = 1009,
	DB_INT8_ARRAY = 1016,
	DB_FLOAT8_ARRAY = 1022,
	DB_TIME_ARRAY = 1185,
	DB_UUID_ARRAY = 2951,
};

/* The array type of an element type: DB_INT8 -> DB_INT8_ARRAY. */
enum db_type db_array_of(enum db_type element);
/* The type as SQL writes it: "int8", "timestamptz", "text[]". */
const char *db_type_name(enum db_type type);

struct db_value {
	const void *data; /* NULL is SQL's NULL */
	size_t size;
	enum db_type type; /* must be what the statement declares; 0 with NULL */
};

/* Every builder copies into the arena, but db_text_borrowed() and db_bytea_borrowed(), whose
 * memory must live until the batch is done. A NULL text is SQL's NULL. */
struct db_value db_null(void);
struct db_value db_bool(struct arena *arena, bool value);
struct db_value db_int4(struct arena *arena, int32_t value);
struct db_value db_int8(struct arena *arena, int64_t value);
struct db_value db_float8(struct arena *arena, double value);
struct db_value db_time(struct arena *arena, int64_t time_us);
struct db_value db_uuid(struct arena *arena, const struct uuid *value);
struct db_value db_text(struct arena *arena, const char *text);
struct db_value db_text_sized(struct arena *arena, const char *text, size_t size);
struct db_value db_text_borrowed(const char *text);
struct db_value db_bytea(struct arena *arena, const void *data, size_t size);
struct db_value db_bytea_borrowed(const void *data, size_t size);

/* A one-dimensional array under construction; elements are appended in wire format at once. */
struct db_array {
	struct arena *arena;
	enum db_type element;
	uint8_t *bytes;
	size_t size;
	size_t capacity;
	size_t count;
	bool has_null;
};

void db_array_init(struct db_array *array, struct arena *arena, enum db_type element);
void db_array_add_null(struct db_array *array);
void db_array_add_bool(struct db_array *array, bool value);
void db_array_add_int4(struct db_array *array, int32_t value);
void db_array_add_int8(struct db_array *array, int64_t value);
void db_array_add_float8(struct db_array *array, double value);
void db_array_add_time(struct db_array *array, int64_t time_us);
void db_array_add_uuid(struct db_array *array, const struct uuid *value);
void db_array_add_text(struct db_array *array, const char *text); /* NULL adds NULL */
void db_array_add_text_sized(struct db_array *array, const char *text, size_t size);
void db_array_add_bytea(struct db_array *array, const void *data, size_t size);
/* The finished array; nothing may be added afterwards. Empty arrays are '{}'. */
struct db_value db_array_value(struct db_array *array);

#endif
