/*
 * Shipments: goods of one order that leave one location in parcels. fulfilment.h has what they share
 * with pickups.
 *
 *   ALLOCATED --pick--> PICKED --pack--> PACKED --ship--> SHIPPED --> DELIVERED | LOST
 *   ALLOCATED, PICKED, PACKED --cancel--> PUTTING_BACK --put back--> CANCELLED
 */
#ifndef STOCKBOOK_BOOK_SHIPMENT_H
#define STOCKBOOK_BOOK_SHIPMENT_H

#include "book/fulfilment.h"

extern const struct operation shipment_operations[];

/* ---- The machine ---- */

enum shipment_step {
	SHIPMENT_CREATE, /* also what is split off another, or replaces one */
	SHIPMENT_SPLIT,
	SHIPMENT_PICK,
	SHIPMENT_PACK,
	SHIPMENT_SHIP,
	SHIPMENT_SHIP_AT_ONCE, /* pick and pack what was not yet */
	SHIPMENT_DELIVER,
	SHIPMENT_LOSE,
	SHIPMENT_STEP_BACK,
	SHIPMENT_CANCEL,       /* all of it */
	SHIPMENT_CANCEL_LINES, /* part of it, or all, by its order */
	SHIPMENT_PUT_BACK,
	SHIPMENT_STEP_COUNT,
};

extern const struct machine shipment_machine;

/* What the lines make of it before it leaves: to be given to fulfilment_advance() after they were
 * changed. `packed`: what is picked is in parcels. */
Stockbook__V1__ShipmentStatus shipment_status_of(const struct fulfilment *shipment, bool packed);

/* shipment_message() into an answer; VERDICT_NEED while it is not known. */
enum verdict shipment_answer(struct run *run, const struct fulfilment *shipment,
	Stockbook__V1__Shipment **message);

operation_function shipment_create;
operation_function shipment_split;
operation_function shipment_pick;
operation_function shipment_pack;
operation_function shipment_ship;
operation_function shipment_deliver;
operation_function shipment_lose;
operation_function shipment_step_back;
operation_function shipment_cancel;
operation_function shipment_put_back;

#endif
