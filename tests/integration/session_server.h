/*
 * The real transport and the real API on a loop thread of their own, over an engine made for tests
 * of sessions: it answers in an order that is not theirs, or holds everything until it is told to
 * go on. Reserve is answered with a reservation whose id is the request's owner.
 */
#ifndef STOCKBOOK_TESTS_INTEGRATION_SESSION_SERVER_H
#define STOCKBOOK_TESTS_INTEGRATION_SESSION_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <uv.h>

#include "api/api.h"
#include "transport/transport.h"

#define SESSION_SERVER_HELD_MAX 4096

struct session_server {
	struct api *api;
	struct transport *transport;
	uv_thread_t thread;
	uv_loop_t loop;
	uv_async_t wake;
	uv_timer_t turn;
	char target[64];
	/* The loop thread's. */
	struct engine_request *held[SESSION_SERVER_HELD_MAX];
	size_t held_count;
	uint64_t random;
	/* Orders, and what is told. */
	atomic_bool holds;
	atomic_bool order_drain;
	bool draining; /* the test thread's: it has been ordered */
	atomic_size_t submitted;
	atomic_size_t waiting;   /* in the engine now */
	atomic_size_t cancelled; /* of those, without a caller */
	atomic_size_t in_flight; /* calls of the API, the sessions among them */
	atomic_bool drained;
};

void session_server_start(struct session_server *server, size_t session_operations_max);
void session_server_hold(struct session_server *server, bool holds);
void session_server_begin_drain(struct session_server *server);
/* Waits until *count is value; false: it is not within some seconds. */
bool session_server_reaches(struct session_server *server, atomic_size_t *count, size_t value);
/* Drains when nobody has, and waits for the thread's end. */
void session_server_stop(struct session_server *server);

#endif
