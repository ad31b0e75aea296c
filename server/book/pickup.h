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

/* Its time is over, whether it has been swept or not. */
bool pickup_is_over(const struct run *run, const struct fulfilment_row *row);

/* ---- The sweeper ---- */

#define PICKUP_EXPIRE_MAX 100

/* "Sweeper/ExpirePickups": ends up to PICKUP_EXPIRE_MAX ready pickups of one part whose time is over.
 * As reservation_expire_operation (reservation.h). */
extern const struct operation pickup_expire_operation;

/* ---- Codes ---- */

/* SHA-256 of the pickup's id, as text, and the code. */
#define PICKUP_CODE_HASH_SIZE 32
/* As many wrong codes lock it. */
#define PICKUP_CODE_FAILURES_MAX 5

/* Another code. Answers the hash in hexadecimal, as the answer's code. The row is being edited. */
char *pickup_code_set(struct run *run, struct fulfilment_row *row, const ProtobufCBinaryData *hash);
/* No code opens it. */
void pickup_code_void(struct fulfilment_row *row);

/* pickup_message() into an answer; VERDICT_NEED while it is not known. */
enum verdict pickup_answer(struct run *run, const struct fulfilment *pickup,
	Stockbook__V1__Pickup **message);

operation_function pickup_accept;
operation_function pickup_pick;
operation_function pickup_ready;
operation_function pickup_issue_code;
operation_function pickup_extend;
operation_function pickup_collect;
operation_function pickup_step_back;
operation_function pickup_cancel;
operation_function pickup_put_back;

#endif
