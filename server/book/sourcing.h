/*
 * Sourcing: which locations serve which lines. All lines of a call are decided together: those that
 * name a location take from it first, the others from the channel's locations in the order of the
 * strategy, each leaving its remainder to the next, so that what a line is given always sums to what
 * it wanted or to all there is. Nothing is promised twice within a call. Lines that are picked up go
 * to the first location that has all of them; else each by itself, not split, to the first that has
 * all of it, or to the one that has most.
 *
 * Where stock comes out short, holds whose time is over are expired first (see reservation.h). Rows
 * are looked at before they are locked; only what is taken from is locked, and what is short while
 * others hold some, and is decided again with what the lock shows.
 */
#ifndef STOCKBOOK_BOOK_SOURCING_H
#define STOCKBOOK_BOOK_SOURCING_H

#include "book/source.h"

struct grant {
	const char *location;
	int64_t quantity;
};

/* A line that wants stock, and what it was given. */
struct demand {
	const char *sku;      /* resolved */
	const char *location; /* "" to be sourced */
	int64_t quantity;
	int32_t line; /* the caller's index, for refusals */
	/* How it comes to the customer; UNSPECIFIED: not decided, wherever it may be sold (a hold). */
	Stockbook__V1__FulfilmentMethod method;
	/* SHIP_TO_STORE: where it is fetched, and what lies there needs no way. "" otherwise; the caller
	 * may set it. */
	const char *pickup_location;
	/* Decided. */
	int64_t granted;
	struct grant *grants;
	size_t grant_count;
	size_t grant_capacity;
};

/* One SKU at one location, as far as this call is concerned. */
struct sourcing_cell {
	const char *sku;
	const char *location;
	size_t sku_number;
	bool named;     /* by a line: locked from the start */
	int64_t credit; /* already held by the caller's own hold: always his */
	int64_t debit;  /* taken by facts of this call before any promise */
	/* Decided. */
	bool loaded;
	struct availability_terms terms;
	int64_t left;
	int64_t taken;
	bool is_short; /* a line that names it got too little */
	bool wanted;   /* a line came out short, and others hold some here */
};

struct sourcing_sku;

struct sourcing {
	const struct channel_row *channel;             /* may be NULL */
	const Stockbook__V1__SourcingOptions *options; /* may be NULL */
	struct demand *demands;
	size_t count;
	/* Only to be told: nothing is locked, and what expired holds have is counted, not freed. */
	bool reading;
	/* Decided. */
	size_t short_count; /* demands that got less than they wanted */
	struct sourcing_cell *cells;
	size_t cell_count;
	/* Its own. */
	size_t cell_capacity;
	size_t *slots; /* cell + 1; open addressing */
	size_t slot_count;
	struct sources sources[SOURCE_METHODS]; /* by method */
	const char **excluded;                  /* by sourcing_exclude() */
	size_t excluded_count;
	size_t excluded_capacity;
	const char *checked; /* the location that a line named last, and how it was to serve it */
	Stockbook__V1__FulfilmentMethod checked_method;
	struct text_index sku_index;
	struct sourcing_sku *skus; /* by the SKU's number */
	size_t most;
	size_t sourced_count; /* demands without a location */
};

/* For at most `most` demands and cells of the caller's. */
void sourcing_init(struct sourcing *sourcing, struct run *run, const struct channel_row *channel,
	const Stockbook__V1__SourcingOptions *options, size_t most);
/* No demand without a location is served from there, beside what the options exclude: a location
 * that just came out short. */
void sourcing_exclude(struct sourcing *sourcing, struct run *run, const char *location);
struct demand *sourcing_add(struct sourcing *sourcing, Stockbook__V1__FulfilmentMethod method,
	const char *sku, const char *location, int64_t quantity, int32_t line);
/* The cell, made when there is none. Valid until the next is made. */
struct sourcing_cell *sourcing_cell(struct sourcing *sourcing, struct run *run, const char *sku,
	const char *location);

/* VERDICT_DONE also when demands came out short. Then everything that was granted is locked, unless
 * the call is to be refused for it (short, and not allow_partial). To be called before the caller
 * posts anything: it may expire holds, which are changes of their own. */
enum verdict sourcing_decide(struct sourcing *sourcing, struct run *run, bool allow_partial);
/* OUT_OF_STOCK with the lines that are short (the first SOURCING_SHORT_NAMED_MAX of them). */
enum verdict sourcing_refuse(const struct sourcing *sourcing, struct run *run);

/* Each candidate of each line and why it serves it or does not, in the order in which they are looked
 * at. After sourcing_decide() and before anything is posted: what was not looked at yet is peeked.
 * VERDICT_NEED or VERDICT_DONE. */
enum verdict sourcing_explain(struct sourcing *sourcing, struct run *run,
	Stockbook__V1__SourcingExplanation **explanation);
/* The same, added to an explanation that is there. */
enum verdict sourcing_explain_more(struct sourcing *sourcing, struct run *run,
	Stockbook__V1__SourcingExplanation *explanation);

/* For the search of expired holds: a line came out short of this, and others hold some. */
bool sourcing_wants(const struct sourcing *sourcing, const char *sku, const char *location);

/* What can be handed to a customer who stands there, promised to others or not; what is damaged,
 * waits for inspection or is kept back cannot. Never below 0; 0 for NULL. */
int64_t stock_sellable(const struct stock_row *stock);

/* A location that a call names for a promise: it may serve the method (for PICKUP hand over pickups,
 * for SHIP and SHIP_TO_STORE ship, for CARRY_OUT sell at its till, otherwise be enabled), neither
 * channel nor options exclude it, and the actor may promise there. A store's token promises at its
 * own locations, and through a channel wherever that sources from (endless aisle); what is carried
 * out is a fact and its own alone. `field` as for check_location(). */
enum verdict sourcing_check_location(struct run *run, const struct channel_row *channel,
	const Stockbook__V1__SourcingOptions *options, const char *code,
	Stockbook__V1__FulfilmentMethod method, const char *field);
/* That the actor may promise at the location, and nothing else of it. */
enum verdict sourcing_check_reach(struct run *run, const struct channel_row *channel,
	const char *code, const char *field);
/* A line of a request: 1 to QUANTITY_MAX of a SKU or alias at a location as above, or ("") wherever
 * it is sourced. *sku is what it resolves to. Fields are named "lines[i]...". */
enum verdict sourcing_check_line(struct run *run, struct sourcing *sourcing, size_t index,
	const char *text, const char *location, int64_t quantity,
	Stockbook__V1__FulfilmentMethod method, const char **sku);

/* The metadata of an error must fit into an HTTP/2 header list of 8 kB. */
#define SOURCING_SHORT_NAMED_MAX 25

#endif
