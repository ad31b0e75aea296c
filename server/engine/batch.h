/*
 * Batch: the requests that a lane or a reader carries at once, their workset, and what became of
 * each. All memory is the batch's arena until the answers go out.
 */
#ifndef STOCKBOOK_ENGINE_BATCH_H
#define STOCKBOOK_ENGINE_BATCH_H

#include "engine/load.h"
#include "engine/private.h"

enum entry_state {
	ENTRY_OPEN,     /* not decided */
	ENTRY_DONE,     /* its changes are in the workset */
	ENTRY_REPLAYED, /* its request id took effect before */
	ENTRY_TWIN,     /* its request id takes effect in this batch, by another entry */
	ENTRY_REFUSED,
	ENTRY_LEFT,  /* for a batch of its own; not answered by this one */
	ENTRY_APART, /* for a batch that loads; not answered by this one */
};

struct entry {
	struct engine_request *request;
	enum entry_state state;
	struct entry *previous; /* with the same request id, earlier in the batch */
	/* DONE, REPLAYED, TWIN: the packed response without its position, and whose positions it is. */
	const uint8_t *response;
	size_t response_size;
	const int64_t *parts;
	size_t part_count;
	struct refusal refusal;
};

struct batch {
	struct arena arena;
	struct entry *entries;
	size_t count;
	size_t capacity;
	struct workset *set;
	struct load load;
	struct db_batch exchange; /* what is on its way */
	bool in_transaction;
	uint32_t rounds;
	uint32_t attempts;
	bool hopes; /* decided from memory; what it assumed is looked at when it is stored */
	/* Request ids are taken to be new: storing them tells if they are not, and so does a question
	 * about those that were refused. Else they are looked up after the locks. */
	bool trusts;
	int64_t now_us; /* microseconds since 1970; never goes back */

	size_t lookup;       /* statement of the request ids' lookup; SIZE_MAX: none */
	size_t remember;     /* statement that inserts them; SIZE_MAX: none */
	size_t none_known;   /* statement that fails if one of them is known; SIZE_MAX: none */
	size_t advance;      /* statement; SIZE_MAX: none */
	size_t heads;        /* statement; SIZE_MAX: none */
	size_t policy_heads; /* statement of the exchange; SIZE_MAX: none */
	uint32_t stored;     /* a bit for each table of which rows changed */
	int64_t *head_parts; /* sequences by part, as they are after the batch */
	int64_t *head_values;
	size_t head_count;
};

void batch_init(struct batch *batch);
void batch_release(struct batch *batch);
/* Empty again; keeps memory for the next use. */
void batch_reset(struct batch *batch);
void batch_add(struct batch *batch, struct engine_request *request);
/* Out of the queue, until the batch has so many or nobody waits. How many were over, and given up. */
size_t batch_take(struct batch *batch, struct engine *engine, struct fair_queue *queue,
	size_t most);
/* Links the entries that share a request id and opens them all. For each attempt. */
void batch_open(struct batch *batch, struct engine *engine);
/* Along with the exchange, when it is time: how far policies have come. */
void batch_ask_policy_heads(struct batch *batch, struct engine *engine);
/* What that found, for an exchange that was sent and answered at these times. */
void batch_absorb_policy_heads(const struct batch *batch, struct engine *engine, int64_t sent_us,
	int64_t answered_us);
/* Takes out, and gives up, those whose time is over. */
void batch_prune(struct batch *batch, struct engine *engine, bool database_is_down);

/* Runs the entry's operation. Dry: its changes are undone whatever the verdict, and the entry stays
 * open. Otherwise it is decided, unless it needs more (VERDICT_NEED). */
enum verdict entry_run(struct batch *batch, struct engine *engine, struct entry *entry, bool dry);
/* True: its time was over while rows were fetched, and it is refused before it changes any. */
bool entry_is_late(struct batch *batch, struct entry *entry);
void entry_refuse(struct entry *entry, struct arena *arena, Stockbook__V1__Reason reason,
	const char *message);
/* Answers those that are decided; the others stay. For reads, which have no twins. */
void batch_answer_decided(struct batch *batch, struct engine *engine);
/* Answers all entries, and resets the batch. */
void batch_answer(struct batch *batch, struct engine *engine);

#endif
