/* Log lines. Each is built on the caller's stack and written at once, so threads never mix. */
#include "observe/log.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
	int fd;
	enum log_format format; /* LOG_FORMAT_AUTO: not decided yet */
	enum log_level level;
	bool coloured;
} settings = {.fd = STDERR_FILENO, .format = LOG_FORMAT_AUTO, .level = LOG_LEVEL_INFO};

static _Thread_local char request_tag[LOG_REQUEST_SIZE];

static const struct {
	const char *name;
	const char *padded;
	const char *colour;
} levels[] = {
	[LOG_LEVEL_ERROR] = {"error", "ERROR", "\033[31m"},
	[LOG_LEVEL_WARNING] = {"warning", "WARN ", "\033[33m"},
	[LOG_LEVEL_INFO] = {"info", "INFO ", "\033[32m"},
	[LOG_LEVEL_DEBUG] = {"debug", "DEBUG", "\033[2m"},
};

struct line {
	char bytes[LOG_LINE_BYTES_MAX];
	size_t size;
	bool cut;
};

/* Kept free at the end of each line: the longest of the endings below. */
#define LINE_RESERVE 48

void log_open(int fd, enum log_format format, enum log_level level)
{
	settings.fd = fd;
	settings.format = format;
	settings.level = level;
	if (format == LOG_FORMAT_AUTO)
		settings.format = isatty(fd) ? LOG_FORMAT_TEXT : LOG_FORMAT_JSON;
	settings.coloured = settings.format == LOG_FORMAT_TEXT && isatty(fd) && !getenv("NO_COLOR");
}

bool log_enabled(enum log_level level)
{
	return level <= settings.level;
}

void log_set_request(const char *tag)
{
	snprintf(request_tag, sizeof(request_tag), "%s", tag ? tag : "");
}

static void add_bytes(struct line *line, const char *bytes, size_t size)
{
	if (line->cut || line->size + size > sizeof(line->bytes) - LINE_RESERVE) {
		line->cut = true;
		return;
	}
	memcpy(line->bytes + line->size, bytes, size);
	line->size += size;
}

static void add(struct line *line, const char *text)
{
	add_bytes(line, text, strlen(text));
}

static void add_format(struct line *line, const char *format, ...) PRINTF_LIKE(2, 3);

static void add_format(struct line *line, const char *format, ...)
{
	char piece[128];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(piece, sizeof(piece), format, arguments);
	va_end(arguments);
	add(line, piece);
}

/* How many bytes the UTF-8 character at text takes; 0 when it is none. Foreign texts are logged
 * too, and a line that is no UTF-8 is no JSON. */
static size_t character_size(const unsigned char *text)
{
	size_t size = text[0] < 0x80 ? 1 : text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
	static const unsigned minimum[] = {0, 0, 0x80, 0x800, 0x10000};
	if (size == 1)
		return 1;
	if (text[0] < 0xc2 || text[0] > 0xf4)
		return 0;
	unsigned value = text[0] & (0x7fU >> size);
	for (size_t i = 1; i < size; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (text[i] & 0x3fU);
	}
	if (value < minimum[size] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
		return 0;
	return size;
}

/* The text's characters, with JSON's escapes: they make control characters harmless in both. */
static void add_escaped(struct line *line, const char *text)
{
	for (const unsigned char *next = (const unsigned char *)text; *next;) {
		size_t size = character_size(next);
		if (size == 0) {
			add(line, "\xef\xbf\xbd");
			next++;
			continue;
		}
		if (*next == '"' || *next == '\\')
			add_format(line, "\\%c", *next);
		else if (*next == '\n')
			add(line, "\\n");
		else if (*next == '\t')
			add(line, "\\t");
		else if (*next < 0x20 || *next == 0x7f)
			add_format(line, "\\u%04x", *next);
		else
			add_bytes(line, (const char *)next, size);
		next += size;
	}
}

/* Closed also when the text had to be cut: the line's reserve has room for it. */
static void add_quoted(struct line *line, const char *text)
{
	if (line->cut)
		return;
	add(line, "\"");
	add_escaped(line, text);
	line->bytes[line->size++] = '"';
}

/* A message may have lines of its own; what follows the first is told by its indentation. */
static void add_message(struct line *line, const char *text)
{
	char piece[512];
	while (*text && !line->cut) {
		size_t size = strcspn(text, "\n");
		if (size >= sizeof(piece))
			size = sizeof(piece) - 1;
		memcpy(piece, text, size);
		piece[size] = '\0';
		add_escaped(line, piece);
		text += size;
		if (*text == '\n' && *++text)
			add(line, "\n    ");
	}
}

/* Text that reads well bare stays bare on a terminal. */
static bool reads_bare(const char *text)
{
	if (!*text)
		return false;
	for (const char *next = text; *next; next++)
		if (*next <= ' ' || *next == '"' || *next == '=' || *next == '\\' || *next == 0x7f ||
			*next < 0)
			return false;
	return true;
}

static void add_value(struct line *line, const struct log_field *field, bool json)
{
	switch (field->kind) {
	case LOG_FIELD_TEXT:
		if (json || !reads_bare(field->text))
			add_quoted(line, field->text);
		else
			add(line, field->text);
		return;
	case LOG_FIELD_INTEGER:
		add_format(line, "%" PRId64, field->integer);
		return;
	case LOG_FIELD_NUMBER:
		if (isfinite(field->number))
			add_format(line, "%.6g", field->number);
		else
			add(line, "null");
		return;
	case LOG_FIELD_FLAG:
		add(line, field->flag ? "true" : "false");
		return;
	case LOG_FIELD_END:
		return;
	}
}

static bool left_out(const struct log_field *field)
{
	return field->kind == LOG_FIELD_TEXT && !field->text;
}

static void add_time(struct line *line, bool json)
{
	struct timespec now;
	struct tm parts;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	char text[32];
	strftime(text, sizeof(text), json ? "%Y-%m-%dT%H:%M:%S" : "%H:%M:%S", &parts);
	if (json)
		add_format(line, "%s.%06ldZ", text, now.tv_nsec / 1000);
	else
		add_format(line, "%s.%03ld", text, now.tv_nsec / 1000000);
}

static void build_json(struct line *line, enum log_level level, const char *message,
	const struct log_field *fields)
{
	add(line, "{\"time\":\"");
	add_time(line, true);
	add_format(line, "\",\"level\":\"%s\",\"message\":", levels[level].name);
	add_quoted(line, message);
	if (*request_tag) {
		add(line, ",\"request\":");
		add_quoted(line, request_tag);
	}
	for (const struct log_field *field = fields; field->kind != LOG_FIELD_END && !line->cut;
		 field++) {
		if (left_out(field))
			continue;
		size_t before = line->size;
		add(line, ",");
		add_quoted(line, field->name);
		add(line, ":");
		add_value(line, field, true);
		/* A field is on the line wholly or not at all, or the line would be no JSON. */
		if (line->cut)
			line->size = before;
	}
}

static void build_text(struct line *line, enum log_level level, const char *message,
	const struct log_field *fields)
{
	const char *dim = settings.coloured ? "\033[2m" : "", *off = settings.coloured ? "\033[0m" : "";
	add(line, dim);
	add_time(line, false);
	add(line, off);
	add_format(line, " %s%s%s ", settings.coloured ? levels[level].colour : "",
		levels[level].padded, off);
	add_message(line, message);
	if (*request_tag)
		add_format(line, " %srequest=%s%s", dim, off, request_tag);
	for (const struct log_field *field = fields; field->kind != LOG_FIELD_END; field++) {
		if (left_out(field))
			continue;
		add_format(line, " %s%s=%s", dim, field->name, off);
		add_value(line, field, false);
	}
}

void log_write(enum log_level level, const char *message, const struct log_field *fields)
{
	if (!log_enabled(level))
		return;
	if (settings.format == LOG_FORMAT_AUTO)
		log_open(settings.fd, LOG_FORMAT_AUTO, settings.level);
	struct line line = {.size = 0};
	bool json = settings.format == LOG_FORMAT_JSON;
	(json ? build_json : build_text)(&line, level, message, fields);
	bool cut = line.cut;
	line.cut = false;
	const char *ending = json ? (cut ? ",\"cut\":true}\n" : "}\n") : (cut ? " ...\n" : "\n");
	memcpy(line.bytes + line.size, ending, strlen(ending));
	line.size += strlen(ending);
	for (size_t written = 0; written < line.size;) {
		ssize_t size = write(settings.fd, line.bytes + written, line.size - written);
		if (size < 0 && errno == EINTR)
			continue;
		if (size <= 0)
			return; /* nowhere left to complain */
		written += (size_t)size;
	}
}
