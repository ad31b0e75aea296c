/* Confirm: the two queues, and when it is worth it. */
#include "engine/confirm.h"

#include <stdlib.h>

#include "engine/feed_private.h"
#include "engine/following.h"
#include "engine/live_private.h"
#include "observe/log.h"
#include "observe/metrics.h"

#define NOT_DECIDED UINT64_MAX
/* A message of so many bytes asks for many rows: that all are known is less likely, and trying costs
 * more. */
#define LARGE_SIZE 512
/* Trying in vain may cost a read so much, on average; beyond so much of it at once none is tried. */
#define VAIN_US 4
#define VAIN_US_MAX 500
/* What is decided from memory would have cost at least so many times as much to read. */
#define SAVED_FACTOR 2
#define KINDS_MAX 4
/* A row that had moved is read again with the next question; small reads wait for that. */
#define RIDES_MAX 2

/* Reads that are likely to fare alike: of an operation, small or large. */
struct kind {
	const struct operation *operation;
	bool large;
	int64_t vain_us; /* what was tried in vain, less what reads may cost and what they saved */
};

struct confirm {
	struct engine *engine;
	struct fair_queue waiting; /* for a question */
	struct queue asked;        /* their question is on its way */
	struct queue told;         /* being answered */
	bool incomplete;           /* an answer has left something out already */
	struct kind kinds[KINDS_MAX];
	struct following following;
	struct following_window window;
	int64_t window_us;
	int64_t window_began_us;
	uint64_t events; /* of the feed, when the window began */
	struct metric *confirmed;
	struct metric *from_database;
	struct metric *follows;
};

struct confirm *confirm_open(struct engine *engine)
{
	struct confirm *confirm = calloc(1, sizeof(*confirm));
	CHECK(confirm != NULL);
	const struct engine_settings *settings = &engine->settings;
	confirm->engine = engine;
	confirm->following.reads_min = settings->fresh_reads_min;
	confirm->window_us = (int64_t)settings->fresh_window_ms * 1000;
	const char *help = "Fresh reads that memory might answer";
	confirm->confirmed = metric_counter("stockbook_fresh_reads_total", help, "from=\"memory\"");
	confirm->from_database =
		metric_counter("stockbook_fresh_reads_total", help, "from=\"database\"");
	confirm->follows = metric_gauge("stockbook_fresh_reads_follow",
		"1 while the ledger is followed for the sake of fresh reads", NULL);
	return confirm;
}

void confirm_free(struct confirm *confirm)
{
	fair_queue_release(&confirm->waiting);
	free(confirm);
}

bool confirm_follows(const struct confirm *confirm)
{
	return confirm->following.follows;
}

size_t confirm_count(const struct confirm *confirm)
{
	return confirm->waiting.count + confirm->asked.count;
}

size_t confirm_count_of(const struct confirm *confirm, const struct engine_caller *caller)
{
	return fair_queue_count_of(&confirm->waiting, caller);
}

bool confirm_wants(const struct confirm *confirm)
{
	return confirm->waiting.count > 0;
}

/* ---- To the readers ---- */

static void give_to_readers(struct confirm *confirm, struct queue *requests)
{
	struct queue reversed = {0};
	for (struct engine_request *request; (request = queue_pop(requests));)
		queue_push_front(&reversed, request);
	for (struct engine_request *request; (request = queue_pop(&reversed));) {
		request->response = NULL;
		request->response_size = 0;
		metric_add(confirm->from_database, 1);
		/* It had its turn. */
		fair_queue_push_front(&confirm->engine->reads, request);
	}
}

void confirm_give_back(struct confirm *confirm)
{
	struct queue all = confirm->asked;
	confirm->asked = (struct queue){0};
	confirm->incomplete = false;
	for (struct engine_request *request; (request = fair_queue_pop(&confirm->waiting));)
		queue_push(&all, request);
	give_to_readers(confirm, &all);
}

/* ---- Deciding ---- */

/* With what the feed has told so far; moment_us, unless it is 0: not with what is newer than that. */
static bool decide(struct confirm *confirm, struct engine_request *request, int64_t moment_us,
	bool *waits)
{
	struct live *live = confirm->engine->live;
	struct recall recall = {
		.live = live,
		.oldest_us = confirm->engine->feed->current_us,
		.settled_us = moment_us,
		.as_of_us = INT64_MAX,
	};
	bool decided = live_decide(live, request, &recall);
	request->decided_at = decided ? live->told : NOT_DECIDED;
	*waits = recall.waits;
	return decided;
}

static bool is_large(const struct engine_request *request)
{
	return request->size > LARGE_SIZE;
}

static struct kind *kind_of(struct confirm *confirm, const struct engine_request *request)
{
	size_t i = 0;
	for (; i < KINDS_MAX - 1 && confirm->kinds[i].operation; i++)
		if (confirm->kinds[i].operation == request->operation &&
			confirm->kinds[i].large == is_large(request))
			break;
	confirm->kinds[i].operation = request->operation;
	confirm->kinds[i].large = is_large(request);
	return &confirm->kinds[i];
}

/* As decide(), and counts what it cost. waits: it could not be, but will be with the next answer. */
static bool try(struct confirm *confirm, struct engine_request *request, int64_t moment_us,
	bool *waits)
{
	struct kind *kind = kind_of(confirm, request);
	int64_t began_us = engine_clock_us();
	bool decided = decide(confirm, request, moment_us, waits);
	int64_t took_us = engine_clock_us() - began_us;
	*waits = *waits && !decided && !is_large(request);
	kind->vain_us += decided || *waits ? -SAVED_FACTOR * took_us : took_us;
	if (kind->vain_us < 0)
		kind->vain_us = 0;
	return decided;
}

/* Whether memory has what it asks for, or will have it with the next answer. */
static bool is_known(struct confirm *confirm, struct engine_request *request)
{
	struct kind *kind = kind_of(confirm, request);
	kind->vain_us -= kind->vain_us < VAIN_US ? kind->vain_us : VAIN_US;
	bool waits;
	return kind->vain_us <= VAIN_US_MAX && (try(confirm, request, 0, &waits) || waits);
}

bool confirm_takes(struct confirm *confirm, struct engine_request *request, enum queue_room *room)
{
	const struct engine *engine = confirm->engine;
	if (!request->recalls)
		return false;
	confirm->window.reads++;
	if (!confirm->following.follows || !feed_confirms(engine->feed) ||
		!is_known(confirm, request)) {
		metric_add(confirm->from_database, 1);
		return false;
	}
	const struct engine_caller *caller = request->caller;
	*room = queue_room(request,
		fair_queue_count_of(&engine->reads, caller) + confirm_count_of(confirm, caller),
		engine->reads.count + engine->late.count + confirm->waiting.count,
		engine->settings.queue_operations_max);
	if (*room == QUEUE_HAS_ROOM)
		fair_queue_push(&confirm->waiting, request);
	return true;
}

/* ---- From the feed ---- */

void confirm_asked(struct confirm *confirm)
{
	int64_t now_us = engine_clock_us();
	while (confirm->asked.count < CONFIRM_READS_MAX && confirm->waiting.count > 0) {
		struct engine_request *request = fair_queue_pop(&confirm->waiting);
		if (request_is_over(request, now_us)) {
			engine_give_up(confirm->engine, request, false);
		} else {
			request->rides++;
			queue_push(&confirm->asked, request);
		}
	}
}

void confirm_incomplete(struct confirm *confirm)
{
	/* Far behind: the database itself is asked sooner. */
	if (confirm->incomplete)
		confirm_give_back(confirm);
	else
		confirm->incomplete = confirm->asked.count > 0;
}

void confirm_told(struct confirm *confirm)
{
	CHECK(confirm->told.count == 0);
	confirm->told = confirm->asked;
	confirm->asked = (struct queue){0};
	confirm->incomplete = false;
}

/* waits: it would be with the next answer. */
static bool is_answered(struct confirm *confirm, struct engine_request *request, bool *waits)
{
	const struct feed *feed = confirm->engine->feed;
	*waits = false;
	if (!feed_has_come_to(feed, request->at_least))
		return false;
	/* Nothing was told since it was decided: so it is what it would be now. */
	return request->decided_at == confirm->engine->live->told ||
		   try(confirm, request, feed->current_us, waits);
}

static void answer(struct confirm *confirm, struct engine_request *request)
{
	request->outcome = ENGINE_DONE;
	request->age_us = 0;
	confirm->window.confirmed++;
	metric_add(confirm->confirmed, 1);
	engine_answer(confirm->engine, request);
}

void confirm_answer(struct confirm *confirm)
{
	struct queue left = {0}, again = {0};
	int64_t now_us = engine_clock_us();
	for (struct engine_request *request; (request = queue_pop(&confirm->told));) {
		bool waits;
		if (request_is_over(request, now_us)) {
			engine_give_up(confirm->engine, request, false);
		} else if (is_answered(confirm, request, &waits)) {
			answer(confirm, request);
		} else if (waits && request->rides < RIDES_MAX) {
			queue_push_front(&again, request);
		} else {
			queue_push(&left, request);
		}
	}
	while (again.count > 0)
		fair_queue_push_front(&confirm->waiting, queue_pop(&again));
	give_to_readers(confirm, &left);
}

/* ---- Time ---- */

static void end_window(struct confirm *confirm, int64_t now_us)
{
	struct live *live = confirm->engine->live;
	const struct feed *feed = confirm->engine->feed;
	if (now_us - confirm->window_began_us < confirm->window_us)
		return;
	confirm->window.events = (int64_t)(feed->event_count - confirm->events);
	confirm->window.followed_anyway =
		live->old_reads || live->watch_count > 0 || feed->cursor_count > 0;
	bool followed = confirm->following.follows;
	bool follows = following_decide(&confirm->following, &confirm->window);
	if (live->engine->settings.cache_bytes_max == 0)
		follows = confirm->following.follows = false;
	if (follows != followed) {
		log_debug("fresh reads", log_text("confirmed", follows ? "yes" : "no"),
			log_integer("reads", confirm->window.reads),
			log_integer("from_memory", confirm->window.confirmed),
			log_integer("events", confirm->window.events));
		metric_set(confirm->follows, follows);
		if (!follows)
			confirm_give_back(confirm);
		live_keep_for_fresh(live, follows);
	}
	confirm->window = (struct following_window){0};
	confirm->window_began_us = now_us;
	confirm->events = feed->event_count;
}

void confirm_tick(struct confirm *confirm, int64_t now_us, struct queue *over)
{
	fair_queue_sift(&confirm->waiting, now_us, over);
	queue_sift(&confirm->asked, now_us, over);
	if (confirm_count(confirm) > 0 && !feed_confirms(confirm->engine->feed))
		confirm_give_back(confirm);
	end_window(confirm, now_us);
}
