/*
 * Documents that people step. Pickups, shipments and transfers are named by their id, by the end or
 * the beginning of it, or by the order's reference, wherever that means one that is under way at the
 * location; orders by their id or reference, reservations by their id, owner or customer.
 */
#ifndef STOCKBOOK_CLI_DOCUMENT_H
#define STOCKBOOK_CLI_DOCUMENT_H

#include "cli.h"
#include "view.h"

struct document_kind {
	const char *noun;     /* "pickup": in messages, and before the commands */
	const char *service;  /* "PickupService" */
	const char *suffix;   /* of its methods: "Pickup" as in GetPickup */
	const char *list;     /* "ListPickups" */
	const char *field;    /* of responses: "pickup" */
	const char *rows;     /* of lists: "pickups" */
	const char *id_field; /* of requests: "pickup_id" */
	/* The fields of the list's request that say where (up to two are tried), or that take what was
	 * typed, such as an order's reference. */
	const char *places[2];
	const char *names[2];
	const struct column *fields;
	size_t fields_count;
	const struct column *line_columns;
	size_t line_columns_count;
	const struct column *list_columns;
	size_t list_columns_count;
};

#define DOCUMENT_COLUMNS(of_fields, of_lines, of_list)                                             \
	.fields = (of_fields), .fields_count = ARRAY_COUNT(of_fields), .line_columns = (of_lines),     \
	.line_columns_count = ARRAY_COUNT(of_lines), .list_columns = (of_list),                        \
	.list_columns_count = ARRAY_COUNT(of_list)

extern const struct document_kind order_kind, reservation_kind, pickup_kind, shipment_kind,
	transfer_kind;

/* The whole id of what was typed; NULL after a message. */
char *document_resolve(struct cli *cli, const struct document_kind *kind, const char *typed);
/* Whether a typed name means the document with this id and reference. */
bool document_is_named(const char *typed, const char *id, const char *reference);
/* "accept" to AcceptPickup: an empty request of Verb + suffix. */
ProtobufCMessage *document_new_request(struct cli *cli, const struct document_kind *kind,
	const char *verb);
/* The same, with the id that the first argument names, and with the worker and note that were
 * given, where the request has them. NULL after a message. */
ProtobufCMessage *document_request(struct cli *cli, const struct document_kind *kind,
	const char *verb);
/* Calls it: NULL after a message. The response lives until the end. */
ProtobufCMessage *document_call(struct cli *cli, const struct document_kind *kind, const char *verb,
	ProtobufCMessage *request);
/* The document itself, by the first argument; NULL after a message. */
const ProtobufCMessage *document_get(struct cli *cli, const struct document_kind *kind);
/* Its field, such as "status", as people read it. */
const char *document_text(struct cli *cli, const ProtobufCMessage *document, const char *field);
/* Shows the document of a response. */
enum exit_code document_show(struct cli *cli, const struct document_kind *kind,
	const ProtobufCMessage *response);
/* Requests, calls and shows: what most steps are. `response`, where asked for, is NULL on failure. */
enum exit_code document_step(struct cli *cli, const struct document_kind *kind, const char *verb,
	ProtobufCMessage **response);
/* Lists those at the location, of an order, of a status. */
enum exit_code document_list(struct cli *cli, const struct document_kind *kind,
	ProtobufCMessage *request);

extern char *given_note, *given_order, *given_status;
#define NOTE_OPTION                                                                                \
	{                                                                                              \
		"note", 0, POPT_ARG_STRING, &given_note, 0, "for people", "TEXT"                           \
	}

/* LINE:QUANTITY arguments from `first` on, as messages of the repeated field "lines" with a line
 * and a number in `quantity_field`. False after a message. */
bool document_read_lines(struct cli *cli, int first, ProtobufCMessage *request,
	const char *quantity_field);

#endif
