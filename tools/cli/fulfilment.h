/*
 * What the commands of pickups, shipments and transfers have in common: their lines, what could not
 * be picked, and what becomes of it.
 */
#ifndef STOCKBOOK_CLI_FULFILMENT_H
#define STOCKBOOK_CLI_FULFILMENT_H

#include "document.h"
#include "stockbook/v1/fulfilment.pb-c.h"

extern const struct column fulfilment_line_columns[];
#define FULFILMENT_LINE_COLUMNS_COUNT 9

extern char *given_remedy;
extern char **given_short, **given_damaged;
#define REMEDY_OPTION                                                                              \
	{                                                                                              \
		"remedy", 0, POPT_ARG_STRING, &given_remedy, 0,                                            \
			"for what does not come from here: open, re-source, transfer, cancel", "WHAT"          \
	}
#define SHORT_OPTIONS                                                                              \
	{"short", 0, POPT_ARG_ARGV, &given_short, 0, "could not be found; may be repeated",            \
		"LINE:QUANTITY"},                                                                          \
	{                                                                                              \
		"damaged", 0, POPT_ARG_ARGV, &given_damaged, 0, "is there and broken; may be repeated",    \
			"LINE:QUANTITY"                                                                        \
	}

/* What was done with units of a line: picked or dispatched, not found, broken. */
struct handled_line {
	int32_t line;
	int64_t done;
	int64_t missing;
	int64_t damaged;
};

/* The remedy that was given, into the request; false after a message. */
bool fulfilment_set_remedy(struct cli *cli, ProtobufCMessage *request);
/* The lines LINE:QUANTITY of the arguments and of --short and --damaged. Where only the latter are
 * given, all the rest of `open_field` of the document was done. False after a message. */
bool fulfilment_read_handled(struct cli *cli, const ProtobufCMessage *document,
	const char *open_field, struct handled_line **lines, size_t *count);
/* A line has one reason in a call: a line with goods that are missing and others that are damaged
 * takes a second. Sets the lines of call 0 or 1; false when that call has none. */
bool fulfilment_set_handled(struct cli *cli, ProtobufCMessage *request, const char *done_field,
	const struct handled_line *lines, size_t count, int call);
/* What became of units that do not come from here; nothing where there are none. `of` names the
 * document where several are told of, or is NULL. */
void fulfilment_show_resourced(struct cli *cli, const ProtobufCMessage *response, const char *of);
/* What is to be done with a pickup or shipment in its status. */
void fulfilment_say_next(struct cli *cli, const ProtobufCMessage *document);
/* Records what was handled, and shows it. */
enum exit_code fulfilment_pick(struct cli *cli, const struct document_kind *kind);

#endif
