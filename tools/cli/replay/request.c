/*
 * The request of an operation, and its id: the same in every run.
 */
#include "replay.h"

#include <stdio.h>
#include <string.h>

#include "cli/parse.h"
#include "stockbook/v1/order.pb-c.h"
#include "stockbook/v1/return.pb-c.h"
#include "stockbook/v1/stock.pb-c.h"

static const char currency[] = "GBP";

static const struct {
	const char *name;
	const char *service, *method;
} kinds[OPERATION_KINDS] = {
	[OPERATION_RECEIPT] = {"receipt", "StockService", "ReceiveStock"},
	[OPERATION_ORDER] = {"order", "OrderService", "PlaceOrder"},
	[OPERATION_RETURN] = {"return", "ReturnService", "CreateReturn"},
	[OPERATION_BLIND_RETURN] = {"blind return", "ReturnService", "CreateReturn"},
	[OPERATION_WRITE_OFF] = {"write-off", "StockService", "AdjustStock"},
	[OPERATION_FOUND] = {"found", "StockService", "AdjustStock"},
};

const char *operation_name(enum operation_kind kind)
{
	return kinds[kind].name;
}

const struct stockbook_method *replay_method(const struct operation *operation)
{
	return stockbook_method(kinds[operation->kind].service, kinds[operation->kind].method);
}

int64_t operation_units(const struct replay *replay, const struct operation *operation)
{
	int64_t units = 0;
	for (uint32_t i = 0; i < operation->count; i++)
		units += replay->pieces[operation->first + i].quantity;
	return units;
}

void replay_request_id(const struct replay *replay, const struct operation *operation,
	char id[STOCKBOOK_REQUEST_ID_SIZE])
{
	char name[256];
	if (operation->kind == OPERATION_RECEIPT)
		snprintf(name, sizeof(name), "receipt %zu", (size_t)(operation - replay->operations));
	else if (operation->kind == OPERATION_RETURN)
		snprintf(name, sizeof(name), "return %s of %s", replay->invoices[operation->invoice].number,
			replay->invoices[replay->operations[operation->order].invoice].number);
	else
		snprintf(name, sizeof(name), "%s %s", kinds[operation->kind].name,
			replay->invoices[operation->invoice].number);
	stockbook_request_id_derive(replay->name_space, name, id);
}

static char *make_id(struct replay *replay, struct arena *arena, const struct operation *operation)
{
	char *id = arena_alloc(arena, STOCKBOOK_REQUEST_ID_SIZE);
	replay_request_id(replay, operation, id);
	return id;
}

static char *code_of(const struct replay *replay, uint32_t place)
{
	return text_of(replay->places[place].code);
}

static ProtobufCMessage *build_receipt(struct replay *replay, struct arena *arena,
	const struct operation *operation)
{
	Stockbook__V1__ReceiveStockRequest *request = arena_alloc(arena, sizeof(*request));
	stockbook__v1__receive_stock_request__init(request);
	request->request_id = make_id(replay, arena, operation);
	request->location = code_of(replay, operation->place);
	request->reference = text_of("replay");
	request->n_lines = operation->count;
	request->lines = arena_alloc_array(arena, operation->count, sizeof(*request->lines));
	for (uint32_t i = 0; i < operation->count; i++) {
		const struct piece *piece = &replay->pieces[operation->first + i];
		Stockbook__V1__ReceiptLine *line = arena_alloc(arena, sizeof(*line));
		stockbook__v1__receipt_line__init(line);
		line->sku = text_of(replay->items[piece->line].code);
		line->quantity = piece->quantity;
		if (piece->kept)
			line->state = STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_ON_HOLD;
		request->lines[i] = line;
	}
	return &request->base;
}

/* Where the customer is, for sourcing. */
static Stockbook__V1__SourcingOptions *build_sourcing(const struct replay *replay,
	struct arena *arena, const struct operation *operation)
{
	Stockbook__V1__SourcingOptions *sourcing = arena_alloc(arena, sizeof(*sourcing));
	Stockbook__V1__Coordinates *at = arena_alloc(arena, sizeof(*at));
	stockbook__v1__sourcing_options__init(sourcing);
	stockbook__v1__coordinates__init(at);
	replay_customer(replay, &replay->invoices[operation->invoice], &at->latitude, &at->longitude);
	sourcing->destination = at;
	/* The store would rather unload one van than five. */
	if (operation->place != NONE)
		sourcing->strategy = STOCKBOOK__V1__SOURCING_STRATEGY__SOURCING_STRATEGY_FEWEST_PARCELS;
	return sourcing;
}

/* How a line comes to its customer. What her store has, as far as the book just said, is fetched
 * there; the rest of what she fetches is sent to the store. */
static void set_method(struct replay *replay, const struct operation *operation,
	const struct replay_line *from, Stockbook__V1__PlaceOrderLine *line)
{
	struct replay_item *item = &replay->items[from->item];
	line->method = STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_SHIP;
	if (!replay_is_chain(replay)) {
		line->location = text_of(replay->options->location);
	} else if (operation->place != NONE && item->there >= from->quantity) {
		item->there -= from->quantity;
		line->method = STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_PICKUP;
		line->location = code_of(replay, operation->place);
	} else if (operation->place != NONE) {
		line->method = STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_SHIP_TO_STORE;
		line->pickup_location = code_of(replay, operation->place);
	}
}

static ProtobufCMessage *build_order(struct replay *replay, struct arena *arena,
	const struct operation *operation)
{
	const struct replay_invoice *invoice = &replay->invoices[operation->invoice];
	Stockbook__V1__PlaceOrderRequest *request = arena_alloc(arena, sizeof(*request));
	stockbook__v1__place_order_request__init(request);
	request->request_id = make_id(replay, arena, operation);
	request->channel = text_of(replay->options->channel);
	request->customer = text_of(invoice->customer);
	request->reference = text_of(invoice->number);
	request->fulfil = operation->place == NONE;
	if (replay_is_chain(replay))
		request->sourcing = build_sourcing(replay, arena, operation);
	request->n_lines = operation->count;
	request->lines = arena_alloc_array(arena, operation->count, sizeof(*request->lines));
	for (uint32_t i = 0; i < operation->count; i++) {
		const struct replay_line *from = &replay->lines[replay->pieces[operation->first + i].line];
		Stockbook__V1__PlaceOrderLine *line = arena_alloc(arena, sizeof(*line));
		stockbook__v1__place_order_line__init(line);
		line->sku = text_of(replay->items[from->item].code);
		line->quantity = from->quantity;
		set_method(replay, operation, from, line);
		line->unit_price = money_of(arena, from->price_minor > 0 ? from->price_minor : 0, currency);
		request->lines[i] = line;
	}
	return &request->base;
}

static ProtobufCMessage *build_return(struct replay *replay, struct arena *arena,
	const struct operation *operation)
{
	const struct replay_invoice *invoice = &replay->invoices[operation->invoice];
	bool blind = operation->kind == OPERATION_BLIND_RETURN;
	Stockbook__V1__CreateReturnRequest *request = arena_alloc(arena, sizeof(*request));
	stockbook__v1__create_return_request__init(request);
	request->request_id = make_id(replay, arena, operation);
	request->location = code_of(replay, operation->place);
	request->channel = text_of(replay->options->channel);
	request->reference = text_of(invoice->number);
	if (blind)
		request->customer = text_of(invoice->customer);
	else
		request->order_id = text_of(replay->operations[operation->order].order_id);
	request->n_lines = operation->count;
	request->lines = arena_alloc_array(arena, operation->count, sizeof(*request->lines));
	for (uint32_t i = 0; i < operation->count; i++) {
		const struct piece *piece = &replay->pieces[operation->first + i];
		const struct replay_line *from = &replay->lines[piece->line];
		Stockbook__V1__CreateReturnLine *line = arena_alloc(arena, sizeof(*line));
		stockbook__v1__create_return_line__init(line);
		line->sku = text_of(replay->items[from->item].code);
		line->quantity = piece->quantity;
		line->order_line = piece->order_line;
		line->disposition = STOCKBOOK__V1__DISPOSITION__DISPOSITION_RESTOCK;
		if (blind)
			line->unit_price =
				money_of(arena, from->price_minor > 0 ? from->price_minor : 0, currency);
		request->lines[i] = line;
	}
	return &request->base;
}

/* What the retailer wrote beside it decides between broken and simply gone. */
static Stockbook__V1__MovementReason write_off_reason(const char *description)
{
	static const char *const words[] = {"damag", "broken", "smash", "crush", "wet", "rust", "mould",
		"fault", "thrown", "throw", "unsaleable", "faulty", "crack"};
	char lower[64] = "";
	for (size_t i = 0; description[i] && i < sizeof(lower) - 1; i++)
		lower[i] = description[i] >= 'A' && description[i] <= 'Z'
					   ? (char)(description[i] - 'A' + 'a')
					   : description[i];
	for (size_t i = 0; i < ARRAY_COUNT(words); i++)
		if (strstr(lower, words[i]))
			return STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_BREAKAGE;
	return STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_SHRINKAGE;
}

static ProtobufCMessage *build_adjustment(struct replay *replay, struct arena *arena,
	const struct operation *operation)
{
	const struct replay_invoice *invoice = &replay->invoices[operation->invoice];
	bool found = operation->kind == OPERATION_FOUND;
	const char *description = replay->lines[replay->pieces[operation->first].line].description;
	Stockbook__V1__AdjustStockRequest *request = arena_alloc(arena, sizeof(*request));
	stockbook__v1__adjust_stock_request__init(request);
	request->request_id = make_id(replay, arena, operation);
	request->location = code_of(replay, operation->place);
	request->reason = found ? STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_FOUND
							: write_off_reason(description);
	request->note = arena_printf(arena, "invoice %s%s%s", invoice->number, *description ? ": " : "",
		description);
	request->n_lines = operation->count;
	request->lines = arena_alloc_array(arena, operation->count, sizeof(*request->lines));
	for (uint32_t i = 0; i < operation->count; i++) {
		const struct piece *piece = &replay->pieces[operation->first + i];
		Stockbook__V1__AdjustmentLine *line = arena_alloc(arena, sizeof(*line));
		stockbook__v1__adjustment_line__init(line);
		line->sku = text_of(replay->items[replay->lines[piece->line].item].code);
		line->quantity = found ? piece->quantity : -piece->quantity;
		if (!found && replay_is_chain(replay))
			line->state = STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_ON_HOLD;
		request->lines[i] = line;
	}
	return &request->base;
}

ProtobufCMessage *replay_request(struct replay *replay, struct arena *arena,
	const struct operation *operation)
{
	switch (operation->kind) {
	case OPERATION_RECEIPT:
		return build_receipt(replay, arena, operation);
	case OPERATION_ORDER:
		return build_order(replay, arena, operation);
	case OPERATION_RETURN:
	case OPERATION_BLIND_RETURN:
		return build_return(replay, arena, operation);
	case OPERATION_WRITE_OFF:
	case OPERATION_FOUND:
		return build_adjustment(replay, arena, operation);
	case OPERATION_KINDS:
		break;
	}
	CHECK(!"an operation of no kind");
}
