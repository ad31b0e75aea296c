/*
 * Sweeper: tidies up behind the clock. Asks which parts have holds or ready pickups that are over
 * and submits the book's operation for each; forgets request ids that are older than they are
 * promised to be kept. Nothing depends on it: every decision judges by time itself.
 */
#ifndef STOCKBOOK_ENGINE_SWEEPER_H
#define STOCKBOOK_ENGINE_SWEEPER_H

#include "engine/private.h"

struct sweeper *sweeper_open(struct engine *engine);
void sweeper_close(struct sweeper *sweeper);
void sweeper_free(struct sweeper *sweeper);

#endif
