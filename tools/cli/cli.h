/*
 * The command line: what the nouns' files share. One thread; one command per process.
 *
 * A noun (item, stock, reserve ...) is a file with a table of commands. A command has a row with
 * its help, its options and its function; the function fills a request, calls, and shows the
 * response through a table of columns (view.h).
 */
#ifndef STOCKBOOK_CLI_CLI_H
#define STOCKBOOK_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <popt.h>

#include "base/arena.h"
#include "stockbook/client.h"

/* What a shell sees; documented in the help. */
enum exit_code {
	EXIT_CODE_OK = 0,
	EXIT_CODE_REFUSED = 1,     /* by the book: out of stock, not found, wrong status */
	EXIT_CODE_USAGE = 2,       /* wrong arguments, files or fields */
	EXIT_CODE_UNAVAILABLE = 3, /* no server, no database, deadline over */
	EXIT_CODE_NOT_ALLOWED = 4, /* token missing, wrong or not allowed to */
	EXIT_CODE_WRONG = 5,       /* verify or replay found that figures do not agree */
	EXIT_CODE_INTERRUPTED = 130,
};

enum output {
	OUTPUT_TABLE,
	OUTPUT_JSON,
	OUTPUT_CSV,
};

struct cli {
	struct arena arena; /* of the whole command */
	enum output output;
	struct stockbook_client_options connection;
	const char *request_id; /* from --request-id, or NULL */
	char request_id_used[STOCKBOOK_REQUEST_ID_SIZE];
	char **arguments; /* what is left after the options; NULL at the end */
	int arguments_count;
	const char *command_name;        /* "reserve create" */
	struct stockbook_client *client; /* opened at the first call */
	enum exit_code exit_code;        /* of the last failed call */
	ProtobufCMessage **kept;         /* responses that live until the end */
	size_t kept_count, kept_capacity;
};

struct command {
	const char *name;                 /* NULL: the noun itself is the command */
	const char *arguments;            /* as the usage shows them */
	const char *summary;              /* one sentence */
	const char *details;              /* more lines, or NULL */
	const char *examples;             /* one a line, without "stockbook " */
	const struct poptOption *options; /* NULL: none of its own */
	int arguments_min, arguments_max; /* max -1: any number */
	enum exit_code (*run)(struct cli *cli);
};

struct noun {
	const char *name;
	const char *summary;
	const struct command *commands;
	size_t commands_count;
};

#define NOUN_COMMANDS(table)                                                                       \
	.commands = (table), .commands_count = sizeof(table) / sizeof((table)[0])

extern const struct noun noun_item, noun_location, noun_group, noun_channel, noun_stock,
	noun_reserve, noun_order, noun_return, noun_work, noun_pick, noun_pickup, noun_ship,
	noun_transfer, noun_recount, noun_promise, noun_ledger, noun_events, noun_verify, noun_token,
	noun_server, noun_import, noun_replay, noun_call;

/* main.c: a response that is needed until the command's end. Returns it; NULL is allowed. */
ProtobufCMessage *cli_keep(struct cli *cli, ProtobufCMessage *response);

/* help.c */
extern const struct poptOption common_options[];
void help_program(void);
void help_noun(const struct noun *noun);
void help_command(const struct noun *noun, const struct command *command);

/* session.c */

/* Opens the client at the first use; NULL and a message when that is not possible. */
struct stockbook_client *cli_client(struct cli *cli);
/* Calls and waits; on failure says why on stderr, sets cli->exit_code and returns NULL.
 * A request_id field that is empty gets --request-id, or a new one. */
ProtobufCMessage *cli_call(struct cli *cli, const char *service, const char *name,
	ProtobufCMessage *request);
/* The same for a method found elsewhere. */
ProtobufCMessage *cli_call_method(struct cli *cli, const struct stockbook_method *method,
	ProtobufCMessage *request);
/* Sets request_id if the request has the field and it is empty. */
void cli_set_request_id(struct cli *cli, ProtobufCMessage *request);
/* Says what a failed call's error is and what to do about it. */
void cli_explain(struct cli *cli, const struct stockbook_error *error);
enum exit_code exit_code_of(const struct stockbook_error *error);

/* message on stderr, in the form "error: ...". */
void say_error(const char *format, ...) PRINTF_LIKE(1, 2);
void say_hint(const char *format, ...) PRINTF_LIKE(1, 2);
/* For "return usage_error(...)". */
enum exit_code usage_error(struct cli *cli, const char *format, ...) PRINTF_LIKE(2, 3);
/* True when the file descriptor is a terminal and NO_COLOR is not set. */
bool may_colour(int file_descriptor);

/* Ctrl-C: the first asks to stop in order, the second ends at once. */
void interrupt_catch(void);
bool interrupted(void);

#endif
