/* Locations and location groups: put, get, list. */
#include "book/location.h"

#include <math.h>
#include <string.h>

#include "book/page.h"
#include "book/text_index.h"
#include "stockbook/v1/location.pb-c.h"

#define DAY_MINUTES 1440

/* ---- The profile: what no rule reads, kept as the packed message ---- */

static void *arena_allocate(void *arena, size_t size)
{
	return arena_alloc(arena, size);
}

static void arena_free(void *arena, void *memory)
{
	(void)arena;
	(void)memory;
}

static struct bytes pack_profile(struct arena *arena, const Stockbook__V1__Location *location)
{
	Stockbook__V1__Location profile = *location;
	profile.create_time = NULL;
	profile.update_time = NULL;
	size_t size = stockbook__v1__location__get_packed_size(&profile);
	uint8_t *data = arena_alloc(arena, size);
	stockbook__v1__location__pack(&profile, data);
	return (struct bytes){data, size};
}

Stockbook__V1__Location *location_message(struct arena *arena, const struct location_row *row)
{
	ProtobufCAllocator allocator = {arena_allocate, arena_free, arena};
	Stockbook__V1__Location *location =
		stockbook__v1__location__unpack(&allocator, row->profile.size, row->profile.data);
	CHECK(location != NULL); /* we packed it */
	location->create_time = make_timestamp(arena, row->created_at);
	location->update_time = make_timestamp(arena, row->updated_at);
	return location;
}

/* ---- What is checked of a location ---- */

static enum verdict check_opening_hours(struct run *run, const Stockbook__V1__Location *location)
{
	for (size_t i = 0; i < location->n_opening_hours; i++) {
		const Stockbook__V1__OpeningHours *hours = location->opening_hours[i];
		char *field = arena_printf(run->arena, "location.opening_hours[%zu]", i);
		if (hours->weekday < 1 || hours->weekday > 7)
			return refuse_field(run, field, "weekday must be from 1 to 7");
		if (hours->open_minute < 0 || hours->close_minute > DAY_MINUTES ||
			hours->open_minute >= hours->close_minute)
			return refuse_field(run, field, "must open before it closes, both from 0 to %d minutes",
				DAY_MINUTES);
		for (size_t j = 0; j < i; j++) {
			const Stockbook__V1__OpeningHours *other = location->opening_hours[j];
			if (other->weekday == hours->weekday && other->open_minute < hours->close_minute &&
				hours->open_minute < other->close_minute)
				return refuse_field(run, field, "overlaps with location.opening_hours[%zu]", j);
		}
	}
	return VERDICT_DONE;
}

/* The form of an IANA name, "Europe/London", "Etc/GMT+1"; which names there are is the tz
 * database's affair. */
static bool is_time_zone(const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	if (name[0] == '\0')
		return true;
	if (!strchr(letters, name[0]) || strlen(name) > 64)
		return false;
	for (const char *c = name; *c; c++) {
		if (*c == '/' && (c[1] == '\0' || c[1] == '/'))
			return false;
		if (!strchr(letters, *c) && !strchr("0123456789_+-/", *c))
			return false;
	}
	return true;
}

static bool is_country_code(const char *code)
{
	if (code[0] == '\0')
		return true;
	return strlen(code) == 2 && code[0] >= 'A' && code[0] <= 'Z' && code[1] >= 'A' &&
		   code[1] <= 'Z';
}

static enum verdict check_location_fields(struct run *run, const Stockbook__V1__Location *location)
{
	const Stockbook__V1__Coordinates *coordinates = location->coordinates;
	/* Written so that what is not a number fails too. */
	if (coordinates && !(fabs(coordinates->latitude) <= 90.0))
		return refuse_field(run, "location.coordinates.latitude", "must be from -90 to 90");
	if (coordinates && !(fabs(coordinates->longitude) <= 180.0))
		return refuse_field(run, "location.coordinates.longitude", "must be from -180 to 180");
	if (!is_time_zone(location->time_zone))
		return refuse_field(run, "location.time_zone",
			"must be an IANA name such as 'Europe/London'");
	if (location->address && !is_country_code(location->address->country_code))
		return refuse_field(run, "location.address.country_code",
			"must be two upper-case letters of ISO 3166-1");
	if (location->daily_ship_capacity < 0)
		return refuse_field(run, "location.daily_ship_capacity", "must be 0 or more");
	if (location->safety_stock &&
		(location->safety_stock->value < 0 || location->safety_stock->value > QUANTITY_MAX))
		return refuse_field(run, "location.safety_stock", "must be from 0 to %lld",
			(long long)QUANTITY_MAX);
	return check_opening_hours(run, location);
}

/* ---- PutLocation ---- */

static void fill_location(struct run *run, struct location_row *row,
	const Stockbook__V1__Location *location)
{
	struct arena *arena = workset_arena(run->set);
	row->name = arena_string(arena, location->name);
	row->kind = (int32_t)location->kind;
	row->sells_at_till = location->sells_at_till;
	row->ships = location->ships;
	row->hands_over_pickups = location->hands_over_pickups;
	row->takes_returns = location->takes_returns;
	row->daily_ship_capacity = location->daily_ship_capacity;
	row->disabled = location->disabled;
	row->safety_stock = location->safety_stock ? location->safety_stock->value : COUNT_NONE;
	row->has_coordinates = location->coordinates != NULL;
	row->latitude = location->coordinates ? location->coordinates->latitude : 0;
	row->longitude = location->coordinates ? location->coordinates->longitude : 0;
	row->pickup_accept_minutes = location->pickup_accept_minutes;
	row->pickup_ready_minutes = location->pickup_ready_minutes;
	row->pickup_hold_minutes = location->pickup_hold_minutes;
	row->ship_minutes = location->ship_minutes;
	row->profile = pack_profile(arena, location);
	row->updated_at = run->now_us;
}

static enum verdict put_location(struct run *run, const void *message, void *answer)
{
	const Stockbook__V1__PutLocationRequest *request = message;
	Stockbook__V1__PutLocationResponse *response = answer;
	enum verdict verdict = check_location_fields(run, request->location);
	if (verdict != VERDICT_DONE)
		return verdict;
	const struct location_row *before;
	enum lookup found = find_location(run, request->location->code, ACCESS_LOCK, &before);
	if (found == LOOKUP_NEEDED)
		return VERDICT_NEED;

	struct location_row *row;
	if (found == LOOKUP_FOUND) {
		row = workset_edit(run->set, before);
	} else {
		row = row_new(TABLE(location), workset_arena(run->set));
		row->code = arena_string(workset_arena(run->set), request->location->code);
		row->part = part_of(row->code, run->limits->parts);
		row->created_at = run->now_us;
		row = workset_insert(run->set, row);
	}
	fill_location(run, row, request->location);
	note_change(run, &(struct step){
						 .kind = STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_LOCATION,
						 .part = row->part,
						 .document_code = row->code,
						 .step = "put",
					 });
	response->location = location_message(run->arena, row);
	response->created = found == LOOKUP_ABSENT;
	return VERDICT_DONE;
}

static int32_t route_put_location(const void *message, const struct book_limits *limits)
{
	const Stockbook__V1__PutLocationRequest *request = message;
	return request->location ? part_of(request->location->code, limits->parts) : 0;
}

/* ---- GetLocation, ListLocations ---- */

static enum verdict get_location(struct run *run, const void *message, void *answer)
{
	const Stockbook__V1__GetLocationRequest *request = message;
	Stockbook__V1__GetLocationResponse *response = answer;
	enum verdict verdict = check_location(run, request->code, LOCATION_ANY, false, "code");
	if (verdict != VERDICT_DONE)
		return verdict;
	const struct location_row *row = NULL;
	find_location(run, request->code, ACCESS_PEEK, &row);
	response->location = location_message(run->arena, row);
	return VERDICT_DONE;
}

/* clang-format off */
static const struct scan_shape locations_by_code = {
	.name = "locations_by_code",
	.table = TABLE(location),
	.order = {"code"},
};
static const struct scan_shape location_groups_by_code = {
	.name = "location_groups_by_code",
	.table = TABLE(location_group),
	.order = {"code"},
};
/* clang-format on */

static void *list_location(struct run *run, const void *row)
{
	return location_message(run->arena, row);
}

static enum verdict list_locations(struct run *run, const void *request, void *response)
{
	struct scan scan = {.shape = &locations_by_code};
	return page_list(run, request, &scan, list_location, response);
}

/* ---- Groups ---- */

static Stockbook__V1__LocationGroup *make_location_group(struct arena *arena,
	const struct location_group_row *row)
{
	Stockbook__V1__LocationGroup *group = arena_alloc(arena, sizeof(*group));
	stockbook__v1__location_group__init(group);
	group->code = arena_string(arena, row->code);
	group->name = arena_string(arena, row->name);
	group->locations = arena_alloc_array(arena, row->locations.count, sizeof(*group->locations));
	for (size_t i = 0; i < row->locations.count; i++)
		group->locations[group->n_locations++] = arena_string(arena, row->locations.items[i]);
	group->create_time = make_timestamp(arena, row->created_at);
	group->update_time = make_timestamp(arena, row->updated_at);
	return group;
}

static enum verdict check_members(struct run *run, const Stockbook__V1__LocationGroup *group)
{
	struct text_index seen;
	text_index_init(&seen, run->arena, group->n_locations);
	for (size_t i = 0; i < group->n_locations; i++) {
		bool added;
		text_index_add(&seen, group->locations[i], &added);
		if (!added)
			return refuse_field(run, arena_printf(run->arena, "location_group.locations[%zu]", i),
				"location '%s' is there twice", group->locations[i]);
	}
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < group->n_locations; i++) {
		char *field = arena_printf(run->arena, "location_group.locations[%zu]", i);
		enum verdict one = check_location(run, group->locations[i], LOCATION_ANY, false, field);
		if (one == VERDICT_REFUSED)
			return verdict == VERDICT_NEED ? VERDICT_NEED : one;
		if (one == VERDICT_NEED)
			verdict = one;
	}
	return verdict;
}

static void fill_location_group(struct run *run, struct location_group_row *row,
	const Stockbook__V1__LocationGroup *group)
{
	struct arena *arena = workset_arena(run->set);
	const char **members = arena_alloc_array(arena, group->n_locations, sizeof(*members));
	for (size_t i = 0; i < group->n_locations; i++)
		members[i] = arena_string(arena, group->locations[i]);
	row->name = arena_string(arena, group->name);
	row->locations = (struct text_list){members, group->n_locations};
	row->updated_at = run->now_us;
}

static enum verdict put_location_group(struct run *run, const void *message, void *answer)
{
	const Stockbook__V1__PutLocationGroupRequest *request = message;
	Stockbook__V1__PutLocationGroupResponse *response = answer;
	const struct location_group_row *before;
	enum verdict verdict = check_members(run, request->location_group);
	if (verdict == VERDICT_REFUSED)
		return verdict;
	enum lookup found =
		find_location_group(run, request->location_group->code, ACCESS_LOCK, &before);
	if (verdict == VERDICT_NEED || found == LOOKUP_NEEDED)
		return VERDICT_NEED;

	struct location_group_row *row;
	if (found == LOOKUP_FOUND) {
		row = workset_edit(run->set, before);
	} else {
		row = row_new(TABLE(location_group), workset_arena(run->set));
		row->code = arena_string(workset_arena(run->set), request->location_group->code);
		row->created_at = run->now_us;
		row = workset_insert(run->set, row);
	}
	fill_location_group(run, row, request->location_group);
	note_change(run, &(struct step){
						 .kind = STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_LOCATION_GROUP,
						 .document_code = row->code,
						 .step = "put",
					 });
	response->location_group = make_location_group(run->arena, row);
	response->created = found == LOOKUP_ABSENT;
	return VERDICT_DONE;
}

/* Groups belong to no part. */
static int32_t route_put_location_group(const void *message, const struct book_limits *limits)
{
	(void)message;
	(void)limits;
	return 0;
}

static enum verdict get_location_group(struct run *run, const void *message, void *answer)
{
	const Stockbook__V1__GetLocationGroupRequest *request = message;
	Stockbook__V1__GetLocationGroupResponse *response = answer;
	const struct location_group_row *row;
	enum lookup found = find_location_group(run, request->code, ACCESS_PEEK, &row);
	if (found == LOOKUP_NEEDED)
		return VERDICT_NEED;
	if (found == LOOKUP_ABSENT) {
		refuse(run, STOCKBOOK__V1__REASON__REASON_LOCATION_GROUP_NOT_FOUND,
			"location group '%s' not found", request->code);
		refuse_with(run, "location_group", "%s", request->code);
		return VERDICT_REFUSED;
	}
	response->location_group = make_location_group(run->arena, row);
	return VERDICT_DONE;
}

static void *list_location_group(struct run *run, const void *row)
{
	return make_location_group(run->arena, row);
}

static enum verdict list_location_groups(struct run *run, const void *request, void *response)
{
	struct scan scan = {.shape = &location_groups_by_code};
	return page_list(run, request, &scan, list_location_group, response);
}

/* clang-format off */
#define READ(function, Message) \
	{ \
		.name = "LocationService/" #Message, \
		.request = &stockbook__v1__##function##_request__descriptor, \
		.response = &stockbook__v1__##function##_response__descriptor, \
		.run = function, \
	}
#define WRITE(function, Message) \
	{ \
		.name = "LocationService/" #Message, \
		.request = &stockbook__v1__##function##_request__descriptor, \
		.response = &stockbook__v1__##function##_response__descriptor, \
		.run = function, \
		.route = route_##function, \
		.writes = true, \
	}
const struct operation location_operations[] = {
	WRITE(put_location, PutLocation),
	READ(get_location, GetLocation),
	READ(list_locations, ListLocations),
	WRITE(put_location_group, PutLocationGroup),
	READ(get_location_group, GetLocationGroup),
	READ(list_location_groups, ListLocationGroups),
	{0},
};
/* clang-format on */
