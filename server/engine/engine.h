/*
 * Engine: runs the book's operations against the database. Writes are queued on lanes, reads on
 * readers; each lane and reader is one connection that carries a batch at a time.
 *
 *   engine_submit --> queue --> LOAD --> DECIDE (book) --> STORE, COMMIT --> done()
 *
 *   STARTING --first lane connected, schema checked--> READY <--> LOST
 *      |                                                 |         |
 *      +--schema does not fit--> FAILED                  +--drain--+--> DRAINING --> (closed)
 *
 * Everything here belongs to the loop's thread.
 */
#ifndef STOCKBOOK_ENGINE_ENGINE_H
#define STOCKBOOK_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "book/run.h"

struct engine;

enum engine_state {
	ENGINE_STARTING,
	ENGINE_READY,    /* at least one lane has a connection */
	ENGINE_LOST,     /* no lane has one; calls wait in their queues for as long as they may */
	ENGINE_FAILED,   /* the database's schema is not this program's: it will not get better */
	ENGINE_DRAINING, /* finishes what it has, takes nothing */
	ENGINE_STATES,
};

const char *engine_state_name(enum engine_state state);

/* 0 or NULL stands for the default in brackets. Texts are copied, operations borrowed. */
struct engine_settings {
	const char *database;          /* URI or conninfo of the migrated database */
	const char *role;              /* SET ROLE of every connection; NULL: stay who we are */
	struct book_limits limits;     /* parts must be what the database was made with */
	uint32_t lanes;                /* 0: 3 to 8, as many as the disk keeps waiting */
	uint32_t readers;              /* [2] */
	uint32_t batch_operations_max; /* [128] */
	uint32_t queue_operations_max; /* in each lane's queue, and in the readers' [10000] */
	uint32_t batch_deadline_ms;    /* one round trip [10000] */
	uint32_t lock_timeout_ms;      /* [2000] */
	uint32_t policy_staleness_ms;  /* [1000] */
	uint32_t sweep_interval_ms;    /* [1000] */
	size_t cache_bytes_max;        /* of stock rows that reads are answered from; 0: none */
	/* Fresh reads in a window, from which on they are answered from that memory, once the database has
	 * said that it is as new: [200] in [1000] ms. */
	uint32_t fresh_reads_min;
	uint32_t fresh_window_ms;
	int64_t lane_memory_bytes_max; /* [64 MB] of stock rows that lanes decide from; < 0: none */
	int64_t request_retention_us;  /* how long request ids are remembered; 0: for ever */
	/* "Sweeper/ExpireReservations"; NULL: holds are not tidied up here. */
	const struct operation *expire;
	/* "Sweeper/ExpirePickups"; NULL: pickups are not tidied up here. */
	const struct operation *expire_pickups;
	/* Called on the loop after each change of state; message says why (FAILED), or is "". Must not
	 * close the engine. */
	void (*changed)(struct engine *engine, enum engine_state state, const char *message,
		void *data);
	void *data;
};

/* Starts connecting and returns at once. */
struct engine *engine_open(uv_loop_t *loop, const struct engine_settings *settings);
enum engine_state engine_state(const struct engine *engine);
/* Why it is LOST or FAILED, for people; "" otherwise. */
const char *engine_message(const struct engine *engine);
/* Refuses new requests (UNAVAILABLE) and calls `drained` when all others are answered. */
void engine_drain(struct engine *engine, void (*drained)(void *data), void *data);
/* Answers whatever is still here with UNAVAILABLE, drops the connections; `closed` (may be NULL)
 * comes on the loop when the memory is about to be freed. */
void engine_close(struct engine *engine, void (*closed)(void *data), void *data);

/* The time by which deadlines are told: uv_hrtime() in microseconds. */
int64_t engine_clock_us(void);

enum engine_outcome {
	ENGINE_PENDING,
	ENGINE_DONE,    /* committed (or read); the response is there */
	ENGINE_REFUSED, /* nothing changed; the refusal says why. Also OVERLOADED, UNAVAILABLE, INTERNAL
	                 * and DEADLINE_EXCEEDED, where the outcome of a call that was sent is told by
	                 * the next one with its request id */
};

/* On whose behalf requests come: callers have the lanes and readers in turn, and none may have more
 * waiting than there is still room for. It lives as long as its requests. */
struct engine_caller {
	uint64_t key; /* its own, and not 0 */
	/* For messages: "token", "till-7". */
	const char *kind;
	const char *name;
};

/* The caller's, zeroed before it is filled in; with all that it points at it must live until
 * done(), which is called exactly once, never from within engine_submit(). */
struct engine_request {
	const struct operation *operation;
	const void *message; /* the decoded request, operation->request */
	struct arena *arena; /* the response and the refusal are made here */
	const struct actor *actor;
	const struct engine_caller *caller; /* NULL: the service itself */
	size_t size;             /* bytes of the message as it came: how much work it may be */
	struct uuid request_id;  /* nil for reads, and for writes that need not be remembered */
	uint8_t fingerprint[16]; /* of method and content: the same id with another is refused */
	uint64_t random;
	int64_t deadline_us; /* engine_clock_us(); INT64_MAX or 0: as long as the engine will */
	/* Of a read: it may be answered from memory with rows as they were so long ago. 0: it is as new as
	 * all that was committed before it was submitted. */
	int64_t max_staleness_us;
	/* Of a read: it asks for stock and policies by their keys, mostly. Fresh, it is worth deciding from
	 * memory too, where the database says that memory is as new. */
	bool recalls;
	/* Of a read: by part from 0 the sequences that the answer must include, or NULL. It waits until
	 * the database has come so far. */
	const int64_t *at_least;
	/* May be set at any time by the caller: one that still waits is dropped before it costs a row
	 * (and answered), one in a batch completes. */
	bool cancelled;
	void (*done)(struct engine_request *request);
	void *data;

	/* Set by the engine before done(). */
	enum engine_outcome outcome;
	struct refusal refusal;
	int64_t age_us;    /* of a read from memory: how old its oldest row may be; else 0 */
	uint8_t *response; /* packed operation->response; of a write with its position (field 15) */
	size_t response_size;

	/* The engine's own. */
	struct engine_request *next;
	int64_t submitted_us;
	/* Of a fresh read that is decided from memory: what the feed had told by then, and how many of its
	 * questions it has ridden on. */
	uint64_t decided_at;
	uint32_t rides;
};

/* Queues it. When there is no room, for it or for more of its caller, it is answered OVERLOADED. */
void engine_submit(struct engine *engine, struct engine_request *request);
/* Requests that are not answered yet. */
size_t engine_requests(const struct engine *engine);

#endif
