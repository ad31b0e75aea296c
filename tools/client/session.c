/*
 * Sessions: one stream that carries many calls.
 *
 *	call_attempt ──> waiting ──a message has room──> sent (a place) ──answer──> call_end
 *	      ^                                            │                    └─> call_failed
 *	      └──────────── retries ────────────────────── └── the stream is over ──┘
 *
 * The stream:
 *
 *	NONE ──something waits──> OPEN ──closed by the user, nothing in flight──> HALF_CLOSED
 *	  ^                         │                                                 │
 *	  └──── status, all tags back ────────────────────────────────────────────────┘
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include <grpc/byte_buffer_reader.h>
#include <grpc/slice.h>
#include <grpc/support/time.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/message.h"
#include "stockbook/v1/session.pb-c.h"

#define PATH "/stockbook.v1.SessionService/Session"
#define METHOD_PREFIX "/stockbook.v1."
#define IN_FLIGHT_DEFAULT 1000
/* What the server takes in one message. */
#define MESSAGE_OPERATIONS_MAX 256
/* Larger requests go alone, and a message is closed beyond: the server's bound is 4 MiB. */
#define MESSAGE_BYTES_MAX ((size_t)1 << 20)
/* How late a deadline may be noticed here; the server notices its own in time. */
#define DEADLINES_INTERVAL_MS 100

enum stream_state {
	STREAM_NONE,
	STREAM_OPEN,
	STREAM_HALF_CLOSED,
};

/* Where a sent operation is found again: its number is the place's index and generation, so that
 * an answer that comes too late is nobody's. */
struct place {
	struct call *call; /* NULL: free */
	uint32_t generation;
	uint32_t next_free;
};

struct stockbook_session {
	struct stockbook_client *client;
	struct stockbook_session *next; /* of the client */
	bool closed;                    /* by the user */
	bool unary;                     /* the server has no sessions */
	bool in_event;                  /* what is started now is sent when it is over */
	size_t calls;                   /* living */

	struct call *waiting; /* to be sent */
	struct call **waiting_end;
	size_t waiting_count;
	struct place *places;
	uint32_t places_count;
	uint32_t places_used;
	uint32_t place_free; /* the first; places_count: none */

	/* One stream. */
	enum stream_state state;
	bool sending;
	grpc_call *grpc;
	grpc_metadata_array initial, trailing;
	grpc_byte_buffer *sent;
	grpc_byte_buffer *received;
	grpc_status_code status;
	grpc_slice status_text;
	int tags_out;
	struct tag tags[TAG_KINDS];
	struct arena arena; /* of the answers that are being told */
};

/* ---- Places ---- */

static void places_init(struct stockbook_session *session, uint32_t count)
{
	session->places = client_alloc(count * sizeof(*session->places));
	session->places_count = count;
	for (uint32_t i = 0; i < count; i++)
		session->places[i].next_free = i + 1;
}

static int64_t place_take(struct stockbook_session *session, struct call *call)
{
	uint32_t index = session->place_free;
	struct place *place = &session->places[index];
	session->place_free = place->next_free;
	session->places_used++;
	place->call = call;
	call->session_place = index;
	return (int64_t)((uint64_t)(place->generation & INT32_MAX) << 32 | index);
}

static void place_give(struct stockbook_session *session, uint32_t index)
{
	struct place *place = &session->places[index];
	place->call = NULL;
	place->generation++;
	place->next_free = session->place_free;
	session->place_free = index;
	session->places_used--;
}

/* NULL: whoever asked is not waiting any more. */
static struct call *place_find(const struct stockbook_session *session, int64_t number)
{
	uint64_t index = (uint64_t)number & UINT32_MAX;
	if (number < 0 || index >= session->places_count)
		return NULL;
	const struct place *place = &session->places[index];
	bool same = (place->generation & INT32_MAX) == (uint64_t)number >> 32;
	return same ? place->call : NULL;
}

static struct call *waiting_take(struct stockbook_session *session)
{
	struct call *call = session->waiting;
	session->waiting = call->session_next;
	if (!session->waiting)
		session->waiting_end = &session->waiting;
	session->waiting_count--;
	call->session_next = NULL;
	return call;
}

/* ---- The stream ---- */

static void start_batch(struct stockbook_session *session, const grpc_op *ops, size_t count,
	enum tag_kind kind)
{
	session->tags_out++;
	CHECK(grpc_call_start_batch(session->grpc, ops, count, &session->tags[kind], NULL) ==
		  GRPC_CALL_OK);
}

static void stream_receive(struct stockbook_session *session)
{
	grpc_op op;
	memset(&op, 0, sizeof(op));
	op.op = GRPC_OP_RECV_MESSAGE;
	op.data.recv_message.recv_message = &session->received;
	start_batch(session, &op, 1, TAG_MESSAGE);
}

static void stream_open(struct stockbook_session *session)
{
	struct stockbook_client *client = session->client;
	grpc_channel *channel = client->channels[client->channel_next];
	client->channel_next = (client->channel_next + 1) % client->channels_count;
	session->state = STREAM_OPEN;
	session->status_text = grpc_empty_slice();
	grpc_metadata_array_init(&session->initial);
	grpc_metadata_array_init(&session->trailing);
	session->grpc = grpc_channel_create_call(channel, NULL, GRPC_PROPAGATE_DEFAULTS, client->queue,
		grpc_slice_from_static_string(PATH), NULL, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);

	grpc_op ops[2];
	memset(ops, 0, sizeof(ops));
	ops[0].op = GRPC_OP_SEND_INITIAL_METADATA;
	ops[0].data.send_initial_metadata.count = client->metadata_count;
	ops[0].data.send_initial_metadata.metadata = &client->authorization;
	ops[1].op = GRPC_OP_RECV_INITIAL_METADATA;
	ops[1].data.recv_initial_metadata.recv_initial_metadata = &session->initial;
	start_batch(session, ops, 2, TAG_OPENED);
	memset(ops, 0, sizeof(ops[0]));
	ops[0].op = GRPC_OP_RECV_STATUS_ON_CLIENT;
	ops[0].data.recv_status_on_client.trailing_metadata = &session->trailing;
	ops[0].data.recv_status_on_client.status = &session->status;
	ops[0].data.recv_status_on_client.status_details = &session->status_text;
	start_batch(session, ops, 1, TAG_STATUS);
	stream_receive(session);
}

static void stream_release(struct stockbook_session *session)
{
	grpc_metadata_array_destroy(&session->initial);
	grpc_metadata_array_destroy(&session->trailing);
	grpc_slice_unref(session->status_text);
	grpc_call_unref(session->grpc);
	session->grpc = NULL;
	session->state = STREAM_NONE;
}

static void stream_half_close(struct stockbook_session *session)
{
	grpc_op op;
	memset(&op, 0, sizeof(op));
	op.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
	session->state = STREAM_HALF_CLOSED;
	start_batch(session, &op, 1, TAG_SENT);
}

/* ---- Sending ---- */

static void add_operation(struct stockbook_session *session, struct call *call, int64_t now,
	Stockbook__V1__SessionOperation *operation, Google__Protobuf__Duration *timeout)
{
	int64_t left_ms = call->deadline_ms > now ? call->deadline_ms - now : 0;
	google__protobuf__duration__init(timeout);
	timeout->seconds = left_ms / 1000;
	timeout->nanos = (int32_t)(left_ms % 1000) * 1000000;
	stockbook__v1__session_operation__init(operation);
	operation->number = place_take(session, call);
	operation->method = (char *)(uintptr_t)(call->method->path + strlen(METHOD_PREFIX));
	operation->request.len = GRPC_SLICE_LENGTH(call->request);
	operation->request.data = GRPC_SLICE_START_PTR(call->request);
	operation->timeout = timeout;
}

/* One message of what waits, as far as it may be in flight. */
static void send_message(struct stockbook_session *session)
{
	Stockbook__V1__SessionOperation operations[MESSAGE_OPERATIONS_MAX];
	Stockbook__V1__SessionOperation *pointers[MESSAGE_OPERATIONS_MAX];
	Google__Protobuf__Duration timeouts[MESSAGE_OPERATIONS_MAX];
	Stockbook__V1__SessionRequest request = STOCKBOOK__V1__SESSION_REQUEST__INIT;
	request.operations = pointers;
	size_t bytes = 0;
	int64_t now = now_ms();
	while (session->waiting && session->places_used < session->places_count &&
		   request.n_operations < MESSAGE_OPERATIONS_MAX && bytes < MESSAGE_BYTES_MAX) {
		struct call *call = waiting_take(session);
		size_t i = request.n_operations++;
		bytes += GRPC_SLICE_LENGTH(call->request);
		pointers[i] = &operations[i];
		add_operation(session, call, now, &operations[i], &timeouts[i]);
	}
	grpc_slice slice = grpc_slice_malloc(stockbook__v1__session_request__get_packed_size(&request));
	stockbook__v1__session_request__pack(&request, GRPC_SLICE_START_PTR(slice));
	session->sent = grpc_raw_byte_buffer_create(&slice, 1);
	grpc_slice_unref(slice);
	grpc_op op;
	memset(&op, 0, sizeof(op));
	op.op = GRPC_OP_SEND_MESSAGE;
	op.data.send_message.send_message = session->sent;
	session->sending = true;
	start_batch(session, &op, 1, TAG_SENT);
}

/* One message is on its way at a time: what comes meanwhile is gathered into the next. */
static void session_send(struct stockbook_session *session)
{
	if (!session->waiting || session->sending || session->places_used == session->places_count)
		return;
	if (session->state == STREAM_NONE)
		stream_open(session);
	if (session->state == STREAM_OPEN)
		send_message(session);
}

bool session_submit(struct call *call)
{
	struct stockbook_session *session = call->session;
	if (session->unary || GRPC_SLICE_LENGTH(call->request) > MESSAGE_BYTES_MAX)
		return false;
	call->session_next = NULL;
	*session->waiting_end = call;
	session->waiting_end = &call->session_next;
	session->waiting_count++;
	if (session->waiting_count >= MESSAGE_OPERATIONS_MAX && !session->in_event)
		session_send(session);
	return true;
}

/* ---- The end of operations ---- */

static void session_free(struct stockbook_session *session)
{
	struct stockbook_session **link = &session->client->sessions;
	while (*link != session)
		link = &(*link)->next;
	*link = session->next;
	session->client->sessions_ending--;
	arena_release(&session->arena);
	free(session->places);
	free(session);
}

/* What follows when the user has closed it, and nothing is in flight. Only from where events come
 * in, never from within what a user calls: his callbacks may close other sessions, too. */
static void session_settle(struct stockbook_session *session)
{
	if (!session->closed || session->calls > 0)
		return;
	if (session->state == STREAM_NONE)
		session_free(session);
	else if (session->state == STREAM_OPEN && !session->sending)
		stream_half_close(session);
}

void session_forget(struct stockbook_session *session)
{
	session->calls--;
}

/* True when the call ended. */
static bool end_answered(struct stockbook_session *session, struct call *call,
	const Stockbook__V1__SessionAnswer *answer)
{
	struct stockbook_error error;
	bool ended = true;
	if (answer->outcome_case == STOCKBOOK__V1__SESSION_ANSWER__OUTCOME_STATUS) {
		error_from_answer(&error, answer->status, answer->request_tag);
		ended = call_failed(call, &error, true);
		stockbook_error_release(&error);
		return ended;
	}
	const ProtobufCMessage *response = client_unpack(call->method->response, answer->response.data,
		answer->response.len, &session->arena);
	error_set(&error, response ? 0 : GRPC_STATUS_INTERNAL, "",
		response ? "" : "the server's answer cannot be decoded");
	error.outcome_unknown = !response;
	error.attempts = call->attempts;
	call_end_borrowed(call, response, &error);
	stockbook_error_release(&error);
	return true;
}

static size_t take_answers(struct stockbook_session *session)
{
	grpc_byte_buffer_reader reader;
	ProtobufCAllocator allocator = message_allocator(&session->arena);
	CHECK(grpc_byte_buffer_reader_init(&reader, session->received));
	grpc_slice slice = grpc_byte_buffer_reader_readall(&reader);
	const Stockbook__V1__SessionResponse *response =
		stockbook__v1__session_response__unpack(&allocator, GRPC_SLICE_LENGTH(slice),
			GRPC_SLICE_START_PTR(slice));
	size_t ended = 0;
	for (size_t i = 0; response && i < response->n_answers; i++) {
		struct call *call = place_find(session, response->answers[i]->number);
		if (!call)
			continue; /* its time was over */
		place_give(session, call->session_place);
		ended += end_answered(session, call, response->answers[i]);
	}
	if (!response)
		grpc_call_cancel_with_status(session->grpc, GRPC_STATUS_INTERNAL,
			"the server's answer cannot be decoded", NULL);
	session->client->answered = true;
	arena_reset(&session->arena);
	grpc_slice_unref(slice);
	grpc_byte_buffer_reader_destroy(&reader);
	grpc_byte_buffer_destroy(session->received);
	session->received = NULL;
	return ended;
}

static bool fail(struct call *call, const struct stockbook_session *session, bool sent)
{
	struct stockbook_error error;
	error_from_status(&error, session->status, session->status_text, &session->trailing);
	/* The server ends a stream with OK when we do, and never before. */
	if (error.code == 0)
		error.code = GRPC_STATUS_UNAVAILABLE;
	bool ended = call_failed(call, &error, sent);
	stockbook_error_release(&error);
	return ended;
}

/* Takes what was not answered into a list, places first. Says how many of it were sent. */
static size_t take_unanswered(struct stockbook_session *session, struct call **list)
{
	size_t sent = 0;
	struct call **end = list;
	for (uint32_t i = 0; i < session->places_count && session->places_used > 0; i++) {
		struct call *call = session->places[i].call;
		if (!call)
			continue;
		place_give(session, i);
		*end = call;
		end = &call->session_next;
		sent++;
	}
	*end = session->waiting;
	session->waiting = NULL;
	session->waiting_end = &session->waiting;
	session->waiting_count = 0;
	return sent;
}

/* What was not answered is tried again, or fails as the stream did. */
static size_t stream_over(struct stockbook_session *session)
{
	size_t ended = 0;
	struct call *next = NULL;
	size_t sent = take_unanswered(session, &next);
	if (session->status == GRPC_STATUS_UNIMPLEMENTED)
		session->unary = true;
	while (next) {
		struct call *call = next;
		next = call->session_next;
		call->session_next = NULL;
		if (session->unary)
			call_attempt(call);
		else
			ended += fail(call, session, sent > 0);
		sent -= sent > 0;
	}
	stream_release(session);
	return ended;
}

size_t session_event(struct tag *tag)
{
	struct stockbook_session *session = tag->session;
	size_t ended = 0;
	session->tags_out--;
	session->in_event = true;
	if (tag->kind == TAG_SENT) {
		if (session->sent)
			grpc_byte_buffer_destroy(session->sent);
		session->sent = NULL;
		session->sending = false;
	} else if (tag->kind == TAG_MESSAGE && session->received) {
		ended = take_answers(session);
		stream_receive(session);
	}
	if (session->tags_out == 0)
		ended += stream_over(session);
	session->in_event = false;
	session_settle(session);
	return ended;
}

/* ---- Deadlines ---- */

static bool end_overdue(struct call *call, bool sent)
{
	struct stockbook_error error;
	error_set(&error, GRPC_STATUS_DEADLINE_EXCEEDED, "", "the call's time is over");
	bool ended = call_failed(call, &error, sent);
	stockbook_error_release(&error);
	return ended;
}

static size_t session_end_overdue(struct stockbook_session *session, int64_t now)
{
	size_t ended = 0;
	for (uint32_t i = 0, left = session->places_used; i < session->places_count && left; i++) {
		struct call *call = session->places[i].call;
		left -= call != NULL;
		if (!call || call->deadline_ms > now)
			continue;
		place_give(session, i);
		ended += end_overdue(call, true);
	}
	/* Once around: those that are in time go to the end again. */
	for (size_t left = session->waiting_count; left > 0; left--) {
		struct call *call = waiting_take(session);
		if (call->deadline_ms <= now) {
			ended += end_overdue(call, false);
			continue;
		}
		*session->waiting_end = call;
		session->waiting_end = &call->session_next;
		session->waiting_count++;
	}
	return ended;
}

size_t sessions_tick(struct stockbook_client *client, int64_t now)
{
	size_t ended = 0;
	struct stockbook_session *next;
	bool due = client->sessions && now >= client->sessions_due_ms;
	if (due)
		client->sessions_due_ms = now + DEADLINES_INTERVAL_MS;
	for (struct stockbook_session *session = client->sessions; session; session = next) {
		next = session->next;
		session->in_event = true;
		if (due)
			ended += session_end_overdue(session, now);
		session_send(session);
		session->in_event = false;
		session_settle(session);
	}
	return ended;
}

void sessions_cancel(struct stockbook_client *client)
{
	struct stockbook_session *next;
	for (struct stockbook_session *session = client->sessions; session; session = next) {
		next = session->next;
		if (session->state != STREAM_NONE)
			grpc_call_cancel_with_status(session->grpc, GRPC_STATUS_CANCELLED,
				"the client was closed", NULL);
		/* Not before: its callbacks may start more. */
		if (session->calls == 0)
			stockbook_session_close(session);
	}
}

/* ---- What users call ---- */

struct stockbook_session *stockbook_session_open(struct stockbook_client *client, int in_flight_max)
{
	struct stockbook_session *session = client_alloc(sizeof(*session));
	session->client = client;
	session->waiting_end = &session->waiting;
	places_init(session, (uint32_t)(in_flight_max > 0 ? in_flight_max : IN_FLIGHT_DEFAULT));
	arena_init(&session->arena);
	for (int kind = 0; kind < TAG_KINDS; kind++)
		session->tags[kind] = (struct tag){NULL, session, (enum tag_kind)kind};
	session->next = client->sessions;
	client->sessions = session;
	return session;
}

void stockbook_session_call_async(struct stockbook_session *session,
	const struct stockbook_method *method, const ProtobufCMessage *request, int64_t deadline_ms,
	stockbook_done done, void *context)
{
	CHECK(!method->server_streaming && !session->closed);
	struct call *call = call_start(session->client, method, request, deadline_ms);
	call->done = done;
	call->context = context;
	call->session = session;
	session->calls++;
	call_attempt(call);
}

size_t stockbook_session_in_flight(const struct stockbook_session *session)
{
	return session->calls;
}

void stockbook_session_close(struct stockbook_session *session)
{
	if (!session || session->closed)
		return;
	session->closed = true;
	session->client->sessions_ending++;
}
