/*
 * Queue: requests that wait, first come first served, linked through themselves.
 */
#ifndef STOCKBOOK_ENGINE_QUEUE_H
#define STOCKBOOK_ENGINE_QUEUE_H

#include "engine/engine.h"

struct queue {
	struct engine_request *first;
	struct engine_request *last;
	size_t count;
};

void queue_push(struct queue *queue, struct engine_request *request);
void queue_push_front(struct queue *queue, struct engine_request *request);
/* NULL when it is empty. */
struct engine_request *queue_pop(struct queue *queue);
/* Moves those that need not be done any more (cancelled, or too late at that time) to `to`. */
void queue_sift(struct queue *queue, int64_t now_us, struct queue *to);

/* Whether the request's time is over, its own or the engine's patience. */
bool request_is_over(const struct engine_request *request, int64_t now_us);

#endif
