/*
 * Machines: what every table must say, and proto/MACHINES.md, which is drawn from the tables. With
 * --write this program draws it anew (tools/dev machines).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "book/machine.h"

#define FILE_NAME "proto/MACHINES.md"

/* ---- Drawing ---- */

static const char introduction[] =
	"# Machines\n"
	"\n"
	"Which step leads a document from which status to which, drawn from the tables that the server\n"
	"decides by; `tools/dev machines` draws it anew. A step that a table does not hold is refused with\n"
	"`WRONG_STATUS` and changes nothing. Every step is one transaction and one row of the document's\n"
	"history. Where a step leads to more than one status, the document's lines decide.\n"
	"\n"
	"An *inverse* is the step that takes back what was done; what is *final* stays done.\n";

static const char *status_or(const struct machine *machine, int status, const char *none)
{
	return status ? machine_status_name(machine, status) : none;
}

static bool stays(const struct transition *t)
{
	return t->from == t->to;
}

/* Arrows that lead back to where they begin are left to the table: they would hide the others. */
static const char *draw_arrows(const struct machine *machine, struct arena *arena)
{
	const char *text = "```mermaid\nstateDiagram-v2\n";
	for (const struct transition *t = machine->transitions; t->to; t++) {
		bool drawn = stays(t);
		for (const struct transition *u = machine->transitions; u < t; u++)
			drawn = drawn || (u->from == t->from && u->to == t->to);
		if (drawn)
			continue;
		text = arena_printf(arena, "%s    %s --> %s: %s", text, status_or(machine, t->from, "[*]"),
			machine_status_name(machine, t->to), machine_step_name(machine, t->step));
		for (const struct transition *more = t + 1; more->to; more++)
			if (more->from == t->from && more->to == t->to)
				text = arena_printf(arena, "%s, %s", text, machine_step_name(machine, more->step));
		text = arena_printf(arena, "%s\n", text);
	}
	return arena_printf(arena, "%s```\n", text);
}

/* Wherever else the step leads from the one status, it leads from the other. */
static bool leads_as(const struct machine *machine, const struct transition *at, int from,
	int other)
{
	for (const struct transition *t = machine->transitions; t->to; t++) {
		bool found =
			t->from != from || t->step != at->step || t->inverse != at->inverse || stays(t);
		for (const struct transition *u = machine->transitions; u->to && !found; u++)
			found = u->from == other && u->step == at->step && u->inverse == at->inverse &&
					u->to == t->to;
		if (!found)
			return false;
	}
	return true;
}

/* One row of the table has all transitions of a step that leave a document where it was, or that
 * lead to the same statuses, and are taken back by the same step. */
static bool same_row(const struct machine *machine, const struct transition *a,
	const struct transition *b)
{
	if (a->step != b->step || a->inverse != b->inverse || stays(a) != stays(b))
		return false;
	return stays(a) ||
		   (leads_as(machine, a, a->from, b->from) && leads_as(machine, a, b->from, a->from));
}

/* "`OPEN`, `CLOSED`": each status once, of the row's transitions. */
static const char *draw_statuses(const struct machine *machine, const struct transition *at,
	bool from, struct arena *arena)
{
	const char *text = "";
	bool seen[64] = {false};
	for (const struct transition *t = machine->transitions; t->to; t++) {
		int status = from ? t->from : t->to;
		assert_true(status < (int)ARRAY_COUNT(seen));
		if (status == 0 || seen[status] || !same_row(machine, at, t))
			continue;
		seen[status] = true;
		text = arena_printf(arena, "%s%s`%s`", text, text[0] ? ", " : "",
			machine_status_name(machine, status));
	}
	return text;
}

static const char *draw_row(const struct machine *machine, const struct transition *at,
	struct arena *arena)
{
	return arena_printf(arena, "| %s | %s | %s | %s |\n", machine_step_name(machine, at->step),
		draw_statuses(machine, at, true, arena),
		stays(at) ? "*the same*" : draw_statuses(machine, at, false, arena),
		at->inverse == STEP_FINAL ? "*final*" : machine_step_name(machine, at->inverse));
}

static const char *draw_table(const struct machine *machine, struct arena *arena)
{
	const char *text = "| step | from | to | inverse |\n| --- | --- | --- | --- |\n";
	for (int step = 0; step < machine->step_count; step++)
		for (const struct transition *t = machine->transitions; t->to; t++) {
			bool drawn = t->step != step;
			for (const struct transition *u = machine->transitions; u < t; u++)
				drawn = drawn || same_row(machine, u, t);
			if (!drawn)
				text = arena_printf(arena, "%s%s", text, draw_row(machine, t, arena));
		}
	return text;
}

static const char *machine_draw(const struct machine *machine, struct arena *arena)
{
	return arena_printf(arena, "\n## %c%s\n\n%s\n\n%s\n%s", machine->document[0] - 'a' + 'A',
		machine->document + 1, machine->summary, draw_arrows(machine, arena),
		draw_table(machine, arena));
}

static const char *draw_all(struct arena *arena)
{
	const char *text = introduction;
	for (size_t i = 0; machines[i]; i++)
		text = arena_printf(arena, "%s%s", text, machine_draw(machines[i], arena));
	return text;
}

/* ---- The file ---- */

/* The tests run at the checkout's top; STOCKBOOK_SOURCE_DIR says where that is otherwise. */
static FILE *file_open(const char *mode)
{
	const char *top = getenv("STOCKBOOK_SOURCE_DIR");
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s", top ? top : ".", FILE_NAME);
	FILE *file = fopen(path, mode);
	if (!file)
		perror(path);
	return file;
}

static int file_write(void)
{
	struct arena arena;
	arena_init(&arena);
	FILE *file = file_open("w");
	bool written = file && fputs(draw_all(&arena), file) >= 0;
	written = file && fclose(file) == 0 && written;
	arena_release(&arena);
	return written ? EXIT_SUCCESS : EXIT_FAILURE;
}

static char *file_read(struct arena *arena)
{
	FILE *file = file_open("r");
	assert_non_null(file);
	size_t most = 1 << 20;
	char *text = arena_alloc(arena, most);
	text[fread(text, 1, most - 1, file)] = '\0';
	fclose(file);
	return text;
}

static void the_drawings_are_what_the_tables_say(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena);
	bool same = strcmp(file_read(&arena), draw_all(&arena)) == 0;
	arena_release(&arena);
	if (!same)
		fail_msg("'" FILE_NAME "' is not what the tables say; draw it anew: tools/dev machines");
}

/* ---- What every table must say ---- */

static bool anything_leads(const struct machine *machine, int step, int to)
{
	for (const struct transition *t = machine->transitions; t->to; t++)
		if ((step < 0 || t->step == step) && (to == 0 || t->to == to))
			return true;
	return false;
}

static void every_status_of_the_api_can_be_reached(void **state)
{
	(void)state;
	for (size_t i = 0; machines[i]; i++) {
		const ProtobufCEnumDescriptor *statuses = machines[i]->statuses;
		for (unsigned v = 0; v < statuses->n_values; v++) {
			int status = statuses->values[v].value;
			if (status != 0 && !anything_leads(machines[i], -1, status))
				fail_msg("no step of '%s' leads to %s", machines[i]->document,
					statuses->values[v].name);
		}
	}
}

static void every_step_leads_somewhere(void **state)
{
	(void)state;
	for (size_t i = 0; machines[i]; i++)
		for (int step = 0; step < machines[i]->step_count; step++)
			if (!anything_leads(machines[i], step, 0))
				fail_msg("step '%s' of '%s' leads nowhere", machine_step_name(machines[i], step),
					machines[i]->document);
}

static void every_step_can_be_taken_back_from_where_it_leads_or_is_final(void **state)
{
	(void)state;
	for (size_t i = 0; machines[i]; i++)
		for (const struct transition *t = machines[i]->transitions; t->to; t++)
			if (t->inverse != STEP_FINAL && !machine_has_step(machines[i], t->to, t->inverse))
				fail_msg("'%s' of '%s' is not taken back by '%s', which is no step from %s",
					machine_step_name(machines[i], t->step), machines[i]->document,
					machine_step_name(machines[i], t->inverse),
					machine_status_name(machines[i], t->to));
}

static void no_transition_is_stated_twice(void **state)
{
	(void)state;
	for (size_t i = 0; machines[i]; i++)
		for (const struct transition *t = machines[i]->transitions; t->to; t++)
			for (const struct transition *u = t + 1; u->to; u++)
				assert_false(t->from == u->from && t->step == u->step && t->to == u->to);
}

static void a_status_is_called_as_in_the_api(void **state)
{
	(void)state;
	for (size_t i = 0; machines[i]; i++) {
		assert_string_equal(machine_status_name(machines[i], 0), "");
		const ProtobufCEnumDescriptor *statuses = machines[i]->statuses;
		assert_int_equal(statuses->values[0].value, 0);
		for (unsigned v = 1; v < statuses->n_values; v++) {
			const char *full = statuses->values[v].name;
			const char *name = machine_status_name(machines[i], statuses->values[v].value);
			const char *infix = strstr(full, "_STATUS_"); /* RESERVATION_STATUS_HELD */
			assert_non_null(infix);
			assert_string_equal(infix + strlen("_STATUS_"), name);
		}
	}
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--write") == 0)
		return file_write();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_status_of_the_api_can_be_reached),
		cmocka_unit_test(every_step_leads_somewhere),
		cmocka_unit_test(every_step_can_be_taken_back_from_where_it_leads_or_is_final),
		cmocka_unit_test(no_transition_is_stated_twice),
		cmocka_unit_test(a_status_is_called_as_in_the_api),
		cmocka_unit_test(the_drawings_are_what_the_tables_say),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
