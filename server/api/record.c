#include "api/record.h"

#include <stdio.h>

#include "api/errors.h"
#include "api/private.h"
#include "observe/log.h"
#include "observe/metrics.h"

#define LABELS_SIZE 128
/* Of one reason, at most one line in this time. */
#define LOG_INTERVAL_US 1000000

static void count_call(struct api_call *call, int code, int64_t took_us)
{
	struct method_entry *method = call->method;
	char labels[LABELS_SIZE];
	if (!method->calls[code]) {
		snprintf(labels, sizeof(labels), "method=\"%s\",code=\"%s\"", method->name,
			error_code_name(code));
		method->calls[code] = metric_counter("stockbook_calls_total",
			"Calls that are over, by method and gRPC status code.", labels);
	}
	if (!method->seconds) {
		snprintf(labels, sizeof(labels), "method=\"%s\"", method->name);
		method->seconds = metric_timing("stockbook_call_seconds",
			"From a call's arrival to its answer, by method.", labels);
	}
	metric_add(method->calls[code], 1);
	metric_observe(method->seconds, took_us);
}

void record_refusal(struct record *record, Stockbook__V1__Reason reason)
{
	size_t index = (size_t)reason;
	if (index >= RECORD_REASONS_MAX)
		return;
	if (!record->reasons[index].refusals) {
		char labels[LABELS_SIZE];
		snprintf(labels, sizeof(labels), "reason=\"%s\"", refusal_reason_name(reason));
		record->reasons[index].refusals = metric_counter("stockbook_refusals_total",
			"Calls that were refused, by reason.", labels);
	}
	metric_add(record->reasons[index].refusals, 1);
}

/* How much a refusal matters to whoever runs the service. */
static enum log_level refusal_level(Stockbook__V1__Reason reason)
{
	switch ((unsigned)reason) {
	case STOCKBOOK__V1__REASON__REASON_UNSPECIFIED:
	case STOCKBOOK__V1__REASON__REASON_INTERNAL:
		return LOG_LEVEL_ERROR;
	case STOCKBOOK__V1__REASON__REASON_OVERLOADED:
	case STOCKBOOK__V1__REASON__REASON_UNAVAILABLE:
		return LOG_LEVEL_WARNING;
	case STOCKBOOK__V1__REASON__REASON_TOKEN_INVALID:
	case STOCKBOOK__V1__REASON__REASON_ROLE_NOT_ALLOWED:
	case STOCKBOOK__V1__REASON__REASON_LOCATION_NOT_ALLOWED:
	case STOCKBOOK__V1__REASON__REASON_DEADLINE_EXCEEDED:
	case STOCKBOOK__V1__REASON__REASON_MALFORMED_MESSAGE:
		return LOG_LEVEL_INFO;
	default: /* the book's everyday business */
		return LOG_LEVEL_DEBUG;
	}
}

/* False: too soon after the last of this reason. Errors of ours and debug lines are all told. */
static bool may_log(struct record *record, enum log_level level, Stockbook__V1__Reason reason,
	int64_t *unlogged)
{
	*unlogged = 0;
	size_t index = (size_t)reason;
	if (level == LOG_LEVEL_ERROR || level == LOG_LEVEL_DEBUG || index >= RECORD_REASONS_MAX)
		return true;
	int64_t now_us = api_clock_us();
	if (record->reasons[index].logged_at_us != 0 &&
		now_us - record->reasons[index].logged_at_us < LOG_INTERVAL_US) {
		record->reasons[index].unlogged++;
		return false;
	}
	*unlogged = record->reasons[index].unlogged;
	record->reasons[index].unlogged = 0;
	record->reasons[index].logged_at_us = now_us;
	return true;
}

static void log_call(struct api_call *call, int code, const struct refusal *refusal,
	int64_t took_us)
{
	enum log_level level = refusal ? refusal_level(refusal->reason) : LOG_LEVEL_DEBUG;
	int64_t unlogged = 0;
	if (!log_enabled(level) ||
		(refusal && !may_log(&call->api->record, level, refusal->reason, &unlogged)))
		return;
	struct log_field like_it = {0};
	if (unlogged > 0)
		like_it = log_integer("like_it_before", unlogged);
	log_set_request(call->call->request_tag);
	const struct log_field fields[] = {
		log_text("method", call->method->name),
		log_text("code", error_code_name(code)),
		log_integer("took_us", took_us),
		log_text("actor", call->actor.name),
		log_text("peer", call->call->peer),
		log_text("peer_name", call->call->peer_name),
		log_text("reason", refusal ? refusal_reason_name(refusal->reason) : NULL),
		log_text("message", refusal ? refusal->message : NULL),
		like_it,
		{0},
	};
	log_write(level, refusal ? "call refused" : "call answered", fields);
	log_set_request(NULL);
}

void record_call(struct api_call *call, int code, const struct refusal *refusal)
{
	int64_t took_us = api_clock_us() - call->call->arrived_us;
	count_call(call, code, took_us);
	if (refusal)
		record_refusal(&call->api->record, refusal->reason);
	log_call(call, code, refusal, took_us);
}
