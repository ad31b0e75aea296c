/*
 * How a call ended: from the status and its google.rpc.Status details to what a program can use.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include <grpc/slice.h>

#include "base/check.h"
#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"

static const char *const code_names[] = {"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT",
	"DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED",
	"FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE",
	"DATA_LOSS", "UNAUTHENTICATED"};

const char *stockbook_code_name(int code)
{
	if (code < 0 || (size_t)code >= ARRAY_COUNT(code_names))
		return "UNKNOWN";
	return code_names[code];
}

/* What most texts of most errors are: those of each call that goes well. */
static char nothing[1];

static char *copy(const char *text)
{
	return *text ? client_string(text, strlen(text)) : nothing;
}

static void text_free(char *text)
{
	if (text != nothing)
		free(text);
}

void error_set(struct stockbook_error *error, int code, const char *reason, const char *message)
{
	*error = (struct stockbook_error){
		.code = code,
		.reason = copy(reason),
		.message = copy(message),
		.request_tag = copy(""),
		.retry_delay_ms = -1,
	};
}

void stockbook_error_release(struct stockbook_error *error)
{
	text_free(error->reason);
	text_free(error->message);
	text_free(error->request_tag);
	for (size_t i = 0; i < error->metadata_count; i++) {
		text_free(error->metadata[i].key);
		text_free(error->metadata[i].value);
	}
	free(error->metadata);
	for (size_t i = 0; i < error->violations_count; i++) {
		text_free(error->violations[i].field);
		text_free(error->violations[i].description);
	}
	free(error->violations);
	*error = (struct stockbook_error){0};
}

const char *stockbook_error_metadata(const struct stockbook_error *error, const char *key)
{
	for (size_t i = 0; i < error->metadata_count; i++)
		if (strcmp(error->metadata[i].key, key) == 0)
			return error->metadata[i].value;
	return NULL;
}

static void add_info(struct stockbook_error *error, const Google__Protobuf__Any *any)
{
	Google__Rpc__ErrorInfo *info =
		google__rpc__error_info__unpack(NULL, any->value.len, any->value.data);
	if (!info)
		return;
	text_free(error->reason);
	error->reason = copy(info->reason);
	if (info->n_metadata && !error->metadata) {
		error->metadata = client_alloc(info->n_metadata * sizeof(*error->metadata));
		for (size_t i = 0; i < info->n_metadata; i++)
			error->metadata[error->metadata_count++] = (struct stockbook_pair){
				copy(info->metadata[i]->key), copy(info->metadata[i]->value)};
	}
	google__rpc__error_info__free_unpacked(info, NULL);
}

static void add_violations(struct stockbook_error *error, const Google__Protobuf__Any *any)
{
	Google__Rpc__BadRequest *bad =
		google__rpc__bad_request__unpack(NULL, any->value.len, any->value.data);
	if (!bad)
		return;
	if (bad->n_field_violations && !error->violations) {
		error->violations = client_alloc(bad->n_field_violations * sizeof(*error->violations));
		for (size_t i = 0; i < bad->n_field_violations; i++)
			error->violations[error->violations_count++] = (struct stockbook_violation){
				copy(bad->field_violations[i]->field), copy(bad->field_violations[i]->description)};
	}
	google__rpc__bad_request__free_unpacked(bad, NULL);
}

static void add_retry(struct stockbook_error *error, const Google__Protobuf__Any *any)
{
	Google__Rpc__RetryInfo *retry =
		google__rpc__retry_info__unpack(NULL, any->value.len, any->value.data);
	if (!retry)
		return;
	error->retry_delay_ms = 0;
	/* Half a day is as good as any longer time: no deadline reaches so far. */
	if (retry->retry_delay && retry->retry_delay->seconds >= 0)
		error->retry_delay_ms =
			retry->retry_delay->seconds > 43200
				? 43200000
				: retry->retry_delay->seconds * 1000 + retry->retry_delay->nanos / 1000000;
	google__rpc__retry_info__free_unpacked(retry, NULL);
}

static void add_details(struct stockbook_error *error, const Google__Rpc__Status *status)
{
	static const struct {
		const char *type;
		void (*add)(struct stockbook_error *error, const Google__Protobuf__Any *any);
	} kinds[] = {
		{"type.googleapis.com/google.rpc.ErrorInfo", add_info},
		{"type.googleapis.com/google.rpc.BadRequest", add_violations},
		{"type.googleapis.com/google.rpc.RetryInfo", add_retry},
	};
	for (size_t i = 0; i < status->n_details; i++)
		for (size_t j = 0; j < ARRAY_COUNT(kinds); j++)
			if (strcmp(status->details[i]->type_url, kinds[j].type) == 0)
				kinds[j].add(error, status->details[i]);
}

static void add_packed_details(struct stockbook_error *error, const uint8_t *data, size_t size)
{
	Google__Rpc__Status *status = google__rpc__status__unpack(NULL, size, data);
	if (!status)
		return;
	add_details(error, status);
	google__rpc__status__free_unpacked(status, NULL);
}

static void set_request_tag(struct stockbook_error *error, const char *tag, size_t size)
{
	text_free(error->request_tag);
	error->request_tag = client_string(tag, size);
}

void error_from_status(struct stockbook_error *error, grpc_status_code code, grpc_slice text,
	const grpc_metadata_array *trailing)
{
	error_set(error, (int)code, "", "");
	text_free(error->message);
	error->message =
		client_string((const char *)GRPC_SLICE_START_PTR(text), GRPC_SLICE_LENGTH(text));
	for (size_t i = 0; i < trailing->count; i++) {
		const grpc_metadata *pair = &trailing->metadata[i];
		const uint8_t *value = GRPC_SLICE_START_PTR(pair->value);
		size_t size = GRPC_SLICE_LENGTH(pair->value);
		if (grpc_slice_str_cmp(pair->key, "grpc-status-details-bin") == 0)
			add_packed_details(error, value, size);
		else if (grpc_slice_str_cmp(pair->key, "stockbook-request-tag") == 0)
			set_request_tag(error, (const char *)value, size);
	}
}

void error_from_answer(struct stockbook_error *error, const Google__Rpc__Status *status,
	const char *request_tag)
{
	error_set(error, status->code, "", status->message);
	add_details(error, status);
	set_request_tag(error, request_tag, strlen(request_tag));
}
