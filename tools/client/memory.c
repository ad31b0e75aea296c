#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

void *client_alloc(size_t size)
{
	void *memory = calloc(1, size ? size : 1);
	CHECK(memory);
	return memory;
}

void *client_realloc(void *memory, size_t size)
{
	memory = realloc(memory, size);
	CHECK(memory);
	return memory;
}

char *client_string(const char *text, size_t size)
{
	char *copy = client_alloc(size + 1);
	if (size)
		memcpy(copy, text, size);
	return copy;
}
