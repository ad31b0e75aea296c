/*
 * The services that the transport answers itself: health and reflection, as the tools use them that
 * have no proto files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <grpc/grpc.h>
#include <grpc/status.h>

#include "google/protobuf/descriptor.pb-c.h"
#include "grpc/health/v1/health.pb-c.h"
#include "grpc/reflection/v1/reflection.pb-c.h"

#include "integration/grpc_client.h"
#include "integration/transport_server.h"

#define HEALTH_CHECK "/grpc.health.v1.Health/Check"
#define HEALTH_WATCH "/grpc.health.v1.Health/Watch"
#define REFLECTION "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
#define REFLECTION_ALPHA "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
#define STATUS(name) GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__##name
#define ASKS(name) GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##name
#define ANSWERS(name) GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##name

static struct transport_server server;
static struct grpc_client client;

static int start(void **state)
{
	(void)state;
	transport_server_start(&server, &(struct transport_settings){0});
	grpc_client_open(&client, server.target, NULL);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	grpc_client_close(&client);
	transport_server_stop(&server);
	return 0;
}

/* ---- health */

static size_t pack_health(const char *service, uint8_t request[128])
{
	Grpc__Health__V1__HealthCheckRequest message = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
	message.service = (char *)(uintptr_t)service;
	assert_true(grpc__health__v1__health_check_request__get_packed_size(&message) <= 128);
	return grpc__health__v1__health_check_request__pack(&message, request);
}

static int unpack_health(const uint8_t *data, size_t size)
{
	Grpc__Health__V1__HealthCheckResponse *response =
		grpc__health__v1__health_check_response__unpack(NULL, size, data);
	assert_non_null(response);
	int status = (int)response->status;
	grpc__health__v1__health_check_response__free_unpacked(response, NULL);
	return status;
}

/* The serving status, or minus the call's status. */
static int check_health(const char *service)
{
	uint8_t request[128];
	uint8_t *answer;
	size_t size = 0;
	int status = grpc_client_unary(&client, HEALTH_CHECK, request, pack_health(service, request),
		GRPC_CLIENT_WAIT_MS, &answer, &size);
	int health = answer ? unpack_health(answer, size) : -status;
	free(answer);
	return health;
}

static struct grpc_client_call *watch_health(const char *service)
{
	uint8_t request[128];
	return grpc_client_start(&client, HEALTH_WATCH, request, pack_health(service, request),
		GRPC_CLIENT_FOREVER, NULL);
}

static int next_health(struct grpc_client_call *watch)
{
	size_t size = 0;
	const uint8_t *message = grpc_client_next(watch, &size);
	assert_non_null(message);
	return unpack_health(message, size);
}

static void health_says_not_serving_until_told(void **state)
{
	(void)state;
	static const char *const services[] = {
		"", "stockbook.v1.StockService", "grpc.health.v1.Health"};
	for (size_t i = 0; i < ARRAY_COUNT(services); i++)
		assert_int_equal(check_health(services[i]), STATUS(NOT_SERVING));
	transport_server_set_serving(&server, true);
	(void)transport_server_counts(&server); /* the order has been taken */
	for (size_t i = 0; i < ARRAY_COUNT(services); i++)
		assert_int_equal(check_health(services[i]), STATUS(SERVING));
	assert_int_equal(check_health("no.such.Service"), -GRPC_STATUS_NOT_FOUND);
}

static void health_refuses_what_it_cannot_decode(void **state)
{
	(void)state;
	uint8_t *answer;
	size_t size = 0;
	assert_int_equal(grpc_client_unary(&client, HEALTH_CHECK, "\x0a\xff\xff", 3,
						 GRPC_CLIENT_WAIT_MS, &answer, &size),
		GRPC_STATUS_INVALID_ARGUMENT);
}

static void watch_tells_each_change_once(void **state)
{
	(void)state;
	struct grpc_client_call *all = watch_health("");
	struct grpc_client_call *one = watch_health("stockbook.v1.StockService");
	struct grpc_client_call *unknown = watch_health("no.such.Service");
	assert_int_equal(next_health(all), STATUS(NOT_SERVING));
	assert_int_equal(next_health(one), STATUS(NOT_SERVING));
	assert_int_equal(next_health(unknown), STATUS(SERVICE_UNKNOWN));
	transport_server_set_serving(&server, true);
	assert_int_equal(next_health(all), STATUS(SERVING));
	assert_int_equal(next_health(one), STATUS(SERVING));
	/* The same again is no change; the one after it is the next message. */
	transport_server_set_serving(&server, true);
	(void)transport_server_counts(&server);
	transport_server_set_serving(&server, false);
	assert_int_equal(next_health(all), STATUS(NOT_SERVING));
	grpc_client_cancel(one);
	assert_int_equal(grpc_client_finish(one), GRPC_STATUS_CANCELLED);
	grpc_client_free(one);
	grpc_client_free(unknown);
	transport_server_set_serving(&server, true);
	assert_int_equal(next_health(all), STATUS(SERVING));
	grpc_client_free(all);
	assert_true(transport_server_is_idle(&server));
}

static void watch_ends_with_the_drain_and_does_not_hold_it_up(void **state)
{
	(void)state;
	transport_server_set_serving(&server, true);
	struct grpc_client_call *watch = watch_health("");
	struct grpc_client_call *reflection =
		grpc_client_start_stream(&client, REFLECTION, GRPC_CLIENT_FOREVER);
	if (next_health(watch) == STATUS(NOT_SERVING))
		assert_int_equal(next_health(watch), STATUS(SERVING));
	transport_server_begin_drain(&server, GRPC_CLIENT_WAIT_MS);
	assert_int_equal(next_health(watch), STATUS(NOT_SERVING));
	assert_int_equal(grpc_client_finish(watch), GRPC_STATUS_UNAVAILABLE);
	assert_int_not_equal(grpc_client_finish(reflection), GRPC_STATUS_OK);
	grpc_client_free(watch);
	grpc_client_free(reflection);
}

/* ---- reflection */

typedef Grpc__Reflection__V1__ServerReflectionRequest question;
typedef Grpc__Reflection__V1__ServerReflectionResponse reply;

static question question_of(int kind, const char *text)
{
	question asked = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
	asked.host = (char *)(uintptr_t) "here";
	asked.message_request_case = kind;
	asked.list_services = (char *)(uintptr_t)text; /* all texts share one place */
	return asked;
}

static reply *ask(struct grpc_client_call *stream, const question *asked)
{
	uint8_t bytes[256];
	size_t size = grpc__reflection__v1__server_reflection_request__get_packed_size(asked);
	assert_true(size <= sizeof(bytes));
	grpc__reflection__v1__server_reflection_request__pack(asked, bytes);
	grpc_client_write(stream, bytes, size);
	const uint8_t *message = grpc_client_next(stream, &size);
	assert_non_null(message);
	reply *answer = grpc__reflection__v1__server_reflection_response__unpack(NULL, size, message);
	assert_non_null(answer);
	assert_string_equal(answer->valid_host, "here");
	assert_non_null(answer->original_request);
	assert_int_equal(answer->original_request->message_request_case, asked->message_request_case);
	return answer;
}

static reply *ask_text(struct grpc_client_call *stream, int kind, const char *text)
{
	question asked = question_of(kind, text);
	return ask(stream, &asked);
}

static void drop(reply *answer)
{
	grpc__reflection__v1__server_reflection_response__free_unpacked(answer, NULL);
}

/* Whether the answer is that file first, then its imports, each once. */
static void assert_files(const reply *answer, const char *first, const char *import)
{
	assert_int_equal(answer->message_response_case, ANSWERS(FILE_DESCRIPTOR_RESPONSE));
	const Grpc__Reflection__V1__FileDescriptorResponse *files = answer->file_descriptor_response;
	size_t imports = 0;
	for (size_t i = 0; i < files->n_file_descriptor_proto; i++) {
		Google__Protobuf__FileDescriptorProto *file =
			google__protobuf__file_descriptor_proto__unpack(NULL,
				files->file_descriptor_proto[i].len, files->file_descriptor_proto[i].data);
		assert_non_null(file);
		if (i == 0)
			assert_string_equal(file->name, first);
		imports += strcmp(file->name, import) == 0;
		google__protobuf__file_descriptor_proto__free_unpacked(file, NULL);
	}
	assert_int_equal(imports, 1);
}

static void assert_error(const reply *answer, int code)
{
	assert_int_equal(answer->message_response_case, ANSWERS(ERROR_RESPONSE));
	assert_int_equal(answer->error_response->error_code, code);
	assert_true(strlen(answer->error_response->error_message) > 0);
}

static bool lists(const reply *answer, const char *service)
{
	const Grpc__Reflection__V1__ListServiceResponse *list = answer->list_services_response;
	for (size_t i = 0; i < list->n_service; i++) {
		if (strcmp(list->service[i]->name, service) == 0)
			return true;
	}
	return false;
}

static void answers_all_questions(const char *method)
{
	struct grpc_client_call *stream =
		grpc_client_start_stream(&client, method, GRPC_CLIENT_WAIT_MS);
	reply *answer = ask_text(stream, ASKS(LIST_SERVICES), "*");
	assert_int_equal(answer->message_response_case, ANSWERS(LIST_SERVICES_RESPONSE));
	assert_true(lists(answer, "stockbook.v1.StockService"));
	assert_true(lists(answer, "grpc.health.v1.Health"));
	assert_true(lists(answer, "grpc.reflection.v1.ServerReflection"));
	assert_true(lists(answer, "grpc.reflection.v1alpha.ServerReflection"));
	assert_false(lists(answer, "stockbook.v1.ItemService")); /* the tests' API has none of it */
	drop(answer);

	static const char *const symbols[] = {"stockbook.v1.StockService",
		"stockbook.v1.StockService.GetAvailability", "stockbook.v1.GetAvailabilityRequest"};
	for (size_t i = 0; i < ARRAY_COUNT(symbols); i++) {
		answer = ask_text(stream, ASKS(FILE_CONTAINING_SYMBOL), symbols[i]);
		assert_files(answer, "stockbook/v1/stock.proto", "stockbook/v1/common.proto");
		drop(answer);
	}
	answer = ask_text(stream, ASKS(FILE_CONTAINING_SYMBOL), "stockbook.v1.REASON_OUT_OF_STOCK");
	assert_files(answer, "stockbook/v1/common.proto", "stockbook/v1/common.proto");
	drop(answer);
	answer = ask_text(stream, ASKS(FILE_BY_FILENAME), "stockbook/v1/stock.proto");
	assert_files(answer, "stockbook/v1/stock.proto", "stockbook/v1/common.proto");
	drop(answer);

	answer = ask_text(stream, ASKS(FILE_CONTAINING_SYMBOL), "no.such.Symbol");
	assert_error(answer, GRPC_STATUS_NOT_FOUND);
	drop(answer);
	answer = ask_text(stream, ASKS(FILE_BY_FILENAME), "no/such.proto");
	assert_error(answer, GRPC_STATUS_NOT_FOUND);
	drop(answer);
	question nothing = question_of(ASKS(_NOT_SET), NULL);
	answer = ask(stream, &nothing);
	assert_error(answer, GRPC_STATUS_INVALID_ARGUMENT);
	drop(answer);

	grpc_client_half_close(stream);
	assert_int_equal(grpc_client_finish(stream), GRPC_STATUS_OK);
	grpc_client_free(stream);
}

static void reflection_answers_all_questions_in_both_versions(void **state)
{
	(void)state;
	answers_all_questions(REFLECTION);
	answers_all_questions(REFLECTION_ALPHA);
	assert_true(transport_server_is_idle(&server));
}

static void reflection_answers_about_extensions(void **state)
{
	(void)state;
	struct grpc_client_call *stream =
		grpc_client_start_stream(&client, REFLECTION, GRPC_CLIENT_WAIT_MS);
	/* A type without extensions, one that is not there, and an extension that is not there. */
	reply *answer = ask_text(stream, ASKS(ALL_EXTENSION_NUMBERS_OF_TYPE), "stockbook.v1.Position");
	assert_int_equal(answer->message_response_case, ANSWERS(ALL_EXTENSION_NUMBERS_RESPONSE));
	assert_string_equal(answer->all_extension_numbers_response->base_type_name,
		"stockbook.v1.Position");
	assert_int_equal(answer->all_extension_numbers_response->n_extension_number, 0);
	drop(answer);
	answer = ask_text(stream, ASKS(ALL_EXTENSION_NUMBERS_OF_TYPE), "no.such.Type");
	assert_error(answer, GRPC_STATUS_NOT_FOUND);
	drop(answer);
	Grpc__Reflection__V1__ExtensionRequest extension =
		GRPC__REFLECTION__V1__EXTENSION_REQUEST__INIT;
	extension.containing_type = (char *)(uintptr_t) "stockbook.v1.Position";
	extension.extension_number = 7;
	question asked = question_of(ASKS(FILE_CONTAINING_EXTENSION), NULL);
	asked.file_containing_extension = &extension;
	answer = ask(stream, &asked);
	assert_error(answer, GRPC_STATUS_NOT_FOUND);
	drop(answer);
	grpc_client_free(stream);
	assert_true(transport_server_is_idle(&server));
}

static void reflection_refuses_what_it_cannot_decode(void **state)
{
	(void)state;
	struct grpc_client_call *stream =
		grpc_client_start_stream(&client, REFLECTION, GRPC_CLIENT_WAIT_MS);
	grpc_client_write(stream, "\x0a\xff\xff", 3);
	assert_int_equal(grpc_client_finish(stream), GRPC_STATUS_INVALID_ARGUMENT);
	grpc_client_free(stream);
	assert_true(transport_server_is_idle(&server));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
		TEST(health_says_not_serving_until_told),
		TEST(health_refuses_what_it_cannot_decode),
		TEST(watch_tells_each_change_once),
		TEST(watch_ends_with_the_drain_and_does_not_hold_it_up),
		TEST(reflection_answers_all_questions_in_both_versions),
		TEST(reflection_answers_about_extensions),
		TEST(reflection_refuses_what_it_cannot_decode),
	};
	signal(SIGPIPE, SIG_IGN);
	grpc_init();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	grpc_shutdown();
	return failed;
}
