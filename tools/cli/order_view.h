/* What the files of the order commands share, and how an order is shown; reserve confirm shows one,
 * too. */
#ifndef STOCKBOOK_CLI_ORDER_VIEW_H
#define STOCKBOOK_CLI_ORDER_VIEW_H

#include "cli.h"

/* Shows the response's `order`, and what was opened for it. Takes the response; NULL is a failure
 * that was told. */
enum exit_code show_order(struct cli *cli, ProtobufCMessage *response);

/* order_place.c */
#define ORDER_LINES_ARGUMENT "SKU:QUANTITY[@LOCATION][=PRICE][/METHOD]..."
extern const char order_place_details[], order_amend_details[];
extern const struct poptOption order_place_options[], order_amend_options[];
enum exit_code order_place(struct cli *cli);
enum exit_code order_amend(struct cli *cli);

#endif
