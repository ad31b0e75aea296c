/*
 * The tables at the end: what went in, what did not and why, and what the book says to it.
 */
#include "replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/message_json.h"
#include "cli/progress.h"
#include "cli/view.h"

#define DIFFERENCES_SHOWN_MAX 50

struct report {
	struct replay *replay;
	bool any; /* a section was printed */
	const char **cells;
	size_t count, capacity;
};

static void add_text(struct report *report, const char *text)
{
	report->cells = arena_grow(&report->replay->cli->arena, report->cells, report->count,
		&report->capacity, sizeof(*report->cells));
	report->cells[report->count++] = text;
}

static void add_number(struct report *report, int64_t number)
{
	char buffer[32];
	struct cli *cli = report->replay->cli;
	if (cli->output == OUTPUT_TABLE)
		add_text(report, arena_string(&cli->arena, grouped(number, buffer)));
	else
		add_text(report, arena_printf(&cli->arena, "%" PRId64, number));
}

/* Prints the collected cells as one table under its title, and forgets them. */
static void section(struct report *report, const char *title, const char *const *columns,
	const int *kinds, size_t columns_count)
{
	struct cli *cli = report->replay->cli;
	if (cli->output == OUTPUT_JSON) {
		fputs(report->any ? ",\n" : "{\n", stdout);
		json_write_text(stdout, title);
		fputs(": ", stdout);
	} else {
		printf("%s%s\n", report->any ? "\n" : "", title);
	}
	report->any = true;
	view_text_table(cli, columns, kinds, columns_count, report->cells,
		report->count / columns_count);
	report->count = 0;
}

static void show_lines(struct report *report)
{
	static const char *const columns[] = {"lines of the file", "lines", "units"};
	static const int kinds[] = {COLUMN_TEXT, COLUMN_NUMBER, COLUMN_NUMBER};
	static const char *const names[LINE_KINDS] = {
		[LINE_SALE] = "sold",
		[LINE_RETURN] = "came back",
		[LINE_WRITE_OFF] = "written off",
		[LINE_FOUND] = "found",
		[LINE_NO_STOCK] = "move no stock",
	};
	static const enum line_kind order[] = {
		LINE_SALE, LINE_RETURN, LINE_WRITE_OFF, LINE_FOUND, LINE_NO_STOCK};
	const struct replay *replay = report->replay;
	for (size_t i = 0; i < ARRAY_COUNT(order); i++) {
		add_text(report, names[order[i]]);
		add_number(report, replay->kind_lines[order[i]]);
		add_number(report, replay->kind_units[order[i]]);
	}
	if (replay->lines_wrong) {
		add_text(report, "cannot be read");
		add_number(report, replay->lines_wrong);
		add_text(report, "");
	}
	section(report, "What the file says", columns, kinds, 3);
}

static void show_no_stock(struct report *report)
{
	static const char *const columns[] = {"code", "name", "lines", "units"};
	static const int kinds[] = {COLUMN_TEXT, COLUMN_LONG, COLUMN_NUMBER, COLUMN_NUMBER};
	const struct replay *replay = report->replay;
	for (size_t i = 0; i < replay->items_count; i++) {
		const struct replay_item *item = &replay->items[i];
		if (!item->lines)
			continue;
		add_text(report, item->code);
		add_text(report, item->name);
		add_number(report, item->lines);
		add_number(report, item->units);
	}
	section(report, "What moves no stock", columns, kinds, 4);
}

static void show_returns(struct report *report)
{
	static const char *const columns[] = {"returns", "count"};
	static const int kinds[] = {COLUMN_TEXT, COLUMN_NUMBER};
	const struct replay *replay = report->replay;
	add_text(report, "units against earlier orders");
	add_number(report, replay->returned_units - replay->returned_blind_units);
	add_text(report, "units blind");
	add_number(report, replay->returned_blind_units);
	add_text(report, "lines of customers who never bought the code");
	add_number(report, replay->returns_no_purchase);
	add_text(report, "lines larger than what was left of the purchases");
	add_number(report, replay->returns_too_many);
	add_text(report, "lines without a customer");
	add_number(report, replay->returns_no_customer);
	section(report, "How far returns reach", columns, kinds, 2);
}

static void show_calls(struct report *report)
{
	static const char *const columns[] = {"kind", "planned", "in the book", "lines", "units"};
	static const int kinds[] = {
		COLUMN_TEXT, COLUMN_NUMBER, COLUMN_NUMBER, COLUMN_NUMBER, COLUMN_NUMBER};
	const struct replay *replay = report->replay;
	int64_t planned[OPERATION_KINDS] = {0};
	for (size_t i = 0; i < replay->operations_count; i++)
		planned[replay->operations[i].kind]++;
	for (int kind = 0; kind < OPERATION_KINDS; kind++) {
		add_text(report, operation_name((enum operation_kind)kind));
		add_number(report, planned[kind]);
		add_number(report, replay->done[kind]);
		add_number(report, replay->done_lines[kind]);
		add_number(report, replay->done_units[kind]);
	}
	section(report, "What went in", columns, kinds, 5);
}

static void show_story(struct report *report)
{
	static const char *const columns[] = {"in the chain", "count"};
	static const int kinds[] = {COLUMN_TEXT, COLUMN_NUMBER};
	const struct chain_story *story = &report->replay->story;
	const struct {
		const char *name;
		int64_t count;
	} rows[] = {
		{"orders shipped", story->shipped},
		{"orders shipped from more than one location", story->shipped_split},
		{"lines shipped from more than one location", story->lines_split},
		{"orders to be picked up", story->picked_up},
		{"lines that the store had", story->lines_there},
		{"lines sent to the store", story->lines_brought},
		{"transfers to waiting customers", story->order_transfers},
		{"pickups collected", story->pickups_collected},
		{"units collected", story->units_collected},
		{"units that a picker did not find", story->short_picks},
		{"units served from elsewhere then", story->resourced},
		{"units allocated after a recount then", story->left_open},
		{"recounts", story->recounts},
		{"weeks with transfers to stores that ran low", story->weeks},
		{"transfers to stores that ran low", story->transfers},
		{"lines of these", story->transfer_lines},
		{"units of these", story->transfer_units},
		{"of these received short and closed", story->closed_short},
	};
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		add_text(report, rows[i].name);
		add_number(report, rows[i].count);
	}
	section(report, "What the chain did", columns, kinds, 2);
}

static void show_refusals(struct report *report)
{
	static const char *const columns[] = {"kind", "reason", "calls", "lines", "example"};
	static const int kinds[] = {
		COLUMN_TEXT, COLUMN_TEXT, COLUMN_NUMBER, COLUMN_NUMBER, COLUMN_LONG};
	const struct replay *replay = report->replay;
	for (size_t i = 0; i < replay->refusals_count; i++) {
		const struct refusal *refusal = &replay->refusals[i];
		add_text(report, refusal->kind);
		add_text(report, refusal->reason);
		add_number(report, refusal->count);
		add_number(report, refusal->lines);
		add_text(report, refusal->example);
	}
	section(report, "What was refused", columns, kinds, 5);
}

static void add_sums(struct sums *to, const struct sums *from)
{
	to->received += from->received;
	to->sold += from->sold;
	to->returned += from->returned;
	to->written_off += from->written_off;
	to->found += from->found;
}

static void add_check_row(struct report *report, const char *name, int64_t file, int64_t book)
{
	add_text(report, name);
	add_number(report, file);
	add_number(report, book);
	add_number(report, book - file);
}

static void show_check(struct report *report)
{
	static const char *const columns[] = {"units", "file", "book", "difference"};
	static const int kinds[] = {COLUMN_TEXT, COLUMN_NUMBER, COLUMN_NUMBER, COLUMN_NUMBER};
	const struct replay *replay = report->replay;
	struct sums file = {0}, book = {0};
	int64_t on_hand = 0, promised = 0, in_transit = 0, missing = 0;
	for (size_t i = 0; i < replay->items_count; i++) {
		add_sums(&file, &replay->items[i].file);
		add_sums(&book, &replay->items[i].book);
		on_hand += replay->items[i].on_hand - replay->items[i].others;
		promised += replay->items[i].promised;
		in_transit += replay->items[i].in_transit;
		missing += replay->items[i].missing;
	}
	add_check_row(report, "received", file.received, book.received);
	add_check_row(report, "sold", file.sold, book.sold);
	add_check_row(report, "returned", file.returned, book.returned);
	add_check_row(report, "written off", file.written_off, book.written_off);
	add_check_row(report, "found", file.found, book.found);
	add_check_row(report, "on hand", sums_on_hand(&file), on_hand);
	if (replay_is_chain(replay)) {
		add_check_row(report, "promised", 0, promised);
		add_check_row(report, "in transit", 0, in_transit);
		add_check_row(report, "not found again", 0, missing);
	}
	section(report, "The book against the file", columns, kinds, 4);
}

static void show_differences(struct report *report)
{
	static const char *const columns[] = {
		"sku", "of", "received", "sold", "returned", "written off", "found", "on hand"};
	static const int kinds[] = {COLUMN_TEXT, COLUMN_TEXT, COLUMN_NUMBER, COLUMN_NUMBER,
		COLUMN_NUMBER, COLUMN_NUMBER, COLUMN_NUMBER, COLUMN_NUMBER};
	const struct replay *replay = report->replay;
	int shown = 0;
	for (size_t i = 0; i < replay->items_count && shown < DIFFERENCES_SHOWN_MAX; i++) {
		const struct replay_item *item = &replay->items[i];
		if (!item->wrong)
			continue;
		shown++;
		for (int book = 0; book < 2; book++) {
			const struct sums *sums = book ? &item->book : &item->file;
			add_text(report, item->code);
			add_text(report, book ? "book" : "file");
			add_number(report, sums->received);
			add_number(report, sums->sold);
			add_number(report, sums->returned);
			add_number(report, sums->written_off);
			add_number(report, sums->found);
			add_number(report, book ? item->on_hand - item->others : sums_on_hand(sums));
		}
	}
	section(report, "Where they differ", columns, kinds, 8);
}

void replay_report(struct replay *replay, bool checked, int64_t wrong)
{
	struct report report = {.replay = replay};
	struct cli *cli = replay->cli;
	show_lines(&report);
	show_no_stock(&report);
	show_returns(&report);
	if (!replay->options->check_only)
		show_calls(&report);
	if (!replay->options->check_only && replay_is_chain(replay))
		show_story(&report);
	if (replay->refusals_count)
		show_refusals(&report);
	if (checked)
		show_check(&report);
	if (checked && wrong)
		show_differences(&report);
	if (cli->output == OUTPUT_JSON)
		puts("}");
	if (cli->output != OUTPUT_TABLE)
		return;
	int64_t lines = 0, others = 0, skus = 0;
	char buffer[32];
	for (int kind = 0; kind < OPERATION_KINDS; kind++)
		lines += replay->done_lines[kind];
	for (size_t i = 0; i < replay->items_count; i++) {
		others += replay->items[i].others != 0;
		skus += replay->items[i].goods;
	}
	if (!replay->options->check_only && replay->seconds > 0)
		printf("\n%s lines in %.1f s, %.0f a second\n", grouped(lines, buffer), replay->seconds,
			(double)lines / replay->seconds);
	if (checked && !wrong)
		printf("\nfor each of %s SKUs the book is what the file says\n", grouped(skus, buffer));
	if (checked && others)
		printf("%s SKUs also have other trade at '%s'; it was left out of the comparison\n",
			grouped(others, buffer), replay->options->location);
}
