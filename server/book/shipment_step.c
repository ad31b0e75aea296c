/* The steps of a shipment: create, split, pick, pack, ship, deliver, lose, back, cancel. */
#include "book/fulfilment_step.h"
#include "book/shipment.h"
#include "book/work.h"

#define STATUS(name) STOCKBOOK__V1__SHIPMENT_STATUS__SHIPMENT_STATUS_##name
#define REASON(name) STOCKBOOK__V1__REASON__REASON_##name
#define REMEDY(name) STOCKBOOK__V1__SHORT_REMEDY__SHORT_REMEDY_##name
#define METHOD(name) STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_##name
#define KIND_SHIPMENT STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_SHIPMENT

enum verdict shipment_answer(struct run *run, const struct fulfilment *shipment,
	Stockbook__V1__Shipment **message)
{
	*message = shipment_message(run, shipment);
	return *message ? VERDICT_DONE : VERDICT_NEED;
}

/* ---- Create ---- */

static enum verdict refuse_line(struct run *run, const struct order *order, size_t index,
	int32_t number)
{
	refuse(run, REASON(ORDER_LINE_NOT_FOUND), "order '%s' has no line %d",
		run_id_text(run, &order->row->id), number);
	refuse_with(run, "field", "lines[%zu].line", index);
	return VERDICT_REFUSED;
}

static enum verdict refuse_free(struct run *run, size_t index, const struct order_line *line,
	int64_t asked, int64_t available)
{
	refuse(run, REASON(LINE_QUANTITY_EXCEEDED),
		"line %d of the order has %lld allocated there without a shipment, not %lld", line->line,
		(long long)available, (long long)asked);
	char *key = arena_printf(run->arena, "lines[%zu]", index);
	refuse_with(run, arena_printf(run->arena, "%s.sku", key), "%s", line->sku);
	refuse_with(run, arena_printf(run->arena, "%s.requested", key), "%lld", (long long)asked);
	refuse_with(run, arena_printf(run->arena, "%s.available", key), "%lld", (long long)available);
	return VERDICT_REFUSED;
}

/* Of each line of the order, what the new shipment takes. */
static enum verdict asked_of_order(struct run *run, const struct order *order,
	const Stockbook__V1__CreateShipmentRequest *request, int64_t *taken)
{
	for (size_t i = 0; i < request->n_lines; i++) {
		const Stockbook__V1__ShipmentLine *asked = request->lines[i];
		if (asked->quantity < 1 || asked->quantity > QUANTITY_MAX)
			return refuse_field(run, arena_printf(run->arena, "lines[%zu].quantity", i),
				"must be from 1 to %lld", (long long)QUANTITY_MAX);
		if (asked->line < 1 || (size_t)asked->line > order->count)
			return refuse_line(run, order, i, asked->line);
		const struct order_line *line = &order->lines[asked->line - 1];
		int64_t *of_line = &taken[asked->line - 1];
		int64_t available = order_free_allocated(order, line, request->location) - *of_line;
		if (asked->quantity > available)
			return refuse_free(run, i, line, asked->quantity, available);
		*of_line += asked->quantity;
	}
	/* What the customer fetches is sent only where a line says so. */
	for (size_t i = 0; i < order->count && request->n_lines == 0; i++)
		if (order->lines[i].method == METHOD(SHIP))
			taken[i] = order_free_allocated(order, &order->lines[i], request->location);
	return VERDICT_DONE;
}

enum verdict shipment_create(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__CreateShipmentRequest *request = request_;
	Stockbook__V1__CreateShipmentResponse *response = response_;
	run->worker = request->worker;
	if (request->n_lines > LINES_MAX)
		return refuse_field(run, "lines", "must be at most %d lines", LINES_MAX);
	struct order order;
	enum verdict allowed = check_location(run, request->location, LOCATION_ANY, true, "location");
	enum verdict verdict = order_open(run, request->order_id, &order);
	if (allowed == VERDICT_REFUSED || verdict == VERDICT_REFUSED)
		return VERDICT_REFUSED;
	if (allowed == VERDICT_NEED || verdict == VERDICT_NEED)
		return VERDICT_NEED;
	int64_t *taken = arena_alloc_array(run->arena, order.count, sizeof(*taken));
	verdict = asked_of_order(run, &order, request, taken);
	if (verdict != VERDICT_DONE)
		return verdict;
	struct fulfilment_share *shares = arena_alloc_array(run->arena, order.count, sizeof(*shares));
	size_t count = 0;
	for (size_t i = 0; i < order.count; i++)
		if (taken[i] > 0)
			shares[count++] =
				(struct fulfilment_share){.line = (int32_t)i + 1, .to_pick = taken[i]};
	if (count == 0) {
		refuse(run, REASON(LINE_QUANTITY_EXCEEDED),
			"order '%s' has nothing allocated at location '%s' without a shipment",
			request->order_id, request->location);
		return VERDICT_REFUSED;
	}
	struct fulfilment *made;
	verdict = fulfilment_insert(run, &order, KIND_SHIPMENT, request->location, shares, count, NULL,
		&made);
	return verdict == VERDICT_DONE ? shipment_answer(run, made, &response->shipment) : verdict;
}

/* ---- Split ---- */

/* From what is to pick first, then from what is picked; the rest stays. */
static enum verdict split_lines(struct run *run, struct stepping *stepping,
	const Stockbook__V1__SplitShipmentRequest *request, struct fulfilment_share *shares)
{
	struct exceeding exceeding = {.stepping = stepping};
	for (size_t i = 0; i < request->n_lines; i++) {
		struct fulfilment_line *line;
		int64_t quantity = request->lines[i]->quantity;
		if (quantity < 1 || quantity > QUANTITY_MAX)
			return refuse_field(run, arena_printf(run->arena, "lines[%zu].quantity", i),
				"must be from 1 to %lld", (long long)QUANTITY_MAX);
		enum verdict verdict = stepping_line(run, stepping, i, request->lines[i]->line, &line);
		if (verdict != VERDICT_DONE)
			return verdict;
		if (quantity > line->to_pick + line->picked) {
			exceeding_add(run, &exceeding, i, line, quantity, line->to_pick + line->picked);
			continue;
		}
		struct fulfilment_share *share = &shares[line - stepping->at->lines];
		int64_t to_pick = quantity < line->to_pick ? quantity : line->to_pick;
		share->to_pick += to_pick;
		share->picked += quantity - to_pick;
		line->to_pick -= to_pick;
		line->picked -= quantity - to_pick;
		line->dropped += quantity;
		line->changed = true;
	}
	return exceeding.count > 0 ? VERDICT_REFUSED : VERDICT_DONE;
}

/* What was split off leaves when the whole should have. */
static enum verdict keep_deadline(struct run *run, const struct fulfilment *made, int64_t ready_by)
{
	struct fulfilment_row *row = workset_edit(run->set, made->row);
	row->ready_by = ready_by;
	const struct work_row *work;
	enum verdict verdict =
		work_find(run, row->part, &row->id, fulfilment_work(row), ACCESS_LOCK, &work);
	if (verdict == VERDICT_DONE && work)
		((struct work_row *)workset_edit(run->set, work))->due_at = ready_by;
	return verdict;
}

enum verdict shipment_split(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__SplitShipmentRequest *request = request_;
	Stockbook__V1__SplitShipmentResponse *response = response_;
	run->worker = request->worker;
	if (request->n_lines == 0 || request->n_lines > LINES_MAX)
		return refuse_field(run, "lines", "must be from 1 to %d lines", LINES_MAX);
	struct stepping stepping;
	enum verdict verdict =
		stepping_open(run, KIND_SHIPMENT, request->shipment_id, SHIPMENT_SPLIT, true, &stepping);
	if (verdict != VERDICT_DONE)
		return verdict;
	struct fulfilment *at = stepping.at;
	struct fulfilment_share *shares = arena_alloc_array(run->arena, at->count, sizeof(*shares));
	verdict = split_lines(run, &stepping, request, shares);
	if (verdict != VERDICT_DONE)
		return verdict;
	struct fulfilment_line left = fulfilment_total(at);
	if (left.to_pick + left.picked == 0)
		return refuse_field(run, "lines", "must be less than all");
	size_t count = 0;
	for (size_t i = 0; i < at->count; i++)
		if (shares[i].to_pick + shares[i].picked > 0) {
			shares[count] = shares[i];
			shares[count++].line = at->lines[i].line;
		}
	bool packed = at->row->status == (int)STATUS(PACKED);
	verdict = stepping_advance(run, &stepping, (int)shipment_status_of(at, packed), NULL, NULL);
	struct fulfilment *made = NULL;
	if (verdict == VERDICT_DONE)
		verdict = fulfilment_insert(run, &stepping.order, KIND_SHIPMENT, at->row->location, shares,
			count, uuid_is_nil(&at->row->replaces) ? NULL : &at->row->replaces, &made);
	if (verdict == VERDICT_DONE)
		verdict = keep_deadline(run, made, at->row->ready_by);
	if (verdict == VERDICT_DONE)
		verdict = shipment_answer(run, at, &response->shipment);
	return verdict == VERDICT_DONE ? shipment_answer(run, made, &response->split_off) : verdict;
}

/* ---- Pick and pack ---- */

enum verdict shipment_pick(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__PickShipmentRequest *request = request_;
	Stockbook__V1__PickShipmentResponse *response = response_;
	run->worker = request->worker;
	struct stepping stepping;
	enum verdict verdict =
		stepping_open(run, KIND_SHIPMENT, request->shipment_id, SHIPMENT_PICK, true, &stepping);
	if (verdict != VERDICT_DONE)
		return verdict;
	struct resourcing resourcing = {.remedy = request->remedy, .options = request->sourcing};
	verdict = stepping_pick(run, &stepping, request->lines, request->n_lines, &resourcing);
	if (verdict == VERDICT_DONE)
		verdict = stepping_advance(run, &stepping, (int)shipment_status_of(stepping.at, false),
			NULL, request->note);
	if (verdict == VERDICT_DONE)
		verdict = fulfilment_resource(run, &stepping.order, stepping.at, &resourcing);
	if (verdict != VERDICT_DONE)
		return verdict;
	order_follow(run, &stepping.order, ORDER_CANCEL, NULL, request->note);
	response->resourced = resourcing.results;
	response->n_resourced = resourcing.count;
	return shipment_answer(run, stepping.at, &response->shipment);
}

enum verdict shipment_pack(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__PackShipmentRequest *request = request_;
	Stockbook__V1__PackShipmentResponse *response = response_;
	run->worker = request->worker;
	struct stepping stepping;
	enum verdict verdict =
		stepping_open(run, KIND_SHIPMENT, request->shipment_id, SHIPMENT_PACK, true, &stepping);
	if (verdict != VERDICT_DONE)
		return verdict;
	struct fulfilment_row *row = workset_edit(run->set, stepping.at->row);
	row->parcels = request->parcels > 0 ? request->parcels : 1;
	verdict = stepping_advance(run, &stepping, STATUS(PACKED), NULL, NULL);
	return verdict == VERDICT_DONE ? shipment_answer(run, stepping.at, &response->shipment)
								   : verdict;
}

/* ---- Ship, and what becomes of it ---- */

static const char *carrier_note(struct run *run, const char *carrier, const char *tracking)
{
	if (carrier[0] == '\0' || tracking[0] == '\0')
		return carrier[0] ? carrier : tracking;
	return arena_printf(run->arena, "%s %s", carrier, tracking);
}

enum verdict shipment_ship(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__ShipShipmentRequest *request = request_;
	Stockbook__V1__ShipShipmentResponse *response = response_;
	run->worker = request->worker;
	struct stepping stepping;
	enum verdict verdict = stepping_open(run, KIND_SHIPMENT, request->shipment_id,
		request->skip ? SHIPMENT_SHIP_AT_ONCE : SHIPMENT_SHIP, true, &stepping);
	if (verdict == VERDICT_DONE)
		verdict = leg_take_all(run, &stepping.order, stepping.at, LEG_SHIP);
	if (verdict != VERDICT_REFUSED && request->skip && stepping.at) {
		enum verdict unpicked = leg_take_all(run, &stepping.order, stepping.at, LEG_SHIP_UNPICKED);
		verdict = unpicked == VERDICT_DONE ? verdict : unpicked;
	}
	if (verdict != VERDICT_DONE)
		return verdict;
	struct arena *arena = workset_arena(run->set);
	struct fulfilment_row *row = workset_edit(run->set, stepping.at->row);
	row->carrier = arena_string(arena, request->carrier);
	row->tracking = arena_string(arena, request->tracking);
	row->parcels = row->parcels > 0 ? row->parcels : 1;
	verdict = stepping_advance(run, &stepping, STATUS(SHIPPED), NULL,
		carrier_note(run, request->carrier, request->tracking));
	if (verdict != VERDICT_DONE)
		return verdict;
	order_follow(run, &stepping.order, ORDER_SHIP, NULL, NULL);
	return shipment_answer(run, stepping.at, &response->shipment);
}

enum verdict shipment_deliver(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__DeliverShipmentRequest *request = request_;
	Stockbook__V1__DeliverShipmentResponse *response = response_;
	struct stepping stepping;
	enum verdict verdict =
		stepping_open(run, KIND_SHIPMENT, request->shipment_id, SHIPMENT_DELIVER, false, &stepping);
	if (verdict == VERDICT_DONE)
		verdict = stepping_advance(run, &stepping, STATUS(DELIVERED), NULL, request->note);
	return verdict == VERDICT_DONE ? shipment_answer(run, stepping.at, &response->shipment)
								   : verdict;
}

/* What came back was not lost. */
static enum verdict check_not_returned(struct run *run, const struct stepping *stepping)
{
	for (size_t i = 0; i < stepping->at->count; i++) {
		const struct fulfilment_line *line = &stepping->at->lines[i];
		const struct order_line *ordered = &stepping->order.lines[line->line - 1];
		if (ordered->fulfilled - line->done >= ordered->returned)
			continue;
		refuse(run, REASON(RETURN_EXCEEDS_FULFILLED),
			"%lld of line %d came back: they were not lost", (long long)ordered->returned,
			line->line);
		refuse_with(run, "line", "%d", line->line);
		refuse_with(run, "returned", "%lld", (long long)ordered->returned);
		return VERDICT_REFUSED;
	}
	return VERDICT_DONE;
}

enum verdict shipment_lose(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__LoseShipmentRequest *request = request_;
	Stockbook__V1__LoseShipmentResponse *response = response_;
	struct stepping stepping;
	enum verdict verdict =
		stepping_open(run, KIND_SHIPMENT, request->shipment_id, SHIPMENT_LOSE, false, &stepping);
	if (verdict == VERDICT_DONE)
		verdict = check_not_returned(run, &stepping);
	if (verdict != VERDICT_DONE)
		return verdict;
	struct resourcing resourcing = {
		.remedy = request->remedy ? request->remedy : REMEDY(RE_SOURCE),
		.options = request->sourcing,
	};
	for (size_t i = 0; i < stepping.at->count; i++)
		if (stepping.at->lines[i].done > 0)
			resourcing_add(run, &resourcing, stepping.at->lines[i].line,
				stepping.at->lines[i].done);
	verdict = resourcing_decide(run, &stepping.order, stepping.at, &resourcing);
	if (verdict == VERDICT_DONE)
		verdict = leg_take_all(run, &stepping.order, stepping.at, LEG_LOSE);
	if (verdict == VERDICT_DONE)
		verdict = stepping_advance(run, &stepping, STATUS(LOST), NULL, request->note);
	if (verdict == VERDICT_DONE)
		verdict = fulfilment_resource(run, &stepping.order, stepping.at, &resourcing);
	if (verdict != VERDICT_DONE)
		return verdict;
	order_follow(run, &stepping.order, ORDER_LOSE, NULL, request->note);
	response->resourced = resourcing.results;
	response->n_resourced = resourcing.count;
	return shipment_answer(run, stepping.at, &response->shipment);
}

/* ---- Back, and the end of it ---- */

enum verdict shipment_step_back(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__StepBackShipmentRequest *request = request_;
	Stockbook__V1__StepBackShipmentResponse *response = response_;
	run->worker = request->worker;
	struct stepping stepping;
	enum verdict verdict = stepping_open(run, KIND_SHIPMENT, request->shipment_id,
		SHIPMENT_STEP_BACK, true, &stepping);
	if (verdict != VERDICT_DONE)
		return verdict;
	if (stepping.at->row->status == (int)STATUS(PACKED)) {
		struct fulfilment_row *row = workset_edit(run->set, stepping.at->row);
		row->parcels = 0;
	} else {
		verdict = stepping_take(run, &stepping, LEG_UNPICK, NULL, 0);
	}
	if (verdict == VERDICT_DONE)
		verdict = stepping_advance(run, &stepping, (int)shipment_status_of(stepping.at, false),
			NULL, request->note);
	if (verdict != VERDICT_DONE)
		return verdict;
	order_follow(run, &stepping.order, ORDER_PUT_BACK, NULL, NULL);
	return shipment_answer(run, stepping.at, &response->shipment);
}

enum verdict shipment_cancel(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__CancelShipmentRequest *request = request_;
	Stockbook__V1__CancelShipmentResponse *response = response_;
	run->worker = request->worker;
	struct stepping stepping;
	enum verdict verdict =
		stepping_open(run, KIND_SHIPMENT, request->shipment_id, SHIPMENT_CANCEL, false, &stepping);
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
	return shipment_answer(run, stepping.at, &response->shipment);
}

enum verdict shipment_put_back(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__PutBackShipmentRequest *request = request_;
	Stockbook__V1__PutBackShipmentResponse *response = response_;
	run->worker = request->worker;
	struct stepping stepping;
	enum verdict verdict = stepping_open_to_put_back(run, KIND_SHIPMENT, request->shipment_id,
		SHIPMENT_PUT_BACK, &stepping);
	if (verdict == VERDICT_DONE)
		verdict = stepping_take(run, &stepping, LEG_PUT_BACK,
			asked_shipped(run, request->lines, request->n_lines), request->n_lines);
	if (verdict != VERDICT_DONE)
		return verdict;
	/* Only where nothing else is left does that end it. */
	int status = stepping.at->row->status;
	if (status == (int)STATUS(PUTTING_BACK))
		status = (int)shipment_status_of(stepping.at, false);
	verdict = stepping_advance(run, &stepping, status, NULL, NULL);
	return verdict == VERDICT_DONE ? shipment_answer(run, stepping.at, &response->shipment)
								   : verdict;
}
