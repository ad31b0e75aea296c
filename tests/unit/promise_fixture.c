#include "unit/promise_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <xxhash.h>

#include "stockbook/v1/item.pb-c.h"
#include "stockbook/v1/stock.pb-c.h"

#define NEW(book, Type, type)                                                                      \
	Stockbook__V1__##Type *type = arena_alloc(&(book)->arena, sizeof(*type));                      \
	stockbook__v1__##type##__init(type)

#define LINES_MOST 16

int trade_setup(void **state)
{
	book_setup(state);
	struct book *book = *state;
	static char *aliases[] = {"ALIAS"};
	Stockbook__V1__Item item = STOCKBOOK__V1__ITEM__INIT;
	Stockbook__V1__PutItemRequest request = STOCKBOOK__V1__PUT_ITEM_REQUEST__INIT;
	item.sku = "S1";
	item.n_aliases = 1;
	item.aliases = aliases;
	request.item = &item;
	book_call(book, "ItemService/PutItem", &request);
	book_add_item(book, "S2");
	book_add_item(book, "S3");
	static const char *const locations[] = {"LEEDS", "YORK", "HULL"};
	for (size_t i = 0; i < ARRAY_COUNT(locations); i++)
		book_add_location(book, locations[i]);
	book_add_channel(book, "web", locations, ARRAY_COUNT(locations));
	return 0;
}

/* ---- Lines from text ---- */

struct word {
	bool carry_out;
	char *name; /* SKU, or an order's line */
	int64_t quantity;
	char disposition; /* '\0' for none */
	char *location;
	int64_t price;
};

static size_t parse(struct book *book, const char *text, struct word *words)
{
	size_t count = 0;
	char *copy = arena_string(&book->arena, text);
	for (char *rest = copy, *at; (at = strsep(&rest, " "));) {
		if (*at == '\0')
			continue;
		assert_true(count < LINES_MOST);
		struct word *word = &words[count++];
		*word = (struct word){.carry_out = *at == '!', .location = ""};
		word->name = at + (word->carry_out ? 1 : 0);
		char *end = strchr(word->name, '*');
		assert_non_null(end);
		*end = '\0';
		word->quantity = strtoll(end + 1, &end, 10);
		if (*end && strchr("rdx", *end))
			word->disposition = *end++;
		char *price = strchr(end, ':');
		if (price) {
			*price = '\0';
			word->price = strtoll(price + 1, NULL, 10);
		}
		if (*end == '@')
			word->location = end + 1;
	}
	return count;
}

Google__Protobuf__Duration *seconds(struct book *book, int64_t seconds)
{
	Google__Protobuf__Duration *duration = arena_alloc(&book->arena, sizeof(*duration));
	google__protobuf__duration__init(duration);
	duration->seconds = seconds;
	return duration;
}

Stockbook__V1__Money *money(struct book *book, int64_t minor_units, const char *currency)
{
	NEW(book, Money, money);
	money->minor_units = minor_units;
	money->currency_code = arena_string(&book->arena, currency);
	return money;
}

static Stockbook__V1__ReserveLine **reserve_lines(struct book *book, const char *text,
	size_t *count)
{
	struct word words[LINES_MOST];
	*count = parse(book, text, words);
	Stockbook__V1__ReserveLine **lines = arena_alloc_array(&book->arena, *count, sizeof(*lines));
	for (size_t i = 0; i < *count; i++) {
		NEW(book, ReserveLine, reserve_line);
		reserve_line->sku = words[i].name;
		reserve_line->quantity = words[i].quantity;
		reserve_line->location = words[i].location;
		lines[i] = reserve_line;
	}
	return lines;
}

Stockbook__V1__ReserveRequest *reserve_request(struct book *book, const char *lines)
{
	NEW(book, ReserveRequest, reserve_request);
	reserve_request->owner = "basket";
	reserve_request->customer = "ann";
	reserve_request->channel = "web";
	reserve_request->lines = reserve_lines(book, lines, &reserve_request->n_lines);
	return reserve_request;
}

Stockbook__V1__ReplaceReservationRequest *replace_request(struct book *book, const char *id,
	const char *lines)
{
	NEW(book, ReplaceReservationRequest, replace_reservation_request);
	replace_reservation_request->reservation_id = arena_string(&book->arena, id);
	replace_reservation_request->lines =
		reserve_lines(book, lines, &replace_reservation_request->n_lines);
	return replace_reservation_request;
}

Stockbook__V1__ConfirmReservationRequest *confirm_request(struct book *book, const char *id)
{
	NEW(book, ConfirmReservationRequest, confirm_reservation_request);
	confirm_reservation_request->reservation_id = arena_string(&book->arena, id);
	return confirm_reservation_request;
}

Stockbook__V1__PlaceOrderRequest *place_request(struct book *book, const char *lines)
{
	NEW(book, PlaceOrderRequest, place_order_request);
	place_order_request->channel = "web";
	place_order_request->customer = "ann";
	place_order_request->reference = "A-1";
	struct word words[LINES_MOST];
	place_order_request->n_lines = parse(book, lines, words);
	place_order_request->lines =
		arena_alloc_array(&book->arena, place_order_request->n_lines, sizeof(void *));
	for (size_t i = 0; i < place_order_request->n_lines; i++) {
		NEW(book, PlaceOrderLine, place_order_line);
		place_order_line->sku = words[i].name;
		place_order_line->quantity = words[i].quantity;
		place_order_line->location = words[i].location;
		if (words[i].carry_out)
			place_order_line->method =
				STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_CARRY_OUT;
		if (words[i].price)
			place_order_line->unit_price = money(book, words[i].price, "GBP");
		place_order_request->lines[i] = place_order_line;
	}
	return place_order_request;
}

static void *field_of(void *message, const char *name, bool quantifier)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(((ProtobufCMessage *)message)->descriptor,
			name);
	assert_non_null(field);
	return (char *)message + (quantifier ? field->quantifier_offset : field->offset);
}

void *step_request(struct book *book, const char *operation, const char *id, const char *lines)
{
	const struct operation *found = operation_find(operation);
	assert_non_null(found);
	void *message = arena_alloc(&book->arena, found->request->sizeof_message);
	protobuf_c_message_init(found->request, message);
	*(char **)field_of(message, "order_id", false) = arena_string(&book->arena, id);
	struct word words[LINES_MOST];
	size_t count = parse(book, lines, words);
	Stockbook__V1__OrderLineQuantity **quantities =
		arena_alloc_array(&book->arena, count, sizeof(*quantities));
	for (size_t i = 0; i < count; i++) {
		NEW(book, OrderLineQuantity, order_line_quantity);
		order_line_quantity->line = (int32_t)strtol(words[i].name, NULL, 10);
		order_line_quantity->quantity = words[i].quantity;
		order_line_quantity->location = words[i].location;
		quantities[i] = order_line_quantity;
	}
	*(void **)field_of(message, "lines", false) = quantities;
	*(size_t *)field_of(message, "lines", true) = count;
	return message;
}

static Stockbook__V1__Disposition disposition_of(char letter)
{
	switch (letter) {
	case 'r':
		return STOCKBOOK__V1__DISPOSITION__DISPOSITION_RESTOCK;
	case 'd':
		return STOCKBOOK__V1__DISPOSITION__DISPOSITION_DAMAGED;
	case 'x':
		return STOCKBOOK__V1__DISPOSITION__DISPOSITION_DESTROYED;
	default:
		return STOCKBOOK__V1__DISPOSITION__DISPOSITION_UNSPECIFIED;
	}
}

Stockbook__V1__CreateReturnRequest *return_request(struct book *book, const char *location,
	const char *order_id, const char *lines)
{
	NEW(book, CreateReturnRequest, create_return_request);
	create_return_request->location = arena_string(&book->arena, location);
	create_return_request->order_id = arena_string(&book->arena, order_id);
	struct word words[LINES_MOST];
	create_return_request->n_lines = parse(book, lines, words);
	create_return_request->lines =
		arena_alloc_array(&book->arena, create_return_request->n_lines, sizeof(void *));
	for (size_t i = 0; i < create_return_request->n_lines; i++) {
		NEW(book, CreateReturnLine, create_return_line);
		char *end;
		create_return_line->order_line = (int32_t)strtol(words[i].name, &end, 10);
		if (*end) {
			create_return_line->order_line = 0;
			create_return_line->sku = words[i].name;
		}
		create_return_line->quantity = words[i].quantity;
		create_return_line->disposition = disposition_of(words[i].disposition);
		if (words[i].price)
			create_return_line->unit_price = money(book, words[i].price, "GBP");
		create_return_request->lines[i] = create_return_line;
	}
	return create_return_request;
}

/* ---- Calls ---- */

const Stockbook__V1__Reservation *reserve(struct book *book, const char *lines)
{
	const Stockbook__V1__ReserveResponse *response =
		book_call(book, "ReservationService/Reserve", reserve_request(book, lines));
	return response->reservation;
}

const Stockbook__V1__Reservation *get_reservation(struct book *book, const char *id)
{
	Stockbook__V1__GetReservationRequest request = STOCKBOOK__V1__GET_RESERVATION_REQUEST__INIT;
	request.reservation_id = (char *)id;
	const Stockbook__V1__GetReservationResponse *response =
		book_call(book, "ReservationService/GetReservation", &request);
	return response->reservation;
}

const Stockbook__V1__Order *place(struct book *book, const char *lines)
{
	const Stockbook__V1__PlaceOrderResponse *response =
		book_call(book, "OrderService/PlaceOrder", place_request(book, lines));
	return response->order;
}

const Stockbook__V1__Order *order_do(struct book *book, const char *operation, const char *id,
	const char *lines)
{
	const void *response = book_call(book, operation, step_request(book, operation, id, lines));
	return *(Stockbook__V1__Order **)field_of((void *)response, "order", false);
}

const Stockbook__V1__Order *get_order(struct book *book, const char *id)
{
	Stockbook__V1__GetOrderRequest request = STOCKBOOK__V1__GET_ORDER_REQUEST__INIT;
	request.order_id = (char *)id;
	const Stockbook__V1__GetOrderResponse *response =
		book_call(book, "OrderService/GetOrder", &request);
	return response->order;
}

const Stockbook__V1__Return *take_back(struct book *book, const char *location,
	const char *order_id, const char *lines)
{
	const Stockbook__V1__CreateReturnResponse *response = book_call(book,
		"ReturnService/CreateReturn", return_request(book, location, order_id, lines));
	return response->goods_return;
}

void lose(struct book *book, const char *sku, const char *location, int64_t quantity)
{
	Stockbook__V1__AdjustmentLine line = STOCKBOOK__V1__ADJUSTMENT_LINE__INIT;
	Stockbook__V1__AdjustmentLine *lines[] = {&line};
	line.sku = (char *)sku;
	line.quantity = -quantity;
	Stockbook__V1__AdjustStockRequest request = STOCKBOOK__V1__ADJUST_STOCK_REQUEST__INIT;
	request.location = (char *)location;
	request.reason = STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_SHRINKAGE;
	request.n_lines = 1;
	request.lines = lines;
	book_call(book, "StockService/AdjustStock", &request);
}

void set_safety(struct book *book, const char *sku, const char *location, int64_t quantity)
{
	Google__Protobuf__Int64Value value = GOOGLE__PROTOBUF__INT64_VALUE__INIT;
	Stockbook__V1__SafetyStockLine line = STOCKBOOK__V1__SAFETY_STOCK_LINE__INIT;
	Stockbook__V1__SafetyStockLine *lines[] = {&line};
	value.value = quantity;
	line.sku = (char *)sku;
	line.quantity = &value;
	Stockbook__V1__SetSafetyStockRequest request = STOCKBOOK__V1__SET_SAFETY_STOCK_REQUEST__INIT;
	request.location = (char *)location;
	request.n_lines = 1;
	request.lines = lines;
	book_call(book, "StockService/SetSafetyStock", &request);
}

/* ---- Looking ---- */

void assert_stock(struct book *book, const char *sku, const char *location, const char *balances)
{
	struct stock_row stock = book_stock(book, sku, location);
	assert_string_equal(arena_printf(&book->arena, "%lld %lld %lld %lld %lld %lld",
							(long long)stock.available, (long long)stock.reserved,
							(long long)stock.allocated, (long long)stock.picked,
							(long long)stock.damaged, (long long)stock.quality_control),
		balances);
}

void assert_line(const Stockbook__V1__Order *order, size_t line, const char *counters)
{
	assert_true(line >= 1 && line <= order->n_lines);
	const Stockbook__V1__OrderLine *at = order->lines[line - 1];
	char text[160];
	snprintf(text, sizeof(text), "%lld %lld %lld %lld %lld %lld", (long long)at->open,
		(long long)at->allocated, (long long)at->picked, (long long)at->fulfilled,
		(long long)at->cancelled, (long long)at->returned);
	assert_string_equal(text, counters);
}

const struct movement_row *movement_back(struct book *book, size_t before_last)
{
	size_t count;
	const void *const *rows = memory_store_rows(book->store, TABLE(movement), &count);
	assert_true(before_last < count);
	return rows[count - 1 - before_last];
}

static uint64_t digest_value(const struct field *field, const void *value, uint64_t seed)
{
	if (field->type == FIELD_TEXT) {
		const char *text = *(const char *const *)value;
		return XXH3_64bits_withSeed(text, strlen(text), seed);
	}
	if (field->type == FIELD_TEXTS) {
		const struct text_list *list = value;
		for (size_t i = 0; i < list->count; i++)
			seed = XXH3_64bits_withSeed(list->items[i], strlen(list->items[i]) + 1, seed + 1);
		return seed;
	}
	if (field->type == FIELD_COUNTS) {
		const struct count_list *list = value;
		return XXH3_64bits_withSeed(list->items, list->count * sizeof(*list->items), seed);
	}
	if (field->type == FIELD_BYTES)
		return XXH3_64bits_withSeed(((const struct bytes *)value)->data,
			((const struct bytes *)value)->size, seed);
	size_t size = 8;
	if (field->type == FIELD_UUID)
		size = sizeof(struct uuid);
	else if (field->type == FIELD_INT4)
		size = sizeof(int32_t);
	else if (field->type == FIELD_BOOL)
		size = sizeof(bool);
	return XXH3_64bits_withSeed(value, size, seed);
}

uint64_t book_digest(struct book *book)
{
	uint64_t sum = 0; /* in no order: rows are added up */
	for (size_t t = 0; t < TABLE_COUNT; t++) {
		if (&tables[t] == TABLE(request))
			continue;
		size_t count;
		const void *const *rows = memory_store_rows(book->store, &tables[t], &count);
		for (size_t i = 0; i < count; i++) {
			uint64_t row = t + 1;
			for (size_t f = 0; f < tables[t].field_count; f++)
				row = digest_value(&tables[t].fields[f], row_field(rows[i], &tables[t].fields[f]),
					row);
			sum += row;
		}
	}
	return sum;
}
