#include "api/place.h"

const char *place_path(const struct place *place, struct arena *arena)
{
	if (!place)
		return "";
	const char *parent = place_path(place->parent, arena);
	const char *point = place->parent ? "." : "";
	if (place->index == PLACE_NO_INDEX)
		return arena_printf(arena, "%s%s%s", parent, point, place->field);
	return arena_printf(arena, "%s%s%s[%zu]", parent, point, place->field, place->index);
}
