/*
 * The load generator: fills a book, then keeps a number of calls in flight for some seconds and
 * prints one JSON line: rate, latency quantiles, outcomes. Closed loop: a caller calls again when
 * it was answered, so latencies under overload are those of the callers there are, not of the
 * ones that would have come.
 *
 *   fill, echo, reserve     locations that calls name; session: reserves as operations of one session
 *   chain, promise, place   a group of so many locations, with coordinates, each with half of the
 *                           SKUs; what is promised and ordered is sourced from it
 *
 *   bench_load --server ADDRESS --mode MODE [--skus N] [--locations N] [--lines N] [--callers N]
 *              [--seconds S] [--stock N] [--strategy preference|nearest]
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <popt.h>

#include "base/arena.h"
#include "stockbook/client.h"
#include "stockbook/v1/channel.pb-c.h"
#include "stockbook/v1/item.pb-c.h"
#include "stockbook/v1/location.pb-c.h"
#include "stockbook/v1/order.pb-c.h"
#include "stockbook/v1/reservation.pb-c.h"
#include "stockbook/v1/server.pb-c.h"
#include "stockbook/v1/sourcing.pb-c.h"
#include "stockbook/v1/stock.pb-c.h"

#define LINES_OF_A_RECEIPT 500
#define ECHO_BYTES 100
#define NAME_SIZE 16

struct load {
	struct stockbook_client *client;
	struct stockbook_session *session; /* NULL: calls are single */
	const char *mode;
	Stockbook__V1__SourcingStrategy strategy;
	int skus;
	int locations;
	int lines;
	int callers;
	double seconds;
	int64_t stock;
	uint64_t random;

	int64_t end_ns;
	uint64_t started;
	uint64_t answered; /* before the end */
	uint64_t refused;
	uint64_t failed;
	char first_error[200];
	float *latencies_ms;
	size_t latency_count;
	size_t latency_capacity;
};

struct caller {
	struct load *load;
	int64_t sent_ns;
};

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static uint64_t load_random(struct load *load)
{
	load->random ^= load->random << 13;
	load->random ^= load->random >> 7;
	load->random ^= load->random << 17;
	return load->random;
}

static void note_error(struct load *load, const struct stockbook_error *error)
{
	if (load->first_error[0] == '\0')
		snprintf(load->first_error, sizeof(load->first_error), "%s %s: %s",
			stockbook_code_name(error->code), error->reason, error->message);
}

static void note_latency(struct load *load, double latency_ms)
{
	if (load->latency_count == load->latency_capacity) {
		load->latency_capacity = load->latency_capacity ? load->latency_capacity * 2 : 65536;
		load->latencies_ms =
			realloc(load->latencies_ms, load->latency_capacity * sizeof(*load->latencies_ms));
		CHECK(load->latencies_ms != NULL);
	}
	load->latencies_ms[load->latency_count++] = (float)latency_ms;
}

/* ---- Fill ---- */

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

static void fill_call(struct load *load, const char *service, const char *method,
	const ProtobufCMessage *request)
{
	while (stockbook_client_in_flight(load->client) >= 64)
		stockbook_client_poll(load->client, 1000);
	stockbook_call_async(load->client, stockbook_method(service, method), request, 60000, fill_done,
		load);
}

static void fill_places(struct load *load)
{
	char request_id[STOCKBOOK_REQUEST_ID_SIZE];
	char code[NAME_SIZE];
	for (int i = 0; i < load->locations; i++) {
		snprintf(code, sizeof(code), "L%04d", i + 1);
		Stockbook__V1__Location location = STOCKBOOK__V1__LOCATION__INIT;
		location.code = code;
		location.name = code;
		location.kind = STOCKBOOK__V1__LOCATION_KIND__LOCATION_KIND_STORE;
		location.ships = true;
		location.sells_at_till = true;
		Stockbook__V1__PutLocationRequest request = STOCKBOOK__V1__PUT_LOCATION_REQUEST__INIT;
		stockbook_request_id_derive("bench-location", code, request_id);
		request.request_id = request_id;
		request.location = &location;
		fill_call(load, "LocationService", "PutLocation", &request.base);
	}
	stockbook_client_run(load->client);
	Stockbook__V1__Channel channel = STOCKBOOK__V1__CHANNEL__INIT;
	channel.code = (char[]){"web"};
	channel.name = channel.code;
	channel.kind = STOCKBOOK__V1__CHANNEL_KIND__CHANNEL_KIND_WEB;
	Stockbook__V1__PutChannelRequest request = STOCKBOOK__V1__PUT_CHANNEL_REQUEST__INIT;
	stockbook_request_id_derive("bench-channel", channel.code, request_id);
	request.request_id = request_id;
	request.channel = &channel;
	fill_call(load, "ChannelService", "PutChannel", &request.base);
	stockbook_client_run(load->client);
}

static void fill_items(struct load *load)
{
	char request_id[STOCKBOOK_REQUEST_ID_SIZE];
	char sku[NAME_SIZE];
	for (int i = 0; i < load->skus; i++) {
		snprintf(sku, sizeof(sku), "S%07d", i + 1);
		Stockbook__V1__Item item = STOCKBOOK__V1__ITEM__INIT;
		item.sku = sku;
		item.name = sku;
		Stockbook__V1__PutItemRequest request = STOCKBOOK__V1__PUT_ITEM_REQUEST__INIT;
		stockbook_request_id_derive("bench-item", sku, request_id);
		request.request_id = request_id;
		request.item = &item;
		fill_call(load, "ItemService", "PutItem", &request.base);
	}
	stockbook_client_run(load->client);
}

static void fill_stock(struct load *load, int location, int sku_first)
{
	char code[NAME_SIZE];
	char name[64];
	char request_id[STOCKBOOK_REQUEST_ID_SIZE];
	char skus[LINES_OF_A_RECEIPT][NAME_SIZE];
	Stockbook__V1__ReceiptLine lines[LINES_OF_A_RECEIPT];
	Stockbook__V1__ReceiptLine *pointers[LINES_OF_A_RECEIPT];
	Stockbook__V1__ReceiveStockRequest request = STOCKBOOK__V1__RECEIVE_STOCK_REQUEST__INIT;
	snprintf(code, sizeof(code), "L%04d", location);
	snprintf(name, sizeof(name), "%d at %s", sku_first, code);
	stockbook_request_id_derive("bench-receipt", name, request_id);
	request.request_id = request_id;
	request.location = code;
	request.lines = pointers;
	while (request.n_lines < LINES_OF_A_RECEIPT && sku_first + (int)request.n_lines <= load->skus) {
		size_t i = request.n_lines++;
		snprintf(skus[i], sizeof(skus[i]), "S%07d", sku_first + (int)i);
		stockbook__v1__receipt_line__init(&lines[i]);
		lines[i].sku = skus[i];
		lines[i].quantity = load->stock;
		pointers[i] = &lines[i];
	}
	fill_call(load, "StockService", "ReceiveStock", &request.base);
}

static void fill(struct load *load)
{
	fill_places(load);
	fill_items(load);
	for (int location = 1; location <= load->locations; location++)
		for (int sku = 1; sku <= load->skus; sku += LINES_OF_A_RECEIPT)
			fill_stock(load, location, sku);
	stockbook_client_run(load->client);
}

/* ---- A chain: its codes carry its size, so that several of them fit into one book ---- */

#define CHAIN_NAME_SIZE 32
#define LOCATIONS_MAX 2000 /* of a group */

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

static double load_fraction(struct load *load)
{
	return (double)(load_random(load) >> 11) / (double)(1ull << 53);
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

static void fill_chain(struct load *load)
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

/* ---- Load ---- */

static void call_again(struct caller *caller);

static void load_done(void *context, const ProtobufCMessage *response,
	const struct stockbook_error *error)
{
	struct caller *caller = context;
	struct load *load = caller->load;
	int64_t now = now_ns();
	(void)response;
	if (error->code == 0 && now <= load->end_ns) {
		load->answered++;
		note_latency(load, (double)(now - caller->sent_ns) / 1e6);
	} else if (error->code == 9) {
		load->refused++;
	} else if (error->code != 0) {
		load->failed++;
		note_error(load, error);
	}
	if (now < load->end_ns)
		call_again(caller);
}

static void call_echo(struct caller *caller)
{
	static uint8_t payload[ECHO_BYTES];
	Stockbook__V1__EchoRequest request = STOCKBOOK__V1__ECHO_REQUEST__INIT;
	request.payload = (ProtobufCBinaryData){sizeof(payload), payload};
	stockbook_call_async(caller->load->client, stockbook_method("ServerService", "Echo"),
		&request.base, 60000, load_done, caller);
}

#define RESERVE_LINES_MAX 50

static void call_reserve(struct caller *caller)
{
	struct load *load = caller->load;
	char request_id[STOCKBOOK_REQUEST_ID_SIZE];
	char skus[RESERVE_LINES_MAX][NAME_SIZE];
	char location[NAME_SIZE];
	Stockbook__V1__ReserveLine lines[RESERVE_LINES_MAX];
	Stockbook__V1__ReserveLine *pointers[RESERVE_LINES_MAX];
	Stockbook__V1__ReserveRequest request = STOCKBOOK__V1__RESERVE_REQUEST__INIT;
	stockbook_request_id_new(request_id);
	snprintf(location, sizeof(location), "L%04d",
		(int)(load_random(load) % (uint64_t)load->locations) + 1);
	int first = (int)(load_random(load) % (uint64_t)load->skus);
	for (int i = 0; i < load->lines; i++) {
		/* Far apart, so that the lines of a basket are not neighbours on one page. */
		int sku = (first + i * 997) % load->skus + 1;
		snprintf(skus[i], sizeof(skus[i]), "S%07d", sku);
		stockbook__v1__reserve_line__init(&lines[i]);
		lines[i].sku = skus[i];
		lines[i].quantity = 1;
		lines[i].location = location;
		pointers[i] = &lines[i];
	}
	request.request_id = request_id;
	request.owner = (char[]){"basket"};
	request.channel = (char[]){"web"};
	request.lines = pointers;
	request.n_lines = (size_t)load->lines;
	const struct stockbook_method *method = stockbook_method("ReservationService", "Reserve");
	if (load->session)
		stockbook_session_call_async(load->session, method, &request.base, 60000, load_done,
			caller);
	else
		stockbook_call_async(load->client, method, &request.base, 60000, load_done, caller);
}

/* Different SKUs of the chain, the same few everywhere. */
static void draw_skus(struct load *load, char skus[RESERVE_LINES_MAX][CHAIN_NAME_SIZE])
{
	int first = (int)(load_random(load) % (uint64_t)load->skus);
	for (int i = 0; i < load->lines; i++)
		chain_sku(load, (first + i * 37) % load->skus + 1, skus[i]);
}

static void call_promise(struct caller *caller)
{
	struct load *load = caller->load;
	char channel[CHAIN_NAME_SIZE];
	char skus[RESERVE_LINES_MAX][CHAIN_NAME_SIZE];
	Stockbook__V1__PromiseLine lines[RESERVE_LINES_MAX];
	Stockbook__V1__PromiseLine *pointers[RESERVE_LINES_MAX];
	Stockbook__V1__SourcingOptions sourcing = STOCKBOOK__V1__SOURCING_OPTIONS__INIT;
	Stockbook__V1__Coordinates at;
	Stockbook__V1__PromiseRequest request = STOCKBOOK__V1__PROMISE_REQUEST__INIT;
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
	stockbook_call_async(load->client, stockbook_method("SourcingService", "Promise"),
		&request.base, 60000, load_done, caller);
}

static void call_place(struct caller *caller)
{
	struct load *load = caller->load;
	char request_id[STOCKBOOK_REQUEST_ID_SIZE];
	char channel[CHAIN_NAME_SIZE];
	char skus[RESERVE_LINES_MAX][CHAIN_NAME_SIZE];
	Stockbook__V1__PlaceOrderLine lines[RESERVE_LINES_MAX];
	Stockbook__V1__PlaceOrderLine *pointers[RESERVE_LINES_MAX];
	Stockbook__V1__SourcingOptions sourcing = STOCKBOOK__V1__SOURCING_OPTIONS__INIT;
	Stockbook__V1__Coordinates at;
	Stockbook__V1__PlaceOrderRequest request = STOCKBOOK__V1__PLACE_ORDER_REQUEST__INIT;
	stockbook_request_id_new(request_id);
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
	stockbook_call_async(load->client, stockbook_method("OrderService", "PlaceOrder"),
		&request.base, 60000, load_done, caller);
}

static void call_again(struct caller *caller)
{
	caller->sent_ns = now_ns();
	caller->load->started++;
	if (strcmp(caller->load->mode, "echo") == 0)
		call_echo(caller);
	else if (strcmp(caller->load->mode, "promise") == 0)
		call_promise(caller);
	else if (strcmp(caller->load->mode, "place") == 0)
		call_place(caller);
	else
		call_reserve(caller);
}

static int compare_floats(const void *a, const void *b)
{
	float x = *(const float *)a;
	float y = *(const float *)b;
	return (x > y) - (x < y);
}

static double quantile(const struct load *load, double q)
{
	if (load->latency_count == 0)
		return 0;
	size_t i = (size_t)floor(q * (double)(load->latency_count - 1));
	return (double)load->latencies_ms[i];
}

static void run_load(struct load *load)
{
	struct caller *callers = calloc((size_t)load->callers, sizeof(*callers));
	CHECK(callers != NULL);
	int64_t start = now_ns();
	load->end_ns = start + (int64_t)(load->seconds * 1e9);
	if (strcmp(load->mode, "session") == 0)
		load->session = stockbook_session_open(load->client, load->callers);
	for (int i = 0; i < load->callers; i++) {
		callers[i].load = load;
		call_again(&callers[i]);
	}
	while (stockbook_client_in_flight(load->client) > 0)
		stockbook_client_poll(load->client, -1);
	stockbook_session_close(load->session);
	free(callers);
	qsort(load->latencies_ms, load->latency_count, sizeof(float), compare_floats);
	printf("{\"mode\": \"%s\", \"skus\": %d, \"lines\": %d, \"callers\": %d, "
		   "\"per_second\": %.1f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"answered\": %" PRIu64
		   ", \"refused\": %" PRIu64 ", \"failed\": %" PRIu64 "}\n",
		load->mode, load->skus, load->lines, load->callers, (double)load->answered / load->seconds,
		quantile(load, 0.5), quantile(load, 0.99), load->answered, load->refused, load->failed);
	free(load->latencies_ms);
}

int main(int argc, const char **argv)
{
	struct load load = {.mode = "echo",
		.skus = 10000,
		.locations = 20,
		.lines = 1,
		.callers = 64,
		.seconds = 5,
		.stock = 1000000,
		.random = (uint64_t)now_ns() | 1};
	char *server = NULL;
	char *mode = NULL;
	char *strategy = NULL;
	struct poptOption options[] = {
		{"server", 0, POPT_ARG_STRING, &server, 0, "where the server listens", "ADDRESS"},
		{"mode", 0, POPT_ARG_STRING, &mode, 0,
			"fill, echo, reserve, session, chain, promise or place", NULL},
		{"skus", 0, POPT_ARG_INT, &load.skus, 0, "how many SKUs; 1 is hot", NULL},
		{"locations", 0, POPT_ARG_INT, &load.locations, 0, "how many locations", NULL},
		{"lines", 0, POPT_ARG_INT, &load.lines, 0, "lines of a basket, at most 50", NULL},
		{"callers", 0, POPT_ARG_INT, &load.callers, 0, "calls in flight", NULL},
		{"seconds", 0, POPT_ARG_DOUBLE, &load.seconds, 0, "how long", NULL},
		{"strategy", 0, POPT_ARG_STRING, &strategy, 0, "preference or nearest", NULL},
		{"stock", 0, POPT_ARG_LONGLONG, &load.stock, 0, "units of each balance to fill", NULL},
		POPT_AUTOHELP POPT_TABLEEND};
	poptContext context = poptGetContext("bench_load", argc, argv, options, 0);
	int parsed = poptGetNextOpt(context);
	if (parsed < -1 || !mode || load.lines < 1 || load.lines > RESERVE_LINES_MAX || load.skus < 1 ||
		load.locations < 1 || load.callers < 1 ||
		(strcmp(mode, "chain") == 0 && load.locations > LOCATIONS_MAX)) {
		poptPrintHelp(context, stderr, 0);
		poptFreeContext(context);
		return 2;
	}
	poptFreeContext(context);
	load.mode = mode;
	struct stockbook_error error = {0};
	struct stockbook_client_options client_options = {.target = server, .deadline_ms = 60000};
	load.client = stockbook_client_open(&client_options, &error);
	if (!load.client) {
		fprintf(stderr, "bench_load: %s\n", error.message);
		stockbook_error_release(&error);
		return 1;
	}
	load.strategy = strategy && strcmp(strategy, "nearest") == 0
						? STOCKBOOK__V1__SOURCING_STRATEGY__SOURCING_STRATEGY_NEAREST
						: STOCKBOOK__V1__SOURCING_STRATEGY__SOURCING_STRATEGY_PREFERENCE;
	if (strcmp(mode, "fill") == 0)
		fill(&load);
	else if (strcmp(mode, "chain") == 0)
		fill_chain(&load);
	else
		run_load(&load);
	stockbook_client_close(load.client);
	if (load.failed > 0)
		fprintf(stderr, "bench_load: %" PRIu64 " calls failed, the first with %s\n", load.failed,
			load.first_error);
	free(server);
	free(mode);
	free(strategy);
	return load.failed > 0;
}
