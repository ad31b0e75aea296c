#include "engine/queue.h"

/* How long a request is tried that set no deadline of its own. */
#define PATIENCE_US INT64_C(30000000)

void queue_push(struct queue *queue, struct engine_request *request)
{
	request->next = NULL;
	if (queue->last)
		queue->last->next = request;
	else
		queue->first = request;
	queue->last = request;
	queue->count++;
}

void queue_push_front(struct queue *queue, struct engine_request *request)
{
	request->next = queue->first;
	queue->first = request;
	if (!queue->last)
		queue->last = request;
	queue->count++;
}

struct engine_request *queue_pop(struct queue *queue)
{
	struct engine_request *request = queue->first;
	if (!request)
		return NULL;
	queue->first = request->next;
	if (!queue->first)
		queue->last = NULL;
	queue->count--;
	request->next = NULL;
	return request;
}

void queue_sift(struct queue *queue, int64_t now_us, struct queue *to)
{
	struct queue kept = {0};
	for (struct engine_request *request; (request = queue_pop(queue));)
		queue_push(request_is_over(request, now_us) ? to : &kept, request);
	*queue = kept;
}

bool request_is_over(const struct engine_request *request, int64_t now_us)
{
	return request->cancelled || (request->deadline_us > 0 && now_us >= request->deadline_us) ||
		   now_us - request->submitted_us >= PATIENCE_US;
}
