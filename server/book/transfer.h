/*
 * Transfers: goods on their way from one location to another.
 *
 *   open --approve--> allocated --dispatch--> in_transit --receive--> received | damaged
 *        <-step back-                                    --close, cancel--> lost | returned
 *   open, allocated --cancel--> cancelled
 *
 * The transfer owns ALLOCATED units at its source and IN_TRANSIT units at its destination. Tied to
 * an order, its units are `allocated` and `awaiting` on the order's line at the destination, and
 * `awaiting` on the pickup's line; on arrival they become ALLOCATED there.
 *
 * Locks: the transfer first, then its order (see TABLES in table.h).
 */
#ifndef STOCKBOOK_BOOK_TRANSFER_H
#define STOCKBOOK_BOOK_TRANSFER_H

#include "book/machine.h"
#include "book/order.h"
#include "stockbook/v1/transfer.pb-c.h"

extern const struct operation transfer_operations[];

/* As many as may be asked for, and, where what was sent for a customer goes to the shelf in part, one
 * more for each. */
#define TRANSFER_LINES_MAX (2 * LINES_MAX)

/* ---- The machine ---- */

enum transfer_step {
	TRANSFER_REQUEST,
	TRANSFER_APPROVE,
	TRANSFER_STEP_BACK,
	TRANSFER_DISPATCH,
	TRANSFER_RECEIVE,
	TRANSFER_CLOSE,
	TRANSFER_CANCEL,
	TRANSFER_UNTIE, /* the customer does not wait for it any more */
	TRANSFER_STEP_COUNT,
};

extern const struct machine transfer_machine;

/* ---- In memory ---- */

struct transfer_line {
	const struct transfer_line_row *row; /* NULL while it is not stored */
	int32_t line;
	const char *sku;
	int32_t order_line; /* 0: for the shelf */
	int64_t requested;
	int64_t open;
	int64_t allocated;
	int64_t in_transit;
	int64_t received;
	int64_t damaged;
	int64_t lost;
	int64_t returned;
	int64_t cancelled;
	int64_t over;
	bool changed;
};

struct transfer {
	const struct transfer_row *row;
	struct transfer_line *lines; /* by number, 1 first; there is room for one more of each */
	size_t count;
};

/* Sums over the lines. */
struct transfer_line transfer_total(const struct transfer *transfer);
/* For a customer: its units are counted by her order and pickup. */
bool transfer_is_tied(const struct transfer *transfer);

/* ---- For orders ---- */

/* A transfer for a customer's pickup, READY: its units are ALLOCATED at the source already (by the
 * order, which gives them to the transfer). Inserts it, makes its work, notes the change. lines:
 * sku, order_line, allocated are filled in by the caller. */
enum verdict transfer_insert_for_order(struct run *run, const struct order *order,
	const struct uuid *pickup_id, const char *source, const char *destination,
	struct transfer_line *lines, size_t count, struct transfer *made);

/* Up to `most` units of an order's line for a pickup need not come any more. */
struct transfer_untie {
	int32_t order_line;
	int64_t most;
	int64_t taken; /* how many were found */
};
/* What is not dispatched is freed at the source and cancelled; what is under way is untied
 * (order_line 0: it goes to the shelf on arrival). Each line once. Does not touch the order, which
 * the caller holds locked. Notes the transfers' changes: to be called before the caller posts
 * anything of its own, which these would close. */
enum verdict transfers_untie(struct run *run, const struct uuid *order_id,
	const struct uuid *pickup_id, struct transfer_untie *lines, size_t count, const char *note);

Stockbook__V1__Transfer *transfer_message(struct run *run, const struct transfer *transfer);

/* ---- For the transfer's own files ---- */

enum transfer_actor {
	TRANSFER_AT_SOURCE,
	TRANSFER_AT_DESTINATION,
	TRANSFER_AT_EITHER,
};
/* Whether the actor may act for that end. VERDICT_DONE, NEED or refused. */
enum verdict transfer_check_actor(struct run *run, const char *source, const char *destination,
	enum transfer_actor actor);
/* The transfer with this id and its lines, locked. TRANSFER_NOT_FOUND. */
enum verdict transfer_open(struct run *run, const char *id, struct transfer *transfer);
/* The same by key; it is there. */
enum verdict transfer_load(struct run *run, int32_t part, const struct uuid *id,
	struct transfer *transfer);
void transfer_line_load(const struct transfer_line_row *row, struct transfer_line *line);
/* The lines of a row that is only read; false: needed. */
bool transfer_read_lines(struct run *run, struct transfer *transfer);
enum verdict transfer_refuse_not_found(struct run *run, const struct uuid *id);
/* machine_check() of its step. */
enum verdict transfer_check_step(struct run *run, const struct transfer *transfer,
	enum transfer_step step);
/* A line of a request names one of the transfer's: refused by its field otherwise. */
enum verdict transfer_line_asked(struct run *run, const struct transfer *transfer, size_t index,
	int32_t number, struct transfer_line **line);
/* LINE_QUANTITY_EXCEEDED: there is nothing to do the step with. */
enum verdict transfer_refuse_nothing(struct run *run, const struct transfer *transfer,
	enum transfer_step step);
/* post() between two places of the transfer, with the line's number. */
enum verdict transfer_post(struct run *run, const struct transfer_line *line, const char *from,
	Stockbook__V1__StockState from_state, const char *to, Stockbook__V1__StockState to_state,
	int64_t quantity, Stockbook__V1__MovementReason reason);
/* Frees up to `most` of what is allocated at the source: cancelled, or open again. *freed says how
 * many. */
enum verdict transfer_free(struct run *run, const struct transfer *transfer,
	struct transfer_line *line, int64_t most, enum transfer_step step, int64_t *freed);
/* All that is allocated; `missing` (by the line's index, may be NULL) is told of what a customer does
 * not get. */
enum verdict transfer_free_all(struct run *run, const struct transfer *transfer,
	enum transfer_step step, int64_t *missing);
/* What was never committed will not be sent. */
void transfer_cancel_open(const struct transfer *transfer);
/* Inserts the row and its lines, which are numbered here; its status is that of the lines. Notes the
 * change and makes its work. */
enum verdict transfer_insert(struct run *run, struct transfer_row *row, struct transfer *transfer);
/* Stores the lines that were changed, with the status that they have now, brings the work in line
 * with it and notes the change. */
enum verdict transfer_advance(struct run *run, struct transfer *transfer, enum transfer_step step,
	const char *note);

/* What a step means for the customer whom the goods are for. */
struct transfer_tie {
	struct order order;
	struct fulfilment *pickup; /* NULL: the transfer is for the shelf */
	int64_t *arrived;          /* by the line's index */
	int64_t *missing;
};
/* Her order and pickup, locked. */
enum verdict transfer_tie_open(struct run *run, const struct transfer *transfer,
	struct transfer_tie *tie);
/* Moves their counters by what arrived and what is missing, and notes their changes: after the
 * transfer's own. */
enum verdict transfer_tie_follow(struct run *run, const struct transfer *transfer,
	struct transfer_tie *tie, const char *note);

/* A line of a step asked for more than the transfer's line has: the first makes the refusal, and all
 * are named in it. */
void transfer_name_short(struct run *run, size_t index, const struct transfer_line *line,
	enum transfer_step step, int64_t asked, int64_t has, size_t *short_count);

operation_function transfer_request;
operation_function transfer_approve;
operation_function transfer_step_back;
operation_function transfer_dispatch;
operation_function transfer_receive;
operation_function transfer_close;
operation_function transfer_cancel;
operation_function transfer_get;
operation_function transfer_list;

#endif
