#include "marker.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define FIRST_LINE "stockbook import, server %s\n"

static size_t place_of(const struct marker *marker, const struct uuid *id)
{
	uint64_t hash;
	/* The ids are hashes already. */
	memcpy(&hash, id->bytes + 8, sizeof(hash));
	size_t place = (size_t)(hash * 0x9e3779b97f4a7c15u) & (marker->capacity - 1);
	while (!uuid_is_nil(&marker->ids[place]) && uuid_compare(&marker->ids[place], id) != 0)
		place = (place + 1) & (marker->capacity - 1);
	return place;
}

static void insert(struct marker *marker, const struct uuid *id)
{
	if (2 * (marker->count + 1) > marker->capacity) {
		struct uuid *old = marker->ids;
		size_t old_capacity = marker->capacity;
		marker->capacity = old_capacity ? 2 * old_capacity : 1024;
		marker->ids = calloc(marker->capacity, sizeof(*marker->ids));
		CHECK(marker->ids);
		for (size_t i = 0; i < old_capacity; i++)
			if (!uuid_is_nil(&old[i]))
				marker->ids[place_of(marker, &old[i])] = old[i];
		free(old);
	}
	size_t place = place_of(marker, id);
	if (uuid_is_nil(&marker->ids[place]))
		marker->count++;
	marker->ids[place] = *id;
}

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
			insert(marker, &id);
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
	return marker->count && uuid_parse(request_id, &id) &&
		   !uuid_is_nil(&marker->ids[place_of(marker, &id)]);
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
	free(marker->ids);
}
