/* How an order is shown; reserve confirm shows one, too. */
#ifndef STOCKBOOK_CLI_ORDER_VIEW_H
#define STOCKBOOK_CLI_ORDER_VIEW_H

#include "cli.h"

/* Shows the response's `order` and frees the response; NULL is a failure that was told. */
enum exit_code show_order(struct cli *cli, ProtobufCMessage *response);

#endif
