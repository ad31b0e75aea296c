/* Channels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/book_fixture.h"

#include "stockbook/v1/channel.pb-c.h"

#define REASON(name) STOCKBOOK__V1__REASON__REASON_##name

struct put {
	Stockbook__V1__PutChannelRequest request;
	Stockbook__V1__Channel channel;
};

static void *put_channel(struct put *put, const char *code, const char *group)
{
	stockbook__v1__put_channel_request__init(&put->request);
	stockbook__v1__channel__init(&put->channel);
	put->request.channel = &put->channel;
	put->channel.code = (char *)code;
	put->channel.location_group = (char *)group;
	put->channel.kind = STOCKBOOK__V1__CHANNEL_KIND__CHANNEL_KIND_WEB;
	return &put->request;
}

static void a_channel_is_put_replaced_and_found(void **state)
{
	struct book *book = *state;
	struct put put;
	const char *members[] = {"A"};
	book_add_location(book, "A");
	book_add_channel(book, "north", members, 1);
	Google__Protobuf__Int64Value safety_stock = GOOGLE__PROTOBUF__INT64_VALUE__INIT;
	safety_stock.value = 3;
	put_channel(&put, "web", "north");
	put.channel.safety_stock = &safety_stock;
	const Stockbook__V1__PutChannelResponse *response =
		book_call(book, "ChannelService/PutChannel", &put.request);
	assert_true(response->created);
	Stockbook__V1__GetChannelRequest get = STOCKBOOK__V1__GET_CHANNEL_REQUEST__INIT;
	get.code = "web";
	const Stockbook__V1__GetChannelResponse *got =
		book_call(book, "ChannelService/GetChannel", &get);
	assert_string_equal(got->channel->location_group, "north");
	assert_int_equal(got->channel->safety_stock->value, 3);
	response = book_call(book, "ChannelService/PutChannel", put_channel(&put, "web", ""));
	assert_false(response->created);
	got = book_call(book, "ChannelService/GetChannel", &get);
	assert_string_equal(got->channel->location_group, "");
	assert_null(got->channel->safety_stock);
}

static void what_a_channel_sources_by_is_kept(void **state)
{
	struct book *book = *state;
	struct put put;
	book_add_location(book, "A");
	book_add_location(book, "B");
	put_channel(&put, "web", "");
	Stockbook__V1__ChannelExclusion exclusions[2] = {
		STOCKBOOK__V1__CHANNEL_EXCLUSION__INIT, STOCKBOOK__V1__CHANNEL_EXCLUSION__INIT};
	Stockbook__V1__ChannelExclusion *list[] = {&exclusions[0], &exclusions[1]};
	exclusions[0].location = "A";
	exclusions[1].location = "B";
	exclusions[1].method = STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_SHIP;
	put.channel.exclusions = list;
	put.channel.n_exclusions = 2;
	put.channel.plans_shipments = true;
	put.channel.strategy = STOCKBOOK__V1__SOURCING_STRATEGY__SOURCING_STRATEGY_NEAREST;
	put.channel.delivery_days = 2;
	put.channel.delivery_km_per_day = 300;
	book_call(book, "ChannelService/PutChannel", &put.request);
	Stockbook__V1__GetChannelRequest get = STOCKBOOK__V1__GET_CHANNEL_REQUEST__INIT;
	get.code = "web";
	const Stockbook__V1__GetChannelResponse *got =
		book_call(book, "ChannelService/GetChannel", &get);
	assert_true(got->channel->plans_shipments);
	assert_int_equal(got->channel->strategy, put.channel.strategy);
	assert_int_equal(got->channel->delivery_days, 2);
	assert_int_equal(got->channel->delivery_km_per_day, 300);
	assert_int_equal(got->channel->n_exclusions, 2);
	assert_string_equal(got->channel->exclusions[1]->location, "B");
	assert_int_equal(got->channel->exclusions[1]->method, exclusions[1].method);
	exclusions[1].location = "MOON";
	const struct refusal *refusal =
		book_refusal(book, "ChannelService/PutChannel", &put.request, REASON(LOCATION_NOT_FOUND));
	assert_string_equal(refusal_value(refusal, "field"), "channel.exclusions[1].location");
}

static void a_channel_sources_only_from_a_group_that_exists(void **state)
{
	struct book *book = *state;
	struct put put;
	const struct refusal *refusal = book_refusal(book, "ChannelService/PutChannel",
		put_channel(&put, "web", "nothing"), REASON(LOCATION_GROUP_NOT_FOUND));
	assert_string_equal(refusal_value(refusal, "location_group"), "nothing");
	Stockbook__V1__GetChannelRequest get = STOCKBOOK__V1__GET_CHANNEL_REQUEST__INIT;
	get.code = "web";
	book_refusal(book, "ChannelService/GetChannel", &get, REASON(CHANNEL_NOT_FOUND));
}

static void channels_are_listed_in_the_order_of_their_codes(void **state)
{
	struct book *book = *state;
	struct put put;
	book_call(book, "ChannelService/PutChannel", put_channel(&put, "web", ""));
	book_call(book, "ChannelService/PutChannel", put_channel(&put, "till", ""));
	Stockbook__V1__ListChannelsRequest request = STOCKBOOK__V1__LIST_CHANNELS_REQUEST__INIT;
	request.page_size = 1;
	const Stockbook__V1__ListChannelsResponse *page =
		book_call(book, "ChannelService/ListChannels", &request);
	assert_int_equal(page->n_channels, 1);
	assert_string_equal(page->channels[0]->code, "till");
	request.page_token = page->next_page_token;
	page = book_call(book, "ChannelService/ListChannels", &request);
	assert_string_equal(page->channels[0]->code, "web");
	assert_string_equal(page->next_page_token, "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, book_setup, book_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_channel_is_put_replaced_and_found),
		TEST(what_a_channel_sources_by_is_kept),
		TEST(a_channel_sources_only_from_a_group_that_exists),
		TEST(channels_are_listed_in_the_order_of_their_codes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
