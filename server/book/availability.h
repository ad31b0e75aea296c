/*
 * What may be promised: the one computation of available to sell, used by reads, by explain and by
 * every check before a promise.
 *
 *   available to sell = AVAILABLE - effective safety stock - what is left of other channels' quotas,
 *                       never below 0; 0 at a disabled location
 *
 * The effective safety stock is the first that is set of: this SKU at this location, the item's
 * default, the location's, the channel's; else 0.
 */
#ifndef STOCKBOOK_BOOK_AVAILABILITY_H
#define STOCKBOOK_BOOK_AVAILABILITY_H

#include "book/quota.h"

enum safety_source {
	SAFETY_NONE,
	SAFETY_STOCK, /* of this SKU at this location */
	SAFETY_ITEM,
	SAFETY_LOCATION,
	SAFETY_CHANNEL,
};

struct availability_terms {
	const struct stock_row *stock; /* NULL where the location never had the SKU */
	int64_t available;             /* the balance; below 0 in a shortage */
	int64_t safety_stock;
	enum safety_source safety_source;
	struct quota_list quotas; /* of all channels */
	int64_t kept_for_others;  /* left of other channels' */
	bool disabled;
	int64_t available_to_sell;
};

/* VERDICT_NEED or VERDICT_DONE. sku is resolved and location exists (one that does not promises
 * nothing); channel may be NULL. Locks the stock row when asked to; all else is peeked. Rows that
 * the run changed before are seen as they are now: lines of one SKU add up by themselves when each
 * is posted before the next is asked for. */
enum verdict availability_terms(struct run *run, const char *sku, const char *location,
	const struct channel_row *channel, enum access stock_access, struct availability_terms *terms);

/* The channel, peeked; refused with CHANNEL_NOT_FOUND. An empty code gives NULL. */
enum verdict require_channel(struct run *run, const char *code, const char *field,
	const struct channel_row **channel);

/* The group, peeked; refused with LOCATION_GROUP_NOT_FOUND. */
enum verdict require_group(struct run *run, const char *code,
	const struct location_group_row **group);

/* Splits a quantity over sources in their order: shares[i] <= available[i] (what is below 0 counts
 * as 0), each source taking what the ones before it left, so that the shares and the returned
 * remainder always sum to the quantity. With whole = true one source that has everything is
 * preferred to a split. */
int64_t source_split(const int64_t *available, size_t count, int64_t quantity, bool whole,
	int64_t *shares);

extern const struct operation availability_operations[];

#endif
