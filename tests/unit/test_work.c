/* Work: listed by time, claimed by one at a time, walked by shelf; and recounts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/transfer_fixture.h"

#include "book/work.h"
#include "stockbook/v1/item.pb-c.h"
#include "stockbook/v1/stock.pb-c.h"
#include "stockbook/v1/token.pb-c.h"

#define WORK(name) STOCKBOOK__V1__WORK_KIND__WORK_KIND_##name
#define MOVED_BY(name) STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_##name
#define TRANSFERS 5

/* ---- Calls ---- */

/* As many transfers to be sent from LEEDS, each a second after the one before; ids[0] is the oldest. */
static void many_transfers(struct book *book, const char **ids, size_t count)
{
	book_receive(book, "S1", "LEEDS", 100);
	book_receive(book, "S2", "LEEDS", 100);
	for (size_t i = 0; i < count; i++) {
		book->now_us += SECOND_US;
		ids[i] = transfer_ready(book, "LEEDS", "YORK", "S1*2 S2*1")->id;
	}
}

static Stockbook__V1__ClaimWorkRequest *claim_ask(struct book *book, const char *worker,
	int32_t most)
{
	Stockbook__V1__ClaimWorkRequest *request = arena_alloc(&book->arena, sizeof(*request));
	stockbook__v1__claim_work_request__init(request);
	request->location = "LEEDS";
	request->kind = WORK(DISPATCH);
	request->worker = (char *)worker;
	request->most = most;
	return request;
}

static const Stockbook__V1__ClaimWorkResponse *claim(struct book *book, const char *worker,
	int32_t most)
{
	return book_call(book, "WorkService/ClaimWork", claim_ask(book, worker, most));
}

static int32_t release(struct book *book, const char *worker, const char *document_id)
{
	Stockbook__V1__ReleaseWorkRequest request = STOCKBOOK__V1__RELEASE_WORK_REQUEST__INIT;
	char *ids[] = {(char *)document_id};
	request.location = "LEEDS";
	request.worker = (char *)worker;
	request.n_document_ids = document_id ? 1 : 0;
	request.document_ids = ids;
	const Stockbook__V1__ReleaseWorkResponse *response =
		book_call(book, "WorkService/ReleaseWork", &request);
	return response->released;
}

static const Stockbook__V1__ListWorkResponse *list_with(struct book *book,
	Stockbook__V1__ListWorkRequest request)
{
	return book_call(book, "WorkService/ListWork", &request);
}

static Stockbook__V1__ListWorkRequest list_ask(const char *location)
{
	Stockbook__V1__ListWorkRequest request = STOCKBOOK__V1__LIST_WORK_REQUEST__INIT;
	request.location = (char *)location;
	return request;
}

static void set_shelf(struct book *book, const char *location, const char *sku, const char *shelf)
{
	Stockbook__V1__ShelfLine line = STOCKBOOK__V1__SHELF_LINE__INIT;
	Stockbook__V1__ShelfLine *lines[] = {&line};
	Stockbook__V1__SetShelfRequest request = STOCKBOOK__V1__SET_SHELF_REQUEST__INIT;
	line.sku = (char *)sku;
	line.shelf = (char *)shelf;
	request.location = (char *)location;
	request.n_lines = 1;
	request.lines = lines;
	book_call(book, "StockService/SetShelf", &request);
}

static const Stockbook__V1__RecordRecountResponse *recount(struct book *book, const char *sku,
	int64_t on_hand)
{
	Stockbook__V1__RecordRecountRequest request = STOCKBOOK__V1__RECORD_RECOUNT_REQUEST__INIT;
	request.location = "LEEDS";
	request.sku = (char *)sku;
	request.on_hand = on_hand;
	return book_call(book, "WorkService/RecordRecount", &request);
}

static const char *ask_for_recount(struct book *book, const char *sku)
{
	Stockbook__V1__RequestRecountRequest request = STOCKBOOK__V1__REQUEST_RECOUNT_REQUEST__INIT;
	request.location = "LEEDS";
	request.sku = (char *)sku;
	const Stockbook__V1__RequestRecountResponse *response =
		book_call(book, "WorkService/RequestRecount", &request);
	return response->recount_id;
}

static size_t work_count(struct book *book)
{
	size_t count;
	memory_store_rows(book->store, TABLE(work), &count);
	return count;
}

/* ---- Claims ---- */

static void the_most_urgent_work_is_claimed_first(void **state)
{
	struct book *book = *state;
	const char *ids[TRANSFERS];
	many_transfers(book, ids, TRANSFERS);
	const Stockbook__V1__ClaimWorkResponse *response = claim(book, "ann", 2);
	assert_int_equal(response->n_work, 2);
	assert_string_equal(response->work[0]->document_id, ids[0]);
	assert_string_equal(response->work[1]->document_id, ids[1]);
	assert_string_equal(response->work[0]->claimed_by, "ann");
	assert_int_equal(response->work[0]->claimed_until->seconds, book->now_us / SECOND_US + 1800);
	assert_int_equal(response->work[0]->n_lines, 2);
	assert_int_equal(response->n_batch, 2); /* one walk for both */
	assert_string_equal(response->batch[0]->sku, "S1");
	assert_int_equal(response->batch[0]->quantity, 4);
	assert_int_equal(response->batch[1]->quantity, 2);
	response = claim(book, "bob", 0);
	assert_int_equal(response->n_work, 1);
	assert_string_equal(response->work[0]->document_id, ids[2]);
}

static void what_a_worker_has_already_stays_hers_and_comes_first(void **state)
{
	struct book *book = *state;
	const char *ids[TRANSFERS];
	many_transfers(book, ids, TRANSFERS);
	Stockbook__V1__ClaimWorkRequest *request = claim_ask(book, "ann", 1);
	request->n_document_ids = 1;
	request->document_ids = (char *[]){(char *)ids[3]};
	book_call(book, "WorkService/ClaimWork", request);
	const Stockbook__V1__ClaimWorkResponse *response = claim(book, "ann", 2);
	assert_int_equal(response->n_work, 2);
	assert_string_equal(response->work[0]->document_id, ids[3]);
	assert_string_equal(response->work[1]->document_id, ids[0]);
	response = claim(book, "ann", 1); /* she has two */
	assert_int_equal(response->n_work, 2);
}

/* Both in one batch, as two callers at once have it. */
static void two_claimants_at_once_never_get_the_same(void **state)
{
	struct book *book = *state;
	const char *ids[TRANSFERS];
	many_transfers(book, ids, TRANSFERS);
	static const char *const workers[] = {"ann", "bob", "cat"};
	struct store_call calls[ARRAY_COUNT(workers)];
	for (size_t i = 0; i < ARRAY_COUNT(workers); i++)
		calls[i] = (struct store_call){
			.operation = operation_find("WorkService/ClaimWork"),
			.request = claim_ask(book, workers[i], 2),
			.actor = &book->actor,
			.request_id = uuid_make(book->now_us, 0, 1000 + i),
		};
	memory_store_run(book->store, calls, ARRAY_COUNT(calls), ++book->now_us);
	size_t given = 0;
	bool taken[TRANSFERS] = {false};
	for (size_t i = 0; i < ARRAY_COUNT(calls); i++) {
		assert_int_equal(calls[i].verdict, VERDICT_DONE);
		Stockbook__V1__ClaimWorkResponse *response =
			stockbook__v1__claim_work_response__unpack(NULL, calls[i].response.size,
				calls[i].response.data);
		for (size_t w = 0; w < response->n_work; w++)
			for (size_t t = 0; t < TRANSFERS; t++)
				if (strcmp(response->work[w]->document_id, ids[t]) == 0) {
					assert_false(taken[t]);
					taken[t] = true;
					given++;
				}
		stockbook__v1__claim_work_response__free_unpacked(response, NULL);
	}
	assert_int_equal(given, TRANSFERS); /* those lost were replaced by others */
}

static void lanes_that_claim_at_once_wait_for_each_other_and_take_what_is_left(void **state)
{
	struct book *book = *state;
	const char *ids[TRANSFERS];
	many_transfers(book, ids, TRANSFERS);
	struct store_call calls[2];
	const void *requests[] = {claim_ask(book, "ann", 3), claim_ask(book, "bob", 3)};
	/* Each has looked before either has locked. */
	book_race(book, "WorkService/ClaimWork", requests, calls, 2, 2);
	size_t given = 0;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(calls[i].verdict, VERDICT_DONE);
		Stockbook__V1__ClaimWorkResponse *response =
			stockbook__v1__claim_work_response__unpack(NULL, calls[i].response.size,
				calls[i].response.data);
		given += response->n_work;
		stockbook__v1__claim_work_response__free_unpacked(response, NULL);
	}
	assert_int_equal(given, TRANSFERS);
	size_t count;
	const void *const *rows = memory_store_rows(book->store, TABLE(work), &count);
	for (size_t i = 0; i < count; i++)
		assert_string_not_equal(((const struct work_row *)rows[i])->claimed_by, "");
}

static void claimed_work_is_refused_to_others_by_name_and_by_step(void **state)
{
	struct book *book = *state;
	const char *ids[1];
	many_transfers(book, ids, 1);
	claim(book, "ann", 1);
	Stockbook__V1__ClaimWorkRequest *request = claim_ask(book, "bob", 1);
	request->n_document_ids = 1;
	request->document_ids = (char **)ids;
	const struct refusal *refusal =
		book_refusal(book, "WorkService/ClaimWork", request, REASON(WORK_CLAIMED));
	assert_string_equal(refusal_value(refusal, "claimed_by"), "ann");
	assert_string_equal(refusal_value(refusal, "document_id"), ids[0]);
	assert_int_equal(claim(book, "bob", 1)->n_work, 0);

	Stockbook__V1__DispatchTransferRequest *dispatch = dispatch_ask(book, ids[0], "1*1");
	dispatch->worker = "bob";
	book_refusal(book, "TransferService/DispatchTransfer", dispatch, REASON(WORK_CLAIMED));
	dispatch->worker = "";
	book_refusal(book, "TransferService/DispatchTransfer", dispatch, REASON(WORK_CLAIMED));
	dispatch->worker = "ann";
	transfer_call(book, "DispatchTransfer", dispatch);
	/* Half done, it is still hers. */
	refusal = book_refusal(book, "WorkService/ClaimWork", request, REASON(WORK_CLAIMED));
	dispatch->n_lines = 0;
	transfer_call(book, "DispatchTransfer", dispatch);
	book_refusal(book, "WorkService/ClaimWork", request, REASON(WORK_NOT_FOUND));
}

static void who_unpacks_a_transfer_closes_it(void **state)
{
	struct book *book = *state;
	const char *ids[1];
	many_transfers(book, ids, 1);
	dispatch(book, ids[0], "");
	Stockbook__V1__ClaimWorkRequest *claim = claim_ask(book, "yan", 1);
	claim->location = "YORK";
	claim->kind = WORK(RECEIVE);
	book_call(book, "WorkService/ClaimWork", claim);
	book_refusal(book, "TransferService/ReceiveTransfer", receive_ask(book, ids[0], ""),
		REASON(WORK_CLAIMED));
	Stockbook__V1__CloseTransferRequest *close = transfer_step_ask(book, "CloseTransfer", ids[0]);
	close->reason = STOCKBOOK__V1__TRANSFER_LOSS_REASON__TRANSFER_LOSS_REASON_LOST;
	book_refusal(book, "TransferService/CloseTransfer", close, REASON(WORK_CLAIMED));
	close->worker = "yan";
	transfer_call(book, "CloseTransfer", close);
}

/* Who goes home without a word keeps nobody from the work. */
static void abandoned_work_is_free_by_itself(void **state)
{
	struct book *book = *state;
	const char *ids[1];
	many_transfers(book, ids, 1);
	Stockbook__V1__ClaimWorkRequest *request = claim_ask(book, "ann", 1);
	Google__Protobuf__Duration claim_for = GOOGLE__PROTOBUF__DURATION__INIT;
	claim_for.seconds = 60;
	request->claim_for = &claim_for;
	book_call(book, "WorkService/ClaimWork", request);
	book->now_us += 59 * SECOND_US;
	assert_int_equal(claim(book, "bob", 1)->n_work, 0);
	book->now_us += 2 * SECOND_US;
	Stockbook__V1__ListWorkRequest list = list_ask("LEEDS");
	list.unclaimed_only = true;
	assert_int_equal(list_with(book, list)->n_work, 1);
	assert_string_equal(list_with(book, list)->work[0]->claimed_by, "");
	assert_int_equal(claim(book, "bob", 1)->n_work, 1);
	assert_int_equal(claim(book, "ann", 1)->n_work, 0);
}

static void released_work_is_free_at_once(void **state)
{
	struct book *book = *state;
	const char *ids[3];
	many_transfers(book, ids, 3);
	claim(book, "ann", 2);
	assert_int_equal(release(book, "ann", ids[1]), 1);
	assert_int_equal(release(book, "ann", ids[1]), 0);
	const Stockbook__V1__ClaimWorkResponse *response = claim(book, "bob", 1);
	assert_string_equal(response->work[0]->document_id, ids[1]);
	assert_int_equal(release(book, "ann", NULL), 1);
	assert_int_equal(release(book, "ann", NULL), 0);
	Stockbook__V1__ReleaseWorkRequest request = STOCKBOOK__V1__RELEASE_WORK_REQUEST__INIT;
	request.location = "LEEDS";
	request.worker = "ann";
	request.n_document_ids = 1;
	request.document_ids = (char *[]){(char *)ids[1]};
	book_refusal(book, "WorkService/ReleaseWork", &request, REASON(WORK_CLAIMED));
	request.location = "YORK";
	book_refusal(book, "WorkService/ReleaseWork", &request, REASON(WORK_NOT_FOUND));
}

/* ---- Lists ---- */

static void work_is_listed_by_time_in_pages(void **state)
{
	struct book *book = *state;
	const char *ids[TRANSFERS];
	many_transfers(book, ids, TRANSFERS);
	claim(book, "ann", 2);
	Stockbook__V1__ListWorkRequest request = list_ask("LEEDS");
	request.page_size = 2;
	size_t seen = 0;
	do {
		const Stockbook__V1__ListWorkResponse *response = list_with(book, request);
		for (size_t i = 0; i < response->n_work; i++)
			assert_string_equal(response->work[i]->document_id, ids[seen++]);
		request.page_token = response->next_page_token;
	} while (request.page_token[0]);
	assert_int_equal(seen, TRANSFERS);

	/* Pages of what is left by the filter are full, too. */
	request = list_ask("LEEDS");
	request.page_size = 1;
	request.unclaimed_only = true;
	const Stockbook__V1__ListWorkResponse *response = list_with(book, request);
	assert_int_equal(response->n_work, 1);
	assert_string_equal(response->work[0]->document_id, ids[2]);
	request.page_token = response->next_page_token;
	assert_string_equal(list_with(book, request)->work[0]->document_id, ids[3]);

	request = list_ask("LEEDS");
	request.claimed_by = "ann";
	assert_int_equal(list_with(book, request)->n_work, 2);
	request.unclaimed_only = true;
	assert_int_equal(list_with(book, request)->n_work, TRANSFERS);
	request = list_ask("LEEDS");
	request.n_kinds = 1;
	request.kinds = (Stockbook__V1__WorkKind[]){WORK(RECEIVE)};
	assert_int_equal(list_with(book, request)->n_work, 0);
	assert_int_equal(list_with(book, list_ask("YORK"))->n_work, 0);
}

static void overdue_work_is_told(void **state)
{
	struct book *book = *state;
	const char *ids[2];
	many_transfers(book, ids, 2);
	Stockbook__V1__ListWorkRequest request = list_ask("LEEDS");
	request.overdue_only = true;
	assert_int_equal(list_with(book, request)->n_work, 0);
	book->now_us += 86400 * SECOND_US - SECOND_US / 2; /* the first one's day is over */
	const Stockbook__V1__ListWorkResponse *response = list_with(book, request);
	assert_int_equal(response->n_work, 1);
	assert_true(response->work[0]->overdue);
	assert_string_equal(response->work[0]->document_id, ids[0]);
}

static void lines_are_walked_in_the_order_of_the_shelves(void **state)
{
	struct book *book = *state;
	const char *ids[1];
	book_receive(book, "S3", "LEEDS", 5);
	many_transfers(book, ids, 1);
	transfer_ready(book, "LEEDS", "YORK", "S3*3");
	set_shelf(book, "LEEDS", "ALIAS", "B-02");
	set_shelf(book, "LEEDS", "S2", "A-10");
	set_shelf(book, "YORK", "S3", "A-00"); /* elsewhere */
	Stockbook__V1__ListWorkRequest request = list_ask("LEEDS");
	request.with_lines = true;
	const Stockbook__V1__Work *work = list_with(book, request)->work[0];
	assert_int_equal(work->n_lines, 2);
	assert_string_equal(work->lines[0]->sku, "S2");
	assert_string_equal(work->lines[0]->shelf, "A-10");
	assert_int_equal(work->lines[0]->line, 2);
	assert_string_equal(work->lines[1]->shelf, "B-02");
	assert_int_equal(work->lines[1]->quantity, 2);
	assert_int_equal(work->lines[1]->n_aliases, 1);
	assert_string_equal(work->lines[1]->aliases[0], "ALIAS");
	const Stockbook__V1__ClaimWorkResponse *response = claim(book, "ann", 10);
	assert_int_equal(response->n_batch, 3);
	assert_string_equal(response->batch[0]->sku, "S2");
	assert_string_equal(response->batch[1]->sku, "S1");
	assert_string_equal(response->batch[2]->sku, "S3"); /* nobody knows where */
	set_shelf(book, "LEEDS", "S2", "");
	work = list_with(book, request)->work[0];
	assert_string_equal(work->lines[0]->sku, "S1");
	assert_string_equal(work->lines[1]->shelf, "");
}

static void a_sku_is_on_one_shelf_of_a_location(void **state)
{
	struct book *book = *state;
	Stockbook__V1__ShelfLine lines[] = {
		STOCKBOOK__V1__SHELF_LINE__INIT, STOCKBOOK__V1__SHELF_LINE__INIT};
	Stockbook__V1__SetShelfRequest request = STOCKBOOK__V1__SET_SHELF_REQUEST__INIT;
	lines[0].sku = "S1";
	lines[1].sku = "ALIAS";
	request.location = "LEEDS";
	request.n_lines = 2;
	request.lines = (Stockbook__V1__ShelfLine *[]){&lines[0], &lines[1]};
	assert_wrong_field(book_refusal(book, "StockService/SetShelf", &request, REASON(INVALID_FIELD)),
		"lines[1].sku");
	request.n_lines = 1;
	request.location = "MARS";
	book_refusal(book, "StockService/SetShelf", &request, REASON(LOCATION_NOT_FOUND));
}

static void a_location_s_work_is_summarised_by_kind(void **state)
{
	struct book *book = *state;
	const char *ids[3];
	many_transfers(book, ids, 3);
	transfer_call(book, "RequestTransfer", transfer_ask(book, "LEEDS", "YORK", "S1*4"));
	claim(book, "ann", 1);
	book->now_us += 86400 * SECOND_US - SECOND_US / 2; /* two of the three are overdue */
	Stockbook__V1__SummariseWorkRequest request = STOCKBOOK__V1__SUMMARISE_WORK_REQUEST__INIT;
	request.location = "LEEDS";
	const Stockbook__V1__SummariseWorkResponse *response =
		book_call(book, "WorkService/SummariseWork", &request);
	assert_int_equal(response->n_kinds, 2);
	assert_int_equal(response->kinds[0]->kind, WORK(APPROVE));
	assert_int_equal(response->kinds[0]->units, 4);
	const Stockbook__V1__WorkSummary *summary = response->kinds[1];
	assert_int_equal(summary->kind, WORK(DISPATCH));
	assert_int_equal(summary->documents, 3);
	assert_int_equal(summary->units, 9);
	assert_int_equal(summary->overdue, 2);
	assert_int_equal(summary->claimed, 0); /* the claim is over */
	assert_int_equal(summary->oldest_due_time->seconds,
		get_transfer(book, ids[0])->create_time->seconds + 86400);
}

/* ---- Recounts ---- */

static void a_recount_posts_the_difference_and_ends_its_work(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 10);
	const char *id = ask_for_recount(book, "ALIAS");
	assert_string_equal(ask_for_recount(book, "S1"), id); /* one waits already */
	Stockbook__V1__ListWorkRequest list = list_ask("LEEDS");
	list.with_lines = true;
	const Stockbook__V1__ListWorkResponse *work = list_with(book, list);
	assert_int_equal(work->n_work, 1);
	assert_int_equal(work->work[0]->kind, WORK(RECOUNT));
	assert_string_equal(work->work[0]->lines[0]->sku, "S1");
	const Stockbook__V1__RecordRecountResponse *response = recount(book, "S1", 8);
	assert_string_equal(response->recount_id, id);
	assert_int_equal(response->difference, -2);
	assert_stock(book, "S1", "LEEDS", "8 0 0 0 0 0");
	assert_int_equal(movement_back(book, 0)->reason, MOVED_BY(RECOUNT));
	assert_int_equal(work_count(book), 0);
	assert_int_equal(recount(book, "S1", 11)->difference, 3);
	assert_int_equal(recount(book, "S1", 11)->difference, 0);
	assert_int_equal(recount(book, "S2", 1)->difference, 1); /* nobody knew of it */
	assert_stock(book, "S2", "LEEDS", "1 0 0 0 0 0");
}

/* What is promised and not there is a shortage that can be seen. */
static void a_recount_counts_all_states_and_may_open_a_shortage(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 10);
	transfer_ready(book, "LEEDS", "YORK", "S1*6");
	assert_int_equal(recount(book, "S1", 10)->difference, 0);
	assert_int_equal(recount(book, "S1", 5)->difference, -5);
	assert_stock(book, "S1", "LEEDS", "-1 0 6 0 0 0");
}

static void a_claimed_recount_is_its_claimant_s(void **state)
{
	struct book *book = *state;
	ask_for_recount(book, "S1");
	Stockbook__V1__ClaimWorkRequest *claim = claim_ask(book, "ann", 1);
	claim->kind = WORK(RECOUNT);
	const Stockbook__V1__ClaimWorkResponse *claimed =
		book_call(book, "WorkService/ClaimWork", claim);
	assert_int_equal(claimed->n_work, 1);
	Stockbook__V1__RecordRecountRequest request = STOCKBOOK__V1__RECORD_RECOUNT_REQUEST__INIT;
	request.location = "LEEDS";
	request.sku = "S1";
	request.worker = "bob";
	book_refusal(book, "WorkService/RecordRecount", &request, REASON(WORK_CLAIMED));
	request.worker = "ann";
	book_call(book, "WorkService/RecordRecount", &request);
}

static void a_store_s_worker_claims_at_her_own_store(void **state)
{
	struct book *book = *state;
	const char *ids[1];
	many_transfers(book, ids, 1);
	const char *items[] = {"YORK"};
	book->actor.bound = true;
	book->actor.role = STOCKBOOK__V1__ROLE__ROLE_STORE;
	book->actor.locations = (struct text_list){items, 1};
	book_refusal(book, "WorkService/ClaimWork", claim_ask(book, "ann", 1),
		REASON(LOCATION_NOT_ALLOWED));
	Stockbook__V1__RecordRecountRequest request = STOCKBOOK__V1__RECORD_RECOUNT_REQUEST__INIT;
	request.location = "LEEDS";
	request.sku = "S1";
	book_refusal(book, "WorkService/RecordRecount", &request, REASON(LOCATION_NOT_ALLOWED));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, trade_setup, book_teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_most_urgent_work_is_claimed_first),
		TEST(what_a_worker_has_already_stays_hers_and_comes_first),
		TEST(two_claimants_at_once_never_get_the_same),
		TEST(lanes_that_claim_at_once_wait_for_each_other_and_take_what_is_left),
		TEST(claimed_work_is_refused_to_others_by_name_and_by_step),
		TEST(who_unpacks_a_transfer_closes_it),
		TEST(abandoned_work_is_free_by_itself),
		TEST(released_work_is_free_at_once),
		TEST(work_is_listed_by_time_in_pages),
		TEST(overdue_work_is_told),
		TEST(lines_are_walked_in_the_order_of_the_shelves),
		TEST(a_sku_is_on_one_shelf_of_a_location),
		TEST(a_location_s_work_is_summarised_by_kind),
		TEST(a_recount_posts_the_difference_and_ends_its_work),
		TEST(a_recount_counts_all_states_and_may_open_a_shortage),
		TEST(a_claimed_recount_is_its_claimant_s),
		TEST(a_store_s_worker_claims_at_her_own_store),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
