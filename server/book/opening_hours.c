/* Opening hours: walks from day to day of the location's calendar, interval by interval. */
#include "book/opening_hours.h"

#include <string.h>
#include <unicode/ucal.h>
#include <unicode/ustring.h>

#include "base/check.h"

#define MINUTE_US INT64_C(60000000)
#define DAYS_MAX 400
#define INTERVALS_MAX 100 /* as a location may have hours */

/* ---- Calendars ---- */

static void *calendar_open(const char *zone)
{
	UChar name[65];
	UErrorCode status = U_ZERO_ERROR;
	u_charsToUChars(zone[0] ? zone : "UTC", name, (int32_t)strlen(zone[0] ? zone : "UTC") + 1);
	/* An unknown zone gives one that is UTC under another name. */
	UCalendar *calendar = ucal_open(name, -1, "en", UCAL_GREGORIAN, &status);
	CHECK(U_SUCCESS(status)); /* short of memory, or installed without its data */
	return calendar;
}

static void *calendar_of(struct calendars *calendars, const char *zone)
{
	if (strlen(zone) >= sizeof(calendars->items[0].zone))
		zone = "";
	for (size_t i = 0; i < CALENDARS_MAX; i++)
		if (calendars->items[i].icu && strcmp(calendars->items[i].zone, zone) == 0)
			return calendars->items[i].icu;
	struct calendar *calendar = &calendars->items[calendars->used++ % CALENDARS_MAX];
	if (calendar->icu)
		ucal_close(calendar->icu);
	memcpy(calendar->zone, zone, strlen(zone) + 1);
	calendar->icu = calendar_open(zone);
	return calendar->icu;
}

void calendars_release(struct calendars *calendars)
{
	for (size_t i = 0; i < CALENDARS_MAX; i++)
		if (calendars->items[i].icu)
			ucal_close(calendars->items[i].icu);
	*calendars = (struct calendars){0};
}

/* ---- Days ---- */

/* ICU speaks of milliseconds. */
static int32_t field_of(UCalendar *calendar, UCalendarDateFields field)
{
	UErrorCode status = U_ZERO_ERROR;
	int32_t value = ucal_get(calendar, field, &status);
	CHECK(U_SUCCESS(status));
	return value;
}

/* 1 (Monday) to 7 (Sunday). */
static int32_t weekday_of(UCalendar *calendar)
{
	int32_t sunday_first = field_of(calendar, UCAL_DAY_OF_WEEK); /* 1 is Sunday */
	return sunday_first == 1 ? 7 : sunday_first - 1;
}

struct day {
	int32_t year;
	int32_t month; /* from 0, as ICU counts */
	int32_t day;
};

/* The moment at which the clock on the wall shows so many minutes since midnight. A minute that
 * summer time skips is moved past the gap. */
static int64_t wall_clock_us(UCalendar *calendar, const struct day *day, int32_t minute)
{
	UErrorCode status = U_ZERO_ERROR;
	ucal_clear(calendar);
	/* Lenient: 24:00 is the next day's midnight, and the 32nd of a month the 1st of the next. */
	ucal_setDateTime(calendar, day->year, day->month, day->day, minute / 60, minute % 60, 0,
		&status);
	double millis = ucal_getMillis(calendar, &status);
	CHECK(U_SUCCESS(status));
	return (int64_t)millis * 1000;
}

/* The hours of a weekday, by when they begin. */
static size_t hours_of(const Stockbook__V1__Location *location, int32_t weekday,
	const Stockbook__V1__OpeningHours **hours)
{
	size_t count = 0;
	for (size_t i = 0; i < location->n_opening_hours && count < INTERVALS_MAX; i++) {
		if (location->opening_hours[i]->weekday != weekday)
			continue;
		size_t at = count++;
		for (; at > 0 && hours[at - 1]->open_minute > location->opening_hours[i]->open_minute; at--)
			hours[at] = hours[at - 1];
		hours[at] = location->opening_hours[i];
	}
	return count;
}

int64_t opening_hours_after(struct calendars *calendars, const Stockbook__V1__Location *location,
	int64_t from_us, int64_t minutes)
{
	int64_t left_us = minutes * MINUTE_US;
	if (location->n_opening_hours == 0)
		return from_us + left_us;
	UCalendar *calendar = calendar_of(calendars, location->time_zone);
	UErrorCode status = U_ZERO_ERROR;
	int64_t from_ms = from_us / 1000;
	ucal_setMillis(calendar, (double)from_ms, &status);
	CHECK(U_SUCCESS(status));
	struct day day = {field_of(calendar, UCAL_YEAR), field_of(calendar, UCAL_MONTH),
		field_of(calendar, UCAL_DATE)};
	for (int i = 0; i < DAYS_MAX; i++, day.day++) {
		/* Noon is never skipped nor doubled. */
		wall_clock_us(calendar, &day, 12 * 60);
		const Stockbook__V1__OpeningHours *hours[INTERVALS_MAX];
		size_t count = hours_of(location, weekday_of(calendar), hours);
		for (size_t j = 0; j < count; j++) {
			int64_t opens = wall_clock_us(calendar, &day, hours[j]->open_minute);
			int64_t closes = wall_clock_us(calendar, &day, hours[j]->close_minute);
			if (opens < from_us)
				opens = from_us;
			if (closes <= opens)
				continue;
			if (left_us <= closes - opens)
				return opens + left_us;
			left_us -= closes - opens;
		}
	}
	return wall_clock_us(calendar, &day, 0);
}
