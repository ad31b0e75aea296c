/*
 * Confirm: fresh reads that are answered from memory, once the database has said that memory is as
 * new as itself.
 *
 *   submitted --decided from memory--> waiting --feed asks--> asked --the feed's answer--> done()
 *       |                                 |                     |   nothing new: it stands
 *       |                                 |                     |   news: decided again
 *       v not known                       v no feed             v not known, or not told in time
 *   the readers' queue <------------------+---------------------+
 *
 * The question is asked after all of its reads were submitted, so its answer has all that was
 * committed before, whichever server did it; and one question serves all reads that wait. Decided is
 * what the rows were at that one moment. Whatever goes wrong, the readers ask the database.
 *
 * Used where it pays (following.h): a server with few fresh reads does not follow the book for them.
 */
#ifndef STOCKBOOK_ENGINE_CONFIRM_H
#define STOCKBOOK_ENGINE_CONFIRM_H

#include "engine/engine.h"
#include "engine/fair_queue.h"

/* So many reads share a question. */
#define CONFIRM_READS_MAX 512

struct confirm;

struct confirm *confirm_open(struct engine *engine);
void confirm_free(struct confirm *confirm);
/* Whether the feed is followed for fresh reads. */
bool confirm_follows(const struct confirm *confirm);
/* A fresh read is to be tried from memory; room: there was some. False: it is the readers'. */
bool confirm_takes(struct confirm *confirm, struct engine_request *request, enum queue_room *room);
/* Those that wait for a question or its answer, and of them the caller's that wait for a question. */
size_t confirm_count(const struct confirm *confirm);
size_t confirm_count_of(const struct confirm *confirm, const struct engine_caller *caller);
/* Some wait for a question. */
bool confirm_wants(const struct confirm *confirm);
/* Takes those whose time is over; gives to the readers what was asked for too long ago. */
void confirm_tick(struct confirm *confirm, int64_t now_us, struct queue *over);
/* All of them are the readers' from now on. */
void confirm_give_back(struct confirm *confirm);

/* ---- From the feed ---- */

/* A question goes out: those that wait ride on it. */
void confirm_asked(struct confirm *confirm);
/* The feed is current: all that the question was asked after is in memory. Who is to be answered is
 * kept until confirm_answer(). */
void confirm_told(struct confirm *confirm);
void confirm_answer(struct confirm *confirm);
/* The answer left something out: they ride on the next question. */
void confirm_incomplete(struct confirm *confirm);

#endif
