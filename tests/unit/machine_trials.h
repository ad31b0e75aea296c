/*
 * What the tests of machines try them with: a document of each kind in each status, and the call that
 * asks for each step. A document has something left for every step that its status allows.
 */
#ifndef STOCKBOOK_TESTS_UNIT_MACHINE_TRIALS_H
#define STOCKBOOK_TESTS_UNIT_MACHINE_TRIALS_H

#include "unit/promise_fixture.h"

#include "book/machine.h"

/* How a machine's documents get into their statuses. */
struct brought {
	const struct machine *machine;
	const struct table *table;
	const char *(*bring)(struct book *book, int status); /* the id */
};
/* How a step is asked for. */
struct asked {
	const struct machine *machine;
	int step;
	const char *operation; /* NULL: no call asks for it of a document that is there */
	void (*fill)(struct book *book, void *request); /* where the id is not enough; or NULL */
};
/* Where another answer than WRONG_STATUS is the documented one. */
struct other_answer {
	const struct machine *machine;
	int status;
	int step;
	Stockbook__V1__Reason reason; /* UNSPECIFIED: it is answered, and nothing is done */
};
#define ANY (-1)

/* Each ended by a row whose machine is NULL. */
extern const struct brought brought[];
extern const struct asked asked[];
extern const struct other_answer other_answers[]; /* the first that fits counts */

/* The row's request for the document, filled in. */
void *asked_request(struct book *book, const struct asked *ask, const char *id);

#endif
