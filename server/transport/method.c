#include "transport/method.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport/health.h"
#include "transport/reflection.h"
#include "transport/transport.h"

static const struct {
	const char *path;
	void (*handle)(struct transport_call *call);
} own_methods[] = {
	{"/grpc.health.v1.Health/Check", health_check},
	{"/grpc.health.v1.Health/Watch", health_watch},
	{"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", reflection_open},
	{"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", reflection_open},
};

static enum method_kind method_kind(const Google__Protobuf__MethodDescriptorProto *method)
{
	if (method->has_client_streaming && method->client_streaming)
		return METHOD_BOTH_STREAM;
	if (method->has_server_streaming && method->server_streaming)
		return METHOD_SERVER_STREAM;
	return METHOD_UNARY;
}

static int method_compare(const void *a, const void *b)
{
	const struct method *left = a;
	const struct method *right = b;
	return strcmp(left->path, right->path);
}

struct method *method_find(const struct method_table *table, const char *path)
{
	struct method key = {.path = path};
	if (table->count == 0)
		return NULL;
	return bsearch(&key, table->methods, table->count, sizeof(key), method_compare);
}

static void (*method_own_handle(const char *path))(struct transport_call *call)
{
	for (size_t i = 0; i < ARRAY_COUNT(own_methods); i++) {
		if (strcmp(own_methods[i].path, path) == 0)
			return own_methods[i].handle;
	}
	return NULL;
}

bool method_table_init(struct method_table *table, struct arena *arena,
	const struct descriptors *descriptors, const struct transport_api *api, char *error,
	size_t error_size)
{
	size_t capacity = 0;
	*table = (struct method_table){0};
	for (size_t i = 0; i < descriptors->services_count; i++) {
		const struct descriptors_service *service = &descriptors->services[i];
		for (size_t j = 0; j < service->descriptor->n_method; j++) {
			const Google__Protobuf__MethodDescriptorProto *descriptor =
				service->descriptor->method[j];
			struct method method = {.kind = method_kind(descriptor)};
			method.path = arena_printf(arena, "/%s/%s", service->name, descriptor->name);
			method.handle = method_own_handle(method.path);
			if (!method.handle && !api->has_method(api->api, method.path))
				continue; /* described, but not served: UNIMPLEMENTED */
			if (method.kind == METHOD_BOTH_STREAM && !descriptor->server_streaming) {
				snprintf(error, error_size,
					"method '%s' streams requests to a single answer, which nothing here can take",
					method.path);
				return false;
			}
			table->methods =
				arena_grow(arena, table->methods, table->count, &capacity, sizeof(method));
			table->methods[table->count++] = method;
		}
	}
	if (table->count > 0)
		qsort(table->methods, table->count, sizeof(*table->methods), method_compare);
	return true;
}
