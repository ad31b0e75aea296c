/* Migration files: the built-in ones, a folder's, and their statements. Main thread. */
#include "db/migration.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <string.h>

#include "db/embedded_migrations.h" /* made by the build from migrations/ */

static void make_checksum(struct migration *migration)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	SHA256((const unsigned char *)migration->text, strlen(migration->text), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(migration->checksum + 2 * i, 3, "%02x", digest[i]);
}

/* "0001_book.sql" is version 1, "book". */
static bool parse_name(struct migration *migration, const char *file, struct arena *arena)
{
	char *end;
	const char *suffix = strrchr(file, '.');
	migration->version = (int)strtol(file, &end, 10);
	if (end != file + 4 || *end != '_' || !suffix || strcmp(suffix, ".sql") != 0)
		return false;
	migration->name = arena_string_sized(arena, end + 1, (size_t)(suffix - end - 1));
	return true;
}

static bool add(struct migrations *migrations, size_t *capacity, const char *file, const char *text,
	struct arena *arena, const char **error)
{
	struct migration migration = {.text = text};
	if (!parse_name(&migration, file, arena)) {
		*error = arena_printf(arena, "migration '%s' is not named like '0001_book.sql'", file);
		return false;
	}
	make_checksum(&migration);
	migrations->items = arena_grow(arena, migrations->items, migrations->count, capacity,
		sizeof(migrations->items[0]));
	migrations->items[migrations->count++] = migration;
	return true;
}

static int compare(const void *a, const void *b)
{
	return ((const struct migration *)a)->version - ((const struct migration *)b)->version;
}

static bool check_order(struct migrations *migrations, struct arena *arena, const char **error)
{
	qsort(migrations->items, migrations->count, sizeof(migrations->items[0]), compare);
	for (size_t i = 0; i < migrations->count; i++) {
		if (migrations->items[i].version == (int)i + 1)
			continue;
		*error = arena_printf(arena, "migration %04d is missing or there twice", (int)i + 1);
		return false;
	}
	if (migrations->count == 0)
		*error = "there are no migrations";
	return migrations->count > 0;
}

static char *read_file(const char *path, struct arena *arena)
{
	FILE *file = fopen(path, "re");
	long size = -1;
	char *text = NULL;
	if (file && fseek(file, 0, SEEK_END) == 0)
		size = ftell(file);
	if (size >= 0) {
		rewind(file);
		text = arena_alloc(arena, (size_t)size + 1);
		if (fread(text, 1, (size_t)size, file) != (size_t)size)
			text = NULL;
	}
	if (file)
		fclose(file);
	return text;
}

static bool load_directory(struct migrations *migrations, const char *directory, size_t *capacity,
	struct arena *arena, const char **error)
{
	DIR *folder = opendir(directory);
	if (!folder) {
		*error = arena_printf(arena, "folder of migrations '%s' cannot be read: %s", directory,
			strerror(errno));
		return false;
	}
	bool fine = true;
	for (struct dirent *entry; fine && (entry = readdir(folder));) {
		const char *suffix = strrchr(entry->d_name, '.');
		if (!suffix || strcmp(suffix, ".sql") != 0)
			continue;
		const char *path = arena_printf(arena, "%s/%s", directory, entry->d_name);
		const char *text = read_file(path, arena);
		if (!text)
			*error = arena_printf(arena, "migration '%s' cannot be read", path);
		fine = text && add(migrations, capacity, entry->d_name, text, arena, error);
	}
	closedir(folder);
	return fine;
}

bool migrations_load(struct migrations *migrations, const char *directory, struct arena *arena,
	const char **error)
{
	size_t capacity = 0;
	*migrations = (struct migrations){0};
	if (directory && !load_directory(migrations, directory, &capacity, arena, error))
		return false;
	for (const struct embedded_migration *file = embedded_migrations; !directory && file->name;
		 file++)
		if (!add(migrations, &capacity, file->name, file->sql, arena, error))
			return false;
	return check_order(migrations, arena, error);
}

/* Past a quoted text or name; next is at its first quote. In E'' a backslash hides a quote. */
static const char *skip_quoted(const char *next, bool escapes)
{
	char quote = *next++;
	while (*next && *next != quote)
		next += escapes && *next == '\\' && next[1] ? 2 : 1;
	return *next ? next + 1 : next;
}

static const char *skip_comment(const char *next)
{
	if (*next == '-')
		return next + strcspn(next, "\n");
	int depth = 0;
	do {
		if (strncmp(next, "/*", 2) == 0)
			depth++;
		else if (strncmp(next, "*/", 2) == 0)
			depth--;
		else {
			next++;
			continue;
		}
		next += 2;
	} while (*next && depth > 0);
	return next;
}

/* Past $tag$ … $tag$; past the dollar alone when it opens nothing. */
static const char *skip_dollar_quoted(const char *next)
{
	size_t size = 1;
	while (isalnum((unsigned char)next[size]) || next[size] == '_')
		size++;
	if (next[size] != '$' || isdigit((unsigned char)next[1]))
		return next + 1;
	size++;
	for (const char *end = next + size; *end; end++)
		if (strncmp(end, next, size) == 0)
			return end + size;
	return next + strlen(next);
}

static bool is_word(char character)
{
	return isalnum((unsigned char)character) || character == '_';
}

const char *migration_next_statement(const char **text, struct arena *arena)
{
	const char *next = *text, *start = NULL;
	while (*next && !(*next == ';' && start)) {
		if (strncmp(next, "--", 2) == 0 || strncmp(next, "/*", 2) == 0) {
			next = skip_comment(next);
			continue;
		}
		if (!start && !isspace((unsigned char)*next) && *next != ';')
			start = next;
		bool after_word = next > *text && is_word(next[-1]);
		if (*next == '\'')
			next = skip_quoted(next, after_word && (next[-1] == 'E' || next[-1] == 'e'));
		else if (*next == '"')
			next = skip_quoted(next, false);
		else if (*next == '$' && !after_word)
			next = skip_dollar_quoted(next);
		else
			next++;
	}
	*text = *next ? next + 1 : next;
	return start ? arena_string_sized(arena, start, (size_t)(next - start)) : NULL;
}
