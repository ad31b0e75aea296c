/* Availability: the computation, sourcing by it, and the two calls that show it. */
#include "book/availability.h"

#include <string.h>

#include "book/ledger.h"
#include "book/stock.h"
#include "book/text_index.h"

#define PAIRS_MAX 100000
#define RECENT_MOVEMENTS_MAX 20

/* ---- The computation ---- */

static void decide_safety_stock(struct availability_terms *terms, const struct item_row *item,
	const struct location_row *location, const struct channel_row *channel)
{
	struct {
		enum safety_source source;
		int64_t quantity;
	} const defaults[] = {
		{SAFETY_STOCK, terms->stock ? terms->stock->safety_stock : COUNT_NONE},
		{SAFETY_ITEM, item ? item->safety_stock : COUNT_NONE},
		{SAFETY_LOCATION, location ? location->safety_stock : COUNT_NONE},
		{SAFETY_CHANNEL, channel ? channel->safety_stock : COUNT_NONE},
	};
	for (size_t i = 0; i < ARRAY_COUNT(defaults); i++) {
		if (defaults[i].quantity == COUNT_NONE)
			continue;
		terms->safety_source = defaults[i].source;
		terms->safety_stock = defaults[i].quantity;
		return;
	}
	terms->safety_source = SAFETY_NONE;
}

static bool is_of_another(const struct quota_row *quota, const struct channel_row *channel)
{
	return !channel || strcmp(quota->channel, channel->code) != 0;
}

enum verdict availability_terms(struct run *run, const char *sku, const char *location_code,
	const struct channel_row *channel, enum access stock_access, struct availability_terms *terms)
{
	*terms = (struct availability_terms){0};
	const struct location_row *location = NULL;
	const struct item_row *item = NULL;
	enum lookup stock_found = find_stock(run, sku, location_code, stock_access, &terms->stock);
	enum lookup location_found = find_location(run, location_code, ACCESS_PEEK, &location);
	enum lookup item_found = LOOKUP_ABSENT;
	/* The item's default is only read where the row has none of its own; while the row is still
	 * to be loaded, both are asked for. */
	if (stock_found != LOOKUP_FOUND || terms->stock->safety_stock == COUNT_NONE)
		item_found = find_item(run, sku, ACCESS_PEEK, &item);
	if (stock_found == LOOKUP_NEEDED || location_found == LOOKUP_NEEDED ||
		item_found == LOOKUP_NEEDED)
		return VERDICT_NEED;

	if (terms->stock && quotas_of(run, terms->stock, &terms->quotas) == VERDICT_NEED)
		return VERDICT_NEED;

	terms->available = terms->stock ? terms->stock->available : 0;
	decide_safety_stock(terms, item, location, channel);
	for (size_t i = 0; i < terms->quotas.count; i++)
		if (is_of_another(terms->quotas.items[i], channel))
			terms->kept_for_others += quota_left(terms->quotas.items[i]);
	terms->disabled = !location || location->disabled;
	int64_t kept = terms->safety_stock + terms->kept_for_others;
	if (!terms->disabled && terms->available > kept)
		terms->available_to_sell = terms->available - kept;
	return VERDICT_DONE;
}

/* ---- Sourcing ---- */

enum verdict require_channel(struct run *run, const char *code, const char *field,
	const struct channel_row **channel)
{
	*channel = NULL;
	if (code[0] == '\0')
		return VERDICT_DONE;
	enum lookup found = find_channel(run, code, ACCESS_PEEK, channel);
	if (found == LOOKUP_NEEDED)
		return VERDICT_NEED;
	if (found == LOOKUP_FOUND)
		return VERDICT_DONE;
	refuse(run, STOCKBOOK__V1__REASON__REASON_CHANNEL_NOT_FOUND, "channel '%s' not found", code);
	refuse_with(run, "channel", "%s", code);
	if (field)
		refuse_with(run, "field", "%s", field);
	return VERDICT_REFUSED;
}

enum verdict require_group(struct run *run, const char *code,
	const struct location_group_row **group)
{
	enum lookup found = find_location_group(run, code, ACCESS_PEEK, group);
	if (found == LOOKUP_NEEDED)
		return VERDICT_NEED;
	if (found == LOOKUP_FOUND)
		return VERDICT_DONE;
	refuse(run, STOCKBOOK__V1__REASON__REASON_LOCATION_GROUP_NOT_FOUND,
		"location group '%s' not found", code);
	refuse_with(run, "location_group", "%s", code);
	return VERDICT_REFUSED;
}

int64_t source_split(const int64_t *available, size_t count, int64_t quantity, bool whole,
	int64_t *shares)
{
	int64_t remainder = quantity;
	for (size_t i = 0; i < count; i++)
		shares[i] = 0;
	for (size_t i = 0; whole && i < count; i++) {
		if (available[i] < quantity)
			continue;
		shares[i] = quantity;
		return 0;
	}
	for (size_t i = 0; i < count && remainder > 0; i++) {
		if (available[i] <= 0)
			continue;
		shares[i] = available[i] < remainder ? available[i] : remainder;
		remainder -= shares[i];
	}
	return remainder;
}

/* ---- GetAvailability ---- */

/* *again: the first that was named before. */
static bool is_named_twice(struct run *run, char *const *codes, size_t count, size_t *again)
{
	bool added = true;
	struct text_index seen;
	if (count < 2)
		return false;
	text_index_init(&seen, run->arena, count);
	for (*again = 0; *again < count; ++*again) {
		text_index_add(&seen, codes[*again], &added);
		if (!added)
			return true;
	}
	return false;
}

static enum verdict check_locations(struct run *run,
	const Stockbook__V1__GetAvailabilityRequest *request)
{
	size_t again;
	if (is_named_twice(run, request->locations, request->n_locations, &again))
		return refuse_field(run, field_path(run->arena, "locations", again, NULL),
			"is named twice");
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < request->n_locations && verdict != VERDICT_REFUSED; i++) {
		const char *code = request->locations[i];
		enum verdict one = check_location(run, code, LOCATION_ANY, false, NULL);
		/* The field's name is only made where it is told. */
		if (one == VERDICT_REFUSED)
			refuse_with(run, "field", "locations[%zu]", i);
		if (one != VERDICT_DONE)
			verdict = one;
	}
	return verdict;
}

/* The locations that the request means, in their order. */
static enum verdict asked_locations(struct run *run,
	const Stockbook__V1__GetAvailabilityRequest *request, const struct channel_row *channel,
	struct text_list *locations)
{
	if (request->n_locations > 0) {
		*locations =
			(struct text_list){(const char *const *)request->locations, request->n_locations};
		return check_locations(run, request);
	}
	const char *code = request->location_group;
	if (code[0] == '\0' && channel)
		code = channel->location_group;
	if (code[0] == '\0')
		return refuse_field(run, "locations",
			"name locations, a location group, or a channel that sources from one");
	const struct location_group_row *group;
	enum verdict verdict = require_group(run, code, &group);
	if (verdict != VERDICT_DONE)
		return verdict;
	*locations = group->locations;
	return VERDICT_DONE;
}

static enum verdict resolve_all(struct run *run,
	const Stockbook__V1__GetAvailabilityRequest *request, const char **skus)
{
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < request->n_skus; i++) {
		enum verdict one = resolve_sku(run, request->skus[i], NULL, ACCESS_PEEK, NULL, &skus[i]);
		if (one == VERDICT_REFUSED) {
			refuse_with(run, "field", "skus[%zu]", i);
			return one;
		}
		if (one == VERDICT_NEED)
			verdict = one;
	}
	return verdict;
}

static Stockbook__V1__LocationAvailability *location_availability(struct run *run,
	const char *location, int64_t available_to_sell)
{
	Stockbook__V1__LocationAvailability *at = arena_alloc(run->arena, sizeof(*at));
	stockbook__v1__location_availability__init(at);
	at->location = arena_string(run->arena, location);
	at->available_to_sell = available_to_sell;
	return at;
}

static enum verdict availability_of(struct run *run, const char *sku,
	const struct text_list *locations, const struct channel_row *channel,
	Stockbook__V1__Availability *availability)
{
	bool need = false;
	availability->sku = arena_string(run->arena, sku);
	availability->locations =
		arena_alloc_array(run->arena, locations->count, sizeof(*availability->locations));
	for (size_t i = 0; i < locations->count; i++) {
		struct availability_terms terms;
		const char *location = locations->items[i];
		if (availability_terms(run, sku, location, channel, ACCESS_PEEK, &terms) == VERDICT_NEED) {
			need = true;
			continue;
		}
		if (!terms.stock)
			continue;
		availability->available_to_sell += terms.available_to_sell;
		availability->locations[availability->n_locations++] =
			location_availability(run, location, terms.available_to_sell);
	}
	return need ? VERDICT_NEED : VERDICT_DONE;
}

static enum verdict get_availability(struct run *run, const void *message, void *answer)
{
	const Stockbook__V1__GetAvailabilityRequest *request = message;
	Stockbook__V1__GetAvailabilityResponse *response = answer;
	const struct channel_row *channel;
	struct text_list locations = {0};
	const char **skus = arena_alloc_array(run->arena, request->n_skus, sizeof(*skus));

	enum verdict verdict = require_channel(run, request->channel, "channel", &channel);
	if (verdict == VERDICT_REFUSED)
		return verdict;
	enum verdict skus_verdict = resolve_all(run, request, skus);
	if (verdict == VERDICT_NEED || skus_verdict == VERDICT_REFUSED)
		return verdict == VERDICT_NEED ? VERDICT_NEED : skus_verdict;
	verdict = asked_locations(run, request, channel, &locations);
	if (verdict != VERDICT_DONE || skus_verdict == VERDICT_NEED)
		return verdict == VERDICT_REFUSED ? verdict : VERDICT_NEED;
	if (request->n_skus * locations.count > PAIRS_MAX)
		return refuse_field(run, "skus", "%zu skus at %zu locations are more than %d",
			request->n_skus, locations.count, PAIRS_MAX);

	response->availabilities =
		arena_alloc_array(run->arena, request->n_skus, sizeof(*response->availabilities));
	bool need = false;
	for (size_t i = 0; i < request->n_skus; i++) {
		Stockbook__V1__Availability *one = arena_alloc(run->arena, sizeof(*one));
		stockbook__v1__availability__init(one);
		response->availabilities[response->n_availabilities++] = one;
		if (availability_of(run, skus[i], &locations, channel, one) == VERDICT_NEED)
			need = true;
	}
	return need ? VERDICT_NEED : VERDICT_DONE;
}

/* ---- ExplainAvailability ---- */

static void add_term(struct run *run, Stockbook__V1__ExplainAvailabilityResponse *response,
	const char *name, int64_t quantity, char *source)
{
	Stockbook__V1__AvailabilityTerm *term = arena_alloc(run->arena, sizeof(*term));
	stockbook__v1__availability_term__init(term);
	term->name = arena_string(run->arena, name);
	term->quantity = quantity;
	term->source = source;
	response->terms[response->n_terms++] = term;
}

static char *safety_source_text(struct run *run, enum safety_source source, const char *sku,
	const char *location, const struct channel_row *channel)
{
	switch (source) {
	case SAFETY_NONE:
		return arena_string(run->arena, "no default");
	case SAFETY_STOCK:
		return arena_printf(run->arena, "sku '%s' at location '%s'", sku, location);
	case SAFETY_ITEM:
		return arena_printf(run->arena, "default of item '%s'", sku);
	case SAFETY_LOCATION:
		return arena_printf(run->arena, "default of location '%s'", location);
	case SAFETY_CHANNEL:
		return arena_printf(run->arena, "default of channel '%s'", channel->code);
	}
	CHECK(!"a source is one of the above");
	return NULL;
}

static void explain_quotas(struct run *run, const struct availability_terms *terms,
	const struct channel_row *channel, Stockbook__V1__ExplainAvailabilityResponse *response)
{
	for (size_t i = 0; i < terms->quotas.count; i++) {
		const struct quota_row *quota = terms->quotas.items[i];
		if (is_of_another(quota, channel) && quota_left(quota) > 0)
			add_term(run, response, "quota", -quota_left(quota),
				arena_printf(run->arena, "channel '%s': %lld of %lld used", quota->channel,
					(long long)quota->used, (long long)quota->quantity));
	}
}

static void explain_terms(struct run *run, const struct availability_terms *terms, const char *sku,
	const char *location, const struct channel_row *channel,
	Stockbook__V1__ExplainAvailabilityResponse *response)
{
	enum { TERMS_MAX = 4 };
	response->terms =
		arena_alloc_array(run->arena, TERMS_MAX + terms->quotas.count, sizeof(*response->terms));
	int64_t free_stock = terms->available > 0 ? terms->available : 0;
	int64_t kept = terms->safety_stock + terms->kept_for_others;
	int64_t promised = free_stock > kept ? free_stock - kept : 0;
	add_term(run, response, "available", free_stock,
		arena_printf(run->arena, "balance of sku '%s' at location '%s'", sku, location));
	if (terms->available < 0)
		add_term(run, response, "shortage", terms->available,
			arena_string(run->arena, "facts took goods that were promised"));
	if (terms->safety_stock > 0)
		add_term(run, response, "safety stock", -terms->safety_stock,
			safety_source_text(run, terms->safety_source, sku, location, channel));
	explain_quotas(run, terms, channel, response);
	if (terms->disabled && promised > 0)
		add_term(run, response, "disabled location", -promised,
			arena_printf(run->arena, "location '%s' is disabled", location));
}

static enum verdict explain_movements(struct run *run, const char *sku, const char *location,
	Stockbook__V1__ExplainAvailabilityResponse *response)
{
	const struct movement_row *recent[RECENT_MOVEMENTS_MAX];
	size_t count;
	if (ledger_recent(run, sku, location, recent, RECENT_MOVEMENTS_MAX, &count) == VERDICT_NEED)
		return VERDICT_NEED;
	bool need = false;
	response->movements = arena_alloc_array(run->arena, count, sizeof(*response->movements));
	for (size_t i = 0; i < count; i++) {
		const struct change_row *change;
		if (ledger_change_of(run, recent[i], &change) == VERDICT_NEED) {
			need = true;
			continue;
		}
		Stockbook__V1__RecentMovement *movement = arena_alloc(run->arena, sizeof(*movement));
		stockbook__v1__recent_movement__init(movement);
		movement->position = make_position(run->arena, recent[i]->part, recent[i]->sequence);
		movement->time = make_timestamp(run->arena, recent[i]->at);
		movement->from_state = (Stockbook__V1__StockState)recent[i]->from_state;
		movement->to_state = (Stockbook__V1__StockState)recent[i]->to_state;
		movement->quantity = recent[i]->quantity;
		movement->reason = (Stockbook__V1__MovementReason)recent[i]->reason;
		movement->document_kind = (Stockbook__V1__DocumentKind)change->document_kind;
		movement->document_id = run_id_text(run, &change->document_id);
		response->movements[response->n_movements++] = movement;
	}
	return need ? VERDICT_NEED : VERDICT_DONE;
}

static enum verdict explain_availability(struct run *run, const void *message, void *answer)
{
	const Stockbook__V1__ExplainAvailabilityRequest *request = message;
	Stockbook__V1__ExplainAvailabilityResponse *response = answer;
	const struct channel_row *channel;
	const char *sku;
	enum verdict verdicts[] = {
		resolve_sku(run, request->sku, NULL, ACCESS_PEEK, "sku", &sku),
		check_location(run, request->location, LOCATION_ANY, false, "location"),
		require_channel(run, request->channel, "channel", &channel),
	};
	for (size_t i = 0; i < ARRAY_COUNT(verdicts); i++)
		if (verdicts[i] == VERDICT_NEED)
			return VERDICT_NEED;
	/* run->refusal is the last one that was made. */
	for (size_t i = 0; i < ARRAY_COUNT(verdicts); i++)
		if (verdicts[i] == VERDICT_REFUSED)
			return VERDICT_REFUSED;

	struct availability_terms terms;
	enum verdict verdict =
		availability_terms(run, sku, request->location, channel, ACCESS_PEEK, &terms);
	if (explain_movements(run, sku, request->location, response) == VERDICT_NEED ||
		verdict == VERDICT_NEED)
		return VERDICT_NEED;
	response->level = make_stock_level(run->arena, sku, request->location, terms.stock);
	explain_terms(run, &terms, sku, request->location, channel, response);
	response->available_to_sell = terms.available_to_sell;
	return VERDICT_DONE;
}

/* clang-format off */
const struct operation availability_operations[] = {
	{
		.name = "StockService/GetAvailability",
		.request = &stockbook__v1__get_availability_request__descriptor,
		.response = &stockbook__v1__get_availability_response__descriptor,
		.run = get_availability,
	},
	{
		.name = "StockService/ExplainAvailability",
		.request = &stockbook__v1__explain_availability_request__descriptor,
		.response = &stockbook__v1__explain_availability_response__descriptor,
		.run = explain_availability,
	},
	{0},
};
/* clang-format on */
