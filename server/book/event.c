/* Events: filter and message. */
#include "book/event.h"

#include "book/ledger.h"

static void index_all(struct text_index *index, struct arena *arena, char *const *texts,
	size_t count)
{
	text_index_init(index, arena, count);
	for (size_t i = 0; i < count; i++)
		text_index_add(index, texts[i], NULL);
}

void event_filter_init(struct event_filter *filter, struct arena *arena,
	const Stockbook__V1__StreamEventsRequest *request, int32_t parts)
{
	*filter = (struct event_filter){0};
	index_all(&filter->locations, arena, request->locations, request->n_locations);
	index_all(&filter->skus, arena, request->skus, request->n_skus);
	index_all(&filter->channels, arena, request->channels, request->n_channels);
	for (size_t i = 0; i < request->n_document_kinds; i++)
		filter->kinds |= UINT64_C(1) << request->document_kinds[i];
	filter->about = arena_alloc_array(arena, (size_t)parts, sizeof(*filter->about));
}

static bool meets(const struct text_index *index, const char *text)
{
	return index->count == 0 || text_index_find(index, text) != SIZE_MAX;
}

static bool movement_is_about(const struct event_filter *filter,
	const struct movement_row *movement)
{
	return meets(&filter->skus, movement->sku) &&
		   (meets(&filter->locations, movement->from_location) ||
			   meets(&filter->locations, movement->to_location));
}

/* The item or the location itself, or a step that was made there, without movements. */
static bool change_names(const struct event_filter *filter, const struct change_row *change)
{
	bool item = change->document_kind == STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_ITEM;
	bool location =
		change->document_kind == STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_LOCATION ||
		change->document_kind == STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_STOCK_POLICY;
	bool there = change->location[0] != '\0' && meets(&filter->locations, change->location);
	return (filter->skus.count == 0 || (item && meets(&filter->skus, change->document_code))) &&
		   (filter->locations.count == 0 || there ||
			   (location && meets(&filter->locations, change->document_code)));
}

bool event_passes(struct event_filter *filter, const struct movement_row *movement,
	const struct change_row *change)
{
	bool about = true;
	if (filter->skus.count > 0 || filter->locations.count > 0) {
		about = movement ? movement_is_about(filter, movement)
						 : filter->about[change->part] == change->sequence ||
							   change_names(filter, change);
		if (about && movement)
			filter->about[change->part] = change->sequence;
	}
	return about && meets(&filter->channels, change->channel) &&
		   (filter->kinds == 0 || filter->kinds >> change->document_kind & 1);
}

Stockbook__V1__Event *make_event(struct arena *arena, const struct movement_row *movement,
	const struct change_row *change)
{
	Stockbook__V1__Event *event = arena_alloc(arena, sizeof(*event));
	stockbook__v1__event__init(event);
	if (movement)
		event->movement = make_movement(arena, movement, change);
	else
		event->change = make_change(arena, change);
	return event;
}
