#include "book/fulfilment_step.h"

#include "book/page.h"
#include "book/pickup.h"
#include "book/shipment.h"
#include "book/transfer.h"
#include "book/work.h"

#define REASON(name) STOCKBOOK__V1__REASON__REASON_##name
#define REMEDY(name) STOCKBOOK__V1__SHORT_REMEDY__SHORT_REMEDY_##name
#define SHORT(name) STOCKBOOK__V1__SHORT_REASON__SHORT_REASON_##name
#define KIND(name) STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_##name

/* ---- Opening ---- */

enum verdict stepping_open(struct run *run, Stockbook__V1__DocumentKind kind, const char *id,
	int step, bool guarded, struct stepping *stepping)
{
	*stepping = (struct stepping){.step = step};
	enum verdict verdict = fulfilment_open(run, kind, id, true, &stepping->order, &stepping->at);
	if (verdict != VERDICT_DONE)
		return verdict;
	const struct fulfilment_row *row = stepping->at->row;
	verdict = machine_check(run, fulfilment_machine(row), row->status, step, &row->id);
	if (verdict != VERDICT_DONE || !guarded || !fulfilment_work(row))
		return verdict;
	return work_check_claim(run, row->part, &row->id, fulfilment_work(row));
}

enum verdict stepping_open_to_put_back(struct run *run, Stockbook__V1__DocumentKind kind,
	const char *id, int step, struct stepping *stepping)
{
	enum verdict verdict = stepping_open(run, kind, id, step, false, stepping);
	if (verdict != VERDICT_DONE)
		return verdict;
	const struct fulfilment_row *row = stepping->at->row;
	return work_check_claim(run, row->part, &row->id, STOCKBOOK__V1__WORK_KIND__WORK_KIND_PUT_BACK);
}

enum verdict stepping_advance(struct run *run, struct stepping *stepping, int status,
	const char *channel, const char *note)
{
	return fulfilment_advance(run, &stepping->order, stepping->at, stepping->step, status, channel,
		note);
}

enum verdict stepping_refuse_nothing(struct run *run, const struct stepping *stepping)
{
	const struct fulfilment_row *row = stepping->at->row;
	const struct machine *machine = fulfilment_machine(row);
	refuse(run, REASON(LINE_QUANTITY_EXCEEDED), "%s '%s' has nothing to %s", machine->document,
		run_id_text(run, &row->id), machine_step_name(machine, stepping->step));
	refuse_with(run, "status", "%s", machine_status_name(machine, row->status));
	return VERDICT_REFUSED;
}

/* ---- Lines of a request ---- */

struct asked_line *asked_collected(struct run *run, Stockbook__V1__CollectedLine *const *lines,
	size_t count)
{
	struct asked_line *asked = arena_alloc_array(run->arena, count, sizeof(*asked));
	for (size_t i = 0; i < count; i++)
		asked[i] = (struct asked_line){lines[i]->line, lines[i]->quantity};
	return asked;
}

struct asked_line *asked_shipped(struct run *run, Stockbook__V1__ShipmentLine *const *lines,
	size_t count)
{
	struct asked_line *asked = arena_alloc_array(run->arena, count, sizeof(*asked));
	for (size_t i = 0; i < count; i++)
		asked[i] = (struct asked_line){lines[i]->line, lines[i]->quantity};
	return asked;
}

enum verdict stepping_line(struct run *run, const struct stepping *stepping, size_t index,
	int32_t number, struct fulfilment_line **line)
{
	*line = fulfilment_line_of(stepping->at, number);
	if (*line)
		return VERDICT_DONE;
	const struct fulfilment_row *row = stepping->at->row;
	refuse(run, REASON(ORDER_LINE_NOT_FOUND), "%s '%s' has no line %d",
		fulfilment_machine(row)->document, run_id_text(run, &row->id), number);
	refuse_with(run, "field", "lines[%zu].line", index);
	return VERDICT_REFUSED;
}

void exceeding_add(struct run *run, struct exceeding *exceeding, size_t index,
	const struct fulfilment_line *line, int64_t asked, int64_t available)
{
	const struct stepping *stepping = exceeding->stepping;
	if (exceeding->count == 0)
		refuse(run, REASON(LINE_QUANTITY_EXCEEDED), "line %d has %lld to %s, not %lld", line->line,
			(long long)available,
			machine_step_name(fulfilment_machine(stepping->at->row), stepping->step),
			(long long)asked);
	if (++exceeding->count > SOURCING_SHORT_NAMED_MAX)
		return;
	char *key = arena_printf(run->arena, "lines[%zu]", index);
	refuse_with(run, arena_printf(run->arena, "%s.sku", key), "%s", line->sku);
	refuse_with(run, arena_printf(run->arena, "%s.requested", key), "%lld", (long long)asked);
	refuse_with(run, arena_printf(run->arena, "%s.available", key), "%lld", (long long)available);
}

static enum verdict check_quantity(struct run *run, size_t index, int64_t quantity)
{
	if (quantity >= 1 && quantity <= QUANTITY_MAX)
		return VERDICT_DONE;
	return refuse_field(run, arena_printf(run->arena, "lines[%zu].quantity", index),
		"must be from 1 to %lld", (long long)QUANTITY_MAX);
}

/* All lines are judged before anything is posted. */
static enum verdict judge(struct run *run, struct stepping *stepping, enum fulfilment_leg leg,
	const struct asked_line *asked, size_t count)
{
	if (count > LINES_MAX)
		return refuse_field(run, "lines", "must be at most %d lines", LINES_MAX);
	struct exceeding exceeding = {.stepping = stepping};
	int64_t *left = arena_alloc_array(run->arena, stepping->at->count, sizeof(*left));
	for (size_t i = 0; i < stepping->at->count; i++)
		left[i] = leg_units(&stepping->at->lines[i], leg);
	for (size_t i = 0; i < count; i++) {
		struct fulfilment_line *line;
		enum verdict verdict = check_quantity(run, i, asked[i].quantity);
		if (verdict == VERDICT_DONE)
			verdict = stepping_line(run, stepping, i, asked[i].line, &line);
		if (verdict != VERDICT_DONE)
			return verdict;
		int64_t *available = &left[line - stepping->at->lines];
		if (asked[i].quantity > *available)
			exceeding_add(run, &exceeding, i, line, asked[i].quantity, *available);
		else
			*available -= asked[i].quantity;
	}
	return exceeding.count > 0 ? VERDICT_REFUSED : VERDICT_DONE;
}

enum verdict stepping_take(struct run *run, struct stepping *stepping, enum fulfilment_leg leg,
	const struct asked_line *asked, size_t count)
{
	if (count == 0) {
		int64_t units = 0;
		for (size_t i = 0; i < stepping->at->count; i++)
			units += leg_units(&stepping->at->lines[i], leg);
		return units > 0 ? leg_take_all(run, &stepping->order, stepping->at, leg)
						 : stepping_refuse_nothing(run, stepping);
	}
	enum verdict verdict = judge(run, stepping, leg, asked, count);
	for (size_t i = 0; i < count && verdict != VERDICT_REFUSED; i++) {
		struct fulfilment_line *line = fulfilment_line_of(stepping->at, asked[i].line);
		enum verdict taken =
			leg_take(run, &stepping->order, stepping->at, line, leg, asked[i].quantity);
		if (taken != VERDICT_DONE)
			verdict = taken;
	}
	return verdict;
}

/* ---- Picking ---- */

/* What became of the units of one line. */
struct picked_units {
	int64_t picked;
	int64_t not_found;
	int64_t damaged;
};

static enum verdict read_picked(struct run *run, size_t index,
	const Stockbook__V1__PickedLine *line, struct picked_units *units)
{
	const char *field = NULL;
	if (line->picked < 0 || line->picked > QUANTITY_MAX)
		field = "picked";
	else if (line->short_ < 0 || line->short_ > QUANTITY_MAX)
		field = "short";
	if (field)
		return refuse_field(run, arena_printf(run->arena, "lines[%zu].%s", index, field),
			"must be from 0 to %lld", (long long)QUANTITY_MAX);
	if (line->picked == 0 && line->short_ == 0)
		return refuse_field(run, arena_printf(run->arena, "lines[%zu].picked", index),
			"neither picked nor short");
	if (line->short_ > 0 && line->reason != SHORT(NOT_FOUND) && line->reason != SHORT(DAMAGED))
		return refuse_field(run, arena_printf(run->arena, "lines[%zu].reason", index),
			"must say why units are short");
	units->picked += line->picked;
	if (line->reason == SHORT(DAMAGED))
		units->damaged += line->short_;
	else
		units->not_found += line->short_;
	return VERDICT_DONE;
}

/* Into `units`, one for each of the fulfilment's lines. */
static enum verdict read_all_picked(struct run *run, struct stepping *stepping,
	Stockbook__V1__PickedLine *const *lines, size_t count, struct picked_units *units)
{
	if (count > LINES_MAX)
		return refuse_field(run, "lines", "must be at most %d lines", LINES_MAX);
	struct exceeding exceeding = {.stepping = stepping};
	for (size_t i = 0; i < count; i++) {
		struct fulfilment_line *line;
		enum verdict verdict = stepping_line(run, stepping, i, lines[i]->line, &line);
		if (verdict != VERDICT_DONE)
			return verdict;
		struct picked_units *at = &units[line - stepping->at->lines];
		int64_t left = line->to_pick - at->picked - at->not_found - at->damaged;
		verdict = read_picked(run, i, lines[i], at);
		if (verdict != VERDICT_DONE)
			return verdict;
		if (lines[i]->picked + lines[i]->short_ > left)
			exceeding_add(run, &exceeding, i, line, lines[i]->picked + lines[i]->short_, left);
	}
	if (exceeding.count > 0)
		return VERDICT_REFUSED;
	for (size_t i = 0; i < stepping->at->count && count == 0; i++)
		units[i].picked = stepping->at->lines[i].to_pick;
	return VERDICT_DONE;
}

static enum verdict take_picked(struct run *run, struct stepping *stepping,
	struct fulfilment_line *line, const struct picked_units *units)
{
	const struct {
		enum fulfilment_leg leg;
		int64_t quantity;
	} takes[] = {
		{LEG_PICK, units->picked},
		{LEG_NOT_FOUND, units->not_found},
		{LEG_DAMAGED, units->damaged},
	};
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < ARRAY_COUNT(takes); i++) {
		if (takes[i].quantity == 0)
			continue;
		enum verdict taken =
			leg_take(run, &stepping->order, stepping->at, line, takes[i].leg, takes[i].quantity);
		if (taken == VERDICT_REFUSED)
			return taken;
		if (taken == VERDICT_NEED)
			verdict = taken;
	}
	return verdict;
}

/* What was not found is counted again. */
static enum verdict look_for_recounts(struct run *run, const struct fulfilment *at,
	const struct picked_units *units)
{
	const char **skus = arena_alloc_array(run->arena, at->count, sizeof(*skus));
	size_t count = 0;
	for (size_t i = 0; i < at->count; i++)
		if (units[i].not_found > 0)
			skus[count++] = at->lines[i].sku;
	return work_recounts_look_up(run, at->row->location, skus, count);
}

enum verdict stepping_pick(struct run *run, struct stepping *stepping,
	Stockbook__V1__PickedLine *const *lines, size_t count, struct resourcing *resourcing)
{
	struct fulfilment *at = stepping->at;
	struct picked_units *units = arena_alloc_array(run->arena, at->count, sizeof(*units));
	enum verdict verdict = read_all_picked(run, stepping, lines, count, units);
	if (verdict != VERDICT_DONE)
		return verdict;
	for (size_t i = 0; i < at->count; i++)
		if (units[i].not_found + units[i].damaged > 0)
			resourcing_add(run, resourcing, at->lines[i].line,
				units[i].not_found + units[i].damaged);
	enum verdict looked = look_for_recounts(run, at, units);
	verdict = resourcing_decide(run, &stepping->order, at, resourcing);
	if (verdict == VERDICT_DONE)
		verdict = looked;
	for (size_t i = 0; i < at->count && verdict != VERDICT_REFUSED; i++) {
		enum verdict taken = take_picked(run, stepping, &at->lines[i], &units[i]);
		if (taken != VERDICT_DONE)
			verdict = taken;
	}
	if (verdict == VERDICT_DONE)
		resourcing_await(at, resourcing);
	return verdict;
}

/* ---- Ending ---- */

/* What transfers were to bring is told first: changes of their own, before anything is posted. */
static enum verdict leave(struct run *run, struct stepping *stepping)
{
	enum verdict verdict = fulfilment_untie(run, &stepping->order, stepping->at, true, "cancelled");
	if (verdict == VERDICT_REFUSED)
		return verdict;
	enum verdict freed = leg_take_all(run, &stepping->order, stepping->at, LEG_FREE);
	if (freed == VERDICT_DONE)
		freed = leg_take_all(run, &stepping->order, stepping->at, LEG_GIVE_UP);
	return freed == VERDICT_DONE ? verdict : freed;
}

/* Where it goes is decided before anything is posted. */
static enum verdict cancel_units(struct run *run, struct stepping *stepping,
	struct cancelling *cancelling)
{
	bool transfers = cancelling->resourcing.remedy == REMEDY(TRANSFER);
	for (size_t i = 0; i < stepping->at->count; i++) {
		const struct fulfilment_line *line = &stepping->at->lines[i];
		if (line->awaiting + line->to_pick > 0)
			resourcing_add(run, &cancelling->resourcing, line->line,
				line->awaiting + line->to_pick);
		if (line->picked > 0)
			resourcing_add(run, transfers ? &cancelling->picked : &cancelling->resourcing,
				line->line, line->picked);
	}
	enum verdict verdict =
		resourcing_decide(run, &stepping->order, stepping->at, &cancelling->resourcing);
	if (verdict == VERDICT_REFUSED)
		return verdict;
	enum verdict left = leave(run, stepping);
	return left == VERDICT_DONE ? verdict : left;
}

static enum verdict resource_units(struct run *run, struct stepping *stepping,
	struct cancelling *cancelling)
{
	struct resourcing *all = &cancelling->resourcing;
	const struct resourcing *picked = &cancelling->picked;
	enum verdict verdict = fulfilment_resource(run, &stepping->order, stepping->at, all);
	if (verdict == VERDICT_DONE)
		verdict = fulfilment_resource(run, &stepping->order, stepping->at, &cancelling->picked);
	for (size_t i = 0; i < picked->count && verdict == VERDICT_DONE; i++) {
		all->results =
			arena_grow(run->arena, all->results, all->count, &all->capacity, sizeof(*all->results));
		all->results[all->count++] = picked->results[i];
	}
	return verdict;
}

enum verdict stepping_end(struct run *run, struct stepping *stepping, struct cancelling *cancelling,
	const char *note)
{
	enum verdict verdict = cancel_units(run, stepping, cancelling);
	if (verdict != VERDICT_DONE)
		return verdict;
	bool pickup = stepping->at->row->kind == KIND(PICKUP);
	if (pickup)
		pickup_code_void(workset_edit(run->set, stepping->at->row));
	int status = pickup ? (int)pickup_status_of(stepping->at, false)
						: (int)shipment_status_of(stepping->at, false);
	verdict = stepping_advance(run, stepping, status, NULL, note);
	if (verdict == VERDICT_DONE)
		verdict = resource_units(run, stepping, cancelling);
	if (verdict == VERDICT_DONE)
		order_follow(run, &stepping->order, ORDER_CANCEL, NULL, note);
	return verdict;
}

/* ---- Lists ---- */

static size_t lines_of(const void *row)
{
	return (size_t)((const struct fulfilment_row *)row)->line_count;
}

static void scan_location(struct run *run, const struct fulfilment_list *list, struct scan *scan)
{
	/* In the order of the index, however much has been handed over. */
	static const struct scan_shape by_status = {
		.name = "fulfilments_by_status",
		.table = TABLE(fulfilment),
		.conditions = {{"location", SCAN_EQUAL, 0}, {"kind", SCAN_EQUAL, 0},
			{"status", SCAN_EQUAL, 0}},
		.order = {"id"},
	};
	static const struct scan_shape by_location = {
		.name = "fulfilments_by_location",
		.table = TABLE(fulfilment),
		.conditions = {{"location", SCAN_EQUAL, 0}, {"kind", SCAN_EQUAL, 0},
			{"status", SCAN_ANY, 0}},
		.order = {"id"},
	};
	scan->shape = list->status ? &by_status : &by_location;
	scan->values[0] = (struct scan_value){
		.present = true, .text = arena_string(workset_arena(run->set), list->location)};
	scan->values[1] = (struct scan_value){.present = true, .number = (int64_t)list->kind};
	scan->values[2] =
		(struct scan_value){.present = true, .number = list->status, .counts = list->open};
}

static enum verdict scan_order(struct run *run, const struct fulfilment_list *list,
	struct scan *scan)
{
	static const struct scan_shape by_order = {
		.name = "fulfilments_by_order",
		.table = TABLE(fulfilment),
		.conditions = {{"part", SCAN_EQUAL, 0}, {"order_id", SCAN_EQUAL, 0},
			{"kind", SCAN_EQUAL, 0}},
		.order = {"id"},
	};
	struct uuid order_id;
	if (!uuid_parse(list->order_id, &order_id))
		return refuse_field(run, "order_id", "'%s' is not a UUID", list->order_id);
	scan->shape = &by_order;
	scan->values[0] = (struct scan_value){.present = true, .number = (int64_t)uuid_part(&order_id)};
	scan->values[1] = (struct scan_value){.present = true, .uuid = order_id};
	scan->values[2] = (struct scan_value){.present = true, .number = (int64_t)list->kind};
	return VERDICT_DONE;
}

enum verdict fulfilment_list(struct run *run, const void *request, struct fulfilment_list *list)
{
	struct scan scan = {0};
	struct page page;
	enum verdict verdict = VERDICT_DONE;
	if ((list->location[0] == '\0') == (list->order_id[0] == '\0'))
		return refuse_field(run, "location", "name exactly one of location and order_id");
	if (list->location[0])
		scan_location(run, list, &scan);
	else
		verdict = scan_order(run, list, &scan);
	if (verdict == VERDICT_DONE)
		verdict = page_open(run, request, &scan, &page);
	if (verdict != VERDICT_DONE)
		return verdict;
	const struct scan_result *result = workset_scan(run->set, &scan);
	if (!result)
		return VERDICT_NEED;
	list->count = page_count_by_lines(&page, result, lines_of);
	list->items = arena_alloc_array(run->arena, list->count, sizeof(*list->items));
	for (size_t i = 0; i < list->count; i++)
		if (fulfilment_read(run, result->rows[i], &list->items[i]) == VERDICT_NEED)
			verdict = VERDICT_NEED;
	list->next_page_token = page_next(run, &page, &scan, result, list->count);
	return verdict;
}

/* ---- Routes ---- */

int32_t fulfilment_route(const char *id, const struct book_limits *limits)
{
	struct uuid uuid;
	if (!uuid_parse(id, &uuid))
		return 0;
	int32_t part = (int32_t)uuid_part(&uuid);
	return part <= limits->parts ? part : 0;
}
