/* Promises: what an order would get, and when, without placing it. The call of SourcingService. */
#ifndef STOCKBOOK_BOOK_PROMISE_H
#define STOCKBOOK_BOOK_PROMISE_H

#include "book/run.h"

extern const struct operation sourcing_operations[];

#endif
