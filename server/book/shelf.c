#include "book/shelf.h"

#include "book/text_index.h"
#include "stockbook/v1/stock.pb-c.h"

static enum lookup find_shelf(struct run *run, const char *sku, const char *location,
	enum access access, const struct shelf_row **row)
{
	struct shelf_row key = {
		.part = part_of(location, run->limits->parts), .location = location, .sku = sku};
	return workset_find(run->set, TABLE(shelf), &key, access, (const void **)row);
}

enum verdict shelf_of(struct run *run, const char *sku, const char *location, const char **shelf)
{
	const struct shelf_row *row;
	enum lookup found = find_shelf(run, sku, location, ACCESS_PEEK, &row);
	*shelf = found == LOOKUP_FOUND ? row->shelf : "";
	return found == LOOKUP_NEEDED ? VERDICT_NEED : VERDICT_DONE;
}

/* ---- SetShelf ---- */

/* VERDICT_NEED or VERDICT_DONE; an empty shelf forgets it. */
static enum verdict set_one(struct run *run, const char *sku, const char *location,
	const char *shelf)
{
	const struct shelf_row *row;
	struct arena *arena = workset_arena(run->set);
	enum lookup found = find_shelf(run, sku, location, ACCESS_LOCK, &row);
	if (found == LOOKUP_NEEDED)
		return VERDICT_NEED;
	if (found == LOOKUP_FOUND && shelf[0] == '\0') {
		workset_delete(run->set, row);
	} else if (found == LOOKUP_FOUND) {
		struct shelf_row *edited = workset_edit(run->set, row);
		edited->shelf = arena_string(arena, shelf);
	} else if (shelf[0]) {
		struct shelf_row *fresh = row_new(TABLE(shelf), arena);
		fresh->part = part_of(location, run->limits->parts);
		fresh->location = arena_string(arena, location);
		fresh->sku = arena_string(arena, sku);
		fresh->shelf = arena_string(arena, shelf);
		workset_insert(run->set, fresh);
	}
	return VERDICT_DONE;
}

static enum verdict set_all(struct run *run, const Stockbook__V1__SetShelfRequest *request)
{
	struct text_index seen;
	text_index_init(&seen, run->arena, request->n_lines);
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < request->n_lines; i++) {
		const char *sku;
		bool added;
		char *field = arena_printf(run->arena, "lines[%zu].sku", i);
		enum verdict one = resolve_sku(run, request->lines[i]->sku, NULL, ACCESS_PEEK, field, &sku);
		if (one == VERDICT_DONE) {
			text_index_add(&seen, sku, &added);
			if (!added)
				return refuse_field(run, field, "sku '%s' is on two lines", sku);
			one = set_one(run, sku, request->location, request->lines[i]->shelf);
		}
		if (one == VERDICT_REFUSED)
			return one;
		if (one == VERDICT_NEED)
			verdict = one;
	}
	return verdict;
}

enum verdict shelf_set(struct run *run, const void *request_, void *response)
{
	const Stockbook__V1__SetShelfRequest *request = request_;
	(void)response;
	enum verdict location = check_location(run, request->location, LOCATION_ANY, true, "location");
	if (location == VERDICT_REFUSED)
		return location;
	enum verdict verdict = set_all(run, request);
	if (verdict == VERDICT_REFUSED)
		return verdict;
	if (location == VERDICT_NEED || verdict == VERDICT_NEED)
		return VERDICT_NEED;
	note_change(run, &(struct step){
						 .kind = STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_STOCK_POLICY,
						 .part = part_of(request->location, run->limits->parts),
						 .document_code = request->location,
						 .step = "set_shelf",
						 .location = request->location,
					 });
	return VERDICT_DONE;
}

int32_t shelf_route(const void *request, const struct book_limits *limits)
{
	return part_of(((const Stockbook__V1__SetShelfRequest *)request)->location, limits->parts);
}
