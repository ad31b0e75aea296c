/* The table of settings, for people: --help, and the README's. */
#include <ctype.h>
#include <string.h>

#include "config/config.h"
#include "config/setting.h"

#define HELP_COLUMN 34
#define HELP_WIDTH 100

static const char usage[] =
	"usage: stockbookd [OPTION...]                    serve the book\n"
	"       stockbookd migrate [--check] [OPTION...]  bring the database up to date; with --check\n"
	"                                                 only say what is pending (status 1 if any)\n"
	"\n"
	"A setting is taken from its flag, else from the environment (--drain-ms is STOCKBOOK_DRAIN_MS),\n"
	"else from the file (drain_ms = 5000, a line each), else it has its default.\n"
	"\n"
	"  stockbookd --embedded ./book                    try it: a database of its own, on loopback\n"
	"  stockbookd --database postgresql://db/book --listen 0.0.0.0:50051 \\\n"
	"      --tls-certificate server.pem --tls-key server.key\n";

static void print_flag(FILE *file, const char *name)
{
	fprintf(file, "--");
	for (; *name; name++)
		fputc(*name == '_' ? '-' : *name, file);
}

static void print_environment(FILE *file, const char *name)
{
	fprintf(file, "STOCKBOOK_");
	for (; *name; name++)
		fputc(toupper((unsigned char)*name), file);
}

/* Words from the column on, broken before the width; `at` is where the line stands. */
static void print_wrapped(FILE *file, size_t at, const char *text)
{
	if (at >= HELP_COLUMN) {
		fputc('\n', file);
		at = 0;
	}
	fprintf(file, "%*s", (int)(HELP_COLUMN - at), "");
	at = HELP_COLUMN;
	while (*text) {
		size_t size = strcspn(text, " ");
		if (at > HELP_COLUMN && at + 1 + size > HELP_WIDTH) {
			fprintf(file, "\n%*s", HELP_COLUMN, "");
			at = HELP_COLUMN;
		}
		if (at > HELP_COLUMN)
			at += (size_t)fprintf(file, " ");
		fprintf(file, "%.*s", (int)size, text);
		at += size;
		text += size;
		text += strspn(text, " ");
	}
	fputc('\n', file);
}

static void print_setting(FILE *file, const struct setting *setting)
{
	char text[512];
	bool has_default = setting->initial && setting->kind != SETTING_FLAG;
	fprintf(file, "  ");
	print_flag(file, setting->name);
	size_t at = 4 + strlen(setting->name);
	if (*setting->placeholder)
		at += (size_t)fprintf(file, " %s", setting->placeholder);
	snprintf(text, sizeof(text), "%s%s%s%s", setting->doc, has_default ? " [" : "",
		has_default ? setting->initial : "", has_default ? "]" : "");
	print_wrapped(file, at, text);
}

void config_help(FILE *file)
{
	fputs(usage, file);
	for (const struct setting *setting = settings_table; setting->name || setting->doc; setting++) {
		if (setting->name)
			print_setting(file, setting);
		else
			fprintf(file, "\n%s:\n", setting->doc);
	}
	fprintf(file, "\nOther:\n");
	static const char *const others[][2] = {
		{"  --config FILE", "read settings from this file (STOCKBOOK_CONFIG)"},
		{"  --help", "print this"},
		{"  --help-markdown", "print the settings as a table of the README"},
		{"  --version", "print the version"},
	};
	for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
		fputs(others[i][0], file);
		print_wrapped(file, strlen(others[i][0]), others[i][1]);
	}
}

/* A pipe would end the cell. */
static void print_cell(FILE *file, const char *text)
{
	for (; *text; text++)
		fprintf(file, *text == '|' ? "\\|" : "%c", *text);
}

static void print_row(FILE *file, const struct setting *setting)
{
	fprintf(file, "| `");
	print_flag(file, setting->name);
	if (*setting->placeholder) {
		fputc(' ', file);
		print_cell(file, setting->placeholder);
	}
	fprintf(file, "` | `");
	print_environment(file, setting->name);
	fprintf(file, "` | ");
	if (setting->initial && setting->kind != SETTING_FLAG)
		fprintf(file, "`%s`", setting->initial);
	fprintf(file, " | ");
	print_cell(file, setting->doc);
	if (setting->kind == SETTING_INTEGER)
		fprintf(file, " (%lld to %lld)", (long long)setting->minimum, (long long)setting->maximum);
	fprintf(file, " |\n");
}

void config_help_markdown(FILE *file)
{
	for (const struct setting *setting = settings_table; setting->name || setting->doc; setting++) {
		if (setting->name)
			print_row(file, setting);
		else
			fprintf(file,
				"%s**%s**\n\n| flag | environment | default | what it does |\n| --- | --- | --- | --- |\n",
				setting == settings_table ? "" : "\n", setting->doc);
	}
}
