/*
 * Chains: a group of so many locations, with coordinates, each with half of the SKUs; what is promised
 * and ordered is sourced from it. Codes carry the chain's size, so that several fit into one book.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "bench/load.h"
#include "stockbook/v1/channel.pb-c.h"
#include "stockbook/v1/item.pb-c.h"
#include "stockbook/v1/location.pb-c.h"
#include "stockbook/v1/order.pb-c.h"
#include "stockbook/v1/stock.pb-c.h"

#define LINES_OF_A_RECEIPT 500
#define BASKET_LINES_MAX 50

static void chain_code(const struct load *load, char code[CHAIN_NAME_SIZE])
{
	snprintf(code, CHAIN_NAME_SIZE, "chain-%d", load->locations);
}

static void chain_sku(const struct load *load, int number, char sku[CHAIN_NAME_SIZE])
{
	snprintf(sku, CHAIN_NAME_SIZE, "chain-%d-S%04d", load->locations, number);
}

static void chain_location(const struct load *load, int number, char code[CHAIN_NAME_SIZE])
{
	snprintf(code, CHAIN_NAME_SIZE, "chain-%d-L%04d", load->locations, number);
}

/* Somewhere on a large island. */
static void set_coordinates(struct load *load, Stockbook__V1__Coordinates *at)
{
	stockbook__v1__coordinates__init(at);
	at->latitude = 50 + 8 * load_fraction(load);
	at->longitude = -5 + 6 * load_fraction(load);
}

static void chain_put_location(struct load *load, const char *code)
{
	char request_id[STOCKBOOK_REQUEST_ID_SIZE];
	Stockbook__V1__Location location = STOCKBOOK__V1__LOCATION__INIT;
	Stockbook__V1__Coordinates at;
	location.code = (char *)(uintptr_t)code;
	location.name = location.code;
	location.kind = STOCKBOOK__V1__LOCATION_KIND__LOCATION_KIND_STORE;
	location.ships = true;
	location.hands_over_pickups = true;
	set_coordinates(load, &at);
	location.coordinates = &at;
	Stockbook__V1__PutLocationRequest request = STOCKBOOK__V1__PUT_LOCATION_REQUEST__INIT;
	stockbook_request_id_new(request_id);
	request.request_id = request_id;
	request.location = &location;
	fill_call(load, "LocationService", "PutLocation", &request.base);
}

static void chain_put_items(struct load *load)
{
	for (int i = 1; i <= load->skus; i++) {
		char request_id[STOCKBOOK_REQUEST_ID_SIZE];
		char sku[CHAIN_NAME_SIZE];
		chain_sku(load, i, sku);
		Stockbook__V1__Item item = STOCKBOOK__V1__ITEM__INIT;
		item.sku = sku;
		item.name = sku;
		Stockbook__V1__PutItemRequest request = STOCKBOOK__V1__PUT_ITEM_REQUEST__INIT;
		stockbook_request_id_new(request_id);
		request.request_id = request_id;
		request.item = &item;
		fill_call(load, "ItemService", "PutItem", &request.base);
	}
}

/* Half of the SKUs, which ones is by chance. */
static void chain_receive(struct load *load, char *location)
{
	char request_id[STOCKBOOK_REQUEST_ID_SIZE];
	char skus[LINES_OF_A_RECEIPT][CHAIN_NAME_SIZE];
	Stockbook__V1__ReceiptLine lines[LINES_OF_A_RECEIPT];
	Stockbook__V1__ReceiptLine *pointers[LINES_OF_A_RECEIPT];
	Stockbook__V1__ReceiveStockRequest request = STOCKBOOK__V1__RECEIVE_STOCK_REQUEST__INIT;
	stockbook_request_id_new(request_id);
	request.request_id = request_id;
	request.location = location;
	request.lines = pointers;
	for (int i = 1; i <= load->skus && request.n_lines < LINES_OF_A_RECEIPT; i++) {
		if (load_random(load) % 2)
			continue;
		size_t at = request.n_lines++;
		chain_sku(load, i, skus[at]);
		stockbook__v1__receipt_line__init(&lines[at]);
		lines[at].sku = skus[at];
		lines[at].quantity = load->stock;
		pointers[at] = &lines[at];
	}
	if (request.n_lines)
		fill_call(load, "StockService", "ReceiveStock", &request.base);
}

static void chain_put_group(struct load *load, char (*codes)[CHAIN_NAME_SIZE])
{
	char request_id[STOCKBOOK_REQUEST_ID_SIZE];
	char code[CHAIN_NAME_SIZE];
	char *members[LOCATIONS_MAX];
	chain_code(load, code);
	for (int i = 0; i < load->locations; i++)
		members[i] = codes[i];
	Stockbook__V1__LocationGroup group = STOCKBOOK__V1__LOCATION_GROUP__INIT;
	group.code = code;
	group.locations = members;
	group.n_locations = (size_t)load->locations;
	Stockbook__V1__PutLocationGroupRequest put = STOCKBOOK__V1__PUT_LOCATION_GROUP_REQUEST__INIT;
	stockbook_request_id_new(request_id);
	put.request_id = request_id;
	put.location_group = &group;
	fill_call(load, "LocationService", "PutLocationGroup", &put.base);
	stockbook_client_run(load->client);
	Stockbook__V1__Channel channel = STOCKBOOK__V1__CHANNEL__INIT;
	channel.code = code;
	channel.kind = STOCKBOOK__V1__CHANNEL_KIND__CHANNEL_KIND_WEB;
	channel.location_group = code;
	Stockbook__V1__PutChannelRequest request = STOCKBOOK__V1__PUT_CHANNEL_REQUEST__INIT;
	stockbook_request_id_new(request_id);
	request.request_id = request_id;
	request.channel = &channel;
	fill_call(load, "ChannelService", "PutChannel", &request.base);
}

void fill_chain(struct load *load)
{
	char(*codes)[CHAIN_NAME_SIZE] = calloc((size_t)load->locations, sizeof(*codes));
	CHECK(codes != NULL);
	for (int i = 0; i < load->locations; i++) {
		chain_location(load, i + 1, codes[i]);
		chain_put_location(load, codes[i]);
	}
	chain_put_items(load);
	stockbook_client_run(load->client);
	chain_put_group(load, codes);
	for (int i = 0; i < load->locations; i++)
		chain_receive(load, codes[i]);
	stockbook_client_run(load->client);
	free(codes);
}

/* Different SKUs of the chain, the same few everywhere. */
static void draw_skus(struct load *load, char skus[BASKET_LINES_MAX][CHAIN_NAME_SIZE])
{
	int first = (int)(load_random(load) % (uint64_t)load->skus);
	for (int i = 0; i < load->lines; i++)
		chain_sku(load, (first + i * 37) % load->skus + 1, skus[i]);
}

void call_promise(struct caller *caller)
{
	struct load *load = caller->load;
	char channel[CHAIN_NAME_SIZE];
	char skus[BASKET_LINES_MAX][CHAIN_NAME_SIZE];
	Stockbook__V1__PromiseLine lines[BASKET_LINES_MAX];
	Stockbook__V1__PromiseLine *pointers[BASKET_LINES_MAX];
	Stockbook__V1__SourcingOptions sourcing = STOCKBOOK__V1__SOURCING_OPTIONS__INIT;
	Stockbook__V1__Coordinates at;
	Stockbook__V1__PromiseRequest request = STOCKBOOK__V1__PROMISE_REQUEST__INIT;
	CHECK(load->lines <= BASKET_LINES_MAX);
	chain_code(load, channel);
	draw_skus(load, skus);
	for (int i = 0; i < load->lines; i++) {
		stockbook__v1__promise_line__init(&lines[i]);
		lines[i].sku = skus[i];
		lines[i].quantity = 2;
		pointers[i] = &lines[i];
	}
	set_coordinates(load, &at);
	sourcing.strategy = load->strategy;
	sourcing.destination = &at;
	request.channel = channel;
	request.options = &sourcing;
	request.lines = pointers;
	request.n_lines = (size_t)load->lines;
	load_call(caller, stockbook_method("SourcingService", "Promise"), &request.base);
}

void call_place(struct caller *caller)
{
	struct load *load = caller->load;
	char request_id[STOCKBOOK_REQUEST_ID_SIZE];
	char channel[CHAIN_NAME_SIZE];
	char skus[BASKET_LINES_MAX][CHAIN_NAME_SIZE];
	Stockbook__V1__PlaceOrderLine lines[BASKET_LINES_MAX];
	Stockbook__V1__PlaceOrderLine *pointers[BASKET_LINES_MAX];
	Stockbook__V1__SourcingOptions sourcing = STOCKBOOK__V1__SOURCING_OPTIONS__INIT;
	Stockbook__V1__Coordinates at;
	Stockbook__V1__PlaceOrderRequest request = STOCKBOOK__V1__PLACE_ORDER_REQUEST__INIT;
	stockbook_request_id_new(request_id);
	CHECK(load->lines <= BASKET_LINES_MAX);
	chain_code(load, channel);
	draw_skus(load, skus);
	for (int i = 0; i < load->lines; i++) {
		stockbook__v1__place_order_line__init(&lines[i]);
		lines[i].sku = skus[i];
		lines[i].quantity = 2;
		lines[i].method = STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_SHIP;
		pointers[i] = &lines[i];
	}
	set_coordinates(load, &at);
	sourcing.strategy = load->strategy;
	sourcing.destination = &at;
	request.request_id = request_id;
	request.channel = channel;
	request.sourcing = &sourcing;
	request.lines = pointers;
	request.n_lines = (size_t)load->lines;
	load_call(caller, stockbook_method("OrderService", "PlaceOrder"), &request.base);
}
