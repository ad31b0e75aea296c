#include "book/ship_day.h"

#define DAY_US (INT64_C(86400) * 1000000)

static struct ship_day_row today(const struct run *run, const struct location_row *location)
{
	return (struct ship_day_row){
		.part = location->part,
		.location = location->code,
		.day = (int32_t)(run->now_us / DAY_US),
	};
}

enum verdict ship_day_parcels(struct run *run, const struct location_row *location,
	enum access access, int64_t *parcels)
{
	const struct ship_day_row key = today(run, location);
	const struct ship_day_row *row;
	enum lookup found = workset_find(run->set, TABLE(ship_day), &key, access, (const void **)&row);
	*parcels = found == LOOKUP_FOUND ? row->parcels : 0;
	return found == LOOKUP_NEEDED ? VERDICT_NEED : VERDICT_DONE;
}

enum verdict ship_day_add(struct run *run, const char *code)
{
	const struct location_row *location;
	enum lookup found = find_location(run, code, ACCESS_PEEK, &location);
	if (found != LOOKUP_FOUND)
		return found == LOOKUP_NEEDED ? VERDICT_NEED : VERDICT_DONE;
	if (location->daily_ship_capacity == 0)
		return VERDICT_DONE;
	const struct ship_day_row key = today(run, location);
	const struct ship_day_row *row;
	found = workset_find(run->set, TABLE(ship_day), &key, ACCESS_LOCK, (const void **)&row);
	if (found == LOOKUP_NEEDED)
		return VERDICT_NEED;
	if (found == LOOKUP_ABSENT) {
		struct ship_day_row *fresh = row_new(TABLE(ship_day), workset_arena(run->set));
		fresh->part = key.part;
		fresh->location = arena_string(workset_arena(run->set), code);
		fresh->day = key.day;
		row = workset_insert(run->set, fresh);
	}
	struct ship_day_row *edited = workset_edit(run->set, row);
	edited->parcels++;
	return VERDICT_DONE;
}
