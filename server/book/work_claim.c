/*
 * Claims: who is at which work. Rows are looked at as last committed and locked before they are
 * taken: of two claimants at once one waits for the other, sees what he took, and takes what comes
 * next. So one call takes a few rounds at the most, and no work is given twice.
 */
#include <string.h>

#include "book/work.h"

#define REASON(name) STOCKBOOK__V1__REASON__REASON_##name
#define SECOND_US INT64_C(1000000)
#define CLAIM_FOR_DEFAULT_S (30 * 60)
#define CLAIM_FOR_MIN_S 60
#define CLAIM_FOR_MAX_S (12 * 60 * 60)
#define CLAIM_MOST_MAX 100
/* How much work of others is looked past. */
#define PAGE_MAX 200
#define PAGES_MAX 20
/* Of one worker at one location that are given back at once. */
#define RELEASE_MAX 1000

static const struct scan_shape of_kind = {
	.name = "work_of_kind",
	.table = TABLE(work),
	.conditions = {{"location", SCAN_EQUAL, 0}, {"kind", SCAN_EQUAL, 0}},
	.order = {"due_at", "document_id"},
};
static const struct scan_shape of_worker = {
	.name = "work_of_worker",
	.table = TABLE(work),
	.conditions = {{"location", SCAN_EQUAL, 0}, {"kind", SCAN_EQUAL, 0},
		{"claimed_by", SCAN_EQUAL, 0}, {"claimed_by", SCAN_NOT_EMPTY, 0}},
	.order = {"due_at", "document_id", "kind"},
};
static const struct scan_shape of_document = {
	.name = "work_of_document",
	.table = TABLE(work),
	.conditions = {{"part", SCAN_EQUAL, 0}, {"document_id", SCAN_EQUAL, 0}},
	.order = {"kind"},
};

static struct scan_value of_text(const char *text)
{
	return (struct scan_value){.present = true, .text = text};
}

static struct scan_value of_number(int64_t number)
{
	return (struct scan_value){.present = true, .number = number};
}

/* ---- ClaimWork ---- */

struct claiming {
	const Stockbook__V1__ClaimWorkRequest *request;
	size_t most;
	int64_t until;
	const struct work_row **rows; /* locked, and hers or nobody's */
	size_t count;
	size_t capacity;
	size_t waiting; /* rows whose lock was asked for in this round */
};

static enum verdict claiming_open(struct run *run, struct claiming *claiming)
{
	const Stockbook__V1__ClaimWorkRequest *request = claiming->request;
	int64_t seconds = CLAIM_FOR_DEFAULT_S;
	if (request->claim_for) {
		seconds = request->claim_for->seconds;
		if (seconds < CLAIM_FOR_MIN_S || seconds > CLAIM_FOR_MAX_S)
			return refuse_field(run, "claim_for", "must be from 1 minute to 12 hours");
	}
	if (request->worker[0] == '\0')
		return refuse_field(run, "worker", "is needed");
	if (request->most < 0 || request->most > CLAIM_MOST_MAX)
		return refuse_field(run, "most", "must be from 1 to %d", CLAIM_MOST_MAX);
	if (request->kind == STOCKBOOK__V1__WORK_KIND__WORK_KIND_UNSPECIFIED)
		return refuse_field(run, "kind", "is needed");
	if (request->n_document_ids > CLAIM_MOST_MAX)
		return refuse_field(run, "document_ids", "must be at most %d", CLAIM_MOST_MAX);
	claiming->most = request->most == 0 ? 1 : (size_t)request->most;
	claiming->until = run->now_us + seconds * SECOND_US;
	return check_location(run, request->location, LOCATION_ANY, true, "location");
}

static bool has_row(const struct claiming *claiming, const struct work_row *row)
{
	for (size_t i = 0; i < claiming->count; i++)
		if (claiming->rows[i] == row)
			return true;
	return false;
}

/* Locks it; taken when it is hers or nobody's. */
static void consider(struct run *run, struct claiming *claiming, const struct work_row *seen,
	bool hers_only)
{
	const struct work_row *row;
	enum lookup found = workset_find(run->set, TABLE(work), seen, ACCESS_LOCK, (const void **)&row);
	if (found == LOOKUP_NEEDED)
		claiming->waiting++;
	if (found != LOOKUP_FOUND || has_row(claiming, row))
		return;
	const char *claimant = work_claimant(run, row);
	if (strcmp(claimant, claiming->request->worker) != 0 && (hers_only || claimant[0]))
		return;
	claiming->rows = arena_grow(run->arena, claiming->rows, claiming->count, &claiming->capacity,
		sizeof(*claiming->rows));
	claiming->rows[claiming->count++] = row;
}

/* What she has already stays hers. */
static enum verdict consider_hers(struct run *run, struct claiming *claiming)
{
	struct scan scan = {.shape = &of_worker, .limit = CLAIM_MOST_MAX};
	scan.values[0] = of_text(claiming->request->location);
	scan.values[1] = of_number(claiming->request->kind);
	scan.values[2] = of_text(claiming->request->worker);
	const struct scan_result *result = workset_scan(run->set, &scan);
	if (!result)
		return VERDICT_NEED;
	for (size_t i = 0; i < result->count; i++)
		consider(run, claiming, result->rows[i], true);
	return claiming->waiting > 0 ? VERDICT_NEED : VERDICT_DONE;
}

/* As many as are wanted are locked at once; those that turn out to be another's are replaced by what
 * comes next in the round after. */
static enum verdict consider_open(struct run *run, struct claiming *claiming)
{
	struct scan scan = {.shape = &of_kind, .limit = PAGE_MAX};
	scan.values[0] = of_text(claiming->request->location);
	scan.values[1] = of_number(claiming->request->kind);
	for (size_t page = 0; page < PAGES_MAX; page++) {
		const struct scan_result *result = workset_scan(run->set, &scan);
		if (!result)
			return VERDICT_NEED;
		for (size_t i = 0; i < result->count; i++) {
			const struct work_row *seen = result->rows[i];
			if (claiming->count + claiming->waiting >= claiming->most)
				break;
			const char *claimant = work_claimant(run, seen);
			if (claimant[0] == '\0' || strcmp(claimant, claiming->request->worker) == 0)
				consider(run, claiming, seen, false);
		}
		if (claiming->waiting > 0)
			return VERDICT_NEED;
		if (claiming->count >= claiming->most || result->count < PAGE_MAX)
			return VERDICT_DONE;
		const struct work_row *last = result->rows[result->count - 1];
		scan.has_after = true;
		scan.after[0] = of_number(last->due_at);
		scan.after[1] = (struct scan_value){.present = true, .uuid = last->document_id};
	}
	return VERDICT_DONE;
}

static enum verdict refuse_work_not_found(struct run *run, const char *document_id,
	const char *location)
{
	refuse(run, REASON(WORK_NOT_FOUND), "there is no such work on '%s' at location '%s'",
		document_id, location);
	refuse_with(run, "document_id", "%s", document_id);
	return VERDICT_REFUSED;
}

static enum verdict consider_named(struct run *run, struct claiming *claiming)
{
	const Stockbook__V1__ClaimWorkRequest *request = claiming->request;
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < request->n_document_ids; i++) {
		const char *text = request->document_ids[i];
		struct uuid id;
		if (!uuid_parse(text, &id))
			return refuse_field(run, arena_printf(run->arena, "document_ids[%zu]", i),
				"'%s' is not a UUID", text);
		const struct work_row *row;
		if (work_find(run, (int32_t)uuid_part(&id), &id, request->kind, ACCESS_LOCK, &row) ==
			VERDICT_NEED) {
			verdict = VERDICT_NEED;
			continue;
		}
		if (!row || strcmp(row->location, request->location) != 0)
			return refuse_work_not_found(run, text, request->location);
		size_t before = claiming->count;
		if (has_row(claiming, row))
			continue;
		consider(run, claiming, row, false);
		if (claiming->count == before)
			return work_refuse_claimed(run, row);
	}
	return verdict;
}

static enum verdict consider_all(struct run *run, struct claiming *claiming)
{
	if (claiming->request->n_document_ids > 0)
		return consider_named(run, claiming);
	enum verdict verdict = consider_hers(run, claiming);
	return verdict == VERDICT_DONE ? consider_open(run, claiming) : verdict;
}

enum verdict work_claim(struct run *run, const void *request_, void *response_)
{
	Stockbook__V1__ClaimWorkResponse *response = response_;
	struct claiming claiming = {.request = request_};
	run->worker = claiming.request->worker;
	enum verdict opened = claiming_open(run, &claiming);
	if (opened == VERDICT_REFUSED)
		return opened;
	enum verdict verdict = consider_all(run, &claiming);
	if (verdict != VERDICT_DONE || opened != VERDICT_DONE)
		return verdict == VERDICT_REFUSED ? verdict : VERDICT_NEED;
	size_t count;
	verdict = work_count_by_lines(run, claiming.rows, claiming.count, &count);
	if (verdict != VERDICT_DONE)
		return verdict;
	for (size_t i = 0; i < count; i++) {
		struct work_row *row = workset_edit(run->set, claiming.rows[i]);
		row->claimed_by = arena_string(workset_arena(run->set), claiming.request->worker);
		row->claimed_until = claiming.until;
	}
	response->work = arena_alloc_array(run->arena, count, sizeof(*response->work));
	response->n_work = count;
	verdict = work_messages(run, claiming.rows, count, true, response->work);
	if (verdict == VERDICT_DONE)
		response->batch = work_batch(run, response->work, count, &response->n_batch);
	return verdict;
}

/* ---- ReleaseWork ---- */

struct releasing {
	const Stockbook__V1__ReleaseWorkRequest *request;
	int32_t released;
};

static void release(struct run *run, struct releasing *releasing, const struct work_row *row)
{
	if (strcmp(row->claimed_by, releasing->request->worker) != 0)
		return;
	releasing->released += work_claimant(run, row)[0] != '\0';
	struct work_row *edited = workset_edit(run->set, row);
	edited->claimed_by = "";
	edited->claimed_until = 0;
}

static enum verdict release_all(struct run *run, struct releasing *releasing)
{
	struct scan scan = {.shape = &of_worker, .limit = RELEASE_MAX};
	scan.values[0] = of_text(releasing->request->location);
	scan.values[2] = of_text(releasing->request->worker);
	const struct scan_result *result = workset_scan(run->set, &scan);
	if (!result)
		return VERDICT_NEED;
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < result->count; i++) {
		const struct work_row *row;
		enum lookup found =
			workset_find(run->set, TABLE(work), result->rows[i], ACCESS_LOCK, (const void **)&row);
		if (found == LOOKUP_NEEDED)
			verdict = VERDICT_NEED;
		else if (found == LOOKUP_FOUND)
			release(run, releasing, row);
	}
	return verdict;
}

/* All work of one document here: she has some of it, or nobody has. */
static enum verdict release_document(struct run *run, struct releasing *releasing, size_t index)
{
	const char *text = releasing->request->document_ids[index];
	const char *location = releasing->request->location;
	struct uuid id;
	if (!uuid_parse(text, &id))
		return refuse_field(run, arena_printf(run->arena, "document_ids[%zu]", index),
			"'%s' is not a UUID", text);
	struct scan scan = {.shape = &of_document, .limit = RELEASE_MAX};
	scan.values[0] = of_number(uuid_part(&id));
	scan.values[1] = (struct scan_value){.present = true, .uuid = id};
	const struct scan_result *result = workset_scan(run->set, &scan);
	if (!result)
		return VERDICT_NEED;
	bool any = false;
	const struct work_row *others = NULL;
	int32_t before = releasing->released;
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < result->count; i++) {
		const struct work_row *row;
		enum lookup found =
			workset_find(run->set, TABLE(work), result->rows[i], ACCESS_LOCK, (const void **)&row);
		if (found == LOOKUP_NEEDED)
			verdict = VERDICT_NEED;
		if (found != LOOKUP_FOUND || strcmp(row->location, location) != 0)
			continue;
		any = true;
		release(run, releasing, row);
		if (work_claimant(run, row)[0])
			others = row;
	}
	if (verdict == VERDICT_DONE && !any)
		return refuse_work_not_found(run, text, location);
	if (verdict == VERDICT_DONE && others && releasing->released == before)
		return work_refuse_claimed(run, others);
	return verdict;
}

enum verdict work_release(struct run *run, const void *request_, void *response_)
{
	Stockbook__V1__ReleaseWorkResponse *response = response_;
	struct releasing releasing = {.request = request_};
	const Stockbook__V1__ReleaseWorkRequest *request = releasing.request;
	run->worker = request->worker;
	if (request->worker[0] == '\0')
		return refuse_field(run, "worker", "is needed");
	enum verdict verdict = check_location(run, request->location, LOCATION_ANY, true, "location");
	if (verdict == VERDICT_REFUSED)
		return verdict;
	if (request->n_document_ids == 0 && release_all(run, &releasing) == VERDICT_NEED)
		verdict = VERDICT_NEED;
	for (size_t i = 0; i < request->n_document_ids; i++) {
		enum verdict one = release_document(run, &releasing, i);
		if (one == VERDICT_REFUSED)
			return one;
		if (one == VERDICT_NEED)
			verdict = one;
	}
	response->released = releasing.released;
	return verdict;
}
