/*
 * Feed: the ledger as it grows, for whoever wants to know what happened: in the order of the
 * commits, part by part, without gaps or repeats, whichever server wrote it.
 *
 *   PostgreSQL --follower: heads and what is new, one round trip--> window --> cursors at the front
 *       ^                                                                         | falls behind
 *       +---- a page at a time, for one cursor, when it has room <----------------+
 *
 * A part's sequence is advanced under the last lock of each transaction. So in one snapshot a part's
 * events are there from the first to its head, and none will ever come before them: following is
 * reading from what is known to the head. What is new is asked for in intervals that are short while
 * there is news and long otherwise; nothing is asked for while nobody follows.
 *
 * The window is the latest events in memory, bounded. A cursor that is not taken from falls out of
 * it, and reads pages of its own from the database once it has room again: it costs nobody else
 * anything. Everything here belongs to the loop's thread.
 */
#ifndef STOCKBOOK_ENGINE_FEED_H
#define STOCKBOOK_ENGINE_FEED_H

#include "engine/engine.h"

struct feed;
struct feed_cursor;

#define FEED_CURSORS_MAX 8192
/* Events that are handed out at once. */
#define FEED_SLICE_MAX 256

struct feed_event {
	int32_t part;
	int64_t sequence;
	const struct movement_row *movement; /* NULL: the event is the change */
	const struct change_row *change;     /* the event, or what the movement belongs to */
	/* The takers' own: what they made of it, once for all of them. In the slice's arena. */
	const uint8_t *packed;
	size_t packed_size;
};

/* Each part's ascending. Lives until take() returns. */
struct feed_slice {
	struct feed_event *events;
	size_t count;
	struct arena *arena; /* lives as long as the events */
};

struct feed_options {
	/* The sequence after which it begins, by part from 0 to the number of parts; NULL: from now. */
	const int64_t *from;
	/* True: taken, and the position is behind them. False: there is no room; nothing more comes
	 * until feed_resume(). */
	bool (*take)(struct feed_cursor *cursor, const struct feed_slice *slice, void *data);
	/* Before the first take(): movements before `from` of steps that `from` cuts in two. Where it
	 * begins is known from then on. */
	void (*begin)(struct feed_cursor *cursor, const struct feed_slice *seen, void *data);
	/* Now and then, while the database answers and the cursor is not behind. */
	void (*tick)(struct feed_cursor *cursor, int64_t now_us, void *data);
	/* It cannot go on and is gone: POSITION_TOO_OLD, POSITION_TOO_NEW, UNAVAILABLE. */
	void (*end)(struct feed_cursor *cursor, struct refusal *refusal, void *data);
	void *data;
};

/* Callbacks come on the loop, never from within these functions. NULL: too many follow. */
struct feed_cursor *engine_follow(struct engine *engine, const struct feed_options *options);
/* There is room again. */
void feed_resume(struct feed_cursor *cursor);
/* Nothing comes any more; also from within a callback. */
void feed_leave(struct feed_cursor *cursor);
/* By part from 0 to the number of parts: the last sequence that was taken. */
const int64_t *feed_position(const struct feed_cursor *cursor);

#endif
