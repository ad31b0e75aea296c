/* Transfers for customers: made by an order for its pickup, and let go when it needs them no more. */
#include <string.h>

#include "book/fulfilment.h"
#include "book/transfer.h"

#define STATUS(name) STOCKBOOK__V1__TRANSFER_STATUS__TRANSFER_STATUS_##name
#define PAGE_MAX 100

enum verdict transfer_insert_for_order(struct run *run, const struct order *order,
	const struct uuid *pickup_id, const char *source, const char *destination,
	struct transfer_line *lines, size_t count, struct transfer *made)
{
	struct arena *arena = workset_arena(run->set);
	struct transfer_row *row = row_new(TABLE(transfer), arena);
	row->source = arena_string(arena, source);
	row->destination = arena_string(arena, destination);
	row->order_id = order->row->id;
	row->fulfilment_id = *pickup_id;
	row->reference = arena_string(arena, order->row->reference);
	for (size_t i = 0; i < count; i++) {
		CHECK(lines[i].order_line > 0 && lines[i].allocated > 0);
		lines[i].requested = lines[i].allocated;
	}
	*made = (struct transfer){.lines = lines, .count = count};
	return transfer_insert(run, row, made);
}

/* ---- What a step means for her ---- */

enum verdict transfer_tie_open(struct run *run, const struct transfer *transfer,
	struct transfer_tie *tie)
{
	*tie = (struct transfer_tie){0};
	if (!transfer_is_tied(transfer))
		return VERDICT_DONE;
	tie->arrived = arena_alloc_array(run->arena, transfer->count, sizeof(*tie->arrived));
	tie->missing = arena_alloc_array(run->arena, transfer->count, sizeof(*tie->missing));
	const struct uuid *pickup_id = &transfer->row->fulfilment_id;
	enum verdict verdict = order_open(run, run_id_text(run, &transfer->row->order_id), &tie->order);
	if (verdict != VERDICT_DONE)
		return verdict;
	for (size_t i = 0; i < tie->order.fulfilment_count; i++)
		if (uuid_compare(&tie->order.fulfilments[i]->row->id, pickup_id) == 0)
			tie->pickup = tie->order.fulfilments[i];
	CHECK(tie->pickup);
	return VERDICT_DONE;
}

enum verdict transfer_tie_follow(struct run *run, const struct transfer *transfer,
	struct transfer_tie *tie, const char *note)
{
	if (!tie->pickup)
		return VERDICT_DONE;
	struct pickup_arrival *arrivals =
		arena_alloc_array(run->arena, transfer->count, sizeof(*arrivals));
	size_t count = 0;
	for (size_t i = 0; i < transfer->count; i++) {
		int32_t line = transfer->lines[i].order_line;
		if (line > 0 && (tie->arrived[i] > 0 || tie->missing[i] > 0))
			arrivals[count++] = (struct pickup_arrival){line, tie->arrived[i], tie->missing[i]};
	}
	if (count == 0)
		return VERDICT_DONE;
	enum verdict verdict = pickup_arrive(run, &tie->order, tie->pickup, arrivals, count);
	/* What is missing is open on the order again. */
	if (verdict == VERDICT_DONE)
		order_follow(run, &tie->order, ORDER_DEALLOCATE, NULL, note);
	return verdict;
}

/* ---- Untying ---- */

static const struct scan_shape of_order_shape = {
	.name = "transfers_of_order",
	.table = TABLE(transfer),
	.conditions = {{"order_id", SCAN_EQUAL, 0}, {"fulfilment_id", SCAN_EQUAL, 0},
		{"status", SCAN_LESS, 0}},
	.order = {"id"},
};

struct untying {
	struct transfer *transfers;
	size_t count;
	size_t capacity;
};

static bool is_living(const struct transfer_row *row)
{
	return row->status < (int)STATUS(RECEIVED);
}

static enum verdict untying_add(struct run *run, struct untying *untying,
	const struct transfer_row *found)
{
	struct transfer transfer;
	enum verdict verdict = transfer_load(run, found->part, &found->id, &transfer);
	if (verdict != VERDICT_DONE || !is_living(transfer.row))
		return verdict;
	untying->transfers = arena_grow(run->arena, untying->transfers, untying->count,
		&untying->capacity, sizeof(*untying->transfers));
	untying->transfers[untying->count++] = transfer;
	return VERDICT_DONE;
}

/* A scan does not see what this batch made. */
static enum verdict add_made(struct run *run, struct untying *untying, const struct uuid *order_id,
	const struct uuid *pickup_id)
{
	size_t count;
	const void *const *rows = workset_rows(run->set, TABLE(transfer), ROW_INSERTED, &count);
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < count; i++) {
		const struct transfer_row *row = rows[i];
		if (uuid_compare(&row->order_id, order_id) == 0 &&
			uuid_compare(&row->fulfilment_id, pickup_id) == 0 &&
			untying_add(run, untying, row) == VERDICT_NEED)
			verdict = VERDICT_NEED;
	}
	return verdict;
}

static enum verdict untying_find(struct run *run, struct untying *untying,
	const struct uuid *order_id, const struct uuid *pickup_id)
{
	struct scan scan = {.shape = &of_order_shape, .limit = PAGE_MAX};
	scan.values[0] = (struct scan_value){.present = true, .uuid = *order_id};
	scan.values[1] = (struct scan_value){.present = true, .uuid = *pickup_id};
	scan.values[2] = (struct scan_value){.present = true, .number = STATUS(RECEIVED)};
	enum verdict verdict = add_made(run, untying, order_id, pickup_id);
	for (;;) {
		const struct scan_result *page = workset_scan(run->set, &scan);
		if (!page)
			return VERDICT_NEED;
		for (size_t i = 0; i < page->count; i++)
			if (untying_add(run, untying, page->rows[i]) == VERDICT_NEED)
				verdict = VERDICT_NEED;
		if (page->count < PAGE_MAX)
			return verdict;
		const struct transfer_row *last = page->rows[page->count - 1];
		scan.has_after = true;
		scan.after[0] = (struct scan_value){.present = true, .uuid = last->id};
	}
}

/* What is untied, by the order's line. */
struct untied {
	struct transfer_untie **lines;
	int32_t last;
};

static struct untied untied_index(struct run *run, struct transfer_untie *lines, size_t count)
{
	struct untied untied = {0};
	for (size_t i = 0; i < count; i++)
		if (lines[i].order_line > untied.last)
			untied.last = lines[i].order_line;
	untied.lines = arena_alloc_array(run->arena, (size_t)untied.last + 1, sizeof(*untied.lines));
	for (size_t i = 0; i < count; i++) {
		CHECK(lines[i].order_line > 0 && lines[i].most > 0);
		lines[i].taken = 0;
		untied.lines[lines[i].order_line] = &lines[i];
	}
	return untied;
}

/* NULL: nothing of that line. */
static struct transfer_untie *untied_find(const struct untied *untied, int32_t order_line)
{
	return order_line <= untied->last ? untied->lines[order_line] : NULL;
}

/* The transfer's line of this SKU that is for the shelf, made when there is none: at most one for each
 * line that there was. */
static struct transfer_line *shelf_line(struct transfer *transfer, const char *sku)
{
	for (size_t i = 0; i < transfer->count; i++)
		if (transfer->lines[i].order_line == 0 && strcmp(transfer->lines[i].sku, sku) == 0)
			return &transfer->lines[i];
	CHECK(transfer->count < TRANSFER_LINES_MAX);
	struct transfer_line *added = &transfer->lines[transfer->count++];
	*added = (struct transfer_line){.line = (int32_t)transfer->count, .sku = sku};
	return added;
}

/* So many of what is under way go to the shelf on arrival. */
static void untie_sent(struct transfer *transfer, struct transfer_line *line, int64_t quantity)
{
	line->changed = true;
	if (quantity == line->requested) {
		line->order_line = 0;
		return;
	}
	struct transfer_line *shelf = shelf_line(transfer, line->sku);
	line->requested -= quantity;
	line->in_transit -= quantity;
	shelf->requested += quantity;
	shelf->in_transit += quantity;
	shelf->changed = true;
}

/* What was not sent yet, or else what was. */
static enum verdict untie_from(struct run *run, struct transfer *transfer,
	const struct untied *untied, bool sent)
{
	/* Without the lines that are added on the way. */
	size_t count = transfer->count;
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < count; i++) {
		struct transfer_line *line = &transfer->lines[i];
		struct transfer_untie *of = untied_find(untied, line->order_line);
		if (!of)
			continue;
		int64_t share = sent ? line->in_transit : line->allocated;
		share = share < of->most - of->taken ? share : of->most - of->taken;
		if (share == 0)
			continue;
		of->taken += share;
		if (sent) {
			untie_sent(transfer, line, share);
			continue;
		}
		enum verdict one = transfer_free(run, transfer, line, share, TRANSFER_UNTIE, &share);
		if (one == VERDICT_REFUSED)
			return one;
		if (one == VERDICT_NEED)
			verdict = one;
	}
	return verdict;
}

static bool is_changed(const struct transfer *transfer)
{
	for (size_t i = 0; i < transfer->count; i++)
		if (transfer->lines[i].changed)
			return true;
	return false;
}

enum verdict transfers_untie(struct run *run, const struct uuid *order_id,
	const struct uuid *pickup_id, struct transfer_untie *lines, size_t count, const char *note)
{
	if (count == 0)
		return VERDICT_DONE;
	struct untying untying = {0};
	enum verdict verdict = untying_find(run, &untying, order_id, pickup_id);
	if (verdict != VERDICT_DONE)
		return verdict;
	struct untied untied = untied_index(run, lines, count);
	for (int sent = 0; sent <= 1; sent++)
		for (size_t i = 0; i < untying.count; i++) {
			enum verdict one = untie_from(run, &untying.transfers[i], &untied, sent == 1);
			if (one == VERDICT_REFUSED)
				return one;
			if (one == VERDICT_NEED)
				verdict = one;
		}
	for (size_t i = 0; i < untying.count && verdict == VERDICT_DONE; i++)
		if (is_changed(&untying.transfers[i]))
			verdict = transfer_advance(run, &untying.transfers[i], TRANSFER_UNTIE, note);
	return verdict;
}
