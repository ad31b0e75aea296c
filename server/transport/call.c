#include "transport/call.h"

#include <stdlib.h>
#include <string.h>

#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc_security.h>
#include <grpc/status.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>
#include <uv.h>

#include "base/message.h"
#include "transport/private.h"

#define CALLS_FREE_MAX 1024U
#define CALL_ARENA_BYTES_KEPT_MAX ((size_t)64 << 10)
#define OWN_CALLS_IN_FLIGHT_MAX 10000U /* health watches, reflection, refusals on their way */
#define PATH_SHOWN_MAX 200U
/* Nearly all calls are answered sooner, and need not be told that their callers have gone: that is
 * then part of their answer's batch. */
#define UNWATCHED_US 20000
#define SHUTTING_DOWN_MESSAGE "the server is shutting down"

static void close_done(struct tag *tag, bool ok);
static void read_done(struct tag *tag, bool ok);
static void write_done(struct tag *tag, bool ok);
static void status_done(struct tag *tag, bool ok);
static void call_pump(struct transport_call *call);

static struct transport_call *of_call(struct call *call)
{
	return container_of(call, struct transport_call, call);
}

static void call_enter(struct transport_call *call, enum call_state state)
{
	call_state_set(&call->state, state, &call->transport->counts);
}

/* ---- birth and death */

static void call_link(struct transport_call **list, struct transport_call *call)
{
	call->next = *list;
	call->back = list;
	if (call->next)
		call->next->back = &call->next;
	*list = call;
}

static void call_unlink(struct transport_call *call)
{
	*call->back = call->next;
	if (call->next)
		call->next->back = call->back;
}

/* ---- whose end is not watched yet */

static void unwatched_add(struct transport_call *call)
{
	struct transport *transport = call->transport;
	call->unwatched_back = transport->unwatched_end;
	*transport->unwatched_end = call;
	transport->unwatched_end = &call->unwatched_next;
	poller_keep_collecting(&transport->poller);
}

/* False: it was in the list no more. */
static bool unwatched_remove(struct transport_call *call)
{
	if (!call->unwatched_back)
		return false;
	*call->unwatched_back = call->unwatched_next;
	if (call->unwatched_next)
		call->unwatched_next->unwatched_back = call->unwatched_back;
	else
		call->transport->unwatched_end = call->unwatched_back;
	call->unwatched_next = NULL;
	call->unwatched_back = NULL;
	return true;
}

static struct transport_call *pool_take(struct transport *transport)
{
	struct transport_call *call = transport->calls_free;
	struct arena arena;
	if (call) {
		transport->calls_free = call->next;
		arena = call->call.arena;
		transport->counts.in_state[CALL_FREE]--;
	} else {
		call = malloc(sizeof(*call));
		CHECK(call != NULL);
		arena_init(&arena);
	}
	*call = (struct transport_call){.call.arena = arena, .transport = transport};
	transport->counts.in_state[CALL_FREE]++;
	return call;
}

static void pool_give(struct transport_call *call)
{
	struct transport *transport = call->transport;
	if (transport->counts.in_state[CALL_FREE] > CALLS_FREE_MAX) {
		transport->counts.in_state[CALL_FREE]--;
		arena_release(&call->call.arena);
		free(call);
		return;
	}
	/* A reset keeps a block, and after a large call a large one. */
	if (call->call.arena.allocated > CALL_ARENA_BYTES_KEPT_MAX)
		arena_release(&call->call.arena);
	else
		arena_reset(&call->call.arena);
	call->next = transport->calls_free;
	transport->calls_free = call;
}

void call_pool_release(struct transport *transport)
{
	while (transport->calls_free) {
		struct transport_call *call = transport->calls_free;
		transport->calls_free = call->next;
		transport->counts.in_state[CALL_FREE]--;
		arena_release(&call->call.arena);
		free(call);
	}
}

static void drop_first_message(struct transport_call *call)
{
	struct call_message *message = &call->messages[call->messages_first];
	grpc_byte_buffer_destroy(message->buffer);
	call->messages_bytes -= message->size;
	call->messages_first = (call->messages_first + 1) % call->messages_capacity;
	call->messages_count--;
}

static void call_release(struct transport_call *call)
{
	CHECK(!call->unwatched_back);
	while (call->messages_count > 0)
		drop_first_message(call);
	for (size_t i = 0; i < call->trailers_count; i++)
		grpc_slice_unref(call->trailers[i].value);
	if (call->request) {
		grpc_slice_unref(call->request_slice);
		grpc_byte_buffer_destroy(call->request);
	}
	if (call->read)
		grpc_byte_buffer_destroy(call->read);
	gpr_free(call->peer);
	grpc_call_unref(call->grpc);
	(*call->in_flight)--;
	call_unlink(call);
	call_enter(call, CALL_FREE);
	pool_give(call);
}

/* Frees the call when it is over. Every path on which it may be ends here; the call must not be
 * touched afterwards. */
static void call_settle(struct transport_call *call)
{
	if (call->state == CALL_ENDED && call->batches == 0)
		call_release(call);
}

/* ---- what the API reads */

static const char *copy_slice(struct arena *arena, grpc_slice slice)
{
	return arena_string_sized(arena, (const char *)GRPC_SLICE_START_PTR(slice),
		GRPC_SLICE_LENGTH(slice));
}

/* A path of no method goes into messages and logs: shortened, and only visible ASCII. */
static const char *copy_path(struct arena *arena, grpc_slice slice)
{
	size_t size = GRPC_SLICE_LENGTH(slice);
	char *path = arena_string_sized(arena, (const char *)GRPC_SLICE_START_PTR(slice),
		size < PATH_SHOWN_MAX ? size : PATH_SHOWN_MAX);
	for (char *c = path; *c; c++) {
		if (*c <= ' ' || *c > '~')
			*c = '?';
	}
	return path;
}

static bool slice_is(grpc_slice slice, const char *text)
{
	size_t size = strlen(text);
	return GRPC_SLICE_LENGTH(slice) == size && memcmp(GRPC_SLICE_START_PTR(slice), text, size) == 0;
}

static int64_t deadline_us(gpr_timespec deadline, int64_t now_us)
{
	if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0)
		return INT64_MAX;
	gpr_timespec left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
	if (left.tv_sec > INT32_MAX)
		return INT64_MAX;
	return now_us + left.tv_sec * 1000000 + left.tv_nsec / 1000;
}

static const char *peer_name(struct arena *arena, grpc_call *grpc)
{
	const char *name = NULL;
	grpc_auth_context *context = grpc_call_auth_context(grpc);
	if (context && grpc_auth_context_peer_is_authenticated(context)) {
		grpc_auth_property_iterator properties = grpc_auth_context_peer_identity(context);
		const grpc_auth_property *property = grpc_auth_property_iterator_next(&properties);
		if (property)
			name = arena_string_sized(arena, property->value, property->value_length);
	}
	if (context)
		grpc_auth_context_release(context);
	return name;
}

static bool operation_send_message(struct call *call, const ProtobufCMessage *message);
static bool operation_send(struct call *call, const void *data, size_t size);
static void operation_finish(struct call *call);
static void operation_read(struct call *call);
static void operation_wake(struct call *call);

static const struct call_operations operations = {
	.send_message = operation_send_message,
	.send = operation_send,
	.finish = operation_finish,
	.read = operation_read,
	.wake = operation_wake,
};

struct transport_call *call_new(struct transport *transport, const struct method *method,
	grpc_slice path, grpc_call *grpc, gpr_timespec deadline, const grpc_metadata_array *metadata)
{
	struct transport_call *call = pool_take(transport);
	struct arena *arena = &call->call.arena;
	call->method = method;
	call->grpc = grpc;
	call->close_tag.done = close_done;
	call->read_tag.done = read_done;
	call->write_tag.done = write_done;
	call->status_tag.done = status_done;
	call->request_slice = grpc_empty_slice();
	call->peer = grpc_call_get_peer(grpc);

	call->messages = &call->message;
	call->messages_capacity = 1;

	call->call.operations = &operations;
	call->call.method = method ? method->path : copy_path(arena, path);
	call->call.peer = call->peer;
	call->call.streaming = method && method->kind != METHOD_UNARY;
	call->call.reads = method && method->kind == METHOD_BOTH_STREAM;
	call->call.draining = transport->state != TRANSPORT_SERVING;
	if (call->call.streaming) {
		call->messages_capacity = CALL_MESSAGES_MAX;
		call->messages = arena_alloc_array(arena, CALL_MESSAGES_MAX, sizeof(*call->messages));
	}
	call->call.arrived_us = (int64_t)(uv_hrtime() / 1000);
	call->call.deadline_us = deadline_us(deadline, call->call.arrived_us);
	for (size_t i = 0; i < metadata->count; i++) {
		if (slice_is(metadata->metadata[i].key, "authorization"))
			call->call.authorization = copy_slice(arena, metadata->metadata[i].value);
	}
	if (transport->callers_have_names)
		call->call.peer_name = peer_name(arena, grpc);
	transport->counts.arrived++;
	call_link(&transport->calls, call);
	return call;
}

/* ---- batches */

static void start_batch(struct transport_call *call, const grpc_op *ops, size_t count,
	struct tag *tag)
{
	bool unpolled = call->method && call->method->kind == METHOD_UNARY;
	call->batches++;
	poller_start_batch(&call->transport->poller, call->grpc, ops, count, tag, unpolled);
}

static void call_watch_close(struct transport_call *call)
{
	grpc_op op;
	memset(&op, 0, sizeof(op));
	op.op = GRPC_OP_RECV_CLOSE_ON_SERVER;
	op.data.recv_close_on_server.cancelled = &call->close_cancelled;
	start_batch(call, &op, 1, &call->close_tag);
}

bool call_watch_waiting(struct transport *transport)
{
	int64_t latest_us = (int64_t)(uv_hrtime() / 1000) - UNWATCHED_US;
	struct transport_call *call;
	while ((call = transport->unwatched) && call->call.arrived_us <= latest_us) {
		unwatched_remove(call);
		call_watch_close(call);
	}
	return transport->unwatched != NULL;
}

void call_read(struct transport_call *call)
{
	grpc_op op;
	memset(&op, 0, sizeof(op));
	op.op = GRPC_OP_RECV_MESSAGE;
	op.data.recv_message.recv_message = &call->read;
	start_batch(call, &op, 1, &call->read_tag);
}

static void add_trailer(struct transport_call *call, const char *key, const void *value,
	size_t size)
{
	grpc_metadata *trailer = &call->trailers[call->trailers_count++];
	memset(trailer, 0, sizeof(*trailer));
	trailer->key = grpc_slice_from_static_string(key);
	trailer->value = grpc_slice_from_copied_buffer(value, size);
}

static void add_trailers(struct transport_call *call)
{
	if (call->call.request_tag[0])
		add_trailer(call, "stockbook-request-tag", call->call.request_tag,
			strnlen(call->call.request_tag, sizeof(call->call.request_tag)));
	if (call->call.status_details)
		add_trailer(call, "grpc-status-details-bin", call->call.status_details,
			call->call.status_details_size);
}

/* Sends the next message, or the status, or both with the last message, if nothing is being sent.
 * What a unary call answers is therefore one batch, which also waits for its end if nothing does. */
static void call_pump(struct transport_call *call)
{
	if (call->writes_outstanding > 0)
		return;
	bool last = call->state == CALL_REPLYING && call->messages_count <= 1;
	if (call->messages_count == 0 && !last)
		return;

	grpc_op ops[4];
	size_t count = 0;
	grpc_slice message = grpc_empty_slice();
	memset(ops, 0, sizeof(ops));
	if (call->writes_started == 0)
		ops[count++].op = GRPC_OP_SEND_INITIAL_METADATA;
	if (call->messages_count > 0) {
		ops[count].op = GRPC_OP_SEND_MESSAGE;
		ops[count++].data.send_message.send_message = call->messages[call->messages_first].buffer;
		call->transport->counts.messages_sent++;
	}
	if (last) {
		struct grpc_op_send_status_from_server *status = &ops[count].data.send_status_from_server;
		ops[count++].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
		add_trailers(call);
		status->trailing_metadata = call->trailers;
		status->trailing_metadata_count = call->trailers_count;
		status->status = (grpc_status_code)call->call.status_code;
		if (call->call.status_message) {
			message = grpc_slice_from_copied_string(call->call.status_message);
			status->status_details = &message;
		}
		if (unwatched_remove(call)) {
			ops[count].op = GRPC_OP_RECV_CLOSE_ON_SERVER;
			ops[count++].data.recv_close_on_server.cancelled = &call->close_cancelled;
			call->close_in_reply = true;
		}
	}
	call->writes_outstanding++;
	call->writes_started++;
	start_batch(call, ops, count, last ? &call->status_tag : &call->write_tag);
	grpc_slice_unref(message);
}

/* ---- what comes back */

static void batch_came_back(struct transport_call *call)
{
	CHECK(call->batches > 0);
	call->batches--;
	call_settle(call);
}

static void close_done(struct tag *tag, bool ok)
{
	struct transport_call *call = container_of(tag, struct transport_call, close_tag);
	if (!ok || call->close_cancelled) {
		call->transport->counts.cancelled++;
		call->call.cancelled = true;
		if (call->state == CALL_HANDLED) {
			call_enter(call, CALL_ABANDONED);
			if (call->call.on_cancel)
				call->call.on_cancel(&call->call);
		}
		/* READING: the read fails too. REPLYING: so does the status. */
	}
	batch_came_back(call);
}

/* The bytes of a buffer in one piece: its own when it is one, else copied into *piece. */
static const uint8_t *flatten(grpc_byte_buffer *buffer, grpc_slice *piece, size_t *size)
{
	grpc_byte_buffer_reader reader;
	grpc_slice *first;
	*size = grpc_byte_buffer_length(buffer);
	CHECK(grpc_byte_buffer_reader_init(&reader, buffer));
	const uint8_t *bytes = (const uint8_t *)"";
	if (*size > 0) {
		CHECK(grpc_byte_buffer_reader_peek(&reader, &first));
		bytes = GRPC_SLICE_START_PTR(*first);
		if (GRPC_SLICE_LENGTH(*first) != *size) {
			grpc_byte_buffer_reader_destroy(&reader);
			CHECK(grpc_byte_buffer_reader_init(&reader, buffer));
			*piece = grpc_byte_buffer_reader_readall(&reader);
			bytes = GRPC_SLICE_START_PTR(*piece);
		}
	}
	grpc_byte_buffer_reader_destroy(&reader);
	return bytes;
}

static void call_handle_own(struct transport_call *call)
{
	call->method->handle(call);
	if (call->transport->state != TRANSPORT_SERVING && call->state == CALL_HANDLED)
		call_finish(call, GRPC_STATUS_UNAVAILABLE, SHUTTING_DOWN_MESSAGE);
}

static void call_handle(struct transport_call *call)
{
	struct transport *transport = call->transport;
	call_enter(call, CALL_HANDLED);
	if (call->method->handle)
		call_handle_own(call);
	else
		transport->api.handle(transport->api.api, &call->call);
}

static void call_set_request(struct transport_call *call, grpc_byte_buffer *request)
{
	call->request = request;
	call->call.request = flatten(request, &call->request_slice, &call->call.request_size);
}

static void refuse(struct transport_call *call, int code, const char *message,
	struct reply_details details)
{
	call->call.status_code = code;
	call->call.status_message = message;
	call->call.status_details = details.bytes;
	call->call.status_details_size = details.size;
	call_enter(call, CALL_REPLYING);
	call_pump(call);
}

static void refuse_without_request(struct transport_call *call)
{
	struct arena *arena = &call->call.arena;
	const char *message =
		arena_printf(arena, "method '%s' takes one request message, got none", call->call.method);
	refuse(call, GRPC_STATUS_INVALID_ARGUMENT, message,
		reply_details(arena, GRPC_STATUS_INVALID_ARGUMENT, message,
			STOCKBOOK__V1__REASON__REASON_MALFORMED_MESSAGE, NULL, 0, 0));
}

static void read_message(struct transport_call *call, grpc_byte_buffer *message)
{
	grpc_slice piece = grpc_empty_slice();
	size_t size = 0;
	const uint8_t *bytes = message ? flatten(message, &piece, &size) : NULL;
	if (call->on_message)
		call->on_message(call, bytes, size);
	else
		call->call.on_message(&call->call, bytes, size);
	grpc_slice_unref(piece);
	if (message)
		grpc_byte_buffer_destroy(message);
}

static void read_done(struct tag *tag, bool ok)
{
	struct transport_call *call = container_of(tag, struct transport_call, read_tag);
	grpc_byte_buffer *message = ok ? call->read : NULL;
	if (message)
		call->read = NULL;
	if (call->state == CALL_HANDLED) {
		read_message(call, message);
	} else if (call->state == CALL_READING && message) {
		call_set_request(call, message);
		call_handle(call);
	} else if (call->state == CALL_READING && (call->call.cancelled || !ok)) {
		call_enter(call, CALL_ENDED);
	} else if (call->state == CALL_READING) {
		refuse_without_request(call);
	} else if (message) {
		grpc_byte_buffer_destroy(message);
	}
	batch_came_back(call);
}

static void write_done(struct tag *tag, bool ok)
{
	struct transport_call *call = container_of(tag, struct transport_call, write_tag);
	(void)ok; /* a call that cannot be written to is cancelled: close_done() deals with it */
	drop_first_message(call);
	call->writes_outstanding--;
	if (call->state == CALL_HANDLED || call->state == CALL_REPLYING)
		call_pump(call);
	if (call->state == CALL_HANDLED && call->on_message && call->messages_count == 0)
		call_read(call); /* a question at a time: the caller cannot make us queue answers */
	if (call->state == CALL_HANDLED && call->sends_refused > 0) {
		call->sends_refused = 0;
		if (call->call.on_writable)
			call->call.on_writable(&call->call);
	}
	batch_came_back(call);
}

static void status_done(struct tag *tag, bool ok)
{
	struct transport_call *call = container_of(tag, struct transport_call, status_tag);
	/* Nobody is left to be told. */
	if (call->close_in_reply && (!ok || call->close_cancelled))
		call->transport->counts.cancelled++;
	call_enter(call, CALL_ENDED);
	batch_came_back(call);
}

/* ---- what the API does */

static bool call_has_room(struct transport_call *call, size_t size)
{
	if (call->state != CALL_HANDLED)
		return false;
	CHECK(call->call.streaming || call->messages_count == 0);
	if (call->messages_count == 0)
		return true;
	if (!call->call.gathers && call->messages_count < call->messages_capacity &&
		call->messages_bytes + size <= CALL_MESSAGE_BYTES_MAX)
		return true;
	call->sends_refused++;
	call->transport->counts.messages_refused++;
	return false;
}

static void call_queue(struct transport_call *call, grpc_slice slice)
{
	unsigned last = (call->messages_first + call->messages_count) % call->messages_capacity;
	call->messages[last] = (struct call_message){
		.buffer = grpc_raw_byte_buffer_create(&slice, 1),
		.size = GRPC_SLICE_LENGTH(slice),
	};
	call->messages_count++;
	call->messages_bytes += call->messages[last].size;
	grpc_slice_unref(slice);
	if (call->call.streaming)
		call_pump(call);
}

static bool operation_send_message(struct call *face, const ProtobufCMessage *message)
{
	struct transport_call *call = of_call(face);
	uint8_t buffer[MESSAGE_SMALL_BYTES_MAX];
	struct packed_message packed;
	bool small = message_pack_small(message, buffer, &packed);
	if (!small)
		packed.size = protobuf_c_message_get_packed_size(message);
	if (!call_has_room(call, packed.size))
		return false;
	grpc_slice slice = grpc_slice_malloc(packed.size);
	if (small)
		memcpy(GRPC_SLICE_START_PTR(slice), packed.bytes, packed.size);
	else
		protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
	call_queue(call, slice);
	return true;
}

static bool operation_send(struct call *face, const void *data, size_t size)
{
	struct transport_call *call = of_call(face);
	if (!call_has_room(call, size))
		return false;
	call_queue(call, grpc_slice_from_copied_buffer(data, size));
	return true;
}

static void operation_read(struct call *face)
{
	struct transport_call *call = of_call(face);
	CHECK(face->reads && face->on_message);
	/* Of one that has gone there is nothing to read; on_cancel() has told. */
	if (call->state == CALL_HANDLED)
		call_read(call);
}

static void call_link_round(struct transport_call **list, struct transport_call *call)
{
	call->round_next = *list;
	call->round_back = list;
	if (call->round_next)
		call->round_next->round_back = &call->round_next;
	*list = call;
}

static void call_unlink_round(struct transport_call *call)
{
	if (!call->round_back)
		return;
	*call->round_back = call->round_next;
	if (call->round_next)
		call->round_next->round_back = call->round_back;
	call->round_back = NULL;
}

static void operation_wake(struct call *face)
{
	struct transport_call *call = of_call(face);
	if (call->round_back)
		return;
	call_link_round(&call->transport->calls_awake, call);
	poller_hurry(&call->transport->poller);
}

void call_round(struct transport *transport)
{
	/* Those that ask meanwhile have their turn at the end of the next round. */
	struct transport_call *awake = transport->calls_awake;
	transport->calls_awake = NULL;
	if (awake)
		awake->round_back = &awake;
	while (awake) {
		struct transport_call *call = awake;
		call_unlink_round(call);
		call->call.on_round(&call->call);
	}
}

static void operation_finish(struct call *face)
{
	struct transport_call *call = of_call(face);
	call_unlink_round(call);
	CHECK(face->status_code >= 0 && face->status_code <= GRPC_STATUS_UNAUTHENTICATED);
	call->transport->counts.finished[face->status_code]++;
	if (call->state == CALL_ABANDONED) {
		call_enter(call, CALL_ENDED);
		call_settle(call);
		return;
	}
	/* A unary call that failed after it had an answer: an error carries no message. */
	if (!face->streaming && face->status_code != GRPC_STATUS_OK && call->messages_count > 0)
		drop_first_message(call);
	CHECK(face->streaming || face->status_code != GRPC_STATUS_OK || call->messages_count == 1);
	call_enter(call, CALL_REPLYING);
	call_pump(call);
}

bool call_send(struct transport_call *call, const ProtobufCMessage *message)
{
	return operation_send_message(&call->call, message);
}

void call_finish(struct transport_call *call, int code, const char *message)
{
	call->call.status_code = code;
	call->call.status_message = message;
	if (call->service_back) {
		*call->service_back = call->service_next;
		if (call->service_next)
			call->service_next->service_back = call->service_back;
		call->service_back = NULL;
	}
	operation_finish(&call->call);
}

void call_drain_all(struct transport *transport)
{
	struct transport_call *next;
	for (struct transport_call *call = transport->calls; call; call = next) {
		next = call->next;
		call->call.draining = true;
		if (!call->method || call->state != CALL_HANDLED)
			continue;
		if (call->method->handle)
			call_finish(call, GRPC_STATUS_UNAVAILABLE, SHUTTING_DOWN_MESSAGE);
		else if (call->call.on_drain)
			call->call.on_drain(&call->call);
	}
}

/* ---- the door */

static void refuse_unknown(struct transport_call *call)
{
	struct arena *arena = &call->call.arena;
	const char *message = arena_printf(arena, "method '%s' not found", call->call.method);
	call->transport->counts.unknown_methods++;
	refuse(call, GRPC_STATUS_UNIMPLEMENTED, message,
		reply_details(arena, GRPC_STATUS_UNIMPLEMENTED, message,
			STOCKBOOK__V1__REASON__REASON_METHOD_NOT_FOUND,
			&(struct reply_pair){"method", call->call.method}, 1, 0));
}

static bool call_is_admitted(struct transport_call *call)
{
	struct transport *transport = call->transport;
	call->in_flight = &transport->own_calls_in_flight;
	bool admitted = transport->own_calls_in_flight < OWN_CALLS_IN_FLIGHT_MAX;
	if (call->method && !call->method->handle) {
		admitted = transport->calls_in_flight < transport->calls_in_flight_max;
		if (admitted)
			call->in_flight = &transport->calls_in_flight;
	}
	(*call->in_flight)++;
	return admitted;
}

void call_begin(struct transport_call *call, grpc_byte_buffer *payload)
{
	struct transport *transport = call->transport;
	bool admitted = call_is_admitted(call);
	if (payload)
		call_set_request(call, payload);
	if (call->call.streaming)
		call_watch_close(call);
	else
		unwatched_add(call);
	if (!call->method) {
		refuse_unknown(call);
	} else if (!admitted) {
		transport->counts.overloaded++;
		refuse(call, GRPC_STATUS_RESOURCE_EXHAUSTED, transport->overloaded_message,
			transport->overloaded);
	} else if (call->method->kind == METHOD_SERVER_STREAM) {
		call_enter(call, CALL_READING);
		call_read(call);
	} else if (call->method->kind == METHOD_UNARY && !payload) {
		refuse_without_request(call);
	} else {
		call_handle(call);
	}
}
