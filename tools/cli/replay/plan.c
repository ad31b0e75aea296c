/*
 * From lines to operations, and to what must come out of them for each SKU.
 */
#include "replay.h"

#include <stdlib.h>
#include <string.h>

#define RECEIPT_LINES 500

/* The latest sale line for each customer and item. */
struct purchases {
	struct purchase {
		uint64_t customer; /* a hash of the text; 0 is an empty place */
		uint32_t item;
		uint32_t latest;
		const char *text;
	} * places;
	size_t count, capacity;
};

static uint64_t hash_of(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325u;
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
	return hash ? hash : 1;
}

static struct purchase *find(const struct purchases *purchases, uint64_t customer, const char *text,
	uint32_t item)
{
	size_t mask = purchases->capacity - 1;
	size_t place = (size_t)((customer ^ item) * 0x9e3779b97f4a7c15u >> 20) & mask;
	for (;; place = (place + 1) & mask) {
		struct purchase *purchase = &purchases->places[place];
		if (!purchase->customer || (purchase->customer == customer && purchase->item == item &&
									   strcmp(purchase->text, text) == 0))
			return purchase;
	}
}

static struct purchase *purchase_of(struct purchases *purchases, const char *customer,
	uint32_t item)
{
	if (2 * (purchases->count + 1) > purchases->capacity) {
		struct purchases larger = {.capacity = purchases->capacity ? 2 * purchases->capacity : 4096,
			.count = purchases->count};
		larger.places = calloc(larger.capacity, sizeof(*larger.places));
		CHECK(larger.places);
		for (size_t i = 0; i < purchases->capacity; i++) {
			const struct purchase *old = &purchases->places[i];
			if (old->customer)
				*find(&larger, old->customer, old->text, old->item) = *old;
		}
		free(purchases->places);
		*purchases = larger;
	}
	uint64_t hash = hash_of(customer);
	struct purchase *purchase = find(purchases, hash, customer, item);
	if (!purchase->customer) {
		*purchase = (struct purchase){hash, item, NONE, customer};
		purchases->count++;
	}
	return purchase;
}

static void add_piece(struct replay *replay, struct operation *operation, struct piece piece)
{
	replay->pieces = arena_grow(&replay->cli->arena, replay->pieces, replay->pieces_count,
		&replay->pieces_capacity, sizeof(piece));
	replay->pieces[replay->pieces_count++] = piece;
	operation->count++;
}

static uint32_t place_of(const struct replay *replay, enum operation_kind kind, uint32_t index)
{
	const struct replay_invoice *invoice = &replay->invoices[index];
	if (kind != OPERATION_ORDER)
		return replay_place_of(replay, invoice);
	return replay_is_picked_up(replay, invoice) ? replay_store_of(replay, invoice) : NONE;
}

static struct operation *add_operation(struct replay *replay, enum operation_kind kind,
	uint32_t invoice, uint32_t order)
{
	replay->operations = arena_grow(&replay->cli->arena, replay->operations,
		replay->operations_count, &replay->operations_capacity, sizeof(struct operation));
	struct operation *operation = &replay->operations[replay->operations_count++];
	*operation = (struct operation){.kind = kind,
		.invoice = invoice,
		.order = order,
		.first = (uint32_t)replay->pieces_count,
		.place = kind == OPERATION_RECEIPT ? 0 : place_of(replay, kind, invoice),
		.waiting = NONE,
		.next = NONE};
	return operation;
}

/* The retailer's own correction: an invoice without any price and without a customer. */
static bool is_correction(const struct replay *replay, const struct replay_invoice *invoice)
{
	if (*invoice->customer)
		return false;
	for (uint32_t i = 0; i < invoice->count; i++)
		if (replay->lines[invoice->first + i].price_minor)
			return false;
	return true;
}

static enum line_kind kind_of(const struct replay *replay, const struct replay_invoice *invoice,
	const struct replay_line *line, bool correction)
{
	if (!replay->items[line->item].goods || invoice->number[0] == 'A')
		return LINE_NO_STOCK;
	if (invoice->number[0] == 'C')
		return line->quantity < 0 ? LINE_RETURN : LINE_SALE;
	if (line->quantity < 0)
		return LINE_WRITE_OFF;
	return correction ? LINE_FOUND : LINE_SALE;
}

static void classify(struct replay *replay)
{
	for (size_t i = 0; i < replay->invoices_count; i++) {
		const struct replay_invoice *invoice = &replay->invoices[i];
		bool correction = is_correction(replay, invoice);
		for (uint32_t j = 0; j < invoice->count; j++) {
			struct replay_line *line = &replay->lines[invoice->first + j];
			line->kind = kind_of(replay, invoice, line, correction);
			if (line->kind == LINE_NO_STOCK) {
				replay->items[line->item].lines++;
				replay->items[line->item].units += line->quantity;
			}
			if (line->quantity < 0)
				line->quantity = -line->quantity;
			replay->kind_lines[line->kind]++;
			replay->kind_units[line->kind] += line->quantity;
		}
	}
}

static void sum_up(struct replay *replay)
{
	for (size_t i = 0; i < replay->lines_count; i++) {
		const struct replay_line *line = &replay->lines[i];
		struct sums *sums = &replay->items[line->item].file;
		switch (line->kind) {
		case LINE_SALE:
			sums->sold += line->quantity;
			sums->received += line->quantity;
			break;
		case LINE_RETURN:
			sums->returned += line->quantity;
			break;
		case LINE_WRITE_OFF:
			sums->written_off += line->quantity;
			sums->received += line->quantity;
			break;
		case LINE_FOUND:
			sums->found += line->quantity;
			break;
		case LINE_NO_STOCK:
		case LINE_KINDS:
			break;
		}
	}
}

/* A piece for the latest receipt at the place, or for a new one. */
static void add_receipt(struct replay *replay, struct operation **receipt, uint32_t place,
	struct piece piece)
{
	if (!piece.quantity)
		return;
	if (!*receipt || (*receipt)->place != place || (*receipt)->count == RECEIPT_LINES) {
		*receipt = add_operation(replay, OPERATION_RECEIPT, NONE, NONE);
		(*receipt)->place = place;
	}
	add_piece(replay, *receipt, piece);
}

static void plan_receipts(struct replay *replay)
{
	struct operation *receipt = NULL;
	int64_t *sold, *kept;
	replay_spread(replay, &sold, &kept);
	for (uint32_t place = 0; place < replay->places_count; place++) {
		for (uint32_t i = 0; i < replay->items_count; i++) {
			size_t cell = place * replay->items_count + i;
			add_receipt(replay, &receipt, place, (struct piece){.line = i, .quantity = sold[cell]});
			add_receipt(replay, &receipt, place,
				(struct piece){.line = i, .quantity = kept[cell], .kept = true});
		}
	}
	free(sold);
	free(kept);
	replay->receipts_count = replay->operations_count;
}

/* All of an invoice's lines of one kind into one operation. */
static void plan_lines(struct replay *replay, uint32_t index, enum line_kind line_kind,
	enum operation_kind operation_kind)
{
	struct replay_invoice *invoice = &replay->invoices[index];
	struct operation *operation = NULL;
	for (uint32_t i = 0; i < invoice->count; i++) {
		struct replay_line *line = &replay->lines[invoice->first + i];
		if (line->kind != line_kind)
			continue;
		if (!operation)
			operation = add_operation(replay, operation_kind, index, NONE);
		add_piece(replay, operation,
			(struct piece){.line = invoice->first + i, .quantity = line->quantity});
		line->order_line = (int32_t)operation->count;
	}
	if (operation && operation_kind == OPERATION_ORDER)
		invoice->order = (uint32_t)(replay->operations_count - 1);
}

static void remember_sales(struct replay *replay, struct purchases *purchases,
	const struct replay_invoice *invoice)
{
	if (!*invoice->customer)
		return;
	for (uint32_t i = 0; i < invoice->count; i++) {
		struct replay_line *line = &replay->lines[invoice->first + i];
		if (line->kind != LINE_SALE)
			continue;
		struct purchase *purchase = purchase_of(purchases, invoice->customer, line->item);
		line->left = line->quantity;
		line->earlier = purchase->latest;
		purchase->latest = invoice->first + i;
	}
}

/* What comes back is taken from the latest purchases first: a cancellation follows its order. */
struct taken {
	uint32_t order; /* operation, or NONE for what no purchase covers */
	struct piece piece;
};

static size_t take(struct replay *replay, struct purchases *purchases, uint32_t index,
	struct taken **taken, size_t count, size_t *capacity)
{
	struct replay_line *line = &replay->lines[index];
	const char *customer = replay->invoices[line->invoice].customer;
	int64_t wanted = line->quantity;
	bool bought = false;
	if (!*customer) {
		replay->returns_no_customer++;
	} else {
		struct purchase *purchase = purchase_of(purchases, customer, line->item);
		bought = purchase->latest != NONE;
		for (uint32_t at = purchase->latest; at != NONE && wanted; at = replay->lines[at].earlier) {
			struct replay_line *sale = &replay->lines[at];
			int64_t quantity = sale->left < wanted ? sale->left : wanted;
			if (!quantity)
				continue;
			*taken = arena_grow(&replay->cli->arena, *taken, count, capacity, sizeof(**taken));
			(*taken)[count++] = (struct taken){replay->invoices[sale->invoice].order,
				{.line = index, .quantity = quantity, .order_line = sale->order_line}};
			sale->left -= quantity;
			wanted -= quantity;
		}
		replay->returns_no_purchase += !bought;
		replay->returns_too_many += bought && wanted;
	}
	replay->returned_units += line->quantity;
	replay->returned_blind_units += wanted;
	if (wanted) {
		*taken = arena_grow(&replay->cli->arena, *taken, count, capacity, sizeof(**taken));
		(*taken)[count++] = (struct taken){NONE, {.line = index, .quantity = wanted}};
	}
	return count;
}

/* One return for each order, and one blind. */
static void plan_returns(struct replay *replay, struct purchases *purchases, uint32_t index)
{
	const struct replay_invoice *invoice = &replay->invoices[index];
	struct taken *taken = NULL;
	size_t count = 0, capacity = 0;
	for (uint32_t i = 0; i < invoice->count; i++)
		if (replay->lines[invoice->first + i].kind == LINE_RETURN)
			count = take(replay, purchases, invoice->first + i, &taken, count, &capacity);
	for (size_t i = 0; i < count; i++) {
		if (!taken[i].piece.quantity)
			continue; /* went with an earlier one of its order */
		uint32_t order = taken[i].order;
		struct operation *operation = add_operation(replay,
			order == NONE ? OPERATION_BLIND_RETURN : OPERATION_RETURN, index, order);
		for (size_t j = i; j < count; j++) {
			if (taken[j].order != order || !taken[j].piece.quantity)
				continue;
			add_piece(replay, operation, taken[j].piece);
			taken[j].piece.quantity = 0;
		}
	}
}

static void remember_ids(struct replay *replay)
{
	for (size_t i = 0; i < replay->operations_count; i++) {
		char text[STOCKBOOK_REQUEST_ID_SIZE];
		struct uuid id;
		replay_request_id(replay, &replay->operations[i], text);
		CHECK(uuid_parse(text, &id));
		uuid_set_add(&replay->ids, &id);
	}
}

void replay_plan(struct replay *replay)
{
	struct purchases purchases = {0};
	classify(replay);
	sum_up(replay);
	plan_receipts(replay);
	for (uint32_t i = 0; i < replay->invoices_count; i++) {
		plan_lines(replay, i, LINE_SALE, OPERATION_ORDER);
		plan_lines(replay, i, LINE_WRITE_OFF, OPERATION_WRITE_OFF);
		plan_lines(replay, i, LINE_FOUND, OPERATION_FOUND);
		plan_returns(replay, &purchases, i);
		remember_sales(replay, &purchases, &replay->invoices[i]);
	}
	free(purchases.places);
	remember_ids(replay);
}
