#include "api/api.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <uv.h>
#include <xxhash.h>

#include "api/errors.h"
#include "api/private.h"
#include "api/session.h"
#include "api/wire.h"
#include "base/message.h"
#include "observe/metrics.h"

#define CODE_OK 0
#define CODE_CANCELLED 1
#define REQUEST_TAG_DIGITS 16

/* ---- Opening and closing ---- */

struct api *api_open(const struct api_engine *engine, const struct api_settings *settings,
	char *error, size_t error_size)
{
	struct arena arena;
	arena_init(&arena);
	struct api *api = arena_alloc(&arena, sizeof(*api));
	api->engine = *engine;
	api->settings = *settings;
	api->settings.version = arena_string(&arena, settings->version);
	if (api->settings.calls_in_flight_max == 0)
		api->settings.calls_in_flight_max = SIZE_MAX;
	if (api->settings.caller_calls_max == 0)
		api->settings.caller_calls_max = SIZE_MAX;
	if (api->settings.request_bytes_max == 0)
		api->settings.request_bytes_max = SIZE_MAX;
	if (api->settings.session_operations_max == 0)
		api->settings.session_operations_max = SESSION_OPERATIONS_MAX_DEFAULT;
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	api->started_at_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	CHECK(getrandom(&api->random, sizeof(api->random), 0) == (ssize_t)sizeof(api->random));
	api->record.in_flight =
		metric_gauge("stockbook_calls_in_flight", "Calls that are not answered yet.", NULL);
	session_open_metrics(api);
	admission_open(api);
	authenticator_open(&api->authenticator, &arena);
	const char *why;
	if (!methods_open(&api->methods, &arena, engine->find, &why)) {
		snprintf(error, error_size, "%s", why);
		admission_close(api);
		arena_release(&arena);
		return NULL;
	}
	api->arena = arena;
	return api;
}

void api_close(struct api *api)
{
	CHECK(api->calls_in_flight == 0 && !api->bootstrap);
	authenticator_close(&api->authenticator);
	session_pool_release(api);
	admission_close(api);
	struct arena arena = api->arena; /* the API lies in it */
	arena_release(&arena);
}

bool api_has_method(const struct api *api, const char *method)
{
	return methods_find(&api->methods, method) != NULL;
}

size_t api_calls_in_flight(const struct api *api)
{
	return api->calls_in_flight;
}

/* ---- What all files of the API use ---- */

int64_t api_clock_us(void)
{
	return (int64_t)(uv_hrtime() / 1000);
}

/* splitmix64 */
uint64_t api_random(struct api *api)
{
	uint64_t mixed = api->random += UINT64_C(0x9e3779b97f4a7c15);
	mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
	return mixed ^ mixed >> 31;
}

/* ---- The end of a call ---- */

static void finish(struct api_call *call, int code, const struct refusal *refusal)
{
	struct api *api = call->api;
	call->call->status_code = code;
	record_call(call, code, refusal);
	admission_leave(call);
	CHECK(api->calls_in_flight > 0);
	api->calls_in_flight--;
	metric_set(api->record.in_flight, (int64_t)api->calls_in_flight);
	call->call->on_cancel = NULL;
	call->call->on_writable = NULL;
	call->call->operations->finish(call->call); /* it is gone, and our own part of it too */
}

void api_call_finish_ok(struct api_call *call)
{
	finish(call, CODE_OK, NULL);
}

void api_call_finish_cancelled(struct api_call *call)
{
	finish(call, CODE_CANCELLED, NULL);
}

void api_call_finish_packed(struct api_call *call, const uint8_t *response, size_t size)
{
	bool sent = call->call->operations->send(call->call, response, size);
	CHECK(sent || call->call->cancelled);
	finish(call, sent ? CODE_OK : CODE_CANCELLED, NULL);
}

void api_call_finish_message(struct api_call *call, const ProtobufCMessage *response)
{
	bool sent = call->call->operations->send_message(call->call, response);
	CHECK(sent || call->call->cancelled);
	finish(call, sent ? CODE_OK : CODE_CANCELLED, NULL);
}

void api_call_finish_refused(struct api_call *call, struct refusal *refusal)
{
	struct arena *arena = &call->call->arena;
	struct refusal told = *refusal;
	/* What went wrong inside is for the log; the tag leads there. */
	if (refusal->reason == STOCKBOOK__V1__REASON__REASON_INTERNAL ||
		refusal->reason == STOCKBOOK__V1__REASON__REASON_UNSPECIFIED) {
		told.message = arena_printf(arena, "internal error; the log has more under request '%s'",
			call->call->request_tag);
	}
	struct error error = error_make(&told, arena);
	call->call->status_message = error.message;
	call->call->status_details = error.details;
	call->call->status_details_size = error.details_size;
	finish(call, error.code, refusal);
}

void api_call_refuse(struct api_call *call, Stockbook__V1__Reason reason, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	struct refusal refusal = {.reason = reason};
	refusal.message = arena_vprintf(&call->call->arena, format, arguments);
	va_end(arguments);
	api_call_finish_refused(call, &refusal);
}

/* ---- The life of a call ---- */

static void engine_done(struct engine_request *request)
{
	struct api_call *call = request->data;
	CHECK(call->state == API_CALL_SUBMITTED && request->outcome != ENGINE_PENDING);
	if (request->outcome == ENGINE_REFUSED)
		api_call_finish_refused(call, &request->refusal);
	else if (call->method->method->complete)
		call->method->method->complete(call);
	else
		api_call_finish_packed(call, request->response, request->response_size);
}

static void cancel(struct call *face)
{
	struct api_call *call = face->api_data;
	call->request.cancelled = true; /* what has not been begun is dropped */
}

/* The id of a request that writes; the rules have seen that it is a UUID. */
static struct uuid read_request_id(const struct api_call *call)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(call->message->descriptor, "request_id");
	const char *text =
		*(const char *const *)(const void *)((const char *)call->message + field->offset);
	struct uuid id;
	bool parsed = uuid_parse(text, &id);
	CHECK(parsed);
	return id;
}

static void fingerprint(const struct api_call *call, uint8_t print[static 16])
{
	uint64_t seed = XXH3_64bits(call->method->path, strlen(call->method->path));
	XXH128_hash_t hash = XXH3_128bits_withSeed(call->call->request, call->call->request_size, seed);
	XXH128_canonical_t canonical;
	XXH128_canonicalFromHash(&canonical, hash);
	memcpy(print, canonical.digest, sizeof(canonical.digest));
}

static void submit(struct api_call *call)
{
	const struct api_method *method = call->method->method;
	call->state = API_CALL_SUBMITTED;
	call->request = (struct engine_request){
		.operation = call->method->operation,
		.message = method->prepare ? method->prepare(call) : call->message,
		.arena = &call->call->arena,
		.actor = &call->actor,
		.caller = call->caller,
		.size = call->call->request_size,
		.random = api_random(call->api),
		.deadline_us = call->call->deadline_us,
		.cancelled = call->call->cancelled,
		.done = engine_done,
		.data = call,
	};
	if (method->writes) {
		call->request.request_id = read_request_id(call);
		fingerprint(call, call->request.fingerprint);
	}
	if (method->options && !method->options(call))
		return;
	call->call->on_cancel = cancel;
	call->api->engine.submit(call->api->engine.engine, &call->request);
}

static const ProtobufCMessage *unpack(struct api_call *call, const uint8_t *bytes, size_t size,
	struct arena *arena, struct refusal *refusal)
{
	const ProtobufCMessageDescriptor *input = call->method->descriptor->input;
	struct arena *told = &call->call->arena;
	const ProtobufCMessage *plain = message_unpack_plain(input, bytes, size, arena);
	if (plain)
		return plain;
	struct wire_fault fault;
	if (wire_check(input, bytes, size, told, &fault)) {
		ProtobufCAllocator allocator = message_allocator(arena);
		const ProtobufCMessage *message = protobuf_c_message_unpack(input, &allocator, size, bytes);
		if (message)
			return message;
		fault = (struct wire_fault){"", "cannot be decoded"};
	}
	refusal->reason = STOCKBOOK__V1__REASON__REASON_MALFORMED_MESSAGE;
	if (*fault.field) {
		refusal->message = arena_printf(told, "field '%s' %s", fault.field, fault.problem);
		refusal_add_field(refusal, told, fault.field, "%s", fault.problem);
	} else {
		refusal->message = arena_printf(told, "the message '%s' %s", input->name, fault.problem);
	}
	return NULL;
}

const ProtobufCMessage *api_call_decode(struct api_call *call, const uint8_t *bytes, size_t size,
	struct arena *arena, struct refusal *refusal)
{
	const ProtobufCMessage *message = unpack(call, bytes, size, arena, refusal);
	if (!message)
		return NULL;
	bool right = true;
	for (size_t i = 0; i < call->method->rule_count; i++) {
		if (!rule_check(&call->method->rules[i], message, &call->call->arena, refusal))
			right = false;
	}
	if (right)
		return message;
	error_name_fields(refusal, &call->call->arena);
	return NULL;
}

static bool decode(struct api_call *call, struct refusal *refusal)
{
	struct call *face = call->call;
	if (call->method->method->reads)
		return true; /* its messages come later */
	call->message = api_call_decode(call, face->request, face->request_size, &face->arena, refusal);
	return call->message != NULL;
}

/* "READER" */
static const char *role_name(int role)
{
	const ProtobufCEnumValue *value =
		protobuf_c_enum_descriptor_get_value(&stockbook__v1__role__descriptor, role);
	return value ? value->name + strlen("ROLE_") : "UNSPECIFIED";
}

static bool authorise(struct api_call *call, struct refusal *refusal)
{
	int role = call->actor.role;
	if (role > 0 && role < 32 && (call->method->method->roles & 1U << role))
		return true;
	struct arena *arena = &call->call->arena;
	refusal->reason = STOCKBOOK__V1__REASON__REASON_ROLE_NOT_ALLOWED;
	refusal->message = arena_printf(arena, "token '%s' with the role %s may not call '%s'",
		call->actor.name, role_name(role), call->method->name);
	refusal_add_pair(refusal, arena, "role", "%s", role_name(role));
	refusal_add_pair(refusal, arena, "method", "%s", call->method->name);
	return false;
}

void api_call_continue(struct api_call *call)
{
	CHECK(call->state == API_CALL_AUTHENTICATING);
	call->state = API_CALL_DECODING;
	if (call->call->cancelled || api_clock_us() >= call->call->deadline_us) {
		api_call_refuse(call, STOCKBOOK__V1__REASON__REASON_DEADLINE_EXCEEDED,
			"the call's time was over before it began; nothing was done");
		return;
	}
	struct refusal refusal = {0};
	if (!admission_enter(call, &refusal) || !authorise(call, &refusal) || !decode(call, &refusal)) {
		api_call_finish_refused(call, &refusal);
		return;
	}
	admission_weigh(call, call->call->arena.allocated + call->call->request_size);
	if (call->method->method->answer) {
		call->state = API_CALL_ANSWERING;
		call->method->method->answer(call);
	} else {
		submit(call);
	}
}

/* In hexadecimal. */
static void make_tag(char tag[static REQUEST_TAG_DIGITS + 1], uint64_t number)
{
	for (int i = 0; i < REQUEST_TAG_DIGITS; i++, number >>= 4)
		tag[i] = "0123456789abcdef"[number & 15];
	tag[REQUEST_TAG_DIGITS] = '\0';
}

void api_handle(struct api *api, struct call *face)
{
	struct api_call *call = arena_alloc(&face->arena, sizeof(*call));
	call->api = api;
	call->call = face;
	call->method = methods_find(&api->methods, face->method);
	CHECK(call->method != NULL); /* the transport asks api_has_method() first */
	call->state = API_CALL_AUTHENTICATING;
	face->api_data = call;
	make_tag(face->request_tag, api_random(api));
	api->calls_in_flight++;
	metric_set(api->record.in_flight, (int64_t)api->calls_in_flight);

	struct refusal refusal;
	switch (authenticate(call, &refusal)) {
	case AUTHENTICATION_DONE:
		api_call_continue(call);
		return;
	case AUTHENTICATION_REFUSED:
		api_call_finish_refused(call, &refusal);
		return;
	case AUTHENTICATION_WAITS:
		return;
	}
}
