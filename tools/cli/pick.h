/* What a picker's walk is made of: many documents, their goods in the order of the shelves. */
#ifndef STOCKBOOK_CLI_PICK_H
#define STOCKBOOK_CLI_PICK_H

#include "cli.h"
#include "fulfilment.h"
#include "scan.h"
#include "stockbook/v1/work.pb-c.h"

/* The items of a walk: one for each WorkLine. */
struct scan_item *pick_items(struct cli *cli, Stockbook__V1__WorkLine *const *lines, size_t count);
/* Which of a batch's documents (their index) gets the number-th unit of a SKU, 1 for the first:
 * the most urgent first. -1: none. */
int pick_bag_of(const Stockbook__V1__ClaimWorkResponse *batch, const char *sku, int64_t number);
/* What was scanned, spread over the documents of the batch in that order: a picked unit, then a
 * missing one, then a damaged one to whoever still waits for one. One array for each document, as
 * long as its lines. */
struct handled_line **pick_spread(struct cli *cli, const Stockbook__V1__ClaimWorkResponse *batch,
	const struct scan *scan);

/* The commands of a document that is picked. */
const struct document_kind *pick_kind_of(const Stockbook__V1__Work *work);
/* What people call it: the order's number where there is one. */
const char *pick_name_of(const Stockbook__V1__Work *work);

/* Records what was scanned of a batch, shows it, and releases what is left. One document that cannot
 * be recorded does not stop the others; the code is then its. */
enum exit_code pick_record(struct cli *cli, const Stockbook__V1__ClaimWorkResponse *batch,
	const struct scan *scan);

#endif
