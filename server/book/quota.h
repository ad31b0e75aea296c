/*
 * Quotas: units of a SKU at a location that are kept for one channel. A policy: nothing moves. What
 * is left of a quota lowers what other channels may promise:
 *
 *   left = quantity - used, from 0 to quantity
 *
 * used counts what the channel promised since the quota was set, less what of its promises was given
 * back; post() keeps it. It is below 0 where what was promised before is given back: the quota is
 * whole then, and no more than that.
 *
 * The rows of a stock row are found by a scan, as last committed. Under the stock row's lock each is
 * then looked up by its key, so that what this batch did is seen. Where has_quotas is false nothing
 * is read.
 */
#ifndef STOCKBOOK_BOOK_QUOTA_H
#define STOCKBOOK_BOOK_QUOTA_H

#include "book/run.h"

extern const struct operation quota_operations[];

struct quota_list {
	const struct quota_row **items; /* ascending by channel */
	size_t count;
};

/* All of a stock row. VERDICT_NEED or VERDICT_DONE. */
enum verdict quotas_of(struct run *run, const struct stock_row *stock, struct quota_list *quotas);
int64_t quota_left(const struct quota_row *quota);
/* The channel promised so many units more (below 0: gave them back) of the stock row, which is
 * locked. VERDICT_NEED or VERDICT_DONE. */
enum verdict quota_use(struct run *run, const struct stock_row *stock, const char *channel,
	int64_t quantity);

#endif
