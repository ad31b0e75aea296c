#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/message.h"

void *client_alloc(size_t size)
{
	void *memory = calloc(1, size ? size : 1);
	CHECK(memory);
	return memory;
}

void *client_realloc(void *memory, size_t size)
{
	memory = realloc(memory, size);
	CHECK(memory);
	return memory;
}

char *client_string(const char *text, size_t size)
{
	char *copy = client_alloc(size + 1);
	if (size)
		memcpy(copy, text, size);
	return copy;
}

ProtobufCMessage *client_unpack(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes,
	size_t size, struct arena *arena)
{
	ProtobufCMessage *plain = message_unpack_plain(descriptor, bytes, size, arena);
	ProtobufCAllocator allocator = message_allocator(arena);
	return plain ? plain : protobuf_c_message_unpack(descriptor, &allocator, size, bytes);
}
