/* Workset: the events of a batch, their numbers, and the rows that are to be stored. */

#include "book/workset_private.h"

/* ---- Events ---- */

static void event_add(struct workset *set, struct row *row)
{
	CHECK(set->run != 0);
	set->events =
		arena_grow(set->arena, set->events, set->event_count, &set->event_capacity, sizeof(row));
	set->events[set->event_count++] = row;
}

void workset_add_movement(struct workset *set, struct movement_row *movement)
{
	CHECK(movement->row.table == TABLE(movement) && movement->quantity > 0);
	event_add(set, &movement->row);
}

static struct change_row *change_copy(struct workset *set, const struct change_row *change)
{
	struct change_row *copy = arena_copy(set->arena, change, sizeof(*change));
	copy->movements = 0;
	return copy;
}

/* A change is noted in its own part and in every part that its movements are in, so that each part
 * tells its own story in its own order. */
void workset_add_change(struct workset *set, struct change_row *change)
{
	CHECK(change->row.table == TABLE(change));
	size_t first = set->event_open;
	size_t last = set->event_count;
	/* Movements of one part must stand together, before that part's change: stable regrouping by
	 * part, in the order in which the parts first appear. Quadratic in parts, of which there are
	 * few in one operation. */
	struct row **moved =
		arena_copy(set->arena, set->events + first, (last - first) * sizeof(*moved));
	set->event_count = first;
	bool own_part_done = false;
	for (size_t i = 0; i < last - first; i++) {
		if (!moved[i])
			continue;
		struct change_row *copy = change_copy(set, change);
		copy->part = ((struct movement_row *)moved[i])->part;
		own_part_done = own_part_done || copy->part == change->part;
		for (size_t j = i; j < last - first; j++) {
			if (!moved[j] || ((struct movement_row *)moved[j])->part != copy->part)
				continue;
			event_add(set, moved[j]);
			moved[j] = NULL;
			copy->movements++;
		}
		event_add(set, &copy->row);
	}
	if (!own_part_done)
		event_add(set, &change_copy(set, change)->row);
	set->event_open = set->event_count;
}

struct row *const *workset_events(struct workset *set, size_t *count)
{
	*count = set->event_count;
	return set->events;
}

size_t workset_event_count(const struct workset *set)
{
	return set->event_count;
}

static int32_t event_part(const struct row *event)
{
	return event->table == TABLE(movement) ? ((const struct movement_row *)event)->part
										   : ((const struct change_row *)event)->part;
}

static int total_compare(const void *a, const void *b)
{
	const struct part_total *x = a;
	const struct part_total *y = b;
	return (x->part > y->part) - (x->part < y->part);
}

static struct part_total *total_of(struct part_total *totals, size_t *count, int32_t part)
{
	for (size_t i = 0; i < *count; i++)
		if (totals[i].part == part)
			return &totals[i];
	totals[*count] = (struct part_total){part, 0};
	return &totals[(*count)++];
}

const struct part_total *workset_number(struct workset *set, size_t *count)
{
	CHECK(set->event_open == set->event_count);
	struct part_total *totals =
		arena_alloc_array(set->arena, set->event_count + 1, sizeof(*totals));
	*count = 0;
	/* Backwards: the last event of a part gets offset 0, and a change is met before the movements
	 * that name it. */
	int64_t *change_offset = arena_alloc_array(set->arena, set->event_count + 1, sizeof(int64_t));
	for (size_t i = set->event_count; i-- > 0;) {
		struct row *event = set->events[i];
		struct part_total *total = total_of(totals, count, event_part(event));
		int64_t offset = -(int64_t)total->events;
		total->events++;
		if (event->table == TABLE(change)) {
			((struct change_row *)event)->sequence = offset;
			change_offset[total - totals] = offset;
		} else {
			((struct movement_row *)event)->sequence = offset;
			((struct movement_row *)event)->change_sequence = change_offset[total - totals];
		}
	}
	qsort(totals, *count, sizeof(*totals), total_compare);
	return totals;
}

/* ---- What is to be stored ---- */

static bool row_has_fate(const struct row *row, enum row_fate fate)
{
	switch (fate) {
	case ROW_INSERTED:
		return row->inserted;
	case ROW_CHANGED:
		return row->changed;
	case ROW_DELETED:
		return row->deleted;
	}
	return false;
}

const void *const *workset_rows(struct workset *set, const struct table *table, enum row_fate fate,
	size_t *count)
{
	const void **rows = NULL;
	size_t capacity = 0;
	*count = 0;
	/* Most batches touch three tables of the many. */
	if (!(set->touched & 1U << (table - tables)))
		return NULL;
	for (size_t i = 0; i < set->slot_count; i++) {
		struct row *row = set->slots[i];
		if (!row || row->table != table || !row_has_fate(row, fate))
			continue;
		rows = arena_grow(set->arena, rows, *count, &capacity, sizeof(*rows));
		rows[(*count)++] = row;
	}
	if (*count > 1)
		qsort(rows, *count, sizeof(*rows), workset_row_order);
	return rows;
}
