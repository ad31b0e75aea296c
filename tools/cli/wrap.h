/* Texts that give way where a terminal is narrow: broken between words, not within them. */
#ifndef STOCKBOOK_CLI_WRAP_H
#define STOCKBOOK_CLI_WRAP_H

#include <stddef.h>

#include "base/arena.h"

/* Words that are wider may be cut. */
#define WRAP_WORD_MAX 16

/* Columns on the screen. */
size_t wrap_width_of(const char *text);
/* Of a word that is not cut: at most WRAP_WORD_MAX. */
size_t wrap_widest_word(const char *text);
/* The text in lines of at most so many columns; a word that is wider than that is cut. */
char *wrap_words(struct arena *arena, const char *text, size_t width);
/* Cuts widths[i], where gives_way[i], so that all fit into `room`: each to an even share, of which
 * what it does not need is left to those after it. */
void wrap_share(size_t *widths, const int *gives_way, size_t count, size_t room);

#endif
