#include "api/methods.h"

#include <string.h>

#include "google/protobuf/descriptor.pb-c.h"

#define API_PACKAGE "stockbook.v1"

extern const uint8_t stockbook_descriptors[];
extern const uint8_t stockbook_descriptors_end[];

static const struct api_service *const services[] = {
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

static bool row_rules(struct method_entry *entry, struct arena *arena, const char **error)
{
	const struct rule *rules = entry->method->rules;
	size_t count = 0;
	while (count < METHOD_RULES_MAX && rules[count].path)
		count++;
	entry->rules = arena_alloc_array(arena, count, sizeof(*entry->rules));
	entry->rule_count = count;
	bool has_request_id = false;
	for (size_t i = 0; i < count; i++) {
		const char *why;
		if (!rule_compile(&rules[i], entry->descriptor->input, arena, &entry->rules[i], &why)) {
			*error = arena_printf(arena, "method '%s': %s", entry->name, why);
			return false;
		}
		has_request_id = has_request_id ||
						 (rules[i].kind == RULE_UUID && strcmp(rules[i].path, "request_id") == 0);
	}
	if (entry->method->writes == has_request_id)
		return true;
	*error = arena_printf(arena, "method '%s': %s", entry->name,
		has_request_id ? "takes a request id but writes nothing" : "writes without a request id");
	return false;
}

static bool row_operation(struct method_entry *entry, struct arena *arena, operation_finder *find,
	const char **error)
{
	const struct api_method *method = entry->method;
	const char *why = NULL;
	if (!method->operation) {
		if (!method->answer)
			why = "has neither an operation nor an answer";
	} else {
		entry->operation = find(method->operation);
		if (!entry->operation)
			why = arena_printf(arena, "operation '%s' is not in the book", method->operation);
		else if (entry->operation->writes != method->writes)
			why = "its row and its operation differ on whether it writes";
		else if (!method->prepare && entry->operation->request != entry->descriptor->input)
			why = "its operation takes another request";
		else if (entry->operation->response != entry->descriptor->output)
			why = "its operation gives another response";
		else if (method->streams)
			why = "operations answer once";
	}
	if (method->roles == 0)
		why = "nobody may call it";
	if (!why)
		return true;
	*error = arena_printf(arena, "method '%s': %s", entry->name, why);
	return false;
}

static const ProtobufCMethodDescriptor *find_rpc(const ProtobufCServiceDescriptor *descriptor,
	const char *name)
{
	for (unsigned i = 0; i < descriptor->n_methods; i++) {
		if (strcmp(descriptor->methods[i].name, name) == 0)
			return &descriptor->methods[i];
	}
	return NULL;
}

static bool add_row(struct methods *methods, const struct api_service *service,
	const struct api_method *method, struct arena *arena, operation_finder *find,
	const char **error)
{
	struct method_entry *entry = &methods->entries[methods->count++];
	*entry = (struct method_entry){.method = method};
	entry->path = arena_printf(arena, "/%s/%s", service->descriptor->name, method->name);
	entry->name = entry->path + strlen("/" API_PACKAGE ".");
	entry->descriptor = find_rpc(service->descriptor, method->name);
	if (!entry->descriptor) {
		*error = arena_printf(arena, "the row '%s' names no RPC", entry->path);
		return false;
	}
	return row_rules(entry, arena, error) && row_operation(entry, arena, find, error);
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct method_entry *)a)->path, ((const struct method_entry *)b)->path);
}

bool methods_add(struct methods *methods, const struct api_service *const *added,
	size_t service_count, struct arena *arena, operation_finder *find, const char **error)
{
	size_t room = 0;
	for (size_t i = 0; i < service_count; i++)
		room += added[i]->count;
	*methods = (struct methods){arena_alloc_array(arena, room, sizeof(*methods->entries)), 0};
	for (size_t i = 0; i < service_count; i++) {
		for (size_t j = 0; j < added[i]->count; j++) {
			if (!add_row(methods, added[i], &added[i]->methods[j], arena, find, error))
				return false;
		}
	}
	qsort(methods->entries, methods->count, sizeof(*methods->entries), compare_entries);
	for (size_t i = 1; i < methods->count; i++) {
		if (compare_entries(&methods->entries[i - 1], &methods->entries[i]) == 0) {
			*error = arena_printf(arena, "method '%s' has two rows", methods->entries[i].path);
			return false;
		}
	}
	return true;
}

struct method_entry *methods_find(const struct methods *methods, const char *path)
{
	struct method_entry key = {.path = path};
	return bsearch(&key, methods->entries, methods->count, sizeof(key), compare_entries);
}

/* Every RPC of the file has a row, and both say the same of its streams. */
static bool file_is_served(const struct methods *methods,
	const Google__Protobuf__FileDescriptorProto *file, struct arena *arena, const char **error)
{
	for (size_t i = 0; i < file->n_service; i++) {
		const Google__Protobuf__ServiceDescriptorProto *service = file->service[i];
		for (size_t j = 0; j < service->n_method; j++) {
			const Google__Protobuf__MethodDescriptorProto *rpc = service->method[j];
			char *path = arena_printf(arena, "/%s.%s/%s", file->package, service->name, rpc->name);
			const struct method_entry *entry = methods_find(methods, path);
			if (!entry) {
				*error = arena_printf(arena, "the RPC '%s' has no row", path);
				return false;
			}
			if (entry->method->streams != (bool)rpc->server_streaming ||
				entry->method->reads != (bool)rpc->client_streaming) {
				*error = arena_printf(arena, "the row of '%s' differs from it on streams", path);
				return false;
			}
		}
	}
	return true;
}

/* protobuf-c's descriptors know neither all services nor which way they stream: protoc's do. */
static bool all_are_served(const struct methods *methods, struct arena *arena, const char **error)
{
	size_t size = (size_t)(stockbook_descriptors_end - stockbook_descriptors);
	Google__Protobuf__FileDescriptorSet *set =
		google__protobuf__file_descriptor_set__unpack(NULL, size, stockbook_descriptors);
	CHECK(set != NULL); /* the build embedded it */
	bool served = true;
	for (size_t i = 0; i < set->n_file && served; i++) {
		const char *package = set->file[i]->package;
		if (package && strcmp(package, API_PACKAGE) == 0)
			served = file_is_served(methods, set->file[i], arena, error);
	}
	google__protobuf__file_descriptor_set__free_unpacked(set, NULL);
	return served;
}

bool methods_open(struct methods *methods, struct arena *arena, operation_finder *find,
	const char **error)
{
	return methods_add(methods, services, ARRAY_COUNT(services), arena, find, error) &&
		   all_are_served(methods, arena, error);
}
