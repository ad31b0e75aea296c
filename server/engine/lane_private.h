/* What the lane's files share: its states and connection in lane.c, its steps in lane_steps.c, what
 * happens when the database does not do as asked in lane_faults.c. */
#ifndef STOCKBOOK_ENGINE_LANE_PRIVATE_H
#define STOCKBOOK_ENGINE_LANE_PRIVATE_H

#include "engine/batch.h"
#include "engine/lane.h"
#include "engine/optimism.h"

enum lane_step {
	STEP_TAKE,
	STEP_HOPE,
	STEP_LEARN,
	STEP_GATHER,
	STEP_LOAD,
	STEP_ABSORB,
	STEP_DECIDE,
	STEP_STORE,
	STEP_FINISH,
	STEP_REST, /* nothing more can be done until somebody calls */
};

struct lane {
	struct engine *engine;
	struct db_connection *connection;
	uint32_t index;
	enum lane_state state; /* changed by lane_set_state() alone */
	struct metric *gauges[LANE_STATES];
	struct fair_queue queue;
	struct batch batches[2];
	struct batch *batch;    /* the current one; empty when there is none */
	struct batch *finished; /* committed, not answered yet; or NULL */
	struct fault fault;     /* that the last round trip met */
	/* While a culprit is looked for: how many are taken at once, and how many at the queue's front
	 * were in its batch. */
	size_t split_max;
	size_t suspects;
	/* Each is to be a batch of its own: they need many rounds, or very many rows. Taken in turn with
	 * the queue, so that nobody waits for all of them. */
	struct fair_queue alone;
	bool alone_last; /* whose turn it was */
	/* They need documents, which are not remembered: loaded in batches of their own, so that the
	 * others need not be. In turn with the queue. */
	struct fair_queue apart;
	bool apart_last;
	struct entry *heavy;      /* the one of the batch that needs very many rows, or NULL */
	int64_t sent_us;          /* when the last round trip began */
	int64_t answered_us;      /* when it came back */
	struct patience optimism; /* about stock rows */
	struct patience trust;    /* about request ids */
	uv_timer_t timer;         /* ends WAITING */
};

/* The one function that changes it. */
void lane_set_state(struct lane *lane, enum lane_state state);
/* No connection; the batch, if there is one, waits for it. */
void lane_go_down(struct lane *lane);
/* The batch's exchange is on its way: LANE_LOADING or LANE_STORING. */
void lane_send(struct lane *lane, enum lane_state state);
/* From this step on, until one rests. */
void lane_run(struct lane *lane, enum lane_step step);
/* Each of those that left will be a batch of its own, and those that are to be loaded one. */
void lane_send_left_away(struct lane *lane);
/* The batch did not come through, lane->fault says why; nothing of it is known to be committed. */
void lane_fail(struct lane *lane);

#endif
