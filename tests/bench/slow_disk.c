/*
 * A disk whose fsync takes a millisecond longer, such as a volume in a cloud: preloaded into the
 * bench's own PostgreSQL. It syncs by fdatasync (wal_sync_method's default on Linux) and fsync; the
 * methods open_sync and open_datasync, which sync in write, are not slowed.
 */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define SLOWER_NS_DEFAULT 1000000
#define SECOND_NS 1000000000

typedef int (*sync_function)(int file);

static void wait_for_the_disk(void)
{
	const char *asked = getenv("SLOW_DISK_NS");
	long ns = asked ? strtol(asked, NULL, 10) : SLOWER_NS_DEFAULT;
	struct timespec left = {.tv_sec = ns / SECOND_NS, .tv_nsec = ns % SECOND_NS};
	/* The server's signals must not make the disk faster. */
	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
}

static int sync_slowly(const char *name, sync_function *known, int file)
{
	if (!*known)
		*(void **)known = dlsym(RTLD_NEXT, name);
	int result = (*known)(file);
	int error = errno;
	wait_for_the_disk();
	errno = error;
	return result;
}

int fsync(int file)
{
	static sync_function known;
	return sync_slowly("fsync", &known, file);
}

int fdatasync(int file)
{
	static sync_function known;
	return sync_slowly("fdatasync", &known, file);
}
