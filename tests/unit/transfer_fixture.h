/*
 * Transfer fixture: the calls of transfers, written as text. Lines to request: "S1*3 S2*1"; lines to
 * send: "1*3 2*1-2n" (line, quantity, short: n not found, d damaged); lines to receive: "1*3 2*1-2"
 * (line, sound, damaged).
 */
#ifndef STOCKBOOK_TESTS_UNIT_TRANSFER_FIXTURE_H
#define STOCKBOOK_TESTS_UNIT_TRANSFER_FIXTURE_H

#include "stockbook/v1/transfer.pb-c.h"
#include "unit/promise_fixture.h"

Stockbook__V1__RequestTransferRequest *transfer_ask(struct book *book, const char *source,
	const char *destination, const char *lines);
Stockbook__V1__DispatchTransferRequest *dispatch_ask(struct book *book, const char *id,
	const char *lines);
Stockbook__V1__ReceiveTransferRequest *receive_ask(struct book *book, const char *id,
	const char *lines);
/* Any request with a transfer_id; "ApproveTransfer". */
void *transfer_step_ask(struct book *book, const char *method, const char *id);

/* ---- Calls that must be done ---- */

const Stockbook__V1__Transfer *transfer_call(struct book *book, const char *method,
	const void *request);
/* Requested, and approved too. */
const Stockbook__V1__Transfer *transfer_ready(struct book *book, const char *source,
	const char *destination, const char *lines);
const Stockbook__V1__Transfer *transfer_do(struct book *book, const char *method, const char *id);
const Stockbook__V1__Transfer *dispatch(struct book *book, const char *id, const char *lines);
const Stockbook__V1__Transfer *receive(struct book *book, const char *id, const char *lines);
const Stockbook__V1__Transfer *get_transfer(struct book *book, const char *id);

/* "open allocated in_transit received damaged lost returned cancelled over". */
void assert_transfer(const Stockbook__V1__Transfer *transfer, size_t line, const char *counters);
int64_t in_transit(struct book *book, const char *sku, const char *location);

#endif
