/* Items: identity, aliases, lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <xxhash.h>

#include "unit/book_fixture.h"

#include "stockbook/v1/item.pb-c.h"
#include "stockbook/v1/stock.pb-c.h"

#define REASON(name) STOCKBOOK__V1__REASON__REASON_##name

struct put {
	Stockbook__V1__PutItemRequest request;
	Stockbook__V1__Item item;
	char *aliases[4];
};

/* Ended by NULL: the aliases. */
static void *put_item(struct put *put, const char *sku, ...)
{
	stockbook__v1__put_item_request__init(&put->request);
	stockbook__v1__item__init(&put->item);
	put->request.item = &put->item;
	put->item.sku = (char *)sku;
	put->item.aliases = put->aliases;
	va_list aliases;
	va_start(aliases, sku);
	for (char *alias; (alias = va_arg(aliases, char *));)
		put->aliases[put->item.n_aliases++] = alias;
	va_end(aliases);
	return &put->request;
}

static const Stockbook__V1__Item *get_item(struct book *book, const char *text)
{
	Stockbook__V1__GetItemRequest request = STOCKBOOK__V1__GET_ITEM_REQUEST__INIT;
	request.sku = (char *)text;
	const Stockbook__V1__GetItemResponse *response =
		book_call(book, "ItemService/GetItem", &request);
	return response->item;
}

static void refuse_get(struct book *book, const char *text)
{
	Stockbook__V1__GetItemRequest request = STOCKBOOK__V1__GET_ITEM_REQUEST__INIT;
	request.sku = (char *)text;
	const struct refusal *refusal =
		book_refusal(book, "ItemService/GetItem", &request, REASON(ITEM_NOT_FOUND));
	assert_string_equal(refusal_value(refusal, "sku"), text);
}

static void an_item_is_found_by_its_sku_and_by_each_alias(void **state)
{
	struct book *book = *state;
	struct put put;
	put_item(&put, "85123A", "5012345678900", "HEART", NULL);
	put.item.name = "white hanging heart";
	const Stockbook__V1__PutItemResponse *response =
		book_call(book, "ItemService/PutItem", &put.request);
	assert_true(response->created);
	const char *texts[] = {"85123A", "5012345678900", "HEART"};
	for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
		const Stockbook__V1__Item *item = get_item(book, texts[i]);
		assert_string_equal(item->sku, "85123A");
		assert_string_equal(item->name, "white hanging heart");
		assert_int_equal(item->n_aliases, 2);
		assert_null(item->safety_stock);
		assert_non_null(item->create_time);
	}
	refuse_get(book, "85123a"); /* case matters */
}

static void putting_an_item_again_replaces_what_is_said_of_it(void **state)
{
	struct book *book = *state;
	struct put put;
	book_call(book, "ItemService/PutItem", put_item(&put, "A", "one", "two", NULL));
	const Stockbook__V1__Item *before = get_item(book, "A");
	const Stockbook__V1__PutItemResponse *response =
		book_call(book, "ItemService/PutItem", put_item(&put, "A", "two", "three", NULL));
	assert_false(response->created);
	refuse_get(book, "one");
	assert_string_equal(get_item(book, "two")->sku, "A");
	assert_string_equal(get_item(book, "three")->sku, "A");
	assert_int_equal(get_item(book, "A")->create_time->seconds, before->create_time->seconds);
	assert_int_equal(get_item(book, "A")->create_time->nanos, before->create_time->nanos);
	assert_int_not_equal(get_item(book, "A")->update_time->nanos, before->update_time->nanos);
}

static void an_alias_belongs_to_one_item(void **state)
{
	struct book *book = *state;
	struct put put;
	book_call(book, "ItemService/PutItem", put_item(&put, "A", "code", NULL));
	const struct refusal *refusal = book_refusal(book, "ItemService/PutItem",
		put_item(&put, "B", "other", "code", NULL), REASON(ALIAS_TAKEN));
	assert_string_equal(refusal_value(refusal, "sku"), "A");
	assert_string_equal(refusal_value(refusal, "field"), "item.aliases[1]");
	refuse_get(book, "B");
	refuse_get(book, "other");
}

static void an_alias_that_was_given_up_may_be_taken(void **state)
{
	struct book *book = *state;
	struct put put;
	book_call(book, "ItemService/PutItem", put_item(&put, "A", "code", NULL));
	book_call(book, "ItemService/PutItem", put_item(&put, "A", NULL));
	book_call(book, "ItemService/PutItem", put_item(&put, "B", "code", NULL));
	assert_string_equal(get_item(book, "code")->sku, "B");
}

static void an_alias_is_no_sku_and_a_sku_no_alias(void **state)
{
	struct book *book = *state;
	struct put put;
	book_call(book, "ItemService/PutItem", put_item(&put, "A", "code", NULL));
	book_refusal(book, "ItemService/PutItem", put_item(&put, "code", NULL), REASON(ALIAS_TAKEN));
	book_refusal(book, "ItemService/PutItem", put_item(&put, "B", "A", NULL), REASON(ALIAS_TAKEN));
}

static void an_alias_named_twice_or_equal_to_its_sku_is_a_wrong_field(void **state)
{
	struct book *book = *state;
	struct put put;
	assert_wrong_field(book_refusal(book, "ItemService/PutItem",
						   put_item(&put, "A", "x", "x", NULL), REASON(INVALID_FIELD)),
		"item.aliases[1]");
	assert_wrong_field(book_refusal(book, "ItemService/PutItem", put_item(&put, "A", "A", NULL),
						   REASON(INVALID_FIELD)),
		"item.aliases[0]");
}

static void a_negative_safety_stock_is_a_wrong_field(void **state)
{
	struct book *book = *state;
	struct put put;
	Google__Protobuf__Int64Value value = GOOGLE__PROTOBUF__INT64_VALUE__INIT;
	value.value = -1;
	put_item(&put, "A", NULL);
	put.item.safety_stock = &value;
	assert_wrong_field(book_refusal(book, "ItemService/PutItem", &put.request,
						   REASON(INVALID_FIELD)),
		"item.safety_stock");
	value.value = 0;
	book_call(book, "ItemService/PutItem", &put.request);
	assert_int_equal(get_item(book, "A")->safety_stock->value, 0);
}

/* "SKU rename breaks stock": identity and alias are two things. */
static void a_former_name_as_alias_finds_the_same_stock(void **state)
{
	struct book *book = *state;
	struct put put;
	book_add_location(book, "L");
	book_call(book, "ItemService/PutItem", put_item(&put, "NEW", "OLD", NULL));
	book_receive(book, "NEW", "L", 3);
	book_receive(book, "OLD", "L", 4);
	assert_int_equal(book_stock(book, "NEW", "L").available, 7);
	assert_int_equal(book_stock(book, "OLD", "L").available, 0);
}

static void items_are_listed_page_by_page_in_the_order_of_their_skus(void **state)
{
	struct book *book = *state;
	const char *skus[] = {"B2", "A1", "C", "B10", "a", "B1"};
	const char *sorted[] = {"A1", "B1", "B10", "B2", "C", "a"};
	for (size_t i = 0; i < ARRAY_COUNT(skus); i++)
		book_add_item(book, skus[i]);
	for (int32_t size = 1; size <= 7; size++) {
		Stockbook__V1__ListItemsRequest request = STOCKBOOK__V1__LIST_ITEMS_REQUEST__INIT;
		request.page_size = size;
		size_t seen = 0;
		const Stockbook__V1__ListItemsResponse *page;
		do {
			page = book_call(book, "ItemService/ListItems", &request);
			assert_true(page->n_items >= 1 && page->n_items <= (size_t)size);
			for (size_t i = 0; i < page->n_items; i++)
				assert_string_equal(page->items[i]->sku, sorted[seen++]);
			request.page_token = page->next_page_token;
		} while (request.page_token[0]);
		assert_int_equal(seen, ARRAY_COUNT(sorted));
	}
}

static void items_are_listed_by_the_beginning_of_their_sku(void **state)
{
	struct book *book = *state;
	book_add_item(book, "B1");
	book_add_item(book, "B");
	book_add_item(book, "AB");
	Stockbook__V1__ListItemsRequest request = STOCKBOOK__V1__LIST_ITEMS_REQUEST__INIT;
	request.sku_prefix = "B";
	const Stockbook__V1__ListItemsResponse *page =
		book_call(book, "ItemService/ListItems", &request);
	assert_int_equal(page->n_items, 2);
	assert_string_equal(page->items[0]->sku, "B");
}

static void a_page_token_serves_only_the_list_it_came_from(void **state)
{
	struct book *book = *state;
	book_add_item(book, "A1");
	book_add_item(book, "A2");
	Stockbook__V1__ListItemsRequest request = STOCKBOOK__V1__LIST_ITEMS_REQUEST__INIT;
	request.page_size = 1;
	const Stockbook__V1__ListItemsResponse *page =
		book_call(book, "ItemService/ListItems", &request);
	char *token = page->next_page_token;
	assert_true(token[0] != '\0');

	request.page_token = token;
	request.sku_prefix = "A";
	assert_wrong_field(book_refusal(book, "ItemService/ListItems", &request, REASON(INVALID_FIELD)),
		"page_token");
	request.sku_prefix = "";
	request.page_size = 5; /* another size is another cut of the same list */
	page = book_call(book, "ItemService/ListItems", &request);
	assert_string_equal(page->items[0]->sku, "A2");

	const size_t length = strlen(token);
	for (size_t i = 0; i < length; i++) {
		char *damaged = arena_string(&book->arena, token);
		damaged[i] = damaged[i] == 'x' ? 'y' : 'x';
		request.page_token = damaged;
		book_refusal(book, "ItemService/ListItems", &request, REASON(INVALID_FIELD));
		damaged[i] = '\0';
		if (i > 0)
			book_refusal(book, "ItemService/ListItems", &request, REASON(INVALID_FIELD));
	}
	request.page_token = "no token / at all";
	book_refusal(book, "ItemService/ListItems", &request, REASON(INVALID_FIELD));
}

/* The token of a page of all items that goes on after this text, as somebody makes it up who has read
 * how it is made. */
static char *token_after(struct book *book, const char *text)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const char *name = stockbook__v1__list_items_request__descriptor.name;
	uint64_t request = XXH3_64bits_withSeed("", 0, XXH3_64bits(name, strlen(name)));
	uint64_t hash = XXH3_64bits_withSeed(text, strlen(text) + 1, request);
	char *bytes = arena_printf(&book->arena, "%8s%s", "", text);
	size_t size = sizeof(hash) + strlen(text) + 1;
	memcpy(bytes, &hash, sizeof(hash));
	char *token = arena_alloc(&book->arena, 2 * size + 1);
	uint32_t bits = 0;
	size_t bit_count = 0, count = 0;
	for (size_t i = 0; i < size; i++) {
		bits = bits << 8 | (uint8_t)bytes[i];
		for (bit_count += 8; bit_count >= 6; bit_count -= 6)
			token[count++] = digits[bits >> (bit_count - 6) & 63];
	}
	if (bit_count > 0)
		token[count++] = digits[bits << (6 - bit_count) & 63];
	return token;
}

static void a_page_token_that_is_made_up_goes_on_after_texts_alone(void **state)
{
	struct book *book = *state;
	static const char *const wrong[] = {"\xff", "A\xc3", "\xed\xa0\x80", "A\xc0\x80"};
	book_add_item(book, "A1");
	book_add_item(book, "A2");
	Stockbook__V1__ListItemsRequest request = STOCKBOOK__V1__LIST_ITEMS_REQUEST__INIT;
	request.page_token = token_after(book, "A1");
	const Stockbook__V1__ListItemsResponse *page =
		book_call(book, "ItemService/ListItems", &request);
	assert_int_equal(page->n_items, 1);
	assert_string_equal(page->items[0]->sku, "A2");
	for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
		request.page_token = token_after(book, wrong[i]);
		assert_wrong_field(book_refusal(book, "ItemService/ListItems", &request,
							   REASON(INVALID_FIELD)),
			"page_token");
	}
}

static void the_same_request_puts_an_item_once(void **state)
{
	struct book *book = *state;
	struct put put;
	put_item(&put, "A", NULL);
	put.request.request_id = "0190f3c2-1b2d-7abc-8def-0123456789ab";
	const Stockbook__V1__PutItemResponse *first =
		book_call(book, "ItemService/PutItem", &put.request);
	const Stockbook__V1__PutItemResponse *again =
		book_call(book, "ItemService/PutItem", &put.request);
	assert_true(first->created && again->created);
	assert_int_equal(first->item->update_time->nanos, again->item->update_time->nanos);
	put.item.name = "other";
	book_refusal(book, "ItemService/PutItem", &put.request, REASON(REQUEST_ID_REUSED));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, book_setup, book_teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_item_is_found_by_its_sku_and_by_each_alias),
		TEST(putting_an_item_again_replaces_what_is_said_of_it),
		TEST(an_alias_belongs_to_one_item),
		TEST(an_alias_that_was_given_up_may_be_taken),
		TEST(an_alias_is_no_sku_and_a_sku_no_alias),
		TEST(an_alias_named_twice_or_equal_to_its_sku_is_a_wrong_field),
		TEST(a_negative_safety_stock_is_a_wrong_field),
		TEST(a_former_name_as_alias_finds_the_same_stock),
		TEST(items_are_listed_page_by_page_in_the_order_of_their_skus),
		TEST(items_are_listed_by_the_beginning_of_their_sku),
		TEST(a_page_token_serves_only_the_list_it_came_from),
		TEST(a_page_token_that_is_made_up_goes_on_after_texts_alone),
		TEST(the_same_request_puts_an_item_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
