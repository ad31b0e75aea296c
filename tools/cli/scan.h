/*
 * Goods counted by their barcodes: one line of input is one barcode or one word. Knows neither
 * terminal nor server: takes texts, counts, and says what it made of each.
 */
#ifndef STOCKBOOK_CLI_SCAN_H
#define STOCKBOOK_CLI_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct scan_item {
	const char *sku;
	const char *name;
	const char *shelf;
	const char **codes; /* its aliases */
	size_t codes_count;
	int64_t expected;
	int64_t counted;
	int64_t missing; /* not there */
	int64_t damaged; /* there and broken */
};

enum scan_outcome {
	SCAN_NOTHING,  /* an empty line */
	SCAN_COUNTED,  /* quantity of item */
	SCAN_OVER,     /* the same, more than expected */
	SCAN_MISSING,  /* quantity of item is not there */
	SCAN_DAMAGED,  /* quantity of item is broken */
	SCAN_QUANTITY, /* the next scan counts that many */
	SCAN_UNDONE,   /* quantity of item was taken back */
	SCAN_DONE,
	SCAN_LIST,
	SCAN_HELP,
	/* Wrong, nothing was counted: */
	SCAN_UNKNOWN, /* a code of none of the items */
	SCAN_ENOUGH,  /* of item; quantity more were scanned than are wanted */
	SCAN_NO_UNDO,
	SCAN_NO_CODE, /* "short" and the like without a code */
	SCAN_BAD_QUANTITY,
};

struct scan_step; /* for undo */

struct scan {
	struct arena *arena;
	struct scan_item *items;
	size_t count;
	bool takes_more;  /* counts what comes on top of what is expected */
	bool knows_short; /* takes "short": goods that should be here and are not */
	int64_t quantity; /* of the next scan, 0: 1 */
	struct scan_step *steps;
	size_t steps_count, steps_capacity;
	/* Of the last line. */
	struct scan_item *item;
	int64_t taken;    /* how many units it was about */
	const char *code; /* the barcode in it */
};

/* Takes a line of input, without its newline. */
enum scan_outcome scan_line(struct scan *scan, const char *text);
/* The server knows this code as one of the item's. */
void scan_add_code(struct scan *scan, struct scan_item *item, const char *code);
struct scan_item *scan_find(const struct scan *scan, const char *code);
/* Sums over the items. */
int64_t scan_expected(const struct scan *scan);
int64_t scan_handled(const struct scan *scan); /* counted, missing, damaged */
int64_t scan_left(const struct scan_item *item);
/* The first in the order of the shelves that is not complete; NULL: all are. */
const struct scan_item *scan_next(const struct scan *scan);
/* All that is left is missing, as if "short" had been said for each. */
void scan_rest_is_missing(struct scan *scan);

#endif
