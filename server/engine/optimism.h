/*
 * Optimism: stock rows as this server last committed or read them, and whether a lane shall decide from them
 * without asking the database. What was decided so is stored only where every row still has its
 * version, looked at under its lock; so a batch is one round trip, and a wrong hope costs one.
 *
 *   hope ---- decided, stored ----> won:  the next batch hopes
 *     |------ not all is known ---> lost: this batch and the next n go through LOAD
 *     +------ a row has moved ----> lost: the same, and its rows are forgotten
 *
 * n doubles with each loss that follows a loss, and halves with each win: two servers that fight over
 * a row end up loading it, and one that has it alone does not.
 *
 * Only stock and policies are remembered. Operations that need documents leave the batch and are
 * loaded in one of their own, so that those beside them need not be.
 *
 * Stock that is not remembered is read without a lock, and then remembered: two round trips, but no
 * lock is ever held over one.
 */
#ifndef STOCKBOOK_ENGINE_OPTIMISM_H
#define STOCKBOOK_ENGINE_OPTIMISM_H

#include "engine/batch.h"
#include "engine/cache.h"

/* Batches that do not hope after a loss, at the most: of what is not known the database hears
 * nothing, of what had moved it hears in vain. */
#define OPTIMISM_PATIENCE_UNKNOWN_MAX 8
#define OPTIMISM_PATIENCE_MOVED_MAX 256
/* Batches that look their request ids up after one was known. */
#define TRUST_PATIENCE_MAX 64
/* Rows of a batch that may be decided from memory. */
#define OPTIMISM_ROWS_MAX 4096

struct recollection;

/* Of a server; its lanes share what is remembered. */
struct recollection *recollection_new(size_t bytes_max);
void recollection_free(struct recollection *recollection);
void recollection_tick(struct recollection *recollection);
/* A connection was lost: perhaps to a database that then forgets what it had committed (a replica takes
 * over, a backup is put back), and whose versions come again with other contents. */
void recollection_clear(struct recollection *recollection);
/* Rows of TABLE(stock) as they were just read or committed. An older version never replaces a newer. */
void recollection_put(struct recollection *recollection, const void *const *rows, size_t count);

/* Of a lane: how long it waits before it hopes again. */
struct patience {
	uint32_t wait;   /* batches from now on that do not */
	uint32_t length; /* how many did not, the last time */
};

/* Takes a turn. */
bool patience_is_over(struct patience *patience);
void patience_won(struct patience *patience);
void patience_lost(struct patience *patience, uint32_t most);

enum loss {
	LOSS_UNKNOWN, /* rows, or an answer, that only the database has */
	LOSS_MOVED,   /* a row had changed, or whatever else the database said */
};

/* Whether the next batch is to be decided from memory. */
bool optimism_hopes(struct patience *optimism, struct engine *engine);
/* The batch's workset answers locks of stock from memory. */
void optimism_begin(struct batch *batch, struct engine *engine);
/* All that the batch needs from this need on is stock and policies by their keys: it can be read and
 * remembered. */
bool optimism_can_learn(struct batch *batch, size_t first);
/* All that it needs is no more than a batch may be decided from. */
bool optimism_has_room(struct batch *batch);
/* The batch is done, from memory or through LOAD. */
void optimism_stored(struct patience *optimism, const struct batch *batch, struct engine *engine);
/* The batch is to be run again, through LOAD. */
void optimism_lost(struct patience *optimism, struct batch *batch, struct engine *engine,
	enum loss loss);
/* The batch is committed: its stock rows are what is remembered now. */
void optimism_committed(struct batch *batch, struct engine *engine);

#endif
