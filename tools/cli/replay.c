#include "cli.h"
static enum exit_code run(struct cli *cli)
{
	return usage_error(cli, "later");
}
static const struct command commands[] = {{NULL, "FILE", "x", NULL, NULL, NULL, 1, 1, run}};
const struct noun noun_replay = {.name = "replay", .summary = "Replays.", NOUN_COMMANDS(commands)};
