/*
 * Private to engine/: the engine itself, as its lanes, readers and helpers see it.
 */
#ifndef STOCKBOOK_ENGINE_PRIVATE_H
#define STOCKBOOK_ENGINE_PRIVATE_H

#include "engine/engine.h"
#include "engine/fair_queue.h"
#include "engine/pace.h"
#include "engine/policy.h"
#include "engine/queue.h"
#include "engine/sql.h"
#include "observe/metrics.h"

#define ENGINE_VERIFICATIONS_MAX 2

struct lane;
struct reader;
struct sweeper;
struct verify;
struct catalog;
struct feed;
struct live;
struct confirm;
struct recollection;

struct engine_metrics {
	struct metric *states[ENGINE_STATES];
	struct metric *batch_operations; /* how many there were in a batch */
	struct metric *rounds;           /* of LOAD, in a batch */
	struct metric *write_time;
	struct metric *read_time;
	struct metric *lane_queue;
	struct metric *read_queue;
	struct metric *replays;
	struct metric *refusals;
	struct metric *overloads[QUEUE_CALLER_FULL + 1]; /* by the bound */
	struct metric *lane_callers;
	struct metric *read_callers;
	struct metric *lane_oldest;
	struct metric *read_oldest;
	struct metric *heavy_reads;
	struct metric *round_trip;
	struct metric *retries[FAULT_BUG + 1]; /* by the fault's kind */
	struct metric *splits;
	struct metric *culprits;
	struct metric *lanes_chosen;
	struct metric *operations_chosen;
	struct metric *store_fixed;
	struct metric *store_each;
};

struct engine {
	/* Constant after opening. */
	uv_loop_t *loop;
	struct engine_settings settings;
	struct arena arena;
	struct sql *sql;
	struct policy *policy;
	struct recollection *recollection;
	struct engine_metrics metrics;
	struct lane **lanes;
	struct reader **readers;

	enum engine_state state; /* changed by engine_set_state() alone */
	struct pace pace;
	uint32_t pace_ticks; /* until it is asked */
	char message[512];
	bool schema_fits;
	size_t lanes_connected;
	size_t requests;         /* not answered yet */
	struct fair_queue reads; /* shared by the readers */
	/* Reads that want very much, each of which is a batch of its own, and readers that have one. */
	struct fair_queue heavy_reads;
	size_t heavy_readers;
	int64_t round_trip_us;   /* the readers' shortest of late; 0: not known */
	struct queue late;       /* reads that the database has not come far enough for */
	struct queue decided;    /* on submission; answered on the loop's next turn */
	struct catalog *catalog; /* while the schema is being checked */
	struct sweeper *sweeper;
	struct feed *feed;
	struct live *live;
	struct confirm *confirm;
	struct verify *verifications[ENGINE_VERIFICATIONS_MAX];

	uv_prepare_t kick; /* starts what was submitted in this turn of the loop, as one batch */
	uv_timer_t tick;   /* answers those whose time is over while they wait */
	uint64_t random;
	void (*drained)(void *data);
	void *drained_data;
	void (*closed)(void *data);
	void *closed_data;
	size_t open; /* connections and handles that are not closed yet */
	bool closing;
};

/* Microseconds since 1970. */
int64_t engine_now_us(void);
uint64_t engine_random(struct engine *engine);
/* Session settings of lanes and readers: plans are made once, perhaps while tables are empty, and
 * must be those for full ones. */
#define ENGINE_SESSION                                                                             \
	{"enable_seqscan", "off"}, {"enable_hashjoin", "off"}, {"enable_mergejoin", "off"},            \
		{"enable_bitmapscan", "off"},                                                              \
	{                                                                                              \
		"jit", "off"                                                                               \
	}

/* The one way in which a request ends. */
void engine_answer(struct engine *engine, struct engine_request *request);
/* Fills in a refusal of the engine's own; the request is then to be answered. */
void engine_refuse(struct engine_request *request, Stockbook__V1__Reason reason,
	int64_t retry_after_ms, const char *message);
/* Answers a request whose time is over while it waits: for the database, or in its queue. */
void engine_give_up(struct engine *engine, struct engine_request *request, bool database_is_down);
/* A lane's connection came or went, or the schema has been checked. */
void engine_update(struct engine *engine);
void engine_fail(struct engine *engine, const char *message);
/* Something that counted in engine->open is closed. */
void engine_closed_one(void *engine);

#endif
