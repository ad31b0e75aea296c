/*
 * Legs: how units go through a fulfilment. Each is stated once: which counter of the fulfilment's line
 * gives to which, which counter of the order's line does, and which movement of stock that is.
 */
#ifndef STOCKBOOK_BOOK_FULFILMENT_LEG_H
#define STOCKBOOK_BOOK_FULFILMENT_LEG_H

#include "book/fulfilment.h"

enum fulfilment_leg {
	LEG_ARRIVE,        /* awaiting to to_pick; posted by the transfer */
	LEG_MISS,          /* awaiting to dropped: it does not come */
	LEG_PICK,          /* to_pick to picked */
	LEG_UNPICK,        /* picked to to_pick: back on the shelf, still allocated */
	LEG_COLLECT,       /* picked to done, handed over */
	LEG_SHIP,          /* picked to done, gone with the carrier */
	LEG_SHIP_UNPICKED, /* to_pick to done */
	LEG_FREE,          /* to_pick to dropped: free on the shelf */
	LEG_NOT_FOUND,     /* to_pick to dropped: it is not where it should be */
	LEG_DAMAGED,       /* to_pick to dropped: it is broken */
	LEG_GIVE_UP,       /* picked to put_back: no longer the order's */
	LEG_PUT_BACK,      /* put_back to dropped: free on the shelf */
	LEG_LOSE,          /* done to dropped: the parcel never arrived */
};

/* How much of the line the leg can take. */
int64_t leg_units(const struct fulfilment_line *line, enum fulfilment_leg leg);
/* Takes the quantity, of which there is enough (CHECK), through the leg: moves the counters of both
 * lines in memory and posts. What the order loses is open on its line. VERDICT_NEED, DONE, or
 * refused where a balance would leave its bounds. */
enum verdict leg_take(struct run *run, struct order *order, struct fulfilment *fulfilment,
	struct fulfilment_line *line, enum fulfilment_leg leg, int64_t quantity);
/* All that the leg can take, of all lines. */
enum verdict leg_take_all(struct run *run, struct order *order, struct fulfilment *fulfilment,
	enum fulfilment_leg leg);

#endif
