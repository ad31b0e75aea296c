/* stockbook ledger: every movement that ever was. */
#include "cli.h"

#include <stdio.h>
#include <time.h>

#include "parse.h"
#include "stockbook/v1/ledger.pb-c.h"
#include "view.h"

static const struct column movement_columns[] = {
	{"PART", "part", COLUMN_NUMBER | COLUMN_DETAIL},
	{"SEQUENCE", "sequence", COLUMN_NUMBER},
	{"TIME", "time", COLUMN_TEXT},
	{"SKU", "sku", COLUMN_TEXT},
	{"FROM", "from_location", COLUMN_TEXT},
	{"STATE", "from_state", COLUMN_TEXT},
	{"TO", "to_location", COLUMN_TEXT},
	{"STATE", "to_state", COLUMN_TEXT},
	{"QUANTITY", "quantity", COLUMN_NUMBER},
	{"REASON", "reason", COLUMN_TEXT},
	{"DOCUMENT", "document_kind", COLUMN_DETAIL},
	{"DOCUMENT ID", "document_id", COLUMN_DETAIL},
	{"LINE", "document_line", COLUMN_NUMBER | COLUMN_DETAIL},
	{"CHANNEL", "channel", COLUMN_DETAIL},
	{"ACTOR", "actor", COLUMN_LONG},
	{"REQUEST", "request_id", COLUMN_DETAIL},
};

static const struct column change_columns[] = {
	{"PART", "part", COLUMN_NUMBER | COLUMN_DETAIL},
	{"SEQUENCE", "sequence", COLUMN_NUMBER},
	{"TIME", "time", COLUMN_TEXT},
	{"STEP", "step", COLUMN_TEXT},
	{"FROM", "status_before", COLUMN_TEXT},
	{"TO", "status_after", COLUMN_TEXT},
	{"MOVEMENTS", "movements", COLUMN_NUMBER},
	{"CHANNEL", "channel", COLUMN_TEXT},
	{"ACTOR", "actor", COLUMN_TEXT},
	{"NOTE", "note", COLUMN_LONG},
	{"DOCUMENT", "document_kind", COLUMN_DETAIL},
	{"DOCUMENT ID", "document_id", COLUMN_DETAIL},
	{"REQUEST", "request_id", COLUMN_DETAIL},
};

static const struct column on_hand_fields[] = {
	{"sku", "sku", COLUMN_TEXT},
	{"location", "location", COLUMN_TEXT},
	{"on hand", "on_hand", COLUMN_NUMBER},
};

static struct {
	char *sku, *location, *document, *from, *to;
} given;

static const struct poptOption movements_options[] = {
	{"sku", 0, POPT_ARG_STRING, &given.sku, 0, "of this SKU", "SKU"},
	{"location", 0, POPT_ARG_STRING, &given.location, 0, "at this location", "CODE"},
	{"document", 0, POPT_ARG_STRING, &given.document, 0, "of this order, reservation, ...", "ID"},
	{"from", 0, POPT_ARG_STRING, &given.from, 0, "from this moment on", "TIME"},
	{"to", 0, POPT_ARG_STRING, &given.to, 0, "before this moment", "TIME"},
	LIST_LIMIT_OPTION,
	POPT_TABLEEND,
};

static bool read_time(struct cli *cli, const char *text, Google__Protobuf__Timestamp **time)
{
	int64_t seconds;
	if (!text)
		return true;
	if (!parse_time(text, &seconds)) {
		usage_error(cli, "'%s' is not a time such as 2026-11-21, 2026-11-21T14:30:00Z, 15m", text);
		return false;
	}
	*time = timestamp_of(&cli->arena, seconds);
	return true;
}

static enum exit_code movements(struct cli *cli)
{
	Stockbook__V1__ListMovementsRequest request = STOCKBOOK__V1__LIST_MOVEMENTS_REQUEST__INIT;
	if (!given.sku && !given.location && !given.document)
		return usage_error(cli, "name at least one of --sku, --location, --document");
	if (!read_time(cli, given.from, &request.from_time) ||
		!read_time(cli, given.to, &request.to_time))
		return EXIT_CODE_USAGE;
	request.sku = text_of(given.sku);
	request.location = text_of(given.location);
	request.document_id = text_of(given.document);
	return view_list(cli, "LedgerService", "ListMovements", &request.base, "movements", view_limit,
		VIEW_COLUMNS(movement_columns));
}

static const struct poptOption history_options[] = {LIST_LIMIT_OPTION, POPT_TABLEEND};

static enum exit_code history(struct cli *cli)
{
	Stockbook__V1__ListChangesRequest request = STOCKBOOK__V1__LIST_CHANGES_REQUEST__INIT;
	request.document_id = cli->arguments[0];
	return view_list(cli, "LedgerService", "ListChanges", &request.base, "changes", view_limit,
		VIEW_COLUMNS(change_columns));
}

static enum exit_code on_hand_at(struct cli *cli)
{
	Stockbook__V1__GetOnHandAtRequest request = STOCKBOOK__V1__GET_ON_HAND_AT_REQUEST__INIT;
	request.sku = cli->arguments[0];
	request.location = cli->arguments[1];
	if (!read_time(cli, cli->arguments[2], &request.time))
		return EXIT_CODE_USAGE;
	ProtobufCMessage *response = cli_call(cli, "LedgerService", "GetOnHandAt", &request.base);
	if (!response)
		return cli->exit_code;
	enum exit_code code =
		view_document(cli, response, NULL, VIEW_COLUMNS(on_hand_fields), NULL, NULL, 0);
	protobuf_c_message_free_unpacked(response, NULL);
	return code;
}

static const struct command commands[] = {
	{"movements", "", "Lists movements of a SKU, of a location, of a document.", NULL,
		"ledger movements --sku 85123A --location LEEDS --from 2h\n"
		"ledger movements --document 019389a2-6f1e-7005-8000-1a2b3c4d5e6f --output csv",
		movements_options, 0, 0, movements},
	{"history", "DOCUMENT", "Lists each step of a document: who, through which channel, why.", NULL,
		"ledger history 019389a2-6f1e-7005-8000-1a2b3c4d5e6f", history_options, 1, 1, history},
	{"on-hand-at", "SKU LOCATION TIME", "Says what was on hand at a moment.", NULL,
		"ledger on-hand-at 85123A LEEDS 2026-11-01\nledger on-hand-at 85123A LEEDS 15m", NULL, 3, 3,
		on_hand_at},
};

const struct noun noun_ledger = {
	.name = "ledger", .summary = "Every movement that ever was.", NOUN_COMMANDS(commands)};
