#include "here.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *given_location, *given_worker;

static const char *choose(const char *given, const char *variable)
{
	const char *value = given ? given : getenv(variable);
	return value ? value : "";
}

const char *here_location(void)
{
	return choose(given_location, "STOCKBOOK_LOCATION");
}

const char *here_worker(void)
{
	return choose(given_worker, "STOCKBOOK_WORKER");
}

bool here_needs_location(struct cli *cli)
{
	if (*here_location())
		return true;
	usage_error(cli,
		"say where with --location CODE, or once with 'export STOCKBOOK_LOCATION=CODE'");
	return false;
}

bool here_needs_worker(struct cli *cli)
{
	if (*here_worker())
		return true;
	usage_error(cli, "say who with --worker NAME, or once with 'export STOCKBOOK_WORKER=NAME'");
	return false;
}

void say_next(struct cli *cli, const char *format, ...)
{
	if (cli->output != OUTPUT_TABLE)
		return;
	va_list arguments;
	va_start(arguments, format);
	const char *text = arena_vprintf(&cli->arena, format, arguments);
	va_end(arguments);
	fflush(stdout);
	fputs(may_colour(STDERR_FILENO) ? "\033[36mnext:\033[0m " : "next: ", stderr);
	fprintf(stderr, "stockbook %s", text);
	if (given_location && !strstr(text, "--location"))
		fprintf(stderr, " --location %s", given_location);
	if (given_worker)
		fprintf(stderr, " --worker %s", given_worker);
	fputc('\n', stderr);
}
