/*
 * A person with a scanner, at a terminal or at the other end of a pipe: reads lines, counts them
 * (scan.h), and answers each at once.
 */
#ifndef STOCKBOOK_CLI_SCAN_SESSION_H
#define STOCKBOOK_CLI_SCAN_SESSION_H

#include <stdio.h>

#include "cli.h"
#include "scan.h"

struct scan_session {
	struct cli *cli;
	struct scan scan;
	/* Where the units go that were just counted as the item's from-th to to-th, such as "bag 2";
	 * may be NULL, and answer NULL. */
	const char *(*where)(void *context, const struct scan_item *item, int64_t from, int64_t to);
	void *context;
};

enum scan_end {
	SCAN_END_DONE,        /* "done" */
	SCAN_END_INPUT,       /* the input ended without it */
	SCAN_END_INTERRUPTED, /* Ctrl-C, or the terminal is gone */
};

/* Where the session talks: stdout, or stderr where stdout gets JSON or CSV. */
FILE *scan_talk(const struct cli *cli);
enum scan_end scan_session_run(struct scan_session *session);
/* Asks the server for the names and barcodes of the items. */
void scan_session_name_items(struct scan_session *session);
/* What is left of each item, in the order of the shelves. */
void scan_session_list(const struct scan_session *session);
/* Asks a question at a terminal, and waits for one of the words, each given by its first letter or
 * in full; the first is meant by an empty line. Its index; -1 where nobody can be asked. */
int scan_ask(const struct cli *cli, const char *question, const char *const *words, size_t count);

#endif
