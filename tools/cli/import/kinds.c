/*
 * What can be imported: titles of the columns, what makes a row right, and the request for it.
 */
#include "import.h"

#include <string.h>

#include "cli/parse.h"
#include "stockbook/v1/item.pb-c.h"
#include "stockbook/v1/location.pb-c.h"
#include "stockbook/v1/stock.pb-c.h"

#define QUANTITY_MAX 1000000000000

static const char *check_quantity(const char *text, int64_t min)
{
	int64_t quantity;
	if (!parse_integer(text, &quantity))
		return "is not a whole number";
	if (quantity < min)
		return min ? "must be 1 or more" : "must be 0 or more";
	return quantity > QUANTITY_MAX ? "is larger than 1000000000000" : NULL;
}

static const char *check_code(const char *text)
{
	size_t characters = 0;
	for (const char *at = text; *at; at++)
		characters += ((unsigned char)*at & 0xc0) != 0x80;
	if (!*text)
		return "is empty";
	if (characters > 64)
		return "is longer than 64 characters";
	if (text[0] == ' ' || text[strlen(text) - 1] == ' ')
		return "begins or ends with a space";
	return NULL;
}

static int64_t integer(const char *text)
{
	int64_t value = 0;
	return parse_integer(text, &value) ? value : 0;
}

static const char *const booleans[] = {"no", "yes", "false", "true", "0", "1"};

static const char *check_boolean(const char *text)
{
	return !*text || parse_word(text, booleans, ARRAY_COUNT(booleans)) >= 0
			   ? NULL
			   : "is neither yes nor no";
}

static bool boolean(const char *text, bool otherwise)
{
	return *text ? parse_word(text, booleans, ARRAY_COUNT(booleans)) % 2 == 1 : otherwise;
}

/* items */

enum { ITEM_SKU, ITEM_NAME, ITEM_ALIASES, ITEM_SAFETY_STOCK };

static const char *check_item(const struct import_row *row, int *title)
{
	*title = ITEM_SKU;
	const char *wrong = check_code(row->values[ITEM_SKU]);
	if (!wrong && *row->values[ITEM_SAFETY_STOCK]) {
		*title = ITEM_SAFETY_STOCK;
		wrong = check_quantity(row->values[ITEM_SAFETY_STOCK], 0);
	}
	return wrong;
}

static void set_aliases(struct arena *arena, Stockbook__V1__Item *item, const char *text)
{
	size_t capacity = 0;
	while (*text) {
		size_t length = strcspn(text, "|");
		if (length) {
			item->aliases =
				arena_grow(arena, item->aliases, item->n_aliases, &capacity, sizeof(char *));
			item->aliases[item->n_aliases++] = arena_string_sized(arena, text, length);
		}
		text += length + (text[length] == '|');
	}
}

static ProtobufCMessage *build_item(struct job *job)
{
	const char *const *values = job->rows[0].values;
	Stockbook__V1__PutItemRequest *request = arena_alloc(&job->arena, sizeof(*request));
	Stockbook__V1__Item *item = arena_alloc(&job->arena, sizeof(*item));
	stockbook__v1__put_item_request__init(request);
	stockbook__v1__item__init(item);
	request->item = item;
	item->sku = text_of(values[ITEM_SKU]);
	item->name = text_of(values[ITEM_NAME]);
	set_aliases(&job->arena, item, values[ITEM_ALIASES]);
	if (*values[ITEM_SAFETY_STOCK])
		item->safety_stock = int64_value(&job->arena, integer(values[ITEM_SAFETY_STOCK]));
	return &request->base;
}

/* locations */

enum {
	LOCATION_CODE,
	LOCATION_NAME,
	LOCATION_KIND,
	LOCATION_TIME_ZONE,
	LOCATION_TILL,
	LOCATION_SHIPS,
	LOCATION_PICKUPS,
	LOCATION_RETURNS,
	LOCATION_DISABLED,
	LOCATION_CAPACITY,
	LOCATION_SAFETY_STOCK,
};

static const char *check_location(const struct import_row *row, int *title)
{
	int kind;
	*title = LOCATION_CODE;
	const char *wrong = check_code(row->values[LOCATION_CODE]);
	if (wrong)
		return wrong;
	*title = LOCATION_KIND;
	if (*row->values[LOCATION_KIND] &&
		!parse_enum(&stockbook__v1__location_kind__descriptor, row->values[LOCATION_KIND], &kind))
		return "is not one of store, warehouse, virtual";
	for (*title = LOCATION_TILL; *title <= LOCATION_DISABLED; ++*title)
		if ((wrong = check_boolean(row->values[*title])))
			return wrong;
	for (*title = LOCATION_CAPACITY; *title <= LOCATION_SAFETY_STOCK; ++*title)
		if (*row->values[*title] && (wrong = check_quantity(row->values[*title], 0)))
			return wrong;
	return NULL;
}

static ProtobufCMessage *build_location(struct job *job)
{
	const char *const *values = job->rows[0].values;
	Stockbook__V1__PutLocationRequest *request = arena_alloc(&job->arena, sizeof(*request));
	Stockbook__V1__Location *location = arena_alloc(&job->arena, sizeof(*location));
	int kind = STOCKBOOK__V1__LOCATION_KIND__LOCATION_KIND_STORE;
	stockbook__v1__put_location_request__init(request);
	stockbook__v1__location__init(location);
	request->location = location;
	location->code = text_of(values[LOCATION_CODE]);
	location->name = text_of(values[LOCATION_NAME]);
	location->time_zone = text_of(values[LOCATION_TIME_ZONE]);
	/* Checked before: an empty one leaves the store. */
	if (*values[LOCATION_KIND])
		CHECK(parse_enum(&stockbook__v1__location_kind__descriptor, values[LOCATION_KIND], &kind));
	location->kind = (Stockbook__V1__LocationKind)kind;
	location->sells_at_till =
		boolean(values[LOCATION_TILL], kind == STOCKBOOK__V1__LOCATION_KIND__LOCATION_KIND_STORE);
	location->ships = boolean(values[LOCATION_SHIPS], true);
	location->hands_over_pickups = boolean(values[LOCATION_PICKUPS], false);
	location->takes_returns = boolean(values[LOCATION_RETURNS], true);
	location->disabled = boolean(values[LOCATION_DISABLED], false);
	location->daily_ship_capacity = integer(values[LOCATION_CAPACITY]);
	if (*values[LOCATION_SAFETY_STOCK])
		location->safety_stock = int64_value(&job->arena, integer(values[LOCATION_SAFETY_STOCK]));
	return &request->base;
}

/* stock: received, or set to an absolute figure */

enum { STOCK_LOCATION, STOCK_SKU, STOCK_QUANTITY, STOCK_STATE };

static const char *check_stock_at_least(const struct import_row *row, int *title, int64_t min)
{
	int state;
	*title = STOCK_LOCATION;
	const char *wrong = check_code(row->values[STOCK_LOCATION]);
	if (!wrong) {
		*title = STOCK_SKU;
		wrong = check_code(row->values[STOCK_SKU]);
	}
	if (!wrong) {
		*title = STOCK_QUANTITY;
		wrong = check_quantity(row->values[STOCK_QUANTITY], min);
	}
	if (!wrong && *row->values[STOCK_STATE]) {
		*title = STOCK_STATE;
		if (!parse_enum(&stockbook__v1__stock_state__descriptor, row->values[STOCK_STATE], &state))
			wrong = "is not one of available, damaged, quality-control, on-hold";
	}
	return wrong;
}

static const char *check_receipt(const struct import_row *row, int *title)
{
	return check_stock_at_least(row, title, 1);
}

static const char *check_set(const struct import_row *row, int *title)
{
	return check_stock_at_least(row, title, 0);
}

static ProtobufCMessage *build_receipt(struct job *job)
{
	Stockbook__V1__ReceiveStockRequest *request = arena_alloc(&job->arena, sizeof(*request));
	stockbook__v1__receive_stock_request__init(request);
	request->location = text_of(job->group);
	request->n_lines = job->count;
	request->lines = arena_alloc_array(&job->arena, job->count, sizeof(*request->lines));
	for (size_t i = 0; i < job->count; i++) {
		const char *const *values = job->rows[i].values;
		Stockbook__V1__ReceiptLine *line = arena_alloc(&job->arena, sizeof(*line));
		int state = 0;
		stockbook__v1__receipt_line__init(line);
		line->sku = text_of(values[STOCK_SKU]);
		line->quantity = integer(values[STOCK_QUANTITY]);
		if (*values[STOCK_STATE])
			CHECK(parse_enum(&stockbook__v1__stock_state__descriptor, values[STOCK_STATE], &state));
		line->state = (Stockbook__V1__StockState)state;
		request->lines[i] = line;
	}
	return &request->base;
}

static ProtobufCMessage *build_set(struct job *job)
{
	Stockbook__V1__SetStockRequest *request = arena_alloc(&job->arena, sizeof(*request));
	stockbook__v1__set_stock_request__init(request);
	request->location = text_of(job->group);
	request->n_lines = job->count;
	request->lines = arena_alloc_array(&job->arena, job->count, sizeof(*request->lines));
	for (size_t i = 0; i < job->count; i++) {
		Stockbook__V1__SetStockLine *line = arena_alloc(&job->arena, sizeof(*line));
		stockbook__v1__set_stock_line__init(line);
		line->sku = text_of(job->rows[i].values[STOCK_SKU]);
		line->on_hand = integer(job->rows[i].values[STOCK_QUANTITY]);
		request->lines[i] = line;
	}
	return &request->base;
}

static const struct import_kind kinds[] = {
	{
		.name = "items",
		.service = "ItemService",
		.method = "PutItem",
		.titles = {{"sku", true}, {"name", false}, {"aliases", false}, {"safety_stock", false}},
		.rows_max = 1,
		.group = -1,
		.unique = -1,
		.ordered = ITEM_SKU,
		.check = check_item,
		.build = build_item,
	},
	{
		.name = "locations",
		.service = "LocationService",
		.method = "PutLocation",
		.titles = {{"code", true}, {"name", false}, {"kind", false}, {"time_zone", false},
			{"sells_at_till", false}, {"ships", false}, {"hands_over_pickups", false},
			{"takes_returns", false}, {"disabled", false}, {"daily_ship_capacity", false},
			{"safety_stock", false}},
		.rows_max = 1,
		.group = -1,
		.unique = -1,
		.ordered = LOCATION_CODE,
		.check = check_location,
		.build = build_location,
	},
	{
		.name = "stock",
		.service = "StockService",
		.method = "ReceiveStock",
		.titles = {{"location", true}, {"sku", true}, {"quantity", true}, {"state", false}},
		.rows_max = 500,
		.group = STOCK_LOCATION,
		.unique = -1,
		.ordered = -1,
		.check = check_receipt,
		.build = build_receipt,
	},
	/* `stock --absolute`; each SKU once in a call. */
	{
		.name = "stock",
		.service = "StockService",
		.method = "SetStock",
		.titles = {{"location", true}, {"sku", true}, {"quantity", true}},
		.rows_max = 500,
		.group = STOCK_LOCATION,
		.unique = STOCK_SKU,
		.ordered = STOCK_LOCATION,
		.check = check_set,
		.build = build_set,
	},
};

const struct import_kind *import_kind(const char *name, bool absolute)
{
	for (size_t i = 0; i < ARRAY_COUNT(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0 && absolute == (kinds[i].unique >= 0))
			return &kinds[i];
	return NULL;
}
