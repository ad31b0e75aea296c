/* Adjustments: receipts, adjustments, absolute figures and changes of state - the facts. */
#ifndef STOCKBOOK_BOOK_ADJUSTMENT_H
#define STOCKBOOK_BOOK_ADJUSTMENT_H

#include "book/run.h"

extern const struct operation adjustment_operations[];

#endif
