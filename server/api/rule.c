#include "api/rule.h"

#include <inttypes.h>
#include <string.h>

#include "api/place.h"
#include "base/uuid.h"

#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "google/protobuf/wrappers.pb-c.h"

#include "stockbook/v1/common.pb-c.h"

/* Years 1 to 9999 and 10,000 years, as timestamp.proto and duration.proto say. */
#define TIMESTAMP_SECONDS_MIN INT64_C(-62135596800)
#define TIMESTAMP_SECONDS_MAX INT64_C(253402300799)
#define DURATION_SECONDS_MAX INT64_C(315576000000)
#define NANOS_MAX 999999999
#define NANOS_PER_MS 1000000

struct check {
	const struct rule *rule;
	const struct compiled_rule *compiled;
	struct arena *arena;
	struct refusal *refusal;
	bool right;
};

PRINTF_LIKE(3, 4)
static void violation(struct check *check, const struct place *place, const char *format, ...)
{
	check->right = false;
	if (check->refusal->field_count >= RULE_VIOLATIONS_MAX)
		return;
	va_list arguments;
	va_start(arguments, format);
	refusal_add_field(check->refusal, check->arena, place_path(place, check->arena), "%s",
		arena_vprintf(check->arena, format, arguments));
	va_end(arguments);
}

static const void *member(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	return (const char *)message + field->offset;
}

static size_t list_count(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	return *(const size_t *)(const void *)((const char *)message + field->quantifier_offset);
}

/* ---- Texts ---- */

static int64_t text_characters(const char *text)
{
	int64_t count = 0;
	for (; *text; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

/* Nearly all codes are short and plain: then there is nothing to find. */
static bool is_plain_code(const char *text, int64_t characters_max)
{
	const char *c = text;
	while (*c > ' ' && *c < 0x7f)
		c++;
	return *c == '\0' && c > text && c - text <= characters_max;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_upper_case(const char *text, size_t length)
{
	if (strlen(text) != length)
		return false;
	for (; *text; text++) {
		if (*text < 'A' || *text > 'Z')
			return false;
	}
	return true;
}

/* They would break lines in files, tables and logs. */
static bool has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

static void check_code(struct check *check, const char *text, const struct place *place)
{
	if (is_plain_code(text, check->rule->max))
		return;
	int64_t count = text_characters(text);
	if (count == 0)
		violation(check, place, "is required");
	else if (count > check->rule->max)
		violation(check, place, "must be %" PRId64 " to %" PRId64 " characters, has %" PRId64,
			check->rule->min, check->rule->max, count);
	else if (is_space(text[0]) || is_space(text[strlen(text) - 1]))
		violation(check, place, "must not begin or end with a space");
	else if (has_control(text))
		violation(check, place, "must not hold control characters such as line breaks");
}

static void check_length(struct check *check, const char *text, const struct place *place)
{
	int64_t count = text_characters(text);
	if (count == 0 && check->rule->min > 0)
		violation(check, place, "is required");
	else if (count > check->rule->max)
		violation(check, place, "must be at most %" PRId64 " characters, has %" PRId64,
			check->rule->max, count);
}

static void check_uuid(struct check *check, const char *text, const struct place *place)
{
	struct uuid uuid;
	if (!*text)
		violation(check, place, "is required: a UUID");
	else if (!uuid_parse(text, &uuid) || uuid_is_nil(&uuid))
		violation(check, place, "must be a UUID such as '0190163d-8694-739b-aea5-966c26f8ad91'");
}

static void check_text(struct check *check, const char *text, const struct place *place)
{
	if (!*text && check->rule->optional)
		return;
	switch ((unsigned)check->rule->kind) {
	case RULE_REQUIRED:
		if (!*text)
			violation(check, place, "is required");
		return;
	case RULE_CODE:
		check_code(check, text, place);
		return;
	case RULE_TEXT:
		check_length(check, text, place);
		return;
	case RULE_UUID:
		check_uuid(check, text, place);
		return;
	case RULE_COUNTRY:
		if (!is_upper_case(text, 2))
			violation(check, place, "must be two upper-case letters such as 'GB'");
		return;
	default:
		CHECK(!"rule_compile() lets only rules of texts come here");
	}
}

/* ---- Numbers ---- */

static int64_t number_value(const ProtobufCFieldDescriptor *field, const void *value)
{
	if (field->type == PROTOBUF_C_TYPE_INT64)
		return *(const int64_t *)value;
	return *(const int32_t *)value;
}

static void check_range(struct check *check, int64_t number, const struct place *place)
{
	if (number < check->rule->min || number > check->rule->max)
		violation(check, place, "must be %" PRId64 " to %" PRId64 ", is %" PRId64, check->rule->min,
			check->rule->max, number);
}

/* "AVAILABLE, DAMAGED": the values that the rule allows, without the prefix that they share. */
static const char *enum_choices(struct check *check, const ProtobufCEnumDescriptor *descriptor)
{
	const char *choices = "";
	const char *zero = protobuf_c_enum_descriptor_get_value(descriptor, 0)->name;
	const char *suffix = strstr(zero, "UNSPECIFIED");
	size_t prefix = suffix ? (size_t)(suffix - zero) : 0;
	for (unsigned i = 0; i < descriptor->n_values; i++) {
		const ProtobufCEnumValue *value = &descriptor->values[i];
		bool allowed =
			check->rule->kind == RULE_ENUM || (check->rule->max & INT64_C(1) << value->value);
		if (value->value == 0 || !allowed)
			continue;
		choices = arena_printf(check->arena, "%s%s%s", choices, *choices ? ", " : "",
			strlen(value->name) > prefix ? value->name + prefix : value->name);
	}
	return choices;
}

static void check_enum(struct check *check, const ProtobufCFieldDescriptor *field, int number,
	const struct place *place)
{
	const ProtobufCEnumDescriptor *descriptor = field->descriptor;
	const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(descriptor, number);
	if (number == 0 && check->rule->optional)
		return;
	bool allowed = value && number != 0;
	if (allowed && check->rule->kind == RULE_ENUM_ONE_OF)
		allowed = number > 0 && number < 63 && (check->rule->max & INT64_C(1) << number);
	if (!allowed)
		violation(check, place, "must be one of %s, is %s", enum_choices(check, descriptor),
			value ? value->name : arena_printf(check->arena, "%d", number));
}

static void check_number(struct check *check, const ProtobufCFieldDescriptor *field,
	const void *value, const struct place *place)
{
	int64_t number = number_value(field, value);
	if (check->rule->kind == RULE_RANGE)
		check_range(check, number, place);
	else if (number == 0)
		violation(check, place, "must not be 0");
}

/* ---- Messages ---- */

static void check_timestamp(struct check *check, const Google__Protobuf__Timestamp *time,
	const struct place *place)
{
	if (time->seconds < TIMESTAMP_SECONDS_MIN || time->seconds > TIMESTAMP_SECONDS_MAX ||
		time->nanos < 0 || time->nanos > NANOS_MAX)
		violation(check, place, "must be a time in the years 1 to 9999");
}

static void check_duration(struct check *check, const Google__Protobuf__Duration *duration,
	const struct place *place)
{
	int64_t seconds = duration->seconds;
	int32_t nanos = duration->nanos;
	if (seconds > DURATION_SECONDS_MAX || seconds < -DURATION_SECONDS_MAX || nanos > NANOS_MAX ||
		nanos < -NANOS_MAX || (seconds > 0 && nanos < 0) || (seconds < 0 && nanos > 0)) {
		violation(check, place, "must be a valid duration");
		return;
	}
	int64_t ms = seconds * 1000 + nanos / NANOS_PER_MS;
	if (ms < check->rule->min || ms > check->rule->max)
		violation(check, place, "must be %" PRId64 " to %" PRId64 " seconds",
			check->rule->min / 1000, check->rule->max / 1000);
}

static void check_money(struct check *check, const Stockbook__V1__Money *money,
	const struct place *place)
{
	struct place minor_units = {place, "minor_units", PLACE_NO_INDEX};
	struct place currency_code = {place, "currency_code", PLACE_NO_INDEX};
	check_range(check, money->minor_units, &minor_units);
	if (!is_upper_case(money->currency_code, 3))
		violation(check, &currency_code, "must be three upper-case letters such as 'GBP'");
}

static void check_message(struct check *check, const ProtobufCMessage *message,
	const struct place *place)
{
	if (!message) {
		if (check->rule->kind == RULE_REQUIRED)
			violation(check, place, "is required");
		return;
	}
	switch ((unsigned)check->rule->kind) {
	case RULE_REQUIRED:
		return;
	case RULE_RANGE:
		check_range(check, ((const Google__Protobuf__Int64Value *)message)->value, place);
		return;
	case RULE_TIMESTAMP:
		check_timestamp(check, (const Google__Protobuf__Timestamp *)message, place);
		return;
	case RULE_DURATION:
		check_duration(check, (const Google__Protobuf__Duration *)message, place);
		return;
	case RULE_MONEY:
		check_money(check, (const Stockbook__V1__Money *)message, place);
		return;
	default:
		CHECK(!"rule_compile() lets only rules of messages come here");
	}
}

/* ---- The walk ---- */

static void check_coordinate(struct check *check, double number, const struct place *place)
{
	/* Written so that NaN is wrong. */
	if (!(number >= (double)check->rule->min && number <= (double)check->rule->max))
		violation(check, place, "must be %" PRId64 " to %" PRId64, check->rule->min,
			check->rule->max);
}

/* value: of the field, or of one element of the list. */
static void check_value(struct check *check, const ProtobufCFieldDescriptor *field,
	const void *value, const struct place *place)
{
	switch ((unsigned)field->type) {
	case PROTOBUF_C_TYPE_STRING:
		check_text(check, *(const char *const *)value, place);
		return;
	case PROTOBUF_C_TYPE_MESSAGE:
		check_message(check, *(const ProtobufCMessage *const *)value, place);
		return;
	case PROTOBUF_C_TYPE_ENUM:
		check_enum(check, field, *(const int *)value, place);
		return;
	case PROTOBUF_C_TYPE_DOUBLE:
		check_coordinate(check, *(const double *)value, place);
		return;
	case PROTOBUF_C_TYPE_BYTES: {
		int64_t size = (int64_t)((const ProtobufCBinaryData *)value)->len;
		if (size < check->rule->min || size > check->rule->max)
			violation(check, place, "must be %" PRId64 " to %" PRId64 " bytes, has %" PRId64,
				check->rule->min, check->rule->max, size);
		return;
	}
	default:
		check_number(check, field, value, place);
	}
}

static void check_count(struct check *check, size_t count, const struct place *place)
{
	if (check->rule->kind == RULE_REQUIRED && count == 0)
		violation(check, place, "is required");
	else if (check->rule->kind == RULE_COUNT &&
			 ((int64_t)count < check->rule->min || (int64_t)count > check->rule->max))
		violation(check, place, "must have %" PRId64 " to %" PRId64 " elements, has %zu",
			check->rule->min, check->rule->max, count);
}

static void walk(struct check *check, const ProtobufCMessage *message, size_t step,
	const struct place *parent)
{
	const ProtobufCFieldDescriptor *field = check->compiled->steps[step];
	bool last = step + 1 == check->compiled->step_count;
	struct place place = {parent, field->name, PLACE_NO_INDEX};
	if (field->label != PROTOBUF_C_LABEL_REPEATED) {
		if (last)
			check_value(check, field, member(message, field), &place);
		else if (*(ProtobufCMessage *const *)member(message, field))
			walk(check, *(ProtobufCMessage *const *)member(message, field), step + 1, &place);
		return;
	}
	size_t count = list_count(message, field);
	if (last && !check->compiled->each) {
		check_count(check, count, &place);
		return;
	}
	/* Texts and messages are both lists of pointers. */
	const void *const *elements = *(const void *const *const *)member(message, field);
	for (size_t i = 0; i < count && check->refusal->field_count < RULE_VIOLATIONS_MAX; i++) {
		place.index = i;
		if (last)
			check_value(check, field, &elements[i], &place);
		else
			walk(check, elements[i], step + 1, &place);
	}
}

static bool is_given(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return list_count(message, field) > 0;
	return **(const char *const *)member(message, field) != '\0';
}

/* "'skus', 'locations'" */
static const char *choice_names(const struct check *check)
{
	const struct compiled_rule *compiled = check->compiled;
	const char *names = "";
	for (size_t i = 0; i < compiled->choice_count; i++)
		names = arena_printf(check->arena, "%s%s'%s'", names, i ? ", " : "",
			compiled->choices[i]->name);
	return names;
}

static void check_choices(struct check *check, const ProtobufCMessage *message)
{
	const struct compiled_rule *compiled = check->compiled;
	bool exactly = check->rule->kind == RULE_EXACTLY_ONE;
	size_t given = 0;
	for (size_t i = 0; i < compiled->choice_count; i++)
		given += is_given(message, compiled->choices[i]);
	struct place place = {NULL, compiled->choices[0]->name, PLACE_NO_INDEX};
	if (given == 0) {
		violation(check, &place, "%s one of %s is required", exactly ? "exactly" : "at least",
			choice_names(check));
	} else if (exactly && given > 1) {
		place.field = compiled->choices[1]->name;
		violation(check, &place, "only one of %s may be given", choice_names(check));
	}
}

/* True: the rule is about something that is not there, and need not be. */
static bool is_left_out(const struct compiled_rule *compiled, const ProtobufCMessage *message)
{
	if (compiled->choice_count > 0)
		return false;
	const ProtobufCFieldDescriptor *field = compiled->steps[0];
	bool last = compiled->step_count == 1;
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return (!last || compiled->each) && list_count(message, field) == 0;
	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		return (!last || compiled->rule->kind != RULE_REQUIRED) &&
			   !*(ProtobufCMessage *const *)member(message, field);
	return field->type == PROTOBUF_C_TYPE_STRING && compiled->rule->optional &&
		   **(const char *const *)member(message, field) == '\0';
}

bool rule_check(const struct compiled_rule *compiled, const ProtobufCMessage *message,
	struct arena *arena, struct refusal *refusal)
{
	if (is_left_out(compiled, message))
		return true;
	struct check check = {compiled->rule, compiled, arena, refusal, true};
	if (compiled->choice_count > 0)
		check_choices(&check, message);
	else
		walk(&check, message, 0, NULL);
	return check.right;
}

/* ---- Compiling ---- */

static bool is_message(const ProtobufCFieldDescriptor *field,
	const ProtobufCMessageDescriptor *descriptor)
{
	return field->type == PROTOBUF_C_TYPE_MESSAGE && field->descriptor == descriptor;
}

static bool is_number(const ProtobufCFieldDescriptor *field)
{
	return field->type == PROTOBUF_C_TYPE_INT32 || field->type == PROTOBUF_C_TYPE_INT64;
}

static bool kind_fits(const struct rule *rule, const ProtobufCFieldDescriptor *field, bool each)
{
	bool list = field->label == PROTOBUF_C_LABEL_REPEATED && !each;
	if (list)
		return rule->kind == RULE_COUNT || rule->kind == RULE_REQUIRED;
	switch (rule->kind) {
	case RULE_REQUIRED:
		return field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;
	case RULE_CODE:
	case RULE_TEXT:
	case RULE_UUID:
	case RULE_COUNTRY:
		return field->type == PROTOBUF_C_TYPE_STRING;
	case RULE_RANGE:
		return is_number(field) || is_message(field, &google__protobuf__int64_value__descriptor);
	case RULE_NOT_ZERO:
		return is_number(field);
	case RULE_BYTES:
		return field->type == PROTOBUF_C_TYPE_BYTES;
	case RULE_ENUM:
	case RULE_ENUM_ONE_OF:
		return field->type == PROTOBUF_C_TYPE_ENUM;
	case RULE_COORDINATE:
		return field->type == PROTOBUF_C_TYPE_DOUBLE;
	case RULE_TIMESTAMP:
		return is_message(field, &google__protobuf__timestamp__descriptor);
	case RULE_DURATION:
		return is_message(field, &google__protobuf__duration__descriptor);
	case RULE_MONEY:
		return is_message(field, &stockbook__v1__money__descriptor);
	case RULE_COUNT:
	case RULE_AT_LEAST_ONE:
	case RULE_EXACTLY_ONE:
		return false;
	}
	return false;
}

static bool compile_choices(const struct rule *rule, const ProtobufCMessageDescriptor *descriptor,
	struct arena *arena, struct compiled_rule *compiled, const char **error)
{
	char *save = NULL;
	char *names = arena_string(arena, rule->path);
	for (char *name = strtok_r(names, "|", &save); name; name = strtok_r(NULL, "|", &save)) {
		const ProtobufCFieldDescriptor *field =
			protobuf_c_message_descriptor_get_field_by_name(descriptor, name);
		bool fits =
			field && compiled->choice_count < RULE_CHOICES_MAX &&
			(field->label == PROTOBUF_C_LABEL_REPEATED || field->type == PROTOBUF_C_TYPE_STRING);
		if (!fits) {
			*error = arena_printf(arena, "rule '%s': '%s' is no text or list of '%s'", rule->path,
				name, descriptor->name);
			return false;
		}
		compiled->choices[compiled->choice_count++] = field;
	}
	if (compiled->choice_count >= 2)
		return true;
	*error = arena_printf(arena, "rule '%s' needs two fields at least", rule->path);
	return false;
}

/* One step of the path: "lines[]" into its field. NULL: there is none. */
static const ProtobufCFieldDescriptor *compile_step(char *step,
	const ProtobufCMessageDescriptor *descriptor, bool *each)
{
	size_t length = strlen(step);
	*each = length > 2 && strcmp(step + length - 2, "[]") == 0;
	if (*each)
		step[length - 2] = '\0';
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(descriptor, step);
	if (field && *each && field->label != PROTOBUF_C_LABEL_REPEATED)
		return NULL;
	return field;
}

bool rule_compile(const struct rule *rule, const ProtobufCMessageDescriptor *descriptor,
	struct arena *arena, struct compiled_rule *compiled, const char **error)
{
	*compiled = (struct compiled_rule){.rule = rule};
	if (rule->kind == RULE_AT_LEAST_ONE || rule->kind == RULE_EXACTLY_ONE)
		return compile_choices(rule, descriptor, arena, compiled, error);
	char *save = NULL;
	char *path = arena_string(arena, rule->path);
	const ProtobufCMessageDescriptor *inside = descriptor;
	for (char *step = strtok_r(path, ".", &save); step; step = strtok_r(NULL, ".", &save)) {
		bool through_list =
			compiled->step_count > 0 && !compiled->each &&
			compiled->steps[compiled->step_count - 1]->label == PROTOBUF_C_LABEL_REPEATED;
		const ProtobufCFieldDescriptor *field =
			inside && !through_list ? compile_step(step, inside, &compiled->each) : NULL;
		if (!field || compiled->step_count == RULE_STEPS_MAX) {
			*error = arena_printf(arena, "rule '%s': '%s' has no such field", rule->path,
				descriptor->name);
			return false;
		}
		compiled->steps[compiled->step_count++] = field;
		inside = field->type == PROTOBUF_C_TYPE_MESSAGE ? field->descriptor : NULL;
	}
	const ProtobufCFieldDescriptor *last =
		compiled->step_count > 0 ? compiled->steps[compiled->step_count - 1] : NULL;
	if (last && kind_fits(rule, last, compiled->each))
		return true;
	*error = arena_printf(arena, "rule '%s' does not fit the field's type in '%s'", rule->path,
		descriptor->name);
	return false;
}
