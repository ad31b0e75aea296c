#include "integration/grpc_client.h"

#include <stdlib.h>
#include <string.h>

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>

#include "base/check.h"
#include "transport/sanitize.h"

struct batch {
	bool out; /* started and not come back */
	bool ok;
};

struct grpc_client_call {
	struct grpc_client *client;
	grpc_call *call;
	struct batch start;
	struct batch write;
	struct batch read;
	struct batch status_batch;
	grpc_byte_buffer *message;
	uint8_t *bytes;
	grpc_metadata_array initial;
	grpc_metadata_array trailers;
	grpc_status_code status;
	grpc_slice details;
	char *text;
};

void grpc_client_open(struct grpc_client *client, const char *target,
	grpc_channel_credentials *credentials)
{
	grpc_arg arguments[] = {
		/* Each client has its own connection. */
		{.type = GRPC_ARG_INTEGER,
			.key = (char *)(uintptr_t)GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL,
			.value.integer = 1},
		/* Tests look at what one call does. */
		{.type = GRPC_ARG_INTEGER,
			.key = (char *)(uintptr_t)GRPC_ARG_ENABLE_RETRIES,
			.value.integer = 0},
		{.type = GRPC_ARG_INTEGER,
			.key = (char *)(uintptr_t)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
			.value.integer = -1},
	};
	grpc_channel_args all = {.num_args = ARRAY_COUNT(arguments), .args = arguments};
	if (!credentials)
		credentials = grpc_insecure_credentials_create();
	client->channel = grpc_channel_create(target, credentials, &all);
	grpc_channel_credentials_release(credentials);
	client->queue = grpc_completion_queue_create_for_next(NULL);
}

void grpc_client_close(struct grpc_client *client)
{
	grpc_channel_destroy(client->channel);
	grpc_completion_queue_shutdown(client->queue);
	while (grpc_completion_queue_next(client->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL)
			   .type != GRPC_QUEUE_SHUTDOWN)
		;
	grpc_completion_queue_destroy(client->queue);
}

static gpr_timespec after_ms(int64_t ms)
{
	if (ms == GRPC_CLIENT_FOREVER)
		return gpr_inf_future(GPR_CLOCK_MONOTONIC);
	return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(ms, GPR_TIMESPAN));
}

/* False: it is still out after so long. */
static bool wait_within(struct grpc_client *client, struct batch *batch, int64_t ms)
{
	gpr_timespec until = after_ms(ms);
	while (batch->out) {
		grpc_event event = grpc_completion_queue_next(client->queue, until, NULL);
		if (event.type == GRPC_QUEUE_TIMEOUT)
			return false;
		CHECK(event.type == GRPC_OP_COMPLETE);
		struct batch *came = event.tag;
		tag_acquire(came);
		came->out = false;
		came->ok = event.success != 0;
	}
	return true;
}

static void wait_for(struct grpc_client *client, struct batch *batch)
{
	CHECK(wait_within(client, batch, GRPC_CLIENT_WAIT_MS)); /* or the server does not answer */
}

static void start(struct grpc_client_call *call, const grpc_op *ops, size_t count,
	struct batch *batch)
{
	wait_for(call->client, batch);
	batch->out = true;
	tag_release(batch);
	CHECK(grpc_call_start_batch(call->call, ops, count, batch, NULL) == GRPC_CALL_OK);
}

static grpc_byte_buffer *buffer_of(const void *data, size_t size)
{
	grpc_slice slice = grpc_slice_from_copied_buffer(data, size);
	grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
	grpc_slice_unref(slice);
	return buffer;
}

static struct grpc_client_call *call_new(struct grpc_client *client, const char *method,
	grpc_byte_buffer *request, int64_t timeout_ms, const char *authorization)
{
	struct grpc_client_call *call = calloc(1, sizeof(*call));
	CHECK(call != NULL);
	call->client = client;
	call->details = grpc_empty_slice();
	grpc_metadata_array_init(&call->initial);
	grpc_metadata_array_init(&call->trailers);
	grpc_slice path = grpc_slice_from_copied_string(method);
	call->call = grpc_channel_create_call(client->channel, NULL, GRPC_PROPAGATE_DEFAULTS,
		client->queue, path, NULL, after_ms(timeout_ms), NULL);
	grpc_slice_unref(path);

	grpc_op ops[4];
	size_t count = 0;
	grpc_metadata metadata;
	memset(ops, 0, sizeof(ops));
	memset(&metadata, 0, sizeof(metadata));
	if (authorization) {
		metadata.key = grpc_slice_from_static_string("authorization");
		metadata.value = grpc_slice_from_copied_string(authorization);
		ops[0].data.send_initial_metadata.count = 1;
		ops[0].data.send_initial_metadata.metadata = &metadata;
	}
	ops[count++].op = GRPC_OP_SEND_INITIAL_METADATA;
	if (request) {
		ops[count].op = GRPC_OP_SEND_MESSAGE;
		ops[count++].data.send_message.send_message = request;
		ops[count++].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
	}
	ops[count].op = GRPC_OP_RECV_INITIAL_METADATA;
	ops[count++].data.recv_initial_metadata.recv_initial_metadata = &call->initial;
	start(call, ops, count, &call->start);
	if (authorization)
		grpc_slice_unref(metadata.value);

	grpc_op status;
	memset(&status, 0, sizeof(status));
	status.op = GRPC_OP_RECV_STATUS_ON_CLIENT;
	status.data.recv_status_on_client.trailing_metadata = &call->trailers;
	status.data.recv_status_on_client.status = &call->status;
	status.data.recv_status_on_client.status_details = &call->details;
	start(call, &status, 1, &call->status_batch);
	return call;
}

struct grpc_client_call *grpc_client_start(struct grpc_client *client, const char *method,
	const void *request, size_t size, int64_t timeout_ms, const char *authorization)
{
	grpc_byte_buffer *buffer = buffer_of(request, size);
	struct grpc_client_call *call = call_new(client, method, buffer, timeout_ms, authorization);
	grpc_byte_buffer_destroy(buffer);
	return call;
}

struct grpc_client_call *grpc_client_start_stream(struct grpc_client *client, const char *method,
	int64_t timeout_ms)
{
	return call_new(client, method, NULL, timeout_ms, NULL);
}

void grpc_client_write(struct grpc_client_call *call, const void *data, size_t size)
{
	grpc_byte_buffer *buffer = buffer_of(data, size);
	grpc_op op;
	memset(&op, 0, sizeof(op));
	op.op = GRPC_OP_SEND_MESSAGE;
	op.data.send_message.send_message = buffer;
	start(call, &op, 1, &call->write);
	grpc_byte_buffer_destroy(buffer);
}

bool grpc_client_try_write(struct grpc_client_call *call, const void *data, size_t size,
	int64_t within_ms)
{
	if (!wait_within(call->client, &call->write, within_ms))
		return false;
	grpc_client_write(call, data, size);
	return true;
}

void grpc_client_half_close(struct grpc_client_call *call)
{
	grpc_op op;
	memset(&op, 0, sizeof(op));
	op.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
	start(call, &op, 1, &call->write);
}

void grpc_client_cancel(struct grpc_client_call *call)
{
	grpc_call_cancel(call->call, NULL);
}

const uint8_t *grpc_client_next(struct grpc_client_call *call, size_t *size)
{
	free(call->bytes);
	call->bytes = NULL;
	grpc_op op;
	memset(&op, 0, sizeof(op));
	op.op = GRPC_OP_RECV_MESSAGE;
	op.data.recv_message.recv_message = &call->message;
	start(call, &op, 1, &call->read);
	wait_for(call->client, &call->read);
	if (!call->message)
		return NULL;
	grpc_byte_buffer_reader reader;
	CHECK(grpc_byte_buffer_reader_init(&reader, call->message));
	grpc_slice all = grpc_byte_buffer_reader_readall(&reader);
	*size = GRPC_SLICE_LENGTH(all);
	call->bytes = malloc(*size + 1);
	CHECK(call->bytes != NULL);
	memcpy(call->bytes, GRPC_SLICE_START_PTR(all), *size);
	grpc_slice_unref(all);
	grpc_byte_buffer_reader_destroy(&reader);
	grpc_byte_buffer_destroy(call->message);
	call->message = NULL;
	return call->bytes;
}

int grpc_client_finish(struct grpc_client_call *call)
{
	size_t size;
	/* gRPC gives the status only to whom has taken all messages. */
	while (call->status_batch.out && grpc_client_next(call, &size))
		;
	wait_for(call->client, &call->status_batch);
	if (!call->text)
		call->text = grpc_slice_to_c_string(call->details);
	return (int)call->status;
}

const char *grpc_client_message(const struct grpc_client_call *call)
{
	return call->text;
}

const uint8_t *grpc_client_trailer(const struct grpc_client_call *call, const char *key,
	size_t *size)
{
	for (size_t i = 0; i < call->trailers.count; i++) {
		const grpc_metadata *trailer = &call->trailers.metadata[i];
		if (grpc_slice_str_cmp(trailer->key, key) != 0)
			continue;
		*size = GRPC_SLICE_LENGTH(trailer->value);
		return GRPC_SLICE_START_PTR(trailer->value);
	}
	return NULL;
}

void grpc_client_free(struct grpc_client_call *call)
{
	if (call->start.out || call->write.out || call->read.out || call->status_batch.out)
		grpc_call_cancel(call->call, NULL);
	wait_for(call->client, &call->start);
	wait_for(call->client, &call->write);
	wait_for(call->client, &call->read);
	wait_for(call->client, &call->status_batch);
	if (call->message)
		grpc_byte_buffer_destroy(call->message);
	grpc_metadata_array_destroy(&call->initial);
	grpc_metadata_array_destroy(&call->trailers);
	grpc_slice_unref(call->details);
	grpc_call_unref(call->call);
	gpr_free(call->text);
	free(call->bytes);
	free(call);
}

int grpc_client_unary(struct grpc_client *client, const char *method, const void *request,
	size_t size, int64_t timeout_ms, uint8_t **answer, size_t *answer_size)
{
	struct grpc_client_call *call =
		grpc_client_start(client, method, request, size, timeout_ms, NULL);
	const uint8_t *bytes = grpc_client_next(call, answer_size);
	*answer = NULL;
	if (bytes) {
		*answer = malloc(*answer_size + 1);
		CHECK(*answer != NULL);
		memcpy(*answer, bytes, *answer_size);
	}
	int status = grpc_client_finish(call);
	grpc_client_free(call);
	return status;
}
