/*
 * What people type, into what the API takes. Functions return false when the text is not what it
 * should be; callers say so with the text.
 */
#ifndef STOCKBOOK_CLI_PARSE_H
#define STOCKBOOK_CLI_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"
#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "google/protobuf/wrappers.pb-c.h"
#include "stockbook/v1/common.pb-c.h"
#include "stockbook/v1/location.pb-c.h"

/* Index of the word in the list, or -1. */
int parse_word(const char *text, const char *const *words, size_t count);
/* A whole decimal number with an optional sign, the entire text. */
MUST_USE bool parse_integer(const char *text, int64_t *value);
/* "90", "90s", "500ms", "15m", "2h", "30d"; a bare number is seconds. Not negative. */
MUST_USE bool parse_duration_ms(const char *text, int64_t *value_ms);
/* "2026-11-21", "2026-11-21T14:30:00Z", "2026-11-21 14:30", or a duration ago, "15m". UTC. */
MUST_USE bool parse_time(const char *text, int64_t *seconds);
/* "2.55GBP", "2.55 GBP", "0.5EUR", "120JPY". */
MUST_USE bool parse_money(const char *text, int64_t *minor_units, char currency[4]);
/* How many digits the currency's minor units have. */
int currency_digits(const char *currency);
/* An enum's value by its name, with or without its prefix, in either case, '-' for '_'. */
MUST_USE bool parse_enum(const ProtobufCEnumDescriptor *descriptor, const char *text, int *value);
/* "AVAILABLE, DAMAGED, ..." for messages. */
const char *enum_words(struct arena *arena, const ProtobufCEnumDescriptor *descriptor);

/* SKU:QUANTITY[@LOCATION][=PRICE]. The SKU may contain ':' (the last that is followed by a number
 * and what is allowed after it counts). */
struct line {
	const char *sku;
	int64_t quantity;
	const char *location;        /* NULL when not named */
	Stockbook__V1__Money *price; /* NULL when not named */
};
MUST_USE bool parse_line(struct arena *arena, const char *text, struct line *line);

/* LINE:QUANTITY[@LOCATION][=PRICE]: of a document's line, by its number. */
struct document_line {
	int32_t line;
	int64_t quantity;
	const char *location;        /* NULL when not named */
	Stockbook__V1__Money *price; /* NULL when not named */
};
MUST_USE bool parse_document_line(struct arena *arena, const char *text,
	struct document_line *line);
/* "53.8,-1.55": latitude and longitude in degrees. */
MUST_USE bool parse_coordinates(const char *text, double *latitude, double *longitude);
/* As parse_time(), for a time to come: a duration is from now on. */
MUST_USE bool parse_deadline(const char *text, int64_t *seconds);

/* Messages out of the arena. */
Google__Protobuf__Int64Value *int64_value(struct arena *arena, int64_t value);
Google__Protobuf__Duration *duration_of(struct arena *arena, int64_t value_ms);
Google__Protobuf__Timestamp *timestamp_of(struct arena *arena, int64_t seconds);
Stockbook__V1__Coordinates *coordinates_of(struct arena *arena, double latitude, double longitude);
Stockbook__V1__Money *money_of(struct arena *arena, int64_t minor_units, const char *currency);
/* popt and argv give char *, the generated messages want it; neither writes to it. */
char *text_of(const char *text);

#endif
