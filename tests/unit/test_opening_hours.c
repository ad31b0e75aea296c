/* Opening hours: minutes that pass only while a shop is open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "book/opening_hours.h"

#define MOST 16

struct shop {
	Stockbook__V1__Location location;
	Stockbook__V1__OpeningHours hours[MOST];
	Stockbook__V1__OpeningHours *list[MOST];
	struct calendars calendars;
};

static void open_on(struct shop *shop, int32_t weekday, int32_t from, int32_t to)
{
	size_t i = shop->location.n_opening_hours++;
	stockbook__v1__opening_hours__init(&shop->hours[i]);
	shop->hours[i].weekday = weekday;
	shop->hours[i].open_minute = from;
	shop->hours[i].close_minute = to;
	shop->list[i] = &shop->hours[i];
	shop->location.opening_hours = shop->list;
}

/* Open from 9 to 17 on weekdays. */
static void make_shop(struct shop *shop, const char *zone)
{
	*shop = (struct shop){0};
	stockbook__v1__location__init(&shop->location);
	shop->location.time_zone = (char *)zone;
	for (int32_t weekday = 5; weekday >= 1; weekday--)
		open_on(shop, weekday, 540, 1020);
}

static int64_t moment(const char *utc)
{
	struct tm time = {0};
	assert_int_equal(sscanf(utc, "%d-%d-%d %d:%d", &time.tm_year, &time.tm_mon, &time.tm_mday,
						 &time.tm_hour, &time.tm_min),
		5);
	time.tm_year -= 1900;
	time.tm_mon -= 1;
	return (int64_t)timegm(&time) * 1000000;
}

static void expect(struct shop *shop, const char *from, int64_t minutes, const char *until)
{
	int64_t us = opening_hours_after(&shop->calendars, &shop->location, moment(from), minutes);
	char text[32];
	time_t seconds = (time_t)(us / 1000000);
	struct tm time;
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M", gmtime_r(&seconds, &time));
	assert_string_equal(text, until);
}

static void without_hours_a_location_is_always_open(void **state)
{
	(void)state;
	struct shop shop = {0};
	stockbook__v1__location__init(&shop.location);
	expect(&shop, "2026-11-21 23:30", 240, "2026-11-22 03:30");
	calendars_release(&shop.calendars);
}

static void minutes_pass_while_it_is_open(void **state)
{
	(void)state;
	struct shop shop;
	make_shop(&shop, "");
	expect(&shop, "2026-11-19 10:00", 60, "2026-11-19 11:00");  /* a Thursday */
	expect(&shop, "2026-11-19 06:00", 60, "2026-11-19 10:00");  /* before it opens */
	expect(&shop, "2026-11-19 16:30", 60, "2026-11-20 09:30");  /* over night */
	expect(&shop, "2026-11-20 16:30", 60, "2026-11-23 09:30");  /* over the weekend */
	expect(&shop, "2026-11-21 12:00", 960, "2026-11-24 17:00"); /* two whole days */
	expect(&shop, "2026-12-31 16:00", 120, "2027-01-01 10:00"); /* into the next year */
	expect(&shop, "2028-02-28 16:00", 120, "2028-02-29 10:00"); /* a leap day */
	calendars_release(&shop.calendars);
}

static void a_lunch_break_does_not_count(void **state)
{
	(void)state;
	struct shop shop = {0};
	stockbook__v1__location__init(&shop.location);
	shop.location.time_zone = "";
	open_on(&shop, 4, 840, 1080);
	open_on(&shop, 4, 540, 720);
	expect(&shop, "2026-11-19 11:30", 60, "2026-11-19 14:30");
	/* Open once a week: the next time is the next Thursday. */
	expect(&shop, "2026-11-19 17:30", 60, "2026-11-26 09:30");
	calendars_release(&shop.calendars);
}

static void hours_are_those_of_the_clock_on_the_wall(void **state)
{
	(void)state;
	struct shop shop;
	make_shop(&shop, "America/New_York");
	expect(&shop, "2026-11-19 10:00", 60, "2026-11-19 15:00"); /* 9:00 there is 14:00 UTC */
	expect(&shop, "2026-07-16 10:00", 60, "2026-07-16 14:00"); /* in summer 13:00 */
	/* It is still Sunday there while it is Monday in London. */
	expect(&shop, "2026-11-23 02:00", 60, "2026-11-23 15:00");
	calendars_release(&shop.calendars);
}

static void summer_time_begins_and_ends(void **state)
{
	(void)state;
	struct shop shop;
	make_shop(&shop, "Europe/London");
	expect(&shop, "2026-03-27 16:30", 60, "2026-03-30 08:30"); /* clocks went forward on the 29th */
	expect(&shop, "2026-10-23 15:30", 60, "2026-10-26 09:30"); /* and back on 25 October */
	/* Open over the change itself: from midnight to 4, an hour of it does not exist. */
	shop.location.n_opening_hours = 0;
	open_on(&shop, 7, 0, 240);
	expect(&shop, "2026-03-28 12:00", 180, "2026-03-29 03:00");
	expect(&shop, "2026-03-28 12:00", 181,
		"2026-04-04 23:01"); /* the next Sunday, in summer time */
	expect(&shop, "2026-10-24 12:00", 300, "2026-10-25 04:00");
	calendars_release(&shop.calendars);
}

static void a_day_may_end_at_midnight(void **state)
{
	(void)state;
	struct shop shop = {0};
	stockbook__v1__location__init(&shop.location);
	shop.location.time_zone = "Asia/Kolkata"; /* half an hour off */
	for (int32_t weekday = 1; weekday <= 7; weekday++)
		open_on(&shop, weekday, 0, 1440);
	expect(&shop, "2026-11-19 17:00", 240, "2026-11-19 21:00");
	calendars_release(&shop.calendars);
}

static void an_unknown_zone_is_utc(void **state)
{
	(void)state;
	struct shop shop;
	make_shop(&shop, "Mars/Olympus_Mons");
	expect(&shop, "2026-11-19 06:00", 60, "2026-11-19 10:00");
	calendars_release(&shop.calendars);
}

static void more_zones_than_are_remembered_take_turns(void **state)
{
	(void)state;
	static const char *const zones[] = {"Europe/London", "Europe/Paris", "Europe/Athens",
		"Asia/Tokyo", "Asia/Dubai", "America/Denver", "America/Chicago", "America/Bogota",
		"Australia/Perth", "Pacific/Auckland"};
	struct shop shop;
	make_shop(&shop, "");
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
			shop.location.time_zone = (char *)zones[i];
			int64_t us = opening_hours_after(&shop.calendars, &shop.location,
				moment("2026-11-17 12:00"), 480);
			/* A whole day's hours end when it closes, wherever it is. */
			assert_true(us > moment("2026-11-17 12:00") + INT64_C(480) * 60000000);
		}
	shop.location.time_zone = "Asia/Tokyo";
	expect(&shop, "2026-11-18 20:00", 30, "2026-11-19 00:30");
	calendars_release(&shop.calendars);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_hours_a_location_is_always_open),
		cmocka_unit_test(minutes_pass_while_it_is_open),
		cmocka_unit_test(a_lunch_break_does_not_count),
		cmocka_unit_test(hours_are_those_of_the_clock_on_the_wall),
		cmocka_unit_test(summer_time_begins_and_ends),
		cmocka_unit_test(a_day_may_end_at_midnight),
		cmocka_unit_test(an_unknown_zone_is_utc),
		cmocka_unit_test(more_zones_than_are_remembered_take_turns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
