/*
 * One request as bytes through all that judges it before the book: the wire check, unpacking, the
 * method's rules, the error. Input: a byte that picks the method, then the message. What must hold
 * for any input is CHECKed.
 */
#ifndef STOCKBOOK_TESTS_FUZZ_API_REQUEST_H
#define STOCKBOOK_TESTS_FUZZ_API_REQUEST_H

#include <stddef.h>
#include <stdint.h>

/* How far requests came, to see that not all were stopped at the door. */
struct api_request_counts {
	size_t malformed;
	size_t invalid;
	size_t right;
	size_t plain; /* of both: unpacked without protobuf-c */
};

void api_request_open(void);
void api_request_run(const uint8_t *data, size_t size, struct api_request_counts *counts);
/* A request made by descriptor, most often well-formed and with values from the edges; the same for
 * the same seed. Returns its size, at most size_max. */
size_t api_request_make(uint64_t seed, uint8_t *data, size_t size_max);

#endif
