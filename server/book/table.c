/* Tables: the descriptions made from the lists in table.h, and what can be done by description. */
#include "book/table.h"

#include <string.h>
#include <xxhash.h>

/* clang-format off */

/* offsetof() needs the struct's name, which a field's macro cannot know: one enum of indexes a
 * table would be longer than this detour over TABLE_ROW. */
#define F_item(type, name)           {#name, FIELD_##type, offsetof(struct item_row, name)},
#define F_item_alias(type, name)     {#name, FIELD_##type, offsetof(struct item_alias_row, name)},
#define F_location(type, name)       {#name, FIELD_##type, offsetof(struct location_row, name)},
#define F_location_group(type, name) {#name, FIELD_##type, offsetof(struct location_group_row, name)},
#define F_channel(type, name)        {#name, FIELD_##type, offsetof(struct channel_row, name)},
#define F_token(type, name)          {#name, FIELD_##type, offsetof(struct token_row, name)},
#define F_reservation(type, name)    {#name, FIELD_##type, offsetof(struct reservation_row, name)},
#define F_customer_order(type, name) {#name, FIELD_##type, offsetof(struct customer_order_row, name)},
#define F_order_line(type, name)     {#name, FIELD_##type, offsetof(struct order_line_row, name)},
#define F_goods_return(type, name)   {#name, FIELD_##type, offsetof(struct goods_return_row, name)},
#define F_return_line(type, name)    {#name, FIELD_##type, offsetof(struct return_line_row, name)},
#define F_shelf(type, name)          {#name, FIELD_##type, offsetof(struct shelf_row, name)},
#define F_transfer(type, name)       {#name, FIELD_##type, offsetof(struct transfer_row, name)},
#define F_transfer_line(type, name)  {#name, FIELD_##type, offsetof(struct transfer_line_row, name)},
#define F_fulfilment(type, name)     {#name, FIELD_##type, offsetof(struct fulfilment_row, name)},
#define F_fulfilment_line(type, name){#name, FIELD_##type, offsetof(struct fulfilment_line_row, name)},
#define F_work(type, name)           {#name, FIELD_##type, offsetof(struct work_row, name)},
#define F_ship_day(type, name)       {#name, FIELD_##type, offsetof(struct ship_day_row, name)},
#define F_quota(type, name)          {#name, FIELD_##type, offsetof(struct quota_row, name)},
#define F_stock(type, name)          {#name, FIELD_##type, offsetof(struct stock_row, name)},
#define F_movement(type, name)       {#name, FIELD_##type, offsetof(struct movement_row, name)},
#define F_change(type, name)         {#name, FIELD_##type, offsetof(struct change_row, name)},
#define F_request(type, name)        {#name, FIELD_##type, offsetof(struct request_row, name)},

#define TABLE_FIELDS(table, keys, kind, FIELDS) \
	static const struct field table##_fields[] = {FIELDS(F_##table)};
TABLES(TABLE_FIELDS)

const struct table tables[TABLE_COUNT] = {
#define TABLE_ROW(table, keys, kind, FIELDS) \
	{#table, kind, table##_fields, ARRAY_COUNT(table##_fields), keys, sizeof(struct table##_row)},
	TABLES(TABLE_ROW)
};
/* What row_new() copies. */
#define BLANK_TEXT     ""
#define BLANK_INT4     0
#define BLANK_INT8     0
#define BLANK_COUNT    COUNT_NONE
#define BLANK_BOOL     false
#define BLANK_FLOAT8   0.0
#define BLANK_TIME     0
#define BLANK_UUID     {{0}}
#define BLANK_BYTES    {NULL, 0}
#define BLANK_TEXTS    {NULL, 0}
#define BLANK_COUNTS   {NULL, 0}
#define BLANK_SEQUENCE 0
#define BLANK_FIELD(type, name) .name = BLANK_##type,
#define BLANK_ROW(table_name, keys, kind, FIELDS) \
	static const struct table_name##_row table_name##_blank = { \
		.row.table = TABLE(table_name), FIELDS(BLANK_FIELD)};
TABLES(BLANK_ROW)

static const void *const blank_rows[TABLE_COUNT] = {
#define BLANK_OF(table, keys, kind, FIELDS) &table##_blank,
	TABLES(BLANK_OF)
};
/* clang-format on */

int32_t part_of(const char *code, int32_t parts)
{
	CHECK(parts > 0);
	return (int32_t)(XXH3_64bits(code, strlen(code)) % (uint64_t)parts) + 1;
}

static int compare_int64(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int compare_bytes(const struct bytes *a, const struct bytes *b)
{
	size_t common = a->size < b->size ? a->size : b->size;
	int order = common > 0 ? memcmp(a->data, b->data, common) : 0;
	return order ? order : (a->size > b->size) - (a->size < b->size);
}

static int compare_texts(const struct text_list *a, const struct text_list *b)
{
	for (size_t i = 0; i < a->count && i < b->count; i++) {
		int order = strcmp(a->items[i], b->items[i]);
		if (order)
			return order;
	}
	return (a->count > b->count) - (a->count < b->count);
}

static int compare_counts(const struct count_list *a, const struct count_list *b)
{
	for (size_t i = 0; i < a->count && i < b->count; i++) {
		int order = compare_int64(a->items[i], b->items[i]);
		if (order)
			return order;
	}
	return (a->count > b->count) - (a->count < b->count);
}

int field_compare(enum field_type type, const void *a, const void *b)
{
	switch (type) {
	case FIELD_TEXT:
		return strcmp(*(const char *const *)a, *(const char *const *)b);
	case FIELD_INT4:
		return compare_int64(*(const int32_t *)a, *(const int32_t *)b);
	case FIELD_INT8:
	case FIELD_COUNT:
	case FIELD_TIME:
	case FIELD_SEQUENCE:
		return compare_int64(*(const int64_t *)a, *(const int64_t *)b);
	case FIELD_BOOL:
		return compare_int64(*(const bool *)a, *(const bool *)b);
	case FIELD_FLOAT8:
		return (*(const double *)a > *(const double *)b) -
			   (*(const double *)a < *(const double *)b);
	case FIELD_UUID:
		return uuid_compare(a, b);
	case FIELD_BYTES:
		return compare_bytes(a, b);
	case FIELD_TEXTS:
		return compare_texts(a, b);
	case FIELD_COUNTS:
		return compare_counts(a, b);
	}
	CHECK(!"a field's type is one of the above");
	return 0;
}

int row_key_compare(const struct table *table, const void *a, const void *b)
{
	for (size_t i = 0; i < table->key_count; i++) {
		const struct field *field = &table->fields[i];
		int order = field_compare(field->type, row_field(a, field), row_field(b, field));
		if (order)
			return order < 0 ? -1 : 1;
	}
	return 0;
}

bool row_key_equal(const struct table *table, const void *a, const void *b)
{
	const struct field *field = table->fields;
	for (const struct field *end = field + table->key_count; field < end; field++) {
		const void *x = row_field(a, field);
		const void *y = row_field(b, field);
		bool equal = field->type == FIELD_TEXT
						 ? strcmp(*(const char *const *)x, *(const char *const *)y) == 0
					 : field->type == FIELD_INT4 ? *(const int32_t *)x == *(const int32_t *)y
												 : field_compare(field->type, x, y) == 0;
		if (!equal)
			return false;
	}
	return true;
}

/* splitmix64's end: spreads a number over all bits. */
static uint64_t mix(uint64_t number)
{
	number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
	return number ^ number >> 31;
}

uint64_t row_key_hash(const struct table *table, const void *row)
{
	uint64_t hash = (uint64_t)(table - tables) + 1;
	const struct field *field = table->fields;
	for (const struct field *end = field + table->key_count; field < end; field++) {
		const void *value = row_field(row, field);
		if (field->type == FIELD_TEXT) {
			const char *text = *(const char *const *)value;
			hash = XXH3_64bits_withSeed(text, strlen(text), hash);
		} else if (field->type == FIELD_UUID) {
			hash = XXH3_64bits_withSeed(value, sizeof(struct uuid), hash);
		} else if (field->type == FIELD_INT4) {
			hash = mix(mix(hash) ^ (uint64_t) * (const int32_t *)value);
		} else {
			CHECK(field->type == FIELD_INT8 || field->type == FIELD_SEQUENCE);
			hash = mix(mix(hash) ^ (uint64_t) * (const int64_t *)value);
		}
	}
	return hash;
}

static void texts_copy(struct text_list *to, const struct text_list *from, struct arena *arena)
{
	const char **items = arena_alloc_array(arena, from->count, sizeof(*items));
	for (size_t i = 0; i < from->count; i++)
		items[i] = arena_string(arena, from->items[i]);
	*to = (struct text_list){items, from->count};
}

static void field_copy(const struct field *field, void *to, const void *from, struct arena *arena)
{
	switch (field->type) {
	case FIELD_TEXT:
		*(const char **)to = arena_string(arena, *(const char *const *)from);
		return;
	case FIELD_INT4:
		*(int32_t *)to = *(const int32_t *)from;
		return;
	case FIELD_INT8:
	case FIELD_COUNT:
	case FIELD_TIME:
	case FIELD_SEQUENCE:
		*(int64_t *)to = *(const int64_t *)from;
		return;
	case FIELD_BOOL:
		*(bool *)to = *(const bool *)from;
		return;
	case FIELD_FLOAT8:
		*(double *)to = *(const double *)from;
		return;
	case FIELD_UUID:
		*(struct uuid *)to = *(const struct uuid *)from;
		return;
	case FIELD_BYTES: {
		const struct bytes *bytes = from;
		*(struct bytes *)to =
			(struct bytes){arena_copy(arena, bytes->data, bytes->size), bytes->size};
		return;
	}
	case FIELD_TEXTS:
		texts_copy(to, from, arena);
		return;
	case FIELD_COUNTS: {
		const struct count_list *list = from;
		*(struct count_list *)to = (struct count_list){
			arena_copy(arena, list->items, list->count * sizeof(*list->items)), list->count};
		return;
	}
	}
	CHECK(!"a field's type is one of the above");
}

void row_copy(const struct table *table, void *to, const void *from, struct arena *arena)
{
	for (size_t i = 0; i < table->field_count; i++) {
		const struct field *field = &table->fields[i];
		field_copy(field, (char *)to + field->offset, row_field(from, field), arena);
	}
}

void *row_new(const struct table *table, struct arena *arena)
{
	return arena_copy(arena, blank_rows[table - tables], table->row_size);
}

const struct field *table_field(const struct table *table, const char *name)
{
	const struct field *found = NULL;
	for (size_t i = 0; i < table->field_count && !found; i++)
		if (strcmp(table->fields[i].name, name) == 0)
			found = &table->fields[i];
	CHECK(found != NULL);
	return found;
}
