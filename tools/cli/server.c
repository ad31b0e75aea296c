/* stockbook server: the server itself. */
#include "cli.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "stockbook/v1/server.pb-c.h"
#include "view.h"

static const struct column info_fields[] = {
	{"version", "version", COLUMN_TEXT},
	{"schema", "schema_version", COLUMN_TEXT},
	{"parts", "parts", COLUMN_TEXT},
	{"started", "start_time", COLUMN_TEXT},
	{"open to all", "open", COLUMN_TEXT},
};

static enum exit_code info(struct cli *cli)
{
	Stockbook__V1__GetServerInfoRequest request = STOCKBOOK__V1__GET_SERVER_INFO_REQUEST__INIT;
	ProtobufCMessage *response = cli_call(cli, "ServerService", "GetServerInfo", &request.base);
	if (!response)
		return cli->exit_code;
	enum exit_code code =
		view_document(cli, response, NULL, VIEW_COLUMNS(info_fields), NULL, NULL, 0);
	protobuf_c_message_free_unpacked(response, NULL);
	return code;
}

static double now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static enum exit_code echo(struct cli *cli)
{
	Stockbook__V1__EchoRequest request = STOCKBOOK__V1__ECHO_REQUEST__INIT;
	const char *text = cli->arguments_count ? cli->arguments[0] : "hello";
	request.payload.data = (uint8_t *)(uintptr_t)text;
	request.payload.len = strlen(text);
	/* The first call also connects. */
	ProtobufCMessage *response = cli_call(cli, "ServerService", "Echo", &request.base);
	if (!response)
		return cli->exit_code;
	protobuf_c_message_free_unpacked(response, NULL);
	double before = now_us();
	response = cli_call(cli, "ServerService", "Echo", &request.base);
	if (!response)
		return cli->exit_code;
	double took_us = now_us() - before;
	const Stockbook__V1__EchoResponse *echoed = (const Stockbook__V1__EchoResponse *)response;
	if (cli->output != OUTPUT_TABLE)
		return view_done(cli, response, "%.*s", (int)echoed->payload.len, echoed->payload.data);
	return view_done(cli, response, "%.*s  (%.0f us there and back)", (int)echoed->payload.len,
		echoed->payload.data, took_us);
}

static const struct command commands[] = {
	{"info", "", "Says what the server is.", NULL, "server info", NULL, 0, 0, info},
	{"echo", "[TEXT]", "Measures the way to the server and back.", NULL, "server echo hello", NULL,
		0, 1, echo},
};

const struct noun noun_server = {
	.name = "server", .summary = "The server itself.", NOUN_COMMANDS(commands)};
