#include "marker.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define FIRST_LINE "stockbook import, server %s\n"

/* True when the file is of this server; then it is continued. */
static bool read_old(struct marker *marker, const char *server)
{
	char line[512], expected[512];
	FILE *file = fopen(marker->path, "r");
	if (!file)
		return false;
	snprintf(expected, sizeof(expected), FIRST_LINE, server);
	bool ours = fgets(line, sizeof(line), file) && strcmp(line, expected) == 0;
	while (ours && fgets(line, sizeof(line), file)) {
		struct uuid id;
		line[strcspn(line, "\n")] = '\0';
		/* A half-written last line is no id. */
		if (uuid_parse(line, &id))
			uuid_set_add(&marker->ids, &id);
	}
	fclose(file);
	return ours;
}

void marker_open(struct marker *marker, const char *path, const char *server)
{
	*marker = (struct marker){0};
	if (strcmp(path, "-") == 0)
		return;
	size_t size = strlen(path) + sizeof(".stockbook-import");
	marker->path = malloc(size);
	CHECK(marker->path);
	snprintf(marker->path, size, "%s.stockbook-import", path);
	bool goes_on = read_old(marker, server);
	marker->file = fopen(marker->path, goes_on ? "a" : "w");
	if (marker->file && goes_on)
		fputc('\n', marker->file); /* ends a half-written line */
	else if (marker->file)
		fprintf(marker->file, FIRST_LINE, server);
}

bool marker_has(const struct marker *marker, const char *request_id)
{
	struct uuid id;
	return uuid_parse(request_id, &id) && uuid_set_has(&marker->ids, &id);
}

void marker_add(struct marker *marker, const char *request_id)
{
	if (marker->file)
		fprintf(marker->file, "%s\n", request_id);
}

void marker_close(struct marker *marker, bool remove_file)
{
	if (marker->file)
		fclose(marker->file);
	if (marker->path && remove_file)
		remove(marker->path);
	free(marker->path);
	uuid_set_release(&marker->ids);
}
