/*
 * Messages out of a line of text, so that a test's table of requests can be read:
 *
 *	"location=LEEDS; lines[0].sku=85123A; lines[0].quantity=12; lines[#3].state=2"
 *
 * [i] makes the list long enough, [#n] sets the field of the first n elements, "lines=-" empties a
 * list or takes a message away. Later entries win.
 */
#ifndef STOCKBOOK_TESTS_UNIT_FAKE_MESSAGE_H
#define STOCKBOOK_TESTS_UNIT_FAKE_MESSAGE_H

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"

/* Fails the test when the text does not fit the message. Both texts are applied, the second may be
 * NULL. */
ProtobufCMessage *fake_message(struct arena *arena, const ProtobufCMessageDescriptor *descriptor,
	const char *text, const char *changes);

#endif
