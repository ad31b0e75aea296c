/* Which events pass a follower's filter, and what they look like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "book/event.h"
#include "stockbook/v1/common.pb-c.h"

#define PARTS 3
#define AVAILABLE STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_AVAILABLE
#define KIND(name) STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_##name

static struct arena arena;
static struct event_filter filter;
static Stockbook__V1__StreamEventsRequest request;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena);
	stockbook__v1__stream_events_request__init(&request);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static struct change_row change(int64_t sequence, int32_t kind, const char *code)
{
	struct change_row *row = row_new(TABLE(change), &arena);
	row->part = 1;
	row->sequence = sequence;
	row->document_kind = kind;
	row->document_code = code;
	row->channel = "web";
	return *row;
}

static struct movement_row movement(int64_t sequence, const char *sku, const char *from,
	const char *to)
{
	struct movement_row *row = row_new(TABLE(movement), &arena);
	row->part = 1;
	row->sequence = sequence;
	row->sku = sku;
	row->from_location = from;
	row->to_location = to;
	row->from_state = row->to_state = AVAILABLE;
	row->quantity = 3;
	return *row;
}

static void begin(void)
{
	event_filter_init(&filter, &arena, &request, PARTS);
}

static void everything_passes_an_empty_filter(void **state)
{
	(void)state;
	begin();
	struct change_row step = change(2, KIND(ORDER), "");
	struct movement_row moved = movement(1, "MUG", "LEEDS", "");
	assert_true(event_passes(&filter, &moved, &step));
	assert_true(event_passes(&filter, NULL, &step));
}

static void a_change_passes_with_one_of_its_movements(void **state)
{
	(void)state;
	char *locations[] = {(char *)"LEEDS"};
	char *skus[] = {(char *)"MUG"};
	request.locations = locations;
	request.skus = skus;
	request.n_locations = request.n_skus = 1;
	begin();
	struct change_row step = change(4, KIND(ORDER), "");
	struct movement_row other_sku = movement(1, "CUP", "LEEDS", "");
	struct movement_row other_place = movement(2, "MUG", "YORK", "");
	struct movement_row moved = movement(3, "MUG", "", "LEEDS");
	assert_false(event_passes(&filter, &other_sku, &step));
	assert_false(event_passes(&filter, &other_place, &step));
	assert_false(event_passes(&filter, NULL, &step));
	assert_true(event_passes(&filter, &moved, &step));
	assert_true(event_passes(&filter, NULL, &step));
	struct change_row next = change(5, KIND(ORDER), "");
	assert_false(event_passes(&filter, NULL, &next));
}

static void a_change_of_an_item_or_a_location_passes_by_its_name(void **state)
{
	(void)state;
	char *locations[] = {(char *)"LEEDS"};
	request.locations = locations;
	request.n_locations = 1;
	begin();
	struct change_row leeds = change(1, KIND(LOCATION), "LEEDS");
	struct change_row york = change(2, KIND(LOCATION), "YORK");
	struct change_row item = change(3, KIND(ITEM), "LEEDS");
	struct change_row safety = change(4, KIND(STOCK_POLICY), "LEEDS");
	assert_true(event_passes(&filter, NULL, &leeds));
	assert_false(event_passes(&filter, NULL, &york));
	assert_false(event_passes(&filter, NULL, &item));
	assert_true(event_passes(&filter, NULL, &safety));
	struct change_row accepted = change(5, KIND(PICKUP), "");
	assert_false(event_passes(&filter, NULL, &accepted));
	accepted.location = "LEEDS";
	assert_true(event_passes(&filter, NULL, &accepted));
	request.skus = locations;
	request.n_skus = 1;
	request.n_locations = 0;
	begin();
	assert_true(event_passes(&filter, NULL, &item));
	assert_false(event_passes(&filter, NULL, &leeds));
}

static void every_list_must_be_met(void **state)
{
	(void)state;
	char *channels[] = {(char *)"till", (char *)"web"};
	Stockbook__V1__DocumentKind kinds[] = {KIND(RETURN), KIND(ORDER)};
	request.channels = channels;
	request.n_channels = 2;
	request.document_kinds = kinds;
	request.n_document_kinds = 2;
	begin();
	struct change_row order = change(1, KIND(ORDER), "");
	struct change_row receipt = change(2, KIND(RECEIPT), "");
	struct change_row phone = change(3, KIND(ORDER), "");
	phone.channel = "phone";
	assert_true(event_passes(&filter, NULL, &order));
	assert_false(event_passes(&filter, NULL, &receipt));
	assert_false(event_passes(&filter, NULL, &phone));
	struct movement_row moved = movement(1, "MUG", "LEEDS", "");
	assert_true(event_passes(&filter, &moved, &order));
	assert_false(event_passes(&filter, &moved, &phone));
}

static void a_movement_is_shown_with_what_its_change_says(void **state)
{
	(void)state;
	struct change_row step = change(9, KIND(ORDER), "");
	struct movement_row moved = movement(8, "MUG", "LEEDS", "");
	step.actor = "till-1";
	const Stockbook__V1__Event *event = make_event(&arena, &moved, &step);
	assert_null(event->change);
	assert_int_equal(event->movement->part, 1);
	assert_int_equal(event->movement->sequence, 8);
	assert_string_equal(event->movement->channel, "web");
	assert_string_equal(event->movement->actor, "till-1");
	assert_int_equal(event->movement->document_kind, KIND(ORDER));
	event = make_event(&arena, NULL, &step);
	assert_null(event->movement);
	assert_int_equal(event->change->sequence, 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(everything_passes_an_empty_filter, setup, teardown),
		cmocka_unit_test_setup_teardown(a_change_passes_with_one_of_its_movements, setup, teardown),
		cmocka_unit_test_setup_teardown(a_change_of_an_item_or_a_location_passes_by_its_name, setup,
			teardown),
		cmocka_unit_test_setup_teardown(every_list_must_be_met, setup, teardown),
		cmocka_unit_test_setup_teardown(a_movement_is_shown_with_what_its_change_says, setup,
			teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
