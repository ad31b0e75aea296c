/*
 * New lines of an order, when it is placed and when it is amended. Promises are decided by sourcing
 * and refused when stock is short; facts (CARRY_OUT: the customer walked out with the goods) are
 * posted whatever the book has:
 *
 *   CARRY_OUT       AVAILABLE -> CUSTOMER, reason SALE. What is not there at all, promised to others
 *                   or not, is first FOUND. Where it takes what was promised, AVAILABLE falls below
 *                   0: a shortage that someone has to solve. With `otherwise`, only what is AVAILABLE
 *                   is carried out, and the rest is a promise.
 *   others          AVAILABLE -> ALLOCATED, reason ALLOCATE
 *   SHIP, fulfil    AVAILABLE -> CUSTOMER, reason SHIP: one movement instead of three. The goods
 *                   were never set aside; the ledger says what happened.
 */
#ifndef STOCKBOOK_BOOK_ORDER_NEW_LINE_H
#define STOCKBOOK_BOOK_ORDER_NEW_LINE_H

#include "book/fulfilment.h"

struct new_lines {
	/* Given. */
	Stockbook__V1__PlaceOrderLine *const *asked;
	size_t asked_count;
	const char *field;        /* of the request: "lines" */
	int32_t first;            /* number of the first */
	int32_t offset;           /* what sourcing calls the first of them */
	struct order_line *lines; /* with new_lines_room() */
	bool fulfil;
	const char *currency; /* NULL: none yet */
	int64_t total;
	/* Made. */
	size_t count; /* those of `otherwise` stand behind the others */
	/* The line that a demand is for, by the demand's number less the first one's. */
	size_t *demanded;
	size_t first_demand;
	size_t demand_count;
};

/* As many lines of the order as they may make: those that are carried out may come in two parts. */
size_t new_lines_room(Stockbook__V1__PlaceOrderLine *const *asked, size_t count);
/* Checks them, and adds what they want to the sourcing, which has its channel: a demand for each at
 * the most. */
enum verdict new_lines_add(struct run *run, struct new_lines *new, struct sourcing *sourcing);
/* After sourcing_decide(): posts the facts, then what was granted. */
enum verdict new_lines_post(struct run *run, struct new_lines *new,
	const struct sourcing *sourcing);

/* Posts what a line was granted and moves its counters: to the customer with `fulfil`. Counts the
 * parcels that are to leave. */
enum verdict order_post_grants(struct run *run, struct order_line *line,
	const struct demand *demand, const struct channel_row *channel, bool fulfil);
/* The demand of a line that is there: where it can be fetched is settled, if it is fetched. */
struct demand *order_demand(struct sourcing *sourcing, const struct order_line *line,
	const char *location, int64_t quantity, int32_t index);

/* Where goods lie that a pickup or shipment of the answer will tell of: asked for in the round of
 * their stock, and only noted here. */
void order_ask_for_shelf(struct run *run, const struct channel_row *channel,
	Stockbook__V1__FulfilmentMethod method, const char *sku, const char *location);

#endif
