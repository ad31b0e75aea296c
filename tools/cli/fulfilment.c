#include "fulfilment.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "here.h"
#include "message.h"
#include "parse.h"
#include "sourcing.h"

const struct column fulfilment_line_columns[FULFILMENT_LINE_COLUMNS_COUNT] = {
	{"LINE", "line", COLUMN_NUMBER},
	{"SKU", "sku", COLUMN_TEXT},
	{"SHELF", "shelf", COLUMN_TEXT | COLUMN_NO_ZERO},
	{"COMING", "awaiting", COLUMN_NUMBER | COLUMN_NO_ZERO},
	{"TO PICK", "to_pick", COLUMN_NUMBER | COLUMN_NO_ZERO},
	{"PICKED", "picked", COLUMN_NUMBER | COLUMN_NO_ZERO},
	{"DONE", "done", COLUMN_NUMBER | COLUMN_NO_ZERO},
	{"PUT BACK", "put_back", COLUMN_NUMBER | COLUMN_NO_ZERO},
	{"DROPPED", "dropped", COLUMN_NUMBER | COLUMN_NO_ZERO},
};

static const struct column resourced_columns[] = {
	{"LINE", "line", COLUMN_NUMBER},
	{"QUANTITY", "quantity", COLUMN_NUMBER},
	{"BECOMES", "remedy", COLUMN_TEXT},
	{"FROM", "location", COLUMN_TEXT},
	{"DOCUMENT", "document_id", COLUMN_SHORT},
};

char *given_remedy;
char **given_short, **given_damaged;

bool fulfilment_set_remedy(struct cli *cli, ProtobufCMessage *request)
{
	int remedy = 0;
	if (given_remedy &&
		!parse_enum(&stockbook__v1__short_remedy__descriptor, given_remedy, &remedy)) {
		usage_error(cli, "remedy '%s' is not one of %s", given_remedy,
			enum_words(&cli->arena, &stockbook__v1__short_remedy__descriptor));
		return false;
	}
	message_set_number(request, "remedy", remedy);
	return sourcing_set(cli, request, "sourcing");
}

/* The entry of the line, made where there is none yet. */
static struct handled_line *line_of(struct cli *cli, struct handled_line **lines, size_t *count,
	size_t *capacity, int32_t number)
{
	for (size_t i = 0; i < *count; i++)
		if ((*lines)[i].line == number)
			return &(*lines)[i];
	*lines = arena_grow(&cli->arena, *lines, *count, capacity, sizeof(**lines));
	(*lines)[*count] = (struct handled_line){.line = number};
	return &(*lines)[(*count)++];
}

enum handled_kind {
	HANDLED_DONE,
	HANDLED_MISSING,
	HANDLED_DAMAGED,
};

static bool add_handled(struct cli *cli, char *const *texts, enum handled_kind kind,
	struct handled_line **lines, size_t *count, size_t *capacity)
{
	for (; texts && *texts; texts++) {
		struct document_line given;
		if (!parse_document_line(&cli->arena, *texts, &given) || given.location || given.price) {
			usage_error(cli, "'%s' is not LINE:QUANTITY", *texts);
			return false;
		}
		struct handled_line *line = line_of(cli, lines, count, capacity, given.line);
		if (kind == HANDLED_DONE)
			line->done += given.quantity;
		else if (kind == HANDLED_MISSING)
			line->missing += given.quantity;
		else
			line->damaged += given.quantity;
	}
	return true;
}

bool fulfilment_read_handled(struct cli *cli, const ProtobufCMessage *document,
	const char *open_field, struct handled_line **lines, size_t *count)
{
	size_t capacity = 0;
	*lines = NULL;
	*count = 0;
	if (!add_handled(cli, cli->arguments + 1, HANDLED_DONE, lines, count, &capacity) ||
		!add_handled(cli, given_short, HANDLED_MISSING, lines, count, &capacity) ||
		!add_handled(cli, given_damaged, HANDLED_DAMAGED, lines, count, &capacity))
		return false;
	if (cli->arguments_count > 1 || !*count)
		return true;
	size_t rows_count;
	const ProtobufCMessage *const *rows = message_parts(document, "lines", &rows_count);
	for (size_t i = 0; i < rows_count; i++) {
		struct handled_line *line =
			line_of(cli, lines, count, &capacity, (int32_t)message_number(rows[i], "line"));
		int64_t rest = message_number(rows[i], open_field) - line->missing - line->damaged;
		line->done = rest > 0 ? rest : 0;
	}
	return true;
}

static const ProtobufCMessageDescriptor *lines_type(const ProtobufCMessage *request)
{
	return protobuf_c_message_descriptor_get_field_by_name(request->descriptor, "lines")
		->descriptor;
}

bool fulfilment_set_handled(struct cli *cli, ProtobufCMessage *request, const char *done_field,
	const struct handled_line *lines, size_t count, int call)
{
	ProtobufCMessage **to = arena_alloc_array(&cli->arena, count, sizeof(ProtobufCMessage *));
	size_t used = 0;
	for (size_t i = 0; i < count; i++) {
		const struct handled_line *line = &lines[i];
		bool both = line->missing && line->damaged;
		int64_t done = call ? 0 : line->done;
		int64_t missing = call ? 0 : line->missing;
		int64_t damaged = (call != 0) == both ? line->damaged : 0;
		if (!done && !missing && !damaged)
			continue;
		ProtobufCMessage *part = to[used++] = message_new(&cli->arena, lines_type(request));
		message_set_number(part, "line", line->line);
		message_set_number(part, done_field, done);
		message_set_number(part, "short", missing + damaged);
		if (missing + damaged)
			message_set_number(part, "reason",
				missing ? STOCKBOOK__V1__SHORT_REASON__SHORT_REASON_NOT_FOUND
						: STOCKBOOK__V1__SHORT_REASON__SHORT_REASON_DAMAGED);
	}
	message_set_parts(request, "lines", to, used);
	return used > 0;
}

void fulfilment_show_resourced(struct cli *cli, const ProtobufCMessage *response, const char *of)
{
	if (cli->output != OUTPUT_TABLE || !message_has(response, "resourced"))
		return;
	size_t count;
	message_parts(response, "resourced", &count);
	if (!count)
		return;
	printf("\nwhat does not come from here%s%s:\n", of ? ", of " : "", of ? of : "");
	view_rows(cli, response, "resourced", resourced_columns, ARRAY_COUNT(resourced_columns));
}

void fulfilment_say_next(struct cli *cli, const ProtobufCMessage *document)
{
	static const struct {
		const char *type, *status, *command;
	} steps[] = {
		{"stockbook.v1.Pickup", "REQUESTED", "pickup accept %s"},
		{"stockbook.v1.Pickup", "ACCEPTED", "pickup pick %s"},
		{"stockbook.v1.Pickup", "PICKING", "pickup pick %s"},
		{"stockbook.v1.Pickup", "PICKED", "pickup ready %s"},
		{"stockbook.v1.Pickup", "READY", "pickup collect %s CODE"},
		{"stockbook.v1.Pickup", "PUTTING_BACK", "pickup put-back %s"},
		{"stockbook.v1.Shipment", "ALLOCATED", "ship pick %s"},
		{"stockbook.v1.Shipment", "PICKED", "ship pack %s"},
		{"stockbook.v1.Shipment", "PACKED", "ship send %s --carrier NAME --tracking NUMBER"},
		{"stockbook.v1.Shipment", "PUTTING_BACK", "ship put-back %s"},
		{"stockbook.v1.Transfer", "DRAFT", "transfer approve %s"},
		{"stockbook.v1.Transfer", "READY", "transfer dispatch %s"},
		{"stockbook.v1.Transfer", "IN_TRANSIT", "transfer receive %s"},
		{"stockbook.v1.Transfer", "PARTIALLY_RECEIVED", "transfer receive %s"},
	};
	const char *id = short_id(document_text(cli, document, "id"));
	for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
		if (!message_is(document->descriptor, steps[i].type) ||
			strcmp(document_text(cli, document, "status"), steps[i].status) != 0)
			continue;
		const char *at = strstr(steps[i].command, "%s");
		say_next(cli, "%.*s%s%s", (int)(at - steps[i].command), steps[i].command, id, at + 2);
	}
}

enum exit_code fulfilment_pick(struct cli *cli, const struct document_kind *kind)
{
	struct handled_line *lines;
	size_t count;
	ProtobufCMessage *response = NULL;
	const ProtobufCMessage *document = document_get(cli, kind);
	if (!document)
		return cli->exit_code;
	if (!fulfilment_read_handled(cli, document, "to_pick", &lines, &count))
		return EXIT_CODE_USAGE;
	for (int call = 0; call < 2; call++) {
		ProtobufCMessage *request = document_request(cli, kind, "Pick");
		if (!request)
			return cli->exit_code;
		/* Without lines, everything that is to pick was picked. */
		if (!fulfilment_set_handled(cli, request, "picked", lines, count, call) && (call || count))
			continue;
		if (!fulfilment_set_remedy(cli, request))
			return EXIT_CODE_USAGE;
		response = document_call(cli, kind, "Pick", request);
		if (!response)
			return cli->exit_code;
	}
	if (!response)
		return usage_error(cli, "nothing was picked and nothing was short");
	document_show(cli, kind, response);
	fulfilment_show_resourced(cli, response, NULL);
	fulfilment_say_next(cli, message_part(response, kind->field));
	return EXIT_CODE_OK;
}
