/*
 * The inside of the feed, for feed.c (following, the window) and feed_cursor.c (who takes from it).
 */
#ifndef STOCKBOOK_ENGINE_FEED_PRIVATE_H
#define STOCKBOOK_ENGINE_FEED_PRIVATE_H

#include "engine/feed_page.h"
#include "engine/private.h"

#define FEED_CHUNKS_MAX 1024

/*
 *	IDLE --somebody follows--> STARTING --heads known--> FOLLOWING --nobody follows--> IDLE
 *	                              ^                          |
 *	                              +------ lost its place ----+
 */
enum feed_state { FEED_IDLE, FEED_STARTING, FEED_FOLLOWING, FEED_CLOSED, FEED_STATES };

/* Some of the window's events, in the order in which they came. */
struct feed_chunk {
	struct arena arena;
	struct feed_event *events;
	size_t count;
	size_t capacity;
	size_t bytes; /* of the arena, as counted in window_bytes */
};

struct feed_metrics {
	struct metric *cursors;
	struct metric *events;
	struct metric *window;
	struct metric *pages;
	struct metric *lag;
};

struct feed {
	struct engine *engine;
	struct feed_statements *statements;
	int32_t parts;         /* part 0 included */
	enum feed_state state; /* changed by feed_set_state() alone */
	struct feed_metrics metrics;

	/* The follower. */
	struct db_connection *connection; /* NULL until somebody follows */
	struct arena arena;
	struct db_batch batch;
	struct feed_range *ranges;
	bool asking;
	bool asks_all; /* not only whether there is news */
	bool had_news; /* the last answer, so that the next one may have some, too */
	bool stale;    /* what is asked is not wanted any more */
	bool hinted;   /* while asking */
	uv_timer_t timer;
	uint64_t interval_ms;
	int64_t asked_us;   /* when the last question was sent */
	int64_t current_us; /* all that was committed before is known; engine_clock_us() */
	int64_t *known;     /* by part */
	uint64_t event_count;

	/* The window: chunks by serial number, oldest to newest. */
	struct feed_chunk *chunks[FEED_CHUNKS_MAX];
	uint64_t oldest;
	uint64_t next; /* serial of the next chunk */
	size_t window_bytes;
	int64_t *window_after; /* by part: the window has all events from there to `known` */

	/* Cursors. */
	struct feed_cursor *cursors;
	size_t cursor_count;
	uv_idle_t pump;              /* hands out what there is */
	struct feed_cursor *pump_at; /* whose turn is next; NULL: the first one's */
	bool pump_more;              /* there is something for another round */
	uv_timer_t tick;

	/* Those who are behind read one after the other. */
	struct db_connection *catch_up;
	struct arena page_arena;
	struct db_batch page_batch;
	struct feed_range *page_ranges;
	size_t page_range_count;
	struct feed_cursor *reading;
	bool reads_start;            /* not a page */
	struct feed_cursor *waiting; /* to read, first to last */
	struct feed_cursor **waiting_last;
};

/* From engine.c. */
struct feed *feed_open(struct engine *engine);
void feed_close(struct feed *feed);
void feed_free(struct feed *feed);
/* False also when it does not know. at_least may be NULL. */
bool feed_has_come_to(const struct feed *feed, const int64_t *at_least);
/* A lane of this server has just committed: there is news. */
void feed_hint(struct feed *feed);

/* Whether it answers who asks now, and soon. */
bool feed_confirms(const struct feed *feed);
/* Fresh reads wait for its answer: asks at once, or once the question on its way is answered. */
void feed_confirm(struct feed *feed);

/* Hands out what there is, and calls watches that are due, from the loop's next turn on. */
void feed_pump(struct feed *feed);

/* From feed.c to feed_cursor.c. */
void cursors_open(struct feed *feed);
void cursors_close(struct feed *feed);
/* There is news in the window, or the feed has (again) found its place. */
void cursors_wake(struct feed *feed);
/* The feed has lost its place: each finds out for itself whether it can go on. */
void cursors_restart(struct feed *feed);
void cursors_connected(struct feed *feed);

/* From feed_cursor.c to feed.c. */
/* Something was put into the chunk's arena. */
void window_count(struct feed *feed, struct feed_chunk *chunk);
void feed_use(struct feed *feed);
void feed_disuse(struct feed *feed);
/* Whether the database answers, and all is known that was there a moment ago. */
bool feed_is_current(const struct feed *feed, int64_t now_us);

#endif
