/*
 * Answers of a session that wait to be sent, packed as they come: each list element is one
 * SessionResponse. Knows the wire form of a SessionAnswer and nothing of who asked.
 */
#ifndef STOCKBOOK_API_SESSION_ANSWERS_H
#define STOCKBOOK_API_SESSION_ANSWERS_H

#include <stddef.h>
#include <stdint.h>

/* A message is closed when it would get larger; many clients take no more than 4 MB. One answer is
 * always taken, however large. */
#define SESSION_ANSWERS_BYTES_MAX ((size_t)256 << 10)

struct session_message {
	struct session_message *next;
	size_t count; /* of answers */
	size_t size;
	size_t capacity;
	uint8_t *bytes;
};

struct session_answers {
	struct session_message *first;
	struct session_message *last;
	size_t count; /* in all messages */
	size_t size;
};

void session_answers_add_response(struct session_answers *answers, int64_t number,
	const void *response, size_t size);
/* status: a packed google.rpc.Status. */
void session_answers_add_status(struct session_answers *answers, int64_t number, const void *status,
	size_t size, const char *request_tag);
/* Forgets the first message. */
void session_answers_drop_first(struct session_answers *answers);
void session_answers_release(struct session_answers *answers);

#endif
