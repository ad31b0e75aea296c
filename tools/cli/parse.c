#define _GNU_SOURCE /* strptime, timegm */
#include "parse.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/check.h"

int parse_word(const char *text, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(text, words[i]) == 0)
			return (int)i;
	return -1;
}

bool parse_integer(const char *text, int64_t *value)
{
	const char *digits = text + (*text == '-' || *text == '+');
	if (!isdigit((unsigned char)*digits))
		return false;
	char *end;
	errno = 0;
	long long number = strtoll(text, &end, 10);
	*value = number;
	return errno == 0 && *end == '\0';
}

bool parse_duration_ms(const char *text, int64_t *value_ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
	if (!isdigit((unsigned char)*text))
		return false;
	char *end;
	errno = 0;
	long long number = strtoll(text, &end, 10);
	for (size_t i = 0; i < ARRAY_COUNT(units); i++)
		if (strcmp(end, units[i].unit) == 0)
			return errno == 0 && !__builtin_mul_overflow(number, units[i].ms, value_ms);
	return false;
}

bool parse_time(const char *text, int64_t *seconds)
{
	static const char *const formats[] = {"%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ",
		"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"};
	int64_t ago_ms;
	if (parse_duration_ms(text, &ago_ms) && !isdigit((unsigned char)text[strlen(text) - 1])) {
		*seconds = (int64_t)time(NULL) - ago_ms / 1000;
		return true;
	}
	for (size_t i = 0; i < ARRAY_COUNT(formats); i++) {
		struct tm tm = {0};
		const char *end = strptime(text, formats[i], &tm);
		if (!end || *end)
			continue;
		int day = tm.tm_mday;
		*seconds = timegm(&tm);
		/* timegm makes March of the 30th of February. */
		return tm.tm_mday == day;
	}
	return false;
}

int currency_digits(const char *currency)
{
	static const char none[] = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF";
	static const char three[] = "BHD IQD JOD KWD LYD OMR TND";
	if (strstr(none, currency))
		return 0;
	return strstr(three, currency) ? 3 : 2;
}

bool parse_money(const char *text, int64_t *minor_units, char currency[4])
{
	size_t length = strlen(text);
	if (length < 4)
		return false;
	for (size_t i = 0; i < 3; i++)
		if (!isupper((unsigned char)text[length - 3 + i]))
			return false;
	memcpy(currency, text + length - 3, 4);
	const char *end = text + length - 3;
	while (end > text && end[-1] == ' ')
		end--;
	int digits = currency_digits(currency);
	int decimals = -1; /* -1: the point has not come yet */
	bool any = false;
	*minor_units = 0;
	for (const char *at = text; at < end; at++) {
		if (*at == '.' && decimals < 0) {
			decimals = 0;
			continue;
		}
		if (!isdigit((unsigned char)*at) || (decimals >= 0 && ++decimals > digits))
			return false;
		any = true;
		if (__builtin_mul_overflow(*minor_units, 10, minor_units) ||
			__builtin_add_overflow(*minor_units, *at - '0', minor_units))
			return false;
	}
	for (int i = decimals < 0 ? 0 : decimals; i < digits; i++)
		if (__builtin_mul_overflow(*minor_units, 10, minor_units))
			return false;
	return any && decimals != 0;
}

/* Every enum of the API begins with its UNSPECIFIED value, named with the prefix of all. */
static size_t prefix_length(const ProtobufCEnumDescriptor *descriptor)
{
	const char *first = descriptor->values[0].name;
	const char *end = strstr(first, "UNSPECIFIED");
	return end ? (size_t)(end - first) : 0;
}

static bool same_word(const char *typed, const char *name)
{
	for (; *typed && *name; typed++, name++)
		if ((*typed == '-' ? '_' : toupper((unsigned char)*typed)) != *name)
			return false;
	return *typed == *name;
}

bool parse_enum(const ProtobufCEnumDescriptor *descriptor, const char *text, int *value)
{
	size_t prefix = prefix_length(descriptor);
	for (unsigned i = 0; i < descriptor->n_values; i++) {
		const ProtobufCEnumValue *candidate = &descriptor->values[i];
		if (same_word(text, candidate->name + prefix) || same_word(text, candidate->name)) {
			*value = candidate->value;
			return true;
		}
	}
	return false;
}

const char *enum_words(struct arena *arena, const ProtobufCEnumDescriptor *descriptor)
{
	const char *words = "";
	size_t prefix = prefix_length(descriptor);
	for (unsigned i = 0; i < descriptor->n_values; i++)
		if (descriptor->values[i].value)
			words = arena_printf(arena, "%s%s%s", words, *words ? ", " : "",
				descriptor->values[i].name + prefix);
	return words;
}

/* What follows the colon: QUANTITY[@LOCATION][=PRICE]. */
static bool parse_line_rest(struct arena *arena, const char *text, struct line *line)
{
	size_t digits = strspn(text + (*text == '-' || *text == '+'), "0123456789") +
					(*text == '-' || *text == '+');
	if (!parse_integer(arena_string_sized(arena, text, digits), &line->quantity))
		return false;
	text += digits;
	line->location = NULL;
	line->price = NULL;
	if (*text == '@') {
		/* A price stands after the last '=', so that a location may contain one. */
		const char *end = strrchr(text, '=');
		size_t length = end ? (size_t)(end - text - 1) : strlen(text + 1);
		line->location = arena_string_sized(arena, text + 1, length);
		text += 1 + length;
		if (!length)
			return false;
	}
	if (*text == '=') {
		int64_t minor_units;
		char currency[4];
		if (!parse_money(text + 1, &minor_units, currency))
			return false;
		line->price = money_of(arena, minor_units, arena_string(arena, currency));
		return true;
	}
	return *text == '\0';
}

bool parse_line(struct arena *arena, const char *text, struct line *line)
{
	for (size_t i = strlen(text); i-- > 1;) {
		if (text[i] != ':' || !parse_line_rest(arena, text + i + 1, line))
			continue;
		line->sku = arena_string_sized(arena, text, i);
		return true;
	}
	return false;
}

bool parse_document_line(struct arena *arena, const char *text, struct document_line *to)
{
	struct line line;
	int64_t number;
	if (!parse_line(arena, text, &line) || !parse_integer(line.sku, &number) || number < 1 ||
		number > INT32_MAX)
		return false;
	*to = (struct document_line){
		.line = (int32_t)number,
		.quantity = line.quantity,
		.location = line.location,
		.price = line.price,
	};
	return true;
}

bool parse_coordinates(const char *text, double *latitude, double *longitude)
{
	char *end;
	*latitude = strtod(text, &end);
	if (end == text || *end != ',')
		return false;
	const char *second = end + 1;
	*longitude = strtod(second, &end);
	return end != second && *end == '\0' && *latitude >= -90 && *latitude <= 90 &&
		   *longitude >= -180 && *longitude <= 180;
}

bool parse_deadline(const char *text, int64_t *seconds)
{
	int64_t ms;
	if (!parse_duration_ms(text, &ms) || isdigit((unsigned char)text[strlen(text) - 1]))
		return parse_time(text, seconds);
	*seconds = (int64_t)time(NULL) + ms / 1000;
	return true;
}

Google__Protobuf__Int64Value *int64_value(struct arena *arena, int64_t value)
{
	Google__Protobuf__Int64Value *message = arena_alloc(arena, sizeof(*message));
	google__protobuf__int64_value__init(message);
	message->value = value;
	return message;
}

Google__Protobuf__Duration *duration_of(struct arena *arena, int64_t value_ms)
{
	Google__Protobuf__Duration *message = arena_alloc(arena, sizeof(*message));
	google__protobuf__duration__init(message);
	message->seconds = value_ms / 1000;
	message->nanos = (int32_t)(value_ms % 1000) * 1000000;
	return message;
}

Google__Protobuf__Timestamp *timestamp_of(struct arena *arena, int64_t seconds)
{
	Google__Protobuf__Timestamp *message = arena_alloc(arena, sizeof(*message));
	google__protobuf__timestamp__init(message);
	message->seconds = seconds;
	return message;
}

Stockbook__V1__Coordinates *coordinates_of(struct arena *arena, double latitude, double longitude)
{
	Stockbook__V1__Coordinates *message = arena_alloc(arena, sizeof(*message));
	stockbook__v1__coordinates__init(message);
	message->latitude = latitude;
	message->longitude = longitude;
	return message;
}

Stockbook__V1__Money *money_of(struct arena *arena, int64_t minor_units, const char *currency)
{
	Stockbook__V1__Money *message = arena_alloc(arena, sizeof(*message));
	stockbook__v1__money__init(message);
	message->minor_units = minor_units;
	message->currency_code = text_of(currency);
	return message;
}

char *text_of(const char *text)
{
	return (char *)(uintptr_t)(text ? text : "");
}
