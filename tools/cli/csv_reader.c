#define _GNU_SOURCE /* fopencookie */
#include "csv_reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <csv.h>
#include <lzma.h>

#include "base/check.h"

#define COMPRESSED_BYTES 65536

struct csv_reader {
	FILE *file; /* what lies on the disk */
	FILE *text; /* the same, unpacked; == file when it is not packed */
	int64_t size;
	struct csv_parser parser;
	int64_t line; /* read so far */
	char *buffer; /* one physical line */
	size_t buffer_size;
	bool ended;
	const char *error;

	/* The row that is being read. */
	struct csv_row *row;
	char *raw; /* its physical lines */
	size_t raw_size;
	char *fields; /* texts of its fields, one after the other */
	size_t fields_size;
	bool complete, too_large;

	lzma_stream lzma;
	uint8_t packed[COMPRESSED_BYTES];
};

/* Unpacking, behind an ordinary FILE. */

static ssize_t unpack(void *cookie, char *buffer, size_t size)
{
	struct csv_reader *reader = cookie;
	lzma_stream *lzma = &reader->lzma;
	lzma->next_out = (uint8_t *)buffer;
	lzma->avail_out = size;
	while (lzma->avail_out == size) {
		if (!lzma->avail_in) {
			lzma->next_in = reader->packed;
			lzma->avail_in = fread(reader->packed, 1, sizeof(reader->packed), reader->file);
		}
		lzma_ret result = lzma_code(lzma, lzma->avail_in ? LZMA_RUN : LZMA_FINISH);
		if (result == LZMA_STREAM_END)
			break;
		if (result != LZMA_OK) {
			reader->error = "the file is not valid .xz, or cut off";
			errno = EIO;
			return -1;
		}
	}
	return (ssize_t)(size - lzma->avail_out);
}

static bool is_packed(const char *path)
{
	size_t length = strlen(path);
	return length > 3 && strcmp(path + length - 3, ".xz") == 0;
}

static bool open_files(struct csv_reader *reader, const char *path)
{
	struct stat about;
	reader->file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
	if (!reader->file)
		return false;
	if (fstat(fileno(reader->file), &about) == 0) {
		if (S_ISDIR(about.st_mode)) {
			errno = EISDIR;
			return false;
		}
		reader->size = S_ISREG(about.st_mode) ? about.st_size : 0;
	}
	reader->text = reader->file;
	if (!is_packed(path))
		return true;
	CHECK(lzma_stream_decoder(&reader->lzma, UINT64_MAX, LZMA_CONCATENATED) == LZMA_OK);
	reader->text = fopencookie(reader, "r", (cookie_io_functions_t){.read = unpack});
	CHECK(reader->text);
	return true;
}

struct csv_reader *csv_reader_open(const char *path)
{
	struct csv_reader *reader = calloc(1, sizeof(*reader));
	CHECK(reader);
	reader->lzma = (lzma_stream)LZMA_STREAM_INIT;
	reader->raw = malloc(CSV_ROW_BYTES_MAX);
	reader->fields = malloc(2 * CSV_ROW_BYTES_MAX);
	CHECK(reader->raw && reader->fields);
	CHECK(csv_init(&reader->parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL) == 0);
	if (!open_files(reader, path)) {
		int error = errno;
		csv_reader_close(reader);
		errno = error;
		return NULL;
	}
	return reader;
}

void csv_reader_close(struct csv_reader *reader)
{
	csv_free(&reader->parser);
	lzma_end(&reader->lzma);
	if (reader->text && reader->text != reader->file)
		fclose(reader->text);
	if (reader->file && reader->file != stdin)
		fclose(reader->file);
	free(reader->buffer);
	free(reader->raw);
	free(reader->fields);
	free(reader);
}

static void on_field(void *text, size_t size, void *context)
{
	struct csv_reader *reader = context;
	struct csv_row *row = reader->row;
	if (row->count == CSV_FIELDS_MAX || reader->fields_size + size + 1 > 2 * CSV_ROW_BYTES_MAX) {
		reader->too_large = true;
		return;
	}
	char *copy = reader->fields + reader->fields_size;
	if (size)
		memcpy(copy, text, size);
	copy[size] = '\0';
	if (strlen(copy) != size)
		row->error = "contains a NUL character";
	row->fields[row->count++] = copy;
	reader->fields_size += size + 1;
}

static void on_row(int end, void *context)
{
	(void)end;
	struct csv_reader *reader = context;
	if (reader->row->count)
		reader->complete = true;
}

/* After a broken row the next line is a new beginning. */
static void start_over(struct csv_reader *reader)
{
	csv_free(&reader->parser);
	CHECK(csv_init(&reader->parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL) == 0);
}

static void fail_row(struct csv_reader *reader, const char *error)
{
	reader->row->error = error;
	reader->row->count = 0;
	reader->complete = true;
	start_over(reader);
}

static void keep_raw(struct csv_reader *reader, const char *text, size_t size)
{
	if (reader->raw_size + size >= CSV_ROW_BYTES_MAX) {
		size = CSV_ROW_BYTES_MAX - 1 - reader->raw_size;
		reader->too_large = true;
	}
	memcpy(reader->raw + reader->raw_size, text, size);
	reader->raw_size += size;
	reader->raw[reader->raw_size] = '\0';
}

static void read_line(struct csv_reader *reader)
{
	ssize_t size = getline(&reader->buffer, &reader->buffer_size, reader->text);
	if (size < 0) {
		reader->ended = true;
		if (ferror(reader->text) && !reader->error)
			reader->error = "the file cannot be read further";
		if (csv_fini(&reader->parser, on_field, on_row, reader) != 0)
			fail_row(reader, "a quote is not closed");
		return;
	}
	const char *start = reader->buffer;
	size_t length = (size_t)size;
	/* A byte order mark is no part of the first title. */
	if (reader->line++ == 0 && length >= 3 && memcmp(start, "\xef\xbb\xbf", 3) == 0) {
		start += 3;
		length -= 3;
	}
	if (reader->raw_size == 0)
		reader->row->line = reader->line;
	keep_raw(reader, start, length);
	if (csv_parse(&reader->parser, start, length, on_field, on_row, reader) != length)
		fail_row(reader, "the quotes are not as in CSV");
	else if (reader->too_large)
		fail_row(reader, "the row is too long");
}

bool csv_reader_next(struct csv_reader *reader, struct csv_row *row)
{
	*row = (struct csv_row){0};
	reader->row = row;
	reader->raw_size = 0;
	reader->fields_size = 0;
	reader->complete = false;
	reader->too_large = false;
	while (!reader->complete && !reader->ended) {
		read_line(reader);
		/* An empty line is no row. */
		if (!reader->complete && reader->raw_size &&
			reader->raw[strspn(reader->raw, "\r\n")] == '\0')
			reader->raw_size = 0;
	}
	while (reader->raw_size && strchr("\r\n", reader->raw[reader->raw_size - 1]))
		reader->raw[--reader->raw_size] = '\0';
	row->raw = reader->raw;
	return reader->complete;
}

const char *csv_reader_error(const struct csv_reader *reader)
{
	return reader->error;
}

int64_t csv_reader_position(const struct csv_reader *reader)
{
	return reader->size ? ftell(reader->file) : 0;
}

int64_t csv_reader_size(const struct csv_reader *reader)
{
	return reader->size;
}

/* Length of the well-formed sequence at `at`, 0 when there is none. */
static size_t sequence_length(const unsigned char *at)
{
	size_t length = *at < 0x80                  ? 1
					: *at >= 0xc2 && *at < 0xe0 ? 2
					: *at >= 0xe0 && *at < 0xf0 ? 3
					: *at >= 0xf0 && *at < 0xf5 ? 4
												: 0;
	for (size_t i = 1; i < length; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, and what lies beyond Unicode. */
	if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] >= 0xa0) ||
		(at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] >= 0x90))
		return 0;
	return length;
}

bool text_is_clean(const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at;) {
		size_t length = sequence_length(at);
		if (!length || *at < 0x20 || *at == 0x7f)
			return false;
		at += length;
	}
	return true;
}
