#include "transport/reflection.h"

#include <string.h>

#include <grpc/status.h>

#include "grpc/reflection/v1/reflection.pb-c.h"

#include "transport/private.h"

/* The arena holds what one answer needs, and is emptied after it: a stream may ask forever. */
struct answer {
	struct arena arena;
	const struct descriptors *descriptors;
	Grpc__Reflection__V1__ServerReflectionRequest *request;
	Grpc__Reflection__V1__ServerReflectionResponse response;
};

#define REQUEST(name) GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##name
#define RESPONSE(name) GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##name

static void *reflection_allocate(void *arena, size_t size)
{
	return arena_alloc(arena, size);
}

static void reflection_free(void *arena, void *memory)
{
	(void)arena; /* freed with the answer */
	(void)memory;
}

static void answer_error(struct answer *answer, int code, const char *message)
{
	Grpc__Reflection__V1__ErrorResponse *error = arena_alloc(&answer->arena, sizeof(*error));
	grpc__reflection__v1__error_response__init(error);
	error->error_code = code;
	error->error_message = arena_string(&answer->arena, message);
	answer->response.message_response_case = RESPONSE(ERROR_RESPONSE);
	answer->response.error_response = error;
}

static void answer_file(struct answer *answer, const struct descriptors_file *file,
	const char *what, const char *name)
{
	if (!file) {
		answer_error(answer, GRPC_STATUS_NOT_FOUND,
			arena_printf(&answer->arena, "%s '%s' not found", what, name));
		return;
	}
	const struct descriptors_file **files;
	size_t count = descriptors_with_imports(answer->descriptors, file, &answer->arena, &files);
	Grpc__Reflection__V1__FileDescriptorResponse *response =
		arena_alloc(&answer->arena, sizeof(*response));
	grpc__reflection__v1__file_descriptor_response__init(response);
	response->n_file_descriptor_proto = count;
	response->file_descriptor_proto =
		arena_alloc_array(&answer->arena, count, sizeof(*response->file_descriptor_proto));
	for (size_t i = 0; i < count; i++) {
		/* protobuf-c has no const; the bytes are only read. */
		response->file_descriptor_proto[i].data = (uint8_t *)(uintptr_t)files[i]->bytes;
		response->file_descriptor_proto[i].len = files[i]->size;
	}
	answer->response.message_response_case = RESPONSE(FILE_DESCRIPTOR_RESPONSE);
	answer->response.file_descriptor_response = response;
}

static void answer_extension(struct answer *answer)
{
	const Grpc__Reflection__V1__ExtensionRequest *request =
		answer->request->file_containing_extension;
	const struct descriptors_file *file = descriptors_file_of_extension(answer->descriptors,
		request->containing_type, request->extension_number);
	answer_file(answer, file, "extension",
		arena_printf(&answer->arena, "%s:%d", request->containing_type,
			(int)request->extension_number));
}

static void answer_extension_numbers(struct answer *answer)
{
	const struct descriptors *descriptors = answer->descriptors;
	const char *type = answer->request->all_extension_numbers_of_type;
	if (!descriptors_has_symbol(descriptors, type)) {
		answer_error(answer, GRPC_STATUS_NOT_FOUND,
			arena_printf(&answer->arena, "type '%s' not found", type));
		return;
	}
	Grpc__Reflection__V1__ExtensionNumberResponse *response =
		arena_alloc(&answer->arena, sizeof(*response));
	grpc__reflection__v1__extension_number_response__init(response);
	response->base_type_name = arena_string(&answer->arena, type);
	response->extension_number = arena_alloc_array(&answer->arena, descriptors->extensions_count,
		sizeof(*response->extension_number));
	for (size_t i = 0; i < descriptors->extensions_count; i++) {
		const struct descriptors_extension *extension = &descriptors->extensions[i];
		if (strcmp(extension->extended, type) == 0)
			response->extension_number[response->n_extension_number++] = extension->number;
	}
	answer->response.message_response_case = RESPONSE(ALL_EXTENSION_NUMBERS_RESPONSE);
	answer->response.all_extension_numbers_response = response;
}

/* Only what is served: a service that is described but not answered would only lead astray. */
static bool service_is_served(const struct transport *transport, const char *service)
{
	size_t size = strlen(service);
	for (size_t i = 0; i < transport->methods.count; i++) {
		const char *path = transport->methods.methods[i].path;
		if (strncmp(path + 1, service, size) == 0 && path[1 + size] == '/')
			return true;
	}
	return false;
}

static void answer_services(struct answer *answer, const struct transport *transport)
{
	const struct descriptors *descriptors = answer->descriptors;
	Grpc__Reflection__V1__ListServiceResponse *response =
		arena_alloc(&answer->arena, sizeof(*response));
	grpc__reflection__v1__list_service_response__init(response);
	response->service =
		arena_alloc_array(&answer->arena, descriptors->services_count, sizeof(*response->service));
	for (size_t i = 0; i < descriptors->services_count; i++) {
		const char *name = descriptors->services[i].name;
		if (!service_is_served(transport, name))
			continue;
		Grpc__Reflection__V1__ServiceResponse *service =
			arena_alloc(&answer->arena, sizeof(*service));
		grpc__reflection__v1__service_response__init(service);
		service->name = arena_string(&answer->arena, name);
		response->service[response->n_service++] = service;
	}
	answer->response.message_response_case = RESPONSE(LIST_SERVICES_RESPONSE);
	answer->response.list_services_response = response;
}

static void answer_request(struct answer *answer, const struct transport *transport)
{
	const Grpc__Reflection__V1__ServerReflectionRequest *request = answer->request;
	switch (request->message_request_case) {
	case REQUEST(FILE_BY_FILENAME):
		answer_file(answer, descriptors_file(answer->descriptors, request->file_by_filename),
			"file", request->file_by_filename);
		break;
	case REQUEST(FILE_CONTAINING_SYMBOL):
		answer_file(answer,
			descriptors_file_of_symbol(answer->descriptors, request->file_containing_symbol),
			"symbol", request->file_containing_symbol);
		break;
	case REQUEST(FILE_CONTAINING_EXTENSION):
		answer_extension(answer);
		break;
	case REQUEST(ALL_EXTENSION_NUMBERS_OF_TYPE):
		answer_extension_numbers(answer);
		break;
	case REQUEST(LIST_SERVICES):
		answer_services(answer, transport);
		break;
	case REQUEST(_NOT_SET):
	case _GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST__CASE_IS_INT_SIZE:
	default:
		answer_error(answer, GRPC_STATUS_INVALID_ARGUMENT, "the reflection request asks nothing");
	}
}

static void reflection_message(struct transport_call *call, const uint8_t *data, size_t size)
{
	if (!data) {
		call_finish(call, GRPC_STATUS_OK, NULL);
		return;
	}
	struct answer answer = {.descriptors = &call->transport->descriptors};
	arena_init(&answer.arena);
	ProtobufCAllocator allocator = {reflection_allocate, reflection_free, &answer.arena};
	answer.request =
		grpc__reflection__v1__server_reflection_request__unpack(&allocator, size, data);
	if (!answer.request) {
		call_finish(call, GRPC_STATUS_INVALID_ARGUMENT, "the reflection request cannot be decoded");
		arena_release(&answer.arena);
		return;
	}
	grpc__reflection__v1__server_reflection_response__init(&answer.response);
	answer.response.valid_host = answer.request->host;
	answer.response.original_request = answer.request;
	answer_request(&answer, call->transport);
	/* One answer is on its way at most: the next question is read when it has left. */
	bool queued = call_send(call, &answer.response.base);
	CHECK(queued);
	arena_release(&answer.arena);
}

static struct transport_call *reflection_of(struct call *call)
{
	return container_of(call, struct transport_call, call);
}

static void reflection_cancelled(struct call *call)
{
	call_finish(reflection_of(call), GRPC_STATUS_CANCELLED, NULL);
}

void reflection_open(struct transport_call *call)
{
	call->on_message = reflection_message;
	call->call.on_cancel = reflection_cancelled;
	call_read(call);
}
