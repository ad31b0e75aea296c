#include "scan.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "parse.h"

/* Longer numbers are barcodes. */
#define QUANTITY_DIGITS_MAX 4

struct scan_step {
	struct scan_item *item;
	int64_t *counter;
	int64_t quantity;
};

struct scan_item *scan_find(const struct scan *scan, const char *code)
{
	for (size_t i = 0; i < scan->count; i++) {
		struct scan_item *item = &scan->items[i];
		if (strcmp(item->sku, code) == 0)
			return item;
		for (size_t j = 0; j < item->codes_count; j++)
			if (strcmp(item->codes[j], code) == 0)
				return item;
	}
	return NULL;
}

void scan_add_code(struct scan *scan, struct scan_item *item, const char *code)
{
	const char **codes =
		arena_alloc_array(scan->arena, item->codes_count + 1, sizeof(const char *));
	if (item->codes_count)
		memcpy(codes, item->codes, item->codes_count * sizeof(const char *));
	codes[item->codes_count++] = arena_string(scan->arena, code);
	item->codes = codes;
}

int64_t scan_left(const struct scan_item *item)
{
	int64_t left = item->expected - item->counted - item->missing - item->damaged;
	return left > 0 ? left : 0;
}

int64_t scan_expected(const struct scan *scan)
{
	int64_t sum = 0;
	for (size_t i = 0; i < scan->count; i++)
		sum += scan->items[i].expected;
	return sum;
}

int64_t scan_handled(const struct scan *scan)
{
	int64_t sum = 0;
	for (size_t i = 0; i < scan->count; i++)
		sum += scan->items[i].counted + scan->items[i].missing + scan->items[i].damaged;
	return sum;
}

const struct scan_item *scan_next(const struct scan *scan)
{
	for (size_t i = 0; i < scan->count; i++)
		if (scan_left(&scan->items[i]))
			return &scan->items[i];
	return NULL;
}

static void take(struct scan *scan, struct scan_item *item, int64_t *counter, int64_t quantity)
{
	scan->steps = arena_grow(scan->arena, scan->steps, scan->steps_count, &scan->steps_capacity,
		sizeof(*scan->steps));
	scan->steps[scan->steps_count++] = (struct scan_step){item, counter, quantity};
	*counter += quantity;
	scan->item = item;
	scan->taken = quantity;
	scan->quantity = 0;
}

void scan_rest_is_missing(struct scan *scan)
{
	for (size_t i = 0; i < scan->count; i++)
		if (scan_left(&scan->items[i]))
			take(scan, &scan->items[i], &scan->items[i].missing, scan_left(&scan->items[i]));
}

static enum scan_outcome undo(struct scan *scan)
{
	if (scan->quantity) {
		scan->quantity = 0;
		scan->item = NULL;
		return SCAN_UNDONE;
	}
	if (!scan->steps_count)
		return SCAN_NO_UNDO;
	const struct scan_step *step = &scan->steps[--scan->steps_count];
	*step->counter -= step->quantity;
	scan->item = step->item;
	scan->taken = step->quantity;
	return SCAN_UNDONE;
}

/* "3*CODE": the number, and the code behind it. 0 when there is none; -1 when it is no quantity. */
static int64_t read_quantity(struct scan *scan, const char **code)
{
	const char *star = strchr(*code, '*');
	int64_t quantity;
	if (!star || scan_find(scan, *code))
		return 0;
	if (!parse_integer(arena_string_sized(scan->arena, *code, (size_t)(star - *code)), &quantity) ||
		quantity < 1)
		return -1;
	*code = star + 1;
	while (*code[0] == ' ')
		(*code)++;
	return quantity;
}

enum taken_as {
	AS_COUNTED,
	AS_MISSING,
	AS_DAMAGED,
};

static enum scan_outcome take_code(struct scan *scan, const char *code, enum taken_as as)
{
	int64_t quantity = read_quantity(scan, &code);
	scan->code = code;
	if (!*code)
		return SCAN_NO_CODE;
	if (quantity < 0)
		return SCAN_BAD_QUANTITY;
	if (!quantity)
		quantity = scan->quantity;
	struct scan_item *item = scan->item = scan_find(scan, code);
	if (!item)
		return SCAN_UNKNOWN;
	/* A shelf that is empty is short of all the rest. */
	if (!quantity)
		quantity = as == AS_MISSING ? scan_left(item) : 1;
	scan->taken = quantity;
	bool over = quantity > scan_left(item) || (as == AS_MISSING && !quantity);
	if (over && (as == AS_MISSING || !scan->takes_more)) {
		scan->quantity = 0;
		return SCAN_ENOUGH;
	}
	take(scan, item,
		as == AS_COUNTED   ? &item->counted
		: as == AS_MISSING ? &item->missing
						   : &item->damaged,
		quantity);
	if (over)
		return SCAN_OVER;
	return as == AS_COUNTED ? SCAN_COUNTED : as == AS_MISSING ? SCAN_MISSING : SCAN_DAMAGED;
}

static bool is_quantity(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	return digits && digits <= QUANTITY_DIGITS_MAX && !text[digits];
}

/* The text behind a word and the spaces after it; NULL when it does not begin with the word. */
static const char *after_word(const char *text, const char *word)
{
	size_t length = strlen(word);
	if (strncasecmp(text, word, length) != 0 || (text[length] && text[length] != ' '))
		return NULL;
	text += length;
	while (*text == ' ')
		text++;
	return text;
}

static const char *trimmed(struct scan *scan, const char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	size_t length = strlen(text);
	while (length && isspace((unsigned char)text[length - 1]))
		length--;
	return arena_string_sized(scan->arena, text, length);
}

enum scan_outcome scan_line(struct scan *scan, const char *text)
{
	static const struct {
		const char *word;
		enum scan_outcome outcome;
	} words[] = {{"done", SCAN_DONE}, {"list", SCAN_LIST}, {"help", SCAN_HELP}, {"?", SCAN_HELP}};
	const char *rest;
	text = trimmed(scan, text);
	scan->item = NULL;
	scan->taken = 0;
	scan->code = text;
	if (!*text)
		return SCAN_NOTHING;
	/* What is the code of an item is that item, whatever else it looks like. */
	if (scan_find(scan, text))
		return take_code(scan, text, AS_COUNTED);
	for (size_t i = 0; i < ARRAY_COUNT(words); i++)
		if (strcasecmp(text, words[i].word) == 0)
			return words[i].outcome;
	if (strcasecmp(text, "undo") == 0)
		return undo(scan);
	if (scan->knows_short && (rest = after_word(text, "short")))
		return take_code(scan, rest, AS_MISSING);
	if ((rest = after_word(text, "damaged")))
		return take_code(scan, rest, AS_DAMAGED);
	if (is_quantity(text)) {
		if (!parse_integer(text, &scan->quantity) || !scan->quantity)
			return SCAN_BAD_QUANTITY;
		scan->taken = scan->quantity;
		return SCAN_QUANTITY;
	}
	return take_code(scan, text, AS_COUNTED);
}
