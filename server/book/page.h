/*
 * Pages of a list: page_size and page_token of a request, next_page_token of its response.
 *
 * A token holds the `order` fields of the page's last row and a hash over them and the call's other
 * fields: used with other arguments, or damaged, it is refused. It carries no right to anything.
 */
#ifndef STOCKBOOK_BOOK_PAGE_H
#define STOCKBOOK_BOOK_PAGE_H

#include "book/run.h"

#define PAGE_SIZE_DEFAULT 100
#define PAGE_SIZE_MAX 1000

struct page {
	int32_t size;
	uint64_t request_hash;
};

/* Reads the request's page_size and page_token (by name) and sets the scan's `after` and its limit:
 * one more than the page's size, to know whether there is a next page. The scan's shape is set.
 * VERDICT_DONE or refused. */
enum verdict page_open(struct run *run, const void *request, struct scan *scan, struct page *page);

/* ---- Plain lists: each row of the page is a message ---- */

/* The row as a message, in the run's arena. */
typedef void *page_message(struct run *run, const void *row);
/* The whole answer to a list: the response's one repeated field and next_page_token. The scan has
 * its shape and values. */
enum verdict page_list(struct run *run, const void *request, struct scan *scan, page_message *make,
	void *response);

/* ---- Others ---- */

/* How many rows of the result belong to the page. */
size_t page_count(const struct page *page, const struct scan_result *result);
/* The same for rows that have lines: a page ends early, though not before its first row, rather than
 * have more of them together than one document may. */
size_t page_count_by_lines(const struct page *page, const struct scan_result *result,
	size_t (*lines_of)(const void *row));
/* The token for what follows the first `count` rows of the result, "" when nothing does. In the
 * run's arena. */
char *page_next(struct run *run, const struct page *page, const struct scan *scan,
	const struct scan_result *result, size_t count);
/* The token for what follows this row of the shape's table. */
char *page_token_after(struct run *run, const struct page *page, const struct scan_shape *shape,
	const void *row);

#endif
