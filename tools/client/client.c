/*
 * The client: channels, one completion queue, and the calls that wait for their next attempt.
 */
#include "internal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/support/time.h>

#include "base/abseil.h"
#include "base/check.h"
#include "base/cork.h"

#define TARGET_DEFAULT "127.0.0.1:50051"
#define DEADLINE_DEFAULT_MS 30000
#define MESSAGE_BYTES_MAX_DEFAULT (64 << 20)
#define PEM_BYTES_MAX (1 << 20)
#define EVENTS_PER_POLL 256

int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The file's text, or NULL and the error set. A path of NULL is NULL without an error. */
static char *read_pem(const char *path, struct stockbook_error *error)
{
	if (!path)
		return NULL;
	char message[512];
	FILE *file = fopen(path, "r");
	if (!file) {
		snprintf(message, sizeof(message), "cannot read '%s': %s", path, strerror(errno));
		error_set(error, GRPC_STATUS_INVALID_ARGUMENT, "", message);
		return NULL;
	}
	char *text = client_alloc(PEM_BYTES_MAX);
	size_t size = fread(text, 1, PEM_BYTES_MAX - 1, file);
	text[size] = '\0';
	fclose(file);
	if (!strstr(text, "-----BEGIN ")) {
		snprintf(message, sizeof(message), "'%s' is not a PEM file", path);
		error_set(error, GRPC_STATUS_INVALID_ARGUMENT, "", message);
		free(text);
		return NULL;
	}
	return text;
}

/* NULL and the error set when a file is not there or not right. */
static grpc_channel_credentials *make_credentials(const struct stockbook_client_options *options,
	struct stockbook_error *error)
{
	if (!options->tls && !options->ca_file && !options->certificate_file)
		return grpc_insecure_credentials_create();
	grpc_channel_credentials *credentials = NULL;
	char *certificate = NULL;
	char *key = NULL;
	char *ca = read_pem(options->ca_file, error);
	if (error->code)
		goto out;
	certificate = read_pem(options->certificate_file, error);
	if (error->code)
		goto out;
	key = read_pem(options->key_file, error);
	if (error->code)
		goto out;
	if (!certificate != !key) {
		error_set(error, GRPC_STATUS_INVALID_ARGUMENT, "",
			"a client's certificate and its key must be given together");
		goto out;
	}
	grpc_ssl_pem_key_cert_pair pair = {key, certificate};
	credentials = grpc_ssl_credentials_create_ex(ca, certificate ? &pair : NULL, NULL, NULL);
	if (!credentials)
		error_set(error, GRPC_STATUS_INVALID_ARGUMENT, "",
			"the certificates cannot be used: are they and the key valid PEM?");
out:
	free(ca);
	free(certificate);
	free(key);
	return credentials;
}

static grpc_arg integer_argument(const char *key, int value)
{
	grpc_arg argument = {.type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)key};
	argument.value.integer = value;
	return argument;
}

static grpc_arg text_argument(const char *key, const char *value)
{
	grpc_arg argument = {.type = GRPC_ARG_STRING, .key = (char *)(uintptr_t)key};
	argument.value.string = (char *)(uintptr_t)value;
	return argument;
}

static void open_channels(struct stockbook_client *client,
	const struct stockbook_client_options *options, grpc_channel_credentials *credentials)
{
	int bytes_max =
		options->message_bytes_max ? options->message_bytes_max : MESSAGE_BYTES_MAX_DEFAULT;
	grpc_arg list[11] = {
		/* Our own retries know about request ids and RetryInfo; gRPC's would hide attempts. */
		integer_argument(GRPC_ARG_ENABLE_RETRIES, 0),
		integer_argument(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, bytes_max),
		/* Be back within a second of the server. */
		integer_argument(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100),
		integer_argument(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000),
		text_argument(GRPC_ARG_PRIMARY_USER_AGENT_STRING, "stockbook-client"),
		/* Counts calls, and nobody asks. */
		integer_argument(GRPC_ARG_ENABLE_CHANNELZ, 0),
		/* The service takes nothing compressed, and does not compress. */
		integer_argument(GRPC_ARG_ENABLE_PER_MESSAGE_COMPRESSION, 0),
		integer_argument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0),
	};
	size_t count = 8;
	/* Otherwise channels to one target share one connection. */
	if (client->channels_count > 1)
		list[count++] = integer_argument(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
	if (options->server_name)
		list[count++] = text_argument(GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, options->server_name);
	grpc_channel_args arguments = {count, list};
	for (int i = 0; i < client->channels_count; i++)
		client->channels[i] =
			grpc_channel_create(options->target ? options->target : TARGET_DEFAULT, credentials,
				&arguments);
}

/* gRPC's threads start with the signal mask of the one that starts them: block everything, so that
 * signals go to the program's own threads. */
static void start_grpc(void)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	abseil_skip_deadlock_checks();
	grpc_init();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void set_token(struct stockbook_client *client, const char *token)
{
	if (!token || !*token)
		return;
	size_t size = strlen(token) + sizeof("Bearer ");
	char *value = client_alloc(size);
	snprintf(value, size, "Bearer %s", token);
	client->authorization.key = grpc_slice_from_static_string("authorization");
	client->authorization.value = grpc_slice_from_copied_string(value);
	client->metadata_count = 1;
	free(value);
}

struct stockbook_client *stockbook_client_open(const struct stockbook_client_options *options,
	struct stockbook_error *error)
{
	*error = (struct stockbook_error){0};
	start_grpc();
	grpc_channel_credentials *credentials = make_credentials(options, error);
	if (!credentials) {
		grpc_shutdown();
		return NULL;
	}
	struct stockbook_client *client = client_alloc(sizeof(*client));
	size_t methods;
	stockbook_methods(&methods);
	client->queue = grpc_completion_queue_create_for_next(NULL);
	client->channels_count = options->channels > 0 ? options->channels : 1;
	client->channels = client_alloc((size_t)client->channels_count * sizeof(*client->channels));
	client->registered =
		client_alloc((size_t)client->channels_count * methods * sizeof(*client->registered));
	client->deadline_ms = options->deadline_ms > 0 ? options->deadline_ms : DEADLINE_DEFAULT_MS;
	client->connect_patience_ms = options->connect_patience_ms;
	client->no_retry = options->no_retry;
	client->opened_ms = now_ms();
	set_token(client, options->token);
	open_channels(client, options, credentials);
	grpc_channel_credentials_release(credentials);
	error_set(error, 0, "", "");
	stockbook_error_release(error);
	return client;
}

static void cancel_all(struct stockbook_client *client)
{
	client->closing = true;
	while (client->waiting_count)
		call_abandon(client->waiting[--client->waiting_count]);
	/* Again and again, because a callback may start another call. */
	do {
		for (struct call *call = client->calls; call; call = call->next)
			if (call->grpc)
				grpc_call_cancel_with_status(call->grpc, GRPC_STATUS_CANCELLED,
					"the client was closed", NULL);
		sessions_cancel(client);
		stockbook_client_poll(client, -1);
	} while (client->calls || client->sessions);
}

void stockbook_client_close(struct stockbook_client *client)
{
	if (!client)
		return;
	cancel_all(client);
	grpc_completion_queue_shutdown(client->queue);
	while (grpc_completion_queue_next(client->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL)
			   .type != GRPC_QUEUE_SHUTDOWN)
		;
	for (int i = 0; i < client->channels_count; i++)
		grpc_channel_destroy(client->channels[i]);
	grpc_completion_queue_destroy(client->queue);
	if (client->metadata_count)
		grpc_slice_unref(client->authorization.value);
	arena_release(&client->arena);
	free(client->channels);
	free(client->registered);
	free(client->waiting);
	free(client);
	grpc_shutdown();
}

/* The waiting calls: a binary heap by the time of their next attempt. */

static void heap_swap(struct call **heap, size_t i, size_t j)
{
	struct call *call = heap[i];
	heap[i] = heap[j];
	heap[j] = call;
}

void client_wait(struct stockbook_client *client, struct call *call)
{
	if (client->waiting_count == client->waiting_capacity) {
		client->waiting_capacity = client->waiting_capacity ? client->waiting_capacity * 2 : 64;
		client->waiting =
			client_realloc(client->waiting, client->waiting_capacity * sizeof(struct call *));
	}
	struct call **heap = client->waiting;
	size_t i = client->waiting_count++;
	heap[i] = call;
	for (; i && heap[(i - 1) / 2]->retry_at_ms > heap[i]->retry_at_ms; i = (i - 1) / 2)
		heap_swap(heap, i, (i - 1) / 2);
}

static struct call *next_due(struct stockbook_client *client, int64_t now)
{
	struct call **heap = client->waiting;
	if (!client->waiting_count || heap[0]->retry_at_ms > now)
		return NULL;
	struct call *due = heap[0];
	size_t count = --client->waiting_count;
	heap[0] = heap[count];
	for (size_t i = 0, child = 1; child < count; i = child, child = 2 * i + 1) {
		if (child + 1 < count && heap[child + 1]->retry_at_ms < heap[child]->retry_at_ms)
			child++;
		if (heap[i]->retry_at_ms <= heap[child]->retry_at_ms)
			break;
		heap_swap(heap, i, child);
	}
	return due;
}

static gpr_timespec queue_deadline(const struct stockbook_client *client, int64_t now,
	int64_t until, bool delivered)
{
	if (delivered)
		return gpr_time_0(GPR_CLOCK_MONOTONIC);
	if (client->waiting_count && client->waiting[0]->retry_at_ms < until)
		until = client->waiting[0]->retry_at_ms;
	if (client->sessions && client->sessions_due_ms < until)
		until = client->sessions_due_ms;
	if (until == INT64_MAX)
		return gpr_inf_future(GPR_CLOCK_MONOTONIC);
	return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
		gpr_time_from_millis(until > now ? until - now : 0, GPR_TIMESPAN));
}

/* Sessions that were closed are waited for, too: their streams end well. */
static bool is_busy(const struct stockbook_client *client)
{
	return client->calls_count > 0 || client->sessions_ending > 0;
}

size_t stockbook_client_poll(struct stockbook_client *client, int64_t timeout_ms)
{
	size_t ended = 0;
	int64_t now = now_ms();
	int64_t until = timeout_ms < 0 ? INT64_MAX : now + timeout_ms;
	/* Calls that callbacks start leave together, when there is nothing more to deliver. */
	cork_begin();
	for (int events = 0; events < EVENTS_PER_POLL && is_busy(client); events++) {
		struct call *due;
		while ((due = next_due(client, now)))
			call_attempt(due);
		ended += sessions_tick(client, now);
		if (!is_busy(client))
			break;
		/* Where gRPC waits, it may have something of its own to send first. */
		bool waits = ended == 0;
		if (waits)
			cork_end();
		grpc_event event = grpc_completion_queue_next(client->queue,
			queue_deadline(client, now, until, ended > 0), NULL);
		if (waits)
			cork_begin();
		if (event.type == GRPC_OP_COMPLETE) {
			struct tag *tag = event.tag;
			ended += tag->session ? session_event(tag) : call_event(tag, event.success != 0);
			continue;
		}
		now = now_ms();
		if (ended || now >= until)
			break;
	}
	cork_end();
	return ended;
}

void stockbook_client_run(struct stockbook_client *client)
{
	while (is_busy(client))
		stockbook_client_poll(client, -1);
}

size_t stockbook_client_in_flight(const struct stockbook_client *client)
{
	return client->calls_count;
}

void stockbook_call_async(struct stockbook_client *client, const struct stockbook_method *method,
	const ProtobufCMessage *request, int64_t deadline_ms, stockbook_done done, void *context)
{
	CHECK(!method->server_streaming);
	struct call *call = call_start(client, method, request, deadline_ms);
	call->done = done;
	call->context = context;
	call_attempt(call);
}

void stockbook_stream_async(struct stockbook_client *client, const struct stockbook_method *method,
	const ProtobufCMessage *request, int64_t deadline_ms, stockbook_on_message on_message,
	stockbook_done done, void *context)
{
	CHECK(method->server_streaming);
	struct call *call = call_start(client, method, request, deadline_ms);
	call->on_message = on_message;
	call->done = done;
	call->context = context;
	call_attempt(call);
}

/* Blocking calls: an asynchronous one and its end. */

struct wait {
	stockbook_on_message on_message;
	void *context;
	struct stockbook_error *error;
	bool over;
};

static void wait_message(void *context, const ProtobufCMessage *message)
{
	struct wait *wait = context;
	wait->on_message(wait->context, message);
}

static void wait_done(void *context, const ProtobufCMessage *response,
	const struct stockbook_error *error)
{
	struct wait *wait = context;
	(void)response; /* kept by the call */
	/* The caller takes over what the error holds. */
	*wait->error = *error;
	*(struct stockbook_error *)(uintptr_t)error = (struct stockbook_error){0};
	wait->over = true;
}

ProtobufCMessage *stockbook_call(struct stockbook_client *client,
	const struct stockbook_method *method, const ProtobufCMessage *request, int64_t deadline_ms,
	struct stockbook_error *error)
{
	CHECK(!method->server_streaming);
	ProtobufCMessage *response = NULL;
	struct wait wait = {.error = error};
	struct call *call = call_start(client, method, request, deadline_ms);
	call->done = wait_done;
	call->context = &wait;
	call->keep = &response;
	call_attempt(call);
	while (!wait.over)
		stockbook_client_poll(client, -1);
	return response;
}

bool stockbook_stream(struct stockbook_client *client, const struct stockbook_method *method,
	const ProtobufCMessage *request, int64_t deadline_ms, stockbook_on_message on_message,
	void *context, struct stockbook_error *error)
{
	struct wait wait = {.on_message = on_message, .context = context, .error = error};
	stockbook_stream_async(client, method, request, deadline_ms, wait_message, wait_done, &wait);
	while (!wait.over)
		stockbook_client_poll(client, -1);
	return error->code == 0;
}
