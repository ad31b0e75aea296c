/*
 * One run of one operation: what it may know (the time, who asks, the limits), the workset it works
 * on, and what it answers. An operation is a pure function that can be run again:
 *
 *   VERDICT_NEED     rows are missing; they are noted in the workset. Its changes will be undone.
 *                    It should have asked for as much as it could before giving up.
 *   VERDICT_REFUSED  run->refusal says why. Its changes will be undone.
 *   VERDICT_DONE     the response is filled in; the workset holds the changes and the events.
 *
 * Reads are operations that change nothing.
 */
#ifndef STOCKBOOK_BOOK_RUN_H
#define STOCKBOOK_BOOK_RUN_H

#include <protobuf-c/protobuf-c.h>

#include "book/atlas.h"
#include "book/refusal.h"
#include "book/workset.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "google/protobuf/wrappers.pb-c.h"

/* Of a quantity on the wire and of a balance. */
#define QUANTITY_MAX INT64_C(1000000000000)
#define LINES_MAX 10000

enum verdict { VERDICT_NEED, VERDICT_REFUSED, VERDICT_DONE };

/* Who asks. locations is what a store's token is bound to; unbound actors have bound = false. */
struct actor {
	const char *name;
	int role; /* Stockbook__V1__Role */
	bool bound;
	struct text_list locations;
};

/* What the configuration allows. */
struct book_limits {
	int32_t parts;
	int64_t hold_default_us;
	int64_t hold_max_us;
	int64_t blind_return_units_max; /* of a store's token */
};

struct run {
	struct workset *set;
	struct arena *arena; /* for responses and refusals */
	const struct book_limits *limits;
	const struct actor *actor;
	int64_t now_us;         /* microseconds since 1970; does not go back within a batch */
	uint64_t random;        /* the operation's own; ids are derived from it */
	struct uuid request_id; /* nil for reads and for the service's own operations */
	atlas_source *atlas;    /* NULL: nothing is remembered */
	void *atlas_data;
	/* Set by the operation. */
	uint32_t ids_made;
	/* The person who acts, where the request names one ("" or NULL: none): stands with the token's
	 * name in the history, "till-7/anna". */
	const char *worker;
	struct recounts *recounts; /* that wait, as far as it asked for any; work.c's own */
	struct refusal refusal;
};

/* request and response are the protobuf-c structs of the RPC; the response comes initialised. */
typedef enum verdict operation_function(struct run *run, const void *request, void *response);
/* The part to which an operation mostly belongs: decides which lane runs it. Any answer is right. */
typedef int32_t operation_route(const void *request, const struct book_limits *limits);

struct operation {
	const char *name; /* "ReservationService/Reserve" */
	const ProtobufCMessageDescriptor *request;
	const ProtobufCMessageDescriptor *response;
	operation_function *run;
	operation_route *route; /* NULL for reads */
	bool writes;
};

/* ---- Refusing ---- */

/* Returns VERDICT_REFUSED, with the message formatted into the run's refusal. */
enum verdict refuse(struct run *run, Stockbook__V1__Reason reason, const char *format, ...)
	PRINTF_LIKE(3, 4);
/* The same for one wrong field: INVALID_FIELD with a field violation. */
enum verdict refuse_field(struct run *run, const char *field, const char *format, ...)
	PRINTF_LIKE(3, 4);
/* Adds metadata to the refusal that stands. */
#define refuse_with(run, key, ...) refusal_add_pair(&(run)->refusal, (run)->arena, key, __VA_ARGS__)

/* ---- Rows, by noun. As workset_find(); the keys are made here, with the part. ---- */

enum lookup find_item(struct run *run, const char *sku, enum access access,
	const struct item_row **row);
enum lookup find_item_alias(struct run *run, const char *alias, enum access access,
	const struct item_alias_row **row);
enum lookup find_location(struct run *run, const char *code, enum access access,
	const struct location_row **row);
enum lookup find_location_group(struct run *run, const char *code, enum access access,
	const struct location_group_row **row);
enum lookup find_channel(struct run *run, const char *code, enum access access,
	const struct channel_row **row);
enum lookup find_stock(struct run *run, const char *sku, const char *location, enum access access,
	const struct stock_row **row);

/* The SKU that a SKU or alias means, in *sku. `location`, when not NULL, is where stock of it is
 * about to be looked at with `access`: where that row exists nothing else needs to be read.
 * ITEM_NOT_FOUND is refused with `field` as the wrong field's path in the metadata. */
enum verdict resolve_sku(struct run *run, const char *text, const char *location,
	enum access access, const char *field, const char **sku);

/* What a location is asked to do. */
enum location_task {
	LOCATION_ANY,    /* it must exist */
	LOCATION_SELL,   /* promise or sell: enabled */
	LOCATION_SHIP,   /* enabled and ships */
	LOCATION_TILL,   /* sells at the till; a fact is posted at a disabled location too */
	LOCATION_RETURN, /* takes returns */
	LOCATION_PICKUP, /* enabled and hands over pickups */
};

/* VERDICT_DONE when the location exists, may do this, and the actor may act there (only checked
 * when acting is true). Otherwise refused or needed. */
enum verdict check_location(struct run *run, const char *code, enum location_task task, bool acting,
	const char *field);

/* ---- Changing the book ---- */

/* A new document id that lies in the part. */
struct uuid run_new_id(struct run *run, int32_t part);
/* Text of an id; "" for nil. */
char *id_text(struct arena *arena, const struct uuid *id);
/* The same in the run's arena. */
char *run_id_text(struct run *run, const struct uuid *id);

struct posting {
	const char *sku;
	const char *from_location; /* "" where from_state is outside */
	Stockbook__V1__StockState from_state;
	const char *to_location;
	Stockbook__V1__StockState to_state;
	int64_t quantity; /* > 0 */
	Stockbook__V1__MovementReason reason;
	int32_t document_line;
	const char *channel; /* whose promise it makes or gives back, for quotas; NULL: nobody's */
	int32_t part;        /* of the movement, where both states are outside */
};

/* Moves stock: both balances and the movement. Needs both stock rows with ACCESS_LOCK, which it
 * asks for; makes a row that does not exist yet (the SKU and the location are known to exist).
 * Refuses when a balance would leave its bounds; from a state other than AVAILABLE the caller has
 * checked that there is enough (CHECK). AVAILABLE may go below 0: a promise has checked before, a
 * fact need not. Where the row has quotas, a promise (AVAILABLE to RESERVED, ALLOCATED, PICKED or
 * CUSTOMER) counts on the channel's own, and its inverse takes it off again. A parcel that is lost
 * goes from outside to outside. What goes from one location to another is two movements, out of the
 * one and into the other, BETWEEN them. */
enum verdict post(struct run *run, const struct posting *posting);

struct step {
	Stockbook__V1__DocumentKind kind;
	int32_t part;            /* the document's own; 0 for what has none */
	struct uuid document_id; /* nil where a code names it */
	const char *document_code;
	const char *step; /* "reserve" */
	const char *status_before;
	const char *status_after;
	const char *location; /* where it happened, when the movements do not tell */
	const char *channel;
	const char *note;
};
/* NULL texts count as "". Closes all movements posted since the last change. */
void note_change(struct run *run, const struct step *step);

/* on hand: the sum of all states at the location but IN_TRANSIT. */
int64_t stock_on_hand(const struct stock_row *stock);
/* The balance of a state, by its name in the row. */
int64_t stock_balance(const struct stock_row *stock, Stockbook__V1__StockState state);
bool state_is_outside(Stockbook__V1__StockState state);

/* ---- Small conversions for responses ---- */

/* NULL for 0. */
Google__Protobuf__Timestamp *make_timestamp(struct arena *arena, int64_t time_us);
/* NULL for COUNT_NONE. */
Google__Protobuf__Int64Value *make_count(struct arena *arena, int64_t count);

#endif
