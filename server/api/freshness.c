#include "api/freshness.h"

#include <string.h>

#include "api/position.h"
#include "google/protobuf/duration.pb-c.h"
#include "stockbook/v1/stock.pb-c.h"

/* A position that the book never comes to would be waited for as long as the caller likes. */
#define AT_LEAST_US_MAX INT64_C(30000000)

bool availability_options(struct api_call *call)
{
	const Stockbook__V1__GetAvailabilityRequest *message =
		(const Stockbook__V1__GetAvailabilityRequest *)call->message;
	struct engine_request *request = &call->request;
	if (message->max_staleness)
		request->max_staleness_us =
			message->max_staleness->seconds * 1000000 + message->max_staleness->nanos / 1000;
	if (!message->at_least)
		return true;
	request->at_least = position_read(call, message->at_least, "at_least");
	int64_t latest_us = api_clock_us() + AT_LEAST_US_MAX;
	if (request->at_least && request->deadline_us > latest_us)
		request->deadline_us = latest_us;
	return request->at_least != NULL;
}

/* The engine's answer with its age behind it: a message's fields may come in any order. */
void availability_complete(struct api_call *call)
{
	const struct engine_request *request = &call->request;
	if (request->age_us <= 0) {
		api_call_finish_packed(call, request->response, request->response_size);
		return;
	}
	Google__Protobuf__Duration age = GOOGLE__PROTOBUF__DURATION__INIT;
	age.seconds = request->age_us / 1000000;
	age.nanos = (int32_t)(request->age_us % 1000000 * 1000);
	Stockbook__V1__GetAvailabilityResponse tail = STOCKBOOK__V1__GET_AVAILABILITY_RESPONSE__INIT;
	tail.age = &age;
	size_t tail_size = stockbook__v1__get_availability_response__get_packed_size(&tail);
	uint8_t *bytes = arena_alloc(&call->call->arena, request->response_size + tail_size);
	memcpy(bytes, request->response, request->response_size);
	stockbook__v1__get_availability_response__pack(&tail, bytes + request->response_size);
	api_call_finish_packed(call, bytes, request->response_size + tail_size);
}
