#include "api/freshness.h"

#include <string.h>

#include "api/position.h"
#include "base/message.h"
#include "google/protobuf/duration.pb-c.h"
#include "stockbook/v1/sourcing.pb-c.h"
#include "stockbook/v1/stock.pb-c.h"

/* A position that the book never comes to would be waited for as long as the caller likes. */
#define AT_LEAST_US_MAX INT64_C(30000000)

static bool set_freshness(struct api_call *call, const Google__Protobuf__Duration *max_staleness,
	const Stockbook__V1__Position *at_least)
{
	struct engine_request *request = &call->request;
	request->recalls = true;
	if (max_staleness)
		request->max_staleness_us = max_staleness->seconds * 1000000 + max_staleness->nanos / 1000;
	if (!at_least)
		return true;
	request->at_least = position_read(call, at_least, "at_least");
	int64_t latest_us = api_clock_us() + AT_LEAST_US_MAX;
	if (request->at_least && request->deadline_us > latest_us)
		request->deadline_us = latest_us;
	return request->at_least != NULL;
}

/* The engine's answer with the tail, which holds its age, behind it: a message's fields may come in
 * any order. */
static void finish_with(struct api_call *call, const ProtobufCMessage *tail)
{
	const struct engine_request *request = &call->request;
	struct packed_message packed = message_pack(tail, &call->call->arena);
	size_t size = request->response_size + packed.size;
	uint8_t *bytes = arena_alloc(&call->call->arena, size);
	memcpy(bytes, request->response, request->response_size);
	memcpy(bytes + request->response_size, packed.bytes, packed.size);
	api_call_finish_packed(call, bytes, size);
}

static Google__Protobuf__Duration age_of(const struct api_call *call)
{
	Google__Protobuf__Duration age = GOOGLE__PROTOBUF__DURATION__INIT;
	age.seconds = call->request.age_us / 1000000;
	age.nanos = (int32_t)(call->request.age_us % 1000000 * 1000);
	return age;
}

static bool is_from_memory(struct api_call *call)
{
	if (call->request.age_us > 0)
		return true;
	api_call_finish_packed(call, call->request.response, call->request.response_size);
	return false;
}

bool availability_options(struct api_call *call)
{
	const Stockbook__V1__GetAvailabilityRequest *message =
		(const Stockbook__V1__GetAvailabilityRequest *)call->message;
	return set_freshness(call, message->max_staleness, message->at_least);
}

void availability_complete(struct api_call *call)
{
	if (!is_from_memory(call))
		return;
	Google__Protobuf__Duration age = age_of(call);
	Stockbook__V1__GetAvailabilityResponse tail = STOCKBOOK__V1__GET_AVAILABILITY_RESPONSE__INIT;
	tail.age = &age;
	finish_with(call, &tail.base);
}

bool promise_options(struct api_call *call)
{
	const Stockbook__V1__PromiseRequest *message =
		(const Stockbook__V1__PromiseRequest *)call->message;
	return set_freshness(call, message->max_staleness, message->at_least);
}

void promise_complete(struct api_call *call)
{
	if (!is_from_memory(call))
		return;
	Google__Protobuf__Duration age = age_of(call);
	Stockbook__V1__PromiseResponse tail = STOCKBOOK__V1__PROMISE_RESPONSE__INIT;
	tail.age = &age;
	finish_with(call, &tail.base);
}
