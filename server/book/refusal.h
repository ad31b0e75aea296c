/*
 * Refusals: why an operation was not done, as a value. The reasons, their gRPC codes and nothing
 * else of gRPC are in one table here; texts are made where the facts are known.
 */
#ifndef STOCKBOOK_BOOK_REFUSAL_H
#define STOCKBOOK_BOOK_REFUSAL_H

#include "base/arena.h"
#include "stockbook/v1/common.pb-c.h"

struct refusal_pair {
	const char *key;
	const char *value;
};

struct refusal_field {
	const char *field; /* path such as "lines[3].quantity" */
	const char *description;
};

/* Everything lies in the arena of whoever asked. */
struct refusal {
	Stockbook__V1__Reason reason;
	const char *message; /* lower case, names the subject, ends without a stop */
	struct refusal_pair *metadata;
	size_t metadata_count;
	size_t metadata_capacity;
	struct refusal_field *fields;
	size_t field_count;
	size_t field_capacity;
	int64_t retry_after_ms; /* 0: waiting does not help by itself */
};

/* The gRPC status code of a reason. */
int refusal_code(Stockbook__V1__Reason reason);
/* "OUT_OF_STOCK": ErrorInfo.reason. */
const char *refusal_reason_name(Stockbook__V1__Reason reason);

void refusal_add_pair(struct refusal *refusal, struct arena *arena, const char *key,
	const char *format, ...) PRINTF_LIKE(4, 5);
void refusal_add_field(struct refusal *refusal, struct arena *arena, const char *field,
	const char *format, ...) PRINTF_LIKE(4, 5);
/* "lines[3].sku", or "skus[3]" where name is NULL. Operations name their fields in case they have to
 * refuse, which they seldom do: made without printf(), which costs ten times as much. */
char *field_path(struct arena *arena, const char *list, size_t index, const char *name);

#endif
