#include "base/text.h"

#include <string.h>

/* How many bytes the character takes whose first byte is >= 0x80; 0: none. */
static size_t utf8_length(const uint8_t *text, size_t left)
{
	uint8_t lead = text[0];
	size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
	if (lead < 0xc2 || lead > 0xf4 || left < length)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	}
	/* Overlong forms, surrogates, and what lies beyond U+10FFFF. */
	if ((lead == 0xe0 && text[1] < 0xa0) || (lead == 0xed && text[1] > 0x9f) ||
		(lead == 0xf0 && text[1] < 0x90) || (lead == 0xf4 && text[1] > 0x8f))
		return 0;
	return length;
}

bool text_is_utf8(const uint8_t *text, size_t size)
{
	for (size_t i = 0; i < size;) {
		uint64_t eight;
		if (size - i >= sizeof(eight)) {
			memcpy(&eight, text + i, sizeof(eight));
			if (!(eight & UINT64_C(0x8080808080808080))) {
				i += sizeof(eight);
				continue;
			}
		}
		size_t length = text[i] < 0x80 ? 1 : utf8_length(text + i, size - i);
		if (length == 0)
			return false;
		i += length;
	}
	return true;
}
