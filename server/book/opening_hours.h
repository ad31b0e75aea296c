/*
 * Opening hours: when so many minutes of a location's opening time will have passed. Its hours are
 * wall-clock times of its time zone, whose rules (summer time) come from ICU: a pure computation on
 * data that is built into the library. A location without hours is always open; without a time zone,
 * or with one that ICU does not know, its hours are UTC.
 */
#ifndef STOCKBOOK_BOOK_OPENING_HOURS_H
#define STOCKBOOK_BOOK_OPENING_HOURS_H

#include <stdint.h>

#include "stockbook/v1/location.pb-c.h"

/* Calendars of the zones met so far: making one is dear, and the stores near a customer share one.
 * All zeros at first; released by its owner. */
#define CALENDARS_MAX 8

struct calendars {
	struct calendar {
		char zone[65];
		void *icu;
	} items[CALENDARS_MAX];
	unsigned used; /* ever; the oldest makes room */
};

void calendars_release(struct calendars *calendars);

/* Microseconds since 1970. Where the location hardly ever opens, a moment about a year ahead. */
int64_t opening_hours_after(struct calendars *calendars, const Stockbook__V1__Location *location,
	int64_t from_us, int64_t minutes);

#endif
