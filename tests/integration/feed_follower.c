#include "feed_follower.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <xxhash.h>

#include "support/database.h"

#define WAIT_US 60000000

static uint64_t event_hash(const struct feed_event *event)
{
	const struct {
		int64_t numbers[6];
	} facts = {{
		event->part,
		event->sequence,
		event->movement ? event->movement->quantity : -1,
		event->movement ? event->movement->from_state * 100 + event->movement->to_state : 0,
		event->change->sequence,
		event->change->document_kind,
	}};
	return XXH3_64bits(&facts, sizeof(facts)) + XXH3_64bits(event->change->request_id.bytes, 16) +
		   (event->movement ? XXH3_64bits(event->movement->sku, strlen(event->movement->sku)) : 0);
}

static void check_event(const struct feed_event *event, int64_t before)
{
	assert_int_equal(event->sequence, before + 1);
	assert_non_null(event->change);
	assert_int_equal(event->change->part, event->part);
	if (event->movement) {
		assert_int_equal(event->movement->part, event->part);
		assert_int_equal(event->movement->sequence, event->sequence);
		assert_int_equal(event->movement->change_sequence, event->change->sequence);
		assert_true(event->change->sequence > event->sequence);
	} else {
		assert_int_equal(event->change->sequence, event->sequence);
	}
}

static bool on_take(struct feed_cursor *cursor, const struct feed_slice *slice, void *data)
{
	struct follower *follower = data;
	assert_ptr_equal(cursor, follower->cursor);
	assert_true(follower->begun);
	assert_true(slice->count > 0 && slice->count <= FEED_SLICE_MAX);
	if (follower->room == 0) {
		follower->refusals++;
		return false;
	}
	follower->room--;
	assert_memory_equal(follower->position, feed_position(cursor), sizeof(follower->position));
	for (size_t i = 0; i < slice->count; i++) {
		const struct feed_event *event = &slice->events[i];
		check_event(event, follower->position[event->part]);
		follower->position[event->part] = event->sequence;
		follower->digest += event_hash(event);
		follower->movements += event->movement != NULL;
		follower->changes += event->movement == NULL;
	}
	return true;
}

static void on_begin(struct feed_cursor *cursor, const struct feed_slice *seen, void *data)
{
	struct follower *follower = data;
	assert_false(follower->begun);
	follower->begun = true;
	follower->seen = seen->count;
	for (size_t i = 0; i < seen->count; i++) {
		const struct feed_event *event = &seen->events[i];
		assert_non_null(event->movement);
		assert_true(event->sequence <= feed_position(cursor)[event->part]);
		assert_true(event->change->sequence > feed_position(cursor)[event->part]);
	}
	memcpy(follower->position, feed_position(cursor), sizeof(follower->position));
}

static void on_tick(struct feed_cursor *cursor, int64_t now_us, void *data)
{
	struct follower *follower = data;
	(void)cursor;
	(void)now_us;
	follower->ticks++;
}

static void on_end(struct feed_cursor *cursor, struct refusal *refusal, void *data)
{
	struct follower *follower = data;
	assert_ptr_equal(cursor, follower->cursor);
	follower->cursor = NULL;
	follower->ended = refusal->reason;
	snprintf(follower->message, sizeof(follower->message), "%s", refusal->message);
}

void follow(struct follower *follower, struct fixture *fixture, struct engine *engine,
	const int64_t *from)
{
	*follower = (struct follower){.fixture = fixture, .room = SIZE_MAX};
	const struct feed_options options = {
		.from = from,
		.take = on_take,
		.begin = on_begin,
		.tick = on_tick,
		.end = on_end,
		.data = follower,
	};
	follower->cursor = engine_follow(engine, &options);
	assert_non_null(follower->cursor);
}

/* So that the loop does not sleep for ever where nothing else wakes it. */
static void wake(uv_timer_t *timer)
{
	(void)timer;
}

void follower_wait(struct follower *follower, bool (*condition)(const struct follower *follower))
{
	int64_t until_us = engine_clock_us() + WAIT_US;
	uv_timer_t timer;
	uv_timer_init(&follower->fixture->loop, &timer);
	uv_timer_start(&timer, wake, 100, 100);
	while (!condition(follower)) {
		uv_run(&follower->fixture->loop, UV_RUN_ONCE);
		if (engine_clock_us() > until_us)
			fail_msg("waited in vain: begun %d ended %d %s movements %zu", follower->begun,
				(int)follower->ended, follower->message, follower->movements);
	}
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&follower->fixture->loop, UV_RUN_NOWAIT);
}

static bool has_begun(const struct follower *follower)
{
	return follower->begun || follower->ended != 0;
}

void follower_begin(struct follower *follower)
{
	follower_wait(follower, has_begun);
}

static bool has_caught_up(const struct follower *follower)
{
	if (follower->ended != 0)
		return true;
	int64_t stands = 0;
	for (size_t i = 0; i <= FIXTURE_PARTS; i++)
		stands += follower->position[i];
	/* Asked for seldom: it is a question of its own. */
	return stands == ask(follower->fixture, "SELECT sum(sequence) FROM stockbook.part_head");
}

void follower_catch_up(struct follower *follower)
{
	follower_wait(follower, has_caught_up);
}

void follower_leave(struct follower *follower)
{
	feed_leave(follower->cursor);
	follower->cursor = NULL;
	uv_run(&follower->fixture->loop, UV_RUN_NOWAIT);
}
