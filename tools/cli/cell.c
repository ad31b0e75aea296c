#include "cell.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "google/protobuf/timestamp.pb-c.h"
#include "message.h"

/* The end of an id is random, its beginning is the time, which neighbours share. */
#define SHORT_ID_LENGTH 6

const char *short_id(const char *id)
{
	size_t length = strlen(id);
	return length > SHORT_ID_LENGTH ? id + length - SHORT_ID_LENGTH : id;
}

const char *due_text(struct arena *arena, int64_t seconds, int64_t now)
{
	static const struct {
		int64_t seconds;
		int64_t from; /* the unit is used from here on */
		const char *name;
	} units[] = {{86400, INT64_C(2) * 86400, "d"}, {3600, 7200, "h"}, {60, 0, "min"}};
	int64_t off = seconds > now ? seconds - now : now - seconds;
	size_t unit = 0;
	while (off < units[unit].from)
		unit++;
	int64_t count = (off + units[unit].seconds / 2) / units[unit].seconds;
	if (!count)
		return "now";
	return seconds > now ? arena_printf(arena, "in %" PRId64 " %s", count, units[unit].name)
						 : arena_printf(arena, "%" PRId64 " %s LATE", count, units[unit].name);
}

static const char *goods_text(struct arena *arena, const ProtobufCMessage *message,
	const char *field)
{
	size_t count;
	const ProtobufCMessage *const *lines = message_parts(message, field, &count);
	if (!count)
		return "";
	const char *sku = message_text(arena, lines[0], "sku");
	return count > 1 ? arena_printf(arena, "%s +%zu", sku, count - 1) : sku;
}

/* "14:05" of today, "11-22" of another day. */
static const char *brief_time(struct arena *arena, const Google__Protobuf__Timestamp *moment)
{
	char text[16];
	time_t then = (time_t)moment->seconds, now = time(NULL);
	struct tm tm;
	if (!gmtime_r(&then, &tm) ||
		!strftime(text, sizeof(text), then / 86400 == now / 86400 ? "%H:%M" : "%m-%d", &tm))
		return "?";
	return arena_string(arena, text);
}

const char *cell_text(struct arena *arena, const ProtobufCMessage *message,
	const struct column *column)
{
	if (column->kind & (COLUMN_DUE | COLUMN_BRIEF)) {
		const Google__Protobuf__Timestamp *moment =
			(const Google__Protobuf__Timestamp *)message_part(message, column->field);
		if (!moment)
			return "";
		return column->kind & COLUMN_BRIEF ? brief_time(arena, moment)
										   : due_text(arena, moment->seconds, (int64_t)time(NULL));
	}
	if (column->kind & COLUMN_GOODS)
		return goods_text(arena, message, column->field);
	const char *text = message_text(arena, message, column->field);
	if ((column->kind & COLUMN_NO_ZERO) && strcmp(text, "0") == 0)
		return "";
	return column->kind & COLUMN_SHORT ? short_id(text) : text;
}

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(text, *words) == 0)
			return true;
	return false;
}

const char *cell_colour(const char *text, int kind)
{
	static const char *const good[] = {"READY", "PICKED", "PACKED", "COLLECTED", "DELIVERED",
		"RECEIVED", "FULFILLED", "SHIPPED", "CHOSEN", NULL};
	static const char *const bad[] = {"LOST", "CLOSED_SHORT", "PUTTING_BACK", "OUT_OF_STOCK", NULL};
	static const char *const waiting[] = {"REQUESTED", "AWAITING_TRANSFER", "DRAFT",
		"PARTIALLY_RECEIVED", "IN_TRANSIT", "PICKING", NULL};
	if ((kind & COLUMN_NUMBER) && text[0] == '-')
		return "red";
	if (((kind & COLUMN_DUE) && strstr(text, "LATE")) || ((kind & COLUMN_BAR) && text[0] == '!'))
		return "red";
	if (!(kind & COLUMN_STATUS))
		return NULL;
	if (is_one_of(text, good))
		return "green";
	if (is_one_of(text, bad))
		return "red";
	return is_one_of(text, waiting) ? "yellow" : NULL;
}
