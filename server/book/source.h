/*
 * Sources: the locations that a channel may promise from by one method, judged and put in the order
 * in which a strategy looks at them. Policy alone: which of them have the goods is sourcing's affair.
 *
 *   judged by    the channel's group > the channel's exclusions > the call's exclusions > disabled >
 *                does what the method needs > ship capacity left today
 *   ordered by   PREFERENCE         the group's order, which also decides among equals
 *                NEAREST            great-circle distance; those without coordinates last
 *                BALANCED           the share of the day's ship capacity that is taken (SHIP alone;
 *                                   without a capacity nothing is ever taken)
 *                MOST_STOCK, FEWEST_PARCELS
 *                                   as PREFERENCE: sourcing orders them by what they have
 */
#ifndef STOCKBOOK_BOOK_SOURCE_H
#define STOCKBOOK_BOOK_SOURCE_H

#include "book/availability.h"
#include "book/text_index.h"
#include "stockbook/v1/channel.pb-c.h"
#include "stockbook/v1/sourcing.pb-c.h"

/* Indexed by Stockbook__V1__FulfilmentMethod: UNSPECIFIED (may sell) to SHIP_TO_STORE. */
#define SOURCE_METHODS 5

struct source {
	const char *code;
	bool able;                           /* it may serve, as far as was known at first */
	bool judged;                         /* its location was looked at */
	const struct location_row *location; /* NULL: there is none with this code */
	/* Why it serves nothing; UNSPECIFIED: it may, as far as is known. */
	Stockbook__V1__SourcingVerdict verdict;
	double distance_km; /* to the call's destination, when measured; 0 where unknown */
};

struct sources {
	bool known;
	bool asked;
	Stockbook__V1__SourcingStrategy strategy;
	struct source *items; /* all members of the group, in its order */
	size_t count;
	size_t able_count; /* how many of them may serve, as far as is known */
	/* FEWEST_PARCELS: of these the few that are enough, as sources_able() counts them. */
	size_t *chosen;
	size_t chosen_count;
	size_t fetched; /* the index at which a pickup location was found last */
	/* Its own. */
	struct arena *arena;
	double *ranks;  /* by item, the smaller the sooner; NULL: the group's order is the strategy's */
	size_t *able;   /* items in the order of the strategy, as far as anybody asked */
	size_t ordered; /* so many */
};

/* The strategy of a call: its own, the channel's, or PREFERENCE. */
Stockbook__V1__SourcingStrategy sourcing_strategy(const struct channel_row *channel,
	const Stockbook__V1__SourcingOptions *options);

/* All members of the channel's group. Where their order does not depend on what they are, or it is
 * remembered where they lie (run->atlas), their locations are not looked at yet: a call reads a few
 * of two thousand. Refused (INVALID_FIELD naming `field`) when the channel is NULL or has no group. */
enum verdict sources_find(struct run *run, const struct channel_row *channel,
	const Stockbook__V1__SourcingOptions *options, const struct text_list *excluded,
	Stockbook__V1__FulfilmentMethod method, const char *field, struct sources *sources);

/* The source that is looked at so many (< able_count) after the first. Their order is found as far as
 * it is asked for. */
struct source *sources_able(struct sources *sources, size_t number);
/* All of them in the order of the strategy, also those that serve nothing: indices of items, in the
 * run's arena. */
const size_t *sources_in_order(struct run *run, const struct sources *sources);

/* Whether the location may serve the method; passed over where not. VERDICT_NEED or VERDICT_DONE. */
enum verdict source_judge(struct run *run, struct source *source,
	Stockbook__V1__FulfilmentMethod method);
/* How far it is from the options' destination. */
void source_measure(struct source *source, const Stockbook__V1__SourcingOptions *options);
/* Judges it, and whether it has ship capacity left today, where the method needs any. VERDICT_NEED
 * or VERDICT_DONE. */
enum verdict source_load(struct run *run, struct source *source,
	Stockbook__V1__FulfilmentMethod method);

/* What a location must be able to do for the method. */
enum location_task source_task(Stockbook__V1__FulfilmentMethod method);
/* The channel must not use it for this method. */
bool source_is_excluded(const struct channel_row *channel, const char *location,
	Stockbook__V1__FulfilmentMethod method);

#endif
