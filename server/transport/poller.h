/*
 * The bridge between gRPC's completion queues and the uv loop. It knows tags, not calls.
 *
 * Two queues:
 *	polled  arrivals and streams. Whoever is in next() of this queue also does the I/O of all
 *	        connections.
 *	unpolled  the batches of unary calls. Its completions wake nobody; they are collected at the
 *	        end of a round of the loop that sent something, and by a slow timer while any is
 *	        outstanding.
 *
 * Who is in next() of the polled queue:
 *
 *	                 some rounds without an event
 *	POLLER_ROUNDS ──────────────────────────────────> POLLER_ASLEEP
 *	 the loop polls    <──────────────────────────────   the sleeper thread blocks in next()
 *	 each round          an event (uv_async_send)
 *
 *	both ── poller_stop(), queue empty ──> POLLER_STOPPED
 *
 * What the loop thread sends is held back until the end of the round (base/cork.h): the answers of
 * one round leave together.
 *
 * Everything but sleeper_main() is the loop thread's.
 */
#ifndef STOCKBOOK_TRANSPORT_POLLER_H
#define STOCKBOOK_TRANSPORT_POLLER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <grpc/grpc.h>
#include <uv.h>

#include "base/check.h"

/* What a completion queue gives back: embedded in what waits for it. */
struct tag {
	void (*done)(struct tag *tag, bool ok);
};

#define container_of(pointer, type, member)                                                        \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

enum poller_state {
	POLLER_ROUNDS,
	POLLER_ASLEEP,
	POLLER_STOPPED,
};

struct poller {
	/* The loop thread's. */
	enum poller_state state;
	grpc_completion_queue *polled;
	grpc_completion_queue *unpolled;
	uv_loop_t *loop;
	uv_check_t check;
	uv_idle_t spin; /* keeps the loop from blocking while it polls */
	uv_timer_t collect;
	size_t unpolled_outstanding;
	bool unpolled_due; /* something may have come back */
	unsigned quiet_rounds;
	bool hurried;
	bool corked; /* the thread's cork_begin() is ours */
	unsigned handles_open;
	uv_thread_t sleeper;
	void (*on_round)(struct poller *poller);   /* after each round's events; may stop the poller */
	bool (*on_collect)(struct poller *poller); /* true: is to be called again */
	void (*on_closed)(struct poller *poller);
	/* Given back and forth; whoever's turn it is owns `event`. */
	uv_sem_t sleep;
	uv_async_t wake;
	grpc_event event;
	atomic_bool event_ready;
	atomic_bool quit;
};

/* Creates the queues and the sleeper, and starts polling. grpc_init() must have been called. */
void poller_open(struct poller *poller, uv_loop_t *loop, void (*on_round)(struct poller *poller),
	bool (*on_collect)(struct poller *poller));
/* on_collect() is called every few milliseconds, as long as it wants to be. */
void poller_keep_collecting(struct poller *poller);
/* The loop does not sleep before this round, or the next one, has ended. */
void poller_hurry(struct poller *poller);
/* Starts a batch whose tag comes back from the queue that the call is bound to; `unpolled` says
 * which one that is. */
void poller_start_batch(struct poller *poller, grpc_call *call, const grpc_op *operations,
	size_t count, struct tag *tag, bool unpolled);
/* Blocks for the only tag that is outstanding; before the loop has run. */
void poller_wait_for(struct poller *poller, struct tag *tag);
/* Shuts down and empties both queues, which must have nothing outstanding, and ends the sleeper. */
void poller_stop(struct poller *poller);
/* After poller_stop() and the server's end: destroys the queues. */
void poller_destroy_queues(struct poller *poller);
/* Closes the uv handles; `on_closed` is called when the poller's memory may go. */
void poller_close(struct poller *poller, void (*on_closed)(struct poller *poller));

#endif
