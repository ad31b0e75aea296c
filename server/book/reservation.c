/* Reservations: the machine, and the steps that need no stock: extend, release, expire. */
#include "book/reservation.h"

#include "book/sourcing.h"
#include "stockbook/v1/stock.pb-c.h"

#define STATUS(name) STOCKBOOK__V1__RESERVATION_STATUS__RESERVATION_STATUS_##name
#define STATE(name) STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_##name
#define REASON(name) STOCKBOOK__V1__REASON__REASON_##name
#define MOVED_BY(name) STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_##name

/* ---- The machine ---- */

static const char *const steps[] = {
	[RESERVATION_RESERVE] = "reserve",
	[RESERVATION_REPLACE] = "replace",
	[RESERVATION_EXTEND] = "extend",
	[RESERVATION_RELEASE] = "release",
	[RESERVATION_CONFIRM] = "confirm",
	[RESERVATION_CONFIRM_AGAIN] = "confirm again",
	[RESERVATION_EXPIRE] = "expire",
};

static const struct transition transitions[] = {
	{STATUS(UNSPECIFIED), RESERVATION_RESERVE, STATUS(HELD), RESERVATION_RELEASE},
	{STATUS(HELD), RESERVATION_REPLACE, STATUS(HELD), RESERVATION_REPLACE},
	{STATUS(HELD), RESERVATION_EXTEND, STATUS(HELD), RESERVATION_EXTEND},
	{STATUS(HELD), RESERVATION_RELEASE, STATUS(RELEASED), STEP_FINAL},
	{STATUS(HELD), RESERVATION_CONFIRM, STATUS(CONFIRMED), STEP_FINAL},
	{STATUS(HELD), RESERVATION_EXPIRE, STATUS(EXPIRED), RESERVATION_CONFIRM_AGAIN},
	/* It was expired by time, but nobody had swept it. */
	{STATUS(HELD), RESERVATION_CONFIRM_AGAIN, STATUS(CONFIRMED), STEP_FINAL},
	{STATUS(EXPIRED), RESERVATION_CONFIRM_AGAIN, STATUS(CONFIRMED), STEP_FINAL},
	{0},
};

const struct machine reservation_machine = {
	.document = "reservation",
	.summary =
		"A hold with an expiry: a basket. Once confirmed, its order carries on. A hold is over "
		"at its time, swept or not; then a step that is not from `EXPIRED` is refused with "
		"the reason `EXPIRED`, but to release it is well.",
	.kind = STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_RESERVATION,
	.statuses = &stockbook__v1__reservation_status__descriptor,
	.steps = steps,
	.step_count = RESERVATION_STEP_COUNT,
	.transitions = transitions,
};

static bool hold_is_over(const struct run *run, const struct reservation_row *row)
{
	return row->hold_until <= run->now_us;
}

Stockbook__V1__ReservationStatus reservation_status_now(const struct run *run,
	const struct reservation_row *row)
{
	Stockbook__V1__ReservationStatus status = (Stockbook__V1__ReservationStatus)row->status;
	return status == STATUS(HELD) && hold_is_over(run, row) ? STATUS(EXPIRED) : status;
}

/* RFC 3339 would need a calendar, which the book has not: seconds since 1970, as on the wire. */
static char *time_text(struct run *run, int64_t time_us)
{
	return arena_printf(run->arena, "%lld.%06lld", (long long)(time_us / 1000000),
		(long long)(time_us % 1000000));
}

enum verdict reservation_check_step(struct run *run, const struct reservation_row *row,
	Stockbook__V1__ReservationStatus status, enum reservation_step step)
{
	if (status != STATUS(EXPIRED) || machine_has_step(&reservation_machine, (int)status, step))
		return machine_check(run, &reservation_machine, (int)status, step, &row->id);
	char *id = run_id_text(run, &row->id);
	refuse(run, REASON(EXPIRED), "the hold of reservation '%s' is over", id);
	refuse_with(run, "expired_at", "%s", time_text(run, row->hold_until));
	refuse_with(run, "reservation_id", "%s", id);
	refuse_with(run, "status", "%s", machine_status_name(&reservation_machine, (int)status));
	return VERDICT_REFUSED;
}

void reservation_note(struct run *run, const struct reservation_row *row,
	enum reservation_step step, int before, const char *note)
{
	machine_note(run, &reservation_machine,
		&(struct machine_change){
			.part = row->part,
			.id = row->id,
			.step = step,
			.before = before,
			.after = row->status,
			.channel = row->channel,
			.note = note,
		});
}

struct reservation_row *reservation_advance(struct run *run, const struct reservation_row *row,
	enum reservation_step step, const char *note)
{
	int before = row->status;
	struct reservation_row *edited = workset_edit(run->set, row);
	edited->status = machine_target(&reservation_machine, before, step);
	edited->updated_at = run->now_us;
	reservation_note(run, edited, step, before, note);
	return edited;
}

/* ---- What several steps share ---- */

/* A basket held in one channel is carried on in another: whoever stands at a till may move what its
 * channel could promise, wherever that lies. */
static enum verdict check_actor(struct run *run, const struct reservation_row *row,
	const char *channel_code)
{
	if (!run->actor->bound)
		return VERDICT_DONE;
	const struct channel_row *channel;
	enum verdict verdict = require_channel(run,
		channel_code && channel_code[0] ? channel_code : row->channel, "channel", &channel);
	if (verdict != VERDICT_DONE)
		return verdict;
	for (size_t i = 0; i < row->line_location.count; i++) {
		enum verdict checked =
			sourcing_check_reach(run, channel, row->line_location.items[i], NULL);
		if (checked == VERDICT_REFUSED)
			return checked;
		if (checked == VERDICT_NEED)
			verdict = VERDICT_NEED;
	}
	return verdict;
}

enum verdict reservation_open(struct run *run, const char *id, const char *channel,
	const struct reservation_row **row)
{
	struct reservation_row key = {0};
	*row = NULL;
	if (!uuid_parse(id, &key.id))
		return refuse_field(run, "reservation_id", "'%s' is not a UUID", id);
	key.part = (int32_t)uuid_part(&key.id);
	enum lookup found =
		workset_find(run->set, TABLE(reservation), &key, ACCESS_LOCK, (const void **)row);
	if (found == LOOKUP_NEEDED)
		return VERDICT_NEED;
	if (found == LOOKUP_ABSENT) {
		refuse(run, REASON(RESERVATION_NOT_FOUND), "reservation '%s' not found", id);
		refuse_with(run, "reservation_id", "%s", id);
		return VERDICT_REFUSED;
	}
	return check_actor(run, *row, channel);
}

enum verdict reservation_free_stock(struct run *run, const struct reservation_row *row,
	Stockbook__V1__MovementReason reason)
{
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < row->line_sku.count; i++) {
		enum verdict posted = post(run, &(struct posting){
											.sku = row->line_sku.items[i],
											.from_location = row->line_location.items[i],
											.from_state = STATE(RESERVED),
											.to_location = row->line_location.items[i],
											.to_state = STATE(AVAILABLE),
											.quantity = row->line_quantity.items[i],
											.reason = reason,
											.document_line = (int32_t)i + 1,
											.channel = row->channel,
										});
		if (posted == VERDICT_REFUSED)
			return posted;
		if (posted == VERDICT_NEED)
			verdict = VERDICT_NEED; /* go on: ask for all rows at once */
	}
	return verdict;
}

enum verdict reservation_expire(struct run *run, const struct reservation_row *row)
{
	CHECK(row->status == STATUS(HELD) && hold_is_over(run, row));
	enum verdict verdict = reservation_free_stock(run, row, MOVED_BY(EXPIRE));
	if (verdict == VERDICT_DONE)
		reservation_advance(run, row, RESERVATION_EXPIRE, NULL);
	return verdict;
}

enum verdict reservation_hold_until(struct run *run, const Google__Protobuf__Duration *hold_for,
	int64_t *hold_until)
{
	int64_t hold_us = run->limits->hold_default_us;
	if (hold_for) {
		/* Seconds first, so that the product below cannot overflow. */
		int64_t seconds_max = run->limits->hold_max_us / 1000000;
		if (hold_for->seconds < 0 || hold_for->seconds > seconds_max)
			hold_us = 0;
		else
			hold_us = hold_for->seconds * 1000000 + hold_for->nanos / 1000;
		if (hold_us < 1000000 || hold_us > run->limits->hold_max_us)
			return refuse_field(run, "hold_for", "must be from 1 to %lld seconds",
				(long long)seconds_max);
	}
	*hold_until = run->now_us + hold_us;
	return VERDICT_DONE;
}

Stockbook__V1__Reservation *reservation_message(struct run *run, const struct reservation_row *row)
{
	struct arena *arena = run->arena;
	Stockbook__V1__Reservation *message = arena_alloc(arena, sizeof(*message));
	stockbook__v1__reservation__init(message);
	message->id = run_id_text(run, &row->id);
	message->status = reservation_status_now(run, row);
	message->owner = arena_string(arena, row->owner);
	message->customer = arena_string(arena, row->customer);
	message->channel = arena_string(arena, row->channel);
	message->n_lines = row->line_sku.count;
	message->lines = arena_alloc_array(arena, message->n_lines, sizeof(*message->lines));
	for (size_t i = 0; i < message->n_lines; i++) {
		Stockbook__V1__ReservationLine *line = arena_alloc(arena, sizeof(*line));
		stockbook__v1__reservation_line__init(line);
		line->sku = arena_string(arena, row->line_sku.items[i]);
		line->location = arena_string(arena, row->line_location.items[i]);
		line->quantity = row->line_quantity.items[i];
		message->lines[i] = line;
	}
	message->hold_until = make_timestamp(arena, row->hold_until);
	message->create_time = make_timestamp(arena, row->created_at);
	message->update_time = make_timestamp(arena, row->updated_at);
	message->order_id = run_id_text(run, &row->order_id);
	return message;
}

/* ---- Extend ---- */

static enum verdict reservation_extend(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__ExtendReservationRequest *request = request_;
	Stockbook__V1__ExtendReservationResponse *response = response_;
	int64_t hold_until = 0;
	enum verdict verdict = reservation_hold_until(run, request->hold_for, &hold_until);
	if (verdict != VERDICT_DONE)
		return verdict;
	const struct reservation_row *row;
	verdict = reservation_open(run, request->reservation_id, NULL, &row);
	if (verdict != VERDICT_DONE)
		return verdict;
	verdict =
		reservation_check_step(run, row, reservation_status_now(run, row), RESERVATION_EXTEND);
	if (verdict != VERDICT_DONE)
		return verdict;
	reservation_advance(run, row, RESERVATION_EXTEND, NULL)->hold_until = hold_until;
	response->reservation = reservation_message(run, row);
	return VERDICT_DONE;
}

/* ---- Release ---- */

/* A hold that is over counts as released: the caller has what he wanted. */
static enum verdict reservation_release(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__ReleaseReservationRequest *request = request_;
	Stockbook__V1__ReleaseReservationResponse *response = response_;
	const struct reservation_row *row;
	enum verdict verdict = reservation_open(run, request->reservation_id, NULL, &row);
	if (verdict != VERDICT_DONE)
		return verdict;
	Stockbook__V1__ReservationStatus status = (Stockbook__V1__ReservationStatus)row->status;
	if (status != STATUS(EXPIRED)) {
		verdict = reservation_check_step(run, row, status, RESERVATION_RELEASE);
		if (verdict != VERDICT_DONE)
			return verdict;
		if (hold_is_over(run, row)) {
			verdict = reservation_expire(run, row);
		} else {
			verdict = reservation_free_stock(run, row, MOVED_BY(RELEASE));
			if (verdict == VERDICT_DONE)
				reservation_advance(run, row, RESERVATION_RELEASE, request->note);
		}
		if (verdict != VERDICT_DONE)
			return verdict;
	}
	response->reservation = reservation_message(run, row);
	return VERDICT_DONE;
}

/* ---- The sweeper ---- */

static enum verdict reservation_sweep(struct run *run, const void *request_, void *response_)
{
	static const struct scan_shape shape = {
		.name = "reservations_to_sweep",
		.table = TABLE(reservation),
		.conditions = {{"part", SCAN_EQUAL, 0}, {"status", SCAN_IS, STATUS(HELD)},
			{"hold_until", SCAN_LESS, 0}},
		.order = {"hold_until"},
	};
	const Google__Protobuf__Int64Value *request = request_;
	Google__Protobuf__Int64Value *response = response_;
	struct scan scan = {.shape = &shape, .limit = RESERVATION_EXPIRE_MAX};
	scan.values[0] = (struct scan_value){.present = true, .number = request->value};
	/* To the next full second, so that another look at the clock is the same scan; judged exactly
	 * below. */
	scan.values[2] =
		(struct scan_value){.present = true, .number = (run->now_us / 1000000 + 1) * 1000000};
	const struct scan_result *result = workset_scan(run->set, &scan);
	if (!result)
		return VERDICT_NEED;
	bool needs = false;
	int64_t expired = 0;
	size_t lines = 0;
	for (size_t i = 0; i < result->count; i++) {
		const struct reservation_row *row;
		/* One transaction moves no more than the longest of calls does. */
		lines += ((const struct reservation_row *)result->rows[i])->line_sku.count;
		if (i > 0 && lines > LINES_MAX)
			break;
		enum lookup found = workset_find(run->set, TABLE(reservation), result->rows[i], ACCESS_LOCK,
			(const void **)&row);
		needs = needs || found == LOOKUP_NEEDED;
		/* Someone may have confirmed, extended or expired it since it was scanned. */
		if (found != LOOKUP_FOUND || row->status != STATUS(HELD) || !hold_is_over(run, row))
			continue;
		enum verdict verdict = reservation_expire(run, row);
		if (verdict == VERDICT_REFUSED)
			return verdict;
		needs = needs || verdict == VERDICT_NEED;
		expired++;
	}
	if (needs)
		return VERDICT_NEED;
	response->value = expired;
	return VERDICT_DONE;
}

static int32_t sweep_route(const void *request, const struct book_limits *limits)
{
	int64_t part = ((const Google__Protobuf__Int64Value *)request)->value;
	return part >= 0 && part <= limits->parts ? (int32_t)part : 0;
}

const struct operation reservation_expire_operation = {
	.name = "Sweeper/ExpireReservations",
	.request = &google__protobuf__int64_value__descriptor,
	.response = &google__protobuf__int64_value__descriptor,
	.run = reservation_sweep,
	.route = sweep_route,
	.writes = true,
};

/* ---- The table ---- */

static int32_t reserve_route(const void *request_, const struct book_limits *limits)
{
	const Stockbook__V1__ReserveRequest *request = request_;
	if (request->n_lines == 0)
		return 0;
	/* Where no location is named: calls for one SKU meet in one batch. */
	const Stockbook__V1__ReserveLine *line = request->lines[0];
	return part_of(line->location[0] ? line->location : line->sku, limits->parts);
}

static int32_t part_of_id(const char *text, const struct book_limits *limits)
{
	struct uuid id;
	if (!uuid_parse(text, &id))
		return 0;
	int32_t part = (int32_t)uuid_part(&id);
	return part <= limits->parts ? part : 0;
}

/* clang-format off */
#define ROUTE(name, Message) \
	static int32_t name(const void *request, const struct book_limits *limits) \
	{ \
		return part_of_id(((const Stockbook__V1__##Message *)request)->reservation_id, limits); \
	}
ROUTE(replace_route, ReplaceReservationRequest)
ROUTE(extend_route, ExtendReservationRequest)
ROUTE(release_route, ReleaseReservationRequest)
ROUTE(confirm_route, ConfirmReservationRequest)

#define OPERATION(method, message, run, route, writes) \
	{"ReservationService/" method, &stockbook__v1__##message##_request__descriptor, \
		&stockbook__v1__##message##_response__descriptor, run, route, writes}

const struct operation reservation_operations[] = {
	OPERATION("Reserve", reserve, reservation_reserve, reserve_route, true),
	OPERATION("ReplaceReservation", replace_reservation, reservation_replace, replace_route, true),
	OPERATION("ExtendReservation", extend_reservation, reservation_extend, extend_route, true),
	OPERATION("ReleaseReservation", release_reservation, reservation_release, release_route, true),
	OPERATION("ConfirmReservation", confirm_reservation, reservation_confirm, confirm_route, true),
	OPERATION("GetReservation", get_reservation, reservation_get, NULL, false),
	OPERATION("ListReservations", list_reservations, reservation_list, NULL, false),
	{0},
};
/* clang-format on */
