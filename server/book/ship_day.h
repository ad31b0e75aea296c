/*
 * Parcels that are to leave a location on a day (UTC). Counted only where the location has a daily
 * ship capacity; elsewhere nothing is read or written. What is cancelled later is not taken off: the
 * day's people and lorries were planned with it.
 */
#ifndef STOCKBOOK_BOOK_SHIP_DAY_H
#define STOCKBOOK_BOOK_SHIP_DAY_H

#include "book/run.h"

/* How many there are today. VERDICT_NEED or VERDICT_DONE. */
enum verdict ship_day_parcels(struct run *run, const struct location_row *location,
	enum access access, int64_t *parcels);
/* One more today, where the location has a capacity. VERDICT_NEED or VERDICT_DONE. */
enum verdict ship_day_add(struct run *run, const char *location);

#endif
