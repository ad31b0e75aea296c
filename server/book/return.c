/* Returns: the machine, and returns as they are. */
#include "book/return.h"

#include "book/order.h"
#include "book/page.h"

#define STATUS(name) STOCKBOOK__V1__RETURN_STATUS__RETURN_STATUS_##name
#define REASON(name) STOCKBOOK__V1__REASON__REASON_##name

/* ---- The machine ---- */

static const char *const steps[] = {
	[RETURN_RECEIVE] = "receive",
	[RETURN_INSPECT] = "inspect",
};

static const struct transition transitions[] = {
	{STATUS(UNSPECIFIED), RETURN_RECEIVE, STATUS(RECEIVED), STEP_FINAL},
	{STATUS(UNSPECIFIED), RETURN_RECEIVE, STATUS(CLOSED), STEP_FINAL},
	{STATUS(RECEIVED), RETURN_INSPECT, STATUS(RECEIVED), STEP_FINAL},
	{STATUS(RECEIVED), RETURN_INSPECT, STATUS(CLOSED), STEP_FINAL},
	{0},
};

const struct machine return_machine = {
	.document = "return",
	.summary = "Goods that came back. It is closed when it is decided what becomes of each unit.",
	.kind = STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_RETURN,
	.statuses = &stockbook__v1__return_status__descriptor,
	.steps = steps,
	.step_count = RETURN_STEP_COUNT,
	.transitions = transitions,
};

Stockbook__V1__ReturnStatus return_status_of(const struct return_line_row *const *lines,
	size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (lines[i]->waiting > 0)
			return STATUS(RECEIVED);
	return STATUS(CLOSED);
}

void return_note(struct run *run, const struct goods_return_row *row, enum return_step step,
	int before, const char *note)
{
	machine_note(run, &return_machine,
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

/* ---- Answers ---- */

static Stockbook__V1__ReturnLine *line_message(struct run *run, const struct return_line_row *line,
	const char *currency)
{
	Stockbook__V1__ReturnLine *message = arena_alloc(run->arena, sizeof(*message));
	stockbook__v1__return_line__init(message);
	message->line = line->line;
	message->order_line = line->order_line;
	message->sku = arena_string(run->arena, line->sku);
	message->quantity = line->quantity;
	message->waiting = line->waiting;
	message->restocked = line->restocked;
	message->damaged = line->damaged;
	message->destroyed = line->destroyed;
	/* Within bounds when the goods came back, and the quantity never changes. */
	message->amount_due = make_money(run, line->quantity * line->unit_price, currency);
	return message;
}

Stockbook__V1__Return *return_message(struct run *run, const struct goods_return_row *row,
	const struct return_line_row *const *lines, size_t count)
{
	struct arena *arena = run->arena;
	Stockbook__V1__Return *message = arena_alloc(arena, sizeof(*message));
	stockbook__v1__return__init(message);
	message->id = run_id_text(run, &row->id);
	message->status = return_status_of(lines, count);
	message->location = arena_string(arena, row->location);
	message->channel = arena_string(arena, row->channel);
	message->customer = arena_string(arena, row->customer);
	message->order_id = run_id_text(run, &row->order_id);
	message->reference = arena_string(arena, row->reference);
	message->n_lines = count;
	message->lines = arena_alloc_array(arena, count, sizeof(*message->lines));
	int64_t due = 0;
	for (size_t i = 0; i < count; i++) {
		message->lines[i] = line_message(run, lines[i], row->currency);
		due += lines[i]->quantity * lines[i]->unit_price;
	}
	message->amount_due = make_money(run, due, row->currency);
	message->create_time = make_timestamp(arena, row->created_at);
	message->update_time = make_timestamp(arena, row->updated_at);
	return message;
}

/* ---- Reads ---- */

static const struct scan_shape lines_shape = {
	.name = "return_lines",
	.table = TABLE(return_line),
	.conditions = {{"part", SCAN_EQUAL, 0}, {"return_id", SCAN_EQUAL, 0}},
	.order = {"line"},
};

/* NULL: needed. */
static const struct scan_result *read_lines(struct run *run, int32_t part, const struct uuid *id)
{
	struct scan scan = {.shape = &lines_shape, .limit = LINES_MAX};
	scan.values[0] = (struct scan_value){.present = true, .number = part};
	scan.values[1] = (struct scan_value){.present = true, .uuid = *id};
	return workset_scan(run->set, &scan);
}

static Stockbook__V1__Return *scanned_message(struct run *run, const struct goods_return_row *row,
	const struct scan_result *lines)
{
	return return_message(run, row, (const struct return_line_row *const *)lines->rows,
		lines->count);
}

enum verdict return_get(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__GetReturnRequest *request = request_;
	Stockbook__V1__GetReturnResponse *response = response_;
	struct goods_return_row key = {0};
	if (!uuid_parse(request->return_id, &key.id))
		return refuse_field(run, "return_id", "'%s' is not a UUID", request->return_id);
	key.part = (int32_t)uuid_part(&key.id);
	const struct goods_return_row *row;
	enum lookup found =
		workset_find(run->set, TABLE(goods_return), &key, ACCESS_PEEK, (const void **)&row);
	if (found == LOOKUP_ABSENT) {
		refuse(run, REASON(RETURN_NOT_FOUND), "return '%s' not found", request->return_id);
		refuse_with(run, "return_id", "%s", request->return_id);
		return VERDICT_REFUSED;
	}
	const struct scan_result *lines = read_lines(run, key.part, &key.id);
	if (found == LOOKUP_NEEDED || !lines)
		return VERDICT_NEED;
	response->goods_return = scanned_message(run, row, lines);
	return VERDICT_DONE;
}

static enum verdict list_scan(struct run *run, const Stockbook__V1__ListReturnsRequest *request,
	struct scan *scan)
{
	static const struct scan_shape by_order = {
		.name = "returns_by_order",
		.table = TABLE(goods_return),
		.conditions = {{"order_id", SCAN_EQUAL, 0}},
		.order = {"id"},
	};
	static const struct scan_shape by_customer = {
		.name = "returns_by_customer",
		.table = TABLE(goods_return),
		.conditions = {{"customer", SCAN_EQUAL, 0}, {"customer", SCAN_NOT_EMPTY, 0}},
		.order = {"id"},
	};
	bool of_order = request->order_id[0] != '\0';
	if (of_order == (request->customer[0] != '\0'))
		return refuse_field(run, "order_id", "name exactly one of order_id and customer");
	scan->shape = of_order ? &by_order : &by_customer;
	scan->values[0].present = true;
	if (!of_order)
		scan->values[0].text = arena_string(workset_arena(run->set), request->customer);
	else if (!uuid_parse(request->order_id, &scan->values[0].uuid))
		return refuse_field(run, "order_id", "'%s' is not a UUID", request->order_id);
	return VERDICT_DONE;
}

static size_t lines_of(const void *row)
{
	return (size_t)((const struct goods_return_row *)row)->line_count;
}

enum verdict return_list(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__ListReturnsRequest *request = request_;
	Stockbook__V1__ListReturnsResponse *response = response_;
	struct scan scan = {0};
	struct page page;
	enum verdict verdict = list_scan(run, request, &scan);
	if (verdict == VERDICT_DONE)
		verdict = page_open(run, request, &scan, &page);
	if (verdict != VERDICT_DONE)
		return verdict;
	const struct scan_result *result = workset_scan(run->set, &scan);
	if (!result)
		return VERDICT_NEED;

	size_t count = page_count_by_lines(&page, result, lines_of);
	const struct scan_result **lines = arena_alloc_array(run->arena, count, sizeof(*lines));
	bool here = true;
	for (size_t i = 0; i < count; i++) {
		const struct goods_return_row *row = result->rows[i];
		lines[i] = read_lines(run, row->part, &row->id);
		here = here && lines[i];
	}
	if (!here)
		return VERDICT_NEED;
	response->returns = arena_alloc_array(run->arena, count, sizeof(*response->returns));
	for (size_t i = 0; i < count; i++)
		response->returns[i] = scanned_message(run, result->rows[i], lines[i]);
	response->n_returns = count;
	response->next_page_token = page_next(run, &page, &scan, result, count);
	return VERDICT_DONE;
}

/* ---- The table ---- */

static int32_t create_route(const void *request, const struct book_limits *limits)
{
	return part_of(((const Stockbook__V1__CreateReturnRequest *)request)->location, limits->parts);
}

static int32_t inspect_route(const void *request, const struct book_limits *limits)
{
	struct uuid id;
	if (!uuid_parse(((const Stockbook__V1__InspectReturnRequest *)request)->return_id, &id))
		return 0;
	int32_t part = (int32_t)uuid_part(&id);
	return part <= limits->parts ? part : 0;
}

/* clang-format off */
#define OPERATION(method, message, run, route, writes) \
	{"ReturnService/" method, &stockbook__v1__##message##_request__descriptor, \
		&stockbook__v1__##message##_response__descriptor, run, route, writes}

const struct operation return_operations[] = {
	OPERATION("CreateReturn", create_return, return_create, create_route, true),
	OPERATION("InspectReturn", inspect_return, return_inspect, inspect_route, true),
	OPERATION("GetReturn", get_return, return_get, NULL, false),
	OPERATION("ListReturns", list_returns, return_list, NULL, false),
	{0},
};
/* clang-format on */
