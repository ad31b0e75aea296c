/*
 * The FileDescriptorSet of the API that the build embeds: read once at start, constant afterwards.
 * Knows nothing of calls.
 */
#ifndef STOCKBOOK_TRANSPORT_DESCRIPTORS_H
#define STOCKBOOK_TRANSPORT_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "google/protobuf/descriptor.pb-c.h"

#include "base/arena.h"
#include "base/check.h"

struct descriptors_file {
	const char *name; /* "stockbook/v1/stock.proto" */
	/* The serialised FileDescriptorProto, as protoc wrote it: with the options that the generated
	 * code does not know. */
	const uint8_t *bytes;
	size_t size;
	const Google__Protobuf__FileDescriptorProto *descriptor;
};

/* Any full name: package.Message, package.Service.Method, package.ENUM_VALUE. */
struct descriptors_symbol {
	const char *name;
	size_t file;
};

struct descriptors_extension {
	const char *extended; /* the full name of the message, without a leading point */
	int32_t number;
	size_t file;
};

struct descriptors_service {
	const char *name; /* full */
	const Google__Protobuf__ServiceDescriptorProto *descriptor;
};

struct descriptors {
	struct descriptors_file *files; /* in the order of the set: dependencies first */
	size_t files_count;
	struct descriptors_symbol *symbols; /* sorted by name */
	size_t symbols_count;
	struct descriptors_extension *extensions;
	size_t extensions_count;
	struct descriptors_service *services; /* sorted by name */
	size_t services_count;

	struct arena *arena;
	size_t files_capacity;
	size_t symbols_capacity;
	size_t extensions_capacity;
	size_t services_capacity;
};

/* `bytes` must live as long as the result. False: not a FileDescriptorSet. */
MUST_USE bool descriptors_init(struct descriptors *descriptors, struct arena *arena,
	const uint8_t *bytes, size_t size);
/* The set that the build embedded. Broken ones are a bug of the build. */
void descriptors_init_embedded(struct descriptors *descriptors, struct arena *arena);

/* NULL when there is none. */
const struct descriptors_file *descriptors_file(const struct descriptors *descriptors,
	const char *name);
const struct descriptors_file *descriptors_file_of_symbol(const struct descriptors *descriptors,
	const char *symbol);
const struct descriptors_file *descriptors_file_of_extension(const struct descriptors *descriptors,
	const char *extended, int32_t number);
bool descriptors_has_symbol(const struct descriptors *descriptors, const char *symbol);

/* The file and all that it imports, directly or not, each once, the file first. */
size_t descriptors_with_imports(const struct descriptors *descriptors,
	const struct descriptors_file *file, struct arena *arena,
	const struct descriptors_file ***files);

#endif
