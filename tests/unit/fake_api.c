#include "unit/fake_api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <uv.h>

#include "google/rpc/status.pb-c.h"
#include "stockbook/internal/v1/token.pb-c.h"

#include "api/authenticate.h"
#include "book/token.h"

const struct api_service *const fake_services[] = {
	&server_service,
	&item_service,
	&location_service,
	&channel_service,
	&stock_service,
	&reservation_service,
	&sourcing_service,
	&order_service,
	&pickup_service,
	&shipment_service,
	&return_service,
	&transfer_service,
	&work_service,
	&ledger_service,
	&token_service,
	&session_service,
	&event_service,
};
const size_t fake_service_count = ARRAY_COUNT(fake_services);

struct fake_engine fake_engine;

/* ---- Operations ---- */

static struct operation fake_operations[128];
static size_t fake_operation_count;

static const struct operation *fake_make(const char *name, const struct api_method *method,
	const ProtobufCMethodDescriptor *rpc)
{
	for (size_t i = 0; i < fake_operation_count; i++) {
		if (strcmp(fake_operations[i].name, name) == 0)
			return &fake_operations[i];
	}
	assert_true(fake_operation_count < ARRAY_COUNT(fake_operations));
	struct operation *operation = &fake_operations[fake_operation_count++];
	*operation = (struct operation){.name = name, .request = rpc->input, .response = rpc->output};
	operation->writes = method->writes;
	return operation;
}

const struct operation *fake_find(const char *name)
{
	for (const struct operation *operation = token_operations; operation->name; operation++) {
		if (strcmp(operation->name, name) == 0)
			return operation;
	}
	for (size_t i = 0; i < fake_service_count; i++) {
		const struct api_service *service = fake_services[i];
		for (size_t j = 0; j < service->count; j++) {
			const struct api_method *method = &service->methods[j];
			const ProtobufCMethodDescriptor *rpc =
				protobuf_c_service_descriptor_get_method_by_name(service->descriptor, method->name);
			if (rpc && method->operation && strcmp(method->operation, name) == 0)
				return fake_make(method->operation, method, rpc);
		}
	}
	return NULL;
}

/* ---- The engine ---- */

static void fake_pack(struct engine_request *request, const ProtobufCMessage *response)
{
	request->outcome = ENGINE_DONE;
	request->response_size = protobuf_c_message_get_packed_size(response);
	request->response = arena_alloc(request->arena, request->response_size);
	protobuf_c_message_pack(response, request->response);
}

static void fake_answer_lookup(struct engine_request *request)
{
	const Stockbook__Internal__V1__FindTokenRequest *find = request->message;
	Stockbook__Internal__V1__FindTokenResponse response =
		STOCKBOOK__INTERNAL__V1__FIND_TOKEN_RESPONSE__INIT;
	Stockbook__V1__Token token = STOCKBOOK__V1__TOKEN__INIT;
	Google__Protobuf__Timestamp revoke_time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	char *locations[1];
	assert_int_equal(find->hash.len, FAKE_HASH_SIZE);
	fake_engine.lookups++;
	for (size_t i = 0; i < fake_engine.token_count; i++) {
		const struct fake_token *known = &fake_engine.tokens[i];
		uint8_t hash[FAKE_HASH_SIZE];
		token_hash(known->secret, hash);
		if (known->role == 0 || memcmp(hash, find->hash.data, sizeof(hash)) != 0)
			continue;
		token.name = arena_string(request->arena, known->name);
		token.role = (Stockbook__V1__Role)known->role;
		if (known->location) {
			locations[0] = arena_string(request->arena, known->location);
			token.locations = locations;
			token.n_locations = 1;
		}
		if (known->revoked)
			token.revoke_time = &revoke_time;
		response.token = &token;
	}
	fake_pack(request, &response.base);
	request->done(request);
}

static void fake_submit(struct engine *engine, struct engine_request *request)
{
	(void)engine;
	assert_non_null(request->operation);
	assert_non_null(request->arena);
	assert_non_null(request->actor);
	assert_int_equal(request->outcome, ENGINE_PENDING);
	assert_true(fake_engine.count < FAKE_REQUESTS_MAX);
	fake_engine.requests[fake_engine.count++] = request;
}

struct engine_request *fake_request(size_t i)
{
	assert_true(i < fake_engine.count);
	return fake_engine.requests[i];
}

static struct engine_request *fake_take(size_t i)
{
	struct engine_request *request = fake_request(i);
	fake_engine.count--;
	memmove(&fake_engine.requests[i], &fake_engine.requests[i + 1],
		(fake_engine.count - i) * sizeof(fake_engine.requests[0]));
	return request;
}

void fake_answer_lookups(void)
{
	for (size_t i = 0; i < fake_engine.count;) {
		if (strcmp(fake_engine.requests[i]->operation->name, "Internal/FindToken") == 0)
			fake_answer_lookup(fake_take(i));
		else
			i++;
	}
}

void fake_answer(const ProtobufCMessage *response)
{
	struct engine_request *request = fake_take(0);
	assert_ptr_equal(response->descriptor, request->operation->response);
	fake_pack(request, response);
	request->done(request);
}

void fake_answer_packed(const uint8_t *response, size_t size)
{
	struct engine_request *request = fake_take(0);
	request->outcome = ENGINE_DONE;
	request->response = arena_copy(request->arena, response, size);
	request->response_size = size;
	request->done(request);
}

void fake_refuse(Stockbook__V1__Reason reason, const char *message)
{
	struct engine_request *request = fake_take(0);
	request->outcome = ENGINE_REFUSED;
	request->refusal = (struct refusal){.reason = reason, .message = message};
	request->done(request);
}

static struct verify *fake_verify(struct engine *engine, const struct verify_options *options)
{
	(void)engine;
	if (fake_engine.verify_full)
		return NULL;
	fake_engine.verify = *options;
	fake_engine.verifying = true;
	return (struct verify *)&fake_engine;
}

static struct feed_cursor *fake_follow(struct engine *engine, const struct feed_options *options)
{
	(void)engine;
	fake_engine.follow = *options;
	fake_engine.following = true;
	return (struct feed_cursor *)&fake_engine;
}

static void fake_feed_leave(struct feed_cursor *cursor)
{
	assert_ptr_equal(cursor, &fake_engine);
	assert_true(fake_engine.following);
	fake_engine.following = false;
}

static void fake_verify_cancel(struct verify *verify)
{
	assert_ptr_equal(verify, &fake_engine);
	assert_true(fake_engine.verifying);
	fake_engine.verifying = false;
	fake_engine.verify_cancels++;
}

struct api *fake_api_open(bool open)
{
	fake_engine = (struct fake_engine){0};
	const struct api_engine engine = {
		.submit = fake_submit,
		.verify = fake_verify,
		.verify_cancel = fake_verify_cancel,
		.follow = fake_follow,
		.feed_leave = fake_feed_leave,
		.find = fake_find,
	};
	const struct api_settings settings = {.open = open,
		.version = "1.2.3",
		.schema_version = 7,
		.parts = 64,
		.session_operations_max = FAKE_SESSION_OPERATIONS_MAX};
	char error[512];
	struct api *api = api_open(&engine, &settings, error, sizeof(error));
	if (!api)
		fail_msg("%s", error);
	return api;
}

/* ---- Calls ---- */

static struct fake_call *of_call(struct call *call)
{
	return (struct fake_call *)call;
}

static bool fake_send(struct call *face, const void *data, size_t size)
{
	struct fake_call *call = of_call(face);
	assert_false(call->finished);
	assert_true(call->message_count < FAKE_MESSAGES_MAX);
	assert_true(face->streaming || call->message_count == 0);
	if (call->blocked || face->cancelled)
		return false;
	call->messages[call->message_count].bytes = malloc(size + 1);
	assert_non_null(call->messages[call->message_count].bytes);
	if (size > 0)
		memcpy(call->messages[call->message_count].bytes, data, size);
	call->messages[call->message_count++].size = size;
	return true;
}

static bool fake_send_message(struct call *face, const ProtobufCMessage *message)
{
	static uint8_t packed[FAKE_MESSAGE_MAX];
	assert_true(protobuf_c_message_get_packed_size(message) <= sizeof(packed));
	size_t size = protobuf_c_message_pack(message, packed);
	return fake_send(face, packed, size);
}

static void append(char *text, size_t size, const char *format, ...)
{
	size_t used = strlen(text);
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text + used, size - used, format, arguments);
	va_end(arguments);
}

static void read_info(struct fake_call *call, const Google__Rpc__ErrorInfo *info)
{
	assert_string_equal(info->domain, "stockbook");
	append(call->reason, sizeof(call->reason), "%s", info->reason);
	for (size_t i = 0; i < info->n_metadata; i++)
		append(call->metadata, sizeof(call->metadata), "%s=%s; ", info->metadata[i]->key,
			info->metadata[i]->value);
}

static void read_detail(struct fake_call *call, const Google__Protobuf__Any *any)
{
	if (strcmp(any->type_url, "type.googleapis.com/google.rpc.ErrorInfo") == 0) {
		Google__Rpc__ErrorInfo *info =
			google__rpc__error_info__unpack(NULL, any->value.len, any->value.data);
		assert_non_null(info);
		read_info(call, info);
		google__rpc__error_info__free_unpacked(info, NULL);
	} else if (strcmp(any->type_url, "type.googleapis.com/google.rpc.BadRequest") == 0) {
		Google__Rpc__BadRequest *bad =
			google__rpc__bad_request__unpack(NULL, any->value.len, any->value.data);
		assert_non_null(bad);
		for (size_t i = 0; i < bad->n_field_violations; i++)
			append(call->fields, sizeof(call->fields), "%s%s", i ? ", " : "",
				bad->field_violations[i]->field);
		google__rpc__bad_request__free_unpacked(bad, NULL);
	} else {
		assert_string_equal(any->type_url, "type.googleapis.com/google.rpc.RetryInfo");
		Google__Rpc__RetryInfo *retry =
			google__rpc__retry_info__unpack(NULL, any->value.len, any->value.data);
		assert_non_null(retry);
		call->retry_ms = retry->retry_delay->seconds * 1000 + retry->retry_delay->nanos / 1000000;
		google__rpc__retry_info__free_unpacked(retry, NULL);
	}
}

static void fake_finish(struct call *face)
{
	struct fake_call *call = of_call(face);
	assert_false(call->finished);
	call->finished = true;
	call->code = face->status_code;
	if (face->status_code == 0) {
		assert_true(face->streaming || call->message_count == 1);
		return;
	}
	if (!face->status_details)
		return;
	append(call->message, sizeof(call->message), "%s", face->status_message);
	assert_true(face->status_details_size <= sizeof(call->details));
	memcpy(call->details, face->status_details, face->status_details_size);
	call->details_size = face->status_details_size;
	Google__Rpc__Status *status =
		google__rpc__status__unpack(NULL, call->details_size, call->details);
	assert_non_null(status);
	assert_int_equal(status->code, face->status_code);
	assert_string_equal(status->message, face->status_message);
	for (size_t i = 0; i < status->n_details; i++)
		read_detail(call, status->details[i]);
	google__rpc__status__free_unpacked(status, NULL);
}

static void fake_read(struct call *face)
{
	struct fake_call *call = of_call(face);
	assert_true(face->reads);
	assert_false(call->finished);
	assert_false(call->reading);
	call->reading = true;
}

static void fake_wake(struct call *face)
{
	assert_false(of_call(face)->finished);
	of_call(face)->awake = true;
}

static const struct call_operations fake_call_operations = {
	.send_message = fake_send_message,
	.send = fake_send,
	.finish = fake_finish,
	.read = fake_read,
	.wake = fake_wake,
};

struct fake_call *fake_call_bytes(struct api *api, const char *method, const char *secret,
	const void *bytes, size_t size)
{
	struct fake_call *call = calloc(1, sizeof(*call));
	assert_non_null(call);
	struct call *face = &call->call;
	arena_init(&face->arena);
	face->operations = &fake_call_operations;
	face->method = arena_printf(&face->arena, "/stockbook.v1.%s", method);
	assert_true(api_has_method(api, face->method));
	face->peer = "ipv4:127.0.0.1:5000";
	face->authorization = secret ? arena_printf(&face->arena, "Bearer %s", secret) : NULL;
	/* Of its very size, so that a sanitizer sees a read beyond it. */
	face->request = size > 0 ? malloc(size) : NULL;
	if (size > 0)
		memcpy((void *)(uintptr_t)face->request, bytes, size);
	face->request_size = size;
	face->streaming = strcmp(method, "LedgerService/Verify") == 0;
	face->reads = strcmp(method, "SessionService/Session") == 0;
	face->streaming = face->streaming || face->reads;
	face->arrived_us = (int64_t)(uv_hrtime() / 1000);
	face->deadline_us = INT64_MAX;
	api_handle(api, face);
	if (!fake_engine.holds_lookups)
		fake_answer_lookups();
	return call;
}

struct fake_call *fake_call(struct api *api, const char *method, const char *secret,
	const ProtobufCMessage *request)
{
	uint8_t *bytes = malloc(protobuf_c_message_get_packed_size(request) + 1);
	assert_non_null(bytes);
	size_t size = protobuf_c_message_pack(request, bytes);
	struct fake_call *call = fake_call_bytes(api, method, secret, bytes, size);
	free(bytes);
	return call;
}

void fake_call_message(struct fake_call *call, const ProtobufCMessage *message)
{
	assert_true(call->reading);
	call->reading = false;
	size_t size = message ? protobuf_c_message_get_packed_size(message) : 0;
	uint8_t *bytes = message ? malloc(size + 1) : NULL;
	if (message)
		protobuf_c_message_pack(message, bytes);
	call->call.on_message(&call->call, bytes, size);
	free(bytes);
}

void fake_call_round(struct fake_call *call)
{
	while (call->awake && !call->finished) {
		call->awake = false;
		call->call.on_round(&call->call);
	}
}

void fake_call_drain(struct fake_call *call)
{
	call->call.draining = true;
	if (call->call.on_drain)
		call->call.on_drain(&call->call);
}

void fake_call_cancel(struct fake_call *call)
{
	call->call.cancelled = true;
	if (call->call.on_cancel)
		call->call.on_cancel(&call->call);
}

void fake_call_free(struct fake_call *call)
{
	assert_true(call->finished);
	for (size_t i = 0; i < call->message_count; i++)
		free(call->messages[i].bytes);
	free((void *)(uintptr_t)call->call.request);
	arena_release(&call->call.arena);
	free(call);
}
