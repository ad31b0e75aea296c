/* Locations and their groups. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/book_fixture.h"

#include "stockbook/v1/location.pb-c.h"

#define REASON(name) STOCKBOOK__V1__REASON__REASON_##name

struct put {
	Stockbook__V1__PutLocationRequest request;
	Stockbook__V1__Location location;
};

static void *put_location(struct put *put, const char *code)
{
	stockbook__v1__put_location_request__init(&put->request);
	stockbook__v1__location__init(&put->location);
	put->request.location = &put->location;
	put->location.code = (char *)code;
	put->location.kind = STOCKBOOK__V1__LOCATION_KIND__LOCATION_KIND_STORE;
	return &put->request;
}

static const Stockbook__V1__Location *get_location(struct book *book, const char *code)
{
	Stockbook__V1__GetLocationRequest request = STOCKBOOK__V1__GET_LOCATION_REQUEST__INIT;
	request.code = (char *)code;
	const Stockbook__V1__GetLocationResponse *response =
		book_call(book, "LocationService/GetLocation", &request);
	return response->location;
}

static void everything_said_of_a_location_comes_back(void **state)
{
	struct book *book = *state;
	struct put put;
	put_location(&put, "LEEDS");
	Stockbook__V1__Address address = STOCKBOOK__V1__ADDRESS__INIT;
	char *lines[] = {"1 Briggate", "The Arcade"};
	address.n_lines = 2;
	address.lines = lines;
	address.city = "Leeds";
	address.country_code = "GB";
	Stockbook__V1__Coordinates coordinates = STOCKBOOK__V1__COORDINATES__INIT;
	coordinates.latitude = 53.8;
	coordinates.longitude = -1.54;
	Stockbook__V1__OpeningHours monday = STOCKBOOK__V1__OPENING_HOURS__INIT;
	monday.weekday = 1;
	monday.open_minute = 540;
	monday.close_minute = 1080;
	Stockbook__V1__OpeningHours *hours[] = {&monday};
	Google__Protobuf__Int64Value safety_stock = GOOGLE__PROTOBUF__INT64_VALUE__INIT;
	safety_stock.value = 2;
	put.location.address = &address;
	put.location.coordinates = &coordinates;
	put.location.time_zone = "Europe/London";
	put.location.n_opening_hours = 1;
	put.location.opening_hours = hours;
	put.location.ships = true;
	put.location.hands_over_pickups = true;
	put.location.daily_ship_capacity = 40;
	put.location.pickup_accept_minutes = 30;
	put.location.pickup_ready_minutes = 90;
	put.location.pickup_hold_minutes = 2880;
	put.location.ship_minutes = 300;
	put.location.disabled = true;
	put.location.safety_stock = &safety_stock;
	const Stockbook__V1__PutLocationResponse *response =
		book_call(book, "LocationService/PutLocation", &put.request);
	assert_true(response->created);

	const Stockbook__V1__Location *location = get_location(book, "LEEDS");
	assert_string_equal(location->address->lines[1], "The Arcade");
	assert_string_equal(location->address->country_code, "GB");
	assert_true(location->coordinates->latitude > 53.79 && location->coordinates->latitude < 53.81);
	assert_string_equal(location->time_zone, "Europe/London");
	assert_int_equal(location->opening_hours[0]->close_minute, 1080);
	assert_true(location->ships && location->hands_over_pickups && location->disabled);
	assert_false(location->takes_returns);
	assert_int_equal(location->daily_ship_capacity, 40);
	assert_int_equal(location->safety_stock->value, 2);
	assert_int_equal(location->pickup_accept_minutes, 30);
	assert_int_equal(location->ship_minutes, 300);
	assert_non_null(location->create_time);
	/* What rules read stands in the row. */
	size_t count;
	const struct location_row *row = memory_store_rows(book->store, TABLE(location), &count)[0];
	assert_true(row->has_coordinates && row->latitude > 53.79 && row->longitude < -1.53);
	assert_int_equal(row->pickup_ready_minutes, 90);
	assert_int_equal(row->pickup_hold_minutes, 2880);
}

static void putting_a_location_again_replaces_all_of_it(void **state)
{
	struct book *book = *state;
	struct put put;
	put_location(&put, "LEEDS");
	put.location.time_zone = "Europe/London";
	put.location.ships = true;
	book_call(book, "LocationService/PutLocation", &put.request);
	put_location(&put, "LEEDS");
	put.location.name = "Leeds";
	const Stockbook__V1__PutLocationResponse *response =
		book_call(book, "LocationService/PutLocation", &put.request);
	assert_false(response->created);
	const Stockbook__V1__Location *location = get_location(book, "LEEDS");
	assert_string_equal(location->name, "Leeds");
	assert_string_equal(location->time_zone, "");
	assert_false(location->ships);
}

static void refuse_field_of(struct book *book, struct put *put, const char *field)
{
	assert_wrong_field(book_refusal(book, "LocationService/PutLocation", &put->request,
						   REASON(INVALID_FIELD)),
		field);
}

static void coordinates_are_on_the_globe(void **state)
{
	struct book *book = *state;
	struct put put;
	put_location(&put, "L");
	Stockbook__V1__Coordinates coordinates = STOCKBOOK__V1__COORDINATES__INIT;
	put.location.coordinates = &coordinates;
	const double wrong[] = {90.1, -90.1, 1e300, (double)NAN, (double)INFINITY};
	for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
		coordinates.latitude = wrong[i];
		refuse_field_of(book, &put, "location.coordinates.latitude");
	}
	coordinates.latitude = -90;
	coordinates.longitude = 180.5;
	refuse_field_of(book, &put, "location.coordinates.longitude");
	coordinates.longitude = -180;
	book_call(book, "LocationService/PutLocation", &put.request);
}

static void opening_hours_open_before_they_close_and_do_not_overlap(void **state)
{
	struct book *book = *state;
	struct put put;
	put_location(&put, "L");
	Stockbook__V1__OpeningHours first = STOCKBOOK__V1__OPENING_HOURS__INIT;
	Stockbook__V1__OpeningHours second = STOCKBOOK__V1__OPENING_HOURS__INIT;
	Stockbook__V1__OpeningHours *hours[] = {&first, &second};
	put.location.n_opening_hours = 2;
	put.location.opening_hours = hours;
	const struct {
		int32_t weekday, open, close;
	} wrong[] = {{0, 0, 10}, {8, 0, 10}, {1, -1, 10}, {1, 10, 10}, {1, 20, 10}, {1, 0, 1441},
		{2, 650, 700}, {2, 0, 1440}};
	first.weekday = 2;
	first.open_minute = 600;
	first.close_minute = 720;
	for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
		second.weekday = wrong[i].weekday;
		second.open_minute = wrong[i].open;
		second.close_minute = wrong[i].close;
		refuse_field_of(book, &put, "location.opening_hours[1]");
	}
	second.weekday = 2;
	second.open_minute = 720; /* a lunch break of no length is none */
	second.close_minute = 1440;
	book_call(book, "LocationService/PutLocation", &put.request);
}

static void a_time_zone_has_the_form_of_an_iana_name(void **state)
{
	struct book *book = *state;
	struct put put;
	put_location(&put, "L");
	const char *wrong[] = {
		"9/x", "Europe/", "/London", "Europe//London", "Europe London", "+01:00"};
	for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
		put.location.time_zone = (char *)wrong[i];
		refuse_field_of(book, &put, "location.time_zone");
	}
	const char *right[] = {
		"", "UTC", "Etc/GMT+1", "America/Argentina/Buenos_Aires", "America/Port-au-Prince"};
	for (size_t i = 0; i < ARRAY_COUNT(right); i++) {
		put.location.time_zone = (char *)right[i];
		book_call(book, "LocationService/PutLocation", &put.request);
	}
}

static void other_fields_are_checked_by_name(void **state)
{
	struct book *book = *state;
	struct put put;
	Stockbook__V1__Address address = STOCKBOOK__V1__ADDRESS__INIT;
	address.country_code = "gb";
	put_location(&put, "L");
	put.location.address = &address;
	refuse_field_of(book, &put, "location.address.country_code");
	put_location(&put, "L");
	put.location.daily_ship_capacity = -1;
	refuse_field_of(book, &put, "location.daily_ship_capacity");
	Google__Protobuf__Int64Value negative = GOOGLE__PROTOBUF__INT64_VALUE__INIT;
	negative.value = -1;
	put_location(&put, "L");
	put.location.safety_stock = &negative;
	refuse_field_of(book, &put, "location.safety_stock");
}

static void an_unknown_location_is_not_found(void **state)
{
	struct book *book = *state;
	Stockbook__V1__GetLocationRequest request = STOCKBOOK__V1__GET_LOCATION_REQUEST__INIT;
	request.code = "NOWHERE";
	const struct refusal *refusal =
		book_refusal(book, "LocationService/GetLocation", &request, REASON(LOCATION_NOT_FOUND));
	assert_string_equal(refusal_value(refusal, "location"), "NOWHERE");
}

static void locations_are_listed_in_the_order_of_their_codes(void **state)
{
	struct book *book = *state;
	book_add_location(book, "C");
	book_add_location(book, "A");
	book_add_location(book, "B");
	Stockbook__V1__ListLocationsRequest request = STOCKBOOK__V1__LIST_LOCATIONS_REQUEST__INIT;
	request.page_size = 2;
	const Stockbook__V1__ListLocationsResponse *page =
		book_call(book, "LocationService/ListLocations", &request);
	assert_int_equal(page->n_locations, 2);
	assert_string_equal(page->locations[0]->code, "A");
	request.page_token = page->next_page_token;
	page = book_call(book, "LocationService/ListLocations", &request);
	assert_int_equal(page->n_locations, 1);
	assert_string_equal(page->locations[0]->code, "C");
	assert_string_equal(page->next_page_token, "");
}

/* ---- Groups ---- */

static void *put_group(Stockbook__V1__PutLocationGroupRequest *request,
	Stockbook__V1__LocationGroup *group, char **locations, size_t count)
{
	stockbook__v1__put_location_group_request__init(request);
	stockbook__v1__location_group__init(group);
	request->location_group = group;
	group->code = "north";
	group->locations = locations;
	group->n_locations = count;
	return request;
}

static void a_group_keeps_its_members_in_order_of_preference(void **state)
{
	struct book *book = *state;
	book_add_location(book, "A");
	book_add_location(book, "B");
	Stockbook__V1__PutLocationGroupRequest put;
	Stockbook__V1__LocationGroup group;
	char *members[] = {"B", "A"};
	const Stockbook__V1__PutLocationGroupResponse *response =
		book_call(book, "LocationService/PutLocationGroup", put_group(&put, &group, members, 2));
	assert_true(response->created);
	Stockbook__V1__GetLocationGroupRequest get = STOCKBOOK__V1__GET_LOCATION_GROUP_REQUEST__INIT;
	get.code = "north";
	const Stockbook__V1__GetLocationGroupResponse *got =
		book_call(book, "LocationService/GetLocationGroup", &get);
	assert_string_equal(got->location_group->locations[0], "B");
	assert_string_equal(got->location_group->locations[1], "A");
	response =
		book_call(book, "LocationService/PutLocationGroup", put_group(&put, &group, members, 1));
	assert_false(response->created);
	assert_int_equal(response->location_group->n_locations, 1);
	Stockbook__V1__ListLocationGroupsRequest list =
		STOCKBOOK__V1__LIST_LOCATION_GROUPS_REQUEST__INIT;
	const Stockbook__V1__ListLocationGroupsResponse *listed =
		book_call(book, "LocationService/ListLocationGroups", &list);
	assert_int_equal(listed->n_location_groups, 1);
}

static void a_group_has_only_locations_that_exist_each_once(void **state)
{
	struct book *book = *state;
	book_add_location(book, "A");
	Stockbook__V1__PutLocationGroupRequest put;
	Stockbook__V1__LocationGroup group;
	char *members[] = {"A", "NOWHERE"};
	const struct refusal *refusal = book_refusal(book, "LocationService/PutLocationGroup",
		put_group(&put, &group, members, 2), REASON(LOCATION_NOT_FOUND));
	assert_string_equal(refusal_value(refusal, "field"), "location_group.locations[1]");
	members[1] = "A";
	assert_wrong_field(book_refusal(book, "LocationService/PutLocationGroup",
						   put_group(&put, &group, members, 2), REASON(INVALID_FIELD)),
		"location_group.locations[1]");
	Stockbook__V1__GetLocationGroupRequest get = STOCKBOOK__V1__GET_LOCATION_GROUP_REQUEST__INIT;
	get.code = "north";
	book_refusal(book, "LocationService/GetLocationGroup", &get, REASON(LOCATION_GROUP_NOT_FOUND));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, book_setup, book_teardown)
	const struct CMUnitTest tests[] = {
		TEST(everything_said_of_a_location_comes_back),
		TEST(putting_a_location_again_replaces_all_of_it),
		TEST(coordinates_are_on_the_globe),
		TEST(opening_hours_open_before_they_close_and_do_not_overlap),
		TEST(a_time_zone_has_the_form_of_an_iana_name),
		TEST(other_fields_are_checked_by_name),
		TEST(an_unknown_location_is_not_found),
		TEST(locations_are_listed_in_the_order_of_their_codes),
		TEST(a_group_keeps_its_members_in_order_of_preference),
		TEST(a_group_has_only_locations_that_exist_each_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
