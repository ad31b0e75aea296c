/* stockbook promise: what could be kept, and when, without committing anything. */
#include "cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "message.h"
#include "message_json.h"
#include "parse.h"
#include "sourcing.h"
#include "stockbook/v1/sourcing.pb-c.h"
#include "view.h"

static struct {
	char *channel, *method, *at;
	int most, explain;
} given;

static const struct poptOption options[] = {
	{"channel", 0, POPT_ARG_STRING, &given.channel, 0, "for whom", "CODE"},
	{"method", 0, POPT_ARG_STRING, &given.method, 0, "ship (default), pickup, ship-to-store",
		"METHOD"},
	{"at", 0, POPT_ARG_STRING, &given.at, 0, "where the customer fetches it", "CODE"},
	{"most", 'm', POPT_ARG_INT, &given.most, 0, "pickup: at so many locations (10)", "N"},
	{"explain", 0, POPT_ARG_NONE, &given.explain, 0, "who was passed over, and why", NULL},
	SOURCING_OPTIONS,
	POPT_TABLEEND,
};

static int64_t wanted_units(const Stockbook__V1__PromiseRequest *request)
{
	int64_t units = 0;
	for (size_t i = 0; i < request->n_lines; i++)
		units += request->lines[i]->quantity;
	return units;
}

static int64_t kept_units(const Stockbook__V1__PromiseOption *option)
{
	int64_t units = 0;
	for (size_t i = 0; i < option->n_sources; i++)
		if (*option->sources[i]->location)
			units += option->sources[i]->quantity;
	return units;
}

static const char *moment_text(struct cli *cli, const ProtobufCMessage *message)
{
	return message_text(&cli->arena, message, "promised_time");
}

/* A row for each place where the customer could fetch it. */
static void show_options(struct cli *cli, const Stockbook__V1__PromiseRequest *request,
	const Stockbook__V1__PromiseResponse *response)
{
	static const char *const titles[] = {"AT", "KM", "CAN KEEP", "READY"};
	static const int kinds[] = {COLUMN_TEXT, COLUMN_NUMBER, COLUMN_TEXT, COLUMN_TEXT};
	enum { COLUMNS = ARRAY_COUNT(titles) };
	struct arena *arena = &cli->arena;
	const char **cells = arena_alloc_array(arena, response->n_options * COLUMNS, sizeof(*cells));
	for (size_t i = 0; i < response->n_options; i++) {
		const Stockbook__V1__PromiseOption *option = response->options[i];
		const char **row = cells + i * COLUMNS;
		row[0] = option->pickup_location;
		row[1] = option->distance_km > 0 ? arena_printf(arena, "%.1f", option->distance_km) : "";
		row[2] = option->complete ? "all"
								  : arena_printf(arena, "%" PRId64 " of %" PRId64,
										kept_units(option), wanted_units(request));
		row[3] = kept_units(option) ? moment_text(cli, &option->base) : "never";
	}
	view_text_table(cli, titles, kinds, COLUMNS, cells, response->n_options);
}

/* A row for each part of a line, from wherever it comes. */
static void show_sources(struct cli *cli, const Stockbook__V1__PromiseOption *option)
{
	static const char *const titles[] = {"SKU", "QUANTITY", "FROM", "WHEN"};
	static const int kinds[] = {COLUMN_TEXT, COLUMN_NUMBER, COLUMN_TEXT, COLUMN_TEXT};
	enum { COLUMNS = ARRAY_COUNT(titles) };
	const char **cells =
		arena_alloc_array(&cli->arena, option->n_sources * COLUMNS, sizeof(*cells));
	for (size_t i = 0; i < option->n_sources; i++) {
		const Stockbook__V1__PromiseSource *source = option->sources[i];
		const char **row = cells + i * COLUMNS;
		row[0] = source->sku;
		row[1] = arena_printf(&cli->arena, "%" PRId64, source->quantity);
		row[2] = *source->location ? source->location : "nowhere";
		row[3] = *source->location ? moment_text(cli, &source->base) : "OUT_OF_STOCK";
	}
	view_text_table(cli, titles, kinds, COLUMNS, cells, option->n_sources);
	if (option->complete)
		printf("\nall of it by %s%s%s\n", moment_text(cli, &option->base),
			*option->pickup_location ? " at " : "", option->pickup_location);
	else
		printf("\nNOT all of it can be kept\n");
}

static bool read_request(struct cli *cli, Stockbook__V1__PromiseRequest *request)
{
	int method = 0;
	if (given.method &&
		!parse_enum(&stockbook__v1__fulfilment_method__descriptor, given.method, &method)) {
		usage_error(cli, "method '%s' is not one of ship, pickup, ship-to-store", given.method);
		return false;
	}
	request->channel = text_of(given.channel);
	request->method = (Stockbook__V1__FulfilmentMethod)method;
	request->pickup_location = text_of(given.at);
	request->locations_max = given.most;
	request->explain = given.explain;
	request->n_lines = (size_t)cli->arguments_count;
	request->lines = arena_alloc_array(&cli->arena, request->n_lines, sizeof(*request->lines));
	for (size_t i = 0; i < request->n_lines; i++) {
		struct line line = {.sku = cli->arguments[i], .quantity = 1};
		bool alone = !strchr(cli->arguments[i], ':');
		if (!alone &&
			(!parse_line(&cli->arena, cli->arguments[i], &line) || line.location || line.price)) {
			usage_error(cli, "'%s' is not SKU or SKU:QUANTITY", cli->arguments[i]);
			return false;
		}
		request->lines[i] = arena_alloc(&cli->arena, sizeof(*request->lines[i]));
		stockbook__v1__promise_line__init(request->lines[i]);
		request->lines[i]->sku = text_of(line.sku);
		request->lines[i]->quantity = line.quantity;
	}
	return sourcing_read_near(cli, &request->near) && sourcing_set(cli, &request->base, "options");
}

static enum exit_code run(struct cli *cli)
{
	Stockbook__V1__PromiseRequest request = STOCKBOOK__V1__PROMISE_REQUEST__INIT;
	if (!read_request(cli, &request))
		return EXIT_CODE_USAGE;
	ProtobufCMessage *message =
		cli_keep(cli, cli_call(cli, "SourcingService", "Promise", &request.base));
	if (!message)
		return cli->exit_code;
	const Stockbook__V1__PromiseResponse *response =
		(const Stockbook__V1__PromiseResponse *)message;
	if (cli->output == OUTPUT_JSON) {
		message_write_json(stdout, message, true, 0);
		putchar('\n');
		return EXIT_CODE_OK;
	}
	if (request.method == STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_PICKUP)
		show_options(cli, &request, response);
	else if (response->n_options)
		show_sources(cli, response->options[0]);
	const char **skus = arena_alloc_array(&cli->arena, request.n_lines, sizeof(*skus));
	for (size_t i = 0; i < request.n_lines; i++)
		skus[i] = request.lines[i]->sku;
	sourcing_show_explanation(cli, response->explanation, skus, request.n_lines);
	return EXIT_CODE_OK;
}

static const struct command commands[] = {
	{NULL, "SKU[:QUANTITY]...", "What could be kept now, from where, and when.",
		"Commits nothing. 'stockbook order place' with the same options does it.\n",
		"promise --channel web 85123A:2 71053\n"
		"promise --channel web --method pickup --near 53.8,-1.55 85123A:2\n"
		"promise --channel web --method ship-to-store --at LEEDS --explain 85123A:2",
		options, 1, -1, run},
};

const struct noun noun_promise = {.name = "promise",
	.summary = "What could be kept, from where and when, without committing it.",
	NOUN_COMMANDS(commands)};
