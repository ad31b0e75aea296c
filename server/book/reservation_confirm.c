/*
 * Confirming: an order takes the hold over. Nothing is checked again: what is RESERVED is the
 * caller's, and becomes ALLOCATED (or leaves at once).
 *
 * A hold that is over may be confirmed again. Where it was not swept, its stock is still RESERVED:
 * nobody was short of it, so it is simply confirmed. Where it was, the same quantities at the same
 * locations are taken from AVAILABLE, if they are there.
 */
#include <string.h>

#include "book/fulfilment.h"
#include "book/reservation.h"
#include "book/reservation_method.h"
#include "book/ship_day.h"

#define STATUS(name) STOCKBOOK__V1__RESERVATION_STATUS__RESERVATION_STATUS_##name
#define METHOD(name) STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_##name
#define STATE(name) STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_##name
#define REASON(name) STOCKBOOK__V1__REASON__REASON_##name
#define MOVED_BY(name) STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_##name

struct confirming {
	const Stockbook__V1__ConfirmReservationRequest *request;
	const struct reservation_row *row;
	const struct channel_row *channel; /* the order's; NULL: none */
	const char *channel_code;
	enum reservation_step step;
	Stockbook__V1__StockState from_state;
	struct reservation_methods methods;
	struct order_line *lines; /* of the order */
	size_t line_count;
	size_t *line_of;        /* index into them, by the hold's line */
	struct text_index skus; /* of the hold, then others that have prices */
	size_t sku_count;
	size_t *sku_of;  /* number, by the hold's line */
	int64_t *prices; /* by the SKU's number */
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
	bool need = false;
	struct sourcing sourcing;
	sourcing_init(&sourcing, run, confirming->channel, NULL, row->line_sku.count);
	for (size_t i = 0; i < row->line_sku.count; i++) {
		enum verdict verdict = sourcing_check_location(run, confirming->channel, NULL,
			row->line_location.items[i], METHOD(UNSPECIFIED), NULL);
		if (verdict == VERDICT_REFUSED)
			return verdict;
		need = need || verdict == VERDICT_NEED;
		sourcing_add(&sourcing, METHOD(UNSPECIFIED), row->line_sku.items[i],
			row->line_location.items[i], row->line_quantity.items[i], (int32_t)i);
	}
	enum verdict verdict = sourcing_decide(&sourcing, run, false);
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

/* What stands on one line of the order: the SKU, and more only where its ways differ. */
static const char *line_key(struct run *run, const struct confirming *confirming, size_t index)
{
	const char *sku = confirming->row->line_sku.items[index];
	const struct reservation_method *way = &confirming->methods.of[index];
	if (confirming->methods.uniform && way->pickup_location[0] == '\0')
		return sku;
	/* No SKU holds a control character. */
	return arena_printf(run->arena, "%s\n%d\n%s", sku, (int)way->method, way->pickup_location);
}

static void make_lines(struct run *run, struct confirming *confirming)
{
	const struct reservation_row *row = confirming->row;
	size_t most = row->line_sku.count;
	struct text_index keys;
	text_index_init(&keys, run->arena, most);
	/* Each price may name one more, and that may be an alias. */
	text_index_init(&confirming->skus, run->arena, most + 2 * confirming->request->n_prices);
	confirming->lines = arena_alloc_array(run->arena, most, sizeof(*confirming->lines));
	confirming->line_of = arena_alloc_array(run->arena, most, sizeof(size_t));
	confirming->sku_of = arena_alloc_array(run->arena, most, sizeof(size_t));
	confirming->prices = arena_alloc_array(run->arena, most, sizeof(int64_t));
	for (size_t i = 0; i < most; i++) {
		const char *sku = row->line_sku.items[i];
		size_t number = text_index_add(&keys, line_key(run, confirming, i), NULL);
		confirming->line_of[i] = number;
		confirming->sku_of[i] = text_index_add(&confirming->skus, sku, NULL);
		const struct reservation_method *way = &confirming->methods.of[i];
		struct order_line *line = &confirming->lines[number];
		int64_t quantity = row->line_quantity.items[i];
		line->line = (int32_t)number + 1;
		line->sku = sku;
		line->method = way->method;
		line->pickup_location = way->pickup_location;
		line->ordered += quantity;
		struct order_allocation *at = order_line_at(run, line, row->line_location.items[i]);
		*(way->leaves ? &line->fulfilled : &line->allocated) += quantity;
		*(way->leaves ? &at->fulfilled : &at->allocated) += quantity;
	}
	confirming->line_count = keys.count;
	confirming->sku_count = confirming->skus.count;
}

/* False: the hold has nothing of it. */
static bool price_sku(struct confirming *confirming, const char *sku, int64_t minor_units)
{
	size_t number = text_index_add(&confirming->skus, sku, NULL);
	if (number >= confirming->sku_count)
		return false;
	confirming->prices[number] = minor_units;
	return true;
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
	if (verdict != VERDICT_DONE || price_sku(confirming, price->sku, minor_units))
		return verdict;
	const char *sku;
	verdict = resolve_sku(run, price->sku, NULL, ACCESS_PEEK, field, &sku);
	if (verdict == VERDICT_DONE)
		price_sku(confirming, sku, minor_units);
	return verdict;
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
	for (size_t i = 0; i < confirming->row->line_sku.count; i++)
		confirming->lines[confirming->line_of[i]].unit_price =
			confirming->prices[confirming->sku_of[i]];
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

static Stockbook__V1__MovementReason reason_of(const struct reservation_method *way)
{
	if (!way->leaves)
		return MOVED_BY(ALLOCATE);
	return way->method == METHOD(CARRY_OUT) ? MOVED_BY(SALE) : MOVED_BY(SHIP);
}

/* Another channel's quota is not used up by what this one promised: it is given back first. */
static enum verdict change_channel(struct run *run, const struct confirming *confirming,
	size_t index, Stockbook__V1__StockState *from_state)
{
	const struct reservation_row *row = confirming->row;
	if (*from_state != STATE(RESERVED) || strcmp(row->channel, confirming->channel_code) == 0)
		return VERDICT_DONE;
	const char *sku = row->line_sku.items[index];
	const char *location = row->line_location.items[index];
	const struct stock_row *stock;
	enum lookup found = find_stock(run, sku, location, ACCESS_LOCK, &stock);
	if (found == LOOKUP_NEEDED)
		return VERDICT_NEED;
	CHECK(found == LOOKUP_FOUND);
	if (!stock->has_quotas)
		return VERDICT_DONE;
	*from_state = STATE(AVAILABLE);
	return post(run, &(struct posting){
						 .sku = sku,
						 .from_location = location,
						 .from_state = STATE(RESERVED),
						 .to_location = location,
						 .to_state = STATE(AVAILABLE),
						 .quantity = row->line_quantity.items[index],
						 .reason = MOVED_BY(RELEASE),
						 .document_line = (int32_t)confirming->line_of[index] + 1,
						 .channel = row->channel,
					 });
}

static enum verdict post_line(struct run *run, const struct confirming *confirming, size_t index)
{
	const struct reservation_row *row = confirming->row;
	const struct reservation_method *way = &confirming->methods.of[index];
	const char *location = row->line_location.items[index];
	Stockbook__V1__StockState from_state = confirming->from_state;
	enum verdict verdict = change_channel(run, confirming, index, &from_state);
	if (verdict != VERDICT_DONE)
		return verdict;
	struct posting posting = {
		.sku = row->line_sku.items[index],
		.from_location = location,
		.from_state = from_state,
		.to_location = way->leaves ? "" : location,
		.to_state = way->leaves ? STATE(CUSTOMER) : STATE(ALLOCATED),
		.quantity = row->line_quantity.items[index],
		.reason = reason_of(way),
		.document_line = (int32_t)confirming->line_of[index] + 1,
		.channel = confirming->channel_code,
	};
	return way->leaves ? post_leaving(run, &posting) : post(run, &posting);
}

static enum verdict post_all(struct run *run, const struct confirming *confirming)
{
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < confirming->row->line_sku.count; i++) {
		enum verdict posted = post_line(run, confirming, i);
		if (posted == VERDICT_REFUSED)
			return posted;
		if (posted == VERDICT_NEED)
			verdict = posted;
	}
	return verdict;
}

/* What is sent is a parcel of this day for each location. A hold was promised before anybody asked for
 * the day's capacity: it is counted, and never refused for it. */
static enum verdict count_parcels(struct run *run, const struct confirming *confirming)
{
	struct text_index locations;
	text_index_init(&locations, run->arena, confirming->row->line_location.count);
	bool need = false;
	for (size_t i = 0; i < confirming->line_count; i++) {
		const struct order_line *line = &confirming->lines[i];
		for (size_t j = 0; line->method == METHOD(SHIP) && j < line->allocation_count; j++) {
			bool first;
			text_index_add(&locations, line->allocations[j].location, &first);
			need =
				(first && ship_day_add(run, line->allocations[j].location) == VERDICT_NEED) || need;
		}
	}
	return need ? VERDICT_NEED : VERDICT_DONE;
}

/* The movements are the order's: its history begins with where its goods came from. */
static void store(struct run *run, struct confirming *confirming, struct order *order)
{
	const Stockbook__V1__ConfirmReservationRequest *request = confirming->request;
	const struct reservation_row *row = confirming->row;
	order_insert(run,
		&(struct order_draft){
			.part = row->part,
			.channel = confirming->channel_code,
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

/* ---- ConfirmReservation ---- */

/* What stands in the request alone. */
static enum verdict check_request(struct run *run,
	const Stockbook__V1__ConfirmReservationRequest *request)
{
	if (request->method != METHOD(UNSPECIFIED) && request->method != METHOD(SHIP) &&
		request->method != METHOD(CARRY_OUT) && request->method != METHOD(PICKUP) &&
		request->method != METHOD(SHIP_TO_STORE))
		return refuse_field(run, "method", "is not a known method");
	if (request->n_prices > LINES_MAX)
		return refuse_field(run, "prices", "must be at most %d", LINES_MAX);
	if (request->n_lines > LINES_MAX)
		return refuse_field(run, "lines", "must be at most %d", LINES_MAX);
	return VERDICT_DONE;
}

static enum verdict confirm_decide(struct run *run, struct confirming *confirming)
{
	const Stockbook__V1__ConfirmReservationRequest *request = confirming->request;
	enum verdict verdict =
		reservation_open(run, request->reservation_id, request->channel, &confirming->row);
	if (verdict == VERDICT_DONE)
		verdict = decide_step(run, confirming);
	if (verdict != VERDICT_DONE)
		return verdict;
	confirming->channel_code = request->channel[0] ? request->channel : confirming->row->channel;
	enum verdict found =
		require_channel(run, confirming->channel_code, "channel", &confirming->channel);
	enum verdict ways =
		reservation_methods_decide(run, request, confirming->row, &confirming->methods);
	if (found == VERDICT_REFUSED || ways == VERDICT_REFUSED)
		return VERDICT_REFUSED;
	make_lines(run, confirming);
	enum verdict priced = set_prices(run, confirming);
	if (priced == VERDICT_REFUSED)
		return priced;
	if (found == VERDICT_NEED)
		return VERDICT_NEED;
	if (confirming->from_state == STATE(AVAILABLE))
		verdict = hold_again(run, confirming);
	if (verdict == VERDICT_DONE)
		verdict = post_all(run, confirming);
	if (verdict == VERDICT_REFUSED)
		return verdict;
	if (count_parcels(run, confirming) == VERDICT_NEED)
		verdict = VERDICT_NEED;
	return priced == VERDICT_NEED || ways == VERDICT_NEED ? VERDICT_NEED : verdict;
}

enum verdict reservation_confirm(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__ConfirmReservationRequest *request = request_;
	Stockbook__V1__ConfirmReservationResponse *response = response_;
	run->worker = request->worker;
	struct confirming confirming = {.request = request};
	enum verdict verdict = check_request(run, request);
	if (verdict == VERDICT_DONE)
		verdict = confirm_decide(run, &confirming);
	if (verdict != VERDICT_DONE)
		return verdict;
	struct order order;
	store(run, &confirming, &order);
	struct opened opened = {0};
	struct opened_messages messages;
	verdict = order_open_fulfilments(run, &order, confirming.channel, &opened);
	if (verdict == VERDICT_DONE)
		verdict = opened_answer(run, &opened, &messages);
	if (verdict != VERDICT_DONE)
		return verdict;
	OPENED_ANSWER(response, &messages);
	response->reservation = reservation_message(run, confirming.row);
	response->order = order_message(run, &order);
	return VERDICT_DONE;
}
