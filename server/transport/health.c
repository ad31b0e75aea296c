#include "transport/health.h"

#include <string.h>

#include <grpc/status.h>

#include "grpc/health/v1/health.pb-c.h"

#include "transport/private.h"

#define WATCH_NOTHING_SENT (-1)

typedef Grpc__Health__V1__HealthCheckResponse__ServingStatus serving_status;
#define STATUS(name) GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__##name

static void *health_allocate(void *arena, size_t size)
{
	return arena_alloc(arena, size);
}

static void health_free(void *arena, void *memory)
{
	(void)arena; /* freed with the call */
	(void)memory;
}

static const Grpc__Health__V1__HealthCheckRequest *health_request(struct transport_call *call)
{
	ProtobufCAllocator allocator = {health_allocate, health_free, &call->call.arena};
	const Grpc__Health__V1__HealthCheckRequest *request =
		grpc__health__v1__health_check_request__unpack(&allocator, call->call.request_size,
			call->call.request);
	if (!request)
		call_finish(call, GRPC_STATUS_INVALID_ARGUMENT, "the health request cannot be decoded");
	return request;
}

static bool health_knows(const struct transport *transport, const char *service)
{
	if (service[0] == '\0')
		return true;
	for (size_t i = 0; i < transport->descriptors.services_count; i++) {
		if (strcmp(transport->descriptors.services[i].name, service) == 0)
			return true;
	}
	return false;
}

static serving_status health_status(const struct transport *transport)
{
	return transport->health.serving ? STATUS(SERVING) : STATUS(NOT_SERVING);
}

static bool health_answer(struct transport_call *call, serving_status status)
{
	Grpc__Health__V1__HealthCheckResponse response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
	response.status = status;
	return call_send(call, &response.base);
}

void health_check(struct transport_call *call)
{
	const Grpc__Health__V1__HealthCheckRequest *request = health_request(call);
	if (!request)
		return;
	if (!health_knows(call->transport, request->service)) {
		call_finish(call, GRPC_STATUS_NOT_FOUND,
			arena_printf(&call->call.arena, "service '%s' not found", request->service));
		return;
	}
	health_answer(call, health_status(call->transport));
	call_finish(call, GRPC_STATUS_OK, NULL);
}

/* A watcher too slow for each change gets the newest state when it has room again. */
static void watch_tell(struct transport_call *call)
{
	serving_status status = health_status(call->transport);
	if (call->service_data != (int)status && health_answer(call, status))
		call->service_data = (int)status;
}

static struct transport_call *watch_of(struct call *call)
{
	return container_of(call, struct transport_call, call);
}

static void watch_writable(struct call *call)
{
	if (watch_of(call)->service_back)
		watch_tell(watch_of(call));
}

static void watch_cancelled(struct call *call)
{
	call_finish(watch_of(call), GRPC_STATUS_CANCELLED, NULL);
}

void health_watch(struct transport_call *call)
{
	const Grpc__Health__V1__HealthCheckRequest *request = health_request(call);
	if (!request)
		return;
	call->call.on_cancel = watch_cancelled;
	if (!health_knows(call->transport, request->service)) {
		/* The protocol keeps the stream open: the service may appear. Ours never do. */
		health_answer(call, STATUS(SERVICE_UNKNOWN));
		return;
	}
	call->call.on_writable = watch_writable;
	call->service_data = WATCH_NOTHING_SENT;
	struct transport_call **list = &call->transport->health.watches;
	call->service_next = *list;
	call->service_back = list;
	if (call->service_next)
		call->service_next->service_back = &call->service_next;
	*list = call;
	watch_tell(call);
}

void health_set_serving(struct transport *transport, bool serving)
{
	transport->health.serving = serving;
	for (struct transport_call *call = transport->health.watches; call; call = call->service_next)
		watch_tell(call);
}
