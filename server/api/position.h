/* Positions of callers, as a sequence for each part, and back. */
#ifndef STOCKBOOK_API_POSITION_H
#define STOCKBOOK_API_POSITION_H

#include "api/private.h"

/* Most parts that a book may have, part 0 included: for the rules. */
#define POSITION_PARTS_MAX 4096
#define POSITION(path)                                                                             \
	COUNT(path ".parts", 0, POSITION_PARTS_MAX),                                                   \
		RANGE(path ".parts[].part", 0, POSITION_PARTS_MAX - 1),                                    \
		RANGE(path ".parts[].sequence", 0, INT64_MAX)

/* By part, in the call's arena. NULL: it names a part that the book does not have; the call is
 * refused with that, and gone. */
int64_t *position_read(struct api_call *call, const Stockbook__V1__Position *position,
	const char *field);
/* Of parts from 0 to before `parts`; those at 0 are left out. */
Stockbook__V1__Position *position_make(struct arena *arena, const int64_t *sequences,
	int32_t parts);

#endif
