/*
 * Store: what a lane's batch changed, as the statements of one round trip; and the requests that
 * took effect, looked up and remembered.
 */
#ifndef STOCKBOOK_ENGINE_STORE_H
#define STOCKBOOK_ENGINE_STORE_H

#include "engine/batch.h"

/* The part that a request id lies in. For ever, as part_of(). */
int32_t request_part(const struct uuid *request_id, int32_t parts);

/* Asks which of the open entries' request ids are known. False: none has one. */
bool store_add_lookup(struct batch *batch, struct engine *engine);
/* Decides the entries whose request id is known. */
void store_absorb_lookup(struct batch *batch, struct engine *engine);
/* REQUEST_ID_REUSED. */
void store_refuse_reuse(struct batch *batch, struct entry *entry);

/* All that the batch changed, but for the COMMIT. False: nothing (there may be a question). */
bool store_add(struct batch *batch, struct engine *engine);
/* It is committed: the heads as they are now; the policy rows that it changed. */
void store_absorb(struct batch *batch, struct engine *engine);

#endif
