/*
 * Steps of an order that is there, for the order's own files: worked out in memory first, so that
 * every line that falls short is named, and then posted.
 */
#ifndef STOCKBOOK_BOOK_ORDER_STEP_H
#define STOCKBOOK_BOOK_ORDER_STEP_H

#include "book/fulfilment.h"

struct stepping;

/* What is still to come of a line, from open, then allocated, then picked, is cancelled: what is free
 * by the order, the rest within its pickups and shipments. */
extern const struct stepping order_cancelling;

/* What a step is about to do. */
struct order_work {
	const struct stepping *stepping;
	struct order *order;
	/* Whose promises they are: a store's token steps where it stands, and with a channel wherever
	 * that sources from. NULL: none. */
	const struct channel_row *channel;
	struct posting *postings;
	size_t posting_count;
	size_t posting_capacity;
	size_t short_count; /* lines that the refusal that stands is about */
	int64_t marked;     /* units to be cancelled within fulfilments */
};

/* Moves the line's counters by up to `most` units (location: "" for all); what it took. */
int64_t order_work_take(struct run *run, struct order_work *work, struct order_line *line,
	const char *location, int64_t most);
/* A line has less than was asked for. */
void order_work_name_short(struct run *run, struct order_work *work, size_t index,
	const struct order_line *line, const char *location, int64_t asked, int64_t available);
/* Posts what was taken, and steps the fulfilments concerned. To be called before the caller posts
 * anything of its own. */
enum verdict order_work_post(struct run *run, const struct order_work *work, const char *note);

#endif
