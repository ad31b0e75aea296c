/* What the files that carry out the replay share. */
#ifndef STOCKBOOK_CLI_REPLAY_RUN_H
#define STOCKBOOK_CLI_REPLAY_RUN_H

#include "cli/progress.h"
#include "replay.h"
#include "stockbook/v1/order.pb-c.h"

/* Long enough to sit out a restart of the server. */
#define DEADLINE_MS 120000

/* A unit that a picker did not find: to be counted again between two weeks. */
struct recount {
	uint32_t place;
	struct replay_item *item;
	int64_t units;
	const char *pickup_id;
};

struct runner {
	struct replay *replay;
	struct stockbook_client *client;
	struct stockbook_session *session; /* NULL: each call goes alone */
	struct progress progress;
	struct arena arena; /* of the request that is being built */
	uint32_t ready;     /* returns whose order is there, by operation.next */
	size_t ended;       /* operations */
	int64_t lines_ended;
	size_t items_pending;
	/* Orders, by operation.next: */
	uint32_t lost;   /* placed by an earlier run, with other methods: to be found in the book */
	uint32_t late;   /* came out short: placed again after the week */
	uint32_t opened; /* have units that nobody could serve: allocated again after the week */
	struct recount *recounts;
	size_t recounts_count, recounts_capacity;
	/* The last week whose transfers an earlier run requested. */
	uint32_t weeks_known;
	char tag[9]; /* in the references of its transfers */
};

struct errand;

/* run.c */
bool runner_must_stop(const struct runner *runner);
void runner_stop(struct runner *runner, const struct stockbook_error *error);
/* Asks for the end when the server is not there or does not allow it: true, and nothing is lost. */
bool runner_stopped_by(struct runner *runner, const struct stockbook_error *error);
void runner_call(struct runner *runner, const struct stockbook_method *method,
	const ProtobufCMessage *request, stockbook_done done, void *context);
void runner_refused(struct runner *runner, const char *kind, const char *subject, int64_t lines,
	const char *reason, const char *message);
void runner_wait_below(struct runner *runner, size_t in_flight);
/* The order has come to its customer. */
void runner_order_ended(struct runner *runner, uint32_t index);
void runner_push(struct runner *runner, uint32_t *list, uint32_t index);
uint32_t runner_pop(struct runner *runner, uint32_t *list);
/* A call that waits; false after the runner was stopped. A refusal is no failure: *response is
 * NULL then. Not from a callback. */
MUST_USE bool runner_ask(struct runner *runner, const char *service, const char *name,
	const ProtobufCMessage *request, ProtobufCMessage **response);

/* errand.c: documents of one order, or a transfer, taken through their steps. */
struct errand *errand_new(struct runner *runner, uint32_t order);
/* Its pickers find everything. */
void errand_find_everything(struct errand *errand);
void errand_add_transfer(struct errand *errand, const char *id, bool to_approve);
void errand_add_pickup(struct errand *errand, const char *id);
/* Those of a response that are not there yet, and not over. */
void errand_add_all(struct errand *errand, Stockbook__V1__Pickup *const *pickups,
	size_t pickups_count, Stockbook__V1__Transfer *const *transfers, size_t transfers_count);
/* Takes it over. */
void errand_start(struct errand *errand);
/* Asks the store, then places the order that is picked up there. */
void pickup_order_start(struct runner *runner, uint32_t index, stockbook_done placed,
	void *context);

/* restock.c: after the nth week, from 1; UINT32_MAX: after all of them, without transfers. */
void replay_between_weeks(struct runner *runner, uint32_t week);

/* resume.c */
void resume_order(struct runner *runner, uint32_t index);
void resume_transfers(struct runner *runner);

/* place.c: false after a message. */
MUST_USE bool replay_ensure_places(struct runner *runner);

#endif
