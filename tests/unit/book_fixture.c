#include "unit/book_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "stockbook/v1/channel.pb-c.h"
#include "stockbook/v1/item.pb-c.h"
#include "stockbook/v1/location.pb-c.h"
#include "stockbook/v1/stock.pb-c.h"
#include "stockbook/v1/token.pb-c.h"

static const struct book_limits limits = {
	.parts = 8,
	.hold_default_us = 900 * SECOND_US,
	.hold_max_us = 30 * 86400 * SECOND_US,
	.blind_return_units_max = 10,
};

int book_setup(void **state)
{
	struct book *book = calloc(1, sizeof(*book));
	assert_non_null(book);
	book->store = memory_store_new(&limits);
	book->invariants = invariants_new(book->store);
	arena_init(&book->arena);
	book->actor = (struct actor){.name = "tester", .role = STOCKBOOK__V1__ROLE__ROLE_ADMIN};
	book->now_us = INT64_C(1700000000) * SECOND_US;
	*state = book;
	return 0;
}

int book_teardown(void **state)
{
	struct book *book = *state;
	invariants_free(book->invariants);
	memory_store_free(book->store);
	arena_release(&book->arena);
	free(book);
	return 0;
}

/* The request's id, or that of the request that it wraps; one of the fixture's own where it is
 * empty. */
static struct uuid request_id_of(struct book *book, const ProtobufCMessage *request)
{
	struct uuid id = {0};
	const ProtobufCFieldDescriptor *wrapped =
		protobuf_c_message_descriptor_get_field_by_name(request->descriptor, "request");
	if (wrapped)
		request = *(const ProtobufCMessage *const *)(const void *)((const char *)request +
																   wrapped->offset);
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(request->descriptor, "request_id");
	if (!field)
		return id;
	const char *text = *(char *const *)((const char *)request + field->offset);
	if (text[0] == '\0')
		return uuid_make(book->now_us, 0, ++book->requests);
	assert_true(uuid_parse(text, &id));
	return id;
}

static struct store_call call_of(struct book *book, const char *operation, const void *request)
{
	struct store_call call = {
		.operation = operation_find(operation),
		.request = request,
		.actor = &book->actor,
		.request_id = request_id_of(book, request),
	};
	if (!call.operation)
		fail_msg("there is no operation '%s'", operation);
	assert_ptr_equal(call.operation->request, ((const ProtobufCMessage *)request)->descriptor);
	return call;
}

static struct store_call call_once(struct book *book, const char *operation, const void *request)
{
	struct store_call call = call_of(book, operation, request);
	book->now_us += 1000;
	memory_store_run(book->store, &call, 1, book->now_us);
	const char *wrong = invariants_check(book->invariants);
	if (wrong)
		fail_msg("after '%s': %s", operation, wrong);
	return call;
}

static void *allocate(void *arena, size_t size)
{
	return arena_alloc(arena, size);
}

static void ignore(void *arena, void *memory)
{
	(void)arena;
	(void)memory;
}

void book_race(struct book *book, const char *operation, const void *const *requests,
	struct store_call *calls, size_t count, size_t lane_count)
{
	struct memory_lane *lanes[BOOK_LANES_MAX];
	size_t each = count / lane_count;
	assert_true(lane_count <= BOOK_LANES_MAX && each * lane_count == count);
	for (size_t i = 0; i < count; i++)
		calls[i] = call_of(book, operation, requests[i]);
	for (size_t i = 0; i < lane_count; i++) {
		lanes[i] = memory_lane_open(book->store, i);
		memory_lane_submit(lanes[i], calls + i * each, each);
	}
	for (bool busy = true; busy;) {
		busy = false;
		for (size_t i = 0; i < lane_count; i++) {
			if (memory_lane_state(lanes[i]) == MEMORY_LANE_IDLE)
				continue;
			busy = true;
			memory_lane_step(lanes[i], book->now_us);
			assert_null(invariants_check(book->invariants));
		}
	}
	for (size_t i = 0; i < lane_count; i++)
		memory_lane_close(lanes[i]);
	for (size_t i = 0; i < count; i++)
		assert_true(calls[i].answered);
}

const void *book_call(struct book *book, const char *operation, const void *request)
{
	struct store_call call = call_once(book, operation, request);
	if (call.verdict != VERDICT_DONE)
		fail_msg("'%s' was refused: %s", operation, call.refusal.message);
	ProtobufCAllocator allocator = {allocate, ignore, &book->arena};
	void *response = protobuf_c_message_unpack(call.operation->response, &allocator,
		call.response.size, call.response.data);
	assert_non_null(response);
	return response;
}

const struct refusal *book_refusal(struct book *book, const char *operation, const void *request,
	Stockbook__V1__Reason reason)
{
	struct store_call call = call_once(book, operation, request);
	if (call.verdict != VERDICT_REFUSED)
		fail_msg("'%s' was not refused", operation);
	if (call.refusal.reason != reason)
		fail_msg("'%s' was refused for '%s': %s", operation,
			refusal_reason_name(call.refusal.reason), call.refusal.message);
	return arena_copy(&book->arena, &call.refusal, sizeof(call.refusal));
}

const char *refusal_value(const struct refusal *refusal, const char *key)
{
	for (size_t i = 0; i < refusal->metadata_count; i++)
		if (strcmp(refusal->metadata[i].key, key) == 0)
			return refusal->metadata[i].value;
	fail_msg("the refusal '%s' does not say '%s'", refusal->message, key);
	return NULL;
}

void assert_wrong_field(const struct refusal *refusal, const char *field)
{
	for (size_t i = 0; i < refusal->field_count; i++)
		if (strcmp(refusal->fields[i].field, field) == 0)
			return;
	fail_msg("the refusal '%s' does not name the field '%s'", refusal->message, field);
}

/* ---- What most tests begin with ---- */

void book_add_item(struct book *book, const char *sku)
{
	Stockbook__V1__Item item = STOCKBOOK__V1__ITEM__INIT;
	item.sku = (char *)sku;
	Stockbook__V1__PutItemRequest request = STOCKBOOK__V1__PUT_ITEM_REQUEST__INIT;
	request.item = &item;
	book_call(book, "ItemService/PutItem", &request);
}

void book_add_location(struct book *book, const char *code)
{
	Stockbook__V1__Location location = STOCKBOOK__V1__LOCATION__INIT;
	location.code = (char *)code;
	location.kind = STOCKBOOK__V1__LOCATION_KIND__LOCATION_KIND_STORE;
	location.sells_at_till = true;
	location.ships = true;
	location.takes_returns = true;
	location.hands_over_pickups = true;
	Stockbook__V1__PutLocationRequest request = STOCKBOOK__V1__PUT_LOCATION_REQUEST__INIT;
	request.location = &location;
	book_call(book, "LocationService/PutLocation", &request);
}

void book_add_channel(struct book *book, const char *code, const char *const *locations,
	size_t count)
{
	Stockbook__V1__LocationGroup group = STOCKBOOK__V1__LOCATION_GROUP__INIT;
	group.code = (char *)code;
	group.n_locations = count;
	group.locations = (char **)locations;
	Stockbook__V1__PutLocationGroupRequest put_group =
		STOCKBOOK__V1__PUT_LOCATION_GROUP_REQUEST__INIT;
	put_group.location_group = &group;
	book_call(book, "LocationService/PutLocationGroup", &put_group);

	Stockbook__V1__Channel channel = STOCKBOOK__V1__CHANNEL__INIT;
	channel.code = (char *)code;
	channel.kind = STOCKBOOK__V1__CHANNEL_KIND__CHANNEL_KIND_WEB;
	channel.location_group = (char *)code;
	Stockbook__V1__PutChannelRequest put_channel = STOCKBOOK__V1__PUT_CHANNEL_REQUEST__INIT;
	put_channel.channel = &channel;
	book_call(book, "ChannelService/PutChannel", &put_channel);
}

void book_receive(struct book *book, const char *sku, const char *location, int64_t quantity)
{
	Stockbook__V1__ReceiptLine line = STOCKBOOK__V1__RECEIPT_LINE__INIT;
	Stockbook__V1__ReceiptLine *lines[] = {&line};
	line.sku = (char *)sku;
	line.quantity = quantity;
	Stockbook__V1__ReceiveStockRequest request = STOCKBOOK__V1__RECEIVE_STOCK_REQUEST__INIT;
	request.location = (char *)location;
	request.n_lines = 1;
	request.lines = lines;
	book_call(book, "StockService/ReceiveStock", &request);
}

struct stock_row book_stock(struct book *book, const char *sku, const char *location)
{
	struct stock_row key = {
		.part = part_of(location, limits.parts), .sku = sku, .location = location};
	const struct stock_row *row = memory_store_find(book->store, TABLE(stock), &key);
	key.safety_stock = COUNT_NONE;
	return row ? *row : key;
}

size_t book_movements(struct book *book)
{
	size_t count;
	memory_store_rows(book->store, TABLE(movement), &count);
	return count;
}
