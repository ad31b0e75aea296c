/* stockbook work: what is to be done here now. */
#include "cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "document.h"
#include "here.h"
#include "message.h"
#include "message_json.h"
#include "parse.h"
#include "stockbook/v1/work.pb-c.h"
#include "view.h"

#define URGENT_ROWS 10
#define BAR_LENGTH 12

static const struct column columns[] = {
	{"KIND", "kind", COLUMN_TEXT},
	{"ID", "document_id", COLUMN_SHORT},
	{"REFERENCE", "reference", COLUMN_TEXT},
	{"UNITS", "units", COLUMN_NUMBER},
	{"DUE", "due_time", COLUMN_DUE},
	{"GOODS", "lines", COLUMN_GOODS | COLUMN_EXTRA},
	{"CLAIMED BY", "claimed_by", COLUMN_TEXT | COLUMN_EXTRA},
	{"CUSTOMER", "customer", COLUMN_LONG | COLUMN_EXTRA},
	{"DOCUMENT", "document_kind", COLUMN_DETAIL},
	{"ORDER", "order_id", COLUMN_DETAIL},
	{"OVERDUE", "overdue", COLUMN_DETAIL},
	{"UNTIL", "claimed_until", COLUMN_DETAIL},
	{"LINES", "lines", COLUMN_DETAIL},
};

static struct {
	int most, overdue, mine, unclaimed;
	char *claim_for;
} given;

/* "!!!####  ": the overdue ones, then the others; as long as there are documents. */
static const char *bar(struct cli *cli, const Stockbook__V1__WorkSummary *kind, int64_t most)
{
	static const char overdue_marks[] = "!!!!!!!!!!!!", other_marks[] = "############";
	int64_t length =
		most > BAR_LENGTH ? (kind->documents * BAR_LENGTH + most - 1) / most : kind->documents;
	int64_t overdue =
		kind->documents ? (kind->overdue * length + kind->documents - 1) / kind->documents : 0;
	return arena_printf(&cli->arena, "%.*s%.*s", (int)overdue, overdue_marks,
		(int)(length - overdue), other_marks);
}

static void show_summary(struct cli *cli, const Stockbook__V1__SummariseWorkResponse *summary)
{
	static const char *const titles[] = {"KIND", "DOCUMENTS", "UNITS", "OVERDUE", ""};
	static const int kinds[] = {
		COLUMN_TEXT, COLUMN_NUMBER, COLUMN_NUMBER, COLUMN_NUMBER, COLUMN_BAR};
	enum { COLUMNS = ARRAY_COUNT(titles) };
	const char **cells = arena_alloc_array(&cli->arena, summary->n_kinds * COLUMNS, sizeof(*cells));
	int64_t documents = 0, units = 0, overdue = 0, most = 0;
	for (size_t i = 0; i < summary->n_kinds; i++)
		most = summary->kinds[i]->documents > most ? summary->kinds[i]->documents : most;
	for (size_t i = 0; i < summary->n_kinds; i++) {
		const Stockbook__V1__WorkSummary *kind = summary->kinds[i];
		const char **row = cells + i * COLUMNS;
		documents += kind->documents;
		units += kind->units;
		overdue += kind->overdue;
		row[0] = message_text(&cli->arena, &kind->base, "kind");
		row[1] = arena_printf(&cli->arena, "%" PRId64, kind->documents);
		row[2] = arena_printf(&cli->arena, "%" PRId64, kind->units);
		row[3] = kind->overdue ? arena_printf(&cli->arena, "%" PRId64, kind->overdue) : "";
		row[4] = bar(cli, kind, most);
	}
	printf("%s: %" PRId64 " to do, %" PRId64 " units%s\n", here_location(), documents, units,
		overdue ? arena_printf(&cli->arena, ", %" PRId64 " OVERDUE", overdue) : "");
	if (summary->n_kinds) {
		printf("\n");
		view_text_table(cli, titles, kinds, COLUMNS, cells, summary->n_kinds);
	}
}

/* The command that does a piece of work. */
static void next_of(struct cli *cli, const Stockbook__V1__Work *work)
{
	static const struct {
		const char *kind, *pickup, *shipment, *transfer;
	} commands[] = {
		{"ACCEPT", "pickup accept", NULL, NULL},
		{"PICK", "pick --scan", "pick --scan", NULL},
		{"MAKE_READY", "pickup ready", NULL, NULL},
		{"PACK", NULL, "ship pack", NULL},
		{"SHIP", NULL, "ship send", NULL},
		{"HAND_OVER", "pickup show", NULL, NULL},
		{"PUT_BACK", "pickup put-back", "ship put-back", NULL},
		{"APPROVE", NULL, NULL, "transfer approve"},
		{"DISPATCH", NULL, NULL, "transfer dispatch"},
		{"RECEIVE", NULL, NULL, "transfer receive"},
	};
	const char *kind = message_text(&cli->arena, &work->base, "kind");
	const char *document = message_text(&cli->arena, &work->base, "document_kind");
	if (strcmp(kind, "RECOUNT") == 0 && work->n_lines)
		say_next(cli, "recount %s:COUNTED", work->lines[0]->sku);
	for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
		const char *command = strcmp(document, "PICKUP") == 0     ? commands[i].pickup
							  : strcmp(document, "SHIPMENT") == 0 ? commands[i].shipment
							  : strcmp(document, "TRANSFER") == 0 ? commands[i].transfer
																  : NULL;
		if (!command || strcmp(kind, commands[i].kind) != 0)
			continue;
		if (strcmp(kind, "PICK") == 0)
			say_next(cli, "%s", command);
		else
			say_next(cli, "%s %s", command, short_id(work->document_id));
	}
}

static const struct poptOption summary_options[] = {LOCATION_OPTION, WORKER_OPTION, POPT_TABLEEND};

static enum exit_code summary(struct cli *cli)
{
	Stockbook__V1__SummariseWorkRequest request = STOCKBOOK__V1__SUMMARISE_WORK_REQUEST__INIT;
	Stockbook__V1__ListWorkRequest urgent = STOCKBOOK__V1__LIST_WORK_REQUEST__INIT;
	if (!here_needs_location(cli))
		return EXIT_CODE_USAGE;
	request.location = urgent.location = text_of(here_location());
	urgent.page_size = URGENT_ROWS;
	urgent.with_lines = true;
	ProtobufCMessage *kinds =
		cli_keep(cli, cli_call(cli, "WorkService", "SummariseWork", &request.base));
	ProtobufCMessage *first =
		kinds ? cli_keep(cli, cli_call(cli, "WorkService", "ListWork", &urgent.base)) : NULL;
	if (!first)
		return cli->exit_code;
	if (cli->output == OUTPUT_JSON) {
		fputs("{\"summary\": ", stdout);
		message_write_json(stdout, kinds, true, 0);
		fputs(", \"urgent\": ", stdout);
		message_write_json(stdout, first, true, 0);
		puts("}");
		return EXIT_CODE_OK;
	}
	const Stockbook__V1__ListWorkResponse *list = (const Stockbook__V1__ListWorkResponse *)first;
	if (cli->output == OUTPUT_TABLE)
		show_summary(cli, (const Stockbook__V1__SummariseWorkResponse *)kinds);
	if (list->n_work && cli->output == OUTPUT_TABLE)
		printf("\nmost urgent:\n");
	if (list->n_work || cli->output == OUTPUT_CSV)
		view_rows(cli, first, "work", VIEW_COLUMNS(columns));
	if (list->n_work)
		next_of(cli, list->work[0]);
	return EXIT_CODE_OK;
}

/* Kinds behind the command; false after a message. */
static bool read_kind(struct cli *cli, const char *text, Stockbook__V1__WorkKind *kind)
{
	int value;
	if (!parse_enum(&stockbook__v1__work_kind__descriptor, text, &value) || !value) {
		usage_error(cli, "'%s' is not one of %s", text,
			enum_words(&cli->arena, &stockbook__v1__work_kind__descriptor));
		return false;
	}
	*kind = (Stockbook__V1__WorkKind)value;
	return true;
}

static const struct poptOption list_options[] = {
	{"overdue", 0, POPT_ARG_NONE, &given.overdue, 0, "only what is late", NULL},
	{"mine", 0, POPT_ARG_NONE, &given.mine, 0, "only what I have claimed", NULL},
	{"unclaimed", 0, POPT_ARG_NONE, &given.unclaimed, 0, "only what nobody has", NULL},
	LOCATION_OPTION,
	WORKER_OPTION,
	LIST_LIMIT_OPTION,
	POPT_TABLEEND,
};

static enum exit_code list(struct cli *cli)
{
	Stockbook__V1__ListWorkRequest request = STOCKBOOK__V1__LIST_WORK_REQUEST__INIT;
	if (!here_needs_location(cli) || (given.mine && !here_needs_worker(cli)))
		return EXIT_CODE_USAGE;
	request.location = text_of(here_location());
	request.n_kinds = (size_t)cli->arguments_count;
	request.kinds = arena_alloc_array(&cli->arena, request.n_kinds, sizeof(*request.kinds));
	for (size_t i = 0; i < request.n_kinds; i++)
		if (!read_kind(cli, cli->arguments[i], &request.kinds[i]))
			return EXIT_CODE_USAGE;
	request.overdue_only = given.overdue;
	request.unclaimed_only = given.unclaimed;
	request.claimed_by = text_of(given.mine ? here_worker() : "");
	request.with_lines = true;
	return view_list(cli, "WorkService", "ListWork", &request.base, "work", view_limit,
		VIEW_COLUMNS(columns));
}

static const struct poptOption claim_options[] = {
	{"most", 'm', POPT_ARG_INT, &given.most, 0, "so many documents (1)", "N"},
	{"for", 0, POPT_ARG_STRING, &given.claim_for, 0, "how long it is mine, such as 2h (30m)",
		"TIME"},
	LOCATION_OPTION,
	WORKER_OPTION,
	POPT_TABLEEND,
};

static enum exit_code claim(struct cli *cli)
{
	Stockbook__V1__ClaimWorkRequest request = STOCKBOOK__V1__CLAIM_WORK_REQUEST__INIT;
	int64_t ms;
	if (!here_needs_location(cli) || !here_needs_worker(cli) ||
		!read_kind(cli, cli->arguments[0], &request.kind))
		return EXIT_CODE_USAGE;
	if (given.claim_for && !parse_duration_ms(given.claim_for, &ms))
		return usage_error(cli, "'%s' is not a time such as 30m, 2h", given.claim_for);
	if (given.claim_for)
		request.claim_for = duration_of(&cli->arena, ms);
	request.location = text_of(here_location());
	request.worker = text_of(here_worker());
	request.most = given.most;
	ProtobufCMessage *message =
		cli_keep(cli, cli_call(cli, "WorkService", "ClaimWork", &request.base));
	if (!message)
		return cli->exit_code;
	const Stockbook__V1__ClaimWorkResponse *response =
		(const Stockbook__V1__ClaimWorkResponse *)message;
	if (!response->n_work && cli->output == OUTPUT_TABLE) {
		printf("nothing of that is left to claim at %s\n", request.location);
		return EXIT_CODE_OK;
	}
	view_rows(cli, message, "work", VIEW_COLUMNS(columns));
	if (response->n_work)
		next_of(cli, response->work[0]);
	return EXIT_CODE_OK;
}

static const struct poptOption release_options[] = {LOCATION_OPTION, WORKER_OPTION, POPT_TABLEEND};

static enum exit_code release(struct cli *cli)
{
	Stockbook__V1__ReleaseWorkRequest request = STOCKBOOK__V1__RELEASE_WORK_REQUEST__INIT;
	Stockbook__V1__ListWorkRequest mine = STOCKBOOK__V1__LIST_WORK_REQUEST__INIT;
	const ProtobufCMessage *const *found;
	size_t count;
	if (!here_needs_location(cli) || !here_needs_worker(cli))
		return EXIT_CODE_USAGE;
	request.location = mine.location = text_of(here_location());
	request.worker = mine.claimed_by = text_of(here_worker());
	if (cli->arguments_count &&
		!list_all(cli, "WorkService", "ListWork", &mine.base, "work", &found, &count))
		return cli->exit_code;
	size_t capacity = 0;
	for (int i = 0; i < cli->arguments_count; i++) {
		size_t before = request.n_document_ids;
		for (size_t j = 0; j < count; j++) {
			const Stockbook__V1__Work *work = (const Stockbook__V1__Work *)found[j];
			if (!document_is_named(cli->arguments[i], work->document_id, work->reference))
				continue;
			request.document_ids = arena_grow(&cli->arena, request.document_ids,
				request.n_document_ids, &capacity, sizeof(char *));
			request.document_ids[request.n_document_ids++] = work->document_id;
		}
		if (request.n_document_ids == before) {
			say_error("'%s' is not claimed by '%s' at '%s'", cli->arguments[i], request.worker,
				request.location);
			return EXIT_CODE_REFUSED;
		}
	}
	ProtobufCMessage *message =
		cli_keep(cli, cli_call(cli, "WorkService", "ReleaseWork", &request.base));
	if (!message)
		return cli->exit_code;
	if (cli->output == OUTPUT_JSON) {
		message_write_json(stdout, message, true, 0);
		putchar('\n');
		return EXIT_CODE_OK;
	}
	printf("released %d: others may take it\n",
		((const Stockbook__V1__ReleaseWorkResponse *)message)->released);
	return EXIT_CODE_OK;
}

static const struct command commands[] = {
	{"list", "[KIND...]", "Lists it, the most urgent first.",
		"Kinds: accept, pick, make-ready, pack, ship, hand-over, put-back, approve, dispatch,\n"
		"receive, recount.\n",
		"work list --overdue\nwork list pick pack --unclaimed", list_options, 0, -1, list},
	{"claim", "KIND", "Mine: nobody else does it for a while.", NULL,
		"work claim pick --most 5\nwork claim put-back --for 1h", claim_options, 1, 1, claim},
	{"release", "[DOCUMENT...]", "Not mine any more: all that I have, or these.", NULL,
		"work release\nwork release 3f9a1c", release_options, 0, -1, release},
	{NULL, "", "What is to be done here: how much of each kind, and the most urgent.",
		"Say where once, with 'export STOCKBOOK_LOCATION=LEEDS', and who with STOCKBOOK_WORKER.\n",
		"work\nwork --location DC1 --output json", summary_options, 0, 0, summary},
};

const struct noun noun_work = {
	.name = "work", .summary = "What is to be done here now.", NOUN_COMMANDS(commands)};
