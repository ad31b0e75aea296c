/* Items: the calls of their service. */
#ifndef STOCKBOOK_BOOK_ITEM_H
#define STOCKBOOK_BOOK_ITEM_H

#include "book/run.h"

extern const struct operation item_operations[];

#endif
