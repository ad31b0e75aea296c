/*
 * Private to config/: the table of settings, one row each.
 */
#ifndef STOCKBOOK_CONFIG_SETTING_H
#define STOCKBOOK_CONFIG_SETTING_H

#include <stddef.h>
#include <stdint.h>

enum setting_kind {
	SETTING_TEXT,
	SETTING_LIST, /* texts, separated by commas; the flag may be repeated */
	SETTING_FLAG,
	SETTING_INTEGER,
	SETTING_CHOICE,
};

struct setting {
	/* As in the file; --lock-timeout-ms and STOCKBOOK_LOCK_TIMEOUT_MS are made from it. */
	const char *name;
	enum setting_kind kind;
	size_t offset;       /* in struct config */
	const char *initial; /* NULL: not set */
	int64_t minimum;
	int64_t maximum;
	const char *placeholder; /* what --help shows for the value; the choices, separated by '|' */
	const char *doc;         /* one line, lower case, no stop */
};

/* Rows under a heading: a row with a doc and no name. Ended by one without either. */
extern const struct setting settings_table[];

#endif
