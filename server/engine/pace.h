/*
 * Pace: how many lanes share the work, and how large their batches may grow, from what it costs to
 * store them. A batch of n operations takes fixed + n x each; `fixed` is mostly the wait for the disk
 * (or for the network), `each` the database's work.
 *
 *   batches  so large that the fixed cost is a small share of them, and no larger: those who came
 *            last in a batch wait for all of it
 *   lanes    as many as keep two cores of PostgreSQL busy while a batch is decided, and more the longer
 *            even the quickest batch waits
 *
 * Pure: no I/O, no clock.
 */
#ifndef STOCKBOOK_ENGINE_PACE_H
#define STOCKBOOK_ENGINE_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_LANES_MIN 3
#define PACE_LANES_MAX 8
#define PACE_OPERATIONS_MIN 16

struct pace {
	/* Chosen. */
	uint32_t lanes;
	uint32_t operations; /* of a batch, at the most */
	/* As measured, in microseconds. */
	double fixed_us;
	double each_us;
	double least_us; /* that a batch took of late, besides the work on its operations */

	uint32_t lanes_given; /* 0: they are chosen */
	uint32_t operations_max;
	/* Sums over batches, which fade: weight, size, time, size squared, size times time. */
	double w, n, t, nn, nt;
};

/* lanes: 0, or how many there shall be whatever it costs. */
void pace_init(struct pace *pace, uint32_t lanes, uint32_t operations_max);
/* So many operations were stored and committed in that time. */
void pace_note(struct pace *pace, uint32_t operations, int64_t us);
/* Now and then. True: it chose otherwise than before. */
bool pace_choose(struct pace *pace);

#endif
