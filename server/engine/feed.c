/* Feed: following, and the window. */
#include "engine/feed.h"

#include <string.h>

#include "engine/confirm.h"
#include "engine/feed_private.h"
#include "engine/live.h"
#include "observe/log.h"

#define INTERVAL_MS_MIN 5
#define INTERVAL_MS_MAX 200
/* The database works for us at most this share of the time. */
#define REST_FACTOR 4
/* Events of all parts that are asked for at once; of one part never fewer than so many. */
#define POLL_EVENTS_MAX 16384
#define POLL_EVENTS_PART_MIN 4
#define POLL_EVENTS_PART_MAX 1024
#define WINDOW_BYTES_MAX ((size_t)16 << 20)
/* A chunk takes what comes until it has this much. */
#define CHUNK_BYTES_FULL ((size_t)64 << 10)
#define CURRENT_US_MAX INT64_C(2000000)
/* A question that takes longer is not waited for by fresh reads. */
#define CONFIRM_US_MAX INT64_C(50000)

#define STATE(state) (1U << FEED_##state)

static const struct {
	const char *name;
	unsigned next;
} states[FEED_STATES] = {
	[FEED_IDLE] = {"idle", STATE(STARTING) | STATE(CLOSED)},
	[FEED_STARTING] = {"starting", STATE(FOLLOWING) | STATE(IDLE) | STATE(CLOSED)},
	[FEED_FOLLOWING] = {"following", STATE(STARTING) | STATE(IDLE) | STATE(CLOSED)},
	[FEED_CLOSED] = {"closed", 0},
};

/* As the readers': a round trip sees one moment of the book. */
static const struct db_setting session[] = {
	ENGINE_SESSION,
	{"default_transaction_isolation", "repeatable read"},
	{"default_transaction_read_only", "on"},
};

static void on_answered(struct db_batch *batch, const struct fault *fault);

static void feed_set_state(struct feed *feed, enum feed_state state)
{
	CHECK(states[feed->state].next & 1U << state);
	feed->state = state;
	log_debug("feed changed its state", log_text("state", states[state].name));
}

/* ---- The window ---- */

static struct feed_chunk **chunk_at(struct feed *feed, uint64_t serial)
{
	return &feed->chunks[serial % FEED_CHUNKS_MAX];
}

static void window_drop_oldest(struct feed *feed)
{
	struct feed_chunk *chunk = *chunk_at(feed, feed->oldest);
	for (size_t i = 0; i < chunk->count; i++)
		if (chunk->events[i].sequence > feed->window_after[chunk->events[i].part])
			feed->window_after[chunk->events[i].part] = chunk->events[i].sequence;
	*chunk_at(feed, feed->oldest++) = NULL;
	feed->window_bytes -= chunk->bytes;
	arena_release(&chunk->arena);
	free(chunk);
}

static void window_clear(struct feed *feed)
{
	while (feed->oldest < feed->next)
		window_drop_oldest(feed);
	metric_set(feed->metrics.window, 0);
}

void window_count(struct feed *feed, struct feed_chunk *chunk)
{
	feed->window_bytes += chunk->arena.allocated - chunk->bytes;
	chunk->bytes = chunk->arena.allocated;
}

/* The newest, while it has room. */
static struct feed_chunk *window_chunk(struct feed *feed)
{
	if (feed->oldest < feed->next) {
		struct feed_chunk *newest = *chunk_at(feed, feed->next - 1);
		if (newest->arena.allocated < CHUNK_BYTES_FULL)
			return newest;
	}
	if (feed->next - feed->oldest == FEED_CHUNKS_MAX)
		window_drop_oldest(feed);
	struct feed_chunk *chunk = calloc(1, sizeof(*chunk));
	CHECK(chunk != NULL);
	arena_init(&chunk->arena);
	*chunk_at(feed, feed->next++) = chunk;
	return chunk;
}

static void window_add(struct feed_chunk *chunk, const struct feed_page *page)
{
	for (size_t i = 0; i < page->count; i++) {
		chunk->events = arena_grow(&chunk->arena, chunk->events, chunk->count, &chunk->capacity,
			sizeof(*chunk->events));
		chunk->events[chunk->count++] = page->events[i];
	}
}

/* All but the newest, which is bounded by what is asked for at once. */
static void window_bound(struct feed *feed)
{
	/* Without cursors nobody will come back to it. */
	size_t most = feed->cursor_count > 0 ? WINDOW_BYTES_MAX : 0;
	while (feed->window_bytes > most && feed->oldest + 1 < feed->next)
		window_drop_oldest(feed);
	metric_set(feed->metrics.window, (int64_t)feed->window_bytes);
}

/* ---- Asking ---- */

static void ask_in(struct feed *feed, uint64_t ms);

static int64_t events_of_a_part(const struct feed *feed)
{
	int64_t most = POLL_EVENTS_MAX / feed->parts;
	if (most > POLL_EVENTS_PART_MAX)
		return POLL_EVENTS_PART_MAX;
	return most < POLL_EVENTS_PART_MIN ? POLL_EVENTS_PART_MIN : most;
}

static void ranges_set(struct feed *feed, bool starts)
{
	for (int32_t i = 0; i < feed->parts; i++) {
		int64_t after = starts ? -1 : feed->known[i];
		int64_t until = starts ? -1 : after + events_of_a_part(feed);
		feed->ranges[i] = (struct feed_range){.part = i, .after = after, .until = until};
	}
}

/* Whether there is news, or all of it at once where that is likely. */
static void ask(struct feed *feed)
{
	if (feed->asking || feed->state == FEED_IDLE || feed->state == FEED_CLOSED ||
		!feed->engine->schema_fits || !db_connection_accepts(feed->connection))
		return; /* on_connection(), or the timer again */
	arena_reset(&feed->arena);
	db_batch_init(&feed->batch, &feed->arena);
	feed->batch.done = on_answered;
	feed->batch.data = feed;
	bool starts = feed->state == FEED_STARTING;
	struct live *live = feed->engine->live;
	feed->asks_all = feed->had_news || feed->hinted || live_waits(live);
	if (starts) {
		ranges_set(feed, true);
		feed_start_ask(feed->statements, &feed->batch, feed->ranges, (size_t)feed->parts);
	} else if (feed->asks_all) {
		ranges_set(feed, false);
		feed_page_ask(feed->statements, &feed->batch, feed->ranges, (size_t)feed->parts);
		live_ask(live, &feed->batch);
	} else {
		feed_news_ask(feed->statements, &feed->batch, feed->known, (size_t)feed->parts);
	}
	if (!starts)
		confirm_asked(feed->engine->confirm);
	feed->asking = true;
	feed->stale = feed->hinted = false;
	feed->asked_us = engine_clock_us();
	db_submit(feed->connection, &feed->batch);
}

static void on_timer(uv_timer_t *timer)
{
	struct feed *feed = timer->data;
	ask(feed);
	/* Where it could not ask: again, in case nobody says when it can. */
	if (!feed->asking && feed->state != FEED_IDLE)
		ask_in(feed, INTERVAL_MS_MAX);
}

static void ask_in(struct feed *feed, uint64_t ms)
{
	uv_timer_start(&feed->timer, on_timer, ms, 0);
}

void feed_hint(struct feed *feed)
{
	if (feed->state != FEED_FOLLOWING)
		return;
	feed->hinted = true;
	feed->interval_ms = INTERVAL_MS_MIN;
	if (!feed->asking && uv_timer_get_due_in(&feed->timer) > INTERVAL_MS_MIN)
		ask_in(feed, INTERVAL_MS_MIN);
}

bool feed_confirms(const struct feed *feed)
{
	if (feed->state != FEED_FOLLOWING)
		return false;
	return feed->asking ? engine_clock_us() - feed->asked_us < CONFIRM_US_MAX
						: db_connection_accepts(feed->connection);
}

void feed_confirm(struct feed *feed)
{
	if (feed->state == FEED_FOLLOWING && !feed->asking)
		ask(feed);
}

/* ---- What comes back ---- */

static void started(struct feed *feed)
{
	struct feed_page page;
	feed_start_read(&feed->batch, feed->ranges, (size_t)feed->parts, &feed->arena, &page);
	for (int32_t i = 0; i < feed->parts; i++) {
		feed->known[i] = feed->ranges[i].head > 0 ? feed->ranges[i].head : 0;
		feed->window_after[i] = feed->known[i];
	}
	feed->current_us = feed->asked_us;
	feed->interval_ms = INTERVAL_MS_MIN;
	feed_set_state(feed, FEED_FOLLOWING);
	live_started(feed->engine->live);
	cursors_wake(feed);
}

/* What is known is not what is there: the ledger was shortened while it could not be reached, or the
 * database is an older one. From here on it is followed from where it stands now. */
static void lose_place(struct feed *feed, enum feed_page_state why, const struct feed_range *hole)
{
	log_error(why == FEED_PAGE_BACK ? "the ledger is older than it was"
									: "the ledger lacks what the feed has not seen yet",
		log_integer("part", hole->part), log_integer("sequence", hole->after),
		log_integer("head", hole->head));
	window_clear(feed);
	feed_set_state(feed, FEED_STARTING);
	confirm_give_back(feed->engine->confirm);
	live_lost(feed->engine->live);
	cursors_restart(feed);
}

/* What is new. False: the place is lost. */
static bool absorb_news(struct feed *feed, bool *more)
{
	struct feed_chunk *chunk = window_chunk(feed);
	struct feed_page page;
	enum feed_page_state state =
		feed_page_read(&feed->batch, feed->ranges, (size_t)feed->parts, &chunk->arena, &page);
	if (state == FEED_PAGE_READ)
		window_add(chunk, &page);
	window_count(feed, chunk);
	if (state != FEED_PAGE_READ) {
		lose_place(feed, state, page.hole);
		return false;
	}
	for (int32_t i = 0; i < feed->parts; i++) {
		const struct feed_range *range = &feed->ranges[i];
		feed->known[i] = range->head < range->until ? range->head : range->until;
		*more = *more || range->head > range->until;
	}
	feed->event_count += page.count;
	metric_add(feed->metrics.events, (int64_t)page.count);
	if (page.count > 0)
		metric_observe(feed->metrics.lag, engine_now_us() - page.events[page.count - 1].change->at);
	live_events(feed->engine->live, page.events, page.count, feed->current_us);
	window_bound(feed);
	cursors_wake(feed);
	return true;
}

/* True: there is more at once. */
static bool absorb(struct feed *feed)
{
	struct live *live = feed->engine->live;
	bool news = db_rows_count(db_batch_rows(&feed->batch, 0)) > 0;
	bool more = false;
	feed->had_news = news;
	if (news && !feed->asks_all)
		return true; /* the next question is what it is */
	if (news && !absorb_news(feed, &more))
		return true;
	if (!more)
		feed->current_us = feed->asked_us;
	live_absorb(live, &feed->batch);
	if (news || live_waits(live))
		feed->interval_ms = INTERVAL_MS_MIN;
	else if (feed->interval_ms < INTERVAL_MS_MAX)
		feed->interval_ms *= 2;
	return more;
}

static void on_answered(struct db_batch *batch, const struct fault *fault)
{
	struct feed *feed = batch->data;
	feed->asking = false;
	if (feed->state == FEED_CLOSED || feed->state == FEED_IDLE)
		return;
	struct confirm *confirm = feed->engine->confirm;
	if (feed->stale || fault)
		confirm_give_back(confirm);
	if (feed->stale) {
		ask_in(feed, 0);
		return;
	}
	if (fault) {
		if (fault->kind == FAULT_BUG)
			log_error("feed's question failed", log_text("error", fault->message));
		ask_in(feed, INTERVAL_MS_MAX); /* or when the connection is back */
		return;
	}
	bool more = false;
	if (feed->state == FEED_STARTING)
		started(feed);
	else
		more = absorb(feed);
	if (feed->interval_ms > INTERVAL_MS_MAX)
		feed->interval_ms = INTERVAL_MS_MAX;
	uint64_t rest_ms = (uint64_t)(engine_clock_us() - feed->asked_us) / 1000 * REST_FACTOR;
	uint64_t interval_ms = feed->hinted ? INTERVAL_MS_MIN : feed->interval_ms;
	if (rest_ms > INTERVAL_MS_MAX)
		rest_ms = INTERVAL_MS_MAX;
	ask_in(feed, more ? 0 : interval_ms > rest_ms ? interval_ms : rest_ms);
	if (feed->state != FEED_FOLLOWING)
		return;
	if (!more)
		confirm_told(confirm);
	else if (feed->asks_all)
		confirm_incomplete(confirm);
	/* Without news the next question is on its way while these are answered; with news some of them may
	 * have to ride on it. */
	if (!feed->had_news && confirm_count(confirm) > 0)
		ask(feed);
	confirm_answer(confirm);
	if (confirm_count(confirm) > 0)
		ask(feed);
}

bool feed_has_come_to(const struct feed *feed, const int64_t *at_least)
{
	if (!at_least)
		return true;
	for (int32_t i = 0; i < feed->parts; i++)
		if (at_least[i] > (feed->state == FEED_FOLLOWING ? feed->known[i] : 0))
			return false;
	return true;
}

bool feed_is_current(const struct feed *feed, int64_t now_us)
{
	return feed->state == FEED_FOLLOWING && now_us - feed->current_us < CURRENT_US_MAX;
}

/* ---- Beginning and ending ---- */

static void on_connection(struct db_connection *connection, enum db_state from, enum db_state to,
	void *data)
{
	struct feed *feed = data;
	(void)from;
	(void)connection;
	if (to != DB_STATE_READY || feed->state == FEED_IDLE || feed->state == FEED_CLOSED)
		return;
	/* Perhaps with another server, which knows less: nothing is to be trusted to memory. */
	if (feed->state == FEED_FOLLOWING) {
		confirm_give_back(feed->engine->confirm);
		live_lost(feed->engine->live);
	}
	ask_in(feed, 0);
}

static void on_catch_up(struct db_connection *connection, enum db_state from, enum db_state to,
	void *data)
{
	struct feed *feed = data;
	(void)from;
	(void)connection;
	if (to == DB_STATE_READY && feed->state != FEED_CLOSED)
		cursors_connected(feed);
}

static struct db_connection *open_connection(struct feed *feed, const char *name,
	void (*changed)(struct db_connection *, enum db_state, enum db_state, void *))
{
	const struct engine_settings *settings = &feed->engine->settings;
	feed->engine->open++;
	return db_connection_open(feed->engine->loop,
		&(struct db_options){
			.uri = settings->database,
			.name = name,
			.role = settings->role,
			.settings = session,
			.setting_count = ARRAY_COUNT(session),
			.batch_deadline_ms = settings->batch_deadline_ms,
			.changed = changed,
			.data = feed,
		});
}

void feed_use(struct feed *feed)
{
	if (feed->state != FEED_IDLE)
		return;
	feed_set_state(feed, FEED_STARTING);
	if (!feed->connection) {
		feed->connection = open_connection(feed, "feed", on_connection);
		feed->catch_up = open_connection(feed, "feed catch-up", on_catch_up);
	}
	ask_in(feed, 0);
}

void feed_disuse(struct feed *feed)
{
	if (feed->cursor_count > 0 || live_follows(feed->engine->live) || feed->state == FEED_IDLE ||
		feed->state == FEED_CLOSED)
		return;
	uv_timer_stop(&feed->timer);
	window_clear(feed);
	confirm_give_back(feed->engine->confirm);
	feed->stale = true;
	policy_followed(feed->engine->policy, 0);
	feed_set_state(feed, FEED_IDLE);
}

static void metrics_register(struct feed *feed)
{
	feed->metrics = (struct feed_metrics){
		.cursors = metric_gauge("stockbook_feed_cursors", "Who follows the ledger", NULL),
		.events = metric_counter("stockbook_feed_events_total", "Events that were followed", NULL),
		.window = metric_gauge("stockbook_feed_window_bytes", "Latest events in memory", NULL),
		.pages = metric_counter("stockbook_feed_pages_total",
			"Pages read for those who were behind", NULL),
		.lag = metric_timing("stockbook_feed_lag_seconds",
			"From an event's time to its being followed", NULL),
	};
}

struct feed *feed_open(struct engine *engine)
{
	struct feed *feed = calloc(1, sizeof(*feed));
	CHECK(feed != NULL);
	feed->engine = engine;
	feed->statements = feed_statements_new();
	feed->parts = engine->settings.limits.parts + 1;
	arena_init(&feed->arena);
	size_t parts = (size_t)feed->parts;
	feed->ranges = arena_alloc_array(&engine->arena, parts, sizeof(*feed->ranges));
	feed->known = arena_alloc_array(&engine->arena, parts, sizeof(*feed->known));
	feed->window_after = arena_alloc_array(&engine->arena, parts, sizeof(*feed->window_after));
	CHECK(uv_timer_init(engine->loop, &feed->timer) == 0);
	feed->timer.data = feed;
	engine->open++;
	metrics_register(feed);
	cursors_open(feed);
	return feed;
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct feed *feed = handle->data;
	engine_closed_one(feed->engine);
}

void feed_close(struct feed *feed)
{
	cursors_close(feed);
	window_clear(feed);
	confirm_give_back(feed->engine->confirm);
	feed_set_state(feed, FEED_CLOSED);
	if (feed->connection) {
		db_connection_close(feed->connection, engine_closed_one, feed->engine);
		db_connection_close(feed->catch_up, engine_closed_one, feed->engine);
	}
	uv_close((uv_handle_t *)&feed->timer, on_timer_closed);
}

void feed_free(struct feed *feed)
{
	feed_statements_free(feed->statements);
	arena_release(&feed->arena);
	arena_release(&feed->page_arena);
	free(feed);
}
