/*
 * How new a read's answer must be: the fields max_staleness and at_least of its request, and the age
 * in its answer.
 */
#ifndef STOCKBOOK_API_FRESHNESS_H
#define STOCKBOOK_API_FRESHNESS_H

#include <stdbool.h>

struct api_call;

#define STALENESS_MS_MAX 3600000

/* For the rows of methods that have these options. False: the call was refused. */
bool availability_options(struct api_call *call);
void availability_complete(struct api_call *call);
bool promise_options(struct api_call *call);
void promise_complete(struct api_call *call);

#endif
