/* Quotas: finding them, keeping what is used, and SetQuota. */
#include "book/quota.h"

#include <string.h>

#include "book/availability.h"
#include "book/stock.h"

/* Rows of one search; a SKU with more quotas in a part is read in several. */
#define PAGE_QUOTAS_MAX 1000

/* clang-format off */
static const struct scan_shape quotas_of_sku = {
	.name = "quotas_of_sku",
	.table = TABLE(quota),
	.conditions = {{"part", SCAN_EQUAL, 0}, {"sku", SCAN_EQUAL, 0}},
	.order = {"location", "channel"},
};
/* clang-format on */

int64_t quota_left(const struct quota_row *quota)
{
	int64_t left = quota->quantity - quota->used;
	if (left > quota->quantity)
		left = quota->quantity;
	return left > 0 ? left : 0;
}

/* ---- Finding ---- */

static enum verdict list_add(struct run *run, const struct stock_row *stock,
	const struct quota_row *scanned, struct quota_list *quotas, size_t *capacity)
{
	const struct quota_row *row = scanned;
	if (stock->row.locked) {
		enum lookup found =
			workset_find(run->set, TABLE(quota), scanned, ACCESS_LOCK, (const void **)&row);
		if (found != LOOKUP_FOUND)
			return found == LOOKUP_NEEDED ? VERDICT_NEED : VERDICT_DONE;
	}
	quotas->items =
		arena_grow(run->arena, quotas->items, quotas->count, capacity, sizeof(*quotas->items));
	quotas->items[quotas->count++] = row;
	return VERDICT_DONE;
}

enum verdict quotas_of(struct run *run, const struct stock_row *stock, struct quota_list *quotas)
{
	*quotas = (struct quota_list){0};
	if (!stock->has_quotas)
		return VERDICT_DONE;
	/* By SKU alone, so that the locations of a part share one search. */
	struct scan scan = {.shape = &quotas_of_sku, .limit = PAGE_QUOTAS_MAX};
	scan.values[0] = (struct scan_value){.present = true, .number = stock->part};
	scan.values[1] = (struct scan_value){.present = true, .text = stock->sku};
	size_t capacity = 0;
	bool need = false;
	for (;;) {
		const struct scan_result *result = workset_scan(run->set, &scan);
		if (!result)
			return VERDICT_NEED;
		for (size_t i = 0; i < result->count; i++) {
			const struct quota_row *row = result->rows[i];
			if (strcmp(row->location, stock->location) == 0 &&
				list_add(run, stock, row, quotas, &capacity) == VERDICT_NEED)
				need = true;
		}
		if (result->count < PAGE_QUOTAS_MAX)
			return need ? VERDICT_NEED : VERDICT_DONE;
		const struct quota_row *last = result->rows[result->count - 1];
		scan.has_after = true;
		scan.after[0] = (struct scan_value){.present = true, .text = last->location};
		scan.after[1] = (struct scan_value){.present = true, .text = last->channel};
	}
}

enum verdict quota_use(struct run *run, const struct stock_row *stock, const char *channel,
	int64_t quantity)
{
	if (!stock->has_quotas || !channel || channel[0] == '\0')
		return VERDICT_DONE;
	const struct quota_row key = {
		.part = stock->part, .sku = stock->sku, .location = stock->location, .channel = channel};
	const struct quota_row *row;
	enum lookup found =
		workset_find(run->set, TABLE(quota), &key, ACCESS_LOCK, (const void **)&row);
	if (found == LOOKUP_NEEDED)
		return VERDICT_NEED;
	if (found == LOOKUP_FOUND) {
		struct quota_row *edited = workset_edit(run->set, row);
		edited->used += quantity;
	}
	return VERDICT_DONE;
}

/* ---- SetQuota ---- */

static Stockbook__V1__Quota *make_quota(struct run *run, const struct quota_row *row)
{
	Stockbook__V1__Quota *quota = arena_alloc(run->arena, sizeof(*quota));
	stockbook__v1__quota__init(quota);
	quota->sku = arena_string(run->arena, row->sku);
	quota->location = arena_string(run->arena, row->location);
	quota->channel = arena_string(run->arena, row->channel);
	quota->quantity = row->quantity;
	quota->used = row->used;
	quota->left = quota_left(row);
	return quota;
}

/* The stock row, knowing that it has quotas; made where there is none yet: units may be kept before
 * the first comes in. */
static void mark_stock(struct run *run, const struct stock_lines *lines, const char *sku)
{
	const struct stock_row *stock = stock_lines_row(run, lines, sku);
	if (stock && stock->has_quotas)
		return;
	struct stock_row *edited;
	if (stock) {
		edited = workset_edit(run->set, stock);
	} else {
		struct stock_row *fresh = row_new(TABLE(stock), workset_arena(run->set));
		fresh->part = lines->part;
		fresh->sku = arena_string(workset_arena(run->set), sku);
		fresh->location = arena_string(workset_arena(run->set), lines->location);
		edited = workset_insert(run->set, fresh);
	}
	edited->has_quotas = true;
	edited->version++;
}

static struct quota_row *new_quota(struct run *run, const struct quota_row *key)
{
	struct arena *arena = workset_arena(run->set);
	struct quota_row *row = row_new(TABLE(quota), arena);
	row->part = key->part;
	row->sku = arena_string(arena, key->sku);
	row->location = arena_string(arena, key->location);
	row->channel = arena_string(arena, key->channel);
	return workset_insert(run->set, row);
}

/* A quota that is taken away stays as one of 0: whoever holds the stock row could otherwise not tell
 * whether others are left without searching again. */
static enum verdict set_line(struct run *run, const Stockbook__V1__SetQuotaRequest *request,
	const struct stock_lines *lines, size_t index, Stockbook__V1__Quota **quota)
{
	const Google__Protobuf__Int64Value *quantity = request->lines[index]->quantity;
	const struct quota_row key = {.part = lines->part,
		.sku = lines->skus[index],
		.location = request->location,
		.channel = request->channel};
	const struct quota_row *before;
	enum lookup found =
		workset_find(run->set, TABLE(quota), &key, ACCESS_LOCK, (const void **)&before);
	*quota = NULL;
	if (found == LOOKUP_NEEDED)
		return VERDICT_NEED;
	if (found == LOOKUP_ABSENT && !quantity)
		return VERDICT_DONE;
	struct quota_row *row =
		found == LOOKUP_FOUND ? workset_edit(run->set, before) : new_quota(run, &key);
	row->quantity = quantity ? quantity->value : 0;
	row->used = 0;
	mark_stock(run, lines, key.sku);
	if (quantity)
		*quota = make_quota(run, row);
	return VERDICT_DONE;
}

static enum verdict set_lines(struct run *run, const Stockbook__V1__SetQuotaRequest *request,
	const struct stock_lines *lines, Stockbook__V1__SetQuotaResponse *response)
{
	response->quotas = arena_alloc_array(run->arena, lines->count, sizeof(*response->quotas));
	bool need = false;
	for (size_t i = 0; i < lines->count; i++) {
		const Google__Protobuf__Int64Value *quantity = request->lines[i]->quantity;
		if (quantity && (quantity->value < 0 || quantity->value > QUANTITY_MAX))
			return refuse_field(run, arena_printf(run->arena, "lines[%zu].quantity", i),
				"must be from 0 to %lld", (long long)QUANTITY_MAX);
		Stockbook__V1__Quota *quota;
		need = set_line(run, request, lines, i, &quota) == VERDICT_NEED || need;
		if (quota)
			response->quotas[response->n_quotas++] = quota;
	}
	return need ? VERDICT_NEED : VERDICT_DONE;
}

static enum verdict set_quota(struct run *run, const void *message, void *answer)
{
	const Stockbook__V1__SetQuotaRequest *request = message;
	if (request->channel[0] == '\0')
		return refuse_field(run, "channel", "must not be empty");
	struct stock_lines lines;
	const struct channel_row *channel;
	enum verdict known = require_channel(run, request->channel, "channel", &channel);
	if (known == VERDICT_REFUSED)
		return known;
	enum verdict verdict = stock_lines_open(run, request->location, (void *const *)request->lines,
		request->n_lines, &lines);
	if (verdict == VERDICT_DONE)
		verdict = stock_lines_once(run, &lines);
	if (verdict == VERDICT_DONE)
		verdict = set_lines(run, request, &lines, answer);
	if (verdict != VERDICT_DONE || known != VERDICT_DONE)
		return verdict == VERDICT_REFUSED ? verdict : VERDICT_NEED;
	note_change(run, &(struct step){
						 .kind = STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_STOCK_POLICY,
						 .part = lines.part,
						 .document_code = request->location,
						 .step = "set_quota",
						 .channel = request->channel,
					 });
	return VERDICT_DONE;
}

static int32_t route_set_quota(const void *message, const struct book_limits *limits)
{
	const Stockbook__V1__SetQuotaRequest *request = message;
	return part_of(request->location, limits->parts);
}

/* clang-format off */
const struct operation quota_operations[] = {
	{
		.name = "StockService/SetQuota",
		.request = &stockbook__v1__set_quota_request__descriptor,
		.response = &stockbook__v1__set_quota_response__descriptor,
		.run = set_quota,
		.route = route_set_quota,
		.writes = true,
	},
	{0},
};
/* clang-format on */
