#include "base/uuid.h"

#include <string.h>

struct uuid uuid_make(int64_t time_us, uint32_t part, uint64_t random)
{
	CHECK(time_us >= 0 && part < UUID_PARTS_MAX);
	uint64_t time_ms = (uint64_t)time_us / 1000;
	struct uuid uuid;
	for (int i = 0; i < 6; i++)
		uuid.bytes[i] = (uint8_t)(time_ms >> (40 - 8 * i));
	uuid.bytes[6] = (uint8_t)(0x70 | (part >> 8));
	uuid.bytes[7] = (uint8_t)part;
	uuid.bytes[8] = (uint8_t)(0x80 | ((random >> 56) & 0x3f));
	for (int i = 9; i < 16; i++)
		uuid.bytes[i] = (uint8_t)(random >> (8 * (15 - i)));
	return uuid;
}

uint32_t uuid_part(const struct uuid *uuid)
{
	return (uint32_t)(uuid->bytes[6] & 0x0f) << 8 | uuid->bytes[7];
}

bool uuid_is_nil(const struct uuid *uuid)
{
	static const struct uuid nil;
	return uuid_compare(uuid, &nil) == 0;
}

int uuid_compare(const struct uuid *a, const struct uuid *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool uuid_parse(const char *text, struct uuid *uuid)
{
	if (strlen(text) != UUID_TEXT_SIZE - 1)
		return false;
	int byte = 0;
	for (int i = 0; i < UUID_TEXT_SIZE - 1;) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (text[i++] != '-')
				return false;
			continue;
		}
		int high = hex_value(text[i]);
		int low = hex_value(text[i + 1]);
		if (high < 0 || low < 0)
			return false;
		uuid->bytes[byte++] = (uint8_t)(high << 4 | low);
		i += 2;
	}
	return true;
}

void uuid_format(const struct uuid *uuid, char text[static UUID_TEXT_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	char *out = text;
	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*out++ = '-';
		*out++ = digits[uuid->bytes[i] >> 4];
		*out++ = digits[uuid->bytes[i] & 15];
	}
	*out = '\0';
}
