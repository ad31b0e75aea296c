/*
 * Every step of every document, asked for from every status: what a table holds is done, what it does
 * not hold is refused and changes nothing.
 *
 * Three tables say how that is tried; a machine that is not complete in them fails the test:
 *
 *   brought   a document in each status
 *   asked     the call that asks for a step, filled in by a function where the id is not enough
 *   answers   where another answer than WRONG_STATUS is the documented one
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/promise_fixture.h"

#include "book/order.h"
#include "book/reservation.h"
#include "book/return.h"

#define RESERVATION(name) STOCKBOOK__V1__RESERVATION_STATUS__RESERVATION_STATUS_##name
#define ORDER(name) STOCKBOOK__V1__ORDER_STATUS__ORDER_STATUS_##name
#define RETURN(name) STOCKBOOK__V1__RETURN_STATUS__RETURN_STATUS_##name
#define ANY (-1)

static const char nowhere[] = "0190b8a0-0000-7001-8000-000000000000";

/* ---- Requests ---- */

static void *field_of(void *message, const char *name)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(((ProtobufCMessage *)message)->descriptor,
			name);
	assert_non_null(field);
	return (char *)message + field->offset;
}

/* A request that says "<document>_id" and nothing else. */
static void *request_of(struct book *book, const char *operation, const char *document,
	const char *id)
{
	const struct operation *found = operation_find(operation);
	if (!found)
		fail_msg("there is no operation '%s'", operation);
	void *request = arena_alloc(&book->arena, found->request->sizeof_message);
	protobuf_c_message_init(found->request, request);
	*(const char **)field_of(request, arena_printf(&book->arena, "%s_id", document)) = id;
	return request;
}

static void call(struct book *book, const char *operation, const char *document, const char *id)
{
	book_call(book, operation, request_of(book, operation, document, id));
}

/* ---- Reservations ---- */

static const char *bring_reservation(struct book *book, int status)
{
	book_receive(book, "S1", "LEEDS", 1);
	const char *id = reserve(book, "S1*1@LEEDS")->id;
	if (status == RESERVATION(CONFIRMED))
		call(book, "ReservationService/ConfirmReservation", "reservation", id);
	else if (status == RESERVATION(RELEASED))
		call(book, "ReservationService/ReleaseReservation", "reservation", id);
	else if (status == RESERVATION(EXPIRED)) {
		/* Whoever is short of it takes it once its time is over. */
		book->now_us += 1000 * SECOND_US;
		call(book, "ReservationService/ReleaseReservation", "reservation",
			reserve(book, "S1*1@LEEDS")->id);
	}
	return id;
}

static void fill_replace(struct book *book, void *request_)
{
	Stockbook__V1__ReplaceReservationRequest *request = request_;
	request->lines = replace_request(book, "", "S1*1@LEEDS")->lines;
	request->n_lines = 1;
}

static void fill_confirm_again(struct book *book, void *request)
{
	(void)book;
	((Stockbook__V1__ConfirmReservationRequest *)request)->reserve_again = true;
}

/* ---- Orders ---- */

/* Of its four, one is open, one allocated and two are picked, as far as they are not yet over. */
static const char *bring_order(struct book *book, int status)
{
	book_receive(book, "S1", "LEEDS", 4);
	const char *id = place(book, "S1*4@LEEDS")->id;
	order_do(book, "OrderService/DeallocateOrder", id, "1*1");
	order_do(book, "OrderService/PickOrder", id, "1*2");
	if (status == ORDER(PARTIALLY_FULFILLED) || status == ORDER(FULFILLED))
		order_do(book, "OrderService/ShipOrder", id, "1*1");
	if (status == ORDER(CANCELLED) || status == ORDER(FULFILLED))
		order_do(book, "OrderService/CancelOrderLines", id, "");
	return id;
}

static void fill_create_return(struct book *book, void *request_)
{
	Stockbook__V1__CreateReturnRequest *request = request_;
	*request = *return_request(book, "YORK", request->order_id, "1*1r");
}

/* ---- Returns ---- */

static const char *bring_return(struct book *book, int status)
{
	return take_back(book, "YORK", "", status == RETURN(CLOSED) ? "S1*2r" : "S1*2")->id;
}

static void fill_inspect(struct book *book, void *request_)
{
	Stockbook__V1__InspectReturnRequest *request = request_;
	Stockbook__V1__InspectReturnLine *line = arena_alloc(&book->arena, sizeof(*line));
	stockbook__v1__inspect_return_line__init(line);
	line->line = 1;
	line->quantity = 1;
	line->disposition = STOCKBOOK__V1__DISPOSITION__DISPOSITION_RESTOCK;
	request->n_lines = 1;
	request->lines = arena_copy(&book->arena, &line, sizeof(void *));
}

/* ---- The tables ---- */

static const struct brought {
	const struct machine *machine;
	const struct table *table;
	const char *(*bring)(struct book *book, int status); /* the id */
} brought[] = {
	{&reservation_machine, TABLE(reservation), bring_reservation},
	{&order_machine, TABLE(customer_order), bring_order},
	{&return_machine, TABLE(goods_return), bring_return},
};

static const struct asked {
	const struct machine *machine;
	int step;
	const char *operation; /* NULL: no call asks for it of a document that is there */
	void (*fill)(struct book *book, void *request);
} asked[] = {
	{&reservation_machine, RESERVATION_RESERVE, NULL, NULL},
	{&reservation_machine, RESERVATION_REPLACE, "ReservationService/ReplaceReservation",
		fill_replace},
	{&reservation_machine, RESERVATION_EXTEND, "ReservationService/ExtendReservation", NULL},
	{&reservation_machine, RESERVATION_RELEASE, "ReservationService/ReleaseReservation", NULL},
	{&reservation_machine, RESERVATION_CONFIRM, "ReservationService/ConfirmReservation", NULL},
	{&reservation_machine, RESERVATION_CONFIRM_AGAIN, "ReservationService/ConfirmReservation",
		fill_confirm_again},
	{&reservation_machine, RESERVATION_EXPIRE, NULL, NULL},

	{&order_machine, ORDER_PLACE, NULL, NULL},
	{&order_machine, ORDER_ALLOCATE, "OrderService/AllocateOrder", NULL},
	{&order_machine, ORDER_DEALLOCATE, "OrderService/DeallocateOrder", NULL},
	{&order_machine, ORDER_PICK, "OrderService/PickOrder", NULL},
	{&order_machine, ORDER_PUT_BACK, "OrderService/PutBackOrder", NULL},
	{&order_machine, ORDER_SHIP, "OrderService/ShipOrder", NULL},
	{&order_machine, ORDER_CANCEL, "OrderService/CancelOrderLines", NULL},
	{&order_machine, ORDER_AMEND, NULL, NULL},
	{&order_machine, ORDER_COLLECT, NULL, NULL}, /* asked of its pickups and shipments */
	{&order_machine, ORDER_LOSE, NULL, NULL},
	{&order_machine, ORDER_RETURN, "ReturnService/CreateReturn", fill_create_return},

	{&return_machine, RETURN_RECEIVE, NULL, NULL},
	{&return_machine, RETURN_INSPECT, "ReturnService/InspectReturn", fill_inspect},
};

/* The first that fits counts. */
static const struct answer {
	const struct machine *machine;
	int status;
	int step;
	Stockbook__V1__Reason reason; /* UNSPECIFIED: it is answered, and nothing is done */
} answers[] = {
	{&reservation_machine, 0, ANY, REASON(RESERVATION_NOT_FOUND)},
	/* The caller has what he wanted. */
	{&reservation_machine, RESERVATION(EXPIRED), RESERVATION_RELEASE, REASON(UNSPECIFIED)},
	{&reservation_machine, RESERVATION(EXPIRED), ANY, REASON(EXPIRED)},
	{&order_machine, 0, ANY, REASON(ORDER_NOT_FOUND)},
	{&order_machine, ANY, ORDER_RETURN, REASON(RETURN_EXCEEDS_FULFILLED)},
	{&return_machine, 0, ANY, REASON(RETURN_NOT_FOUND)},
};

static const struct asked *asked_find(const struct machine *machine, int step)
{
	for (size_t i = 0; i < ARRAY_COUNT(asked); i++)
		if (asked[i].machine == machine && asked[i].step == step)
			return &asked[i];
	fail_msg("nothing asks for step '%s' of '%s'", machine_step_name(machine, step),
		machine->document);
	return NULL;
}

static Stockbook__V1__Reason reason_expected(const struct machine *machine, int status, int step)
{
	for (size_t i = 0; i < ARRAY_COUNT(answers); i++)
		if (answers[i].machine == machine &&
			(answers[i].status == ANY || answers[i].status == status) &&
			(answers[i].step == ANY || answers[i].step == step))
			return answers[i].reason;
	return REASON(WRONG_STATUS);
}

/* ---- Trying ---- */

static int status_of(struct book *book, const struct brought *of, const char *id_text)
{
	void *key = row_new(of->table, &book->arena);
	struct uuid id;
	assert_true(uuid_parse(id_text, &id));
	*(struct uuid *)((char *)key + table_field(of->table, "id")->offset) = id;
	*(int32_t *)((char *)key + table_field(of->table, "part")->offset) = (int32_t)uuid_part(&id);
	const void *row = memory_store_find(book->store, of->table, key);
	assert_non_null(row);
	return *(const int32_t *)row_field(row, table_field(of->table, "status"));
}

/* A document in the status, in a book of its own. */
static const char *bring(struct book *book, const struct brought *of, int status)
{
	if (status == 0)
		return nowhere;
	const char *id = of->bring(book, status);
	if (status_of(book, of, id) != status)
		fail_msg("'%s' was brought to %s instead of %s", of->machine->document,
			machine_status_name(of->machine, status_of(book, of, id)),
			machine_status_name(of->machine, status));
	return id;
}

static void *request_for(struct book *book, const struct asked *ask, const char *id)
{
	void *request = request_of(book, ask->operation, ask->machine->document, id);
	if (ask->fill)
		ask->fill(book, request);
	return request;
}

static void try_legal(struct book *book, const struct brought *of, int status,
	const struct asked *ask)
{
	const char *id = bring(book, of, status);
	print_message("# %s %s: %s\n", of->machine->document, machine_status_name(of->machine, status),
		machine_step_name(of->machine, ask->step));
	book_call(book, ask->operation, request_for(book, ask, id));
	int after = status_of(book, of, id);
	if (!machine_may_lead(of->machine, status, ask->step, after))
		fail_msg("which led to %s", machine_status_name(of->machine, after));
}

static void try_illegal(struct book *book, const struct brought *of, int status,
	const struct asked *ask)
{
	const char *id = bring(book, of, status);
	print_message("# %s %s: no %s\n", of->machine->document,
		machine_status_name(of->machine, status), machine_step_name(of->machine, ask->step));
	Stockbook__V1__Reason reason = reason_expected(of->machine, status, ask->step);
	void *request = request_for(book, ask, id);
	uint64_t before = book_digest(book);
	if (reason == REASON(UNSPECIFIED)) {
		book_call(book, ask->operation, request);
	} else {
		const struct refusal *refusal = book_refusal(book, ask->operation, request, reason);
		if (reason == REASON(WRONG_STATUS)) {
			const char *key = arena_printf(&book->arena, "%s_id", of->machine->document);
			assert_string_equal(refusal_value(refusal, key), id);
			assert_string_equal(refusal_value(refusal, "status"),
				machine_status_name(of->machine, status));
		}
	}
	assert_true(book_digest(book) == before);
}

/* Each pair of status and step, in a book of its own. */
static void try_all(bool legal)
{
	for (size_t i = 0; i < ARRAY_COUNT(brought); i++) {
		const struct machine *machine = brought[i].machine;
		for (unsigned v = 0; v < machine->statuses->n_values; v++)
			for (int step = 0; step < machine->step_count; step++) {
				int status = machine->statuses->values[v].value;
				const struct asked *ask = asked_find(machine, step);
				if (!ask->operation || machine_has_step(machine, status, step) != legal)
					continue;
				void *book;
				trade_setup(&book);
				(legal ? try_legal : try_illegal)(book, &brought[i], status, ask);
				book_teardown(&book);
			}
	}
}

static void every_machine_is_tried(void **state)
{
	(void)state;
	for (size_t i = 0; machines[i]; i++) {
		bool found = false;
		for (size_t j = 0; j < ARRAY_COUNT(brought); j++)
			found = found || brought[j].machine == machines[i];
		if (!found)
			fail_msg("nothing brings '%s' into its statuses", machines[i]->document);
	}
}

static void every_step_that_a_table_holds_is_taken_and_leads_where_it_says(void **state)
{
	(void)state;
	try_all(true);
}

static void every_transition_that_the_table_does_not_hold_is_refused_and_changes_nothing(void *
		*state)
{
	(void)state;
	try_all(false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_machine_is_tried),
		cmocka_unit_test(every_step_that_a_table_holds_is_taken_and_leads_where_it_says),
		cmocka_unit_test(
			every_transition_that_the_table_does_not_hold_is_refused_and_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
