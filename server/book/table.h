/*
 * Tables: each row's struct and its description, made from one list of fields, so that loading,
 * storing, the simulator's store and the check against the database's catalog all speak of the
 * same columns. A field here is a column of the same name in the schema `stockbook`.
 *
 * Conventions of the fields:
 *   TEXT       const char *, never NULL ('' where there is none)
 *   INT4, INT8 int32_t, int64_t
 *   COUNT      int64_t; COUNT_NONE stands for SQL NULL
 *   BOOL       bool
 *   FLOAT8     double
 *   TIME       int64_t, microseconds since 1970 UTC; 0 stands for SQL NULL
 *   UUID       struct uuid; the nil UUID stands for SQL NULL
 *   BYTES      struct bytes
 *   TEXTS      struct text_list (text[])
 *   COUNTS     struct count_list (bigint[])
 *   SEQUENCE   int64_t; a sequence of the row's part. Written relative to the part's head (see
 *              workset.h), read as it is.
 *
 * Lists and bytes of a row are never changed in place: they are replaced.
 */
#ifndef STOCKBOOK_BOOK_TABLE_H
#define STOCKBOOK_BOOK_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/uuid.h"

#define COUNT_NONE INT64_MIN

struct bytes {
	const uint8_t *data;
	size_t size;
};

struct text_list {
	const char *const *items;
	size_t count;
};

struct count_list {
	const int64_t *items;
	size_t count;
};

enum field_type {
	FIELD_TEXT,
	FIELD_INT4,
	FIELD_INT8,
	FIELD_COUNT,
	FIELD_BOOL,
	FIELD_FLOAT8,
	FIELD_TIME,
	FIELD_UUID,
	FIELD_BYTES,
	FIELD_TEXTS,
	FIELD_COUNTS,
	FIELD_SEQUENCE,
};

struct field {
	const char *name;
	enum field_type type;
	size_t offset; /* in the row's struct */
};

/* How a table is kept. */
enum table_kind {
	/* Few rows or seldom changed, read by key all the time: the engine may answer a peek from a
	 * cache that is a second old. */
	TABLE_POLICY,
	/* Rows that are loaded, changed and stored by key. */
	TABLE_BOOK,
	/* Rows that are only ever added, numbered within their part. */
	TABLE_LEDGER,
};

struct table {
	const char *name; /* in the database */
	enum table_kind kind;
	const struct field *fields;
	size_t field_count;
	size_t key_count; /* the first fields are the primary key */
	size_t row_size;
};

/* What the workset knows of a row; the first member of every row's struct, not a column. */
struct row {
	const struct table *table;
	uint64_t key_hash;
	struct row *sibling; /* in workset.c's care: perhaps another of the same parent */
	uint32_t saved_in;   /* the run in which an undo copy was made */
	uint8_t presence;    /* enum row_presence, in workset.c's care */
	uint8_t needed;      /* 0, or 1 + enum access: waits to be loaded so */
	bool locked;         /* nobody else can change it until the batch ends */
	bool inserted;       /* not in the database yet */
	bool changed;        /* in the database as it was before */
	bool deleted;        /* in the database, and to be removed */
};

/* clang-format off */
#define FIELD_C_TEXT     const char *
#define FIELD_C_INT4     int32_t
#define FIELD_C_INT8     int64_t
#define FIELD_C_COUNT    int64_t
#define FIELD_C_BOOL     bool
#define FIELD_C_FLOAT8   double
#define FIELD_C_TIME     int64_t
#define FIELD_C_UUID     struct uuid
#define FIELD_C_BYTES    struct bytes
#define FIELD_C_TEXTS    struct text_list
#define FIELD_C_COUNTS   struct count_list
#define FIELD_C_SEQUENCE int64_t

/* Each table: its fields in order, the key first. F(type, name) */

#define ITEM_FIELDS(F) \
	F(INT4, part) F(TEXT, sku) \
	F(TEXT, name) F(TEXTS, aliases) F(COUNT, safety_stock) F(TIME, created_at) F(TIME, updated_at)

#define ITEM_ALIAS_FIELDS(F) \
	F(INT4, part) F(TEXT, alias) \
	F(TEXT, sku)

/* profile: the packed stockbook.v1.Location as last put, for what no rule reads. */
#define LOCATION_FIELDS(F) \
	F(TEXT, code) \
	F(INT4, part) F(TEXT, name) F(INT4, kind) F(BOOL, sells_at_till) F(BOOL, ships) \
	F(BOOL, hands_over_pickups) F(BOOL, takes_returns) F(INT8, daily_ship_capacity) \
	F(BOOL, disabled) F(COUNT, safety_stock) F(BOOL, has_coordinates) F(FLOAT8, latitude) \
	F(FLOAT8, longitude) F(INT4, pickup_accept_minutes) F(INT4, pickup_ready_minutes) \
	F(INT4, pickup_hold_minutes) F(INT4, ship_minutes) F(BYTES, profile) \
	F(TIME, created_at) F(TIME, updated_at)

#define LOCATION_GROUP_FIELDS(F) \
	F(TEXT, code) \
	F(TEXT, name) F(TEXTS, locations) F(TIME, created_at) F(TIME, updated_at)

/* excluded_*: index by index, locations that must not serve it, and the method (0: none at all). */
#define CHANNEL_FIELDS(F) \
	F(TEXT, code) \
	F(TEXT, name) F(INT4, kind) F(TEXT, location_group) F(COUNT, safety_stock) \
	F(BOOL, plans_shipments) F(INT4, strategy) F(TEXTS, excluded_location) \
	F(COUNTS, excluded_method) F(INT4, delivery_days) F(INT4, delivery_km_per_day) \
	F(TIME, created_at) F(TIME, updated_at)

/* hash: SHA-256 of the secret. */
#define TOKEN_FIELDS(F) \
	F(TEXT, name) \
	F(BYTES, hash) F(INT4, role) F(TEXTS, locations) F(TIME, created_at) F(TIME, revoked_at)

/* Where an item lies at a location. */
#define SHELF_FIELDS(F) \
	F(INT4, part) F(TEXT, location) F(TEXT, sku) \
	F(TEXT, shelf)

/* in_shortage: available < 0, as a column of its own so that it can be indexed without ending
 * PostgreSQL's heap-only updates of the balances. has_quotas: there are rows in quota; only then are
 * they looked up. */
#define STOCK_FIELDS(F) \
	F(INT4, part) F(TEXT, sku) F(TEXT, location) \
	F(INT8, available) F(INT8, reserved) F(INT8, allocated) F(INT8, picked) F(INT8, damaged) \
	F(INT8, quality_control) F(INT8, on_hold) F(INT8, in_transit) F(BOOL, in_shortage) \
	F(COUNT, safety_stock) F(INT8, version) F(BOOL, has_quotas)

/* used: promised by the channel since the quota was set, less what was given back; may be more than
 * the quota. Kept by post(). */
#define QUOTA_FIELDS(F) \
	F(INT4, part) F(TEXT, sku) F(TEXT, location) F(TEXT, channel) \
	F(INT8, quantity) F(INT8, used)

/* Parcels promised to leave a location on a day (days since 1970 UTC), where it has a capacity. */
#define SHIP_DAY_FIELDS(F) \
	F(INT4, part) F(TEXT, location) F(INT4, day) \
	F(INT8, parcels)

/* The lines stand in the row: one row and no further index entry for each hold. */
#define RESERVATION_FIELDS(F) \
	F(INT4, part) F(UUID, id) \
	F(INT4, status) F(TEXT, owner) F(TEXT, customer) F(TEXT, channel) F(TEXTS, line_sku) \
	F(TEXTS, line_location) F(COUNTS, line_quantity) F(TIME, hold_until) F(UUID, order_id) \
	F(TIME, created_at) F(TIME, updated_at)

/* fulfilment_count: its pickups and shipments, ever; they are looked up only when there are any. */
#define CUSTOMER_ORDER_FIELDS(F) \
	F(INT4, part) F(UUID, id) \
	F(INT4, status) F(TEXT, channel) F(TEXT, customer) F(TEXT, reference) F(TEXT, currency) \
	F(UUID, reservation_id) F(INT4, line_count) F(INT4, fulfilment_count) F(TIME, created_at) \
	F(TIME, updated_at)

/* unit_price: minor units. allocation_*: which locations serve the line, index by index; of
 * allocated, `awaiting` are on a transfer to the location, which owns them. */
#define ORDER_LINE_FIELDS(F) \
	F(INT4, part) F(UUID, order_id) F(INT4, line) \
	F(TEXT, sku) F(INT4, method) F(INT8, unit_price) F(INT8, ordered) F(INT8, open) \
	F(INT8, allocated) F(INT8, picked) F(INT8, fulfilled) F(INT8, cancelled) F(INT8, returned) \
	F(TEXT, pickup_location) F(TEXTS, allocation_location) F(COUNTS, allocation_allocated) \
	F(COUNTS, allocation_picked) F(COUNTS, allocation_fulfilled) F(COUNTS, allocation_awaiting)

/* Pickups and shipments: goods of one order at one location. Children of the order: its lock is
 * theirs. kind: DOCUMENT_KIND_PICKUP or _SHIPMENT; status: of that document's enum. accepted: a
 * pickup was accepted before it had to wait for a transfer. due_*: a pickup's deadlines; a shipment
 * uses due_ready. code_hash: '' when there is none; code_failures: wrong codes since it was made.
 * replaces: the lost shipment. */
#define FULFILMENT_FIELDS(F) \
	F(INT4, part) F(UUID, order_id) F(UUID, id) \
	F(INT4, kind) F(INT4, status) F(TEXT, location) F(TEXT, channel) F(TEXT, customer) \
	F(TEXT, reference) F(INT4, line_count) F(BOOL, accepted) F(TIME, accept_by) \
	F(TIME, ready_by) F(TIME, collect_by) F(BYTES, code_hash) F(INT4, code_failures) \
	F(TEXT, collected_by) F(INT4, parcels) F(TEXT, carrier) F(TEXT, tracking) F(UUID, replaces) \
	F(TIME, created_at) F(TIME, updated_at)

/* line: the order's line. quantity = awaiting + to_pick + picked + done + put_back + dropped. The
 * order's line counts to_pick and awaiting as allocated and picked as picked; put_back units are no
 * longer the order's: the fulfilment owns them until they are on the shelf. */
#define FULFILMENT_LINE_FIELDS(F) \
	F(INT4, part) F(UUID, order_id) F(UUID, fulfilment_id) F(INT4, line) \
	F(TEXT, sku) F(INT8, quantity) F(INT8, awaiting) F(INT8, to_pick) F(INT8, picked) \
	F(INT8, done) F(INT8, put_back) F(INT8, dropped)

/* order_id, fulfilment_id: whom the goods are for; nil for the shelf. Lies in the part of its
 * source. */
#define TRANSFER_FIELDS(F) \
	F(INT4, part) F(UUID, id) \
	F(INT4, status) F(TEXT, source) F(TEXT, destination) F(UUID, order_id) \
	F(UUID, fulfilment_id) F(TEXT, reference) F(TEXT, carrier) F(TEXT, tracking) \
	F(INT4, line_count) F(TIME, created_at) F(TIME, updated_at)

/* requested = open + allocated + in_transit + received + damaged + lost + returned + cancelled.
 * The transfer owns ALLOCATED units at its source and IN_TRANSIT units at its destination. */
#define TRANSFER_LINE_FIELDS(F) \
	F(INT4, part) F(UUID, transfer_id) F(INT4, line) \
	F(TEXT, sku) F(INT4, order_line) F(INT8, requested) F(INT8, open) F(INT8, allocated) \
	F(INT8, in_transit) F(INT8, received) F(INT8, damaged) F(INT8, lost) F(INT8, returned) \
	F(INT8, cancelled) F(INT8, over)

/* Work that is due: one row for each document and kind (stockbook.v1.WorkKind), in the document's
 * part, gone when it is done. A claim whose time is over is none. sku: of a recount. */
#define WORK_FIELDS(F) \
	F(INT4, part) F(UUID, document_id) F(INT4, kind) \
	F(TEXT, location) F(INT4, document_kind) F(UUID, order_id) F(TEXT, customer) \
	F(TEXT, reference) F(TEXT, sku) F(INT8, units) F(TIME, due_at) F(TEXT, claimed_by) \
	F(TIME, claimed_until) F(TIME, created_at)

#define GOODS_RETURN_FIELDS(F) \
	F(INT4, part) F(UUID, id) \
	F(INT4, status) F(TEXT, location) F(TEXT, channel) F(TEXT, customer) F(UUID, order_id) \
	F(TEXT, reference) F(TEXT, currency) F(INT4, line_count) F(TIME, created_at) \
	F(TIME, updated_at)

/* order_line: 0 for a blind return. */
#define RETURN_LINE_FIELDS(F) \
	F(INT4, part) F(UUID, return_id) F(INT4, line) \
	F(INT4, order_line) F(TEXT, sku) F(INT8, quantity) F(INT8, waiting) F(INT8, restocked) \
	F(INT8, damaged) F(INT8, destroyed) F(INT8, unit_price)

/* The ledger. change_sequence: the change (below) that the movement belongs to, which names
 * document, channel, actor and request once for all its movements. */
#define MOVEMENT_FIELDS(F) \
	F(INT4, part) F(SEQUENCE, sequence) \
	F(TIME, at) F(TEXT, sku) F(TEXT, from_location) F(INT4, from_state) F(TEXT, to_location) \
	F(INT4, to_state) F(INT8, quantity) F(INT4, reason) F(INT4, document_line) \
	F(SEQUENCE, change_sequence)

/* A step of a document. movements: how many of this part stand just before it. */
#define CHANGE_FIELDS(F) \
	F(INT4, part) F(SEQUENCE, sequence) \
	F(TIME, at) F(INT4, document_kind) F(UUID, document_id) F(TEXT, document_code) F(TEXT, step) \
	F(TEXT, status_before) F(TEXT, status_after) F(TEXT, location) F(TEXT, channel) \
	F(TEXT, actor) F(UUID, request_id) F(TEXT, note) F(INT4, movements)

/* Requests that took effect. response: the packed answer without its position; parts: those that
 * the position names; fingerprint: hash of method and content. */
#define REQUEST_FIELDS(F) \
	F(INT4, part) F(UUID, request_id) \
	F(BYTES, fingerprint) F(BYTES, response) F(COUNTS, parts) F(TIME, at)

/* T(name, key_count, kind, FIELDS) */
#define TABLES(T) \
	T(item,           2, TABLE_POLICY, ITEM_FIELDS) \
	T(item_alias,     2, TABLE_POLICY, ITEM_ALIAS_FIELDS) \
	T(location,       1, TABLE_POLICY, LOCATION_FIELDS) \
	T(location_group, 1, TABLE_POLICY, LOCATION_GROUP_FIELDS) \
	T(channel,        1, TABLE_POLICY, CHANNEL_FIELDS) \
	T(shelf,          3, TABLE_BOOK,   SHELF_FIELDS) \
	T(token,          1, TABLE_BOOK,   TOKEN_FIELDS) \
	T(reservation,    2, TABLE_BOOK,   RESERVATION_FIELDS) \
	T(transfer,       2, TABLE_BOOK,   TRANSFER_FIELDS) \
	T(transfer_line,  3, TABLE_BOOK,   TRANSFER_LINE_FIELDS) \
	T(customer_order, 2, TABLE_BOOK,   CUSTOMER_ORDER_FIELDS) \
	T(order_line,     3, TABLE_BOOK,   ORDER_LINE_FIELDS) \
	T(fulfilment,     3, TABLE_BOOK,   FULFILMENT_FIELDS) \
	T(fulfilment_line, 4, TABLE_BOOK,  FULFILMENT_LINE_FIELDS) \
	T(goods_return,   2, TABLE_BOOK,   GOODS_RETURN_FIELDS) \
	T(return_line,    3, TABLE_BOOK,   RETURN_LINE_FIELDS) \
	T(work,           3, TABLE_BOOK,   WORK_FIELDS) \
	T(ship_day,       3, TABLE_BOOK,   SHIP_DAY_FIELDS) \
	T(stock,          3, TABLE_BOOK,   STOCK_FIELDS) \
	T(quota,          4, TABLE_BOOK,   QUOTA_FIELDS) \
	T(movement,       2, TABLE_LEDGER, MOVEMENT_FIELDS) \
	T(change,         2, TABLE_LEDGER, CHANGE_FIELDS) \
	T(request,        2, TABLE_BOOK,   REQUEST_FIELDS)

#define TABLE_MEMBER(type, name) FIELD_C_##type name;
#define TABLE_STRUCT(table, keys, kind, FIELDS) \
	struct table##_row { struct row row; FIELDS(TABLE_MEMBER) };
TABLES(TABLE_STRUCT)
#undef TABLE_STRUCT
#undef TABLE_MEMBER

/* The order of this list is the global lock order: tables first to last, keys ascending (text by
 * its bytes) within a table. */
enum table_id {
#define TABLE_ID(table, keys, kind, FIELDS) TABLE_ID_##table,
	TABLES(TABLE_ID)
#undef TABLE_ID
	TABLE_COUNT,
};
/* clang-format on */

extern const struct table tables[TABLE_COUNT];
#define TABLE(name) (&tables[TABLE_ID_##name])

/* The parts are 1 to `parts`; part 0 holds what belongs to no location. Stable for ever: it is
 * where rows lie. */
int32_t part_of(const char *code, int32_t parts);

/* -1, 0, 1 by the table's key, in the order in which the database compares (text by bytes). */
int row_key_compare(const struct table *table, const void *a, const void *b);
bool row_key_equal(const struct table *table, const void *a, const void *b);
uint64_t row_key_hash(const struct table *table, const void *row);
/* Deep copy of all fields (not of struct row) into the arena. */
void row_copy(const struct table *table, void *to, const void *from, struct arena *arena);
/* A fresh row of defaults: '' for texts, 0 otherwise, COUNT_NONE for COUNT. */
void *row_new(const struct table *table, struct arena *arena);

/* One field of a row, whatever its type. */
static inline const void *row_field(const void *row, const struct field *field)
{
	return (const char *)row + field->offset;
}
/* By name; aborts when there is none, which a test of every declared use finds. */
const struct field *table_field(const struct table *table, const char *name);
/* Two values of one field's type, as the database compares them. Lists, bytes and booleans too. */
int field_compare(enum field_type type, const void *a, const void *b);

#endif
