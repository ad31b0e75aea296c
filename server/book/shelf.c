#include "book/shelf.h"

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
