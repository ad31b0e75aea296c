/* Availability as it changes: the answer of EventService/WatchAvailability. */
#ifndef STOCKBOOK_API_WATCH_H
#define STOCKBOOK_API_WATCH_H

struct api_call;

void watch_answer(struct api_call *call);

#endif
