/* Recounts of one SKU at one location: asked for by short picks and by people, and done. */
#include "book/work.h"

#define STATE(name) STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_##name

static void note(struct run *run, const struct uuid *id, const char *step, const char *location,
	const char *text)
{
	note_change(run, &(struct step){
						 .kind = STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_RECOUNT,
						 .part = (int32_t)uuid_part(id),
						 .document_id = *id,
						 .step = step,
						 .location = location,
						 .note = text,
					 });
}

/* ---- RequestRecount ---- */

enum verdict work_request_recount(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__RequestRecountRequest *request = request_;
	Stockbook__V1__RequestRecountResponse *response = response_;
	run->worker = request->worker;
	const char *sku;
	enum verdict location = check_location(run, request->location, LOCATION_ANY, true, "location");
	if (location == VERDICT_REFUSED)
		return location;
	enum verdict verdict = resolve_sku(run, request->sku, NULL, ACCESS_PEEK, "sku", &sku);
	if (verdict == VERDICT_REFUSED)
		return verdict;
	if (location == VERDICT_NEED || verdict == VERDICT_NEED)
		return VERDICT_NEED;
	struct uuid id;
	bool made;
	verdict = work_recount_find(run, sku, request->location, &id, &made);
	if (verdict != VERDICT_DONE)
		return verdict;
	if (made)
		note(run, &id, "request", request->location, request->note);
	response->recount_id = run_id_text(run, &id);
	return VERDICT_DONE;
}

/* ---- RecordRecount ---- */

/* The recounts that wait end with it; *id is the first one's, or a new one. */
static enum verdict end_recounts(struct run *run, const char *sku, const char *location,
	struct uuid *id)
{
	const struct work_row **rows;
	size_t count;
	enum verdict verdict = work_recounts(run, sku, location, &rows, &count);
	if (verdict != VERDICT_DONE)
		return verdict;
	for (size_t i = 0; i < count; i++) {
		verdict = work_check_claim(run, rows[i]->part, &rows[i]->document_id,
			(Stockbook__V1__WorkKind)rows[i]->kind);
		if (verdict != VERDICT_DONE)
			return verdict;
	}
	*id = count > 0 ? rows[0]->document_id : run_new_id(run, part_of(location, run->limits->parts));
	for (size_t i = 0; i < count; i++)
		workset_delete(run->set, rows[i]);
	return VERDICT_DONE;
}

/* A fact, as absolute figures from elsewhere are: at this moment. AVAILABLE may fall below 0 where
 * what is missing was promised: a shortage. */
static enum verdict post_difference(struct run *run, const char *sku, const char *location,
	int64_t difference)
{
	bool more = difference > 0;
	return post(run, &(struct posting){
						 .sku = sku,
						 .from_location = more ? "" : location,
						 .from_state = more ? STATE(LOSS) : STATE(AVAILABLE),
						 .to_location = more ? location : "",
						 .to_state = more ? STATE(AVAILABLE) : STATE(LOSS),
						 .quantity = more ? difference : -difference,
						 .reason = STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_RECOUNT,
					 });
}

enum verdict work_record_recount(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__RecordRecountRequest *request = request_;
	Stockbook__V1__RecordRecountResponse *response = response_;
	run->worker = request->worker;
	if (request->on_hand < 0 || request->on_hand > QUANTITY_MAX)
		return refuse_field(run, "on_hand", "must be from 0 to %lld", (long long)QUANTITY_MAX);
	const char *sku;
	enum verdict location = check_location(run, request->location, LOCATION_ANY, true, "location");
	if (location == VERDICT_REFUSED)
		return location;
	enum verdict verdict =
		resolve_sku(run, request->sku, request->location, ACCESS_LOCK, "sku", &sku);
	if (verdict == VERDICT_REFUSED)
		return verdict;
	if (location == VERDICT_NEED || verdict == VERDICT_NEED)
		return VERDICT_NEED;
	const struct stock_row *stock = NULL;
	enum lookup found = find_stock(run, sku, request->location, ACCESS_LOCK, &stock);
	struct uuid id;
	verdict = end_recounts(run, sku, request->location, &id);
	if (verdict == VERDICT_REFUSED)
		return verdict;
	if (found == LOOKUP_NEEDED || verdict == VERDICT_NEED)
		return VERDICT_NEED;
	int64_t difference = request->on_hand - (stock ? stock_on_hand(stock) : 0);
	if (difference != 0)
		verdict = post_difference(run, sku, request->location, difference);
	if (verdict != VERDICT_DONE)
		return verdict;
	note(run, &id, "record", request->location, request->note);
	response->recount_id = run_id_text(run, &id);
	response->difference = difference;
	return VERDICT_DONE;
}
