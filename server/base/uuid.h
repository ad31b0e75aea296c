/*
 * UUIDs: ids of requests and documents. Documents' ids are made here, time-ordered (version 7,
 * RFC 9562), with the part they belong to in the 12 bits that the RFC leaves to the maker.
 */
#ifndef STOCKBOOK_BASE_UUID_H
#define STOCKBOOK_BASE_UUID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"

#define UUID_TEXT_SIZE 37 /* 36 characters and the NUL */
#define UUID_PARTS_MAX 4096

struct uuid {
	uint8_t bytes[16];
};

/* time_us: microseconds since 1970; random: 62 bits of it are used. */
struct uuid uuid_make(int64_t time_us, uint32_t part, uint64_t random);
/* The part that uuid_make() put in. Meaningless for ids made elsewhere. */
uint32_t uuid_part(const struct uuid *uuid);
bool uuid_is_nil(const struct uuid *uuid);
int uuid_compare(const struct uuid *a, const struct uuid *b);
/* The canonical 8-4-4-4-12 form, either letter case; false for anything else. */
MUST_USE bool uuid_parse(const char *text, struct uuid *uuid);
void uuid_format(const struct uuid *uuid, char text[static UUID_TEXT_SIZE]);

#endif
