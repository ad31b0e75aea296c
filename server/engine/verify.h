/*
 * Verify: the book's proof, in one snapshot, check by check, on a connection of its own. What is
 * proved stands in the table in verify.c. Belongs to the loop's thread.
 */
#ifndef STOCKBOOK_ENGINE_VERIFY_H
#define STOCKBOOK_ENGINE_VERIFY_H

#include "engine/engine.h"

struct verify;

/* One check that is done. Lives until the callback returns. */
struct verify_result {
	const char *check;
	const char *description;
	int64_t checked; /* rows it looked at */
	int64_t wrong;
	const char *const *findings; /* what is wrong, at most findings_max of them */
	size_t finding_count;
	int32_t index; /* from 1 */
	int32_t checks;
};

struct verify_options {
	int32_t findings_max; /* 0: 20; at most 1,000 */
	void (*on_result)(const struct verify_result *result, void *data);
	/* Once, after which the verification is gone: NULL when every check was done, otherwise why
	 * not. Not called after verify_cancel(). */
	void (*on_end)(const char *error, void *data);
	void *data;
};

/* Callbacks come on the loop, never from within. At most 2 run at a time: NULL when there are. */
struct verify *engine_verify(struct engine *engine, const struct verify_options *options);
/* No callback comes any more. */
void verify_cancel(struct verify *verify);
/* Ends it now, with on_end(). For the engine's own end. */
void verify_end(struct verify *verify, const char *error);

#endif
