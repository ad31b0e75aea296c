/* A set of UUIDs; the nil UUID is never in it. */
#ifndef STOCKBOOK_CLI_UUID_SET_H
#define STOCKBOOK_CLI_UUID_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/uuid.h"

struct uuid_set {
	struct uuid *ids; /* open addressing; nil is an empty place */
	size_t count, capacity;
};

void uuid_set_add(struct uuid_set *set, const struct uuid *id);
bool uuid_set_has(const struct uuid_set *set, const struct uuid *id);
void uuid_set_release(struct uuid_set *set);

#endif
