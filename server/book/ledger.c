/*
 * Ledger: lists of movements and changes, and on hand at a moment.
 *
 * At a location means from it or to it. Such a list is two scans, one for each side, in one order,
 * merged: a movement within the location is in both and counts once.
 */
#include "book/ledger.h"

#include <string.h>

#include "book/page.h"
#include "stockbook/v1/ledger.pb-c.h"

/* Of a document's movements with further conditions, how many are looked at for one page. */
#define EXAMINED_MAX 4000

/* ---- Scans ---- */

enum { BY_SKU_SKU, BY_SKU_PART, BY_SKU_FROM, BY_SKU_TO, BY_SKU_SINCE, BY_SKU_BEFORE };
enum { AT_PART, AT_FROM, AT_TO, AT_SINCE, AT_BEFORE };
enum { OF_DOCUMENT_ID, OF_DOCUMENT_PART, OF_DOCUMENT_MOVEMENTS };
enum { ON_HAND_SKU, ON_HAND_PART, ON_HAND_LOCATION, ON_HAND_STATE, ON_HAND_BEFORE };

/* clang-format off */
static const struct scan_shape movements_by_sku = {
	.name = "movements_by_sku",
	.table = TABLE(movement),
	.conditions = {
		[BY_SKU_SKU] = {.field = "sku", .operator = SCAN_EQUAL},
		[BY_SKU_PART] = {.field = "part", .operator = SCAN_EQUAL},
		[BY_SKU_FROM] = {.field = "from_location", .operator = SCAN_EQUAL},
		[BY_SKU_TO] = {.field = "to_location", .operator = SCAN_EQUAL},
		[BY_SKU_SINCE] = {.field = "at", .operator = SCAN_GREATER_OR_EQUAL},
		[BY_SKU_BEFORE] = {.field = "at", .operator = SCAN_LESS},
	},
	.order = {"at", "part", "sequence"},
};
static const struct scan_shape movements_latest = {
	.name = "movements_latest",
	.table = TABLE(movement),
	.conditions = {
		[BY_SKU_SKU] = {.field = "sku", .operator = SCAN_EQUAL},
		[BY_SKU_PART] = {.field = "part", .operator = SCAN_EQUAL},
		[BY_SKU_FROM] = {.field = "from_location", .operator = SCAN_EQUAL},
		[BY_SKU_TO] = {.field = "to_location", .operator = SCAN_EQUAL},
	},
	.order = {"at", "part", "sequence"},
	.descending = true,
};
static const struct scan_shape movements_by_location = {
	.name = "movements_by_location",
	.table = TABLE(movement),
	.conditions = {
		[AT_PART] = {.field = "part", .operator = SCAN_EQUAL},
		[AT_FROM] = {.field = "from_location", .operator = SCAN_EQUAL},
		[AT_TO] = {.field = "to_location", .operator = SCAN_EQUAL},
		[AT_SINCE] = {.field = "at", .operator = SCAN_GREATER_OR_EQUAL},
		[AT_BEFORE] = {.field = "at", .operator = SCAN_LESS},
	},
	.order = {"sequence"},
};
/* Only the order of the tokens: the movements are found through the document's changes. */
static const struct scan_shape movements_by_document = {
	.name = "movements_by_document",
	.table = TABLE(movement),
	.order = {"part", "sequence"},
};
static const struct scan_shape changes_by_document = {
	.name = "changes_by_document",
	.table = TABLE(change),
	.conditions = {
		[OF_DOCUMENT_ID] = {.field = "document_id", .operator = SCAN_EQUAL},
		[OF_DOCUMENT_PART] = {.field = "part", .operator = SCAN_EQUAL},
		[OF_DOCUMENT_MOVEMENTS] = {.field = "movements", .operator = SCAN_GREATER_OR_EQUAL},
	},
	.order = {"part", "sequence"},
};
static const struct scan_shape on_hand_in = {
	.name = "on_hand_in",
	.table = TABLE(movement),
	.conditions = {
		[ON_HAND_SKU] = {.field = "sku", .operator = SCAN_EQUAL},
		[ON_HAND_PART] = {.field = "part", .operator = SCAN_EQUAL},
		[ON_HAND_LOCATION] = {.field = "to_location", .operator = SCAN_EQUAL},
		[ON_HAND_STATE] = {.field = "to_state", .operator = SCAN_ANY},
		[ON_HAND_BEFORE] = {.field = "at", .operator = SCAN_LESS},
	},
};
static const struct scan_shape on_hand_out = {
	.name = "on_hand_out",
	.table = TABLE(movement),
	.conditions = {
		[ON_HAND_SKU] = {.field = "sku", .operator = SCAN_EQUAL},
		[ON_HAND_PART] = {.field = "part", .operator = SCAN_EQUAL},
		[ON_HAND_LOCATION] = {.field = "from_location", .operator = SCAN_EQUAL},
		[ON_HAND_STATE] = {.field = "from_state", .operator = SCAN_ANY},
		[ON_HAND_BEFORE] = {.field = "at", .operator = SCAN_LESS},
	},
};
/* clang-format on */

static struct scan_value of_text(const char *text)
{
	return (struct scan_value){.present = true, .text = text};
}

static struct scan_value of_number(int64_t number)
{
	return (struct scan_value){.present = true, .number = number};
}

static struct scan_value of_uuid(const struct uuid *uuid)
{
	return (struct scan_value){.present = true, .uuid = *uuid};
}

static int order_compare(const struct scan_shape *shape, const void *a, const void *b)
{
	for (size_t i = 0; i < SCAN_ORDER_MAX && shape->order[i]; i++) {
		const struct field *field = table_field(shape->table, shape->order[i]);
		int order = field_compare(field->type, row_field(a, field), row_field(b, field));
		if (order)
			return shape->descending ? -order : order;
	}
	return 0;
}

/* The first rows, up to the scan's limit, of two results in one order, each row once. */
static void merge(struct run *run, const struct scan *scan, const struct scan_result *from,
	const struct scan_result *to, struct scan_result *merged)
{
	const void **rows = arena_alloc_array(run->arena, from->count + to->count, sizeof(*rows));
	size_t count = 0;
	size_t f = 0;
	size_t t = 0;
	while (count < (size_t)scan->limit && (f < from->count || t < to->count)) {
		int order = f == from->count ? 1
					: t == to->count ? -1
									 : order_compare(scan->shape, from->rows[f], to->rows[t]);
		rows[count++] = order <= 0 ? from->rows[f] : to->rows[t];
		f += order <= 0;
		t += order >= 0;
	}
	*merged = (struct scan_result){rows, count};
}

/* The scan with the location on either side. NEED or DONE. */
static enum verdict scan_at(struct run *run, const struct scan *scan, const char *location,
	size_t from_condition, size_t to_condition, struct scan_result *merged)
{
	struct scan from_scan = *scan;
	struct scan to_scan = *scan;
	from_scan.values[from_condition] = of_text(location);
	to_scan.values[to_condition] = of_text(location);
	const struct scan_result *from = workset_scan(run->set, &from_scan);
	const struct scan_result *to = workset_scan(run->set, &to_scan);
	if (!from || !to)
		return VERDICT_NEED;
	merge(run, scan, from, to, merged);
	return VERDICT_DONE;
}

/* ---- For other nouns ---- */

enum verdict ledger_recent(struct run *run, const char *sku, const char *location,
	const struct movement_row **recent, size_t most, size_t *count)
{
	struct scan scan = {.shape = &movements_latest, .limit = (int32_t)most};
	scan.values[BY_SKU_SKU] = of_text(sku);
	scan.values[BY_SKU_PART] = of_number(part_of(location, run->limits->parts));
	struct scan_result merged;
	if (scan_at(run, &scan, location, BY_SKU_FROM, BY_SKU_TO, &merged) == VERDICT_NEED)
		return VERDICT_NEED;
	for (size_t i = 0; i < merged.count; i++)
		recent[i] = merged.rows[i];
	*count = merged.count;
	return VERDICT_DONE;
}

enum verdict ledger_change_of(struct run *run, const struct movement_row *movement,
	const struct change_row **change)
{
	struct change_row key = {.part = movement->part, .sequence = movement->change_sequence};
	enum lookup found =
		workset_find(run->set, TABLE(change), &key, ACCESS_PEEK, (const void **)change);
	CHECK(found != LOOKUP_ABSENT); /* a change is stored with its movements */
	return found == LOOKUP_NEEDED ? VERDICT_NEED : VERDICT_DONE;
}

Stockbook__V1__Position *make_position(struct arena *arena, int32_t part, int64_t sequence)
{
	Stockbook__V1__Position *position = arena_alloc(arena, sizeof(*position));
	stockbook__v1__position__init(position);
	position->parts = arena_alloc_array(arena, 1, sizeof(*position->parts));
	position->parts[0] = arena_alloc(arena, sizeof(*position->parts[0]));
	stockbook__v1__part_sequence__init(position->parts[0]);
	position->parts[0]->part = part;
	position->parts[0]->sequence = sequence;
	position->n_parts = 1;
	return position;
}

/* ---- Times ---- */

/* Microseconds since 1970 within what a Timestamp may be, rounded down or up. */
static int64_t time_us(const Google__Protobuf__Timestamp *time, bool up)
{
	static const int64_t year_1 = INT64_C(-62135596800);
	static const int64_t year_9999_end = INT64_C(253402300799);
	int64_t seconds = time->seconds;
	if (seconds < year_1)
		seconds = year_1;
	if (seconds > year_9999_end)
		seconds = year_9999_end;
	return seconds * 1000000 + (time->nanos + (up ? 999 : 0)) / 1000;
}

/* "From" and "before" conditions. Nothing in the book is from before 1970, and 0 stands for no
 * time: such bounds are left out or made the first microsecond. */
static void set_time_bounds(const Stockbook__V1__ListMovementsRequest *request,
	struct scan_value *since, struct scan_value *before)
{
	if (request->from_time && time_us(request->from_time, true) > 0)
		*since = of_number(time_us(request->from_time, true));
	if (request->to_time) {
		int64_t before_us = time_us(request->to_time, true);
		*before = of_number(before_us > 0 ? before_us : 1);
	}
}

/* ---- ListMovements ---- */

/* The request, with what it names looked up. */
struct movements_asked {
	const Stockbook__V1__ListMovementsRequest *request;
	const char *sku;      /* resolved; NULL: any */
	const char *location; /* NULL: any */
	struct uuid document_id;
	struct scan_value since;
	struct scan_value before;
};

Stockbook__V1__Movement *make_movement(struct arena *arena, const struct movement_row *row,
	const struct change_row *change)
{
	Stockbook__V1__Movement *movement = arena_alloc(arena, sizeof(*movement));
	stockbook__v1__movement__init(movement);
	movement->part = row->part;
	movement->sequence = row->sequence;
	movement->time = make_timestamp(arena, row->at);
	movement->sku = arena_string(arena, row->sku);
	movement->from_location = arena_string(arena, row->from_location);
	movement->from_state = (Stockbook__V1__StockState)row->from_state;
	movement->to_location = arena_string(arena, row->to_location);
	movement->to_state = (Stockbook__V1__StockState)row->to_state;
	movement->quantity = row->quantity;
	movement->reason = (Stockbook__V1__MovementReason)row->reason;
	movement->document_kind = (Stockbook__V1__DocumentKind)change->document_kind;
	movement->document_id = id_text(arena, &change->document_id);
	movement->document_line = row->document_line;
	movement->channel = arena_string(arena, change->channel);
	movement->actor = arena_string(arena, change->actor);
	movement->request_id = id_text(arena, &change->request_id);
	return movement;
}

/* Each with its change, all asked for before it returns NEED. */
static enum verdict answer_movements(struct run *run, const void *const *rows, size_t count,
	Stockbook__V1__ListMovementsResponse *response)
{
	bool need = false;
	response->movements = arena_alloc_array(run->arena, count, sizeof(*response->movements));
	for (size_t i = 0; i < count; i++) {
		const struct change_row *change;
		if (ledger_change_of(run, rows[i], &change) == VERDICT_NEED)
			need = true;
		else
			response->movements[response->n_movements++] =
				make_movement(run->arena, rows[i], change);
	}
	return need ? VERDICT_NEED : VERDICT_DONE;
}

static enum verdict answer_page(struct run *run, const struct page *page, const struct scan *scan,
	const struct scan_result *result, Stockbook__V1__ListMovementsResponse *response)
{
	size_t count = page_count(page, result);
	response->next_page_token = page_next(run, page, scan, result, count);
	return answer_movements(run, result->rows, count, response);
}

static enum verdict list_by_sku(struct run *run, const struct movements_asked *asked,
	Stockbook__V1__ListMovementsResponse *response)
{
	struct scan scan = {.shape = &movements_by_sku};
	scan.values[BY_SKU_SKU] = of_text(asked->sku);
	scan.values[BY_SKU_SINCE] = asked->since;
	scan.values[BY_SKU_BEFORE] = asked->before;
	struct page page;
	enum verdict verdict = page_open(run, asked->request, &scan, &page);
	if (verdict != VERDICT_DONE)
		return verdict;
	if (!asked->location) {
		const struct scan_result *result = workset_scan(run->set, &scan);
		return result ? answer_page(run, &page, &scan, result, response) : VERDICT_NEED;
	}
	scan.values[BY_SKU_PART] = of_number(part_of(asked->location, run->limits->parts));
	struct scan_result merged;
	verdict = scan_at(run, &scan, asked->location, BY_SKU_FROM, BY_SKU_TO, &merged);
	return verdict == VERDICT_DONE ? answer_page(run, &page, &scan, &merged, response) : verdict;
}

static enum verdict list_by_location(struct run *run, const struct movements_asked *asked,
	Stockbook__V1__ListMovementsResponse *response)
{
	struct scan scan = {.shape = &movements_by_location};
	scan.values[AT_PART] = of_number(part_of(asked->location, run->limits->parts));
	scan.values[AT_SINCE] = asked->since;
	scan.values[AT_BEFORE] = asked->before;
	struct page page;
	enum verdict verdict = page_open(run, asked->request, &scan, &page);
	if (verdict != VERDICT_DONE)
		return verdict;
	struct scan_result merged;
	verdict = scan_at(run, &scan, asked->location, AT_FROM, AT_TO, &merged);
	return verdict == VERDICT_DONE ? answer_page(run, &page, &scan, &merged, response) : verdict;
}

static bool movement_is_asked(const struct movements_asked *asked, const struct movement_row *row)
{
	if (asked->sku && strcmp(row->sku, asked->sku) != 0)
		return false;
	if (asked->location && strcmp(row->from_location, asked->location) != 0 &&
		strcmp(row->to_location, asked->location) != 0)
		return false;
	if (asked->since.present && row->at < asked->since.number)
		return false;
	return !asked->before.present || row->at < asked->before.number;
}

/* A walk over the movements of a document's changes. */
struct document_walk {
	const void **rows; /* those asked for */
	size_t count;
	size_t count_max;
	size_t examined;
	size_t examined_max;
	const struct movement_row *last; /* that was looked at */
	bool need;
	bool more;
};

/* The movements of one change; false when the page is full. */
static bool walk_change(struct run *run, const struct movements_asked *asked,
	const struct scan *scan, const struct change_row *change, struct document_walk *walk)
{
	int64_t sequence = change->sequence - change->movements;
	/* The page may begin within a change. */
	if (scan->has_after && scan->after[0].number == change->part &&
		scan->after[1].number >= sequence)
		sequence = scan->after[1].number + 1;
	for (; sequence < change->sequence; sequence++) {
		if (walk->count == walk->count_max || walk->examined == walk->examined_max) {
			walk->more = true;
			return false;
		}
		struct movement_row key = {.part = change->part, .sequence = sequence};
		const struct movement_row *row;
		walk->examined++;
		enum lookup found =
			workset_find(run->set, TABLE(movement), &key, ACCESS_PEEK, (const void **)&row);
		CHECK(found != LOOKUP_ABSENT);
		if (found == LOOKUP_NEEDED) {
			walk->need = true;
			continue;
		}
		walk->last = row;
		if (movement_is_asked(asked, row))
			walk->rows[walk->count++] = row;
	}
	return true;
}

static enum verdict list_by_document(struct run *run, const struct movements_asked *asked,
	Stockbook__V1__ListMovementsResponse *response)
{
	struct scan scan = {.shape = &changes_by_document};
	scan.values[OF_DOCUMENT_ID] = of_uuid(&asked->document_id);
	scan.values[OF_DOCUMENT_MOVEMENTS] = of_number(1);
	struct page page;
	enum verdict verdict = page_open(run, asked->request, &scan, &page);
	if (verdict != VERDICT_DONE)
		return verdict;
	/* Of the first change there may be nothing left, each other one has a movement: so many that
	 * what follows the page is known. */
	scan.limit = page.size + 2;
	const struct scan_result *changes = workset_scan(run->set, &scan);
	if (!changes)
		return VERDICT_NEED;

	bool filtered = asked->sku || asked->location || asked->since.present || asked->before.present;
	struct document_walk walk = {
		.rows = arena_alloc_array(run->arena, (size_t)page.size, sizeof(*walk.rows)),
		.count_max = (size_t)page.size,
		.examined_max = filtered ? EXAMINED_MAX : (size_t)page.size,
	};
	for (size_t i = 0; i < changes->count; i++)
		if (!walk_change(run, asked, &scan, changes->rows[i], &walk))
			break;
	if (walk.need)
		return VERDICT_NEED;
	if (walk.more || changes->count == (size_t)scan.limit)
		response->next_page_token = page_token_after(run, &page, &movements_by_document, walk.last);
	return answer_movements(run, walk.rows, walk.count, response);
}

/* DONE when everything that the request names is known. */
static enum verdict look_up_asked(struct run *run, struct movements_asked *asked)
{
	const Stockbook__V1__ListMovementsRequest *request = asked->request;
	enum verdict sku_verdict = VERDICT_DONE;
	enum verdict location_verdict = VERDICT_DONE;
	if (request->document_id[0] != '\0' && !uuid_parse(request->document_id, &asked->document_id))
		return refuse_field(run, "document_id", "must be a uuid");
	if (request->location[0] != '\0') {
		asked->location = request->location;
		location_verdict = check_location(run, request->location, LOCATION_ANY, false, "location");
	}
	if (location_verdict == VERDICT_REFUSED)
		return location_verdict;
	if (request->sku[0] != '\0')
		sku_verdict = resolve_sku(run, request->sku, NULL, ACCESS_PEEK, "sku", &asked->sku);
	set_time_bounds(request, &asked->since, &asked->before);
	return location_verdict == VERDICT_NEED ? VERDICT_NEED : sku_verdict;
}

static enum verdict list_movements(struct run *run, const void *message, void *answer)
{
	struct movements_asked asked = {.request = message};
	enum verdict verdict = look_up_asked(run, &asked);
	if (verdict != VERDICT_DONE)
		return verdict;
	if (!uuid_is_nil(&asked.document_id))
		return list_by_document(run, &asked, answer);
	if (asked.sku)
		return list_by_sku(run, &asked, answer);
	if (asked.location)
		return list_by_location(run, &asked, answer);
	return refuse_field(run, "sku", "name a sku, a location or a document");
}

/* ---- ListChanges ---- */

Stockbook__V1__Change *make_change(struct arena *arena, const struct change_row *row)
{
	Stockbook__V1__Change *change = arena_alloc(arena, sizeof(*change));
	stockbook__v1__change__init(change);
	change->part = row->part;
	change->sequence = row->sequence;
	change->time = make_timestamp(arena, row->at);
	change->document_kind = (Stockbook__V1__DocumentKind)row->document_kind;
	change->document_id = id_text(arena, &row->document_id);
	change->document_code = arena_string(arena, row->document_code);
	change->step = arena_string(arena, row->step);
	change->status_before = arena_string(arena, row->status_before);
	change->status_after = arena_string(arena, row->status_after);
	change->channel = arena_string(arena, row->channel);
	change->actor = arena_string(arena, row->actor);
	change->request_id = id_text(arena, &row->request_id);
	change->note = arena_string(arena, row->note);
	change->movements = row->movements;
	return change;
}

static void *list_change(struct run *run, const void *row)
{
	return make_change(run->arena, row);
}

/* A step is noted in every part that it moved stock in; the document's own part has them all. */
static enum verdict list_changes(struct run *run, const void *message, void *response)
{
	const Stockbook__V1__ListChangesRequest *request = message;
	struct uuid document_id;
	if (!uuid_parse(request->document_id, &document_id))
		return refuse_field(run, "document_id", "must be a uuid");
	struct scan scan = {.shape = &changes_by_document};
	scan.values[OF_DOCUMENT_ID] = of_uuid(&document_id);
	scan.values[OF_DOCUMENT_PART] = of_number(uuid_part(&document_id));
	return page_list(run, message, &scan, list_change, response);
}

/* ---- GetOnHandAt ---- */

static enum verdict get_on_hand_at(struct run *run, const void *message, void *answer)
{
	/* The states that count as on hand: all at a location but IN_TRANSIT. */
	static const int64_t states[] = {1, 2, 3, 4, 5, 6, 7};
	const Stockbook__V1__GetOnHandAtRequest *request = message;
	Stockbook__V1__GetOnHandAtResponse *response = answer;
	if (!request->time)
		return refuse_field(run, "time", "is needed");
	const char *sku;
	enum verdict location = check_location(run, request->location, LOCATION_ANY, false, "location");
	if (location == VERDICT_REFUSED)
		return location;
	enum verdict resolved = resolve_sku(run, request->sku, NULL, ACCESS_PEEK, "sku", &sku);
	if (location == VERDICT_NEED || resolved != VERDICT_DONE)
		return location == VERDICT_NEED ? VERDICT_NEED : resolved;

	/* At that microsecond is still at that moment. */
	int64_t before_us = time_us(request->time, false) + 1;
	struct scan scan = {.shape = &on_hand_in, .limit = 1};
	scan.values[ON_HAND_SKU] = of_text(sku);
	scan.values[ON_HAND_PART] = of_number(part_of(request->location, run->limits->parts));
	scan.values[ON_HAND_LOCATION] = of_text(request->location);
	scan.values[ON_HAND_STATE] =
		(struct scan_value){.present = true, .counts = {states, ARRAY_COUNT(states)}};
	scan.values[ON_HAND_BEFORE] = of_number(before_us > 0 ? before_us : 1);
	int64_t in = 0;
	int64_t out = 0;
	bool in_known = workset_sum(run->set, &scan, "quantity", &in);
	scan.shape = &on_hand_out;
	bool out_known = workset_sum(run->set, &scan, "quantity", &out);
	if (!in_known || !out_known)
		return VERDICT_NEED;
	response->sku = arena_string(run->arena, sku);
	response->location = arena_string(run->arena, request->location);
	response->on_hand = in - out;
	return VERDICT_DONE;
}

/* clang-format off */
const struct operation ledger_operations[] = {
	{
		.name = "LedgerService/ListMovements",
		.request = &stockbook__v1__list_movements_request__descriptor,
		.response = &stockbook__v1__list_movements_response__descriptor,
		.run = list_movements,
	},
	{
		.name = "LedgerService/ListChanges",
		.request = &stockbook__v1__list_changes_request__descriptor,
		.response = &stockbook__v1__list_changes_response__descriptor,
		.run = list_changes,
	},
	{
		.name = "LedgerService/GetOnHandAt",
		.request = &stockbook__v1__get_on_hand_at_request__descriptor,
		.response = &stockbook__v1__get_on_hand_at_response__descriptor,
		.run = get_on_hand_at,
	},
	{0},
};
/* clang-format on */
