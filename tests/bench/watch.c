/*
 * Fan-out: many streams watch one SKU, a unit of it is reserved, and the time counts from the
 * reserve's answer until the last stream has the new value. Then the next unit.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "bench/load.h"
#include "stockbook/v1/event.pb-c.h"
#include "stockbook/v1/reservation.pb-c.h"

#define DAY_MS 86400000
#define PATIENCE_NS (20ll * 1000000000)

struct watcher {
	struct fan_out *fan_out;
	int64_t value; /* -1: none yet */
};

struct fan_out {
	struct load *load;
	struct watcher *watchers;
	int64_t wanted; /* the value after the latest reserve */
	int behind;     /* watchers that have not been told it */
	int without;    /* watchers that have not been told anything */
	uint64_t told;
	int64_t reserved_ns; /* when the reserve was answered; 0: not yet */
	int64_t caught_up_ns;
	bool over;
};

static void watched(void *context, const ProtobufCMessage *message)
{
	struct watcher *watcher = context;
	struct fan_out *fan_out = watcher->fan_out;
	const Stockbook__V1__WatchAvailabilityResponse *told = (const void *)message;
	if (told->n_availabilities == 0)
		return;
	fan_out->told++;
	if (watcher->value < 0)
		fan_out->without--;
	bool was_behind = watcher->value > fan_out->wanted;
	watcher->value = told->availabilities[0]->available_to_sell;
	if (was_behind && watcher->value <= fan_out->wanted && --fan_out->behind == 0)
		fan_out->caught_up_ns = now_ns();
}

static void watch_done(void *context, const ProtobufCMessage *response,
	const struct stockbook_error *error)
{
	struct watcher *watcher = context;
	(void)response;
	if (watcher->fan_out->over)
		return;
	watcher->fan_out->load->failed++;
	note_error(watcher->fan_out->load, error);
}

static void reserve_done(void *context, const ProtobufCMessage *response,
	const struct stockbook_error *error)
{
	struct fan_out *fan_out = context;
	(void)response;
	if (error->code != 0) {
		fan_out->load->failed++;
		note_error(fan_out->load, error);
	}
	fan_out->reserved_ns = now_ns();
}

static void open_watches(struct fan_out *fan_out)
{
	struct load *load = fan_out->load;
	Stockbook__V1__WatchAvailabilityRequest request =
		STOCKBOOK__V1__WATCH_AVAILABILITY_REQUEST__INIT;
	request.skus = (char *[]){"S0000001"};
	request.n_skus = 1;
	request.locations = (char *[]){"L0001"};
	request.n_locations = 1;
	for (int i = 0; i < load->callers; i++) {
		fan_out->watchers[i] = (struct watcher){.fan_out = fan_out, .value = -1};
		stockbook_stream_async(load->client, stockbook_method("EventService", "WatchAvailability"),
			&request.base, DAY_MS, watched, watch_done, &fan_out->watchers[i]);
	}
	fan_out->without = load->callers;
	int64_t patience_ns = now_ns() + PATIENCE_NS;
	while (fan_out->without > 0 && load->failed == 0 && now_ns() < patience_ns)
		stockbook_client_poll(load->client, 10);
}

/* Reserves a unit and waits until all have been told. False when they were not in time. */
static bool fan_out_once(struct fan_out *fan_out)
{
	struct load *load = fan_out->load;
	char request_id[STOCKBOOK_REQUEST_ID_SIZE];
	Stockbook__V1__ReserveLine line = STOCKBOOK__V1__RESERVE_LINE__INIT;
	Stockbook__V1__ReserveLine *lines[] = {&line};
	Stockbook__V1__ReserveRequest request = STOCKBOOK__V1__RESERVE_REQUEST__INIT;
	stockbook_request_id_new(request_id);
	line.sku = (char[]){"S0000001"};
	line.location = (char[]){"L0001"};
	line.quantity = 1;
	request.request_id = request_id;
	request.owner = (char[]){"basket"};
	request.channel = (char[]){"web"};
	request.lines = lines;
	request.n_lines = 1;
	fan_out->wanted--;
	fan_out->behind = load->callers;
	fan_out->reserved_ns = 0;
	stockbook_call_async(load->client, stockbook_method("ReservationService", "Reserve"),
		&request.base, 60000, reserve_done, fan_out);
	int64_t patience_ns = now_ns() + PATIENCE_NS;
	while ((fan_out->behind > 0 || fan_out->reserved_ns == 0) && load->failed == 0 &&
		   now_ns() < patience_ns)
		stockbook_client_poll(load->client, 10);
	if (fan_out->behind > 0 || load->failed > 0)
		return false;
	/* Streams may have the value before the caller has his answer. */
	int64_t late_ns = fan_out->caught_up_ns - fan_out->reserved_ns;
	note_latency(load, late_ns > 0 ? (double)late_ns / 1e6 : 0);
	load->answered++;
	return true;
}

void run_watch(struct load *load)
{
	char more[100];
	struct fan_out fan_out = {.load = load};
	fan_out.watchers = calloc((size_t)load->callers, sizeof(*fan_out.watchers));
	CHECK(fan_out.watchers != NULL);
	open_watches(&fan_out);
	fan_out.wanted = fan_out.watchers[0].value;
	int64_t end_ns = now_ns() + (int64_t)(load->seconds * 1e9);
	while (fan_out.without == 0 && now_ns() < end_ns && fan_out_once(&fan_out))
		;
	if (fan_out.without > 0 || fan_out.behind > 0) {
		load->failed++;
		if (load->first_error[0] == '\0')
			snprintf(load->first_error, sizeof(load->first_error),
				"%d of %d streams were told nothing, %d not the newest value", fan_out.without,
				load->callers, fan_out.behind);
	}
	fan_out.over = true;
	load->completed = load->answered;
	snprintf(more, sizeof(more), "\"told\": %llu, ", (unsigned long long)fan_out.told);
	report(load, more);
	stockbook_client_close(load->client);
	load->client = NULL;
	free(fan_out.watchers);
}
