#include "transport/slot.h"

#include <string.h>

#include "transport/private.h"
#include "transport/sanitize.h"

#define SLOTS_PER_METHOD 1
#define SLOTS_GENERIC 8

static void slot_arm(struct slot *slot)
{
	struct transport *transport = slot->transport;
	struct poller *poller = &transport->poller;
	grpc_call_error error;
	tag_release(&slot->tag);
	if (slot->method)
		error = grpc_server_request_registered_call(transport->server, slot->method->registered,
			&slot->call, &slot->deadline, &slot->metadata, &slot->payload, poller->unpolled,
			poller->polled, &slot->tag);
	else
		error = grpc_server_request_call(transport->server, &slot->call, &slot->details,
			&slot->metadata, poller->polled, poller->polled, &slot->tag);
	CHECK(error == GRPC_CALL_OK);
	transport->slots_armed++;
}

static const struct method *slot_find_method(const struct slot *slot)
{
	char path[256];
	size_t size = GRPC_SLICE_LENGTH(slot->details.method);
	if (size >= sizeof(path))
		return NULL;
	memcpy(path, GRPC_SLICE_START_PTR(slot->details.method), size);
	path[size] = '\0';
	const struct method *method = method_find(&slot->transport->methods, path);
	/* Unary ones never come this way, but for a path that is not quite theirs. */
	return method && method->kind != METHOD_UNARY ? method : NULL;
}

static void slot_filled(struct tag *tag, bool ok)
{
	struct slot *slot = container_of(tag, struct slot, tag);
	struct transport *transport = slot->transport;
	transport->slots_armed--;
	if (!ok)
		return; /* the server shuts down */

	const struct method *method = slot->method ? slot->method : slot_find_method(slot);
	gpr_timespec deadline = slot->method ? slot->deadline : slot->details.deadline;
	grpc_byte_buffer *payload = slot->payload;
	struct transport_call *call =
		call_new(transport, method, slot->details.method, slot->call, deadline, &slot->metadata);
	slot->call = NULL;
	slot->payload = NULL;
	slot->metadata.count = 0; /* the texts belong to the call */
	if (!slot->method) {
		grpc_call_details_destroy(&slot->details);
		grpc_call_details_init(&slot->details);
	}
	if (transport->state == TRANSPORT_SERVING)
		slot_arm(slot);
	call_begin(call, payload);
}

void slots_register(struct transport *transport)
{
	for (size_t i = 0; i < transport->methods.count; i++) {
		struct method *method = &transport->methods.methods[i];
		if (method->kind != METHOD_UNARY)
			continue;
		method->registered = grpc_server_register_method(transport->server, method->path, NULL,
			GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER, 0);
		CHECK(method->registered != NULL);
	}
}

static void slot_init(struct slot *slot, struct transport *transport, const struct method *method)
{
	*slot = (struct slot){.tag.done = slot_filled, .transport = transport, .method = method};
	grpc_metadata_array_init(&slot->metadata);
	grpc_call_details_init(&slot->details);
}

void slots_open(struct transport *transport)
{
	size_t count = SLOTS_GENERIC + transport->methods.count * SLOTS_PER_METHOD;
	transport->slots = arena_alloc_array(&transport->arena, count, sizeof(struct slot));
	for (size_t i = 0; i < transport->methods.count; i++) {
		const struct method *method = &transport->methods.methods[i];
		for (size_t j = 0; method->registered && j < SLOTS_PER_METHOD; j++)
			slot_init(&transport->slots[transport->slots_count++], transport, method);
	}
	for (size_t j = 0; j < SLOTS_GENERIC; j++)
		slot_init(&transport->slots[transport->slots_count++], transport, NULL);
	for (size_t i = 0; i < transport->slots_count; i++)
		slot_arm(&transport->slots[i]);
}

void slots_release(struct transport *transport)
{
	CHECK(transport->slots_armed == 0);
	for (size_t i = 0; i < transport->slots_count; i++) {
		grpc_metadata_array_destroy(&transport->slots[i].metadata);
		grpc_call_details_destroy(&transport->slots[i].details);
	}
	transport->slots_count = 0;
}
