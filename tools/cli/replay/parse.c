/*
 * The file: one row per invoice line. Everything is read before anything is sent, because a return
 * must find its order and a SKU its whole year.
 */
#include "replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "cli/csv_reader.h"
#include "cli/parse.h"
#include "cli/progress.h"

#define ROWS_MAX 50000000
#define QUANTITY_MAX 1000000000000
#define WRONG_TOLD_MAX 20

enum title { INVOICE, CODE, DESCRIPTION, QUANTITY, DATE, PRICE, CUSTOMER, TITLES };

static const char *const title_names[TITLES] = {
	"InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID"};

/* Codes that name a service or a booking. Everything else is goods, also what is spelt oddly. */
static const char *const no_goods[] = {
	"POST", "DOT", "M", "m", "D", "C2", "S", "B", "PADS", "BANK CHARGES", "AMAZONFEE", "CRUK"};

struct parser {
	struct replay *replay;
	struct csv_reader *reader;
	size_t columns[TITLES];
	size_t columns_count;
	struct intern items, invoices;
};

typedef const char *(*text_at)(const struct replay *replay, size_t index);

static const char *item_text(const struct replay *replay, size_t index)
{
	return replay->items[index].code;
}

static const char *invoice_text(const struct replay *replay, size_t index)
{
	return replay->invoices[index].number;
}

static uint32_t *find_place(const struct intern *intern, const struct replay *replay, text_at at,
	const char *text)
{
	size_t place = (size_t)XXH3_64bits(text, strlen(text)) & (intern->capacity - 1);
	while (intern->places[place] && strcmp(at(replay, intern->places[place] - 1), text) != 0)
		place = (place + 1) & (intern->capacity - 1);
	return &intern->places[place];
}

/* The place of the text: 0 in it means that it is new, and the caller numbers it. */
static uint32_t *intern_place(struct intern *intern, const struct replay *replay, text_at at,
	const char *text)
{
	if (2 * (intern->count + 1) > intern->capacity) {
		struct intern larger = {
			.capacity = intern->capacity ? 2 * intern->capacity : 1024, .count = intern->count};
		larger.places = calloc(larger.capacity, sizeof(*larger.places));
		CHECK(larger.places);
		for (size_t i = 0; i < intern->capacity; i++)
			if (intern->places[i])
				*find_place(&larger, replay, at, at(replay, intern->places[i] - 1)) =
					intern->places[i];
		free(intern->places);
		*intern = larger;
	}
	return find_place(intern, replay, at, text);
}

static bool is_goods(const char *code)
{
	return parse_word(code, no_goods, ARRAY_COUNT(no_goods)) < 0;
}

static uint32_t item_of(struct parser *parser, const char *code)
{
	struct replay *replay = parser->replay;
	uint32_t *place = intern_place(&parser->items, replay, item_text, code);
	if (!*place) {
		replay->items = arena_grow(&replay->cli->arena, replay->items, replay->items_count,
			&replay->items_capacity, sizeof(*replay->items));
		replay->items[replay->items_count++] = (struct replay_item){
			.code = arena_string(&replay->cli->arena, code), .name = "", .goods = is_goods(code)};
		*place = (uint32_t)replay->items_count;
		parser->items.count++;
	}
	return *place - 1;
}

static uint32_t invoice_of(struct parser *parser, const struct csv_row *row)
{
	struct replay *replay = parser->replay;
	struct arena *arena = &replay->cli->arena;
	const char *number = row->fields[parser->columns[INVOICE]];
	const char *customer = row->fields[parser->columns[CUSTOMER]];
	uint32_t *place = intern_place(&parser->invoices, replay, invoice_text, number);
	if (!*place) {
		replay->invoices = arena_grow(arena, replay->invoices, replay->invoices_count,
			&replay->invoices_capacity, sizeof(*replay->invoices));
		replay->invoices[replay->invoices_count++] = (struct replay_invoice){
			.number = arena_string(arena, number),
			.customer = arena_string(arena, strcmp(customer, "NA") == 0 ? "" : customer),
			.date = arena_string_sized(arena, row->fields[parser->columns[DATE]],
				sizeof("2011-12-09") - 1),
			.order = NONE,
		};
		*place = (uint32_t)replay->invoices_count;
		parser->invoices.count++;
	}
	return *place - 1;
}

/* "2.55" to 255, "-11062.06" to -1106206, "0.001" to 0: to the nearest penny. */
static bool parse_price(const char *text, int64_t *minor_units)
{
	bool negative = *text == '-';
	const char *at = text + negative;
	int64_t value = 0;
	int decimals = -1;
	bool round_up = false;
	if (!*at)
		return false;
	for (; *at; at++) {
		if (*at == '.' && decimals < 0) {
			decimals = 0;
			continue;
		}
		if (*at < '0' || *at > '9' || value > QUANTITY_MAX)
			return false;
		if (decimals >= 0 && ++decimals > 2) {
			round_up |= decimals == 3 && *at >= '5';
			continue;
		}
		value = value * 10 + (*at - '0');
	}
	for (int i = decimals < 0 ? 0 : decimals; i < 2; i++)
		value *= 10;
	value += round_up;
	*minor_units = negative ? -value : value;
	return true;
}

static bool is_date(const char *text)
{
	int64_t seconds;
	return strlen(text) >= 10 && text[4] == '-' && text[7] == '-' && parse_time(text, &seconds);
}

/* NULL, or what is wrong with the row. */
static const char *check_row(const struct parser *parser, const struct csv_row *row)
{
	int64_t number;
	if (row->error)
		return row->error;
	if (row->count != parser->columns_count)
		return "has another number of columns than the first line";
	for (int i = 0; i < TITLES; i++)
		if (!text_is_clean(row->fields[parser->columns[i]]))
			return "is not UTF-8 text";
	if (!*row->fields[parser->columns[INVOICE]] || !*row->fields[parser->columns[CODE]])
		return "has no invoice or no code";
	if (!is_date(row->fields[parser->columns[DATE]]))
		return "has no date such as 2011-12-09 12:50:00";
	if (!parse_integer(row->fields[parser->columns[QUANTITY]], &number) || number > QUANTITY_MAX ||
		number < -QUANTITY_MAX)
		return "has no whole number as its quantity";
	if (number == 0)
		return "has the quantity 0";
	if (!parse_price(row->fields[parser->columns[PRICE]], &number))
		return "has no price such as 2.55";
	return NULL;
}

/* The last description that is one. Notes such as "damages?" stand on lines without a price. */
static void set_name(struct replay *replay, const struct replay_line *line)
{
	struct replay_item *item = &replay->items[line->item];
	if (line->price_minor > 0 || !*item->name)
		item->name = line->description;
}

static void add_line(struct parser *parser, const struct csv_row *row)
{
	struct replay *replay = parser->replay;
	struct arena *arena = &replay->cli->arena;
	const char *description = row->fields[parser->columns[DESCRIPTION]];
	struct replay_line line = {.number = row->line, .earlier = NONE};
	line.invoice = invoice_of(parser, row);
	line.item = item_of(parser, row->fields[parser->columns[CODE]]);
	CHECK(parse_integer(row->fields[parser->columns[QUANTITY]], &line.quantity));
	CHECK(parse_price(row->fields[parser->columns[PRICE]], &line.price_minor));
	bool described = *description && strcmp(description, "NA") != 0;
	/* Most lines say what the item is called already. */
	const char *name = replay->items[line.item].name;
	line.description = !described                       ? ""
					   : strcmp(description, name) == 0 ? name
														: arena_string(arena, description);
	if (described)
		set_name(replay, &line);
	replay->invoices[line.invoice].count++;
	replay->lines = arena_grow(arena, replay->lines, replay->lines_count, &replay->lines_capacity,
		sizeof(line));
	replay->lines[replay->lines_count++] = line;
}

/* An invoice's lines next to each other, in the order of the file; invoices by their first line. */
static void sort_lines(struct replay *replay)
{
	uint32_t first = 0;
	for (size_t i = 0; i < replay->invoices_count; i++) {
		replay->invoices[i].first = first;
		first += replay->invoices[i].count;
		replay->invoices[i].count = 0;
	}
	struct replay_line *sorted =
		arena_alloc_array(&replay->cli->arena, replay->lines_count, sizeof(*sorted));
	for (size_t i = 0; i < replay->lines_count; i++) {
		struct replay_invoice *invoice = &replay->invoices[replay->lines[i].invoice];
		sorted[invoice->first + invoice->count++] = replay->lines[i];
	}
	replay->lines = sorted;
}

static bool read_titles(struct parser *parser)
{
	struct csv_row row;
	struct cli *cli = parser->replay->cli;
	const char *path = parser->replay->options->path;
	if (!csv_reader_next(parser->reader, &row) || row.error) {
		usage_error(cli, "'%s': %s", path,
			csv_reader_error(parser->reader) ? csv_reader_error(parser->reader)
			: row.error                      ? row.error
											 : "it is empty");
		return false;
	}
	parser->columns_count = row.count;
	for (int title = 0; title < TITLES; title++) {
		int column = parse_word(title_names[title], row.fields, row.count);
		if (column < 0) {
			usage_error(cli, "'%s', line 1: column '%s' is missing", path, title_names[title]);
			return false;
		}
		parser->columns[title] = (size_t)column;
	}
	return true;
}

static bool is_selected(const struct parser *parser, const struct csv_row *row)
{
	const struct replay_options *options = parser->replay->options;
	const char *date = row->fields[parser->columns[DATE]];
	if (!options->from && !options->to)
		return true;
	/* An invoice is of the day of its first line. */
	struct intern *invoices = (struct intern *)(uintptr_t)&parser->invoices;
	if (invoices->capacity &&
		*find_place(invoices, parser->replay, invoice_text, row->fields[parser->columns[INVOICE]]))
		return true;
	return (!options->from || strncmp(date, options->from, 10) >= 0) &&
		   (!options->to || strncmp(date, options->to, 10) <= 0);
}

static void read_rows(struct parser *parser)
{
	struct replay *replay = parser->replay;
	struct csv_row row;
	struct progress progress;
	progress_start(&progress, "reading", "lines");
	while (!interrupted() && csv_reader_next(parser->reader, &row)) {
		const char *wrong = check_row(parser, &row);
		if (wrong) {
			if (replay->lines_wrong++ < WRONG_TOLD_MAX)
				say_error("'%s', line %" PRId64 ": %s", replay->options->path, row.line, wrong);
			continue;
		}
		if (is_selected(parser, &row))
			add_line(parser, &row);
		else
			replay->lines_selected_out++;
		if (row.line % 4096 == 0)
			progress_show(&progress, csv_reader_position(parser->reader),
				csv_reader_size(parser->reader), row.line);
		if (replay->lines_count == ROWS_MAX)
			break;
	}
	progress_end(&progress);
}

bool replay_parse(struct replay *replay)
{
	struct parser parser = {.replay = replay};
	const char *path = replay->options->path;
	bool ok = false;
	parser.reader = csv_reader_open(path);
	if (!parser.reader) {
		usage_error(replay->cli, "cannot read '%s': %s", path, strerror(errno));
		return false;
	}
	if (!read_titles(&parser))
		goto out;
	read_rows(&parser);
	if (csv_reader_error(parser.reader)) {
		say_error("'%s': %s", path, csv_reader_error(parser.reader));
		goto out;
	}
	if (replay->lines_count == ROWS_MAX) {
		say_error("'%s' has more than %d lines", path, ROWS_MAX);
		goto out;
	}
	if (!replay->lines_count) {
		usage_error(replay->cli, "'%s' has no lines%s", path,
			replay->lines_selected_out ? " between --from and --to" : "");
		goto out;
	}
	sort_lines(replay);
	ok = true;
out:
	free(parser.items.places);
	free(parser.invoices.places);
	csv_reader_close(parser.reader);
	return ok;
}
