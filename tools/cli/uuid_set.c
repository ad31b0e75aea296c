#include "uuid_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static size_t place_of(const struct uuid_set *set, const struct uuid *id)
{
	uint64_t hash;
	memcpy(&hash, id->bytes + 8, sizeof(hash));
	hash *= 0x9e3779b97f4a7c15u;
	size_t place = (size_t)(hash >> 20) & (set->capacity - 1);
	while (!uuid_is_nil(&set->ids[place]) && uuid_compare(&set->ids[place], id) != 0)
		place = (place + 1) & (set->capacity - 1);
	return place;
}

static void grow(struct uuid_set *set)
{
	struct uuid *old = set->ids;
	size_t old_capacity = set->capacity;
	set->capacity = old_capacity ? 2 * old_capacity : 1024;
	set->ids = calloc(set->capacity, sizeof(*set->ids));
	CHECK(set->ids);
	for (size_t i = 0; i < old_capacity; i++)
		if (!uuid_is_nil(&old[i]))
			set->ids[place_of(set, &old[i])] = old[i];
	free(old);
}

void uuid_set_add(struct uuid_set *set, const struct uuid *id)
{
	if (2 * (set->count + 1) > set->capacity)
		grow(set);
	size_t place = place_of(set, id);
	if (uuid_is_nil(&set->ids[place]))
		set->count++;
	set->ids[place] = *id;
}

bool uuid_set_has(const struct uuid_set *set, const struct uuid *id)
{
	return set->count && !uuid_is_nil(&set->ids[place_of(set, id)]);
}

void uuid_set_release(struct uuid_set *set)
{
	free(set->ids);
	*set = (struct uuid_set){0};
}
