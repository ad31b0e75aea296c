/* stockbook order: what customers bought, and how far each line has come. */
#include "cli.h"

#include <string.h>

#include "message.h"
#include "order_view.h"
#include "parse.h"
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

static struct {
	char *channel, *customer, *reference, *location, *note, *carrier, *tracking;
	int allow_partial, fulfil, carry_out, pick_first;
} given;

enum exit_code show_order(struct cli *cli, ProtobufCMessage *response)
{
	if (!response)
		return cli->exit_code;
	enum exit_code code = view_document(cli, response, "order", VIEW_COLUMNS(fields), "lines",
		VIEW_COLUMNS(line_columns));
	protobuf_c_message_free_unpacked(response, NULL);
	return code;
}

static const struct poptOption place_options[] = {
	{"channel", 0, POPT_ARG_STRING, &given.channel, 0, "sources lines that name no location",
		"CODE"},
	{"customer", 0, POPT_ARG_STRING, &given.customer, 0, "who bought", "TEXT"},
	{"reference", 0, POPT_ARG_STRING, &given.reference, 0, "own number of the order", "TEXT"},
	{"location", 0, POPT_ARG_STRING, &given.location, 0, "of lines that name none", "CODE"},
	{"carry-out", 0, POPT_ARG_NONE, &given.carry_out, 0, "a till sale: gone at once, never refused",
		NULL},
	{"fulfil", 0, POPT_ARG_NONE, &given.fulfil, 0, "pick and ship at once", NULL},
	{"allow-partial", 0, POPT_ARG_NONE, &given.allow_partial, 0, "the rest stays open", NULL},
	POPT_TABLEEND,
};

static enum exit_code place(struct cli *cli)
{
	Stockbook__V1__PlaceOrderRequest request = STOCKBOOK__V1__PLACE_ORDER_REQUEST__INIT;
	request.channel = text_of(given.channel);
	request.customer = text_of(given.customer);
	request.reference = text_of(given.reference);
	request.allow_partial = given.allow_partial;
	request.fulfil = given.fulfil;
	request.n_lines = (size_t)cli->arguments_count;
	request.lines = arena_alloc_array(&cli->arena, request.n_lines, sizeof(*request.lines));
	for (size_t i = 0; i < request.n_lines; i++) {
		struct line line;
		if (!parse_line(&cli->arena, cli->arguments[i], &line))
			return usage_error(cli, "'%s' is not SKU:QUANTITY[@LOCATION][=PRICE]",
				cli->arguments[i]);
		Stockbook__V1__PlaceOrderLine *to = arena_alloc(&cli->arena, sizeof(*to));
		stockbook__v1__place_order_line__init(to);
		to->sku = text_of(line.sku);
		to->quantity = line.quantity;
		to->location = text_of(line.location ? line.location : given.location);
		to->unit_price = line.price;
		to->method = given.carry_out ? STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_CARRY_OUT
									 : STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_SHIP;
		request.lines[i] = to;
	}
	return show_order(cli, cli_call(cli, "OrderService", "PlaceOrder", &request.base));
}

static enum exit_code show(struct cli *cli)
{
	Stockbook__V1__GetOrderRequest request = STOCKBOOK__V1__GET_ORDER_REQUEST__INIT;
	request.order_id = cli->arguments[0];
	return show_order(cli, cli_call(cli, "OrderService", "GetOrder", &request.base));
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

/* The steps all take ORDER [LINE:QUANTITY[@LOCATION]...]; false after a message. */
static bool read_step(struct cli *cli, char **order_id, Stockbook__V1__OrderLineQuantity ***lines,
	size_t *count)
{
	*order_id = cli->arguments[0];
	*count = (size_t)(cli->arguments_count - 1);
	*lines = arena_alloc_array(&cli->arena, *count, sizeof(**lines));
	for (size_t i = 0; i < *count; i++) {
		struct line line;
		int64_t number;
		const char *text = cli->arguments[i + 1];
		if (!parse_line(&cli->arena, text, &line) || line.price ||
			!parse_integer(line.sku, &number) || number < 1 || number > INT32_MAX) {
			usage_error(cli, "'%s' is not LINE:QUANTITY or LINE:QUANTITY@LOCATION", text);
			return false;
		}
		Stockbook__V1__OrderLineQuantity *to = arena_alloc(&cli->arena, sizeof(*to));
		stockbook__v1__order_line_quantity__init(to);
		to->line = (int32_t)number;
		to->quantity = line.quantity;
		to->location = text_of(line.location);
		(*lines)[i] = to;
	}
	return true;
}

static const struct poptOption allocate_options[] = {
	{"allow-partial", 0, POPT_ARG_NONE, &given.allow_partial, 0, "the rest stays open", NULL},
	POPT_TABLEEND,
};

static enum exit_code allocate(struct cli *cli)
{
	Stockbook__V1__AllocateOrderRequest request = STOCKBOOK__V1__ALLOCATE_ORDER_REQUEST__INIT;
	if (!read_step(cli, &request.order_id, &request.lines, &request.n_lines))
		return EXIT_CODE_USAGE;
	request.allow_partial = given.allow_partial;
	return show_order(cli, cli_call(cli, "OrderService", "AllocateOrder", &request.base));
}

static enum exit_code deallocate(struct cli *cli)
{
	Stockbook__V1__DeallocateOrderRequest request = STOCKBOOK__V1__DEALLOCATE_ORDER_REQUEST__INIT;
	if (!read_step(cli, &request.order_id, &request.lines, &request.n_lines))
		return EXIT_CODE_USAGE;
	return show_order(cli, cli_call(cli, "OrderService", "DeallocateOrder", &request.base));
}

static enum exit_code pick(struct cli *cli)
{
	Stockbook__V1__PickOrderRequest request = STOCKBOOK__V1__PICK_ORDER_REQUEST__INIT;
	if (!read_step(cli, &request.order_id, &request.lines, &request.n_lines))
		return EXIT_CODE_USAGE;
	return show_order(cli, cli_call(cli, "OrderService", "PickOrder", &request.base));
}

static enum exit_code put_back(struct cli *cli)
{
	Stockbook__V1__PutBackOrderRequest request = STOCKBOOK__V1__PUT_BACK_ORDER_REQUEST__INIT;
	if (!read_step(cli, &request.order_id, &request.lines, &request.n_lines))
		return EXIT_CODE_USAGE;
	return show_order(cli, cli_call(cli, "OrderService", "PutBackOrder", &request.base));
}

static const struct poptOption ship_options[] = {
	{"pick-first", 0, POPT_ARG_NONE, &given.pick_first, 0, "also what is only allocated", NULL},
	{"carrier", 0, POPT_ARG_STRING, &given.carrier, 0, "for the order's history", "TEXT"},
	{"tracking", 0, POPT_ARG_STRING, &given.tracking, 0, "for the order's history", "TEXT"},
	POPT_TABLEEND,
};

static enum exit_code ship(struct cli *cli)
{
	Stockbook__V1__ShipOrderRequest request = STOCKBOOK__V1__SHIP_ORDER_REQUEST__INIT;
	if (!read_step(cli, &request.order_id, &request.lines, &request.n_lines))
		return EXIT_CODE_USAGE;
	request.pick_first = given.pick_first;
	request.carrier = text_of(given.carrier);
	request.tracking = text_of(given.tracking);
	return show_order(cli, cli_call(cli, "OrderService", "ShipOrder", &request.base));
}

static const struct poptOption cancel_options[] = {
	{"note", 0, POPT_ARG_STRING, &given.note, 0, "for people", "TEXT"},
	POPT_TABLEEND,
};

static enum exit_code cancel(struct cli *cli)
{
	Stockbook__V1__CancelOrderLinesRequest request =
		STOCKBOOK__V1__CANCEL_ORDER_LINES_REQUEST__INIT;
	if (!read_step(cli, &request.order_id, &request.lines, &request.n_lines))
		return EXIT_CODE_USAGE;
	request.note = text_of(given.note);
	return show_order(cli, cli_call(cli, "OrderService", "CancelOrderLines", &request.base));
}

#define STEP_ARGUMENTS "ORDER [LINE:QUANTITY[@LOCATION]...]"
#define AN_ORDER "019389a2-6f1e-7005-8000-1a2b3c4d5e6f"

static const struct command commands[] = {
	{"place", "SKU:QUANTITY[@LOCATION][=PRICE]...", "Places an order and allocates its lines.",
		"All lines or none, unless --allow-partial.\n",
		"order place --channel web --customer 17850 85123A:6=2.55GBP 71053:6@LEEDS=3.39GBP\n"
		"order place --channel till --carry-out 85123A:1@LEEDS=2.55GBP",
		place_options, 1, -1, place},
	{"show", "ORDER", "Shows an order and its lines.", NULL, "order show " AN_ORDER, NULL, 1, 1,
		show},
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
