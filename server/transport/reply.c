#include "transport/reply.h"

#include <string.h>

#include "google/protobuf/any.pb-c.h"
#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"

#include "base/check.h"

#define REPLY_DOMAIN "stockbook"
#define REPLY_REASON_PREFIX "REASON_"

/* The name as callers see it: without the prefix that enums carry. */
static char *reply_reason(struct arena *arena, Stockbook__V1__Reason reason)
{
	const ProtobufCEnumValue *value =
		protobuf_c_enum_descriptor_get_value(&stockbook__v1__reason__descriptor, (int)reason);
	CHECK(value != NULL);
	CHECK(strncmp(value->name, REPLY_REASON_PREFIX, strlen(REPLY_REASON_PREFIX)) == 0);
	return arena_string(arena, value->name + strlen(REPLY_REASON_PREFIX));
}

static Google__Protobuf__Any *reply_any(struct arena *arena, const ProtobufCMessage *message)
{
	Google__Protobuf__Any *any = arena_alloc(arena, sizeof(*any));
	google__protobuf__any__init(any);
	any->type_url = arena_printf(arena, "type.googleapis.com/%s", message->descriptor->name);
	any->value.len = protobuf_c_message_get_packed_size(message);
	any->value.data = arena_alloc(arena, any->value.len);
	protobuf_c_message_pack(message, any->value.data);
	return any;
}

static Google__Protobuf__Any *reply_retry(struct arena *arena, int64_t retry_ms)
{
	Google__Protobuf__Duration delay = GOOGLE__PROTOBUF__DURATION__INIT;
	delay.seconds = retry_ms / 1000;
	delay.nanos = (int32_t)(retry_ms % 1000) * 1000000;
	Google__Rpc__RetryInfo retry = GOOGLE__RPC__RETRY_INFO__INIT;
	retry.retry_delay = &delay;
	return reply_any(arena, &retry.base);
}

struct reply_details reply_details(struct arena *arena, int code, const char *message,
	Stockbook__V1__Reason reason, const struct reply_pair *pairs, size_t count, int64_t retry_ms)
{
	Google__Rpc__ErrorInfo info = GOOGLE__RPC__ERROR_INFO__INIT;
	Google__Rpc__ErrorInfo__MetadataEntry entries[REPLY_PAIRS_MAX];
	Google__Rpc__ErrorInfo__MetadataEntry *pointers[REPLY_PAIRS_MAX];
	CHECK(count <= REPLY_PAIRS_MAX);
	info.reason = reply_reason(arena, reason);
	info.domain = arena_string(arena, REPLY_DOMAIN);
	for (size_t i = 0; i < count; i++) {
		google__rpc__error_info__metadata_entry__init(&entries[i]);
		entries[i].key = arena_string(arena, pairs[i].name);
		entries[i].value = arena_string(arena, pairs[i].value);
		pointers[i] = &entries[i];
	}
	info.n_metadata = count;
	info.metadata = pointers;

	Google__Protobuf__Any *details[2] = {reply_any(arena, &info.base)};
	Google__Rpc__Status status = GOOGLE__RPC__STATUS__INIT;
	status.code = code;
	status.message = arena_string(arena, message);
	status.details = details;
	status.n_details = 1;
	if (retry_ms > 0)
		details[status.n_details++] = reply_retry(arena, retry_ms);

	struct reply_details reply = {.size = google__rpc__status__get_packed_size(&status)};
	reply.bytes = arena_alloc(arena, reply.size);
	google__rpc__status__pack(&status, reply.bytes);
	return reply;
}
