#include "book/atlas.h"

struct atlas_member atlas_member_of(const struct location_row *location)
{
	struct atlas_member member = {
		.has_coordinates = location->has_coordinates,
		.disabled = location->disabled,
		.ships = location->ships,
		.hands_over_pickups = location->hands_over_pickups,
	};
	if (location->has_coordinates)
		member.at = globe_point(location->latitude, location->longitude);
	return member;
}
