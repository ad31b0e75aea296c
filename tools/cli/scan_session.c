#define _GNU_SOURCE /* getline */
#include "scan_session.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "parse.h"
#include "stockbook/v1/item.pb-c.h"

FILE *scan_talk(const struct cli *cli)
{
	return cli->output == OUTPUT_TABLE ? stdout : stderr;
}

static bool may_paint(const struct cli *cli)
{
	return may_colour(fileno(scan_talk(cli)));
}

static void paint(const struct scan_session *session, const char *code, const char *text)
{
	FILE *out = scan_talk(session->cli);
	if (may_paint(session->cli))
		fprintf(out, "\033[%sm%s\033[0m", code, text);
	else
		fputs(text, out);
}

/* "!! WRONG: ...", red, with a beep where somebody can hear it. */
static void complain(const struct scan_session *session, const char *format, ...) PRINTF_LIKE(2, 3);

static void complain(const struct scan_session *session, const char *format, ...)
{
	FILE *out = scan_talk(session->cli);
	va_list arguments;
	va_start(arguments, format);
	const char *text = arena_vprintf(session->scan.arena, format, arguments);
	va_end(arguments);
	if (isatty(fileno(out)))
		fputc('\a', out);
	paint(session, "1;31", arena_printf(session->scan.arena, "!! WRONG: %s", text));
	fputc('\n', out);
}

static const char *label(const struct scan_session *session, const struct scan_item *item)
{
	return *item->name ? arena_printf(session->scan.arena, "%s %s", item->sku, item->name)
					   : item->sku;
}

/* "ok   7/12  LAMP Green lamp  > bag 2" */
static void tell_taken(const struct scan_session *session, const char *mark, const char *colour,
	const char *what)
{
	const struct scan *scan = &session->scan;
	FILE *out = scan_talk(session->cli);
	const struct scan_item *item = scan->item;
	const char *where =
		session->where && !*what
			? session->where(session->context, item, item->counted - scan->taken + 1, item->counted)
			: NULL;
	paint(session, colour, mark);
	fprintf(out, " %" PRId64 "/%" PRId64 "  ", scan_handled(scan), scan_expected(scan));
	if (scan->taken != 1)
		fprintf(out, "%" PRId64 " x ", scan->taken);
	fputs(label(session, item), out);
	if (*what)
		fprintf(out, ": %s", what);
	else if (where)
		fprintf(out, "  > %s", where);
	fputc('\n', out);
}

static void help(const struct scan_session *session)
{
	FILE *out = scan_talk(session->cli);
	fputs("  CODE          counts one (a SKU or a barcode)\n"
		  "  3*CODE        counts three; or 3, then the code\n",
		out);
	if (session->scan.knows_short)
		fputs("  short CODE    all the rest of it is not there\n", out);
	fputs("  damaged CODE  one is there and broken\n"
		  "  undo          takes the last line back\n"
		  "  list          what is still to be scanned\n"
		  "  done          ends and records\n"
		  "  Ctrl-C        stops here and records what was\n"
		  "                scanned; the rest is released\n",
		out);
}

void scan_session_list(const struct scan_session *session)
{
	const struct scan *scan = &session->scan;
	FILE *out = scan_talk(session->cli);
	for (size_t i = 0; i < scan->count; i++) {
		const struct scan_item *item = &scan->items[i];
		if (scan_left(item))
			fprintf(out, "  %-8s %3" PRId64 " x %s\n", *item->shelf ? item->shelf : "-",
				scan_left(item), label(session, item));
	}
	if (!scan_next(scan))
		fputs("  nothing is left: say 'done'\n", out);
}

/* The item that the server knows by this code, or NULL; says nothing. */
static const Stockbook__V1__Item *get_item(struct cli *cli, const char *code)
{
	Stockbook__V1__GetItemRequest request = STOCKBOOK__V1__GET_ITEM_REQUEST__INIT;
	struct stockbook_error error;
	struct stockbook_client *client = cli_client(cli);
	if (!client || strlen(code) > 64)
		return NULL;
	request.sku = text_of(code);
	ProtobufCMessage *message = stockbook_call(client, stockbook_method("ItemService", "GetItem"),
		&request.base, 0, &error);
	stockbook_error_release(&error);
	if (!message)
		return NULL;
	return ((const Stockbook__V1__GetItemResponse *)cli_keep(cli, message))->item;
}

void scan_session_name_items(struct scan_session *session)
{
	for (size_t i = 0; i < session->scan.count; i++) {
		const Stockbook__V1__Item *item = get_item(session->cli, session->scan.items[i].sku);
		if (!item)
			continue;
		session->scan.items[i].name = item->name;
		session->scan.items[i].codes = (const char **)(uintptr_t)item->aliases;
		session->scan.items[i].codes_count = item->n_aliases;
	}
}

/* A code that did not come with the work may be one of its items' all the same: an item has more
 * aliases than the list. The item's name, or NULL when nobody knows the code. */
static const char *look_up(struct scan_session *session, const char *code)
{
	const Stockbook__V1__Item *item = get_item(session->cli, code);
	if (!item)
		return NULL;
	struct scan_item *known = scan_find(&session->scan, item->sku);
	if (known)
		scan_add_code(&session->scan, known, code);
	return *item->name ? item->name : item->sku;
}

static enum scan_outcome take_line(struct scan_session *session, const char *line)
{
	struct scan *scan = &session->scan;
	enum scan_outcome outcome = scan_line(scan, line);
	if (outcome != SCAN_UNKNOWN)
		return outcome;
	const char *code = scan->code;
	const char *name = look_up(session, code);
	if (name && scan_find(scan, code))
		return scan_line(scan, line);
	scan->quantity = 0;
	if (name)
		complain(session, "'%s' is not on this list (%s)", code, name);
	else
		complain(session, "nobody knows '%s'", code);
	return SCAN_UNKNOWN;
}

static void tell(struct scan_session *session, enum scan_outcome outcome)
{
	struct scan *scan = &session->scan;
	FILE *out = scan_talk(session->cli);
	switch (outcome) {
	case SCAN_COUNTED:
		tell_taken(session, "ok", "1;32", "");
		break;
	case SCAN_OVER:
		tell_taken(session, "ok+", "1;33", "more than was sent");
		break;
	case SCAN_MISSING:
		tell_taken(session, "--", "1;33", "short");
		break;
	case SCAN_DAMAGED:
		tell_taken(session, "--", "1;33", "damaged");
		break;
	case SCAN_QUANTITY:
		fprintf(out, "   %" PRId64 " x the next code\n", scan->taken);
		break;
	case SCAN_UNDONE:
		if (scan->item)
			tell_taken(session, "<-", "1;33", "taken back");
		else
			fputs("<- no quantity\n", out);
		break;
	case SCAN_LIST:
		scan_session_list(session);
		break;
	case SCAN_HELP:
		help(session);
		break;
	case SCAN_ENOUGH:
		complain(session, "'%s': %" PRId64 " of %" PRId64 " are there already", scan->item->sku,
			scan->item->expected - scan_left(scan->item), scan->item->expected);
		break;
	case SCAN_NO_UNDO:
		complain(session, "there is nothing to undo");
		break;
	case SCAN_NO_CODE:
		complain(session, "say which code, such as 'short 85123A'");
		break;
	case SCAN_BAD_QUANTITY:
		complain(session, "'%s' is no quantity", scan->code);
		break;
	case SCAN_NOTHING:
	case SCAN_DONE:
	case SCAN_UNKNOWN: /* told already */
		break;
	}
	fflush(out);
}

/* "7/12 A-03-2 LAMP> ": how far, and where to go now. */
static void prompt(const struct scan_session *session)
{
	const struct scan *scan = &session->scan;
	FILE *out = scan_talk(session->cli);
	if (!isatty(STDIN_FILENO))
		return;
	const struct scan_item *next = scan_next(scan);
	fprintf(out, "%" PRId64 "/%" PRId64, scan_handled(scan), scan_expected(scan));
	if (next)
		fprintf(out, " %s%s%s", next->shelf, *next->shelf ? " " : "", next->sku);
	else
		fputs(" say 'done'", out);
	fputs("> ", out);
	fflush(out);
}

enum scan_end scan_session_run(struct scan_session *session)
{
	char *line = NULL;
	size_t size = 0;
	enum scan_end end = SCAN_END_INPUT;
	interrupt_catch();
	/* A terminal that is closed is no reason to lose what was scanned. */
	signal(SIGHUP, SIG_IGN);
	for (;;) {
		prompt(session);
		if (interrupted() || getline(&line, &size, stdin) < 0)
			break;
		line[strcspn(line, "\r\n")] = '\0';
		enum scan_outcome outcome = take_line(session, line);
		tell(session, outcome);
		if (outcome == SCAN_DONE) {
			end = SCAN_END_DONE;
			break;
		}
	}
	free(line);
	if (end != SCAN_END_DONE && isatty(STDIN_FILENO))
		fputc('\n', scan_talk(session->cli));
	return interrupted() ? SCAN_END_INTERRUPTED : end;
}

int scan_ask(const struct cli *cli, const char *question, const char *const *words, size_t count)
{
	FILE *out = scan_talk(cli);
	char *line = NULL;
	size_t size = 0;
	int answer = -1;
	while (answer < 0 && isatty(STDIN_FILENO) && !interrupted()) {
		fprintf(out, "%s\n", question);
		for (size_t i = 0; i < count; i++)
			fprintf(out, "%s[%c]%s", i ? ", " : "", words[i][0], words[i] + 1);
		fprintf(out, " (%c)? ", words[0][0]);
		fflush(out);
		if (getline(&line, &size, stdin) < 0)
			break;
		line[strcspn(line, "\r\n")] = '\0';
		if (!*line)
			answer = 0;
		for (size_t i = 0; i < count; i++)
			if (strcasecmp(line, words[i]) == 0 ||
				(strlen(line) == 1 && (line[0] | 0x20) == words[i][0]))
				answer = (int)i;
	}
	free(line);
	return answer;
}
