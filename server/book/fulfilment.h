/*
 * Fulfilments: pickups and shipments, goods of one order at one location. What they share stands
 * here: their rows, their lines' counters, opening and ending them, and short units. The machines
 * are in pickup.c and shipment.c.
 *
 *   awaiting --arrives--> to_pick --pick--> picked --collect, ship--> done
 *                                 <-step back-    --cancel, expire--> put_back --on the shelf--> dropped
 *
 * A fulfilment is a child of its order: the order's lock is its lock, and order_open() brings all of
 * them with it. What a fulfilment's line counts, its order's line counts too: to_pick and awaiting
 * as allocated, picked as picked, done as fulfilled at the fulfilment's location. put_back and
 * dropped units are no longer the order's. Units that the order has allocated or picked at a
 * location and no living fulfilment counts are free: the order's own steps move only those.
 */
#ifndef STOCKBOOK_BOOK_FULFILMENT_H
#define STOCKBOOK_BOOK_FULFILMENT_H

#include "book/machine.h"
#include "book/order.h"
#include "book/sourcing.h"
#include "stockbook/v1/fulfilment.pb-c.h"
#include "stockbook/v1/pickup.pb-c.h"
#include "stockbook/v1/shipment.pb-c.h"
#include "stockbook/v1/transfer.pb-c.h"
#include "stockbook/v1/work.pb-c.h"

struct fulfilment_line {
	const struct fulfilment_line_row *row; /* NULL while it is not stored */
	int32_t line;                          /* of the order */
	const char *sku;
	int64_t quantity;
	int64_t awaiting;
	int64_t to_pick;
	int64_t picked;
	int64_t done;
	int64_t put_back;
	int64_t dropped;
	bool changed;
	struct { /* by fulfilments_mark() */
		int64_t awaiting;
		int64_t to_pick;
		int64_t picked;
	} cancelling;
};

struct fulfilment {
	const struct fulfilment_row *row;
	struct fulfilment_line *lines;
	size_t count;
};

/* ---- Reading and storing ---- */

/* The order's fulfilments with their lines, into order->fulfilments. Part of order_open(). Asks for
 * nothing where the order has none. */
enum verdict fulfilments_load(struct run *run, struct order *order);
/* The order and, of it, the fulfilment with this id and kind; *at points into order->fulfilments.
 * Refused with PICKUP_NOT_FOUND or SHIPMENT_NOT_FOUND; the actor must be allowed at its location
 * when acting is true. */
enum verdict fulfilment_open(struct run *run, Stockbook__V1__DocumentKind kind, const char *id,
	bool acting, struct order *order, struct fulfilment **at);
/* For reading, without locks: the row, refused as above, and its lines. */
enum verdict fulfilment_find(struct run *run, Stockbook__V1__DocumentKind kind, const char *id,
	const struct fulfilment_row **row);
enum verdict fulfilment_read(struct run *run, const struct fulfilment_row *row,
	struct fulfilment *fulfilment);
/* Stores the lines that were changed; checks that each adds up. */
void fulfilment_store(struct run *run, struct fulfilment *fulfilment);
/* Stores it with a new status, brings its work (work.h) in line with that, and notes the change,
 * which closes the movements posted since the last. The order's own lines and status are stored by
 * order_follow(). channel: NULL or "" for the order's. VERDICT_NEED or VERDICT_DONE. */
enum verdict fulfilment_advance(struct run *run, const struct order *order,
	struct fulfilment *fulfilment, int step, int status, const char *channel, const char *note);
struct fulfilment_line *fulfilment_line_of(struct fulfilment *fulfilment, int32_t line);
/* Sums over the lines. */
struct fulfilment_line fulfilment_total(const struct fulfilment *fulfilment);
/* Neither collected, shipped, cancelled nor putting back: its units are the order's. */
bool fulfilment_is_living(const struct fulfilment *fulfilment);
const struct machine *fulfilment_machine(const struct fulfilment_row *row);
/* The work that its status makes due, but for goods to be put back; UNSPECIFIED: none. */
Stockbook__V1__WorkKind fulfilment_work(const struct fulfilment_row *row);

/* What the order has allocated (picked) of a line at a location and no living fulfilment counts.
 * Awaiting units are never free. */
int64_t order_free_allocated(const struct order *order, const struct order_line *line,
	const char *location);
int64_t order_free_picked(const struct order *order, const struct order_line *line,
	const char *location);

/* With shelves, and the claim on its work. NULL: needed. */
Stockbook__V1__Pickup *pickup_message(struct run *run, const struct fulfilment *fulfilment);
Stockbook__V1__Shipment *shipment_message(struct run *run, const struct fulfilment *fulfilment);

/* ---- Opening ---- */

/* What a new fulfilment stands for: units of a line that the order has allocated and free at the
 * location (to_pick), or that a transfer will bring there (awaiting), or that are picked there. */
struct fulfilment_share {
	int32_t line;
	int64_t to_pick;
	int64_t awaiting;
	int64_t picked;
};

/* Inserts it, counts it on the order, makes its work and notes the change. The shares ascend by line.
 * Its deadlines come from the location's row (peeked: may be VERDICT_NEED). *made points into
 * order->fulfilments, whose earlier pointers stay valid. */
enum verdict fulfilment_insert(struct run *run, struct order *order,
	Stockbook__V1__DocumentKind kind, const char *location, const struct fulfilment_share *shares,
	size_t count, const struct uuid *replaces, struct fulfilment **made);

/* From now on, by the location's minutes. The row is being edited. */
void fulfilment_set_deadlines(const struct run *run, const struct location_row *location,
	struct fulfilment_row *row);

/* Opens what freshly allocated lines of the order ask for, by their methods: a pickup at each
 * location of PICKUP lines; for SHIP_TO_STORE lines a pickup at the pickup location and a transfer
 * from each source to it; for SHIP lines a shipment at each location when the order's channel plans
 * shipments. Takes all free allocated units and changes the lines in memory; the order is stored
 * already, and the caller stores it once more afterwards (order_follow()).
 * `opened` collects what was made, for the answer. */
struct opened {
	struct fulfilment **fulfilments;
	size_t fulfilment_count;
	size_t fulfilment_capacity;
	struct transfer *transfers; /* transfer.h */
	size_t transfer_count;
	size_t transfer_capacity;
};
enum verdict fulfilments_plan(struct run *run, struct order *order,
	const struct channel_row *channel, struct opened *opened);

/* The same for an order that is stored, and stores it again. */
enum verdict order_open_fulfilments(struct run *run, struct order *order,
	const struct channel_row *channel, struct opened *opened);
/* One parcel more today for each location that something is shipped from. */
enum verdict order_count_parcels(struct run *run, const struct sourcing *sourcing);

/* What was opened, as answers have it. VERDICT_NEED or VERDICT_DONE. */
struct opened_messages {
	Stockbook__V1__Pickup **pickups;
	size_t pickup_count;
	Stockbook__V1__Shipment **shipments;
	size_t shipment_count;
	Stockbook__V1__Transfer **transfers;
	size_t transfer_count;
};
enum verdict opened_answer(struct run *run, const struct opened *opened,
	struct opened_messages *messages);
/* Into a response, whose fields have these names. */
#define OPENED_ANSWER(response, messages)                                                          \
	do {                                                                                           \
		(response)->pickups = (messages)->pickups;                                                 \
		(response)->n_pickups = (messages)->pickup_count;                                          \
		(response)->shipments = (messages)->shipments;                                             \
		(response)->n_shipments = (messages)->shipment_count;                                      \
		(response)->transfers = (messages)->transfers;                                             \
		(response)->n_transfers = (messages)->transfer_count;                                      \
	} while (0)

/* ---- Units that do not come from here ---- */

struct resourcing_unit {
	int32_t line; /* of the order */
	int64_t quantity;
};

/* Where units of a fulfilment go that its location does not deliver. */
struct resourcing {
	Stockbook__V1__ShortRemedy remedy;
	const Stockbook__V1__SourcingOptions *options;
	/* Answered. */
	Stockbook__V1__Resourced **results;
	size_t count;
	size_t capacity;
	/* Its own. */
	struct resourcing_unit *units;
	size_t unit_count;
	size_t unit_capacity;
	bool sourced; /* there was somewhere to look */
	struct sourcing sourcing;
};

/* Units of an order's line that are about to leave the fulfilment `from`, and to be open on the line,
 * go elsewhere: without its location (unless they were lost on their way from there) to a new
 * fulfilment of the same kind, by a transfer to it (pickups), to the customer's loss, or they stay
 * open. All lines of a call together, in this order:
 *
 *   resourcing_add()       for each, in the order of the lines
 *   resourcing_decide()    before anything is posted: it may expire holds
 *                          ... the caller posts and moves its counters
 *   resourcing_await()     the fulfilment, if it lives on, waits for what a transfer will bring
 *                          ... the caller advances the fulfilment
 *   fulfilment_resource()  posts, changes the order's lines in memory, inserts documents
 *
 * What nobody has stays open. */
void resourcing_add(struct run *run, struct resourcing *resourcing, int32_t line, int64_t quantity);
enum verdict resourcing_decide(struct run *run, const struct order *order,
	const struct fulfilment *from, struct resourcing *resourcing);
void resourcing_await(struct fulfilment *from, const struct resourcing *resourcing);
enum verdict fulfilment_resource(struct run *run, struct order *order, struct fulfilment *from,
	struct resourcing *resourcing);

/* A location could not find or use units that were ALLOCATED there: they go to LOSS (NOT_FOUND) or
 * DAMAGED, and a recount is queued when they were not found. Only the posting and the recount; the
 * caller moves its counters. */
enum verdict post_short(struct run *run, const char *sku, const char *location, int64_t quantity,
	Stockbook__V1__ShortReason reason, int32_t document_line);

/* Marks up to `most` units of an order's line in its living fulfilments (location: "" for all) to be
 * cancelled: awaiting first, then to_pick, then picked. Answers how many there were; changes nothing
 * yet. For CancelOrderLines and AmendOrder. */
int64_t fulfilments_mark(struct order *order, const struct order_line *line, const char *location,
	int64_t most);
bool fulfilment_is_marked(const struct fulfilment *fulfilment);
/* Cancels what was marked: awaiting units' transfers are told, to_pick is free at once, picked is to
 * be put back. Posts, moves all counters, advances or ends each fulfilment concerned. */
enum verdict fulfilments_cancel_marked(struct run *run, struct order *order, const char *channel,
	const char *note);
/* What transfers were to bring need not come: those units that are marked, or all. Their changes are
 * their own: before anything is posted. */
enum verdict fulfilment_untie(struct run *run, struct order *order, struct fulfilment *fulfilment,
	bool all, const char *note);

/* ---- Pickups, for the book's other files ---- */

/* Units of a transfer arrived for a pickup (to_pick now) or will not come (open on the order). */
struct pickup_arrival {
	int32_t line; /* of the order */
	int64_t arrived;
	int64_t missing;
};
/* Moves the fulfilment's and the order's counters in memory and advances the pickup, once for all
 * lines; posts nothing. */
enum verdict pickup_arrive(struct run *run, struct order *order, struct fulfilment *pickup,
	const struct pickup_arrival *arrivals, size_t count);

#endif
