/* Reserve, and replace: other lines for a hold, which does not stand in its own way. */
#include <string.h>

#include "book/reservation.h"
#include "book/sourcing.h"

#define METHOD(name) STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_##name
#define STATUS(name) STOCKBOOK__V1__RESERVATION_STATUS__RESERVATION_STATUS_##name
#define STATE(name) STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_##name
#define MOVED_BY(name) STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_##name

/* ---- What both share ---- */

/* The lines as demands. On VERDICT_NEED those that are known are there. */
static enum verdict add_demands(struct run *run, struct sourcing *sourcing,
	Stockbook__V1__FulfilmentMethod method, Stockbook__V1__ReserveLine *const *lines, size_t count)
{
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < count; i++) {
		const Stockbook__V1__ReserveLine *line = lines[i];
		const char *sku;
		enum verdict checked = sourcing_check_line(run, sourcing, i, line->sku, line->location,
			line->quantity, method, &sku);
		if (checked == VERDICT_REFUSED)
			return checked;
		if (checked == VERDICT_NEED)
			verdict = checked;
		else
			sourcing_add(sourcing, method, sku, line->location, line->quantity, (int32_t)i);
	}
	return verdict;
}

static enum verdict check_line_count(struct run *run, size_t count)
{
	if (count >= 1 && count <= LINES_MAX)
		return VERDICT_DONE;
	return refuse_field(run, "lines", "must be 1 to %d lines", LINES_MAX);
}

/* What is carried out is a sale, and no hold. */
static enum verdict check_method(struct run *run, Stockbook__V1__FulfilmentMethod method)
{
	if (method == METHOD(UNSPECIFIED) || method == METHOD(SHIP) || method == METHOD(PICKUP) ||
		method == METHOD(SHIP_TO_STORE))
		return VERDICT_DONE;
	return refuse_field(run, "method", "must be SHIP, PICKUP or SHIP_TO_STORE");
}

static bool granted_anything(const struct sourcing *sourcing)
{
	for (size_t i = 0; i < sourcing->count; i++)
		if (sourcing->demands[i].granted > 0)
			return true;
	return false;
}

/* Decides what the lines get: all, or with allow_partial some. */
static enum verdict decide_lines(struct run *run, struct sourcing *sourcing,
	enum verdict lines_verdict, bool allow_partial)
{
	/* Also while lines are unknown: the others' rows are asked for in the same round. */
	enum verdict verdict = sourcing_decide(sourcing, run, allow_partial);
	if (verdict == VERDICT_REFUSED)
		return verdict;
	if (verdict == VERDICT_NEED || lines_verdict == VERDICT_NEED)
		return VERDICT_NEED;
	if (sourcing->short_count > 0 && (!allow_partial || !granted_anything(sourcing)))
		return sourcing_refuse(sourcing, run);
	return VERDICT_DONE;
}

/* One line of the hold for each cell that something was taken from. */
static void set_lines(struct run *run, struct reservation_row *row, const struct sourcing *sourcing)
{
	struct arena *arena = workset_arena(run->set);
	const char **skus = arena_alloc_array(arena, sourcing->cell_count, sizeof(*skus));
	const char **locations = arena_alloc_array(arena, sourcing->cell_count, sizeof(*locations));
	int64_t *quantities = arena_alloc_array(arena, sourcing->cell_count, sizeof(*quantities));
	size_t count = 0;
	for (size_t i = 0; i < sourcing->cell_count; i++) {
		const struct sourcing_cell *cell = &sourcing->cells[i];
		if (cell->taken == 0)
			continue;
		skus[count] = arena_string(arena, cell->sku);
		locations[count] = arena_string(arena, cell->location);
		quantities[count++] = cell->taken;
	}
	row->line_sku = (struct text_list){skus, count};
	row->line_location = (struct text_list){locations, count};
	row->line_quantity = (struct count_list){quantities, count};
}

static enum verdict post_cell(struct run *run, const struct sourcing_cell *cell, int64_t more,
	int32_t line, const char *channel)
{
	if (more == 0)
		return VERDICT_DONE;
	return post(run, &(struct posting){
						 .sku = cell->sku,
						 .from_location = cell->location,
						 .from_state = more > 0 ? STATE(AVAILABLE) : STATE(RESERVED),
						 .to_location = cell->location,
						 .to_state = more > 0 ? STATE(RESERVED) : STATE(AVAILABLE),
						 .quantity = more > 0 ? more : -more,
						 .reason = more > 0 ? MOVED_BY(RESERVE) : MOVED_BY(RELEASE),
						 .document_line = line,
						 .channel = channel,
					 });
}

/* Posts the differences between what each cell is to hold and what the hold has there already. Where
 * another channel goes on with it, all is given back and taken anew: quotas are the channel's. */
static enum verdict post_differences(struct run *run, const struct sourcing *sourcing,
	const char *channel_before, const char *channel)
{
	bool other = strcmp(channel_before, channel) != 0;
	enum verdict verdict = VERDICT_DONE;
	int32_t line = 0;
	for (size_t i = 0; i < sourcing->cell_count; i++) {
		const struct sourcing_cell *cell = &sourcing->cells[i];
		line += cell->taken > 0;
		int32_t number = cell->taken > 0 ? line : 0;
		int64_t back = other ? cell->credit : 0;
		enum verdict given = post_cell(run, cell, -back, number, channel_before);
		enum verdict posted =
			given == VERDICT_DONE
				? post_cell(run, cell, cell->taken - cell->credit + back, number, channel)
				: given;
		if (posted == VERDICT_REFUSED)
			return posted;
		if (posted == VERDICT_NEED)
			verdict = posted;
	}
	return verdict;
}

static void list_shortfalls(struct run *run, const struct sourcing *sourcing,
	Stockbook__V1__Shortfall ***shortfalls, size_t *count)
{
	*shortfalls = arena_alloc_array(run->arena, sourcing->short_count, sizeof(**shortfalls));
	*count = 0;
	for (size_t i = 0; i < sourcing->count; i++) {
		const struct demand *demand = &sourcing->demands[i];
		if (demand->granted == demand->quantity)
			continue;
		Stockbook__V1__Shortfall *shortfall = arena_alloc(run->arena, sizeof(*shortfall));
		stockbook__v1__shortfall__init(shortfall);
		shortfall->line = demand->line;
		shortfall->sku = arena_string(run->arena, demand->sku);
		shortfall->location = arena_string(run->arena, demand->location);
		shortfall->requested = demand->quantity;
		shortfall->reserved = demand->granted;
		(*shortfalls)[(*count)++] = shortfall;
	}
}

/* ---- Reserve ---- */

static struct reservation_row *insert_reservation(struct run *run,
	const Stockbook__V1__ReserveRequest *request, const struct sourcing *sourcing,
	int64_t hold_until)
{
	struct arena *arena = workset_arena(run->set);
	struct reservation_row *row = row_new(TABLE(reservation), arena);
	set_lines(run, row, sourcing);
	/* Where its first line lies: most holds touch one part only. */
	row->part = part_of(row->line_location.items[0], run->limits->parts);
	row->id = run_new_id(run, row->part);
	row->status = STATUS(HELD);
	row->owner = arena_string(arena, request->owner);
	row->customer = arena_string(arena, request->customer);
	row->channel = arena_string(arena, request->channel);
	row->hold_until = hold_until;
	row->created_at = row->updated_at = run->now_us;
	row = workset_insert(run->set, row);
	reservation_note(run, row, RESERVATION_RESERVE, STATUS(UNSPECIFIED), NULL);
	return row;
}

enum verdict reservation_reserve(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__ReserveRequest *request = request_;
	Stockbook__V1__ReserveResponse *response = response_;
	int64_t hold_until;
	enum verdict verdict = check_line_count(run, request->n_lines);
	if (verdict == VERDICT_DONE)
		verdict = reservation_hold_until(run, request->hold_for, &hold_until);
	if (verdict == VERDICT_DONE)
		verdict = check_method(run, request->method);
	if (verdict != VERDICT_DONE)
		return verdict;

	const struct channel_row *channel;
	enum verdict channel_verdict = require_channel(run, request->channel, "channel", &channel);
	if (channel_verdict == VERDICT_REFUSED)
		return channel_verdict;
	struct sourcing sourcing;
	sourcing_init(&sourcing, run, channel, request->sourcing, request->n_lines);
	verdict = add_demands(run, &sourcing, request->method, request->lines, request->n_lines);
	if (verdict == VERDICT_REFUSED)
		return verdict;
	if (channel_verdict == VERDICT_NEED)
		return VERDICT_NEED;
	verdict = decide_lines(run, &sourcing, verdict, request->allow_partial);
	if (verdict == VERDICT_DONE)
		verdict = post_differences(run, &sourcing, request->channel, request->channel);
	if (verdict != VERDICT_DONE)
		return verdict;

	const struct reservation_row *row = insert_reservation(run, request, &sourcing, hold_until);
	response->reservation = reservation_message(run, row);
	list_shortfalls(run, &sourcing, &response->shortfalls, &response->n_shortfalls);
	return VERDICT_DONE;
}

/* ---- Replace ---- */

static const char *channel_of(const Stockbook__V1__ReplaceReservationRequest *request,
	const struct reservation_row *row)
{
	return request->channel[0] ? request->channel : row->channel;
}

static enum verdict decide_replacement(struct run *run, struct sourcing *sourcing,
	const Stockbook__V1__ReplaceReservationRequest *request, const struct reservation_row *row)
{
	const struct channel_row *channel;
	enum verdict channel_verdict =
		require_channel(run, channel_of(request, row), "channel", &channel);
	if (channel_verdict == VERDICT_REFUSED)
		return channel_verdict;
	sourcing_init(sourcing, run, channel, NULL, request->n_lines + row->line_sku.count);
	for (size_t i = 0; i < row->line_sku.count; i++)
		sourcing_cell(sourcing, run, row->line_sku.items[i], row->line_location.items[i])->credit +=
			row->line_quantity.items[i];
	enum verdict verdict =
		add_demands(run, sourcing, METHOD(UNSPECIFIED), request->lines, request->n_lines);
	if (verdict == VERDICT_REFUSED)
		return verdict;
	if (channel_verdict == VERDICT_NEED)
		return VERDICT_NEED;
	return decide_lines(run, sourcing, verdict, request->allow_partial);
}

enum verdict reservation_replace(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__ReplaceReservationRequest *request = request_;
	Stockbook__V1__ReplaceReservationResponse *response = response_;
	int64_t hold_until = 0;
	enum verdict verdict = check_line_count(run, request->n_lines);
	if (verdict == VERDICT_DONE && request->hold_for)
		verdict = reservation_hold_until(run, request->hold_for, &hold_until);
	if (verdict != VERDICT_DONE)
		return verdict;

	const struct reservation_row *row;
	verdict = reservation_open(run, request->reservation_id, request->channel, &row);
	if (verdict == VERDICT_DONE)
		verdict =
			reservation_check_step(run, row, reservation_status_now(run, row), RESERVATION_REPLACE);
	if (verdict != VERDICT_DONE)
		return verdict;
	struct sourcing sourcing;
	verdict = decide_replacement(run, &sourcing, request, row);
	if (verdict == VERDICT_DONE)
		verdict = post_differences(run, &sourcing, row->channel, channel_of(request, row));
	if (verdict != VERDICT_DONE)
		return verdict;

	/* The new channel's step. */
	struct reservation_row *edited = workset_edit(run->set, row);
	if (request->channel[0])
		edited->channel = arena_string(workset_arena(run->set), request->channel);
	reservation_advance(run, row, RESERVATION_REPLACE, NULL);
	set_lines(run, edited, &sourcing);
	if (hold_until != 0)
		edited->hold_until = hold_until;
	response->reservation = reservation_message(run, edited);
	list_shortfalls(run, &sourcing, &response->shortfalls, &response->n_shortfalls);
	return VERDICT_DONE;
}
