/*
 * What the load generator keeps while it runs; one thread, one client. bench_load.c reads the
 * options, a mode of calls.c makes the requests, closed_loop.c and open_loop.c decide when one is
 * sent, report.c counts.
 */
#ifndef STOCKBOOK_BENCH_LOAD_H
#define STOCKBOOK_BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stockbook/client.h"
#include "stockbook/v1/sourcing.pb-c.h"

#define NAME_SIZE 16
#define CHAIN_NAME_SIZE 32
#define LINES_MAX 1000     /* SKUs of a call */
#define LOCATIONS_MAX 2000 /* of a group, and of a read */
#define SESSIONS_MAX 64

struct caller;

/* How a call of a mode is made: builds the request and hands it to load_call(). */
typedef void (*make_call)(struct caller *caller);

struct load {
	struct stockbook_client *client;
	struct stockbook_session *sessions[SESSIONS_MAX];
	int session_count; /* 0: calls are single */
	char *mode;
	make_call make;
	Stockbook__V1__SourcingStrategy strategy;
	int skus;
	int locations;
	int lines;
	int places; /* locations that a read names */
	int callers;
	double seconds;
	double rate; /* calls a second of an open loop; 0: closed */
	int64_t stock;
	int64_t staleness_ms; /* of reads; 0: fresh */
	uint64_t random;

	int64_t end_ns;
	bool again;         /* who was answered calls again until the end: a closed loop */
	uint64_t answered;  /* before the end */
	uint64_t completed; /* whenever, and whatever the answer was */
	uint64_t refused;
	uint64_t failed;
	char first_error[200];
	float *latencies_ms;
	size_t latency_count;
	size_t latency_capacity;
};

/* One call at a time. */
struct caller {
	struct load *load;
	int64_t since_ns; /* latency counts from here: sent, or when it should have been */
	struct caller *next_free;
	int number;
};

int64_t now_ns(void);
uint64_t load_random(struct load *load);
/* From 0 to 1, less than 1. */
double load_fraction(struct load *load);

/* report.c */
void note_error(struct load *load, const struct stockbook_error *error);
void note_latency(struct load *load, double latency_ms);
/* Counts an answer. */
void note_answer(struct load *load, int64_t since_ns, const struct stockbook_error *error);
/* Sorts the latencies and prints one line of JSON. `more` is printed among its members. */
void report(struct load *load, const char *more);

/* calls.c: sends it by the way that was asked for; load_done() is told. */
void load_call(struct caller *caller, const struct stockbook_method *method,
	const ProtobufCMessage *request);
/* Whose answer it is, in either loop. */
void load_done(void *context, const ProtobufCMessage *response,
	const struct stockbook_error *error);
/* The mode of that name, or NULL. */
make_call find_mode(const char *name);
void sku_name(int number, char sku[NAME_SIZE]);
void location_name(int number, char location[NAME_SIZE]);

/* sourced.c */
void call_promise(struct caller *caller);
void call_place(struct caller *caller);
void fill_chain(struct load *load);

/* fill.c */
void fill(struct load *load);
void fill_call(struct load *load, const char *service, const char *method,
	const ProtobufCMessage *request);

/* closed_loop.c */
void run_closed_loop(struct load *load);
/* open_loop.c */
void run_open_loop(struct load *load);
void open_loop_return(struct caller *caller);
/* read_all.c: every balance once, from memory if it is there. */
void run_read_all(struct load *load);
/* watch.c */
void run_watch(struct load *load);

#endif
