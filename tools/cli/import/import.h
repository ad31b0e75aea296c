/*
 * Imports: rows of a CSV file become calls, many in flight. What the kinds differ in is a row of
 * one table (kinds.c); everything else is the same for all (run.c).
 */
#ifndef STOCKBOOK_CLI_IMPORT_IMPORT_H
#define STOCKBOOK_CLI_IMPORT_IMPORT_H

#include "cli/cli.h"

#define TITLES_MAX 12

struct import_options {
	const char *path;
	const char *run;     /* tells imports of the same content apart, "" normally */
	const char *rejects; /* file for refused rows, or NULL */
	int in_flight;
	bool absolute;
};

/* One row of the file. Texts belong to the job's arena. */
struct import_row {
	int64_t line;
	const char *raw;
	const char *values[TITLES_MAX]; /* in the order of the kind's titles; "" where there is none */
};

/* Rows that go into one call. */
struct job {
	struct arena arena;
	struct import_row *rows;
	size_t count, capacity;
	const char *group;    /* rows of one job have this in common: the location */
	int64_t number;       /* of the group's jobs */
	size_t from;          /* index of the first row in the job that it was split off */
	struct job *next;     /* among those that are being filled, or in flight */
	struct job *previous; /* in the latter */
	char request_id[STOCKBOOK_REQUEST_ID_SIZE];
	void *run; /* for the callback */
};

struct import_title {
	const char *name;
	bool required;
};

struct import_kind {
	const char *name;
	const char *service, *method;
	struct import_title titles[TITLES_MAX];
	size_t rows_max; /* in one call */
	int group;       /* the title whose value a call's rows share, or -1 */
	int unique;      /* the title that must not repeat within a call, or -1 */
	int ordered;     /* calls with the same value here go one after the other, or -1: the last line
	                  * about a thing must be the one that holds */
	/* NULL when the row is right, otherwise what is wrong and *title which value. */
	const char *(*check)(const struct import_row *row, int *title);
	/* The request for these rows, out of the job's arena; its request id is set by the caller. */
	ProtobufCMessage *(*build)(struct job *job);
};

/* NULL when there is no such kind. */
const struct import_kind *import_kind(const char *name, bool absolute);
enum exit_code import_run(struct cli *cli, const struct import_kind *kind,
	const struct import_options *options);

#endif
