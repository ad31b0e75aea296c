/* All nouns, in the order of the help. */
#ifndef STOCKBOOK_CLI_NOUNS_H
#define STOCKBOOK_CLI_NOUNS_H

#include "cli.h"

extern const struct noun *const nouns[];
extern const size_t nouns_count;

#endif
