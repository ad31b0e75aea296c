/*
 * Help at every level, from the same tables that the options are parsed with.
 */
#include "cli.h"
#include "nouns.h"

#include <stdio.h>
#include <string.h>

static const char exit_codes[] =
	"Exit codes:\n"
	"  0  done\n"
	"  1  refused by the book: out of stock, not found, wrong status\n"
	"  2  wrong usage: arguments, files, fields\n"
	"  3  no answer: server not there, overloaded, deadline over\n"
	"  4  not allowed: token missing, wrong, or without the role\n"
	"  5  verify, or the check of a replay, found figures that do not agree\n"
	"  130  interrupted\n";

static void print_option(const struct poptOption *option)
{
	char left[64];
	int used = option->shortName
				   ? snprintf(left, sizeof(left), "-%c, --%s", option->shortName, option->longName)
				   : snprintf(left, sizeof(left), "    --%s", option->longName);
	if (option->argDescrip && used > 0 && (size_t)used < sizeof(left))
		snprintf(left + used, sizeof(left) - (size_t)used, " %s", option->argDescrip);
	if (strlen(left) > 26)
		printf("  %s\n  %-26s  %s\n", left, "", option->descrip);
	else
		printf("  %-26s  %s\n", left, option->descrip);
}

static void print_options(const char *title, const struct poptOption *options)
{
	if (!options || !options->longName)
		return;
	printf("\n%s:\n", title);
	for (; options->longName; options++)
		if (options->descrip)
			print_option(options);
}

static void print_examples(const char *examples)
{
	if (!examples)
		return;
	printf("\nExamples:\n");
	while (*examples) {
		const char *end = strchr(examples, '\n');
		size_t length = end ? (size_t)(end - examples) : strlen(examples);
		printf("  stockbook %.*s\n", (int)length, examples);
		examples += length + (end != NULL);
	}
}

void help_command(const struct noun *noun, const struct command *command)
{
	printf("Usage: stockbook %s%s%s [options]%s%s\n\n%s\n", noun->name, command->name ? " " : "",
		command->name ? command->name : "", *command->arguments ? " " : "", command->arguments,
		command->summary);
	if (command->details)
		printf("\n%s", command->details);
	print_options("Options", command->options);
	print_options("Common options", common_options);
	print_examples(command->examples);
}

/* What the noun alone does, or NULL. */
static const struct command *plain_command(const struct noun *noun)
{
	for (size_t i = 0; i < noun->commands_count; i++)
		if (!noun->commands[i].name)
			return &noun->commands[i];
	return NULL;
}

void help_noun(const struct noun *noun)
{
	if (noun->commands_count == 1 && !noun->commands[0].name) {
		help_command(noun, &noun->commands[0]);
		return;
	}
	const struct command *plain = plain_command(noun);
	printf("Usage: stockbook %s %s [options] ...\n\n%s\n\nCommands:\n", noun->name,
		plain ? "[COMMAND]" : "COMMAND", noun->summary);
	for (size_t i = 0; i < noun->commands_count; i++)
		printf("  %-14s  %s\n", noun->commands[i].name ? noun->commands[i].name : "(none)",
			noun->commands[i].summary);
	if (plain)
		print_options("Options without a command", plain->options);
	printf("\nExamples:\n");
	for (size_t i = 0; i < noun->commands_count; i++) {
		const char *examples = noun->commands[i].examples;
		if (examples)
			printf("  stockbook %.*s\n", (int)strcspn(examples, "\n"), examples);
	}
	printf("\n'stockbook %s COMMAND --help' says more.\n", noun->name);
}

void help_program(void)
{
	printf("Usage: stockbook NOUN COMMAND [options] ...\n\n"
		   "One book of stock and orders for stores, warehouses and the online shop.\n\nNouns:\n");
	for (size_t i = 0; i < nouns_count; i++)
		printf("  %-10s  %s\n", nouns[i]->name, nouns[i]->summary);
	print_options("Common options", common_options);
	printf(
		"\nLines of goods are written SKU:QUANTITY[@LOCATION][=PRICE], such as "
		"85123A:2@LEEDS=2.55GBP.\n"
		"Orders are named by their id or reference; pickups, shipments and transfers also by the\n"
		"last characters of their id, where they are under way at the location.\n"
		"Times are UTC: 2026-11-21, 2026-11-21T14:30:00Z, or a time ago such as 15m.\n"
		"Output is a table, also into a pipe; programs ask for --output json (the canonical\n"
		"proto3 mapping of the API) or csv.\n\n");
	printf("Environment:\n"
		   "  STOCKBOOK_SERVER, STOCKBOOK_TOKEN, STOCKBOOK_CA, STOCKBOOK_OUTPUT  as the options\n"
		   "  STOCKBOOK_LOCATION, STOCKBOOK_WORKER  where and who, for work, pick, pickup, ship,\n"
		   "  transfer, recount\n"
		   "  NO_COLOR  no colours\n\n");
	fputs(exit_codes, stdout);
	printf("\nExamples:\n"
		   "  stockbook stock receive LEEDS 85123A:10 71053:5\n"
		   "  stockbook reserve create --owner basket-17 --channel web 85123A:2 71053:1@LEEDS\n"
		   "  stockbook order place --channel till --carry-out 85123A:1@LEEDS=2.55GBP\n"
		   "  stockbook work --location LEEDS\n"
		   "  stockbook pick --scan --location LEEDS --worker anna\n"
		   "  stockbook verify\n"
		   "\n'stockbook NOUN --help' and 'stockbook NOUN COMMAND --help' say more.\n");
}
