/* Transfers with a scanner in hand: what leaves, and what arrived. */
#include "transfer.h"

#include <inttypes.h>
#include <stdio.h>

#include "parse.h"
#include "scan_session.h"

int transfer_given_scan;

/* One item for each SKU; a transfer may have it on several lines. */
static void open_scan(struct cli *cli, struct scan *scan, const Stockbook__V1__Transfer *transfer,
	enum transfer_side side)
{
	scan->arena = &cli->arena;
	scan->items = arena_alloc_array(&cli->arena, transfer->n_lines, sizeof(*scan->items));
	scan->takes_more = side == TRANSFER_RECEIVE;
	scan->knows_short = side == TRANSFER_DISPATCH;
	for (size_t i = 0; i < transfer->n_lines; i++) {
		const Stockbook__V1__TransferLine *line = transfer->lines[i];
		struct scan_item *item = scan_find(scan, line->sku);
		int64_t expected = side == TRANSFER_DISPATCH ? line->allocated : line->in_transit;
		if (!item) {
			item = &scan->items[scan->count++];
			*item = (struct scan_item){.sku = line->sku, .name = "", .shelf = ""};
		}
		item->expected += expected;
	}
}

static int64_t at_most(int64_t *left, int64_t wanted, bool all)
{
	int64_t taken = all || *left < wanted ? *left : wanted;
	*left -= taken;
	return taken;
}

/* What was scanned, to the lines in their order; what came on top, to the last of its SKU. */
static size_t spread(const Stockbook__V1__Transfer *transfer, struct scan *scan,
	enum transfer_side side, struct handled_line *lines)
{
	size_t used = 0;
	for (size_t i = 0; i < transfer->n_lines; i++) {
		const Stockbook__V1__TransferLine *line = transfer->lines[i];
		struct scan_item *item = scan_find(scan, line->sku);
		int64_t wanted = side == TRANSFER_DISPATCH ? line->allocated : line->in_transit;
		bool last = true;
		for (size_t j = i + 1; j < transfer->n_lines; j++)
			last &= scan_find(scan, transfer->lines[j]->sku) != item;
		struct handled_line handled = {.line = line->line};
		handled.done = at_most(&item->counted, wanted, last);
		handled.missing = at_most(&item->missing, wanted - handled.done, last);
		handled.damaged = at_most(&item->damaged, wanted - handled.done - handled.missing, last);
		if (handled.done || handled.missing || handled.damaged)
			lines[used++] = handled;
	}
	return used;
}

bool transfer_scan(struct cli *cli, const ProtobufCMessage *document, enum transfer_side side,
	struct handled_line **lines, size_t *count)
{
	const Stockbook__V1__Transfer *transfer = (const Stockbook__V1__Transfer *)document;
	struct scan_session session = {.cli = cli};
	FILE *out = scan_talk(cli);
	open_scan(cli, &session.scan, transfer, side);
	scan_session_name_items(&session);
	cli->exit_code = EXIT_CODE_OK;
	fprintf(out, "%s to %s, %" PRId64 " units; scan each piece, 'help' says more\n",
		transfer->source, transfer->destination, scan_expected(&session.scan));
	enum scan_end end = scan_session_run(&session);
	if (end != SCAN_END_DONE)
		fprintf(out, "%s: what was scanned is recorded\n",
			end == SCAN_END_INTERRUPTED ? "stopped" : "the input ended");
	*lines = arena_alloc_array(&cli->arena, transfer->n_lines, sizeof(**lines));
	*count = spread(transfer, &session.scan, side, *lines);
	if (!*count)
		fputs("nothing was scanned, nothing is recorded\n", out);
	else
		fputc('\n', out);
	return *count > 0;
}
