/* Transfers as they are. Lines are read by a scan: reading locks nothing. */
#include "book/page.h"
#include "book/transfer.h"

#define REASON(name) STOCKBOOK__V1__REASON__REASON_##name
#define STATUS(name) STOCKBOOK__V1__TRANSFER_STATUS__TRANSFER_STATUS_##name

/* ---- Lines ---- */

bool transfer_read_lines(struct run *run, struct transfer *transfer)
{
	static const struct scan_shape shape = {
		.name = "transfer_lines",
		.table = TABLE(transfer_line),
		.conditions = {{"part", SCAN_EQUAL, 0}, {"transfer_id", SCAN_EQUAL, 0}},
		.order = {"line"},
	};
	struct scan scan = {.shape = &shape, .limit = TRANSFER_LINES_MAX};
	scan.values[0] = (struct scan_value){.present = true, .number = transfer->row->part};
	scan.values[1] = (struct scan_value){.present = true, .uuid = transfer->row->id};
	const struct scan_result *result = workset_scan(run->set, &scan);
	if (!result)
		return false;
	transfer->count = result->count;
	transfer->lines = arena_alloc_array(run->arena, result->count, sizeof(*transfer->lines));
	for (size_t i = 0; i < result->count; i++)
		transfer_line_load(result->rows[i], &transfer->lines[i]);
	return true;
}

/* ---- GetTransfer ---- */

enum verdict transfer_get(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__GetTransferRequest *request = request_;
	Stockbook__V1__GetTransferResponse *response = response_;
	struct transfer_row key = {0};
	if (!uuid_parse(request->transfer_id, &key.id))
		return refuse_field(run, "transfer_id", "'%s' is not a UUID", request->transfer_id);
	key.part = (int32_t)uuid_part(&key.id);
	struct transfer transfer = {.row = &key};
	/* The lines can be asked for by the id alone, in the same round. */
	bool here = transfer_read_lines(run, &transfer);
	enum lookup found =
		workset_find(run->set, TABLE(transfer), &key, ACCESS_PEEK, (const void **)&transfer.row);
	if (found == LOOKUP_ABSENT)
		return transfer_refuse_not_found(run, &key.id);
	if (found == LOOKUP_NEEDED || !here)
		return VERDICT_NEED;
	response->transfer = transfer_message(run, &transfer);
	return VERDICT_DONE;
}

/* ---- ListTransfers ---- */

/* What is not over is sorted when it is asked for; of one status, however many are over, a page comes
 * in the order of the index. */
#define BY_LOCATION(field, operator, title)                                                        \
	{                                                                                              \
		.name = title, .table = TABLE(transfer),                                                   \
		.conditions = {{field, SCAN_EQUAL, 0}, {"status", operator, 0 } }, .order = {"id"},        \
	}
static const struct scan_shape open_by_source =
	BY_LOCATION("source", SCAN_ANY, "transfers_open_by_source");
static const struct scan_shape open_by_destination =
	BY_LOCATION("destination", SCAN_ANY, "transfers_open_by_destination");
static const struct scan_shape by_source = BY_LOCATION("source", SCAN_EQUAL, "transfers_by_source");
static const struct scan_shape by_destination =
	BY_LOCATION("destination", SCAN_EQUAL, "transfers_by_destination");
static const struct scan_shape by_order = {
	.name = "transfers_by_order",
	.table = TABLE(transfer),
	.conditions = {{"order_id", SCAN_EQUAL, 0}},
	.order = {"id"},
};

static enum verdict order_scan(struct run *run, const Stockbook__V1__ListTransfersRequest *request,
	struct scan *scan)
{
	if (request->status != STATUS(UNSPECIFIED))
		return refuse_field(run, "status", "goes with source or destination");
	scan->shape = &by_order;
	scan->values[0].present = true;
	if (!uuid_parse(request->order_id, &scan->values[0].uuid))
		return refuse_field(run, "order_id", "'%s' is not a UUID", request->order_id);
	return VERDICT_DONE;
}

static enum verdict list_scan(struct run *run, const Stockbook__V1__ListTransfersRequest *request,
	struct scan *scan)
{
	static const int64_t living[] = {
		STATUS(DRAFT), STATUS(READY), STATUS(IN_TRANSIT), STATUS(PARTIALLY_RECEIVED)};
	bool of_source = request->source[0] != '\0';
	bool of_destination = request->destination[0] != '\0';
	bool of_order = request->order_id[0] != '\0';
	if ((int)of_source + (int)of_destination + (int)of_order != 1)
		return refuse_field(run, "source", "name exactly one of source, destination and order_id");
	if (of_order)
		return order_scan(run, request, scan);
	const char *location = of_source ? request->source : request->destination;
	scan->values[0] = (struct scan_value){.present = true, .text = location};
	if (request->status == STATUS(UNSPECIFIED)) {
		scan->shape = of_source ? &open_by_source : &open_by_destination;
		scan->values[1] =
			(struct scan_value){.present = true, .counts = {living, ARRAY_COUNT(living)}};
	} else {
		scan->shape = of_source ? &by_source : &by_destination;
		scan->values[1] = (struct scan_value){.present = true, .number = request->status};
	}
	return check_location(run, location, LOCATION_ANY, false, of_source ? "source" : "destination");
}

static size_t lines_of(const void *row)
{
	return (size_t)((const struct transfer_row *)row)->line_count;
}

enum verdict transfer_list(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__ListTransfersRequest *request = request_;
	Stockbook__V1__ListTransfersResponse *response = response_;
	struct scan scan = {0};
	struct page page;
	enum verdict verdict = list_scan(run, request, &scan);
	if (verdict != VERDICT_REFUSED && page_open(run, request, &scan, &page) == VERDICT_REFUSED)
		return VERDICT_REFUSED;
	if (verdict == VERDICT_REFUSED)
		return verdict;
	const struct scan_result *result = workset_scan(run->set, &scan);
	if (!result || verdict == VERDICT_NEED)
		return VERDICT_NEED;
	size_t count = page_count_by_lines(&page, result, lines_of);
	struct transfer *transfers = arena_alloc_array(run->arena, count, sizeof(*transfers));
	bool here = true;
	for (size_t i = 0; i < count; i++) {
		transfers[i].row = result->rows[i];
		here = transfer_read_lines(run, &transfers[i]) && here;
	}
	if (!here)
		return VERDICT_NEED;
	response->transfers = arena_alloc_array(run->arena, count, sizeof(*response->transfers));
	for (size_t i = 0; i < count; i++)
		response->transfers[i] = transfer_message(run, &transfers[i]);
	response->n_transfers = count;
	response->next_page_token = page_next(run, &page, &scan, result, count);
	return VERDICT_DONE;
}
