/*
 * A follower of the feed for tests: notes what it is given, checks that each part's sequences come
 * one after the other, and takes only while it wants to.
 */
#ifndef STOCKBOOK_TESTS_INTEGRATION_FEED_FOLLOWER_H
#define STOCKBOOK_TESTS_INTEGRATION_FEED_FOLLOWER_H

#include "engine/feed.h"
#include "integration/engine_fixture.h"

struct follower {
	struct fixture *fixture;
	struct feed_cursor *cursor;
	int64_t position[FIXTURE_PARTS + 1];
	uint64_t digest; /* of everything that was taken, whatever the order of the parts */
	size_t movements;
	size_t changes;
	size_t seen; /* movements before the beginning, of a step that it cuts */
	size_t ticks;
	size_t room; /* how many slices it takes yet */
	size_t refusals;
	bool begun;
	Stockbook__V1__Reason ended; /* 0: it follows */
	char message[256];
};

/* from: NULL from now on. Takes all. */
void follow(struct follower *follower, struct fixture *fixture, struct engine *engine,
	const int64_t *from);
/* Runs the loop until it has begun, or ended. */
void follower_begin(struct follower *follower);
/* Runs the loop until it stands where the book does, or ended. */
void follower_catch_up(struct follower *follower);
/* Runs the loop until condition() is true; fails after a minute. */
void follower_wait(struct follower *follower, bool (*condition)(const struct follower *follower));
void follower_leave(struct follower *follower);

#endif
