#include "pick.h"

#include <string.h>

#include "parse.h"

struct scan_item *pick_items(struct cli *cli, Stockbook__V1__WorkLine *const *lines, size_t count)
{
	struct scan_item *items = arena_alloc_array(&cli->arena, count, sizeof(*items));
	for (size_t i = 0; i < count; i++)
		items[i] = (struct scan_item){
			.sku = lines[i]->sku,
			.name = lines[i]->name,
			.shelf = lines[i]->shelf,
			.codes = (const char **)(uintptr_t)lines[i]->aliases,
			.codes_count = lines[i]->n_aliases,
			.expected = lines[i]->quantity,
		};
	return items;
}

int pick_bag_of(const Stockbook__V1__ClaimWorkResponse *batch, const char *sku, int64_t number)
{
	for (size_t i = 0; i < batch->n_work; i++) {
		const Stockbook__V1__Work *work = batch->work[i];
		for (size_t j = 0; j < work->n_lines; j++) {
			if (strcmp(work->lines[j]->sku, sku) != 0)
				continue;
			if (number <= work->lines[j]->quantity)
				return (int)i;
			number -= work->lines[j]->quantity;
		}
	}
	return -1;
}

static int64_t at_most(int64_t *left, int64_t wanted)
{
	int64_t taken = *left < wanted ? *left : wanted;
	*left -= taken;
	return taken;
}

struct handled_line **pick_spread(struct cli *cli, const Stockbook__V1__ClaimWorkResponse *batch,
	const struct scan *scan)
{
	struct handled_line **spread =
		arena_alloc_array(&cli->arena, batch->n_work, sizeof(struct handled_line *));
	struct scan_item *left = arena_alloc_array(&cli->arena, scan->count, sizeof(*left));
	if (scan->count)
		memcpy(left, scan->items, scan->count * sizeof(*left));
	struct scan rest = {.items = left, .count = scan->count};
	for (size_t i = 0; i < batch->n_work; i++) {
		const Stockbook__V1__Work *work = batch->work[i];
		spread[i] = arena_alloc_array(&cli->arena, work->n_lines, sizeof(struct handled_line));
		for (size_t j = 0; j < work->n_lines; j++) {
			struct handled_line *line = &spread[i][j];
			struct scan_item *item = scan_find(&rest, work->lines[j]->sku);
			int64_t wanted = work->lines[j]->quantity;
			CHECK(item);
			line->line = work->lines[j]->line;
			line->done = at_most(&item->counted, wanted);
			line->missing = at_most(&item->missing, wanted - line->done);
			line->damaged = at_most(&item->damaged, wanted - line->done - line->missing);
		}
	}
	return spread;
}
