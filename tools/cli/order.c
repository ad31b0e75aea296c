/* stockbook order: what customers bought, and how far each line has come. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

#include "document.h"
#include "here.h"
#include "message.h"
#include "order_view.h"
#include "parse.h"
#include "sourcing.h"
#include "stockbook/v1/order.pb-c.h"
#include "view.h"

static const struct column fields[] = {
	{"order", "id", COLUMN_TEXT},
	{"status", "status", COLUMN_TEXT},
	{"channel", "channel", COLUMN_TEXT},
	{"customer", "customer", COLUMN_TEXT},
	{"reference", "reference", COLUMN_TEXT},
	{"total", "total", COLUMN_TEXT},
	{"created", "create_time", COLUMN_TEXT},
	{"updated", "update_time", COLUMN_TEXT},
	{"reservation", "reservation_id", COLUMN_TEXT},
};

static const struct column line_columns[] = {
	{"LINE", "line", COLUMN_NUMBER},
	{"SKU", "sku", COLUMN_TEXT},
	{"METHOD", "method", COLUMN_TEXT},
	{"AT", "pickup_location", COLUMN_NO_ZERO},
	{"PRICE", "unit_price", COLUMN_NUMBER},
	{"ORDERED", "ordered", COLUMN_NUMBER},
	{"OPEN", "open", COLUMN_NUMBER | COLUMN_NO_ZERO},
	{"ALLOCATED", "allocated", COLUMN_NUMBER | COLUMN_NO_ZERO},
	{"PICKED", "picked", COLUMN_NUMBER | COLUMN_NO_ZERO},
	{"FULFILLED", "fulfilled", COLUMN_NUMBER | COLUMN_NO_ZERO},
	{"CANCELLED", "cancelled", COLUMN_NUMBER | COLUMN_NO_ZERO},
	{"RETURNED", "returned", COLUMN_NUMBER | COLUMN_NO_ZERO},
	{"ALLOCATIONS", "allocations", COLUMN_DETAIL},
};

static const struct column list_columns[] = {
	{"ORDER", "id", COLUMN_TEXT},
	{"STATUS", "status", COLUMN_TEXT},
	{"CHANNEL", "channel", COLUMN_TEXT},
	{"CUSTOMER", "customer", COLUMN_LONG},
	{"REFERENCE", "reference", COLUMN_LONG},
	{"TOTAL", "total", COLUMN_NUMBER},
	{"CREATED", "create_time", COLUMN_TEXT},
	{"LINES", "lines", COLUMN_DETAIL},
};

static const struct column history_columns[] = {
	{"TIME", "time", COLUMN_TIME},
	{"WHAT", "document_kind", COLUMN_TEXT},
	{"ID", "document_id", COLUMN_SHORT | COLUMN_EXTRA},
	{"STEP", "step", COLUMN_TEXT},
	{"FROM", "status_before", COLUMN_EXTRA},
	{"TO", "status_after", COLUMN_STATUS},
	{"WHERE", "location", COLUMN_TEXT | COLUMN_EXTRA},
	{"CHANNEL", "channel", COLUMN_EXTRA},
	{"WHO", "actor", COLUMN_LONG},
	{"NOTE", "note", COLUMN_LONG | COLUMN_EXTRA},
};

const struct document_kind order_kind = {
	.noun = "order",
	.service = "OrderService",
	.suffix = "Order",
	.list = "ListOrders",
	.field = "order",
	.rows = "orders",
	.id_field = "order_id",
	.names = {"reference"},
	DOCUMENT_COLUMNS(fields, line_columns, list_columns),
};

/* Of each kind, below an order. */
#define OPENED_MAX 100

static struct {
	char *channel, *customer, *reference, *carrier, *tracking;
	int allow_partial, pick_first;
} given;

static const struct column opened_pickups[] = {
	{"PICKUP", "id", COLUMN_SHORT},
	{"STATUS", "status", COLUMN_STATUS},
	{"AT", "location", COLUMN_TEXT},
	{"READY BY", "ready_by", COLUMN_DUE},
};

static const struct column opened_shipments[] = {
	{"SHIPMENT", "id", COLUMN_SHORT},
	{"STATUS", "status", COLUMN_STATUS},
	{"FROM", "location", COLUMN_TEXT},
	{"SHIP BY", "ship_by", COLUMN_DUE},
};

static const struct column opened_transfers[] = {
	{"TRANSFER", "id", COLUMN_SHORT},
	{"STATUS", "status", COLUMN_STATUS},
	{"FROM", "source", COLUMN_TEXT},
	{"TO", "destination", COLUMN_TEXT},
};

/* What brings an order to its customer. When it is due matters while it is under way. */
static const struct {
	const char *service, *list, *rows;
	const struct column *columns;
	size_t count;
	size_t count_when_over;
} opened_kinds[] = {
	{"PickupService", "ListPickups", "pickups", VIEW_COLUMNS(opened_pickups),
		ARRAY_COUNT(opened_pickups) - 1},
	{"ShipmentService", "ListShipments", "shipments", VIEW_COLUMNS(opened_shipments),
		ARRAY_COUNT(opened_shipments) - 1},
	{"TransferService", "ListTransfers", "transfers", VIEW_COLUMNS(opened_transfers),
		ARRAY_COUNT(opened_transfers)},
};

static void show_opened_rows(struct cli *cli, const ProtobufCMessage *response, size_t kind,
	size_t columns)
{
	size_t count = 0;
	if (message_has(response, opened_kinds[kind].rows))
		message_parts(response, opened_kinds[kind].rows, &count);
	if (!count)
		return;
	putchar('\n');
	view_rows(cli, response, opened_kinds[kind].rows, opened_kinds[kind].columns, columns);
}

/* What a call has opened. */
static void show_opened(struct cli *cli, const ProtobufCMessage *response)
{
	for (size_t i = 0; i < ARRAY_COUNT(opened_kinds) && cli->output == OUTPUT_TABLE; i++)
		show_opened_rows(cli, response, i, opened_kinds[i].count);
}

enum exit_code show_order(struct cli *cli, ProtobufCMessage *response)
{
	enum exit_code code = document_show(cli, &order_kind, cli_keep(cli, response));
	if (response)
		show_opened(cli, response);
	return code;
}

/* All that was ever opened for the order, the oldest first; false after a message. */
static bool show_all_opened(struct cli *cli, const char *order_id)
{
	for (size_t i = 0; i < ARRAY_COUNT(opened_kinds); i++) {
		const struct stockbook_method *method =
			stockbook_method(opened_kinds[i].service, opened_kinds[i].list);
		CHECK(method);
		ProtobufCMessage *request = message_new(&cli->arena, method->request);
		message_set_text(request, "order_id", order_id);
		message_set_number(request, "page_size", OPENED_MAX);
		ProtobufCMessage *response = cli_keep(cli, cli_call_method(cli, method, request));
		if (!response)
			return false;
		show_opened_rows(cli, response, i, opened_kinds[i].count_when_over);
		if (*message_text(&cli->arena, response, "next_page_token"))
			say_hint("there are more %s; 'stockbook order history' tells of all",
				opened_kinds[i].rows);
	}
	return true;
}

static enum exit_code show(struct cli *cli)
{
	ProtobufCMessage *response;
	enum exit_code code = document_step(cli, &order_kind, "Get", &response);
	if (!response || cli->output != OUTPUT_TABLE)
		return code;
	const ProtobufCMessage *order = message_part(response, "order");
	return show_all_opened(cli, message_text(&cli->arena, order, "id")) ? code : cli->exit_code;
}

static const struct poptOption list_options[] = {
	{"customer", 0, POPT_ARG_STRING, &given.customer, 0, "of this customer", "TEXT"},
	{"reference", 0, POPT_ARG_STRING, &given.reference, 0, "or with this number", "TEXT"},
	LIST_LIMIT_OPTION,
	POPT_TABLEEND,
};

static enum exit_code list(struct cli *cli)
{
	Stockbook__V1__ListOrdersRequest request = STOCKBOOK__V1__LIST_ORDERS_REQUEST__INIT;
	if (!given.customer == !given.reference)
		return usage_error(cli, "name one of --customer and --reference");
	request.customer = text_of(given.customer);
	request.reference = text_of(given.reference);
	return view_list(cli, "OrderService", "ListOrders", &request.base, "orders", view_limit,
		VIEW_COLUMNS(list_columns));
}

static enum exit_code history(struct cli *cli)
{
	Stockbook__V1__GetOrderHistoryRequest request = STOCKBOOK__V1__GET_ORDER_HISTORY_REQUEST__INIT;
	request.order_id = document_resolve(cli, &order_kind, cli->arguments[0]);
	if (!request.order_id)
		return cli->exit_code;
	ProtobufCMessage *response =
		cli_keep(cli, cli_call(cli, "OrderService", "GetOrderHistory", &request.base));
	if (!response)
		return cli->exit_code;
	if (((const Stockbook__V1__GetOrderHistoryResponse *)response)->truncated)
		say_hint("more happened; 'stockbook ledger history' tells all of one document");
	return view_rows(cli, response, "events", VIEW_COLUMNS(history_columns));
}

/* The steps all take ORDER [LINE:QUANTITY[@LOCATION]...]; NULL after a message. */
static ProtobufCMessage *step_request(struct cli *cli, const struct stockbook_method *method)
{
	ProtobufCMessage *request = message_new(&cli->arena, method->request);
	char *id = document_resolve(cli, &order_kind, cli->arguments[0]);
	if (!id)
		return NULL;
	cli->exit_code = EXIT_CODE_USAGE;
	if (!document_read_lines(cli, 1, request, "quantity"))
		return NULL;
	message_set_text(request, "order_id", id);
	return request;
}

/* The request is changed by `fill`, which may be NULL. */
static enum exit_code step(struct cli *cli, const char *name, void (*fill)(ProtobufCMessage *))
{
	const struct stockbook_method *method = stockbook_method("OrderService", name);
	ProtobufCMessage *request = step_request(cli, method);
	if (!request)
		return cli->exit_code;
	if (fill)
		fill(request);
	return show_order(cli, cli_call_method(cli, method, request));
}

static const struct poptOption allocate_options[] = {
	{"allow-partial", 0, POPT_ARG_NONE, &given.allow_partial, 0, "the rest stays open", NULL},
	SOURCING_OPTIONS,
	POPT_TABLEEND,
};

static enum exit_code allocate(struct cli *cli)
{
	const struct stockbook_method *method = stockbook_method("OrderService", "AllocateOrder");
	ProtobufCMessage *request = step_request(cli, method);
	if (!request)
		return cli->exit_code;
	if (!sourcing_set(cli, request, "sourcing"))
		return EXIT_CODE_USAGE;
	message_set_number(request, "allow_partial", given.allow_partial);
	return show_order(cli, cli_call_method(cli, method, request));
}

static enum exit_code deallocate(struct cli *cli)
{
	return step(cli, "DeallocateOrder", NULL);
}

static enum exit_code pick(struct cli *cli)
{
	return step(cli, "PickOrder", NULL);
}

static enum exit_code put_back(struct cli *cli)
{
	return step(cli, "PutBackOrder", NULL);
}

static const struct poptOption ship_options[] = {
	{"pick-first", 0, POPT_ARG_NONE, &given.pick_first, 0, "also what is only allocated", NULL},
	{"carrier", 0, POPT_ARG_STRING, &given.carrier, 0, "for the order's history", "TEXT"},
	{"tracking", 0, POPT_ARG_STRING, &given.tracking, 0, "for the order's history", "TEXT"},
	POPT_TABLEEND,
};

static void fill_ship(ProtobufCMessage *message)
{
	Stockbook__V1__ShipOrderRequest *request = (Stockbook__V1__ShipOrderRequest *)message;
	request->pick_first = given.pick_first;
	request->carrier = text_of(given.carrier);
	request->tracking = text_of(given.tracking);
}

static enum exit_code ship(struct cli *cli)
{
	return step(cli, "ShipOrder", fill_ship);
}

static const struct poptOption cancel_options[] = {
	NOTE_OPTION,
	{"channel", 0, POPT_ARG_STRING, &given.channel, 0, "in which it happens", "CODE"},
	WORKER_OPTION,
	POPT_TABLEEND,
};

static void fill_cancel(ProtobufCMessage *message)
{
	Stockbook__V1__CancelOrderLinesRequest *request =
		(Stockbook__V1__CancelOrderLinesRequest *)message;
	request->note = text_of(given_note);
	request->channel = text_of(given.channel);
	request->worker = text_of(here_worker());
}

static enum exit_code cancel(struct cli *cli)
{
	return step(cli, "CancelOrderLines", fill_cancel);
}

#define STEP_ARGUMENTS "ORDER [LINE:QUANTITY[@LOCATION]...]"
#define AN_ORDER "019389a2-6f1e-7005-8000-1a2b3c4d5e6f"

static const struct command commands[] = {
	{"place", ORDER_LINES_ARGUMENT, "Places an order and allocates its lines.", order_place_details,
		"order place --channel web --customer 17850 85123A:6=2.55GBP 71053:6@LEEDS=3.39GBP\n"
		"order place --channel till --carry-out 85123A:1@LEEDS=2.55GBP\n"
		"order place --channel web --method pickup --near 53.8,-1.55 85123A:1\n"
		"order place --channel web --pickup-at LEEDS 85123A:1/ship-to-store 71053:2/ship\n"
		"order place --channel till --carry-out --otherwise ship --location LEEDS 85123A:3",
		order_place_options, 1, -1, order_place},
	{"show", "ORDER", "Shows an order, its lines, and its pickups, shipments and transfers.",
		"ORDER, here and below, is its id or its reference.\n",
		"order show " AN_ORDER "\norder show 536365", NULL, 1, 1, show},
	{"history", "ORDER", "All that happened to it, its pickups, shipments and transfers.", NULL,
		"order history 536365", NULL, 1, 1, history},
	{"amend", "ORDER LINE:QUANTITY[=PRICE]...", "Other quantities and prices, and more lines.",
		order_amend_details,
		"order amend 536365 1:2 2:1=2.00GBP\norder amend 536365 --add 71053:1=3.39GBP/pickup",
		order_amend_options, 1, -1, order_amend},
	{"list", "", "Lists orders of a customer or of a number, oldest first.", NULL,
		"order list --customer 17850\norder list --reference 536365", list_options, 0, 0, list},
	{"allocate", STEP_ARGUMENTS, "Commits stock to what is open.", NULL,
		"order allocate " AN_ORDER "\norder allocate " AN_ORDER " 1:2@YORK", allocate_options, 1,
		-1, allocate},
	{"deallocate", STEP_ARGUMENTS, "Frees allocated stock; the lines are open again.", NULL,
		"order deallocate " AN_ORDER " 1:2", NULL, 1, -1, deallocate},
	{"pick", STEP_ARGUMENTS, "Allocated goods were taken off the shelf.", NULL,
		"order pick " AN_ORDER, NULL, 1, -1, pick},
	{"put-back", STEP_ARGUMENTS, "Picked goods are back on the shelf.", NULL,
		"order put-back " AN_ORDER " 1:1", NULL, 1, -1, put_back},
	{"ship", STEP_ARGUMENTS, "Picked goods left the building.", NULL,
		"order ship " AN_ORDER " --pick-first --carrier DPD --tracking 123", ship_options, 1, -1,
		ship},
	{"cancel", STEP_ARGUMENTS, "What has not left yet need not come.", NULL,
		"order cancel " AN_ORDER " 2:1 --note 'changed his mind'", cancel_options, 1, -1, cancel},
};

const struct noun noun_order = {.name = "order",
	.summary = "What customers bought, and how far each line has come.",
	NOUN_COMMANDS(commands)};
