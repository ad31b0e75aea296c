/*
 * Abseil, which gRPC is built on: what is switched off in it.
 */
#ifndef STOCKBOOK_BASE_ABSEIL_H
#define STOCKBOOK_BASE_ABSEIL_H

/* Debian builds Abseil so that each of its locks looks for deadlocks, an eighth of what gRPC does
 * for a small call. Before gRPC starts; without effect where there is nothing to switch off. */
void abseil_skip_deadlock_checks(void);

#endif
