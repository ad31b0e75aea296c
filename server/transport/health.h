/*
 * grpc.health.v1.Health: Check and Watch, for the server as a whole ("") and for each service.
 * All have one state: the book either serves or it does not.
 */
#ifndef STOCKBOOK_TRANSPORT_HEALTH_H
#define STOCKBOOK_TRANSPORT_HEALTH_H

#include <stdbool.h>

struct transport;
struct transport_call;

struct health {
	bool serving;
	struct transport_call *watches; /* linked by service_next */
};

void health_check(struct transport_call *call);
void health_watch(struct transport_call *call);
/* Tells those who watch. */
void health_set_serving(struct transport *transport, bool serving);

#endif
