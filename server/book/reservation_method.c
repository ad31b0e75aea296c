#include "book/reservation_method.h"

#include <string.h>

#include "book/text_index.h"

#define METHOD(name) STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_##name

/* The hold's lines by their SKU. */
struct holding {
	const struct reservation_row *row;
	struct text_index skus;
	size_t sku_count;
	size_t *first; /* by the SKU's number: a line of it, + 1 */
	size_t *next;  /* by the line: another of the same SKU, + 1 */
};

static void holding_init(struct holding *holding, struct run *run,
	const struct reservation_row *row, size_t named)
{
	size_t count = row->line_sku.count;
	*holding = (struct holding){.row = row};
	/* Each line of the request may name one more, and that may be an alias. */
	text_index_init(&holding->skus, run->arena, count + 2 * named);
	holding->first = arena_alloc_array(run->arena, count, sizeof(size_t));
	holding->next = arena_alloc_array(run->arena, count, sizeof(size_t));
	for (size_t i = count; i-- > 0;) {
		size_t number = text_index_add(&holding->skus, row->line_sku.items[i], NULL);
		holding->next[i] = holding->first[number];
		holding->first[number] = i + 1;
	}
	holding->sku_count = holding->skus.count;
}

/* Index + 1 of its first line; 0: there is none. */
static size_t first_of(struct holding *holding, const char *sku)
{
	size_t number = text_index_add(&holding->skus, sku, NULL);
	return number < holding->sku_count ? holding->first[number] : 0;
}

static char *field_of(struct run *run, size_t index, const char *name)
{
	return field_path(run->arena, "lines", index, name);
}

/* ---- What a line of the request says ---- */

static enum verdict check_way(struct run *run, const Stockbook__V1__ConfirmLine *line, size_t index)
{
	bool known = line->method == METHOD(SHIP) || line->method == METHOD(CARRY_OUT) ||
				 line->method == METHOD(PICKUP) || line->method == METHOD(SHIP_TO_STORE);
	if (!known)
		return refuse_field(run, field_of(run, index, "method"), "is not a known method");
	bool to_store = line->method == METHOD(SHIP_TO_STORE);
	if (to_store && line->pickup_location[0] == '\0')
		return refuse_field(run, field_of(run, index, "pickup_location"),
			"is needed for SHIP_TO_STORE: where the customer fetches it");
	if (!to_store && line->pickup_location[0])
		return refuse_field(run, field_of(run, index, "pickup_location"), "is for SHIP_TO_STORE");
	if (!to_store)
		return VERDICT_DONE;
	return check_location(run, line->pickup_location, LOCATION_PICKUP, false,
		field_of(run, index, "pickup_location"));
}

static enum verdict name_line(struct run *run, struct holding *holding,
	const Stockbook__V1__ConfirmLine *line, size_t index, struct reservation_method *ways)
{
	enum verdict verdict = check_way(run, line, index);
	if (verdict != VERDICT_DONE)
		return verdict;
	size_t at = first_of(holding, line->sku);
	if (at == 0) {
		const char *sku;
		verdict = resolve_sku(run, line->sku, NULL, ACCESS_PEEK, field_of(run, index, "sku"), &sku);
		if (verdict != VERDICT_DONE)
			return verdict;
		at = first_of(holding, sku);
	}
	bool found = false;
	for (; at != 0; at = holding->next[at - 1]) {
		struct reservation_method *way = &ways[at - 1];
		if (line->location[0] &&
			strcmp(line->location, holding->row->line_location.items[at - 1]) != 0)
			continue;
		if (way->named)
			return refuse_field(run, field_of(run, index, "sku"), "is named by two lines");
		*way = (struct reservation_method){
			.method = line->method, .pickup_location = line->pickup_location, .named = true};
		found = true;
	}
	if (!found)
		return refuse_field(run, field_of(run, index, "sku"), "is not held there");
	return VERDICT_DONE;
}

/* ---- What the locations must do ---- */

static enum verdict settle(struct run *run, const Stockbook__V1__ConfirmReservationRequest *request,
	const char *location, struct reservation_method *way)
{
	way->leaves =
		way->method == METHOD(CARRY_OUT) || (request->fulfil && way->method == METHOD(SHIP));
	if (way->method == METHOD(PICKUP)) {
		way->pickup_location = location;
		return check_location(run, location, LOCATION_PICKUP, false, NULL);
	}
	/* Handing over is a fact: a store's token does it where it stands. */
	if (way->leaves && run->actor->bound)
		return check_location(run, location, LOCATION_ANY, true, NULL);
	return VERDICT_DONE;
}

enum verdict reservation_methods_decide(struct run *run,
	const Stockbook__V1__ConfirmReservationRequest *request, const struct reservation_row *row,
	struct reservation_methods *methods)
{
	size_t count = row->line_sku.count;
	methods->uniform = request->n_lines == 0;
	methods->of = arena_alloc_array(run->arena, count, sizeof(*methods->of));
	for (size_t i = 0; i < count; i++)
		methods->of[i] = (struct reservation_method){
			.method = request->method == METHOD(UNSPECIFIED) ? METHOD(SHIP) : request->method,
			.pickup_location = "",
		};
	bool need = false;
	struct holding holding;
	if (request->n_lines > 0)
		holding_init(&holding, run, row, request->n_lines);
	for (size_t i = 0; i < request->n_lines; i++) {
		enum verdict verdict = name_line(run, &holding, request->lines[i], i, methods->of);
		if (verdict == VERDICT_REFUSED)
			return verdict;
		need = need || verdict == VERDICT_NEED;
	}
	for (size_t i = 0; i < count; i++) {
		struct reservation_method *way = &methods->of[i];
		if (way->method == METHOD(SHIP_TO_STORE) && !way->named) {
			if (need) /* the line that names it may be one that is not known yet */
				continue;
			return refuse_field(run, "lines",
				"must say for SHIP_TO_STORE where the customer fetches it");
		}
		enum verdict verdict = settle(run, request, row->line_location.items[i], way);
		if (verdict == VERDICT_REFUSED)
			return verdict;
		need = need || verdict == VERDICT_NEED;
	}
	return need ? VERDICT_NEED : VERDICT_DONE;
}
