/* The steps of a pickup but for handing it over: accept, pick, make ready, back, cancel, expire. */
#include "book/fulfilment_step.h"
#include "book/pickup.h"
#include "stockbook/internal/v1/pickup.pb-c.h"

#define STATUS(name) STOCKBOOK__V1__PICKUP_STATUS__PICKUP_STATUS_##name
#define REMEDY(name) STOCKBOOK__V1__SHORT_REMEDY__SHORT_REMEDY_##name
#define KIND_PICKUP STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_PICKUP

#define MINUTE_US INT64_C(60000000)
/* Where a location says nothing; location.proto tells it. */
#define HOLD_MINUTES 10080

enum verdict pickup_answer(struct run *run, const struct fulfilment *pickup,
	Stockbook__V1__Pickup **message)
{
	*message = pickup_message(run, pickup);
	return *message ? VERDICT_DONE : VERDICT_NEED;
}

/* ---- Accept ---- */

enum verdict pickup_accept(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__AcceptPickupRequest *request = request_;
	Stockbook__V1__AcceptPickupResponse *response = response_;
	run->worker = request->worker;
	struct stepping stepping;
	enum verdict verdict =
		stepping_open(run, KIND_PICKUP, request->pickup_id, PICKUP_ACCEPT, true, &stepping);
	if (verdict != VERDICT_DONE)
		return verdict;
	struct fulfilment_row *row = workset_edit(run->set, stepping.at->row);
	row->accepted = true;
	verdict = stepping_advance(run, &stepping, STATUS(ACCEPTED), NULL, NULL);
	return verdict == VERDICT_DONE ? pickup_answer(run, stepping.at, &response->pickup) : verdict;
}

/* ---- Pick ---- */

enum verdict pickup_pick(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__PickPickupRequest *request = request_;
	Stockbook__V1__PickPickupResponse *response = response_;
	run->worker = request->worker;
	struct stepping stepping;
	enum verdict verdict =
		stepping_open(run, KIND_PICKUP, request->pickup_id, PICKUP_PICK, true, &stepping);
	if (verdict != VERDICT_DONE)
		return verdict;
	struct resourcing resourcing = {.remedy = request->remedy, .options = request->sourcing};
	verdict = stepping_pick(run, &stepping, request->lines, request->n_lines, &resourcing);
	if (verdict != VERDICT_DONE)
		return verdict;
	verdict = stepping_advance(run, &stepping, (int)pickup_status_of(stepping.at, false), NULL,
		request->note);
	if (verdict == VERDICT_DONE)
		verdict = fulfilment_resource(run, &stepping.order, stepping.at, &resourcing);
	if (verdict != VERDICT_DONE)
		return verdict;
	order_follow(run, &stepping.order, ORDER_CANCEL, NULL, request->note);
	response->resourced = resourcing.results;
	response->n_resourced = resourcing.count;
	return pickup_answer(run, stepping.at, &response->pickup);
}

/* ---- Make ready, and keep ---- */

static enum verdict keep_until(struct run *run, const Google__Protobuf__Timestamp *given,
	int64_t *collect_by)
{
	/* Within the years 1 to 9999: the product cannot overflow. */
	*collect_by = given->seconds * 1000000 + given->nanos / 1000;
	return *collect_by > run->now_us ? VERDICT_DONE
									 : refuse_field(run, "collect_by", "must be later than now");
}

static enum verdict keep_for_the_locations_time(struct run *run, const char *code,
	int64_t *collect_by)
{
	const struct location_row *location;
	enum lookup found = find_location(run, code, ACCESS_PEEK, &location);
	if (found == LOOKUP_NEEDED)
		return VERDICT_NEED;
	CHECK(found == LOOKUP_FOUND);
	int64_t minutes =
		location->pickup_hold_minutes > 0 ? location->pickup_hold_minutes : HOLD_MINUTES;
	*collect_by = run->now_us + minutes * MINUTE_US;
	return VERDICT_DONE;
}

enum verdict pickup_ready(struct run *run, const void *request_, void *response_)
{
	const Stockbook__Internal__V1__ReadyPickupRequest *wrapped = request_;
	const Stockbook__V1__ReadyPickupRequest *request = wrapped->request;
	Stockbook__V1__ReadyPickupResponse *response = response_;
	run->worker = request->worker;
	struct stepping stepping;
	enum verdict verdict =
		stepping_open(run, KIND_PICKUP, request->pickup_id, PICKUP_READY, true, &stepping);
	if (verdict != VERDICT_DONE)
		return verdict;
	int64_t collect_by = 0;
	verdict = request->collect_by
				  ? keep_until(run, request->collect_by, &collect_by)
				  : keep_for_the_locations_time(run, stepping.at->row->location, &collect_by);
	if (verdict != VERDICT_DONE)
		return verdict;
	struct fulfilment_row *row = workset_edit(run->set, stepping.at->row);
	row->collect_by = collect_by;
	response->code = pickup_code_set(run, row, &wrapped->code_hash);
	verdict = stepping_advance(run, &stepping, STATUS(READY), NULL, NULL);
	return verdict == VERDICT_DONE ? pickup_answer(run, stepping.at, &response->pickup) : verdict;
}

enum verdict pickup_extend(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__ExtendPickupRequest *request = request_;
	Stockbook__V1__ExtendPickupResponse *response = response_;
	run->worker = request->worker;
	int64_t collect_by = 0;
	if (!request->collect_by)
		return refuse_field(run, "collect_by", "is needed");
	enum verdict verdict = keep_until(run, request->collect_by, &collect_by);
	struct stepping stepping;
	if (verdict == VERDICT_DONE)
		verdict =
			stepping_open(run, KIND_PICKUP, request->pickup_id, PICKUP_EXTEND, false, &stepping);
	if (verdict != VERDICT_DONE)
		return verdict;
	struct fulfilment_row *row = workset_edit(run->set, stepping.at->row);
	row->collect_by = collect_by;
	verdict = stepping_advance(run, &stepping, STATUS(READY), NULL, NULL);
	return verdict == VERDICT_DONE ? pickup_answer(run, stepping.at, &response->pickup) : verdict;
}

/* ---- Back ---- */

enum verdict pickup_step_back(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__StepBackPickupRequest *request = request_;
	Stockbook__V1__StepBackPickupResponse *response = response_;
	run->worker = request->worker;
	struct stepping stepping;
	enum verdict verdict =
		stepping_open(run, KIND_PICKUP, request->pickup_id, PICKUP_STEP_BACK, true, &stepping);
	if (verdict != VERDICT_DONE)
		return verdict;
	struct fulfilment_row *row = workset_edit(run->set, stepping.at->row);
	if (row->status == (int)STATUS(READY)) {
		pickup_code_void(row);
		row->collect_by = 0;
	} else if (row->status == (int)STATUS(ACCEPTED)) {
		row->accepted = false;
	} else {
		verdict = leg_take_all(run, &stepping.order, stepping.at, LEG_UNPICK);
	}
	if (verdict == VERDICT_DONE)
		verdict = stepping_advance(run, &stepping, (int)pickup_status_of(stepping.at, false), NULL,
			request->note);
	if (verdict != VERDICT_DONE)
		return verdict;
	order_follow(run, &stepping.order, ORDER_PUT_BACK, NULL, NULL);
	return pickup_answer(run, stepping.at, &response->pickup);
}

/* ---- The end of it ---- */

enum verdict pickup_cancel(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__CancelPickupRequest *request = request_;
	Stockbook__V1__CancelPickupResponse *response = response_;
	run->worker = request->worker;
	struct stepping stepping;
	enum verdict verdict =
		stepping_open(run, KIND_PICKUP, request->pickup_id, PICKUP_CANCEL, false, &stepping);
	if (verdict != VERDICT_DONE)
		return verdict;
	struct cancelling cancelling = {
		.resourcing = {.remedy = request->remedy ? request->remedy : REMEDY(CANCEL),
			.options = request->sourcing},
	};
	verdict = stepping_end(run, &stepping, &cancelling, request->note);
	if (verdict != VERDICT_DONE)
		return verdict;
	response->resourced = cancelling.resourcing.results;
	response->n_resourced = cancelling.resourcing.count;
	return pickup_answer(run, stepping.at, &response->pickup);
}

enum verdict pickup_put_back(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__PutBackPickupRequest *request = request_;
	Stockbook__V1__PutBackPickupResponse *response = response_;
	run->worker = request->worker;
	struct stepping stepping;
	enum verdict verdict =
		stepping_open_to_put_back(run, KIND_PICKUP, request->pickup_id, PICKUP_PUT_BACK, &stepping);
	if (verdict == VERDICT_DONE)
		verdict = stepping_take(run, &stepping, LEG_PUT_BACK,
			asked_collected(run, request->lines, request->n_lines), request->n_lines);
	if (verdict != VERDICT_DONE)
		return verdict;
	bool ready = stepping.at->row->status == (int)STATUS(READY);
	verdict =
		stepping_advance(run, &stepping, (int)pickup_status_of(stepping.at, ready), NULL, NULL);
	return verdict == VERDICT_DONE ? pickup_answer(run, stepping.at, &response->pickup) : verdict;
}

/* ---- Expiry ---- */

bool pickup_is_over(const struct run *run, const struct fulfilment_row *row)
{
	return row->status == (int)STATUS(READY) && row->collect_by <= run->now_us;
}

/* The pickup of a row that was scanned; *expired when it still was over. */
static enum verdict expire(struct run *run, const struct fulfilment_row *scanned, bool *expired)
{
	struct stepping stepping = {.step = PICKUP_EXPIRE};
	enum verdict verdict = order_open(run, run_id_text(run, &scanned->order_id), &stepping.order);
	if (verdict != VERDICT_DONE)
		return verdict;
	for (size_t i = 0; i < stepping.order.fulfilment_count; i++)
		if (uuid_compare(&stepping.order.fulfilments[i]->row->id, &scanned->id) == 0)
			stepping.at = stepping.order.fulfilments[i];
	CHECK(stepping.at != NULL);
	/* Someone may have collected or extended it since. */
	*expired = pickup_is_over(run, stepping.at->row);
	if (!*expired)
		return VERDICT_DONE;
	struct cancelling cancelling = {.resourcing = {.remedy = REMEDY(CANCEL)}};
	return stepping_end(run, &stepping, &cancelling, "not collected in time");
}

static enum verdict pickup_sweep(struct run *run, const void *request_, void *response_)
{
	static const struct scan_shape shape = {
		.name = "pickups_to_sweep",
		.table = TABLE(fulfilment),
		.conditions = {{"part", SCAN_EQUAL, 0}, {"kind", SCAN_IS, KIND_PICKUP},
			{"status", SCAN_IS, STATUS(READY)}, {"collect_by", SCAN_LESS, 0}},
		.order = {"collect_by"},
	};
	const Google__Protobuf__Int64Value *request = request_;
	Google__Protobuf__Int64Value *response = response_;
	struct scan scan = {.shape = &shape, .limit = PICKUP_EXPIRE_MAX};
	scan.values[0] = (struct scan_value){.present = true, .number = request->value};
	/* To the next full second, so that another look at the clock is the same scan; judged exactly
	 * below. */
	scan.values[3] =
		(struct scan_value){.present = true, .number = (run->now_us / 1000000 + 1) * 1000000};
	const struct scan_result *result = workset_scan(run->set, &scan);
	if (!result)
		return VERDICT_NEED;
	enum verdict verdict = VERDICT_DONE;
	size_t lines = 0;
	for (size_t i = 0; i < result->count; i++) {
		const struct fulfilment_row *row = result->rows[i];
		/* One transaction moves no more than the longest of calls does. */
		lines += (size_t)row->line_count;
		if (i > 0 && lines > LINES_MAX)
			break;
		bool expired = false;
		enum verdict one = expire(run, row, &expired);
		if (one == VERDICT_REFUSED)
			return one;
		if (one == VERDICT_NEED)
			verdict = one;
		response->value += expired;
	}
	return verdict;
}

static int32_t sweep_route(const void *request, const struct book_limits *limits)
{
	int64_t part = ((const Google__Protobuf__Int64Value *)request)->value;
	return part >= 0 && part <= limits->parts ? (int32_t)part : 0;
}

const struct operation pickup_expire_operation = {
	.name = "Sweeper/ExpirePickups",
	.request = &google__protobuf__int64_value__descriptor,
	.response = &google__protobuf__int64_value__descriptor,
	.run = pickup_sweep,
	.route = sweep_route,
	.writes = true,
};
