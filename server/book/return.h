/*
 * Returns: goods of any order at any location that takes returns, also one that never stocked the
 * SKU; or blind, without an order, under a role and a limit.
 *
 *   (new) --receive--> RECEIVED --inspect--> RECEIVED | CLOSED
 *   (new) --receive--> CLOSED    when every unit has a disposition at once
 */
#ifndef STOCKBOOK_BOOK_RETURN_H
#define STOCKBOOK_BOOK_RETURN_H

#include "book/machine.h"
#include "stockbook/v1/return.pb-c.h"

extern const struct operation return_operations[];

enum return_step {
	RETURN_RECEIVE,
	RETURN_INSPECT,
	RETURN_STEP_COUNT,
};

extern const struct machine return_machine;

/* ---- For the book's other files ---- */

Stockbook__V1__ReturnStatus return_status_of(const struct return_line_row *const *lines,
	size_t count);
/* machine_note() of the row as it is now. */
void return_note(struct run *run, const struct goods_return_row *row, enum return_step step,
	int before, const char *note);
Stockbook__V1__Return *return_message(struct run *run, const struct goods_return_row *row,
	const struct return_line_row *const *lines, size_t count);

operation_function return_create;
operation_function return_inspect;
operation_function return_get;
operation_function return_list;

#endif
