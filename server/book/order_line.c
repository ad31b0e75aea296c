#include "book/order_line.h"

#include <string.h>

void order_line_load(struct run *run, const struct order_line_row *row, struct order_line *line)
{
	*line = (struct order_line){
		.row = row,
		.line = row->line,
		.sku = row->sku,
		.method = (Stockbook__V1__FulfilmentMethod)row->method,
		.pickup_location = row->pickup_location,
		.unit_price = row->unit_price,
		.ordered = row->ordered,
		.open = row->open,
		.allocated = row->allocated,
		.picked = row->picked,
		.fulfilled = row->fulfilled,
		.cancelled = row->cancelled,
		.returned = row->returned,
	};
	size_t count = row->allocation_location.count;
	line->allocations = arena_alloc_array(run->arena, count, sizeof(*line->allocations));
	line->allocation_count = line->allocation_capacity = count;
	for (size_t i = 0; i < count; i++)
		line->allocations[i] = (struct order_allocation){
			.location = row->allocation_location.items[i],
			.allocated = row->allocation_allocated.items[i],
			.picked = row->allocation_picked.items[i],
			.fulfilled = row->allocation_fulfilled.items[i],
			.awaiting = row->allocation_awaiting.items[i],
		};
}

/* What the database checks too, and that the locations' figures sum to the line's. */
static void check_line(const struct order_line *line)
{
	CHECK(line->open >= 0 && line->allocated >= 0 && line->picked >= 0 && line->fulfilled >= 0 &&
		  line->cancelled >= 0);
	CHECK(line->ordered ==
		  line->open + line->allocated + line->picked + line->fulfilled + line->cancelled);
	CHECK(line->returned >= 0 && line->returned <= line->fulfilled);
	struct order_allocation sum = {0};
	for (size_t i = 0; i < line->allocation_count; i++) {
		sum.allocated += line->allocations[i].allocated;
		sum.picked += line->allocations[i].picked;
		sum.fulfilled += line->allocations[i].fulfilled;
		CHECK(line->allocations[i].awaiting >= 0 &&
			  line->allocations[i].awaiting <= line->allocations[i].allocated);
	}
	CHECK(sum.allocated == line->allocated && sum.picked == line->picked &&
		  sum.fulfilled == line->fulfilled);
}

/* Locations that serve nothing of the line any more are left out. */
static void store_allocations(struct arena *arena, const struct order_line *line,
	struct order_line_row *row)
{
	size_t most = line->allocation_count;
	const char **locations = arena_alloc_array(arena, most, sizeof(*locations));
	int64_t *allocated = arena_alloc_array(arena, most, sizeof(*allocated));
	int64_t *picked = arena_alloc_array(arena, most, sizeof(*picked));
	int64_t *fulfilled = arena_alloc_array(arena, most, sizeof(*fulfilled));
	int64_t *awaiting = arena_alloc_array(arena, most, sizeof(*awaiting));
	size_t count = 0;
	for (size_t i = 0; i < most; i++) {
		const struct order_allocation *from = &line->allocations[i];
		if (from->allocated == 0 && from->picked == 0 && from->fulfilled == 0)
			continue;
		locations[count] = arena_string(arena, from->location);
		allocated[count] = from->allocated;
		picked[count] = from->picked;
		awaiting[count] = from->awaiting;
		fulfilled[count++] = from->fulfilled;
	}
	row->allocation_location = (struct text_list){locations, count};
	row->allocation_allocated = (struct count_list){allocated, count};
	row->allocation_picked = (struct count_list){picked, count};
	row->allocation_fulfilled = (struct count_list){fulfilled, count};
	row->allocation_awaiting = (struct count_list){awaiting, count};
}

void order_line_store(struct run *run, const struct customer_order_row *order,
	struct order_line *line)
{
	check_line(line);
	struct arena *arena = workset_arena(run->set);
	struct order_line_row *row;
	if (line->row) {
		row = workset_edit(run->set, line->row);
	} else {
		row = row_new(TABLE(order_line), arena);
		row->part = order->part;
		row->order_id = order->id;
		row->line = line->line;
		row = workset_insert(run->set, row);
		row->sku = arena_string(arena, line->sku);
		row->method = (int32_t)line->method;
		line->row = row;
	}
	if (line->pickup_location && strcmp(row->pickup_location, line->pickup_location) != 0)
		row->pickup_location = arena_string(arena, line->pickup_location);
	line->changed = false;
	row->unit_price = line->unit_price;
	row->ordered = line->ordered;
	row->open = line->open;
	row->allocated = line->allocated;
	row->picked = line->picked;
	row->fulfilled = line->fulfilled;
	row->cancelled = line->cancelled;
	row->returned = line->returned;
	store_allocations(arena, line, row);
}

struct order_allocation *order_line_at(struct run *run, struct order_line *line,
	const char *location)
{
	for (size_t i = 0; i < line->allocation_count; i++)
		if (strcmp(line->allocations[i].location, location) == 0)
			return &line->allocations[i];
	line->allocations = arena_grow(run->arena, line->allocations, line->allocation_count,
		&line->allocation_capacity, sizeof(*line->allocations));
	struct order_allocation *added = &line->allocations[line->allocation_count++];
	*added = (struct order_allocation){.location = location};
	return added;
}

static Stockbook__V1__OrderAllocation *allocation_message(struct arena *arena,
	const struct order_allocation *allocation)
{
	Stockbook__V1__OrderAllocation *message = arena_alloc(arena, sizeof(*message));
	stockbook__v1__order_allocation__init(message);
	message->location = arena_string(arena, allocation->location);
	message->allocated = allocation->allocated;
	message->picked = allocation->picked;
	message->fulfilled = allocation->fulfilled;
	message->awaiting = allocation->awaiting;
	return message;
}

Stockbook__V1__OrderLine *order_line_message(struct run *run, const struct order_line *line,
	const char *currency)
{
	Stockbook__V1__OrderLine *message = arena_alloc(run->arena, sizeof(*message));
	stockbook__v1__order_line__init(message);
	message->line = line->line;
	message->sku = arena_string(run->arena, line->sku);
	message->method = line->method;
	message->pickup_location = line->pickup_location
								   ? arena_string(run->arena, line->pickup_location)
								   : message->pickup_location;
	message->unit_price = make_money(run, line->unit_price, currency);
	message->ordered = line->ordered;
	message->open = line->open;
	message->allocated = line->allocated;
	message->picked = line->picked;
	message->fulfilled = line->fulfilled;
	message->cancelled = line->cancelled;
	message->returned = line->returned;
	message->allocations =
		arena_alloc_array(run->arena, line->allocation_count, sizeof(*message->allocations));
	for (size_t i = 0; i < line->allocation_count; i++) {
		const struct order_allocation *from = &line->allocations[i];
		if (from->allocated > 0 || from->picked > 0 || from->fulfilled > 0)
			message->allocations[message->n_allocations++] = allocation_message(run->arena, from);
	}
	return message;
}
