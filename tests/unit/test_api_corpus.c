/* The fuzzer's judgement over a fixed corpus: whatever comes in is refused or right, never a crash.
 * tests/fuzz/run goes on from here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fuzz/api_request.c" /* NOLINT(bugprone-suspicious-include) */

#define REQUESTS 30000
#define NOISES 30000
#define SIZE_MAX_OF_REQUEST 8192

static int start(void **state)
{
	(void)state;
	api_request_open();
	return 0;
}

static int stop(void **state)
{
	(void)state;
	arena_release(&open_arena);
	return 0;
}

static void requests_from_the_edges_are_judged(void **state)
{
	(void)state;
	struct api_request_counts counts = {0};
	for (uint64_t seed = 0; seed < REQUESTS; seed++) {
		uint8_t data[SIZE_MAX_OF_REQUEST];
		size_t size = api_request_make(seed, data, sizeof(data));
		/* Of its very size, so that a sanitizer sees a read beyond it. */
		uint8_t *copy = malloc(size);
		memcpy(copy, data, size);
		api_request_run(copy, size, &counts);
		free(copy);
	}
	/* All three ways are taken, or the corpus tests less than it says. */
	assert_int_equal(counts.malformed + counts.invalid + counts.right, REQUESTS);
	assert_true(counts.malformed > REQUESTS / 100);
	assert_true(counts.invalid > REQUESTS / 4);
	assert_true(counts.right > REQUESTS / 100);
	assert_true(counts.plain > REQUESTS / 100);
}

/* A number of 70 bits of which the low 64 are 0: true, for protobuf-c, where it is one of those. */
static void numbers_that_are_too_long_are_what_they_are_for_protobuf_c(void **state)
{
	(void)state;
	static const uint8_t number[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x28};
	struct api_request_counts counts = {0};
	size_t count = 0;
	for (size_t i = 0; i < methods.count; i++) {
		const ProtobufCMessageDescriptor *input = methods.entries[i].descriptor->input;
		for (unsigned f = 0; f < input->n_fields; f++) {
			uint8_t data[32] = {(uint8_t)i};
			struct maker maker = {.data = data, .size = 1, .size_max = sizeof(data)};
			put_varint(&maker, (uint64_t)input->fields[f].id << 3);
			put(&maker, number, sizeof(number));
			api_request_run(data, maker.size, &counts);
			count++;
		}
	}
	assert_int_equal(counts.malformed + counts.invalid + counts.right, count);
	assert_true(counts.invalid + counts.right > 0);
}

static void answers_are_packed_as_protobuf_c_packs_them(void **state)
{
	(void)state;
	size_t plain = 0;
	for (uint64_t seed = 0; seed < REQUESTS; seed++) {
		uint8_t data[SIZE_MAX_OF_REQUEST];
		struct arena arena;
		arena_init(&arena);
		struct maker maker = {(seed + 1) * UINT64_C(0x9e3779b97f4a7c15), data, 0, sizeof(data)};
		const ProtobufCMessageDescriptor *output =
			methods.entries[seed % methods.count].descriptor->output;
		put_message(&maker, output, 0);
		ProtobufCAllocator allocator = {allocate, forget, &arena};
		const ProtobufCMessage *message =
			protobuf_c_message_unpack(output, &allocator, maker.size, data);
		const ProtobufCMessage *ours = message_unpack_plain(output, data, maker.size, &arena);
		assert_true(message != NULL || ours == NULL);
		if (message)
			check_equal(message, ours, &arena);
		plain += ours != NULL;
		arena_release(&arena);
	}
	assert_true(plain > REQUESTS / 100);
}

static void noise_is_judged(void **state)
{
	(void)state;
	struct api_request_counts counts = {0};
	struct maker maker = {.random = 1};
	for (int i = 0; i < NOISES; i++) {
		size_t size = 1 + next(&maker, 40);
		uint8_t *data = malloc(size);
		for (size_t j = 0; j < size; j++)
			data[j] = (uint8_t)next(&maker, next(&maker, 2) ? 256 : 64);
		api_request_run(data, size, &counts);
		free(data);
	}
	assert_true(counts.malformed > NOISES / 10);
	assert_true(counts.invalid > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(requests_from_the_edges_are_judged, start, stop),
		cmocka_unit_test_setup_teardown(noise_is_judged, start, stop),
		cmocka_unit_test_setup_teardown(numbers_that_are_too_long_are_what_they_are_for_protobuf_c,
			start, stop),
		cmocka_unit_test_setup_teardown(answers_are_packed_as_protobuf_c_packs_them, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
