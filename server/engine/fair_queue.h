/*
 * Fair queue: requests that wait, in the order of their arrival for each caller, and the callers in
 * turn: who has a thousand waiting is served as often as who has one. The turns are deficit round
 * robin: a caller's turn is worth a fixed amount of work, and what a request costs of it grows with
 * its size.
 *
 *   front    |r r r|            put back; they had their turn, and go before all others
 *   turns    A -> B -> C        callers of whom something waits
 *            |    |    |
 *            r    r    r        each caller's own, first come first served
 *            r         r
 *
 * Nothing is allocated for a request, and a caller's place is kept for the next caller. Zeroed is
 * empty. The loop's thread.
 */
#ifndef STOCKBOOK_ENGINE_FAIR_QUEUE_H
#define STOCKBOOK_ENGINE_FAIR_QUEUE_H

#include "engine/queue.h"

struct fair_queue_caller;

struct fair_queue {
	struct queue front;
	struct fair_queue_caller *first; /* whose turn it is */
	struct fair_queue_caller *last;
	size_t count; /* of all, the front ones included */
	size_t callers;
	/* Callers by key, and those that are kept for later. */
	struct fair_queue_caller **slots;
	size_t slot_count;
	struct fair_queue_caller *free;
};

void fair_queue_push(struct fair_queue *queue, struct engine_request *request);
/* Of one that had its turn before: it is the next. */
void fair_queue_push_front(struct fair_queue *queue, struct engine_request *request);
/* NULL when it is empty. */
struct engine_request *fair_queue_pop(struct fair_queue *queue);
/* As queue_sift(). */
void fair_queue_sift(struct fair_queue *queue, int64_t now_us, struct queue *to);
/* How many of the caller wait, but for those at the front. NULL: the service itself. */
size_t fair_queue_count_of(const struct fair_queue *queue, const struct engine_caller *caller);
/* When the one that waits longest was submitted; INT64_MAX: none waits. */
int64_t fair_queue_oldest_us(const struct fair_queue *queue);
/* It must be empty. */
void fair_queue_release(struct fair_queue *queue);

enum queue_room {
	QUEUE_HAS_ROOM,
	QUEUE_FULL,
	/* The caller has as many waiting as there is still room for: the rest is for the others. */
	QUEUE_CALLER_FULL,
};

/* Whether one more may wait where `waiting` do, `own` of them the same caller's. The service's own
 * always may: there are few of them, and others wait for them. */
enum queue_room queue_room(const struct engine_request *request, size_t own, size_t waiting,
	size_t most);

#endif
