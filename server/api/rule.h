/*
 * Rules: what a request's fields may be, said once in the tables of methods_*.c as the proto's
 * comments say it. What depends on the book (does the SKU exist?) or on several lines at once is
 * the operation's. Checked on unpacked requests; every violation names its field.
 */
#ifndef STOCKBOOK_API_RULE_H
#define STOCKBOOK_API_RULE_H

#include <stdbool.h>

#include <protobuf-c/protobuf-c.h>

#include "book/refusal.h"

#define RULE_STEPS_MAX 5
#define RULE_CHOICES_MAX 4
/* As many violations are told at once. */
#define RULE_VIOLATIONS_MAX 20

enum rule_kind {
	RULE_REQUIRED,     /* a message is there, a text is not empty */
	RULE_CODE,         /* 1 to 64 characters, no space around */
	RULE_TEXT,         /* min to max characters */
	RULE_UUID,         /* canonical, not nil */
	RULE_RANGE,        /* a number, or one in a wrapper message where it is there: min to max */
	RULE_NOT_ZERO,     /* a number */
	RULE_COUNT,        /* a list: min to max elements */
	RULE_BYTES,        /* min to max bytes */
	RULE_ENUM,         /* a known value, not unspecified */
	RULE_ENUM_ONE_OF,  /* one of the bits of max: 1 << value */
	RULE_COORDINATE,   /* a floating point number, min to max, not NaN */
	RULE_TIMESTAMP,    /* years 1 to 9999 */
	RULE_DURATION,     /* min to max milliseconds */
	RULE_MONEY,        /* min to max minor units, and a currency code */
	RULE_COUNTRY,      /* two upper-case letters */
	RULE_AT_LEAST_ONE, /* path: texts or lists, "sku|location"; not all empty */
	RULE_EXACTLY_ONE,  /* the same; just one not empty */
};

/* Path from the request: "lines[].quantity" is that field of each line, "skus[]" each of the texts,
 * "item.aliases" the list as a whole. Where a message on the way is absent there is nothing to
 * check (RULE_REQUIRED says so where it must not be). */
struct rule {
	const char *path;
	enum rule_kind kind;
	int64_t min;
	int64_t max;
	bool optional; /* empty, 0 or unspecified is right too; others need not say it */
};

/* A rule of which the path is resolved against the message's descriptor. */
struct compiled_rule {
	const struct rule *rule;
	const ProtobufCFieldDescriptor *steps[RULE_STEPS_MAX];
	size_t step_count;
	bool each; /* the last step is a list and its elements are meant */
	/* Instead of steps, for RULE_AT_LEAST_ONE and RULE_EXACTLY_ONE. */
	const ProtobufCFieldDescriptor *choices[RULE_CHOICES_MAX];
	size_t choice_count;
};

/* False: the rule does not fit the message; *error (in the arena) says why. */
MUST_USE bool rule_compile(const struct rule *rule, const ProtobufCMessageDescriptor *descriptor,
	struct arena *arena, struct compiled_rule *compiled, const char **error);

/* Adds a violation for each field that is wrong; true when there was none. */
MUST_USE bool rule_check(const struct compiled_rule *compiled, const ProtobufCMessage *message,
	struct arena *arena, struct refusal *refusal);

/* ---- The rows of the tables ---- */

/* clang-format off */
#define REQUIRE(path)                    {path, RULE_REQUIRED, 0, 0, false}
#define CODE(path)                       {path, RULE_CODE, 1, 64, false}
#define CODE_OPTIONAL(path)              {path, RULE_CODE, 1, 64, true}
#define TEXT(path, most)                 {path, RULE_TEXT, 0, most, true}
#define UUID(path)                       {path, RULE_UUID, 0, 0, false}
#define UUID_OPTIONAL(path)              {path, RULE_UUID, 0, 0, true}
#define RANGE(path, least, most)         {path, RULE_RANGE, least, most, false}
#define NOT_ZERO(path)                   {path, RULE_NOT_ZERO, 0, 0, false}
#define COUNT(path, least, most)         {path, RULE_COUNT, least, most, false}
#define BYTES(path, least, most)         {path, RULE_BYTES, least, most, false}
#define ENUM(path)                       {path, RULE_ENUM, 0, 0, false}
#define ENUM_OPTIONAL(path)              {path, RULE_ENUM, 0, 0, true}
#define ENUM_ONE_OF(path, bits)          {path, RULE_ENUM_ONE_OF, 0, bits, false}
#define ENUM_ONE_OF_OPTIONAL(path, bits) {path, RULE_ENUM_ONE_OF, 0, bits, true}
#define COORDINATE(path, least, most)    {path, RULE_COORDINATE, least, most, false}
#define TIMESTAMP(path)                  {path, RULE_TIMESTAMP, 0, 0, false}
#define DURATION_MS(path, least, most)   {path, RULE_DURATION, least, most, false}
#define MONEY(path, least, most)         {path, RULE_MONEY, least, most, false}
#define COUNTRY_OPTIONAL(path)           {path, RULE_COUNTRY, 0, 0, true}
#define AT_LEAST_ONE(paths)              {paths, RULE_AT_LEAST_ONE, 0, 0, false}
#define EXACTLY_ONE(paths)               {paths, RULE_EXACTLY_ONE, 0, 0, false}
/* What many requests share. */
#define REQUEST_ID UUID("request_id")
#define PAGE_TOKEN_MAX 4096
#define PAGE RANGE("page_size", 0, 1000), TEXT("page_token", PAGE_TOKEN_MAX)
/* clang-format on */

#endif
