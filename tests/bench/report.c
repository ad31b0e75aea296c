/* Counts answers and says how it was, in one line of JSON. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/check.h"
#include "bench/load.h"

#define FAILED_PRECONDITION 9

void note_error(struct load *load, const struct stockbook_error *error)
{
	if (load->first_error[0] == '\0')
		snprintf(load->first_error, sizeof(load->first_error), "%s %s: %s",
			stockbook_code_name(error->code), error->reason, error->message);
}

void note_latency(struct load *load, double latency_ms)
{
	if (load->latency_count == load->latency_capacity) {
		load->latency_capacity = load->latency_capacity ? load->latency_capacity * 2 : 65536;
		load->latencies_ms =
			realloc(load->latencies_ms, load->latency_capacity * sizeof(*load->latencies_ms));
		CHECK(load->latencies_ms != NULL);
	}
	load->latencies_ms[load->latency_count++] = (float)latency_ms;
}

void note_answer(struct load *load, int64_t since_ns, const struct stockbook_error *error)
{
	int64_t now = now_ns();
	load->completed++;
	if (error->code == 0) {
		if (now <= load->end_ns)
			load->answered++;
		note_latency(load, (double)(now - since_ns) / 1e6);
	} else if (error->code == FAILED_PRECONDITION) {
		load->refused++;
	} else {
		load->failed++;
		note_error(load, error);
	}
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

static double seconds_of(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

void report(struct load *load, const char *more)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	if (load->latency_count)
		qsort(load->latencies_ms, load->latency_count, sizeof(float), compare_floats);
	printf("{\"mode\": \"%s\", \"skus\": %d, \"lines\": %d, \"callers\": %d, %s"
		   "\"per_second\": %.1f, \"p50_ms\": %.3f, \"p90_ms\": %.3f, \"p99_ms\": %.3f, "
		   "\"p999_ms\": %.3f, \"answered\": %" PRIu64 ", \"completed\": %" PRIu64
		   ", \"refused\": %" PRIu64 ", \"failed\": %" PRIu64 ", \"client_cpu_s\": %.4f}\n",
		load->mode, load->skus, load->lines, load->callers, more ? more : "",
		(double)load->answered / load->seconds, quantile(load, 0.5), quantile(load, 0.9),
		quantile(load, 0.99), quantile(load, 0.999), load->answered, load->completed, load->refused,
		load->failed, seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime));
}
