#include "wrap.h"

#include <string.h>

#include "base/check.h"

static int begins_character(char byte)
{
	return ((unsigned char)byte & 0xc0) != 0x80;
}

size_t wrap_width_of(const char *text)
{
	size_t width = 0;
	for (; *text; text++)
		width += begins_character(*text) ? 1 : 0;
	return width;
}

size_t wrap_widest_word(const char *text)
{
	size_t widest = 0;
	for (size_t width = 0; *text && widest < WRAP_WORD_MAX; text++) {
		if (begins_character(*text))
			width = *text == ' ' || *text == '\n' ? 0 : width + 1;
		widest = width > widest ? width : widest;
	}
	return widest;
}

/* How many bytes of the text are one line. */
static size_t line_length(const char *text, size_t width)
{
	size_t length = 0, columns = 0, words = 0;
	for (; text[length] && text[length] != '\n'; length++) {
		if (begins_character(text[length]) && columns++ == width)
			return text[length] == ' ' || words == 0 ? length : words;
		if (text[length] == ' ')
			words = length;
	}
	return length;
}

char *wrap_words(struct arena *arena, const char *text, size_t width)
{
	CHECK(width > 0);
	/* A line break takes the place of a space, or is put into a word that is too wide. */
	char *wrapped = arena_alloc(arena, 2 * strlen(text) + 1);
	char *out = wrapped;
	while (*text) {
		size_t length = line_length(text, width);
		memcpy(out, text, length);
		out += length;
		text += length;
		while (*text == ' ')
			text++;
		if (*text == '\n')
			text++;
		if (*text)
			*out++ = '\n';
	}
	return wrapped;
}

void wrap_share(size_t *widths, const int *gives_way, size_t count, size_t room)
{
	size_t wide = 0;
	for (size_t i = 0; i < count; i++) {
		if (gives_way[i])
			wide++;
		else
			room -= widths[i] < room ? widths[i] : room;
	}
	for (size_t i = 0; i < count && wide > 0; i++) {
		/* Left to right: what one does not need is shared by those after it. */
		if (!gives_way[i])
			continue;
		size_t share = room / wide--;
		if (widths[i] > share)
			widths[i] = share > 0 ? share : 1;
		room -= widths[i] < room ? widths[i] : room;
	}
}
