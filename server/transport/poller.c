#include "transport/poller.h"

#include <signal.h>

#include "base/cork.h"
#include "transport/sanitize.h"

/* Rounds without an event before the sleeper takes over. Handing over costs two thread switches;
 * a round costs two epoll calls. */
#define POLLER_QUIET_ROUNDS_MAX 16
/* Events in one round: the database's sockets must get their turn too. */
#define POLLER_ROUND_EVENTS_MAX 128
#define UNPOLLED_ROUND_EVENTS_MAX (2 * POLLER_ROUND_EVENTS_MAX)
/* How late a cancellation of a unary call may be noticed, when its end is watched. */
#define POLLER_COLLECT_INTERVAL_MS 5

static void sleeper_main(void *argument)
{
	struct poller *poller = argument;
	for (;;) {
		uv_sem_wait(&poller->sleep);
		if (atomic_load_explicit(&poller->quit, memory_order_acquire))
			return;
		poller->event =
			grpc_completion_queue_next(poller->polled, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
		atomic_store_explicit(&poller->event_ready, true, memory_order_release);
		uv_async_send(&poller->wake);
	}
}

static void poller_spin(uv_idle_t *spin)
{
	(void)spin; /* that it is active is what it is for */
}

static void poller_set_state(struct poller *poller, enum poller_state state)
{
	CHECK(poller->state != POLLER_STOPPED);
	poller->state = state;
	poller->quiet_rounds = 0;
	if (state == POLLER_ROUNDS)
		uv_idle_start(&poller->spin, poller_spin);
	else
		uv_idle_stop(&poller->spin);
	if (state == POLLER_ASLEEP)
		uv_sem_post(&poller->sleep);
}

static void poller_take(const grpc_event *event)
{
	CHECK(event->type == GRPC_OP_COMPLETE);
	struct tag *tag = event->tag;
	tag_acquire(tag);
	tag->done(tag, event->success != 0);
}

static size_t poller_drain_polled(struct poller *poller)
{
	size_t taken = 0;
	while (taken < POLLER_ROUND_EVENTS_MAX && poller->state == POLLER_ROUNDS) {
		grpc_event event =
			grpc_completion_queue_next(poller->polled, gpr_inf_past(GPR_CLOCK_MONOTONIC), NULL);
		if (event.type == GRPC_QUEUE_TIMEOUT)
			break;
		poller_take(&event);
		taken++;
	}
	return taken;
}

static size_t poller_drain_unpolled(struct poller *poller)
{
	size_t taken = 0;
	/* An empty queue is looked into for a price: gRPC waits for it, if only for a nanosecond. */
	if (!poller->unpolled_due)
		return 0;
	while (poller->unpolled_outstanding > 0 && taken < UNPOLLED_ROUND_EVENTS_MAX) {
		grpc_event event =
			grpc_completion_queue_next(poller->unpolled, gpr_inf_past(GPR_CLOCK_MONOTONIC), NULL);
		if (event.type == GRPC_QUEUE_TIMEOUT)
			break;
		poller->unpolled_outstanding--;
		poller_take(&event);
		taken++;
	}
	poller->unpolled_due = taken == UNPOLLED_ROUND_EVENTS_MAX;
	return taken;
}

/* Until the end of the round, before which the loop must not sleep. */
static void poller_cork(struct poller *poller)
{
	if (!poller->corked)
		cork_begin();
	poller->corked = true;
}

static void poller_check(uv_check_t *check)
{
	struct poller *poller = check->data;
	size_t taken = 0;
	poller_cork(poller);
	if (poller->state == POLLER_ROUNDS)
		taken += poller_drain_polled(poller);
	taken += poller_drain_unpolled(poller);
	if (taken > 0)
		poller->quiet_rounds = 0;
	else if (poller->state == POLLER_ROUNDS && ++poller->quiet_rounds >= POLLER_QUIET_ROUNDS_MAX)
		poller_set_state(poller, POLLER_ASLEEP);
	poller->hurried = false;
	poller->on_round(poller);
	cork_end();
	poller->corked = false;
	if (!poller->hurried && poller->state == POLLER_ASLEEP)
		uv_idle_stop(&poller->spin);
}

void poller_hurry(struct poller *poller)
{
	CHECK(poller->state != POLLER_STOPPED);
	poller->hurried = true;
	uv_idle_start(&poller->spin, poller_spin);
}

static void poller_wake(uv_async_t *wake)
{
	struct poller *poller = wake->data;
	if (!atomic_exchange_explicit(&poller->event_ready, false, memory_order_acquire))
		return; /* one uv_async_send() may be reported twice */
	CHECK(poller->state == POLLER_ASLEEP);
	poller_set_state(poller, POLLER_ROUNDS);
	poller_take(&poller->event);
}

static void poller_collect(uv_timer_t *collect)
{
	struct poller *poller = collect->data;
	/* The check handle does the work. */
	poller->unpolled_due = true;
	bool again = poller->on_collect(poller);
	if (!again && poller->unpolled_outstanding == 0)
		uv_timer_stop(collect);
}

void poller_keep_collecting(struct poller *poller)
{
	if (!uv_is_active((uv_handle_t *)&poller->collect))
		uv_timer_start(&poller->collect, poller_collect, POLLER_COLLECT_INTERVAL_MS,
			POLLER_COLLECT_INTERVAL_MS);
}

static grpc_completion_queue *poller_make_queue(grpc_cq_polling_type polling)
{
	grpc_completion_queue_attributes attributes = {
		.version = GRPC_CQ_CURRENT_VERSION,
		.cq_completion_type = GRPC_CQ_NEXT,
		.cq_polling_type = polling,
	};
	const grpc_completion_queue_factory *factory =
		grpc_completion_queue_factory_lookup(&attributes);
	grpc_completion_queue *queue = grpc_completion_queue_create(factory, &attributes, NULL);
	CHECK(queue != NULL);
	return queue;
}

static void poller_open_handles(struct poller *poller, uv_loop_t *loop)
{
	CHECK(uv_check_init(loop, &poller->check) == 0);
	CHECK(uv_idle_init(loop, &poller->spin) == 0);
	CHECK(uv_timer_init(loop, &poller->collect) == 0);
	CHECK(uv_async_init(loop, &poller->wake, poller_wake) == 0);
	poller->check.data = poller;
	poller->collect.data = poller;
	poller->wake.data = poller;
	poller->handles_open = 4;
	uv_check_start(&poller->check, poller_check);
}

void poller_open(struct poller *poller, uv_loop_t *loop, void (*on_round)(struct poller *poller),
	bool (*on_collect)(struct poller *poller))
{
	*poller = (struct poller){
		.state = POLLER_ROUNDS, .loop = loop, .on_round = on_round, .on_collect = on_collect};
	atomic_init(&poller->event_ready, false);
	atomic_init(&poller->quit, false);
	poller->polled = poller_make_queue(GRPC_CQ_DEFAULT_POLLING);
	poller->unpolled = poller_make_queue(GRPC_CQ_NON_POLLING);
	poller_open_handles(poller, loop);
	CHECK(uv_sem_init(&poller->sleep, 0) == 0);
	poller_set_state(poller, POLLER_ROUNDS);

	/* Signals are the loop thread's. */
	sigset_t all, before;
	sigfillset(&all);
	CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	CHECK(uv_thread_create(&poller->sleeper, sleeper_main, poller) == 0);
	CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
}

void poller_start_batch(struct poller *poller, grpc_call *call, const grpc_op *operations,
	size_t count, struct tag *tag, bool unpolled)
{
	if (unpolled) {
		/* What is sent is done at once, or soon; the others wait for the caller. */
		if (operations[0].op != GRPC_OP_RECV_CLOSE_ON_SERVER)
			poller->unpolled_due = true;
		poller->unpolled_outstanding++;
		poller_keep_collecting(poller);
	}
	poller_cork(poller);
	poller_hurry(poller);
	tag_release(tag);
	CHECK(grpc_call_start_batch(call, operations, count, tag, NULL) == GRPC_CALL_OK);
}

void poller_wait_for(struct poller *poller, struct tag *tag)
{
	CHECK(poller->state == POLLER_ROUNDS);
	grpc_event event =
		grpc_completion_queue_next(poller->polled, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
	CHECK(event.tag == tag);
	poller_take(&event);
}

void poller_stop(struct poller *poller)
{
	CHECK(poller->unpolled_outstanding == 0);
	grpc_completion_queue_shutdown(poller->unpolled);
	grpc_event event =
		grpc_completion_queue_next(poller->unpolled, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
	CHECK(event.type == GRPC_QUEUE_SHUTDOWN);

	/* A sleeper in next() gets the shutdown event, one before it sees `quit`; next() gives that
	 * event as often as it is asked. */
	atomic_store_explicit(&poller->quit, true, memory_order_release);
	grpc_completion_queue_shutdown(poller->polled);
	uv_sem_post(&poller->sleep);
	uv_thread_join(&poller->sleeper);
	atomic_store_explicit(&poller->event_ready, false, memory_order_relaxed);
	event = grpc_completion_queue_next(poller->polled, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
	CHECK(event.type == GRPC_QUEUE_SHUTDOWN);
	poller_set_state(poller, POLLER_STOPPED);
	uv_timer_stop(&poller->collect);
	uv_check_stop(&poller->check);
	uv_sem_destroy(&poller->sleep);
}

void poller_destroy_queues(struct poller *poller)
{
	CHECK(poller->state == POLLER_STOPPED);
	grpc_completion_queue_destroy(poller->unpolled);
	grpc_completion_queue_destroy(poller->polled);
}

static void poller_handle_closed(uv_handle_t *handle)
{
	struct poller *poller = handle->data;
	if (--poller->handles_open == 0)
		poller->on_closed(poller);
}

void poller_close(struct poller *poller, void (*on_closed)(struct poller *poller))
{
	poller->on_closed = on_closed;
	poller->spin.data = poller;
	uv_close((uv_handle_t *)&poller->check, poller_handle_closed);
	uv_close((uv_handle_t *)&poller->spin, poller_handle_closed);
	uv_close((uv_handle_t *)&poller->collect, poller_handle_closed);
	uv_close((uv_handle_t *)&poller->wake, poller_handle_closed);
}
