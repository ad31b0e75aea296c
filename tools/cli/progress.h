/*
 * A progress bar on standard error, on a terminal only: how far, how fast, how long still.
 */
#ifndef STOCKBOOK_CLI_PROGRESS_H
#define STOCKBOOK_CLI_PROGRESS_H

#include <stdint.h>

struct progress {
	const char *title;
	const char *unit; /* "lines" */
	int64_t started_ms, drawn_ms;
	int on; /* standard error is a terminal */
};

void progress_start(struct progress *progress, const char *title, const char *unit);
/* Draws at most ten times a second. part of whole: how far (whole 0: not known); done: units so
 * far. */
void progress_show(struct progress *progress, int64_t part, int64_t whole, int64_t done);
/* Clears the line. */
void progress_end(struct progress *progress);
/* Since the start. */
double progress_seconds(const struct progress *progress);
/* "12,345"; the buffer holds 32 characters. */
const char *grouped(int64_t number, char buffer[32]);

#endif
