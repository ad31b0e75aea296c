/* Who is next among many callers: their turns, what large requests cost, what was put back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/fair_queue.h"

#define REQUESTS_MAX 4096
#define CALLERS_MAX 512

static struct fair_queue queue;
static struct engine_request requests[REQUESTS_MAX];
static struct engine_caller callers[CALLERS_MAX];
static size_t made;

static int start(void **state)
{
	(void)state;
	memset(requests, 0, sizeof(requests));
	for (size_t i = 0; i < CALLERS_MAX; i++)
		callers[i] = (struct engine_caller){.key = (i + 1) * 64, .kind = "token", .name = "till"};
	made = 0;
	return 0;
}

static int stop(void **state)
{
	(void)state;
	while (fair_queue_pop(&queue))
		;
	fair_queue_release(&queue);
	return 0;
}

static struct engine_request *push(size_t caller, size_t size)
{
	struct engine_request *request = &requests[made++];
	request->caller = &callers[caller];
	request->size = size;
	request->submitted_us = (int64_t)made;
	fair_queue_push(&queue, request);
	return request;
}

/* Of the next `count`, how many are the caller's. */
static size_t share_of(size_t caller, size_t count)
{
	size_t share = 0;
	for (size_t i = 0; i < count; i++) {
		const struct engine_request *request = fair_queue_pop(&queue);
		assert_non_null(request);
		share += request->caller == &callers[caller];
	}
	return share;
}

static void one_callers_requests_keep_their_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < 100; i++)
		push(i % 3, i * 10);
	int64_t last[3] = {0};
	for (size_t i = 0; i < 100; i++) {
		const struct engine_request *request = fair_queue_pop(&queue);
		size_t caller = (size_t)(request->caller - callers);
		assert_true(request->submitted_us > last[caller]);
		last[caller] = request->submitted_us;
	}
	assert_null(fair_queue_pop(&queue));
	assert_int_equal(queue.count, 0);
	assert_int_equal(queue.callers, 0);
}

static void who_has_one_waits_for_a_turn_of_who_has_a_thousand(void **state)
{
	(void)state;
	for (size_t i = 0; i < 1000; i++)
		push(0, 20);
	const struct engine_request *single = push(1, 20);
	size_t before = 0;
	while (fair_queue_pop(&queue) != single)
		before++;
	assert_in_range(before, 1, 20);
}

static void callers_have_equal_shares_however_much_they_wait_with(void **state)
{
	(void)state;
	for (size_t i = 0; i < 1000; i++)
		push(0, 20);
	for (size_t i = 0; i < 300; i++)
		push(1, 20);
	assert_in_range(share_of(1, 400), 180, 220);
}

static void large_requests_count_as_many_small_ones(void **state)
{
	(void)state;
	for (size_t i = 0; i < 100; i++)
		push(0, 64 * 100); /* a hundred lines */
	for (size_t i = 0; i < 1000; i++)
		push(1, 20);
	/* While the small ones go by, about one large one for each hundred. */
	assert_in_range(share_of(0, 800), 4, 12);
}

static void the_largest_request_holds_nobody_up_for_ever(void **state)
{
	(void)state;
	const struct engine_request *largest = push(0, (size_t)64 << 20);
	for (size_t i = 0; i < 4000; i++)
		push(1, 20);
	assert_int_equal(share_of(0, 100), 0);
	/* Alone it is next at once. */
	while (queue.callers > 1)
		fair_queue_pop(&queue);
	if (queue.count > 0)
		assert_ptr_equal(fair_queue_pop(&queue), largest);
}

static void what_is_put_back_comes_first_and_in_its_order(void **state)
{
	(void)state;
	struct engine_request *taken[5];
	for (size_t i = 0; i < 50; i++)
		push(i % 5, 20);
	for (size_t i = 0; i < 5; i++)
		taken[i] = fair_queue_pop(&queue);
	for (size_t i = 5; i-- > 0;)
		fair_queue_push_front(&queue, taken[i]);
	assert_int_equal(queue.count, 50);
	for (size_t i = 0; i < 5; i++)
		assert_ptr_equal(fair_queue_pop(&queue), taken[i]);
	assert_int_equal(queue.count, 45);
}

static void who_is_over_leaves_from_wherever_he_waits(void **state)
{
	(void)state;
	for (size_t i = 0; i < 40; i++) {
		struct engine_request *request = push(i % 4, 20);
		request->cancelled = i % 4 == 2 || i == 5;
	}
	fair_queue_push_front(&queue, fair_queue_pop(&queue));
	struct queue over = {0};
	fair_queue_sift(&queue, 100, &over);
	assert_int_equal(over.count, 11);
	assert_int_equal(queue.count, 29);
	assert_int_equal(queue.callers, 3);
	assert_int_equal(fair_queue_count_of(&queue, &callers[1]), 9);
	assert_int_equal(fair_queue_count_of(&queue, &callers[2]), 0);
	while (fair_queue_pop(&queue))
		;
	assert_int_equal(queue.count, 0);
}

static void the_oldest_is_known(void **state)
{
	(void)state;
	assert_true(fair_queue_oldest_us(&queue) == INT64_MAX);
	push(0, 20);
	push(1, 20);
	assert_int_equal(fair_queue_oldest_us(&queue), 1);
	fair_queue_pop(&queue);
	assert_int_equal(fair_queue_oldest_us(&queue), 2);
	assert_int_equal(fair_queue_pop(&queue)->submitted_us, 2);
	assert_true(fair_queue_oldest_us(&queue) == INT64_MAX);
}

static void hundreds_of_callers_have_a_turn_each(void **state)
{
	(void)state;
	/* The keys all fall into one place, too. */
	for (size_t round = 0; round < 3; round++) {
		for (size_t i = 0; i < CALLERS_MAX; i++)
			push(i, 64 * 16);
		assert_int_equal(queue.callers, CALLERS_MAX);
		bool had[CALLERS_MAX] = {false};
		for (size_t i = 0; i < CALLERS_MAX; i++) {
			size_t caller = (size_t)(fair_queue_pop(&queue)->caller - callers);
			assert_false(had[caller]);
			had[caller] = true;
		}
		assert_int_equal(queue.callers, 0);
	}
}

static void nobody_may_have_more_than_there_is_still_room_for(void **state)
{
	(void)state;
	struct engine_request request = {.caller = &callers[0]};
	assert_int_equal(queue_room(&request, 0, 0, 1), QUEUE_HAS_ROOM);
	assert_int_equal(queue_room(&request, 49, 49, 100), QUEUE_HAS_ROOM);
	assert_int_equal(queue_room(&request, 50, 50, 100), QUEUE_CALLER_FULL);
	assert_int_equal(queue_room(&request, 0, 99, 100), QUEUE_HAS_ROOM);
	assert_int_equal(queue_room(&request, 1, 99, 100), QUEUE_CALLER_FULL);
	assert_int_equal(queue_room(&request, 0, 100, 100), QUEUE_FULL);
	/* The service's own work is waited for by others. */
	request.caller = NULL;
	assert_int_equal(queue_room(&request, 100, 100, 100), QUEUE_HAS_ROOM);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_callers_requests_keep_their_order),
		TEST(who_has_one_waits_for_a_turn_of_who_has_a_thousand),
		TEST(callers_have_equal_shares_however_much_they_wait_with),
		TEST(large_requests_count_as_many_small_ones),
		TEST(the_largest_request_holds_nobody_up_for_ever),
		TEST(what_is_put_back_comes_first_and_in_its_order),
		TEST(who_is_over_leaves_from_wherever_he_waits),
		TEST(the_oldest_is_known),
		TEST(hundreds_of_callers_have_a_turn_each),
		TEST(nobody_may_have_more_than_there_is_still_room_for),
	};
	return cmocka_run_group_tests_name("fair_queue", tests, NULL, NULL);
}
