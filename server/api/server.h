/* What the server says of itself: the answers of ServerService. */
#ifndef STOCKBOOK_API_SERVER_H
#define STOCKBOOK_API_SERVER_H

struct api_call;

void server_echo(struct api_call *call);
void server_get_info(struct api_call *call);

#endif
