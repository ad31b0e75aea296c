/*
 * Invariants: what must hold of the book after every batch, whatever was asked of it.
 */
#ifndef STOCKBOOK_TESTS_SIMULATION_INVARIANTS_H
#define STOCKBOOK_TESTS_SIMULATION_INVARIANTS_H

#include "simulation/memory_store.h"

struct invariants;

struct invariants *invariants_new(const struct memory_store *store);
void invariants_free(struct invariants *invariants);

/* NULL when all hold; else what does not, in words, until the next check. Reads only what the
 * ledger got since the last check, and all other tables. */
const char *invariants_check(struct invariants *invariants);

#endif
