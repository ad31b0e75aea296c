/* Work: the rows of documents, claims on them, and recounts that wait. */
#include "book/work.h"

#include <string.h>

#include "book/text_index.h"

#define REASON(name) STOCKBOOK__V1__REASON__REASON_##name
#define KIND(name) STOCKBOOK__V1__WORK_KIND__WORK_KIND_##name
#define KIND_LAST KIND(RECOUNT)
/* Recounts of one SKU at one location: one waits, or as many as were asked for at the same moment. */
#define RECOUNTS_MAX 100
#define RECOUNT_US (INT64_C(3600) * 1000000) /* until it is overdue */

/* ---- A document's rows ---- */

enum verdict work_find(struct run *run, int32_t part, const struct uuid *document_id,
	Stockbook__V1__WorkKind kind, enum access access, const struct work_row **row)
{
	struct work_row key = {.part = part, .document_id = *document_id, .kind = (int32_t)kind};
	*row = NULL;
	enum lookup found = workset_find(run->set, TABLE(work), &key, access, (const void **)row);
	return found == LOOKUP_NEEDED ? VERDICT_NEED : VERDICT_DONE;
}

static void work_insert(struct run *run, const struct work_subject *subject,
	Stockbook__V1__WorkKind kind)
{
	CHECK(subject->due_at > 0 && subject->units >= 0);
	struct arena *arena = workset_arena(run->set);
	struct work_row *row = row_new(TABLE(work), arena);
	row->part = subject->part;
	row->document_id = subject->document_id;
	row->kind = (int32_t)kind;
	row->location = arena_string(arena, subject->location);
	row->document_kind = (int32_t)subject->document_kind;
	row->order_id = subject->order_id;
	row->customer = subject->customer ? arena_string(arena, subject->customer) : "";
	row->reference = subject->reference ? arena_string(arena, subject->reference) : "";
	row->sku = subject->sku ? arena_string(arena, subject->sku) : "";
	row->units = subject->units;
	row->due_at = subject->due_at;
	row->created_at = run->now_us;
	workset_insert(run->set, row);
}

static void work_update(struct run *run, const struct work_row *row,
	const struct work_subject *subject)
{
	if (row->units == subject->units && row->due_at == subject->due_at)
		return;
	struct work_row *edited = workset_edit(run->set, row);
	edited->units = subject->units;
	edited->due_at = subject->due_at;
}

enum verdict work_is(struct run *run, const struct work_subject *subject, unsigned kinds,
	Stockbook__V1__WorkKind kind)
{
	const struct work_row *rows[KIND_LAST + 1] = {NULL};
	enum verdict verdict = VERDICT_DONE;
	for (unsigned k = 1; k <= KIND_LAST; k++)
		if ((kinds & (1U << k)) &&
			work_find(run, subject->part, &subject->document_id, (Stockbook__V1__WorkKind)k,
				ACCESS_LOCK, &rows[k]) == VERDICT_NEED)
			verdict = VERDICT_NEED;
	if (verdict != VERDICT_DONE)
		return verdict;
	for (unsigned k = 1; k <= KIND_LAST; k++)
		if (rows[k] && k != (unsigned)kind)
			workset_delete(run->set, rows[k]);
	if (kind == KIND(UNSPECIFIED))
		return VERDICT_DONE;
	CHECK(kinds == 0 || (kinds & (1U << kind)));
	if (rows[kind])
		work_update(run, rows[kind], subject);
	else
		work_insert(run, subject, kind);
	return VERDICT_DONE;
}

/* ---- Claims ---- */

const char *work_claimant(const struct run *run, const struct work_row *row)
{
	return row->claimed_until > run->now_us ? row->claimed_by : "";
}

enum verdict work_refuse_claimed(struct run *run, const struct work_row *row)
{
	char *id = run_id_text(run, &row->document_id);
	refuse(run, REASON(WORK_CLAIMED), "'%s' is at the work on '%s'", row->claimed_by, id);
	refuse_with(run, "document_id", "%s", id);
	refuse_with(run, "claimed_by", "%s", row->claimed_by);
	/* Seconds since 1970, as other times in refusals. */
	refuse_with(run, "claimed_until", "%lld.%06lld", (long long)(row->claimed_until / 1000000),
		(long long)(row->claimed_until % 1000000));
	return VERDICT_REFUSED;
}

enum verdict work_check_claim(struct run *run, int32_t part, const struct uuid *document_id,
	Stockbook__V1__WorkKind kind)
{
	const struct work_row *row;
	enum verdict verdict = work_find(run, part, document_id, kind, ACCESS_LOCK, &row);
	if (verdict != VERDICT_DONE || !row)
		return verdict;
	const char *claimant = work_claimant(run, row);
	if (claimant[0] == '\0' || strcmp(claimant, run->worker ? run->worker : "") == 0)
		return VERDICT_DONE;
	return work_refuse_claimed(run, row);
}

/* ---- Recounts ---- */

static const struct scan_shape recounts_shape = {
	.name = "work_recounts",
	.table = TABLE(work),
	.conditions = {{"location", SCAN_EQUAL, 0}, {"sku", SCAN_EQUAL, 0},
		{"kind", SCAN_IS, KIND(RECOUNT)}},
	.order = {"due_at", "document_id"},
};

static bool is_recount_of(const struct work_row *row, const char *sku, const char *location)
{
	return row->kind == KIND(RECOUNT) && strcmp(row->sku, sku) == 0 &&
		   strcmp(row->location, location) == 0;
}

/* With room for `more`. */
static enum verdict stored_recounts(struct run *run, const char *sku, const char *location,
	size_t more, const struct work_row ***rows, size_t *count)
{
	struct scan scan = {.shape = &recounts_shape, .limit = RECOUNTS_MAX};
	scan.values[0] = (struct scan_value){.present = true, .text = location};
	scan.values[1] = (struct scan_value){.present = true, .text = sku};
	const struct scan_result *stored = workset_scan(run->set, &scan);
	if (!stored)
		return VERDICT_NEED;
	*rows = arena_alloc_array(run->arena, stored->count + more, sizeof(**rows));
	*count = 0;
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < stored->count; i++) {
		const struct work_row *row = NULL;
		enum lookup found =
			workset_find(run->set, TABLE(work), stored->rows[i], ACCESS_LOCK, (const void **)&row);
		if (found == LOOKUP_NEEDED)
			verdict = VERDICT_NEED;
		else if (found == LOOKUP_FOUND)
			(*rows)[(*count)++] = row;
	}
	return verdict;
}

enum verdict work_recounts(struct run *run, const char *sku, const char *location,
	const struct work_row ***rows, size_t *count)
{
	/* A scan does not see what this batch made. */
	size_t made_count;
	const void *const *made = workset_rows(run->set, TABLE(work), ROW_INSERTED, &made_count);
	enum verdict verdict = stored_recounts(run, sku, location, made_count, rows, count);
	for (size_t i = 0; i < made_count && verdict == VERDICT_DONE; i++)
		if (is_recount_of(made[i], sku, location))
			(*rows)[(*count)++] = made[i];
	return verdict;
}

/* Those that the batch made before this run, which no scan sees, and those that were looked for: once,
 * since one call may ask for as many as an order has lines. */
struct recounts {
	struct text_index index; /* "sku location" */
	struct uuid *ids;        /* nil: none waits */
	bool awaited;            /* several were asked for, and will be known in the next round */
};

/* Neither code has a line's end in it. */
static const char *recount_key(struct run *run, const char *sku, const char *location)
{
	return arena_printf(run->arena, "%s\n%s", sku, location);
}

/* The first that is told of stays; nil: none, unless one is known. */
static void recounts_add(struct recounts *recounts, const char *key, const struct uuid *id)
{
	bool added;
	size_t number = text_index_add(&recounts->index, key, &added);
	if (added || uuid_is_nil(&recounts->ids[number]))
		recounts->ids[number] = *id;
}

static struct recounts *recounts_known(struct run *run)
{
	if (run->recounts)
		return run->recounts;
	size_t count;
	const void *const *made = workset_rows(run->set, TABLE(work), ROW_INSERTED, &count);
	struct recounts *recounts = arena_alloc(run->arena, sizeof(*recounts));
	text_index_init(&recounts->index, run->arena, count + LINES_MAX);
	recounts->ids = arena_alloc_array(run->arena, count + LINES_MAX, sizeof(*recounts->ids));
	for (size_t i = 0; i < count; i++) {
		const struct work_row *row = made[i];
		if (row->kind == KIND(RECOUNT))
			recounts_add(recounts, recount_key(run, row->sku, row->location), &row->document_id);
	}
	return run->recounts = recounts;
}

enum verdict work_recounts_look_up(struct run *run, const char *location, const char **skus,
	size_t count)
{
	static const struct scan_shape shape = {
		.name = "work_recounts_of_skus",
		.table = TABLE(work),
		.conditions = {{"location", SCAN_EQUAL, 0}, {"sku", SCAN_ANY, 0},
			{"kind", SCAN_IS, KIND(RECOUNT)}},
		.order = {"sku", "document_id"},
	};
	if (count == 0)
		return VERDICT_DONE;
	struct recounts *known = recounts_known(run);
	struct scan scan = {.shape = &shape, .limit = (int32_t)count + RECOUNTS_MAX};
	scan.values[0] = (struct scan_value){.present = true, .text = location};
	scan.values[1] = (struct scan_value){.present = true, .texts = {skus, count}};
	const struct scan_result *stored = workset_scan(run->set, &scan);
	enum verdict verdict = stored ? VERDICT_DONE : VERDICT_NEED;
	for (size_t i = 0; stored && i < stored->count; i++) {
		const struct work_row *row = NULL;
		enum lookup found =
			workset_find(run->set, TABLE(work), stored->rows[i], ACCESS_LOCK, (const void **)&row);
		if (found == LOOKUP_NEEDED)
			verdict = VERDICT_NEED;
		else if (found == LOOKUP_FOUND)
			recounts_add(known, recount_key(run, row->sku, row->location), &row->document_id);
	}
	known->awaited = verdict == VERDICT_NEED && count > 1;
	/* Where there are more than fit, those that were not met may wait all the same. */
	const struct uuid none = {0};
	bool all = verdict == VERDICT_DONE && stored->count < (size_t)scan.limit;
	for (size_t i = 0; i < count && all; i++)
		recounts_add(known, recount_key(run, skus[i], location), &none);
	return verdict;
}

static enum verdict recount_insert(struct run *run, const char *sku, const char *location,
	struct uuid *id)
{
	int32_t part = part_of(location, run->limits->parts);
	*id = run_new_id(run, part);
	/* Due soon: until it is done the book knows less than it should. */
	return work_is(run,
		&(struct work_subject){
			.part = part,
			.document_id = *id,
			.document_kind = STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_RECOUNT,
			.location = location,
			.sku = sku,
			.due_at = run->now_us + RECOUNT_US,
		},
		0, KIND(RECOUNT));
}

enum verdict work_recount_find(struct run *run, const char *sku, const char *location,
	struct uuid *id, bool *made)
{
	*made = false;
	struct recounts *known = recounts_known(run);
	const char *key = recount_key(run, sku, location);
	size_t number = text_index_find(&known->index, key);
	if (number == SIZE_MAX) {
		if (known->awaited)
			return VERDICT_NEED;
		enum verdict verdict = work_recounts_look_up(run, location, &sku, 1);
		if (verdict != VERDICT_DONE)
			return verdict;
		number = text_index_find(&known->index, key);
		CHECK(number != SIZE_MAX); /* one SKU's fit */
	}
	*made = uuid_is_nil(&known->ids[number]);
	enum verdict verdict = VERDICT_DONE;
	if (*made)
		verdict = recount_insert(run, sku, location, &known->ids[number]);
	*id = known->ids[number];
	return verdict;
}

enum verdict work_recount(struct run *run, const char *sku, const char *location)
{
	struct uuid id;
	bool made;
	return work_recount_find(run, sku, location, &id, &made);
}

/* ---- The table ---- */

/* clang-format off */
#define ROUTE(name, Message) \
	static int32_t name(const void *request, const struct book_limits *limits) \
	{ \
		return part_of(((const Stockbook__V1__##Message *)request)->location, limits->parts); \
	}
ROUTE(claim_route, ClaimWorkRequest)
ROUTE(release_route, ReleaseWorkRequest)
ROUTE(record_route, RecordRecountRequest)
ROUTE(request_route, RequestRecountRequest)

#define OPERATION(method, message, run, route, writes) \
	{"WorkService/" method, &stockbook__v1__##message##_request__descriptor, \
		&stockbook__v1__##message##_response__descriptor, run, route, writes}

const struct operation work_operations[] = {
	OPERATION("ListWork", list_work, work_list, NULL, false),
	OPERATION("SummariseWork", summarise_work, work_summarise, NULL, false),
	OPERATION("ClaimWork", claim_work, work_claim, claim_route, true),
	OPERATION("ReleaseWork", release_work, work_release, release_route, true),
	OPERATION("RecordRecount", record_recount, work_record_recount, record_route, true),
	OPERATION("RequestRecount", request_recount, work_request_recount, request_route, true),
	{0},
};
/* clang-format on */
