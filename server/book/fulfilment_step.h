/*
 * What the steps of pickups and shipments share: opening them for a step, the lines of a request,
 * picking, cancelling, putting back, and lists of them. Each moves units and posts; the caller
 * advances the document.
 */
#ifndef STOCKBOOK_BOOK_FULFILMENT_STEP_H
#define STOCKBOOK_BOOK_FULFILMENT_STEP_H

#include "book/fulfilment_leg.h"

/* A fulfilment with its order, about to take a step. */
struct stepping {
	struct order order;
	struct fulfilment *at;
	int step;
};

/* Opens it at a location where the actor may act; refused when the step does not exist from its
 * status, or, when it is guarded, when somebody else has the work on it. */
enum verdict stepping_open(struct run *run, Stockbook__V1__DocumentKind kind, const char *id,
	int step, bool guarded, struct stepping *stepping);
/* The same for goods to be put back, work of its own: guarded by that. */
enum verdict stepping_open_to_put_back(struct run *run, Stockbook__V1__DocumentKind kind,
	const char *id, int step, struct stepping *stepping);
/* fulfilment_advance() of it. */
enum verdict stepping_advance(struct run *run, struct stepping *stepping, int status,
	const char *channel, const char *note);
/* LINE_QUANTITY_EXCEEDED: there is nothing to do the step with. */
enum verdict stepping_refuse_nothing(struct run *run, const struct stepping *stepping);

/* ---- Lines of a request ---- */

struct asked_line {
	int32_t line;
	int64_t quantity;
};

/* The requests' messages of a line and a quantity, as such. */
struct asked_line *asked_collected(struct run *run, Stockbook__V1__CollectedLine *const *lines,
	size_t count);
struct asked_line *asked_shipped(struct run *run, Stockbook__V1__ShipmentLine *const *lines,
	size_t count);

/* Takes the lines through the leg, or without any all that there is. Refused when a line has less
 * (every such line is named), or when there is nothing. */
enum verdict stepping_take(struct run *run, struct stepping *stepping, enum fulfilment_leg leg,
	const struct asked_line *asked, size_t count);

/* Names a line that has less than was asked for; the first makes the refusal. */
struct exceeding {
	struct stepping *stepping;
	size_t count;
};
void exceeding_add(struct run *run, struct exceeding *exceeding, size_t index,
	const struct fulfilment_line *line, int64_t asked, int64_t available);
/* The fulfilment's line of this number; refused with ORDER_LINE_NOT_FOUND. */
enum verdict stepping_line(struct run *run, const struct stepping *stepping, size_t index,
	int32_t number, struct fulfilment_line **line);

/* ---- Picking ---- */

/* What was picked, and what was short with its remedy. Without lines everything that is to pick was.
 * The fulfilment waits already for what transfers will bring. After stepping_advance():
 * fulfilment_resource(). */
enum verdict stepping_pick(struct run *run, struct stepping *stepping,
	Stockbook__V1__PickedLine *const *lines, size_t count, struct resourcing *resourcing);

/* ---- Ending ---- */

struct cancelling {
	struct resourcing resourcing;
	struct resourcing picked; /* what no transfer may replace: it is here, and left open */
};
/* Everything that is not done leaves it, and it steps: what is picked is to be put back. What became
 * of the units is in the resourcing's results; its order follows. */
enum verdict stepping_end(struct run *run, struct stepping *stepping, struct cancelling *cancelling,
	const char *note);

/* ---- Lists ---- */

/* A page of pickups or shipments, by location (with one status, or with those in `open`) or by
 * order. */
struct fulfilment_list {
	Stockbook__V1__DocumentKind kind;
	const char *location;
	const char *order_id;
	int status; /* 0: those in `open` */
	struct count_list open;
	/* Answered. */
	struct fulfilment *items;
	size_t count;
	char *next_page_token;
};
enum verdict fulfilment_list(struct run *run, const void *request, struct fulfilment_list *list);

/* ---- Routes ---- */

/* The part of a document's id. */
int32_t fulfilment_route(const char *id, const struct book_limits *limits);

#endif
