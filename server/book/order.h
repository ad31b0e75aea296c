/*
 * Orders: what a customer bought, and how far each line has come.
 *
 *   open --allocate--> allocated --pick--> picked --ship--> fulfilled
 *        <-deallocate-           <-put back-
 *   open, allocated, picked --cancel--> cancelled
 *
 * Per line: ordered = open + allocated + picked + fulfilled + cancelled. The status is derived from
 * the lines by one function.
 */
#ifndef STOCKBOOK_BOOK_ORDER_H
#define STOCKBOOK_BOOK_ORDER_H

#include "book/machine.h"
#include "book/order_line.h"
#include "stockbook/v1/order.pb-c.h"

extern const struct operation order_operations[];

/* ---- The machine ---- */

enum order_step {
	ORDER_PLACE,
	ORDER_ALLOCATE,
	ORDER_DEALLOCATE,
	ORDER_PICK,
	ORDER_PUT_BACK,
	ORDER_SHIP,
	ORDER_CANCEL,
	ORDER_AMEND,
	ORDER_COLLECT, /* a pickup was collected */
	ORDER_LOSE,    /* a parcel of it was lost */
	ORDER_RETURN,  /* goods came back; counted on its lines */
	ORDER_STEP_COUNT,
};

extern const struct machine order_machine;

/* ---- For the book's other files ---- */

struct fulfilment;

/* An order in memory: the header row and its lines, changed there and then stored; and its pickups
 * and shipments (fulfilment.h). */
struct order {
	const struct customer_order_row *row;
	struct order_line *lines;
	size_t count;
	struct fulfilment **fulfilments;
	size_t fulfilment_count;
	size_t fulfilment_capacity;
	const char *channel; /* in which its step happens; NULL or "": its own */
};

Stockbook__V1__OrderStatus order_status_of(const struct order_line *lines, size_t count);
/* The order with this id, all its lines and fulfilments, locked. */
enum verdict order_open(struct run *run, const char *id, struct order *order);
/* machine_check() of its step. */
enum verdict order_check_step(struct run *run, const struct order *order, enum order_step step);
/* Stores the lines that were changed, derives the status and notes the change. */
void order_advance(struct run *run, struct order *order, enum order_step step, const char *note);
/* The same after a step of another document that moved its counters: a change is noted only where
 * that changed the order's status. channel: NULL or "" for the order's. */
void order_follow(struct run *run, struct order *order, enum order_step step, const char *channel,
	const char *note);
Stockbook__V1__Order *order_message(struct run *run, const struct order *order);

/* What an order is made of; lines are in memory, numbered from 1, with their counters set. */
struct order_draft {
	int32_t part; /* its own */
	const char *channel;
	const char *customer;
	const char *reference;
	const char *currency; /* "" while every price is 0 */
	struct uuid reservation_id;
	struct order_line *lines;
	size_t count;
};

/* Inserts header and lines, and notes the change "place", which closes what was posted. */
void order_insert(struct run *run, const struct order_draft *draft, struct order *order);

/* post() of goods that leave the building, promised before. Where facts took them meanwhile, the
 * book has fewer on hand than leave: what is missing is first FOUND, so that on hand is never below
 * 0; that also mends the shortage. */
enum verdict post_leaving(struct run *run, const struct posting *posting);

/* Checks a price and that all prices are in one currency, which is kept in *currency (NULL before
 * the first). */
enum verdict order_check_price(struct run *run, const Stockbook__V1__Money *price,
	const char *field, const char **currency, int64_t *minor_units);
/* *total += quantity * unit_price; refused where it would leave the bounds. */
enum verdict order_add_amount(struct run *run, int64_t quantity, int64_t unit_price,
	const char *field, int64_t *total);

operation_function order_place;
operation_function order_allocate;
operation_function order_deallocate;
operation_function order_pick;
operation_function order_put_back;
operation_function order_ship;
operation_function order_cancel;
operation_function order_amend;
operation_function order_history;
operation_function order_get;
operation_function order_list;

#endif
