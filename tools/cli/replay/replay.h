/*
 * The replay of a retailer's trade: a file of invoice lines becomes calls, and the book is held
 * against the file.
 *
 *   parse.c   file -> items, invoices, lines
 *   plan.c    lines -> operations, and what must come out for each SKU
 *   request.c an operation's request
 *   run.c     many in flight, in an order that makes sense
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
 * selection: so no sale can be short, in whichever order the calls are carried out.
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
};

struct operation {
	enum operation_kind kind;
	enum operation_state state;
	uint32_t invoice;      /* NONE for receipts */
	uint32_t order;        /* the operation whose order a return is against, or NONE */
	uint32_t first, count; /* its pieces */
	uint32_t waiting;      /* of an order: returns that wait for it, by next */
	uint32_t next;
	const char *order_id; /* once it is done */
};

struct refusal {
	enum operation_kind kind;
	const char *reason;
	const char *example;
	int64_t count, lines;
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
