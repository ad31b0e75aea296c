#include "api/errors.h"

#include <string.h>

#include "google/protobuf/any.pb-c.h"
#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"

#define ERROR_DOMAIN "stockbook"
#define DETAILS_MAX 3 /* ErrorInfo, BadRequest, RetryInfo */
/* For what stands around metadata and violations: types, reason, the count of what was left out. */
#define FRAME_BYTES 512
/* Tag and length of an entry and of its two texts. */
#define ENTRY_BYTES 12

#define RETRY_OVERLOADED_MS 100
#define RETRY_UNAVAILABLE_MS 1000

static const char *const code_names[] = {"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT",
	"DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED",
	"FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE",
	"DATA_LOSS", "UNAUTHENTICATED"};

const char *error_code_name(int code)
{
	return code >= 0 && (size_t)code < ARRAY_COUNT(code_names) ? code_names[code] : "UNKNOWN";
}

/* Cut at a character's end. */
static char *cut_text(const char *text, size_t bytes_max, struct arena *arena)
{
	size_t size = strlen(text);
	if (size <= bytes_max)
		return arena_string(arena, text);
	size = bytes_max;
	while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80)
		size--;
	return arena_printf(arena, "%.*s…", (int)size, text);
}

static Google__Protobuf__Any *make_any(const ProtobufCMessage *message, struct arena *arena)
{
	Google__Protobuf__Any *any = arena_alloc(arena, sizeof(*any));
	google__protobuf__any__init(any);
	any->type_url = arena_printf(arena, "type.googleapis.com/%s", message->descriptor->name);
	any->value.len = protobuf_c_message_get_packed_size(message);
	any->value.data = arena_alloc(arena, any->value.len);
	protobuf_c_message_pack(message, any->value.data);
	return any;
}

static void add_entry(Google__Rpc__ErrorInfo *info, const char *key, const char *value,
	struct arena *arena)
{
	Google__Rpc__ErrorInfo__MetadataEntry *entry = arena_alloc(arena, sizeof(*entry));
	google__rpc__error_info__metadata_entry__init(entry);
	entry->key = arena_string(arena, key);
	entry->value = arena_string(arena, value);
	info->metadata[info->n_metadata++] = entry;
}

/* Takes what it uses from *room. */
static Google__Protobuf__Any *make_info(const struct refusal *refusal, size_t *room,
	struct arena *arena)
{
	Google__Rpc__ErrorInfo info = GOOGLE__RPC__ERROR_INFO__INIT;
	info.reason = arena_string(arena, refusal_reason_name(refusal->reason));
	info.domain = arena_string(arena, ERROR_DOMAIN);
	info.metadata = arena_alloc_array(arena, refusal->metadata_count + 1, sizeof(*info.metadata));
	size_t omitted = 0;
	for (size_t i = 0; i < refusal->metadata_count; i++) {
		const struct refusal_pair *pair = &refusal->metadata[i];
		size_t size = strlen(pair->key) + strlen(pair->value) + ENTRY_BYTES;
		if (omitted > 0 || size > *room) {
			omitted++;
			continue;
		}
		*room -= size;
		add_entry(&info, pair->key, pair->value, arena);
	}
	if (omitted > 0)
		add_entry(&info, "omitted", arena_printf(arena, "%zu", omitted), arena);
	return make_any(&info.base, arena);
}

static Google__Protobuf__Any *make_bad_request(const struct refusal *refusal, size_t *room,
	struct arena *arena)
{
	Google__Rpc__BadRequest bad = GOOGLE__RPC__BAD_REQUEST__INIT;
	bad.field_violations =
		arena_alloc_array(arena, refusal->field_count, sizeof(*bad.field_violations));
	for (size_t i = 0; i < refusal->field_count; i++) {
		const struct refusal_field *field = &refusal->fields[i];
		size_t size = strlen(field->field) + strlen(field->description) + ENTRY_BYTES;
		if (size > *room)
			break;
		*room -= size;
		Google__Rpc__BadRequest__FieldViolation *violation = arena_alloc(arena, sizeof(*violation));
		google__rpc__bad_request__field_violation__init(violation);
		violation->field = arena_string(arena, field->field);
		violation->description = arena_string(arena, field->description);
		bad.field_violations[bad.n_field_violations++] = violation;
	}
	return make_any(&bad.base, arena);
}

static Google__Protobuf__Any *make_retry(int64_t retry_ms, struct arena *arena)
{
	Google__Protobuf__Duration delay = GOOGLE__PROTOBUF__DURATION__INIT;
	delay.seconds = retry_ms / 1000;
	delay.nanos = (int32_t)(retry_ms % 1000) * 1000000;
	Google__Rpc__RetryInfo retry = GOOGLE__RPC__RETRY_INFO__INIT;
	retry.retry_delay = &delay;
	return make_any(&retry.base, arena);
}

static int64_t retry_ms(const struct refusal *refusal)
{
	if (refusal->retry_after_ms > 0)
		return refusal->retry_after_ms;
	if (refusal->reason == STOCKBOOK__V1__REASON__REASON_OVERLOADED)
		return RETRY_OVERLOADED_MS;
	if (refusal->reason == STOCKBOOK__V1__REASON__REASON_UNAVAILABLE)
		return RETRY_UNAVAILABLE_MS;
	return 0;
}

struct error error_make(const struct refusal *refusal, struct arena *arena)
{
	struct error error = {.code = refusal_code(refusal->reason)};
	char *message = cut_text(refusal->message, ERROR_MESSAGE_BYTES_MAX, arena);
	error.message = message;

	size_t room = ERROR_DETAILS_BYTES_MAX - FRAME_BYTES - ERROR_MESSAGE_BYTES_MAX;
	Google__Protobuf__Any *details[DETAILS_MAX];
	Google__Rpc__Status status = GOOGLE__RPC__STATUS__INIT;
	status.code = error.code;
	status.message = message;
	status.details = details;
	details[status.n_details++] = make_info(refusal, &room, arena);
	if (refusal->field_count > 0)
		details[status.n_details++] = make_bad_request(refusal, &room, arena);
	if (retry_ms(refusal) > 0)
		details[status.n_details++] = make_retry(retry_ms(refusal), arena);

	error.details_size = google__rpc__status__get_packed_size(&status);
	uint8_t *bytes = arena_alloc(arena, error.details_size);
	google__rpc__status__pack(&status, bytes);
	error.details = bytes;
	return error;
}

void error_name_fields(struct refusal *refusal, struct arena *arena)
{
	const struct refusal_field *first = &refusal->fields[0];
	const char *more = refusal->field_count > 1
						   ? arena_printf(arena, " (and %zu more)", refusal->field_count - 1)
						   : "";
	refusal->reason = STOCKBOOK__V1__REASON__REASON_INVALID_FIELD;
	refusal->message =
		arena_printf(arena, "field '%s': %s%s", first->field, first->description, more);
}
