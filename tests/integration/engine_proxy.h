/*
 * A proxy between an engine and PostgreSQL on the test's loop: swallows the answer of a COMMIT and
 * hangs up, hangs up instead of passing a COMMIT on, freezes, or is not there.
 */
#ifndef STOCKBOOK_TESTS_INTEGRATION_ENGINE_PROXY_H
#define STOCKBOOK_TESTS_INTEGRATION_ENGINE_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct proxy_link;

struct proxy {
	uv_loop_t *loop;
	uv_pipe_t *listener; /* NULL while it is not there */
	char directory[128];
	char upstream[256]; /* the server's socket */
	struct proxy_link *links;
	int swallow_commits; /* how many answers are still to be swallowed */
	int drop_commits;    /* how many COMMITs are still to be dropped on their way */
	int refuse_hopes;    /* after how many that were in vain the line is still to be cut */
	int swallowed;
	int dropped;
	bool frozen; /* takes everything, passes nothing on */
};

/* upstream: the folder of the server's socket. */
void proxy_open(struct proxy *proxy, uv_loop_t *loop, const char *upstream);
/* Hangs up on everybody and listens no more. */
void proxy_shut(struct proxy *proxy);
void proxy_listen(struct proxy *proxy);

#endif
