/*
 * The replay of a retailer's trade: a file of invoice lines becomes calls, and the book is held
 * against the file.
 *
 *   parse.c   file -> items, invoices, lines
 *   chain.c   where everything is: one location, or a chain of stores and warehouses by a seed
 *   plan.c    lines -> operations, and what must come out for each SKU
 *   request.c an operation's request
 *   place.c   what must be there before trade begins
 *   run.c     many in flight, in an order that makes sense
 *   errand.c  pickups and transfers, step by step
 *   restock.c between two weeks: recounts, and transfers to the stores that ran low
 *   resume.c  what an earlier run of the same command left behind
 *   check.c   the book against the plan
 *   report.c  the tables
 *
 * What it does with the lines (the help says the same):
 *
 *   code that is no goods, A invoice      moves no stock: counted and named
 *   C invoice                             return; first against the customer's earlier orders, the
 *                                         latest first, the rest blind; restocked
 *   less than 0, no C invoice             written off
 *   more than 0, the whole invoice
 *   without price and customer            found: the retailer corrected his stock
 *   everything else                       a line of the invoice's order, shipped at once
 *
 * Each SKU is received once, at the beginning, as much as is sold and written off in the whole
 * selection: so no sale can be short, in whichever order the calls are carried out. In a chain it is
 * received where the seed puts it, and what will be written off is received on hold, at its place.
 */
#ifndef STOCKBOOK_CLI_REPLAY_REPLAY_H
#define STOCKBOOK_CLI_REPLAY_REPLAY_H

#include "cli/cli.h"
#include "cli/uuid_set.h"

#define NONE UINT32_MAX

struct replay_options {
	const char *path;
	const char *from, *to; /* dates, both included, or NULL */
	const char *location, *channel;
	const char *run;
	int in_flight;
	int stores; /* of a chain; 0: all at one location */
	int warehouses;
	int64_t seed;
	bool unary; /* each call alone, not in a session */
	bool check_only;
};

enum line_kind {
	LINE_NO_STOCK,
	LINE_SALE,
	LINE_RETURN,
	LINE_WRITE_OFF,
	LINE_FOUND,
	LINE_KINDS,
};

/* What happened, or should have, to one SKU. */
struct sums {
	int64_t received, sold, returned, written_off, found;
};

struct replay_item {
	const char *code;
	const char *name;
	bool goods;
	int64_t lines, units; /* of lines that move no stock */
	struct sums file, book;
	int64_t on_hand; /* in the book */
	int64_t others;  /* net of movements that are not this replay's */
	bool wrong;
	/* Of a chain, in the book. */
	int64_t missing;  /* not found by pickers, nor by recounts */
	int64_t promised; /* reserved, allocated or picked */
	int64_t in_transit;
	/* While an order is made: what its store has, and whether the book was asked for it. */
	int64_t there;
	uint32_t asked_for;
};

/* Where goods are: one location, or the stores of a chain and then its warehouses. */
struct replay_place {
	const char *code;
	bool warehouse;
	double latitude, longitude;
};

struct replay_line {
	int64_t number; /* of the file's line */
	uint32_t item, invoice;
	enum line_kind kind;
	int64_t quantity;    /* never negative; the kind says which way */
	int64_t price_minor; /* of one */
	const char *description;
	/* Of a sale. */
	int32_t order_line; /* in its order, 1 for the first */
	int64_t left;       /* what has not come back yet */
	uint32_t earlier;   /* the customer's sale of this item before this, or NONE */
};

struct replay_invoice {
	const char *number, *customer, *date;
	uint32_t first, count; /* its lines: contiguous */
	uint32_t order;        /* its operation, or NONE */
};

enum operation_kind {
	OPERATION_RECEIPT,
	OPERATION_ORDER,
	OPERATION_RETURN,
	OPERATION_BLIND_RETURN,
	OPERATION_WRITE_OFF,
	OPERATION_FOUND,
	OPERATION_KINDS,
};

enum operation_state {
	OPERATION_PLANNED,
	OPERATION_WAITING, /* for its order */
	OPERATION_SENT,
	OPERATION_DONE,
	OPERATION_REFUSED,
};

/* Some of a line's quantity. */
struct piece {
	uint32_t line; /* of a receipt: the item */
	int64_t quantity;
	int32_t order_line; /* of a return against an order */
	bool kept;          /* of a receipt: on hold, to be written off */
};

struct operation {
	enum operation_kind kind;
	enum operation_state state;
	uint32_t invoice;      /* NONE for receipts */
	uint32_t order;        /* the operation whose order a return is against, or NONE */
	uint32_t first, count; /* its pieces */
	uint32_t place;        /* of an order that is picked up: the store; NONE: it is sent */
	uint32_t waiting;      /* of an order: returns that wait for it, by next */
	uint32_t next;
	bool again;           /* an order that came out short: once more, wherever its goods are */
	bool late;            /* and still did: once more, after the week */
	const char *order_id; /* once it is done */
};

struct refusal {
	const char *kind;
	const char *reason;
	const char *example;
	int64_t count, lines;
};

/* What a chain did beside the file's lines. */
struct chain_story {
	int64_t shipped, shipped_split, lines_split;
	int64_t picked_up, lines_there, lines_brought;
	int64_t pickups_collected, units_collected;
	int64_t order_transfers;
	int64_t weeks, transfers, transfer_lines, transfer_units, closed_short;
	int64_t short_picks, resourced, left_open, recounts;
};

struct replay {
	struct cli *cli;
	const struct replay_options *options;
	const char *name_space; /* of the request ids */

	struct replay_item *items;
	size_t items_count, items_capacity;
	struct replay_invoice *invoices;
	size_t invoices_count, invoices_capacity;
	struct replay_line *lines;
	size_t lines_count, lines_capacity;
	int64_t lines_selected_out; /* by --from and --to */
	int64_t lines_wrong;        /* that could not be read */

	struct piece *pieces;
	size_t pieces_count, pieces_capacity;
	struct operation *operations;
	size_t operations_count, operations_capacity;
	size_t receipts_count; /* the first of the operations */

	struct replay_place *places;
	size_t places_count;
	struct replay_item **sorted; /* the items by code */
	struct chain_story story;

	int64_t kind_lines[LINE_KINDS], kind_units[LINE_KINDS];
	/* Of return lines. */
	int64_t returns_no_purchase, returns_too_many, returns_no_customer;
	int64_t returned_units, returned_blind_units;

	struct refusal *refusals;
	size_t refusals_count, refusals_capacity;
	int64_t done[OPERATION_KINDS], done_lines[OPERATION_KINDS], done_units[OPERATION_KINDS];
	double seconds;
	bool stop;
	enum exit_code stop_code;

	struct uuid_set ids; /* of all operations' requests */
};

/* Strings to small numbers. */
struct intern {
	uint32_t *places; /* index + 1 */
	size_t capacity, count;
};

/* parse.c: false after a message. */
MUST_USE bool replay_parse(struct replay *replay);
/* chain.c */
void replay_places(struct replay *replay);
bool replay_is_chain(const struct replay *replay);
/* A number from the seed, the same for the same texts. */
uint64_t replay_dice(const struct replay *replay, const char *what, const char *text);
/* What a store keeps of an item when it is full; 0: it does not have it. */
int64_t replay_store_units(const struct replay *replay, const struct replay_item *item,
	const struct replay_place *store);
/* Where a customer lives, and the store that she goes to. */
void replay_customer(const struct replay *replay, const struct replay_invoice *invoice,
	double *latitude, double *longitude);
uint32_t replay_store_of(const struct replay *replay, const struct replay_invoice *invoice);
bool replay_is_picked_up(const struct replay *replay, const struct replay_invoice *invoice);
/* The place of returns, write-offs and finds. */
uint32_t replay_place_of(const struct replay *replay, const struct replay_invoice *invoice);
/* Units of each item that are received at each place: to be sold, and to be written off. Both by
 * place, then item; the caller frees them. */
void replay_spread(const struct replay *replay, int64_t **sold, int64_t **kept);
struct replay_item *replay_item_of(struct replay *replay, const char *code);
/* The place with this code, or NONE. */
uint32_t replay_place_at(const struct replay *replay, const char *code);
/* plan.c */
void replay_plan(struct replay *replay);
/* request.c */
ProtobufCMessage *replay_request(struct replay *replay, struct arena *arena,
	const struct operation *operation);
const struct stockbook_method *replay_method(const struct operation *operation);
void replay_request_id(const struct replay *replay, const struct operation *operation,
	char id[STOCKBOOK_REQUEST_ID_SIZE]);
const char *operation_name(enum operation_kind kind);
int64_t operation_units(const struct replay *replay, const struct operation *operation);
/* run.c: false when it was stopped (replay->stop_code) or interrupted. */
MUST_USE bool replay_run(struct replay *replay);
/* check.c: how many SKUs differ; -1 when it could not be carried through. */
int64_t replay_check(struct replay *replay);
/* report.c */
void replay_report(struct replay *replay, bool checked, int64_t wrong);
int64_t sums_on_hand(const struct sums *sums);

#endif
