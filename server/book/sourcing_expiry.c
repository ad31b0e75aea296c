/* The path of those who would be refused: hot balances that suffice never come here. */
#include "book/sourcing_expiry.h"

#include <string.h>

#include "book/reservation.h"

#define STATUS_HELD STOCKBOOK__V1__RESERVATION_STATUS__RESERVATION_STATUS_HELD
#define PAGE_HOLDS_MAX 500
/* A bound for when nobody has swept for long; what lies behind it is the sweeper's. */
#define PAGES_MAX 20
/* Of holds that one call frees; at least one is. */
#define FREED_LINES_MAX ((size_t)10 * LINES_MAX)
#define SECOND_US 1000000

static const struct scan_shape shape = {
	.name = "reservations_expired",
	.table = TABLE(reservation),
	.conditions = {{"part", SCAN_ANY, 0}, {"status", SCAN_IS, STATUS_HELD},
		{"hold_until", SCAN_LESS, 0}},
	.order = {"hold_until", "id"},
};

static struct count_list parts_all(const struct run *run, struct arena *arena)
{
	size_t count = (size_t)run->limits->parts;
	int64_t *parts = arena_alloc_array(arena, count, sizeof(*parts));
	for (size_t i = 0; i < count; i++)
		parts[i] = (int64_t)i + 1;
	return (struct count_list){parts, count};
}

/* Ascending, each once, so that calls that are short of the same share one scan. */
static struct count_list parts_wanted(const struct sourcing *sourcing, const struct run *run,
	struct arena *arena)
{
	size_t most = (size_t)run->limits->parts + 1;
	bool *seen = arena_alloc_array(arena, most, sizeof(*seen));
	for (size_t i = 0; i < sourcing->cell_count; i++)
		if (sourcing->cells[i].wanted)
			seen[part_of(sourcing->cells[i].location, run->limits->parts)] = true;
	int64_t *parts = arena_alloc_array(arena, most, sizeof(*parts));
	size_t count = 0;
	for (size_t i = 0; i < most; i++)
		if (seen[i])
			parts[count++] = (int64_t)i;
	return (struct count_list){parts, count};
}

static const struct scan_result *ask(const struct sourcing_expiry *expiry,
	const struct sourcing *sourcing, struct run *run)
{
	struct arena *arena = workset_arena(run->set); /* a scan lives as long as the set */
	struct scan scan = {.shape = &shape, .limit = PAGE_HOLDS_MAX};
	scan.values[0] = (struct scan_value){.present = true,
		.counts = expiry->stage == 0 ? parts_wanted(sourcing, run, arena) : parts_all(run, arena)};
	/* To the next full second, so that the calls of a batch share the scan; judged exactly below. */
	scan.values[2] =
		(struct scan_value){.present = true, .number = (run->now_us / SECOND_US + 1) * SECOND_US};
	scan.has_after = expiry->has_after;
	if (expiry->has_after) {
		scan.after[0] = (struct scan_value){.present = true, .number = expiry->after_hold_until};
		scan.after[1] = (struct scan_value){.present = true, .uuid = expiry->after_id};
	}
	return workset_scan(run->set, &scan);
}

static bool holds_wanted(const struct sourcing *sourcing, const struct reservation_row *hold)
{
	for (size_t i = 0; i < hold->line_sku.count; i++)
		if (sourcing_wants(sourcing, hold->line_sku.items[i], hold->line_location.items[i]))
			return true;
	return false;
}

static bool anything_wanted(const struct sourcing *sourcing)
{
	for (size_t i = 0; i < sourcing->cell_count; i++)
		if (sourcing->cells[i].wanted)
			return true;
	return false;
}

static void go_on(struct sourcing_expiry *expiry, const struct run *run,
	const struct scan_result *result)
{
	const struct reservation_row *last = result->count > 0 ? result->rows[result->count - 1] : NULL;
	expiry->pages++;
	if (result->count == PAGE_HOLDS_MAX && last->hold_until <= run->now_us &&
		expiry->pages < PAGES_MAX) {
		expiry->has_after = true;
		expiry->after_hold_until = last->hold_until;
		expiry->after_id = last->id;
		return;
	}
	expiry->done = expiry->stage == 1;
	expiry->stage++;
	expiry->pages = 0;
	expiry->has_after = false;
}

/* As if it had been freed. */
static void credit(struct sourcing *sourcing, struct run *run, const struct reservation_row *hold)
{
	for (size_t i = 0; i < hold->line_sku.count; i++)
		if (sourcing_wants(sourcing, hold->line_sku.items[i], hold->line_location.items[i]))
			sourcing_cell(sourcing, run, hold->line_sku.items[i], hold->line_location.items[i])
				->credit += hold->line_quantity.items[i];
}

enum verdict sourcing_expire(struct sourcing_expiry *expiry, struct sourcing *sourcing,
	struct run *run, size_t *freed)
{
	if (!anything_wanted(sourcing)) {
		expiry->done = true;
		return VERDICT_DONE;
	}
	/* What is only counted must not be met in both stages. */
	if (sourcing->reading)
		expiry->stage = 1;
	const struct scan_result *result = ask(expiry, sourcing, run);
	if (!result)
		return VERDICT_NEED;
	bool need = false;
	size_t lines = 0;
	for (size_t i = 0; i < result->count; i++) {
		const struct reservation_row *scanned = result->rows[i];
		if (scanned->hold_until > run->now_us || !holds_wanted(sourcing, scanned))
			continue;
		if (sourcing->reading) {
			credit(sourcing, run, scanned);
			(*freed)++;
			continue;
		}
		const struct reservation_row *hold;
		enum lookup found =
			workset_find(run->set, TABLE(reservation), scanned, ACCESS_LOCK, (const void **)&hold);
		need = need || found == LOOKUP_NEEDED;
		/* Since it was scanned it may have been swept, confirmed or extended. */
		if (found == LOOKUP_ABSENT ||
			(found == LOOKUP_FOUND &&
				(hold->status != STATUS_HELD || hold->hold_until > run->now_us)))
			continue;
		if (lines > 0 && lines + scanned->line_sku.count > LINES_MAX) {
			/* Perhaps that is enough already; if not, the page goes on from here. */
			expiry->lines += lines;
			expiry->done = expiry->lines > FREED_LINES_MAX;
			return need ? VERDICT_NEED : VERDICT_DONE;
		}
		lines += scanned->line_sku.count;
		if (found == LOOKUP_NEEDED)
			continue;
		enum verdict verdict = reservation_expire(run, hold);
		CHECK(verdict != VERDICT_REFUSED); /* within one row nothing can overflow */
		need = need || verdict == VERDICT_NEED;
		(*freed)++;
	}
	expiry->lines += lines;
	if (need)
		return VERDICT_NEED;
	go_on(expiry, run, result);
	return VERDICT_DONE;
}
