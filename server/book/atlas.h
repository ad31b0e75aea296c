/*
 * Atlas: where the members of a location group lie and what they may do, in a few bytes each, so that
 * the nearest of two thousand are found without looking at two thousand rows. Policy: what runs
 * operations may remember it for as long as the rows that it was made of.
 */
#ifndef STOCKBOOK_BOOK_ATLAS_H
#define STOCKBOOK_BOOK_ATLAS_H

#include "book/great_circle.h"
#include "book/table.h"

struct atlas_member {
	struct globe_point at;
	bool has_coordinates;
	bool disabled;
	bool ships;
	bool hands_over_pickups;
};

/* members[i] is the group's locations.items[i]. */
struct atlas {
	const struct atlas_member *members;
	size_t count;
};

struct atlas_member atlas_member_of(const struct location_row *location);

/* False: not known; the locations themselves must be looked at. The atlas is good until the next
 * question. */
typedef bool atlas_source(void *data, const struct location_group_row *group, struct atlas *atlas);

#endif
