/* stockbook import: items, locations and stock out of CSV files. */
#include "cli.h"

#include "import/import.h"

static struct {
	char *run, *rejects;
	int in_flight, absolute;
} given = {.in_flight = 128};

#define COMMON_OPTIONS                                                                             \
	{"rejects", 0, POPT_ARG_STRING, &given.rejects, 0, "file for refused lines and reasons",       \
		"FILE"},                                                                                   \
		{"run", 0, POPT_ARG_STRING, &given.run, 0,                                                 \
			"import the same content once more, under this name", "NAME"},                         \
	{                                                                                              \
		"in-flight", 0, POPT_ARG_INT, &given.in_flight, 0, "calls at a time (128)", "N"            \
	}

static const struct poptOption options[] = {COMMON_OPTIONS, POPT_TABLEEND};

static const struct poptOption stock_options[] = {
	{"absolute", 0, POPT_ARG_NONE, &given.absolute, 0,
		"the quantities are what is on hand, not what came in", NULL},
	COMMON_OPTIONS, POPT_TABLEEND};

static enum exit_code run(struct cli *cli, const char *kind)
{
	if (given.in_flight < 1 || given.in_flight > 10000)
		return usage_error(cli, "--in-flight takes 1 to 10000");
	struct import_options import = {
		.path = cli->arguments[0],
		.run = given.run ? given.run : "",
		.rejects = given.rejects,
		.in_flight = given.in_flight,
		.absolute = given.absolute,
	};
	return import_run(cli, import_kind(kind, given.absolute), &import);
}

static enum exit_code items(struct cli *cli)
{
	return run(cli, "items");
}

static enum exit_code locations(struct cli *cli)
{
	return run(cli, "locations");
}

static enum exit_code stock(struct cli *cli)
{
	return run(cli, "stock");
}

#define GOES_ON                                                                                    \
	"Each line is checked first. Request ids follow from the file's name and its lines, so that\n" \
	"running the same command again does nothing twice; after an interruption it goes on where\n"  \
	"it stopped (FILE.stockbook-import remembers). FILE may be .xz, or - for standard input.\n"

static const struct command commands[] = {
	{"items", "FILE", "Puts items, one a line.",
		"Columns, named in the first line: sku, and any of name, aliases (with | between them),\n"
		"safety_stock.\n\n" GOES_ON,
		"import items items.csv\nimport items items.csv --rejects refused.csv", options, 1, 1,
		items},
	{"locations", "FILE", "Puts locations, one a line.",
		"Columns, named in the first line: code, and any of name, kind (store, warehouse,\n"
		"virtual), time_zone, sells_at_till, ships, hands_over_pickups, takes_returns, disabled\n"
		"(yes or no), daily_ship_capacity, safety_stock.\n\n" GOES_ON,
		"import locations locations.csv", options, 1, 1, locations},
	{"stock", "FILE", "Receives stock, or sets it to absolute figures.",
		"Columns, named in the first line: location, sku, quantity, and state when it is not\n"
		"available. Up to 500 lines of a location go into one call.\n\n" GOES_ON,
		"import stock delivery.csv\nimport stock count.csv --absolute", stock_options, 1, 1, stock},
};

const struct noun noun_import = {.name = "import",
	.summary = "Items, locations and stock out of CSV files.",
	NOUN_COMMANDS(commands)};
