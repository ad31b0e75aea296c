/*
 * What an interrupted import has already done: the request ids that were answered, in a file
 * beside the imported one. The ids follow from the lines, so a second run needs to send only the
 * rest; without the file it would send everything again, to the same end.
 */
#ifndef STOCKBOOK_CLI_MARKER_H
#define STOCKBOOK_CLI_MARKER_H

#include <stdbool.h>
#include <stdio.h>

#include "uuid_set.h"

struct marker {
	char *path; /* NULL: nothing is remembered (standard input) */
	FILE *file;
	struct uuid_set ids;
};

/* Remembers for this file and server. A file that cannot be written is only a slower repetition. */
void marker_open(struct marker *marker, const char *path, const char *server);
bool marker_has(const struct marker *marker, const char *request_id);
void marker_add(struct marker *marker, const char *request_id);
/* remove: everything is in, the file has done its duty. */
void marker_close(struct marker *marker, bool remove_file);

#endif
