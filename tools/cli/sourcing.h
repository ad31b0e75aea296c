/* Where goods may come from, as options of commands that promise. */
#ifndef STOCKBOOK_CLI_SOURCING_H
#define STOCKBOOK_CLI_SOURCING_H

#include "cli.h"
#include "stockbook/v1/sourcing.pb-c.h"

extern char *given_strategy, *given_near;
extern char **given_excluded;
#define SOURCING_OPTIONS                                                                           \
	{"strategy", 0, POPT_ARG_STRING, &given_strategy, 0,                                           \
		"preference, nearest, fewest-parcels, most-stock, balanced", "HOW"},                       \
		{"near", 0, POPT_ARG_STRING, &given_near, 0, "where the customer is", "LAT,LON"},          \
	{                                                                                              \
		"exclude", 0, POPT_ARG_ARGV, &given_excluded, 0, "not from there; may be repeated", "CODE" \
	}

/* Sets the request's field of type SourcingOptions, where anything was given; false after a
 * message. */
bool sourcing_set(struct cli *cli, ProtobufCMessage *request, const char *field);
/* The point of --near, NULL when none was given; false after a message. */
bool sourcing_read_near(struct cli *cli, Stockbook__V1__Coordinates **near);
/* Shows who was looked at, and why one was passed over; NULL shows nothing. `skus` are those of the
 * request's lines. */
void sourcing_show_explanation(struct cli *cli, const Stockbook__V1__SourcingExplanation *answer,
	const char *const *skus, size_t skus_count);

#endif
