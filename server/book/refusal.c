/* Refusals: the one table of reasons, and how a refusal is filled in. */
#include "book/refusal.h"

#include <string.h>

/* gRPC's codes, by number: this layer knows no gRPC. */
enum code {
	CODE_CANCELLED = 1,
	CODE_INVALID_ARGUMENT = 3,
	CODE_DEADLINE_EXCEEDED = 4,
	CODE_NOT_FOUND = 5,
	CODE_ALREADY_EXISTS = 6,
	CODE_PERMISSION_DENIED = 7,
	CODE_RESOURCE_EXHAUSTED = 8,
	CODE_FAILED_PRECONDITION = 9,
	CODE_ABORTED = 10,
	CODE_OUT_OF_RANGE = 11,
	CODE_UNIMPLEMENTED = 12,
	CODE_INTERNAL = 13,
	CODE_UNAVAILABLE = 14,
	CODE_UNAUTHENTICATED = 16,
};

/* clang-format off */
#define REASON(name, code) [STOCKBOOK__V1__REASON__REASON_##name] = {#name, CODE_##code}
static const struct {
	const char *name;
	enum code code;
} reasons[] = {
	REASON(UNSPECIFIED,             INTERNAL),
	REASON(INVALID_FIELD,           INVALID_ARGUMENT),
	REASON(MALFORMED_MESSAGE,       INVALID_ARGUMENT),
	REASON(REQUEST_ID_REUSED,       ALREADY_EXISTS),
	REASON(TOKEN_INVALID,           UNAUTHENTICATED),
	REASON(ROLE_NOT_ALLOWED,        PERMISSION_DENIED),
	REASON(LOCATION_NOT_ALLOWED,    PERMISSION_DENIED),
	REASON(ITEM_NOT_FOUND,          NOT_FOUND),
	REASON(LOCATION_NOT_FOUND,      NOT_FOUND),
	REASON(LOCATION_GROUP_NOT_FOUND, NOT_FOUND),
	REASON(CHANNEL_NOT_FOUND,       NOT_FOUND),
	REASON(RESERVATION_NOT_FOUND,   NOT_FOUND),
	REASON(ORDER_NOT_FOUND,         NOT_FOUND),
	REASON(ORDER_LINE_NOT_FOUND,    NOT_FOUND),
	REASON(RETURN_NOT_FOUND,        NOT_FOUND),
	REASON(TOKEN_NOT_FOUND,         NOT_FOUND),
	REASON(OUT_OF_STOCK,            FAILED_PRECONDITION),
	REASON(EXPIRED,                 FAILED_PRECONDITION),
	REASON(WRONG_STATUS,            FAILED_PRECONDITION),
	REASON(LINE_QUANTITY_EXCEEDED,  FAILED_PRECONDITION),
	REASON(EXPECTATION_FAILED,      ABORTED),
	REASON(ALIAS_TAKEN,             ALREADY_EXISTS),
	REASON(LOCATION_NOT_ELIGIBLE,   FAILED_PRECONDITION),
	REASON(RETURN_EXCEEDS_FULFILLED, FAILED_PRECONDITION),
	REASON(BLIND_RETURN_LIMIT,      FAILED_PRECONDITION),
	REASON(QUANTITY_OVERFLOW,       OUT_OF_RANGE),
	REASON(OVERLOADED,              RESOURCE_EXHAUSTED),
	REASON(UNAVAILABLE,             UNAVAILABLE),
	REASON(DEADLINE_EXCEEDED,       DEADLINE_EXCEEDED),
	REASON(INTERNAL,                INTERNAL),
	REASON(CURRENCY_MISMATCH,       FAILED_PRECONDITION),
	REASON(IN_USE,                  FAILED_PRECONDITION),
	REASON(METHOD_NOT_FOUND,        UNIMPLEMENTED),
	REASON(PICKUP_NOT_FOUND,        NOT_FOUND),
	REASON(SHIPMENT_NOT_FOUND,      NOT_FOUND),
	REASON(TRANSFER_NOT_FOUND,      NOT_FOUND),
	REASON(WORK_NOT_FOUND,          NOT_FOUND),
	REASON(WORK_CLAIMED,            FAILED_PRECONDITION),
	REASON(POSITION_TOO_OLD,        OUT_OF_RANGE),
	REASON(POSITION_TOO_NEW,        OUT_OF_RANGE),
};
/* clang-format on */

int refusal_code(Stockbook__V1__Reason reason)
{
	CHECK((size_t)reason < ARRAY_COUNT(reasons) && reasons[reason].name);
	return (int)reasons[reason].code;
}

const char *refusal_reason_name(Stockbook__V1__Reason reason)
{
	CHECK((size_t)reason < ARRAY_COUNT(reasons) && reasons[reason].name);
	return reasons[reason].name;
}

void refusal_add_pair(struct refusal *refusal, struct arena *arena, const char *key,
	const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	refusal->metadata = arena_grow(arena, refusal->metadata, refusal->metadata_count,
		&refusal->metadata_capacity, sizeof(*refusal->metadata));
	refusal->metadata[refusal->metadata_count++] =
		(struct refusal_pair){arena_string(arena, key), arena_vprintf(arena, format, arguments)};
	va_end(arguments);
}

void refusal_add_field(struct refusal *refusal, struct arena *arena, const char *field,
	const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	refusal->fields = arena_grow(arena, refusal->fields, refusal->field_count,
		&refusal->field_capacity, sizeof(*refusal->fields));
	refusal->fields[refusal->field_count++] =
		(struct refusal_field){arena_string(arena, field), arena_vprintf(arena, format, arguments)};
	va_end(arguments);
}

char *field_path(struct arena *arena, const char *list, size_t index, const char *name)
{
	enum { DIGITS_MAX = 20 };
	size_t list_size = strlen(list);
	size_t name_size = name ? strlen(name) : 0;
	char *path = arena_alloc(arena, list_size + DIGITS_MAX + name_size + sizeof("[]."));
	char *end = path + list_size;
	size_t digits = 1;
	memcpy(path, list, list_size + 1);
	*end++ = '[';
	for (size_t rest = index; rest >= 10; rest /= 10)
		digits++;
	for (size_t i = digits; i-- > 0; index /= 10)
		end[i] = (char)('0' + index % 10);
	end += digits;
	*end++ = ']';
	if (name) {
		*end++ = '.';
		memcpy(end, name, name_size + 1);
	}
	return path;
}
