/*
 * A document's machine: which step leads from which status to which. It is stated once, as a table,
 * and read by whoever decides, by the document's history, by the drawings in proto/MACHINES.md and by
 * the tests, which try every step that no table holds.
 *
 *   static const char *const steps[] = {[ORDER_PLACE] = "place", ...};
 *   static const struct transition transitions[] = {
 *       {STATUS(UNSPECIFIED), ORDER_PLACE, STATUS(OPEN), ORDER_CANCEL}, ..., {0}};
 *   const struct machine order_machine = {...};
 *
 * A machine is made known by a line in machines[] (machine.c); then: tools/dev machines.
 */
#ifndef STOCKBOOK_BOOK_MACHINE_H
#define STOCKBOOK_BOOK_MACHINE_H

#include "book/run.h"

/* In the place of an inverse: what was done stays done. */
#define STEP_FINAL (-1)

struct transition {
	int from; /* 0, UNSPECIFIED: it does not exist yet */
	int step;
	int to;      /* one of several where the lines decide; 0, UNSPECIFIED: the table's end */
	int inverse; /* the step that takes it back, or STEP_FINAL */
};

struct machine {
	const char *document; /* "order"; a refusal names the id as "order_id" */
	const char *summary;  /* a sentence or two for the drawing */
	Stockbook__V1__DocumentKind kind;
	const ProtobufCEnumDescriptor *statuses; /* of the API: ORDER_STATUS_OPEN is "OPEN" */
	const char *const *steps;                /* their names, by the step's number */
	int step_count;
	const struct transition *transitions;
};

/* All of them, ended by NULL. */
extern const struct machine *const machines[];

/* "OPEN"; "" for UNSPECIFIED. */
const char *machine_status_name(const struct machine *machine, int status);
/* "put back" */
const char *machine_step_name(const struct machine *machine, int step);

/* Whether the step exists from the status, wherever it leads. */
bool machine_has_step(const struct machine *machine, int from, int step);
/* Whether it may lead there. */
bool machine_may_lead(const struct machine *machine, int from, int step, int to);
/* Where it leads: for steps that lead to one status only. */
int machine_target(const struct machine *machine, int from, int step);

/* VERDICT_DONE when the step exists from the status; otherwise refused with WRONG_STATUS, and the
 * metadata "order_id" and "status". */
enum verdict machine_check(struct run *run, const struct machine *machine, int status, int step,
	const struct uuid *id);

/* A step that was done. */
struct machine_change {
	int32_t part; /* the document's own */
	struct uuid id;
	int step;
	int before; /* 0: it was made */
	int after;
	const char *location; /* where it happened, when the movements do not tell */
	const char *channel;
	const char *note;
};
/* note_change() of it: closes the movements posted since the last change. The table must hold it. */
void machine_note(struct run *run, const struct machine *machine,
	const struct machine_change *change);

#endif
