/*
 * Following a stream that has no end: until Ctrl-C, or until enough has come. When the server goes
 * away it is followed again, from where it was.
 */
#ifndef STOCKBOOK_CLI_FOLLOW_H
#define STOCKBOOK_CLI_FOLLOW_H

#include "cli.h"

struct follow {
	const struct stockbook_method *method;
	ProtobufCMessage *request;
	/* May set `enough`, and what the request is to be when it is sent again. */
	void (*on_message)(struct follow *follow, const ProtobufCMessage *message);
	bool enough;
	void *context;

	/* Its own. */
	bool ended;
	bool begun; /* a message has come */
	bool here;  /* the same, since the server went away the last time */
	struct stockbook_error error;
};

enum exit_code follow_run(struct cli *cli, struct follow *follow);

#endif
