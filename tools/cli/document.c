#include "document.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "here.h"
#include "message.h"
#include "parse.h"

char *given_note, *given_order, *given_status;

/* Fewer characters of an id mean too much. */
#define TYPED_LENGTH_MIN 3

static bool is_uuid(const char *text)
{
	size_t i = 0;
	for (; text[i]; i++)
		if (text[i] != '-' && !isxdigit((unsigned char)text[i]))
			return false;
	return i == STOCKBOOK_REQUEST_ID_SIZE - 1;
}

bool document_is_named(const char *typed, const char *id, const char *reference)
{
	size_t length = strlen(typed), whole = strlen(id);
	if (*reference && strcmp(typed, reference) == 0)
		return true;
	if (length < TYPED_LENGTH_MIN || length > whole)
		return false;
	return strncmp(id, typed, length) == 0 || strcmp(id + whole - length, typed) == 0;
}

static const struct stockbook_method *method_of(const struct document_kind *kind, const char *verb)
{
	char name[64];
	snprintf(name, sizeof(name), "%s%s", verb, kind->suffix);
	const struct stockbook_method *method = stockbook_method(kind->service, name);
	CHECK(method);
	return method;
}

/* Candidates, each once: a transfer is found by its source and by its destination. */
struct candidates {
	const ProtobufCMessage **messages;
	size_t count, capacity;
};

static const char *id_of(const ProtobufCMessage *document)
{
	return *message_text_field((ProtobufCMessage *)(uintptr_t)document, "id");
}

static const char *reference_of(const ProtobufCMessage *document)
{
	if (!message_has(document, "reference"))
		return "";
	return *message_text_field((ProtobufCMessage *)(uintptr_t)document, "reference");
}

static void add_candidate(struct cli *cli, struct candidates *candidates,
	const ProtobufCMessage *message)
{
	for (size_t i = 0; i < candidates->count; i++)
		if (strcmp(id_of(candidates->messages[i]), id_of(message)) == 0)
			return;
	candidates->messages = arena_grow(&cli->arena, candidates->messages, candidates->count,
		&candidates->capacity, sizeof(ProtobufCMessage *));
	candidates->messages[candidates->count++] = message;
}

/* Those that the list has where `field` is `value`; with `typed`, those of them named so. False
 * after a message. */
static bool find_in(struct cli *cli, const struct document_kind *kind, const char *field,
	const char *value, const char *typed, struct candidates *candidates)
{
	const struct stockbook_method *list = stockbook_method(kind->service, kind->list);
	CHECK(list);
	ProtobufCMessage *request = message_new(&cli->arena, list->request);
	const ProtobufCMessage *const *messages;
	size_t count;
	message_set_text(request, field, value);
	if (!list_all(cli, kind->service, kind->list, request, kind->rows, &messages, &count))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!typed || document_is_named(typed, id_of(messages[i]), reference_of(messages[i])))
			add_candidate(cli, candidates, messages[i]);
	return true;
}

/* False after a message. */
static bool find_candidates(struct cli *cli, const struct document_kind *kind, const char *typed,
	struct candidates *candidates)
{
	for (size_t i = 0; i < ARRAY_COUNT(kind->names) && kind->names[i]; i++)
		if (!find_in(cli, kind, kind->names[i], typed, NULL, candidates))
			return false;
	if (kind->places[0] && !*here_location()) {
		usage_error(cli, "'%s' is no whole id: say where the %s is with --location", typed,
			kind->noun);
		return false;
	}
	for (size_t i = 0; i < ARRAY_COUNT(kind->places) && kind->places[i]; i++)
		if (!find_in(cli, kind, kind->places[i], here_location(), typed, candidates))
			return false;
	return true;
}

/* Why no document, or more than one, is meant. */
static void tell_candidates(struct cli *cli, const struct document_kind *kind, const char *typed,
	const struct candidates *candidates)
{
	if (candidates->count) {
		say_error("'%s' means %zu %ss", typed, candidates->count, kind->noun);
		for (size_t i = 0; i < candidates->count; i++)
			fprintf(stderr, "  %s %s %s\n", id_of(candidates->messages[i]),
				reference_of(candidates->messages[i]),
				message_text(&cli->arena, candidates->messages[i], "status"));
		return;
	}
	if (!kind->places[0]) {
		say_error("%s '%s' not found by its %s%s%s", kind->noun, typed, kind->names[0],
			kind->names[1] ? " or " : "", kind->names[1] ? kind->names[1] : "");
		return;
	}
	say_error("%s '%s' not found among those under way at '%s'", kind->noun, typed,
		here_location());
	say_hint("'stockbook %s list' shows them; of one that is over, give the whole id",
		kind == &shipment_kind ? "ship" : kind->noun);
}

char *document_resolve(struct cli *cli, const struct document_kind *kind, const char *typed)
{
	struct candidates candidates = {0};
	if (is_uuid(typed))
		return text_of(typed);
	cli->exit_code = EXIT_CODE_USAGE;
	if (!find_candidates(cli, kind, typed, &candidates))
		return NULL;
	if (candidates.count == 1)
		return text_of(id_of(candidates.messages[0]));
	cli->exit_code = EXIT_CODE_REFUSED;
	tell_candidates(cli, kind, typed, &candidates);
	return NULL;
}

ProtobufCMessage *document_new_request(struct cli *cli, const struct document_kind *kind,
	const char *verb)
{
	ProtobufCMessage *request = message_new(&cli->arena, method_of(kind, verb)->request);
	if (message_has(request, "worker"))
		message_set_text(request, "worker", here_worker());
	if (message_has(request, "note"))
		message_set_text(request, "note", given_note);
	return request;
}

ProtobufCMessage *document_request(struct cli *cli, const struct document_kind *kind,
	const char *verb)
{
	char *id = document_resolve(cli, kind, cli->arguments[0]);
	if (!id)
		return NULL;
	ProtobufCMessage *request = document_new_request(cli, kind, verb);
	message_set_text(request, kind->id_field, id);
	return request;
}

ProtobufCMessage *document_call(struct cli *cli, const struct document_kind *kind, const char *verb,
	ProtobufCMessage *request)
{
	return cli_keep(cli, cli_call_method(cli, method_of(kind, verb), request));
}

const ProtobufCMessage *document_get(struct cli *cli, const struct document_kind *kind)
{
	ProtobufCMessage *request = document_request(cli, kind, "Get");
	ProtobufCMessage *response = request ? document_call(cli, kind, "Get", request) : NULL;
	return response ? message_part(response, kind->field) : NULL;
}

const char *document_text(struct cli *cli, const ProtobufCMessage *document, const char *field)
{
	return message_text(&cli->arena, document, field);
}

enum exit_code document_show(struct cli *cli, const struct document_kind *kind,
	const ProtobufCMessage *response)
{
	if (!response)
		return cli->exit_code;
	return view_document(cli, response, kind->field, kind->fields, kind->fields_count, "lines",
		kind->line_columns, kind->line_columns_count);
}

enum exit_code document_step(struct cli *cli, const struct document_kind *kind, const char *verb,
	ProtobufCMessage **response)
{
	ProtobufCMessage *request = document_request(cli, kind, verb);
	ProtobufCMessage *answer = request ? document_call(cli, kind, verb, request) : NULL;
	if (response)
		*response = answer;
	return document_show(cli, kind, answer);
}

/* The value of the status that was typed, by the type of the request's field. */
static bool set_status(struct cli *cli, ProtobufCMessage *request)
{
	int status;
	const ProtobufCEnumDescriptor *words =
		protobuf_c_message_descriptor_get_field_by_name(request->descriptor, "status")->descriptor;
	if (!given_status)
		return true;
	if (!parse_enum(words, given_status, &status)) {
		usage_error(cli, "status '%s' is not one of %s", given_status,
			enum_words(&cli->arena, words));
		return false;
	}
	message_set_number(request, "status", status);
	return true;
}

enum exit_code document_list(struct cli *cli, const struct document_kind *kind,
	ProtobufCMessage *request)
{
	if (!set_status(cli, request))
		return EXIT_CODE_USAGE;
	if (given_order) {
		char *order = document_resolve(cli, &order_kind, given_order);
		if (!order)
			return cli->exit_code;
		message_set_text(request, "order_id", order);
	} else if (!here_needs_location(cli)) {
		return EXIT_CODE_USAGE;
	}
	return view_list(cli, kind->service, kind->list, request, kind->rows, view_limit,
		kind->list_columns, kind->list_columns_count);
}

bool document_read_lines(struct cli *cli, int first, ProtobufCMessage *request,
	const char *quantity_field)
{
	size_t count = cli->arguments_count > first ? (size_t)(cli->arguments_count - first) : 0;
	ProtobufCMessage **lines = arena_alloc_array(&cli->arena, count, sizeof(ProtobufCMessage *));
	const ProtobufCMessageDescriptor *type =
		protobuf_c_message_descriptor_get_field_by_name(request->descriptor, "lines")->descriptor;
	for (size_t i = 0; i < count; i++) {
		struct document_line line;
		const char *text = cli->arguments[first + (int)i];
		lines[i] = message_new(&cli->arena, type);
		if (!parse_document_line(&cli->arena, text, &line) || line.price ||
			(line.location && !message_has(lines[i], "location"))) {
			usage_error(cli, "'%s' is not LINE:QUANTITY%s", text,
				message_has(lines[i], "location") ? "[@LOCATION]" : "");
			return false;
		}
		message_set_number(lines[i], "line", line.line);
		message_set_number(lines[i], quantity_field, line.quantity);
		if (line.location)
			message_set_text(lines[i], "location", line.location);
	}
	message_set_parts(request, "lines", lines, count);
	return true;
}
