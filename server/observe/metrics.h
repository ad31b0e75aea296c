/*
 * Metrics: counters, gauges and histograms in one table, in memory, dumped in Prometheus' text
 * format. Register once at start, keep the pointer, count through it. Counting is safe from every
 * thread; registering is the main thread's.
 */
#ifndef STOCKBOOK_OBSERVE_METRICS_H
#define STOCKBOOK_OBSERVE_METRICS_H

#include <stdint.h>
#include <stdio.h>

#define METRICS_MAX 2048
#define METRIC_BUCKETS 24

struct metric;

/* name: "stockbook_calls_total"; help: one line; labels: "method=\"Reserve\"" or NULL. The same
 * name and labels again give the same metric. Strings are copied. */
struct metric *metric_counter(const char *name, const char *help, const char *labels);
struct metric *metric_gauge(const char *name, const char *help, const char *labels);
/* Times in microseconds, shown in seconds: name it "..._seconds". */
struct metric *metric_timing(const char *name, const char *help, const char *labels);
/* Sizes and counts: buckets are powers of two. */
struct metric *metric_sizes(const char *name, const char *help, const char *labels);

void metric_add(struct metric *metric, int64_t amount);    /* counters and gauges */
void metric_set(struct metric *metric, int64_t value);     /* gauges */
void metric_observe(struct metric *metric, int64_t value); /* timings (microseconds) and sizes */
int64_t metric_value(const struct metric *metric); /* of histograms: how many were observed */
/* The value below which that share (0 to 1) of the observations lie: a bucket's upper bound. */
int64_t metric_quantile(const struct metric *metric, double share);

void metrics_dump(FILE *file);
/* Forgets all, for tests. */
void metrics_reset(void);

#endif
