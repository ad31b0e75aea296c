/*
 * Confirming: an order takes the hold over. Nothing is checked again: what is RESERVED is the
 * caller's, and becomes ALLOCATED (or leaves at once).
 *
 * A hold that is over may be confirmed again. Where it was not swept, its stock is still RESERVED:
 * nobody was short of it, so it is simply confirmed. Where it was, the same quantities at the same
 * locations are taken from AVAILABLE, if they are there.
 */
#include "book/order.h"
#include "book/reservation.h"
#include "book/sourcing.h"

#define STATUS(name) STOCKBOOK__V1__RESERVATION_STATUS__RESERVATION_STATUS_##name
#define METHOD(name) STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_##name
#define STATE(name) STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_##name
#define REASON(name) STOCKBOOK__V1__REASON__REASON_##name
#define MOVED_BY(name) STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_##name

struct confirming {
	const Stockbook__V1__ConfirmReservationRequest *request;
	const struct reservation_row *row;
	enum reservation_step step;
	Stockbook__V1__FulfilmentMethod method;
	bool leaves; /* the goods go to the customer at once */
	Stockbook__V1__StockState from_state;
	struct text_index skus;   /* of the hold, then others that have prices */
	struct order_line *lines; /* one for each SKU of the hold, by its number */
	size_t line_count;
	const char *currency;
};

static enum verdict decide_step(struct run *run, struct confirming *confirming)
{
	Stockbook__V1__ReservationStatus status = reservation_status_now(run, confirming->row);
	confirming->step = status == STATUS(EXPIRED) && confirming->request->reserve_again
						   ? RESERVATION_CONFIRM_AGAIN
						   : RESERVATION_CONFIRM;
	confirming->from_state =
		confirming->row->status == STATUS(EXPIRED) ? STATE(AVAILABLE) : STATE(RESERVED);
	return reservation_check_step(run, confirming->row, status, confirming->step);
}

/* Whether what was given back is still there: at the same locations, all or nothing. */
static enum verdict hold_again(struct run *run, const struct confirming *confirming)
{
	const struct reservation_row *row = confirming->row;
	const struct channel_row *channel;
	enum verdict verdict = require_channel(run, row->channel, NULL, &channel);
	if (verdict == VERDICT_REFUSED)
		return verdict;
	bool need = verdict == VERDICT_NEED;
	struct sourcing sourcing;
	sourcing_init(&sourcing, run, channel, NULL, row->line_sku.count);
	for (size_t i = 0; i < row->line_sku.count; i++) {
		verdict = sourcing_check_location(run, channel, NULL, row->line_location.items[i],
			METHOD(UNSPECIFIED), NULL);
		if (verdict == VERDICT_REFUSED)
			return verdict;
		need = need || verdict == VERDICT_NEED;
		sourcing_add(&sourcing, METHOD(UNSPECIFIED), row->line_sku.items[i],
			row->line_location.items[i], row->line_quantity.items[i], (int32_t)i);
	}
	verdict = sourcing_decide(&sourcing, run, false);
	if (need || verdict != VERDICT_DONE)
		return verdict == VERDICT_REFUSED ? verdict : VERDICT_NEED;
	if (sourcing.short_count == 0)
		return VERDICT_DONE;
	/* The caller is told that it expired, and what is missing to hold it again. */
	sourcing_refuse(&sourcing, run);
	run->refusal.reason = REASON(EXPIRED);
	run->refusal.message = arena_printf(run->arena,
		"the hold of reservation '%s' is over, and its stock is gone", run_id_text(run, &row->id));
	refuse_with(run, "expired_at", "%lld", (long long)(row->hold_until / 1000000));
	refuse_with(run, "status", "%s", machine_status_name(&reservation_machine, STATUS(EXPIRED)));
	return VERDICT_REFUSED;
}

/* ---- The order's lines ---- */

static void make_lines(struct run *run, struct confirming *confirming)
{
	const struct reservation_row *row = confirming->row;
	size_t most = row->line_sku.count;
	/* Each price may name one more, and that may be an alias. */
	text_index_init(&confirming->skus, run->arena, most + 2 * confirming->request->n_prices);
	confirming->lines = arena_alloc_array(run->arena, most, sizeof(*confirming->lines));
	for (size_t i = 0; i < most; i++) {
		size_t number = text_index_add(&confirming->skus, row->line_sku.items[i], NULL);
		struct order_line *line = &confirming->lines[number];
		int64_t quantity = row->line_quantity.items[i];
		line->line = (int32_t)number + 1;
		line->sku = row->line_sku.items[i];
		line->method = confirming->method;
		line->ordered += quantity;
		struct order_allocation *at = order_line_at(run, line, row->line_location.items[i]);
		*(confirming->leaves ? &line->fulfilled : &line->allocated) += quantity;
		*(confirming->leaves ? &at->fulfilled : &at->allocated) += quantity;
	}
	confirming->line_count = confirming->skus.count;
}

/* NULL for what the hold has nothing of. */
static struct order_line *line_of(struct confirming *confirming, const char *sku)
{
	size_t number = text_index_add(&confirming->skus, sku, NULL);
	return number < confirming->line_count ? &confirming->lines[number] : NULL;
}

/* A price of what the hold has nothing of is of no account: with allow_partial it may have come out
 * without. */
static enum verdict set_price(struct run *run, struct confirming *confirming, size_t index)
{
	const Stockbook__V1__SkuPrice *price = confirming->request->prices[index];
	char *field = arena_printf(run->arena, "prices[%zu]", index);
	int64_t minor_units;
	enum verdict verdict =
		order_check_price(run, price->unit_price, field, &confirming->currency, &minor_units);
	if (verdict != VERDICT_DONE)
		return verdict;
	struct order_line *line = line_of(confirming, price->sku);
	if (!line) {
		const char *sku;
		verdict = resolve_sku(run, price->sku, NULL, ACCESS_PEEK, field, &sku);
		if (verdict != VERDICT_DONE)
			return verdict;
		line = line_of(confirming, sku);
	}
	if (line)
		line->unit_price = minor_units;
	return VERDICT_DONE;
}

static enum verdict set_prices(struct run *run, struct confirming *confirming)
{
	bool need = false;
	for (size_t i = 0; i < confirming->request->n_prices; i++) {
		enum verdict verdict = set_price(run, confirming, i);
		if (verdict == VERDICT_REFUSED)
			return verdict;
		need = need || verdict == VERDICT_NEED;
	}
	int64_t total = 0;
	for (size_t i = 0; i < confirming->line_count; i++) {
		const struct order_line *line = &confirming->lines[i];
		enum verdict verdict =
			order_add_amount(run, line->ordered, line->unit_price, "prices", &total);
		if (verdict != VERDICT_DONE)
			return verdict;
	}
	return need ? VERDICT_NEED : VERDICT_DONE;
}

/* ---- The movements ---- */

static enum verdict post_all(struct run *run, struct confirming *confirming)
{
	const struct reservation_row *row = confirming->row;
	Stockbook__V1__MovementReason reason = MOVED_BY(ALLOCATE);
	if (confirming->leaves)
		reason = confirming->method == METHOD(CARRY_OUT) ? MOVED_BY(SALE) : MOVED_BY(SHIP);
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < row->line_sku.count; i++) {
		const char *location = row->line_location.items[i];
		struct posting posting = {
			.sku = row->line_sku.items[i],
			.from_location = location,
			.from_state = confirming->from_state,
			.to_location = confirming->leaves ? "" : location,
			.to_state = confirming->leaves ? STATE(CUSTOMER) : STATE(ALLOCATED),
			.quantity = row->line_quantity.items[i],
			.reason = reason,
			.document_line = line_of(confirming, row->line_sku.items[i])->line,
			.channel = row->channel,
		};
		enum verdict posted =
			confirming->leaves ? post_leaving(run, &posting) : post(run, &posting);
		if (posted == VERDICT_REFUSED)
			return posted;
		if (posted == VERDICT_NEED)
			verdict = posted;
	}
	return verdict;
}

/* The movements are the order's: its history begins with where its goods came from. */
static void store(struct run *run, struct confirming *confirming, struct order *order)
{
	const Stockbook__V1__ConfirmReservationRequest *request = confirming->request;
	const struct reservation_row *row = confirming->row;
	order_insert(run,
		&(struct order_draft){
			.part = row->part,
			.channel = row->channel,
			.customer = request->customer[0] ? request->customer : row->customer,
			.reference = request->reference,
			.currency = confirming->currency ? confirming->currency : "",
			.reservation_id = row->id,
			.lines = confirming->lines,
			.count = confirming->line_count,
		},
		order);
	struct reservation_row *confirmed = reservation_advance(run, row, confirming->step, NULL);
	confirmed->order_id = order->row->id;
	if (confirming->step == RESERVATION_CONFIRM_AGAIN) /* held once more, and taken at once */
		confirmed->hold_until = run->now_us + run->limits->hold_default_us;
}

enum verdict reservation_confirm(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__ConfirmReservationRequest *request = request_;
	Stockbook__V1__ConfirmReservationResponse *response = response_;
	struct confirming confirming = {.request = request};
	confirming.method = request->method == METHOD(UNSPECIFIED) ? METHOD(SHIP) : request->method;
	if (confirming.method != METHOD(SHIP) && confirming.method != METHOD(CARRY_OUT))
		return refuse_field(run, "method", "is not a known method");
	if (request->n_prices > LINES_MAX)
		return refuse_field(run, "prices", "must be at most %d", LINES_MAX);
	confirming.leaves = request->fulfil || confirming.method == METHOD(CARRY_OUT);

	enum verdict verdict = reservation_open(run, request->reservation_id, &confirming.row);
	if (verdict == VERDICT_DONE)
		verdict = decide_step(run, &confirming);
	if (verdict != VERDICT_DONE)
		return verdict;
	make_lines(run, &confirming);
	enum verdict priced = set_prices(run, &confirming);
	if (priced == VERDICT_REFUSED)
		return priced;
	if (confirming.from_state == STATE(AVAILABLE))
		verdict = hold_again(run, &confirming);
	if (verdict == VERDICT_DONE)
		verdict = post_all(run, &confirming);
	if (verdict == VERDICT_REFUSED)
		return verdict;
	if (priced == VERDICT_NEED || verdict == VERDICT_NEED)
		return VERDICT_NEED;

	struct order order;
	store(run, &confirming, &order);
	response->reservation = reservation_message(run, confirming.row);
	response->order = order_message(run, &order);
	return VERDICT_DONE;
}
