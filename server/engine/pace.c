/* Pace: a line through the batches' sizes and times, and what follows from it. */
#include "engine/pace.h"

/* What is left of a sum after one more batch. */
#define FADE 0.995
/* With each batch. */
#define LEAST_GROWS (1 + 1.0 / 1024)
/* Before anything is known: what an operation costs. */
#define EACH_US_GUESS 50.0
/* Batches that must have been seen. */
#define WEIGHT_MIN 20.0
/* The fixed cost's share of the largest batch. */
#define FIXED_SHARE 0.04
/* So much of the least that a batch took is work for the database's cores, which more lanes do not
 * spare. */
#define FIXED_WORK_US 800.0
/* Lanes that must be wanting, or too many, before there is one more or less. */
#define STEP 0.75

void pace_init(struct pace *pace, uint32_t lanes, uint32_t operations_max)
{
	*pace = (struct pace){
		.lanes = lanes > 0 ? lanes : PACE_LANES_MIN,
		.operations = operations_max,
		.lanes_given = lanes,
		.operations_max = operations_max,
		.each_us = EACH_US_GUESS,
	};
}

void pace_note(struct pace *pace, uint32_t operations, int64_t us)
{
	double n = operations, t = (double)us;
	/* The shortest counts, because the others say how busy the database is; it is forgotten slowly. */
	double least = t - pace->each_us * n, known = pace->least_us * LEAST_GROWS + 1;
	pace->least_us = pace->w == 0 || least < known ? least : known;
	if (pace->least_us < 0)
		pace->least_us = 0;
	pace->w = pace->w * FADE + 1;
	pace->n = pace->n * FADE + n;
	pace->t = pace->t * FADE + t;
	pace->nn = pace->nn * FADE + n * n;
	pace->nt = pace->nt * FADE + n * t;
}

/* Least squares, leaning to what was known before as far as the sizes hardly differ. */
static void fit(struct pace *pace, double size, double time)
{
	double variance = pace->nn / pace->w - size * size;
	double covariance = pace->nt / pace->w - size * time;
	double lean = 0.5 + 0.0001 * size * size;
	double each = (covariance + lean * pace->each_us) / (variance + lean);
	pace->each_us = each < 1 ? 1 : each;
	/* The line goes through the middle of what was seen. */
	if (pace->each_us * size > time)
		pace->each_us = time / size;
	pace->fixed_us = time - pace->each_us * size;
}

static uint32_t within(double value, uint32_t least, uint32_t most)
{
	if (most < least || value >= (double)most)
		return most;
	return value <= (double)least ? least : (uint32_t)value;
}

bool pace_choose(struct pace *pace)
{
	if (pace->w < WEIGHT_MIN)
		return false;
	uint32_t lanes_before = pace->lanes, operations_before = pace->operations;
	double size = pace->n / pace->w, time = pace->t / pace->w;
	fit(pace, size, time);
	pace->operations = within(pace->fixed_us / (FIXED_SHARE * pace->each_us), PACE_OPERATIONS_MIN,
		pace->operations_max);
	if (pace->lanes_given == 0) {
		double waiting = pace->least_us > FIXED_WORK_US ? pace->least_us - FIXED_WORK_US : 0;
		double wanted = PACE_LANES_MIN * (1 + waiting / (pace->each_us * size));
		/* One step at a time, and none to and fro: with each the parts change their lanes. */
		if (wanted >= pace->lanes + STEP && pace->lanes < PACE_LANES_MAX)
			pace->lanes++;
		else if (wanted <= pace->lanes - STEP && pace->lanes > PACE_LANES_MIN)
			pace->lanes--;
	}
	return pace->lanes != lanes_before || pace->operations != operations_before;
}
