/*
 * Feed page: the statements that read ranges of the ledger, and the events that come back.
 */
#ifndef STOCKBOOK_ENGINE_FEED_PAGE_H
#define STOCKBOOK_ENGINE_FEED_PAGE_H

#include "db/connection.h"
#include "engine/feed.h"

/* The events of a part after a sequence, up to another one or the part's head. */
struct feed_range {
	int32_t part;
	int64_t after;
	int64_t until;
	int64_t head; /* set when read; `after` where there is nothing new */
};

enum feed_page_state {
	FEED_PAGE_READ,
	FEED_PAGE_HOLE, /* `hole` lacks an event: it is no longer in the ledger */
	FEED_PAGE_BACK, /* the head of `hole` is before `after`: this is another book, or an older one */
};

struct feed_page {
	struct feed_event *events;
	size_t count;
	struct feed_range *hole;
};

struct feed_statements;

struct feed_statements *feed_statements_new(void);
void feed_statements_free(struct feed_statements *statements);

/* Which parts are not where they are known to be: the first statement's rows say so. `known` is by part
 * from 0, and lives as long as the batch. */
void feed_news_ask(const struct feed_statements *statements, struct db_batch *batch,
	const int64_t *known, size_t count);
/* Ranges ascend by part. Both add to an empty batch. */
void feed_page_ask(const struct feed_statements *statements, struct db_batch *batch,
	const struct feed_range *ranges, size_t count);
/* Everything but the heads lies in the arena, also what is only named by the events. */
enum feed_page_state feed_page_read(const struct db_batch *batch, struct feed_range *ranges,
	size_t count, struct arena *arena, struct feed_page *page);

/* The heads of all parts, and the movements up to each range's `after` of the step that it cuts. */
void feed_start_ask(const struct feed_statements *statements, struct db_batch *batch,
	struct feed_range *ranges, size_t count);
/* Sets the heads; the page's events are those movements. */
void feed_start_read(const struct db_batch *batch, struct feed_range *ranges, size_t count,
	struct arena *arena, struct feed_page *page);

#endif
