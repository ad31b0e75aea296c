/*
 * The connection of a command, its calls, and how their failures are told.
 */
#include "cli.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "message.h"
#include "parse.h"

bool may_colour(int file_descriptor)
{
	const char *no = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");
	return (!no || !*no) && isatty(file_descriptor) && !(terminal && strcmp(terminal, "dumb") == 0);
}

static void say(const char *word, const char *colour, const char *format, va_list arguments)
{
	fflush(stdout);
	if (may_colour(STDERR_FILENO))
		fprintf(stderr, "\033[%sm%s:\033[0m ", colour, word);
	else
		fprintf(stderr, "%s: ", word);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
}

void say_error(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	say("error", "31", format, arguments);
	va_end(arguments);
}

void say_hint(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	say("hint", "36", format, arguments);
	va_end(arguments);
}

enum exit_code usage_error(struct cli *cli, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	say("error", "31", format, arguments);
	va_end(arguments);
	say_hint("'stockbook %s --help' shows how it is used", cli->command_name);
	return EXIT_CODE_USAGE;
}

struct stockbook_client *cli_client(struct cli *cli)
{
	if (cli->client)
		return cli->client;
	struct stockbook_error error;
	cli->client = stockbook_client_open(&cli->connection, &error);
	if (!cli->client) {
		say_error("%s", error.message);
		cli->exit_code = EXIT_CODE_USAGE;
	}
	stockbook_error_release(&error);
	return cli->client;
}

enum exit_code exit_code_of(const struct stockbook_error *error)
{
	static const struct {
		const char *name;
		enum exit_code code;
	} codes[] = {
		{"OK", EXIT_CODE_OK},
		{"INVALID_ARGUMENT", EXIT_CODE_USAGE},
		{"NOT_FOUND", EXIT_CODE_REFUSED},
		{"ALREADY_EXISTS", EXIT_CODE_REFUSED},
		{"FAILED_PRECONDITION", EXIT_CODE_REFUSED},
		{"ABORTED", EXIT_CODE_REFUSED},
		{"OUT_OF_RANGE", EXIT_CODE_REFUSED},
		{"PERMISSION_DENIED", EXIT_CODE_NOT_ALLOWED},
		{"UNAUTHENTICATED", EXIT_CODE_NOT_ALLOWED},
	};
	for (size_t i = 0; i < ARRAY_COUNT(codes); i++)
		if (strcmp(codes[i].name, stockbook_code_name(error->code)) == 0)
			return codes[i].code;
	return EXIT_CODE_UNAVAILABLE;
}

static bool is_not_there(const struct stockbook_error *error)
{
	return strcmp(stockbook_code_name(error->code), "UNAVAILABLE") == 0 && !error->reason[0];
}

/* What to do about it, where there is something. */
static void hint(const struct cli *cli, const struct stockbook_error *error)
{
	const char *code = stockbook_code_name(error->code);
	if (strcmp(code, "UNAVAILABLE") == 0 && !error->reason[0])
		say_hint(
			"is the server running at '%s'? 'tools/dev run' starts one; --server names another",
			cli->connection.target);
	else if (strcmp(code, "UNAVAILABLE") == 0 || strcmp(code, "RESOURCE_EXHAUSTED") == 0)
		say_hint("try again in a moment, or with a longer --deadline");
	else if (strcmp(code, "DEADLINE_EXCEEDED") == 0)
		say_hint("a longer --deadline may help");
	else if (strcmp(code, "UNAUTHENTICATED") == 0)
		say_hint(
			"give a token with --token or STOCKBOOK_TOKEN; 'stockbook token create' makes one");
	else if (strcmp(code, "UNIMPLEMENTED") == 0)
		say_hint("the server is older than this command; 'stockbook server info' says what it is");
	else if (strcmp(error->reason, "ITEM_NOT_FOUND") == 0)
		say_hint("'stockbook item list' shows what there is, 'stockbook item put' adds one");
	else if (strcmp(error->reason, "LOCATION_NOT_FOUND") == 0)
		say_hint(
			"'stockbook location list' shows what there is, 'stockbook location put' adds one");
	else if (strcmp(error->reason, "CHANNEL_NOT_FOUND") == 0)
		say_hint("'stockbook channel list' shows what there is, 'stockbook channel put' adds one");
	else if (strcmp(error->reason, "WORK_CLAIMED") == 0)
		say_hint("somebody else has it: 'stockbook work list --unclaimed' shows what is free");
	else if (strcmp(error->reason, "OUT_OF_STOCK") == 0)
		say_hint("'stockbook stock explain SKU LOCATION' says where the stock is");
}

void cli_explain(struct cli *cli, const struct stockbook_error *error)
{
	if (is_not_there(error))
		say_error("cannot connect to '%s' (%s)", cli->connection.target, error->message);
	else
		say_error("%s (%s)", error->message[0] ? error->message : "no message",
			error->reason[0] ? error->reason : stockbook_code_name(error->code));
	for (size_t i = 0; i < error->violations_count; i++)
		fprintf(stderr, "  %s: %s\n", error->violations[i].field, error->violations[i].description);
	for (size_t i = 0; i < error->metadata_count; i++)
		fprintf(stderr, "  %s = %s\n", error->metadata[i].key, error->metadata[i].value);
	if (error->request_tag[0])
		fprintf(stderr, "  the server's log has it as '%s'\n", error->request_tag);
	hint(cli, error);
	cli->exit_code = exit_code_of(error);
}

void cli_set_request_id(struct cli *cli, ProtobufCMessage *request)
{
	char **id = message_text_field(request, "request_id");
	cli->request_id_used[0] = '\0';
	if (!id)
		return;
	if (!**id && cli->request_id)
		*id = text_of(cli->request_id);
	if (!**id) {
		stockbook_request_id_new(cli->request_id_used);
		*id = cli->request_id_used;
	} else {
		snprintf(cli->request_id_used, sizeof(cli->request_id_used), "%s", *id);
	}
}

ProtobufCMessage *cli_call_method(struct cli *cli, const struct stockbook_method *method,
	ProtobufCMessage *request)
{
	struct stockbook_client *client = cli_client(cli);
	if (!client)
		return NULL;
	cli_set_request_id(cli, request);
	struct stockbook_error error;
	ProtobufCMessage *response = stockbook_call(client, method, request, 0, &error);
	if (!response) {
		cli_explain(cli, &error);
		if (error.outcome_unknown && cli->request_id_used[0])
			say_hint("outcome unknown: repeat with --request-id %s", cli->request_id_used);
	}
	stockbook_error_release(&error);
	return response;
}

ProtobufCMessage *cli_call(struct cli *cli, const char *service, const char *name,
	ProtobufCMessage *request)
{
	return cli_call_method(cli, stockbook_method(service, name), request);
}

static volatile sig_atomic_t interrupts;

static void on_interrupt(int signal_number)
{
	(void)signal_number;
	if (interrupts++)
		_exit(EXIT_CODE_INTERRUPTED);
}

void interrupt_catch(void)
{
	struct sigaction action = {.sa_handler = on_interrupt};
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool interrupted(void)
{
	return interrupts != 0;
}
