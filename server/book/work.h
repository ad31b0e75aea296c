/*
 * Work: what people have to do now, one row for each document and kind of work, made and ended in
 * the same transaction as the document's step. A claim keeps others away until its time is over,
 * which is judged by time in every call.
 */
#ifndef STOCKBOOK_BOOK_WORK_H
#define STOCKBOOK_BOOK_WORK_H

#include "book/run.h"
#include "book/shelf.h"
#include "stockbook/v1/work.pb-c.h"

extern const struct operation work_operations[];

/* What a document's work is about. */
struct work_subject {
	int32_t part; /* the document's */
	struct uuid document_id;
	Stockbook__V1__DocumentKind document_kind;
	const char *location;
	struct uuid order_id; /* nil: none */
	const char *customer;
	const char *reference;
	const char *sku; /* of a recount */
	int64_t units;
	int64_t due_at;
};

/* The document has just this kind of work now among those of `kinds` (a bit for each WorkKind:
 * 1 << kind); UNSPECIFIED: none of them. Makes, changes and deletes rows; a row that stays keeps its
 * claim. For a document that this run made `kinds` is 0: it has no work yet, and nothing may be
 * looked up under an id that the next run will make anew. VERDICT_NEED or VERDICT_DONE. */
enum verdict work_is(struct run *run, const struct work_subject *subject, unsigned kinds,
	Stockbook__V1__WorkKind kind);
/* Refused with WORK_CLAIMED when a living claim on the document's work of this kind is somebody
 * else's than run->worker. */
enum verdict work_check_claim(struct run *run, int32_t part, const struct uuid *document_id,
	Stockbook__V1__WorkKind kind);
/* Who has it, for answers: the row of the document's work of that kind, or NULL. */
enum verdict work_find(struct run *run, int32_t part, const struct uuid *document_id,
	Stockbook__V1__WorkKind kind, enum access access, const struct work_row **row);
/* Who has the work, as time has it: "" for nobody. */
const char *work_claimant(const struct run *run, const struct work_row *row);
enum verdict work_refuse_claimed(struct run *run, const struct work_row *row);

/* A recount of the SKU at the location is to be done; nothing where one waits already. Notes no
 * change, so that it may stand between a document's movements and its own change. */
enum verdict work_recount(struct run *run, const char *sku, const char *location);
/* The same; *id of the recount that waits, and whether it was made. */
enum verdict work_recount_find(struct run *run, const char *sku, const char *location,
	struct uuid *id, bool *made);
/* For those who ask for many: which of these SKUs have one that waits is looked for at once. */
enum verdict work_recounts_look_up(struct run *run, const char *location, const char **skus,
	size_t count);
/* The recounts that wait, locked; in the run's arena. */
enum verdict work_recounts(struct run *run, const char *sku, const char *location,
	const struct work_row ***rows, size_t *count);

/* ---- For the work's own files ---- */

/* How many of the rows, but at least one, have together no more lines than one document may. */
enum verdict work_count_by_lines(struct run *run, const struct work_row *const *rows, size_t count,
	size_t *fitting);
/* The rows as messages; with lines: what is to be handled, in the order of the shelves. */
enum verdict work_messages(struct run *run, const struct work_row *const *rows, size_t count,
	bool with_lines, Stockbook__V1__Work **messages);
/* The lines of all of it, added up by SKU, in the order of the shelves. */
Stockbook__V1__WorkLine **work_batch(struct run *run, Stockbook__V1__Work *const *messages,
	size_t message_count, size_t *count);

operation_function work_list;
operation_function work_summarise;
operation_function work_claim;
operation_function work_release;
operation_function work_record_recount;
operation_function work_request_recount;

#endif
