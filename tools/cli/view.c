#include "view.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <libsmartcols.h>

#include "cell.h"
#include "message.h"
#include "message_json.h"
#include "parse.h"
#include "wrap.h"

#define PAGE_ROWS_MAX 1000
#define TABLE_ROWS_DEFAULT 1000
#define EXTRA_WIDTH_MIN 24 /* of a long column that would else be left out */

int view_limit = -1;

/* Tables. */

/* 0: none, or nobody knows. */
static size_t terminal_width(void)
{
	struct winsize size;
	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
		return 0;
	return size.ws_col;
}

static struct libscols_table *open_table(struct cli *cli)
{
	(void)cli;
	static bool ready;
	if (!ready)
		scols_init_debug(0);
	ready = true;
	struct libscols_table *table = scols_new_table();
	CHECK(table);
	scols_table_enable_colors(table, may_colour(STDOUT_FILENO));
	/* Into a pipe or file goes everything, however wide. */
	if (!isatty(STDOUT_FILENO))
		scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
	return table;
}

static void add_column(struct libscols_table *table, const char *title, int kind)
{
	int flags = kind & COLUMN_NUMBER ? SCOLS_FL_RIGHT : 0;
	if (kind & COLUMN_LONG)
		flags |= SCOLS_FL_WRAP;
	struct libscols_column *column = scols_table_new_column(table, title, 0, flags);
	CHECK(column);
	/* The lines of a long text are broken already, where it is too long. */
	if (kind & COLUMN_LONG) {
		scols_column_set_safechars(column, "\n");
		scols_column_set_wrapfunc(column, scols_wrapnl_chunksize, scols_wrapnl_nextchunk, NULL);
	}
	if (may_colour(STDOUT_FILENO))
		scols_cell_set_color(scols_column_get_header(column), "bold");
}

static void set_cell(struct libscols_line *line, size_t index, const char *text, int kind)
{
	CHECK(scols_line_set_data(line, index, text) == 0);
	const char *colour = cell_colour(text, kind);
	if (colour)
		scols_cell_set_color(scols_line_get_cell(line, index), colour);
}

void view_write_csv(const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		fputs(text, stdout);
		return;
	}
	putchar('"');
	for (; *text; text++) {
		if (*text == '"')
			putchar('"');
		putchar(*text);
	}
	putchar('"');
}

static void print_text_json(const char *const *titles, const int *kinds, size_t columns_count,
	const char *const *cells, size_t rows_count)
{
	putchar('[');
	for (size_t row = 0; row < rows_count; row++) {
		fputs(row ? ",\n  {" : "\n  {", stdout);
		for (size_t i = 0; i < columns_count; i++) {
			const char *cell = cells[row * columns_count + i];
			int64_t number;
			fputs(i ? ", " : "", stdout);
			json_write_text(stdout, titles[i]);
			fputs(": ", stdout);
			if ((kinds[i] & COLUMN_NUMBER) && parse_integer(cell, &number))
				fputs(cell, stdout);
			else
				json_write_text(stdout, cell);
		}
		putchar('}');
	}
	puts(rows_count ? "\n]" : "]");
}

static void print_text_csv(const char *const *titles, size_t columns_count,
	const char *const *cells, size_t rows_count)
{
	for (size_t row = 0; row <= rows_count; row++) {
		for (size_t i = 0; i < columns_count; i++) {
			if (i)
				putchar(',');
			view_write_csv(row ? cells[(row - 1) * columns_count + i] : titles[i]);
		}
		putchar('\n');
	}
}

/* Breaks the lines of long texts that the terminal has no room for. */
static void wrap_long(struct cli *cli, const char *const *titles, const int *kinds,
	size_t columns_count, const char **cells, size_t rows_count)
{
	size_t room = terminal_width(), needed = 0;
	size_t *widths = arena_alloc_array(&cli->arena, columns_count, sizeof(*widths));
	int *gives_way = arena_alloc_array(&cli->arena, columns_count, sizeof(*gives_way));
	for (size_t i = 0; i < columns_count; i++) {
		widths[i] = wrap_width_of(titles[i]);
		gives_way[i] = kinds[i] & COLUMN_LONG;
		for (size_t row = 0; row < rows_count; row++) {
			size_t width = wrap_width_of(cells[row * columns_count + i]);
			widths[i] = width > widths[i] ? width : widths[i];
		}
		needed += widths[i] + (i > 0);
	}
	if (!room || needed <= room || room < columns_count)
		return;
	wrap_share(widths, gives_way, columns_count, room - (columns_count - 1));
	for (size_t row = 0; row < rows_count; row++)
		for (size_t i = 0; i < columns_count; i++)
			if (gives_way[i]) {
				const char **cell = &cells[row * columns_count + i];
				*cell = wrap_words(&cli->arena, *cell, widths[i]);
			}
}

static void print_cells(struct cli *cli, const char *const *titles, const int *kinds,
	size_t columns_count, const char **cells, size_t rows_count)
{
	wrap_long(cli, titles, kinds, columns_count, cells, rows_count);
	struct libscols_table *table = open_table(cli);
	for (size_t i = 0; i < columns_count; i++)
		add_column(table, titles[i], kinds[i]);
	for (size_t row = 0; row < rows_count; row++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);
		CHECK(line);
		for (size_t i = 0; i < columns_count; i++)
			set_cell(line, i, cells[row * columns_count + i], kinds[i]);
	}
	scols_print_table(table);
	scols_unref_table(table);
}

void view_text_table(struct cli *cli, const char *const *titles, const int *kinds,
	size_t columns_count, const char *const *cells, size_t rows_count)
{
	if (cli->output == OUTPUT_JSON) {
		print_text_json(titles, kinds, columns_count, cells, rows_count);
		return;
	}
	if (cli->output == OUTPUT_CSV) {
		print_text_csv(titles, columns_count, cells, rows_count);
		return;
	}
	print_cells(cli, titles, kinds, columns_count,
		arena_copy(&cli->arena, cells, rows_count * columns_count * sizeof(*cells)), rows_count);
}

/* Rows of messages, in each of the forms. */

struct rows {
	const ProtobufCMessage *const *messages;
	size_t count;
};

/* Details are not for a table; and a column of nothing but zeros, or of something extra that no row
 * has, would only make it wide. */
static bool is_shown(struct cli *cli, const struct rows *pages, size_t pages_count,
	const struct column *column)
{
	if (!(column->kind & (COLUMN_NO_ZERO | COLUMN_EXTRA)))
		return !(column->kind & COLUMN_DETAIL);
	for (size_t page = 0; page < pages_count; page++) {
		for (size_t row = 0; row < pages[page].count; row++) {
			const char *text = cell_text(&cli->arena, pages[page].messages[row], column);
			if (*text && strcmp(text, "0") != 0)
				return true;
		}
	}
	return false;
}

static size_t choose_columns(struct cli *cli, const struct rows *pages, size_t pages_count,
	const struct column *columns, size_t columns_count, struct column *chosen)
{
	size_t count = 0;
	for (size_t i = 0; i < columns_count; i++)
		if (is_shown(cli, pages, pages_count, &columns[i]))
			chosen[count++] = columns[i];
	return count;
}

static const char *colour_code(const char *colour)
{
	return strcmp(colour, "red") == 0 ? "31" : strcmp(colour, "green") == 0 ? "32" : "33";
}

static void print_fields(struct cli *cli, const ProtobufCMessage *document,
	const struct column *fields, size_t fields_count)
{
	int width = 0;
	for (size_t i = 0; i < fields_count; i++)
		if ((int)strlen(fields[i].title) > width)
			width = (int)strlen(fields[i].title);
	for (size_t i = 0; i < fields_count; i++) {
		const char *text = cell_text(&cli->arena, document, &fields[i]);
		const char *colour = may_colour(STDOUT_FILENO) ? cell_colour(text, fields[i].kind) : NULL;
		if (*text && colour)
			printf("%-*s  \033[%sm%s\033[0m\n", width, fields[i].title, colour_code(colour), text);
		else if (*text)
			printf("%-*s  %s\n", width, fields[i].title, text);
	}
}

/* What is long gives way, down to its words; what is extra besides is no use as a column of shreds. */
static size_t width_needed(const char *text, int kind)
{
	size_t width = wrap_width_of(text);
	if (!(kind & COLUMN_LONG))
		return width;
	if (kind & COLUMN_EXTRA)
		return width < EXTRA_WIDTH_MIN ? width : EXTRA_WIDTH_MIN;
	return wrap_widest_word(text);
}

/* What may not be cut (ids, figures) can be wider than the terminal. */
static bool fits(struct cli *cli, const struct rows *pages, size_t pages_count,
	const struct column *columns, size_t columns_count)
{
	size_t width = 0, room = terminal_width();
	if (!room)
		return true;
	for (size_t i = 0; i < columns_count; i++) {
		size_t widest = wrap_width_of(columns[i].title);
		for (size_t page = 0; page < pages_count; page++) {
			for (size_t row = 0; row < pages[page].count; row++) {
				const char *text = cell_text(&cli->arena, pages[page].messages[row], &columns[i]);
				size_t cell = width_needed(text, columns[i].kind);
				widest = cell > widest ? cell : widest;
			}
		}
		width += widest + (i > 0);
	}
	return width <= room;
}

/* The last of the extra columns goes; false when there is none. */
static bool drop_extra(struct column *columns, size_t *count)
{
	size_t last = *count;
	while (last > 0 && !(columns[last - 1].kind & COLUMN_EXTRA))
		last--;
	if (!last)
		return false;
	memmove(columns + last - 1, columns + last, (*count - last) * sizeof(*columns));
	(*count)--;
	return true;
}

static void tell_times(struct column *columns, size_t count, bool briefly)
{
	for (size_t i = 0; i < count; i++)
		if (columns[i].kind & COLUMN_TIME)
			columns[i].kind = (columns[i].kind & ~COLUMN_BRIEF) | (briefly ? COLUMN_BRIEF : 0);
}

/* One row after the other, a field a line. */
static void print_blocks(struct cli *cli, const struct rows *pages, size_t pages_count,
	const struct column *columns, size_t columns_count)
{
	bool first = true;
	for (size_t page = 0; page < pages_count; page++) {
		for (size_t row = 0; row < pages[page].count; row++) {
			if (!first)
				putchar('\n');
			first = false;
			print_fields(cli, pages[page].messages[row], columns, columns_count);
		}
	}
}

/* All that is shown, row by row. */
static const char **table_cells(struct cli *cli, const struct rows *pages, size_t pages_count,
	const struct column *columns, size_t columns_count, size_t rows_count)
{
	const char **cells = arena_alloc_array(&cli->arena, rows_count * columns_count, sizeof(*cells));
	size_t filled = 0;
	for (size_t page = 0; page < pages_count; page++)
		for (size_t row = 0; row < pages[page].count; row++)
			for (size_t i = 0; i < columns_count; i++)
				cells[filled++] = cell_text(&cli->arena, pages[page].messages[row], &columns[i]);
	return cells;
}

static void print_table(struct cli *cli, const struct rows *pages, size_t pages_count,
	const struct column *columns, size_t columns_count)
{
	struct column *chosen = arena_alloc_array(&cli->arena, columns_count, sizeof(*chosen));
	size_t count = choose_columns(cli, pages, pages_count, columns, columns_count, chosen);
	size_t rows = 0;
	for (size_t page = 0; page < pages_count; page++)
		rows += pages[page].count;
	if (!rows) {
		if (isatty(STDOUT_FILENO))
			printf("none\n");
		return;
	}
	while (!fits(cli, pages, pages_count, chosen, count) && drop_extra(chosen, &count))
		;
	if (!fits(cli, pages, pages_count, chosen, count))
		tell_times(chosen, count, true);
	if (!fits(cli, pages, pages_count, chosen, count)) {
		tell_times(chosen, count, false);
		print_blocks(cli, pages, pages_count, chosen, count);
		return;
	}
	const char **titles = arena_alloc_array(&cli->arena, count, sizeof(*titles));
	int *kinds = arena_alloc_array(&cli->arena, count, sizeof(*kinds));
	for (size_t i = 0; i < count; i++) {
		titles[i] = chosen[i].title;
		kinds[i] = chosen[i].kind;
	}
	print_cells(cli, titles, kinds, count,
		table_cells(cli, pages, pages_count, chosen, count, rows), rows);
}

static void print_csv_titles(const struct column *columns, size_t columns_count)
{
	for (size_t i = 0; i < columns_count; i++)
		printf("%s%s", i ? "," : "", columns[i].field);
	putchar('\n');
}

static void print_csv_row(struct cli *cli, const ProtobufCMessage *message,
	const struct column *columns, size_t columns_count)
{
	struct arena arena;
	(void)cli;
	arena_init(&arena);
	for (size_t i = 0; i < columns_count; i++) {
		if (i)
			putchar(',');
		view_write_csv(message_text(&arena, message, columns[i].field));
	}
	putchar('\n');
	arena_release(&arena);
}

static void print_json(const ProtobufCMessage *response)
{
	message_write_json(stdout, response, true, 0);
	putchar('\n');
}

enum exit_code view_rows(struct cli *cli, const ProtobufCMessage *response, const char *rows,
	const struct column *columns, size_t columns_count)
{
	struct rows page;
	page.messages = message_parts(response, rows, &page.count);
	if (cli->output == OUTPUT_JSON) {
		print_json(response);
	} else if (cli->output == OUTPUT_CSV) {
		print_csv_titles(columns, columns_count);
		for (size_t i = 0; i < page.count; i++)
			print_csv_row(cli, page.messages[i], columns, columns_count);
	} else {
		print_table(cli, &page, 1, columns, columns_count);
	}
	return EXIT_CODE_OK;
}

enum exit_code view_document(struct cli *cli, const ProtobufCMessage *response,
	const char *document_name, const struct column *fields, size_t fields_count, const char *rows,
	const struct column *columns, size_t columns_count)
{
	const ProtobufCMessage *document =
		document_name ? message_part(response, document_name) : response;
	if (cli->output == OUTPUT_JSON) {
		print_json(response);
		return EXIT_CODE_OK;
	}
	if (!document) {
		say_error("the server's answer names no %s", document_name);
		return EXIT_CODE_UNAVAILABLE;
	}
	if (cli->output == OUTPUT_CSV && rows)
		return view_rows(cli, document, rows, columns, columns_count);
	if (cli->output == OUTPUT_CSV) {
		print_csv_titles(fields, fields_count);
		print_csv_row(cli, document, fields, fields_count);
		return EXIT_CODE_OK;
	}
	print_fields(cli, document, fields, fields_count);
	if (rows) {
		putchar('\n');
		return view_rows(cli, document, rows, columns, columns_count);
	}
	return EXIT_CODE_OK;
}

/* Lists: page after page. */

struct list {
	struct cli *cli;
	const char *rows; /* the repeated field */
	const struct column *columns;
	size_t columns_count;
	int64_t limit; /* 0: all */
	ProtobufCMessage **responses;
	struct rows *pages;
	size_t pages_count, responses_capacity, pages_capacity;
	int64_t rows_count;
	bool more; /* the limit cut it */
};

static void set_page(ProtobufCMessage *request, char *token, int64_t rows_left)
{
	const ProtobufCFieldDescriptor *size =
		protobuf_c_message_descriptor_get_field_by_name(request->descriptor, "page_size");
	CHECK(size);
	int32_t page = rows_left > 0 && rows_left < PAGE_ROWS_MAX ? (int32_t)rows_left : PAGE_ROWS_MAX;
	*(int32_t *)(void *)((char *)request + size->offset) = page;
	*message_text_field(request, "page_token") = token;
}

static void list_page(struct list *list, ProtobufCMessage *response)
{
	struct cli *cli = list->cli;
	struct rows page;
	page.messages = message_parts(response, list->rows, &page.count);
	bool first = list->rows_count == 0 && list->pages_count == 0;
	if (cli->output == OUTPUT_TABLE) {
		list->pages = arena_grow(&cli->arena, list->pages, list->pages_count, &list->pages_capacity,
			sizeof(*list->pages));
		list->responses = arena_grow(&cli->arena, list->responses, list->pages_count,
			&list->responses_capacity, sizeof(ProtobufCMessage *));
		list->responses[list->pages_count] = response;
		list->pages[list->pages_count] = page;
	} else if (cli->output == OUTPUT_CSV) {
		if (first)
			print_csv_titles(list->columns, list->columns_count);
		for (size_t i = 0; i < page.count; i++)
			print_csv_row(cli, page.messages[i], list->columns, list->columns_count);
	} else {
		for (size_t i = 0; i < page.count; i++) {
			fputs(list->rows_count + (int64_t)i ? ",\n    " : "\n    ", stdout);
			message_write_json(stdout, page.messages[i], true, 2);
		}
	}
	list->pages_count++;
	list->rows_count += (int64_t)page.count;
}

static bool list_fetch(struct list *list, const char *service, const char *name,
	ProtobufCMessage *request)
{
	char *token = text_of("");
	do {
		set_page(request, token, list->limit ? list->limit - list->rows_count : 0);
		ProtobufCMessage *response = cli_call(list->cli, service, name, request);
		if (!response)
			return false;
		if (list->pages_count == 0 && list->cli->output == OUTPUT_JSON) {
			fputs("{\n  ", stdout);
			json_write_name(stdout, list->rows);
			fputs(": [", stdout);
		}
		token = arena_string(&list->cli->arena, *message_text_field(response, "next_page_token"));
		list_page(list, response);
		if (list->cli->output != OUTPUT_TABLE)
			protobuf_c_message_free_unpacked(response, NULL);
		list->more = *token && list->limit && list->rows_count >= list->limit;
	} while (*token && !list->more);
	return true;
}

enum exit_code view_list(struct cli *cli, const char *service, const char *name,
	ProtobufCMessage *request, const char *rows, int64_t limit, const struct column *columns,
	size_t columns_count)
{
	if (limit < 0)
		limit = cli->output == OUTPUT_TABLE ? TABLE_ROWS_DEFAULT : 0;
	struct list list = {.cli = cli,
		.rows = rows,
		.columns = columns,
		.columns_count = columns_count,
		.limit = limit};
	bool complete = list_fetch(&list, service, name, request);
	/* Half a JSON document is no document: close it, the exit code tells. */
	if (cli->output == OUTPUT_JSON && list.pages_count)
		printf("%s]\n}\n", list.rows_count ? "\n  " : "");
	if (cli->output == OUTPUT_TABLE && complete)
		print_table(cli, list.pages, list.pages_count, columns, columns_count);
	for (size_t i = 0; cli->output == OUTPUT_TABLE && i < list.pages_count; i++)
		protobuf_c_message_free_unpacked(list.responses[i], NULL);
	if (complete && list.more)
		say_hint("there are more; --limit 0 shows all");
	return complete ? EXIT_CODE_OK : cli->exit_code;
}

bool list_all(struct cli *cli, const char *service, const char *name, ProtobufCMessage *request,
	const char *rows, const ProtobufCMessage *const **messages, size_t *count)
{
	const ProtobufCMessage **all = NULL;
	size_t capacity = 0;
	char *token = text_of("");
	*count = 0;
	do {
		set_page(request, token, 0);
		ProtobufCMessage *response = cli_call(cli, service, name, request);
		if (!response)
			return false;
		size_t found;
		const ProtobufCMessage *const *page = message_parts(response, rows, &found);
		for (size_t i = 0; i < found; i++) {
			all = arena_grow(&cli->arena, all, *count, &capacity, sizeof(*all));
			all[(*count)++] = page[i];
		}
		cli_keep(cli, response);
		token = *message_text_field(response, "next_page_token");
	} while (*token);
	*messages = all;
	return true;
}

enum exit_code view_done(struct cli *cli, ProtobufCMessage *response, const char *format, ...)
{
	if (!response)
		return cli->exit_code;
	if (cli->output == OUTPUT_JSON) {
		print_json(response);
	} else {
		va_list arguments;
		va_start(arguments, format);
		vprintf(format, arguments);
		va_end(arguments);
		putchar('\n');
	}
	protobuf_c_message_free_unpacked(response, NULL);
	return EXIT_CODE_OK;
}
