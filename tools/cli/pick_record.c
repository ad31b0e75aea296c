/* What was picked of a batch, recorded document by document. */
#include "pick.h"

#include <inttypes.h>
#include <stdio.h>

#include "here.h"
#include "message.h"
#include "message_json.h"
#include "parse.h"
#include "scan_session.h"
#include "view.h"

const struct document_kind *pick_kind_of(const Stockbook__V1__Work *work)
{
	return work->document_kind == STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_PICKUP
			   ? &pickup_kind
			   : &shipment_kind;
}

const char *pick_name_of(const Stockbook__V1__Work *work)
{
	return *work->reference ? work->reference : short_id(work->document_id);
}

struct recorded {
	struct cli *cli;
	const Stockbook__V1__ClaimWorkResponse *batch;
	ProtobufCMessage **responses; /* the last of each document; NULL: nothing was recorded */
	bool *failed;
	const char **unfinished; /* ids of documents that others may go on with */
	size_t unfinished_count;
	enum exit_code code;
};

/* The command that records by hand what could not be recorded now: the same request, so that it is
 * safe whether or not the server had it. */
static void say_by_hand(struct cli *cli, const Stockbook__V1__Work *work,
	const struct handled_line *lines)
{
	const char *text = "";
	for (size_t i = 0; i < work->n_lines; i++) {
		if (lines[i].done)
			text = arena_printf(&cli->arena, "%s %d:%" PRId64, text, lines[i].line, lines[i].done);
		if (lines[i].missing)
			text = arena_printf(&cli->arena, "%s --short %d:%" PRId64, text, lines[i].line,
				lines[i].missing);
		if (lines[i].damaged)
			text = arena_printf(&cli->arena, "%s --damaged %d:%" PRId64, text, lines[i].line,
				lines[i].damaged);
	}
	if (given_remedy)
		text = arena_printf(&cli->arena, "%s --remedy %s", text, given_remedy);
	say_hint("when it answers again: stockbook %s pick %s%s --worker %s --request-id %s",
		pick_kind_of(work) == &pickup_kind ? "pickup" : "ship", work->document_id, text,
		here_worker(), cli->request_id_used);
}

/* Calls it, and where nobody answers, again as often as the picker wants: a change has one id, and
 * happens once. */
static ProtobufCMessage *call_patiently(struct cli *cli, const struct document_kind *kind,
	ProtobufCMessage *request)
{
	static const char *const words[] = {"try again", "give up"};
	for (;;) {
		ProtobufCMessage *response = document_call(cli, kind, "Pick", request);
		if (response || cli->exit_code != EXIT_CODE_UNAVAILABLE ||
			scan_ask(cli, "no answer, and what was scanned is not recorded yet:", words,
				ARRAY_COUNT(words)) != 0)
			return response;
		message_set_text(request, "request_id", arena_string(&cli->arena, cli->request_id_used));
	}
}

static void record_document(struct recorded *recorded, size_t index,
	const struct handled_line *lines)
{
	struct cli *cli = recorded->cli;
	const Stockbook__V1__Work *work = recorded->batch->work[index];
	const struct document_kind *kind = pick_kind_of(work);
	for (int call = 0; call < 2; call++) {
		ProtobufCMessage *request = document_new_request(cli, kind, "Pick");
		message_set_text(request, kind->id_field, work->document_id);
		if (!fulfilment_set_handled(cli, request, "picked", lines, work->n_lines, call))
			continue;
		/* The remedy was read before. */
		CHECK(fulfilment_set_remedy(cli, request));
		ProtobufCMessage *response = call_patiently(cli, kind, request);
		if (!response) {
			recorded->code = cli->exit_code;
			recorded->failed[index] = true;
			say_error("bag %zu (%s) was not recorded: leave it where it is", index + 1,
				pick_name_of(work));
			if (cli->exit_code == EXIT_CODE_UNAVAILABLE)
				say_by_hand(cli, work, lines);
			else
				say_next(cli, "%s show %s", kind == &pickup_kind ? "pickup" : "ship",
					short_id(work->document_id));
			return;
		}
		recorded->responses[index] = response;
	}
	for (size_t i = 0; i < work->n_lines; i++) {
		if (lines[i].done + lines[i].missing + lines[i].damaged == work->lines[i]->quantity)
			continue;
		recorded->unfinished[recorded->unfinished_count++] = work->document_id;
		break;
	}
}

static void release_unfinished(struct recorded *recorded)
{
	struct cli *cli = recorded->cli;
	Stockbook__V1__ReleaseWorkRequest request = STOCKBOOK__V1__RELEASE_WORK_REQUEST__INIT;
	if (!recorded->unfinished_count)
		return;
	request.location = text_of(here_location());
	request.worker = text_of(here_worker());
	request.document_ids = (char **)(uintptr_t)recorded->unfinished;
	request.n_document_ids = recorded->unfinished_count;
	if (!cli_keep(cli, cli_call(cli, "WorkService", "ReleaseWork", &request.base)))
		recorded->code = cli->exit_code;
	else if (cli->output == OUTPUT_TABLE)
		printf("\nreleased what is left of %zu: others may pick it\n", recorded->unfinished_count);
}

static void show_recorded(const struct recorded *recorded, struct handled_line *const *spread)
{
	static const char *const titles[] = {"BAG", "ORDER", "PICKED", "SHORT", "NOW"};
	static const int kinds[] = {
		COLUMN_NUMBER, COLUMN_TEXT, COLUMN_NUMBER, COLUMN_NUMBER, COLUMN_STATUS};
	enum { COLUMNS = ARRAY_COUNT(titles) };
	struct cli *cli = recorded->cli;
	const Stockbook__V1__ClaimWorkResponse *batch = recorded->batch;
	const char **cells = arena_alloc_array(&cli->arena, batch->n_work * COLUMNS, sizeof(*cells));
	for (size_t i = 0; i < batch->n_work; i++) {
		const char **row = cells + i * COLUMNS;
		const ProtobufCMessage *response = recorded->responses[i];
		int64_t done = 0, missing = 0;
		for (size_t j = 0; j < batch->work[i]->n_lines; j++) {
			done += spread[i][j].done;
			missing += spread[i][j].missing + spread[i][j].damaged;
		}
		row[0] = arena_printf(&cli->arena, "%zu", i + 1);
		row[1] = pick_name_of(batch->work[i]);
		row[2] = arena_printf(&cli->arena, "%" PRId64, done);
		row[3] = missing ? arena_printf(&cli->arena, "%" PRId64, missing) : "";
		row[4] = recorded->failed[i] ? "NOT RECORDED" : "untouched";
		if (response && !recorded->failed[i])
			row[4] = message_text(&cli->arena,
				message_part(response, pick_kind_of(batch->work[i])->field), "status");
	}
	printf("\n");
	view_text_table(cli, titles, kinds, COLUMNS, cells, batch->n_work);
}

static void tell_recorded(const struct recorded *recorded, struct handled_line *const *spread)
{
	struct cli *cli = recorded->cli;
	const Stockbook__V1__ClaimWorkResponse *batch = recorded->batch;
	if (cli->output == OUTPUT_TABLE)
		show_recorded(recorded, spread);
	else
		fputs("{\"recorded\": [", stdout);
	bool first = true;
	for (size_t i = 0; i < batch->n_work; i++) {
		const ProtobufCMessage *response = recorded->responses[i];
		if (!response)
			continue;
		if (cli->output == OUTPUT_TABLE) {
			fulfilment_show_resourced(cli, response, pick_name_of(batch->work[i]));
			fulfilment_say_next(cli, message_part(response, pick_kind_of(batch->work[i])->field));
			continue;
		}
		fputs(first ? "\n  " : ",\n  ", stdout);
		first = false;
		message_write_json(stdout, response, true, 1);
	}
	if (cli->output != OUTPUT_TABLE)
		printf("%s], \"released\": %zu}\n", first ? "" : "\n", recorded->unfinished_count);
}

enum exit_code pick_record(struct cli *cli, const Stockbook__V1__ClaimWorkResponse *batch,
	const struct scan *scan)
{
	struct handled_line **spread = pick_spread(cli, batch, scan);
	struct recorded recorded = {.cli = cli, .batch = batch};
	recorded.responses = arena_alloc_array(&cli->arena, batch->n_work, sizeof(ProtobufCMessage *));
	recorded.failed = arena_alloc_array(&cli->arena, batch->n_work, sizeof(bool));
	recorded.unfinished = arena_alloc_array(&cli->arena, batch->n_work, sizeof(const char *));
	for (size_t i = 0; i < batch->n_work; i++)
		record_document(&recorded, i, spread[i]);
	tell_recorded(&recorded, spread);
	release_unfinished(&recorded);
	return recorded.code;
}
