/*
 * Events: a movement or a change as a message, and which of them a follower asked for.
 */
#ifndef STOCKBOOK_BOOK_EVENT_H
#define STOCKBOOK_BOOK_EVENT_H

#include "book/table.h"
#include "book/text_index.h"
#include "stockbook/v1/event.pb-c.h"

/* What passes. Events are shown to it in their order: a change passes with its movements. */
struct event_filter {
	struct text_index locations; /* empty: any */
	struct text_index skus;
	struct text_index channels;
	uint64_t kinds; /* a bit for each; 0: any */
	/* By part: the change of the last movement that was about what is asked for. */
	int64_t *about;
};

/* parts: how many, part 0 included. The request's texts are borrowed. */
void event_filter_init(struct event_filter *filter, struct arena *arena,
	const Stockbook__V1__StreamEventsRequest *request, int32_t parts);
/* movement NULL: the event is the change. */
bool event_passes(struct event_filter *filter, const struct movement_row *movement,
	const struct change_row *change);

Stockbook__V1__Event *make_event(struct arena *arena, const struct movement_row *movement,
	const struct change_row *change);

#endif
