/*
 * A line of an order in memory: its counters and the locations that serve it. Rows' lists are never
 * changed in place, so a step loads the line, moves quantities here, and stores it as a whole.
 */
#ifndef STOCKBOOK_BOOK_ORDER_LINE_H
#define STOCKBOOK_BOOK_ORDER_LINE_H

#include "book/run.h"
#include "stockbook/v1/order.pb-c.h"

struct order_allocation {
	const char *location;
	int64_t allocated;
	int64_t picked;
	int64_t fulfilled;
	int64_t awaiting; /* of allocated: on a transfer to the location, which owns the units */
};

struct order_line {
	const struct order_line_row *row; /* NULL while it is not stored */
	int32_t line;
	const char *sku;
	Stockbook__V1__FulfilmentMethod method;
	const char *pickup_location; /* "" but for PICKUP and SHIP_TO_STORE */
	int64_t unit_price;
	int64_t ordered;
	int64_t open;
	int64_t allocated;
	int64_t picked;
	int64_t fulfilled;
	int64_t cancelled;
	int64_t returned;
	struct order_allocation *allocations;
	size_t allocation_count;
	size_t allocation_capacity;
	bool changed;
};

void order_line_load(struct run *run, const struct order_line_row *row, struct order_line *line);
/* Into the line's row, which is locked, or as a new row of the order. */
void order_line_store(struct run *run, const struct customer_order_row *order,
	struct order_line *line);
/* The line's share at the location, added when there is none. Valid until the next is added. */
struct order_allocation *order_line_at(struct run *run, struct order_line *line,
	const char *location);
/* NULL for 0 in no currency. */
Stockbook__V1__Money *make_money(struct run *run, int64_t minor_units, const char *currency);
Stockbook__V1__OrderLine *order_line_message(struct run *run, const struct order_line *line,
	const char *currency);

#endif
