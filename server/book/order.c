/* Orders: the machine, the status derived from the lines, and what all steps share. */
#include "book/order.h"

#include <string.h>

#include "book/fulfilment.h"

#define STATUS(name) STOCKBOOK__V1__ORDER_STATUS__ORDER_STATUS_##name
#define REASON(name) STOCKBOOK__V1__REASON__REASON_##name

/* ---- The machine ---- */

static const char *const steps[] = {
	[ORDER_PLACE] = "place",
	[ORDER_ALLOCATE] = "allocate",
	[ORDER_DEALLOCATE] = "deallocate",
	[ORDER_PICK] = "pick",
	[ORDER_PUT_BACK] = "put back",
	[ORDER_SHIP] = "ship",
	[ORDER_CANCEL] = "cancel",
	[ORDER_AMEND] = "amend",
	[ORDER_COLLECT] = "collect",
	[ORDER_LOSE] = "lose",
	[ORDER_RETURN] = "return",
};

static const struct transition transitions[] = {
	{STATUS(UNSPECIFIED), ORDER_PLACE, STATUS(OPEN), ORDER_CANCEL},
	{STATUS(UNSPECIFIED), ORDER_PLACE, STATUS(PARTIALLY_FULFILLED), ORDER_RETURN},
	{STATUS(UNSPECIFIED), ORDER_PLACE, STATUS(FULFILLED), ORDER_RETURN},
	{STATUS(OPEN), ORDER_ALLOCATE, STATUS(OPEN), ORDER_DEALLOCATE},
	{STATUS(OPEN), ORDER_DEALLOCATE, STATUS(OPEN), ORDER_ALLOCATE},
	{STATUS(OPEN), ORDER_PICK, STATUS(OPEN), ORDER_PUT_BACK},
	{STATUS(OPEN), ORDER_PUT_BACK, STATUS(OPEN), ORDER_PICK},
	{STATUS(OPEN), ORDER_SHIP, STATUS(PARTIALLY_FULFILLED), ORDER_RETURN},
	{STATUS(OPEN), ORDER_SHIP, STATUS(FULFILLED), ORDER_RETURN},
	{STATUS(OPEN), ORDER_CANCEL, STATUS(OPEN), STEP_FINAL},
	{STATUS(OPEN), ORDER_CANCEL, STATUS(CANCELLED), STEP_FINAL},
	{STATUS(OPEN), ORDER_AMEND, STATUS(OPEN), ORDER_AMEND},
	{STATUS(OPEN), ORDER_AMEND, STATUS(PARTIALLY_FULFILLED), ORDER_RETURN},
	{STATUS(OPEN), ORDER_AMEND, STATUS(FULFILLED), ORDER_RETURN},
	{STATUS(OPEN), ORDER_AMEND, STATUS(CANCELLED), STEP_FINAL},
	{STATUS(OPEN), ORDER_COLLECT, STATUS(PARTIALLY_FULFILLED), ORDER_RETURN},
	{STATUS(OPEN), ORDER_COLLECT, STATUS(FULFILLED), ORDER_RETURN},
	{STATUS(PARTIALLY_FULFILLED), ORDER_ALLOCATE, STATUS(PARTIALLY_FULFILLED), ORDER_DEALLOCATE},
	{STATUS(PARTIALLY_FULFILLED), ORDER_DEALLOCATE, STATUS(PARTIALLY_FULFILLED), ORDER_ALLOCATE},
	{STATUS(PARTIALLY_FULFILLED), ORDER_PICK, STATUS(PARTIALLY_FULFILLED), ORDER_PUT_BACK},
	{STATUS(PARTIALLY_FULFILLED), ORDER_PUT_BACK, STATUS(PARTIALLY_FULFILLED), ORDER_PICK},
	{STATUS(PARTIALLY_FULFILLED), ORDER_SHIP, STATUS(PARTIALLY_FULFILLED), ORDER_RETURN},
	{STATUS(PARTIALLY_FULFILLED), ORDER_SHIP, STATUS(FULFILLED), ORDER_RETURN},
	{STATUS(PARTIALLY_FULFILLED), ORDER_CANCEL, STATUS(PARTIALLY_FULFILLED), STEP_FINAL},
	{STATUS(PARTIALLY_FULFILLED), ORDER_CANCEL, STATUS(FULFILLED), STEP_FINAL},
	{STATUS(PARTIALLY_FULFILLED), ORDER_AMEND, STATUS(PARTIALLY_FULFILLED), ORDER_AMEND},
	{STATUS(PARTIALLY_FULFILLED), ORDER_AMEND, STATUS(FULFILLED), STEP_FINAL},
	{STATUS(PARTIALLY_FULFILLED), ORDER_COLLECT, STATUS(FULFILLED), ORDER_RETURN},
	{STATUS(PARTIALLY_FULFILLED), ORDER_LOSE, STATUS(OPEN), STEP_FINAL},
	{STATUS(PARTIALLY_FULFILLED), ORDER_RETURN, STATUS(PARTIALLY_FULFILLED), STEP_FINAL},
	{STATUS(FULFILLED), ORDER_LOSE, STATUS(OPEN), STEP_FINAL},
	{STATUS(FULFILLED), ORDER_LOSE, STATUS(PARTIALLY_FULFILLED), STEP_FINAL},
	{STATUS(FULFILLED), ORDER_LOSE, STATUS(CANCELLED), STEP_FINAL},
	{STATUS(FULFILLED), ORDER_RETURN, STATUS(FULFILLED), STEP_FINAL},
	{0},
};

const struct machine order_machine = {
	.document = "order",
	.summary = "What a customer bought. Its status is derived from the counters of its lines, so a "
			   "step may leave it where it was.",
	.kind = STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_ORDER,
	.statuses = &stockbook__v1__order_status__descriptor,
	.steps = steps,
	.step_count = ORDER_STEP_COUNT,
	.transitions = transitions,
};

Stockbook__V1__OrderStatus order_status_of(const struct order_line *lines, size_t count)
{
	bool to_come = false;
	bool fulfilled = false;
	for (size_t i = 0; i < count; i++) {
		to_come = to_come || lines[i].open > 0 || lines[i].allocated > 0 || lines[i].picked > 0;
		fulfilled = fulfilled || lines[i].fulfilled > 0;
	}
	if (to_come)
		return fulfilled ? STATUS(PARTIALLY_FULFILLED) : STATUS(OPEN);
	return fulfilled ? STATUS(FULFILLED) : STATUS(CANCELLED);
}

enum verdict order_check_step(struct run *run, const struct order *order, enum order_step step)
{
	return machine_check(run, &order_machine, order->row->status, step, &order->row->id);
}

static void order_note(struct run *run, const struct customer_order_row *row, enum order_step step,
	int before, const char *channel, const char *note)
{
	machine_note(run, &order_machine,
		&(struct machine_change){
			.part = row->part,
			.id = row->id,
			.step = step,
			.before = before,
			.after = row->status,
			.channel = channel && channel[0] ? channel : row->channel,
			.note = note,
		});
}

/* Answers the status it had. */
static int order_store(struct run *run, struct order *order, struct customer_order_row **row)
{
	for (size_t i = 0; i < order->count; i++)
		if (order->lines[i].changed)
			order_line_store(run, order->row, &order->lines[i]);
	*row = workset_edit(run->set, order->row);
	int before = (*row)->status;
	(*row)->status = (int32_t)order_status_of(order->lines, order->count);
	(*row)->updated_at = run->now_us;
	return before;
}

void order_advance(struct run *run, struct order *order, enum order_step step, const char *note)
{
	struct customer_order_row *row;
	int before = order_store(run, order, &row);
	order_note(run, row, step, before, order->channel, note);
}

void order_follow(struct run *run, struct order *order, enum order_step step, const char *channel,
	const char *note)
{
	struct customer_order_row *row;
	int before = order_store(run, order, &row);
	if (row->status != before)
		order_note(run, row, step, before, channel, note);
}

void order_insert(struct run *run, const struct order_draft *draft, struct order *order)
{
	CHECK(draft->count >= 1 && draft->count <= LINES_MAX);
	struct arena *arena = workset_arena(run->set);
	struct customer_order_row *row = row_new(TABLE(customer_order), arena);
	row->part = draft->part;
	row->id = run_new_id(run, draft->part);
	row->status = (int32_t)order_status_of(draft->lines, draft->count);
	row->channel = arena_string(arena, draft->channel);
	row->customer = arena_string(arena, draft->customer);
	row->reference = arena_string(arena, draft->reference);
	row->currency = arena_string(arena, draft->currency);
	row->reservation_id = draft->reservation_id;
	row->line_count = (int32_t)draft->count;
	row->created_at = row->updated_at = run->now_us;
	row = workset_insert(run->set, row);
	for (size_t i = 0; i < draft->count; i++)
		order_line_store(run, row, &draft->lines[i]);
	order_note(run, row, ORDER_PLACE, STATUS(UNSPECIFIED), NULL, NULL);
	*order = (struct order){.row = row, .lines = draft->lines, .count = draft->count};
}

/* ---- Loading ---- */

static enum verdict refuse_not_found(struct run *run, const char *id)
{
	refuse(run, REASON(ORDER_NOT_FOUND), "order '%s' not found", id);
	refuse_with(run, "order_id", "%s", id);
	return VERDICT_REFUSED;
}

enum verdict order_open(struct run *run, const char *id, struct order *order)
{
	*order = (struct order){0};
	struct customer_order_row key = {0};
	if (!uuid_parse(id, &key.id))
		return refuse_field(run, "order_id", "'%s' is not a UUID", id);
	key.part = (int32_t)uuid_part(&key.id);
	enum lookup found = workset_find(run->set, TABLE(customer_order), &key, ACCESS_LOCK,
		(const void **)&order->row);
	if (found == LOOKUP_ABSENT)
		return refuse_not_found(run, id);
	/* In the same round as the lock, and after it. */
	struct order_line_row line_key = {.part = key.part, .order_id = key.id};
	bool here = workset_children(run->set, TABLE(order_line), &line_key, 2);
	if (found == LOOKUP_NEEDED || !here)
		return VERDICT_NEED;
	order->count = (size_t)order->row->line_count;
	order->lines = arena_alloc_array(run->arena, order->count, sizeof(*order->lines));
	for (size_t i = 0; i < order->count; i++) {
		const struct order_line_row *row;
		line_key.line = (int32_t)i + 1;
		found =
			workset_find(run->set, TABLE(order_line), &line_key, ACCESS_LOCK, (const void **)&row);
		CHECK(found == LOOKUP_FOUND);
		order_line_load(run, row, &order->lines[i]);
	}
	return fulfilments_load(run, order);
}

/* ---- Goods that leave ---- */

enum verdict post_leaving(struct run *run, const struct posting *posting)
{
	const struct stock_row *stock;
	enum lookup lookup = find_stock(run, posting->sku, posting->from_location, ACCESS_LOCK, &stock);
	if (lookup == LOOKUP_NEEDED)
		return VERDICT_NEED;
	CHECK(lookup == LOOKUP_FOUND && strcmp(posting->from_location, posting->to_location) != 0);
	int64_t missing = posting->quantity - stock_on_hand(stock);
	if (missing > 0) {
		enum verdict verdict =
			post(run, &(struct posting){
						  .sku = posting->sku,
						  .from_location = "",
						  .from_state = STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_LOSS,
						  .to_location = posting->from_location,
						  .to_state = STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_AVAILABLE,
						  .quantity = missing,
						  .reason = STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_FOUND,
						  .document_line = posting->document_line,
					  });
		if (verdict != VERDICT_DONE)
			return verdict;
	}
	return post(run, posting);
}

/* ---- Money ---- */

static bool is_currency(const char *code)
{
	for (size_t i = 0; i < 3; i++)
		if (code[i] < 'A' || code[i] > 'Z')
			return false;
	return code[3] == '\0';
}

enum verdict order_check_price(struct run *run, const Stockbook__V1__Money *price,
	const char *field, const char **currency, int64_t *minor_units)
{
	*minor_units = 0;
	if (!price || (price->minor_units == 0 && price->currency_code[0] == '\0'))
		return VERDICT_DONE;
	if (price->minor_units < 0)
		return refuse_field(run, field, "must be 0 or more");
	if (!is_currency(price->currency_code))
		return refuse_field(run, field, "currency code '%s' is not three upper-case letters",
			price->currency_code);
	if (*currency && strcmp(*currency, price->currency_code) != 0) {
		refuse(run, REASON(CURRENCY_MISMATCH), "field '%s' is in %s, the prices before in %s",
			field, price->currency_code, *currency);
		refuse_with(run, "field", "%s", field);
		return VERDICT_REFUSED;
	}
	*currency = price->currency_code;
	*minor_units = price->minor_units;
	return VERDICT_DONE;
}

enum verdict order_add_amount(struct run *run, int64_t quantity, int64_t unit_price,
	const char *field, int64_t *total)
{
	int64_t amount;
	if (!__builtin_mul_overflow(quantity, unit_price, &amount) &&
		!__builtin_add_overflow(*total, amount, total))
		return VERDICT_DONE;
	refuse(run, REASON(QUANTITY_OVERFLOW), "the total with '%s' is more than %lld minor units",
		field, (long long)INT64_MAX);
	refuse_with(run, "field", "%s", field);
	return VERDICT_REFUSED;
}

Stockbook__V1__Money *make_money(struct run *run, int64_t minor_units, const char *currency)
{
	if (minor_units == 0 && currency[0] == '\0')
		return NULL;
	Stockbook__V1__Money *money = arena_alloc(run->arena, sizeof(*money));
	stockbook__v1__money__init(money);
	money->minor_units = minor_units;
	money->currency_code = arena_string(run->arena, currency);
	return money;
}

/* ---- Answers ---- */

Stockbook__V1__Order *order_message(struct run *run, const struct order *order)
{
	struct arena *arena = run->arena;
	const struct customer_order_row *row = order->row;
	Stockbook__V1__Order *message = arena_alloc(arena, sizeof(*message));
	stockbook__v1__order__init(message);
	message->id = run_id_text(run, &row->id);
	/* From the lines: a reader may see them a moment later than the order. */
	message->status = order_status_of(order->lines, order->count);
	message->channel = arena_string(arena, row->channel);
	message->customer = arena_string(arena, row->customer);
	message->reference = arena_string(arena, row->reference);
	message->n_lines = order->count;
	message->lines = arena_alloc_array(arena, order->count, sizeof(*message->lines));
	int64_t total = 0; /* within bounds when placed, and only ever less since */
	for (size_t i = 0; i < order->count; i++) {
		const struct order_line *line = &order->lines[i];
		message->lines[i] = order_line_message(run, line, row->currency);
		total += (line->ordered - line->cancelled) * line->unit_price;
	}
	message->total = make_money(run, total, row->currency);
	message->create_time = make_timestamp(arena, row->created_at);
	message->update_time = make_timestamp(arena, row->updated_at);
	message->reservation_id = run_id_text(run, &row->reservation_id);
	return message;
}

/* ---- The table ---- */

static int32_t place_route(const void *request_, const struct book_limits *limits)
{
	const Stockbook__V1__PlaceOrderRequest *request = request_;
	if (request->n_lines == 0)
		return 0;
	const Stockbook__V1__PlaceOrderLine *line = request->lines[0];
	return part_of(line->location[0] ? line->location : line->sku, limits->parts);
}

/* clang-format off */
#define ROUTE(name, Message) \
	static int32_t name(const void *request, const struct book_limits *limits) \
	{ \
		struct uuid id; \
		if (!uuid_parse(((const Stockbook__V1__##Message *)request)->order_id, &id)) \
			return 0; \
		int32_t part = (int32_t)uuid_part(&id); \
		return part <= limits->parts ? part : 0; \
	}
ROUTE(allocate_route, AllocateOrderRequest)
ROUTE(deallocate_route, DeallocateOrderRequest)
ROUTE(pick_route, PickOrderRequest)
ROUTE(put_back_route, PutBackOrderRequest)
ROUTE(ship_route, ShipOrderRequest)
ROUTE(cancel_route, CancelOrderLinesRequest)
ROUTE(amend_route, AmendOrderRequest)

#define OPERATION(method, message, run, route, writes) \
	{"OrderService/" method, &stockbook__v1__##message##_request__descriptor, \
		&stockbook__v1__##message##_response__descriptor, run, route, writes}

const struct operation order_operations[] = {
	OPERATION("PlaceOrder", place_order, order_place, place_route, true),
	OPERATION("AllocateOrder", allocate_order, order_allocate, allocate_route, true),
	OPERATION("DeallocateOrder", deallocate_order, order_deallocate, deallocate_route, true),
	OPERATION("PickOrder", pick_order, order_pick, pick_route, true),
	OPERATION("PutBackOrder", put_back_order, order_put_back, put_back_route, true),
	OPERATION("ShipOrder", ship_order, order_ship, ship_route, true),
	OPERATION("CancelOrderLines", cancel_order_lines, order_cancel, cancel_route, true),
	OPERATION("AmendOrder", amend_order, order_amend, amend_route, true),
	OPERATION("GetOrder", get_order, order_get, NULL, false),
	OPERATION("GetOrderHistory", get_order_history, order_history, NULL, false),
	OPERATION("ListOrders", list_orders, order_list, NULL, false),
	{0},
};
/* clang-format on */
