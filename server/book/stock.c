/* Stock: levels and their lists, the lines of facts, and safety stock. */
#include "book/stock.h"

#include "book/page.h"
#include "book/shelf.h"

Stockbook__V1__StockLevel *make_stock_level(struct arena *arena, const char *sku,
	const char *location, const struct stock_row *stock)
{
	Stockbook__V1__StockLevel *level = arena_alloc(arena, sizeof(*level));
	stockbook__v1__stock_level__init(level);
	level->sku = arena_string(arena, sku);
	level->location = arena_string(arena, location);
	if (!stock)
		return level;
	level->available = stock->available;
	level->reserved = stock->reserved;
	level->allocated = stock->allocated;
	level->picked = stock->picked;
	level->damaged = stock->damaged;
	level->quality_control = stock->quality_control;
	level->on_hold = stock->on_hold;
	level->in_transit = stock->in_transit;
	level->on_hand = stock_on_hand(stock);
	level->safety_stock = make_count(arena, stock->safety_stock);
	return level;
}

/* ---- The lines of a fact ---- */

/* DONE: the line's SKU is known and its stock row locked, be it there or not. */
static enum verdict line_open(struct run *run, const char *location, const struct stock_line *line,
	size_t index, const char **sku)
{
	char *field = field_path(run->arena, "lines", index, "sku");
	enum verdict verdict = resolve_sku(run, line->sku, location, ACCESS_LOCK, field, sku);
	if (verdict != VERDICT_DONE)
		return verdict;
	const struct stock_row *stock;
	return find_stock(run, *sku, location, ACCESS_LOCK, &stock) == LOOKUP_NEEDED ? VERDICT_NEED
																				 : VERDICT_DONE;
}

enum verdict stock_lines_open(struct run *run, const char *location, void *const *lines,
	size_t count, struct stock_lines *opened)
{
	*opened = (struct stock_lines){
		.location = location,
		.part = part_of(location, run->limits->parts),
		.count = count,
		.skus = arena_alloc_array(run->arena, count, sizeof(*opened->skus)),
		.numbers = arena_alloc_array(run->arena, count, sizeof(*opened->numbers)),
	};
	text_index_init(&opened->distinct, run->arena, count);
	enum verdict verdict = check_location(run, location, LOCATION_ANY, true, "location");
	if (verdict == VERDICT_REFUSED)
		return verdict;
	for (size_t i = 0; i < count; i++) {
		enum verdict one = line_open(run, location, lines[i], i, &opened->skus[i]);
		/* What is refused here may be refused only for want of what is still to be loaded. */
		if (one == VERDICT_REFUSED)
			return verdict == VERDICT_NEED ? VERDICT_NEED : one;
		if (one == VERDICT_NEED)
			verdict = VERDICT_NEED;
		else
			opened->numbers[i] = text_index_add(&opened->distinct, opened->skus[i], NULL);
	}
	return verdict;
}

enum verdict stock_lines_once(struct run *run, const struct stock_lines *lines)
{
	if (lines->distinct.count == lines->count)
		return VERDICT_DONE;
	struct text_index seen;
	text_index_init(&seen, run->arena, lines->count);
	for (size_t i = 0; i < lines->count; i++) {
		bool added;
		text_index_add(&seen, lines->skus[i], &added);
		if (!added)
			return refuse_field(run, arena_printf(run->arena, "lines[%zu].sku", i),
				"sku '%s' is on two lines", lines->skus[i]);
	}
	return VERDICT_DONE;
}

const struct stock_row *stock_lines_row(struct run *run, const struct stock_lines *lines,
	const char *sku)
{
	const struct stock_row *stock = NULL;
	enum lookup found = find_stock(run, sku, lines->location, ACCESS_LOCK, &stock);
	CHECK(found != LOOKUP_NEEDED);
	return stock;
}

Stockbook__V1__StockLevel **stock_lines_levels(struct run *run, const struct stock_lines *lines,
	size_t *count)
{
	Stockbook__V1__StockLevel **levels =
		arena_alloc_array(run->arena, lines->distinct.count, sizeof(*levels));
	*count = lines->distinct.count;
	for (size_t i = 0; i < *count; i++) {
		const char *sku = lines->distinct.texts[i];
		levels[i] =
			make_stock_level(run->arena, sku, lines->location, stock_lines_row(run, lines, sku));
	}
	return levels;
}

/* ---- ListStock, ListShortages ---- */

/* clang-format off */
static const struct scan_shape stock_by_location = {
	.name = "stock_by_location",
	.table = TABLE(stock),
	.conditions = {{.field = "location", .operator = SCAN_EQUAL}},
	.order = {"sku"},
};
static const struct scan_shape stock_by_sku = {
	.name = "stock_by_sku",
	.table = TABLE(stock),
	.conditions = {{.field = "sku", .operator = SCAN_EQUAL}},
	.order = {"location"},
};
static const struct scan_shape stock_in_shortage = {
	.name = "stock_in_shortage",
	.table = TABLE(stock),
	.conditions = {
		{.field = "in_shortage", .operator = SCAN_IS, .constant = 1},
		{.field = "location", .operator = SCAN_EQUAL},
	},
	.order = {"location", "sku"},
};
/* clang-format on */

static void *list_level(struct run *run, const void *row)
{
	const struct stock_row *stock = row;
	return make_stock_level(run->arena, stock->sku, stock->location, stock);
}

/* The one row of a SKU at a location; a list of none when there is none. */
static enum verdict list_one(struct run *run, const char *sku, const char *location,
	Stockbook__V1__ListStockResponse *response)
{
	const struct stock_row *stock;
	enum lookup found = find_stock(run, sku, location, ACCESS_PEEK, &stock);
	if (found == LOOKUP_NEEDED)
		return VERDICT_NEED;
	if (found == LOOKUP_ABSENT)
		return VERDICT_DONE;
	response->levels = arena_alloc_array(run->arena, 1, sizeof(*response->levels));
	response->levels[response->n_levels++] = make_stock_level(run->arena, sku, location, stock);
	return VERDICT_DONE;
}

static enum verdict list_stock(struct run *run, const void *message, void *answer)
{
	const Stockbook__V1__ListStockRequest *request = message;
	Stockbook__V1__ListStockResponse *response = answer;
	bool by_sku = request->sku[0] != '\0';
	bool by_location = request->location[0] != '\0';
	if (!by_sku && !by_location)
		return refuse_field(run, "sku", "name a sku, a location, or both");
	const char *sku = NULL;
	enum verdict location_verdict = VERDICT_DONE;
	enum verdict sku_verdict = VERDICT_DONE;
	if (by_location)
		location_verdict = check_location(run, request->location, LOCATION_ANY, false, "location");
	if (location_verdict == VERDICT_REFUSED)
		return location_verdict;
	if (by_sku)
		sku_verdict = resolve_sku(run, request->sku, NULL, ACCESS_PEEK, "sku", &sku);
	if (location_verdict == VERDICT_NEED || sku_verdict != VERDICT_DONE)
		return location_verdict == VERDICT_NEED ? VERDICT_NEED : sku_verdict;
	if (by_sku && by_location)
		return list_one(run, sku, request->location, response);
	struct scan scan = {
		.shape = by_sku ? &stock_by_sku : &stock_by_location,
		.values = {{.present = true, .text = by_sku ? sku : request->location}},
	};
	return page_list(run, message, &scan, list_level, answer);
}

static enum verdict list_shortages(struct run *run, const void *message, void *answer)
{
	const Stockbook__V1__ListShortagesRequest *request = message;
	struct scan scan = {.shape = &stock_in_shortage};
	if (request->location[0] != '\0') {
		enum verdict verdict =
			check_location(run, request->location, LOCATION_ANY, false, "location");
		if (verdict != VERDICT_DONE)
			return verdict;
		scan.values[1] = (struct scan_value){.present = true, .text = request->location};
	}
	return page_list(run, message, &scan, list_level, answer);
}

/* ---- SetSafetyStock ---- */

static void set_safety_stock_of(struct run *run, const struct stock_lines *lines, const char *sku,
	int64_t quantity)
{
	const struct stock_row *stock = stock_lines_row(run, lines, sku);
	if (stock) {
		struct stock_row *edited = workset_edit(run->set, stock);
		edited->safety_stock = quantity;
		edited->version++;
		return;
	}
	if (quantity == COUNT_NONE)
		return;
	struct stock_row *fresh = row_new(TABLE(stock), workset_arena(run->set));
	fresh->part = lines->part;
	fresh->sku = arena_string(workset_arena(run->set), sku);
	fresh->location = arena_string(workset_arena(run->set), lines->location);
	fresh->safety_stock = quantity;
	fresh->version = 1;
	workset_insert(run->set, fresh);
}

static enum verdict set_safety_stock(struct run *run, const void *message, void *answer)
{
	const Stockbook__V1__SetSafetyStockRequest *request = message;
	Stockbook__V1__SetSafetyStockResponse *response = answer;
	struct stock_lines lines;
	enum verdict verdict = stock_lines_open(run, request->location, (void *const *)request->lines,
		request->n_lines, &lines);
	if (verdict == VERDICT_DONE)
		verdict = stock_lines_once(run, &lines);
	if (verdict != VERDICT_DONE)
		return verdict;
	for (size_t i = 0; i < request->n_lines; i++) {
		const Google__Protobuf__Int64Value *quantity = request->lines[i]->quantity;
		if (quantity && (quantity->value < 0 || quantity->value > QUANTITY_MAX))
			return refuse_field(run, arena_printf(run->arena, "lines[%zu].quantity", i),
				"must be from 0 to %lld", (long long)QUANTITY_MAX);
		set_safety_stock_of(run, &lines, lines.skus[i], quantity ? quantity->value : COUNT_NONE);
	}
	note_change(run, &(struct step){
						 .kind = STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_STOCK_POLICY,
						 .part = lines.part,
						 .document_code = request->location,
						 .step = "set_safety_stock",
					 });
	response->levels = stock_lines_levels(run, &lines, &response->n_levels);
	return VERDICT_DONE;
}

static int32_t route_set_safety_stock(const void *message, const struct book_limits *limits)
{
	const Stockbook__V1__SetSafetyStockRequest *request = message;
	return part_of(request->location, limits->parts);
}

/* clang-format off */
const struct operation stock_operations[] = {
	{
		.name = "StockService/ListStock",
		.request = &stockbook__v1__list_stock_request__descriptor,
		.response = &stockbook__v1__list_stock_response__descriptor,
		.run = list_stock,
	},
	{
		.name = "StockService/ListShortages",
		.request = &stockbook__v1__list_shortages_request__descriptor,
		.response = &stockbook__v1__list_shortages_response__descriptor,
		.run = list_shortages,
	},
	{
		.name = "StockService/SetSafetyStock",
		.request = &stockbook__v1__set_safety_stock_request__descriptor,
		.response = &stockbook__v1__set_safety_stock_response__descriptor,
		.run = set_safety_stock,
		.route = route_set_safety_stock,
		.writes = true,
	},
	{
		.name = "StockService/SetShelf",
		.request = &stockbook__v1__set_shelf_request__descriptor,
		.response = &stockbook__v1__set_shelf_response__descriptor,
		.run = shelf_set,
		.route = shelf_route,
		.writes = true,
	},
	{0},
};
/* clang-format on */
