/* Transfers: every step and its inverse, in parts, short, over and broken; transit comes to zero. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/transfer_fixture.h"

#include "book/work.h"
#include "stockbook/v1/token.pb-c.h"

#define STATUS(name) STOCKBOOK__V1__TRANSFER_STATUS__TRANSFER_STATUS_##name
#define MOVED_BY(name) STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_##name
#define LOSS(name) STOCKBOOK__V1__TRANSFER_LOSS_REASON__TRANSFER_LOSS_REASON_##name
#define WORK(name) STOCKBOOK__V1__WORK_KIND__WORK_KIND_##name

/* 5 S1 and 2 S2 ready to be sent from LEEDS to YORK, of 6 and 2. */
static const char *usual_transfer(struct book *book)
{
	book_receive(book, "S1", "LEEDS", 6);
	book_receive(book, "S2", "LEEDS", 2);
	return transfer_ready(book, "LEEDS", "YORK", "S1*5 S2*2")->id;
}

/* Units of the transfer's work of this kind; -1: none is due. */
static int64_t work_of(struct book *book, const char *id, int kind, const char *location)
{
	struct work_row key = {.kind = kind};
	assert_true(uuid_parse(id, &key.document_id));
	key.part = (int32_t)uuid_part(&key.document_id);
	const struct work_row *row = memory_store_find(book->store, TABLE(work), &key);
	if (row)
		assert_string_equal(row->location, location);
	return row ? row->units : -1;
}

static const char *last_note(struct book *book)
{
	size_t count;
	const void *const *changes = memory_store_rows(book->store, TABLE(change), &count);
	return ((const struct change_row *)changes[count - 1])->note;
}

/* ---- The way ---- */

static void a_transfer_goes_from_draft_to_received(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 6);
	const Stockbook__V1__Transfer *transfer =
		transfer_call(book, "RequestTransfer", transfer_ask(book, "LEEDS", "YORK", "ALIAS*5"));
	const char *id = transfer->id;
	assert_int_equal(transfer->status, STATUS(DRAFT));
	assert_string_equal(transfer->lines[0]->sku, "S1");
	assert_transfer(transfer, 1, "5 0 0 0 0 0 0 0 0");
	assert_stock(book, "S1", "LEEDS", "6 0 0 0 0 0");
	assert_int_equal(work_of(book, id, WORK(APPROVE), "LEEDS"), 5);

	transfer = transfer_do(book, "ApproveTransfer", id);
	assert_int_equal(transfer->status, STATUS(READY));
	assert_stock(book, "S1", "LEEDS", "1 0 5 0 0 0");
	assert_int_equal(work_of(book, id, WORK(APPROVE), "LEEDS"), -1);
	assert_int_equal(work_of(book, id, WORK(DISPATCH), "LEEDS"), 5);

	transfer = dispatch(book, id, "");
	assert_int_equal(transfer->status, STATUS(IN_TRANSIT));
	assert_stock(book, "S1", "LEEDS", "1 0 0 0 0 0");
	assert_stock(book, "S1", "YORK", "0 0 0 0 0 0");
	assert_int_equal(in_transit(book, "S1", "YORK"), 5);
	assert_int_equal(work_of(book, id, WORK(DISPATCH), "LEEDS"), -1);
	assert_int_equal(work_of(book, id, WORK(RECEIVE), "YORK"), 5);

	transfer = receive(book, id, "");
	assert_int_equal(transfer->status, STATUS(RECEIVED));
	assert_transfer(transfer, 1, "0 0 0 5 0 0 0 0 0");
	assert_stock(book, "S1", "YORK", "5 0 0 0 0 0");
	assert_int_equal(in_transit(book, "S1", "YORK"), 0);
	assert_int_equal(work_of(book, id, WORK(RECEIVE), "YORK"), -1);
}

static void what_is_dispatched_and_received_in_parts_adds_up(void **state)
{
	struct book *book = *state;
	const char *id = usual_transfer(book);
	const Stockbook__V1__Transfer *transfer = dispatch(book, id, "1*2 1*1");
	assert_int_equal(transfer->status, STATUS(IN_TRANSIT));
	assert_transfer(transfer, 1, "0 2 3 0 0 0 0 0 0");
	assert_int_equal(work_of(book, id, WORK(DISPATCH), "LEEDS"), 4);
	assert_int_equal(work_of(book, id, WORK(RECEIVE), "YORK"), 3);
	transfer = receive(book, id, "1*1");
	assert_int_equal(transfer->status, STATUS(PARTIALLY_RECEIVED));
	transfer = dispatch(book, id, "2*2");
	assert_transfer(transfer, 2, "0 0 2 0 0 0 0 0 0");
	transfer = receive(book, id, "");
	assert_transfer(transfer, 1, "0 2 0 3 0 0 0 0 0");
	assert_int_equal(transfer->status, STATUS(PARTIALLY_RECEIVED));
	dispatch(book, id, "");
	transfer = receive(book, id, "");
	assert_int_equal(transfer->status, STATUS(RECEIVED));
	assert_stock(book, "S1", "YORK", "5 0 0 0 0 0");
	assert_stock(book, "S2", "YORK", "2 0 0 0 0 0");
	assert_stock(book, "S1", "LEEDS", "1 0 0 0 0 0");
}

/* ---- Approving ---- */

static void approving_is_a_promise_that_names_every_short_line(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 6);
	book_receive(book, "S2", "LEEDS", 2);
	set_safety(book, "S1", "LEEDS", 2);
	Stockbook__V1__RequestTransferRequest *request =
		transfer_ask(book, "LEEDS", "YORK", "S1*3 S1*3 S2*3 S3*1");
	request->approve = true;
	const struct refusal *refusal =
		book_refusal(book, "TransferService/RequestTransfer", request, REASON(OUT_OF_STOCK));
	assert_string_equal(refusal_value(refusal, "short_lines"), "3");
	assert_string_equal(refusal_value(refusal, "lines[1].available"), "1");
	assert_string_equal(refusal_value(refusal, "lines[2].available"), "2");
	assert_string_equal(refusal_value(refusal, "lines[3].available"), "0");
	request->allow_partial = true;
	const Stockbook__V1__Transfer *transfer = transfer_call(book, "RequestTransfer", request);
	assert_int_equal(transfer->status, STATUS(READY));
	assert_transfer(transfer, 1, "0 3 0 0 0 0 0 0 0");
	assert_transfer(transfer, 2, "2 1 0 0 0 0 0 0 0");
	assert_transfer(transfer, 4, "1 0 0 0 0 0 0 0 0");
	assert_stock(book, "S1", "LEEDS", "2 0 4 0 0 0");
	/* What was never committed is not sent either. */
	dispatch(book, transfer->id, "");
	transfer = receive(book, transfer->id, "");
	assert_int_equal(transfer->status, STATUS(RECEIVED));
	assert_transfer(transfer, 2, "0 0 0 1 0 0 0 2 0");
}

static void nothing_at_all_is_not_partial(void **state)
{
	struct book *book = *state;
	const char *id =
		transfer_call(book, "RequestTransfer", transfer_ask(book, "LEEDS", "YORK", "S1*1"))->id;
	Stockbook__V1__ApproveTransferRequest *request = transfer_step_ask(book, "ApproveTransfer", id);
	request->allow_partial = true;
	book_refusal(book, "TransferService/ApproveTransfer", request, REASON(OUT_OF_STOCK));
}

static void stepping_back_is_the_inverse_of_approving(void **state)
{
	struct book *book = *state;
	const char *id = usual_transfer(book);
	const Stockbook__V1__Transfer *transfer = transfer_do(book, "StepBackTransfer", id);
	assert_int_equal(transfer->status, STATUS(DRAFT));
	assert_transfer(transfer, 1, "5 0 0 0 0 0 0 0 0");
	assert_stock(book, "S1", "LEEDS", "6 0 0 0 0 0");
	assert_int_equal(work_of(book, id, WORK(APPROVE), "LEEDS"), 7);
	assert_int_equal(work_of(book, id, WORK(DISPATCH), "LEEDS"), -1);
	transfer = transfer_do(book, "ApproveTransfer", id);
	assert_int_equal(transfer->status, STATUS(READY));
	assert_stock(book, "S1", "LEEDS", "1 0 5 0 0 0");
}

static void wrong_requests_name_their_field(void **state)
{
	struct book *book = *state;
	const char *request_name = "TransferService/RequestTransfer";
	assert_wrong_field(book_refusal(book, request_name,
						   transfer_ask(book, "LEEDS", "LEEDS", "S1*1"), REASON(INVALID_FIELD)),
		"destination");
	book_refusal(book, request_name, transfer_ask(book, "LEEDS", "MARS", "S1*1"),
		REASON(LOCATION_NOT_FOUND));
	book_refusal(book, request_name, transfer_ask(book, "LEEDS", "YORK", "S9*1"),
		REASON(ITEM_NOT_FOUND));
	assert_wrong_field(book_refusal(book, request_name, transfer_ask(book, "LEEDS", "YORK", "S1*0"),
						   REASON(INVALID_FIELD)),
		"lines[0].quantity");
	const char *id = usual_transfer(book);
	uint64_t before = book_digest(book);
	assert_wrong_field(book_refusal(book, "TransferService/DispatchTransfer",
						   dispatch_ask(book, id, "1*1 3*1"), REASON(INVALID_FIELD)),
		"lines[1].line");
	assert_wrong_field(book_refusal(book, "TransferService/DispatchTransfer",
						   dispatch_ask(book, id, "1*1-1"), REASON(INVALID_FIELD)),
		"lines[0].reason");
	const struct refusal *refusal = book_refusal(book, "TransferService/DispatchTransfer",
		dispatch_ask(book, id, "1*4-2n 2*3"), REASON(LINE_QUANTITY_EXCEEDED));
	assert_string_equal(refusal_value(refusal, "lines[0].requested"), "6");
	assert_string_equal(refusal_value(refusal, "lines[0].available"), "5");
	assert_string_equal(refusal_value(refusal, "lines[1].sku"), "S2");
	book_refusal(book, "TransferService/DispatchTransfer", dispatch_ask(book, id, "1*0"),
		REASON(LINE_QUANTITY_EXCEEDED));
	book_refusal(book, "TransferService/GetTransfer",
		transfer_step_ask(book, "GetTransfer", "0190b8a0-0000-7001-8000-000000000000"),
		REASON(TRANSFER_NOT_FOUND));
	assert_true(book_digest(book) == before);
}

/* ---- Short at the dispatch ---- */

static void goods_that_are_not_there_are_short_and_recounted(void **state)
{
	struct book *book = *state;
	const char *id = usual_transfer(book);
	const Stockbook__V1__Transfer *transfer = dispatch(book, id, "1*3-2n 2*1-1d");
	assert_int_equal(transfer->status, STATUS(IN_TRANSIT));
	assert_transfer(transfer, 1, "0 0 3 0 0 0 0 2 0");
	assert_transfer(transfer, 2, "0 0 1 0 0 0 0 1 0");
	assert_stock(book, "S1", "LEEDS", "1 0 0 0 0 0");
	assert_stock(book, "S2", "LEEDS", "0 0 0 0 1 0");
	size_t count;
	const void *const *rows = memory_store_rows(book->store, TABLE(work), &count);
	size_t recounts = 0;
	for (size_t i = 0; i < count; i++) {
		const struct work_row *row = rows[i];
		if (row->kind != WORK(RECOUNT))
			continue;
		recounts++;
		assert_string_equal(row->sku, "S1");
		assert_string_equal(row->location, "LEEDS");
	}
	assert_int_equal(recounts, 1);
	assert_int_equal(receive(book, id, "")->status, STATUS(RECEIVED));
}

static void nothing_found_at_all_ends_it_or_leaves_what_is_open(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 2);
	Stockbook__V1__RequestTransferRequest *request = transfer_ask(book, "LEEDS", "YORK", "S1*5");
	request->approve = request->allow_partial = true;
	const char *id = transfer_call(book, "RequestTransfer", request)->id;
	const Stockbook__V1__Transfer *transfer = dispatch(book, id, "1*0-2n");
	assert_int_equal(transfer->status, STATUS(DRAFT));
	assert_transfer(transfer, 1, "3 0 0 0 0 0 0 2 0");
	book_receive(book, "S1", "LEEDS", 3);
	transfer_do(book, "ApproveTransfer", id);
	transfer = dispatch(book, id, "1*0-3d");
	assert_int_equal(transfer->status, STATUS(CANCELLED));
	assert_stock(book, "S1", "LEEDS", "0 0 0 0 3 0");
}

static void what_a_final_dispatch_leaves_is_freed(void **state)
{
	struct book *book = *state;
	const char *id = usual_transfer(book);
	Stockbook__V1__DispatchTransferRequest *request = dispatch_ask(book, id, "1*2");
	request->final = true;
	request->carrier = "van";
	request->tracking = "V1";
	const Stockbook__V1__Transfer *transfer = transfer_call(book, "DispatchTransfer", request);
	assert_transfer(transfer, 1, "0 0 2 0 0 0 0 3 0");
	assert_transfer(transfer, 2, "0 0 0 0 0 0 0 2 0");
	assert_string_equal(transfer->carrier, "van");
	assert_string_equal(transfer->tracking, "V1");
	assert_stock(book, "S1", "LEEDS", "4 0 0 0 0 0");
	assert_stock(book, "S2", "LEEDS", "2 0 0 0 0 0");
	assert_int_equal(work_of(book, id, WORK(DISPATCH), "LEEDS"), -1);
	assert_int_equal(receive(book, id, "")->status, STATUS(RECEIVED));
}

/* A till sold what was to be sent: on hand is never below 0, and the shortage mends. */
static void goods_that_facts_took_are_found_when_they_leave(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 5);
	const char *id = transfer_ready(book, "LEEDS", "YORK", "S1*5")->id;
	place(book, "!S1*2@LEEDS");
	assert_stock(book, "S1", "LEEDS", "-2 0 5 0 0 0");
	dispatch(book, id, "");
	assert_stock(book, "S1", "LEEDS", "0 0 0 0 0 0");
	receive(book, id, "");
	assert_stock(book, "S1", "YORK", "5 0 0 0 0 0");
}

/* ---- What arrives ---- */

/* erpnext#52221: what did not arrive stays in transit until somebody says what became of it. */
static void a_short_receipt_does_not_corrupt_transit(void **state)
{
	struct book *book = *state;
	const char *id = usual_transfer(book);
	dispatch(book, id, "");
	const Stockbook__V1__Transfer *transfer = receive(book, id, "1*3 2*2");
	assert_int_equal(transfer->status, STATUS(PARTIALLY_RECEIVED));
	assert_transfer(transfer, 1, "0 0 2 3 0 0 0 0 0");
	assert_int_equal(in_transit(book, "S1", "YORK"), 2);
	assert_int_equal(in_transit(book, "S2", "YORK"), 0);
	assert_stock(book, "S1", "YORK", "3 0 0 0 0 0");
	Stockbook__V1__CloseTransferRequest *request = transfer_step_ask(book, "CloseTransfer", id);
	request->reason = LOSS(LOST);
	request->note = "one box never came";
	transfer = transfer_call(book, "CloseTransfer", request);
	assert_int_equal(transfer->status, STATUS(CLOSED_SHORT));
	assert_transfer(transfer, 1, "0 0 0 3 0 2 0 0 0");
	assert_int_equal(in_transit(book, "S1", "YORK"), 0);
	assert_stock(book, "S1", "YORK", "3 0 0 0 0 0");
	assert_stock(book, "S1", "LEEDS", "1 0 0 0 0 0");
	assert_int_equal(movement_back(book, 0)->reason, MOVED_BY(TRANSFER_LOSS));
	assert_string_equal(last_note(book), "lost: one box never came");
	assert_int_equal(work_of(book, id, WORK(RECEIVE), "YORK"), -1);
	book_refusal(book, "TransferService/ReceiveTransfer", receive_ask(book, id, "1*2"),
		REASON(WRONG_STATUS));
}

static void miscounted_goods_never_left(void **state)
{
	struct book *book = *state;
	const char *id = usual_transfer(book);
	dispatch(book, id, "");
	receive(book, id, "1*4 2*2");
	Stockbook__V1__CloseTransferRequest *request = transfer_step_ask(book, "CloseTransfer", id);
	request->reason = LOSS(MISCOUNTED);
	const Stockbook__V1__Transfer *transfer = transfer_call(book, "CloseTransfer", request);
	assert_int_equal(transfer->status, STATUS(CLOSED_SHORT));
	assert_transfer(transfer, 1, "0 0 0 4 0 0 1 0 0");
	assert_stock(book, "S1", "LEEDS", "2 0 0 0 0 0");
	assert_int_equal(movement_back(book, 0)->reason, MOVED_BY(TRANSFER_RETURN));
}

static void closing_frees_what_was_not_sent(void **state)
{
	struct book *book = *state;
	const char *id = usual_transfer(book);
	dispatch(book, id, "1*2");
	receive(book, id, "");
	Stockbook__V1__CloseTransferRequest *request = transfer_step_ask(book, "CloseTransfer", id);
	request->reason = LOSS(LOST);
	const Stockbook__V1__Transfer *transfer = transfer_call(book, "CloseTransfer", request);
	assert_int_equal(transfer->status, STATUS(RECEIVED)); /* all that left arrived */
	assert_transfer(transfer, 1, "0 0 0 2 0 0 0 3 0");
	assert_stock(book, "S1", "LEEDS", "4 0 0 0 0 0");
	assert_stock(book, "S2", "LEEDS", "2 0 0 0 0 0");
}

static void more_than_was_sent_is_accepted_found_and_told(void **state)
{
	struct book *book = *state;
	const char *id = usual_transfer(book);
	dispatch(book, id, "1*3");
	const Stockbook__V1__Transfer *transfer = receive(book, id, "1*5-1 2*1");
	assert_transfer(transfer, 1, "0 2 0 3 0 0 0 0 3");
	assert_transfer(transfer, 2, "0 2 0 0 0 0 0 0 1");
	assert_int_equal(transfer->status, STATUS(PARTIALLY_RECEIVED));
	assert_stock(book, "S1", "YORK", "5 0 0 0 1 0");
	assert_stock(book, "S2", "YORK", "1 0 0 0 0 0");
	assert_int_equal(movement_back(book, 0)->reason, MOVED_BY(FOUND));
	assert_int_equal(in_transit(book, "S1", "YORK"), 0);
}

static void what_arrives_broken_is_damaged_and_the_transfer_short(void **state)
{
	struct book *book = *state;
	const char *id = usual_transfer(book);
	dispatch(book, id, "");
	const Stockbook__V1__Transfer *transfer = receive(book, id, "1*3-2 2*2");
	assert_int_equal(transfer->status, STATUS(CLOSED_SHORT));
	assert_transfer(transfer, 1, "0 0 0 3 2 0 0 0 0");
	assert_stock(book, "S1", "YORK", "3 0 0 0 2 0");
	assert_int_equal(in_transit(book, "S1", "YORK"), 0);
}

/* ---- Cancelling ---- */

static void cancelling_before_the_dispatch_is_free(void **state)
{
	struct book *book = *state;
	const char *id = usual_transfer(book);
	const Stockbook__V1__Transfer *transfer = transfer_do(book, "CancelTransfer", id);
	assert_int_equal(transfer->status, STATUS(CANCELLED));
	assert_transfer(transfer, 1, "0 0 0 0 0 0 0 5 0");
	assert_stock(book, "S1", "LEEDS", "6 0 0 0 0 0");
	assert_int_equal(work_of(book, id, WORK(DISPATCH), "LEEDS"), -1);
	id = transfer_call(book, "RequestTransfer", transfer_ask(book, "LEEDS", "YORK", "S1*1"))->id;
	assert_int_equal(transfer_do(book, "CancelTransfer", id)->status, STATUS(CANCELLED));
	assert_int_equal(work_of(book, id, WORK(APPROVE), "LEEDS"), -1);
}

static void cancelled_goods_on_their_way_come_back_to_the_source(void **state)
{
	struct book *book = *state;
	const char *id = usual_transfer(book);
	dispatch(book, id, "1*5 2*1");
	const Stockbook__V1__Transfer *transfer = transfer_do(book, "CancelTransfer", id);
	assert_int_equal(transfer->status, STATUS(CANCELLED));
	assert_transfer(transfer, 1, "0 0 0 0 0 0 5 0 0");
	assert_transfer(transfer, 2, "0 0 0 0 0 0 1 1 0");
	assert_stock(book, "S1", "LEEDS", "6 0 0 0 0 0");
	assert_stock(book, "S2", "LEEDS", "2 0 0 0 0 0");
	assert_int_equal(in_transit(book, "S1", "YORK"), 0);
}

static void cancelled_goods_on_their_way_may_be_written_off(void **state)
{
	struct book *book = *state;
	const char *id = usual_transfer(book);
	dispatch(book, id, "");
	receive(book, id, "1*1");
	Stockbook__V1__CancelTransferRequest *request = transfer_step_ask(book, "CancelTransfer", id);
	request->write_off = true;
	const Stockbook__V1__Transfer *transfer = transfer_call(book, "CancelTransfer", request);
	assert_int_equal(transfer->status, STATUS(CLOSED_SHORT)); /* some of it arrived */
	assert_transfer(transfer, 1, "0 0 0 1 0 4 0 0 0");
	assert_stock(book, "S1", "LEEDS", "1 0 0 0 0 0");
	assert_int_equal(in_transit(book, "S1", "YORK"), 0);
	assert_int_equal(in_transit(book, "S2", "YORK"), 0);
}

/* ---- Who, and what there is ---- */

static void act_at(struct book *book, const char *location)
{
	static const char *items[1];
	items[0] = location;
	book->actor.bound = true;
	book->actor.role = STOCKBOOK__V1__ROLE__ROLE_STORE;
	book->actor.locations = (struct text_list){items, 1};
}

static void each_end_does_its_own_steps(void **state)
{
	struct book *book = *state;
	book_receive(book, "S1", "LEEDS", 6);
	act_at(book, "YORK");
	Stockbook__V1__RequestTransferRequest *request = transfer_ask(book, "LEEDS", "YORK", "S1*5");
	const char *id = transfer_call(book, "RequestTransfer", request)->id;
	request->approve = true;
	book_refusal(book, "TransferService/RequestTransfer", request, REASON(LOCATION_NOT_ALLOWED));
	book_refusal(book, "TransferService/ApproveTransfer",
		transfer_step_ask(book, "ApproveTransfer", id), REASON(LOCATION_NOT_ALLOWED));
	act_at(book, "LEEDS");
	transfer_do(book, "ApproveTransfer", id);
	dispatch(book, id, "1*4");
	book_refusal(book, "TransferService/ReceiveTransfer", receive_ask(book, id, ""),
		REASON(LOCATION_NOT_ALLOWED));
	act_at(book, "HULL");
	book_refusal(book, "TransferService/CancelTransfer",
		transfer_step_ask(book, "CancelTransfer", id), REASON(LOCATION_NOT_ALLOWED));
	book_refusal(book, "TransferService/RequestTransfer",
		transfer_ask(book, "LEEDS", "YORK", "S1*1"), REASON(LOCATION_NOT_ALLOWED));
	act_at(book, "YORK");
	book_refusal(book, "TransferService/DispatchTransfer", dispatch_ask(book, id, ""),
		REASON(LOCATION_NOT_ALLOWED));
	/* They would be AVAILABLE at the source. */
	book_refusal(book, "TransferService/CancelTransfer",
		transfer_step_ask(book, "CancelTransfer", id), REASON(LOCATION_NOT_ALLOWED));
	receive(book, id, "1*1");
	Stockbook__V1__CloseTransferRequest *close = transfer_step_ask(book, "CloseTransfer", id);
	close->reason = LOSS(LOST);
	transfer_call(book, "CloseTransfer", close);
}

static const Stockbook__V1__ListTransfersResponse *list(struct book *book,
	const Stockbook__V1__ListTransfersRequest *request)
{
	return book_call(book, "TransferService/ListTransfers", request);
}

static void transfers_are_listed_by_source_and_destination(void **state)
{
	struct book *book = *state;
	const char *first = usual_transfer(book);
	const char *second =
		transfer_call(book, "RequestTransfer", transfer_ask(book, "LEEDS", "HULL", "S3*1"))->id;
	const char *third =
		transfer_call(book, "RequestTransfer", transfer_ask(book, "HULL", "YORK", "S3*1"))->id;
	Stockbook__V1__ListTransfersRequest request = STOCKBOOK__V1__LIST_TRANSFERS_REQUEST__INIT;
	request.source = "LEEDS";
	request.page_size = 1;
	const Stockbook__V1__ListTransfersResponse *response = list(book, &request);
	assert_int_equal(response->n_transfers, 1);
	assert_string_equal(response->transfers[0]->id, first);
	assert_int_equal(response->transfers[0]->n_lines, 2);
	request.page_token = response->next_page_token;
	response = list(book, &request);
	assert_int_equal(response->n_transfers, 1);
	assert_string_equal(response->transfers[0]->id, second);
	assert_string_equal(response->next_page_token, "");

	transfer_do(book, "CancelTransfer", third);
	request = (Stockbook__V1__ListTransfersRequest)STOCKBOOK__V1__LIST_TRANSFERS_REQUEST__INIT;
	request.destination = "YORK";
	response = list(book, &request); /* all that is not over */
	assert_int_equal(response->n_transfers, 1);
	assert_string_equal(response->transfers[0]->id, first);
	request.status = STATUS(CANCELLED);
	response = list(book, &request);
	assert_int_equal(response->n_transfers, 1);
	assert_string_equal(response->transfers[0]->id, third);
	assert_string_equal(get_transfer(book, third)->destination, "YORK");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, trade_setup, book_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_transfer_goes_from_draft_to_received),
		TEST(what_is_dispatched_and_received_in_parts_adds_up),
		TEST(approving_is_a_promise_that_names_every_short_line),
		TEST(nothing_at_all_is_not_partial),
		TEST(stepping_back_is_the_inverse_of_approving),
		TEST(wrong_requests_name_their_field),
		TEST(goods_that_are_not_there_are_short_and_recounted),
		TEST(nothing_found_at_all_ends_it_or_leaves_what_is_open),
		TEST(what_a_final_dispatch_leaves_is_freed),
		TEST(goods_that_facts_took_are_found_when_they_leave),
		TEST(a_short_receipt_does_not_corrupt_transit),
		TEST(miscounted_goods_never_left),
		TEST(closing_frees_what_was_not_sent),
		TEST(more_than_was_sent_is_accepted_found_and_told),
		TEST(what_arrives_broken_is_damaged_and_the_transfer_short),
		TEST(cancelling_before_the_dispatch_is_free),
		TEST(cancelled_goods_on_their_way_come_back_to_the_source),
		TEST(cancelled_goods_on_their_way_may_be_written_off),
		TEST(each_end_does_its_own_steps),
		TEST(transfers_are_listed_by_source_and_destination),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
