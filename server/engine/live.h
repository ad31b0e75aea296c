/*
 * Live: what of this server lives on the feed. The cache of stock rows, from which reads that may be
 * a little old are answered without the database; what is remembered of policies; and the watches.
 *
 *   events --> rows moved are SUSPECT --read with the next question, in its snapshot--> CURRENT
 *          --> watches of their SKUs are called after that
 *
 * A row that is CURRENT is as new as the feed; so an answer from memory is as old as the feed's last
 * question that left nothing out, or as the oldest suspect row in it. Whatever is not known goes to
 * the database. When the feed loses its place or its connection, all is forgotten.
 */
#ifndef STOCKBOOK_ENGINE_LIVE_H
#define STOCKBOOK_ENGINE_LIVE_H

#include "db/connection.h"
#include "engine/feed.h"

struct live;
struct load;

struct live *live_open(struct engine *engine);
void live_close(struct live *live);
void live_free(struct live *live);
void live_tick(struct live *live);

/* Answers a read that may be old from memory: outcome, response and age are set. False: it is the
 * database's. */
bool live_answer(struct live *live, struct engine_request *request);

/* ---- From loading ---- */

/* How many of the feed's answers told of something: what is read is compared with it. */
uint64_t live_told(const struct live *live);
/* Stock rows that were read by a question of that time, and the keys that it was for. Both ascend. */
void live_loaded(struct live *live, const void *const *keys, size_t key_count,
	const void *const *rows, size_t row_count, uint64_t asked_told, int64_t asked_us);

/* ---- From the feed ---- */

bool live_follows(const struct live *live);
/* Something waits for the feed's next answer. */
bool live_waits(const struct live *live);
/* Adds to the feed's question what is to be read again. */
void live_ask(struct live *live, struct db_batch *batch);
/* The feed begins; what was known before may have changed unnoticed. */
void live_started(struct live *live);
void live_lost(struct live *live);
/* The feed's question was answered: its events, and then the rows that were added to it. */
void live_events(struct live *live, const struct feed_event *events, size_t count,
	int64_t current_us);
void live_absorb(struct live *live, const struct db_batch *batch);

/* ---- Watches ---- */

#define WATCHED_SKUS_MAX 2000000

struct watch;

struct watch_options {
	const char *const *skus; /* resolved; copied */
	size_t count;
	/* What watch_take() tells may have changed; called once until that is asked. */
	void (*changed)(struct watch *watch, void *data);
	/* Now and then, while all that is known of its SKUs has been taken. */
	void (*tick)(struct watch *watch, int64_t now_us, void *data);
	/* The server ends; the watch is gone. */
	void (*end)(struct watch *watch, void *data);
	void *data;
};

/* All may have changed at first. NULL: too much is watched. Callbacks come on the loop, never from
 * within. */
struct watch *engine_watch(struct engine *engine, const struct watch_options *options);
/* The numbers of the SKUs that may have changed since they were told the last time. Room for all. */
size_t watch_take(struct watch *watch, size_t *numbers);
/* As if it had changed. */
void watch_mark(struct watch *watch, size_t number);
void watch_leave(struct watch *watch);
/* By part from 0: how far the feed has come. What is read from now on is as new. */
const int64_t *engine_known(const struct engine *engine);

#endif
