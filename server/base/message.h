/*
 * Messages of the API to bytes and back, for what nearly all of them are: fields that are known, each
 * in its place, texts of plain ASCII. protobuf-c does the same for every message there may be, and
 * takes two to three times as long. What is not plain is left to it.
 */
#ifndef STOCKBOOK_BASE_MESSAGE_H
#define STOCKBOOK_BASE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"

struct packed_message {
	uint8_t *bytes;
	size_t size;
};

/* Larger messages are rare, and then it is not this that costs. */
#define MESSAGE_SMALL_BYTES_MAX ((size_t)4096)

/* Byte by byte what protobuf_c_message_pack() makes, somewhere in the buffer. False: it is for
 * protobuf-c to do. */
bool message_pack_small(const ProtobufCMessage *message,
	uint8_t buffer[static MESSAGE_SMALL_BYTES_MAX], struct packed_message *packed);
/* The same for any message, in the arena. */
struct packed_message message_pack(const ProtobufCMessage *message, struct arena *arena);

/* The message as protobuf_c_message_unpack() makes it, all of it in the arena. NULL: it is not plain,
 * or not right; what is there is for protobuf-c, and for whoever explains what is wrong. */
ProtobufCMessage *message_unpack_plain(const ProtobufCMessageDescriptor *descriptor,
	const uint8_t *bytes, size_t size, struct arena *arena);

/* For protobuf-c: allocates in the arena, frees nothing. */
ProtobufCAllocator message_allocator(struct arena *arena);

#endif
