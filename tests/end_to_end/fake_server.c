#include "fake_server.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/support/time.h>

#include "base/check.h"

enum step { STEP_ARRIVED, STEP_READ, STEP_SENT, STEP_CLOSED };

/* One call of a client: a tag for each step. */
struct slot {
	struct fake_server *server;
	enum step steps[4];
	grpc_call *grpc;
	grpc_call_details details;
	grpc_metadata_array metadata;
	grpc_byte_buffer *request;
	int cancelled;
	int out; /* batches that have not come back */
	int sent;
	grpc_metadata trailer;
	grpc_slice status_text;
	struct fake_call call;
};

struct fake_server {
	grpc_server *grpc;
	grpc_completion_queue *queue;
	pthread_t thread;
	fake_answer answer;
	void *context;
	int number;
	atomic_bool closing;
};

static void accept_call(struct fake_server *server)
{
	struct slot *slot = calloc(1, sizeof(*slot));
	CHECK(slot);
	slot->server = server;
	for (int i = 0; i < 4; i++)
		slot->steps[i] = (enum step)i;
	grpc_call_details_init(&slot->details);
	grpc_metadata_array_init(&slot->metadata);
	CHECK(grpc_server_request_call(server->grpc, &slot->grpc, &slot->details, &slot->metadata,
			  server->queue, server->queue, &slot->steps[STEP_ARRIVED]) == GRPC_CALL_OK);
}

static void start(struct slot *slot, const grpc_op *ops, size_t count, enum step step)
{
	slot->out++;
	CHECK(grpc_call_start_batch(slot->grpc, ops, count, &slot->steps[step], NULL) == GRPC_CALL_OK);
}

static void read_request(struct slot *slot)
{
	grpc_op ops[2];
	memset(ops, 0, sizeof(ops));
	ops[0].op = GRPC_OP_RECV_CLOSE_ON_SERVER;
	ops[0].data.recv_close_on_server.cancelled = &slot->cancelled;
	start(slot, ops, 1, STEP_CLOSED);
	memset(ops, 0, sizeof(ops));
	ops[0].op = GRPC_OP_RECV_MESSAGE;
	ops[0].data.recv_message.recv_message = &slot->request;
	start(slot, ops, 1, STEP_READ);
}

static size_t fill_status(struct slot *slot, grpc_op *op)
{
	struct fake_call *call = &slot->call;
	op->op = GRPC_OP_SEND_STATUS_FROM_SERVER;
	op->data.send_status_from_server.status = (grpc_status_code)call->code;
	slot->status_text = grpc_slice_from_copied_string(call->message ? call->message : "");
	op->data.send_status_from_server.status_details = &slot->status_text;
	if (call->details_size) {
		slot->trailer.key = grpc_slice_from_static_string("grpc-status-details-bin");
		slot->trailer.value =
			grpc_slice_from_copied_buffer((const char *)call->details, call->details_size);
		op->data.send_status_from_server.trailing_metadata_count = 1;
		op->data.send_status_from_server.trailing_metadata = &slot->trailer;
	}
	return 1;
}

/* Sends the next message, and the status with the last. */
static void send_next(struct slot *slot)
{
	struct fake_call *call = &slot->call;
	grpc_op ops[3];
	size_t count = 0;
	memset(ops, 0, sizeof(ops));
	if (slot->sent == 0)
		ops[count++].op = GRPC_OP_SEND_INITIAL_METADATA;
	grpc_byte_buffer *buffer = NULL;
	if (slot->sent < call->responses) {
		grpc_slice slice = grpc_slice_from_copied_buffer((const char *)call->response[slot->sent],
			call->response_size[slot->sent]);
		buffer = grpc_raw_byte_buffer_create(&slice, 1);
		grpc_slice_unref(slice);
		ops[count].op = GRPC_OP_SEND_MESSAGE;
		ops[count++].data.send_message.send_message = buffer;
	}
	slot->sent++;
	if (slot->sent >= call->responses)
		count += fill_status(slot, &ops[count]);
	start(slot, ops, count, STEP_SENT);
	if (buffer)
		grpc_byte_buffer_destroy(buffer);
}

static void copy_text(char *to, size_t size, grpc_slice from)
{
	size_t length = GRPC_SLICE_LENGTH(from);
	CHECK(length < size);
	memcpy(to, GRPC_SLICE_START_PTR(from), length);
}

static void answer(struct slot *slot)
{
	struct fake_call *call = &slot->call;
	grpc_byte_buffer_reader reader;
	if (!slot->request || !grpc_byte_buffer_reader_init(&reader, slot->request))
		return;
	grpc_slice slice = grpc_byte_buffer_reader_readall(&reader);
	call->request_size = GRPC_SLICE_LENGTH(slice);
	CHECK(call->request_size <= FAKE_BYTES_MAX);
	memcpy(call->request, GRPC_SLICE_START_PTR(slice), call->request_size);
	grpc_slice_unref(slice);
	grpc_byte_buffer_reader_destroy(&reader);
	copy_text(call->method, sizeof(call->method), slot->details.method);
	for (size_t i = 0; i < slot->metadata.count; i++)
		if (grpc_slice_str_cmp(slot->metadata.metadata[i].key, "authorization") == 0)
			copy_text(call->authorization, sizeof(call->authorization),
				slot->metadata.metadata[i].value);
	call->number = ++slot->server->number;
	slot->server->answer(slot->server->context, call);
	if (!call->never)
		send_next(slot);
}

static void slot_free(struct slot *slot)
{
	grpc_call_details_destroy(&slot->details);
	grpc_metadata_array_destroy(&slot->metadata);
	if (slot->request)
		grpc_byte_buffer_destroy(slot->request);
	if (slot->call.details_size && slot->sent)
		grpc_slice_unref(slot->trailer.value);
	if (slot->sent)
		grpc_slice_unref(slot->status_text);
	if (slot->grpc)
		grpc_call_unref(slot->grpc);
	free(slot);
}

static void step(enum step *tag, bool success)
{
	enum step which = *tag;
	struct slot *slot =
		(struct slot *)(void *)((char *)(tag - which) - offsetof(struct slot, steps));
	if (which == STEP_ARRIVED) {
		if (!success) {
			slot_free(slot);
			return;
		}
		if (!slot->server->closing)
			accept_call(slot->server);
		read_request(slot);
		return;
	}
	slot->out--;
	if (which == STEP_READ && success)
		answer(slot);
	else if (which == STEP_SENT && success && slot->sent < slot->call.responses)
		send_next(slot);
	if (slot->out == 0)
		slot_free(slot);
}

static void *serve(void *context)
{
	struct fake_server *server = context;
	for (;;) {
		grpc_event event =
			grpc_completion_queue_next(server->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
		if (event.type == GRPC_QUEUE_SHUTDOWN)
			return NULL;
		if (event.tag == server)
			grpc_completion_queue_shutdown(server->queue);
		else
			step(event.tag, event.success != 0);
	}
}

struct fake_server *fake_server_open(int port, const char *certificate, const char *key,
	fake_answer answer_function, void *context, int *port_used)
{
	struct fake_server *server = calloc(1, sizeof(*server));
	CHECK(server);
	grpc_init();
	server->answer = answer_function;
	server->context = context;
	grpc_arg argument = {
		.type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)GRPC_ARG_ALLOW_REUSEPORT};
	grpc_channel_args arguments = {1, &argument};
	server->grpc = grpc_server_create(&arguments, NULL);
	server->queue = grpc_completion_queue_create_for_next(NULL);
	grpc_server_register_completion_queue(server->grpc, server->queue, NULL);
	grpc_ssl_pem_key_cert_pair pair = {key, certificate};
	grpc_server_credentials *credentials =
		certificate ? grpc_ssl_server_credentials_create_ex(NULL, &pair, 1,
						  GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE, NULL)
					: grpc_insecure_server_credentials_create();
	char address[64];
	snprintf(address, sizeof(address), "127.0.0.1:%d", port);
	*port_used = grpc_server_add_http2_port(server->grpc, address, credentials);
	grpc_server_credentials_release(credentials);
	CHECK(*port_used > 0);
	grpc_server_start(server->grpc);
	accept_call(server);
	CHECK(pthread_create(&server->thread, NULL, serve, server) == 0);
	return server;
}

void fake_server_close(struct fake_server *server)
{
	server->closing = true;
	grpc_server_shutdown_and_notify(server->grpc, server->queue, server);
	grpc_server_cancel_all_calls(server->grpc);
	pthread_join(server->thread, NULL);
	grpc_server_destroy(server->grpc);
	grpc_completion_queue_destroy(server->queue);
	free(server);
	grpc_shutdown();
}
