/* Locations: the calls of their service. */
#ifndef STOCKBOOK_BOOK_LOCATION_H
#define STOCKBOOK_BOOK_LOCATION_H

#include "book/run.h"

extern const struct operation location_operations[];

#endif
