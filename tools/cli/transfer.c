/* stockbook transfer: goods on their way from one location to another. */
#include "transfer.h"

#include <stdio.h>
#include <string.h>

#include "fulfilment.h"
#include "here.h"
#include "message.h"
#include "parse.h"

static const struct column fields[] = {
	{"transfer", "id", COLUMN_TEXT},
	{"status", "status", COLUMN_STATUS},
	{"from", "source", COLUMN_TEXT},
	{"to", "destination", COLUMN_TEXT},
	{"order", "order_id", COLUMN_TEXT},
	{"pickup", "pickup_id", COLUMN_TEXT},
	{"reference", "reference", COLUMN_TEXT},
	{"carrier", "carrier", COLUMN_TEXT},
	{"tracking", "tracking", COLUMN_TEXT},
	{"created", "create_time", COLUMN_TEXT},
	{"updated", "update_time", COLUMN_TEXT},
};

static const struct column line_columns[] = {
	{"LINE", "line", COLUMN_NUMBER},
	{"SKU", "sku", COLUMN_TEXT},
	{"WANTED", "requested", COLUMN_NUMBER},
	{"OPEN", "open", COLUMN_NUMBER | COLUMN_NO_ZERO},
	{"ALLOCATED", "allocated", COLUMN_NUMBER | COLUMN_NO_ZERO},
	{"ON ITS WAY", "in_transit", COLUMN_NUMBER | COLUMN_NO_ZERO},
	{"RECEIVED", "received", COLUMN_NUMBER | COLUMN_NO_ZERO},
	{"OVER", "over", COLUMN_NUMBER | COLUMN_NO_ZERO},
	{"DAMAGED", "damaged", COLUMN_NUMBER | COLUMN_NO_ZERO},
	{"LOST", "lost", COLUMN_NUMBER | COLUMN_NO_ZERO},
	{"RETURNED", "returned", COLUMN_NUMBER | COLUMN_NO_ZERO},
	{"CANCELLED", "cancelled", COLUMN_NUMBER | COLUMN_NO_ZERO},
	{"ORDER LINE", "order_line", COLUMN_NUMBER | COLUMN_NO_ZERO | COLUMN_EXTRA},
};

static const struct column list_columns[] = {
	{"TRANSFER", "id", COLUMN_SHORT},
	{"STATUS", "status", COLUMN_STATUS},
	{"FROM", "source", COLUMN_TEXT},
	{"TO", "destination", COLUMN_TEXT},
	{"REFERENCE", "reference", COLUMN_TEXT | COLUMN_EXTRA},
	{"CARRIER", "carrier", COLUMN_TEXT | COLUMN_EXTRA},
	{"CREATED", "create_time", COLUMN_TEXT | COLUMN_EXTRA},
	{"ORDER", "order_id", COLUMN_DETAIL},
	{"LINES", "lines", COLUMN_DETAIL},
};

const struct document_kind transfer_kind = {
	.noun = "transfer",
	.service = "TransferService",
	.suffix = "Transfer",
	.list = "ListTransfers",
	.field = "transfer",
	.rows = "transfers",
	.id_field = "transfer_id",
	.places = {"destination", "source"},
	DOCUMENT_COLUMNS(fields, line_columns, list_columns),
};

static struct {
	char *to, *from, *reference, *carrier, *tracking, *reason;
	int draft, allow_partial, final, write_off, outgoing;
} given;

enum exit_code transfer_show(struct cli *cli, const ProtobufCMessage *response)
{
	if (!response)
		return cli->exit_code;
	enum exit_code code = document_show(cli, &transfer_kind, response);
	fulfilment_say_next(cli, message_part(response, "transfer"));
	return code;
}

static enum exit_code step(struct cli *cli, const char *verb)
{
	ProtobufCMessage *request = document_request(cli, &transfer_kind, verb);
	return transfer_show(cli, request ? document_call(cli, &transfer_kind, verb, request) : NULL);
}

static const struct poptOption list_options[] = {
	LOCATION_OPTION,
	{"outgoing", 0, POPT_ARG_NONE, &given.outgoing, 0, "those that leave here, not those that come",
		NULL},
	{"order", 0, POPT_ARG_STRING, &given_order, 0, "of this order instead", "ORDER"},
	{"status", 0, POPT_ARG_STRING, &given_status, 0, "only these; otherwise all that is not over",
		"STATUS"},
	LIST_LIMIT_OPTION,
	POPT_TABLEEND,
};

static enum exit_code list(struct cli *cli)
{
	Stockbook__V1__ListTransfersRequest request = STOCKBOOK__V1__LIST_TRANSFERS_REQUEST__INIT;
	char *here = text_of(given_order ? "" : here_location());
	if (given.outgoing)
		request.source = here;
	else
		request.destination = here;
	return document_list(cli, &transfer_kind, &request.base);
}

static const struct poptOption request_options[] = {
	{"from", 0, POPT_ARG_STRING, &given.from, 0, "the source", "CODE"},
	{"to", 0, POPT_ARG_STRING, &given.to, 0, "the destination; otherwise here", "CODE"},
	{"reference", 0, POPT_ARG_STRING, &given.reference, 0, "own number", "TEXT"},
	{"draft", 0, POPT_ARG_NONE, &given.draft, 0, "the source has to approve it first", NULL},
	{"allow-partial", 0, POPT_ARG_NONE, &given.allow_partial, 0, "take what there is", NULL},
	LOCATION_OPTION,
	WORKER_OPTION,
	POPT_TABLEEND,
};

static enum exit_code request_it(struct cli *cli)
{
	Stockbook__V1__RequestTransferRequest request = STOCKBOOK__V1__REQUEST_TRANSFER_REQUEST__INIT;
	if (!given.from)
		return usage_error(cli, "say where from with --from CODE");
	if (!given.to && !here_needs_location(cli))
		return EXIT_CODE_USAGE;
	request.source = text_of(given.from);
	request.destination = text_of(given.to ? given.to : here_location());
	request.reference = text_of(given.reference);
	request.approve = !given.draft;
	request.allow_partial = given.allow_partial;
	request.worker = text_of(here_worker());
	request.n_lines = (size_t)cli->arguments_count;
	request.lines = arena_alloc_array(&cli->arena, request.n_lines, sizeof(*request.lines));
	for (size_t i = 0; i < request.n_lines; i++) {
		struct line line;
		if (!parse_line(&cli->arena, cli->arguments[i], &line) || line.location || line.price)
			return usage_error(cli, "'%s' is not SKU:QUANTITY", cli->arguments[i]);
		request.lines[i] = arena_alloc(&cli->arena, sizeof(*request.lines[i]));
		stockbook__v1__request_transfer_line__init(request.lines[i]);
		request.lines[i]->sku = text_of(line.sku);
		request.lines[i]->quantity = line.quantity;
	}
	return transfer_show(cli, document_call(cli, &transfer_kind, "Request", &request.base));
}

static const struct poptOption step_options[] = {LOCATION_OPTION, WORKER_OPTION, POPT_TABLEEND};
static const struct poptOption note_options[] = {
	NOTE_OPTION, LOCATION_OPTION, WORKER_OPTION, POPT_TABLEEND};

static enum exit_code show(struct cli *cli)
{
	return step(cli, "Get");
}

static const struct poptOption approve_options[] = {
	{"allow-partial", 0, POPT_ARG_NONE, &given.allow_partial, 0, "take what there is", NULL},
	LOCATION_OPTION,
	WORKER_OPTION,
	POPT_TABLEEND,
};

static enum exit_code approve(struct cli *cli)
{
	ProtobufCMessage *request = document_request(cli, &transfer_kind, "Approve");
	if (!request)
		return cli->exit_code;
	message_set_number(request, "allow_partial", given.allow_partial);
	return transfer_show(cli, document_call(cli, &transfer_kind, "Approve", request));
}

static const struct poptOption dispatch_options[] = {
	SHORT_OPTIONS,
	{"carrier", 0, POPT_ARG_STRING, &given.carrier, 0, "who takes it", "NAME"},
	{"tracking", 0, POPT_ARG_STRING, &given.tracking, 0, "the carrier's number", "NUMBER"},
	{"final", 0, POPT_ARG_NONE, &given.final, 0, "what is not sent now will not be", NULL},
	{"scan", 0, POPT_ARG_NONE, &transfer_given_scan, 0,
		"each line of standard input is a barcode; see 'stockbook pick --help'", NULL},
	LOCATION_OPTION,
	WORKER_OPTION,
	POPT_TABLEEND,
};

static enum exit_code send_handled(struct cli *cli, const struct handled_line *lines, size_t count)
{
	ProtobufCMessage *response = NULL;
	for (int call = 0; call < 2; call++) {
		ProtobufCMessage *request = document_request(cli, &transfer_kind, "Dispatch");
		if (!request)
			return cli->exit_code;
		if (!fulfilment_set_handled(cli, request, "quantity", lines, count, call) &&
			(call || count))
			continue;
		message_set_text(request, "carrier", given.carrier);
		message_set_text(request, "tracking", given.tracking);
		message_set_number(request, "final", given.final);
		response = document_call(cli, &transfer_kind, "Dispatch", request);
		if (!response)
			return cli->exit_code;
	}
	if (!response)
		return usage_error(cli, "nothing was dispatched and nothing was short");
	return transfer_show(cli, response);
}

static enum exit_code dispatch(struct cli *cli)
{
	struct handled_line *lines;
	size_t count;
	const ProtobufCMessage *document = document_get(cli, &transfer_kind);
	if (!document)
		return cli->exit_code;
	if (transfer_given_scan) {
		if (!transfer_scan(cli, document, TRANSFER_DISPATCH, &lines, &count))
			return cli->exit_code;
	} else if (!fulfilment_read_handled(cli, document, "allocated", &lines, &count)) {
		return EXIT_CODE_USAGE;
	}
	return send_handled(cli, lines, count);
}

static const struct poptOption receive_options[] = {
	{"damaged", 0, POPT_ARG_ARGV, &given_damaged, 0, "arrived broken; may be repeated",
		"LINE:QUANTITY"},
	{"scan", 0, POPT_ARG_NONE, &transfer_given_scan, 0,
		"each line of standard input is a barcode; see 'stockbook pick --help'", NULL},
	NOTE_OPTION,
	LOCATION_OPTION,
	WORKER_OPTION,
	POPT_TABLEEND,
};

static void set_received(struct cli *cli, ProtobufCMessage *request,
	const struct handled_line *lines, size_t count)
{
	Stockbook__V1__ReceivedLine **to = arena_alloc_array(&cli->arena, count, sizeof(*to));
	size_t used = 0;
	for (size_t i = 0; i < count; i++) {
		if (!lines[i].done && !lines[i].damaged)
			continue;
		to[used] = arena_alloc(&cli->arena, sizeof(*to[used]));
		stockbook__v1__received_line__init(to[used]);
		to[used]->line = lines[i].line;
		to[used]->received = lines[i].done;
		to[used++]->damaged = lines[i].damaged;
	}
	message_set_parts(request, "lines", to, used);
}

static enum exit_code receive(struct cli *cli)
{
	struct handled_line *lines;
	size_t count;
	const ProtobufCMessage *document = document_get(cli, &transfer_kind);
	if (!document)
		return cli->exit_code;
	if (transfer_given_scan) {
		if (!transfer_scan(cli, document, TRANSFER_RECEIVE, &lines, &count))
			return cli->exit_code;
	} else if (!fulfilment_read_handled(cli, document, "in_transit", &lines, &count)) {
		return EXIT_CODE_USAGE;
	}
	ProtobufCMessage *request = document_request(cli, &transfer_kind, "Receive");
	if (!request)
		return cli->exit_code;
	set_received(cli, request, lines, count);
	return transfer_show(cli, document_call(cli, &transfer_kind, "Receive", request));
}

static const struct poptOption close_options[] = {
	{"reason", 0, POPT_ARG_STRING, &given.reason, 0, "lost, damaged, miscounted", "WHY"},
	NOTE_OPTION,
	LOCATION_OPTION,
	WORKER_OPTION,
	POPT_TABLEEND,
};

static enum exit_code close_short(struct cli *cli)
{
	int reason;
	if (!given.reason)
		return usage_error(cli, "say with --reason why the rest does not come");
	if (!parse_enum(&stockbook__v1__transfer_loss_reason__descriptor, given.reason, &reason))
		return usage_error(cli, "reason '%s' is not one of %s", given.reason,
			enum_words(&cli->arena, &stockbook__v1__transfer_loss_reason__descriptor));
	ProtobufCMessage *request = document_request(cli, &transfer_kind, "Close");
	if (!request)
		return cli->exit_code;
	message_set_number(request, "reason", reason);
	return transfer_show(cli, document_call(cli, &transfer_kind, "Close", request));
}

static const struct poptOption cancel_options[] = {
	{"write-off", 0, POPT_ARG_NONE, &given.write_off, 0,
		"after the dispatch: the goods did not come back to the source", NULL},
	NOTE_OPTION,
	LOCATION_OPTION,
	WORKER_OPTION,
	POPT_TABLEEND,
};

static enum exit_code cancel(struct cli *cli)
{
	ProtobufCMessage *request = document_request(cli, &transfer_kind, "Cancel");
	if (!request)
		return cli->exit_code;
	message_set_number(request, "write_off", given.write_off);
	return transfer_show(cli, document_call(cli, &transfer_kind, "Cancel", request));
}

static enum exit_code step_back(struct cli *cli)
{
	return step(cli, "StepBack");
}

static const struct command commands[] = {
	{"list", "", "Lists what is on its way here, the oldest first.", NULL,
		"transfer list\ntransfer list --outgoing --status ready\ntransfer list --order 536365",
		list_options, 0, 0, list},
	{"show", "TRANSFER", "Shows a transfer.",
		"TRANSFER, here and below, is its id, the end of it as lists show it, or its reference.\n",
		"transfer show 3f9a1c", step_options, 1, 1, show},
	{"request", "SKU:QUANTITY...", "Asks for goods of another location, and commits them there.",
		NULL,
		"transfer request --from DC1 --to LEEDS 85123A:10 71053:5\n"
		"transfer request --from YORK --draft 85123A:2",
		request_options, 1, -1, request_it},
	{"approve", "TRANSFER", "Commits the stock of a draft, at the source.", NULL,
		"transfer approve 3f9a1c", approve_options, 1, 1, approve},
	{"dispatch", "TRANSFER [LINE:QUANTITY...]", "It left the source.",
		"Without lines, all that is allocated; with --short or --damaged alone, all the rest.\n",
		"transfer dispatch 3f9a1c --carrier DPD\ntransfer dispatch 3f9a1c --scan --final",
		dispatch_options, 1, -1, dispatch},
	{"receive", "TRANSFER [LINE:QUANTITY...]", "It arrived, wholly or in part.",
		"Without lines, all that is on its way; with --damaged alone, all the rest arrived sound.\n",
		"transfer receive 3f9a1c\ntransfer receive 3f9a1c 1:9 --damaged 1:1\n"
		"transfer receive 3f9a1c --scan",
		receive_options, 1, -1, receive},
	{"close", "TRANSFER", "What is still on its way does not come.", NULL,
		"transfer close 3f9a1c --reason lost", close_options, 1, 1, close_short},
	{"cancel", "TRANSFER", "Not any more; after the dispatch the goods go back.", NULL,
		"transfer cancel 3f9a1c --note 'wrong store'", cancel_options, 1, 1, cancel},
	{"step-back", "TRANSFER", "Takes the approval back.", NULL, "transfer step-back 3f9a1c",
		note_options, 1, 1, step_back},
};

const struct noun noun_transfer = {.name = "transfer",
	.summary = "Goods from one location to another: request, dispatch, receive.",
	NOUN_COMMANDS(commands)};
