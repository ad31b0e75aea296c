/*
 * A server that says what a test wants it to say, for tests of the client alone. It runs in a
 * thread of its own; the answer function is called there, one call at a time.
 */
#ifndef STOCKBOOK_TESTS_FAKE_SERVER_H
#define STOCKBOOK_TESTS_FAKE_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_BYTES_MAX 65536
#define FAKE_MESSAGES_MAX 8

struct fake_call {
	char method[128];
	char authorization[128];
	uint8_t request[FAKE_BYTES_MAX];
	size_t request_size;
	int number; /* 1 for the first call the server got */

	/* The answer. Messages are sent when code is 0, and before a failure when there are any. */
	uint8_t response[FAKE_MESSAGES_MAX][FAKE_BYTES_MAX];
	size_t response_size[FAKE_MESSAGES_MAX];
	int responses;
	int code;
	const char *message;
	uint8_t details[FAKE_BYTES_MAX]; /* a packed google.rpc.Status */
	size_t details_size;
	bool never; /* do not answer at all */
};

typedef void (*fake_answer)(void *context, struct fake_call *call);

struct fake_server;

/* port 0: any; port_used says which. With certificate and key (PEM texts) it speaks TLS. */
struct fake_server *fake_server_open(int port, const char *certificate, const char *key,
	fake_answer answer, void *context, int *port_used);
void fake_server_close(struct fake_server *server);

#endif
