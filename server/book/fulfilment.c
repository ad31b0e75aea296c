/* Fulfilments: their rows, their counters, opening and advancing them. */
#include "book/fulfilment.h"

#include <string.h>

#include "book/pickup.h"
#include "book/shipment.h"
#include "book/work.h"

#define KIND(name) STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_##name
#define PICKUP(name) STOCKBOOK__V1__PICKUP_STATUS__PICKUP_STATUS_##name
#define SHIPMENT(name) STOCKBOOK__V1__SHIPMENT_STATUS__SHIPMENT_STATUS_##name
#define WORK(name) STOCKBOOK__V1__WORK_KIND__WORK_KIND_##name
#define REASON(name) STOCKBOOK__V1__REASON__REASON_##name

#define MINUTE_US INT64_C(60000000)
/* Where a location says nothing; location.proto tells them. */
#define ACCEPT_MINUTES 60
#define READY_MINUTES 240
#define SHIP_MINUTES 1440

/* ---- What they are ---- */

static bool is_pickup(const struct fulfilment_row *row)
{
	return row->kind == KIND(PICKUP);
}

const struct machine *fulfilment_machine(const struct fulfilment_row *row)
{
	return is_pickup(row) ? &pickup_machine : &shipment_machine;
}

bool fulfilment_is_living(const struct fulfilment *fulfilment)
{
	int status = fulfilment->row->status;
	return is_pickup(fulfilment->row) ? status < (int)PICKUP(COLLECTED)
									  : status < (int)SHIPMENT(SHIPPED);
}

/* They ascend by number. */
struct fulfilment_line *fulfilment_line_of(struct fulfilment *fulfilment, int32_t line)
{
	size_t first = 0;
	size_t end = fulfilment->count;
	while (first < end) {
		size_t middle = first + (end - first) / 2;
		if (fulfilment->lines[middle].line < line)
			first = middle + 1;
		else
			end = middle;
	}
	bool found = first < fulfilment->count && fulfilment->lines[first].line == line;
	return found ? &fulfilment->lines[first] : NULL;
}

struct fulfilment_line fulfilment_total(const struct fulfilment *fulfilment)
{
	struct fulfilment_line total = {0};
	for (size_t i = 0; i < fulfilment->count; i++) {
		const struct fulfilment_line *line = &fulfilment->lines[i];
		total.quantity += line->quantity;
		total.awaiting += line->awaiting;
		total.to_pick += line->to_pick;
		total.picked += line->picked;
		total.done += line->done;
		total.put_back += line->put_back;
		total.dropped += line->dropped;
	}
	return total;
}

/* What living fulfilments count of a line at a location. */
static struct fulfilment_line counted(const struct order *order, int32_t line, const char *location)
{
	struct fulfilment_line sum = {0};
	for (size_t i = 0; i < order->fulfilment_count; i++) {
		struct fulfilment *fulfilment = order->fulfilments[i];
		if (!fulfilment_is_living(fulfilment) || strcmp(fulfilment->row->location, location) != 0)
			continue;
		const struct fulfilment_line *at = fulfilment_line_of(fulfilment, line);
		if (!at)
			continue;
		sum.to_pick += at->to_pick;
		sum.picked += at->picked;
	}
	return sum;
}

static const struct order_allocation *allocation_at(const struct order_line *line,
	const char *location)
{
	for (size_t i = 0; i < line->allocation_count; i++)
		if (strcmp(line->allocations[i].location, location) == 0)
			return &line->allocations[i];
	return NULL;
}

int64_t order_free_allocated(const struct order *order, const struct order_line *line,
	const char *location)
{
	const struct order_allocation *at = allocation_at(line, location);
	if (!at)
		return 0;
	int64_t has = at->allocated - at->awaiting;
	int64_t count = order->fulfilment_count > 0 ? counted(order, line->line, location).to_pick : 0;
	CHECK(count <= has);
	return has - count;
}

int64_t order_free_picked(const struct order *order, const struct order_line *line,
	const char *location)
{
	const struct order_allocation *at = allocation_at(line, location);
	if (!at)
		return 0;
	int64_t count = order->fulfilment_count > 0 ? counted(order, line->line, location).picked : 0;
	CHECK(count <= at->picked);
	return at->picked - count;
}

/* ---- Reading ---- */

static struct fulfilment_line line_load(const struct fulfilment_line_row *row)
{
	return (struct fulfilment_line){
		.row = row,
		.line = row->line,
		.sku = row->sku,
		.quantity = row->quantity,
		.awaiting = row->awaiting,
		.to_pick = row->to_pick,
		.picked = row->picked,
		.done = row->done,
		.put_back = row->put_back,
		.dropped = row->dropped,
	};
}

static struct fulfilment *fulfilment_add(struct run *run, struct order *order,
	const struct fulfilment_row *row)
{
	struct fulfilment *fulfilment = arena_alloc(run->arena, sizeof(*fulfilment));
	fulfilment->row = row;
	fulfilment->lines =
		arena_alloc_array(run->arena, (size_t)row->line_count, sizeof(*fulfilment->lines));
	order->fulfilments = arena_grow(run->arena, order->fulfilments, order->fulfilment_count,
		&order->fulfilment_capacity, sizeof(struct fulfilment *));
	order->fulfilments[order->fulfilment_count++] = fulfilment;
	return fulfilment;
}

/* False: needed. */
static bool ask_for_families(struct run *run, int32_t part, const struct uuid *order_id)
{
	struct fulfilment_row key = {.part = part, .order_id = *order_id};
	struct fulfilment_line_row line_key = {.part = part, .order_id = *order_id};
	bool here = workset_children(run->set, TABLE(fulfilment), &key, 2);
	return workset_children(run->set, TABLE(fulfilment_line), &line_key, 2) && here;
}

enum verdict fulfilments_load(struct run *run, struct order *order)
{
	if (order->row->fulfilment_count == 0)
		return VERDICT_DONE;
	if (!ask_for_families(run, order->row->part, &order->row->id))
		return VERDICT_NEED;
	struct fulfilment_row key = {.part = order->row->part, .order_id = order->row->id};
	struct fulfilment_line_row line_key = {.part = order->row->part, .order_id = order->row->id};
	size_t count;
	size_t line_count;
	const void *const *rows = workset_family(run->set, TABLE(fulfilment), &key, &count);
	const void *const *lines =
		workset_family(run->set, TABLE(fulfilment_line), &line_key, &line_count);
	CHECK(count == (size_t)order->row->fulfilment_count);
	/* Both ascend by the fulfilment's id. */
	size_t next = 0;
	for (size_t i = 0; i < count; i++) {
		struct fulfilment *fulfilment = fulfilment_add(run, order, rows[i]);
		for (; next < line_count; next++) {
			const struct fulfilment_line_row *row = lines[next];
			if (uuid_compare(&row->fulfilment_id, &fulfilment->row->id) != 0)
				break;
			fulfilment->lines[fulfilment->count++] = line_load(row);
		}
		CHECK(fulfilment->count == (size_t)fulfilment->row->line_count);
	}
	CHECK(next == line_count);
	return VERDICT_DONE;
}

static enum verdict refuse_not_found(struct run *run, Stockbook__V1__DocumentKind kind,
	const char *id)
{
	const char *name = kind == KIND(PICKUP) ? pickup_machine.document : shipment_machine.document;
	refuse(run, kind == KIND(PICKUP) ? REASON(PICKUP_NOT_FOUND) : REASON(SHIPMENT_NOT_FOUND),
		"%s '%s' not found", name, id);
	refuse_with(run, arena_printf(run->arena, "%s_id", name), "%s", id);
	return VERDICT_REFUSED;
}

enum verdict fulfilment_find(struct run *run, Stockbook__V1__DocumentKind kind, const char *id,
	const struct fulfilment_row **row)
{
	static const struct scan_shape shape = {
		.name = "fulfilment_by_id",
		.table = TABLE(fulfilment),
		.conditions = {{"part", SCAN_EQUAL, 0}, {"id", SCAN_EQUAL, 0}},
		.order = {"id"},
	};
	struct uuid uuid;
	if (!uuid_parse(id, &uuid))
		return refuse_field(run, kind == KIND(PICKUP) ? "pickup_id" : "shipment_id",
			"'%s' is not a UUID", id);
	struct scan scan = {.shape = &shape, .limit = 1};
	scan.values[0] = (struct scan_value){.present = true, .number = (int64_t)uuid_part(&uuid)};
	scan.values[1] = (struct scan_value){.present = true, .uuid = uuid};
	const struct scan_result *result = workset_scan(run->set, &scan);
	if (!result)
		return VERDICT_NEED;
	if (result->count == 0 ||
		((const struct fulfilment_row *)result->rows[0])->kind != (int32_t)kind)
		return refuse_not_found(run, kind, id);
	*row = result->rows[0];
	return VERDICT_DONE;
}

enum verdict fulfilment_read(struct run *run, const struct fulfilment_row *row,
	struct fulfilment *fulfilment)
{
	static const struct scan_shape shape = {
		.name = "fulfilment_lines",
		.table = TABLE(fulfilment_line),
		.conditions = {{"part", SCAN_EQUAL, 0}, {"order_id", SCAN_EQUAL, 0},
			{"fulfilment_id", SCAN_EQUAL, 0}},
		.order = {"line"},
	};
	struct scan scan = {.shape = &shape, .limit = LINES_MAX};
	scan.values[0] = (struct scan_value){.present = true, .number = row->part};
	scan.values[1] = (struct scan_value){.present = true, .uuid = row->order_id};
	scan.values[2] = (struct scan_value){.present = true, .uuid = row->id};
	const struct scan_result *result = workset_scan(run->set, &scan);
	if (!result)
		return VERDICT_NEED;
	*fulfilment = (struct fulfilment){.row = row, .count = result->count};
	fulfilment->lines = arena_alloc_array(run->arena, result->count, sizeof(*fulfilment->lines));
	for (size_t i = 0; i < result->count; i++)
		fulfilment->lines[i] = line_load(result->rows[i]);
	return VERDICT_DONE;
}

/* So that the step and its answer need no further rounds: the work that may come or go, asked for in
 * the round of the order's lock, and where the goods lie. What is missing is only noted here. */
static void ask_for_work(struct run *run, const struct fulfilment_row *row)
{
	for (int kind = WORK(ACCEPT); kind <= (int)WORK(PUT_BACK); kind++) {
		struct work_row key = {.part = row->part, .document_id = row->id, .kind = kind};
		const void *found;
		workset_find(run->set, TABLE(work), &key, ACCESS_LOCK, &found);
	}
}

static void ask_for_shelves(struct run *run, const struct fulfilment *fulfilment)
{
	const char *shelf;
	for (size_t i = 0; i < fulfilment->count; i++)
		shelf_of(run, fulfilment->lines[i].sku, fulfilment->row->location, &shelf);
}

enum verdict fulfilment_open(struct run *run, Stockbook__V1__DocumentKind kind, const char *id,
	bool acting, struct order *order, struct fulfilment **at)
{
	const struct fulfilment_row *row;
	enum verdict verdict = fulfilment_find(run, kind, id, &row);
	if (verdict != VERDICT_DONE)
		return verdict;
	/* Before the order's row says that there are any: they come in the round of its lock. */
	ask_for_families(run, row->part, &row->order_id);
	ask_for_work(run, row);
	enum verdict allowed =
		acting ? check_location(run, row->location, LOCATION_ANY, true, NULL) : VERDICT_DONE;
	verdict = order_open(run, run_id_text(run, &row->order_id), order);
	if (allowed == VERDICT_REFUSED || verdict == VERDICT_REFUSED)
		return VERDICT_REFUSED;
	if (allowed == VERDICT_NEED || verdict == VERDICT_NEED)
		return VERDICT_NEED;
	for (size_t i = 0; i < order->fulfilment_count; i++) {
		if (uuid_compare(&order->fulfilments[i]->row->id, &row->id) != 0)
			continue;
		*at = order->fulfilments[i];
		ask_for_shelves(run, *at);
		return VERDICT_DONE;
	}
	CHECK(!"an order has all of its fulfilments");
	return VERDICT_REFUSED;
}

/* ---- Storing ---- */

static void check_line(const struct fulfilment_line *line)
{
	CHECK(line->awaiting >= 0 && line->to_pick >= 0 && line->picked >= 0 && line->done >= 0 &&
		  line->put_back >= 0 && line->dropped >= 0);
	CHECK(line->quantity == line->awaiting + line->to_pick + line->picked + line->done +
								line->put_back + line->dropped);
}

static void line_store(struct run *run, const struct fulfilment_row *fulfilment,
	struct fulfilment_line *line)
{
	check_line(line);
	struct fulfilment_line_row *row;
	if (line->row) {
		row = workset_edit(run->set, line->row);
	} else {
		row = row_new(TABLE(fulfilment_line), workset_arena(run->set));
		row->part = fulfilment->part;
		row->order_id = fulfilment->order_id;
		row->fulfilment_id = fulfilment->id;
		row->line = line->line;
		row = workset_insert(run->set, row);
		row->sku = arena_string(workset_arena(run->set), line->sku);
		line->row = row;
	}
	row->quantity = line->quantity;
	row->awaiting = line->awaiting;
	row->to_pick = line->to_pick;
	row->picked = line->picked;
	row->done = line->done;
	row->put_back = line->put_back;
	row->dropped = line->dropped;
	line->changed = false;
}

void fulfilment_store(struct run *run, struct fulfilment *fulfilment)
{
	for (size_t i = 0; i < fulfilment->count; i++)
		if (fulfilment->lines[i].changed || !fulfilment->lines[i].row)
			line_store(run, fulfilment->row, &fulfilment->lines[i]);
}

/* ---- Work ---- */

static Stockbook__V1__WorkKind pickup_work(Stockbook__V1__PickupStatus status)
{
	switch (status) {
	case PICKUP(REQUESTED):
		return WORK(ACCEPT);
	case PICKUP(ACCEPTED):
	case PICKUP(PICKING):
		return WORK(PICK);
	case PICKUP(PICKED):
		return WORK(MAKE_READY);
	case PICKUP(READY):
		return WORK(HAND_OVER);
	case PICKUP(UNSPECIFIED):
	case PICKUP(AWAITING_TRANSFER):
	case PICKUP(COLLECTED):
	case PICKUP(PUTTING_BACK):
	case PICKUP(CANCELLED):
	case _STOCKBOOK__V1__PICKUP_STATUS_IS_INT_SIZE:
		break;
	}
	return WORK(UNSPECIFIED);
}

static Stockbook__V1__WorkKind shipment_work(Stockbook__V1__ShipmentStatus status)
{
	switch (status) {
	case SHIPMENT(ALLOCATED):
		return WORK(PICK);
	case SHIPMENT(PICKED):
		return WORK(PACK);
	case SHIPMENT(PACKED):
		return WORK(SHIP);
	case SHIPMENT(UNSPECIFIED):
	case SHIPMENT(SHIPPED):
	case SHIPMENT(DELIVERED):
	case SHIPMENT(LOST):
	case SHIPMENT(PUTTING_BACK):
	case SHIPMENT(CANCELLED):
	case _STOCKBOOK__V1__SHIPMENT_STATUS_IS_INT_SIZE:
		break;
	}
	return WORK(UNSPECIFIED);
}

Stockbook__V1__WorkKind fulfilment_work(const struct fulfilment_row *row)
{
	return is_pickup(row) ? pickup_work((Stockbook__V1__PickupStatus)row->status)
						  : shipment_work((Stockbook__V1__ShipmentStatus)row->status);
}

static int64_t work_due(const struct run *run, const struct fulfilment_row *row,
	Stockbook__V1__WorkKind kind)
{
	if (kind == WORK(ACCEPT))
		return row->accept_by;
	if (kind == WORK(HAND_OVER))
		return row->collect_by;
	return kind == WORK(PUT_BACK) ? run->now_us : row->ready_by;
}

/* What its status makes due; and, whatever that is, putting back what was cancelled after it was
 * picked. */
static enum verdict follow_with_work(struct run *run, const struct fulfilment *fulfilment)
{
	const struct fulfilment_row *row = fulfilment->row;
	struct fulfilment_line total = fulfilment_total(fulfilment);
	const unsigned putting_back = 1U << WORK(PUT_BACK);
	const unsigned others = 1U << WORK(ACCEPT) | 1U << WORK(PICK) | 1U << WORK(MAKE_READY) |
							1U << WORK(PACK) | 1U << WORK(SHIP) | 1U << WORK(HAND_OVER);
	Stockbook__V1__WorkKind kind = fulfilment_work(row);
	struct work_subject subject = {
		.part = row->part,
		.document_id = row->id,
		.document_kind = (Stockbook__V1__DocumentKind)row->kind,
		.location = row->location,
		.order_id = row->order_id,
		.customer = row->customer,
		.reference = row->reference,
		.sku = "",
		.units = kind == WORK(ACCEPT) || kind == WORK(PICK) ? total.to_pick : total.picked,
		.due_at = work_due(run, row, kind),
	};
	enum verdict verdict = work_is(run, &subject, others, kind);
	kind = total.put_back > 0 ? WORK(PUT_BACK) : WORK(UNSPECIFIED);
	subject.units = total.put_back;
	subject.due_at = work_due(run, row, kind);
	enum verdict back = work_is(run, &subject, putting_back, kind);
	return verdict == VERDICT_DONE ? back : verdict;
}

/* ---- Steps ---- */

static void fulfilment_note(struct run *run, const struct fulfilment_row *row, int step, int before,
	const char *channel, const char *note)
{
	machine_note(run, fulfilment_machine(row),
		&(struct machine_change){
			.part = row->part,
			.id = row->id,
			.step = step,
			.before = before,
			.after = row->status,
			.location = row->location,
			.channel = channel && channel[0] ? channel : row->channel,
			.note = note,
		});
}

enum verdict fulfilment_advance(struct run *run, const struct order *order,
	struct fulfilment *fulfilment, int step, int status, const char *channel, const char *note)
{
	CHECK(uuid_compare(&order->row->id, &fulfilment->row->order_id) == 0);
	fulfilment_store(run, fulfilment);
	struct fulfilment_row *row = workset_edit(run->set, fulfilment->row);
	int before = row->status;
	row->status = status;
	row->updated_at = run->now_us;
	if (follow_with_work(run, fulfilment) == VERDICT_NEED)
		return VERDICT_NEED;
	fulfilment_note(run, row, step, before, channel, note);
	return VERDICT_DONE;
}

/* ---- Opening ---- */

static int64_t after_minutes(const struct run *run, int32_t minutes, int32_t otherwise)
{
	return run->now_us + (minutes > 0 ? minutes : otherwise) * MINUTE_US;
}

void fulfilment_set_deadlines(const struct run *run, const struct location_row *location,
	struct fulfilment_row *row)
{
	if (is_pickup(row)) {
		row->accept_by = after_minutes(run, location->pickup_accept_minutes, ACCEPT_MINUTES);
		row->ready_by = after_minutes(run, location->pickup_ready_minutes, READY_MINUTES);
	} else {
		row->ready_by = after_minutes(run, location->ship_minutes, SHIP_MINUTES);
	}
}

static struct fulfilment_row *row_insert(struct run *run, struct order *order,
	Stockbook__V1__DocumentKind kind, const struct location_row *location, size_t line_count,
	const struct uuid *replaces)
{
	const struct customer_order_row *from = order->row;
	struct arena *arena = workset_arena(run->set);
	struct fulfilment_row *row = row_new(TABLE(fulfilment), arena);
	row->part = from->part;
	row->order_id = from->id;
	row->id = run_new_id(run, from->part);
	row->kind = (int32_t)kind;
	row->location = arena_string(arena, location->code);
	row->channel = from->channel;
	row->customer = from->customer;
	row->reference = from->reference;
	row->line_count = (int32_t)line_count;
	fulfilment_set_deadlines(run, location, row);
	if (replaces)
		row->replaces = *replaces;
	row->created_at = row->updated_at = run->now_us;
	row = workset_insert(run->set, row);
	struct work_row work_key = {.part = row->part, .document_id = row->id};
	workset_childless(run->set, TABLE(work), &work_key);
	struct customer_order_row *counted_on = workset_edit(run->set, from);
	counted_on->fulfilment_count++;
	return row;
}

enum verdict fulfilment_insert(struct run *run, struct order *order,
	Stockbook__V1__DocumentKind kind, const char *location, const struct fulfilment_share *shares,
	size_t count, const struct uuid *replaces, struct fulfilment **made)
{
	CHECK(count > 0);
	const struct location_row *place;
	enum lookup found = find_location(run, location, ACCESS_PEEK, &place);
	if (found == LOOKUP_NEEDED)
		return VERDICT_NEED;
	CHECK(found == LOOKUP_FOUND);
	struct fulfilment_row *row = row_insert(run, order, kind, place, count, replaces);
	struct fulfilment *fulfilment = fulfilment_add(run, order, row);
	for (size_t i = 0; i < count; i++) {
		const struct fulfilment_share *share = &shares[i];
		CHECK(share->line >= 1 && (size_t)share->line <= order->count);
		CHECK(i == 0 || share->line > shares[i - 1].line);
		fulfilment->lines[fulfilment->count++] = (struct fulfilment_line){
			.line = share->line,
			.sku = order->lines[share->line - 1].sku,
			.quantity = share->to_pick + share->awaiting + share->picked,
			.to_pick = share->to_pick,
			.awaiting = share->awaiting,
			.picked = share->picked,
		};
	}
	row->status = is_pickup(row) ? (int32_t)pickup_status_of(fulfilment, false)
								 : (int32_t)shipment_status_of(fulfilment, false);
	fulfilment_store(run, fulfilment);
	if (follow_with_work(run, fulfilment) == VERDICT_NEED)
		return VERDICT_NEED;
	fulfilment_note(run, row, is_pickup(row) ? (int)PICKUP_REQUEST : (int)SHIPMENT_CREATE, 0, NULL,
		NULL);
	*made = fulfilment;
	return VERDICT_DONE;
}
