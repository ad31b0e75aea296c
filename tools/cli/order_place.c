/* stockbook order place and amend: what is bought, and how it reaches the customer. */
#include "order_view.h"

#include <stdio.h>
#include <string.h>

#include "document.h"
#include "here.h"
#include "message.h"
#include "parse.h"
#include "sourcing.h"
#include "stockbook/v1/order.pb-c.h"

static struct {
	char *channel, *customer, *reference, *location, *method, *pickup_at, *otherwise;
	char **add;
	int allow_partial, fulfil, carry_out, explain;
} given;

const char order_place_details[] =
	"All lines or none, unless --allow-partial. METHOD is ship, pickup, ship-to-store or\n"
	"carry-out. LOCATION is where it comes from; of a pickup, where it is fetched. With\n"
	"--otherwise, a till sells what it has and the rest comes to the customer that way.\n";
const char order_amend_details[] =
	"QUANTITY is what the customer gets of the line in all. LINE=PRICE changes the price alone.\n"
	"--add takes lines as 'order place' does, and may be repeated.\n";

#define LINE_OPTIONS                                                                               \
	{"method", 0, POPT_ARG_STRING, &given.method, 0,                                               \
		"of lines that name none: ship (default), pickup, ship-to-store", "METHOD"},               \
		{"pickup-at", 0, POPT_ARG_STRING, &given.pickup_at, 0,                                     \
			"where the customer fetches it: pickup, ship-to-store", "CODE"},                       \
		{"otherwise", 0, POPT_ARG_STRING, &given.otherwise, 0,                                     \
			"how what the till lacks comes to the customer", "METHOD"},                            \
		{"channel", 0, POPT_ARG_STRING, &given.channel, 0, "sources lines that name no location",  \
			"CODE"},                                                                               \
	{                                                                                              \
		"allow-partial", 0, POPT_ARG_NONE, &given.allow_partial, 0, "the rest stays open", NULL    \
	}

const struct poptOption order_place_options[] = {
	LINE_OPTIONS,
	{"customer", 0, POPT_ARG_STRING, &given.customer, 0, "who bought", "TEXT"},
	{"reference", 0, POPT_ARG_STRING, &given.reference, 0, "own number of the order", "TEXT"},
	{"location", 0, POPT_ARG_STRING, &given.location, 0, "of lines that name none", "CODE"},
	{"carry-out", 0, POPT_ARG_NONE, &given.carry_out, 0, "a till sale: gone at once, never refused",
		NULL},
	{"fulfil", 0, POPT_ARG_NONE, &given.fulfil, 0, "pick and ship at once", NULL},
	{"explain", 0, POPT_ARG_NONE, &given.explain, 0, "who was passed over, and why", NULL},
	SOURCING_OPTIONS,
	WORKER_OPTION,
	POPT_TABLEEND,
};

const struct poptOption order_amend_options[] = {
	{"add", 0, POPT_ARG_ARGV, &given.add, 0, "a new line", "SKU:QUANTITY..."},
	LINE_OPTIONS,
	SOURCING_OPTIONS,
	NOTE_OPTION,
	WORKER_OPTION,
	POPT_TABLEEND,
};

/* False after a message. */
static bool read_method(struct cli *cli, const char *text, int otherwise, int *method)
{
	*method = otherwise;
	if (!text || parse_enum(&stockbook__v1__fulfilment_method__descriptor, text, method))
		return true;
	usage_error(cli, "method '%s' is not one of ship, pickup, ship-to-store, carry-out", text);
	return false;
}

/* "85123A:1/pickup": cuts the method off, where the text ends with one. */
static const char *cut_method(struct arena *arena, const char *text, int *method)
{
	const char *slash = strrchr(text, '/');
	if (!slash || !slash[1] ||
		!parse_enum(&stockbook__v1__fulfilment_method__descriptor, slash + 1, method))
		return text;
	return arena_string_sized(arena, text, (size_t)(slash - text));
}

static bool read_line(struct cli *cli, const char *text, Stockbook__V1__PlaceOrderLine *to)
{
	const int carry_out = STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_CARRY_OUT;
	const int ship_to_store = STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_SHIP_TO_STORE;
	const int pickup = STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_PICKUP;
	struct line line;
	int method, otherwise;
	if (!read_method(cli, given.method,
			given.carry_out ? carry_out : STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_SHIP,
			&method) ||
		!read_method(cli, given.otherwise, 0, &otherwise))
		return false;
	if (!parse_line(&cli->arena, cut_method(&cli->arena, text, &method), &line)) {
		usage_error(cli, "'%s' is not SKU:QUANTITY[@LOCATION][=PRICE][/METHOD]", text);
		return false;
	}
	to->sku = text_of(line.sku);
	to->quantity = line.quantity;
	to->location = text_of(line.location ? line.location : given.location);
	to->unit_price = line.price;
	to->method = (Stockbook__V1__FulfilmentMethod)method;
	if (method == pickup && !*to->location)
		to->location = text_of(given.pickup_at);
	if (method == ship_to_store ||
		(method == carry_out && (otherwise == ship_to_store || otherwise == pickup)))
		to->pickup_location = text_of(given.pickup_at);
	if (method == carry_out)
		to->otherwise = (Stockbook__V1__FulfilmentMethod)otherwise;
	return true;
}

static bool read_lines(struct cli *cli, char *const *texts, size_t count,
	Stockbook__V1__PlaceOrderLine ***lines)
{
	*lines = arena_alloc_array(&cli->arena, count, sizeof(**lines));
	for (size_t i = 0; i < count; i++) {
		(*lines)[i] = arena_alloc(&cli->arena, sizeof(*(*lines)[i]));
		stockbook__v1__place_order_line__init((*lines)[i]);
		if (!read_line(cli, texts[i], (*lines)[i]))
			return false;
	}
	return true;
}

enum exit_code order_place(struct cli *cli)
{
	Stockbook__V1__PlaceOrderRequest request = STOCKBOOK__V1__PLACE_ORDER_REQUEST__INIT;
	request.channel = text_of(given.channel);
	request.customer = text_of(given.customer);
	request.reference = text_of(given.reference);
	request.allow_partial = given.allow_partial;
	request.fulfil = given.fulfil;
	request.explain = given.explain;
	request.worker = text_of(here_worker());
	request.n_lines = (size_t)cli->arguments_count;
	if (!read_lines(cli, cli->arguments, request.n_lines, &request.lines) ||
		!sourcing_set(cli, &request.base, "sourcing"))
		return EXIT_CODE_USAGE;
	ProtobufCMessage *message = cli_call(cli, "OrderService", "PlaceOrder", &request.base);
	enum exit_code code = show_order(cli, message);
	if (!message)
		return code;
	const char **skus = arena_alloc_array(&cli->arena, request.n_lines, sizeof(*skus));
	for (size_t i = 0; i < request.n_lines; i++)
		skus[i] = request.lines[i]->sku;
	sourcing_show_explanation(cli,
		((const Stockbook__V1__PlaceOrderResponse *)message)->explanation, skus, request.n_lines);
	return code;
}

/* LINE:QUANTITY[=PRICE], or LINE=PRICE; false after a message. */
static bool read_amended(struct cli *cli, const char *text, Stockbook__V1__AmendOrderLine *to)
{
	struct document_line line;
	const char *sign = strchr(text, '=');
	int64_t number, minor_units;
	char currency[4];
	if (parse_document_line(&cli->arena, text, &line) && !line.location) {
		to->line = line.line;
		to->quantity = int64_value(&cli->arena, line.quantity);
		to->unit_price = line.price;
		return true;
	}
	if (!sign ||
		!parse_integer(arena_string_sized(&cli->arena, text, (size_t)(sign - text)), &number) ||
		number < 1 || number > INT32_MAX || !parse_money(sign + 1, &minor_units, currency)) {
		usage_error(cli, "'%s' is neither LINE:QUANTITY[=PRICE] nor LINE=PRICE", text);
		return false;
	}
	to->line = (int32_t)number;
	to->unit_price = money_of(&cli->arena, minor_units, arena_string(&cli->arena, currency));
	return true;
}

enum exit_code order_amend(struct cli *cli)
{
	Stockbook__V1__AmendOrderRequest request = STOCKBOOK__V1__AMEND_ORDER_REQUEST__INIT;
	request.n_lines = (size_t)(cli->arguments_count - 1);
	request.lines = arena_alloc_array(&cli->arena, request.n_lines, sizeof(*request.lines));
	for (size_t i = 0; i < request.n_lines; i++) {
		request.lines[i] = arena_alloc(&cli->arena, sizeof(*request.lines[i]));
		stockbook__v1__amend_order_line__init(request.lines[i]);
		if (!read_amended(cli, cli->arguments[i + 1], request.lines[i]))
			return EXIT_CODE_USAGE;
	}
	while (given.add && given.add[request.n_add])
		request.n_add++;
	if (!request.n_lines && !request.n_add)
		return usage_error(cli, "say what changes: LINE:QUANTITY, or --add SKU:QUANTITY");
	if (!read_lines(cli, given.add, request.n_add, &request.add) ||
		!sourcing_set(cli, &request.base, "sourcing"))
		return EXIT_CODE_USAGE;
	request.order_id = document_resolve(cli, &order_kind, cli->arguments[0]);
	if (!request.order_id)
		return cli->exit_code;
	request.allow_partial = given.allow_partial;
	request.note = text_of(given_note);
	request.channel = text_of(given.channel);
	request.worker = text_of(here_worker());
	return show_order(cli, cli_call(cli, "OrderService", "AmendOrder", &request.base));
}
