/*
 * Showing responses: as a table, as JSON, or as CSV, whichever was asked for. A noun describes its
 * rows once, by the names of the message's fields.
 */
#ifndef STOCKBOOK_CLI_VIEW_H
#define STOCKBOOK_CLI_VIEW_H

#include "cli.h"

enum column_kind {
	COLUMN_TEXT = 0,
	COLUMN_NUMBER = 1,   /* to the right */
	COLUMN_LONG = 2,     /* gives way when the terminal is narrow */
	COLUMN_DETAIL = 4,   /* in CSV and JSON only: too much for a table */
	COLUMN_NO_ZERO = 8,  /* 0 is shown as nothing in a table */
	COLUMN_SHORT = 16,   /* an id: a table shows its end, which commands take for it */
	COLUMN_DUE = 32,     /* a time: a table says how far off it is, and when it is over */
	COLUMN_EXTRA = 64,   /* left out of a table that is too wide for the terminal, the last first */
	COLUMN_STATUS = 128, /* coloured by what the word says */
	COLUMN_BAR = 256,    /* a bar; '!' in it is late. Not in CSV and JSON */
	COLUMN_GOODS = 512,  /* lines: the SKU of the first, and how many more there are */
	COLUMN_TIME = 1024,  /* a time that may be told briefly where the terminal is too narrow */
	COLUMN_BRIEF = 2048, /* it is: the time of day, or the day of another */
};

/* An id's end, as tables show it and document.h takes it. */
const char *short_id(const char *id);
/* How far off a moment is: "in 25 min", "3 h LATE". */
const char *due_text(struct arena *arena, int64_t seconds, int64_t now);

struct column {
	const char *title; /* of the table; CSV uses the field's name */
	const char *field;
	int kind;
};

#define VIEW_COLUMNS(columns) (columns), (sizeof(columns) / sizeof((columns)[0]))

/* Rows: the messages of one repeated field of the response. */
enum exit_code view_rows(struct cli *cli, const ProtobufCMessage *response, const char *rows,
	const struct column *columns, size_t columns_count);
/* A document: its own fields one below the other, then its lines as a table. `rows` may be NULL.
 * In CSV it is the lines, or the document as one row when it has none. */
enum exit_code view_document(struct cli *cli, const ProtobufCMessage *response,
	const char *document, const struct column *fields, size_t fields_count, const char *rows,
	const struct column *columns, size_t columns_count);
/* Calls a List method page by page, up to limit rows (0: all), and shows them as one table, one
 * JSON document or one CSV. limit < 0: the default, 1,000 in a table, otherwise all. */
enum exit_code view_list(struct cli *cli, const char *service, const char *name,
	ProtobufCMessage *request, const char *rows, int64_t limit, const struct column *columns,
	size_t columns_count);
/* All rows of a List method, page by page; false after a message. They live until the end. */
bool list_all(struct cli *cli, const char *service, const char *name, ProtobufCMessage *request,
	const char *rows, const ProtobufCMessage *const **messages, size_t *count);
/* Ends a command whose response says nothing more than that it was done. */
enum exit_code view_done(struct cli *cli, ProtobufCMessage *response, const char *format, ...)
	PRINTF_LIKE(3, 4);

/* The option that every list has. */
extern int view_limit;
#define LIST_LIMIT_OPTION                                                                          \
	{                                                                                              \
		"limit", 'n', POPT_ARG_INT, &view_limit, 0, "rows at most, 0 for all (table: 1000)", "N"   \
	}

/* A table of texts made by hand (verify, import, replay), in any of the forms; numbers are those of
 * COLUMN_NUMBER. Cells are rows_count * columns_count. */
void view_text_table(struct cli *cli, const char *const *titles, const int *kinds,
	size_t columns_count, const char *const *cells, size_t rows_count);

/* A cell, in quotes where it needs them. */
void view_write_csv(const char *text);

#endif
