/* What the files of the stock commands share. */
#ifndef STOCKBOOK_CLI_STOCK_H
#define STOCKBOOK_CLI_STOCK_H

#include "view.h"

#define STOCK_LEVEL_COLUMNS_COUNT 12
extern const struct column stock_level_columns[STOCK_LEVEL_COLUMNS_COUNT];

/* Shows the levels that a change answers with, and frees the response. */
enum exit_code stock_show_levels(struct cli *cli, ProtobufCMessage *response);

/* stock_policy.c: what is kept back, for whom, and where it lies. */
enum exit_code stock_safety(struct cli *cli);
enum exit_code stock_quota(struct cli *cli);
enum exit_code stock_shelf(struct cli *cli);

/* stock_watch.c: what may be promised, as it changes, until Ctrl-C or so many values. */
extern int stock_watch_count;
enum exit_code stock_watch(struct cli *cli, char **locations, size_t location_count, char *group,
	char *channel);

#endif
