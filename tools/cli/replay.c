/* stockbook replay: a retailer's trade, line by line, into the book. */
#include "cli.h"

#include <inttypes.h>
#include <string.h>

#include "parse.h"
#include "replay/replay.h"

static struct {
	char *format, *from, *to, *location, *channel, *run;
	int in_flight, unary, check_only;
	int stores, warehouses;
	long long seed;
} given = {.in_flight = 512, .warehouses = 2, .seed = 1};

static const struct poptOption options[] = {
	{"format", 0, POPT_ARG_STRING, &given.format, 0, "online-retail, the only one yet", "NAME"},
	{"from", 0, POPT_ARG_STRING, &given.from, 0, "invoices of this day on", "DATE"},
	{"to", 0, POPT_ARG_STRING, &given.to, 0, "invoices up to this day, included", "DATE"},
	{"location", 0, POPT_ARG_STRING, &given.location, 0,
		"where everything happens (ONLINE-RETAIL); made if absent", "CODE"},
	{"channel", 0, POPT_ARG_STRING, &given.channel, 0,
		"through which it is sold (online-retail); made if absent", "CODE"},
	{"stores", 0, POPT_ARG_INT, &given.stores, 0,
		"a chain of so many stores, not one location, with pickups and transfers", "N"},
	{"warehouses", 0, POPT_ARG_INT, &given.warehouses, 0, "of the chain (2)", "N"},
	{"seed", 0, POPT_ARG_LONGLONG, &given.seed, 0, "decides what is where in the chain (1)", "N"},
	{"in-flight", 0, POPT_ARG_INT, &given.in_flight, 0, "calls at a time (512)", "N"},
	{"unary", 0, POPT_ARG_NONE, &given.unary, 0, "each call alone, not all in one session", NULL},
	{"run", 0, POPT_ARG_STRING, &given.run, 0, "the same trade once more, under this name", "NAME"},
	{"check-only", 0, POPT_ARG_NONE, &given.check_only, 0, "send nothing, compare the book", NULL},
	POPT_TABLEEND,
};

static bool is_date(const char *text)
{
	int64_t seconds;
	return !text || (strlen(text) == 10 && text[4] == '-' && parse_time(text, &seconds));
}

/* A chain has places, a group and a channel of its own, so that another seed is another chain. */
static void choose_chain(struct cli *cli, struct replay *replay, struct replay_options *chosen)
{
	if (!given.location)
		chosen->location = arena_printf(&cli->arena, "CHAIN-%lld", given.seed);
	if (!given.channel)
		chosen->channel = arena_printf(&cli->arena, "chain-%s", chosen->location);
	replay->name_space = arena_printf(&cli->arena, "%s, %d stores %d warehouses seed %lld",
		replay->name_space, given.stores, given.warehouses, given.seed);
}

static enum exit_code finish(struct replay *replay, bool complete, int64_t wrong)
{
	if (interrupted()) {
		say_hint("interrupted; the same command goes on, nothing is done twice");
		return EXIT_CODE_INTERRUPTED;
	}
	if (!complete) {
		say_hint("when that is mended, the same command goes on, nothing is done twice");
		return replay->stop_code;
	}
	if (wrong > 0) {
		say_error("%" PRId64 " SKUs in the book differ from the file", wrong);
		return EXIT_CODE_WRONG;
	}
	if (wrong < 0)
		return replay->cli->exit_code;
	return replay->refusals_count || replay->lines_wrong ? EXIT_CODE_REFUSED : EXIT_CODE_OK;
}

static enum exit_code run(struct cli *cli)
{
	if (given.format && strcmp(given.format, "online-retail") != 0)
		return usage_error(cli, "format '%s' is not online-retail", given.format);
	if (!is_date(given.from) || !is_date(given.to))
		return usage_error(cli, "--from and --to take a date such as 2011-11-29");
	if (given.in_flight < 1 || given.in_flight > 10000)
		return usage_error(cli, "--in-flight takes 1 to 10000");
	if (given.stores < 0 || given.stores > 999 || given.warehouses < 1 || given.warehouses > 99)
		return usage_error(cli, "--stores takes 1 to 999, --warehouses 1 to 99");
	struct replay_options chosen = {
		.path = cli->arguments[0],
		.from = given.from,
		.to = given.to,
		.location = given.location ? given.location : "ONLINE-RETAIL",
		.channel = given.channel ? given.channel : "online-retail",
		.run = given.run ? given.run : "",
		.in_flight = given.in_flight,
		.stores = given.stores,
		.warehouses = given.warehouses,
		.seed = given.seed,
		.unary = given.unary,
		.check_only = given.check_only,
	};
	struct replay replay = {.cli = cli, .options = &chosen};
	/* Another selection is another trade, with receipts of its own. */
	replay.name_space = arena_printf(&cli->arena, "stockbook replay online-retail %s %s %s %s",
		given.location || !given.stores ? chosen.location : "", given.from ? given.from : "",
		given.to ? given.to : "", chosen.run);
	if (given.stores)
		choose_chain(cli, &replay, &chosen);
	/* Calls of the replay say their own deadlines; those around it need some patience, too. */
	if (!cli->connection.deadline_ms)
		cli->connection.deadline_ms = 60000;
	interrupt_catch();
	if (!replay_parse(&replay))
		return EXIT_CODE_USAGE;
	replay_places(&replay);
	replay_plan(&replay);
	bool complete = !interrupted() && (chosen.check_only || replay_run(&replay));
	int64_t wrong = complete ? replay_check(&replay) : 0;
	if (!interrupted() || !chosen.check_only)
		replay_report(&replay, complete && wrong >= 0, wrong);
	uuid_set_release(&replay.ids);
	return finish(&replay, complete, wrong);
}

static const struct command commands[] = {
	{NULL, "FILE", "Feeds a year of invoices to the book and holds the book against them.",
		"FILE is CSV with the columns InvoiceNo, StockCode, Description, Quantity, InvoiceDate,\n"
		"UnitPrice and CustomerID (the \"Online Retail\" set of the UCI repository is such a file);\n"
		"it may be .xz, or - for standard input.\n\n"
		"Codes become items, letter case included: 85123A and 85123a are two SKUs.\n"
		"Each SKU is received once, at the beginning, as much as is sold and written off in the\n"
		"selection, so that no sale can be short.\n"
		"An invoice becomes an order of its customer, shipped at once, a line for each line.\n"
		"A C invoice is a return, restocked: against the customer's earlier orders, the latest\n"
		"first, as far as they reach, and blind for the rest.\n"
		"Other negative lines are written off: BREAKAGE when the note says so, else SHRINKAGE.\n"
		"Invoices without any price and customer are goods found.\n"
		"A invoices, and POST, DOT, M, D, C2, S, B, PADS, BANK CHARGES, AMAZONFEE and CRUK, move\n"
		"no stock; they are counted and named.\n\n"
		"With --stores, the trade is that of a chain: stores, warehouses and customers are where the\n"
		"seed puts them, and so is each SKU's stock: some in a few stores, most in warehouses. One\n"
		"order in five is picked up at a store near the customer, what the store lacks is sent\n"
		"there, and it is accepted, picked, made ready and collected; the others are sourced from\n"
		"the nearest and shipped. A few pickers come out short. After each week of the file, stores\n"
		"that ran low get a transfer; a few arrive short. Returns come to any store. At the end the\n"
		"sums over all locations are the file's, and nothing is promised or in transit.\n\n"
		"Request ids follow from invoice, location and dates: an interrupted replay that is\n"
		"started again ends in the same book. At the end every SKU is compared; exits with 5 when\n"
		"any differs, with 1 when anything was refused.\n",
		"replay --format online-retail online-retail.csv.xz\n"
		"replay online-retail.csv --from 2011-11-29 --to 2011-11-29 --location DAY\n"
		"replay online-retail.csv --stores 20 --warehouses 2 --seed 7\n"
		"replay online-retail.csv --check-only",
		options, 1, 1, run},
};

const struct noun noun_replay = {.name = "replay",
	.summary = "A retailer's trade, line by line, into the book.",
	NOUN_COMMANDS(commands)};
