/* stockbook pickup: bought anywhere, fetched here. */
#include "document.h"

#include <stdio.h>
#include <string.h>

#include "fulfilment.h"
#include "here.h"
#include "message.h"
#include "parse.h"
#include "sourcing.h"
#include "stockbook/v1/pickup.pb-c.h"

static const struct column fields[] = {
	{"pickup", "id", COLUMN_TEXT},
	{"status", "status", COLUMN_STATUS},
	{"location", "location", COLUMN_TEXT},
	{"order", "order_id", COLUMN_TEXT},
	{"reference", "reference", COLUMN_TEXT},
	{"customer", "customer", COLUMN_TEXT},
	{"channel", "channel", COLUMN_TEXT},
	{"accept by", "accept_by", COLUMN_TEXT},
	{"ready by", "ready_by", COLUMN_TEXT},
	{"collect by", "collect_by", COLUMN_TEXT},
	{"collected by", "collected_by", COLUMN_TEXT},
	{"claimed by", "claimed_by", COLUMN_TEXT},
	{"created", "create_time", COLUMN_TEXT},
};

static const struct column list_columns[] = {
	{"PICKUP", "id", COLUMN_SHORT},
	{"STATUS", "status", COLUMN_STATUS},
	{"REFERENCE", "reference", COLUMN_TEXT},
	{"CUSTOMER", "customer", COLUMN_LONG | COLUMN_EXTRA},
	{"READY BY", "ready_by", COLUMN_DUE},
	{"COLLECT BY", "collect_by", COLUMN_DUE | COLUMN_EXTRA},
	{"CLAIMED BY", "claimed_by", COLUMN_TEXT | COLUMN_EXTRA},
	{"LOCATION", "location", COLUMN_DETAIL},
	{"ORDER", "order_id", COLUMN_DETAIL},
	{"LINES", "lines", COLUMN_DETAIL},
};

const struct document_kind pickup_kind = {
	.noun = "pickup",
	.service = "PickupService",
	.suffix = "Pickup",
	.list = "ListPickups",
	.field = "pickup",
	.rows = "pickups",
	.id_field = "pickup_id",
	.places = {"location"},
	.fields = fields,
	.fields_count = ARRAY_COUNT(fields),
	.line_columns = fulfilment_line_columns,
	.line_columns_count = FULFILMENT_LINE_COLUMNS_COUNT,
	.list_columns = list_columns,
	.list_columns_count = ARRAY_COUNT(list_columns),
};

static struct {
	char *identified, *shown, *until, *channel;
} given;

/* Most steps: the document as it is then, what became of its goods, and what to do next. */
static enum exit_code show_step(struct cli *cli, const ProtobufCMessage *response)
{
	if (!response)
		return cli->exit_code;
	enum exit_code code = document_show(cli, &pickup_kind, response);
	fulfilment_show_resourced(cli, response, NULL);
	fulfilment_say_next(cli, message_part(response, "pickup"));
	return code;
}

static enum exit_code step(struct cli *cli, const char *verb)
{
	ProtobufCMessage *request = document_request(cli, &pickup_kind, verb);
	return show_step(cli, request ? document_call(cli, &pickup_kind, verb, request) : NULL);
}

static const struct poptOption list_options[] = {
	LOCATION_OPTION,
	{"order", 0, POPT_ARG_STRING, &given_order, 0, "of this order instead", "ORDER"},
	{"status", 0, POPT_ARG_STRING, &given_status, 0, "only these; otherwise all that is not over",
		"STATUS"},
	LIST_LIMIT_OPTION,
	POPT_TABLEEND,
};

static enum exit_code list(struct cli *cli)
{
	Stockbook__V1__ListPickupsRequest request = STOCKBOOK__V1__LIST_PICKUPS_REQUEST__INIT;
	request.location = text_of(given_order ? "" : here_location());
	return document_list(cli, &pickup_kind, &request.base);
}

static const struct poptOption step_options[] = {LOCATION_OPTION, WORKER_OPTION, POPT_TABLEEND};
static const struct poptOption note_options[] = {
	LOCATION_OPTION, WORKER_OPTION, NOTE_OPTION, POPT_TABLEEND};

static enum exit_code show(struct cli *cli)
{
	return step(cli, "Get");
}

static enum exit_code accept(struct cli *cli)
{
	return step(cli, "Accept");
}

static const struct poptOption pick_options[] = {SHORT_OPTIONS, REMEDY_OPTION, SOURCING_OPTIONS,
	NOTE_OPTION, LOCATION_OPTION, WORKER_OPTION, POPT_TABLEEND};

static enum exit_code pick(struct cli *cli)
{
	return fulfilment_pick(cli, &pickup_kind);
}

/* --until, into the request; false after a message. */
static bool set_until(struct cli *cli, ProtobufCMessage *request)
{
	int64_t seconds;
	if (!given.until)
		return true;
	if (!parse_deadline(given.until, &seconds)) {
		usage_error(cli, "'%s' is not a time such as 2026-11-21, 2026-11-21T14:30:00Z, 3d",
			given.until);
		return false;
	}
	message_set_part(request, "collect_by", &timestamp_of(&cli->arena, seconds)->base);
	return true;
}

/* The code is for the customer: it stands out, in a line of its own. */
static enum exit_code show_code(struct cli *cli, const ProtobufCMessage *response)
{
	enum exit_code code = show_step(cli, response);
	if (!response || cli->output != OUTPUT_TABLE)
		return code;
	const char *text = message_text(&cli->arena, response, "code");
	if (*text)
		printf("\ncode for the customer: %s\n", text);
	else
		say_hint("its code was told before; 'stockbook pickup issue-code' makes another");
	return code;
}

static const struct poptOption until_options[] = {
	{"until", 0, POPT_ARG_STRING, &given.until, 0, "how long it is kept: a moment, or 3d from now",
		"TIME"},
	LOCATION_OPTION,
	WORKER_OPTION,
	POPT_TABLEEND,
};

static enum exit_code ready(struct cli *cli)
{
	ProtobufCMessage *request = document_request(cli, &pickup_kind, "Ready");
	if (!request)
		return cli->exit_code;
	if (!set_until(cli, request))
		return EXIT_CODE_USAGE;
	return show_code(cli, document_call(cli, &pickup_kind, "Ready", request));
}

static enum exit_code issue_code(struct cli *cli)
{
	Stockbook__V1__IssuePickupCodeRequest request = STOCKBOOK__V1__ISSUE_PICKUP_CODE_REQUEST__INIT;
	request.pickup_id = document_resolve(cli, &pickup_kind, cli->arguments[0]);
	if (!request.pickup_id)
		return cli->exit_code;
	request.worker = text_of(here_worker());
	return show_code(cli,
		cli_keep(cli, cli_call(cli, "PickupService", "IssuePickupCode", &request.base)));
}

static enum exit_code extend(struct cli *cli)
{
	if (!given.until)
		return usage_error(cli, "say how long with --until, such as --until 3d");
	ProtobufCMessage *request = document_request(cli, &pickup_kind, "Extend");
	if (!request)
		return cli->exit_code;
	if (!set_until(cli, request))
		return EXIT_CODE_USAGE;
	return show_step(cli, document_call(cli, &pickup_kind, "Extend", request));
}

static const struct poptOption collect_options[] = {
	{"identified", 0, POPT_ARG_STRING, &given.identified, 0, "without a code: who fetches it",
		"NAME"},
	{"shown", 0, POPT_ARG_STRING, &given.shown, 0, "with --identified: passport, confirmation ...",
		"WHAT"},
	{"channel", 0, POPT_ARG_STRING, &given.channel, 0, "in which it happens", "CODE"},
	LOCATION_OPTION,
	WORKER_OPTION,
	POPT_TABLEEND,
};

static enum exit_code tell_outcome(struct cli *cli,
	const Stockbook__V1__CollectPickupResponse *response)
{
	if (response->outcome == STOCKBOOK__V1__COLLECT_OUTCOME__COLLECT_OUTCOME_COLLECTED) {
		if (cli->output == OUTPUT_TABLE)
			printf("ok: hand it over\n\n");
		return show_step(cli, &response->base);
	}
	if (cli->output != OUTPUT_TABLE)
		document_show(cli, &pickup_kind, &response->base);
	bool locked =
		response->outcome == STOCKBOOK__V1__COLLECT_OUTCOME__COLLECT_OUTCOME_CODE_LOCKED ||
		!response->pickup->code_attempts_left;
	if (locked)
		say_error("the code is locked after too many wrong ones; nothing was handed over");
	else
		say_error("wrong code: nothing was handed over; %d attempts are left",
			response->pickup->code_attempts_left);
	say_hint("%s", locked ? "identify the customer (--identified NAME --shown WHAT), or make "
							"another code with 'stockbook pickup issue-code'"
						  : "look at the code again, letter by letter");
	return EXIT_CODE_REFUSED;
}

static enum exit_code collect(struct cli *cli)
{
	Stockbook__V1__CollectPickupRequest request = STOCKBOOK__V1__COLLECT_PICKUP_REQUEST__INIT;
	Stockbook__V1__Identification person = STOCKBOOK__V1__IDENTIFICATION__INIT;
	/* PICKUP CODE [LINE:QUANTITY...], or without a code PICKUP [LINE:QUANTITY...]. */
	int lines_from = given.identified ? 1 : 2;
	if (!given.identified && cli->arguments_count < 2)
		return usage_error(cli, "give the customer's code, or --identified NAME --shown WHAT");
	if (given.identified && !given.shown)
		return usage_error(cli, "say with --shown what the customer identified herself with");
	if (!document_read_lines(cli, lines_from, &request.base, "quantity"))
		return EXIT_CODE_USAGE;
	request.pickup_id = document_resolve(cli, &pickup_kind, cli->arguments[0]);
	if (!request.pickup_id)
		return cli->exit_code;
	request.worker = text_of(here_worker());
	request.channel = text_of(given.channel);
	person.name = text_of(given.identified);
	person.shown = text_of(given.shown);
	if (given.identified)
		request.identification = &person;
	else
		request.code = cli->arguments[1];
	ProtobufCMessage *response = document_call(cli, &pickup_kind, "Collect", &request.base);
	if (!response)
		return cli->exit_code;
	return tell_outcome(cli, (const Stockbook__V1__CollectPickupResponse *)response);
}

static enum exit_code step_back(struct cli *cli)
{
	return step(cli, "StepBack");
}

static const struct poptOption cancel_options[] = {
	REMEDY_OPTION, SOURCING_OPTIONS, NOTE_OPTION, LOCATION_OPTION, WORKER_OPTION, POPT_TABLEEND};

static enum exit_code cancel(struct cli *cli)
{
	ProtobufCMessage *request = document_request(cli, &pickup_kind, "Cancel");
	if (!request)
		return cli->exit_code;
	if (!fulfilment_set_remedy(cli, request))
		return EXIT_CODE_USAGE;
	return show_step(cli, document_call(cli, &pickup_kind, "Cancel", request));
}

static enum exit_code put_back(struct cli *cli)
{
	ProtobufCMessage *request = document_request(cli, &pickup_kind, "PutBack");
	if (!request)
		return cli->exit_code;
	if (!document_read_lines(cli, 1, request, "quantity"))
		return EXIT_CODE_USAGE;
	return show_step(cli, document_call(cli, &pickup_kind, "PutBack", request));
}

static const struct command commands[] = {
	{"list", "", "Lists what waits here, the oldest first.", NULL,
		"pickup list\npickup list --status ready --location LEEDS\npickup list --order 536365",
		list_options, 0, 0, list},
	{"show", "PICKUP", "Shows a pickup.",
		"PICKUP, here and below, is its id, the end of it as lists show it, or the order's\n"
		"reference.\n",
		"pickup show 3f9a1c\npickup show 536365", step_options, 1, 1, show},
	{"accept", "PICKUP", "We will do it.", NULL, "pickup accept 3f9a1c", step_options, 1, 1,
		accept},
	{"pick", "PICKUP [LINE:QUANTITY...]", "Its goods were taken off the shelf, or could not be.",
		"Without lines, all that is to pick; with --short or --damaged alone, all the rest.\n"
		"'stockbook pick --scan' does it for many orders in one walk.\n",
		"pickup pick 3f9a1c\npickup pick 3f9a1c --short 2:1 --remedy re-source", pick_options, 1,
		-1, pick},
	{"ready", "PICKUP", "It waits for the customer: makes the code.", NULL,
		"pickup ready 3f9a1c\npickup ready 3f9a1c --until 3d", until_options, 1, 1, ready},
	{"collect", "PICKUP [CODE] [LINE:QUANTITY...]", "The customer is here.", NULL,
		"pickup collect 3f9a1c 7K4X-M2QT\n"
		"pickup collect 3f9a1c --identified 'Ann Smith' --shown passport",
		collect_options, 1, -1, collect},
	{"cancel", "PICKUP", "Not here; what was picked is to be put back.", NULL,
		"pickup cancel 3f9a1c --note 'store is flooded' --remedy re-source", cancel_options, 1, 1,
		cancel},
	{"put-back", "PICKUP [LINE:QUANTITY...]", "Its goods are back on the shelf, and free.", NULL,
		"pickup put-back 3f9a1c", step_options, 1, -1, put_back},
	{"step-back", "PICKUP", "Takes the last step back.", NULL,
		"pickup step-back 3f9a1c --note 'wrong bag'", note_options, 1, 1, step_back},
	{"extend", "PICKUP", "Keeps it longer for the customer.", NULL,
		"pickup extend 3f9a1c --until 3d", until_options, 1, 1, extend},
	{"issue-code", "PICKUP", "Makes another code; the old one is void.", NULL,
		"pickup issue-code 3f9a1c", step_options, 1, 1, issue_code},
};

const struct noun noun_pickup = {.name = "pickup",
	.summary = "Bought anywhere, fetched here: accept, pick, make ready, hand over.",
	NOUN_COMMANDS(commands)};
