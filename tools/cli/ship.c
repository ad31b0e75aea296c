/* stockbook ship: goods of an order that leave here in parcels. */
#include "document.h"

#include <stdio.h>
#include <string.h>

#include "fulfilment.h"
#include "here.h"
#include "message.h"
#include "parse.h"
#include "sourcing.h"
#include "stockbook/v1/shipment.pb-c.h"

static const struct column fields[] = {
	{"shipment", "id", COLUMN_TEXT},
	{"status", "status", COLUMN_STATUS},
	{"location", "location", COLUMN_TEXT},
	{"order", "order_id", COLUMN_TEXT},
	{"reference", "reference", COLUMN_TEXT},
	{"customer", "customer", COLUMN_TEXT},
	{"channel", "channel", COLUMN_TEXT},
	{"ship by", "ship_by", COLUMN_TEXT},
	{"parcels", "parcels", COLUMN_NO_ZERO},
	{"carrier", "carrier", COLUMN_TEXT},
	{"tracking", "tracking", COLUMN_TEXT},
	{"replaces", "replaces", COLUMN_TEXT},
	{"claimed by", "claimed_by", COLUMN_TEXT},
	{"created", "create_time", COLUMN_TEXT},
};

static const struct column list_columns[] = {
	{"SHIPMENT", "id", COLUMN_SHORT},
	{"STATUS", "status", COLUMN_STATUS},
	{"REFERENCE", "reference", COLUMN_TEXT},
	{"CUSTOMER", "customer", COLUMN_LONG | COLUMN_EXTRA},
	{"SHIP BY", "ship_by", COLUMN_DUE},
	{"CARRIER", "carrier", COLUMN_TEXT | COLUMN_EXTRA},
	{"TRACKING", "tracking", COLUMN_TEXT | COLUMN_EXTRA},
	{"CLAIMED BY", "claimed_by", COLUMN_TEXT | COLUMN_EXTRA},
	{"LOCATION", "location", COLUMN_DETAIL},
	{"ORDER", "order_id", COLUMN_DETAIL},
	{"LINES", "lines", COLUMN_DETAIL},
};

const struct document_kind shipment_kind = {
	.noun = "shipment",
	.service = "ShipmentService",
	.suffix = "Shipment",
	.list = "ListShipments",
	.field = "shipment",
	.rows = "shipments",
	.id_field = "shipment_id",
	.places = {"location"},
	.fields = fields,
	.fields_count = ARRAY_COUNT(fields),
	.line_columns = fulfilment_line_columns,
	.line_columns_count = FULFILMENT_LINE_COLUMNS_COUNT,
	.list_columns = list_columns,
	.list_columns_count = ARRAY_COUNT(list_columns),
};

static struct {
	char *carrier, *tracking;
	int parcels, skip;
} given;

static enum exit_code show_step(struct cli *cli, const ProtobufCMessage *response)
{
	if (!response)
		return cli->exit_code;
	enum exit_code code = document_show(cli, &shipment_kind, response);
	fulfilment_show_resourced(cli, response, NULL);
	fulfilment_say_next(cli, message_part(response, "shipment"));
	return code;
}

static enum exit_code step(struct cli *cli, const char *verb)
{
	ProtobufCMessage *request = document_request(cli, &shipment_kind, verb);
	return show_step(cli, request ? document_call(cli, &shipment_kind, verb, request) : NULL);
}

/* A step with LINE:QUANTITY behind the shipment. */
static enum exit_code step_with_lines(struct cli *cli, const char *verb)
{
	ProtobufCMessage *request = document_request(cli, &shipment_kind, verb);
	if (!request)
		return cli->exit_code;
	if (!document_read_lines(cli, 1, request, "quantity"))
		return EXIT_CODE_USAGE;
	return show_step(cli, document_call(cli, &shipment_kind, verb, request));
}

/* A step with a remedy. */
static enum exit_code step_with_remedy(struct cli *cli, const char *verb)
{
	ProtobufCMessage *request = document_request(cli, &shipment_kind, verb);
	if (!request)
		return cli->exit_code;
	if (!fulfilment_set_remedy(cli, request))
		return EXIT_CODE_USAGE;
	return show_step(cli, document_call(cli, &shipment_kind, verb, request));
}

static const struct poptOption list_options[] = {
	LOCATION_OPTION,
	{"order", 0, POPT_ARG_STRING, &given_order, 0, "of this order instead", "ORDER"},
	{"status", 0, POPT_ARG_STRING, &given_status, 0,
		"only these; otherwise all that has not left and is not over", "STATUS"},
	LIST_LIMIT_OPTION,
	POPT_TABLEEND,
};

static enum exit_code list(struct cli *cli)
{
	Stockbook__V1__ListShipmentsRequest request = STOCKBOOK__V1__LIST_SHIPMENTS_REQUEST__INIT;
	request.location = text_of(given_order ? "" : here_location());
	return document_list(cli, &shipment_kind, &request.base);
}

static const struct poptOption step_options[] = {LOCATION_OPTION, WORKER_OPTION, POPT_TABLEEND};
static const struct poptOption note_options[] = {
	NOTE_OPTION, LOCATION_OPTION, WORKER_OPTION, POPT_TABLEEND};
static const struct poptOption remedy_options[] = {
	REMEDY_OPTION, SOURCING_OPTIONS, NOTE_OPTION, LOCATION_OPTION, WORKER_OPTION, POPT_TABLEEND};

static enum exit_code show(struct cli *cli)
{
	return step(cli, "Get");
}

/* ORDER [LINE:QUANTITY...]: of what the order has allocated here. */
static enum exit_code create(struct cli *cli)
{
	if (!here_needs_location(cli))
		return EXIT_CODE_USAGE;
	ProtobufCMessage *request = document_new_request(cli, &shipment_kind, "Create");
	char *order = document_resolve(cli, &order_kind, cli->arguments[0]);
	if (!order)
		return cli->exit_code;
	if (!document_read_lines(cli, 1, request, "quantity"))
		return EXIT_CODE_USAGE;
	message_set_text(request, "order_id", order);
	message_set_text(request, "location", here_location());
	return show_step(cli, document_call(cli, &shipment_kind, "Create", request));
}

static enum exit_code pick(struct cli *cli)
{
	return fulfilment_pick(cli, &shipment_kind);
}

static const struct poptOption pick_options[] = {SHORT_OPTIONS, REMEDY_OPTION, SOURCING_OPTIONS,
	NOTE_OPTION, LOCATION_OPTION, WORKER_OPTION, POPT_TABLEEND};

static const struct poptOption pack_options[] = {
	{"parcels", 0, POPT_ARG_INT, &given.parcels, 0, "how many (1)", "N"},
	LOCATION_OPTION,
	WORKER_OPTION,
	POPT_TABLEEND,
};

static enum exit_code pack(struct cli *cli)
{
	ProtobufCMessage *request = document_request(cli, &shipment_kind, "Pack");
	if (!request)
		return cli->exit_code;
	message_set_number(request, "parcels", given.parcels);
	return show_step(cli, document_call(cli, &shipment_kind, "Pack", request));
}

static const struct poptOption send_options[] = {
	{"carrier", 0, POPT_ARG_STRING, &given.carrier, 0, "who takes it", "NAME"},
	{"tracking", 0, POPT_ARG_STRING, &given.tracking, 0, "the carrier's number", "NUMBER"},
	{"skip", 0, POPT_ARG_NONE, &given.skip, 0, "also pick and pack what was not yet", NULL},
	LOCATION_OPTION,
	WORKER_OPTION,
	POPT_TABLEEND,
};

static enum exit_code send_it(struct cli *cli)
{
	ProtobufCMessage *request = document_request(cli, &shipment_kind, "Ship");
	if (!request)
		return cli->exit_code;
	message_set_text(request, "carrier", given.carrier);
	message_set_text(request, "tracking", given.tracking);
	message_set_number(request, "skip", given.skip);
	return show_step(cli, document_call(cli, &shipment_kind, "Ship", request));
}

static enum exit_code delivered(struct cli *cli)
{
	return step(cli, "Deliver");
}

static enum exit_code lost(struct cli *cli)
{
	return step_with_remedy(cli, "Lose");
}

static enum exit_code split(struct cli *cli)
{
	ProtobufCMessage *request = document_request(cli, &shipment_kind, "Split");
	if (!request)
		return cli->exit_code;
	if (!document_read_lines(cli, 1, request, "quantity"))
		return EXIT_CODE_USAGE;
	ProtobufCMessage *response = document_call(cli, &shipment_kind, "Split", request);
	if (!response || cli->output != OUTPUT_TABLE)
		return document_show(cli, &shipment_kind, response);
	document_show(cli, &shipment_kind, response);
	printf("\nsplit off:\n");
	return view_document(cli, response, "split_off", fields, ARRAY_COUNT(fields), "lines",
		fulfilment_line_columns, FULFILMENT_LINE_COLUMNS_COUNT);
}

static enum exit_code cancel(struct cli *cli)
{
	return step_with_remedy(cli, "Cancel");
}

static enum exit_code put_back(struct cli *cli)
{
	return step_with_lines(cli, "PutBack");
}

static enum exit_code step_back(struct cli *cli)
{
	return step(cli, "StepBack");
}

static const struct command commands[] = {
	{"list", "", "Lists what is to leave from here, the oldest first.", NULL,
		"ship list\nship list --status shipped --location DC1\nship list --order 536365",
		list_options, 0, 0, list},
	{"show", "SHIPMENT", "Shows a shipment.",
		"SHIPMENT, here and below, is its id, the end of it as lists show it, or the order's\n"
		"reference. One that has left is found by its whole id.\n",
		"ship show 3f9a1c", step_options, 1, 1, show},
	{"create", "ORDER [LINE:QUANTITY...]", "Opens one for what an order has allocated here.", NULL,
		"ship create 536365 --location DC1", step_options, 1, -1, create},
	{"pick", "SHIPMENT [LINE:QUANTITY...]", "Its goods were taken off the shelf, or could not be.",
		"Without lines, all that is to pick; with --short or --damaged alone, all the rest.\n",
		"ship pick 3f9a1c\nship pick 3f9a1c --damaged 1:1 --remedy re-source", pick_options, 1, -1,
		pick},
	{"pack", "SHIPMENT", "Its goods are in parcels.", NULL, "ship pack 3f9a1c --parcels 2",
		pack_options, 1, 1, pack},
	{"send", "SHIPMENT", "The carrier has it.", NULL,
		"ship send 3f9a1c --carrier DPD --tracking 1234567\nship send 3f9a1c --skip", send_options,
		1, 1, send_it},
	{"delivered", "SHIPMENT", "It arrived.", NULL,
		"ship delivered 019389a2-6f1e-7005-8000-1a2b3c4d5e6f", note_options, 1, 1, delivered},
	{"lost", "SHIPMENT", "It never arrived: its goods are replaced, or as --remedy says.", NULL,
		"ship lost 019389a2-6f1e-7005-8000-1a2b3c4d5e6f --remedy cancel", remedy_options, 1, 1,
		lost},
	{"split", "SHIPMENT LINE:QUANTITY...", "A part becomes a shipment of its own.", NULL,
		"ship split 3f9a1c 2:1", step_options, 2, -1, split},
	{"cancel", "SHIPMENT", "Not from here; what was picked is to be put back.", NULL,
		"ship cancel 3f9a1c --remedy re-source", remedy_options, 1, 1, cancel},
	{"put-back", "SHIPMENT [LINE:QUANTITY...]", "Its goods are back on the shelf, and free.", NULL,
		"ship put-back 3f9a1c", step_options, 1, -1, put_back},
	{"step-back", "SHIPMENT", "Takes the last step back.", NULL, "ship step-back 3f9a1c",
		note_options, 1, 1, step_back},
};

const struct noun noun_ship = {.name = "ship",
	.summary = "Parcels that leave here: pick, pack, send, delivered or lost.",
	NOUN_COMMANDS(commands)};
