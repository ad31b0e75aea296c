/* stockbook events: what happens, as it happens. */
#include "cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "follow.h"
#include "message.h"
#include "message_json.h"
#include "parse.h"
#include "stockbook/v1/event.pb-c.h"
#include "view.h"

#define POSITION_PARTS_MAX 4096

static struct {
	char *from, *position_file;
	char **locations, **skus, **channels, **kinds;
	int count;
} given;

static const struct poptOption options[] = {
	{"from", 0, POPT_ARG_STRING, &given.from, 0,
		"now (default), start, or a position such as 3:17,12:5", "POSITION"},
	{"location", 0, POPT_ARG_ARGV, &given.locations, 0, "from, to or of it; may be repeated",
		"CODE"},
	{"sku", 0, POPT_ARG_ARGV, &given.skus, 0, "of this SKU; may be repeated", "SKU"},
	{"channel", 0, POPT_ARG_ARGV, &given.channels, 0, "through this channel; may be repeated",
		"CODE"},
	{"kind", 0, POPT_ARG_ARGV, &given.kinds, 0, "of such documents; may be repeated", "KIND"},
	{"position-file", 0, POPT_ARG_STRING, &given.position_file, 0,
		"go on from what it says, and keep in it how far it came", "FILE"},
	{"count", 'n', POPT_ARG_INT, &given.count, 0, "end after so many events", "N"},
	POPT_TABLEEND,
};

struct events {
	struct cli *cli;
	Stockbook__V1__StreamEventsRequest *request;
	struct arena arena;          /* of one message */
	struct arena position_arena; /* of the position to go on from */
	int64_t shown;
};

/* ---- Positions: "3:17,12:5" ---- */

static bool parse_position(struct arena *arena, const char *text,
	Stockbook__V1__Position **position)
{
	Stockbook__V1__Position *parsed = arena_alloc(arena, sizeof(*parsed));
	stockbook__v1__position__init(parsed);
	parsed->parts = arena_alloc_array(arena, POSITION_PARTS_MAX, sizeof(*parsed->parts));
	while (*text) {
		int read = 0;
		Stockbook__V1__PartSequence *part = arena_alloc(arena, sizeof(*part));
		stockbook__v1__part_sequence__init(part);
		if (parsed->n_parts == POSITION_PARTS_MAX ||
			sscanf(text, "%" SCNd32 ":%" SCNd64 "%n", &part->part, &part->sequence, &read) != 2)
			return false;
		text += read;
		parsed->parts[parsed->n_parts++] = part;
		if (*text && *text != ',' && *text != '\n')
			return false;
		text += *text != '\0';
	}
	*position = parsed;
	return true;
}

static Stockbook__V1__Position *copy_position(struct arena *arena,
	const Stockbook__V1__Position *position)
{
	Stockbook__V1__Position *copy = arena_alloc(arena, sizeof(*copy));
	stockbook__v1__position__init(copy);
	copy->parts = arena_alloc_array(arena, position->n_parts, sizeof(*copy->parts));
	for (copy->n_parts = 0; copy->n_parts < position->n_parts; copy->n_parts++)
		copy->parts[copy->n_parts] =
			arena_copy(arena, position->parts[copy->n_parts], sizeof(Stockbook__V1__PartSequence));
	return copy;
}

/* Beside it first: a file that is there is whole. */
static bool keep_position(struct events *events, const Stockbook__V1__Position *position)
{
	const char *path = arena_printf(&events->arena, "%s.new", given.position_file);
	FILE *file = fopen(path, "w");
	bool kept = file != NULL;
	for (size_t i = 0; kept && i < position->n_parts; i++)
		kept = fprintf(file, "%s%d:%" PRId64, i > 0 ? "," : "", position->parts[i]->part,
				   position->parts[i]->sequence) > 0;
	kept = kept && fputc('\n', file) != EOF;
	kept = (!file || fclose(file) == 0) && kept && rename(path, given.position_file) == 0;
	if (!kept)
		say_error("the position cannot be kept in '%s': %s", given.position_file, strerror(errno));
	return kept;
}

/* ---- Showing ---- */

static const struct {
	const char *title;
	const char *movement; /* NULL: it has none such */
	const char *change;
} columns[] = {
	{"part", "part", "part"},
	{"sequence", "sequence", "sequence"},
	{"time", "time", "time"},
	{"sku", "sku", NULL},
	{"from_location", "from_location", NULL},
	{"from_state", "from_state", NULL},
	{"to_location", "to_location", NULL},
	{"to_state", "to_state", NULL},
	{"quantity", "quantity", NULL},
	{"reason", "reason", NULL},
	{"document_kind", "document_kind", "document_kind"},
	{"document_id", "document_id", "document_id"},
	{"document_code", NULL, "document_code"},
	{"document_line", "document_line", NULL},
	{"step", NULL, "step"},
	{"status_before", NULL, "status_before"},
	{"status_after", NULL, "status_after"},
	{"channel", "channel", "channel"},
	{"actor", "actor", "actor"},
	{"request_id", "request_id", "request_id"},
	{"note", NULL, "note"},
};

static void show_csv(struct arena *arena, const Stockbook__V1__Event *event)
{
	const ProtobufCMessage *message =
		event->movement ? &event->movement->base : &event->change->base;
	for (size_t i = 0; i < ARRAY_COUNT(columns); i++) {
		const char *field = event->movement ? columns[i].movement : columns[i].change;
		fputs(i > 0 ? "," : "", stdout);
		view_write_csv(field ? message_text(arena, message, field) : "");
	}
	putchar('\n');
}

static const char *place(struct arena *arena, const ProtobufCMessage *movement, const char *side)
{
	const char *location = message_text(arena, movement, arena_printf(arena, "%s_location", side));
	const char *state = message_text(arena, movement, arena_printf(arena, "%s_state", side));
	return *location ? arena_printf(arena, "%s %s", location, state) : state;
}

/* A line for people: where, what, why. */
static void show_line(struct arena *arena, const Stockbook__V1__Event *event)
{
	const ProtobufCMessage *message =
		event->movement ? &event->movement->base : &event->change->base;
	const char *time = message_text(arena, message, "time");
	const char *kind = message_text(arena, message, "document_kind");
	const char *id = message_text(arena, message, "document_id");
	if (event->movement) {
		printf("%s %3d:%-6" PRId64 " %s: %" PRId64 " from %s to %s, %s of %s %s\n", time,
			event->movement->part, event->movement->sequence, event->movement->sku,
			event->movement->quantity, place(arena, message, "from"), place(arena, message, "to"),
			message_text(arena, message, "reason"), kind, id);
		return;
	}
	const Stockbook__V1__Change *change = event->change;
	printf("%s %3d:%-6" PRId64 " %s %s: %s%s%s%s%s%s%s\n", time, change->part, change->sequence,
		kind, *id ? id : change->document_code, change->step, *change->status_after ? ", now " : "",
		change->status_after, *change->channel ? ", through " : "", change->channel,
		*change->actor ? ", by " : "", change->actor);
}

static void show(struct events *events, const Stockbook__V1__Event *event)
{
	switch (events->cli->output) {
	case OUTPUT_JSON:
		message_write_json(stdout, &event->base, false, 0);
		putchar('\n');
		break;
	case OUTPUT_CSV:
		show_csv(&events->arena, event);
		break;
	case OUTPUT_TABLE:
		show_line(&events->arena, event);
		break;
	}
	events->shown++;
}

static void on_message(struct follow *follow, const ProtobufCMessage *message)
{
	struct events *events = follow->context;
	const Stockbook__V1__StreamEventsResponse *response =
		(const Stockbook__V1__StreamEventsResponse *)message;
	arena_reset(&events->arena);
	for (size_t i = 0; i < response->n_events; i++) {
		show(events, response->events[i]);
		/* The position is that of the whole message: with --count it is not kept. */
		if (given.count > 0 && events->shown >= given.count) {
			follow->enough = true;
			break;
		}
	}
	fflush(stdout);
	if (!response->position || follow->enough)
		return;
	arena_reset(&events->position_arena);
	events->request->from = copy_position(&events->position_arena, response->position);
	if (given.position_file && !keep_position(events, response->position))
		follow->enough = true;
}

/* ---- The request ---- */

static size_t count_of(char **list)
{
	size_t count = 0;
	while (list && list[count])
		count++;
	return count;
}

/* False after a message. */
static bool read_kinds(struct cli *cli, Stockbook__V1__StreamEventsRequest *request)
{
	size_t count = count_of(given.kinds);
	request->document_kinds =
		arena_alloc_array(&cli->arena, count, sizeof(*request->document_kinds));
	for (size_t i = 0; i < count; i++) {
		int kind;
		if (!parse_enum(&stockbook__v1__document_kind__descriptor, given.kinds[i], &kind)) {
			usage_error(cli, "'%s' is not one of %s", given.kinds[i],
				enum_words(&cli->arena, &stockbook__v1__document_kind__descriptor));
			return false;
		}
		request->document_kinds[request->n_document_kinds++] = (Stockbook__V1__DocumentKind)kind;
	}
	return true;
}

/* The file's text, or NULL when there is none yet. */
static const char *read_position_file(struct arena *arena)
{
	enum { BYTES_MAX = POSITION_PARTS_MAX * 32 };
	FILE *file = given.position_file ? fopen(given.position_file, "r") : NULL;
	if (!file)
		return NULL;
	char *text = arena_alloc(arena, BYTES_MAX);
	size_t size = fread(text, 1, BYTES_MAX - 1, file);
	fclose(file);
	text[size] = '\0';
	return text;
}

static bool read_from(struct cli *cli, Stockbook__V1__StreamEventsRequest *request)
{
	const char *kept = read_position_file(&cli->arena);
	const char *text = kept ? kept : given.from;
	if (!text || strcmp(text, "now") == 0)
		return true;
	if (parse_position(&cli->arena, strcmp(text, "start") == 0 ? "" : text, &request->from))
		return true;
	usage_error(cli, "'%s' is not now, start or a position such as 3:17,12:5", text);
	return false;
}

static enum exit_code run(struct cli *cli)
{
	Stockbook__V1__StreamEventsRequest request = STOCKBOOK__V1__STREAM_EVENTS_REQUEST__INIT;
	if (!read_from(cli, &request) || !read_kinds(cli, &request))
		return EXIT_CODE_USAGE;
	request.locations = given.locations;
	request.n_locations = count_of(given.locations);
	request.skus = given.skus;
	request.n_skus = count_of(given.skus);
	request.channels = given.channels;
	request.n_channels = count_of(given.channels);
	struct events events = {.cli = cli, .request = &request};
	arena_init(&events.arena);
	arena_init(&events.position_arena);
	struct follow follow = {
		.method = stockbook_method("EventService", "StreamEvents"),
		.request = &request.base,
		.on_message = on_message,
		.context = &events,
	};
	for (size_t i = 0; cli->output == OUTPUT_CSV && i < ARRAY_COUNT(columns); i++)
		printf("%s%s", columns[i].title, i + 1 < ARRAY_COUNT(columns) ? "," : "\n");
	enum exit_code code = follow_run(cli, &follow);
	arena_release(&events.arena);
	arena_release(&events.position_arena);
	return code;
}

static const struct command commands[] = {
	{NULL, "", "Follows every movement and every step of a document, until Ctrl-C.",
		"A line for each event; with --output json a JSON object a line. When the server goes away\n"
		"it is followed again from where it was, without gaps or repeats.\n",
		"events --location LEEDS --kind order\n"
		"events --from start --output json\n"
		"events --position-file feed.position --output json",
		options, 0, 0, run},
};

const struct noun noun_events = {
	.name = "events", .summary = "What happens, as it happens.", NOUN_COMMANDS(commands)};
