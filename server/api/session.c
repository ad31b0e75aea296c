#include "api/session.h"

#include <string.h>

#include "stockbook/v1/session.pb-c.h"

#include "api/errors.h"
#include "api/private.h"
#include "api/session_answers.h"
#include "observe/metrics.h"

#define PATH_BYTES_MAX 128
#define PACKAGE "/stockbook.v1."
/* Of answers that a caller does not read: no more operations are begun until they are sent. */
#define WAITING_BYTES_MAX ((size_t)1 << 20)
/* Of the messages of operations in flight: no more are begun. One is always taken. */
#define IN_FLIGHT_BYTES_MAX ((size_t)8 << 20)
#define OPERATIONS_FREE_MAX 4096U
#define ARENA_BYTES_KEPT_MAX ((size_t)16 << 10)
#define MESSAGE_BYTES_KEPT_MAX ((size_t)256 << 10)
#define METHOD_SHOWN_MAX 200

enum session_state {
	SESSION_OPEN,
	SESSION_ENDING,
	SESSION_GONE,
};

struct session {
	struct api_call *call; /* the stream's */
	enum session_state state;
	struct refusal ending; /* what the stream is refused with at its end; no message: nothing */
	struct session_operation *operations; /* in flight */
	size_t in_flight;
	size_t in_flight_bytes; /* of their messages */
	struct session_answers answers;
	bool reading;
	/* The message whose operations are being begun; the next is read when all are. */
	struct arena message_arena;
	const Stockbook__V1__SessionRequest *message; /* NULL: none */
	size_t message_next;
	int64_t message_arrived_us;
};

/* A call like the transport's; in flight until it is finished. */
struct session_operation {
	struct call call; /* what the API sees */
	struct session *session;
	int64_t number;
	size_t size;   /* of its message */
	bool answered; /* what was sent is among the answers */
	struct session_operation *next;
	struct session_operation **back;
};

void session_open_metrics(struct api *api)
{
	api->session.open = metric_gauge("stockbook_sessions", "Sessions that are open.", NULL);
	api->session.operations = metric_counter("stockbook_session_operations_total",
		"Operations that came in sessions.", NULL);
	api->session.messages = metric_counter("stockbook_session_messages_total",
		"Messages of answers sent in sessions.", NULL);
}

/* ---- The pool ---- */

static struct session_operation *pool_take(struct api *api)
{
	struct session_operation *operation = api->session.free;
	struct arena arena;
	if (operation) {
		api->session.free = operation->next;
		api->session.free_count--;
		arena = operation->call.arena;
	} else {
		operation = malloc(sizeof(*operation));
		CHECK(operation != NULL);
		arena_init(&arena);
	}
	*operation = (struct session_operation){.call.arena = arena};
	return operation;
}

static void pool_give(struct api *api, struct session_operation *operation)
{
	if (api->session.free_count >= OPERATIONS_FREE_MAX) {
		arena_release(&operation->call.arena);
		free(operation);
		return;
	}
	/* A reset keeps a block, and after a large operation a large one. */
	if (operation->call.arena.allocated > ARENA_BYTES_KEPT_MAX)
		arena_release(&operation->call.arena);
	else
		arena_reset(&operation->call.arena);
	operation->next = api->session.free;
	api->session.free = operation;
	api->session.free_count++;
}

void session_pool_release(struct api *api)
{
	while (api->session.free) {
		struct session_operation *operation = api->session.free;
		api->session.free = operation->next;
		arena_release(&operation->call.arena);
		free(operation);
	}
	api->session.free_count = 0;
}

/* ---- An operation's answer ---- */

static void session_wake(struct session *session)
{
	struct call *face = session->call->call;
	face->operations->wake(face);
}

static bool operation_send(struct call *face, const void *data, size_t size)
{
	struct session_operation *operation = (struct session_operation *)face;
	CHECK(!operation->answered);
	if (face->cancelled)
		return false;
	session_answers_add_response(&operation->session->answers, operation->number, data, size);
	operation->answered = true;
	return true;
}

static bool operation_send_message(struct call *face, const ProtobufCMessage *message)
{
	uint8_t *bytes = arena_alloc(&face->arena, protobuf_c_message_get_packed_size(message));
	size_t size = protobuf_c_message_pack(message, bytes);
	return operation_send(face, bytes, size);
}

/* The session goes on at the round's end, never from here: this may come from within it. */
static void operation_finish(struct call *face)
{
	struct session_operation *operation = (struct session_operation *)face;
	struct session *session = operation->session;
	CHECK(operation->answered == (face->status_code == 0) || face->cancelled);
	if (!operation->answered && session->state != SESSION_GONE)
		session_answers_add_status(&session->answers, operation->number, face->status_details,
			face->status_details_size, face->request_tag);
	*operation->back = operation->next;
	if (operation->next)
		operation->next->back = operation->back;
	session->in_flight--;
	session->in_flight_bytes -= operation->size;
	session_wake(session);
	pool_give(session->call->api, operation);
}

static const struct call_operations operation_operations = {
	.send_message = operation_send_message,
	.send = operation_send,
	.finish = operation_finish,
};

/* ---- An operation's beginning ---- */

static void link_operation(struct session *session, struct session_operation *operation)
{
	operation->next = session->operations;
	operation->back = &session->operations;
	if (operation->next)
		operation->next->back = &operation->next;
	session->operations = operation;
	session->in_flight++;
	session->in_flight_bytes += operation->size;
}

static int64_t deadline_us(const struct session *session, const Google__Protobuf__Duration *timeout)
{
	int64_t deadline_us = session->call->call->deadline_us;
	/* Days are as good as for ever, and cannot overflow. */
	if (!timeout || timeout->seconds > INT32_MAX)
		return deadline_us;
	int64_t left_us = timeout->seconds < 0 ? 0 : timeout->seconds * 1000000 + timeout->nanos / 1000;
	int64_t own_us = session->message_arrived_us + left_us;
	return own_us < deadline_us ? own_us : deadline_us;
}

/* Of one that is no call of the API, or not one that can be made here: its row counts nothing. */
static void refuse_operation(struct session_operation *operation, const struct refusal *refusal)
{
	record_refusal(&operation->session->call->api->record, refusal->reason);
	struct error error = error_make(refusal, &operation->call.arena);
	operation->call.status_code = error.code;
	operation->call.status_details = error.details;
	operation->call.status_details_size = error.details_size;
	operation_finish(&operation->call);
}

static void refuse_method(struct session_operation *operation, const char *method, const char *why)
{
	struct arena *arena = &operation->call.arena;
	size_t size = strlen(method);
	char *shown =
		arena_string_sized(arena, method, size < METHOD_SHOWN_MAX ? size : METHOD_SHOWN_MAX);
	/* It goes into messages and logs: only visible ASCII. */
	for (char *c = shown; *c; c++) {
		if (*c <= ' ' || *c > '~')
			*c = '?';
	}
	struct refusal refusal = {.reason = STOCKBOOK__V1__REASON__REASON_METHOD_NOT_FOUND};
	refusal.message = arena_printf(arena, "method '%s' %s", shown, why);
	refusal_add_pair(&refusal, arena, "method", "%s", shown);
	refuse_operation(operation, &refusal);
}

static void refuse_overloaded(struct session_operation *operation)
{
	struct refusal refusal = {0};
	admission_refuse_calls(operation->session->call->api, &operation->call.arena, &refusal);
	refuse_operation(operation, &refusal);
}

/* The row of "OrderService/PlaceOrder"; NULL when there is none. */
static const struct method_entry *find_method(const struct api *api, const char *name)
{
	char path[PATH_BYTES_MAX];
	int size = snprintf(path, sizeof(path), PACKAGE "%s", name);
	return size > 0 && (size_t)size < sizeof(path) ? methods_find(&api->methods, path) : NULL;
}

static void begin(struct session *session, const Stockbook__V1__SessionOperation *from)
{
	struct api *api = session->call->api;
	const struct call *stream = session->call->call;
	struct session_operation *operation = pool_take(api);
	struct call *call = &operation->call;
	operation->session = session;
	operation->number = from->number;
	operation->size = from->request.len;
	call->operations = &operation_operations;
	call->peer = stream->peer;
	call->authorization = stream->authorization;
	call->peer_name = stream->peer_name;
	call->arrived_us = session->message_arrived_us;
	call->deadline_us = deadline_us(session, from->timeout);
	link_operation(session, operation);
	metric_add(api->session.operations, 1);

	const struct method_entry *method = find_method(api, from->method);
	if (!method) {
		refuse_method(operation, from->method, "not found: a session takes 'Service/Method'");
	} else if (method->method->streams) {
		refuse_method(operation, from->method, "streams: it cannot be called in a session");
	} else if (api->calls_in_flight >= api->settings.calls_in_flight_max) {
		refuse_overloaded(operation);
	} else {
		call->method = method->path;
		/* The message goes before the call does, which may wait for its token. */
		call->request = arena_copy(&call->arena, from->request.data, from->request.len);
		call->request_size = from->request.len;
		api_handle(api, call);
	}
}

/* ---- The stream ---- */

/* Answers count until they are sent, so that a caller who does not read them begins nothing more. */
static bool has_room(const struct session *session)
{
	return session->in_flight + session->answers.count <
			   session->call->api->settings.session_operations_max &&
		   session->in_flight_bytes < IN_FLIGHT_BYTES_MAX &&
		   session->answers.size < WAITING_BYTES_MAX;
}

static void drop_message(struct session *session)
{
	session->message = NULL;
	if (session->call->admitted)
		admission_weigh(session->call, 0);
	/* A session may be idle for long: it keeps no large block meanwhile. */
	if (session->message_arena.allocated > MESSAGE_BYTES_KEPT_MAX)
		arena_release(&session->message_arena);
	else
		arena_reset(&session->message_arena);
}

/* Begins what there is room for, and reads on when that was all. */
static void pump(struct session *session)
{
	struct call *face = session->call->call;
	/* Where there is no memory for what waits here, it is begun all the same, and refused. */
	while (session->message && session->state == SESSION_OPEN &&
		   (has_room(session) || admission_is_heavy(session->call))) {
		if (session->message_next < session->message->n_operations)
			begin(session, session->message->operations[session->message_next++]);
		else
			drop_message(session);
	}
	if (session->state == SESSION_OPEN && !session->message && !session->reading &&
		has_room(session)) {
		session->reading = true;
		face->operations->read(face);
	}
}

static void flush(struct session *session)
{
	struct call *face = session->call->call;
	while (session->answers.first) {
		const struct session_message *message = session->answers.first;
		if (!face->operations->send(face, message->bytes, message->size))
			return; /* on_writable() or on_cancel() comes */
		metric_add(session->call->api->session.messages, 1);
		session_answers_drop_first(&session->answers);
	}
}

static void finish(struct session *session)
{
	struct api_call *call = session->call;
	session_answers_release(&session->answers);
	arena_release(&session->message_arena);
	metric_add(call->api->session.open, -1);
	if (session->state == SESSION_GONE)
		api_call_finish_cancelled(call);
	else if (session->ending.message)
		api_call_finish_refused(call, &session->ending);
	else
		api_call_finish_ok(call);
}

static void on_round(struct call *face)
{
	struct api_call *call = face->api_data;
	struct session *session = call->data;
	if (session->state != SESSION_GONE) {
		flush(session);
		pump(session);
	}
	if (session->state != SESSION_OPEN && session->in_flight == 0 && !session->answers.first)
		finish(session);
}

/* Takes nothing more; operations of the message that were not begun never are. */
static void end(struct session *session)
{
	if (session->state == SESSION_OPEN)
		session->state = SESSION_ENDING;
	drop_message(session);
	session_wake(session);
}

static void on_message(struct call *face, const uint8_t *data, size_t size)
{
	struct api_call *call = face->api_data;
	struct session *session = call->data;
	session->reading = false;
	if (session->state != SESSION_OPEN)
		return;
	if (!data) {
		end(session);
		return;
	}
	session->message_arrived_us = api_clock_us();
	session->message_next = 0;
	session->message = (const Stockbook__V1__SessionRequest *)api_call_decode(call, data, size,
		&session->message_arena, &session->ending);
	if (!session->message) {
		end(session);
		return;
	}
	admission_weigh(session->call, session->message_arena.allocated);
	pump(session);
}

static void on_writable(struct call *face)
{
	struct api_call *call = face->api_data;
	session_wake(call->data);
}

static void on_drain(struct call *face)
{
	struct api_call *call = face->api_data;
	struct session *session = call->data;
	if (session->state == SESSION_OPEN)
		session->ending = (struct refusal){
			.reason = STOCKBOOK__V1__REASON__REASON_UNAVAILABLE,
			.message = "the server is shutting down; what was begun is answered",
		};
	end(session);
}

/* What has not been begun is dropped; what is in a batch is carried out, and its answer dropped. */
static void on_cancel(struct call *face)
{
	struct api_call *call = face->api_data;
	struct session *session = call->data;
	struct session_operation *next;
	session->state = SESSION_GONE;
	end(session);
	session_answers_release(&session->answers);
	for (struct session_operation *operation = session->operations; operation; operation = next) {
		next = operation->next;
		operation->call.cancelled = true;
		if (operation->call.on_cancel)
			operation->call.on_cancel(&operation->call);
	}
}

void session_answer(struct api_call *call)
{
	struct call *face = call->call;
	struct session *session = arena_alloc(&face->arena, sizeof(*session));
	session->call = call;
	arena_init(&session->message_arena);
	metric_add(call->api->session.open, 1);
	call->data = session;
	face->gathers = true;
	face->on_message = on_message;
	face->on_round = on_round;
	face->on_writable = on_writable;
	face->on_cancel = on_cancel;
	face->on_drain = on_drain;
	if (face->draining)
		on_drain(face);
	else
		pump(session);
}
