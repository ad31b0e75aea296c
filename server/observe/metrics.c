/* Metrics in one table. Counting is relaxed atomics: sums, not orders. */
#include "observe/metrics.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum metric_kind {
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_TIMING,
	METRIC_SIZES,
};

struct metric {
	enum metric_kind kind;
	char *name;
	char *help;
	char *labels; /* "" when there are none */
	_Atomic int64_t value;
	_Atomic int64_t sum;
	_Atomic int64_t buckets[METRIC_BUCKETS];
};

static struct metric *table[METRICS_MAX];
static size_t count;

/* 10 µs to 60 s, about two and a half steps to a decade; the last bucket has no bound. */
static const int64_t timing_bounds_us[METRIC_BUCKETS - 1] = {10, 20, 50, 100, 200, 500, 1000, 2000,
	5000, 10000, 20000, 50000, 100000, 200000, 500000, 1000000, 2000000, 5000000, 10000000,
	20000000, 30000000, 45000000, 60000000};

static int64_t bound(enum metric_kind kind, size_t bucket)
{
	if (bucket >= METRIC_BUCKETS - 1)
		return INT64_MAX;
	return kind == METRIC_TIMING ? timing_bounds_us[bucket] : INT64_C(1) << bucket;
}

static struct metric *metric_register(enum metric_kind kind, const char *name, const char *help,
	const char *labels)
{
	labels = labels ? labels : "";
	for (size_t i = 0; i < count; i++)
		if (strcmp(table[i]->name, name) == 0 && strcmp(table[i]->labels, labels) == 0) {
			CHECK(table[i]->kind == kind);
			return table[i];
		}
	CHECK(count < METRICS_MAX);
	struct metric *metric = calloc(1, sizeof(*metric));
	CHECK(metric != NULL);
	metric->kind = kind;
	metric->name = strdup(name);
	metric->help = strdup(help);
	metric->labels = strdup(labels);
	CHECK(metric->name && metric->help && metric->labels);
	/* One name's lines stand together in the dump, wherever its labels were registered. */
	size_t place = count;
	for (size_t i = 0; i < count; i++)
		if (strcmp(table[i]->name, name) == 0)
			place = i + 1;
	memmove(table + place + 1, table + place, (count - place) * sizeof(table[0]));
	table[place] = metric;
	count++;
	return metric;
}

struct metric *metric_counter(const char *name, const char *help, const char *labels)
{
	return metric_register(METRIC_COUNTER, name, help, labels);
}

struct metric *metric_gauge(const char *name, const char *help, const char *labels)
{
	return metric_register(METRIC_GAUGE, name, help, labels);
}

struct metric *metric_timing(const char *name, const char *help, const char *labels)
{
	return metric_register(METRIC_TIMING, name, help, labels);
}

struct metric *metric_sizes(const char *name, const char *help, const char *labels)
{
	return metric_register(METRIC_SIZES, name, help, labels);
}

static bool is_histogram(const struct metric *metric)
{
	return metric->kind == METRIC_TIMING || metric->kind == METRIC_SIZES;
}

void metric_add(struct metric *metric, int64_t amount)
{
	CHECK(!is_histogram(metric));
	atomic_fetch_add_explicit(&metric->value, amount, memory_order_relaxed);
}

void metric_set(struct metric *metric, int64_t value)
{
	CHECK(metric->kind == METRIC_GAUGE);
	atomic_store_explicit(&metric->value, value, memory_order_relaxed);
}

void metric_observe(struct metric *metric, int64_t value)
{
	CHECK(is_histogram(metric));
	size_t bucket = 0;
	while (value > bound(metric->kind, bucket))
		bucket++;
	atomic_fetch_add_explicit(&metric->buckets[bucket], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&metric->sum, value, memory_order_relaxed);
	atomic_fetch_add_explicit(&metric->value, 1, memory_order_relaxed);
}

static int64_t load(const _Atomic int64_t *number)
{
	return atomic_load_explicit(number, memory_order_relaxed);
}

int64_t metric_value(const struct metric *metric)
{
	return load(&metric->value);
}

int64_t metric_quantile(const struct metric *metric, double share)
{
	CHECK(is_histogram(metric));
	double wanted = share * (double)load(&metric->value);
	int64_t seen = 0;
	for (size_t i = 0; i < METRIC_BUCKETS; i++) {
		seen += load(&metric->buckets[i]);
		if (seen > 0 && (double)seen >= wanted)
			return bound(metric->kind, i);
	}
	return 0;
}

static void dump_histogram(const struct metric *metric, FILE *file)
{
	const char *comma = *metric->labels ? "," : "";
	int64_t seen = 0;
	for (size_t i = 0; i < METRIC_BUCKETS; i++) {
		seen += load(&metric->buckets[i]);
		fprintf(file, "%s_bucket{%s%sle=\"", metric->name, metric->labels, comma);
		if (i == METRIC_BUCKETS - 1)
			fprintf(file, "+Inf");
		else if (metric->kind == METRIC_TIMING)
			fprintf(file, "%g", (double)bound(metric->kind, i) / 1e6);
		else
			fprintf(file, "%" PRId64, bound(metric->kind, i));
		fprintf(file, "\"} %" PRId64 "\n", seen);
	}
	const char *open = *metric->labels ? "{" : "", *close = *metric->labels ? "}" : "";
	double sum = (double)load(&metric->sum) / (metric->kind == METRIC_TIMING ? 1e6 : 1);
	fprintf(file, "%s_sum%s%s%s %.15g\n", metric->name, open, metric->labels, close, sum);
	fprintf(file, "%s_count%s%s%s %" PRId64 "\n", metric->name, open, metric->labels, close, seen);
}

void metrics_dump(FILE *file)
{
	static const char *const kinds[] = {"counter", "gauge", "histogram", "histogram"};
	for (size_t i = 0; i < count; i++) {
		const struct metric *metric = table[i];
		if (i == 0 || strcmp(table[i - 1]->name, metric->name) != 0) {
			fprintf(file, "# HELP %s %s\n", metric->name, metric->help);
			fprintf(file, "# TYPE %s %s\n", metric->name, kinds[metric->kind]);
		}
		if (is_histogram(metric)) {
			dump_histogram(metric, file);
			continue;
		}
		fprintf(file, "%s%s%s%s %" PRId64 "\n", metric->name, *metric->labels ? "{" : "",
			metric->labels, *metric->labels ? "}" : "", load(&metric->value));
	}
}

void metrics_reset(void)
{
	for (size_t i = 0; i < count; i++) {
		free(table[i]->name);
		free(table[i]->help);
		free(table[i]->labels);
		free(table[i]);
	}
	count = 0;
}
