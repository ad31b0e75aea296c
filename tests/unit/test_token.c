/* Tokens in the book: made, listed, found and revoked, without a secret in sight. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "stockbook/internal/v1/token.pb-c.h"
#include "stockbook/v1/ledger.pb-c.h"
#include "stockbook/v1/token.pb-c.h"

#include "book/token.h"
#include "unit/book_fixture.h"

struct creation {
	Stockbook__Internal__V1__StoreTokenRequest store;
	Stockbook__V1__CreateTokenRequest request;
	uint8_t hash[TOKEN_HASH_SIZE];
	char *locations[2];
};

/* The hash is of one byte, repeated. */
static const void *creation_of(struct creation *creation, const char *name,
	Stockbook__V1__Role role, uint8_t hash)
{
	stockbook__internal__v1__store_token_request__init(&creation->store);
	stockbook__v1__create_token_request__init(&creation->request);
	memset(creation->hash, hash, sizeof(creation->hash));
	creation->request.name = (char *)name;
	creation->request.role = role;
	creation->store.request = &creation->request;
	creation->store.hash = (ProtobufCBinaryData){sizeof(creation->hash), creation->hash};
	return &creation->store;
}

static const Stockbook__V1__CreateTokenResponse *create(struct book *book, const char *name,
	Stockbook__V1__Role role, uint8_t hash)
{
	struct creation creation;
	return book_call(book, "TokenService/CreateToken", creation_of(&creation, name, role, hash));
}

static const Stockbook__V1__Token *find(struct book *book, uint8_t hash)
{
	uint8_t bytes[TOKEN_HASH_SIZE];
	memset(bytes, hash, sizeof(bytes));
	Stockbook__Internal__V1__FindTokenRequest request =
		STOCKBOOK__INTERNAL__V1__FIND_TOKEN_REQUEST__INIT;
	request.hash = (ProtobufCBinaryData){sizeof(bytes), bytes};
	const Stockbook__Internal__V1__FindTokenResponse *response =
		book_call(book, "Internal/FindToken", &request);
	return response->token;
}

static bool has_admin(struct book *book)
{
	Stockbook__Internal__V1__FindAdminRequest request =
		STOCKBOOK__INTERNAL__V1__FIND_ADMIN_REQUEST__INIT;
	const Stockbook__Internal__V1__FindAdminResponse *response =
		book_call(book, "Internal/FindAdmin", &request);
	return response->found;
}

static const Stockbook__V1__Token *revoke(struct book *book, const char *name)
{
	Stockbook__V1__RevokeTokenRequest request = STOCKBOOK__V1__REVOKE_TOKEN_REQUEST__INIT;
	request.name = (char *)name;
	const Stockbook__V1__RevokeTokenResponse *response =
		book_call(book, "TokenService/RevokeToken", &request);
	return response->token;
}

static void a_token_is_found_by_its_hash_and_no_other(void **state)
{
	struct book *book = *state;
	const Stockbook__V1__CreateTokenResponse *response =
		create(book, "shop", STOCKBOOK__V1__ROLE__ROLE_SHOP, 0xa7);
	assert_string_equal(response->token->name, "shop");
	/* In place of the secret, which the book does not know. */
	assert_int_equal(strlen(response->secret), 2 * TOKEN_HASH_SIZE);
	assert_memory_equal(response->secret, "a7a7", 4);
	const Stockbook__V1__Token *found = find(book, 0xa7);
	assert_non_null(found);
	assert_string_equal(found->name, "shop");
	assert_int_equal(found->role, STOCKBOOK__V1__ROLE__ROLE_SHOP);
	assert_non_null(found->create_time);
	assert_null(found->revoke_time);
	assert_null(find(book, 0xa8));
}

static void a_name_is_taken_until_its_token_is_revoked(void **state)
{
	struct book *book = *state;
	struct creation creation;
	create(book, "shop", STOCKBOOK__V1__ROLE__ROLE_SHOP, 1);
	book_refusal(book, "TokenService/CreateToken",
		creation_of(&creation, "shop", STOCKBOOK__V1__ROLE__ROLE_READER, 2),
		STOCKBOOK__V1__REASON__REASON_IN_USE);
	assert_non_null(revoke(book, "shop")->revoke_time);
	assert_non_null(find(book, 1)->revoke_time);
	create(book, "shop", STOCKBOOK__V1__ROLE__ROLE_READER, 2);
	assert_null(find(book, 1));
	assert_int_equal(find(book, 2)->role, STOCKBOOK__V1__ROLE__ROLE_READER);
	assert_null(find(book, 2)->revoke_time);
}

static void revoking_is_final_and_may_be_repeated(void **state)
{
	struct book *book = *state;
	create(book, "shop", STOCKBOOK__V1__ROLE__ROLE_SHOP, 1);
	const Stockbook__V1__Token *first = revoke(book, "shop");
	const Stockbook__V1__Token *second = revoke(book, "shop");
	assert_int_equal(first->revoke_time->nanos, second->revoke_time->nanos);
	assert_int_equal(first->revoke_time->seconds, second->revoke_time->seconds);
	Stockbook__V1__RevokeTokenRequest request = STOCKBOOK__V1__REVOKE_TOKEN_REQUEST__INIT;
	request.name = (char *)"nobody";
	const struct refusal *refusal = book_refusal(book, "TokenService/RevokeToken", &request,
		STOCKBOOK__V1__REASON__REASON_TOKEN_NOT_FOUND);
	assert_string_equal(refusal_value(refusal, "name"), "nobody");
}

static void only_a_stores_token_is_bound_to_locations_and_they_exist(void **state)
{
	struct book *book = *state;
	struct creation creation;
	book_add_location(book, "LEEDS");
	const void *request = creation_of(&creation, "till", STOCKBOOK__V1__ROLE__ROLE_STORE, 1);
	assert_wrong_field(book_refusal(book, "TokenService/CreateToken", request,
						   STOCKBOOK__V1__REASON__REASON_INVALID_FIELD),
		"locations");
	creation.request.locations = creation.locations;
	creation.request.n_locations = 2;
	creation.locations[0] = (char *)"LEEDS";
	creation.locations[1] = (char *)"YORK";
	const struct refusal *refusal = book_refusal(book, "TokenService/CreateToken", request,
		STOCKBOOK__V1__REASON__REASON_LOCATION_NOT_FOUND);
	assert_string_equal(refusal_value(refusal, "field"), "locations[1]");
	creation.request.n_locations = 1;
	book_call(book, "TokenService/CreateToken", request);
	const Stockbook__V1__Token *found = find(book, 1);
	assert_int_equal(found->n_locations, 1);
	assert_string_equal(found->locations[0], "LEEDS");
	creation.request.name = (char *)"other";
	creation.request.role = STOCKBOOK__V1__ROLE__ROLE_FULFILMENT;
	assert_wrong_field(book_refusal(book, "TokenService/CreateToken", request,
						   STOCKBOOK__V1__REASON__REASON_INVALID_FIELD),
		"locations");
}

static void an_admin_counts_until_revoked(void **state)
{
	struct book *book = *state;
	assert_false(has_admin(book));
	create(book, "shop", STOCKBOOK__V1__ROLE__ROLE_SHOP, 1);
	assert_false(has_admin(book));
	create(book, "first", STOCKBOOK__V1__ROLE__ROLE_ADMIN, 2);
	create(book, "second", STOCKBOOK__V1__ROLE__ROLE_ADMIN, 3);
	revoke(book, "first");
	assert_true(has_admin(book));
	revoke(book, "second");
	assert_false(has_admin(book));
}

static void tokens_are_listed_by_name_in_pages(void **state)
{
	struct book *book = *state;
	static const char *const names[] = {"till 2", "shop", "till 1"};
	static const char *const sorted[] = {"shop", "till 1", "till 2"};
	for (size_t i = 0; i < ARRAY_COUNT(names); i++)
		create(book, names[i], STOCKBOOK__V1__ROLE__ROLE_SHOP, (uint8_t)i);
	revoke(book, "till 1");
	Stockbook__V1__ListTokensRequest request = STOCKBOOK__V1__LIST_TOKENS_REQUEST__INIT;
	request.page_size = 1;
	for (size_t i = 0; i < ARRAY_COUNT(sorted); i++) {
		const Stockbook__V1__ListTokensResponse *response =
			book_call(book, "TokenService/ListTokens", &request);
		assert_int_equal(response->n_tokens, 1);
		assert_string_equal(response->tokens[0]->name, sorted[i]);
		assert_int_equal(response->tokens[0]->revoke_time != NULL, i == 1);
		request.page_token = response->next_page_token;
	}
	assert_string_equal(request.page_token, "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, book_setup, book_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_token_is_found_by_its_hash_and_no_other),
		TEST(a_name_is_taken_until_its_token_is_revoked),
		TEST(revoking_is_final_and_may_be_repeated),
		TEST(only_a_stores_token_is_bound_to_locations_and_they_exist),
		TEST(an_admin_counts_until_revoked),
		TEST(tokens_are_listed_by_name_in_pages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
