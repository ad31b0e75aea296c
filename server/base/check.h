/*
 * Checks: what is a bug of ours stops the process, with the place and the reason.
 * A refusal or a fault is never a CHECK (STYLE: three kinds of failure).
 */
#ifndef STOCKBOOK_BASE_CHECK_H
#define STOCKBOOK_BASE_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

/* Aborts with the condition and the place when it does not hold. Has no side effects to rely on. */
#define CHECK(condition)                                                                           \
	do {                                                                                           \
		if (!(condition)) {                                                                        \
			fprintf(stderr, "bug: %s:%d: %s: check failed: %s\n", __FILE__, __LINE__, __func__,    \
				#condition);                                                                       \
			abort();                                                                               \
		}                                                                                          \
	} while (0)

#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
