/* Reservations as they are. */
#include "book/page.h"
#include "book/reservation.h"

#define STATUS_HELD STOCKBOOK__V1__RESERVATION_STATUS__RESERVATION_STATUS_HELD

enum verdict reservation_get(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__GetReservationRequest *request = request_;
	Stockbook__V1__GetReservationResponse *response = response_;
	struct reservation_row key = {0};
	if (!uuid_parse(request->reservation_id, &key.id))
		return refuse_field(run, "reservation_id", "'%s' is not a UUID", request->reservation_id);
	key.part = (int32_t)uuid_part(&key.id);
	const struct reservation_row *row;
	enum lookup found =
		workset_find(run->set, TABLE(reservation), &key, ACCESS_PEEK, (const void **)&row);
	if (found == LOOKUP_NEEDED)
		return VERDICT_NEED;
	if (found == LOOKUP_ABSENT) {
		refuse(run, STOCKBOOK__V1__REASON__REASON_RESERVATION_NOT_FOUND,
			"reservation '%s' not found", request->reservation_id);
		refuse_with(run, "reservation_id", "%s", request->reservation_id);
		return VERDICT_REFUSED;
	}
	response->reservation = reservation_message(run, row);
	return VERDICT_DONE;
}

static size_t lines_of(const void *row)
{
	return ((const struct reservation_row *)row)->line_sku.count;
}

/* Ids are made in the order of time: oldest first is by id. */
enum verdict reservation_list(struct run *run, const void *request_, void *response_)
{
	static const struct scan_shape by_owner = {
		.name = "reservations_by_owner",
		.table = TABLE(reservation),
		.conditions = {{"owner", SCAN_EQUAL, 0}, {"status", SCAN_IS, STATUS_HELD},
			{"hold_until", SCAN_GREATER_OR_EQUAL, 0}, {"owner", SCAN_NOT_EMPTY, 0}},
		.order = {"id"},
	};
	static const struct scan_shape by_customer = {
		.name = "reservations_by_customer",
		.table = TABLE(reservation),
		.conditions = {{"customer", SCAN_EQUAL, 0}, {"status", SCAN_IS, STATUS_HELD},
			{"hold_until", SCAN_GREATER_OR_EQUAL, 0}, {"customer", SCAN_NOT_EMPTY, 0}},
		.order = {"id"},
	};
	const Stockbook__V1__ListReservationsRequest *request = request_;
	Stockbook__V1__ListReservationsResponse *response = response_;
	bool owned = request->owner[0] != '\0';
	if (owned == (request->customer[0] != '\0'))
		return refuse_field(run, "owner", "name exactly one of owner and customer");

	struct scan scan = {.shape = owned ? &by_owner : &by_customer};
	struct page page;
	enum verdict verdict = page_open(run, request, &scan, &page);
	if (verdict != VERDICT_DONE)
		return verdict;
	scan.values[0] = (struct scan_value){.present = true,
		.text = arena_string(workset_arena(run->set), owned ? request->owner : request->customer)};
	/* From the last full second, so that another look at the clock is the same scan; judged exactly
	 * below. */
	scan.values[2] =
		(struct scan_value){.present = true, .number = run->now_us / 1000000 * 1000000};
	const struct scan_result *result = workset_scan(run->set, &scan);
	if (!result)
		return VERDICT_NEED;

	size_t count = page_count_by_lines(&page, result, lines_of);
	response->reservations = arena_alloc_array(run->arena, count, sizeof(*response->reservations));
	for (size_t i = 0; i < count; i++)
		if (reservation_status_now(run, result->rows[i]) == STATUS_HELD)
			response->reservations[response->n_reservations++] =
				reservation_message(run, result->rows[i]);
	response->next_page_token = page_next(run, &page, &scan, result, count);
	return VERDICT_DONE;
}
