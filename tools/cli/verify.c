/* stockbook verify: the book proves itself. */
#include "cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "message_json.h"
#include "stockbook/v1/ledger.pb-c.h"
#include "view.h"

static int given_findings;

static const struct poptOption options[] = {
	{"findings", 0, POPT_ARG_INT, &given_findings, 0, "at most so many for each check (20)", "N"},
	POPT_TABLEEND,
};

struct verify {
	struct cli *cli;
	const char **cells; /* 4 a check */
	size_t checks, capacity;
	int64_t wrong;
	const char *findings; /* of all checks, a line each */
};

static void show_progress(const Stockbook__V1__VerifyResponse *response)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K%d of %d: %s", response->index, response->checks, response->check);
}

static void on_check(void *context, const ProtobufCMessage *message)
{
	struct verify *verify = context;
	struct cli *cli = verify->cli;
	const Stockbook__V1__VerifyResponse *response = (const Stockbook__V1__VerifyResponse *)message;
	verify->wrong += response->wrong;
	if (cli->output == OUTPUT_JSON) {
		fputs(verify->checks++ ? ",\n  " : "[\n  ", stdout);
		message_write_json(stdout, message, true, 1);
		return;
	}
	show_progress(response);
	for (int i = 0; i < 4; i++)
		verify->cells = arena_grow(&cli->arena, verify->cells, verify->checks * 4 + (size_t)i,
			&verify->capacity, sizeof(*verify->cells));
	const char **cells = verify->cells + verify->checks++ * 4;
	cells[0] = arena_string(&cli->arena, response->check);
	cells[1] = arena_printf(&cli->arena, "%" PRId64, response->checked);
	cells[2] = arena_printf(&cli->arena, "%" PRId64, response->wrong);
	cells[3] = arena_string(&cli->arena, response->description);
	for (size_t i = 0; i < response->n_findings; i++)
		verify->findings = arena_printf(&cli->arena, "%s%s: %s\n", verify->findings,
			response->check, response->findings[i]);
}

static enum exit_code run(struct cli *cli)
{
	static const char *const titles[] = {"check", "checked", "wrong", "proves"};
	static const int kinds[] = {COLUMN_TEXT, COLUMN_NUMBER, COLUMN_NUMBER, COLUMN_LONG};
	Stockbook__V1__VerifyRequest request = STOCKBOOK__V1__VERIFY_REQUEST__INIT;
	request.findings_max = given_findings;
	struct verify verify = {.cli = cli, .findings = ""};
	/* A big book takes its time. */
	if (!cli->connection.deadline_ms)
		cli->connection.deadline_ms = 3600000;
	struct stockbook_client *client = cli_client(cli);
	if (!client)
		return cli->exit_code;
	struct stockbook_error error;
	bool complete = stockbook_stream(client, stockbook_method("LedgerService", "Verify"),
		&request.base, 0, on_check, &verify, &error);
	if (isatty(STDERR_FILENO) && cli->output != OUTPUT_JSON)
		fputs("\r\033[K", stderr);
	if (cli->output == OUTPUT_JSON && (complete || verify.checks))
		printf("%s]\n", verify.checks ? "\n" : "[");
	else if (verify.checks)
		view_text_table(cli, titles, kinds, 4, verify.cells, verify.checks);
	fputs(verify.findings, cli->output == OUTPUT_TABLE ? stdout : stderr);
	if (!complete)
		cli_explain(cli, &error);
	stockbook_error_release(&error);
	if (!complete)
		return cli->exit_code;
	if (cli->output == OUTPUT_TABLE && !verify.wrong)
		printf("the book is right\n");
	else if (verify.wrong)
		say_error("%" PRId64 " rows of the book are wrong", verify.wrong);
	return verify.wrong ? EXIT_CODE_WRONG : EXIT_CODE_OK;
}

static const struct command commands[] = {
	{NULL, "", "Proves the book, in one snapshot, while trade goes on.",
		"Counters equal the sum of movements, every promised unit has one owner, lines add up,\n"
		"no sequence has a gap. Exits with 5 when anything is wrong.\n",
		"verify\nverify --output json --findings 100", options, 0, 0, run},
};

const struct noun noun_verify = {
	.name = "verify", .summary = "The book proves itself.", NOUN_COMMANDS(commands)};
