/*
 * Lane: one connection that writes. It takes what has queued up as one batch, decides it, commits
 * it, answers it; whatever goes wrong with the database in between, the batch is run again from its
 * beginning until it is committed or its callers have no more time.
 *
 *   steps    TAKE -> HOPE ----------- all is remembered ---------+
 *              ^       | ^ |                                         v
 *              |       | | +--> LEARN ~~> ABSORB, and hope again     |
 *              |       | +---------------------+                     |
 *              |       | more is needed, or a row had moved          |
 *              |       v                                             v
 *              |     GATHER -> LOAD ~~> ABSORB -> DECIDE ---------> STORE ~~> FINISH -> TAKE
 *              |       ^        ^                   |
 *              |       |        +- needs more rows -+
 *              |       +---- fault: the whole batch again (RETRY)
 *              +------------ fault for one operation's sake: half of it, the rest later (SPLIT)
 *            ~~> : a round trip
 *
 * HOPE decides from stock rows as this server knows them, which STORE then changes only if they
 * still have their versions (optimism.h). LEARN reads stock that is not known, without locks. GATHER
 * asks for all that the operations need, which LOAD locks.
 *
 * Operations that need many rounds or very many rows are left over by a batch of many. They wait
 * beside the queue, and are taken one by one, in turn with it.
 *
 *   states   DOWN: no connection    IDLE: nothing to do    LOADING, STORING: a round trip is under way
 *            WAITING: until it tries again
 */
#ifndef STOCKBOOK_ENGINE_LANE_H
#define STOCKBOOK_ENGINE_LANE_H

#include "engine/private.h"

enum lane_state {
	LANE_DOWN,
	LANE_IDLE,
	LANE_LOADING,
	LANE_STORING,
	LANE_WAITING,
	LANE_CLOSED,
	LANE_STATES,
};

struct lane *lane_open(struct engine *engine, uint32_t index);
/* Gives up everything it has. */
void lane_close(struct lane *lane);
void lane_free(struct lane *lane);

/* Takes it if there is room. */
MUST_USE enum queue_room lane_submit(struct lane *lane, struct engine_request *request);
/* Starts working when it is idle and something waits. */
void lane_kick(struct lane *lane);
/* Answers those whose time is over. */
void lane_tick(struct lane *lane);
size_t lane_queued(const struct lane *lane);
/* Of how many callers something waits. */
size_t lane_callers(const struct lane *lane);
/* When the one that waits longest was submitted; INT64_MAX: none waits. */
int64_t lane_oldest_us(const struct lane *lane);
bool lane_connected(const struct lane *lane);
/* Why it is not, for people. */
const char *lane_error(const struct lane *lane);

#endif
