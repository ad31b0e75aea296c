/*
 * Texts that came from outside.
 */
#ifndef STOCKBOOK_BASE_TEXT_H
#define STOCKBOOK_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Valid UTF-8 (no surrogates, nothing overlong, nothing above U+10FFFF). */
bool text_is_utf8(const uint8_t *text, size_t size);

#endif
