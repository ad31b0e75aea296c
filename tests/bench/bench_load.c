/*
 * The load generator: fills a book, then makes calls for some seconds and prints one JSON line: rate,
 * latency quantiles, outcomes, its own CPU.
 *
 *   fill, chain             places and items, for a book and for a chain that sources
 *   echo, reserve, availability, promise, place
 *                           calls, in a closed loop of --callers, or with --rate in an open one;
 *                           with --session as operations of sessions
 *   read-all                every balance once, into the server's cache
 *   watch                   one reserve after the other, told to --callers streams
 *
 *   bench_load --server ADDRESS --mode MODE [--skus N] [--locations N] [--lines N] [--callers N]
 *              [--seconds S] [--session] [--rate N] [--places N] [--staleness-ms N] [--stock N]
 *              [--strategy preference|nearest]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <popt.h>

#include "base/check.h"
#include "bench/load.h"

/* A server takes so many operations of a session at once by default; who has more opens more. */
#define OPERATIONS_OF_A_SESSION 1000
/* A connection carries this many streams at once at most. */
#define STREAMS_OF_A_CHANNEL 100

int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

uint64_t load_random(struct load *load)
{
	load->random ^= load->random << 13;
	load->random ^= load->random >> 7;
	load->random ^= load->random << 17;
	return load->random;
}

double load_fraction(struct load *load)
{
	return (double)(load_random(load) >> 11) / (double)(1ull << 53);
}

static bool read_options(struct load *load, int argc, const char **argv, char **server)
{
	char *mode = NULL;
	char *strategy = NULL;
	int session = 0;
	long long staleness_ms = 0;
	long long stock = load->stock;
	struct poptOption options[] = {
		{"server", 0, POPT_ARG_STRING, server, 0, "where the server listens", "ADDRESS"},
		{"mode", 0, POPT_ARG_STRING, &mode, 0,
			"fill, chain, echo, reserve, availability, promise, place, read-all or watch", NULL},
		{"skus", 0, POPT_ARG_INT, &load->skus, 0, "how many SKUs; 1 is hot", NULL},
		{"locations", 0, POPT_ARG_INT, &load->locations, 0, "how many locations", NULL},
		{"lines", 0, POPT_ARG_INT, &load->lines, 0,
			"lines of a basket, at most 50; SKUs of a read, at most 1,000", NULL},
		{"places", 0, POPT_ARG_INT, &load->places, 0, "locations that a read names", NULL},
		{"callers", 0, POPT_ARG_INT, &load->callers, 0, "calls in flight, or streams", NULL},
		{"seconds", 0, POPT_ARG_DOUBLE, &load->seconds, 0, "how long", NULL},
		{"session", 0, POPT_ARG_NONE, &session, 0, "operations of sessions, not single calls",
			NULL},
		{"rate", 0, POPT_ARG_DOUBLE, &load->rate, 0, "calls a second, whatever is answered", NULL},
		{"staleness-ms", 0, POPT_ARG_LONGLONG, &staleness_ms, 0, "how old a read may be", NULL},
		{"strategy", 0, POPT_ARG_STRING, &strategy, 0, "preference or nearest", NULL},
		{"stock", 0, POPT_ARG_LONGLONG, &stock, 0, "units of each balance of a chain", NULL},
		POPT_AUTOHELP POPT_TABLEEND};
	poptContext context = poptGetContext("bench_load", argc, argv, options, 0);
	int parsed = poptGetNextOpt(context);
	bool good = parsed == -1 && mode && load->lines >= 1 && load->lines <= LINES_MAX &&
				load->skus >= 1 && load->locations >= 1 && load->locations <= LOCATIONS_MAX &&
				load->places >= 1 && load->places <= load->locations && load->callers >= 1;
	if (!good)
		poptPrintHelp(context, stderr, 0);
	poptFreeContext(context);
	load->mode = mode;
	load->staleness_ms = staleness_ms;
	load->stock = stock;
	load->strategy = strategy && strcmp(strategy, "nearest") == 0
						 ? STOCKBOOK__V1__SOURCING_STRATEGY__SOURCING_STRATEGY_NEAREST
						 : STOCKBOOK__V1__SOURCING_STRATEGY__SOURCING_STRATEGY_PREFERENCE;
	free(strategy);
	if (session)
		load->session_count =
			(load->callers + OPERATIONS_OF_A_SESSION - 1) / OPERATIONS_OF_A_SESSION;
	if (load->session_count > SESSIONS_MAX)
		load->session_count = SESSIONS_MAX;
	return good;
}

static void open_sessions(struct load *load)
{
	int operations =
		load->callers < OPERATIONS_OF_A_SESSION ? load->callers : OPERATIONS_OF_A_SESSION;
	for (int i = 0; i < load->session_count; i++)
		load->sessions[i] = stockbook_session_open(load->client, operations);
}

/* False when the mode is none. */
static bool run_mode(struct load *load)
{
	load->make = find_mode(load->mode);
	if (strcmp(load->mode, "fill") == 0)
		fill(load);
	else if (strcmp(load->mode, "chain") == 0)
		fill_chain(load);
	else if (strcmp(load->mode, "read-all") == 0)
		run_read_all(load);
	else if (strcmp(load->mode, "watch") == 0)
		run_watch(load);
	else if (!load->make)
		return false;
	else if (load->rate > 0)
		run_open_loop(load);
	else
		run_closed_loop(load);
	return true;
}

int main(int argc, const char **argv)
{
	struct load load = {.skus = 10000,
		.locations = 20,
		.lines = 1,
		.places = 1,
		.callers = 64,
		.seconds = 5,
		.stock = 1000000,
		.random = (uint64_t)now_ns() | 1};
	char *server = NULL;
	if (!read_options(&load, argc, argv, &server))
		return 2;
	bool fills = strcmp(load.mode, "fill") == 0 || strcmp(load.mode, "chain") == 0;
	bool watches = strcmp(load.mode, "watch") == 0;
	if (fills) {
		load.callers = OPERATIONS_OF_A_SESSION;
		load.session_count = 1;
	}
	struct stockbook_error error = {0};
	struct stockbook_client_options client_options = {.target = server,
		.deadline_ms = 60000,
		.channels = watches ? load.callers / STREAMS_OF_A_CHANNEL + 1 : 1};
	load.client = stockbook_client_open(&client_options, &error);
	if (!load.client) {
		fprintf(stderr, "bench_load: %s\n", error.message);
		stockbook_error_release(&error);
		return 1;
	}
	open_sessions(&load);
	bool known = run_mode(&load);
	if (!known)
		fprintf(stderr, "bench_load: there is no mode '%s'\n", load.mode);
	stockbook_client_close(load.client);
	if (load.failed > 0)
		fprintf(stderr, "bench_load: %" PRIu64 " calls failed, the first with %s\n", load.failed,
			load.first_error);
	free(load.latencies_ms);
	free(load.mode);
	free(server);
	/* Under load, failures are a result, which was printed; a book that is not filled is none. */
	return !known || (load.failed > 0 && (fills || load.answered == 0));
}
