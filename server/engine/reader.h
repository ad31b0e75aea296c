/*
 * Reader: one connection that reads. It takes many of the reads that wait at once, asks for what
 * they need in one round trip (one snapshot of the database), and answers them. Nothing is locked.
 */
#ifndef STOCKBOOK_ENGINE_READER_H
#define STOCKBOOK_ENGINE_READER_H

#include "engine/private.h"

struct reader *reader_open(struct engine *engine, uint32_t index);
void reader_close(struct reader *reader);
void reader_free(struct reader *reader);
/* Takes from the engine's queue of reads when it is idle. */
void reader_kick(struct reader *reader);
bool reader_connected(const struct reader *reader);

#endif
