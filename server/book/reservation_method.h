/*
 * How each line of a hold that is confirmed reaches the customer.
 */
#ifndef STOCKBOOK_BOOK_RESERVATION_METHOD_H
#define STOCKBOOK_BOOK_RESERVATION_METHOD_H

#include "book/reservation.h"

struct reservation_method {
	Stockbook__V1__FulfilmentMethod method;
	const char *pickup_location; /* "" but for PICKUP and SHIP_TO_STORE */
	bool leaves;                 /* it goes to the customer at once */
	bool named;                  /* by a line of the request */
};

struct reservation_methods {
	struct reservation_method *of; /* index by index with the hold's lines */
	bool uniform;                  /* all as the request says in one word */
};

/* Refused where a line names what is not held or names it twice, and where a location cannot do what
 * is asked of it. */
enum verdict reservation_methods_decide(struct run *run,
	const Stockbook__V1__ConfirmReservationRequest *request, const struct reservation_row *row,
	struct reservation_methods *methods);

#endif
