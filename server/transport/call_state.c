#include "transport/call_state.h"

#include "base/check.h"

#define STEP(to) (1U << (unsigned)(to))

/* Which states may follow each. */
static const unsigned call_state_steps[CALL_STATES] = {
	[CALL_FREE] = STEP(CALL_READING) | STEP(CALL_HANDLED) | STEP(CALL_REPLYING),
	[CALL_READING] = STEP(CALL_HANDLED) | STEP(CALL_REPLYING) | STEP(CALL_ENDED),
	[CALL_HANDLED] = STEP(CALL_ABANDONED) | STEP(CALL_REPLYING),
	[CALL_ABANDONED] = STEP(CALL_ENDED),
	[CALL_REPLYING] = STEP(CALL_ENDED),
	[CALL_ENDED] = STEP(CALL_FREE),
};

static const char *const call_state_names[CALL_STATES] = {
#define X(state, name) [state] = name,
	CALL_STATE_TABLE(X)
#undef X
};

const char *call_state_name(enum call_state state)
{
	CHECK(state < CALL_STATES);
	return call_state_names[state];
}

bool call_state_may_follow(enum call_state from, enum call_state to)
{
	return from < CALL_STATES && to < CALL_STATES && (call_state_steps[from] & STEP(to)) != 0;
}

void call_state_set(enum call_state *state, enum call_state to, struct call_counts *counts)
{
	CHECK(call_state_may_follow(*state, to));
	CHECK(counts->in_state[*state] > 0);
	counts->in_state[*state]--;
	counts->in_state[to]++;
	*state = to;
}
