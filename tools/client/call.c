/*
 * One call, from its first attempt to its end.
 *
 * A unary attempt is one batch. A stream's attempt is three: the opening, the status, and one for
 * each message; it is over when all of them came back.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include <grpc/byte_buffer_reader.h>
#include <grpc/slice.h>
#include <grpc/support/time.h>

#include "base/check.h"
#include "base/message.h"

#define BACKOFF_FIRST_MS 20
#define BACKOFF_MAX_MS 1000
#define ARENA_BYTES_KEPT_MAX ((size_t)64 << 10)

static grpc_slice pack(const ProtobufCMessage *message)
{
	uint8_t buffer[MESSAGE_SMALL_BYTES_MAX];
	struct packed_message packed;
	if (message_pack_small(message, buffer, &packed))
		return grpc_slice_from_copied_buffer((const char *)packed.bytes, packed.size);
	grpc_slice slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(message));
	protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
	return slice;
}

struct call *call_start(struct stockbook_client *client, const struct stockbook_method *method,
	const ProtobufCMessage *request, int64_t deadline_ms)
{
	CHECK(method && request->descriptor == method->request);
	struct call *call = client_alloc(sizeof(*call));
	call->client = client;
	call->method = method;
	call->request = pack(request);
	call->deadline_ms = now_ms() + (deadline_ms > 0 ? deadline_ms : client->deadline_ms);
	call->backoff_ms = BACKOFF_FIRST_MS;
	for (int kind = 0; kind < TAG_KINDS; kind++)
		call->tags[kind] = (struct tag){call, NULL, (enum tag_kind)kind};
	call->next = client->calls;
	if (call->next)
		call->next->previous = call;
	client->calls = call;
	client->calls_count++;
	return call;
}

static void *registered_method(struct stockbook_client *client, const struct call *call,
	int channel)
{
	size_t count;
	stockbook_methods(&count);
	void **handle = &client->registered[(size_t)channel * count + (size_t)call->method->index];
	if (!*handle)
		*handle =
			grpc_channel_register_call(client->channels[channel], call->method->path, NULL, NULL);
	return *handle;
}

static void start_batch(struct call *call, const grpc_op *ops, size_t count, enum tag_kind kind)
{
	call->tags_out++;
	CHECK(grpc_call_start_batch(call->grpc, ops, count, &call->tags[kind], NULL) == GRPC_CALL_OK);
}

/* The request and the end of what we send. */
static size_t fill_send(struct call *call, grpc_op *ops)
{
	ops[0].op = GRPC_OP_SEND_INITIAL_METADATA;
	ops[0].data.send_initial_metadata.count = call->client->metadata_count;
	ops[0].data.send_initial_metadata.metadata = &call->client->authorization;
	ops[1].op = GRPC_OP_SEND_MESSAGE;
	call->sent = grpc_raw_byte_buffer_create(&call->request, 1);
	ops[1].data.send_message.send_message = call->sent;
	ops[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
	ops[3].op = GRPC_OP_RECV_INITIAL_METADATA;
	ops[3].data.recv_initial_metadata.recv_initial_metadata = &call->initial;
	return 4;
}

static void fill_message(struct call *call, grpc_op *op)
{
	op->op = GRPC_OP_RECV_MESSAGE;
	op->data.recv_message.recv_message = &call->response;
}

static void fill_status(struct call *call, grpc_op *op)
{
	op->op = GRPC_OP_RECV_STATUS_ON_CLIENT;
	op->data.recv_status_on_client.trailing_metadata = &call->trailing;
	op->data.recv_status_on_client.status = &call->status;
	op->data.recv_status_on_client.status_details = &call->status_text;
}

static void receive_message(struct call *call)
{
	grpc_op op;
	memset(&op, 0, sizeof(op));
	fill_message(call, &op);
	start_batch(call, &op, 1, TAG_MESSAGE);
}

void call_attempt(struct call *call)
{
	struct stockbook_client *client = call->client;
	call->attempts++;
	if (call->session && session_submit(call))
		return;
	int channel = client->channel_next;
	client->channel_next = (channel + 1) % client->channels_count;
	gpr_timespec deadline = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
		gpr_time_from_millis(call->deadline_ms - now_ms(), GPR_TIMESPAN));
	call->status_text = grpc_empty_slice();
	grpc_metadata_array_init(&call->initial);
	grpc_metadata_array_init(&call->trailing);
	call->grpc = grpc_channel_create_registered_call(client->channels[channel], NULL,
		GRPC_PROPAGATE_DEFAULTS, client->queue, registered_method(client, call, channel), deadline,
		NULL);
	grpc_op ops[6];
	memset(ops, 0, sizeof(ops));
	size_t count = fill_send(call, ops);
	if (call->method->server_streaming) {
		start_batch(call, ops, count, TAG_OPENED);
		memset(ops, 0, sizeof(ops[0]));
		fill_status(call, &ops[0]);
		start_batch(call, ops, 1, TAG_STATUS);
		receive_message(call);
		return;
	}
	fill_message(call, &ops[count++]);
	fill_status(call, &ops[count++]);
	start_batch(call, ops, count, TAG_UNARY);
}

static void attempt_release(struct call *call)
{
	if (call->response)
		grpc_byte_buffer_destroy(call->response);
	call->response = NULL;
	grpc_byte_buffer_destroy(call->sent);
	grpc_metadata_array_destroy(&call->initial);
	grpc_metadata_array_destroy(&call->trailing);
	grpc_slice_unref(call->status_text);
	grpc_call_unref(call->grpc);
	call->grpc = NULL;
}

static void call_free(struct call *call)
{
	struct stockbook_client *client = call->client;
	if (call->previous)
		call->previous->next = call->next;
	else
		client->calls = call->next;
	if (call->next)
		call->next->previous = call->previous;
	client->calls_count--;
	grpc_slice_unref(call->request);
	struct stockbook_session *session = call->session;
	free(call);
	if (session)
		session_forget(session);
}

void call_end_borrowed(struct call *call, const ProtobufCMessage *response,
	const struct stockbook_error *error)
{
	call->done(call->context, response, error);
	call_free(call);
}

void call_end(struct call *call, ProtobufCMessage *response, const struct stockbook_error *error)
{
	ProtobufCMessage **keep = call->keep;
	call_end_borrowed(call, response, error);
	if (response && keep)
		*keep = response;
	else if (response)
		protobuf_c_message_free_unpacked(response, NULL);
}

static ProtobufCMessage *unpack(const struct call *call, const uint8_t *bytes, size_t size,
	struct arena *arena)
{
	if (arena)
		return client_unpack(call->method->response, bytes, size, arena);
	return protobuf_c_message_unpack(call->method->response, NULL, size, bytes);
}

/* What arrived, in the arena; where that is NULL, to be freed by itself. */
static ProtobufCMessage *decode(const struct call *call, struct arena *arena)
{
	grpc_byte_buffer_reader reader;
	if (!call->response || !grpc_byte_buffer_reader_init(&reader, call->response))
		return NULL;
	ProtobufCMessage *message;
	grpc_slice *piece;
	/* Small answers come in one piece. */
	if (grpc_byte_buffer_reader_peek(&reader, &piece) &&
		GRPC_SLICE_LENGTH(*piece) == grpc_byte_buffer_length(call->response)) {
		message = unpack(call, GRPC_SLICE_START_PTR(*piece), GRPC_SLICE_LENGTH(*piece), arena);
	} else {
		grpc_byte_buffer_reader_destroy(&reader);
		CHECK(grpc_byte_buffer_reader_init(&reader, call->response));
		grpc_slice slice = grpc_byte_buffer_reader_readall(&reader);
		message = unpack(call, GRPC_SLICE_START_PTR(slice), GRPC_SLICE_LENGTH(slice), arena);
		grpc_slice_unref(slice);
	}
	grpc_byte_buffer_reader_destroy(&reader);
	return message;
}

/* gRPC has no other sign of a call that never left: it says so in words. Where the words are not
 * known, the outcome counts as unknown, which is the safe side. */
static bool never_connected(const struct stockbook_error *error)
{
	return error->code == GRPC_STATUS_UNAVAILABLE && (strstr(error->message, "failed to connect") ||
														 strstr(error->message, "DNS resolution"));
}

/* Could the book have acted although we do not have its answer? */
static bool is_doubtful(const struct stockbook_error *error)
{
	switch (error->code) {
	case GRPC_STATUS_CANCELLED:
	case GRPC_STATUS_UNKNOWN:
	case GRPC_STATUS_DEADLINE_EXCEEDED:
	case GRPC_STATUS_INTERNAL:
		return true;
	case GRPC_STATUS_UNAVAILABLE:
		return !never_connected(error);
	default:
		return false;
	}
}

static bool is_worth_retrying(const struct call *call, const struct stockbook_error *error)
{
	const struct stockbook_client *client = call->client;
	if (client->closing || client->no_retry || call->delivered)
		return false;
	if (client->connect_patience_ms && !client->answered &&
		now_ms() - client->opened_ms >= client->connect_patience_ms)
		return false;
	switch (error->code) {
	case GRPC_STATUS_UNAVAILABLE:
		return true;
	case GRPC_STATUS_RESOURCE_EXHAUSTED:
		return error->retry_delay_ms >= 0;
	case GRPC_STATUS_UNKNOWN:
	case GRPC_STATUS_INTERNAL:
		/* Torn off by the transport; the service's own errors carry a reason. */
		return error->reason[0] == '\0';
	default:
		return false;
	}
}

/* True when the call waits for another attempt. Doubles the wait, with a spread of one half, so
 * that callers who failed together do not come back together. */
static bool retry(struct call *call, const struct stockbook_error *error)
{
	if (!is_worth_retrying(call, error))
		return false;
	int64_t now = now_ms();
	int64_t delay_ms = call->backoff_ms / 2 + rand() % (call->backoff_ms / 2 + 1);
	if (delay_ms < error->retry_delay_ms)
		delay_ms = error->retry_delay_ms;
	if (now + delay_ms >= call->deadline_ms)
		return false;
	call->backoff_ms =
		call->backoff_ms * 2 < BACKOFF_MAX_MS ? call->backoff_ms * 2 : BACKOFF_MAX_MS;
	call->retry_at_ms = now + delay_ms;
	client_wait(call->client, call);
	return true;
}

bool call_failed(struct call *call, struct stockbook_error *error, bool sent)
{
	if (error->reason[0] || error->code == GRPC_STATUS_UNIMPLEMENTED)
		call->client->answered = true;
	/* A refusal of a later attempt settles it: the book looks the request id up first. */
	bool settles = sent && !never_connected(error) && error->code != GRPC_STATUS_RESOURCE_EXHAUSTED;
	call->maybe_sent = (sent && is_doubtful(error)) || (call->maybe_sent && !settles);
	if (retry(call, error))
		return false;
	error->attempts = call->attempts;
	error->outcome_unknown = call->maybe_sent;
	call_end(call, NULL, error);
	return true;
}

static bool attempt_failed(struct call *call)
{
	struct stockbook_error error;
	error_from_status(&error, call->status, call->status_text, &call->trailing);
	attempt_release(call);
	bool ended = call_failed(call, &error, true);
	stockbook_error_release(&error);
	return ended;
}

/* True when the call ended. */
static bool attempt_over(struct call *call)
{
	if (call->status != GRPC_STATUS_OK)
		return attempt_failed(call);
	struct stockbook_client *client = call->client;
	client->answered = true;
	/* What a blocking call keeps has memory of its own. */
	struct arena *arena = call->keep ? NULL : &client->arena;
	ProtobufCMessage *response = call->method->server_streaming ? NULL : decode(call, arena);
	struct stockbook_error error;
	if (response || call->method->server_streaming) {
		error_set(&error, 0, "", "");
	} else {
		error_set(&error, GRPC_STATUS_INTERNAL, "", "the server's answer cannot be decoded");
		error.outcome_unknown = true;
	}
	error.attempts = call->attempts;
	attempt_release(call);
	if (arena)
		call_end_borrowed(call, response, &error);
	else
		call_end(call, response, &error);
	stockbook_error_release(&error);
	if (client->arena.allocated > ARENA_BYTES_KEPT_MAX)
		arena_release(&client->arena);
	else
		arena_reset(&client->arena);
	return true;
}

static void message_arrived(struct call *call)
{
	/* Not in the client's arena: other calls may be answered while this one is looked at. */
	ProtobufCMessage *message = decode(call, NULL);
	grpc_byte_buffer_destroy(call->response);
	call->response = NULL;
	if (message) {
		call->delivered = true;
		call->on_message(call->context, message);
		protobuf_c_message_free_unpacked(message, NULL);
		receive_message(call);
		return;
	}
	grpc_call_cancel_with_status(call->grpc, GRPC_STATUS_INTERNAL,
		"the server's answer cannot be decoded", NULL);
}

bool call_event(struct tag *tag, bool success)
{
	struct call *call = tag->call;
	(void)success; /* the status says it */
	call->tags_out--;
	if (tag->kind == TAG_MESSAGE && call->response)
		message_arrived(call);
	return call->tags_out == 0 && attempt_over(call);
}

void call_abandon(struct call *call)
{
	struct stockbook_error error;
	error_set(&error, GRPC_STATUS_CANCELLED, "", "the client was closed");
	error.attempts = call->attempts;
	error.outcome_unknown = call->maybe_sent;
	call_end(call, NULL, &error);
	stockbook_error_release(&error);
}
