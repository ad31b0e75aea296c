/*
 * Fulfilment fixture: the calls of pickups and shipments, written as text. Lines that were picked:
 * "1*3 2*1-2n" (line, picked, short: n not found, d damaged); other parts: "1*3 2*1". A code is a
 * letter, of which its hash is made.
 */
#ifndef STOCKBOOK_TESTS_UNIT_FULFILMENT_FIXTURE_H
#define STOCKBOOK_TESTS_UNIT_FULFILMENT_FIXTURE_H

#include "stockbook/v1/pickup.pb-c.h"
#include "stockbook/v1/shipment.pb-c.h"
#include "unit/transfer_fixture.h"

#define PICKUP(name) STOCKBOOK__V1__PICKUP_STATUS__PICKUP_STATUS_##name
#define SHIPMENT(name) STOCKBOOK__V1__SHIPMENT_STATUS__SHIPMENT_STATUS_##name
#define REMEDY(name) STOCKBOOK__V1__SHORT_REMEDY__SHORT_REMEDY_##name
#define OUTCOME(name) STOCKBOOK__V1__COLLECT_OUTCOME__COLLECT_OUTCOME_##name
#define METHOD(name) STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_##name

/* ---- Pickups ---- */

/* An order, each line of which is fetched where it names; and the answer's first pickup. */
const Stockbook__V1__PlaceOrderResponse *place_pickup(struct book *book, const char *lines);
/* Its id, when it was brought that far: REQUESTED, ACCEPTED, PICKED or READY (with the code 'a'). */
const char *pickup_at(struct book *book, const char *lines, Stockbook__V1__PickupStatus status);

/* Any request of PickupService or ShipmentService by the document's id: "AcceptPickup". Those that
 * carry a hash come wrapped, with the code 'a'. */
void *fulfilment_ask(struct book *book, const char *method, const char *id);
/* The same with what was picked, and what becomes of what was short. */
void *pick_ask(struct book *book, const char *method, const char *id, const char *lines,
	Stockbook__V1__ShortRemedy remedy);
/* With parts of it: CollectPickup, PutBackPickup, SplitShipment... */
void *parts_ask(struct book *book, const char *method, const char *id, const char *lines);
/* Collecting by a code, or ('\0') by identification. */
void *collect_ask(struct book *book, const char *id, char code, const char *lines);
void *ready_ask(struct book *book, const char *method, const char *id, char code);

/* "PickupService/AcceptPickup" */
const char *fulfilment_operation(struct book *book, const char *method);
/* The call must be done; its whole response. */
const void *fulfilment_call(struct book *book, const char *method, const void *request);
const struct refusal *fulfilment_refusal(struct book *book, const char *method, const void *request,
	Stockbook__V1__Reason reason);
const Stockbook__V1__Pickup *pickup_do(struct book *book, const char *method, const char *id);
const Stockbook__V1__Pickup *get_pickup(struct book *book, const char *id);
Stockbook__V1__CollectOutcome collect(struct book *book, const char *id, char code,
	const char *lines);

/* ---- Shipments ---- */

/* An order by SHIP, and a shipment of what it has at the location. */
const Stockbook__V1__PlaceOrderResponse *place_shipping(struct book *book, const char *lines);
const Stockbook__V1__Shipment *create_shipment(struct book *book, const char *order_id,
	const char *location, const char *lines);
/* Its id, when it was brought that far: ALLOCATED to SHIPPED. */
const char *shipment_at(struct book *book, const char *lines, const char *location,
	Stockbook__V1__ShipmentStatus status);
const Stockbook__V1__Shipment *shipment_do(struct book *book, const char *method, const char *id);
const Stockbook__V1__Shipment *get_shipment(struct book *book, const char *id);

/* ---- Looking at them ---- */

/* "quantity awaiting to_pick picked done put_back dropped" */
void assert_units(const Stockbook__V1__FulfilmentLine *line, const char *counters);
/* "TRANSFER 2 YORK": remedy, quantity and location of the answer's entry. */
void assert_resourced(Stockbook__V1__Resourced *const *resourced, size_t count, size_t index,
	const char *text);
/* How many RECOUNT works wait for the SKU at the location. */
size_t recounts(struct book *book, const char *sku, const char *location);
/* The work on the document: its kind, or 0. */
int work_on(struct book *book, const char *id);
/* The last step in the document's history. */
const struct change_row *last_change(struct book *book, const char *id);

#endif
