/*
 * Stock: the balances, and what the facts about them have in common. The facts themselves are in
 * adjustment.c.
 */
#ifndef STOCKBOOK_BOOK_STOCK_H
#define STOCKBOOK_BOOK_STOCK_H

#include "book/run.h"
#include "book/text_index.h"
#include "stockbook/v1/stock.pb-c.h"

/* stock may be NULL: nothing was ever there. */
Stockbook__V1__StockLevel *make_stock_level(struct arena *arena, const char *sku,
	const char *location, const struct stock_row *stock);

/* The lines of a fact at one location. */
struct stock_lines {
	const char *location;
	int32_t part;
	size_t count;
	const char **skus; /* resolved, line by line */
	size_t *numbers;   /* of the line's SKU in `distinct` */
	struct text_index distinct;
};

/* Every request of a fact has lines that begin like this. */
struct stock_line {
	ProtobufCMessage base;
	char *sku;
};

/* Checks that the actor may act at the location, resolves every line and locks its stock row, all
 * asked for before it returns NEED. lines: pointers to structs that begin as struct stock_line. */
enum verdict stock_lines_open(struct run *run, const char *location, void *const *lines,
	size_t count, struct stock_lines *opened);
/* Refuses when a SKU is on two lines. */
enum verdict stock_lines_once(struct run *run, const struct stock_lines *lines);
/* The stock row of a SKU of the lines, as it is now; NULL where there is none. */
const struct stock_row *stock_lines_row(struct run *run, const struct stock_lines *lines,
	const char *sku);
/* The levels of all SKUs of the lines, each once, in the order of first mention. */
Stockbook__V1__StockLevel **stock_lines_levels(struct run *run, const struct stock_lines *lines,
	size_t *count);

extern const struct operation stock_operations[];

#endif
