/*
 * A closed loop: a number of callers, each of whom calls again when it was answered. Latencies under
 * overload are those of the callers there are, not of the ones that would have come; open_loop.c
 * has those.
 */
#include <stdlib.h>

#include "base/check.h"
#include "bench/load.h"

void run_closed_loop(struct load *load)
{
	struct caller *callers = calloc((size_t)load->callers, sizeof(*callers));
	CHECK(callers != NULL);
	load->again = true;
	load->end_ns = now_ns() + (int64_t)(load->seconds * 1e9);
	for (int i = 0; i < load->callers; i++) {
		callers[i].load = load;
		callers[i].number = i;
		callers[i].since_ns = now_ns();
		load->make(&callers[i]);
	}
	while (stockbook_client_in_flight(load->client) > 0)
		stockbook_client_poll(load->client, -1);
	free(callers);
	report(load, NULL);
}
