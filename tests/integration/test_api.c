/* The API over the real engine and database: request ids, tokens, their locations, the proof. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "integration/api_caller.h"
#include "stockbook/v1/ledger.pb-c.h"
#include "stockbook/v1/server.pb-c.h"
#include "stockbook/v1/stock.pb-c.h"
#include "stockbook/v1/token.pb-c.h"
#include "support/database.h"

#define SERVERS 2
#define AT_ONCE 20
#define SECRET_MAX 64

static struct fixture fixture;
static struct api *servers[SERVERS];
static struct arena arena;
static char admin[SECRET_MAX]; /* the first token's secret */

struct bootstrapped {
	bool over;
	bool created;
};

static void on_bootstrap(const char *error, bool created, void *data)
{
	struct bootstrapped *result = data;
	if (error)
		fail_msg("%s", error);
	*result = (struct bootstrapped){true, created};
}

static void read_secret(const char *file, char secret[static SECRET_MAX])
{
	FILE *opened = fopen(file, "r");
	assert_non_null(opened);
	assert_non_null(fgets(secret, SECRET_MAX, opened));
	secret[strcspn(secret, "\n")] = '\0';
	fclose(opened);
}

/* Two servers on one new database, which both make the first token at once. */
static int start(void **state)
{
	(void)state;
	struct bootstrapped results[SERVERS] = {0};
	const char *files[SERVERS];
	arena_init(&arena);
	fixture_open(&fixture);
	for (size_t i = 0; i < SERVERS; i++) {
		servers[i] = api_over(fixture_engine(&fixture, NULL), false);
		files[i] = arena_printf(&arena, "%s/token", test_directory());
	}
	for (size_t i = 0; i < SERVERS; i++)
		api_bootstrap(servers[i], files[i], on_bootstrap, &results[i]);
	while (!results[0].over || !results[1].over)
		uv_run(&fixture.loop, UV_RUN_ONCE);
	assert_int_equal(results[0].created + results[1].created, 1);
	size_t maker = results[0].created ? 0 : 1;
	assert_int_equal(access(files[1 - maker], F_OK), -1);
	read_secret(files[maker], admin);
	put_location(&fixture, fixture.engines[0], "LEEDS");
	put_location(&fixture, fixture.engines[0], "YORK");
	put_item(&fixture, fixture.engines[0], "85123A");
	return 0;
}

static int stop(void **state)
{
	(void)state;
	assert_book_is_right(&fixture, fixture.engines[0]);
	fixture_close(&fixture);
	for (size_t i = 0; i < SERVERS; i++) {
		assert_int_equal(api_calls_in_flight(servers[i]), 0);
		api_close(servers[i]);
	}
	arena_release(&arena);
	return 0;
}

static const char *text_of(struct uuid id)
{
	char *text = arena_alloc(&arena, UUID_TEXT_SIZE);
	uuid_format(&id, text);
	return text;
}

static const ProtobufCMessage *receipt(const char *request_id, const char *location,
	int64_t quantity)
{
	Stockbook__V1__ReceiveStockRequest *request = arena_alloc(&arena, sizeof(*request));
	Stockbook__V1__ReceiptLine *line = arena_alloc(&arena, sizeof(*line));
	Stockbook__V1__ReceiptLine **lines = arena_alloc(&arena, sizeof(*lines));
	stockbook__v1__receive_stock_request__init(request);
	stockbook__v1__receipt_line__init(line);
	request->request_id = arena_string(&arena, request_id);
	request->location = arena_string(&arena, location);
	line->sku = arena_string(&arena, "85123A");
	line->quantity = quantity;
	lines[0] = line;
	request->lines = lines;
	request->n_lines = 1;
	return &request->base;
}

static const ProtobufCMessage *token_request(const char *request_id, const char *name,
	Stockbook__V1__Role role, const char *location)
{
	Stockbook__V1__CreateTokenRequest *request = arena_alloc(&arena, sizeof(*request));
	stockbook__v1__create_token_request__init(request);
	request->request_id = arena_string(&arena, request_id);
	request->name = arena_string(&arena, name);
	request->role = role;
	if (location) {
		request->locations = arena_alloc(&arena, sizeof(char *));
		request->locations[0] = arena_string(&arena, location);
		request->n_locations = 1;
	}
	return &request->base;
}

static const char *secret_of(const struct api_caller *caller)
{
	Stockbook__V1__CreateTokenResponse *response =
		stockbook__v1__create_token_response__unpack(NULL, caller->messages[0].size,
			caller->messages[0].bytes);
	assert_non_null(response);
	const char *secret = arena_string(&arena, response->secret);
	stockbook__v1__create_token_response__free_unpacked(response, NULL);
	return secret;
}

static const char *make_token(const char *name, Stockbook__V1__Role role, const char *location)
{
	struct api_caller *caller = api_call(&fixture, servers[0], "TokenService/CreateToken", admin,
		token_request(text_of(new_request_id(&fixture)), name, role, location));
	assert_string_equal(api_outcome(caller), "OK");
	const char *secret = secret_of(caller);
	api_caller_free(caller);
	return secret;
}

static const char *outcome_of(struct api *api, const char *method, const char *secret,
	const ProtobufCMessage *request)
{
	struct api_caller *caller = api_call(&fixture, api, method, secret, request);
	const char *outcome_text = arena_string(&arena, api_outcome(caller));
	api_caller_free(caller);
	return outcome_text;
}

static const char *info_outcome(struct api *api, const char *secret)
{
	const Stockbook__V1__GetServerInfoRequest request =
		STOCKBOOK__V1__GET_SERVER_INFO_REQUEST__INIT;
	return outcome_of(api, "ServerService/GetServerInfo", secret, &request.base);
}

static int64_t on_hand(void)
{
	return ask(&fixture, "SELECT coalesce(sum(available), 0) FROM stockbook.stock");
}

static void the_first_token_is_of_an_admin_on_every_server(void **state)
{
	(void)state;
	for (size_t i = 0; i < SERVERS; i++)
		assert_string_equal(info_outcome(servers[i], admin), "OK");
	assert_int_equal(ask(&fixture, "SELECT count(*) FROM stockbook.token"), 1);
	/* The database has the hash and not the secret. */
	assert_int_equal(ask(&fixture,
						 "SELECT count(*) FROM stockbook.token WHERE hash = sha256('%s') "
						 "AND token::text NOT LIKE '%%%s%%'",
						 admin, admin),
		1);
}

static void the_same_request_again_gets_the_first_answer_from_every_server(void **state)
{
	(void)state;
	const char *id = text_of(new_request_id(&fixture));
	struct api_caller *first = api_call(&fixture, servers[0], "StockService/ReceiveStock", admin,
		receipt(id, "LEEDS", 12));
	assert_string_equal(api_outcome(first), "OK");
	for (size_t i = 0; i < SERVERS; i++) {
		struct api_caller *again = api_call(&fixture, servers[i], "StockService/ReceiveStock",
			admin, receipt(id, "LEEDS", 12));
		assert_string_equal(api_outcome(again), "OK");
		assert_int_equal(again->messages[0].size, first->messages[0].size);
		assert_memory_equal(again->messages[0].bytes, first->messages[0].bytes,
			first->messages[0].size);
		api_caller_free(again);
	}
	assert_string_equal(outcome_of(servers[1], "StockService/ReceiveStock", admin,
							receipt(id, "LEEDS", 13)),
		"REQUEST_ID_REUSED");
	assert_int_equal(on_hand(), 12);
	api_caller_free(first);
}

static void a_request_sent_many_times_at_once_acts_once(void **state)
{
	(void)state;
	const ProtobufCMessage *request = receipt(text_of(new_request_id(&fixture)), "LEEDS", 7);
	struct api_caller *callers[AT_ONCE];
	for (size_t i = 0; i < AT_ONCE; i++)
		callers[i] = api_begin(servers[i % SERVERS], "StockService/ReceiveStock", admin, request);
	for (size_t i = 0; i < AT_ONCE; i++) {
		api_wait(&fixture, callers[i]);
		assert_string_equal(api_outcome(callers[i]), "OK");
		assert_memory_equal(callers[i]->messages[0].bytes, callers[0]->messages[0].bytes,
			callers[0]->messages[0].size);
	}
	for (size_t i = 0; i < AT_ONCE; i++)
		api_caller_free(callers[i]);
	assert_int_equal(on_hand(), 7);
}

static void a_refused_call_changes_nothing_and_may_be_sent_again(void **state)
{
	(void)state;
	const char *id = text_of(new_request_id(&fixture));
	assert_string_equal(outcome_of(servers[0], "StockService/ReceiveStock", admin,
							receipt(id, "HULL", 5)),
		"LOCATION_NOT_FOUND");
	assert_string_equal(outcome_of(servers[0], "StockService/ReceiveStock", admin,
							receipt(id, "LEEDS", 0)),
		"INVALID_FIELD");
	assert_int_equal(on_hand(), 0);
	assert_string_equal(outcome_of(servers[0], "StockService/ReceiveStock", admin,
							receipt(id, "LEEDS", 5)),
		"OK");
	assert_int_equal(on_hand(), 5);
}

static void a_store_acts_at_its_own_locations_only(void **state)
{
	(void)state;
	const char *till = make_token("till 1", STOCKBOOK__V1__ROLE__ROLE_STORE, "LEEDS");
	assert_string_equal(outcome_of(servers[1], "StockService/ReceiveStock", till,
							receipt(text_of(new_request_id(&fixture)), "LEEDS", 3)),
		"OK");
	assert_string_equal(outcome_of(servers[1], "StockService/ReceiveStock", till,
							receipt(text_of(new_request_id(&fixture)), "YORK", 3)),
		"LOCATION_NOT_ALLOWED");
	assert_int_equal(on_hand(), 3);
	assert_int_equal(ask(&fixture, "SELECT count(*) FROM stockbook.change WHERE actor = 'till 1'"),
		1);
	const char *shop = make_token("shop", STOCKBOOK__V1__ROLE__ROLE_SHOP, NULL);
	assert_string_equal(outcome_of(servers[0], "StockService/ReceiveStock", shop,
							receipt(text_of(new_request_id(&fixture)), "LEEDS", 3)),
		"ROLE_NOT_ALLOWED");
}

static void a_token_that_is_made_twice_has_one_secret(void **state)
{
	(void)state;
	const ProtobufCMessage *request = token_request(text_of(new_request_id(&fixture)), "till 2",
		STOCKBOOK__V1__ROLE__ROLE_STORE, "YORK");
	struct api_caller *callers[AT_ONCE];
	const char *secret = NULL;
	for (size_t i = 0; i < AT_ONCE; i++)
		callers[i] = api_begin(servers[i % SERVERS], "TokenService/CreateToken", admin, request);
	for (size_t i = 0; i < AT_ONCE; i++) {
		api_wait(&fixture, callers[i]);
		if (callers[i]->code == 0) {
			assert_null(secret);
			secret = secret_of(callers[i]);
		} else {
			assert_string_equal(api_outcome(callers[i]), "IN_USE");
		}
		api_caller_free(callers[i]);
	}
	assert_non_null(secret);
	assert_string_equal(info_outcome(servers[0], secret), "OK");
	assert_string_equal(outcome_of(servers[0], "TokenService/CreateToken", admin,
							token_request(text_of(new_request_id(&fixture)), "till 2",
								STOCKBOOK__V1__ROLE__ROLE_READER, NULL)),
		"IN_USE");
}

static void a_revoked_token_ends_here_at_once_and_elsewhere_within_two_seconds(void **state)
{
	(void)state;
	const char *reader = make_token("reader", STOCKBOOK__V1__ROLE__ROLE_READER, NULL);
	assert_string_equal(info_outcome(servers[0], reader), "OK");
	assert_string_equal(info_outcome(servers[1], reader), "OK");
	Stockbook__V1__RevokeTokenRequest revoke = STOCKBOOK__V1__REVOKE_TOKEN_REQUEST__INIT;
	revoke.request_id = arena_string(&arena, text_of(new_request_id(&fixture)));
	revoke.name = arena_string(&arena, "reader");
	assert_string_equal(outcome_of(servers[0], "TokenService/RevokeToken", admin, &revoke.base),
		"OK");
	int64_t revoked_us = engine_clock_us();
	assert_string_equal(info_outcome(servers[0], reader), "TOKEN_INVALID");
	/* In use all the time, so that it is looked up again rather than forgotten. */
	const char *elsewhere = "OK";
	while (strcmp(elsewhere, "OK") == 0) {
		elsewhere = info_outcome(servers[1], reader);
		usleep(20000);
		assert_true(engine_clock_us() - revoked_us < 2000000);
	}
	assert_string_equal(elsewhere, "TOKEN_INVALID");

	/* Its name is free again, and the old secret stays worthless. */
	const char *again = make_token("reader", STOCKBOOK__V1__ROLE__ROLE_READER, NULL);
	assert_string_equal(info_outcome(servers[0], again), "OK");
	assert_string_equal(info_outcome(servers[0], reader), "TOKEN_INVALID");
}

static void tokens_are_listed_in_pages(void **state)
{
	(void)state;
	make_token("b", STOCKBOOK__V1__ROLE__ROLE_READER, NULL);
	make_token("a", STOCKBOOK__V1__ROLE__ROLE_SHOP, NULL);
	Stockbook__V1__ListTokensRequest request = STOCKBOOK__V1__LIST_TOKENS_REQUEST__INIT;
	request.page_size = 1;
	static const char *const names[] = {"a", "b", "bootstrap"};
	for (size_t i = 0; i < 3; i++) {
		struct api_caller *caller =
			api_call(&fixture, servers[0], "TokenService/ListTokens", admin, &request.base);
		assert_string_equal(api_outcome(caller), "OK");
		Stockbook__V1__ListTokensResponse *response =
			stockbook__v1__list_tokens_response__unpack(NULL, caller->messages[0].size,
				caller->messages[0].bytes);
		assert_int_equal(response->n_tokens, 1);
		assert_string_equal(response->tokens[0]->name, names[i]);
		request.page_token = arena_string(&arena, response->next_page_token);
		stockbook__v1__list_tokens_response__free_unpacked(response, NULL);
		api_caller_free(caller);
	}
	assert_string_equal(request.page_token, "");
	request.page_token = arena_string(&arena, "bm9uc2Vuc2U");
	assert_string_equal(outcome_of(servers[0], "TokenService/ListTokens", admin, &request.base),
		"INVALID_FIELD");
}

static void the_proof_comes_check_by_check(void **state)
{
	(void)state;
	const Stockbook__V1__VerifyRequest request = STOCKBOOK__V1__VERIFY_REQUEST__INIT;
	assert_string_equal(outcome_of(servers[0], "StockService/ReceiveStock", admin,
							receipt(text_of(new_request_id(&fixture)), "LEEDS", 3)),
		"OK");
	struct api_caller *caller =
		api_call(&fixture, servers[0], "LedgerService/Verify", admin, &request.base);
	assert_string_equal(api_outcome(caller), "OK");
	assert_true(caller->message_count > 1);
	for (size_t i = 0; i < caller->message_count; i++) {
		Stockbook__V1__VerifyResponse *response = stockbook__v1__verify_response__unpack(NULL,
			caller->messages[i].size, caller->messages[i].bytes);
		assert_int_equal(response->index, i + 1);
		assert_int_equal(response->checks, caller->message_count);
		assert_int_equal(response->wrong, 0);
		assert_true(*response->check && *response->description);
		stockbook__v1__verify_response__free_unpacked(response, NULL);
	}
	api_caller_free(caller);
}

static void a_cancelled_proof_ends(void **state)
{
	(void)state;
	const Stockbook__V1__VerifyRequest request = STOCKBOOK__V1__VERIFY_REQUEST__INIT;
	assert_string_equal(info_outcome(servers[0], admin), "OK"); /* the token is known from here */
	struct api_caller *caller = api_begin(servers[0], "LedgerService/Verify", admin, &request.base);
	assert_false(caller->finished);
	caller->call.cancelled = true;
	caller->call.on_cancel(&caller->call);
	assert_true(caller->finished);
	api_caller_free(caller);
	fixture_run_ms(&fixture, 50);
}

static void a_call_whose_deadline_is_over_changes_nothing(void **state)
{
	(void)state;
	struct api_caller *caller = api_begin(servers[0], "StockService/ReceiveStock", admin,
		receipt(text_of(new_request_id(&fixture)), "LEEDS", 3));
	caller->call.deadline_us = caller->call.arrived_us; /* while the token is looked up */
	api_wait(&fixture, caller);
	assert_string_equal(api_outcome(caller), "DEADLINE_EXCEEDED");
	api_caller_free(caller);
	assert_int_equal(on_hand(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_token_is_of_an_admin_on_every_server),
		TEST(the_same_request_again_gets_the_first_answer_from_every_server),
		TEST(a_request_sent_many_times_at_once_acts_once),
		TEST(a_refused_call_changes_nothing_and_may_be_sent_again),
		TEST(a_store_acts_at_its_own_locations_only),
		TEST(a_token_that_is_made_twice_has_one_secret),
		TEST(a_revoked_token_ends_here_at_once_and_elsewhere_within_two_seconds),
		TEST(tokens_are_listed_in_pages),
		TEST(the_proof_comes_check_by_check),
		TEST(a_cancelled_proof_ends),
		TEST(a_call_whose_deadline_is_over_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
