/* stockbook call: any method of the API, in JSON. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

#include "message_json.h"

/* The request's text: the argument, or standard input for "-". NULL after a message. */
static const char *read_request(struct cli *cli)
{
	const char *text = cli->arguments_count > 1 ? cli->arguments[1] : "{}";
	if (strcmp(text, "-") != 0)
		return text;
	enum { REQUEST_BYTES_MAX = 16 << 20 };
	char *buffer = arena_alloc(&cli->arena, REQUEST_BYTES_MAX);
	size_t size = fread(buffer, 1, REQUEST_BYTES_MAX, stdin);
	if (size == REQUEST_BYTES_MAX) {
		say_error("the request on standard input is larger than 16 MiB");
		return NULL;
	}
	return buffer;
}

static void on_message(void *context, const ProtobufCMessage *message)
{
	(void)context;
	message_write_json(stdout, message, true, 0);
	putchar('\n');
	fflush(stdout);
}

static enum exit_code list_methods(void)
{
	size_t count;
	const struct stockbook_method *methods = stockbook_methods(&count);
	for (size_t i = 0; i < count; i++)
		printf("%s/%s\n", methods[i].service, methods[i].name);
	return EXIT_CODE_OK;
}

static enum exit_code run(struct cli *cli)
{
	if (cli->arguments_count == 0)
		return list_methods();
	const struct stockbook_method *method = stockbook_method_by_path(cli->arguments[0]);
	if (!method)
		return usage_error(cli, "there is no method '%s'; 'stockbook call' lists them",
			cli->arguments[0]);
	const char *text = read_request(cli);
	const char *wrong = NULL;
	if (!text)
		return EXIT_CODE_USAGE;
	ProtobufCMessage *request = message_from_json(&cli->arena, method->request, text, &wrong);
	if (!request)
		return usage_error(cli, "%s", wrong);
	if (!method->server_streaming) {
		ProtobufCMessage *response = cli_call_method(cli, method, request);
		if (!response)
			return cli->exit_code;
		on_message(NULL, response);
		protobuf_c_message_free_unpacked(response, NULL);
		return EXIT_CODE_OK;
	}
	struct stockbook_client *client = cli_client(cli);
	if (!client)
		return cli->exit_code;
	struct stockbook_error error;
	bool complete = stockbook_stream(client, method, request, 0, on_message, NULL, &error);
	if (!complete)
		cli_explain(cli, &error);
	stockbook_error_release(&error);
	return complete ? EXIT_CODE_OK : cli->exit_code;
}

static const struct command commands[] = {
	{NULL, "[SERVICE/METHOD ['{JSON}'|-]]", "Calls any method of the API; without one, lists them.",
		"Request and response are in the canonical proto3 JSON mapping. A request id that is left\n"
		"out is made.\n",
		"call\n"
		"call ItemService/GetItem '{\"sku\": \"85123A\"}'\n"
		"call ReservationService/Reserve '{\"owner\": \"b\", \"channel\": \"web\", \"holdFor\": "
		"\"900s\", \"lines\": [{\"sku\": \"85123A\", \"quantity\": \"2\"}]}'",
		NULL, 0, 2, run},
};

const struct noun noun_call = {
	.name = "call", .summary = "Any method of the API, in JSON.", NOUN_COMMANDS(commands)};
