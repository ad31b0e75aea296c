/* stockbook return: goods that come back. */
#include "cli.h"

#include <string.h>

#include "parse.h"
#include "stockbook/v1/return.pb-c.h"
#include "view.h"

static const struct column fields[] = {
	{"return", "id", COLUMN_TEXT},
	{"status", "status", COLUMN_TEXT},
	{"location", "location", COLUMN_TEXT},
	{"channel", "channel", COLUMN_TEXT},
	{"customer", "customer", COLUMN_TEXT},
	{"order", "order_id", COLUMN_TEXT},
	{"reference", "reference", COLUMN_TEXT},
	{"amount due", "amount_due", COLUMN_TEXT},
	{"created", "create_time", COLUMN_TEXT},
};

static const struct column line_columns[] = {
	{"LINE", "line", COLUMN_NUMBER},
	{"ORDER LINE", "order_line", COLUMN_NUMBER | COLUMN_NO_ZERO},
	{"SKU", "sku", COLUMN_TEXT},
	{"QUANTITY", "quantity", COLUMN_NUMBER},
	{"WAITING", "waiting", COLUMN_NUMBER | COLUMN_NO_ZERO},
	{"RESTOCKED", "restocked", COLUMN_NUMBER | COLUMN_NO_ZERO},
	{"DAMAGED", "damaged", COLUMN_NUMBER | COLUMN_NO_ZERO},
	{"DESTROYED", "destroyed", COLUMN_NUMBER | COLUMN_NO_ZERO},
	{"AMOUNT DUE", "amount_due", COLUMN_NUMBER},
};

static const struct column list_columns[] = {
	{"RETURN", "id", COLUMN_TEXT},
	{"STATUS", "status", COLUMN_TEXT},
	{"LOCATION", "location", COLUMN_TEXT},
	{"CUSTOMER", "customer", COLUMN_LONG},
	{"ORDER", "order_id", COLUMN_TEXT},
	{"REFERENCE", "reference", COLUMN_LONG},
	{"AMOUNT DUE", "amount_due", COLUMN_NUMBER},
	{"CREATED", "create_time", COLUMN_TEXT},
	{"LINES", "lines", COLUMN_DETAIL},
};

static struct {
	char *order, *channel, *customer, *reference, *note, *disposition;
} given;

static enum exit_code show_return(struct cli *cli, ProtobufCMessage *response)
{
	if (!response)
		return cli->exit_code;
	enum exit_code code = view_document(cli, response, "goods_return", VIEW_COLUMNS(fields),
		"lines", VIEW_COLUMNS(line_columns));
	protobuf_c_message_free_unpacked(response, NULL);
	return code;
}

static bool read_disposition(struct cli *cli, Stockbook__V1__Disposition *disposition)
{
	int value = 0;
	if (given.disposition &&
		!parse_enum(&stockbook__v1__disposition__descriptor, given.disposition, &value)) {
		usage_error(cli, "disposition '%s' is not one of %s", given.disposition,
			enum_words(&cli->arena, &stockbook__v1__disposition__descriptor));
		return false;
	}
	*disposition = (Stockbook__V1__Disposition)value;
	return true;
}

static const struct poptOption create_options[] = {
	{"order", 0, POPT_ARG_STRING, &given.order, 0, "whose goods they are; without it: blind",
		"ORDER"},
	{"disposition", 0, POPT_ARG_STRING, &given.disposition, 0,
		"restock, damaged, destroyed; without it: inspect later", "WHAT"},
	{"channel", 0, POPT_ARG_STRING, &given.channel, 0, "through which they came back", "CODE"},
	{"customer", 0, POPT_ARG_STRING, &given.customer, 0, "of a blind return", "TEXT"},
	{"reference", 0, POPT_ARG_STRING, &given.reference, 0, "own number", "TEXT"},
	{"note", 0, POPT_ARG_STRING, &given.note, 0, "for people", "TEXT"},
	POPT_TABLEEND,
};

/* "#2:1" is the order's second line, "85123A:1" any line of that SKU. */
static bool read_line(struct cli *cli, const char *text, Stockbook__V1__CreateReturnLine *to)
{
	struct line line;
	int64_t number;
	if (!parse_line(&cli->arena, text, &line) || line.location)
		return false;
	to->quantity = line.quantity;
	to->unit_price = line.price;
	if (given.order && line.sku[0] == '#') {
		if (!parse_integer(line.sku + 1, &number) || number < 1 || number > INT32_MAX)
			return false;
		to->order_line = (int32_t)number;
	} else {
		to->sku = text_of(line.sku);
	}
	return true;
}

static enum exit_code create(struct cli *cli)
{
	Stockbook__V1__CreateReturnRequest request = STOCKBOOK__V1__CREATE_RETURN_REQUEST__INIT;
	Stockbook__V1__Disposition disposition;
	if (!read_disposition(cli, &disposition))
		return EXIT_CODE_USAGE;
	request.location = cli->arguments[0];
	request.order_id = text_of(given.order);
	request.channel = text_of(given.channel);
	request.customer = text_of(given.customer);
	request.reference = text_of(given.reference);
	request.note = text_of(given.note);
	request.n_lines = (size_t)(cli->arguments_count - 1);
	request.lines = arena_alloc_array(&cli->arena, request.n_lines, sizeof(*request.lines));
	for (size_t i = 0; i < request.n_lines; i++) {
		request.lines[i] = arena_alloc(&cli->arena, sizeof(*request.lines[i]));
		stockbook__v1__create_return_line__init(request.lines[i]);
		request.lines[i]->disposition = disposition;
		if (!read_line(cli, cli->arguments[i + 1], request.lines[i]))
			return usage_error(cli, "'%s' is neither SKU:QUANTITY[=PRICE] nor #ORDERLINE:QUANTITY",
				cli->arguments[i + 1]);
	}
	return show_return(cli, cli_call(cli, "ReturnService", "CreateReturn", &request.base));
}

static const struct poptOption inspect_options[] = {
	{"disposition", 0, POPT_ARG_STRING, &given.disposition, 0, "restock, damaged, destroyed",
		"WHAT"},
	{"note", 0, POPT_ARG_STRING, &given.note, 0, "for people", "TEXT"},
	POPT_TABLEEND,
};

static enum exit_code inspect(struct cli *cli)
{
	Stockbook__V1__InspectReturnRequest request = STOCKBOOK__V1__INSPECT_RETURN_REQUEST__INIT;
	Stockbook__V1__Disposition disposition;
	if (!given.disposition)
		return usage_error(cli, "say what becomes of the goods with --disposition");
	if (!read_disposition(cli, &disposition))
		return EXIT_CODE_USAGE;
	request.return_id = cli->arguments[0];
	request.note = text_of(given.note);
	request.n_lines = (size_t)(cli->arguments_count - 1);
	request.lines = arena_alloc_array(&cli->arena, request.n_lines, sizeof(*request.lines));
	for (size_t i = 0; i < request.n_lines; i++) {
		struct line line;
		int64_t number;
		if (!parse_line(&cli->arena, cli->arguments[i + 1], &line) || line.price || line.location ||
			!parse_integer(line.sku, &number) || number < 1 || number > INT32_MAX)
			return usage_error(cli, "'%s' is not LINE:QUANTITY", cli->arguments[i + 1]);
		request.lines[i] = arena_alloc(&cli->arena, sizeof(*request.lines[i]));
		stockbook__v1__inspect_return_line__init(request.lines[i]);
		request.lines[i]->line = (int32_t)number;
		request.lines[i]->quantity = line.quantity;
		request.lines[i]->disposition = disposition;
	}
	return show_return(cli, cli_call(cli, "ReturnService", "InspectReturn", &request.base));
}

static enum exit_code show(struct cli *cli)
{
	Stockbook__V1__GetReturnRequest request = STOCKBOOK__V1__GET_RETURN_REQUEST__INIT;
	request.return_id = cli->arguments[0];
	return show_return(cli, cli_call(cli, "ReturnService", "GetReturn", &request.base));
}

static const struct poptOption list_options[] = {
	{"order", 0, POPT_ARG_STRING, &given.order, 0, "of this order", "ORDER"},
	{"customer", 0, POPT_ARG_STRING, &given.customer, 0, "or of this customer", "TEXT"},
	LIST_LIMIT_OPTION,
	POPT_TABLEEND,
};

static enum exit_code list(struct cli *cli)
{
	Stockbook__V1__ListReturnsRequest request = STOCKBOOK__V1__LIST_RETURNS_REQUEST__INIT;
	if (!given.order == !given.customer)
		return usage_error(cli, "name one of --order and --customer");
	request.order_id = text_of(given.order);
	request.customer = text_of(given.customer);
	return view_list(cli, "ReturnService", "ListReturns", &request.base, "returns", view_limit,
		VIEW_COLUMNS(list_columns));
}

static const struct command commands[] = {
	{"create", "LOCATION SKU:QUANTITY[=PRICE]|#ORDERLINE:QUANTITY...",
		"Takes goods back, against an order or blind.", NULL,
		"return create LEEDS --order 019389a2-6f1e-7005-8000-1a2b3c4d5e6f --disposition restock "
		"'#1:2'\n"
		"return create LEEDS --customer 17850 --disposition damaged 85123A:1=2.55GBP",
		create_options, 2, -1, create},
	{"inspect", "RETURN LINE:QUANTITY...", "Decides about goods that wait for it.", NULL,
		"return inspect 019389a2-6f1e-7005-8000-1a2b3c4d5e6f 1:2 --disposition restock",
		inspect_options, 2, -1, inspect},
	{"show", "RETURN", "Shows a return and its lines.", NULL,
		"return show 019389a2-6f1e-7005-8000-1a2b3c4d5e6f", NULL, 1, 1, show},
	{"list", "", "Lists returns of an order or of a customer, oldest first.", NULL,
		"return list --customer 17850", list_options, 0, 0, list},
};

const struct noun noun_return = {
	.name = "return", .summary = "Goods that come back.", NOUN_COMMANDS(commands)};
