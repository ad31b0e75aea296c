/*
 * stockbook pick: one walk along the shelves for many orders, with or without a scanner.
 */
#include "pick.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "here.h"
#include "parse.h"
#include "scan_session.h"
#include "sourcing.h"
#include "view.h"

static struct {
	char *rest;
	int most, scan, done;
} given;

#define MOST_DEFAULT 10

static const struct column batch_columns[] = {
	{"SHELF", "shelf", COLUMN_TEXT},
	{"SKU", "sku", COLUMN_TEXT},
	{"NAME", "name", COLUMN_LONG},
	{"UNITS", "quantity", COLUMN_NUMBER},
};

typedef Stockbook__V1__ClaimWorkResponse batch_t;

/* Claiming. */

/* The ids of the documents that were named; false after a message. */
static bool read_documents(struct cli *cli, Stockbook__V1__ClaimWorkRequest *claim)
{
	Stockbook__V1__ListWorkRequest request = STOCKBOOK__V1__LIST_WORK_REQUEST__INIT;
	Stockbook__V1__WorkKind kinds[] = {claim->kind};
	const ProtobufCMessage *const *found;
	size_t count;
	if (!cli->arguments_count)
		return true;
	request.location = claim->location;
	request.kinds = kinds;
	request.n_kinds = 1;
	if (!list_all(cli, "WorkService", "ListWork", &request.base, "work", &found, &count))
		return false;
	size_t capacity = 0;
	for (int i = 0; i < cli->arguments_count; i++) {
		size_t before = claim->n_document_ids;
		for (size_t j = 0; j < count; j++) {
			const Stockbook__V1__Work *work = (const Stockbook__V1__Work *)found[j];
			if (!document_is_named(cli->arguments[i], work->document_id, work->reference))
				continue;
			claim->document_ids = arena_grow(&cli->arena, claim->document_ids,
				claim->n_document_ids, &capacity, sizeof(char *));
			claim->document_ids[claim->n_document_ids++] = work->document_id;
		}
		if (claim->n_document_ids == before) {
			say_error("'%s' is nothing to pick at '%s'", cli->arguments[i], claim->location);
			say_hint("'stockbook work list pick' shows what is");
			cli->exit_code = EXIT_CODE_REFUSED;
			return false;
		}
	}
	return true;
}

static const batch_t *claim(struct cli *cli)
{
	Stockbook__V1__ClaimWorkRequest request = STOCKBOOK__V1__CLAIM_WORK_REQUEST__INIT;
	request.kind = STOCKBOOK__V1__WORK_KIND__WORK_KIND_PICK;
	request.location = text_of(here_location());
	request.worker = text_of(here_worker());
	request.most = given.most ? given.most : MOST_DEFAULT;
	if (!read_documents(cli, &request))
		return NULL;
	return (const batch_t *)cli_keep(cli, cli_call(cli, "WorkService", "ClaimWork", &request.base));
}

/* Showing. */

static void show_bags(struct cli *cli, const batch_t *batch)
{
	static const char *const titles[] = {"BAG", "ORDER", "FOR", "UNITS", "DUE"};
	static const int kinds[] = {COLUMN_NUMBER, COLUMN_TEXT, COLUMN_TEXT, COLUMN_NUMBER, COLUMN_DUE};
	enum { COLUMNS = ARRAY_COUNT(titles) };
	struct arena *arena = &cli->arena;
	const char **cells = arena_alloc_array(arena, batch->n_work * COLUMNS, sizeof(*cells));
	for (size_t i = 0; i < batch->n_work; i++) {
		const Stockbook__V1__Work *work = batch->work[i];
		const char **row = cells + i * COLUMNS;
		row[0] = arena_printf(arena, "%zu", i + 1);
		row[1] = pick_name_of(work);
		row[2] = pick_kind_of(work)->noun;
		row[3] = arena_printf(arena, "%" PRId64, work->units);
		row[4] =
			work->due_time ? due_text(arena, work->due_time->seconds, (int64_t)time(NULL)) : "";
	}
	view_text_table(cli, titles, kinds, COLUMNS, cells, batch->n_work);
}

/* "1:2 3:1": two into bag 1, one into bag 3. */
static const char *bags_of(struct cli *cli, const batch_t *batch, const char *sku)
{
	const char *text = "";
	for (size_t i = 0; i < batch->n_work; i++) {
		int64_t units = 0;
		for (size_t j = 0; j < batch->work[i]->n_lines; j++)
			if (strcmp(batch->work[i]->lines[j]->sku, sku) == 0)
				units += batch->work[i]->lines[j]->quantity;
		if (units)
			text =
				arena_printf(&cli->arena, "%s%s%zu:%" PRId64, text, *text ? " " : "", i + 1, units);
	}
	return text;
}

static void show_walk(struct cli *cli, const batch_t *batch)
{
	static const char *const titles[] = {"SHELF", "SKU", "NAME", "UNITS", "BAG:UNITS"};
	static const int kinds[] = {COLUMN_TEXT, COLUMN_TEXT, COLUMN_LONG, COLUMN_NUMBER, COLUMN_TEXT};
	enum { COLUMNS = ARRAY_COUNT(titles) };
	struct arena *arena = &cli->arena;
	const char **cells = arena_alloc_array(arena, batch->n_batch * COLUMNS, sizeof(*cells));
	for (size_t i = 0; i < batch->n_batch; i++) {
		const Stockbook__V1__WorkLine *line = batch->batch[i];
		const char **row = cells + i * COLUMNS;
		row[0] = *line->shelf ? line->shelf : "-";
		row[1] = line->sku;
		row[2] = line->name;
		row[3] = arena_printf(arena, "%" PRId64, line->quantity);
		row[4] = bags_of(cli, batch, line->sku);
	}
	view_text_table(cli, titles, kinds, COLUMNS, cells, batch->n_batch);
}

static void show_batch(struct cli *cli, const batch_t *batch)
{
	int64_t units = 0;
	for (size_t i = 0; i < batch->n_batch; i++)
		units += batch->batch[i]->quantity;
	if (cli->output != OUTPUT_TABLE)
		return;
	printf("%zu to pick at %s, %" PRId64 " units, claimed by %s\n\n", batch->n_work,
		here_location(), units, here_worker());
	show_bags(cli, batch);
	printf("\nthe walk:\n");
	show_walk(cli, batch);
}

/* Scanning. */

/* "bag 2", or "bag 1: 2, bag 3: 1" where a scan counted more than one. */
static const char *where_to(void *context, const struct scan_item *item, int64_t from, int64_t to)
{
	const batch_t *batch = context;
	static char text[120];
	size_t used = 0;
	if (batch->n_work < 2)
		return NULL;
	text[0] = '\0';
	while (from <= to && used < sizeof(text)) {
		int bag = pick_bag_of(batch, item->sku, from);
		int64_t units = 0;
		for (; from <= to && pick_bag_of(batch, item->sku, from) == bag; from++)
			units++;
		int written =
			snprintf(text + used, sizeof(text) - used, "%sbag %d", used ? ", " : "", bag + 1);
		used += (size_t)written;
		if ((used > (size_t)written || from <= to) && used < sizeof(text))
			used += (size_t)snprintf(text + used, sizeof(text) - used, ": %" PRId64, units);
	}
	return text;
}

static bool has_short(const struct scan *scan)
{
	for (size_t i = 0; i < scan->count; i++)
		if (scan->items[i].missing || scan->items[i].damaged)
			return true;
	return false;
}

/* What is to become of short units: as --remedy says, or asked for. */
static void decide_remedy(struct cli *cli, const batch_t *batch, const struct scan *scan)
{
	static const char *const words[] = {"re-source", "open", "cancel", "transfer"};
	if (!has_short(scan) || given_remedy)
		return;
	/* A transfer to here is for pickups alone. */
	size_t count = ARRAY_COUNT(words);
	for (size_t i = 0; i < batch->n_work; i++)
		if (pick_kind_of(batch->work[i]) != &pickup_kind)
			count = ARRAY_COUNT(words) - 1;
	int answer = scan_ask(cli, "short goods:", words, count);
	if (answer >= 0)
		given_remedy = text_of(words[answer]);
	else
		say_hint("short units are open on their orders again; --remedy decides otherwise");
}

/* Whether to end here: goods that were not scanned are picked later, or are short; or the picker
 * goes on. */
static bool decide_rest(struct cli *cli, struct scan *scan)
{
	static const char *const words[] = {"back to scanning", "later", "short"};
	if (!scan_next(scan))
		return true;
	int64_t left = scan_expected(scan) - scan_handled(scan);
	if (given.rest) {
		if (strcmp(given.rest, "short") == 0)
			scan_rest_is_missing(scan);
		return true;
	}
	int answer = scan_ask(cli, arena_printf(&cli->arena, "%" PRId64 " were not scanned:", left),
		words, ARRAY_COUNT(words));
	if (answer == 2)
		scan_rest_is_missing(scan);
	return answer != 0;
}

static enum exit_code scan_batch(struct cli *cli, const batch_t *batch)
{
	struct scan_session session = {
		.cli = cli,
		.scan = {.arena = &cli->arena,
			.items = pick_items(cli, batch->batch, batch->n_batch),
			.count = batch->n_batch,
			.knows_short = true},
		.where = where_to,
		.context = (void *)(uintptr_t)batch,
	};
	enum scan_end end;
	if (cli->output == OUTPUT_TABLE)
		printf("\nscan each piece; 'help' says more\n");
	do
		end = scan_session_run(&session);
	while (end == SCAN_END_DONE && !decide_rest(cli, &session.scan));
	if (end != SCAN_END_DONE)
		fprintf(scan_talk(cli), "%s: what was scanned is recorded, the rest is released\n",
			end == SCAN_END_INTERRUPTED ? "stopped" : "the input ended");
	decide_remedy(cli, batch, &session.scan);
	enum exit_code code = pick_record(cli, batch, &session.scan);
	return end == SCAN_END_INTERRUPTED && !code ? EXIT_CODE_INTERRUPTED : code;
}

static enum exit_code record_all(struct cli *cli, const batch_t *batch)
{
	struct scan scan = {
		.items = pick_items(cli, batch->batch, batch->n_batch), .count = batch->n_batch};
	for (size_t i = 0; i < scan.count; i++)
		scan.items[i].counted = scan.items[i].expected;
	return pick_record(cli, batch, &scan);
}

static bool check_options(struct cli *cli)
{
	ProtobufCMessage *probe = document_new_request(cli, &pickup_kind, "Pick");
	if (given.rest && strcmp(given.rest, "later") != 0 && strcmp(given.rest, "short") != 0) {
		usage_error(cli, "--rest '%s' is neither later nor short", given.rest);
		return false;
	}
	return here_needs_location(cli) && here_needs_worker(cli) && fulfilment_set_remedy(cli, probe);
}

static enum exit_code run(struct cli *cli)
{
	if (!check_options(cli))
		return EXIT_CODE_USAGE;
	const batch_t *batch = claim(cli);
	if (!batch)
		return cli->exit_code;
	if (cli->output != OUTPUT_TABLE && !given.scan && !given.done)
		return view_rows(cli, &batch->base, "batch", VIEW_COLUMNS(batch_columns));
	if (!batch->n_work) {
		fprintf(scan_talk(cli), "nothing to pick at %s\n", here_location());
		if (cli->output != OUTPUT_TABLE)
			puts("{\"recorded\": [], \"released\": 0}");
		return EXIT_CODE_OK;
	}
	show_batch(cli, batch);
	if (given.scan)
		return scan_batch(cli, batch);
	if (given.done)
		return record_all(cli, batch);
	say_next(cli, "pick --scan");
	say_next(cli, "pick --done");
	return EXIT_CODE_OK;
}

static const struct poptOption options[] = {
	{"scan", 0, POPT_ARG_NONE, &given.scan, 0, "each line of standard input is a barcode", NULL},
	{"done", 0, POPT_ARG_NONE, &given.done, 0, "all of it was picked", NULL},
	{"most", 'm', POPT_ARG_INT, &given.most, 0, "orders in one walk (10)", "N"},
	{"rest", 0, POPT_ARG_STRING, &given.rest, 0,
		"what was not scanned at 'done': later (default where nobody is asked), short", "WHAT"},
	REMEDY_OPTION,
	SOURCING_OPTIONS,
	NOTE_OPTION,
	LOCATION_OPTION,
	WORKER_OPTION,
	POPT_TABLEEND,
};

static const struct command commands[] = {
	{NULL, "[PICKUP|SHIPMENT...]", "Claims what is to be picked here, as one walk for many orders.",
		"Without documents, the most urgent that nobody has; what you have already comes first.\n"
		"With --scan, each line of input is a barcode or a word:\n"
		"  CODE          counts one (a SKU or a barcode)\n"
		"  3*CODE        counts three; or 3, then the code\n"
		"  short CODE    all the rest of it is not there\n"
		"  damaged CODE  one is there and broken\n"
		"  undo, list, help, done\n"
		"'done' records all of it. Ctrl-C, and the end of the input, record what was scanned and\n"
		"release the rest.\n",
		"pick --most 5\npick --scan\npick --scan --remedy re-source --rest short < codes.txt\n"
		"pick 536365 --done",
		options, 0, -1, run},
};

const struct noun noun_pick = {.name = "pick",
	.summary = "One walk along the shelves for many orders, scanner in hand.",
	NOUN_COMMANDS(commands)};
