#include "transport/descriptors.h"

#include <stdlib.h>
#include <string.h>

extern const uint8_t stockbook_descriptors[];
extern const uint8_t stockbook_descriptors_end[];

static void *descriptors_allocate(void *arena, size_t size)
{
	return arena_alloc(arena, size);
}

static void descriptors_free(void *arena, void *memory)
{
	(void)arena; /* freed with the arena */
	(void)memory;
}

static void add_symbol(struct descriptors *set, const char *scope, const char *name, size_t file)
{
	set->symbols = arena_grow(set->arena, set->symbols, set->symbols_count, &set->symbols_capacity,
		sizeof(*set->symbols));
	set->symbols[set->symbols_count++] = (struct descriptors_symbol){
		.name = scope[0] ? arena_printf(set->arena, "%s.%s", scope, name) : name,
		.file = file,
	};
}

static const char *last_symbol(const struct descriptors *set)
{
	return set->symbols[set->symbols_count - 1].name;
}

static void add_enum(struct descriptors *set, const char *scope,
	const Google__Protobuf__EnumDescriptorProto *descriptor, size_t file)
{
	add_symbol(set, scope, descriptor->name, file);
	/* Values live in the scope around their enum, as in C++. */
	for (size_t i = 0; i < descriptor->n_value; i++)
		add_symbol(set, scope, descriptor->value[i]->name, file);
}

static void add_extension(struct descriptors *set, const char *scope,
	const Google__Protobuf__FieldDescriptorProto *descriptor, size_t file)
{
	add_symbol(set, scope, descriptor->name, file);
	const char *extended = descriptor->extendee ? descriptor->extendee : "";
	set->extensions = arena_grow(set->arena, set->extensions, set->extensions_count,
		&set->extensions_capacity, sizeof(*set->extensions));
	set->extensions[set->extensions_count++] = (struct descriptors_extension){
		.extended = extended[0] == '.' ? extended + 1 : extended,
		.number = descriptor->number,
		.file = file,
	};
}

static void add_message(struct descriptors *set, const char *scope,
	const Google__Protobuf__DescriptorProto *descriptor, size_t file)
{
	add_symbol(set, scope, descriptor->name, file);
	const char *name = last_symbol(set);
	for (size_t i = 0; i < descriptor->n_field; i++)
		add_symbol(set, name, descriptor->field[i]->name, file);
	for (size_t i = 0; i < descriptor->n_enum_type; i++)
		add_enum(set, name, descriptor->enum_type[i], file);
	for (size_t i = 0; i < descriptor->n_extension; i++)
		add_extension(set, name, descriptor->extension[i], file);
	/* As deep as protoc, which made the set, nested it. */
	for (size_t i = 0; i < descriptor->n_nested_type; i++)
		add_message(set, name, descriptor->nested_type[i], file);
}

static void add_service(struct descriptors *set, const char *scope,
	const Google__Protobuf__ServiceDescriptorProto *descriptor, size_t file)
{
	add_symbol(set, scope, descriptor->name, file);
	const char *name = last_symbol(set);
	for (size_t i = 0; i < descriptor->n_method; i++)
		add_symbol(set, name, descriptor->method[i]->name, file);
	set->services = arena_grow(set->arena, set->services, set->services_count,
		&set->services_capacity, sizeof(*set->services));
	set->services[set->services_count++] =
		(struct descriptors_service){.name = name, .descriptor = descriptor};
}

static bool add_file(struct descriptors *set, const uint8_t *bytes, size_t size)
{
	ProtobufCAllocator allocator = {descriptors_allocate, descriptors_free, set->arena};
	const Google__Protobuf__FileDescriptorProto *descriptor =
		google__protobuf__file_descriptor_proto__unpack(&allocator, size, bytes);
	if (!descriptor || !descriptor->name)
		return false;
	const char *scope = descriptor->package ? descriptor->package : "";
	size_t file = set->files_count;
	set->files = arena_grow(set->arena, set->files, set->files_count, &set->files_capacity,
		sizeof(*set->files));
	set->files[set->files_count++] = (struct descriptors_file){
		.name = descriptor->name, .bytes = bytes, .size = size, .descriptor = descriptor};
	for (size_t i = 0; i < descriptor->n_message_type; i++)
		add_message(set, scope, descriptor->message_type[i], file);
	for (size_t i = 0; i < descriptor->n_enum_type; i++)
		add_enum(set, scope, descriptor->enum_type[i], file);
	for (size_t i = 0; i < descriptor->n_extension; i++)
		add_extension(set, scope, descriptor->extension[i], file);
	for (size_t i = 0; i < descriptor->n_service; i++)
		add_service(set, scope, descriptor->service[i], file);
	return true;
}

static int symbol_compare(const void *a, const void *b)
{
	const struct descriptors_symbol *left = a;
	const struct descriptors_symbol *right = b;
	return strcmp(left->name, right->name);
}

static int service_compare(const void *a, const void *b)
{
	const struct descriptors_service *left = a;
	const struct descriptors_service *right = b;
	return strcmp(left->name, right->name);
}

/* Reads a base-128 number; returns the place after it, or NULL when it is cut off. */
static const uint8_t *read_varint(const uint8_t *at, const uint8_t *end, uint64_t *value)
{
	*value = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		if (at == end)
			return NULL;
		uint8_t byte = *at++;
		*value |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0)
			return at;
	}
	return NULL;
}

bool descriptors_init(struct descriptors *set, struct arena *arena, const uint8_t *bytes,
	size_t size)
{
	*set = (struct descriptors){.arena = arena};
	const uint8_t *end = bytes + size;
	/* The set is `repeated FileDescriptorProto file = 1`; the bytes of each are kept as they are. */
	for (const uint8_t *at = bytes; at < end;) {
		uint64_t length;
		if (*at != 0x0a)
			return false;
		at = read_varint(at + 1, end, &length);
		if (!at || length > (uint64_t)(end - at) || !add_file(set, at, (size_t)length))
			return false;
		at += length;
	}
	if (set->symbols_count > 0)
		qsort(set->symbols, set->symbols_count, sizeof(*set->symbols), symbol_compare);
	if (set->services_count > 0)
		qsort(set->services, set->services_count, sizeof(*set->services), service_compare);
	return true;
}

void descriptors_init_embedded(struct descriptors *set, struct arena *arena)
{
	size_t size = (size_t)(stockbook_descriptors_end - stockbook_descriptors);
	CHECK(descriptors_init(set, arena, stockbook_descriptors, size));
}

const struct descriptors_file *descriptors_file(const struct descriptors *set, const char *name)
{
	for (size_t i = 0; i < set->files_count; i++) {
		if (strcmp(set->files[i].name, name) == 0)
			return &set->files[i];
	}
	return NULL;
}

const struct descriptors_file *descriptors_file_of_symbol(const struct descriptors *set,
	const char *symbol)
{
	struct descriptors_symbol key = {.name = symbol};
	const struct descriptors_symbol *found =
		set->symbols_count == 0
			? NULL
			: bsearch(&key, set->symbols, set->symbols_count, sizeof(key), symbol_compare);
	return found ? &set->files[found->file] : NULL;
}

bool descriptors_has_symbol(const struct descriptors *set, const char *symbol)
{
	return descriptors_file_of_symbol(set, symbol) != NULL;
}

const struct descriptors_file *descriptors_file_of_extension(const struct descriptors *set,
	const char *extended, int32_t number)
{
	for (size_t i = 0; i < set->extensions_count; i++) {
		const struct descriptors_extension *extension = &set->extensions[i];
		if (extension->number == number && strcmp(extension->extended, extended) == 0)
			return &set->files[extension->file];
	}
	return NULL;
}

size_t descriptors_with_imports(const struct descriptors *set, const struct descriptors_file *file,
	struct arena *arena, const struct descriptors_file ***files)
{
	const struct descriptors_file **list =
		arena_alloc_array(arena, set->files_count, sizeof(*list));
	bool *listed = arena_alloc_array(arena, set->files_count, sizeof(*listed));
	size_t count = 0;
	list[count++] = file;
	listed[file - set->files] = true;
	/* The list is its own queue: what is appended is looked through later. */
	for (size_t i = 0; i < count; i++) {
		const Google__Protobuf__FileDescriptorProto *descriptor = list[i]->descriptor;
		for (size_t j = 0; j < descriptor->n_dependency; j++) {
			const struct descriptors_file *import =
				descriptors_file(set, descriptor->dependency[j]);
			if (!import || listed[import - set->files])
				continue;
			listed[import - set->files] = true;
			list[count++] = import;
		}
	}
	*files = list;
	return count;
}
