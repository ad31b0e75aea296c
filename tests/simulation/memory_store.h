/*
 * Memory store: the book's tables in memory, over the same descriptions that the database has, and
 * lanes that run batches of operations on it as the engine does.
 *
 *   lane: IDLE -- memory_lane_submit() --> DECIDING <--> LOADING --> (stored) --> IDLE
 *
 * Several lanes work at once: memory_lane_step() takes one lane one step further. Rows that a lane locked
 * stop the others, as in the database; rows that are absent cannot be locked, and who inserts a
 * key second starts over. With stale peeks every other batch is decided from stock as it is or was,
 * without a lock, and stored only where each row still has its version.
 */
#ifndef STOCKBOOK_TESTS_SIMULATION_MEMORY_STORE_H
#define STOCKBOOK_TESTS_SIMULATION_MEMORY_STORE_H

#include "book/operations.h"

struct memory_store;

struct memory_store *memory_store_new(const struct book_limits *limits);
void memory_store_free(struct memory_store *store);

/* ---- What is in it ---- */

/* The rows of a table, in no order. */
const void *const *memory_store_rows(const struct memory_store *store, const struct table *table,
	size_t *count);
/* By its key; NULL when there is none. */
const void *memory_store_find(const struct memory_store *store, const struct table *table,
	const void *key);
int64_t memory_store_head(const struct memory_store *store, int32_t part);
const struct book_limits *memory_store_limits(const struct memory_store *store);
/* Replaces a row from outside, as nobody does in a book that is in use: for tests that make time pass. */
void memory_store_replace(struct memory_store *store, const struct table *table, const void *row);
/* Peeks of policy rows that changed within the last second are answered with the row before, every
 * other time; and every other time it is remembered where the members of a group lie. */
void memory_store_set_stale_peeks(struct memory_store *store, bool stale);

/* Batches that were decided from what was remembered, and those that had to be decided again. */
void memory_store_hopes(const struct memory_store *store, uint64_t *won, uint64_t *lost);

/* ---- Calls ---- */

struct store_call {
	const struct operation *operation;
	const void *request;
	const struct actor *actor;
	struct uuid request_id; /* nil for reads */
	/* The answer. Lives as long as the store. */
	bool answered;
	enum verdict verdict;
	struct refusal refusal;
	struct bytes response;
};

/* Calls as one batch on a lane of their own, until all are answered. */
void memory_store_run(struct memory_store *store, struct store_call *calls, size_t count,
	int64_t now_us);
/* One call; the response is unpacked into the arena, NULL when it was refused (call->refusal). */
void *memory_store_call(struct memory_store *store, struct arena *arena, struct store_call *call,
	int64_t now_us);

/* ---- Lanes ---- */

struct memory_lane;

enum memory_lane_state {
	MEMORY_LANE_IDLE,
	MEMORY_LANE_DECIDING,
	MEMORY_LANE_LOADING, /* waits for rows, perhaps for another lane's locks */
};

/* seed: of the ids it makes. */
struct memory_lane *memory_lane_open(struct memory_store *store, uint64_t seed);
void memory_lane_close(struct memory_lane *lane);
enum memory_lane_state memory_lane_state(const struct memory_lane *lane);
/* The calls are the caller's, and are answered when the lane is idle again. */
void memory_lane_submit(struct memory_lane *lane, struct store_call *calls, size_t count);
/* One step; false when it could not move for another lane's locks. */
bool memory_lane_step(struct memory_lane *lane, int64_t now_us);
/* As a lost connection: what is not stored is gone, its locks are free, no call is answered. */
void memory_lane_abort(struct memory_lane *lane);
/* The same, but just before the lane would go idle: stored, and no call is answered. */
void memory_lane_lose_next_reply(struct memory_lane *lane);

#endif
