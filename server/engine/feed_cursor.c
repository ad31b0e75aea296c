/*
 * Feed cursors: who takes from the feed, and where each stands.
 *
 *	STARTING --heads read, `from` is in the book--> BEHIND <--> LIVE
 *	   ^                                              |           |
 *	   +------------ the feed lost its place ---------+-----------+
 *	any --feed_leave(), or it cannot go on--> LEFT (freed on the next turn)
 *
 * LIVE takes from the window, BEHIND from pages of its own. A cursor's position is a sequence by
 * part, and what is not behind it is passed over: so it may begin in the window wherever it likes
 * as long as it has everything before the window.
 */
#include <string.h>

#include "engine/feed_private.h"
#include "engine/live_private.h"
#include "observe/log.h"

#define PAGE_EVENTS_MAX 1024
#define TICK_MS 250
#define PUMP_CURSORS_MAX 32

enum cursor_state { CURSOR_STARTING, CURSOR_BEHIND, CURSOR_LIVE, CURSOR_LEFT, CURSOR_STATES };

struct feed_cursor {
	struct feed *feed;
	struct feed_options options;
	enum cursor_state state; /* changed by cursor_set_state() alone */
	bool from_now;
	bool begun;
	bool blocked;    /* what was offered was not taken */
	bool is_waiting; /* in the feed's list of those who are to read */
	int64_t *position;
	uint64_t chunk; /* LIVE: where it goes on */
	size_t offset;
	struct feed_cursor *next;
	struct feed_cursor **back;
	struct feed_cursor *next_waiting;
};

#define STATE(state) (1U << CURSOR_##state)

static const unsigned next_states[CURSOR_STATES] = {
	[CURSOR_STARTING] = STATE(STARTING) | STATE(BEHIND) | STATE(LEFT),
	[CURSOR_BEHIND] = STATE(LIVE) | STATE(STARTING) | STATE(LEFT),
	[CURSOR_LIVE] = STATE(BEHIND) | STATE(STARTING) | STATE(LEFT),
	[CURSOR_LEFT] = 0,
};

static void cursor_set_state(struct feed_cursor *cursor, enum cursor_state state)
{
	CHECK(next_states[cursor->state] & 1U << state);
	cursor->state = state;
}

static void read_next(struct feed *feed);

/* ---- Taking ---- */

static void cursor_end(struct feed_cursor *cursor, struct refusal *refusal)
{
	feed_leave(cursor);
	cursor->options.end(cursor, refusal, cursor->options.data);
}

/* What of the events is past the position, from *offset on, in one piece. */
static struct feed_slice slice_at(const struct feed_cursor *cursor, struct feed_event *events,
	size_t count, size_t *offset)
{
	size_t from = *offset;
	while (from < count && events[from].sequence <= cursor->position[events[from].part])
		from++;
	size_t to = from;
	while (to < count && to - from < FEED_SLICE_MAX &&
		   events[to].sequence > cursor->position[events[to].part])
		to++;
	*offset = from;
	return (struct feed_slice){.events = events + from, .count = to - from};
}

/* False: there was no room, or it has left. */
static bool offer(struct feed_cursor *cursor, const struct feed_slice *slice)
{
	if (!cursor->options.take(cursor, slice, cursor->options.data)) {
		cursor->blocked = true;
		return false;
	}
	for (size_t i = 0; i < slice->count; i++)
		cursor->position[slice->events[i].part] = slice->events[i].sequence;
	return cursor->state != CURSOR_LEFT;
}

/* It has everything before the window. */
static bool may_live(const struct feed_cursor *cursor)
{
	const struct feed *feed = cursor->feed;
	for (int32_t i = 0; i < feed->parts; i++)
		if (cursor->position[i] < feed->window_after[i])
			return false;
	return true;
}

static void wait_to_read(struct feed_cursor *cursor)
{
	struct feed *feed = cursor->feed;
	if (cursor->is_waiting || feed->reading == cursor)
		return;
	cursor->is_waiting = true;
	cursor->next_waiting = NULL;
	*feed->waiting_last = cursor;
	feed->waiting_last = &cursor->next_waiting;
	read_next(feed);
}

/* Where a cursor that is not in the window goes on. */
static void settle(struct feed_cursor *cursor)
{
	struct feed *feed = cursor->feed;
	if (cursor->state != CURSOR_BEHIND || feed->state != FEED_FOLLOWING)
		return;
	if (may_live(cursor)) {
		cursor_set_state(cursor, CURSOR_LIVE);
		cursor->chunk = feed->oldest;
		cursor->offset = 0;
	} else if (!cursor->blocked) {
		wait_to_read(cursor);
	}
}

/* A slice from the window. True: there may be more. */
static bool take_live(struct feed_cursor *cursor)
{
	struct feed *feed = cursor->feed;
	if (cursor->blocked)
		return false;
	if (cursor->chunk < feed->oldest) {
		cursor_set_state(cursor, CURSOR_BEHIND);
		settle(cursor);
		return cursor->state == CURSOR_LIVE;
	}
	while (cursor->chunk < feed->next) {
		struct feed_chunk *chunk = feed->chunks[cursor->chunk % FEED_CHUNKS_MAX];
		struct feed_slice slice = slice_at(cursor, chunk->events, chunk->count, &cursor->offset);
		slice.arena = &chunk->arena;
		if (slice.count > 0) {
			bool taken = offer(cursor, &slice);
			if (cursor->state == CURSOR_LEFT)
				return false; /* and with it, perhaps, the window */
			window_count(feed, chunk);
			cursor->offset += taken ? slice.count : 0;
			return taken;
		}
		/* The newest may still grow. */
		if (cursor->chunk + 1 == feed->next)
			return false;
		cursor->chunk++;
		cursor->offset = 0;
	}
	return false;
}

static void cursor_free(struct feed_cursor *cursor)
{
	*cursor->back = cursor->next;
	if (cursor->next)
		cursor->next->back = cursor->back;
	free(cursor->position);
	free(cursor);
}

/* A slice for each, of a few in a turn of the loop: neither they nor anybody else waits for all. */
static void on_pump(uv_idle_t *idle)
{
	struct feed *feed = idle->data;
	if (!feed->pump_at) {
		feed->pump_at = feed->cursors;
		feed->pump_more = false;
	}
	for (size_t left = PUMP_CURSORS_MAX; left > 0 && feed->pump_at; left--) {
		struct feed_cursor *cursor = feed->pump_at;
		if (cursor->state == CURSOR_LIVE) {
			if (take_live(cursor))
				feed->pump_more = true;
		} else {
			settle(cursor);
		}
		feed->pump_at = cursor->next;
		/* on_read() comes for the one that reads. */
		if (cursor->state == CURSOR_LEFT && feed->reading != cursor)
			cursor_free(cursor);
	}
	bool calls = watches_call(feed->engine->live);
	if (!feed->pump_at && !feed->pump_more && !calls)
		uv_idle_stop(&feed->pump);
}

void feed_pump(struct feed *feed)
{
	feed->pump_more = true; /* also for those that this round has passed */
	uv_idle_start(&feed->pump, on_pump);
}

/* ---- Reading what is behind the window ---- */

static struct refusal *refusal_new(struct arena *arena, Stockbook__V1__Reason reason,
	const char *message, const struct feed_range *range)
{
	struct refusal *refusal = arena_alloc(arena, sizeof(*refusal));
	*refusal = (struct refusal){.reason = reason, .message = arena_string(arena, message)};
	refusal_add_pair(refusal, arena, "part", "%d", range->part);
	refusal_add_pair(refusal, arena, "sequence", "%lld", (long long)range->after);
	return refusal;
}

static void refuse_too_old(struct feed_cursor *cursor, const struct feed_range *range)
{
	struct arena *arena = &cursor->feed->page_arena;
	cursor_end(cursor,
		refusal_new(arena, STOCKBOOK__V1__REASON__REASON_POSITION_TOO_OLD,
			arena_printf(arena, "part '%d' has no longer what comes after sequence %lld",
				range->part, (long long)range->after),
			range));
}

static void refuse_too_new(struct feed_cursor *cursor, const struct feed_range *range)
{
	struct arena *arena = &cursor->feed->page_arena;
	struct refusal *refusal = refusal_new(arena, STOCKBOOK__V1__REASON__REASON_POSITION_TOO_NEW,
		arena_printf(arena,
			"part '%d' has not come to sequence %lld but to %lld: the position is"
			" of another book, or this one is older",
			range->part, (long long)range->after, (long long)range->head),
		range);
	refusal_add_pair(refusal, arena, "head", "%lld", (long long)range->head);
	cursor_end(cursor, refusal);
}

static void refuse_broken(struct feed_cursor *cursor, const struct fault *fault)
{
	struct refusal refusal = {.reason = STOCKBOOK__V1__REASON__REASON_INTERNAL,
		.message = arena_printf(&cursor->feed->page_arena, "reading the ledger failed: %s",
			fault->message)};
	cursor_end(cursor, &refusal);
}

static void ask_start(struct feed_cursor *cursor)
{
	struct feed *feed = cursor->feed;
	for (int32_t i = 0; i < feed->parts; i++) {
		int64_t after = cursor->from_now ? -1 : cursor->position[i];
		feed->page_ranges[i] = (struct feed_range){.part = i, .after = after, .until = after};
	}
	feed->page_range_count = (size_t)feed->parts;
	feed_start_ask(feed->statements, &feed->page_batch, feed->page_ranges, feed->page_range_count);
}

/* The parts of which the feed knows more share a page. False: there is none. */
static bool ask_page(struct feed_cursor *cursor)
{
	struct feed *feed = cursor->feed;
	int64_t news = 0;
	for (int32_t i = 0; i < feed->parts; i++)
		news += cursor->position[i] < feed->known[i];
	if (news == 0)
		return false;
	int64_t share = news < PAGE_EVENTS_MAX ? PAGE_EVENTS_MAX / news : 1;
	feed->page_range_count = 0;
	for (int32_t i = 0; i < feed->parts; i++) {
		int64_t after = cursor->position[i];
		int64_t until = after + share < feed->known[i] ? after + share : feed->known[i];
		if (after < until)
			feed->page_ranges[feed->page_range_count++] =
				(struct feed_range){.part = i, .after = after, .until = until};
	}
	feed_page_ask(feed->statements, &feed->page_batch, feed->page_ranges, feed->page_range_count);
	return true;
}

static void on_start_read(struct feed_cursor *cursor)
{
	struct feed *feed = cursor->feed;
	struct feed_page page;
	feed_start_read(&feed->page_batch, feed->page_ranges, feed->page_range_count, &feed->page_arena,
		&page);
	for (int32_t i = 0; i < feed->parts; i++) {
		const struct feed_range *range = &feed->page_ranges[i];
		if (cursor->from_now)
			cursor->position[i] = range->head > 0 ? range->head : 0;
		else if (range->head < range->after) {
			refuse_too_new(cursor, range);
			return;
		}
	}
	cursor->from_now = false;
	cursor_set_state(cursor, CURSOR_BEHIND);
	if (!cursor->begun) {
		struct feed_slice seen = {page.events, page.count, &feed->page_arena};
		cursor->begun = true;
		cursor->options.begin(cursor, &seen, cursor->options.data);
	}
}

static void on_page_read(struct feed_cursor *cursor)
{
	struct feed *feed = cursor->feed;
	struct feed_page page;
	switch (feed_page_read(&feed->page_batch, feed->page_ranges, feed->page_range_count,
		&feed->page_arena, &page)) {
	case FEED_PAGE_HOLE:
		refuse_too_old(cursor, page.hole);
		return;
	case FEED_PAGE_BACK:
		refuse_too_new(cursor, page.hole);
		return;
	case FEED_PAGE_READ:
		break;
	}
	metric_add(feed->metrics.pages, 1);
	size_t offset = 0;
	while (offset < page.count) {
		struct feed_slice slice = slice_at(cursor, page.events, page.count, &offset);
		slice.arena = &feed->page_arena;
		if (slice.count == 0 || !offer(cursor, &slice))
			return;
		offset += slice.count;
	}
}

static void on_read(struct db_batch *batch, const struct fault *fault)
{
	struct feed *feed = batch->data;
	struct feed_cursor *cursor = feed->reading;
	feed->reading = NULL;
	if (feed->state == FEED_CLOSED)
		return;
	if (cursor->state == CURSOR_LEFT) {
		/* freed by the pump */
	} else if (fault && fault->kind == FAULT_BUG) {
		refuse_broken(cursor, fault);
	} else if (fault || feed->reads_start != (cursor->state == CURSOR_STARTING)) {
		wait_to_read(cursor);
	} else if (feed->reads_start) {
		on_start_read(cursor);
	} else {
		on_page_read(cursor);
	}
	settle(cursor);
	read_next(feed);
	feed_pump(feed);
}

/* False: it needs nothing now. */
static bool ask_for(struct feed_cursor *cursor)
{
	struct feed *feed = cursor->feed;
	if (cursor->state != CURSOR_STARTING && cursor->state != CURSOR_BEHIND)
		return false;
	if (cursor->state == CURSOR_BEHIND && feed->state != FEED_FOLLOWING)
		return false;
	arena_reset(&feed->page_arena);
	db_batch_init(&feed->page_batch, &feed->page_arena);
	feed->page_batch.done = on_read;
	feed->page_batch.data = feed;
	feed->reads_start = cursor->state == CURSOR_STARTING;
	if (!feed->reads_start)
		return ask_page(cursor);
	ask_start(cursor);
	return true;
}

static void read_next(struct feed *feed)
{
	if (!feed->catch_up || !feed->engine->schema_fits)
		return;
	while (!feed->reading && feed->waiting && db_connection_accepts(feed->catch_up)) {
		struct feed_cursor *cursor = feed->waiting;
		feed->waiting = cursor->next_waiting;
		if (!feed->waiting)
			feed->waiting_last = &feed->waiting;
		cursor->is_waiting = false;
		if (!ask_for(cursor))
			continue;
		feed->reading = cursor;
		db_submit(feed->catch_up, &feed->page_batch);
	}
}

/* ---- From the follower ---- */

void cursors_wake(struct feed *feed)
{
	feed_pump(feed);
	read_next(feed);
}

void cursors_connected(struct feed *feed)
{
	read_next(feed);
}

void cursors_restart(struct feed *feed)
{
	for (struct feed_cursor *cursor = feed->cursors; cursor; cursor = cursor->next) {
		if (cursor->state == CURSOR_LEFT)
			continue;
		cursor_set_state(cursor, CURSOR_STARTING);
		wait_to_read(cursor);
	}
}

static void on_tick(uv_timer_t *timer)
{
	struct feed *feed = timer->data;
	int64_t now_us = engine_clock_us();
	read_next(feed); /* the schema may have been found to fit since */
	if (!feed_is_current(feed, now_us))
		return;
	/* LEFT ones stay in the list until the pump's turn. */
	for (struct feed_cursor *cursor = feed->cursors; cursor; cursor = cursor->next)
		if (cursor->state == CURSOR_LIVE && !cursor->blocked)
			cursor->options.tick(cursor, now_us, cursor->options.data);
}

void cursors_open(struct feed *feed)
{
	uv_loop_t *loop = feed->engine->loop;
	arena_init(&feed->page_arena);
	feed->page_ranges =
		arena_alloc_array(&feed->engine->arena, (size_t)feed->parts, sizeof(*feed->page_ranges));
	feed->waiting_last = &feed->waiting;
	CHECK(uv_idle_init(loop, &feed->pump) == 0);
	CHECK(uv_timer_init(loop, &feed->tick) == 0);
	feed->pump.data = feed->tick.data = feed;
	feed->engine->open += 2;
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct feed *feed = handle->data;
	engine_closed_one(feed->engine);
}

void cursors_close(struct feed *feed)
{
	struct refusal refusal = {.reason = STOCKBOOK__V1__REASON__REASON_UNAVAILABLE,
		.message = (char *)"server is shutting down"};
	struct feed_cursor *next;
	for (struct feed_cursor *cursor = feed->cursors; cursor; cursor = next) {
		if (cursor->state != CURSOR_LEFT)
			cursor_end(cursor, &refusal);
		next = cursor->next;
		cursor_free(cursor);
	}
	feed->reading = feed->waiting = feed->pump_at = NULL;
	uv_close((uv_handle_t *)&feed->pump, on_handle_closed);
	uv_close((uv_handle_t *)&feed->tick, on_handle_closed);
}

/* ---- From outside ---- */

struct feed_cursor *engine_follow(struct engine *engine, const struct feed_options *options)
{
	struct feed *feed = engine->feed;
	CHECK(options->take && options->begin && options->tick && options->end);
	if (engine->closing || feed->cursor_count >= FEED_CURSORS_MAX)
		return NULL;
	size_t parts = (size_t)feed->parts;
	struct feed_cursor *cursor = calloc(1, sizeof(*cursor));
	CHECK(cursor != NULL);
	cursor->position = calloc(parts, sizeof(*cursor->position));
	CHECK(cursor->position != NULL);
	cursor->feed = feed;
	cursor->options = *options;
	cursor->options.from = NULL; /* the caller's */
	cursor->state = CURSOR_STARTING;
	cursor->from_now = options->from == NULL;
	if (options->from)
		memcpy(cursor->position, options->from, parts * sizeof(*cursor->position));
	cursor->next = feed->cursors;
	cursor->back = &feed->cursors;
	if (cursor->next)
		cursor->next->back = &cursor->next;
	feed->cursors = cursor;
	metric_set(feed->metrics.cursors, (int64_t)++feed->cursor_count);
	if (!uv_is_active((uv_handle_t *)&feed->tick))
		uv_timer_start(&feed->tick, on_tick, TICK_MS, TICK_MS);
	feed_use(feed);
	wait_to_read(cursor);
	return cursor;
}

void feed_resume(struct feed_cursor *cursor)
{
	CHECK(cursor->state != CURSOR_LEFT);
	cursor->blocked = false;
	feed_pump(cursor->feed);
}

static void wait_no_more(struct feed_cursor *cursor)
{
	struct feed *feed = cursor->feed;
	struct feed_cursor **link = &feed->waiting;
	while (*link != cursor)
		link = &(*link)->next_waiting;
	*link = cursor->next_waiting;
	if (!*link)
		feed->waiting_last = link;
	cursor->is_waiting = false;
}

void feed_leave(struct feed_cursor *cursor)
{
	struct feed *feed = cursor->feed;
	cursor_set_state(cursor, CURSOR_LEFT);
	if (cursor->is_waiting)
		wait_no_more(cursor);
	metric_set(feed->metrics.cursors, (int64_t)--feed->cursor_count);
	feed_pump(feed); /* frees it */
	if (feed->cursor_count > 0)
		return;
	uv_timer_stop(&feed->tick);
	feed_disuse(feed);
}

const int64_t *feed_position(const struct feed_cursor *cursor)
{
	return cursor->position;
}
