/*
 * An open loop: calls come at a given rate by chance (Poisson), whether the ones before are answered
 * or not. Latency counts from when a call should have been sent, so that a slow answer that holds up
 * the generator, or a generator that falls behind, is seen in the figures and not hidden by them.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "bench/load.h"

/* The generator looks for what is due and what was answered so often: the client waits in whole
 * milliseconds, and a loop without any wait would take a core from the server. */
#define NAP_NS 50000
/* A server that is offered more than it can do has a queue that grows; beyond so many open calls
 * nothing more is sent, and what is due waits, with its latency counted. */
#define OPEN_CALLS_MAX 50000
#define DRAIN_S 20

static struct caller *free_callers;
static size_t open_calls;

void open_loop_return(struct caller *caller)
{
	caller->next_free = free_callers;
	free_callers = caller;
	open_calls--;
}

static struct caller *take_caller(struct load *load)
{
	struct caller *caller = free_callers;
	if (caller) {
		free_callers = caller->next_free;
	} else {
		static int made;
		caller = calloc(1, sizeof(*caller));
		CHECK(caller != NULL);
		caller->load = load;
		caller->number = made++;
	}
	open_calls++;
	return caller;
}

static int64_t next_gap_ns(struct load *load)
{
	return (int64_t)(-log(1 - load_fraction(load)) / load->rate * 1e9);
}

static void wait_for(struct load *load, int64_t due_ns)
{
	if (stockbook_client_poll(load->client, 0) > 0 || due_ns - now_ns() < NAP_NS)
		return;
	struct timespec nap = {.tv_nsec = NAP_NS};
	nanosleep(&nap, NULL);
}

void run_open_loop(struct load *load)
{
	char more[120];
	uint64_t offered = 0;
	int64_t late_ns_max = 0;
	int64_t start_ns = now_ns();
	int64_t due_ns = start_ns + next_gap_ns(load);
	load->end_ns = start_ns + (int64_t)(load->seconds * 1e9);
	while (due_ns < load->end_ns) {
		int64_t now = now_ns();
		while (due_ns <= now && due_ns < load->end_ns && open_calls < OPEN_CALLS_MAX) {
			struct caller *caller = take_caller(load);
			caller->since_ns = due_ns;
			if (now - due_ns > late_ns_max)
				late_ns_max = now - due_ns;
			load->make(caller);
			offered++;
			due_ns += next_gap_ns(load);
		}
		wait_for(load, due_ns);
	}
	int64_t patience_ns = now_ns() + (int64_t)DRAIN_S * 1000000000;
	while (stockbook_client_in_flight(load->client) > 0 && now_ns() < patience_ns)
		stockbook_client_poll(load->client, 100);
	snprintf(more, sizeof(more),
		"\"offered_per_second\": %.1f, \"unanswered\": %zu, \"sent_late_max_ms\": %.3f, ",
		(double)offered / load->seconds, open_calls, (double)late_ns_max / 1e6);
	report(load, more);
	/* The callers live as long as the program: what is not answered still points at them. */
}
