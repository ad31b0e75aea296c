/* Operations: what holds of every row of the one table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "book/operations.h"

static void every_operation_is_found_by_its_name_and_only_once(void **state)
{
	(void)state;
	size_t count = 0;
	for (; operation_at(count); count++)
		assert_ptr_equal(operation_find(operation_at(count)->name), operation_at(count));
	assert_true(count > 40);
	assert_null(operation_find("ItemService/Nothing"));
	assert_null(operation_find("PutItem"));
	assert_null(operation_find(""));
}

/* Tokens go their own way: secrets are neither stored nor remembered with an answer. */
static bool is_of_tokens(const struct operation *operation)
{
	return strncmp(operation->name, "TokenService/", strlen("TokenService/")) == 0;
}

/* "ItemService/PutItem" takes a PutItemRequest and answers a PutItemResponse. */
static void messages_are_named_as_their_operation(void **state)
{
	(void)state;
	for (size_t i = 0; operation_at(i); i++) {
		const struct operation *operation = operation_at(i);
		if (is_of_tokens(operation))
			continue;
		const char *slash = strchr(operation->name, '/');
		assert_non_null(slash);
		char name[128];
		snprintf(name, sizeof(name), "%sRequest", slash + 1);
		assert_string_equal(operation->request->short_name, name);
		snprintf(name, sizeof(name), "%sResponse", slash + 1);
		assert_string_equal(operation->response->short_name, name);
		assert_non_null(operation->run);
	}
}

/* Its own, or of the API's request that it wraps together with a hash. */
static bool has_field(const ProtobufCMessageDescriptor *message, const char *name)
{
	const ProtobufCFieldDescriptor *wrapped =
		protobuf_c_message_descriptor_get_field_by_name(message, "request");
	if (wrapped)
		message = wrapped->descriptor;
	return protobuf_c_message_descriptor_get_field_by_name(message, name) != NULL;
}

static void what_writes_has_a_request_id_a_position_and_a_lane(void **state)
{
	(void)state;
	for (size_t i = 0; operation_at(i); i++) {
		const struct operation *operation = operation_at(i);
		if (is_of_tokens(operation))
			continue;
		if (has_field(operation->request, "request_id") != operation->writes ||
			has_field(operation->response, "position") != operation->writes ||
			(operation->route != NULL) != operation->writes)
			fail_msg("'%s' does not know whether it writes", operation->name);
	}
}

static void lists_are_paged(void **state)
{
	(void)state;
	for (size_t i = 0; operation_at(i); i++) {
		const struct operation *operation = operation_at(i);
		bool paged = has_field(operation->request, "page_token");
		assert_true(paged == has_field(operation->request, "page_size"));
		assert_true(paged == has_field(operation->response, "next_page_token"));
		if (strstr(operation->name, "/List") && !strstr(operation->name, "ListTokens"))
			assert_true(paged);
	}
}

/* Also of a request that is empty, as one that was not checked yet may be. */
static void every_route_is_a_part_that_exists(void **state)
{
	(void)state;
	const struct book_limits limits = {.parts = 4};
	for (size_t i = 0; operation_at(i); i++) {
		const struct operation *operation = operation_at(i);
		if (!operation->route)
			continue;
		struct arena arena;
		arena_init(&arena);
		void *request = arena_alloc(&arena, operation->request->sizeof_message);
		protobuf_c_message_init(operation->request, request);
		int32_t part = operation->route(request, &limits);
		assert_true(part >= 0 && part <= limits.parts);
		arena_release(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_operation_is_found_by_its_name_and_only_once),
		cmocka_unit_test(messages_are_named_as_their_operation),
		cmocka_unit_test(what_writes_has_a_request_id_a_position_and_a_lane),
		cmocka_unit_test(lists_are_paged),
		cmocka_unit_test(every_route_is_a_part_that_exists),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
