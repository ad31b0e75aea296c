/*
 * stockbook: the command line of the book. Finds the command, parses its options, runs it.
 */
#include "cli.h"
#include "nouns.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parse.h"

const struct noun *const nouns[] = {&noun_item, &noun_location, &noun_group, &noun_channel,
	&noun_stock, &noun_reserve, &noun_order, &noun_return, &noun_work, &noun_pick, &noun_pickup,
	&noun_ship, &noun_transfer, &noun_recount, &noun_promise, &noun_ledger, &noun_events,
	&noun_verify, &noun_token, &noun_server, &noun_import, &noun_replay, &noun_call};
const size_t nouns_count = ARRAY_COUNT(nouns);

enum common_value {
	VALUE_HELP = 1000,
	VALUE_VERSION,
};

static struct {
	char *output, *server, *token, *ca, *certificate, *key, *server_name, *deadline, *request_id;
} given;

/* help.c shows this table, parse_options() reads it. */
const struct poptOption common_options[] = {
	{"output", 'o', POPT_ARG_STRING, &given.output, 0, "table, json or csv", "FORMAT"},
	{"server", 's', POPT_ARG_STRING, &given.server, 0, "host:port or unix:/path (127.0.0.1:50051)",
		"ADDRESS"},
	{"token", 't', POPT_ARG_STRING, &given.token, 0, "secret of a token", "SECRET"},
	{"ca", 0, POPT_ARG_STRING, &given.ca, 0, "speak TLS, trust this authority (PEM)", "FILE"},
	{"certificate", 0, POPT_ARG_STRING, &given.certificate, 0, "mutual TLS: own certificate",
		"FILE"},
	{"key", 0, POPT_ARG_STRING, &given.key, 0, "mutual TLS: own key", "FILE"},
	{"server-name", 0, POPT_ARG_STRING, &given.server_name, 0, "name in the server's certificate",
		"NAME"},
	{"deadline", 0, POPT_ARG_STRING, &given.deadline, 0, "how long to try, such as 500ms, 10s",
		"TIME"},
	{"request-id", 0, POPT_ARG_STRING, &given.request_id, 0,
		"UUID of a change, to repeat it safely", "ID"},
	{"help", 'h', POPT_ARG_NONE, NULL, VALUE_HELP, "this help", NULL},
	{"version", 0, POPT_ARG_NONE, NULL, VALUE_VERSION, NULL, NULL},
	POPT_TABLEEND,
};

/* Both tables in one, because popt takes one. */
static struct poptOption *join_options(struct arena *arena, const struct poptOption *own)
{
	size_t count = 0;
	while (own && own[count].longName)
		count++;
	struct poptOption *all =
		arena_alloc_array(arena, count + ARRAY_COUNT(common_options), sizeof(*all));
	if (count)
		memcpy(all, own, count * sizeof(*all));
	memcpy(all + count, common_options, sizeof(common_options));
	return all;
}

struct parsed {
	bool help, version;
};

/* Parses and leaves the arguments in cli->arguments. False after a message. */
static bool parse_options(struct cli *cli, int argc, char **argv, const struct poptOption *own,
	unsigned flags, struct parsed *parsed)
{
	poptContext context = poptGetContext("stockbook", argc, (const char **)argv,
		join_options(&cli->arena, own), flags);
	int value;
	while ((value = poptGetNextOpt(context)) > 0) {
		parsed->help |= value == VALUE_HELP;
		parsed->version |= value == VALUE_VERSION;
	}
	if (value < -1) {
		say_error("option '%s': %s", poptBadOption(context, POPT_BADOPTION_NOALIAS),
			poptStrerror(value));
		poptFreeContext(context);
		return false;
	}
	const char **rest = poptGetArgs(context);
	int count = 0;
	while (rest && rest[count])
		count++;
	cli->arguments = arena_alloc_array(&cli->arena, (size_t)count + 1, sizeof(char *));
	for (int i = 0; i < count; i++)
		cli->arguments[i] = arena_string(&cli->arena, rest[i]);
	cli->arguments_count = count;
	poptFreeContext(context);
	return true;
}

static const char *choose(const char *option, const char *variable)
{
	if (option)
		return option;
	const char *value = getenv(variable);
	return value && *value ? value : NULL;
}

static bool apply_options(struct cli *cli)
{
	static const char *const outputs[] = {"table", "json", "csv"};
	const char *output = choose(given.output, "STOCKBOOK_OUTPUT");
	if (output) {
		int chosen = parse_word(output, outputs, ARRAY_COUNT(outputs));
		if (chosen < 0) {
			say_error("output '%s' is not one of table, json, csv", output);
			return false;
		}
		cli->output = (enum output)chosen;
	}
	cli->connection = (struct stockbook_client_options){
		.target = choose(given.server, "STOCKBOOK_SERVER"),
		.token = choose(given.token, "STOCKBOOK_TOKEN"),
		.ca_file = choose(given.ca, "STOCKBOOK_CA"),
		.certificate_file = given.certificate,
		.key_file = given.key,
		.server_name = given.server_name,
		/* Someone is waiting at a terminal: say soon that nobody is there. */
		.connect_patience_ms = 500,
	};
	if (!cli->connection.target)
		cli->connection.target = "127.0.0.1:50051";
	if (given.deadline && (!parse_duration_ms(given.deadline, &cli->connection.deadline_ms) ||
							  cli->connection.deadline_ms <= 0)) {
		say_error("deadline '%s' is not a time such as 500ms, 10s, 2m", given.deadline);
		return false;
	}
	cli->request_id = given.request_id;
	return true;
}

static const struct noun *find_noun(const char *name)
{
	for (size_t i = 0; i < nouns_count; i++)
		if (strcmp(nouns[i]->name, name) == 0)
			return nouns[i];
	return NULL;
}

static const struct command *find_command(const struct noun *noun, const char *name)
{
	for (size_t i = 0; i < noun->commands_count; i++)
		if (!noun->commands[i].name || (name && strcmp(noun->commands[i].name, name) == 0))
			return &noun->commands[i];
	return NULL;
}

static enum exit_code run_command(struct cli *cli, const struct noun *noun,
	const struct command *command, int argc, char **argv)
{
	struct parsed parsed = {0};
	if (!command->name && noun->commands_count > 1 && argc == 2 &&
		(strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		help_noun(noun);
		return EXIT_CODE_OK;
	}
	cli->command_name =
		command->name ? arena_printf(&cli->arena, "%s %s", noun->name, command->name) : noun->name;
	if (!parse_options(cli, argc, argv, command->options, 0, &parsed)) {
		say_hint("'stockbook %s --help' lists the options", cli->command_name);
		return EXIT_CODE_USAGE;
	}
	if (parsed.help) {
		help_command(noun, command);
		return EXIT_CODE_OK;
	}
	if (!apply_options(cli))
		return EXIT_CODE_USAGE;
	if (cli->arguments_count < command->arguments_min)
		return usage_error(cli, "arguments missing: %s", command->arguments);
	if (command->arguments_max >= 0 && cli->arguments_count > command->arguments_max)
		return usage_error(cli, "'%s' is one argument too many",
			cli->arguments[command->arguments_max]);
	return command->run(cli);
}

static enum exit_code run(struct cli *cli, int argc, char **argv)
{
	struct parsed parsed = {0};
	/* Common options may stand before the noun, too. */
	if (!parse_options(cli, argc, argv, NULL, POPT_CONTEXT_POSIXMEHARDER, &parsed)) {
		say_hint("'stockbook --help' lists the options");
		return EXIT_CODE_USAGE;
	}
	if (parsed.version) {
		printf("stockbook %s\n", STOCKBOOK_VERSION);
		return EXIT_CODE_OK;
	}
	if (cli->arguments_count == 0 || strcmp(cli->arguments[0], "help") == 0) {
		help_program();
		return parsed.help || cli->arguments_count ? EXIT_CODE_OK : EXIT_CODE_USAGE;
	}
	const struct noun *noun = find_noun(cli->arguments[0]);
	if (!noun) {
		say_error("there is no noun '%s'", cli->arguments[0]);
		say_hint("'stockbook --help' lists them");
		return EXIT_CODE_USAGE;
	}
	int rest_count = cli->arguments_count;
	char **rest = cli->arguments;
	const char *name = rest_count > 1 ? rest[1] : NULL;
	const struct command *command = find_command(noun, name);
	if (!command) {
		bool help = !name || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0;
		if (help)
			help_noun(noun);
		else
			say_error("'%s' has no command '%s'; 'stockbook %s --help' lists them", noun->name,
				name, noun->name);
		return help && name ? EXIT_CODE_OK : EXIT_CODE_USAGE;
	}
	int skip = command->name ? 1 : 0;
	return run_command(cli, noun, command, rest_count - skip, rest + skip);
}

ProtobufCMessage *cli_keep(struct cli *cli, ProtobufCMessage *response)
{
	if (!response)
		return NULL;
	cli->kept = arena_grow(&cli->arena, cli->kept, cli->kept_count, &cli->kept_capacity,
		sizeof(ProtobufCMessage *));
	cli->kept[cli->kept_count++] = response;
	return response;
}

int main(int argc, char **argv)
{
	struct cli cli = {0};
	arena_init(&cli.arena);
	setlocale(LC_ALL, "");
	/* Everything that goes wrong is said once, by us, in our words. */
	setenv("GRPC_VERBOSITY", "NONE", 0);
	enum exit_code code = run(&cli, argc, argv);
	if (fflush(stdout) != 0) {
		say_error("cannot write the output");
		code = code ? code : EXIT_CODE_USAGE;
	}
	stockbook_client_close(cli.client);
	for (size_t i = 0; i < cli.kept_count; i++)
		protobuf_c_message_free_unpacked(cli.kept[i], NULL);
	arena_release(&cli.arena);
	return (int)code;
}
