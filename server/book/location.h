/* Locations: the calls of their service. */
#ifndef STOCKBOOK_BOOK_LOCATION_H
#define STOCKBOOK_BOOK_LOCATION_H

#include "book/run.h"
#include "stockbook/v1/location.pb-c.h"

/* All that was said of it. */
Stockbook__V1__Location *location_message(struct arena *arena, const struct location_row *row);

extern const struct operation location_operations[];

#endif
