/*
 * The load generator: fills a book, then keeps a number of calls in flight for some seconds and
 * prints one JSON line (session: reserves as operations of one session): rate, latency quantiles, outcomes. Closed loop: a caller calls again when
 * it was answered, so latencies under overload are those of the callers there are, not of the
 * ones that would have come.
 *
 *   bench_load --server ADDRESS --mode fill|echo|reserve|session [--skus N] [--locations N] [--lines N]
 *              [--callers N] [--seconds S] [--stock N]
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
#include "stockbook/v1/reservation.pb-c.h"
#include "stockbook/v1/server.pb-c.h"
#include "stockbook/v1/stock.pb-c.h"

#define LINES_OF_A_RECEIPT 500
#define ECHO_BYTES 100
#define NAME_SIZE 16

struct load {
	struct stockbook_client *client;
	struct stockbook_session *session; /* NULL: calls are single */
	const char *mode;
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

static void call_again(struct caller *caller)
{
	caller->sent_ns = now_ns();
	caller->load->started++;
	if (strcmp(caller->load->mode, "echo") == 0)
		call_echo(caller);
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
	struct poptOption options[] = {
		{"server", 0, POPT_ARG_STRING, &server, 0, "where the server listens", "ADDRESS"},
		{"mode", 0, POPT_ARG_STRING, &mode, 0, "fill, echo, reserve or session", NULL},
		{"skus", 0, POPT_ARG_INT, &load.skus, 0, "how many SKUs; 1 is hot", NULL},
		{"locations", 0, POPT_ARG_INT, &load.locations, 0, "how many locations", NULL},
		{"lines", 0, POPT_ARG_INT, &load.lines, 0, "lines of a basket, at most 50", NULL},
		{"callers", 0, POPT_ARG_INT, &load.callers, 0, "calls in flight", NULL},
		{"seconds", 0, POPT_ARG_DOUBLE, &load.seconds, 0, "how long", NULL},
		{"stock", 0, POPT_ARG_LONGLONG, &load.stock, 0, "units of each balance to fill", NULL},
		POPT_AUTOHELP POPT_TABLEEND};
	poptContext context = poptGetContext("bench_load", argc, argv, options, 0);
	int parsed = poptGetNextOpt(context);
	if (parsed < -1 || !mode || load.lines < 1 || load.lines > RESERVE_LINES_MAX || load.skus < 1 ||
		load.locations < 1 || load.callers < 1) {
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
	if (strcmp(mode, "fill") == 0)
		fill(&load);
	else
		run_load(&load);
	stockbook_client_close(load.client);
	if (load.failed > 0)
		fprintf(stderr, "bench_load: %" PRIu64 " calls failed, the first with %s\n", load.failed,
			load.first_error);
	free(server);
	free(mode);
	return load.failed > 0;
}
