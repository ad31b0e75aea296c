/* Reads every balance of the book once, as one who does not mind if it is old, so that the server's
 * cache holds them all. */
#include <stdio.h>

#include "bench/load.h"
#include "google/protobuf/duration.pb-c.h"
#include "stockbook/v1/stock.pb-c.h"

/* A reader's memory is bounded by the rows of a call, and is not what is measured: few at a time. */
#define SKUS_OF_A_CALL 20
#define IN_FLIGHT_MAX 2
#define STALENESS_S 3600

static void read_done(void *context, const ProtobufCMessage *response,
	const struct stockbook_error *error)
{
	note_answer(context, now_ns(), error);
	(void)response;
}

void run_read_all(struct load *load)
{
	static char locations[LOCATIONS_MAX][NAME_SIZE];
	static char *location_pointers[LOCATIONS_MAX];
	char skus[SKUS_OF_A_CALL][NAME_SIZE];
	char *sku_pointers[SKUS_OF_A_CALL];
	Google__Protobuf__Duration staleness = GOOGLE__PROTOBUF__DURATION__INIT;
	staleness.seconds = STALENESS_S;
	for (int i = 0; i < load->locations; i++) {
		location_name(i + 1, locations[i]);
		location_pointers[i] = locations[i];
	}
	load->end_ns = INT64_MAX;
	int64_t start_ns = now_ns();
	for (int first = 1; first <= load->skus; first += SKUS_OF_A_CALL) {
		Stockbook__V1__GetAvailabilityRequest request =
			STOCKBOOK__V1__GET_AVAILABILITY_REQUEST__INIT;
		request.skus = sku_pointers;
		while (request.n_skus < SKUS_OF_A_CALL && first + (int)request.n_skus <= load->skus) {
			size_t i = request.n_skus++;
			sku_name(first + (int)i, skus[i]);
			sku_pointers[i] = skus[i];
		}
		request.locations = location_pointers;
		request.n_locations = (size_t)load->locations;
		request.max_staleness = &staleness;
		while (stockbook_client_in_flight(load->client) >= IN_FLIGHT_MAX)
			stockbook_client_poll(load->client, 1000);
		stockbook_call_async(load->client, stockbook_method("StockService", "GetAvailability"),
			&request.base, 60000, read_done, load);
	}
	stockbook_client_run(load->client);
	load->seconds = (double)(now_ns() - start_ns) / 1e9;
	report(load, NULL);
}
