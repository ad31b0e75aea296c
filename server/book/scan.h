/*
 * Scans as values: the workset keeps what was searched for and finds it again. What a scan is stands
 * in workset.h.
 */
#ifndef STOCKBOOK_BOOK_SCAN_H
#define STOCKBOOK_BOOK_SCAN_H

#include "book/workset.h"

bool scan_equal(const struct scan *a, const struct scan *b);
/* Equal scans have equal hashes; what a list holds is left to the comparison. */
uint64_t scan_hash(const struct scan *scan, uint64_t seed);
/* With all that it points at: the set may outlive the run that asks. */
const struct scan *scan_copy(const struct scan *scan, struct arena *arena);

#endif
