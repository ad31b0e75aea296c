/*
 * Items: put, get, list. Every SKU and every alias has a row in item_alias, a SKU's own naming
 * itself: one key that both compete for, so that two calls at once cannot make one text mean two
 * items.
 */
#include "book/item.h"

#include <string.h>

#include "book/page.h"
#include "book/text_index.h"
#include "stockbook/v1/item.pb-c.h"

static Stockbook__V1__Item *make_item(struct arena *arena, const struct item_row *row)
{
	Stockbook__V1__Item *item = arena_alloc(arena, sizeof(*item));
	stockbook__v1__item__init(item);
	item->sku = arena_string(arena, row->sku);
	item->name = arena_string(arena, row->name);
	item->aliases = arena_alloc_array(arena, row->aliases.count, sizeof(*item->aliases));
	for (size_t i = 0; i < row->aliases.count; i++)
		item->aliases[item->n_aliases++] = arena_string(arena, row->aliases.items[i]);
	item->safety_stock = make_count(arena, row->safety_stock);
	item->create_time = make_timestamp(arena, row->created_at);
	item->update_time = make_timestamp(arena, row->updated_at);
	return item;
}

/* ---- PutItem ---- */

static enum verdict refuse_alias(struct run *run, const char *alias, const char *sku,
	const char *field)
{
	refuse(run, STOCKBOOK__V1__REASON__REASON_ALIAS_TAKEN, "'%s' already means sku '%s'", alias,
		sku);
	refuse_with(run, "field", "%s", field);
	refuse_with(run, "alias", "%s", alias);
	refuse_with(run, "sku", "%s", sku);
	return VERDICT_REFUSED;
}

static enum verdict check_item(struct run *run, const Stockbook__V1__Item *item)
{
	struct text_index seen;
	text_index_init(&seen, run->arena, item->n_aliases + 1);
	text_index_add(&seen, item->sku, NULL);
	for (size_t i = 0; i < item->n_aliases; i++) {
		char *field = arena_printf(run->arena, "item.aliases[%zu]", i);
		bool added;
		text_index_add(&seen, item->aliases[i], &added);
		if (!added)
			return refuse_field(run, field, "'%s' is the item's sku or there twice",
				item->aliases[i]);
	}
	if (item->safety_stock &&
		(item->safety_stock->value < 0 || item->safety_stock->value > QUANTITY_MAX))
		return refuse_field(run, "item.safety_stock", "must be from 0 to %lld",
			(long long)QUANTITY_MAX);
	return VERDICT_DONE;
}

/* Makes the text mean the SKU, or refuses when it means another. */
static enum verdict claim_text(struct run *run, const char *text, const char *sku,
	const char *field)
{
	const struct item_alias_row *alias;
	const struct item_row *item;
	enum lookup alias_found = find_item_alias(run, text, ACCESS_LOCK, &alias);
	enum lookup item_found = find_item(run, text, ACCESS_PEEK, &item);
	if (alias_found == LOOKUP_NEEDED || item_found == LOOKUP_NEEDED)
		return VERDICT_NEED;
	if (item_found == LOOKUP_FOUND && strcmp(text, sku) != 0)
		return refuse_alias(run, text, text, field);
	if (alias_found == LOOKUP_FOUND)
		return strcmp(alias->sku, sku) == 0 ? VERDICT_DONE
											: refuse_alias(run, text, alias->sku, field);
	struct item_alias_row *fresh = row_new(TABLE(item_alias), workset_arena(run->set));
	fresh->part = part_of(text, run->limits->parts);
	fresh->alias = arena_string(workset_arena(run->set), text);
	fresh->sku = arena_string(workset_arena(run->set), sku);
	workset_insert(run->set, fresh);
	return VERDICT_DONE;
}

static enum verdict claim_texts(struct run *run, const Stockbook__V1__Item *item)
{
	enum verdict verdict = claim_text(run, item->sku, item->sku, "item.sku");
	for (size_t i = 0; i < item->n_aliases && verdict != VERDICT_REFUSED; i++) {
		char *field = arena_printf(run->arena, "item.aliases[%zu]", i);
		enum verdict one = claim_text(run, item->aliases[i], item->sku, field);
		if (one != VERDICT_DONE)
			verdict = one;
	}
	return verdict;
}

/* Aliases that the item had and has no longer mean nothing. */
static enum verdict drop_aliases(struct run *run, const struct item_row *before,
	const Stockbook__V1__Item *item)
{
	struct text_index kept;
	text_index_init(&kept, run->arena, item->n_aliases + before->aliases.count + 1);
	for (size_t i = 0; i < item->n_aliases; i++)
		text_index_add(&kept, item->aliases[i], NULL);
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < before->aliases.count; i++) {
		bool dropped;
		text_index_add(&kept, before->aliases.items[i], &dropped);
		if (!dropped)
			continue;
		const struct item_alias_row *alias;
		enum lookup found = find_item_alias(run, before->aliases.items[i], ACCESS_LOCK, &alias);
		if (found == LOOKUP_NEEDED)
			verdict = VERDICT_NEED;
		else if (found == LOOKUP_FOUND && strcmp(alias->sku, item->sku) == 0)
			workset_delete(run->set, alias);
	}
	return verdict;
}

/* Texts of a message, copied so that they live as long as the set. */
static struct text_list keep_texts(struct run *run, char *const *texts, size_t count)
{
	const char **kept = arena_alloc_array(workset_arena(run->set), count, sizeof(*kept));
	for (size_t i = 0; i < count; i++)
		kept[i] = arena_string(workset_arena(run->set), texts[i]);
	return (struct text_list){kept, count};
}

static void fill_item(struct run *run, struct item_row *row, const Stockbook__V1__Item *item)
{
	row->name = arena_string(workset_arena(run->set), item->name);
	row->aliases = keep_texts(run, item->aliases, item->n_aliases);
	row->safety_stock = item->safety_stock ? item->safety_stock->value : COUNT_NONE;
	row->updated_at = run->now_us;
}

static enum verdict put_item(struct run *run, const void *message, void *answer)
{
	const Stockbook__V1__PutItemRequest *request = message;
	Stockbook__V1__PutItemResponse *response = answer;
	const Stockbook__V1__Item *item = request->item;
	enum verdict verdict = check_item(run, item);
	if (verdict != VERDICT_DONE)
		return verdict;

	const struct item_row *before = NULL;
	enum lookup found = find_item(run, item->sku, ACCESS_LOCK, &before);
	verdict = claim_texts(run, item);
	if (found == LOOKUP_NEEDED || verdict != VERDICT_DONE)
		return found == LOOKUP_NEEDED ? VERDICT_NEED : verdict;
	if (before && drop_aliases(run, before, item) == VERDICT_NEED)
		return VERDICT_NEED;

	struct item_row *row;
	if (before) {
		row = workset_edit(run->set, before);
	} else {
		row = row_new(TABLE(item), workset_arena(run->set));
		row->part = part_of(item->sku, run->limits->parts);
		row->sku = arena_string(workset_arena(run->set), item->sku);
		row->created_at = run->now_us;
		row = workset_insert(run->set, row);
	}
	fill_item(run, row, item);
	note_change(run, &(struct step){
						 .kind = STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_ITEM,
						 .part = row->part,
						 .document_code = row->sku,
						 .step = "put",
					 });
	response->item = make_item(run->arena, row);
	response->created = !before;
	return VERDICT_DONE;
}

static int32_t route_put_item(const void *message, const struct book_limits *limits)
{
	const Stockbook__V1__PutItemRequest *request = message;
	return request->item ? part_of(request->item->sku, limits->parts) : 0;
}

/* ---- GetItem, ListItems ---- */

static enum verdict get_item(struct run *run, const void *message, void *answer)
{
	const Stockbook__V1__GetItemRequest *request = message;
	Stockbook__V1__GetItemResponse *response = answer;
	const char *sku;
	const struct item_row *item;
	enum verdict verdict = resolve_sku(run, request->sku, NULL, ACCESS_PEEK, "sku", &sku);
	if (verdict != VERDICT_DONE)
		return verdict;
	enum lookup found = find_item(run, sku, ACCESS_PEEK, &item);
	if (found == LOOKUP_NEEDED)
		return VERDICT_NEED;
	/* An alias may be known before the item that it names, where one of them comes from a cache. */
	if (found == LOOKUP_ABSENT)
		return refuse(run, STOCKBOOK__V1__REASON__REASON_ITEM_NOT_FOUND, "sku '%s' not found", sku);
	response->item = make_item(run->arena, item);
	return VERDICT_DONE;
}

/* clang-format off */
static const struct scan_shape items_by_sku = {
	.name = "items_by_sku",
	.table = TABLE(item),
	.conditions = {{.field = "sku", .operator = SCAN_PREFIX}},
	.order = {"sku"},
};
/* clang-format on */

static void *list_item(struct run *run, const void *row)
{
	return make_item(run->arena, row);
}

static enum verdict list_items(struct run *run, const void *message, void *response)
{
	const Stockbook__V1__ListItemsRequest *request = message;
	struct scan scan = {.shape = &items_by_sku};
	if (request->sku_prefix[0] != '\0')
		scan.values[0] = (struct scan_value){.present = true, .text = request->sku_prefix};
	return page_list(run, request, &scan, list_item, response);
}

/* clang-format off */
const struct operation item_operations[] = {
	{
		.name = "ItemService/PutItem",
		.request = &stockbook__v1__put_item_request__descriptor,
		.response = &stockbook__v1__put_item_response__descriptor,
		.run = put_item,
		.route = route_put_item,
		.writes = true,
	},
	{
		.name = "ItemService/GetItem",
		.request = &stockbook__v1__get_item_request__descriptor,
		.response = &stockbook__v1__get_item_response__descriptor,
		.run = get_item,
	},
	{
		.name = "ItemService/ListItems",
		.request = &stockbook__v1__list_items_request__descriptor,
		.response = &stockbook__v1__list_items_response__descriptor,
		.run = list_items,
	},
	{0},
};
/* clang-format on */
