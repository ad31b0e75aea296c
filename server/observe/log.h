/*
 * Structured log lines on stderr: text for people, coloured on a terminal, or one JSON object a
 * line. Usable from every thread; each line is one write().
 *
 *	log_info("connection is ready", log_text("connection", name), log_integer("attempts", 3));
 */
#ifndef STOCKBOOK_OBSERVE_LOG_H
#define STOCKBOOK_OBSERVE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

#define LOG_LINE_BYTES_MAX 4096 /* longer lines are cut and say so */
#define LOG_REQUEST_SIZE 20

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

enum log_format {
	LOG_FORMAT_AUTO, /* text on a terminal, JSON elsewhere */
	LOG_FORMAT_TEXT,
	LOG_FORMAT_JSON,
};

enum log_field_kind {
	LOG_FIELD_END,
	LOG_FIELD_TEXT,
	LOG_FIELD_INTEGER,
	LOG_FIELD_NUMBER,
	LOG_FIELD_FLAG,
};

struct log_field {
	const char *name;
	enum log_field_kind kind;
	union {
		const char *text; /* NULL leaves the field out */
		int64_t integer;
		double number;
		bool flag;
	};
};

/* Until this is called: text or JSON as the output is, level INFO, to stderr. */
void log_open(int fd, enum log_format format, enum log_level level);
bool log_enabled(enum log_level level);
/* The request that this thread works for, put on each of its lines; NULL: none. Copied. */
void log_set_request(const char *tag);

static inline struct log_field log_text(const char *name, const char *text)
{
	return (struct log_field){.name = name, .kind = LOG_FIELD_TEXT, .text = text};
}

static inline struct log_field log_integer(const char *name, int64_t integer)
{
	return (struct log_field){.name = name, .kind = LOG_FIELD_INTEGER, .integer = integer};
}

static inline struct log_field log_number(const char *name, double number)
{
	return (struct log_field){.name = name, .kind = LOG_FIELD_NUMBER, .number = number};
}

static inline struct log_field log_flag(const char *name, bool flag)
{
	return (struct log_field){.name = name, .kind = LOG_FIELD_FLAG, .flag = flag};
}

/* fields end with one of kind LOG_FIELD_END. */
void log_write(enum log_level level, const char *message, const struct log_field *fields);

#define LOG_LINE(level, message, ...)                                                              \
	do {                                                                                           \
		if (log_enabled(level))                                                                    \
			log_write(level, message, (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}});  \
	} while (0)
#define log_error(message, ...) LOG_LINE(LOG_LEVEL_ERROR, message, __VA_ARGS__)
#define log_warning(message, ...) LOG_LINE(LOG_LEVEL_WARNING, message, __VA_ARGS__)
#define log_info(message, ...) LOG_LINE(LOG_LEVEL_INFO, message, __VA_ARGS__)
#define log_debug(message, ...) LOG_LINE(LOG_LEVEL_DEBUG, message, __VA_ARGS__)

#endif
