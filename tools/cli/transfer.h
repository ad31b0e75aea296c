/* What the files of the transfer commands share. */
#ifndef STOCKBOOK_CLI_TRANSFER_H
#define STOCKBOOK_CLI_TRANSFER_H

#include "cli.h"
#include "fulfilment.h"
#include "stockbook/v1/transfer.pb-c.h"

enum transfer_side {
	TRANSFER_DISPATCH,
	TRANSFER_RECEIVE,
};

extern int transfer_given_scan;

/* Shows the transfer of a response, and what to do next; NULL is a failure that was told. */
enum exit_code transfer_show(struct cli *cli, const ProtobufCMessage *response);
/* Scans its goods; the lines are those of which something was scanned. False when there is nothing
 * to record: cli->exit_code says whether that is wrong. */
bool transfer_scan(struct cli *cli, const ProtobufCMessage *document, enum transfer_side side,
	struct handled_line **lines, size_t *count);

#endif
