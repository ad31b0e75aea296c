/* Channels: the calls of their service. */
#ifndef STOCKBOOK_BOOK_CHANNEL_H
#define STOCKBOOK_BOOK_CHANNEL_H

#include "book/run.h"

extern const struct operation channel_operations[];

#endif
