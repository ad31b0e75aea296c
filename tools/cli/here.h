/*
 * Where and who: what people in a store or warehouse set once, in the environment, and all their
 * commands take from there. And what they may do next.
 */
#ifndef STOCKBOOK_CLI_HERE_H
#define STOCKBOOK_CLI_HERE_H

#include "cli.h"

extern char *given_location, *given_worker;

#define LOCATION_OPTION                                                                            \
	{                                                                                              \
		"location", 'l', POPT_ARG_STRING, &given_location, 0, "where (STOCKBOOK_LOCATION)", "CODE" \
	}
#define WORKER_OPTION                                                                              \
	{                                                                                              \
		"worker", 'w', POPT_ARG_STRING, &given_worker, 0, "who does it (STOCKBOOK_WORKER)", "NAME" \
	}

/* "" when nobody said. */
const char *here_location(void);
const char *here_worker(void);
/* False after a message when nobody said. */
bool here_needs_location(struct cli *cli);
bool here_needs_worker(struct cli *cli);

/* "next: stockbook ..." on stderr, in a table's company only. Adds the location and the worker
 * that were given as options, so that the line can be copied. */
void say_next(struct cli *cli, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
