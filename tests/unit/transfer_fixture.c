#include "unit/transfer_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_LINES_MAX 16

/* The lines of a text, each made by `make`. */
static void **lines_of(struct book *book, const char *text, size_t *count,
	void *(*make)(struct book *book, const char *word))
{
	void **lines = arena_alloc_array(&book->arena, TEXT_LINES_MAX, sizeof(*lines));
	*count = 0;
	char *copy = arena_string(&book->arena, text);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
		assert_true(*count < TEXT_LINES_MAX);
		lines[(*count)++] = make(book, word);
	}
	return lines;
}

static void *requested_line(struct book *book, const char *word)
{
	Stockbook__V1__RequestTransferLine *line = arena_alloc(&book->arena, sizeof(*line));
	stockbook__v1__request_transfer_line__init(line);
	const char *star = strchr(word, '*');
	assert_non_null(star);
	line->sku = arena_string_sized(&book->arena, word, (size_t)(star - word));
	line->quantity = atoll(star + 1);
	return line;
}

static void *dispatched_line(struct book *book, const char *word)
{
	Stockbook__V1__DispatchedLine *line = arena_alloc(&book->arena, sizeof(*line));
	stockbook__v1__dispatched_line__init(line);
	long long quantity = 0, missing = 0;
	char why = 0;
	int fields = sscanf(word, "%d*%lld-%lld%c", &line->line, &quantity, &missing, &why);
	assert_true(fields >= 2);
	line->quantity = quantity;
	line->short_ = missing;
	if (why == 'n')
		line->reason = STOCKBOOK__V1__SHORT_REASON__SHORT_REASON_NOT_FOUND;
	else if (why == 'd')
		line->reason = STOCKBOOK__V1__SHORT_REASON__SHORT_REASON_DAMAGED;
	return line;
}

static void *received_line(struct book *book, const char *word)
{
	Stockbook__V1__ReceivedLine *line = arena_alloc(&book->arena, sizeof(*line));
	stockbook__v1__received_line__init(line);
	long long received = 0, damaged = 0;
	assert_true(sscanf(word, "%d*%lld-%lld", &line->line, &received, &damaged) >= 2);
	line->received = received;
	line->damaged = damaged;
	return line;
}

Stockbook__V1__RequestTransferRequest *transfer_ask(struct book *book, const char *source,
	const char *destination, const char *lines)
{
	Stockbook__V1__RequestTransferRequest *request = arena_alloc(&book->arena, sizeof(*request));
	stockbook__v1__request_transfer_request__init(request);
	request->source = (char *)source;
	request->destination = (char *)destination;
	request->lines = (Stockbook__V1__RequestTransferLine **)lines_of(book, lines, &request->n_lines,
		requested_line);
	return request;
}

Stockbook__V1__DispatchTransferRequest *dispatch_ask(struct book *book, const char *id,
	const char *lines)
{
	Stockbook__V1__DispatchTransferRequest *request =
		transfer_step_ask(book, "DispatchTransfer", id);
	request->lines =
		(Stockbook__V1__DispatchedLine **)lines_of(book, lines, &request->n_lines, dispatched_line);
	return request;
}

Stockbook__V1__ReceiveTransferRequest *receive_ask(struct book *book, const char *id,
	const char *lines)
{
	Stockbook__V1__ReceiveTransferRequest *request = transfer_step_ask(book, "ReceiveTransfer", id);
	request->lines =
		(Stockbook__V1__ReceivedLine **)lines_of(book, lines, &request->n_lines, received_line);
	return request;
}

static char *name_of(struct book *book, const char *method)
{
	return arena_printf(&book->arena, "TransferService/%s", method);
}

void *transfer_step_ask(struct book *book, const char *method, const char *id)
{
	const ProtobufCMessageDescriptor *descriptor = operation_find(name_of(book, method))->request;
	void *request = arena_alloc(&book->arena, descriptor->sizeof_message);
	protobuf_c_message_init(descriptor, request);
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(descriptor, "transfer_id");
	*(const char **)((char *)request + field->offset) = id;
	return request;
}

const Stockbook__V1__Transfer *transfer_call(struct book *book, const char *method,
	const void *request)
{
	const ProtobufCMessage *response = book_call(book, name_of(book, method), request);
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(response->descriptor, "transfer");
	return *(Stockbook__V1__Transfer *const *)((const char *)response + field->offset);
}

const Stockbook__V1__Transfer *transfer_ready(struct book *book, const char *source,
	const char *destination, const char *lines)
{
	Stockbook__V1__RequestTransferRequest *request = transfer_ask(book, source, destination, lines);
	request->approve = true;
	return transfer_call(book, "RequestTransfer", request);
}

const Stockbook__V1__Transfer *transfer_do(struct book *book, const char *method, const char *id)
{
	return transfer_call(book, method, transfer_step_ask(book, method, id));
}

const Stockbook__V1__Transfer *dispatch(struct book *book, const char *id, const char *lines)
{
	return transfer_call(book, "DispatchTransfer", dispatch_ask(book, id, lines));
}

const Stockbook__V1__Transfer *receive(struct book *book, const char *id, const char *lines)
{
	return transfer_call(book, "ReceiveTransfer", receive_ask(book, id, lines));
}

const Stockbook__V1__Transfer *get_transfer(struct book *book, const char *id)
{
	return transfer_do(book, "GetTransfer", id);
}

void assert_transfer(const Stockbook__V1__Transfer *transfer, size_t line, const char *counters)
{
	assert_true(line >= 1 && line <= transfer->n_lines);
	const Stockbook__V1__TransferLine *at = transfer->lines[line - 1];
	char text[200];
	snprintf(text, sizeof(text), "%lld %lld %lld %lld %lld %lld %lld %lld %lld",
		(long long)at->open, (long long)at->allocated, (long long)at->in_transit,
		(long long)at->received, (long long)at->damaged, (long long)at->lost,
		(long long)at->returned, (long long)at->cancelled, (long long)at->over);
	assert_string_equal(text, counters);
	assert_int_equal(at->requested, at->open + at->allocated + at->in_transit + at->received +
										at->damaged + at->lost + at->returned + at->cancelled);
}

int64_t in_transit(struct book *book, const char *sku, const char *location)
{
	return book_stock(book, sku, location).in_transit;
}
