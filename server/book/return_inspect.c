/* Deciding about goods that were taken back and wait in QUALITY_CONTROL. */
#include "book/order.h"
#include "book/return.h"

#define DISPOSITION(name) STOCKBOOK__V1__DISPOSITION__DISPOSITION_##name
#define STATE(name) STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_##name
#define REASON(name) STOCKBOOK__V1__REASON__REASON_##name
#define MOVED_BY(name) STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_##name

struct inspecting {
	const Stockbook__V1__InspectReturnRequest *request;
	const struct goods_return_row *row;
	const struct return_line_row **lines;
	size_t count;
};

static enum verdict inspect_open(struct run *run, struct inspecting *inspecting)
{
	const char *id = inspecting->request->return_id;
	struct goods_return_row key = {0};
	if (!uuid_parse(id, &key.id))
		return refuse_field(run, "return_id", "'%s' is not a UUID", id);
	key.part = (int32_t)uuid_part(&key.id);
	enum lookup found = workset_find(run->set, TABLE(goods_return), &key, ACCESS_LOCK,
		(const void **)&inspecting->row);
	if (found == LOOKUP_ABSENT) {
		refuse(run, REASON(RETURN_NOT_FOUND), "return '%s' not found", id);
		refuse_with(run, "return_id", "%s", id);
		return VERDICT_REFUSED;
	}
	/* Lines are only ever added with their return: they may be read with it, before its lock. */
	struct return_line_row line_key = {.part = key.part, .return_id = key.id};
	bool here = workset_children(run->set, TABLE(return_line), &line_key, 2);
	if (found == LOOKUP_NEEDED || !here)
		return VERDICT_NEED;
	inspecting->count = (size_t)inspecting->row->line_count;
	inspecting->lines =
		arena_alloc_array(run->arena, inspecting->count, sizeof(*inspecting->lines));
	for (size_t i = 0; i < inspecting->count; i++) {
		line_key.line = (int32_t)i + 1;
		found = workset_find(run->set, TABLE(return_line), &line_key, ACCESS_LOCK,
			(const void **)&inspecting->lines[i]);
		CHECK(found == LOOKUP_FOUND);
	}
	return check_location(run, inspecting->row->location, LOCATION_ANY, true, NULL);
}

static enum verdict refuse_short(struct run *run, size_t index, const char *sku, int64_t requested,
	int64_t available, const char *what)
{
	refuse(run, REASON(LINE_QUANTITY_EXCEEDED), "line %zu decides about %lld of sku '%s': %lld %s",
		index, (long long)requested, sku, (long long)available, what);
	char *key = arena_printf(run->arena, "lines[%zu]", index);
	refuse_with(run, arena_printf(run->arena, "%s.sku", key), "%s", sku);
	refuse_with(run, arena_printf(run->arena, "%s.requested", key), "%lld", (long long)requested);
	refuse_with(run, arena_printf(run->arena, "%s.available", key), "%lld", (long long)available);
	return VERDICT_REFUSED;
}

static enum verdict post_decision(struct run *run, const struct inspecting *inspecting,
	const struct return_line_row *line, Stockbook__V1__Disposition disposition, int64_t quantity)
{
	const char *location = inspecting->row->location;
	struct posting posting = {
		.sku = line->sku,
		.from_location = location,
		.from_state = STATE(QUALITY_CONTROL),
		.to_location = location,
		.to_state = STATE(AVAILABLE),
		.quantity = quantity,
		.reason = MOVED_BY(STATE_CHANGE),
		.document_line = line->line,
	};
	if (disposition == DISPOSITION(DAMAGED)) {
		posting.to_state = STATE(DAMAGED);
	} else if (disposition == DISPOSITION(DESTROYED)) {
		posting.to_location = "";
		posting.to_state = STATE(LOSS);
		posting.reason = MOVED_BY(DESTROYED);
	}
	return disposition == DISPOSITION(DESTROYED) ? post_leaving(run, &posting)
												 : post(run, &posting);
}

static void count_decision(struct run *run, const struct return_line_row *line,
	Stockbook__V1__Disposition disposition, int64_t quantity)
{
	struct return_line_row *edited = workset_edit(run->set, line);
	edited->waiting -= quantity;
	if (disposition == DISPOSITION(RESTOCK))
		edited->restocked += quantity;
	else if (disposition == DISPOSITION(DAMAGED))
		edited->damaged += quantity;
	else
		edited->destroyed += quantity;
}

static enum verdict decide_line(struct run *run, const struct inspecting *inspecting, size_t index)
{
	const Stockbook__V1__InspectReturnLine *asked = inspecting->request->lines[index];
	if (asked->quantity < 1 || asked->quantity > QUANTITY_MAX)
		return refuse_field(run, arena_printf(run->arena, "lines[%zu].quantity", index),
			"must be from 1 to %lld", (long long)QUANTITY_MAX);
	if (asked->disposition < DISPOSITION(RESTOCK) || asked->disposition > DISPOSITION(DESTROYED))
		return refuse_field(run, arena_printf(run->arena, "lines[%zu].disposition", index),
			"must be RESTOCK, DAMAGED or DESTROYED");
	if (asked->line < 1 || (size_t)asked->line > inspecting->count)
		return refuse_field(run, arena_printf(run->arena, "lines[%zu].line", index),
			"is not a line of the return, which has %zu", inspecting->count);
	const struct return_line_row *line = inspecting->lines[asked->line - 1];
	if (asked->quantity > line->waiting)
		return refuse_short(run, index, line->sku, asked->quantity, line->waiting, "wait");
	const struct stock_row *stock;
	enum lookup found = find_stock(run, line->sku, inspecting->row->location, ACCESS_LOCK, &stock);
	if (found == LOOKUP_NEEDED)
		return VERDICT_NEED;
	CHECK(found == LOOKUP_FOUND);
	/* Somebody may have moved goods out of QUALITY_CONTROL by hand. */
	if (asked->quantity > stock->quality_control)
		return refuse_short(run, index, line->sku, asked->quantity, stock->quality_control,
			"are in QUALITY_CONTROL at its location");
	enum verdict verdict =
		post_decision(run, inspecting, line, asked->disposition, asked->quantity);
	if (verdict == VERDICT_DONE)
		count_decision(run, line, asked->disposition, asked->quantity);
	return verdict;
}

enum verdict return_inspect(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__InspectReturnRequest *request = request_;
	Stockbook__V1__InspectReturnResponse *response = response_;
	if (request->n_lines < 1 || request->n_lines > LINES_MAX)
		return refuse_field(run, "lines", "must be 1 to %d lines", LINES_MAX);
	struct inspecting inspecting = {.request = request};
	enum verdict verdict = inspect_open(run, &inspecting);
	if (verdict == VERDICT_DONE)
		verdict = machine_check(run, &return_machine, inspecting.row->status, RETURN_INSPECT,
			&inspecting.row->id);
	if (verdict != VERDICT_DONE)
		return verdict;
	for (size_t i = 0; i < request->n_lines; i++) {
		enum verdict decided = decide_line(run, &inspecting, i);
		if (decided == VERDICT_REFUSED)
			return decided;
		if (decided == VERDICT_NEED)
			verdict = decided;
	}
	if (verdict != VERDICT_DONE)
		return verdict;
	struct goods_return_row *row = workset_edit(run->set, inspecting.row);
	int before = row->status;
	row->status = (int32_t)return_status_of(inspecting.lines, inspecting.count);
	row->updated_at = run->now_us;
	return_note(run, row, RETURN_INSPECT, before, request->note);
	response->goods_return = return_message(run, row, inspecting.lines, inspecting.count);
	return VERDICT_DONE;
}
