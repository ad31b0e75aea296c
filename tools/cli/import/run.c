/*
 * One import: read, check, collect into jobs, send with a window, sort the answers.
 *
 *   row -> job that is being filled (one per location) -> in flight -> done
 *                                                              |
 *                          two halves <- refused, many rows <--+--> refused, one row: told
 */
#include "import.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/csv_reader.h"
#include "cli/marker.h"
#include "cli/message.h"
#include "cli/parse.h"
#include "cli/progress.h"
#include "cli/view.h"

#define REFUSALS_TOLD_MAX 20
#define OPEN_JOBS_MAX 1000
#define DEADLINE_MS 60000

struct import {
	struct cli *cli;
	const struct import_kind *kind;
	const struct import_options *options;
	const struct stockbook_method *method;
	struct csv_reader *reader;
	struct marker marker;
	struct progress progress;
	FILE *rejects;
	const char *name_space;      /* of the request ids */
	int columns[CSV_FIELDS_MAX]; /* which title each column of the file is */
	size_t columns_count;
	struct job *open; /* being filled */
	struct job *sent; /* in flight */
	size_t open_count;
	int64_t jobs; /* made so far */
	int64_t rows_read, rows_in, rows_known, rows_refused, rows_wrong;
	bool stop; /* no answer from the server: no sense in going on */
	enum exit_code stop_code;
};

static void refuse(struct import *import, int64_t line, const char *raw, const char *reason)
{
	int64_t told = import->rows_refused + import->rows_wrong;
	if (import->rejects) {
		fprintf(import->rejects, "%" PRId64 ",\"", line);
		for (const char *at = reason; *at; at++)
			fputs(*at == '"' ? "\"\"" : (char[]){*at, '\0'}, import->rejects);
		fprintf(import->rejects, "\",%s\n", raw);
		return;
	}
	if (import->progress.on)
		fputs("\r\033[K", stderr);
	if (told < REFUSALS_TOLD_MAX)
		fprintf(stderr, "line %" PRId64 ": %s\n", line, reason);
	else if (told == REFUSALS_TOLD_MAX)
		say_hint("more lines are refused; --rejects FILE gets them all");
}

static struct job *new_job(struct import *import, const char *group, int64_t number, size_t from)
{
	struct job *job = calloc(1, sizeof(*job));
	CHECK(job);
	arena_init(&job->arena);
	job->group = arena_string(&job->arena, group);
	job->number = number;
	job->from = from;
	job->run = import;
	return job;
}

static void add_row(struct job *job, const struct import_row *row)
{
	job->rows = arena_grow(&job->arena, job->rows, job->count, &job->capacity, sizeof(*job->rows));
	struct import_row *copy = &job->rows[job->count++];
	*copy = *row;
	copy->raw = arena_string(&job->arena, row->raw);
	for (int i = 0; i < TITLES_MAX; i++)
		copy->values[i] = row->values[i] ? arena_string(&job->arena, row->values[i]) : "";
}

static void free_job(struct job *job)
{
	arena_release(&job->arena);
	free(job);
}

/* The same rows give the same id, in this run and the next. */
static void set_request_id(struct import *import, struct job *job)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	CHECK(file);
	if (import->kind->rows_max > 1)
		fprintf(file, "%s %" PRId64 " %zu\n", job->group, job->number, job->from);
	for (size_t i = 0; i < job->count; i++)
		fprintf(file, "%s\n", job->rows[i].raw);
	CHECK(fclose(file) == 0);
	stockbook_request_id_derive(import->name_space, text, job->request_id);
	free(text);
}

static void submit(struct import *import, struct job *job);

/* One row of many may be the culprit: halve until it stands alone. */
static void split(struct import *import, const struct job *job)
{
	size_t half = job->count / 2;
	for (size_t from = 0; from < job->count; from += half ? half : 1) {
		size_t to = from == 0 ? half : job->count;
		struct job *part = new_job(import, job->group, job->number, job->from + from);
		for (size_t i = from; i < to; i++)
			add_row(part, &job->rows[i]);
		submit(import, part);
		if (to == job->count)
			break;
	}
}

static const char *describe(struct arena *arena, const struct stockbook_error *error)
{
	if (error->violations_count)
		return arena_printf(arena, "%s: %s", error->violations[0].field,
			error->violations[0].description);
	return arena_printf(arena, "%s (%s)", error->message,
		error->reason[0] ? error->reason : stockbook_code_name(error->code));
}

static void on_failure(struct import *import, struct job *job, const struct stockbook_error *error)
{
	enum exit_code code = exit_code_of(error);
	if (code == EXIT_CODE_UNAVAILABLE || code == EXIT_CODE_NOT_ALLOWED) {
		if (!import->stop) {
			progress_end(&import->progress);
			cli_explain(import->cli, error);
		}
		import->stop = true;
		import->stop_code = code;
	} else if (job->count > 1) {
		split(import, job);
	} else {
		refuse(import, job->rows[0].line, job->rows[0].raw, describe(&job->arena, error));
		import->rows_refused++;
	}
}

static void link_sent(struct import *import, struct job *job)
{
	job->previous = NULL;
	job->next = import->sent;
	if (job->next)
		job->next->previous = job;
	import->sent = job;
}

static void unlink_sent(struct import *import, struct job *job)
{
	if (job->previous)
		job->previous->next = job->next;
	else
		import->sent = job->next;
	if (job->next)
		job->next->previous = job->previous;
}

static void on_done(void *context, const ProtobufCMessage *response,
	const struct stockbook_error *error)
{
	struct job *job = context;
	struct import *import = job->run;
	(void)response;
	unlink_sent(import, job);
	if (error->code == 0) {
		marker_add(&import->marker, job->request_id);
		import->rows_in += (int64_t)job->count;
	} else {
		on_failure(import, job, error);
	}
	free_job(job);
}

static void show_progress(struct import *import)
{
	progress_show(&import->progress, csv_reader_position(import->reader),
		csv_reader_size(import->reader),
		import->rows_in + import->rows_known + import->rows_refused + import->rows_wrong);
}

static void submit(struct import *import, struct job *job)
{
	set_request_id(import, job);
	if (marker_has(&import->marker, job->request_id)) {
		import->rows_known += (int64_t)job->count;
		free_job(job);
		return;
	}
	ProtobufCMessage *request = import->kind->build(job);
	*message_text_field(request, "request_id") = job->request_id;
	link_sent(import, job);
	stockbook_call_async(import->cli->client, import->method, request, DEADLINE_MS, on_done, job);
}

/* Is a call about the same thing still in flight? */
static bool must_wait(const struct import *import, const struct job *job)
{
	int title = import->kind->ordered;
	if (title < 0)
		return false;
	for (const struct job *sent = import->sent; sent; sent = sent->next)
		if (strcmp(sent->rows[0].values[title], job->rows[0].values[title]) == 0)
			return true;
	return false;
}

/* Sends when nothing stands before it, and waits while the window is full. */
static void send_job(struct import *import, struct job *job)
{
	while (must_wait(import, job)) {
		stockbook_client_poll(import->cli->client, 100);
		show_progress(import);
	}
	submit(import, job);
	while (stockbook_client_in_flight(import->cli->client) >= (size_t)import->options->in_flight) {
		stockbook_client_poll(import->cli->client, 100);
		show_progress(import);
	}
}

static void close_job(struct import *import, struct job *job)
{
	struct job **link = &import->open;
	while (*link != job)
		link = &(*link)->next;
	*link = job->next;
	import->open_count--;
	send_job(import, job);
}

static bool has_value(const struct job *job, int title, const char *value)
{
	for (size_t i = 0; i < job->count; i++)
		if (strcmp(job->rows[i].values[title], value) == 0)
			return true;
	return false;
}

static void collect(struct import *import, const struct import_row *row)
{
	const struct import_kind *kind = import->kind;
	const char *group = kind->group >= 0 ? row->values[kind->group] : "";
	struct job *job = import->open;
	while (job && strcmp(job->group, group) != 0)
		job = job->next;
	if (job && kind->unique >= 0 && has_value(job, kind->unique, row->values[kind->unique])) {
		close_job(import, job);
		job = NULL;
	}
	if (!job) {
		job = new_job(import, group, import->jobs++, 0);
		job->next = import->open;
		import->open = job;
		import->open_count++;
	}
	add_row(job, row);
	if (job->count == kind->rows_max || import->open_count > OPEN_JOBS_MAX)
		close_job(import, job);
}

static const char *check_row(struct import *import, const struct csv_row *row,
	struct import_row *values)
{
	struct arena *arena = &import->cli->arena;
	int title = 0;
	if (row->error)
		return row->error;
	if (row->count != import->columns_count)
		return arena_printf(arena, "has %zu columns instead of %zu", row->count,
			import->columns_count);
	*values = (struct import_row){.line = row->line, .raw = row->raw};
	for (int i = 0; i < TITLES_MAX; i++)
		values->values[i] = "";
	for (size_t i = 0; i < row->count; i++) {
		title = import->columns[i];
		values->values[title] = row->fields[i];
		if (!text_is_clean(row->fields[i]))
			return arena_printf(arena, "column '%s' is not UTF-8 text on one line",
				import->kind->titles[title].name);
	}
	const char *wrong = import->kind->check(values, &title);
	if (!wrong)
		return NULL;
	return arena_printf(arena, "column '%s': '%.80s' %s", import->kind->titles[title].name,
		values->values[title], wrong);
}

static int find_title(const struct import_kind *kind, const char *name)
{
	for (int i = 0; i < TITLES_MAX && kind->titles[i].name; i++)
		if (strcmp(kind->titles[i].name, name) == 0)
			return i;
	return -1;
}

/* "sku, name, aliases" */
static const char *title_words(struct arena *arena, const struct import_kind *kind)
{
	const char *words = "";
	for (int i = 0; i < TITLES_MAX && kind->titles[i].name; i++)
		words = arena_printf(arena, "%s%s%s", words, i ? ", " : "", kind->titles[i].name);
	return words;
}

/* The first row names the columns. False after a message. */
static bool read_titles(struct import *import)
{
	struct csv_row row;
	struct cli *cli = import->cli;
	const struct import_kind *kind = import->kind;
	bool seen[TITLES_MAX] = {false};
	if (!csv_reader_next(import->reader, &row) || row.error) {
		usage_error(cli, "'%s' has no first row with the names of the columns: %s",
			import->options->path, row.error ? row.error : "it is empty");
		return false;
	}
	for (size_t i = 0; i < row.count; i++) {
		int title = find_title(kind, row.fields[i]);
		if (title < 0 || seen[title]) {
			usage_error(cli, "'%s', line 1: column '%s' is %s; there are %s", import->options->path,
				row.fields[i], title < 0 ? "not known" : "there twice",
				title_words(&cli->arena, kind));
			return false;
		}
		seen[title] = true;
		import->columns[import->columns_count++] = title;
	}
	for (int i = 0; i < TITLES_MAX && kind->titles[i].name; i++) {
		if (kind->titles[i].required && !seen[i]) {
			usage_error(cli, "'%s', line 1: column '%s' is missing", import->options->path,
				kind->titles[i].name);
			return false;
		}
	}
	if (import->rejects)
		fprintf(import->rejects, "line,reason,%s\n", row.raw);
	return true;
}

static void read_rows(struct import *import)
{
	struct csv_row row;
	while (!import->stop && !interrupted() && csv_reader_next(import->reader, &row)) {
		struct import_row values = {0};
		const char *wrong = check_row(import, &row, &values);
		import->rows_read++;
		if (wrong) {
			refuse(import, row.line, row.raw, wrong);
			import->rows_wrong++;
		} else {
			collect(import, &values);
		}
		if (import->rows_read % 64 == 0)
			stockbook_client_poll(import->cli->client, 0);
		show_progress(import);
	}
	if (csv_reader_error(import->reader)) {
		progress_end(&import->progress);
		say_error("'%s': %s", import->options->path, csv_reader_error(import->reader));
		import->stop = true;
		import->stop_code = EXIT_CODE_USAGE;
	}
}

/* What was begun is answered; what was only collected is dropped when we stop. */
static void drain(struct import *import)
{
	while (import->open) {
		struct job *job = import->open;
		if (!import->stop && !interrupted()) {
			close_job(import, job);
			continue;
		}
		import->open = job->next;
		free_job(job);
	}
	while (stockbook_client_in_flight(import->cli->client)) {
		stockbook_client_poll(import->cli->client, 100);
		show_progress(import);
	}
	progress_end(&import->progress);
}

static void show_summary(struct import *import)
{
	static const char *const titles[] = {"lines", "count"};
	static const int kinds[] = {COLUMN_TEXT, COLUMN_NUMBER};
	struct arena *arena = &import->cli->arena;
	double seconds = progress_seconds(&import->progress);
	const char *cells[] = {
		"read",
		arena_printf(arena, "%" PRId64, import->rows_read),
		"in",
		arena_printf(arena, "%" PRId64, import->rows_in),
		"in from an earlier run",
		arena_printf(arena, "%" PRId64, import->rows_known),
		"refused by the book",
		arena_printf(arena, "%" PRId64, import->rows_refused),
		"not valid",
		arena_printf(arena, "%" PRId64, import->rows_wrong),
		"a second",
		arena_printf(arena, "%.0f", seconds > 0 ? (double)import->rows_in / seconds : 0),
	};
	view_text_table(import->cli, titles, kinds, 2, cells, ARRAY_COUNT(cells) / 2);
}

static enum exit_code finish(struct import *import)
{
	bool cut = import->stop || interrupted();
	bool refused = import->rows_refused || import->rows_wrong;
	marker_close(&import->marker, !cut && !refused);
	show_summary(import);
	if (interrupted())
		say_hint("interrupted; the same command goes on where it stopped");
	else if (import->stop)
		say_hint("when that is mended, the same command goes on where it stopped");
	else if (refused)
		say_hint("mend the lines%s%s and run the same command again; the others are not sent twice",
			import->options->rejects ? " in " : "",
			import->options->rejects ? import->options->rejects : "");
	if (interrupted())
		return EXIT_CODE_INTERRUPTED;
	if (import->stop)
		return import->stop_code;
	return refused ? EXIT_CODE_REFUSED : EXIT_CODE_OK;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

enum exit_code import_run(struct cli *cli, const struct import_kind *kind,
	const struct import_options *options)
{
	struct import import = {.cli = cli, .kind = kind, .options = options};
	enum exit_code code = EXIT_CODE_USAGE;
	import.method = stockbook_method(kind->service, kind->method);
	import.name_space = arena_printf(&cli->arena, "stockbook import %s %s %s %s", kind->name,
		kind->method, base_name(options->path), options->run);
	import.reader = csv_reader_open(options->path);
	if (!import.reader)
		return usage_error(cli, "cannot read '%s': %s", options->path, strerror(errno));
	if (options->rejects && !(import.rejects = fopen(options->rejects, "w"))) {
		say_error("cannot write '%s': %s", options->rejects, strerror(errno));
		goto out;
	}
	if (!read_titles(&import))
		goto out;
	if (!cli_client(cli))
		goto out;
	interrupt_catch();
	marker_open(&import.marker, options->path, cli->connection.target);
	progress_start(&import.progress, kind->name, "lines");
	read_rows(&import);
	drain(&import);
	code = finish(&import);
out:
	if (import.rejects)
		fclose(import.rejects);
	csv_reader_close(import.reader);
	return code;
}
