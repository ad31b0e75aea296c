/* Shelves: where items lie at a location. Pickers walk in the order of the shelves' bytes. */
#ifndef STOCKBOOK_BOOK_SHELF_H
#define STOCKBOOK_BOOK_SHELF_H

#include "book/run.h"

/* Where a SKU lies at a location; "" when unknown. VERDICT_NEED or VERDICT_DONE. */
enum verdict shelf_of(struct run *run, const char *sku, const char *location, const char **shelf);

/* StockService.SetShelf */
operation_function shelf_set;
operation_route shelf_route;

#endif
