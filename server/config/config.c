/* Reading the settings from flags, environment and file, and checking them. Main thread. */
#include "config/config.h"

#include <ctype.h>
#include <errno.h>
#include <popt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "config/setting.h"

#define SETTINGS_MAX 64
#define LIST_MAX 64

enum {
	CODE_FILE = SETTINGS_MAX + 1,
	CODE_CHECK,
	CODE_HELP,
	CODE_HELP_MARKDOWN,
	CODE_VERSION,
};

/* What one source says of each setting, in the table's order; NULL: nothing. */
struct source {
	const char *values[SETTINGS_MAX];
	const char *origins[SETTINGS_MAX]; /* for messages: "--lanes", "'book.conf' line 3" */
};

struct loader {
	struct config *config;
	struct arena *arena;
	const char *error;
	struct source flags;
	struct source environment;
	struct source file;
	bool check;
	bool help;
	bool help_markdown;
	bool version;
};

static bool fail(struct loader *loader, const char *format, ...) PRINTF_LIKE(2, 3);

static bool fail(struct loader *loader, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	loader->error = arena_vprintf(loader->arena, format, arguments);
	va_end(arguments);
	return false;
}

static bool is_heading(const struct setting *setting)
{
	return !setting->name;
}

static bool is_end(const struct setting *setting)
{
	return !setting->name && !setting->doc;
}

/* --lock-timeout-ms of lock_timeout_ms, without the dashes in front. */
static char *flag_name(struct arena *arena, const char *name)
{
	char *flag = arena_string(arena, name);
	for (char *next = flag; *next; next++)
		if (*next == '_')
			*next = '-';
	return flag;
}

static char *environment_name(struct arena *arena, const char *name)
{
	char *upper = arena_printf(arena, "STOCKBOOK_%s", name);
	for (char *next = upper; *next; next++)
		*next = (char)toupper((unsigned char)*next);
	return upper;
}

/* Index in the table; -1: there is no such setting. Takes dashes for underscores. */
static int setting_find(const char *name, size_t size)
{
	for (int i = 0; !is_end(&settings_table[i]); i++) {
		const char *known = settings_table[i].name;
		if (!known || strlen(known) != size)
			continue;
		size_t same = 0;
		while (same < size &&
			   (known[same] == name[same] || (known[same] == '_' && name[same] == '-')))
			same++;
		if (same == size)
			return i;
	}
	return -1;
}

/* Flags: popt's table is made from ours. */
static struct poptOption *make_options(struct loader *loader)
{
	struct arena *arena = loader->arena;
	struct poptOption *options = arena_alloc_array(arena, SETTINGS_MAX + 8, sizeof(*options));
	size_t count = 0;
	for (int i = 0; !is_end(&settings_table[i]); i++) {
		const struct setting *setting = &settings_table[i];
		CHECK(i < SETTINGS_MAX);
		if (is_heading(setting))
			continue;
		options[count++] = (struct poptOption){.longName = flag_name(arena, setting->name),
			.argInfo = setting->kind == SETTING_FLAG ? POPT_ARG_NONE : POPT_ARG_STRING,
			.val = i + 1};
	}
	static const struct poptOption others[] = {
		{.longName = "config", .argInfo = POPT_ARG_STRING, .val = CODE_FILE},
		{.longName = "check", .argInfo = POPT_ARG_NONE, .val = CODE_CHECK},
		{.longName = "help", .shortName = 'h', .argInfo = POPT_ARG_NONE, .val = CODE_HELP},
		{.longName = "help-markdown", .argInfo = POPT_ARG_NONE, .val = CODE_HELP_MARKDOWN},
		{.longName = "version", .argInfo = POPT_ARG_NONE, .val = CODE_VERSION},
	};
	memcpy(options + count, others, sizeof(others)); /* the rest is zero: popt's end */
	return options;
}

static void take_flag(struct loader *loader, int index, const char *value)
{
	const struct setting *setting = &settings_table[index];
	const char **place = &loader->flags.values[index];
	loader->flags.origins[index] =
		arena_printf(loader->arena, "--%s", flag_name(loader->arena, setting->name));
	if (setting->kind == SETTING_FLAG)
		*place = "true";
	else if (setting->kind == SETTING_LIST && *place)
		*place = arena_printf(loader->arena, "%s,%s", *place, value);
	else
		*place = value;
}

static void take_option(struct loader *loader, int code, const char *value)
{
	switch (code) {
	case CODE_FILE:
		loader->config->file = value;
		return;
	case CODE_CHECK:
		loader->check = true;
		return;
	case CODE_HELP:
		loader->help = true;
		return;
	case CODE_HELP_MARKDOWN:
		loader->help_markdown = true;
		return;
	case CODE_VERSION:
		loader->version = true;
		return;
	default:
		take_flag(loader, code - 1, value);
	}
}

static bool take_command(struct loader *loader, const char **words)
{
	enum config_command *command = &loader->config->command;
	const char *word = words ? words[0] : NULL;
	*command = COMMAND_SERVE;
	if (loader->help || loader->help_markdown || loader->version) {
		*command = loader->help      ? COMMAND_HELP
				   : loader->version ? COMMAND_VERSION
									 : COMMAND_HELP_MARKDOWN;
		return true;
	}
	if (word && strcmp(word, "migrate") == 0) {
		*command = loader->check ? COMMAND_MIGRATE_CHECK : COMMAND_MIGRATE;
		word = words[1];
	} else if (loader->check) {
		return fail(loader, "--check belongs to 'stockbookd migrate'");
	}
	return !word || fail(loader, "command '%s' is not known: see stockbookd --help", word);
}

static bool read_flags(struct loader *loader, int argc, const char **argv)
{
	poptContext context = poptGetContext("stockbookd", argc, argv, make_options(loader), 0);
	int code;
	while ((code = poptGetNextOpt(context)) > 0) {
		char *value = poptGetOptArg(context);
		take_option(loader, code, arena_string(loader->arena, value));
		free(value);
	}
	bool fine = code == -1 ||
				fail(loader, "flag '%s': %s: see stockbookd --help", poptBadOption(context, 0),
					code == POPT_ERROR_BADOPT  ? "not known"
					: code == POPT_ERROR_NOARG ? "needs a value"
											   : poptStrerror(code));
	fine = fine && take_command(loader, poptGetArgs(context));
	poptFreeContext(context);
	return fine;
}

static const char *environment_find(const char *const *environment, const char *name)
{
	size_t size = strlen(name);
	for (; environment && *environment; environment++)
		if (strncmp(*environment, name, size) == 0 && (*environment)[size] == '=')
			return *environment + size + 1;
	return NULL;
}

static void read_environment(struct loader *loader, const char *const *environment)
{
	for (int i = 0; !is_end(&settings_table[i]); i++) {
		if (is_heading(&settings_table[i]))
			continue;
		const char *name = environment_name(loader->arena, settings_table[i].name);
		loader->environment.values[i] = environment_find(environment, name);
		loader->environment.origins[i] = name;
	}
	if (!loader->config->file)
		loader->config->file = environment_find(environment, "STOCKBOOK_CONFIG");
}

static char *trim(char *text)
{
	text += strspn(text, " \t\r\n");
	size_t size = strlen(text);
	while (size > 0 && strchr(" \t\r\n", text[size - 1]))
		text[--size] = '\0';
	return text;
}

/* `name = value`; a comment is a line of its own, because a value may hold a '#'. */
static bool read_line(struct loader *loader, char *line, int number)
{
	const char *file = loader->config->file;
	char *name = trim(line), *equals = strchr(name, '=');
	if (*name == '\0' || *name == '#')
		return true;
	if (!equals)
		return fail(loader, "file '%s' line %d: '%s' is not 'name = value'", file, number, name);
	*equals = '\0';
	name = trim(name);
	int index = setting_find(name, strlen(name));
	if (index < 0)
		return fail(loader, "file '%s' line %d: setting '%s' is not known: see stockbookd --help",
			file, number, name);
	if (loader->file.values[index])
		return fail(loader, "file '%s' line %d: setting '%s' is there twice", file, number, name);
	loader->file.values[index] = arena_string(loader->arena, trim(equals + 1));
	loader->file.origins[index] = arena_printf(loader->arena, "'%s' line %d", file, number);
	return true;
}

static bool read_file(struct loader *loader)
{
	const char *path = loader->config->file;
	if (!path)
		return true;
	FILE *file = fopen(path, "re");
	if (!file)
		return fail(loader, "file '%s' cannot be read: %s", path, strerror(errno));
	char line[4096];
	bool fine = true;
	for (int number = 1; fine && fgets(line, sizeof(line), file); number++) {
		fine = strchr(line, '\n') || feof(file) ||
			   fail(loader, "file '%s' line %d: longer than %zu bytes", path, number,
				   sizeof(line) - 2);
		fine = fine && read_line(loader, line, number);
	}
	fine = fine && (!ferror(file) || fail(loader, "file '%s' cannot be read", path));
	fclose(file);
	return fine;
}

static bool parse_flag(const char *value, bool *flag)
{
	static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
	for (size_t i = 0; i < ARRAY_COUNT(words); i++)
		if (strcmp(value, words[i]) == 0) {
			*flag = i % 2;
			return true;
		}
	return false;
}

static bool parse_integer(const struct setting *setting, const char *value, int64_t *integer)
{
	char *end;
	errno = 0;
	long long number = strtoll(value, &end, 10);
	*integer = number;
	return errno == 0 && end != value && *end == '\0' && !isspace((unsigned char)*value) &&
		   number >= setting->minimum && number <= setting->maximum;
}

static bool is_choice(const char *choices, const char *value)
{
	size_t size = strlen(value);
	for (const char *next = choices; next; next = strchr(next, '|'), next = next ? next + 1 : NULL)
		if (size > 0 && strncmp(next, value, size) == 0 &&
			(next[size] == '|' || next[size] == '\0'))
			return true;
	return false;
}

static bool parse_list(struct loader *loader, const char *value, struct config_list *list)
{
	const char **items = arena_alloc_array(loader->arena, LIST_MAX, sizeof(*items));
	*list = (struct config_list){.items = items};
	char *rest = arena_string(loader->arena, value);
	for (char *item; (item = strsep(&rest, ","));) {
		item = trim(item);
		if (!*item || list->count == LIST_MAX)
			return false;
		items[list->count++] = item;
	}
	return list->count > 0;
}

static bool set(struct loader *loader, const struct setting *setting, const char *value,
	const char *origin)
{
	void *place = (char *)loader->config + setting->offset;
	switch (setting->kind) {
	case SETTING_TEXT:
		*(const char **)place = value;
		return *value || fail(loader, "setting '%s' (%s) is empty", setting->name, origin);
	case SETTING_LIST:
		return parse_list(loader, value, place) ||
			   fail(loader,
				   "setting '%s' (%s): '%s' is not a list of 1 to %d values, separated by commas",
				   setting->name, origin, value, LIST_MAX);
	case SETTING_FLAG:
		return parse_flag(value, place) ||
			   fail(loader, "setting '%s' (%s): '%s' is neither true nor false", setting->name,
				   origin, value);
	case SETTING_INTEGER:
		return parse_integer(setting, value, place) ||
			   fail(loader, "setting '%s' (%s): '%s' is not a whole number from %lld to %lld",
				   setting->name, origin, value, (long long)setting->minimum,
				   (long long)setting->maximum);
	case SETTING_CHOICE:
		*(const char **)place = value;
		return is_choice(setting->placeholder, value) ||
			   fail(loader, "setting '%s' (%s): '%s' is not one of %s", setting->name, origin,
				   value, setting->placeholder);
	}
	return false;
}

static bool set_all(struct loader *loader)
{
	const struct source *sources[] = {&loader->flags, &loader->environment, &loader->file};
	for (int i = 0; !is_end(&settings_table[i]); i++) {
		const struct setting *setting = &settings_table[i];
		const char *value = setting->initial, *origin = "the default";
		for (size_t source = ARRAY_COUNT(sources); source-- > 0;)
			if (sources[source]->values[i]) {
				value = sources[source]->values[i];
				origin = sources[source]->origins[i];
			}
		if (!is_heading(setting) && value && !set(loader, setting, value, origin))
			return false;
	}
	return true;
}

static bool is_loopback(const char *address)
{
	static const char *const starts[] = {"unix:", "127.", "localhost:", "[::1]:"};
	for (size_t i = 0; i < ARRAY_COUNT(starts); i++)
		if (strncmp(address, starts[i], strlen(starts[i])) == 0)
			return true;
	return false;
}

static bool is_address(const char *address)
{
	if (strncmp(address, "unix:", 5) == 0)
		return address[5] != '\0';
	const char *colon = strrchr(address, ':');
	if (!colon || colon == address || !isdigit((unsigned char)colon[1]))
		return false;
	/* A colon in the host is a v6 address, and those stand in brackets. */
	if (memchr(address, ':', (size_t)(colon - address)) && (*address != '[' || colon[-1] != ']'))
		return false;
	char *end;
	long port = strtol(colon + 1, &end, 10);
	return *end == '\0' && port >= 0 && port <= 65535;
}

bool config_is_local(const struct config *config)
{
	for (size_t i = 0; i < config->listen.count; i++)
		if (!is_loopback(config->listen.items[i]))
			return false;
	return true;
}

bool config_is_open(const struct config *config)
{
	return config->insecure_open ||
		   (config->embedded && !config->require_tokens && config_is_local(config));
}

static bool check_database(struct loader *loader)
{
	const struct config *config = loader->config;
	if (config->embedded && config->database)
		return fail(loader, "settings 'embedded' and 'database' are both set: choose one");
	return config->embedded || config->database ||
		   fail(loader, "no database: set --embedded DIR for a private one, or --database URI: see "
						"stockbookd --help");
}

static bool check_access(struct loader *loader)
{
	const struct config *config = loader->config;
	if (config->insecure_open && config->require_tokens)
		return fail(loader, "settings 'insecure_open' and 'require_tokens' contradict each other");
	if (!config->tls_certificate != !config->tls_key)
		return fail(loader, "setting '%s' is needed with '%s'",
			config->tls_key ? "tls_certificate" : "tls_key",
			config->tls_key ? "tls_key" : "tls_certificate");
	if (config->tls_client_ca && !config->tls_certificate)
		return fail(loader, "setting 'tls_certificate' is needed with 'tls_client_ca'");
	if (config_is_local(config) || config->insecure_remote)
		return true;
	if (config->insecure_open)
		return fail(loader,
			"setting 'insecure_open' would let everyone on the network in: listen on "
			"loopback, or add --insecure-remote");
	return config->tls_certificate ||
		   fail(loader, "tokens would cross the network unencrypted: set --tls-certificate and "
						"--tls-key, listen on loopback, or add --insecure-remote");
}

static bool check_all(struct loader *loader)
{
	const struct config *config = loader->config;
	for (size_t i = 0; i < config->listen.count; i++)
		if (!is_address(config->listen.items[i]))
			return fail(loader, "setting 'listen': '%s' is not host:port, [v6]:port or unix:path",
				config->listen.items[i]);
	if (config->hold_default_s > config->hold_max_s)
		return fail(loader, "setting 'hold_default_s' (%lld) is more than 'hold_max_s' (%lld)",
			(long long)config->hold_default_s, (long long)config->hold_max_s);
	return check_database(loader) && (config->command != COMMAND_SERVE || check_access(loader));
}

bool config_load(struct config *config, struct arena *arena, int argc, const char **argv,
	const char *const *environment, const char **error)
{
	*config = (struct config){.command = COMMAND_SERVE};
	struct loader *loader = arena_alloc(arena, sizeof(*loader));
	loader->config = config;
	loader->arena = arena;
	bool fine = read_flags(loader, argc, argv);
	bool asks = config->command == COMMAND_HELP || config->command == COMMAND_HELP_MARKDOWN ||
				config->command == COMMAND_VERSION;
	if (fine && !asks) {
		read_environment(loader, environment);
		fine = read_file(loader) && set_all(loader) && check_all(loader);
	}
	*error = loader->error;
	return fine;
}
