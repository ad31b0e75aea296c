#include "engine/fair_queue.h"

#include <stdlib.h>

/* What a turn is worth: some eight small requests. */
#define TURN_COST 16
/* So much of a request's bytes is worth one more; about a line of a basket. */
#define BYTES_PER_COST 64
#define COST_MAX 4096
#define SLOTS_MIN 64

struct fair_queue_caller {
	uint64_t key;
	struct queue requests;
	int64_t deficit;                   /* what is left of its turns */
	struct fair_queue_caller *next;    /* whose turn is after it; or the next free one */
	struct fair_queue_caller *chained; /* in the same slot */
};

static int64_t cost_of(const struct engine_request *request)
{
	size_t cost = 1 + request->size / BYTES_PER_COST;
	return cost < COST_MAX ? (int64_t)cost : COST_MAX;
}

static uint64_t key_of(const struct engine_caller *caller)
{
	return caller ? caller->key : 0;
}

/* ---- Callers ---- */

/* Where the caller is linked in its slot, or would be. */
static struct fair_queue_caller **caller_place(const struct fair_queue *queue, uint64_t key)
{
	struct fair_queue_caller **place = &queue->slots[key & (queue->slot_count - 1)];
	while (*place && (*place)->key != key)
		place = &(*place)->chained;
	return place;
}

static void slots_grow(struct fair_queue *queue)
{
	struct fair_queue_caller **old = queue->slots;
	size_t old_count = queue->slot_count;
	queue->slot_count = old_count ? old_count * 2 : SLOTS_MIN;
	queue->slots = calloc(queue->slot_count, sizeof(struct fair_queue_caller *));
	CHECK(queue->slots != NULL);
	for (size_t i = 0; i < old_count; i++)
		while (old[i]) {
			struct fair_queue_caller *caller = old[i];
			struct fair_queue_caller **place = &queue->slots[caller->key & (queue->slot_count - 1)];
			old[i] = caller->chained;
			caller->chained = *place;
			*place = caller;
		}
	free(old);
}

static void turns_append(struct fair_queue *queue, struct fair_queue_caller *caller)
{
	caller->next = NULL;
	if (queue->last)
		queue->last->next = caller;
	else
		queue->first = caller;
	queue->last = caller;
}

static struct fair_queue_caller *turns_take_first(struct fair_queue *queue)
{
	struct fair_queue_caller *caller = queue->first;
	queue->first = caller->next;
	if (!queue->first)
		queue->last = NULL;
	return caller;
}

static struct fair_queue_caller *caller_take(struct fair_queue *queue, uint64_t key)
{
	if (queue->callers >= queue->slot_count)
		slots_grow(queue);
	struct fair_queue_caller **place = caller_place(queue, key);
	if (*place)
		return *place;
	struct fair_queue_caller *caller = queue->free;
	if (caller)
		queue->free = caller->next;
	else
		caller = malloc(sizeof(*caller));
	CHECK(caller != NULL);
	*caller = (struct fair_queue_caller){.key = key, .deficit = TURN_COST};
	*place = caller;
	queue->callers++;
	turns_append(queue, caller);
	return caller;
}

/* It is in no turn any more. */
static void caller_give(struct fair_queue *queue, struct fair_queue_caller *caller)
{
	*caller_place(queue, caller->key) = caller->chained;
	caller->next = queue->free;
	queue->free = caller;
	queue->callers--;
}

/* ---- Requests ---- */

void fair_queue_push(struct fair_queue *queue, struct engine_request *request)
{
	queue_push(&caller_take(queue, key_of(request->caller))->requests, request);
	queue->count++;
}

void fair_queue_push_front(struct fair_queue *queue, struct engine_request *request)
{
	queue_push_front(&queue->front, request);
	queue->count++;
}

/* The one who can pay for its first request; each that cannot yet saves up for its next turn. Who
 * is alone pays what it has. */
static struct fair_queue_caller *caller_in_turn(struct fair_queue *queue)
{
	while (queue->first != queue->last &&
		   queue->first->deficit < cost_of(queue->first->requests.first)) {
		queue->first->deficit += TURN_COST;
		turns_append(queue, turns_take_first(queue));
	}
	return queue->first;
}

struct engine_request *fair_queue_pop(struct fair_queue *queue)
{
	if (queue->count == 0)
		return NULL;
	queue->count--;
	if (queue->front.count > 0)
		return queue_pop(&queue->front);
	struct fair_queue_caller *caller = caller_in_turn(queue);
	struct engine_request *request = queue_pop(&caller->requests);
	int64_t cost = cost_of(request);
	caller->deficit -= cost < caller->deficit ? cost : caller->deficit;
	if (caller->requests.count == 0)
		caller_give(queue, turns_take_first(queue));
	return request;
}

void fair_queue_sift(struct fair_queue *queue, int64_t now_us, struct queue *to)
{
	size_t before = to->count;
	queue_sift(&queue->front, now_us, to);
	for (size_t left = queue->callers; left > 0; left--) {
		struct fair_queue_caller *caller = turns_take_first(queue);
		queue_sift(&caller->requests, now_us, to);
		if (caller->requests.count > 0)
			turns_append(queue, caller);
		else
			caller_give(queue, caller);
	}
	queue->count -= to->count - before;
}

size_t fair_queue_count_of(const struct fair_queue *queue, const struct engine_caller *caller)
{
	if (queue->callers == 0)
		return 0;
	const struct fair_queue_caller *found = *caller_place(queue, key_of(caller));
	return found ? found->requests.count : 0;
}

int64_t fair_queue_oldest_us(const struct fair_queue *queue)
{
	int64_t oldest_us = INT64_MAX;
	if (queue->front.first)
		oldest_us = queue->front.first->submitted_us;
	for (const struct fair_queue_caller *caller = queue->first; caller; caller = caller->next)
		if (caller->requests.first->submitted_us < oldest_us)
			oldest_us = caller->requests.first->submitted_us;
	return oldest_us;
}

void fair_queue_release(struct fair_queue *queue)
{
	CHECK(queue->count == 0);
	while (queue->free) {
		struct fair_queue_caller *caller = queue->free;
		queue->free = caller->next;
		free(caller);
	}
	free(queue->slots);
	*queue = (struct fair_queue){0};
}

enum queue_room queue_room(const struct engine_request *request, size_t own, size_t waiting,
	size_t most)
{
	if (!request->caller)
		return QUEUE_HAS_ROOM;
	if (waiting >= most)
		return QUEUE_FULL;
	return own < most - waiting ? QUEUE_HAS_ROOM : QUEUE_CALLER_FULL;
}
