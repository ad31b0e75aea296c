/*
 * Every step of every document, asked for from every status: what a table holds is done, what it does
 * not hold is refused and changes nothing. A machine that is not complete in machine_trials.c fails
 * the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/machine_trials.h"

static const char nowhere[] = "0190b8a0-0000-7001-8000-000000000000";

static const struct asked *asked_find(const struct machine *machine, int step)
{
	for (const struct asked *ask = asked; ask->machine; ask++)
		if (ask->machine == machine && ask->step == step)
			return ask;
	fail_msg("nothing asks for step '%s' of '%s'", machine_step_name(machine, step),
		machine->document);
	return NULL;
}

static Stockbook__V1__Reason reason_expected(const struct machine *machine, int status, int step)
{
	for (const struct other_answer *other = other_answers; other->machine; other++)
		if (other->machine == machine && (other->status == ANY || other->status == status) &&
			(other->step == ANY || other->step == step))
			return other->reason;
	return REASON(WRONG_STATUS);
}

/* ---- Trying ---- */

static int status_of(struct book *book, const struct brought *of, const char *id_text)
{
	struct uuid id;
	assert_true(uuid_parse(id_text, &id));
	size_t count;
	const void *const *rows = memory_store_rows(book->store, of->table, &count);
	for (size_t i = 0; i < count; i++)
		if (uuid_compare(row_field(rows[i], table_field(of->table, "id")), &id) == 0)
			return *(const int32_t *)row_field(rows[i], table_field(of->table, "status"));
	fail_msg("there is no %s '%s'", of->machine->document, id_text);
	return 0;
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

/* ---- Histories ---- */

static const struct machine *machine_of(const struct change_row *change)
{
	for (size_t i = 0; machines[i]; i++)
		if ((int32_t)machines[i]->kind == change->document_kind)
			return machines[i];
	return NULL;
}

static bool table_holds(const struct machine *machine, const struct change_row *change)
{
	for (const struct transition *t = machine->transitions; t->to; t++)
		if (strcmp(machine_status_name(machine, t->from), change->status_before) == 0 &&
			strcmp(machine_step_name(machine, t->step), change->step) == 0 &&
			strcmp(machine_status_name(machine, t->to), change->status_after) == 0)
			return true;
	return false;
}

/* A step is noted in every part that it touched; the document's own has all of its steps. */
static bool is_of(const struct change_row *change, const struct uuid *id)
{
	return change->part == (int32_t)uuid_part(id) && uuid_compare(&change->document_id, id) == 0;
}

/* Every document's history begins where there is none, and each step where the last one led. */
static void assert_histories_are_paths(struct book *book)
{
	size_t count;
	const void *const *changes = memory_store_rows(book->store, TABLE(change), &count);
	for (size_t i = 0; i < count; i++) {
		const struct change_row *change = changes[i];
		const struct machine *machine = machine_of(change);
		if (!machine || !is_of(change, &change->document_id))
			continue;
		if (!table_holds(machine, change))
			fail_msg("no table holds %s '%s' from '%s' to '%s'", machine->document, change->step,
				change->status_before, change->status_after);
		const char *before = "";
		int64_t last = -1;
		for (size_t j = 0; j < count; j++) {
			const struct change_row *other = changes[j];
			if (is_of(other, &change->document_id) && other->sequence < change->sequence &&
				other->sequence > last) {
				last = other->sequence;
				before = other->status_after;
			}
		}
		if (strcmp(change->status_before, before) != 0)
			fail_msg("%s '%s' begins at '%s', and the step before it led to '%s'",
				machine->document, change->step, change->status_before, before);
	}
}

/* ---- Steps ---- */

static void try_legal(struct book *book, const struct brought *of, int status,
	const struct asked *ask)
{
	const char *id = bring(book, of, status);
	print_message("# %s %s: %s\n", of->machine->document, machine_status_name(of->machine, status),
		machine_step_name(of->machine, ask->step));
	book_call(book, ask->operation, asked_request(book, ask, id));
	int after = status_of(book, of, id);
	if (!machine_may_lead(of->machine, status, ask->step, after))
		fail_msg("which led to %s", machine_status_name(of->machine, after));
	assert_histories_are_paths(book);
}

static void try_illegal(struct book *book, const struct brought *of, int status,
	const struct asked *ask)
{
	const char *id = bring(book, of, status);
	print_message("# %s %s: no %s\n", of->machine->document,
		machine_status_name(of->machine, status), machine_step_name(of->machine, ask->step));
	Stockbook__V1__Reason reason = reason_expected(of->machine, status, ask->step);
	void *request = asked_request(book, ask, id);
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

static const struct brought *brought_find(const struct machine *machine)
{
	for (const struct brought *of = brought; of->machine; of++)
		if (of->machine == machine)
			return of;
	fail_msg("nothing brings '%s' into its statuses", machine->document);
	return NULL;
}

/* Each pair of status and step, in a book of its own. */
static void try_all(bool legal)
{
	for (size_t i = 0; machines[i]; i++) {
		const struct machine *machine = machines[i];
		const struct brought *of = brought_find(machine);
		for (unsigned v = 0; v < machine->statuses->n_values; v++)
			for (int step = 0; step < machine->step_count; step++) {
				int status = machine->statuses->values[v].value;
				const struct asked *ask = asked_find(machine, step);
				if (!ask->operation || machine_has_step(machine, status, step) != legal)
					continue;
				void *book;
				trade_setup(&book);
				(legal ? try_legal : try_illegal)(book, of, status, ask);
				book_teardown(&book);
			}
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
		cmocka_unit_test(every_step_that_a_table_holds_is_taken_and_leads_where_it_says),
		cmocka_unit_test(
			every_transition_that_the_table_does_not_hold_is_refused_and_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
