/* Work as it is. Scans cannot tell claims that are over from living ones: that is judged here, by
 * time, so that a page may take more than one scan. */
#include <string.h>

#include "book/page.h"
#include "book/work.h"

#define KIND_LAST STOCKBOOK__V1__WORK_KIND__WORK_KIND_RECOUNT
/* Scans for one page; one that finds little ends early, and the next goes on from there. */
#define SCANS_MAX 10
#define SUMMARY_PAGE 5000
#define SUMMARY_PAGES_MAX 20

static const struct scan_shape at_location = {
	.name = "work_at_location",
	.table = TABLE(work),
	.conditions = {{"location", SCAN_EQUAL, 0}, {"kind", SCAN_ANY, 0},
		{"claimed_by", SCAN_EQUAL, 0}},
	.order = {"due_at", "document_id", "kind"},
};

/* ---- ListWork ---- */

struct listing {
	const Stockbook__V1__ListWorkRequest *request;
	struct page page;
	struct scan scan;
	const struct work_row **rows;
	size_t count;
	const struct work_row *last; /* that was looked at */
	bool more;
};

static bool is_asked(const struct run *run, const struct listing *listing,
	const struct work_row *row)
{
	const Stockbook__V1__ListWorkRequest *request = listing->request;
	const char *claimant = work_claimant(run, row);
	bool hers = request->claimed_by[0] && strcmp(claimant, request->claimed_by) == 0;
	if (request->unclaimed_only)
		return claimant[0] == '\0' || hers;
	return request->claimed_by[0] == '\0' || hers;
}

static enum verdict listing_open(struct run *run, struct listing *listing)
{
	const Stockbook__V1__ListWorkRequest *request = listing->request;
	listing->scan.shape = &at_location;
	enum verdict verdict = check_location(run, request->location, LOCATION_ANY, false, "location");
	if (verdict == VERDICT_REFUSED)
		return verdict;
	enum verdict opened = page_open(run, request, &listing->scan, &listing->page);
	if (opened != VERDICT_DONE)
		return opened;
	struct scan_value *values = listing->scan.values;
	values[0] = (struct scan_value){.present = true, .text = request->location};
	if (request->n_kinds > 0) {
		int64_t *kinds =
			arena_alloc_array(workset_arena(run->set), request->n_kinds, sizeof(*kinds));
		for (size_t i = 0; i < request->n_kinds; i++)
			kinds[i] = request->kinds[i];
		values[1] = (struct scan_value){.present = true, .counts = {kinds, request->n_kinds}};
	}
	if (request->claimed_by[0] && !request->unclaimed_only)
		values[2] = (struct scan_value){.present = true, .text = request->claimed_by};
	listing->rows =
		arena_alloc_array(run->arena, (size_t)listing->page.size, sizeof(*listing->rows));
	return verdict;
}

/* False: the page is full, or nothing further is asked for. */
static bool listing_take(const struct run *run, struct listing *listing,
	const struct scan_result *result)
{
	for (size_t i = 0; i < result->count; i++) {
		const struct work_row *row = result->rows[i];
		/* The most urgent come first: none behind it is overdue. */
		if (listing->request->overdue_only && row->due_at >= run->now_us)
			return false;
		if (listing->count == (size_t)listing->page.size) {
			listing->more = true;
			return false;
		}
		listing->last = row;
		if (is_asked(run, listing, row))
			listing->rows[listing->count++] = row;
	}
	return result->count == (size_t)listing->scan.limit;
}

static void scan_after(struct scan *scan, const struct work_row *row)
{
	scan->has_after = true;
	scan->after[0] = (struct scan_value){.present = true, .number = row->due_at};
	scan->after[1] = (struct scan_value){.present = true, .uuid = row->document_id};
	scan->after[2] = (struct scan_value){.present = true, .number = row->kind};
}

static enum verdict listing_fill(struct run *run, struct listing *listing)
{
	for (size_t scans = 0; scans < SCANS_MAX; scans++) {
		const struct scan_result *result = workset_scan(run->set, &listing->scan);
		if (!result)
			return VERDICT_NEED;
		if (!listing_take(run, listing, result))
			return VERDICT_DONE;
		scan_after(&listing->scan, listing->last);
	}
	listing->more = true;
	return VERDICT_DONE;
}

/* As many as their lines allow. */
static enum verdict listing_cut(struct run *run, struct listing *listing)
{
	size_t fitting;
	enum verdict verdict = work_count_by_lines(run, listing->rows, listing->count, &fitting);
	if (verdict != VERDICT_DONE || fitting == listing->count)
		return verdict;
	listing->count = fitting;
	listing->last = listing->rows[fitting - 1];
	listing->more = true;
	return VERDICT_DONE;
}

enum verdict work_list(struct run *run, const void *request_, void *response_)
{
	Stockbook__V1__ListWorkResponse *response = response_;
	struct listing listing = {.request = request_};
	enum verdict opened = listing_open(run, &listing);
	if (opened == VERDICT_REFUSED)
		return opened;
	enum verdict verdict = listing_fill(run, &listing);
	if (verdict == VERDICT_DONE && listing.request->with_lines)
		verdict = listing_cut(run, &listing);
	if (opened != VERDICT_DONE || verdict != VERDICT_DONE)
		return VERDICT_NEED;
	response->work = arena_alloc_array(run->arena, listing.count, sizeof(*response->work));
	response->n_work = listing.count;
	verdict = work_messages(run, listing.rows, listing.count, listing.request->with_lines,
		response->work);
	if (verdict == VERDICT_DONE && listing.more)
		response->next_page_token =
			page_token_after(run, &listing.page, &at_location, listing.last);
	return verdict;
}

/* ---- SummariseWork ---- */

struct summary {
	Stockbook__V1__WorkSummary *kinds[KIND_LAST + 1];
	size_t count;
};

static void summary_add(struct run *run, struct summary *summary, const struct work_row *row)
{
	CHECK(row->kind > 0 && row->kind <= (int)KIND_LAST);
	Stockbook__V1__WorkSummary *of = summary->kinds[row->kind];
	if (!of) {
		of = summary->kinds[row->kind] = arena_alloc(run->arena, sizeof(*of));
		stockbook__v1__work_summary__init(of);
		of->kind = (Stockbook__V1__WorkKind)row->kind;
		/* They come in the order of their due times. */
		of->oldest_due_time = make_timestamp(run->arena, row->due_at);
		summary->count++;
	}
	of->documents++;
	of->units += row->units;
	of->overdue += row->due_at < run->now_us;
	of->claimed += work_claimant(run, row)[0] != '\0';
}

static enum verdict summarise(struct run *run, const char *location, struct summary *summary)
{
	struct scan scan = {.shape = &at_location, .limit = SUMMARY_PAGE};
	scan.values[0] = (struct scan_value){.present = true, .text = location};
	for (size_t page = 0; page < SUMMARY_PAGES_MAX; page++) {
		const struct scan_result *result = workset_scan(run->set, &scan);
		if (!result)
			return VERDICT_NEED;
		for (size_t i = 0; i < result->count; i++)
			summary_add(run, summary, result->rows[i]);
		if (result->count < SUMMARY_PAGE)
			return VERDICT_DONE;
		scan_after(&scan, result->rows[result->count - 1]);
	}
	return refuse(run, STOCKBOOK__V1__REASON__REASON_OVERLOADED,
		"location '%s' has more than %d documents with work: list them", location,
		SUMMARY_PAGE * SUMMARY_PAGES_MAX);
}

enum verdict work_summarise(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__SummariseWorkRequest *request = request_;
	Stockbook__V1__SummariseWorkResponse *response = response_;
	enum verdict location = check_location(run, request->location, LOCATION_ANY, false, "location");
	if (location == VERDICT_REFUSED)
		return location;
	struct summary summary = {0};
	enum verdict verdict = summarise(run, request->location, &summary);
	if (location != VERDICT_DONE || verdict != VERDICT_DONE)
		return verdict == VERDICT_REFUSED ? verdict : VERDICT_NEED;
	response->kinds = arena_alloc_array(run->arena, summary.count, sizeof(*response->kinds));
	for (size_t kind = 0; kind <= KIND_LAST; kind++)
		if (summary.kinds[kind])
			response->kinds[response->n_kinds++] = summary.kinds[kind];
	return VERDICT_DONE;
}
