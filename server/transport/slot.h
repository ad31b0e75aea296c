/*
 * Slots: what gRPC fills when a call arrives. Each unary method has slots of its own, so that the
 * call comes with its message and is bound to the unpolled queue; streams and unknown methods come
 * through a few generic ones, bound to the polled queue. Few, because gRPC looks through all
 * outstanding tags on each event; a slot is armed again before its call is worked on.
 */
#ifndef STOCKBOOK_TRANSPORT_SLOT_H
#define STOCKBOOK_TRANSPORT_SLOT_H

#include <grpc/grpc.h>

#include "transport/method.h"
#include "transport/poller.h"

struct transport;

struct slot {
	struct tag tag;
	struct transport *transport;
	const struct method *method; /* NULL: generic */
	/* Written by gRPC. */
	grpc_call *call;
	gpr_timespec deadline;
	grpc_byte_buffer *payload;
	grpc_call_details details;
	grpc_metadata_array metadata;
};

/* Before the server starts: tells it the unary methods. */
void slots_register(struct transport *transport);
/* After it started: makes and arms all slots. */
void slots_open(struct transport *transport);
/* All slots have come back. */
void slots_release(struct transport *transport);

#endif
