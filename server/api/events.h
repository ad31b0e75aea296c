/* The ledger as a stream: the answer of EventService/StreamEvents. */
#ifndef STOCKBOOK_API_EVENTS_H
#define STOCKBOOK_API_EVENTS_H

struct api_call;

void events_answer(struct api_call *call);

#endif
