/* Handing a pickup over: codes, which are kept as hashes, and collecting. */
#include "book/fulfilment_step.h"
#include "book/pickup.h"
#include "stockbook/internal/v1/pickup.pb-c.h"

#define STATUS(name) STOCKBOOK__V1__PICKUP_STATUS__PICKUP_STATUS_##name
#define OUTCOME(name) STOCKBOOK__V1__COLLECT_OUTCOME__COLLECT_OUTCOME_##name
#define REASON(name) STOCKBOOK__V1__REASON__REASON_##name
#define KIND_PICKUP STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_PICKUP

/* ---- Codes ---- */

char *pickup_code_set(struct run *run, struct fulfilment_row *row, const ProtobufCBinaryData *hash)
{
	CHECK(hash->len == PICKUP_CODE_HASH_SIZE);
	row->code_hash =
		(struct bytes){arena_copy(workset_arena(run->set), hash->data, hash->len), hash->len};
	row->code_failures = 0;
	char *text = arena_alloc(run->arena, 2 * PICKUP_CODE_HASH_SIZE + 1);
	for (size_t i = 0; i < hash->len; i++) {
		static const char digits[] = "0123456789abcdef";
		text[2 * i] = digits[hash->data[i] >> 4];
		text[2 * i + 1] = digits[hash->data[i] & 15];
	}
	return text;
}

void pickup_code_void(struct fulfilment_row *row)
{
	row->code_hash = (struct bytes){0};
	row->code_failures = 0;
}

static bool code_is_locked(const struct fulfilment_row *row)
{
	return row->code_hash.size == 0 || row->code_failures >= PICKUP_CODE_FAILURES_MAX;
}

/* In a time that does not tell how much of it is right. */
static bool code_is_right(const struct fulfilment_row *row, const ProtobufCBinaryData *hash)
{
	CHECK(row->code_hash.size == PICKUP_CODE_HASH_SIZE && hash->len == PICKUP_CODE_HASH_SIZE);
	volatile uint8_t differs = 0;
	for (size_t i = 0; i < PICKUP_CODE_HASH_SIZE; i++)
		differs = (uint8_t)(differs | (row->code_hash.data[i] ^ hash->data[i]));
	return differs == 0;
}

/* Over by time, though nobody has swept it. */
static enum verdict check_not_over(struct run *run, const struct stepping *stepping)
{
	const struct fulfilment_row *row = stepping->at->row;
	if (!pickup_is_over(run, row))
		return VERDICT_DONE;
	char *id = run_id_text(run, &row->id);
	refuse(run, REASON(WRONG_STATUS), "pickup '%s' is expired: no %s", id,
		machine_step_name(&pickup_machine, stepping->step));
	refuse_with(run, "pickup_id", "%s", id);
	refuse_with(run, "status", "%s", machine_status_name(&pickup_machine, row->status));
	/* Seconds since 1970, as other times in refusals. */
	refuse_with(run, "expired_at", "%lld.%06lld", (long long)(row->collect_by / 1000000),
		(long long)(row->collect_by % 1000000));
	return VERDICT_REFUSED;
}

enum verdict pickup_issue_code(struct run *run, const void *request_, void *response_)
{
	const Stockbook__Internal__V1__IssuePickupCodeRequest *wrapped = request_;
	const Stockbook__V1__IssuePickupCodeRequest *request = wrapped->request;
	Stockbook__V1__IssuePickupCodeResponse *response = response_;
	run->worker = request->worker;
	struct stepping stepping;
	enum verdict verdict =
		stepping_open(run, KIND_PICKUP, request->pickup_id, PICKUP_ISSUE_CODE, false, &stepping);
	if (verdict == VERDICT_DONE)
		verdict = check_not_over(run, &stepping);
	if (verdict != VERDICT_DONE)
		return verdict;
	struct fulfilment_row *row = workset_edit(run->set, stepping.at->row);
	response->code = pickup_code_set(run, row, &wrapped->code_hash);
	verdict = stepping_advance(run, &stepping, STATUS(READY), NULL, NULL);
	return verdict == VERDICT_DONE ? pickup_answer(run, stepping.at, &response->pickup) : verdict;
}

/* ---- Collecting ---- */

/* COLLECTED when the code is right. A wrong one counts. */
static enum verdict try_code(struct run *run, struct stepping *stepping, const char *channel,
	const ProtobufCBinaryData *hash, Stockbook__V1__CollectOutcome *outcome)
{
	const struct fulfilment_row *row = stepping->at->row;
	*outcome = OUTCOME(COLLECTED);
	if (code_is_locked(row)) {
		*outcome = OUTCOME(CODE_LOCKED);
		return VERDICT_DONE;
	}
	if (code_is_right(row, hash))
		return VERDICT_DONE;
	*outcome = OUTCOME(WRONG_CODE);
	struct fulfilment_row *edited = workset_edit(run->set, row);
	edited->code_failures++;
	stepping->step = PICKUP_REFUSE_CODE;
	return stepping_advance(run, stepping, STATUS(READY), channel, NULL);
}

/* What the history says of somebody without a code. */
static const char *identified(struct run *run, const Stockbook__V1__Identification *identification)
{
	if (!identification)
		return "";
	return arena_printf(workset_arena(run->set), "%s (%s)", identification->name,
		identification->shown);
}

static enum verdict hand_over(struct run *run, struct stepping *stepping,
	const Stockbook__V1__CollectPickupRequest *request)
{
	enum verdict verdict = stepping_take(run, stepping, LEG_COLLECT,
		asked_collected(run, request->lines, request->n_lines), request->n_lines);
	if (verdict != VERDICT_DONE)
		return verdict;
	int status = (int)pickup_status_of(stepping->at, true);
	const char *whom = identified(run, request->identification);
	struct fulfilment_row *row = workset_edit(run->set, stepping->at->row);
	if (whom[0])
		row->collected_by = whom;
	if (status != (int)STATUS(READY))
		pickup_code_void(row);
	verdict = stepping_advance(run, stepping, status, request->channel, whom);
	if (verdict == VERDICT_DONE)
		order_follow(run, &stepping->order, ORDER_COLLECT, request->channel, NULL);
	return verdict;
}

enum verdict pickup_collect(struct run *run, const void *request_, void *response_)
{
	const Stockbook__Internal__V1__CollectPickupRequest *wrapped = request_;
	const Stockbook__V1__CollectPickupRequest *request = wrapped->request;
	Stockbook__V1__CollectPickupResponse *response = response_;
	run->worker = request->worker;
	bool by_code = request->code[0] != '\0';
	if (by_code == (request->identification != NULL))
		return refuse_field(run, "code", "give exactly one of code and identification");
	struct stepping stepping;
	const struct channel_row *channel;
	enum verdict known = require_channel(run, request->channel, "channel", &channel);
	enum verdict verdict =
		stepping_open(run, KIND_PICKUP, request->pickup_id, PICKUP_COLLECT, true, &stepping);
	if (known == VERDICT_REFUSED || verdict == VERDICT_REFUSED)
		return VERDICT_REFUSED;
	if (known == VERDICT_NEED || verdict == VERDICT_NEED)
		return VERDICT_NEED;
	verdict = check_not_over(run, &stepping);
	response->outcome = OUTCOME(COLLECTED);
	if (verdict == VERDICT_DONE && by_code)
		verdict =
			try_code(run, &stepping, request->channel, &wrapped->code_hash, &response->outcome);
	if (verdict == VERDICT_DONE && response->outcome == OUTCOME(COLLECTED))
		verdict = hand_over(run, &stepping, request);
	return verdict == VERDICT_DONE ? pickup_answer(run, stepping.at, &response->pickup) : verdict;
}
