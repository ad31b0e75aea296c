/*
 * Following: whether the feed is followed for the sake of fresh reads. Following costs something for
 * each event of the book, whoever wrote it; a read that is confirmed instead of read saves something.
 * Time is looked at in windows of the same length, a second each. Pure: no clock.
 *
 *   reads come often --> follow for a trial --> for as long as it pays
 *         ^                                              | did not pay for a while
 *         +--- after a pause, longer each time <---------+
 *
 * It goes on, too, while each few windows confirm more than any before: memory is being filled. Few
 * reads end it without a pause: they may become many again at any time.
 */
#ifndef STOCKBOOK_ENGINE_FOLLOWING_H
#define STOCKBOOK_ENGINE_FOLLOWING_H

#include <stdbool.h>
#include <stdint.h>

/* What following so many events costs, a confirmed read saves. */
#define FOLLOWING_EVENTS_OF_A_READ 4
/* Windows before it is judged, while memory fills; and windows that must not have paid in turn. */
#define FOLLOWING_TRIAL_WINDOWS 10
#define FOLLOWING_LEAN_WINDOWS 5
#define FOLLOWING_PAUSE_WINDOWS_MAX 256

/* What happened in a window. */
struct following_window {
	int64_t reads; /* fresh ones that memory might answer */
	int64_t confirmed;
	int64_t events;
	bool followed_anyway; /* by others: events cost nothing more */
};

struct following {
	int64_t reads_min; /* in a window, to begin */
	bool follows;
	uint32_t windows;      /* since it began */
	int64_t most;          /* confirmed in one of them */
	uint32_t lean;         /* that did not pay, in turn */
	uint32_t pause;        /* windows until it may begin again */
	uint32_t pause_length; /* of the last one */
};

/* A window is over: whether it is followed in the next one. */
bool following_decide(struct following *following, const struct following_window *window);

#endif
