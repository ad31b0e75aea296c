/*
 * Adjustments: facts about stock at one location. They are never refused because the book thinks
 * otherwise. What is taken beyond what the book has is first found:
 *
 *   take 5 where 3 are on hand:  LOSS -> AVAILABLE 2 (FOUND), then AVAILABLE -> LOSS 5
 *
 * so that on hand is never below 0; AVAILABLE is, when the goods were promised: a shortage. A
 * change of state alone is no fact of this kind: it needs what it takes.
 */
#include "book/adjustment.h"

#include "book/stock.h"

/* Short names for long ones. */
#define STATE(name) STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_##name
#define REASON(name) STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_##name
#define KIND(name) STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_##name

/* States in which goods lie at a location without being anybody's. */
static const Stockbook__V1__StockState free_states[] = {
	STATE(AVAILABLE), STATE(DAMAGED), STATE(QUALITY_CONTROL), STATE(ON_HOLD)};

static bool state_is_free(Stockbook__V1__StockState state)
{
	for (size_t i = 0; i < ARRAY_COUNT(free_states); i++)
		if (free_states[i] == state)
			return true;
	return false;
}

static char *line_field(struct run *run, size_t index, const char *field)
{
	return field_path(run->arena, "lines", index, field);
}

static enum verdict check_state(struct run *run, size_t index, const char *field,
	Stockbook__V1__StockState state)
{
	if (state_is_free(state))
		return VERDICT_DONE;
	return refuse_field(run, line_field(run, index, field),
		"must be AVAILABLE, DAMAGED, QUALITY_CONTROL or ON_HOLD");
}

static Stockbook__V1__StockState state_or_available(Stockbook__V1__StockState state)
{
	return state == STATE(UNSPECIFIED) ? STATE(AVAILABLE) : state;
}

/* Moves stock of one of the lines between two states at the location, or from or to outside. */
static enum verdict post_line(struct run *run, const struct stock_lines *lines, const char *sku,
	Stockbook__V1__StockState from, Stockbook__V1__StockState to, int64_t quantity,
	Stockbook__V1__MovementReason reason, size_t line)
{
	return post(run, &(struct posting){
						 .sku = sku,
						 .from_location = state_is_outside(from) ? "" : lines->location,
						 .from_state = from,
						 .to_location = state_is_outside(to) ? "" : lines->location,
						 .to_state = to,
						 .quantity = quantity,
						 .reason = reason,
						 .document_line = (int32_t)line,
					 });
}

/* Notes the change under a new id, whose text is returned. */
static char *close_fact(struct run *run, const struct stock_lines *lines,
	Stockbook__V1__DocumentKind kind, const char *step, const char *note)
{
	struct uuid id = run_new_id(run, lines->part);
	note_change(run, &(struct step){
						 .kind = kind,
						 .part = lines->part,
						 .document_id = id,
						 .step = step,
						 .note = note,
					 });
	return run_id_text(run, &id);
}

/* ---- ReceiveStock ---- */

static enum verdict receive_stock(struct run *run, const void *message, void *answer)
{
	const Stockbook__V1__ReceiveStockRequest *request = message;
	Stockbook__V1__ReceiveStockResponse *response = answer;
	struct stock_lines lines;
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < request->n_lines && verdict == VERDICT_DONE; i++)
		verdict = check_state(run, i, "state", state_or_available(request->lines[i]->state));
	if (verdict == VERDICT_DONE)
		verdict = stock_lines_open(run, request->location, (void *const *)request->lines,
			request->n_lines, &lines);
	for (size_t i = 0; i < request->n_lines && verdict == VERDICT_DONE; i++)
		verdict = post_line(run, &lines, lines.skus[i], STATE(SUPPLIER),
			state_or_available(request->lines[i]->state), request->lines[i]->quantity,
			REASON(RECEIPT), i + 1);
	if (verdict != VERDICT_DONE)
		return verdict;
	response->receipt_id = close_fact(run, &lines, KIND(RECEIPT), "receive", request->reference);
	response->levels = stock_lines_levels(run, &lines, &response->n_levels);
	return VERDICT_DONE;
}

/* ---- AdjustStock ---- */

static enum verdict check_adjustment_line(struct run *run,
	const Stockbook__V1__AdjustStockRequest *request, size_t i)
{
	int64_t quantity = request->lines[i]->quantity;
	bool may_be_more = request->reason == REASON(FOUND) || request->reason == REASON(CORRECTION);
	bool may_be_less = request->reason != REASON(FOUND);
	if (quantity == 0 || quantity > QUANTITY_MAX || quantity < -QUANTITY_MAX)
		return refuse_field(run, line_field(run, i, "quantity"),
			"must not be 0, and within %lld of it", (long long)QUANTITY_MAX);
	if (quantity > 0 && !may_be_more)
		return refuse_field(run, line_field(run, i, "quantity"),
			"must be negative for this reason; FOUND and CORRECTION may add");
	if (quantity < 0 && !may_be_less)
		return refuse_field(run, line_field(run, i, "quantity"),
			"must be positive for the reason FOUND");
	return check_state(run, i, "state", state_or_available(request->lines[i]->state));
}

static enum verdict check_adjustment(struct run *run,
	const Stockbook__V1__AdjustStockRequest *request)
{
	static const Stockbook__V1__MovementReason reasons[] = {REASON(SHRINKAGE), REASON(BREAKAGE),
		REASON(PAST_DATE), REASON(FOUND), REASON(SAMPLE), REASON(CORRECTION)};
	bool known = false;
	for (size_t i = 0; i < ARRAY_COUNT(reasons); i++)
		known = known || reasons[i] == request->reason;
	if (!known)
		return refuse_field(run, "reason",
			"must be SHRINKAGE, BREAKAGE, PAST_DATE, FOUND, SAMPLE or CORRECTION");
	for (size_t i = 0; i < request->n_lines; i++) {
		enum verdict verdict = check_adjustment_line(run, request, i);
		if (verdict != VERDICT_DONE)
			return verdict;
	}
	return VERDICT_DONE;
}

/* What all lines of one SKU together take off, by state. */
struct taken {
	int64_t total;
	int64_t by_state[ARRAY_COUNT(free_states)];
	size_t line; /* the first that takes, 1 and up */
};

static size_t free_state_index(Stockbook__V1__StockState state)
{
	for (size_t i = 0; i < ARRAY_COUNT(free_states); i++)
		if (free_states[i] == state)
			return i;
	CHECK(!"the state was checked");
	return 0;
}

static struct taken *add_up_taken(struct run *run, const Stockbook__V1__AdjustStockRequest *request,
	const struct stock_lines *lines)
{
	struct taken *taken = arena_alloc_array(run->arena, lines->distinct.count, sizeof(*taken));
	for (size_t i = 0; i < request->n_lines; i++) {
		const Stockbook__V1__AdjustmentLine *line = request->lines[i];
		if (line->quantity > 0)
			continue;
		struct taken *of_sku = &taken[lines->numbers[i]];
		of_sku->total -= line->quantity;
		of_sku->by_state[free_state_index(state_or_available(line->state))] -= line->quantity;
		if (of_sku->line == 0)
			of_sku->line = i + 1;
	}
	return taken;
}

/* Makes room for what is taken: finds what is not on hand at all, and brings into each state what
 * that state lacks. */
static enum verdict cover_taken(struct run *run, const struct stock_lines *lines, const char *sku,
	const struct taken *taken)
{
	const struct stock_row *stock = stock_lines_row(run, lines, sku);
	int64_t on_hand = stock ? stock_on_hand(stock) : 0;
	if (taken->total > on_hand) {
		if (taken->total - on_hand > QUANTITY_MAX)
			return refuse(run, STOCKBOOK__V1__REASON__REASON_QUANTITY_OVERFLOW,
				"sku '%s': more than %lld are taken at once", sku, (long long)QUANTITY_MAX);
		enum verdict verdict = post_line(run, lines, sku, STATE(LOSS), STATE(AVAILABLE),
			taken->total - on_hand, REASON(FOUND), taken->line);
		if (verdict != VERDICT_DONE)
			return verdict;
		stock = stock_lines_row(run, lines, sku);
	}
	for (size_t i = 0; i < ARRAY_COUNT(free_states); i++) {
		Stockbook__V1__StockState state = free_states[i];
		int64_t lacking = taken->by_state[i] - stock_balance(stock, state);
		if (state == STATE(AVAILABLE) || lacking <= 0)
			continue;
		enum verdict verdict = post_line(run, lines, sku, STATE(AVAILABLE), state, lacking,
			REASON(STATE_CHANGE), taken->line);
		if (verdict != VERDICT_DONE)
			return verdict;
	}
	return VERDICT_DONE;
}

static enum verdict post_adjustment(struct run *run,
	const Stockbook__V1__AdjustStockRequest *request, const struct stock_lines *lines)
{
	enum verdict verdict = VERDICT_DONE;
	/* What is added first, so that it counts towards what is taken. */
	for (size_t i = 0; i < request->n_lines && verdict == VERDICT_DONE; i++)
		if (request->lines[i]->quantity > 0)
			verdict = post_line(run, lines, lines->skus[i], STATE(LOSS),
				state_or_available(request->lines[i]->state), request->lines[i]->quantity,
				request->reason, i + 1);
	if (verdict != VERDICT_DONE)
		return verdict;
	const struct taken *taken = add_up_taken(run, request, lines);
	for (size_t i = 0; i < lines->distinct.count && verdict == VERDICT_DONE; i++)
		if (taken[i].total > 0)
			verdict = cover_taken(run, lines, lines->distinct.texts[i], &taken[i]);
	for (size_t i = 0; i < request->n_lines && verdict == VERDICT_DONE; i++)
		if (request->lines[i]->quantity < 0)
			verdict =
				post_line(run, lines, lines->skus[i], state_or_available(request->lines[i]->state),
					STATE(LOSS), -request->lines[i]->quantity, request->reason, i + 1);
	return verdict;
}

static enum verdict adjust_stock(struct run *run, const void *message, void *answer)
{
	const Stockbook__V1__AdjustStockRequest *request = message;
	Stockbook__V1__AdjustStockResponse *response = answer;
	struct stock_lines lines;
	enum verdict verdict = check_adjustment(run, request);
	if (verdict == VERDICT_DONE)
		verdict = stock_lines_open(run, request->location, (void *const *)request->lines,
			request->n_lines, &lines);
	if (verdict == VERDICT_DONE)
		verdict = post_adjustment(run, request, &lines);
	if (verdict != VERDICT_DONE)
		return verdict;
	response->adjustment_id = close_fact(run, &lines, KIND(ADJUSTMENT), "adjust", request->note);
	response->levels = stock_lines_levels(run, &lines, &response->n_levels);
	return VERDICT_DONE;
}

/* ---- SetStock ---- */

static enum verdict check_set_line(struct run *run, const Stockbook__V1__SetStockLine *line,
	size_t index, const struct stock_lines *lines, int64_t on_hand)
{
	if (line->on_hand < 0 || line->on_hand > QUANTITY_MAX)
		return refuse_field(run, line_field(run, index, "on_hand"), "must be from 0 to %lld",
			(long long)QUANTITY_MAX);
	if (!line->expected_on_hand || line->expected_on_hand->value == on_hand)
		return VERDICT_DONE;
	refuse(run, STOCKBOOK__V1__REASON__REASON_EXPECTATION_FAILED,
		"sku '%s' at location '%s' has %lld on hand, not %lld", lines->skus[index], lines->location,
		(long long)on_hand, (long long)line->expected_on_hand->value);
	refuse_with(run, "field", "lines[%zu].expected_on_hand", index);
	refuse_with(run, "sku", "%s", lines->skus[index]);
	refuse_with(run, "location", "%s", lines->location);
	refuse_with(run, "actual", "%lld", (long long)on_hand);
	return VERDICT_REFUSED;
}

static enum verdict set_stock(struct run *run, const void *message, void *answer)
{
	const Stockbook__V1__SetStockRequest *request = message;
	Stockbook__V1__SetStockResponse *response = answer;
	struct stock_lines lines;
	enum verdict verdict = stock_lines_open(run, request->location, (void *const *)request->lines,
		request->n_lines, &lines);
	if (verdict == VERDICT_DONE)
		verdict = stock_lines_once(run, &lines);
	for (size_t i = 0; i < request->n_lines && verdict == VERDICT_DONE; i++) {
		const struct stock_row *stock = stock_lines_row(run, &lines, lines.skus[i]);
		int64_t on_hand = stock ? stock_on_hand(stock) : 0;
		int64_t difference = request->lines[i]->on_hand - on_hand;
		verdict = check_set_line(run, request->lines[i], i, &lines, on_hand);
		if (verdict == VERDICT_DONE && difference > 0)
			verdict = post_line(run, &lines, lines.skus[i], STATE(LOSS), STATE(AVAILABLE),
				difference, REASON(SYNC), i + 1);
		else if (verdict == VERDICT_DONE && difference < 0)
			verdict = post_line(run, &lines, lines.skus[i], STATE(AVAILABLE), STATE(LOSS),
				-difference, REASON(SYNC), i + 1);
	}
	if (verdict != VERDICT_DONE)
		return verdict;
	response->sync_id = close_fact(run, &lines, KIND(STOCK_SYNC), "set", request->note);
	response->levels = stock_lines_levels(run, &lines, &response->n_levels);
	return VERDICT_DONE;
}

/* ---- ChangeStockState ---- */

/* Adds the line to the refusal, which the first short line makes. */
static void add_short_line(struct run *run, const struct stock_lines *lines, size_t index,
	int64_t requested, int64_t available, bool first)
{
	if (first)
		refuse(run, STOCKBOOK__V1__REASON__REASON_OUT_OF_STOCK,
			"sku '%s' at location '%s' has %lld in that state, not %lld", lines->skus[index],
			lines->location, (long long)available, (long long)requested);
	refuse_with(run, line_field(run, index, "sku"), "%s", lines->skus[index]);
	refuse_with(run, line_field(run, index, "location"), "%s", lines->location);
	refuse_with(run, line_field(run, index, "requested"), "%lld", (long long)requested);
	refuse_with(run, line_field(run, index, "available"), "%lld", (long long)available);
}

static enum verdict check_state_change(struct run *run,
	const Stockbook__V1__ChangeStockStateRequest *request)
{
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < request->n_lines && verdict == VERDICT_DONE; i++) {
		verdict = check_state(run, i, "from_state", request->lines[i]->from_state);
		if (verdict == VERDICT_DONE)
			verdict = check_state(run, i, "to_state", request->lines[i]->to_state);
		if (verdict == VERDICT_DONE && request->lines[i]->from_state == request->lines[i]->to_state)
			verdict =
				refuse_field(run, line_field(run, i, "to_state"), "must differ from from_state");
	}
	return verdict;
}

/* Line by line: each finds what the ones before it left. */
static enum verdict post_state_change(struct run *run,
	const Stockbook__V1__ChangeStockStateRequest *request, const struct stock_lines *lines)
{
	bool is_short = false;
	for (size_t i = 0; i < request->n_lines; i++) {
		const Stockbook__V1__StateChangeLine *line = request->lines[i];
		const struct stock_row *stock = stock_lines_row(run, lines, lines->skus[i]);
		int64_t balance = stock ? stock_balance(stock, line->from_state) : 0;
		if (balance < line->quantity) {
			add_short_line(run, lines, i, line->quantity, balance > 0 ? balance : 0, !is_short);
			is_short = true;
			continue;
		}
		/* Posted even when an earlier line was short, so that each is judged by what it would find;
		 * a refused run is undone. */
		enum verdict verdict = post_line(run, lines, lines->skus[i], line->from_state,
			line->to_state, line->quantity, REASON(STATE_CHANGE), i + 1);
		if (verdict != VERDICT_DONE)
			return verdict;
	}
	return is_short ? VERDICT_REFUSED : VERDICT_DONE;
}

static enum verdict change_stock_state(struct run *run, const void *message, void *answer)
{
	const Stockbook__V1__ChangeStockStateRequest *request = message;
	Stockbook__V1__ChangeStockStateResponse *response = answer;
	struct stock_lines lines;
	enum verdict verdict = check_state_change(run, request);
	if (verdict == VERDICT_DONE)
		verdict = stock_lines_open(run, request->location, (void *const *)request->lines,
			request->n_lines, &lines);
	if (verdict == VERDICT_DONE)
		verdict = post_state_change(run, request, &lines);
	if (verdict != VERDICT_DONE)
		return verdict;
	response->adjustment_id =
		close_fact(run, &lines, KIND(ADJUSTMENT), "change_state", request->note);
	response->levels = stock_lines_levels(run, &lines, &response->n_levels);
	return VERDICT_DONE;
}

/* ---- The table ---- */

#define ROUTE(operation, Message)                                                                  \
	static int32_t route_##operation(const void *message, const struct book_limits *limits)        \
	{                                                                                              \
		return part_of(((const Stockbook__V1__##Message##Request *)message)->location,             \
			limits->parts);                                                                        \
	}
ROUTE(receive_stock, ReceiveStock)
ROUTE(adjust_stock, AdjustStock)
ROUTE(set_stock, SetStock)
ROUTE(change_stock_state, ChangeStockState)

/* clang-format off */
#define FACT(function, Message) \
	{ \
		.name = "StockService/" #Message, \
		.request = &stockbook__v1__##function##_request__descriptor, \
		.response = &stockbook__v1__##function##_response__descriptor, \
		.run = function, \
		.route = route_##function, \
		.writes = true, \
	}
const struct operation adjustment_operations[] = {
	FACT(receive_stock, ReceiveStock),
	FACT(adjust_stock, AdjustStock),
	FACT(set_stock, SetStock),
	FACT(change_stock_state, ChangeStockState),
	{0},
};
/* clang-format on */
