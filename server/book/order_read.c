/* Orders as they are. Lines are read by a scan: reading locks nothing. */
#include "book/order.h"
#include "book/page.h"

#define REASON(name) STOCKBOOK__V1__REASON__REASON_##name

static const struct scan_shape lines_shape = {
	.name = "order_lines",
	.table = TABLE(order_line),
	.conditions = {{"part", SCAN_EQUAL, 0}, {"order_id", SCAN_EQUAL, 0}},
	.order = {"line"},
};

/* False: needed. */
static bool read_lines(struct run *run, struct order *order)
{
	struct scan scan = {.shape = &lines_shape, .limit = LINES_MAX};
	scan.values[0] = (struct scan_value){.present = true, .number = order->row->part};
	scan.values[1] = (struct scan_value){.present = true, .uuid = order->row->id};
	const struct scan_result *result = workset_scan(run->set, &scan);
	if (!result)
		return false;
	order->count = result->count;
	order->lines = arena_alloc_array(run->arena, result->count, sizeof(*order->lines));
	for (size_t i = 0; i < result->count; i++)
		order_line_load(run, result->rows[i], &order->lines[i]);
	return true;
}

enum verdict order_get(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__GetOrderRequest *request = request_;
	Stockbook__V1__GetOrderResponse *response = response_;
	struct customer_order_row key = {0};
	if (!uuid_parse(request->order_id, &key.id))
		return refuse_field(run, "order_id", "'%s' is not a UUID", request->order_id);
	key.part = (int32_t)uuid_part(&key.id);
	struct order order = {.row = &key};
	/* The lines can be asked for by the id alone, in the same round. */
	bool here = read_lines(run, &order);
	enum lookup found =
		workset_find(run->set, TABLE(customer_order), &key, ACCESS_PEEK, (const void **)&order.row);
	if (found == LOOKUP_ABSENT) {
		refuse(run, REASON(ORDER_NOT_FOUND), "order '%s' not found", request->order_id);
		refuse_with(run, "order_id", "%s", request->order_id);
		return VERDICT_REFUSED;
	}
	if (found == LOOKUP_NEEDED || !here)
		return VERDICT_NEED;
	response->order = order_message(run, &order);
	return VERDICT_DONE;
}

static size_t lines_of(const void *row)
{
	return (size_t)((const struct customer_order_row *)row)->line_count;
}

enum verdict order_list(struct run *run, const void *request_, void *response_)
{
	static const struct scan_shape by_customer = {
		.name = "orders_by_customer",
		.table = TABLE(customer_order),
		.conditions = {{"customer", SCAN_EQUAL, 0}, {"customer", SCAN_NOT_EMPTY, 0}},
		.order = {"id"},
	};
	static const struct scan_shape by_reference = {
		.name = "orders_by_reference",
		.table = TABLE(customer_order),
		.conditions = {{"reference", SCAN_EQUAL, 0}, {"reference", SCAN_NOT_EMPTY, 0}},
		.order = {"id"},
	};
	const Stockbook__V1__ListOrdersRequest *request = request_;
	Stockbook__V1__ListOrdersResponse *response = response_;
	bool of_customer = request->customer[0] != '\0';
	if (of_customer == (request->reference[0] != '\0'))
		return refuse_field(run, "customer", "name exactly one of customer and reference");

	struct scan scan = {.shape = of_customer ? &by_customer : &by_reference};
	struct page page;
	enum verdict verdict = page_open(run, request, &scan, &page);
	if (verdict != VERDICT_DONE)
		return verdict;
	scan.values[0] = (struct scan_value){.present = true,
		.text = arena_string(workset_arena(run->set),
			of_customer ? request->customer : request->reference)};
	const struct scan_result *result = workset_scan(run->set, &scan);
	if (!result)
		return VERDICT_NEED;

	size_t count = page_count_by_lines(&page, result, lines_of);
	struct order *orders = arena_alloc_array(run->arena, count, sizeof(*orders));
	bool here = true;
	for (size_t i = 0; i < count; i++) {
		orders[i].row = result->rows[i];
		here = read_lines(run, &orders[i]) && here;
	}
	if (!here)
		return VERDICT_NEED;
	response->orders = arena_alloc_array(run->arena, count, sizeof(*response->orders));
	for (size_t i = 0; i < count; i++)
		response->orders[i] = order_message(run, &orders[i]);
	response->n_orders = count;
	response->next_page_token = page_next(run, &page, &scan, result, count);
	return VERDICT_DONE;
}
