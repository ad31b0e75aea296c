/*
 * Reservations: soft holds with an expiry.
 *
 *   (new) --reserve--> HELD --confirm--> CONFIRMED
 *                      HELD --release--> RELEASED
 *                      HELD --expire---> EXPIRED --confirm again--> CONFIRMED
 *
 * A hold is over at hold_until, whether it has been swept or not: each decision judges by time.
 * Sweeping (the operation below, or whoever is short of stock) only moves the stock back.
 */
#ifndef STOCKBOOK_BOOK_RESERVATION_H
#define STOCKBOOK_BOOK_RESERVATION_H

#include "book/machine.h"
#include "stockbook/v1/reservation.pb-c.h"

extern const struct operation reservation_operations[];

/* ---- The sweeper ---- */

#define RESERVATION_EXPIRE_MAX 100

/* "Sweeper/ExpireReservations": expires up to RESERVATION_EXPIRE_MAX holds of one part. Writes.
 * Request and response are google.protobuf.Int64Value: the part, and how many were expired. When
 * that is RESERVATION_EXPIRE_MAX there may be more: run it again at once. Fewer at a time, but at
 * least one, where they have more than LINES_MAX lines together. */
extern const struct operation reservation_expire_operation;

/* ---- The machine ---- */

enum reservation_step {
	RESERVATION_RESERVE,
	RESERVATION_REPLACE,
	RESERVATION_EXTEND,
	RESERVATION_RELEASE,
	RESERVATION_CONFIRM,
	RESERVATION_CONFIRM_AGAIN, /* hold once more what had expired, and confirm */
	RESERVATION_EXPIRE,
	RESERVATION_STEP_COUNT,
};

extern const struct machine reservation_machine;

/* The status as time has it: a HELD one whose time is over is EXPIRED. */
Stockbook__V1__ReservationStatus reservation_status_now(const struct run *run,
	const struct reservation_row *row);

/* ---- For the book's other files ---- */

/* The reservation with this id, locked, of which the actor may move the stock: where he stands, or
 * where the channel sources from that goes on with it (NULL or "": the reservation's own). */
enum verdict reservation_open(struct run *run, const char *id, const char *channel,
	const struct reservation_row **row);
/* VERDICT_DONE when the step is legal from the status; refused with WRONG_STATUS or EXPIRED. */
enum verdict reservation_check_step(struct run *run, const struct reservation_row *row,
	Stockbook__V1__ReservationStatus status, enum reservation_step step);
/* Moves all that is held from RESERVED to AVAILABLE. */
enum verdict reservation_free_stock(struct run *run, const struct reservation_row *row,
	Stockbook__V1__MovementReason reason);
/* machine_note() of the row as it is now. */
void reservation_note(struct run *run, const struct reservation_row *row,
	enum reservation_step step, int before, const char *note);
/* Sets the status that the table gives and updated_at, and notes the change. The row may be edited
 * further. */
struct reservation_row *reservation_advance(struct run *run, const struct reservation_row *row,
	enum reservation_step step, const char *note);
/* Gives the stock of a hold back whose time is over, and notes it as its own change: to be called
 * before anything of the caller's own is posted. The row is locked. */
enum verdict reservation_expire(struct run *run, const struct reservation_row *row);

/* hold_until for a hold_for; the server's default when it is absent. Refused out of bounds. */
enum verdict reservation_hold_until(struct run *run, const Google__Protobuf__Duration *hold_for,
	int64_t *hold_until);
Stockbook__V1__Reservation *reservation_message(struct run *run, const struct reservation_row *row);

operation_function reservation_reserve;
operation_function reservation_replace;
operation_function reservation_confirm;
operation_function reservation_get;
operation_function reservation_list;

#endif
