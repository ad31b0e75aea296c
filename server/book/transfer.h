/*
 * Transfers: goods on their way from one location to another.
 *
 *   open --approve--> allocated --dispatch--> in_transit --receive--> received | damaged
 *        <-step back-                                    --close, cancel--> lost | returned
 *   open, allocated --cancel--> cancelled
 *
 * The transfer owns ALLOCATED units at its source and IN_TRANSIT units at its destination. Tied to
 * an order, its units are `allocated` and `awaiting` on the order's line at the destination, and
 * `awaiting` on the pickup's line; on arrival they become ALLOCATED there.
 *
 * Locks: the transfer first, then its order (see TABLES in table.h).
 */
#ifndef STOCKBOOK_BOOK_TRANSFER_H
#define STOCKBOOK_BOOK_TRANSFER_H

#include "book/machine.h"
#include "book/order.h"
#include "stockbook/v1/transfer.pb-c.h"

extern const struct operation transfer_operations[];
extern const struct machine transfer_machine;

struct transfer_line {
	const struct transfer_line_row *row; /* NULL while it is not stored */
	int32_t line;
	const char *sku;
	int32_t order_line; /* 0: for the shelf */
	int64_t requested;
	int64_t open;
	int64_t allocated;
	int64_t in_transit;
	int64_t received;
	int64_t damaged;
	int64_t lost;
	int64_t returned;
	int64_t cancelled;
	int64_t over;
	bool changed;
};

struct transfer {
	const struct transfer_row *row;
	struct transfer_line *lines;
	size_t count;
};

/* A transfer for a customer's pickup, READY: its units are ALLOCATED at the source already (by the
 * order, which gives them to the transfer). Inserts it, makes its work, notes the change. lines:
 * sku, order_line, allocated are filled in by the caller. */
enum verdict transfer_insert_for_order(struct run *run, const struct order *order,
	const struct uuid *pickup_id, const char *source, const char *destination,
	struct transfer_line *lines, size_t count, struct transfer *made);

/* Up to `most` units of this order's line for this pickup need not come any more: what is not
 * dispatched is freed at the source and cancelled; what is under way is untied (order_line 0: it goes
 * to the shelf on arrival). *taken: how many were found. Does not touch the order. Transfers of the
 * order are found by a scan. */
enum verdict transfers_untie(struct run *run, const struct uuid *order_id,
	const struct uuid *pickup_id, int32_t order_line, int64_t most, const char *note,
	int64_t *taken);

Stockbook__V1__Transfer *transfer_message(struct run *run, const struct transfer *transfer);

#endif
