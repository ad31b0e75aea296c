#include "follow.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* How long Ctrl-C may wait. */
#define POLL_MS 200
#define PAUSE_US 500000
/* A stream is sent again when its time is over. */
#define STREAM_MS INT64_C(86400000)

static void on_message(void *context, const ProtobufCMessage *message)
{
	struct follow *follow = context;
	follow->begun = follow->here = true;
	if (!follow->enough)
		follow->on_message(follow, message);
}

static void take_error(struct stockbook_error *to, const struct stockbook_error *from)
{
	/* What is told of it lives as long as the callback. */
	*to = (struct stockbook_error){.code = from->code, .retry_delay_ms = -1};
	to->reason = strdup(from->reason);
	to->message = strdup(from->message);
	to->request_tag = strdup(from->request_tag);
	CHECK(to->reason && to->message && to->request_tag);
}

static void on_done(void *context, const ProtobufCMessage *response,
	const struct stockbook_error *error)
{
	struct follow *follow = context;
	(void)response;
	follow->ended = true;
	if (error->code)
		take_error(&follow->error, error);
}

/* The server went, and not the book or the caller was wrong. */
static bool may_go_on(const struct follow *follow)
{
	const char *code = stockbook_code_name(follow->error.code);
	return follow->begun &&
		   (strcmp(code, "UNAVAILABLE") == 0 || strcmp(code, "DEADLINE_EXCEEDED") == 0 ||
			   strcmp(code, "CANCELLED") == 0);
}

enum exit_code follow_run(struct cli *cli, struct follow *follow)
{
	struct stockbook_client *client = cli_client(cli);
	if (!client)
		return cli->exit_code;
	interrupt_catch();
	for (;;) {
		follow->ended = false;
		stockbook_stream_async(client, follow->method, follow->request, STREAM_MS, on_message,
			on_done, follow);
		while (!follow->ended && !follow->enough && !interrupted())
			stockbook_client_poll(client, POLL_MS);
		if (!follow->ended) {
			/* Which tells on_done(), while there is somebody to be told. */
			stockbook_client_close(client);
			cli->client = NULL;
		}
		if (follow->enough || interrupted())
			break;
		if (!may_go_on(follow)) {
			cli_explain(cli, &follow->error);
			stockbook_error_release(&follow->error);
			return cli->exit_code;
		}
		if (follow->here)
			say_hint("the server went away (%s); following on", follow->error.message);
		follow->here = false;
		stockbook_error_release(&follow->error);
		usleep(PAUSE_US);
	}
	stockbook_error_release(&follow->error);
	return follow->enough ? EXIT_CODE_OK : EXIT_CODE_INTERRUPTED;
}
