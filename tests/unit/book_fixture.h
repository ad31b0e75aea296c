/*
 * Book fixture: a book in memory, and one call at a time on it. All invariants are checked after
 * every call.
 */
#ifndef STOCKBOOK_TESTS_UNIT_BOOK_FIXTURE_H
#define STOCKBOOK_TESTS_UNIT_BOOK_FIXTURE_H

#include "simulation/invariants.h"
#include "simulation/memory_store.h"
#include "stockbook/v1/common.pb-c.h"

#define SECOND_US INT64_C(1000000)

struct book {
	struct memory_store *store;
	struct invariants *invariants;
	struct arena arena; /* of all answers */
	struct actor actor; /* an admin, unless a test changes it */
	int64_t now_us;     /* a test may advance it; a call takes a millisecond */
	uint64_t requests;
};

/* For cmocka: makes *state a struct book that is empty; and the end of it. */
int book_setup(void **state);
int book_teardown(void **state);

/* The call must be done; its response. A request_id that is empty is filled in. */
const void *book_call(struct book *book, const char *operation, const void *request);
/* The call must be refused for this reason. */
const struct refusal *book_refusal(struct book *book, const char *operation, const void *request,
	Stockbook__V1__Reason reason);
#define BOOK_LANES_MAX 8
/* The operation with each of the requests at once: as many to a lane as to the next, and a step of
 * each lane in turn until all are answered. */
void book_race(struct book *book, const char *operation, const void *const *requests,
	struct store_call *calls, size_t count, size_t lane_count);
/* The value of the refusal's metadata; fails when there is none. */
const char *refusal_value(const struct refusal *refusal, const char *key);
/* The refusal names this field as wrong. */
void assert_wrong_field(const struct refusal *refusal, const char *field);

/* ---- What most tests begin with ---- */

void book_add_item(struct book *book, const char *sku);
/* Sells at its till, ships, hands over pickups, takes returns. */
void book_add_location(struct book *book, const char *code);
/* A channel that sources from these locations, in this order; its group has its code. */
void book_add_channel(struct book *book, const char *code, const char *const *locations,
	size_t count);
void book_receive(struct book *book, const char *sku, const char *location, int64_t quantity);
/* The balances, all 0 where there is no row. */
struct stock_row book_stock(struct book *book, const char *sku, const char *location);
/* How many movements there are so far. */
size_t book_movements(struct book *book);

#endif
