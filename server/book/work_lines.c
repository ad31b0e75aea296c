/* What there is to handle: the lines of a document that its work is about, and where they lie. */
#include <stdlib.h>
#include <string.h>

#include "book/fulfilment.h"
#include "book/text_index.h"
#include "book/transfer.h"
#include "book/work.h"

#define WORK(name) STOCKBOOK__V1__WORK_KIND__WORK_KIND_##name
#define DOCUMENT(name) STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_##name

/* ---- How many ---- */

static enum verdict line_count(struct run *run, const struct work_row *row, size_t *count)
{
	*count = 1;
	if (row->document_kind == DOCUMENT(RECOUNT))
		return VERDICT_DONE;
	enum lookup found;
	if (row->document_kind == DOCUMENT(TRANSFER)) {
		struct transfer_row key = {.part = row->part, .id = row->document_id};
		const struct transfer_row *transfer;
		found =
			workset_find(run->set, TABLE(transfer), &key, ACCESS_PEEK, (const void **)&transfer);
		if (found == LOOKUP_FOUND)
			*count = (size_t)transfer->line_count;
	} else {
		struct fulfilment_row key = {
			.part = row->part, .order_id = row->order_id, .id = row->document_id};
		const struct fulfilment_row *fulfilment;
		found = workset_find(run->set, TABLE(fulfilment), &key, ACCESS_PEEK,
			(const void **)&fulfilment);
		if (found == LOOKUP_FOUND)
			*count = (size_t)fulfilment->line_count;
	}
	return found == LOOKUP_NEEDED ? VERDICT_NEED : VERDICT_DONE;
}

enum verdict work_count_by_lines(struct run *run, const struct work_row *const *rows, size_t count,
	size_t *fitting)
{
	enum verdict verdict = VERDICT_DONE;
	size_t lines = 0;
	*fitting = 0;
	for (size_t i = 0; i < count; i++) {
		size_t more;
		if (line_count(run, rows[i], &more) == VERDICT_NEED)
			verdict = VERDICT_NEED;
		lines += more;
		if (i == 0 || lines <= LINES_MAX)
			*fitting = i + 1;
	}
	return verdict;
}

/* ---- One document's ---- */

struct handled {
	int32_t line;
	const char *sku;
	int64_t quantity;
};

struct handled_list {
	struct handled *items;
	size_t count;
	size_t capacity;
};

static void handled_add(struct run *run, struct handled_list *list, int32_t line, const char *sku,
	int64_t quantity)
{
	list->items =
		arena_grow(run->arena, list->items, list->count, &list->capacity, sizeof(*list->items));
	list->items[list->count++] = (struct handled){line, sku, quantity};
}

static int64_t fulfilment_units(const struct fulfilment_line *line, int kind)
{
	if (kind == (int)WORK(ACCEPT) || kind == (int)WORK(PICK))
		return line->to_pick;
	return kind == (int)WORK(PUT_BACK) ? line->put_back : line->picked;
}

static int64_t transfer_units(const struct transfer_line *line, int kind)
{
	if (kind == (int)WORK(APPROVE))
		return line->open;
	return kind == (int)WORK(DISPATCH) ? line->allocated : line->in_transit;
}

static enum verdict transfer_handled(struct run *run, const struct work_row *row,
	struct handled_list *list)
{
	struct transfer_row key = {.part = row->part, .id = row->document_id};
	struct transfer transfer = {.row = &key};
	if (!transfer_read_lines(run, &transfer))
		return VERDICT_NEED;
	for (size_t i = 0; i < transfer.count; i++) {
		const struct transfer_line *line = &transfer.lines[i];
		int64_t units = transfer_units(line, row->kind);
		if (units > 0)
			handled_add(run, list, line->line, line->sku, units);
	}
	return VERDICT_DONE;
}

static enum verdict fulfilment_handled(struct run *run, const struct work_row *row,
	struct handled_list *list)
{
	struct fulfilment_row key = {
		.part = row->part, .order_id = row->order_id, .id = row->document_id};
	struct fulfilment fulfilment;
	enum verdict verdict = fulfilment_read(run, &key, &fulfilment);
	if (verdict != VERDICT_DONE)
		return verdict;
	for (size_t i = 0; i < fulfilment.count; i++) {
		const struct fulfilment_line *line = &fulfilment.lines[i];
		int64_t units = fulfilment_units(line, row->kind);
		if (units > 0)
			handled_add(run, list, line->line, line->sku, units);
	}
	return VERDICT_DONE;
}

static enum verdict handled_of(struct run *run, const struct work_row *row,
	struct handled_list *list)
{
	if (row->document_kind == DOCUMENT(TRANSFER))
		return transfer_handled(run, row, list);
	if (row->document_kind != DOCUMENT(RECOUNT))
		return fulfilment_handled(run, row, list);
	handled_add(run, list, 0, row->sku, 0);
	return VERDICT_DONE;
}

/* ---- In the order of the shelves ---- */

/* What lies nobody knows where comes last. */
static int shelf_order(const void *a, const void *b)
{
	const Stockbook__V1__WorkLine *x = *(Stockbook__V1__WorkLine *const *)a;
	const Stockbook__V1__WorkLine *y = *(Stockbook__V1__WorkLine *const *)b;
	bool x_known = x->shelf[0] != '\0';
	bool y_known = y->shelf[0] != '\0';
	if (x_known != y_known)
		return x_known ? -1 : 1;
	int order = strcmp(x->shelf, y->shelf);
	if (order == 0)
		order = strcmp(x->sku, y->sku);
	return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

static enum verdict line_message(struct run *run, const struct handled *handled,
	const char *location, Stockbook__V1__WorkLine **answer)
{
	struct arena *arena = run->arena;
	const char *shelf;
	const struct item_row *item;
	enum verdict verdict = shelf_of(run, handled->sku, location, &shelf);
	enum lookup found = find_item(run, handled->sku, ACCESS_PEEK, &item);
	if (verdict != VERDICT_DONE || found == LOOKUP_NEEDED)
		return VERDICT_NEED;
	Stockbook__V1__WorkLine *message = arena_alloc(arena, sizeof(*message));
	stockbook__v1__work_line__init(message);
	message->line = handled->line;
	message->sku = arena_string(arena, handled->sku);
	message->quantity = handled->quantity;
	message->shelf = arena_string(arena, shelf);
	if (found == LOOKUP_FOUND) {
		message->name = arena_string(arena, item->name);
		message->n_aliases = item->aliases.count;
		message->aliases = arena_alloc_array(arena, item->aliases.count, sizeof(*message->aliases));
		for (size_t i = 0; i < item->aliases.count; i++)
			message->aliases[i] = arena_string(arena, item->aliases.items[i]);
	}
	*answer = message;
	return VERDICT_DONE;
}

static enum verdict lines_fill(struct run *run, const struct work_row *row,
	Stockbook__V1__Work *message)
{
	struct handled_list list = {0};
	enum verdict verdict = handled_of(run, row, &list);
	if (verdict != VERDICT_DONE)
		return verdict;
	message->lines = arena_alloc_array(run->arena, list.count, sizeof(*message->lines));
	for (size_t i = 0; i < list.count; i++)
		if (line_message(run, &list.items[i], row->location, &message->lines[i]) == VERDICT_NEED)
			verdict = VERDICT_NEED;
	if (verdict != VERDICT_DONE)
		return verdict;
	message->n_lines = list.count;
	if (list.count > 1)
		qsort(message->lines, list.count, sizeof(*message->lines), shelf_order);
	return VERDICT_DONE;
}

/* ---- Messages ---- */

static Stockbook__V1__Work *work_message(struct run *run, const struct work_row *row)
{
	struct arena *arena = run->arena;
	const char *claimant = work_claimant(run, row);
	Stockbook__V1__Work *message = arena_alloc(arena, sizeof(*message));
	stockbook__v1__work__init(message);
	message->kind = (Stockbook__V1__WorkKind)row->kind;
	message->location = arena_string(arena, row->location);
	message->document_kind = (Stockbook__V1__DocumentKind)row->document_kind;
	message->document_id = run_id_text(run, &row->document_id);
	message->order_id = run_id_text(run, &row->order_id);
	message->customer = arena_string(arena, row->customer);
	message->reference = arena_string(arena, row->reference);
	message->units = row->units;
	message->due_time = make_timestamp(arena, row->due_at);
	message->overdue = row->due_at < run->now_us;
	message->claimed_by = arena_string(arena, claimant);
	message->claimed_until = claimant[0] ? make_timestamp(arena, row->claimed_until) : NULL;
	message->create_time = make_timestamp(arena, row->created_at);
	return message;
}

enum verdict work_messages(struct run *run, const struct work_row *const *rows, size_t count,
	bool with_lines, Stockbook__V1__Work **messages)
{
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < count; i++) {
		messages[i] = work_message(run, rows[i]);
		if (with_lines && lines_fill(run, rows[i], messages[i]) == VERDICT_NEED)
			verdict = VERDICT_NEED;
	}
	return verdict;
}

Stockbook__V1__WorkLine **work_batch(struct run *run, Stockbook__V1__Work *const *messages,
	size_t message_count, size_t *count)
{
	size_t most = 0;
	for (size_t i = 0; i < message_count; i++)
		most += messages[i]->n_lines;
	Stockbook__V1__WorkLine **batch = arena_alloc_array(run->arena, most, sizeof(*batch));
	struct text_index skus;
	text_index_init(&skus, run->arena, most);
	for (size_t i = 0; i < message_count; i++)
		for (size_t l = 0; l < messages[i]->n_lines; l++) {
			const Stockbook__V1__WorkLine *line = messages[i]->lines[l];
			bool added;
			size_t number = text_index_add(&skus, line->sku, &added);
			if (added) {
				batch[number] = arena_copy(run->arena, line, sizeof(*line));
				batch[number]->line = 0;
			} else {
				batch[number]->quantity += line->quantity;
			}
		}
	*count = skus.count;
	if (*count > 1)
		qsort(batch, *count, sizeof(*batch), shelf_order);
	return batch;
}
