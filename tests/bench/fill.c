/* Fills a book with places, items and a channel. Their stock is put in by SQL: see book.py. */
#include <stdio.h>

#include "bench/load.h"
#include "stockbook/v1/channel.pb-c.h"
#include "stockbook/v1/item.pb-c.h"
#include "stockbook/v1/location.pb-c.h"

#define IN_FLIGHT_MAX 512

static void fill_done(void *context, const ProtobufCMessage *response,
	const struct stockbook_error *error)
{
	struct load *load = context;
	(void)response;
	if (error->code != 0) {
		load->failed++;
		note_error(load, error);
	}
}

void fill_call(struct load *load, const char *service, const char *method,
	const ProtobufCMessage *request)
{
	while (stockbook_client_in_flight(load->client) >= IN_FLIGHT_MAX)
		stockbook_client_poll(load->client, 1000);
	stockbook_session_call_async(load->sessions[0], stockbook_method(service, method), request,
		60000, fill_done, load);
}

static void fill_places(struct load *load)
{
	char request_id[STOCKBOOK_REQUEST_ID_SIZE];
	char code[NAME_SIZE];
	for (int i = 1; i <= load->locations; i++) {
		location_name(i, code);
		Stockbook__V1__Location location = STOCKBOOK__V1__LOCATION__INIT;
		location.code = code;
		location.name = code;
		location.kind = STOCKBOOK__V1__LOCATION_KIND__LOCATION_KIND_STORE;
		location.ships = true;
		location.sells_at_till = true;
		Stockbook__V1__PutLocationRequest request = STOCKBOOK__V1__PUT_LOCATION_REQUEST__INIT;
		stockbook_request_id_new(request_id);
		request.request_id = request_id;
		request.location = &location;
		fill_call(load, "LocationService", "PutLocation", &request.base);
	}
	Stockbook__V1__Channel channel = STOCKBOOK__V1__CHANNEL__INIT;
	channel.code = (char[]){"web"};
	channel.name = channel.code;
	channel.kind = STOCKBOOK__V1__CHANNEL_KIND__CHANNEL_KIND_WEB;
	Stockbook__V1__PutChannelRequest request = STOCKBOOK__V1__PUT_CHANNEL_REQUEST__INIT;
	stockbook_request_id_new(request_id);
	request.request_id = request_id;
	request.channel = &channel;
	fill_call(load, "ChannelService", "PutChannel", &request.base);
}

static void fill_items(struct load *load)
{
	char request_id[STOCKBOOK_REQUEST_ID_SIZE];
	char sku[NAME_SIZE];
	for (int i = 1; i <= load->skus; i++) {
		sku_name(i, sku);
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

void fill(struct load *load)
{
	fill_places(load);
	fill_items(load);
	stockbook_client_run(load->client);
}
