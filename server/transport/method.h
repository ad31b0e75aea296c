/*
 * The methods that are served, joined from three sources: the embedded descriptors (what there is,
 * and which way it streams), the API (which of it is answered), and the services of the transport
 * itself (health, reflection).
 */
#ifndef STOCKBOOK_TRANSPORT_METHOD_H
#define STOCKBOOK_TRANSPORT_METHOD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/check.h"
#include "transport/descriptors.h"

struct transport_api;
struct transport_call;

enum method_kind {
	METHOD_UNARY,
	METHOD_SERVER_STREAM,
	METHOD_BOTH_STREAM,
};

struct method {
	const char *path; /* "/package.Service/Method" */
	enum method_kind kind;
	/* NULL: the API's, which gets the call when the request is there; where both stream at once. */
	void (*handle)(struct transport_call *call);
	void *registered; /* the server's name for a unary method */
};

struct method_table {
	struct method *methods; /* sorted by path */
	size_t count;
};

/* False: `error` says which method cannot be served. */
MUST_USE bool method_table_init(struct method_table *table, struct arena *arena,
	const struct descriptors *descriptors, const struct transport_api *api, char *error,
	size_t error_size);
/* NULL when there is none of that path. */
struct method *method_find(const struct method_table *table, const char *path);

#endif
