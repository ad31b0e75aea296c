/*
 * One message for each slice of the feed that has something for the caller. What an event looks like
 * is packed once for all streams, beside the event; a message is these bytes and a position. Nothing
 * is kept for a caller who reads slowly: the slice is refused, and comes again.
 */
#include "api/events.h"

#include <string.h>

#include "api/position.h"
#include "book/event.h"
#include "google/protobuf/duration.pb-c.h"

#define HEARTBEAT_US_DEFAULT INT64_C(10000000)
/* Tag, and length of what follows. */
#define FIELD_BYTES_MAX 11
#define EVENTS_FIELD 1
#define POSITION_FIELD 2

struct event_stream {
	struct api_call *call;
	struct feed_cursor *cursor;
	struct event_filter filter;
	struct arena scratch; /* of one message */
	int64_t heartbeat_us;
	int64_t sent_us;
};

/* ---- Messages ---- */

static uint8_t *put_field(uint8_t *to, uint8_t field, uint64_t size)
{
	*to++ = (uint8_t)(field << 3 | 2);
	for (; size >= 0x80; size >>= 7)
		*to++ = (uint8_t)(size | 0x80);
	*to++ = (uint8_t)size;
	return to;
}

static void event_pack(struct feed_event *event, struct arena *arena, struct arena *scratch)
{
	const Stockbook__V1__Event *message = make_event(scratch, event->movement, event->change);
	event->packed_size = stockbook__v1__event__get_packed_size(message);
	uint8_t *bytes = arena_alloc(arena, event->packed_size);
	stockbook__v1__event__pack(message, bytes);
	event->packed = bytes;
}

/* The position behind the slice. */
static const Stockbook__V1__Position *position_after(struct event_stream *stream,
	const struct feed_slice *slice)
{
	int32_t parts = stream->call->api->settings.parts + 1;
	int64_t *sequences =
		arena_copy(&stream->scratch, stream->call->api->engine.feed_position(stream->cursor),
			(size_t)parts * sizeof(*sequences));
	for (size_t i = 0; slice && i < slice->count; i++)
		sequences[slice->events[i].part] = slice->events[i].sequence;
	return position_make(&stream->scratch, sequences, parts);
}

/* False: there is no room. */
static bool send_events(struct event_stream *stream, struct feed_event *const *events, size_t count,
	const struct feed_slice *slice)
{
	const Stockbook__V1__Position *position = position_after(stream, slice);
	size_t position_size = stockbook__v1__position__get_packed_size(position);
	size_t room = position_size + FIELD_BYTES_MAX;
	for (size_t i = 0; i < count; i++)
		room += events[i]->packed_size + FIELD_BYTES_MAX;
	uint8_t *bytes = arena_alloc(&stream->scratch, room);
	uint8_t *end = bytes;
	for (size_t i = 0; i < count; i++) {
		end = put_field(end, EVENTS_FIELD, events[i]->packed_size);
		memcpy(end, events[i]->packed, events[i]->packed_size);
		end += events[i]->packed_size;
	}
	end = put_field(end, POSITION_FIELD, position_size);
	end += stockbook__v1__position__pack(position, end);
	struct call *call = stream->call->call;
	if (!call->operations->send(call, bytes, (size_t)(end - bytes)))
		return false;
	stream->sent_us = api_clock_us();
	return true;
}

/* ---- From the feed ---- */

static bool on_take(struct feed_cursor *cursor, const struct feed_slice *slice, void *data)
{
	struct event_stream *stream = data;
	(void)cursor;
	struct feed_event *passed[FEED_SLICE_MAX];
	size_t count = 0;
	arena_reset(&stream->scratch);
	for (size_t i = 0; i < slice->count; i++) {
		struct feed_event *event = &slice->events[i];
		if (!event_passes(&stream->filter, event->movement, event->change))
			continue;
		if (!event->packed)
			event_pack(event, slice->arena, &stream->scratch);
		passed[count++] = event;
	}
	if (count == 0 && api_clock_us() - stream->sent_us < stream->heartbeat_us)
		return true;
	return send_events(stream, passed, count, slice);
}

static void on_begin(struct feed_cursor *cursor, const struct feed_slice *seen, void *data)
{
	struct event_stream *stream = data;
	(void)cursor;
	for (size_t i = 0; i < seen->count; i++)
		(void)event_passes(&stream->filter, seen->events[i].movement, seen->events[i].change);
	(void)send_events(stream, NULL, 0, NULL); /* nothing was sent yet: there is room, or nobody */
}

static void on_tick(struct feed_cursor *cursor, int64_t now_us, void *data)
{
	struct event_stream *stream = data;
	(void)cursor;
	if (now_us - stream->sent_us < stream->heartbeat_us)
		return;
	arena_reset(&stream->scratch);
	(void)send_events(stream, NULL, 0, NULL); /* without room he has something to read */
}

static void on_feed_end(struct feed_cursor *cursor, struct refusal *refusal, void *data)
{
	struct event_stream *stream = data;
	(void)cursor;
	arena_release(&stream->scratch);
	api_call_finish_refused(stream->call, refusal);
}

/* ---- From the caller, and from the server's end ---- */

static void on_writable(struct call *face)
{
	const struct api_call *call = face->api_data;
	struct event_stream *stream = call->data;
	call->api->engine.feed_resume(stream->cursor);
}

static void leave(struct api_call *call)
{
	struct event_stream *stream = call->data;
	call->api->engine.feed_leave(stream->cursor);
	arena_release(&stream->scratch);
}

static void on_cancel(struct call *face)
{
	struct api_call *call = face->api_data;
	leave(call);
	api_call_refuse(call, STOCKBOOK__V1__REASON__REASON_DEADLINE_EXCEEDED,
		"the caller hung up, or its time was over");
}

static void on_drain(struct call *face)
{
	struct api_call *call = face->api_data;
	leave(call);
	api_call_refuse(call, STOCKBOOK__V1__REASON__REASON_UNAVAILABLE,
		"server is shutting down; another goes on from the last position");
}

void events_answer(struct api_call *call)
{
	const Stockbook__V1__StreamEventsRequest *request =
		(const Stockbook__V1__StreamEventsRequest *)call->message;
	struct arena *arena = &call->call->arena;
	struct event_stream *stream = arena_alloc(arena, sizeof(*stream));
	const int64_t *from = NULL;
	if (request->from && !(from = position_read(call, request->from, "from")))
		return;
	call->data = stream;
	stream->call = call;
	arena_init(&stream->scratch);
	event_filter_init(&stream->filter, arena, request, call->api->settings.parts + 1);
	stream->heartbeat_us = HEARTBEAT_US_DEFAULT;
	if (request->heartbeat)
		stream->heartbeat_us =
			request->heartbeat->seconds * 1000000 + request->heartbeat->nanos / 1000;
	const struct feed_options options = {
		.from = from,
		.take = on_take,
		.begin = on_begin,
		.tick = on_tick,
		.end = on_feed_end,
		.data = stream,
	};
	stream->cursor = call->api->engine.follow(call->api->engine.engine, &options);
	if (!stream->cursor) {
		api_call_refuse(call, STOCKBOOK__V1__REASON__REASON_OVERLOADED,
			"too many follow the book already");
		return;
	}
	call->call->gathers = true; /* one message at a time waits for a caller who reads slowly */
	call->call->on_cancel = on_cancel;
	call->call->on_writable = on_writable;
	call->call->on_drain = on_drain;
	if (call->call->draining)
		on_drain(call->call);
}
