/* Who calls: tokens looked up, remembered and forgotten, their secrets, and the first one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stockbook/internal/v1/token.pb-c.h"
#include "stockbook/v1/token.pb-c.h"

#include "api/authenticate.h"
#include "api/token.h"
#include "unit/fake_api.h"
#include "unit/fake_message.h"

#define ID "request_id=" REQUEST_ID_TEXT "; "

static struct fake_token tokens[] = {
	{"secret of the shop", "the shop", STOCKBOOK__V1__ROLE__ROLE_SHOP, NULL, false},
	{"secret of the admin", "an admin", STOCKBOOK__V1__ROLE__ROLE_ADMIN, NULL, false},
};

static struct api *api;
static struct arena arena;

static int start(void **state)
{
	(void)state;
	arena_init(&arena);
	api = fake_api_open(false);
	tokens[0].revoked = false;
	fake_engine.tokens = tokens;
	fake_engine.token_count = ARRAY_COUNT(tokens);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	api_close(api);
	arena_release(&arena);
	return 0;
}

static struct fake_call *call_info(const char *secret)
{
	return fake_call_bytes(api, "ServerService/GetServerInfo", secret, NULL, 0);
}

static void is_answered(const char *secret)
{
	struct fake_call *call = call_info(secret);
	assert_true(call->finished);
	if (call->code != 0)
		fail_msg("refused: %s", call->message);
	fake_call_free(call);
}

static void is_refused(const char *secret)
{
	struct fake_call *call = call_info(secret);
	assert_true(call->finished);
	assert_int_equal(call->code, 16);
	assert_string_equal(call->reason, "TOKEN_INVALID");
	fake_call_free(call);
}

static void calls_without_a_valid_token_are_refused(void **state)
{
	(void)state;
	is_refused(NULL);
	is_refused("");
	is_refused("secret of nobody");
	is_refused("secret of the sho");
	is_refused("secret of the shopp");
	char long_secret[2000];
	memset(long_secret, 'x', sizeof(long_secret) - 1);
	long_secret[sizeof(long_secret) - 1] = '\0';
	is_refused(long_secret);
	is_answered("secret of the shop");
}

static void in_open_mode_everyone_is_an_admin(void **state)
{
	(void)state;
	struct api *open = fake_api_open(true);
	struct fake_call *call = fake_call_bytes(open, "TokenService/ListTokens", NULL, NULL, 0);
	const struct actor *actor = fake_request(0)->actor;
	assert_string_equal(actor->name, "open");
	assert_int_equal(actor->role, STOCKBOOK__V1__ROLE__ROLE_ADMIN);
	assert_false(actor->bound);
	fake_answer_packed(NULL, 0);
	fake_call_free(call);
	api_close(open);
}

static void a_token_is_looked_up_once_for_many_calls(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++)
		is_answered("secret of the shop");
	assert_int_equal(fake_engine.lookups, 1);
	is_answered("secret of the admin");
	assert_int_equal(fake_engine.lookups, 2);
}

static void unknown_tokens_are_remembered_too(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++)
		is_refused("secret of nobody");
	assert_int_equal(fake_engine.lookups, 1);
}

static void guessing_does_not_drive_out_known_tokens(void **state)
{
	(void)state;
	is_answered("secret of the shop");
	char guess[32];
	for (int i = 0; i < 3000; i++) {
		snprintf(guess, sizeof(guess), "guess %d", i);
		is_refused(guess);
	}
	assert_int_equal(fake_engine.lookups, 3001);
	is_answered("secret of the shop");
	/* Once, or once more when the guessing took long. */
	assert_true(fake_engine.lookups <= 3002);
}

static void calls_at_once_wait_for_one_lookup(void **state)
{
	(void)state;
	fake_engine.holds_lookups = true;
	struct fake_call *calls[10];
	for (size_t i = 0; i < ARRAY_COUNT(calls); i++)
		calls[i] = call_info(i % 2 ? "secret of the shop" : "secret of nobody");
	assert_int_equal(fake_engine.count, 2);
	assert_int_equal(api_calls_in_flight(api), 10);
	fake_answer_lookups();
	for (size_t i = 0; i < ARRAY_COUNT(calls); i++) {
		assert_true(calls[i]->finished);
		assert_int_equal(calls[i]->code, i % 2 ? 0 : 16);
		fake_call_free(calls[i]);
	}
	assert_int_equal(fake_engine.lookups, 2);
}

static void lookups_under_way_are_bounded(void **state)
{
	(void)state;
	fake_engine.holds_lookups = true;
	struct fake_call *calls[100];
	size_t overloaded = 0;
	for (size_t i = 0; i < ARRAY_COUNT(calls); i++) {
		char guess[32];
		snprintf(guess, sizeof(guess), "guess %zu", i);
		calls[i] = call_info(guess);
		overloaded += calls[i]->finished;
		if (calls[i]->finished)
			assert_string_equal(calls[i]->reason, "OVERLOADED");
	}
	assert_int_equal(fake_engine.count + overloaded, ARRAY_COUNT(calls));
	assert_true(overloaded > 0);
	fake_answer_lookups();
	for (size_t i = 0; i < ARRAY_COUNT(calls); i++)
		fake_call_free(calls[i]);
}

static void a_lookup_that_fails_says_so_and_is_not_remembered(void **state)
{
	(void)state;
	fake_engine.holds_lookups = true;
	struct fake_call *call = call_info("secret of the shop");
	fake_refuse(STOCKBOOK__V1__REASON__REASON_UNAVAILABLE, "the database cannot be reached");
	assert_int_equal(call->code, 14);
	assert_string_equal(call->reason, "UNAVAILABLE");
	fake_call_free(call);
	fake_engine.holds_lookups = false;
	is_answered("secret of the shop");
}

static void a_token_in_use_is_looked_up_again_without_waiting(void **state)
{
	(void)state;
	is_answered("secret of the shop");
	usleep(1000000);
	fake_engine.holds_lookups = true;
	is_answered("secret of the shop"); /* while the lookup is under way */
	is_answered("secret of the shop");
	assert_int_equal(fake_engine.count, 1);
	fake_answer_lookups();
	assert_int_equal(fake_engine.lookups, 2);
	usleep(1000000); /* the first lookup alone would be too old now */
	is_answered("secret of the shop");
	fake_answer_lookups();
}

static void a_revoked_token_ends_within_two_seconds(void **state)
{
	(void)state;
	is_answered("secret of the shop");
	tokens[0].revoked = true; /* by another server */
	is_answered("secret of the shop");
	usleep(2000000);
	is_refused("secret of the shop");
	is_refused("secret of the shop");
}

static void a_token_in_use_that_is_revoked_ends_within_two_seconds(void **state)
{
	(void)state;
	is_answered("secret of the shop");
	tokens[0].revoked = true;
	for (int i = 0; i < 20; i++) {
		struct fake_call *call = call_info("secret of the shop");
		fake_call_free(call);
		usleep(100000);
	}
	is_refused("secret of the shop");
}

/* ---- Making and revoking ---- */

static struct fake_call *call_create(void)
{
	return fake_call(api, "TokenService/CreateToken", "secret of the admin",
		fake_message(&arena, &stockbook__v1__create_token_request__descriptor,
			ID "name=till 3; role=2", NULL));
}

/* The book's answer to the request that waits, packed. */
static size_t book_answer(uint8_t *packed)
{
	const Stockbook__Internal__V1__StoreTokenRequest *store = fake_request(0)->message;
	assert_string_equal(store->request->name, "till 3");
	assert_int_equal(store->hash.len, FAKE_HASH_SIZE);
	char hash[2 * FAKE_HASH_SIZE + 1];
	for (size_t i = 0; i < FAKE_HASH_SIZE; i++)
		snprintf(hash + 2 * i, 3, "%02x", store->hash.data[i]);
	Stockbook__V1__CreateTokenResponse response = STOCKBOOK__V1__CREATE_TOKEN_RESPONSE__INIT;
	Stockbook__V1__Token token = STOCKBOOK__V1__TOKEN__INIT;
	token.name = store->request->name;
	response.token = &token;
	response.secret = hash;
	return stockbook__v1__create_token_response__pack(&response, packed);
}

static void a_new_token_comes_with_its_secret_once(void **state)
{
	(void)state;
	uint8_t packed[512];
	struct fake_call *call = call_create();
	uint8_t hash[FAKE_HASH_SIZE];
	memcpy(hash,
		((const Stockbook__Internal__V1__StoreTokenRequest *)fake_request(0)->message)->hash.data,
		sizeof(hash));
	size_t size = book_answer(packed);
	fake_answer_packed(packed, size);
	assert_int_equal(call->code, 0);
	Stockbook__V1__CreateTokenResponse *response =
		stockbook__v1__create_token_response__unpack(NULL, call->messages[0].size,
			call->messages[0].bytes);
	assert_string_equal(response->token->name, "till 3");
	assert_int_equal(strlen(response->secret), 43); /* 32 bytes */
	assert_int_equal(strspn(response->secret, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
											  "0123456789-_"),
		43);
	uint8_t again[FAKE_HASH_SIZE];
	token_hash(response->secret, again);
	assert_memory_equal(again, hash, sizeof(hash));
	stockbook__v1__create_token_response__free_unpacked(response, NULL);
	fake_call_free(call);

	/* The same request again: the engine gives the remembered answer. */
	call = call_create();
	fake_answer_packed(packed, size);
	assert_int_equal(call->code, 9);
	assert_string_equal(call->reason, "IN_USE");
	assert_int_equal(call->message_count, 0);
	fake_call_free(call);
}

static void secrets_differ(void **state)
{
	(void)state;
	struct secret a;
	struct secret b;
	secret_make(&a);
	secret_make(&b);
	assert_string_not_equal(a.text, b.text);
	assert_memory_not_equal(a.hash, b.hash, FAKE_HASH_SIZE);
}

static void a_token_that_is_revoked_here_ends_at_once(void **state)
{
	(void)state;
	is_answered("secret of the shop");
	struct fake_call *call = fake_call(api, "TokenService/RevokeToken", "secret of the admin",
		fake_message(&arena, &stockbook__v1__revoke_token_request__descriptor, ID "name=the shop",
			NULL));
	tokens[0].revoked = true;
	fake_answer_packed(NULL, 0);
	assert_int_equal(call->code, 0);
	fake_call_free(call);
	is_refused("secret of the shop");
}

/* ---- The first token ---- */

struct bootstrapped {
	size_t calls;
	char error[256];
	bool created;
};

static void on_bootstrap(const char *error, bool created, void *data)
{
	struct bootstrapped *result = data;
	result->calls++;
	result->created = created;
	snprintf(result->error, sizeof(result->error), "%s", error ? error : "");
}

static char folder[64];
static char file[128];
static char file_new[136];

static int start_in_folder(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/stockbook-tokens-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/token", folder);
	snprintf(file_new, sizeof(file_new), "%s/token.new", folder);
	return start(state);
}

static int stop_in_folder(void **state)
{
	unlink(file);
	unlink(file_new);
	rmdir(folder);
	return stop(state);
}

static void answer_admin(bool found)
{
	Stockbook__Internal__V1__FindAdminResponse response =
		STOCKBOOK__INTERNAL__V1__FIND_ADMIN_RESPONSE__INIT;
	response.found = found;
	fake_answer(&response.base);
}

static void the_first_token_is_written_to_a_file_of_its_owner(void **state)
{
	(void)state;
	struct bootstrapped result = {0};
	api_bootstrap(api, file, on_bootstrap, &result);
	answer_admin(false);
	assert_int_equal(access(file, F_OK), -1); /* not before the book has it */
	const struct engine_request *request = fake_request(0);
	assert_string_equal(request->operation->name, "TokenService/CreateToken");
	assert_true(uuid_is_nil(&request->request_id));
	const Stockbook__Internal__V1__StoreTokenRequest *store = request->message;
	assert_string_equal(store->request->name, "bootstrap");
	assert_int_equal(store->request->role, STOCKBOOK__V1__ROLE__ROLE_ADMIN);
	uint8_t hash[FAKE_HASH_SIZE];
	memcpy(hash, store->hash.data, sizeof(hash));
	fake_answer_packed(NULL, 0);
	assert_int_equal(result.calls, 1);
	assert_string_equal(result.error, "");
	assert_true(result.created);

	struct stat status;
	assert_int_equal(stat(file, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	char line[128] = "";
	FILE *opened = fopen(file, "r");
	assert_non_null(fgets(line, sizeof(line), opened));
	fclose(opened);
	line[strcspn(line, "\n")] = '\0';
	uint8_t again[FAKE_HASH_SIZE];
	token_hash(line, again);
	assert_memory_equal(again, hash, sizeof(hash));
	assert_int_equal(access(file_new, F_OK), -1);
}

static void there_is_no_first_token_where_an_admin_is(void **state)
{
	(void)state;
	struct bootstrapped result = {0};
	api_bootstrap(api, file, on_bootstrap, &result);
	answer_admin(true);
	assert_int_equal(result.calls, 1);
	assert_string_equal(result.error, "");
	assert_false(result.created);
	assert_int_equal(access(file, F_OK), -1);
	assert_int_equal(fake_engine.count, 0);
}

static void another_server_may_be_first(void **state)
{
	(void)state;
	struct bootstrapped result = {0};
	api_bootstrap(api, file, on_bootstrap, &result);
	answer_admin(false);
	fake_refuse(STOCKBOOK__V1__REASON__REASON_IN_USE, "token 'bootstrap' exists already");
	assert_string_equal(result.error, "");
	assert_false(result.created);
	assert_int_equal(access(file, F_OK), -1);
	assert_int_equal(access(file_new, F_OK), -1);
}

static void a_first_token_that_cannot_be_kept_is_an_error(void **state)
{
	(void)state;
	struct bootstrapped result = {0};
	api_bootstrap(api, "/nowhere/token", on_bootstrap, &result);
	answer_admin(false);
	assert_non_null(strstr(result.error, "file '/nowhere/token.new' cannot be made"));
	assert_int_equal(fake_engine.count, 0);

	api_bootstrap(api, file, on_bootstrap, &result);
	answer_admin(false);
	fake_refuse(STOCKBOOK__V1__REASON__REASON_UNAVAILABLE, "the database cannot be reached");
	assert_string_equal(result.error, "the database cannot be reached");
	assert_int_equal(access(file, F_OK), -1);
	assert_int_equal(access(file_new, F_OK), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
#define TEST_IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, start_in_folder, stop_in_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(calls_without_a_valid_token_are_refused),
		TEST(in_open_mode_everyone_is_an_admin),
		TEST(a_token_is_looked_up_once_for_many_calls),
		TEST(unknown_tokens_are_remembered_too),
		TEST(guessing_does_not_drive_out_known_tokens),
		TEST(calls_at_once_wait_for_one_lookup),
		TEST(lookups_under_way_are_bounded),
		TEST(a_lookup_that_fails_says_so_and_is_not_remembered),
		TEST(a_token_in_use_is_looked_up_again_without_waiting),
		TEST(a_revoked_token_ends_within_two_seconds),
		TEST(a_token_in_use_that_is_revoked_ends_within_two_seconds),
		TEST(a_new_token_comes_with_its_secret_once),
		TEST(secrets_differ),
		TEST(a_token_that_is_revoked_here_ends_at_once),
		TEST_IN_FOLDER(the_first_token_is_written_to_a_file_of_its_owner),
		TEST_IN_FOLDER(there_is_no_first_token_where_an_admin_is),
		TEST_IN_FOLDER(another_server_may_be_first),
		TEST_IN_FOLDER(a_first_token_that_cannot_be_kept_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
