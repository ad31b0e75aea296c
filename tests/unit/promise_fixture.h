/*
 * Promise fixture: a small trade, and its calls written as text.
 *
 *   items S1, S2, S3 (alias of S1: "ALIAS"); locations LEEDS, YORK, HULL;
 *   channel "web" sources from them in this order
 *
 * Lines: "S1*3@LEEDS:250 !S2*1@YORK S3*2": SKU, quantity, location unless it is sourced, unit price
 * in pence, "!" for CARRY_OUT. Parts of an order's lines: "1*3@LEEDS 2*1".
 */
#ifndef STOCKBOOK_TESTS_UNIT_PROMISE_FIXTURE_H
#define STOCKBOOK_TESTS_UNIT_PROMISE_FIXTURE_H

#include "stockbook/v1/order.pb-c.h"
#include "stockbook/v1/reservation.pb-c.h"
#include "stockbook/v1/return.pb-c.h"
#include "unit/book_fixture.h"

#define REASON(name) STOCKBOOK__V1__REASON__REASON_##name

/* For cmocka, with book_teardown(): a book with the trade in it, and no stock. */
int trade_setup(void **state);

/* ---- Requests, which a test may change before it sends them ---- */

Stockbook__V1__ReserveRequest *reserve_request(struct book *book, const char *lines);
Stockbook__V1__ReplaceReservationRequest *replace_request(struct book *book, const char *id,
	const char *lines);
Stockbook__V1__ConfirmReservationRequest *confirm_request(struct book *book, const char *id);
Stockbook__V1__PlaceOrderRequest *place_request(struct book *book, const char *lines);
/* Any request with an order_id and lines of quantities: AllocateOrder, PickOrder... */
void *step_request(struct book *book, const char *operation, const char *id, const char *lines);
/* Lines "S1*2" or "1*2" (the order's line), each with a disposition letter or none after it:
 * "S1*2r 2*1d 3*1x 4*1". */
Stockbook__V1__CreateReturnRequest *return_request(struct book *book, const char *location,
	const char *order_id, const char *lines);
Google__Protobuf__Duration *seconds(struct book *book, int64_t seconds);
Stockbook__V1__Money *money(struct book *book, int64_t minor_units, const char *currency);

/* ---- Calls that must be done ---- */

const Stockbook__V1__Reservation *reserve(struct book *book, const char *lines);
const Stockbook__V1__Reservation *get_reservation(struct book *book, const char *id);
const Stockbook__V1__Order *place(struct book *book, const char *lines);
const Stockbook__V1__Order *order_do(struct book *book, const char *operation, const char *id,
	const char *lines);
const Stockbook__V1__Order *get_order(struct book *book, const char *id);
const Stockbook__V1__Return *take_back(struct book *book, const char *location,
	const char *order_id, const char *lines);
/* A fact: so many less at the location. */
void lose(struct book *book, const char *sku, const char *location, int64_t quantity);
void set_safety(struct book *book, const char *sku, const char *location, int64_t quantity);

/* ---- Looking at it ---- */

/* "available reserved allocated picked damaged quality_control", such as "3 2 0 0 0 0". */
void assert_stock(struct book *book, const char *sku, const char *location, const char *balances);
/* The order's line: "open allocated picked fulfilled cancelled returned". */
void assert_line(const Stockbook__V1__Order *order, size_t line, const char *counters);
/* The movement so many before the last. */
const struct movement_row *movement_back(struct book *book, size_t before_last);
/* Everything in the book but the requests, as one figure: what changes nothing keeps it. */
uint64_t book_digest(struct book *book);

#endif
