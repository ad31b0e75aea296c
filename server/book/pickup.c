/* Pickups: the machine, the status that follows from the lines, reads, and the operations. */
#include "book/pickup.h"

#include "book/fulfilment_step.h"
#include "stockbook/internal/v1/pickup.pb-c.h"

#define STATUS(name) STOCKBOOK__V1__PICKUP_STATUS__PICKUP_STATUS_##name
#define KIND_PICKUP STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_PICKUP

static const char *const steps[] = {
	[PICKUP_REQUEST] = "request",
	[PICKUP_ARRIVE] = "arrive",
	[PICKUP_MISS] = "miss",
	[PICKUP_ACCEPT] = "accept",
	[PICKUP_PICK] = "pick",
	[PICKUP_READY] = "make ready",
	[PICKUP_ISSUE_CODE] = "issue code",
	[PICKUP_REFUSE_CODE] = "refuse code",
	[PICKUP_EXTEND] = "extend",
	[PICKUP_COLLECT] = "collect",
	[PICKUP_STEP_BACK] = "step back",
	[PICKUP_CANCEL] = "cancel",
	[PICKUP_CANCEL_LINES] = "cancel lines",
	[PICKUP_EXPIRE] = "expire",
	[PICKUP_PUT_BACK] = "put back",
};

/* A step back may have followed a part's collection, and a cancelled part may wait to be put back:
 * so where nothing is left, COLLECTED, PUTTING_BACK and CANCELLED all are possible. */
static const struct transition transitions[] = {
	{STATUS(UNSPECIFIED), PICKUP_REQUEST, STATUS(AWAITING_TRANSFER), PICKUP_CANCEL},
	{STATUS(UNSPECIFIED), PICKUP_REQUEST, STATUS(REQUESTED), PICKUP_CANCEL},

	{STATUS(AWAITING_TRANSFER), PICKUP_ARRIVE, STATUS(AWAITING_TRANSFER), STEP_FINAL},
	{STATUS(AWAITING_TRANSFER), PICKUP_ARRIVE, STATUS(REQUESTED), STEP_FINAL},
	{STATUS(AWAITING_TRANSFER), PICKUP_ARRIVE, STATUS(ACCEPTED), STEP_FINAL},
	{STATUS(AWAITING_TRANSFER), PICKUP_ARRIVE, STATUS(PICKING), STEP_FINAL},
	{STATUS(AWAITING_TRANSFER), PICKUP_MISS, STATUS(AWAITING_TRANSFER), STEP_FINAL},
	{STATUS(AWAITING_TRANSFER), PICKUP_MISS, STATUS(REQUESTED), STEP_FINAL},
	{STATUS(AWAITING_TRANSFER), PICKUP_MISS, STATUS(ACCEPTED), STEP_FINAL},
	{STATUS(AWAITING_TRANSFER), PICKUP_MISS, STATUS(PICKING), STEP_FINAL},
	{STATUS(AWAITING_TRANSFER), PICKUP_MISS, STATUS(PICKED), STEP_FINAL},
	{STATUS(AWAITING_TRANSFER), PICKUP_MISS, STATUS(PUTTING_BACK), STEP_FINAL},
	{STATUS(AWAITING_TRANSFER), PICKUP_MISS, STATUS(COLLECTED), STEP_FINAL},
	{STATUS(AWAITING_TRANSFER), PICKUP_MISS, STATUS(CANCELLED), STEP_FINAL},
	{STATUS(AWAITING_TRANSFER), PICKUP_CANCEL, STATUS(CANCELLED), STEP_FINAL},
	{STATUS(AWAITING_TRANSFER), PICKUP_CANCEL, STATUS(PUTTING_BACK), STEP_FINAL},
	{STATUS(AWAITING_TRANSFER), PICKUP_CANCEL, STATUS(COLLECTED), STEP_FINAL},
	{STATUS(AWAITING_TRANSFER), PICKUP_CANCEL_LINES, STATUS(AWAITING_TRANSFER), STEP_FINAL},
	{STATUS(AWAITING_TRANSFER), PICKUP_CANCEL_LINES, STATUS(REQUESTED), STEP_FINAL},
	{STATUS(AWAITING_TRANSFER), PICKUP_CANCEL_LINES, STATUS(ACCEPTED), STEP_FINAL},
	{STATUS(AWAITING_TRANSFER), PICKUP_CANCEL_LINES, STATUS(PICKING), STEP_FINAL},
	{STATUS(AWAITING_TRANSFER), PICKUP_CANCEL_LINES, STATUS(PICKED), STEP_FINAL},
	{STATUS(AWAITING_TRANSFER), PICKUP_CANCEL_LINES, STATUS(PUTTING_BACK), STEP_FINAL},
	{STATUS(AWAITING_TRANSFER), PICKUP_CANCEL_LINES, STATUS(COLLECTED), STEP_FINAL},
	{STATUS(AWAITING_TRANSFER), PICKUP_CANCEL_LINES, STATUS(CANCELLED), STEP_FINAL},
	{STATUS(AWAITING_TRANSFER), PICKUP_PUT_BACK, STATUS(AWAITING_TRANSFER), STEP_FINAL},

	{STATUS(REQUESTED), PICKUP_ACCEPT, STATUS(ACCEPTED), PICKUP_STEP_BACK},
	{STATUS(REQUESTED), PICKUP_CANCEL, STATUS(CANCELLED), STEP_FINAL},
	{STATUS(REQUESTED), PICKUP_CANCEL, STATUS(PUTTING_BACK), STEP_FINAL},
	{STATUS(REQUESTED), PICKUP_CANCEL, STATUS(COLLECTED), STEP_FINAL},
	{STATUS(REQUESTED), PICKUP_CANCEL_LINES, STATUS(REQUESTED), STEP_FINAL},
	{STATUS(REQUESTED), PICKUP_CANCEL_LINES, STATUS(PUTTING_BACK), STEP_FINAL},
	{STATUS(REQUESTED), PICKUP_CANCEL_LINES, STATUS(COLLECTED), STEP_FINAL},
	{STATUS(REQUESTED), PICKUP_CANCEL_LINES, STATUS(CANCELLED), STEP_FINAL},
	{STATUS(REQUESTED), PICKUP_PUT_BACK, STATUS(REQUESTED), STEP_FINAL},

	/* What is short leaves it, and may have been all there was. */
	{STATUS(ACCEPTED), PICKUP_PICK, STATUS(PICKING), PICKUP_STEP_BACK},
	{STATUS(ACCEPTED), PICKUP_PICK, STATUS(PICKED), PICKUP_STEP_BACK},
	{STATUS(ACCEPTED), PICKUP_PICK, STATUS(ACCEPTED), STEP_FINAL},
	{STATUS(ACCEPTED), PICKUP_PICK, STATUS(AWAITING_TRANSFER), STEP_FINAL},
	{STATUS(ACCEPTED), PICKUP_PICK, STATUS(PUTTING_BACK), STEP_FINAL},
	{STATUS(ACCEPTED), PICKUP_PICK, STATUS(COLLECTED), STEP_FINAL},
	{STATUS(ACCEPTED), PICKUP_PICK, STATUS(CANCELLED), STEP_FINAL},
	{STATUS(ACCEPTED), PICKUP_STEP_BACK, STATUS(REQUESTED), PICKUP_ACCEPT},
	{STATUS(ACCEPTED), PICKUP_CANCEL, STATUS(CANCELLED), STEP_FINAL},
	{STATUS(ACCEPTED), PICKUP_CANCEL, STATUS(PUTTING_BACK), STEP_FINAL},
	{STATUS(ACCEPTED), PICKUP_CANCEL, STATUS(COLLECTED), STEP_FINAL},
	{STATUS(ACCEPTED), PICKUP_CANCEL_LINES, STATUS(ACCEPTED), STEP_FINAL},
	{STATUS(ACCEPTED), PICKUP_CANCEL_LINES, STATUS(PUTTING_BACK), STEP_FINAL},
	{STATUS(ACCEPTED), PICKUP_CANCEL_LINES, STATUS(COLLECTED), STEP_FINAL},
	{STATUS(ACCEPTED), PICKUP_CANCEL_LINES, STATUS(CANCELLED), STEP_FINAL},
	{STATUS(ACCEPTED), PICKUP_PUT_BACK, STATUS(ACCEPTED), STEP_FINAL},

	{STATUS(PICKING), PICKUP_PICK, STATUS(PICKING), PICKUP_STEP_BACK},
	{STATUS(PICKING), PICKUP_PICK, STATUS(PICKED), PICKUP_STEP_BACK},
	{STATUS(PICKING), PICKUP_PICK, STATUS(AWAITING_TRANSFER), STEP_FINAL},
	{STATUS(PICKING), PICKUP_STEP_BACK, STATUS(ACCEPTED), PICKUP_PICK},
	{STATUS(PICKING), PICKUP_CANCEL, STATUS(PUTTING_BACK), STEP_FINAL},
	{STATUS(PICKING), PICKUP_CANCEL_LINES, STATUS(PICKING), STEP_FINAL},
	{STATUS(PICKING), PICKUP_CANCEL_LINES, STATUS(PICKED), STEP_FINAL},
	{STATUS(PICKING), PICKUP_CANCEL_LINES, STATUS(ACCEPTED), STEP_FINAL},
	{STATUS(PICKING), PICKUP_CANCEL_LINES, STATUS(PUTTING_BACK), STEP_FINAL},
	{STATUS(PICKING), PICKUP_PUT_BACK, STATUS(PICKING), STEP_FINAL},

	{STATUS(PICKED), PICKUP_READY, STATUS(READY), PICKUP_STEP_BACK},
	{STATUS(PICKED), PICKUP_STEP_BACK, STATUS(ACCEPTED), PICKUP_PICK},
	{STATUS(PICKED), PICKUP_CANCEL, STATUS(PUTTING_BACK), STEP_FINAL},
	{STATUS(PICKED), PICKUP_CANCEL_LINES, STATUS(PICKED), STEP_FINAL},
	{STATUS(PICKED), PICKUP_CANCEL_LINES, STATUS(PUTTING_BACK), STEP_FINAL},
	{STATUS(PICKED), PICKUP_PUT_BACK, STATUS(PICKED), STEP_FINAL},

	{STATUS(READY), PICKUP_ISSUE_CODE, STATUS(READY), PICKUP_ISSUE_CODE},
	{STATUS(READY), PICKUP_REFUSE_CODE, STATUS(READY), PICKUP_ISSUE_CODE},
	{STATUS(READY), PICKUP_EXTEND, STATUS(READY), PICKUP_EXTEND},
	{STATUS(READY), PICKUP_COLLECT, STATUS(READY), STEP_FINAL},
	{STATUS(READY), PICKUP_COLLECT, STATUS(COLLECTED), STEP_FINAL},
	{STATUS(READY), PICKUP_COLLECT, STATUS(PUTTING_BACK), STEP_FINAL},
	{STATUS(READY), PICKUP_STEP_BACK, STATUS(PICKED), PICKUP_READY},
	{STATUS(READY), PICKUP_CANCEL, STATUS(PUTTING_BACK), STEP_FINAL},
	{STATUS(READY), PICKUP_CANCEL_LINES, STATUS(READY), STEP_FINAL},
	{STATUS(READY), PICKUP_CANCEL_LINES, STATUS(PUTTING_BACK), STEP_FINAL},
	{STATUS(READY), PICKUP_EXPIRE, STATUS(PUTTING_BACK), STEP_FINAL},
	{STATUS(READY), PICKUP_PUT_BACK, STATUS(READY), STEP_FINAL},

	{STATUS(PUTTING_BACK), PICKUP_PUT_BACK, STATUS(PUTTING_BACK), STEP_FINAL},
	{STATUS(PUTTING_BACK), PICKUP_PUT_BACK, STATUS(COLLECTED), STEP_FINAL},
	{STATUS(PUTTING_BACK), PICKUP_PUT_BACK, STATUS(CANCELLED), STEP_FINAL},
	{0},
};

const struct machine pickup_machine = {
	.document = "pickup",
	.summary =
		"Goods of an order that the customer fetches at a location. With nothing left to fetch "
		"it is `COLLECTED` when some of it was, otherwise `CANCELLED`, and before that "
		"`PUTTING_BACK` as long as goods are off the shelf. A `READY` one is over at its time, "
		"swept or not: then it is neither collected nor given another code, but may be "
		"extended until it is swept.",
	.kind = STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_PICKUP,
	.statuses = &stockbook__v1__pickup_status__descriptor,
	.steps = steps,
	.step_count = PICKUP_STEP_COUNT,
	.transitions = transitions,
};

Stockbook__V1__PickupStatus pickup_status_of(const struct fulfilment *pickup, bool ready)
{
	struct fulfilment_line total = fulfilment_total(pickup);
	if (total.awaiting > 0)
		return STATUS(AWAITING_TRANSFER);
	if (total.to_pick > 0 && total.picked > 0)
		return STATUS(PICKING);
	if (total.to_pick > 0)
		return pickup->row->accepted ? STATUS(ACCEPTED) : STATUS(REQUESTED);
	if (total.picked > 0)
		return ready ? STATUS(READY) : STATUS(PICKED);
	if (total.put_back > 0)
		return STATUS(PUTTING_BACK);
	return total.done > 0 ? STATUS(COLLECTED) : STATUS(CANCELLED);
}

/* ---- Reads ---- */

static enum verdict pickup_get(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__GetPickupRequest *request = request_;
	Stockbook__V1__GetPickupResponse *response = response_;
	const struct fulfilment_row *row;
	struct fulfilment pickup;
	enum verdict verdict = fulfilment_find(run, KIND_PICKUP, request->pickup_id, &row);
	if (verdict == VERDICT_DONE)
		verdict = fulfilment_read(run, row, &pickup);
	return verdict == VERDICT_DONE ? pickup_answer(run, &pickup, &response->pickup) : verdict;
}

static enum verdict pickup_list(struct run *run, const void *request_, void *response_)
{
	static const int64_t open[] = {STATUS(AWAITING_TRANSFER), STATUS(REQUESTED), STATUS(ACCEPTED),
		STATUS(PICKING), STATUS(PICKED), STATUS(READY), STATUS(PUTTING_BACK)};
	const Stockbook__V1__ListPickupsRequest *request = request_;
	Stockbook__V1__ListPickupsResponse *response = response_;
	struct fulfilment_list list = {
		.kind = KIND_PICKUP,
		.location = request->location,
		.order_id = request->order_id,
		.status = (int)request->status,
		.open = {open, ARRAY_COUNT(open)},
	};
	enum verdict verdict = fulfilment_list(run, request, &list);
	if (verdict != VERDICT_DONE)
		return verdict;
	response->pickups = arena_alloc_array(run->arena, list.count, sizeof(*response->pickups));
	response->n_pickups = list.count;
	response->next_page_token = list.next_page_token;
	for (size_t i = 0; i < list.count; i++)
		if (pickup_answer(run, &list.items[i], &response->pickups[i]) == VERDICT_NEED)
			verdict = VERDICT_NEED;
	return verdict;
}

/* ---- The table ---- */

/* clang-format off */
#define ROUTE(name, id_of) \
	static int32_t name(const void *request_, const struct book_limits *limits) \
	{ \
		return fulfilment_route(id_of, limits); \
	}
#define ROUTE_OF(name, Message) \
	ROUTE(name, ((const Stockbook__V1__##Message##Request *)request_)->pickup_id)
/* Of those that come with a hash; also one that was not checked yet. */
#define ROUTE_OF_WRAPPED(name, Message) \
	ROUTE(name, ((const Stockbook__Internal__V1__##Message##Request *)request_)->request \
			? ((const Stockbook__Internal__V1__##Message##Request *)request_)->request->pickup_id \
			: "")
ROUTE_OF(accept_route, AcceptPickup)
ROUTE_OF(pick_route, PickPickup)
ROUTE_OF_WRAPPED(ready_route, ReadyPickup)
ROUTE_OF_WRAPPED(issue_code_route, IssuePickupCode)
ROUTE_OF(extend_route, ExtendPickup)
ROUTE_OF_WRAPPED(collect_route, CollectPickup)
ROUTE_OF(step_back_route, StepBackPickup)
ROUTE_OF(cancel_route, CancelPickup)
ROUTE_OF(put_back_route, PutBackPickup)

#define OPERATION(method, package, message, run, route, writes) \
	{"PickupService/" method, &stockbook__##package##v1__##message##_request__descriptor, \
		&stockbook__v1__##message##_response__descriptor, run, route, writes}

const struct operation pickup_operations[] = {
	OPERATION("AcceptPickup", , accept_pickup, pickup_accept, accept_route, true),
	OPERATION("PickPickup", , pick_pickup, pickup_pick, pick_route, true),
	OPERATION("ReadyPickup", internal__, ready_pickup, pickup_ready, ready_route, true),
	OPERATION("IssuePickupCode", internal__, issue_pickup_code, pickup_issue_code,
		issue_code_route, true),
	OPERATION("ExtendPickup", , extend_pickup, pickup_extend, extend_route, true),
	OPERATION("CollectPickup", internal__, collect_pickup, pickup_collect, collect_route, true),
	OPERATION("StepBackPickup", , step_back_pickup, pickup_step_back, step_back_route, true),
	OPERATION("CancelPickup", , cancel_pickup, pickup_cancel, cancel_route, true),
	OPERATION("PutBackPickup", , put_back_pickup, pickup_put_back, put_back_route, true),
	OPERATION("GetPickup", , get_pickup, pickup_get, NULL, false),
	OPERATION("ListPickups", , list_pickups, pickup_list, NULL, false),
	{0},
};
/* clang-format on */
