#include "unit/fulfilment_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "book/operations.h"
#include "book/pickup.h"
#include "stockbook/internal/v1/pickup.pb-c.h"
#include "stockbook/v1/work.pb-c.h"

#define LINES_MOST 32

/* ---- Requests, by the names of their fields ---- */

static const ProtobufCFieldDescriptor *find_field(const void *message, const char *name)
{
	return protobuf_c_message_descriptor_get_field_by_name(((const ProtobufCMessage *)message)
															   ->descriptor,
		name);
}

static void *field_of(void *message, const char *name)
{
	const ProtobufCFieldDescriptor *field = find_field(message, name);
	assert_non_null(field);
	return (char *)message + field->offset;
}

static void set_list(void *message, void *items, size_t count)
{
	*(void **)field_of(message, "lines") = items;
	*(size_t *)(void *)((char *)message + find_field(message, "lines")->quantifier_offset) = count;
}

/* The API's request within a wrapped one. */
static void *unwrapped(void *request)
{
	return find_field(request, "request") ? *(void **)field_of(request, "request") : request;
}

static ProtobufCBinaryData code_hash(struct book *book, char code)
{
	uint8_t *bytes = arena_alloc(&book->arena, PICKUP_CODE_HASH_SIZE);
	memset(bytes, code, PICKUP_CODE_HASH_SIZE);
	return (ProtobufCBinaryData){PICKUP_CODE_HASH_SIZE, bytes};
}

const char *fulfilment_operation(struct book *book, const char *method)
{
	const char *noun = strstr(method, "Pickup") ? "Pickup" : "Shipment";
	return arena_printf(&book->arena, "%sService/%s", noun, method);
}

static void *new_message(struct book *book, const ProtobufCMessageDescriptor *descriptor)
{
	void *message = arena_alloc(&book->arena, descriptor->sizeof_message);
	protobuf_c_message_init(descriptor, message);
	return message;
}

void *fulfilment_ask(struct book *book, const char *method, const char *id)
{
	const struct operation *operation = operation_find(fulfilment_operation(book, method));
	if (!operation)
		fail_msg("there is no operation '%s'", method);
	void *request = new_message(book, operation->request);
	void *inner = request;
	const ProtobufCFieldDescriptor *wrapped = find_field(request, "request");
	if (wrapped) {
		inner = new_message(book, wrapped->descriptor);
		*(void **)field_of(request, "request") = inner;
		*(ProtobufCBinaryData *)field_of(request, "code_hash") = code_hash(book, 'a');
	}
	const char *key = find_field(inner, "pickup_id") ? "pickup_id" : "shipment_id";
	*(const char **)field_of(inner, key) = arena_string(&book->arena, id);
	return request;
}

static size_t next_number(const char **text)
{
	char *end;
	size_t number = strtoul(*text, &end, 10);
	assert_ptr_not_equal(end, *text);
	*text = end;
	return number;
}

void *pick_ask(struct book *book, const char *method, const char *id, const char *lines,
	Stockbook__V1__ShortRemedy remedy)
{
	void *request = fulfilment_ask(book, method, id);
	Stockbook__V1__PickedLine **picked =
		arena_alloc_array(&book->arena, LINES_MOST, sizeof(*picked));
	size_t count = 0;
	while (*lines) {
		assert_true(count < LINES_MOST);
		Stockbook__V1__PickedLine *line =
			new_message(book, &stockbook__v1__picked_line__descriptor);
		line->line = (int32_t)next_number(&lines);
		lines++; /* '*' */
		line->picked = (int64_t)next_number(&lines);
		if (*lines == '-') {
			lines++;
			line->short_ = (int64_t)next_number(&lines);
			line->reason = *lines++ == 'd' ? STOCKBOOK__V1__SHORT_REASON__SHORT_REASON_DAMAGED
										   : STOCKBOOK__V1__SHORT_REASON__SHORT_REASON_NOT_FOUND;
		}
		lines += *lines == ' ';
		picked[count++] = line;
	}
	set_list(request, picked, count);
	*(Stockbook__V1__ShortRemedy *)field_of(request, "remedy") = remedy;
	return request;
}

void *parts_ask(struct book *book, const char *method, const char *id, const char *lines)
{
	void *request = fulfilment_ask(book, method, id);
	void *inner = unwrapped(request);
	void **parts = arena_alloc_array(&book->arena, LINES_MOST, sizeof(*parts));
	size_t count = 0;
	while (*lines) {
		assert_true(count < LINES_MOST);
		parts[count] = new_message(book, find_field(inner, "lines")->descriptor);
		*(int32_t *)field_of(parts[count], "line") = (int32_t)next_number(&lines);
		lines++; /* '*' */
		*(int64_t *)field_of(parts[count++], "quantity") = (int64_t)next_number(&lines);
		lines += *lines == ' ';
	}
	set_list(inner, parts, count);
	return request;
}

void *collect_ask(struct book *book, const char *id, char code, const char *lines)
{
	Stockbook__Internal__V1__CollectPickupRequest *request =
		parts_ask(book, "CollectPickup", id, lines);
	if (code) {
		request->request->code = "typed";
		request->code_hash = code_hash(book, code);
	} else {
		Stockbook__V1__Identification *identification =
			new_message(book, &stockbook__v1__identification__descriptor);
		identification->name = "Ann Smith";
		identification->shown = "passport";
		request->request->identification = identification;
		request->code_hash = (ProtobufCBinaryData){0, NULL};
	}
	return request;
}

void *ready_ask(struct book *book, const char *method, const char *id, char code)
{
	void *request = fulfilment_ask(book, method, id);
	*(ProtobufCBinaryData *)field_of(request, "code_hash") = code_hash(book, code);
	return request;
}

/* ---- Calls ---- */

const void *fulfilment_call(struct book *book, const char *method, const void *request)
{
	return book_call(book, fulfilment_operation(book, method), request);
}

const struct refusal *fulfilment_refusal(struct book *book, const char *method, const void *request,
	Stockbook__V1__Reason reason)
{
	return book_refusal(book, fulfilment_operation(book, method), request, reason);
}

static const void *document_of(const void *response, const char *name)
{
	return *(void **)field_of((void *)response, name);
}

const Stockbook__V1__Pickup *pickup_do(struct book *book, const char *method, const char *id)
{
	return document_of(fulfilment_call(book, method, fulfilment_ask(book, method, id)), "pickup");
}

const Stockbook__V1__Pickup *get_pickup(struct book *book, const char *id)
{
	return pickup_do(book, "GetPickup", id);
}

Stockbook__V1__CollectOutcome collect(struct book *book, const char *id, char code,
	const char *lines)
{
	const Stockbook__V1__CollectPickupResponse *response =
		fulfilment_call(book, "CollectPickup", collect_ask(book, id, code, lines));
	return response->outcome;
}

static const Stockbook__V1__PlaceOrderResponse *place_by(struct book *book, const char *lines,
	Stockbook__V1__FulfilmentMethod method)
{
	Stockbook__V1__PlaceOrderRequest *request = place_request(book, lines);
	for (size_t i = 0; i < request->n_lines; i++)
		request->lines[i]->method = method;
	return book_call(book, "OrderService/PlaceOrder", request);
}

const Stockbook__V1__PlaceOrderResponse *place_pickup(struct book *book, const char *lines)
{
	const Stockbook__V1__PlaceOrderResponse *response = place_by(book, lines, METHOD(PICKUP));
	assert_true(response->n_pickups > 0);
	return response;
}

const char *pickup_at(struct book *book, const char *lines, Stockbook__V1__PickupStatus status)
{
	const char *id = place_pickup(book, lines)->pickups[0]->id;
	if (status >= PICKUP(ACCEPTED))
		pickup_do(book, "AcceptPickup", id);
	if (status >= PICKUP(PICKED))
		pickup_do(book, "PickPickup", id);
	if (status >= PICKUP(READY))
		pickup_do(book, "ReadyPickup", id);
	assert_int_equal(get_pickup(book, id)->status, status);
	return id;
}

const Stockbook__V1__PlaceOrderResponse *place_shipping(struct book *book, const char *lines)
{
	return place_by(book, lines, METHOD(SHIP));
}

const Stockbook__V1__Shipment *create_shipment(struct book *book, const char *order_id,
	const char *location, const char *lines)
{
	void *request = new_message(book, &stockbook__v1__create_shipment_request__descriptor);
	*(const char **)field_of(request, "order_id") = order_id;
	*(const char **)field_of(request, "location") = location;
	if (lines[0]) {
		void *parts = parts_ask(book, "SplitShipment", "", lines);
		const Stockbook__V1__SplitShipmentRequest *split = parts;
		set_list(request, split->lines, split->n_lines);
	}
	return document_of(fulfilment_call(book, "CreateShipment", request), "shipment");
}

const Stockbook__V1__Shipment *shipment_do(struct book *book, const char *method, const char *id)
{
	return document_of(fulfilment_call(book, method, fulfilment_ask(book, method, id)), "shipment");
}

const Stockbook__V1__Shipment *get_shipment(struct book *book, const char *id)
{
	return shipment_do(book, "GetShipment", id);
}

const char *shipment_at(struct book *book, const char *lines, const char *location,
	Stockbook__V1__ShipmentStatus status)
{
	const char *order_id = place_shipping(book, lines)->order->id;
	const char *id = create_shipment(book, order_id, location, "")->id;
	if (status >= SHIPMENT(PICKED))
		shipment_do(book, "PickShipment", id);
	if (status >= SHIPMENT(PACKED))
		shipment_do(book, "PackShipment", id);
	if (status >= SHIPMENT(SHIPPED))
		shipment_do(book, "ShipShipment", id);
	assert_int_equal(get_shipment(book, id)->status, status);
	return id;
}

/* ---- Looking ---- */

void assert_units(const Stockbook__V1__FulfilmentLine *line, const char *counters)
{
	char text[160];
	snprintf(text, sizeof(text), "%lld %lld %lld %lld %lld %lld %lld", (long long)line->quantity,
		(long long)line->awaiting, (long long)line->to_pick, (long long)line->picked,
		(long long)line->done, (long long)line->put_back, (long long)line->dropped);
	assert_string_equal(text, counters);
}

void assert_resourced(Stockbook__V1__Resourced *const *resourced, size_t count, size_t index,
	const char *text)
{
	assert_true(index < count);
	const Stockbook__V1__Resourced *at = resourced[index];
	const ProtobufCEnumValue *remedy =
		protobuf_c_enum_descriptor_get_value(&stockbook__v1__short_remedy__descriptor, at->remedy);
	char told[160];
	snprintf(told, sizeof(told), "%s %lld%s%s", remedy->name + strlen("SHORT_REMEDY_"),
		(long long)at->quantity, at->location[0] ? " " : "", at->location);
	assert_string_equal(told, text);
	assert_true((at->location[0] == '\0') == (at->document_id[0] == '\0'));
}

size_t recounts(struct book *book, const char *sku, const char *location)
{
	size_t count;
	size_t found = 0;
	const void *const *rows = memory_store_rows(book->store, TABLE(work), &count);
	for (size_t i = 0; i < count; i++) {
		const struct work_row *row = rows[i];
		found += row->kind == STOCKBOOK__V1__WORK_KIND__WORK_KIND_RECOUNT &&
				 strcmp(row->sku, sku) == 0 && strcmp(row->location, location) == 0;
	}
	return found;
}

int work_on(struct book *book, const char *id)
{
	struct uuid uuid;
	assert_true(uuid_parse(id, &uuid));
	size_t count;
	const void *const *rows = memory_store_rows(book->store, TABLE(work), &count);
	for (size_t i = 0; i < count; i++)
		if (uuid_compare(&((const struct work_row *)rows[i])->document_id, &uuid) == 0)
			return ((const struct work_row *)rows[i])->kind;
	return 0;
}

const struct change_row *last_change(struct book *book, const char *id)
{
	struct uuid uuid;
	assert_true(uuid_parse(id, &uuid));
	size_t count;
	const void *const *rows = memory_store_rows(book->store, TABLE(change), &count);
	while (count-- > 0)
		if (uuid_compare(&((const struct change_row *)rows[count])->document_id, &uuid) == 0)
			return rows[count];
	fail_msg("nothing happened to '%s'", id);
	return NULL;
}
