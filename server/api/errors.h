/*
 * Errors: a refusal as the caller gets it, google.rpc.Status with its details. One place for all.
 */
#ifndef STOCKBOOK_API_ERRORS_H
#define STOCKBOOK_API_ERRORS_H

#include <stdint.h>

#include "book/refusal.h"

/* Trailers larger than 8 kB are refused by many clients, and these travel as base64: metadata that
 * would take more is left out, and "omitted" says how many entries. */
#define ERROR_DETAILS_BYTES_MAX 4096
#define ERROR_MESSAGE_BYTES_MAX 512

struct error {
	int code;            /* of gRPC */
	const char *message; /* cut to ERROR_MESSAGE_BYTES_MAX */
	const uint8_t *details;
	size_t details_size;
};

/* Everything lies in the arena. */
struct error error_make(const struct refusal *refusal, struct arena *arena);
/* "INVALID_ARGUMENT" */
const char *error_code_name(int code);
/* A refusal for fields that rule_check() found wrong. */
void error_name_fields(struct refusal *refusal, struct arena *arena);

#endif
