/* stockbook stock: what is where, what may be promised, and the facts that change it. */
#include "stock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "document.h"
#include "message.h"
#include "parse.h"
#include "stockbook/v1/stock.pb-c.h"
#include "view.h"

const struct column stock_level_columns[STOCK_LEVEL_COLUMNS_COUNT] = {
	{"SKU", "sku", COLUMN_TEXT},
	{"LOCATION", "location", COLUMN_TEXT},
	{"AVAILABLE", "available", COLUMN_NUMBER},
	{"RESERVED", "reserved", COLUMN_NUMBER | COLUMN_NO_ZERO},
	{"ALLOCATED", "allocated", COLUMN_NUMBER | COLUMN_NO_ZERO},
	{"PICKED", "picked", COLUMN_NUMBER | COLUMN_NO_ZERO},
	{"DAMAGED", "damaged", COLUMN_NUMBER | COLUMN_NO_ZERO},
	{"QUALITY", "quality_control", COLUMN_NUMBER | COLUMN_NO_ZERO},
	{"ON HOLD", "on_hold", COLUMN_NUMBER | COLUMN_NO_ZERO},
	{"ON HAND", "on_hand", COLUMN_NUMBER},
	{"SAFETY", "safety_stock", COLUMN_NUMBER | COLUMN_NO_ZERO},
	{"IN TRANSIT", "in_transit", COLUMN_DETAIL},
};

static const struct column availability_columns[] = {
	{"SKU", "sku", COLUMN_TEXT},
	{"AVAILABLE TO SELL", "available_to_sell", COLUMN_NUMBER},
	{"LOCATIONS", "locations", COLUMN_LONG | COLUMN_DETAIL},
};

static const struct column term_columns[] = {
	{"TERM", "name", COLUMN_TEXT},
	{"QUANTITY", "quantity", COLUMN_NUMBER},
	{"SOURCE", "source", COLUMN_LONG},
};

static const struct column recent_columns[] = {
	{"TIME", "time", COLUMN_TEXT},
	{"FROM", "from_state", COLUMN_TEXT},
	{"TO", "to_state", COLUMN_TEXT},
	{"QUANTITY", "quantity", COLUMN_NUMBER},
	{"REASON", "reason", COLUMN_TEXT},
	{"DOCUMENT", "document_kind", COLUMN_TEXT},
	{"ID", "document_id", COLUMN_LONG},
};

static struct {
	char *sku, *location, *group, *channel;
	char **locations;
	char *reference, *state, *reason, *expected;
} given;

enum exit_code stock_show_levels(struct cli *cli, ProtobufCMessage *response)
{
	if (!response)
		return cli->exit_code;
	enum exit_code code =
		view_rows(cli, response, "levels", stock_level_columns, STOCK_LEVEL_COLUMNS_COUNT);
	protobuf_c_message_free_unpacked(response, NULL);
	return code;
}

/* The lines behind the location; false after a message. */
static bool read_lines(struct cli *cli, struct line *lines, int count)
{
	for (int i = 0; i < count; i++) {
		const char *text = cli->arguments[i + 1];
		if (!parse_line(&cli->arena, text, &lines[i]) || lines[i].location || lines[i].price) {
			usage_error(cli, "'%s' is not SKU:QUANTITY", text);
			return false;
		}
	}
	return true;
}

static bool read_enum(struct cli *cli, const ProtobufCEnumDescriptor *descriptor, const char *text,
	int *value)
{
	*value = 0;
	if (!text || parse_enum(descriptor, text, value))
		return true;
	usage_error(cli, "'%s' is not one of %s", text, enum_words(&cli->arena, descriptor));
	return false;
}

static const struct poptOption show_options[] = {
	{"sku", 0, POPT_ARG_STRING, &given.sku, 0, "of this SKU or alias", "SKU"},
	{"location", 0, POPT_ARG_STRING, &given.location, 0, "at this location", "CODE"},
	LIST_LIMIT_OPTION,
	POPT_TABLEEND,
};

static enum exit_code show(struct cli *cli)
{
	Stockbook__V1__ListStockRequest request = STOCKBOOK__V1__LIST_STOCK_REQUEST__INIT;
	request.sku = text_of(cli->arguments_count ? cli->arguments[0] : given.sku);
	request.location = text_of(given.location);
	if (!*request.sku && !*request.location)
		return usage_error(cli, "name a SKU, or a location with --location");
	return view_list(cli, "StockService", "ListStock", &request.base, "levels", view_limit,
		stock_level_columns, STOCK_LEVEL_COLUMNS_COUNT);
}

static const struct poptOption availability_options[] = {
	{"location", 0, POPT_ARG_ARGV, &given.locations, 0, "only there; may be repeated", "CODE"},
	{"group", 0, POPT_ARG_STRING, &given.group, 0, "over this group of locations", "CODE"},
	{"channel", 0, POPT_ARG_STRING, &given.channel, 0, "for this channel", "CODE"},
	POPT_TABLEEND,
};

static enum exit_code availability(struct cli *cli)
{
	Stockbook__V1__GetAvailabilityRequest request = STOCKBOOK__V1__GET_AVAILABILITY_REQUEST__INIT;
	request.n_skus = (size_t)cli->arguments_count;
	request.skus = cli->arguments;
	request.locations = given.locations;
	while (given.locations && given.locations[request.n_locations])
		request.n_locations++;
	request.location_group = text_of(given.group);
	request.channel = text_of(given.channel);
	if (!request.n_locations && !given.group && !given.channel)
		return usage_error(cli, "say where: --location, --group or --channel");
	ProtobufCMessage *response = cli_call(cli, "StockService", "GetAvailability", &request.base);
	if (!response)
		return cli->exit_code;
	enum exit_code code =
		view_rows(cli, response, "availabilities", VIEW_COLUMNS(availability_columns));
	protobuf_c_message_free_unpacked(response, NULL);
	return code;
}

static const struct poptOption watch_options[] = {
	{"location", 0, POPT_ARG_ARGV, &given.locations, 0, "only there; may be repeated", "CODE"},
	{"group", 0, POPT_ARG_STRING, &given.group, 0, "over this group of locations", "CODE"},
	{"channel", 0, POPT_ARG_STRING, &given.channel, 0, "for this channel", "CODE"},
	{"count", 'n', POPT_ARG_INT, &stock_watch_count, 0, "end after so many values", "N"},
	POPT_TABLEEND,
};

static enum exit_code watch(struct cli *cli)
{
	size_t locations = 0;
	while (given.locations && given.locations[locations])
		locations++;
	if (!locations && !given.group && !given.channel)
		return usage_error(cli, "say where: --location, --group or --channel");
	return stock_watch(cli, given.locations, locations, text_of(given.group),
		text_of(given.channel));
}

static const struct poptOption explain_options[] = {
	{"channel", 0, POPT_ARG_STRING, &given.channel, 0, "for this channel", "CODE"},
	POPT_TABLEEND,
};

static enum exit_code explain(struct cli *cli)
{
	Stockbook__V1__ExplainAvailabilityRequest request =
		STOCKBOOK__V1__EXPLAIN_AVAILABILITY_REQUEST__INIT;
	request.sku = cli->arguments[0];
	request.location = cli->arguments[1];
	request.channel = text_of(given.channel);
	ProtobufCMessage *message = cli_call(cli, "StockService", "ExplainAvailability", &request.base);
	if (!message)
		return cli->exit_code;
	const Stockbook__V1__ExplainAvailabilityResponse *response =
		(const Stockbook__V1__ExplainAvailabilityResponse *)message;
	if (cli->output == OUTPUT_TABLE)
		printf("%s at %s: %" PRId64 " available to sell\n\n",
			response->level ? response->level->sku : request.sku, request.location,
			response->available_to_sell);
	view_rows(cli, message, "terms", VIEW_COLUMNS(term_columns));
	if (cli->output == OUTPUT_TABLE && response->n_movements) {
		printf("\nlatest movements:\n");
		view_rows(cli, message, "movements", VIEW_COLUMNS(recent_columns));
	}
	protobuf_c_message_free_unpacked(message, NULL);
	return EXIT_CODE_OK;
}

static const struct poptOption shortages_options[] = {
	{"location", 0, POPT_ARG_STRING, &given.location, 0, "only there", "CODE"},
	LIST_LIMIT_OPTION,
	POPT_TABLEEND,
};

static enum exit_code shortages(struct cli *cli)
{
	Stockbook__V1__ListShortagesRequest request = STOCKBOOK__V1__LIST_SHORTAGES_REQUEST__INIT;
	request.location = text_of(given.location);
	return view_list(cli, "StockService", "ListShortages", &request.base, "levels", view_limit,
		stock_level_columns, STOCK_LEVEL_COLUMNS_COUNT);
}

#define STATE_OPTION                                                                               \
	{                                                                                              \
		"state", 0, POPT_ARG_STRING, &given.state, 0,                                              \
			"available (default), damaged, quality-control, on-hold", "STATE"                      \
	}

static const struct poptOption receive_options[] = {
	{"reference", 0, POPT_ARG_STRING, &given.reference, 0, "delivery note, purchase order", "TEXT"},
	STATE_OPTION,
	POPT_TABLEEND,
};

static enum exit_code receive(struct cli *cli)
{
	Stockbook__V1__ReceiveStockRequest request = STOCKBOOK__V1__RECEIVE_STOCK_REQUEST__INIT;
	int count = cli->arguments_count - 1;
	int state;
	struct line *lines = arena_alloc_array(&cli->arena, (size_t)count, sizeof(*lines));
	if (!read_lines(cli, lines, count) ||
		!read_enum(cli, &stockbook__v1__stock_state__descriptor, given.state, &state))
		return EXIT_CODE_USAGE;
	request.location = cli->arguments[0];
	request.reference = text_of(given.reference);
	request.n_lines = (size_t)count;
	request.lines = arena_alloc_array(&cli->arena, (size_t)count, sizeof(*request.lines));
	for (int i = 0; i < count; i++) {
		request.lines[i] = arena_alloc(&cli->arena, sizeof(*request.lines[i]));
		stockbook__v1__receipt_line__init(request.lines[i]);
		request.lines[i]->sku = text_of(lines[i].sku);
		request.lines[i]->quantity = lines[i].quantity;
		request.lines[i]->state = (Stockbook__V1__StockState)state;
	}
	return stock_show_levels(cli, cli_call(cli, "StockService", "ReceiveStock", &request.base));
}

static const struct poptOption adjust_options[] = {
	{"reason", 0, POPT_ARG_STRING, &given.reason, 0,
		"shrinkage, breakage, past-date, found, sample, correction", "REASON"},
	STATE_OPTION,
	NOTE_OPTION,
	POPT_TABLEEND,
};

static enum exit_code adjust(struct cli *cli)
{
	Stockbook__V1__AdjustStockRequest request = STOCKBOOK__V1__ADJUST_STOCK_REQUEST__INIT;
	int count = cli->arguments_count - 1;
	int state, reason;
	struct line *lines = arena_alloc_array(&cli->arena, (size_t)count, sizeof(*lines));
	if (!given.reason)
		return usage_error(cli, "say why with --reason");
	if (!read_lines(cli, lines, count) ||
		!read_enum(cli, &stockbook__v1__stock_state__descriptor, given.state, &state) ||
		!read_enum(cli, &stockbook__v1__movement_reason__descriptor, given.reason, &reason))
		return EXIT_CODE_USAGE;
	request.location = cli->arguments[0];
	request.note = text_of(given_note);
	request.reason = (Stockbook__V1__MovementReason)reason;
	request.n_lines = (size_t)count;
	request.lines = arena_alloc_array(&cli->arena, (size_t)count, sizeof(*request.lines));
	for (int i = 0; i < count; i++) {
		request.lines[i] = arena_alloc(&cli->arena, sizeof(*request.lines[i]));
		stockbook__v1__adjustment_line__init(request.lines[i]);
		request.lines[i]->sku = text_of(lines[i].sku);
		request.lines[i]->quantity = lines[i].quantity;
		request.lines[i]->state = (Stockbook__V1__StockState)state;
	}
	return stock_show_levels(cli, cli_call(cli, "StockService", "AdjustStock", &request.base));
}

static const struct poptOption set_options[] = {
	{"expected", 0, POPT_ARG_STRING, &given.expected, 0,
		"refuse unless the book has just this now (one line)", "QUANTITY"},
	NOTE_OPTION,
	POPT_TABLEEND,
};

static enum exit_code set(struct cli *cli)
{
	Stockbook__V1__SetStockRequest request = STOCKBOOK__V1__SET_STOCK_REQUEST__INIT;
	int count = cli->arguments_count - 1;
	int64_t expected = 0;
	struct line *lines = arena_alloc_array(&cli->arena, (size_t)count, sizeof(*lines));
	if (!read_lines(cli, lines, count))
		return EXIT_CODE_USAGE;
	if (given.expected && (count != 1 || !parse_integer(given.expected, &expected)))
		return usage_error(cli, "--expected takes a whole number and goes with one line");
	request.location = cli->arguments[0];
	request.note = text_of(given_note);
	request.n_lines = (size_t)count;
	request.lines = arena_alloc_array(&cli->arena, (size_t)count, sizeof(*request.lines));
	for (int i = 0; i < count; i++) {
		request.lines[i] = arena_alloc(&cli->arena, sizeof(*request.lines[i]));
		stockbook__v1__set_stock_line__init(request.lines[i]);
		request.lines[i]->sku = text_of(lines[i].sku);
		request.lines[i]->on_hand = lines[i].quantity;
		if (given.expected)
			request.lines[i]->expected_on_hand = int64_value(&cli->arena, expected);
	}
	return stock_show_levels(cli, cli_call(cli, "StockService", "SetStock", &request.base));
}

static char *given_from, *given_to;

static const struct poptOption state_options[] = {
	{"from", 0, POPT_ARG_STRING, &given_from, 0, "the state now", "STATE"},
	{"to", 0, POPT_ARG_STRING, &given_to, 0, "the state then", "STATE"},
	NOTE_OPTION,
	POPT_TABLEEND,
};

static enum exit_code state(struct cli *cli)
{
	Stockbook__V1__ChangeStockStateRequest request =
		STOCKBOOK__V1__CHANGE_STOCK_STATE_REQUEST__INIT;
	int count = cli->arguments_count - 1;
	int from, to;
	struct line *lines = arena_alloc_array(&cli->arena, (size_t)count, sizeof(*lines));
	if (!given_from || !given_to)
		return usage_error(cli, "say --from and --to");
	if (!read_lines(cli, lines, count) ||
		!read_enum(cli, &stockbook__v1__stock_state__descriptor, given_from, &from) ||
		!read_enum(cli, &stockbook__v1__stock_state__descriptor, given_to, &to))
		return EXIT_CODE_USAGE;
	request.location = cli->arguments[0];
	request.note = text_of(given_note);
	request.n_lines = (size_t)count;
	request.lines = arena_alloc_array(&cli->arena, (size_t)count, sizeof(*request.lines));
	for (int i = 0; i < count; i++) {
		request.lines[i] = arena_alloc(&cli->arena, sizeof(*request.lines[i]));
		stockbook__v1__state_change_line__init(request.lines[i]);
		request.lines[i]->sku = text_of(lines[i].sku);
		request.lines[i]->quantity = lines[i].quantity;
		request.lines[i]->from_state = (Stockbook__V1__StockState)from;
		request.lines[i]->to_state = (Stockbook__V1__StockState)to;
	}
	return stock_show_levels(cli, cli_call(cli, "StockService", "ChangeStockState", &request.base));
}

static const struct command commands[] = {
	{"show", "[SKU]", "Shows balances by state, of a SKU, of a location, or of both.", NULL,
		"stock show 85123A\nstock show --location LEEDS\nstock show 85123A --location LEEDS "
		"--output json",
		show_options, 0, 1, show},
	{"availability", "SKU...", "Says what may be promised now.", NULL,
		"stock availability 85123A 71053 --channel web\nstock availability 85123A --location LEEDS "
		"--location YORK",
		availability_options, 1, -1, availability},
	{"watch", "SKU...", "Says what may be promised, and says it again when it changes.",
		"Until Ctrl-C; a line for each value, with --output json a JSON object a line.\n",
		"stock watch 85123A 71053 --channel web", watch_options, 1, -1, watch},
	{"explain", "SKU LOCATION", "Shows each term of an availability, and the latest movements.",
		NULL, "stock explain 85123A LEEDS --channel web", explain_options, 2, 2, explain},
	{"receive", "LOCATION SKU:QUANTITY...", "Goods came in.", NULL,
		"stock receive LEEDS 85123A:10 71053:5 --reference PO-4711", receive_options, 2, -1,
		receive},
	{"adjust", "LOCATION SKU:QUANTITY...", "Stock turned out to be more or less.", NULL,
		"stock adjust LEEDS 85123A:-2 --reason breakage\nstock adjust LEEDS 71053:1 --reason found",
		adjust_options, 2, -1, adjust},
	{"set", "LOCATION SKU:QUANTITY...", "Another system's figure becomes ours.", NULL,
		"stock set LEEDS 85123A:12 71053:0\nstock set LEEDS 85123A:12 --expected 10", set_options,
		2, -1, set},
	{"state", "LOCATION SKU:QUANTITY...", "Goods stay and become sellable or not.", NULL,
		"stock state LEEDS 85123A:1 --from available --to damaged", state_options, 2, -1, state},
	{"safety", "LOCATION SKU:QUANTITY...", "Keeps stock back; SKU:default returns to the defaults.",
		NULL, "stock safety LEEDS 85123A:2 71053:default", NULL, 2, -1, stock_safety},
	{"quota", "LOCATION CHANNEL SKU:QUANTITY...", "Keeps units for one channel; SKU:none ends it.",
		NULL, "stock quota DC1 web 85123A:20 71053:none", NULL, 3, -1, stock_quota},
	{"shelf", "LOCATION SKU=SHELF...", "Where goods lie: pickers walk in this order.",
		"Shelves are walked in the order of their characters; SKU= forgets it.\n",
		"stock shelf LEEDS 85123A=A-03-2 71053=B-01-1", NULL, 2, -1, stock_shelf},
	{"shortages", "", "Lists where facts took goods that were promised.", NULL, "stock shortages",
		shortages_options, 0, 0, shortages},
};

const struct noun noun_stock = {.name = "stock",
	.summary = "What is where, what may be promised, and what changes it.",
	NOUN_COMMANDS(commands)};
