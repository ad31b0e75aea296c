/* Feed page: SQL over ranges of (part, sequence), and rows made into events. */
#include "engine/feed_page.h"

#include <string.h>

#include "engine/bind.h"

struct feed_statements {
	struct arena arena;
	struct db_statement news;
	struct db_statement heads;
	struct db_statement movements;
	struct db_statement changes;
	struct db_statement cut; /* what stands before a range in the step that it cuts */
};

/* By their place in a batch. */
enum { HEADS, MOVEMENTS, CHANGES };
enum { START_HEADS, START_MOVEMENTS, START_CHANGES };

#define RANGES "unnest($1, $2, $3) AS k(part, after, until)"

/* `m."part", m."sequence", ...` */
static const char *columns(struct arena *arena, const struct table *table, const char *prefix)
{
	const char *text = "";
	for (size_t i = 0; i < table->field_count; i++)
		text = arena_printf(arena, "%s%s%s.\"%s\"", text, i > 0 ? ", " : "", prefix,
			table->fields[i].name);
	return text;
}

static struct db_statement statement(const char *name, const char *sql)
{
	static const enum db_type types[] = {DB_INT4_ARRAY, DB_INT8_ARRAY, DB_INT8_ARRAY};
	return (struct db_statement){name, sql, ARRAY_COUNT(types), types};
}

struct feed_statements *feed_statements_new(void)
{
	struct feed_statements *statements = calloc(1, sizeof(*statements));
	CHECK(statements != NULL);
	struct arena *arena = &statements->arena;
	arena_init(arena);
	const char *movement = columns(arena, TABLE(movement), "m");
	const char *change = columns(arena, TABLE(change), "c");
	static const enum db_type known[] = {DB_INT8_ARRAY};
	statements->news = (struct db_statement){"feed news",
		"SELECT h.part, h.sequence FROM part_head h WHERE h.sequence <> ($1)[h.part + 1]",
		ARRAY_COUNT(known), known};
	statements->heads =
		statement("feed heads", "SELECT h.part, h.sequence FROM " RANGES
								" JOIN part_head h ON h.part = k.part WHERE h.sequence <> k.after");
	/* OFFSET 0 keeps the subqueries what they are: a walk along the primary key for each range,
	 * whatever the tables looked like when the plan was made. */
	statements->movements = statement("feed movements",
		arena_printf(arena,
			"SELECT m.* FROM " RANGES
			" JOIN part_head h ON h.part = k.part AND h.sequence > k.after"
			" CROSS JOIN LATERAL (SELECT %s FROM movement m WHERE m.part = k.part"
			" AND m.sequence > k.after AND m.sequence <= least(k.until, h.sequence)"
			" ORDER BY m.part, m.sequence OFFSET 0) m",
			movement));
	/* And the change that the last movement belongs to, where it comes after the range. */
	statements->changes = statement("feed changes",
		arena_printf(arena,
			"SELECT c.* FROM " RANGES
			" JOIN part_head h ON h.part = k.part AND h.sequence > k.after"
			" CROSS JOIN LATERAL (SELECT %s FROM change c WHERE c.part = k.part"
			" AND c.sequence > k.after AND c.sequence <= coalesce((SELECT m.change_sequence"
			" FROM movement m WHERE m.part = k.part AND m.sequence = least(k.until, h.sequence)),"
			" least(k.until, h.sequence)) ORDER BY c.part, c.sequence OFFSET 0) c",
			change));
	statements->cut = statement("feed cut",
		arena_printf(arena,
			"SELECT m.* FROM " RANGES
			" JOIN movement last ON last.part = k.part AND last.sequence = k.after"
			" JOIN change c ON c.part = k.part AND c.sequence = last.change_sequence"
			" CROSS JOIN LATERAL (SELECT %s FROM movement m WHERE m.part = k.part"
			" AND m.sequence >= c.sequence - c.movements AND m.sequence <= k.after"
			" ORDER BY m.part, m.sequence OFFSET 0) m",
			movement));
	return statements;
}

void feed_statements_free(struct feed_statements *statements)
{
	arena_release(&statements->arena);
	free(statements);
}

/* ---- Asking ---- */

static void range_values(struct arena *arena, const struct feed_range *ranges, size_t count,
	struct db_value values[static 3])
{
	struct db_array parts, after, until;
	db_array_init(&parts, arena, DB_INT4);
	db_array_init(&after, arena, DB_INT8);
	db_array_init(&until, arena, DB_INT8);
	for (size_t i = 0; i < count; i++) {
		db_array_add_int4(&parts, ranges[i].part);
		db_array_add_int8(&after, ranges[i].after);
		db_array_add_int8(&until, ranges[i].until);
	}
	values[0] = db_array_value(&parts);
	values[1] = db_array_value(&after);
	values[2] = db_array_value(&until);
}

void feed_news_ask(const struct feed_statements *statements, struct db_batch *batch,
	const int64_t *known, size_t count)
{
	struct db_array array;
	db_array_init(&array, batch->arena, DB_INT8);
	for (size_t i = 0; i < count; i++)
		db_array_add_int8(&array, known[i]);
	struct db_value value = db_array_value(&array);
	db_batch_add(batch, &statements->news, &value);
}

void feed_page_ask(const struct feed_statements *statements, struct db_batch *batch,
	const struct feed_range *ranges, size_t count)
{
	struct db_value values[3];
	range_values(batch->arena, ranges, count, values);
	db_batch_add(batch, &statements->heads, values);
	db_batch_add(batch, &statements->movements, values);
	db_batch_add(batch, &statements->changes, values);
}

void feed_start_ask(const struct feed_statements *statements, struct db_batch *batch,
	struct feed_range *ranges, size_t count)
{
	struct db_value values[3];
	range_values(batch->arena, ranges, count, values);
	db_batch_add(batch, &statements->heads, values);
	db_batch_add(batch, &statements->cut, values);
	/* Of the cut steps, the change: the first after each range's beginning. */
	db_batch_add(batch, &statements->changes, values);
}

/* ---- Reading ---- */

static int event_order(const void *a, const void *b)
{
	const struct feed_event *x = a;
	const struct feed_event *y = b;
	if (x->part != y->part)
		return x->part < y->part ? -1 : 1;
	return (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

static void heads_read(const struct db_rows *rows, struct feed_range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ranges[i].head = ranges[i].after;
	for (size_t r = 0; r < db_rows_count(rows); r++) {
		int64_t part = db_get_int(rows, r, 0);
		size_t low = 0, high = count;
		while (low + 1 < high) {
			size_t middle = (low + high) / 2;
			if (ranges[middle].part <= part)
				low = middle;
			else
				high = middle;
		}
		CHECK(ranges[low].part == part);
		ranges[low].head = db_get_int(rows, r, 1);
	}
}

/* All rows as events by part and sequence; each movement with the change that comes after it. */
static void events_read(const struct db_batch *batch, struct arena *arena, struct feed_page *page)
{
	const struct db_rows *movements = db_batch_rows(batch, MOVEMENTS);
	const struct db_rows *changes = db_batch_rows(batch, CHANGES);
	size_t movement_count = db_rows_count(movements), change_count = db_rows_count(changes);
	const void **movement = bind_read(TABLE(movement), movements, arena);
	const void **change = bind_read(TABLE(change), changes, arena);
	page->count = movement_count + change_count;
	page->events = arena_alloc_array(arena, page->count, sizeof(*page->events));
	for (size_t i = 0; i < movement_count; i++) {
		const struct movement_row *row = movement[i];
		page->events[i] = (struct feed_event){row->part, row->sequence, row, NULL, NULL, 0};
	}
	for (size_t i = 0; i < change_count; i++) {
		const struct change_row *row = change[i];
		page->events[movement_count + i] =
			(struct feed_event){row->part, row->sequence, NULL, row, NULL, 0};
	}
	qsort(page->events, page->count, sizeof(*page->events), event_order);
	const struct change_row *after = NULL;
	for (size_t i = page->count; i-- > 0;) {
		struct feed_event *event = &page->events[i];
		if (event->change)
			after = event->change;
		else if (after && after->part == event->part &&
				 after->sequence == event->movement->change_sequence)
			event->change = after;
	}
}

/* Keeps what lies in the ranges; false: the page's hole says where something is missing. */
static bool events_keep(struct feed_range *ranges, size_t count, struct feed_page *page)
{
	size_t read = 0, kept = 0;
	for (size_t i = 0; i < count; i++) {
		struct feed_range *range = &ranges[i];
		int64_t until = range->head < range->until ? range->head : range->until;
		for (int64_t next = range->after + 1; next <= until; next++, read++) {
			const struct feed_event *event = &page->events[read];
			if (read == page->count || event->part != range->part || event->sequence != next ||
				!event->change) {
				page->hole = range;
				return false;
			}
			page->events[kept++] = *event;
		}
		while (read < page->count && page->events[read].part <= range->part)
			read++;
	}
	page->count = kept;
	return true;
}

enum feed_page_state feed_page_read(const struct db_batch *batch, struct feed_range *ranges,
	size_t count, struct arena *arena, struct feed_page *page)
{
	*page = (struct feed_page){0};
	heads_read(db_batch_rows(batch, HEADS), ranges, count);
	for (size_t i = 0; i < count; i++) {
		if (ranges[i].head >= ranges[i].after)
			continue;
		page->hole = &ranges[i];
		return FEED_PAGE_BACK;
	}
	events_read(batch, arena, page);
	return events_keep(ranges, count, page) ? FEED_PAGE_READ : FEED_PAGE_HOLE;
}

void feed_start_read(const struct db_batch *batch, struct feed_range *ranges, size_t count,
	struct arena *arena, struct feed_page *page)
{
	*page = (struct feed_page){0};
	heads_read(db_batch_rows(batch, START_HEADS), ranges, count);
	events_read(batch, arena, page);
	size_t kept = 0;
	for (size_t i = 0; i < page->count; i++)
		if (page->events[i].movement && page->events[i].change)
			page->events[kept++] = page->events[i];
	page->count = kept;
}
