/*
 * Pickups: bought anywhere, fetched at a location. fulfilment.h has what they share with shipments.
 *
 *   AWAITING_TRANSFER --arrive--> REQUESTED --accept--> ACCEPTED --pick--> PICKING --pick--> PICKED
 *   PICKED --make ready--> READY --collect--> COLLECTED
 *   READY --expire--> PUTTING_BACK --put back--> CANCELLED | COLLECTED
 *
 * The status follows from the lines (pickup_status_of()) but for what was said about it: accepted,
 * ready. A ready pickup is over at collect_by, whether it has been swept or not.
 */
#ifndef STOCKBOOK_BOOK_PICKUP_H
#define STOCKBOOK_BOOK_PICKUP_H

#include "book/fulfilment.h"

extern const struct operation pickup_operations[];

/* ---- The machine ---- */

enum pickup_step {
	PICKUP_REQUEST, /* it is made */
	PICKUP_ARRIVE,  /* goods of a transfer are here */
	PICKUP_MISS,    /* goods of a transfer will not come */
	PICKUP_ACCEPT,
	PICKUP_PICK,
	PICKUP_READY,
	PICKUP_ISSUE_CODE,
	PICKUP_REFUSE_CODE, /* a wrong code was given */
	PICKUP_EXTEND,
	PICKUP_COLLECT,
	PICKUP_STEP_BACK,
	PICKUP_CANCEL,       /* all of it */
	PICKUP_CANCEL_LINES, /* part of it, or all, by its order */
	PICKUP_EXPIRE,
	PICKUP_PUT_BACK,
	PICKUP_STEP_COUNT,
};

extern const struct machine pickup_machine;

/* What the lines make of it: to be given to fulfilment_advance() after they were changed. `ready`:
 * what is picked waits for the customer. */
Stockbook__V1__PickupStatus pickup_status_of(const struct fulfilment *pickup, bool ready);

/* Of a code's hash. */
#define PICKUP_CODE_HASH_SIZE 32
/* As many wrong codes lock it. */
#define PICKUP_CODE_FAILURES_MAX 5

#endif
