#include "integration/api_caller.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "book/operations.h"
#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"

#define WAIT_US 60000000

static bool send_bytes(struct call *face, const void *data, size_t size)
{
	struct api_caller *caller = (struct api_caller *)face;
	assert_true(caller->message_count < API_MESSAGES_MAX);
	if (face->cancelled)
		return false;
	uint8_t *copy = malloc(size + 1);
	assert_non_null(copy);
	if (size > 0)
		memcpy(copy, data, size);
	caller->messages[caller->message_count].bytes = copy;
	caller->messages[caller->message_count++].size = size;
	return true;
}

static bool send_message(struct call *face, const ProtobufCMessage *message)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *packed = malloc(size + 1);
	assert_non_null(packed);
	protobuf_c_message_pack(message, packed);
	bool sent = send_bytes(face, packed, size);
	free(packed);
	return sent;
}

static void finish(struct call *face)
{
	struct api_caller *caller = (struct api_caller *)face;
	assert_false(caller->finished);
	caller->finished = true;
	caller->code = face->status_code;
	if (!face->status_details)
		return;
	snprintf(caller->message, sizeof(caller->message), "%s", face->status_message);
	Google__Rpc__Status *status =
		google__rpc__status__unpack(NULL, face->status_details_size, face->status_details);
	assert_non_null(status);
	Google__Rpc__ErrorInfo *info = google__rpc__error_info__unpack(NULL,
		status->details[0]->value.len, status->details[0]->value.data);
	assert_non_null(info);
	snprintf(caller->reason, sizeof(caller->reason), "%s", info->reason);
	google__rpc__error_info__free_unpacked(info, NULL);
	google__rpc__status__free_unpacked(status, NULL);
}

static const struct call_operations operations = {
	.send_message = send_message,
	.send = send_bytes,
	.finish = finish,
};

struct api *api_over(struct engine *engine, bool open)
{
	const struct api_engine functions = {
		.engine = engine,
		.submit = engine_submit,
		.verify = engine_verify,
		.verify_cancel = verify_cancel,
		.follow = engine_follow,
		.feed_resume = feed_resume,
		.feed_leave = feed_leave,
		.feed_position = feed_position,
		.watch = engine_watch,
		.watch_take = watch_take,
		.watch_mark = watch_mark,
		.watch_leave = watch_leave,
		.known = engine_known,
		.find = operation_find,
	};
	const struct api_settings settings = {
		.open = open, .version = "test", .schema_version = 1, .parts = FIXTURE_PARTS};
	char error[512] = "";
	struct api *api = api_open(&functions, &settings, error, sizeof(error));
	if (!api)
		fail_msg("%s", error);
	return api;
}

struct api_caller *api_begin(struct api *api, const char *method, const char *secret,
	const ProtobufCMessage *request)
{
	struct api_caller *caller = calloc(1, sizeof(*caller));
	assert_non_null(caller);
	struct call *face = &caller->call;
	arena_init(&face->arena);
	face->operations = &operations;
	face->method = arena_printf(&face->arena, "/stockbook.v1.%s", method);
	face->peer = "test";
	face->authorization = secret ? arena_printf(&face->arena, "Bearer %s", secret) : NULL;
	face->request_size = protobuf_c_message_get_packed_size(request);
	uint8_t *packed = arena_alloc(&face->arena, face->request_size);
	protobuf_c_message_pack(request, packed);
	face->request = packed;
	face->streaming = strcmp(method, "LedgerService/Verify") == 0;
	face->arrived_us = engine_clock_us();
	face->deadline_us = INT64_MAX;
	api_handle(api, face);
	return caller;
}

void api_wait(struct fixture *fixture, struct api_caller *caller)
{
	int64_t until_us = engine_clock_us() + WAIT_US;
	while (!caller->finished) {
		uv_run(&fixture->loop, UV_RUN_ONCE);
		if (engine_clock_us() > until_us)
			fail_msg("'%s' was not answered", caller->call.method);
	}
}

struct api_caller *api_call(struct fixture *fixture, struct api *api, const char *method,
	const char *secret, const ProtobufCMessage *request)
{
	struct api_caller *caller = api_begin(api, method, secret, request);
	api_wait(fixture, caller);
	return caller;
}

const char *api_outcome(const struct api_caller *caller)
{
	assert_true(caller->finished);
	return caller->code == 0 ? "OK" : caller->reason;
}

void api_caller_free(struct api_caller *caller)
{
	assert_true(caller->finished);
	for (size_t i = 0; i < caller->message_count; i++)
		free(caller->messages[i].bytes);
	arena_release(&caller->call.arena);
	free(caller);
}
