/*
 * Reads CSV (RFC 4180) row by row, from a file, a .xz file or standard input, in constant memory.
 */
#ifndef STOCKBOOK_CLI_CSV_READER_H
#define STOCKBOOK_CLI_CSV_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CSV_FIELDS_MAX 256
#define CSV_ROW_BYTES_MAX 65536

/* Valid until the next row is read. */
struct csv_row {
	int64_t line;                       /* where it begins, 1 for the first */
	const char *fields[CSV_FIELDS_MAX]; /* without quotes; never NULL */
	size_t count;
	const char *raw; /* as it stands in the file, without the line's end */
	/* What is wrong with the row as CSV, or NULL: then there are fields. */
	const char *error;
};

struct csv_reader;

/* "-" is standard input. NULL and errno when it cannot be opened. */
struct csv_reader *csv_reader_open(const char *path);
void csv_reader_close(struct csv_reader *reader);
/* False at the end of the file, and when it cannot be read further: see csv_reader_error(). Empty
 * lines are passed over. */
bool csv_reader_next(struct csv_reader *reader, struct csv_row *row);
/* What stopped the reading, or NULL for the end of the file. */
const char *csv_reader_error(const struct csv_reader *reader);
/* How much of the file (as it lies on the disk) has been read, and how large it is; 0 when that is
 * not known. */
int64_t csv_reader_position(const struct csv_reader *reader);
int64_t csv_reader_size(const struct csv_reader *reader);

/* Well-formed UTF-8 without control characters: what the API takes as text. */
bool text_is_clean(const char *text);

#endif
